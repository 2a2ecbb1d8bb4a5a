//! The playground as one page that contains the engine: it needs no server, and asks none.

use crate::report::html::{self, base64, hash};
use serde_json::json;
use std::fmt::Write as _;
use std::io;

const HTML: &str = include_str!("assets/play.html");
const STYLE: &str = include_str!("assets/play.css");
/// What unpacks the rest.
const BOOT: &str = include_str!("assets/boot.js");
const WORKER: &str = include_str!("assets/worker.js");

/// The scripts of the page, after the viewer's.
const SCRIPTS: [&str; 7] = [
    include_str!("assets/controls.js"),
    include_str!("assets/lessons.js"),
    include_str!("assets/language.js"),
    include_str!("assets/share.js"),
    include_str!("assets/engine.js"),
    include_str!("assets/open.js"),
    include_str!("assets/play.js"),
];

/// Where the lab of a page begins and ends.
const LAB: [&str; 2] = ["<script type=\"application/json\" id=\"page-lab\">", "</script>"];

/// What a page is made of, besides its scripts: the WebAssembly modules of `web/`.
#[derive(Clone, Copy, Debug)]
pub struct Modules<'a> {
    /// The engine.
    pub engine: &'a [u8],
    /// What unpacks the engine in the page.
    pub unpack: &'a [u8],
}

/// The page with these modules. It opens this lab, which is the text of a lab file. What is large in it is packed by `pack`,
/// which must be the inverse of the second module.
///
/// The page's policy allows its own scripts, the engine, and nothing else: no request goes anywhere.
///
/// # Errors
/// Those of `pack`.
pub fn page(
    modules: Modules<'_>,
    lab: &str,
    pack: &dyn Fn(&[u8]) -> io::Result<Vec<u8>>,
) -> io::Result<String> {
    let style = format!("{}\n{STYLE}", html::style());
    let script = [&[html::SCRIPT][..], &SCRIPTS].concat().join("\n");
    let parts = json!([
        ["style", null, null, style],
        ["script", "text/plain", "page-worker", WORKER],
        ["script", null, null, script],
    ])
    .to_string();
    let body = HTML.split_once("<body>").and_then(|(_, rest)| rest.split_once("</body>"));
    let body = body.map_or("", |(body, _)| body).trim();
    let hashes = [BOOT, &script].map(|text| format!("'{}'", hash(text))).join(" ");
    let style_hash = hash(&style);
    let [begin, end] = LAB;
    let mut out = String::with_capacity(modules.engine.len());
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{style_hash}'; \
         script-src {hashes} 'wasm-unsafe-eval'; worker-src blob:; img-src data:; base-uri 'none'; \
         form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"macvlab\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>macvlab play</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n</head>\n<body>\n{body}\n\
         {begin}{}{end}\n<script type=\"text/plain\" id=\"page-unpack\">{}</script>\n",
        embedded(lab),
        base64(modules.unpack),
    );
    for (id, bytes) in [("page-parts", parts.as_bytes()), ("page-engine", modules.engine)] {
        let (length, text) = (bytes.len(), seven_bit(&pack(bytes)?));
        let _ =
            writeln!(out, "<script type=\"text/plain\" id=\"{id}\" data-length=\"{length}\">{text}</script>");
    }
    let _ = write!(out, "<script>{BOOT}</script>\n</body>\n</html>\n");
    Ok(out)
}

/// Bytes as text with seven bits in each character; `boot.js` reads it. What cannot stand in an element (NUL, carriage
/// return, `<`; HTML 13.2.3.5, 13.2.5.4) is written as another character.
fn seven_bit(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 6 / 5);
    let (mut bits, mut held) = (0u16, 0);
    let mut put = |value: u16| {
        out.push(match value as u8 & 0x7f {
            0 => '\u{c0}',
            b'\r' => '\u{c1}',
            b'<' => '\u{c2}',
            other => char::from(other),
        });
    };
    for byte in bytes {
        bits = bits << 8 | u16::from(*byte);
        held += 8;
        while held >= 7 {
            held -= 7;
            put(bits >> held);
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        put(bits << (7 - held));
    }
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
    json!({ "text": lab }).to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::seven_bit;

    #[test]
    fn no_character_of_packed_bytes_ends_an_element_or_is_changed_by_a_parser() {
        let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        let text = seven_bit(&bytes);
        assert!(!text.contains(['\0', '\r', '<']), "{text:?}");
        let value = |c: char| match c {
            '\u{c0}' => 0,
            '\u{c1}' => 13,
            '\u{c2}' => 60,
            c => u32::from(c),
        };
        let bits: Vec<u32> =
            text.chars().map(value).flat_map(|value| (0..7).rev().map(move |at| value >> at & 1)).collect();
        let read: Vec<u32> =
            bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit)).collect();
        assert_eq!(read, bytes.into_iter().map(u32::from).collect::<Vec<_>>());
    }
}
