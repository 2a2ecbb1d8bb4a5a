//! Settings of the kernel, and the older tools.

use super::super::words::{destination, ip_net, mac};
use super::super::{NoteKind, Probe, Route};
use super::Context;
use super::docker::setting;
use crate::station::IpNet;
use std::net::IpAddr;

impl Context<'_> {
    /// `sysctl -w net.ipv4.ip_forward=1`
    pub(super) fn sysctl(&mut self, words: &[&str]) {
        for word in words {
            if let Some((key, value)) = word.split_once('=') {
                self.set(key.trim(), value.trim());
            }
        }
        // `sysctl -w net.ipv4.ip_forward = 1`
        if let [.., key, "=", value] = words {
            self.set(key, value);
        }
    }

    /// A setting by its key, with dots or slashes.
    fn set(&mut self, key: &str, value: &str) {
        // The first one decides. With dots, a slash is a dot in the name of an interface.
        let separator =
            if key.find(['/', '.']).is_some_and(|at| key[at..].starts_with('/')) { '/' } else { '.' };
        let parts: Vec<&str> = key.split(separator).collect();
        match parts.as_slice() {
            ["net", "ipv4", "ip_forward"] | ["net", "ipv6" | "ipv4", "conf", "all", "forwarding"] => {
                self.machine().forwarding = value != "0";
            }
            ["net", "ipv4" | "ipv6", "conf", middle @ .., name] => {
                let Some(sysctl) = setting(name) else { return };
                let Ok(value) = value.parse::<u8>() else { return };
                let value = value.min(sysctl.max());
                // An interface's name can have dots.
                let mut interface = middle.join(".");
                if separator == '.' {
                    interface = interface.replace('/', ".");
                }
                match interface.as_str() {
                    "all" => self.machine().sysctls.set(sysctl, value),
                    "default" => {
                        self.note(NoteKind::LeftOut, format!("`{key}`: it holds for interfaces made later"));
                    }
                    // It has no neighbours.
                    "lo" => {}
                    name => self.interface(name).sysctls.set(sysctl, value),
                }
            }
            _ => {}
        }
    }

    /// `echo 1 > /proc/sys/net/ipv4/ip_forward`
    pub(super) fn echo(&mut self, words: &[&str]) {
        let (Some(value), Some(path)) = (words.first(), words.last()) else { return };
        let path = path.trim_start_matches('>');
        if let Some(key) = path.strip_prefix("/proc/sys/") {
            self.set(key, value);
        } else if path.starts_with("/sys/") {
            self.bridge_file(path, value);
        }
    }

    /// `ifconfig eth0 192.0.2.1 netmask 255.255.255.0 up`
    pub(super) fn ifconfig(&mut self, words: &[&str]) {
        let Some((name, rest)) =
            words.split_first().filter(|(name, rest)| !name.starts_with('-') && !rest.is_empty())
        else {
            return;
        };
        let name = (*name).to_owned();
        let after = |key: &str| rest.iter().skip_while(|word| **word != key).nth(1).copied();
        if let Some(address) = rest.iter().find_map(|word| ip_net(word)) {
            let mask = after("netmask").and_then(|mask| mask.parse().ok());
            let address = match mask {
                Some(mask) => IpNet::with_netmask(address.addr(), mask).unwrap_or(address),
                None => address,
            };
            self.interface(&name).addresses = vec![address];
            self.interface(&name).up = Some(true);
        }
        for word in rest {
            match *word {
                "up" => self.interface(&name).up = Some(true),
                "down" => self.interface(&name).up = Some(false),
                "promisc" => self.interface(&name).promisc = true,
                "-promisc" => self.interface(&name).promisc = false,
                _ => {}
            }
        }
        if let Some(address) = after("ether").and_then(mac) {
            self.interface(&name).mac = Some(address);
        }
        if let Some(mtu) = after("mtu").and_then(|mtu| mtu.parse().ok()) {
            self.interface(&name).mtu = Some(mtu);
        }
    }

    /// `route add default gw 192.0.2.1`, `route add -net 192.0.2.0 netmask 255.255.255.0 gw …`
    pub(super) fn route(&mut self, words: &[&str]) {
        let ["add", rest @ ..] = words else { return };
        let after = |key: &str| rest.iter().skip_while(|word| **word != key).nth(1).copied();
        let to = rest.iter().find(|word| !word.starts_with('-')).copied().unwrap_or_default();
        let via: Option<IpAddr> = after("gw").and_then(|gw| gw.parse().ok());
        let mask: Option<IpAddr> = after("netmask").and_then(|mask| mask.parse().ok());
        let to = match mask.and_then(|mask| IpNet::with_netmask(to.parse().ok()?, mask).ok()) {
            Some(net) => Some(net.trunc()),
            None => destination(to, via),
        };
        match to {
            Some(to) if via.is_some() || after("dev").is_some() => {
                let dev = after("dev").map(str::to_owned);
                self.machine().routes.push(Route { to, via, dev, src: None, metric: None });
            }
            _ => self.left_out(&format!("route {}", words.join(" "))),
        }
    }

    /// `ping 192.0.2.1`: a step of the lab, if it is known who pings.
    pub(super) fn ping(&mut self, words: &[&str]) {
        let Some(to) = words.iter().find_map(|word| word.parse().ok()) else { return };
        let from = Some(self.machine).filter(|machine| *machine != self.host);
        self.draft.probes.push(Probe { from, source: None, to, replied: None });
    }
}

/// What `sysctl` printed: `net.ipv4.ip_forward = 1`, one setting a line.
pub(super) fn sysctl_output(context: &mut Context<'_>, text: &str) {
    for line in text.lines() {
        let Some((key, value)) = line.split_once(" = ") else { continue };
        // What is 0 is so by default.
        let is_told = key.starts_with("net.") && !key.contains(' ') && value.trim() != "0";
        if is_told && !key.contains(".conf.default.") {
            context.set(key, value.trim());
        }
    }
}

/// What came of the last ping, from what it printed.
pub(super) fn ping_output(context: &mut Context<'_>, text: &str) {
    let Some(probe) = context.draft.probes.last_mut().filter(|probe| probe.replied.is_none()) else { return };
    for line in text.lines() {
        if line.contains("bytes from") && line.contains("time=") || line.contains(" 0% packet loss") {
            probe.replied = Some(true);
        } else if line.contains("Unreachable") || line.contains("100% packet loss") {
            probe.replied.get_or_insert(false);
        }
        let source = line.strip_prefix("From ").and_then(|rest| rest.split([' ', ':']).next()?.parse().ok());
        probe.source = probe.source.or(source.filter(|_| line.contains("Host Unreachable")));
    }
}
