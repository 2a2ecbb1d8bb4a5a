//! gzip, decompressed up to the exact byte at which it is damaged.
//!
//! On an error, flate2's readers discard data that they had decompressed before the damage, up to a whole buffer; how
//! much depends on the sizes of the reads.

use flate2::Crc;
use flate2::bufread::{DeflateDecoder, GzDecoder};
use std::io::{self, BufRead, Read};

/// The concatenated members of a gzip stream (RFC 1952).
pub(super) struct Gunzip<R> {
    body: DeflateDecoder<R>,
    crc: Crc,
    place: DecoderState,
    /// The error after the bytes returned last.
    damage: Option<io::Error>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DecoderState {
    /// Before the first member, which is required.
    Start,
    /// After a member: another may follow.
    Between,
    Body,
    End,
}

impl<R: BufRead> Gunzip<R> {
    pub(super) fn new(reader: R) -> Gunzip<R> {
        Gunzip {
            body: DeflateDecoder::new(reader),
            crc: Crc::new(),
            place: DecoderState::Start,
            damage: None,
        }
    }

    /// Reads a member's header, if there is another member.
    fn begin(&mut self) -> io::Result<()> {
        let reader = self.body.get_mut();
        if self.place == DecoderState::Between && reader.fill_buf()?.is_empty() {
            self.place = DecoderState::End;
            return Ok(());
        }
        let mut header = GzDecoder::new(&mut *reader);
        if header.header().is_none() {
            header.read_exact(&mut [0])?;
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.body.reset_data();
        self.crc.reset();
        self.place = DecoderState::Body;
        Ok(())
    }

    /// Reads a member's checksum and length.
    fn end(&mut self) -> io::Result<()> {
        let mut trailer = [0; 8];
        self.body.get_mut().read_exact(&mut trailer)?;
        let number = u64::from(self.crc.amount()) << 32 | u64::from(self.crc.sum());
        if u64::from_le_bytes(trailer) != number {
            let why = "corrupt gzip stream does not have a matching checksum";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        self.place = DecoderState::Between;
        Ok(())
    }

    fn step(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.place != DecoderState::End {
            if self.place != DecoderState::Body {
                self.begin()?;
                continue;
            }
            let before = self.body.total_out();
            let result = self.body.read(buf);
            let unpacked = usize::try_from(self.body.total_out() - before).unwrap_or(0).min(buf.len());
            self.crc.update(buf.get(..unpacked).unwrap_or_default());
            match result {
                Ok(0) => self.end()?,
                Err(damage) if unpacked > 0 => {
                    self.damage = Some(damage);
                    return Ok(unpacked);
                }
                result => return result,
            }
        }
        Ok(0)
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let result = match self.damage.take() {
            Some(damage) => Err(damage),
            None => self.step(buf),
        };
        if result.as_ref().is_err_and(|e| e.kind() != io::ErrorKind::Interrupted) {
            self.place = DecoderState::End;
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(data).unwrap();
        out.finish().unwrap()
    }

    /// The output for reads of this many bytes, and the error.
    fn gunzip(stream: &[u8], at_a_time: usize) -> (Vec<u8>, Option<String>) {
        let (mut gunzip, mut out) = (Gunzip::new(stream), Vec::new());
        let mut buf = vec![0; at_a_time];
        loop {
            match gunzip.read(&mut buf) {
                Ok(0) => return (out, None),
                Ok(n) => out.extend_from_slice(&buf[..n]),
                Err(e) => {
                    assert_eq!(gunzip.read(&mut buf).ok(), Some(0), "an error is the last result");
                    return (out, Some(e.to_string()));
                }
            }
        }
    }

    #[test]
    fn everything_before_the_damage_comes_out_whatever_the_reads() {
        let data: Vec<u8> =
            (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        let (first, second) = data.split_at(300_000);
        let whole = [gzip(first), gzip(second)].concat();
        let sizes = [1, 100, 4096, 1 << 20];
        for size in sizes {
            assert!(gunzip(&whole, size) == (data.clone(), None), "{size}");
        }
        let half = whole.len() / 2;
        let damaged = [&whole[..half], &[0xff; 64], &whole[half + 64..]].concat();
        for stream in [damaged.as_slice(), &whole[..half], &[&whole[..], b"more"].concat(), b"\x1f\x8b"] {
            let one = gunzip(stream, 1);
            assert!(one.1.is_some() && (stream.len() < 9 || one.0.len() > 100_000));
            for size in sizes {
                assert!(gunzip(stream, size) == one, "{size}: {:?}", one.1);
            }
        }
    }
}
