//! What is below each interface, and where the cables go.

use super::super::{Check, Draft, Interface, Kind, Lower, NoteKind, Role, Space};
use super::{Id, networks, same};
use crate::switch::PortVlans;
use std::collections::{BTreeMap, BTreeSet};

/// How the interfaces of a draft are connected.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// What is directly below a macvlan or a VLAN sub-interface.
    pub(super) below: BTreeMap<Id, Id>,
    /// The bridge that an interface of the same machine is a port of.
    pub(super) master: BTreeMap<Id, Id>,
    /// The bridge at the other end of a cable, and the port there.
    pub(super) cabled: BTreeMap<Id, (Id, Id)>,
    /// The NIC at the other end of a cable, once for each cable.
    pub(super) pairs: BTreeMap<Id, Id>,
    /// Interfaces whose cable leads nowhere.
    pub(super) idle: BTreeSet<Id>,
    /// Ends of veth pairs that are only the port of a bridge, and what cannot be in a lab.
    pub(super) gone: BTreeSet<Id>,
}

impl Links {
    /// Whether there is something on an interface.
    pub(super) fn carries(&self, id: Id) -> bool {
        self.below.values().any(|below| *below == id)
    }

    /// Whether a machine has nothing but bridges and their ports.
    fn is_switch(&self, draft: &Draft, machine: usize) -> bool {
        let interfaces = draft.machines[machine].interfaces.iter().enumerate();
        let mut interfaces = interfaces.map(|(at, interface)| ((machine, at), interface));
        interfaces.all(|(id, interface)| {
            let port = self.master.contains_key(&id) && !self.carries(id);
            (port || matches!(interface.kind, Kind::Bridge { .. })) && interface.addresses.is_empty()
        })
    }

    /// Whether an interface has no address, and nothing is on it.
    fn is_bare(&self, draft: &Draft, id: Id) -> bool {
        draft.at(id).addresses.is_empty() && !self.carries(id)
    }

    /// The end of a pair that only gives the other one a carrier: the one that is bare. If both are, the kernel made the far
    /// end first.
    fn far_end(&self, draft: &Draft, one: Id, other: Id) -> Id {
        let is_first = |id: Id| draft.at(id).index;
        match (self.is_bare(draft, one), self.is_bare(draft, other)) {
            (true, false) => one,
            (true, true) if is_first(one) < is_first(other) && is_first(one).is_some() => one,
            _ => other,
        }
    }

    /// The NIC, dummy or bridge under an interface.
    pub(super) fn root(&self, id: Id) -> Id {
        let mut at = id;
        // As many steps as there are links: a circle ends.
        for _ in 0..=self.below.len() {
            match self.below.get(&at) {
                Some(below) => at = *below,
                None => break,
            }
        }
        at
    }
}

/// Finds everything that an interface refers to. What is missing must have been there before, and is made.
pub(super) fn settle(draft: &mut Draft) -> Links {
    find_spaces(draft);
    look_outside(draft);
    let mut links = Links::default();
    drop_unplaced(draft, &mut links);
    make_missing(draft);
    drop_foreign(draft, &mut links);
    networks::host_address(draft);
    for id in draft.ids().collect::<Vec<_>>() {
        if let Some(below) = draft.at(id).lower().and_then(|lower| find(draft, id.0, lower)) {
            links.below.insert(id, below);
        }
        if let Some(master) = draft.at(id).master.clone() {
            match draft.named(id.0, &master) {
                // The kernel's br_add_if: ELOOP.
                Some(_) if matches!(draft.at(id).kind, Kind::Bridge { .. }) => {
                    let told =
                        format!("it is a port of `{master}`: a bridge is not a port of a bridge (ELOOP)");
                    draft.at_mut(id).note(NoteKind::Wrong(Check::Refused), told);
                }
                Some(bridge) if matches!(draft.at(bridge).kind, Kind::Bridge { .. }) => {
                    links.master.insert(id, bridge);
                }
                _ => draft.at_mut(id).note(NoteKind::LeftOut, format!("it is a port of `{master}`")),
            }
        }
    }
    drop_unsupported(draft, &mut links);
    cut_circles(draft, &mut links);
    pair(draft, &mut links);
    same::merge(draft, &mut links);
    drop_groundless(draft, &mut links);
    prune(draft, &mut links);
    links
}

