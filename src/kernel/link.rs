//! Messages that create, change and delete devices, and the kernel's answers.

use super::rtnl::{NEW, Rtnl};
use crate::counters::Counters;
use crate::errno::ErrorNumber;
use crate::frame::MacAddr;
use crate::lab::DeviceState;
use crate::lab::spec::{FdbSpec, MacvlanSpec};
use crate::macvlan::{MacvlanFlags, Mode};
use netlink_packet_core::{DefaultNla, Emitable, NLA_F_NESTED, NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    BridgePortState, InfoBridge, InfoBridgePort, InfoData, InfoKind, InfoMacVlan, InfoVeth, InfoVlan,
    LinkAttribute, LinkFlags, LinkInfo, LinkMessage, MacVlanFlags, MacVlanMacAddressMode, MacVlanMode, State,
};
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use std::net::IpAddr;
use std::os::fd::RawFd;
use std::time::Duration;

/// `NUD_NOARP | NUD_REACHABLE`: the state that `bridge fdb add … static` sets.
const STATIC_ENTRY: NeighbourState = NeighbourState::Other(0x42);

/// Bridge port attributes (linux/if_link.h).
const IFLA_PROTINFO: u16 = 12;
/// The device group of all devices of a lab.
const GROUP: u32 = 0x6c61_6221;

/// One end of a cable to create.
#[derive(Clone, Debug)]
pub(super) struct NewEnd {
    pub(super) ifname: String,
    pub(super) ifindex: u32,
    pub(super) mac: MacAddr,
    pub(super) mtu: u32,
}

impl NewEnd {
    fn message(&self) -> LinkMessage {
        let mut m = LinkMessage::default();
        m.header.index = self.ifindex;
        m.attributes = vec![
            LinkAttribute::IfName(self.ifname.clone()),
            LinkAttribute::Group(GROUP),
            LinkAttribute::Address(self.mac.0.to_vec()),
            LinkAttribute::Mtu(self.mtu),
        ];
        m
    }
}

/// A veth pair: one end here, the other in another namespace.
pub(super) fn cable(
    rtnl: &mut Rtnl,
    here: &NewEnd,
    there: &NewEnd,
    there_ns: RawFd,
) -> Result<(), ErrorNumber> {
    let mut peer = there.message();
    peer.attributes.push(LinkAttribute::NetNsFd(there_ns));
    let mut m = here.message();
    m.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
    ]));
    rtnl.change(RouteNetlinkMessage::NewLink(m), NEW)
}

/// A bridge, up, without STP and snooping.
pub(super) fn bridge(
    rtnl: &mut Rtnl,
    ifname: &str,
    ifindex: u32,
    mac: MacAddr,
    mut settings: Vec<InfoBridge>,
) -> Result<(), ErrorNumber> {
    settings.push(InfoBridge::ForwardDelay(0));
    let with = |settings: Vec<InfoBridge>| {
        let mut m = LinkMessage::default();
        m.header.index = ifindex;
        m.header.flags = LinkFlags::Up;
        m.header.change_mask = LinkFlags::Up;
        m.attributes = vec![
            LinkAttribute::IfName(ifname.to_owned()),
            LinkAttribute::Group(GROUP),
            LinkAttribute::Address(mac.0.to_vec()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Bridge),
                LinkInfo::Data(InfoData::Bridge(settings)),
            ]),
        ];
        RouteNetlinkMessage::NewLink(m)
    };
    let mut quiet = settings.clone();
    quiet.push(InfoBridge::MulticastSnooping(false));
    match rtnl.change(with(quiet), NEW) {
        // The kernel may lack snooping.
        Err(ErrorNumber(libc::EOPNOTSUPP)) => rtnl.change(with(settings), NEW),
        other => other,
    }
}

/// An 802.1Q sub-interface of VLAN 1.
pub(super) fn sub_interface(rtnl: &mut Rtnl, parent: u32, ifindex: u32) -> Result<(), ErrorNumber> {
    let mut m = LinkMessage::default();
    m.header.index = ifindex;
    m.attributes = vec![
        LinkAttribute::Link(parent),
        LinkAttribute::Group(GROUP),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Vlan),
            LinkInfo::Data(InfoData::Vlan(vec![InfoVlan::Id(1)])),
        ]),
    ];
    rtnl.change(RouteNetlinkMessage::NewLink(m), NEW)
}

/// Changes bridge attributes.
pub(super) fn bridge_settings(
    rtnl: &mut Rtnl,
    ifindex: u32,
    settings: Vec<InfoBridge>,
) -> Result<(), ErrorNumber> {
    let info = vec![LinkInfo::Kind(InfoKind::Bridge), LinkInfo::Data(InfoData::Bridge(settings))];
    change_info(rtnl, ifindex, info)
}

