//! A lab made of real devices: every NIC's host, port, station and switch in a separate namespace.

use super::can;
use super::error::OracleError;
use super::link::{self, NewEnd, NewPort, Snapshot};
use super::netns::Inside;
use super::observed::SetupError;
use super::pool::{Cell, DEVICE, Pool, Role};
use super::requirements::{Far, Requirements, Wired};
use crate::counters::Counters;
use crate::errno::ErrorNumber;
use crate::frame::MacAddr;
use crate::lab::SetupStage;
use crate::lab::spec::{DeviceKind, LabSpec, MacvlanSpec, Name, SwitchPortSpec, SwitchSpec};
use crate::switch::{PortFlag, PortState};
use crate::sys;
use netlink_packet_route::link::{InfoBridge, InfoBridgePort, LinkAttribute, LinkFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// An interface index that no device of a lab has.
pub(super) const NOBODY: u32 = 0x00ff_ffff;
/// How often, half a millisecond apart, to check whether carriers have settled: the kernel delays some carrier
/// notifications for up to a second.
const PATIENCE: u32 = 4000;

/// An existing device of the lab.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) cell: usize,
    pub(super) ifindex: u32,
    pub(super) kind: Kind,
}

/// Its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nic,
    Station,
    /// A port, with the NIC at the bottom of its stack.
    Port {
        tap: bool,
        nic: Name,
    },
}

/// A device without a name in the lab: a switch's end of a cable, or an idle cable's.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnnamedDevice {
    pub(super) cell: usize,
    pub(super) ifindex: u32,
}

/// The lab.
pub(super) struct World<'p> {
    pool: &'p mut Pool,
    pub(super) cells: Vec<Cell>,
    protocols: Vec<u16>,
    plan: Requirements,
    cell_of: BTreeMap<Name, usize>,
    pub(super) live: BTreeMap<Name, Live>,
    /// Cables created before their second end was due.
    unborn: BTreeMap<Name, Live>,
    /// The other end of a device's cable, unless that is a device itself.
    pub(super) far: BTreeMap<Name, UnnamedDevice>,
    pub(super) switches: BTreeMap<Name, UnnamedDevice>,
    /// The final counters of deleted devices.
    pub(super) gone: BTreeMap<Name, Vec<Counters>>,
    /// Devices removed along with the other end of their cable.
    pub(super) vanished: BTreeSet<Name>,
    /// The declared ports of switches, by switch and device, that are devices of the switch's own host.
    inside: BTreeMap<(Name, Name), SwitchPortSpec>,
    next_index: u32,
    void: usize,
    /// Carriers did not settle in time.
    pub(super) restless: bool,
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        // Deleting a cable removes both ends, and a NIC's ports: after switches and idle ends little is left.
        let switches: Vec<usize> = self.switches.values().map(|s| s.cell).collect();
        for index in switches.into_iter().chain([self.void]) {
            let _ = link::delete_all(&mut self.cells[index].rtnl);
        }
        for cell in self.cells.drain(..) {
            // A namespace that holds fragments cannot be reused for another lab.
            if !(self.plan.leaves_fragments && cell.role == Role::Nic) {
                self.pool.give(cell);
            }
        }
    }
}

impl<'p> World<'p> {
    /// Builds the lab; refused devices are listed.
    pub(super) fn build(
        pool: &'p mut Pool,
        lab: &LabSpec,
    ) -> Result<(World<'p>, Vec<SetupError>), OracleError> {
        let plan = Requirements::of(lab)?;
        can::check(pool, lab)?;
        let void = pool.take(Role::Deaf, 0)?;
        let mut refused = Vec::new();
        let mut world = World {
            pool,
            cells: vec![void],
            protocols: plan.protocols.clone(),
            plan,
            cell_of: BTreeMap::new(),
            live: BTreeMap::new(),
            unborn: BTreeMap::new(),
            far: BTreeMap::new(),
            switches: BTreeMap::new(),
            gone: BTreeMap::new(),
            vanished: BTreeSet::new(),
            inside: inside(lab),
            next_index: 16,
            void: 0,
            restless: false,
        };
        let own_devices: BTreeSet<&Name> = lab.own_devices().collect();
        for switch in &lab.switches {
            let own_device = own_devices.contains(&switch.name);
            world.make_switch(switch, own_device, &mut refused)?;
        }
        for device in &lab.devices {
            world.make_device(&device.name, &device.kind, &mut refused)?;
            world.enslave(&device.name, device.kind.master(), &mut refused);
        }
        world.settle_carriers();
        for switch in &lab.switches {
            world.finish_switch(switch, &mut refused);
        }
        if lab.switches.iter().any(|s| world.live.contains_key(&s.name)) {
            world.settle_carriers();
        }
        Ok((world, refused))
    }

