//! What people set by hand, and the kernel's answers.

use super::fdb::{Fdb, FdbFull};
use super::vlan::VlanSet;
use super::{
    FdbEntry, FdbKind, IfKnown, Policy, Port, PortConfig, PortFlag, PortState, PortVlans, Switch,
    SwitchConfig, SwitchPortId,
};
use crate::errno::Errno;
use crate::frame::{MacAddr, VlanId};
use crate::time::Instant;
use crate::verdict::{Refusal, Rule};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

/// Ports that a bridge takes (`BR_MAX_PORTS`; number 0 is not given out).
pub const MAX_PORTS: u16 = 1023;

/// Bits of the bridge's mask that are refused: 00 (STP), 01 (PAUSE), 02 (LACP).
const BRIDGE_RESTRICTED: u16 = 0b111;
/// The bit of a port's mask that is refused: 01 (PAUSE).
const PORT_RESTRICTED: u16 = 0b010;

const NO_SUCH_PORT: Refusal = Refusal::new(Errno::Enodev, Rule::SendDown);

impl Switch {
    /// A switch without ports.
    ///
    /// # Errors
    /// `EINVAL` for a forwarding mask with bits that a bridge refuses (rule R155).
    pub fn new(config: SwitchConfig) -> Result<Switch, Refusal> {
        let mut switch = Switch {
            vlan_filtering: config.vlan_filtering,
            group_fwd_mask: 0,
            ports: Vec::new(),
            fdb: Fdb::new(config.ageing),
            own: None,
        };
        switch.set_group_fwd_mask(None, config.group_fwd_mask)?;
        Ok(switch)
    }

    /// A new port, with carrier.
    ///
    /// # Errors
    /// `EINVAL` for a state (rule R152) or a forwarding mask (rule R156) that no port takes, `EXFULL` beyond
    /// [`MAX_PORTS`] (rule R133).
    pub fn add_port(&mut self, config: PortConfig) -> Result<SwitchPortId, Refusal> {
        if self.port_count() >= MAX_PORTS {
            return Err(Refusal::new(Errno::Exfull, Rule::SwitchPorts));
        }
        let id = SwitchPortId(self.port_count());
        self.ports.push(Port::new(config)?);
        Ok(id)
    }

    /// Gives the switch's own device an address that frames can be for. Wherever it was learned, it is there no longer.
    pub fn set_own_device(&mut self, mac: MacAddr) {
        self.own.get_or_insert_default().mac = mac;
        self.fdb.remove(VlanId::default(), mac);
    }

    /// A device of the switch's own host becomes this port: the port begins anew, without carrier at first.
    ///
    /// # Errors
    /// As of [`Switch::add_port`]; `ENODEV` if there is no such port.
    pub fn enslave(&mut self, port: SwitchPortId, config: PortConfig) -> Result<(), Refusal> {
        let new = Port { carrier: false, ..Port::new(config)? };
        *self.port_mut(port)? = new;
        Ok(())
    }

    /// The device that was this port is one no longer: whatever was known behind it is forgotten, entries made by hand
    /// included (`del_nbp`).
    pub fn release(&mut self, port: SwitchPortId) {
        self.set_carrier(port, false);
        self.fdb.forget_all_of(port);
        if let Some(own) = &mut self.own {
            own.devices.retain(|(_, of)| *of != port);
        }
    }

    /// The address of the device of the own host that is this port. Wherever it was learned, it is there no longer
    /// (`br_fdb_change_mac_address`).
    pub fn set_enslaved_mac(&mut self, port: SwitchPortId, mac: MacAddr) {
        let own = self.own.get_or_insert_default();
        if own.devices.binary_search(&(mac, port)).is_ok() {
            return;
        }
        own.devices.retain(|(_, of)| *of != port);
        own.devices.push((mac, port));
        own.devices.sort_unstable();
        self.fdb.remove(VlanId::default(), mac);
        self.set_device_mac(port, mac);
    }

