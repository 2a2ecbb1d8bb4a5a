//! Devices wired together under virtual time, and the hop log.

mod event;
pub mod spec;

pub use event::{Device, DeviceState, Event, Hop, HopKind, Outcome, SetupStage};
pub use spec::LabSpec;
