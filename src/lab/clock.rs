//! Virtual time: what is under way on the cables, and when the IP stacks want to be woken.

use super::device::{AgentId, DeviceId};
use crate::dataplane::{Bridged, End};
use crate::frame::Frame;
use crate::time::Instant;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// Something that is due.
#[derive(Clone, Debug)]
pub(super) enum Scheduled {
    /// A frame reaches an end of a cable.
    Arrive { at: End, frame: Frame, frame_id: u64, bridged: Bridged },
    /// An IP stack's frame is sent by its device.
    Send { device: DeviceId, frame: Frame },
    /// An IP stack is woken.
    Wake(AgentId),
}

#[derive(Debug)]
struct QueuedEvent {
    time: Instant,
    /// Breaks ties: first come, first served.
    order: u64,
    due: Scheduled,
}

impl PartialEq for QueuedEvent {
    fn eq(&self, other: &QueuedEvent) -> bool {
        (self.time, self.order) == (other.time, other.order)
    }
}

impl Eq for QueuedEvent {}

impl PartialOrd for QueuedEvent {
    fn partial_cmp(&self, other: &QueuedEvent) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for QueuedEvent {
    fn cmp(&self, other: &QueuedEvent) -> std::cmp::Ordering {
        (self.time, self.order).cmp(&(other.time, other.order))
    }
}

/// Frames that are under way at the same time, at most: more than a flood to as many ports as a parent can have. Routers in
/// a circle whose frames are flooded to all of them make twice as many with each hop.
const MAX_UNDER_WAY: usize = 1 << 18;

/// What is due, in the order of time.
#[derive(Debug, Default)]
pub(super) struct EventQueue {
    frames: BinaryHeap<Reverse<QueuedEvent>>,
    wakes: BTreeSet<(Instant, AgentId)>,
    order: u64,
    /// There were too many frames.
    full: bool,
}

impl EventQueue {
    /// Plans something with a frame. Once there were too many, it is lost.
    pub(super) fn plan(&mut self, time: Instant, due: Scheduled) {
        self.full |= self.frames.len() >= MAX_UNDER_WAY;
        if self.full {
            return;
        }
        self.order += 1;
        self.frames.push(Reverse(QueuedEvent { time, order: self.order, due }));
    }

    /// Whether there were too many frames.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// The frames that are under way, which are so no more.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = Scheduled> {
        self.frames.drain().map(|Reverse(entry)| entry.due)
    }

    /// Frames can be planned again.
    pub(super) fn reopen(&mut self) {
        self.full = false;
    }

    /// Moves an agent's wake-up call.
    pub(super) fn rearm(&mut self, agent: AgentId, old: Option<Instant>, new: Option<Instant>) {
        if old != new {
            old.map(|t| self.wakes.remove(&(t, agent)));
            new.map(|t| self.wakes.insert((t, agent)));
        }
    }

    /// Whether a frame is to be sent by this device.
    pub(super) fn sends(&self, by: DeviceId) -> bool {
        self.frames.iter().any(|Reverse(e)| matches!(e.due, Scheduled::Send { device, .. } if device == by))
    }

    /// Whether frames are under way.
    pub(super) fn frames_under_way(&self) -> bool {
        !self.frames.is_empty()
    }

    /// When the next thing is due.
    pub(super) fn next_time(&self) -> Option<Instant> {
        let frame = self.frames.peek().map(|Reverse(e)| e.time);
        let wake = self.wakes.first().map(|(t, _)| *t);
        frame.into_iter().chain(wake).min()
    }

    /// Takes the next thing that is due at or before `limit`; frames before wake-ups of the same moment.
    pub(super) fn take(&mut self, limit: Instant) -> Option<(Instant, Scheduled)> {
        let time = self.next_time().filter(|t| *t <= limit)?;
        if self.frames.peek().is_some_and(|Reverse(e)| e.time == time) {
            return self.frames.pop().map(|Reverse(e)| (time, e.due));
        }
        self.wakes.pop_first().map(|(_, agent)| (time, Scheduled::Wake(agent)))
    }
}
