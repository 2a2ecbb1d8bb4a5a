//! The page: one file that fetches nothing and runs no script but its own.

use super::Bundle;
use crate::language::Language;
use crate::report::draw;
use crate::report::draw::escape;
use std::fmt::Write as _;

/// The style of the viewer; it needs [`draw::STYLE`] too.
const VIEWER_STYLE: &str = include_str!("page.css");

/// The script, which defines one global name, `macvlab` (see the [module's](super) documentation).
pub const SCRIPT: &str = concat!(
    include_str!("decode.js"),
    "\n",
    include_str!("words.js"),
    "\n",
    include_str!("stage.js"),
    "\n",
    include_str!("panels.js"),
    "\n",
    include_str!("sequence.js"),
    "\n",
    include_str!("viewer.js")
);

/// Starts the viewer of a page that contains its bundle; the fragment of its URL is the moment, from 1.
const START: &str = "macvlab.catalogue = JSON.parse(document.getElementById(\"macvlab-words\").textContent); \
                     macvlab.start(document.getElementById(\"macvlab\"), \
                     JSON.parse(document.getElementById(\"macvlab-bundle\").textContent));";

/// The viewer's complete style, light and dark.
#[must_use]
pub fn style() -> String {
    format!("{}[data-theme=\"dark\"] {{\n{}}}\n{VIEWER_STYLE}", draw::STYLE, draw::DARK_STYLE)
}

/// A page that shows the bundle: one HTML file that fetches nothing.
///
/// # Errors
/// As [`Bundle::to_json`].
pub fn page(bundle: &Bundle) -> Result<String, serde_json::Error> {
    page_in(Language::English, bundle)
}

/// The same in another language, in which the bundle [is already](Bundle::in_language).
///
/// # Errors
/// As [`Bundle::to_json`].
pub fn page_in(language: Language, bundle: &Bundle) -> Result<String, serde_json::Error> {
    let (json, style, words) = (bundle.to_json()?, style(), language.page_words());
    let (style_hash, script_hash, start_hash) = (hash(&style), hash(SCRIPT), hash(START));
    let title = if bundle.title().is_empty() { "A lab" } else { bundle.title() };
    let (title, tag) = (escape(title), language.tag());
    let mut out = String::with_capacity(json.len() + style.len() + SCRIPT.len() + 2048);
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{style_hash}'; \
         script-src '{script_hash}' '{start_hash}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"macvlab\">\n<title>{title} – macvlab</title>\n\
         <style>{style}</style>\n</head>\n<body>\n<div id=\"macvlab\"></div>\n\
         <noscript><p>{title}: this page needs JavaScript, which your browser does not run. \
         <code>macvlab run LAB --explain</code> shows the same as text.</p></noscript>\n\
         <script type=\"application/json\" id=\"macvlab-words\">{words}</script>\n\
         <script type=\"application/json\" id=\"macvlab-bundle\">{json}</script>\n\
         <script>{SCRIPT}</script>\n<script>{START}</script>\n</body>\n</html>\n"
    );
    Ok(out)
}

/// The source expression that allows exactly this inline text (Content Security Policy Level 3, 2.3.1).
pub(crate) fn hash(text: &str) -> String {
    format!("sha256-{}", base64(&hmac_sha256::Hash::hash(text.as_bytes())))
}

/// RFC 4648, 4.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let number = group.iter().chain([0, 0].iter()).take(3).fold(0, |n, byte| n << 8 | usize::from(*byte));
        for place in 0..4 {
            let digit = char::from(DIGITS[number >> (18 - 6 * place) & 63]);
            out.push(if place <= group.len() { digit } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        assert_eq!(
            [b"".as_slice(), b"f", b"fo", b"foo", b"foob"].map(base64),
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]
        );
        // The hash of the empty text is well known.
        assert_eq!(hash(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
