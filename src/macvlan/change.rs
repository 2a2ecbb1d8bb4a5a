//! The control plane: what can change while a port exists, with the kernel's errors.

use super::admit::Demux;
use super::groups::GroupFilter;
use super::{MacvlanFlags, Mode, SourcesChange};
use crate::errno::Errno;
use crate::frame::MacAddr;
use crate::nic::{GroupBits, Nic, stack_groups};
use crate::verdict::{PortId, Refusal, Rule};
use alloc::collections::BTreeSet;
use alloc::sync::Arc;

impl Demux {
    /// Brings a port up or down (`macvlan_open`, `macvlan_stop`).
    ///
    /// # Errors
    /// `EADDRINUSE` if its address is the parent's or an active port's (R83); `ENODEV` if it does not exist.
    pub fn set_up(&mut self, lower: &mut Nic, id: PortId, up: bool) -> Result<(), Refusal> {
        let port = self.port_mut(id)?;
        let was_up = port.up;
        if was_up {
            // A request on an active port reloads the filters even if it changes nothing (R62).
            self.load_filters(lower, id);
        }
        match (was_up, up) {
            (false, true) => self.open(lower, id),
            (true, false) => self.stop(lower, id),
            _ => Ok(()),
        }
    }

    fn open(&mut self, lower: &mut Nic, id: PortId) -> Result<(), Refusal> {
        let mac = self.port_mut(id)?.mac;
        if self.passthru().is_some() {
            if !self.port_mut(id)?.flags.nopromisc && !lower.filter.promiscuity_add(1) {
                return Err(Refusal::new(Errno::Eoverflow, Rule::PassthruPromiscuity));
            }
        } else {
            if self.address_busy(lower, mac) {
                return Err(Refusal::new(Errno::Eaddrinuse, Rule::AddressInUse));
            }
            lower.filter.unicast_add(mac);
            self.ports.activate(mac);
            let port = self.port_mut(id)?;
            lower.filter.allmulti_add(i32::from(port.allmulticast));
            lower.filter.promiscuity_add(i32::from(port.promisc));
        }
        let port = self.port_mut(id)?;
        port.up = true;
        lower.filter.refresh(lower.up);
        self.load_filters(lower, id);
        Ok(())
    }

    fn stop(&mut self, lower: &mut Nic, id: PortId) -> Result<(), Refusal> {
        let passthru = self.passthru().is_some();
        let port = self.port_mut(id)?;
        for group in core::mem::take(&mut port.pushed) {
            lower.filter.group_pull(group);
        }
        if passthru {
            if !port.flags.nopromisc {
                lower.filter.promiscuity_add(-1);
            }
        } else {
            lower.filter.allmulti_add(-i32::from(port.allmulticast));
            lower.filter.promiscuity_add(-i32::from(port.promisc));
            lower.filter.unicast_del(port.mac);
        }
        port.up = false;
        let mac = port.mac;
        if !passthru {
            self.ports.deactivate(mac);
        }
        lower.filter.refresh(lower.up);
        Ok(())
    }

    /// Loads a port's group filter, pushes its groups down and reloads the parent's (`macvlan_set_mac_lists`).
    fn load_filters(&mut self, lower: &mut Nic, id: PortId) {
        let Ok(port) = self.port_mut(id) else { return };
        let mut wanted = port.groups.clone();
        wanted.extend(stack_groups(port.mtu));
        // A group that was left is still in the list when the filter is made of it, for as long as it is pushed down: it
        // is taken back only then, and passes the filter until the next time it is loaded (R22).
        let listed = wanted.union(&port.pushed).copied().collect();
        port.filter = Arc::new(GroupFilter::new(port.promisc || port.allmulticast, &listed));
        for group in wanted.difference(&port.pushed) {
            lower.filter.group_push(*group);
        }
        for group in port.pushed.difference(&wanted) {
            lower.filter.group_pull(*group);
        }
        port.pushed = wanted;
        self.parent_filter = parent_bits(lower, 0);
        self.load_queue_filter(lower);
    }

    /// What of the parent's filter goes through the queue (`macvlan_recompute_bc_filter`).
    fn load_queue_filter(&mut self, lower: &Nic) {
        self.queue_filter = match u32::try_from(self.bclim) {
            Ok(limit) => parent_bits(lower, limit),
            Err(_) => GroupBits::default(),
        };
        self.dirty = true;
    }

