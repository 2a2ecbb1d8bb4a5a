//! A lab that runs step by step, with everything that happened.

use super::denied::{Denied, MAX_EVENTS, MAX_FRAME_BYTES};
use super::state::ActionResult;
use super::watchdog::Watchdog;
use crate::lab::spec::StepSpec;
use crate::lab::{Event, Lab, LabSpec, Options, Outcome};
use crate::report::StepLog;
use crate::report::html::{Bundle, Recorder};
use crate::stop::Stop;
use std::time::Duration;

/// A run up to the current point.
pub(super) struct Run {
    pub(super) lab: Lab,
    /// The events so far.
    pub(super) events: Vec<Event>,
    /// The outcome of each step.
    pub(super) told: Vec<ActionResult>,
    /// From which the reasons for the outcome of a step follow.
    log: StepLog,
    /// The current counters and states.
    pub(super) standing: Vec<Event>,
    /// Bytes of the frames in `events`.
    bytes: usize,
    /// Real time that the steps used.
    pub(super) spent: Duration,
    /// Stops a step that does not end.
    stop: Stop,
    /// What the page was told of it.
    shown: Shown,
}

/// What was told of a run.
#[derive(Debug)]
struct Shown {
    recorder: Recorder,
    /// Events in the recorder.
    events: usize,
    /// Outcomes of steps.
    steps: usize,
}

/// A session limits its events itself.
pub(super) fn recorder() -> Recorder {
    Recorder::up_to(usize::MAX)
}

impl Run {
    /// The lab before its steps.
    pub(super) fn built(spec: &LabSpec, options: &Options) -> Run {
        let stop = Stop::default();
        let lab = Lab::new(spec, Options { stop: stop.clone(), ..options.clone() });
        let (events, told, standing) = (Vec::new(), Vec::new(), Vec::new());
        let log = StepLog::default();
        let (spent, shown) = (Duration::ZERO, Shown { recorder: recorder(), events: 0, steps: 0 });
        let mut run = Run { lab, events, told, log, standing, bytes: 0, spent, stop, shown };
        run.lab.flush(&mut |event| run.events.push(event.clone()));
        run.events.iter().for_each(|event| run.log.event(event));
        run.stand();
        run
    }

    /// Builds the lab and runs its steps, within this time if there is a limit.
    pub(super) fn of(
        spec: &LabSpec,
        options: &Options,
        limit: Option<Duration>,
        watchdog: &dyn Watchdog,
    ) -> Result<Run, Denied> {
        let mut run = Run::built(spec, options);
        run.watched(limit, watchdog, |run| spec.steps.iter().try_for_each(|step| run.step(step)))?;
        Ok(run)
    }

    /// Does some work within this time. If it does not finish, the run must be discarded.
    pub(super) fn watched(
        &mut self,
        limit: Option<Duration>,
        watchdog: &dyn Watchdog,
        work: impl Fn(&mut Run) -> Result<(), Denied>,
    ) -> Result<(), Denied> {
        let (stop, mut done) = (self.stop.clone(), Ok(()));
        let spent = watchdog.watch(limit, &stop, &mut || done = work(self))?;
        self.spent += spent;
        // Work that ends just as its time is over cannot be continued: the flag stays set.
        done.and_then(|()| self.in_time()).map_err(|denied| match denied {
            Denied::TookTooLong(spent) => Denied::TookTooLong(limit.unwrap_or(spent)),
            denied => denied,
        })
    }

    pub(super) fn in_time(&self) -> Result<(), Denied> {
        if self.stop.asked() { Err(Denied::TookTooLong(self.spent)) } else { Ok(()) }
    }

    /// Runs a step. If it does not finish, the run must be discarded.
    pub(super) fn step(&mut self, step: &StepSpec) -> Result<(), Denied> {
        let begin = self.events.len();
        let (events, bytes, stop) = (&mut self.events, &mut self.bytes, &self.stop);
        let mut full = None;
        self.lab.step(step, &mut |event| {
            let more = if let Event::Hop(hop) = event { hop.frame.len() } else { 0 };
            if events.len() >= MAX_EVENTS {
                full = Some(Denied::TooManyEvents);
            } else if *bytes + more > MAX_FRAME_BYTES {
                full = Some(Denied::TooManyBytes);
            } else {
                *bytes += more;
                return events.push(event.clone());
            }
            stop.ask();
        });
        full.map_or_else(|| self.in_time(), Err)?;
        let happened = self.events.get(begin..).unwrap_or_default();
        if let Some(Event::Result { outcome: Outcome::TooLate, .. }) = happened.last() {
            return Err(Denied::TooLate);
        }
        let told = ActionResult::of(self.told.len() + 1, step, happened, &mut self.log);
        self.told.push(told.ok_or(Denied::TooManyEvents)?);
        self.stand();
        Ok(())
    }

    /// Reads the current counters and states.
    fn stand(&mut self) {
        self.standing.clear();
        self.lab.finish(&mut |event| self.standing.push(event.clone()));
    }

    /// How many steps this had told when it was last called, and what is new since: the first time, all.
    pub(super) fn news(&mut self) -> (usize, Bundle) {
        let Shown { recorder, events, steps } = &mut self.shown;
        let before = std::mem::replace(steps, self.told.len());
        let new = self.events.get(*events..).unwrap_or_default();
        new.iter().for_each(|event| recorder.event(event));
        *events = self.events.len();
        (before, recorder.take(&self.standing))
    }
}
