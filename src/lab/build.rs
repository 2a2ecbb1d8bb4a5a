//! Makes a lab's devices, in the order of the declaration, and wires them.

use super::device::{
    Bond, Cable, CableId, Device, DeviceId, End, Kind, Link, PortEnd, Role, SwitchNode, SwitchPortNode,
    Uplink,
};
use super::outside::Outside;
use super::plan::{Plan, PlannedPort};
use super::record::Stacks;
use super::spec::{
    BondSpec, DEFAULT_MTU, DeviceKind, DeviceSpec, DummySpec, LabSpec, MacvlanSpec, Name, NicSpec,
    StationSpec, SwitchPortSpec, SwitchSpec, VlanSpec,
};
use super::topology::Topology;
use super::{Event, Lab, Log, Options, Runtime, SetupStage};
use crate::dataplane::{NodeId, State, SwitchId};
use crate::errno::Errno;
use crate::frame::{FramePool, MacAddr};
use crate::macvlan::PortRequest;
use crate::nic::{Nic, PushedDown, UnicastFilter};
use crate::station::default_mac;
use crate::switch::{Assigned, FdbKind, IfKnown, PortConfig, Switch, SwitchConfig, SwitchPortId};
use crate::time::LAB_SPAN;
use crate::verdict::{Refusal, Rule};
use std::sync::Arc;
use std::time::Duration;

/// One-way delay of a cable whose devices name none.
const DEFAULT_LATENCY: Duration = Duration::from_micros(1);

impl Lab {
    /// Builds a lab. What the kernel would refuse is part of its events; the first call that takes a sink hands them
    /// out. If [`Options::stop`] is set meanwhile, it is left half built, and runs no step.
    #[must_use]
    pub fn new(spec: &LabSpec, options: Options) -> Lab {
        let now = options.start;
        let plan = Plan::of(spec);
        let before = plan.ports.iter().map(|ports| 1 + ports.len() as u32).sum();
        let mut lab = Lab {
            title: spec.title.clone(),
            steps: spec.steps.clone(),
            topology: Topology { first_device: NodeId(before), ..Topology::default() },
            runtime: Runtime {
                changed: true,
                wiring: Arc::default(),
                state: State::default(),
                stacks: Stacks::until(now + LAB_SPAN),
                outside: Outside::default(),
                pool: FramePool::for_holders_of(options.held),
                now,
                step: 0,
                next_frame_id: 0,
                crowd: None,
            },
            log: Log::default(),
            options,
        };
        // The switches' ends of the cables come first: a device that is made plugs into what is there.
        spec.hosts.iter().for_each(|host| lab.make_host(host));
        for (switch, ports) in spec.switches.iter().zip(&plan.ports) {
            let has_device = plan.own_devices.contains(&switch.name) || switch.has_stack();
            lab.make_switch(switch, ports, has_device);
        }
        for device in &spec.devices {
            if lab.stopped() {
                return lab;
            }
            lab.declare(device, &plan);
        }
        lab.wire_switch_tables(spec, &plan);
        // Nothing has failed over yet: the bonds have their first active ports.
        lab.refresh_masters();
        lab.topology.failed_over.clear();
        lab.refresh_stacks();
        let devices = lab.devices();
        if lab.options.changes {
            lab.log.last_reported.begin(&devices);
        }
        lab.log.events.insert(0, Event::Lab { title: spec.title.clone(), devices });
        lab.report_fdbs();
        lab
    }

