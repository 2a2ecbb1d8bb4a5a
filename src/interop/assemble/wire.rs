//! The network outside: which NICs share a switch, and the gateways that are not in the input.

use super::super::{Draft, Kind, Note, NoteKind};
use super::Id;
use super::links::{Links, is_outside};
use super::named::Names;
use crate::frame::VlanId;
use crate::lab::spec::{
    DeviceKind, DeviceSpec, HostSpec, Name, NicSpec, StationSpec, SwitchPortSpec, SwitchSpec, VlanSpec,
};
use crate::station::{HostConfig, IpNet, IpSpec};
use crate::switch::Policy;
use std::collections::{BTreeMap, BTreeSet};

/// What is outside.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pub(super) switches: Vec<SwitchSpec>,
    pub(super) devices: Vec<DeviceSpec>,
    pub(super) hosts: Vec<HostSpec>,
    pub(super) notes: BTreeMap<Name, Vec<Note>>,
}

/// A subnet on a cable: its VLAN tags, outermost first, and the subnet.
type Segment = (Vec<VlanId>, IpNet);

/// Connects the NICs that have a subnet in common, and adds the gateways.
pub(super) fn wire(draft: &Draft, links: &Links, names: &Names) -> Wire {
    let mut wire = Wire::default();
    let mut names = names.again();
    for group in groups(draft, links) {
        let number = wire.switches.len();
        let name =
            names.take_for_switch(&if number == 0 { "lan".to_owned() } else { format!("lan{}", number + 1) });
        let mut switch = SwitchSpec::named(&name);
        for nic in &group {
            let mut port = SwitchPortSpec::to(names.devices[nic].clone());
            let is_radio = WIRELESS.iter().any(|prefix| draft.at(*nic).name.starts_with(prefix));
            port.policy = draft.policy.or(is_radio.then_some(Policy::Wifi));
            if is_radio {
                let text = "by its name a wireless NIC, whose access point takes its own MAC address only";
                let about = wire.notes.entry(names.devices[nic].clone()).or_default();
                about.push(Note::new(NoteKind::Guess, text, draft.at(*nic).place));
            }
            switch.ports.push(port);
        }
        let gateways = gateways(draft, links, &group);
        if !gateways.is_empty() {
            switch.ports.push(SwitchPortSpec::to(wire.gateway(draft, gateways, &mut names)));
        }
        let text = "the network outside is not in the input: a switch without hairpin";
        wire.notes.insert(name, vec![Note::new(NoteKind::Guess, text, None)]);
        wire.switches.push(switch);
    }
    wire
}

/// How the names of wireless NICs begin.
const WIRELESS: [&str; 3] = ["wlan", "wlp", "wlx"];

/// NICs that share a switch: those with a subnet in common, and those of the same name on several hosts.
fn groups(draft: &Draft, links: &Links) -> Vec<Vec<Id>> {
    let nics: Vec<Id> = draft.ids().filter(|id| is_outside(draft, links, *id)).collect();
    let nics = nics.iter().copied().filter(|nic| is_uplink(draft, links, *nic, &nics));
    let mut groups: Vec<(BTreeSet<Segment>, BTreeSet<String>, Vec<Id>)> = Vec::new();
    for nic in nics {
        let above: Vec<Id> = above(draft, links, nic).collect();
        let segments: BTreeSet<Segment> = above.iter().flat_map(|id| segments(draft, links, *id)).collect();
        if segments.is_empty() && above.len() == 1 && !links.master.contains_key(&nic) {
            continue;
        }
        let mut group = (segments, BTreeSet::from([draft.at(nic).name.clone()]), vec![nic]);
        let (same, other): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(known, names, nics)| {
            let elsewhere = !nics.iter().any(|id| id.0 == nic.0);
            !known.is_disjoint(&group.0) || elsewhere && !names.is_disjoint(&group.1)
        });
        groups = other;
        for (segments, names, nics) in same {
            group.0.extend(segments);
            group.1.extend(names);
            group.2.extend(nics);
        }
        groups.push(group);
    }
    let mut groups: Vec<Vec<Id>> = groups.into_iter().map(|(_, _, nics)| nics).collect();
    groups.iter_mut().for_each(|nics| nics.sort_unstable());
    groups.sort();
    groups
}

/// Whether a NIC leads to the network outside: of the ports of one bridge it is the first, and no tap of a guest if there is
/// another. Two of them would be a loop.
fn is_uplink(draft: &Draft, links: &Links, nic: Id, nics: &[Id]) -> bool {
    let Some(bridge) = links.master.get(&nic) else { return true };
    let is_tap = |id: Id| TAPS.iter().any(|prefix| draft.at(id).name.starts_with(prefix));
    let ports = nics.iter().filter(|other| links.master.get(other) == Some(bridge));
    ports.min_by_key(|port| (is_tap(**port), **port)) == Some(&nic)
}

/// How the names of a guest's or container's ends on a bridge begin.
const TAPS: [&str; 4] = ["tap", "vnet", "veth", "lxc"];

/// A NIC, what is on it, and what is on the bridge that it is a port of.
fn above<'a>(draft: &'a Draft, links: &'a Links, nic: Id) -> impl Iterator<Item = Id> + 'a {
    let bridge = links.master.get(&nic).copied();
    draft.ids().filter(move |id| {
        let root = links.root(*id);
        !links.gone.contains(id)
            && (root == nic
                || bridge.is_some_and(|bridge| {
                    root == bridge || links.cabled.get(&root).is_some_and(|(to, _)| *to == bridge)
                }))
    })
}

