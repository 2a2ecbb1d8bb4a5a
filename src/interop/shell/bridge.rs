//! `bridge`, `brctl`, and the files of bridges under `/sys`.

use super::super::{Interface, Kind, NoteKind};
use super::Context;

impl Context<'_> {
    /// Carries out a command of iproute2's `bridge`.
    pub(super) fn bridge(&mut self, words: &[&str]) {
        let mut words = words;
        if let ["-n" | "-netns", name, rest @ ..] = words {
            self.machine = self.namespace(name);
            words = rest;
        }
        let words: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with('-')).collect();
        match words.as_slice() {
            ["link" | "l", "set" | "s", rest @ ..] => {
                let dev = rest.iter().skip_while(|word| **word != "dev").nth(1).copied();
                if let Some(dev) = dev.or_else(|| rest.first().copied()) {
                    let dev = dev.to_owned();
                    self.port_flags(&dev, rest);
                }
            }
            ["fdb" | "vlan", "add" | "del" | "replace" | "append", ..] => {
                self.left_out(&format!("bridge {}", words.join(" ")));
            }
            _ => {}
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
            _ => return,
        };
        self.port_flags(&port, &[flag, value]);
    }
}