    fn declare(&mut self, device: &DeviceSpec, plan: &Plan) {
        let name = &device.name;
        let expected = match &device.kind {
            DeviceKind::Macvlan(spec) => spec.expect,
            _ => None,
        };
        let refused = match &device.kind {
            DeviceKind::Nic(spec) => self.make_nic(name, spec, plan),
            DeviceKind::Dummy(spec) => self.make_dummy(name, spec),
            DeviceKind::Bond(spec) => self.make_bond(name, spec),
            DeviceKind::Vlan(spec) => self.make_vlan(name, spec),
            DeviceKind::Macvlan(spec) => self.make_port(name, spec),
            DeviceKind::Station(spec) => self
                .make_station(name, Role::Station, spec, plan)
                .map(|id| self.attach_interface(id, None, &spec.ip)),
            DeviceKind::Router(spec) => self.make_router(name, spec, plan),
        }
        .err();
        let made = refused.is_none_or(|refused| refused.stage != SetupStage::Create);
        let master = device.kind.master().filter(|_| made);
        let not_enslaved = master.and_then(|master| self.declare_master(name, master).err());
        if let Some(bond) = plan.bonds.get(name).and_then(|bond| self.topology.bond_named(bond)) {
            self.declare_bonded(name, bond);
        }
        if expected.is_some() && refused.is_none() && not_enslaved.is_none() {
            self.log.summary.failed += 1;
        }
        for refused in refused.into_iter().chain(not_enslaved) {
            self.not_made(name, device.kind.parent(), refused, expected);
        }
    }

    /// Reports that something declared was refused, and whether the declaration expected that error.
    fn not_made(&mut self, device: &Name, parent: Option<&Name>, refused: Refused, expected: Option<Errno>) {
        let Refused { stage, refusal } = refused;
        let expected = expected == Some(refusal.errno);
        self.log.summary.held += usize::from(expected);
        self.log.summary.failed += usize::from(!expected);
        let (device, parent) = (device.clone(), parent.cloned());
        self.log.events.push(Event::Setup { device, parent, stage, refusal, expected });
    }

    /// Makes a new device a port of a bridge.
    fn declare_master(&mut self, name: &str, master: &str) -> Result<(), Refused> {
        let refused = Refused::at(SetupStage::Enslave);
        let id = self.find(name).map_err(refused)?;
        self.set_master(id, Some(master)).map_err(refused)
    }

    /// Makes a NIC a port of a bond, if it is there already.
    fn declare_bonded(&mut self, name: &Name, bond: DeviceId) {
        let Some(id) = self.topology.names.get(name).copied() else { return };
        if let Err(refusal) = self.join_bond(id, bond) {
            self.not_made(name, None, Refused { stage: SetupStage::Enslave, refusal }, None);
        }
    }

    fn make_nic(&mut self, name: &Name, spec: &NicSpec, plan: &Plan) -> Result<(), Refused> {
        let id = self.make_link(name, Role::Nic, spec.mac, spec.mtu, spec.filter, plan)?;
        self.cable_latency(id, spec.latency);
        if let Some(link) = self.link_mut(id) {
            link.base.set_promisc(spec.promisc);
            link.base.set_allmulticast(spec.allmulticast);
        }
        self.attach_interface(id, spec.host.as_ref(), &spec.ip);
        self.set_up(id, spec.up).map_err(Refused::at(SetupStage::Up))
    }

    fn make_dummy(&mut self, name: &Name, spec: &DummySpec) -> Result<(), Refused> {
        let nic = Nic::new(spec.mac, spec.mtu, UnicastFilter::None);
        let nic = nic.map_err(Refused::at(SetupStage::Create))?;
        let link = Link::new(Role::Dummy, nic, Uplink::Discard);
        let id = self.add_device(name, Kind::Link(Box::new(link)));
        self.attach_interface(id, spec.host.as_ref(), &spec.ip);
        self.set_up(id, spec.up).map_err(Refused::at(SetupStage::Up))
    }

