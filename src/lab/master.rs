//! Devices that are ports of a bridge of their own host, or of a bond (`ip link set DEVICE master MASTER`).

use super::Lab;
use super::device::{DeviceId, Kind, Master, PortEnd, Role, Uplink};
use super::topology::Topology;
use crate::dataplane::{BridgePort, SwitchId};
use crate::errno::Errno;
use crate::macvlan::MasterKind;
use crate::switch::{Assigned, PortConfig, SwitchPortId};
use crate::verdict::{Refusal, Rule};
use std::collections::BTreeMap;

/// How many devices can sit on each other (`MAX_NEST_DEV`).
const MAX_NEST: u32 = 8;

const fn refused(errno: Errno) -> Refusal {
    Refusal::new(errno, Rule::Enslave)
}

impl Lab {
    /// Makes a device a port of a bridge or a bond, or of none. One that is a port of another leaves that first, even if it
    /// is refused then (`do_set_master`).
    ///
    /// # Errors
    /// Of a bond, those of [`Lab::bond_by_hand`]. By R223: `ENODEV` if there is no such bridge, or the declaration has no place
    /// for the device in it; `ELOOP` if the device is a bridge; `EBUSY` if it has macvlans, is a macvtap, or sits on the
    /// bridge; `EMLINK` if too many devices would sit on each other.
    pub(super) fn set_master(&mut self, id: DeviceId, master: Option<&str>) -> Result<(), Refusal> {
        if let Some(bond) = master.and_then(|master| self.topology.bond_named(master)) {
            return self.bond_by_hand(id, bond);
        }
        let place = master.map(|master| self.place_in(id, master)).transpose()?;
        let device = &self.topology.devices[id.0];
        if place.is_some() && place == device.bridge() {
            return Ok(());
        }
        self.release(id);
        place.map_or(Ok(()), |place| self.enslave(id, place))
    }

    /// The place for a device in a bridge.
    fn place_in(&self, id: DeviceId, master: &str) -> Result<BridgePort, Refusal> {
        let name = &self.topology.devices[id.0].name;
        let bridge =
            self.topology.switches.iter().zip(0..).find(|(s, _)| s.name == master && s.own.is_some());
        let (bridge, switch) = bridge.ok_or(refused(Errno::Enodev))?;
        let is_place = |(port, _): &(&super::device::SwitchPortNode, u16)| {
            port.device == *name && matches!(port.end, PortEnd::Inside { .. })
        };
        let (_, port) = bridge.ports.iter().zip(0..).find(is_place).ok_or(refused(Errno::Enodev))?;
        Ok(BridgePort { switch: SwitchId(switch), port: SwitchPortId(port) })
    }

    /// `br_add_if`, in the kernel's order.
    fn enslave(&mut self, id: DeviceId, at: BridgePort) -> Result<(), Refusal> {
        match &self.topology.devices[id.0].kind {
            Kind::Link(link) if link.role == Role::Bridge => return Err(refused(Errno::Eloop)),
            Kind::Link(link) if link.base.has_ports() => return Err(refused(Errno::Ebusy)),
            Kind::Port { tap: Some(_), .. } => return Err(refused(Errno::Ebusy)),
            Kind::Link(_) | Kind::Port { .. } => {}
        }
        let own = self.topology.switches[at.switch.index()].own.ok_or(refused(Errno::Enodev))?;
        self.topology.check_nesting(id, own, Rule::Enslave)?;
        let PortEnd::Inside { config, .. } = self.port_end(at) else { return Err(refused(Errno::Enodev)) };
        let config = PortConfig::clone(config);
        let assigned = Assigned { mac: self.state_of(id).mac, ips: self.assigned_addresses(id) };
        let switch = self.switch_mut(at.switch).ok_or(refused(Errno::Enodev))?;
        switch.enslave(at.port, PortConfig { assigned, ..config })?;
        self.bridged(id, true)?;
        if let PortEnd::Inside { device, .. } = self.port_end(at) {
            *device = Some(id);
        }
        self.topology.devices[id.0].master = Some(Master::Bridge(at));
        self.topology.enslaved.insert(id);
        self.touch(id);
        self.touch_switch_port(at.switch, at.port);
        self.tell_master(id);
        self.fit_own_device(at.switch);
        Ok(())
    }

    /// The device is a port of no bridge or bond any more. Nothing to do if it was none.
    pub(super) fn release(&mut self, id: DeviceId) {
        match self.topology.devices[id.0].master.take() {
            Some(Master::Bridge(at)) => self.leave_bridge(id, at),
            Some(Master::Bond(bonded)) => self.leave_bond(id, bonded),
            None => {}
        }
    }

    fn leave_bridge(&mut self, id: DeviceId, at: BridgePort) {
        self.topology.enslaved.remove(&id);
        self.touch(id);
        if let PortEnd::Inside { device, .. } = self.port_end(at) {
            *device = None;
        }
        if let Some(switch) = self.switch_mut(at.switch) {
            switch.release(at.port);
        }
        // What is a port of a bridge has no ports on it, which alone could be in the way.
        let _ = self.bridged(id, false);
        self.touch_switch_port(at.switch, at.port);
        self.fit_own_device(at.switch);
    }

