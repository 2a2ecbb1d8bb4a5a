//! The hop log as a capture: every hop is a packet on its device's interface, with the rule as its comment.

use crate::capture::{CaptureError, Direction, InterfaceStatistics, Packet, PcapngBlocks};
use crate::counters::Counters;
use crate::frame::MacAddr;
use crate::lab::spec::{Action, Name};
use crate::lab::{Device, DeviceType, Event, Hop, HopKind};
use crate::time::Instant;
use crate::verdict::Rule;
use std::collections::BTreeMap;
use std::io::Write;

/// A device's interface.
#[derive(Clone, Copy, Debug, Default)]
struct Interface {
    /// Packets written.
    written: u64,
    /// Packets among them that were handed to the device.
    received: u64,
    /// Whether it is a switch port.
    of_switch: bool,
}

/// The comment on a frame that arrives at a switch; the rule is given where it leaves or ends.
const ARRIVES_AT_SWITCH: &str = "arrives at the switch, which decides where it goes";

/// Makes an annotated pcapng file of hops, whose devices are identified by number. Its blocks accumulate until the
/// caller takes them.
///
/// Every device is an interface. A packet's comment names the rule that put it there and gives its reason;
/// `epb_packetid` is the same for all copies of one frame.
pub struct AnnotatedBlocks {
    blocks: PcapngBlocks,
    interfaces: Vec<Interface>,
    comments: Comments,
    /// Data for the end of the file.
    counted: Vec<(u32, Counters)>,
    /// The times of the first and the last hop.
    span: Option<(Instant, Instant)>,
}

impl AnnotatedBlocks {
    /// Begins the file.
    ///
    /// # Errors
    /// As [`PcapngBlocks::new`].
    pub fn new() -> Result<AnnotatedBlocks, CaptureError> {
        Ok(AnnotatedBlocks {
            blocks: PcapngBlocks::new()?,
            interfaces: Vec::new(),
            comments: Comments::new(),
            counted: Vec::new(),
            span: None,
        })
    }

    /// Describes a device, which gets the next number, from 0.
    ///
    /// # Errors
    /// As [`PcapngBlocks::add_interface`].
    pub fn device(&mut self, device: &Device) -> Result<u32, CaptureError> {
        let of_switch = device.kind == DeviceType::SwitchPort;
        self.interface(&device.name, &description(device), device.mac, of_switch)
    }

    fn interface(
        &mut self,
        name: &str,
        description: &str,
        mac: Option<MacAddr>,
        of_switch: bool,
    ) -> Result<u32, CaptureError> {
        let id = self.blocks.add_interface(name, description, mac)?;
        self.interfaces.push(Interface { of_switch, ..Interface::default() });
        Ok(id)
    }

    /// Adds what happened to a frame at a device. Allocates only to grow the buffer.
    ///
    /// # Errors
    /// There is no such device.
    #[inline]
    pub fn hop(
        &mut self,
        device: u32,
        kind: HopKind,
        time: Instant,
        frame: &[u8],
        frame_id: u64,
    ) -> Result<(), CaptureError> {
        let unknown = || CaptureError::Write(format!("there is no interface {device}"));
        let interface = self.interfaces.get_mut(device as usize).ok_or_else(unknown)?;
        interface.written += 1;
        let (direction, packet_type, comment) = match kind {
            HopKind::Arrive(packet_type) if interface.of_switch => {
                (Some(Direction::In), Some(packet_type), ARRIVES_AT_SWITCH)
            }
            HopKind::Arrive(packet_type) => {
                (Some(Direction::In), Some(packet_type), self.comments.of(Rule::TapSeesAll))
            }
            HopKind::Receive(packet_type, rule) => {
                interface.received += 1;
                (Some(Direction::In), Some(packet_type), self.comments.of(rule))
            }
            HopKind::Transmit(rule) => (Some(Direction::Out), None, self.comments.of(rule)),
            HopKind::Drop(rule) => (None, None, self.comments.of_drop(rule)),
        };
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
        self.blocks.packet(&Packet {
            interface: device,
            time,
            frame,
            orig_len: 0,
            direction,
            packet_type,
            packet_id: Some(frame_id),
            comment,
        })
    }

    /// Records a device's counters, for the end of the file.
    pub fn counters(&mut self, device: u32, counters: &Counters) {
        self.counted.push((device, *counters));
    }

    /// Adds the devices' counters, which end the file.
    ///
    /// # Errors
    /// As [`PcapngBlocks::statistics`].
    pub fn conclude(&mut self) -> Result<(), CaptureError> {
        let (start, end) = self.span.unwrap_or_default();
        for (device, counters) in &self.counted {
            let Some(interface) = self.interfaces.get(*device as usize) else { continue };
            let statistics = InterfaceStatistics {
                start,
                end,
                received: Some(counters.rx_packets),
                dropped: Some(counters.rx_dropped),
                accepted: Some(interface.written),
                dropped_by_os: None,
                delivered: Some(interface.received),
            };
            self.blocks.statistics(*device, &statistics)?;
        }
        Ok(())
    }

    /// The accumulated blocks.
    pub fn blocks(&mut self) -> &mut PcapngBlocks {
        &mut self.blocks
    }
}

