//! Many frames at once, as they lie in memory: read, decided about and counted in three short loops. Each has few things to
//! keep in mind, and what one leaves for the next is there by the time it is asked for. The decision is the one that
//! [`Forwarding::receive`] makes.

use super::Tally;
use super::forwarding::{Fate, Forwarding};
use crate::frame::{EthHeader, MacAddr, PacketType};
use crate::table::{BATCH, Lookup};
use crate::verdict::{Egress, Rule, Verdict};

/// What is kept of a frame between the loops.
#[derive(Clone, Copy)]
struct Seen {
    /// The broadcast address, if the frame has been settled already.
    dst: MacAddr,
    fate: Fate,
    /// Bytes as a port counts them.
    len: u32,
}

impl<T: Lookup> Forwarding<T> {
    /// Reads the headers of frames that arrive at the parent, decides about them and counts what the ports get, for as many as
    /// `out` takes verdicts. Answers how many there were. A frame too short for its header is dropped by [`Rule::Runt`].
    ///
    /// `tally` must be this table's.
    pub fn receive_frames<'f>(
        &self,
        frames: &mut impl Iterator<Item = &'f [u8]>,
        tally: &mut Tally,
        out: &mut [Verdict],
    ) -> usize {
        let mut all = 0;
        if self.has_lists() {
            for (verdict, frame) in out.iter_mut().zip(frames) {
                *verdict = self.settle_at_length(frame, tally);
                all += 1;
            }
            return all;
        }
        let mut seen = [Seen { dst: MacAddr::BROADCAST, fate: Fate::default(), len: 0 }; BATCH];
        for out in out.chunks_mut(BATCH) {
            let mut read = 0;
            for frame in frames.by_ref().take(out.len()) {
                if let (Some(seen), Some(verdict)) = (seen.get_mut(read), out.get_mut(read)) {
                    self.read(frame, seen, tally, verdict);
                }
                read += 1;
            }
            let seen = seen.get_mut(..read).unwrap_or_default();
            for seen in seen.iter_mut() {
                seen.fate = self.fate(seen.dst);
            }
            for (seen, verdict) in seen.iter().zip(out.iter_mut()) {
                if !seen.dst.is_multicast() {
                    tally.settle(seen.fate, seen.len, verdict);
                }
            }
            all += read;
            if read < out.len() {
                break;
            }
        }
        all
    }

    /// Reads a header. What is not simply a frame for somebody's address is settled at once.
    #[inline(always)]
    fn read(&self, frame: &[u8], seen: &mut Seen, tally: &mut Tally, verdict: &mut Verdict) {
        match EthHeader::parse(frame) {
            Ok(header) if !header.dst.is_multicast() => {
                self.table.prefetch(header.dst);
                seen.dst = header.dst;
                seen.len = header.untagged_len();
            }
            _ => {
                seen.dst = MacAddr::BROADCAST;
                *verdict = self.settle_at_length(frame, tally);
            }
        }
    }

    /// A frame that the short way is not for.
    #[inline(never)]
    fn settle_at_length(&self, frame: &[u8], tally: &mut Tally) -> Verdict {
        let Ok(header) = EthHeader::parse(frame) else {
            return Verdict::plain(Rule::Runt, Egress::Drop);
        };
        let verdict = self.receive(&header);
        for delivery in self.deliveries(&verdict, &header, PacketType::OtherHost) {
            tally.count(&delivery, &header);
        }
        verdict
    }
}
