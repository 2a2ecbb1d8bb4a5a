//! What an input says wrongly, what a lab file is warned about, and what the kernel refuses.

use super::super::{Check, Imported, Note, NoteKind};
use super::{Finding, native};
use crate::errno::Errno;
use crate::lab::spec::{LabSpec, Name};
use crate::lab::{Event, Lab, Options, SetupStage};
use crate::labfile;
use crate::verdict::Refusal;

/// The notes about what is wrong.
pub(super) fn notes(imported: &Imported) -> Vec<Finding> {
    let about =
        imported.about.iter().flat_map(|(name, notes)| notes.iter().map(move |note| (Some(name), note)));
    let all = imported.notes.iter().map(|note| (None, note)).chain(about);
    let mut findings: Vec<Finding> = Vec::new();
    for (name, note) in all {
        let Note { kind: NoteKind::Wrong(check), text, place } = note else { continue };
        let told = match name {
            Some(name) => format!("{name}: {text}"),
            None => text.clone(),
        };
        // The same of every container of a network is told once.
        if findings.iter().any(|known| known.check == *check && known.told == told) {
            continue;
        }
        let mut finding = Finding::new(*check, told, *place);
        finding.devices.extend(name.cloned());
        findings.push(finding);
    }
    findings
}

/// The warnings about the lab, and the devices that the kernel refuses.
pub(super) fn warnings(imported: &Imported) -> Vec<Finding> {
    let mut findings = refused(imported);
    let text = labfile::write(&imported.lab);
    let Ok(checked) = labfile::check_to_run("lab", &text) else { return findings };
    for warning in checked.warnings.iter().flat_map(|warnings| warnings.list()) {
        let Some(check) = warning.id.and_then(Check::from_id) else { continue };
        let name: Name = device_of(&warning.key).into();
        let mut finding = Finding::new(check, warning.message.clone(), imported.places.get(&name).copied());
        if let Some((span, _)) = &warning.other {
            finding.devices.extend(table_at(&text, span.start).map(Name::from));
        }
        finding.devices.push(name);
        findings.push(finding);
    }
    findings
}

/// `macvlan.c1.mac` is about `c1`; a name with dots is quoted.
fn device_of(key: &str) -> &str {
    let Some((_, rest)) = key.split_once('.') else { return key };
    match rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some((name, _)) => name,
        None => rest.split('.').next().unwrap_or(rest),
    }
}

/// The device in whose table a place of a written lab is.
fn table_at(text: &str, at: usize) -> Option<&str> {
    let header = text.get(..at)?.lines().rev().find(|line| line.starts_with('['))?;
    Some(device_of(header.trim_matches(['[', ']'])))
}

fn refused(imported: &Imported) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut missing: Vec<Name> = Vec::new();
    let mut lab = Lab::new(&imported.lab, Options::default().with_stacks(false).with_hops(false));
    lab.flush(&mut |event| {
        let Event::Setup { device, parent, stage, refusal, .. } = event else { return };
        let below = parent.as_ref().is_some_and(|parent| missing.contains(parent));
        if *stage == SetupStage::Create {
            missing.push(device.clone());
        }
        // That the device below is missing has been told.
        if below {
            return;
        }
        let what = match stage {
            SetupStage::Create => "the kernel refuses",
            SetupStage::Enslave => "the kernel does not make a port of",
            SetupStage::Up => "the kernel does not bring up",
        };
        let told =
            format!("{what} {device}: {} ({}). {}", refusal.errno, refusal.errno.text(), refusal.rule.why());
        let mut finding =
            Finding::new(check_of(*refusal, imported, device), told, imported.places.get(device).copied());
        finding.rules.push(refusal.rule);
        if finding.check == Check::ParentBusy {
            finding.remedies.extend(native::other_parent(imported, device));
            // One remedy for all ports of a network.
            let same =
                |known: &&mut Finding| known.check == finding.check && known.remedies == finding.remedies;
            if !finding.remedies.is_empty()
                && let Some(known) = findings.iter_mut().find(same)
            {
                return known.devices.push(device.clone());
            }
        }
        finding.devices.push(device.clone());
        findings.push(finding);
    });
    findings
}

/// The devices of a lab that the kernel does not make.
pub(super) fn refused_devices(lab: &LabSpec) -> Vec<Name> {
    let mut devices = Vec::new();
    let mut lab = Lab::new(lab, Options::default().with_stacks(false).with_hops(false));
    lab.flush(&mut |event| {
        if let Event::Setup { device, stage: SetupStage::Create, .. } = event {
            devices.push(device.clone());
        }
    });
    devices
}

fn check_of(refusal: Refusal, imported: &Imported, device: &Name) -> Check {
    use crate::lab::spec::DeviceKind;
    use crate::macvlan::Mode;
    let ports = imported.lab.devices.iter().filter_map(|known| match &known.kind {
        DeviceKind::Macvlan(port) => Some((&known.name, port)),
        _ => None,
    });
    let own = ports.clone().find(|(name, _)| *name == device).map(|(_, port)| port);
    let shares_passthru = own.is_some_and(|own| {
        let mut siblings = ports.filter(|(_, port)| port.parent == own.parent);
        siblings.any(|(_, port)| port.mode == Mode::Passthru)
    });
    match refusal.errno {
        Errno::Einval if shares_passthru => Check::PassthruShared,
        Errno::Eaddrinuse => Check::DuplicateMac,
        Errno::Ebusy => Check::ParentBusy,
        _ => Check::Refused,
    }
}
