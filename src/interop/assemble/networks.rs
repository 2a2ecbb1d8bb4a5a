//! Containers on managed networks: their interfaces and addresses, as the tool would make them.

use super::super::words::{successors, vlan_id};
use super::super::{
    Attachment, Check, Draft, Interface, Kind, Lower, Machine, Network, Note, NoteKind, Pool, Role, Route,
    engine,
};
use super::Id;
use crate::errno::Errno;
use crate::macvlan::Mode;
use crate::station::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Networks that every engine has, and that have no macvlan.
const BUILT_IN: [&str; 5] = ["bridge", "host", "none", "default", "podman"];

/// Container engines, which make the VLAN sub-interface that a network names as its parent.
const ENGINES: [&str; 4] = ["docker", "podman", "nerdctl", "compose"];

/// The driver that makes macvlans.
const MACVLAN: &str = "macvlan";

/// Gives every machine an interface for each network that it is attached to.
pub(super) fn attach(draft: &mut Draft) {
    make_members(draft);
    for at in 0..draft.networks.len() {
        make_parent(draft, at);
    }
    let mut books = Books::default();
    let mut made = Vec::new();
    for machine in 0..draft.machines.len() {
        let mut has_way_out = false;
        for attachment in std::mem::take(&mut draft.machines[machine].attachments) {
            let host = draft.machines[machine].on.unwrap_or(machine);
            let alike = |on| {
                let networks = (0..draft.networks.len()).zip(&draft.networks);
                let alike = networks.filter(|(_, n)| n.name == attachment.network && n.on == on);
                // A network on several devices is there for each of them: the one with the fewest ports is next.
                alike.map(|(at, _)| at).min_by_key(|at| books.ports.get(at))
            };
            let known = alike(Some(host)).or_else(|| alike(None));
            let Some(at) = known
                .or_else(|| refused(draft, machine, &attachment))
                .or_else(|| by_name(draft, host, &attachment))
            else {
                missing(draft, machine, &attachment);
                continue;
            };
            let network = &draft.networks[at];
            if is_bridge(network) {
                *books.ports.entry(at).or_default() += 1;
                cable(draft, machine, (host, &network.clone()), &attachment);
            } else if network.driver != MACVLAN {
                // A network that a lab does not have can have the default route.
                has_way_out |= !network.internal && draft.machines[machine].role == Role::Container;
            } else {
                let here = on_host(draft, &mut books, at, host);
                *books.ports.entry(here).or_default() += 1;
                let network = draft.networks[here].clone();
                let (out, used) = (has_way_out, books.of(draft, here));
                connect(draft, machine, (here, &network), &attachment, used, out);
                made.push((books.origin(here), (machine, draft.machines[machine].interfaces.len() - 1)));
            }
        }
    }
    tell_duplicates(draft, &made);
    let others: Vec<Network> = draft.networks.iter().filter(|n| n.driver == "ipvlan").cloned().collect();
    for network in &mut draft.networks {
        others.iter().for_each(|other| network.tell_beside(other));
    }
    for network in &mut draft.networks {
        if network.driver != MACVLAN && !is_bridge(network) {
            let text = format!("network `{}`: a lab has no {} networks", network.name, network.driver);
            draft.notes.push(Note::new(NoteKind::LeftOut, text, network.place));
        }
        for note in network.notes.drain(..) {
            let text = format!("network `{}`: {}", network.name, note.text);
            draft.notes.push(Note { text, ..note });
        }
    }
}