    fn index(&mut self) -> u32 {
        self.next_index += 1;
        self.next_index
    }

    /// The namespace with this name, the same for every use of the name.
    fn cell_for(&mut self, name: &str, role: Role) -> Result<usize, OracleError> {
        if let Some(cell) = self.cell_of.get(name) {
            return Ok(*cell);
        }
        let cell = match self.plan.bridge_of(name).and_then(|bridge| self.cell_of.get(bridge)) {
            Some(host) => {
                let ifname = format!("d{}", self.cells.len());
                self.pool.beside(&self.cells[*host], ifname, self.protocols.len())?
            }
            None => self.pool.take(role, self.protocols.len())?,
        };
        self.cells.push(cell);
        self.cell_of.insert(name.into(), self.cells.len() - 1);
        Ok(self.cells.len() - 1)
    }

    /// A switch, with a usable own device if it has ports.
    fn make_switch(
        &mut self,
        spec: &SwitchSpec,
        own_device: bool,
        refused: &mut Vec<SetupError>,
    ) -> Result<(), OracleError> {
        let cell = self.cell_for(&spec.name, if own_device { Role::Nic } else { Role::Deaf })?;
        let ifindex = self.index();
        let settings = vec![link::ageing(spec.ageing)];
        let mac = if own_device { spec.mac } else { MacAddr([0x0e, 0xbb, 0xbb, 0xbb, 0xbb, 0]) };
        link::bridge(&mut self.cells[cell].rtnl, DEVICE, ifindex, mac, settings)
            .map_err(OracleError::refused(format!("the switch {}", spec.name)))?;
        if own_device {
            self.cells[cell].listen(ifindex, &self.protocols)?;
            self.live.insert(spec.name.clone(), Live { cell, ifindex, kind: Kind::Nic });
        }
        if spec.group_fwd_mask != 0 {
            let mask = vec![InfoBridge::GroupFwdMask(spec.group_fwd_mask)];
            let set = link::bridge_settings(&mut self.cells[cell].rtnl, ifindex, mask);
            refused.extend(set.err().map(|e| create_error(&spec.name, e)));
        }
        self.switches.insert(spec.name.clone(), UnnamedDevice { cell, ifindex });
        Ok(())
    }

    fn make_device(
        &mut self,
        name: &str,
        kind: &DeviceKind,
        refused: &mut Vec<SetupError>,
    ) -> Result<(), OracleError> {
        match kind {
            DeviceKind::Macvlan(spec) => {
                if let Err((stage, error)) = self.make_port(name, spec)? {
                    refused.push(SetupError { device: name.into(), stage, error });
                }
                Ok(())
            }
            DeviceKind::Nic(spec) => {
                self.make_wired(name)?;
                for (flag, on) in
                    [(LinkFlags::Promisc, spec.promisc), (LinkFlags::Allmulti, spec.allmulticast)]
                {
                    if on {
                        self.set_flag(name, flag, true).map_err(OracleError::refused("a flag of a NIC"))?;
                    }
                }
                self.bring_up(name, spec.up)
            }
            DeviceKind::Station(spec) => {
                self.make_wired(name)?;
                self.bring_up(name, spec.up)
            }
            DeviceKind::Router(spec) => {
                for interface in &spec.interfaces {
                    self.make_wired(&interface.name)?;
                    self.bring_up(&interface.name, interface.station.up)?;
                }
                Ok(())
            }
            DeviceKind::Dummy(_) => Err(OracleError::Unsupported("dummies".to_owned())),
            DeviceKind::Vlan(_) => Err(OracleError::Unsupported("802.1Q sub-interfaces".to_owned())),
        }
    }

    fn bring_up(&mut self, name: &str, up: bool) -> Result<(), OracleError> {
        if !up {
            return Ok(());
        }
        self.set_flag(name, LinkFlags::Up, true).map_err(OracleError::refused(format!("bringing {name} up")))
    }

