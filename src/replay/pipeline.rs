//! Frames in, hops out: the lab as a replay uses it.

use crate::counters::Counters;
use crate::dataplane::{Entrance, Node, NodeId, Passing, PortOut, Worker};
use crate::lab::spec::{DeviceKind, DeviceSpec, Name};
use crate::lab::{Device, DeviceType, Event, HopKind, Lab, LabSpec, Options, SetupStage};
use crate::time::Instant;
use crate::verdict::Refusal;
use std::collections::BTreeMap;

/// A device, by its index in [`Pipeline::devices`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceIndex(pub u32);

/// Where a frame enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ingress {
    /// The device.
    pub device: DeviceIndex,
    /// Whether the frame arrives by the device's cable; otherwise the device sends it.
    pub from_wire: bool,
}

/// Why frames cannot enter at a device.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The lab has no such device.
    #[error("the lab has no device `{name}`; it has {known}")]
    Unknown {
        /// The name.
        name: Name,
        /// The existing names.
        known: String,
    },
    /// The device was declared, but could not be created or brought up.
    #[error("no frames can enter at {device}: it was refused with {refusal}")]
    Refused {
        /// The device.
        device: Name,
        /// Why.
        refusal: Refusal,
    },
    /// The device is down.
    #[error("no frames can enter at {0}: it is down")]
    Down(Name),
    /// The lab has no NIC, or several, and no device was given.
    #[error("the lab has {}; name the device where frames enter", if .0.is_empty() { "no NIC".to_owned() } else { format!("several NICs ({})", .0.join(", ")) })]
    NotOneNic(Vec<Name>),
}

/// A hop of a frame, like [`crate::lab::Hop`], but borrowed and with device numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HopRef<'a> {
    /// The device.
    pub device: DeviceIndex,
    /// The kind of hop.
    pub kind: HopKind,
    /// The time.
    pub time: Instant,
    /// The frame.
    pub frame: &'a [u8],
    /// The number shared by all copies of one frame.
    pub frame_id: u64,
}

/// A declared device that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedDevice {
    /// The device.
    pub device: Name,
    /// The stage.
    pub stage: SetupStage,
    /// Why.
    pub refusal: Refusal,
    /// Whether the lab file expected it.
    pub expected: bool,
}

/// Receives every event, and its hop, if it is one.
pub type Listener<'a> = &'a mut dyn FnMut(&Event, Option<HopRef<'_>>);

/// A lab without IP stacks that processes frames one after the other.
pub struct Pipeline<'a> {
    driver: Driver<'a>,
    devices: Vec<Device>,
    numbers: BTreeMap<Name, DeviceIndex>,
    refused: Vec<RefusedDevice>,
    nics: Vec<Name>,
}

/// Processes the frames; both variants use the same data plane.
enum Driver<'a> {
    /// A worker, which reports hops only.
    FastPath(FastPath),
    /// The lab itself, which reports all events to its listener.
    Observed(Box<Lab>, Listener<'a>),
}

/// Marks a node that is not a device.
const NO_DEVICE: DeviceIndex = DeviceIndex(u32::MAX);

/// A worker and the numbers of its nodes.
struct FastPath {
    worker: Box<Worker>,
    /// By device.
    nodes: Vec<NodeId>,
    /// By node; [`NO_DEVICE`] for a refused one, which no frame reaches.
    devices: Vec<DeviceIndex>,
}

impl FastPath {
    fn new(lab: Lab, numbers: &BTreeMap<Name, DeviceIndex>) -> FastPath {
        let worker = Box::new(lab.into_worker());
        let wiring = worker.wiring();
        let mut nodes = vec![NodeId(0); numbers.len()];
        let mut devices = vec![NO_DEVICE; wiring.nodes().len()];
        for ((node, device), id) in wiring.nodes().iter().zip(&mut devices).zip((0..).map(NodeId)) {
            if !matches!(node, Node::Gone) {
                *device = numbers.get(wiring.name(id)).copied().unwrap_or(NO_DEVICE);
            }
            // A switch's own device has the switch's name, and comes after it.
            if let Some(place) = nodes.get_mut(device.0 as usize) {
                *place = id;
            }
        }
        FastPath { worker, nodes, devices }
    }

