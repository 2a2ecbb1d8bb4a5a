//! The demultiplexer's rules, one test for each, on tables built by the control plane.

mod changes;

use super::*;
use crate::counters::Counters;
use crate::errno::Errno;
use crate::frame::{EthHeader, MacAddr, PacketType};
use crate::nic::{Nic, UnicastFilter};
use crate::verdict::{Egress, Flood, PortId, Refusal, Rule, Verdict};

const NIC: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0xff]);
const STRANGER: MacAddr = MacAddr([0x02, 0, 0, 0, 9, 9]);
const GROUP: MacAddr = MacAddr([0x01, 0, 0x5e, 1, 2, 3]);

fn mac(n: u8) -> MacAddr {
    MacAddr([0x02, 0, 0, 0, 0, n])
}

/// A parent with ports 0, 1, 2 … in these modes, all up, with the addresses `mac(0)`, `mac(1)` …
struct Bench {
    parent: Parent,
}

impl Bench {
    fn new(modes: &[Mode]) -> Bench {
        let nic = Nic::new(NIC, 1500, UnicastFilter::None).unwrap();
        let mut bench = Bench { parent: Parent::new(nic) };
        bench.parent.set_up(true);
        for mode in modes {
            let id = bench.create(&PortRequest { mode: *mode, ..bench.request() }).unwrap();
            bench.up(id.0, true).unwrap();
        }
        bench
    }

    fn request(&self) -> PortRequest {
        let n = self.parent.ports().count();
        PortRequest { mac: mac(u8::try_from(n).unwrap()), ..PortRequest::default() }
    }

    fn create(&mut self, request: &PortRequest) -> Result<PortId, Refusal> {
        self.parent.create(request)
    }

    fn port(&mut self, port: u16) -> PortMut<'_> {
        self.parent.port_mut(PortId(port)).unwrap()
    }

    fn promiscuity(&self) -> u32 {
        self.parent.nic().filter().promiscuity()
    }

    fn up(&mut self, port: u16, up: bool) -> Result<(), Refusal> {
        self.port(port).set_up(up)
    }

    fn listen(&mut self, port: u16, sources: &[MacAddr]) {
        let change = SourcesChange::Set(sources.to_vec());
        self.port(port).change_sources(&change).unwrap();
    }

    fn receive(&mut self, dst: MacAddr, src: MacAddr) -> (Verdict, Vec<(u16, Rule, PacketType)>) {
        self.decide(None, &frame(dst, src, 0x0800, 60))
    }

    fn transmit(&mut self, from: u16, dst: MacAddr) -> (Verdict, Vec<(u16, Rule, PacketType)>) {
        self.decide(Some(from), &frame(dst, mac(u8::try_from(from).unwrap()), 0x0800, 60))
    }

    fn decide(&mut self, from: Option<u16>, frame: &[u8]) -> (Verdict, Vec<(u16, Rule, PacketType)>) {
        let table = self.parent.publish().unwrap().clone();
        let header = EthHeader::parse(frame).unwrap();
        let verdict = match from {
            Some(port) => table.transmit(PortId(port), &header),
            None => table.receive(&header),
        };
        let parent_type = PacketType::of(header.dst, self.parent.nic().mac());
        let got: Vec<_> = table
            .deliveries(&verdict, &header, parent_type)
            .map(|d| (d.port.0, d.rule, d.packet_type))
            .collect();
        // Delivery and "why not?" are one predicate.
        for id in (0..).map(PortId).take_while(|id| table.port(*id).is_some()) {
            let delivered = got.iter().any(|(p, rule, _)| *p == id.0 && *rule != Rule::LocalCopyTooLong);
            assert_eq!(table.why(&verdict, id, &header).is_ok(), delivered, "{id:?} {verdict:?}");
        }
        (verdict, got)
    }
}

fn frame(dst: MacAddr, src: MacAddr, ethertype: u16, len: usize) -> Vec<u8> {
    let mut f = [dst.0, src.0].concat();
    f.extend(ethertype.to_be_bytes());
    f.resize(len, 0);
    f
}

