//! The devices of a lab, each after what is below it.

use super::super::{Check, Draft, Imported, Kind, Note, NoteKind, Role, Route};
use super::Id;
use super::links::Links;
use super::named::Names;
use super::wire::Wire;
use crate::lab::spec::{
    DEFAULT_MTU, DeviceKind, DeviceSpec, DummySpec, FdbSpec, HostSpec, LabSpec, MacvlanSpec, Name, NicSpec,
    StationSpec, SwitchPortSpec, SwitchSpec, VlanSpec,
};
use crate::macvlan::Mode;
use crate::station::{HostConfig, IpSpec, RouteSpec, default_mac};
use crate::switch::PortVlans;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Makes a lab without steps.
pub(super) fn emit(draft: &Draft, links: &Links, names: &Names, wire: Wire) -> Imported {
    let mut lab = LabSpec::default();
    let mut emitter = Emitter { draft, links, names, about: wire.notes };
    for (machine, name) in &names.hosts {
        lab.hosts.push(emitter.host(*machine, name));
    }
    lab.hosts.extend(wire.hosts);
    for id in order(draft, links) {
        if let Some(device) = emitter.device(id) {
            lab.devices.push(device);
        }
    }
    lab.devices.extend(wire.devices);
    let left = draft.ids().filter(|id| !links.gone.contains(id));
    lab.switches = left.filter_map(|id| emitter.bridge(id)).collect();
    lab.switches.extend(wire.switches);
    let places = names.devices.iter().filter_map(|(id, name)| Some((name.clone(), draft.at(*id).place?)));
    let machines = names.hosts.iter().filter_map(|(m, name)| Some((name.clone(), draft.machines[*m].place?)));
    let places = machines.chain(places).collect();
    let notes = draft.notes.clone();
    let owners = names.devices.iter().filter_map(|(id, name)| Some((name.clone(), draft.at(*id).network?)));
    let owners = owners.collect();
    let origins =
        names.devices.iter().filter_map(|(id, name)| Some((name.clone(), draft.at(*id).origin.clone()?)));
    let origins = origins.collect();
    let networks = draft.networks.clone();
    Imported { notes, about: emitter.about, places, networks, owners, origins, ..Imported::of(lab) }
}

/// NICs first, and every device after the one below it.
fn order(draft: &Draft, links: &Links) -> Vec<Id> {
    let mut left: Vec<Id> = draft.ids().filter(|id| !links.gone.contains(id)).collect();
    left.retain(|id| draft.at(*id).lower().is_none() || links.below.contains_key(id));
    left.sort_by_key(|id| (links.below.contains_key(id), draft.at(*id).place));
    let mut done: BTreeSet<Id> = BTreeSet::new();
    let mut order = Vec::new();
    while !left.is_empty() {
        let (ready, rest): (Vec<Id>, Vec<Id>) =
            left.into_iter().partition(|id| links.below.get(id).is_none_or(|below| done.contains(below)));
        if ready.is_empty() {
            break;
        }
        done.extend(&ready);
        order.extend(ready);
        left = rest;
    }
    order
}

struct Emitter<'a> {
    draft: &'a Draft,
    links: &'a Links,
    names: &'a Names,
    about: BTreeMap<Name, Vec<Note>>,
}

