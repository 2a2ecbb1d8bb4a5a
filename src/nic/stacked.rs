//! What a sub-interface or a bond wants of the device below it (`vlan_dev_set_rx_mode`, `vlan_dev_change_rx_flags`,
//! `bond_set_rx_mode`).

use super::Nic;
use crate::frame::MacAddr;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// What a sub-interface or a bond has pushed down to the device below it.
#[derive(Clone, Debug, Default)]
pub struct PushedDown {
    /// Unicast and group addresses.
    addresses: BTreeSet<MacAddr>,
    /// The sub-interface's own MAC address at that time, if it was up.
    own: Option<MacAddr>,
    promisc: bool,
    allmulti: bool,
}

/// How what a sub-interface wants has changed; for the device below, which takes it over once.
#[derive(Debug)]
#[must_use = "the device below takes these over"]
pub struct Pushes {
    /// Each address, and whether it comes or goes.
    moved: Vec<(MacAddr, bool)>,
    /// What to add to the counts.
    promisc: i32,
    allmulti: i32,
}

impl PushedDown {
    /// Brings this in line with how the sub-interface stands now. Of many addresses only those are looked at that may have
    /// come or gone since the last time.
    pub(crate) fn update(&mut self, upper: &mut Nic) -> Pushes {
        let mut touched = upper.filter_mut().take_touched();
        let own_now = upper.is_up().then_some(upper.mac());
        let own_before = core::mem::replace(&mut self.own, own_now);
        if own_now.is_some() != own_before.is_some() {
            touched.extend(upper.filter().addresses().chain(self.addresses.iter().copied()));
        }
        touched.extend(own_now.into_iter().chain(own_before));
        touched.retain(|mac| {
            let wanted = own_now.is_some_and(|own| own == *mac || upper.filter().lists(*mac));
            if wanted { self.addresses.insert(*mac) } else { self.addresses.remove(mac) }
        });
        let moved = touched.iter().map(|mac| (*mac, self.addresses.contains(mac))).collect();
        // How much a wish adds to the count below, now that it is there or not.
        let passed_down = |count: u32, before: &mut bool| {
            let wanted = upper.is_up() && count != 0;
            i32::from(wanted) - i32::from(core::mem::replace(before, wanted))
        };
        let promisc = passed_down(upper.filter().promiscuity(), &mut self.promisc);
        let allmulti = passed_down(upper.filter().allmulti(), &mut self.allmulti);
        Pushes { moved, promisc, allmulti }
    }
}

impl PushedDown {
    /// Takes everything back, for a device that is to be above another one.
    pub fn take_back(&mut self) -> Pushes {
        let PushedDown { addresses, promisc, allmulti, .. } = core::mem::take(self);
        let moved = addresses.into_iter().map(|mac| (mac, false)).collect();
        Pushes { moved, promisc: -i32::from(promisc), allmulti: -i32::from(allmulti) }
    }
}

impl Nic {
    /// Takes over what a sub-interface above wants.
    pub(crate) fn take_pushes(&mut self, pushes: &Pushes) {
        let own = self.mac();
        let filter = self.filter_mut();
        for &(mac, comes) in pushes.moved.iter().filter(|(mac, _)| *mac != own) {
            match (mac.is_multicast(), comes) {
                (true, true) => filter.group_push(mac),
                (true, false) => filter.group_pull(mac),
                (false, true) => filter.unicast_add(mac),
                (false, false) => filter.unicast_del(mac),
            }
        }
        filter.promiscuity_add(pushes.promisc);
        filter.allmulti_add(pushes.allmulti);
        self.refresh_filter();
    }
}
