//! Modes of ports.

use super::case::{Case, MAX_EACH, word};
use super::{Rank, Remedy};
use crate::lab::Device;
use crate::lab::spec::{Action, Change, MacvlanSpec, Name};
use crate::macvlan::Mode;

/// Another mode for each end that is a port, and for each passthru port, which leaves nothing to others; or the same mode
/// for several of them. Mode passthru also for a port that is itself a port of a bridge: only then it takes in what is for
/// the devices behind that bridge.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    let ports: Vec<Name> = case.ends().into_iter().filter(|name| case.port(name).is_some()).collect();
    let others = |which: fn(&Device) -> bool| -> Vec<Name> {
        let others = case.devices.iter().filter(|device| which(device) && !ports.contains(&device.name));
        others.take(MAX_EACH).map(|device| device.name.clone()).collect()
    };
    let passthru = others(|device| device.mode == Some(Mode::Passthru));
    let bridged = others(|device| device.mode.is_some() && device.master.is_some());
    let everyone = ports.iter().chain(&passthru).cloned().collect();
    let mut groups: Vec<Vec<Name>> = vec![ports.clone(), everyone];
    groups.dedup();
    let mut all = Vec::new();
    // A source port without its list hears nothing: that is no remedy.
    for mode in [Mode::Bridge, Mode::Vepa, Mode::Private] {
        all.extend(ports.iter().chain(&passthru).filter_map(|name| set(case, name, mode)));
        for group in &groups {
            let parts: Vec<Remedy> = group.iter().filter_map(|name| set(case, name, mode)).collect();
            if parts.len() > 1 && parts.len() == group.len() {
                let reads = format!("Set {} to mode {mode}.", in_words(group));
                all.push(Remedy::joined(Rank::Modes, reads, &parts));
            }
        }
    }
    let alone = ports.iter().chain(&bridged).filter(|name| case.siblings(name).is_empty());
    all.extend(alone.filter_map(|name| set(case, name, Mode::Passthru)));
    all
}

/// `c1, c2 and c3`
fn in_words(names: &[Name]) -> String {
    match names.split_last() {
        Some((last, [])) => last.to_string(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

fn set(case: &Case<'_>, name: &Name, mode: Mode) -> Option<Remedy> {
    let port = case.port(name)?;
    if case.device(name).and_then(|device| device.mode).unwrap_or(port.mode) == mode {
        return None;
    }
    let rank = if mode == Mode::Passthru { Rank::Takeover } else { Rank::Mode };
    let anew = MacvlanSpec { mode, ..port.clone() };
    let table = case.with_port(name, |port| port.mode = mode)?;
    let remedy = Remedy::new(rank, format!("Set {name} to mode {mode}."))
        .table(table)
        .step(Action::Set { device: name.clone(), change: Change::Mode(mode) })
        .command(format!("ip link set {} type {} mode {mode}", word(name), port.device_type()))
        .anew(made_anew(name, &anew))
        .family(mode.name(), [name.to_string()]);
    Some(remedy)
}

/// The commands that replace a port by one like this.
pub(super) fn made_anew(name: &str, port: &MacvlanSpec) -> Vec<String> {
    let (name, parent, kind) = (word(name), word(&port.parent), port.device_type());
    let mac = match (port.mac, port.mode) {
        (_, Mode::Passthru) | (None, _) => String::new(),
        (Some(mac), _) => format!(" address {mac}"),
    };
    let mut commands = vec![
        format!("ip link del {name}"),
        format!("ip link add {name} link {parent}{mac} type {kind} mode {}", port.mode),
    ];
    commands.extend(port.ip.address.iter().map(|net| format!("ip addr add {net} dev {name}")));
    commands.extend(port.master.iter().map(|bridge| format!("ip link set {name} master {}", word(bridge))));
    commands.push(format!("ip link set {name} up"));
    commands.extend(port.ip.gateway.iter().map(|via| format!("ip route add default via {via} dev {name}")));
    commands
}
