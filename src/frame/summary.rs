//! A one-line summary of a frame, for users: made of fixed words, numbers and addresses only, so that no bytes of a
//! hostile frame reach a terminal unescaped.

use super::{EthHeader, MacAddr, Tag, ethertype};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use etherparse::{
    ArpPacketSlice, Icmpv4Slice, Icmpv6Slice, IpNumber, Ipv6ExtensionSlice, LaxIpSlice, TcpHeaderSlice,
    UdpHeaderSlice,
};

/// The frame's content, in one line: `ARP who-has 192.168.128.233 tell 192.168.128.222`. VLAN tags come first.
#[must_use]
pub fn summary(frame: &[u8]) -> String {
    let Ok(_) = EthHeader::parse(frame) else {
        return format!("runt of {} bytes", frame.len());
    };
    let mut line = String::new();
    for tag in EthHeader::tags(frame) {
        line.push_str(&tag_text(tag));
        line.push_str(", ");
    }
    let Some((kind, at)) = EthHeader::payload(frame) else {
        line.push_str("cut off behind its tags");
        return line;
    };
    line.push_str(&ethernet(kind, &frame[at..], frame));
    line
}

fn tag_text(tag: Tag) -> String {
    let name = if tag.tpid == ethertype::S_VLAN { "service vlan" } else { "vlan" };
    let mut text = format!("{name} {}", tag.vlan());
    if tag.tci >> 13 != 0 {
        let _ = write!(text, " priority {}", tag.tci >> 13);
    }
    text
}

fn ethernet(kind: u16, payload: &[u8], frame: &[u8]) -> String {
    match kind {
        ethertype::ARP => arp(payload),
        ethertype::IPV4 | ethertype::IPV6 => ip(payload).unwrap_or_else(|| {
            let version = if kind == ethertype::IPV4 { 4 } else { 6 };
            format!("broken IPv{version} packet of {} bytes", payload.len())
        }),
        ethertype::MAC_CONTROL => mac_control(payload),
        ethertype::LLDP => "LLDP".to_owned(),
        ethertype::SLOW_PROTOCOLS => slow_protocol(payload),
        ethertype::EAPOL => "EAPOL".to_owned(),
        ethertype::LOCAL_EXPERIMENTAL => format!("experimental ethertype 0x88b5, {} bytes", payload.len()),
        0..=1500 => llc(payload),
        _ => {
            let header =
                EthHeader::parse(frame).map(|h| format!(" {} > {}", h.src, h.dst)).unwrap_or_default();
            format!("ethertype {kind:#06x}{header}, {} bytes", payload.len())
        }
    }
}

/// RFC 826.
fn arp(payload: &[u8]) -> String {
    let Some(arp) = ArpPacketSlice::from_slice(payload).ok().and_then(|a| a.to_packet().try_eth_ipv4().ok())
    else {
        return format!("ARP packet of {} bytes, not for IPv4 over Ethernet", payload.len());
    };
    let (sender, target) = (Ipv4Addr::from(arp.sender_ipv4), Ipv4Addr::from(arp.target_ipv4));
    match arp.operation.0 {
        1 if sender.is_unspecified() => format!("ARP who-has {target}, a probe"),
        1 => format!("ARP who-has {target} tell {sender}"),
        2 => format!("ARP {sender} is-at {}", MacAddr(arp.sender_mac)),
        op => format!("ARP operation {op} from {sender} about {target}"),
    }
}

/// IEEE 802.3 annex 31B.
fn mac_control(payload: &[u8]) -> String {
    match payload {
        [0, 1, high, low, ..] => format!("PAUSE for {} quanta", u16::from_be_bytes([*high, *low])),
        [high, low, ..] => format!("MAC control, opcode {:#06x}", u16::from_be_bytes([*high, *low])),
        _ => "MAC control, cut off".to_owned(),
    }
}

/// IEEE 802.3 annex 57A.
fn slow_protocol(payload: &[u8]) -> String {
    match payload.first() {
        Some(1) => "LACP".to_owned(),
        Some(2) => "LACP marker".to_owned(),
        Some(3) => "Ethernet OAM".to_owned(),
        Some(other) => format!("slow protocol {other}"),
        None => "slow protocol, cut off".to_owned(),
    }
}

