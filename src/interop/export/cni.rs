//! Configurations of CNI: NetworkAttachmentDefinitions with pods on them, or the list of plugins of one network.

use super::machines::{Machine, Machines, Port, Tool, made_before, outside};
use super::names::Names;
use super::yaml::{quoted, scalar};
use super::{ExportError, commented, shim, title};
use crate::lab::spec::LabSpec;
use crate::macvlan::Mode;
use crate::station::{IpNet, RouteSpec, Sysctl, Sysctls};
use std::net::IpAddr;

const TOOL: Tool = Tool {
    name: "CNI",
    macvtaps: false,
    source: false,
    vlans: false,
    says: &["mtu", "promisc", "allmulticast", "bcqueuelen", "sysctl", "routes"],
};

const NOTHING: ExportError = ExportError::Nothing("the lab has no ports that a pod could have");

/// What the pods of a network have in common.
#[derive(PartialEq)]
struct Attached {
    parent: String,
    mode: Mode,
    mtu: Option<u32>,
    bcqueuelen: Option<u32>,
    promisc: bool,
    allmulticast: bool,
    sysctls: Sysctls,
    routes: Vec<(IpNet, Option<IpAddr>)>,
    /// Whether its pods have addresses.
    has_addresses: bool,
}

impl Attached {
    fn of(machine: &Machine<'_>, port: &Port<'_>) -> Attached {
        let of_port = |route: &&RouteSpec| route.dev.as_ref().is_none_or(|dev| dev == port.name);
        let routes = machine.host.into_iter().flat_map(|host| &host.config.routes).filter(of_port);
        let mut sysctls = port.spec.ip.sysctls;
        // The plugin does it anyway.
        sysctls.set(Sysctl::ArpNotify, 0);
        Attached {
            parent: port.master.to_owned(),
            mode: port.spec.mode,
            mtu: port.spec.mtu,
            bcqueuelen: port.spec.bcqueuelen,
            promisc: port.spec.promisc,
            allmulticast: port.spec.allmulticast,
            sysctls,
            routes: routes.map(|route| (route.to, route.via)).collect(),
            has_addresses: !port.spec.ip.address.is_empty(),
        }
    }

    /// The configuration of the plugin, for addresses that pods ask for.
    fn config(&self) -> Vec<String> {
        let mut lines = vec![setting("type", &quoted("macvlan")), setting("master", &quoted(&self.parent))];
        lines.push(mode(self.mode));
        lines.extend(self.mtu.map(|mtu| setting("mtu", &mtu.to_string())));
        lines.extend(self.bcqueuelen.map(|length| setting("bcqueuelen", &length.to_string())));
        lines.push(setting("capabilities", "{ \"ips\": true, \"mac\": true }"));
        let routes = self.routes.iter().map(|(to, via)| route(to, *via)).collect::<Vec<_>>().join(", ");
        lines.push(match (self.has_addresses, routes.is_empty()) {
            (false, _) => setting("ipam", "{}"),
            (true, true) => setting("ipam", "{ \"type\": \"static\" }"),
            (true, false) => setting("ipam", &format!("{{ \"type\": \"static\", \"routes\": [{routes}] }}")),
        });
        lines
    }

    /// The plugin that sets what macvlan does not.
    fn tuning(&self) -> Option<String> {
        let mut settings = Vec::new();
        settings.extend(self.promisc.then(|| setting("promisc", "true")));
        settings.extend(self.allmulticast.then(|| setting("allmulti", "true")));
        let sysctls = super::sysctls(self.sysctls, "IFNAME");
        if !sysctls.is_empty() {
            let all = sysctls.iter().map(|(key, value)| setting(key, &quoted(&value.to_string())));
            settings.push(setting("sysctl", &format!("{{ {} }}", all.collect::<Vec<_>>().join(", "))));
        }
        let type_of = setting("type", &quoted("tuning"));
        (!settings.is_empty()).then(|| format!("{{ {type_of}, {} }}", settings.join(", ")))
    }
}

/// The setting of a mode.
pub(super) fn mode(mode: Mode) -> String {
    setting("mode", &quoted(mode.name()))
}

fn setting(key: &str, value: &str) -> String {
    format!("{}: {value}", quoted(key))
}

fn route(to: &IpNet, via: Option<IpAddr>) -> String {
    let via = via.map(|via| format!(", \"gw\": \"{via}\"")).unwrap_or_default();
    format!("{{ \"dst\": \"{to}\"{via} }}")
}

