//! A bundle says the same as the hop log.

use super::*;
use crate::frame::MacAddr;
use crate::lab::spec::{Action, Change, FrameSpec, InjectPoint, StepSpec, SwitchChange};
use crate::lab::{HopKind, Lab, LabSpec, Options, Outcome};
use crate::macvlan::Mode;
use crate::switch::PortFlag;
use crate::why::TriedText;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/labs");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut labs: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    labs.sort();
    labs
}

fn fixture(name: &str) -> LabSpec {
    let path = fixtures().into_iter().find(|path| path.file_stem().is_some_and(|stem| stem == name)).unwrap();
    crate::labfile::load(&path).unwrap_or_else(|e| panic!("{e}"))
}

fn events(spec: &LabSpec) -> Vec<Event> {
    let mut events = Vec::new();
    let options = Options { decisions: true, changes: true, ..Options::default() };
    Lab::new(spec, options).run(&mut |event| events.push(event.clone()));
    events
}

fn written(events: &[Event]) -> Value {
    serde_json::from_str(&bundle(events).to_json().unwrap()).unwrap()
}

#[test]
fn a_small_bundle() {
    let mut value = written(&events(&fixture("arp-bridge")));
    // The drawing and its layout have separate tests.
    for scene in value["drawings"].as_array_mut().unwrap() {
        for key in ["svg", "places", "cables"] {
            scene.as_object_mut().unwrap().remove(key);
        }
    }
    let lines = |value: &Value| {
        value.as_array().map(|list| list.iter().map(|v| format!("    {v}\n")).collect::<String>())
    };
    let told: String = value
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| {
            lines(value).map_or_else(|| format!("{key}: {value}\n"), |list| format!("{key}:\n{list}"))
        })
        .collect();
    insta::assert_snapshot!(told);
}

/// In every lab: a moment for every hop, with its device, rule and bytes; the totals are right; and a frame that has
/// started its path always has a previous position.
#[test]
fn every_hop_of_every_lab_is_there() {
    for path in fixtures() {
        let name = path.display();
        let events = events(&crate::labfile::load(&path).unwrap_or_else(|e| panic!("{e}")));
        let value = written(&events);
        let moments = value["moments"].as_array().unwrap();
        let mut hops = moments.iter().filter(|m| m[0].as_u64().unwrap() > 2);
        let mut begun = BTreeSet::new();
        let logged = events.iter().filter_map(|e| if let Event::Hop(hop) = e { Some(hop) } else { None });
        let mut count = 0;
        for hop in logged {
            count += 1;
            let m = hops.next().unwrap();
            let text = |list: &str, index: &Value| {
                value[list][usize::try_from(index.as_i64().unwrap()).unwrap()].clone()
            };
            assert_eq!(text("names", &m[3]), json!(hop.device), "{name}");
            assert_eq!(text("frames", &m[6])[0], json!(hop.frame.to_hex()), "{name}");
            if let HopKind::Receive(_, rule) | HopKind::Transmit(rule) | HopKind::Drop(rule) = hop.kind {
                assert_eq!(text("rules", &m[4])["id"], json!(rule.id()), "{name}");
            }
            let from = m[8].as_i64().unwrap();
            let index = i64::try_from(moments.iter().position(|x| std::ptr::eq(x, m)).unwrap()).unwrap();
            assert!(from < index, "{name}");
            assert!(from >= 0 || begun.insert(hop.frame_id), "{name}: {hop:?} comes from nowhere");
            begun.insert(hop.frame_id);
        }
        assert_eq!(hops.count(), 0, "{name}");
        assert_eq!(value["hops"], json!(count), "{name}");
        let in_steps: u64 =
            value["steps"].as_array().unwrap().iter().map(|s| s["hops"].as_u64().unwrap()).sum();
        let before = moments.iter().filter(|m| m[0].as_u64().unwrap() > 2 && m[1] == 0).count() as u64;
        assert_eq!(in_steps + before, count, "{name}");
    }
}