/// IEEE 802.2; BPDUs as in IEEE 802.1D clause 9.
fn llc(payload: &[u8]) -> String {
    match payload {
        [0x42, 0x42, 3, 0, 0, version, kind, ..] => match (version, kind) {
            (_, 0x80) => "STP topology change".to_owned(),
            (0, _) => "STP configuration".to_owned(),
            (2, _) => "RSTP".to_owned(),
            (3, _) => "MSTP".to_owned(),
            (version, _) => format!("STP of version {version}"),
        },
        [dsap, ssap, ..] => format!("LLC {dsap:#04x} > {ssap:#04x}, {} bytes", payload.len()),
        _ => "LLC, cut off".to_owned(),
    }
}

/// An IP packet or fragment; `None` if its header is invalid.
fn ip(payload: &[u8]) -> Option<String> {
    let (packet, _) = LaxIpSlice::from_slice(payload).ok()?;
    let (from, to, inside) = (packet.source_addr(), packet.destination_addr(), packet.payload());
    let ends = format!("{from} > {to}");
    if inside.fragmented {
        let (id, offset, more) = match &packet {
            LaxIpSlice::Ipv4(v4) => {
                let header = v4.header();
                let id = u32::from(header.identification());
                (id, header.fragments_offset().byte_offset(), header.more_fragments())
            }
            LaxIpSlice::Ipv6(v6) => v6_fragment(v6),
        };
        let last = if more { "more to come" } else { "the last" };
        let (name, len) = (protocol(inside.ip_number), inside.payload.len());
        return Some(format!("{name} fragment {ends} id {id} at {offset}, {len} bytes, {last}"));
    }
    let data = inside.payload;
    let text = match inside.ip_number {
        IpNumber::ICMP => icmp_v4(data, &ends),
        IpNumber::IPV6_ICMP => icmp_v6(data, &ends),
        IpNumber::UDP => UdpHeaderSlice::from_slice(data).ok().map(|udp| {
            let (from, to) =
                (SocketAddr::new(from, udp.source_port()), SocketAddr::new(to, udp.destination_port()));
            format!("UDP {from} > {to}, {} bytes", data.len().saturating_sub(8))
        }),
        IpNumber::TCP => TcpHeaderSlice::from_slice(data).ok().map(|tcp| {
            let (from, to) =
                (SocketAddr::new(from, tcp.source_port()), SocketAddr::new(to, tcp.destination_port()));
            format!(
                "TCP {from} > {to} {}, {} bytes",
                tcp_flags(&tcp),
                data.len().saturating_sub(tcp.slice().len())
            )
        }),
        IpNumber::IGMP => Some(igmp(data, &ends)),
        _ => None,
    };
    Some(text.unwrap_or_else(|| format!("{} {ends}, {} bytes", protocol(inside.ip_number), data.len())))
}

fn v6_fragment(packet: &etherparse::LaxIpv6Slice<'_>) -> (u32, u16, bool) {
    let fragment = packet.extensions().clone().into_iter().find_map(|extension| match extension {
        Ipv6ExtensionSlice::Fragment(f) => Some(f.to_header()),
        _ => None,
    });
    fragment.map_or((0, 0, false), |f| (f.identification, f.fragment_offset.byte_offset(), f.more_fragments))
}

fn protocol(number: IpNumber) -> String {
    match number {
        IpNumber::ICMP => "ICMP".to_owned(),
        IpNumber::IPV6_ICMP => "ICMPv6".to_owned(),
        IpNumber::UDP => "UDP".to_owned(),
        IpNumber::TCP => "TCP".to_owned(),
        IpNumber::IGMP => "IGMP".to_owned(),
        IpNumber(other) => format!("IP protocol {other}"),
    }
}

fn tcp_flags(tcp: &TcpHeaderSlice<'_>) -> String {
    let all = [
        (tcp.syn(), "SYN"),
        (tcp.fin(), "FIN"),
        (tcp.rst(), "RST"),
        (tcp.psh(), "PSH"),
        (tcp.ack(), "ACK"),
        (tcp.urg(), "URG"),
    ];
    let set: Vec<&str> = all.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect();
    if set.is_empty() { "no flags".to_owned() } else { set.join("+") }
}

