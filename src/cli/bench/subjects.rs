//! What is measured: which frames, on which table, by how many threads.

use super::Failure;
use super::paths::{Crossing, FRAMES, Flood, Frames, OtherCrossing, Parent, forwarding};
use super::tables::{Chains, FxMap, List, StdMap};
use macvlab::capture::{FrameSize, Traffic};
use macvlab::frame::MacAddr;
use macvlab::macvlan::{Forwarding, Mode};
use macvlab::table::Lookup;
use macvlab::verdict::Refusal;
use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};

/// The baseline, beside which all decisions are shown.
pub(super) const WALK: &str = "headers only: the baseline";
/// The numbers of ports for the multi-threaded decisions, and for the frames shown with them.
const THREADED_PORTS: u32 = 64;

/// One pass over the frames.
pub(super) type Pass = Box<dyn FnMut() + Send>;

/// Something to measure.
pub(super) struct Subject {
    /// Its table in the report.
    pub(super) group: Group,
    pub(super) what: String,
    /// Ports, receivers, or stations.
    pub(super) size: u32,
    pub(super) frames: FrameSize,
    /// Percentage of frames whose destination is known.
    pub(super) hits: u8,
    /// Decisions (in a flood: copies) per pass.
    pub(super) decisions: u32,
    /// One for each thread.
    pub(super) passes: Vec<Pass>,
    /// Size of the table in bytes, if worth showing.
    pub(super) memory: Option<usize>,
}

/// A table of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Group {
    /// Unicast decisions at a parent.
    Decide,
    /// The same with several threads.
    Threads,
    /// Copies of a broadcast.
    Flood,
    /// Frames through a switch.
    Switch,
    /// Frames through the running kernel.
    Kernel,
}

/// What to measure.
pub(super) struct Wanted<'a> {
    pub(super) ports: &'a [u32],
    pub(super) sizes: &'a [FrameSize],
    pub(super) hits: &'a [u8],
    pub(super) receivers: &'a [u32],
    pub(super) stations: &'a [u32],
    pub(super) threads: &'a [usize],
}

/// All subjects.
pub(super) fn all(wanted: &Wanted<'_>) -> Result<Vec<Subject>, Failure> {
    let mut subjects = Vec::new();
    for &ports in wanted.ports {
        for &size in wanted.sizes {
            for &hits in wanted.hits {
                decisions(ports, size, hits, &mut subjects)?;
            }
        }
    }
    for &threads in wanted.threads {
        subjects.push(threaded(threads)?);
    }
    for &receivers in wanted.receivers {
        subjects.push(flood(receivers)?);
    }
    for &stations in wanted.stations {
        switches(stations, &mut subjects)?;
    }
    Ok(subjects)
}

fn stations(n: u32) -> Vec<MacAddr> {
    (0..n).map(Traffic::station).collect()
}

fn parent(macs: &[MacAddr], mode: Mode) -> Result<Arc<Forwarding>, Failure> {
    forwarding(macs, mode)
        .map_err(|refusal: Refusal| Failure::Because(format!("a port was refused: {}", refusal.errno)))
}

fn decisions(ports: u32, size: FrameSize, hits: u8, to: &mut Vec<Subject>) -> Result<(), Failure> {
    let macs = stations(ports);
    let frames = Arc::new(Mutex::new(Frames::new(&macs, size, hits)));
    let mut add = |what: &str, size_: u32, pass: Pass| {
        to.push(Subject {
            group: Group::Decide,
            what: what.to_owned(),
            size: size_,
            frames: size,
            hits,
            decisions: FRAMES as u32,
            passes: vec![pass],
            memory: None,
        });
    };
    let walked = Arc::clone(&frames);
    add(
        WALK,
        ports,
        Box::new(move || {
            black_box(with(&walked, Frames::walk));
        }),
    );
    for mode in Mode::ALL {
        // A passthru port is alone on its parent.
        let macs = if mode == Mode::Passthru { &macs[..1] } else { &macs };
        let table = parent(macs, mode)?;
        add(&format!("macvlab, {mode}"), macs.len() as u32, deciding(&frames, (*table).clone()));
    }
    // The map alone makes the difference here: mode and rules are the same.
    let table = parent(&macs, Mode::Vepa)?;
    add("the same on hashbrown, fx", ports, deciding(&frames, table.with_table(FxMap::new)));
    add("the same on std HashMap", ports, deciding(&frames, table.with_table(StdMap::new)));
    add("the same on 256 chains", ports, deciding(&frames, table.with_table(Chains::new)));
    add("the same on a list", ports, deciding(&frames, table.with_table(List::new)));
    Ok(())
}

