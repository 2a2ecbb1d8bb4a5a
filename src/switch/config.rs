//! What a switch port is configured with: the Linux bridge's flags, states and VLANs, and policies of other networks.

use crate::frame::{MacAddr, VlanId};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

/// How long a learned entry lives unseen, as a Linux bridge has it.
pub const DEFAULT_AGEING: Duration = Duration::from_secs(300);

/// What a switch is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchConfig {
    /// How long a learned entry lives unseen (300 s); zero: nothing is learned.
    pub ageing: Duration,
    /// 802.1Q filtering (false).
    pub vlan_filtering: bool,
    /// Reserved groups 01:80:c2:00:00:03 to 0f to forward, one bit each (0).
    pub group_fwd_mask: u16,
}

impl Default for SwitchConfig {
    fn default() -> SwitchConfig {
        SwitchConfig { ageing: DEFAULT_AGEING, vlan_filtering: false, group_fwd_mask: 0 }
    }
}

/// What a switch port is made with. It has carrier at first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PortConfig {
    /// Its flags.
    pub flags: PortFlags,
    /// Its state.
    pub state: PortState,
    /// Reserved groups to forward when they arrive here, one bit each.
    pub group_fwd_mask: u16,
    /// Its VLANs, under VLAN filtering.
    pub vlans: PortVlans,
    /// What the network does here beyond a switch's work.
    pub policy: Option<Policy>,
    /// What the policy goes by.
    pub assigned: Assigned,
}

/// The addresses that the network knows the NIC on a switch port by: those it began with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    /// Its MAC address.
    pub mac: MacAddr,
    /// Its IP addresses.
    pub ips: Vec<IpAddr>,
}

/// A switch port's flags, with the Linux bridge's names and defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortFlags {
    /// A frame may leave by the port it came in on: reflective relay (false).
    pub hairpin: bool,
    /// Source addresses are learned (true).
    pub learning: bool,
    /// Unknown unicast leaves here (true).
    pub flood: bool,
    /// Groups leave here (true).
    pub mcast_flood: bool,
    /// Broadcast leaves here (true).
    pub bcast_flood: bool,
    /// Isolated ports do not reach each other (false).
    pub isolated: bool,
    /// Only sources with an entry on this port are let in (false).
    pub locked: bool,
}

impl Default for PortFlags {
    fn default() -> PortFlags {
        PortFlags {
            hairpin: false,
            learning: true,
            flood: true,
            mcast_flood: true,
            bcast_flood: true,
            isolated: false,
            locked: false,
        }
    }
}

impl PortFlags {
    /// The flag's value.
    #[must_use]
    pub fn get(mut self, flag: PortFlag) -> bool {
        *self.get_mut(flag)
    }

    /// The flag's value, to read or to write.
    pub fn get_mut(&mut self, flag: PortFlag) -> &mut bool {
        match flag {
            PortFlag::Hairpin => &mut self.hairpin,
            PortFlag::Learning => &mut self.learning,
            PortFlag::Flood => &mut self.flood,
            PortFlag::McastFlood => &mut self.mcast_flood,
            PortFlag::BcastFlood => &mut self.bcast_flood,
            PortFlag::Isolated => &mut self.isolated,
            PortFlag::Locked => &mut self.locked,
        }
    }
}

/// One of [`PortFlags`], to be changed by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortFlag {
    /// See [`PortFlags::hairpin`].
    Hairpin,
    /// See [`PortFlags::learning`].
    Learning,
    /// See [`PortFlags::flood`].
    Flood,
    /// See [`PortFlags::mcast_flood`].
    McastFlood,
    /// See [`PortFlags::bcast_flood`].
    BcastFlood,
    /// See [`PortFlags::isolated`].
    Isolated,
    /// See [`PortFlags::locked`].
    Locked,
}

impl PortFlag {
    /// Every flag.
    pub const ALL: [PortFlag; 7] = [
        PortFlag::Hairpin,
        PortFlag::Learning,
        PortFlag::Flood,
        PortFlag::McastFlood,
        PortFlag::BcastFlood,
        PortFlag::Isolated,
        PortFlag::Locked,
    ];