/// Finds the namespaces that interfaces refer to by ID or name. One that was not read is a machine of which nothing is known.
fn find_spaces(draft: &mut Draft) {
    for id in draft.ids().collect::<Vec<_>>() {
        let Some(Lower::Index(space, _)) = draft.at_mut(id).refers_to() else { continue };
        let space = space.clone();
        let name = match &space {
            Space::Id(number) => draft.machines[id.0].nsids.get(number).cloned(),
            Space::Named(name) => Some(name.clone()),
            Space::Host | Space::Machine(_) => continue,
        };
        let found = name.map_or(Space::Host, |name| {
            let host = draft.machines[id.0].on.unwrap_or(id.0);
            Space::Machine(draft.machine(&name, Role::Namespace, Some(host)))
        });
        if let Some(Lower::Index(space, _)) = draft.at_mut(id).refers_to() {
            *space = found;
        }
    }
}

/// What is shown by its number only is in another namespace: not in the machine itself.
fn look_outside(draft: &mut Draft) {
    for id in draft.ids().collect::<Vec<_>>() {
        let is_host = draft.machines[id.0].on.is_none();
        let is_outside = |space: &Space| is_host && *space == Space::Host;
        let kind = match &draft.at(id).kind {
            Kind::Macvlan { lower: lower @ Lower::Index(space, _), mode: None, .. } if is_end(draft, id) => {
                if is_outside(space) {
                    Kind::Nic
                } else {
                    Kind::Veth(lower.clone())
                }
            }
            Kind::Veth(Lower::Index(space, _)) if is_outside(space) => Kind::Nic,
            _ => {
                if let Some(lower) = draft.at_mut(id).refers_to()
                    && let Lower::Index(Space::Host, index) = lower
                    && is_host
                {
                    *lower = Lower::Named(id.0, format!("if{index}"));
                }
                continue;
            }
        };
        draft.at_mut(id).kind = kind;
    }
}

/// Without details, the end of a veth pair looks like a macvlan. Only the former carries macvlans, and has its other end in a
/// bridge.
fn is_end(draft: &Draft, id: Id) -> bool {
    let interface = draft.at(id);
    let above = |other: &Id| matches!(draft.at(*other).lower(), Some(Lower::Named(m, name)) if (*m, name) == (id.0, &interface.name));
    let is_port = |lower: &Lower| find(draft, id.0, lower).is_some_and(|end| draft.at(end).master.is_some());
    interface.lower().is_some_and(is_port) || draft.ids().any(|other| above(&other))
}

/// Devices that are described, and that nothing puts on another one.
fn drop_unplaced(draft: &mut Draft, links: &mut Links) {
    let is_unplaced =
        |id: &Id| matches!(draft.at(*id).lower(), Some(Lower::Named(_, name)) if name.is_empty());
    let unplaced: Vec<Id> = draft.ids().filter(is_unplaced).collect();
    for id in unplaced {
        let interface = draft.at(id);
        let text =
            format!("`{}`: nothing names it as a device on another one, so it is not made", interface.name);
        let place = interface.place;
        draft.note(NoteKind::Wrong(Check::BadParent), text, place);
        draft.at_mut(id).kind = Kind::Dummy;
        links.gone.insert(id);
    }
}

/// Makes the NICs that are named as parents and described nowhere, and the bridges that have ports.
fn make_missing(draft: &mut Draft) {
    for id in draft.ids().collect::<Vec<_>>() {
        if let Some(lower) = draft.at(id).lower().cloned()
            && find(draft, id.0, &lower).is_none()
        {
            let place = draft.at(id).place;
            let (machine, name, index) = match lower {
                Lower::Named(machine, name) => (machine, name, None),
                Lower::Index(space, index) => {
                    let machine = machine_of(draft, id.0, &space);
                    (machine, format!("if{index}"), Some(index))
                }
            };
            let mut nic = Interface::new(name, Kind::Nic);
            (nic.place, nic.index) = (place, index);
            nic.note(NoteKind::Guess, "the input does not describe it: taken to be a NIC");
            draft.machines[machine].interfaces.push(nic);
        }
        if let Some(master) = draft.at(id).master.clone() {
            let place = draft.at(id).place;
            let filters = draft.at(id).vlans.as_ref().is_some_and(|vlans| *vlans != PortVlans::default());
            let bridge = draft.machines[id.0].interface_mut(&master);
            if bridge.kind == Kind::Nic {
                // Its ports may show what it does.
                if filters {
                    bridge.note(NoteKind::Guess, "its ports have VLANs: taken to filter them");
                }
                bridge.kind = Kind::Bridge { vlan_filtering: filters, ageing: None };
                bridge.place = bridge.place.or(place);
            }
        }
    }
}

/// The machine that is this namespace, as another one knows it.
fn machine_of(draft: &Draft, own: usize, space: &Space) -> usize {
    match space {
        Space::Machine(machine) => *machine,
        Space::Host | Space::Id(_) | Space::Named(_) => draft.machines[own].on.unwrap_or(own),
    }
}

