//! Checks references to names, once all names are known.

use super::declared::{Declared, Known};
use super::diagnostic::MAX_SHOWN;
use super::masters::{self, Enslaved};
use super::read::Reader;
use super::suggest;
use crate::frame::Family;
use crate::lab::spec::{Change, Name, Target};
use crate::station::IpSpec;
use std::collections::BTreeMap;
use std::ops::Range;

/// The kind of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nic,
    Dummy,
    Bond,
    Vlan,
    Port,
    Station,
    Interface,
    Router,
    Switch,
    Host,
    /// Declared in a table that is itself an error: no further errors are reported for it.
    Unclear,
}

impl Kind {
    pub(super) fn article(self) -> &'static str {
        match self {
            Kind::Nic => "a NIC",
            Kind::Dummy => "a dummy",
            Kind::Bond => "a bond",
            Kind::Vlan => "a VLAN sub-interface",
            Kind::Port => "a macvlan port",
            Kind::Station => "a station",
            Kind::Interface => "an interface of a router",
            Kind::Router => "a router",
            Kind::Switch => "a switch",
            Kind::Host => "a host",
            Kind::Unclear => "unclear",
        }
    }
}

/// The kind of name that a reference requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// A device that can be a macvlan's parent.
    Parent,
    /// A device that can be below a VLAN sub-interface.
    VlanParent,
    /// A device with a cable.
    Cabled,
    /// A device on a port of this switch: with a cable, or of the switch's own host.
    SwitchPort(Name),
    /// A device that can be a port of a bridge of its own host.
    BridgePort,
    /// A device that can be a port of a bond.
    BondPort,
    /// A bond.
    Bond,
    /// What a device can be a port of: a switch, or a bond.
    Master,
    /// A device that sends and receives.
    Device,
    /// The same, or a host.
    Pinger,
    /// A host.
    Host,
    /// A macvlan or macvtap.
    Port,
    /// A NIC.
    Nic,
    /// A switch.
    Switch,
    /// A device on a port of this switch.
    OnSwitch(Name),
}

impl Want {
    fn takes(&self, kind: Kind) -> bool {
        match self {
            Want::Parent => Want::BridgePort.takes(kind) || kind == Kind::Switch,
            Want::VlanParent => matches!(kind, Kind::Nic | Kind::Dummy | Kind::Bond | Kind::Vlan),
            Want::Cabled | Want::SwitchPort(_) => {
                matches!(kind, Kind::Nic | Kind::Station | Kind::Interface)
            }
            Want::BridgePort => Want::VlanParent.takes(kind) || kind == Kind::Port,
            Want::BondPort | Want::Nic => kind == Kind::Nic,
            Want::Bond => kind == Kind::Bond,
            Want::Master => matches!(kind, Kind::Switch | Kind::Bond),
            Want::OnSwitch(_) => {
                Want::BridgePort.takes(kind) || matches!(kind, Kind::Station | Kind::Interface)
            }
            // A switch, for its own device, which is there if ports sit on it.
            Want::Device => !matches!(kind, Kind::Router | Kind::Host),
            Want::Pinger => kind != Kind::Router,
            Want::Host => kind == Kind::Host,
            Want::Port => kind == Kind::Port,
            Want::Switch => kind == Kind::Switch,
        }
    }

    pub(super) fn help(&self) -> &'static str {
        match self {
            Want::Parent => {
                "a parent is a NIC, a dummy, a bond, a VLAN sub-interface, a switch, a macvlan or a macvtap"
            }
            Want::VlanParent => {
                "the device below a VLAN sub-interface is a NIC, a dummy, a bond or another VLAN sub-interface"
            }
            Want::Cabled | Want::OnSwitch(_) => "NICs, stations and router interfaces have cables",
            Want::SwitchPort(_) => {
                "NICs, stations and router interfaces have cables; another device needs the switch as its `master`"
            }
            Want::BridgePort => {
                "a port of a bridge is a NIC, a dummy, a bond, a VLAN sub-interface, a macvlan or a macvtap"
            }
            Want::Device => {
                "it must be a NIC, dummy, bond, VLAN sub-interface, macvlan, macvtap, station, router interface or a switch with ports on it"
            }
            Want::Pinger => {
                "it must be a host, NIC, dummy, bond, VLAN sub-interface, macvlan, macvtap, station, router interface or a switch with an IP address or ports on it"
            }
            Want::BondPort => "a port of a bond is a NIC",
            Want::Bond => "only a bond has this",
            Want::Master => "it must be a switch or a bond",
            Want::Host => "it must be a host, declared as [host.NAME]",
            Want::Port => "only a macvlan or macvtap has this",
            Want::Nic => "only a NIC has a wire that frames arrive from",
            Want::Switch => "it must be a switch",
        }
    }
}

