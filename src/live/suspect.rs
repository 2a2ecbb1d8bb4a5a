//! A frame that comes back suspiciously often, and the experiment that shows why, made with the frame itself.
//!
//! While the frame is held, a loop falls silent: what goes round in it is held, too. Someone who sends the frame again and
//! again does not. If there is silence, one of those that are held is let into the lab: in a loop it comes back soon, and
//! then there is silence again; otherwise nothing comes, or more. All that are held are equal, so it is enough to keep the
//! frame once, and where each came in.

use crate::lab::Outlet;
use crate::time::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// The most frames that are held of one suspect.
pub(super) const MAX_HELD: usize = 4096;
/// With nothing coming in for so long, what was under way has arrived.
const SILENCE: Duration = Duration::from_millis(20);
/// If there is no silence in this time, somebody sends.
const PATIENCE: Duration = Duration::from_millis(200);
/// A frame that was let in comes back within this time, or not at all.
const COMES_BACK_WITHIN: Duration = Duration::from_millis(100);
/// Behind the first copy that came back, others may come, if the loop multiplies them.
const COPIES_WITHIN: Duration = Duration::from_millis(50);
/// Then nothing comes until so long after the first; otherwise somebody sends. Longer than [`SILENCE`] and
/// [`COMES_BACK_WITHIN`] together, so that those who send at intervals are noticed.
const SILENT_FOR: Duration = Duration::from_millis(200);
/// So many in a row have to come back.
const ROUNDS: usize = 4;
/// Between two that are let in, as long as it may be a loop, or a sender who waits for an answer.
const PACE: Duration = Duration::from_millis(10);
/// With none to be let in for so long, it has ended.
const ENDED_AFTER: Duration = Duration::from_secs(1);
/// So many more than at first are held only if somebody sends.
const MORE: usize = 16;
/// Frames that are let in at once, of those that were held without need: a burst of all of them may be too much for those
/// who get it.
const AT_ONCE: usize = 64;

/// One frame was let in: where it left then, and where it came back.
#[derive(Debug, Default)]
struct Round {
    left: Vec<Outlet>,
    back: Vec<Outlet>,
    copies: usize,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Everything is held until there is silence.
    Holding { since: Instant, last: Instant },
    /// One was let in, and has come back or not.
    Trying { since: Instant, back: Option<Instant> },
    /// It may be a loop, or a sender who waits for an answer: one after the other is let in, the last one then. So many were
    /// held in the beginning.
    Pacing { last: Instant, held: usize },
    /// There is no loop: those that are held are let in.
    Cleared,
}

/// Where frames leave and come back, as an experiment showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LoopPath {
    pub(super) leave: Vec<Outlet>,
    pub(super) come_back: Vec<Outlet>,
}

impl LoopPath {
    /// Whether all of another way is a part of this one.
    pub(super) fn contains(&self, other: &LoopPath) -> bool {
        other.leave.iter().all(|outlet| self.leave.contains(outlet))
            && other.come_back.iter().all(|outlet| self.come_back.contains(outlet))
    }
}

#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) hash: u64,
    frame: Vec<u8>,
    /// Where it came in the first time; `None`: it was made in the lab.
    first: Option<Outlet>,
    /// Where each came in, oldest first.
    held: VecDeque<Outlet>,
    state: State,
    rounds: Vec<Round>,
    /// Where the last one was let in.
    tried: Option<Outlet>,
}

/// What a suspect turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    NothingYet,
    /// It goes round in a loop.
    Loop,
    /// It does not.
    NoLoop,
    /// It does not, and no frame is held any more.
    Done,
}

impl Suspect {
    /// A frame that came in too often.
    pub(super) fn new(now: Instant, hash: u64, first: Option<Outlet>, frame: &[u8]) -> Suspect {
        let held = VecDeque::with_capacity(MAX_HELD);
        let state = State::Holding { since: now, last: now };
        Suspect { hash, frame: frame.to_vec(), first, held, state, rounds: Vec::new(), tried: None }
    }

    /// Whether this is the frame.
    pub(super) fn is(&self, hash: u64, frame: &[u8]) -> bool {
        self.hash == hash && self.frame == frame
    }

    /// It comes in once more and is held. Where one is to be let in for it, because there is no room for more, or because the
    /// frame is held no longer.
    pub(super) fn comes_in(&mut self, now: Instant, outlet: Outlet) -> Option<Outlet> {
        match &mut self.state {
            State::Holding { last, .. } => *last = now,
            State::Trying { back, .. } => {
                let first = *back.get_or_insert(now);
                match self.rounds.last_mut().filter(|round| !round.left.is_empty()) {
                    Some(round) if now.since(first) <= COPIES_WITHIN => {
                        round.copies += 1;
                        note(&mut round.back, outlet);
                    }
                    // It is not the one that was let in.
                    _ => self.state = State::Cleared,
                }
            }
            State::Pacing { held, .. } if self.held.len() > *held + MORE => self.state = State::Cleared,
            State::Pacing { .. } | State::Cleared => {}
        }
        if self.held.len() == MAX_HELD {
            self.state = State::Cleared;
        }
        if matches!(self.state, State::Cleared) {
            let Some(first) = self.held.pop_front() else { return Some(outlet) };
            self.held.push_back(outlet);
            return Some(first);
        }
        self.held.push_back(outlet);
        None
    }

