//! The type of the catalogue's entries; the entries themselves stand in `catalogue.rs`.

use core::fmt;

pub use super::catalogue::Rule;

/// What sort of rule it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleKind {
    /// Decides where a frame goes: it appears in the hop log.
    Forwarding,
    /// Decides that a frame goes nowhere: it appears in the hop log as a drop, or as the answer to "why not?".
    Withholding,
    /// Decides what a change, a creation or a send is answered with.
    Refusal,
    /// What is counted when.
    Counting,
    /// What the other rules stand on.
    Ground,
}

impl Rule {
    /// The rule with this id, letter case ignored.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Rule> {
        Rule::ALL.iter().copied().find(|r| r.id().eq_ignore_ascii_case(id))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The error of questions such as [`Switch::may_leave`](crate::switch::Switch::may_leave): the rule that says no.
impl core::error::Error for Rule {}

/// Makes the enum, and a table of its texts, from one list.
macro_rules! rules {
    ($($variant:ident = $id:literal, $kind:ident, $title:literal, $why:literal, $kernel:literal;)*) => {
        /// A rule of the catalogue. `Display` prints its id.
        ///
        /// Ids that begin with `R` are the kernel's rules as measured on a running kernel, a letter behind the number
        /// where one rule decides in several ways; `N` the NIC's, `D` the dummy's, `B` the bond's, `V` the 802.1Q sub-interface's, `C` the cable's,
        /// `P` the policies' and `S` the end points'.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Rule {
            $(#[doc = concat!("`", $id, "` ", $title, ". ", $why)] $variant,)*
        }

        impl Rule {
            /// Every rule, in the order of the catalogue.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)*];

            /// The stable id: `R14`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Rule::$variant => $id,)* }
            }

            /// What sort of rule it is.
            #[must_use]
            pub const fn kind(self) -> crate::verdict::RuleKind {
                match self { $(Rule::$variant => crate::verdict::RuleKind::$kind,)* }
            }

            /// A few words that name it.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Rule::$variant => $title,)* }
            }

            /// The reason, in one sentence.
            #[must_use]
            pub const fn why(self) -> &'static str {
                match self { $(Rule::$variant => $why,)* }
            }

            /// Where the kernel does the same: function names; or the standard.
            #[must_use]
            pub const fn kernel(self) -> &'static str {
                match self { $(Rule::$variant => $kernel,)* }
            }
        }
    };
}

pub(super) use rules;
