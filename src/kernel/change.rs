//! Changes at run time, with the kernel requests that `ip` and `bridge` use.

use super::link::{self, PortChange};
use super::world::{Kind, World, flag_setting, state_setting};
use crate::errno::ErrorNumber;
use crate::lab::spec::{Change, SwitchChange};
use crate::macvlan::SourcesChange;
use netlink_packet_route::link::{InfoBridge, InfoBridgePort, LinkAttribute, LinkFlags};

/// A mode number unknown to the kernel.
const NO_SUCH_MODE: u32 = 0x4000;

/// Changes a device.
pub(super) fn device(world: &mut World<'_>, name: &str, change: &Change) -> Result<(), ErrorNumber> {
    // As every program does first.
    world.look_up(name)?;
    let port = |w: &mut World<'_>, c: PortChange<'_>| {
        let place = w.place(name);
        let tap = matches!(w.live.get(name).map(|d| &d.kind), Some(Kind::Port { tap: true, .. }));
        link::change_port(&mut w.cells[place.cell].rtnl, place.ifindex, tap, &c)
    };
    let attribute = |w: &mut World<'_>, a: LinkAttribute| {
        let place = w.place(name);
        link::set(&mut w.cells[place.cell].rtnl, place.ifindex, a)
    };
    match change {
        Change::Up(on) => world.set_flag(name, LinkFlags::Up, *on),
        Change::Promisc(on) => world.set_flag(name, LinkFlags::Promisc, *on),
        Change::Allmulticast(on) => world.set_flag(name, LinkFlags::Allmulti, *on),
        Change::Master(master) => world.set_master(name, master.as_deref()),
        Change::Mac(mac) => attribute(world, LinkAttribute::Address(mac.0.to_vec())),
        Change::Mtu(mtu) => attribute(world, LinkAttribute::Mtu(*mtu)),
        Change::Join(group) => world.join(name, *group, true),
        Change::Leave(group) => world.join(name, *group, false),
        Change::Mode(mode) => port(world, PortChange::Mode(link::mode_number(*mode))),
        Change::UnknownMode(_) => port(world, PortChange::Mode(NO_SUCH_MODE)),
        Change::Flags(flags) => port(world, PortChange::Flags(*flags)),
        Change::Bcqueuelen(n) => port(world, PortChange::Bcqueuelen(*n)),
        Change::Bclim(n) => port(world, PortChange::Bclim(*n)),
        Change::Sources(SourcesChange::Add(list)) => {
            list.iter().try_for_each(|m| port(world, PortChange::AddSource(*m)))
        }
        Change::Sources(SourcesChange::Del(list)) => {
            list.iter().try_for_each(|m| port(world, PortChange::DelSource(*m)))
        }
        Change::Sources(SourcesChange::Set(list)) => port(world, PortChange::SetSources(list)),
        Change::Sources(SourcesChange::Flush) => port(world, PortChange::FlushSources),
        // The steps that change IP stacks are left out, and labs with bonds.
        Change::Sysctl(..)
        | Change::Addresses(_)
        | Change::Neighbours(_)
        | Change::Host(_)
        | Change::Active(_) => Ok(()),
    }
}

/// Changes a switch.
pub(super) fn switch(world: &mut World<'_>, switch: &str, change: &SwitchChange) -> Result<(), ErrorNumber> {
    let bridge = *world.switches.get(switch).ok_or(ErrorNumber(libc::ENODEV))?;
    let port = |w: &mut World<'_>, device: &str, setting: InfoBridgePort| {
        let place = w.switch_port(switch, device);
        link::port_settings(&mut w.cells[place.cell].rtnl, place.ifindex, &[setting])
    };
    let own = |w: &mut World<'_>, setting: InfoBridge| {
        link::bridge_settings(&mut w.cells[bridge.cell].rtnl, bridge.ifindex, vec![setting])
    };
    match change {
        SwitchChange::Flag { port: p, flag, value } => port(world, p, flag_setting(*flag, *value)),
        SwitchChange::State { port: p, state } => port(world, p, state_setting(*state)),
        SwitchChange::GroupFwdMask { port: Some(p), mask } => {
            port(world, p, InfoBridgePort::GroupFwdMask(*mask))
        }
        SwitchChange::GroupFwdMask { port: None, mask } => own(world, InfoBridge::GroupFwdMask(*mask)),
        // A lab with such a step is not run here.
        SwitchChange::Vlans { .. } | SwitchChange::Policy { .. } => Err(ErrorNumber(libc::EOPNOTSUPP)),
        SwitchChange::Ageing(time) => own(world, link::ageing(*time)),
        SwitchChange::Fdb(entry) => {
            let place = world.switch_port(switch, &entry.port);
            link::add_entry(&mut world.cells[place.cell].rtnl, place.ifindex, entry)
        }
        // VLAN filtering is not compared, and without it no entry has a VLAN.
        SwitchChange::FdbDel { vlan: Some(_), .. } => Err(ErrorNumber(libc::EOPNOTSUPP)),
        SwitchChange::FdbDel { mac, vlan: None } => {
            let rtnl = &mut world.cells[bridge.cell].rtnl;
            let ports = link::ports_of_entry(rtnl, *mac)?;
            if ports.is_empty() {
                return Err(ErrorNumber(libc::ENOENT));
            }
            ports.into_iter().try_for_each(|p| link::delete_entry(rtnl, p, *mac))
        }
    }
}
