//! A parent: a NIC, and the macvlan ports on it.

use super::admit::{Admitted, PortRequest};
use super::change::PortMut;
use super::forwarding::Forwarding;
use super::ports::Ports;
use super::{Mode, Port};
use crate::errno::Errno;
use crate::frame::MacAddr;
use crate::nic::{GroupBits, Nic, PushedDown, Pushes};
use crate::verdict::{PortId, Refusal, Rule};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The broadcast queue's length that a port requests if its creator requests none, in frames.
pub const DEFAULT_QUEUE: u32 = 1000;

/// A network device and the macvlan ports on it. Both change through it only, because a change of one can change the
/// other: a port that comes up pushes its MAC address down to the NIC, and a NIC whose MTU shrinks takes its ports with it.
///
/// ```
/// use macvlab::frame::MacAddr;
/// use macvlab::macvlan::{Mode, Parent, PortRequest};
/// use macvlab::nic::{Nic, UnicastFilter};
///
/// let mut parent = Parent::new(Nic::new("00:0c:29:f1:38:bf".parse()?, 1500, UnicastFilter::None)?);
/// parent.set_up(true);
/// let port = parent.create(&PortRequest::new("02:00:00:00:00:01".parse()?).with_mode(Mode::Bridge))?;
/// parent.port_mut(port)?.set_up(true)?;
/// let table = parent.publish().ok_or("there is a port")?;
/// assert_eq!(table.lookup("02:00:00:00:00:01".parse()?).map(|(id, _)| id), Some(port));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Parent {
    pub(super) nic: Nic,
    handler: Handler,
}

/// What takes the frames that come in (the kernel's receive handler): there is one at most.
#[derive(Clone, Debug, Default)]
enum Handler {
    /// Nothing: the device's own stack gets them (R3).
    #[default]
    None,
    /// The ports.
    Ports(Box<Demux>),
    /// A bridge or a bond, of which the device is a port.
    Master(MasterKind),
}

/// What a device can be a port of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MasterKind {
    /// A bridge, which makes it promiscuous and all-multicast (R225).
    Bridge,
    /// A bond.
    Bond,
}

impl MasterKind {
    /// How many reasons for promiscuity, and for receiving all groups, it gives its ports.
    const fn wishes(master: Option<MasterKind>) -> i32 {
        match master {
            Some(MasterKind::Bridge) => 1,
            Some(MasterKind::Bond) | None => 0,
        }
    }
}

/// What a parent with ports keeps for all of them (the kernel's `macvlan_port`). It exists as long as there is at least one
/// port (R3).
#[derive(Clone, Debug)]
pub(super) struct Demux {
    pub(super) ports: Ports,
    /// What the parent's MAC address returns to when a passthru port goes (R53).
    pub(super) permanent_mac: MacAddr,
    pub(super) bclim: i32,
    /// The filter in front of all ports, as last loaded (R62).
    pub(super) parent_filter: GroupBits,
    /// What of it is queued (R60, R193).
    pub(super) queue_filter: GroupBits,
    /// The table that was made of all this, unless something has changed since.
    pub(super) published: Option<Arc<Forwarding>>,
}

impl Demux {
    fn new(lower: &Nic) -> Demux {
        Demux {
            ports: Ports::default(),
            permanent_mac: lower.mac(),
            bclim: 1,
            parent_filter: GroupBits::default(),
            queue_filter: GroupBits::default(),
            published: None,
        }
    }

    /// The length of the broadcast queue: the largest that a port requests, in frames (R60).
    pub(super) fn queue_len(&self) -> u32 {
        self.ports.iter().map(|(_, p)| p.bcqueuelen).max().unwrap_or(DEFAULT_QUEUE)
    }

    /// Refuses a MAC address that the parent or an active port has (`macvlan_addr_busy`).
    pub(super) fn check_free(&self, lower: &Nic, mac: MacAddr, rule: Rule) -> Result<(), Refusal> {
        let sibling = self.ports.active(mac);
        let is_parents = self.ports.passthru().is_none() && lower.mac() == mac;
        if is_parents || sibling.is_some() {
            return Err(Refusal::new(Errno::Eaddrinuse, rule).with_conflict(sibling));
        }
        Ok(())
    }
}

