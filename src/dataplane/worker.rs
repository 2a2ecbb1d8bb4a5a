//! A worker: one thread's own state, and the frames that it takes through a wiring to their end.

use super::{Bridged, End, ForwardingContext, HopKind, NodeId, Numbered, Observer, State, Wiring};
use crate::frame::{Frame, FramePool};
use crate::time::Instant;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::time::Duration;

/// A frame at a node, as a worker tells it.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'f> {
    /// Where.
    pub at: NodeId,
    /// What happened to it there.
    pub kind: HopKind,
    /// When.
    pub time: Instant,
    /// Its bytes: those that were offered, unless a tag came or went or fragments were put together.
    pub frame: &'f [u8],
    /// The same for all copies of one offered frame: how many were offered until then.
    pub frame_id: u64,
}

/// How a frame enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// It comes out of the cable of a device with a link.
    Wire(NodeId),
    /// A device sends it; what the kernel would refuse is dropped there.
    Sent(NodeId),
}

/// Takes frames through a wiring, each to its end before the next: no stack answers, devices only record. Owns its state
/// and shares nothing but the wiring, so that several workers can run in parallel without a lock.
///
/// ```
/// use macvlab::dataplane::{Entrance, HopKind};
/// use macvlab::lab::{Lab, Options};
/// use macvlab::time::Instant;
///
/// let spec = macvlab::labfile::parse("lab.toml", r#"
///     [nic.eth0]
///     [macvlan.c1]
///     parent = "eth0"
///     mac = "02:00:00:00:00:01"
/// "#)?;
/// let mut worker = Lab::new(&spec, Options::default().with_stacks(false)).into_worker();
/// let eth0 = worker.wiring().find("eth0").ok_or("no eth0")?;
/// let c1 = worker.wiring().find("c1").ok_or("no c1")?;
/// let frame = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0];
/// let mut got_it = Vec::new();
/// worker.take(Entrance::Wire(eth0), Instant::ZERO, &frame, &mut |p| {
///     if matches!(p.kind, HopKind::Receive(..)) { got_it.push(p.at) }
/// });
/// assert_eq!(got_it, [c1]);
/// assert_eq!(worker.state().counters(c1).rx_packets, 1);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Worker {
    wiring: Arc<Wiring>,
    state: State,
    under_way: Queue,
    pool: FramePool,
    now: Instant,
    frames: u64,
}

/// Something on a cable.
#[derive(Clone, Debug)]
struct UnderWay {
    due: Instant,
    /// Of what is due at the same time, the first comes first.
    order: u64,
    to: End,
    /// None: the frame as it was offered.
    made: Option<Frame>,
    /// See [`Numbered::bridged`].
    bridged: Bridged,
}

/// Copies of one frame that are under way at the same time, at most: more than any flood makes. Bridges that form a loop
/// make more with each round; once there are too many, all are lost.
const MAX_UNDER_WAY: usize = 1 << 16;

/// What is under way, in the order in which it is due.
#[derive(Clone, Debug, Default)]
struct Queue {
    /// Due now: on its way inside a host.
    at_once: VecDeque<UnderWay>,
    /// On cables.
    later: VecDeque<UnderWay>,
    planned: u64,
}

impl Queue {
    /// The next; nothing if there are too many.
    fn next(&mut self) -> Option<UnderWay> {
        if self.at_once.len() + self.later.len() >= MAX_UNDER_WAY {
            self.at_once.clear();
            self.later.clear();
        }
        let key = |queue: &VecDeque<UnderWay>| queue.front().map(|first| (first.due, first.order));
        match (key(&self.at_once), key(&self.later)) {
            (Some(now), Some(later)) if later < now => self.later.pop_front(),
            (Some(_), _) => self.at_once.pop_front(),
            (None, _) => self.later.pop_front(),
        }
    }

    fn plan(&mut self, mut new: UnderWay, at_once: bool) {
        self.planned += 1;
        new.order = self.planned;
        if at_once {
            return self.at_once.push_back(new);
        }
        // Cables are mostly alike, so what sets out last is mostly due last.
        let at = self.later.iter().rposition(|other| other.due <= new.due).map_or(0, |n| n + 1);
        self.later.insert(at, new);
    }
}

