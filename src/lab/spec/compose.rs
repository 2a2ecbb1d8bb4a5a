//! Labs declared in code: constructors with the defaults of the lab file, and a `with_` method for each field.

use super::*;
use crate::station::{IpNet, default_mac};
use crate::switch::{PortFlag, SwitchConfig};

/// Makes `with_` methods, each of which sets one field.
macro_rules! setters {
    ($spec:ty { $($(#[$doc:meta])* $method:ident($field:ident: $type:ty);)* }) => {
        impl $spec {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $method(mut self, $field: $type) -> Self {
                    self.$field = $field.into();
                    self
                }
            )*
        }
    };
}

impl LabSpec {
    /// A lab with this title, and nothing in it.
    ///
    /// ```
    /// use macvlab::lab::spec::{Expect, LabSpec, StepSpec};
    /// use macvlab::lab::{Lab, Options};
    /// use macvlab::macvlan::Mode;
    /// use macvlab::switch::PortFlag;
    ///
    /// let spec = LabSpec::new("two vepa ports behind a hairpin switch")
    ///     .with_nic("eth0", |nic| nic)
    ///     .with_macvlan("c1", "eth0", |port| port.with_mode(Mode::Vepa).with_address("192.0.2.1/24".parse().unwrap()))
    ///     .with_macvlan("c2", "eth0", |port| port.with_mode(Mode::Vepa).with_address("192.0.2.2/24".parse().unwrap()))
    ///     .with_switch("sw0", |switch| switch.with_port("eth0", |port| port.with_flag(PortFlag::Hairpin, true)))
    ///     .with_step(StepSpec::ping("c1", "c2").with_expect(Expect::Reply));
    /// assert!(Lab::new(&spec, Options::default()).run(&mut |_| ()).ok());
    /// ```
    #[must_use]
    pub fn new(title: impl Into<String>) -> LabSpec {
        LabSpec { title: title.into(), ..LabSpec::default() }
    }

    fn with_device(mut self, name: impl Into<Name>, kind: DeviceKind) -> LabSpec {
        self.devices.push(DeviceSpec::new(name, kind));
        self
    }

    /// And a host, to which devices belong that name it.
    #[must_use]
    pub fn with_host(mut self, name: impl Into<Name>, config: HostConfig) -> LabSpec {
        self.hosts.push(HostSpec { name: name.into(), config, line: 0 });
        self
    }

    /// And a NIC.
    #[must_use]
    pub fn with_nic(self, name: &str, with: impl FnOnce(NicSpec) -> NicSpec) -> LabSpec {
        self.with_device(name, DeviceKind::Nic(with(NicSpec::named(name))))
    }

    /// And a dummy.
    #[must_use]
    pub fn with_dummy(self, name: &str, with: impl FnOnce(DummySpec) -> DummySpec) -> LabSpec {
        self.with_device(name, DeviceKind::Dummy(with(DummySpec::named(name))))
    }

    /// And an 802.1Q sub-interface of the device `parent`.
    #[must_use]
    pub fn with_vlan(
        self,
        name: &str,
        parent: &str,
        id: VlanId,
        with: impl FnOnce(VlanSpec) -> VlanSpec,
    ) -> LabSpec {
        self.with_device(name, DeviceKind::Vlan(with(VlanSpec::on(parent, id))))
    }

    /// And a macvlan port on the device `parent`.
    #[must_use]
    pub fn with_macvlan(
        self,
        name: &str,
        parent: &str,
        with: impl FnOnce(MacvlanSpec) -> MacvlanSpec,
    ) -> LabSpec {
        self.with_device(name, DeviceKind::Macvlan(with(MacvlanSpec::on(parent))))
    }

    /// And a station.
    #[must_use]
    pub fn with_station(
        self,
        name: &str,
        ip: impl Into<IpSpec>,
        with: impl FnOnce(StationSpec) -> StationSpec,
    ) -> LabSpec {
        self.with_device(name, DeviceKind::Station(with(StationSpec::new(name, ip))))
    }

    /// And a router.
    #[must_use]
    pub fn with_router(self, name: &str, with: impl FnOnce(RouterSpec) -> RouterSpec) -> LabSpec {
        self.with_device(name, DeviceKind::Router(with(RouterSpec::default())))
    }

    /// And a switch.
    #[must_use]
    pub fn with_switch(mut self, name: &str, with: impl FnOnce(SwitchSpec) -> SwitchSpec) -> LabSpec {
        self.switches.push(with(SwitchSpec::named(name)));
        self
    }

    /// And one more step.
    #[must_use]
    pub fn with_step(mut self, step: StepSpec) -> LabSpec {
        self.steps.push(step);
        self
    }
}

setters! { LabSpec {
    /// With this title.
    with_title(title: String);
    /// With these steps, and no others.
    with_steps(steps: Vec<StepSpec>);
} }

impl DeviceSpec {
    /// A device of this name that was not read from a file.
    #[must_use]
    pub fn new(name: impl Into<Name>, kind: DeviceKind) -> DeviceSpec {
        DeviceSpec { name: name.into(), kind, line: 0 }
    }
}

/// Makes `with_address` and `with_host` for what has an IP stack.
macro_rules! addressed {
    ($($spec:ty),*) => {
        $(impl $spec {
            /// With one more IP address.
            #[must_use]
            pub fn with_address(mut self, address: IpNet) -> Self {
                self.ip.address.push(address);
                self
            }

            /// As an interface of this host.
            #[must_use]
            pub fn with_host(mut self, host: impl Into<Name>) -> Self {
                self.host = Some(host.into());
                self
            }
        })*
    };
}

addressed!(NicSpec, DummySpec, VlanSpec, MacvlanSpec, SwitchSpec);

/// Makes `with_master` for what can be a port of a bridge.
macro_rules! enslavable {
    ($($spec:ty),*) => {
        $(impl $spec {
            /// A port of this bridge of its host.
            #[must_use]
            pub fn with_master(mut self, master: impl Into<Name>) -> Self {
                self.master = Some(master.into());
                self
            }
        })*
    };
}

enslavable!(NicSpec, DummySpec, VlanSpec, MacvlanSpec);

impl DummySpec {
    /// A dummy of this name, with everything by default.
    #[must_use]
    pub fn named(name: &str) -> DummySpec {
        DummySpec {
            mac: default_mac(name),
            host: None,
            ip: IpSpec::default(),
            mtu: DEFAULT_MTU,
            up: true,
            master: None,
        }
    }
}

setters! { DummySpec {
    /// With this MAC address.
    with_mac(mac: MacAddr);
    /// With this IP configuration.
    with_ip(ip: IpSpec);
    /// With this MTU, in bytes.
    with_mtu(mtu: u32);
    /// Administratively up from the start, or not.
    with_up(up: bool);
}}

impl NicSpec {
    /// A NIC of this name, with everything by default.
    #[must_use]
    pub fn named(name: &str) -> NicSpec {
        NicSpec {
            mac: default_mac(name),
            host: None,
            ip: IpSpec::default(),
            mtu: DEFAULT_MTU,
            up: true,
            filter: UnicastFilter::default(),
            cable: None,
            latency: Duration::ZERO,
            master: None,
            promisc: false,
            allmulticast: false,
        }
    }

    /// Wired directly to this station, router interface or other NIC.
    #[must_use]
    pub fn with_cable(mut self, peer: impl Into<Name>) -> NicSpec {
        self.cable = Some(peer.into());
        self
    }
}

setters! { NicSpec {
    /// With this MAC address.
    with_mac(mac: MacAddr);
    /// With this IP configuration.
    with_ip(ip: IpSpec);
    /// With this MTU, in bytes.
    with_mtu(mtu: u32);
    /// Administratively up from the start, or not.
    with_up(up: bool);
    /// With this unicast filter in its hardware.
    with_filter(filter: UnicastFilter);
    /// With this one-way delay of its cable.
    with_latency(latency: Duration);
    /// Promiscuous by hand, or not.
    with_promisc(promisc: bool);
    /// All-multicast by hand, or not.
    with_allmulticast(allmulticast: bool);
} }

impl VlanSpec {
    /// A sub-interface of this device, with everything else by default.
    #[must_use]
    pub fn on(parent: impl Into<Name>, id: VlanId) -> VlanSpec {
        VlanSpec {
            parent: parent.into(),
            id,
            mac: None,
            host: None,
            ip: IpSpec::default(),
            mtu: None,
            up: true,
            master: None,
        }
    }
}

setters! { VlanSpec {
    /// With this MAC address.
    with_mac(mac: MacAddr);
    /// With this IP configuration.
    with_ip(ip: IpSpec);
    /// With this MTU, in bytes.
    with_mtu(mtu: u32);
    /// Administratively up from the start, or not.
    with_up(up: bool);
} }

impl MacvlanSpec {
    /// A vepa port on this device, with everything else by default.
    #[must_use]
    pub fn on(parent: impl Into<Name>) -> MacvlanSpec {
        MacvlanSpec { parent: parent.into(), ..MacvlanSpec::default() }
    }

    /// A macvtap, whose device node is open like this.
    #[must_use]
    pub fn with_tap(mut self, open: TapOpen) -> MacvlanSpec {
        (self.tap, self.open) = (true, open);
        self
    }
}

setters! { MacvlanSpec {
    /// In this mode.
    with_mode(mode: Mode);
    /// With this MAC address.
    with_mac(mac: MacAddr);
    /// With this IP configuration.
    with_ip(ip: IpSpec);
    /// With this MTU, in bytes.
    with_mtu(mtu: u32);
    /// Administratively up from the start, or not.
    with_up(up: bool);
    /// With these flags.
    with_flags(flags: MacvlanFlags);
    /// A source port listens to these senders.
    with_sources(sources: Vec<MacAddr>);
    /// Joined to these groups from the start.
    with_multicast(multicast: Vec<MacAddr>);
    /// Promiscuous, or not.
    with_promisc(promisc: bool);
    /// All-multicast, or not.
    with_allmulticast(allmulticast: bool);
    /// Requests a broadcast queue of this length, in frames.
    with_bcqueuelen(bcqueuelen: u32);
    /// Sets the parent's broadcast cut-off.
    with_bclim(bclim: i32);
    /// The kernel must refuse the device with this error.
    with_expect(expect: Errno);
} }

impl StationSpec {
    /// A station of this name with this IP configuration, and everything else by default.
    #[must_use]
    pub fn new(name: &str, ip: impl Into<IpSpec>) -> StationSpec {
        let ip = ip.into();
        StationSpec { mac: ip.default_mac(name), ip, mtu: DEFAULT_MTU, up: true, latency: Duration::ZERO }
    }
}

setters! { StationSpec {
    /// With this MAC address.
    with_mac(mac: MacAddr);
    /// With this MTU, in bytes.
    with_mtu(mtu: u32);
    /// Administratively up from the start, or not.
    with_up(up: bool);
    /// With this one-way delay of its cable.
    with_latency(latency: Duration);
} }

impl RouterSpec {
    /// And an interface, which is a device with this name.
    #[must_use]
    pub fn with_interface(
        mut self,
        name: &str,
        ip: impl Into<IpSpec>,
        with: impl FnOnce(StationSpec) -> StationSpec,
    ) -> RouterSpec {
        let station = with(StationSpec::new(name, ip));
        self.interfaces.push(RouterInterface { name: name.into(), station });
        self
    }
}

impl SwitchSpec {
    /// A switch of this name without ports, and with everything else by default.
    #[must_use]
    pub fn named(name: &str) -> SwitchSpec {
        let SwitchConfig { ageing, vlan_filtering, group_fwd_mask } = SwitchConfig::default();
        SwitchSpec {
            name: name.into(),
            ageing,
            mac: default_mac(name),
            host: None,
            ip: IpSpec::default(),
            vlan_filtering,
            group_fwd_mask,
            fdb: Vec::new(),
            ports: Vec::new(),
            policy: None,
            line: 0,
        }
    }

    /// Whether its own device has an IP stack.
    #[must_use]
    pub fn has_stack(&self) -> bool {
        self.host.is_some() || !self.ip.address.is_empty()
    }

    /// And a port for this device: for its cable, unless the switch is its master.
    #[must_use]
    pub fn with_port(
        mut self,
        device: impl Into<Name>,
        with: impl FnOnce(SwitchPortSpec) -> SwitchPortSpec,
    ) -> SwitchSpec {
        self.ports.push(with(SwitchPortSpec::to(device)));
        self
    }

    /// And an entry of the forwarding database.
    #[must_use]
    pub fn with_entry(mut self, entry: FdbSpec) -> SwitchSpec {
        self.fdb.push(entry);
        self
    }
}

setters! { SwitchSpec {
    /// With this MAC address of its own device.
    with_mac(mac: MacAddr);
    /// A learned entry lives unseen for this long; zero: nothing is learned.
    with_ageing(ageing: Duration);
    /// With 802.1Q filtering, or without.
    with_vlan_filtering(vlan_filtering: bool);
    /// With this mask of reserved groups to forward.
    with_group_fwd_mask(group_fwd_mask: u16);
    /// With this policy of every port that has no other.
    with_policy(policy: Policy);
} }

impl FdbSpec {
    /// A static entry: this MAC address is behind the port of this device.
    #[must_use]
    pub fn new(mac: MacAddr, port: impl Into<Name>) -> FdbSpec {
        FdbSpec { mac, port: port.into(), sticky: false, dynamic: false, replace: false, vlan: None }
    }
}

setters! { FdbSpec {
    /// Stays where it is, wherever the MAC address is seen, or not.
    with_sticky(sticky: bool);
    /// Ages and moves as if it were learned, or not.
    with_dynamic(dynamic: bool);
    /// Takes the place of an entry that is there, or not.
    with_replace(replace: bool);
    /// In this VLAN.
    with_vlan(vlan: VlanId);
} }

impl SwitchPortSpec {
    /// A port with this device at the other end of its cable, and everything else by default.
    #[must_use]
    pub fn to(device: impl Into<Name>) -> SwitchPortSpec {
        SwitchPortSpec {
            device: device.into(),
            flags: PortFlags::default(),
            state: PortState::default(),
            group_fwd_mask: 0,
            vlans: PortVlans::default(),
            policy: None,
        }
    }

    /// With this flag set to this value.
    #[must_use]
    pub fn with_flag(mut self, flag: PortFlag, value: bool) -> SwitchPortSpec {
        *self.flags.get_mut(flag) = value;
        self
    }
}

setters! { SwitchPortSpec {
    /// With these flags.
    with_flags(flags: PortFlags);
    /// In this state.
    with_state(state: PortState);
    /// With this mask of reserved groups to forward.
    with_group_fwd_mask(group_fwd_mask: u16);
    /// With these VLANs.
    with_vlans(vlans: PortVlans);
    /// With this policy.
    with_policy(policy: Policy);
} }

impl StepSpec {
    /// A step that expects nothing, and was not read from a file.
    #[must_use]
    pub fn new(action: Action) -> StepSpec {
        StepSpec { action, expect: None, line: 0 }
    }

    /// One device pings another.
    #[must_use]
    pub fn ping(from: impl Into<Name>, to: impl Into<Name>) -> StepSpec {
        StepSpec::new(Action::Ping(ProbeSpec::new(from, Target::Device(to.into()))))
    }
}

setters! { StepSpec {
    /// This must come of it.
    with_expect(expect: Expect);
} }

impl ProbeSpec {
    /// One request from this device.
    #[must_use]
    pub fn new(from: impl Into<Name>, to: Target) -> ProbeSpec {
        ProbeSpec { from: from.into(), to, count: 1, timeout: DEFAULT_TIMEOUT }
    }
}

setters! { ProbeSpec {
    /// This many requests, a second apart.
    with_count(count: u32);
    /// Waits this long after the last request.
    with_timeout(timeout: Duration);
} }
