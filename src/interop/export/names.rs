//! Names that a tool accepts.

use std::collections::BTreeSet;

/// Names of one kind, all different.
pub(super) struct Names {
    is_allowed: fn(char) -> bool,
    lower_case: bool,
    taken: BTreeSet<String>,
}

impl Names {
    /// Of containers and services: letters, digits, `_`, `.` and `-`, the first of them a letter or digit.
    pub(super) fn of_containers() -> Names {
        Names {
            is_allowed: |c| c.is_ascii_alphanumeric() || "_.-".contains(c),
            lower_case: false,
            taken: BTreeSet::new(),
        }
    }

    /// Of objects of Kubernetes (RFC 1123): small letters, digits and `-`.
    pub(super) fn of_kubernetes() -> Names {
        Names {
            is_allowed: |c| c.is_ascii_alphanumeric() || c == '-',
            lower_case: true,
            taken: BTreeSet::new(),
        }
    }

    /// This name, or one like it that is allowed and not taken yet.
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let name: String = wanted.chars().map(|c| if (self.is_allowed)(c) { c } else { '-' }).collect();
        let name = if self.lower_case { name.to_ascii_lowercase() } else { name };
        let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let name = if name.is_empty() { "unnamed" } else { name };
        let others = (2..).map(|number: u64| format!("{name}-{number}"));
        let mut names = std::iter::once(name.to_owned()).chain(others);
        let name = names.find(|name| !self.taken.contains(name)).unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }
}
