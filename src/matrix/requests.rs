//! Requests for MAC addresses in earlier steps: a ping can fail because of one of them, and without a frame of its own.

use super::{Exchange, Loss, Lost, read};
use crate::explain::Journey;
use crate::lab::{Device, Event};
use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

/// Maximum number of hops and decisions of earlier steps that are kept.
const MAX_ASKED: usize = 2_000;

/// The hops and decisions of the latest requests.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    kept: VecDeque<Event>,
    /// The requests of the current step.
    current: BTreeSet<u64>,
}

impl Requests {
    /// Keeps the event if it is a hop or decision of a request.
    pub(crate) fn event(&mut self, event: &Event) {
        let id = match event {
            Event::Hop(hop) => {
                if read(&hop.frame).is_some_and(|(what, _)| what == Lost::Solicitation) {
                    self.current.insert(hop.frame_id);
                }
                hop.frame_id
            }
            Event::Decision(decision) => decision.frame_id,
            Event::Step { .. } => return self.current.clear(),
            _ => return,
        };
        if self.current.contains(&id) {
            self.kept.push_back(event.clone());
        }
        if self.kept.len() > MAX_ASKED {
            self.kept.pop_front();
        }
    }

    /// Why the last request of a device (or of its host) for the MAC address of this neighbour was lost, and where.
    pub(crate) fn unanswered(&mut self, from: &str, neighbour: IpAddr, devices: &[Device]) -> Option<Loss> {
        let journeys = Journey::all(self.kept.make_contiguous());
        let exchange = Exchange { from, to: "", journeys, devices };
        let senders = exchange.interfaces(&[from]);
        let asks = |journey: &&Journey| {
            read(&journey.frame) == Some((Lost::Solicitation, neighbour))
                && senders.contains(&journey.from.as_str())
        };
        exchange.journeys.iter().rev().filter(asks).find_map(|journey| exchange.lost(journey))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::spec::{LabSpec, StepSpec};
    use crate::lab::{Lab, Options};
    use crate::station::IpNet;

    #[test]
    fn the_latest_requests_of_earlier_steps_are_kept() {
        let net = |text: &str| text.parse::<IpNet>().expect("an address");
        let mut spec = LabSpec::default()
            .with_station("a", net("10.0.0.1/24"), |station| station)
            .with_station("b", net("10.0.0.2/24"), |station| station)
            .with_switch("sw", |switch| switch.with_port("a", |port| port));
        spec.steps = vec![StepSpec::ping("a", "b"); 400];
        let mut requests = Requests::default();
        let mut all = 0;
        Lab::new(&spec, Options::default().with_decisions(true)).run(&mut |event| {
            all += usize::from(matches!(event, Event::Hop(_) | Event::Decision(_)));
            requests.event(event);
        });
        assert!(all > MAX_ASKED, "{all}");
        assert_eq!(requests.kept.len(), MAX_ASKED);
    }
}