    /// A bond, and the ports of it that are there already. Those yet to come join it when they are made.
    fn make_bond(&mut self, name: &Name, spec: &BondSpec) -> Result<(), Refused> {
        let nic = Nic::bond(spec.mac.unwrap_or_else(|| default_mac(name)), spec.mtu);
        let nic = nic.map_err(Refused::at(SetupStage::Create))?;
        let (primary, has_own_mac) = (spec.primary.clone(), spec.mac.is_some());
        let bond = Bond { primary, has_own_mac, ..Bond::default() };
        let link = Link::new(Role::Bond, nic, Uplink::Bond(Box::new(bond)));
        let id = self.add_device(name, Kind::Link(Box::new(link)));
        self.topology.devices[id.0].host.clone_from(&spec.host);
        spec.ports.iter().for_each(|port| self.declare_bonded(port, id));
        self.attach_interface(id, spec.host.as_ref(), &spec.ip);
        self.set_up(id, spec.up).map_err(Refused::at(SetupStage::Up))
    }

    pub(super) fn make_station(
        &mut self,
        name: &Name,
        role: Role,
        spec: &StationSpec,
        plan: &Plan,
    ) -> Result<DeviceId, Refused> {
        let id = self.make_link(name, role, spec.mac, spec.mtu, UnicastFilter::None, plan)?;
        self.cable_latency(id, spec.latency);
        self.topology.addresses.insert(name.clone(), spec.ip.clone());
        self.set_up(id, spec.up).map_err(Refused::at(SetupStage::Up))?;
        Ok(id)
    }

    /// A device with a link on a cable.
    fn make_link(
        &mut self,
        name: &Name,
        role: Role,
        mac: MacAddr,
        mtu: u32,
        filter: UnicastFilter,
        plan: &Plan,
    ) -> Result<DeviceId, Refused> {
        let nic = Nic::new(mac, mtu, filter).map_err(Refused::at(SetupStage::Create))?;
        let id = DeviceId(self.topology.devices.len());
        let cable = self.plug(name, id, mtu, plan);
        let link = Link::new(role, nic, Uplink::Cable(cable));
        self.add_device(name, Kind::Link(Box::new(link)));
        Ok(id)
    }

    fn add_device(&mut self, name: &Name, kind: Kind) -> DeviceId {
        self.runtime.changed = true;
        let name = name.clone();
        let (agent, host, user, master) = (None, None, None, None);
        let device = Device { name: name.clone(), kind, agent, host, user, master, gone: false };
        let id = match self.vacated() {
            Some(id) => {
                self.topology.devices[id.0] = device;
                self.runtime.state.forget(self.topology.node(id));
                id
            }
            None => {
                self.topology.devices.push(device);
                DeviceId(self.topology.devices.len() - 1)
            }
        };
        self.touch_named(&name);
        self.topology.names.insert(name, id);
        id
    }

    /// The number of a device that was removed, and that has nothing under way any more.
    fn vacated(&mut self) -> Option<DeviceId> {
        let id = self.topology.vacant.last().copied()?;
        if self.runtime.stacks.agenda.sends(id) { None } else { self.topology.vacant.pop() }
    }

    /// The cable of a new device: to a switch port, to a device that is already there, or to nothing yet.
    fn plug(&mut self, name: &Name, id: DeviceId, mtu: u32, plan: &Plan) -> CableId {
        if let Some((switch, port)) = plan.sockets.get(name) {
            let node = &mut self.topology.switches[switch.index()].ports[usize::from(port.0)];
            if let PortEnd::Cable { cable, mtu: of_socket } = &mut node.end {
                *of_socket = mtu;
                let cable = *cable;
                self.topology.cables[cable.0].ends[0] = End::Device(id);
                self.fit_own_device(*switch);
                return cable;
            }
        }
        let peer = plan.peers.get(name).and_then(|p| self.topology.names.get(p)).copied();
        if let Some(Uplink::Cable(cable)) = peer.and_then(|p| self.topology.link(p)).map(|l| l.uplink.clone())
        {
            self.topology.cables[cable.0].ends[1] = End::Device(id);
            return cable;
        }
        // A device that is yet to come has carrier only when it is there.
        let far = if plan.peers.contains_key(name) { End::Gone } else { End::Nobody { mtu } };
        self.topology.cables.push(Cable { ends: [End::Device(id), far], latency: DEFAULT_LATENCY });
        CableId(self.topology.cables.len() - 1)
    }