/// Members of the networks, if the input shows nobody on any: those of which it has nothing but their names, or made up.
fn make_members(draft: &mut Draft) {
    let is_member = |machine: &Machine| {
        !machine.attachments.is_empty() && matches!(machine.role, Role::Pod | Role::Container)
    };
    let pods = draft.machines.iter().any(|machine| machine.role == Role::Pod && is_member(machine));
    let containers = draft.machines.iter().any(is_member);
    let is_idle = |network: &&Network| {
        let is_used = if network.on.is_none() { pods } else { containers };
        network.driver == MACVLAN && !network.config_only && !is_used && network.tool != "libvirt"
    };
    let idle: Vec<Network> = draft.networks.iter().filter(is_idle).cloned().collect();
    let is_single = idle.len() == 1;
    for network in idle {
        let (role, word) =
            if network.on.is_none() { (Role::Pod, "pod") } else { (Role::Container, "container") };
        let host = network.on.unwrap_or_else(|| draft.host());
        let seen = draft.machines.iter().filter(|machine| {
            is_single && machine.role == role && machine.interfaces.iter().all(|i| i.lower().is_some())
        });
        let mut members: Vec<String> = seen.map(|member| member.name.clone()).collect();
        let short: String =
            network.name.rsplit('/').next().unwrap_or_default().chars().take(KEPT_OF_NAME).collect();
        let made = (1..).map(|n| if is_single { format!("{word}{n}") } else { format!("{short}-{n}") });
        members.extend(made.take(room(&network).saturating_sub(members.len())));
        for member in &members {
            let known = draft.machines.iter().position(|machine| machine.name == *member);
            let at = known.unwrap_or_else(|| draft.machine(member, role, Some(host)));
            join(draft, at, &network);
        }
        // Another node gives out the same addresses.
        if network.by_host && is_single {
            let node = draft.machine("node2", Role::Host, None);
            let at = draft.machine("pod-on-node2", role, Some(node));
            join(draft, at, &network);
            members.push("pod-on-node2".to_owned());
        }
        let name = &network.name;
        let text = format!("nothing in the input is on `{name}`: {} are taken to be", members.join(" and "));
        draft.note(NoteKind::Guess, text, network.place);
    }
}

/// How many members of a network are made up: two, if it has so many addresses.
fn room(network: &Network) -> usize {
    let is_one = |pool: &Pool| pool.range.is_some_and(|(first, last)| first == last);
    if network.pools.iter().any(is_one) { 1 } else { 2 }
}

fn join(draft: &mut Draft, machine: usize, network: &Network) {
    let refused = draft.refused;
    let machine = &mut draft.machines[machine];
    machine.attachments.push(Attachment {
        network: network.name.clone(),
        interface: (machine.role == Role::Pod).then(|| "net1".to_owned()),
        place: network.place,
        ..Attachment::default()
    });
    machine.refused = machine.refused.or(refused);
}

/// How much of a network's name is in those of pods that are made up, in characters.
const KEPT_OF_NAME: usize = 13;

/// What is known of networks, by their numbers.
#[derive(Default)]
struct Books {
    /// Addresses in use.
    used: BTreeMap<usize, BTreeSet<IpAddr>>,
    /// How many machines are on each.
    ports: BTreeMap<usize, usize>,
    /// The network of the cluster, of those that are there for a host.
    origins: BTreeMap<usize, usize>,
}

impl Books {
    fn of(&mut self, draft: &Draft, at: usize) -> &mut BTreeSet<IpAddr> {
        let book = if draft.networks[at].by_host { at } else { self.origin(at) };
        self.used.entry(book).or_insert_with(|| reserved(draft, &draft.networks[book]))
    }

    fn origin(&self, at: usize) -> usize {
        self.origins.get(&at).copied().unwrap_or(at)
    }
}

/// The number of a network on a host; one of a cluster gets there now.
fn on_host(draft: &mut Draft, books: &mut Books, at: usize, host: usize) -> usize {
    let network = &draft.networks[at];
    if network.on.is_some() {
        return at;
    }
    draft.networks.push(Network { on: Some(host), notes: Vec::new(), ..network.clone() });
    let here = draft.networks.len() - 1;
    books.origins.insert(here, at);
    make_parent(draft, here);
    here
}

/// Addresses that several nodes gave out by themselves. Other duplicates the lab shows.
fn tell_duplicates(draft: &mut Draft, made: &[(usize, Id)]) {
    let mut first: BTreeMap<(usize, IpAddr), usize> = BTreeMap::new();
    for (network, id) in
        made.iter().filter(|(network, _)| draft.networks[*network].by_host).copied().collect::<Vec<_>>()
    {
        let addresses: Vec<IpAddr> = draft.at(id).addresses.iter().map(IpNet::addr).collect();
        for address in addresses {
            let other = *first.entry((network, address)).or_insert(id.0);
            let (one, two) = (&draft.machines[other], &draft.machines[id.0]);
            if one.on != two.on {
                let text = format!(
                    "it has the same address as `{}`: each node gives out the addresses by itself",
                    one.name
                );
                draft.at_mut(id).note(NoteKind::Wrong(Check::NodeLocalRange), text);
            }
        }
    }
}

