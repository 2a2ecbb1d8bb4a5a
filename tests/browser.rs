//! The page of a run in a real browser, used as a reader would.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::webdriver::{Browser, key};
use common::{labs, load, macvlab, root, run, stderr};
use macvlab::lab::spec::{Name, StepSpec};
use macvlab::lab::{Event, LabSpec, Options};
use macvlab::report::html::{bundle, page};
use serde_json::json;
use std::path::{Path, PathBuf};

/// With every event of a run.
fn told(spec: &LabSpec, options: Options) -> Vec<Event> {
    run(spec, options.with_decisions(true).with_changes(true)).1
}

/// The page of a run, in a folder.
fn write(dir: &Path, events: &[Event]) -> PathBuf {
    let path = dir.join("page.html");
    std::fs::write(&path, page(&bundle(events)).unwrap()).unwrap();
    path
}

fn lab(dir: &Path, name: &str) -> PathBuf {
    let (spec, options) = load(&labs()[name]);
    write(dir, &told(&spec, options))
}

fn marks(browser: &Browser) -> String {
    browser
        .eval("return [...document.querySelectorAll('.mv-mark text')].map((m) => m.textContent).join('; ')")
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_keyboard_steps_through_a_lab() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let dir = tempfile::tempdir().unwrap();
    browser.emulate(&[("prefers-reduced-motion", "reduce")]);
    browser.visit(&lab(dir.path(), "arp-vepa"));
    assert!(browser.text(".narration").contains("The lab at the start"));
    browser.press([key::RIGHT]);
    assert!(browser.text(".narration").contains("Step 1: c1 pings c2"), "{}", browser.text(".narration"));
    // The request reaches the switch, which does not reflect it.
    browser.press([key::RIGHT; 3]);
    let told = browser.text(".narration");
    assert!(
        told.contains("sw0.eth0: it arrives at the switch") && told.contains("R126 Not back out of"),
        "{told}"
    );
    assert!(marks(&browser).contains("✗ not R126"), "{}", marks(&browser));
    browser.press([key::RIGHT, key::RIGHT]);
    assert!(marks(&browser).contains("✓ got it S1"), "{}", marks(&browser));
    browser.press([key::LEFT]);
    assert!(browser.text(".narration").contains("sw0.win sends it on to win"));
    browser.press([key::DOWN]);
    assert!(browser.text(".where").contains("Step 2 of 2: c1 pings win"));
    browser.press([key::UP, key::END]);
    assert!(browser.text(".narration").contains("a reply after"), "{}", browser.text(".narration"));
    browser.press([key::HOME]);
    assert!(browser.text(".narration").contains("The lab at the start"));
    browser.press(['?']);
    assert!(browser.text("dialog[open]").contains("one hop back, one hop forward"));
    browser.press([key::ESCAPE]);
    browser.wait_for("!document.querySelector('dialog').open");
    browser.press([' ']);
    browser.wait_for("macvlab.viewer.index >= 2");
    browser.press([' ']);
    assert_eq!(browser.eval("return macvlab.viewer.playing"), json!(false));
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn what_is_clicked_is_told() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let dir = tempfile::tempdir().unwrap();
    browser.visit(&lab(dir.path(), "arp-vepa-hairpin"));
    browser.press([key::RIGHT; 4]);
    // A frame that moves cannot be clicked.
    browser.wait_for("document.getAnimations().every(animation => animation.playState !== 'running')");
    browser.click(".mv-token.mv-current");
    let frame = browser.text(".panel");
    for told in [
        "request: who has?",
        "192.168.128.233",
        "ff:ff:ff:ff:ff:ff (broadcast)",
        "R126a Hairpin",
        "R19 A vepa port's",
    ] {
        assert!(frame.contains(told), "{told}: {frame}");
    }
    assert!(browser.text(".dump").starts_with("0000  ff ff ff ff ff ff 02 42"), "{}", browser.text(".dump"));
    browser.click(".mv-device[data-device='c1'] .mv-name");
    let device = browser.text(".panel");
    assert!(
        device.contains("vepa") && device.contains("192.168.128.222/24") && device.contains("rx_packets"),
        "{device}"
    );
    // The forwarding database grows with time.
    browser.click(".mv-switch .mv-name");
    assert!(
        browser.text(".panel").contains("Forwarding database at this moment (1)"),
        "{}",
        browser.text(".panel")
    );
    browser.press([key::HOME]);
    assert!(browser.text(".panel").contains("no entries"));
    browser.press([key::END]);
    assert!(
        browser.text(".panel").contains("Forwarding database at this moment (2)"),
        "{}",
        browser.text(".panel")
    );
    // So does the neighbour table of a device.
    browser.click(".mv-device[data-device='c1'] .mv-name");
    let device = browser.text(".panel");
    assert!(device.contains("Neighbours at this moment (1)"), "{device}");
    assert!(device.contains("192.168.128.233\t02:42:c0:a8:80:e9\treachable"), "{device}");
    browser.press([key::HOME]);
    assert!(!browser.text(".panel").contains("Neighbours"), "{}", browser.text(".panel"));
    browser.press([key::END]);
    // Also with the keyboard only.
    browser.eval("document.querySelector('.mv-device[data-device=\"win\"]').focus()");
    browser.press([key::ENTER]);
    assert!(browser.text(".panel").starts_with("win"), "{}", browser.text(".panel"));
    assert_eq!(browser.console(), [""; 0]);
}

