//! The index of the labs that show a rule, and the output of `macvlab rules`.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{labs, load, macvlab, root, stderr, stdout};
use macvlab::lab::{Event, HopKind, Lab};
use macvlab::verdict::Rule;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Maximum number of labs in the index per rule.
const MAX_LABS: usize = 6;

/// How a lab shows a rule: lower values are more relevant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    /// Its comment names the rule.
    About,
    /// The rule decides something in it.
    Decides,
    /// The rule filters a frame from a device.
    Withholds,
}

/// A lab, its number of events, and the rules in its comment and in its run.
struct Shown {
    name: String,
    events: usize,
    rules: Vec<BTreeSet<Rule>>,
}

fn shown() -> Vec<Shown> {
    let of = |(name, path): (&String, &std::path::PathBuf)| {
        let (spec, options) = load(path);
        let mut rules = vec![BTreeSet::new(); 3];
        let comments = std::fs::read_to_string(path).unwrap();
        let comments = comments.lines().filter(|line| line.starts_with('#'));
        let words = comments.flat_map(|line| line.split(|c: char| !c.is_alphanumeric()));
        // `s3` is a station, `S3` a rule.
        let named = words.filter_map(|word| Rule::from_id(word).filter(|rule| rule.id() == word));
        rules[Says::About as usize].extend(named);
        let mut events = 0;
        Lab::new(&spec, options.with_decisions(true)).run(&mut |event| {
            events += 1;
            let decides = match event {
                Event::Hop(hop) => match hop.kind {
                    HopKind::Receive(_, rule) | HopKind::Transmit(rule) | HopKind::Drop(rule) => Some(rule),
                    HopKind::Arrive(_) => None,
                },
                Event::Setup { refusal, .. } => Some(refusal.rule),
                Event::Result { outcome, .. } => outcome.rule(),
                Event::Decision(decision) => {
                    rules[Says::Withholds as usize]
                        .extend(decision.candidates.iter().filter_map(|w| w.rule.err()));
                    Some(decision.rule)
                }
                _ => None,
            };
            rules[Says::Decides as usize].extend(decides);
        });
        Shown { name: name.clone(), events, rules }
    };
    labs().iter().map(of).collect()
}

/// The index: the most relevant labs first, and among them the smallest.
fn index() -> String {
    let shown = shown();
    let mut index = String::new();
    for rule in Rule::ALL {
        let says = |lab: &Shown| {
            [Says::About, Says::Decides, Says::Withholds]
                .into_iter()
                .find(|s| lab.rules[*s as usize].contains(rule))
        };
        let mut labs: Vec<_> =
            shown.iter().filter_map(|lab| Some((says(lab)?, lab.events, &lab.name))).collect();
        labs.sort();
        let names: Vec<_> = labs.iter().take(MAX_LABS).map(|(.., name)| name.as_str()).collect();
        writeln!(index, "{rule} {}", names.join(" ")).unwrap();
    }
    index.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// To renew it: `TRYCMD=overwrite cargo test --test rules`.
#[test]
fn the_index_of_labs_is_current() {
    let (path, index) = (root().join("src/cli/labs-by-rule.txt"), index());
    if std::env::var_os("TRYCMD").is_some_and(|v| v == "overwrite") {
        std::fs::write(&path, &index).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == index, "src/cli/labs-by-rule.txt is old");
    let without: Vec<_> = index.lines().filter(|line| !line.contains(' ')).collect();
    assert_eq!(without, WITHOUT);
}

/// Rules that no lab shows: those where the kernel differs from virtual time (R25, R36, R190), those that no lab can
/// have (R211) or reach within limits, and those that only a dedicated test causes.
const WITHOUT: &[&str] =
    &["R25", "R36", "R130", "R133", "R167a", "R169b", "R190", "R205", "R211", "R224", "C1"];

fn rules(args: &[&str]) -> String {
    let output = macvlab(root(), &[&["rules"], args].concat(), b"");
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{args:?}");
    stdout(&output)
}

#[test]
fn a_rule_says_where_it_can_be_seen() {
    insta::assert_snapshot!(rules(&["r17"]));
    let line: serde_json::Value = serde_json::from_str(&rules(&["R126a", "--json"])).unwrap();
    assert_eq!(line["demos"], serde_json::json!(["vepa-hairpin", "private-static", "host-hairpin"]));
    assert!(line["labs"].as_array().unwrap().iter().all(|lab| labs().contains_key(lab.as_str().unwrap())));
}

#[test]
fn a_word_finds_the_rules_that_speak_of_it() {
    let found = rules(&["Hairpin"]);
    let ids: Vec<_> = found.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert!(ids.contains(&"R126") && ids.contains(&"R126a") && !ids.contains(&"R14"), "{found}");
    for word in ["R0", "zzz\u{1b}", " ", ""] {
        let output = macvlab(root(), &["rules", word], b"");
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()), "{word:?}");
        assert!(!stderr(&output).contains('\u{1b}'));
    }
}

#[test]
fn the_page_of_rules_links_three_labs() {
    let page = rules(&["--markdown"]);
    let mut counts = BTreeSet::new();
    for (rule, labs) in
        include_str!("../src/cli/labs-by-rule.txt").lines().filter_map(|line| line.split_once(' '))
    {
        let row = page.lines().find(|row| row.starts_with(&format!("| <a id=\"{rule}\"></a>"))).unwrap();
        let linked: Vec<&str> =
            row.split("](../fixtures/labs/").skip(1).map(|l| l.split_once(".toml").unwrap().0).collect();
        let labs: Vec<&str> = labs.split(' ').collect();
        assert_eq!(linked, labs[..labs.len().min(3)], "{rule}");
        counts.insert(labs.len());
    }
    assert!(counts.contains(&3) && counts.iter().any(|count| *count > 3), "{counts:?}");
}
