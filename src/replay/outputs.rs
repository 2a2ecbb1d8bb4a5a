//! The outputs of a replay: each hop is written into the buffers of its files, and full buffers go to the writer
//! thread.

use super::files::Files;
use super::pipeline::{DeviceIndex, HopRef};
use super::writer_queue::{WriterQueue, open};
use crate::capture::{CaptureError, PcapWriter, PcapngBlocks, RecordFormat};
use crate::counters::Counters;
use crate::lab::{Device, DeviceType, HopKind};
use crate::report::AnnotatedBlocks;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

/// Size of a pcap file header, and of a record header, in bytes.
const HEADER_BYTES: usize = 24;
const RECORD_HEAD_BYTES: usize = 16;

/// An output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct OutputError {
    /// The file.
    pub path: PathBuf,
    /// The cause.
    #[source]
    pub error: CaptureError,
}

impl OutputError {
    pub(super) fn new(path: &Path, error: impl Into<CaptureError>) -> OutputError {
        OutputError { path: path.to_path_buf(), error: error.into() }
    }
}

/// Destination of an annotated capture.
pub enum Destination {
    /// A file, which gets this name when it is complete.
    File(PathBuf),
    /// A stream, with this name in messages.
    Stream(Box<dyn Write + Send>, PathBuf),
}

/// The outputs to write.
#[derive(Default)]
pub struct OutputSpec {
    /// A folder that gets `DEVICE.pcap` with the frames that each device receives.
    pub folder: Option<PathBuf>,
    /// Every hop as a packet with its rule as a comment.
    pub annotated: Option<Destination>,
    /// Maximum memory for data in flight to the files, in bytes; 0: [`OutputSpec::DEFAULT_MEMORY`].
    pub memory: usize,
}

impl OutputSpec {
    /// Default memory for data in flight to the files, in bytes.
    pub const DEFAULT_MEMORY: usize = 24 * 1024 * 1024;

    /// Whether nothing is to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.folder.is_none() && self.annotated.is_none()
    }
}

/// Collects hops, and has a separate thread write them.
pub struct Writer {
    /// One file for each device comes first, in this order.
    pcaps: Vec<Pcap>,
    /// The last file.
    annotated: Option<Annotated>,
    post: WriterQueue,
    thread: JoinHandle<Files>,
    failure: Option<OutputError>,
}

/// Frames that a device received and that are still in its buffer.
struct Pcap {
    records: PcapWriter<Vec<u8>>,
    path: PathBuf,
    /// The file exists only if the device receives something.
    optional: bool,
}

/// The part of the annotated capture that is still in the buffer.
struct Annotated {
    capture: AnnotatedBlocks,
    file: u32,
    path: PathBuf,
}

impl Writer {
    /// Opens the outputs for these devices and starts the writer thread.
    ///
    /// # Errors
    /// An output cannot be opened.
    pub fn open(spec: OutputSpec, devices: &[Device]) -> Result<Writer, OutputError> {
        let mut files = Files::default();
        let pcaps = match &spec.folder {
            Some(folder) => begin_pcaps(folder, devices, &mut files)?,
            None => Vec::new(),
        };
        let file = pcaps.len() as u32;
        let annotated = match spec.annotated {
            Some(destination) => Some(Annotated::begin(destination, file, devices, &mut files)?),
            None => None,
        };
        let memory = if spec.memory == 0 { OutputSpec::DEFAULT_MEMORY } else { spec.memory };
        let (post, delivery) = open(pcaps.len(), memory);
        let work = move || {
            delivery.run(|full| files.write(full));
            files
        };
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(work);
        let thread = thread.map_err(|e| OutputError::new(Path::new("a thread to write"), e))?;
        Ok(Writer { pcaps, annotated, post, thread, failure: None })
    }

    /// Writes a hop. Allocates nothing.
    #[inline]
    pub fn hop(&mut self, hop: &HopRef<'_>) {
        if let HopKind::Receive(..) = hop.kind
            && let Some(pcap) = self.pcaps.get_mut(hop.device.0 as usize)
            && let Err(error) = pcap.receive(hop, &self.post)
        {
            let failure = OutputError::new(&pcap.path, error);
            self.fail(failure);
        }
        if let Some(annotated) = &mut self.annotated
            && let Err(error) = annotated.hop(hop, &self.post)
        {
            let failure = OutputError::new(&annotated.path, error);
            self.fail(failure);
        }
    }

    #[cold]
    fn fail(&mut self, failure: OutputError) {
        self.failure.get_or_insert(failure);
        self.post.end();
    }

