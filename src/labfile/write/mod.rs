//! Writes a lab file: the inverse of reading it, without defaults.

mod changed;
mod host;
mod keys;
mod lesson;
mod step;

pub use changed::changed_lines;

use super::switch::STATES;
use crate::lab::spec::{
    BondSpec, DEFAULT_MTU, DeviceKind, DeviceSpec, DummySpec, FdbSpec, LabSpec, MacvlanSpec, Name, NicSpec,
    RouterSpec, StationSpec, StepSpec, SwitchPortSpec, SwitchSpec, TapOpen, VlanSpec,
};
use crate::macvlan::{MacvlanFlags, Mode};
use crate::nic::UnicastFilter;
use crate::station::{IpSpec, default_mac};
use crate::switch::{DEFAULT_AGEING, Policy, PortFlag, PortFlags, PortState, PortVlans};
use crate::why::{Tried, TriedText};
use keys::{Keys, bare, duration, quote};
use std::time::Duration;

/// The lab as a file that [`super::parse`] reads back into the same declaration, except for line numbers. Values that
/// no file can contain (a mode that does not exist, a title of several lines) are written and then refused by the
/// reader.
#[must_use]
pub fn write(spec: &LabSpec) -> String {
    let mut out = String::new();
    if !spec.title.is_empty() {
        out.push_str(&format!("title = {}\n", quote(&spec.title)));
    }
    for host in &spec.hosts {
        let name = bare(&host.name);
        out.push_str(&format!("\n[host.{name}]\n{}", host::host_keys(&host.config).lines()));
    }
    for device in &spec.devices {
        out.push_str(&device_tables(device));
    }
    for switch in &spec.switches {
        out.push_str(&switch_tables(switch));
    }
    for step in &spec.steps {
        out.push_str("\n[[step]]\n");
        out.push_str(&step::keys(step).lines());
    }
    for (number, part) in spec.lesson.iter().enumerate() {
        out.push_str(&lesson::part(part, number + 1 == spec.lesson.len()));
    }
    out
}

/// The action of a step on one line, without what must come of it: as [`super::parse_step`] reads it.
#[must_use]
pub fn write_action(step: &StepSpec) -> String {
    let step = StepSpec { expect: None, ..step.clone() };
    step::keys(&step).lines().trim_end().replace('\n', " ")
}

/// A change that helps in this lab, as text of its file.
#[must_use]
pub fn tried_text(spec: &LabSpec, tried: &Tried) -> TriedText {
    let lines = match tried.declared {
        true => changed_lines(spec, &tried.remedy.declared_in(spec)),
        false => Vec::new(),
    };
    let steps = tried.steps().iter().map(|action| write_action(&StepSpec::new(action.clone())));
    TriedText { lines, steps: steps.collect() }
}

fn device_tables(device: &DeviceSpec) -> String {
    let name = &device.name;
    let (table, keys) = match &device.kind {
        DeviceKind::Nic(nic) => ("nic", nic_keys(name, nic)),
        DeviceKind::Dummy(dummy) => ("dummy", dummy_keys(name, dummy)),
        DeviceKind::Bond(bond) => ("bond", bond_keys(bond)),
        DeviceKind::Vlan(vlan) => ("vlan", vlan_keys(vlan)),
        DeviceKind::Macvlan(spec) => {
            let mut keys = Keys::default();
            macvlan_keys(&mut keys, spec);
            if let Some(errno) = spec.expect {
                keys.text("expect", errno.name());
            }
            (spec.device_type().name(), keys)
        }
        DeviceKind::Station(station) => {
            let mut keys = Keys::default();
            station_keys(&mut keys, name, station);
            ("station", keys)
        }
        DeviceKind::Router(router) => return router_tables(name, router),
    };
    format!("\n[{table}.{}]\n{}", bare(name), keys.lines())
}

fn nic_keys(name: &str, nic: &NicSpec) -> Keys {
    let mut keys = Keys::default();
    if nic.mac != default_mac(name) {
        keys.text("mac", &nic.mac.to_string());
    }
    stack_keys(&mut keys, nic.host.as_ref(), &nic.ip);
    keys.unless("mtu", &nic.mtu, &DEFAULT_MTU);
    keys.unless("up", &nic.up, &true);
    if let UnicastFilter::Slots(slots) = nic.filter {
        keys.put("filter", slots.to_string());
    }
    if let Some(cable) = &nic.cable {
        keys.text("cable", cable);
    }
    if nic.latency != Duration::ZERO {
        keys.text("latency", &duration(nic.latency));
    }
    master_key(&mut keys, nic.master.as_ref());
    keys.unless("promisc", &nic.promisc, &false);
    keys.unless("allmulticast", &nic.allmulticast, &false);
    keys
}