/// A configuration: one plugin, or a list if there are several.
fn document(name: Option<&str>, plugin: Vec<String>, tuning: Option<String>) -> Vec<String> {
    let is_list = name.is_some() || tuning.is_some();
    let mut head = vec![setting("cniVersion", &quoted("1.0.0"))];
    head.extend(name.map(|name| setting("name", &quoted(name))));
    let mut lines = vec!["{".to_owned()];
    if is_list {
        lines.extend(head.iter().map(|line| format!("  {line},")));
        lines.push("  \"plugins\": [".to_owned());
        lines.push("    {".to_owned());
        lines.extend(separated("      ", &plugin));
        lines.push(format!("    }}{}", if tuning.is_some() { "," } else { "" }));
        lines.extend(tuning.map(|tuning| format!("    {tuning}")));
        lines.push("  ]".to_owned());
    } else {
        head.extend(plugin);
        lines.extend(separated("  ", &head));
    }
    lines.push("}".to_owned());
    lines
}

/// Lines with commas between them.
fn separated(indent: &str, lines: &[String]) -> Vec<String> {
    let last = lines.len().saturating_sub(1);
    let end = |at| if at == last { "" } else { "," };
    lines.iter().enumerate().map(|(at, line)| format!("{indent}{line}{}", end(at))).collect()
}

/// NetworkAttachmentDefinitions, and pods with the annotation that Multus reads.
pub(super) fn definitions(lab: &LabSpec) -> Result<String, ExportError> {
    let machines = Machines::of(lab, &TOOL);
    if machines.machines.is_empty() {
        return Err(NOTHING);
    }
    let mut lines = title(lab);
    let before = made_before(lab, &machines, &TOOL, machines.parents());
    if !before.is_empty() {
        lines.push("# On the nodes, before:".to_owned());
        lines.extend(before.iter().map(|command| format!("#   {command}")));
    }
    let told: Vec<String> = machines.left_out.iter().cloned().chain(outside(lab, [])).collect();
    lines.extend(commented("# ", &told));
    let mut networks: Vec<Attached> = Vec::new();
    let mut pods = Vec::new();
    let mut names = Names::of_kubernetes();
    for machine in &machines.machines {
        let mut elements = Vec::new();
        for (number, port) in machine.ports.iter().enumerate() {
            let network = Attached::of(machine, port);
            let at = networks.iter().position(|known| *known == network).unwrap_or_else(|| {
                networks.push(network);
                networks.len() - 1
            });
            elements.push(element(at, number, port));
        }
        pods.push(pod(&names.take(machine.name), machine, &elements));
    }
    let definitions = networks.iter().enumerate().map(|(at, network)| definition(at, network));
    let documents: Vec<String> = definitions.chain(pods).map(|lines| lines.join("\n")).collect();
    lines.push(documents.join("\n---\n"));
    if !machines.shims.is_empty() {
        lines.push("# On the node, so that it reaches its pods:".to_owned());
        let commands = machines.shims.iter().flat_map(|port| shim::commands(lab, port));
        lines.extend(commands.map(|command| format!("#   {command}")));
    }
    Ok(lines.join("\n") + "\n")
}

fn definition(number: usize, network: &Attached) -> Vec<String> {
    let mut lines = vec![
        "apiVersion: k8s.cni.cncf.io/v1".to_owned(),
        "kind: NetworkAttachmentDefinition".to_owned(),
        "metadata:".to_owned(),
        format!("  name: macvlan{number}"),
        "spec:".to_owned(),
        "  config: |-".to_owned(),
    ];
    let config = document(None, network.config(), network.tuning());
    lines.extend(config.iter().map(|line| format!("    {line}")));
    lines
}

/// What a pod asks of a network.
fn element(network: usize, number: usize, port: &Port<'_>) -> String {
    let mut settings = vec![setting("name", &quoted(&format!("macvlan{network}")))];
    let interface = port.interface.filter(|own| *own != format!("net{}", number + 1));
    settings.extend(interface.map(|own| setting("interface", &quoted(own))));
    let list = |all: Vec<String>| format!("[{}]", all.join(", "));
    let ips: Vec<String> = port.spec.ip.address.iter().map(|net| quoted(&net.to_string())).collect();
    if !ips.is_empty() {
        settings.push(setting("ips", &list(ips)));
    }
    if port.spec.mode != Mode::Passthru {
        settings.push(setting("mac", &quoted(&port.spec.requested_mac(port.name).to_string())));
    }
    let routers: Vec<String> = port.spec.ip.gateway.iter().map(|ip| quoted(&ip.to_string())).collect();
    if !routers.is_empty() {
        settings.push(setting("default-route", &list(routers)));
    }
    format!("{{ {} }}", settings.join(", "))
}

