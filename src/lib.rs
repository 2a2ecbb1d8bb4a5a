//! macvlab: a macvlan laboratory in userspace.

pub mod capture;
pub mod counters;
pub mod errno;
pub mod frame;
#[cfg(all(feature = "kernel", target_os = "linux"))]
pub mod kernel;
pub mod lab;
pub mod labfile;
pub mod macvlan;
pub mod nic;
pub mod report;
pub mod station;
pub mod switch;
pub mod table;
pub mod time;
pub mod verdict;
