//! `docker`, `podman` and `nerdctl`: networks, and containers on them.

use super::super::words::{ip_net, mac, pool, range_of};
use super::super::{Attachment, Check, Network, Note, NoteKind, Role};
use super::Context;
use super::options::Options;
use crate::macvlan::Mode;
use crate::station::{IpNet, Sysctl};
use std::net::IpAddr;

const NETWORK_FLAGS: [&str; 8] =
    ["internal", "ipv6", "attachable", "config-only", "ingress", "disable-dns", "ignore", "force"];

const RUN_FLAGS: [&str; 15] = [
    "detach",
    "interactive",
    "tty",
    "rm",
    "privileged",
    "init",
    "read-only",
    "publish-all",
    "no-healthcheck",
    "oom-kill-disable",
    "quiet",
    "replace",
    "help",
    "force",
    "volumes",
];

const SHORT: [(char, &str); 19] = [
    ('d', "detach"),
    ('i', "interactive"),
    ('t', "tty"),
    ('P', "publish-all"),
    ('q', "quiet"),
    ('p', "publish"),
    ('e', "env"),
    ('v', "volume"),
    ('h', "hostname"),
    ('w', "workdir"),
    ('u', "user"),
    ('l', "label"),
    ('m', "memory"),
    ('c', "cpu-shares"),
    ('a', "attach"),
    ('f', "force"),
    ('H', "host"),
    ('o', "opt"),
    ('n', "name"),
];

