//! What one would decide by otherwise: the tables that the demultiplexer is compared with.

use macvlab::frame::MacAddr;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// One multiplication, and a rotation so that both ends of the hash are mixed.
#[derive(Clone, Copy, Default)]
pub(super) struct Fx(u64);

impl Hasher for Fx {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&b| self.write_u64(b.into()));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = self.0.wrapping_add(n).wrapping_mul(0xf135_7aea_2e62_a9c5);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

/// The standard map with that hash, addresses as numbers.
pub(super) type FxMap = HashMap<u64, u16, BuildHasherDefault<Fx>>;

/// 256 chains, as many as the kernel's macvlan has.
pub(super) struct Chains {
    /// An index of `nodes`.
    heads: [Option<usize>; 256],
    nodes: Vec<Node>,
}

struct Node {
    mac: MacAddr,
    port: u16,
    next: Option<usize>,
}

impl Chains {
    pub(super) fn new(macs: &[MacAddr]) -> Chains {
        let mut chains = Chains { heads: [None; 256], nodes: Vec::with_capacity(macs.len()) };
        for (&mac, port) in macs.iter().zip(0..) {
            let head = &mut chains.heads[bucket(mac)];
            chains.nodes.push(Node { mac, port, next: head.replace(chains.nodes.len()) });
        }
        chains
    }

    pub(super) fn get(&self, mac: MacAddr) -> Option<u16> {
        let mut at = self.heads[bucket(mac)];
        while let Some(node) = at.and_then(|n| self.nodes.get(n)) {
            if node.mac == mac {
                return Some(node.port);
            }
            at = node.next;
        }
        None
    }
}

fn bucket(mac: MacAddr) -> usize {
    usize::from((mac.to_u64().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
}
