//! Containers on managed networks: their interfaces and addresses, as the tool would make them.

use super::super::{Attachment, Check, Draft, Interface, Kind, Lower, Network, Note, NoteKind, Pool, Role};
use crate::frame::VlanId;
use crate::macvlan::Mode;
use crate::station::{IpNet, Sysctl};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Networks that every engine has, and that have no macvlan.
const BUILT_IN: [&str; 5] = ["bridge", "host", "none", "default", "podman"];

/// Gives every machine an interface for each network that it is attached to.
pub(super) fn attach(draft: &mut Draft) {
    for at in 0..draft.networks.len() {
        make_parent(draft, at);
    }
    let mut ports = vec![0_usize; draft.networks.len()];
    let mut pools: Vec<BTreeSet<IpAddr>> = draft.networks.iter().map(|n| reserved(draft, n)).collect();
    for machine in 0..draft.machines.len() {
        for attachment in std::mem::take(&mut draft.machines[machine].attachments) {
            let host = draft.machines[machine].on.unwrap_or(machine);
            // A network on several devices is there for each of them: the one with the fewest ports is next.
            let same = |n: &Network| n.name == attachment.network && n.on == host;
            let known = (0..ports.len()).filter(|at| draft.networks.get(*at).is_some_and(same));
            let known = known.min_by_key(|at| ports[*at]);
            let Some(at) = known.or_else(|| refused(draft, machine, &attachment)) else {
                missing(draft, machine, &attachment);
                continue;
            };
            pools.resize_with(draft.networks.len(), BTreeSet::new);
            ports.resize(draft.networks.len(), 0);
            ports[at] += 1;
            let network = draft.networks[at].clone();
            if is_bridge(&network) {
                cable(draft, machine, &network, &attachment);
            } else if network.driver == "macvlan" {
                connect(draft, machine, (at, &network), &attachment, &mut pools[at]);
            }
        }
    }
    for network in &mut draft.networks {
        if network.driver != "macvlan" && !is_bridge(network) {
            let text = format!("network `{}`: a lab has no {} networks", network.name, network.driver);
            draft.notes.push(Note::new(NoteKind::LeftOut, text, network.place));
        }
        for note in network.notes.drain(..) {
            let text = format!("network `{}`: {}", network.name, note.text);
            draft.notes.push(Note { text, ..note });
        }
    }
}

/// Whether the ports of a network are those of a bridge that the host has anyway.
fn is_bridge(network: &Network) -> bool {
    network.driver == "bridge" && network.parent.is_some()
}