/// A bridge's ageing time in the kernel's unit, hundredths of a second.
pub(super) fn ageing(time: Duration) -> InfoBridge {
    InfoBridge::AgeingTime(u32::try_from(time.as_millis() / 10).unwrap_or(u32::MAX))
}

/// Changes bridge port attributes as `bridge link set` does. (`ip link set … type bridge_slave` uses another request,
/// which announces a change of the device afterwards, upon which the bridge enables a disabled port again.)
pub(super) fn port_settings(
    rtnl: &mut Rtnl,
    ifindex: u32,
    settings: &[InfoBridgePort],
) -> Result<(), ErrorNumber> {
    let mut bytes = vec![0; settings.buffer_len()];
    settings.emit(&mut bytes);
    let mut m = LinkMessage::default();
    m.header.interface_family = AddressFamily::Bridge;
    m.header.index = ifindex;
    m.attributes = vec![LinkAttribute::Other(DefaultNla::new(IFLA_PROTINFO | NLA_F_NESTED, bytes))];
    rtnl.change(RouteNetlinkMessage::SetLink(m), 0)
}

/// Sets a port's state by its number.
pub(super) fn port_state(number: u8) -> InfoBridgePort {
    InfoBridgePort::State(BridgePortState::from(number))
}

fn change_info(rtnl: &mut Rtnl, ifindex: u32, info: Vec<LinkInfo>) -> Result<(), ErrorNumber> {
    let mut m = LinkMessage::default();
    m.header.index = ifindex;
    m.attributes = vec![LinkAttribute::LinkInfo(info)];
    rtnl.change(RouteNetlinkMessage::NewLink(m), 0)
}

/// Adds an entry to a bridge's forwarding database.
pub(super) fn add_entry(rtnl: &mut Rtnl, port_ifindex: u32, entry: &FdbSpec) -> Result<(), ErrorNumber> {
    let mut m = entry_at(port_ifindex, entry.mac);
    m.header.state = if entry.dynamic { NeighbourState::Reachable } else { STATIC_ENTRY };
    if entry.sticky {
        m.header.flags |= NeighbourFlags::Sticky;
    }
    let flags = if entry.replace { NLM_F_CREATE | NLM_F_REPLACE } else { NEW };
    rtnl.change(RouteNetlinkMessage::NewNeighbour(m), flags)
}

/// Removes an entry from a bridge's forwarding database.
pub(super) fn delete_entry(rtnl: &mut Rtnl, port_ifindex: u32, mac: MacAddr) -> Result<(), ErrorNumber> {
    rtnl.change(RouteNetlinkMessage::DelNeighbour(entry_at(port_ifindex, mac)), 0)
}

/// The bridge ports in the namespace that have an entry for this MAC address; without the bridges themselves, whose own
/// addresses belong to no port.
pub(super) fn ports_of_entry(rtnl: &mut Rtnl, mac: MacAddr) -> Result<Vec<u32>, ErrorNumber> {
    let entries = rtnl.forwarding_entries()?;
    let hit = |e: &NeighbourMessage| {
        e.attributes.iter().any(|a| matches!(a, NeighbourAttribute::LinkLayerAddress(b) if b[..] == mac.0))
            && e.attributes
                .iter()
                .any(|a| matches!(a, NeighbourAttribute::Controller(bridge) if *bridge != e.header.ifindex))
    };
    Ok(entries.iter().filter(|e| hit(e)).map(|e| e.header.ifindex).collect())
}

fn entry_at(port_ifindex: u32, mac: MacAddr) -> NeighbourMessage {
    let mut m = NeighbourMessage::default();
    m.header.family = AddressFamily::Bridge;
    m.header.ifindex = port_ifindex;
    m.header.flags = NeighbourFlags::Controller;
    m.attributes = vec![NeighbourAttribute::LinkLayerAddress(mac.0.to_vec())];
    m
}

/// Gives a device an IP address, and with it the route to its subnet.
pub(super) fn add_address(
    rtnl: &mut Rtnl,
    ifindex: u32,
    addr: IpAddr,
    prefix: u8,
) -> Result<(), ErrorNumber> {
    let mut m = AddressMessage::default();
    m.header.family = family(addr);
    m.header.prefix_len = prefix;
    m.header.index = ifindex;
    m.attributes = vec![AddressAttribute::Local(addr), AddressAttribute::Address(addr)];
    rtnl.change(RouteNetlinkMessage::NewAddress(m), NEW)
}

