//! The physical NIC.

mod filter;

pub use filter::UnicastFilter;
