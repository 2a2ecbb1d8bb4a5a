//! The playground in one file, opened from disk in a real browser, without a network.
#![cfg(all(unix, feature = "serve"))]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::one_file as page;
use common::webdriver::Browser;
use macvlab::lab::Options;
use macvlab::language::Language;
use macvlab::play::{Ask, Session, answer};
use serde_json::{Value, json};
use std::path::Path;

/// A browser with the page ready.
fn open(file: &Path) -> Option<Browser> {
    let browser = Browser::open(1440, 1000)?;
    browser.visit(file);
    browser.wait_for("document.getElementById('result').textContent.startsWith('Change something')");
    Some(browser)
}

/// Runs an asynchronous function body in the page.
fn ask(browser: &Browser, body: &str) -> Value {
    browser.eval(&format!("return (async () => {{ {body} }})()"))
}

#[test]
fn one_file_has_everything_and_asks_nobody() {
    let Some(page) = page() else { return };
    assert!(std::fs::metadata(&page).unwrap().len() < 1_000_000);
    let Some(browser) = open(&page) else { return };
    browser.click("[data-key='ask go']");
    browser.wait_for("document.getElementById('result').textContent.includes('unreachable')");
    browser.click("[data-key='flag sw0.eth0 hairpin']");
    browser.wait_for("document.getElementById('result').textContent.includes('hairpin on')");
    browser.click("[data-key='ask go']");
    browser.wait_for("document.getElementById('result').textContent.includes('a reply after 0.008 ms')");
    browser.click("#undo");
    browser.wait_for("document.getElementById('result').textContent.startsWith('Undone')");
    let requests = "return performance.getEntriesByType('resource').map((e) => e.name).filter((n) => !n.startsWith('blob:'))";
    assert_eq!(browser.eval(requests), json!([]));
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn every_lab_has_the_same_events_as_in_the_program() {
    let Some(page) = page() else { return };
    let Some(browser) = open(&page) else { return };
    let mut labs = 0;
    for (name, path) in common::labs() {
        let text = std::fs::read_to_string(&path).unwrap();
        // Captures are dropped on the page.
        let Ok(mut session) = Session::open(macvlab::labfile::load(&path).unwrap(), Options::default())
        else {
            continue;
        };
        let native = answer(&mut session, Ask::Events, Language::English).unwrap().body;
        let script = format!(
            "await playTransport.open({}); return new TextDecoder().decode(await playTransport.ask('events.jsonl'));",
            Value::from(text)
        );
        let there = ask(&browser, &script);
        assert!(there.as_str().unwrap() == String::from_utf8(native).unwrap(), "{name}");
        labs += 1;
    }
    assert!(labs > 100, "{labs}");
}

/// Waits until the result begins with this.
fn told(browser: &Browser, begin: &str) {
    browser.wait_for(&format!(
        "!document.body.ariaBusy && document.getElementById('result').textContent.startsWith({})",
        Value::from(begin)
    ));
}

#[test]
fn a_link_opens_the_same_lab_at_the_same_moment() {
    let Some(page) = page() else { return };
    let Some(browser) = open(&page) else { return };
    for step in ["[data-key='ask go']", "[data-key='flag sw0.eth0 hairpin']", "[data-key='ask go']"] {
        browser.eval("document.getElementById('result').textContent = ''");
        browser.click(step);
        told(&browser, if step.contains("ask") { "" } else { "✓" });
        browser.wait_for("document.getElementById('result').textContent !== ''");
    }
    browser.eval("macvlab.viewer.go(7)");
    browser.click("#link");
    told(&browser, "✓ The link is");
    let link = browser.eval("return location.href").as_str().unwrap().to_owned();
    assert!(link.contains("#lab=") && link.ends_with("&at=8") && link.len() < 2000, "{link}");
    let shown = |browser: &Browser| {
        let svg = "document.querySelector('.stage svg').outerHTML.replaceAll(/ style=\"[^\"]*\"/g, '')";
        browser.eval(&format!(
            "return [macvlab.viewer.index, document.querySelector('.clock').textContent, {svg}]"
        ))
    };
    let before = shown(&browser);

    let other = Browser::open(1440, 1000).unwrap();
    other.go(&link);
    told(&other, "Change something");
    assert_eq!(shown(&other), before);
    assert_eq!(other.text("#panel").matches("Steps run (3)").count(), 1);
    assert_eq!(other.console(), [""; 0]);
}

#[test]
fn a_link_that_cannot_be_used_is_said_and_harms_nothing() {
    let Some(page) = page() else { return };
    let Some(browser) = open(&page) else { return };
    let hostile = "title = '<img src=x onerror=\"window.hacked = 1\">'\n[nic.'\"><script>']\n";
    let link = |text: &str| {
        let script = format!("return await playShare.encode(new TextEncoder().encode({text}), 0)");
        ask(&browser, &script).as_str().unwrap().to_owned()
    };
    let bomb = link("'x'.repeat(9000000)");
    let hostile = link(&Value::from(hostile).to_string());
    let no_lab = link("'hello'");
    let long = format!("#lab={}", "A".repeat(40_000));
    let visit = |hash: &str| {
        browser.go("about:blank");
        browser.go(&format!("file://{}{hash}", page.display()));
        browser.wait_for("document.getElementById('result')?.textContent");
        browser.text("#result")
    };
    for (hash, said) in [
        (bomb.as_str(), "longer than 1048576 bytes"),
        ("#lab=%%%", "the link is damaged"),
        ("#lab=AAAA", "the link is damaged"),
        ("#lab=abc&at=x", "the link is damaged"),
        ("#lab=", "the link is damaged"),
        (no_lab.as_str(), "✗ The link cannot be used"),
        (long.as_str(), "more than 32768 characters"),
    ] {
        let result = visit(hash);
        assert!(
            result.starts_with("✗ The link cannot be used:") && result.contains(said),
            "{hash:.40}: {result}"
        );
        assert!(browser.text("#title").contains("classic"), "the page has its own lab");
    }
    let result = visit(&hostile);
    assert!(result.starts_with("Change something"), "{result}");
    assert!(browser.text("#title").starts_with("<img"));
    assert_eq!(browser.eval("return window.hacked"), Value::Null);
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn a_lesson_is_taken_from_disk_and_the_progress_is_kept() {
    let Some(page) = page() else { return };
    let Some(browser) = open(&page) else { return };
    let click = |name: &str| {
        let control = format!("[data-key='{name}']");
        browser.wait_for(&format!(
            "!document.body.ariaBusy && document.querySelector(\"{control}\")?.disabled === false"
        ));
        browser.click(&control);
    };
    let lesson = |text: &str| {
        browser.wait_for(&format!(
            "document.getElementById('lesson').innerText.includes({})",
            Value::from(text)
        ));
    };
    browser.click("#lessons");
    for name in ["take vepa", "choice 1 2", "run", "choice 2 3", "answer", "exercise"] {
        click(name);
    }
    lesson("c1 pings c2: unreachable");
    click("flag sw0.eth0 hairpin");
    lesson("✓ Solved.");
    browser.visit(&page);
    told(&browser, "Change something");
    browser.click("#lessons");
    lesson("2 of 2 predictions right, one exercise solved");
    // A browser that keeps nothing.
    browser.eval("Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })");
    click("take vepa");
    click("choice 1 1");
    click("run");
    browser.wait_for("document.querySelector('#lesson .judged')");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn a_capture_is_dropped_on_the_page_and_replayed() {
    let Some(page) = page() else { return };
    let Some(browser) = open(&page) else { return };
    let frame = "02:42:c0:a8:80:de".replace(':', "") + "005056c00008" + "88b5" + &"00".repeat(46);
    let drop = |bytes: &str, name: &str| {
        browser.eval(&format!(
            "const bytes = Uint8Array.from({bytes:?}.match(/../g), (two) => parseInt(two, 16)); \
             const dataTransfer = new DataTransfer(); \
             dataTransfer.items.add(new File([bytes], {name:?})); \
             document.body.dispatchEvent(new DragEvent('drop', {{ dataTransfer, bubbles: true, cancelable: true }}));"
        ))
    };
    let header = "d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000".replace(' ', "");
    drop(&(header.clone() + "0000000000000000" + "3c000000" + "3c000000" + &frame), "one.pcap");
    told(&browser, "✓ one.pcap can be replayed.");
    browser.click("[data-key='step go']");
    told(&browser, "✓ one.pcap is replayed at eth0");
    // What is no capture is opened as text, and said.
    drop(&(header + "00"), "short.pcap");
    browser.wait_for("document.getElementById('result').textContent.includes('short.pcap:')");
    drop("676f6f6420646179", "day.txt");
    browser.wait_for("document.getElementById('result').textContent.includes('no lab file')");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn texts_that_are_too_long_or_too_deep_are_refused_and_the_page_goes_on() {
    let Some(page) = page() else { return };
    let Some(browser) = open(&page) else { return };
    for (text, said) in [
        ("'x'.repeat(10_000_000)", "longer than"),
        ("'['.repeat(1_000_000)", ""),
        ("'{\"a\":'.repeat(500_000)", ""),
        ("'<a>'.repeat(200_000)", ""),
        ("'a: &a [*a, *a]\\n'.repeat(10_000)", ""),
    ] {
        let answer = ask(
            &browser,
            &format!(
                "try {{ await playTransport.request('open', {{ text: {text} }}); return 'opened'; }} \
                 catch (error) {{ return error.message; }}"
            ),
        );
        let answer = answer.as_str().unwrap();
        assert!(answer != "opened" && answer.contains(said), "{text}: {answer:.200}");
        assert!(!answer.contains("engine") && !answer.contains("unreachable"), "{text}: {answer:.200}");
    }
    browser.click("[data-key='ask go']");
    browser.wait_for("document.getElementById('result').textContent.includes('unreachable')");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn the_language_changes_without_a_reload() {
    let Some(page) = page() else { return };
    let Some(browser) = open(&page) else { return };
    browser.click("[data-key='ask go']");
    browser.wait_for("document.getElementById('result').textContent.includes('unreachable')");
    let choose = |tag: &str| {
        browser.eval(&format!(
            "const choice = document.getElementById('language'); choice.value = '{tag}'; \
             choice.dispatchEvent(new Event('change'))"
        ));
    };
    choose("zh-CN");
    // The session is the same.
    browser.wait_for("document.getElementById('result').textContent.includes('不可达')");
    choose("en");
    browser.wait_for("document.getElementById('result').textContent.includes('unreachable')");
    assert_eq!(browser.console(), [""; 0]);
}
