//! A lab and the actions on it.

use super::denied::{Denied, MAX_ACTION_TIME, MAX_ACTIONS, MAX_SESSION_TIME};
use super::lesson::{CourseNow, GoalsNow, Kept, LessonNow, PlaceNow};
use super::run::{Run, recorder};
use super::state::{ActionResult, Point, State, View};
use super::study::{Place, Study};
use super::watchdog::Watchdog;
use crate::capture::CaptureError;
use crate::frame::Frame;
use crate::lab::spec::{Action, Change, DeviceKind, Expect, ExpectedReceivers, StepSpec};
use crate::lab::{Event, LabSpec, Options, Outcome, Receivers};
use crate::labfile::{self, Index};
use crate::language::Language;
use crate::macvlan::Mode;
use crate::matrix::{Classic, PortSetup, Wire};
use crate::report::html::Bundle;
use crate::report::{AnnotatedCapture, WhyReport, step_in_words};
use crate::stop::Stop;
use crate::time::Instant;
use crate::why::{self, Question};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A running lab, the actions on it, and their events.
pub struct Session {
    /// The lab, with the actions as its steps.
    spec: LabSpec,
    /// The lesson that is taken.
    study: Option<Study>,
    /// What was open before a built-in lesson was taken.
    home: LabSpec,
    /// How many of the steps were there when it began at this point of a lesson: they cannot be undone.
    given: usize,
    /// Undone actions; the last is the next to redo.
    undone: Vec<StepSpec>,
    /// The names that a step may use.
    names: Index,
    run: Run,
    /// How often a run was begun anew.
    runs: u64,
    options: Options,
    watchdog: Box<dyn Watchdog>,
}

impl Session {
    /// Opens a lab: its steps are the first actions. A lesson is opened at its first question, and no step is run. `options`
    /// contains the captures that steps replay.
    ///
    /// # Errors
    /// [`Denied`]: the lab exceeds the limits of a session.
    #[cfg(not(target_family = "wasm"))]
    pub fn open(spec: LabSpec, options: Options) -> Result<Session, Denied> {
        Session::watched(spec, options, Box::new(super::watchdog::WatchThread))
    }

    /// Opens a lab whose actions are watched by this one.
    ///
    /// # Errors
    /// As for `open`.
    pub fn watched(
        mut spec: LabSpec,
        options: Options,
        watchdog: Box<dyn Watchdog>,
    ) -> Result<Session, Denied> {
        spec.all_steps().try_for_each(|step| knows_capture(&options, step))?;
        spec.steps.iter_mut().for_each(|step| step.line = 0);
        if spec.steps.len() > MAX_ACTIONS {
            return Err(Denied::TooManyActions);
        }
        let options = Options { decisions: true, changes: true, ..options };
        let (study, home) = (Study::of(&spec), spec.clone());
        let (spec, own) = study.as_ref().map_or_else(|| (spec, Vec::new()), Study::start);
        let run = Run::of(&spec, &options, Some(MAX_SESSION_TIME), &*watchdog)?;
        let names = Index::of(&spec);
        let undone = own.into_iter().rev().collect();
        Ok(Session { spec, study, home, given: 0, undone, names, run, runs: 0, options, watchdog })
    }

    /// Takes a built-in lesson, from its beginning.
    ///
    /// # Errors
    /// [`Denied::NoLesson`].
    pub fn take(&mut self, name: &str) -> Result<(), Denied> {
        let before = self.study.is_none().then(|| self.spec.clone());
        self.enter(Some(Study::named(name)?))?;
        self.home = before.unwrap_or_else(|| std::mem::take(&mut self.home));
        Ok(())
    }

    /// Returns to the lab that was open before a built-in lesson was taken, or to the beginning of the lesson that it is.
    ///
    /// # Errors
    /// None for a lab that could be opened.
    pub fn leave(&mut self) -> Result<(), Denied> {
        self.enter(Study::of(&self.home))
    }

    /// Goes to a place in the lesson: the steps before it are run, and cannot be undone. At a question those of the part
    /// can be redone, at an exercise the learner's own follow.
    ///
    /// # Errors
    /// [`Denied`]: there is no such place, and nothing has changed.
    pub fn go_to(&mut self, place: Place) -> Result<(), Denied> {
        self.enter(Some(self.study.as_ref().ok_or(Denied::NotTaken)?.at(place)?))
    }

    /// Runs the steps of a part, in the lab as it is before them; returns the last outcome.
    ///
    /// # Errors
    /// As for [`Session::go_to`].
    pub fn run_part(&mut self, part: usize) -> Result<Option<ActionResult>, Denied> {
        self.go_to(Place { part, exercise: false })?;
        let mut told = None;
        while !self.undone.is_empty() {
            told = Some(self.redo()?);
        }
        Ok(told)
    }