/// The forwarding database shown at the end equals that of a switch that saw the same changes.
#[test]
fn entries_come_move_and_go() {
    let value = written(&events(&fixture("sw-learn-move")));
    let names = value["names"].as_array().unwrap();
    let mut where_it_was: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in value["fdb"].as_array().unwrap() {
        let port = row[5].as_i64().unwrap();
        let port = usize::try_from(port).map_or("gone".to_owned(), |p| names[p].as_str().unwrap().to_owned());
        where_it_was.entry(row[4].as_str().unwrap().to_owned()).or_default().push(port);
    }
    assert!(where_it_was.values().any(|ports| ports.len() > 1 && ports[0] != ports[1]), "{where_it_was:?}");
    let aged = written(&events(&fixture("sw-ageing")));
    assert!(aged["fdb"].as_array().unwrap().iter().any(|row| row[5] == -1), "{}", aged["fdb"]);
}

#[test]
fn a_step_names_the_rule_that_made_the_difference() {
    let rules = |name: &str, step: usize| -> Vec<String> {
        let value = written(&events(&fixture(name)));
        let because = value["steps"][step]["because"].as_array().unwrap().clone();
        let id = |b: &Value| {
            value["rules"][b["rule"].as_u64().unwrap() as usize]["id"].as_str().unwrap().to_owned()
        };
        because.iter().map(id).collect()
    };
    assert_eq!(rules("arp-vepa", 0), ["R126"]);
    assert_eq!(rules("arp-vepa-hairpin", 0), ["R19"]);
    assert_eq!(rules("arp-private", 0), ["R17"]);
    assert_eq!(rules("arp-passthru", 0), ["R50"]);
}

