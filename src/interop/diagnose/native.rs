//! Remedies in the language of the tool that made a device. A network has one mode for all its ports: that is tried as such.

use super::super::{Imported, Network, export};
use super::Help;
use crate::lab::Options;
use crate::lab::spec::{Action, Change, DeviceKind, DeviceSpec, LabSpec, MacvlanSpec, Name, StepSpec};
use crate::labfile;
use crate::macvlan::Mode;
use crate::matrix;
use crate::why::{Answer, Question, Table, Tried};

/// What helps, as people would type it.
pub(super) fn remedies(
    imported: &Imported,
    lab: &LabSpec,
    question: &Question,
    answer: &Answer,
    options: &Options,
) -> Vec<Help> {
    let mut all: Vec<Help> = Vec::new();
    for tried in &answer.remedies {
        let networks = networks_of(imported, tried);
        if networks.is_empty() {
            all.push(as_tried(imported, tried));
            continue;
        }
        let Some(mode) = mode_of(tried) else { continue };
        let with = with_mode(imported, lab, &networks, mode);
        if !matrix::replies(&with, &[question.action()], options) {
            continue;
        }
        let mut help = Help {
            reads: format!("Make network {} anew in mode {mode}.", in_words(&networks)),
            lines: Vec::new(),
            steps: steps_to_mode(imported, lab, &networks, mode, question, options),
            breaks: tried.losses.clone(),
        };
        for network in networks {
            let changed = Network { mode, ..network.clone() };
            help.lines.extend(export::network_anew(&changed));
        }
        if !all.contains(&help) {
            all.push(help);
        }
    }
    all
}

/// A parent that is a port of a bridge or a bond is busy; that one can be the parent. It is tried.
pub(super) fn other_parent(imported: &Imported, device: &Name) -> Option<Help> {
    let kind = |name: &Name| imported.lab.devices.iter().find(|known| known.name == *name).map(|d| &d.kind);
    let Some(DeviceKind::Macvlan(port)) = kind(device) else { return None };
    let master = kind(&port.parent)?.master()?;
    let network = imported.owners.get(device);
    let mut lab = imported.lab.clone();
    for known in &mut lab.devices {
        let is_one =
            known.name == *device || network.is_some() && imported.owners.get(&known.name) == network;
        if let DeviceKind::Macvlan(port) = &mut known.kind
            && is_one
        {
            port.parent.clone_from(master);
        }
    }
    if super::declared::refused_devices(&lab).contains(device) {
        return None;
    }
    let reads = format!("Take {master}, of which {} is a port, as the parent.", port.parent);
    let network = network.and_then(|at| imported.networks.get(*at));
    let lines = match network {
        Some(network) => {
            export::network_anew(&Network { parent: Some(master.to_string()), ..network.clone() })
        }
        None => {
            vec![format!("ip link add {device} link {master} type {} mode {}", port.device_type(), port.mode)]
        }
    };
    Some(Help { reads, lines, steps: Vec::new(), breaks: Vec::new() })
}

/// As the tool that describes a device sets its mode; otherwise as `why` says it. The guessed switch stands for a real one,
/// whose port is not known by name.
fn as_tried(imported: &Imported, tried: &Tried) -> Help {
    let guessed = |name: &Name| imported.about.contains_key(name) && !imported.places.contains_key(name);
    let mut lines = in_its_words(imported, tried).unwrap_or_else(|| tried.commands().to_vec());
    for table in &tried.remedy.tables {
        if let Table::Port { switch, port } = table
            && guessed(switch)
        {
            let known = format!("{switch}.{}", port.device);
            let place = format!("PORT-OF-{}", port.device);
            lines.iter_mut().for_each(|line| *line = line.replace(&known, &place));
        }
    }
    let steps = labfile::tried_text(&imported.lab, tried).steps;
    Help { reads: tried.remedy.reads.clone(), lines, steps, breaks: tried.losses.clone() }
}

/// A change of nothing but modes, each in the words of the tool that describes the port.
fn in_its_words(imported: &Imported, tried: &Tried) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    for table in &tried.remedy.tables {
        let Table::Device(device) = table else { return None };
        let after = changed_mode(imported, device)?;
        lines.extend(export::port_anew(imported.origins.get(&device.name)?, after));
    }
    (!lines.is_empty()).then_some(lines)
}

/// A port after a change of its mode.
fn changed_mode<'a>(imported: &Imported, device: &'a DeviceSpec) -> Option<&'a MacvlanSpec> {
    let before = imported.lab.devices.iter().find(|known| known.name == device.name).map(|d| &d.kind);
    let (Some(DeviceKind::Macvlan(before)), DeviceKind::Macvlan(after)) = (before, &device.kind) else {
        return None;
    };
    (before.mode != after.mode).then_some(after)
}

/// The networks whose ports a remedy changes, if it changes modes.
fn networks_of<'a>(imported: &'a Imported, tried: &Tried) -> Vec<&'a Network> {
    let mut networks: Vec<&Network> = Vec::new();
    for table in &tried.remedy.tables {
        let Table::Device(device) = table else { continue };
        if changed_mode(imported, device).is_none() {
            continue;
        }
        let network = imported.owners.get(&device.name).and_then(|at| imported.networks.get(*at));
        if let Some(network) = network
            && !networks.iter().any(|known| std::ptr::eq(*known, network))
        {
            networks.push(network);
        }
    }
    networks
}

fn mode_of(tried: &Tried) -> Option<Mode> {
    tried.remedy.tables.iter().find_map(|table| match table {
        Table::Device(device) => match &device.kind {
            DeviceKind::Macvlan(port) => Some(port.mode),
            _ => None,
        },
        _ => None,
    })
}

/// Whether a device is a port of one of these networks.
fn is_of(imported: &Imported, networks: &[&Network], device: &Name) -> bool {
    let network = imported.owners.get(device).and_then(|at| imported.networks.get(*at));
    network.is_some_and(|network| networks.iter().any(|known| std::ptr::eq(*known, network)))
}

/// The lab with all ports of these networks in another mode.
fn with_mode(imported: &Imported, lab: &LabSpec, networks: &[&Network], mode: Mode) -> LabSpec {
    let mut lab = lab.clone();
    for device in &mut lab.devices {
        if let DeviceKind::Macvlan(port) = &mut device.kind
            && is_of(imported, networks, &device.name)
        {
            port.mode = mode;
        }
    }
    lab
}

/// The steps that set this mode at all ports of these networks, if they help.
fn steps_to_mode(
    imported: &Imported,
    lab: &LabSpec,
    networks: &[&Network],
    mode: Mode,
    question: &Question,
    options: &Options,
) -> Vec<String> {
    let ports = lab.devices.iter().filter(|device| matches!(device.kind, DeviceKind::Macvlan(_)));
    let ports = ports.filter(|device| is_of(imported, networks, &device.name));
    let set = |device: &DeviceSpec| {
        StepSpec::new(Action::Set { device: device.name.clone(), change: Change::Mode(mode) })
    };
    let steps: Vec<StepSpec> = ports.map(set).collect();
    let with = LabSpec { steps: [&lab.steps[..], &steps].concat(), ..lab.clone() };
    match matrix::replies(&with, &[question.action()], options) {
        true => steps.iter().map(labfile::write_action).collect(),
        false => Vec::new(),
    }
}

fn in_words(networks: &[&Network]) -> String {
    networks.iter().map(|network| network.name.as_str()).collect::<Vec<_>>().join(" and ")
}