/// Whether the ports of a network are those of a bridge that the host has anyway.
fn is_bridge(network: &Network) -> bool {
    network.tool == "libvirt" && network.driver == "bridge" && network.parent.is_some()
}

/// Connects a guest to the bridge of a network.
fn cable(draft: &mut Draft, machine: usize, (host, network): (usize, &Network), attachment: &Attachment) {
    let Some(bridge) = &network.parent else { return };
    let name = attachment.interface.clone().unwrap_or_else(|| "eth0".to_owned());
    let port = draft.cable_to(host, None, bridge, (machine, &name));
    let mut end = Interface::new(name, Kind::Veth(Lower::Named(host, port)));
    (end.mac, end.mtu, end.dynamic) = (attachment.mac, network.ports.mtu, true);
    end.place = attachment.place;
    draft.machines[machine].interfaces.push(end);
}

fn missing(draft: &mut Draft, machine: usize, attachment: &Attachment) {
    if !BUILT_IN.contains(&attachment.network.as_str()) {
        let name = &draft.machines[machine].name;
        let text = format!("`{name}` is on the network `{}`, which is not in the input", attachment.network);
        draft.note(NoteKind::LeftOut, text, attachment.place);
    }
}

/// The kernel refuses ports for a few reasons only: a network that the input does not describe had mode passthru, on a
/// parent with other ports.
fn refused(draft: &mut Draft, machine: usize, attachment: &Attachment) -> Option<usize> {
    draft.machines[machine].refused?;
    let others = draft.networks.iter().find(|network| network.driver == MACVLAN)?;
    let mut network = Network {
        name: attachment.network.clone(),
        mode: Mode::Passthru,
        pools: Vec::new(),
        notes: Vec::new(),
        place: attachment.place,
        ..others.clone()
    };
    let parent = network.parent.as_deref().unwrap_or_default();
    let text =
        format!("it is not in the input; as the kernel refused its port, in mode passthru on {parent}");
    network.notes.push(Note::new(NoteKind::Guess, text, attachment.place));
    draft.networks.push(network);
    Some(draft.networks.len() - 1)
}

/// A network that the input does not describe, and whose name says what it is.
fn by_name(draft: &mut Draft, host: usize, attachment: &Attachment) -> Option<usize> {
    if !attachment.network.to_lowercase().contains(MACVLAN) {
        return None;
    }
    let known = draft.networks.iter().find(|network| network.driver == MACVLAN && network.on == Some(host));
    let nics = draft.machines[host].interfaces.iter().find(|interface| interface.kind == Kind::Nic);
    let parent = known.and_then(|known| known.parent.clone()).or(nics.map(|nic| nic.name.clone()));
    let parent = parent.unwrap_or_else(|| "eth0".to_owned());
    let mut network = Network {
        parent: Some(parent.clone()),
        place: attachment.place,
        ..Network::new(attachment.network.clone(), "docker", MACVLAN, Some(host))
    };
    let attached = draft.machines.iter().flat_map(|machine| &machine.attachments).chain([attachment]);
    for address in attached.filter(|other| other.network == attachment.network).flat_map(|a| &a.addresses) {
        let length = if address.addr().is_ipv4() { 24 } else { 64 };
        let subnet = IpNet::new(address.addr(), length).ok()?.trunc();
        if network.pools.iter().all(|pool| pool.subnet != subnet) {
            network.pools.push(Pool {
                subnet,
                range: None,
                gateway: None,
                reserved: Vec::new(),
                fixed: None,
            });
        }
    }
    engine::free_subnet(draft, &mut network, None, attachment.place);
    let text = format!("it is not in the input; by its name a macvlan network, in mode bridge on {parent}");
    network.notes.push(Note::new(NoteKind::Guess, text, attachment.place));
    draft.networks.push(network);
    make_parent(draft, draft.networks.len() - 1);
    Some(draft.networks.len() - 1)
}

/// The kernel says that a parent is in use otherwise: it is a port of a bridge or a bond.
fn enslave(draft: &mut Draft, host: usize, parent: &str) {
    let bridge = (0..).map(|n| format!("br{n}")).find(|name| draft.machines[host].interface(name).is_none());
    let nic = draft.machines[host].interface_mut(parent);
    if nic.kind != Kind::Nic || nic.master.is_some() {
        return;
    }
    nic.master.clone_from(&bridge);
    let text = "the kernel says that it is in use otherwise: taken to be a port of a bridge, which can be the parent";
    nic.note(NoteKind::Guess, text);
    let (addresses, gateways) = (std::mem::take(&mut nic.addresses), std::mem::take(&mut nic.gateways));
    let kind = Kind::Bridge { vlan_filtering: false, ageing: None };
    let bridge = bridge.map(|name| Interface { addresses, gateways, ..Interface::new(name, kind) });
    draft.machines[host].interfaces.extend(bridge);
}