    /// Creates the device and its cable, unless the device at the other end was created first.
    fn make_wired(&mut self, name: &str) -> Result<(), OracleError> {
        if let Some(made) = self.unborn.remove(name) {
            self.live.insert(name.into(), made);
            return Ok(());
        }
        let wired = self.plan.wired(name)?.clone();
        let (here, here_end) = self.new_end(name, &wired)?;
        match &wired.far {
            Far::Device(other) => {
                let other_wired = self.plan.wired(other)?.clone();
                let (there, there_end) = self.new_end(other, &other_wired)?;
                self.lay_cable(name, here, &here_end, there, &there_end)?;
                let born = Live { cell: there, ifindex: there_end.ifindex, kind: kind_of(&other_wired) };
                self.cells[there].listen(there_end.ifindex, &self.protocols)?;
                self.unborn.insert(other.clone(), born);
            }
            Far::Switch(switch, port) => {
                let place = *self.switches.get(switch).ok_or_else(|| missing(switch))?;
                let end = self.far_end("p", wired.mtu);
                self.lay_cable(name, here, &here_end, place.cell, &end)?;
                self.plug_in(place, &end, port)?;
                self.far.insert(name.into(), UnnamedDevice { cell: place.cell, ifindex: end.ifindex });
            }
            Far::Nobody => {
                let end = self.far_end("v", wired.mtu);
                let void = self.void;
                self.lay_cable(name, here, &here_end, void, &end)?;
                link::set_flag(&mut self.cells[void].rtnl, end.ifindex, LinkFlags::Up, true)
                    .map_err(OracleError::refused("an idle cable"))?;
                self.far.insert(name.into(), UnnamedDevice { cell: void, ifindex: end.ifindex });
            }
        }
        self.cells[here].listen(here_end.ifindex, &self.protocols)?;
        self.live.insert(name.into(), Live { cell: here, ifindex: here_end.ifindex, kind: kind_of(&wired) });
        Ok(())
    }

    fn new_end(&mut self, name: &str, wired: &Wired) -> Result<(usize, NewEnd), OracleError> {
        let cell = self.cell_for(name, if wired.nic { Role::Nic } else { Role::End })?;
        let ifname = self.cells[cell].ifname.clone();
        let end = NewEnd { ifname, ifindex: self.index(), mac: wired.mac, mtu: wired.mtu };
        Ok((cell, end))
    }

    /// The end of a cable at a switch or an idle end: of the device's mtu, with a MAC address that labs do not use.
    fn far_end(&mut self, letter: &str, mtu: u32) -> NewEnd {
        let ifindex = self.index();
        let mac = MacAddr::from_u64(0x0ebb_0000_0000 | u64::from(ifindex));
        NewEnd { ifname: format!("{letter}{ifindex}"), ifindex, mac, mtu }
    }

    fn lay_cable(
        &mut self,
        name: &str,
        here: usize,
        here_end: &NewEnd,
        there: usize,
        there_end: &NewEnd,
    ) -> Result<(), OracleError> {
        let there_ns = self.cells[there].raw();
        link::cable(&mut self.cells[here].rtnl, here_end, there_end, there_ns)
            .map_err(OracleError::refused(format!("the cable of {name}")))?;
        for (cell, end) in [(here, here_end), (there, there_end)] {
            self.pool.no_tag_offloads(&self.cells[cell], &end.ifname);
        }
        Ok(())
    }

    fn plug_in(
        &mut self,
        switch: UnnamedDevice,
        end: &NewEnd,
        port: &SwitchPortSpec,
    ) -> Result<(), OracleError> {
        let rtnl = &mut self.cells[switch.cell].rtnl;
        let refused = || OracleError::refused(format!("the switch port of {}", port.device));
        link::set(rtnl, end.ifindex, LinkAttribute::Controller(switch.ifindex)).map_err(refused())?;
        let mut flags = port.flags;
        let settings: Vec<InfoBridgePort> =
            PortFlag::ALL.into_iter().map(|f| flag_setting(f, *flags.get_mut(f))).collect();
        link::port_settings(rtnl, end.ifindex, &settings).map_err(refused())?;
        link::set_flag(rtnl, end.ifindex, LinkFlags::Up, true).map_err(refused())
    }

