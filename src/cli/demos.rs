//! The built-in labs. A new one is a file in `fixtures/labs` and an entry here.

use super::Failure;
use macvlab::verdict::Rule;

/// A built-in lab.
pub(super) struct Demo {
    /// What it is called on the command line.
    pub(super) name: &'static str,
    /// What is asked: yes if the step of the first decision comes to a reply, or is done.
    pub(super) question: &'static str,
    /// What one may well answer before one has tried it.
    pub(super) prediction: Prediction,
    /// What is tried, in a few words: the step of the first decision.
    pub(super) tried: &'static str,
    /// Why it comes out as it does, in a few words: the first decision.
    pub(super) why: &'static str,
    /// What one learns from it.
    pub(super) lesson: &'static str,
    /// What made the difference; of them, the first most of all. A run must show each of them.
    pub(super) decisions: &'static [Decision],
    /// The lab file.
    pub(super) text: &'static str,
}

/// An answer, and what speaks for it.
pub(super) struct Prediction {
    /// The answer is yes.
    pub(super) yes: bool,
    /// In a sentence.
    pub(super) because: &'static str,
}

const fn yes(because: &'static str) -> Prediction {
    Prediction { yes: true, because }
}

const fn no(because: &'static str) -> Prediction {
    Prediction { yes: false, because }
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

/// Every one, in the order in which they are listed and run.
pub(super) const ALL: &[Demo] = &[
    Demo {
        name: "vepa",
        question: "Does a vepa port reach its sibling behind an ordinary switch?",
        prediction: yes("Both ports are on one NIC and in one subnet."),
        tried: "c1 pings c2",
        why: "the switch sends no frame back",
        lesson: "A vepa port sends everything out on the wire, even what is for a sibling, and an ordinary switch does \
                 not send a frame back where it came from. The ARP request reaches everybody but c2.",
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
        prediction: yes("Such a switch sends back what is for a neighbour of the sender."),
        tried: "c1 pings c2",
        why: "the switch sends frames back",
        lesson: "Hairpin (reflective relay) sends the request back, and the parent floods it to the other vepa ports. The \
                 answer and the pings take the same loop: vepa needs such a switch.",
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
        prediction: no("A private port is kept apart from its siblings."),
        tried: "c1 pings c2",
        why: "the ARP request comes back to c1 alone",
        lesson: "The switch reflects the request, and the parent gives a private port's broadcast back to that port and to \
                 nobody else. Without an answer to ARP there is no ping.",
        decisions: &[decision(1, "c1", Rule::OwnBroadcastBack), decision(2, "c1", Rule::UnicastToPort)],
        text: lab!("arp-private"),
    },
    Demo {
        name: "private-static",
        question: "Does a private port that knows its sibling's address reach it behind such a switch?",
        prediction: no("Private is private, whatever the ports know of each other."),
        tried: "c1 pings c2",
        why: "unicast passes whatever the mode",
        lesson: "Yes. With static neighbours there is no broadcast to hold back, and reflected unicast goes to the port that \
                 has the address; neither mode nor sender is asked. Behind a hairpin switch private isolates broadcasts \
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
        prediction: yes("In bridge mode the parent is a small switch of its own."),
        tried: "c1 pings c2",
        why: "siblings are served on the parent",
        lesson: "Yes, and the switch has no part in it: a bridge port's unicast for a bridge sibling never leaves the host, \
                 and its broadcasts are copied to the siblings before they go out.",
        decisions: &[decision(1, "c1", Rule::BridgeLocalUnicast), decision(1, "c2", Rule::BridgeLocalFlood)],
        text: lab!("arp-bridge"),
    },
    Demo {
        name: "passthru",
        question: "Can a passthru port have a sibling?",
        prediction: yes("A parent has as many ports as one likes, in every mode."),
        tried: "a second port",
        why: "a passthru port is alone on its parent",
        lesson: "No: a second port is refused. The one port takes every unicast frame that arrives, the answers to its \
                 own host included, so the host cannot use the parent any more.",
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
        prediction: yes("The port sits on the host's own NIC; nothing could be nearer."),
        tried: "the host pings c1",
        why: "the host sends on the wire only",
        lesson: "No, in no mode: what the host sends on the parent goes out on the wire, what a port sends to the parent's \
                 address goes there too, and the switch sends neither back.",
        decisions: &[
            decision(1, "eth0", Rule::HostToWire),
            decision(1, "sw0.eth0", Rule::NoHairpin),
            decision(2, "sw0.eth0", Rule::NoHairpin),
        ],
        text: lab!("arp-host"),
    },
    Demo {
        name: "host-hairpin",
        question: "Do the host and a port on it reach each other behind a switch that reflects frames?",
        prediction: no("What does not work inside the host, no switch outside will mend."),
        tried: "the host pings c1",
        why: "the switch sends frames back",
        lesson: "Yes: a reflected frame is an ordinary frame that arrives. The host's broadcast comes from an address that no \
                 port has, so every port hears it.",
        decisions: &[
            decision(1, "sw0.eth0", Rule::Hairpin),
            decision(1, "c1", Rule::FloodFromOutside),
            decision(2, "eth0", Rule::UnicastToNoPort),
        ],
        text: lab!("arp-host-hairpin"),
    },
];

/// The lab of this name, or what to say if there is none.
pub(super) fn named(name: &str) -> Result<&'static Demo, Failure> {
    find(name).ok_or_else(|| {
        let name = name.escape_debug();
        Failure::Because(format!("there is no demo `{name}`; `macvlab demo --list` lists them"))
    })
}

/// The lab of this name.
pub(super) fn find(name: &str) -> Option<&'static Demo> {
    ALL.iter().find(|d| d.name == name)
}
