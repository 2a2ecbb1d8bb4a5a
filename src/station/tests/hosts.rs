//! Hosts with several interfaces: which way a packet goes, and who answers for which address.

use super::*;
use crate::errno::Errno;
use crate::verdict::Rule;

/// `10.0.0.0/24 via 10.0.1.9 dev b metric 5` and the like.
fn route(text: &str) -> RouteSpec {
    let mut words = text.split(' ');
    let to = words.next().unwrap();
    let mut route = RouteSpec::to(if to == "default" { "0.0.0.0/0" } else { to }.parse().unwrap());
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        match key {
            "via" => route.via = Some(ip(value)),
            "dev" => route.dev = Some(value.into()),
            "src" => route.src = Some(ip(value)),
            _ => route.metric = Some(value.parse().unwrap()),
        }
    }
    route
}

/// A host with the interfaces a (10.0.1.1/24) and b (10.0.2.1/24).
fn two(config: HostConfig) -> Host {
    let (a, b) = (spec("10.0.1.1/24"), spec("10.0.2.1/24"));
    host(&config, &[("a", mac(0xa), &a, 1500), ("b", mac(0xb), &b, 1500)])
}

fn with_routes(routes: &[&str]) -> HostConfig {
    HostConfig { routes: routes.iter().map(|text| route(text)).collect(), ..HostConfig::default() }
}

fn with_sysctl(sysctl: Sysctl, value: u8) -> HostConfig {
    let mut config = HostConfig::default();
    config.sysctls.set(sysctl, value);
    config
}

/// The frame with which the host begins to ping: the interface, and the source and target in the ARP request.
fn first(host: &mut Host, to: &str) -> Option<(usize, IpAddr, IpAddr)> {
    host.start_probe(ms(0), ping(to));
    let (link, frame) = host.pop_transmit()?;
    let addr = |at: usize| IpAddr::from(<[u8; 4]>::try_from(&frame[at..at + 4]).unwrap());
    Some((link, addr(28), addr(38)))
}

/// An ARP request from a MAC and IP address for another address.
fn who_has(sender: &str, target: &str) -> Vec<u8> {
    let octets = |text: &str| match ip(text) {
        IpAddr::V4(addr) => addr.octets(),
        IpAddr::V6(_) => unreachable!("ARP is for IPv4"),
    };
    let head = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1];
    [&head[..], &[2, 0, 0, 0, 0, 9], &octets(sender), &[0; 6], &octets(target)].concat()
}

/// What comes of a request on an interface: answered, or the rule by which it is not.
fn asked(host: &mut Host, link: usize, sender: &str, target: &str) -> (bool, Option<Rule>) {
    let rule = host.receive(ms(0), link, &who_has(sender, target), PacketType::Broadcast);
    (host.pop_transmit().is_some_and(|(out, frame)| out == link && frame[21] == 2), rule)
}

#[test]
fn the_longest_prefix_then_the_least_metric_then_the_older_route() {
    for (routes, to, expected) in [
        (&["default via 10.0.1.9", "10.9.0.0/16 via 10.0.2.9"][..], "10.9.1.1", (1, "10.0.2.1", "10.0.2.9")),
        (&["default via 10.0.1.9", "10.9.0.0/16 via 10.0.2.9"], "192.0.2.1", (0, "10.0.1.1", "10.0.1.9")),
        (
            &["default via 10.0.1.9 metric 9", "default via 10.0.2.9 metric 5"],
            "192.0.2.1",
            (1, "10.0.2.1", "10.0.2.9"),
        ),
        (&["default via 10.0.2.9", "default via 10.0.1.9"], "192.0.2.1", (1, "10.0.2.1", "10.0.2.9")),
        // On the link: no gateway. The source is another interface's, for ARP has to name one of the host's.
        (&["10.0.1.128/25 dev b"], "10.0.1.200", (1, "10.0.2.1", "10.0.1.200")),
        (&["10.9.0.0/16 dev b src 10.0.1.1"], "10.9.0.1", (1, "10.0.1.1", "10.9.0.1")),
        // A source that is not the host's is not used.
        (&["10.9.0.0/16 dev b src 10.0.1.77"], "10.9.0.1", (1, "10.0.2.1", "10.9.0.1")),
        // The subnet of an interface comes first at the same length, but not a longer prefix's.
        (&["10.0.1.0/24 dev b"], "10.0.1.5", (0, "10.0.1.1", "10.0.1.5")),
    ] {
        let (link, source, target) = expected;
        let mut host = two(with_routes(routes));
        assert_eq!(first(&mut host, to), Some((link, ip(source), ip(target))), "{routes:?} {to}");
    }
}