fn find(draft: &Draft, own: usize, lower: &Lower) -> Option<Id> {
    match lower {
        Lower::Named(machine, name) => draft.named(*machine, name),
        Lower::Index(space, index) => {
            let machine = machine_of(draft, own, space);
            let interfaces = &draft.machines[machine].interfaces;
            interfaces.iter().position(|i| i.index == Some(*index)).map(|at| (machine, at))
        }
    }
}

/// A device of a type that a lab does not have is a NIC if others need it: as a bond, it leads to the network outside. Any other
/// one is left out.
fn drop_foreign(draft: &mut Draft, links: &mut Links) {
    const BUNDLES: [&str; 2] = ["bond", "team"];
    let needed: BTreeSet<Id> = draft
        .ids()
        .filter_map(|id| draft.at(id).lower().and_then(|lower| find(draft, id.0, lower)))
        .collect();
    let mut names = Vec::new();
    for id in draft.ids().collect::<Vec<_>>() {
        let interface = draft.at_mut(id);
        let Kind::Other(kind) = interface.kind.clone() else { continue };
        if BUNDLES.contains(&kind.as_str()) || needed.contains(&id) || interface.master.is_some() {
            interface.note(NoteKind::Guess, format!("a device of type {kind} is taken to be a NIC"));
            interface.kind = Kind::Nic;
        } else {
            names.push(format!("`{}` ({kind})", interface.name));
            links.gone.insert(id);
        }
    }
    if !names.is_empty() {
        draft.note(
            NoteKind::LeftOut,
            format!("{}: a lab has no devices of these types", names.join(", ")),
            None,
        );
    }
}

/// A VLAN sub-interface of a bridge or of a macvlan is left out: a lab has none.
fn drop_unsupported(draft: &mut Draft, links: &mut Links) {
    let is_unsupported = |(above, below): &(&Id, &Id)| {
        matches!(draft.at(**above).kind, Kind::Vlan { .. })
            && matches!(draft.at(**below).kind, Kind::Bridge { .. } | Kind::Macvlan { .. })
    };
    let vlans: Vec<(Id, Id)> =
        links.below.iter().filter(is_unsupported).map(|(above, below)| (*above, *below)).collect();
    for (vlan, below) in vlans {
        links.below.remove(&vlan);
        links.gone.insert(vlan);
        let text =
            format!("`{}`: a VLAN of `{}`, which is no NIC", draft.at(vlan).name, draft.at(below).name);
        draft.note(NoteKind::LeftOut, text, draft.at(vlan).place);
    }
}

/// An interface that is below itself is left out.
fn cut_circles(draft: &mut Draft, links: &mut Links) {
    let on_circle = |id: &Id| {
        let mut at = *id;
        (0..=links.below.len()).any(|_| match links.below.get(&at) {
            Some(below) => {
                at = *below;
                at == *id
            }
            None => false,
        })
    };
    let circle: Vec<Id> = links.below.keys().filter(|id| on_circle(id)).copied().collect();
    for id in circle {
        links.below.remove(&id);
        links.gone.insert(id);
        let text = format!("`{}` is said to be below itself", draft.at(id).name);
        draft.note(NoteKind::LeftOut, text, draft.at(id).place);
    }
    // What was on it has nothing below any more.
    let lost: Vec<Id> = draft.ids().filter(|id| draft.at(*id).lower().is_some()).collect();
    for id in lost {
        if links.gone.contains(&links.root(id)) {
            links.gone.insert(id);
        }
    }
}

/// What is on a device that is not there, or has gone, goes as well.
fn drop_groundless(draft: &mut Draft, links: &mut Links) {
    loop {
        let is_there = |below: &Id| !links.gone.contains(below);
        let is_groundless = |id: &Id| {
            is_there(id) && draft.at(*id).lower().is_some() && !links.below.get(id).is_some_and(is_there)
        };
        let gone: Vec<Id> = draft.ids().filter(is_groundless).collect();
        if gone.is_empty() {
            break;
        }
        for id in gone {
            links.gone.insert(id);
            let text = format!("`{}`: what it is on is not there", draft.at(id).name);
            draft.note(NoteKind::LeftOut, text, draft.at(id).place);
        }
    }
}

