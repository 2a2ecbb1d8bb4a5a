//! zstd, decompressed up to the exact block that is damaged.
//!
//! The library reports how much of a call's output is valid only if the whole call succeeds. So it is never given more
//! at a time than the next unit: a header, a block, a checksum.

use std::io::{self, BufRead, Read};
use zstd::stream::raw::{Decoder, InBuffer, Operation as _, OutBuffer};

/// Length of a block header (RFC 8878), which the library requests together with the previous block.
const BLOCK_HEADER: usize = 3;

/// The concatenated frames of a zstd stream.
pub(super) struct Unzstd<R> {
    reader: R,
    decoder: Decoder<'static>,
    place: DecoderState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DecoderState {
    /// Between frames, or before the first one: another may follow.
    Between,
    /// In a frame, of which the library requests this many bytes; it may still hold decompressed output.
    Frame {
        wants: usize,
        may_have_more: bool,
    },
    End,
}

impl<R: BufRead> Unzstd<R> {
    pub(super) fn new(reader: R) -> io::Result<Unzstd<R>> {
        Ok(Unzstd { reader, decoder: Decoder::new()?, place: DecoderState::Between })
    }

    /// Passes the next bytes to the library, and collects its output.
    fn step(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (wants, may_have_more) = match self.place {
            DecoderState::Between => (0, false),
            DecoderState::Frame { wants, may_have_more } => (wants, may_have_more),
            DecoderState::End => return Ok(0),
        };
        let given = if may_have_more { &[] } else { self.reader.fill_buf()? };
        if given.is_empty() && !may_have_more {
            if self.place != DecoderState::Between {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.place = DecoderState::End;
            return Ok(0);
        }
        if self.place == DecoderState::Between {
            self.decoder.reinit()?;
        }
        let most = if wants > BLOCK_HEADER { wants - BLOCK_HEADER } else { wants.max(1) };
        let mut from = InBuffer::around(given.get(..most).unwrap_or(given));
        let room = buf.len();
        let mut to = OutBuffer::around(buf);
        let wants = self.decoder.run(&mut from, &mut to)?;
        let (used, unpacked) = (from.pos(), to.pos());
        self.reader.consume(used);
        self.place = match wants {
            0 => DecoderState::Between,
            wants => DecoderState::Frame { wants, may_have_more: unpacked == room },
        };
        Ok(unpacked)
    }
}

impl<R: BufRead> Read for Unzstd<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !buf.is_empty() && self.place != DecoderState::End {
            match self.step(buf) {
                Ok(0) => {}
                Err(e) if e.kind() != io::ErrorKind::Interrupted => {
                    self.place = DecoderState::End;
                    return Err(e);
                }
                result => return result,
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The output for reads of this many bytes, and the error.
    fn unzstd(stream: &[u8], given: usize, at_a_time: usize) -> (Vec<u8>, Option<String>) {
        let mut unzstd = Unzstd::new(io::BufReader::with_capacity(given, stream)).unwrap();
        let (mut out, mut buf) = (Vec::new(), vec![0; at_a_time]);
        loop {
            match unzstd.read(&mut buf) {
                Ok(0) => return (out, None),
                Ok(n) => out.extend_from_slice(&buf[..n]),
                Err(e) => {
                    assert_eq!(unzstd.read(&mut buf).ok(), Some(0), "an error is the last result");
                    return (out, Some(e.to_string()));
                }
            }
        }
    }

    /// Data that compresses slightly, and has no two equal parts.
    fn data() -> Vec<u8> {
        (0..250_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) & 0x0fff_0fff).to_be_bytes()).collect()
    }

    fn streams(data: &[u8]) -> Vec<Vec<u8>> {
        let (first, second) = data.split_at(300_000);
        let framed = |level, checksum| {
            let frame = |data: &[u8]| {
                let mut encoder = zstd::Encoder::new(Vec::new(), level).unwrap();
                encoder.include_checksum(checksum).unwrap();
                io::copy(&mut &*data, &mut encoder).unwrap();
                encoder.finish().unwrap()
            };
            let skipped = [0x50, 0x2a, 0x4d, 0x18, 7, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7];
            [frame(first), skipped.to_vec(), frame(second)].concat()
        };
        vec![framed(3, false), framed(-5, true), framed(1, true)]
    }

    #[test]
    fn everything_before_the_damaged_block_comes_out_whatever_the_reads() {
        let data = data();
        let sizes = [(7, 100), (8192, 1), (8192, 4096), (1 << 17, 1 << 18), (1 << 22, 1 << 22)];
        for whole in streams(&data) {
            for (given, asked) in sizes {
                assert!(unzstd(&whole, given, asked) == (data.clone(), None), "{given} {asked}");
            }
            let part = whole.len() * 3 / 4;
            let damaged = [&whole[..part], &vec![0xff; whole.len() - part]].concat();
            let more = [&whole[..], b"more"].concat();
            for (stream, least) in [(&damaged[..], 500_000), (&whole[..part], 500_000), (&more, data.len())] {
                let (out, why) = unzstd(stream, 8192, 1);
                assert!(why.is_some() && out.starts_with(&data[..least]), "{}: {why:?}", out.len());
                for (given, asked) in sizes {
                    let other = unzstd(stream, given, asked);
                    assert!(other == (out.clone(), why.clone()), "{given} {asked}: {:?}", other.1);
                }
            }
        }
    }

    #[test]
    fn a_stream_that_ends_anywhere_gives_the_blocks_before() {
        let data = data();
        let whole = &streams(&data)[1];
        let mut least = 0;
        for end in (0..whole.len()).step_by(997) {
            let (out, _) = unzstd(&whole[..end], 1 << 17, 1 << 18);
            assert!(data.starts_with(&out) && out.len() >= least, "{end}");
            least = out.len();
        }
        assert!(least + (1 << 17) >= data.len(), "only the last block is missing");
    }
}
