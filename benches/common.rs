//! Shared by the benches: addresses, frames, and the standard maps for comparison.
#![allow(dead_code, reason = "each bench uses its part")]

use macvlab::frame::{EthHeader, MacAddr};

/// A well-mixed number for each n, the same in every run.
pub(crate) fn mixed(n: u64) -> u64 {
    let n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ n >> 31
}

/// A locally administered unicast address; different for different n below 2^32.
pub(crate) fn address(n: u64) -> MacAddr {
    MacAddr::from_u64(0x0200_0000_0000 | (mixed(n) & 0xff) << 32 | n.wrapping_mul(0x9e37_79b1) & 0xffff_ffff)
}

/// This many destinations, of which this percentage is among the first `known` addresses, in random order.
pub(crate) fn destinations(frames: usize, known: u64, hits: u64) -> Vec<MacAddr> {
    let pick = |n: u64| {
        let dice = mixed(n + 7);
        if dice % 100 < hits {
            address((dice >> 8) % known)
        } else {
            address((dice >> 8) % (1 << 20) + (1 << 30))
        }
    };
    (1..=frames as u64).map(pick).collect()
}

/// Frames of 64 bytes to these destinations.
pub(crate) fn frames(destinations: &[MacAddr]) -> Vec<[u8; 64]> {
    let frame = |dst: &MacAddr| {
        let mut frame = [0; 64];
        frame[..6].copy_from_slice(&dst.0);
        frame[6..12].copy_from_slice(&address(1 << 31).0);
        frame[12..EthHeader::LEN].copy_from_slice(&[0x08, 0x00]);
        frame
    };
    destinations.iter().map(frame).collect()
}