    /// Settings that need carriers, or may be refused.
    fn finish_switch(&mut self, spec: &SwitchSpec, refused: &mut Vec<SetupError>) {
        let Some(switch) = self.switches.get(&spec.name).copied() else {
            return;
        };
        let rtnl = &mut self.cells[switch.cell].rtnl;
        for port in &spec.ports {
            if self.plan.bridge_of(&port.device) == Some(&spec.name) {
                continue;
            }
            let Some(place) = self.far.get(&port.device) else { continue };
            let mut settings = Vec::new();
            if port.group_fwd_mask != 0 {
                settings.push(InfoBridgePort::GroupFwdMask(port.group_fwd_mask));
            }
            if port.state != PortState::Forwarding {
                settings.push(state_setting(port.state));
            }
            for setting in settings {
                match link::port_settings(rtnl, place.ifindex, &[setting]) {
                    // A state without carrier would be lost at the next change of the carrier anyway.
                    Ok(()) | Err(ErrorNumber(libc::ENETDOWN)) => {}
                    Err(e) => refused.push(create_error(&format!("{}.{}", spec.name, port.device), e)),
                }
            }
        }
        for entry in &spec.fdb {
            let place = socket(&self.plan, &self.live, &self.far, &spec.name, &entry.port);
            let index = place.map_or(NOBODY, |p| p.ifindex);
            let added = link::add_entry(rtnl, index, entry);
            refused.extend(added.err().map(|e| create_error(&spec.name, e)));
        }
    }

    /// Creates a port and brings it up. The inner error is the kernel's answer.
    pub(super) fn make_port(
        &mut self,
        name: &str,
        spec: &MacvlanSpec,
    ) -> Result<Result<(), (SetupStage, ErrorNumber)>, OracleError> {
        let cell = self.cell_for(name, Role::End)?;
        let parent = self.live.get(&spec.parent).cloned();
        let (parent_cell, parent_index) =
            parent.as_ref().map_or((self.void, NOBODY), |p| (p.cell, p.ifindex));
        let nic = match parent.map(|p| p.kind) {
            Some(Kind::Port { nic, .. }) => nic,
            _ => spec.parent.clone(),
        };
        let new = NewPort {
            ifname: self.cells[cell].ifname.clone(),
            ifindex: self.index(),
            parent: parent_index,
            namespace: self.cells[cell].raw(),
            mac: spec.requested_mac(name),
            spec,
        };
        if let Err(e) = link::macvlan(&mut self.cells[parent_cell].rtnl, &new) {
            return Ok(Err((SetupStage::Create, e)));
        }
        self.cells[cell].listen(new.ifindex, &self.protocols)?;
        let kind = Kind::Port { tap: spec.tap, nic };
        self.live.insert(name.into(), Live { cell, ifindex: new.ifindex, kind });
        for group in &spec.multicast {
            self.join(name, *group, true).map_err(OracleError::refused("joining a group"))?;
        }
        for (flag, on) in [(LinkFlags::Allmulti, spec.allmulticast), (LinkFlags::Promisc, spec.promisc)] {
            if on {
                self.set_flag(name, flag, true).map_err(OracleError::refused("a flag of a port"))?;
            }
        }
        let up = if spec.up { self.set_flag(name, LinkFlags::Up, true) } else { Ok(()) };
        Ok(up.map_err(|e| (SetupStage::Up, e)))
    }

