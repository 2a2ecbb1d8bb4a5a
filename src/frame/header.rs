//! The Ethernet header as the forwarding decisions read it.

use super::{MacAddr, ethertype};
use core::fmt;

/// Ethertypes of VLAN tags: 802.1Q and 802.1ad.
const TPIDS: [u16; 2] = [ethertype::C_VLAN, ethertype::S_VLAN];

/// A 12-bit VLAN id, 0 (priority tag) to 4094 in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanId(u16);

impl VlanId {
    /// `None` above 4095.
    #[must_use]
    pub const fn new(id: u16) -> Option<VlanId> {
        if id < 4096 { Some(VlanId(id)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One VLAN tag: four bytes between the source address and the ethertype (IEEE 802.1Q clause 9.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag {
    /// Tag protocol identifier: 0x8100 or 0x88a8.
    pub tpid: u16,
    /// Tag control information: 3 bits priority, drop eligible, 12 bits VLAN id.
    pub tci: u16,
}

impl Tag {
    /// An 802.1Q tag without priority.
    #[must_use]
    pub const fn of(vlan: VlanId) -> Tag {
        Tag { tpid: ethertype::C_VLAN, tci: vlan.get() }
    }

    /// The VLAN id in the tag.
    #[must_use]
    pub const fn vlan(self) -> VlanId {
        VlanId(self.tci & 0xfff)
    }
}

/// A frame too short for an Ethernet header, or tagged and too short for the tag and an ethertype after it (rule R72;
/// `skb_vlan_untag` in the kernel).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {len} bytes is shorter than its header of {needed}")]
pub struct Runt {
    /// Length of the frame in bytes.
    pub len: usize,
    /// Required length in bytes.
    pub needed: usize,
}

/// The fields that decisions use: addresses, the outermost tag, the ethertype after it, the length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EthHeader {
    /// Destination address.
    pub dst: MacAddr,
    /// Source address.
    pub src: MacAddr,
    /// The outermost tag.
    pub tag: Option<Tag>,
    /// The ethertype after the outermost tag (which may be that of another tag).
    pub ethertype: u16,
    /// Length of the whole frame in bytes, tags included, no FCS.
    pub len: u32,
}

impl EthHeader {
    /// Length of an untagged header, in bytes.
    pub const LEN: usize = 14;
    /// Length of a tag, in bytes.
    pub const TAG_LEN: u32 = 4;

    /// Parses the header of a received frame.
    ///
    /// # Errors
    /// [`Runt`] below 14 bytes, or tagged and below 20.
    #[inline]
    pub fn parse(frame: &[u8]) -> Result<EthHeader, Runt> {
        let len = frame.len();
        let runt = |needed| Runt { len, needed };
        let (head, rest) = frame.split_first_chunk::<14>().ok_or(runt(14))?;
        // Addresses are copied whole: byte by byte, compilers generate a dozen loads for one.
        let (Some((dst, behind)), Some(&[.., t0, t1])) =
            (head.split_first_chunk::<6>(), head.last_chunk::<2>())
        else {
            return Err(runt(14));
        };
        let Some(src) = behind.first_chunk::<6>() else { return Err(runt(14)) };
        let outer = u16::from_be_bytes([t0, t1]);
        // Compared in wire byte order: converting them first would be work for every frame.
        let (tag, ethertype) = if TPIDS.map(u16::to_be_bytes).contains(&[t0, t1]) {
            let [c0, c1, e0, e1, ..] = rest.first_chunk::<6>().ok_or(runt(20))?;
            (Some(Tag { tpid: outer, tci: u16::from_be_bytes([*c0, *c1]) }), u16::from_be_bytes([*e0, *e1]))
        } else {
            (None, outer)
        };
        Ok(EthHeader {
            dst: MacAddr(*dst),
            src: MacAddr(*src),
            tag,
            ethertype,
            len: u32::try_from(len).unwrap_or(u32::MAX),
        })
    }

    /// Parses the header of a frame that is being sent: a truncated tag counts as the ethertype that it starts with,
    /// because no tag is set aside on transmit. `None` below 14 bytes.
    #[must_use]
    pub fn outgoing(frame: &[u8]) -> Option<EthHeader> {
        EthHeader::parse(frame).ok().or_else(|| {
            let (head, _) = frame.split_first_chunk::<14>()?;
            let mut cut = *head;
            cut[12..].fill(0);
            let ethertype = u16::from_be_bytes([head[12], head[13]]);
            let len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
            EthHeader::parse(&cut).ok().map(|h| EthHeader { ethertype, len, ..h })
        })
    }

    /// The ethertype on the wire: the tag's, if there is one.
    #[must_use]
    pub fn outer_ethertype(&self) -> u16 {
        self.tag.map_or(self.ethertype, |t| t.tpid)
    }

    /// The frame's length without its outermost tag.
    #[must_use]
    pub fn untagged_len(&self) -> u32 {
        if self.tag.is_some() { self.len - Self::TAG_LEN } else { self.len }
    }

    /// The tags of a frame from the outside inwards, as far as they are complete.
    pub fn tags(frame: &[u8]) -> impl Iterator<Item = Tag> + '_ {
        frame.get(12..).unwrap_or_default().chunks_exact(4).map_while(|c| {
            let tpid = u16::from_be_bytes([c[0], c[1]]);
            TPIDS.contains(&tpid).then(|| Tag { tpid, tci: u16::from_be_bytes([c[2], c[3]]) })
        })
    }

    /// The ethertype behind all tags of a frame, and where the payload begins, in bytes. `None`: the frame ends before.
    #[must_use]
    pub fn payload(frame: &[u8]) -> Option<(u16, usize)> {
        let at = Self::LEN + EthHeader::tags(frame).count() * Self::TAG_LEN as usize;
        let ethertype = frame.get(at - 2..at)?.first_chunk()?;
        Some((u16::from_be_bytes(*ethertype), at))
    }
}

/// The relation of a frame's destination to the receiving device: the kernel's `pkt_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PacketType {
    /// To the device's own MAC address.
    Host,
    /// To the broadcast address.
    Broadcast,
    /// To a group.
    Multicast,
    /// To another host.
    OtherHost,
}

impl PacketType {
    /// By the destination and the receiving device's own MAC address (the kernel's `eth_type_trans`).
    #[must_use]
    pub fn of(dst: MacAddr, own: MacAddr) -> PacketType {
        if dst.is_broadcast() {
            PacketType::Broadcast
        } else if dst.is_multicast() {
            PacketType::Multicast
        } else {
            PacketType::of_unicast(dst, own)
        }
    }

    /// The same for a unicast.
    #[inline]
    #[must_use]
    pub fn of_unicast(dst: MacAddr, own: MacAddr) -> PacketType {
        if dst == own { PacketType::Host } else { PacketType::OtherHost }
    }

    /// Its name in events: `host`, `broadcast`, `multicast`, `otherhost`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PacketType::Host => "host",
            PacketType::Broadcast => "broadcast",
            PacketType::Multicast => "multicast",
            PacketType::OtherHost => "otherhost",
        }
    }
}

