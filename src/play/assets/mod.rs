//! The files of the page: its controls, and the viewer of the reports.

use crate::report::html;
use std::borrow::Cow;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// The media type and text of a file. The page itself has an empty name.
pub(super) fn find(name: &str) -> Option<(&'static str, Cow<'static, str>)> {
    let (media, text) = match name {
        "" => (HTML, include_str!("play.html")),
        "play.css" => (STYLE, include_str!("play.css")),
        "play.js" => (SCRIPT, include_str!("play.js")),
        "server.js" => (SCRIPT, include_str!("server.js")),
        "language.js" => (SCRIPT, include_str!("language.js")),
        "open.js" => (SCRIPT, include_str!("open.js")),
        "controls.js" => (SCRIPT, include_str!("controls.js")),
        "lessons.js" => (SCRIPT, include_str!("lessons.js")),
        "viewer.js" => (SCRIPT, html::SCRIPT),
        "viewer.css" => return Some((STYLE, html::style().into())),
        _ => return None,
    };
    Some((media, text.into()))
}
