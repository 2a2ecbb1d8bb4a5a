//! The machines of a lab: hosts, and devices that have an IP stack of their own.

use crate::lab::spec::{LabSpec, Name};
use crate::station::IpNet;

/// A machine with addresses.
pub(super) struct End {
    /// The host's name, or the device's.
    pub(super) name: Name,
    /// Its interfaces that have addresses.
    pub(super) interfaces: Vec<Name>,
    /// All its addresses.
    pub(super) addresses: Vec<IpNet>,
}

impl End {
    /// Whether an address of one is in a subnet of the other.
    pub(super) fn shares_subnet(&self, other: &End) -> bool {
        let reaches = |one: &End, other: &End| {
            one.addresses.iter().any(|net| other.addresses.iter().any(|known| net.contains(&known.addr())))
        };
        reaches(self, other) || reaches(other, self)
    }
}

/// All machines of a lab, in the order of their first interfaces.
pub(super) fn ends(lab: &LabSpec) -> Vec<End> {
    let hosts: Vec<(&Name, &Name)> = lab.interfaces().map(|(device, host, _)| (device, host)).collect();
    let mut ends: Vec<End> = Vec::new();
    for (device, ip) in lab.stacks().filter(|(_, ip)| !ip.address.is_empty()) {
        let name = hosts.iter().find(|(known, _)| *known == device).map_or(device, |(_, host)| host);
        match ends.iter_mut().find(|end| end.name == *name) {
            Some(end) => {
                end.addresses.extend(&ip.address);
                end.interfaces.push(device.clone());
            }
            None => ends.push(End {
                name: name.clone(),
                interfaces: vec![device.clone()],
                addresses: ip.address.clone(),
            }),
        }
    }
    ends
}
