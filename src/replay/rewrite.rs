//! Changes captured frames before they are replayed.

use crate::frame::{EthHeader, MacAddr, VlanId};

/// Length of a VLAN tag, and its offset: after the two MAC addresses.
const TAG_BYTES: usize = EthHeader::TAG_LEN as usize;
const TAG_AT: usize = 12;
const TPID: [u8; 2] = [0x81, 0x00];

/// A change of a frame's VLAN tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VlanEdit {
    /// Adds an outermost tag.
    Add(VlanId),
    /// Removes the outermost tag.
    Delete,
    /// Sets the VLAN of the outermost tag, or adds a tag.
    Set(VlanId),
}

/// The changes to every frame, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrite {
    /// Replaces one MAC address by another, as source and destination in the Ethernet header.
    pub mac: Vec<(MacAddr, MacAddr)>,
    /// Sets the source MAC address.
    pub src: Option<MacAddr>,
    /// Sets the destination MAC address.
    pub dst: Option<MacAddr>,
    /// Changes the VLAN tag.
    pub vlan: Option<VlanEdit>,
}

impl Rewrite {
    /// Whether frames stay unchanged.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Rewrite::default()
    }

    /// Changes a frame, which has an Ethernet header.
    pub fn apply(&self, frame: &mut Vec<u8>) {
        let Some(header) = Addresses::of(frame) else { return };
        let new = |mac| self.mac.iter().find(|(old, _)| *old == mac).map_or(mac, |(_, new)| *new);
        let (dst, src) = (self.dst.unwrap_or(new(header.dst)), self.src.unwrap_or(new(header.src)));
        Addresses { dst, src }.put(frame);
        if let Some(edit) = self.vlan {
            edit.apply(frame);
        }
    }
}

impl VlanEdit {
    fn apply(self, frame: &mut Vec<u8>) {
        let tagged = EthHeader::tags(frame).next().is_some();
        match self {
            VlanEdit::Add(vlan) => add_tag(frame, vlan),
            VlanEdit::Set(vlan) if !tagged => add_tag(frame, vlan),
            VlanEdit::Set(vlan) => {
                if let Some([high, low]) = frame.get_mut(TAG_AT + 2..TAG_AT + TAG_BYTES) {
                    // Priority and drop-eligible bit stay.
                    let [id_high, id_low] = vlan.get().to_be_bytes();
                    (*high, *low) = (*high & 0xf0 | id_high, id_low);
                }
            }
            VlanEdit::Delete if tagged => {
                frame.drain(TAG_AT..TAG_AT + TAG_BYTES);
            }
            VlanEdit::Delete => {}
        }
    }
}

fn add_tag(frame: &mut Vec<u8>, vlan: VlanId) {
    let [high, low] = vlan.get().to_be_bytes();
    frame.splice(TAG_AT..TAG_AT, [TPID[0], TPID[1], high, low]);
}

/// The two MAC addresses of a frame.
#[derive(Clone, Copy)]
pub(super) struct Addresses {
    pub(super) dst: MacAddr,
    pub(super) src: MacAddr,
}

impl Addresses {
    /// The MAC addresses of a frame with an Ethernet header.
    #[inline]
    pub(super) fn of(frame: &[u8]) -> Option<Addresses> {
        let (dst, rest) = frame.split_first_chunk()?;
        Some(Addresses { dst: MacAddr(*dst), src: MacAddr(*rest.first_chunk()?) })
    }

    pub(super) fn put(self, frame: &mut [u8]) {
        let (places, _) = frame.as_chunks_mut::<6>();
        if let [dst, src, ..] = places {
            (*dst, *src) = (self.dst.0, self.src.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xa]);
    const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xb]);
    const C: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xc]);

    /// A frame from B to A, with these bytes after the addresses.
    fn frame(rest: &[u8]) -> Vec<u8> {
        [&A.0[..], &B.0, rest].concat()
    }

    fn rewritten(rewrite: &Rewrite, rest: &[u8]) -> Vec<u8> {
        let mut frame = frame(rest);
        rewrite.apply(&mut frame);
        frame
    }

    #[test]
    fn addresses_are_replaced_where_they_stand_and_set_last() {
        let swap = Rewrite { mac: vec![(A, B), (B, A)], ..Rewrite::default() };
        assert_eq!(rewritten(&swap, &[8, 0])[..12], [B.0, A.0].concat());
        let set = Rewrite { dst: Some(C), ..swap };
        assert_eq!(rewritten(&set, &[8, 0])[..12], [C.0, A.0].concat());
        assert!(!set.is_nothing() && Rewrite::default().is_nothing());
    }

    #[test]
    fn tags_come_go_and_change() {
        let vlan = |edit| Rewrite { vlan: Some(edit), ..Rewrite::default() };
        let id = |n| VlanId::new(n).unwrap();
        let tagged = [0x81, 0, 0xb0, 5, 8, 0, 1];
        let rest = |edit, rest: &[u8]| rewritten(&vlan(edit), rest)[12..].to_vec();
        assert_eq!(rest(VlanEdit::Add(id(300)), &[8, 0, 1]), [0x81, 0, 1, 44, 8, 0, 1]);
        assert_eq!(rest(VlanEdit::Add(id(7)), &tagged)[..8], [0x81, 0, 0, 7, 0x81, 0, 0xb0, 5]);
        assert_eq!(rest(VlanEdit::Delete, &tagged), [8, 0, 1]);
        assert_eq!(rest(VlanEdit::Delete, &[8, 0, 1]), [8, 0, 1]);
        assert_eq!(rest(VlanEdit::Set(id(300)), &tagged), [0x81, 0, 0xb1, 44, 8, 0, 1]);
        assert_eq!(rest(VlanEdit::Set(id(300)), &[8, 0, 1]), [0x81, 0, 1, 44, 8, 0, 1]);
    }
}
