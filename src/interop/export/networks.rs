//! Networks of container engines: one for each parent, mode, MTU and set of subnets.

use super::super::{Network, Pool, Ports};
use super::machines::{Machine, Machines, Port, Tool};
use crate::frame::MacAddr;
use crate::lab::spec::{DeviceKind, LabSpec, Name};
use crate::macvlan::Mode;
use crate::station::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Networks, and which port is on which.
pub(super) struct Networks {
    pub(super) all: Vec<Network>,
    of: BTreeMap<Name, usize>,
    known: BTreeMap<Key, Vec<usize>>,
    /// What the tool does otherwise than the lab, a line each.
    pub(super) differences: Vec<String>,
}

impl Networks {
    /// The networks on which the machines' ports are.
    pub(super) fn of(lab: &LabSpec, (id, tool): (&str, &Tool), machines: &Machines<'_>) -> Networks {
        let mut networks = Networks {
            all: Vec::new(),
            of: BTreeMap::new(),
            known: BTreeMap::new(),
            differences: Vec::new(),
        };
        let ports: Vec<&Port<'_>> = machines.machines.iter().flat_map(|machine| &machine.ports).collect();
        for machine in &machines.machines {
            networks.connect(id, machine);
        }
        networks.gateways(lab, tool.name, &ports);
        networks.overlaps(tool.name);
        networks.dummies(lab);
        networks
    }

    /// Puts a machine's ports on networks. An engine connects a container to a network once, and gives a subnet to one
    /// network.
    fn connect(&mut self, id: &str, machine: &Machine<'_>) {
        let mut used = BTreeSet::new();
        for port in &machine.ports {
            let network = network_of(id, port);
            let known = self.known.entry(key(&network)).or_default();
            let at = match known.iter().find(|at| !used.contains(*at)) {
                Some(at) => *at,
                None if !known.is_empty() && !network.pools.is_empty() => {
                    let text = "left out: a second port on its network, which no container has";
                    self.differences.push(format!("{}: {text}", port.name));
                    continue;
                }
                None => {
                    let name = format!("macvlan{}", self.all.len());
                    known.push(self.all.len());
                    self.all.push(Network { name, ..network.clone() });
                    self.all.len() - 1
                }
            };
            for (pool, more) in self.all[at].pools.iter_mut().zip(&network.pools) {
                pool.gateway = pool.gateway.or(more.gateway);
            }
            used.insert(at);
            self.of.insert(port.name.clone(), at);
            for net in more_addresses(port) {
                self.differences.push(format!("{}: left out: its address {net}", port.name));
            }
        }
    }

    /// The names of the parents that the engine does not make.
    pub(super) fn parents(&self) -> impl Iterator<Item = &str> {
        self.all.iter().filter_map(|network| network.parent.as_deref())
    }

    /// The network of a port.
    pub(super) fn network(&self, port: &Port<'_>) -> Option<&Network> {
        self.all.get(*self.of.get(port.name)?)
    }

