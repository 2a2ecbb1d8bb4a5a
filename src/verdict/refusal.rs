//! Why a change or a transmission was refused.

use super::{PortId, Rule};
use crate::errno::Errno;
use core::fmt;

/// The answer to a change or a transmission that the kernel would refuse: its error number, and the rule behind it.
///
/// `Display` prints both with their texts: `EADDRINUSE (Address already in use): R83`, then the title of the rule.
///
/// ```
/// use macvlab::errno::Errno;
/// use macvlab::verdict::{Refusal, Rule};
///
/// let refusal = Refusal::new(Errno::Enetdown, Rule::SendDown);
/// assert_eq!(refusal.to_string(), "ENETDOWN (Network is down): R89 Sending on a device that is down");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The error number that the system call returns.
    pub errno: Errno,
    /// The rule that refuses.
    pub rule: Rule,
    /// The port of the same parent that is in the way, where a single one is: the passthru port, or the port with the
    /// same MAC address.
    pub conflict: Option<PortId>,
}

impl Refusal {
    /// A refusal that no other port is the reason for.
    #[must_use]
    pub const fn new(errno: Errno, rule: Rule) -> Refusal {
        Refusal { errno, rule, conflict: None }
    }

    /// The same refusal, with the port that is in the way.
    #[must_use]
    pub const fn with_conflict(self, port: Option<PortId>) -> Refusal {
        Refusal { conflict: port, ..self }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {} {}", self.errno, self.errno.text(), self.rule, self.rule.title())
    }
}

impl core::error::Error for Refusal {}
