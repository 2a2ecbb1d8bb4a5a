//! The observations of a lab run, in a form common to the kernel's side and macvlab's.

use crate::counters::Counters;
use crate::errno::ErrorNumber;
use crate::frame::{Frame, PacketType};
use crate::lab::spec::Name;
use crate::lab::{DeviceState, SetupStage};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// Done.
    Ok,
    /// Refused.
    Error(ErrorNumber),
    /// Not run, for this reason.
    Skipped(&'static str),
}

impl fmt::Display for StepOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepOutcome::Ok => f.write_str("ok"),
            StepOutcome::Error(e) => e.fmt(f),
            StepOutcome::Skipped(why) => write!(f, "skipped: {why}"),
        }
    }
}

/// A frame that a device received.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// The device.
    pub device: Name,
    /// The packet type.
    pub packet_type: PacketType,
    /// The frame.
    pub frame: Frame,
}

/// What happened during one step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepObserved {
    /// The outcome.
    pub outcome: StepOutcome,
    /// Frames handed to ports, stations and host stacks.
    pub deliveries: Vec<Seen>,
    /// Frames that the taps of NICs saw arrive.
    pub arrives: Vec<Seen>,
}

impl StepObserved {
    /// A step without effects so far.
    #[must_use]
    pub fn new(outcome: StepOutcome) -> StepObserved {
        StepObserved { outcome, deliveries: Vec::new(), arrives: Vec::new() }
    }
}

/// A declared device that was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct SetupError {
    /// The device.
    pub device: Name,
    /// The stage.
    pub stage: SetupStage,
    /// The error.
    pub error: ErrorNumber,
}

/// The observations of a lab run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Declared devices that were refused, in order.
    pub setup: Vec<SetupError>,
    /// One entry per step.
    pub steps: Vec<StepObserved>,
    /// The counters of each device: one entry each time it was removed, and one at the end if it still exists.
    pub counters: BTreeMap<Name, Vec<Counters>>,
    /// The final state of each device.
    pub states: BTreeMap<Name, DeviceState>,
    /// Frames seen during a later step than the one that sent them.
    pub late: usize,
    /// Devices removed along with the other end of their cable, as the kernel removes a veth; in a lab they stay.
    pub vanished: BTreeSet<Name>,
}
