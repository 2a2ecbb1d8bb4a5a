//! The labs of a matrix: the classic set-up in pairs of modes and on several wires, or somebody's lab, as it is or in
//! several modes.

use super::{Classic, Explained, Listed, PortSetup, Wire, ends, explain, know_neighbours};
use crate::frame::Resolve as _;
use crate::lab::spec::{DeviceKind, LabSpec, MacvlanSpec, Name};
use crate::lab::{Lab, Options};
use crate::macvlan::Mode;

/// A lab whose devices ping each other, with what its cells are told with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The modes of its ports, in the order in which they are made.
    pub modes: Vec<String>,
    /// A switch sends frames back.
    pub hairpin: bool,
    /// Neighbours are static: nobody asks for a MAC address.
    pub known: bool,
    /// The lab; its steps do not matter.
    pub spec: LabSpec,
}

/// How the cells of a group are laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One lab: who asks downwards, whom rightwards.
    Square,
    /// A row for each pair, a column for each set-up.
    Columns,
    /// One pair in many set-ups: a row for each of these, and columns that differ in what is outside.
    Setups(Vec<String>),
}

/// Set-ups that belong into one table: the same devices in each.
#[derive(Clone, Debug)]
pub struct Group {
    /// What is said above it; may be empty.
    pub heading: String,
    /// How it is laid out.
    pub shape: Shape,
    /// What stands above each column, and its set-up.
    pub columns: Vec<(String, Setup)>,
}

impl Setup {
    /// A lab with these modes to be told.
    #[must_use]
    pub fn new(mut spec: LabSpec, modes: Vec<String>, known: bool) -> Setup {
        spec.steps.clear();
        if known {
            know_neighbours(&mut spec);
        }
        let hairpin = spec.switches.iter().flat_map(|s| &s.ports).any(|p| p.flags.hairpin);
        Setup { modes, hairpin, known, spec }
    }

    /// What is outside: `cable` or `switch`.
    #[must_use]
    pub fn wire(&self) -> &'static str {
        if self.spec.switches.is_empty() { "cable" } else { "switch" }
    }

    /// How the neighbours' addresses are known: `static` or `learned`.
    #[must_use]
    pub fn neighbours(&self) -> &'static str {
        if self.known { "static" } else { "learned" }
    }

    /// Who asks whom: each device that has an address each other one.
    #[must_use]
    pub fn pairs(&self) -> Vec<(Name, Name)> {
        let names: Vec<&Name> = ends(&self.spec).into_iter().map(|(name, _)| name).collect();
        let pair = |from: &Name, to: &Name| (from != to).then(|| (from.clone(), to.clone()));
        names.iter().flat_map(|from| names.iter().filter_map(|to| pair(from, to))).collect()
    }

    /// One ping of the matrix, in a lab of its own.
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

/// The modes of the default matrix: source mode with nobody listed, and with everybody.
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

/// A lab with all its ports in one mode after another (`None`: each in its own), and in each with hairpin as given on the
/// switch ports of the NICs; `None`: as it is.
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

/// Puts every port in a mode; a list is for source ports alone.
fn put_in_mode(spec: &mut LabSpec, setup: PortSetup) {
    let lab = Lab::new(spec, Options::default());
    let macs = ends(spec).into_iter().filter_map(|(name, _)| Some((name.clone(), lab.mac_of(name)?)));
    let macs: Vec<_> = if setup.listed == Listed::All { macs.collect() } else { Vec::new() };
    for (name, port) in ports(spec) {
        port.mode = setup.mode;
        port.sources = macs.iter().filter(|(owner, _)| owner != name).map(|(_, mac)| *mac).collect();
    }
}

/// On or off at the switch ports of NICs: others have no ports behind them.
fn set_hairpin(spec: &mut LabSpec, on: bool) {
    let nics: Vec<&Name> =
        spec.devices.iter().filter(|d| matches!(d.kind, DeviceKind::Nic(_))).map(|d| &d.name).collect();
    for port in spec.switches.iter_mut().flat_map(|s| &mut s.ports) {
        port.flags.hairpin = on && nics.contains(&&port.device);
    }
}
