//! Checks the arguments, and resolves them against a lab's devices.

use super::Args;
use super::words::{MapEntry, map_lines};
use crate::cli::Failure;
use crate::cli::distinct::Distinct;
use crate::cli::input;
use crate::cli::terminal::{Terminal, is_dash};
use crate::cli::views::{Files, Shown};
use macvlab::lab::LabSpec;
use macvlab::replay::{
    AddressMap, EntryError, Filter, Limits, Pipeline, Rewrite, Route, Speed, Substitute, Term,
};
use macvlab::report::Detail;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Maximum length of a map file, in bytes: a hundred thousand lines.
const MAX_MAP_BYTES: u64 = 8 << 20;

/// The arguments, checked as far as possible without the lab's devices.
pub(super) struct ReplayJob {
    pub(super) spec: LabSpec,
    pub(super) captures: Vec<PathBuf>,
    lab: PathBuf,
    map_file: Option<PathBuf>,
    at: Option<String>,
    map: Vec<MapEntry>,
    rewrite: Rewrite,
    terms: Vec<Term>,
    pub(super) limits: Limits,
    /// Passes over the captures; 0: unlimited.
    pub(super) passes: u64,
    pub(super) speed: Speed,
    pub(super) out_dir: Option<PathBuf>,
    pub(super) output: Option<PathBuf>,
    pub(super) shown: Shown,
    /// Whether to report the speed.
    pub(super) stats: bool,
    pub(super) jobs: Option<u16>,
}

/// A plan resolved against the devices of its lab.
pub(super) struct ResolvedTarget {
    pub(super) route: Route,
    pub(super) filter: Option<Filter>,
    /// In words: `arrived at eth0`.
    pub(super) how: String,
}

impl ReplayJob {
    pub(super) fn of(args: Args, terminal: &Terminal) -> Result<ReplayJob, Failure> {
        let Args { captures, lab, choice, changes, output, pace } = args;
        check_inputs(&captures, &lab, choice.passes)?;
        let files = Files { capture: output.output.clone(), page: None };
        let shown = Shown::of(output.json, output.explain, output.quiet, &files)?;
        if output.jobs.is_some() && !captures.iter().all(|path| path.is_dir()) {
            return Err(Failure::Because("--jobs is for a folder of captures".to_owned()));
        }
        let mut map = choice.map;
        if let Some(file) = &choice.map_file {
            map.extend(map_file(file)?);
        }
        let speed = match (pace.speed, pace.pps, pace.mbps) {
            (Some(speed), ..) => speed,
            (_, Some(rate), _) => Speed::FramesPerSecond(rate),
            (.., Some(rate)) => Speed::MegabitsPerSecond(rate),
            _ => Speed::Max,
        };
        Ok(ReplayJob {
            spec: input::lab(&lab, terminal)?,
            captures,
            lab,
            map_file: choice.map_file,
            at: choice.at,
            map,
            rewrite: Rewrite {
                mac: changes.mac,
                src: changes.set_src,
                dst: changes.set_dst,
                vlan: changes.vlan,
            },
            terms: output.filter,
            limits: Limits { records: choice.limit.unwrap_or(u64::MAX), duration: choice.duration },
            passes: choice.passes,
            speed,
            out_dir: output.out_dir,
            output: output.output,
            shown,
            stats: output.stats,
            jobs: output.jobs,
        })
    }

    /// Whether to show counters. They replace the line for each step: a replay has no steps.
    pub(super) fn is_summarised(&self) -> bool {
        self.shown == Shown::Text(Detail::Steps)
    }

    /// The inputs other than captures.
    pub(super) fn inputs(&self, captures: &[PathBuf]) -> Distinct {
        let mut files = Distinct::default();
        files.read("--lab", &self.lab);
        self.map_file.iter().for_each(|path| files.read("--map-file", path));
        captures.iter().for_each(|path| files.read("CAPTURE", path));
        files
    }

    /// Resolves device names.
    pub(super) fn aim(&self, engine: &Pipeline<'_>) -> Result<ResolvedTarget, Failure> {
        let because = |e: &dyn std::fmt::Display| Failure::Because(e.to_string());
        let entry = match &self.at {
            None if !self.map.is_empty() => None,
            at => Some(engine.entry(at.as_deref()).map_err(|e| match e {
                EntryError::NotOneNic(_) => Failure::Because(format!("{e} with --at or --map")),
                e => because(&e),
            })?),
        };
        let mut map = AddressMap::default();
        for MapEntry { captured, device } in &self.map {
            let about =
                |e: &dyn std::fmt::Display| Failure::Because(format!("--map {captured}={device}: {e}"));
            let number = engine.sender(device).map_err(|e| about(&e))?;
            // Every device that can send has a MAC address.
            let mac = engine.get(number).and_then(|device| device.mac).unwrap_or_default();
            map.insert(*captured, Substitute { device: number, mac }).map_err(|e| about(&e))?;
        }
        let filter = if self.terms.is_empty() {
            None
        } else {
            Some(Filter::new(&self.terms, engine.devices()).map_err(|e| because(&e))?)
        };
        let enter = entry.map(|entry| {
            let name = engine.get(entry.device).map_or("", |device| device.name.as_str());
            if entry.from_wire { format!("arrived at {name}") } else { format!("sent by {name}") }
        });
        let how = match (enter, map.is_empty()) {
            (Some(enter), true) => enter,
            (Some(enter), false) => format!("sent by mapped devices or {enter}"),
            (None, _) => "sent by mapped devices".to_owned(),
        };
        Ok(ResolvedTarget { route: Route { entry, map, rewrite: self.rewrite.clone() }, filter, how })
    }
}

fn check_inputs(captures: &[PathBuf], lab: &Path, passes: u64) -> Result<(), Failure> {
    let from_stdin = captures.iter().filter(|path| is_dash(path)).count();
    let why = if from_stdin > 0 && is_dash(lab) {
        "the capture and the lab cannot both come from standard input"
    } else if from_stdin > 1 {
        "standard input can be one of the captures, not several"
    } else if from_stdin > 0 && passes != 1 {
        "standard input cannot be read again, as --loop would have to"
    } else if captures.len() > 1 && captures.iter().any(|path| path.is_dir()) {
        "a folder of captures is replayed alone"
    } else {
        return Ok(());
    };
    Err(Failure::Because(why.to_owned()))
}

fn map_file(path: &Path) -> Result<Vec<MapEntry>, Failure> {
    let about = |e: &dyn std::fmt::Display| Failure::about(path.display(), e);
    // A pipe or a device does not report its size: one byte more than allowed is enough to detect that it is too long.
    let mut text = String::new();
    let file = File::open(path).map_err(|e| about(&e))?;
    file.take(MAX_MAP_BYTES + 1).read_to_string(&mut text).map_err(|e| about(&e))?;
    if text.len() as u64 > MAX_MAP_BYTES {
        return Err(about(&format!("longer than {MAX_MAP_BYTES} bytes")));
    }
    map_lines(&text).map_err(|(line, why)| Failure::about(format!("{}:{line}", path.display()), why))
}
