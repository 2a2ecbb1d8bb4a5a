//! libvirt's XML: a domain for each machine, with a direct interface for each port, and one on a bridge for each cable to it.

use super::machines::{Lookup, Machines, Port, Tool, bridges, made_before, outside};
use super::{ExportError, one_line, shim};
use crate::frame::MacAddr;
use crate::lab::spec::{DeviceKind, LabSpec, Name, SwitchPortSpec, SwitchSpec};
use crate::macvlan::Mode;
use crate::station::IpSpec;
use std::collections::{BTreeMap, BTreeSet};

const TOOL: Tool =
    Tool { name: "libvirt", macvtaps: true, source: false, vlans: false, says: &["up", "mtu"] };

/// The whole text.
pub(super) fn write(lab: &LabSpec) -> Result<String, ExportError> {
    let machines = Machines::of(lab, &TOOL);
    let guests = Guests::of(lab, &machines);
    if guests.all.is_empty() {
        return Err(ExportError::Nothing("the lab has no ports that a guest could have"));
    }
    let mut told = vec![one_line(&lab.title)];
    told.retain(|title| !title.is_empty());
    let before = made_before(lab, &machines, &TOOL, machines.parents());
    told.extend(before.iter().map(|command| format!("on the host, before: {command}")));
    told.extend(machines.left_out.iter().cloned());
    told.extend(outside(lab, bridges(lab)));
    let shims = machines.shims.iter().flat_map(|port| shim::commands(lab, port));
    told.extend(shims.map(|command| format!("on the host: {command}")));
    let mut lines: Vec<String> = told.iter().map(|line| comment(line)).collect();
    for guest in &guests.all {
        lines.push("<domain type='kvm'>".to_owned());
        lines.push(format!("  <name>{}</name>", escaped(guest.name)));
        lines.push("  <memory unit='MiB'>512</memory>".to_owned());
        lines.push("  <os><type>hvm</type></os>".to_owned());
        lines.push("  <devices>".to_owned());
        lines.extend(guest.interfaces.iter().flatten().map(|line| format!("    {line}")));
        lines.push("  </devices>".to_owned());
        lines.push("</domain>".to_owned());
    }
    Ok(lines.join("\n") + "\n")
}

/// A domain: its interfaces, the lines of each.
struct Guest<'a> {
    name: &'a Name,
    interfaces: Vec<Vec<String>>,
}

#[derive(Default)]
struct Guests<'a> {
    all: Vec<Guest<'a>>,
    known: BTreeMap<&'a Name, usize>,
}

impl<'a> Guests<'a> {
    fn of(lab: &'a LabSpec, machines: &Machines<'a>) -> Guests<'a> {
        let (mut guests, lookup) = (Guests::default(), Lookup::of(lab));
        for machine in &machines.machines {
            for port in &machine.ports {
                guests.guest(machine.name).push(direct(port));
            }
        }
        for switch in bridges(lab) {
            let own: BTreeSet<&Name> =
                lab.enslaved().filter(|(_, bridge)| **bridge == switch.name).map(|(port, _)| port).collect();
            for port in switch.ports.iter().filter(|port| !own.contains(&port.device)) {
                if let Some((guest, interface)) = on_bridge(&lookup, switch, port) {
                    guests.guest(guest).push(interface);
                }
            }
        }
        guests
    }

    fn guest(&mut self, name: &'a Name) -> &mut Vec<Vec<String>> {
        let at = *self.known.entry(name).or_insert_with(|| {
            self.all.push(Guest { name, interfaces: Vec::new() });
            self.all.len() - 1
        });
        &mut self.all[at].interfaces
    }
}

/// `<source>` of a direct interface, which has the mode.
pub(super) fn source(parent: &str, mode: Mode) -> String {
    format!("<source dev='{}' mode='{}'/>", escaped(parent), self::mode(mode))
}

/// A mode in libvirt's words.
pub(super) fn mode(mode: Mode) -> &'static str {
    if mode == Mode::Passthru { "passthrough" } else { mode.name() }
}

fn direct(port: &Port<'_>) -> Vec<String> {
    let mut lines = vec!["<interface type='direct'>".to_owned()];
    if port.spec.mode != Mode::Passthru {
        lines.push(mac(port.spec.requested_mac(port.name)));
    }
    lines.push(format!("  {}", source(port.master, port.spec.mode)));
    lines.push("  <model type='virtio'/>".to_owned());
    lines.extend(port.spec.mtu.map(|mtu| format!("  <mtu size='{mtu}'/>")));
    lines.extend((!port.spec.up).then(|| "  <link state='down'/>".to_owned()));
    lines.extend(in_the_guest(&port.spec.ip));
    lines.push("</interface>".to_owned());
    lines
}

/// A guest's cable to a bridge: the guest's name, and the interface.
fn on_bridge<'a>(
    lookup: &Lookup<'a>,
    switch: &SwitchSpec,
    port: &'a SwitchPortSpec,
) -> Option<(&'a Name, Vec<String>)> {
    let device = lookup.device(&port.device)?;
    let (address, ip, mtu) = match device {
        DeviceKind::Nic(nic) => (nic.mac, &nic.ip, nic.mtu),
        DeviceKind::Station(station) => (station.mac, &station.ip, station.mtu),
        _ => return None,
    };
    let mut lines = vec!["<interface type='bridge'>".to_owned(), mac(address)];
    lines.push(format!("  <source bridge='{}'/>", escaped(&switch.name)));
    lines.push("  <model type='virtio'/>".to_owned());
    lines.extend(port.flags.isolated.then(|| "  <port isolated='yes'/>".to_owned()));
    let mtu = Some(mtu).filter(|mtu| *mtu != crate::lab::spec::DEFAULT_MTU);
    lines.extend(mtu.map(|mtu| format!("  <mtu size='{mtu}'/>")));
    lines.extend(in_the_guest(ip));
    lines.push("</interface>".to_owned());
    Some((device.host().unwrap_or(&port.device), lines))
}

fn mac(mac: MacAddr) -> String {
    format!("  <mac address='{mac}'/>")
}

/// The addresses, which libvirt does not set.
fn in_the_guest(ip: &IpSpec) -> Vec<String> {
    let addresses = ip.address.iter().map(|net| format!("in the guest: address {net}"));
    let gateways = ip.gateway.iter().map(|gateway| format!("in the guest: gateway {gateway}"));
    addresses.chain(gateways).map(|line| format!("  {}", comment(&line))).collect()
}

/// A comment, in which there are no two hyphens.
fn comment(line: &str) -> String {
    let mut text = String::new();
    for c in one_line(line).chars() {
        if c == '-' && text.ends_with('-') {
            text.push(' ');
        }
        text.push(c);
    }
    format!("<!-- {text} -->")
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