fn dummy_keys(name: &str, dummy: &DummySpec) -> Keys {
    let mut keys = Keys::default();
    if dummy.mac != default_mac(name) {
        keys.text("mac", &dummy.mac.to_string());
    }
    stack_keys(&mut keys, dummy.host.as_ref(), &dummy.ip);
    keys.unless("mtu", &dummy.mtu, &DEFAULT_MTU);
    keys.unless("up", &dummy.up, &true);
    master_key(&mut keys, dummy.master.as_ref());
    keys
}

fn bond_keys(bond: &BondSpec) -> Keys {
    let mut keys = Keys::default();
    keys.put("ports", keys::list(&bond.ports));
    if let Some(primary) = &bond.primary {
        keys.text("primary", primary);
    }
    if let Some(mac) = bond.mac {
        keys.text("mac", &mac.to_string());
    }
    stack_keys(&mut keys, bond.host.as_ref(), &bond.ip);
    keys.unless("mtu", &bond.mtu, &DEFAULT_MTU);
    keys.unless("up", &bond.up, &true);
    master_key(&mut keys, bond.master.as_ref());
    keys
}

fn vlan_keys(vlan: &VlanSpec) -> Keys {
    let mut keys = Keys::default();
    keys.text("parent", &vlan.parent);
    keys.put("id", vlan.id.to_string());
    if let Some(mac) = vlan.mac {
        keys.text("mac", &mac.to_string());
    }
    stack_keys(&mut keys, vlan.host.as_ref(), &vlan.ip);
    keys.maybe("mtu", vlan.mtu);
    keys.unless("up", &vlan.up, &true);
    master_key(&mut keys, vlan.master.as_ref());
    keys
}

fn master_key(keys: &mut Keys, master: Option<&Name>) {
    if let Some(master) = master {
        keys.text("master", master);
    }
}

/// The keys common to `[macvlan.N]` and an `add` step.
fn macvlan_keys(keys: &mut Keys, spec: &MacvlanSpec) {
    keys.text("parent", &spec.parent);
    match spec.open {
        TapOpen::No => {}
        TapOpen::Reading => keys.text("open", "reading"),
        TapOpen::Idle => keys.text("open", "idle"),
    }
    if spec.mode != Mode::default() {
        keys.text("mode", spec.mode.name());
    }
    if let Some(mac) = spec.mac {
        keys.text("mac", &mac.to_string());
    }
    stack_keys(keys, spec.host.as_ref(), &spec.ip);
    keys.maybe("mtu", spec.mtu);
    keys.unless("up", &spec.up, &true);
    if spec.flags != MacvlanFlags::default() {
        keys.put("flags", flags(spec.flags));
    }
    keys.texts("sources", &spec.sources);
    keys.texts("multicast", &spec.multicast);
    keys.unless("allmulticast", &spec.allmulticast, &false);
    keys.unless("promisc", &spec.promisc, &false);
    keys.maybe("bcqueuelen", spec.bcqueuelen);
    keys.maybe("bclim", spec.bclim);
    master_key(keys, spec.master.as_ref());
}

/// The value of a `flags` key.
fn flags(flags: MacvlanFlags) -> String {
    let set = [(flags.nopromisc, "nopromisc"), (flags.nodst, "nodst")];
    let words: Vec<&str> = set.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect();
    keys::list(&words)
}

fn station_keys(keys: &mut Keys, name: &str, station: &StationSpec) {
    if station.mac != station.ip.default_mac(name) {
        keys.text("mac", &station.mac.to_string());
    }
    ip_keys(keys, &station.ip);
    keys.unless("mtu", &station.mtu, &DEFAULT_MTU);
    keys.unless("up", &station.up, &true);
    if station.latency != Duration::ZERO {
        keys.text("latency", &duration(station.latency));
    }
}

fn router_tables(name: &str, router: &RouterSpec) -> String {
    let header = bare(name);
    if router.interfaces.is_empty() {
        return format!("\n[router.{header}]\ninterfaces = []\n");
    }
    let mut out = String::new();
    for (i, interface) in router.interfaces.iter().enumerate() {
        let mut keys = Keys::default();
        if interface.name != format!("{name}.{i}") {
            keys.text("name", &interface.name);
        }
        station_keys(&mut keys, &interface.name, &interface.station);
        out.push_str(&format!("\n[[router.{header}.interfaces]]\n{}", keys.lines()));
    }
    out
}

/// The host, and the IP configuration.
fn stack_keys(keys: &mut Keys, host: Option<&Name>, ip: &IpSpec) {
    if let Some(host) = host {
        keys.text("host", host);
    }
    ip_keys(keys, ip);
}

