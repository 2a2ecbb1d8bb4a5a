//! Containers on managed networks: their interfaces and addresses, as the tool would make them.

use super::super::words::{successors, vlan_id};
use super::super::{
    Attachment, Check, Draft, Interface, Kind, Lower, Machine, Network, Note, NoteKind, Pool, Role, Route,
};
use super::Id;
use super::made_up::{by_name, enslave, make_members, missing, refused};
use crate::errno::Errno;
use crate::macvlan::Mode;
use crate::station::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Container engines, which make the VLAN sub-interface that a network names as its parent.
const ENGINES: [&str; 4] = ["docker", "podman", "nerdctl", "compose"];

/// The driver that makes macvlans.
pub(super) const MACVLAN: &str = "macvlan";

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

/// The parent of a network, if it is one that the tool makes.
pub(super) fn make_parent(draft: &mut Draft, at: usize) {
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
