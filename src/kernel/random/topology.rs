//! Random devices, cables and switches.

use super::LabGenerator;
use crate::frame::MacAddr;
use crate::lab::LabSpec;
use crate::lab::spec::{
    DeviceKind, DeviceSpec, FdbSpec, MacvlanSpec, Name, NicSpec, StationSpec, SwitchPortSpec, SwitchSpec,
    TapOpen,
};
use crate::macvlan::{MacvlanFlags, Mode};
use crate::nic::UnicastFilter;
use crate::station::IpSpec;
use crate::switch::{PortFlags, PortState, PortVlans};
use std::time::Duration;

fn device(name: Name, kind: DeviceKind) -> DeviceSpec {
    DeviceSpec::new(name, kind)
}

impl LabGenerator {
    /// One to three NICs with cables, a switch maybe, one to eight ports.
    pub(super) fn topology(&mut self) -> LabSpec {
        let mut lab = LabSpec::default();
        let nics = 1 + self.dice.weighted(&[60, 28, 12]);
        let mut unwired: Vec<usize> = Vec::new();
        for n in 0..nics {
            let name: Name = format!("eth{n}").into();
            let mac = MacAddr([0x02, 0, 0, 0, 1, u8::try_from(n).unwrap_or(0)]);
            self.nics.push((name.clone(), mac));
            let spec = self.nic(mac);
            lab.devices.push(device(name, DeviceKind::Nic(spec)));
            unwired.push(n);
        }
        self.cables(&mut lab, unwired);
        let ports = 1 + self.dice.below(8);
        if !lab.switches.is_empty() && self.dice.percent(20) {
            self.own_device = lab.switches.first().map(|s| (s.name.clone(), s.mac));
            self.for_own_device = (1 + self.dice.below(3)).min(ports);
        }
        for n in 0..ports {
            let name: Name = format!("c{n}").into();
            let spec = self.port(&name);
            lab.devices.push(device(name, DeviceKind::Macvlan(spec)));
        }
        self.dynamic_entries(&mut lab);
        lab
    }

    fn mtu(&mut self) -> u32 {
        match self.dice.weighted(&[88, 4, 4, 4]) {
            0 => 1500,
            1 => 1400,
            2 => 600,
            _ => 9000,
        }
    }

    pub(super) fn nic(&mut self, mac: MacAddr) -> NicSpec {
        NicSpec {
            host: None,
            mac,
            ip: IpSpec::default(),
            mtu: self.mtu(),
            up: self.dice.percent(95),
            filter: UnicastFilter::None,
            cable: None,
            latency: Duration::ZERO,
            master: None,
            promisc: self.dice.percent(8),
            allmulticast: self.dice.percent(5),
        }
    }

    /// Cables each NIC: not at all, to a station, another NIC, or the switch.
    fn cables(&mut self, lab: &mut LabSpec, mut unwired: Vec<usize>) {
        let mut on_switch: Vec<Name> = Vec::new();
        while let Some(n) = unwired.pop() {
            let name = self.nics[n].0.clone();
            match self.dice.weighted(&[10, 25, if unwired.is_empty() { 0 } else { 20 }, 55]) {
                0 => self.loose.push(name),
                1 => {
                    let station = self.station(lab);
                    set_cable(lab, n, station);
                }
                2 => {
                    if let Some(other) = unwired.pop() {
                        set_cable(lab, n, self.nics[other].0.clone());
                    }
                }
                _ => on_switch.push(name),
            }
        }
        if on_switch.is_empty() {
            return;
        }
        for _ in 0..self.dice.weighted(&[15, 50, 35]) {
            let station = self.station(lab);
            on_switch.push(station);
        }
        // The ports' order is the order of the devices, not a random one.
        on_switch.sort();
        let switch = self.switch(&on_switch);
        self.plugged = on_switch;
        lab.switches.push(switch);
    }

    pub(super) fn station(&mut self, lab: &mut LabSpec) -> Name {
        let name: Name = format!("win{}", self.stations.len()).into();
        let mac = MacAddr([0x02, 0, 0, 0, 2, u8::try_from(self.stations.len()).unwrap_or(0)]);
        self.stations.push((name.clone(), mac));
        let (mtu, up) = (self.mtu(), self.dice.percent(95));
        let spec = StationSpec { mac, ip: IpSpec::default(), mtu, up, latency: Duration::ZERO };
        lab.devices.push(device(name.clone(), DeviceKind::Station(spec)));
        name
    }

    fn switch(&mut self, on_switch: &[Name]) -> SwitchSpec {
        let ports = on_switch.iter().map(|d| self.switch_port(d)).collect();
        let mut fdb: Vec<FdbSpec> = Vec::new();
        for _ in 0..self.dice.weighted(&[60, 25, 15]) {
            let (mac, port) = (self.any_mac(), self.dice.pick(on_switch).clone());
            if !fdb.iter().any(|e| e.mac == mac) {
                fdb.push(FdbSpec::new(mac, port).with_sticky(self.dice.percent(40)));
            }
        }
        SwitchSpec {
            host: None,
            ip: IpSpec::default(),
            mac: crate::station::default_mac("sw0"),
            name: "sw0".into(),
            ageing: Duration::from_secs(if self.dice.percent(10) { 0 } else { 300 }),
            vlan_filtering: false,
            group_fwd_mask: if self.dice.percent(15) { 0x4008 } else { 0 },
            fdb,
            ports,
            policy: None,
            line: 0,
        }
    }

