//! Patterns of names, as in the shell.

/// Whether a name fits a pattern with `*`, `?` and `[…]`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    // The places in the pattern that the name may have led to: no exponential search.
    let pattern: Vec<char> = pattern.chars().take(64).collect();
    let step = |from: usize, c: char| -> Option<usize> {
        match *pattern.get(from)? {
            '?' => Some(from + 1),
            '[' => {
                let end = from + pattern[from..].iter().position(|c| *c == ']')?;
                is_in(&pattern[from + 1..end], c).then_some(end + 1)
            }
            own => (own == c).then_some(from + 1),
        }
    };
    let mut states = vec![0];
    for c in name.chars() {
        skip_stars(&pattern, &mut states);
        let mut next: Vec<usize> = states.iter().filter_map(|at| step(*at, c)).collect();
        next.extend(states.iter().copied().filter(|at| pattern.get(*at) == Some(&'*')));
        next.dedup();
        states = next;
    }
    skip_stars(&pattern, &mut states);
    states.contains(&pattern.len())
}

/// A star may stand for nothing.
fn skip_stars(pattern: &[char], states: &mut Vec<usize>) {
    let mut at = 0;
    while at < states.len() {
        let state = states[at];
        if pattern.get(state) == Some(&'*') && !states.contains(&(state + 1)) {
            states.push(state + 1);
        }
        at += 1;
    }
}

fn is_in(set: &[char], c: char) -> bool {
    let (set, wanted) = match set {
        ['!' | '^', rest @ ..] => (rest, false),
        set => (set, true),
    };
    let ranges = set.windows(3).any(|range| range[1] == '-' && range[0] <= c && c <= range[2]);
    (set.contains(&c) || ranges) == wanted
}
