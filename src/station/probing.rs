//! Executes a host's probes.

use super::host::Host;
use super::icmp::{self, Echo};
use super::probe::{ProbeKind, Running, Unreachable};
use super::stack::{ECHO_PORT, SocketError, TcpId, TcpState};
use crate::time::Instant;

/// Size of the data in an echo request, in bytes, as in iputils' `ping`.
const ECHO_DATA: u8 = 56;
/// The data that UDP and TCP probes send and expect back.
const LINE: &[u8] = b"macvlab\n";

impl Host {
    /// Sends requests that are due, handles connections and datagrams, ends finished probes.
    pub(super) fn run_probes(&mut self, now: Instant) {
        for id in self.prober.due(now) {
            if let Some(mut running) = self.prober.running.remove(&id) {
                let packet = self.attempt(now, &mut running);
                self.prober.running.insert(id, running);
                // Sent with the probe back in its place: it may fail at once.
                if let Some(packet) = packet {
                    self.output(now, packet);
                }
            }
        }
        self.follow_sockets(now);
        for left in self.prober.reap(now) {
            for (key, attempt) in left.pending {
                match (left.probe.kind, attempt.tcp) {
                    (_, Some(tcp)) => self.stack.tcp_forget(tcp),
                    (ProbeKind::Udp, None) => self.stack.unbind(key),
                    _ => {}
                }
            }
        }
    }

    /// Makes one request. Returns a packet to send, unless a socket or an interface sends it.
    fn attempt(&mut self, now: Instant, running: &mut Running) -> Option<Vec<u8>> {
        let to = running.probe.to;
        if running.probe.kind == ProbeKind::Arping {
            let index = self.links.iter().position(|l| l.subnet_of(to).is_some()).unwrap_or(0);
            running.begin(now);
            running.pend(now, running.sequence(), None);
            self.links.get_mut(index)?.ask_everybody(to);
            return None;
        }
        let Some(source) = self.source_to(now, to) else {
            running.abort(Unreachable::NoRoute);
            return None;
        };
        running.begin(now);
        match running.probe.kind {
            ProbeKind::Ping => {
                let seq = running.sequence();
                running.pend(now, seq, None);
                let data: Vec<u8> = (0..ECHO_DATA).collect();
                let echo = Echo { reply: false, id: running.ident, seq, data: &data };
                return icmp::echo_packet(source, to, self.next_ident(), echo);
            }
            ProbeKind::Udp => {
                if !self.stack.has_room_for_udp()
                    && let Some(oldest) = running.give_up_oldest()
                {
                    self.stack.unbind(oldest);
                }
                let port = self.stack.free_port();
                running.pend(now, port, None);
                if self.stack.udp_send((source, port), (to, ECHO_PORT), LINE).is_err() {
                    running.fail(port, Unreachable::NoRoom);
                }
            }
            ProbeKind::Tcp => {
                let connected = self.stack.connect(source, to, ECHO_PORT);
                running.pend(now, running.sequence(), connected.ok());
                match connected {
                    Ok(tcp) => {
                        let _ = self.stack.tcp_send(tcp, LINE);
                    }
                    Err(SocketError::NoRoom) => running.fail(running.sequence(), Unreachable::NoRoom),
                    Err(_) => running.fail(running.sequence(), Unreachable::NoRoute),
                }
            }
            ProbeKind::Arping => {}
        }
        None
    }

    /// Handles data received on the probes' sockets.
    fn follow_sockets(&mut self, now: Instant) {
        for running in self.prober.running.values_mut() {
            let attempts: Vec<(u16, Option<TcpId>)> =
                running.pending.iter().map(|(key, a)| (*key, a.tcp)).collect();
            for (key, tcp) in attempts {
                match (running.probe.kind, tcp) {
                    (ProbeKind::Udp, _) => {
                        let answered = self.stack.udp_recv(key).is_some_and(|d| d.data == LINE);
                        if answered {
                            running.answer(now, key);
                            self.stack.unbind(key);
                        }
                    }
                    (ProbeKind::Tcp, Some(tcp)) => {
                        if self.stack.tcp_recv(tcp).ends_with(b"\n") {
                            running.answer(now, key);
                            self.stack.tcp_close(tcp);
                        }
                        match self.stack.tcp_state(tcp) {
                            Some(TcpState::Failed(why)) => {
                                running.fail(key, why);
                                self.stack.tcp_forget(tcp);
                            }
                            Some(TcpState::Closed) | None => {
                                running.close(key);
                                self.stack.tcp_detach(tcp);
                            }
                            _ => {}
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}
