//! What the page is made of.

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Names, media types and texts. The page itself has no name.
pub(super) const ALL: [(&str, &str, &str); 6] = [
    ("", HTML, include_str!("play.html")),
    ("play.css", STYLE, include_str!("play.css")),
    ("play.js", SCRIPT, include_str!("play.js")),
    ("controls.js", SCRIPT, include_str!("controls.js")),
    ("viewer.css", STYLE, ""),
    ("viewer.js", SCRIPT, ""),
];