    pub(super) fn switch_port(&mut self, device: &str) -> SwitchPortSpec {
        let mut off = |chance| !self.dice.percent(chance);
        let flags = PortFlags {
            hairpin: !off(45),
            learning: off(15),
            flood: off(12),
            mcast_flood: off(12),
            bcast_flood: off(8),
            isolated: !off(12),
            locked: !off(8),
        };
        let state = match self.dice.weighted(&[90, 3, 2, 3, 2]) {
            0 => PortState::Forwarding,
            1 => PortState::Disabled,
            2 => PortState::Listening,
            3 => PortState::Learning,
            _ => PortState::Blocking,
        };
        let group_fwd_mask = if self.dice.percent(12) { 0x4004 } else { 0 };
        let vlans = PortVlans::default();
        SwitchPortSpec { device: device.into(), flags, state, group_fwd_mask, vlans, policy: None }
    }

    /// Entries that behave like learned ones, for addresses that exist by now.
    fn dynamic_entries(&mut self, lab: &mut LabSpec) {
        if self.plugged.is_empty() || !self.dice.percent(15) {
            return;
        }
        let (mac, port) = (self.any_mac(), self.dice.pick(&self.plugged).clone());
        for switch in &mut lab.switches {
            let known = switch.fdb.iter().any(|e| e.mac == mac);
            if !known && switch.ageing > Duration::ZERO {
                switch.fdb.push(FdbSpec {
                    mac,
                    port: port.clone(),
                    sticky: false,
                    dynamic: true,
                    replace: false,
                    vlan: None,
                });
            }
        }
    }

    pub(super) fn mode(&mut self) -> Mode {
        Mode::ALL[self.dice.weighted(&[20, 24, 32, 6, 18])]
    }

    /// A port, such that most are created and some are refused.
    pub(super) fn port(&mut self, name: &str) -> MacvlanSpec {
        let parent = self.parent();
        let alone = self.ports.is_empty();
        let mode = if alone && self.dice.percent(12) { Mode::Passthru } else { self.mode() };
        let tap = self.dice.percent(15);
        let mac = match self.dice.weighted(&[90, 4, 2, 2, 2]) {
            0 => self.fresh_mac(3),
            1 => self.any_mac(),
            2 => self.nics.first().map_or(MacAddr::ZERO, |n| n.1),
            3 => self.group(),
            _ => self.fresh_mac(3),
        };
        let sources = self.sources(mode);
        let multicast: Vec<MacAddr> = (0..self.dice.weighted(&[50, 30, 20])).map(|_| self.group()).collect();
        self.remember(name, mac, mode);
        if let Some(p) = self.ports.last_mut() {
            p.groups.clone_from(&multicast);
            p.sources.clone_from(&sources);
        }
        MacvlanSpec {
            host: None,
            parent,
            tap,
            open: TapOpen::No,
            mode,
            mac: Some(mac),
            ip: IpSpec::default(),
            mtu: if self.dice.percent(10) { Some(self.port_mtu()) } else { None },
            // A source port acts while it is down, too (R42).
            up: self.dice.percent(if mode == Mode::Source { 70 } else { 88 }),
            flags: self.flags(mode),
            sources,
            multicast,
            allmulticast: self.dice.percent(7),
            promisc: self.dice.percent(7),
            bcqueuelen: self.queue_length(),
            bclim: None,
            master: None,
            expect: None,
        }
    }

    fn parent(&mut self) -> Name {
        if let Some((name, _)) = &self.own_device
            && (self.for_own_device > 0 || self.dice.percent(10))
        {
            self.for_own_device = self.for_own_device.saturating_sub(1);
            return name.clone();
        }
        let nic = if self.nics.is_empty() { "nowhere".into() } else { self.dice.pick(&self.nics).0.clone() };
        match self.dice.weighted(&[94, if self.ports.is_empty() { 0 } else { 5 }, 1]) {
            0 => nic,
            1 => self.dice.pick(&self.ports).name.clone(),
            _ => "nowhere".into(),
        }
    }

    fn sources(&mut self, mode: Mode) -> Vec<MacAddr> {
        if mode != Mode::Source {
            return if self.dice.percent(2) { vec![self.stranger()] } else { Vec::new() };
        }
        let mut list: Vec<MacAddr> = (0..self.dice.below(5)).map(|_| self.any_mac()).collect();
        list.retain(|m| m.is_valid_station());
        if self.dice.percent(3) {
            list.push(self.group());
        }
        list
    }

    pub(super) fn port_mtu(&mut self) -> u32 {
        *self.dice.pick(&[68, 600, 1400, 1500, 1501, 67, 9000])
    }

    pub(super) fn flags(&mut self, mode: Mode) -> MacvlanFlags {
        MacvlanFlags {
            nopromisc: self.dice.percent(if mode == Mode::Passthru { 50 } else { 4 }),
            nodst: self.dice.percent(if mode == Mode::Source { 40 } else { 3 }),
        }
    }

    fn queue_length(&mut self) -> Option<u32> {
        match self.dice.weighted(&[85, 10, 5]) {
            0 => None,
            1 => Some(0),
            _ => Some(2000),
        }
    }
}

fn set_cable(lab: &mut LabSpec, nic: usize, to: Name) {
    if let Some(DeviceSpec { kind: DeviceKind::Nic(spec), .. }) = lab.devices.get_mut(nic) {
        spec.cable = Some(to);
    }
}