    /// Begins anew in a lesson, or without one in the lab that was open before.
    fn enter(&mut self, study: Option<Study>) -> Result<(), Denied> {
        let (spec, own) = study.as_ref().map_or_else(|| (self.home.clone(), Vec::new()), Study::start);
        self.run = Run::of(&spec, &self.options, Some(MAX_SESSION_TIME), &*self.watchdog)?;
        self.names = Index::of(&spec);
        self.runs += 1;
        self.given = if study.is_some() { spec.steps.len() } else { 0 };
        self.spec = spec;
        self.undone = own.into_iter().rev().collect();
        self.study = study;
        Ok(())
    }

    /// Where the learner is, if a lesson is taken.
    #[must_use]
    pub fn place(&self) -> Option<PlaceNow> {
        self.study.as_ref().map(Study::place)
    }

    /// The lesson.
    ///
    /// # Errors
    /// [`Denied::NotTaken`].
    pub fn lesson(&self, language: Language) -> Result<LessonNow, Denied> {
        Ok(self.study.as_ref().ok_or(Denied::NotTaken)?.now(&self.options, language))
    }

    /// The lessons that can be taken, with this progress.
    ///
    /// # Errors
    /// None: the built-in lessons can be read.
    pub fn course(&self, kept: &Kept) -> Result<CourseNow, Denied> {
        kept.course(Study::of(&self.home).as_ref())
    }

    /// What the learner's steps come to. `None`: it is no exercise, or the goals take too long behind these steps.
    #[must_use]
    pub fn goals(&self) -> Option<GoalsNow> {
        let exercise = self.study.as_ref()?.exercise()?;
        let own = self.spec.steps.get(self.given..)?;
        let options = Options { stop: Stop::default(), ..self.options.clone() };
        let mut judgement = None;
        let mut judge = || judgement = Some(exercise.judge(own, &options));
        self.watchdog.watch(Some(MAX_ACTION_TIME), &options.stop, &mut judge).ok()?;
        let judgement = judgement.filter(|_| !options.stop.asked())?;
        Some(GoalsNow::of(&exercise, &judgement))
    }

    /// Numbers its runs after those of a session that a page may have seen.
    pub(super) fn follow(&mut self, before: &Session) {
        self.runs = before.runs + 1;
    }

    /// Executes a step of a lab file: `ping = { from = "c1", to = "c2" }`.
    ///
    /// # Errors
    /// [`Denied`]: nothing has changed.
    pub fn act(&mut self, step: &str) -> Result<ActionResult, Denied> {
        let step = self.names.parse_step(step)?;
        knows_capture(&self.options, &step)?;
        let told = self.do_step(step)?;
        self.undone.clear();
        Ok(told)
    }

    /// Adds a capture that steps may replay, by this name.
    ///
    /// # Errors
    /// None for a lab that could be opened.
    pub fn add_capture(&mut self, name: PathBuf, frames: Arc<[(Instant, Frame)]>) -> Result<(), Denied> {
        self.options.captures.insert(name, frames);
        self.again()
    }

    /// Why a step got no reply, and what would have helped before it. Nothing changes.
    ///
    /// # Errors
    /// [`Denied`]: there is no such step, it asks nothing, or the answer takes too long.
    pub fn why(&self, step: usize) -> Result<WhyReport, Denied> {
        let asked = step.checked_sub(1).and_then(|index| Question::of_step(&self.spec, index));
        let (spec, question) = asked.ok_or(Denied::NoQuestion(step))?;
        let options = Options { stop: Stop::default(), ..self.options.clone() };
        let mut answer = None;
        let mut ask = || answer = Some(why::ask(&spec, &question, &options));
        self.watchdog.watch(Some(MAX_ACTION_TIME), &options.stop, &mut ask)?;
        let answer = answer.filter(|_| !options.stop.asked());
        let answer = answer.ok_or(Denied::TookTooLong(MAX_ACTION_TIME))?;
        Ok(WhyReport::new(&question, &answer, &|tried| labfile::tried_text(&spec, tried)))
    }

