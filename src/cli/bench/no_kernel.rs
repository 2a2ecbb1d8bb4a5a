//! `bench --kernel` in a build without the kernel backend.

use super::{Failure, Measured};
use macvlab::capture::FrameSize;

/// Never constructed.
pub(super) struct Race;

impl Race {
    pub(super) fn prepare() -> Result<Race, Failure> {
        let why = "this macvlab was built without kernel support; on Linux: cargo build --release --features kernel, \
                   then sudo target/release/macvlab bench --kernel";
        Err(Failure::Because(why.to_owned()))
    }

    pub(super) fn measure(&mut self, _ports: u32, _size: FrameSize) -> Result<Vec<Measured>, Failure> {
        Ok(Vec::new())
    }
}