/// Veth pairs: a cable to a bridge's port, or between two NICs.
fn pair(draft: &mut Draft, links: &mut Links) {
    for id in draft.ids().collect::<Vec<_>>() {
        let Kind::Veth(peer) = draft.at(id).kind.clone() else { continue };
        draft.at_mut(id).kind = Kind::Nic;
        let taken = |id: Id| {
            links.cabled.contains_key(&id)
                || links.gone.contains(&id)
                || links.pairs.iter().any(|(a, b)| *a == id || *b == id)
        };
        // What is shown by its number may be anything, if the input is mixed up.
        let is_end = |peer: &Id| *peer != id && !matches!(draft.at(*peer).kind, Kind::Bridge { .. });
        let peer = find(draft, id.0, &peer).filter(|peer| is_end(peer) && !taken(*peer) && !taken(id));
        let Some(peer) = peer else { continue };
        draft.at_mut(peer).kind = Kind::Nic;
        let bridges = (links.master.get(&id).copied(), links.master.get(&peer).copied());
        let (port, bridge, end) = match bridges {
            (Some(bridge), None) => (id, bridge, peer),
            (None, Some(bridge)) => (peer, bridge, id),
            // The far end of an idle cable: only so that the near one has carrier.
            (None, None) if id.0 == peer.0 && (links.is_bare(draft, id) || links.is_bare(draft, peer)) => {
                let far = links.far_end(draft, id, peer);
                links.gone.insert(far);
                links.idle.insert(if far == id { peer } else { id });
                continue;
            }
            (None, None) => {
                // The cable is told where there are ports.
                let (one, other) =
                    if links.carries(peer) && !links.carries(id) { (peer, id) } else { (id, peer) };
                links.pairs.insert(one, other);
                continue;
            }
            // A cable between two bridges: the far one is where there is nothing but bridges and their ports.
            (Some(own), Some(far)) => {
                if links.is_switch(draft, id.0) {
                    (id, own, peer)
                } else {
                    (peer, far, id)
                }
            }
        };
        links.master.remove(&port);
        links.gone.insert(port);
        links.cabled.insert(end, (bridge, port));
    }
}

/// Devices that a tool listed and that have no part in anything here: no address, and nothing on them but such devices;
/// and the bridges that engines and libvirt make for themselves.
fn prune(draft: &mut Draft, links: &mut Links) {
    let mut names = Vec::new();
    // A device goes once everything on it has gone.
    loop {
        let gone: Vec<Id> = draft.ids().filter(|id| is_idle(draft, links, *id)).collect();
        if gone.is_empty() {
            break;
        }
        names.extend(gone.iter().map(|id| format!("`{}`", draft.at(*id).name)));
        links.gone.extend(gone);
    }
    if !names.is_empty() {
        draft.note(NoteKind::LeftOut, format!("{}: without a part in this", names.join(", ")), None);
    }
}

/// How the names of bridges begin that engines and libvirt make for themselves, and of tunnels that are always there.
const OWN: [&str; 11] =
    ["docker", "virbr", "podman", "cni", "lxcbr", "br-", "tunl", "sit", "gre", "teql", "ip6tnl"];

fn is_idle(draft: &Draft, links: &Links, id: Id) -> bool {
    let interface = draft.at(id);
    let is_below = |(above, below): (&Id, &Id)| *below == id && !links.gone.contains(above);
    let is_used = links.below.iter().any(is_below)
        || links.master.iter().any(is_below)
        || links.cabled.iter().any(|(end, (bridge, _))| *bridge == id || *end == id)
        || links.pairs.iter().any(|(a, b)| *a == id || *b == id);
    let is_port = links.master.get(&id).is_some_and(|bridge| {
        let carries = links.below.iter().any(|(above, below)| below == bridge && !links.gone.contains(above));
        let is_end = links.cabled.values().any(|(to, _)| to == bridge);
        let bridge = draft.at(*bridge);
        !is_own(&bridge.name) && (carries || is_end || !bridge.addresses.is_empty())
    });
    let is_bare = interface.addresses.is_empty() && interface.lower().is_none();
    interface.seen
        && draft.machines[id.0].role == Role::Host
        && !links.gone.contains(&id)
        && !is_used
        && !is_port
        && (is_bare || is_own(&interface.name))
}

fn is_own(name: &str) -> bool {
    OWN.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether an interface leads to the network outside: a NIC of a machine that has some, or the port of a bridge, unless it is
/// known where its cable goes.
pub(super) fn is_outside(draft: &Draft, links: &Links, id: Id) -> bool {
    let is_port = links.master.contains_key(&id) && !links.idle.contains(&id);
    draft.at(id).kind == Kind::Nic
        && (draft.machines[id.0].role == Role::Host || is_port)
        && !links.gone.contains(&id)
        && !links.cabled.contains_key(&id)
        && !links.pairs.iter().any(|(a, b)| *a == id || *b == id)
}
