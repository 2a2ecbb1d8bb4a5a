//! Hosts: IP stacks, and the devices that are their interfaces.

use super::Lab;
use super::build::Refused;
use super::device::{Agent, AgentId, DeviceId, Role};
use super::plan::Plan;
use super::spec::{AddressChange, HostChange, HostSpec, Name, NeighbourChange, RouterSpec};
use crate::errno::Errno;
use crate::frame::MacAddr;
use crate::station::{Host, HostConfig, Interface, IpNet, IpSpec};
use crate::time::Instant;
use crate::verdict::{Refusal, Rule};
use std::net::IpAddr;

impl Lab {
    /// A host that has no interface yet.
    pub(super) fn make_host(&mut self, spec: &HostSpec) {
        let ip = IpSpec { address: spec.config.loopback.clone(), ..IpSpec::default() };
        self.topology.addresses.insert(spec.name.clone(), ip);
        if self.options.stacks {
            let agent = self.start_stack(&spec.name, &spec.config, true);
            self.runtime.stacks.hosts.insert(spec.name.clone(), agent);
        }
    }

    /// A host that forwards, and its interfaces.
    pub(super) fn make_router(&mut self, name: &Name, spec: &RouterSpec, plan: &Plan) -> Result<(), Refused> {
        let config = HostConfig { forwarding: true, ..HostConfig::default() };
        let agent = self.options.stacks.then(|| self.start_stack(name, &config, true));
        for interface in &spec.interfaces {
            let station = &interface.station;
            let id = self.make_station(&interface.name, Role::Router(name.clone()), station, plan)?;
            if let Some(agent) = agent {
                self.join_stack(id, agent, &station.ip);
            }
        }
        Ok(())
    }

    /// Makes a device an interface of its host. One that belongs to none has an IP stack of its own, if it has addresses.
    pub(super) fn attach_interface(&mut self, id: DeviceId, host: Option<&Name>, ip: &IpSpec) {
        let name = self.topology.devices[id.0].name.clone();
        self.topology.addresses.insert(name.clone(), ip.clone());
        self.topology.devices[id.0].host = host.cloned();
        if !self.options.stacks {
            return;
        }
        let agent = match host {
            Some(host) => self.runtime.stacks.hosts.get(host).copied(),
            None if ip.address.is_empty() => None,
            None => Some(self.start_stack(&name, &HostConfig::default(), false)),
        };
        if let Some(agent) = agent {
            self.join_stack(id, agent, ip);
        }
    }

    fn start_stack(&mut self, name: &str, config: &HostConfig, declared: bool) -> AgentId {
        let mut stack = Host::new(name, config, self.runtime.now);
        if self.options.changes {
            stack.watch_neighbours();
        }
        let new = Agent { stack, devices: Vec::new(), wake: None, declared };
        let agents = &mut self.runtime.stacks.agents;
        match self.runtime.stacks.vacant.pop() {
            Some(vacant) => {
                agents[vacant.0] = new;
                vacant
            }
            None => {
                agents.push(new);
                AgentId(agents.len() - 1)
            }
        }
    }

    /// Adds a device to an IP stack, and joins the groups that the stack listens to.
    fn join_stack(&mut self, id: DeviceId, agent: AgentId, ip: &IpSpec) {
        let (state, name) = (self.state_of(id), self.topology.devices[id.0].name.clone());
        // If it is not up, the stack is told when it comes up.
        let arp = self.topology.link(id).is_none_or(|link| link.role != Role::Dummy);
        let interface = Interface { name: &name, mac: state.mac, ip, mtu: state.mtu, up: state.up, arp };
        let Agent { stack, devices, .. } = &mut self.runtime.stacks.agents[agent.0];
        let index = stack.add_interface(interface, self.runtime.now);
        let groups = stack.groups(index);
        devices.resize(devices.len().max(index + 1), id);
        devices[index] = id;
        self.topology.devices[id.0].agent = Some((agent, index));
        self.serve(agent);
        for group in groups {
            // Joining is never refused (R88).
            let _ = self.join(id, group);
        }
    }

