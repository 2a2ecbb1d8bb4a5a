//! Who reaches whom: the built-in set-up against what was measured on the kernel, and what `macvlab matrix` shows.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, root, stderr, stdout};
use macvlab::lab::LabSpec;
use macvlab::matrix::{Cell, Classic, Lost, PortSetup, Reach, Wire, know_neighbours, ping};

const MEASURED: &str = include_str!("kernel_matrix.txt");

/// The measured cells: modes, wire, the pair, learned and static.
fn measured() -> Vec<(Vec<&'static str>, char, &'static str, &'static str)> {
    let mut lines = MEASURED.lines().filter(|line| !line.starts_with('#')).map(|l| l.split(' '));
    let pairs: Vec<_> = lines.next().unwrap().skip(3).collect();
    let mut cells = Vec::new();
    for mut line in lines {
        let modes = vec![line.next().unwrap(), line.next().unwrap()];
        let wires = line.next().unwrap();
        let row: Vec<_> = line.collect();
        assert_eq!(row.len(), pairs.len());
        for wire in wires.chars() {
            let there = pairs.iter().zip(&row).filter(|(_, cell)| **cell != ".");
            cells.extend(there.map(|(pair, cell)| (modes.clone(), wire, *pair, *cell)));
        }
    }
    cells
}

fn spec(modes: &[&str], wire: char) -> LabSpec {
    let wired = match wire {
        'a' => Wire::Cable,
        'b' => Wire::Switch { hairpin: false },
        _ => Wire::Switch { hairpin: true },
    };
    let c1 = PortSetup::from_name(modes[0]).unwrap();
    let mut spec = Classic { c1, c2: PortSetup::from_name(modes[1]), wire: wired }.spec();
    if wire == 'd' {
        spec.switches[0].ports[0].flags.isolated = true;
    }
    spec
}

/// A cell as the table has it.
fn in_letters(cell: &Cell, is_static: bool) -> &'static str {
    match (cell.reach, cell.lost) {
        (Reach::Reply, None) => "R",
        (Reach::Unreachable, Some(Lost::Solicitation)) => "U",
        (Reach::Unreachable, Some(Lost::Advertisement)) => "Ua",
        (Reach::NoReply, Some(Lost::Request)) if is_static => "-",
        (Reach::NoReply, Some(Lost::Request)) => "-r",
        (Reach::OneWay, Some(Lost::Answer)) => "-1",
        _ => "?",
    }
}

#[test]
fn the_matrix_is_the_kernels() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for (modes, wire, pair, cell) in measured() {
        let (from, to) = pair.split_once('>').unwrap();
        let (learned, is_static) = cell.split_once('/').unwrap();
        let mut spec = spec(&modes, wire);
        for (known, expected) in [(false, learned), (true, is_static)] {
            if known {
                know_neighbours(&mut spec);
            }
            let cell = ping(&spec, from, to);
            let got = in_letters(&cell, known);
            tried += 1;
            if got != expected || cell.rule.is_none() || cell.at.is_none() {
                wrong.push(format!("{modes:?} wire {wire} {pair} known {known}: {expected}, here {cell:?}"));
            }
        }
    }
    assert_eq!(tried, 2 * (18 * 4 * 12 + 4 * 6));
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

fn shown(args: &[&str]) -> String {
    let output = macvlab(root(), &[&["matrix"], args].concat(), b"");
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{args:?}");
    stdout(&output)
}

#[test]
fn a_pair_of_modes() {
    insta::assert_snapshot!(shown(&["--modes", "private"]));
}

#[test]
fn a_pair_of_modes_with_static_neighbours_in_markdown() {
    insta::assert_snapshot!(shown(&["--modes", "source:none", "--static-neighbours", "--markdown"]));
}

#[test]
fn passthru_alone() {
    insta::assert_snapshot!(shown(&["--modes", "passthru", "--hairpin", "on"]));
}

#[test]
fn the_devices_of_a_lab() {
    insta::assert_snapshot!(shown(&["fixtures/labs/router-subnets.toml"]));
}

#[test]
fn one_object_a_cell() {
    let lines = shown(&["--modes", "vepa", "--wire", "switch", "--hairpin", "on", "--json"]);
    let cell = r#"{"modes":["vepa","vepa"],"wire":"switch","hairpin":true,"neighbours":"learned","from":"c1","to":"c2","result":"reply","rule":"R19"}"#;
    assert!(lines.lines().any(|line| line == cell), "{lines}");
    assert_eq!(lines.lines().count(), 12);
    let lines = shown(&["fixtures/labs/arp-private-static.toml", "--static-neighbours", "--json"]);
    let cell = r#"{"modes":["private","private"],"wire":"switch","hairpin":true,"neighbours":"static","from":"c1","to":"c2","result":"reply","rule":"R14"}"#;
    assert!(lines.lines().any(|line| line == cell), "{lines}");
}

#[test]
fn the_whole_matrix_has_every_cell_and_a_rule_in_each() {
    for known in [&[][..], &["--static-neighbours"]] {
        let lines = shown(&[&["--json"], known].concat());
        assert_eq!(lines.lines().count(), (5 * 5 * 12 + 6) * 3);
        assert!(!lines.contains(r#""rule":null"#));
    }
    let all = shown(&["--json", "--modes", "source,source:win,source:peer"]);
    assert_eq!(all.lines().count(), 4 * 4 * 12 * 3);
}

#[test]
fn wrong_usage() {
    for args in [
        &["--modes", "vlan\u{1b}"][..],
        &["--wire", "cable", "--hairpin", "on"],
        &["--json", "--markdown"],
        &["fixtures/labs/arp-vepa.toml", "--modes", "vepa"],
        &["fixtures/labs/no-such-lab.toml"],
    ] {
        let output = macvlab(root(), &[&["matrix"], args].concat(), b"");
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()), "{args:?}");
        assert!(!stderr(&output).contains('\u{1b}'));
    }
}

#[test]
fn names_and_titles_do_not_break_the_tables() {
    let lab = r#"
title = "a | b <i> [x](y)"
[nic."e|`<b>"]
address = "10.0.0.1/24"
[macvlan."*c*"]
parent = "e|`<b>"
address = "10.0.0.2/24"
"#;
    let run = |args: &[&str]| stdout(&macvlab(root(), &[&["matrix", "-"], args].concat(), lab.as_bytes()));
    insta::assert_snapshot!(run(&["--markdown"]));
    for line in run(&["--json"]).lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    assert!(run(&[]).contains("unreachable R91"), "{}", run(&[]));
}
