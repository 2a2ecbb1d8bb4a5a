//! Crafted frames, byte by byte.

use super::super::summary;
use super::*;
use etherparse::PacketHeaders;

/// c1 has .222 and ::222, c2 .233 and ::233, and their MAC addresses end likewise.
struct Two;

impl Resolve for Two {
    fn mac_of(&self, device: &str) -> Option<MacAddr> {
        let last = match device {
            "c1" => 0xde,
            "c2" => 0xe9,
            _ => return None,
        };
        Some(MacAddr([2, 0x42, 192, 168, 128, last]))
    }

    fn ip_of(&self, device: &str, family: Family) -> Option<IpAddr> {
        let last = self.mac_of(device)?.0[5];
        Some(match family {
            Family::V4 => Ipv4Addr::new(192, 168, 128, last).into(),
            Family::V6 => Ipv6Addr::new(0xfd00, 0x128, 0, 0, 0, 0, 0, u16::from(last)).into(),
        })
    }
}

fn craft(body: CraftBody) -> Craft {
    Craft { dst: None, src: None, tags: Vec::new(), pad: 0, body }
}

fn device(name: &str) -> IpRef {
    IpRef::Device(name.to_owned())
}

fn icmp(from: Option<IpRef>, to: IpRef) -> Craft {
    craft(CraftBody::Icmp { from, to, id: 1, seq: 2, ttl: 64, size: 4 })
}

#[test]
fn an_arp_request_fills_itself_in() {
    let body = CraftBody::Arp {
        op: 1,
        sender_mac: None,
        sender_ip: None,
        target_mac: None,
        target_ip: device("c2"),
    };
    let frame = craft(body.clone()).build("c1", &Two).unwrap();
    assert_eq!(
        frame.to_hex(),
        "ffffffffffff0242c0a880de0806\
         00010800060400010242c0a880dec0a880de000000000000c0a880e9"
    );
    let tags = vec![Tag { tpid: 0x8100, tci: 10 }];
    let tagged = Craft { tags, pad: 60, ..craft(body) }.build("c1", &Two).unwrap();
    assert_eq!((tagged.len(), &tagged[12..18]), (60, &[0x81, 0, 0, 10, 8, 6][..]));
}

#[test]
fn an_arp_reply_goes_to_its_target() {
    let target_mac = Some(MacRef::Device("c2".to_owned()));
    let body =
        CraftBody::Arp { op: 2, sender_mac: None, sender_ip: None, target_mac, target_ip: device("c2") };
    let frame = craft(body).build("c1", &Two).unwrap();
    assert_eq!(&frame[..6], &Two.mac_of("c2").unwrap().0);
    assert_eq!(summary(&frame), "ARP 192.168.128.222 is-at 02:42:c0:a8:80:de");
}

#[test]
fn arp_goes_to_all_if_it_asks_or_names_no_target() {
    let target = MacAddr([2, 0, 0, 0, 0, 9]);
    for (op, target_mac, expected) in [
        (1, None, MacAddr::BROADCAST),
        (1, Some(target), MacAddr::BROADCAST),
        (2, None, MacAddr::BROADCAST),
        (2, Some(target), target),
    ] {
        let target_mac = target_mac.map(MacRef::Addr);
        let body =
            CraftBody::Arp { op, sender_mac: None, sender_ip: None, target_mac, target_ip: device("c2") };
        let frame = craft(body).build("c1", &Two).unwrap();
        assert_eq!(frame[..6], expected.0, "{op} {expected}");
    }
}

#[test]
fn padding_makes_a_frame_longer_only() {
    let body = CraftBody::Ethernet { ethertype: 0x88b5, payload: vec![7; 6] };
    for (pad, length) in [(0, 20), (19, 20), (20, 20), (21, 21), (60, 60)] {
        let frame = Craft { pad, ..craft(body.clone()) }.build("c1", &Two).unwrap();
        assert_eq!(frame.len(), length, "{pad}");
        assert_eq!(frame[14..20], [7; 6]);
        assert!(frame[20..].iter().all(|&byte| byte == 0));
    }
}

