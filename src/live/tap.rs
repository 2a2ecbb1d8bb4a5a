//! A TAP device: one half of a network interface of this machine.

use super::backend::{Backend, BoundaryCounters, MAX_FRAME, PeerState, Site, Wait};
use super::coalesce::{GsoPackets, MAX_PARTS};
use super::offload::{HEADER_BYTES, complete};
use crate::errno::ErrorNumber;
use crate::frame::Frame;
use crate::sys::{self, BATCH};
use crate::time::Instant;
use std::fs::File;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixDatagram;

/// The mtu of a new TAP device, in bytes.
const DEFAULT_MTU: u32 = 1500;
/// The maximum: a packet of 65,535 bytes, including its Ethernet header.
const MAX_TAP_MTU: u32 = 65_535 - 14;

pub(super) struct Tap {
    file: File,
    presence: PeerState,
    buffer: Vec<u8>,
    scratch: Vec<u8>,
    parcels: GsoPackets,
}

impl Tap {
    /// Opens the device with this name. A new one is configured as the site requires, and brought up; an existing one
    /// is left unchanged.
    pub(super) fn open(name: &str, site: &Site) -> Result<Tap, String> {
        let asking = UnixDatagram::unbound().map_err(|e| e.to_string())?;
        let is_new = sys::index_of(&asking, name).is_err();
        let file = sys::open_tap(name).map_err(|e| match e.raw_os_error() {
            Some(libc::EPERM) => {
                "a TAP device needs CAP_NET_ADMIN, or must be created for this user beforehand: \
                 ip tuntap add NAME mode tap user USER"
                    .to_owned()
            }
            Some(libc::EBUSY) => "it is in use".to_owned(),
            Some(libc::EINVAL) => "an interface with this name exists and is not a TAP device".to_owned(),
            Some(libc::ENOENT) => "this system has no /dev/net/tun".to_owned(),
            _ => e.to_string(),
        })?;
        if is_new {
            prepare(&asking, name, site).map_err(|e| e.to_string())?;
        }
        let buffer = vec![0; HEADER_BYTES + MAX_FRAME];
        Ok(Tap {
            file,
            presence: PeerState::Here,
            buffer,
            scratch: Vec::new(),
            parcels: GsoPackets::default(),
        })
    }

    fn failed(&mut self, error: &io::Error) {
        // Not when it is down (EIO), only when it was deleted.
        if error.raw_os_error() == Some(libc::EBADFD) {
            self.presence = PeerState::Gone("the device was deleted".to_owned());
        }
    }
}

fn prepare(asking: &UnixDatagram, name: &str, site: &Site) -> Result<(), ErrorNumber> {
    if let Some(mac) = site.mac {
        sys::set_mac(asking, name, mac)?;
    }
    if let Some(mtu) = mtu_of(site) {
        sys::set_mtu(asking, name, mtu)?;
    }
    sys::set_up(asking, name)
}

/// The mtu for a new device; `None`: it keeps the default, as an mtu beyond a TAP device's maximum sets no limit (`--relay`).
fn mtu_of(site: &Site) -> Option<u32> {
    (site.mtu != DEFAULT_MTU && site.mtu <= MAX_TAP_MTU).then_some(site.mtu)
}

impl Backend for Tap {
    fn wait(&self) -> Wait<'_> {
        let fd = (self.presence == PeerState::Here).then(|| self.file.as_fd());
        Wait { fd, room: false, at: None }
    }

    fn receive(&mut self, _now: Instant, counters: &mut BoundaryCounters, take: &mut dyn FnMut(&[u8])) {
        // Long packets yield many frames, so frames are counted.
        let mut frames = 0;
        while frames < BATCH {
            match self.file.read(&mut self.buffer) {
                Ok(0) => return,
                Ok(n) => {
                    let done = complete(&mut self.buffer[..n], None, &mut self.scratch, take);
                    counters.in_malformed += u64::from(done.is_err());
                    frames += done.unwrap_or(1);
                }
                Err(e) => return self.failed(&e),
            }
        }
    }

    fn send(&mut self, _now: Instant, counters: &mut BoundaryCounters, frames: &[Frame]) {
        self.parcels.pack(frames);
        let mut failure = None;
        for parcel in self.parcels.list() {
            let mut parts = [IoSlice::new(&[]); MAX_PARTS];
            let mut count = 0;
            for (part, bytes) in parts.iter_mut().zip(self.parcels.parts(parcel, frames)) {
                *part = IoSlice::new(bytes);
                count += 1;
            }
            let carried = &frames[parcel.frames.clone()];
            match (&self.file).write_vectored(&parts[..count]) {
                // A frame is accepted whole or not at all.
                Ok(written) if written > 0 => counters.sent(carried),
                other => {
                    counters.out_dropped += carried.len() as u64;
                    failure = other.err().or(failure);
                }
            }
        }
        if let Some(e) = failure {
            self.failed(&e);
        }
    }

    fn presence(&self) -> &PeerState {
        &self.presence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_device_has_the_mtu_of_its_site_up_to_a_limit() {
        let given = |mtu| mtu_of(&Site { mac: None, mtu });
        assert_eq!([1500, 9000, 65_521, 65_522].map(given), [None, Some(9000), Some(65_521), None]);
    }
}
