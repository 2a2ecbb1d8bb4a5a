//! Random bridges of a host, whose ports are devices of the lab. One device with an outside and one new NIC at most, so that
//! nothing forms a loop, in which frames would go round for ever.

use super::LabGenerator;
use super::choices::Choices;
use crate::frame::MacAddr;
use crate::lab::LabSpec;
use crate::lab::spec::{Action, Change, DeviceKind, DeviceSpec, MacvlanSpec, Name, StepSpec, SwitchSpec};
use crate::switch::PortFlag;

/// Percentage of labs with such a bridge.
const LABS_WITH_MASTERS: u64 = 20;
const BRIDGE: &str = "hb0";

impl LabGenerator {
    /// Adds a bridge with a NIC, and maybe a port on it; the device that is to be its other port. The choices are apart
    /// from those for everything else.
    pub(super) fn bridge(&mut self, lab: &mut LabSpec, choices: &mut Choices) -> Option<Name> {
        if !choices.percent(LABS_WITH_MASTERS) {
            return None;
        }
        std::mem::swap(&mut self.dice, choices);
        let uplink = self.add_bridge(lab);
        std::mem::swap(&mut self.dice, choices);
        uplink
    }

    fn add_bridge(&mut self, lab: &mut LabSpec) -> Option<Name> {
        let mut names: Vec<Name> = self.ports.iter().map(|p| p.name.clone()).collect();
        if self.dice.percent(35) || names.is_empty() {
            names = self.nics.iter().map(|(name, _)| name.clone()).collect();
        }
        let uplink = self.dice.pick(&names).clone();
        if self.dice.percent(60)
            && let Some(device) = lab.devices.iter_mut().find(|d| d.name == uplink)
        {
            set_master(&mut device.kind);
        }
        let station = self.station(lab);
        let nic: Name = "ethx".into();
        let mac = self.fresh_mac(7);
        self.nics.push((nic.clone(), mac));
        let mut spec = self.nic(mac).with_master(BRIDGE);
        spec.cable = Some(station);
        lab.devices.push(DeviceSpec::new(nic, DeviceKind::Nic(spec)));
        if self.dice.percent(50) {
            let (mac, mode) = (self.fresh_mac(8), self.mode());
            let spec = MacvlanSpec::on(BRIDGE).with_mac(mac).with_mode(mode);
            self.remember("hx", mac, mode);
            lab.devices.push(DeviceSpec::new("hx", DeviceKind::Macvlan(spec)));
        }
        let mut bridge = SwitchSpec::named(BRIDGE).with_mac(MacAddr([0x02, 0, 0, 0, 0x0b, 0]));
        if self.dice.percent(50) {
            // With hairpin at both ends of a cable, frames go round as well.
            bridge.ports.push(self.switch_port(&uplink).with_flag(PortFlag::Hairpin, false));
        }
        lab.switches.push(bridge);
        Some(uplink)
    }
}

/// Devices become and cease to be ports of the bridge meanwhile.
pub(super) fn changes(lab: &mut LabSpec, uplink: &Name, choices: &mut Choices) {
    for n in 0..=choices.below(4) {
        // The first one makes sure that the bridge has a place for the device.
        let device = if n == 0 || choices.percent(80) { uplink.clone() } else { "ethx".into() };
        let master = (n == 0 || choices.percent(60)).then(|| BRIDGE.into());
        let at = choices.below(lab.steps.len() + 1);
        lab.steps.insert(at, StepSpec::new(Action::Set { device, change: Change::Master(master) }));
    }
}

fn set_master(kind: &mut DeviceKind) {
    let master = match kind {
        DeviceKind::Nic(spec) => &mut spec.master,
        DeviceKind::Macvlan(spec) => &mut spec.master,
        _ => return,
    };
    *master = Some(BRIDGE.into());
}
