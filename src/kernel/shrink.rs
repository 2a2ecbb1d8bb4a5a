//! Minimizes a failing lab: removes everything that the failure does not need.

use crate::lab::LabSpec;
use crate::lab::spec::{
    Action, DeviceKind, FrameSpec, InjectPoint, MacvlanSpec, Name, NicSpec, StepSpec, SwitchChange,
};
use crate::macvlan::MacvlanFlags;
use crate::switch::{PortFlag, PortFlags, PortState};
use std::time::Duration;

/// Maximum number of runs while a lab is minimized.
const TRIES: usize = 600;

/// The smallest lab found for which `fails` still holds. Steps are removed first, then devices, then keys.
pub fn shrink(lab: &LabSpec, fails: &mut dyn FnMut(&LabSpec) -> bool) -> LabSpec {
    let mut s = Shrinking { best: lab.clone(), fails, tries: 0 };
    loop {
        let before = s.best.clone();
        s.steps();
        s.devices();
        s.switches();
        s.off_the_wire();
        s.keys();
        if s.best == before || s.tries >= TRIES {
            return s.best;
        }
    }
}

struct Shrinking<'a> {
    best: LabSpec,
    fails: &'a mut dyn FnMut(&LabSpec) -> bool,
    tries: usize,
}

impl Shrinking<'_> {
    /// Keeps the candidate if it still fails.
    fn offer(&mut self, candidate: LabSpec) -> bool {
        if candidate == self.best || self.tries >= TRIES {
            return false;
        }
        self.tries += 1;
        let better = (self.fails)(&candidate);
        if better {
            self.best = candidate;
        }
        better
    }

    /// Delta debugging: ever smaller runs of steps.
    fn steps(&mut self) {
        let mut chunk = self.best.steps.len();
        while chunk > 0 {
            let mut end = self.best.steps.len();
            while end > 0 {
                let start = end.saturating_sub(chunk);
                let mut candidate = self.best.clone();
                candidate.steps.drain(start..end);
                self.offer(candidate);
                end = start.min(self.best.steps.len());
            }
            chunk /= 2;
        }
    }

    /// Each device with everything that names it.
    fn devices(&mut self) {
        for i in (0..self.best.devices.len()).rev() {
            let Some(name) = self.best.devices.get(i).map(|d| d.name.clone()) else { continue };
            let mut candidate = self.best.clone();
            candidate.devices.remove(i);
            forget(&mut candidate, &name);
            self.offer(candidate);
        }
    }

    /// Whole switches, their ports, entries and settings.
    fn switches(&mut self) {
        for i in (0..self.best.switches.len()).rev() {
            let mut whole = self.best.clone();
            whole.switches.remove(i);
            whole.steps.retain(|s| !matches!(s.action, Action::SetSwitch { .. }));
            if self.offer(whole) {
                continue;
            }
            for p in (0..self.best.switches[i].ports.len()).rev() {
                let mut candidate = self.best.clone();
                let gone = candidate.switches[i].ports.remove(p).device;
                candidate.switches[i].fdb.retain(|e| e.port != gone);
                candidate.steps.retain(|s| !names_port(&s.action, &gone));
                self.offer(candidate);
            }
            for e in (0..self.best.switches[i].fdb.len()).rev() {
                let mut candidate = self.best.clone();
                candidate.switches[i].fdb.remove(e);
                self.offer(candidate);
            }
            self.try_switch(i, |s| s.group_fwd_mask = 0);
            self.try_switch(i, |s| s.ageing = Duration::from_secs(300));
            for p in 0..self.best.switches[i].ports.len() {
                self.try_switch(i, |s| s.ports[p].state = PortState::Forwarding);
                self.try_switch(i, |s| s.ports[p].group_fwd_mask = 0);
                for flag in PortFlag::ALL {
                    let usual = *PortFlags::default().get_mut(flag);
                    self.try_switch(i, |s| *s.ports[p].flags.get_mut(flag) = usual);
                }
            }
        }
    }

    /// A frame that a station, a port or another NIC sends arrives on a NIC's wire instead; then its sender, and the
    /// switch that forwarded it, can be removed.
    fn off_the_wire(&mut self) {
        let nics: Vec<Name> = self
            .best
            .devices
            .iter()
            .filter(|d| matches!(d.kind, DeviceKind::Nic(_)))
            .map(|d| d.name.clone())
            .collect();
        for i in 0..self.best.steps.len() {
            for nic in &nics {
                let Some(Action::Inject { at, entry: InjectPoint::Device, frame }) =
                    self.best.steps.get(i).map(|s| s.action.clone())
                else {
                    break;
                };
                let mut candidate = self.best.clone();
                candidate.steps[i].action =
                    Action::Inject { at: nic.clone(), entry: InjectPoint::Wire, frame };
                let mut without_switches = candidate.clone();
                without_switches.switches.clear();
                without_switches.steps.retain(|s| !matches!(s.action, Action::SetSwitch { .. }));
                let mut alone = without_switches.clone();
                if at != *nic {
                    alone.devices.retain(|d| d.name != at);
                    forget(&mut alone, &at);
                }
                // The smallest first. Reaching the NIC from its wire needs only a device at the far end of its cable.
                let _ = self.offer(alone) || self.offer(without_switches) || self.offer(candidate);
            }
        }
    }

    fn try_switch(&mut self, i: usize, change: impl Fn(&mut crate::lab::spec::SwitchSpec)) {
        let mut candidate = self.best.clone();
        change(&mut candidate.switches[i]);
        self.offer(candidate);
    }

    /// Keys of devices, and the length of frames.
    fn keys(&mut self) {
        for i in 0..self.best.devices.len() {
            for change in PORT_KEYS {
                self.try_port(i, *change);
            }
            for change in NIC_KEYS {
                let mut candidate = self.best.clone();
                if let DeviceKind::Nic(nic) = &mut candidate.devices[i].kind {
                    change(nic);
                    self.offer(candidate);
                }
            }
            let mut candidate = self.best.clone();
            if let DeviceKind::Station(station) = &mut candidate.devices[i].kind {
                station.up = true;
                station.mtu = 1500;
                self.offer(candidate);
            }
        }
        for i in 0..self.best.steps.len() {
            self.added_keys(i);
            self.frame(i);
        }
    }

    fn try_port(&mut self, i: usize, change: fn(&mut MacvlanSpec)) {
        let mut candidate = self.best.clone();
        if let DeviceKind::Macvlan(port) = &mut candidate.devices[i].kind {
            change(port);
            self.offer(candidate);
        }
    }

    fn added_keys(&mut self, i: usize) {
        for change in PORT_KEYS {
            let mut candidate = self.best.clone();
            if let Some(StepSpec { action: Action::Add { spec, .. }, .. }) = candidate.steps.get_mut(i) {
                change(spec);
                self.offer(candidate);
            }
        }
    }

    /// A frame without one of its tags, or short.
    fn frame(&mut self, i: usize) {
        let edits: [fn(&mut Vec<u8>); 3] = [
            |bytes| {
                if matches!(bytes.get(12..14), Some([0x81, 0x00] | [0x88, 0xa8])) && bytes.len() >= 18 {
                    bytes.drain(12..16);
                }
            },
            |bytes| bytes.truncate(32),
            |bytes| bytes.truncate(16),
        ];
        for edit in edits {
            let mut candidate = self.best.clone();
            let Some(StepSpec { action, .. }) = candidate.steps.get_mut(i) else { return };
            if let Action::Inject { frame: FrameSpec::Bytes(bytes), .. } = action {
                edit(bytes);
                self.offer(candidate);
            }
        }
    }
}