/// The parent of a network, if it is one that the tool makes.
fn make_parent(draft: &mut Draft, at: usize) {
    let network = &draft.networks[at];
    let (Some(on), place) = (network.on, network.place) else { return };
    if network.driver != MACVLAN || network.config_only {
        return;
    }
    let mtu = network.ports.mtu;
    let by_tool = ENGINES.contains(&network.tool.as_str());
    let Some(parent) = network.parent.clone() else {
        let name = format!("dm-{}", network.name);
        let mut dummy = Interface::new(name.clone(), Kind::Dummy);
        dummy.place = place;
        // Without a way out it is as it was meant.
        let kind = if network.internal { NoteKind::Default } else { NoteKind::Wrong(Check::NoParent) };
        dummy.note(
            kind,
            "the network has no parent, so its ports are on a dummy, and nothing leaves the host",
        );
        draft.machines[on].interfaces.push(dummy);
        (draft.networks[at].parent, draft.networks[at].internal) = (Some(name), true);
        return;
    };
    if let Some(known) = draft.machines[on].interface(&parent) {
        if let (Some(own), Some(mtu)) = (known.mtu, mtu)
            && own < mtu
        {
            let text = format!("its MTU {mtu} is above that of `{parent}`, {own}: the kernel refuses it");
            draft.networks[at].note(NoteKind::Wrong(Check::MtuAboveParent), text, None);
        }
        return;
    }
    // Where the input shows the host's devices, what is not among them is not there.
    let shown =
        draft.machines[on].interfaces.iter().any(|interface| interface.seen && interface.name != "lo");
    let vlan = parent.split_once('.').and_then(|(below, id)| {
        let id = id.parse().ok().and_then(vlan_id)?;
        Some((below.to_owned(), id))
    });
    let mut interface = match vlan {
        Some((below, id)) => {
            let below = Lower::Named(on, below);
            let mut vlan = Interface::new(parent, Kind::Vlan { lower: below, id });
            if by_tool {
                vlan.note(NoteKind::Default, "made by the tool, because the network names it as its parent");
            } else {
                vlan.note(NoteKind::Guess, "by its name a VLAN sub-interface; the tool does not make it");
            }
            vlan
        }
        None => Interface::new(parent, Kind::Nic),
    };
    let below = match interface.lower() {
        Some(Lower::Named(_, below)) if by_tool => draft.machines[on].interface(below),
        _ => None,
    };
    if shown && below.is_none() {
        let text = "the network names it as its parent, and it is not among the devices that the input shows";
        interface.note(NoteKind::Wrong(Check::BadParent), text);
    }
    if let Some(mtu) = mtu.filter(|mtu| *mtu > 1500) {
        interface.mtu = Some(mtu);
        interface.note(NoteKind::Guess, format!("its MTU is not in the input: that of its ports, {mtu}"));
    }
    interface.place = place;
    draft.machines[on].interfaces.push(interface);
}

/// Addresses that are not given out: gateways, reserved ones, and those that were asked for.
fn reserved(draft: &Draft, network: &Network) -> BTreeSet<IpAddr> {
    let own = draft.machines.iter().filter(|machine| network.on.is_none() || machine.on == network.on);
    let asked = own.flat_map(|machine| &machine.attachments);
    let asked = asked.filter(|a| a.network == network.name);
    let asked = asked.flat_map(|a| a.addresses.iter().chain(&a.seen).map(IpNet::addr));
    let pools = network.pools.iter().flat_map(|pool| pool.gateway.into_iter().chain(pool.reserved.clone()));
    asked.chain(pools).collect()
}