#[test]
fn a_route_goes_with_its_interface_and_does_not_come_back() {
    let mut host = two(with_routes(&["10.9.0.0/16 dev b", "10.8.0.0/16 via 10.0.2.9"]));
    for to in ["10.9.0.1", "10.8.0.1"] {
        assert!(host.next_hop(ms(0), ip(to)).is_some(), "{to}");
    }
    host.set_link_up(1, false, ms(1));
    host.set_link_up(1, true, ms(2));
    for to in ["10.9.0.1", "10.8.0.1"] {
        assert_eq!(host.next_hop(ms(3), ip(to)), None, "{to}");
    }
    assert_eq!(host.next_hop(ms(3), ip("10.0.2.9")), Some((1, ip("10.0.2.9"))), "its subnet does");
    assert_eq!(host.add_route(ms(3), route("10.9.0.0/16 dev b")), Ok(()));
    host.remove_interface(1, ms(4));
    assert_eq!(host.next_hop(ms(5), ip("10.9.0.1")), None);
}

#[test]
fn a_route_by_an_interface_that_comes_later_waits_for_it() {
    let a = spec("10.0.1.1/24");
    let mut host = host(&with_routes(&["10.9.0.0/16 dev late"]), &[("a", mac(0xa), &a, 1500)]);
    assert_eq!(host.next_hop(ms(0), ip("10.9.0.1")), None);
    let late =
        Interface { name: "late", mac: mac(0xc), ip: &spec("10.0.3.1/32"), mtu: 1500, up: true, arp: true };
    assert_eq!(host.add_interface(late, ms(0)), 1);
    assert_eq!(host.next_hop(ms(0), ip("10.9.0.1")), Some((1, ip("10.9.0.1"))));
}

#[test]
fn routes_that_the_kernel_refuses() {
    let mut host = two(with_routes(&["10.9.0.0/16 dev b"]));
    for (text, refused) in [
        ("10.9.0.0/16 dev a", Errno::Eexist),
        ("10.8.0.0/16 dev c", Errno::Enodev),
        ("10.8.0.0/16 via 192.0.2.1", Errno::Enetunreach),
        ("10.8.0.0/16 via 10.0.2.9 dev a", Errno::Enetunreach),
    ] {
        assert_eq!(host.add_route(ms(0), route(text)), Err(refused), "{text}");
    }
    host.set_link_up(1, false, ms(0));
    assert_eq!(host.add_route(ms(0), route("10.8.0.0/16 dev b")), Err(Errno::Enetdown));
    assert_eq!(host.remove_route(&route("10.8.0.0/16")), Err(Errno::Esrch));
    assert_eq!(host.add_route(ms(0), route("10.9.0.0/16 dev a metric 7")), Ok(()));
    assert_eq!(host.remove_route(&route("10.9.0.0/16 metric 8")), Err(Errno::Esrch));
    assert_eq!(host.remove_route(&route("10.9.0.0/16")), Ok(()));
}

#[test]
fn which_interface_answers_for_which_address() {
    use Sysctl::{ArpFilter, ArpIgnore};
    let ignored = (false, Some(Rule::ArpIgnored));
    for (config, sender, target, expected) in [
        // On interface a, for the address of b: a host has its addresses everywhere.
        (HostConfig::default(), "10.0.1.9", "10.0.2.1", (true, None)),
        (HostConfig::default(), "10.0.1.9", "10.0.9.9", (false, None)),
        (with_sysctl(ArpIgnore, 1), "10.0.1.9", "10.0.2.1", ignored),
        (with_sysctl(ArpIgnore, 1), "10.0.7.9", "10.0.1.1", (true, None)),
        (with_sysctl(ArpIgnore, 2), "10.0.7.9", "10.0.1.1", ignored),
        (with_sysctl(ArpIgnore, 2), "10.0.1.9", "10.0.1.1", (true, None)),
        (with_sysctl(ArpIgnore, 3), "10.0.1.9", "10.0.2.1", (true, None)),
        (with_sysctl(ArpIgnore, 8), "10.0.1.9", "10.0.1.1", ignored),
        (with_sysctl(ArpFilter, 1), "10.0.1.9", "10.0.2.1", (true, None)),
        (with_sysctl(ArpFilter, 1), "10.0.2.9", "10.0.1.1", ignored),
        // Duplicate address detection asks from no address.
        (with_sysctl(ArpFilter, 1), "0.0.0.0", "10.0.2.1", (true, None)),
        // The sender claims an address of the host, or one that no host can have.
        (HostConfig::default(), "10.0.2.1", "10.0.1.1", (false, Some(Rule::MartianSource))),
        (HostConfig::default(), "10.0.2.255", "10.0.1.1", (false, Some(Rule::MartianSource))),
        (with_sysctl(Sysctl::RpFilter, 1), "10.0.2.9", "10.0.1.1", (false, Some(Rule::ReversePath))),
        (with_sysctl(Sysctl::RpFilter, 2), "10.0.2.9", "10.0.1.1", (true, None)),
        (with_sysctl(Sysctl::RpFilter, 2), "192.0.2.9", "10.0.1.1", (false, Some(Rule::ReversePath))),
    ] {
        let mut host = two(config.clone());
        assert_eq!(asked(&mut host, 0, sender, target), expected, "{config:?}: {sender} asks for {target}");
    }
}

