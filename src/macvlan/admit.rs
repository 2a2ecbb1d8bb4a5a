//! The control plane: which ports a parent has, and what the kernel refuses.

use super::forwarding::Forwarding;
use super::groups::GroupFilter;
use super::ports::Ports;
use super::{MacvlanFlags, Mode};
use crate::errno::Errno;
use crate::frame::MacAddr;
use crate::nic::{GroupBits, Nic};
use crate::table::MAX_VALUE;
use crate::verdict::{PortId, Refusal, Rule};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The broadcast queue's length that a port requests if it says nothing, in frames.
pub const DEFAULT_QUEUE: u32 = 1000;

/// How many listed senders the source ports of one parent may have together: what the table's 16-bit values number.
/// The kernel has no such limit; a list this long would be refused with `ENOBUFS`.
pub const MAX_LISTED_SENDERS: usize = MAX_PORTS;
/// Ports that a parent takes: as many as the values that a table can hold.
pub const MAX_PORTS: usize = MAX_VALUE as usize + 1;

/// What a new port is asked for (`ip link add … type macvlan`).
#[derive(Clone, Debug, Default)]
pub struct PortRequest {
    /// Its address; a passthru port takes the parent's instead.
    pub mac: MacAddr,
    /// Its mode.
    pub mode: Mode,
    /// Its flags.
    pub flags: MacvlanFlags,
    /// Its mtu in bytes; `None`: the parent's.
    pub mtu: Option<u32>,
    /// The senders a source port listens to.
    pub sources: Vec<MacAddr>,
    /// Requested length of the broadcast queue, in frames.
    pub bcqueuelen: Option<u32>,
    /// The parent's broadcast cut-off.
    pub bclim: Option<i32>,
}

/// A port as the control plane keeps it.
#[derive(Clone, Debug)]
pub struct Port {
    /// Its address.
    pub mac: MacAddr,
    /// Its mode.
    pub mode: Mode,
    /// Its flags.
    pub flags: MacvlanFlags,
    /// Administratively up.
    pub up: bool,
    /// Its mtu in bytes.
    pub mtu: u32,
    /// Promiscuous by hand.
    pub promisc: bool,
    /// All-multicast by hand.
    pub allmulticast: bool,
    /// Groups joined by hand, up or down.
    pub groups: BTreeSet<MacAddr>,
    /// Groups pushed down to the parent while up.
    pub(super) pushed: BTreeSet<MacAddr>,
    /// The senders a source port listens to.
    pub sources: BTreeSet<MacAddr>,
    /// Requested length of the broadcast queue, in frames.
    pub bcqueuelen: u32,
    /// What it wants of groups, as last loaded.
    pub(super) filter: Arc<GroupFilter>,
}

/// The ports of one parent (the kernel's `macvlan_port`). It exists as long as there is at least one port (R3).
#[derive(Clone, Debug)]
pub struct Demux {
    pub(super) ports: Ports,
    /// What the parent's address returns to when a passthru port goes (R53).
    pub(super) permanent_mac: MacAddr,
    pub(super) bclim: i32,
    /// The filter in front of all ports, as last loaded (R62).
    pub(super) parent_filter: GroupBits,
    /// What of it is queued (R60, R193).
    pub(super) queue_filter: GroupBits,
    table: Arc<Forwarding>,
    pub(super) dirty: bool,
}

impl Demux {
    fn new(lower: &Nic) -> Demux {
        Demux {
            ports: Ports::default(),
            permanent_mac: lower.mac,
            bclim: 1,
            parent_filter: GroupBits::default(),
            queue_filter: GroupBits::default(),
            table: Arc::new(Forwarding::default()),
            dirty: true,
        }
    }

    /// A port.
    #[must_use]
    pub fn port(&self, id: PortId) -> Option<&Port> {
        self.ports.get(id)
    }

    pub(super) fn port_mut(&mut self, id: PortId) -> Result<&mut Port, Refusal> {
        self.dirty = true;
        self.ports.get_mut(id).ok_or(Refusal::new(Errno::Enodev, Rule::SendDown))
    }

    /// Every port, in the order of their ids.
    pub fn ports(&self) -> impl Iterator<Item = (PortId, &Port)> {
        self.ports.iter()
    }

    /// The passthru port, if the parent has one; it is then the only port (R50).
    #[must_use]
    pub fn passthru(&self) -> Option<PortId> {
        self.ports.passthru()
    }

    /// The length of the broadcast queue: the largest that a port requests, in frames (R60).
    #[must_use]
    pub fn queue_len(&self) -> u32 {
        self.ports().map(|(_, p)| p.bcqueuelen).max().unwrap_or(DEFAULT_QUEUE)
    }

    /// Checks that so many more listed senders can be numbered.
    pub(super) fn check_senders(&self, more: usize) -> Result<(), Refusal> {
        if self.ports.listed() + more > MAX_LISTED_SENDERS {
            Err(Refusal::new(Errno::Enobufs, Rule::SourceList))
        } else {
            Ok(())
        }
    }

