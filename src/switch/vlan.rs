//! 802.1Q filtering: the VLAN of a frame and the fate of its tag (IEEE 802.1Q clauses 6.9 and 8.8.2; the kernel's
//! `__allowed_ingress` and `br_handle_vlan`). Read in the kernel, not measured.
//!
//! Only tags of type 0x8100 count; a frame with another outer tag is untagged and its tag is payload. A tag with VLAN 0
//! carries a priority only: the frame belongs to the port's VLAN for untagged frames and keeps its priority.

use super::PortVlans;
use crate::frame::{EthHeader, Retag, Tag, VlanId, ethertype};
use alloc::boxed::Box;

impl PortVlans {
    /// The VLAN of a frame that arrives at a port with these VLANs, or `None` if it is not let in.
    #[must_use]
    pub fn classify(&self, header: &EthHeader) -> Option<VlanId> {
        VlanSet::new(self).classify(header)
    }
}

/// A port's VLANs, as bits: VLAN n is bit n.
#[derive(Clone, Debug)]
pub(super) struct VlanSet {
    pvid: Option<VlanId>,
    member: Box<[u64; 64]>,
    untagged: Box<[u64; 64]>,
}

impl VlanSet {
    pub(super) fn new(vlans: &PortVlans) -> VlanSet {
        let mut set = VlanSet { pvid: vlans.pvid, member: Box::new([0; 64]), untagged: Box::new([0; 64]) };
        // As `bridge vlan add … pvid` does: the VLAN of untagged frames is one of the port's.
        for &vlan in vlans.untagged.iter().chain(&vlans.tagged).chain(&vlans.pvid) {
            put(&mut set.member, vlan);
        }
        vlans.untagged.iter().for_each(|&vlan| put(&mut set.untagged, vlan));
        set
    }

    pub(super) fn contains(&self, vlan: VlanId) -> bool {
        has(&self.member, vlan)
    }

    /// Every VLAN of the port, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = VlanId> + '_ {
        (0..4096).filter_map(VlanId::new).filter(|&vlan| self.contains(vlan))
    }

    /// The VLAN of a frame that arrives, or `None` if it is not let in.
    pub(super) fn classify(&self, header: &EthHeader) -> Option<VlanId> {
        let tagged = header.tag.filter(|tag| tag.tpid == ethertype::C_VLAN).map(Tag::vlan);
        let vlan = tagged.filter(|&vlan| vlan != VlanId::default()).or(self.pvid)?;
        self.contains(vlan).then_some(vlan)
    }

    /// What happens to the tag of a frame of this VLAN that leaves here.
    pub(super) fn retag(&self, vlan: VlanId, header: &EthHeader) -> Retag {
        let came = header.tag.filter(|tag| tag.tpid == ethertype::C_VLAN);
        match (came, has(&self.untagged, vlan)) {
            (None, true) => Retag::Keep,
            (Some(_), true) => Retag::Remove,
            (None, false) => Retag::Add(Tag::of(vlan)),
            (Some(tag), false) if tag.vlan() == vlan => Retag::Keep,
            (Some(tag), false) => {
                Retag::Replace(Tag { tpid: ethertype::C_VLAN, tci: tag.tci & 0xf000 | vlan.get() })
            }
        }
    }
}

fn has(bits: &[u64; 64], vlan: VlanId) -> bool {
    bits[usize::from(vlan.get() >> 6) % 64] >> (vlan.get() & 63) & 1 != 0
}

fn put(bits: &mut [u64; 64], vlan: VlanId) {
    bits[usize::from(vlan.get() >> 6) % 64] |= 1 << (vlan.get() & 63);
}
