//! `bench --kernel` in a build that cannot ask the running kernel.

use super::{Failure, Measured};
use macvlab::capture::FrameSize;

/// Nobody to race with.
pub(super) struct Race;

impl Race {
    pub(super) fn prepare() -> Result<Race, Failure> {
        let why = "this macvlab was built without the kernel's side; on Linux: cargo build --release --features kernel, \
                   then sudo target/release/macvlab bench --kernel";
        Err(Failure::Because(why.to_owned()))
    }

    pub(super) fn measure(&mut self, _ports: u32, _size: FrameSize) -> Result<Vec<Measured>, Failure> {
        Ok(Vec::new())
    }
}
