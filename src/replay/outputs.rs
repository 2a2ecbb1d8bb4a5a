//! What a replay writes, and the thread that writes it.

use super::device_pcaps::DevicePcaps;
use super::engine::{DeviceIndex, Hop};
use super::log::Log;
use crate::capture::{CaptureError, RecordFile, RecordFormat};
use crate::counters::Counters;
use crate::lab::{Device, HopKind};
use crate::report::AnnotatedCapture;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Logs that go round between the two threads: one is filled, one is written, one waits.
const LOGS: usize = 3;
/// Bytes of a log for each file: about what one write to it has.
const LOG_BYTES_FOR_A_FILE: usize = 64 * 1024;
/// The smallest log, in bytes.
const MIN_LOG_BYTES: usize = 512 * 1024;

/// An output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct OutputError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub error: CaptureError,
}

impl OutputError {
    pub(super) fn new(path: &Path, error: impl Into<CaptureError>) -> OutputError {
        OutputError { path: path.to_path_buf(), error: error.into() }
    }
}

/// Where an annotated capture goes.
pub enum Destination {
    /// To a file of this name, which it has when it is whole.
    File(PathBuf),
    /// Into a stream, called by this name.
    Stream(Box<dyn Write + Send>, PathBuf),
}

/// What is to be written.
#[derive(Default)]
pub struct OutputSpec {
    /// `DEVICE.pcap` in this folder, for what each device receives.
    pub folder: Option<PathBuf>,
    /// Every hop as a packet with its rule as a comment.
    pub annotated: Option<Destination>,
    /// Everything is written as soon as it is handed over, for those who watch.
    pub eager: bool,
    /// Most memory for what is under way to the files, in bytes; 0: [`OutputSpec::DEFAULT_MEMORY`].
    pub memory: usize,
}

impl OutputSpec {
    /// Bytes for what is under way to the files.
    pub const DEFAULT_MEMORY: usize = 24 * 1024 * 1024;

    /// Whether nothing is to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.folder.is_none() && self.annotated.is_none()
    }
}

/// The outputs, open.
struct Outputs {
    pcaps: Option<DevicePcaps>,
    annotated: Option<Annotated>,
    eager: bool,
    failure: Option<OutputError>,
}

/// The annotated capture, and what it is called.
struct Annotated {
    capture: AnnotatedCapture<Place>,
    path: PathBuf,
}

/// Where it goes.
enum Place {
    File(RecordFile),
    Stream(Box<dyn Write + Send>),
}

impl Write for Place {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Place::File(file) => file.write(bytes),
            Place::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Place::File(file) => file.flush(),
            Place::Stream(stream) => stream.flush(),
        }
    }
}

impl Place {
    fn commit(self) -> io::Result<()> {
        match self {
            Place::File(file) => file.commit(),
            Place::Stream(_) => Ok(()),
        }
    }
}

impl Annotated {
    fn create(destination: Destination, devices: &[Device]) -> Result<Annotated, OutputError> {
        let (place, path) = match destination {
            Destination::File(path) => {
                let file = RecordFile::create(&path, RecordFormat::Pcapng);
                (Place::File(file.map_err(|e| OutputError::new(&path, e))?), path)
            }
            Destination::Stream(stream, name) => (Place::Stream(stream), name),
        };
        let about = |e| OutputError::new(&path, e);
        let mut capture = AnnotatedCapture::new(place).map_err(about)?;
        capture.devices(devices).map_err(about)?;
        Ok(Annotated { capture, path })
    }

    fn write(&mut self, log: &Log, eager: bool) -> Result<(), CaptureError> {
        for hop in log.hops() {
            self.capture.hop(hop.device.0, hop.kind, hop.time, log.frame(hop), hop.frame_id)?;
        }
        if eager { self.capture.flush() } else { Ok(()) }
    }

    fn finish(mut self, counted: &[(DeviceIndex, Counters)]) -> Result<(), OutputError> {
        for (device, counters) in counted {
            self.capture.counters(device.0, counters);
        }
        let concluded = self.capture.conclude();
        self.close(concluded)
    }

    /// Gives it its name, even after an error: it holds what is whole.
    fn close(self, result: Result<(), CaptureError>) -> Result<(), OutputError> {
        let committed = self.capture.into_inner().commit().map_err(CaptureError::from);
        result.or_else(forgive_closed).and(committed).map_err(|e| OutputError::new(&self.path, e))
    }
}

