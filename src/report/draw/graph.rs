//! A diagram as a list of statements, for languages whose programs compute the layout.

use super::scene::{Refused, Scene};
use super::topology::{Branch, Leaf, Topology};
use super::words;
use crate::lab::{Device, DeviceType};
use std::collections::BTreeMap;

/// A statement. Ids are made of letters, digits and `_`.
pub(super) enum Statement {
    /// Opens a cluster around the following statements.
    Open { id: String, label: String },
    /// Closes the cluster.
    Close,
    /// A node, with its lines of text.
    Node { id: String, look: NodeStyle, lines: Vec<String> },
    /// An edge between two nodes.
    Edge { from: String, to: String, look: EdgeLook },
}

/// The style of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeStyle {
    Device,
    Socket,
    Refused,
}

/// The style of an edge.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EdgeLook {
    /// A port on its parent.
    Inside,
    Cable,
    /// A refused port, which would have been on this parent.
    Refused,
}

/// The statements for a scene.
pub(super) fn statements(scene: &Scene) -> Vec<Statement> {
    let ids = scene.devices.iter().enumerate().map(|(index, d)| (d.name.as_str(), index)).collect();
    let mut graph = Graph { scene, ids, statements: Vec::new() };
    graph.all(&Topology::of(scene));
    graph.statements
}

struct Graph<'a> {
    scene: &'a Scene,
    ids: BTreeMap<&'a str, usize>,
    statements: Vec<Statement>,
}

impl<'a> Graph<'a> {
    fn all(&mut self, topology: &Topology<'a>) {
        topology.parents.iter().for_each(|parent| self.branch(parent));
        for (switch, ports) in &topology.switches {
            self.open("s", switch, format!("{} switch", switch.name));
            ports.iter().for_each(|port| self.socket(port));
            self.statements.push(Statement::Close);
            // The switch's own device is above it, with its ports.
            if let Some(port) = ports.first().filter(|_| switch.mac.is_some()) {
                self.edge(self.id(switch), self.id(port), EdgeLook::Inside);
            }
        }
        for machine in &topology.machines {
            if let (Some(router), Some(first)) = (machine.router, machine.interfaces.first()) {
                self.open("r", first, format!("router {router}"));
            }
            machine.interfaces.iter().for_each(|device| self.device(device));
            if machine.router.is_some() {
                self.statements.push(Statement::Close);
            }
        }
        for (index, refused) in topology.strays.iter().enumerate() {
            self.refused(format!("x{index}"), refused);
        }
        for (a, b) in &topology.cables {
            // From top to bottom: parents, switches, machines.
            let (a, b) =
                if matches!(a.kind, DeviceType::Station | DeviceType::Router) { (b, a) } else { (a, b) };
            self.edge(self.id(a), self.id(b), EdgeLook::Cable);
        }
    }

    /// A parent and the devices on it.
    fn branch(&mut self, branch: &Branch<'a>) {
        let around = match branch.device.kind {
            DeviceType::Vlan => format!("VLAN sub-interface {}", branch.device.name),
            _ => words::around(branch.device),
        };
        self.open("h", branch.device, around);
        self.device(branch.device);
        let parent = self.id(branch.device);
        for (index, leaf) in branch.leaves.iter().enumerate() {
            match leaf {
                // Its addresses are shown with the parent.
                Leaf::Stack(_) => {}
                Leaf::Port(port) => {
                    self.device(port);
                    self.edge(self.id(port), parent.clone(), EdgeLook::Inside);
                }
                Leaf::Vlan(vlan) => {
                    self.branch(vlan);
                    self.edge(self.id(vlan.device), parent.clone(), EdgeLook::Inside);
                }
                Leaf::Refused(refused) => {
                    let id = format!("x{index}_{parent}");
                    self.refused(id.clone(), refused);
                    self.edge(id, parent.clone(), EdgeLook::Refused);
                }
            }
        }
        self.statements.push(Statement::Close);
    }

    fn device(&mut self, device: &Device) {
        let mac = device.mac.map(|m| m.to_string());
        let rest =
            [Some(words::kind(device)), words::addresses(device), mac, words::down(device, self.scene)];
        let lines = std::iter::once(device.name.to_string()).chain(rest.into_iter().flatten()).collect();
        self.statements.push(Statement::Node { id: self.id(device), look: NodeStyle::Device, lines });
    }

    fn socket(&mut self, port: &Device) {
        let peer = port.peer.as_ref().and_then(|name| self.scene.devices.iter().find(|d| d.name == *name));
        let notes = words::socket(port, peer.is_some_and(|d| d.kind == DeviceType::Nic)).join(", ");
        let lines = [port.name.to_string(), notes].into_iter().filter(|line| !line.is_empty()).collect();
        self.statements.push(Statement::Node { id: self.id(port), look: NodeStyle::Socket, lines });
    }

    fn refused(&mut self, id: String, refused: &Refused) {
        let why = format!("refused: {} {}", refused.refusal.errno, refused.refusal.rule);
        let lines = vec![format!("✗ {}", refused.name), why];
        self.statements.push(Statement::Node { id, look: NodeStyle::Refused, lines });
    }

    fn open(&mut self, kind: &str, device: &Device, label: String) {
        self.statements.push(Statement::Open { id: format!("{kind}_{}", self.id(device)), label });
    }

    fn edge(&mut self, from: String, to: String, look: EdgeLook) {
        self.statements.push(Statement::Edge { from, to, look });
    }

    /// Names may contain characters that ids may not.
    fn id(&self, device: &Device) -> String {
        format!("d{}", self.ids.get(device.name.as_str()).copied().unwrap_or_default())
    }
}
