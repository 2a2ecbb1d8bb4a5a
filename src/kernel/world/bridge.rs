//! Makes the switches of a lab, which are bridges, and their ports.

use super::{Kind, Live, NOBODY, UnnamedDevice, World};
use crate::errno::ErrorNumber;
use crate::frame::MacAddr;
use crate::kernel::error::OracleError;
use crate::kernel::link::{self, NewEnd};
use crate::kernel::observed::SetupError;
use crate::kernel::pool::{DEVICE, Role};
use crate::kernel::requirements::Requirements;
use crate::kernel::rtnl::Rtnl;
use crate::lab::SetupStage;
use crate::lab::spec::{LabSpec, Name, SwitchPortSpec, SwitchSpec};
use crate::switch::{PortFlag, PortState};
use netlink_packet_route::link::{InfoBridge, InfoBridgePort, LinkAttribute, LinkFlags};
use std::collections::BTreeMap;

impl World<'_> {
    /// A switch, with a usable own device if it has ports.
    pub(super) fn make_switch(
        &mut self,
        spec: &SwitchSpec,
        own_device: bool,
        refused: &mut Vec<SetupError>,
    ) -> Result<(), OracleError> {
        let cell = self.cell_for(&spec.name, if own_device { Role::Nic } else { Role::Deaf })?;
        let ifindex = self.index();
        let settings = vec![link::ageing(spec.ageing)];
        let mac = if own_device { spec.mac } else { MacAddr([0x0e, 0xbb, 0xbb, 0xbb, 0xbb, 0]) };
        link::bridge(&mut self.cells[cell].rtnl, DEVICE, ifindex, mac, settings)
            .map_err(OracleError::refused(format!("the switch {}", spec.name)))?;
        if own_device {
            self.cells[cell].listen(ifindex, &self.protocols)?;
            self.live.insert(spec.name.clone(), Live { cell, ifindex, kind: Kind::Nic });
        }
        if spec.group_fwd_mask != 0 {
            let mask = vec![InfoBridge::GroupFwdMask(spec.group_fwd_mask)];
            let set = link::bridge_settings(&mut self.cells[cell].rtnl, ifindex, mask);
            refused.extend(set.err().map(|e| create_error(&spec.name, e)));
        }
        self.switches.insert(spec.name.clone(), UnnamedDevice { cell, ifindex });
        Ok(())
    }

    /// Makes the end of a cable a port of a switch.
    pub(super) fn plug_in(
        &mut self,
        switch: UnnamedDevice,
        end: &NewEnd,
        port: &SwitchPortSpec,
    ) -> Result<(), OracleError> {
        let rtnl = &mut self.cells[switch.cell].rtnl;
        let refused = || OracleError::refused(format!("the switch port of {}", port.device));
        link::set(rtnl, end.ifindex, LinkAttribute::Controller(switch.ifindex)).map_err(refused())?;
        link::port_settings(rtnl, end.ifindex, &flag_settings(port)).map_err(refused())?;
        link::set_flag(rtnl, end.ifindex, LinkFlags::Up, true).map_err(refused())
    }

    /// Settings that need carriers, or may be refused.
    pub(super) fn finish_switch(&mut self, spec: &SwitchSpec, refused: &mut Vec<SetupError>) {
        let Some(switch) = self.switches.get(&spec.name).copied() else {
            return;
        };
        let rtnl = &mut self.cells[switch.cell].rtnl;
        for port in &spec.ports {
            if self.plan.bridge_of(&port.device) == Some(&spec.name) {
                continue;
            }
            let Some(place) = self.far.get(&port.device) else { continue };
            let masked =
                mask_setting(port).map_or(Ok(()), |mask| link::port_settings(rtnl, place.ifindex, &[mask]));
            for done in [masked, begin_in(rtnl, place.ifindex, port.state)] {
                let name = format!("{}.{}", spec.name, port.device);
                refused.extend(done.err().map(|e| create_error(&name, e)));
            }
        }
        for entry in &spec.fdb {
            let place = socket(&self.plan, &self.live, &self.far, &spec.name, &entry.port);
            let index = place.map_or(NOBODY, |p| p.ifindex);
            let added = link::add_entry(rtnl, index, entry);
            refused.extend(added.err().map(|e| create_error(&spec.name, e)));
        }
    }

    /// A switch's end of a device's cable, or the device itself if it is a port of that switch.
    pub(in crate::kernel) fn switch_port(&self, switch: &str, device: &str) -> UnnamedDevice {
        let port = socket(&self.plan, &self.live, &self.far, switch, device);
        port.unwrap_or(UnnamedDevice { cell: self.void, ifindex: NOBODY })
    }

    /// Makes a declared device a port of its bridge.
    pub(super) fn enslave(&mut self, name: &Name, master: Option<&Name>, refused: &mut Vec<SetupError>) {
        if let Some(master) = master.filter(|_| self.live.contains_key(name))
            && let Err(error) = self.join_bridge(name, Some(master))
        {
            refused.push(SetupError { device: name.clone(), stage: SetupStage::Enslave, error });
        }
    }

    /// Makes a device a port of a bridge of its own host, or of none, in the state in which the port begins.
    pub(in crate::kernel) fn set_master(
        &mut self,
        name: &str,
        master: Option<&str>,
    ) -> Result<(), ErrorNumber> {
        self.join_bridge(name, master)?;
        self.begin_inside(name, master)
    }

    /// Sets the states in which declared devices begin as ports of their bridges. A notice of a carrier would end them.
    pub(super) fn begin_all(&mut self, lab: &LabSpec, refused: &mut Vec<SetupError>) {
        for device in lab.devices.iter().filter(|device| device.kind.master().is_some()) {
            let name = &device.name;
            if self.live.contains_key(name)
                && refused.iter().all(|error| error.device != *name)
                && let Err(error) = self.begin_inside(name, device.kind.master().map(|name| &**name))
            {
                refused.push(SetupError { device: name.clone(), stage: SetupStage::Enslave, error });
            }
        }
    }

    fn begin_inside(&mut self, name: &str, master: Option<&str>) -> Result<(), ErrorNumber> {
        let place = self.place(name);
        let key = (master.unwrap_or_default().into(), name.into());
        let Some(port) = self.inside.get(&key) else { return Ok(()) };
        begin_in(&mut self.cells[place.cell].rtnl, place.ifindex, port.state)
    }

    fn join_bridge(&mut self, name: &str, master: Option<&str>) -> Result<(), ErrorNumber> {
        self.look_up(name)?;
        let place = self.place(name);
        let bridge = master.map(|master| self.switches.get(master).ok_or(ErrorNumber(libc::ENODEV)));
        let bridge = bridge.transpose()?.map_or(0, |bridge| bridge.ifindex);
        let rtnl = &mut self.cells[place.cell].rtnl;
        link::set(rtnl, place.ifindex, LinkAttribute::Controller(bridge))?;
        let key = (master.unwrap_or_default().into(), name.into());
        let Some(port) = self.inside.get(&key) else { return Ok(()) };
        let mut settings = flag_settings(port);
        settings.extend(mask_setting(port));
        link::port_settings(rtnl, place.ifindex, &settings)
    }
}

