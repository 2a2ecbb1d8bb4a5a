//! A lab and the actions on it.

use super::state::{ActionResult, State};
use super::watchdog::{Watchdog, timed};
use crate::capture::CaptureError;
use crate::lab::spec::{Action, DeviceKind, Expect, ExpectedReceivers, StepSpec};
use crate::lab::{Event, Lab, LabSpec, Options, Outcome, Receivers};
use crate::labfile::{self, Diagnostics};
use crate::report::html::{Bundle, Recorder};
use crate::report::{AnnotatedCapture, StepLog, WhyReport};
use crate::stop::Stop;
use crate::why::{self, Question, Remedy};
use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

/// Maximum number of actions in a session: an undo runs all of them again while the user waits.
pub const MAX_ACTIONS: usize = 1000;

/// Maximum number of events in a session: all are kept, and the page holds them too.
pub const MAX_EVENTS: usize = 100_000;

/// Maximum bytes of frames in a session, counted at every hop: the download contains all of them, and the page contains
/// each frame in hex.
pub const MAX_FRAME_BYTES: usize = 32 << 20;

/// Maximum real time of an action: the response waits for it.
pub const MAX_ACTION_TIME: Duration = Duration::from_secs(10);

/// Maximum real time of all actions of a session: an undo runs all of them again.
pub const MAX_SESSION_TIME: Duration = Duration::from_secs(30);

/// Why an action was not executed. An action that the kernel would refuse is executed, and its outcome is the refusal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The input is not a step of a lab file.
    #[error("{}", first(.0))]
    NoStep(#[from] Diagnostics),
    /// There are [`MAX_ACTIONS`].
    #[error("a session has at most {MAX_ACTIONS} actions: undo some, or start again")]
    TooManyActions,
    /// There would be more than [`MAX_EVENTS`].
    #[error(
        "that would be more than {MAX_EVENTS} events, the limit of a session: use a smaller step, or undo something"
    )]
    TooManyEvents,
    /// There would be more than [`MAX_FRAME_BYTES`].
    #[error(
        "that would be more than {} MiB of frames, the limit of a session: use a smaller step, or undo something",
        MAX_FRAME_BYTES >> 20
    )]
    TooManyBytes,
    /// It would run for longer than [`MAX_ACTION_TIME`], or the session for longer than [`MAX_SESSION_TIME`].
    #[error(
        "that was stopped after {0:?}: an action runs for at most {MAX_ACTION_TIME:?}, and all actions of a session \
         together for {MAX_SESSION_TIME:?}"
    )]
    TookTooLong(Duration),
    /// The action's run time cannot be limited.
    #[error("the system cannot start a thread: {0}")]
    NoThread(#[from] io::Error),
    /// The lab's time limit.
    #[error("it could run beyond the lab's time limit of 100 years: undo something, or start again")]
    TooLate,
    /// The playground reads only files that the lab named when it was opened.
    #[error("the capture `{0}` was not opened with the lab")]
    UnknownCapture(String),
    /// There is no step of this number that asks something.
    #[error("there is no step {0} that asks something")]
    NoQuestion(usize),
    /// There is no action to undo.
    #[error("there is nothing to undo")]
    NothingToUndo,
    /// There is no action to redo.
    #[error("there is nothing to redo")]
    NothingToRedo,
}

/// The first error, and its hint.
fn first(diagnostics: &Diagnostics) -> String {
    match diagnostics.list().first() {
        Some(first) => match &first.help {
            Some(help) => format!("{}: {help}", first.message),
            None => first.message.clone(),
        },
        None => "this is not a step".to_owned(),
    }
}

/// A running lab, the actions on it, and their events.
pub struct Session {
    /// The lab, with the actions as its steps.
    spec: LabSpec,
    /// Undone actions; the last is the next to redo.
    undone: Vec<StepSpec>,
    run: Run,
    options: Options,
}

/// A run up to the current point.
pub(super) struct Run {
    lab: Lab,
    /// The events so far.
    events: Vec<Event>,
    /// The outcome of each step.
    told: Vec<ActionResult>,
    /// From which the reasons for the outcome of a step follow.
    log: StepLog,
    /// The current counters and states.
    standing: Vec<Event>,
    /// Bytes of the frames in `events`.
    bytes: usize,
    /// Real time that the steps used.
    spent: Duration,
    /// Stops a step that does not end.
    stop: Stop,
}

impl Session {
    /// Opens a lab: its steps are the first actions. `options` contains the captures that they replay.
    ///
    /// # Errors
    /// [`Denied`]: the lab exceeds the limits of a session.
    pub fn open(mut spec: LabSpec, options: Options) -> Result<Session, Denied> {
        for step in &mut spec.steps {
            step.line = 0;
        }
        if spec.steps.len() > MAX_ACTIONS {
            return Err(Denied::TooManyActions);
        }
        let options = Options { decisions: true, changes: true, ..options };
        let run = Run::within(MAX_SESSION_TIME, &spec, &options)?;
        Ok(Session { spec, undone: Vec::new(), run, options })
    }

