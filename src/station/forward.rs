//! Packet forwarding by a router (`ip_forward`, `ip6_forward`).

use super::host::Host;
use super::icmp::Fault;
use super::link::Link;
use super::packet::{IpView, decrement_hop_limit};
use super::route::{is_link_local_v6, is_unicast};
use crate::frame::PacketType;
use crate::time::Instant;
use crate::verdict::Rule;
use std::net::IpAddr;
use std::time::Duration;

/// Maximum number of redirects to a sender that ignores them (the kernel's `redirect_number`).
const REDIRECT_NUMBER: u32 = 9;
/// The pause before the second redirect; it doubles each time (`redirect_load`).
const REDIRECT_LOAD: Duration = Duration::from_millis(20);
/// After this long without redirects a sender gets one again (`redirect_silence`: the load doubled ten times).
const REDIRECT_SILENCE: Duration = Duration::from_millis(20 << 10);
/// Senders whose redirects are counted; beyond this, counting restarts.
const MAX_REDIRECTED: usize = 256;

impl Host {
    /// Handles a packet for another host. Only packets received by unicast are forwarded. Returns the rule by which it is
    /// not.
    pub(super) fn forward(
        &mut self,
        now: Instant,
        index: usize,
        packet_type: PacketType,
        view: &IpView<'_>,
    ) -> Option<Rule> {
        let link_local = is_link_local_v6(view.src) || is_link_local_v6(view.dst);
        if packet_type != PacketType::Host || link_local || !is_unicast(view.dst) {
            return (packet_type == PacketType::Host).then_some(Rule::NotForwarding);
        }
        let Some(route) = self.routes.lookup(now, &self.links, view.dst) else {
            self.complain(now, packet_type, view, Fault::Net);
            return Some(Rule::NoRoute);
        };
        if view.hop_limit <= 1 {
            self.complain(now, packet_type, view, Fault::Expired);
            return Some(Rule::HopLimit);
        }
        let mtu = self.links.get(route.link)?.mtu;
        if view.bytes.len() > mtu as usize {
            self.complain(now, packet_type, view, Fault::TooBig(mtu));
            return Some(Rule::TooBigToForward);
        }
        if route.link == index {
            self.redirect(now, index, view, route.next_hop);
        }
        let mut packet = view.bytes.to_vec();
        decrement_hop_limit(&mut packet);
        let failed = self.links.get_mut(route.link).map(|l| l.send(now, route.next_hop, packet));
        self.fail(now, failed.unwrap_or_default());
        None
    }

    /// The packet leaves by the interface that it came in on: the sender could have used the next hop
    /// (`ip_rt_send_redirect`).
    fn redirect(&mut self, now: Instant, index: usize, view: &IpView<'_>, next_hop: IpAddr) {
        let on_link = |link: &Link| link.subnet_of(view.src).is_some();
        let IpAddr::V4(gateway) = next_hop else { return };
        if !self.links.get(index).is_some_and(on_link) {
            return;
        }
        if self.redirects_sent.len() >= MAX_REDIRECTED && !self.redirects_sent.contains_key(&view.src) {
            self.redirects_sent.clear();
        }
        let (count, last) = self.redirects_sent.entry(view.src).or_insert((0, now));
        if now.since(*last) > REDIRECT_SILENCE {
            *count = 0;
        }
        let pause = REDIRECT_LOAD * (1 << (*count).min(REDIRECT_NUMBER));
        if *count >= REDIRECT_NUMBER || (*count > 0 && now.since(*last) <= pause) {
            // Ignored redirects are counted with the time they would have been sent, so that the silence can end.
            *last = if *count >= REDIRECT_NUMBER { now } else { *last };
            return;
        }
        *count += 1;
        *last = now;
        self.complain(now, PacketType::Host, view, Fault::Redirect(gateway));
    }
}