/// A static neighbour entry.
pub(super) fn add_neighbour(
    rtnl: &mut Rtnl,
    ifindex: u32,
    addr: IpAddr,
    mac: MacAddr,
) -> Result<(), ErrorNumber> {
    let mut m = NeighbourMessage::default();
    m.header.family = family(addr);
    m.header.ifindex = ifindex;
    m.header.state = NeighbourState::Permanent;
    m.attributes = vec![
        NeighbourAttribute::Destination(addr.into()),
        NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()),
    ];
    rtnl.change(RouteNetlinkMessage::NewNeighbour(m), NEW)
}

fn family(addr: IpAddr) -> AddressFamily {
    if addr.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

/// The kernel's number of a mode.
pub(super) fn mode_number(mode: Mode) -> u32 {
    match mode {
        Mode::Private => 1,
        Mode::Vepa => 2,
        Mode::Bridge => 4,
        Mode::Passthru => 8,
        Mode::Source => 16,
    }
}

fn flags_attribute(flags: MacvlanFlags) -> InfoMacVlan {
    InfoMacVlan::Flags(MacVlanFlags::from_bits_retain(
        u16::from(flags.nopromisc) | u16::from(flags.nodst) << 1,
    ))
}

/// The attributes common to macvlan and macvtap.
fn info_of(tap: bool, data: &[InfoMacVlan]) -> Vec<LinkInfo> {
    let mut bytes = vec![0; data.buffer_len()];
    data.emit(&mut bytes);
    let kind = if tap { InfoKind::MacVtap } else { InfoKind::MacVlan };
    vec![LinkInfo::Kind(kind), LinkInfo::Data(InfoData::Other(bytes))]
}

/// Where to create a port.
#[derive(Clone, Debug)]
pub(super) struct NewPort<'a> {
    pub(super) ifname: String,
    pub(super) ifindex: u32,
    pub(super) parent: u32,
    pub(super) namespace: RawFd,
    pub(super) mac: MacAddr,
    pub(super) spec: &'a MacvlanSpec,
}

/// A macvlan or macvtap, down, in a different namespace from its parent.
pub(super) fn macvlan(parent_rtnl: &mut Rtnl, new: &NewPort<'_>) -> Result<(), ErrorNumber> {
    let spec = new.spec;
    let mut data = vec![InfoMacVlan::Mode(MacVlanMode::Other(mode_number(spec.mode)))];
    if spec.flags != MacvlanFlags::default() {
        data.push(flags_attribute(spec.flags));
    }
    if !spec.sources.is_empty() {
        data.push(InfoMacVlan::MacAddrMode(MacVlanMacAddressMode::Set));
        data.push(address_list(&spec.sources));
    }
    data.extend(spec.bcqueuelen.map(InfoMacVlan::BcQueueLen));
    data.extend(spec.bclim.map(InfoMacVlan::BcCutoff));
    let mut m = LinkMessage::default();
    m.header.index = new.ifindex;
    m.attributes = vec![
        LinkAttribute::IfName(new.ifname.clone()),
        LinkAttribute::Group(GROUP),
        LinkAttribute::Link(new.parent),
        LinkAttribute::Address(new.mac.0.to_vec()),
        LinkAttribute::NetNsFd(new.namespace),
        LinkAttribute::LinkInfo(info_of(spec.tap, &data)),
    ];
    m.attributes.extend(spec.mtu.map(LinkAttribute::Mtu));
    parent_rtnl.change(RouteNetlinkMessage::NewLink(m), NEW)
}

fn address_list(list: &[MacAddr]) -> InfoMacVlan {
    InfoMacVlan::MacAddrData(list.iter().map(|m| InfoMacVlan::MacAddr(m.0)).collect())
}

/// A change to a port's macvlan attributes.
#[derive(Clone, Debug)]
pub(super) enum PortChange<'a> {
    /// Mode by number.
    Mode(u32),
    Flags(MacvlanFlags),
    Bcqueuelen(u32),
    Bclim(i32),
    AddSource(MacAddr),
    DelSource(MacAddr),
    SetSources(&'a [MacAddr]),
    FlushSources,
}

/// Changes a port's macvlan attributes.
pub(super) fn change_port(
    rtnl: &mut Rtnl,
    ifindex: u32,
    tap: bool,
    change: &PortChange<'_>,
) -> Result<(), ErrorNumber> {
    use MacVlanMacAddressMode::{Add, Del, Flush, Set};
    let data = match change {
        PortChange::Mode(n) => vec![InfoMacVlan::Mode(MacVlanMode::Other(*n))],
        PortChange::Flags(f) => vec![flags_attribute(*f)],
        PortChange::Bcqueuelen(n) => vec![InfoMacVlan::BcQueueLen(*n)],
        PortChange::Bclim(n) => vec![InfoMacVlan::BcCutoff(*n)],
        PortChange::AddSource(m) => vec![InfoMacVlan::MacAddrMode(Add), InfoMacVlan::MacAddr(m.0)],
        PortChange::DelSource(m) => vec![InfoMacVlan::MacAddrMode(Del), InfoMacVlan::MacAddr(m.0)],
        PortChange::SetSources(list) => vec![InfoMacVlan::MacAddrMode(Set), address_list(list)],
        PortChange::FlushSources => vec![InfoMacVlan::MacAddrMode(Flush)],
    };
    change_info(rtnl, ifindex, info_of(tap, &data))
}

