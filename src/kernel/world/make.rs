//! Makes the devices of a lab, and their cables.

use super::{Kind, Live, NOBODY, UnnamedDevice, World};
use crate::errno::ErrorNumber;
use crate::frame::MacAddr;
use crate::kernel::error::OracleError;
use crate::kernel::link::{self, NewEnd, NewPort};
use crate::kernel::observed::SetupError;
use crate::kernel::pool::Role;
use crate::kernel::requirements::{Far, Wired};
use crate::lab::SetupStage;
use crate::lab::spec::{DeviceKind, MacvlanSpec};
use netlink_packet_route::link::LinkFlags;

impl World<'_> {
    /// Makes a declared device, up if it is declared so.
    pub(super) fn make_device(
        &mut self,
        name: &str,
        kind: &DeviceKind,
        refused: &mut Vec<SetupError>,
    ) -> Result<(), OracleError> {
        match kind {
            DeviceKind::Macvlan(spec) => {
                if let Err((stage, error)) = self.make_port(name, spec)? {
                    refused.push(SetupError { device: name.into(), stage, error });
                }
                Ok(())
            }
            DeviceKind::Nic(spec) => {
                self.make_wired(name)?;
                for (flag, on) in
                    [(LinkFlags::Promisc, spec.promisc), (LinkFlags::Allmulti, spec.allmulticast)]
                {
                    if on {
                        self.set_flag(name, flag, true).map_err(OracleError::refused("a flag of a NIC"))?;
                    }
                }
                self.bring_up(name, spec.up)
            }
            DeviceKind::Station(spec) => {
                self.make_wired(name)?;
                self.bring_up(name, spec.up)
            }
            DeviceKind::Router(spec) => {
                for interface in &spec.interfaces {
                    self.make_wired(&interface.name)?;
                    self.bring_up(&interface.name, interface.station.up)?;
                }
                Ok(())
            }
            DeviceKind::Dummy(_) => Err(OracleError::Unsupported("dummies".to_owned())),
            DeviceKind::Bond(_) => Err(OracleError::Unsupported("bonds".to_owned())),
            DeviceKind::Vlan(_) => Err(OracleError::Unsupported("802.1Q sub-interfaces".to_owned())),
        }
    }

    fn bring_up(&mut self, name: &str, up: bool) -> Result<(), OracleError> {
        if !up {
            return Ok(());
        }
        self.set_flag(name, LinkFlags::Up, true).map_err(OracleError::refused(format!("bringing {name} up")))
    }

    /// Creates the device and its cable, unless the device at the other end was created first.
    fn make_wired(&mut self, name: &str) -> Result<(), OracleError> {
        if let Some(made) = self.unborn.remove(name) {
            self.live.insert(name.into(), made);
            return Ok(());
        }
        let wired = self.plan.wired(name)?.clone();
        let (here, here_end) = self.new_end(name, &wired)?;
        match &wired.far {
            Far::Device(other) => {
                let other_wired = self.plan.wired(other)?.clone();
                let (there, there_end) = self.new_end(other, &other_wired)?;
                self.lay_cable(name, here, &here_end, there, &there_end)?;
                let born = Live { cell: there, ifindex: there_end.ifindex, kind: kind_of(&other_wired) };
                self.cells[there].listen(there_end.ifindex, &self.protocols)?;
                self.unborn.insert(other.clone(), born);
            }
            Far::Switch(switch, port) => {
                let place = *self.switches.get(switch).ok_or_else(|| missing(switch))?;
                let end = self.far_end("p", wired.mtu);
                self.lay_cable(name, here, &here_end, place.cell, &end)?;
                self.plug_in(place, &end, port)?;
                self.far.insert(name.into(), UnnamedDevice { cell: place.cell, ifindex: end.ifindex });
            }
            Far::Nobody => {
                let end = self.far_end("v", wired.mtu);
                let void = self.void;
                self.lay_cable(name, here, &here_end, void, &end)?;
                link::set_flag(&mut self.cells[void].rtnl, end.ifindex, LinkFlags::Up, true)
                    .map_err(OracleError::refused("an idle cable"))?;
                self.far.insert(name.into(), UnnamedDevice { cell: void, ifindex: end.ifindex });
            }
        }
        self.cells[here].listen(here_end.ifindex, &self.protocols)?;
        self.live.insert(name.into(), Live { cell: here, ifindex: here_end.ifindex, kind: kind_of(&wired) });
        Ok(())
    }

    fn new_end(&mut self, name: &str, wired: &Wired) -> Result<(usize, NewEnd), OracleError> {
        let cell = self.cell_for(name, if wired.nic { Role::Nic } else { Role::End })?;
        let ifname = self.cells[cell].ifname.clone();
        let end = NewEnd { ifname, ifindex: self.index(), mac: wired.mac, mtu: wired.mtu };
        Ok((cell, end))
    }

    /// The end of a cable at a switch or an idle end: of the device's mtu, with a MAC address that labs do not use.
    fn far_end(&mut self, letter: &str, mtu: u32) -> NewEnd {
        let ifindex = self.index();
        let mac = MacAddr::from_u64(0x0ebb_0000_0000 | u64::from(ifindex));
        NewEnd { ifname: format!("{letter}{ifindex}"), ifindex, mac, mtu }
    }

    fn lay_cable(
        &mut self,
        name: &str,
        here: usize,
        here_end: &NewEnd,
        there: usize,
        there_end: &NewEnd,
    ) -> Result<(), OracleError> {
        let there_ns = self.cells[there].raw();
        link::cable(&mut self.cells[here].rtnl, here_end, there_end, there_ns)
            .map_err(OracleError::refused(format!("the cable of {name}")))?;
        for (cell, end) in [(here, here_end), (there, there_end)] {
            self.pool.no_tag_offloads(&self.cells[cell], &end.ifname);
        }
        Ok(())
    }

    /// Creates a port and brings it up. The inner error is the kernel's answer.
    pub(in crate::kernel) fn make_port(
        &mut self,
        name: &str,
        spec: &MacvlanSpec,
    ) -> Result<Result<(), (SetupStage, ErrorNumber)>, OracleError> {
        let cell = self.cell_for(name, Role::End)?;
        let parent = self.live.get(&spec.parent).cloned();
        let (parent_cell, parent_index) =
            parent.as_ref().map_or((self.void, NOBODY), |p| (p.cell, p.ifindex));
        let nic = match parent.map(|p| p.kind) {
            Some(Kind::Port { nic, .. }) => nic,
            _ => spec.parent.clone(),
        };
        let new = NewPort {
            ifname: self.cells[cell].ifname.clone(),
            ifindex: self.index(),
            parent: parent_index,
            namespace: self.cells[cell].raw(),
            mac: spec.requested_mac(name),
            spec,
        };
        if let Err(e) = link::macvlan(&mut self.cells[parent_cell].rtnl, &new) {
            return Ok(Err((SetupStage::Create, e)));
        }
        self.cells[cell].listen(new.ifindex, &self.protocols)?;
        let kind = Kind::Port { tap: spec.tap, nic };
        self.live.insert(name.into(), Live { cell, ifindex: new.ifindex, kind });
        for group in &spec.multicast {
            self.join(name, *group, true).map_err(OracleError::refused("joining a group"))?;
        }
        for (flag, on) in [(LinkFlags::Allmulti, spec.allmulticast), (LinkFlags::Promisc, spec.promisc)] {
            if on {
                self.set_flag(name, flag, true).map_err(OracleError::refused("a flag of a port"))?;
            }
        }
        let up = if spec.up { self.set_flag(name, LinkFlags::Up, true) } else { Ok(()) };
        Ok(up.map_err(|e| (SetupStage::Up, e)))
    }
}

fn missing(switch: &str) -> OracleError {
    OracleError::Unsupported(format!("there is no switch {switch}"))
}

fn kind_of(wired: &Wired) -> Kind {
    if wired.nic { Kind::Nic } else { Kind::Station }
}