    /// An engine insists on a gateway: the first address of a subnet where none is given. If a container has that, the
    /// gateway is another address, which nothing has.
    fn gateways(&mut self, lab: &LabSpec, tool: &str, ports: &[&Port<'_>]) {
        let used: BTreeSet<IpAddr> = lab
            .stacks()
            .flat_map(|(_, ip)| ip.address.iter().map(IpNet::addr).chain(ip.gateway.clone()))
            .collect();
        let of_ports: BTreeSet<IpAddr> =
            ports.iter().flat_map(|port| port.spec.ip.address.iter().map(IpNet::addr)).collect();
        for network in &mut self.all {
            for pool in &mut network.pools {
                pool.gateway = pool.gateway.filter(|gateway| !of_ports.contains(gateway));
                let first = pool.subnet.hosts().next();
                if pool.gateway.is_some() || first.is_none_or(|first| !of_ports.contains(&first)) {
                    continue;
                }
                pool.gateway = last_free(&pool.subnet, &used);
                if let Some(gateway) = pool.gateway {
                    let text =
                        format!("{}: {tool} insists on a gateway; nothing has {gateway}", network.name);
                    self.differences.push(text);
                }
            }
        }
        for port in ports {
            let Some(network) = self.network(port) else { continue };
            let known = |gateway: &IpAddr| network.pools.iter().any(|pool| pool.gateway == Some(*gateway));
            if let Some(gateway) = port.spec.ip.gateway.iter().find(|gateway| !known(gateway)) {
                let text = format!(
                    "{}: left out: its gateway {gateway}, which is not that of the network",
                    port.name
                );
                self.differences.push(text);
            }
        }
    }

    /// An engine makes a dummy for each network that has no parent: no other network can be on it.
    fn dummies(&mut self, lab: &LabSpec) {
        let dummies = lab.devices.iter().filter(|device| matches!(device.kind, DeviceKind::Dummy(_)));
        let mut on: BTreeMap<String, Vec<usize>> =
            dummies.map(|device| (device.name.to_string(), Vec::new())).collect();
        for (at, network) in self.all.iter().enumerate() {
            if let Some(networks) = network.parent.as_ref().and_then(|parent| on.get_mut(parent)) {
                networks.push(at);
            }
        }
        for networks in on.values() {
            if let [only] = networks.as_slice() {
                self.all[*only].parent = None;
            }
        }
    }

    /// An engine refuses a network with a subnet that another one on the same machine has.
    fn overlaps(&mut self, tool: &str) {
        let pools = self.all.iter().enumerate();
        let pools = pools.flat_map(|(at, network)| network.pools.iter().map(move |pool| (pool.subnet, at)));
        let mut pools: Vec<(IpNet, usize)> = pools.collect();
        pools.sort_by_key(|(subnet, at)| (subnet.network(), *at));
        let mut told: BTreeMap<usize, IpNet> = BTreeMap::new();
        let mut widest: Option<(IpAddr, usize)> = None;
        for (subnet, at) in pools {
            let before = widest.filter(|(end, _)| *end >= subnet.network());
            if let Some((_, other)) = before {
                told.entry(at.max(other)).or_insert(subnet);
            }
            if before.is_none_or(|(end, _)| end < subnet.broadcast()) {
                widest = Some((subnet.broadcast(), at));
            }
        }
        for (at, subnet) in told {
            let name = &self.all[at].name;
            let text =
                format!("{name}: {tool} refuses a second network with the subnet {subnet} on one machine");
            self.differences.push(text);
        }
    }
}

/// The first address of each family, which is all that an engine gives to a port.
pub(super) fn addresses<'p>(port: &'p Port<'_>) -> impl Iterator<Item = &'p IpNet> {
    let of = |is_v4: bool| port.spec.ip.address.iter().find(move |net| net.addr().is_ipv4() == is_v4);
    of(true).into_iter().chain(of(false))
}

fn more_addresses<'p>(port: &'p Port<'_>) -> impl Iterator<Item = &'p IpNet> {
    port.spec.ip.address.iter().filter(move |net| addresses(port).all(|first| first != *net))
}

/// The MAC address that has to be told: one that the lab names, or that no address determines.
pub(super) fn mac(port: &Port<'_>) -> Option<MacAddr> {
    let is_derived = port.spec.mac.is_none() && port.spec.ip.address.iter().any(|net| net.addr().is_ipv4());
    let is_told = port.spec.mode != Mode::Passthru && !is_derived;
    is_told.then(|| port.spec.requested_mac(port.name))
}

type Key = (Option<String>, Mode, Option<u32>, Vec<IpNet>);

fn key(network: &Network) -> Key {
    (
        network.parent.clone(),
        network.mode,
        network.ports.mtu,
        network.pools.iter().map(|pool| pool.subnet).collect(),
    )
}

fn network_of(tool: &str, port: &Port<'_>) -> Network {
    let ip = &port.spec.ip;
    let gateway = |net: &IpNet| ip.gateway.iter().copied().find(|gateway| net.contains(gateway));
    let mut pools: Vec<Pool> = Vec::new();
    for net in addresses(port) {
        let subnet = net.trunc();
        if pools.iter().all(|pool| pool.subnet != subnet) {
            let gateway = gateway(net);
            pools.push(Pool { subnet, range: None, gateway, reserved: Vec::new(), fixed: None });
        }
    }
    Network {
        parent: Some(port.parent.to_string()),
        mode: port.spec.mode,
        ports: Ports { mtu: port.spec.mtu, ..Ports::default() },
        pools,
        ..Network::new("", tool, "macvlan", None)
    }
}

/// The last address of a subnet that is not in use.
fn last_free(subnet: &IpNet, used: &BTreeSet<IpAddr>) -> Option<IpAddr> {
    let below = |number: u128| match subnet.broadcast() {
        IpAddr::V4(last) => Some(IpAddr::V4(last.to_bits().checked_sub(u32::try_from(number).ok()?)?.into())),
        IpAddr::V6(last) => Some(IpAddr::V6(last.to_bits().checked_sub(number)?.into())),
    };
    let free = |ip: &IpAddr| !used.contains(ip) && *ip != subnet.network();
    // Each address in use takes one away.
    (1..=used.len() as u128 + 2).filter_map(below).take_while(|ip| subnet.contains(ip)).find(free)
}