/// As in the playground, but found when the page was written.
#[test]
fn hops_are_filtered_and_a_step_is_a_sequence() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let dir = tempfile::tempdir().unwrap();
    browser.emulate(&[("prefers-reduced-motion", "reduce")]);
    browser.visit(&lab(dir.path(), "arp-vepa-hairpin"));
    browser.press(['2']);
    let rows = || {
        let rows =
            browser.eval("return [...document.querySelectorAll('.row .what')].map((row) => row.textContent)");
        rows.as_array().unwrap().iter().map(|row| row.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let filter = |words: &str| {
        browser.eval("document.querySelector('.filter').value = ''");
        browser.fill(".filter", words);
    };
    filter("C2 arp");
    assert!(!rows().is_empty() && rows().iter().all(|row| row.starts_with("c2 ")), "{:?}", rows());
    // A rule is matched by its whole name: R1 is not R19.
    filter("R19");
    assert!(!rows().is_empty() && rows().iter().all(|row| row.ends_with("R19")), "{:?}", rows());
    filter("no-such-word");
    assert!(browser.text(".listing").contains("No moment has all of these words."));

    // The request comes back by the switch, so it is no loss that c2 gets no copy from c1 itself.
    browser.eval("macvlab.viewer.go(2)");
    let told = marks(&browser);
    assert!(told.contains("no local copy R32") && !told.contains("✗ not R32"), "{told}");
    browser.eval("macvlab.viewer.show('sequence')");
    let lanes = browser.eval("return document.querySelectorAll('.mv-lane').length");
    assert!(lanes.as_u64().unwrap() >= 5, "{lanes}");
    let hops = "return document.querySelectorAll('.mv-hop').length === macvlab.viewer.bundle.steps[0].hops";
    assert_eq!(browser.eval(hops), json!(true));
    let last = "const hop = [...document.querySelectorAll('.mv-hop')].at(-1);
        const moment = Number(hop.dataset.moment);
        hop.querySelector('rect').dispatchEvent(new MouseEvent('click', { bubbles: true }));
        return moment === macvlab.viewer.index";
    assert_eq!(browser.eval(last), json!(true));
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn a_step_without_a_reply_tells_what_would_help() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("page.html");
    let output = macvlab(root(), &["demo", "vepa", "--html", page.to_str().unwrap()], b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    browser.visit(&page);
    browser.eval("macvlab.viewer.go(macvlab.viewer.bundle.steps[0].last)");
    let told = browser.text(".narration");
    assert!(told.contains("What would help?") && !told.contains("Set c1 and c2"), "{told}");
    browser.click(".narration .help summary");
    let told = browser.text(".narration");
    for text in [
        "What would help, the least intrusive first.",
        "Set c1 and c2 to mode bridge.",
        "ip link set c1 type macvlan mode bridge",
        "hairpin = true",
        "It also makes a way from c2 to c1.",
    ] {
        assert!(told.contains(text), "{text}: {told}");
    }
    // The list of steps has it too, with the keyboard only.
    browser.eval("document.querySelector('.panel .here .help summary').focus()");
    browser.press([key::ENTER]);
    assert!(browser.text(".panel").contains("Turn hairpin on at the switch port sw0.eth0."));
    // A step that got a reply has none.
    let run = "return macvlab.viewer.bundle.steps.filter(step => step.help).map(step => step.outcome)";
    let outcomes = browser.eval(run);
    let all = outcomes.as_array().unwrap();
    assert!(!all.is_empty() && all.iter().all(|o| o.as_str().unwrap().starts_with("unreachable")), "{all:?}");
    assert_eq!(browser.console(), [""; 0]);
}

/// Any name, title or frame is shown as text.
#[test]
fn hostile_names_do_nothing() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let dir = tempfile::tempdir().unwrap();
    let attack = "</script><script>window.hit=1</script><img src=x onerror=window.hit=2>\u{2028}\u{1}";
    let (spec, options) = load(&labs()["arp-vepa-hairpin"]);
    let events: Vec<Event> = told(&spec, options).into_iter().map(|event| hostile(event, attack)).collect();
    browser.visit(&write(dir.path(), &events));
    for tab in ['1', '2', '3', '4', '5'] {
        browser.press([tab, key::RIGHT, key::RIGHT]);
    }
    browser.eval(&format!("macvlab.viewer.show('device', {})", json!(attack)));
    assert!(browser.text(".panel").starts_with("</script><script>"), "{}", browser.text(".panel"));
    assert!(browser.text("h1").contains("<img src=x onerror=window.hit=2>"));
    // The drawing is complete.
    assert_eq!(browser.eval("return document.querySelectorAll('.stage [data-device]').length"), json!(8));
    let found = browser.eval(
        "return [window.hit ?? null, document.images.length, document.scripts.length, document.querySelectorAll('[onerror]').length]",
    );
    assert_eq!(found, json!([null, 0, 4, 0]));
    assert_eq!(browser.console(), [""; 0]);
}

/// The same event, with another title, and another name for c1.
fn hostile(mut event: Event, attack: &str) -> Event {
    let rename = |name: &mut Name| {
        if name == "c1" {
            *name = attack.into();
        }
    };
    match &mut event {
        Event::Lab { title, devices } => {
            attack.clone_into(title);
            for device in devices {
                rename(&mut device.name);
                device.peer.as_mut().map(rename);
            }
        }
        Event::Hop(hop) => {
            rename(&mut hop.device);
            hop.frame = [&hop.frame[..], attack.as_bytes()].concat().into();
        }
        Event::Decision(decision) => {
            rename(&mut decision.device);
            decision.candidates.iter_mut().for_each(|way| rename(&mut way.to));
        }
        Event::Counters { device, .. } | Event::State { device, .. } => rename(device),
        _ => {}
    }
    event
}

#[test]
fn ten_thousand_hops_open_and_step() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let dir = tempfile::tempdir().unwrap();
    let (mut spec, options) = load(&labs()["arp-vepa-hairpin"]);
    let ping = spec.steps.pop().unwrap();
    spec.steps = vec![StepSpec::new(ping.action); 720];
    browser.visit(&write(dir.path(), &told(&spec, options)));
    let moments = browser.eval("return macvlab.viewer.bundle.moments.length").as_u64().unwrap();
    assert!(moments > 10_000, "{moments}");
    browser.press(['2', key::END]);
    assert!(browser.text(".narration").contains("Step 720: a reply"), "{}", browser.text(".narration"));
    browser.press([key::LEFT; 20]);
    let hop = moments - 20;
    assert!(
        browser.text(".clock").ends_with(&format!("moment {hop} of {moments}")),
        "{}",
        browser.text(".clock")
    );
    // Only visible rows exist.
    let rows = browser.eval("return document.querySelectorAll('.row').length").as_u64().unwrap();
    assert!((5..80).contains(&rows), "{rows}");
    let seen = browser.eval("const [r, p] = [document.querySelector('.row[aria-selected=true]'), document.querySelector('.hops')].map((e) => e.getBoundingClientRect()); return r.top >= p.top - 1 && r.bottom <= p.bottom + 1");
    assert_eq!(seen, json!(true));
    let parts = browser.eval("return document.querySelectorAll('.part').length").as_u64().unwrap();
    assert!(parts <= 120, "{parts}");
    browser.press(['1', '3', '4']);
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn a_phone_is_wide_enough() {
    let Some(browser) = Browser::open(360, 740) else { return };
    let dir = tempfile::tempdir().unwrap();
    for name in ["arp-vepa-hairpin", "vlan-parent", "errors"] {
        browser.visit(&lab(dir.path(), name));
        for tab in ['1', '2', '3', '4', '5'] {
            browser.press([tab, key::RIGHT, key::RIGHT]);
            let widths = browser.eval("return [document.documentElement.scrollWidth, innerWidth]");
            assert_eq!(widths, json!([360, 360]), "{name}, tab {tab}");
        }
    }
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn dark_and_still_if_the_reader_wants_it() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let dir = tempfile::tempdir().unwrap();
    browser.emulate(&[("prefers-color-scheme", "dark"), ("prefers-reduced-motion", "reduce")]);
    browser.visit(&lab(dir.path(), "arp-bridge"));
    assert_eq!(browser.eval("return document.documentElement.dataset.theme"), json!("dark"));
    browser.press(['d']);
    assert_eq!(browser.eval("return document.documentElement.dataset.theme"), json!("light"));
    // The URL names the moment.
    browser.press([key::RIGHT]);
    browser.wait_for("location.hash === '#2'");
    browser.eval("location.hash = '#4'");
    browser.wait_for("macvlab.viewer.index === 3");
    browser.eval("macvlab.viewer.go(0)");
    // Frames appear without animation.
    browser.eval("macvlab.viewer.play()");
    browser.wait_for("macvlab.viewer.index >= 3");
    assert_eq!(browser.eval("return document.getAnimations().length"), json!(0));
    assert_eq!(browser.console(), [""; 0]);
}

/// Headers are decoded from any bytes, and from any part of them, without an exception.
#[test]
fn headers_are_decoded() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let dir = tempfile::tempdir().unwrap();
    let fields = |hex: &str| {
        let script = "return macvlab.decode(macvlab.bytes('HEX')).map((l) => `${l.title} ${l.from}-${l.to}: ` + l.fields.map((f) => f.join(' ')).join(', '))";
        let told = browser.eval(&script.replace("HEX", hex));
        told.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    browser.visit(&lab(dir.path(), "ipv6-vepa-hairpin"));
    let tagged = "020000000002020000000001 8100a00a 0800 4500002c00004000400600000a0000010a000002 \
                  0050c001000000010000000260121000abcd0000 020405b4";
    let told = fields(&tagged.replace(' ', ""));
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[1].contains("VLAN id 10, priority 5"), "{told:?}");
    assert!(told[2].contains("protocol 6 (TCP)") && told[2].contains("source 10.0.0.1"), "{told:?}");
    assert!(told[3].contains("flags SYN ACK") && told[3].contains("source port 80"), "{told:?}");
    assert!(told[3].contains("options 4 bytes"), "{told:?}");
    let short = fields("0200000000020200000000010806000108");
    assert!(short[1].contains("truncated after 3 bytes"), "{short:?}");
    let all = browser.eval(
        "let n = 0; const titles = new Set();
         for (const [hex] of macvlab.viewer.bundle.frames) {
           const bytes = macvlab.bytes(hex);
           for (let end = 0; end <= bytes.length; end += 1) { macvlab.decode(bytes.subarray(0, end)).forEach((l) => titles.add(l.title)); n += 1; }
           for (let i = 12; i < bytes.length; i += 1) for (const v of [0, 255]) { const other = bytes.slice(); other[i] = v; macvlab.decode(other); n += 1; }
         }
         return [n > 500, [...titles].sort()]",
    );
    assert_eq!(all, json!([true, ["Ethernet", "ICMPv6", "IPv6", "Payload"]]));
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn what_is_for_another_host_is_seen_and_not_got() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let dir = tempfile::tempdir().unwrap();
    browser.emulate(&[("prefers-reduced-motion", "reduce")]);
    browser.visit(&lab(dir.path(), "bridge-own-device"));
    browser.press([key::END]);
    browser.press([key::UP, key::DOWN]);
    browser.press([key::LEFT]);
    assert!(marks(&browser).contains("· seen S1"), "{}", marks(&browser));
    assert!(!marks(&browser).contains("✓ got it"), "{}", marks(&browser));
}