/// What `ip` printed in a machine about its port on a network: that port's addresses, or those that are not the tool's.
fn view_of(machine: &mut Machine, network: &Network, attachment: &Attachment) -> Option<Interface> {
    let is_port = |i: &Interface| i.seen && matches!(i.kind, Kind::Macvlan { lower: Lower::Index(..), .. });
    let in_pool = |net: &IpNet| network.pools.iter().any(|pool| pool.subnet.contains(&net.addr()));
    let fits =
        |i: &Interface| i.addresses.is_empty() || network.pools.is_empty() || i.addresses.iter().any(in_pool);
    let is_named = |i: &Interface| attachment.interface.as_ref().is_none_or(|name| *name == i.name);
    let at = machine.interfaces.iter().position(|i| is_port(i) && is_named(i) && fits(i))?;
    Some(machine.interfaces.remove(at))
}

fn connect(
    draft: &mut Draft,
    machine: usize,
    (at, network): (usize, &Network),
    attachment: &Attachment,
    used: &mut BTreeSet<IpAddr>,
    has_way_out: bool,
) {
    let (Some(parent), Some(host)) = (&network.parent, network.on) else { return };
    let view = view_of(&mut draft.machines[machine], network, attachment);
    let number = draft.machines[machine].interfaces.len();
    let named = attachment.interface.clone().or_else(|| view.as_ref().map(|view| view.name.clone()));
    let name = named.unwrap_or_else(|| format!("eth{number}"));
    let mut port = Interface::macvlan(name, Lower::Named(host, parent.clone()), Some(network.mode));
    if let Kind::Macvlan { tap, .. } = &mut port.kind {
        *tap = network.tool == "libvirt";
        port.dynamic = *tap || network.ports.dhcp;
    }
    port.place = attachment.place.or(draft.machines[machine].place);
    port.mac = attachment.mac.or(network.ports.mac);
    (port.mtu, port.network) = (network.ports.mtu, Some(at));
    port.sysctls = network.ports.sysctls;
    (port.promisc, port.allmulticast) = (network.ports.promisc, network.ports.allmulticast);
    port.refused = draft.machines[machine].refused.filter(|_| number == 0);
    if port.refused == Some(Errno::Ebusy) && network.mode != Mode::Passthru {
        enslave(draft, host, parent);
    }
    port.seen = !attachment.seen.is_empty();
    port.addresses.clone_from(&attachment.seen);
    if let Some(view) = view {
        (port.mac, port.seen) = (view.mac.or(port.mac), true);
        if port.addresses.is_empty() {
            used.extend(view.addresses.iter().map(IpNet::addr));
            (port.addresses, port.dynamic) = (view.addresses, port.dynamic && !view.listed);
        }
    }
    port.gateways.clone_from(&attachment.gateways);
    let is_seen = !port.addresses.is_empty();
    // The first network that can have the default route has it.
    let is_first = !has_way_out && draft.machines[machine].interfaces.iter().all(|i| i.gateways.is_empty());
    let is_way_out = is_first && !network.internal && attachment.gateways.is_empty();
    if is_way_out && port.seen {
        port.gateways.extend(network.pools.iter().filter_map(|pool| pool.gateway));
    }
    for pool in network.pools.iter().filter(|_| !is_seen) {
        let asked = attachment.addresses.iter().map(IpNet::addr).find(|a| pool.subnet.contains(a));
        let address = asked.or(pool.fixed).or_else(|| {
            // What the host pings, or a machine in itself, is one of these as a rule.
            let is_here = |from: usize| from == machine || draft.machines[from].role == Role::Host;
            let probes = draft.probes.iter().filter(|probe| probe.from.is_none_or(is_here));
            let mut pinged = probes.map(|probe| probe.to);
            let pinged = pinged.find(|ip| pool.subnet.contains(ip) && !used.contains(ip));
            if let Some(pinged) = pinged {
                port.note(NoteKind::Guess, format!("no address is given; the input pings {pinged}"));
                return Some(pinged);
            }
            let free = next_free(pool, used)?;
            port.note(NoteKind::Guess, format!("no address is given; the next free one is {free}"));
            Some(free)
        });
        let Some(address) = address else { continue };
        used.insert(address);
        port.addresses.extend(IpNet::new(address, pool.subnet.prefix_len()));
        if is_way_out {
            port.gateways.extend(pool.gateway.filter(|gateway| *gateway != address));
        }
    }
    ask(&mut port, network, attachment);
    let routes = network.routes.iter().map(|route| {
        let mut gateways = network.pools.iter().filter_map(|pool| pool.gateway);
        let same_family = |gateway: &IpAddr| gateway.is_ipv4() == route.to.addr().is_ipv4();
        let via = route.via.or_else(|| gateways.find(same_family));
        Route { via, dev: Some(port.name.clone()), ..route.clone() }
    });
    draft.machines[machine].routes.extend(routes);
    draft.machines[machine].interfaces.push(port);
}

