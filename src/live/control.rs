//! Requests on UNIX sockets, while the lab runs.
//!
//! A request is one line of JSON, an answer one line and as many bytes as it says:
//!
//! ```text
//! {"do":"show","as":"text"}                        the devices, and what is attached to them
//! {"do":"counters","as":"json"}                    what every device counted, and what crossed the rim
//! {"do":"fdb","as":"text"}                         what the switches have learned, and were told
//! {"do":"dump","as":"pcapng","last":100}           the last hops; without a number, all that are remembered
//! {"do":"change","step":"set = { device = \"c1\", mode = \"bridge\" }"}
//!                                                  a step of the lab file: set, add or remove
//! {"ok":true,"bytes":123}                          and 123 bytes
//! {"ok":false,"error":"…"}
//! ```

use super::backend::Presence;
use super::engine::{Crossing, Observer, Place, tell};
use super::history::{Form, History};
use super::socket::Listening;
use super::tables;
use crate::capture::CaptureError;
use crate::lab::spec::{Action, StepSpec};
use crate::lab::{Event, FdbChange, Known, Lab, LabSpec, Outcome};
use crate::labfile;
use crate::report::JsonLines;
use crate::switch::FdbEntry;
use crate::time::Instant;
use serde::Deserialize;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The longest request to a live lab, in bytes; who sends a longer one is sent away.
pub const MAX_REQUEST: usize = 64 * 1024;
/// The most who are served at the same time; others wait.
const MAX_CLIENTS: usize = 16;

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
enum Request {
    Show {
        #[serde(rename = "as")]
        form: Form,
    },
    Counters {
        #[serde(rename = "as")]
        form: Form,
    },
    Fdb {
        #[serde(rename = "as")]
        form: Form,
    },
    Dump {
        #[serde(rename = "as")]
        form: Form,
        last: Option<usize>,
    },
    Change {
        step: String,
    },
}

/// What requests are about.
pub(super) struct Desk<'a> {
    pub(super) spec: &'a mut LabSpec,
    pub(super) lab: &'a mut Lab,
    pub(super) places: &'a [Place],
    pub(super) history: &'a mut History,
    pub(super) observer: &'a mut dyn Observer,
    pub(super) now: Instant,
}

/// The end of a connection for somebody in this process, who asks as those do who come by a path.
///
/// The lab does not end before this socket is closed, though it does not wait long; see [`Engine::ask_here`].
///
/// [`Engine::ask_here`]: super::Engine::ask_here
#[derive(Debug)]
pub struct Asker {
    /// Requests and answers, as on the socket of a path.
    pub socket: UnixStream,
    /// Its other end is closed when the lab is about to end: what is asked for now is still answered, and then it is time
    /// to close the socket.
    pub last_call: PipeReader,
}

/// The sockets, and who talks to them.
#[derive(Default)]
pub(super) struct Control {
    listening: Vec<Listening>,
    clients: Vec<Client>,
    /// Open until the lab is about to end.
    bells: Vec<PipeWriter>,
}

struct Client {
    socket: UnixStream,
    request: Vec<u8>,
    answer: Vec<u8>,
    written: usize,
    /// It is in this process.
    here: bool,
    /// It has gone, or talks nonsense.
    done: bool,
}

impl Control {
    /// Listens at one more path.
    pub(super) fn listen(&mut self, path: &Path) -> io::Result<()> {
        self.listening.push(Listening::at(path)?);
        Ok(())
    }

    /// Lets somebody in this process ask.
    pub(super) fn ask_here(&mut self) -> io::Result<Asker> {
        let (socket, far) = UnixStream::pair()?;
        let (last_call, bell) = io::pipe()?;
        far.set_nonblocking(true)?;
        self.clients.push(Client::new(far, true));
        self.bells.push(bell);
        Ok(Asker { socket, last_call })
    }

    /// Tells those in this process that the lab is about to end.
    pub(super) fn last_call(&mut self) {
        self.bells.clear();
    }

    /// Whether somebody in this process may still ask.
    pub(super) fn is_asked_here(&self) -> bool {
        self.clients.iter().any(|c| c.here)
    }

    pub(super) fn give_to(&self, user: u32, group: u32) -> io::Result<()> {
        self.listening.iter().try_for_each(|listening| listening.give_to(user, group))
    }

    /// What to wait for, and whether for room to write as well.
    pub(super) fn wait(&self) -> impl Iterator<Item = (BorrowedFd<'_>, bool)> {
        let more = if self.clients.len() < MAX_CLIENTS { self.listening.as_slice() } else { &[] };
        let more = more.iter().map(|listening| (listening.listener().as_fd(), false));
        let clients = self.clients.iter().map(|c| (c.socket.as_fd(), c.written < c.answer.len()));
        more.chain(clients)
    }

    /// Serves everybody, as far as that goes without waiting.
    pub(super) fn serve(&mut self, desk: &mut Desk<'_>) {
        for listening in &self.listening {
            while self.clients.len() < MAX_CLIENTS {
                let Some(socket) = listening.accept() else { break };
                self.clients.push(Client::new(socket, false));
            }
        }
        for client in &mut self.clients {
            client.serve(desk);
        }
        self.clients.retain(|c| !c.done);
    }
}

impl Client {
    fn new(socket: UnixStream, here: bool) -> Client {
        Client { socket, request: Vec::new(), answer: Vec::new(), written: 0, here, done: false }
    }

