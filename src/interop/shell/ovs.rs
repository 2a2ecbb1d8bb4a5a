//! `ovs-vsctl`: bridges of Open vSwitch, as far as a bridge of the kernel does the same.

use super::super::words::vlan_id;
use super::super::{Kind, NoteKind};
use super::Context;
use crate::frame::VlanId;
use crate::switch::PortVlans;
use std::collections::BTreeSet;

impl Context<'_> {
    /// Carries out commands, which `--` separates.
    pub(super) fn ovs_vsctl(&mut self, words: &[&str]) {
        for command in words.split(|word| *word == "--") {
            let words: Vec<&str> = command.iter().copied().filter(|word| !word.starts_with("--")).collect();
            match words.as_slice() {
                ["add-br", bridge, ..] => {
                    self.interface(bridge).kind = Kind::Bridge { vlan_filtering: false, ageing: None };
                    self.note(
                        NoteKind::Guess,
                        format!("`{bridge}` of Open vSwitch: taken to be a bridge of the kernel"),
                    );
                }
                ["add-port", bridge, port, settings @ ..] => {
                    self.interface(port).master = Some((*bridge).to_owned());
                    self.ovs_port(port, settings);
                }
                ["del-port", .., port] => {
                    let port = self.interface(port);
                    (port.master, port.vlans) = (None, None);
                }
                ["set", table, port, settings @ ..] if table.eq_ignore_ascii_case("port") => {
                    self.ovs_port(port, settings);
                }
                ["del-br" | "set" | "add-bond" | "remove" | "clear", ..] => {
                    self.left_out(&format!("ovs-vsctl {}", words.join(" ")));
                }
                _ => {}
            }
        }
    }

    /// `tag=10`, `trunks=10,20`
    fn ovs_port(&mut self, port: &str, settings: &[&str]) {
        for (key, value) in settings.iter().filter_map(|setting| setting.split_once('=')) {
            let ids = value.split(',').filter_map(|id| vlan_id(id.trim_matches(['[', ']']).parse().ok()?));
            let ids: Vec<VlanId> = ids.collect();
            let vlans = match key {
                "tag" => PortVlans { pvid: ids.first().copied(), untagged: ids, tagged: Vec::new() },
                "trunks" => PortVlans { pvid: None, untagged: Vec::new(), tagged: ids },
                _ => {
                    self.left_out(&format!("{key}={value} of the port {port}"));
                    continue;
                }
            };
            self.interface(port).vlans = Some(vlans);
        }
        if let Some(bridge) = self.interface(port).master.clone() {
            self.ovs_trunks(&bridge);
        }
    }

    /// A port without such settings has all VLANs. Once another one has some, the bridge has to know VLANs.
    fn ovs_trunks(&mut self, bridge: &str) {
        let is_open = |vlans: &Option<PortVlans>| {
            vlans.as_ref().is_none_or(|own| own.pvid == PortVlans::default().pvid)
        };
        let ports = self.machine().interfaces.iter().filter(|port| port.master.as_deref() == Some(bridge));
        let limited = ports.filter(|port| !is_open(&port.vlans)).filter_map(|port| port.vlans.as_ref());
        let known: BTreeSet<VlanId> =
            limited.flat_map(|own| own.pvid.iter().chain(&own.tagged)).copied().collect();
        if known.is_empty() {
            return;
        }
        if let Kind::Bridge { vlan_filtering, .. } = &mut self.interface(bridge).kind {
            *vlan_filtering = true;
        }
        let ports =
            self.machine().interfaces.iter_mut().filter(|port| port.master.as_deref() == Some(bridge));
        for port in ports.filter(|port| is_open(&port.vlans)) {
            port.vlans.get_or_insert_default().tagged = known.iter().copied().collect();
        }
    }
}
