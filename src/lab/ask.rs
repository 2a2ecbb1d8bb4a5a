//! Questions to a lab about what it would do: nothing changes by asking.

use super::Lab;
use super::device::Agent;
use super::spec::Name;
use crate::dataplane::incoming;
use crate::switch::{FdbEntry, SwitchPortId};
use crate::verdict::Rule;
use std::net::IpAddr;

/// What a switch of a lab knows about an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The switch.
    pub switch: Name,
    /// The switch port, SWITCH.DEVICE.
    pub port: Name,
    /// The entry.
    pub entry: FdbEntry,
}

/// How a packet leaves a device's IP stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTo {
    /// The interface by which it leaves.
    pub device: Name,
    /// The neighbour that it is sent to: the destination itself, or a gateway.
    pub next_hop: IpAddr,
}

impl Lab {
    /// How a packet of a device, or host, to this unicast address leaves its IP stack; `None`: there is no such stack, or it
    /// has no route.
    #[must_use]
    pub fn route(&self, from: &str, to: IpAddr) -> Option<RouteTo> {
        let agent = self.stack_of(from).ok()??;
        let Agent { stack, devices, .. } = &self.runtime.stacks.agents[agent.0];
        let (interface, next_hop) = stack.next_hop(self.runtime.now, to)?;
        let device = self.topology.devices[devices[interface].0].name.clone();
        Some(RouteTo { device, next_hop })
    }

    /// What the switches know now, by switch, VLAN and address.
    #[must_use]
    pub fn known(&self) -> Vec<Known> {
        let switches = self.topology.switches.iter().zip(self.runtime.state.switches());
        let entries = switches.flat_map(|(node, switch)| {
            let port = |id: SwitchPortId| node.ports.get(usize::from(id.0)).map_or(&node.name, |p| &p.name);
            let known = move |entry: FdbEntry| Known {
                switch: node.name.clone(),
                port: port(entry.port).clone(),
                entry,
            };
            switch.fdb_entries(self.runtime.now).into_iter().map(known)
        });
        entries.collect()
    }

    /// Whether a frame that came in at the switch port `from` now would leave by the port `to` of the same switch, both
    /// named SWITCH.DEVICE, and by which rule; or which rule keeps it from leaving there: the switch's own "why not?".
    /// `None`: these are not two ports of one switch, or the frame has no readable header.
    #[must_use]
    pub fn would_leave(
        &self,
        from: &str,
        to: &str,
        frame: &crate::frame::Frame,
    ) -> Option<Result<Rule, Rule>> {
        let header = incoming(frame).ok()?;
        self.topology.switches.iter().zip(self.runtime.state.switches()).find_map(|(node, switch)| {
            let port = |name: &str| {
                let index = node.ports.iter().position(|p| p.name == name)?;
                u16::try_from(index).ok().map(SwitchPortId)
            };
            let (from, to) = (port(from)?, port(to)?);
            let verdict = switch.decide(from, frame, &header, self.runtime.now);
            Some(switch.may_leave(&verdict, from, to, &header))
        })
    }
}
