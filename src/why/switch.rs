//! Settings of switch ports, and static entries of switches.

use super::case::{Case, MAX_EACH, port_name, word};
use super::{Rank, Remedy, Table};
use crate::lab::spec::{Action, FdbSpec, SwitchChange, SwitchPortSpec, SwitchSpec};
use crate::switch::{PortFlag, PortFlags, PortState};

/// Hairpin on at a port, any other flag or the state of a port as an ordinary switch has it, and each static entry gone.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    let mut all = Vec::new();
    for (switch, port) in case.switch_ports() {
        for name in PortFlag::ALL {
            let usual = name == PortFlag::Hairpin || PortFlags::default().get(name);
            if port.flags.get(name) != usual {
                all.push(flag(switch, port, name, usual));
            }
        }
        if port.state != PortState::Forwarding {
            all.push(forwarding(switch, port));
        }
    }
    let entries =
        case.spec.switches.iter().flat_map(|s| s.fdb.iter().take(MAX_EACH).map(move |entry| (s, entry)));
    all.extend(entries.map(|(switch, entry)| without(switch, entry)));
    all
}

fn flag(switch: &SwitchSpec, port: &SwitchPortSpec, flag: PortFlag, value: bool) -> Remedy {
    let (name, on) = (port_name(switch, port), if value { "on" } else { "off" });
    let change = SwitchChange::Flag { port: port.device.clone(), flag, value };
    let changed = port.clone().with_flag(flag, value);
    Remedy::new(Rank::SwitchPort, format!("Turn {} {on} at the switch port {name}.", flag.name()))
        .table(Table::Port { switch: switch.name.clone(), port: changed })
        .step(Action::SetSwitch { switch: switch.name.clone(), change })
        .command(format!("bridge link set dev {} {} {on}", word(&name), flag.name()))
}

fn forwarding(switch: &SwitchSpec, port: &SwitchPortSpec) -> Remedy {
    let name = port_name(switch, port);
    let change = SwitchChange::State { port: port.device.clone(), state: PortState::Forwarding };
    let changed = port.clone().with_state(PortState::Forwarding);
    Remedy::new(Rank::SwitchPort, format!("Set the switch port {name} to state forwarding."))
        .table(Table::Port { switch: switch.name.clone(), port: changed })
        .step(Action::SetSwitch { switch: switch.name.clone(), change })
        .command(format!("bridge link set dev {} state 3", word(&name)))
}

fn without(switch: &SwitchSpec, entry: &FdbSpec) -> Remedy {
    let mut changed = switch.clone();
    changed.fdb.retain(|known| known != entry);
    let port = format!("{}.{}", switch.name, entry.port);
    let vlan = entry.vlan.map(|vlan| format!(" vlan {vlan}")).unwrap_or_default();
    let reads = format!("Remove the static entry for {} from the switch {}.", entry.mac, switch.name);
    Remedy::new(Rank::Removal, reads)
        .table(Table::Switch(changed))
        .step(Action::SetSwitch {
            switch: switch.name.clone(),
            change: SwitchChange::FdbDel { mac: entry.mac, vlan: entry.vlan },
        })
        .command(format!("bridge fdb del {} dev {} master{vlan}", entry.mac, word(&port)))
}
