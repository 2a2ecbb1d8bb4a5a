//! "Did you mean": finds the nearest of the valid words.

/// The candidate that `word` was probably meant to be: at most a third of its letters differ.
pub(super) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // No valid word is as long: the distance takes time by the product of both lengths.
    let word: String = word.chars().take(40).flat_map(char::to_lowercase).collect();
    let length = word.chars().count();
    let limit = (length / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|c| c.chars().count().abs_diff(length) <= limit)
        .map(|c| (strsim::osa_distance(&word, &c.to_lowercase()), c))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
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
    fn only_near_words_are_suggested() {
        assert_eq!(nearest("birdge", ["vepa", "bridge"]), Some("bridge"));
        assert_eq!(nearest("VEPA", ["vepa", "bridge"]), Some("vepa"));
        assert_eq!(nearest("router", ["vepa", "bridge"]), None);
    }
}
