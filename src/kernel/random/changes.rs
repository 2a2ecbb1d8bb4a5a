//! Random changes at run time: some that the kernel accepts and some that it refuses.

use super::{LabGenerator, Port, is_port};
use crate::frame::MacAddr;
use crate::lab::LabSpec;
use crate::lab::spec::{Action, Change, FdbSpec, Name, SwitchChange};
use crate::macvlan::SourcesChange;
use crate::switch::{PortFlag, PortState};
use std::time::Duration;

impl LabGenerator {
    /// One change.
    pub(super) fn change(&mut self, lab: &LabSpec) -> Action {
        let ports = if self.ports.is_empty() { 0 } else { 55 };
        let switches = if self.plugged.is_empty() { 0 } else { 17 };
        match self.dice.weighted(&[ports, 12, switches, 5, 5, 1]) {
            0 => self.port_change(),
            1 => self.link_change(),
            2 => Action::SetSwitch { switch: "sw0".into(), change: self.switch_change() },
            3 => self.add(lab),
            4 => self.remove(),
            _ => Action::Set { device: "nobody".into(), change: Change::Up(true) },
        }
    }

    fn port_change(&mut self) -> Action {
        let port = self.dice.pick(&self.ports).clone();
        let change = match self.dice.weighted(&[24, 16, 12, 6, 6, 10, 5, 10, 4, 3, 4]) {
            0 => Change::Up(self.dice.percent(60)),
            1 => Change::Mode(self.mode()),
            2 => Change::Mac(self.new_mac(&port)),
            3 => Change::Mtu(self.port_mtu()),
            4 => Change::Flags(self.flags(port.mode)),
            5 => Change::Join(self.group()),
            6 => Change::Leave(self.joined_or_not(&port)),
            7 => Change::Sources(self.source_change(&port)),
            8 => Change::Promisc(self.dice.percent(50)),
            9 => Change::Allmulticast(self.dice.percent(50)),
            _ => self.rare_change(),
        };
        Action::Set { device: port.name, change }
    }

    fn rare_change(&mut self) -> Change {
        match self.dice.weighted(&[40, 20, 40]) {
            0 => Change::Bcqueuelen(*self.dice.pick(&[0, 1000, 3000])),
            1 => Change::UnknownMode("sideways".to_owned()),
            _ => Change::Bclim(*self.dice.pick(&[-1, 0, 1, 3])),
        }
    }

    fn new_mac(&mut self, port: &Port) -> MacAddr {
        match self.dice.weighted(&[50, 25, 10, 10, 5]) {
            0 => self.fresh_mac(4),
            1 => self.any_mac(),
            2 => port.mac,
            3 => self.group(),
            _ => MacAddr::ZERO,
        }
    }

    fn joined_or_not(&mut self, port: &Port) -> MacAddr {
        if port.groups.is_empty() || self.dice.percent(30) {
            self.group()
        } else {
            *self.dice.pick(&port.groups)
        }
    }

    fn source_change(&mut self, port: &Port) -> SourcesChange {
        let bad = self.dice.percent(6);
        let mac = match (bad, port.sources.is_empty() || self.dice.percent(60)) {
            (true, _) => self.group(),
            (false, true) => self.any_mac(),
            (false, false) => *self.dice.pick(&port.sources),
        };
        match self.dice.weighted(&[45, 25, 20, 10]) {
            0 => SourcesChange::Add(vec![mac]),
            1 => SourcesChange::Del(vec![mac]),
            2 => SourcesChange::Set(vec![mac, self.any_mac()]),
            _ => SourcesChange::Flush,
        }
    }

