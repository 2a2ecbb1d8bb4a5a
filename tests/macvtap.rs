//! A macvtap with a reader that does not read.

use macvlab::lab::{Event, Hop, HopKind, Lab, Options};
use macvlab::verdict::Rule;

#[test]
fn a_reader_who_does_not_read_loses_what_comes_after_500_frames() {
    let text = "[nic.eth0]\n[macvtap.vm]\nparent = \"eth0\"\nmac = \"02:00:00:00:00:0a\"\nopen = \"idle\"\n";
    let spec = macvlab::labfile::parse("lab.toml", text).unwrap();
    let mut lab = Lab::new(&spec, Options::default());
    let mut frame = vec![2, 0, 0, 0, 0, 0x0a, 2, 0, 0, 0, 0, 0x51, 0x88, 0xb5];
    frame.resize(60, 0);
    let (mut received, mut lost) = (0, 0);
    let mut last = None;
    let mut sink = |event: &Event| match event {
        Event::Hop(Hop { kind: HopKind::Receive(..), .. }) => received += 1,
        Event::Hop(Hop { kind: HopKind::Drop(Rule::TapQueueFull), .. }) => lost += 1,
        Event::Counters { device, counters } if device == "vm" => last = Some(*counters),
        _ => {}
    };
    for _ in 0..510 {
        lab.arrive("eth0", lab.now(), &frame, &mut sink).unwrap();
    }
    lab.finish(&mut sink);
    assert_eq!((received, lost), (500, 10));
    let counters = last.unwrap();
    assert_eq!((counters.rx_packets, counters.rx_dropped), (510, 10));
}
