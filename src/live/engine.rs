//! The event loop: waits for the outside, passes incoming frames to the lab, and outgoing frames to the backends.

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

/// Work that is due within this time is done now: sleeping is not more precise, and a cable's default delay is shorter.
const SLACK: Duration = Duration::from_micros(50);

/// Maximum sleep: bounds the reaction to a signal that arrived at the wrong moment, and the delay of output.
const NAP: Duration = Duration::from_millis(100);

/// How often the drop counters of the system are read.
const ASK_MISSED: Duration = Duration::from_secs(1);

/// How long a lab that ends waits for clients in this process: since their last request, because they may be stuck; if it was
/// stopped, in total, because their input may never end.
const LAST_REQUESTS: Duration = Duration::from_secs(3);

/// Settings of a live lab.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Number of hops to remember: at most [`MAX_HISTORY`], and as many as fit [`HISTORY_BYTES`].
    ///
    /// [`MAX_HISTORY`]: super::MAX_HISTORY
    /// [`HISTORY_BYTES`]: super::HISTORY_BYTES
    pub history: usize,
    /// Hops are reported to the monitor. Without them and without a history, forwarding is faster.
    pub hops: bool,
    /// End after this time.
    pub duration: Option<Duration>,
}

/// Receives what happens in a live lab and around it. A closure that takes events implements it.
pub trait Monitor {
    /// An event in the lab.
    fn event(&mut self, event: &Event);
    /// A change at an attachment, in a sentence: a peer connected or disconnected.
    fn news(&mut self, text: &str) {
        let _ = text;
    }
    /// A problem outside the lab, in a sentence.
    fn warning(&mut self, text: &str) {
        self.news(text);
    }
    /// An output failed, in a sentence; the rest continues.
    fn failed(&mut self, text: &str) {
        self.news(text);
    }
    /// Called several times a second: buffered output can be written. `Break` ends the lab, as when its only output was
    /// closed.
    fn pause(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: FnMut(&Event)> Monitor for F {
    fn event(&mut self, event: &Event) {
        self(event);
    }
}

/// Why a backend could not be attached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachFailure {
    /// The lab cannot attach it.
    #[error(transparent)]
    Attachment(#[from] AttachError),
    /// The backend could not be opened.
    #[error(transparent)]
    Backend(#[from] OpenError),
    /// The privileges for opening interfaces could not be dropped.
    #[error("dropping privileges: {0}")]
    Privileges(#[source] io::Error),
}

/// An attachment.
pub(super) struct Attachment {
    pub(super) device: String,
    /// The backend, as reports name it.
    pub(super) name: String,
    pub(super) presence: PeerState,
    pub(super) counters: BoundaryCounters,
    outlet: Outlet,
    backend: Box<dyn Backend>,
    /// Frames about to be sent.
    out: Vec<Frame>,
}

/// An attachment: its peer, and the frames that crossed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentReport {
    /// The device.
    pub device: String,
    /// The attached backend: a [`BackendSpec`], or the name of one that is not built in.
    pub backend: String,
    /// The state of its peer.
    pub presence: PeerState,
    /// The counters.
    pub counters: BoundaryCounters,
}

/// A lab in real time, with backends attached to it.
pub struct Engine {
    /// The names that requests may use.
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
    /// Whether a control socket is ready.
    asked: bool,
    /// When the monitor was last called periodically.
    paused: Instant,
}

/// What an attachment waited for.
struct Ready {
    /// Index of its descriptor in the poll list.
    slot: Option<usize>,
    at: Option<Instant>,
    /// Whether it is ready.
    now: bool,
}

impl Engine {
    /// A lab without attachments. Its steps are not run.
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

    /// Opens a backend and attaches it to a device, as in [`Lab::attach`].
    ///
    /// # Errors
    /// [`AttachFailure`]
    pub fn attach(&mut self, device: &str, spec: &BackendSpec) -> Result<(), AttachFailure> {
        self.attach_all([(device, spec)], || Ok(()))
    }

    /// The same for several backends. Those that [need privileges](BackendSpec::needs_privileges) are opened first;
    /// then `unprivileged` is called, which must drop them, and then files and sockets are opened.
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
            self.attached(device, spec.to_string(), outlet, backend);
        }
        Ok(())
    }

    /// Attaches a backend that is not built in to a device; reports use this name.
    ///
    /// # Errors
    /// [`AttachError`]: there is no such device, or nothing can be attached to it.
    pub fn attach_backend(
        &mut self,
        device: &str,
        name: &str,
        backend: Box<dyn Backend>,
    ) -> Result<(), AttachError> {
        let (outlet, _) = self.reserve(device)?;
        self.attached(device, name.to_owned(), outlet, backend);
        Ok(())
    }

    fn attached(&mut self, device: &str, name: String, outlet: Outlet, backend: Box<dyn Backend>) {
        let (device, presence, out) = (device.to_owned(), PeerState::Here, Vec::new());
        let counters = BoundaryCounters::default();
        self.places.push(Attachment { device, name, presence, counters, outlet, backend, out });
    }

    /// The data about a device that a backend needs.
    fn reserve(&mut self, device: &str) -> Result<(Outlet, Site), AttachError> {
        let outlet = self.lab.attach(device)?;
        let state = self.lab.states().into_iter().find(|(name, _)| name == device).map(|(_, s)| s);
        let mtu = state.map_or(1500, |s| s.mtu);
        // The external device on a NIC's wire has its own MAC address.
        let mac = state.map(|s| s.mac).filter(|_| !self.lab.is_wire(outlet));
        Ok((outlet, Site { mac, mtu }))
    }

    /// Listens for requests on a UNIX socket at this path, in addition to others.
    ///
    /// # Errors
    /// The socket cannot be created.
    pub fn control(&mut self, path: &Path) -> io::Result<()> {
        self.control.listen(path)
    }

    /// Lets a thread of this process send requests, without a socket path. Before the lab ends, this thread is
    /// still served until it closes its socket or is idle for three seconds; for three seconds in total if the lab was
    /// stopped, or its time is over.
    ///
    /// # Errors
    /// The socket cannot be created.
    pub fn ask_here(&mut self) -> io::Result<RequestHandle> {
        self.control.ask_here(self.clock.now())
    }

    /// Answers one request, a line of JSON without its line break, like a request on a socket; for callers that do not
    /// [run](Engine::run) the lab meanwhile.
    ///
    /// ```
    /// use macvlab::lab::Event;
    /// use macvlab::live::{Engine, Settings};
    ///
    /// let spec = macvlab::labfile::parse("lab.toml", "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\n")?;
    /// let mut engine = Engine::new(&spec, Settings { history: 0, hops: false, duration: None });
    /// let request = br#"{"do":"change","step":"set = { device = \"c1\", mode = \"passthru\" }"}"#;
    /// let answer = engine.answer(request, &mut |_: &Event| {});
    /// let answer = String::from_utf8(answer)?;
    /// assert!(answer.contains(r#""errno":"EINVAL""#) && answer.contains(r#""rule":"R86""#), "{answer}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn answer(&mut self, request: &[u8], monitor: &mut dyn Monitor) -> Vec<u8> {
        let now = self.clock.now();
        let Engine { names, lab, places, history, .. } = self;
        let mut context = RequestContext { names, lab, places, history, monitor, now };
        let mut said = Vec::new();
        if let Err(why) = answer_whole(request, &mut context, &mut said) {
            said.extend(why.said());
        }
        said
    }

