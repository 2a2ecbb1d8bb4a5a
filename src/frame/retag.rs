//! Tags put on and taken off.

use super::{EthHeader, Tag};

/// Where a tag stands in a frame: behind the addresses.
const TAG_AT: usize = 12;
const TAG_LEN: usize = EthHeader::TAG_LEN as usize;

/// What happens to the outer tag of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retag {
    /// The frame goes on as it came.
    Keep,
    /// Its outer tag is taken off.
    Remove,
    /// A tag is put on.
    Add(Tag),
    /// Its outer tag, which carried a priority only, gets a VLAN.
    Replace(Tag),
}

/// A frame with another outer tag, or without the one it had.
#[derive(Clone, Copy, Debug)]
pub struct Retagged<'f> {
    addresses: &'f [u8],
    tag: Option<[u8; TAG_LEN]>,
    rest: &'f [u8],
}

impl Retag {
    /// The frame as it goes on. `None`: as it is; so does what is too short to have the tag in question.
    #[must_use]
    pub fn apply(self, frame: &[u8]) -> Option<Retagged<'_>> {
        let (cut, tag) = match self {
            Retag::Keep => return None,
            Retag::Remove => (TAG_LEN, None),
            Retag::Add(tag) => (0, Some(tag)),
            Retag::Replace(tag) => (TAG_LEN, Some(tag)),
        };
        let (addresses, rest) = (frame.get(..TAG_AT)?, frame.get(TAG_AT + cut..)?);
        let tag = tag.map(|Tag { tpid, tci }| {
            let ([a, b], [c, d]) = (tpid.to_be_bytes(), tci.to_be_bytes());
            [a, b, c, d]
        });
        Some(Retagged { addresses, tag, rest })
    }
}

impl Retagged<'_> {
    /// Its parts, to be put one behind the other.
    #[must_use]
    pub fn parts(&self) -> [&[u8]; 3] {
        [self.addresses, self.tag.as_ref().map_or(&[], |tag| tag.as_slice()), self.rest]
    }
}
