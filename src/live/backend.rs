//! The common parts of all backends.

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

/// Maximum length of an incoming frame, in bytes: a full IP packet behind an Ethernet header and tags.
pub const MAX_FRAME: usize = 65_535 + 14 + 12;

/// How often a backend without a peer looks for one.
pub(super) const RETRY: Duration = Duration::from_millis(500);

/// The real end of a simulated cable.
///
/// A backend never blocks: [`Backend::wait`] reports what it waits for, and it is called when that has happened. It lends
/// received frames from its buffers, and gets frames to send in batches.
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

    /// Passes received frames to `take`, as many as one call yields, and does work that is due. The engine counts those
    /// frames; `counters` is for invalid messages and drops.
    fn receive(&mut self, now: Instant, counters: &mut BoundaryCounters, take: &mut dyn FnMut(&[u8]));

    /// Sends frames. Counts those that were [sent](BoundaryCounters::sent), and the others in `out_dropped`. By default all
    /// are dropped: a backend that only receives.
    fn send(&mut self, now: Instant, counters: &mut BoundaryCounters, frames: &[Frame]) {
        let _ = now;
        counters.out_dropped += frames.len() as u64;
    }

    /// The state of the peer. By default it is always connected.
    fn presence(&self) -> &PeerState {
        &PeerState::Here
    }

    /// Whether sent frames can come back through the outside, as a loop requires.
    fn can_loop(&self) -> bool {
        true
    }

    /// Frames that the system dropped before they were received, since the last call.
    fn missed(&mut self) -> u64 {
        0
    }

    /// No more frames can arrive, and that is not an error.
    fn is_over(&self) -> bool {
        false
    }
}

/// Events that a backend waits for: any of these.
#[derive(Debug, Default)]
pub struct Wait<'a> {
    /// Readable.
    pub fd: Option<BorrowedFd<'a>>,
    /// Writable as well.
    pub room: bool,
    /// A time.
    pub at: Option<Instant>,
}

/// The state of a backend's peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// There is a peer.
    Here,
    /// There is none at present, for this reason.
    Away(String),
    /// There will be none any more, for this reason.
    Gone(String),
    /// The same, and outgoing frames are lost for this reason.
    Failed(String),
}

/// Frames that crossed the boundary of the lab at one attachment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoundaryCounters {
    /// Incoming frames.
    pub in_frames: u64,
    /// Their bytes.
    pub in_bytes: u64,
    /// Frames that the system dropped before they were received.
    pub in_missed: u64,
    /// Invalid incoming messages.
    pub in_malformed: u64,
    /// Incoming frames that were dropped because they circulate in an external loop.
    pub in_looped: u64,
    /// Outgoing frames.
    pub out_frames: u64,
    /// Their bytes.
    pub out_bytes: u64,
    /// Frames dropped for lack of room or of a peer.
    pub out_dropped: u64,
}

impl BoundaryCounters {
    /// Counts outgoing frames.
    pub fn sent(&mut self, frames: &[Frame]) {
        self.out_frames += frames.len() as u64;
        self.out_bytes += frames.iter().map(|f| f.len() as u64).sum::<u64>();
    }
}

/// Sends frames on a socket in batches. `message` returns the frames and parts of the message with a given index.
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
            // An earlier datagram found no listener; this one was not tried.
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused && !refused => refused = true,
            // A message that is too long is sent separately.
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

/// The data about an attachment that a backend needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The MAC address of the external device, if the lab specifies it.
    pub mac: Option<MacAddr>,
    /// Largest payload, in bytes.
    pub mtu: u32,
}

/// A backend as named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendSpec {
    /// `af_packet:IF`: an existing interface.
    AfPacket(String),
    /// `tap:NAME`: a TAP device, created if it does not exist.
    Tap(String),
    /// `udp:LOCAL,REMOTE`: one frame per datagram.
    Udp(SocketAddr, SocketAddr),
    /// `unix:PATH`: listens on this socket.
    Unix(PathBuf),
    /// `unix-connect:PATH`: connects to this socket.
    UnixConnect(PathBuf),
    /// `pcap:IN`, `pcap:IN,OUT`, `pcap:,OUT`: plays a capture and records outgoing frames.
    Pcap(Option<PathBuf>, Option<PathBuf>),
}

/// The text does not name a backend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadBackend(String);

/// Maximum length of an interface name, in bytes (`IFNAMSIZ` without the zero).
const MAX_INTERFACE: usize = 15;

impl FromStr for BackendSpec {
    type Err = BadBackend;

    fn from_str(text: &str) -> Result<BackendSpec, BadBackend> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let path = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
        let wanted = |form: &str| BadBackend(format!("`{text}` is not a backend: {form}"));
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
                "use one of af_packet:IF, tap:NAME, udp:LOCAL,REMOTE, unix:PATH, unix-connect:PATH, pcap:IN[,OUT]",
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
    Err(BadBackend(format!("`{name}` is not an interface name: 1 to {MAX_INTERFACE} bytes, no spaces")))
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

/// Why a backend could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{backend}: {why}")]
pub struct OpenError {
    backend: BackendSpec,
    why: String,
}

impl BackendSpec {
    /// Whether opening it may need privileges: only interfaces do. All others are files or sockets of the user.
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