/// Changes an attribute common to all devices.
pub(super) fn set(rtnl: &mut Rtnl, ifindex: u32, attribute: LinkAttribute) -> Result<(), ErrorNumber> {
    let mut m = LinkMessage::default();
    m.header.index = ifindex;
    m.attributes = vec![attribute];
    rtnl.change(RouteNetlinkMessage::SetLink(m), 0)
}

/// Turns a device flag on or off.
pub(super) fn set_flag(rtnl: &mut Rtnl, ifindex: u32, flag: LinkFlags, on: bool) -> Result<(), ErrorNumber> {
    let mut m = LinkMessage::default();
    m.header.index = ifindex;
    m.header.change_mask = flag;
    if on {
        m.header.flags = flag;
    }
    rtnl.change(RouteNetlinkMessage::SetLink(m), 0)
}

/// Deletes a device.
pub(super) fn delete(rtnl: &mut Rtnl, ifindex: u32) -> Result<(), ErrorNumber> {
    let mut m = LinkMessage::default();
    m.header.index = ifindex;
    rtnl.change(RouteNetlinkMessage::DelLink(m), 0)
}

/// Deletes all devices of a lab in this namespace at once: the kernel needs a fixed time for each deletion request,
/// however many devices it covers.
pub(super) fn delete_all(rtnl: &mut Rtnl) -> Result<(), ErrorNumber> {
    let mut m = LinkMessage::default();
    m.attributes = vec![LinkAttribute::Group(GROUP)];
    rtnl.change(RouteNetlinkMessage::DelLink(m), 0)
}

/// A device as the kernel describes it.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) state: DeviceState,
    pub(super) counters: Counters,
    /// Whether the operational state allows sending and receiving.
    pub(super) operational: bool,
}

/// Reads a device.
pub(super) fn snapshot(rtnl: &mut Rtnl, ifindex: u32) -> Result<Snapshot, ErrorNumber> {
    let m = rtnl.device(ifindex)?;
    let mut state = DeviceState {
        mac: MacAddr::ZERO,
        mtu: 0,
        mode: None,
        up: m.header.flags.contains(LinkFlags::Up),
        carrier: false,
        promiscuity: 0,
    };
    let mut counters = Counters::default();
    let mut operational = false;
    for attribute in &m.attributes {
        match attribute {
            LinkAttribute::Address(a) => state.mac = a.first_chunk().map_or(MacAddr::ZERO, |b| MacAddr(*b)),
            LinkAttribute::Mtu(n) => state.mtu = *n,
            LinkAttribute::Carrier(c) => state.carrier = *c != 0,
            LinkAttribute::Promiscuity(n) => state.promiscuity = *n,
            LinkAttribute::OperState(s) => operational = matches!(s, State::Up | State::Unknown),
            LinkAttribute::LinkInfo(info) => state.mode = info.iter().find_map(mode_of),
            LinkAttribute::Stats64(s) => {
                counters = Counters {
                    rx_packets: s.rx_packets,
                    rx_bytes: s.rx_bytes,
                    rx_dropped: s.rx_dropped,
                    rx_errors: s.rx_errors,
                    multicast: s.multicast,
                    tx_packets: s.tx_packets,
                    tx_bytes: s.tx_bytes,
                    tx_dropped: s.tx_dropped,
                }
            }
            _ => {}
        }
    }
    Ok(Snapshot { state, counters, operational })
}

fn mode_of(info: &LinkInfo) -> Option<Mode> {
    let modes: Vec<&MacVlanMode> = match info {
        LinkInfo::Data(InfoData::MacVlan(data)) => {
            data.iter().filter_map(|d| if let InfoMacVlan::Mode(m) = d { Some(m) } else { None }).collect()
        }
        LinkInfo::Data(InfoData::MacVtap(data)) => data
            .iter()
            .filter_map(
                |d| if let netlink_packet_route::link::InfoMacVtap::Mode(m) = d { Some(m) } else { None },
            )
            .collect(),
        _ => Vec::new(),
    };
    let number = u32::from(**modes.first()?);
    Mode::ALL.into_iter().find(|m| mode_number(*m) == number)
}