#[test]
fn a_proxy_answers_for_what_it_forwards_elsewhere() {
    let proxy = |forwarding| HostConfig { forwarding, ..with_sysctl(Sysctl::ProxyArp, 1) };
    for (config, target, answered) in [
        (proxy(true), "10.0.2.7", true),
        (proxy(false), "10.0.2.7", false),
        (HostConfig { forwarding: true, ..HostConfig::default() }, "10.0.2.7", false),
        // What is behind the same interface answers itself, and to what has no route nothing is forwarded.
        (proxy(true), "10.0.1.7", false),
        (proxy(true), "192.0.2.1", false),
    ] {
        let mut host = two(config.clone());
        assert_eq!(asked(&mut host, 0, "10.0.1.9", target), (answered, None), "{config:?} {target}");
    }
}

#[test]
fn the_source_of_a_request_is_that_of_the_packet_unless_it_is_to_be_announced_less() {
    let routes = ["10.9.0.0/16 dev b src 10.0.1.1", "10.0.2.64/26 dev b src 10.0.1.1"];
    for (level, to, source) in
        [(0, "10.9.0.1", "10.0.1.1"), (1, "10.9.0.1", "10.0.2.1"), (2, "10.0.2.65", "10.0.2.1")]
    {
        let mut config = with_sysctl(Sysctl::ArpAnnounce, level);
        config.routes = routes.map(route).into();
        assert_eq!(first(&mut two(config), to).map(|asked| asked.1), Some(ip(source)), "{level} {to}");
    }
}

#[test]
fn what_comes_up_or_has_a_new_mac_address_announces_itself_if_it_is_to() {
    let config = spec("10.0.1.1/24 fd00::1/64");
    for (sysctl, words) in [
        (None, &[][..]),
        (Some(Sysctl::ArpNotify), &["arp?"]),
        (Some(Sysctl::NdiscNotify), &["advertise", "advertise"]),
    ] {
        let mut host = host(&HostConfig::default(), &[("a", mac(0xa), &config, 1500)]);
        host.set_sysctls(Some(0), &sysctl.map(|sysctl| (sysctl, 1)).into_iter().collect::<Vec<_>>());
        let said = |host: &mut Host| -> Vec<&'static str> {
            let sent = std::iter::from_fn(|| host.pop_transmit());
            sent.map(|(_, bytes)| if bytes[12..14] == [8, 6] { "arp?" } else { "advertise" }).collect()
        };
        host.set_mac(0, mac(0xb));
        assert_eq!(said(&mut host), words, "{sysctl:?}: a new address");
        // Down, it loses all but the link-local IPv6 address.
        host.set_link_up(0, false, ms(1));
        host.set_link_up(0, true, ms(2));
        let again = if sysctl == Some(Sysctl::NdiscNotify) { &words[1..] } else { words };
        assert_eq!(said(&mut host), again, "{sysctl:?}: up again");
    }
}

#[test]
fn the_loopback_answers_on_every_interface() {
    let config = HostConfig { loopback: vec!["192.0.2.1/32".parse().unwrap()], ..HostConfig::default() };
    let mut host = two(config);
    assert_eq!(asked(&mut host, 0, "10.0.1.9", "192.0.2.1"), (true, None));
    for to in ["192.0.2.1", "127.0.0.1", "10.0.2.1"] {
        let id = host.start_probe(ms(1), ping(to));
        assert_eq!(host.probe_result(id).map(|result| result.outcome), Some(ProbeOutcome::Reply), "{to}");
    }
    assert_eq!(host.pop_transmit(), None);
}