use Mode::{Bridge, Passthru, Private, Source, Vepa};

#[test]
fn unicast_goes_to_the_port_with_the_address_whatever_the_mode_and_the_sender() {
    let mut b = Bench::new(&[Private, Vepa, Bridge]);
    for port in 0..3u8 {
        for sender in [STRANGER, mac(0), mac(2), NIC] {
            let (v, got) = b.receive(mac(port), sender);
            assert_eq!((v.rule, v.egress), (Rule::UnicastToPort, Egress::Port(PortId(port.into()))));
            assert_eq!(got, [(port.into(), Rule::UnicastToPort, PacketType::Host)]);
        }
    }
    let (v, got) = b.receive(STRANGER, mac(1));
    assert_eq!((v.rule, v.egress, got.len()), (Rule::UnicastToNoPort, Egress::HostStack, 0));
}

#[test]
fn a_port_that_is_down_is_not_in_the_table() {
    let mut b = Bench::new(&[Bridge, Bridge]);
    b.up(1, false).unwrap();
    assert_eq!(b.receive(mac(1), STRANGER).0.egress, Egress::HostStack);
    assert_eq!(b.transmit(0, mac(1)).0, Verdict::plain(Rule::ToWire, Egress::Wire));
}

#[test]
fn broadcasts_follow_the_mode_of_their_source() {
    let mut b = Bench::new(&[Private, Vepa, Bridge, Source, Vepa, Bridge]);
    let mut ports = |src| {
        let (v, got) = b.receive(MacAddr::BROADCAST, src);
        let rules: Vec<_> = got.iter().map(|g| g.1).collect();
        (v.egress, got.iter().map(|g| g.0).collect::<Vec<_>>(), rules.first().copied())
    };
    assert_eq!(ports(STRANGER), (Egress::HostStack, vec![0, 1, 2, 4, 5], Some(Rule::FloodFromOutside)));
    assert_eq!(ports(mac(1)), (Egress::HostStack, vec![2, 4, 5], Some(Rule::FloodFromVepa)));
    assert_eq!(ports(mac(2)), (Egress::HostStack, vec![1, 4], Some(Rule::FloodFromBridge)));
    assert_eq!(ports(mac(0)), (Egress::Port(PortId(0)), vec![0], Some(Rule::OwnBroadcastBack)));
    assert_eq!(ports(mac(3)), (Egress::Port(PortId(3)), vec![3], Some(Rule::OwnBroadcastBack)));
}

#[test]
fn an_unjoined_group_is_not_wanted() {
    let mut b = Bench::new(&[Vepa, Vepa, Vepa, Vepa]);
    b.port(1).join(GROUP);
    b.port(2).set_promisc(true);
    b.port(3).set_allmulticast(true);
    let (v, got) = b.receive(GROUP, STRANGER);
    assert_eq!(v.rule, Rule::MulticastToHost);
    assert_eq!(
        got.iter().map(|g| (g.0, g.2)).collect::<Vec<_>>(),
        [1, 2, 3].map(|p| (p, PacketType::Multicast))
    );
}

#[test]
fn a_bridge_port_reaches_bridge_siblings_without_the_wire() {
    let mut b = Bench::new(&[Bridge, Bridge, Vepa, Private]);
    assert_eq!(b.transmit(0, mac(1)).0, Verdict::plain(Rule::BridgeLocalUnicast, Egress::Parent));
    assert_eq!(b.transmit(0, mac(0)).0.egress, Egress::Parent, "itself included");
    for dst in [mac(2), mac(3), NIC, STRANGER] {
        assert_eq!(b.transmit(0, dst).0, Verdict::plain(Rule::ToWire, Egress::Wire));
    }
    assert_eq!(b.transmit(2, mac(0)).0.egress, Egress::Wire);
    let (v, got) = b.transmit(0, MacAddr::BROADCAST);
    assert_eq!((v.rule, v.egress), (Rule::BridgeLocalFlood, Egress::Wire));
    assert_eq!(got, [(1, Rule::BridgeLocalFlood, PacketType::Broadcast)]);
}

