//! The loop: waits for reality, hands what comes to the lab, and what leaves the lab to reality.

use super::answer::{Answer, Unanswered};
use super::backend::{Backend, BackendSpec, BoundaryCounters, OpenError, PeerState, Site};
use super::clock::Clock;
use super::control::{Control, RequestContext, RequestHandle};
use super::history::{History, MAX_HISTORY};
use super::storm::{self, Admission, StormAction, Storms};
use crate::frame::Frame;
use crate::lab::{AttachError, Event, Lab, LabSpec, Options, Outlet};
use crate::labfile::Index;
use crate::report::list;
use crate::stop::Stop;
use crate::sys::{Interest, Poll};
use crate::time::Instant;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// What is due within this time is due now: sleeping is not more exact, and a cable's default delay is shorter.
const SLACK: Duration = Duration::from_micros(50);

/// The longest sleep: how soon a signal is heard that came at the wrong moment, and what happened is written.
const NAP: Duration = Duration::from_millis(100);

/// How often it is asked what the system dropped.
const ASK_MISSED: Duration = Duration::from_secs(1);

/// How long the lab goes on for those in this process who still ask when it is about to end, and may be stuck.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// How a live lab is run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// So many of the last hops are remembered: at most [`MAX_HISTORY`], and as many as fit [`HISTORY_BYTES`].
    ///
    /// [`MAX_HISTORY`]: super::MAX_HISTORY
    /// [`HISTORY_BYTES`]: super::HISTORY_BYTES
    pub history: usize,
    /// Hops are told to the observer; without, and without a history, forwarding is faster.
    pub hops: bool,
    /// It ends by itself after this time.
    pub duration: Option<Duration>,
}