    /// A switch's own device takes the least mtu of the ports that are plugged in (`br_mtu_auto_adjust`).
    pub(super) fn fit_own_device(&mut self, switch: SwitchId) {
        let node = &self.topology.switches[switch.index()];
        let Some(own) = node.own else { return };
        let mtu = |port: &SwitchPortNode| match port.end {
            PortEnd::Cable { cable, mtu } => {
                (self.topology.cables[cable.0].ends[0] != End::Gone).then_some(mtu)
            }
            PortEnd::Inside { device, .. } => device.map(|id| self.state_of(id).mtu),
        };
        if let Some(mtu) = node.ports.iter().filter_map(mtu).min() {
            // Devices have such mtus already.
            let _ = self.set_mtu(own, mtu);
        }
    }

    fn cable_latency(&mut self, id: DeviceId, latency: Duration) {
        if let Some(Uplink::Cable(cable)) = self.topology.link(id).map(|l| l.uplink.clone()) {
            let cable = &mut self.topology.cables[cable.0];
            cable.latency = cable.latency.max(latency);
        }
    }

    fn make_vlan(&mut self, name: &Name, spec: &VlanSpec) -> Result<(), Refused> {
        let refused = Refused::at(SetupStage::Create);
        let below = self.find(&spec.parent).map_err(refused)?;
        let link =
            self.topology.link(below).ok_or(refused(Refusal::new(Errno::Enodev, Rule::CreateRefused)))?;
        let mac = spec.mac.unwrap_or(link.nic().mac());
        let mtu = spec.mtu.unwrap_or(link.nic().mtu());
        let nic = Nic::sub_interface(mac, mtu).map_err(refused)?;
        if mtu > link.nic().mtu() {
            return Err(refused(Refusal::new(Errno::Erange, Rule::ChangeMtu)));
        }
        let uplink = Uplink::Below {
            nic: below,
            vlan: spec.id,
            inherited_mac: spec.mac.is_none(),
            pushed: PushedDown::default(),
        };
        let link = Link::new(Role::Vlan, nic, uplink);
        let id = self.add_device(name, Kind::Link(Box::new(link)));
        if let Some(parent) = self.link_mut(below) {
            parent.vlans.push((spec.id, id));
        }
        self.attach_interface(id, spec.host.as_ref(), &spec.ip);
        self.set_up(id, spec.up).map_err(Refused::at(SetupStage::Up))
    }

    /// Creates a macvlan or macvtap, configures it and brings it up.
    pub(super) fn make_port(&mut self, name: &Name, spec: &MacvlanSpec) -> Result<(), Refused> {
        let refused = Refused::at(SetupStage::Create);
        self.topology.addresses.insert(name.clone(), spec.ip.clone());
        self.touch_named(name);
        let parent = self.topology.names.get(&spec.parent).copied();
        // A port made on a port sits on that one's parent (R82).
        let parent = parent.map(|id| match self.topology.devices[id.0].kind {
            Kind::Port { parent, .. } => parent,
            Kind::Link(_) => id,
        });
        let request = PortRequest {
            mac: spec.requested_mac(name),
            mode: spec.mode,
            flags: spec.flags,
            mtu: spec.mtu,
            sources: spec.sources.clone(),
            bcqueuelen: spec.bcqueuelen,
            bclim: spec.bclim,
        };
        let name_taken = self.topology.names.contains_key(name);
        let link = parent.and_then(|id| self.link_mut(id));
        let Some((parent, link)) = parent.zip(link) else {
            return Err(refused(request.refusal_without_parent()));
        };
        let admitted = link.base.admit(&request).map_err(refused)?;
        if name_taken {
            return Err(refused(Refusal::new(Errno::Eexist, Rule::CreateRefused)));
        }
        let port = admitted.create();
        let id = self.add_device(name, Kind::Port { parent, port, tap: spec.tap.then_some(spec.open) });
        if let Some(link) = self.link_mut(parent) {
            link.ports.resize(link.ports.len().max(port.index() + 1), None);
            link.ports[port.index()] = Some(id);
        }
        self.attach_interface(id, spec.host.as_ref(), &spec.ip);
        self.change_port(id, |mut port| {
            port.set_promisc(spec.promisc);
            port.set_allmulticast(spec.allmulticast);
            spec.multicast.iter().for_each(|group| port.join(*group));
            Ok(())
        })
        .map_err(refused)?;
        self.set_up(id, spec.up).map_err(Refused::at(SetupStage::Up))
    }

