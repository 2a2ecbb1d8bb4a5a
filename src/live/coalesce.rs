//! Merges consecutive segments of a TCP stream on their way out.
//!
//! One long packet costs a kernel a tenth of what its segments would. Its GRO does the same for packets from a NIC,
//! under the same conditions: the receiver cannot see a difference, because a segment with a wrong checksum, or one
//! that differs in anything but its position in the stream, is sent separately.

use super::offload::{HEADER_BYTES, NEEDS_CHECKSUM, NOTHING_TO_DO, TCP_V4, TCP_V6, V6_HEADER, fold, sum};
use crate::frame::{EthHeader, Frame, ethertype};
use std::ops::Range;

/// The longest IP packet, in bytes.
const MAX_PACKET: usize = 65_535;
/// Maximum number of segments in one packet: the kernel's limit for the parts of a packet is higher.
const MAX_SEGMENTS: usize = 64;

/// Maximum number of parts in a parcel.
pub(super) const MAX_PARTS: usize = MAX_SEGMENTS + 1;

const ACK: u8 = 0x10;
const PSH: u8 = 0x08;

/// The content of one message: a header, and the rest of each of some frames.
#[derive(Clone, Debug)]
pub(super) struct GsoPacket {
    /// In [`GsoPackets::heads`]: the virtio header, and the packet's headers if they were changed.
    head: Range<usize>,
    /// The frames.
    pub(super) frames: Range<usize>,
    /// Number of bytes at the start of each frame that the head replaces.
    skip: usize,
}

/// Outgoing frames, packed into parcels.
#[derive(Debug, Default)]
pub(super) struct GsoPackets {
    heads: Vec<u8>,
    list: Vec<GsoPacket>,
}

impl GsoPackets {
    /// Packs frames, in their order.
    pub(super) fn pack(&mut self, frames: &[Frame]) -> &[GsoPacket] {
        self.heads.clear();
        self.list.clear();
        let mut rest = 0;
        while rest < frames.len() {
            let first = Segment::of(&frames[rest]);
            let run = first.as_ref().map_or(1, |first| first.run(&frames[rest..]));
            let begins = self.heads.len();
            let mut skip = 0;
            match first {
                Some(first) if run > 1 => {
                    first.write_head(&frames[rest..rest + run], &mut self.heads);
                    skip = first.data;
                }
                _ => self.heads.extend(NOTHING_TO_DO),
            }
            self.list.push(GsoPacket { head: begins..self.heads.len(), frames: rest..rest + run, skip });
            rest += run;
        }
        &self.list
    }

    /// The parcels of the last call.
    pub(super) fn list(&self) -> &[GsoPacket] {
        &self.list
    }

    /// The parts of a parcel, in order.
    pub(super) fn parts<'a>(
        &'a self,
        parcel: &'a GsoPacket,
        frames: &'a [Frame],
    ) -> impl Iterator<Item = &'a [u8]> {
        let head = &self.heads[parcel.head.clone()];
        let bodies = frames[parcel.frames.clone()].iter().map(|frame| &frame[parcel.skip..]);
        std::iter::once(head).chain(bodies)
    }
}

/// A TCP segment that could be merged with others.
struct Segment<'f> {
    frame: &'f [u8],
    v6: bool,
    /// Offsets of the IP header, the TCP header and the data.
    ip: usize,
    tcp: usize,
    data: usize,
}

