//! Random labs: the same seed gives the same lab, on every machine and in every build.

mod changes;
mod choices;
mod fragments;
mod frames;
mod masters;
mod topology;

use crate::frame::MacAddr;
use crate::lab::LabSpec;
use crate::lab::spec::{Action, Change, DeviceKind, Name, StepSpec};
use crate::macvlan::Mode;
use choices::Choices;

/// Number of frames in a random lab.
const FRAMES: u64 = 20;

/// Percentage of labs that send fragmented datagrams. The namespaces of such a lab cannot be reused.
const LABS_WITH_PARTS: u64 = 25;

/// The random lab with this seed.
#[must_use]
pub fn random_lab(seed: u64) -> LabSpec {
    let mut maker = LabGenerator { dice: Choices::new(seed), ..LabGenerator::default() };
    let mut lab = maker.topology();
    let mut choices = Choices::new(!seed);
    let uplink = maker.bridge(&mut lab, &mut choices);
    lab.title = format!("random lab {seed}");
    let parts = maker.dice.percent(LABS_WITH_PARTS);
    let mut waiting = Vec::new();
    for _ in 0..FRAMES {
        while maker.dice.percent(35) {
            let action = maker.change(&lab);
            maker.follow(&action);
            lab.steps.push(StepSpec::new(action));
        }
        if parts && waiting.is_empty() && maker.dice.percent(30) {
            waiting = maker.datagram(seed);
            waiting.reverse();
        }
        // Mostly the fragments are consecutive.
        let part = if maker.dice.percent(85) { waiting.pop() } else { None };
        let action = part.unwrap_or_else(|| maker.frame(&lab));
        lab.steps.push(StepSpec::new(action));
    }
    if let Some(uplink) = uplink {
        masters::changes(&mut lab, &uplink, &mut choices);
    }
    lab
}

/// Data about a port while steps are generated: enough to address it often, not enough to predict results.
#[derive(Clone, Debug)]
struct Port {
    name: Name,
    mac: MacAddr,
    mode: Mode,
    groups: Vec<MacAddr>,
    sources: Vec<MacAddr>,
}

/// Generates labs.
#[derive(Debug, Default)]
struct LabGenerator {
    dice: Choices,
    nics: Vec<(Name, MacAddr)>,
    /// NICs whose cable no other device uses, so that they can be removed.
    loose: Vec<Name>,
    ports: Vec<Port>,
    stations: Vec<(Name, MacAddr)>,
    /// Devices on the switch.
    plugged: Vec<Name>,
    /// The switch's own device, if it has ports.
    own_device: Option<(Name, MacAddr)>,
    /// How many more ports it gets.
    for_own_device: usize,
    /// Makes every frame unique.
    serial: u32,
    /// Counter for addresses and names.
    numbered: u8,
}

impl LabGenerator {
    /// Tracks a change's effect, as far as later steps need it.
    fn follow(&mut self, action: &Action) {
        match action {
            Action::Set { device, change } => self.follow_change(device, change),
            Action::Add { name, spec } => {
                let mac = spec.requested_mac(name);
                self.remember(name, mac, spec.mode);
            }
            Action::Remove(name) => {
                self.ports.retain(|p| p.name != *name);
                self.nics.retain(|(n, _)| n != name);
            }
            _ => {}
        }
    }

    fn follow_change(&mut self, device: &str, change: &Change) {
        if let Some(nic) = self.nics.iter_mut().chain(&mut self.own_device).find(|(n, _)| n == device)
            && let Change::Mac(mac) = change
        {
            nic.1 = *mac;
        }
        let Some(port) = self.ports.iter_mut().find(|p| p.name == device) else { return };
        match change {
            Change::Mac(mac) if mac.is_valid_station() => port.mac = *mac,
            Change::Mode(mode) if *mode != Mode::Passthru && port.mode != Mode::Passthru => port.mode = *mode,
            Change::Join(group) => port.groups.push(*group),
            _ => {}
        }
    }

    fn remember(&mut self, name: &str, mac: MacAddr, mode: Mode) {
        let (groups, sources) = (Vec::new(), Vec::new());
        self.ports.retain(|p| p.name != name);
        self.ports.push(Port { name: name.into(), mac, mode, groups, sources });
    }

    /// The MAC address of a device in the lab, or an unused one.
    fn any_mac(&mut self) -> MacAddr {
        let mut known: Vec<MacAddr> = self.ports.iter().map(|p| p.mac).collect();
        known.extend(self.nics.iter().chain(&self.stations).chain(&self.own_device).map(|(_, m)| *m));
        if known.is_empty() || self.dice.percent(12) { self.stranger() } else { *self.dice.pick(&known) }
    }

    /// One of a few addresses that no device has.
    fn stranger(&mut self) -> MacAddr {
        MacAddr([0x02, 0, 0, 0, 9, self.dice.below_u8(3)])
    }

    /// An address that has never been used.
    fn fresh_mac(&mut self, family: u8) -> MacAddr {
        self.numbered += 1;
        MacAddr([0x02, 0, 0, 0, family, self.numbered])
    }

    /// A group. No two have the same last four bytes, the only ones that the kernel's hash uses.
    fn group(&mut self) -> MacAddr {
        const GROUPS: [[u8; 6]; 8] = [
            [0x01, 0x00, 0x5e, 0x01, 0x02, 0x03],
            [0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb],
            [0x01, 0x00, 0x5e, 0x00, 0x00, 0x01],
            [0x33, 0x33, 0x00, 0x00, 0x00, 0x01],
            [0x33, 0x33, 0x00, 0x00, 0x00, 0xfb],
            [0x33, 0x33, 0xff, 0x00, 0x00, 0x07],
            [0x01, 0x1b, 0x19, 0x00, 0x00, 0x00],
            [0x03, 0x00, 0x00, 0x00, 0x00, 0x05],
        ];
        MacAddr(*self.dice.pick(&GROUPS))
    }

    /// A reserved group: half of the time one with special treatment.
    fn reserved(&mut self) -> MacAddr {
        let nibble =
            if self.dice.percent(50) { *self.dice.pick(&[0, 1, 2, 3, 0x0e]) } else { self.dice.below_u8(18) };
        MacAddr([0x01, 0x80, 0xc2, 0, 0, nibble])
    }
}

/// Whether a device of the declaration is a port.
fn is_port(kind: &DeviceKind) -> bool {
    matches!(kind, DeviceKind::Macvlan(_))
}
