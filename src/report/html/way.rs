//! From where a frame came to a hop: the hop before it on the same copy's way. Only for the eye: nothing is decided here.

use crate::lab::spec::Name;
use crate::lab::{Device, DeviceType, Hop, HopKind};
use std::collections::BTreeMap;

/// What a device hangs on.
#[derive(Clone, Debug, Default)]
struct Attachments {
    parent: Option<Name>,
    peer: Option<Name>,
    of_switch: bool,
}

/// The hops from which a frame can have gone on.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways {
    ties: BTreeMap<Name, Attachments>,
    /// By frame id: index, device, and whether it was sent from there.
    open: BTreeMap<u64, Vec<(usize, Name, bool)>>,
}

impl Ways {
    /// The devices are these from now on.
    pub(super) fn devices(&mut self, devices: &[Device]) {
        let ties = |d: &Device| Attachments {
            parent: d.parent.clone(),
            peer: d.peer.clone(),
            of_switch: d.kind == DeviceType::SwitchPort,
        };
        self.ties = devices.iter().map(|d| (d.name.clone(), ties(d))).collect();
    }

    /// A step is over: no frame is on its way.
    pub(super) fn settled(&mut self) {
        self.open.clear();
    }

    /// Where the frame of this hop, which has this index, was before.
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

/// Whether a frame that was sent from, or came in at, one device can be at the other next.
fn leads(ties: &BTreeMap<Name, Attachments>, from: &Name, sent: bool, to: &Name) -> bool {
    let (Some(a), Some(b)) = (ties.get(from), ties.get(to)) else { return from == to };
    let siblings = a.parent.is_some() && a.parent == b.parent;
    from == to
        || b.parent.as_ref() == Some(from)
        || a.parent.as_ref() == Some(to)
        || (sent && b.peer.as_ref() == Some(from))
        // What the far end of the parent's cable refuses has never left the parent.
        || (sent && a.parent.is_some() && b.peer == a.parent)
        // What has left a switch by one port does not leave it from there by another.
        || (siblings && !(sent && a.of_switch))
}
