//! The layout of a diagram. Parents and their ports are at the top, switches in the middle, machines at the bottom;
//! cables run straight down where they can. Lengths are in pixels at scale 1, from the upper left corner.

use super::group::{Group, groups};
use super::scene::{Refused, Scene};
use super::topology::{Branch, Leaf, Machine, Topology};
use super::words;
use crate::lab::spec::Name;
use crate::lab::{Device, DeviceType};
use std::collections::BTreeMap;

pub(super) const NODE_W: i32 = 136;
pub(super) const NODE_H: i32 = 78;
pub(super) const BAR_H: i32 = 44;
const SWITCH_H: i32 = 92;
/// Gap between neighbouring nodes.
const GAP: i32 = 16;
/// Gap between leaves and their bar: frames from leaf to leaf run here.
const BUS: i32 = 26;
/// Padding inside a box.
const PAD: i32 = 12;
/// Height of a box's name line.
const LABEL_H: i32 = 30;
/// Width of a switch port with no node opposite.
const SOCKET_W: i32 = 124;
/// Vertical space for cables.
const CABLE: i32 = 58;
const MARGIN: i32 = 18;
/// Leaves per row.
const ROW: usize = 8;
/// Maximum number of leaves per parent, and of machines, that are drawn one by one; the rest share one node.
const MAX_DRAWN: usize = 42;

/// A point, or a width and a height.
pub(super) type Point = (i32, i32);

/// The layout of a diagram.
#[derive(Debug, Default)]
pub struct Layout<'a> {
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) frames: Vec<Outline>,
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) sockets: Vec<Socket<'a>>,
    pub(super) wires: Vec<Wire>,
    places: BTreeMap<Name, Position>,
}

/// The positions of frames at a device, and the height at which they reach it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Spot {
    /// Horizontal position.
    pub x: i32,
    /// Vertical position.
    pub y: i32,
    /// The height at which frames travel sideways to and from the device's parent, if it has one.
    pub via: Option<i32>,
    /// The centre of the mark that shows a frame's outcome here.
    pub mark: (i32, i32),
}

/// The positions of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Position {
    /// At the device.
    #[serde(flatten)]
    pub spot: Spot,
    /// At its host's IP stack, if that is drawn separately.
    pub stack: Option<Spot>,
}

/// A frame around a group of nodes.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) at: Point,
    pub(super) size: Point,
    pub(super) label: String,
}

/// A node.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) at: Point,
    pub(super) size: Point,
    pub(super) what: NodeKind<'a>,
}

