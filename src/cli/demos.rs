//! The built-in labs. A new one is a file in `fixtures/labs` and an entry here.

use super::Failure;
use macvlab::verdict::Rule;

/// A built-in lab.
pub(super) struct Demo {
    /// Its name on the command line.
    pub(super) name: &'static str,
    /// The question.
    pub(super) question: &'static str,
    /// What is tried, in a few words: the step of the first decision.
    pub(super) tried: &'static str,
    /// The reason for the outcome, in a few words: the first decision.
    pub(super) why: &'static str,
    /// The lesson.
    pub(super) lesson: &'static str,
    /// The decisions that made the difference, the most important first. A run must show each of them.
    pub(super) decisions: &'static [Decision],
    /// The lab file.
    pub(super) text: &'static str,
}

/// A rule that made the difference in a step.
pub(super) struct Decision {
    /// The step, from 1.
    pub(super) step: usize,
    /// The device where it decided.
    pub(super) at: &'static str,
    /// The rule.
    pub(super) rule: Rule,
}

const fn decision(step: usize, at: &'static str, rule: Rule) -> Decision {
    Decision { step, at, rule }
}

macro_rules! lab {
    ($name:literal) => {
        include_str!(concat!("../../fixtures/labs/", $name, ".toml"))
    };
}

/// All demos, in the order in which they are listed and run.
pub(super) const ALL: &[Demo] = &[
    Demo {
        name: "vepa",
        question: "Does a vepa port reach its sibling behind an ordinary switch?",
        tried: "c1 pings c2",
        why: "the switch does not reflect frames",
        lesson: "A vepa port sends everything out on the wire, even frames for a sibling, and an ordinary switch does \
                 not send a frame back where it came from. The ARP request reaches win and nothing else.",
        decisions: &[
            decision(1, "sw0.eth0", Rule::NoHairpin),
            decision(1, "c1", Rule::ToWire),
            decision(2, "c1", Rule::UnicastToPort),
        ],
        text: lab!("arp-vepa"),
    },
    Demo {
        name: "vepa-hairpin",
        question: "Does a vepa port reach its sibling behind a switch that reflects frames?",
        tried: "c1 pings c2",
        why: "the switch reflects frames",
        lesson: "Hairpin (reflective relay) sends the request back, and the parent floods it to the other vepa ports. The \
                 reply and the pings take the same path: vepa needs such a switch.",
        decisions: &[
            decision(1, "sw0.eth0", Rule::Hairpin),
            decision(1, "c2", Rule::FloodFromVepa),
            decision(1, "c2", Rule::UnicastToPort),
        ],
        text: lab!("arp-vepa-hairpin"),
    },
    Demo {
        name: "private",
        question: "Does a private port reach its sibling behind a switch that reflects frames?",
        tried: "c1 pings c2",
        why: "the ARP request returns to c1 only",
        lesson: "The switch reflects the request, and the parent gives a private port's broadcast back to that port \
                 only. Without an ARP reply there is no ping.",
        decisions: &[decision(1, "c1", Rule::OwnBroadcastBack), decision(2, "c1", Rule::UnicastToPort)],
        text: lab!("arp-private"),
    },
    Demo {
        name: "private-static",
        question: "Does a private port that knows its sibling's MAC address reach it behind such a switch?",
        tried: "c1 pings c2",
        why: "unicast passes whatever the mode",
        lesson: "Yes. With static neighbours there is no broadcast to filter, and reflected unicast goes to the port that \
                 has the MAC address; its mode and the sender do not matter. Behind a hairpin switch private isolates broadcasts \
                 only.",
        decisions: &[
            decision(1, "c2", Rule::UnicastToPort),
            decision(1, "sw0.eth0", Rule::Hairpin),
            decision(2, "c1", Rule::UnicastToPort),
        ],
        text: lab!("arp-private-static"),
    },
    Demo {
        name: "bridge",
        question: "Does a bridge port reach its sibling behind an ordinary switch?",
        tried: "c1 pings c2",
        why: "the parent delivers to siblings",
        lesson: "Yes, without the switch: a bridge port's unicast for a bridge sibling never leaves the host, \
                 and its broadcasts are copied to the siblings before they go out.",
        decisions: &[decision(1, "c1", Rule::BridgeLocalUnicast), decision(1, "c2", Rule::BridgeLocalFlood)],
        text: lab!("arp-bridge"),
    },
    Demo {
        name: "passthru",
        question: "Can a passthru port have a sibling?",
        tried: "a second port",
        why: "a passthru port is alone on its parent",
        lesson: "No: a second port is refused. The one port takes every unicast frame that arrives, including \
                 replies to its host, so the host can no longer use the parent.",
        decisions: &[
            decision(1, "c2", Rule::PassthruAlone),
            decision(2, "c1", Rule::PassthruUnicast),
            decision(3, "c1", Rule::PassthruUnicast),
        ],
        text: lab!("arp-passthru"),
    },
    Demo {
        name: "host",
        question: "Do the host and a port on it reach each other?",
        tried: "the host pings c1",
        why: "the host sends on the wire only",
        lesson: "No, in no mode: frames that the host sends on the parent go out on the wire, frames that a port sends to the \
                 parent's MAC address do too, and the switch reflects neither.",
        decisions: &[
            decision(1, "eth0", Rule::HostToWire),
            decision(1, "sw0.eth0", Rule::NoHairpin),
            decision(2, "sw0.eth0", Rule::NoHairpin),
            decision(3, "eth0", Rule::UnicastToNoPort),
        ],
        text: lab!("arp-host"),
    },
    Demo {
        name: "host-hairpin",
        question: "Do the host and a port on it reach each other behind a switch that reflects frames?",
        tried: "the host pings c1",
        why: "the switch reflects frames",
        lesson: "Yes: a reflected frame is an ordinary frame that arrives. The host's broadcast comes from a MAC address \
                 that no port has, so every port gets it.",
        decisions: &[
            decision(1, "sw0.eth0", Rule::Hairpin),
            decision(1, "c1", Rule::FloodFromOutside),
            decision(2, "eth0", Rule::UnicastToNoPort),
        ],
        text: lab!("arp-host-hairpin"),
    },
];

/// The demo with this name, or an error message.
pub(super) fn named(name: &str) -> Result<&'static Demo, Failure> {
    find(name).ok_or_else(|| {
        let name = name.escape_debug();
        Failure::Because(format!("there is no demo `{name}`; `macvlab demo --list` lists them"))
    })
}

/// Reads the demo's lab.
pub(super) fn find(name: &str) -> Option<&'static Demo> {
    ALL.iter().find(|d| d.name == name)
}
