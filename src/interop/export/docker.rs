//! Commands of a container engine: a network for each parent, mode and subnet, and a container for each port.

use super::super::writers::engine;
use super::super::{Network, Pool, Ports};
use super::{ExportError, ports, word};
use crate::frame::MacAddr;
use crate::lab::spec::{DeviceKind, LabSpec, MacvlanSpec, Name};
use crate::macvlan::Mode;
use crate::station::IpNet;
use std::fmt::Write as _;
use std::net::IpAddr;

/// The commands of this engine.
pub(super) fn write(tool: &str, lab: &LabSpec) -> Result<String, ExportError> {
    let mut networks: Vec<(Network, Vec<Name>)> = Vec::new();
    let mut runs = String::new();
    let mut shims = String::new();
    for (name, port) in ports(lab) {
        if is_shim(lab, port) {
            shims.push_str(&shim(lab, name, port));
            continue;
        }
        if port.mode == Mode::Source || port.tap {
            let _ = writeln!(runs, "# {name}: {tool} makes no {} in mode {}", port.device_type(), port.mode);
            continue;
        }
        let network = network_of(lab, tool, port);
        let same = |known: &&mut (Network, Vec<Name>)| {
            known.0.parent == network.parent
                && known.0.mode == network.mode
                && subnets(&known.0) == subnets(&network)
        };
        let at = match networks.iter_mut().find(same) {
            Some((known, members)) => {
                for (pool, more) in known.pools.iter_mut().zip(&network.pools) {
                    pool.gateway = pool.gateway.or(more.gateway);
                }
                members.push(name.clone());
                known.name.clone()
            }
            None => {
                let mut network = network;
                network.name = format!("macvlan{}", networks.len());
                let called = network.name.clone();
                networks.push((network, vec![name.clone()]));
                called
            }
        };
        runs.push_str(&run(tool, name, port, &at));
    }
    if networks.is_empty() {
        return Err(ExportError::Nothing("the lab has no ports that a container could have"));
    }
    let mut out = String::new();
    if !lab.title.is_empty() {
        let _ = writeln!(out, "# {}", lab.title);
    }
    for (network, _) in &networks {
        out.push_str(&engine(tool, network));
        out.push('\n');
    }
    out.push_str(&runs);
    if !shims.is_empty() {
        let _ = write!(out, "\n# On the host, so that it reaches its containers:\n{shims}");
    }
    Ok(out)
}

/// A macvlan of its parent's own host.
fn is_shim(lab: &LabSpec, port: &MacvlanSpec) -> bool {
    let parent = lab.devices.iter().find(|device| device.name == port.parent);
    port.host.is_some() && parent.is_some_and(|parent| parent.kind.host() == port.host.as_ref())
}

fn subnets(network: &Network) -> Vec<IpNet> {
    network.pools.iter().map(|pool| pool.subnet).collect()
}

fn network_of(lab: &LabSpec, tool: &str, port: &MacvlanSpec) -> Network {
    let gateway = |net: &IpNet| port.ip.gateway.iter().copied().find(|gateway| net.contains(gateway));
    let pools = port.ip.address.iter().map(|net| Pool {
        subnet: net.trunc(),
        range: None,
        gateway: gateway(net),
        reserved: Vec::new(),
        fixed: None,
    });
    let parent = lab.devices.iter().find(|device| device.name == port.parent);
    let is_dummy = parent.is_some_and(|parent| matches!(parent.kind, DeviceKind::Dummy(_)));
    Network {
        parent: Some(port.parent.to_string()).filter(|_| !is_dummy),
        mode: port.mode,
        ports: Ports { mtu: port.mtu, ..Ports::default() },
        pools: pools.collect(),
        ..Network::new("", tool, "macvlan", None)
    }
}

fn run(tool: &str, name: &str, port: &MacvlanSpec, network: &str) -> String {
    let mut command = format!("{tool} run -d --name {} --network {network}", word(name));
    for address in &port.ip.address {
        let option = if address.addr().is_ipv4() { "--ip" } else { "--ip6" };
        let _ = write!(command, " {option} {}", address.addr());
    }
    let mac = port.requested_mac(name);
    let derived = port.ip.address.iter().find_map(|net| match net.addr() {
        IpAddr::V4(ip) => Some(MacAddr::docker(ip)),
        IpAddr::V6(_) => None,
    });
    if port.mode != Mode::Passthru && (port.mac.is_some() || derived.is_none()) {
        let _ = write!(command, " --mac-address {mac}");
    }
    format!("{command} alpine sleep infinity\n")
}

/// The commands of a shim, and the unit that runs them after a start.
fn shim(lab: &LabSpec, name: &Name, port: &MacvlanSpec) -> String {
    let (shim, parent) = (word(name), word(&port.parent));
    let mut commands = vec![format!("ip link add {shim} link {parent} type macvlan mode {}", port.mode)];
    if let Some(mac) = port.mac {
        commands[0] =
            format!("ip link add {shim} link {parent} address {mac} type macvlan mode {}", port.mode);
    }
    commands.extend(port.ip.address.iter().map(|net| format!("ip addr add {net} dev {shim}")));
    commands.push(format!("ip link set {shim} up"));
    let host = lab.hosts.iter().find(|host| Some(&host.name) == port.host.as_ref());
    let routes = host.into_iter().flat_map(|host| &host.config.routes);
    for route in routes.filter(|route| route.dev.as_ref() == Some(name)) {
        commands.push(format!("ip route add {} dev {shim}", route.to));
    }
    let mut out: String = commands.iter().map(|command| format!("{command}\n")).collect();
    let _ = write!(
        out,
        "# The same after every start, as /etc/systemd/system/macvlan-{name}.service:\n\
         #   [Unit]\n#   After=network-online.target\n#   Wants=network-online.target\n#   [Service]\n\
         #   Type=oneshot\n#   RemainAfterExit=yes\n"
    );
    for command in &commands {
        let _ = writeln!(out, "#   ExecStart=/usr/sbin/{command}");
    }
    out.push_str("#   [Install]\n#   WantedBy=multi-user.target\n");
    out
}
