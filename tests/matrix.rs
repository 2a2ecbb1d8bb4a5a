//! The matrix: the built-in set-up compared with measurements on the kernel, and the output of `macvlab matrix`.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, root, stderr, stdout};
use macvlab::explain::Fate;
use macvlab::lab::LabSpec;
use macvlab::matrix::{
    Cell, Classic, Group, Lost, PortSetup, Reach, Wire, classic_groups, default_modes, know_neighbours, ping,
};
use macvlab::report::{MatrixForm, MatrixReport};

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

/// A cell as shown in the table.
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

const WIRES: [Wire; 3] = [Wire::Cable, Wire::Switch { hairpin: false }, Wire::Switch { hairpin: true }];

fn default_groups() -> Vec<Group> {
    let groups = |known| classic_groups(&default_modes(), &WIRES, known);
    [groups(false), groups(true)].concat()
}

#[test]
fn every_cell_has_an_explanation_whose_rule_is_the_cells() {
    let mut explained = 0;
    for group in default_groups() {
        for (setup, (from, to)) in group
            .columns
            .iter()
            .flat_map(|(_, setup)| setup.pairs().into_iter().map(move |pair| (setup, pair)))
        {
            let cell = setup.explain(&from, &to);
            let why = format!("{}, {} {}: {:?}", group.heading, setup.wire(), setup.hairpin, cell.cell);
            let (rule, journey) = (cell.cell.rule.expect(&why), cell.journey.as_ref().expect(&why));
            // The frame that decided met the rule at the device that the cell names.
            let met = |fate: &Fate| match (fate, cell.cell.reach) {
                (Fate::Got(by), Reach::Reply) => *by == rule,
                (Fate::Kept { rule: by, at, .. }, _) => *by == rule && Some(at) == cell.cell.at.as_ref(),
                (Fate::Overheard(by), _) => *by == rule,
                _ => false,
            };
            assert!(journey.fates(&cell.devices).iter().any(|(_, fate)| met(fate)), "{why}");
            let sent = journey.hops().any(|hop| hop.device == journey.from);
            assert!(sent && (cell.cell.reach == Reach::Reply) == cell.cell.lost.is_none(), "{why}");
            explained += 1;
        }
    }
    assert_eq!(explained, 2 * 918);
}

#[test]
fn what_is_told_of_a_cell_names_its_rule() {
    let group = &default_groups()[0];
    let cells = group
        .columns
        .iter()
        .map(|(_, setup)| setup.pairs().iter().map(|(from, to)| setup.explain(from, to)).collect::<Vec<_>>());
    let columns = cells.collect();
    let mut report = MatrixReport::new(Vec::new(), MatrixForm::Json, true);
    report.group(group, &columns).unwrap();
    let lines = String::from_utf8(report.finish().unwrap()).unwrap();
    assert_eq!(lines.lines().count(), 36);
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let (rule, told) = (line["rule"].as_str().unwrap(), line["explanation"].as_str().unwrap());
        assert!(told.split_whitespace().any(|word| word == rule), "{rule}: {told}");
    }
}

#[test]
fn a_cell_explained() {
    let which = ["--modes", "source:none", "--wire", "switch", "--hairpin", "off", "--static-neighbours"];
    insta::assert_snapshot!(shown(&[&which[..], &["--from", "c1", "--to", "win", "--explain"]].concat()));
}

#[test]
fn a_lab_in_every_mode() {
    let lab = "fixtures/labs/private-hairpin.toml";
    insta::assert_snapshot!(shown(&[lab, "--modes", "all", "--from", "c1"]));
    let lines = shown(&[lab, "--modes", "vepa", "--hairpin", "off", "--json"]);
    assert!(!lines.is_empty());
    for line in lines.lines() {
        assert!(line.starts_with(r#"{"modes":["vepa","vepa"],"wire":"switch","hairpin":false,"#), "{line}");
    }
}

#[test]
fn a_second_passthru_port_is_refused_and_the_cell_says_so() {
    let text = shown(&["fixtures/labs/arp-vepa.toml", "--modes", "passthru", "--to", "c2", "--explain"]);
    assert!(text.contains("  c1    c2  unreachable R50  unreachable R50\n"), "{text}");
    assert!(text.contains("The device c2 is refused: R50 Passthru takes the parent alone."), "{text}");
}

#[test]
fn the_lab_behind_a_cell_can_be_shown_and_run() {
    let which = ["--modes", "private", "--wire", "switch", "--hairpin", "on"];
    let lab = shown(&[&which[..], &["--static-neighbours", "--show"]].concat());
    let output = macvlab(root(), &["matrix", "-", "--json"], lab.as_bytes());
    let own = shown(&[&which[..], &["--static-neighbours", "--json"]].concat());
    // The same cells, except that the second lab has no static neighbours.
    assert_eq!(stdout(&output).replace("learned", "static"), own);
}

#[test]
fn the_page_is_whole_and_nothing_in_it_can_act() {
    let lab = r#"
title = "</title><script>alert(1)</script>"
[nic."<img>&lt;'"]
address = "10.0.0.1/24"
[macvlan."\"onload=\"a()"]
parent = "<img>&lt;'"
address = "10.0.0.2/24"
"#;
    let run = |args: &[&str]| stdout(&macvlab(root(), &[&["matrix", "-"], args].concat(), lab.as_bytes()));
    for args in [&["--html", "-"][..], &["--html", "-", "--explain"], &["--html", "-", "--modes", "all"]] {
        let page = run(args);
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"), "{page}");
        assert!(page.contains("default-src 'none'") && page.contains("&lt;img&gt;&amp;lt;&#39;"), "{page}");
        for bad in ["<script", "<img", "\"onload=\"", "http://", "https://"] {
            assert!(!page.contains(bad), "{bad}: {page}");
        }
    }
    insta::assert_snapshot!(run(&["--html", "-"]).split_once("</style>").unwrap().1);
    let dir = tempfile::tempdir().unwrap();
    let output = macvlab(dir.path(), &["matrix", "-", "--html", "out.html"], lab.as_bytes());
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), String::new()));
    assert_eq!(std::fs::read_to_string(dir.path().join("out.html")).unwrap(), run(&["--html", "-"]));
}

#[test]
fn wrong_usage() {
    for args in [
        &["--modes", "vlan\u{1b}"][..],
        &["--wire", "cable", "--hairpin", "on"],
        &["--json", "--markdown"],
        &["fixtures/labs/arp-vepa.toml", "--wire", "switch"],
        &["fixtures/labs/arp-vepa.toml", "--modes", "source:win"],
        &["fixtures/labs/vepa-plain.toml", "--from", "nobody"],
        &["--from", "c3\u{1b}"],
        &["--show"],
        &["--show", "--modes", "vepa"],
        &["--html", "no/such/folder/out.html"],
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