/// The identifier and sequence number of an echo.
fn echo(bytes: [u8; 4]) -> String {
    let [a, b, c, d] = bytes;
    format!("id {} seq {}", u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

/// RFC 792.
fn icmp_v4(data: &[u8], ends: &str) -> Option<String> {
    let icmp = Icmpv4Slice::from_slice(data).ok()?;
    let code = icmp.code_u8();
    Some(match icmp.type_u8() {
        0 => format!("ICMP echo reply {ends} {}", echo(icmp.bytes5to8())),
        8 => format!("ICMP echo request {ends} {}", echo(icmp.bytes5to8())),
        3 => {
            let what = match code {
                0 => "net".to_owned(),
                1 => "host".to_owned(),
                2 => "protocol".to_owned(),
                3 => "port".to_owned(),
                4 => return Some(format!("ICMP fragmentation needed {ends}")),
                other => format!("(code {other})"),
            };
            format!("ICMP {what} unreachable {ends}")
        }
        5 => format!("ICMP redirect {ends}"),
        11 => format!("ICMP time exceeded {ends}"),
        kind => format!("ICMP type {kind} code {code} {ends}"),
    })
}

/// RFC 4443; neighbour discovery RFC 4861; MLD RFC 3810.
fn icmp_v6(data: &[u8], ends: &str) -> Option<String> {
    let icmp = Icmpv6Slice::from_slice(data).ok()?;
    let code = icmp.code_u8();
    let target = || data.get(8..24).and_then(|t| <[u8; 16]>::try_from(t).ok()).map(Ipv6Addr::from);
    let about = || target().map_or_else(|| "(cut off)".to_owned(), |t| t.to_string());
    Some(match icmp.type_u8() {
        128 => format!("ICMPv6 echo request {ends} {}", echo(icmp.bytes5to8())),
        129 => format!("ICMPv6 echo reply {ends} {}", echo(icmp.bytes5to8())),
        133 => format!("NDP router solicitation {ends}"),
        134 => format!("NDP router advertisement {ends}"),
        135 => match ends.split_once(" > ") {
            Some(("::", _)) => format!("NDP who-has {}, a probe", about()),
            Some((from, _)) => format!("NDP who-has {} tell {from}", about()),
            None => format!("NDP who-has {}", about()),
        },
        136 => match option(data.get(24..).unwrap_or_default(), 2) {
            Some(mac) => format!("NDP {} is-at {mac}", about()),
            None => format!("NDP {} is there, {ends}", about()),
        },
        137 => format!("NDP redirect {ends}"),
        130 => format!("MLD query {ends}"),
        131 | 143 => format!("MLD report {ends}"),
        132 => format!("MLD done {ends}"),
        1 => format!("ICMPv6 destination unreachable (code {code}) {ends}"),
        2 => format!("ICMPv6 packet too big {ends}"),
        3 => format!("ICMPv6 time exceeded {ends}"),
        kind => format!("ICMPv6 type {kind} code {code} {ends}"),
    })
}

/// The link-layer address in the NDP option of this type (RFC 4861 section 4.6.1).
fn option(mut options: &[u8], wanted: u8) -> Option<MacAddr> {
    loop {
        let [kind, units, ..] = *options else { return None };
        let len = usize::from(units) * 8;
        let body = options.get(2..len)?;
        if kind == wanted {
            return body.first_chunk::<6>().map(|mac| MacAddr(*mac));
        }
        options = options.get(len..)?;
    }
}

/// RFC 2236, RFC 3376.
fn igmp(data: &[u8], ends: &str) -> String {
    let group = data.get(4..8).and_then(|g| <[u8; 4]>::try_from(g).ok()).map(Ipv4Addr::from);
    let about = group.filter(|g| !g.is_unspecified()).map(|g| format!(" for {g}")).unwrap_or_default();
    match data.first() {
        Some(0x11) => format!("IGMP query{about} {ends}"),
        Some(0x12) => format!("IGMPv1 report{about} {ends}"),
        Some(0x16) => format!("IGMPv2 report{about} {ends}"),
        Some(0x17) => format!("IGMP leave{about} {ends}"),
        Some(0x22) => format!("IGMPv3 report {ends}"),
        Some(kind) => format!("IGMP type {kind:#04x} {ends}"),
        None => format!("IGMP, cut off {ends}"),
    }
}

#[cfg(test)]
mod tests;