impl<'f> Segment<'f> {
    /// `None`: this is not a segment with data, or it must not be changed.
    fn of(frame: &'f [u8]) -> Option<Segment<'f>> {
        let (kind, ip) = EthHeader::payload(frame)?;
        let (v6, tcp, protocol, length) = match kind {
            ethertype::IPV4 => {
                let header = frame.get(ip..ip + 20)?;
                let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff;
                // No options, and not a fragment.
                if header[0] != 0x45 || fragment != 0 {
                    return None;
                }
                (false, ip + 20, header[9], usize::from(u16::from_be_bytes([header[2], header[3]])))
            }
            ethertype::IPV6 => {
                let header = frame.get(ip..ip + V6_HEADER)?;
                let payload = usize::from(u16::from_be_bytes([header[4], header[5]]));
                (true, ip + V6_HEADER, header[6], V6_HEADER + payload)
            }
            _ => return None,
        };
        let header = frame.get(tcp..tcp + 20)?;
        let data = tcp + usize::from(header[12] >> 4) * 4;
        // No trailing bytes, some data, and no flags but ACK and PSH.
        let plain = protocol == 6 && ip + length == frame.len() && header[13] & !PSH == ACK;
        (plain && data >= tcp + 20 && data < frame.len()).then_some(Segment { frame, v6, ip, tcp, data })
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.frame[at], self.frame[at + 1]])
    }

    fn sequence(&self) -> u32 {
        u32::from(self.word(self.tcp + 4)) << 16 | u32::from(self.word(self.tcp + 6))
    }

    fn data_bytes(&self) -> usize {
        self.frame.len() - self.data
    }

    fn pushes(&self) -> bool {
        self.frame[self.tcp + 13] & PSH != 0
    }

    /// The pseudo-header sum of a segment of this length.
    fn pseudo(&self, tcp_bytes: usize) -> u64 {
        let addresses = if self.v6 { 8..40 } else { 12..20 };
        let length = u16::try_from(tcp_bytes).unwrap_or(u16::MAX).to_be();
        sum(&self.frame[self.ip..][addresses]) + u64::from(length) + u64::from(6_u16.to_be())
    }

    /// Whether the checksums are correct.
    fn is_intact(&self) -> bool {
        let tcp = &self.frame[self.tcp..];
        let whole = fold(self.pseudo(tcp.len()) + sum(tcp)) == 0xffff;
        whole && (self.v6 || fold(sum(&self.frame[self.ip..self.tcp])) == 0xffff)
    }

    /// How many of these frames, of which this is the first, can be merged.
    fn run(&self, frames: &[Frame]) -> usize {
        if self.pushes() || !self.is_intact() {
            return 1;
        }
        let size = self.data_bytes();
        let mut length = self.frame.len() - self.ip;
        let mut run = 1;
        for frame in &frames[1..frames.len().min(MAX_SEGMENTS)] {
            let Some(next) = Segment::of(frame).filter(|next| self.is_followed_by(next, run)) else { break };
            length += next.data_bytes();
            if next.data_bytes() > size || length > MAX_PACKET || !next.is_intact() {
                break;
            }
            run += 1;
            // A shorter segment, or one with PSH, is the last.
            if next.data_bytes() < size || next.pushes() {
                break;
            }
        }
        run
    }

    /// Whether this is the segment at this distance in the stream, judging by its headers.
    fn is_followed_by(&self, next: &Segment<'_>, places: usize) -> bool {
        let (a, b) = (self.frame, next.frame);
        let same = |range: Range<usize>| a[range.clone()] == b[range];
        let (ip, tcp) = (self.ip, self.tcp);
        let alike = (self.v6, ip, tcp, self.data) == (next.v6, next.ip, next.tcp, next.data);
        let ip_alike = || {
            if self.v6 {
                same(ip..ip + 4) && same(ip + 6..tcp)
            } else {
                // All but length, identification and checksum; the identification increments.
                let expected = self.word(ip + 4).wrapping_add(places as u16);
                same(ip..ip + 2)
                    && next.word(ip + 4) == expected
                    && same(ip + 6..ip + 10)
                    && same(ip + 12..tcp)
            }
        };
        // All but sequence number, PSH and checksum.
        let tcp_alike = || {
            let expected = self.sequence().wrapping_add((places * self.data_bytes()) as u32);
            next.sequence() == expected
                && same(tcp..tcp + 4)
                && same(tcp + 8..tcp + 13)
                && same(tcp + 14..tcp + 16)
                && same(tcp + 18..self.data)
        };
        alike && same(0..ip) && ip_alike() && tcp_alike()
    }

    /// The headers of these frames as one packet, behind a virtio header that describes its segmentation.
    fn write_head(&self, frames: &[Frame], heads: &mut Vec<u8>) {
        let data: usize = frames.iter().map(|f| f.len() - self.data).sum();
        let begins = heads.len();
        heads.extend([NEEDS_CHECKSUM, if self.v6 { TCP_V6 } else { TCP_V4 }]);
        for word in [self.data, self.data_bytes(), self.tcp, 16] {
            heads.extend(u16::try_from(word).unwrap_or(u16::MAX).to_ne_bytes());
        }
        heads.extend_from_slice(&self.frame[..self.data]);
        let packet = &mut heads[begins + HEADER_BYTES..];
        let tcp_bytes = self.data - self.tcp + data;
        let length = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
        if self.v6 {
            packet[self.ip + 4..self.ip + 6].copy_from_slice(&length(tcp_bytes));
        } else {
            packet[self.ip + 2..self.ip + 4].copy_from_slice(&length(self.tcp - self.ip + tcp_bytes));
            packet[self.ip + 10..self.ip + 12].fill(0);
            let checksum = !fold(sum(&packet[self.ip..self.tcp]));
            packet[self.ip + 10..self.ip + 12].copy_from_slice(&checksum.to_ne_bytes());
        }
        let pushes = frames.last().is_some_and(|last| last[self.tcp + 13] & PSH != 0);
        packet[self.tcp + 13] |= if pushes { PSH } else { 0 };
        // The remaining checksum work starts from the pseudo-header sum.
        let partial = fold(self.pseudo(tcp_bytes));
        packet[self.tcp + 16..self.tcp + 18].copy_from_slice(&partial.to_ne_bytes());
    }
}

#[cfg(test)]
#[path = "coalesce_tests.rs"]
mod tests;
