//! Compares the kernel's results with macvlab's.
//!
//! Exactly three differences are allowed, counted and reported:
//! - *collision*: the kernel keeps a port's groups in a hash of 256 salted buckets (rule R25), so it sometimes delivers a
//!   group that the port did not join. Allowed only for groups that the port has never joined, and only if macvlab would
//!   deliver the same frame once it joins.
//! - *late*: the kernel floods from a queue (rule R36), so a flood may arrive during a later step.
//! - *overflow*: a burst longer than the queue loses floods (rule R60), which the parent counts as dropped.

use super::listen::without_some_tags;
use super::observed::{Observed, Seen, StepObserved, StepOutcome};
use super::prediction::Prediction;
use crate::counters::Counters;
use crate::frame::{EthHeader, MacAddr, PacketType};
use crate::lab::DeviceState;
use crate::lab::spec::{Action, Change, DeviceKind, LabSpec, Name, StepSpec};
use crate::nic::stack_groups;
use std::collections::{BTreeMap, BTreeSet};

/// A difference between the kernel and macvlab.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// Devices were refused differently; each side as text.
    Setup {
        /// The kernel's refusals.
        kernel: Vec<String>,
        /// macvlab's.
        macvlab: Vec<String>,
    },
    /// A step (from 0) had a different outcome.
    Outcome {
        /// The step.
        step: usize,
        /// The kernel's outcome.
        kernel: StepOutcome,
        /// macvlab's outcome.
        macvlab: StepOutcome,
    },
    /// A frame was seen on one side only.
    Frame {
        /// The step (from 0).
        step: usize,
        /// The device, the packet type, and the frame.
        seen: Seen,
        /// Whether it was seen by a NIC's tap instead of being delivered.
        tap: bool,
        /// Whether the kernel saw it; otherwise macvlab did.
        by_kernel: bool,
    },
    /// A device's counters differ.
    Counter {
        /// The device.
        device: Name,
        /// The counter.
        counter: &'static str,
        /// The kernel's value.
        kernel: u64,
        /// macvlab's.
        macvlab: u64,
    },
    /// A device's final states differ.
    State {
        /// The device.
        device: Name,
        /// Both states as text.
        kernel: String,
        /// macvlab's.
        macvlab: String,
    },
    /// macvlab disagrees with itself: the events differ if devices receive frames from their cables in batches. Each
    /// side is an event as a line of JSON.
    Batch {
        /// With one frame after another.
        one_by_one: String,
        /// In batches.
        batched: String,
    },
    /// A device exists on one side only.
    Existence {
        /// The device.
        device: Name,
        /// Whether it exists in the kernel.
        in_kernel: bool,
    },
}

impl Difference {
    /// The step concerned, from 0.
    #[must_use]
    pub fn step(&self) -> Option<usize> {
        match self {
            Difference::Outcome { step, .. } | Difference::Frame { step, .. } => Some(*step),
            _ => None,
        }
    }
}

impl Comparison {
    /// Chance may be involved, and another run may show it: a flood was delivered, or not, because it met a later
    /// change while in the queue; the kernel delivered a group that a port had left, which may be a collision after
    /// all; or a port counted a frame that it did not deliver, which may be a collision of a frame that it could not
    /// receive.
    #[must_use]
    pub fn doubtful(&self) -> bool {
        let counter = |d: &Difference| matches!(d, Difference::Counter { .. });
        let flood = |d: &Difference| match d {
            Difference::Frame { seen, tap: false, .. } => {
                matches!(seen.packet_type, PacketType::Broadcast | PacketType::Multicast)
            }
            _ => false,
        };
        !self.differences.is_empty()
            && (self.differences.iter().any(flood) || self.differences.iter().all(counter))
    }
}

/// How often each allowed difference occurred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Groups delivered to a port because of a hash collision.
    pub collisions: usize,
    /// Floods that were late.
    pub late: usize,
    /// Floods that the queue had no room for.
    pub overflows: usize,
    /// Labs that did not agree at first, where chance may be involved, and agreed when they were run again.
    pub repeated: usize,
}

