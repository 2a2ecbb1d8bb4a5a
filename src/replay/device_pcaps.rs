//! One capture for each device, of what it receives.

use super::log::{Log, Logged};
use super::outputs::OutputError;
use crate::capture::{CaptureError, MAX_RECORD_BYTES, PcapWriter, RecordFile, RecordFormat};
use crate::lab::{Device, HopKind};
use std::path::{Path, PathBuf};

/// Files that stay open between two writes. A lab may have more devices than a process may have open files, so those
/// of the others are opened for each write.
const MAX_OPEN: usize = 128;
/// Bytes of one write.
const WRITE_BYTES: usize = 256 * 1024;

/// `DIR/DEVICE.pcap` for every device that receives something. None has its name before all are whole.
pub(super) struct DevicePcaps {
    folder: PathBuf,
    files: Vec<DevicePcap>,
    open: usize,
    /// What stands in front of the records of every file.
    header: Vec<u8>,
    /// The records of the next write.
    records: PcapWriter<Vec<u8>>,
    /// Where each device's hops begin in `order`, by number, and one more: where the last one's end.
    starts: Vec<u32>,
    /// Hops of a log, those of one device behind each other.
    order: Vec<u32>,
}

struct DevicePcap {
    name: String,
    /// None: it is made when it is needed, which it seldom is.
    file: Option<RecordFile>,
    /// A write failed.
    failed: bool,
}

impl DevicePcaps {
    /// Captures into this folder, which is made if it is not there. The parts of the files are made at once, so that a
    /// folder that cannot be written to is found out now.
    pub(super) fn create(folder: &Path, devices: &[Device]) -> Result<DevicePcaps, OutputError> {
        std::fs::create_dir_all(folder).map_err(|e| OutputError::new(folder, e))?;
        let mut records = PcapWriter::new(Vec::new()).map_err(|e| OutputError::new(folder, e))?;
        let room = Vec::with_capacity(WRITE_BYTES + MAX_RECORD_BYTES as usize);
        let header = std::mem::replace(records.get_mut(), room);
        let mut pcaps = DevicePcaps {
            folder: folder.to_path_buf(),
            files: Vec::with_capacity(devices.len()),
            open: 0,
            header,
            records,
            starts: vec![0; devices.len() + 1],
            order: Vec::new(),
        };
        for (number, device) in devices.iter().enumerate() {
            pcaps.files.push(DevicePcap { name: device.name.clone(), file: None, failed: false });
            // Switches and their ports receive nothing for themselves.
            if !matches!(device.kind, "switch" | "switch-port" | "router") {
                pcaps.begin(number)?;
            }
        }
        Ok(pcaps)
    }

    /// Makes a device's file.
    fn begin(&mut self, number: usize) -> Result<(), OutputError> {
        let Some(pcap) = self.files.get_mut(number) else { return Ok(()) };
        let path = pcap.path(&self.folder);
        let mut file =
            RecordFile::create(&path, RecordFormat::Pcap).map_err(|e| OutputError::new(&path, e))?;
        file.append(&self.header).map_err(|e| OutputError::new(&path, e))?;
        if self.open < MAX_OPEN {
            self.open += 1;
        } else {
            file.close();
        }
        pcap.file = Some(file);
        Ok(())
    }

    /// Writes what the devices received. If a write fails, the others are made all the same.
    pub(super) fn write(&mut self, log: &Log) -> Result<(), OutputError> {
        self.sort(log);
        let mut result = Ok(());
        for number in 0..self.files.len() {
            let (from, to) = (self.start(number), self.start(number + 1));
            if from < to && !self.files.get(number).is_none_or(|pcap| pcap.failed) {
                let written = self.write_device(number, from..to, log);
                if let (Err(_), Some(pcap)) = (&written, self.files.get_mut(number)) {
                    pcap.failed = true;
                }
                result = result.and(written);
            }
        }
        result
    }

    /// Brings the hops of each device together, in their order.
    fn sort(&mut self, log: &Log) {
        let received = |hop: &Logged| matches!(hop.kind, HopKind::Receive(..));
        self.starts.fill(0);
        let mut all = 0;
        for hop in log.hops().iter().filter(|hop| received(hop)) {
            if let Some(count) = self.starts.get_mut(hop.device.0 as usize) {
                *count += 1;
                all += 1;
            }
        }
        // From counts to ends; filling in backwards turns the ends into beginnings.
        let mut end = 0;
        for count in &mut self.starts {
            end += *count;
            *count = end;
        }
        self.order.clear();
        self.order.reserve(log.capacity());
        self.order.resize(all, 0);
        for (index, hop) in log.hops().iter().enumerate().rev().filter(|(_, hop)| received(hop)) {
            if let Some(start) = self.starts.get_mut(hop.device.0 as usize) {
                *start -= 1;
                if let Some(place) = self.order.get_mut(*start as usize) {
                    *place = index as u32;
                }
            }
        }
    }

    fn start(&self, number: usize) -> usize {
        self.starts.get(number).map_or(0, |start| *start as usize)
    }

    fn write_device(
        &mut self,
        number: usize,
        hops: std::ops::Range<usize>,
        log: &Log,
    ) -> Result<(), OutputError> {
        if self.files.get(number).is_some_and(|pcap| pcap.file.is_none()) {
            self.begin(number)?;
        }
        let Some(DevicePcap { name, file: Some(file), .. }) = self.files.get_mut(number) else {
            return Ok(());
        };
        let about = |e: CaptureError| OutputError::new(&self.folder.join(format!("{name}.pcap")), e);
        let was_open = file.is_open();
        for index in self.order.get(hops).unwrap_or_default() {
            let Some(hop) = log.hops().get(*index as usize) else { continue };
            self.records.write(hop.time, log.frame(hop), 0).map_err(about)?;
            if self.records.get_mut().len() >= WRITE_BYTES {
                hand_on(&mut self.records, file).map_err(about)?;
            }
        }
        hand_on(&mut self.records, file).map_err(about)?;
        if !was_open {
            file.close();
        }
        Ok(())
    }

    /// Gives every capture its name.
    pub(super) fn finish(self) -> Result<(), OutputError> {
        let mut result = Ok(());
        for pcap in self.files {
            let path = pcap.path(&self.folder);
            let committed = pcap.file.map_or(Ok(()), RecordFile::commit);
            result = result.and(committed.map_err(|e| OutputError::new(&path, e)));
        }
        result
    }
}

impl DevicePcap {
    fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.pcap", self.name))
    }
}

/// Writes the records, and there are none any more.
fn hand_on(records: &mut PcapWriter<Vec<u8>>, file: &mut RecordFile) -> Result<(), CaptureError> {
    let records = records.get_mut();
    let written = file.append(records);
    records.clear();
    Ok(written?)
}
