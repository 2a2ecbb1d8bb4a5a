//! One machine in several outputs: a container in the engine's words, and its namespace as `ip` shows it.

use super::super::{Draft, Kind, NoteKind, Role};
use super::Id;
use super::links::Links;
use crate::frame::MacAddr;
use crate::station::IpNet;
use std::net::IpAddr;

/// Takes machines for one if a port of theirs has the same MAC address on the same parent, as far as outputs show it. Two
/// descriptions that are not views of one machine are of different times: the kernel gives an address to one port only.
pub(super) fn merge(draft: &mut Draft, links: &mut Links) {
    let is_seen_port = |id: &Id| is_port(draft, *id) && draft.at(*id).seen;
    let ports: Vec<Id> = draft.ids().filter(is_seen_port).collect();
    let is_view = |id: &Id| draft.machines[id.0].role == Role::Namespace;
    let (views, mut ports): (Vec<Id>, Vec<Id>) = ports.into_iter().partition(is_view);
    for view in views {
        // The last one, because the others are of earlier times.
        if let Some(twin) = ports.iter().rev().find(|port| is_twin(draft, links, view, **port)) {
            // What the namespace shows is what is there.
            let (addresses, up) = (draft.at(view).addresses.clone(), draft.at(view).up);
            let port = draft.at_mut(*twin);
            (port.addresses, port.up) = (addresses, up);
            links.gone.insert(view);
        }
    }
    // A guest's port is a device of its host, which `ip` shows there.
    let guests: Vec<Id> = draft.ids().filter(|id| is_port_of(draft, *id, Role::Guest)).collect();
    let of_guest = |id: &Id| guests.iter().any(|guest| is_twin(draft, links, *id, *guest));
    let views: Vec<Id> = ports.iter().copied().filter(of_guest).collect();
    ports.retain(|id| !views.contains(id));
    links.gone.extend(views);
    for (number, &id) in ports.iter().enumerate() {
        let Some(twin) = ports[..number].iter().find(|port| is_twin(draft, links, id, **port)) else {
            continue;
        };
        let (one, other) = (&draft.machines[id.0].name, &draft.machines[twin.0].name);
        let text =
            format!("`{one}` has the MAC address of `{other}` on the same parent, so it is of another time");
        draft.note(NoteKind::LeftOut, text, draft.at(id).place);
        links.gone.insert(id);
    }
}

fn is_port(draft: &Draft, id: Id) -> bool {
    matches!(draft.at(id).kind, Kind::Macvlan { .. })
}

fn is_port_of(draft: &Draft, id: Id, role: Role) -> bool {
    is_port(draft, id) && draft.machines[id.0].role == role
}

fn is_twin(draft: &Draft, links: &Links, one: Id, other: Id) -> bool {
    one.0 != other.0
        && !links.carries(one)
        && !links.gone.contains(&other)
        && links.root(one) == links.root(other)
        && mac(draft, one).is_some()
        && mac(draft, one) == mac(draft, other)
}

/// The MAC address of a port: as shown, or as Docker up to 27 makes it.
fn mac(draft: &Draft, id: Id) -> Option<MacAddr> {
    let port = draft.at(id);
    port.mac.or_else(|| match port.addresses.first().map(IpNet::addr)? {
        IpAddr::V4(ip) => Some(MacAddr::docker(ip)),
        IpAddr::V6(_) => None,
    })
}
