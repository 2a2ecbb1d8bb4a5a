//! What a lab file says, checked and typed: the declaration that a lab is built from, here or on the running kernel.

use super::{Captures, DeviceType};
use crate::errno::Errno;
use crate::frame::{MacAddr, VlanId};
use crate::macvlan::{MacvlanFlags, Mode};
use crate::nic::UnicastFilter;
use crate::station::{HostConfig, IpSpec};
use crate::switch::{Policy, PortFlags, PortState, PortVlans};
use crate::time::LAB_SPAN;
use std::collections::BTreeSet;
use std::time::Duration;

pub use crate::frame::{Craft, CraftBody, IpRef, MacRef};

pub use crate::dataplane::{Name, TapOpen};

mod bond;
mod compose;
mod lesson;
mod step;

pub use bond::BondSpec;
pub use lesson::{ChoiceSpec, ExerciseSpec, PartSpec, PredictionSpec};
pub use step::{
    Action, AddressChange, Change, DEFAULT_TIMEOUT, Expect, ExpectedEntry, ExpectedReceivers, ExpectedTable,
    FrameSpec, HostChange, InjectPoint, NeighbourChange, ProbeSpec, StepSpec, SwitchChange, Target,
};

/// The MTU of a device that declares none, in bytes.
pub const DEFAULT_MTU: u32 = 1500;

/// A whole lab.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LabSpec {
    /// One line that says what the lab shows.
    pub title: String,
    /// NICs, bonds, VLAN sub-interfaces, ports, stations and routers in the order of the file, which is the order in which
    /// they are made.
    pub devices: Vec<DeviceSpec>,
    /// Hosts, in the order of the file.
    pub hosts: Vec<HostSpec>,
    /// Switches, in the order of the file.
    pub switches: Vec<SwitchSpec>,
    /// What happens.
    pub steps: Vec<StepSpec>,
    /// The parts of the lesson that the lab is; none: it is no lesson.
    pub lesson: Vec<PartSpec>,
}

impl LabSpec {
    /// The first step that could go on past the end of the lab's time ([`LAB_SPAN`]) if those before it take as long as
    /// they can; counted from 0.
    #[must_use]
    pub fn too_late(&self, captures: &Captures) -> Option<usize> {
        let mut elapsed = Duration::ZERO;
        self.steps.iter().position(|step| {
            elapsed = elapsed.saturating_add(step.action.longest(captures));
            elapsed > LAB_SPAN
        })
    }

    /// The IP configuration of every device that can have one: of devices, router interfaces, and the switches' own devices,
    /// in this order.
    pub fn stacks(&self) -> impl Iterator<Item = (&Name, &IpSpec)> {
        let devices = self.devices.iter().flat_map(|device| {
            let own = device.kind.ip().map(|ip| (&device.name, ip));
            let interfaces = device.kind.interfaces().iter().map(|i| (&i.name, &i.station.ip));
            own.into_iter().chain(interfaces)
        });
        devices.chain(self.switches.iter().map(|switch| (&switch.name, &switch.ip)))
    }

    /// Changes the IP configuration of every device that can have one.
    pub(crate) fn each_stack(&mut self, mut change: impl FnMut(&mut IpSpec)) {
        for device in &mut self.devices {
            match &mut device.kind {
                DeviceKind::Nic(spec) => change(&mut spec.ip),
                DeviceKind::Dummy(spec) => change(&mut spec.ip),
                DeviceKind::Bond(spec) => change(&mut spec.ip),
                DeviceKind::Vlan(spec) => change(&mut spec.ip),
                DeviceKind::Macvlan(spec) => change(&mut spec.ip),
                DeviceKind::Station(spec) => change(&mut spec.ip),
                DeviceKind::Router(spec) => {
                    spec.interfaces.iter_mut().for_each(|i| change(&mut i.station.ip));
                }
            }
        }
        self.switches.iter_mut().for_each(|switch| change(&mut switch.ip));
    }

    /// The interfaces of hosts, as declared: each with its host and its IP configuration.
    pub fn interfaces(&self) -> impl Iterator<Item = (&Name, &Name, &IpSpec)> {
        let devices = self.devices.iter().filter_map(|d| Some((&d.name, d.kind.host()?, d.kind.ip()?)));
        devices.chain(self.switches.iter().filter_map(|s| Some((&s.name, s.host.as_ref()?, &s.ip))))
    }