    /// A NIC or a station.
    fn link_change(&mut self) -> Action {
        if let Some((name, _)) = self.own_device.clone()
            && self.dice.percent(25)
        {
            return Action::Set { device: name, change: self.own_device_change() };
        }
        let device = if self.nics.is_empty() || (!self.stations.is_empty() && self.dice.percent(35)) {
            self.stations.first().map_or_else(|| "nobody".into(), |s| s.0.clone())
        } else {
            self.dice.pick(&self.nics).0.clone()
        };
        let change = match self.dice.weighted(&[55, 15, 12, 8, 5, 3, 2]) {
            0 => Change::Up(self.dice.percent(65)),
            1 => Change::Mac(if self.dice.percent(70) { self.fresh_mac(5) } else { self.any_mac() }),
            2 => Change::Mtu(*self.dice.pick(&[600, 1400, 1500, 9000, 67])),
            3 => Change::Promisc(self.dice.percent(50)),
            4 => Change::Allmulticast(self.dice.percent(50)),
            5 => Change::Join(self.group()),
            _ => Change::Leave(self.group()),
        };
        Action::Set { device, change }
    }

    /// The switch's own device: not its mtu, which is the least of its ports', and not its MAC address, which the
    /// switch may use for a port.
    fn own_device_change(&mut self) -> Change {
        match self.dice.weighted(&[30, 25, 25, 10, 10]) {
            0 => Change::Promisc(self.dice.percent(50)),
            1 => Change::Allmulticast(self.dice.percent(50)),
            2 => Change::Mac(self.fresh_mac(6)),
            3 => Change::Join(self.group()),
            _ => Change::Leave(self.group()),
        }
    }

    fn switch_change(&mut self) -> SwitchChange {
        let port = self.dice.pick(&self.plugged).clone();
        match self.dice.weighted(&[45, 18, 8, 4, 5, 15, 5]) {
            0 => SwitchChange::Flag {
                port,
                flag: *self.dice.pick(&PortFlag::ALL),
                value: self.dice.percent(50),
            },
            1 => SwitchChange::State { port, state: self.state() },
            2 => SwitchChange::GroupFwdMask {
                port: Some(port),
                mask: *self.dice.pick(&[0, 1, 2, 4, 0x4008, 0xffff]),
            },
            3 => SwitchChange::GroupFwdMask {
                port: None,
                mask: *self.dice.pick(&[0, 1, 4, 8, 0x4000, 0xfff8]),
            },
            4 => SwitchChange::Ageing(Duration::from_secs(if self.dice.percent(40) { 0 } else { 300 })),
            5 => SwitchChange::Fdb(self.entry(port)),
            _ => SwitchChange::FdbDel { mac: self.any_mac(), vlan: None },
        }
    }

    fn state(&mut self) -> PortState {
        match self.dice.weighted(&[18, 12, 20, 35, 10, 5]) {
            0 => PortState::Disabled,
            1 => PortState::Listening,
            2 => PortState::Learning,
            3 => PortState::Forwarding,
            4 => PortState::Blocking,
            _ => PortState::Invalid(5),
        }
    }

    fn entry(&mut self, port: Name) -> FdbSpec {
        // `bridge fdb` cannot add a dynamic sticky entry.
        let sticky = self.dice.percent(30);
        let dynamic = !sticky && self.dice.percent(30);
        FdbSpec { mac: self.any_mac(), port, sticky, dynamic, replace: false, vlan: None }
    }

    fn add(&mut self, lab: &LabSpec) -> Action {
        let declared: Vec<&Name> = lab.devices.iter().filter(|d| is_port(&d.kind)).map(|d| &d.name).collect();
        self.numbered += 1;
        let name = if declared.is_empty() || self.dice.percent(60) {
            format!("x{}", self.numbered).into()
        } else {
            (*self.dice.pick(&declared)).clone()
        };
        let before = self.ports.clone();
        let spec = self.port(&name);
        // If the change is refused because the name is in use, the old device still exists.
        if before.iter().any(|p| p.name == name) {
            self.ports = before;
        }
        Action::Add { name, spec }
    }

    fn remove(&mut self) -> Action {
        let name = match self.dice.weighted(&[80, 8, 12]) {
            0 if !self.ports.is_empty() => self.dice.pick(&self.ports).name.clone(),
            1 if !self.loose.is_empty() => self.dice.pick(&self.loose).clone(),
            _ => "nobody".into(),
        };
        Action::Remove(name)
    }
}
