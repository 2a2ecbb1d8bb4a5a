//! What a walk tells those who sent it.

use super::{Decision, End, NodeId, SwitchId};
use crate::frame::{Frame, MacAddr, PacketType, VlanId};
use crate::switch::Switch;
use crate::verdict::Rule;
use core::time::Duration;

/// What happened to a frame at a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HopKind {
    /// A NIC's (or VLAN sub-interface's) tap sees it coming in, before the demultiplexer. Also for a switch port.
    Arrive(PacketType),
    /// Handed to a port or station; at a NIC: to its host stack.
    Receive(PacketType, Rule),
    /// Sent by a port or station; on a NIC or switch port: leaving onto the cable.
    Transmit(Rule),
    /// It ends here.
    Drop(Rule),
}

/// A frame's bytes, and the number that it shares with all copies of itself.
#[derive(Clone, Copy, Debug)]
pub struct Numbered<'f> {
    /// The bytes, from the destination address on, tags included, no FCS.
    pub bytes: &'f [u8],
    /// The buffer that holds them; none: the caller that offered the frame holds them, unchanged.
    pub held: Option<&'f Frame>,
    /// The same for all copies of one sent frame.
    pub id: u64,
    /// How it came to bridges until now.
    pub bridged: Bridged,
}

/// How a frame came to the bridges of its own host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bridged {
    /// How often it was handed to a bridge by one of the bridge's own devices until now (R224).
    pub times: u8,
    /// How it looked to the last of these devices.
    pub packet_type: PacketType,
}

impl Bridged {
    /// A frame that no device of a bridge has had yet.
    pub const NEVER: Bridged = Bridged { times: 0, packet_type: PacketType::OtherHost };
}

impl<'f> Numbered<'f> {
    /// These bytes under this number.
    #[inline]
    #[must_use]
    pub fn new(held: &'f Frame, id: u64) -> Numbered<'f> {
        Numbered { bytes: held, held: Some(held), id, bridged: Bridged::NEVER }
    }

    /// Bytes as a caller offers them.
    #[inline]
    #[must_use]
    pub fn offered(bytes: &'f [u8], id: u64) -> Numbered<'f> {
        Numbered { bytes, held: None, id, bridged: Bridged::NEVER }
    }

    /// Other bytes that go on under the same number.
    #[must_use]
    pub fn with(self, held: &Frame) -> Numbered<'_> {
        Numbered { bytes: held, held: Some(held), ..self }
    }
}

/// Who watches a walk, and does what is beyond the data plane.
pub trait Observer {
    /// A frame is somewhere.
    fn hop(&mut self, at: NodeId, kind: HopKind, frame: Numbered<'_>);

    /// Makes a frame of these parts, one behind the other: it has changed on its way.
    fn make(&mut self, parts: &[&[u8]]) -> Frame;

    /// A frame is handed to whatever is behind a device: its IP stack, or the program that reads it.
    fn hand_over(&mut self, device: NodeId, frame: Numbered<'_>, packet_type: PacketType) {
        let _ = (device, frame, packet_type);
    }

    /// A frame is on a cable, and due at its end after so long.
    fn under_way(&mut self, to: End, after: Duration, frame: Numbered<'_>);

    /// A frame from this address was taken in by a switch, which has learned from it as its verdict said.
    fn learned(&mut self, switch: SwitchId, knows: &Switch, vlan: Option<VlanId>, source: MacAddr) {
        let _ = (switch, knows, vlan, source);
    }

    /// Whether a frame that comes out of a cable is taken in as one of [many](super::Worker::take_batch), for those who
    /// check that the same becomes of it. No decisions can be told in full then.
    fn takes_batches(&self) -> bool {
        false
    }

    /// Whether decisions are to be told in full.
    fn wants_decisions(&self) -> bool {
        false
    }

    /// A decision, if they are wanted; behind the hop that brought the frame there.
    fn decided(&mut self, decision: Decision) {
        let _ = decision;
    }
}
