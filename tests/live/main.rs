//! Real programs and kernels on simulated cables, as users have them: everything in network namespaces that the tests
//! create and remove. They need Linux and root, and are skipped loudly otherwise.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod agreement;
mod allocations;
mod boundary;
mod callers;
mod console;
#[path = "../common/counting.rs"]
mod counting;
#[path = "../common/needs.rs"]
mod needs;
mod net;
mod offload;
mod outputs;
mod privileges;
mod qemu;
mod storms;
mod switch;
mod trouble;
mod userspace;
