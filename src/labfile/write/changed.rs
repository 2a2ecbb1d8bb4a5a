//! The lines by which two lab files differ.

use super::write;
use crate::lab::spec::LabSpec;
use std::collections::BTreeMap;
use std::fmt;

/// A table's place in a file: its header, and how many before it have the same one.
type Place<'a> = (&'a str, usize);

/// A table with its keys.
type Table<'a> = (Place<'a>, Vec<Key>);

/// The lines that make the second lab of the first, by table: each table's header, then its keys that are new or have
/// another value; a key that is gone as a comment. Steps and lessons are left out.
#[must_use]
pub fn changed_lines(before: &LabSpec, after: &LabSpec) -> Vec<String> {
    let devices = |spec: &LabSpec| LabSpec { steps: Vec::new(), lesson: Vec::new(), ..spec.clone() };
    let (before, after) = (write(&devices(before)), write(&devices(after)));
    let (before, after) = (tables(&before), tables(&after));
    let keys = |tables: &[Table<'_>], place: Place<'_>| {
        tables.iter().find(|table| table.0 == place).map(|table| table.1.clone())
    };
    let mut lines = Vec::new();
    let gone = before.iter().map(|table| table.0).filter(|place| keys(&after, *place).is_none());
    for place in after.iter().map(|table| table.0).chain(gone) {
        let (old, new) = (keys(&before, place), keys(&after, place).unwrap_or_default());
        let known = |key: &&Key| !old.as_ref().is_some_and(|old| old.contains(key));
        let mut changed: Vec<String> = new.iter().filter(known).map(ToString::to_string).collect();
        let missing = |key: &&Key| !new.iter().any(|known| known.name == key.name);
        changed.extend(old.iter().flatten().filter(missing).map(|key| format!("# without: {key}")));
        if !changed.is_empty() || old.is_none() {
            lines.push(place.0.to_owned());
            lines.extend(changed.iter().flat_map(|key| key.lines().map(str::to_owned)));
        }
    }
    lines
}

/// A key and its value, without the spaces that align them.
#[derive(Clone, PartialEq)]
struct Key {
    name: String,
    value: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.name, self.value)
    }
}

/// The tables of a written file with their keys; a value of several lines is one value.
fn tables(text: &str) -> Vec<Table<'_>> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut tables: Vec<Table<'_>> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if line.starts_with('[') {
            let number = seen.entry(line).or_default();
            tables.push(((line, *number), Vec::new()));
            *number += 1;
            continue;
        }
        let Some((_, keys)) = tables.last_mut() else { continue };
        match (keys.last_mut(), line.split_once(" = ")) {
            // The lines of a list are indented, and its last one closes it.
            (Some(key), _) if line.starts_with([' ', ']']) => {
                key.value.push('\n');
                key.value.push_str(line);
            }
            (_, Some((name, value))) => {
                keys.push(Key { name: name.trim_end().to_owned(), value: value.trim_start().to_owned() });
            }
            _ => {}
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labfile::parse;

    fn lines(before: &str, after: &str) -> Vec<String> {
        let lab = |text| parse("lab.toml", text).expect("a lab");
        changed_lines(&lab(before), &lab(after))
    }

    #[test]
    fn only_what_differs_is_shown() {
        let before =
            "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\nmtu = 1400\n[switch.sw.port.eth0]\nlocked = true\n";
        let after = "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\nmtu = 1400\nmode = \"bridge\"\n[switch.sw.port.eth0]\n";
        let expected =
            ["[macvlan.c1]", "mode = \"bridge\"", "[switch.sw.port.eth0]", "# without: locked = true"];
        assert_eq!(lines(before, after), expected);
        assert!(lines(before, before).is_empty());
    }

    #[test]
    fn a_table_that_is_gone_shows_what_is_gone_with_it() {
        let before = "[nic.eth0]\n[switch.sw]\nvlan_filtering = true\n[switch.sw.port.eth0]\n";
        let after = "[nic.eth0]\n[switch.sw.port.eth0]\n";
        assert_eq!(lines(before, after), ["[switch.sw]", "# without: vlan_filtering = true"]);
    }

    #[test]
    fn a_new_table_and_a_list_are_shown_whole() {
        let before = "[nic.eth0]\n[switch.sw.port.eth0]\n";
        let after = "[nic.eth0]\n[station.a]\n[switch.sw]\n\
                     fdb = [{ mac = \"02:00:00:00:00:01\", port = \"eth0\" }]\n[switch.sw.port.eth0]\n";
        let shown = lines(before, after).join("\n");
        let expected =
            "[station.a]\n[switch.sw]\nfdb = [\n    { mac = \"02:00:00:00:00:01\", port = \"eth0\" },\n]";
        assert_eq!(shown, expected);
    }
}
