//! The external switch: a Linux bridge's forwarding, hairpin included.

mod config;

pub use config::{Policy, PortFlag, PortFlags, PortState, PortVlans};
