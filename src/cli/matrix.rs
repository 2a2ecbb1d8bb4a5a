//! `macvlab matrix [LAB]`

use super::distinct::Distinct;
use super::terminal::{Output, Terminal, about_output};
use super::{Exit, Failure, input};
use clap::ValueEnum;
use macvlab::lab::spec::Name;
use macvlab::labfile;
use macvlab::matrix::{self, Explained, Group, Listed, PortSetup, Shape, Wire};
use macvlab::report::{MatrixForm, MatrixReport};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Maximum number of cells of one lab in one set-up: each cell builds and runs a separate lab.
const MAX_CELLS: usize = 10_000;

/// Show which devices reach each other by ping, and the rules that decide.
///
/// With a lab: each of its devices that has an IP address pings each other one; the lab's steps are not run. With
/// --modes all its ports are set to one mode after another, with hairpin off and on. Without a lab: ports c1 and c2 on
/// eth0, and an external station win, in every pair of modes, on a cable and on a switch without and with hairpin.
/// Every ping runs in a fresh lab in which nothing has been learned.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab matrix                        every pair of modes
  macvlab matrix --modes vepa,bridge --wire switch
                                        part of it
  macvlab matrix --modes private --hairpin on --static-neighbours
                                        without ARP
  macvlab matrix --from c1 --to c2      one pair in every set-up, in one table
  macvlab matrix --modes vepa --from c1 --to c2 --explain
                                        why, with the whole path of the frame that decided
  macvlab matrix lab.toml               the devices of a lab
  macvlab matrix lab.toml --modes all   its ports in each mode, with hairpin off and on
  macvlab matrix --json | jq .          one object per cell
  macvlab matrix --html matrix.html     a page to share
  macvlab matrix --modes vepa --wire switch --hairpin on --show > lab.toml
                                        the lab of these cells, as a starting point

A cell: reply; unreachable (no neighbour found); no-reply (the request was lost); one-way (the request reached the target's
stack, the reply was lost). Its rule: with a reply, the rule that brought the first frame to the target; otherwise, the rule that
kept the first lost frame from its destination.

Exit codes: 0, 2 for wrong usage or input, 130 after Ctrl-C.")]
pub(super) struct Args {
    /// The lab file; - is standard input, demo:NAME a built-in lab.
    #[arg(conflicts_with = "wire")]
    lab: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
    /// Every device has static neighbour entries for its subnet, so there is no ARP.
    #[arg(long)]
    static_neighbours: bool,
    /// Only pings from this device.
    #[arg(long, value_name = "DEVICE")]
    from: Option<String>,
    /// Only pings to this device.
    #[arg(long, value_name = "DEVICE")]
    to: Option<String>,
    /// Explain every cell: the first frame lost, or else the first received, and that frame's whole path.
    #[arg(long)]
    explain: bool,
    /// Print the lab file of the set-up instead, if there is exactly one.
    #[arg(long, conflicts_with_all = ["markdown", "json", "html", "explain", "from", "to"])]
    show: bool,
    /// Tables in Markdown.
    #[arg(long, conflicts_with_all = ["json", "html"])]
    markdown: bool,
    /// One JSON object per cell.
    #[arg(long, conflicts_with = "html")]
    json: bool,
    /// Write a self-contained HTML page; - is standard output.
    #[arg(long, value_name = "OUT.html")]
    html: Option<PathBuf>,
}

/// Selects set-ups.
#[derive(clap::Args)]
pub(super) struct Which {
    /// Modes of the ports: private, vepa, bridge, passthru, source:none, source:win, source:peer, source:all (the
    /// list); source means none and all; all means every one but source:win and source:peer, and is the default without
    /// a lab.
    #[arg(long, value_name = "MODE,…", value_delimiter = ',')]
    modes: Vec<String>,
    /// Only set-ups with this between eth0 and win.
    #[arg(long)]
    wire: Option<WireKind>,
    /// Whether the switch reflects frames to the NIC. Default: both; for a lab without --modes, as in the lab.
    #[arg(long, value_name = "WHEN")]
    hairpin: Option<Hairpin>,
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

impl Hairpin {
    fn values(self) -> &'static [bool] {
        match self {
            Hairpin::On => &[true],
            Hairpin::Off => &[false],
            Hairpin::Both => &[false, true],
        }
    }
}

impl Which {
    /// The groups of the classic set-up.
    pub(super) fn classic(&self, known: bool) -> Result<Vec<Group>, Failure> {
        let modes = if self.modes.is_empty() { matrix::default_modes() } else { modes(&self.modes)? };
        let wires = wires(self.wire, self.hairpin.unwrap_or(Hairpin::Both))?;
        Ok(matrix::classic_groups(&modes, &wires, known))
    }

