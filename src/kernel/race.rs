//! Measures the running kernel's macvlan with frames from a packet socket: most of this socket path is not macvlan's.

use super::error::OracleError;
use super::pool::Pool;
use super::world::World;
use crate::errno::ErrorNumber;
use crate::lab::spec::{DeviceKind, LabSpec, Name};
use std::time::{Duration, Instant};

/// The result of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Raced {
    /// Frames sent.
    pub sent: u64,
    /// Frames that the ports counted: fewer if the kernel's queues were full.
    pub received: u64,
    /// From before the first frame to after the last.
    pub time: Duration,
}

/// Builds a lab of real devices in namespaces and sends frames to one of its NICs, from the far end of its cable, as
/// fast as one thread can. Reads every port's counter before and after.
///
/// # Errors
/// [`OracleError`] if the lab cannot be built, or a frame cannot be sent.
#[allow(clippy::disallowed_methods, reason = "measuring is what a clock is for")]
pub fn race(lab: &LabSpec, nic: &str, frames: &[Vec<u8>]) -> Result<Raced, OracleError> {
    let mut pool = Pool::new()?;
    let (mut world, refused) = World::build(&mut pool, lab)?;
    if let Some(refused) = refused.first() {
        return Err(OracleError::Unsupported(format!("{}, which the kernel refuses", refused.device)));
    }
    let ports: Vec<Name> = lab
        .devices
        .iter()
        .filter(|d| matches!(d.kind, DeviceKind::Macvlan(_)))
        .map(|d| d.name.clone())
        .collect();
    let before = received(&mut world, &ports)?;
    let far = world.across(nic);
    let sender = world.cells.get(far.cell).map(|cell| &cell.sender);
    let sender = sender.ok_or_else(|| OracleError::Unsupported(format!("{nic} without a cable")))?;
    let begin = Instant::now();
    for frame in frames {
        sender.send(far.ifindex, frame).map_err(asked)?;
    }
    let time = begin.elapsed();
    let received = received(&mut world, &ports)? - before;
    Ok(Raced { sent: frames.len() as u64, received, time })
}

fn received(world: &mut World<'_>, ports: &[Name]) -> Result<u64, OracleError> {
    let mut sum = 0;
    for port in ports {
        sum += world.snapshot(port).map_err(asked)?.counters.rx_packets;
    }
    Ok(sum)
}

fn asked(number: ErrorNumber) -> OracleError {
    OracleError::Io { what: "sending frames", source: std::io::Error::from_raw_os_error(number.0) }
}
