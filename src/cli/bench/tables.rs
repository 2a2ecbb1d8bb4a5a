//! Alternative tables that the demultiplexer's decisions are compared with. `benches/` shares this file.

use macvlab::frame::MacAddr;
use macvlab::table::Lookup;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The hash that compilers use for small keys: one multiplication, and a rotation that mixes both ends.
#[derive(Clone, Copy, Default)]
pub(crate) struct Fx(u64);

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

/// The standard map, which is hashbrown, with that hash and addresses as integers.
#[derive(Default)]
pub(crate) struct FxMap(pub(crate) HashMap<u64, u16, BuildHasherDefault<Fx>>);

impl FxMap {
    pub(crate) fn new(entries: &[(MacAddr, u16)]) -> FxMap {
        FxMap(entries.iter().map(|&(mac, value)| (mac.to_u64(), value)).collect())
    }
}

impl Lookup for FxMap {
    #[inline]
    fn get(&self, mac: MacAddr) -> Option<u16> {
        self.0.get(&mac.to_u64()).copied()
    }
}

/// The standard map with its default hash.
pub(crate) struct StdMap(HashMap<MacAddr, u16>);

impl StdMap {
    pub(crate) fn new(entries: &[(MacAddr, u16)]) -> StdMap {
        StdMap(entries.iter().copied().collect())
    }
}

impl Lookup for StdMap {
    #[inline]
    fn get(&self, mac: MacAddr) -> Option<u16> {
        self.0.get(&mac).copied()
    }
}

/// A list with linear search.
pub(crate) struct List(Vec<(MacAddr, u16)>);

impl List {
    pub(crate) fn new(entries: &[(MacAddr, u16)]) -> List {
        List(entries.to_vec())
    }
}

impl Lookup for List {
    #[inline]
    fn get(&self, mac: MacAddr) -> Option<u16> {
        self.0.iter().find(|(m, _)| *m == mac).map(|&(_, value)| value)
    }
}

/// 256 hash chains, as in the kernel's macvlan.
pub(crate) struct Chains {
    /// An index into `nodes`.
    heads: [Option<usize>; 256],
    nodes: Vec<Node>,
}

struct Node {
    mac: MacAddr,
    value: u16,
    next: Option<usize>,
}

impl Chains {
    pub(crate) fn new(entries: &[(MacAddr, u16)]) -> Chains {
        let mut chains = Chains { heads: [None; 256], nodes: Vec::with_capacity(entries.len()) };
        for &(mac, value) in entries {
            let head = &mut chains.heads[chain_of(mac)];
            chains.nodes.push(Node { mac, value, next: head.replace(chains.nodes.len()) });
        }
        chains
    }
}

impl Lookup for Chains {
    #[inline]
    fn get(&self, mac: MacAddr) -> Option<u16> {
        let mut at = self.heads[chain_of(mac)];
        while let Some(node) = at.and_then(|n| self.nodes.get(n)) {
            if node.mac == mac {
                return Some(node.value);
            }
            at = node.next;
        }
        None
    }
}

fn chain_of(mac: MacAddr) -> usize {
    usize::from((mac.to_u64().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
}
