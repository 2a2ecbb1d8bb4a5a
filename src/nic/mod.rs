//! The physical NIC (or any other lower device): link state, address filters, promiscuity.
//!
//! [`Nic`] is what the kernel's `net_device` is to a macvlan: it has an address and an mtu, is up or down, keeps the
//! lists of addresses and groups that the ports push down to it, and decides which frames come in from the cable at
//! all. It knows nothing of ports.

mod filter;
mod groups;
mod link;
mod stacked;
#[cfg(test)]
mod tests;

pub use filter::{Filter, UnicastFilter};
pub use groups::GroupBits;
pub use link::{MAX_MTU, MIN_MTU, Nic, RxFilter, check_send, host_stack_type, stack_groups};
pub use stacked::{PushedDown, Pushes};
