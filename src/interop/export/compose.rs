//! A compose file: a network for each parent, mode and set of subnets, and a service for each machine.

use super::super::Network;
use super::super::words::range_text;
use super::machines::{Machine, Machines, Tool, made_before};
use super::names::Names;
use super::networks::{Networks, addresses, mac};
use super::yaml::{quoted, scalar};
use super::{ExportError, commented, shim, title};
use crate::lab::spec::LabSpec;

const TOOL: Tool = Tool {
    name: "Docker",
    macvtaps: false,
    source: false,
    vlans: true,
    says: &["mtu", "forwarding", "host sysctl"],
};

/// The whole file.
pub(super) fn write(lab: &LabSpec) -> Result<String, ExportError> {
    let machines = Machines::of(lab, &TOOL);
    if machines.machines.is_empty() {
        return Err(ExportError::Nothing("the lab has no ports that a container could have"));
    }
    let networks = Networks::of(lab, ("compose", &TOOL), &machines);
    let mut lines = title(lab);
    let before = made_before(lab, &machines, &TOOL, networks.parents());
    if !before.is_empty() {
        lines.push("# On the host, before:".to_owned());
        lines.extend(before.iter().map(|command| format!("#   {command}")));
    }
    lines.push("services:".to_owned());
    let mut names = Names::of_containers();
    for machine in &machines.machines {
        lines.extend(service(&names.take(machine.name), machine, &networks));
    }
    lines.push("networks:".to_owned());
    lines.extend(networks.all.iter().flat_map(network));
    lines.extend(commented("# ", &machines.unsaid(lab, &networks)));
    if !machines.shims.is_empty() {
        lines.push("# On the host, so that it reaches its containers:".to_owned());
        let commands = machines.shims.iter().flat_map(|port| shim::commands(lab, port));
        lines.extend(commands.map(|command| format!("#   {command}")));
    }
    Ok(lines.join("\n") + "\n")
}

fn service(name: &str, machine: &Machine<'_>, networks: &Networks) -> Vec<String> {
    let mut lines = vec![
        format!("  {}:", scalar(name)),
        "    image: alpine".to_owned(),
        "    command: sleep infinity".to_owned(),
    ];
    let settings = sysctls(machine);
    if !settings.is_empty() {
        lines.push("    sysctls:".to_owned());
        lines.extend(settings.iter().map(|(key, value)| format!("      {}: {value}", scalar(key))));
    }
    lines.push("    networks:".to_owned());
    let is_single = machine.ports.len() == 1;
    for port in &machine.ports {
        let Some(network) = networks.network(port) else { continue };
        let mut settings = Vec::new();
        for net in addresses(port) {
            let key = if net.addr().is_ipv4() { "ipv4_address" } else { "ipv6_address" };
            settings.push(format!("{key}: {}", scalar(&net.addr().to_string())));
        }
        settings.extend(mac(port).map(|mac| format!("mac_address: {}", quoted(&mac.to_string()))));
        if let Some(interface) = port.interface.filter(|own| !is_single || *own != "eth0") {
            settings.push(format!("interface_name: {}", scalar(interface)));
        }
        // Several networks could have the default route.
        if !is_single && !port.spec.ip.gateway.is_empty() {
            settings.push("gw_priority: 1".to_owned());
        }
        let end = if settings.is_empty() { " {}" } else { "" };
        lines.push(format!("      {}:{end}", scalar(&network.name)));
        lines.extend(settings.iter().map(|setting| format!("        {setting}")));
    }
    lines
}

/// The settings of a machine's stack, as `sysctl` has them.
pub(super) fn sysctls(machine: &Machine<'_>) -> Vec<(String, u8)> {
    let Some(host) = machine.host else { return Vec::new() };
    let mut all = Vec::new();
    if host.config.forwarding {
        all.push(("net.ipv4.ip_forward".to_owned(), 1));
        all.push(("net.ipv6.conf.all.forwarding".to_owned(), 1));
    }
    all.extend(super::sysctls(host.config.sysctls, "all"));
    all
}

/// A network as an entry of the section `networks`.
pub(super) fn network(network: &Network) -> Vec<String> {
    let mut lines = vec![
        format!("  {}:", scalar(&network.name)),
        "    driver: macvlan".to_owned(),
        "    driver_opts:".to_owned(),
    ];
    lines.extend(network.parent.iter().map(|parent| format!("      parent: {}", scalar(parent))));
    lines.push(format!("      macvlan_mode: {}", network.mode));
    let mtu = network.ports.mtu;
    lines.extend(mtu.map(|mtu| format!("      com.docker.network.driver.mtu: \"{mtu}\"")));
    if network.internal {
        lines.push("    internal: true".to_owned());
    }
    if network.pools.iter().any(|pool| pool.subnet.addr().is_ipv6()) {
        lines.push("    enable_ipv6: true".to_owned());
    }
    lines.push("    ipam:".to_owned());
    if network.pools.is_empty() {
        let driver = if network.ports.dhcp { "dhcp" } else { "\"null\"" };
        lines.push(format!("      driver: {driver}"));
        return lines;
    }
    lines.push("      config:".to_owned());
    for pool in &network.pools {
        lines.push(format!("        - subnet: {}", scalar(&pool.subnet.to_string())));
        let range = pool.range.and_then(range_text);
        lines.extend(range.map(|range| format!("          ip_range: {}", scalar(&range.to_string()))));
        let gateway = pool.gateway;
        lines.extend(gateway.map(|gateway| format!("          gateway: {}", scalar(&gateway.to_string()))));
        if !pool.reserved.is_empty() {
            lines.push("          aux_addresses:".to_owned());
            let reserved = pool.reserved.iter().enumerate();
            lines.extend(
                reserved.map(|(n, ip)| format!("            reserved{n}: {}", scalar(&ip.to_string()))),
            );
        }
    }
    lines
}
