//! Incus and LXD: instances, profiles and networks as `incus config show`, `profile show`, `network show` and `list` print
//! them.

use super::tree::{self, Key, Node};
use super::words::{ip_net, mac, vlan_id};
use super::{
    Check, Draft, Format, Interface, Kind, Lower, Note, NoteKind, Origin, Place, ReadError, Role, Source,
};
use crate::frame::VlanId;
use crate::macvlan::{MacvlanFlags, Mode};
use crate::station::IpNet;

/// What a device of type nic has, if it is a macvlan.
const KNOWN: [&str; 13] = [
    "type",
    "nictype",
    "parent",
    "network",
    "name",
    "mtu",
    "hwaddr",
    "vlan",
    "gvrp",
    "mode",
    "boot.priority",
    "io.bus",
    "attached",
];

/// Instances of Incus and LXD.
pub(super) struct Incus;

impl Format for Incus {
    fn name(&self) -> &'static str {
        "incus"
    }

    fn about(&self) -> &'static str {
        "what `incus` and `lxc` show of instances, profiles and networks: YAML or JSON"
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let plain = source.text.replace('"', "");
        tree::can_be(source.text)
            && (plain.contains("nictype: macvlan")
                || plain.contains("nictype:macvlan")
                || plain.contains("type: macvlan") && plain.contains("used_by:"))
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let documents = tree::documents(source.text, index)?;
        let objects: Vec<&Node> = documents
            .iter()
            .flat_map(|document| match document.list() {
                [] => std::slice::from_ref(document),
                list => list,
            })
            .collect();
        let host = draft.host();
        let file = source.name.rsplit(['/', '\\']).next().unwrap_or_default();
        let file = file.split('.').next().filter(|name| !name.is_empty()).unwrap_or("instance");
        let mut reader = Reader { draft, index, host, file, objects: &objects };
        for object in &objects {
            reader.object(object);
        }
        Ok(())
    }
}

struct Reader<'d, 't> {
    draft: &'d mut Draft,
    /// The number of the input.
    index: usize,
    host: usize,
    /// The name of the file, which is that of an instance without one.
    file: &'t str,
    /// All that the input shows.
    objects: &'t [&'t Node],
}