    /// The key in lab files, the word that `bridge link` uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PortFlag::Hairpin => "hairpin",
            PortFlag::Learning => "learning",
            PortFlag::Flood => "flood",
            PortFlag::McastFlood => "mcast_flood",
            PortFlag::BcastFlood => "bcast_flood",
            PortFlag::Isolated => "isolated",
            PortFlag::Locked => "locked",
        }
    }
}

/// A switch port's state, as `bridge link set … state` takes it (STP off).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortState {
    /// 0
    Disabled,
    /// 1
    Listening,
    /// 2
    Learning,
    /// 3
    #[default]
    Forwarding,
    /// 4: with STP off the kernel makes it forwarding at once.
    Blocking,
    /// Any other number: refused with EINVAL.
    Invalid(u8),
}

/// VLAN membership of a switch port under VLAN filtering. The default is the Linux bridge's: VLAN 1, untagged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortVlans {
    /// Where untagged frames that arrive belong; `None`: they are dropped.
    pub pvid: Option<VlanId>,
    /// VLANs that leave without their tag.
    pub untagged: Vec<VlanId>,
    /// VLANs that leave with their tag.
    pub tagged: Vec<VlanId>,
}

impl Default for PortVlans {
    fn default() -> PortVlans {
        let one = VlanId::new(1);
        PortVlans { pvid: one, untagged: one.into_iter().collect(), tagged: Vec::new() }
    }
}

/// What a network does to frames at one of its ports, beyond what a switch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// A hypervisor's virtual switch.
    VirtualSwitch {
        /// Whose.
        product: VirtualSwitch,
        /// What it accepts.
        accepts: PortSecurity,
    },
    /// An access point: one associated MAC, the device's own.
    Wifi,
    /// A cloud's network: MAC and IP must be those assigned to the NIC.
    Cloud,
}

impl Policy {
    /// Its word in lab files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Policy::VirtualSwitch { product, .. } => product.name(),
            Policy::Wifi => "wifi",
            Policy::Cloud => "cloud",
        }
    }
}

/// What a virtual switch accepts at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortSecurity {
    /// Frames for addresses other than the NIC's own reach it.
    pub promiscuous: bool,
    /// Frames from addresses other than the NIC's own are let in.
    pub forged_transmits: bool,
    /// The NIC may change its address.
    pub mac_changes: bool,
}

/// The virtual switches that have policies by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VirtualSwitch {
    /// A port group of vSphere.
    Vmware,
    /// A bridged adapter of VirtualBox (`--nicpromisc deny`).
    VirtualBox,
    /// A network adapter of Hyper-V (`MacAddressSpoofing Off`).
    HyperV,
    /// The adapter of WSL 2, which is one of Hyper-V.
    Wsl2,
    /// A virtual machine's port with the MAC filter of the firewall of Proxmox VE.
    ProxmoxFirewall,
}

impl VirtualSwitch {
    /// All of them.
    pub const ALL: &[VirtualSwitch] = &[
        VirtualSwitch::Vmware,
        VirtualSwitch::VirtualBox,
        VirtualSwitch::HyperV,
        VirtualSwitch::Wsl2,
        VirtualSwitch::ProxmoxFirewall,
    ];

    /// Its word in lab files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            VirtualSwitch::Vmware => "vmware",
            VirtualSwitch::VirtualBox => "virtualbox",
            VirtualSwitch::HyperV => "hyperv",
            VirtualSwitch::Wsl2 => "wsl2",
            VirtualSwitch::ProxmoxFirewall => "proxmox-firewall",
        }
    }

    /// What a port accepts as it comes. VirtualBox looks at the destination of what a machine receives, the firewall of
    /// Proxmox VE at the source of what it sends, and the others at both.
    #[must_use]
    pub const fn accepts(self) -> PortSecurity {
        PortSecurity {
            promiscuous: matches!(self, VirtualSwitch::ProxmoxFirewall),
            forged_transmits: matches!(self, VirtualSwitch::VirtualBox),
            mac_changes: matches!(self, VirtualSwitch::VirtualBox),
        }
    }
}
