//! External loops: a cable that connects one attachment to another, or a switch that reflects frames which a port of
//! the lab reflects as well. A broadcast that enters such a loop circulates for ever.
//!
//! A frame that comes back proves nothing, because a switch with hairpin returns everything once; nor do many equal
//! frames, which may have been sent. So a frame that comes back often is only a [`Suspect`], which finds out whether
//! there is a loop. In a loop, group frames that left the lab and come back are dropped, and so are others that do so
//! repeatedly. No frame is generated here: every frame that leaves is a new attempt, and if some no longer come back,
//! the loop is over.

use super::suspect::{Finding, LoopPath, Suspect};
use crate::lab::Outlet;
use crate::report::list;
use crate::time::Instant;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher as _};
use std::time::Duration;

/// Table size: frames remembered after they left, the last of each slot. A power of two.
const REMEMBERED: usize = 1024;
/// How long after it left a frame may come back.
const RETURNS_WITHIN: Duration = Duration::from_secs(1);
/// The window for counting returns of a frame.
const WINDOW: Duration = Duration::from_secs(1);
/// A group frame that comes back this often in one window is suspicious.
const SUSPICIOUS: u32 = 100;
/// During a loop, a unicast frame may come back this often in one window: a switch may reflect it.
const REFLECTIONS: u32 = 8;
/// Maximum number of suspects at a time.
pub(super) const MAX_SUSPECTS: usize = 64;
/// A frame that turned out not to be in a loop is ignored for this time.
const LEFT_ALONE: Duration = Duration::from_secs(60);
/// How many such frames are remembered; the oldest makes room.
const MAX_CLEARED: usize = 256;
/// Maximum number of loops at a time; a further one is merged into the last.
const MAX_LOOPS: usize = 8;
/// A loop is over if this many frames left and none came back for this long.
const OVER_AFTER: Duration = Duration::from_secs(3);
const OVER_AFTER_FRAMES: u32 = 3;

/// What to do with an incoming frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It enters the lab at this attachment, where it arrived and was held.
    At(Outlet),
    /// It is held.
    Held,
    /// It is in a loop, and is dropped.
    Looped,
}

