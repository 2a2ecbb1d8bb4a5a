//! Completes work that a sender left to its hardware: checksums, segmentation, and the tag in metadata.
//!
//! A kernel passes frames to packet sockets and TAP devices as it would to a NIC, with a virtio header (virtio 1.3,
//! 5.1.6) that describes the remaining work. A lab's frames are complete as on the wire, so it is done here.

use crate::frame::{EthHeader, ethertype};

/// Length of the header, in bytes.
pub(super) const HEADER_BYTES: usize = 10;

/// The header of a complete frame.
pub(super) const NOTHING_TO_DO: [u8; HEADER_BYTES] = [0; HEADER_BYTES];

/// `VIRTIO_NET_HDR_F_NEEDS_CSUM`
pub(super) const NEEDS_CHECKSUM: u8 = 1;
/// `VIRTIO_NET_HDR_GSO_ECN`, a flag in the type.
const ECN: u8 = 0x80;
/// `VIRTIO_NET_HDR_GSO_TCPV4`, `_UDP`, `_TCPV6`, `_UDP_L4`; `_UDP` (3) is obsolete.
pub(super) const TCP_V4: u8 = 1;
pub(super) const TCP_V6: u8 = 4;
const UDP: u8 = 5;

pub(super) const V6_HEADER: usize = 40;

/// TCP flags that only the last segment keeps: FIN and PSH; and only the first: CWR.
const LAST_ONLY: u8 = 0x01 | 0x08;
const FIRST_ONLY: u8 = 0x80;

/// `struct virtio_net_hdr`, in the machine's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    flags: u8,
    kind: u8,
    segment: usize,
    checksum_start: usize,
    checksum_offset: usize,
}

impl Header {
    /// Parses it.
    pub(super) fn parse(bytes: [u8; HEADER_BYTES]) -> Header {
        let word = |i: usize| usize::from(u16::from_ne_bytes([bytes[i], bytes[i + 1]]));
        Header {
            flags: bytes[0],
            kind: bytes[1] & !ECN,
            segment: word(4),
            checksum_start: word(6),
            checksum_offset: word(8),
        }
    }
}

/// The header does not match the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Does the remaining work for the frame behind the header at the start of `bytes`, and emits the result: one frame, or
/// its segments. `scratch` is a buffer for a segment. Returns the number of frames emitted.
///
/// # Errors
/// [`Malformed`]; nothing was emitted.
pub(super) fn complete(
    bytes: &mut [u8],
    tag: Option<(u16, u16)>,
    scratch: &mut Vec<u8>,
    take: &mut dyn FnMut(&[u8]),
) -> Result<usize, Malformed> {
    let header = Header::parse(*bytes.first_chunk().ok_or(Malformed)?);
    let frame = &mut bytes[HEADER_BYTES..];
    if header.kind != 0 {
        let cut = Segmenter::of(&header, frame)?;
        return cut.segments(frame, tag, scratch, take);
    }
    if header.flags & NEEDS_CHECKSUM != 0 {
        fill_checksum(frame, header.checksum_start, header.checksum_offset)?;
    }
    match tag {
        None => take(frame),
        Some(_) if frame.len() < 12 => return Err(Malformed),
        // The header has been read: the addresses move into its place, and the tag into theirs.
        Some((tpid, tci)) => {
            bytes.copy_within(HEADER_BYTES..HEADER_BYTES + 12, HEADER_BYTES - 4);
            bytes[HEADER_BYTES + 8..HEADER_BYTES + 10].copy_from_slice(&tpid.to_be_bytes());
            bytes[HEADER_BYTES + 10..HEADER_BYTES + 12].copy_from_slice(&tci.to_be_bytes());
            take(&bytes[HEADER_BYTES - 4..]);
        }
    }
    Ok(1)
}

/// The checksum over everything from `start` on, where the sender has put the pseudo-header sum.
fn fill_checksum(frame: &mut [u8], start: usize, offset: usize) -> Result<(), Malformed> {
    let covered = frame.get_mut(start..).ok_or(Malformed)?;
    if offset + 2 > covered.len() {
        return Err(Malformed);
    }
    let checksum = never_zero(!fold(sum(covered)));
    covered[offset..offset + 2].copy_from_slice(&checksum.to_ne_bytes());
    Ok(())
}

/// The sum of the words in these bytes, in native byte order, which RFC 1071 allows. Written so that it compiles to
/// wide additions; library versions take longer than a system call for a full frame.
pub(super) fn sum(bytes: &[u8]) -> u64 {
    let mut chunks = bytes.chunks_exact(4);
    let mut sum: u64 = 0;
    for chunk in &mut chunks {
        sum += u64::from(u32::from_ne_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]));
    }
    let mut last = [0; 4];
    let rest = chunks.remainder();
    last[..rest.len()].copy_from_slice(rest);
    sum + u64::from(u32::from_ne_bytes(last))
}