    fn serve(&mut self, desk: &mut Desk<'_>) {
        let mut chunk = [0; 4096];
        // One answer at a time: who does not read is not read from.
        while self.written == self.answer.len() && !self.done {
            match self.socket.read(&mut chunk) {
                Ok(0) => self.done = true,
                Ok(n) => self.request.extend_from_slice(&chunk[..n]),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.done = true,
            }
            while let Some(end) = self.request.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.request.drain(..=end).collect();
                self.answer.append(&mut answer(&line, desk));
            }
            self.done |= self.request.len() > MAX_REQUEST;
        }
        while self.written < self.answer.len() {
            match self.socket.write(&self.answer[self.written..]) {
                Ok(n) => self.written += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.done = true;
                    return;
                }
            }
        }
        (self.written, self.answer) = (0, Vec::new());
    }
}

/// The answer to one line.
pub(super) fn answer(line: &[u8], desk: &mut Desk<'_>) -> Vec<u8> {
    let done = match serde_json::from_slice(line) {
        Err(e) => Err(format!("this is no request: {e}")),
        Ok(Request::Show { form }) => show(desk, form).map_err(|e| e.to_string()),
        Ok(Request::Counters { form }) => counters(desk, form).map_err(|e| e.to_string()),
        Ok(Request::Fdb { form }) => fdb(desk, form).map_err(|e| e.to_string()),
        Ok(Request::Dump { form, last }) => {
            desk.history.show(desk.lab, form, last.unwrap_or(usize::MAX)).map_err(|e| e.to_string())
        }
        Ok(Request::Change { step }) => change(desk, &step),
    };
    match done {
        Ok(mut body) => {
            let head = serde_json::json!({ "ok": true, "bytes": body.len() });
            let mut answer = format!("{head}\n").into_bytes();
            answer.append(&mut body);
            answer
        }
        Err(error) => format!("{}\n", serde_json::json!({ "ok": false, "error": error })).into_bytes(),
    }
}

/// Carries out a step of the lab file.
fn change(desk: &mut Desk<'_>, step: &str) -> Result<Vec<u8>, String> {
    let Desk { spec, lab, history, observer, now, .. } = desk;
    let step = labfile::parse_step(spec, step).map_err(|mistakes| mistakes.to_string())?;
    let outcome = lab.change(*now, &step, &mut |event| tell(history, *observer, event));
    if let (Some(Outcome::Ok), Action::Add { name, .. }) = (outcome, &step.action) {
        // Later requests may name it; once is enough, however often it comes and goes.
        let adds_it = |s: &StepSpec| matches!(&s.action, Action::Add { name: other, .. } if other == name);
        spec.steps.retain(|s| !adds_it(s));
        spec.steps.push(step);
    }
    match outcome {
        Some(Outcome::Error(errno, rule)) => {
            Err(format!("{errno} ({}): {rule} {}: {}", errno.text(), rule.title(), rule.why()))
        }
        Some(_) => Ok(Vec::new()),
        None => Err("only set, add and remove can be done to a running lab".to_owned()),
    }
}

fn show(desk: &Desk<'_>, form: Form) -> Result<Vec<u8>, CaptureError> {
    let (devices, states) = (desk.lab.devices(), desk.lab.states());
    if form == Form::Text {
        return Ok(tables::devices(&devices, &states, &crossings(desk.places)).into_bytes());
    }
    let states = states.into_iter().map(|(device, state)| Event::State { device, state });
    let title = desk.lab.title().to_owned();
    lines(std::iter::once(Event::Lab { title, devices }).chain(states), &crossings(desk.places))
}

fn counters(desk: &Desk<'_>, form: Form) -> Result<Vec<u8>, CaptureError> {
    let counters = desk.lab.counters();
    if form == Form::Text {
        let crossed = tables::crossings(&crossings(desk.places));
        return Ok(format!("{}\n{crossed}", crate::report::counters_table(&counters)).into_bytes());
    }
    let events = counters.into_iter().map(|(device, counters)| Event::Counters { device, counters });
    lines(events, &crossings(desk.places))
}

fn fdb(desk: &Desk<'_>, form: Form) -> Result<Vec<u8>, CaptureError> {
    let known = desk.lab.known();
    if form == Form::Text {
        return Ok(tables::known(&known).into_bytes());
    }
    let entry = |known: Known| {
        let Known { switch, port, entry: FdbEntry { vlan, mac, kind, .. } } = known;
        Event::Fdb(FdbChange { step: 0, time: desk.now, switch, vlan, mac, entry: Some((port, kind)) })
    };
    lines(known.into_iter().map(entry), &[])
}

/// Events, and then what is attached, one JSON object a line.
fn lines(mut events: impl Iterator<Item = Event>, crossings: &[Crossing]) -> Result<Vec<u8>, CaptureError> {
    let mut lines = JsonLines::new(Vec::new());
    events.try_for_each(|event| lines.event(&event))?;
    let mut bytes = lines.finish()?;
    for crossing in crossings {
        writeln!(bytes, "{}", tables::crossing_as_json(crossing))?;
    }
    Ok(bytes)
}

/// What crossed the rim.
pub(super) fn crossings(places: &[Place]) -> Vec<Crossing> {
    let crossing = |p: &Place| Crossing {
        device: p.device.clone(),
        backend: p.spec.clone(),
        presence: p.presence.clone(),
        rim: p.rim,
    };
    places.iter().map(crossing).collect()
}

impl Presence {
    /// `here`, `away` or `gone`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Presence::Here => "here",
            Presence::Away(_) => "away",
            Presence::Gone(_) => "gone",
        }
    }
}