/// Who is told what happens.
pub trait Monitor {
    /// In the lab.
    fn event(&mut self, event: &Event);
    /// At its rim, in a sentence: somebody came, somebody left.
    fn news(&mut self, text: &str);
    /// Something is wrong around the lab, in a sentence.
    fn warning(&mut self, text: &str) {
        self.news(text);
    }
    /// An output failed, in a sentence; the rest goes on.
    fn failed(&mut self, text: &str) {
        self.news(text);
    }
    /// Some time has passed: what was collected can be written. If this is for nobody any more, it ends.
    fn pause(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Something could not be attached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachFailure {
    /// The lab has no place for it.
    #[error(transparent)]
    Attachment(#[from] AttachError),
    /// There is nothing to attach.
    #[error(transparent)]
    Backend(#[from] OpenError),
    /// The privileges that interfaces were opened with could not be given up.
    #[error("giving up privileges: {0}")]
    Privileges(#[source] io::Error),
}

/// A place where reality is attached.
pub(super) struct Attachment {
    pub(super) device: String,
    pub(super) spec: BackendSpec,
    pub(super) presence: PeerState,
    pub(super) rim: BoundaryCounters,
    outlet: Outlet,
    backend: Box<dyn Backend>,
    /// What is about to go out.
    out: Vec<Frame>,
}

/// What crossed the rim at one place, and how it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The device.
    pub device: String,
    /// What is attached to it.
    pub backend: BackendSpec,
    /// Who is there.
    pub presence: PeerState,
    /// What crossed.
    pub rim: BoundaryCounters,
}

/// A lab in real time, with reality attached to it.
pub struct Engine {
    /// What requests may name.
    names: Index,
    lab: Lab,
    clock: Clock,
    settings: Settings,
    places: Vec<Attachment>,
    history: History,
    storms: Storms,
    control: Control,
    missed_asked: Instant,
    poll: Poll,
    /// By place.
    ready: Vec<Ready>,
    /// Something came at the sockets for requests.
    asked: bool,
    /// When the observer last had time to write.
    paused: Instant,
}

/// What a place waited for.
struct Ready {
    /// Its descriptor among those that were polled.
    slot: Option<usize>,
    at: Option<Instant>,
    /// It has come.
    now: bool,
}

impl Engine {
    /// A lab with nothing attached to it. Its steps are not run.
    #[must_use]
    pub fn new(spec: &LabSpec, settings: Settings) -> Engine {
        let clock = Clock::start();
        let hops = settings.hops || settings.history > 0;
        let options = Options {
            hops,
            held: settings.history.min(MAX_HISTORY),
            start: clock.now(),
            ..Options::default()
        };
        Engine {
            names: Index::of(&LabSpec { steps: Vec::new(), ..spec.clone() }),
            lab: Lab::new(spec, options),
            clock,
            settings,
            places: Vec::new(),
            history: History::of(settings.history),
            storms: Storms::default(),
            control: Control::default(),
            missed_asked: Instant::ZERO,
            poll: Poll::default(),
            ready: Vec::new(),
            asked: false,
            paused: Instant::ZERO,
        }
    }

    /// Opens a backend and attaches it to a device, as [`Lab::attach`] has it.
    ///
    /// # Errors
    /// [`AttachFailure`]
    pub fn attach(&mut self, device: &str, spec: &BackendSpec) -> Result<(), AttachFailure> {
        self.attach_all([(device, spec)], || Ok(()))
    }

    /// The same of many. What [needs privileges](BackendSpec::needs_privileges) is opened first; then `unprivileged` is
    /// called, which is to give them up, and then files and sockets are opened.
    ///
    /// # Errors
    /// [`AttachFailure`]
    pub fn attach_all<'a>(
        &mut self,
        wanted: impl IntoIterator<Item = (&'a str, &'a BackendSpec)>,
        unprivileged: impl FnOnce() -> io::Result<()>,
    ) -> Result<(), AttachFailure> {
        let mut reserved = Vec::new();
        for (device, spec) in wanted {
            let (outlet, site) = self.reserve(device)?;
            let opened = spec.needs_privileges().then(|| spec.open(&site)).transpose()?;
            reserved.push((device, spec, outlet, site, opened));
        }
        unprivileged().map_err(AttachFailure::Privileges)?;
        for (device, spec, outlet, site, opened) in reserved {
            let backend = match opened {
                Some(backend) => backend,
                None => spec.open(&site)?,
            };
            let (device, spec) = (device.to_owned(), spec.clone());
            let (presence, rim, out) = (PeerState::Here, BoundaryCounters::default(), Vec::new());
            self.places.push(Attachment { device, spec, presence, rim, outlet, backend, out });
        }
        Ok(())
    }

    /// A place in the lab for what will be attached to a device.
    fn reserve(&mut self, device: &str) -> Result<(Outlet, Site), AttachError> {
        let outlet = self.lab.attach(device)?;
        let state = self.lab.states().into_iter().find(|(name, _)| name == device).map(|(_, s)| s);
        let mtu = state.map_or(1500, |s| s.mtu);
        // Whoever is at the other end of a NIC's wire has an address of its own.
        let mac = state.map(|s| s.mac).filter(|_| !self.lab.is_wire(outlet));
        Ok((outlet, Site { mac, mtu }))
    }

    /// Listens for requests on a UNIX socket at this path, beside others.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn control(&mut self, path: &Path) -> io::Result<()> {
        self.control.listen(path)
    }

    /// Lets a thread of this process ask, without a socket that has a path. Before the lab ends, this thread is told, and
    /// answered for a second at most, until it closes its socket.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn ask_here(&mut self) -> io::Result<RequestHandle> {
        self.control.ask_here(self.clock.now())
    }

    /// Answers one request, a line of JSON without its end, as it would be answered on a socket; for those who do not let
    /// the lab [run](Engine::run) meanwhile.
    ///
    /// ```
    /// use macvlab::lab::Event;
    /// use macvlab::live::{Engine, Monitor, Settings};
    ///
    /// struct Silent;
    /// impl Monitor for Silent {
    ///     fn event(&mut self, _: &Event) {}
    ///     fn news(&mut self, _: &str) {}
    /// }
    /// let spec = macvlab::labfile::parse("lab.toml", "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\n")?;
    /// let mut engine = Engine::new(&spec, Settings { history: 0, hops: false, duration: None });
    /// let request = br#"{"do":"change","step":"set = { device = \"c1\", mode = \"passthru\" }"}"#;
    /// let answer = engine.answer(request, &mut Silent);
    /// assert!(answer.starts_with(br#"{"error":"EINVAL"#));
    /// # Ok::<(), macvlab::labfile::Diagnostics>(())
    /// ```
    pub fn answer(&mut self, request: &[u8], observer: &mut dyn Monitor) -> Vec<u8> {
        let now = self.clock.now();
        let Engine { names, lab, places, history, .. } = self;
        let mut desk = RequestContext { names, lab, places, history, observer, now };
        let mut said = Vec::new();
        if let Err(why) = answer_whole(request, &mut desk, &mut said) {
            said.extend(why.said());
        }
        said
    }

    /// Runs until it is told to stop, its time is over, nothing can come in any more, or it is for nobody. Then tells the counters and
    /// states of every device.
    ///
    /// # Errors
    /// Waiting fails.
    pub fn run(&mut self, stop: &Stop, observer: &mut dyn Monitor) -> io::Result<()> {
        let end = self.settings.duration.map(|duration| self.clock.now() + duration);
        self.run_until(end, |engine| stop.asked() || engine.is_over(), observer)?;
        self.control.last_call();
        let end = self.clock.now() + LAST_REQUESTS;
        self.run_until(Some(end), |engine| !engine.control.is_asked_here(), observer)?;
        self.ask_missed();
        let history = &mut self.history;
        self.lab.finish(&mut |event| tell(history, observer, event));
        self.deliver(self.clock.now());
        self.tell_presences(observer);
        Ok(())
    }

    /// Runs until this time, or until it is over.
    fn run_until(
        &mut self,
        end: Option<Instant>,
        is_over: impl Fn(&Engine) -> bool,
        observer: &mut dyn Monitor,
    ) -> io::Result<()> {
        loop {
            let now = self.clock.now();
            self.settle(now, observer);
            if end.is_some_and(|end| now >= end) || is_over(self) {
                return Ok(());
            }
            self.wait(now, end)?;
            self.serve(observer);
            if now.since(self.paused) >= NAP {
                self.paused = now;
                if observer.pause().is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// What crossed the rim so far.
    #[must_use]
    pub fn crossings(&self) -> Vec<Crossing> {
        super::answer::crossings(&self.places)
    }

    /// Nothing can come in any more, and nothing is under way.
    fn is_over(&self) -> bool {
        let dead = |p: &Attachment| {
            p.backend.is_over() || matches!(p.presence, PeerState::Gone(_) | PeerState::Failed(_))
        };
        !self.places.is_empty() && self.places.iter().all(dead) && !self.lab.is_busy()
    }

    /// Does what is due in the lab, sends what leaves it, and notes who has come and gone.
    fn settle(&mut self, now: Instant, observer: &mut dyn Monitor) {
        self.advance(now, observer);
        self.tell_presences(observer);
    }

    /// Notes who has come and gone, and what has failed.
    fn tell_presences(&mut self, observer: &mut dyn Monitor) {
        let history = &mut self.history;
        for place in &mut self.places {
            let presence = place.backend.presence();
            if *presence == place.presence {
                continue;
            }
            let (device, spec) = (&place.device, &place.spec);
            match presence {
                PeerState::Here => observer.news(&format!("{device} ({spec}): connected")),
                PeerState::Away(why) => observer.news(&format!("{device} ({spec}): {why}")),
                PeerState::Gone(why) => observer.news(&format!("{device} ({spec}): {why}; it is over")),
                PeerState::Failed(why) => observer.failed(&format!("{device} ({spec}): {why}")),
            }
            let here = *presence == PeerState::Here;
            self.lab.set_present(place.outlet, here, &mut |event| tell(history, observer, event));
            if !here {
                self.storms.absent(place.outlet);
            }
            place.presence = presence.clone();
        }
    }

    /// Does what is due in the lab, and sends what leaves it.
    fn advance(&mut self, now: Instant, observer: &mut dyn Monitor) {
        let history = &mut self.history;
        self.lab.advance(now + SLACK, &mut |event| tell(history, observer, event));
        if let Some(devices) = self.lab.relieve() {
            observer.warning(&format!(
                "more and more frames were under way, as in a loop that multiplies them, and are lost; most were on their way to {}",
                list(&devices)
            ));
        }
        self.deliver(now);
    }

    /// Hands what left the lab to the backends.
    fn deliver(&mut self, now: Instant) {
        for (outlet, frame) in self.lab.left() {
            if let Some(place) = self.places.get_mut(outlet.index()) {
                if place.spec.leads_somewhere() {
                    self.storms.leaves(now, outlet, &frame);
                }
                place.out.push(frame);
            }
        }
        for place in self.places.iter_mut().filter(|p| !p.out.is_empty()) {
            place.backend.send(now, &mut place.rim, &place.out);
            place.out.clear();
        }
    }

    /// Sleeps until something comes in, or is due; notes at which places.
    fn wait(&mut self, now: Instant, end: Option<Instant>) -> io::Result<()> {
        let mut due = now + NAP;
        self.poll.clear();
        self.ready.clear();
        for place in &self.places {
            let wait = place.backend.wait();
            let slot =
                wait.fd.map(|fd| self.poll.add(fd, if wait.room { Interest::Both } else { Interest::In }));
            due = wait.at.map_or(due, |at| due.min(at));
            self.ready.push(Ready { slot, at: wait.at, now: false });
        }
        let of_places = self.poll.len();
        for (fd, way) in self.control.wait() {
            self.poll.add(fd, way);
        }
        if self.control.has_work() {
            due = now;
        }
        due = self.lab.next_time().map_or(due, |at| due.min(at));
        due = self.storms.due().map_or(due, |at| due.min(at));
        due = end.map_or(due, |at| due.min(at));
        self.poll.wait(due.since(now + SLACK))?;
        self.asked = self.poll.came_from(of_places);
        let now = self.clock.now() + SLACK;
        for ready in &mut self.ready {
            let came = ready.slot.is_some_and(|slot| self.poll.came(slot));
            ready.now = came || ready.at.is_some_and(|at| at <= now);
        }
        Ok(())
    }

    /// Takes what has come in.
    fn serve(&mut self, observer: &mut dyn Monitor) {
        for index in 0..self.places.len() {
            if !self.ready[index].now {
                continue;
            }
            let now = self.clock.now();
            let (lab, history, storms) = (&mut self.lab, &mut self.history, &mut self.storms);
            let place = &mut self.places[index];
            let outlet = place.outlet;
            let mut counted = BoundaryCounters::default();
            let mut take = |frame: &[u8]| {
                counted.in_frames += 1;
                counted.in_bytes += frame.len() as u64;
                match storms.comes_in(now, outlet, frame) {
                    Admission::At(outlet) => {
                        lab.enter(outlet, now, frame, &mut |event| tell(history, observer, event));
                    }
                    Admission::Held => {}
                    Admission::Looped => counted.in_looped += 1,
                }
            };
            place.backend.receive(now, &mut place.rim, &mut take);
            place.rim.in_frames += counted.in_frames;
            place.rim.in_bytes += counted.in_bytes;
            place.rim.in_looped += counted.in_looped;
            if counted.in_frames > 0 {
                self.advance(self.clock.now(), observer);
            }
        }
        self.limit_loops(observer);
        let now = self.clock.now();
        if now.since(self.missed_asked) >= ASK_MISSED {
            self.missed_asked = now;
            self.ask_missed();
        }
        let (lab, places, history) = (&mut self.lab, self.places.as_slice(), &mut self.history);
        let (names, asked) = (&mut self.names, self.asked);
        self.control.serve(asked, &mut RequestContext { names, lab, places, history, observer, now });
    }

    /// Lets frames in that were held to see whether they go round in a loop, and tells of loops.
    fn limit_loops(&mut self, observer: &mut dyn Monitor) {
        let now = self.clock.now();
        let (lab, places, history) = (&mut self.lab, &mut self.places, &mut self.history);
        self.storms.work(now + SLACK, &mut |deed| {
            let name =
                |outlet: Outlet| places.get(outlet.index()).map_or("?".to_owned(), |p| p.device.clone());
            match deed {
                StormAction::Enter(outlet, frame) => {
                    lab.enter(outlet, now, frame, &mut |event| tell(history, observer, event));
                }
                StormAction::Looped(outlet) => {
                    if let Some(place) = places.get_mut(outlet.index()) {
                        place.rim.in_looped += 1;
                    }
                }
                StormAction::Found(way) => observer.warning(&storm::begins(way, name)),
                StormAction::Over(way) => observer.warning(&storm::ends(way, name)),
            }
        });
    }

    fn ask_missed(&mut self) {
        for place in &mut self.places {
            place.rim.in_missed += place.backend.missed();
        }
    }
}

/// Keeps an event and passes it on.
pub(super) fn tell(history: &mut History, observer: &mut dyn Monitor, event: &Event) {
    history.event(event);
    observer.event(event);
}

/// Collects all pieces of the answer to a request.
fn answer_whole(request: &[u8], desk: &mut RequestContext<'_>, said: &mut Vec<u8>) -> Result<(), Unanswered> {
    let mut answer = Answer::to(request, desk)?;
    loop {
        let piece = answer.next(desk.history)?;
        let more = piece.more;
        said.extend(piece.into_said());
        if !more {
            return Ok(());
        }
    }
}
