//! Errors of the oracle itself, as opposed to the kernel's results.

use crate::errno::ErrorNumber;
use std::io;

/// The oracle could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OracleError {
    /// No permission to create network namespaces.
    #[error(
        "creating network namespaces needs privileges; run `sudo macvlab verify …`, or allow user namespaces \
         (`sysctl kernel.unprivileged_userns_clone=1`, `sysctl user.max_user_namespaces=1000`)"
    )]
    Unprivileged(#[source] io::Error),
    /// A system call failed.
    #[error("{what}: {source}")]
    Io {
        /// The operation.
        what: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// The kernel refused something that every lab needs.
    #[error("the kernel refused {what}: {error}")]
    Refused {
        /// The operation.
        what: String,
        /// The kernel's error.
        error: ErrorNumber,
    },
    /// The lab cannot be built on this kernel.
    #[error("{0}")]
    Unsupported(String),
}

impl OracleError {
    /// Adds the operation to a failed system call.
    pub(super) fn io(what: &'static str) -> impl FnOnce(io::Error) -> OracleError {
        move |source| OracleError::Io { what, source }
    }

    /// Adds the operation to a refusal by the kernel.
    pub(super) fn refused(what: impl Into<String>) -> impl FnOnce(ErrorNumber) -> OracleError {
        move |error| OracleError::Refused { what: what.into(), error }
    }
}
