//! The matrix as a page, and sequence diagrams as pictures, in a real browser.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::webdriver::Browser;
use common::{macvlab, root, stderr};
use serde_json::json;
use std::path::PathBuf;

/// Writes a command's output to a file with this name.
fn made(dir: &tempfile::TempDir, name: &str, args: &[&str]) -> PathBuf {
    let path = dir.path().join(name);
    let output = macvlab(root(), &[args, &[path.to_str().unwrap()]].concat(), b"");
    assert!(output.status.success(), "{}", stderr(&output));
    path
}

#[test]
fn the_matrix_is_read_on_a_phone_and_at_night() {
    let Some(browser) = Browser::open(360, 800) else { return };
    let dir = tempfile::tempdir().unwrap();
    let matrix = ["matrix", "--modes", "private,vepa", "--explain", "--html"];
    browser.visit(&made(&dir, "matrix.html", &matrix));
    // An overview with a row for each table, and its twelve signs; then the tables.
    let rows = |of: &str| browser.eval(&format!("return document.querySelectorAll('{of}').length"));
    assert_eq!(rows("[aria-labelledby=overview] tbody tr"), json!(4));
    assert_eq!(rows("[aria-labelledby=overview] tbody tr:first-child td:last-child span"), json!(12));
    assert_eq!(rows("section:not([aria-labelledby=overview]) tbody tr"), json!(4 * 12));
    // The page itself does not scroll sideways, however wide a table is.
    let wide = "return document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.eval(wide), json!(true));
    // A cell's rule leads to its reason, and every cell can be unfolded.
    browser.eval("document.querySelector('td.unreachable a').click()");
    browser.wait_for("location.hash.length > 1 && document.querySelector('dt:target')");
    browser.eval("document.querySelectorAll('details').forEach((d) => { d.open = true; })");
    let told = browser.text("details.cell pre");
    assert!(told.contains("The first frame lost is the request"), "{told}");
    assert_eq!(browser.eval(wide), json!(true));
    let paper = "return getComputedStyle(document.body).backgroundColor";
    let day = browser.eval(paper);
    browser.emulate(&[("prefers-color-scheme", "dark")]);
    assert_ne!(browser.eval(paper), day);
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn a_sequence_diagram_is_a_picture_with_words() {
    let Some(browser) = Browser::open(1000, 800) else { return };
    let dir = tempfile::tempdir().unwrap();
    browser.visit(&made(&dir, "run.svg", &["draw", "demo:vepa", "--sequence", "-o"]));
    let texts = "return [...document.querySelectorAll('text')].map((t) => t.textContent).join('\\n')";
    let texts = browser.eval(texts);
    for words in ["c2", "step 1: c1 pings c2", "✗ not to eth0: R126 Not back out of the arrival port"] {
        assert!(texts.as_str().unwrap().contains(words), "{words}: {texts}");
    }
    // Nothing extends beyond the picture.
    let inside = "const { width, height } = document.documentElement.viewBox.baseVal;
        return [...document.querySelectorAll('text')].every((t) => {
          const box = t.getBBox();
          return box.x >= 0 && box.x + box.width <= width && box.y + box.height <= height;
        })";
    assert_eq!(browser.eval(inside), json!(true));
    assert_eq!(browser.console(), [""; 0]);
}
