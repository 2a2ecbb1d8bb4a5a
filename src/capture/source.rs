//! A window on a byte stream: decompressed, bounded, and tracking its offset.

#[cfg(feature = "compression")]
use super::gunzip::Gunzip;
#[cfg(feature = "compression")]
use super::unzstd::Unzstd;
use crate::stop::Stop;
use std::io::{self, Read};

/// Bytes read ahead. Also the size below which the window never has to grow.
const WINDOW_BYTES: usize = 256 * 1024;
/// The maximum that a caller may request at once: a record, its header and room for its options.
pub(super) const MAX_WINDOW_BYTES: usize = 1024 * 1024;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

#[cfg(feature = "compression")]
/// The largest block of a zstd stream (RFC 8878).
const ZSTD_BLOCK_BYTES: usize = 128 * 1024;

/// The stream.
pub(super) struct Source {
    inner: Box<dyn Read + Send>,
    buf: Vec<u8>,
    /// Bytes read and not consumed: `buf[start..end]`.
    start: usize,
    end: usize,
    /// The offset of `start` in the stream.
    offset: u64,
    /// Checked before every read, also by a decompressor that produces no output.
    stop: Stop,
    /// The stream was stopped.
    stopped: bool,
    /// End of the stream.
    ended: bool,
    /// Why it ended, if that was not its natural end.
    error: Option<io::Error>,
}

impl Source {
    /// Adds a decompressor if the first bytes are those of a compressed stream.
    pub(super) fn new(inner: Box<dyn Read + Send>, stop: Stop) -> io::Result<Source> {
        let mut inner = Interruptible { inner, stop: stop.clone() };
        let mut head = Vec::with_capacity(ZSTD.len());
        inner.by_ref().take(ZSTD.len() as u64).read_to_end(&mut head)?;
        let compressed = (head.starts_with(&GZIP), head.starts_with(&ZSTD));
        let whole = io::Cursor::new(head).chain(inner);
        let inner: Box<dyn Read + Send> = match compressed {
            #[cfg(feature = "compression")]
            (true, _) => Box::new(Gunzip::new(io::BufReader::new(whole))),
            #[cfg(feature = "compression")]
            (_, true) => Box::new(Unzstd::new(io::BufReader::with_capacity(ZSTD_BLOCK_BYTES, whole))?),
            #[cfg(not(feature = "compression"))]
            (true, _) | (_, true) => {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "compressed captures are not built in",
                ));
            }
            _ => Box::new(whole),
        };
        Ok(Source {
            inner,
            buf: vec![0; WINDOW_BYTES],
            start: 0,
            end: 0,
            offset: 0,
            stop,
            stopped: false,
            ended: false,
            error: None,
        })
    }

    /// The window's offset in the stream.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The offset of the window's memory in the stream: positions in the window are relative to it.
    #[inline]
    pub(super) fn origin(&self) -> u64 {
        self.offset - self.start as u64
    }

    /// The position of the unconsumed bytes in the window.
    #[inline]
    pub(super) fn place(&self) -> usize {
        self.start
    }

    /// The bytes read ahead.
    pub(super) fn peek(&self) -> &[u8] {
        self.buf.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads until the window has `n` bytes or the stream ends; returns how many it has, which may be more.
    #[inline]
    pub(super) fn need(&mut self, n: usize) -> usize {
        let have = self.end - self.start;
        if have >= n { have } else { self.read_until(n) }
    }

    #[cold]
    fn read_until(&mut self, n: usize) -> usize {
        let n = n.min(MAX_WINDOW_BYTES);
        while self.end - self.start < n && !self.ended {
            if self.stop.asked() {
                (self.stopped, self.ended) = (true, true);
                break;
            }
            self.make_room(n);
            let free = self.buf.get_mut(self.end..).unwrap_or_default();
            match self.inner.read(free) {
                Ok(0) => self.ended = true,
                Ok(got) => self.end += got.min(free.len()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if self.stop.asked() => {}
                Err(e) => {
                    self.ended = true;
                    self.error = Some(e);
                }
            }
        }
        self.end - self.start
    }

    /// Moves the rest to the front if `n` bytes would not fit after it, and grows the window if they never would.
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

    /// Consumes `n` bytes of the window and returns their position: they stay readable by [`Source::slice`] until the
    /// next [`Source::need`].
    #[inline]
    pub(super) fn consume(&mut self, n: usize) -> usize {
        let from = self.start;
        self.start = self.end.min(self.start + n);
        self.offset += (self.start - from) as u64;
        from
    }

    /// Bytes consumed last, from a position in the window on.
    #[inline]
    pub(super) fn slice(&self, place: u32, len: u32) -> &[u8] {
        let place = place as usize;
        self.buf.get(place..place + len as usize).unwrap_or_default()
    }

    /// The window's memory, where the bytes consumed last are readable as with [`Source::slice`].
    #[inline]
    pub(super) fn memory(&self) -> &[u8] {
        &self.buf
    }

    /// Skips `n` bytes without storing them; returns how many there were.
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

    /// Whether the stream was stopped.
    pub(super) fn was_stopped(&self) -> bool {
        self.stopped
    }

    /// The error that ended the stream, once.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }
}

/// A stream that fails once the stop flag is set.
struct Interruptible {
    inner: Box<dyn Read + Send>,
    stop: Stop,
}

impl Read for Interruptible {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.stop.asked() { Err(io::Error::other("asked to stop")) } else { self.inner.read(buf) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_stays_small_whatever_is_asked() {
        let mut source = Source::new(Box::new(io::repeat(7)), Stop::default()).unwrap();
        assert_eq!(source.need(usize::MAX), MAX_WINDOW_BYTES);
        assert_eq!(source.skip(50_000_000), 50_000_000);
        assert_eq!(source.offset(), 50_000_000);
        assert_eq!(source.buf.len(), MAX_WINDOW_BYTES);
    }
}
