//! What real ends have in common.

use super::af_packet::AfPacket;
use super::pcap::Pcap;
use super::stream::Stream;
use super::tap::Tap;
use super::udp::Udp;
use crate::frame::{Frame, MacAddr};
use crate::sys::Outbox;
use crate::time::Instant;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The longest frame that comes in: a full IP packet behind an Ethernet header and tags. Bytes.
pub const MAX_FRAME: usize = 65_535 + 14 + 12;

/// How often a backend that has nobody at the other end looks for somebody.
pub(super) const RETRY: Duration = Duration::from_millis(500);

/// A real end of a simulated cable.
///
/// A backend never blocks: [`Backend::wait`] says what it waits for, and it is called when that has happened. It lends received
/// frames from its own buffers, and is given frames to send in batches.
/// [`Engine::attach_backend`](super::Engine::attach_backend) attaches one that is not built in:
///
/// ```
/// use macvlab::frame::Frame;
/// use macvlab::live::{Backend, BoundaryCounters, Wait};
/// use macvlab::time::Instant;
///
/// /// Returns every frame, as a switch port in hairpin mode does.
/// #[derive(Default)]
/// struct Reflector(Vec<Frame>);
///
/// impl Backend for Reflector {
///     fn wait(&self) -> Wait<'_> {
///         Wait { at: (!self.0.is_empty()).then_some(Instant::ZERO), ..Wait::default() }
///     }
///     fn receive(&mut self, _: Instant, _: &mut BoundaryCounters, take: &mut dyn FnMut(&[u8])) {
///         self.0.drain(..).for_each(|frame| take(&frame));
///     }
///     fn send(&mut self, _: Instant, counters: &mut BoundaryCounters, frames: &[Frame]) {
///         counters.sent(frames);
///         self.0.extend_from_slice(frames);
///     }
/// }
/// ```
pub trait Backend: Send {
    /// What it waits for.
    fn wait(&self) -> Wait<'_>;

    /// Passes received frames to `take`, as many as one call brings, and does what is due. The engine counts those frames;
    /// `counters` is for what was received and is no frame.
    fn receive(&mut self, now: Instant, counters: &mut BoundaryCounters, take: &mut dyn FnMut(&[u8]));

    /// Sends frames. Counts those that [went out](BoundaryCounters::sent), and the others in `out_dropped`. By default all
    /// are dropped: a backend that only receives.
    fn send(&mut self, now: Instant, counters: &mut BoundaryCounters, frames: &[Frame]) {
        let _ = now;
        counters.out_dropped += frames.len() as u64;
    }

    /// The state of the peer. By default it is there for ever.
    fn presence(&self) -> &PeerState {
        &PeerState::Here
    }

    /// Whether frames that were sent can be received again, through whatever is outside: what a loop needs.
    fn can_loop(&self) -> bool {
        true
    }

    /// Frames that the system dropped before they could be received, since the last time.
    fn missed(&mut self) -> u64 {
        0
    }

    /// Nothing will ever come in any more, and that is as it should be.
    fn is_over(&self) -> bool {
        false
    }
}

/// What a backend waits for: any of these.
#[derive(Debug, Default)]
pub struct Wait<'a> {
    /// Something to read from it.
    pub fd: Option<BorrowedFd<'a>>,
    /// Room to write to it as well.
    pub room: bool,
    /// A moment.
    pub at: Option<Instant>,
}

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// Somebody.
    Here,
    /// Nobody now, for this reason.
    Away(String),
    /// Nobody ever again, for this reason.
    Gone(String),
    /// The same, and what went out is lost for this reason.
    Failed(String),
}

/// Frames that crossed the boundary of the lab at one attachment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoundaryCounters {
    /// Frames that came in.
    pub in_frames: u64,
    /// Their bytes.
    pub in_bytes: u64,
    /// Frames that the system dropped before they could come in.
    pub in_missed: u64,
    /// What came and was no frame.
    pub in_malformed: u64,
    /// Of the frames that came in, those that went round in a loop outside, and were dropped.
    pub in_looped: u64,
    /// Frames that went out.
    pub out_frames: u64,
    /// Their bytes.
    pub out_bytes: u64,
    /// Frames that there was no room or nobody for.
    pub out_dropped: u64,
}

impl BoundaryCounters {
    /// Counts frames that went out.
    pub fn sent(&mut self, frames: &[Frame]) {
        self.out_frames += frames.len() as u64;
        self.out_bytes += frames.iter().map(|f| f.len() as u64).sum::<u64>();
    }
}

/// Sends frames on a socket, many at a time. `message` says what goes out as message number so many: which of the frames,
/// and in which parts.
pub(super) fn send_all<'f, M: Iterator<Item = &'f [u8]>>(
    outbox: &mut Outbox,
    socket: BorrowedFd<'_>,
    frames: &'f [Frame],
    counters: &mut BoundaryCounters,
    message: impl Fn(usize) -> Option<(Range<usize>, M)>,
) {
    let mut next = 0;
    let mut refused = false;
    while let Some((first, _)) = message(next) {
        match outbox.send(socket, (next..).map_while(&message).map(|(_, parts)| parts)) {
            Ok(sent) => {
                let behind = message(next + sent).map_or(frames.len(), |(frames, _)| frames.start);
                counters.sent(&frames[first.start..behind]);
                next += sent;
            }
            // Nobody listened when an earlier datagram came; this one was not tried.
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused && !refused => refused = true,
            // One that is too long goes alone.
            Err(e) if e.raw_os_error() == Some(libc::EMSGSIZE) => {
                counters.out_dropped += first.len() as u64;
                next += 1;
            }
            // No room, no carrier, no interface: the same for all.
            Err(_) => {
                counters.out_dropped += (frames.len() - first.start) as u64;
                return;
            }
        }
    }
}

