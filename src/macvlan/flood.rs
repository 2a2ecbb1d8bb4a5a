//! Who gets what a verdict says: the one predicate that delivers, and that answers "why not?".

use super::Mode;
use super::forwarding::{Forwarding, PortEntry};
use crate::frame::{EthHeader, PacketType};
use crate::nic::Nic;
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

impl Forwarding {
    /// What the ports get by a verdict: source copies, then the frame itself, then the copies of a flood; each in the
    /// order of the ports. `parent_type` is the packet type as the parent saw it.
    pub fn deliveries<'a>(
        &'a self,
        verdict: &Verdict,
        header: &'a EthHeader,
        parent_type: PacketType,
    ) -> impl Iterator<Item = Delivery> + 'a {
        let listeners = verdict.sources.map_or(&[][..], |l| &self.listeners[usize::from(l.0)].ports);
        let copies = listeners.iter().filter_map(move |id| self.source_copy(*id, header, parent_type));
        let itself = match verdict.egress {
            Egress::Port(id) => Some(Self::original(id, verdict.rule, header)),
            _ => None,
        };
        let class = match verdict.flood {
            Flood::To(class) => Some(class),
            Flood::None | Flood::Withheld(_) => None,
        };
        let flood = class.into_iter().flat_map(move |class| {
            self.candidates(class).iter().filter_map(move |id| self.flood_copy(class, *id, header).ok())
        });
        copies.chain(itself).chain(flood)
    }

    /// A listed sender's frame for a source port that is up (R40, R41).
    fn source_copy(&self, id: PortId, header: &EthHeader, parent_type: PacketType) -> Option<Delivery> {
        let port = self.port(id).filter(|p| p.up)?;
        let packet_type = if header.dst == port.mac { PacketType::Host } else { parent_type };
        Some(Delivery { port: id, rule: Rule::SourceCopy, packet_type, counted: Counted::Unicast })
    }

    /// The frame itself at a port: unicast, or the port's own broadcast back.
    fn original(port: PortId, rule: Rule, header: &EthHeader) -> Delivery {
        let (packet_type, counted) = if rule == Rule::OwnBroadcastBack {
            (group_type(header), Counted::OwnBack)
        } else {
            (PacketType::Host, Counted::Unicast)
        };
        Delivery { port, rule, packet_type, counted }
    }

    /// A flood's copy for one port.
    ///
    /// # Errors
    /// The rule that keeps it from the port.
    fn flood_copy(&self, class: FloodClass, id: PortId, header: &EthHeader) -> Result<Delivery, Rule> {
        let port = self.port(id).ok_or(Rule::PortDown)?;
        reaches(class, id, port)?;
        if !port.filter.wants(header.dst) {
            return Err(Rule::GroupNotWanted);
        }
        let packet_type = group_type(header);
        let deliver = |rule, counted| Ok(Delivery { port: id, rule, packet_type, counted });
        match class {
            FloodClass::Local(_) if !Nic::fits(port.mtu, header.len as usize) => {
                deliver(Rule::LocalCopyTooLong, Counted::TooLong)
            }
            FloodClass::Local(_) => deliver(class.rule(), Counted::LocalCopy),
            _ => deliver(class.rule(), Counted::Flood),
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
            (_, Flood::To(class)) => match self.flood_copy(class, id, header)? {
                Delivery { counted: Counted::TooLong, rule, .. } => Err(rule),
                delivery => Ok(delivery.rule),
            },
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
