//! Every sentence of a run and every rule is in the catalogue of each language.
#![cfg(feature = "cli")]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, root, stderr, stdout};
use macvlab::lab::{Lab, Options};
use macvlab::labfile;
use macvlab::language::Language;
use macvlab::report::html::bundle;
use macvlab::verdict::Rule;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const CATALOGUE: &str = include_str!("../src/language/zh.json");

/// Terms that are the same in Chinese.
const SAME: [&str; 1] = ["nopromisc"];

fn sections() -> BTreeMap<String, BTreeMap<String, String>> {
    serde_json::from_str(CATALOGUE).expect("the catalogue is JSON")
}

#[test]
fn every_rule_is_in_the_catalogue_and_nothing_else_is_there() {
    let rules = &sections()["rules"];
    let texts: BTreeSet<&str> = Rule::ALL.iter().flat_map(|rule| [rule.title(), rule.why()]).collect();
    let known: BTreeSet<&str> = rules.keys().map(String::as_str).collect();
    assert_eq!(texts, known);
}

#[test]
fn a_translation_has_the_placeholders_of_its_key() {
    for (key, said) in sections().values().flatten() {
        assert!(!said.trim().is_empty(), "{key}");
        assert!(key != said || SAME.contains(&key.as_str()), "{key} is not translated");
        let mut left = said.clone();
        for number in 0..key.matches("{}").count() {
            let placeholder = format!("{{{number}}}");
            let placeholder = if left.contains(&placeholder) { &placeholder } else { "{}" };
            assert!(left.contains(placeholder), "{key}: {said}");
            left = left.replacen(placeholder, "", 1);
        }
        assert!(!left.contains(['{', '}']), "{key}: {said}");
    }
}

/// The sentences of a bundle.
fn sentences(bundle: &Value) -> Vec<&str> {
    let list = |value: &'static str| bundle[value].as_array().expect("a list").iter();
    let steps = list("steps").flat_map(|step| {
        let because = step["because"].as_array().into_iter().flatten().map(|reason| &reason["text"]);
        [&step["title"], &step["outcome"], &step["expect"]].into_iter().chain(because)
    });
    let refused = list("drawings").flat_map(|drawing| drawing["refused"].as_array().into_iter().flatten());
    list("texts").chain(steps).chain(refused).filter_map(Value::as_str).collect()
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// The name of an error, or a sentence whose words have no Chinese ones: `c1 ping c2`.
fn stays(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_uppercase()) || text.contains(" ping ") || text.contains("：nopromisc ")
}

#[test]
fn every_sentence_of_a_run_is_translated() {
    let mut missing = BTreeSet::new();
    let labs = std::fs::read_dir("fixtures/labs").expect("the labs");
    for path in labs.map(|entry| entry.expect("an entry").path()) {
        let text = std::fs::read_to_string(&path).expect("a lab");
        let Ok(spec) = labfile::parse(&path.display().to_string(), &text) else { continue };
        let mut events = Vec::new();
        let options = Options::default().with_decisions(true).with_changes(true);
        Lab::new(&spec, options).run(&mut |event| events.push(event.clone()));
        let said = bundle(&events).in_language(Language::Chinese).to_json().expect("JSON");
        let said: Value = serde_json::from_str(&said).expect("JSON");
        let english = sentences(&said).into_iter().filter(|text| !is_chinese(text) && !stays(text));
        missing.extend(english.map(str::to_owned));
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The texts that the scripts of pages say in the reader's language: each `t("…")`.
#[test]
fn the_words_of_pages_are_those_of_their_scripts() {
    let scripts = [
        include_str!("../src/report/html/viewer.js"),
        include_str!("../src/report/html/panels.js"),
        include_str!("../src/report/html/stage.js"),
        include_str!("../src/report/html/sequence.js"),
        include_str!("../src/play/assets/controls.js"),
        include_str!("../src/play/assets/open.js"),
    ];
    let said: BTreeSet<String> = scripts
        .iter()
        .flat_map(|script| script.split("t(\"").skip(1).zip(script.split("t(\"")))
        // `t` is the whole name of the function.
        .filter(|(_, before)| !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        .filter_map(|(rest, _)| rest.split_once('"').map(|(text, _)| text.to_owned()))
        .collect();
    let known: BTreeSet<String> = sections()["page"].keys().cloned().collect();
    assert_eq!(said.difference(&known).collect::<Vec<_>>(), [""; 0], "missing");
    assert_eq!(known.difference(&said).collect::<Vec<_>>(), [""; 0], "left over");
}

#[test]
fn pages_and_rules_are_in_the_language_that_is_asked_for() {
    let rule = |args: &[&str]| stdout(&macvlab(root(), args, b""));
    assert!(rule(&["rules", "R126"]).starts_with("R126 Not back out of the arrival port"));
    assert!(is_chinese(&rule(&["rules", "R126", "--lang", "zh"])));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("page.html");
    let args = ["run", "fixtures/labs/arp-vepa.toml", "--lang", "zh", "--html", path.to_str().unwrap()];
    let output = macvlab(root(), &args, b"");
    assert!(output.status.success(), "{}", stderr(&output));
    let page = std::fs::read_to_string(&path).unwrap();
    for part in ["<html lang=\"zh-CN\">", "c1 ping c2", "\"▶ Play\":\"▶ 播放\""] {
        assert!(page.contains(part), "{part}");
    }
}
