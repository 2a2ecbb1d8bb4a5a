//! What frames change.

use super::wiring::{NodeId, SwitchId, Wiring};
use crate::counters::Counters;
use crate::macvlan::Fragments;
use crate::switch::Switch;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What frames change on their way through a [`Wiring`]: counters, queues, fragments that wait, and the switches with
/// what they have learned. A worker has its own, so that workers share nothing.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// By node.
    counters: Vec<Counters>,
    /// By node: what few frames touch.
    rest: Vec<ColdState>,
    pub(super) switches: Vec<Switch>,
}

/// What else there is of a node.
#[derive(Clone, Debug, Default)]
struct ColdState {
    /// Frames that wait for a macvtap's reader who does not read.
    queued: u32,
    /// The fragments that wait in this NIC's host; boxed, as most nodes never see one.
    fragments: Option<Box<Fragments>>,
}

impl State {
    /// Makes room for the nodes of a wiring. What was counted and learned stays.
    pub fn fit(&mut self, wiring: &Wiring) {
        let nodes = wiring.nodes().len().max(self.counters.len());
        self.counters.resize(nodes, Counters::default());
        self.rest.resize_with(nodes, ColdState::default);
    }

    /// A node's number is used again: what was counted and queued before is another device's.
    pub fn forget(&mut self, node: NodeId) {
        if let Some((counters, rest)) =
            self.counters.get_mut(node.index()).zip(self.rest.get_mut(node.index()))
        {
            (*counters, *rest) = (Counters::default(), ColdState::default());
        }
    }

    /// What a node has counted.
    #[must_use]
    pub fn counters(&self, node: NodeId) -> Counters {
        self.counters.get(node.index()).copied().unwrap_or_default()
    }

    /// Every node's counters, in the order of the nodes.
    pub fn all_counters(&self) -> impl Iterator<Item = (NodeId, &Counters)> {
        self.counters.iter().zip(0..).map(|(counters, id)| (NodeId(id), counters))
    }

    /// The switches.
    #[must_use]
    pub fn switches(&self) -> &[Switch] {
        &self.switches
    }

    /// One more switch.
    pub fn add_switch(&mut self, switch: Switch) {
        self.switches.push(switch);
    }

    /// A switch.
    #[must_use]
    pub fn switch(&self, id: SwitchId) -> Option<&Switch> {
        self.switches.get(id.index())
    }

    /// A switch, to be configured. Whether its own device has carrier is part of the wiring, so a change of port states
    /// asks for a new one.
    pub fn switch_mut(&mut self, id: SwitchId) -> Option<&mut Switch> {
        self.switches.get_mut(id.index())
    }

    #[inline]
    pub(super) fn count(&mut self, node: NodeId) -> &mut Counters {
        &mut self.counters[node.index()]
    }

    pub(super) fn queued(&mut self, node: NodeId) -> &mut u32 {
        &mut self.rest[node.index()].queued
    }

    pub(super) fn fragments(&mut self, node: NodeId) -> &mut Fragments {
        self.rest[node.index()].fragments.get_or_insert_default()
    }
}