    /// Whether an address is the parent's or an active port's (`macvlan_addr_busy`).
    pub(super) fn address_busy(&self, lower: &Nic, mac: MacAddr) -> bool {
        (self.passthru().is_none() && lower.mac == mac) || self.ports.has_active(mac)
    }

    /// The table that decides, brought up to date first. It never changes; changes publish a new one.
    pub fn publish(&mut self) -> &Arc<Forwarding> {
        if self.dirty {
            self.table = Arc::new(Forwarding::compile(self));
            self.dirty = false;
        }
        &self.table
    }
}

/// What can be said of a request without its parent.
fn admit_alone(request: &PortRequest) -> Result<(), Refusal> {
    if !request.mac.is_valid_station() || !request.sources.iter().all(|s| s.is_valid_station()) {
        return Err(Refusal::new(Errno::Eaddrnotavail, Rule::CreateRefused));
    }
    if request.mtu.is_some_and(|mtu| Nic::check_mtu(mtu).is_err()) {
        return Err(Refusal::new(Errno::Einval, Rule::CreateRefused));
    }
    Ok(())
}

/// The refusal of a port whose parent does not exist: `ENODEV`, unless the request itself is worse (R80).
#[must_use]
pub fn refuse_without_parent(request: &PortRequest) -> Refusal {
    admit_alone(request).err().unwrap_or(Refusal::new(Errno::Enodev, Rule::CreateRefused))
}

/// Checks a request in the kernel's order (R80).
fn admit(demux: Option<&Demux>, lower: &Nic, request: &PortRequest) -> Result<(), Refusal> {
    let refuse = |errno| Err(Refusal::new(errno, Rule::CreateRefused));
    admit_alone(request)?;
    if request.mtu.is_some_and(|mtu| mtu > lower.mtu) {
        return refuse(Errno::Einval);
    }
    if let Some(demux) = demux {
        if demux.passthru().is_some() || request.mode == Mode::Passthru {
            return Err(Refusal::new(Errno::Einval, Rule::PassthruAlone));
        }
        if demux.ports.count() >= MAX_PORTS {
            return refuse(Errno::Enobufs);
        }
        demux.check_senders(request.sources.len())?;
    }
    if !request.sources.is_empty() && request.mode != Mode::Source {
        return refuse(Errno::Einval);
    }
    Ok(())
}

/// Creates a port, down, on a parent (`macvlan_common_newlink`). `name_taken` is the last thing to be looked at.
///
/// # Errors
/// The kernel's, in the kernel's order (R80): `EADDRNOTAVAIL` for a multicast or zero address, the port's or one of
/// the list; `EINVAL` for a bad mtu, for anything beside a passthru port, for a list in another mode; `EEXIST`.
pub fn create(
    slot: &mut Option<Demux>,
    lower: &Nic,
    request: &PortRequest,
    name_taken: bool,
) -> Result<PortId, Refusal> {
    admit(slot.as_ref(), lower, request)?;
    if name_taken {
        return Err(Refusal::new(Errno::Eexist, Rule::CreateRefused));
    }
    let passthru = request.mode == Mode::Passthru;
    let demux = slot.get_or_insert_with(|| Demux::new(lower));
    let port = Port {
        mac: if passthru { lower.mac } else { request.mac },
        mode: request.mode,
        flags: request.flags,
        up: false,
        mtu: request.mtu.unwrap_or(lower.mtu),
        promisc: false,
        allmulticast: false,
        groups: BTreeSet::new(),
        pushed: BTreeSet::new(),
        sources: request.sources.iter().copied().collect(),
        bcqueuelen: request.bcqueuelen.unwrap_or(DEFAULT_QUEUE),
        filter: Arc::new(GroupFilter::Joined(Box::default())),
    };
    demux.dirty = true;
    let id = demux.ports.insert(port);
    if let Some(bclim) = request.bclim {
        demux.set_bclim(lower, bclim);
    }
    Ok(id)
}

/// Removes a port; the last one takes the demultiplexer with it and gives the parent its own address back (R53).
/// Answers with what the port was.
///
/// # Errors
/// `ENODEV` if there is no such port.
pub fn remove(slot: &mut Option<Demux>, lower: &mut Nic, id: PortId) -> Result<Port, Refusal> {
    let missing = Refusal::new(Errno::Enodev, Rule::SendDown);
    let demux = slot.as_mut().ok_or(missing)?;
    if demux.port_mut(id)?.up {
        demux.set_up(lower, id, false)?;
    }
    let port = demux.ports.remove(id).ok_or(missing)?;
    if demux.ports.count() == 0 {
        if port.mode == Mode::Passthru {
            lower.mac = demux.permanent_mac;
        }
        *slot = None;
    }
    Ok(port)
}