#[test]
fn pause_is_not_flooded_but_a_tag_hides_it_on_the_way_out() {
    let mut b = Bench::new(&[Bridge, Bridge]);
    let plain = frame(MacAddr::BROADCAST, mac(0), 0x8808, 60);
    let mut tagged = frame(MacAddr::BROADCAST, mac(0), 0x8100, 60);
    tagged[15] = 5;
    tagged[16..18].copy_from_slice(&[0x88, 0x08]);
    assert_eq!(b.decide(Some(0), &plain).1, []);
    assert_eq!(b.decide(Some(0), &tagged).1.len(), 1);
    for f in [&mut plain.clone(), &mut tagged] {
        f[6..12].copy_from_slice(&STRANGER.0);
        let (v, got) = b.decide(None, f);
        assert_eq!((v.flood, v.egress), (Flood::Withheld(Rule::PauseNotFlooded), Egress::HostStack));
        assert_eq!(got, []);
    }
}

#[test]
fn source_ports_copy_listed_senders_and_nodst_keeps_the_frame() {
    let mut b = Bench::new(&[Source, Source, Bridge]);
    b.listen(0, &[STRANGER]);
    b.listen(1, &[STRANGER, mac(2)]);
    let copy = |port, t| (port, Rule::SourceCopy, t);
    let (v, got) = b.receive(mac(2), STRANGER);
    assert_eq!(v.egress, Egress::Port(PortId(2)));
    assert_eq!(got[..2], [copy(0, PacketType::OtherHost), copy(1, PacketType::OtherHost)]);
    assert_eq!(b.receive(mac(0), STRANGER).1[0], copy(0, PacketType::Host));
    assert_eq!(b.receive(NIC, STRANGER).1[0], copy(0, PacketType::Host), "the type is the parent's");
    assert_eq!(b.receive(mac(0), mac(2)).0.rule, Rule::UnicastToSourcePort);
    let flags = MacvlanFlags { nodst: true, nopromisc: false };
    b.port(0).set_flags(flags).unwrap();
    b.up(0, false).unwrap();
    let (v, got) = b.receive(mac(2), STRANGER);
    assert_eq!((v.rule, v.egress), (Rule::SourceNodst, Egress::Drop), "even while it is down");
    assert_eq!(got, [copy(1, PacketType::OtherHost)]);
}

#[test]
fn passthru_takes_all_unicast_up_or_down() {
    let mut b = Bench::new(&[Passthru]);
    assert_eq!(b.parent.port(PortId(0)).unwrap().mac(), NIC);
    for dst in [NIC, STRANGER] {
        assert_eq!(b.receive(dst, mac(7)).1, [(0, Rule::PassthruUnicast, PacketType::Host)]);
    }
    assert_eq!(b.receive(MacAddr::BROADCAST, mac(7)).0.egress, Egress::HostStack);
    assert_eq!(b.receive(MacAddr::BROADCAST, NIC).0.rule, Rule::OwnBroadcastBack);
    b.up(0, false).unwrap();
    assert_eq!(b.receive(NIC, mac(7)).0, Verdict::plain(Rule::PassthruDown, Egress::Drop));
}

#[test]
fn a_queue_of_length_zero_floods_nothing() {
    let mut b = Bench::new(&[Vepa, Bridge]);
    b.port(0).set_bcqueuelen(0);
    assert_eq!(b.receive(MacAddr::BROADCAST, STRANGER).1.len(), 2, "the largest request counts");
    b.port(1).set_bcqueuelen(0);
    assert_eq!(b.receive(MacAddr::BROADCAST, STRANGER).0.flood, Flood::Withheld(Rule::QueueZero));
    assert_eq!(b.receive(MacAddr::BROADCAST, STRANGER).0.egress, Egress::HostStack);
    b.port(0).set_bclim(-1);
    assert_eq!(b.receive(MacAddr::BROADCAST, STRANGER).1.len(), 2, "below 0 nothing is queued");
}

