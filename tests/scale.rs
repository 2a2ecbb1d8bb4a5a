//! Size: ten thousand ports are created, and one broadcast reaches them all.

use macvlab::frame::{EthHeader, MacAddr};
use macvlab::lab::{Event, HopKind, Lab, Options};
use macvlab::station::default_mac;
use macvlab::stop::Stop;
use std::fmt::Write as _;

const NICS: usize = 100;
const PORTS: usize = 100;

/// A switch with a hundred NICs, each with a hundred bridge ports; the first port sends a broadcast.
fn big_lab() -> String {
    let mut text = String::from("title = \"ten thousand ports\"\n");
    for n in 0..NICS {
        let _ = writeln!(text, "[nic.eth{n}]");
        for p in 0..PORTS {
            let _ = writeln!(text, "[macvlan.c{n}-{p}]\nparent = \"eth{n}\"\nmode = \"bridge\"");
        }
    }
    for n in 0..NICS {
        let _ = writeln!(text, "[switch.sw0.port.eth{n}]");
    }
    let frame = [MacAddr::BROADCAST.0, default_mac("c0-0").0].concat();
    let hex: String = frame.iter().map(|b| format!("{b:02x}")).collect();
    let padding = "00".repeat(60 - EthHeader::LEN);
    let _ = writeln!(text, "[[step]]\ninject = {{ at = \"c0-0\", frame = \"{hex}88b5{padding}\" }}");
    text
}

#[test]
fn a_broadcast_reaches_ten_thousand_ports_and_a_hundred_host_stacks() {
    let spec = macvlab::labfile::parse("big.toml", &big_lab()).unwrap();
    let mut lab = Lab::new(&spec, Options::default());
    let (mut ports, mut hosts) = (0, 0);
    let summary = lab.run(&mut |event| {
        if let Event::Hop(hop) = event
            && let HopKind::Receive(..) = hop.kind
        {
            *(if hop.device.starts_with("eth") { &mut hosts } else { &mut ports }) += 1;
        }
    });
    assert!(summary.ok());
    // The sender's own host stack does not get it: local copies skip it, and the switch does not reflect.
    assert_eq!((ports, hosts), (NICS * PORTS - 1, NICS - 1));
}

#[test]
fn a_lab_that_is_to_stop_does_not_make_itself_ready_for_a_frame() {
    let spec = macvlab::labfile::parse("big.toml", &big_lab()).unwrap();
    let stop = Stop::default();
    let mut lab = Lab::new(&spec, Options::default().with_stop(stop.clone()));
    lab.flush(&mut |_| ());
    stop.ask();
    let mut hops = 0;
    let mut count = |event: &Event| hops += usize::from(matches!(event, Event::Hop(_)));
    lab.arrive("eth0", lab.now(), &[0xff; 60], &mut count).unwrap();
    let summary = lab.run(&mut count);
    assert_eq!((hops, summary.steps), (0, 0));
}
