//! Who gets what a verdict says, and the answer to "why not?".
//!
//! What keeps a flood from a port stands in one place each: its mode in [`meant_for`], its groups in its filter, its mtu in
//! [`Nic::fits`]. The lists that a flood walks (`lists.rs`) are made of the first two; "why not?" asks all.

use super::Mode;
use super::forwarding::{Forwarding, PortEntry};
use super::lists::Receiver;
use crate::frame::{EthHeader, PacketType};
use crate::nic::Nic;
use crate::table::Lookup;
use crate::verdict::{Egress, Flood, FloodClass, PortId, Rule, Verdict};

/// How a port counts a delivery (R101 to R105).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Unicast, or a copy for a source port.
    Unicast,
    /// Flooded by the parent.
    Flood,
    /// A bridge sibling's local copy.
    LocalCopy,
    /// The port's own broadcast back.
    OwnBack,
    /// A local copy that does not fit the port's mtu: an error and two drops, and the port does not get it.
    TooLong,
}

/// A frame for a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The port.
    pub port: PortId,
    /// The rule that brings it there (or, too long, keeps it away).
    pub rule: Rule,
    /// How the port sees it.
    pub packet_type: PacketType,
    /// How the port counts it.
    pub counted: Counted,
}

/// What the ports get by a verdict, in the order in which they get it. A caller that hands out many takes the
/// [singles](Deliveries::single) first and then the [copies](Deliveries::copies) run by run.
#[derive(Clone, Debug)]
pub struct Deliveries<'a> {
    ports: &'a [Option<PortEntry>],
    header: &'a EthHeader,
    parent_type: PacketType,
    /// Source ports that list the sender and have not had their copies.
    listeners: &'a [PortId],
    itself: Option<Delivery>,
    /// Receivers of a flood that have not had their copies, in the order of their ids in each list.
    lists: [&'a [Receiver]; 2],
    /// Those whose turn it is.
    run: Copies<'a>,
}

/// Copies of a flood for receivers that stand one behind the other.
#[derive(Clone, Copy, Debug)]
pub struct Copies<'a> {
    receivers: &'a [Receiver],
    sender: Option<PortId>,
    /// They are all like this one.
    copy: Delivery,
    /// Bytes that must fit a receiver's mtu.
    must_fit: usize,
}

impl Iterator for Copies<'_> {
    type Item = Delivery;

    #[inline(always)]
    fn next(&mut self) -> Option<Delivery> {
        while let Some((receiver, rest)) = self.receivers.split_first() {
            self.receivers = rest;
            if Some(receiver.id) != self.sender {
                return Some(flood_copy(self.copy, *receiver, self.must_fit));
            }
        }
        None
    }
}

impl<'a> Deliveries<'a> {
    /// The next one that is no copy of a flood.
    pub fn single(&mut self) -> Option<Delivery> {
        while let Some((id, rest)) = self.listeners.split_first() {
            self.listeners = rest;
            if let Some(copy) = source_copy(self.ports, *id, self.header, self.parent_type) {
                return Some(copy);
            }
        }
        self.itself.take()
    }

    /// The next copies of a flood: as many as one list has in front of the other's next receiver.
    pub fn copies(&mut self) -> Option<Copies<'a>> {
        let [joined, others] = self.lists;
        let from = match (joined.first(), others.first()) {
            (Some(first), Some(other)) => usize::from(other.id < first.id),
            (None, None) => return None,
            (first, _) => usize::from(first.is_none()),
        };
        let (list, other) = (self.lists[from], self.lists[1 - from]);
        let ahead = other.first().map_or(list.len(), |next| list.partition_point(|r| r.id < next.id));
        let (receivers, rest) = list.split_at(ahead);
        self.lists[from] = rest;
        Some(Copies { receivers, ..self.run })
    }
}

impl Iterator for Deliveries<'_> {
    type Item = Delivery;

    fn next(&mut self) -> Option<Delivery> {
        if let Some(single) = self.single() {
            return Some(single);
        }
        loop {
            if let Some(copy) = self.run.next() {
                return Some(copy);
            }
            self.run = self.copies()?;
        }
    }
}

