//! "Did you mean": finds the nearest of the valid words.

/// The candidate that `word` was probably meant to be: at most a third of its letters differ.
pub(super) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let letters: Vec<char> = word.chars().take(40).flat_map(char::to_lowercase).collect();
    let limit = (letters.len() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|c| c.chars().count().abs_diff(letters.len()) <= limit)
        .map(|c| (distance(&letters, &c.chars().flat_map(char::to_lowercase).collect::<Vec<_>>()), c))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// The edit distance: insertions, deletions, replacements and swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut d = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                d = d.min(before[j - 1] + 1);
            }
            row.push(d);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

/// The words as an enumeration: `a`, `b` or `c`.
pub(super) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "none".to_owned(),
    }
}

/// "did you mean …?" if one of the words is near, otherwise all of them.
pub(super) fn hint(word: &str, words: &[&str]) -> String {
    match (nearest(word, words.iter().copied()), words) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, [only]) => format!("use `{only}`"),
        (None, _) => format!("use one of {}", list(words)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_swaps_once() {
        let d = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!(d("hairpin", "hairpin"), 0);
        assert_eq!(d("hiarpin", "hairpin"), 1);
        assert_eq!(d("harpin", "hairpin"), 1);
        assert_eq!(d("", "abc"), 3);
        assert_eq!(d("vepa", "bridge"), 6);
    }

    #[test]
    fn only_near_words_are_suggested() {
        assert_eq!(nearest("birdge", ["vepa", "bridge"]), Some("bridge"));
        assert_eq!(nearest("VEPA", ["vepa", "bridge"]), Some("vepa"));
        assert_eq!(nearest("router", ["vepa", "bridge"]), None);
    }
}