const NO_SUCH_PORT: Refusal = Refusal::new(Errno::Enodev, Rule::SendDown);

impl Parent {
    /// A parent without ports.
    #[must_use]
    pub const fn new(nic: Nic) -> Parent {
        Parent { nic, handler: Handler::None }
    }

    /// The NIC.
    #[must_use]
    pub const fn nic(&self) -> &Nic {
        &self.nic
    }

    /// Whether there are ports.
    #[must_use]
    pub fn has_ports(&self) -> bool {
        self.demux().is_some()
    }

    pub(super) fn demux(&self) -> Option<&Demux> {
        match &self.handler {
            Handler::Ports(demux) => Some(demux),
            Handler::None | Handler::Master(_) => None,
        }
    }

    fn demux_mut(&mut self) -> Option<&mut Demux> {
        match &mut self.handler {
            Handler::Ports(demux) => Some(demux),
            Handler::None | Handler::Master(_) => None,
        }
    }

    /// What the device is a port of; it takes no ports then (R81).
    #[must_use]
    pub const fn master(&self) -> Option<MasterKind> {
        match self.handler {
            Handler::Master(kind) => Some(kind),
            Handler::None | Handler::Ports(_) => None,
        }
    }

    /// The device becomes a port of a bridge or a bond, or is one no longer.
    ///
    /// # Errors
    /// `EBUSY` if there are ports on it (R223).
    pub fn set_master(&mut self, master: Option<MasterKind>) -> Result<(), Refusal> {
        if self.has_ports() {
            return Err(Refusal::new(Errno::Ebusy, Rule::Enslave));
        }
        let change = MasterKind::wishes(master) - MasterKind::wishes(self.master());
        if change != 0 {
            let filter = self.nic.filter_mut();
            filter.allmulti_add(change);
            filter.promiscuity_add(change);
            self.nic.refresh_filter();
        }
        self.handler = master.map_or(Handler::None, Handler::Master);
        Ok(())
    }

    /// The port with this number.
    #[must_use]
    pub fn port(&self, id: PortId) -> Option<&Port> {
        self.demux()?.ports.get(id)
    }

    /// All ports, in the order of their numbers.
    pub fn ports(&self) -> impl Iterator<Item = (PortId, &Port)> {
        self.demux().into_iter().flat_map(|demux| demux.ports.iter())
    }

    /// The passthru port, if there is one; it is then the only port (R50).
    #[must_use]
    pub fn passthru(&self) -> Option<PortId> {
        self.demux()?.ports.passthru()
    }

