//! Every sentence of a run and every rule is in the catalogue of each language.
#![cfg(feature = "labfile")]

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