/// The VLAN tags of what an interface sends, as the NIC sends it: outermost first.
pub(super) fn tags(draft: &Draft, links: &Links, id: Id) -> Vec<VlanId> {
    let mut tags = Vec::new();
    let mut at = id;
    for _ in 0..=links.below.len() {
        if let Kind::Vlan { id, .. } = draft.at(at).kind {
            tags.insert(0, id);
        }
        match links.below.get(&at) {
            Some(below) => at = *below,
            None => break,
        }
    }
    tags
}

fn segments(draft: &Draft, links: &Links, id: Id) -> Vec<Segment> {
    let tags = tags(draft, links, id);
    let subnet = |net: &IpNet| (net.prefix_len() < net.max_prefix_len()).then(|| net.trunc());
    draft.at(id).addresses.iter().filter_map(|net| Some((tags.clone(), subnet(net)?))).collect()
}

/// The gateways of a group of NICs that no machine has: with their tags and subnets.
fn gateways(draft: &Draft, links: &Links, group: &[Id]) -> BTreeMap<Vec<VlanId>, Vec<IpNet>> {
    let everyone = || draft.machines.iter().flat_map(|m| m.interfaces.iter().flat_map(|i| &i.addresses));
    let mut gateways: BTreeMap<Vec<VlanId>, Vec<IpNet>> = BTreeMap::new();
    for id in group.iter().flat_map(|nic| above(draft, links, *nic)) {
        let interface = draft.at(id);
        let routes = &draft.machines[id.0].routes;
        let by_route = routes.iter().filter(|route| route.to.prefix_len() == 0).filter_map(|route| route.via);
        for gateway in interface.gateways.iter().copied().chain(by_route) {
            let net = interface.addresses.iter().find(|net| net.contains(&gateway) && net.addr() != gateway);
            let known = everyone().any(|net| net.addr() == gateway);
            if let (Some(net), false) = (net, known)
                && let Ok(address) = IpNet::new(gateway, net.prefix_len())
            {
                let at = gateways.entry(tags(draft, links, id)).or_default();
                if !at.contains(&address) {
                    at.push(address);
                }
            }
        }
    }
    gateways
}

impl Wire {
    /// Makes the machine that has the addresses of gateways, by VLAN tags: a station, or for several subnets a router.
    /// Returns the device with the cable.
    fn gateway(
        &mut self,
        draft: &Draft,
        addresses: BTreeMap<Vec<VlanId>, Vec<IpNet>>,
        names: &mut Names,
    ) -> Name {
        // Who has it as a static neighbour knows its MAC address.
        let of = |net: &IpNet| {
            let mut all = draft.machines.iter().flat_map(|machine| &machine.interfaces);
            all.find_map(|interface| interface.neighbours.get(&net.addr()).copied())
        };
        let mac = addresses.values().flatten().find_map(of);
        let name = names.take("gateway");
        let note =
            Note::new(NoteKind::Guess, "the input names its address, and no machine that has it", None);
        self.notes.entry(name.clone()).or_default().push(note);
        let spec = |address: Vec<IpNet>| IpSpec { address, ..IpSpec::default() };
        let mut addresses = addresses.into_iter().collect::<Vec<_>>();
        if let [(tags, one)] = addresses.as_slice()
            && (tags.len(), one.len()) == (0, 1)
        {
            let mut station = StationSpec::new(&name, spec(one.clone()));
            station.mac = mac.unwrap_or(station.mac);
            self.devices.push(DeviceSpec::new(name.clone(), DeviceKind::Station(station)));
            return name;
        }
        let config = HostConfig { forwarding: true, ..HostConfig::default() };
        self.hosts.push(HostSpec { name: name.clone(), config, line: 0 });
        let cable = names.take("gw");
        let mut nic = NicSpec::named(&cable);
        nic.host = Some(name.clone());
        nic.mac = mac.unwrap_or(nic.mac);
        if addresses.first().is_some_and(|(tags, _)| tags.is_empty()) {
            nic.ip = spec(addresses.remove(0).1);
        }
        self.devices.push(DeviceSpec::new(cable.clone(), DeviceKind::Nic(nic)));
        let mut made: BTreeMap<Vec<VlanId>, Name> = BTreeMap::from([(Vec::new(), cable.clone())]);
        for (tags, own) in addresses {
            for depth in 1..=tags.len() {
                let path = tags[..depth].to_vec();
                if !made.contains_key(&path) {
                    let below = made[&tags[..depth - 1]].clone();
                    let vlan = names.take(&format!("{below}.{}", tags[depth - 1]));
                    let spec = VlanSpec::on(below, tags[depth - 1]).with_host(name.clone());
                    self.devices.push(DeviceSpec::new(vlan.clone(), DeviceKind::Vlan(spec)));
                    made.insert(path, vlan);
                }
            }
            let device = self.devices.iter_mut().find(|device| device.name == made[&tags]);
            if let Some(DeviceKind::Vlan(vlan)) = device.map(|device| &mut device.kind) {
                vlan.ip = spec(own);
            }
        }
        cable
    }
}