/// Each sets a key of a port to its default.
const PORT_KEYS: &[fn(&mut MacvlanSpec)] = &[
    |p| p.tap = false,
    |p| p.mtu = None,
    |p| p.flags = MacvlanFlags::default(),
    |p| p.sources.clear(),
    |p| p.sources.truncate(p.sources.len().saturating_sub(1)),
    |p| p.multicast.clear(),
    |p| p.multicast.truncate(p.multicast.len().saturating_sub(1)),
    |p| p.allmulticast = false,
    |p| p.promisc = false,
    |p| p.bcqueuelen = None,
    |p| p.bclim = None,
    |p| p.up = true,
];

/// The same for a NIC.
const NIC_KEYS: &[fn(&mut NicSpec)] = &[
    |n| n.mtu = 1500,
    |n| n.up = true,
    |n| n.promisc = false,
    |n| n.allmulticast = false,
    |n| n.cable = None,
];

/// Removes everything that names a removed device: cables, switch ports, entries, steps, and ports on it.
fn forget(lab: &mut LabSpec, gone: &Name) {
    for device in &mut lab.devices {
        if let DeviceKind::Nic(nic) = &mut device.kind
            && nic.cable.as_ref() == Some(gone)
        {
            nic.cable = None;
        }
    }
    for switch in &mut lab.switches {
        switch.ports.retain(|p| p.device != *gone);
        switch.fdb.retain(|e| e.port != *gone);
    }
    lab.steps.retain(|s| match &s.action {
        Action::Set { device, .. } => device != gone,
        Action::Inject { at, .. } => at != gone,
        Action::Remove(name) => name != gone,
        Action::Add { spec, .. } => spec.parent != *gone,
        other => !names_port(other, gone),
    });
    let on_it: Vec<Name> = lab
        .devices
        .iter()
        .filter(|d| matches!(&d.kind, DeviceKind::Macvlan(m) if m.parent == *gone))
        .map(|d| d.name.clone())
        .collect();
    for name in on_it {
        lab.devices.retain(|d| d.name != name);
        forget(lab, &name);
    }
}

