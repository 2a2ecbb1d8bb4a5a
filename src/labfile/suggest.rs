//! "Did you mean": finds the nearest of the valid words.

/// Words of `ip link`, `bridge` and configuration files, and the words of the lab file with the same meaning. The first
/// that is valid at the place is suggested.
const SYNONYMS: [(&str, &[&str]); 25] = [
    ("bridge", &["switch"]),
    ("dev", &["parent", "cable", "port", "nic"]),
    ("ether", &["mac"]),
    ("gw", &["gateway"]),
    ("host", &["station"]),
    ("hwaddr", &["mac"]),
    ("id", &["id", "vlan"]),
    ("inet", &["address"]),
    ("inet6", &["address"]),
    ("interface", &["parent", "interfaces", "nic"]),
    ("ip", &["address"]),
    ("ip4", &["address"]),
    ("ip6", &["address"]),
    ("ipaddr", &["address"]),
    ("ipaddress", &["address"]),
    ("ips", &["address"]),
    ("ipv4", &["address"]),
    ("ipv6", &["address"]),
    ("link", &["parent", "cable", "nic"]),
    ("lladdr", &["mac"]),
    ("lower", &["parent"]),
    ("master", &["parent"]),
    ("type", &["mode", "ethertype", "kind"]),
    ("via", &["gateway"]),
    ("vid", &["id", "vlan"]),
];

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

/// The valid word with the meaning of a word from elsewhere; `None` if the word is not one of those.
///
/// `Some(None)`: it is one, but nothing here has its meaning. Then similar letters would be a coincidence.
fn synonym<'c>(word: &str, words: &[&'c str]) -> Option<Option<&'c str>> {
    let (_, meanings) = SYNONYMS.iter().find(|(other, _)| other.eq_ignore_ascii_case(word))?;
    Some(meanings.iter().find_map(|meaning| words.iter().find(|valid| *valid == meaning).copied()))
}

/// "did you mean …?" if one of the words has the same meaning or is near, otherwise all of them.
pub(super) fn hint(word: &str, words: &[&str]) -> String {
    let meant = synonym(word, words).unwrap_or_else(|| nearest(word, words.iter().copied()));
    match (meant, words) {
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

    #[test]
    fn words_of_other_tools_are_understood() {
        let device = ["mac", "mtu", "up", "address", "gateway", "parent", "mode", "id"];
        let meant = [
            ("address", &["ip", "IP", "ipv4", "ipaddr"][..]),
            ("gateway", &["gw", "via"]),
            ("parent", &["master", "link", "dev"]),
            ("mode", &["type"]),
            ("mac", &["hwaddr", "lladdr"]),
            ("id", &["vid"]),
        ];
        for (key, words) in meant {
            for word in words {
                assert_eq!(hint(word, &device), format!("did you mean `{key}`?"), "{word}");
            }
        }
        assert_eq!(hint("link", &["mac", "cable"]), "did you mean `cable`?");
        assert_eq!(hint("id", &["mac", "vlan"]), "did you mean `vlan`?");
        assert_eq!(hint("bridge", &["nic", "switch"]), "did you mean `switch`?");
    }

    #[test]
    fn a_word_without_a_counterpart_is_not_compared_by_letters() {
        assert_eq!(hint("ip", &["up", "mtu"]), "use one of `up` or `mtu`");
    }
}