/// Where a backend is attached, as far as it wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The address of whoever is outside, if the lab says so.
    pub mac: Option<MacAddr>,
    /// Largest payload, in bytes.
    pub mtu: u32,
}

/// Which backend, as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendSpec {
    /// `af_packet:IF`: an interface that is there.
    AfPacket(String),
    /// `tap:NAME`: a TAP device, made if it is not there.
    Tap(String),
    /// `udp:LOCAL,REMOTE`: a frame in each datagram.
    Udp(SocketAddr, SocketAddr),
    /// `unix:PATH`: whoever connects to this socket.
    Unix(PathBuf),
    /// `unix-connect:PATH`: whoever listens on this socket.
    UnixConnect(PathBuf),
    /// `pcap:IN`, `pcap:IN,OUT`, `pcap:,OUT`: what a capture has comes in, what goes out is captured.
    Pcap(Option<PathBuf>, Option<PathBuf>),
}

/// The text names no backend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadBackend(String);

/// Longest name of an interface, in bytes (`IFNAMSIZ` without the zero).
const MAX_INTERFACE: usize = 15;

impl FromStr for BackendSpec {
    type Err = BadBackend;

    fn from_str(text: &str) -> Result<BackendSpec, BadBackend> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let path = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
        let wanted = |form: &str| BadBackend(format!("`{text}` is no backend: {form}"));
        match kind {
            "af_packet" => interface(rest).map(BackendSpec::AfPacket),
            "tap" => interface(rest).map(BackendSpec::Tap),
            "udp" => {
                let ends = rest.split_once(',').and_then(|(l, r)| Some((l.parse().ok()?, r.parse().ok()?)));
                let (local, remote) =
                    ends.ok_or_else(|| wanted("write udp:ADDRESS:PORT,ADDRESS:PORT, the local one first"))?;
                Ok(BackendSpec::Udp(local, remote))
            }
            "unix" => path(rest).map(BackendSpec::Unix).ok_or_else(|| wanted("write unix:PATH")),
            "unix-connect" => {
                path(rest).map(BackendSpec::UnixConnect).ok_or_else(|| wanted("write unix-connect:PATH"))
            }
            "pcap" => match rest.split_once(',').map_or((path(rest), None), |(i, o)| (path(i), path(o))) {
                (None, None) => Err(wanted("write pcap:IN, pcap:IN,OUT or pcap:,OUT")),
                (from, to) => Ok(BackendSpec::Pcap(from, to)),
            },
            _ => Err(wanted(
                "it is one of af_packet:IF, tap:NAME, udp:LOCAL,REMOTE, unix:PATH, unix-connect:PATH, pcap:IN[,OUT]",
            )),
        }
    }
}

fn interface(name: &str) -> Result<String, BadBackend> {
    let fits = (1..=MAX_INTERFACE).contains(&name.len());
    if fits && !name.contains(['/', ' ']) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    let name = name.escape_debug();
    Err(BadBackend(format!("`{name}` is no name of an interface: 1 to {MAX_INTERFACE} bytes, no spaces")))
}

impl fmt::Display for BackendSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            |path: &Option<PathBuf>| path.as_ref().map(|p| p.display().to_string()).unwrap_or_default();
        match self {
            BackendSpec::AfPacket(name) => write!(f, "af_packet:{name}"),
            BackendSpec::Tap(name) => write!(f, "tap:{name}"),
            BackendSpec::Udp(local, remote) => write!(f, "udp:{local},{remote}"),
            BackendSpec::Unix(path) => write!(f, "unix:{}", path.display()),
            BackendSpec::UnixConnect(path) => write!(f, "unix-connect:{}", path.display()),
            BackendSpec::Pcap(from, None) => write!(f, "pcap:{}", shown(from)),
            BackendSpec::Pcap(from, to) => write!(f, "pcap:{},{}", shown(from), shown(to)),
        }
    }
}

/// A backend could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{backend}: {why}")]
pub struct OpenError {
    backend: BackendSpec,
    why: String,
}

impl BackendSpec {
    /// Whether opening it may need privileges: an interface. All else is a file or a socket of the user.
    #[must_use]
    pub fn needs_privileges(&self) -> bool {
        match self {
            BackendSpec::AfPacket(_) | BackendSpec::Tap(_) => true,
            BackendSpec::Udp(..)
            | BackendSpec::Unix(_)
            | BackendSpec::UnixConnect(_)
            | BackendSpec::Pcap(..) => false,
        }
    }

    /// Opens it, in the process's network namespace.
    ///
    /// # Errors
    /// [`OpenError`] says what is missing: an interface, a privilege, a file.
    pub fn open(&self, site: &Site) -> Result<Box<dyn Backend>, OpenError> {
        let opened: Result<Box<dyn Backend>, String> = match self {
            BackendSpec::AfPacket(name) => AfPacket::open(name).map(|b| Box::new(b) as _),
            BackendSpec::Tap(name) => Tap::open(name, site).map(|b| Box::new(b) as _),
            BackendSpec::Udp(local, remote) => Udp::open(*local, *remote).map(|b| Box::new(b) as _),
            BackendSpec::Unix(path) => Stream::listen(path).map(|b| Box::new(b) as _),
            BackendSpec::UnixConnect(path) => Ok(Box::new(Stream::connect(path))),
            BackendSpec::Pcap(from, to) => {
                Pcap::open(from.as_deref(), to.as_deref()).map(|b| Box::new(b) as _)
            }
        };
        opened.map_err(|why| OpenError { backend: self.clone(), why })
    }
}

#[cfg(test)]
#[path = "backend_tests.rs"]
mod tests;
