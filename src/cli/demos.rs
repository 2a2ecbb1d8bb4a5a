//! The built-in labs. A new one is a file in `fixtures/labs` and an entry here.

/// A built-in lab.
pub(super) struct Demo {
    /// What it is called on the command line.
    pub(super) name: &'static str,
    /// What is asked.
    pub(super) question: &'static str,
    /// What one learns from it.
    pub(super) lesson: &'static str,
    /// Part of the experiment that runs if no name is given.
    pub(super) hairpin_experiment: bool,
    /// The lab file.
    pub(super) text: &'static str,
}

macro_rules! demos {
    ($($name:literal, $experiment:literal, $question:literal, $lesson:literal;)*) => {
        &[$(Demo {
            name: $name,
            question: $question,
            lesson: $lesson,
            hairpin_experiment: $experiment,
            text: include_str!(concat!("../../fixtures/labs/", $name, ".toml")),
        },)*]
    };
}

/// Every one, in the order in which they are listed and run.
pub(super) const ALL: &[Demo] = demos! {
    "arp-vepa", true, "vepa, hairpin off: does c1 reach its sibling c2?",
        "A vepa port sends everything to the wire, and a switch does not send a frame back where it came from.";
    "arp-vepa-hairpin", true, "vepa, hairpin on: does c1 reach its sibling c2?",
        "The switch reflects the frames, and the parent hands them to the other port: vepa needs such a switch.";
    "arp-private", true, "private, hairpin on: does c1 reach its sibling c2?",
        "The request comes back, and goes to nobody but its sender: no switch joins private ports.";
    "arp-bridge", true, "bridge, hairpin off: does c1 reach its sibling c2?",
        "Bridge ports of one parent reach each other without the wire.";
    "arp-passthru", true, "passthru: is there a sibling to reach?",
        "One passthru port takes the parent over; a second port is refused.";
    "arp-host", true, "bridge: does c1 reach the host that it runs on?",
        "A port and its parent do not reach each other directly, whatever the mode.";
};

/// The lab of this name.
pub(super) fn find(name: &str) -> Option<&'static Demo> {
    ALL.iter().find(|d| d.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use macvlab::lab::{Lab, Options};

    #[test]
    fn every_demo_is_a_good_lab_that_holds() {
        for demo in ALL {
            let spec = macvlab::labfile::parse(demo.name, demo.text)
                .unwrap_or_else(|e| panic!("{}", e.render(false)));
            assert!(!spec.steps.is_empty(), "{}", demo.name);
            let summary = Lab::new(&spec, Options::default()).run(&mut |_| ());
            assert!(summary.ok(), "{}: {summary:?}", demo.name);
        }
    }

    #[test]
    fn names_are_unique() {
        for demo in ALL {
            assert_eq!(ALL.iter().filter(|d| d.name == demo.name).count(), 1, "{}", demo.name);
        }
    }
}