/// A name in use.
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) want: Want,
    pub(super) key: String,
    pub(super) span: Range<usize>,
}

/// An end of a cable that the file names.
pub(super) struct Wire {
    pub(super) device: String,
    /// The switch that the cable leads to, if it does.
    pub(super) socket: Option<Name>,
    pub(super) key: String,
    pub(super) span: Range<usize>,
}

/// The ends of a ping or similar probe.
pub(super) struct Probe {
    pub(super) from: Name,
    pub(super) to: Target,
    /// Whether only IPv4 will do, as for ARP.
    pub(super) arp: bool,
    pub(super) key: String,
    pub(super) span: Range<usize>,
}

/// All names of a file.
#[derive(Default)]
pub(super) struct Names<'t> {
    /// The existing names, if the file is a step for an existing lab.
    before: Option<&'t Declared>,
    own: Declared,
    pub(super) references: Vec<Reference>,
    pub(super) wires: Vec<Wire>,
    pub(super) probes: Vec<Probe>,
    parents: Vec<(String, String)>,
    interfaces: Vec<RouteBy>,
    /// Devices that are ports of bridges and bonds.
    pub(super) enslaved: Vec<Enslaved>,
}

/// A route of a host by a device.
struct RouteBy {
    host: Name,
    device: Name,
    key: String,
    span: Range<usize>,
}

impl<'t> Names<'t> {
    /// For a step of an existing lab.
    pub(super) fn beside(before: &'t Declared) -> Names<'t> {
        Names { before: Some(before), ..Names::default() }
    }

    /// A switch port, for the device at its other end.
    pub(super) fn switch_port(&mut self, switch: &str, device: &str) {
        self.own.switch_ports.insert((switch.into(), device.into()));
    }

    /// The file is a step for an existing lab.
    pub(super) fn is_step(&self) -> bool {
        self.before.is_some()
    }

    /// A device has a place in a bridge of its own host.
    pub(super) fn put_inside(&mut self, master: Name, device: Name) {
        let port = (master, device);
        self.own.switch_ports.insert(port.clone());
        self.own.inside.insert(port);
    }

    pub(super) fn is_inside(&self, switch: &Name, device: &str) -> bool {
        let port = (switch.clone(), device.into());
        self.all().any(|names| names.inside.contains(&port))
    }

    /// A device is on another.
    pub(super) fn parent(&mut self, device: &str, parent: &str) {
        self.parents.push((device.to_owned(), parent.to_owned()));
    }

    /// A device may belong to a host.
    pub(super) fn belongs(&mut self, device: &str, host: Option<&Name>, ip: &IpSpec) {
        if let Some(host) = host {
            self.own.join(device, host, ip);
        }
    }

    /// A route of the host leads by the device.
    pub(super) fn interface_of(&mut self, device: &str, host: &str, key: String, span: Range<usize>) {
        self.interfaces.push(RouteBy { host: host.into(), device: device.into(), key, span });
    }

    /// What has this name.
    pub(super) fn kind_of(&self, name: &str) -> Option<Kind> {
        self.find(name).map(|known| known.kind)
    }

    /// The host that a device belongs to.
    pub(super) fn host_of(&self, device: &str) -> Option<&Name> {
        self.all().find_map(|names| names.hosts.get(device))
    }

    /// A step adds this port.
    pub(super) fn add(&mut self, name: &str, span: Range<usize>, families: Vec<Family>) {
        self.own.add(name, span, families);
    }

    /// All named things, in order of precedence.
    fn all(&self) -> impl Iterator<Item = &Declared> {
        std::iter::once(&self.own).chain(self.before)
    }

    /// The thing with this name: declared ones take precedence over added ones.
    fn find(&self, name: &str) -> Option<&Known> {
        let declared = self.all().find_map(|names| names.declared.get(name));
        declared.or_else(|| self.all().find_map(|names| names.added.get(name)))
    }

    /// Whether a device or host has an address of this family, or gets one by a step.
    fn has_family(&self, name: &str, family: Family) -> bool {
        if self.is_given(name, family) || self.host_of(name).is_some_and(|h| self.has_family(h, family)) {
            return true;
        }
        let is_host = self.find(name).is_some_and(|known| known.kind == Kind::Host);
        let members = self.all().filter(|_| is_host).flat_map(|names| {
            let moved = names.moved.iter().map(|(device, host)| (device.as_str(), host));
            moved.chain(names.hosts.iter().map(|(device, host)| (device.as_str(), host)))
        });
        members.filter(|(_, host)| *host == name).any(|(device, _)| self.is_given(device, family))
    }

    fn is_given(&self, name: &str, family: Family) -> bool {
        let has = |known: &Known| known.kind == Kind::Unclear || known.families.contains(&family);
        self.all().any(|names| {
            let known = [&names.declared, &names.added].into_iter().filter_map(|names| names.get(name));
            known.into_iter().any(has) || names.more_families.contains(&(name.into(), family))
        })
    }

    /// A step changes a device.
    pub(super) fn change(&mut self, device: &Name, change: &Change) {
        self.own.change(device, change);
    }

    fn is_on_switch(&self, switch: &Name, device: &str) -> bool {
        let port = (switch.clone(), device.into());
        self.all().any(|names| names.switch_ports.contains(&port))
    }

    fn nearest(&self, name: &str, want: &Want) -> Option<String> {
        let names: Vec<&str> = match want {
            Want::OnSwitch(switch) => self
                .all()
                .flat_map(|names| &names.switch_ports)
                .filter(|(s, _)| s == switch)
                .map(|(_, device)| device.as_str())
                .collect(),
            _ => {
                let known = self.all().flat_map(|names| names.declared.iter().chain(&names.added));
                known.filter(|(_, entry)| want.takes(entry.kind)).map(|(name, _)| name.as_str()).collect()
            }
        };
        suggest::nearest(name, names).map(str::to_owned)
    }
}

/// The error in a name, if any: interface names as the kernel accepts them (`dev_valid_name`), in ASCII.
pub(super) fn bad_name(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > 15 {
        Some("a name has 1 to 15 characters")
    } else if name == "."
        || name == ".."
        || !name.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b':')
    {
        Some("a name consists of visible ASCII characters without `/` and `:`")
    } else {
        None
    }
}