    /// Every device that is at some time a port of a bridge of its own host, with that bridge: by its table, or by a step.
    pub fn enslaved(&self) -> impl Iterator<Item = (&Name, &Name)> {
        let declared = self.devices.iter().filter_map(|d| Some((&d.name, d.kind.master()?)));
        let by_step = self.all_steps().filter_map(|s| match &s.action {
            Action::Set { device, change: Change::Master(Some(master)) } => Some((device, master)),
            Action::Add { name, spec } => Some((name, spec.master.as_ref()?)),
            _ => None,
        });
        let bonds: BTreeSet<&Name> =
            self.devices.iter().filter(|d| matches!(d.kind, DeviceKind::Bond(_))).map(|d| &d.name).collect();
        declared.chain(by_step).filter(move |(_, master)| !bonds.contains(master))
    }

    /// Every NIC that is a port of a bond from the start, with that bond.
    pub fn bonded(&self) -> impl Iterator<Item = (&Name, &Name)> {
        self.devices.iter().flat_map(|device| {
            let ports = if let DeviceKind::Bond(spec) = &device.kind { &spec.ports[..] } else { &[] };
            ports.iter().map(|port| (port, &device.name))
        })
    }

    /// The switches that are a device of some host as well: a parent, or the bridge that devices are ports of.
    pub fn own_devices(&self) -> impl Iterator<Item = &Name> {
        self.parents().chain(self.enslaved().map(|(_, master)| master))
    }

    /// Every device that is named as a parent, in tables and in steps.
    pub fn parents(&self) -> impl Iterator<Item = &Name> {
        let declared = self.devices.iter().filter_map(|d| d.kind.parent());
        let added = self.all_steps().filter_map(|s| match &s.action {
            Action::Add { spec, .. } => Some(&spec.parent),
            _ => None,
        });
        declared.chain(added)
    }
}

/// A declared device.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeviceSpec {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub kind: DeviceKind,
    /// Line of its table in the file, from 1; 0 if it was not read from a file.
    pub line: usize,
}

/// What a device is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DeviceKind {
    /// `[nic.N]`
    Nic(NicSpec),
    /// `[dummy.N]`
    Dummy(DummySpec),
    /// `[bond.N]`
    Bond(BondSpec),
    /// `[vlan.N]`
    Vlan(VlanSpec),
    /// `[macvlan.N]` or `[macvtap.N]`
    Macvlan(MacvlanSpec),
    /// `[station.N]`
    Station(StationSpec),
    /// `[router.N]`
    Router(RouterSpec),
}

impl DeviceKind {
    /// The host that it belongs to.
    #[must_use]
    pub fn host(&self) -> Option<&Name> {
        match self {
            DeviceKind::Nic(spec) => spec.host.as_ref(),
            DeviceKind::Dummy(spec) => spec.host.as_ref(),
            DeviceKind::Bond(spec) => spec.host.as_ref(),
            DeviceKind::Vlan(spec) => spec.host.as_ref(),
            DeviceKind::Macvlan(spec) => spec.host.as_ref(),
            DeviceKind::Station(_) | DeviceKind::Router(_) => None,
        }
    }

    /// The interfaces of a router.
    #[must_use]
    pub fn interfaces(&self) -> &[RouterInterface] {
        match self {
            DeviceKind::Router(spec) => &spec.interfaces,
            _ => &[],
        }
    }

    /// Its IP configuration; a router's interfaces have one each.
    #[must_use]
    pub fn ip(&self) -> Option<&IpSpec> {
        match self {
            DeviceKind::Nic(spec) => Some(&spec.ip),
            DeviceKind::Dummy(spec) => Some(&spec.ip),
            DeviceKind::Bond(spec) => Some(&spec.ip),
            DeviceKind::Vlan(spec) => Some(&spec.ip),
            DeviceKind::Macvlan(spec) => Some(&spec.ip),
            DeviceKind::Station(spec) => Some(&spec.ip),
            DeviceKind::Router(_) => None,
        }
    }

    /// The device that it is declared to sit on.
    #[must_use]
    pub fn parent(&self) -> Option<&Name> {
        match self {
            DeviceKind::Macvlan(spec) => Some(&spec.parent),
            DeviceKind::Vlan(spec) => Some(&spec.parent),
            DeviceKind::Nic(_)
            | DeviceKind::Dummy(_)
            | DeviceKind::Bond(_)
            | DeviceKind::Station(_)
            | DeviceKind::Router(_) => None,
        }
    }