impl Context<'_> {
    /// Carries out a command of a container engine.
    pub(super) fn docker(&mut self, tool: &str, words: &[&str]) {
        match words {
            ["-H" | "--host" | "--context", _, rest @ ..] => self.docker(tool, rest),
            ["network", "create", rest @ ..] => self.network_create(tool, rest),
            ["network", "connect", rest @ ..] => self.network_connect(rest),
            ["network", "disconnect", rest @ ..] => {
                let options = Options::read(rest, &NETWORK_FLAGS, &SHORT, usize::MAX);
                if let [network, container, ..] = options.operands[..]
                    && let Some(at) = self.draft.find(container, Some(self.host))
                {
                    self.draft.machines[at].attachments.retain(|a| a.network != network);
                }
            }
            ["network", "rm" | "remove", rest @ ..] => {
                let host = self.host;
                self.draft.networks.retain(|n| n.on != Some(host) || !rest.contains(&n.name.as_str()));
            }
            ["run" | "create", rest @ ..] | ["container", "run" | "create", rest @ ..] => {
                self.run_container(rest)
            }
            ["rm", rest @ ..] | ["container", "rm", rest @ ..] => {
                let host = Some(self.host);
                for machine in self.draft.machines.iter_mut().filter(|m| m.on == host) {
                    if rest.contains(&machine.name.as_str()) {
                        machine.attachments.clear();
                        machine.interfaces.clear();
                    }
                }
            }
            ["service", "create", rest @ ..] => self.service(rest),
            ["exec", rest @ ..] | ["container", "exec", rest @ ..] => {
                let options = Options::read(rest, &RUN_FLAGS, &SHORT, 1);
                if let [container, inner @ ..] = &options.operands[..] {
                    self.machine = self.draft.machine(container, Role::Container, Some(self.host));
                    let inner: Vec<String> = inner.iter().map(|word| (*word).to_owned()).collect();
                    self.run(&inner);
                }
            }
            _ => {}
        }
    }

    fn network_create(&mut self, tool: &str, words: &[&str]) {
        let mut short = SHORT;
        // Here -d is the driver.
        short[0].1 = "driver";
        let options = Options::read(words, &NETWORK_FLAGS, &short, usize::MAX);
        self.tell_glued(&options);
        let Some(name) = options.operands.last() else {
            return self.left_out("network create without a name");
        };
        let opts: Vec<(&str, &str)> = options
            .all(&["opt", "o"])
            .flat_map(|all| all.split(','))
            .filter_map(|o| o.split_once('='))
            .collect();
        let opt = |names: &[&str]| {
            opts.iter().rev().find(|(name, _)| names.contains(name)).map(|(_, value)| *value)
        };
        let driver = options.last(&["driver"]).unwrap_or("bridge");
        let mut network = Network {
            parent: opt(&["parent"]).or_else(|| options.last(&["interface-name"])).map(str::to_owned),
            internal: options.has("internal"),
            place: self.place,
            ..Network::new(*name, tool, driver, Some(self.host))
        };
        network.ports.mtu = opt(&["mtu", "com.docker.network.driver.mtu"]).and_then(|mtu| mtu.parse().ok());
        match opt(&["macvlan_mode", "mode"]) {
            None if network.driver == "macvlan" => {
                let text = format!("{tool} uses mode bridge where none is given");
                network.notes.push(Note::new(NoteKind::Default, text, self.place));
            }
            None => {}
            Some(word) => {
                match Mode::from_name(word).filter(|mode| *mode != Mode::Source || tool == "podman") {
                    Some(mode) => network.mode = mode,
                    None => {
                        let text = format!(
                            "{tool} refuses the mode `{word}`: it knows bridge, private, vepa and passthru"
                        );
                        network.notes.push(Note::new(NoteKind::Wrong(Check::UnknownMode), text, self.place));
                    }
                }
            }
        }
        let known = [
            "parent",
            "macvlan_mode",
            "mode",
            "mtu",
            "com.docker.network.driver.mtu",
            "ipvlan_mode",
            "bclim",
        ];
        for (name, value) in opts.iter().filter(|(name, _)| !known.contains(name)) {
            let text = format!("`-o {name}={value}` is no option of the driver, which ignores it");
            network.notes.push(Note::new(NoteKind::Wrong(Check::IgnoredSetting), text, self.place));
        }
        self.pools(&options, &mut network);
        self.draft.networks.retain(|known| known.name != network.name || known.on != network.on);
        self.draft.networks.push(network);
    }

    /// Subnets, with the gateways, ranges and reserved addresses that are in them.
    fn pools(&mut self, options: &Options<'_>, network: &mut Network) {
        for subnet in options.all(&["subnet"]).flat_map(|subnets| subnets.split(',')) {
            network.pools.extend(pool(self.draft, subnet, self.place));
        }
        if network.pools.is_empty() && network.driver == "macvlan" {
            let used = self.draft.networks.iter().flat_map(|n| &n.pools).count();
            let third = u8::try_from(18 + used % 14).unwrap_or(18);
            let subnet = format!("172.{third}.0.0/16");
            let text = format!("no subnet is given; the engine takes a free one, such as {subnet}");
            network.notes.push(Note::new(NoteKind::Guess, text, self.place));
            network.pools.extend(pool(self.draft, &subnet, self.place));
        }
        for range in options.all(&["ip-range"]) {
            let found = ip_net(range);
            match found.and_then(|net| {
                network.pools.iter_mut().find(|p| p.subnet.contains(&net.addr())).zip(Some(net))
            }) {
                Some((pool, net)) => {
                    if net.trunc() != net {
                        let text = format!("the range {net} has host bits: it is {}", net.trunc());
                        network.notes.push(Note::new(NoteKind::Wrong(Check::HostBits), text, self.place));
                    }
                    pool.range = Some(range_of(net));
                }
                None => {
                    let text = format!("the range {range} is in no subnet of the network");
                    network.notes.push(Note::new(NoteKind::Wrong(Check::OutsideSubnet), text, self.place));
                }
            }
        }
        for text in options.all(&["gateway"]) {
            let gateway: Option<IpAddr> = text.split('/').next().and_then(|ip| ip.parse().ok());
            match gateway
                .and_then(|ip| network.pools.iter_mut().find(|p| p.subnet.contains(&ip)).zip(Some(ip)))
            {
                Some((pool, ip)) => pool.gateway = Some(ip),
                None => {
                    let text = format!("the gateway {text} is in no subnet of the network");
                    network.notes.push(Note::new(NoteKind::Wrong(Check::OutsideSubnet), text, self.place));
                }
            }
        }
        for (_, address) in options.all(&["aux-address"]).filter_map(|aux| aux.split_once('=')) {
            if let Ok(ip) = address.parse::<IpAddr>()
                && let Some(pool) = network.pools.iter_mut().find(|pool| pool.subnet.contains(&ip))
            {
                pool.reserved.push(ip);
            }
        }
        default_gateways(network, self.place);
    }

    fn network_connect(&mut self, words: &[&str]) {
        let options = Options::read(words, &NETWORK_FLAGS, &SHORT, usize::MAX);
        let [network, container, ..] = options.operands[..] else { return };
        let mut attachment =
            Attachment { network: network.to_owned(), place: self.place, ..Attachment::default() };
        attachment.addresses = addresses(&options);
        attachment.mac = options.last(&["mac-address"]).and_then(mac);
        let at = self.draft.machine(container, Role::Container, Some(self.host));
        self.draft.machines[at].attachments.push(attachment);
    }

    fn run_container(&mut self, words: &[&str]) {
        let options = Options::read(words, &RUN_FLAGS, &SHORT, 1);
        self.tell_glued(&options);
        let name = match options.last(&["name"]) {
            Some(name) => name.to_owned(),
            None => {
                self.unnamed += 1;
                format!("container{}", self.unnamed)
            }
        };
        let mut attachments: Vec<Attachment> =
            options.all(&["network", "net"]).map(|value| self.attachment(value)).collect();
        if let Some(first) = attachments.first_mut() {
            first.addresses.extend(addresses(&options));
            first.mac = first.mac.or(options.last(&["mac-address"]).and_then(mac));
        }
        if attachments.is_empty() {
            return;
        }
        let managed =
            |a: &Attachment| self.draft.network(&a.network, self.host).is_some_and(|n| n.driver == "macvlan");
        if attachments.iter().all(managed)
            && let Some(port) = options.last(&["publish", "p"])
        {
            let text = format!(
                "`-p {port}` of `{name}` has no effect on a macvlan network: its ports are open as they are"
            );
            self.note(NoteKind::Wrong(Check::PublishedPort), text);
        }
        let at = self.draft.machine(&name, Role::Container, Some(self.host));
        let place = self.place;
        let machine = &mut self.draft.machines[at];
        machine.place = place;
        machine.attachments = attachments;
        self.made = Some((at, None));
        let machine = &mut self.draft.machines[at];
        if options.last(&["name"]).is_none() {
            let text = "it has no name in the input; the engine makes one up";
            machine.notes.push(Note::new(NoteKind::Guess, text, place));
        }
        for setting in options.all(&["sysctl"]) {
            self.machine = at;
            self.sysctl(&[setting]);
            self.machine = self.host;
        }
    }

    /// `lan`, `name=lan,ip=192.0.2.1`, or Podman's `lan:ip=192.0.2.1`.
    fn attachment(&self, value: &str) -> Attachment {
        let mut attachment = Attachment { place: self.place, ..Attachment::default() };
        let (name, settings) = match value.split_once(':') {
            Some((name, settings)) if name != "container" => (name, settings),
            _ => ("", value),
        };
        attachment.network = name.to_owned();
        for setting in settings.split(',') {
            match setting.split_once('=') {
                None if attachment.network.is_empty() => attachment.network = setting.to_owned(),
                None => {}
                Some(("name", network)) => attachment.network = network.to_owned(),
                Some(("ip" | "ip6", ip)) => attachment.addresses.extend(ip_net(ip)),
                Some(("mac-address" | "mac", text)) => attachment.mac = mac(text),
                Some(("interface_name", name)) => attachment.interface = Some(name.to_owned()),
                Some(_) => {}
            }
        }
        attachment
    }

    fn service(&mut self, words: &[&str]) {
        let options = Options::read(words, &RUN_FLAGS, &SHORT, 1);
        let replicas = options.last(&["replicas"]).and_then(|n| n.parse().ok()).unwrap_or(1_usize).min(64);
        let name = options.last(&["name"]).unwrap_or("service").to_owned();
        for number in 1..=replicas {
            let task = if replicas == 1 { name.clone() } else { format!("{name}.{number}") };
            let attachments = options.all(&["network"]).map(|value| self.attachment(value)).collect();
            let at = self.draft.machine(&task, Role::Container, Some(self.host));
            self.draft.machines[at].place = self.place;
            self.draft.machines[at].attachments = attachments;
        }
        if replicas > 1 {
            self.note(NoteKind::Guess, format!("all {replicas} tasks of `{name}` run on one node"));
        }
    }

    fn tell_glued(&mut self, options: &Options<'_>) {
        for glued in &options.glued {
            self.note(NoteKind::Guess, format!("a space is missing before `--{glued}`"));
        }
    }
}

/// Docker gives the first address of a subnet, or of its range, to the gateway.
pub(super) fn default_gateways(network: &mut Network, place: Option<super::Place>) {
    if network.internal || network.driver != "macvlan" {
        return;
    }
    for pool in network.pools.iter_mut().filter(|pool| pool.gateway.is_none()) {
        let first = pool.subnet.hosts().next().filter(|first| pool.subnet.addr() != *first);
        if let Some(first) = first {
            pool.gateway = Some(first);
            let text = format!("no gateway is given; the engine takes the first address, {first}");
            network.notes.push(Note::new(NoteKind::Default, text, place));
        }
    }
}

fn addresses(options: &Options<'_>) -> Vec<IpNet> {
    options.all(&["ip", "ip6"]).filter_map(|ip| ip_net(ip.split('/').next()?)).collect()
}

/// The names by which the settings of a lab are known under `net`.
pub(super) fn setting(name: &str) -> Option<Sysctl> {
    Sysctl::ALL.into_iter().find(|sysctl| sysctl.name() == name)
}