    /// Executes a step of a lab file: `ping = { from = "c1", to = "c2" }`.
    ///
    /// # Errors
    /// [`Denied`]: nothing has changed.
    pub fn act(&mut self, step: &str) -> Result<ActionResult, Denied> {
        let step = labfile::parse_step(&self.spec, step)?;
        if let Action::Replay { capture, .. } = &step.action
            && !self.options.captures.contains_key(capture)
        {
            return Err(Denied::UnknownCapture(capture.display().to_string()));
        }
        let told = self.do_step(step)?;
        self.undone.clear();
        Ok(told)
    }

    /// Why a step got no reply, and what would have helped before it. Nothing changes.
    ///
    /// # Errors
    /// [`Denied`]: there is no such step, it asks nothing, or the answer takes too long.
    pub fn why(&self, step: usize) -> Result<WhyReport, Denied> {
        let asked = step.checked_sub(1).and_then(|index| Question::of_step(&self.spec, index));
        let (spec, question) = asked.ok_or(Denied::NoQuestion(step))?;
        let options = Options { stop: Stop::default(), ..self.options.clone() };
        let watch = Watchdog::over(&options.stop, MAX_ACTION_TIME)?;
        let answer = why::ask(&spec, &question, &options);
        watch.end();
        if options.stop.asked() {
            return Err(Denied::TookTooLong(MAX_ACTION_TIME));
        }
        let lines = |remedy: &Remedy| labfile::changed_lines(&spec, &remedy.declared_in(&spec));
        Ok(WhyReport::new(&question, &answer, &lines))
    }

    /// Undoes the last action: everything before it is run again.
    ///
    /// # Errors
    /// [`Denied::NothingToUndo`].
    pub fn undo(&mut self) -> Result<(), Denied> {
        let step = self.spec.steps.pop().ok_or(Denied::NothingToUndo)?;
        self.undone.push(step);
        self.again()
    }

    /// Redoes the last undone action.
    ///
    /// # Errors
    /// [`Denied::NothingToRedo`].
    pub fn redo(&mut self) -> Result<ActionResult, Denied> {
        let step = self.undone.pop().ok_or(Denied::NothingToRedo)?;
        self.do_step(step.clone()).inspect_err(|_| self.undone.push(step))
    }

    /// Returns to the devices as declared. All actions can be redone one by one.
    ///
    /// # Errors
    /// None for a lab that could be opened.
    pub fn reset(&mut self) -> Result<(), Denied> {
        self.undone.extend(self.spec.steps.drain(..).rev());
        self.again()
    }

    /// The lab file with the actions as its steps and their outcomes as expectations: a lab that passes.
    #[must_use]
    pub fn export(&self) -> String {
        let mut spec = self.spec.clone();
        for event in &self.run.events {
            match event {
                Event::Setup { device, refusal, .. } => {
                    let refused = spec.devices.iter_mut().find(|d| d.name == *device);
                    if let Some(DeviceKind::Macvlan(port)) = refused.map(|d| &mut d.kind) {
                        port.expect = Some(refusal.errno);
                    }
                }
                Event::Result { step, outcome, receivers, .. } => {
                    let done = step.checked_sub(1).and_then(|index| spec.steps.get_mut(index));
                    if let Some(done) = done.filter(|done| !matches!(done.action, Action::Wait(_))) {
                        done.expect = came(&done.action, *outcome, receivers);
                    }
                }
                _ => {}
            }
        }
        labfile::write(&spec)
    }

    /// Every hop so far as a packet, as pcapng.
    ///
    /// # Errors
    /// None when writing to memory.
    pub fn traffic(&self) -> Result<Vec<u8>, CaptureError> {
        let mut capture = AnnotatedCapture::new(Vec::new())?;
        self.events().try_for_each(|event| capture.event(event))?;
        capture.finish()
    }

