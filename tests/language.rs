//! Every sentence of a run and every rule is in the catalogue of each language.
#![cfg(feature = "cli")]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, root, stderr, stdout};
use macvlab::lab::{Lab, LabSpec, Options};
use macvlab::labfile;
use macvlab::language::{Language, columns};
use macvlab::lesson::{Lesson, course};
use macvlab::report::html::bundle;
use macvlab::verdict::Rule;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const CATALOGUE: &str = include_str!("../src/language/zh.json");

/// Terms that are the same in Chinese.
const SAME: [&str; 1] = ["nopromisc"];

/// Words that are no English in a Chinese sentence: protocols, names of the kernel, modes, flags, states, programs.
const TERMS: &str = "
    ping Linux EtherType Enter Tab MiB ms bond brctl bridge docker dummy macvlan macvtap tap veth vxlan mtu
    multicast private vepa passthru source nodst nopromisc bclim bcqueuelen hairpin flood learning locked
    isolated sticky forwarding blocking listening disabled incomplete reachable stale down pvid untagged
    tagged dev via default step hint undo solution skip tour quiz worksheet answers shim win set add remove
    inject wait arping udp tcp primary reflective relay proxy host otherhost forged transmits vSphere
    VirtualBox Proxmox Docker vlan service experimental ethertype bytes runt of compose networkd containerlab ipvlan macOS Windows";

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
    // Texts of lessons are no patterns.
    let patterns = sections().into_iter().filter(|(section, _)| section != "lessons");
    for (key, said) in patterns.flat_map(|(_, entries)| entries) {
        assert!(!said.trim().is_empty(), "{key}");
        assert!(key != said || SAME.contains(&key.as_str()), "{key} is not translated");
        let mut left = said.clone();
        for number in 0..key.matches("{}").count() {
            let placeholder = format!("{{{number}}}");
            let placeholder = if left.contains(&placeholder) { &placeholder } else { "{}" };
            assert!(left.contains(placeholder), "{key}: {said}");
            left = left.replacen(placeholder, "", 1);
        }
        // What a learner types has braces.
        assert!(key.contains("{ ") || !left.contains(['{', '}']), "{key}: {said}");
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

/// The first English word in a text that is neither a term nor one of these names. Words with a digit, a dot or the like are names and
/// addresses; what is in backticks, in double quotes or behind a `=` is typed as it is.
fn english_in(text: &str, names: &BTreeSet<String>) -> Option<String> {
    let mut plain = String::new();
    for (number, part) in text.split(['`', '"', '“', '”']).enumerate() {
        plain.push_str(if number % 2 == 0 { part } else { " " });
    }
    // A step that a learner types.
    let plain = match plain.split_once(" = ") {
        Some((before, _)) => before.rsplit_once(' ').map_or("", |(before, _)| before).to_owned(),
        None => plain,
    };
    let is_in_name = |c: char| c.is_ascii_alphanumeric() || "_.:/-+@#".contains(c);
    let words = plain.split(|c| !is_in_name(c)).map(|word| word.trim_matches([':', '.', '-']));
    let mut words = words.filter(|word| {
        word.chars().all(|c| c.is_ascii_alphabetic())
            && word.chars().any(|c| c.is_ascii_lowercase())
            && word.len() > 1
    });
    words
        .find(|word| !TERMS.split_whitespace().any(|term| term == *word) && !names.contains(*word))
        .map(str::to_owned)
}

#[test]
fn a_translation_has_no_english_words() {
    let none = BTreeSet::new();
    let left: BTreeMap<String, Vec<String>> =
        sections().into_values().flatten().fold(BTreeMap::new(), |mut all, (key, said)| {
            if let Some(word) = english_in(&said, &none) {
                all.entry(word).or_default().push(format!("{key}: {said}"));
            }
            all
        });
    assert!(left.is_empty(), "{left:#?}");
}

/// What the lab calls its devices, switches and hosts.
fn names(spec: &LabSpec) -> BTreeSet<String> {
    let devices = spec.devices.iter().map(|device| &device.name);
    let hosts = spec.hosts.iter().map(|host| &host.name);
    let switches = spec.switches.iter().map(|switch| &switch.name);
    devices.chain(hosts).chain(switches).map(ToString::to_string).collect()
}

/// Everything that the lessons say.
fn texts_of_lessons() -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for lesson in course::ALL {
        let lesson = lesson.lesson().expect("a lesson");
        texts.insert(lesson.title().to_owned());
        for part in lesson.parts().map(|part| part.spec().clone()) {
            texts.extend([part.question, part.explanation]);
            for prediction in part.predictions {
                texts.extend(prediction.question);
                texts.extend(prediction.choices.into_iter().flat_map(|choice| [choice.text, choice.why]));
            }
            let exercise = part.exercise.into_iter();
            texts.extend(exercise.flat_map(|e| e.hints.into_iter().chain([e.task, e.explanation])));
        }
    }
    texts.remove("");
    texts
}

