//! The external switch: a Linux bridge's forwarding, hairpin included (rules R120 to R158).
//!
//! A tour in the order of a frame's way:
//! - `decide.rs`: the one decision, `Switch::decide`, and the one predicate about a port that a frame may leave by,
//!   `Switch::may_leave`, which serves delivery and "why not?" alike; `commit` learns.
//! - `vlan.rs`: which VLAN a frame belongs to under 802.1Q filtering, and what becomes of its tag.
//! - `policy.rs`: what virtual switches, access points and clouds do at a port beyond a switch's work.
//! - `batch.rs`: many frames at once, for databases that outgrow the caches.
//! - `fdb.rs`: the forwarding database: learning, ageing, static and sticky entries; `age.rs`: ages in few bytes.
//! - `control.rs`: what people set by hand, and the kernel's errors.
//! - `config.rs`: the words of the configuration.
//!
//! A switch has a MAC address only if its own device serves as a parent of ports ([`Switch::set_own_device`];
//! rules R131, R212, R213), and no spanning tree: STP is off, snooping too.
//!
//! ```
//! use macvlab::frame::EthHeader;
//! use macvlab::switch::{FloodKind, PortConfig, PortFlag, Switch, SwitchConfig, SwitchEgress};
//! use macvlab::time::Instant;
//! use macvlab::verdict::Rule;
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let mut switch = Switch::new(SwitchConfig::default())?;
//! let a = switch.add_port(PortConfig::default())?;
//! switch.set_flag(a, PortFlag::Hairpin, true)?;
//! let frame = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6];
//! let header = EthHeader::parse(&frame)?;
//! let verdict = switch.decide(a, &frame, &header, Instant::ZERO);
//! assert_eq!(verdict.egress, SwitchEgress::Flood(FloodKind::Broadcast));
//! assert_eq!(switch.may_leave(&verdict, a, a, &header), Ok(Rule::Hairpin));
//! switch.commit(a, &header, &verdict, Instant::ZERO);
//! # Ok(())
//! # }
//! ```

mod age;
mod batch;
mod config;
mod control;
mod decide;
mod fdb;
mod policy;
#[cfg(test)]
mod tests;
mod vlan;

pub use batch::Arrival;
pub use config::{
    Assigned, DEFAULT_AGEING, Policy, PortConfig, PortFlag, PortFlags, PortSecurity, PortState, PortVlans,
    SwitchConfig, VirtualSwitch,
};
pub use control::MAX_PORTS;
pub use fdb::{FdbEntry, FdbKind, IfKnown, MAX_FDB};

use crate::frame::{MacAddr, VlanId};
use crate::verdict::Rule;
use alloc::vec::Vec;
use fdb::Fdb;
use vlan::VlanSet;

/// A port of a switch, numbered from 0 in the order in which ports were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SwitchPortId(pub u16);

impl SwitchPortId {
    /// The switch's own device, where a frame that the switch's host sends comes from.
    pub const OWN: SwitchPortId = SwitchPortId(u16::MAX);
}

/// A switch.
#[derive(Clone, Debug)]
pub struct Switch {
    vlan_filtering: bool,
    group_fwd_mask: u16,
    ports: Vec<Port>,
    fdb: Fdb,
    /// The switch's own host, if it matters.
    own: Option<OwnHost>,
}

/// What a bridge has in its own host.
#[derive(Clone, Debug, Default)]
struct OwnHost {
    /// The address of its own device.
    mac: MacAddr,
    /// Devices of the host that are its ports, by address.
    devices: Vec<(MacAddr, SwitchPortId)>,
}

/// A port and how it stands.
#[derive(Clone, Debug)]
struct Port {
    flags: PortFlags,
    /// Never blocking, which is forwarding at once, nor invalid.
    state: PortState,
    carrier: bool,
    group_fwd_mask: u16,
    vlans: VlanSet,
    policy: Option<Policy>,
    assigned: Assigned,
    /// The address that the NIC on this port has now.
    effective: MacAddr,
    /// It has carrier and forwards, and is neither locked nor isolated nor under a policy: it takes every frame of no VLAN
    /// and gives every such frame that came in elsewhere.
    ordinary: bool,
}

/// What the switch decided about a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchVerdict {
    /// The rule that decided.
    pub rule: Rule,
    /// Where the frame goes.
    pub egress: SwitchEgress,
    /// What it teaches.
    pub learn: Learn,
    /// The VLAN it belongs to; only under VLAN filtering, and only if it was let in.
    pub vlan: Option<VlanId>,
    /// The switch took the frame in, wherever it went then: its own device sees it too if it is promiscuous (R212).
    pub admitted: bool,
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchEgress {
    /// Nowhere.
    Drop,
    /// To the switch's own device and nowhere else: it has the destination address (R131), or a device that is a port has
    /// it (R131a).
    Own,
    /// Nowhere but to the device of the bridge's own host that is the arrival port, if one is: a reserved group that is
    /// not forwarded (R121, R222).
    Stay,
    /// Out of this port, which may be the one it came in by.
    Port(SwitchPortId),
    /// Nowhere: it would go out of this port only, which the rule withholds it from.
    Withheld(SwitchPortId),
    /// Out of every port that [`Switch::may_leave`] allows; if that is none, the frame ended by
    /// [`Rule::NothingToFloodTo`].
    Flood(FloodKind),
}

/// Why a frame is flooded: the flag of the leaving port that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloodKind {
    /// [`PortFlags::flood`]
    UnknownUnicast,
    /// [`PortFlags::mcast_flood`]
    Multicast,
    /// [`PortFlags::bcast_flood`]
    Broadcast,
}

/// What a frame teaches the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learn {
    /// Nothing.
    Nothing,
    /// Its source address is behind its arrival port (rules R122, R123).
    Source,
}
