//! The index of the labs that show a rule, and what `macvlab rules` makes of it.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{labs, load, macvlab, root, stderr, stdout};
use macvlab::lab::{Event, HopKind, Lab, Outcome};
use macvlab::verdict::Rule;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Labs that the index names for one rule.
const MAX_LABS: usize = 6;

/// How much a lab says of a rule: less is more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    /// Its comment names the rule.
    About,
    /// The rule decides something in it.
    Decides,
    /// The rule keeps a frame from somebody.
    Withholds,
}

/// A lab, how many events it has, and what its comment and its run say of which rules.
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
        rules[Says::About as usize].extend(words.filter_map(Rule::from_id));
        let mut events = 0;
        Lab::new(&spec, options.with_decisions(true)).run(&mut |event| {
            events += 1;
            let decides = match event {
                Event::Hop(hop) => match hop.kind {
                    HopKind::Receive(_, rule) | HopKind::Transmit(rule) | HopKind::Drop(rule) => Some(rule),
                    HopKind::Arrive(_) => None,
                },
                Event::Setup { refusal, .. } | Event::Result { outcome: Outcome::Refused(refusal), .. } => {
                    Some(refusal.rule)
                }
                Event::Decision(decision) => {
                    rules[Says::Withholds as usize].extend(decision.ways.iter().filter_map(|w| w.rule.err()));
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

/// The index: what says most first, and of those the smallest lab.
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

/// Rules that no lab shows: where the kernel works otherwise than virtual time does (R25, R36, R190), what no lab can have
/// (R81, R211) or is limited to, and what only a test of its own brings about.
const WITHOUT: &[&str] =
    &["R25", "R36", "R81", "R130", "R133", "R167a", "R169b", "R190", "R205", "R211", "N3"];

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
