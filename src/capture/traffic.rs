//! Generated traffic: the same frames for the same seed, on every machine.

use super::{MAX_FRAME_BYTES, MIN_FRAME_BYTES};
use crate::frame::{MacAddr, ethertype};
use crate::time::Instant;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// IEEE 802's ethertype for local experiments: no program interprets the payload.
const ETHERTYPE: [u8; 2] = ethertype::LOCAL_EXPERIMENTAL.to_be_bytes();
const TPID: [u8; 2] = [0x81, 0x00];
/// Tagged frames use VLANs 1 to this.
const VLANS: u64 = 4;
/// Multicast groups used.
const GROUPS: u64 = 16;
/// Time between two frames.
const GAP: Duration = Duration::from_micros(1);
/// The IMIX of Internet traffic: seven small frames, four of medium size, one of the maximum Ethernet size.
const IMIX: [usize; 12] = [64, 64, 64, 64, 64, 64, 64, 570, 570, 570, 570, 1514];

/// The length of frames: bytes from the destination address on, tags included, no FCS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameSize {
    /// All frames have this length: 14 to 65,535.
    Fixed(usize),
    /// 64, 570 and 1514 bytes in the proportion 7 : 4 : 1.
    Imix,
}

/// The text is not a frame size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame size is a number of bytes from 14 to 65535, or `imix`")]
pub struct BadFrameSize;

impl FromStr for FrameSize {
    type Err = BadFrameSize;

    fn from_str(text: &str) -> Result<FrameSize, BadFrameSize> {
        if text == "imix" {
            return Ok(FrameSize::Imix);
        }
        let possible = MIN_FRAME_BYTES as usize..=MAX_FRAME_BYTES as usize;
        text.parse().ok().filter(|n| possible.contains(n)).map(FrameSize::Fixed).ok_or(BadFrameSize)
    }
}

impl fmt::Display for FrameSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameSize::Fixed(n) => n.fmt(f),
            FrameSize::Imix => f.write_str("imix"),
        }
    }
}

/// The composition of traffic. Shares are percentages of all frames; the rest is unicast to the destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficSpec {
    /// The length of frames.
    pub size: FrameSize,
    /// Destinations of unicast frames. None: all go to unknown MAC addresses.
    pub destinations: Vec<MacAddr>,
    /// Percentage of unicast frames to unknown MAC addresses.
    pub strangers: u8,
    /// Percentage of multicast frames.
    pub groups: u8,
    /// Percentage of broadcast frames.
    pub broadcasts: u8,
    /// Percentage of frames with a tag, of any kind.
    pub tagged: u8,
    /// Different seeds give different frames.
    pub seed: u64,
}

/// An endless stream of frames.
///
/// ```
/// use macvlab::capture::{FrameSize, Traffic, TrafficSpec};
/// let spec = TrafficSpec {
///     size: FrameSize::Fixed(64),
///     destinations: vec![Traffic::station(1)],
///     strangers: 0,
///     groups: 0,
///     broadcasts: 100,
///     tagged: 0,
///     seed: 1,
/// };
/// let mut traffic = Traffic::new(spec);
/// let (_, frame) = traffic.next_frame();
/// assert_eq!(frame[..6], [0xff; 6]);
/// ```
#[derive(Debug)]
pub struct Traffic {
    spec: TrafficSpec,
    number: u64,
    dice: u64,
    buf: Vec<u8>,
}

impl Traffic {
    /// The first frame is a microsecond after the epoch.
    #[must_use]
    pub fn new(spec: TrafficSpec) -> Traffic {
        let dice = mixed(spec.seed);
        Traffic { spec, number: 0, dice, buf: vec![0; MAX_FRAME_BYTES as usize] }
    }

    /// A station's MAC address, locally administered: unique for each number below 2^32.
    #[must_use]
    pub fn station(number: u32) -> MacAddr {
        let [a, b, c, d] = number.wrapping_mul(0x9e37_79b1).to_be_bytes();
        MacAddr([0x02, 0x4d, a, b, c, d])
    }

    /// The next frame and its time.
    pub fn next_frame(&mut self) -> (Instant, &[u8]) {
        self.number += 1;
        let dst = self.destination();
        // Source addresses differ from all destinations; there are as many as possible.
        let senders = self.spec.destinations.len().clamp(1, 1 << 16) as u64;
        let src = stranger(self.roll(senders), 0x06);
        let tag = self.percent(self.spec.tagged).then(|| self.roll(VLANS) as u8 + 1);
        let len = match self.spec.size {
            FrameSize::Fixed(len) => len,
            FrameSize::Imix => IMIX.get(self.roll(12) as usize).copied().unwrap_or(64),
        };
        let number = self.number;
        self.buf[..6].copy_from_slice(&dst.0);
        self.buf[6..12].copy_from_slice(&src.0);
        let payload = match tag {
            Some(vlan) => {
                self.buf[12..14].copy_from_slice(&TPID);
                self.buf[14..18].copy_from_slice(&[0, vlan, ETHERTYPE[0], ETHERTYPE[1]]);
                18
            }
            None => {
                self.buf[12..14].copy_from_slice(&ETHERTYPE);
                14
            }
        };
        self.buf[payload..payload + 8].copy_from_slice(&number.to_be_bytes());
        self.buf[payload + 8..payload + 12].fill(0);
        // A tagged frame that is truncated before its ethertype would be invalid.
        let len = len.max(if tag.is_some() { 20 } else { 14 });
        (Instant::ZERO + GAP * u32::try_from(number % (1 << 32)).unwrap_or(0), &self.buf[..len])
    }

