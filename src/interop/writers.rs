//! Networks in the language of their tool.

use super::Network;
use super::words::range_text;

/// The lines that make a network again, after one of this name was removed.
pub(super) fn network_anew(network: &Network) -> Vec<String> {
    match network.tool.as_str() {
        tool @ ("docker" | "podman" | "nerdctl") => {
            vec![format!("{tool} network rm {}", network.name), engine(tool, network)]
        }
        "compose" => vec![
            "networks:".to_owned(),
            format!("  {}:", network.name),
            "    driver: macvlan".to_owned(),
            "    driver_opts:".to_owned(),
            format!("      macvlan_mode: {}", network.mode),
        ],
        _ => vec![format!("in {}: \"mode\": \"{}\"", network.name, network.mode)],
    }
}

/// `docker network create …`
pub(super) fn engine(tool: &str, network: &Network) -> String {
    let mut command = format!("{tool} network create -d macvlan");
    for pool in &network.pools {
        command.push_str(&format!(" --subnet {}", pool.subnet));
        if let Some(range) = pool.range.and_then(range_text) {
            command.push_str(&format!(" --ip-range {range}"));
        }
        if let Some(gateway) = pool.gateway {
            command.push_str(&format!(" --gateway {gateway}"));
        }
        for (number, address) in pool.reserved.iter().enumerate() {
            command.push_str(&format!(" --aux-address reserved{number}={address}"));
        }
    }
    if let Some(parent) = &network.parent {
        command.push_str(&format!(" -o parent={parent}"));
    }
    if network.internal {
        command.push_str(" --internal");
    }
    let key = if tool == "podman" { "mode" } else { "macvlan_mode" };
    format!("{command} -o {key}={} {}", network.mode, network.name)
}
