//! What happened in a lab, in words that neither the kernel's side nor macvlab's owns.

use crate::counters::Counters;
use crate::errno::ErrorNumber;
use crate::frame::{Frame, PacketType};
use crate::lab::spec::Name;
use crate::lab::{DeviceState, SetupStage};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What came of a step.
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
    /// As what.
    pub packet_type: PacketType,
    /// The frame.
    pub frame: Frame,
}

/// What happened during one step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepObserved {
    /// What came of it.
    pub outcome: StepOutcome,
    /// Frames handed to ports, stations and host stacks.
    pub deliveries: Vec<Seen>,
    /// Frames that the taps of NICs saw coming in.
    pub arrives: Vec<Seen>,
}

impl StepObserved {
    /// A step that did nothing yet.
    #[must_use]
    pub fn new(outcome: StepOutcome) -> StepObserved {
        StepObserved { outcome, deliveries: Vec::new(), arrives: Vec::new() }
    }
}

/// A declared device that was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct SetupError {
    /// Which.
    pub device: Name,
    /// Where.
    pub stage: SetupStage,
    /// With which error.
    pub error: ErrorNumber,
}

/// What happened in a lab.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Declared devices that were refused, in order.
    pub setup: Vec<SetupError>,
    /// One entry a step.
    pub steps: Vec<StepObserved>,
    /// What each device counted: one entry each time it was removed, and one at the end if it is still there.
    pub counters: BTreeMap<Name, Vec<Counters>>,
    /// How each device stands at the end.
    pub states: BTreeMap<Name, DeviceState>,
    /// Frames seen during a later step than the one that sent them.
    pub late: usize,
    /// Devices that went with the other end of their cable, which is how the kernel removes a veth; in a lab they stay.
    pub vanished: BTreeSet<Name>,
}