    fn destination(&mut self) -> MacAddr {
        let (groups, broadcasts) = (self.spec.groups, self.spec.broadcasts);
        let kind = self.roll(100);
        let strangers_from = u64::from(broadcasts) + u64::from(groups);
        if kind < u64::from(broadcasts) {
            MacAddr::BROADCAST
        } else if kind < strangers_from {
            MacAddr([0x01, 0, 0x5e, 0x01, 0, self.roll(GROUPS) as u8])
        } else if kind < strangers_from + u64::from(self.spec.strangers) || self.spec.destinations.is_empty()
        {
            stranger(self.roll(1 << 24), 0x0a)
        } else {
            let index = self.roll(self.spec.destinations.len() as u64);
            self.spec.destinations.get(index as usize).copied().unwrap_or(MacAddr::BROADCAST)
        }
    }

    /// A number below `n`; the bias is far below what a capture could show.
    fn roll(&mut self, n: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.dice) % n.max(1)
    }

    fn percent(&mut self, share: u8) -> bool {
        share > 0 && self.roll(100) < u64::from(share)
    }
}

/// A MAC address in a separate range.
fn stranger(number: u64, range: u8) -> MacAddr {
    MacAddr::from_u64(u64::from(range) << 40 | 0x4d << 32 | mixed(number) & 0xffff_ffff)
}

/// Every bit of the input affects every bit of the output (the finalizer of SplitMix64).
fn mixed(n: u64) -> u64 {
    let n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ n >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::EthHeader;

    fn spec() -> TrafficSpec {
        TrafficSpec {
            size: FrameSize::Imix,
            destinations: (0..8).map(Traffic::station).collect(),
            strangers: 10,
            groups: 20,
            broadcasts: 30,
            tagged: 50,
            seed: 7,
        }
    }

    #[test]
    fn shares_and_sizes_are_as_asked() {
        let (spec, mut traffic) = (spec(), Traffic::new(spec()));
        let mut counts = [0u32; 5];
        let mut bytes = 0;
        let mut last = Instant::ZERO;
        for _ in 0..10_000 {
            let (time, frame) = traffic.next_frame();
            assert!(time > last);
            last = time;
            let header = EthHeader::parse(frame).unwrap();
            assert!(header.src.is_valid_station() && !spec.destinations.contains(&header.src));
            bytes += frame.len();
            let kind = match header.dst {
                MacAddr::BROADCAST => 0,
                dst if dst.is_multicast() => 1,
                dst if spec.destinations.contains(&dst) => 2,
                _ => 3,
            };
            counts[kind] += 1;
            counts[4] += u32::from(header.tag.is_some());
            assert_eq!(header.ethertype, 0x88b5);
        }
        for (count, share) in counts.into_iter().zip([30u32, 20, 40, 10, 50]) {
            assert!(count.abs_diff(share * 100) < 300, "{count} instead of {share} %");
        }
        assert!((330..380).contains(&(bytes / 10_000)), "{bytes}");
    }

    #[test]
    fn the_seed_decides() {
        let frames = |spec: TrafficSpec| {
            let mut traffic = Traffic::new(spec);
            (0..100).map(|_| traffic.next_frame().1.to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(frames(spec()), frames(spec()));
        assert_ne!(frames(spec()), frames(TrafficSpec { seed: 8, ..spec() }));
    }

    #[test]
    fn the_shortest_frames_are_frames() {
        let mut traffic =
            Traffic::new(TrafficSpec { size: FrameSize::Fixed(14), destinations: Vec::new(), ..spec() });
        for _ in 0..100 {
            let (_, frame) = traffic.next_frame();
            assert!(EthHeader::parse(frame).is_ok_and(|h| h.len == if h.tag.is_some() { 20 } else { 14 }));
        }
    }

    #[test]
    fn sizes_as_text() {
        assert_eq!(["imix", "64"].map(str::parse), [Ok(FrameSize::Imix), Ok(FrameSize::Fixed(64))]);
        for bad in ["", "13", "65536", "64B", "-1"] {
            assert_eq!(bad.parse::<FrameSize>(), Err(BadFrameSize), "{bad}");
        }
    }
}