/// Adds a name; reports it if it is invalid or in use.
pub(super) fn declare(
    cx: &mut Reader<'_>,
    name: &str,
    kind: Kind,
    key: String,
    span: Range<usize>,
    families: Vec<Family>,
) {
    if let Some(help) = bad_name(name) {
        cx.problem(key, span, format!("`{name}` is not a possible name"), help.to_owned());
        return;
    }
    if let Some(taken) = cx.names.own.declared.get(name) {
        let other = Some((taken.span.clone(), format!("already the name of {}", taken.kind.article())));
        cx.problem_with(key, span, format!("the name `{name}` is used twice"), None, other);
        return;
    }
    cx.names.own.declared.insert(name.to_owned(), Known { kind, span, families });
}

/// Runs the checks that need all names.
pub(super) fn check(cx: &mut Reader<'_>) {
    masters::places(cx);
    references(cx);
    wires(cx);
    loops(cx);
    collisions(cx);
    interfaces(cx);
    probes(cx);
}

/// Routes lead by interfaces of the same host.
fn interfaces(cx: &mut Reader<'_>) {
    for RouteBy { host, device, key, span } in std::mem::take(&mut cx.names.interfaces) {
        let declared = cx.names.find(&device).is_some_and(|known| known.kind != Kind::Unclear);
        if declared && cx.names.host_of(&device) != Some(&host) {
            let message = format!("`{device}` is no interface of `{host}`");
            cx.problem(key, span, message, format!("give the device `host = \"{host}\"`"));
        }
    }
}

/// The name that was probably meant. Searching a hundred thousand names is slow, so only shown errors get a hint.
fn near(cx: &Reader<'_>, name: &str, want: &Want) -> Option<String> {
    let near = if cx.problems.len() < MAX_SHOWN { cx.names.nearest(name, want) } else { None };
    near.map(|n| format!("did you mean `{n}`?"))
}

fn references(cx: &mut Reader<'_>) {
    for Reference { name, want, key, span } in std::mem::take(&mut cx.names.references) {
        let thing = match want {
            Want::Switch => "switch",
            Want::Master => "switch or bond",
            Want::Host => "host",
            _ => "device",
        };
        let (message, help) = match cx.names.find(&name).map(|k| k.kind) {
            Some(Kind::Unclear) => continue,
            None => {
                let near = near(cx, &name, &want);
                (format!("there is no {thing} `{name}`"), near)
            }
            Some(kind) if matches!(&want, Want::SwitchPort(switch) if cx.names.is_inside(switch, &name)) => {
                if Want::BridgePort.takes(kind) {
                    continue;
                }
                (format!("`{name}` is {}", kind.article()), Some(Want::BridgePort.help().to_owned()))
            }
            Some(Kind::Router) if !want.takes(Kind::Router) => {
                let message = format!("`{name}` is a router");
                (message, Some(format!("name one of its interfaces, as in `{name}.0`")))
            }
            Some(kind) if !want.takes(kind) => {
                (format!("`{name}` is {}", kind.article()), Some(want.help().to_owned()))
            }
            Some(_) => match &want {
                Want::OnSwitch(switch) if !cx.names.is_on_switch(switch, &name) => {
                    let near = near(cx, &name, &want);
                    (format!("`{name}` is on no port of `{switch}`"), near)
                }
                _ => continue,
            },
        };
        cx.problem(key, span, message, help);
    }
}

