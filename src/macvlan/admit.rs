//! What a new port is asked for, and what the kernel refuses.

use super::groups::GroupFilter;
use super::parent::{DEFAULT_QUEUE, Parent};
use super::{MacvlanFlags, Mode, Port};
use crate::errno::Errno;
use crate::frame::MacAddr;
use crate::nic::Nic;
use crate::table::MAX_VALUE;
use crate::verdict::{PortId, Refusal, Rule};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How many listed senders the source ports of one parent may have together: what the table's 16-bit values number.
/// The kernel has no such limit; a longer list is refused with `ENOBUFS`.
pub const MAX_LISTED_SENDERS: usize = MAX_PORTS;
/// Ports that a parent takes: as many as the values that a table can hold.
pub const MAX_PORTS: usize = MAX_VALUE as usize + 1;

/// What a new port is asked for (`ip link add … type macvlan`). The defaults are the kernel's.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PortRequest {
    /// Its MAC address; a passthru port takes the parent's instead.
    pub mac: MacAddr,
    /// Its mode (vepa).
    pub mode: Mode,
    /// Its flags (none).
    pub flags: MacvlanFlags,
    /// Its MTU in bytes (`None`: the parent's).
    pub mtu: Option<u32>,
    /// The senders a source port listens to (none).
    pub sources: Vec<MacAddr>,
    /// Requested length of the broadcast queue, in frames (`None`: [`DEFAULT_QUEUE`]).
    pub bcqueuelen: Option<u32>,
    /// The parent's broadcast cut-off (`None`: unchanged).
    pub bclim: Option<i32>,
}

impl PortRequest {
    /// A vepa port with this MAC address, and everything else by default.
    #[must_use]
    pub fn new(mac: MacAddr) -> PortRequest {
        PortRequest { mac, ..PortRequest::default() }
    }

    /// In this mode.
    #[must_use]
    pub fn with_mode(self, mode: Mode) -> PortRequest {
        PortRequest { mode, ..self }
    }

    /// With these flags.
    #[must_use]
    pub fn with_flags(self, flags: MacvlanFlags) -> PortRequest {
        PortRequest { flags, ..self }
    }

    /// With this MTU, in bytes.
    #[must_use]
    pub fn with_mtu(self, mtu: u32) -> PortRequest {
        PortRequest { mtu: Some(mtu), ..self }
    }

    /// A source port listens to these senders.
    #[must_use]
    pub fn with_sources(self, sources: impl Into<Vec<MacAddr>>) -> PortRequest {
        PortRequest { sources: sources.into(), ..self }
    }

    /// Requests a broadcast queue of this length, in frames.
    #[must_use]
    pub fn with_bcqueuelen(self, len: u32) -> PortRequest {
        PortRequest { bcqueuelen: Some(len), ..self }
    }

    /// Sets the parent's broadcast cut-off.
    #[must_use]
    pub fn with_bclim(self, limit: i32) -> PortRequest {
        PortRequest { bclim: Some(limit), ..self }
    }

    /// The refusal of this request on a parent that does not exist: `ENODEV`, unless the request itself is worse (R80).
    #[must_use]
    pub fn refusal_without_parent(&self) -> Refusal {
        self.check_alone().err().unwrap_or(Refusal::new(Errno::Enodev, Rule::CreateRefused))
    }

    /// What can be said of a request without its parent.
    fn check_alone(&self) -> Result<(), Refusal> {
        if !self.mac.is_valid_station() || !self.sources.iter().all(|s| s.is_valid_station()) {
            return refuse(Errno::Eaddrnotavail);
        }
        if self.mtu.is_some_and(|mtu| Nic::check_mtu(mtu).is_err()) {
            return refuse(Errno::Einval);
        }
        Ok(())
    }
}

fn refuse(errno: Errno) -> Result<(), Refusal> {
    Err(Refusal::new(errno, Rule::CreateRefused))
}

/// Refuses more listed senders than can be numbered.
pub(super) fn check_senders(listed: usize, more: usize) -> Result<(), Refusal> {
    if listed + more > MAX_LISTED_SENDERS {
        Err(Refusal::new(Errno::Enobufs, Rule::SourceList))
    } else {
        Ok(())
    }
}

/// A request that a parent has found acceptable ([`Parent::admit`]), to be carried out.
#[derive(Debug)]
#[must_use = "nothing is created yet"]
pub struct Admitted<'a> {
    parent: &'a mut Parent,
    request: &'a PortRequest,
}

impl<'a> Admitted<'a> {
    /// Checks a request in the kernel's order (R80).
    pub(super) fn check(parent: &'a mut Parent, request: &'a PortRequest) -> Result<Admitted<'a>, Refusal> {
        request.check_alone()?;
        if request.mtu.is_some_and(|mtu| mtu > parent.nic().mtu()) {
            refuse(Errno::Einval)?;
        }
        if parent.master().is_some() {
            return Err(Refusal::new(Errno::Ebusy, Rule::EnslavedParent));
        }
        if let Some(demux) = parent.demux() {
            let passthru = demux.ports.passthru();
            if passthru.is_some() || request.mode == Mode::Passthru {
                return Err(Refusal::new(Errno::Einval, Rule::PassthruAlone).with_conflict(passthru));
            }
            if demux.ports.count() >= MAX_PORTS {
                refuse(Errno::Enobufs)?;
            }
            check_senders(demux.ports.listed(), request.sources.len())?;
        }
        if !request.sources.is_empty() && request.mode != Mode::Source {
            refuse(Errno::Einval)?;
        }
        Ok(Admitted { parent, request })
    }

    /// Creates the port, which is down.
    pub fn create(self) -> PortId {
        let Admitted { parent, request } = self;
        let lower = parent.nic();
        let port = Port {
            mac: if request.mode == Mode::Passthru { lower.mac() } else { request.mac },
            mode: request.mode,
            flags: request.flags,
            up: false,
            mtu: request.mtu.unwrap_or(lower.mtu()),
            promisc: false,
            allmulticast: false,
            bridged: false,
            groups: BTreeSet::new(),
            pushed: BTreeSet::new(),
            sources: request.sources.iter().copied().collect(),
            bcqueuelen: request.bcqueuelen.unwrap_or(DEFAULT_QUEUE),
            filter: Arc::new(GroupFilter::Joined(Box::default())),
        };
        parent.add(port, request.bclim)
    }
}