#[test]
fn a_port_that_is_added_again_starts_from_nothing_and_a_switch_counts_what_its_ports_do() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let dir = tempfile::tempdir().unwrap();
    let spec = macvlab::labfile::parse(
        "lab.toml",
        r#"
        [nic.eth0]
        [macvlan.a]
        parent = "eth0"
        mac = "02:00:00:00:00:0a"
        [station.win]
        [switch.sw0.port.eth0]
        [switch.sw0.port.win]
        [[step]]
        inject = { at = "win", ethernet = { dst = "a" } }
        [[step]]
        inject = { at = "win", ethernet = { dst = "a" } }
        [[step]]
        remove = "a"
        [[step]]
        add = { macvlan = "a", parent = "eth0", mac = "02:00:00:00:00:0a" }
        [[step]]
        inject = { at = "win", ethernet = { dst = "a" } }
        "#,
    );
    browser.visit(&write(dir.path(), &told(&spec.unwrap(), Options::default())));
    browser.press([key::END]);
    let so_far = |device: &str| {
        browser.click(device);
        let panel = browser.text(".panel");
        panel.split("received\tarrived\tsent\tdropped\n").nth(1).unwrap().lines().next().unwrap().to_owned()
    };
    assert_eq!(so_far(".mv-device[data-device='a'] .mv-name"), "1\t0\t0\t0");
    assert_eq!(so_far(".mv-switch .mv-name"), "0\t3\t3\t0");
}
