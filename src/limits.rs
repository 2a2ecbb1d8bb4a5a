//! How much of anything is taken in from outside: every input has a budget, and says so when it is exceeded.
//!
//! What comes from outside (a lab file, a capture) may be made to be too large: it may claim more than it has, or unpack
//! to a thousand times its size. So everything that is kept of an input is counted first, in bytes where its entries have
//! no size of their own, and [`OverBudget`] is the answer to what is more. Streams of which nothing is kept need no budget.

/// The longest lab file, in bytes: the largest labs (100,000 ports) have less.
pub const LAB_FILE_BYTES: usize = 16 << 20;

/// The most values of a lab file: keys, elements of lists and tables. Each takes about a hundred bytes while the file is
/// read; the largest labs have half as many. A step has three at least, so that they bound the steps, too.
pub const LAB_FILE_VALUES: usize = 2_000_000;

/// The most devices of a lab: interfaces of routers, switches and their ports counted.
pub const DEVICES: usize = 100_000;

/// The most bytes that the frames of all captures take which a lab's `replay` steps name, after decompression, with
/// [`HELD_FRAME_BYTES`] for each frame: they are held in memory, for a step may come again.
pub const STEP_CAPTURE_BYTES: usize = 256 << 20;

/// What a frame that is held takes beside its bytes.
pub const HELD_FRAME_BYTES: usize = 64;

/// The most bytes of data that a record of a capture may have. libpcap's own limit: whatever claims more is no capture of
/// frames.
pub const RECORD_BYTES: u32 = 262_144;

/// The longest frame of a capture, in bytes. What is longer was never on an Ethernet, nor does it fit an IP packet's length
/// field.
pub const FRAME_BYTES: u32 = 65_535;

/// The most interfaces that one section of a pcapng stream may describe; they are all that a reader remembers.
pub const SECTION_INTERFACES: usize = 16_384;

/// There is more of something than is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {most} {what}")]
pub struct OverBudget {
    /// What there is too much of.
    pub what: &'static str,
    /// How much of it is taken.
    pub most: usize,
}

/// What may still be taken in.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    what: &'static str,
    most: usize,
    left: usize,
}

impl Budget {
    /// All of it: at most `most` of `what`, in the plural (`bytes of frames`).
    #[must_use]
    pub const fn new(what: &'static str, most: usize) -> Budget {
        Budget { what, most, left: most }
    }

    /// Takes some of it.
    ///
    /// # Errors
    /// [`OverBudget`]: there is not so much left.
    pub fn take(&mut self, amount: usize) -> Result<(), OverBudget> {
        self.left = self.left.checked_sub(amount).ok_or(OverBudget { what: self.what, most: self.most })?;
        Ok(())
    }
}
