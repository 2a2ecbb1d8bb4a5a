//! `macvlab matrix [LAB]`

use super::terminal::{Out, Terminal};
use super::{Exit, Failure, input};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{ContentArrangement, Table};
use macvlab::lab::LabSpec;
use macvlab::lab::spec::DeviceKind;
use macvlab::macvlan::Mode;
use macvlab::matrix::{self, Cell, Classic, Listed, PortSetup, Wire};
use macvlab::verdict::Rule;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// Cells of one lab: each is a lab of its own that is made and run.
const MAX_CELLS: usize = 10_000;

/// Show who reaches whom by ping, and the rule that makes the difference.
///
/// With a lab: each of its devices that has an address against each other one; its steps are not run. Without: ports c1
/// and c2 on eth0, and a station win outside, in every pair of modes, on a cable and on a switch without and with hairpin.
/// Every ping has a lab of its own, in which nobody has learned anything.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab matrix                        every pair of modes
  macvlab matrix --modes vepa,bridge --wire switch
                                        some of it
  macvlab matrix --modes private --hairpin on --static-neighbours
                                        without ARP
  macvlab matrix lab.toml               the devices of a lab
  macvlab matrix --json | jq .          one object a cell
  macvlab matrix --markdown             tables for a document

A cell: reply; unreachable (no neighbour found); no-reply (the request was lost); one-way (the request reached the target's
stack, the answer was lost). The rule behind it: with a reply, what brought the first frame to the target; else, what kept
the first lost frame from whom it was meant for.

Exit codes: 0, or 2 for wrong usage or input.")]
pub(super) struct Args {
    /// The lab file; - is standard input.
    #[arg(conflicts_with_all = ["modes", "wire", "hairpin"])]
    lab: Option<PathBuf>,
    /// Modes of the ports: private, vepa, bridge, passthru, source:none, source:win, source:peer, source:all (the list);
    /// source is none and all. Default: all but source:win and source:peer.
    #[arg(long, value_name = "MODE,…", value_delimiter = ',')]
    modes: Vec<String>,
    /// Only with this between eth0 and win.
    #[arg(long)]
    wire: Option<WireKind>,
    /// The switch sends frames back to eth0, or not.
    #[arg(long, value_name = "WHEN", default_value = "both")]
    hairpin: Hairpin,
    /// Every device knows the MAC addresses of its subnet; nobody asks by ARP.
    #[arg(long)]
    static_neighbours: bool,
    /// Tables in Markdown.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// One JSON object a cell.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WireKind {
    Cable,
    Switch,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Hairpin {
    On,
    Off,
    Both,
}

/// A lab, with what its cells are told with.
struct Setup {
    modes: Vec<String>,
    wire: &'static str,
    hairpin: bool,
    spec: LabSpec,
}

/// How cells are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Markdown,
    Json,
}

/// What was typed, checked. Set-ups of the same modes are side by side in one table.
enum Plan {
    Lab(Box<Setup>),
    Classic(Vec<Vec<Setup>>),
}

impl Plan {
    fn of(args: &Args, terminal: &Terminal) -> Result<Plan, Failure> {
        let Some(path) = &args.lab else {
            let (modes, wires) = (modes(&args.modes)?, wires(args.wire, args.hairpin)?);
            return Ok(Plan::Classic(classic(&modes, &wires, args.static_neighbours)));
        };
        let mut spec = input::lab(path, terminal)?;
        spec.steps.clear();
        let devices = matrix::ends(&spec).len();
        if devices * devices.saturating_sub(1) > MAX_CELLS {
            let why = format!("{devices} devices with addresses have more than {MAX_CELLS} pairs");
            return Err(Failure::about(path.display(), why));
        }
        if args.static_neighbours {
            matrix::know_neighbours(&mut spec);
        }
        let modes = spec.devices.iter().filter_map(|d| match &d.kind {
            DeviceKind::Macvlan(port) => Some(port.mode.to_string()),
            _ => None,
        });
        Ok(Plan::Lab(Box::new(Setup {
            modes: modes.collect(),
            wire: if spec.switches.is_empty() { "cable" } else { "switch" },
            hairpin: spec.switches.iter().flat_map(|s| &s.ports).any(|p| p.flags.hairpin),
            spec,
        })))
    }
}