    /// Undoes the last action: everything before it is run again.
    ///
    /// # Errors
    /// [`Denied::NothingToUndo`].
    pub fn undo(&mut self) -> Result<(), Denied> {
        if self.spec.steps.len() <= self.given {
            return Err(Denied::NothingToUndo);
        }
        self.undone.extend(self.spec.steps.pop());
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

    /// Returns to the devices as declared, or in a lesson to where its part begins. All actions can be redone one by one.
    ///
    /// # Errors
    /// None for a lab that could be opened.
    pub fn reset(&mut self) -> Result<(), Denied> {
        self.undone.extend(self.spec.steps.drain(self.given..).rev());
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
        let mut recorder = recorder();
        self.events().for_each(|event| recorder.event(event));
        recorder.finish()
    }

    /// The session's state, for the controls.
    #[must_use]
    pub fn state(&self) -> State {
        self.state_after(0)
    }

    /// All that a page shows.
    #[must_use]
    pub fn view(&self) -> View {
        View { after: None, at: self.point(self.run.told.len()), state: self.state(), bundle: self.bundle() }
    }

    /// What a page that has shown the last news adds; all if everything was run again since, or at first.
    pub fn news(&mut self) -> View {
        let (told, bundle) = self.run.news();
        let after = bundle.is_part().then(|| self.point(told));
        let state = self.state_after(told);
        View { after, at: self.point(self.run.told.len()), state, bundle }
    }

    /// The state without the first outcomes.
    fn state_after(&self, known: usize) -> State {
        let own = self.run.told.get(self.given..).unwrap_or_default();
        State::of(
            &self.run.lab,
            &self.run.told,
            known,
            [own.last().map(|told| told.action.clone()), self.undone.last().map(step_in_words)],
        )
    }

    fn point(&self, steps: usize) -> Point {
        Point { run: self.runs, steps }
    }

    /// Runs all steps again. They are known to end, in the time that they took before.
    fn again(&mut self) -> Result<(), Denied> {
        self.begin(None)
    }

    fn begin(&mut self, limit: Option<Duration>) -> Result<(), Denied> {
        self.run = Run::of(&self.spec, &self.options, limit, &*self.watchdog)?;
        self.names = Index::of(&self.spec);
        self.runs += 1;
        Ok(())
    }

    /// Fills the session until there is room for only this many more events.
    #[cfg(test)]
    pub(super) fn leave_room(&mut self, events: usize) {
        let filling = Event::Lab { title: String::new(), devices: Vec::new() };
        self.run.events.resize(super::denied::MAX_EVENTS - events, filling);
    }

    fn do_step(&mut self, step: StepSpec) -> Result<ActionResult, Denied> {
        if self.spec.steps.len() >= MAX_ACTIONS {
            return Err(Denied::TooManyActions);
        }
        let own_devices = may_own(&step).then(|| own_devices(&self.spec));
        self.spec.steps.push(step.clone());
        // A switch gets its own device when the lab is built.
        let done = if own_devices.is_none_or(|before| before == self::own_devices(&self.spec)) {
            let left = MAX_SESSION_TIME.saturating_sub(self.run.spent).min(MAX_ACTION_TIME);
            self.run.watched(Some(left), &*self.watchdog, |run| run.step(&step))
        } else {
            self.begin(Some(MAX_SESSION_TIME))
        };
        if let Err(denied) = done {
            self.spec.steps.pop();
            self.again()?;
            return Err(denied);
        }
        // As in a file, a name stays known when its device is gone.
        self.names.did(&step, |_| true);
        self.run.told.last().cloned().ok_or(Denied::TooManyEvents)
    }
}

/// What a session begins with if no lab is given: two ports on one NIC, behind a switch.
#[must_use]
pub fn classic() -> LabSpec {
    let port = PortSetup::of(Mode::Vepa);
    let spec = Classic { c1: port, c2: Some(port), wire: Wire::Switch { hairpin: false } }.spec();
    spec.with_title("The classic set-up: two ports on one NIC, behind a switch".to_owned())
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

/// Only captures that were opened can be replayed: nothing is read here.
fn knows_capture(options: &Options, step: &StepSpec) -> Result<(), Denied> {
    match &step.action {
        Action::Replay { capture, .. } if !options.captures.contains_key(capture) => {
            Err(Denied::UnknownCapture(capture.display().to_string()))
        }
        _ => Ok(()),
    }
}

/// Whether a step can give a switch its own device, or a device to its host.
fn may_own(step: &StepSpec) -> bool {
    matches!(step.action, Action::Add { .. } | Action::Set { change: Change::Master(_), .. })
}

/// The number of switches whose own device is there, and of the places for devices of their hosts in them.
fn own_devices(spec: &LabSpec) -> usize {
    let named: BTreeSet<_> = spec.own_devices().collect();
    let inside: BTreeSet<_> = spec.enslaved().collect();
    spec.switches.iter().filter(|switch| named.contains(&switch.name)).count() + inside.len()
}
