//! `bench --kernel`: the same frames through the running kernel's macvlan.

use super::subjects::Group;
use super::{Failure, Measured};
use macvlab::capture::{FrameSize, Traffic, TrafficSpec};
use macvlab::kernel::{Raced, acquire_privileges, race};
use macvlab::labfile;
use std::fmt::Write as _;

/// Largest number of ports: each has a network namespace.
const MAX_PORTS: u32 = 256;
/// Number of frames sent.
const FRAMES: usize = 100_000;

/// Permission to run against the kernel.
pub(super) struct Race;

impl Race {
    /// Must be called while the process has one thread only.
    pub(super) fn prepare() -> Result<Race, Failure> {
        acquire_privileges().map_err(|e| Failure::Because(e.to_string()))?;
        Ok(Race)
    }

    /// Measures frames for this many vepa ports, sent on a packet socket at the far end of their parent's cable;
    /// measures nothing for more than [`MAX_PORTS`].
    pub(super) fn measure(&mut self, ports: u32, size: FrameSize) -> Result<Vec<Measured>, Failure> {
        if ports > MAX_PORTS {
            return Ok(Vec::new());
        }
        let mut text = "[nic.eth0]\n".to_owned();
        for n in 0..ports {
            let mac = Traffic::station(n);
            let _ = writeln!(text, "[macvlan.p{n}]\nparent = \"eth0\"\nmode = \"vepa\"\nmac = \"{mac}\"");
        }
        let lab = labfile::parse("bench", &text).map_err(|e| Failure::Because(e.to_string()))?;
        let mut traffic = Traffic::new(TrafficSpec {
            size,
            destinations: (0..ports).map(Traffic::station).collect(),
            strangers: 0,
            groups: 0,
            broadcasts: 0,
            tagged: 0,
            seed: 1,
        });
        let frames: Vec<Vec<u8>> = (0..FRAMES).map(|_| traffic.next_frame().1.to_vec()).collect();
        let Raced { received, time, .. } =
            race(&lab, "eth0", &frames).map_err(|e| Failure::Because(e.to_string()))?;
        let ns = time.as_nanos() as f64 / received.max(1) as f64;
        Ok(vec![Measured {
            group: Group::Kernel,
            what: "kernel, vepa (a socket path: AF_PACKET sender)".to_owned(),
            size: ports,
            frames: size.to_string(),
            hits_percent: 100,
            ns,
            per_second: 1e9 / ns,
            times_limit: None,
            memory_bytes: None,
        }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_not_asked_about_too_many_ports() {
        // 256 would need namespaces, which a test of the whole command creates.
        assert!(Race.measure(257, FrameSize::Fixed(60)).is_ok_and(|measured| measured.is_empty()));
    }
}
