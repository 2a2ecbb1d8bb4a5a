//! The hop log as a capture: every hop a packet on its device's interface, with the rule as its comment.

use crate::capture::{CaptureError, Direction, InterfaceStatistics, Packet, PcapngWriter};
use crate::counters::Counters;
use crate::frame::MacAddr;
use crate::lab::spec::{Action, Name};
use crate::lab::{Device, Event, Hop, HopKind};
use crate::time::Instant;
use crate::verdict::Rule;
use std::collections::BTreeMap;
use std::io::Write;

/// A device's interface.
#[derive(Clone, Copy, Debug, Default)]
struct Interface {
    id: u32,
    /// Packets written.
    written: u64,
    /// Of them, those handed to the device.
    received: u64,
    /// It is a switch's port.
    of_switch: bool,
}

/// What is said of a frame that comes in at a switch; the rule is told where it leaves or ends.
const ARRIVES_AT_SWITCH: &str = "comes in at the switch, which decides where it goes";

/// Writes events as an annotated pcapng file.
///
/// Every device of the lab is an interface; one that comes later is described when its first frame does. A packet's
/// comment names the rule that put it there and says why; `epb_packetid` is the same for all copies of one frame.
pub struct AnnotatedCapture<W: Write> {
    writer: PcapngWriter<W>,
    interfaces: BTreeMap<Name, Interface>,
    /// Description and address of devices that were added and have no interface yet.
    added: BTreeMap<Name, (String, MacAddr)>,
    /// What is written at the end.
    counted: Vec<(Interface, Counters)>,
    /// The times of the first and the last hop.
    span: Option<(Instant, Instant)>,
}

impl<W: Write> AnnotatedCapture<W> {
    /// Begins the file.
    ///
    /// # Errors
    /// Writing fails.
    pub fn new(writer: W) -> Result<AnnotatedCapture<W>, CaptureError> {
        Ok(AnnotatedCapture {
            writer: PcapngWriter::new(writer)?,
            interfaces: BTreeMap::new(),
            added: BTreeMap::new(),
            counted: Vec::new(),
            span: None,
        })
    }

    /// Writes one event, if it is to be seen in a capture.
    ///
    /// # Errors
    /// Writing fails.
    pub fn event(&mut self, event: &Event) -> Result<(), CaptureError> {
        match event {
            Event::Lab { devices, .. } => {
                for device in devices {
                    let id = self.writer.add_interface(&device.name, &description(device), device.mac)?;
                    let of_switch = device.kind == "switch-port";
                    let interface = Interface { id, of_switch, ..Interface::default() };
                    self.interfaces.insert(device.name.clone(), interface);
                }
            }
            Event::Step { spec, .. } => {
                if let Action::Add { name, spec } = &spec.action
                    && !self.interfaces.contains_key(name)
                {
                    let kind = if spec.tap { "macvtap" } else { "macvlan" };
                    let mac = spec.requested_mac(name);
                    let text = format!("{kind} {} on {}, {mac}", spec.mode, spec.parent);
                    self.added.insert(name.clone(), (text, mac));
                }
            }
            Event::Hop(hop) => self.hop(hop)?,
            Event::Counters { device, counters } => {
                // A device of this name that comes later is another one, with an interface of its own.
                if let Some(interface) = self.interfaces.remove(device) {
                    self.counted.push((interface, *counters));
                }
            }
            Event::Setup { .. }
            | Event::Result { .. }
            | Event::State { .. }
            | Event::Decision(_)
            | Event::Devices { .. }
            | Event::Fdb(_) => {}
        }
        Ok(())
    }

    /// The writer below. What is written to it directly lands between two packets.
    pub fn get_mut(&mut self) -> &mut W {
        self.writer.get_mut()
    }

    /// Hands on what the writer has collected.
    ///
    /// # Errors
    /// Writing fails.
    pub fn flush(&mut self) -> Result<(), CaptureError> {
        self.writer.flush()
    }

    /// Writes what the devices counted, flushes, and gives the writer back.
    ///
    /// # Errors
    /// Writing fails.
    pub fn finish(mut self) -> Result<W, CaptureError> {
        let (start, end) = self.span.unwrap_or_default();
        for (interface, counters) in &self.counted {
            let statistics = InterfaceStatistics {
                start,
                end,
                received: Some(counters.rx_packets),
                dropped: Some(counters.rx_dropped),
                accepted: Some(interface.written),
                dropped_by_os: None,
                delivered: Some(interface.received),
            };
            self.writer.statistics(interface.id, &statistics)?;
        }
        self.writer.finish()
    }

    fn hop(&mut self, hop: &Hop) -> Result<(), CaptureError> {
        let mut interface = match self.interfaces.get(&hop.device) {
            Some(interface) => *interface,
            None => {
                let (text, mac) = self.added.remove(&hop.device).unzip();
                let id = self.writer.add_interface(&hop.device, &text.unwrap_or_default(), mac)?;
                Interface { id, ..Interface::default() }
            }
        };
        interface.written += 1;
        let (direction, packet_type, comment) = match hop.kind {
            HopKind::Arrive(packet_type) if interface.of_switch => {
                (Some(Direction::In), Some(packet_type), ARRIVES_AT_SWITCH.to_owned())
            }
            HopKind::Arrive(packet_type) => {
                (Some(Direction::In), Some(packet_type), comment(Rule::TapSeesAll))
            }
            HopKind::Receive(packet_type, rule) => {
                interface.received += 1;
                (Some(Direction::In), Some(packet_type), comment(rule))
            }
            HopKind::Transmit(rule) => (Some(Direction::Out), None, comment(rule)),
            HopKind::Drop(rule) => (None, None, format!("dropped: {}", comment(rule))),
        };
        self.interfaces.insert(hop.device.clone(), interface);
        let (first, last) = self.span.unwrap_or((hop.time, hop.time));
        self.span = Some((first.min(hop.time), last.max(hop.time)));
        self.writer.write(&Packet {
            interface: interface.id,
            time: hop.time,
            frame: &hop.frame,
            orig_len: 0,
            direction,
            packet_type,
            packet_id: Some(hop.frame_id),
            comment: &comment,
        })
    }
}

/// `R14 Unicast to a port: The destination is this port's address …`
fn comment(rule: Rule) -> String {
    format!("{rule} {}: {}", rule.title(), rule.why())
}

/// `macvlan vepa on eth0, 02:42:c0:a8:80:de`
fn description(device: &Device) -> String {
    let mode = device.mode.map(|m| format!(" {m}")).unwrap_or_default();
    let parent = device.parent.as_ref().map(|p| format!(" on {p}")).unwrap_or_default();
    let mac = device.mac.map(|m| format!(", {m}")).unwrap_or_default();
    format!("{}{mode}{parent}{mac}", device.kind)
}
