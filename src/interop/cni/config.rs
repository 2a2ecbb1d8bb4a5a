//! A configuration of CNI: one plugin, or a list of which the first makes the interface.

use super::super::tree::Node;
use super::super::words::mac;
use super::super::{Check, Network, NoteKind};
use super::Reader;
use crate::macvlan::Mode;
use crate::station::Sysctl;

/// What the plugin macvlan reads.
const KNOWN: [&str; 22] = [
    "cniVersion",
    "cniVersions",
    "name",
    "type",
    "plugins",
    "master",
    "mode",
    "mtu",
    "mac",
    "linkInContainer",
    "bcqueuelen",
    "bclim",
    "ipam",
    "dns",
    "args",
    "capabilities",
    "runtimeConfig",
    "prevResult",
    "disableCheck",
    "disableGC",
    "loadOnlyInlinedPlugins",
    "//",
];

impl Reader<'_> {
    /// Reads the configuration of a network of this name.
    pub(super) fn config(&mut self, tool: &str, name: &str, config: &Node) {
        let (main, others) = match config.list_of("plugins").split_first() {
            Some((main, others)) => (main, others),
            None => (config, [].as_slice()),
        };
        let driver = main.text_of("type").unwrap_or("unknown");
        let place = Some(self.place(main));
        let mut network = Network { place, ..Network::new(name, tool, driver, None) };
        if driver == "ipvlan" {
            network.parent = main.text_of("master").map(str::to_owned);
        }
        if driver == "macvlan" {
            self.macvlan(main, &mut network);
            others.iter().for_each(|plugin| self.chained(plugin, &mut network));
        }
        self.draft.put(network);
    }

    fn macvlan(&mut self, config: &Node, network: &mut Network) {
        network.parent = config.text_of("master").map(str::to_owned);
        if network.parent.is_none() {
            let text = "no master is given: the interface with the node's default route, taken to be eth0";
            network.note(NoteKind::Guess, text, None);
            network.parent = Some("eth0".to_owned());
        }
        if config.is("linkInContainer") {
            let text = "`linkInContainer`: its master is an interface of the pod; here it is one of the node";
            network.note(NoteKind::LeftOut, text, None);
        }
        match config.text_of("mode") {
            None => network.note(NoteKind::Default, "CNI uses mode bridge where none is given", None),
            Some(word) => match Mode::from_name(word).filter(|mode| *mode != Mode::Source) {
                Some(mode) => network.mode = mode,
                None => {
                    let text =
                        format!("CNI refuses the mode `{word}`: it knows bridge, private, vepa and passthru");
                    let place = config.get("mode").map(|mode| self.place(mode));
                    network.note(NoteKind::Wrong(Check::UnknownMode), text, place);
                }
            },
        }
        network.ports.mtu = config.text_of("mtu").and_then(|mtu| mtu.parse().ok()).filter(|mtu| *mtu != 0);
        network.ports.mac = config.text_of("mac").and_then(mac);
        // So that neighbours hear of a new pod.
        network.ports.sysctls.set(Sysctl::ArpNotify, 1);
        let unknown = config.entries().iter().filter(|(key, _)| !KNOWN.contains(&key.text.as_str()));
        for (key, _) in unknown {
            let text = format!("`{}` is no setting of the plugin macvlan, which ignores it", key.text);
            let place = Some(super::Place::new(self.index, key.span.clone()));
            network.note(NoteKind::Wrong(Check::IgnoredSetting), text, place);
        }
        self.ipam(config, network);
    }

    /// A plugin that changes what the first one made.
    fn chained(&mut self, plugin: &Node, network: &mut Network) {
        match plugin.text_of("type") {
            Some("tuning") => {
                network.ports.promisc |= plugin.is("promisc");
                network.ports.allmulticast |= plugin.is("allmulti");
                network.ports.mac = plugin.text_of("mac").and_then(mac).or(network.ports.mac);
                let mtu = plugin.text_of("mtu").and_then(|mtu| mtu.parse().ok()).filter(|mtu| *mtu != 0);
                network.ports.mtu = mtu.or(network.ports.mtu);
                for (key, value) in plugin.entries_of("sysctl") {
                    self.sysctl(&key.text, value, network);
                }
            }
            Some("portmap") => {
                let text = "portmap: ports of the node do not lead to a pod on a macvlan";
                network.note(NoteKind::Wrong(Check::PublishedPort), text, Some(self.place(plugin)));
            }
            Some(other) => {
                let text = format!("the plugin `{other}`");
                network.note(NoteKind::LeftOut, text, Some(self.place(plugin)));
            }
            None => {}
        }
    }

    /// `net.ipv4.conf.IFNAME.arp_ignore`, for the interface, all, or one by name.
    fn sysctl(&mut self, key: &str, value: &Node, network: &mut Network) {
        let parts: Vec<&str> = key.split(['.', '/']).collect();
        let sysctl = match parts.as_slice() {
            ["net", "ipv4" | "ipv6", "conf", .., name] => {
                Sysctl::ALL.into_iter().find(|sysctl| sysctl.name() == *name)
            }
            _ => None,
        };
        match (sysctl, value.text().and_then(|value| value.parse().ok())) {
            (Some(sysctl), Some(value)) => network.ports.sysctls.set(sysctl, sysctl.max().min(value)),
            _ => {
                let text = format!("the sysctl `{key}`");
                network.note(NoteKind::LeftOut, text, Some(self.place(value)));
            }
        }
    }
}
