//! Finds the hop that a frame came from: the previous hop of the same copy. For display only: nothing is decided here.

use crate::lab::spec::Name;
use crate::lab::{Device, DeviceType, Hop, HopKind};
use std::collections::BTreeMap;

/// The device below, or the far end of the cable.
#[derive(Clone, Debug, Default)]
struct Attachments {
    parent: Option<Name>,
    peer: Option<Name>,
    master: Option<Name>,
    of_switch: bool,
}

/// The hops that a frame may have continued from.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways {
    ties: BTreeMap<Name, Attachments>,
    /// By frame id: index, device, and whether it was sent from there.
    open: BTreeMap<u64, Vec<(usize, Name, bool)>>,
}

impl Ways {
    /// Sets the current devices.
    pub(super) fn devices(&mut self, devices: &[Device]) {
        let ties = |d: &Device| Attachments {
            parent: d.parent.clone(),
            peer: d.peer.clone(),
            master: d.master.clone(),
            of_switch: d.kind == DeviceType::SwitchPort,
        };
        self.ties = devices.iter().map(|d| (d.name.clone(), ties(d))).collect();
    }

    /// A step has ended: no frame is in flight.
    pub(super) fn settled(&mut self) {
        self.open.clear();
    }

    /// The previous hop of the frame of this hop, which has this index.
    pub(super) fn before(&mut self, index: usize, hop: &Hop) -> Option<usize> {
        let open = self.open.entry(hop.frame_id).or_default();
        let ties = &self.ties;
        let before =
            open.iter().rev().find(|(_, from, sent)| leads(ties, from, *sent, &hop.device)).map(|o| o.0);
        if let HopKind::Transmit(_) | HopKind::Arrive(_) = hop.kind {
            open.push((index, hop.device.clone(), matches!(hop.kind, HopKind::Transmit(_))));
        }
        before
    }
}

/// Whether a frame that was sent from, or arrived at, one device can be at the other next.
fn leads(ties: &BTreeMap<Name, Attachments>, from: &Name, sent: bool, to: &Name) -> bool {
    let (Some(a), Some(b)) = (ties.get(from), ties.get(to)) else { return from == to };
    let siblings = a.parent.is_some() && a.parent == b.parent;
    let far_end = b.peer.as_ref().and_then(|peer| ties.get(peer));
    // A device, and the port of a bridge of its own host that it is.
    let is_port = |port: &Attachments, name: &Name, device: &Attachments| {
        port.of_switch && port.peer.as_ref() == Some(name) && port.parent == device.master
    };
    from == to
        || is_port(a, to, b)
        || is_port(b, from, a)
        // A port of a bond, and the bond.
        || a.master.as_ref() == Some(to)
        || b.master.as_ref() == Some(from)
        || b.parent.as_ref() == Some(from)
        || a.parent.as_ref() == Some(to)
        || (sent && b.peer.as_ref() == Some(from))
        // A frame that the far end of the parent's cable refuses has never left the parent, nor the switch port.
        || (sent && a.parent.is_some() && b.peer == a.parent)
        || (a.of_switch && far_end.is_some_and(|port| port.of_switch && port.parent == a.parent))
        // A frame that has left a switch by one port does not leave it from there by another.
        || (siblings && !(sent && a.of_switch))
}