/// A port of a switch: its end of a device's cable, or the device itself.
fn socket(
    plan: &Requirements,
    live: &BTreeMap<Name, Live>,
    far: &BTreeMap<Name, UnnamedDevice>,
    switch: &str,
    device: &str,
) -> Option<UnnamedDevice> {
    if plan.bridge_of(device).is_some_and(|bridge| bridge == switch) {
        return live.get(device).map(|d| UnnamedDevice { cell: d.cell, ifindex: d.ifindex });
    }
    far.get(device).copied()
}

fn create_error(device: &str, error: ErrorNumber) -> SetupError {
    SetupError { device: device.into(), stage: SetupStage::Create, error }
}

/// The declared ports of switches that are devices of the switch's own host.
pub(super) fn inside(lab: &LabSpec) -> BTreeMap<(Name, Name), SwitchPortSpec> {
    let ports = lab.switches.iter().flat_map(|s| s.ports.iter().map(move |port| (s, port)));
    ports.map(|(switch, port)| ((switch.name.clone(), port.device.clone()), port.clone())).collect()
}

/// The flags of a declared port.
fn flag_settings(port: &SwitchPortSpec) -> Vec<InfoBridgePort> {
    let mut flags = port.flags;
    PortFlag::ALL.into_iter().map(|flag| flag_setting(flag, *flags.get_mut(flag))).collect()
}

/// The mask of a declared port, if it has one.
fn mask_setting(port: &SwitchPortSpec) -> Option<InfoBridgePort> {
    (port.group_fwd_mask != 0).then_some(InfoBridgePort::GroupFwdMask(port.group_fwd_mask))
}

/// Sets the state in which a port begins.
fn begin_in(rtnl: &mut Rtnl, ifindex: u32, state: PortState) -> Result<(), ErrorNumber> {
    if state == PortState::Forwarding {
        return Ok(());
    }
    match link::port_settings(rtnl, ifindex, &[state_setting(state)]) {
        // A state without carrier would be lost at the next change of the carrier anyway.
        Err(ErrorNumber(libc::ENETDOWN)) => Ok(()),
        other => other,
    }
}

/// A port flag as the kernel's attribute.
pub(in crate::kernel) fn flag_setting(flag: PortFlag, value: bool) -> InfoBridgePort {
    match flag {
        PortFlag::Hairpin => InfoBridgePort::HairpinMode(value),
        PortFlag::Learning => InfoBridgePort::Learning(value),
        PortFlag::Flood => InfoBridgePort::UnicastFlood(value),
        PortFlag::McastFlood => InfoBridgePort::MulticastFlood(value),
        PortFlag::BcastFlood => InfoBridgePort::BroadcastFlood(value),
        PortFlag::Isolated => InfoBridgePort::Isolated(value),
        PortFlag::Locked => InfoBridgePort::Locked(value),
    }
}

/// A port state as the kernel's attribute.
pub(in crate::kernel) fn state_setting(state: PortState) -> InfoBridgePort {
    link::port_state(match state {
        PortState::Disabled => 0,
        PortState::Listening => 1,
        PortState::Learning => 2,
        PortState::Forwarding => 3,
        PortState::Blocking => 4,
        PortState::Invalid(n) => n,
    })
}
