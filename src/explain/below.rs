//! The devices that a frame passes on its way into a device.

use crate::lab::spec::Name;
use crate::lab::{Device, DeviceType};
use crate::verdict::Rule;
use std::collections::BTreeMap;

/// Maximum depth of nested sub-interfaces: more than any lab has.
const MAX_DEPTH: usize = 64;

/// Devices by name.
pub(crate) type ByName<'a> = BTreeMap<&'a str, &'a Device>;

/// The same devices by name.
pub(crate) fn by_name(devices: &[Device]) -> ByName<'_> {
    devices.iter().map(|device| (device.name.as_str(), device)).collect()
}

/// A device, its parent, the parent of that, and so on.
pub(crate) fn and_below<'a>(
    device: &'a Device,
    by_name: &'a ByName<'a>,
) -> impl Iterator<Item = &'a Device> + 'a {
    let parent = |device: &&'a Device| match device.kind {
        DeviceType::Macvlan | DeviceType::Macvtap | DeviceType::Vlan => {
            by_name.get(device.parent.as_deref()?).copied()
        }
        _ => None,
    };
    std::iter::successors(Some(device), parent).take(MAX_DEPTH)
}

/// The rule by which a device gets no frame because it is down, or a device below it is, and which one is down.
pub(crate) fn down(device: &Device, by_name: &ByName<'_>) -> Option<(Rule, Name)> {
    let here = and_below(device, by_name).find(|device| !device.up)?;
    let rule = match here.kind {
        DeviceType::Macvlan | DeviceType::Macvtap => Rule::PortDown,
        DeviceType::Vlan => Rule::VlanDown,
        _ => Rule::NicDown,
    };
    Some((rule, here.name.clone()))
}

/// The far end of the cable of a device, or of the one below it that has a cable; of a bond, that of its active port.
pub(crate) fn far_end<'a>(device: &'a Device, by_name: &'a ByName<'a>) -> Option<&'a Device> {
    let mut last = and_below(device, by_name).last()?;
    if last.kind == DeviceType::Bond {
        last = by_name.get(last.active.as_deref()?).copied()?;
    }
    let is_cabled = matches!(last.kind, DeviceType::Nic | DeviceType::Station | DeviceType::Router);
    by_name.get(last.peer.as_deref().filter(|_| is_cabled)?).copied()
}

/// A device and those between it and other devices, from the inside out: for a port its parent, for a NIC or a station
/// its switch port. The far end of a direct cable is not part of the path in.
pub(super) fn places<'a>(device: &'a Device, by_name: &'a ByName<'a>) -> Vec<&'a str> {
    let switch_port = far_end(device, by_name).filter(|far| far.kind == DeviceType::SwitchPort);
    and_below(device, by_name).chain(switch_port).map(|device| device.name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_into_a_device_is_followed_up_to_a_limit() {
        let vlan = |n: usize, below: usize| Device {
            parent: Some(format!("v{below}").into()),
            ..Device::new(format!("v{n}"), DeviceType::Vlan)
        };
        // Also if a list of devices, which callers can build, contains a cycle.
        for (count, followed) in [(63, 63), (64, 64), (65, 64)] {
            let list: Vec<Device> = (0..count).map(|n| vlan(n, n + 1)).collect();
            let circle: Vec<Device> = (0..count).map(|n| vlan(n, (n + 1) % count)).collect();
            let ways = [&list, &circle].map(|devices| places(&devices[0], &by_name(devices)).len());
            assert_eq!(ways, [followed, 64], "{count}");
        }
    }
}