    /// It leaves the lab.
    pub(super) fn leaves(&mut self, outlet: Outlet) {
        if let (State::Trying { .. }, Some(round)) = (self.state, self.rounds.last_mut()) {
            note(&mut round.left, outlet);
        }
    }

    /// Whether all that came in did so at one of these, and it is not known yet why.
    pub(super) fn is_open_and_within(&self, outlets: &[Outlet]) -> bool {
        let open = !matches!(self.state, State::Cleared);
        open && self.held.iter().all(|outlet| outlets.contains(outlet))
    }

    /// When there is something to do.
    pub(super) fn due(&self) -> Instant {
        match self.state {
            State::Holding { since, last } => (last + SILENCE).min(since + PATIENCE),
            State::Trying { since, back: None } => since + COMES_BACK_WITHIN,
            State::Trying { back: Some(back), .. } => back + SILENT_FOR,
            State::Pacing { last, .. } if self.held.is_empty() => last + ENDED_AFTER,
            State::Pacing { last, .. } => last + PACE,
            State::Cleared => Instant::ZERO,
        }
    }

    /// Does what is due. `enter` lets the frame in where it had come in.
    pub(super) fn work(&mut self, now: Instant, enter: &mut dyn FnMut(Outlet, &[u8])) -> Finding {
        if now < self.due() {
            return Finding::NothingYet;
        }
        match self.state {
            State::Holding { last, .. } if now.since(last) >= SILENCE => self.try_one(now, enter),
            State::Trying { back: Some(_), .. } if self.rounds.len() < ROUNDS => self.try_one(now, enter),
            State::Trying { back: Some(_), .. } if self.is_loop() => return Finding::Loop,
            State::Trying { back: Some(_), .. } | State::Pacing { .. } if !self.held.is_empty() => {
                self.pace(now, enter);
            }
            State::Holding { .. } | State::Trying { .. } | State::Pacing { .. } | State::Cleared => {
                self.state = State::Cleared;
                for outlet in self.held.drain(..AT_ONCE.min(self.held.len())) {
                    enter(outlet, &self.frame);
                }
                return if self.held.is_empty() { Finding::Done } else { Finding::NoLoop };
            }
        }
        Finding::NothingYet
    }

    /// Lets one in, where possible not where the last one was, for another way may lead elsewhere.
    fn try_one(&mut self, now: Instant, enter: &mut dyn FnMut(Outlet, &[u8])) {
        let other = self.held.iter().position(|outlet| Some(*outlet) != self.tried);
        let Some(outlet) = self.held.remove(other.unwrap_or(0)) else { return };
        self.state = State::Trying { since: now, back: None };
        self.rounds.push(Round::default());
        self.tried = Some(outlet);
        enter(outlet, &self.frame);
    }

    /// Whether it is a loop for certain: the frame did not come in the first time where it comes in now, or more than one
    /// comes for each that leaves.
    fn is_loop(&self) -> bool {
        let mut back = self.rounds.iter().flat_map(|round| &round.back);
        back.any(|outlet| Some(*outlet) != self.first) || self.rounds.iter().all(|round| round.copies > 1)
    }

    /// Lets the oldest in.
    fn pace(&mut self, now: Instant, enter: &mut dyn FnMut(Outlet, &[u8])) {
        let held = match self.state {
            State::Pacing { held, .. } => held,
            _ => self.held.len(),
        };
        self.state = State::Pacing { last: now, held };
        if let Some(outlet) = self.held.pop_front() {
            enter(outlet, &self.frame);
        }
    }

    /// Where those that are held came in, which go nowhere any more.
    pub(super) fn held(&self) -> impl Iterator<Item = Outlet> {
        self.held.iter().copied()
    }

    /// The loop. A flooded frame leaves by others as well, but a cable leads both ways: where none comes back, it is not.
    pub(super) fn way(&self) -> LoopPath {
        let mut way = LoopPath::default();
        for outlet in self.rounds.iter().flat_map(|round| &round.back) {
            note(&mut way.come_back, *outlet);
        }
        let mut left = Vec::new();
        for outlet in self.rounds.iter().flat_map(|round| &round.left) {
            note(&mut left, *outlet);
        }
        way.leave = left.iter().filter(|outlet| way.come_back.contains(outlet)).copied().collect();
        if way.leave.is_empty() {
            way.leave = left;
        }
        way.leave.sort_unstable();
        way.come_back.sort_unstable();
        way
    }
}

fn note(outlets: &mut Vec<Outlet>, outlet: Outlet) {
    if !outlets.contains(&outlet) {
        outlets.push(outlet);
    }
}