    #[inline]
    fn frames<'f>(
        &mut self,
        entry: Ingress,
        frames: impl Iterator<Item = (Instant, &'f [u8])> + Clone,
        hop: &mut impl FnMut(HopRef<'_>),
    ) {
        let FastPath { worker, nodes, devices } = self;
        let Some(node) = nodes.get(entry.device.0 as usize).copied() else { return };
        let entrance = if entry.from_wire { Entrance::Wire(node) } else { Entrance::Sent(node) };
        worker.take_batch(entrance, frames, &mut |passing| {
            let Passing { at, kind, time, frame, frame_id } = passing;
            let device = devices.get(at.index()).copied().unwrap_or(NO_DEVICE);
            hop(HopRef { device, kind, time, frame, frame_id });
        });
    }

    /// Devices first, then switch ports, in the lab's order.
    fn counters(&self) -> Vec<(DeviceIndex, Counters)> {
        let nodes = self.worker.wiring().nodes().iter();
        let all = nodes.zip(&self.devices).zip((0..).map(NodeId));
        let counted = all.filter_map(|((node, device), id)| {
            let of_switch = match node {
                Node::Link(_) | Node::Port(_) => false,
                Node::SwitchPort(port) => match port.out {
                    PortOut::Cable { .. } => true,
                    // A device that is the port of a bridge counts itself.
                    PortOut::Device(_) | PortOut::Vacant => return None,
                },
                Node::Switch | Node::Gone => return None,
            };
            (*device != NO_DEVICE).then(|| (of_switch, *device, self.worker.state().counters(id)))
        });
        let mut counted: Vec<_> = counted.collect();
        counted.sort_by_key(|(of_switch, ..)| *of_switch);
        counted.into_iter().map(|(_, device, counters)| (device, counters)).collect()
    }
}

impl<'a> Pipeline<'a> {
    /// Creates the devices. A listener receives every event of the lab from the first on.
    #[must_use]
    pub fn new(spec: &LabSpec, mut listener: Option<Listener<'a>>) -> Pipeline<'a> {
        let mut lab = Lab::new(spec, Options { stacks: false, ..Options::default() });
        let (mut devices, mut refused) = (Vec::new(), Vec::new());
        lab.flush(&mut |event| {
            match event {
                Event::Lab { devices: made, .. } => devices.clone_from(made),
                Event::Setup { device, stage, refusal, expected, .. } => refused.push(RefusedDevice {
                    device: device.clone(),
                    stage: *stage,
                    refusal: *refusal,
                    expected: *expected,
                }),
                _ => {}
            }
            if let Some(listener) = &mut listener {
                listener(event, None);
            }
        });
        let numbers = devices.iter().map(|d| d.name.clone()).zip((0..).map(DeviceIndex)).collect();
        let is_nic = |d: &&DeviceSpec| matches!(d.kind, DeviceKind::Nic(_));
        let nics = spec.devices.iter().filter(is_nic).map(|d| d.name.clone()).collect();
        let driver = match listener {
            None => Driver::FastPath(FastPath::new(lab, &numbers)),
            Some(listener) => Driver::Observed(Box::new(lab), listener),
        };
        Pipeline { driver, devices, numbers, refused, nics }
    }

    /// The devices, in the order of [`Event::Lab`].
    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The declared devices that were refused.
    #[must_use]
    pub fn refused(&self) -> &[RefusedDevice] {
        &self.refused
    }

    /// The device with this name.
    #[must_use]
    pub fn device(&self, name: &str) -> Option<DeviceIndex> {
        self.numbers.get(name).copied()
    }

    /// Where frames enter for a device: a NIC receives them from its cable, any other device sends them. Without a
    /// name: the only NIC.
    ///
    /// # Errors
    /// There is no such device, it was refused, or it is down.
    pub fn entry(&self, name: Option<&str>) -> Result<Ingress, EntryError> {
        let name = match (name, self.nics.as_slice()) {
            (Some(name), _) => name,
            (None, [nic]) => nic,
            (None, nics) => return Err(EntryError::NotOneNic(nics.to_vec())),
        };
        let device = self.sender(name)?;
        Ok(Ingress { device, from_wire: self.nics.iter().any(|nic| nic == name) })
    }

    /// A device that can send.
    ///
    /// # Errors
    /// There is no such device, it was refused, or it is down.
    pub fn sender(&self, name: &str) -> Result<DeviceIndex, EntryError> {
        let known = |d: &&Device| !matches!(d.kind, DeviceType::Switch | DeviceType::SwitchPort);
        if let Some(r) = self.refused.iter().find(|r| r.device == name) {
            return Err(EntryError::Refused { device: r.device.clone(), refusal: r.refusal });
        }
        let number = self.device(name).filter(|number| self.get(*number).as_ref().is_some_and(known));
        let number = number.ok_or_else(|| {
            let names: Vec<&str> = self.devices.iter().filter(known).map(|d| d.name.as_str()).collect();
            EntryError::Unknown { name: name.into(), known: names.join(", ") }
        })?;
        if self.get(number).is_some_and(|device| !device.up) {
            return Err(EntryError::Down(name.into()));
        }
        Ok(number)
    }

    /// The device with this index.
    #[must_use]
    pub fn get(&self, device: DeviceIndex) -> Option<&Device> {
        self.devices.get(device.0 as usize)
    }

    /// Lets a frame enter at the given time (or at the time of the frame before it, if that is later), and follows it
    /// to its ends. Hops are in the order of the lab's events. An entry of another pipeline is ignored.
    #[inline]
    pub fn frame(&mut self, entry: Ingress, time: Instant, frame: &[u8], hop: &mut impl FnMut(HopRef<'_>)) {
        self.frames(entry, std::iter::once((time, frame)), hop);
    }

    /// Lets frames enter at one place, each as in [`Pipeline::frame`].
    #[inline]
    pub fn frames<'f>(
        &mut self,
        entry: Ingress,
        frames: impl Iterator<Item = (Instant, &'f [u8])> + Clone,
        hop: &mut impl FnMut(HopRef<'_>),
    ) {
        match &mut self.driver {
            Driver::FastPath(fast) => fast.frames(entry, frames, hop),
            Driver::Observed(lab, listener) => {
                let Some(device) = self.devices.get(entry.device.0 as usize) else { return };
                let numbers = &self.numbers;
                let sink = &mut |event: &Event| {
                    let happened = numbered(numbers, event);
                    listener(event, happened);
                    if let Some(happened) = happened {
                        hop(happened);
                    }
                };
                for (time, frame) in frames {
                    let sent = if entry.from_wire {
                        lab.arrive(&device.name, time, frame, sink)
                    } else {
                        lab.send_at(&device.name, time, frame, sink)
                    };
                    debug_assert!(sent.is_ok(), "{sent:?}");
                }
            }
        }
    }

    /// Ends the replay and returns the devices' counters. A listener receives them as well.
    pub fn counters(&mut self) -> Vec<(DeviceIndex, Counters)> {
        let (lab, listener) = match &mut self.driver {
            Driver::FastPath(fast) => return fast.counters(),
            Driver::Observed(lab, listener) => (lab, listener),
        };
        let mut counted = Vec::new();
        lab.finish(&mut |event| {
            if let Event::Counters { device, counters } = event {
                counted.extend(self.numbers.get(device).map(|number| (*number, *counters)));
            }
            listener(event, numbered(&self.numbers, event));
        });
        counted
    }
}

/// The hop in an event.
fn numbered<'e>(numbers: &BTreeMap<Name, DeviceIndex>, event: &'e Event) -> Option<HopRef<'e>> {
    let Event::Hop(hop) = event else { return None };
    let device = *numbers.get(&hop.device)?;
    Some(HopRef { device, kind: hop.kind, time: hop.time, frame: &hop.frame, frame_id: hop.frame_id })
}
