//! Policies of virtual switches.

use super::case::{Case, port_name, word};
use super::{Rank, Remedy, Table};
use crate::lab::spec::{Action, Name, SwitchChange, SwitchPortSpec, SwitchSpec};
use crate::switch::{Policy, PortSecurity, VirtualSwitch};

/// What a policy can be asked to accept, by the words of lab files.
const SETTINGS: [&str; 3] = ["promiscuous", "forged_transmits", "mac_changes"];

/// The policy of each port or switch that has one, with some of what it rejects accepted. Access points and the networks
/// of clouds have nothing to set.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    let mut all = Vec::new();
    for switch in &case.spec.switches {
        let ports: Vec<&SwitchPortSpec> = switch.ports.iter().collect();
        let inherit: Vec<&SwitchPortSpec> = ports.iter().copied().filter(|p| p.policy.is_none()).collect();
        if let Some(Policy::VirtualSwitch { product, accepts }) = switch.policy {
            all.extend(relaxed(product, accepts, &Place::Switch(switch, inherit)));
        }
        let mut everywhere = Vec::new();
        for port in ports {
            if let Some(Policy::VirtualSwitch { product, accepts }) = port.policy {
                let relaxed = relaxed(product, accepts, &Place::Port(switch, port));
                everywhere.extend(relaxed.last().cloned());
                all.extend(relaxed);
            }
        }
        if everywhere.len() > 1 {
            let reads = format!("Relax the policy of every port of the switch {}.", switch.name);
            all.push(Remedy::joined(Rank::Policy, reads, &everywhere));
        }
    }
    all
}

/// Where a policy is set.
enum Place<'a> {
    /// At the switch, for the ports that have no other.
    Switch(&'a SwitchSpec, Vec<&'a SwitchPortSpec>),
    /// At one port.
    Port(&'a SwitchSpec, &'a SwitchPortSpec),
}

impl Place<'_> {
    fn name(&self) -> String {
        match self {
            Place::Switch(switch, _) => format!("the switch {}", switch.name),
            Place::Port(switch, port) => format!("the switch port {}", port_name(switch, port)),
        }
    }

    fn table(&self, policy: Policy) -> Table {
        match self {
            Place::Switch(switch, _) => Table::Switch((*switch).clone().with_policy(policy)),
            Place::Port(switch, port) => {
                Table::Port { switch: switch.name.clone(), port: (*port).clone().with_policy(policy) }
            }
        }
    }

    fn steps(&self, policy: Policy) -> Vec<Action> {
        let set = |switch: &SwitchSpec, device: &Name| Action::SetSwitch {
            switch: switch.name.clone(),
            change: SwitchChange::Policy { port: device.clone(), policy: Some(policy) },
        };
        match self {
            Place::Switch(switch, ports) => ports.iter().map(|port| set(switch, &port.device)).collect(),
            Place::Port(switch, port) => vec![set(switch, &port.device)],
        }
    }
}

/// Every set of settings that can be made at once, the smallest first.
fn relaxed(product: VirtualSwitch, accepts: PortSecurity, place: &Place<'_>) -> Vec<Remedy> {
    let rejected = [!accepts.promiscuous, !accepts.forged_transmits, !accepts.mac_changes];
    let mut sets: Vec<[bool; 3]> = match product {
        // Each has its own line.
        VirtualSwitch::Vmware => (1..8_u8).map(|set| [set & 1 > 0, set & 2 > 0, set & 4 > 0]).collect(),
        // One setting is all there is.
        _ => vec![rejected],
    };
    sets.retain(|set| {
        set.contains(&true) && set.iter().zip(rejected).all(|(set, rejected)| !set || rejected)
    });
    sets.sort_by_key(|set| set.iter().filter(|one| **one).count());
    sets.into_iter().map(|set| relax(product, accepts, place, set)).collect()
}

fn relax(product: VirtualSwitch, accepts: PortSecurity, place: &Place<'_>, set: [bool; 3]) -> Remedy {
    let [promiscuous, forged_transmits, mac_changes] = set;
    let accepts = PortSecurity {
        promiscuous: accepts.promiscuous || promiscuous,
        forged_transmits: accepts.forged_transmits || forged_transmits,
        mac_changes: accepts.mac_changes || mac_changes,
    };
    let policy = Policy::VirtualSwitch { product, accepts };
    let chosen = SETTINGS.into_iter().zip(set).filter(|(_, on)| *on).map(|(setting, _)| setting);
    let mut remedy = Remedy::new(Rank::Policy, reads(product, place, set))
        .table(place.table(policy))
        .family("policy", chosen.map(|setting| format!("{setting} of {}", place.name())));
    remedy.live = place.steps(policy);
    remedy.commands.extend(command(product, place, set));
    remedy
}

fn reads(product: VirtualSwitch, place: &Place<'_>, set: [bool; 3]) -> String {
    let place = place.name();
    match product {
        VirtualSwitch::Vmware => {
            let words = ["promiscuous mode", "forged transmits", "MAC address changes"];
            let chosen: Vec<&str> =
                words.into_iter().zip(set).filter(|(_, on)| *on).map(|(word, _)| word).collect();
            format!("Accept {} at {place} (vSphere).", chosen.join(" and "))
        }
        VirtualSwitch::VirtualBox => format!("Allow promiscuous mode for all at {place} (VirtualBox)."),
        VirtualSwitch::HyperV => format!("Turn MAC address spoofing on at {place} (Hyper-V)."),
        VirtualSwitch::Wsl2 => format!("Turn MAC address spoofing on at {place} (the adapter of WSL 2)."),
        VirtualSwitch::ProxmoxFirewall => format!("Turn the MAC filter off at {place} (Proxmox VE)."),
    }
}

/// The command or configuration line of the product. The adapter of WSL 2 has none that is documented.
fn command(product: VirtualSwitch, place: &Place<'_>, set: [bool; 3]) -> Option<String> {
    Some(match product {
        VirtualSwitch::Vmware => {
            let options = ["--allow-promiscuous", "--allow-forged-transmits", "--allow-mac-change"];
            let chosen = options.into_iter().zip(set).filter(|(_, on)| *on);
            let chosen: String = chosen.map(|(option, _)| format!(" {option}=true")).collect();
            match place {
                Place::Switch(switch, _) => {
                    let name = word(&switch.name);
                    format!("esxcli network vswitch standard policy security set -v {name}{chosen}")
                }
                Place::Port(..) => {
                    format!(
                        "esxcli network vswitch standard portgroup policy security set -p PORTGROUP{chosen}"
                    )
                }
            }
        }
        VirtualSwitch::VirtualBox => "VBoxManage modifyvm VM --nicpromisc1 allow-all".to_owned(),
        VirtualSwitch::HyperV => "Set-VMNetworkAdapter -VMName VM -MacAddressSpoofing On".to_owned(),
        VirtualSwitch::ProxmoxFirewall => {
            "macfilter: 0  (in /etc/pve/firewall/VMID.fw, [OPTIONS])".to_owned()
        }
        VirtualSwitch::Wsl2 => return None,
    })
}
