//! Adds and removes tags.

use super::{EthHeader, Tag};

/// Offset of a tag in a frame: after the addresses.
const TAG_AT: usize = 12;
const TAG_LEN: usize = EthHeader::TAG_LEN as usize;

/// A change of a frame's outer tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retag {
    /// The frame stays unchanged.
    Keep,
    /// The outer tag is removed.
    Remove,
    /// A tag is added.
    Add(Tag),
    /// The outer tag, which had a priority only, gets a VLAN.
    Replace(Tag),
}

/// The change from the frame's outer tag to another.
#[derive(Clone, Copy, Debug)]
pub struct Retagged<'f> {
    addresses: &'f [u8],
    tag: Option<[u8; TAG_LEN]>,
    rest: &'f [u8],
}

impl Retag {
    /// The changed frame. `None`: unchanged, which includes frames that are too short for the tag in question.
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
    /// Its parts, to be concatenated.
    #[must_use]
    pub fn parts(&self) -> [&[u8]; 3] {
        [self.addresses, self.tag.as_ref().map_or(&[], |tag| tag.as_slice()), self.rest]
    }
}
