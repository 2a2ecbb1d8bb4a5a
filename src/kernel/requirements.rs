//! A lab's requirements, checked before anything is created.

use super::error::OracleError;
use crate::frame::{EthHeader, MacAddr, ethertype};
use crate::lab::spec::{
    Action, CraftBody, DeviceKind, FrameSpec, InjectPoint, LabSpec, Name, SwitchChange, SwitchPortSpec,
    TapOpen,
};
use crate::nic::UnicastFilter;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Maximum total of all waits of one lab: they run in real time.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The other end of a cable.
#[derive(Clone, Debug)]
pub(super) enum Far {
    /// Another device of the lab.
    Device(Name),
    /// A switch, by the port for this device.
    Switch(Name, Box<SwitchPortSpec>),
    /// An idle, connected end.
    Nobody,
}

/// A device with a cable.
#[derive(Clone, Debug)]
pub(super) struct Wired {
    pub(super) nic: bool,
    pub(super) mac: MacAddr,
    pub(super) mtu: u32,
    pub(super) far: Far,
}

/// What a lab needs.
#[derive(Clone, Debug)]
pub(super) struct Requirements {
    wired: BTreeMap<Name, Wired>,
    /// Devices that are at some time ports of a bridge of their own host, and that bridge.
    bridges: BTreeMap<Name, Name>,
    /// Every ethertype that a host stack could receive, as packet sockets name them.
    pub(super) protocols: Vec<u16>,
    /// Whether any frame is an IPv4 fragment: fragments stay in the namespaces that saw them.
    pub(super) leaves_fragments: bool,
}

impl Requirements {
    /// Reads the lab.
    ///
    /// # Errors
    /// [`OracleError::Unsupported`] names what this oracle cannot do, whatever the kernel supports.
    pub(super) fn of(lab: &LabSpec) -> Result<Requirements, OracleError> {
        check(lab)?;
        let mut wired = BTreeMap::new();
        for device in &lab.devices {
            match &device.kind {
                DeviceKind::Nic(n) => {
                    wired.insert(device.name.clone(), (true, n.mac, n.mtu));
                }
                DeviceKind::Station(s) => {
                    wired.insert(device.name.clone(), (false, s.mac, s.mtu));
                }
                DeviceKind::Router(r) => {
                    wired.extend(
                        r.interfaces.iter().map(|i| (i.name.clone(), (false, i.station.mac, i.station.mtu))),
                    );
                }
                DeviceKind::Dummy(_) | DeviceKind::Bond(_) | DeviceKind::Vlan(_) | DeviceKind::Macvlan(_) => {
                }
            }
        }
        let wired = wired
            .into_iter()
            .map(|(name, (nic, mac, mtu))| {
                let far = far_end(lab, &name);
                (name, Wired { nic, mac, mtu, far })
            })
            .collect();
        let (protocols, leaves_fragments) = (protocols(lab), fragments(lab));
        Ok(Requirements { wired, bridges: bridges(lab)?, protocols, leaves_fragments })
    }

    /// The bridge of its own host of which a device is a port at some time.
    pub(super) fn bridge_of(&self, name: &str) -> Option<&Name> {
        self.bridges.get(name)
    }

    /// A device with a cable, by name.
    pub(super) fn wired(&self, name: &str) -> Result<&Wired, OracleError> {
        self.wired.get(name).ok_or_else(|| OracleError::Unsupported(format!("{name} has no cable")))
    }
}

fn check(lab: &LabSpec) -> Result<(), OracleError> {
    let no = |what: String| Err(OracleError::Unsupported(what));
    for device in &lab.devices {
        match &device.kind {
            DeviceKind::Macvlan(m) if m.open != TapOpen::No => {
                return no(format!("{}: the device node of a macvtap", device.name));
            }
            DeviceKind::Dummy(_) => return no(format!("{}: dummies", device.name)),
            DeviceKind::Bond(_) => return no(format!("{}: bonds", device.name)),
            DeviceKind::Nic(n) if n.filter != UnicastFilter::None => {
                return no(format!("{}: a hardware address filter, which a veth does not have", device.name));
            }
            _ => {}
        }
    }
    for switch in &lab.switches {
        if switch.policy.is_some() || switch.ports.iter().any(|p| p.policy.is_some()) {
            return no(format!("{}: port policies", switch.name));
        }
    }
    for step in &lab.steps {
        match &step.action {
            Action::SetSwitch { switch, change: SwitchChange::Policy { .. } } => {
                return no(format!("{switch}: port policies"));
            }
            Action::SetSwitch { switch, change: SwitchChange::Vlans { .. } } => {
                return no(format!("{switch}: changes to the VLANs of a port"));
            }
            Action::SetSwitch { switch, change: SwitchChange::FdbDel { vlan: Some(_), .. } } => {
                return no(format!("{switch}: VLANs of entries"));
            }
            _ => {}
        }
    }
    if lab.steps.iter().any(|s| matches!(s.action, Action::Inject { entry: InjectPoint::Node, .. })) {
        return no("the device node of a macvtap".to_owned());
    }
    let waits = lab.steps.iter().map(|s| if let Action::Wait(d) = s.action { d } else { Duration::ZERO });
    let total: Duration = waits.sum();
    if total > LONGEST_WAIT {
        return no(format!("waits of {} s in real time", total.as_secs()));
    }
    Ok(())
}