fn modes(words: &[String]) -> Result<Vec<PortSetup>, Failure> {
    let (none, all) = (PortSetup::source(Listed::Nobody), PortSetup::source(Listed::All));
    if words.is_empty() {
        let others = [Mode::Private, Mode::Vepa, Mode::Bridge].map(PortSetup::of);
        return Ok([&others[..], &[none, all, PortSetup::of(Mode::Passthru)]].concat());
    }
    let mut setups = Vec::new();
    for word in words {
        let named = match word.as_str() {
            "source" => vec![none, all],
            word => PortSetup::from_name(word).into_iter().collect(),
        };
        if named.is_empty() {
            let known: Vec<_> = PortSetup::ALL.iter().map(ToString::to_string).collect();
            let why = format!("`{}` is no mode; there are {}, source", word.escape_debug(), known.join(", "));
            return Err(Failure::Because(why));
        }
        setups.extend(named.into_iter().filter(|setup| !setups.contains(setup)).collect::<Vec<_>>());
    }
    Ok(setups)
}

fn wires(kind: Option<WireKind>, hairpin: Hairpin) -> Result<Vec<Wire>, Failure> {
    if kind == Some(WireKind::Cable) && hairpin == Hairpin::On {
        return Err(Failure::Because("a cable sends nothing back: --hairpin on needs a switch".to_owned()));
    }
    let mut wires = Vec::new();
    // Hairpin on is a matter of the switch alone.
    if kind != Some(WireKind::Switch) && hairpin != Hairpin::On {
        wires.push(Wire::Cable);
    }
    if kind != Some(WireKind::Cable) {
        let wanted = |on: bool| hairpin == Hairpin::Both || (hairpin == Hairpin::On) == on;
        wires.extend(
            [false, true].into_iter().filter(|on| wanted(*on)).map(|hairpin| Wire::Switch { hairpin }),
        );
    }
    Ok(wires)
}

fn classic(modes: &[PortSetup], wires: &[Wire], known: bool) -> Vec<Vec<Setup>> {
    let passthru = |setup: &&PortSetup| setup.mode == Mode::Passthru;
    let shared = || modes.iter().filter(|s| !passthru(s)).copied();
    let pairs = shared().flat_map(|c1| shared().map(move |c2| (c1, Some(c2))));
    let alone = modes.iter().filter(passthru).map(|setup| (*setup, None));
    let setups = pairs.chain(alone).map(|(c1, c2)| {
        let on_wire = |wire: &Wire| {
            let mut spec = Classic { c1, c2, wire: *wire }.spec();
            if known {
                matrix::know_neighbours(&mut spec);
            }
            let (wire, hairpin) = match wire {
                Wire::Cable => ("cable", false),
                Wire::Switch { hairpin } => ("switch", *hairpin),
            };
            let modes = [Some(c1), c2].iter().flatten().map(ToString::to_string).collect();
            Setup { modes, wire, hairpin, spec }
        };
        wires.iter().map(on_wire).collect()
    });
    setups.collect()
}

/// Does it.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let plan = Plan::of(args, terminal)?;
    let form = match (args.json, args.markdown) {
        (true, _) => Form::Json,
        (_, true) => Form::Markdown,
        _ => Form::Text,
    };
    let mut page = Page { out: terminal.out(), form, known: args.static_neighbours, rules: BTreeSet::new() };
    match &plan {
        Plan::Lab(setup) => page.lab(setup)?,
        Plan::Classic(groups) => {
            for (number, group) in groups.iter().enumerate() {
                if terminal.closed() {
                    break;
                }
                page.group(number, group)?;
            }
        }
    }
    page.footnotes(terminal.colour)?;
    page.out.flush()?;
    Ok(Exit::Held)
}

/// What is written.
struct Page {
    out: Out,
    form: Form,
    /// Neighbours are static.
    known: bool,
    /// Rules that were named.
    rules: BTreeSet<Rule>,
}

/// A cell as JSON.
#[derive(Serialize)]
struct Line<'a> {
    modes: &'a [String],
    wire: &'static str,
    hairpin: bool,
    neighbours: &'static str,
    from: &'a str,
    to: &'a str,
    result: &'static str,
    rule: Option<&'static str>,
}

impl Page {
    /// The cells of one set-up, row by row.
    fn cells(&mut self, setup: &Setup) -> io::Result<Vec<Cell>> {
        let ends = matrix::ends(&setup.spec);
        let mut cells = Vec::new();
        for (from, _) in &ends {
            for (to, _) in ends.iter().filter(|(to, _)| to != from) {
                let cell = matrix::ping(&setup.spec, from, to);
                self.rules.extend(cell.rule);
                if self.form == Form::Json {
                    self.json(setup, &cell)?;
                }
                cells.push(cell);
            }
        }
        Ok(cells)
    }

