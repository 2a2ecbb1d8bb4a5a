//! Who does not reach whom, by cause: pairs with the same cause are one finding, for which remedies are tried once.

use super::super::ends::{End, ends};
use super::super::{Check, Imported};
use super::{Finding, MAX_MACHINES, MAX_REMEDIES, declared, native};
use crate::lab::Options;
use crate::lab::spec::{Action, DeviceKind, LabSpec, MacvlanSpec, Name, Target};
use crate::macvlan::Mode;
use crate::matrix::{self, Explained, Reach};
use crate::report::WhyReport;
use crate::verdict::Rule;
use crate::why::{self, Question, TriedText};

/// Pings every pair of machines after the lab's steps, and explains those that fail, without those of which the trouble has
/// been told.
pub(super) fn findings(imported: &Imported, told: &[Name], options: &Options) -> Vec<Finding> {
    // What a step changed on the way is not how the network is declared.
    let lab = LabSpec { steps: Vec::new(), ..imported.lab.clone() };
    let mut findings: Vec<Finding> = Vec::new();
    let refused = declared::refused_devices(&imported.lab);
    for (from, to) in pairs(&imported.lab) {
        if options.stop.asked() {
            break;
        }
        // That a device is not there has been told.
        let either =
            |names: &[Name]| names.contains(&from) || matches!(&to, Target::Device(to) if names.contains(to));
        if either(&refused) {
            continue;
        }
        let question = Question { to: to.clone(), ..Question::ping(from.clone(), from.clone()) };
        let explained = matrix::explain_after(&lab, question.action(), options);
        if explained.cell.reach == Reach::Reply {
            continue;
        }
        let check = check_of(&lab, &explained);
        if check == Check::Unreachable && either(told) {
            continue;
        }
        let cell = &explained.cell;
        let same = |known: &&mut Finding| known.check == check && known.rules.first().copied() == cell.rule;
        let target = target_name(&to);
        if let Some(known) = findings.iter_mut().find(same) {
            known.others += 1;
            for name in [&from, &target] {
                if !known.devices.contains(name) {
                    known.devices.push(name.clone());
                }
            }
            continue;
        }
        let answer = why::ask(&lab, &question, options);
        let report = WhyReport::new(&question, &answer, &|_| TriedText::default());
        let place = [&target, &from].into_iter().find_map(|name| place_of(imported, name));
        let mut finding = Finding::new(check, report.told(), place);
        finding.rules = cell.rule.into_iter().chain(cell.also).collect();
        finding.devices = vec![from.clone(), target.clone()];
        finding.pair = Some((from.clone(), target));
        finding.remedies = native::remedies(imported, &lab, &question, &answer, options);
        finding.remedies.truncate(MAX_REMEDIES);
        findings.push(finding);
    }
    findings
}

fn target_name(to: &Target) -> Name {
    match to {
        Target::Device(name) => name.clone(),
        Target::Address(address) => address.to_string().into(),
    }
}

/// A host has the place of its first interface if it has none.
fn place_of(imported: &Imported, name: &Name) -> Option<super::super::Place> {
    let own = imported.places.get(name).copied();
    let of_host = || {
        imported
            .lab
            .interfaces()
            .filter(|(_, host, _)| *host == name)
            .find_map(|(device, _, _)| imported.places.get(device).copied())
    };
    own.or_else(of_host)
}

/// The pairs that are asked: all of machines that share a subnet, or that both share one with a router, in both directions;
/// of a large lab, those of its steps.
pub(super) fn pairs(lab: &LabSpec) -> Vec<(Name, Target)> {
    let ends = ends(lab);
    let routers: Vec<&End> = ends.iter().filter(|end| forwards(lab, &end.name)).collect();
    let routed = |end: &End| routers.iter().any(|router| router.shares_subnet(end));
    let mut pairs: Vec<(Name, Target)> = Vec::new();
    if ends.len() <= MAX_MACHINES {
        for from in &ends {
            let asked = |to: &&End| from.shares_subnet(to) || routed(from) && routed(to);
            for to in ends.iter().filter(|to| to.name != from.name).filter(asked) {
                pairs.push((from.name.clone(), Target::Device(to.name.clone())));
            }
        }
    }
    for step in &lab.steps {
        if let Action::Ping(probe) = &step.action {
            let pair = (probe.from.clone(), probe.to.clone());
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
    }
    pairs
}

/// Whether packets for others go through a machine: a host that forwards, or an interface of a router.
fn forwards(lab: &LabSpec, name: &Name) -> bool {
    let of_router = |device: &crate::lab::spec::DeviceSpec| {
        device.kind.interfaces().iter().any(|interface| interface.name == *name)
    };
    lab.hosts.iter().any(|host| host.name == *name && host.config.forwarding)
        || lab.devices.iter().any(of_router)
}

/// What kind of trouble a cause is, for these two.
fn check_of(lab: &LabSpec, explained: &Explained) -> Check {
    let cell = &explained.cell;
    let (from, to) = (ports_of(lab, &cell.from), ports_of(lab, &cell.to));
    match cell.rule {
        Some(
            Rule::PolicyForged
            | Rule::PolicyPromiscuous
            | Rule::PolicyMacChange
            | Rule::PolicyWifi
            | Rule::PolicyCloud,
        ) => {
            return Check::ForeignMac;
        }
        Some(Rule::VlanNotMember | Rule::TaggedToHost) => return Check::VlanApart,
        Some(Rule::NoRoute) => return Check::NoRoute,
        Some(Rule::WrongNeighbour) => return Check::NeighbourWrong,
        Some(
            Rule::PortDown
            | Rule::NicDown
            | Rule::VlanDown
            | Rule::SendDown
            | Rule::NoCarrier
            | Rule::SwitchPortDown
            | Rule::PassthruDown,
        ) => {
            return Check::DeviceDown;
        }
        _ => {}
    }
    let siblings: Vec<(&MacvlanSpec, &MacvlanSpec)> = from
        .iter()
        .flat_map(|(_, one)| {
            to.iter().filter(|(_, other)| other.parent == one.parent).map(|(_, other)| (*one, *other))
        })
        .collect();
    let owns = |host: &Name, ports: &[(Name, &MacvlanSpec)]| {
        ports.iter().any(|(_, port)| port.parent == *host || host_of(lab, &port.parent) == Some(host))
    };
    if let Some((one, other)) = siblings.first() {
        return match (one.mode, other.mode) {
            (Mode::Private, _) | (_, Mode::Private) => Check::PrivateIsolated,
            (Mode::Vepa, _) | (_, Mode::Vepa) => Check::VepaWithoutHairpin,
            _ => Check::PortsApart,
        };
    }
    if owns(&cell.from, &to) || owns(&cell.to, &from) {
        return Check::HostIsolated;
    }
    Check::Unreachable
}

/// The ports that a machine has, or that it is.
fn ports_of<'a>(lab: &'a LabSpec, name: &Name) -> Vec<(Name, &'a MacvlanSpec)> {
    let ports = lab.devices.iter().filter_map(|device| match &device.kind {
        DeviceKind::Macvlan(port) => Some((device.name.clone(), port)),
        _ => None,
    });
    ports.filter(|(device, port)| device == name || port.host.as_ref() == Some(name)).collect()
}

fn host_of<'a>(lab: &'a LabSpec, device: &Name) -> Option<&'a Name> {
    lab.devices.iter().find(|known| known.name == *device)?.kind.host()
}
