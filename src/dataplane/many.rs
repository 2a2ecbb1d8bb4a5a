//! Many frames out of one cable, one after another.

use super::{ForwardingContext, LinkNode, NodeId, Numbered, Observer};

impl<W: Observer> ForwardingContext<'_, W> {
    /// A device takes frames from its cable. At a parent some are read and looked up before the first goes on: both wait
    /// for memory, and so they wait together. What becomes of each is what [`ForwardingContext::take_in`] makes of it.
    ///
    /// `bytes` says where a frame is. `begin` says, when its turn comes, under which number it goes on; `end` hears of
    /// those that may have set something going.
    #[inline(always)]
    pub(super) fn take_in_each<'f, F: Copy>(
        &mut self,
        node: NodeId,
        link: &LinkNode,
        frames: impl Iterator<Item = F> + Clone,
        bytes: impl Fn(F) -> &'f [u8],
        mut begin: impl FnMut(&mut Self, F) -> Numbered<'f>,
        mut end: impl FnMut(&mut Self, Numbered<'f>),
    ) {
        let Some(ports) = link.hooked() else {
            return frames.for_each(|frame| {
                let frame = begin(self, frame);
                self.take_in(node, link, frame);
                end(self, frame);
            });
        };
        // The parent's own counts are added up at the end: one place in memory for every frame would hold up the next one.
        let (mut packets, mut octets) = (0, 0);
        let short = |header: &_| link.leads_to_hook(header);
        ports.table.receive_each(frames, bytes, short, |frame, unicast| {
            let frame = begin(self, frame);
            match unicast {
                Some(unicast) => {
                    packets += 1;
                    octets += frame.bytes.len() as u64;
                    self.take_in_unicast(node, link, ports, &unicast, frame);
                }
                None => {
                    self.take_in(node, link, frame);
                    end(self, frame);
                }
            }
        });
        let counters = self.state.count(node);
        counters.rx_packets += packets;
        counters.rx_bytes += octets;
    }
}