    /// Whether any selection was given.
    #[cfg(all(feature = "kernel", target_os = "linux"))]
    pub(super) fn is_given(&self) -> bool {
        !self.modes.is_empty() || self.wire.is_some() || self.hairpin.is_some()
    }

    /// The groups of a lab.
    pub(super) fn lab(&self, path: &Path, known: bool, terminal: &Terminal) -> Result<Vec<Group>, Failure> {
        let spec = input::lab(path, terminal)?;
        let devices = matrix::ends(&spec).len();
        check_cells(devices).map_err(|why| Failure::about(path.display(), why))?;
        if self.modes.is_empty() && self.hairpin.is_none() {
            return Ok(vec![matrix::lab_group(&spec, known)]);
        }
        let modes = modes(&self.modes)?;
        if let Some(mode) = modes.iter().find(|m| matches!(m.listed, Listed::Win | Listed::Peer)) {
            return Err(Failure::Because(format!(
                "{mode} is for the built-in set-up, which has win and a peer"
            )));
        }
        if self.hairpin.is_some() && spec.switches.is_empty() {
            let why = "the lab has no switch that could reflect frames";
            return Err(Failure::Because(why.to_owned()));
        }
        let hairpins: Vec<_> = match self.hairpin {
            None if spec.switches.is_empty() => vec![None],
            hairpin => hairpin.unwrap_or(Hairpin::Both).values().iter().copied().map(Some).collect(),
        };
        let modes: Vec<_> = if modes.is_empty() { vec![None] } else { modes.into_iter().map(Some).collect() };
        Ok(matrix::lab_groups(&spec, &modes, &hairpins, known))
    }
}

/// The checked arguments.
struct MatrixJob {
    groups: Vec<Group>,
    form: MatrixForm,
    out: PathBuf,
}

impl MatrixJob {
    fn of(args: &Args, terminal: &Terminal) -> Result<MatrixJob, Failure> {
        let mut groups = match &args.lab {
            None => args.which.classic(args.static_neighbours)?,
            Some(path) => args.which.lab(path, args.static_neighbours, terminal)?,
        };
        for name in [&args.from, &args.to].into_iter().flatten() {
            check_name(name, &groups)?;
        }
        if args.from.is_some() || args.to.is_some() {
            // A selection is not a square table.
            groups.iter_mut().for_each(|group| group.shape = Shape::Columns);
        }
        let mut files = Distinct::default();
        args.lab.iter().for_each(|lab| files.read("LAB", lab));
        args.html.iter().try_for_each(|page| files.write("--html", page))?;
        let form = match (args.json, args.markdown, &args.html) {
            (true, ..) => MatrixForm::Json,
            (_, true, _) => MatrixForm::Markdown,
            (.., Some(_)) => MatrixForm::Html,
            _ => MatrixForm::Text { colour: terminal.colour },
        };
        Ok(MatrixJob { groups, form, out: args.html.clone().unwrap_or_else(|| PathBuf::from("-")) })
    }
}

fn check_name(name: &str, groups: &[Group]) -> Result<(), Failure> {
    let pairs = groups.iter().flat_map(Group::pairs).collect::<Vec<_>>();
    if pairs.iter().any(|(from, _)| from == name) {
        return Ok(());
    }
    let mut known: Vec<_> = pairs.into_iter().map(|(from, _)| from).collect();
    known.dedup();
    known.truncate(8);
    let (name, known) = (name.escape_debug(), known.join(", "));
    Err(Failure::Because(format!(
        "`{name}` is not a device with an IP address that pings another; choose from {known}"
    )))
}

fn modes(words: &[String]) -> Result<Vec<PortSetup>, Failure> {
    let mut setups: Vec<PortSetup> = Vec::new();
    for word in words {
        let named = match word.as_str() {
            "all" => matrix::default_modes(),
            "source" => [Listed::Nobody, Listed::All].map(PortSetup::source).to_vec(),
            word => PortSetup::from_name(word).into_iter().collect(),
        };
        if named.is_empty() {
            let known: Vec<_> = PortSetup::ALL.iter().map(ToString::to_string).collect();
            let (word, known) = (word.escape_debug(), known.join(", "));
            return Err(Failure::Because(format!("`{word}` is not a mode; modes are {known}, source, all")));
        }
        for setup in named {
            if !setups.contains(&setup) {
                setups.push(setup);
            }
        }
    }
    Ok(setups)
}

