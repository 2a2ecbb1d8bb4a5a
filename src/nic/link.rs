//! A network device's link: what comes in from the cable, what may be sent.

use super::filter::{Filter, Passes, UnicastFilter};
use crate::errno::Errno;
use crate::frame::{EthHeader, MacAddr, PacketType};
use crate::verdict::{Refusal, Rule};

/// A device with its own link: a NIC, a VLAN sub-interface, a station's or router's interface.
#[derive(Clone, Debug)]
pub struct Nic {
    mac: MacAddr,
    mtu: u32,
    up: bool,
    promisc: bool,
    allmulticast: bool,
    filter: Filter,
}

/// The smallest mtu with which a device speaks IPv6 (RFC 8200, section 5).
const IPV6_MIN_MTU: u32 = 1280;

/// The groups that every device's stack joins while the device is up: all hosts (IPv4) and, unless its mtu is too small
/// for IPv6, all nodes.
#[must_use]
pub const fn stack_groups(mtu: u32) -> &'static [MacAddr] {
    const GROUPS: &[MacAddr] = &[MacAddr::ALL_HOSTS_V4, MacAddr::ALL_NODES_V6];
    if mtu < IPV6_MIN_MTU { GROUPS.split_at(1).0 } else { GROUPS }
}

/// The smallest mtu of an Ethernet device.
pub const MIN_MTU: u32 = 68;
/// The largest.
pub const MAX_MTU: u32 = 65_535;

impl Nic {
    /// A device that is down, with its own MAC address, its MTU in bytes, and its hardware's filter.
    ///
    /// # Errors
    /// What [`Nic::check_mac`] and [`Nic::check_mtu`] answer.
    pub fn new(mac: MacAddr, mtu: u32, hardware: UnicastFilter) -> Result<Nic, Refusal> {
        Nic::check_mac(mac)?;
        Nic::check_mtu(mtu)?;
        Ok(Nic::down(mac, mtu, Filter::new(hardware)))
    }

    /// A VLAN sub-interface that is down. What it wants of its cable it [pushes down](super::PushedDown) to the device below
    /// it, whose MTU alone bounds its own.
    ///
    /// # Errors
    /// What [`Nic::check_mac`] answers.
    pub fn sub_interface(mac: MacAddr, mtu: u32) -> Result<Nic, Refusal> {
        Nic::check_mac(mac)?;
        Ok(Nic::down(mac, mtu, Filter::new(UnicastFilter::Slots(u32::MAX)).passed_on()))
    }

    /// A bond that is down. What it wants of its cable it pushes down to its active port.
    ///
    /// # Errors
    /// What [`Nic::check_mac`] and [`Nic::check_mtu`] answer.
    pub fn bond(mac: MacAddr, mtu: u32) -> Result<Nic, Refusal> {
        Nic::check_mtu(mtu)?;
        Nic::sub_interface(mac, mtu)
    }

    fn down(mac: MacAddr, mtu: u32, filter: Filter) -> Nic {
        Nic { mac, mtu, up: false, promisc: false, allmulticast: false, filter }
    }

    /// Its MAC address.
    #[must_use]
    pub const fn mac(&self) -> MacAddr {
        self.mac
    }

    /// Its MTU: the largest payload in bytes.
    #[must_use]
    pub const fn mtu(&self) -> u32 {
        self.mtu
    }

