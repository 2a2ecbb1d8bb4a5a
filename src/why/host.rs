//! What hosts do with packets: settings that drop them, forwarding, and routes.

use super::case::{Case, MAX_EACH, word};
use super::{Rank, Remedy, Table};
use crate::frame::Family;
use crate::lab::spec::{Action, Change, DeviceKind, HostChange, HostSpec, Name};
use crate::station::{IpNet, RouteSpec, Sysctl};

/// The settings by which an IP stack ignores what it gets.
const STRICT: [Sysctl; 3] = [Sysctl::ArpIgnore, Sysctl::ArpFilter, Sysctl::RpFilter];

/// Each strict setting off, at the interface or at its host; forwarding on, and a default route, at each host; and a route
/// to the other end.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    let mut all = Vec::new();
    for device in case.devices {
        let Some(ip) = case.ip(&device.name) else { continue };
        all.extend(STRICT.into_iter().filter(|sysctl| ip.sysctls.is_on(*sysctl)).filter_map(|sysctl| {
            let name = &device.name;
            let change = Change::Sysctl(vec![(sysctl, 0)]);
            Some(
                off(sysctl, name)
                    .table(case.with_ip(name, |ip| ip.sysctls.set(sysctl, 0))?)
                    .step(Action::Set { device: name.clone(), change }),
            )
        }));
    }
    for host in &case.spec.hosts {
        for sysctl in STRICT.into_iter().filter(|sysctl| host.config.sysctls.is_on(*sysctl)) {
            let remedy = off(sysctl, "all").table(changed(host, |host| host.config.sysctls.set(sysctl, 0)));
            all.push(remedy.step(set(host, HostChange::Sysctl(vec![(sysctl, 0)]))));
        }
        if !host.config.forwarding {
            let remedy = Remedy::new(Rank::Listen, format!("Let {} forward packets.", host.name))
                .table(changed(host, |host| host.config.forwarding = true))
                .step(set(host, HostChange::Forwarding(true)))
                .command("sysctl -w net.ipv4.ip_forward=1");
            all.push(remedy);
        }
        all.extend(default_routes(case, host));
    }
    all.extend(case.both_ways().iter().flat_map(|(name, other)| routes_to(case, name, other)));
    all
}

/// A route from the host of a device to the other end, by each of the host's interfaces.
fn routes_to(case: &Case<'_>, name: &Name, other: &Name) -> Vec<Remedy> {
    let declared = case.declared(name).and_then(|device| device.kind.host().cloned());
    let Some(host) = case.spec.hosts.iter().find(|host| Some(&host.name) == declared.as_ref()) else {
        return Vec::new();
    };
    let Some(to) = case.ip(other).and_then(|ip| ip.address.first().copied()) else { return Vec::new() };
    let to = IpNet::from(to.addr());
    let interfaces = case.spec.interfaces().filter(|(_, of, _)| **of == host.name).take(MAX_EACH);
    let made = interfaces.map(|(dev, _, _)| {
        let route = RouteSpec::to(to).with_dev(dev.clone());
        Remedy::new(Rank::Gateway, format!("Give {} a route to {other} by {dev}.", host.name))
            .table(changed(host, |host| host.config.routes.push(route.clone())))
            .step(set(host, HostChange::AddRoutes(vec![route])))
            .command(format!("ip route add {to} dev {}", word(dev)))
    });
    made.collect()
}

fn off(sysctl: Sysctl, name: &str) -> Remedy {
    let setting = sysctl.name();
    Remedy::new(Rank::Listen, format!("Set {setting} of {name} to 0."))
        .command(format!("sysctl -w net.ipv4.conf.{}.{setting}=0", word(&name.replace('.', "/"))))
}

fn changed(host: &HostSpec, change: impl FnOnce(&mut HostSpec)) -> Table {
    let mut host = host.clone();
    change(&mut host);
    Table::Host(host)
}

fn set(host: &HostSpec, change: HostChange) -> Action {
    Action::SetHost { host: host.name.clone(), change }
}

/// A default route by each router in the subnets of the host's interfaces.
fn default_routes(case: &Case<'_>, host: &HostSpec) -> Vec<Remedy> {
    let nets: Vec<_> = case
        .spec
        .interfaces()
        .filter(|(_, of, _)| **of == host.name)
        .flat_map(|(_, _, ip)| ip.address.clone())
        .collect();
    let routers = case.spec.devices.iter().filter_map(|device| match &device.kind {
        DeviceKind::Router(router) => Some(&router.interfaces),
        _ => None,
    });
    let addresses = routers.flatten().flat_map(|i| i.station.ip.address.iter().map(|net| net.addr()));
    let near = addresses.filter(|addr| nets.iter().any(|net| net.contains(addr)));
    let made = near.take(MAX_EACH).map(|via| {
        let route = RouteSpec::default_via(via);
        let replaced = |host: &mut HostSpec| {
            let same =
                |old: &RouteSpec| old.to.prefix_len() == 0 && Family::of(old.to.addr()) == Family::of(via);
            host.config.routes.retain(|old| !same(old));
            host.config.routes.push(route.clone());
        };
        Remedy::new(Rank::Gateway, format!("Give {} a default route by {via}.", host.name))
            .table(changed(host, replaced))
            .step(set(host, HostChange::AddRoutes(vec![route.clone()])))
            .command(format!("ip route add default via {via}"))
    });
    made.collect()
}
