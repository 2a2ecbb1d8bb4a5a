//! Bonds in active-backup mode: which NICs are ports of one, and which of them is active. A bond notices at once what the
//! kernel notices within `miimon` milliseconds.

use super::Lab;
use super::device::{Bond, Bonded, DeviceId, Kind, Link, Master, Role, Uplink};
use super::topology::Topology;
use crate::errno::Errno;
use crate::macvlan::MasterKind;
use crate::station::default_mac;
use crate::verdict::{Refusal, Rule};

const fn refused(errno: Errno) -> Refusal {
    Refusal::new(errno, Rule::BondEnslave)
}

impl Lab {
    /// A step makes a NIC a port of a bond. It must be down, and comes up as a port.
    ///
    /// # Errors
    /// By B5: `EBUSY` if it has macvlans; `EPERM` if it is up; `EOPNOTSUPP` if it is no NIC; `ENODEV` if it belongs to another
    /// host than the bond; `EMLINK` if too many devices would sit on each other.
    pub(super) fn bond_by_hand(&mut self, id: DeviceId, bond: DeviceId) -> Result<(), Refusal> {
        if self.topology.devices[id.0].bonded().is_some_and(|bonded| bonded.bond == bond) {
            return Ok(());
        }
        self.release(id);
        self.topology.admit_to_bond(id, bond)?;
        if self.topology.is_up(id) {
            return Err(refused(Errno::Eperm));
        }
        self.join_bond(id, bond)?;
        self.set_up(id, true)
    }

    /// Makes a NIC a port of a bond: it takes the bond's MAC address and mtu. The first port gives a bond its MAC address
    /// that has none of its own (`bond_enslave`).
    ///
    /// # Errors
    /// Those of [`Lab::bond_by_hand`], but for `EPERM`.
    pub(super) fn join_bond(&mut self, id: DeviceId, bond: DeviceId) -> Result<(), Refusal> {
        self.topology.admit_to_bond(id, bond)?;
        let nic = self.topology.linked(id).nic();
        let before = Bonded { bond, mac: nic.mac(), mtu: nic.mtu() };
        self.linked_mut(id).base.set_master(Some(MasterKind::Bond))?;
        self.topology.devices[id.0].master = Some(Master::Bond(before));
        self.topology.bonds.insert(bond);
        let Link { base, uplink: Uplink::Bond(with), .. } = self.linked_mut(bond) else { return Ok(()) };
        with.ports.push((id, false));
        if with.ports.len() == 1 && !with.has_own_mac {
            base.set_mac(before.mac)?;
            self.mac_changed(bond)?;
        }
        let nic = self.topology.linked(bond).nic();
        let (mac, mtu) = (nic.mac(), nic.mtu());
        self.linked_mut(id).base.set_mac(mac)?;
        self.mac_changed(id)?;
        self.set_mtu(id, mtu)
    }

    /// A NIC is a port of a bond no longer: it is down, with its own MAC address and mtu. Without ports, a bond has another
    /// MAC address (`__bond_release_one`).
    pub(super) fn leave_bond(&mut self, id: DeviceId, before: Bonded) {
        let bond = before.bond;
        if self.topology.devices[bond.0].bond().is_some_and(|bond| bond.active == Some(id)) {
            self.set_active(bond, None);
        }
        let other_mac = default_mac(&self.topology.devices[bond.0].name);
        let Link { base, uplink: Uplink::Bond(left), .. } = self.linked_mut(bond) else { return };
        // From the end: a bond that is removed sets its last port free first.
        if let Some(at) = left.ports.iter().rposition(|(port, _)| *port == id) {
            left.ports.remove(at);
        }
        let alone = left.ports.is_empty();
        if alone {
            left.has_own_mac = false;
        }
        // An address made from a name is one that a device can have; so is every other that a device had.
        let _ = if alone { base.set_mac(other_mac) } else { Ok(()) };
        if alone {
            self.topology.bonds.remove(&bond);
            let _ = self.mac_changed(bond);
        }
        // What is a port of a bond has no ports on it, which alone could be in the way.
        let _ = self.linked_mut(id).base.set_master(None);
        let _ = self.set_up(id, false);
        let _ = self.linked_mut(id).base.set_mac(before.mac);
        let _ = self.mac_changed(id);
        let _ = self.set_mtu(id, before.mtu);
    }

    /// All ports of a bond have its MAC address (`bond_set_mac_address`). Nothing to do for other devices.
    pub(super) fn readdress_bond_ports(&mut self, id: DeviceId) -> Result<(), Refusal> {
        let mac = self.topology.linked(id).nic().mac();
        let ports = self.topology.bond_ports(id);
        let other = |port: &DeviceId| self.topology.linked(*port).nic().mac() != mac;
        let others: Vec<DeviceId> = ports.into_iter().filter(other).collect();
        if others.is_empty() {
            return Ok(());
        }
        // What the active port was asked for does not include its own address, which is another from now on.
        self.take_back(id);
        for port in others {
            self.linked_mut(port).base.set_mac(mac)?;
            self.mac_changed(port)?;
        }
        self.sync_below(id);
        Ok(())
    }