    fn json(&mut self, setup: &Setup, cell: &Cell) -> io::Result<()> {
        let line = Line {
            modes: &setup.modes,
            wire: setup.wire,
            hairpin: setup.hairpin,
            neighbours: if self.known { "static" } else { "learned" },
            from: &cell.from,
            to: &cell.to,
            result: cell.reach.name(),
            rule: cell.rule.map(Rule::id),
        };
        serde_json::to_writer(&mut self.out, &line)?;
        self.out.write_all(b"\n")
    }

    /// Who asks downwards, whom rightwards.
    fn lab(&mut self, setup: &Setup) -> io::Result<()> {
        let cells = self.cells(setup)?;
        let names: Vec<String> =
            matrix::ends(&setup.spec).into_iter().map(|(name, _)| self.text(name)).collect();
        let mut table = self.table();
        table.set_header([&[self.text("from \\ to")][..], &names].concat());
        let mut rows = cells.into_iter();
        for from in &names {
            let mut row = vec![from.clone()];
            for to in &names {
                let cell = if from == to { None } else { rows.next() };
                row.push(cell.map_or_else(|| "-".to_owned(), |cell| in_words(&cell)));
            }
            table.add_row(row);
        }
        self.heading(0, &setup.spec.title)?;
        self.write(&table)
    }

    /// One pair of modes: a row for each ping, a column for each wire.
    fn group(&mut self, number: usize, group: &[Setup]) -> io::Result<()> {
        let mut columns = Vec::new();
        for setup in group {
            columns.push(self.cells(setup)?);
        }
        let Some(first) = group.first() else { return Ok(()) };
        let wires = group.iter().map(|setup| match (setup.wire, setup.hairpin) {
            ("switch", true) => "switch, hairpin".to_owned(),
            (wire, _) => wire.to_owned(),
        });
        let mut table = self.table();
        table.set_header(["from".to_owned(), "to".to_owned()].into_iter().chain(wires));
        for (row, ping) in columns.first().into_iter().flatten().enumerate() {
            let cells = columns.iter().filter_map(|column| column.get(row)).map(in_words);
            table.add_row([ping.from.clone(), ping.to.clone()].into_iter().chain(cells));
        }
        let modes = first.modes.iter().zip(["c1", "c2"]).map(|(mode, name)| format!("{name} {mode}"));
        let known = if self.known { ", static neighbours" } else { "" };
        self.heading(number, &format!("{}{known}", modes.collect::<Vec<_>>().join(", ")))?;
        self.write(&table)
    }

    /// Text as the form takes it.
    fn text(&self, text: &str) -> String {
        if self.form == Form::Markdown { cell_of_markdown(text) } else { text.to_owned() }
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        let style = if self.form == Form::Markdown { ASCII_MARKDOWN } else { NOTHING };
        table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
        table
    }

    fn heading(&mut self, number: usize, heading: &str) -> io::Result<()> {
        let space = if number == 0 { "" } else { "\n" };
        match self.form {
            Form::Json => Ok(()),
            _ if heading.is_empty() => Ok(()),
            Form::Text => writeln!(self.out, "{space}{heading}"),
            Form::Markdown => writeln!(self.out, "{space}## {}\n", cell_of_markdown(heading)),
        }
    }

    fn write(&mut self, table: &Table) -> io::Result<()> {
        match self.form {
            Form::Json => Ok(()),
            Form::Text => table.lines().try_for_each(|line| writeln!(self.out, " {}", line.trim_end())),
            Form::Markdown => table.lines().try_for_each(|line| writeln!(self.out, "{}", line.trim_end())),
        }
    }

    /// The rules that were named, with their reasons.
    fn footnotes(&mut self, colour: bool) -> io::Result<()> {
        let style = if colour { AnsiColor::Yellow.on_default() } else { Style::new() };
        let rules = std::mem::take(&mut self.rules);
        if self.form != Form::Json && !rules.is_empty() {
            writeln!(self.out)?;
        }
        rules.iter().try_for_each(|rule| {
            let (id, title, why) = (rule.id(), rule.title(), rule.why());
            match self.form {
                Form::Json => Ok(()),
                Form::Text => writeln!(self.out, "{style}{id:<5}{style:#} {title}: {why}"),
                Form::Markdown => writeln!(self.out, "- **{id}** {title}: {why}"),
            }
        })
    }
}

/// `reply R19`.
fn in_words(cell: &Cell) -> String {
    let rule = cell.rule.map_or("", Rule::id);
    format!("{} {rule}", cell.reach.name()).trim_end().to_owned()
}

/// Text that Markdown takes as it is.
fn cell_of_markdown(text: &str) -> String {
    let special = |c: char| matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#');
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
