//! Another mode, as people set it in the language of a tool.

use super::super::{Network, Origin};
use super::{cni, compose, containerlab, docker, libvirt, networkd, word};
use crate::lab::spec::MacvlanSpec;

/// The lines that make a network anew in its mode.
pub(in super::super) fn network_anew(network: &Network) -> Vec<String> {
    let name = word(&network.name);
    match network.tool.as_str() {
        tool @ ("docker" | "podman" | "nerdctl") => {
            vec![format!("{tool} network rm {name}"), docker::create(tool, network)]
        }
        "compose" => {
            let mut lines = vec!["networks:".to_owned()];
            lines.extend(compose::network(network));
            lines
        }
        "nad" => {
            let (namespace, name) = match network.name.split_once('/') {
                Some((namespace, name)) => (format!(" -n {}", word(namespace)), word(name)),
                None => (String::new(), name),
            };
            let edit = format!("kubectl edit network-attachment-definition {name}{namespace}");
            vec![edit, format!("  {}", cni::mode(network.mode))]
        }
        "libvirt" => {
            let edit = format!("virsh net-edit {name}");
            vec![edit, format!("  <forward mode='{}'>", libvirt::mode(network.mode))]
        }
        _ => vec![
            format!("in the configuration of {}:", network.name),
            format!("  {}", cni::mode(network.mode)),
        ],
    }
}

/// The lines that make a port anew in its mode, where this is described.
pub(in super::super) fn port_anew(origin: &Origin, port: &MacvlanSpec) -> Vec<String> {
    let mode = port.mode;
    match origin {
        Origin::Networkd { device } => {
            let (section, settings) = networkd::macvlan(port);
            let mut lines = vec![format!("in the .netdev file of {device}:"), format!("  [{section}]")];
            lines.extend(settings.iter().map(|(key, value)| format!("  {key}={value}")));
            lines.extend([format!("networkctl delete {}", word(device)), "networkctl reload".to_owned()]);
            lines
        }
        Origin::NetworkManager { connection } => {
            let connection = word(connection);
            vec![
                format!("nmcli connection modify {connection} macvlan.mode {mode}"),
                format!("nmcli connection up {connection}"),
            ]
        }
        Origin::Incus { command, owner, device } => {
            let (owner, device) = (word(owner), device.as_ref().map(|device| format!(" {}", word(device))));
            vec![format!("incus {command} {owner}{} mode={mode}", device.unwrap_or_default())]
        }
        Origin::Lxc { container, key } => {
            vec![format!("in the configuration of {container}:"), format!("  {key}.macvlan.mode = {mode}")]
        }
        Origin::Uci { section } => vec![
            format!("uci set network.{section}.mode='{mode}'"),
            "uci commit network".to_owned(),
            "service network restart".to_owned(),
        ],
        Origin::Libvirt { domain, parent } => {
            vec![format!("virsh edit {}", word(domain)), format!("  {}", libvirt::source(parent, mode))]
        }
        Origin::Containerlab { node, interface, parent, mac } => {
            let mut lines = vec!["links:".to_owned()];
            lines.extend(containerlab::long_link(node, interface, parent, mode, mac.as_deref()));
            lines
        }
    }
}