/// Writes events as an annotated pcapng file: [`AnnotatedBlocks`] in batches. A device added while the lab runs is
/// described before its first frame.
pub struct AnnotatedCapture<W: Write> {
    annotated: AnnotatedBlocks,
    writer: W,
    by_name: BTreeMap<Name, u32>,
    /// Description and address of devices that were added and have no interface yet.
    added: BTreeMap<Name, (String, MacAddr)>,
}

impl<W: Write> AnnotatedCapture<W> {
    /// Begins the file.
    ///
    /// # Errors
    /// Writing fails.
    pub fn new(writer: W) -> Result<AnnotatedCapture<W>, CaptureError> {
        let annotated = AnnotatedBlocks::new()?;
        Ok(AnnotatedCapture { annotated, writer, by_name: BTreeMap::new(), added: BTreeMap::new() })
    }

    /// Writes one event, if captures show it.
    ///
    /// # Errors
    /// Writing fails.
    pub fn event(&mut self, event: &Event) -> Result<(), CaptureError> {
        match event {
            Event::Lab { devices, .. } => {
                for device in devices {
                    let id = self.annotated.device(device)?;
                    self.by_name.insert(device.name.clone(), id);
                }
            }
            Event::Step { spec, .. } => {
                if let Action::Add { name, spec } = &spec.action
                    && !self.by_name.contains_key(name)
                {
                    let kind = spec.device_type();
                    let mac = spec.requested_mac(name);
                    let text = format!("{kind} {} on {}, {mac}", spec.mode, spec.parent);
                    self.added.insert(name.clone(), (text, mac));
                }
            }
            Event::Hop(hop) => self.hop(hop)?,
            Event::Counters { device, counters } => {
                // A device of this name that is added later is another one, with a separate interface.
                if let Some(interface) = self.by_name.remove(device) {
                    self.annotated.counters(interface, counters);
                }
            }
            Event::Setup { .. }
            | Event::Result { .. }
            | Event::State { .. }
            | Event::Decision(_)
            | Event::Devices { .. }
            | Event::Fdb(_)
            | Event::Neighbour(_)
            | Event::Known { .. }
            | Event::Neighbours { .. } => {}
        }
        Ok(())
    }

    /// The underlying writer. Data written to it directly lands between two packets, if
    /// [`flush`](AnnotatedCapture::flush) was called before.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// Number of bytes not yet passed to the writer.
    pub fn collected(&mut self) -> usize {
        self.annotated.blocks().len()
    }

    /// Flushes buffered data here and in the writer.
    ///
    /// # Errors
    /// Writing fails.
    pub fn flush(&mut self) -> Result<(), CaptureError> {
        self.annotated.blocks().write_to(&mut self.writer)?;
        Ok(self.writer.flush()?)
    }

    fn hop(&mut self, hop: &Hop) -> Result<(), CaptureError> {
        let interface = match self.by_name.get(&hop.device) {
            Some(interface) => *interface,
            None => {
                let (text, mac) = self.added.remove(&hop.device).unzip();
                let id = self.annotated.interface(&hop.device, &text.unwrap_or_default(), mac, false)?;
                self.by_name.insert(hop.device.clone(), id);
                id
            }
        };
        self.annotated.hop(interface, hop.kind, hop.time, &hop.frame, hop.frame_id)?;
        let blocks = self.annotated.blocks();
        if blocks.len() >= PcapngBlocks::ENOUGH { blocks.write_to(&mut self.writer) } else { Ok(()) }
    }

    /// Writes the devices' counters, flushes, and returns the writer.
    ///
    /// # Errors
    /// Writing fails.
    pub fn finish(mut self) -> Result<W, CaptureError> {
        self.annotated.conclude()?;
        self.annotated.blocks().write_to(&mut self.writer)?;
        self.writer.flush()?;
        Ok(self.writer)
    }
}

/// The comments for all rules, formatted once.
struct Comments {
    /// By the rule's index in the catalogue: `dropped: R14 Unicast to a port: The destination is this port's MAC
    /// address …`
    texts: Vec<String>,
}

impl Comments {
    const DROPPED: &'static str = "dropped: ";

    fn new() -> Comments {
        let text = |rule: &Rule| format!("{}{rule} {}: {}", Self::DROPPED, rule.title(), rule.why());
        Comments { texts: Rule::ALL.iter().map(text).collect() }
    }

    fn of_drop(&self, rule: Rule) -> &str {
        self.texts.get(rule as usize).map(String::as_str).unwrap_or_default()
    }

    fn of(&self, rule: Rule) -> &str {
        self.of_drop(rule).get(Self::DROPPED.len()..).unwrap_or_default()
    }
}

/// `macvlan vepa on eth0, 02:42:c0:a8:80:de`
fn description(device: &Device) -> String {
    let mode = device.mode.map(|m| format!(" {m}")).unwrap_or_default();
    let parent = device.parent.as_ref().map(|p| format!(" on {p}")).unwrap_or_default();
    let mac = device.mac.map(|m| format!(", {m}")).unwrap_or_default();
    format!("{}{mode}{parent}{mac}", device.kind)
}
