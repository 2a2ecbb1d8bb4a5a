//! Escapes untrusted text for a terminal.

use std::fmt::Display;

/// The text with control characters and bidirectional format characters
/// escaped, as in a Rust string, so that it cannot control a terminal. Line breaks and tabs stay.
///
/// ```
/// assert_eq!(macvlab::plain::plain("a\u{1b}[2Jb"), r"a\u{1b}[2Jb");
/// ```
#[must_use]
pub fn plain(text: impl Display) -> String {
    let mut plain = String::new();
    for c in text.to_string().chars() {
        match c {
            '\n' | '\t' => plain.push(c),
            // U+061C to U+2069: Unicode's bidirectional format characters.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                plain.extend(c.escape_default());
            }
            c if c.is_control() => plain.extend(c.escape_default()),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn names_can_do_nothing_to_a_terminal() {
        let bad = "a\u{1b}[31mb\u{9b}2Jc\r\u{7f}\u{202e}d\u{0}";
        assert_eq!(plain(bad), r"a\u{1b}[31mb\u{9b}2Jc\r\u{7f}\u{202e}d\u{0}");
        assert_eq!(plain("eth0: größer\n\tthan"), "eth0: größer\n\tthan");
    }
}