    /// Whether some port forwards: the own device has carrier then.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.ports.iter().any(|p| p.carrier && p.state == PortState::Forwarding)
    }

    /// Ports there are: their ids are the numbers below.
    #[must_use]
    pub fn port_count(&self) -> u16 {
        debug_assert!(self.ports.len() <= usize::from(MAX_PORTS));
        self.ports.len() as u16
    }

    /// A port's flags; `None` if there is no such port.
    #[must_use]
    pub fn flags(&self, port: SwitchPortId) -> Option<super::PortFlags> {
        self.port(port).map(|p| p.flags)
    }

    /// A port's state; `None` if there is no such port. Blocking is never seen: it becomes forwarding at once.
    #[must_use]
    pub fn state(&self, port: SwitchPortId) -> Option<PortState> {
        self.port(port).map(|p| p.state)
    }

    /// The NIC on this port changed its address; policies ask for it.
    pub fn set_device_mac(&mut self, port: SwitchPortId, mac: MacAddr) {
        if let Ok(p) = self.port_mut(port) {
            p.effective = mac;
        }
    }

    /// Sets a flag.
    ///
    /// # Errors
    /// `ENODEV` if there is no such port.
    pub fn set_flag(&mut self, port: SwitchPortId, flag: PortFlag, value: bool) -> Result<(), Refusal> {
        let port = self.port_mut(port)?;
        *port.flags.get_mut(flag) = value;
        port.settle();
        Ok(())
    }

    /// Sets a port's state (`br_set_port_state`). What was learned behind it stays (rule R151).
    ///
    /// # Errors
    /// `EINVAL` for a state above 4, `ENETDOWN` for any but disabled on a port without carrier (rule R152), `ENODEV` if
    /// there is no such port.
    pub fn set_state(&mut self, port: SwitchPortId, state: PortState) -> Result<(), Refusal> {
        let p = self.port_mut(port)?;
        let state = effective_state(state)?;
        if p.carrier {
            p.state = state;
            p.settle();
            Ok(())
        } else if state == PortState::Disabled {
            Ok(())
        } else {
            Err(Refusal::new(Errno::Enetdown, Rule::StateRefused))
        }
    }

    /// Sets the mask of reserved groups to forward: the bridge's (no port), or a port's.
    ///
    /// # Errors
    /// `EINVAL` if bits 0 to 2 are set in the bridge's (rule R155) or bit 1 in a port's (rule R156), `ENODEV` if there is
    /// no such port.
    pub fn set_group_fwd_mask(&mut self, port: Option<SwitchPortId>, mask: u16) -> Result<(), Refusal> {
        let Some(port) = port else {
            if mask & BRIDGE_RESTRICTED != 0 {
                return Err(Refusal::new(Errno::Einval, Rule::BridgeMask));
            }
            self.group_fwd_mask = mask;
            return Ok(());
        };
        let p = self.port_mut(port)?;
        check_port_mask(mask)?;
        p.group_fwd_mask = mask;
        Ok(())
    }

    /// Sets a port's VLANs, all of them. What was learned behind it in a VLAN that it leaves is forgotten
    /// (`nbp_vlan_delete`; read in the kernel, not measured); entries made by hand stay, as do those of other VLANs.
    ///
    /// # Errors
    /// `ENODEV` if there is no such port.
    pub fn set_vlans(&mut self, port: SwitchPortId, vlans: &PortVlans) -> Result<(), Refusal> {
        let p = self.port_mut(port)?;
        let before = core::mem::replace(&mut p.vlans, VlanSet::new(vlans));
        let left: Vec<VlanId> = before.iter().filter(|&vlan| !p.vlans.contains(vlan)).collect();
        self.fdb.forget_port_in(port, &left);
        Ok(())
    }

    /// Sets or lifts a port's policy. What it goes by is what the port began with.
    ///
    /// # Errors
    /// `ENODEV` if there is no such port.
    pub fn set_policy(&mut self, port: SwitchPortId, policy: Option<Policy>) -> Result<(), Refusal> {
        let p = self.port_mut(port)?;
        p.policy = policy;
        p.settle();
        Ok(())
    }

    /// Sets how long learned entries live unseen; zero: nothing is learned and what was learned is gone.
    pub fn set_ageing(&mut self, ageing: Duration, now: Instant) {
        self.fdb.set_ageing(ageing, now);
    }

    /// A cable's other end came or went (`br_stp_enable_port`, `br_stp_disable_port`): without carrier what was learned
    /// is forgotten (rule R128), unless the port was disabled by hand, for then the bridge has nothing left to disable;
    /// and the state is reset to forwarding (rule R152).
    ///
    /// Returns whether that is new.
    pub fn set_carrier(&mut self, port: SwitchPortId, carrier: bool) -> bool {
        let Ok(p) = self.port_mut(port) else { return false };
        let (news, lost) = (p.carrier != carrier, p.carrier && !carrier);
        let took_part = p.state != PortState::Disabled;
        p.carrier = carrier;
        if lost {
            p.state = PortState::Forwarding;
        }
        p.settle();
        if lost && took_part {
            self.fdb.forget_port(port);
        }
        news
    }

    /// A port's device announced that its settings changed (`br_port_carrier_check`): a port that was disabled by hand takes
    /// part again (rule R152).
    ///
    /// Returns whether it does so from now on.
    pub fn device_changed(&mut self, port: SwitchPortId) -> bool {
        let Ok(p) = self.port_mut(port) else { return false };
        let enabled = p.carrier && p.state == PortState::Disabled;
        if enabled {
            p.state = PortState::Forwarding;
            p.settle();
        }
        enabled
    }

    /// Adds an entry by hand (`bridge fdb add MAC dev PORT master …`; or `bridge fdb replace`, in the place of one that is
    /// there). Under VLAN filtering without a VLAN it is added in every VLAN of the port, as the kernel does.
    ///
    /// # Errors
    /// All by rule R153: `ENODEV` if there is no such port; `EINVAL` for the zero address, for a VLAN the port is not a
    /// member of, or a VLAN without VLAN filtering; `EPERM` for a dynamic entry on a port that cannot learn; `EEXIST` if
    /// the address is there already and not to be replaced, or is the own device's; `ENOBUFS` beyond
    /// [`MAX_FDB`](super::MAX_FDB).
    pub fn add_fdb(
        &mut self,
        (mac, port, kind): (MacAddr, SwitchPortId, FdbKind),
        vlan: Option<VlanId>,
        known: IfKnown,
        now: Instant,
    ) -> Result<(), Refusal> {
        let refused = |errno| Err(Refusal::new(errno, Rule::FdbRefused));
        let Some(p) = self.port(port) else { return refused(Errno::Enodev) };
        let vlans: Vec<VlanId> = match (self.vlan_filtering, vlan.filter(|&v| v != VlanId::default())) {
            (false, None) => vec![VlanId::default()],
            (true, None) => p.vlans.iter().collect(),
            (true, Some(vlan)) if p.vlans.contains(vlan) => vec![vlan],
            (_, Some(_)) => return refused(Errno::Einval),
        };
        if mac.is_zero() {
            return refused(Errno::Einval);
        }
        let can_learn = p.carrier && matches!(p.state, PortState::Learning | PortState::Forwarding);
        if kind == FdbKind::Dynamic && !can_learn {
            return refused(Errno::Eperm);
        }
        for vlan in vlans {
            let is_in_the_way = known == IfKnown::Refuse && self.fdb.find(vlan, mac, now).is_some();
            if is_in_the_way || self.own.as_ref().is_some_and(|own| own.has(mac)) {
                return refused(Errno::Eexist);
            }
            self.fdb
                .put(vlan, mac, port, kind, now)
                .map_err(|FdbFull| Refusal::new(Errno::Enobufs, Rule::FdbRefused))?;
        }
        Ok(())
    }

    /// Takes an entry out by hand (`bridge fdb del`), in one VLAN or in all. The kernel wants to be told the entry's
    /// port as well; here the address is enough.
    ///
    /// # Errors
    /// `ENOENT` if there is none (rule R153).
    pub fn del_fdb(&mut self, mac: MacAddr, vlan: Option<VlanId>, now: Instant) -> Result<(), Refusal> {
        let mut found = false;
        let vlans = self.fdb.vlans().into_iter().filter(|&v| vlan.is_none_or(|wanted| wanted == v));
        for vlan in vlans {
            found |= self.fdb.find(vlan, mac, now).is_some() && self.fdb.remove(vlan, mac);
        }
        if found { Ok(()) } else { Err(Refusal::new(Errno::Enoent, Rule::FdbRefused)) }
    }

    /// The live entry of an address; `vlan` under VLAN filtering only.
    #[must_use]
    pub fn fdb_entry(&self, vlan: Option<VlanId>, mac: MacAddr, now: Instant) -> Option<FdbEntry> {
        let found = self.fdb.find(vlan.unwrap_or_default(), mac, now)?;
        Some(FdbEntry { vlan, mac, port: found.port, kind: found.kind, age: now.since(found.updated) })
    }

    /// The entries that are live at this time, sorted by VLAN and address.
    #[must_use]
    pub fn fdb_entries(&self, now: Instant) -> Vec<FdbEntry> {
        self.fdb.entries(now)
    }

    /// Bytes of memory that the forwarding database occupies.
    #[must_use]
    pub fn fdb_memory(&self) -> usize {
        self.fdb.memory()
    }

    fn port_mut(&mut self, id: SwitchPortId) -> Result<&mut Port, Refusal> {
        self.ports.get_mut(usize::from(id.0)).ok_or(NO_SUCH_PORT)
    }
}

impl Port {
    /// A port with carrier.
    fn new(config: PortConfig) -> Result<Port, Refusal> {
        let state = effective_state(config.state)?;
        check_port_mask(config.group_fwd_mask)?;
        let mut port = Port {
            flags: config.flags,
            state,
            carrier: true,
            group_fwd_mask: config.group_fwd_mask,
            vlans: VlanSet::new(&config.vlans),
            policy: config.policy,
            effective: config.assigned.mac,
            assigned: config.assigned,
            ordinary: false,
        };
        port.settle();
        Ok(port)
    }
}

/// The state that a port is in when it was set to this one: blocking becomes forwarding, as STP is off.
fn effective_state(state: PortState) -> Result<PortState, Refusal> {
    match state {
        PortState::Invalid(_) => Err(Refusal::new(Errno::Einval, Rule::StateRefused)),
        PortState::Blocking => Ok(PortState::Forwarding),
        state => Ok(state),
    }
}

fn check_port_mask(mask: u16) -> Result<(), Refusal> {
    if mask & PORT_RESTRICTED != 0 { Err(Refusal::new(Errno::Einval, Rule::PortMask)) } else { Ok(()) }
}
