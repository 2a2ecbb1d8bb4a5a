//! The figures as text tables.

use super::subjects::Group;
use super::{Failure, Measured};
use comfy_table::{CellAlignment, Table, presets};
use std::io::Write;

/// All tables that have rows.
pub(super) fn tables(measured: &[Measured], out: &mut impl Write) -> Result<(), Failure> {
    let of = |group| measured.iter().filter(move |m| m.group == group);
    let groups = [
        decisions(of(Group::Decide).collect()),
        threads(of(Group::Threads).collect()),
        plain("million copies per second", "receivers", of(Group::Flood).collect()),
        switches(of(Group::Switch).collect()),
        plain("thousand frames per second through the kernel", "ports", of(Group::Kernel).collect()),
    ];
    let mut first = true;
    for table in groups.into_iter().flatten() {
        if !std::mem::take(&mut first) {
            writeln!(out)?;
        }
        writeln!(out, "{table}")?;
    }
    Ok(())
}

/// Figures that differ only in the hit rate share a row.
fn decisions(lines: Vec<&Measured>) -> Option<Table> {
    let mut hits: Vec<u8> = Vec::new();
    lines.iter().for_each(|m| {
        if !hits.contains(&m.hits_percent) {
            hits.push(m.hits_percent);
        }
    });
    let first = *hits.first()?;
    let mut header = vec!["million decisions per second".to_owned(), "ports".to_owned(), "frames".to_owned()];
    header.extend(hits.iter().flat_map(|h| [format!("{h} % hits"), "x baseline".to_owned()]));
    let mut table = table(&header);
    for line in lines.iter().filter(|m| m.hits_percent == first) {
        let mut row = vec![line.what.clone(), line.size.to_string(), line.frames.clone()];
        for hits in &hits {
            let same = |m: &&&Measured| {
                (&m.what, m.size, &m.frames, m.hits_percent) == (&line.what, line.size, &line.frames, *hits)
            };
            let m = lines.iter().find(same);
            row.push(m.map(|m| millions(m)).unwrap_or_default());
            row.push(m.and_then(|m| m.times_limit).map(|x| format!("{x:.2}")).unwrap_or_default());
        }
        table.add_row(row);
    }
    Some(table)
}

fn threads(lines: Vec<&Measured>) -> Option<Table> {
    let one = lines.first()?.per_second;
    let first = lines.first()?.what.clone();
    let mut table =
        table(&["threads".to_owned(), "million decisions per second".to_owned(), format!("x {first}")]);
    for m in lines {
        table.add_row([m.what.clone(), millions(m), format!("{:.2}", m.per_second / one)]);
    }
    Some(table)
}

fn switches(lines: Vec<&Measured>) -> Option<Table> {
    lines.first()?;
    let header = ["million frames per second through a switch", "stations", "", "ns", "MiB"];
    let mut table = table(&header.map(str::to_owned));
    for m in lines {
        let memory = m.memory_bytes.map(|b| format!("{:.1}", b as f64 / f64::from(1 << 20)));
        table.add_row([
            m.what.clone(),
            m.size.to_string(),
            millions(m),
            format!("{:.1}", m.ns),
            memory.unwrap_or_default(),
        ]);
    }
    Some(table)
}

fn plain(title: &str, size: &str, lines: Vec<&Measured>) -> Option<Table> {
    let group = lines.first()?.group;
    let mut table = table(&[title, size, "", "ns"].map(str::to_owned));
    for m in lines {
        let rate = if group == Group::Kernel { format!("{:.0}", m.per_second / 1e3) } else { millions(m) };
        table.add_row([m.what.clone(), m.size.to_string(), rate, format!("{:.1}", m.ns)]);
    }
    Some(table)
}

fn millions(measured: &Measured) -> String {
    format!("{:.1}", measured.per_second / 1e6)
}

/// Numbers are right-aligned.
fn table(header: &[String]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.to_vec());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
