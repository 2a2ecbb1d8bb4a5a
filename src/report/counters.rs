//! Counters as a table.

use crate::counters::Counters;
use crate::lab::Event;
use crate::lab::spec::Name;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

/// Collects counters from events.
#[derive(Debug, Default)]
pub struct CountersTable(Vec<(Name, Counters)>);

impl CountersTable {
    /// Nothing collected.
    #[must_use]
    pub fn new() -> CountersTable {
        CountersTable::default()
    }

    /// Records the event if it is about counters.
    pub fn event(&mut self, event: &Event) {
        if let Event::Counters { device, counters } = event {
            self.0.push((device.clone(), *counters));
        }
    }

    /// The table as text, ending with a line break.
    #[must_use]
    pub fn render(&self) -> String {
        counters_table(&self.0)
    }
}

/// A table of counters with a row for each device, in the given order.
#[must_use]
pub fn counters_table(counted: &[(Name, Counters)]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([
        "device",
        "rx_packets",
        "rx_bytes",
        "rx_dropped",
        "rx_errors",
        "multicast",
        "tx_packets",
        "tx_bytes",
        "tx_dropped",
    ]);
    for (name, c) in counted {
        let numbers = [
            c.rx_packets,
            c.rx_bytes,
            c.rx_dropped,
            c.rx_errors,
            c.multicast,
            c.tx_packets,
            c.tx_bytes,
            c.tx_dropped,
        ];
        table.add_row(std::iter::once(name.to_string()).chain(numbers.map(|n| n.to_string())));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.lines().map(|line| format!("{}\n", line.trim())).collect()
}
