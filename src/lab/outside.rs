//! What is attached from outside: reality in the place of what a lab would simulate.
//!
//! A device has two sides, and reality takes the place of the one that is not the lab's business. What uses a port, a
//! station, a sub-interface or a switch's own device is a program: what they receive goes to it, and what it writes they
//! send. What a NIC or a router's interface needs is a wire. Everything in between is decided as ever.

use super::device::{Agent, Cable, CableId, DeviceId, End, Kind, Role, Uplink};
use super::outlet::Outlet;
use super::spec::Name;
use super::{Lab, Sink};
use crate::dataplane::{Numbered, TapOpen};
use crate::frame::Frame;
use crate::time::Instant;

/// Nothing can be attached there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The lab has no such device, or was not allowed to make it.
    #[error("there is no device `{0}` in this lab")]
    Unknown(Name),
    /// Something is attached there already.
    #[error("something is attached to `{0}` already")]
    Twice(Name),
}

/// How an outlet is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attachment {
    /// As what is at the other end of the device's cable.
    Wire(DeviceId),
    /// As what uses the device.
    User(DeviceId),
    /// As the program that has the macvtap's device node open.
    Node(DeviceId),
}

#[derive(Debug)]
struct OutletEntry {
    name: Name,
    /// None while the device is removed.
    way: Option<Attachment>,
    present: bool,
}

/// Every outlet, and what left by them.
#[derive(Debug, Default)]
pub(super) struct Outside {
    places: Vec<OutletEntry>,
    sent: Vec<(Outlet, Frame)>,
}

impl Outside {
    /// Whether the far side is there.
    pub(super) fn is_present(&self, outlet: Outlet) -> bool {
        self.places[outlet.index()].present
    }

    /// A frame leaves the lab.
    pub(super) fn send(&mut self, outlet: Outlet, frame: Frame) {
        self.sent.push((outlet, frame));
    }

    /// The outlet of a device that was removed and may have come back.
    fn vacant(&self, name: &str) -> Option<Outlet> {
        self.places.iter().position(|p| p.way.is_none() && p.name == name).map(Outlet::new)
    }

    /// A device is gone.
    pub(super) fn vacate(&mut self, id: DeviceId) {
        let here = |way: Attachment| matches!(way, Attachment::Wire(d) | Attachment::User(d) | Attachment::Node(d) if d == id);
        for place in self.places.iter_mut().filter(|p| p.way.is_some_and(here)) {
            place.way = None;
        }
    }
}

impl Lab {
    /// Puts the outside in the place of what the lab simulates at a device: the machine itself for a station, the program
    /// that uses it for a port, a sub-interface or a switch's own device, the wire for a NIC or a router's interface. A NIC
    /// on a switch or a cable is unplugged from it. A program gets every multicast frame, for what it listens to is not
    /// known.
    ///
    /// # Errors
    /// [`AttachError`].
    pub fn attach(&mut self, device: &str) -> Result<Outlet, AttachError> {
        let id =
            self.topology.names.get(device).copied().ok_or_else(|| AttachError::Unknown(device.into()))?;
        if self.runtime.outside.places.iter().any(|p| p.name == device) {
            return Err(AttachError::Twice(device.into()));
        }
        let outlet = Outlet::new(self.runtime.outside.places.len());
        self.runtime.outside.places.push(OutletEntry { name: device.into(), way: None, present: true });
        self.plug_in(outlet, id);
        Ok(outlet)
    }

    /// A device was added: if one of its name was attached before, what was attached to that is now attached to it.
    pub(super) fn attach_again(&mut self, id: DeviceId) {
        if let Some(outlet) = self.runtime.outside.vacant(&self.topology.devices[id.0].name) {
            self.plug_in(outlet, id);
        }
    }

    fn plug_in(&mut self, outlet: Outlet, id: DeviceId) {
        let way = match &mut self.topology.devices[id.0].kind {
            Kind::Port { tap: Some(tap), .. } => {
                *tap = TapOpen::Reading;
                Attachment::Node(id)
            }
            Kind::Link(link) if matches!(link.role, Role::Nic | Role::Router(_)) => Attachment::Wire(id),
            Kind::Link(_) | Kind::Port { tap: None, .. } => Attachment::User(id),
        };
        self.runtime.outside.places[outlet.index()].way = Some(way);
        self.runtime.changed = true;
        if let Attachment::Wire(_) = way {
            self.rewire(id, outlet);
        } else {
            self.topology.devices[id.0].user = Some(outlet);
            self.silence(id);
            // What cannot be refused: the device is there.
            let _ = self.set_allmulticast(id, true);
        }
        self.refresh_stacks();
    }