impl Worker {
    /// A worker that owns this state.
    #[must_use]
    pub fn new(wiring: Arc<Wiring>, mut state: State) -> Worker {
        state.fit(&wiring);
        let (under_way, pool) = (Queue::default(), FramePool::default());
        Worker { wiring, state, under_way, pool, now: Instant::ZERO, frames: 0 }
    }

    /// The wiring that its frames meet.
    #[must_use]
    pub fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    /// What was counted and learned.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Takes a frame to its end: [`take_batch`](Worker::take_batch) for one.
    pub fn take(
        &mut self,
        entrance: Entrance,
        time: Instant,
        frame: &[u8],
        hops: &mut impl FnMut(Passing<'_>),
    ) {
        self.take_batch(entrance, [(time, frame)], hops);
    }

    /// Takes frames to their ends, one after another, each at its time, or now if that is past. Tells every hop, in the
    /// order in which a lab would.
    #[inline]
    pub fn take_batch<'f>(
        &mut self,
        entrance: Entrance,
        frames: impl IntoIterator<Item = (Instant, &'f [u8]), IntoIter: Clone>,
        hops: &mut impl FnMut(Passing<'_>),
    ) {
        let mut courier =
            WorkerObserver { under_way: &mut self.under_way, pool: &mut self.pool, now: self.now, hops };
        let mut forwarding = ForwardingContext::new(&self.wiring, &mut self.state, &mut courier, self.now);
        match entrance {
            Entrance::Wire(node) => {
                let Some(link) = self.wiring.link(node) else { return };
                let number = &mut self.frames;
                let begin = |forwarding: &mut ForwardingContext<'_, WorkerObserver<'_, _>>, (time, frame)| {
                    *number += 1;
                    forwarding.pass_time(time);
                    Numbered::offered(frame, *number)
                };
                let bytes = |(_, frame): (Instant, &'f [u8])| frame;
                let end = |forwarding: &mut ForwardingContext<'_, WorkerObserver<'_, _>>, frame| {
                    forwarding.settle(frame)
                };
                forwarding.take_in_each(node, link, frames.into_iter(), bytes, begin, end);
            }
            Entrance::Sent(node) => forwarding.send_each(node, frames.into_iter(), &mut self.frames),
        }
        self.now = forwarding.now;
    }
}

impl<H: FnMut(Passing<'_>)> ForwardingContext<'_, WorkerObserver<'_, H>> {
    /// Lets a device send frames, and takes each to its end.
    fn send_each<'f>(
        &mut self,
        node: NodeId,
        frames: impl Iterator<Item = (Instant, &'f [u8])>,
        number: &mut u64,
    ) {
        for (time, frame) in frames {
            *number += 1;
            self.pass_time(time);
            let frame = Numbered::offered(frame, *number);
            self.send_or_drop(node, frame);
            self.settle(frame);
        }
    }

    #[inline]
    fn pass_time(&mut self, until: Instant) {
        self.now = self.now.max(until);
        self.observer.now = self.now;
    }

    /// Until no copy of the frame is under way. Apart from the loop over many frames, most of which have none.
    #[inline(never)]
    fn settle(&mut self, offered: Numbered<'_>) {
        while let Some(UnderWay { due, to, made, bridged, .. }) = self.observer.under_way.next() {
            self.pass_time(due);
            let frame = made.as_ref().map_or(offered, |made| offered.with(made));
            self.arrive(to, Numbered { bridged, ..frame });
        }
    }
}

/// Tells hops on, and keeps what is on cables.
struct WorkerObserver<'w, H> {
    under_way: &'w mut Queue,
    pool: &'w mut FramePool,
    now: Instant,
    hops: &'w mut H,
}

impl<H: FnMut(Passing<'_>)> Observer for WorkerObserver<'_, H> {
    #[inline]
    fn hop(&mut self, at: NodeId, kind: HopKind, frame: Numbered<'_>) {
        (self.hops)(Passing { at, kind, time: self.now, frame: frame.bytes, frame_id: frame.id });
    }

    fn make(&mut self, parts: &[&[u8]]) -> Frame {
        self.pool.make(parts)
    }

    fn under_way(&mut self, to: End, after: Duration, frame: Numbered<'_>) {
        let (due, made, bridged) = (self.now + after, frame.held.cloned(), frame.bridged);
        self.under_way.plan(UnderWay { due, order: 0, to, made, bridged }, after.is_zero());
    }
}