#[test]
fn a_promiscuous_passthru_port_with_nopromisc_misses_groups_that_the_parent_filters() {
    let mut b = Bench::new(&[]);
    let flags = MacvlanFlags { nopromisc: true, nodst: false };
    let id = b.create(&PortRequest { mode: Passthru, flags, ..b.request() }).unwrap();
    b.port(id.0).set_promisc(true);
    b.up(0, true).unwrap();
    assert_eq!(b.receive(GROUP, STRANGER).0.flood, Flood::Withheld(Rule::ParentFilter));
    assert_eq!(b.receive(MacAddr::BROADCAST, STRANGER).1.len(), 1);
}

#[test]
fn local_copies_must_fit_the_receivers_mtu() {
    let mut b = Bench::new(&[Bridge, Bridge]);
    b.port(1).set_mtu(100).unwrap();
    let (_, got) = b.decide(Some(0), &frame(MacAddr::BROADCAST, mac(0), 0x0800, 119));
    assert_eq!(got, [(1, Rule::LocalCopyTooLong, PacketType::Broadcast)]);
    let (_, got) = b.decide(Some(0), &frame(MacAddr::BROADCAST, mac(0), 0x0800, 118));
    assert_eq!(got[0].1, Rule::BridgeLocalFlood);
    assert_eq!(
        b.decide(None, &frame(MacAddr::BROADCAST, STRANGER, 0x0800, 900)).1.len(),
        2,
        "only local copies"
    );
}

#[test]
fn ports_count_as_the_kernel_does() {
    let deliver = |counted, tagged: bool| {
        let mut f = frame(mac(1), STRANGER, 0x8100, 64);
        if !tagged {
            f[12] = 0x08;
        }
        let delivery =
            Delivery { port: PortId(0), rule: Rule::UnicastToPort, packet_type: PacketType::Host, counted };
        let mut c = Counters::default();
        count_delivery(&mut c, &delivery, &EthHeader::parse(&f).unwrap());
        c
    };
    let base = Counters { rx_packets: 1, rx_bytes: 64, ..Counters::default() };
    assert_eq!(deliver(Counted::Unicast, false), base);
    assert_eq!(deliver(Counted::Unicast, true), Counters { rx_bytes: 60, ..base });
    assert_eq!(deliver(Counted::Flood, true), Counters { rx_bytes: 60, multicast: 1, ..base });
    assert_eq!(deliver(Counted::LocalCopy, true), Counters { rx_bytes: 78, multicast: 1, ..base });
    assert_eq!(deliver(Counted::OwnBack, false), Counters { rx_bytes: 0, ..base });
    let too_long = Counters { rx_errors: 1, rx_dropped: 2, ..Counters::default() };
    assert_eq!(deliver(Counted::TooLong, false), too_long);
}

#[test]
fn creation_is_refused_in_the_kernels_order() {
    let mut b = Bench::new(&[]);
    let ask = |b: &mut Bench, change: fn(&mut PortRequest)| {
        let mut request = PortRequest { mac: mac(0x40), ..PortRequest::default() };
        change(&mut request);
        b.create(&request).map_err(|r| r.errno)
    };
    assert_eq!(ask(&mut b, |r| (r.mac, r.mtu) = (GROUP, Some(10))), Err(Errno::Eaddrnotavail));
    assert_eq!(ask(&mut b, |r| (r.sources, r.mtu) = (vec![GROUP], Some(10))), Err(Errno::Eaddrnotavail));
    assert_eq!(ask(&mut b, |r| r.mtu = Some(67)), Err(Errno::Einval));
    assert_eq!(ask(&mut b, |r| r.mtu = Some(1501)), Err(Errno::Einval));
    assert_eq!(ask(&mut b, |r| r.sources = vec![STRANGER]), Err(Errno::Einval), "a list in another mode");
    assert!(!b.parent.has_ports(), "a refused first port leaves nothing behind");
    let request = b.request();
    assert!(
        b.parent.admit(&request).is_ok() && !b.parent.has_ports(),
        "nor does one that nobody carries out"
    );
    assert!(ask(&mut b, |r| r.mode = Bridge).is_ok());
    assert_eq!(ask(&mut b, |r| r.mode = Passthru), Err(Errno::Einval));
    let worse = PortRequest { mac: MacAddr::ZERO, ..PortRequest::default() };
    assert_eq!(worse.refusal_without_parent().errno, Errno::Eaddrnotavail);
    assert_eq!(b.request().refusal_without_parent().errno, Errno::Enodev);
}