    /// The IP stack of a device or host; `None`: the device has none.
    ///
    /// # Errors
    /// `ENODEV`: there is no such device or host.
    pub(super) fn stack_of(&self, name: &str) -> Result<Option<AgentId>, Refusal> {
        match self.runtime.stacks.hosts.get(name) {
            Some(host) => Ok(Some(*host)),
            None => Ok(self.topology.devices[self.find(name)?.0].agent.map(|(agent, _)| agent)),
        }
    }

    /// The address of a device or host that is asked: the first of a family that the asker has too; of the addresses of a
    /// host rather one in a subnet of the asker's.
    pub(super) fn target_address(&self, from: &str, to: &str) -> Option<IpAddr> {
        let mut own = self.addresses_of_stack(from);
        if let Some(host) =
            self.topology.names.get(from).and_then(|id| self.topology.devices[id.0].host.as_ref())
        {
            own.extend(self.addresses_of_stack(host));
        }
        let has_family = |addr: &IpAddr| own.iter().any(|net| net.addr().is_ipv4() == addr.is_ipv4());
        let theirs = self.addresses_of_stack(to).into_iter().map(|net| net.addr());
        let theirs: Vec<IpAddr> = theirs.filter(has_family).collect();
        let is_host = !self.topology.names.contains_key(to);
        let near = theirs.iter().copied().find(|addr| is_host && own.iter().any(|net| net.contains(addr)));
        near.or_else(|| theirs.first().copied())
    }

    /// The addresses of a device; of a host, those of its loopback and of all its interfaces.
    fn addresses_of_stack(&self, name: &str) -> Vec<IpNet> {
        let interfaces = self.topology.devices.iter().filter(|d| !d.gone && d.host.as_deref() == Some(name));
        let names = std::iter::once(name).chain(interfaces.map(|device| device.name.as_str()));
        names.flat_map(|name| self.addresses_of(name)).collect()
    }

    /// Changes the IP stack behind a device, and lets it do what follows.
    pub(super) fn on_stack<T>(
        &mut self,
        id: DeviceId,
        change: impl FnOnce(&mut Host, usize, Instant) -> T,
    ) -> Option<T> {
        let (agent, interface) = self.topology.devices[id.0].agent?;
        let done = change(&mut self.runtime.stacks.agents[agent.0].stack, interface, self.runtime.now);
        self.serve(agent);
        Some(done)
    }

    /// Adds addresses to a device, or removes them; a device that had none has an IP stack from then on.
    pub(super) fn change_addresses(&mut self, id: DeviceId, change: &AddressChange) -> Result<(), Refusal> {
        let name = self.topology.devices[id.0].name.clone();
        let mut ip = self.topology.addresses.get(&name).cloned().unwrap_or_default();
        let before = self.groups_of(id);
        let mut refused = None;
        let (AddressChange::Add(nets) | AddressChange::Del(nets)) = change;
        for net in nets {
            let at = ip.address.iter().position(|known| known.addr() == net.addr());
            match (change, at) {
                (AddressChange::Add(_), None) => ip.address.push(*net),
                (AddressChange::Del(_), Some(at)) => drop(ip.address.remove(at)),
                (AddressChange::Add(_), Some(_)) => refused = refused.or(Some(Errno::Eexist)),
                (AddressChange::Del(_), None) => refused = refused.or(Some(Errno::Eaddrnotavail)),
            }
        }
        self.topology.addresses.insert(name.clone(), ip.clone());
        self.touch_named(&name);
        if self.topology.devices[id.0].agent.is_none() {
            self.attach_interface(id, self.topology.devices[id.0].host.clone().as_ref(), &ip);
        } else {
            self.on_stack(id, |stack, interface, now| stack.set_addresses(interface, &ip.address, now));
            self.join_instead(id, &before);
        }
        refused.map_or(Ok(()), |errno| Err(Refusal::new(errno, Rule::IpConfigRefused)))
    }

