//! Limits of input: every input has a budget, and exceeding it is an error.
//!
//! Input (a lab file, a capture) may be too large on purpose: it may claim more than it has, or decompress to a thousand
//! times its size. So everything stored from an input is counted first, in bytes if its entries have no fixed size, and
//! exceeding the budget gives [`OverBudget`]. Streams that are not stored need no budget.

/// Maximum size of a lab file, in bytes: the largest labs (100,000 ports) need less.
pub const LAB_FILE_BYTES: usize = 16 << 20;

/// Maximum number of values in a lab file: keys, elements of lists and tables. Each takes about a hundred bytes while the file is
/// read; the largest labs have half as many. A step has three at least, so that they bound the steps, too.
pub const LAB_FILE_VALUES: usize = 2_000_000;

/// Maximum number of devices in a lab, including router interfaces, switches and their ports.
pub const DEVICES: usize = 100_000;

/// Maximum size of the frames in all captures of a lab's `replay` steps, after decompression, in bytes, with
/// [`HELD_FRAME_BYTES`] for each frame: they stay in memory, because a step may be repeated.
pub const STEP_CAPTURE_BYTES: usize = 256 << 20;

/// Overhead of a stored frame, in bytes.
pub const HELD_FRAME_BYTES: usize = 64;

/// Maximum bytes of data in a record of a capture. This is libpcap's limit: a larger claim is not a capture of frames.
pub const RECORD_BYTES: u32 = 262_144;

/// Maximum length of a frame in a capture, in bytes. Longer ones were never on an Ethernet, and do not fit an IP packet's
/// length field.
pub const FRAME_BYTES: u32 = 65_535;

/// Maximum number of interfaces in a section of a pcapng stream; a reader stores those of one section only.
pub const SECTION_INTERFACES: usize = 16_384;

/// An input exceeds its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {most} {what}")]
pub struct OverBudget {
    /// The thing that is limited.
    pub what: &'static str,
    /// The limit.
    pub most: usize,
}

/// The remaining budget.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    what: &'static str,
    most: usize,
    left: usize,
}

impl Budget {
    /// A budget of `most` of `what`, in the plural (`bytes of frames`).
    #[must_use]
    pub const fn new(what: &'static str, most: usize) -> Budget {
        Budget { what, most, left: most }
    }

    /// Uses part of it.
    ///
    /// # Errors
    /// [`OverBudget`]: the rest does not suffice.
    pub fn take(&mut self, amount: usize) -> Result<(), OverBudget> {
        self.left = self.left.checked_sub(amount).ok_or(OverBudget { what: self.what, most: self.most })?;
        Ok(())
    }
}