fn ip_keys(keys: &mut Keys, ip: &IpSpec) {
    keys.texts("address", &ip.address);
    match ip.gateway.as_slice() {
        [one] => keys.text("gateway", &one.to_string()),
        all => keys.texts("gateway", all),
    }
    if !ip.neighbours.is_empty() {
        keys.put("neighbours", host::neighbours(&ip.neighbours));
    }
    host::sysctl_keys(keys, ip.sysctls);
}

fn switch_tables(switch: &SwitchSpec) -> String {
    let mut keys = Keys::default();
    if switch.mac != default_mac(&switch.name) {
        keys.text("mac", &switch.mac.to_string());
    }
    stack_keys(&mut keys, switch.host.as_ref(), &switch.ip);
    if switch.ageing != DEFAULT_AGEING {
        keys.text("ageing", &duration(switch.ageing));
    }
    keys.unless("vlan_filtering", &switch.vlan_filtering, &false);
    if switch.group_fwd_mask != 0 {
        keys.put("group_fwd_mask", format!("{:#06x}", switch.group_fwd_mask));
    }
    if let Some(policy) = switch.policy {
        keys.put("policy", self::policy(policy));
    }
    if !switch.fdb.is_empty() {
        let entries: Vec<String> = switch.fdb.iter().map(fdb_entry).collect();
        keys.put("fdb", format!("[\n    {},\n]", entries.join(",\n    ")));
    }
    let name = bare(&switch.name);
    let mut out = String::new();
    if !keys.is_empty() || switch.ports.is_empty() {
        out.push_str(&format!("\n[switch.{name}]\n{}", keys.lines()));
    }
    for port in &switch.ports {
        out.push_str(&format!("\n[switch.{name}.port.{}]\n{}", bare(&port.device), port_keys(port).lines()));
    }
    out
}

fn port_keys(port: &SwitchPortSpec) -> Keys {
    let mut keys = Keys::default();
    let (mut own, mut usual) = (port.flags, PortFlags::default());
    for flag in PortFlag::ALL {
        keys.unless(flag.name(), own.get_mut(flag), usual.get_mut(flag));
    }
    if port.state != PortState::default() {
        keys.put("state", state(port.state));
    }
    if port.group_fwd_mask != 0 {
        keys.put("group_fwd_mask", format!("{:#06x}", port.group_fwd_mask));
    }
    if port.vlans != PortVlans::default() {
        keys.put("vlan", vlans(&port.vlans));
    }
    if let Some(policy) = port.policy {
        keys.put("policy", self::policy(policy));
    }
    keys
}

fn vlans(vlans: &PortVlans) -> String {
    let ids = |all: &[crate::frame::VlanId]| {
        format!("[{}]", all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    };
    let mut table = Keys::default();
    table.maybe("pvid", vlans.pvid);
    if !vlans.untagged.is_empty() {
        table.put("untagged", ids(&vlans.untagged));
    }
    if !vlans.tagged.is_empty() {
        table.put("tagged", ids(&vlans.tagged));
    }
    table.inline()
}

/// A port's state as a value: its name, or the number if it has none.
fn state(state: PortState) -> String {
    match state {
        PortState::Invalid(number) => number.to_string(),
        state => quote(STATES.iter().find(|(_, s)| *s == state).map_or("forwarding", |(word, _)| word)),
    }
}

fn fdb_entry(entry: &FdbSpec) -> String {
    let mut keys = Keys::default();
    keys.text("mac", &entry.mac.to_string());
    keys.text("port", &entry.port);
    keys.unless("sticky", &entry.sticky, &false);
    keys.unless("dynamic", &entry.dynamic, &false);
    keys.unless("replace", &entry.replace, &false);
    keys.maybe("vlan", entry.vlan);
    keys.inline()
}

fn policy(policy: Policy) -> String {
    let Policy::VirtualSwitch { product, accepts } = policy else { return quote(policy.name()) };
    let usual = product.accepts();
    let settings = [
        ("promiscuous", accepts.promiscuous, usual.promiscuous),
        ("forged_transmits", accepts.forged_transmits, usual.forged_transmits),
        ("mac_changes", accepts.mac_changes, usual.mac_changes),
    ];
    let mut keys = Keys::default();
    keys.text("kind", product.name());
    for (key, accepts, _) in settings.into_iter().filter(|(_, accepts, usual)| accepts != usual) {
        keys.text(key, if accepts { "accept" } else { "reject" });
    }
    if keys.len() == 1 { quote(product.name()) } else { keys.inline() }
}