#[test]
fn equal_addresses_are_refused_at_up_not_at_creation() {
    let mut b = Bench::new(&[Bridge]);
    let twin = b.create(&PortRequest { mac: mac(0), ..b.request() }).unwrap();
    let in_use = Refusal::new(Errno::Eaddrinuse, Rule::AddressInUse);
    assert_eq!(
        b.up(twin.0, true),
        Err(in_use.with_conflict(Some(PortId(0)))),
        "and the refusal says whose it is"
    );
    b.up(0, false).unwrap();
    assert_eq!(b.up(twin.0, true), Ok(()));
    let parents = b.create(&PortRequest { mac: NIC, ..b.request() }).unwrap();
    assert_eq!(b.up(parents.0, true), Err(in_use));
    assert_eq!(b.port(0).set_mac(NIC).map_err(|r| r.errno), Err(Errno::Eaddrinuse), "even while down");
    assert_eq!(b.port(twin.0).set_mac(mac(0)), Ok(()), "its own: nothing to do");
}

#[test]
fn passthru_shares_its_address_with_the_parent_and_gives_it_back() {
    let mut b = Bench::new(&[Passthru]);
    b.port(0).set_mac(mac(5)).unwrap();
    assert_eq!(b.parent.nic().mac(), mac(5));
    b.parent.remove(PortId(0)).unwrap();
    assert_eq!((b.parent.nic().mac(), b.promiscuity()), (NIC, 0));
}

#[test]
fn nopromisc_moves_the_counter_even_while_the_port_is_down() {
    let mut b = Bench::new(&[Passthru]);
    assert_eq!(b.promiscuity(), 1);
    b.up(0, false).unwrap();
    assert_eq!(b.promiscuity(), 0);
    let flags = MacvlanFlags { nopromisc: true, nodst: false };
    b.port(0).set_flags(flags).unwrap();
    assert_eq!(b.promiscuity(), u32::MAX);
}

#[test]
fn modes_change_at_once_but_not_to_or_from_passthru() {
    let mut b = Bench::new(&[Vepa, Source]);
    b.listen(1, &[STRANGER]);
    assert_eq!(b.port(0).set_mode(Passthru).map_err(|r| r.errno), Err(Errno::Einval));
    b.port(1).set_mode(Private).unwrap();
    b.port(1).set_mode(Source).unwrap();
    assert!(b.parent.port(PortId(1)).unwrap().sources().is_empty(), "leaving source mode empties the list");
    let refused = b.port(0).change_sources(&SourcesChange::Flush);
    assert_eq!(refused.map_err(|r| r.errno), Err(Errno::Einval));
}

#[test]
fn a_group_that_was_left_passes_until_the_filter_is_loaded_again() {
    let mut b = Bench::new(&[Vepa]);
    let other = MacAddr([0x01, 0, 0x5e, 0, 0, 9]);
    b.port(0).join(GROUP);
    b.port(0).leave(GROUP).unwrap();
    assert_eq!(b.receive(GROUP, STRANGER).1.len(), 1, "still in the filter");
    // A request that changes nothing loads the filter, too.
    b.port(0).set_promisc(false);
    assert_eq!(b.receive(GROUP, STRANGER).1, []);
    assert_eq!(b.receive(other, STRANGER).1, []);
}

