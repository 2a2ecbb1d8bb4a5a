//! Runs a lab on the kernel and records what happened.

use super::change;
use super::error::OracleError;
use super::listen::SocketRecorder;
use super::observed::{Observed, StepObserved, StepOutcome};
use super::pool::Pool;
use super::prediction::skipped;
use super::world::{NOBODY, World};
use crate::errno::ErrorNumber;
use crate::frame::{Family, MacAddr, Resolve};
use crate::lab::spec::{
    Action, Change, DeviceKind, FrameSpec, InjectPoint, LabSpec, Name, StepSpec, SwitchChange,
};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// The running kernel. It reuses namespaces from lab to lab, in the thread that created it.
#[derive(Debug)]
pub struct Oracle {
    pool: Pool,
}

/// How many frames each step is expected to show: the oracle waits slightly longer for those and less for others. The
/// expectation never changes what is reported.
pub type Hints = Vec<usize>;

impl Oracle {
    /// An oracle in the calling thread's namespace.
    ///
    /// # Errors
    /// [`OracleError::Io`] without `/proc`.
    pub fn new() -> Result<Oracle, OracleError> {
        Ok(Oracle { pool: Pool::new()? })
    }

    /// The source of its namespaces.
    pub(super) fn pool(&mut self) -> &mut Pool {
        &mut self.pool
    }

