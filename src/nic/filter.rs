//! The NIC's address filter and promiscuity: the kernel's unicast and multicast lists of a device.

use super::GroupBits;
use super::groups::Buckets;
use crate::frame::MacAddr;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The NIC's unicast filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnicastFilter {
    /// None: everything on the cable comes in, as with a veth. The kernel makes such a device promiscuous as long as
    /// it has to receive for addresses other than its own.
    #[default]
    None,
    /// This number of exact unicast slots beside the NIC's own address; more addresses than that turn promiscuity on.
    Slots(u32),
}

/// How often each group is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct GroupUse {
    /// Joined by hand on the device.
    by_hand: bool,
    /// Joined by the device's own stack.
    by_stack: bool,
    /// By the ports above it.
    synced: u32,
}

/// A lower device's filter lists (`dev->uc`, `dev->mc`, `dev->promiscuity`, `dev->allmulti`).
#[derive(Clone, Debug, Default)]
pub struct Filter {
    hardware: UnicastFilter,
    unicast: BTreeMap<MacAddr, u32>,
    groups: BTreeMap<MacAddr, GroupUse>,
    /// The groups that were pushed down, once more.
    pushed: Buckets,
    /// What may have come or gone since it was taken last; only for a device that passes its lists on.
    touched: Option<BTreeSet<MacAddr>>,
    promiscuity: u32,
    allmulti: u32,
    /// The unicast list made the device promiscuous (the kernel's `uc_promisc`).
    unicast_promisc: bool,
}

impl Filter {
    /// An empty filter.
    #[must_use]
    pub(super) fn new(hardware: UnicastFilter) -> Filter {
        Filter { hardware, ..Filter::default() }
    }

    /// The same filter, which remembers what comes and goes until it is [taken](Filter::take_touched): for a device that
    /// passes its lists on.
    #[must_use]
    pub(super) fn passed_on(self) -> Filter {
        Filter { touched: Some(BTreeSet::new()), ..self }
    }

    /// The addresses and groups that may have come or gone since the last time.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<MacAddr> {
        self.touched.as_mut().map(core::mem::take).unwrap_or_default()
    }

    fn touch(&mut self, mac: MacAddr) {
        if let Some(touched) = &mut self.touched {
            touched.insert(mac);
        }
    }

    /// Adds (+1) or takes back (-1) a reason for promiscuity. The count wraps below zero, as the kernel's does, but not
    /// back (R54): it then stays where it is, and the answer is `false` (the kernel's `EOVERFLOW`).
    pub(crate) fn promiscuity_add(&mut self, by: i32) -> bool {
        let sum = self.promiscuity.wrapping_add_signed(by);
        let fits = by <= 0 || sum != 0;
        if fits {
            self.promiscuity = sum;
        }
        fits
    }

    /// Adds (+1) or takes back (-1) a reason for receiving all groups.
    pub(crate) fn allmulti_add(&mut self, by: i32) {
        self.allmulti = self.allmulti.wrapping_add_signed(by);
    }

    /// The promiscuity count.
    #[must_use]
    pub fn promiscuity(&self) -> u32 {
        self.promiscuity
    }

    /// The count of reasons for receiving all groups.
    #[must_use]
    pub fn allmulti(&self) -> u32 {
        self.allmulti
    }

    /// IFF_PROMISC or IFF_ALLMULTI: what the ports' common group filter looks at.
    #[must_use]
    pub fn takes_all_groups(&self) -> bool {
        self.promiscuity != 0 || self.allmulti != 0
    }

    /// One more (or one fewer) user of a unicast address (`dev_uc_add`, `dev_uc_del`).
    pub(crate) fn unicast_add(&mut self, mac: MacAddr) {
        *self.unicast.entry(mac).or_default() += 1;
        self.touch(mac);
    }

    /// See [`Filter::unicast_add`].
    pub(crate) fn unicast_del(&mut self, mac: MacAddr) {
        self.touch(mac);
        if let Some(n) = self.unicast.get_mut(&mac) {
            *n -= 1;
            if *n == 0 {
                self.unicast.remove(&mac);
            }
        }
    }

    /// A group is joined by hand on the device.
    pub(super) fn join(&mut self, group: MacAddr) {
        self.change_use(group, |g| g.by_hand = true);
    }

    /// A group is left by hand, however often it was joined. `false`: it was not joined by hand, whatever the stack or
    /// the ports above have joined (R88).
    pub(super) fn leave(&mut self, group: MacAddr) -> bool {
        let had = self.groups.get(&group).is_some_and(|g| g.by_hand);
        self.change_use(group, |g| g.by_hand = false);
        had
    }

    /// The device's own stack joins a group or leaves it, as it comes up and goes down.
    pub(super) fn stack_joins(&mut self, group: MacAddr, joined: bool) {
        self.change_use(group, |g| g.by_stack = joined);
    }

    /// Changes who uses a group, and forgets one without users.
    fn change_use(&mut self, group: MacAddr, change: impl FnOnce(&mut GroupUse)) {
        let used = self.groups.entry(group).or_default();
        let before = used.synced;
        change(used);
        let (now, is_used) = (used.synced, *used != GroupUse::default());
        if !is_used {
            self.groups.remove(&group);
        }
        self.pushed.count(group, before, now);
        self.touch(group);
    }

    /// A port above pushes a group down (`dev_mc_sync`).
    pub(crate) fn group_push(&mut self, group: MacAddr) {
        self.change_use(group, |g| g.synced += 1);
    }

    /// A port above takes a group back (`dev_mc_unsync`).
    pub(crate) fn group_pull(&mut self, group: MacAddr) {
        self.change_use(group, |g| g.synced = g.synced.saturating_sub(1));
    }

    /// The groups that more than `above` ports have pushed down.
    #[must_use]
    pub(crate) fn groups_pushed(&self, above: u32) -> GroupBits {
        self.pushed.above(above)
    }

    /// Whether an address or a group is in the lists.
    #[must_use]
    pub fn lists(&self, mac: MacAddr) -> bool {
        self.unicast.contains_key(&mac) || self.groups.contains_key(&mac)
    }

    /// Every unicast address and group in the lists, for the device below a sub-interface.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = MacAddr> + '_ {
        self.unicast.keys().chain(self.groups.keys()).copied()
    }

    /// Brings promiscuity in line with the unicast list; the kernel does so whenever the list of a device that is up
    /// changes, and when it comes up (`__dev_set_rx_mode`).
    pub(crate) fn refresh(&mut self, up: bool) {
        if !up || self.hardware != UnicastFilter::None {
            return;
        }
        let wanted = !self.unicast.is_empty();
        if wanted != self.unicast_promisc {
            self.unicast_promisc = wanted;
            self.promiscuity_add(if wanted { 1 } else { -1 });
        }
    }

    /// What the hardware lets in as of now, beside the device's own address.
    #[must_use]
    pub(super) fn publish(&self) -> Passes {
        let UnicastFilter::Slots(slots) = self.hardware else { return Passes::Everything };
        let overflow = self.unicast.len() > slots as usize;
        if self.promiscuity != 0 || overflow {
            return Passes::Everything;
        }
        let all_groups = self.allmulti != 0;
        let mut listed: Vec<MacAddr> = self.addresses().collect();
        listed.sort_unstable();
        Passes::Listed { all_groups, listed: listed.into() }
    }
}

