//! What the input does not say about networks, and has to be there: members, networks that are only named, and why a parent
//! is busy.

use super::super::{
    Attachment, Draft, Interface, Kind, Machine, Network, Note, NoteKind, Pool, Role, engine,
};
use super::networks::{MACVLAN, make_parent};
use crate::macvlan::Mode;
use crate::station::IpNet;

/// Networks that every engine has, and that have no macvlan.
const BUILT_IN: [&str; 5] = ["bridge", "host", "none", "default", "podman"];

/// Members of the networks, if the input shows nobody on any: those of which it has nothing but their names, or made up.
pub(super) fn make_members(draft: &mut Draft) {
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

/// How much of a network's name is in those of pods that are made up, in characters.
const KEPT_OF_NAME: usize = 13;

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

/// A network that the input does not describe, and whose name says what it is.
pub(super) fn by_name(draft: &mut Draft, host: usize, attachment: &Attachment) -> Option<usize> {
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

/// The kernel refuses ports for a few reasons only: a network that the input does not describe had mode passthru, on a
/// parent with other ports.
pub(super) fn refused(draft: &mut Draft, machine: usize, attachment: &Attachment) -> Option<usize> {
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

/// The kernel says that a parent is in use otherwise: it is a port of a bridge or a bond.
pub(super) fn enslave(draft: &mut Draft, host: usize, parent: &str) {
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

pub(super) fn missing(draft: &mut Draft, machine: usize, attachment: &Attachment) {
    if !BUILT_IN.contains(&attachment.network.as_str()) {
        let name = &draft.machines[machine].name;
        let text = format!("`{name}` is on the network `{}`, which is not in the input", attachment.network);
        draft.note(NoteKind::LeftOut, text, attachment.place);
    }
}