    /// Gives a device a cable that leads outside; what was at the other end of the old one is left with its end of it.
    fn rewire(&mut self, id: DeviceId, outlet: Outlet) {
        let near = End::Device(id);
        let Some(Uplink::Cable(old)) = self.topology.link(id).map(|l| l.uplink.clone()) else { return };
        let latency = self.topology.cables[old.0].latency;
        self.touch_end(self.topology.cables[old.0].far(near));
        if let End::Switch(switch, port) = self.topology.cables[old.0].far(near)
            && let Some(switch) = self.switch_mut(switch)
        {
            switch.set_carrier(port, false);
        }
        for end in self.topology.cables[old.0].ends.iter_mut().filter(|e| **e == near) {
            *end = End::Gone;
        }
        self.topology.cables.push(Cable { ends: [near, End::Outside(outlet)], latency });
        let cable = CableId(self.topology.cables.len() - 1);
        if let Some(link) = self.link_mut(id) {
            link.uplink = Uplink::Cable(cable);
        }
    }

    /// A frame comes in from outside, at the given time (or now, if that is past), after everything that was due before.
    /// What the device refuses is recorded as a drop; what is for a device that was removed is gone.
    pub fn enter(&mut self, outlet: Outlet, time: Instant, frame: &[u8], sink: Sink<'_>) {
        self.advance(time, sink);
        let Some(way) = self.runtime.outside.places.get(outlet.index()).and_then(|p| p.way) else { return };
        let frame = self.runtime.pool.make(&[frame]);
        match way {
            Attachment::User(id) => {
                let (node, frame_id) = (self.topology.node(id), self.new_frame_id());
                self.forward(|forwarding| forwarding.send_for_outside(node, Numbered::new(&frame, frame_id)));
            }
            Attachment::Wire(id) => {
                let (node, frame_id) = (self.topology.node(id), self.new_frame_id());
                // What does not fit is recorded; the rest is the sender's error.
                let _ = self
                    .forward(|forwarding| forwarding.send_from_wire(node, Numbered::new(&frame, frame_id)));
            }
            Attachment::Node(id) => {
                let (node, frame_id) = (self.topology.node(id), self.new_frame_id());
                // What the port could not send is recorded; the rest is the writer's error.
                let _ = self
                    .forward(|forwarding| forwarding.write_to_node(node, Numbered::new(&frame, frame_id)));
            }
        }
        self.flush(sink);
    }

    /// Whether an outlet stands in for the wire of a NIC or a router's interface.
    #[must_use]
    pub fn is_wire(&self, outlet: Outlet) -> bool {
        self.runtime
            .outside
            .places
            .get(outlet.index())
            .is_some_and(|p| matches!(p.way, Some(Attachment::Wire(_))))
    }

    /// Takes what left the lab since the last time, in order.
    pub fn left(&mut self) -> std::vec::Drain<'_, (Outlet, Frame)> {
        self.runtime.outside.sent.drain(..)
    }

    /// Says whether the far side is there: without it, a NIC has no carrier, and a station is down.
    pub fn set_present(&mut self, outlet: Outlet, present: bool, sink: Sink<'_>) {
        let Some(place) =
            self.runtime.outside.places.get_mut(outlet.index()).filter(|p| p.present != present)
        else {
            return;
        };
        place.present = present;
        self.runtime.changed = true;
        if let Some(Attachment::User(id)) = place.way
            && self.topology.link(id).is_some_and(|l| l.role == Role::Station)
        {
            // A station is never refused to come up.
            let _ = self.set_up(id, present);
        }
        self.refresh_stacks();
        self.flush(sink);
    }

    /// When something is due, if nothing comes in before.
    #[must_use]
    pub fn next_time(&self) -> Option<Instant> {
        self.runtime.stacks.agenda.next_time()
    }

    /// Whether frames are under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.runtime.stacks.agenda.frames_under_way()
    }

    /// Takes the IP stack away from a device.
    pub(super) fn silence(&mut self, id: DeviceId) {
        if let Some((agent, interface)) = self.topology.devices[id.0].agent.take() {
            let wake = self.runtime.stacks.agents[agent.0].wake.take();
            self.runtime.stacks.agenda.rearm(agent, wake, None);
            let Agent { stack, declared, .. } = &mut self.runtime.stacks.agents[agent.0];
            stack.remove_interface(interface, self.runtime.now);
            if *declared || stack.has_interfaces() {
                return self.serve(agent);
            }
            self.tell_neighbours(agent);
            self.runtime.stacks.agents[agent.0].devices.clear();
            self.runtime.stacks.vacant.push(agent);
        }
    }
}
