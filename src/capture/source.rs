//! A window on a byte stream: decompressed, bounded, and aware of its place.

use super::ahead::{Ahead, Block, HEADROOM_BYTES};
use std::io::{self, Read};
use std::ops::Range;

/// Bytes that are read ahead. Also the size below which the window never has to grow.
const WINDOW_BYTES: usize = 256 * 1024;
/// The most that a caller may ask to see at once: a record, its header and room for its options.
pub(super) const MAX_WINDOW_BYTES: usize = 1024 * 1024;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Who reads.
enum Input {
    /// Whoever needs something.
    Here(Box<dyn Read + Send>),
    /// A thread, ahead of need.
    Ahead(Ahead),
}

/// The stream.
pub(super) struct Source {
    input: Input,
    buf: Vec<u8>,
    /// What was read and not consumed: `buf[start..end]`.
    start: usize,
    end: usize,
    /// Where `start` is in the stream.
    offset: u64,
    /// No more to come.
    ended: bool,
    /// Why it ended, if that was not its natural end.
    error: Option<io::Error>,
}

impl Source {
    /// A stream, decompressed if its first bytes say so.
    pub(super) fn new(stream: Box<dyn Read + Send>) -> io::Result<Source> {
        let input = Input::Here(decompressed(stream)?);
        Ok(Source { buf: vec![0; WINDOW_BYTES], ..Source::of(input) })
    }

    /// The same, read and decompressed by a thread of its own.
    pub(super) fn ahead(stream: Box<dyn Read + Send>) -> io::Result<Source> {
        let input = Input::Ahead(Ahead::start(decompressed(stream)?)?);
        Ok(Source { buf: Ahead::buffer(), ..Source::of(input) })
    }

    fn of(input: Input) -> Source {
        Source { input, buf: Vec::new(), start: 0, end: 0, offset: 0, ended: false, error: None }
    }

    /// Where the window begins in the stream.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What was read ahead.
    pub(super) fn peek(&self) -> &[u8] {
        self.buf.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads until the window has `n` bytes or the stream ends; answers how many it has, which may be more.
    pub(super) fn need(&mut self, n: usize) -> usize {
        let n = n.min(MAX_WINDOW_BYTES);
        while self.end - self.start < n && !self.ended {
            match self.more(n) {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.ended = true;
                    self.error = Some(e);
                }
            }
        }
        self.end - self.start
    }

    /// Has more in the window, which is to have room for `n` bytes; answers how many more.
    fn more(&mut self, n: usize) -> io::Result<usize> {
        match &mut self.input {
            Input::Here(_) => self.make_room(n),
            Input::Ahead(ahead) => {
                return ahead.next().transpose().map(|block| block.map_or(0, |block| self.enter(block)));
            }
        }
        let free = self.buf.get_mut(self.end..).unwrap_or_default();
        let Input::Here(stream) = &mut self.input else { return Ok(0) };
        let got = stream.read(free)?.min(free.len());
        self.end += got;
        Ok(got)
    }

    /// A block takes the window's place, behind what is left of it; answers its length.
    fn enter(&mut self, Block { mut bytes, end }: Block) -> usize {
        let (left, got) = (self.end - self.start, end - HEADROOM_BYTES);
        let old = if let Some(front) = HEADROOM_BYTES.checked_sub(left) {
            bytes[front..HEADROOM_BYTES].copy_from_slice(&self.buf[self.start..self.end]);
            (self.start, self.end) = (front, end);
            std::mem::replace(&mut self.buf, bytes)
        } else {
            self.make_room(left + got);
            self.buf[self.end..self.end + got].copy_from_slice(&bytes[HEADROOM_BYTES..end]);
            self.end += got;
            bytes
        };
        if let Input::Ahead(ahead) = &self.input {
            ahead.give_back(old);
        }
        got
    }

    /// Moves what is left to the front if `n` bytes would not fit behind it, and grows the window if they never would.
    fn make_room(&mut self, n: usize) {
        if self.start + n > self.buf.len() || self.end == self.buf.len() {
            self.buf.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buf.len() < n {
            self.buf.resize(n, 0);
        }
    }

    /// Consumes `n` bytes of the window and answers where they are: they stay readable by [`Source::slice`] until the
    /// next [`Source::need`].
    pub(super) fn consume(&mut self, n: usize) -> Range<usize> {
        let from = self.start;
        self.start = self.end.min(self.start + n);
        self.offset += (self.start - from) as u64;
        from..self.start
    }

    /// Bytes that were consumed last.
    pub(super) fn slice(&self, range: Range<usize>) -> &[u8] {
        self.buf.get(range).unwrap_or_default()
    }

    /// Skips `n` bytes without keeping them; answers how many there were.
    pub(super) fn skip(&mut self, n: u64) -> u64 {
        let mut left = n;
        while left > 0 {
            if self.need(1) == 0 {
                break;
            }
            let some = usize::try_from(left).unwrap_or(usize::MAX).min(self.end - self.start);
            self.consume(some);
            left -= some as u64;
        }
        n - left
    }

    /// The error that ended the stream, once.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }
}

/// Looks at the first bytes and puts a decompressor in between if they say so.
fn decompressed(mut stream: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut head = Vec::with_capacity(ZSTD.len());
    stream.by_ref().take(ZSTD.len() as u64).read_to_end(&mut head)?;
    let compressed = (head.starts_with(&GZIP), head.starts_with(&ZSTD));
    let whole = io::Cursor::new(head).chain(stream);
    Ok(match compressed {
        (true, _) => Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(whole))),
        (_, true) => Box::new(zstd::stream::read::Decoder::new(whole)?),
        _ => Box::new(whole),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_stays_small_whatever_is_asked() {
        let mut source = Source::new(Box::new(io::repeat(7))).unwrap();
        assert_eq!(source.need(usize::MAX), MAX_WINDOW_BYTES);
        assert_eq!(source.skip(50_000_000), 50_000_000);
        assert_eq!(source.offset(), 50_000_000);
        assert_eq!(source.buf.len(), MAX_WINDOW_BYTES);
    }

    /// Some bytes, a few at a time, and then an error.
    struct Dripping(u32);

    impl Read for Dripping {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let n = (self.0 % 70_001 + 1).min(1_000_000 - self.0).min(to.len() as u32);
            if n == 0 {
                return Err(io::Error::other("torn"));
            }
            for (to, at) in to.iter_mut().zip(self.0..self.0 + n) {
                *to = (at % 251) as u8;
            }
            self.0 += n;
            Ok(n as usize)
        }
    }

    /// Whoever reads, the window shows the same bytes, whatever is asked for at once.
    #[test]
    fn reading_ahead_changes_nothing() {
        for step in [7, 1000, HEADROOM_BYTES, 100_000, 300_000, MAX_WINDOW_BYTES] {
            let mut source = Source::ahead(Box::new(Dripping(0))).unwrap();
            let mut at = 0;
            loop {
                let some = source.need(step).min(step);
                if some == 0 {
                    break;
                }
                let seen = source.consume(some);
                let right = source.slice(seen).iter().zip(at..).all(|(b, at)| *b == (at % 251) as u8);
                assert!(right, "{step}: {at}");
                at += some;
            }
            assert_eq!(at, 1_000_000, "{step}");
            assert_eq!(source.take_error().unwrap().to_string(), "torn");
        }
    }
}
