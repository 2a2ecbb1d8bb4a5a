//! Scalars of YAML.

use std::fmt::Write as _;
use std::net::IpAddr;

/// Words that YAML 1.1 or 1.2 reads as something else than a string.
const RESERVED: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"];

/// A string as a scalar: plain where every reader takes it for this string, otherwise in double quotes.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// A string in double quotes, as JSON and YAML have it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Writing into a string does not fail.
            c if c.is_control() || is_break(c) => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Characters that end a line in YAML, or that it does not allow.
fn is_break(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn is_plain(text: &str) -> bool {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    let Some(first) = text.chars().next() else { return false };
    let is_word = first.is_ascii_alphabetic() || first == '/';
    text.chars().all(is_safe)
        && (is_word || is_address(text))
        && !RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// An IPv4 address or subnet, which is no number.
fn is_address(text: &str) -> bool {
    let (address, length) = text.split_once('/').unwrap_or((text, "0"));
    matches!(address.parse(), Ok(IpAddr::V4(_))) && length.parse::<u8>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::super::tree;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_like_something_else_is_quoted() {
        for plain in ["web", "eth0.10", "192.0.2.0/24", "192.0.2.1", "macvlan0", "/dev/net"] {
            assert_eq!(scalar(plain), plain);
        }
        for odd in
            ["", "no", "Null", "1e3", "0x1f", "12", "10:20:30:40:50:59", "2001:db8::1", "a: b", "- a", "#a"]
        {
            assert_eq!(scalar(odd), format!("\"{odd}\""));
        }
        assert_eq!(scalar("a\"\\\n"), r#""a\"\\\n""#);
    }

    proptest! {
        #[test]
        fn every_string_is_read_as_itself(text in "\\PC{0,12}|[a-z0-9.:#\"' \\\\{}\\[\\]&*!|>%@`,?~-]{1,8}") {
            let document = format!("{}: {}\n", scalar(&text), scalar(&text));
            let read = tree::documents(&document, 0).unwrap_or_else(|error| panic!("{error:?}: {document}"));
            let (key, value) = read[0].entries()[0].clone();
            prop_assert_eq!((key.text.as_str(), value.text()), (text.as_str(), Some(text.as_str())), "{}", document);
        }
    }
}
