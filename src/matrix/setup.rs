//! The labs of a matrix: the classic set-up in pairs of modes and on several wires, or a user's lab, as it is or in
//! several modes.

use super::{Classic, Explained, Listed, PortSetup, Wire, ends, explain, know_neighbours};
use crate::frame::Resolve as _;
use crate::lab::spec::{DeviceKind, LabSpec, MacvlanSpec, Name};
use crate::lab::{Lab, Options};
use crate::macvlan::Mode;

/// A lab whose devices ping each other, with the labels of its cells.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The modes of its ports, in the order of creation.
    pub modes: Vec<String>,
    /// Whether a switch reflects frames.
    pub hairpin: bool,
    /// Whether neighbours are static: no MAC address is resolved.
    pub known: bool,
    /// The lab; its steps are not run.
    pub spec: LabSpec,
}

/// The layout of a group's cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One lab: senders as rows, targets as columns.
    Square,
    /// A row for each pair, a column for each set-up.
    Columns,
    /// One pair in many set-ups: a row for each of them, and columns that differ in the external part.
    Setups(Vec<String>),
}

/// Set-ups that share a table: the same devices in each.
#[derive(Clone, Debug)]
pub struct Group {
    /// The heading; may be empty.
    pub heading: String,
    /// How it is laid out.
    pub shape: Shape,
    /// The column headings, and their set-ups.
    pub columns: Vec<(String, Setup)>,
}

impl Setup {
    /// A lab with these modes as labels.
    #[must_use]
    pub fn new(mut spec: LabSpec, modes: Vec<String>, known: bool) -> Setup {
        spec.steps.clear();
        if known {
            know_neighbours(&mut spec);
        }
        let hairpin = spec.switches.iter().flat_map(|s| &s.ports).any(|p| p.flags.hairpin);
        Setup { modes, hairpin, known, spec }
    }

    /// The external part: `cable` or `switch`.
    #[must_use]
    pub fn wire(&self) -> &'static str {
        if self.spec.switches.is_empty() { "cable" } else { "switch" }
    }

    /// How neighbours are known: `static` or `learned`.
    #[must_use]
    pub fn neighbours(&self) -> &'static str {
        if self.known { "static" } else { "learned" }
    }

    /// The pairs: each device that has an IP address with each other one.
    #[must_use]
    pub fn pairs(&self) -> Vec<(Name, Name)> {
        let names: Vec<&Name> = ends(&self.spec).into_iter().map(|(name, _)| name).collect();
        let pair = |from: &Name, to: &Name| (from != to).then(|| (from.clone(), to.clone()));
        names.iter().flat_map(|from| names.iter().filter_map(|to| pair(from, to))).collect()
    }

    /// One ping of the matrix, in a fresh lab.
    #[must_use]
    pub fn explain(&self, from: &str, to: &str) -> Explained {
        explain(&self.spec, from, to)
    }
}

impl Group {
    /// The pairs, the same in every column.
    #[must_use]
    pub fn pairs(&self) -> Vec<(Name, Name)> {
        self.columns.first().map(|(_, setup)| setup.pairs()).unwrap_or_default()
    }
}

/// The modes of the default matrix: source mode with an empty list, and with a full one.
#[must_use]
pub fn default_modes() -> Vec<PortSetup> {
    let mut modes = [Mode::Private, Mode::Vepa, Mode::Bridge].map(PortSetup::of).to_vec();
    modes.extend([Listed::Nobody, Listed::All].map(PortSetup::source));
    modes.push(PortSetup::of(Mode::Passthru));
    modes
}

