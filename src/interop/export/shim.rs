//! A macvlan of the host itself, by which it reaches its own ports.

use super::machines::Port;
use super::word;
use crate::lab::spec::LabSpec;
use std::fmt::Write as _;

/// The commands that make a shim, with its addresses and routes.
pub(super) fn commands(lab: &LabSpec, port: &Port<'_>) -> Vec<String> {
    let (shim, parent) = (word(port.name), word(port.parent));
    let kind = port.spec.device_type();
    let address = port.spec.mac.map(|mac| format!(" address {mac}")).unwrap_or_default();
    let mut commands =
        vec![format!("ip link add {shim} link {parent}{address} type {kind} mode {}", port.spec.mode)];
    commands.extend(port.spec.ip.address.iter().map(|net| format!("ip addr add {net} dev {shim}")));
    commands.push(format!("ip link set {shim} up"));
    let host = lab.hosts.iter().find(|host| Some(&host.name) == port.spec.host.as_ref());
    let routes = host.into_iter().flat_map(|host| &host.config.routes);
    for route in routes.filter(|route| route.dev.as_ref() == Some(port.name)) {
        let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
        commands.push(format!("ip route add {}{via} dev {shim}", route.to));
    }
    commands
}

/// The commands, and the unit that runs them after a start.
pub(super) fn with_unit(lab: &LabSpec, port: &Port<'_>) -> String {
    let commands = commands(lab, port);
    let mut out: String = commands.iter().map(|command| format!("{command}\n")).collect();
    // Writing into a string does not fail.
    let _ = write!(
        out,
        "# The same after every start, as /etc/systemd/system/macvlan-{}.service:\n\
         #   [Unit]\n#   After=network-online.target\n#   Wants=network-online.target\n#   [Service]\n\
         #   Type=oneshot\n#   RemainAfterExit=yes\n",
        port.name
    );
    for command in &commands {
        let _ = writeln!(out, "#   ExecStart=/usr/sbin/{command}");
    }
    out.push_str("#   [Install]\n#   WantedBy=multi-user.target\n");
    out
}
