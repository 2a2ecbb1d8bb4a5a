//! Verdicts: what was decided about a frame, and the catalogue of the rules that decide.
//!
//! A [`Verdict`] is what the demultiplexer answers: small, `Copy`, made without allocation. Everything else (delivery,
//! counters, explanations, annotated captures, comparisons with the kernel) is a view of it. A flood stays one word
//! in the verdict; who receives it is worked out when it is delivered, by the predicate that also answers "why not?".

mod catalogue;
mod refusal;
mod rule;

pub use refusal::Refusal;
pub use rule::{Rule, RuleKind};

/// A port of one parent, by the order in which its slot was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub u16);

impl PortId {
    /// As an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What was decided about one frame at a parent.
///
/// Sixteen bytes, so that it is copied in one piece: copied in two that overlap, as fourteen bytes would be, it costs as
/// much as the decision itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(16))]
pub struct Verdict {
    /// The rule that decided the fate of the frame itself.
    pub rule: Rule,
    /// Where the frame itself goes.
    pub egress: Egress,
    /// Copies to the ports that a class of flood reaches.
    pub flood: Flood,
    /// Copies to source ports that list the sender.
    pub sources: Option<SourceList>,
}

impl Verdict {
    /// Whether copies are made, or would be but for a rule.
    #[inline]
    #[must_use]
    pub const fn has_copies(&self) -> bool {
        self.sources.is_some() || !matches!(self.flood, Flood::None)
    }

    /// The frame goes there, and no copies are made.
    #[must_use]
    pub const fn plain(rule: Rule, egress: Egress) -> Verdict {
        Verdict { rule, egress, flood: Flood::None, sources: None }
    }
}

/// Where a frame itself goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Egress {
    /// To this port.
    Port(PortId),
    /// To the parent's own network stack.
    HostStack,
    /// Out on the parent's cable.
    Wire,
    /// Into the receive path of the parent, as if it had arrived.
    Parent,
    /// Nowhere.
    Drop,
}

/// The copies of a multicast or broadcast frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flood {
    /// None are due.
    None,
    /// Copies were due, and this rule withholds them all.
    Withheld(Rule),
    /// To every active port of the class that wants the frame.
    To(FloodClass),
}

/// Who is in for a flood, by where the frame came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloodClass {
    /// From outside: private, vepa, bridge and passthru ports ([`Rule::FloodFromOutside`]).
    Outside,
    /// A vepa port's frame came back: the other vepa and bridge ports ([`Rule::FloodFromVepa`]).
    Vepa(PortId),
    /// A bridge port's frame came back: vepa ports ([`Rule::FloodFromBridge`]).
    Bridge(PortId),
    /// A bridge port is sending: its bridge siblings ([`Rule::BridgeLocalFlood`]).
    Local(PortId),
}

impl FloodClass {
    /// The rule that floods to this class.
    #[must_use]
    pub const fn rule(self) -> Rule {
        match self {
            FloodClass::Outside => Rule::FloodFromOutside,
            FloodClass::Vepa(_) => Rule::FloodFromVepa,
            FloodClass::Bridge(_) => Rule::FloodFromBridge,
            FloodClass::Local(_) => Rule::BridgeLocalFlood,
        }
    }

    /// The port whose frame it is.
    #[must_use]
    pub const fn sender(self) -> Option<PortId> {
        match self {
            FloodClass::Outside => None,
            FloodClass::Vepa(p) | FloodClass::Bridge(p) | FloodClass::Local(p) => Some(p),
        }
    }
}

/// The list of source ports that name one sender: an index into the forwarding table that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceList(pub(crate) u16);