/// Connects a guest to the bridge of a network.
fn cable(draft: &mut Draft, machine: usize, network: &Network, attachment: &Attachment) {
    let Some(bridge) = &network.parent else { return };
    let name = attachment.interface.clone().unwrap_or_else(|| "eth0".to_owned());
    let port = draft.cable_to(network.on, None, bridge, (machine, &name));
    let mut end = Interface::new(name, Kind::Veth(Lower::Named(network.on, port)));
    (end.mac, end.mtu, end.dynamic) = (attachment.mac, network.mtu, true);
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
    let others = draft.networks.iter().find(|network| network.driver == "macvlan")?;
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

/// The parent of a network, if it is one that the tool makes.
fn make_parent(draft: &mut Draft, at: usize) {
    let network = &draft.networks[at];
    if network.driver != "macvlan" {
        return;
    }
    let (on, place) = (network.on, network.place);
    let Some(parent) = network.parent.clone() else {
        let name = format!("dm-{}", network.name);
        let mut dummy = Interface::new(name.clone(), Kind::Dummy);
        dummy.place = place;
        dummy.note(
            NoteKind::Default,
            "the network has no parent, so its ports are on a dummy, and nothing leaves the host",
        );
        draft.machines[on].interfaces.push(dummy);
        (draft.networks[at].parent, draft.networks[at].internal) = (Some(name), true);
        return;
    };
    if draft.machines[on].interface(&parent).is_some() {
        return;
    }
    let vlan = parent.split_once('.').and_then(|(below, id)| {
        let id = id.parse().ok().filter(|id| (1..4095).contains(id)).and_then(VlanId::new)?;
        Some((below.to_owned(), id))
    });
    let mut interface = match vlan {
        Some((below, id)) => {
            let below = Lower::Named(on, below);
            let mut vlan = Interface::new(parent, Kind::Vlan { lower: below, id });
            vlan.note(NoteKind::Default, "made by the tool, because the network names it as its parent");
            vlan
        }
        None => Interface::new(parent, Kind::Nic),
    };
    interface.place = place;
    draft.machines[on].interfaces.push(interface);
}

/// Addresses that are not given out: gateways, reserved ones, and those that were asked for.
fn reserved(draft: &Draft, network: &Network) -> BTreeSet<IpAddr> {
    let own = draft.machines.iter().filter(|machine| machine.on == Some(network.on));
    let asked = own.flat_map(|machine| &machine.attachments);
    let asked = asked.filter(|a| a.network == network.name);
    let asked = asked.flat_map(|a| a.addresses.iter().copied().chain(a.seen.iter().map(IpNet::addr)));
    let pools = network.pools.iter().flat_map(|pool| pool.gateway.into_iter().chain(pool.reserved.clone()));
    asked.chain(pools).collect()
}

fn connect(
    draft: &mut Draft,
    machine: usize,
    (at, network): (usize, &Network),
    attachment: &Attachment,
    used: &mut BTreeSet<IpAddr>,
) {
    let Some(parent) = &network.parent else { return };
    let number = draft.machines[machine].interfaces.len();
    let name = attachment.interface.clone().unwrap_or_else(|| format!("eth{number}"));
    let mut port = Interface::macvlan(name, Lower::Named(network.on, parent.clone()), Some(network.mode));
    if let Kind::Macvlan { tap, .. } = &mut port.kind {
        *tap = network.tool == "libvirt";
        port.dynamic = *tap;
    }
    port.place = attachment.place.or(draft.machines[machine].place);
    port.mac = attachment.mac;
    (port.mtu, port.network) = (network.mtu, Some(at));
    if network.announces {
        port.sysctls.set(Sysctl::ArpNotify, 1);
    }
    port.refused = draft.machines[machine].refused.filter(|_| number == 0);
    port.seen = !attachment.seen.is_empty();
    port.addresses.clone_from(&attachment.seen);
    if number == 0 && !network.internal && port.seen {
        port.gateways.extend(network.pools.iter().filter_map(|pool| pool.gateway));
    }
    for pool in network.pools.iter().filter(|_| attachment.seen.is_empty()) {
        let asked = attachment.addresses.iter().find(|a| pool.subnet.contains(*a)).copied();
        let address = asked.or_else(|| {
            let free = next_free(pool, used)?;
            port.note(NoteKind::Guess, format!("no address is given; the next free one is {free}"));
            Some(free)
        });
        let Some(address) = address else { continue };
        used.insert(address);
        port.addresses.extend(IpNet::new(address, pool.subnet.prefix_len()));
        // The first network has the default route.
        if number == 0 && !network.internal {
            port.gateways.extend(pool.gateway.filter(|gateway| *gateway != address));
        }
    }
    for address in &attachment.addresses {
        if !network.pools.is_empty() && !network.pools.iter().any(|pool| pool.subnet.contains(address)) {
            let text =
                format!("{address} is in no subnet of network `{}`: the tool refuses it", network.name);
            port.note(NoteKind::Wrong(Check::OutsideSubnet), text);
        }
    }
    draft.machines[machine].interfaces.push(port);
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

/// An address, and all after it.
fn successors(from: IpAddr) -> impl Iterator<Item = IpAddr> {
    std::iter::successors(Some(from), |ip| match ip {
        IpAddr::V4(ip) => ip.to_bits().checked_add(1).map(|bits| IpAddr::V4(bits.into())),
        IpAddr::V6(ip) => ip.to_bits().checked_add(1).map(|bits| IpAddr::V6(bits.into())),
    })
}

/// The parents of managed networks have hosts with addresses, as a rule in the same subnet. If no interface of the host has
/// one, the last free address of the subnet stands for it.
pub(super) fn host_address(draft: &mut Draft) {
    for at in 0..draft.networks.len() {
        let network = &draft.networks[at];
        let (on, pool) =
            (network.on, network.pools.iter().find(|pool| pool.subnet.addr().is_ipv4()).cloned());
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
        let Some(address) = last_free(&pool, &used) else { continue };
        let nic = draft.at_mut(nic);
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