/// The addresses that were asked for, and that are in no subnet of the network: those of a network without subnets are
/// taken as they are.
fn ask(port: &mut Interface, network: &Network, attachment: &Attachment) {
    for net in &attachment.addresses {
        let address = net.addr();
        if network.pools.iter().any(|pool| pool.subnet.contains(&address)) {
            continue;
        }
        if !network.pools.is_empty() {
            let text =
                format!("{address} is in no subnet of network `{}`: the tool refuses it", network.name);
            port.note(NoteKind::Wrong(Check::OutsideSubnet), text);
        } else if net.prefix_len() < net.max_prefix_len() {
            port.addresses.push(*net);
        } else {
            let length = if address.is_ipv4() { 24 } else { 64 };
            port.addresses.extend(IpNet::new(address, length));
            port.note(NoteKind::Guess, format!("its subnet is not given: a /{length}"));
        }
    }
}

/// The lowest address of a pool that is not in use; the network's own and the broadcast address are left out.
fn next_free(pool: &Pool, used: &BTreeSet<IpAddr>) -> Option<IpAddr> {
    let is_in_range = |ip: &IpAddr| pool.range.is_none_or(|(first, last)| *ip >= first && *ip <= last);
    let from = pool.range.map_or(pool.subnet.network(), |(first, _)| first);
    let mut candidates = successors(from).filter(|ip| *ip != pool.subnet.network());
    candidates
        .by_ref()
        .take(1 << 16)
        .take_while(|ip| pool.subnet.contains(ip) && is_in_range(ip))
        .find(|ip| !used.contains(ip) && *ip != pool.subnet.broadcast())
}

/// The parents of managed networks have hosts with addresses, as a rule in the same subnet. If no interface of the host has
/// one, the last free address of the subnet stands for it.
pub(super) fn host_address(draft: &mut Draft) {
    for at in 0..draft.networks.len() {
        let network = &draft.networks[at];
        let pool = network.pools.iter().find(|pool| pool.subnet.addr().is_ipv4()).cloned();
        let Some(on) = network.on else { continue };
        let host = &draft.machines[on];
        let has_address = host.interfaces.iter().any(|i| !i.addresses.is_empty());
        let is_macvlan = network.driver == "macvlan" && host.role == Role::Host;
        let (Some(parent), Some(pool)) = (network.parent.clone(), pool) else { continue };
        let Some(nic) = draft.named(on, &parent).filter(|id| draft.at(*id).kind == Kind::Nic) else {
            continue;
        };
        if has_address || !is_macvlan {
            continue;
        }
        let all = draft.machines.iter().flat_map(|m| &m.interfaces).flat_map(|i| &i.addresses);
        let mut used: BTreeSet<IpAddr> = all.map(|net| net.addr()).collect();
        used.extend(pool.gateway);
        used.extend(&pool.reserved);
        let whole = Pool { range: None, ..pool.clone() };
        let free = last_free(&pool, &used).or_else(|| last_free(&whole, &used));
        let Some(address) = free else { continue };
        // What is a port of a bridge has its address there.
        let master = draft.at(nic).master.as_deref().and_then(|master| draft.named(on, master));
        let nic = draft.at_mut(master.unwrap_or(nic));
        nic.addresses.extend(IpNet::new(address, pool.subnet.prefix_len()));
        nic.note(NoteKind::Guess, "the host's own address is not in the input");
    }
}

fn last_free(pool: &Pool, used: &BTreeSet<IpAddr>) -> Option<IpAddr> {
    let IpAddr::V4(broadcast) = pool.subnet.broadcast() else { return None };
    let below =
        (1..4096).filter_map(|n| broadcast.to_bits().checked_sub(n)).map(|bits| IpAddr::V4(bits.into()));
    let given_out = |ip: &IpAddr| pool.range.is_some_and(|(first, last)| *ip >= first && *ip <= last);
    below
        .take_while(|ip| pool.subnet.contains(ip) && *ip != pool.subnet.network())
        .find(|ip| !used.contains(ip) && !given_out(ip))
}
