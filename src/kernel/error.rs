//! What can go wrong with the oracle itself, as opposed to what the kernel answers.

use crate::errno::ErrorNumber;
use std::io;

/// The oracle could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OracleError {
    /// No right to make network namespaces.
    #[error(
        "making network namespaces needs privileges; run `sudo macvlab verify …`, or allow user namespaces \
         (`sysctl kernel.unprivileged_userns_clone=1`, `sysctl user.max_user_namespaces=1000`)"
    )]
    Unprivileged(#[source] io::Error),
    /// A system call failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The kernel refused something that every lab needs.
    #[error("the kernel refused {what}: {error}")]
    Refused {
        /// What was tried.
        what: String,
        /// Its answer.
        error: ErrorNumber,
    },
    /// The lab cannot be built on this kernel.
    #[error("{0}")]
    Unsupported(String),
}

impl OracleError {
    /// Says what was tried when the system call failed.
    pub(super) fn io(what: &'static str) -> impl FnOnce(io::Error) -> OracleError {
        move |source| OracleError::Io { what, source }
    }

    /// Says what was tried when the kernel refused.
    pub(super) fn refused(what: impl Into<String>) -> impl FnOnce(ErrorNumber) -> OracleError {
        move |error| OracleError::Refused { what: what.into(), error }
    }
}
