//! A stream that a thread of its own reads ahead, block by block: while one block is used, the next is being read.

use crossbeam_channel::{Receiver, Sender, bounded};
use std::io::{self, Read};

/// Bytes of a block that are left free in front, for what is left of the block before it.
pub(super) const HEADROOM_BYTES: usize = 32 * 1024;
/// Bytes of a block that are read into: blocks that are under way stay in the caches.
const READ_BYTES: usize = 256 * 1024;
/// Blocks there are, the one in use among them.
const BLOCKS: usize = 4;

/// What was read, behind the [headroom](HEADROOM_BYTES).
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    /// Where it ends in the bytes.
    pub(super) end: usize,
}

/// The blocks of a stream.
pub(super) struct Ahead {
    full: Receiver<io::Result<Block>>,
    empty: Sender<Vec<u8>>,
}

impl Ahead {
    /// Starts to read. The thread ends with the stream, or after its next read once nobody wants blocks any more.
    ///
    /// # Errors
    /// There can be no thread.
    pub(super) fn start(stream: Box<dyn Read + Send>) -> io::Result<Ahead> {
        let (fill, full) = bounded(BLOCKS);
        let (empty, emptied) = bounded(BLOCKS);
        for _ in 1..BLOCKS {
            // There is room for all of them, and somebody to take them.
            let _ = empty.send(Ahead::buffer());
        }
        std::thread::Builder::new()
            .name("read ahead".to_owned())
            .spawn(move || read(stream, &emptied, &fill))?;
        Ok(Ahead { full, empty })
    }

    /// A buffer for a block.
    pub(super) fn buffer() -> Vec<u8> {
        vec![0; HEADROOM_BYTES + READ_BYTES]
    }

    /// The next block; `None` at the end of the stream. An error is the last thing.
    pub(super) fn next(&self) -> Option<io::Result<Block>> {
        self.full.recv().ok()
    }

    /// A buffer that is used no more.
    pub(super) fn give_back(&self, buffer: Vec<u8>) {
        // At the end of the stream nobody wants it.
        let _ = self.empty.send(buffer);
    }
}

fn read(mut stream: Box<dyn Read + Send>, empty: &Receiver<Vec<u8>>, full: &Sender<io::Result<Block>>) {
    for mut bytes in empty {
        let free = bytes.get_mut(HEADROOM_BYTES..).unwrap_or_default();
        let read = loop {
            match stream.read(free) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map(|n| n.min(free.len())),
            }
        };
        let (over, block) = match read {
            Ok(0) => return,
            Ok(n) => (false, Ok(Block { bytes, end: HEADROOM_BYTES + n })),
            Err(e) => (true, Err(e)),
        };
        if full.send(block).is_err() || over {
            return;
        }
    }
}
