//! A run as an animated page: the topology, the frames' paths, every verdict.
//!
//! The hop log goes into a [`Bundle`], which is data; [`page()`] makes one self-contained file of it, and an
//! application with its own page passes the bundle to [`SCRIPT`] as JSON. The script draws with the bundle's SVG, moves
//! frames from hop to hop, and shows details on click. It decides nothing, and everything it shows is text: no part of
//! a bundle is ever parsed as HTML or executed.
//!
//! # The script
//! ```js
//! const viewer = macvlab.mount(element, bundle); // shows the bundle in an element of the page
//! macvlab.update(bundle, { from: 12 });          // another bundle, played from this moment on
//! viewer.addEventListener("moment", (e) => e.detail.index);  // the viewer has moved there
//! ```
//! `mount(element, bundle, options)` takes `{ start: INDEX, play: BOOL, keys: BOOL }`: the first moment shown (0),
//! whether it plays at once (false), and whether it handles keys in the whole document (true). `update(bundle,
//! options)` takes `{ from: INDEX, play: BOOL }`: the moment to continue from (the current one) and whether it plays
//! from there (true if `from` is given). `viewer.slot` is an empty element above the diagram for the application's
//! controls.
//!
//! | file | what it does |
//! | --- | --- |
//! | `bundle.rs` | the format of the JSON |
//! | `recorder.rs`, `index.rs` | collects the bundle from the hop log |
//! | `help.rs` | what would help where a step got no reply |
//! | `way.rs` | the hop that a frame came from |
//! | `page.rs` | the file |
//! | `decode.js` | decodes headers from bytes |
//! | `stage.js` | the diagram and its animation |
//! | `panels.js` | the panels for steps, hops, frame and device |
//! | `viewer.js` | the current moment; keys and controls |

mod bundle;
mod help;
mod index;
mod page;
mod recorder;
#[cfg(test)]
mod tests;
mod way;

pub use bundle::{Bundle, MAX_DRAWINGS, MAX_HOPS};
pub use help::{MAX_HELPED, MAX_HELPED_SIZE, MAX_HELPED_WORK, TextOf};
pub use page::{SCRIPT, page, page_in, style};
#[cfg(feature = "play")]
pub(crate) use page::{base64, hash};
pub use recorder::Recorder;

use crate::lab::Event;

/// The bundle of a whole hop log, preferably made with [`Options::decisions`] and [`Options::changes`] set.
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