    /// The bridge of its host of which it is a port from the start.
    #[must_use]
    pub fn master(&self) -> Option<&Name> {
        match self {
            DeviceKind::Nic(spec) => spec.master.as_ref(),
            DeviceKind::Dummy(spec) => spec.master.as_ref(),
            DeviceKind::Bond(spec) => spec.master.as_ref(),
            DeviceKind::Vlan(spec) => spec.master.as_ref(),
            DeviceKind::Macvlan(spec) => spec.master.as_ref(),
            DeviceKind::Station(_) | DeviceKind::Router(_) => None,
        }
    }
}

/// `[host.N]`: a machine or network namespace, one IP stack with any number of interfaces: the devices that name it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HostSpec {
    /// Its name.
    pub name: Name,
    /// Its routes, settings and loopback addresses.
    pub config: HostConfig,
    /// Line of its table in the file, from 1; 0 if it was not read from a file.
    pub line: usize,
}

/// `[nic.N]`: a physical NIC, the parent of ports.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NicSpec {
    /// Its address (default: made from the name, see [`crate::station::default_mac`]).
    pub mac: MacAddr,
    /// The host that it belongs to; `None`: its IP stack is its own.
    pub host: Option<Name>,
    /// The host stack's IP configuration.
    pub ip: IpSpec,
    /// Largest payload in bytes (1500).
    pub mtu: u32,
    /// Administratively up from the start (true).
    pub up: bool,
    /// The hardware's unicast filter.
    pub filter: UnicastFilter,
    /// A station, router interface or other NIC wired directly to it.
    pub cable: Option<Name>,
    /// One-way delay of its cable (none).
    pub latency: Duration,
    /// The bridge of its host of which it is a port.
    pub master: Option<Name>,
    /// Promiscuous by hand.
    pub promisc: bool,
    /// All-multicast by hand.
    pub allmulticast: bool,
}

/// `[dummy.N]`: a device that throws away what it sends (`ip link add N type dummy`), and can be a parent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DummySpec {
    /// Its address (default: made from the name, see [`crate::station::default_mac`]).
    pub mac: MacAddr,
    /// The host that it belongs to; `None`: its IP stack is its own.
    pub host: Option<Name>,
    /// Its host stack's IP configuration.
    pub ip: IpSpec,
    /// Largest payload in bytes (1500).
    pub mtu: u32,
    /// Administratively up from the start (true).
    pub up: bool,
    /// The bridge of its host of which it is a port.
    pub master: Option<Name>,
}

/// `[vlan.N]`: an 802.1Q sub-interface.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VlanSpec {
    /// The NIC (or VLAN sub-interface) below.
    pub parent: Name,
    /// Its VLAN id.
    pub id: VlanId,
    /// Its address (default: the parent's).
    pub mac: Option<MacAddr>,
    /// The host that it belongs to; `None`: its IP stack is its own.
    pub host: Option<Name>,
    /// Its host stack's IP configuration.
    pub ip: IpSpec,
    /// Default: the parent's.
    pub mtu: Option<u32>,
    /// Administratively up from the start (true).
    pub up: bool,
    /// The bridge of its host of which it is a port.
    pub master: Option<Name>,
}

/// `[macvlan.N]`, `[macvtap.N]`
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MacvlanSpec {
    /// The device it sits on: a NIC, a dummy, a bond, a VLAN sub-interface, a switch's own device, or another port (whose parent is then
    /// used).
    pub parent: Name,
    /// Made as a macvtap.
    pub tap: bool,
    /// A program has the macvtap's device node open.
    pub open: TapOpen,
    /// Its mode.
    pub mode: Mode,
    /// Its address. `None`: 02:42 and the first IPv4 address, else made from the name ([`MacvlanSpec::mac`]).
    pub mac: Option<MacAddr>,
    /// The host that it belongs to: a container, for example, or its parent's host; `None`: its IP stack is its own.
    pub host: Option<Name>,
    /// Its IP configuration.
    pub ip: IpSpec,
    /// Default: the parent's.
    pub mtu: Option<u32>,
    /// Administratively up from the start (true).
    pub up: bool,
    /// Its flags.
    pub flags: MacvlanFlags,
    /// The senders that a source port listens to.
    pub sources: Vec<MacAddr>,
    /// Groups joined from the start.
    pub multicast: Vec<MacAddr>,
    /// All-multicast.
    pub allmulticast: bool,
    /// Promiscuous.
    pub promisc: bool,
    /// Requested length of the parent's broadcast queue, in frames (1000).
    pub bcqueuelen: Option<u32>,
    /// The parent's broadcast cut-off.
    pub bclim: Option<i32>,
    /// The bridge of its host of which it is a port.
    pub master: Option<Name>,
    /// The kernel must refuse the device with this error.
    pub expect: Option<Errno>,
}