#[test]
fn every_text_of_a_lesson_is_in_the_catalogue_and_nothing_else_is_there() {
    let known: BTreeSet<String> = sections()["lessons"].keys().cloned().collect();
    assert_eq!(texts_of_lessons().symmetric_difference(&known).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_lesson_is_translated_whole_or_not_at_all() {
    let vepa = course::named("vepa").expect("it is built in");
    let chinese = vepa.lesson().expect("a lesson").in_language(Language::Chinese);
    assert!(
        is_chinese(chinese.title()) && is_chinese(&chinese.lab().lesson[0].predictions[0].choices[1].text)
    );

    let own = vepa.text.replace("Does c1 reach c2 behind an ordinary switch?", "Your turn!");
    let own = Lesson::of(labfile::parse("own", &own).expect("a lab")).expect("a lesson");
    let own = own.in_language(Language::Chinese);
    assert_eq!(own.title(), "vepa: the switch decides whether siblings reach each other");
    assert_eq!(own.lab().lesson[0].predictions[0].choices[1].text, "No.");
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
        let names = names(&spec);
        let english = sentences(&said)
            .into_iter()
            .filter_map(|text| english_in(text, &names).map(|word| format!("{word}: {text}")));
        missing.extend(english);
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The texts of the playground's page: of elements with `data-t` what is in them, their title and their label.
fn texts_of_play() -> BTreeSet<String> {
    let page = include_str!("../src/play/assets/play.html");
    let marked =
        page.split('<').filter_map(|part| part.split_once('>')).filter(|(tag, _)| tag.contains(" data-t"));
    let texts = marked.flat_map(|(tag, text)| {
        let attributes = ["title", "aria-label"].map(|name| {
            let value = tag.split_once(&format!(" {name}=\""))?.1;
            value.split_once('"').map(|(value, _)| value)
        });
        attributes.into_iter().flatten().chain([text.trim()]).map(str::to_owned).collect::<Vec<_>>()
    });
    texts.filter(|text| !text.is_empty()).collect()
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
        include_str!("../src/play/assets/engine.js"),
        include_str!("../src/play/assets/lessons.js"),
        include_str!("../src/play/assets/open.js"),
        include_str!("../src/play/assets/play.js"),
        include_str!("../src/play/assets/server.js"),
        include_str!("../src/play/assets/share.js"),
    ];
    let mut said: BTreeSet<String> = scripts
        .iter()
        .flat_map(|script| script.split("t(\"").skip(1).zip(script.split("t(\"")))
        // `t` is the whole name of the function.
        .filter(|(_, before)| !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        .filter_map(|(rest, _)| rest.split_once('"').map(|(text, _)| text.to_owned()))
        .collect();
    said.extend(texts_of_play());
    let known: BTreeSet<String> = sections()["page"].keys().cloned().collect();
    assert_eq!(said.difference(&known).collect::<Vec<_>>(), [""; 0], "missing");
    assert_eq!(known.difference(&said).collect::<Vec<_>>(), [""; 0], "left over");
}

#[test]
fn reports_on_a_terminal_are_in_the_language_that_is_asked_for() {
    let said = |args: &[&str]| stdout(&macvlab(root(), &[args, &["--lang", "zh"]].concat(), b""));
    let overview = said(&["demo"]);
    let places = overview.lines().filter_map(|line| Some(columns(line.split_once(" R")?.0)));
    let places: BTreeSet<usize> = places.collect();
    assert_eq!(places.len(), 1, "the column of the rules is straight: {overview}");

    let why = said(&["why", "fixtures/labs/arp-vepa.toml", "c1", "c2"]);
    for part in ["c1 到不了 c2：c1 对 MAC 地址的请求在 sw0.eth0 丢失了。", "方向变通：c2 到 c1。"]
    {
        assert!(why.contains(part), "{part}: {why}");
    }
    let json = said(&["why", "fixtures/labs/arp-vepa.toml", "c1", "c2", "--json"]);
    assert!(!is_chinese(&json), "{json}");
    let tour = said(&["demo", "vepa", "--tour"]);
    for part in
        ["环境：      eth0 上有 vepa 模式的 c1 和 c2；交换机 sw0 连接 eth0 和 win", "\n第 1 步：c1 ping c2\n"]
    {
        assert!(tour.contains(part), "{part}: {tour}");
    }
    let explained = said(&["explain", "fixtures/labs/arp-vepa.toml", "--at", "c1", "--arp", "c2"]);
    assert!(explained.contains("收不到的设备及原因"), "{explained}");
    let sheet = said(&["demo", "vepa", "--worksheet"]);
    assert!(sheet.contains("<html lang=\"zh-CN\">") && sheet.contains("发生了什么，为什么？"), "{sheet}");
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
