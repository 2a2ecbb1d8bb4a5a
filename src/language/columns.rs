//! Text in the columns of a terminal, where a Chinese character takes two.

use unicode_width::UnicodeWidthStr as _;

/// Marks that stay with what is before them when a line is broken.
const CLOSING: &str = "，。、；：？！）”》」";

/// Marks that stay with what is behind them.
const OPENING: &str = "（“《「";

/// The number of columns that a text takes on a terminal.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.width()
}

/// The text with spaces behind it, so that it takes at least this many columns.
#[must_use]
pub fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(columns(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Two sentences in one line, with a space between them if the first has no wide mark at its end.
#[must_use]
pub fn spaced(first: &str, second: &str) -> String {
    let space = if first.ends_with(|c| CLOSING.contains(c)) { "" } else { " " };
    format!("{first}{space}{second}")
}

/// Wraps text between words, or between Chinese characters, at a width in columns, with continuation lines indented by this
/// many spaces.
#[must_use]
pub fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let mut lines = String::new();
    let mut column = indent;
    for (number, word) in text.split(' ').enumerate() {
        for (place, piece) in pieces(word).enumerate() {
            let space = usize::from(number > 0 && place == 0);
            let length = columns(piece);
            if column > indent && column + space + length > width {
                lines.push('\n');
                lines.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            } else if column > indent && space > 0 {
                lines.push(' ');
                column += 1;
            }
            lines.push_str(piece);
            column += length;
        }
    }
    lines
}

/// The parts of a word between which a line may be broken.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(word);
    std::iter::from_fn(move || {
        let word = rest.take()?;
        let (piece, left) = word.split_at(first_break(word).unwrap_or(word.len()));
        rest = (!left.is_empty()).then_some(left);
        Some(piece)
    })
}

/// The first place in a word where a line may be broken, in bytes.
fn first_break(word: &str) -> Option<usize> {
    let is_wide = |c: char| columns(c.encode_utf8(&mut [0; 4])) > 1;
    let nexts = word.char_indices().skip(1);
    let mut pairs = word.chars().zip(nexts);
    let between = |(before, (_, after)): &(char, (usize, char))| {
        (is_wide(*before) || is_wide(*after)) && !CLOSING.contains(*after) && !OPENING.contains(*before)
    };
    pairs.find(between).map(|(_, (at, _))| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two three four", 2, 11), "one two\n  three\n  four");
        assert_eq!(wrapped("one two", 0, 7), "one two");
        assert_eq!(wrapped("unbreakable word", 4, 8), "unbreakable\n    word");
        assert_eq!(wrapped("", 4, 8), "");
    }

    #[test]
    fn lines_are_broken_between_chinese_characters_but_not_before_a_mark() {
        assert_eq!(wrapped("父接口的端口", 0, 8), "父接口的\n端口");
        assert_eq!(wrapped("父接口，端口", 2, 8), "父接\n  口，端\n  口");
        assert_eq!(wrapped("端口 c1 收到", 0, 7), "端口 c1\n收到");
        assert_eq!(wrapped("端口（c1）收", 0, 8), "端口\n（c1）收");
    }

    #[test]
    fn sentences_have_a_space_between_them_in_english() {
        assert_eq!(spaced("One.", "Two."), "One. Two.");
        assert_eq!(spaced("能。", "是。"), "能。是。");
    }

    #[test]
    fn columns_are_counted() {
        assert_eq!((columns("c1"), columns("端口")), (2, 4));
        assert_eq!((padded("端口", 6), padded("端口", 3)), ("端口  ".to_owned(), "端口".to_owned()));
    }
}
