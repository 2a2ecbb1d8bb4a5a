//! Many frames at once, as they lie in memory: read, looked up, and acted on in three short loops. Each has few things to keep in
//! mind, and what one leaves for the next is there by the time it is asked for. What becomes of a unicast is what
//! [`Forwarding::receive`] says of it.

use super::forwarding::{Forwarding, VerdictIndex};
use crate::frame::{EthHeader, MacAddr};
use crate::table::{BATCH, Lookup};

/// A unicast frame about which nothing but its destination's owner was left to find out.
#[derive(Clone, Copy, Debug)]
pub struct Unicast {
    /// Its destination.
    pub dst: MacAddr,
    /// What becomes of it.
    pub verdict: VerdictIndex,
    /// Its length without its outermost tag, in bytes.
    pub untagged_len: u32,
}

/// What is kept of a frame between the loops.
#[derive(Clone, Copy)]
struct Seen {
    /// The destination, as it stands in the frame, in one word; the group bit is set if the short way is not for the frame.
    dst: u64,
    untagged_len: u32,
}

impl Seen {
    const AT_LENGTH: Seen = Seen { dst: 1, untagged_len: 0 };

    #[inline(always)]
    fn new(dst: MacAddr, untagged_len: u32) -> Seen {
        let [a, b, c, d, e, f] = dst.0;
        let dst = u64::from(u16::from_le_bytes([e, f])) << 32 | u64::from(u32::from_le_bytes([a, b, c, d]));
        Seen { dst, untagged_len }
    }

    #[inline(always)]
    fn dst(&self) -> MacAddr {
        let [a, b, c, d, e, f, _, _] = self.dst.to_le_bytes();
        MacAddr([a, b, c, d, e, f])
    }

    #[inline(always)]
    fn unicast(&self, verdict: VerdictIndex) -> Option<Unicast> {
        let unicast = || Unicast { dst: self.dst(), verdict, untagged_len: self.untagged_len };
        (self.dst & 1 == 0).then(unicast)
    }
}

impl<T: Lookup> Forwarding<T> {
    /// Reads the headers of frames that arrive at the parent, finds out what becomes of the unicast ones, and hands all to
    /// `act` in their order. `bytes` says where a frame is. `short` says of a unicast header whether nothing but
    /// the destination decides about the frame. For any other frame, as for groups, frames without a whole header and all
    /// frames of a parent with source lists, there is no [`Unicast`]: they are for [`Forwarding::receive`].
    ///
    /// The frames are gone through twice, as asking for one again is less than keeping it between the loops.
    #[inline(always)]
    pub fn receive_each<'f, F: Copy>(
        &self,
        mut frames: impl Iterator<Item = F> + Clone,
        bytes: impl Fn(F) -> &'f [u8],
        short: impl Fn(&EthHeader) -> bool,
        mut act: impl FnMut(F, Option<Unicast>),
    ) {
        let lists = self.has_lists();
        let index_of = self.indices();
        let mut seen = [Seen::AT_LENGTH; BATCH];
        let mut indices = [VerdictIndex::NONE; BATCH];
        let mut again = frames.clone();
        loop {
            let mut read = 0;
            for (seen, frame) in seen.iter_mut().zip(&mut frames) {
                *seen = match EthHeader::parse(bytes(frame)) {
                    Ok(header) if !header.dst.is_multicast() && !lists && short(&header) => {
                        self.table.prefetch(header.dst);
                        Seen::new(header.dst, header.untagged_len())
                    }
                    _ => Seen::AT_LENGTH,
                };
                read += 1;
            }
            let seen = seen.get_mut(..read).unwrap_or_default();
            for (index, seen) in indices.iter_mut().zip(seen.iter()) {
                *index = index_of(seen.dst());
            }
            for ((seen, index), frame) in seen.iter().zip(&indices).zip(&mut again) {
                act(frame, seen.unicast(*index));
            }
            if read < BATCH {
                return;
            }
        }
    }
}