#[test]
fn a_port_too_small_for_ipv6_has_not_joined_all_nodes() {
    let mut b = Bench::new(&[Vepa]);
    assert_eq!(b.receive(MacAddr::ALL_NODES_V6, STRANGER).1.len(), 1);
    b.port(0).set_mtu(1279).unwrap();
    b.up(0, false).unwrap();
    b.up(0, true).unwrap();
    assert_eq!(b.receive(MacAddr::ALL_NODES_V6, STRANGER).1, []);
    assert_eq!(b.receive(MacAddr::ALL_HOSTS_V4, STRANGER).1.len(), 1);
    b.port(0).set_mtu(1280).unwrap();
    assert_eq!(b.receive(MacAddr::ALL_NODES_V6, STRANGER).1.len(), 1);
}

#[test]
fn promiscuity_wraps_down_but_not_up() {
    let mut b = Bench::new(&[]);
    b.create(&PortRequest { mode: Passthru, ..b.request() }).unwrap();
    let nopromisc = MacvlanFlags { nopromisc: true, nodst: false };
    b.port(0).set_flags(nopromisc).unwrap();
    let back = b.port(0).set_flags(MacvlanFlags::default());
    assert_eq!(back, Err(Refusal::new(Errno::Eoverflow, Rule::PassthruPromiscuity)));
    assert_eq!(b.promiscuity(), u32::MAX);
    assert_eq!(b.up(0, true), Ok(()), "the flag is still set, so nothing is counted");
}

#[test]
fn a_bad_address_in_a_list_is_seen_before_a_wrong_mode() {
    let mut b = Bench::new(&[Bridge]);
    let set = SourcesChange::Set(vec![STRANGER, GROUP]);
    let refused = b.port(0).change_sources(&set);
    assert_eq!(refused, Err(Refusal::new(Errno::Eaddrnotavail, Rule::SourceList)));
}

#[test]
fn what_becomes_of_frames_in_batches_is_what_becomes_of_them_singly() {
    // With lists and without; more frames than one batch, of every kind, the last too short.
    for modes in [&[Private, Vepa, Bridge, Bridge][..], &[Vepa, Source, Bridge, Vepa], &[Passthru], &[]] {
        let mut b = Bench::new(modes);
        if modes.contains(&Source) {
            b.listen(1, &[STRANGER, mac(0)]);
        } else if modes.len() > 1 {
            b.up(1, false).unwrap();
        }
        let table = b.parent.publish().cloned().unwrap_or_default();
        let other = table.with_table(|entries| Listed(entries.to_vec()));
        let addresses = [mac(0), mac(1), mac(2), mac(3), STRANGER, NIC, MacAddr::ZERO];
        let mut frames = Vec::new();
        for dst in addresses.into_iter().chain([GROUP, MacAddr::BROADCAST]) {
            for src in addresses {
                frames.push(frame(dst, src, 0x0800, 60 + frames.len()));
                let mut tagged = frame(dst, src, 0x8100, 80);
                tagged[15] = 5;
                frames.push(tagged);
            }
        }
        frames.push(vec![0; 13]);
        let (mut numbers, mut short) = (0.., 0);
        table.receive_each(
            (0..frames.len()).map(|number| (number, frames[number].as_slice())),
            |(_, bytes)| bytes,
            |header| header.tag.is_none(),
            |(number, bytes), unicast| {
                assert_eq!(Some(number), numbers.next());
                let Some(unicast) = unicast else { return };
                short += 1;
                let header = EthHeader::parse(bytes).unwrap();
                assert!(!header.dst.is_multicast() && header.tag.is_none());
                assert_eq!((unicast.dst, unicast.untagged_len), (header.dst, header.untagged_len()));
                assert_eq!(*table.verdict(unicast.verdict), table.receive(&header));
                assert_eq!(other.receive(&header), table.receive(&header));
            },
        );
        assert_eq!(numbers.next(), Some(frames.len()));
        assert_eq!(short, if modes.contains(&Source) { 0 } else { 49 });
    }
}

/// A table that is a list.
struct Listed(Vec<(MacAddr, u16)>);