/// Pending actions and reports.
#[derive(Debug)]
pub(super) enum StormAction<'a> {
    /// A held frame enters the lab.
    Enter(Outlet, &'a [u8]),
    /// A held frame is in a loop, and is dropped.
    Looped(Outlet),
    /// A loop was found.
    Found(&'a LoopPath),
    /// A loop is over.
    Over(&'a LoopPath),
}

/// A frame that left, or is about to.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    hash: u64,
    at: Instant,
    /// Where it first arrived; `None`: it was made in the lab.
    first: Option<Outlet>,
    /// The outlets by which it left.
    by: u64,
    window: Instant,
    /// How often it came back in this window.
    returned: u32,
}

/// Frames that left, by their hash.
#[derive(Debug)]
struct Table(Box<[Sent]>);

impl Table {
    /// The frame; if it is unknown, or left too long ago, it is new here.
    fn sent(&mut self, now: Instant, hash: u64, first: Option<Outlet>) -> &mut Sent {
        let sent = &mut self.0[hash as usize % REMEMBERED];
        if sent.hash != hash || now.since(sent.at) > RETURNS_WITHIN {
            *sent = Sent { hash, at: now, first, window: now, ..Sent::default() };
        }
        sent
    }

    fn leaves(&mut self, now: Instant, hash: u64, outlet: Outlet) {
        let sent = self.sent(now, hash, None);
        sent.at = now;
        sent.by |= bit(outlet);
    }

    /// The frame, if it had left.
    fn comes_in(&mut self, now: Instant, hash: u64, outlet: Outlet) -> Option<Sent> {
        let sent = self.sent(now, hash, Some(outlet));
        if sent.by == 0 {
            return None;
        }
        if now.since(sent.window) >= WINDOW {
            (sent.window, sent.returned) = (now, 0);
        }
        sent.returned = sent.returned.saturating_add(1);
        Some(*sent)
    }
}

impl Default for Table {
    fn default() -> Table {
        Table(vec![Sent::default(); REMEMBERED].into_boxed_slice())
    }
}

/// A loop that was found.
#[derive(Debug, Default)]
struct Loop {
    /// As it was found.
    found: LoopPath,
    /// What remains of it.
    way: LoopPath,
    /// Its outlets by which frames leave, in the format of [`Sent::by`].
    leave: u64,
    /// Since the last frame that came back: when the first one left, and how many did.
    unanswered: Option<(Instant, u32)>,
}

impl Loop {
    fn add(&mut self, more: &LoopPath) {
        for way in [&mut self.found, &mut self.way] {
            for (all, more) in [(&mut way.leave, &more.leave), (&mut way.come_back, &more.come_back)] {
                all.extend(more);
                all.sort_unstable();
                all.dedup();
            }
        }
        self.mark();
    }

    fn absent(&mut self, outlet: Outlet) {
        for outlets in [&mut self.way.leave, &mut self.way.come_back] {
            outlets.retain(|other| *other != outlet);
        }
        self.mark();
    }

    fn mark(&mut self) {
        self.leave = self.way.leave.iter().fold(0, |all, outlet| all | bit(*outlet));
    }

    fn is_over(&self, now: Instant) -> bool {
        let silent = |(since, frames)| now.since(since) >= OVER_AFTER && frames >= OVER_AFTER_FRAMES;
        self.unanswered.is_some_and(silent) || self.way.leave.is_empty() || self.way.come_back.is_empty()
    }
}

/// Watches outgoing and incoming frames.
#[derive(Debug, Default)]
pub(super) struct Storms {
    /// Group frames.
    groups: Table,
    /// Unicast frames; used during a loop.
    singles: Table,
    suspects: Vec<Suspect>,
    /// Hashes of ignored frames, and until when.
    cleared: VecDeque<(u64, Instant)>,
    loops: Vec<Loop>,
}

impl Storms {
    /// A frame leaves the lab.
    pub(super) fn leaves(&mut self, now: Instant, outlet: Outlet, frame: &[u8]) {
        if !is_group(frame) {
            if !self.loops.is_empty() {
                self.singles.leaves(now, hash(frame), outlet);
            }
            return;
        }
        let hash = hash(frame);
        self.groups.leaves(now, hash, outlet);
        for found in self.loops.iter_mut().filter(|l| l.way.leave.contains(&outlet)) {
            let (since, frames) = found.unanswered.unwrap_or((now, 0));
            found.unanswered = Some((since, frames.saturating_add(1)));
        }
        if let Some(suspect) = self.suspects.iter_mut().find(|s| s.is(hash, frame)) {
            suspect.leaves(outlet);
        }
    }

    /// A frame arrives.
    pub(super) fn comes_in(&mut self, now: Instant, outlet: Outlet, frame: &[u8]) -> Admission {
        let group = is_group(frame);
        if !group && self.loops.is_empty() {
            return Admission::At(outlet);
        }
        let hash = hash(frame);
        let table = if group { &mut self.groups } else { &mut self.singles };
        let sent = table.comes_in(now, hash, outlet);
        if let Some(sent) = sent
            && self.goes_round(outlet, sent)
            && (group || sent.returned > REFLECTIONS)
        {
            return Admission::Looped;
        }
        if !group {
            return Admission::At(outlet);
        }
        if let Some(suspect) = self.suspects.iter_mut().find(|s| s.is(hash, frame)) {
            return suspect.comes_in(now, outlet).map_or(Admission::Held, Admission::At);
        }
        if let Some(sent) = sent
            && sent.returned == SUSPICIOUS
            && self.may_suspect(now, hash)
        {
            let mut suspect = Suspect::new(now, hash, sent.first, frame);
            let _ = suspect.comes_in(now, outlet);
            self.suspects.push(suspect);
            return Admission::Held;
        }
        Admission::At(outlet)
    }

    /// Whether a frame that left comes back by a known loop.
    fn goes_round(&mut self, outlet: Outlet, sent: Sent) -> bool {
        let here = |l: &&mut Loop| l.leave & sent.by != 0 && l.way.come_back.contains(&outlet);
        let found = self.loops.iter_mut().find(here);
        found.is_some_and(|found| {
            found.unanswered = None;
            true
        })
    }

    fn may_suspect(&self, now: Instant, hash: u64) -> bool {
        let cleared = self.cleared.iter().any(|(cleared, until)| *cleared == hash && now < *until);
        !cleared && self.suspects.len() < MAX_SUSPECTS && self.suspects.iter().all(|s| s.hash != hash)
    }

    /// When there is work to do.
    pub(super) fn due(&self) -> Option<Instant> {
        self.suspects.iter().map(Suspect::due).min()
    }

    /// Does work that is due.
    pub(super) fn work(&mut self, now: Instant, action: &mut dyn FnMut(StormAction<'_>)) {
        for index in (0..self.suspects.len()).rev() {
            let suspect = &mut self.suspects[index];
            match suspect.work(now, &mut |outlet, frame| action(StormAction::Enter(outlet, frame))) {
                Finding::NothingYet => {}
                Finding::Loop => {
                    let way = suspect.way();
                    suspect.held().for_each(|outlet| action(StormAction::Looped(outlet)));
                    self.suspects.remove(index);
                    if !self.loops.iter().any(|known| known.way.contains(&way)) {
                        action(StormAction::Found(&way));
                        self.found(&way);
                    }
                }
                Finding::NoLoop => self.clear(now, index),
                Finding::Done => {
                    self.clear(now, index);
                    self.suspects.remove(index);
                }
            }
        }
        let loops = &self.loops;
        self.suspects.retain(|suspect| {
            let looped = loops.iter().any(|l| suspect.is_open_and_within(&l.way.come_back));
            if looped {
                suspect.held().for_each(|outlet| action(StormAction::Looped(outlet)));
            }
            !looped
        });
        self.loops.retain(|found| {
            let over = found.is_over(now);
            if over {
                action(StormAction::Over(&found.found));
            }
            !over
        });
    }

    fn found(&mut self, way: &LoopPath) {
        if self.loops.len() < MAX_LOOPS {
            self.loops.push(Loop::default());
        }
        if let Some(last) = self.loops.last_mut() {
            last.add(way);
        }
    }

    /// This suspect is not in a loop.
    fn clear(&mut self, now: Instant, index: usize) {
        let hash = self.suspects[index].hash;
        if self.cleared.iter().any(|(cleared, until)| *cleared == hash && now < *until) {
            return;
        }
        if self.cleared.len() == MAX_CLEARED {
            self.cleared.pop_front();
        }
        self.cleared.push_back((hash, now + LEFT_ALONE));
    }

    /// The peer is gone: no loop uses this outlet any more.
    pub(super) fn absent(&mut self, outlet: Outlet) {
        self.loops.iter_mut().for_each(|found| found.absent(outlet));
    }
}

/// As a sentence; `name` returns the device at an outlet.
pub(super) fn begins(way: &LoopPath, name: impl Fn(Outlet) -> String) -> String {
    let [leave, come_back] = names(way, name);
    format!(
        "a loop outside the lab: broadcasts that leave by {leave} keep coming back by {come_back}; from now on \
         they are dropped there, and counted as in_looped"
    )
}

/// The same for its end.
pub(super) fn ends(way: &LoopPath, name: impl Fn(Outlet) -> String) -> String {
    let [leave, come_back] = names(way, name);
    format!("the loop is over: broadcasts that leave by {leave} no longer come back by {come_back}")
}

fn names(way: &LoopPath, name: impl Fn(Outlet) -> String) -> [String; 2] {
    [&way.leave, &way.come_back].map(|outlets| {
        let names: Vec<String> = outlets.iter().map(|outlet| name(*outlet)).collect();
        list(&names)
    })
}

/// Outlets that are 64 apart share a bit.
fn bit(outlet: Outlet) -> u64 {
    1 << (outlet.index() % 64)
}

fn is_group(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 1 == 1)
}

fn hash(frame: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(frame);
    hasher.finish()
}

#[cfg(test)]
#[path = "storm_tests.rs"]
mod tests;
