//! What can change while a port exists, with the kernel's errors.

use super::admit::check_senders;
use super::groups::GroupFilter;
use super::parent::Demux;
use super::ports::Wishes;
use super::{MacvlanFlags, Mode, Port, SourcesChange};
use crate::errno::Errno;
use crate::frame::MacAddr;
use crate::nic::{GroupBits, Nic, stack_groups};
use crate::verdict::{PortId, Refusal, Rule};
use alloc::collections::BTreeSet;
use alloc::sync::Arc;

/// A port of a [`Parent`](super::Parent), to be changed.
#[derive(Debug)]
pub struct PortMut<'a> {
    demux: &'a mut Demux,
    lower: &'a mut Nic,
    id: PortId,
}

impl Demux {
    /// Sets the broadcast cut-off (R191).
    pub(super) fn set_bclim(&mut self, lower: &Nic, bclim: i32) {
        if self.bclim != bclim {
            self.bclim = bclim;
            self.load_queue_filter(lower);
        }
    }

    /// What of the parent's filter goes through the queue (`macvlan_recompute_bc_filter`).
    fn load_queue_filter(&mut self, lower: &Nic) {
        self.queue_filter = match u32::try_from(self.bclim) {
            Ok(limit) => parent_bits(lower, limit),
            Err(_) => GroupBits::default(),
        };
    }
}

