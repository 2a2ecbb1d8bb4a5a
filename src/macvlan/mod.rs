//! The macvlan demultiplexer.

mod mode;

pub use mode::{MacvlanFlags, Mode, SourcesChange};