/// The kind of node.
#[derive(Clone, Copy, Debug)]
pub(super) enum NodeKind<'a> {
    /// The IP stack of a parent's host.
    Stack(&'a Device),
    /// A port, a station or an interface.
    Device(&'a Device),
    /// A NIC, a sub-interface, or a switch's own device: a bar with other devices on it.
    Bar(&'a Device),
    Switch(&'a Device),
    Refused(&'a Refused),
    /// A number of further devices.
    More(usize),
}

/// A switch port: the point where a cable meets the switch.
#[derive(Debug)]
pub(super) struct Socket<'a> {
    pub(super) at: Point,
    pub(super) device: &'a Device,
    /// Whether it is on the upper edge.
    pub(super) upper: bool,
}

/// An edge.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) points: Vec<Point>,
    pub(super) kind: WireKind,
    /// The devices at both ends of a cable.
    pub(super) ends: Option<(Name, Name)>,
}

impl Wire {
    fn new(kind: WireKind, points: Vec<Point>) -> Wire {
        Wire { points, kind, ends: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WireKind {
    /// A cable with two ends.
    Cable,
    /// A cable with no device at its far end.
    Idle,
    /// From a port to its parent.
    Inside,
}

impl<'a> Layout<'a> {
    /// Computes the layout of a scene.
    #[must_use]
    pub fn of(scene: &'a Scene) -> Layout<'a> {
        let topology = Topology::of(scene);
        let mut layout = Layout::default();
        let groups = groups(&topology);
        let height_above = topology.parents.iter().map(|b| branch_size(b).1).max().unwrap_or(0);
        let bottom = MARGIN + height_above;
        let switch_y = bottom + if height_above > 0 { CABLE } else { 0 };
        let any_switch = !topology.switches.is_empty();
        let machines_y = if any_switch { switch_y + SWITCH_H + CABLE } else { switch_y + CABLE };
        let mut x = MARGIN;
        for group in &groups {
            x += layout.group(group, (x, bottom), switch_y, machines_y) + GAP;
        }
        layout.strays(&topology.strays, x);
        layout.lay_cables(&topology);
        layout.fit();
        layout
    }

    /// The positions of frames at each device, by name.
    #[must_use]
    pub fn places(&self) -> &BTreeMap<Name, Position> {
        &self.places
    }

    /// The cables: the devices at both ends, and the points between them.
    pub fn cables(&self) -> impl Iterator<Item = (&Name, &Name, &[(i32, i32)])> {
        self.wires.iter().filter_map(|w| w.ends.as_ref().map(|(a, b)| (a, b, w.points.as_slice())))
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> (i32, i32) {
        (self.width, self.height)
    }

    /// Places a group with its left edge at `x` and the lower edges of its parents at `bottom`; returns its width.
    fn group(&mut self, group: &Group<'_, 'a>, (x, bottom): Point, switch_y: i32, machines_y: i32) -> i32 {
        let above: Vec<Point> = group.above.iter().map(|b| branch_size(b)).collect();
        let below: Vec<Point> = group.below.iter().map(|m| machine_size(m)).collect();
        let row = |sizes: &[Point]| {
            sizes.iter().map(|s| s.0 + GAP).sum::<i32>() - GAP.min(sizes.len() as i32 * GAP)
        };
        let sockets = group.switch.as_ref().map_or(0, |(_, ports)| ports.len()) as i32;
        let switch_w =
            if group.switch.is_some() { (sockets * SOCKET_W).clamp(2 * NODE_W, 8 * NODE_W) } else { 0 };
        let width = row(&above).max(row(&below)).max(switch_w);
        let mut at = x + (width - row(&above)) / 2;
        for (branch, size) in group.above.iter().zip(&above) {
            self.branch(branch, (at, bottom - size.1));
            at += size.0 + GAP;
        }
        let mut at = x + (width - row(&below)) / 2;
        for (machine, size) in group.below.iter().zip(&below) {
            self.machine(machine, (at, machines_y));
            at += size.0 + GAP;
        }
        if let Some((switch, ports)) = &group.switch {
            self.switch(switch, ports, (x, switch_y), width);
        }
        width
    }

    /// Places a parent and its devices in a frame.
    fn branch(&mut self, branch: &Branch<'a>, at: Point) {
        let size = branch_size(branch);
        let label = match branch.device.kind {
            DeviceType::Vlan => String::new(),
            _ => words::around(branch.device),
        };
        self.frames.push(Outline { at, size, label });
        let inner = size.0 - 2 * PAD;
        let bar = (at.0 + PAD, at.1 + size.1 - PAD - BAR_H);
        let bus = bar.1 - BUS / 2;
        let mut y = at.1 + LABEL_H;
        let mut top_row = None;
        for (number, row) in rows(branch).enumerate() {
            let (row_w, row_h) = row_size(row);
            // Every other row is placed in the gaps of the first, so that edges from above stay visible.
            let same = *top_row.get_or_insert(row.len()) % 2 == row.len() % 2;
            let shift = if number % 2 == 1 && same { (NODE_W + GAP) / 2 } else { 0 };
            let mut x = at.0 + PAD + (inner - row_w) / 2 + shift;
            for leaf in row {
                let (w, h) = leaf_size(leaf);
                let top = (x, y + row_h - h);
                let end = self.leaf(leaf, branch.device, top, bus);
                self.wires.push(Wire::new(WireKind::Inside, vec![end, (end.0, bar.1)]));
                x += w + GAP;
            }
            y += row_h + BUS;
        }
        let center = (bar.0 + inner / 2, bar.1 + BAR_H);
        let hidden = branch.leaves.get(MAX_DRAWN..).unwrap_or_default();
        if !hidden.is_empty() {
            // All others share a corner of the bar.
            let corner = (bar.0 + inner - NODE_W / 2, bar.1);
            let size = (NODE_W - 4, BAR_H - 8);
            let what = NodeKind::More(hidden.len());
            self.nodes.push(Node { at: (corner.0 - NODE_W / 2 + 2, bar.1 + 4), size, what });
            for leaf in hidden {
                if let Leaf::Port(d) | Leaf::Vlan(Branch { device: d, .. }) = leaf {
                    self.place(d, Spot { x: corner.0, y: corner.1, via: Some(bus), mark: corner });
                }
            }
        }
        self.nodes.push(Node { at: bar, size: (inner, BAR_H), what: NodeKind::Bar(branch.device) });
        // A sub-interface belongs to the device below it; its parent defines the height.
        self.place(
            branch.device,
            Spot { x: center.0, y: center.1, via: None, mark: (center.0 - 70, center.1) },
        );
    }

    /// Places a device on a parent; returns its lower end.
    fn leaf(&mut self, leaf: &Leaf<'a>, parent: &Device, at: Point, bus: i32) -> Point {
        let (w, h) = leaf_size(leaf);
        let end = (at.0 + w / 2, at.1 + h);
        let spot = Spot { x: end.0, y: end.1, via: Some(bus), mark: (end.0, at.1 - 5) };
        let what = match leaf {
            Leaf::Vlan(branch) => {
                self.branch(branch, at);
                if let Some(place) = self.places.get_mut(&branch.device.name) {
                    place.spot.via = Some(bus);
                }
                return end;
            }
            Leaf::Stack(device) => {
                self.places.entry(parent.name.clone()).or_default().stack = Some(spot);
                NodeKind::Stack(device)
            }
            Leaf::Port(device) => {
                self.place(device, spot);
                NodeKind::Device(device)
            }
            Leaf::Refused(refused) => NodeKind::Refused(refused),
        };
        self.nodes.push(Node { at, size: (w, h), what });
        end
    }

    fn machine(&mut self, machine: &Machine<'a>, at: Point) {
        let mut at = at;
        if let Some(router) = machine.router {
            let label = format!("router {router}");
            self.frames.push(Outline { at, size: machine_size(machine), label });
            at = (at.0 + PAD, at.1 + LABEL_H);
        }
        for device in &machine.interfaces {
            self.nodes.push(Node { at, size: (NODE_W, NODE_H), what: NodeKind::Device(device) });
            let (x, via) = (at.0 + NODE_W / 2, machine.router.map(|_| at.1 + NODE_H / 2));
            // A frame stops slightly above, where it covers no name.
            self.wires.push(Wire::new(WireKind::Cable, vec![(x, at.1 - 6), (x, at.1)]));
            self.place(device, Spot { x, y: at.1 - 6, via, mark: (x, at.1 + NODE_H + 5) });
            at.0 += NODE_W + GAP;
        }
    }

    /// Places a switch; its ports are opposite the devices they are cabled to, if those are in the same group.
    fn switch(&mut self, switch: &'a Device, ports: &[&'a Device], at: Point, width: i32) {
        self.nodes.push(Node { at, size: (width, SWITCH_H), what: NodeKind::Switch(switch) });
        let middle = at.1 + SWITCH_H / 2;
        let mut spare = at.0 + width + 24;
        for port in ports.iter().rev() {
            let peer = port.peer.as_ref().and_then(|name| self.places.get(name)).map(|place| place.spot);
            let inside = peer.filter(|p| (at.0..=at.0 + width).contains(&p.x));
            let upper = inside.is_some_and(|p| p.y < at.1);
            if inside.is_none() {
                spare -= SOCKET_W;
            }
            let x = inside.map_or(spare, |p| p.x);
            let y = if upper { at.1 } else { at.1 + SWITCH_H };
            self.sockets.push(Socket { at: (x, y), device: port, upper });
            self.place(port, Spot { x, y, via: Some(middle), mark: (x - 70, y) });
        }
        match self.places.get(&switch.name).copied() {
            // Its own device is above, with a straight edge into it.
            Some(own) => {
                let own = own.spot;
                self.wires.push(Wire::new(WireKind::Inside, vec![(own.x, own.y), (own.x, at.1)]));
            }
            None => {
                let x = at.0 + width / 2;
                self.place(switch, Spot { x, y: middle, via: None, mark: (x, middle) });
            }
        }
    }

    fn strays(&mut self, strays: &[&'a Refused], x: i32) {
        let mut at = (x, MARGIN);
        for refused in strays {
            self.nodes.push(Node { at, size: (NODE_W, NODE_H), what: NodeKind::Refused(refused) });
            at.1 += NODE_H + GAP;
        }
    }

    fn place(&mut self, device: &Device, spot: Spot) {
        self.places.entry(device.name.clone()).or_default().spot = spot;
    }

    fn lay_cables(&mut self, topology: &Topology<'a>) {
        for (number, (a, b)) in topology.cables.iter().enumerate() {
            let spot =
                |device: &Device| self.places.get(&device.name).map(|place| (place.spot.x, place.spot.y));
            let (Some(from), Some(to)) = (spot(a), spot(b)) else { continue };
            let points = cable(from, to, number as i32 % 4 * 6);
            let ends = Some((a.name.clone(), b.name.clone()));
            self.wires.push(Wire { points, kind: WireKind::Cable, ends });
        }
        let idle = topology
            .parents
            .iter()
            .map(|b| b.device)
            .filter(|d| d.kind == DeviceType::Nic && d.peer.is_none());
        let idle: Vec<Point> =
            idle.filter_map(|d| self.places.get(&d.name)).map(|p| (p.spot.x, p.spot.y)).collect();
        for (x, y) in idle {
            self.wires.push(Wire::new(WireKind::Idle, vec![(x, y), (x, y + CABLE / 2)]));
        }
    }

    /// The total size.
    fn fit(&mut self) {
        let frames = self.frames.iter().map(|f| (f.at.0 + f.size.0, f.at.1 + f.size.1));
        let nodes = self.nodes.iter().map(|n| (n.at.0 + n.size.0, n.at.1 + n.size.1));
        // The end of an idle cable has a label.
        let label = |w: &Wire| if w.kind == WireKind::Idle { 18 } else { 0 };
        let wires = self.wires.iter().flat_map(|w| w.points.iter().map(|(x, y)| (*x, *y + label(w))));
        let (right, bottom) =
            frames.chain(nodes).chain(wires).fold((0, 0), |(x, y), (right, low)| (x.max(right), y.max(low)));
        (self.width, self.height) = (right + MARGIN, bottom + MARGIN);
    }
}

/// From one end to the other, first vertically, then horizontally.
fn cable(a: Point, b: Point, lane: i32) -> Vec<Point> {
    if a.0 == b.0 {
        return vec![a, b];
    }
    let across = if a.1 == b.1 { a.1 + CABLE / 2 + lane } else { (a.1 + b.1) / 2 + lane };
    vec![a, (a.0, across), (b.0, across), b]
}

/// Leaves in rows of about equal length.
fn rows<'t, 'a>(branch: &'t Branch<'a>) -> impl Iterator<Item = &'t [Leaf<'a>]> {
    let drawn = &branch.leaves[..branch.leaves.len().min(MAX_DRAWN)];
    let count = drawn.len().div_ceil(ROW).max(1);
    drawn.chunks(drawn.len().div_ceil(count).max(1))
}

fn leaf_size(leaf: &Leaf<'_>) -> Point {
    match leaf {
        Leaf::Vlan(branch) => branch_size(branch),
        _ => (NODE_W, NODE_H),
    }
}

fn row_size(row: &[Leaf<'_>]) -> Point {
    let sizes = row.iter().map(leaf_size);
    let (width, height) = sizes.fold((-GAP, 0), |(w, h), size| (w + size.0 + GAP, h.max(size.1)));
    (width, height)
}

fn branch_size(branch: &Branch<'_>) -> Point {
    let (mut width, mut height) = (0, 0);
    for (number, row) in rows(branch).enumerate() {
        let size = row_size(row);
        // May be shifted.
        let room = if number > 0 { NODE_W + GAP } else { 0 };
        (width, height) = (width.max(size.0 + room), height + size.1 + BUS);
    }
    (width + 2 * PAD, LABEL_H + height + BAR_H + PAD)
}

fn machine_size(machine: &Machine<'_>) -> Point {
    let count = machine.interfaces.len() as i32;
    let width = count * (NODE_W + GAP) - GAP;
    if machine.router.is_some() { (width + 2 * PAD, NODE_H + LABEL_H + PAD) } else { (width, NODE_H) }
}