impl<'t> Reader<'_, 't> {
    fn place(&self, node: &Node) -> Option<Place> {
        Some(Place::new(self.index, node.span.clone()))
    }

    fn object(&mut self, object: &'t Node) {
        if object.get("used_by").is_some() {
            // A profile: it gives its devices to instances, which may be shown, too.
            for instance in object.list_of("used_by").iter().filter_map(Node::text) {
                let Some(name) = instance.strip_prefix("/1.0/instances/") else { continue };
                let name = name.split('?').next().unwrap_or(name);
                if !self.objects.iter().any(|other| other.text_of("name") == Some(name)) {
                    let at = self.draft.machine(name, Role::Container, Some(self.host));
                    self.draft.machines[at].place = self.place(object);
                    self.devices(at, object, object);
                }
            }
        } else if object.get("devices").is_some() || object.get("expanded_devices").is_some() {
            self.instance(object);
        }
    }

    fn instance(&mut self, instance: &'t Node) {
        let is_guest = instance.text_of("type") == Some("virtual-machine");
        let role = if is_guest { Role::Guest } else { Role::Container };
        let name = instance.text_of("name").unwrap_or(self.file);
        let at = self.draft.machine(name, role, Some(self.host));
        let place = self.place(instance);
        let machine = &mut self.draft.machines[at];
        machine.place = place;
        if instance.get("name").is_none() {
            let text = "the input does not name the instance: it has the name of the file";
            machine.notes.push(Note::new(NoteKind::Guess, text, place));
        }
        if instance.get("expanded_devices").is_some() {
            return self.devices(at, instance, instance);
        }
        // Its own devices first: they are in place of those of its profiles.
        self.devices(at, instance, instance);
        for profile in instance.list_of("profiles").iter().rev().filter_map(Node::text) {
            let is_it =
                |object: &&&Node| object.get("used_by").is_some() && object.text_of("name") == Some(profile);
            if let Some(profile) = self.objects.iter().find(is_it) {
                self.devices(at, profile, instance);
            }
        }
    }

    /// The devices of an instance, as it or a profile of it lists them.
    fn devices(&mut self, machine: usize, holder: &'t Node, instance: &'t Node) {
        let key = if holder.get("expanded_devices").is_some() { "expanded_devices" } else { "devices" };
        for (key, device) in holder.entries_of(key) {
            let name = device.text_of("name").unwrap_or(&key.text);
            if device.text_of("type") == Some("nic") && self.draft.machines[machine].interface(name).is_none()
            {
                self.device(machine, (key, device), holder, instance);
            }
        }
    }

    fn device(
        &mut self,
        machine: usize,
        (key, device): (&'t Key, &'t Node),
        holder: &'t Node,
        instance: &'t Node,
    ) {
        let named = |name: &str| {
            self.objects
                .iter()
                .find(|o| o.text_of("type") == Some("macvlan") && o.text_of("name") == Some(name))
        };
        let network = device.text_of("network").and_then(named).and_then(|network| network.get("config"));
        let setting = |name: &str| device.text_of(name).or_else(|| network?.text_of(name));
        let place = Some(Place::new(self.index, key.span.clone()));
        if device.text_of("nictype") != Some("macvlan") && network.is_none() {
            let what = device.text_of("nictype").or(device.text_of("network")).unwrap_or("nic");
            let text = format!("`{}` of `{}`: {what}", key.text, self.draft.machines[machine].name);
            return self.draft.note(NoteKind::LeftOut, text, place);
        }
        let name = device.text_of("name").unwrap_or(&key.text);
        let parent = setting("parent").unwrap_or("eth0").to_owned();
        let parent = match setting("vlan").and_then(|id| vlan_id(id.parse().ok()?)) {
            Some(id) => self.vlan(parent, id, place),
            None => parent,
        };
        let kind = Kind::Macvlan {
            lower: Lower::Named(self.host, parent),
            mode: setting("mode").map_or(Some(Mode::Bridge), Mode::from_name).or(Some(Mode::Bridge)),
            tap: self.draft.machines[machine].role == Role::Guest,
            flags: MacvlanFlags::default(),
            sources: Vec::new(),
        };
        let mut port = Interface::new(name, kind);
        port.place = place;
        port.origin = Some(self.origin(machine, (key, device), holder));
        if setting("parent").is_none() {
            port.note(NoteKind::Guess, "its parent is not in the input: eth0");
        }
        match setting("mode").map(|word| (word, Mode::from_name(word))) {
            None => port.note(NoteKind::Default, "Incus uses mode bridge where none is given"),
            Some((_, Some(mode))) if mode != Mode::Source => {}
            Some((word, _)) => {
                let text =
                    format!("Incus refuses the mode `{word}`: it knows bridge, private, vepa and passthru");
                port.note(NoteKind::Wrong(Check::UnknownMode), text);
            }
        }
        let known = |name: &str| KNOWN.contains(&name) || name.starts_with("user.");
        for (other, _) in device.entries().iter().filter(|(key, _)| !known(&key.text)) {
            let text = format!("Incus refuses `{}` for a macvlan", other.text);
            port.note(NoteKind::Wrong(Check::IgnoredSetting), text);
        }
        port.mac = device.text_of("hwaddr").or_else(|| made_up(instance, &key.text)).and_then(mac);
        port.mtu = setting("mtu").and_then(|mtu| mtu.parse().ok());
        port.addresses = seen(instance, name);
        port.dynamic = port.addresses.is_empty();
        self.draft.machines[machine].interfaces.push(port);
    }

    /// Where the mode of a device is set: at the device, in its profile, or at the network that it is on.
    fn origin(&self, machine: usize, (key, device): (&Key, &Node), holder: &Node) -> Origin {
        if let (None, Some(network)) = (device.text_of("nictype"), device.text_of("network")) {
            return Origin::Incus { command: "network set", owner: network.to_owned(), device: None };
        }
        let instance = self.draft.machines[machine].name.clone();
        let is_profile = holder.get("used_by").is_some();
        let is_own = holder.get("expanded_devices").is_none()
            || holder.entries_of("devices").iter().any(|(own, _)| own.text == key.text);
        let (command, owner) = match (is_profile, is_own) {
            (true, _) => ("profile device set", holder.text_of("name").map_or(instance, str::to_owned)),
            (false, true) => ("config device set", instance),
            // It is of a profile.
            (false, false) => ("config device override", instance),
        };
        Origin::Incus { command, owner, device: Some(key.text.clone()) }
    }

    /// The VLAN sub-interface that Incus makes.
    fn vlan(&mut self, parent: String, id: VlanId, place: Option<Place>) -> String {
        let name = format!("{parent}.{id}");
        let host = &mut self.draft.machines[self.host];
        if host.interface(&name).is_none() {
            let lower = Lower::Named(self.host, parent);
            let mut vlan = Interface::new(name.clone(), Kind::Vlan { lower, id });
            vlan.place = place;
            vlan.note(NoteKind::Default, "Incus makes it for the setting `vlan` of a device");
            host.interfaces.push(vlan);
        }
        name
    }
}

/// The MAC address that Incus made up for a device.
fn made_up<'n>(instance: &'n Node, device: &str) -> Option<&'n str> {
    let volatile = format!("volatile.{device}.hwaddr");
    let configs = [instance.get("config"), instance.get("expanded_config")];
    configs.into_iter().flatten().find_map(|config| config.text_of(&volatile))
}

/// The addresses in the state of an instance that runs, as `list` shows it.
fn seen(instance: &Node, interface: &str) -> Vec<IpNet> {
    let Some(state) = instance.at(&["state", "network", interface]) else { return Vec::new() };
    let addresses =
        state.list_of("addresses").iter().filter(|address| address.text_of("scope") == Some("global"));
    addresses
        .filter_map(|node| ip_net(&format!("{}/{}", node.text_of("address")?, node.text_of("netmask")?)))
        .collect()
}
