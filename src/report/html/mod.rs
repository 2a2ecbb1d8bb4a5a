//! A run as a page that moves: the topology, frames on their way, every verdict.
//!
//! The hop log goes into a [`Bundle`], which is data; [`page()`] makes one self-contained file of it, and whoever serves a
//! page of his own gives the bundle to [`SCRIPT`] as JSON. The script draws with the bundle's SVG, moves frames from hop to
//! hop, and shows what was clicked on. It decides nothing, and everything it shows is text: nothing in a bundle is ever
//! read as HTML or run.
//!
//! # The script
//! ```js
//! const viewer = macvlab.mount(element, bundle); // shows the bundle in an element of the page
//! macvlab.update(bundle, { from: 12 });          // another bundle, to be played from this moment on
//! viewer.addEventListener("moment", (e) => e.detail.index);  // the reader has gone there
//! ```
//! `mount(element, bundle, options)` takes `{ start: INDEX, play: BOOL, keys: BOOL }`: the first moment shown (0), whether it
//! moves at once (false), and whether the keyboard is listened to in the whole document (true). `update(bundle, options)`
//! takes `{ from: INDEX, play: BOOL }`: the moment to go on from (where the reader is) and whether it moves from there
//! (true if `from` is given). `viewer.slot` is an empty element above the diagram for controls of one's own.
//!
//! | file | what it does |
//! | --- | --- |
//! | `bundle.rs` | the shape of the JSON |
//! | `recorder.rs`, `index.rs` | collects it from the hop log |
//! | `because.rs` | why a step came out as it did |
//! | `way.rs` | from where a frame came to a hop |
//! | `page.rs` | the file |
//! | `decode.js` | headers, out of bytes |
//! | `stage.js` | the diagram, and what moves in it |
//! | `panels.js` | steps, hops, frame and device |
//! | `viewer.js` | where the reader is; keys and controls |

mod bundle;
mod index;
mod page;
mod recorder;
mod step_reasons;
#[cfg(test)]
mod tests;
mod way;

pub use bundle::{Bundle, MAX_DRAWINGS, MAX_HOPS};
pub use page::{SCRIPT, page, style};
pub use recorder::Recorder;
pub use step_reasons::{Reason, because};

use crate::lab::Event;

/// The bundle of a whole hop log, best made with [`Options::decisions`] and [`Options::changes`] set.
///
/// [`Options::decisions`]: crate::lab::Options::decisions
/// [`Options::changes`]: crate::lab::Options::changes
#[must_use]
pub fn bundle(events: &[Event]) -> Bundle {
    let mut recorder = Recorder::default();
    for event in events {
        recorder.event(event);
    }
    recorder.finish()
}