/// Devices that are ports of a bridge at some time share its namespace.
fn bridges(lab: &LabSpec) -> Result<BTreeMap<Name, Name>, OracleError> {
    let mut bridges: BTreeMap<Name, Name> = BTreeMap::new();
    for (device, master) in lab.enslaved() {
        if !lab.switches.iter().any(|s| s.name == *master) {
            return Err(OracleError::Unsupported(format!("{device}: there is no bridge {master}")));
        }
        let bridge = bridges.entry(device.clone()).or_insert_with(|| master.clone());
        if bridge != master {
            return Err(OracleError::Unsupported(format!("{device}: a port of one bridge, then of another")));
        }
    }
    Ok(bridges)
}

fn far_end(lab: &LabSpec, name: &str) -> Far {
    let is_master = |switch: &Name| lab.enslaved().any(|(device, master)| device == name && master == switch);
    let on_switch = lab.switches.iter().filter(|s| !is_master(&s.name)).find_map(|s| {
        s.ports.iter().find(|p| p.device == name).map(|p| Far::Switch(s.name.clone(), Box::new(p.clone())))
    });
    let cables = || {
        lab.devices.iter().find_map(|d| match &d.kind {
            DeviceKind::Nic(n) if d.name == name => n.cable.clone(),
            DeviceKind::Nic(n) if n.cable.as_deref() == Some(name) => Some(d.name.clone()),
            _ => None,
        })
    };
    on_switch.or_else(|| cables().map(Far::Device)).unwrap_or(Far::Nobody)
}

/// Every ethertype of the lab's frames, at any depth behind tags; 802.3 lengths as the two ethertypes that the kernel
/// uses for them.
fn protocols(lab: &LabSpec) -> Vec<u16> {
    let mut found = BTreeSet::new();
    for step in &lab.steps {
        let Action::Inject { frame, .. } = &step.action else { continue };
        match frame {
            FrameSpec::Bytes(bytes) => add_types(bytes, &mut found),
            FrameSpec::Crafted(craft) => {
                found.extend(craft.tags.iter().map(|t| t.tpid));
                match &craft.body {
                    CraftBody::Ethernet { ethertype, payload } => {
                        let head = [[0; 12].as_slice(), &ethertype.to_be_bytes(), payload].concat();
                        add_types(&head, &mut found);
                    }
                    CraftBody::Arp { .. } => found.extend([ethertype::ARP]),
                    CraftBody::Icmp { .. } | CraftBody::Udp { .. } => {
                        found.extend([ethertype::IPV4, ethertype::IPV6])
                    }
                }
            }
        }
    }
    found.into_iter().collect()
}

/// Whether any frame may be an IPv4 fragment.
fn fragments(lab: &LabSpec) -> bool {
    lab.steps.iter().any(|step| match &step.action {
        Action::Inject { frame: FrameSpec::Bytes(bytes), .. } => EthHeader::payload(bytes)
            .is_some_and(|(kind, at)| kind == ethertype::IPV4 && in_parts(&bytes[at..])),
        Action::Inject { frame: FrameSpec::Crafted(craft), .. } => match &craft.body {
            CraftBody::Ethernet { ethertype: ethertype::IPV4, payload } => in_parts(payload),
            _ => false,
        },
        _ => false,
    })
}

/// Whether an IPv4 packet has a fragment offset, or more fragments.
fn in_parts(packet: &[u8]) -> bool {
    packet.get(6..8).is_some_and(|f| f[0] & 0x3f != 0 || f[1] != 0)
}

fn add_types(frame: &[u8], found: &mut BTreeSet<u16>) {
    for pair in frame.get(12..).unwrap_or_default().chunks(4) {
        let Some(kind) = pair.first_chunk().map(|b| u16::from_be_bytes(*b)) else { break };
        if kind < 0x0600 {
            found.extend([0x0001, 0x0004]);
        } else {
            found.insert(kind);
        }
        if !matches!(kind, ethertype::C_VLAN | ethertype::S_VLAN) {
            break;
        }
    }
}