fn wires(kind: Option<WireKind>, hairpin: Hairpin) -> Result<Vec<Wire>, Failure> {
    if kind == Some(WireKind::Cable) && hairpin == Hairpin::On {
        return Err(Failure::Because("a cable reflects nothing: --hairpin on needs a switch".to_owned()));
    }
    let mut wires = Vec::new();
    // Hairpin on applies to the switch only.
    if kind != Some(WireKind::Switch) && hairpin != Hairpin::On {
        wires.push(Wire::Cable);
    }
    if kind != Some(WireKind::Cable) {
        wires.extend(hairpin.values().iter().map(|hairpin| Wire::Switch { hairpin: *hairpin }));
    }
    Ok(wires)
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let plan = MatrixJob::of(args, terminal)?;
    if args.show {
        return show(&plan.groups, terminal);
    }
    let wanted = |(from, to): &(Name, Name)| {
        args.from.as_ref().is_none_or(|name| name == from) && args.to.as_ref().is_none_or(|name| name == to)
    };
    let mut groups = plan.groups;
    // A passthru port has no sibling to ping.
    groups.retain(|group| {
        let pairs = group.pairs();
        pairs.is_empty() || pairs.iter().any(wanted)
    });
    let about = |e: io::Error| about_output(&plan.out, e);
    let out = Output::create(&plan.out, terminal)?;
    let mut report = MatrixReport::new(out, plan.form, args.explain);
    let report = match (&args.from, &args.to) {
        // A table with one row for each group would be hard to read.
        (Some(from), Some(to)) if plan.form != MatrixForm::Json && groups.len() > 1 => {
            one_pair(report, &groups, from, to).map_err(about)?
        }
        _ => {
            for group in &groups {
                if terminal.closed() {
                    break;
                }
                let pairs: Vec<_> = group.pairs().into_iter().filter(wanted).collect();
                let cells = |setup: &matrix::Setup| -> Vec<Explained> {
                    pairs.iter().map(|(from, to)| setup.explain(from, to)).collect()
                };
                let columns = group.columns.iter().map(|(_, setup)| cells(setup)).collect();
                report.group(group, &columns).map_err(about)?;
            }
            report
        }
    };
    report.finish().and_then(Output::commit).map_err(about)?;
    Ok(Exit::Held)
}

/// One pair in all groups: one row for each.
fn one_pair(
    mut report: MatrixReport<Output>,
    groups: &[Group],
    from: &str,
    to: &str,
) -> io::Result<MatrixReport<Output>> {
    let Some(first) = groups.first() else { return Ok(report) };
    let column = |number: usize| {
        let setups = groups.iter().filter_map(move |group| group.columns.get(number));
        setups.map(|(_, setup)| setup.explain(from, to)).collect()
    };
    let columns = (0..first.columns.len()).map(column).collect();
    let labels = groups.iter().map(|group| group.heading.clone()).collect();
    let heading = format!("{from} pings {to}");
    report
        .group(&Group { heading, shape: Shape::Setups(labels), columns: first.columns.clone() }, &columns)?;
    Ok(report)
}

/// The lab file of the only set-up.
fn show(groups: &[Group], terminal: &Terminal) -> Result<Exit, Failure> {
    let mut setups = groups.iter().flat_map(|group| group.columns.iter().map(move |column| (group, column)));
    let (Some((group, (column, setup))), None) = (setups.next(), setups.next()) else {
        let many: usize = groups.iter().map(|group| group.columns.len()).sum();
        let why = format!(
            "--show needs exactly one set-up, and {many} match; narrow them with --modes, --wire and --hairpin"
        );
        return Err(Failure::Because(why));
    };
    let mut spec = setup.spec.clone();
    if spec.title.is_empty() {
        spec.title = format!("{}, {column}", group.heading);
    }
    let mut out = terminal.out();
    write!(out, "{}", labfile::write(&spec))?;
    out.flush()?;
    Ok(Exit::Held)
}

/// Checks that a matrix of this many devices is not too large.
fn check_cells(devices: usize) -> Result<(), String> {
    if devices * devices.saturating_sub(1) <= MAX_CELLS {
        return Ok(());
    }
    Err(format!("{devices} devices with IP addresses have more than {MAX_CELLS} pairs"))
}

#[cfg(test)]
mod tests {
    use super::check_cells;

    #[test]
    fn a_matrix_has_a_limit() {
        assert_eq!([check_cells(0), check_cells(100)], [Ok(()), Ok(())]);
        let why = "101 devices with IP addresses have more than 10000 pairs";
        assert_eq!(check_cells(101), Err(why.to_owned()));
    }
}