    /// A switch, with a cable in each of its ports and nothing at the other ends yet.
    fn make_switch(&mut self, spec: &SwitchSpec, ports: &[PlannedPort], has_device: bool) {
        let (ageing, vlan_filtering) = (spec.ageing, spec.vlan_filtering);
        let config = |group_fwd_mask| SwitchConfig { ageing, vlan_filtering, group_fwd_mask };
        let switch = Switch::new(config(spec.group_fwd_mask)).or_else(|refusal| {
            self.not_made(&spec.name, None, Refused { stage: SetupStage::Create, refusal }, None);
            Switch::new(config(0))
        });
        let switch = switch.expect("a mask without bits is never refused");
        let id = SwitchId(self.topology.switches.len() as u32);
        self.runtime.state.add_switch(switch);
        let node =
            self.topology.switches.last().map_or(0, |before| before.node.0 + 1 + before.ports.len() as u32);
        let (name, node) = (spec.name.clone(), NodeId(node));
        let mut node = SwitchNode { name, node, own: None, ports: Vec::new() };
        for (port, number) in ports.iter().zip((0..).map(SwitchPortId)) {
            let device = port.spec.device.clone();
            let end = if port.inside {
                PortEnd::Inside { device: None, config: Box::new(port_config(spec, &port.spec)) }
            } else {
                let ends = [End::Gone, End::Switch(id, number)];
                self.topology.cables.push(Cable { ends, latency: DEFAULT_LATENCY });
                PortEnd::Cable { cable: CableId(self.topology.cables.len() - 1), mtu: DEFAULT_MTU }
            };
            let name: Name = format!("{}.{device}", spec.name).into();
            if port.inside {
                self.make_switch_port(id, &name, PortConfig::default());
                self.switch_mut(id).into_iter().for_each(|switch| switch.release(number));
            }
            node.ports.push(SwitchPortNode { name, device, end });
        }
        self.topology.switches.push(node);
        if has_device && let Err(refused) = self.make_own_device(id, spec) {
            self.not_made(&spec.name, None, refused, None);
        }
    }

    /// The device that a switch is to its own host, for the ports that sit on it.
    fn make_own_device(&mut self, switch: SwitchId, spec: &SwitchSpec) -> Result<(), Refused> {
        let nic = Nic::new(spec.mac, DEFAULT_MTU, UnicastFilter::None);
        let nic = nic.map_err(Refused::at(SetupStage::Create))?;
        let link = Link::new(Role::Bridge, nic, Uplink::Switch(switch));
        let id = self.add_device(&spec.name, Kind::Link(Box::new(link)));
        self.topology.switches[switch.index()].own = Some(id);
        if let Some(switch) = self.switch_mut(switch) {
            switch.set_own_device(spec.mac);
        }
        self.attach_interface(id, spec.host.as_ref(), &spec.ip);
        self.set_up(id, true).map_err(Refused::at(SetupStage::Up))
    }

