//! The modes and flags of a port.

use crate::frame::MacAddr;
use alloc::vec::Vec;
use core::fmt;

/// The five macvlan modes (`IFLA_MACVLAN_MODE`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Everything goes to the wire; the ports of a parent do not hear each other's broadcasts.
    Private,
    /// Everything goes to the wire; an external switch may reflect it. The kernel's default.
    #[default]
    Vepa,
    /// Bridge ports of one parent reach each other without the wire.
    Bridge,
    /// One port takes the parent over.
    Passthru,
    /// Receives only what listed senders send.
    Source,
}

impl Mode {
    /// All five.
    pub const ALL: [Mode; 5] = [Mode::Private, Mode::Vepa, Mode::Bridge, Mode::Passthru, Mode::Source];

    /// The word that `ip link` uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Private => "private",
            Mode::Vepa => "vepa",
            Mode::Bridge => "bridge",
            Mode::Passthru => "passthru",
            Mode::Source => "source",
        }
    }

    /// The mode with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|m| m.name() == name)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A macvlan port's flags (`IFLA_MACVLAN_FLAGS`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MacvlanFlags {
    /// A passthru port does not make its parent promiscuous.
    pub nopromisc: bool,
    /// A source port keeps its listed senders' frames from all other ports and the host.
    pub nodst: bool,
}

/// A change to a source port's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourcesChange {
    /// These are added.
    Add(Vec<MacAddr>),
    /// These are taken out.
    Del(Vec<MacAddr>),
    /// The list becomes this.
    Set(Vec<MacAddr>),
    /// The list becomes empty.
    Flush,
}