/// The addresses that a NIC's hardware lets in; never changes.
#[derive(Clone, Debug)]
pub(super) enum Passes {
    /// All.
    Everything,
    /// Broadcast and these.
    Listed {
        /// All multicast as well.
        all_groups: bool,
        /// Sorted.
        listed: Arc<[MacAddr]>,
    },
}

/// Apart, so that an address that need not be looked for need not be in memory.
#[inline(never)]
fn is_listed(listed: &[MacAddr], mac: MacAddr) -> bool {
    listed.binary_search(&mac).is_ok()
}

impl Passes {
    #[inline]
    pub(super) fn passes(&self, dst: MacAddr) -> bool {
        match self {
            Passes::Everything => true,
            Passes::Listed { all_groups, listed } => {
                dst.is_broadcast() || (*all_groups && dst.is_multicast()) || is_listed(listed, dst)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
    const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

    #[test]
    fn a_device_without_a_filter_turns_promiscuous_for_foreign_addresses() {
        let mut f = Filter::new(UnicastFilter::None);
        f.unicast_add(A);
        f.refresh(false);
        assert_eq!(f.promiscuity(), 0, "a device that is down is not touched");
        f.refresh(true);
        assert_eq!(f.promiscuity(), 1);
        f.unicast_add(B);
        f.unicast_del(A);
        f.refresh(true);
        assert_eq!(f.promiscuity(), 1);
        f.unicast_del(B);
        f.refresh(true);
        assert_eq!(f.promiscuity(), 0);
    }

    #[test]
    fn slots_filter_exactly_until_they_overflow() {
        let mut f = Filter::new(UnicastFilter::Slots(1));
        f.unicast_add(A);
        assert!(f.publish().passes(A) && !f.publish().passes(B));
        f.unicast_add(B);
        assert!(f.publish().passes(MacAddr([2, 0, 0, 0, 0, 3])));
        assert_eq!(f.promiscuity(), 0, "the driver's promiscuity is not counted");
    }

    #[test]
    fn groups_pass_when_joined_or_pushed() {
        let mut f = Filter::new(UnicastFilter::Slots(4));
        let group = MacAddr([1, 0, 0x5e, 0, 0, 7]);
        assert!(!f.publish().passes(group));
        f.group_push(group);
        assert!(f.publish().passes(group));
        f.join(group);
        f.group_pull(group);
        assert!(f.publish().passes(group));
        assert!(f.leave(group) && !f.leave(group));
        assert!(!f.publish().passes(group));
    }
}