/// Shares a value between subjects that take turns.
fn with<V, A>(shared: &Mutex<V>, work: impl FnOnce(&mut V) -> A) -> A {
    work(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
}

fn deciding<T: Lookup + Send + 'static>(frames: &Arc<Mutex<Frames>>, table: Forwarding<T>) -> Pass {
    let (frames, mut parent) = (Arc::clone(frames), Parent::new(table));
    Box::new(move || with(&frames, |frames| frames.decide(&mut parent)))
}

/// Threads that share nothing: each has its own frames, table and counters.
fn threaded(threads: usize) -> Result<Subject, Failure> {
    let macs = stations(THREADED_PORTS);
    let table = parent(&macs, Mode::Vepa)?;
    let frames = FrameSize::Fixed(64);
    let pass = || {
        let own = Arc::new(Mutex::new(Frames::new(&macs, frames, 100)));
        deciding(&own, (*table).clone())
    };
    Ok(Subject {
        group: Group::Threads,
        what: threads.to_string(),
        size: THREADED_PORTS,
        frames,
        hits: 100,
        decisions: FRAMES as u32,
        passes: (0..threads).map(|_| pass()).collect(),
        memory: None,
    })
}

/// A broadcast from outside, delivered to all ports.
fn flood(receivers: u32) -> Result<Subject, Failure> {
    let mut flood = Flood::new(parent(&stations(receivers), Mode::Bridge)?);
    let mut frame = [0xff; 64];
    frame[6..14].copy_from_slice(&[6, 0, 0, 0, 0, 9, 8, 6]);
    let mut number = 0u32;
    let pass = move || {
        number = number.wrapping_add(1);
        black_box(flood.hand_over(number, black_box(&frame)));
    };
    Ok(Subject {
        group: Group::Flood,
        what: "copies of a broadcast".to_owned(),
        size: receivers,
        frames: FrameSize::Fixed(64),
        hits: 100,
        decisions: receivers,
        passes: vec![Box::new(pass)],
        memory: None,
    })
}

/// A switch with this many learned stations, and the other map with the same frames.
fn switches(stations: u32, to: &mut Vec<Subject>) -> Result<(), Failure> {
    let crossing = || {
        Crossing::new(stations)
            .map_err(|refusal| Failure::Because(format!("a switch port was refused: {}", refusal.errno)))
    };
    let own = crossing()?;
    let memory = own.memory();
    let other = Arc::new(Mutex::new(OtherCrossing::new(crossing()?)));
    let own = Arc::new(Mutex::new(own));
    let mut add = |what: &str, memory, pass: Pass| {
        to.push(Subject {
            group: Group::Switch,
            what: what.to_owned(),
            size: stations,
            frames: FrameSize::Fixed(64),
            hits: 100,
            decisions: FRAMES as u32,
            passes: vec![pass],
            memory,
        });
    };
    let turn = |at: &Arc<Mutex<Crossing>>, work: fn(&mut Crossing)| -> Pass {
        let at = Arc::clone(at);
        Box::new(move || with(&at, work))
    };
    add("forward", Some(memory), turn(&own, Crossing::decide));
    add("forward and learn", Some(memory), turn(&own, Crossing::forward));
    add("forward and learn, one by one", Some(memory), turn(&own, Crossing::forward_singly));
    let turn = |at: &Arc<Mutex<OtherCrossing>>, work: fn(&mut OtherCrossing)| -> Pass {
        let at = Arc::clone(at);
        Box::new(move || with(&at, work))
    };
    add("hashbrown, fx: look up", None, turn(&other, OtherCrossing::decide));
    add("hashbrown, fx: look up and note", None, turn(&other, OtherCrossing::forward));
    Ok(())
}