    /// Builds the lab, runs its steps, and removes it.
    ///
    /// # Errors
    /// [`OracleError::Unsupported`] if the lab needs something that the oracle cannot do, other errors if it could not
    /// run.
    pub fn run(&mut self, lab: &LabSpec, hints: Option<&Hints>) -> Result<Observed, OracleError> {
        let (mut world, setup) = World::build(&mut self.pool, lab)?;
        if lab.switches.iter().any(|s| s.ageing.is_zero() && s.fdb.iter().any(|e| e.dynamic)) {
            std::thread::sleep(SWEEP);
        }
        let mut ear = SocketRecorder::new(lab);
        for i in 0..lab.steps.len() {
            if !matches!(lab.steps[i].action, Action::Inject { .. }) {
                // Queued frames must not meet the change.
                ear.settle(&world, None)?;
            }
            let outcome = run_step(&mut world, &mut ear, lab, i)?;
            ear.set_outcome(i, outcome);
            ear.settle(&world, hints.and_then(|h| h.get(i)).copied())?;
        }
        ear.settle_last(&world)?;
        let mut observed = Observed { setup, late: ear.late, steps: ear.into_steps(), ..Observed::default() };
        observed.counters = std::mem::take(&mut world.gone);
        observed.vanished = std::mem::take(&mut world.vanished);
        let names: Vec<Name> = world.live.keys().cloned().collect();
        for name in names {
            if let Ok(s) = world.snapshot(&name) {
                observed.counters.entry(name.clone()).or_default().push(s.counters);
                observed.states.insert(name, s.state);
            }
        }
        if world.restless {
            return Err(OracleError::Unsupported("carriers that do not settle".to_owned()));
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
    ear: &mut SocketRecorder,
    lab: &LabSpec,
    step: usize,
) -> Result<StepOutcome, OracleError> {
    let Some(StepSpec { action, .. }) = lab.steps.get(step) else { return Ok(StepOutcome::Ok) };
    if let Some(why) = skipped(action) {
        return Ok(StepOutcome::Skipped(why));
    }
    Ok(match action {
        Action::Inject { at, entry, frame } => {
            let Some(bytes) = bytes_of(world, lab, at, frame) else {
                return Ok(StepOutcome::Skipped("a frame that cannot be crafted"));
            };
            ear.injected(step, &bytes);
            outcome_of(inject(world, at, *entry == InjectPoint::Wire, &bytes))
        }
        Action::Set { device, change } => {
            let outcome = outcome_of(change::device(world, device, change));
            if matches!(change, Change::Up(_) | Change::Master(_)) {
                world.settle_carriers();
            }
            outcome
        }
        Action::SetSwitch { switch, change } => {
            let outcome = outcome_of(change::switch(world, switch, change));
            if sweeps(lab, change) {
                std::thread::sleep(SWEEP);
            }
            if matches!(change, SwitchChange::State { .. }) && world.live.contains_key(switch) {
                // The bridge's own device has carrier as long as a port forwards, and the macvlans on it learn of that
                // late.
                world.settle_carriers();
            }
            outcome
        }
        Action::Add { name, spec } => {
            let made = world.make_port(name, spec)?.map_err(|(_, e)| e);
            let made = made.and_then(|()| match &spec.master {
                Some(master) => world.set_master(name, Some(master)),
                None => Ok(()),
            });
            world.settle_carriers();
            outcome_of(made)
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
        Action::Ping(_)
        | Action::Arping(_)
        | Action::Udp(_)
        | Action::Tcp(_)
        | Action::Replay { .. }
        | Action::SetHost { .. } => StepOutcome::Ok,
    })
}

/// Whether a change makes existing entries too old at once: the bridge removes them in its next sweep.
fn sweeps(lab: &LabSpec, change: &SwitchChange) -> bool {
    match change {
        SwitchChange::Ageing(time) => time.is_zero(),
        SwitchChange::Fdb(entry) => entry.dynamic && has_no_ageing(lab),
        _ => false,
    }
}

/// Whether a switch of the lab ever has an ageing time of zero.
fn has_no_ageing(lab: &LabSpec) -> bool {
    let zeroed = |s: &StepSpec| matches!(&s.action, Action::SetSwitch { change: SwitchChange::Ageing(t), .. } if t.is_zero());
    lab.switches.iter().any(|s| s.ageing.is_zero()) || lab.steps.iter().any(zeroed)
}

fn inject(world: &World<'_>, at: &str, from_wire: bool, bytes: &[u8]) -> Result<(), ErrorNumber> {
    let place = if from_wire { world.across(at) } else { world.place(at) };
    world.look_up(at)?;
    if place.ifindex == NOBODY {
        return Err(ErrorNumber(libc::ENODEV));
    }
    world.cells[place.cell].sender.send(place.ifindex, bytes)
}

/// The current addresses of devices: MAC addresses in the kernel, IP addresses in the declaration.
struct Addresses<'a> {
    macs: BTreeMap<Name, MacAddr>,
    lab: &'a LabSpec,
}

impl Resolve for Addresses<'_> {
    fn mac_of(&self, device: &str) -> Option<MacAddr> {
        self.macs.get(device).copied()
    }

    fn ip_of(&self, device: &str, family: Family) -> Option<IpAddr> {
        let declared = self.lab.devices.iter().find_map(|d| match &d.kind {
            DeviceKind::Router(r) => r.interfaces.iter().find(|i| i.name == device).map(|i| &i.station.ip),
            _ if d.name != device => None,
            DeviceKind::Nic(n) => Some(&n.ip),
            DeviceKind::Dummy(d) => Some(&d.ip),
            DeviceKind::Bond(b) => Some(&b.ip),
            DeviceKind::Vlan(v) => Some(&v.ip),
            DeviceKind::Macvlan(m) => Some(&m.ip),
            DeviceKind::Station(s) => Some(&s.ip),
        });
        let added = || {
            self.lab.steps.iter().find_map(|s| match &s.action {
                Action::Add { name, spec } if name == device => Some(&spec.ip),
                _ => None,
            })
        };
        let ip = declared.or_else(added)?;
        ip.address.iter().map(|n| n.addr()).find(|a| Family::of(*a) == family)
    }
}

fn bytes_of(world: &mut World<'_>, lab: &LabSpec, at: &str, frame: &FrameSpec) -> Option<Vec<u8>> {
    match frame {
        FrameSpec::Bytes(bytes) => Some(bytes.clone()),
        FrameSpec::Crafted(craft) => {
            let names: Vec<Name> = world.live.keys().cloned().collect();
            let macs =
                names.into_iter().filter_map(|n| world.snapshot(&n).ok().map(|s| (n, s.state.mac))).collect();
            craft.build(at, &Addresses { macs, lab }).ok().map(|f| f.to_vec())
        }
    }
}

/// The longest time until a bridge removes entries that are too old: its first sweep is 100 ms after it came up.
const SWEEP: Duration = Duration::from_millis(130);
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
