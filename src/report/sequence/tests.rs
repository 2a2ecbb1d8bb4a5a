use super::*;
use crate::lab::spec::DeviceKind;
use crate::lab::{Event, Hop, HopKind, Lab, Options};
use crate::labfile;
use crate::verdict::Rule;
use std::path::Path;

fn lab(name: &str) -> String {
    std::fs::read_to_string(Path::new("fixtures/labs").join(name).with_extension("toml")).unwrap()
}

/// The story of a lab, and its hops.
fn told(text: &str) -> (Story, Vec<Hop>) {
    let spec = labfile::parse("lab.toml", text).unwrap_or_else(|e| panic!("{e}"));
    let (mut builder, mut hops) = (SequenceBuilder::default(), Vec::new());
    let options = Options { decisions: true, changes: true, ..Options::default() };
    Lab::new(&spec, options).run(&mut |event| {
        builder.event(event);
        if let Event::Hop(hop) = event {
            hops.push(hop.clone());
        }
    });
    (builder.finish(), hops)
}

#[test]
fn an_ordinary_switch_sends_nothing_back() {
    insta::assert_snapshot!(mermaid(&told(&lab("arp-vepa")).0));
}

#[test]
fn a_port_in_bridge_mode_serves_its_sibling_itself() {
    let (story, _) = told(&lab("arp-bridge"));
    insta::assert_snapshot!(mermaid(&story));
    insta::assert_snapshot!(svg(&story).split_once("</style>").unwrap().1);
}

/// How many arrows a hop has: an arrival has one already, except into a sub-interface.
fn arrows_of(hop: &Hop, vlans: &[&str]) -> usize {
    match hop.kind {
        HopKind::Arrive(_) => usize::from(vlans.contains(&hop.device.as_str())),
        HopKind::Receive(_, Rule::StationReceive) => 0,
        _ => 1,
    }
}

#[test]
fn every_hop_of_every_lab_is_an_arrow_or_counted() {
    for entry in std::fs::read_dir("fixtures/labs").unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let spec = labfile::parse("lab.toml", &text).unwrap();
        let inside = |kind: &DeviceKind| matches!(kind, DeviceKind::Vlan(_) | DeviceKind::Bond(_));
        let vlans = spec.devices.iter().filter(|d| inside(&d.kind));
        let vlans: Vec<&str> = vlans.map(|d| d.name.as_str()).collect();
        let (story, hops) = told(&text);
        let expected: usize = hops.iter().map(|hop| arrows_of(hop, &vlans)).sum();
        let (mut drawn, mut shown, mut times, mut more) = (0, 0, 1, 0);
        for entry in &story.entries {
            match entry {
                Entry::Frame { times: n, .. } => times = *n,
                Entry::Arrow { from, to, .. } => {
                    assert!(from.max(to) < &story.lanes.len(), "{}", path.display());
                    (drawn, shown) = (drawn + times, shown + 1);
                }
                Entry::Withheld { .. } => shown += 1,
                Entry::More { hops, .. } => more += hops,
                Entry::Heading(_) | Entry::Result { .. } => {}
            }
        }
        assert!(shown <= MAX_ARROWS);
        let all = if more == 0 { drawn == expected } else { drawn < expected && drawn + more >= expected };
        assert!(all, "{}: {drawn} drawn, {more} more, of {expected}", path.display());
    }
}

#[test]
fn what_is_too_much_is_counted_step_by_step() {
    let step = "[[step]]\nping = { from = \"c1\", to = \"c2\", count = 40 }\n";
    let (mut all, _) =
        lab("arp-vepa-hairpin").split_once("[[step]]").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    all.push_str(&step.repeat(3));
    let (story, _) = told(&all);
    let arrows =
        story.entries.iter().filter(|e| matches!(e, Entry::Arrow { .. } | Entry::Withheld { .. })).count();
    assert_eq!(arrows, MAX_ARROWS);
    let more: Vec<_> = story.entries.iter().filter(|e| matches!(e, Entry::More { .. })).collect();
    assert!(matches!(more[..], [_, Entry::More { frames: 88, hops: 352 }, _]), "{more:?}");
    let results = story.entries.iter().filter(|e| matches!(e, Entry::Result { .. })).count();
    assert_eq!(results, 3, "the outcome of every step is shown");
    assert!(svg(&story).contains("352 more hops of 88 frames are not drawn"));
}

#[test]
fn names_and_titles_are_nothing_but_text() {
    let text = r##"
title = "</title><script>alert(1)</script> %%{init: {}}%% ; end"
[nic."<b>;x"]
[macvlan."\"#&quot;-"]
parent = "<b>;x"
[[step]]
inject = { at = "\"#&quot;-", ethernet = { ethertype = 0x88b5 } }
"##;
    let (story, _) = told(text);
    let picture = svg(&story);
    assert!(!picture.contains("<script") && !picture.contains("<b>"), "{picture}");
    let statements = mermaid(&story);
    for line in statements.lines().skip(1) {
        assert!(
            line.starts_with("    ") && !line.contains("%%") && !line.contains('<') || line.contains("<br/>"),
            "{line}"
        );
    }
    assert_eq!(statements.matches("participant").count(), 2);
}

#[test]
fn a_run_without_steps_is_a_diagram() {
    let (story, _) = told("[nic.eth0]");
    assert_eq!(story.entries, []);
    assert!(svg(&story).contains("nothing happens in this run"));
    assert_eq!(mermaid(&story), "sequenceDiagram\n    participant d0 as no frame is sent\n");
}

/// A standalone diagram defines every colour that it uses.
#[test]
fn the_style_is_whole() {
    let svg = svg(&told(&lab("arp-vepa")).0);
    let (style, drawn) = svg.split_once("</style>").unwrap();
    assert!(!style.contains("var("), "{style}");
    for class in ["mv-life", "mv-band", "mv-frame", "mv-arrow", "mv-tip", "mv-shut"] {
        assert!(drawn.contains(class), "{class} is not drawn");
        let light_and_dark = style.matches(&format!(".mv-sequence .{class}")).count();
        assert!(light_and_dark >= 2, "{class} is styled {light_and_dark} times");
    }
}

#[test]
fn a_note_names_four_ways() {
    for (ports, ways) in [(4, "c1, c2, c3, c4"), (6, "c1, c2, c3, c4 and 2 more")] {
        let mut text = "[nic.eth0]\n[macvlan.c0]\nparent = \"eth0\"\nmode = \"bridge\"\n".to_owned();
        for n in 1..=ports {
            text.push_str(&format!("[macvlan.c{n}]\nparent = \"eth0\"\nmode = \"private\"\n"));
        }
        text.push_str("[[step]]\ninject = { at = \"c0\", frame = \"ffffffffffff02000000000188b5\" }\n");
        let (story, _) = told(&text);
        let notes: Vec<_> = story
            .entries
            .iter()
            .filter_map(|entry| if let Entry::Withheld { ways, .. } = entry { Some(ways) } else { None })
            .collect();
        assert_eq!(notes, [ways]);
    }
}

#[test]
fn the_description_of_a_picture_has_60_lines() {
    let described = |entries: usize| {
        let entries = (1..=entries).map(|n| Entry::Heading(format!("step {n}"))).collect();
        let picture = svg(&Story { entries, ..Story::default() });
        let (_, rest) = picture.split_once("<desc id=\"mv-desc\">").unwrap();
        rest.split_once("</desc>").unwrap().0.to_owned()
    };
    assert!(described(60).ends_with(". step 59. step 60"));
    assert!(described(63).ends_with(". step 60. and 3 more"));
}
