//! The running Linux kernel as an oracle: a lab is built from real devices in separate namespaces, run, and compared.

mod can;
mod change;
mod compare;
mod error;
mod info;
mod link;
mod listen;
mod many;
mod matrix;
mod netns;
mod observed;
mod oracle;
mod ping;
mod pool;
mod prediction;
mod race;
pub mod random;
mod requirements;
mod rtnl;
mod shrink;
mod tell;
mod verify;
mod world;

pub use crate::errno::ErrorNumber;
pub use compare::{Allowed, Comparison, Difference, compare};
pub use error::OracleError;
pub use info::KernelInfo;
pub use matrix::{CellChecked, MatrixTally, cell_count, verify_matrix};
pub use netns::acquire_privileges;
pub use observed::{Observed, Seen, SetupError, StepObserved, StepOutcome};
pub use oracle::{Hints, Oracle};
pub use prediction::Prediction;
pub use race::{Raced, race};
pub use shrink::shrink;
pub use tell::tell;
pub use verify::{Failure, Progress, Tally, verify_lab, verify_random};

#[cfg(test)]
mod tests;