    fn groups_of(&self, id: DeviceId) -> Vec<MacAddr> {
        let agent = self.topology.devices[id.0].agent;
        agent
            .map(|(agent, index)| self.runtime.stacks.agents[agent.0].stack.groups(index))
            .unwrap_or_default()
    }

    /// Joins the groups that a device's IP stack listens to now, and leaves those that it listened to before.
    fn join_instead(&mut self, id: DeviceId, before: &[MacAddr]) {
        let now = self.groups_of(id);
        for group in before.iter().filter(|group| !now.contains(group)) {
            // It was joined.
            let _ = self.leave_group(id, *group);
        }
        for group in now.iter().filter(|group| !before.contains(group)) {
            let _ = self.join(id, *group);
        }
    }

    pub(super) fn change_neighbours(
        &mut self,
        id: DeviceId,
        change: &NeighbourChange,
    ) -> Result<(), Refusal> {
        let done = self.on_stack(id, |stack, interface, now| match change {
            NeighbourChange::Add(all) => {
                all.iter().for_each(|(ip, mac)| stack.set_neighbour(interface, *ip, *mac, now));
                true
            }
            NeighbourChange::Del(all) => {
                // All of them, whether or not one was missing.
                all.iter().filter(|ip| !stack.forget_neighbour(interface, **ip)).count() == 0
            }
            NeighbourChange::Flush => {
                stack.flush_neighbours(interface);
                true
            }
        });
        match done {
            Some(false) => Err(Refusal::new(Errno::Enoent, Rule::IpConfigRefused)),
            _ => Ok(()),
        }
    }

    /// Moves a device to a host: it goes down, and loses its addresses, neighbours and routes (`dev_change_net_namespace`).
    /// What sits on it stays where it is. A switch's own device cannot move.
    pub(super) fn move_to(&mut self, id: DeviceId, host: &Name) -> Result<(), Refusal> {
        let movable = self
            .topology
            .link(id)
            .is_none_or(|link| matches!(link.role, Role::Nic | Role::Dummy | Role::Vlan));
        if !movable {
            return Err(Refusal::new(Errno::Einval, Rule::IpConfigRefused));
        }
        self.set_up(id, false)?;
        // A device leaves the bridge whose port it is when it leaves the namespace.
        self.release(id);
        let before = self.groups_of(id);
        self.silence(id);
        self.attach_interface(id, Some(host), &IpSpec::default());
        self.join_instead(id, &before);
        let name = self.topology.devices[id.0].name.clone();
        self.touch_named(&name);
        Ok(())
    }

    /// Changes a host.
    pub(super) fn set_host(&mut self, name: &str, change: &HostChange) -> Result<(), Refusal> {
        let missing = Refusal::new(Errno::Enodev, Rule::IpConfigRefused);
        let known = self.topology.addresses.contains_key(name);
        let Some(agent) = self.runtime.stacks.hosts.get(name).copied() else {
            // Without IP stacks, nothing depends on it.
            return if known && !self.options.stacks { Ok(()) } else { Err(missing) };
        };
        let (stack, now) = (&mut self.runtime.stacks.agents[agent.0].stack, self.runtime.now);
        let done = match change {
            HostChange::Forwarding(on) => {
                stack.set_forwarding(*on);
                Ok(())
            }
            HostChange::Sysctl(settings) => {
                stack.set_sysctls(None, settings);
                Ok(())
            }
            HostChange::AddRoutes(all) => {
                all.iter().try_for_each(|route| stack.add_route(now, route.clone()))
            }
            HostChange::DelRoutes(all) => all.iter().try_for_each(|route| stack.remove_route(route)),
        };
        self.serve(agent);
        done.map_err(|errno| Refusal::new(errno, Rule::IpConfigRefused))
    }
}
