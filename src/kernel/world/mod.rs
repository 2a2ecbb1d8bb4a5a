//! A lab made of real devices: every NIC's host, port, station and switch in a separate namespace.

mod bridge;
mod make;

pub(super) use bridge::{flag_setting, state_setting};

use super::can;
use super::error::OracleError;
use super::link::{self, Snapshot};
use super::netns::Inside;
use super::observed::SetupError;
use super::pool::{Cell, Pool, Role};
use super::requirements::{Far, Requirements};
use crate::counters::Counters;
use crate::errno::ErrorNumber;
use crate::frame::MacAddr;
use crate::lab::spec::{LabSpec, Name, SwitchPortSpec};
use crate::sys;
use netlink_packet_route::link::LinkFlags;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// An interface index that no device of a lab has.
pub(super) const NOBODY: u32 = 0x00ff_ffff;
/// How often, half a millisecond apart, to check whether carriers have settled: the kernel delays some carrier
/// notifications for up to a second.
const PATIENCE: u32 = 4000;

/// An existing device of the lab.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) cell: usize,
    pub(super) ifindex: u32,
    pub(super) kind: Kind,
}

/// Its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nic,
    Station,
    /// A port, with the NIC at the bottom of its stack.
    Port {
        tap: bool,
        nic: Name,
    },
}

/// A device without a name in the lab: a switch's end of a cable, or an idle cable's.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnnamedDevice {
    pub(super) cell: usize,
    pub(super) ifindex: u32,
}

/// The lab.
pub(super) struct World<'p> {
    pool: &'p mut Pool,
    pub(super) cells: Vec<Cell>,
    protocols: Vec<u16>,
    plan: Requirements,
    cell_of: BTreeMap<Name, usize>,
    pub(super) live: BTreeMap<Name, Live>,
    /// Cables created before their second end was due.
    unborn: BTreeMap<Name, Live>,
    /// The other end of a device's cable, unless that is a device itself.
    pub(super) far: BTreeMap<Name, UnnamedDevice>,
    pub(super) switches: BTreeMap<Name, UnnamedDevice>,
    /// The final counters of deleted devices.
    pub(super) gone: BTreeMap<Name, Vec<Counters>>,
    /// Devices removed along with the other end of their cable.
    pub(super) vanished: BTreeSet<Name>,
    /// The declared ports of switches, by switch and device, that are devices of the switch's own host.
    inside: BTreeMap<(Name, Name), SwitchPortSpec>,
    next_index: u32,
    void: usize,
    /// Carriers did not settle in time.
    pub(super) restless: bool,
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        // Deleting a cable removes both ends, and a NIC's ports: after switches and idle ends little is left.
        let switches: Vec<usize> = self.switches.values().map(|s| s.cell).collect();
        for index in switches.into_iter().chain([self.void]) {
            let _ = link::delete_all(&mut self.cells[index].rtnl);
        }
        for cell in self.cells.drain(..) {
            // A namespace that holds fragments cannot be reused for another lab.
            if !(self.plan.leaves_fragments && cell.role == Role::Nic) {
                self.pool.give(cell);
            }
        }
    }
}

impl<'p> World<'p> {
    /// Builds the lab; refused devices are listed.
    pub(super) fn build(
        pool: &'p mut Pool,
        lab: &LabSpec,
    ) -> Result<(World<'p>, Vec<SetupError>), OracleError> {
        let plan = Requirements::of(lab)?;
        can::check(pool, lab)?;
        let void = pool.take(Role::Deaf, 0)?;
        let mut refused = Vec::new();
        let mut world = World {
            pool,
            cells: vec![void],
            protocols: plan.protocols.clone(),
            plan,
            cell_of: BTreeMap::new(),
            live: BTreeMap::new(),
            unborn: BTreeMap::new(),
            far: BTreeMap::new(),
            switches: BTreeMap::new(),
            gone: BTreeMap::new(),
            vanished: BTreeSet::new(),
            inside: bridge::inside(lab),
            next_index: 16,
            void: 0,
            restless: false,
        };
        let own_devices: BTreeSet<&Name> = lab.own_devices().collect();
        for switch in &lab.switches {
            let own_device = own_devices.contains(&switch.name);
            world.make_switch(switch, own_device, &mut refused)?;
        }
        for device in &lab.devices {
            world.make_device(&device.name, &device.kind, &mut refused)?;
            world.enslave(&device.name, device.kind.master(), &mut refused);
        }
        world.settle_carriers();
        world.begin_all(lab, &mut refused);
        for switch in &lab.switches {
            world.finish_switch(switch, &mut refused);
        }
        if lab.switches.iter().any(|s| world.live.contains_key(&s.name)) {
            world.settle_carriers();
        }
        Ok((world, refused))
    }

    fn index(&mut self) -> u32 {
        self.next_index += 1;
        self.next_index
    }

