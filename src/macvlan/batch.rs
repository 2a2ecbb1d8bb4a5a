//! Many frames at once, as they lie in memory: read, looked up, and acted on in three short loops. Each has few things to keep in
//! mind, and what one leaves for the next is there by the time it is asked for. What becomes of a unicast is what
//! [`Forwarding::receive`] says of it.

use super::forwarding::{Fate, Forwarding};
use crate::frame::{EthHeader, MacAddr};
use crate::table::{BATCH, Lookup};

/// A unicast frame about which nothing but its destination's owner was left to find out.
#[derive(Clone, Copy, Debug)]
pub struct Unicast {
    /// Its destination.
    pub dst: MacAddr,
    /// What becomes of it.
    pub fate: Fate,
    /// Its length without its outermost tag, in bytes.
    pub untagged_len: u32,
}

impl<T: Lookup> Forwarding<T> {
    /// Reads the headers of frames that arrive at the parent, finds out what becomes of the unicast ones, and hands all to
    /// `act` in their order, each with what came along with it. `short` says of a unicast header whether nothing but
    /// the destination decides about the frame. For any other frame, as for groups, frames without a whole header and all
    /// frames of a parent with source lists, there is no [`Unicast`]: they are for [`Forwarding::receive`].
    ///
    /// The frames are gone through twice, as asking for one again is less than keeping it between the loops.
    #[inline(always)]
    pub fn receive_each<'f, K>(
        &self,
        mut frames: impl Iterator<Item = (K, &'f [u8])> + Clone,
        short: impl Fn(&EthHeader) -> bool,
        mut act: impl FnMut(K, &'f [u8], Option<&Unicast>),
    ) {
        let lists = self.has_lists();
        // The broadcast address stands for a frame that the short way is not for.
        let none = Unicast { dst: MacAddr::BROADCAST, fate: Fate::default(), untagged_len: 0 };
        let mut seen = [none; BATCH];
        let mut again = frames.clone();
        loop {
            let mut read = 0;
            for (seen, (_, frame)) in seen.iter_mut().zip(&mut frames) {
                match EthHeader::parse(frame) {
                    Ok(header) if !header.dst.is_multicast() && !lists && short(&header) => {
                        self.table.prefetch(header.dst);
                        seen.dst = header.dst;
                        seen.untagged_len = header.untagged_len();
                    }
                    _ => seen.dst = MacAddr::BROADCAST,
                }
                read += 1;
            }
            let seen = seen.get_mut(..read).unwrap_or_default();
            for unicast in seen.iter_mut() {
                unicast.fate = self.fate(unicast.dst);
            }
            for (unicast, (key, frame)) in seen.iter().zip(&mut again) {
                act(key, frame, (!unicast.dst.is_multicast()).then_some(unicast));
            }
            if read < BATCH {
                return;
            }
        }
    }
}
