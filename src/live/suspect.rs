//! A frame that comes back suspiciously often, and the experiment, with the frame itself, that finds out why.
//!
//! While the frame is held, a loop falls silent: copies circulating in it are held, too. A sender that repeats the
//! frame does not fall silent. After silence, one of the held copies enters the lab: in a loop it comes back soon,
//! followed by silence again; otherwise none comes back, or more do. All held copies are equal, so the frame is stored
//! once, with the place where each arrived.

use crate::lab::Outlet;
use crate::time::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// Maximum number of held copies of one suspect.
pub(super) const MAX_HELD: usize = 4096;
/// After this long without arrivals, frames in flight have arrived.
const SILENCE: Duration = Duration::from_millis(20);
/// Without silence for this long, there is a sender.
const PATIENCE: Duration = Duration::from_millis(200);
/// A frame that entered comes back within this time, or not at all.
const COMES_BACK_WITHIN: Duration = Duration::from_millis(100);
/// After the first copy that came back, others may follow, if the loop multiplies them.
const COPIES_WITHIN: Duration = Duration::from_millis(50);
/// Then none arrives until this long after the first; otherwise there is a sender. Longer than [`SILENCE`] and
/// [`COMES_BACK_WITHIN`] together, so that periodic senders are noticed.
const SILENT_FOR: Duration = Duration::from_millis(200);
/// This many in a row have to come back.
const ROUNDS: usize = 4;
/// Interval between two that enter, while it may be a loop, or a sender that waits for a reply.
const PACE: Duration = Duration::from_millis(10);
/// If none can enter for this long, the experiment has ended.
const ENDED_AFTER: Duration = Duration::from_secs(1);
/// This many more than at first are held only if there is a sender.
const MORE: usize = 16;
/// How many of the copies held without need enter at once: a burst of all of them might overload their receivers.
const AT_ONCE: usize = 64;

/// One copy entered: where it left then, and where it came back.
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
    /// One copy entered, and has come back or not.
    Trying { since: Instant, back: Option<Instant> },
    /// It may be a loop, or a sender that waits for a reply: copies enter one by one, the last one at this time. The
    /// number held at the beginning.
    Pacing { last: Instant, held: usize },
    /// There is no loop: the held copies enter.
    Cleared,
}

/// Where frames leave and come back, according to an experiment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LoopPath {
    pub(super) leave: Vec<Outlet>,
    pub(super) come_back: Vec<Outlet>,
}

impl LoopPath {
    /// Whether all of another path is part of this one.
    pub(super) fn contains(&self, other: &LoopPath) -> bool {
        other.leave.iter().all(|outlet| self.leave.contains(outlet))
            && other.come_back.iter().all(|outlet| self.come_back.contains(outlet))
    }
}

#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) hash: u64,
    frame: Vec<u8>,
    /// Where it first arrived; `None`: it was made in the lab.
    first: Option<Outlet>,
    /// Where each copy arrived, oldest first.
    held: VecDeque<Outlet>,
    state: State,
    rounds: Vec<Round>,
    /// Where the last one entered.
    tried: Option<Outlet>,
}

/// The result for a suspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    NothingYet,
    /// It is in a loop.
    Loop,
    /// It is not.
    NoLoop,
    /// It is not, and no copies are held any more.
    Done,
}

impl Suspect {
    /// A frame that arrived too often.
    pub(super) fn new(now: Instant, hash: u64, first: Option<Outlet>, frame: &[u8]) -> Suspect {
        let held = VecDeque::with_capacity(MAX_HELD);
        let state = State::Holding { since: now, last: now };
        Suspect { hash, frame: frame.to_vec(), first, held, state, rounds: Vec::new(), tried: None }
    }

    /// Whether this is the frame.
    pub(super) fn is(&self, hash: u64, frame: &[u8]) -> bool {
        self.hash == hash && self.frame == frame
    }

    /// Another copy arrives and is held. Returns where one must enter in its place, because there is no room for more,
    /// or because copies are no longer held.
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
                    // It is not the one that entered.
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

    /// Whether all copies arrived at these places, and the reason is not known yet.
    pub(super) fn is_open_and_within(&self, outlets: &[Outlet]) -> bool {
        let open = !matches!(self.state, State::Cleared);
        open && self.held.iter().all(|outlet| outlets.contains(outlet))
    }

    /// When there is work to do.
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

    /// Does work that is due. `enter` lets the frame enter where it had arrived.
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

    /// Lets one enter, preferably not where the last one did, because another path may lead elsewhere.
    fn try_one(&mut self, now: Instant, enter: &mut dyn FnMut(Outlet, &[u8])) {
        let other = self.held.iter().position(|outlet| Some(*outlet) != self.tried);
        let Some(outlet) = self.held.remove(other.unwrap_or(0)) else { return };
        self.state = State::Trying { since: now, back: None };
        self.rounds.push(Round::default());
        self.tried = Some(outlet);
        enter(outlet, &self.frame);
    }

    /// Whether it is certainly a loop: the frame first arrived elsewhere than now, or more than one arrives for each
    /// that leaves.
    fn is_loop(&self) -> bool {
        let mut back = self.rounds.iter().flat_map(|round| &round.back);
        back.any(|outlet| Some(*outlet) != self.first) || self.rounds.iter().all(|round| round.copies > 1)
    }

    /// Lets the oldest enter.
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

    /// Where the held copies arrived, which are dropped now.
    pub(super) fn held(&self) -> impl Iterator<Item = Outlet> {
        self.held.iter().copied()
    }

    /// The loop. A flooded frame leaves by other outlets as well, but a cable works in both directions: outlets without
    /// returns are not part of it.
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