    /// Whether it is administratively up.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.up
    }

    /// Whether it is promiscuous by hand (IFF_PROMISC set by the administrator).
    #[must_use]
    pub const fn is_promisc(&self) -> bool {
        self.promisc
    }

    /// Whether it is all-multicast by hand.
    #[must_use]
    pub const fn is_allmulticast(&self) -> bool {
        self.allmulticast
    }

    /// Its filter lists.
    #[must_use]
    pub const fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The lists, for what sits on the device.
    pub(crate) fn filter_mut(&mut self) -> &mut Filter {
        &mut self.filter
    }

    /// Brings promiscuity in line after a change of the lists ([`Filter::refresh`]).
    pub(crate) fn refresh_filter(&mut self) {
        self.filter.refresh(self.up);
    }

    /// Administrative state; coming up brings promiscuity in line.
    pub fn set_up(&mut self, up: bool) {
        self.up = up;
        self.stack_joins();
        self.refresh_filter();
    }

    /// Changes the MAC address.
    ///
    /// # Errors
    /// What [`Nic::check_mac`] answers.
    pub fn set_mac(&mut self, mac: MacAddr) -> Result<(), Refusal> {
        Nic::check_mac(mac)?;
        self.mac = mac;
        Ok(())
    }

    /// Changes the MAC address to one that was checked before.
    pub(crate) fn replace_mac(&mut self, mac: MacAddr) {
        debug_assert!(mac.is_valid_station(), "{mac}");
        self.mac = mac;
    }

    /// Changes the MTU, in bytes.
    ///
    /// # Errors
    /// What [`Nic::check_mtu`] answers.
    pub fn set_mtu(&mut self, mtu: u32) -> Result<(), Refusal> {
        Nic::check_mtu(mtu)?;
        self.mtu = mtu;
        self.stack_joins();
        Ok(())
    }

    fn stack_joins(&mut self) {
        for group in stack_groups(u32::MAX) {
            let joined = self.up && stack_groups(self.mtu).contains(group);
            self.filter.stack_joins(*group, joined);
        }
    }

    /// Makes the device promiscuous by hand or not.
    pub fn set_promisc(&mut self, on: bool) {
        if self.promisc != on {
            self.promisc = on;
            self.filter.promiscuity_add(if on { 1 } else { -1 });
        }
    }

    /// Makes the device all-multicast by hand or not.
    pub fn set_allmulticast(&mut self, on: bool) {
        if self.allmulticast != on {
            self.allmulticast = on;
            self.filter.allmulti_add(if on { 1 } else { -1 });
        }
    }

    /// Joins a group by hand.
    pub fn join(&mut self, group: MacAddr) {
        self.filter.join(group);
    }

    /// Leaves a group by hand, however often it was joined.
    ///
    /// # Errors
    /// `ENOENT` if it was not joined by hand, whatever the stack or the ports above have joined (R88).
    pub fn leave(&mut self, group: MacAddr) -> Result<(), Refusal> {
        let left = self.filter.leave(group);
        if left { Ok(()) } else { Err(Refusal::new(Errno::Enoent, Rule::JoinAndLeave)) }
    }

    /// Checks a new MAC address.
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` for a multicast or zero address (`eth_prepare_mac_addr_change`).
    pub fn check_mac(mac: MacAddr) -> Result<(), Refusal> {
        if mac.is_valid_station() {
            Ok(())
        } else {
            Err(Refusal::new(Errno::Eaddrnotavail, Rule::ChangeAddress))
        }
    }

    /// Checks a new MTU, in bytes.
    ///
    /// # Errors
    /// `EINVAL` below 68 or above 65,535 (`dev_validate_mtu`).
    pub fn check_mtu(mtu: u32) -> Result<(), Refusal> {
        if (MIN_MTU..=MAX_MTU).contains(&mtu) {
            Ok(())
        } else {
            Err(Refusal::new(Errno::Einval, Rule::ChangeMtu))
        }
    }

    /// Whether a frame of this length fits in at this end of the cable (R74): mtu, header and one tag.
    #[must_use]
    pub fn fits(mtu: u32, len: usize) -> bool {
        len <= mtu as usize + EthHeader::LEN + EthHeader::TAG_LEN as usize
    }

    /// What it takes from its cable as of now.
    #[must_use]
    pub fn intake(&self) -> RxFilter {
        RxFilter { up: self.up, mac: self.mac, passes: self.filter.publish() }
    }
}

/// What a device takes from its cable. It never changes; a change of the device makes a new one ([`Nic::intake`]).
#[derive(Clone, Debug)]
pub struct RxFilter {
    up: bool,
    mac: MacAddr,
    passes: Passes,
}

impl RxFilter {
    /// Whether the device is administratively up.
    #[inline]
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// The device's address.
    #[inline]
    #[must_use]
    pub fn mac(&self) -> MacAddr {
        self.mac
    }

    /// Whether the hardware of a device that is up lets a frame in from the cable.
    #[inline]
    #[must_use]
    pub fn lets_in(&self, header: &EthHeader) -> bool {
        self.passes.passes(header.dst) || header.dst == self.mac
    }

    /// The rule by which the hardware keeps out what it does not [let in](RxFilter::lets_in).
    #[must_use]
    pub fn refusal(&self, header: &EthHeader) -> Rule {
        if header.dst.is_multicast() { Rule::HardwareGroupFilter } else { Rule::HardwareFilter }
    }

    /// How a frame looks to the device.
    #[inline]
    #[must_use]
    pub fn packet_type(&self, header: &EthHeader) -> PacketType {
        PacketType::of(header.dst, self.mac)
    }
}

/// Whether a device may be asked to send these bytes (the kernel's `packet_snd`).
///
/// # Errors
/// `ENETDOWN` if it is down (R89), `EINVAL` below 14 bytes (R72), `EMSGSIZE` above mtu + 14, or + 18 behind an outer
/// 0x8100 tag (R73, R197).
pub fn check_send(frame: &[u8], mtu: u32, up: bool) -> Result<(), Refusal> {
    if !up {
        return Err(Refusal::new(Errno::Enetdown, Rule::SendDown));
    }
    let Some(ethertype) = frame.get(12..14) else {
        return Err(Refusal::new(Errno::Einval, Rule::RuntSend));
    };
    let tag = if ethertype == [0x81, 0x00] { EthHeader::TAG_LEN as usize } else { 0 };
    if frame.len() > mtu as usize + EthHeader::LEN + tag {
        return Err(Refusal::new(Errno::Emsgsize, Rule::TooLongToSend));
    }
    Ok(())
}

/// The packet type as the host stack sees it: tags with id 0 are peeled off one by one, and the first id above 0
/// makes the frame one for another host (R71, R196). `None`: the tags run off the end of the frame, which then vanishes.
#[must_use]
pub fn host_stack_type(frame: &[u8], by_address: PacketType) -> Option<PacketType> {
    let mut depth = 0;
    for tag in EthHeader::tags(frame) {
        depth += 1;
        if frame.len() < EthHeader::LEN + EthHeader::TAG_LEN as usize * depth + 2 {
            return None;
        }
        if tag.vlan().get() != 0 {
            return Some(PacketType::OtherHost);
        }
    }
    Some(by_address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(tags: &[u16], tail: usize) -> Vec<u8> {
        let mut f = vec![0xff; 12];
        for t in tags {
            f.extend([0x81, 0x00]);
            f.extend(t.to_be_bytes());
        }
        f.extend([0x08, 0x00]);
        f.resize(f.len() + tail, 0);
        f
    }

    #[test]
    fn the_first_id_above_zero_makes_it_otherhost() {
        let t = |tags: &[u16]| host_stack_type(&frame(tags, 50), PacketType::Broadcast);
        assert_eq!(t(&[]), Some(PacketType::Broadcast));
        assert_eq!(t(&[0]), Some(PacketType::Broadcast));
        assert_eq!(t(&[0, 0, 7]), Some(PacketType::OtherHost));
        assert_eq!(t(&[7]), Some(PacketType::OtherHost));
    }

    #[test]
    fn sending_has_its_limits() {
        assert_eq!(check_send(&[0; 13], 1500, true), Err(Refusal::new(Errno::Einval, Rule::RuntSend)));
        assert_eq!(check_send(&[0; 60], 1500, false), Err(Refusal::new(Errno::Enetdown, Rule::SendDown)));
        assert_eq!(check_send(&frame(&[], 1500), 1500, true), Ok(()));
        assert_eq!(
            check_send(&frame(&[], 1501), 1500, true),
            Err(Refusal::new(Errno::Emsgsize, Rule::TooLongToSend))
        );
        assert_eq!(check_send(&frame(&[9], 1500), 1500, true), Ok(()));
        assert_eq!(
            check_send(&frame(&[9], 1501), 1500, true),
            Err(Refusal::new(Errno::Emsgsize, Rule::TooLongToSend))
        );
    }

    #[test]
    fn all_multicast_by_hand_ends_by_hand() {
        let mut nic = Nic::new(MacAddr([2, 0, 0, 0, 0, 1]), 1500, UnicastFilter::Slots(4)).unwrap();
        nic.set_up(true);
        let mut group = frame(&[], 46);
        group[..6].copy_from_slice(&[1, 0, 0x5e, 1, 2, 3]);
        let header = EthHeader::parse(&group).unwrap();
        for on in [true, true, false, false] {
            nic.set_allmulticast(on);
            assert_eq!(nic.intake().lets_in(&header), on);
        }
    }
}
