//! Shared by the fuzz targets: the labs of the fixtures, budgets, and every view of a run.

mod views;

pub use views::{Views, is_json, matrices};

use macvlab::capture::Reader;
use macvlab::frame::Frame;
use macvlab::lab::spec::{Action, DeviceKind};
use macvlab::lab::{Event, Lab, LabSpec, Options, Summary};
use macvlab::stop::Stop;
use macvlab::time::Instant;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A run is stopped after this many events.
const MAX_EVENTS: usize = 1000;
/// Maximum number of devices and switch ports, and of steps, in a lab that is run.
const MAX_DEVICES: usize = 40;
const MAX_STEPS: usize = 20;
/// Maximum number of requests in a step.
const MAX_COUNT: u32 = 10;
/// Maximum wait of a step, in virtual time.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// The labs of the fixtures with their names, sorted, including their steps.
pub fn labs() -> &'static [(String, LabSpec)] {
    static LABS: OnceLock<Vec<(String, LabSpec)>> = OnceLock::new();
    LABS.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/labs");
        let files = std::fs::read_dir(&folder).expect("the labs of the fixtures are there");
        let mut paths: Vec<PathBuf> = files.map(|file| file.expect("readable").path()).collect();
        paths.sort();
        let lab = |path: PathBuf| {
            let spec = macvlab::labfile::load(&path).unwrap_or_else(|e| panic!("{e}"));
            (path.display().to_string(), without_lines(spec))
        };
        paths.into_iter().filter(|path| path.extension().is_some_and(|e| e == "toml")).map(lab).collect()
    })
}

/// The lab that a byte selects.
pub fn lab(choice: u8) -> &'static (String, LabSpec) {
    let labs = labs();
    &labs[usize::from(choice) % labs.len()]
}

/// A declaration without line numbers, for comparison.
pub fn without_lines(mut spec: LabSpec) -> LabSpec {
    spec.devices.iter_mut().for_each(|d| d.line = 0);
    spec.hosts.iter_mut().for_each(|h| h.line = 0);
    spec.switches.iter_mut().for_each(|s| s.line = 0);
    spec.steps.iter_mut().for_each(|s| s.line = 0);
    for exercise in spec.lesson.iter_mut().filter_map(|part| part.exercise.as_mut()) {
        exercise.goals.iter_mut().chain(&mut exercise.solution).for_each(|s| s.line = 0);
    }
    spec
}

/// Whether a lab is small enough to be run once for each input.
pub fn is_small(spec: &LabSpec) -> bool {
    let interfaces = |kind: &DeviceKind| match kind {
        DeviceKind::Router(router) => router.interfaces.len(),
        _ => 1,
    };
    let devices: usize = spec.devices.iter().map(|d| interfaces(&d.kind)).sum();
    let ports: usize = spec.switches.iter().map(|s| 1 + s.ports.len()).sum();
    devices + ports <= MAX_DEVICES
        && spec.steps.len() <= MAX_STEPS
        && spec.steps.iter().all(|step| is_short(&step.action))
}

/// Whether a step needs little virtual time.
pub fn is_short(action: &Action) -> bool {
    match action {
        Action::Ping(probe) | Action::Arping(probe) | Action::Udp(probe) | Action::Tcp(probe) => {
            probe.count <= MAX_COUNT && probe.timeout <= MAX_WAIT
        }
        Action::Wait(time) => *time <= MAX_WAIT,
        _ => true,
    }
}

/// Options that report everything.
pub fn told_in_full() -> Options {
    Options::default().with_decisions(true).with_changes(true)
}

/// Makes every `replay` step of a lab replay the same small capture, whatever file it names.
pub fn with_captures(spec: &LabSpec, mut options: Options) -> Options {
    for step in &spec.steps {
        if let Action::Replay { capture, .. } = &step.action {
            options.captures.insert(capture.clone(), Arc::clone(a_capture()));
        }
    }
    options
}

fn a_capture() -> &'static Arc<[(Instant, Frame)]> {
    static FRAMES: OnceLock<Arc<[(Instant, Frame)]>> = OnceLock::new();
    FRAMES.get_or_init(|| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/captures/extra/vlan.pcap");
        let file = std::fs::File::open(path).expect("the captures of the fixtures are there");
        let mut reader = Reader::new(file).unwrap_or_else(|e| panic!("{path}: {e}"));
        let mut frames = Vec::new();
        while let Some(record) = reader.next_record() {
            frames.extend(record.ok().map(|r| (r.time, Frame::new(r.data))));
        }
        frames.into()
    })
}

/// A lab that stops soon.
pub struct Budget {
    stop: Stop,
    left: usize,
}

impl Budget {
    /// A lab with a budget.
    pub fn lab(spec: &LabSpec, options: Options) -> (Lab, Budget) {
        let stop = Stop::default();
        let lab = Lab::new(spec, options.with_stop(stop.clone()));
        (lab, Budget { stop, left: MAX_EVENTS })
    }

    /// Counts an event.
    pub fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.stop.ask();
        }
    }

    /// Whether the lab was stopped.
    pub fn is_spent(&self) -> bool {
        self.left == 0
    }
}

/// Runs a lab; `None`: it was stopped.
pub fn run(spec: &LabSpec, options: Options, sink: &mut dyn FnMut(&Event)) -> Option<Summary> {
    let (mut lab, mut budget) = Budget::lab(spec, options);
    let summary = lab.run(&mut |event| {
        budget.spend();
        sink(event);
    });
    (!budget.is_spent()).then_some(summary)
}