/// Folds a sum's carries.
pub(super) fn fold(sum: u64) -> u16 {
    let mut sum = (sum & 0xffff_ffff) + (sum >> 32);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// Zero means "no checksum" in UDP; elsewhere both values are equivalent.
fn never_zero(checksum: u16) -> u16 {
    if checksum == 0 { 0xffff } else { checksum }
}

/// Where to segment a frame.
#[derive(Debug)]
struct Segmenter {
    v6: bool,
    udp: bool,
    /// Offsets of the IP header, the TCP or UDP header, and the data.
    ip: usize,
    transport: usize,
    data: usize,
    /// Bytes of data in each segment.
    size: usize,
}

impl Segmenter {
    fn of(header: &Header, frame: &[u8]) -> Result<Segmenter, Malformed> {
        let (kind, ip) = EthHeader::payload(frame).ok_or(Malformed)?;
        let (v6, udp) = match (header.kind, kind) {
            (TCP_V4, ethertype::IPV4) => (false, false),
            (TCP_V6, ethertype::IPV6) => (true, false),
            (UDP, ethertype::IPV4) => (false, true),
            (UDP, ethertype::IPV6) => (true, true),
            _ => return Err(Malformed),
        };
        let transport = header.checksum_start;
        if transport < ip + if v6 { V6_HEADER } else { 20 } || header.segment == 0 {
            return Err(Malformed);
        }
        let transport_bytes = if udp {
            8
        } else {
            let offset = frame.get(transport + 12).ok_or(Malformed)?;
            usize::from(offset >> 4) * 4
        };
        let data = transport + transport_bytes;
        if (!udp && transport_bytes < 20) || data >= frame.len() {
            return Err(Malformed);
        }
        Ok(Segmenter { v6, udp, ip, transport, data, size: header.segment })
    }

    fn segments(
        &self,
        frame: &[u8],
        tag: Option<(u16, u16)>,
        scratch: &mut Vec<u8>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<usize, Malformed> {
        let (headers, data) = frame.split_at(self.data);
        let count = data.len().div_ceil(self.size);
        for (index, part) in data.chunks(self.size).enumerate() {
            scratch.clear();
            scratch.extend_from_slice(headers);
            scratch.extend_from_slice(part);
            self.number(scratch, index, index + 1 == count)?;
            if let Some((tpid, tci)) = tag {
                let [a, b] = tpid.to_be_bytes();
                let [c, d] = tci.to_be_bytes();
                scratch.splice(12..12, [a, b, c, d]);
            }
            take(scratch);
        }
        Ok(count)
    }

    /// Adjusts the headers of one segment.
    fn number(&self, segment: &mut [u8], index: usize, last: bool) -> Result<(), Malformed> {
        let ip_bytes = u16::try_from(segment.len() - self.ip).map_err(|_| Malformed)?;
        let transport_bytes = u16::try_from(segment.len() - self.transport).map_err(|_| Malformed)?;
        let ip = &mut segment[self.ip..];
        if self.v6 {
            let payload = ip_bytes - V6_HEADER as u16;
            ip[4..6].copy_from_slice(&payload.to_be_bytes());
        } else {
            let id = u16::from_be_bytes([ip[4], ip[5]]).wrapping_add(index as u16);
            ip[2..4].copy_from_slice(&ip_bytes.to_be_bytes());
            ip[4..6].copy_from_slice(&id.to_be_bytes());
            ip[10..12].fill(0);
            let header = &ip[..self.transport - self.ip];
            let checksum = !fold(sum(header));
            ip[10..12].copy_from_slice(&checksum.to_ne_bytes());
        }
        let addresses = if self.v6 { 8..40 } else { 12..20 };
        let pseudo = sum(&ip[addresses]) + u64::from(transport_bytes.to_be());
        let transport = &mut segment[self.transport..];
        let (protocol, at) = if self.udp {
            transport[4..6].copy_from_slice(&transport_bytes.to_be_bytes());
            (17_u8, 6)
        } else {
            let number = u32::from_be_bytes([transport[4], transport[5], transport[6], transport[7]]);
            let number = number.wrapping_add((index * self.size) as u32);
            transport[4..8].copy_from_slice(&number.to_be_bytes());
            let flags = &mut transport[13];
            *flags &= !(if last { 0 } else { LAST_ONLY } | if index == 0 { 0 } else { FIRST_ONLY });
            (6, 16)
        };
        transport[at..at + 2].fill(0);
        let checksum = never_zero(!fold(pseudo + u64::from(u16::from(protocol).to_be()) + sum(transport)));
        transport[at..at + 2].copy_from_slice(&checksum.to_ne_bytes());
        Ok(())
    }
}

#[cfg(test)]
#[path = "offload_tests.rs"]
pub(super) mod tests;
