//! Commands of a container engine: a network for each parent, mode and set of subnets, and a container for each machine.

use super::super::Network;
use super::super::words::range_text;
use super::compose::sysctls;
use super::machines::{Machine, Machines, Port, Tool, made_before};
use super::names::Names;
use super::networks::{Networks, addresses, mac};
use super::{ExportError, commented, shim, title, word};
use crate::lab::spec::LabSpec;
use std::fmt::Write as _;

/// The commands of this engine.
pub(super) fn write(name: &'static str, lab: &LabSpec) -> Result<String, ExportError> {
    let says = &["mtu", "forwarding", "host sysctl"];
    let tool = Tool { name, macvtaps: false, source: false, vlans: true, says };
    let machines = Machines::of(lab, &tool);
    if machines.machines.is_empty() {
        return Err(ExportError::Nothing("the lab has no ports that a container could have"));
    }
    let networks = Networks::of(lab, (name, &tool), &machines);
    let mut lines = title(lab);
    lines.extend(made_before(lab, &machines, &tool, networks.parents()));
    lines.extend(networks.all.iter().map(|network| create(name, network)));
    let mut names = Names::of_containers();
    for machine in &machines.machines {
        lines.push(run(name, &names.take(machine.name), machine, &networks));
    }
    lines.extend(commented("# ", &machines.unsaid(lab, &networks)));
    let mut out = lines.join("\n") + "\n";
    if !machines.shims.is_empty() {
        out.push_str("\n# On the host, so that it reaches its containers:\n");
        machines.shims.iter().for_each(|port| out.push_str(&shim::with_unit(lab, port)));
    }
    Ok(out)
}

/// `docker network create …`
pub(super) fn create(tool: &str, network: &Network) -> String {
    let mut command = format!("{tool} network create -d macvlan");
    if network.pools.iter().any(|pool| pool.subnet.addr().is_ipv6()) {
        command.push_str(" --ipv6");
    }
    if network.pools.is_empty() {
        let none = if tool == "podman" { "none" } else { "null" };
        let _ = write!(command, " --ipam-driver {}", if network.ports.dhcp { "dhcp" } else { none });
    }
    // Writing into a string does not fail.
    for pool in &network.pools {
        let _ = write!(command, " --subnet {}", pool.subnet);
        if let Some(range) = pool.range.and_then(range_text) {
            let _ = write!(command, " --ip-range {range}");
        }
        if let Some(gateway) = pool.gateway {
            let _ = write!(command, " --gateway {gateway}");
        }
        for (number, address) in pool.reserved.iter().enumerate() {
            let _ = write!(command, " --aux-address reserved{number}={address}");
        }
    }
    if let Some(parent) = &network.parent {
        let _ = write!(command, " -o parent={}", word(parent));
    }
    if network.internal {
        command.push_str(" --internal");
    }
    let (mode, mtu) = match tool {
        "podman" => ("mode", "mtu"),
        _ => ("macvlan_mode", "com.docker.network.driver.mtu"),
    };
    if let Some(size) = network.ports.mtu {
        let _ = write!(command, " -o {mtu}={size}");
    }
    format!("{command} -o {mode}={} {}", network.mode, word(&network.name))
}

fn run(tool: &str, name: &str, machine: &Machine<'_>, networks: &Networks) -> String {
    let mut command = format!("{tool} run -d --name {name}");
    for (key, value) in sysctls(machine) {
        let _ = write!(command, " --sysctl {key}={value}");
    }
    let ports = machine.ports.iter().filter_map(|port| Some((port, networks.network(port)?)));
    match machine.ports.as_slice() {
        [port] if port.interface.is_none_or(|own| own == "eth0") => {
            for (_, network) in ports {
                let _ = write!(command, " --network {}{}", network.name, plain(port));
            }
        }
        _ => ports.for_each(|(port, network)| {
            let _ = write!(command, " --network {}", with_settings(tool, &network.name, port));
        }),
    }
    format!("{command} alpine sleep infinity")
}

/// The options for the only network of a container.
fn plain(port: &Port<'_>) -> String {
    let mut options = String::new();
    for net in addresses(port) {
        let option = if net.addr().is_ipv4() { "--ip" } else { "--ip6" };
        let _ = write!(options, " {option} {}", net.addr());
    }
    if let Some(mac) = mac(port) {
        let _ = write!(options, " --mac-address {mac}");
    }
    options
}

/// A network with settings for the port on it: `name=lan,ip=192.0.2.1`, or Podman's `lan:ip=192.0.2.1`.
fn with_settings(tool: &str, network: &str, port: &Port<'_>) -> String {
    let is_podman = tool == "podman";
    let mut settings = Vec::new();
    for net in addresses(port) {
        let key = if net.addr().is_ipv4() || is_podman { "ip" } else { "ip6" };
        settings.push(format!("{key}={}", net.addr()));
    }
    settings.extend(mac(port).map(|mac| format!("{}={mac}", if is_podman { "mac" } else { "mac-address" })));
    let interface = port.interface.map(|own| match is_podman {
        true => format!("interface_name={own}"),
        false => format!("driver-opt=com.docker.network.endpoint.ifname={own}"),
    });
    settings.extend(interface);
    let begin = if is_podman { format!("{network}:") } else { format!("name={network},") };
    let all = format!("{begin}{}", settings.join(","));
    let all = all.trim_end_matches([':', ',']);
    // `=` and `,` mean something to a shell only where they begin a word.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.,:=-".contains(c);
    if all.chars().all(is_plain) { all.to_owned() } else { word(all) }
}