    /// Passes on everything that is still in buffers.
    pub fn flush(&mut self) {
        for (pcap, file) in self.pcaps.iter_mut().zip(0..) {
            let bytes = pcap.records.get_mut();
            if bytes.is_empty() || (pcap.optional && bytes.len() == HEADER_BYTES) {
                continue;
            }
            self.post.send(file, std::mem::replace(bytes, self.post.small()));
        }
        if let Some(annotated) = &mut self.annotated
            && !annotated.capture.blocks().is_empty()
        {
            annotated.hand_over(&self.post);
        }
    }

    /// Whether continuing is pointless: an output failed, or the reader of the only one is gone.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.post.is_over()
    }

    /// Writes the rest and the devices' counters, and gives the files their names.
    ///
    /// # Errors
    /// An output could not be written; a file gets its name all the same, and ends with its last whole frame.
    pub fn finish(mut self, counted: &[(DeviceIndex, Counters)]) -> Result<(), OutputError> {
        if let Some(Annotated { capture, path, .. }) = &mut self.annotated {
            for (device, counters) in counted {
                capture.counters(device.0, counters);
            }
            if let Err(error) = capture.conclude() {
                self.failure.get_or_insert(OutputError::new(path, error));
            }
        }
        self.flush();
        drop(self.post);
        let files = match self.thread.join() {
            Ok(files) => files,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        self.failure.map_or(Ok(()), Err).and(files.finish())
    }
}

impl Annotated {
    fn begin(
        destination: Destination,
        file: u32,
        devices: &[Device],
        files: &mut Files,
    ) -> Result<Annotated, OutputError> {
        let path = match destination {
            Destination::File(path) => {
                files.begin(path.clone(), RecordFormat::Pcapng)?;
                path
            }
            Destination::Stream(stream, name) => {
                files.stream(stream, name.clone());
                name
            }
        };
        let about = |e| OutputError::new(&path, e);
        let mut capture = AnnotatedBlocks::new().map_err(about)?;
        for device in devices {
            capture.device(device).map_err(about)?;
        }
        Ok(Annotated { capture, file, path })
    }

    #[inline]
    fn hop(&mut self, hop: &HopRef<'_>, post: &WriterQueue) -> Result<(), CaptureError> {
        self.capture.hop(hop.device.0, hop.kind, hop.time, hop.frame, hop.frame_id)?;
        if self.capture.blocks().len() >= PcapngBlocks::ENOUGH {
            self.hand_over(post);
        }
        Ok(())
    }

    fn hand_over(&mut self, post: &WriterQueue) {
        let blocks = self.capture.blocks().take(post.large());
        post.send(self.file, blocks);
    }
}

impl Pcap {
    /// Writes a frame into the device's buffer, and passes the buffer on when it is full.
    #[inline]
    fn receive(&mut self, hop: &HopRef<'_>, post: &WriterQueue) -> Result<(), CaptureError> {
        let needed = RECORD_HEAD_BYTES + hop.frame.len();
        let bytes = self.records.get_mut();
        if bytes.capacity() - bytes.len() >= needed {
            return self.records.write(hop.time, hop.frame, 0);
        }
        self.receive_in_another(hop, needed, post)
    }

    /// Passes on the current buffer, and writes the frame into an empty one; a frame that exceeds a device's buffer
    /// uses a large one.
    #[cold]
    fn receive_in_another(
        &mut self,
        hop: &HopRef<'_>,
        needed: usize,
        post: &WriterQueue,
    ) -> Result<(), CaptureError> {
        let bytes = self.records.get_mut();
        if !bytes.is_empty() {
            post.send(hop.device.0, std::mem::replace(bytes, post.small()));
        }
        if bytes.capacity() >= needed {
            return self.records.write(hop.time, hop.frame, 0);
        }
        let own = std::mem::replace(bytes, post.large());
        let written = self.records.write(hop.time, hop.frame, 0);
        post.send(hop.device.0, std::mem::replace(self.records.get_mut(), own));
        written
    }
}

/// `DIR/DEVICE.pcap` for every device that receives something. Files get their names once all are complete; temporary
/// files are created at once, so that an unwritable folder is detected early.
fn begin_pcaps(folder: &Path, devices: &[Device], files: &mut Files) -> Result<Vec<Pcap>, OutputError> {
    std::fs::create_dir_all(folder).map_err(|e| OutputError::new(folder, e))?;
    let mut pcaps = Vec::with_capacity(devices.len());
    for device in devices {
        let path = folder.join(format!("{}.pcap", device.name));
        // Switches and their ports receive no frames themselves.
        let optional =
            matches!(device.kind, DeviceType::Switch | DeviceType::SwitchPort | DeviceType::Router);
        if optional {
            files.announce(path.clone(), RecordFormat::Pcap);
        } else {
            files.begin(path.clone(), RecordFormat::Pcap)?;
        }
        let records = PcapWriter::new(Vec::new()).map_err(|e| OutputError::new(&path, e))?;
        pcaps.push(Pcap { records, path, optional });
    }
    Ok(pcaps)
}