    fn port_end(&mut self, at: BridgePort) -> &mut PortEnd {
        &mut self.topology.switches[at.switch.index()].ports[usize::from(at.port.0)].end
    }

    /// The device takes frames for a bridge from now on, or no longer.
    fn bridged(&mut self, id: DeviceId, on: bool) -> Result<(), Refusal> {
        if let Kind::Port { .. } = self.topology.devices[id.0].kind {
            return self.change_port(id, |mut port| {
                port.set_bridged(on);
                Ok(())
            });
        }
        self.linked_mut(id).base.set_master(on.then_some(MasterKind::Bridge))?;
        self.sync_below(id);
        Ok(())
    }

    /// Tells the bridge whose port a device is about its carrier and address. Whether there was news.
    pub(super) fn tell_master(&mut self, id: DeviceId) -> bool {
        let Some(at) = self.topology.devices[id.0].bridge() else { return false };
        let state = self.state_of(id);
        let Some(switch) = self.runtime.state.switch_mut(at.switch) else { return false };
        switch.set_enslaved_mac(at.port, state.mac);
        let news = switch.set_carrier(at.port, state.up && state.carrier);
        if news {
            self.runtime.changed = true;
            self.touch_switch_port(at.switch, at.port);
        }
        news
    }

    /// The mtu of a device has changed, and the bridge whose port it is goes by the least of its ports.
    pub(super) fn fit_master(&mut self, id: DeviceId) {
        if let Some(at) = self.topology.devices[id.0].bridge() {
            self.fit_own_device(at.switch);
        }
    }

    /// Tells every such bridge, and lets every bond look at its ports, after a change that may reach far: what has changed for
    /// one can change what is on it.
    pub(super) fn refresh_masters(&mut self) {
        for _ in 0..=MAX_NEST {
            let bonds: Vec<DeviceId> = self.topology.bonds.iter().copied().collect();
            let failed_over = bonds.into_iter().filter(|bond| self.watch_ports(*bond)).count();
            let ids: Vec<DeviceId> = self.topology.enslaved.iter().copied().collect();
            let told = ids.into_iter().filter(|id| self.tell_master(*id)).count();
            if failed_over + told == 0 {
                return;
            }
        }
    }
}

impl Topology {
    /// Whether a device can become a port of the bridge whose own device this is, or of this bond; the rule names the error.
    pub(super) fn check_nesting(&self, id: DeviceId, own: DeviceId, rule: Rule) -> Result<(), Refusal> {
        let refused = |errno| Refusal::new(errno, rule);
        let (mut below, mut above) = (BTreeMap::new(), BTreeMap::new());
        let lower = self.levels(id, Topology::directly_below, &mut below);
        if below.contains_key(&own) {
            return Err(refused(Errno::Ebusy));
        }
        let upper = self.levels(own, Topology::directly_above, &mut above);
        if lower + upper > MAX_NEST { Err(refused(Errno::Emlink)) } else { Ok(()) }
    }

    /// How many devices sit on each other from this one on, itself included.
    fn levels(
        &self,
        id: DeviceId,
        next: fn(&Topology, DeviceId) -> Vec<DeviceId>,
        known: &mut BTreeMap<DeviceId, u32>,
    ) -> u32 {
        if let Some(levels) = known.get(&id) {
            return *levels;
        }
        let most = next(self, id).into_iter().map(|id| self.levels(id, next, known)).max();
        let levels = 1 + most.unwrap_or(0);
        known.insert(id, levels);
        levels
    }

    fn directly_below(&self, id: DeviceId) -> Vec<DeviceId> {
        match &self.devices[id.0].kind {
            Kind::Port { parent, .. } => vec![*parent],
            Kind::Link(link) => match link.uplink {
                Uplink::Cable(_) | Uplink::Discard => Vec::new(),
                Uplink::Below { nic, .. } => vec![nic],
                Uplink::Switch(switch) => self.ports_inside(switch).collect(),
                Uplink::Bond(_) => self.bond_ports(id),
            },
        }
    }

    fn directly_above(&self, id: DeviceId) -> Vec<DeviceId> {
        let device = &self.devices[id.0];
        let master = match device.master {
            Some(Master::Bridge(at)) => self.switches[at.switch.index()].own,
            Some(Master::Bond(bonded)) => Some(bonded.bond),
            None => None,
        };
        let link = device.link();
        let ports = link.into_iter().flat_map(|link| link.ports.iter().copied().flatten());
        let vlans = link.into_iter().flat_map(|link| link.vlans.iter().map(|(_, child)| *child));
        ports.chain(vlans).chain(master).collect()
    }

    /// The devices of its own host that are ports of a bridge.
    pub(super) fn ports_inside(&self, switch: SwitchId) -> impl Iterator<Item = DeviceId> + '_ {
        self.switches[switch.index()].ports.iter().filter_map(|port| match port.end {
            PortEnd::Inside { device, .. } => device,
            PortEnd::Cable { .. } => None,
        })
    }
}