impl Emitter<'_> {
    fn name(&self, id: Id) -> Name {
        self.names.devices.get(&id).cloned().unwrap_or_default()
    }

    fn note(&mut self, name: &Name, notes: impl IntoIterator<Item = Note>) {
        let mut notes = notes.into_iter().peekable();
        if notes.peek().is_some() {
            self.about.entry(name.clone()).or_default().extend(notes);
        }
    }

    fn host(&mut self, machine: usize, name: &Name) -> HostSpec {
        let draft = self.draft;
        let said = &draft.machines[machine];
        self.note(name, said.notes.iter().cloned());
        let mut routes = Vec::new();
        for route in &said.routes {
            if self.is_gateway(machine, route) {
                continue;
            }
            let dev = route
                .dev
                .as_deref()
                .map(|dev| self.draft.named(machine, dev).filter(|id| !self.links.gone.contains(id)));
            match dev {
                Some(None) => {
                    let dev = route.dev.as_deref().unwrap_or_default();
                    let text = format!("the route to {} by `{dev}`, which it does not have", route.to);
                    self.note(name, [Note::new(NoteKind::LeftOut, text, said.place)]);
                }
                None if route.via.is_none() => {
                    let text = format!("the route to {}, which leads nowhere", route.to);
                    self.note(name, [Note::new(NoteKind::LeftOut, text, said.place)]);
                }
                dev => routes.push(RouteSpec {
                    to: route.to,
                    via: route.via,
                    dev: dev.flatten().map(|id| self.name(id)),
                    src: route.src,
                    metric: route.metric,
                }),
            }
        }
        let config = HostConfig {
            forwarding: said.forwarding,
            routes,
            loopback: said.loopback.clone(),
            sysctls: said.sysctls,
        };
        HostSpec { name: name.clone(), config, line: 0 }
    }

    /// Whether a default route is written as the gateway of an interface.
    fn is_gateway(&self, machine: usize, route: &Route) -> bool {
        !self.gateway_interfaces(machine, route).is_empty()
    }

    fn gateway_interfaces(&self, machine: usize, route: &Route) -> Vec<usize> {
        let (Some(via), 0, None, None) = (route.via, route.to.prefix_len(), route.src, route.metric) else {
            return Vec::new();
        };
        let interfaces = self.draft.machines[machine].interfaces.iter().enumerate();
        let fits = interfaces.filter(|(_, interface)| {
            route.dev.as_ref().is_none_or(|dev| *dev == interface.name)
                && interface.addresses.iter().any(|net| net.contains(&via))
        });
        fits.map(|(at, _)| at).take(1).collect()
    }

    fn ip(&self, id: Id) -> IpSpec {
        let interface = self.draft.at(id);
        let mut gateway = interface.gateways.clone();
        for route in &self.draft.machines[id.0].routes {
            if self.gateway_interfaces(id.0, route).contains(&id.1) {
                gateway.extend(route.via);
            }
        }
        // One for each family that the interface has.
        let mut families: BTreeSet<bool> =
            interface.addresses.iter().map(|net| net.addr().is_ipv4()).collect();
        // A neighbour is of use to an interface that has an address of its family.
        let mut neighbours = interface.neighbours.clone();
        neighbours.retain(|neighbour, _| families.contains(&neighbour.is_ipv4()));
        gateway.retain(|gateway| families.remove(&gateway.is_ipv4()));
        IpSpec { address: interface.addresses.clone(), gateway, neighbours, sysctls: interface.sysctls }
    }

    fn host_of(&self, id: Id) -> Option<Name> {
        let interface = self.draft.at(id);
        let mut routes = self.draft.machines[id.0].routes.iter();
        let has_stack =
            !interface.addresses.is_empty() || routes.any(|r| r.dev.as_ref() == Some(&interface.name));
        self.names.hosts.get(&id.0).filter(|_| has_stack).cloned()
    }

    /// A namespace with nothing but one end of a cable is a machine outside.
    fn is_station(&self, id: Id) -> bool {
        let interface = self.draft.at(id);
        let is_more = self.names.hosts.contains_key(&id.0)
            || self.links.carries(id)
            || self.links.master.contains_key(&id)
            || interface.promisc
            || interface.allmulticast;
        let is_namespace = self.draft.machines[id.0].role == Role::Namespace;
        is_namespace
            && !is_more
            && (self.links.cabled.contains_key(&id) || self.links.pairs.values().any(|end| *end == id))
    }

    /// The MTU of an interface in bytes.
    fn mtu(&self, id: Id) -> u32 {
        let mut at = id;
        // As many steps as there are links.
        for _ in 0..=self.links.below.len() {
            match (self.draft.at(at).mtu, self.links.below.get(&at)) {
                (Some(mtu), _) => return mtu,
                (None, Some(below)) => at = *below,
                (None, None) => break,
            }
        }
        DEFAULT_MTU
    }

    /// Its MTU, unless that is the MTU of the device below, which it has by default.
    fn own_mtu(&self, id: Id) -> Option<u32> {
        let below = self.links.below.get(&id).map(|below| self.mtu(*below));
        self.draft.at(id).mtu.filter(|mtu| Some(*mtu) != below)
    }

    fn device(&mut self, id: Id) -> Option<DeviceSpec> {
        let name = self.name(id);
        let interface = self.draft.at(id);
        let below = || self.links.below.get(&id).map(|below| self.name(*below));
        let (host, ip, up) = (self.host_of(id), self.ip(id), interface.up.unwrap_or(true));
        let master = self.links.master.get(&id).map(|bridge| self.name(*bridge));
        let mac = interface.mac;
        let kind = match &interface.kind {
            Kind::Nic | Kind::Veth(_) if self.is_station(id) => DeviceKind::Station(StationSpec {
                mac: mac.unwrap_or_else(|| ip.default_mac(&name)),
                mtu: interface.mtu.unwrap_or(DEFAULT_MTU),
                up,
                ..StationSpec::new(&name, ip)
            }),
            Kind::Nic | Kind::Veth(_) => DeviceKind::Nic(NicSpec {
                mac: mac.unwrap_or_else(|| default_mac(&name)),
                host,
                ip,
                mtu: interface.mtu.unwrap_or(DEFAULT_MTU),
                up,
                cable: self.links.pairs.get(&id).map(|peer| self.name(*peer)),
                master,
                promisc: interface.promisc,
                allmulticast: interface.allmulticast,
                ..NicSpec::named(&name)
            }),
            Kind::Dummy => DeviceKind::Dummy(DummySpec {
                mac: mac.unwrap_or_else(|| default_mac(&name)),
                host,
                ip,
                mtu: interface.mtu.unwrap_or(DEFAULT_MTU),
                up,
                master,
            }),
            Kind::Vlan { id: vlan, .. } => DeviceKind::Vlan(VlanSpec {
                mac,
                host,
                ip,
                mtu: self.own_mtu(id),
                up,
                master,
                ..VlanSpec::on(below()?, *vlan)
            }),
            Kind::Macvlan { mode, tap, flags, sources, .. } => DeviceKind::Macvlan(MacvlanSpec {
                tap: *tap,
                mode: mode.unwrap_or(if interface.kind_guessed { Mode::Bridge } else { Mode::Vepa }),
                // What is made from the IP address or the name needs no line.
                mac: mac.filter(|mac| *mac != ip.default_mac(&name)),
                host,
                ip,
                mtu: self.own_mtu(id),
                up,
                flags: *flags,
                sources: sources.clone(),
                multicast: interface.multicast.clone(),
                bcqueuelen: interface.bcqueuelen,
                bclim: interface.bclim,
                allmulticast: interface.allmulticast,
                promisc: interface.promisc,
                master,
                expect: interface.refused,
                ..MacvlanSpec::on(below()?)
            }),
            Kind::Bridge { .. } | Kind::Other(_) => return None,
        };
        // A machine that is no host of the lab is its device.
        let machine = &self.draft.machines[id.0];
        if machine.role != Role::Host && id.1 == 0 && !self.names.hosts.contains_key(&id.0) {
            self.note(&name, machine.notes.iter().cloned());
        }
        self.note(&name, interface.notes.iter().cloned());
        if interface.kind_guessed && matches!(interface.kind, Kind::Macvlan { mode: None, .. }) {
            let text = "`ip a` does not show the mode, as `ip -d link` does: bridge is taken";
            self.note(&name, [Note::new(NoteKind::Guess, text, interface.place)]);
        }
        Some(DeviceSpec::new(name, kind))
    }

    fn bridge(&mut self, id: Id) -> Option<SwitchSpec> {
        let interface = self.draft.at(id);
        let Kind::Bridge { vlan_filtering, ageing } = interface.kind else { return None };
        let name = self.name(id);
        let mut switch = SwitchSpec::named(&name);
        switch.vlan_filtering = vlan_filtering;
        switch.group_fwd_mask = interface.group_fwd_mask;
        if let Some(seconds) = ageing {
            switch.ageing = Duration::from_secs(seconds);
        }
        if let Some(mac) = interface.mac {
            switch.mac = mac;
        }
        (switch.host, switch.ip) = (self.host_of(id), self.ip(id));
        self.note(&name, interface.notes.iter().cloned());
        if interface.vlans.as_ref().is_some_and(|vlans| *vlans != PortVlans::default()) {
            let text = "the VLANs of the bridge's own device";
            self.note(&name, [Note::new(NoteKind::LeftOut, text, interface.place)]);
        }
        let cabled = self.links.cabled.iter().filter(|(_, (bridge, _))| *bridge == id);
        let inside = self
            .links
            .master
            .iter()
            .filter(|(port, bridge)| **bridge == id && !self.links.gone.contains(port));
        let inside = inside.map(|(port, _)| (*port, *port));
        for (device, port) in cabled.map(|(end, (_, port))| (*end, *port)).chain(inside) {
            let spec = self.port(device, port, &mut switch);
            if device != port || spec != SwitchPortSpec::to(spec.device.clone()) {
                switch.ports.push(spec);
            }
        }
        Some(switch)
    }

    /// A port of a bridge, to which a device is cabled if it is not the port itself; its entries go to the switch.
    fn port(&mut self, device: Id, port: Id, switch: &mut SwitchSpec) -> SwitchPortSpec {
        let (name, said) = (self.name(device), self.draft.at(port));
        let flagged = |spec: SwitchPortSpec, (flag, on): &(_, bool)| spec.with_flag(*flag, *on);
        let mut spec = said.port_flags.iter().fold(SwitchPortSpec::to(name.clone()), flagged);
        spec.state = said.port_state.unwrap_or_default();
        spec.group_fwd_mask = said.group_fwd_mask;
        let vlans = said.vlans.clone().unwrap_or_default();
        if switch.vlan_filtering {
            spec.vlans = vlans;
        } else if vlans != spec.vlans {
            let text = format!("the VLANs of port `{}`: the bridge does not filter VLANs", said.name);
            self.note(&switch.name, [Note::new(NoteKind::Wrong(Check::IgnoredSetting), text, said.place)]);
        }
        for entry in &said.fdb {
            let vlan = entry.vlan.filter(|_| switch.vlan_filtering);
            if !switch.fdb.iter().any(|known| known.mac == entry.mac && known.vlan == vlan) {
                let fdb = FdbSpec::new(entry.mac, name.clone());
                let fdb = fdb.with_sticky(entry.sticky).with_dynamic(entry.dynamic);
                switch.fdb.push(FdbSpec { vlan, ..fdb });
            }
        }
        spec
    }
}