#[test]
fn the_ip_header_says_how_long_the_packet_is_and_how_far_it_goes() {
    let v6 = Two.ip_of("c1", Family::V6).map(IpRef::Addr);
    for (from, header) in [(None, 20), (v6, 40)] {
        let body = CraftBody::Icmp { from, to: device("c2"), id: 1, seq: 2, ttl: 9, size: 300 };
        let frame = craft(body).build("c1", &Two).unwrap();
        assert_eq!(frame.len(), 14 + header + 8 + 300);
        let ip = etherparse::IpSlice::from_slice(&frame[14..]).unwrap();
        let (length, ttl) = match &ip {
            etherparse::IpSlice::Ipv4(v4) => (usize::from(v4.header().total_len()), v4.header().ttl()),
            etherparse::IpSlice::Ipv6(v6) => {
                (header + usize::from(v6.header().payload_length()), v6.header().hop_limit())
            }
        };
        assert_eq!((length, ttl), (frame.len() - 14, 9));
        // The data counts from 0 to 255, and begins again.
        let data: Vec<u8> = (0..300_u16).map(|i| (i % 256) as u8).collect();
        assert_eq!(frame[14 + header + 8..], data);
    }
}

#[test]
fn packets_to_groups_and_to_all_need_no_mac_address() {
    let addr = |text: &str| IpRef::Addr(text.parse().unwrap());
    for (to, expected) in [
        ("255.255.255.255", Some(MacAddr::BROADCAST)),
        // Of an IPv4 group, 23 bits are in the MAC address.
        ("239.255.1.2", Some(MacAddr([0x01, 0x00, 0x5e, 0x7f, 1, 2]))),
        ("ff02::1:ff00:233", Some(MacAddr([0x33, 0x33, 0xff, 0, 2, 0x33]))),
        ("192.168.128.255", None),
        ("fd00:128::e9", None),
    ] {
        match (icmp(None, addr(to)).build("c1", &Two), expected) {
            (Ok(frame), Some(mac)) => assert_eq!(frame[..6], mac.0, "{to}"),
            (result, None) => assert_eq!(result, Err(CraftError::NoDestination(to.parse().unwrap()))),
            (Err(error), Some(_)) => panic!("{to}: {error}"),
        }
    }
}

#[test]
fn echoes_and_datagrams_have_right_checksums() {
    let v6 = Two.ip_of("c1", Family::V6).map(IpRef::Addr);
    for (from, start) in [
        (None, "ICMP echo request 192.168.128.222 > 192.168.128.233 id 1 seq 2"),
        (v6, "ICMPv6 echo request fd00:128::de > fd00:128::e9 id 1 seq 2"),
    ] {
        let frame = icmp(from.clone(), device("c2")).build("c1", &Two).unwrap();
        assert_eq!(summary(&frame), start);
        assert_eq!(checksum(&frame), 0, "{start}");
        let payload = b"hello".to_vec();
        let body = CraftBody::Udp { from, to: device("c2"), sport: 1, dport: 7, ttl: 9, payload };
        let frame = craft(body).build("c1", &Two).unwrap();
        assert!(summary(&frame).ends_with(":7, 5 bytes"), "{}", summary(&frame));
        assert_eq!(checksum(&frame), 0, "{}", summary(&frame));
        assert!(PacketHeaders::from_ethernet_slice(&frame).unwrap().transport.is_some());
    }
}

/// The ones' complement sum over pseudo header and data: 0 if its checksum is correct (RFC 1071).
fn checksum(frame: &[u8]) -> u16 {
    let v6 = frame[12] == 0x86;
    let (addresses, protocol, data) = if v6 {
        (&frame[22..54], frame[20], &frame[54..])
    } else {
        (&frame[26..34], frame[23], &frame[34..])
    };
    let mut bytes = data.to_vec();
    if protocol != 1 {
        bytes.resize(data.len().next_multiple_of(2), 0);
        bytes.extend(addresses);
        bytes.extend([0, protocol]);
        bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    let mut sum: u32 = bytes.chunks(2).map(|c| u32::from(u16::from_be_bytes([c[0], c[1]]))).sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap()
}

#[test]
fn what_cannot_be_made_is_an_error() {
    let addr = |text: &str| IpRef::Addr(text.parse().unwrap());
    assert_eq!(
        icmp(None, device("c9")).build("c1", &Two),
        Err(CraftError::NoAddress("c9".to_owned(), "IPv4"))
    );
    let to = addr("192.168.128.1");
    assert_eq!(
        icmp(None, to.clone()).build("c1", &Two),
        Err(CraftError::NoDestination("192.168.128.1".parse().unwrap()))
    );
    assert!(matches!(icmp(Some(addr("fd00::1")), to).build("c1", &Two), Err(CraftError::Families(..))));
    let group = icmp(None, addr("224.0.0.1")).build("c1", &Two).unwrap();
    assert_eq!(&group[..6], &MacAddr::ALL_HOSTS_V4.0);
    let body =
        CraftBody::Udp { from: None, to: device("c2"), sport: 1, dport: 2, ttl: 1, payload: vec![0; 65_520] };
    assert!(matches!(craft(body).build("c1", &Two), Err(CraftError::TooLong(_))));
}
