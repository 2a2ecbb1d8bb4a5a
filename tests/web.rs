//! The playground in one file, opened from disk in a real browser, without a network.
#![cfg(all(unix, feature = "serve"))]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::webdriver::Browser;
use common::{needs, root};
use macvlab::lab::Options;
use macvlab::play::{Request, Session, answer};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The page, from `web/build`; `None`, reported loudly, if it was not built.
fn page() -> Option<PathBuf> {
    let page = root().join("target/macvlab.html");
    (page.exists() || needs::skip("the page is not built: web/build")).then_some(page)
}

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
        let native = answer(&mut session, Request::Events).unwrap().body;
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