    /// The port with this number, to be changed.
    ///
    /// # Errors
    /// `ENODEV` if there is no such port.
    pub fn port_mut(&mut self, id: PortId) -> Result<PortMut<'_>, Refusal> {
        match &mut self.handler {
            Handler::Ports(demux) if demux.ports.get(id).is_some() => {
                Ok(PortMut::new(demux, &mut self.nic, id))
            }
            _ => Err(NO_SUCH_PORT),
        }
    }

    /// Checks a request for a new port, in the kernel's order (R80), and changes nothing yet: a device's name, for example,
    /// is checked after all of this.
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` for a multicast or zero MAC address, the port's or a listed sender's; `EBUSY` if the parent is a port
    /// of a bridge or a bond (R81); `EINVAL` for a bad MTU, for
    /// anything beside a passthru port, for a list of senders in another mode than source; `ENOBUFS` beyond
    /// [`MAX_PORTS`](super::MAX_PORTS) or [`MAX_LISTED_SENDERS`](super::MAX_LISTED_SENDERS).
    pub fn admit<'a>(&'a mut self, request: &'a PortRequest) -> Result<Admitted<'a>, Refusal> {
        Admitted::check(self, request)
    }

    /// Creates a port, which is down (`macvlan_common_newlink`).
    ///
    /// # Errors
    /// See [`Parent::admit`].
    pub fn create(&mut self, request: &PortRequest) -> Result<PortId, Refusal> {
        self.admit(request).map(Admitted::create)
    }

    /// Adds a port that was found acceptable.
    pub(super) fn add(&mut self, port: Port, bclim: Option<i32>) -> PortId {
        if self.demux().is_none() {
            self.handler = Handler::Ports(Box::new(Demux::new(&self.nic)));
        }
        let Handler::Ports(demux) = &mut self.handler else { unreachable!("it was made just now") };
        demux.published = None;
        let id = demux.ports.insert(port);
        if let Some(bclim) = bclim {
            demux.set_bclim(&self.nic, bclim);
        }
        id
    }

    /// Removes a port, and returns it as it was. With the last port the parent's own MAC address comes back (R53).
    ///
    /// # Errors
    /// `ENODEV` if there is no such port.
    pub fn remove(&mut self, id: PortId) -> Result<Port, Refusal> {
        self.port_mut(id)?.set_up(false)?;
        let demux = self.demux_mut().ok_or(NO_SUCH_PORT)?;
        let port = demux.ports.remove(id).ok_or(NO_SUCH_PORT)?;
        if demux.ports.count() == 0 {
            let mac = demux.permanent_mac;
            if port.mode == Mode::Passthru {
                self.nic.replace_mac(mac);
            }
            self.handler = Handler::None;
        }
        Ok(port)
    }

    /// The table that decides, as of now; `None`: there are no ports. A table never changes: after a change there is a new
    /// one.
    pub fn publish(&mut self) -> Option<&Arc<Forwarding>> {
        let demux = self.demux_mut()?;
        if demux.published.is_none() {
            demux.published = Some(Arc::new(super::compile::compile(demux)));
        }
        demux.published.as_ref()
    }

    /// Brings the NIC up or down.
    pub fn set_up(&mut self, up: bool) {
        self.nic.set_up(up);
    }

    /// Changes the NIC's MAC address. A passthru port follows, and the change stays when that port goes (R53).
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` for a multicast or zero address.
    pub fn set_mac(&mut self, mac: MacAddr) -> Result<(), Refusal> {
        self.nic.set_mac(mac)?;
        if let Some(demux) = self.demux_mut()
            && let Some(id) = demux.ports.passthru()
        {
            demux.published = None;
            demux.ports.at(id).mac = mac;
            demux.permanent_mac = mac;
        }
        Ok(())
    }

    /// Changes the NIC's MTU, in bytes. Ports with a larger one shrink with it (R87).
    ///
    /// # Errors
    /// `EINVAL` below 68 or above 65,535.
    pub fn set_mtu(&mut self, mtu: u32) -> Result<(), Refusal> {
        self.nic.set_mtu(mtu)?;
        let ports: Vec<(PortId, u32)> = self.ports().map(|(id, p)| (id, p.mtu.min(mtu))).collect();
        ports.into_iter().try_for_each(|(id, mtu)| self.port_mut(id)?.set_mtu(mtu))
    }

    /// Makes the NIC promiscuous by hand or not.
    pub fn set_promisc(&mut self, on: bool) {
        self.nic.set_promisc(on);
    }

    /// Makes the NIC all-multicast by hand or not.
    pub fn set_allmulticast(&mut self, on: bool) {
        self.nic.set_allmulticast(on);
    }

    /// The NIC joins a group by hand.
    pub fn join(&mut self, group: MacAddr) {
        self.nic.join(group);
    }

    /// The NIC leaves a group by hand, however often it was joined.
    ///
    /// # Errors
    /// `ENOENT` if it was not joined by hand (R88).
    pub fn leave(&mut self, group: MacAddr) -> Result<(), Refusal> {
        self.nic.leave(group)
    }

    /// What has changed about what this sub-interface, or bond, wants of the device below it, since it was asked last.
    pub fn push_down(&mut self, pushed: &mut PushedDown) -> Pushes {
        pushed.update(&mut self.nic)
    }

    /// Takes over what a sub-interface or a bond above wants.
    pub fn take_pushes(&mut self, pushes: &Pushes) {
        self.nic.take_pushes(pushes);
    }
}