/// That nobody reads a pipe any more is no error.
fn forgive_closed(error: CaptureError) -> Result<(), CaptureError> {
    match error {
        CaptureError::Io(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        e => Err(e),
    }
}

impl Outputs {
    fn open(spec: OutputSpec, devices: &[Device]) -> Result<Outputs, OutputError> {
        let pcaps = spec.folder.map(|folder| DevicePcaps::create(&folder, devices)).transpose()?;
        let annotated = spec.annotated.map(|to| Annotated::create(to, devices)).transpose()?;
        Ok(Outputs { pcaps, annotated, eager: spec.eager, failure: None })
    }

    /// Writes a log. Answers whether there is any point in going on.
    fn write(&mut self, log: &Log) -> bool {
        if let Some(pcaps) = &mut self.pcaps
            && let Err(failure) = pcaps.write(log)
        {
            self.failure.get_or_insert(failure);
        }
        self.write_annotated(log);
        self.failure.is_none() && (self.pcaps.is_some() || self.annotated.is_some())
    }

    /// An annotated capture that cannot be written to is closed: it holds what is whole.
    fn write_annotated(&mut self, log: &Log) {
        let Some(mut annotated) = self.annotated.take() else { return };
        match annotated.write(log, self.eager) {
            Ok(()) => self.annotated = Some(annotated),
            failed => {
                if let Err(failure) = annotated.close(failed) {
                    self.failure.get_or_insert(failure);
                }
            }
        }
    }

    fn finish(self, counted: &[(DeviceIndex, Counters)]) -> Result<(), OutputError> {
        let annotated = self.annotated.map_or(Ok(()), |annotated| annotated.finish(counted));
        let pcaps = self.pcaps.map_or(Ok(()), DevicePcaps::finish);
        self.failure.map_or(Ok(()), Err).and(annotated).and(pcaps)
    }
}

/// Takes hops and has a thread of its own write them.
pub struct Writer {
    log: Log,
    full: Sender<Log>,
    empty: Receiver<Log>,
    /// There is no point in going on.
    over: Arc<AtomicBool>,
    thread: JoinHandle<Outputs>,
    /// Only what devices receive is written.
    only_received: bool,
}

impl Writer {
    /// Opens the outputs for these devices and begins to wait for hops.
    ///
    /// # Errors
    /// An output cannot be opened.
    pub fn open(spec: OutputSpec, devices: &[Device]) -> Result<Writer, OutputError> {
        let only_received = spec.annotated.is_none();
        let files = if spec.folder.is_some() { devices.len() } else { 1 };
        let memory = if spec.memory == 0 { OutputSpec::DEFAULT_MEMORY } else { spec.memory };
        let bytes = (files * LOG_BYTES_FOR_A_FILE).min(memory / (2 * LOGS)).max(MIN_LOG_BYTES);
        let path = spec.folder.clone().unwrap_or_default();
        let mut outputs = Outputs::open(spec, devices)?;
        let (full, to_write) = bounded::<Log>(LOGS);
        let (give_back, empty) = bounded(LOGS);
        for _ in 1..LOGS {
            // There is room for all of them.
            let _ = give_back.send(Log::new(bytes));
        }
        let over = Arc::new(AtomicBool::new(false));
        let set = Arc::clone(&over);
        let work = move || {
            for mut log in to_write {
                if !set.load(Ordering::Relaxed) && !outputs.write(&log) {
                    set.store(true, Ordering::Relaxed);
                }
                log.clear();
                if give_back.send(log).is_err() {
                    break;
                }
            }
            outputs
        };
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(work);
        let thread = thread.map_err(|e| OutputError::new(&path, e))?;
        Ok(Writer { log: Log::new(bytes), full, empty, over, thread, only_received })
    }

    /// Has a hop written. Nothing is allocated for it.
    #[inline]
    pub fn hop(&mut self, hop: &Hop<'_>) {
        if self.only_received && !matches!(hop.kind, HopKind::Receive(..)) {
            return;
        }
        self.log.push(hop);
        if self.log.is_full() {
            self.flush();
        }
    }

    /// Has everything written that was not handed over yet.
    pub fn flush(&mut self) {
        if self.log.is_empty() {
            return;
        }
        // The thread ends only when the channel is closed, which is done last.
        if let Ok(empty) = self.empty.recv() {
            let _ = self.full.send(std::mem::replace(&mut self.log, empty));
        }
    }

    /// Whether there is no point in going on: an output failed, or nobody reads the only one.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Writes the rest, and what the devices counted, and gives the files their names.
    ///
    /// # Errors
    /// An output could not be written; it has its name all the same, and ends with its last whole frame, if it is a
    /// file.
    pub fn finish(mut self, counted: &[(DeviceIndex, Counters)]) -> Result<(), OutputError> {
        self.flush();
        drop(self.full);
        match self.thread.join() {
            Ok(outputs) => outputs.finish(counted),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
