//! One capture for each device, of what it receives.

use super::Failure;
use macvlab::capture::{AtomicFile, CaptureError, PcapWriter};
use macvlab::lab::spec::Name;
use macvlab::lab::{Event, HopKind};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// Bytes of one device that are held in memory.
const MAX_HELD_BYTES: usize = 256 * 1024;
/// Bytes of all devices that are held in memory.
const MAX_ALL_HELD_BYTES: usize = 64 * 1024 * 1024;

/// `DIR/DEVICE.pcap` for every device that receives something. A lab may have more devices than a process may have open
/// files, so none stays open between writes; and none has its name before all are whole.
pub(super) struct DeviceCaptures {
    folder: PathBuf,
    devices: BTreeMap<Name, Part>,
    /// Bytes held in memory.
    held: usize,
    failure: Option<Failure>,
}

/// What there is of one device's capture.
struct Part {
    writer: PcapWriter<Vec<u8>>,
    /// What was moved out of memory.
    spilled: Option<TempPath>,
}

impl DeviceCaptures {
    /// Captures into this folder, which is made if it is not there.
    pub(super) fn create(folder: &Path) -> Result<DeviceCaptures, Failure> {
        std::fs::create_dir_all(folder).map_err(|e| Failure::about(folder.display(), e))?;
        Ok(DeviceCaptures { folder: folder.to_path_buf(), devices: BTreeMap::new(), held: 0, failure: None })
    }

    /// Keeps the event if a device receives something.
    pub(super) fn event(&mut self, event: &Event) {
        if self.failure.is_none()
            && let Err(e) = self.keep(event)
        {
            self.failure = Some(Failure::about(self.folder.display(), e));
        }
    }

    fn keep(&mut self, event: &Event) -> Result<(), CaptureError> {
        match event {
            Event::Lab { devices, .. } => {
                // Switches and their ports receive nothing for themselves.
                for device in
                    devices.iter().filter(|d| !matches!(d.kind, "switch" | "switch-port" | "router"))
                {
                    self.part(&device.name)?;
                }
                Ok(())
            }
            Event::Hop(hop) => {
                let HopKind::Receive(..) = hop.kind else { return Ok(()) };
                let part = self.part(&hop.device)?;
                let before = part.writer.get_mut().len();
                part.writer.write(hop.time, &hop.frame, 0)?;
                if part.writer.get_mut().len() > MAX_HELD_BYTES {
                    part.spill()?;
                }
                let after = part.writer.get_mut().len();
                self.held = (self.held + after).saturating_sub(before);
                if self.held > MAX_ALL_HELD_BYTES {
                    self.devices.values_mut().try_for_each(Part::spill)?;
                    self.held = 0;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn part(&mut self, device: &Name) -> Result<&mut Part, CaptureError> {
        // Not the entry API, which would need the name cloned for each frame.
        if !self.devices.contains_key(device) {
            let part = Part { writer: PcapWriter::new(Vec::new())?, spilled: None };
            self.devices.insert(device.clone(), part);
        }
        self.devices.get_mut(device).ok_or_else(|| CaptureError::Write(device.clone()))
    }

    /// Gives every capture its name.
    pub(super) fn finish(self) -> Result<(), Failure> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        for (name, part) in self.devices {
            let path = self.folder.join(format!("{name}.pcap"));
            part.commit(&path).map_err(|e| Failure::about(path.display(), e))?;
        }
        Ok(())
    }
}

impl Part {
    /// Moves what is held to a temporary file.
    fn spill(&mut self) -> io::Result<()> {
        let bytes = self.writer.get_mut();
        let path = match self.spilled.take() {
            Some(path) => path,
            None => tempfile::NamedTempFile::new()?.into_temp_path(),
        };
        File::options().append(true).open(&path)?.write_all(bytes)?;
        bytes.clear();
        self.spilled = Some(path);
        Ok(())
    }

    fn commit(mut self, path: &Path) -> io::Result<()> {
        let mut file = AtomicFile::create(path)?;
        if let Some(spilled) = &self.spilled {
            io::copy(&mut File::open(spilled)?, &mut file)?;
        }
        file.write_all(self.writer.get_mut())?;
        file.commit()
    }
}