/// A device has one cable.
fn wires(cx: &mut Reader<'_>) {
    let mut wires = std::mem::take(&mut cx.names.wires);
    wires.sort_by_key(|w| w.span.start);
    let mut first: BTreeMap<String, Range<usize>> = BTreeMap::new();
    for Wire { device, key, span, socket } in wires {
        if socket.is_some_and(|switch| cx.names.is_inside(&switch, &device)) {
            continue;
        }
        if let Some(taken) = first.get(&device) {
            let other = Some((taken.clone(), "its cable goes here already".to_owned()));
            let message = format!("`{device}` has one cable and is wired twice");
            cx.problem_with(key, span, message, None, other);
        } else {
            first.insert(device, span);
        }
    }
}

/// No device is its own ancestor. Each loop is reported once.
fn loops(cx: &mut Reader<'_>) {
    let pairs = std::mem::take(&mut cx.names.parents);
    let above: BTreeMap<&str, &str> = pairs.iter().map(|(d, p)| (d.as_str(), p.as_str())).collect();
    // The walk that visited each device: a walk that reaches its own trace has found a loop.
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (walk, (device, _)) in pairs.iter().enumerate() {
        let mut at = device.as_str();
        while let Some(parent) = above.get(at) {
            match seen.insert(at, walk) {
                Some(earlier) if earlier == walk => {
                    if let Some(known) = cx.names.own.declared.get(at) {
                        let span = known.span.clone();
                        let help = "a chain of parents ends at a NIC".to_owned();
                        cx.problem(at.to_owned(), span, format!("the parents of `{at}` form a loop"), help);
                    }
                    break;
                }
                Some(_) => break,
                None => at = parent,
            }
        }
    }
}

/// Events name a switch port SWITCH.DEVICE, so no device may have such a name.
fn collisions(cx: &mut Reader<'_>) {
    for (switch, device) in std::mem::take(&mut cx.names.own.switch_ports) {
        let name = format!("{switch}.{device}");
        if let Some(known) = cx.names.find(&name) {
            let span = known.span.clone();
            collision(cx, name, span, &switch, &device);
        }
    }
    // A name that a step adds to an existing lab may collide with existing names.
    let added = cx.names.before.map(|before| (before, std::mem::take(&mut cx.names.own.added)));
    for (before, (name, known)) in
        added.into_iter().flat_map(|(b, added)| added.into_iter().map(move |a| (b, a)))
    {
        let ends =
            name.match_indices('.').map(|(at, _)| (Name::from(&name[..at]), Name::from(&name[at + 1..])));
        if let Some((switch, device)) = ends.into_iter().find(|port| before.switch_ports.contains(port)) {
            collision(cx, name.clone(), known.span, &switch, &device);
        }
    }
}

fn collision(cx: &mut Reader<'_>, name: String, span: Range<usize>, switch: &str, device: &str) {
    let message = format!("`{name}` is the name of the port of `{switch}` for `{device}`");
    cx.problem(name, span, message, "choose another name".to_owned());
}

/// Both ends of a probe have IP addresses of one family.
fn probes(cx: &mut Reader<'_>) {
    for Probe { from, to, arp, key, span } in std::mem::take(&mut cx.names.probes) {
        let names = &cx.names;
        let missing =
            names.find(&from).is_none_or(|k| k.kind == Kind::Unclear || !Want::Pinger.takes(k.kind));
        if missing {
            continue;
        }
        let families: Vec<Family> = [Family::V4, Family::V6]
            .into_iter()
            .filter(|f| names.has_family(&from, *f) && (*f == Family::V4 || !arp))
            .collect();
        let wanted = if arp { "IPv4 address" } else { "address" };
        let message = match &to {
            _ if families.is_empty() => format!("`{from}` has no {wanted} to send from"),
            Target::Address(addr) if arp && addr.is_ipv6() => {
                format!("{addr} is an IPv6 address, and ARP resolves IPv4 addresses")
            }
            Target::Address(addr) if !families.contains(&Family::of(*addr)) => {
                let family = if addr.is_ipv4() { "IPv4" } else { "IPv6" };
                format!("`{from}` has no {family} address to reach {addr} from")
            }
            Target::Address(_) => continue,
            Target::Device(name) => {
                let known = names.find(name).filter(|k| Want::Pinger.takes(k.kind));
                if known.is_none() || families.iter().any(|f| names.has_family(name, *f)) {
                    continue;
                }
                format!("`{from}` and `{name}` have no IP addresses of a common family")
            }
        };
        cx.problem(key, span, message, None);
    }
}
