//! `docker`, `podman` and `nerdctl`: networks, and containers on them.

use super::super::words::{ip_net, mac, pool};
use super::super::{Attachment, Check, Network, Note, NoteKind, Role, engine};
use super::Context;
use super::options::Options;
use crate::station::{IpNet, Sysctl};

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

/// Options of `kubectl exec`.
const KUBECTL: [(char, &str); 4] = [('i', "stdin"), ('t', "tty"), ('n', "namespace"), ('c', "container")];

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
                    let at = self.draft.machine(container, Role::Container, Some(self.host));
                    self.inside(at, inner);
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
        for letter in &options.unknown {
            let text =
                format!("`-{letter}` is no option of `{tool} network create`, which refuses the command");
            self.note(NoteKind::Wrong(Check::IgnoredSetting), text);
        }
        let Some(name) = options.operands.last() else {
            return self.left_out("network create without a name");
        };
        let opts: Vec<(&str, &str)> = options
            .all(&["opt", "o"])
            .flat_map(|all| all.split(','))
            .filter_map(|o| o.split_once('='))
            .collect();
        let config_only = options.has("config-only");
        let (driver, from) = (options.last(&["driver"]), options.last(&["config-from"]));
        // Settings are for networks of whatever driver.
        let by_default = if config_only || from.is_some() { "macvlan" } else { "bridge" };
        let mut network = Network {
            parent: options.last(&["interface-name"]).map(str::to_owned),
            internal: options.has("internal"),
            config_only,
            place: self.place,
            ..Network::new(*name, tool, driver.unwrap_or(by_default), Some(self.host))
        };
        if let Some(from) = from {
            self.config_from(&mut network, from, driver.is_some());
        }
        let mode = opts.iter().rev().find(|(name, _)| matches!(*name, "macvlan_mode" | "mode"));
        engine::mode(&mut network, tool, mode.map(|(_, word)| *word), self.place);
        for (name, value) in opts {
            engine::option(&mut network, name, value, &format!("-o {name}={value}"), self.place);
        }
        let ipam = options.last(&["ipam-driver"]);
        if tool == "podman" && ipam.is_none() && !options.has("subnet") && network.pools.is_empty() {
            network.note(NoteKind::Default, "without a subnet Podman asks a DHCP server", self.place);
            network.ports.dhcp = true;
        }
        network.ports.dhcp |= ipam == Some("dhcp");
        if ipam != Some("none") && !network.ports.dhcp {
            self.pools(&options, &mut network);
        }
        self.draft.networks.retain(|known| known.name != network.name || known.on != network.on);
        self.draft.networks.push(network);
    }

    /// A network with the settings of another one, which is nothing but settings.
    fn config_from(&mut self, network: &mut Network, from: &str, has_driver: bool) {
        let Some(known) = self.draft.network(from, self.host).filter(|known| known.config_only) else {
            let text = format!("the network `{from}` with its settings is not in the input");
            return network.note(NoteKind::LeftOut, text, self.place);
        };
        (network.parent, network.ports, network.pools) =
            (known.parent.clone(), known.ports.clone(), known.pools.clone());
        (network.mode, network.internal) = (known.mode, known.internal);
        if !has_driver {
            let text = "no driver is given, so the engine makes a bridge of it; here `-d macvlan` is taken to be meant";
            network.note(NoteKind::Wrong(Check::IgnoredSetting), text, self.place);
        }
    }

    /// Subnets, with the gateways, ranges and reserved addresses that are in them.
    fn pools(&mut self, options: &Options<'_>, network: &mut Network) {
        for subnet in options.all(&["subnet"]).flat_map(|subnets| subnets.split(',')) {
            network.pools.extend(pool(self.draft, subnet, self.place));
        }
        engine::free_subnet(self.draft, network, options.last(&["ipam-driver"]), self.place);
        options.all(&["ip-range"]).for_each(|range| engine::range(network, range, self.place));
        options.all(&["gateway"]).for_each(|gateway| engine::gateway(network, gateway, self.place));
        for (_, address) in options.all(&["aux-address"]).filter_map(|aux| aux.split_once('=')) {
            engine::reserve(network, address);
        }
        engine::default_gateways(network, self.place);
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
        // What `docker run IMAGE ip addr` prints is the container's.
        if let [_, "ip" | "ifconfig" | "route" | "ping", ..] = options.operands[..] {
            self.inside(at, &options.operands[1..]);
        }
    }

    /// Carries out a command in a machine, whose output follows.
    fn inside(&mut self, machine: usize, words: &[&str]) {
        self.machine = machine;
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        self.run(&words);
    }

    /// `kubectl exec -it POD -- ip a`
    pub(super) fn kubectl(&mut self, words: &[&str]) {
        let ["exec", rest @ ..] = words else { return };
        let (before, inner) = match rest.iter().position(|word| *word == "--") {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, &[][..]),
        };
        let options = Options::read(before, &["stdin", "tty", "it"], &KUBECTL, usize::MAX);
        let Some((pod, more)) = options.operands.split_first() else { return };
        let name = pod.strip_prefix("pod/").unwrap_or(pod);
        let known = self.draft.machines.iter().position(|machine| machine.name == name);
        let at = known.unwrap_or_else(|| self.draft.machine(name, Role::Pod, Some(self.host)));
        self.inside(at, if inner.is_empty() { more } else { inner });
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
                Some(("driver-opt", option)) => {
                    let name = option.strip_prefix("com.docker.network.endpoint.ifname=");
                    attachment.interface = name.map(str::to_owned).or(attachment.interface);
                }
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

fn addresses(options: &Options<'_>) -> Vec<IpNet> {
    options.all(&["ip", "ip6"]).filter_map(|ip| ip_net(ip.split('/').next()?)).collect()
}

/// The names by which the settings of a lab are known under `net`.
pub(super) fn setting(name: &str) -> Option<Sysctl> {
    Sysctl::ALL.into_iter().find(|sysctl| sysctl.name() == name)
}