    /// Makes a port of a bond the active one (`ifenslave -c`), or lets the bond choose again.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if the device is no bond. By B5, `EINVAL`: the device named is no port of it, or is down or without
    /// carrier.
    pub(super) fn activate(&mut self, id: DeviceId, port: Option<&str>) -> Result<(), Refusal> {
        let Some(bond) = self.topology.devices[id.0].bond() else { return Err(refused(Errno::Eopnotsupp)) };
        let active = bond.active;
        let Some(port) = port else {
            self.set_active(id, None);
            self.watch_ports(id);
            return Ok(());
        };
        let port = self.topology.names.get(port).copied().ok_or(refused(Errno::Einval))?;
        if self.topology.devices[port.0].bonded().is_none_or(|bonded| bonded.bond != id) {
            return Err(refused(Errno::Einval));
        }
        if active == Some(port) {
            return Ok(());
        }
        if active.is_none() || !self.has_carrier(port) {
            return Err(refused(Errno::Einval));
        }
        self.set_active(id, Some(port));
        Ok(())
    }

    /// Looks at the ports of a bond, and chooses the active one again if it has been lost, or if the primary can be used
    /// again (B6). Whether there is another one now.
    pub(super) fn watch_ports(&mut self, id: DeviceId) -> bool {
        let Some(bond) = self.topology.devices[id.0].bond() else { return false };
        let usable: Vec<bool> = bond.ports.iter().map(|(port, _)| self.has_carrier(*port)).collect();
        let primary = bond.primary.as_ref().and_then(|name| {
            let named = |(port, _): &(DeviceId, bool)| self.topology.devices[port.0].name == *name;
            bond.ports.iter().position(named).filter(|at| usable[*at])
        });
        let came_back = primary.is_some_and(|at| !bond.ports[at].1);
        let active = bond.active;
        let at = active.and_then(|active| bond.ports.iter().position(|(port, _)| *port == active));
        let lost = at.is_none_or(|at| !usable[at]);
        let best = primary.or_else(|| usable.iter().position(|usable| *usable)).map(|at| bond.ports[at].0);
        if let Uplink::Bond(bond) = &mut self.linked_mut(id).uplink {
            bond.ports.iter_mut().zip(usable).for_each(|((_, known), usable)| *known = usable);
        }
        let another = (lost || came_back) && best != active;
        if another {
            self.set_active(id, best);
        }
        another
    }

    /// From now on, a bond sends and receives by this port (`bond_change_active_slave`).
    fn set_active(&mut self, id: DeviceId, active: Option<DeviceId>) {
        self.take_back(id);
        let link = self.linked_mut(id);
        let up = link.nic().is_up();
        if let Uplink::Bond(bond) = &mut link.uplink {
            bond.active = active;
        }
        self.sync_below(id);
        if up && active.is_some() {
            self.topology.failed_over.insert(id);
        }
    }

    /// Takes back what a bond wants of its active port.
    fn take_back(&mut self, id: DeviceId) {
        let pushed = self.link_mut(id).and_then(|link| link.uplink.filters_for());
        if let Some((below, pushes)) = pushed.map(|(below, pushed)| (below, pushed.take_back())) {
            self.linked_mut(below).base.take_pushes(&pushes);
        }
    }

    /// The bonds that have another active port let their stacks, and those on them, announce their addresses, so that
    /// switches learn where they are now (B7).
    pub(super) fn announce_fail_overs(&mut self) {
        let mut on = Vec::from_iter(std::mem::take(&mut self.topology.failed_over));
        on.retain(|bond| self.has_carrier(*bond));
        while let Some(id) = on.pop() {
            self.on_stack(id, |stack, interface, now| stack.notify_peers(interface, now));
            if let Kind::Link(link) = &self.topology.devices[id.0].kind {
                let vlans = link.vlans.iter().rev().map(|(_, child)| *child);
                on.extend(vlans.chain(link.ports.iter().rev().copied().flatten()));
            }
        }
    }
}

impl Topology {
    /// Whether a device can become a port of a bond.
    fn admit_to_bond(&self, id: DeviceId, bond: DeviceId) -> Result<(), Refusal> {
        let (device, master) = (&self.devices[id.0], &self.devices[bond.0]);
        match &device.kind {
            Kind::Link(link) if link.base.has_ports() => return Err(refused(Errno::Ebusy)),
            Kind::Link(link) if link.role == Role::Nic => {}
            Kind::Link(_) | Kind::Port { .. } => return Err(refused(Errno::Eopnotsupp)),
        }
        if device.master.is_some() {
            return Err(refused(Errno::Ebusy));
        }
        if device.host.is_some() && device.host != master.host {
            return Err(refused(Errno::Enodev));
        }
        self.check_nesting(id, bond, Rule::BondEnslave)
    }

    /// The bond of this name.
    pub(super) fn bond_named(&self, name: &str) -> Option<DeviceId> {
        self.names.get(name).copied().filter(|id| self.devices[id.0].bond().is_some())
    }

    /// The ports of the bond that a device is; none if it is no bond.
    pub(super) fn bond_ports(&self, id: DeviceId) -> Vec<DeviceId> {
        let bond: Option<&Bond> = self.devices[id.0].bond();
        bond.into_iter().flat_map(|bond| bond.ports.iter().map(|(port, _)| *port)).collect()
    }
}
