//! One datagram whose parts arrive: what is kept, what ruins it, and what it becomes.

use super::{DATAGRAM_OVERHEAD_BYTES, MAX_DATAGRAM_BYTES, PART_OVERHEAD_BYTES, Part};
use crate::time::Instant;
use crate::verdict::Rule;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use etherparse::{IpEcn, IpFragOffset, Ipv4Header};

/// Parts of one datagram, none of which overlap.
#[derive(Clone, Debug)]
pub(super) struct Datagram {
    deadline: Instant,
    /// The data by its offset.
    parts: BTreeMap<usize, Vec<u8>>,
    /// Stretches of data, from offset to end: parts that came one behind the other at the far end are one stretch, a
    /// part that fills a gap is one by itself (R166).
    stretches: BTreeMap<usize, usize>,
    /// Bytes of data held.
    held: usize,
    /// The end as far as known: the furthest that any part reached.
    end: usize,
    /// That end was a last part's.
    end_is_certain: bool,
    /// The part with offset 0: its Ethernet header, its IP header.
    head: Option<(Vec<u8>, Ipv4Header)>,
    /// The ECN codepoints seen, each its bit.
    ecn: u8,
    /// The longest part, and the longest that must not be fragmented, IP headers included.
    longest: usize,
    longest_df: usize,
    /// The number of the latest part among all of its source.
    latest: u64,
}

/// What came of adding a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It waits for others.
    Held,
    /// Its data is there already, so it is not needed.
    Needless,
    /// It and all before it are thrown away.
    Ruined(Rule),
    /// Nothing is missing any more.
    Complete,
}

/// Where a part stands among the stretches.
enum Insertion {
    /// It goes on where the last stretch ends.
    Appended(usize),
    /// Anywhere else where nothing is.
    Free,
    /// Wholly inside a stretch.
    Inside,
    /// Across the bounds of one.
    Across,
}

impl Datagram {
    pub(super) fn new(deadline: Instant) -> Datagram {
        Datagram {
            deadline,
            parts: BTreeMap::new(),
            stretches: BTreeMap::new(),
            held: 0,
            end: 0,
            end_is_certain: false,
            head: None,
            ecn: 0,
            longest: 0,
            longest_df: 0,
            latest: 0,
        }
    }

    /// When it is given up.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What it is charged, in bytes.
    pub(super) fn cost(&self) -> usize {
        DATAGRAM_OVERHEAD_BYTES + self.parts.len() * PART_OVERHEAD_BYTES + self.held
    }

    /// Notes the number of a part among all of its source; whether too many others came since the one before (R169a).
    pub(super) fn moved_on(&mut self, number: u64, limit: u64) -> bool {
        let distance = number.saturating_sub(self.latest);
        self.latest = number;
        !self.parts.is_empty() && distance > limit
    }

    /// Throws away what is held. The lengths that decide about DF stay, as they do in the kernel (`ip_frag_reinit`).
    pub(super) fn start_again(&mut self, deadline: Instant) {
        let Datagram { longest, longest_df, latest, .. } = *self;
        *self = Datagram { longest, longest_df, latest, ..Datagram::new(deadline) };
    }

    /// Adds a part (`ip_frag_queue`; R165 to R168).
    pub(super) fn add(&mut self, part: &Part<'_>) -> Added {
        let offset = usize::from(part.ip.fragments_offset().byte_offset());
        let more = part.ip.more_fragments();
        let len = if more { part.data.len() & !7 } else { part.data.len() };
        let end = offset + len;
        if !self.agree_on_end(end, more) || len == 0 {
            return Added::Ruined(Rule::FragmentImpossible);
        }
        match self.place(offset, end) {
            Insertion::Inside => return Added::Needless,
            Insertion::Across => return Added::Ruined(Rule::FragmentOverlap),
            Insertion::Appended(start) => self.stretches.insert(start, end),
            Insertion::Free => self.stretches.insert(offset, end),
        };
        self.parts.insert(offset, part.data[..len].to_vec());
        self.held += len;
        self.ecn |= 1 << part.ip.ecn().value();
        let with_header = part.ip.slice().len() + len;
        self.longest = self.longest.max(with_header);
        if part.ip.dont_fragment() {
            self.longest_df = self.longest_df.max(with_header);
        }
        if offset == 0 {
            self.head = Some((part.ethernet.to_vec(), part.ip.to_header()));
        }
        let complete = self.head.is_some() && self.end_is_certain && self.held == self.end;
        if complete { Added::Complete } else { Added::Held }
    }

    /// Whether this end and the known one can both be true (R167). The end is noted even if the part is then dropped as
    /// needless.
    fn agree_on_end(&mut self, end: usize, more: bool) -> bool {
        let agree = match (more, self.end_is_certain) {
            (true, true) => end <= self.end,
            (true, false) => true,
            (false, true) => end == self.end,
            (false, false) => end >= self.end,
        };
        if agree {
            self.end = self.end.max(end);
            self.end_is_certain |= !more;
        }
        agree
    }

    fn place(&self, offset: usize, end: usize) -> Insertion {
        // Stretches are apart, so only the last one that begins before this part's end can reach into it.
        match self.stretches.range(..end).next_back() {
            Some((start, stop)) if *start <= offset && end <= *stop => Insertion::Inside,
            Some((_, stop)) if offset < *stop => Insertion::Across,
            Some((start, stop)) if offset == *stop && self.reach() == *stop => Insertion::Appended(*start),
            _ => Insertion::Free,
        }
    }

    /// The end of the furthest part held.
    fn reach(&self) -> usize {
        self.stretches.last_key_value().map_or(0, |(_, stop)| *stop)
    }

    /// The datagram as one frame (`ip_frag_reasm`; R163).
    ///
    /// # Errors
    /// The rule that throws it away: mixed ECN (R168), or too long (R167a).
    pub(super) fn whole(self) -> Result<Vec<u8>, Rule> {
        let (mut frame, mut ip) = self.head.ok_or(Rule::FragmentHeld)?;
        let bit = |codepoint: IpEcn| 1u8 << codepoint.value();
        if self.ecn & bit(IpEcn::ZERO) != 0 && self.ecn != bit(IpEcn::ZERO) {
            return Err(Rule::FragmentEcn);
        }
        let total = ip.header_len() + self.held;
        let Some(total) = u16::try_from(total).ok().filter(|_| total <= MAX_DATAGRAM_BYTES) else {
            return Err(Rule::FragmentsTooLong);
        };
        if self.ecn & bit(IpEcn::THREE) != 0 {
            ip.ecn = IpEcn::THREE;
        }
        ip.total_len = total;
        ip.dont_fragment = self.longest_df == self.longest;
        ip.more_fragments = false;
        ip.fragment_offset = IpFragOffset::ZERO;
        ip.header_checksum = ip.calc_header_checksum();
        frame.reserve(usize::from(total));
        frame.extend_from_slice(&ip.to_bytes());
        for data in self.parts.values() {
            frame.extend_from_slice(data);
        }
        Ok(frame)
    }
}
