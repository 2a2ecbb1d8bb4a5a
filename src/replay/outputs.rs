//! What a replay writes: each hop is rendered into the buffers of the files that it belongs in, and full buffers go to a
//! thread that writes them.

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

/// Bytes in front of the records of a pcap file, and in front of a frame.
const HEADER_BYTES: usize = 24;
const RECORD_HEAD_BYTES: usize = 16;

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

/// Takes hops and has a thread of its own write them.
pub struct Writer {
    /// Of each device: the first files, in this order.
    pcaps: Vec<Pcap>,
    /// The last file.
    annotated: Option<Annotated>,
    post: WriterQueue,
    thread: JoinHandle<Files>,
    failure: Option<OutputError>,
}

/// What a device received and what was not handed over yet.
struct Pcap {
    records: PcapWriter<Vec<u8>>,
    path: PathBuf,
    /// There is a file only if the device receives something.
    optional: bool,
}

/// What was not handed over yet of the annotated capture.
struct Annotated {
    capture: AnnotatedBlocks,
    file: u32,
    path: PathBuf,
}

impl Writer {
    /// Opens the outputs for these devices and begins to wait for hops.
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

    /// Has a hop written. Nothing is allocated for it.
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

    /// Has everything written that was not handed over yet.
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

    /// Whether there is no point in going on: an output failed, or nobody reads the only one.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.post.is_over()
    }

    /// Writes the rest, and what the devices counted, and gives the files their names.
    ///
    /// # Errors
    /// An output could not be written; it has its name all the same, and ends with its last whole frame, if it is a
    /// file.
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
    /// Renders a frame into the device's buffer, which is handed over when it is full.
    #[inline]
    fn receive(&mut self, hop: &HopRef<'_>, post: &WriterQueue) -> Result<(), CaptureError> {
        let needed = RECORD_HEAD_BYTES + hop.frame.len();
        let bytes = self.records.get_mut();
        if bytes.capacity() - bytes.len() >= needed {
            return self.records.write(hop.time, hop.frame, 0);
        }
        self.receive_in_another(hop, needed, post)
    }

    /// Hands over what there is, and renders the frame into an empty buffer; one that is longer than a device's own buffer
    /// travels alone in a large one.
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

/// `DIR/DEVICE.pcap` for every device that receives something. None has its name before all are whole; their parts are
/// made at once, so that a folder that cannot be written to is found out now.
fn begin_pcaps(folder: &Path, devices: &[Device], files: &mut Files) -> Result<Vec<Pcap>, OutputError> {
    std::fs::create_dir_all(folder).map_err(|e| OutputError::new(folder, e))?;
    let mut pcaps = Vec::with_capacity(devices.len());
    for device in devices {
        let path = folder.join(format!("{}.pcap", device.name));
        // Switches and their ports receive nothing for themselves.
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
