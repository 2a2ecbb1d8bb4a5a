//! One line about a frame.

use crate::frame::EthHeader;

/// Addresses, ethertype and length of a frame.
pub fn summary(frame: &[u8]) -> String {
    match EthHeader::parse(frame) {
        Ok(h) => format!("{} > {}, ethertype {:#06x}, {} bytes", h.src, h.dst, h.outer_ethertype(), h.len),
        Err(runt) => runt.to_string(),
    }
}
