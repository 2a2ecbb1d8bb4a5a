//! Collects the frames that a lab's sockets see, and assigns them to steps.

use super::error::OracleError;
use super::observed::{Seen, StepObserved, StepOutcome};
use super::oracle::{AWAITED, QUIET, QUIET_AFTER_ALL, blank};
use super::pool::Role;
use super::world::{Live, World};
use crate::frame::{Frame, PacketType};
use crate::lab::spec::{Action, LabSpec};
use crate::sys::{BUFFER_BYTES, PacketSocket, Received};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::time::Duration;

/// Listens to a lab.
#[derive(Debug)]
pub(super) struct SocketRecorder {
    steps: Vec<StepObserved>,
    /// Injected frames, with their steps.
    injected: Vec<(usize, Vec<u8>)>,
    /// Whether every injected frame is unique.
    distinct: bool,
    scratch: Vec<u8>,
    /// Frames received during a later step than their own.
    pub(super) late: usize,
}

/// The position of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    /// A port or station.
    End,
    /// Before a NIC's macvlan receive handler.
    Tap,
    /// After it.
    HostStack,
}

impl SocketRecorder {
    pub(super) fn new(lab: &LabSpec) -> SocketRecorder {
        let frames: Vec<String> = lab
            .steps
            .iter()
            .filter(|s| matches!(s.action, Action::Inject { .. }))
            .map(|s| format!("{:?}", s.action))
            .collect();
        let distinct = frames.iter().collect::<BTreeSet<_>>().len() == frames.len();
        SocketRecorder {
            steps: vec![blank(); lab.steps.len()],
            injected: Vec::new(),
            distinct,
            scratch: vec![0; BUFFER_BYTES],
            late: 0,
        }
    }

    pub(super) fn injected(&mut self, step: usize, bytes: &[u8]) {
        self.distinct &= !self.injected.iter().any(|(_, b)| b == bytes);
        self.injected.push((step, bytes.to_vec()));
    }

    pub(super) fn set_outcome(&mut self, step: usize, outcome: StepOutcome) {
        if let Some(s) = self.steps.get_mut(step) {
            s.outcome = outcome;
        }
    }

    pub(super) fn into_steps(self) -> Vec<StepObserved> {
        self.steps
    }

    /// Listens until it is quiet; stops earlier if all frames expected from the last injection have arrived.
    pub(super) fn settle(&mut self, world: &World<'_>, expected: Option<usize>) -> Result<(), OracleError> {
        let Some(step) = self.injected.last().map(|(s, _)| *s) else {
            return Ok(());
        };
        loop {
            let came = self.steps.get(step).map_or(0, |s| s.deliveries.len() + s.arrives.len());
            let patience = match expected {
                Some(n) if came < n => AWAITED,
                Some(_) if self.distinct => QUIET_AFTER_ALL,
                _ => QUIET,
            };
            if !self.hear(world, step, patience)? {
                return Ok(());
            }
        }
    }

    /// After the last step: waits for late broadcasts.
    pub(super) fn settle_last(&mut self, world: &World<'_>) -> Result<(), OracleError> {
        self.settle(world, None)
    }

    /// Waits for frames and reads them; `false`: none arrived.
    fn hear(&mut self, world: &World<'_>, step: usize, patience: Duration) -> Result<bool, OracleError> {
        let mut sockets: Vec<(&str, u32, Spot, &PacketSocket)> = Vec::new();
        for (name, Live { cell, ifindex, .. }) in &world.live {
            let cell = &world.cells[*cell];
            // A port that is a port of a bridge has a receive handler, too.
            let spot = if cell.role == Role::Nic { Spot::Tap } else { Spot::End };
            sockets.extend(cell.tap.iter().map(|s| (name.as_str(), *ifindex, spot, s)));
            if cell.role == Role::Nic {
                sockets.extend(cell.handlers.iter().map(|s| (name.as_str(), *ifindex, Spot::HostStack, s)));
            }
        }
        let mut fds: Vec<PollFd<'_>> =
            sockets.iter().map(|(.., s)| PollFd::new(s.as_fd(), PollFlags::POLLIN)).collect();
        let n = ppoll(&mut fds, Some(TimeSpec::from_duration(patience)), None)
            .map_err(|e| OracleError::Io { what: "waiting for frames", source: e.into() })?;
        let ready: Vec<bool> = fds.iter().map(|f| f.any().unwrap_or(false)).collect();
        for ((name, ifindex, spot, socket), _) in sockets.iter().zip(ready).filter(|(_, r)| *r) {
            while let Ok(received) = socket.recv(&mut self.scratch) {
                // The kernel also shows a device's sockets what it has passed on to another in the same namespace.
                if received.ifindex == *ifindex {
                    self.note(step, name, *spot, received);
                }
            }
        }
        Ok(n > 0)
    }

    fn note(&mut self, step: usize, device: &str, spot: Spot, received: Received) {
        let packet_type = match received.packet_type {
            0 => PacketType::Host,
            1 => PacketType::Broadcast,
            2 => PacketType::Multicast,
            3 => PacketType::OtherHost,
            // Outgoing, looped back, or generated by the kernel.
            _ => return,
        };
        let (origin, bytes) = self.origin(step, spot, received.bytes);
        self.late += usize::from(origin != step);
        let seen = Seen { device: device.into(), packet_type, frame: Frame::from(bytes) };
        let Some(to) = self.steps.get_mut(origin) else {
            return;
        };
        if spot == Spot::Tap { to.arrives.push(seen) } else { to.deliveries.push(seen) }
    }

    /// The step whose frame this is, and the frame as sent: the host stack sees it without some of its tags.
    fn origin(&self, step: usize, spot: Spot, bytes: Vec<u8>) -> (usize, Vec<u8>) {
        let bare = |sent: &[u8]| spot == Spot::HostStack && without_some_tags(sent, &bytes);
        match self.injected.iter().rev().find(|(_, sent)| *sent == bytes || bare(sent)) {
            Some((step, sent)) => (*step, sent.clone()),
            None => (step, bytes),
        }
    }
}

/// Whether `bare` is `sent` with one or more of its outermost tags removed.
pub(super) fn without_some_tags(sent: &[u8], bare: &[u8]) -> bool {
    let (Some((macs, rest)), Some((bare_macs, bare_rest))) =
        (sent.split_at_checked(12), bare.split_at_checked(12))
    else {
        return false;
    };
    let tag_bytes = rest.len().checked_sub(bare_rest.len());
    macs == bare_macs
        && tag_bytes.is_some_and(|n| {
            n % 4 == 0
                && rest[n..] == *bare_rest
                && rest[..n].chunks(4).all(|t| matches!(t[..2], [0x81, 0x00] | [0x88, 0xa8]))
        })
}
