//! A topology of containerlab: a node for each machine, links to macvlans, and the commands that set its addresses.

use super::machines::{Lookup, Machine, Machines, Tool, bridges, made_before, outside};
use super::names::Names;
use super::networks::mac;
use super::yaml::{quoted, scalar};
use super::{ExportError, commented, shim, title, word};
use crate::lab::spec::{DeviceKind, LabSpec, MacvlanSpec, Name};
use crate::macvlan::Mode;
use crate::station::IpSpec;
use std::collections::{BTreeMap, BTreeSet};

const TOOL: Tool = Tool {
    name: "containerlab",
    macvtaps: false,
    source: true,
    vlans: false,
    // It sets all its macvlans promiscuous.
    says: &["promisc", "neighbour", "forwarding", "routes", "up", "sysctl", "host sysctl"],
};

/// The whole file.
pub(super) fn write(lab: &LabSpec) -> Result<String, ExportError> {
    let machines = Machines::of(lab, &TOOL);
    if machines.machines.is_empty() {
        return Err(ExportError::Nothing("the lab has no ports that a node could have"));
    }
    let topology = Topology::of(lab, &machines);
    let mut lines = title(lab);
    let before = made_before(lab, &machines, &TOOL, machines.parents());
    if !before.is_empty() {
        lines.push("# On the host, before:".to_owned());
        lines.extend(before.iter().map(|command| format!("#   {command}")));
    }
    let told: Vec<String> = machines.left_out.iter().cloned().chain(outside(lab, bridges(lab))).collect();
    lines.extend(commented("# ", &told));
    lines.extend(["name: lab", "topology:", "  nodes:"].map(str::to_owned));
    for (name, node) in &topology.nodes {
        lines.push(format!("    {}:", scalar(name)));
        lines.push("      kind: linux".to_owned());
        lines.push("      image: alpine".to_owned());
        if !node.commands.is_empty() {
            lines.push("      exec:".to_owned());
            lines
                .extend(node.commands.iter().map(|command| format!("        - {}", command_scalar(command))));
        }
    }
    for bridge in &topology.bridges {
        lines.push(format!("    {}:", scalar(bridge)));
        lines.push("      kind: bridge".to_owned());
    }
    lines.push("  links:".to_owned());
    lines.extend(topology.links);
    if !machines.shims.is_empty() {
        lines.push("# On the host, so that it reaches its nodes:".to_owned());
        let commands = machines.shims.iter().flat_map(|port| shim::commands(lab, port));
        lines.extend(commands.map(|command| format!("#   {command}")));
    }
    Ok(lines.join("\n") + "\n")
}

/// A command is plain where nothing in it means something to YAML.
fn command_scalar(command: &str) -> String {
    let is_plain = command.split(' ').all(|part| !part.contains([':', '#', '\'', '"', '\\', '[', '{']));
    if is_plain { command.to_owned() } else { quoted(command) }
}

#[derive(Default)]
struct Node {
    commands: Vec<String>,
    interfaces: usize,
}

#[derive(Default)]
struct Topology {
    nodes: Vec<(String, Node)>,
    numbers: BTreeMap<String, usize>,
    bridges: Vec<String>,
    links: Vec<String>,
}

/// One end of a cable.
struct End<'a> {
    machine: &'a Name,
    interface: Option<&'a str>,
    ip: &'a IpSpec,
}

impl Topology {
    fn of(lab: &LabSpec, machines: &Machines<'_>) -> Topology {
        let mut topology = Topology::default();
        let mut names = Names::of_containers();
        let mut called: BTreeMap<&Name, String> = BTreeMap::new();
        for machine in &machines.machines {
            let name = names.take(machine.name);
            called.insert(machine.name, name.clone());
            for port in &machine.ports {
                let interface = topology.interface(&name, port.interface);
                topology.links.extend(link(
                    &name,
                    &interface,
                    port.master,
                    port.spec,
                    mac(port).map(|m| m.to_string()),
                ));
                let mut commands = setting_up(&interface, &port.spec.ip);
                if !port.spec.up {
                    commands.push(format!("ip link set {interface} down"));
                }
                topology.run(&name, commands);
            }
        }
        topology.cables(lab, &mut called, &mut names);
        for machine in &machines.machines {
            topology.run(&called[machine.name].clone(), of_stack(machine));
        }
        topology
    }
}