impl std::ops::AddAssign for Allowed {
    fn add_assign(&mut self, other: Allowed) {
        self.collisions += other.collisions;
        self.late += other.late;
        self.overflows += other.overflows;
        self.repeated += other.repeated;
    }
}

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Every difference.
    pub differences: Vec<Difference>,
    /// The allowed differences.
    pub allowed: Allowed,
}

/// Compares the kernel's results with macvlab's.
#[must_use]
pub fn compare(lab: &LabSpec, kernel: &Observed, ours: &Prediction) -> Comparison {
    let mut c = Comparing {
        lab,
        kernel,
        macvlab: &ours.observed,
        out: Comparison::default(),
        ports: BTreeMap::new(),
    };
    c.out.allowed.late = kernel.late;
    c.out.differences.extend(ours.batch.clone());
    c.setup();
    c.steps();
    c.counters();
    c.states();
    c.out
}

struct Comparing<'a> {
    lab: &'a LabSpec,
    kernel: &'a Observed,
    macvlab: &'a Observed,
    out: Comparison,
    /// Allowed collisions and losses by port: how many frames more or fewer the kernel's port may count.
    ports: BTreeMap<Name, u64>,
}

impl Comparing<'_> {
    fn setup(&mut self) {
        let text = |o: &Observed| -> Vec<String> {
            o.setup.iter().map(|s| format!("{} {:?} {}", s.device, s.stage, s.error)).collect()
        };
        let (kernel, macvlab) = (text(self.kernel), text(self.macvlab));
        if kernel != macvlab {
            self.out.differences.push(Difference::Setup { kernel, macvlab });
        }
    }

    fn steps(&mut self) {
        let pairs: Vec<(&StepObserved, &StepObserved)> =
            self.kernel.steps.iter().zip(&self.macvlab.steps).collect();
        for (step, (k, m)) in pairs.into_iter().enumerate() {
            let skipped = |o: StepOutcome| matches!(o, StepOutcome::Skipped(_));
            if skipped(k.outcome) || skipped(m.outcome) {
                continue;
            }
            if k.outcome != m.outcome {
                self.out.differences.push(Difference::Outcome {
                    step,
                    kernel: k.outcome,
                    macvlab: m.outcome,
                });
            }
            self.frames(step, &k.arrives, &m.arrives, true);
            self.frames(step, &k.deliveries, &m.deliveries, false);
        }
    }

    fn frames(&mut self, step: usize, kernel: &[Seen], macvlab: &[Seen], tap: bool) {
        let (mut only_kernel, mut only_macvlab) = multiset_difference(kernel, macvlab);
        // So does the tap of a device with nothing behind it but its stack.
        pair_up_untagged(&mut only_kernel, &mut only_macvlab);
        for seen in only_kernel {
            if !tap && self.is_collision(step, &seen) {
                self.out.allowed.collisions += 1;
                *self.ports.entry(seen.device).or_default() += 1;
            } else {
                self.out.differences.push(Difference::Frame { step, seen, tap, by_kernel: true });
            }
        }
        let lost = if tap { None } else { self.overflowed(&only_macvlab) };
        if lost.is_some() {
            self.out.allowed.overflows += 1;
        }
        for seen in only_macvlab {
            if lost.as_ref().is_some_and(|nic| self.is_flood_to_port_of(&seen, nic)) {
                *self.ports.entry(seen.device).or_default() += 1;
            } else {
                self.out.differences.push(Difference::Frame { step, seen, tap, by_kernel: false });
            }
        }
    }

    /// Whether macvlab also delivers this group to this port once the port has joined it.
    fn is_collision(&self, step: usize, seen: &Seen) -> bool {
        let Ok(header) = EthHeader::parse(&seen.frame) else { return false };
        let no_port = self.nic_of(&seen.device).is_none();
        if seen.packet_type != PacketType::Multicast
            || no_port
            || self.had_joined(step, &seen.device, header.dst)
        {
            return false;
        }
        let mut steps: Vec<StepSpec> = self.lab.steps.iter().take(step + 1).cloned().collect();
        let action = Action::Set { device: seen.device.clone(), change: Change::Join(header.dst) };
        let at = steps.len().saturating_sub(1);
        steps.insert(at, StepSpec::new(action));
        let joined = Prediction::run(&LabSpec { steps, ..self.lab.clone() });
        joined.observed.steps.get(step + 1).is_some_and(|s| s.deliveries.contains(seen))
    }

    /// Whether a port had joined this group before a step, even if it has left it since, and no other group that the
    /// hash cannot distinguish from it: it uses the last four bytes only.
    fn had_joined(&self, step: usize, device: &str, group: MacAddr) -> bool {
        let mut groups: BTreeSet<MacAddr> = stack_groups(u32::MAX).iter().copied().collect();
        for d in self.lab.devices.iter().filter(|d| d.name == device) {
            if let DeviceKind::Macvlan(m) = &d.kind {
                groups.extend(&m.multicast);
            }
        }
        for s in self.lab.steps.iter().take(step) {
            match &s.action {
                Action::Set { device: d, change: Change::Join(g) } if d == device => drop(groups.insert(*g)),
                Action::Add { name, spec } if name == device => groups.extend(&spec.multicast),
                _ => {}
            }
        }
        let same_tail = |g: &MacAddr| g.0[2..] == group.0[2..];
        groups.remove(&group) && !groups.iter().any(same_tail)
    }

    /// The NIC whose queue had no room for a flood that is missing at its ports.
    fn overflowed(&self, missing: &[Seen]) -> Option<Name> {
        let nics: BTreeSet<Name> = missing.iter().filter_map(|s| self.nic_of(&s.device)).collect();
        nics.into_iter().find(|nic| {
            let dropped =
                |o: &Observed| o.counters.get(nic).and_then(|c| c.last()).map_or(0, |c| c.rx_dropped);
            let known = u64::try_from(self.out.allowed.overflows).unwrap_or(u64::MAX);
            dropped(self.kernel) > dropped(self.macvlab).saturating_add(known)
        })
    }

    fn is_flood_to_port_of(&self, seen: &Seen, nic: &str) -> bool {
        let flood = matches!(seen.packet_type, PacketType::Broadcast | PacketType::Multicast);
        flood && self.nic_of(&seen.device).as_deref() == Some(nic)
    }

    /// The NIC below a port; `None` if it is not a port.
    fn nic_of(&self, device: &str) -> Option<Name> {
        let parent_of = |name: &str| -> Option<Name> {
            let declared = self.lab.devices.iter().find_map(|d| match &d.kind {
                DeviceKind::Macvlan(m) if d.name == name => Some(m.parent.clone()),
                _ => None,
            });
            let added = || {
                self.lab.steps.iter().find_map(|s| match &s.action {
                    Action::Add { name: n, spec } if n == name => Some(spec.parent.clone()),
                    _ => None,
                })
            };
            declared.or_else(added)
        };
        let mut below = parent_of(device)?;
        // A port may be on a port; a file cannot nest them deeper than it has devices.
        for _ in 0..self.lab.devices.len() {
            match parent_of(&below) {
                Some(next) => below = next,
                None => break,
            }
        }
        Some(below)
    }

    /// The names to compare: the lab's devices without switch ports, and without those removed along with their cable.
    fn names(&self) -> BTreeSet<Name> {
        let mut names = BTreeSet::new();
        for device in &self.lab.devices {
            match &device.kind {
                DeviceKind::Router(r) => names.extend(r.interfaces.iter().map(|i| i.name.clone())),
                _ => drop(names.insert(device.name.clone())),
            }
        }
        names.extend(self.lab.steps.iter().filter_map(|s| match &s.action {
            Action::Add { name, .. } => Some(name.clone()),
            _ => None,
        }));
        names.retain(|n| !self.kernel.vanished.contains(n));
        names
    }

    fn counters(&mut self) {
        for device in self.names() {
            let of = |o: &Observed| o.counters.get(&device).cloned().unwrap_or_default();
            let (kernel, macvlab) = (of(self.kernel), of(self.macvlab));
            if kernel.len() != macvlab.len() {
                let in_kernel = kernel.len() > macvlab.len();
                self.out.differences.push(Difference::Existence { device, in_kernel });
                continue;
            }
            for (k, m) in kernel.iter().zip(&macvlab) {
                self.device_counters(&device, k, m);
            }
        }
    }

    fn device_counters(&mut self, device: &Name, k: &Counters, m: &Counters) {
        let slack = self.ports.get(device).copied().unwrap_or(0);
        let overflows = u64::try_from(self.out.allowed.overflows).unwrap_or(u64::MAX);
        let rows = [
            ("rx_packets", k.rx_packets, m.rx_packets, slack),
            ("rx_bytes", k.rx_bytes, m.rx_bytes, if slack == 0 { 0 } else { u64::MAX }),
            ("rx_dropped", k.rx_dropped, m.rx_dropped, overflows),
            ("rx_errors", k.rx_errors, m.rx_errors, 0),
            ("multicast", k.multicast, m.multicast, slack),
            ("tx_packets", k.tx_packets, m.tx_packets, 0),
            ("tx_bytes", k.tx_bytes, m.tx_bytes, 0),
            ("tx_dropped", k.tx_dropped, m.tx_dropped, 0),
        ];
        for (counter, kernel, macvlab, slack) in rows {
            if kernel.abs_diff(macvlab) > slack {
                let device = device.clone();
                self.out.differences.push(Difference::Counter { device, counter, kernel, macvlab });
            }
        }
    }

    fn states(&mut self) {
        for device in self.names() {
            match (self.kernel.states.get(&device), self.macvlab.states.get(&device)) {
                (Some(k), Some(m)) if k != m => {
                    let (kernel, macvlab) = (state_text(k), state_text(m));
                    self.out.differences.push(Difference::State { device, kernel, macvlab });
                }
                (Some(_), None) => {
                    self.out.differences.push(Difference::Existence { device, in_kernel: true })
                }
                (None, Some(_)) => {
                    self.out.differences.push(Difference::Existence { device, in_kernel: false })
                }
                _ => {}
            }
        }
    }
}