impl crate::table::Lookup for Listed {
    fn get(&self, mac: MacAddr) -> Option<u16> {
        self.0.iter().find(|(m, _)| *m == mac).map(|&(_, value)| value)
    }
}

#[test]
fn going_through_deliveries_one_by_one_or_at_once_is_the_same() {
    let mut b = Bench::new(&[Vepa, Bridge, Bridge, Private, Source]);
    b.listen(4, &[STRANGER]);
    for (port, group) in [(0, GROUP), (2, GROUP)] {
        b.port(port).join(group);
    }
    b.port(1).set_allmulticast(true);
    let table = b.parent.publish().unwrap().clone();
    for dst in [GROUP, MacAddr::BROADCAST, mac(0)] {
        for src in [STRANGER, mac(0), mac(1), mac(3)] {
            let header = EthHeader::parse(&frame(dst, src, 0x0800, 60)).unwrap();
            for verdict in [table.receive(&header), table.transmit(PortId(1), &header)] {
                let mut singly = Vec::new();
                for delivery in table.deliveries(&verdict, &header, PacketType::OtherHost) {
                    singly.push(delivery);
                }
                let mut at_once = Vec::new();
                let mut deliveries = table.deliveries(&verdict, &header, PacketType::OtherHost);
                at_once.extend(std::iter::from_fn(|| deliveries.single()));
                at_once.extend(std::iter::from_fn(|| deliveries.copies()).flatten());
                assert_eq!(singly, at_once);
                assert!(singly.iter().filter(|d| d.rule != Rule::SourceCopy).is_sorted_by_key(|d| d.port));
            }
        }
    }
}

#[test]
fn a_parent_takes_as_many_ports_as_there_are_numbers() {
    let mut parent = Bench::new(&[]).parent;
    let address = |n: usize| {
        let [.., a, b, c] = n.to_be_bytes();
        MacAddr([2, 1, 0, a, b, c])
    };
    let request = |n: usize| PortRequest { mac: address(n), ..PortRequest::default() };
    for n in 0..MAX_PORTS {
        let id = parent.create(&request(n)).unwrap();
        assert_eq!(id.index(), n);
        parent.port_mut(id).unwrap().set_up(true).unwrap();
    }
    let refused = parent.create(&request(MAX_PORTS));
    assert_eq!(refused, Err(Refusal::new(Errno::Enobufs, Rule::CreateRefused)));
    // The lowest number that is free is taken again, and the address of one that went is free as well.
    for n in [70, 7] {
        parent.remove(PortId(n)).unwrap();
    }
    let id = parent.create(&request(70)).unwrap();
    assert_eq!(id, PortId(7));
    assert_eq!(parent.port_mut(id).unwrap().set_up(true), Ok(()));
    assert_eq!(
        parent.port_mut(id).unwrap().set_mac(address(8)),
        Err(Refusal::new(Errno::Eaddrinuse, Rule::ChangeAddress).with_conflict(Some(PortId(8))))
    );
    assert_eq!(parent.port_mut(id).unwrap().set_mac(address(7)), Ok(()));
    assert_eq!(parent.publish().unwrap().lookup(address(7)).map(|(id, _)| id), Some(PortId(7)));
    assert!(parent.publish().unwrap().lookup(address(70)).is_none());
}

#[test]
fn a_frame_that_nodst_withholds_says_so_to_source_ports_that_do_not_list_its_sender() {
    let mut b = Bench::new(&[Source, Source]);
    b.listen(0, &[STRANGER]);
    let flags = MacvlanFlags { nodst: true, nopromisc: false };
    b.port(0).set_flags(flags).unwrap();
    let table = b.parent.publish().unwrap().clone();
    let header = EthHeader::parse(&frame(mac(1), STRANGER, 0x0800, 60)).unwrap();
    let verdict = table.receive(&header);
    assert_eq!(table.why(&verdict, PortId(0), &header), Ok(Rule::SourceCopy));
    assert_eq!(table.why(&verdict, PortId(1), &header), Err(Rule::SourceNodst));
}