    /// Runs until it is stopped, its time is over, no more frames can arrive, or its output is of no use any more. Then
    /// reports the counters and states of every device.
    ///
    /// # Errors
    /// Waiting fails.
    pub fn run(&mut self, stop: &Stop, monitor: &mut dyn Monitor) -> io::Result<()> {
        let end = self.settings.duration.map(|duration| self.clock.now() + duration);
        self.run_until(end, |engine| stop.asked() || engine.is_over(), monitor)?;
        self.control.last_call();
        let (called, told) = (self.clock.now(), !self.is_over());
        let is_done = |engine: &Engine| {
            let Some(asked) = engine.control.asked_here() else { return true };
            let since = if told || stop.asked() { called } else { asked.max(called) };
            engine.clock.now().since(since) >= LAST_REQUESTS
        };
        self.run_until(None, is_done, monitor)?;
        self.ask_missed();
        let history = &mut self.history;
        self.lab.finish(&mut |event| tell(history, monitor, event));
        self.deliver(self.clock.now());
        self.tell_presences(monitor);
        Ok(())
    }

    /// Runs until this time, or until it ends.
    fn run_until(
        &mut self,
        end: Option<Instant>,
        is_over: impl Fn(&Engine) -> bool,
        monitor: &mut dyn Monitor,
    ) -> io::Result<()> {
        loop {
            let now = self.clock.now();
            self.settle(now, monitor);
            if end.is_some_and(|end| now >= end) || is_over(self) {
                return Ok(());
            }
            self.wait(now, end)?;
            self.serve(monitor);
            if now.since(self.paused) >= NAP {
                self.paused = now;
                if monitor.pause().is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// Every attachment, with the frames that crossed it so far.
    #[must_use]
    pub fn attachments(&self) -> Vec<AttachmentReport> {
        super::answer::attachments(&self.places)
    }

    /// Whether no more frames can arrive, and none are in flight.
    fn is_over(&self) -> bool {
        let dead = |p: &Attachment| {
            p.backend.is_over() || matches!(p.presence, PeerState::Gone(_) | PeerState::Failed(_))
        };
        !self.places.is_empty() && self.places.iter().all(dead) && !self.lab.is_busy()
    }

    /// Does work that is due in the lab, sends outgoing frames, and reports changes of peers.
    fn settle(&mut self, now: Instant, monitor: &mut dyn Monitor) {
        self.advance(now, monitor);
        self.tell_presences(monitor);
    }

    /// Reports peers that connected or disconnected, and failures.
    fn tell_presences(&mut self, monitor: &mut dyn Monitor) {
        let history = &mut self.history;
        for place in &mut self.places {
            let presence = place.backend.presence();
            if *presence == place.presence {
                continue;
            }
            let (device, name) = (&place.device, &place.name);
            match presence {
                PeerState::Here => monitor.news(&format!("{device} ({name}): connected")),
                PeerState::Away(why) => monitor.news(&format!("{device} ({name}): {why}")),
                PeerState::Gone(why) => monitor.news(&format!("{device} ({name}): {why}; it has ended")),
                PeerState::Failed(why) => monitor.failed(&format!("{device} ({name}): {why}")),
            }
            let here = *presence == PeerState::Here;
            self.lab.set_present(place.outlet, here, &mut |event| tell(history, monitor, event));
            if !here {
                self.storms.absent(place.outlet);
            }
            place.presence = presence.clone();
        }
    }

    /// Does work that is due in the lab, and sends outgoing frames.
    fn advance(&mut self, now: Instant, monitor: &mut dyn Monitor) {
        let history = &mut self.history;
        self.lab.advance(now + SLACK, &mut |event| tell(history, monitor, event));
        if let Some(devices) = self.lab.relieve() {
            monitor.warning(&format!(
                "the number of frames in flight kept growing, as in a loop that multiplies them, so they were dropped; most were going to {}",
                list(&devices)
            ));
        }
        self.deliver(now);
    }

    /// Passes outgoing frames to the backends.
    fn deliver(&mut self, now: Instant) {
        for (outlet, frame) in self.lab.left() {
            if let Some(place) = self.places.get_mut(outlet.index()) {
                if place.backend.can_loop() {
                    self.storms.leaves(now, outlet, &frame);
                }
                place.out.push(frame);
            }
        }
        for place in self.places.iter_mut().filter(|p| !p.out.is_empty()) {
            place.backend.send(now, &mut place.counters, &place.out);
            place.out.clear();
        }
    }

    /// Sleeps until frames arrive or work is due; records which attachments are ready.
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

    /// Receives incoming frames.
    fn serve(&mut self, monitor: &mut dyn Monitor) {
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
                        lab.enter(outlet, now, frame, &mut |event| tell(history, monitor, event));
                    }
                    Admission::Held => {}
                    Admission::Looped => counted.in_looped += 1,
                }
            };
            place.backend.receive(now, &mut place.counters, &mut take);
            place.counters.in_frames += counted.in_frames;
            place.counters.in_bytes += counted.in_bytes;
            place.counters.in_looped += counted.in_looped;
            if counted.in_frames > 0 {
                self.advance(self.clock.now(), monitor);
            }
        }
        self.limit_loops(monitor);
        let now = self.clock.now();
        if now.since(self.missed_asked) >= ASK_MISSED {
            self.missed_asked = now;
            self.ask_missed();
        }
        let (lab, places, history) = (&mut self.lab, self.places.as_slice(), &mut self.history);
        let (names, asked) = (&mut self.names, self.asked);
        self.control.serve(asked, &mut RequestContext { names, lab, places, history, monitor, now });
    }

    /// Lets frames enter that were held by loop detection, and reports loops.
    fn limit_loops(&mut self, monitor: &mut dyn Monitor) {
        let now = self.clock.now();
        let (lab, places, history) = (&mut self.lab, &mut self.places, &mut self.history);
        self.storms.work(now + SLACK, &mut |action| {
            let name =
                |outlet: Outlet| places.get(outlet.index()).map_or("?".to_owned(), |p| p.device.clone());
            match action {
                StormAction::Enter(outlet, frame) => {
                    lab.enter(outlet, now, frame, &mut |event| tell(history, monitor, event));
                }
                StormAction::Looped(outlet) => {
                    if let Some(place) = places.get_mut(outlet.index()) {
                        place.counters.in_looped += 1;
                    }
                }
                StormAction::Found(way) => monitor.warning(&storm::begins(way, name)),
                StormAction::Over(way) => monitor.warning(&storm::ends(way, name)),
            }
        });
    }

    fn ask_missed(&mut self) {
        for place in &mut self.places {
            place.counters.in_missed += place.backend.missed();
        }
    }
}

/// Records an event and passes it on.
pub(super) fn tell(history: &mut History, monitor: &mut dyn Monitor, event: &Event) {
    history.event(event);
    monitor.event(event);
}

/// Collects all chunks of the answer to a request.
fn answer_whole(
    request: &[u8],
    context: &mut RequestContext<'_>,
    said: &mut Vec<u8>,
) -> Result<(), Unanswered> {
    let mut answer = Answer::to(request, context)?;
    loop {
        let piece = answer.next(context.history)?;
        let more = piece.more;
        said.extend(piece.into_said());
        if !more {
            return Ok(());
        }
    }
}