fn names_port(action: &Action, device: &Name) -> bool {
    let Action::SetSwitch { change, .. } = action else { return false };
    match change {
        SwitchChange::Flag { port, .. }
        | SwitchChange::State { port, .. }
        | SwitchChange::Vlans { port, .. }
        | SwitchChange::Policy { port, .. } => port == device,
        SwitchChange::GroupFwdMask { port, .. } => port.as_ref() == Some(device),
        SwitchChange::Fdb(entry) => entry.port == *device,
        SwitchChange::Ageing(_) | SwitchChange::FdbDel { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::random_lab;
    use super::*;

    #[test]
    fn only_what_fails_is_left() {
        let is_culprit = |s: &StepSpec| matches!(&s.action, Action::Inject { at, .. } if at == "c0");
        let lab = (0..).map(random_lab).find(|l| l.steps.iter().any(is_culprit)).unwrap_or_default();
        let small =
            shrink(&lab, &mut |l| l.devices.iter().any(|d| d.name == "c0") && l.steps.iter().any(is_culprit));
        let names: Vec<&str> = small.devices.iter().map(|d| d.name.as_str()).collect();
        assert!(names == ["c0"] || names == ["eth0", "c0"] || names.len() == 2, "{names:?}");
        assert_eq!(small.steps.len(), 1);
        assert!(small.switches.is_empty());
    }

    #[test]
    fn a_frame_comes_off_the_wire_if_that_fails_as_well() {
        let station = |l: &LabSpec| {
            l.steps.iter().any(|s| matches!(&s.action, Action::Inject { at, .. } if at == "win0"))
        };
        let lab = (0..).map(random_lab).find(|l| station(l) && !l.switches.is_empty()).unwrap_or_default();
        let small = shrink(&lab, &mut |l| {
            let nic = l.devices.iter().find(|d| matches!(d.kind, DeviceKind::Nic(_)));
            nic.is_some_and(|nic| l.steps.iter().any(|s| matches!(&s.action,
                Action::Inject { at, entry, .. } if at == "win0" || (*at == nic.name && *entry == InjectPoint::Wire))))
        });
        assert_eq!((small.devices.len(), small.switches.len(), small.steps.len()), (1, 0, 1));
    }

    #[test]
    fn what_does_not_fail_stays_as_it_is() {
        let lab = random_lab(3);
        assert_eq!(shrink(&lab, &mut |_| false), lab);
    }
}