/// The classic set-up in every pair of these modes, a passthru port alone; each on these wires.
#[must_use]
pub fn classic_groups(modes: &[PortSetup], wires: &[Wire], known: bool) -> Vec<Group> {
    let passthru = |setup: &&PortSetup| setup.mode == Mode::Passthru;
    let shared = || modes.iter().filter(|s| !passthru(s)).copied();
    let pairs = shared().flat_map(|c1| shared().map(move |c2| (c1, Some(c2))));
    let alone = modes.iter().filter(passthru).map(|setup| (*setup, None));
    let group = |(c1, c2): (PortSetup, Option<PortSetup>)| {
        let on_wire = |wire: &Wire| {
            let modes = [Some(c1), c2].iter().flatten().map(ToString::to_string).collect();
            let setup = Setup::new(Classic { c1, c2, wire: *wire }.spec(), modes, known);
            (wire.to_string(), setup)
        };
        let second = c2.map(|c2| format!(", c2 {c2}")).unwrap_or_default();
        let heading = format!("c1 {c1}{second}{}", if known { ", static neighbours" } else { "" });
        Group { heading, shape: Shape::Columns, columns: wires.iter().map(on_wire).collect() }
    };
    pairs.chain(alone).map(group).collect()
}

/// A lab as it is.
#[must_use]
pub fn lab_group(spec: &LabSpec, known: bool) -> Group {
    let setup = Setup::new(spec.clone(), own_modes(spec), known);
    Group { heading: spec.title.clone(), shape: Shape::Square, columns: vec![("result".to_owned(), setup)] }
}

/// A lab with all its ports in one mode after another (`None`: unchanged), and in each with hairpin as given on the
/// switch ports of the NICs; `None`: unchanged.
#[must_use]
pub fn lab_groups(
    spec: &LabSpec,
    modes: &[Option<PortSetup>],
    hairpins: &[Option<bool>],
    known: bool,
) -> Vec<Group> {
    let group = |mode: &Option<PortSetup>| {
        let column = |hairpin: &Option<bool>| {
            let mut spec = spec.clone();
            mode.iter().for_each(|mode| put_in_mode(&mut spec, *mode));
            hairpin.iter().for_each(|on| set_hairpin(&mut spec, *on));
            let told = match mode {
                Some(mode) => vec![mode.to_string(); own_modes(&spec).len()],
                None => own_modes(&spec),
            };
            let above = match hairpin {
                Some(true) => "hairpin on",
                Some(false) => "hairpin off",
                None => "result",
            };
            (above.to_owned(), Setup::new(spec, told, known))
        };
        let mode =
            mode.map_or("every port in its own mode".to_owned(), |m| format!("every port in mode {m}"));
        let heading = if known { format!("{mode}, static neighbours") } else { mode };
        Group { heading, shape: Shape::Columns, columns: hairpins.iter().map(column).collect() }
    };
    modes.iter().map(group).collect()
}

fn ports(spec: &mut LabSpec) -> impl Iterator<Item = (&Name, &mut MacvlanSpec)> {
    spec.devices.iter_mut().filter_map(|device| match &mut device.kind {
        DeviceKind::Macvlan(port) => Some((&device.name, port)),
        _ => None,
    })
}

fn own_modes(spec: &LabSpec) -> Vec<String> {
    let mode = |kind: &DeviceKind| match kind {
        DeviceKind::Macvlan(port) => Some(port.mode.to_string()),
        _ => None,
    };
    spec.devices.iter().filter_map(|d| mode(&d.kind)).collect()
}

/// Sets every port's mode; a list is for source ports only.
fn put_in_mode(spec: &mut LabSpec, setup: PortSetup) {
    let lab = Lab::new(spec, Options::default());
    let macs = ends(spec).into_iter().filter_map(|(name, _)| Some((name.clone(), lab.mac_of(name)?)));
    let macs: Vec<_> = if setup.listed == Listed::All { macs.collect() } else { Vec::new() };
    for (name, port) in ports(spec) {
        port.mode = setup.mode;
        port.sources = macs.iter().filter(|(owner, _)| owner != name).map(|(_, mac)| *mac).collect();
    }
}

/// Sets hairpin at the switch ports of NICs: others have no ports behind them.
fn set_hairpin(spec: &mut LabSpec, on: bool) {
    let nics: Vec<&Name> =
        spec.devices.iter().filter(|d| matches!(d.kind, DeviceKind::Nic(_))).map(|d| &d.name).collect();
    for port in spec.switches.iter_mut().flat_map(|s| &mut s.ports) {
        port.flags.hairpin = on && nics.contains(&&port.device);
    }
}
