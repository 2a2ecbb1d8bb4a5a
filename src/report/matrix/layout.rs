//! The layout of a group's table, independent of the output format.

use super::Columns;
use crate::lab::spec::Name;
use crate::matrix::{Cell, Explained, Group, Shape};

/// A table.
pub(super) struct Layout<'a> {
    /// Column headings, including those of the row names.
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Row<'a>>,
}

/// A row.
pub(super) struct Row<'a> {
    /// Its names.
    pub(super) names: Vec<String>,
    /// `None`: a device and itself.
    pub(super) cells: Vec<Option<&'a Cell>>,
}

impl Layout<'_> {
    pub(super) fn of<'a>(group: &Group, columns: &'a Columns) -> Layout<'a> {
        match &group.shape {
            Shape::Square => square(columns),
            Shape::Columns => {
                let names = |_, ping: &Explained| vec![ping.cell.from.to_string(), ping.cell.to.to_string()];
                side_by_side(&["from", "to"], names, group, columns)
            }
            Shape::Setups(labels) => {
                let names = |row, _: &Explained| vec![labels.get(row).cloned().unwrap_or_default()];
                side_by_side(&["set-up"], names, group, columns)
            }
        }
    }
}

/// Senders as rows, targets as columns.
fn square(columns: &Columns) -> Layout<'_> {
    let cells: Vec<&Cell> = columns.iter().flatten().map(|explained| &explained.cell).collect();
    let mut names: Vec<&Name> = Vec::new();
    for name in cells.iter().flat_map(|cell| [&cell.from, &cell.to]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let cell = |from: &str, to: &str| cells.iter().copied().find(|cell| cell.from == from && cell.to == to);
    let row = |from: &&Name| {
        let cells = names.iter().map(|to| cell(from, to)).collect();
        Row { names: vec![from.to_string()], cells }
    };
    let rows = names.iter().map(row).collect();
    let header = ["from \\ to".to_owned()].into_iter().chain(names.iter().map(|name| name.to_string()));
    Layout { header: header.collect(), rows }
}

/// A row for each ping, a column for each set-up.
fn side_by_side<'a>(
    heads: &[&str],
    names: impl Fn(usize, &Explained) -> Vec<String>,
    group: &Group,
    columns: &'a Columns,
) -> Layout<'a> {
    let above = group.columns.iter().map(|(heading, _)| heading.clone());
    let header = heads.iter().map(|head| (*head).to_owned()).chain(above).collect();
    let first = columns.first().map(Vec::as_slice).unwrap_or_default();
    let row = |(row, ping): (usize, &Explained)| {
        let cells = columns.iter().map(|column| column.get(row).map(|explained| &explained.cell)).collect();
        Row { names: names(row, ping), cells }
    };
    Layout { header, rows: first.iter().enumerate().map(row).collect() }
}