#[test]
fn what_is_too_much_is_counted() {
    let mut spec = fixture("arp-vepa-hairpin");
    let ping = spec.steps.pop().unwrap();
    spec.steps = vec![ping; MAX_HOPS / 11];
    let value = written(&events(&spec));
    let moments = value["moments"].as_array().unwrap();
    assert_eq!(moments.iter().filter(|m| m[0].as_u64().unwrap() > 2).count(), MAX_HOPS);
    let (hops, left_out) = (value["hops"].as_u64().unwrap(), value["left_out"].as_u64().unwrap());
    assert_eq!(hops - left_out, MAX_HOPS as u64);
    assert!(left_out > 0);
    let last = value["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(last["hops"], last["left_out"]);
    assert!(last["outcome"].as_str().unwrap().starts_with("a reply"));
}

/// The steps of a page that tell what would help, from 1.
fn helped(spec: &LabSpec, options: &Options) -> Vec<usize> {
    let mut bundle = bundle(&events(spec));
    bundle.look_for_remedies(spec, options, &|_, _| TriedText::default());
    let value: Value = serde_json::from_str(&bundle.to_json().unwrap()).unwrap();
    let steps = value["steps"].as_array().unwrap().iter().zip(1..);
    steps.filter(|(step, _)| step.get("help").is_some()).map(|(_, number)| number).collect()
}

#[test]
fn a_step_without_a_reply_has_what_would_help_before_it() {
    let mut spec = fixture("arp-vepa");
    let mut bundle = bundle(&events(&spec));
    bundle.look_for_remedies(&spec, &Options::default(), &|_, tried| TriedText {
        lines: tried.commands().to_vec(),
        ..TriedText::default()
    });
    let value: Value = serde_json::from_str(&bundle.to_json().unwrap()).unwrap();
    let first = &value["steps"][0]["help"]["remedies"][0];
    assert_eq!(first["change"], "Set c1 and c2 to mode bridge.", "{first}");
    assert_eq!(first["commands"], first["lab"]);
    assert!(value["steps"][1].get("help").is_none(), "it got a reply");
    // A step before it has helped already.
    spec.steps
        .insert(0, StepSpec::new(Action::Set { device: "c2".into(), change: Change::Mode(Mode::Bridge) }));
    let of_c1 = StepSpec::new(Action::Set { device: "c1".into(), change: Change::Mode(Mode::Bridge) });
    assert_eq!(helped(&spec, &Options::default()), [2]);
    spec.steps.insert(0, of_c1);
    assert_eq!(helped(&spec, &Options::default()), [0; 0]);
    let stopped = Options::default();
    stopped.stop.ask();
    assert_eq!(helped(&fixture("arp-vepa"), &stopped), [0; 0], "an answer that is not complete is not shown");
}

#[test]
fn remedies_are_looked_for_within_limits() {
    let mut spec = fixture("arp-vepa");
    spec.steps = vec![spec.steps[0].clone(); MAX_HELPED + 1];
    assert_eq!(helped(&spec, &Options::default()), (1..=MAX_HELPED).collect::<Vec<_>>());
    // The hops of what goes before count, and its own.
    let size = |spec: &LabSpec| {
        let hops = events(spec).iter().filter(|event| matches!(event, Event::Hop(_))).count();
        spec.devices.len() + hops
    };
    let (at, entry, frame) = ("c1".into(), InjectPoint::Device, FrameSpec::Bytes(vec![0xff; 60]));
    let before = StepSpec::new(Action::Inject { at, entry, frame });
    spec.steps.truncate(1);
    let (ping, of_ping) = (spec.steps[0].clone(), size(&spec));
    let after = |frames: usize, pings: usize| {
        let frames = std::iter::repeat_n(before.clone(), frames);
        let steps = frames.chain(std::iter::repeat_n(ping.clone(), pings)).collect();
        LabSpec { steps, ..spec.clone() }
    };
    let of_frame = size(&after(1, 1)) - of_ping;
    let fits = (MAX_HELPED_SIZE - of_ping) / of_frame;
    assert!(size(&after(fits, 1)) <= MAX_HELPED_SIZE && size(&after(fits + 1, 1)) > MAX_HELPED_SIZE);
    assert_eq!(helped(&after(fits, 2), &Options::default()), [fits + 1]);
    assert_eq!(helped(&after(fits + 1, 1), &Options::default()), [0; 0]);
}

/// Many changes are tried for the first step, in copies that are not small.
#[test]
fn the_changes_tried_for_a_page_are_limited() {
    let mut text = "[nic.eth0]\naddress = \"10.0.0.1/24\"\n[switch.sw0.port.eth0]\n".to_owned();
    for n in 0..75 {
        text += &format!(
            "[station.s{n}]\naddress = \"10.7.0.{}/16\"\n[switch.sw0.port.s{n}]\nlocked = true\nflood = false\n",
            n + 1
        );
    }
    text += &"[[step]]\nping = { from = \"eth0\", to = \"10.0.0.99\" }\n".repeat(2);
    let spec = crate::labfile::parse("lab.toml", &text).unwrap_or_else(|e| panic!("{e}"));
    let hops = events(&spec).iter().filter(|event| matches!(event, Event::Hop(_))).count();
    assert!(spec.devices.len() + hops <= MAX_HELPED_SIZE, "{hops}");
    assert_eq!(helped(&spec, &Options::default()), [1]);
}

#[test]
fn the_same_run_gives_the_same_page() {
    let spec = fixture("vlan-parent");
    assert_eq!(page(&bundle(&events(&spec))).unwrap(), page(&bundle(&events(&spec))).unwrap());
}

/// One file, which fetches nothing; nothing from the lab is more than text.
#[test]
fn a_page_is_one_file() {
    let mut spec = fixture("arp-vepa");
    spec.title = "</script><img src=x onerror=alert(1)>".to_owned();
    let page = page(&bundle(&events(&spec))).unwrap();
    assert_eq!(page.matches("<script").count(), 4);
    assert_eq!(page.matches("</script>").count(), 4);
    assert!(!page.contains("<img") && !page.contains("src=\"") && !page.contains("href="));
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    let addresses = page.matches("http").count() - page.matches("http-equiv").count();
    assert_eq!(addresses, page.matches("http://www.w3.org/2000/svg").count(), "names of XML's, no addresses");
}

/// Without decisions and changes there is less to see, but all hops.
#[test]
fn plain_events_make_a_bundle_too() {
    let mut plain = Vec::new();
    Lab::new(&fixture("arp-vepa"), Options::default()).run(&mut |event| plain.push(event.clone()));
    let value = written(&plain);
    assert_eq!(value["decisions"], json!([]));
    assert_eq!(value["hops"], written(&events(&fixture("arp-vepa")))["hops"]);
    assert!(plain.iter().any(|e| matches!(e, Event::Result { outcome: Outcome::Unreachable(_), .. })));
}

/// A drawing is stored once, however often the lab returns to it; the number of different ones is limited.
#[test]
fn drawings_are_shared_and_bounded() {
    let mut spec = fixture("arp-vepa-hairpin");
    let flip = |value| Action::SetSwitch {
        switch: "sw0".into(),
        change: SwitchChange::Flag { port: "eth0".into(), flag: PortFlag::Hairpin, value },
    };
    let step = |action| StepSpec::new(action);
    spec.steps = (0..20).map(|n| step(flip(n % 2 == 1))).collect();
    let value = written(&events(&spec));
    assert_eq!(value["drawings"].as_array().unwrap().len(), 2);
    assert_eq!(value["scenes"].as_array().unwrap().len(), 21);
    let mac = |n: usize| MacAddr::from_u64(0x0200_0000_0000 + n as u64);
    let change = |n| step(Action::Set { device: "c1".into(), change: Change::Mac(mac(n)) });
    spec.steps = (0..MAX_DRAWINGS + 9).map(change).collect();
    let value = written(&events(&spec));
    assert_eq!(value["drawings"].as_array().unwrap().len(), MAX_DRAWINGS);
    assert_eq!(value["scenes_left_out"], json!(10));
}

/// The reasons for the only step.
fn reasons(events: &[Event]) -> Vec<String> {
    let value = written(events);
    let because = value["steps"][0]["because"].as_array().unwrap();
    because.iter().map(|reason| reason.to_string()).collect()
}

/// A broadcast between this many ports.
fn broadcast(ports: usize) -> Vec<Event> {
    let mut text = "[nic.eth0]\n".to_owned();
    for n in 0..ports {
        text.push_str(&format!("[macvlan.c{n}]\nparent = \"eth0\"\nmode = \"bridge\"\n"));
    }
    text.push_str("[[step]]\ninject = { at = \"c0\", frame = \"ffffffffffff02000000000188b5\" }\n");
    events(&crate::labfile::parse("lab.toml", &text).unwrap())
}

#[test]
fn reasons_are_searched_for_in_many_events_and_said_to_be_some() {
    let events = broadcast(3);
    let is_searched = |event: &Event| matches!(event, Event::Hop(_) | Event::Decision(_));
    let at = events.iter().position(is_searched).unwrap();
    let own = events.iter().filter(|event| is_searched(event)).count();
    let whole = reasons(&events);
    for (more, partly) in [(20_000 - own, false), (20_001 - own, true)] {
        // The first hop, repeated.
        let again = vec![events[at].clone(); more];
        let reasons = reasons(&[&events[..=at], &again, &events[at + 1..]].concat());
        let said = reasons.iter().filter(|reason| reason.contains("as far as the first 20000 hops")).count();
        assert_eq!(said, if partly { reasons.len() } else { 0 }, "{reasons:?}");
        assert!(partly || reasons == whole, "{reasons:?}");
        assert!(!reasons.is_empty());
    }
}

#[test]
fn devices_of_one_fate_are_named_up_to_a_limit() {
    let got = |ports: usize| {
        reasons(&broadcast(ports)).into_iter().find(|reason| reason.contains(" got it")).unwrap()
    };
    assert!(got(13).contains("c11 and c12 got it"), "{}", got(13));
    assert!(got(15).contains("c12 and 2 more got it"), "{}", got(15));
}