    /// The namespace with this name, the same for every use of the name.
    fn cell_for(&mut self, name: &str, role: Role) -> Result<usize, OracleError> {
        if let Some(cell) = self.cell_of.get(name) {
            return Ok(*cell);
        }
        let cell = match self.plan.bridge_of(name).and_then(|bridge| self.cell_of.get(bridge)) {
            Some(host) => {
                let ifname = format!("d{}", self.cells.len());
                self.pool.beside(&self.cells[*host], ifname, self.protocols.len())?
            }
            None => self.pool.take(role, self.protocols.len())?,
        };
        self.cells.push(cell);
        self.cell_of.insert(name.into(), self.cells.len() - 1);
        Ok(self.cells.len() - 1)
    }

    /// The thread is in this namespace as long as the guard lives.
    pub(super) fn inside(&self, cell: usize) -> Result<Inside<'_>, OracleError> {
        self.cells[cell].enter(self.pool)
    }

    /// The namespace of a device; for an unknown device an arbitrary one, so that the kernel reports the error.
    pub(super) fn place(&self, name: &str) -> UnnamedDevice {
        self.live.get(name).map_or(UnnamedDevice { cell: self.void, ifindex: NOBODY }, |d| UnnamedDevice {
            cell: d.cell,
            ifindex: d.ifindex,
        })
    }

    /// Checks whether the kernel has a device.
    pub(super) fn look_up(&self, name: &str) -> Result<(), ErrorNumber> {
        let place = self.place(name);
        sys::index_of(&self.cells[place.cell].sender, &self.cells[place.cell].ifname).map(|_| ())
    }

    /// The other end of a device's cable.
    pub(super) fn across(&self, name: &str) -> UnnamedDevice {
        match self.plan.wired(name).map(|w| &w.far) {
            Ok(Far::Device(other)) => self.place(other),
            _ => self.far.get(name).copied().unwrap_or(UnnamedDevice { cell: self.void, ifindex: NOBODY }),
        }
    }

    pub(super) fn set_flag(&mut self, name: &str, flag: LinkFlags, on: bool) -> Result<(), ErrorNumber> {
        let place = self.place(name);
        link::set_flag(&mut self.cells[place.cell].rtnl, place.ifindex, flag, on)
    }

    pub(super) fn join(&mut self, name: &str, group: MacAddr, join: bool) -> Result<(), ErrorNumber> {
        let place = self.place(name);
        sys::multicast(&self.cells[place.cell].sender, &self.cells[place.cell].ifname, group, join)
    }

    /// Deletes a device, and with it, as the kernel does, the ports on it; a veth's other end is deleted as well.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), ErrorNumber> {
        self.look_up(name)?;
        let place = self.place(name);
        let doomed: Vec<(Name, Option<Snapshot>)> = self
            .live
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .into_iter()
            .map(|n| (n.clone(), self.snapshot(&n).ok()))
            .collect();
        link::delete(&mut self.cells[place.cell].rtnl, place.ifindex)?;
        for (other, before) in doomed {
            if self.snapshot(&other).is_err() {
                let device = self.live.remove(&other);
                self.far.remove(&other);
                self.gone.entry(other.clone()).or_default().extend(before.map(|b| b.counters));
                if other != name && device.is_some_and(|d| !matches!(d.kind, Kind::Port { .. })) {
                    self.vanished.insert(other);
                }
            }
        }
        Ok(())
    }

    pub(super) fn snapshot(&mut self, name: &str) -> Result<Snapshot, ErrorNumber> {
        let place = self.place(name);
        link::snapshot(&mut self.cells[place.cell].rtnl, place.ifindex)
    }

    /// Waits until carriers and operational states match the devices that are up.
    pub(super) fn settle_carriers(&mut self) {
        for _ in 0..PATIENCE {
            if self.carriers_agree() {
                return;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        self.restless = true;
    }

    fn carriers_agree(&mut self) -> bool {
        let mut carriers: BTreeMap<Name, bool> = BTreeMap::new();
        let names: Vec<(Name, Live)> = self.live.iter().map(|(n, d)| (n.clone(), d.clone())).collect();
        let wired = names.iter().filter(|(_, d)| !matches!(d.kind, Kind::Port { .. }));
        for (name, device) in wired {
            if self.switches.contains_key(name) {
                let own = link::snapshot(&mut self.cells[device.cell].rtnl, device.ifindex);
                carriers.insert(name.clone(), own.is_ok_and(|s| s.state.carrier));
                continue;
            }
            let across = self.across(name);
            let Ok(near) = link::snapshot(&mut self.cells[device.cell].rtnl, device.ifindex) else {
                return false;
            };
            // A cable whose other device was not yet declared has that end down.
            let far = link::snapshot(&mut self.cells[across.cell].rtnl, across.ifindex).ok();
            let both = near.state.up && far.as_ref().is_some_and(|f| f.state.up);
            let agrees = |s: &Snapshot| s.state.carrier == both && s.operational == both;
            if !agrees(&near) || far.as_ref().is_some_and(|f| !agrees(f)) {
                return false;
            }
            carriers.insert(name.clone(), both);
        }
        for (_, device) in &names {
            let Kind::Port { nic, .. } = &device.kind else { continue };
            let Ok(port) = link::snapshot(&mut self.cells[device.cell].rtnl, device.ifindex) else {
                return false;
            };
            let carrier = carriers.get(nic).copied().unwrap_or(false);
            if port.state.carrier != carrier || port.operational != (carrier && port.state.up) {
                return false;
            }
        }
        true
    }
}