impl Default for MacvlanSpec {
    fn default() -> MacvlanSpec {
        MacvlanSpec {
            parent: Name::default(),
            tap: false,
            open: TapOpen::default(),
            mode: Mode::default(),
            mac: None,
            host: None,
            ip: IpSpec::default(),
            mtu: None,
            up: true,
            flags: MacvlanFlags::default(),
            sources: Vec::new(),
            multicast: Vec::new(),
            allmulticast: false,
            promisc: false,
            bcqueuelen: None,
            bclim: None,
            master: None,
            expect: None,
        }
    }
}

impl MacvlanSpec {
    /// What events call the device.
    #[must_use]
    pub const fn device_type(&self) -> DeviceType {
        if self.tap { DeviceType::Macvtap } else { DeviceType::Macvlan }
    }

    /// The address that the device asks for when it is created under this name.
    #[must_use]
    pub fn requested_mac(&self, name: &str) -> MacAddr {
        self.mac.unwrap_or_else(|| self.ip.default_mac(name))
    }
}

/// `[station.N]`: a machine outside the parent's host.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StationSpec {
    /// Its address (default: made from its IPv4 address or name).
    pub mac: MacAddr,
    /// Its IP configuration.
    pub ip: IpSpec,
    /// Largest payload in bytes (1500).
    pub mtu: u32,
    /// Administratively up from the start (true).
    pub up: bool,
    /// One-way delay of its cable.
    pub latency: Duration,
}

/// `[router.N]`: forwards IPv4 and IPv6 between its interfaces.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RouterSpec {
    /// Its interfaces; each is a device for cables, switch ports and steps.
    pub interfaces: Vec<RouterInterface>,
}

/// One interface of a router.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RouterInterface {
    /// The name that cables and switch ports use: as given, or ROUTER.0, ROUTER.1 … in the order of the file.
    pub name: Name,
    /// Address, IP configuration and the like, as a station's.
    pub station: StationSpec,
}

/// `[switch.N]`
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SwitchSpec {
    /// Its name.
    pub name: Name,
    /// How long a learned entry lives unseen (300 s); zero: nothing is learned.
    pub ageing: Duration,
    /// The address of its own device, which is there if it is named as a parent or has an IP stack (default: made from the
    /// name).
    pub mac: MacAddr,
    /// The host that its own device belongs to; `None`: its IP stack is its own.
    pub host: Option<Name>,
    /// The IP configuration of its own device.
    pub ip: IpSpec,
    /// 802.1Q filtering.
    pub vlan_filtering: bool,
    /// The bridge's mask of reserved groups to forward.
    pub group_fwd_mask: u16,
    /// Static entries.
    pub fdb: Vec<FdbSpec>,
    /// Its ports in the order of the file.
    pub ports: Vec<SwitchPortSpec>,
    /// Policy of every port that names none.
    pub policy: Option<Policy>,
    /// Line in the file.
    pub line: usize,
}

/// An entry made by hand in the forwarding database (`bridge fdb add … master`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FdbSpec {
    /// The address.
    pub mac: MacAddr,
    /// The device on whose switch port it is.
    pub port: Name,
    /// Stays where it is, whatever is seen elsewhere.
    pub sticky: bool,
    /// `bridge fdb … dynamic`: behaves like a learned one.
    pub dynamic: bool,
    /// `bridge fdb replace`: takes the place of an entry that is there.
    pub replace: bool,
    /// Its VLAN, with VLAN filtering.
    pub vlan: Option<VlanId>,
}

/// `[switch.N.port.DEVICE]`
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SwitchPortSpec {
    /// The device on the other end of the cable; a device whose master the switch is, is the port itself.
    pub device: Name,
    /// Its flags.
    pub flags: PortFlags,
    /// Its state.
    pub state: PortState,
    /// The port's own mask of reserved groups to forward.
    pub group_fwd_mask: u16,
    /// Its VLANs.
    pub vlans: PortVlans,
    /// Its policy.
    pub policy: Option<Policy>,
}
