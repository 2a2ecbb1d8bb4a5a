//! Who reaches whom: the built-in set-up against what was measured on the kernel, and what `macvlab matrix` shows.
#![allow(missing_docs, clippy::unwrap_used)]

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