impl<'a> PortMut<'a> {
    /// A port that is there. The table that decides is made anew when it is asked for next.
    pub(super) fn new(demux: &'a mut Demux, lower: &'a mut Nic, id: PortId) -> PortMut<'a> {
        debug_assert!(demux.ports.get(id).is_some(), "{id:?} is not there");
        demux.published = None;
        PortMut { demux, lower, id }
    }

    fn port(&mut self) -> &mut Port {
        self.demux.ports.at(self.id)
    }

    /// The port has taken the parent over (R50).
    fn is_passthru(&self) -> bool {
        self.demux.ports.passthru() == Some(self.id)
    }

    /// Brings the port up or down (`macvlan_open`, `macvlan_stop`).
    ///
    /// # Errors
    /// `EADDRINUSE` if its MAC address is the parent's or an active port's (R83).
    pub fn set_up(&mut self, up: bool) -> Result<(), Refusal> {
        let was_up = self.port().up;
        if was_up {
            // A request on an active port reloads the filters even if it changes nothing (R62).
            self.load_filters();
        }
        match (was_up, up) {
            (false, true) => self.open()?,
            (true, false) => self.stop(),
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self) -> Result<(), Refusal> {
        let Port { mac, flags, .. } = *self.port();
        let Wishes { promisc, allmulticast } = self.port().wishes();
        if self.is_passthru() {
            if !flags.nopromisc && !self.lower.filter_mut().promiscuity_add(1) {
                return Err(Refusal::new(Errno::Eoverflow, Rule::PassthruPromiscuity));
            }
        } else {
            self.demux.check_free(self.lower, mac, Rule::AddressInUse)?;
            let filter = self.lower.filter_mut();
            filter.unicast_add(mac);
            filter.allmulti_add(i32::from(allmulticast));
            filter.promiscuity_add(i32::from(promisc));
            self.demux.ports.activate(mac, self.id);
        }
        self.port().up = true;
        self.lower.refresh_filter();
        self.load_filters();
        Ok(())
    }

    fn stop(&mut self) {
        let pushed = core::mem::take(&mut self.port().pushed);
        let Port { mac, flags, .. } = *self.port();
        let Wishes { promisc, allmulticast } = self.port().wishes();
        let passthru = self.is_passthru();
        let filter = self.lower.filter_mut();
        pushed.into_iter().for_each(|group| filter.group_pull(group));
        if passthru {
            filter.promiscuity_add(-i32::from(!flags.nopromisc));
        } else {
            filter.allmulti_add(-i32::from(allmulticast));
            filter.promiscuity_add(-i32::from(promisc));
            filter.unicast_del(mac);
            self.demux.ports.deactivate(mac);
        }
        self.port().up = false;
        self.lower.refresh_filter();
    }

    /// Loads the port's group filter, pushes its groups down and reloads the parent's (`macvlan_set_mac_lists`).
    fn load_filters(&mut self) {
        let port = self.demux.ports.at(self.id);
        let mut wanted = port.groups.clone();
        wanted.extend(stack_groups(port.mtu));
        // A group that was left is still in the list when the filter is made of it, for as long as it is pushed down: it
        // is taken back only then, and passes the filter until the next time it is loaded (R22).
        let listed = wanted.union(&port.pushed).copied().collect();
        let Wishes { promisc, allmulticast } = port.wishes();
        port.filter = Arc::new(GroupFilter::new(promisc || allmulticast, &listed));
        let filter = self.lower.filter_mut();
        for group in wanted.difference(&port.pushed) {
            filter.group_push(*group);
        }
        for group in port.pushed.difference(&wanted) {
            filter.group_pull(*group);
        }
        port.pushed = wanted;
        self.demux.parent_filter = parent_bits(self.lower, 0);
        self.demux.load_queue_filter(self.lower);
    }

    /// Sets the parent's broadcast cut-off (R191): any port's request counts for all.
    pub fn set_bclim(&mut self, bclim: i32) {
        self.demux.set_bclim(self.lower, bclim);
    }

    /// Sets the requested length of the broadcast queue, in frames.
    pub fn set_bcqueuelen(&mut self, len: u32) {
        self.port().bcqueuelen = len;
    }

    /// Changes the MAC address (`macvlan_set_mac_address`). A passthru port's is its parent's (R53).
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` if it is multicast or zero, `EADDRINUSE` if it is the parent's or an active port's (R84).
    pub fn set_mac(&mut self, mac: MacAddr) -> Result<(), Refusal> {
        let Port { mac: old, up, .. } = *self.port();
        Nic::check_mac(mac)?;
        if mac == old {
            return Ok(());
        }
        if self.is_passthru() {
            self.lower.replace_mac(mac);
        } else {
            self.demux.check_free(self.lower, mac, Rule::ChangeAddress)?;
            if up {
                self.lower.filter_mut().unicast_add(mac);
                self.lower.filter_mut().unicast_del(old);
                self.lower.refresh_filter();
                self.demux.ports.deactivate(old);
                self.demux.ports.activate(mac, self.id);
            }
        }
        self.port().mac = mac;
        Ok(())
    }

    /// Changes the MTU, in bytes.
    ///
    /// # Errors
    /// `EINVAL` below 68 or above the parent's (R87).
    pub fn set_mtu(&mut self, mtu: u32) -> Result<(), Refusal> {
        Nic::check_mtu(mtu)?;
        if mtu > self.lower.mtu() {
            return Err(Refusal::new(Errno::Einval, Rule::ChangeMtu));
        }
        let before = core::mem::replace(&mut self.port().mtu, mtu);
        // IPv6 comes or goes, and with it the group that its stack joins.
        if self.port().up && stack_groups(before) != stack_groups(mtu) {
            self.load_filters();
        }
        Ok(())
    }

    /// Changes the mode (`macvlan_changelink`). Leaving source mode empties the list (R44).
    ///
    /// # Errors
    /// `EINVAL` to or from passthru (R86).
    pub fn set_mode(&mut self, mode: Mode) -> Result<(), Refusal> {
        if (mode == Mode::Passthru) != self.is_passthru() {
            return Err(Refusal::new(Errno::Einval, Rule::ChangeMode));
        }
        self.port().mode = mode;
        if mode != Mode::Source {
            self.demux.ports.edit_list(self.id, |_, sources| sources.clear());
        }
        Ok(())
    }

    /// Changes the flags. `nopromisc` moves the parent's promiscuity even while a passthru port is down (R54).
    ///
    /// # Errors
    /// `EOVERFLOW` if the parent's promiscuity count cannot grow.
    pub fn set_flags(&mut self, flags: MacvlanFlags) -> Result<(), Refusal> {
        let moves = self.is_passthru() && self.port().flags.nopromisc != flags.nopromisc;
        if moves && !self.lower.filter_mut().promiscuity_add(if flags.nopromisc { -1 } else { 1 }) {
            return Err(Refusal::new(Errno::Eoverflow, Rule::PassthruPromiscuity));
        }
        self.port().flags = flags;
        Ok(())
    }

    /// Makes the port promiscuous by hand or not.
    pub fn set_promisc(&mut self, on: bool) {
        self.change_wishes(|port| port.promisc = on);
    }

    /// Makes the port all-multicast by hand or not.
    pub fn set_allmulticast(&mut self, on: bool) {
        self.change_wishes(|port| port.allmulticast = on);
    }

    /// The port becomes a port of a bridge, or is one no longer: promiscuous and all-multicast meanwhile (R225).
    pub fn set_bridged(&mut self, on: bool) {
        if self.port().bridged != on {
            self.change_wishes(|port| port.bridged = on);
        }
    }

    /// Lets the parent know whether the port has become promiscuous or all-multicast (`macvlan_change_rx_flags`). A
    /// passthru port has the parent to itself, and passes only the second on.
    fn change_wishes(&mut self, change: impl FnOnce(&mut Port)) {
        let port = self.port();
        let before = port.wishes();
        change(port);
        let (after, up) = (port.wishes(), port.up);
        if up {
            let moved = |before, after| i32::from(after) - i32::from(before);
            if !self.is_passthru() {
                self.lower.filter_mut().promiscuity_add(moved(before.promisc, after.promisc));
            }
            self.lower.filter_mut().allmulti_add(moved(before.allmulticast, after.allmulticast));
            // As with up and down, a request that changes nothing loads the filters as well (R62).
            self.load_filters();
        }
    }

    /// Joins a group. Nothing is checked, and what is joined while down counts once up (R88).
    pub fn join(&mut self, group: MacAddr) {
        self.port().groups.insert(group);
        if self.port().up {
            self.load_filters();
        }
    }

    /// Leaves a group, however often it was joined.
    ///
    /// # Errors
    /// `ENOENT` if it was not joined by hand (R88); what the port's own stack has joined cannot be left so.
    pub fn leave(&mut self, group: MacAddr) -> Result<(), Refusal> {
        if !self.port().groups.remove(&group) {
            return Err(Refusal::new(Errno::Enoent, Rule::JoinAndLeave));
        }
        if self.port().up {
            self.load_filters();
        }
        Ok(())
    }

    /// Edits a source port's list (`macvlan_changelink_sources`): entry by entry, or as a whole.
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` at a multicast or zero entry, `EINVAL` if the port is not in source mode (R44), `ENOBUFS` beyond
    /// [`MAX_LISTED_SENDERS`](super::MAX_LISTED_SENDERS).
    pub fn change_sources(&mut self, change: &SourcesChange) -> Result<(), Refusal> {
        let listed = self.demux.ports.listed();
        match change {
            SourcesChange::Add(macs) => check_senders(listed, macs.len())?,
            // The new list takes the place of the old one.
            SourcesChange::Set(macs) => check_senders(listed - self.port().sources.len(), macs.len())?,
            SourcesChange::Del(_) | SourcesChange::Flush => {}
        }
        self.demux.ports.edit_list(self.id, |mode, sources| edit_sources(mode, sources, change))
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
    if lower.filter().takes_all_groups() {
        return GroupBits::ALL;
    }
    let mut bits = lower.filter().groups_pushed(above);
    bits.set(MacAddr::BROADCAST);
    bits
}
