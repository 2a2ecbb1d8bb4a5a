//! Random frames.

use super::LabGenerator;
use crate::frame::{MacAddr, ethertype};
use crate::lab::LabSpec;
use crate::lab::spec::{Action, DeviceKind, FrameSpec, InjectPoint, Name};

impl LabGenerator {
    /// One frame from a random sender.
    pub(super) fn frame(&mut self, lab: &LabSpec) -> Action {
        let (at, from_wire, own) = self.sender();
        let dst = self.destination();
        let src = match self.dice.weighted(&[70, 22, 5, 2, 1]) {
            0 => own,
            1 => self.any_mac(),
            2 => self.stranger(),
            3 => self.group(),
            _ => MacAddr::ZERO,
        };
        let ethertype: u16 =
            *self.dice.pick(&[0x88b5, 0x88b5, 0x88b5, 0x0800, 0x0806, 0x86dd, 0x8808, 0x88cc, 0x0026]);
        // Fields that identify PAUSE affect floods, also behind a tag.
        let pause = ethertype == 0x8808;
        let dst = if pause && self.dice.percent(60) { MacAddr::BROADCAST } else { dst };
        let mut frame = [dst.0, src.0].concat();
        let tags = self.dice.weighted(if pause { &[40, 50, 8, 2] } else { &[72, 18, 8, 2] });
        for _ in 0..tags {
            self.tag(&mut frame);
        }
        frame.extend(ethertype.to_be_bytes());
        self.serial += 1;
        frame.extend([0, 0]);
        frame.extend(self.serial.to_be_bytes());
        self.resize(&mut frame, tags, lab);
        let entry = if from_wire { InjectPoint::Wire } else { InjectPoint::Device };
        Action::Inject { at, entry, frame: FrameSpec::Bytes(frame) }
    }

    /// The sending device, whether its frame arrives on its wire instead, and its MAC address.
    pub(super) fn sender(&mut self) -> (Name, bool, MacAddr) {
        let ports = if self.ports.is_empty() { 0 } else { 52 };
        let nics = if self.nics.is_empty() { 0 } else { 14 };
        let stations = if self.stations.is_empty() { 0 } else { 18 };
        let own_device = if self.own_device.is_some() { 8 } else { 0 };
        match self.dice.weighted(&[ports, nics, stations, nics, 1, own_device]) {
            0 => {
                let p = self.dice.pick(&self.ports);
                (p.name.clone(), false, p.mac)
            }
            1 => {
                let (name, mac) = self.dice.pick(&self.nics).clone();
                (name, false, mac)
            }
            2 => {
                let (name, mac) = self.dice.pick(&self.stations).clone();
                (name, false, mac)
            }
            3 => {
                let (name, _) = self.dice.pick(&self.nics).clone();
                let mac = self.any_mac();
                (name, true, mac)
            }
            4 => ("nobody".into(), false, MacAddr::ZERO),
            _ => {
                let (name, mac) = self.own_device.clone().unwrap_or_default();
                (name, false, mac)
            }
        }
    }

    fn destination(&mut self) -> MacAddr {
        match self.dice.weighted(&[50, 22, 18, 8, 2]) {
            0 => self.any_mac(),
            1 => MacAddr::BROADCAST,
            2 => {
                let joined: Vec<MacAddr> = self.ports.iter().flat_map(|p| p.groups.clone()).collect();
                if joined.is_empty() || self.dice.percent(40) {
                    self.group()
                } else {
                    *self.dice.pick(&joined)
                }
            }
            3 => self.reserved(),
            _ => self.stranger(),
        }
    }

    pub(super) fn tag(&mut self, frame: &mut Vec<u8>) {
        let tpid: u16 = if self.dice.percent(75) { ethertype::C_VLAN } else { ethertype::S_VLAN };
        let id = *self.dice.pick(&[0, 0, 1, 5, 4094]);
        let priority: u16 = if self.dice.percent(30) { 0x6000 } else { 0 };
        frame.extend(tpid.to_be_bytes());
        frame.extend((id | priority).to_be_bytes());
    }

    /// Mostly unchanged; sometimes a runt, or a length around a receiver's limit.
    fn resize(&mut self, frame: &mut Vec<u8>, tags: usize, lab: &LabSpec) {
        match self.dice.weighted(&[84, 5, 11]) {
            0 => {}
            1 => {
                let len = 12 + self.dice.below(9);
                // A bridge's firewall hook, if the kernel has one, drops frames that end inside an inner tag.
                let shortest = if tags > 1 { 14 + 4 * tags } else { 0 };
                frame.resize(len.max(shortest), 0);
            }
            _ => {
                let mtus: Vec<u32> = lab.devices.iter().filter_map(|d| mtu_of(&d.kind)).collect();
                let mtu = if mtus.is_empty() { 1500 } else { *self.dice.pick(&mtus) };
                let over = *self.dice.pick(&[13, 14, 15, 17, 18, 19, 22]);
                let len = usize::try_from(mtu).unwrap_or(1500) + over;
                frame.resize(len.max(frame.len()), 0xee);
            }
        }
    }
}

fn mtu_of(kind: &DeviceKind) -> Option<u32> {
    match kind {
        DeviceKind::Nic(n) => Some(n.mtu),
        DeviceKind::Station(s) => Some(s.mtu),
        DeviceKind::Macvlan(m) => m.mtu,
        _ => None,
    }
}
