//! Hypervisors, and NetworkManager's command.

use super::super::words::mac;
use super::super::{Interface, Kind, Lower, NoteKind, Origin, Role};
use super::Context;
use super::options::Options;
use crate::macvlan::{MacvlanFlags, Mode};
use crate::switch::{Policy, VirtualSwitch};

impl Context<'_> {
    /// `nmcli connection add type macvlan ifname mv0 dev eth0 mode bridge ip4 192.0.2.1/24`
    pub(super) fn nmcli(&mut self, words: &[&str]) {
        let after = |keys: &[&str]| {
            let key = words.iter().position(|word| keys.contains(word))?;
            words.get(key + 1).copied()
        };
        if after(&["type"]) != Some("macvlan") || !words.contains(&"add") {
            return;
        }
        let (Some(name), Some(parent)) = (after(&["ifname"]), after(&["dev", "macvlan.parent"])) else {
            return self.left_out("a macvlan connection without `ifname` or `dev`");
        };
        let mode = after(&["mode", "macvlan.mode"]).and_then(|mode| match mode {
            "1" | "vepa" => Some(Mode::Vepa),
            "2" | "bridge" => Some(Mode::Bridge),
            "3" | "private" => Some(Mode::Private),
            "4" | "passthru" => Some(Mode::Passthru),
            "5" | "source" => Some(Mode::Source),
            _ => None,
        });
        let kind = Kind::Macvlan {
            lower: Lower::Named(self.machine, parent.to_owned()),
            mode,
            tap: after(&["tap", "macvlan.tap"]) == Some("yes"),
            flags: MacvlanFlags::default(),
            sources: Vec::new(),
        };
        let mut port = Interface::new(name, kind);
        port.place = self.place;
        let connection = after(&["con-name"]).map_or_else(|| format!("macvlan-{name}"), str::to_owned);
        port.origin = Some(Origin::NetworkManager { connection });
        port.addresses = after(&["ip4", "ipv4.addresses"])
            .into_iter()
            .chain(after(&["ip6", "ipv6.addresses"]))
            .filter_map(super::super::words::ip_net)
            .collect();
        let gateways = after(&["gw4", "ipv4.gateway"]).into_iter().chain(after(&["gw6", "ipv6.gateway"]));
        port.gateways = gateways.filter_map(|gateway| gateway.parse().ok()).collect();
        self.machine().interfaces.push(port);
    }

    /// `virsh attach-interface DOMAIN direct eth0 --mac …`
    pub(super) fn virsh(&mut self, words: &[&str]) {
        let Some(at) = words.iter().position(|word| *word == "attach-interface") else { return };
        let flags = ["live", "config", "current", "persistent", "print-xml"];
        let options = Options::read(&words[at + 1..], &flags, &[], usize::MAX);
        let operand = |number: usize| options.operands.get(number).copied();
        let domain = options.last(&["domain"]).or(operand(0));
        let kind = options.last(&["type"]).or(operand(1));
        let source = options.last(&["source"]).or(operand(2));
        let (Some(domain), Some("direct"), Some(source)) = (domain, kind, source) else { return };
        let guest = self.draft.machine(domain, Role::Guest, Some(self.host));
        let number = self.draft.machines[guest].interfaces.len();
        let lower = Lower::Named(self.host, source.to_owned());
        let flags = MacvlanFlags::default();
        let kind = Kind::Macvlan { lower, mode: Some(Mode::Vepa), tap: true, flags, sources: Vec::new() };
        let mut port = Interface::new(format!("eth{number}"), kind);
        port.place = self.place;
        port.mac = options.last(&["mac"]).and_then(mac);
        port.origin = Some(Origin::Libvirt { domain: domain.to_owned(), parent: source.to_owned() });
        port.dynamic = true;
        port.note(NoteKind::Default, "virsh has no option for the mode, and libvirt uses vepa");
        self.draft.machines[guest].interfaces.push(port);
        self.draft.machines[guest].place = self.place;
    }

    /// `VBoxManage modifyvm VM --nicpromisc1 allow-all`
    pub(super) fn vboxmanage(&mut self, words: &[&str]) {
        let setting = words.iter().position(|word| word.trim_start_matches('-').starts_with("nicpromisc"));
        let Some(value) = setting.and_then(|at| words.get(at + 1)) else { return };
        self.behind(VirtualSwitch::VirtualBox, |accepts| accepts.promiscuous = *value == "allow-all");
    }

    /// `esxcli network vswitch standard policy security set -f true -m true -p true -v vSwitch0`
    pub(super) fn esxcli(&mut self, words: &[&str]) {
        if !words.contains(&"security") || !words.contains(&"set") {
            return;
        }
        let value = |keys: [&str; 2]| {
            let pair =
                words.iter().find_map(|word| word.split_once('=').filter(|(key, _)| keys.contains(key)));
            let at = words.iter().position(|word| keys.contains(word));
            pair.map(|(_, value)| value)
                .or_else(|| words.get(at? + 1).copied())
                .map(|v| matches!(v, "true" | "yes" | "1"))
        };
        let forged = value(["-f", "--allow-forged-transmits"]);
        let changes = value(["-m", "--allow-mac-change"]);
        let promiscuous = value(["-p", "--allow-promiscuous"]);
        self.behind(VirtualSwitch::Vmware, |accepts| {
            accepts.forged_transmits = forged.unwrap_or(accepts.forged_transmits);
            accepts.mac_changes = changes.unwrap_or(accepts.mac_changes);
            accepts.promiscuous = promiscuous.unwrap_or(accepts.promiscuous);
        });
    }

    /// `Set-VMNetworkAdapter -VMName vm -MacAddressSpoofing On`
    pub(super) fn hyperv(&mut self, words: &[&str]) {
        let at = words.iter().position(|word| word.eq_ignore_ascii_case("-MacAddressSpoofing"));
        let Some(value) = at.and_then(|at| words.get(at + 1)) else { return };
        let on = value.eq_ignore_ascii_case("on");
        self.behind(VirtualSwitch::HyperV, |accepts| {
            (accepts.forged_transmits, accepts.promiscuous, accepts.mac_changes) = (on, on, on);
        });
    }

    /// The host is a guest of this hypervisor.
    fn behind(&mut self, product: VirtualSwitch, change: impl FnOnce(&mut crate::switch::PortSecurity)) {
        let mut accepts = match self.draft.policy {
            Some(Policy::VirtualSwitch { product: known, accepts }) if known == product => accepts,
            _ => product.accepts(),
        };
        change(&mut accepts);
        self.draft.policy = Some(Policy::VirtualSwitch { product, accepts });
    }
}
