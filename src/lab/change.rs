//! `set`, `add` and `remove`: devices and switches change while the lab runs.

use super::device::{AgentId, CableId, Device, DeviceId, End, Kind, Link, Uplink};
use super::spec::{Change, MacvlanSpec, Name, SwitchChange};
use super::{DeviceState, Event, Lab};
use crate::dataplane::SwitchId;
use crate::errno::Errno;
use crate::frame::MacAddr;
use crate::macvlan::PortMut;
use crate::nic::Nic;
use crate::switch::SwitchPortId;
use crate::verdict::{Refusal, Rule};

impl Lab {
    /// Changes a device.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) fn set(&mut self, name: &str, change: &Change) -> Result<(), Refusal> {
        let id = self.find(name)?;
        match change {
            Change::Up(up) => self.set_up(id, *up),
            Change::Mac(mac) => self.set_mac(id, *mac),
            Change::Mtu(mtu) => self.set_mtu(id, *mtu),
            Change::Join(group) => self.join(id, *group),
            Change::Leave(group) => self.leave_group(id, *group),
            Change::Promisc(on) => self.set_promisc(id, *on),
            Change::Allmulticast(on) => self.set_allmulticast(id, *on),
            Change::Mode(mode) => self.change_settings(id, |mut port| port.set_mode(*mode)),
            Change::UnknownMode(_) => Err(Refusal::new(Errno::Einval, Rule::ChangeMode)),
            Change::Flags(flags) => self.change_settings(id, |mut port| port.set_flags(*flags)),
            Change::Bcqueuelen(len) => self.change_settings(id, |mut port| {
                port.set_bcqueuelen(*len);
                Ok(())
            }),
            Change::Bclim(limit) => self.change_settings(id, |mut port| {
                port.set_bclim(*limit);
                Ok(())
            }),
            Change::Sources(change) => self.change_settings(id, |mut port| port.change_sources(change)),
            Change::Sysctl(settings) => {
                self.on_stack(id, |stack, interface, _| stack.set_sysctls(Some(interface), settings));
                Ok(())
            }
            Change::Addresses(change) => self.change_addresses(id, change),
            Change::Neighbours(change) => self.change_neighbours(id, change),
            Change::Host(host) => self.move_to(id, host),
            Change::Master(master) => self.set_master(id, master.as_deref()),
            Change::Active(port) => self.activate(id, port.as_deref()),
        }
    }

    /// Changes a port through its parent, and brings what hangs on it in line.
    ///
    /// # Errors
    /// What `change` answers; `EOPNOTSUPP` if the device is no port.
    pub(super) fn change_port(
        &mut self,
        id: DeviceId,
        change: impl FnOnce(PortMut<'_>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let Kind::Port { parent, port, .. } = self.topology.devices[id.0].kind else {
            return Err(Refusal::new(Errno::Eopnotsupp, Rule::ChangeMode));
        };
        self.touch(id);
        let done = change(self.linked_mut(parent).base.port_mut(port)?);
        self.sync_below(parent);
        done
    }

    /// Changes what is a setting of macvlans alone (`rtnl_changelink`), which the bridge learns of whose port it may be.
    fn change_settings(
        &mut self,
        id: DeviceId,
        change: impl FnOnce(PortMut<'_>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        self.change_port(id, change)?;
        if let Some(at) = self.topology.devices[id.0].bridge()
            && self.runtime.state.switch_mut(at.switch).is_some_and(|switch| switch.device_changed(at.port))
        {
            self.runtime.changed = true;
            self.touch_switch_port(at.switch, at.port);
        }
        Ok(())
    }

    /// Brings a device up or down.
    pub(super) fn set_up(&mut self, id: DeviceId, up: bool) -> Result<(), Refusal> {
        if let Kind::Port { .. } = self.topology.devices[id.0].kind {
            return self.change_port(id, |mut port| port.set_up(up));
        }
        if up
            && let Uplink::Below { nic, .. } = self.topology.linked(id).uplink
            && !self.topology.is_up(nic)
        {
            return Err(Refusal::new(Errno::Enetdown, Rule::NicDown));
        }
        let link = self.linked_mut(id);
        link.base.set_up(up);
        let children: Vec<DeviceId> = link.vlans.iter().map(|(_, child)| *child).collect();
        self.sync_below(id);
        self.tell_switch(id);
        // Sub-interfaces follow the device below them.
        children.into_iter().try_for_each(|child| self.set_up(child, up))
    }

    /// Tells the switch on the other end of a device's cable about its carrier and address.
    pub(super) fn tell_switch(&mut self, id: DeviceId) {
        let Some(link) = self.topology.link(id) else { return };
        let (up, mac) = (link.nic().is_up(), link.nic().mac());
        let cable = match &link.uplink {
            Uplink::Cable(cable) => *cable,
            Uplink::Switch(switch) => {
                let switch = *switch;
                if let Some(switch) = self.switch_mut(switch) {
                    switch.set_own_device(mac);
                }
                return;
            }
            Uplink::Below { .. } | Uplink::Bond(_) | Uplink::Discard => return,
        };
        if let End::Switch(switch_id, port) = self.topology.cables[cable.0].far(End::Device(id))
            && let Some(switch) = self.switch_mut(switch_id)
        {
            switch.set_carrier(port, up);
            switch.set_device_mac(port, mac);
            self.touch_switch_port(switch_id, port);
        }
    }

    fn set_mac(&mut self, id: DeviceId, mac: MacAddr) -> Result<(), Refusal> {
        if let Kind::Port { parent, .. } = self.topology.devices[id.0].kind {
            let before = self.topology.link(parent).map(|l| l.nic().mac());
            self.change_port(id, |mut port| port.set_mac(mac))?;
            if self.topology.link(parent).map(|l| l.nic().mac()) != before {
                self.mac_changed(parent)?;
            }
        } else {
            let link = self.linked_mut(id);
            link.base.set_mac(mac)?;
            match &mut link.uplink {
                Uplink::Below { inherited_mac, .. } => *inherited_mac = false,
                Uplink::Bond(bond) => bond.has_own_mac = true,
                Uplink::Cable(_) | Uplink::Discard | Uplink::Switch(_) => {}
            }
            self.mac_changed(id)?;
        }
        self.refresh_stack_mac(id);
        self.tell_master(id);
        Ok(())
    }

    /// A link's address has changed: its switch, its stack, its passthru port, its sub-interfaces and the ports of a bond
    /// follow.
    pub(super) fn mac_changed(&mut self, id: DeviceId) -> Result<(), Refusal> {
        self.readdress_bond_ports(id)?;
        self.tell_switch(id);
        self.tell_master(id);
        self.sync_below(id);
        self.refresh_stack_mac(id);
        let link = self.topology.linked(id);
        let mac = link.nic().mac();
        let ports: Vec<DeviceId> = link.ports.iter().copied().flatten().collect();
        let children: Vec<DeviceId> = link.vlans.iter().map(|(_, child)| *child).collect();
        for port in ports {
            // A passthru port has the address of the device below.
            self.touch(port);
            self.refresh_stack_mac(port);
            self.tell_master(port);
        }
        for child in children {
            let link = self.linked_mut(child);
            if matches!(link.uplink, Uplink::Below { inherited_mac: true, .. }) {
                link.base.set_mac(mac)?;
                self.mac_changed(child)?;
            }
        }
        Ok(())
    }

    /// Tells every IP stack how the links of its devices stand, after a change that may reach far.
    pub(super) fn refresh_stacks(&mut self) {
        self.refresh_masters();
        for index in 0..self.runtime.stacks.agents.len() {
            if self.stopped() {
                return;
            }
            self.refresh_stack(index);
        }
        self.announce_fail_overs();
    }

    /// Tells the IP stacks how their links stand after a change of this device. Nothing sits on a port, so that only its own
    /// stack has to do with it.
    pub(super) fn refresh_stacks_on(&mut self, name: &str) {
        match self.topology.names.get(name).map(|id| &self.topology.devices[id.0]) {
            Some(Device { kind: Kind::Link(_), .. } | Device { master: Some(_), .. }) => {
                self.refresh_stacks()
            }
            Some(Device { agent: Some((agent, _)), .. }) => self.refresh_stack(agent.0),
            _ => {}
        }
    }

    fn refresh_stack(&mut self, index: usize) {
        let devices = self.runtime.stacks.agents[index].devices.clone();
        if devices.is_empty() {
            return;
        }
        for (interface, id) in devices.into_iter().enumerate() {
            if self.topology.devices[id.0].agent != Some((AgentId(index), interface)) {
                continue;
            }
            let state = self.state_of(id);
            let now = self.runtime.now;
            let stack = &mut self.runtime.stacks.agents[index].stack;
            stack.set_mtu(interface, state.mtu, now);
            // What comes up announces itself, and needs the carrier for that.
            stack.set_carrier(interface, state.carrier, now);
            stack.set_link_up(interface, state.up, now);
        }
        self.serve(AgentId(index));
    }

    /// Tells the IP stack behind a device which address the device has.
    fn refresh_stack_mac(&mut self, id: DeviceId) {
        let Some((agent, interface)) = self.topology.devices[id.0].agent else { return };
        let mac = self.state_of(id).mac;
        self.runtime.stacks.agents[agent.0].stack.set_mac(interface, mac);
        self.serve(agent);
    }

    pub(super) fn set_mtu(&mut self, id: DeviceId, mtu: u32) -> Result<(), Refusal> {
        if let Kind::Port { .. } = self.topology.devices[id.0].kind {
            self.change_port(id, |mut port| port.set_mtu(mtu))?;
            self.fit_master(id);
            return Ok(());
        }
        Nic::check_mtu(mtu)?;
        if let Uplink::Below { nic, .. } = self.topology.linked(id).uplink
            && mtu > self.topology.linked(nic).nic().mtu()
        {
            return Err(Refusal::new(Errno::Erange, Rule::ChangeMtu));
        }
        let link = self.linked_mut(id);
        link.base.set_mtu(mtu)?;
        let children: Vec<DeviceId> = link.vlans.iter().map(|(_, child)| *child).collect();
        let bonded = self.topology.bond_ports(id);
        let link = self.topology.linked(id);
        // Ports have shrunk with it.
        let ports: Vec<DeviceId> = link.ports.iter().copied().flatten().collect();
        for child in children {
            if self.topology.linked(child).nic().mtu() > mtu {
                self.set_mtu(child, mtu)?;
            }
        }
        ports.into_iter().chain([id]).for_each(|id| self.fit_master(id));
        bonded.into_iter().try_for_each(|port| self.set_mtu(port, mtu))
    }

    /// Joins a group on a device.
    pub(super) fn join(&mut self, id: DeviceId, group: MacAddr) -> Result<(), Refusal> {
        if let Kind::Port { .. } = self.topology.devices[id.0].kind {
            return self.change_port(id, |mut port| {
                port.join(group);
                Ok(())
            });
        }
        self.linked_mut(id).base.join(group);
        self.sync_below(id);
        Ok(())
    }

    pub(super) fn leave_group(&mut self, id: DeviceId, group: MacAddr) -> Result<(), Refusal> {
        if let Kind::Port { .. } = self.topology.devices[id.0].kind {
            return self.change_port(id, |mut port| port.leave(group));
        }
        let left = self.linked_mut(id).base.leave(group);
        self.sync_below(id);
        left
    }

    fn set_promisc(&mut self, id: DeviceId, on: bool) -> Result<(), Refusal> {
        if let Kind::Port { .. } = self.topology.devices[id.0].kind {
            return self.change_port(id, |mut port| {
                port.set_promisc(on);
                Ok(())
            });
        }
        self.linked_mut(id).base.set_promisc(on);
        self.sync_below(id);
        Ok(())
    }

    pub(super) fn set_allmulticast(&mut self, id: DeviceId, on: bool) -> Result<(), Refusal> {
        if let Kind::Port { .. } = self.topology.devices[id.0].kind {
            return self.change_port(id, |mut port| {
                port.set_allmulticast(on);
                Ok(())
            });
        }
        self.linked_mut(id).base.set_allmulticast(on);
        self.sync_below(id);
        Ok(())
    }

    /// Pushes the addresses, promiscuity and wish for all groups of a sub-interface or a bond down to the device below it
    /// (`vlan_dev_set_rx_mode`, `vlan_dev_change_rx_flags`, `bond_set_rx_mode`). Nothing to do for other devices.
    pub(super) fn sync_below(&mut self, id: DeviceId) {
        let Some(Link { base, uplink, .. }) = self.link_mut(id) else { return };
        let Some((below, pushed)) = uplink.filters_for() else { return };
        let pushes = base.push_down(pushed);
        self.linked_mut(below).base.take_pushes(&pushes);
        self.sync_below(below);
    }

    /// Adds a port. One that cannot come up exists and stays down.
    ///
    /// # Errors
    /// The kernel's, at creation or at bringing it up.
    pub(super) fn add(&mut self, name: &Name, spec: &MacvlanSpec) -> Result<(), Refusal> {
        let made = self.make_port(name, spec).map_err(|refused| refused.refusal);
        if let Some(id) = self.topology.names.get(name).copied().filter(|_| made.is_ok()) {
            self.attach_again(id);
            if let Some(master) = &spec.master {
                return self.set_master(id, Some(master));
            }
        }
        made
    }

    /// Removes a device, its ports and sub-interfaces first (R92).
    ///
    /// # Errors
    /// `ENODEV`.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), Refusal> {
        let id = self.find(name)?;
        self.release(id);
        if let Some(link) = self.topology.link(id) {
            let above: Vec<Name> = link
                .ports
                .iter()
                .copied()
                .flatten()
                .chain(link.vlans.iter().map(|(_, child)| *child))
                .map(|d| self.topology.devices[d.0].name.clone())
                .collect();
            above.iter().try_for_each(|name| self.remove(name))?;
        }
        let counters = self.counters_of(id);
        self.log.events.push(Event::Counters { device: name.into(), counters });
        match self.topology.devices[id.0].kind {
            Kind::Port { parent, port, .. } => {
                let link = self.linked_mut(parent);
                let before = link.nic().mac();
                link.ports[port.index()] = None;
                link.base.remove(port)?;
                if link.nic().mac() != before {
                    self.mac_changed(parent)?;
                }
                self.sync_below(parent);
            }
            Kind::Link(_) => self.unplug(id),
        }
        self.silence(id);
        self.runtime.outside.vacate(id);
        self.touch_named(name);
        self.topology.devices[id.0].gone = true;
        if let Kind::Port { .. } = self.topology.devices[id.0].kind {
            self.topology.vacant.push(id);
        }
        self.runtime.changed = true;
        self.topology.names.remove(name);
        Ok(())
    }

    /// Takes a device off its cable, or off the device below it.
    fn unplug(&mut self, id: DeviceId) {
        let _ = self.set_up(id, false);
        match self.topology.linked(id).uplink.clone() {
            Uplink::Cable(CableId(cable)) => {
                let near = End::Device(id);
                self.touch_end(self.topology.cables[cable].far(near));
                for end in self.topology.cables[cable].ends.iter_mut().filter(|e| **e == near) {
                    *end = End::Gone;
                }
            }
            Uplink::Switch(switch) => {
                self.touch(id);
                let ports: Vec<DeviceId> = self.topology.ports_inside(switch).collect();
                ports.into_iter().for_each(|id| self.release(id));
                self.topology.switches[switch.index()].own = None;
            }
            Uplink::Discard => {}
            Uplink::Bond(bond) => bond.ports.iter().rev().for_each(|(port, _)| self.release(*port)),
            Uplink::Below { nic, .. } => {
                self.linked_mut(nic).vlans.retain(|(_, child)| *child != id);
            }
        }
    }

    /// Changes a switch.
    ///
    /// # Errors
    /// The kernel's (R152, R153, R155, R156).
    pub(super) fn set_switch(&mut self, name: &str, change: &SwitchChange) -> Result<(), Refusal> {
        let missing = Refusal::new(Errno::Enodev, Rule::StateRefused);
        let index = self.topology.switches.iter().position(|s| s.name == name).ok_or(missing)?;
        let (id, now) = (SwitchId(index as u32), self.runtime.now);
        if let SwitchChange::Fdb(entry) = change {
            return self.add_fdb(id, entry);
        }
        self.runtime.changed = true;
        let (node, switch) =
            self.topology.switches.get(index).zip(self.runtime.state.switch_mut(id)).ok_or(missing)?;
        let number = |port: &Name| {
            let number = node.ports.iter().position(|p| p.device == *port);
            let number = number.and_then(|n| u16::try_from(n).ok()).map(SwitchPortId).ok_or(missing)?;
            if node.ports[usize::from(number.0)].is_vacant() {
                let there = self.topology.names.contains_key(port);
                let errno = if there { Errno::Eopnotsupp } else { Errno::Enodev };
                return Err(Refusal::new(errno, Rule::Enslave));
            }
            Ok(number)
        };
        match change {
            SwitchChange::Flag { port, flag, value } => {
                let port = number(port)?;
                self.log.last_reported.touch(node.socket(port));
                switch.set_flag(port, *flag, *value)
            }
            SwitchChange::State { port, state } => {
                let port = number(port)?;
                self.log.last_reported.touch(node.socket(port));
                switch.set_state(port, *state)
            }
            SwitchChange::GroupFwdMask { port, mask } => {
                let port = port.as_ref().map(number).transpose()?;
                switch.set_group_fwd_mask(port, *mask)
            }
            SwitchChange::Vlans { port, vlans } => switch.set_vlans(number(port)?, vlans),
            SwitchChange::Policy { port, policy } => switch.set_policy(number(port)?, *policy),
            SwitchChange::Ageing(time) => {
                switch.set_ageing(*time, now);
                Ok(())
            }
            SwitchChange::FdbDel { mac, vlan } => switch.del_fdb(*mac, *vlan, now),
            SwitchChange::Fdb(_) => Ok(()),
        }
    }

    /// What a device counts.
    pub(super) fn counters_of(&self, id: DeviceId) -> crate::counters::Counters {
        self.runtime.state.counters(self.topology.node(id))
    }

    /// How a device stands.
    pub(super) fn state_of(&self, id: DeviceId) -> DeviceState {
        let carrier = self.has_carrier(id);
        match &self.topology.devices[id.0].kind {
            Kind::Link(link) => DeviceState {
                mac: link.nic().mac(),
                mtu: link.nic().mtu(),
                mode: None,
                up: link.nic().is_up(),
                carrier,
                promiscuity: link.nic().filter().promiscuity(),
            },
            Kind::Port { parent, port, .. } => {
                let port = self.topology.port(*parent, *port);
                DeviceState {
                    mac: port.mac(),
                    mtu: port.mtu(),
                    mode: Some(port.mode()),
                    up: port.is_up(),
                    carrier,
                    promiscuity: port.promiscuity(),
                }
            }
        }
    }
}
