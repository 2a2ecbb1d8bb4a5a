//! Who pings whom: what the input shows, otherwise what people would try first.

use super::super::ends::{End, ends};
use super::super::{Draft, Role};
use super::named::Names;
use crate::lab::spec::{Action, DeviceKind, Expect, LabSpec, Name, ProbeSpec, StepSpec, Target};
use std::net::IpAddr;

/// Maximum number of pings of one kind that are made up.
const MAX_EACH: usize = 3;

/// The steps of an imported lab.
pub(super) fn steps(draft: &Draft, lab: &LabSpec, names: &Names) -> Vec<StepSpec> {
    let ends = ends(lab);
    let shown: Vec<StepSpec> = draft.probes.iter().filter_map(|probe| shown(draft, probe, &ends)).collect();
    if !shown.is_empty() {
        return shown;
    }
    let is_outside = |end: &&End| place(lab, end, names) == Where::Outside;
    let is_inside = |end: &&End| place(lab, end, names) == Where::Inside;
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
    let hosts: Vec<&End> = ends.iter().filter(|end| place(lab, end, names) == Where::Host).collect();
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

/// Where a machine is. The hosts of the input have names for their machines; the others were made up, outside.
fn place(lab: &LabSpec, end: &End, names: &Names) -> Where {
    let kind =
        |name: &Name| lab.devices.iter().find(|device| device.name == *name).map(|device| &device.kind);
    let is_host = lab.hosts.iter().any(|host| host.name == end.name);
    if is_host && !names.hosts.values().any(|name| *name == end.name) {
        return Where::Outside;
    }
    let kinds = || end.interfaces.iter().map(kind);
    if kinds().all(|kind| matches!(kind, Some(DeviceKind::Macvlan(_)))) {
        Where::Inside
    } else if kinds().all(|kind| matches!(kind, Some(DeviceKind::Station(_) | DeviceKind::Router(_)))) {
        Where::Outside
    } else {
        Where::Host
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
    // What is pinged in a pod's first network is of the cluster, which a lab does not have.
    let is_pod = probe.from.is_some_and(|machine| draft.machines[machine].role == Role::Pod);
    if to.is_none() && is_pod && !from.addresses.iter().any(|net| net.contains(&probe.to)) {
        return None;
    }
    let to = to.map_or(Target::Address(probe.to), |end| Target::Device(end.name.clone()));
    let step = StepSpec::new(Action::Ping(ProbeSpec::new(from.name.clone(), to)));
    Some(match probe.replied {
        Some(true) => step.with_expect(Expect::Reply),
        Some(false) => step.with_expect(Expect::Failure),
        None => step,
    })
}
