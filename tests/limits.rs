//! `docs/limits.md` matches the source: its numbers are those of the constants, its tests exist, and no limit is
//! missing.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::root;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Constants that do not limit input, with the reason for their name.
const NO_LIMITS: [&str; 1] = ["time.rs MAX"];

/// Every Rust file below this folder, by its path from there.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// The constants of a file, with their values.
fn constants(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let (before, rest) = line.trim_start().split_once("const ")?;
        let (name, rest) = rest.split_once(':')?;
        let (_, value) = rest.split_once(" = ")?;
        let is_item = before.is_empty() || before.starts_with("pub");
        let is_name = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        (is_item && is_name).then(|| (name, value.split_once(';').map_or(value, |(value, _)| value)))
    })
}

/// The value of a constant as a number. Durations are in seconds.
fn number(file: &str, expression: &str, source: &BTreeMap<String, String>) -> u64 {
    let value = |expression: &str| number(file, expression, source);
    let expression = expression.trim();
    if let Some(seconds) = expression.rsplit_once("::from_secs(").and_then(|(_, rest)| rest.strip_suffix(')'))
    {
        return value(seconds);
    }
    // Operators with lower precedence first.
    for operator in [" << ", " + ", " - ", " * "] {
        if let Some((left, right)) = expression.rsplit_once(operator) {
            let (left, right) = (value(left), value(right));
            return match operator {
                " << " => left << right,
                " + " => left + right,
                " - " => left - right,
                _ => left * right,
            };
        }
    }
    let (expression, _) = expression.split_once(" as ").unwrap_or((expression, ""));
    match expression.replace('_', "").parse() {
        Ok(number) => number,
        Err(_) if expression == "u16::MAX" => u16::MAX.into(),
        Err(_) => {
            // Another constant: of this file, or of a module that has it.
            let own = constants(&source[file]).map(|found| (file, found));
            let all = source.iter().flat_map(|(file, text)| constants(text).map(move |c| (file.as_str(), c)));
            let (file, (_, of)) = own
                .chain(all)
                .find(|(_, (name, _))| *name == expression)
                .unwrap_or_else(|| panic!("{file}: `{expression}` is not understood"));
            number(file, of, source)
        }
    }
}

/// A cell of the page as a number: `16 MiB`, `10 s`, `1,000`.
fn said(cell: &str) -> u64 {
    let (number, unit) = cell.split_once(' ').unwrap_or((cell, ""));
    let number: u64 = number.replace(',', "").parse().unwrap_or_else(|e| panic!("{cell}: {e}"));
    match unit {
        "" | "bytes" | "s" => number,
        "KiB" => number << 10,
        "MiB" => number << 20,
        _ => panic!("{cell}: an unknown unit"),
    }
}

/// The text between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The rows of the page's tables, in cells.
fn rows(page: &str) -> Vec<[&str; 5]> {
    let cells = |line| -> [&str; 5] {
        let cells: Vec<&str> = str::trim_matches(line, '|').split('|').map(str::trim).collect();
        cells.try_into().unwrap_or_else(|cells| panic!("five cells: {cells:?}"))
    };
    let is_row =
        |line: &&str| line.starts_with("| ") && !line.starts_with("| ---") && !line.starts_with("| limit |");
    page.lines().filter(is_row).map(cells).collect()
}

#[test]
fn the_page_of_limits_says_what_the_source_says() {
    let source = files(&root().join("src"));
    let page = fs::read_to_string(root().join("docs/limits.md")).unwrap();
    let tests: String = source.values().cloned().chain(files(&root().join("tests")).into_values()).collect();
    let mut rowed: BTreeSet<String> = NO_LIMITS.map(str::to_owned).into();
    let mut wrong = Vec::new();
    for [limit, shown, constant, _, shown_by] in rows(&page) {
        if let [file, name] = quoted(constant)[..] {
            let found = source.get(file).and_then(|text| constants(text).find(|(found, _)| *found == name));
            match found.map(|(_, value)| number(file, value, &source)) {
                None => wrong.push(format!("{limit}: there is no {name} in {file}")),
                Some(number) if number != said(shown) => {
                    wrong.push(format!("{limit}: the page says {shown}, {name} is {number}"));
                }
                Some(_) => {}
            }
            rowed.insert(format!("{file} {name}"));
        }
        if quoted(shown_by).is_empty() {
            wrong.push(format!("{limit}: no test shows what happens"));
        }
        let missing = quoted(shown_by).into_iter().filter(|test| !tests.contains(&format!("fn {test}()")));
        wrong.extend(missing.map(|test| format!("{limit}: there is no test {test}")));
    }
    for (file, text) in &source {
        let limits = constants(text).filter(|(name, _)| *name == "MAX" || name.starts_with("MAX_"));
        let missing = limits.filter(|(name, _)| !rowed.contains(&format!("{file} {name}")));
        wrong.extend(missing.map(|(name, value)| format!("{file}: {name} = {value} has no row")));
    }
    assert!(wrong.is_empty(), "docs/limits.md:\n{}", wrong.join("\n"));
    assert!(rowed.len() > 80, "{}", rowed.len());
}

/// The diagnostics for a lab file of two devices followed by this text.
fn said_of(more: &str) -> String {
    let lab = format!(
        "[nic.eth0]\naddress = \"192.0.2.1/24\"\n[station.win]\naddress = \"192.0.2.2/24\"\n[switch.sw0.port]\neth0 = {{}}\nwin = {{}}\n{more}\n"
    );
    macvlab::labfile::parse("lab.toml", &lab).map_or_else(|mistakes| mistakes.to_string(), |_| String::new())
}

#[test]
fn what_is_too_large_in_a_lab_file_is_a_mistake() {
    let inject = |what: &str| format!("[[step]]\ninject = {{ at = \"win\", {what} }}");
    let hex = |bytes: usize| inject(&format!("frame = \"{}\"", "02".repeat(bytes)));
    let tags = |count: usize| inject(&format!("ethernet = {{ vlan = [{}] }}", vec!["1"; count].join(", ")));
    let count =
        |count: u32| format!("[[step]]\narping = {{ from = \"win\", to = \"eth0\", count = {count} }}");
    let data = |bytes: usize| inject(&format!("icmp = {{ from = \"win\", to = \"eth0\", size = {bytes} }}"));
    let stations = |count: usize| -> String { (0..count).map(|n| format!("[station.s{n}]\n")).collect() };
    for (what, most, more) in [
        ("a frame", hex(65_561), hex(65_562)),
        ("tags", tags(8), tags(9)),
        ("data", data(65_507), data(65_508)),
        ("requests", count(86_400), count(86_401)),
        // The two devices, the switch and its two ports count, too.
        ("devices", stations(100_000 - 5), stations(100_001 - 5)),
    ] {
        let (most, more) = (said_of(&most), said_of(&more));
        assert_eq!(most, "", "{what}");
        assert!(more.contains("lab.toml"), "{what}: {more}");
    }
}
