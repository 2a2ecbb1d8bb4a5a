//! The running Linux kernel as an oracle: a lab is built from real devices in namespaces of its own, run, and compared.

mod change;
mod link;
mod listen;
mod netns;
mod observed;
mod oracle;
mod plan;
mod pool;
mod rtnl;
mod sys;
mod trouble;
mod world;

pub use netns::acquire_privileges;
pub use observed::{ErrorNumber, Observed, Seen, SetupError, StepObserved, StepOutcome};
pub use oracle::{Hints, Oracle};
pub use trouble::Trouble;

#[cfg(test)]
mod tests;
