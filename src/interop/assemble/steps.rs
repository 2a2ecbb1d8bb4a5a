//! Who pings whom: what the input shows, otherwise what people would try first.

use super::super::Draft;
use crate::lab::spec::{Action, Expect, LabSpec, Name, ProbeSpec, StepSpec, Target};
use crate::station::IpNet;
use std::net::IpAddr;

/// Maximum number of pings of one kind that are made up.
const MAX_EACH: usize = 3;

/// The steps of an imported lab.
pub(super) fn steps(draft: &Draft, lab: &LabSpec) -> Vec<StepSpec> {
    let ends = ends(lab);
    let shown: Vec<StepSpec> = draft.probes.iter().filter_map(|probe| shown(draft, probe, &ends)).collect();
    if !shown.is_empty() {
        return shown;
    }
    let is_outside = |end: &&End| end.place == Where::Outside;
    let is_inside = |end: &&End| end.place == Where::Inside;
    let inside: Vec<&End> = ends.iter().filter(is_inside).collect();
    let mut steps = Vec::new();
    let mut ping = |from: &End, to: &End| {
        let family = |ip: &IpAddr| from.addresses.iter().any(|net| net.addr().is_ipv4() == ip.is_ipv4());
        if to.addresses.iter().any(|net| family(&net.addr())) {
            steps.push(StepSpec::ping(from.name.clone(), to.name.clone()));
        }
    };
    let neighbours = inside.iter().enumerate().filter_map(|(at, one)| {
        let later = &inside[at + 1..];
        Some((*one, *later.iter().find(|other| one.shares_subnet(other)).or(later.first())?))
    });
    neighbours.take(MAX_EACH).for_each(|(one, other)| ping(one, other));
    let hosts: Vec<&End> = ends.iter().filter(|end| end.place == Where::Host).collect();
    if let Some(first) = inside.first() {
        hosts.iter().take(MAX_EACH).for_each(|host| ping(host, first));
        ends.iter().filter(is_outside).take(MAX_EACH).for_each(|outside| ping(first, outside));
    } else {
        hosts.windows(2).take(MAX_EACH).for_each(|pair| ping(pair[0], pair[1]));
        let outside = ends.iter().find(is_outside);
        hosts.first().into_iter().zip(outside).for_each(|(host, outside)| ping(host, outside));
    }
    steps
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Host,
    Inside,
    Outside,
}

/// A machine of the lab.
struct End {
    name: Name,
    addresses: Vec<IpNet>,
    place: Where,
}

impl End {
    fn shares_subnet(&self, other: &End) -> bool {
        let others = || other.addresses.iter().map(IpNet::addr);
        self.addresses.iter().any(|net| others().any(|address| net.contains(&address)))
    }
}

/// The hosts of a lab, and the devices with a stack of their own.
fn ends(lab: &LabSpec) -> Vec<End> {
    let mut ends: Vec<End> = Vec::new();
    let hosts = lab.interfaces().map(|(device, host, ip)| (device, Some(host), ip));
    let alone = lab.stacks().map(|(device, ip)| (device, None, ip));
    let of_hosts: Vec<&Name> = lab.interfaces().map(|(device, _, _)| device).collect();
    for (device, host, ip) in hosts.chain(alone.filter(|(device, _, _)| !of_hosts.contains(device))) {
        let place = place(lab, device, host);
        let name = host.unwrap_or(device);
        match ends.iter_mut().find(|end| end.name == *name) {
            Some(end) => {
                end.addresses.extend(&ip.address);
                end.place = if end.place == Where::Host { Where::Host } else { place };
            }
            None if ip.address.is_empty() => {}
            None => ends.push(End { name: name.clone(), addresses: ip.address.clone(), place }),
        }
    }
    ends
}

fn place(lab: &LabSpec, device: &Name, host: Option<&Name>) -> Where {
    use crate::lab::spec::DeviceKind;
    let kind = lab.devices.iter().find(|d| d.name == *device).map(|d| &d.kind);
    match kind {
        Some(DeviceKind::Station(_) | DeviceKind::Router(_)) => Where::Outside,
        Some(DeviceKind::Macvlan(_)) => Where::Inside,
        _ if host.is_some_and(|host| host == "gateway") => Where::Outside,
        _ => Where::Host,
    }
}

/// A ping of the input.
fn shown(draft: &Draft, probe: &super::super::Probe, ends: &[End]) -> Option<StepSpec> {
    let has = |end: &&End, ip: IpAddr| end.addresses.iter().any(|net| net.addr() == ip);
    let named = |name: &str| ends.iter().find(|end| end.name == *name);
    let by_machine = probe.from.and_then(|machine| named(&draft.machines[machine].name)).or_else(|| {
        let machine = probe.from.map(|machine| &draft.machines[machine])?;
        let address = machine.interfaces.iter().flat_map(|i| &i.addresses).next()?;
        ends.iter().find(|end| has(end, address.addr()))
    });
    let by_address = probe.source.and_then(|source| ends.iter().find(|end| has(end, source)));
    let from = by_address.or(by_machine)?;
    let to = ends.iter().find(|end| has(end, probe.to));
    let to = to.map_or(Target::Address(probe.to), |end| Target::Device(end.name.clone()));
    let step = StepSpec::new(Action::Ping(ProbeSpec::new(from.name.clone(), to)));
    Some(match probe.replied {
        Some(true) => step.with_expect(Expect::Reply),
        Some(false) => step.with_expect(Expect::Failure),
        None => step,
    })
}
