//! `bridge`, `brctl`, and the files of bridges under `/sys`.

use super::super::words::{mac, vlan_id};
use super::super::{Entry, Interface, Kind, NoteKind};
use super::Context;
use crate::frame::{MacAddr, VlanId};
use crate::switch::{PortState, PortVlans};

impl Context<'_> {
    /// Carries out a command of iproute2's `bridge`.
    pub(super) fn bridge(&mut self, words: &[&str]) {
        let mut words = words;
        while let [option, rest @ ..] = words
            && option.starts_with('-')
        {
            words = rest;
            if let ("-n" | "-netns", [name, rest @ ..]) = (*option, rest) {
                self.machine = self.namespace(name);
                words = rest;
            }
        }
        match words {
            ["link" | "l", "set" | "s", rest @ ..] => {
                let dev = rest.iter().skip_while(|word| **word != "dev").nth(1).copied();
                if let Some(dev) = dev.or_else(|| rest.first().copied()) {
                    self.port_flags(dev, rest);
                    self.port_state(dev, rest);
                }
            }
            ["fdb" | "f", verb @ ("add" | "append" | "replace" | "a"), rest @ ..] => {
                self.fdb_add(rest, *verb == "replace");
            }
            ["fdb" | "f", "del" | "delete" | "d", rest @ ..] => self.fdb_del(rest),
            ["vlan" | "v", verb @ ("add" | "a" | "del" | "delete" | "d"), rest @ ..] => {
                self.vlan(rest, verb.starts_with('a'));
            }
            _ => {}
        }
    }

    /// `state 3` or `state blocking`
    fn port_state(&mut self, dev: &str, words: &[&str]) {
        const STATES: [(&str, PortState); 5] = [
            ("disabled", PortState::Disabled),
            ("listening", PortState::Listening),
            ("learning", PortState::Learning),
            ("forwarding", PortState::Forwarding),
            ("blocking", PortState::Blocking),
        ];
        let Some(word) = words.iter().skip_while(|word| **word != "state").nth(1) else { return };
        let number = word.parse::<usize>().ok();
        let state = STATES.iter().enumerate().find(|(at, (name, _))| number == Some(*at) || name == word);
        if let Some((_, (_, state))) = state {
            self.interface(dev).port_state = Some(*state);
        }
    }

    /// `bridge fdb add MAC dev PORT master static`. Without `master` it is an address that the device itself accepts;
    /// without `static` or `dynamic` the entry is the bridge's own.
    fn fdb_add(&mut self, words: &[&str], replace: bool) {
        let has = |words_of: &[&str]| words.iter().any(|word| words_of.contains(word));
        let text = words.join(" ");
        if !has(&["master"]) {
            let text =
                format!("`bridge fdb add {text}`: without `master` no bridge has the entry, but the device");
            self.note(NoteKind::LeftOut, text);
        } else if !has(&["static", "temp", "dynamic"]) {
            let text = format!(
                "`bridge fdb add {text}`: without `static` frames to this address go to the bridge itself"
            );
            self.note(NoteKind::LeftOut, text);
        } else {
            self.fdb_entry(words, replace);
        }
    }

    /// Takes an entry for a port; an address that is there on another port stays there, unless it is replaced.
    pub(super) fn fdb_entry(&mut self, words: &[&str], replace: bool) {
        let Some((mac, dev, vlan)) = fdb_key(words) else {
            return self.left_out(&format!("bridge fdb add {}", words.join(" ")));
        };
        if mac.is_multicast() || mac.is_zero() {
            return self.left_out(&format!("an entry for {mac}, which is not the address of a device"));
        }
        let entry =
            Entry { mac, vlan, sticky: words.contains(&"sticky"), dynamic: words.contains(&"dynamic") };
        let master = self.interface(dev).master.clone();
        let same = |known: &Entry| known.mac == mac && known.vlan == vlan;
        for port in self.machine().interfaces.iter_mut().filter(|port| port.master == master) {
            if replace || port.name == dev {
                port.fdb.retain(|known| !same(known));
            } else if port.fdb.iter().any(same) {
                return;
            }
        }
        self.interface(dev).fdb.push(entry);
    }

    fn fdb_del(&mut self, words: &[&str]) {
        if let Some((mac, dev, vlan)) = fdb_key(words) {
            self.interface(dev).fdb.retain(|known| known.mac != mac || known.vlan != vlan);
        }
    }

    /// `bridge vlan add dev PORT vid 10-12 pvid untagged`
    fn vlan(&mut self, words: &[&str], add: bool) {
        let after = |key: &str| words.iter().skip_while(|word| **word != key).nth(1).copied();
        let usable = after("dev").zip(after("vid").and_then(vlan_range)).filter(|_| !words.contains(&"self"));
        let Some((dev, ids)) = usable else {
            let verb = if add { "add" } else { "del" };
            return self.left_out(&format!("bridge vlan {verb} {}", words.join(" ")));
        };
        let vlans = self.interface(dev).vlans.get_or_insert_default();
        if add {
            add_vlans(vlans, ids, words.contains(&"pvid"), words.contains(&"untagged"));
        } else {
            ids.for_each(|id| leave(vlans, id));
        }
    }

    /// Carries out a command of bridge-utils.
    pub(super) fn brctl(&mut self, words: &[&str]) {
        match words {
            ["addbr", name] => {
                let mut bridge = Interface::new(*name, Kind::Bridge { vlan_filtering: false, ageing: None });
                (bridge.place, bridge.up) = (self.place, Some(false));
                self.machine().interfaces.retain(|known| known.name != *name);
                self.machine().interfaces.push(bridge);
            }
            ["delbr", name] => self.machine().interfaces.retain(|known| known.name != *name),
            ["addif", bridge, ports @ ..] => {
                for port in ports {
                    self.interface(port).master = Some((*bridge).to_owned());
                }
            }
            ["delif", _, ports @ ..] => ports.iter().for_each(|port| self.interface(port).master = None),
            ["hairpin", _, port, on] => {
                let (port, on) = ((*port).to_owned(), *on);
                self.port_flags(&port, &["hairpin", on]);
            }
            ["setageing", bridge, seconds] => {
                if let (Kind::Bridge { ageing, .. }, Ok(seconds)) =
                    (&mut self.interface(bridge).kind, seconds.parse::<u64>())
                {
                    *ageing = Some(seconds);
                }
            }
            ["stp", _, "on" | "yes"] => self.note(NoteKind::LeftOut, "spanning tree: ports forward at once"),
            _ => {}
        }
    }

    /// `echo 1 > /sys/class/net/br0/brif/eth0/hairpin_mode`, and the other places of that file.
    pub(super) fn bridge_file(&mut self, path: &str, value: &str) {
        let parts: Vec<&str> = path.split('/').collect();
        let Some((flag, before)) = parts.split_last() else { return };
        let port = match before {
            [.., "brif", port] | [.., port, "brport"] => (*port).to_owned(),
            [.., bridge, "bridge"] if *flag == "vlan_filtering" => {
                if let Kind::Bridge { vlan_filtering, .. } = &mut self.interface(bridge).kind {
                    *vlan_filtering = value == "1";
                }
                return;
            }
            _ => return,
        };
        self.port_flags(&port, &[flag, value]);
    }
}