fn state_text(s: &DeviceState) -> String {
    let mode = s.mode.map(|m| format!(" mode {m}")).unwrap_or_default();
    let word = |on: bool, yes: &'static str, no: &'static str| if on { yes } else { no };
    format!(
        "{} mtu {}{mode} {} {} promiscuity {}",
        s.mac,
        s.mtu,
        word(s.up, "up", "down"),
        word(s.carrier, "carrier", "no-carrier"),
        s.promiscuity
    )
}

/// The kernel removes tags before a host stack's handler sees the frame; where the frame is not the one that was sent
/// (reassembled fragments), the tags cannot be restored. Such a pair is not a difference.
fn pair_up_untagged(kernel: &mut Vec<Seen>, macvlab: &mut Vec<Seen>) {
    kernel.retain(|k| {
        let same = |m: &Seen| {
            (&m.device, m.packet_type) == (&k.device, k.packet_type) && without_some_tags(&m.frame, &k.frame)
        };
        match macvlab.iter().position(same) {
            Some(i) => {
                macvlab.remove(i);
                false
            }
            None => true,
        }
    });
}

/// The elements that only the first list has, and those that only the second has, with multiplicity.
fn multiset_difference(a: &[Seen], b: &[Seen]) -> (Vec<Seen>, Vec<Seen>) {
    let mut balance: BTreeMap<&Seen, i64> = BTreeMap::new();
    for seen in a {
        *balance.entry(seen).or_default() += 1;
    }
    for seen in b {
        *balance.entry(seen).or_default() -= 1;
    }
    let (mut only_a, mut only_b) = (Vec::new(), Vec::new());
    for (seen, n) in balance {
        let times = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
        let list = if n > 0 { &mut only_a } else { &mut only_b };
        list.extend(std::iter::repeat_n(seen.clone(), times));
    }
    (only_a, only_b)
}