#[test]
fn a_local_copy_must_fit_with_its_tag() {
    let mut b = Bench::new(&[Bridge, Bridge]);
    b.port(1).set_mtu(500).unwrap();
    let mut tagged = frame(MacAddr::BROADCAST, mac(0), 0x8100, 518);
    assert_eq!(b.decide(Some(0), &tagged).1[0].1, Rule::BridgeLocalFlood);
    tagged.push(0);
    assert_eq!(b.decide(Some(0), &tagged).1[0].1, Rule::LocalCopyTooLong);
}

#[test]
fn ports_and_source_entries_of_a_parent_are_limited() {
    let mac = |n: usize| MacAddr([0x02, 1, 0, (n >> 16) as u8, (n >> 8) as u8, n as u8]);
    let mut bench = Bench::new(&[]);
    let listed: Vec<MacAddr> = (0..MAX_LISTED_SENDERS).map(mac).collect();
    let source = PortRequest { mac: mac(0), mode: Mode::Source, ..PortRequest::default() };
    let first = bench.create(&PortRequest { sources: listed, ..source.clone() }).unwrap();
    let one_more = PortRequest { mac: mac(1), sources: vec![STRANGER], ..source };
    assert_eq!(bench.create(&one_more), Err(Refusal::new(Errno::Enobufs, Rule::SourceList)));
    for n in 1..MAX_PORTS {
        bench.create(&PortRequest { mac: mac(n), ..PortRequest::default() }).unwrap();
    }
    let one_more = PortRequest { mac: STRANGER, ..PortRequest::default() };
    assert_eq!(bench.create(&one_more), Err(Refusal::new(Errno::Enobufs, Rule::CreateRefused)));
    bench.parent.remove(first).unwrap();
    assert_eq!(bench.create(&one_more), Ok(first), "the place of one that went");
}

#[test]
fn an_mtu_has_a_least_and_a_largest() {
    let refused = Err(Refusal::new(Errno::Einval, Rule::ChangeMtu));
    assert_eq!([67, 68, 65_535, 65_536].map(Nic::check_mtu), [refused, Ok(()), Ok(()), refused]);
}

#[test]
fn a_port_has_what_it_was_requested_with() {
    let mut b = Bench::new(&[]);
    let flags = MacvlanFlags { nopromisc: true, ..MacvlanFlags::default() };
    let request = PortRequest { mode: Bridge, ..b.request() }
        .with_mtu(1400)
        .with_bcqueuelen(7)
        .with_bclim(3)
        .with_flags(flags);
    assert_eq!((request.mode, request.mtu, request.bclim), (Bridge, Some(1400), Some(3)));
    let id = b.create(&request).unwrap();
    let port = b.parent.port(id).unwrap();
    assert_eq!((port.mtu(), port.bcqueuelen(), port.flags()), (1400, 7, flags));
    assert_eq!(b.parent.passthru(), None);
    assert_eq!(b.parent.publish().unwrap().port_count(), 1);

    let b = Bench::new(&[Passthru]);
    assert_eq!(b.parent.passthru(), Some(PortId(0)));
}

#[test]
fn what_was_joined_by_hand_is_left_by_hand() {
    let mut b = Bench::new(&[Bridge]);
    let group = MacAddr([1, 0, 0x5e, 1, 2, 3]);
    let twice = Err(Refusal::new(Errno::Enoent, Rule::JoinAndLeave));
    b.port(0).join(group);
    assert_eq!(b.parent.port(PortId(0)).unwrap().groups().iter().collect::<Vec<_>>(), [&group]);
    assert_eq!((b.port(0).leave(group), b.port(0).leave(group)), (Ok(()), twice));
    b.parent.join(group);
    assert_eq!((b.parent.leave(group), b.parent.leave(group)), (Ok(()), twice));
    for on in [true, false] {
        b.port(0).set_allmulticast(on);
        assert_eq!(b.parent.port(PortId(0)).unwrap().is_allmulticast(), on);
    }
}