impl<T: Lookup> Forwarding<T> {
    /// What the ports get by a verdict: source copies, then the frame itself, then the copies of a flood; each in the
    /// order of the ports. `parent_type` is the packet type as the parent saw it.
    #[inline]
    pub fn deliveries<'a>(
        &'a self,
        verdict: &Verdict,
        header: &'a EthHeader,
        parent_type: PacketType,
    ) -> Deliveries<'a> {
        let class = match verdict.flood {
            Flood::To(class) => Some(class),
            Flood::None | Flood::Withheld(_) => None,
        };
        let local = matches!(class, Some(FloodClass::Local(_)));
        Deliveries {
            ports: &self.ports,
            header,
            parent_type,
            listeners: verdict.sources.map_or(&[][..], |l| &self.listeners[usize::from(l.0)].ports),
            itself: match verdict.egress {
                Egress::Port(id) => Some(original(id, verdict.rule, header)),
                _ => None,
            },
            lists: class.map_or([&[], &[]], |class| self.floods.receivers(class, header.dst)),
            run: Copies {
                receivers: &[],
                sender: class.and_then(FloodClass::sender),
                copy: copy_of(class.unwrap_or(FloodClass::Outside), header),
                must_fit: if local { header.len as usize } else { 0 },
            },
        }
    }

    /// Why a port gets a frame, or why not.
    ///
    /// # Errors
    /// The rule that keeps the frame from the port.
    pub fn why(&self, verdict: &Verdict, id: PortId, header: &EthHeader) -> Result<Rule, Rule> {
        let listed = verdict.sources.is_some_and(|l| self.listeners[usize::from(l.0)].ports.contains(&id));
        let port = self.port(id).filter(|p| p.up).ok_or(Rule::PortDown)?;
        if listed {
            return Ok(Rule::SourceCopy);
        }
        match (verdict.egress, verdict.flood) {
            (Egress::Port(to), _) if to == id => Ok(verdict.rule),
            (_, Flood::To(class)) => {
                reaches(class, id, port)?;
                if !port.filter.wants(header.dst) {
                    return Err(Rule::GroupNotWanted);
                }
                match class {
                    FloodClass::Local(_) if !Nic::fits(port.mtu, header.len as usize) => {
                        Err(Rule::LocalCopyTooLong)
                    }
                    _ => Ok(class.rule()),
                }
            }
            (_, Flood::Withheld(rule)) => Err(rule),
            // Lists are for what arrives, not for what a sibling sends.
            (Egress::Wire | Egress::Parent, Flood::None) => Err(verdict.rule),
            (_, Flood::None) if port.mode == Mode::Source && verdict.rule != Rule::SourceNodst => {
                Err(Rule::SourceNotListed)
            }
            (_, Flood::None) => Err(verdict.rule),
        }
    }
}

/// A listed sender's frame for a source port that is up (R40, R41).
fn source_copy(
    ports: &[Option<PortEntry>],
    id: PortId,
    header: &EthHeader,
    parent_type: PacketType,
) -> Option<Delivery> {
    let port = ports.get(id.index())?.as_ref().filter(|p| p.up)?;
    let packet_type = if header.dst == port.mac { PacketType::Host } else { parent_type };
    Some(Delivery { port: id, rule: Rule::SourceCopy, packet_type, counted: Counted::Unicast })
}

/// The frame itself at a port: unicast, or the port's own broadcast back.
#[inline]
fn original(port: PortId, rule: Rule, header: &EthHeader) -> Delivery {
    // A group's frame goes to one port only as that port's own (R17).
    let (packet_type, counted) = if header.dst.is_multicast() {
        (group_type(header), Counted::OwnBack)
    } else {
        (PacketType::Host, Counted::Unicast)
    };
    Delivery { port, rule, packet_type, counted }
}

/// What the copies of a flood have in common.
#[inline]
fn copy_of(class: FloodClass, header: &EthHeader) -> Delivery {
    let local = matches!(class, FloodClass::Local(_));
    let counted = if local { Counted::LocalCopy } else { Counted::Flood };
    Delivery { port: PortId(0), rule: class.rule(), packet_type: group_type(header), counted }
}

/// A flood's copy for one port, which may be too long for it.
#[inline]
fn flood_copy(copy: Delivery, receiver: Receiver, must_fit: usize) -> Delivery {
    let copy = Delivery { port: receiver.id, ..copy };
    if Nic::fits(receiver.mtu, must_fit) {
        copy
    } else {
        Delivery { rule: Rule::LocalCopyTooLong, counted: Counted::TooLong, ..copy }
    }
}

/// Whether a flood of this class reaches a port, whatever its group filter says.
fn reaches(class: FloodClass, id: PortId, port: &PortEntry) -> Result<(), Rule> {
    if !port.up {
        return Err(Rule::PortDown);
    }
    if class.sender() == Some(id) {
        return Err(Rule::FloodNotSelf);
    }
    meant_for(class, port.mode)
}

/// Whether a flood of this class is meant for ports in this mode: the pairs of modes of R18 to R21 and R31. They stand here
/// only, for the lists that a flood walks and for "why not?" alike.
pub(super) fn meant_for(class: FloodClass, mode: Mode) -> Result<(), Rule> {
    match (class, mode) {
        (FloodClass::Local(_), Mode::Bridge)
        | (FloodClass::Vepa(_), Mode::Vepa | Mode::Bridge)
        | (FloodClass::Bridge(_), Mode::Vepa)
        | (FloodClass::Outside, Mode::Private | Mode::Vepa | Mode::Bridge | Mode::Passthru) => Ok(()),
        (_, Mode::Source) => Err(Rule::SourceModeNotFlooded),
        (FloodClass::Local(_), _) => Err(Rule::FloodOtherMode),
        (FloodClass::Bridge(_), Mode::Bridge) => Err(Rule::FloodNotTwice),
        (FloodClass::Vepa(_) | FloodClass::Bridge(_), _) => Err(Rule::FloodNotPrivate),
    }
}

fn group_type(header: &EthHeader) -> PacketType {
    if header.dst.is_broadcast() { PacketType::Broadcast } else { PacketType::Multicast }
}