    /// Sets the parent's broadcast cut-off (R191): any port's request counts for all.
    pub fn set_bclim(&mut self, lower: &Nic, bclim: i32) {
        if self.bclim != bclim {
            self.bclim = bclim;
            self.load_queue_filter(lower);
        }
    }

    /// Sets a port's requested queue length, in frames.
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn set_bcqueuelen(&mut self, id: PortId, len: u32) -> Result<(), Refusal> {
        self.port_mut(id)?.bcqueuelen = len;
        Ok(())
    }

    /// Changes a port's address (`macvlan_set_mac_address`). A passthru port's is its parent's (R53).
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` if it is multicast or zero, `EADDRINUSE` if it is the parent's or an active port's (R84).
    pub fn set_mac(&mut self, lower: &mut Nic, id: PortId, mac: MacAddr) -> Result<(), Refusal> {
        let port = self.port_mut(id)?;
        let (old, up, passthru) = (port.mac, port.up, port.mode == Mode::Passthru);
        Nic::check_mac(mac)?;
        if mac == old {
            return Ok(());
        }
        if passthru {
            lower.mac = mac;
        } else if self.address_busy(lower, mac) {
            return Err(Refusal::new(Errno::Eaddrinuse, Rule::ChangeAddress));
        } else if up {
            lower.filter.unicast_add(mac);
            lower.filter.unicast_del(old);
            lower.filter.refresh(lower.up);
            self.ports.deactivate(old);
            self.ports.activate(mac);
        }
        self.port_mut(id)?.mac = mac;
        Ok(())
    }

    /// The parent's address was changed on the parent itself: a passthru port follows, and the change stays when the
    /// port goes (R53).
    pub fn parent_mac_changed(&mut self, lower: &Nic) {
        if let Some(id) = self.passthru()
            && let Ok(port) = self.port_mut(id)
        {
            port.mac = lower.mac;
            self.permanent_mac = lower.mac;
        }
    }

    /// Changes a port's mtu, in bytes.
    ///
    /// # Errors
    /// `EINVAL` below 68 or above the parent's (R87).
    pub fn set_mtu(&mut self, lower: &mut Nic, id: PortId, mtu: u32) -> Result<(), Refusal> {
        let port = self.port_mut(id)?;
        Nic::check_mtu(mtu)?;
        if mtu > lower.mtu {
            return Err(Refusal::new(Errno::Einval, Rule::ChangeMtu));
        }
        let before = core::mem::replace(&mut port.mtu, mtu);
        // IPv6 comes or goes, and with it the group that its stack joins.
        if port.up && stack_groups(before) != stack_groups(mtu) {
            self.load_filters(lower, id);
        }
        Ok(())
    }

    /// The parent's mtu was changed: larger ports shrink with it (R87).
    pub fn parent_mtu_changed(&mut self, lower: &mut Nic) {
        self.dirty = true;
        let mtu = lower.mtu;
        for index in 0..self.ports.end() {
            let id = PortId(u16::try_from(index).unwrap_or(u16::MAX));
            if self.port(id).is_some_and(|p| p.mtu > mtu) {
                // Never refused: it is the parent's.
                let _ = self.set_mtu(lower, id, mtu);
            }
        }
    }

    /// Changes a port's mode (`macvlan_changelink`). Leaving source mode empties the list (R44).
    ///
    /// # Errors
    /// `EINVAL` to or from passthru (R86).
    pub fn set_mode(&mut self, id: PortId, mode: Mode) -> Result<(), Refusal> {
        let port = self.port_mut(id)?;
        if (mode == Mode::Passthru) != (port.mode == Mode::Passthru) {
            return Err(Refusal::new(Errno::Einval, Rule::ChangeMode));
        }
        port.mode = mode;
        if mode != Mode::Source {
            self.ports.edit_list(id, |_, sources| sources.clear());
        }
        Ok(())
    }

    /// Changes a port's flags. `nopromisc` moves the parent's promiscuity even while a passthru port is down (R54).
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn set_flags(&mut self, lower: &mut Nic, id: PortId, flags: MacvlanFlags) -> Result<(), Refusal> {
        let port = self.port_mut(id)?;
        let moves = port.mode == Mode::Passthru && port.flags.nopromisc != flags.nopromisc;
        if moves && !lower.filter.promiscuity_add(if flags.nopromisc { -1 } else { 1 }) {
            return Err(Refusal::new(Errno::Eoverflow, Rule::PassthruPromiscuity));
        }
        port.flags = flags;
        Ok(())
    }

    /// Makes a port promiscuous by hand or not.
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn set_promisc(&mut self, lower: &mut Nic, id: PortId, on: bool) -> Result<(), Refusal> {
        let passthru = self.passthru().is_some();
        let port = self.port_mut(id)?;
        let changes = core::mem::replace(&mut port.promisc, on) != on;
        if port.up {
            if changes && !passthru {
                lower.filter.promiscuity_add(if on { 1 } else { -1 });
            }
            // As with up and down, a request that changes nothing loads the filters as well (R62).
            self.load_filters(lower, id);
        }
        Ok(())
    }

    /// Makes a port all-multicast by hand or not.
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn set_allmulticast(&mut self, lower: &mut Nic, id: PortId, on: bool) -> Result<(), Refusal> {
        let port = self.port_mut(id)?;
        let changes = core::mem::replace(&mut port.allmulticast, on) != on;
        if port.up {
            if changes {
                lower.filter.allmulti_add(if on { 1 } else { -1 });
            }
            self.load_filters(lower, id);
        }
        Ok(())
    }

    /// Joins a group. Nothing is checked, and what is joined while down counts once up (R88).
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn join(&mut self, lower: &mut Nic, id: PortId, group: MacAddr) -> Result<(), Refusal> {
        let port = self.port_mut(id)?;
        port.groups.insert(group);
        if port.up {
            self.load_filters(lower, id);
        }
        Ok(())
    }

    /// Leaves a group, however often it was joined.
    ///
    /// # Errors
    /// `ENOENT` if it was not joined by hand (R88); what the port's own stack has joined cannot be left so.
    pub fn leave(&mut self, lower: &mut Nic, id: PortId, group: MacAddr) -> Result<(), Refusal> {
        let port = self.port_mut(id)?;
        if !port.groups.remove(&group) {
            return Err(Refusal::new(Errno::Enoent, Rule::JoinAndLeave));
        }
        if port.up {
            self.load_filters(lower, id);
        }
        Ok(())
    }

    /// Edits a source port's list (`macvlan_changelink_sources`): entry by entry, or as a whole.
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` at a multicast or zero entry, `EINVAL` if the port is not in source mode (R44).
    pub fn change_sources(&mut self, id: PortId, change: &SourcesChange) -> Result<(), Refusal> {
        if let SourcesChange::Add(macs) | SourcesChange::Set(macs) = change {
            self.check_senders(macs.len())?;
        }
        self.dirty = true;
        let missing = Refusal::new(Errno::Enodev, Rule::SendDown);
        self.ports.edit_list(id, |mode, sources| edit_sources(mode, sources, change)).ok_or(missing)?
    }
}