impl fmt::Display for PacketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(s: &str) -> Vec<u8> {
        s.as_bytes()
            .chunks(2)
            .map(|c| u8::from_str_radix(core::str::from_utf8(c).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn the_outermost_tag_is_set_aside() {
        let h = EthHeader::parse(&hex("ffffffffffff0200000000018100000a88a80014080600")).unwrap();
        assert_eq!(h.tag.map(Tag::vlan).map(VlanId::get), Some(10));
        assert_eq!((h.ethertype, h.outer_ethertype(), h.untagged_len()), (0x88a8, 0x8100, 19));
    }

    #[test]
    fn a_truncated_tag_on_the_way_out_is_an_ethertype() {
        let tagged = hex("0200000000020200000000018100000a08060001");
        assert_eq!(EthHeader::outgoing(&tagged), EthHeader::parse(&tagged).ok());
        for len in 14..20 {
            let h = EthHeader::outgoing(&tagged[..len]).unwrap();
            assert_eq!((h.tag, h.ethertype, h.outer_ethertype()), (None, 0x8100, 0x8100), "{len}");
            assert_eq!((h.len, h.untagged_len()), (len as u32, len as u32));
            assert_eq!((h.dst.0[5], h.src.0[5]), (2, 1));
        }
        assert_eq!(EthHeader::outgoing(&tagged[..13]), None);
    }

    #[test]
    fn runts() {
        assert_eq!(EthHeader::parse(&[0; 13]), Err(Runt { len: 13, needed: 14 }));
        assert!(EthHeader::parse(&[0; 14]).is_ok());
        let mut tagged = hex("ffffffffffff0200000000018100000a");
        tagged.resize(19, 0);
        assert_eq!(EthHeader::parse(&tagged), Err(Runt { len: 19, needed: 20 }));
    }
}
