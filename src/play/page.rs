//! The playground as one page that contains the engine: it needs no server, and asks none.

use crate::report::html::{self, base64, hash};
use std::fmt::Write as _;

const HTML: &str = include_str!("assets/play.html");
const STYLE: &str = include_str!("assets/play.css");
const WORKER: &str = include_str!("assets/worker.js");

/// The scripts of the page, after the viewer's.
const SCRIPTS: [&str; 6] = [
    include_str!("assets/controls.js"),
    include_str!("assets/lessons.js"),
    include_str!("assets/share.js"),
    include_str!("assets/engine.js"),
    include_str!("assets/open.js"),
    include_str!("assets/play.js"),
];

/// Where the lab of a page begins and ends.
const LAB: [&str; 2] = ["<script type=\"application/json\" id=\"page-lab\">", "</script>"];

/// The page with this engine: the WebAssembly module of `web/`, compressed as DEFLATE (RFC 1951). It opens this lab, which
/// is the text of a lab file.
///
/// The page's policy allows its own scripts, the engine, and nothing else: no request goes anywhere.
#[must_use]
pub fn page(engine: &[u8], lab: &str) -> String {
    let style = format!("{}\n{STYLE}", html::style());
    let script = [&[html::SCRIPT][..], &SCRIPTS].concat().join("\n");
    let body = HTML.split_once("<body>").and_then(|(_, rest)| rest.split_once("</body>"));
    let body = body.map_or("", |(body, _)| body).trim();
    let (style_hash, script_hash) = (hash(&style), hash(&script));
    let [begin, end] = LAB;
    let mut out = String::with_capacity(engine.len() * 4 / 3 + style.len() + script.len() + 8192);
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{style_hash}'; \
         script-src '{script_hash}' 'wasm-unsafe-eval'; worker-src blob:; img-src data:; base-uri 'none'; \
         form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"macvlab\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>macvlab play</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>{style}</style>\n</head>\n<body>\n{body}\n\
         {begin}{}{end}\n<script type=\"text/plain\" id=\"page-worker\">{WORKER}</script>\n\
         <script type=\"text/plain\" id=\"page-engine\">{}</script>\n<script>{script}</script>\n</body>\n</html>\n",
        embedded(lab),
        base64(engine),
    );
    out
}

/// The page with another lab, which is the text of a lab file. `None`: it is not such a page.
#[must_use]
pub fn with_lab(page: &str, lab: &str) -> Option<String> {
    let [begin, end] = LAB;
    let (before, rest) = page.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}{}{end}{after}", embedded(lab)))
}

/// A lab as JSON that cannot end the element that it is in.
fn embedded(lab: &str) -> String {
    serde_json::json!({ "text": lab }).to_string().replace('<', "\\u003c")
}