    /// Adds the ports and entries of the switches, now that the devices on them are there.
    fn wire_switch_tables(&mut self, spec: &LabSpec, plan: &Plan) {
        for ((switch, ports), index) in spec.switches.iter().zip(&plan.ports).zip(0..) {
            let id = SwitchId(index);
            for (PlannedPort { spec: port, .. }, number) in
                ports.iter().zip(0..).filter(|(port, _)| !port.inside)
            {
                if self.stopped() {
                    return;
                }
                let device = self.topology.names.get(&port.device).copied();
                let mac = device.map(|id| self.assigned_mac(id)).unwrap_or_default();
                let ips = device.map(|id| self.assigned_addresses(id)).unwrap_or_default();
                let config = PortConfig { assigned: Assigned { mac, ips }, ..port_config(switch, port) };
                let name = self.topology.switches[id.index()].ports[number].name.clone();
                self.make_switch_port(id, &name, config);
                if let Some(id) = device {
                    self.tell_switch(id);
                }
            }
            for entry in &switch.fdb {
                if let Err(refusal) = self.add_fdb(id, entry) {
                    self.not_made(&switch.name, None, Refused { stage: SetupStage::Create, refusal }, None);
                }
            }
        }
    }

    fn make_switch_port(&mut self, switch: SwitchId, name: &Name, config: PortConfig) {
        let made = self.switch_mut(switch).map_or(Ok(()), |switch| switch.add_port(config).map(drop));
        if let Err(refusal) = made {
            self.not_made(name, None, Refused { stage: SetupStage::Create, refusal }, None);
        }
    }

    /// An entry made by hand.
    pub(super) fn add_fdb(&mut self, switch: SwitchId, entry: &super::spec::FdbSpec) -> Result<(), Refusal> {
        let now = self.runtime.now;
        let number = self.topology.switches[switch.index()].ports.iter().position(|p| p.device == entry.port);
        let missing = Refusal::new(Errno::Enodev, Rule::FdbRefused);
        let port = number.and_then(|n| u16::try_from(n).ok()).ok_or(missing)?;
        let kind = match (entry.sticky, entry.dynamic) {
            (true, _) => FdbKind::Sticky,
            (false, true) => FdbKind::Dynamic,
            (false, false) => FdbKind::Static,
        };
        let switch = self.switch_mut(switch).ok_or(missing)?;
        let known = if entry.replace { IfKnown::Replace } else { IfKnown::Refuse };
        switch.add_fdb((entry.mac, SwitchPortId(port), kind), entry.vlan, known, now)
    }

    /// The MAC address that a network would have assigned to a device on a switch port: its own, which a port of a bond does
    /// not use.
    fn assigned_mac(&self, id: DeviceId) -> MacAddr {
        self.topology.devices[id.0].bonded().map_or_else(|| self.state_of(id).mac, |bonded| bonded.mac)
    }

    /// The addresses that a network would have assigned to a device on a switch port: its own.
    pub(super) fn assigned_addresses(&self, id: DeviceId) -> Vec<std::net::IpAddr> {
        let ip = self.topology.addresses.get(&self.topology.devices[id.0].name);
        ip.map(|ip| ip.address.iter().map(|n| n.addr()).collect()).unwrap_or_default()
    }
}

/// A refusal, and the stage of making a device at which it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    pub(super) stage: SetupStage,
    pub(super) refusal: Refusal,
}

impl Refused {
    /// Makes a refusal one of this stage.
    fn at(stage: SetupStage) -> impl Fn(Refusal) -> Refused + Copy {
        move |refusal| Refused { stage, refusal }
    }
}

/// How a switch port begins, but for what its device was assigned.
fn port_config(switch: &SwitchSpec, port: &SwitchPortSpec) -> PortConfig {
    PortConfig {
        flags: port.flags,
        state: port.state,
        group_fwd_mask: port.group_fwd_mask,
        vlans: port.vlans.clone(),
        policy: port.policy.or(switch.policy),
        assigned: Assigned::default(),
    }
}