    /// The thread is in this namespace as long as the guard lives.
    pub(super) fn inside(&self, cell: usize) -> Result<Inside<'_>, OracleError> {
        self.cells[cell].enter(self.pool)
    }

    /// The namespace of a device; for an unknown device an arbitrary one, so that the kernel reports the error.
    pub(super) fn place(&self, name: &str) -> UnnamedDevice {
        self.live.get(name).map_or(UnnamedDevice { cell: self.void, ifindex: NOBODY }, |d| UnnamedDevice {
            cell: d.cell,
            ifindex: d.ifindex,
        })
    }

    /// Checks whether the kernel has a device.
    pub(super) fn look_up(&self, name: &str) -> Result<(), ErrorNumber> {
        let place = self.place(name);
        sys::index_of(&self.cells[place.cell].sender, &self.cells[place.cell].ifname).map(|_| ())
    }

    /// A switch's end of a device's cable, or the device itself if it is a port of that switch.
    pub(super) fn switch_port(&self, switch: &str, device: &str) -> UnnamedDevice {
        let port = socket(&self.plan, &self.live, &self.far, switch, device);
        port.unwrap_or(UnnamedDevice { cell: self.void, ifindex: NOBODY })
    }

    /// Makes a declared device a port of its bridge.
    fn enslave(&mut self, name: &Name, master: Option<&Name>, refused: &mut Vec<SetupError>) {
        if let Some(master) = master.filter(|_| self.live.contains_key(name))
            && let Err(error) = self.set_master(name, Some(master))
        {
            refused.push(SetupError { device: name.clone(), stage: SetupStage::Enslave, error });
        }
    }

    /// Makes a device a port of a bridge of its own host, or of none.
    pub(super) fn set_master(&mut self, name: &str, master: Option<&str>) -> Result<(), ErrorNumber> {
        self.look_up(name)?;
        let place = self.place(name);
        let bridge = master.map(|master| self.switches.get(master).ok_or(ErrorNumber(libc::ENODEV)));
        let bridge = bridge.transpose()?.map_or(0, |bridge| bridge.ifindex);
        let rtnl = &mut self.cells[place.cell].rtnl;
        link::set(rtnl, place.ifindex, LinkAttribute::Controller(bridge))?;
        let key = (master.unwrap_or_default().into(), name.into());
        let Some(port) = self.inside.get(&key) else { return Ok(()) };
        let mut flags = port.flags;
        let mut settings: Vec<InfoBridgePort> =
            PortFlag::ALL.into_iter().map(|f| flag_setting(f, *flags.get_mut(f))).collect();
        if port.group_fwd_mask != 0 {
            settings.push(InfoBridgePort::GroupFwdMask(port.group_fwd_mask));
        }
        link::port_settings(rtnl, place.ifindex, &settings)?;
        if port.state == PortState::Forwarding {
            return Ok(());
        }
        match link::port_settings(rtnl, place.ifindex, &[state_setting(port.state)]) {
            // A state without carrier would be lost at the next change of the carrier anyway.
            Err(ErrorNumber(libc::ENETDOWN)) => Ok(()),
            other => other,
        }
    }

    /// The other end of a device's cable.
    pub(super) fn across(&self, name: &str) -> UnnamedDevice {
        match self.plan.wired(name).map(|w| &w.far) {
            Ok(Far::Device(other)) => self.place(other),
            _ => self.far.get(name).copied().unwrap_or(UnnamedDevice { cell: self.void, ifindex: NOBODY }),
        }
    }

    pub(super) fn set_flag(&mut self, name: &str, flag: LinkFlags, on: bool) -> Result<(), ErrorNumber> {
        let place = self.place(name);
        link::set_flag(&mut self.cells[place.cell].rtnl, place.ifindex, flag, on)
    }

    pub(super) fn join(&mut self, name: &str, group: MacAddr, join: bool) -> Result<(), ErrorNumber> {
        let place = self.place(name);
        sys::multicast(&self.cells[place.cell].sender, &self.cells[place.cell].ifname, group, join)
    }

    /// Deletes a device, and with it, as the kernel does, the ports on it; a veth's other end is deleted as well.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), ErrorNumber> {
        self.look_up(name)?;
        let place = self.place(name);
        let doomed: Vec<(Name, Option<Snapshot>)> = self
            .live
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .into_iter()
            .map(|n| (n.clone(), self.snapshot(&n).ok()))
            .collect();
        link::delete(&mut self.cells[place.cell].rtnl, place.ifindex)?;
        for (other, before) in doomed {
            if self.snapshot(&other).is_err() {
                let device = self.live.remove(&other);
                self.far.remove(&other);
                self.gone.entry(other.clone()).or_default().extend(before.map(|b| b.counters));
                if other != name && device.is_some_and(|d| !matches!(d.kind, Kind::Port { .. })) {
                    self.vanished.insert(other);
                }
            }
        }
        Ok(())
    }

    pub(super) fn snapshot(&mut self, name: &str) -> Result<Snapshot, ErrorNumber> {
        let place = self.place(name);
        link::snapshot(&mut self.cells[place.cell].rtnl, place.ifindex)
    }

    /// Waits until carriers and operational states match the devices that are up.
    pub(super) fn settle_carriers(&mut self) {
        for _ in 0..PATIENCE {
            if self.carriers_agree() {
                return;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        self.restless = true;
    }

    fn carriers_agree(&mut self) -> bool {
        let mut carriers: BTreeMap<Name, bool> = BTreeMap::new();
        let names: Vec<(Name, Live)> = self.live.iter().map(|(n, d)| (n.clone(), d.clone())).collect();
        let wired = names.iter().filter(|(_, d)| !matches!(d.kind, Kind::Port { .. }));
        for (name, device) in wired {
            if self.switches.contains_key(name) {
                let own = link::snapshot(&mut self.cells[device.cell].rtnl, device.ifindex);
                carriers.insert(name.clone(), own.is_ok_and(|s| s.state.carrier));
                continue;
            }
            let across = self.across(name);
            let Ok(near) = link::snapshot(&mut self.cells[device.cell].rtnl, device.ifindex) else {
                return false;
            };
            // A cable whose other device was not yet declared has that end down.
            let far = link::snapshot(&mut self.cells[across.cell].rtnl, across.ifindex).ok();
            let both = near.state.up && far.as_ref().is_some_and(|f| f.state.up);
            let agrees = |s: &Snapshot| s.state.carrier == both && s.operational == both;
            if !agrees(&near) || far.as_ref().is_some_and(|f| !agrees(f)) {
                return false;
            }
            carriers.insert(name.clone(), both);
        }
        for (_, device) in &names {
            let Kind::Port { nic, .. } = &device.kind else { continue };
            let Ok(port) = link::snapshot(&mut self.cells[device.cell].rtnl, device.ifindex) else {
                return false;
            };
            let carrier = carriers.get(nic).copied().unwrap_or(false);
            if port.state.carrier != carrier || port.operational != (carrier && port.state.up) {
                return false;
            }
        }
        true
    }
}

/// A port of a switch: its end of a device's cable, or the device itself.
fn socket(
    plan: &Requirements,
    live: &BTreeMap<Name, Live>,
    far: &BTreeMap<Name, UnnamedDevice>,
    switch: &str,
    device: &str,
) -> Option<UnnamedDevice> {
    if plan.bridge_of(device).is_some_and(|bridge| bridge == switch) {
        return live.get(device).map(|d| UnnamedDevice { cell: d.cell, ifindex: d.ifindex });
    }
    far.get(device).copied()
}

fn create_error(device: &str, error: ErrorNumber) -> SetupError {
    SetupError { device: device.into(), stage: SetupStage::Create, error }
}

/// The declared ports of switches that are devices of the switch's own host.
fn inside(lab: &LabSpec) -> BTreeMap<(Name, Name), SwitchPortSpec> {
    let ports = lab.switches.iter().flat_map(|s| s.ports.iter().map(move |port| (s, port)));
    ports.map(|(switch, port)| ((switch.name.clone(), port.device.clone()), port.clone())).collect()
}

fn missing(switch: &str) -> OracleError {
    OracleError::Unsupported(format!("there is no switch {switch}"))
}

fn kind_of(wired: &Wired) -> Kind {
    if wired.nic { Kind::Nic } else { Kind::Station }
}

/// A port flag as the kernel's attribute.
pub(super) fn flag_setting(flag: PortFlag, value: bool) -> InfoBridgePort {
    match flag {
        PortFlag::Hairpin => InfoBridgePort::HairpinMode(value),
        PortFlag::Learning => InfoBridgePort::Learning(value),
        PortFlag::Flood => InfoBridgePort::UnicastFlood(value),
        PortFlag::McastFlood => InfoBridgePort::MulticastFlood(value),
        PortFlag::BcastFlood => InfoBridgePort::BroadcastFlood(value),
        PortFlag::Isolated => InfoBridgePort::Isolated(value),
        PortFlag::Locked => InfoBridgePort::Locked(value),
    }
}

/// A port state as the kernel's attribute.
pub(super) fn state_setting(state: PortState) -> InfoBridgePort {
    link::port_state(match state {
        PortState::Disabled => 0,
        PortState::Listening => 1,
        PortState::Learning => 2,
        PortState::Forwarding => 3,
        PortState::Blocking => 4,
        PortState::Invalid(n) => n,
    })
}
