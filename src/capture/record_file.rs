//! Files that end with a whole record, whatever happens.

use super::atomic::Destination;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Length of a pcap file header, in bytes.
const PCAP_HEADER_BYTES: usize = 24;

/// The record format, used to find the end of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFormat {
    /// As [`PcapWriter`](super::PcapWriter) writes it.
    Pcap,
    /// As [`PcapngWriter`](super::PcapngWriter) writes it: a block counts as a record.
    Pcapng,
}

impl RecordFormat {
    /// The length of a record, from its first bytes: the offset of its length field, and the bytes that field excludes.
    fn record_len(self, record: &[u8]) -> Option<usize> {
        let (at, more) = match self {
            RecordFormat::Pcap => (8, 16),
            RecordFormat::Pcapng => (4, 0),
        };
        let len = u32::from_le_bytes(*record.get(at..)?.first_chunk()?) as usize + more;
        Some(len.max(1))
    }

    /// The whole records at the start of these bytes. `begins`: they are the first of their file.
    fn whole(self, bytes: &[u8], begins: bool) -> usize {
        let mut whole = if begins && self == RecordFormat::Pcap { PCAP_HEADER_BYTES } else { 0 };
        if whole > bytes.len() {
            return 0;
        }
        while let Some(len) = bytes.get(whole..).and_then(|rest| self.record_len(rest)) {
            if len > bytes.len() - whole {
                break;
            }
            whole += len;
        }
        whole
    }
}

/// A capture that is written next to its destination, like an [`AtomicFile`](super::AtomicFile), and need not stay open
/// between two writes; or one that is written in place. If a write fails half-way (a full disk), the file is truncated
/// to its last whole record, and can still be committed.
#[derive(Debug)]
pub struct RecordFile {
    place: Destination,
    open: Option<File>,
    format: RecordFormat,
    /// Bytes written, all of whole records.
    len: u64,
    failed: bool,
}

impl RecordFile {
    /// Creates a file for `path`.
    ///
    /// # Errors
    /// The folder does not exist or cannot be written to.
    pub fn create(path: &Path, format: RecordFormat) -> io::Result<RecordFile> {
        let (place, file) = Destination::take(path)?;
        Ok(RecordFile { place, open: Some(file), format, len: 0, failed: false })
    }

    /// Creates a file that is written in place, and can be read at any time.
    #[must_use]
    pub fn growing(file: File, format: RecordFormat) -> RecordFile {
        RecordFile { place: Destination::settled(), open: Some(file), format, len: 0, failed: false }
    }

    /// Bytes written, all of whole records.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.len
    }

    /// Writes whole records; a pcap file begins with its header.
    ///
    /// # Errors
    /// Writing fails; the whole records written so far are kept, and nothing more can be written.
    pub fn append(&mut self, records: &[u8]) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier write failed"));
        }
        let file = match &mut self.open {
            Some(file) => file,
            closed => closed.insert(self.place.open()?),
        };
        let mut written = 0;
        let result = write_counted(file, records, &mut written);
        if result.is_ok() {
            self.len += records.len() as u64;
            return result;
        }
        self.failed = true;
        let done = records.get(..written).unwrap_or_default();
        self.len += self.format.whole(done, self.len == 0) as u64;
        if file.metadata().is_ok_and(|m| m.is_file()) {
            // Truncating needs no disk space. If it fails all the same, the first error is reported.
            let _ = file.set_len(self.len);
        }
        result
    }

    /// Whether it holds a file descriptor.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Closes the file until the next write, if the destination is a regular file.
    ///
    /// # Errors
    /// The file would be lost: it cannot be given a temporary name.
    pub fn close(&mut self) -> io::Result<()> {
        if self.place.is_temporary()
            && let Some(file) = self.open.take()
        {
            self.place.keep(&file)?;
        }
        Ok(())
    }

    /// Gives the file its name, atomically; after a failed write with its whole records, unless there are none.
    ///
    /// # Errors
    /// The rename fails; then nothing is left of the file.
    pub fn commit(self) -> io::Result<()> {
        if self.failed && self.len == 0 {
            return Ok(());
        }
        self.place.commit(self.open.as_ref())
    }
}

/// `write_all` that reports how far it came.
fn write_counted(file: &mut File, bytes: &[u8], written: &mut usize) -> io::Result<()> {
    while let Some(rest) = bytes.get(*written..).filter(|rest| !rest.is_empty()) {
        match file.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => *written += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Packet, PcapWriter, PcapngWriter};
    use crate::time::Instant;

    #[test]
    fn whole_records_are_found_in_what_was_written() {
        let mut pcap = PcapWriter::new(Vec::new()).unwrap();
        let mut pcapng = PcapngWriter::new(Vec::new()).unwrap();
        let interface = pcapng.add_interface("eth0", "", None).unwrap();
        let (mut pcap_ends, mut pcapng_ends) = (vec![0, 24], vec![0]);
        for n in 0..3 {
            let frame = vec![7; 14 + n];
            pcap.write(Instant::ZERO, &frame, 0).unwrap();
            pcap_ends.push(pcap.get_mut().len());
            let (time, comment) = (Instant::ZERO, "why");
            let rest = (None, None, None);
            let (direction, packet_type, packet_id) = rest;
            pcapng
                .write(&Packet {
                    interface,
                    time,
                    frame: &frame,
                    orig_len: 0,
                    direction,
                    packet_type,
                    packet_id,
                    comment,
                })
                .unwrap();
        }
        let (pcap, pcapng) = (pcap.finish().unwrap(), pcapng.finish().unwrap());
        while let Some(&at) = pcapng_ends.last().filter(|at| **at < pcapng.len()) {
            pcapng_ends.push(at + RecordFormat::Pcapng.record_len(&pcapng[at..]).unwrap());
        }
        assert_eq!(pcapng_ends.len(), 6, "section, interface, three packets");
        for (format, bytes, ends) in
            [(RecordFormat::Pcap, pcap, pcap_ends), (RecordFormat::Pcapng, pcapng, pcapng_ends)]
        {
            for cut in 0..=bytes.len() {
                let expected = ends.iter().copied().filter(|end| *end <= cut).max().unwrap();
                assert_eq!(format.whole(&bytes[..cut], true), expected, "{format:?} {cut}");
            }
        }
    }

    #[test]
    fn a_file_is_closed_and_opened_again_and_is_not_there_before_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.pcap");
        let mut file = RecordFile::create(&path, RecordFormat::Pcap).unwrap();
        file.append(&[1; 24]).unwrap();
        file.close().unwrap();
        assert!(!file.is_open() && !path.exists());
        file.append(&[2; 20]).unwrap();
        file.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [&[1; 24][..], &[2; 20]].concat());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_is_an_error_once_and_for_all() {
        let mut file = RecordFile::create(Path::new("/dev/full"), RecordFormat::Pcap).unwrap();
        assert_eq!(file.append(&[0; 24]).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(file.append(&[0; 24]).is_err());
        file.close().unwrap();
        assert!(file.is_open(), "a device cannot be opened again where it was left");
    }
}
