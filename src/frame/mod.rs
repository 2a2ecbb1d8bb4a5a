//! Frames: addresses, the Ethernet header as used by decisions, adding and removing tags, buffers, crafting, one-line
//! summaries.

mod craft;
pub mod ethertype;
mod header;
mod mac;
mod pool;
mod retag;
mod summary;

pub use craft::{Craft, CraftBody, CraftError, Family, IpRef, MacRef, Resolve};
pub use header::{EthHeader, PacketType, Runt, Tag, VlanId};
pub use mac::{BadMac, MacAddr};
pub use pool::FramePool;
pub use retag::{Retag, Retagged};
pub use summary::summary;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

/// The bytes of one frame, from the destination address on, tags included, no FCS. Cheap to clone: the copies of a
/// flood share their bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame(Arc<Vec<u8>>);

impl Frame {
    /// Copies the bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Frame {
        Frame::from(bytes.to_vec())
    }

    #[cfg(feature = "live")]
    /// The size of its buffer in bytes: that of the longest frame that was in it.
    pub(crate) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Lower-case hex, as in events and lab files.
    #[must_use]
    pub fn to_hex(&self) -> String {
        use core::fmt::Write as _;
        self.0.iter().fold(String::with_capacity(self.0.len() * 2), |mut s, b| {
            let _ = write!(s, "{b:02x}");
            s
        })
    }
}

impl From<Vec<u8>> for Frame {
    fn from(bytes: Vec<u8>) -> Frame {
        Frame(Arc::new(bytes))
    }
}

impl Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({})", self.to_hex())
    }
}
