//! The usual way from a host to a port on its own NIC: a macvlan of the host's (a shim), with a route to the port.

use super::case::{Case, word};
use super::{Rank, Remedy, Table};
use crate::frame::Family;
use crate::lab::spec::{Action, DeviceKind, DeviceSpec, HostChange, HostSpec, MacvlanSpec, Name};
use crate::macvlan::Mode;
use crate::station::{HostConfig, IpNet, RouteSpec};

/// A shim for each pair of ends of which one is the parent of the other.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    case.both_ways().iter().filter_map(|(parent, port)| shim(case, parent, port)).collect()
}

fn shim(case: &Case<'_>, parent: &Name, port: &Name) -> Option<Remedy> {
    let child = case.port(port).filter(|child| child.parent == *parent)?;
    let own = case.ip(parent)?.address.into_iter().find(|net| Family::of(net.addr()) == Family::V4)?;
    let to = child.ip.address.iter().map(|net| net.addr()).find(|addr| Family::of(*addr) == Family::V4)?;
    let address = IpNet::new(case.free_address(own)?.addr(), 32).ok()?;
    let name = case.free_name("shim");
    let route = RouteSpec::to(IpNet::new(to, 32).ok()?).with_dev(name.clone());
    let host = host_of(case, parent);
    let made = MacvlanSpec::on(parent.clone())
        .with_mode(Mode::Bridge)
        .with_address(address)
        .with_host(host.name.clone());
    let mut nic = case.declared(parent)?;
    let old = match &mut nic.kind {
        DeviceKind::Nic(nic) => nic.host.replace(host.name.clone()),
        DeviceKind::Dummy(dummy) => dummy.host.replace(host.name.clone()),
        DeviceKind::Bond(bond) => bond.host.replace(host.name.clone()),
        DeviceKind::Vlan(vlan) => vlan.host.replace(host.name.clone()),
        _ => return None,
    };
    let (shim, below) = (word(&name), word(parent));
    let commands = [
        format!("ip link add {shim} link {below} type macvlan mode bridge"),
        format!("ip addr add {address} dev {shim}"),
        format!("ip link set {shim} up"),
        format!("ip route add {to}/32 dev {shim}"),
    ];
    let reads = format!("Give the host of {parent} a macvlan {name} on {parent}, with a route to {port}.");
    let mut remedy = Remedy::new(Rank::Shim, reads).table(Table::Device(nic)).anew(commands);
    // A device with an IP stack that is not a host's has to be declared otherwise first.
    if old.is_some() {
        let change = HostChange::AddRoutes(vec![route.clone()]);
        remedy = remedy
            .step(Action::Add { name: name.clone(), spec: made.clone() })
            .step(Action::SetHost { host: host.name.clone(), change });
        remedy.commands.clone_from(&remedy.anew);
    }
    let mut config = host.config;
    config.routes.push(route);
    let host = HostSpec { config, ..host };
    let made = Table::Device(DeviceSpec::new(name, DeviceKind::Macvlan(made)));
    Some(remedy.table(made).table(Table::Host(host)))
}

/// The host of a device, or a new one.
fn host_of(case: &Case<'_>, device: &str) -> HostSpec {
    let declared = case.declared(device).and_then(|device| device.kind.host().cloned());
    let known = declared.and_then(|name| case.spec.hosts.iter().find(|host| host.name == name));
    let new = || HostSpec { name: case.free_name("host"), config: HostConfig::default(), line: 0 };
    known.cloned().unwrap_or_else(new)
}