    /// The events so far, and the current counters and states: equal to a run of the exported lab.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.run.events.iter().chain(&self.run.standing)
    }

    /// The events so far, for the page.
    #[must_use]
    pub fn bundle(&self) -> Bundle {
        let mut recorder = Recorder::default();
        self.events().for_each(|event| recorder.event(event));
        recorder.finish()
    }

    /// The session's state, for the controls.
    #[must_use]
    pub fn state(&self) -> State {
        State::of(&self.run.lab, &self.run.told, self.undone.last())
    }

    /// Runs all steps again. They are known to end, in the time that they took before.
    fn again(&mut self) -> Result<(), Denied> {
        self.run = Run::of(&self.spec, &self.options)?;
        Ok(())
    }

    /// Fills the session until there is room for only this many more events.
    #[cfg(test)]
    pub(super) fn leave_room(&mut self, events: usize) {
        let filling = Event::Lab { title: String::new(), devices: Vec::new() };
        self.run.events.resize(MAX_EVENTS - events, filling);
    }

    fn do_step(&mut self, step: StepSpec) -> Result<ActionResult, Denied> {
        if self.spec.steps.len() >= MAX_ACTIONS {
            return Err(Denied::TooManyActions);
        }
        let own_devices = own_devices(&self.spec);
        self.spec.steps.push(step.clone());
        // A switch gets its own device when the lab is built.
        let done = if self::own_devices(&self.spec) == own_devices {
            let left = MAX_SESSION_TIME.saturating_sub(self.run.spent);
            self.run.watched(left.min(MAX_ACTION_TIME), |run| run.step(&step))
        } else {
            Run::within(MAX_SESSION_TIME, &self.spec, &self.options).map(|run| self.run = run)
        };
        if let Err(denied) = done {
            self.spec.steps.pop();
            self.again()?;
            return Err(denied);
        }
        self.run.told.last().cloned().ok_or(Denied::TooManyEvents)
    }
}

impl Run {
    /// The lab before its steps.
    pub(super) fn built(spec: &LabSpec, options: &Options) -> Run {
        let stop = Stop::default();
        let lab = Lab::new(spec, Options { stop: stop.clone(), ..options.clone() });
        let (events, told, standing) = (Vec::new(), Vec::new(), Vec::new());
        let log = StepLog::default();
        let mut run = Run { lab, events, told, log, standing, bytes: 0, spent: Duration::ZERO, stop };
        run.lab.flush(&mut |event| run.events.push(event.clone()));
        run.events.iter().for_each(|event| run.log.event(event));
        run.stand();
        run
    }

    /// Builds the lab and runs its steps.
    fn of(spec: &LabSpec, options: &Options) -> Result<Run, Denied> {
        let mut run = Run::built(spec, options);
        let (done, spent) = timed(|| run.steps(spec));
        run.spent = spent;
        done.map(|()| run)
    }

    /// Builds the lab and runs its steps, within this time.
    fn within(limit: Duration, spec: &LabSpec, options: &Options) -> Result<Run, Denied> {
        let mut run = Run::built(spec, options);
        run.watched(limit, |run| run.steps(spec))?;
        Ok(run)
    }

    fn steps(&mut self, spec: &LabSpec) -> Result<(), Denied> {
        spec.steps.iter().try_for_each(|step| self.step(step))
    }

    /// Does some work within this time. If it does not finish, the run must be discarded.
    pub(super) fn watched(
        &mut self,
        limit: Duration,
        work: impl FnOnce(&mut Run) -> Result<(), Denied>,
    ) -> Result<(), Denied> {
        let watch = Watchdog::over(&self.stop, limit)?;
        let (done, spent) = timed(|| work(self));
        watch.end();
        self.spent += spent;
        // Work that ends just as its time is over cannot be continued: the flag stays set.
        done.and_then(|()| self.in_time()).map_err(|denied| match denied {
            Denied::TookTooLong(_) => Denied::TookTooLong(limit),
            denied => denied,
        })
    }

    pub(super) fn in_time(&self) -> Result<(), Denied> {
        if self.stop.asked() { Err(Denied::TookTooLong(self.spent)) } else { Ok(()) }
    }

    /// Runs a step. If it does not finish, the run must be discarded.
    fn step(&mut self, step: &StepSpec) -> Result<(), Denied> {
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
}

/// The outcome of a step as an expectation; `None`: it was not run.
fn came(action: &Action, outcome: Outcome, receivers: &Receivers) -> Option<Expect> {
    Some(match (outcome, action) {
        (Outcome::Reply, _) => Expect::Reply,
        (Outcome::Unreachable(_), _) => Expect::Unreachable,
        (Outcome::NoReply, _) => Expect::NoReply,
        (Outcome::Ok, Action::Inject { .. }) => {
            let Receivers { delivered, seen, answered } = receivers.clone();
            let [seen, answered] = [seen, answered].map(|names| (!names.is_empty()).then_some(names));
            Expect::Receivers(Box::new(ExpectedReceivers {
                delivered: Some(delivered),
                seen,
                answered,
                not_delivered: Vec::new(),
            }))
        }
        (Outcome::Ok, _) => Expect::Ok,
        (Outcome::Refused(refusal), _) => Expect::Errno(refusal.errno),
        (Outcome::TooLate | Outcome::TooMany, _) => return None,
    })
}

/// The number of switches whose own device is there, and of the places for devices of their hosts in them.
fn own_devices(spec: &LabSpec) -> usize {
    let named: BTreeSet<_> = spec.own_devices().collect();
    let inside: BTreeSet<_> = spec.enslaved().collect();
    spec.switches.iter().filter(|switch| named.contains(&switch.name)).count() + inside.len()
}
