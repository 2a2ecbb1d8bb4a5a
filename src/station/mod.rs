//! End points: a TCP/IP stack under virtual time.

mod ip;

pub use ip::{IpNet, IpSpec, default_mac};
mod stub;
pub use stub::*;