fn pod(name: &str, machine: &Machine<'_>, elements: &[String]) -> Vec<String> {
    let mut lines = vec![
        "apiVersion: v1".to_owned(),
        "kind: Pod".to_owned(),
        "metadata:".to_owned(),
        format!("  name: {}", scalar(name)),
        "  annotations:".to_owned(),
        "    k8s.v1.cni.cncf.io/networks: |-".to_owned(),
        "      [".to_owned(),
    ];
    lines.extend(separated("        ", elements));
    lines.push("      ]".to_owned());
    lines.push("spec:".to_owned());
    // All its ports are on one node, if the lab is of one.
    let on = machine.ports.first().map(|port| Names::of_kubernetes().take(port.node));
    lines.extend(on.map(|node| format!("  nodeName: {}", scalar(&node))));
    lines.extend([
        "  containers:".to_owned(),
        "    - name: main".to_owned(),
        "      image: alpine".to_owned(),
        "      command: [sleep, infinity]".to_owned(),
    ]);
    lines
}

/// The list of plugins of the lab's only network, with a range that has the addresses of its ports.
pub(super) fn list(lab: &LabSpec) -> Result<String, ExportError> {
    let machines = Machines::of(lab, &TOOL);
    let ports =
        machines.machines.iter().flat_map(|machine| machine.ports.iter().map(move |port| (machine, port)));
    let ports: Vec<(&Machine<'_>, &Port<'_>)> = ports.collect();
    let Some((machine, port)) = ports.first() else { return Err(NOTHING) };
    let network = Attached::of(machine, port);
    if ports.iter().any(|(machine, port)| Attached::of(machine, port) != network) {
        return Err(ExportError::Nothing(
            "the ports of the lab are of several networks, and a configuration of CNI is of one; `nad` writes all",
        ));
    }
    let mut plugin = network.config();
    plugin.pop();
    plugin.retain(|line| !line.starts_with("\"capabilities\""));
    let addresses: Vec<&IpNet> = ports.iter().flat_map(|(_, port)| &port.spec.ip.address).collect();
    plugin.extend(host_local(&network, &addresses, &port.spec.ip.gateway));
    Ok(document(Some("macvlan0"), plugin, network.tuning()).join("\n") + "\n")
}

/// IPAM that gives out the range of these addresses.
fn host_local(network: &Attached, addresses: &[&IpNet], gateways: &[IpAddr]) -> Vec<String> {
    if addresses.is_empty() {
        return vec![setting("ipam", "{}")];
    }
    let mut subnets: Vec<IpNet> = Vec::new();
    for net in addresses {
        if !subnets.contains(&net.trunc()) {
            subnets.push(net.trunc());
        }
    }
    let range = |subnet: &IpNet| {
        let inside = || addresses.iter().map(|net| net.addr()).filter(|ip| subnet.contains(ip));
        let bound =
            |key: &str, ip: Option<IpAddr>| ip.map(|ip| format!(", \"{key}\": \"{ip}\"")).unwrap_or_default();
        let gateway = gateways.iter().copied().find(|gateway| subnet.contains(gateway));
        format!(
            "[{{ \"subnet\": \"{subnet}\"{}{}{} }}]",
            bound("rangeStart", inside().min()),
            bound("rangeEnd", inside().max()),
            bound("gateway", gateway)
        )
    };
    let ranges = subnets.iter().map(range).collect::<Vec<_>>().join(",\n          ");
    let defaults = gateways.iter().map(|gateway| match gateway {
        IpAddr::V4(_) => "{ \"dst\": \"0.0.0.0/0\" }".to_owned(),
        IpAddr::V6(_) => "{ \"dst\": \"::/0\" }".to_owned(),
    });
    let routes: Vec<String> =
        network.routes.iter().map(|(to, via)| route(to, *via)).chain(defaults).collect();
    let mut ipam = vec![
        setting("type", &quoted("host-local")),
        setting("ranges", &format!("[\n          {ranges}\n        ]")),
    ];
    if !routes.is_empty() {
        ipam.push(setting("routes", &format!("[{}]", routes.join(", "))));
    }
    vec![format!("\"ipam\": {{\n{}\n      }}", separated("        ", &ipam).join("\n"))]
}
