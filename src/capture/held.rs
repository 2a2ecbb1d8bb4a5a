//! A capture that is kept in memory, because a step may replay it more than once.

use super::{BadRecord, Reader, Steady};
use crate::frame::Frame;
use crate::limits::{Budget, HELD_FRAME_BYTES, OverBudget};
use crate::time::Instant;
use std::sync::Arc;

/// The frames of a capture with their [times](Steady). Bad records are passed on, and left out.
///
/// # Errors
/// Its frames, each with [`HELD_FRAME_BYTES`], exceed the budget.
pub fn hold(
    reader: Reader,
    budget: &mut Budget,
    mut bad: impl FnMut(BadRecord),
) -> Result<Arc<[(Instant, Frame)]>, OverBudget> {
    let mut reader = Steady::new(reader);
    let mut frames = Vec::new();
    while let Some(record) = reader.next_record() {
        match record {
            Ok(record) => {
                budget.take(record.data.len() + HELD_FRAME_BYTES)?;
                frames.push((record.time, Frame::new(record.data)));
            }
            Err(record) => bad(record),
        }
    }
    Ok(frames.into())
}