impl Topology {
    /// Cables between nodes, and from nodes to bridges. Those of parents are real ones.
    fn cables<'a>(&mut self, lab: &'a LabSpec, called: &mut BTreeMap<&'a Name, String>, names: &mut Names) {
        let lookup = Lookup::of(lab);
        let parents: BTreeSet<&Name> = lab.parents().chain(lab.bonded().map(|(port, _)| port)).collect();
        for device in &lab.devices {
            let DeviceKind::Nic(nic) = &device.kind else { continue };
            let Some(peer) =
                nic.cable.as_ref().filter(|peer| ![&device.name, peer].iter().any(|n| parents.contains(n)))
            else {
                continue;
            };
            let (Some(one), Some(other)) = (end_of(&lookup, &device.name), end_of(&lookup, peer)) else {
                continue;
            };
            let ends = [self.end(&one, called, names), self.end(&other, called, names)];
            self.veth(&ends);
        }
        for switch in bridges(lab) {
            let own: BTreeSet<&Name> =
                lab.enslaved().filter(|(_, bridge)| **bridge == switch.name).map(|(port, _)| port).collect();
            let mut bridge = None;
            for port in switch.ports.iter().filter(|port| !own.contains(&port.device)) {
                let Some(end) = end_of(&lookup, &port.device).filter(|_| !parents.contains(&port.device))
                else {
                    continue;
                };
                let bridge = bridge.get_or_insert_with(|| names.take(&switch.name)).clone();
                if !self.bridges.contains(&bridge) {
                    self.bridges.push(bridge.clone());
                }
                let near = self.end(&end, called, names);
                let far = (bridge, format!("p-{}", port.device.chars().take(13).collect::<String>()));
                self.veth(&[near, far]);
            }
        }
    }

    /// A node's end of a cable, which is set up: its node and its interface.
    fn end<'a>(
        &mut self,
        end: &End<'a>,
        called: &mut BTreeMap<&'a Name, String>,
        names: &mut Names,
    ) -> (String, String) {
        let node = called.entry(end.machine).or_insert_with(|| names.take(end.machine)).clone();
        let interface = self.interface(&node, end.interface);
        self.run(&node, setting_up(&interface, end.ip));
        (node, interface)
    }

    fn veth(&mut self, ends: &[(String, String); 2]) {
        let ends = ends.each_ref().map(|(node, interface)| quoted(&format!("{node}:{interface}")));
        self.links.push(format!("    - endpoints: [{}]", ends.join(", ")));
    }

    /// The name of the next interface of a node; `eth0` is in the management network.
    fn interface(&mut self, node: &str, own: Option<&str>) -> String {
        let node = self.node(node);
        node.interfaces += 1;
        own.filter(|own| *own != "eth0").map_or_else(|| format!("eth{}", node.interfaces), str::to_owned)
    }

    fn run(&mut self, node: &str, commands: Vec<String>) {
        self.node(node).commands.extend(commands);
    }

    /// The node of this name, which is made if there is none.
    fn node(&mut self, name: &str) -> &mut Node {
        let at = self.numbers.get(name).copied().unwrap_or_else(|| {
            self.nodes.push((name.to_owned(), Node::default()));
            self.numbers.insert(name.to_owned(), self.nodes.len() - 1);
            self.nodes.len() - 1
        });
        &mut self.nodes[at].1
    }
}

/// The machine that has a device, and the device's name there.
fn end_of<'a>(lookup: &Lookup<'a>, name: &'a Name) -> Option<End<'a>> {
    let device = lookup.device(name)?;
    let ip = match device {
        DeviceKind::Nic(nic) => &nic.ip,
        DeviceKind::Station(station) => &station.ip,
        _ => return None,
    };
    let host = device.host();
    let own = host.and_then(|host| name.strip_prefix(host.as_str())?.strip_prefix('.'));
    Some(End { machine: host.unwrap_or(name), interface: own.or(host.map(|_| name.as_str())), ip })
}

/// A link to a macvlan: in the short form where that says all.
fn link(node: &str, interface: &str, parent: &str, port: &MacvlanSpec, mac: Option<String>) -> Vec<String> {
    if port.mode == Mode::Bridge && mac.is_none() {
        let (own, outside) = (format!("{node}:{interface}"), format!("macvlan:{parent}"));
        return vec![format!("    - endpoints: [{}, {}]", quoted(&own), quoted(&outside))];
    }
    let lines = long_link(node, interface, parent, port.mode, mac.as_deref());
    lines.iter().map(|line| format!("  {line}")).collect()
}

/// A link to a macvlan in the form that has a mode, as an element of `links`.
pub(super) fn long_link(
    node: &str,
    interface: &str,
    parent: &str,
    mode: Mode,
    mac: Option<&str>,
) -> Vec<String> {
    let mac = mac.map(|mac| format!(", mac: {}", quoted(mac))).unwrap_or_default();
    vec![
        "  - type: macvlan".to_owned(),
        format!("    endpoint: {{ node: {}, interface: {}{mac} }}", scalar(node), scalar(interface)),
        format!("    host-interface: {}", scalar(parent)),
        format!("    mode: {mode}"),
    ]
}

/// The commands that give an interface its addresses.
fn setting_up(interface: &str, ip: &IpSpec) -> Vec<String> {
    let name = word(interface);
    let mut commands: Vec<String> = super::sysctls(ip.sysctls, interface)
        .iter()
        .map(|(key, value)| format!("sysctl -w {key}={value}"))
        .collect();
    commands.extend(ip.address.iter().map(|net| format!("ip addr add {net} dev {name}")));
    let entries = ip.neighbours.iter();
    commands
        .extend(entries.map(|(ip, mac)| format!("ip neigh add {ip} lladdr {mac} dev {name} nud permanent")));
    // The default route of the management network is there already.
    commands.extend(ip.gateway.iter().map(|via| format!("ip route replace default via {via}")));
    commands
}

/// The commands for a machine's stack.
fn of_stack(machine: &Machine<'_>) -> Vec<String> {
    let mut commands: Vec<String> = super::compose::sysctls(machine)
        .iter()
        .map(|(key, value)| format!("sysctl -w {key}={value}"))
        .collect();
    let routes = machine.host.into_iter().flat_map(|host| &host.config.routes);
    let dev = |name: &Name| {
        let number = machine.ports.iter().position(|port| port.name == name)?;
        let own = machine.ports[number].interface.filter(|own| *own != "eth0").map(str::to_owned);
        Some(word(&own.unwrap_or_else(|| format!("eth{}", number + 1))))
    };
    for route in routes {
        let mut command = format!("ip route add {}", route.to);
        command.extend(route.via.map(|via| format!(" via {via}")));
        command.extend(route.dev.as_ref().and_then(dev).map(|dev| format!(" dev {dev}")));
        command.extend(route.metric.map(|metric| format!(" metric {metric}")));
        commands.push(command);
    }
    commands
}
