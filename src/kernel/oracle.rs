//! Runs a lab on the kernel and writes down what happened.

use super::change;
use super::listen::Ear;
use super::observed::{ErrorNumber, Observed, StepObserved, StepOutcome};
use super::pool::{DEVICE, Pool};
use super::sys;
use super::trouble::Trouble;
use super::world::{NOBODY, World};
use crate::frame::MacAddr;
use crate::lab::spec::{Action, Craft, CraftBody, FrameSpec, LabSpec, MacRef};
use std::time::Duration;

/// The running kernel. It keeps namespaces from one lab for the next, in the thread that made it.
#[derive(Debug)]
pub struct Oracle {
    pool: Pool,
}

/// How many frames each step is expected to show: the oracle waits a little longer for those and less for others. It
/// never changes what is reported.
pub type Hints = Vec<usize>;

impl Oracle {
    /// An oracle in the calling thread's namespace.
    ///
    /// # Errors
    /// [`Trouble::Io`] without `/proc`.
    pub fn new() -> Result<Oracle, Trouble> {
        Ok(Oracle { pool: Pool::new()? })
    }

    /// Builds the lab, runs its steps, takes it down.
    ///
    /// # Errors
    /// [`Trouble::Unsupported`] if the lab needs what the oracle cannot do, other troubles if it could not do its work.
    pub fn run(&mut self, lab: &LabSpec, hints: Option<&Hints>) -> Result<Observed, Trouble> {
        let (mut world, setup) = World::build(&mut self.pool, lab)?;
        let mut ear = Ear::new(lab);
        for (i, step) in lab.steps.iter().enumerate() {
            let outcome = run_step(&mut world, &mut ear, i, &step.action)?;
            ear.set_outcome(i, outcome);
            ear.settle(&world, hints.and_then(|h| h.get(i)).copied())?;
        }
        ear.settle_last(&world)?;
        let mut observed = Observed { setup, steps: ear.into_steps(), ..Observed::default() };
        observed.counters = std::mem::take(&mut world.gone);
        let names: Vec<String> = world.live.keys().cloned().collect();
        for name in names {
            if let Ok(s) = world.snapshot(&name) {
                observed.counters.entry(name.clone()).or_default().push(s.counters);
                observed.states.insert(name, s.state);
            }
        }
        if world.restless {
            return Err(Trouble::Unsupported("carriers that do not settle".to_owned()));
        }
        Ok(observed)
    }
}

fn outcome_of(result: Result<(), ErrorNumber>) -> StepOutcome {
    match result {
        Ok(()) => StepOutcome::Ok,
        Err(e) => StepOutcome::Error(e),
    }
}

fn run_step(
    world: &mut World<'_>,
    ear: &mut Ear,
    step: usize,
    action: &Action,
) -> Result<StepOutcome, Trouble> {
    Ok(match action {
        Action::Inject { at, from_wire, frame } => {
            let Some(bytes) = bytes_of(world, at, frame) else {
                return Ok(StepOutcome::Skipped("a frame that only macvlab can craft"));
            };
            ear.injected(step, &bytes);
            outcome_of(inject(world, at, *from_wire, &bytes))
        }
        Action::Set { device, change } => {
            let outcome = outcome_of(change::device(world, device, change));
            if matches!(change, crate::lab::spec::Change::Up(_)) {
                world.settle_carriers();
            }
            outcome
        }
        Action::SetSwitch { switch, change } => outcome_of(change::switch(world, switch, change)),
        Action::Add { name, spec } => {
            let made = world.make_port(name, spec)?;
            world.settle_carriers();
            outcome_of(made.map_err(|(_, e)| e))
        }
        Action::Remove(name) => {
            let outcome = outcome_of(world.remove(name));
            world.settle_carriers();
            outcome
        }
        Action::Wait(time) => {
            std::thread::sleep(*time);
            StepOutcome::Ok
        }
        Action::Ping(_) | Action::Arping(_) | Action::Udp(_) | Action::Tcp(_) => {
            StepOutcome::Skipped("no TCP/IP stacks talk here")
        }
        Action::Replay { .. } => StepOutcome::Skipped("no captures are replayed here"),
    })
}

fn inject(world: &World<'_>, at: &str, from_wire: bool, bytes: &[u8]) -> Result<(), ErrorNumber> {
    let place = if from_wire { world.across(at) } else { world.place(at) };
    let sender = &world.cells[place.cell].sender;
    if place.ifindex == NOBODY {
        // What a program does first: it looks the device up.
        return sys::index_of(sender, DEVICE).map(|_| ());
    }
    sender.send(place.ifindex, bytes)
}

fn bytes_of(world: &mut World<'_>, at: &str, frame: &FrameSpec) -> Option<Vec<u8>> {
    match frame {
        FrameSpec::Bytes(bytes) => Some(bytes.clone()),
        FrameSpec::Crafted(craft) => ethernet(world, at, craft),
    }
}

fn ethernet(world: &mut World<'_>, at: &str, craft: &Craft) -> Option<Vec<u8>> {
    let CraftBody::Ethernet { ethertype, payload } = &craft.body else {
        return None;
    };
    let mut address = |r: &Option<MacRef>| -> Option<MacAddr> {
        match r {
            Some(MacRef::Addr(m)) => Some(*m),
            Some(MacRef::Device(d)) => world.snapshot(d).ok().map(|s| s.state.mac),
            None => None,
        }
    };
    let dst = address(&craft.dst)?;
    let src = address(&craft.src.clone().or_else(|| Some(MacRef::Device(at.to_owned()))))?;
    let mut bytes = [dst.0, src.0].concat();
    for tag in &craft.tags {
        bytes.extend(tag.tpid.to_be_bytes());
        bytes.extend(tag.tci.to_be_bytes());
    }
    bytes.extend(ethertype.to_be_bytes());
    bytes.extend(payload);
    bytes.resize(bytes.len().max(craft.pad), 0);
    Some(bytes)
}

/// Time without a frame after which a step is over.
pub(super) const QUIET: Duration = Duration::from_micros(1500);
/// The same when all expected frames have come, and every frame of the lab is different.
pub(super) const QUIET_AFTER_ALL: Duration = Duration::from_micros(150);
/// How long to wait for a frame that is expected.
pub(super) const AWAITED: Duration = Duration::from_millis(20);

/// An empty step.
pub(super) fn blank() -> StepObserved {
    StepObserved::new(StepOutcome::Ok)
}