/// Edits the list of a port in this mode. What comes before a bad entry stays edited.
fn edit_sources(mode: Mode, sources: &mut BTreeSet<MacAddr>, change: &SourcesChange) -> Result<(), Refusal> {
    let check = |mac: &MacAddr, mode: Mode| {
        if !mac.is_valid_station() {
            Err(Refusal::new(Errno::Eaddrnotavail, Rule::SourceList))
        } else if mode != Mode::Source {
            Err(Refusal::new(Errno::Einval, Rule::SourceList))
        } else {
            Ok(())
        }
    };
    match change {
        SourcesChange::Add(macs) => {
            for mac in macs {
                check(mac, mode)?;
                sources.insert(*mac);
            }
        }
        SourcesChange::Del(macs) => {
            for mac in macs {
                check(mac, mode)?;
                sources.remove(mac);
            }
        }
        SourcesChange::Set(macs) => {
            // A whole list is one message, whose addresses are all looked at before anything else.
            macs.iter().try_for_each(|mac| check(mac, Mode::Source))?;
            if mode != Mode::Source {
                return Err(Refusal::new(Errno::Einval, Rule::SourceList));
            }
            *sources = macs.iter().copied().collect();
        }
        SourcesChange::Flush => {
            if mode != Mode::Source {
                return Err(Refusal::new(Errno::Einval, Rule::SourceList));
            }
            sources.clear();
        }
    }
    Ok(())
}

/// The parent's group filter: broadcast, and the groups that more than `above` ports have pushed down.
fn parent_bits(lower: &Nic, above: u32) -> GroupBits {
    if lower.filter.takes_all_groups() {
        return GroupBits::ALL;
    }
    let mut bits = lower.filter.groups_pushed(above);
    bits.set(MacAddr::BROADCAST);
    bits
}
