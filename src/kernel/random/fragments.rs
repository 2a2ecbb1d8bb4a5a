//! Random fragmented IPv4 datagrams.

use super::LabGenerator;
use crate::frame::MacAddr;
use crate::lab::spec::{Action, FrameSpec, InjectPoint, Name};
use etherparse::{IpEcn, IpFragOffset, IpNumber, Ipv4Header};

/// One fragment of a datagram.
struct Part {
    /// In units of 8 bytes.
    offset: u16,
    len: usize,
    more: bool,
}

impl LabGenerator {
    /// The fragments of one multicast or broadcast datagram, in any order; sometimes one is missing, repeated or
    /// overlaps another.
    pub(super) fn datagram(&mut self, seed: u64) -> Vec<Action> {
        self.serial += 1;
        let mut parts = self.parts();
        for i in (1..parts.len()).rev() {
            if self.dice.percent(45) {
                let other = self.dice.below(i + 1);
                parts.swap(i, other);
            }
        }
        let sender = self.sender();
        let dst = self.group_destination();
        let tagged = self.dice.percent(15);
        parts.iter().map(|part| self.part(part, seed, &sender, dst, tagged)).collect()
    }

    fn parts(&mut self) -> Vec<Part> {
        let count = 2 + self.dice.below(3);
        let mut parts = Vec::new();
        let mut offset = 0;
        for i in 0..count {
            let more = i + 1 < count;
            let units = 1 + self.dice.below(3);
            let len = if more { units * 8 } else { 1 + self.dice.below(units * 8) };
            parts.push(Part { offset, len, more });
            offset += u16::try_from(units).unwrap_or(1);
        }
        let at = self.dice.below(count);
        match self.dice.weighted(&[62, 10, 12, 10, 6]) {
            0 => {}
            1 => drop(parts.remove(at)),
            2 => {
                let Part { offset, len, more } = parts[at];
                parts.push(Part { offset, len, more });
            }
            3 => {
                let part = Part { offset: parts[at].offset + 1, len: 8 + 8 * self.dice.below(2), more: true };
                parts.insert(at, part);
            }
            // A fragment other than the last ends at a multiple of 8, or is cut.
            _ => parts[at].len += 1 + self.dice.below(7),
        }
        parts
    }

    fn part(
        &mut self,
        part: &Part,
        seed: u64,
        sender: &(Name, bool, MacAddr),
        dst: MacAddr,
        tagged: bool,
    ) -> Action {
        let (at, from_wire, own) = if self.dice.percent(85) { sender.clone() } else { self.sender() };
        let dst = if self.dice.percent(80) { dst } else { self.group_destination() };
        let mut frame = [dst.0, own.0].concat();
        if tagged != self.dice.percent(5) {
            self.tag(&mut frame);
        }
        frame.extend(0x0800_u16.to_be_bytes());
        frame.extend(self.header(part, seed));
        let data = u8::try_from(part.offset).unwrap_or(0);
        frame.resize(frame.len() + part.len, data);
        if self.dice.percent(20) {
            frame.resize(frame.len().max(60), 0);
        }
        let entry = if from_wire { InjectPoint::Wire } else { InjectPoint::Device };
        Action::Inject { at, entry, frame: FrameSpec::Bytes(frame) }
    }

    /// The source address identifies the lab and the id the datagram, so that different ones are never reassembled
    /// together.
    fn header(&mut self, part: &Part, seed: u64) -> Vec<u8> {
        let [.., a, b, c] = seed.to_be_bytes();
        let ecn = *self.dice.pick(&[IpEcn::ZERO, IpEcn::TWO, IpEcn::THREE]);
        let mut header = Ipv4Header {
            total_len: u16::try_from(Ipv4Header::MIN_LEN + part.len).unwrap_or(u16::MAX),
            identification: u16::try_from(self.serial).unwrap_or(u16::MAX),
            dont_fragment: self.dice.percent(8),
            more_fragments: part.more,
            fragment_offset: IpFragOffset::try_new(part.offset).unwrap_or(IpFragOffset::ZERO),
            ecn: if self.dice.percent(6) { ecn } else { IpEcn::ZERO },
            time_to_live: 64,
            protocol: IpNumber::UDP,
            source: [10, a, b, c],
            destination: [239, 0, 1, 9],
            ..Ipv4Header::default()
        };
        header.header_checksum = header.calc_header_checksum();
        header.to_bytes().to_vec()
    }

    /// Mostly a group: only such fragments are reassembled.
    fn group_destination(&mut self) -> MacAddr {
        match self.dice.weighted(&[55, 30, 15]) {
            0 => {
                let joined: Vec<MacAddr> = self.ports.iter().flat_map(|p| p.groups.clone()).collect();
                if joined.is_empty() || self.dice.percent(30) {
                    self.group()
                } else {
                    *self.dice.pick(&joined)
                }
            }
            1 => MacAddr::BROADCAST,
            _ => self.any_mac(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::random_lab;
    use super::*;
    use crate::frame::{EthHeader, ethertype};
    use crate::kernel::Prediction;
    use crate::verdict::Rule;

    fn packets(seed: u64) -> Vec<Vec<u8>> {
        let lab = random_lab(seed);
        let frames = lab.steps.iter().filter_map(|s| match &s.action {
            Action::Inject { frame: FrameSpec::Bytes(bytes), .. } => Some(bytes),
            _ => None,
        });
        let packet = |f: &Vec<u8>| {
            let (_, at) = EthHeader::payload(f).filter(|(kind, _)| *kind == ethertype::IPV4)?;
            f[at..].strip_prefix(&[0x45]).map(<[u8]>::to_vec)
        };
        frames.filter_map(packet).collect()
    }

    #[test]
    fn some_labs_have_datagrams_in_parts_and_some_of_them_become_whole() {
        let labs: Vec<u64> = (0..300).filter(|s| !packets(*s).is_empty()).collect();
        assert!((30..200).contains(&labs.len()), "{}", labs.len());
        let held = |s: &&u64| Prediction::run(&random_lab(**s)).rules().contains(&Rule::FragmentHeld);
        assert!(labs.iter().filter(held).count() > 10);
    }

    #[test]
    fn no_two_labs_share_a_datagram() {
        let sources = |seed| -> Vec<Vec<u8>> { packets(seed).iter().map(|p| p[11..15].to_vec()).collect() };
        let with: Vec<u64> = (0..200).filter(|s| !packets(*s).is_empty()).take(2).collect();
        assert!(sources(with[0]).iter().all(|s| !sources(with[1]).contains(s)));
    }
}