/// The address, the device and the VLAN of an entry.
fn fdb_key<'w>(words: &[&'w str]) -> Option<(MacAddr, &'w str, Option<VlanId>)> {
    let after = |key: &str| words.iter().skip_while(|word| **word != key).nth(1).copied();
    let vlan = after("vlan").and_then(|id| id.parse().ok()).and_then(vlan_id);
    Some((mac(words.first()?)?, after("dev")?, vlan))
}

/// `10`, or `10-12`
pub(in super::super) fn vlan_range(text: &str) -> Option<impl Iterator<Item = VlanId> + use<>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (vlan_id(first.parse().ok()?)?.get(), vlan_id(last.parse().ok()?)?.get());
    Some((first..=last).filter_map(vlan_id))
}

/// Makes a port a member of VLANs.
pub(in super::super) fn add_vlans(
    vlans: &mut PortVlans,
    ids: impl Iterator<Item = VlanId>,
    pvid: bool,
    untagged: bool,
) {
    for id in ids {
        leave(vlans, id);
        if untagged { &mut vlans.untagged } else { &mut vlans.tagged }.push(id);
        if pvid {
            vlans.pvid = Some(id);
        }
    }
}

/// A port leaves a VLAN, which is its own no more.
fn leave(vlans: &mut PortVlans, id: VlanId) {
    vlans.untagged.retain(|known| *known != id);
    vlans.tagged.retain(|known| *known != id);
    vlans.pvid = vlans.pvid.filter(|known| *known != id);
}
