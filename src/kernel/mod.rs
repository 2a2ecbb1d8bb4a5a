//! The running Linux kernel as an oracle: a lab is built from real devices in namespaces of its own, run, and compared.

mod can;
mod change;
mod compare;
mod info;
mod link;
mod listen;
mod many;
mod matrix;
mod netns;
mod observed;
mod oracle;
mod ours;
mod ping;
mod plan;
mod pool;
mod race;
pub mod random;
mod rtnl;
mod shrink;
mod tell;
mod trouble;
mod verify;
mod world;

pub use crate::errno::ErrorNumber;
pub use compare::{Allowed, Comparison, Difference, compare};
pub use info::KernelInfo;
pub use matrix::{CellChecked, MatrixTally, cell_count, verify_matrix};
pub use netns::acquire_privileges;
pub use observed::{Observed, Seen, SetupError, StepObserved, StepOutcome};
pub use oracle::{Hints, Oracle};
pub use ours::Ours;
pub use race::{Raced, race};
pub use shrink::shrink;
pub use tell::tell;
pub use trouble::Trouble;
pub use verify::{Failure, Progress, Tally, verify_lab, verify_random};

#[cfg(test)]
mod tests;
