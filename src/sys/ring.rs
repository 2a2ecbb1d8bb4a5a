//! Receives frames through memory shared with the kernel: a ring of `PACKET_RX_RING`
//! (Documentation/networking/packet_mmap), version 2.
//!
//! Version 3 delivers frames in blocks, when a block is full or a millisecond has passed: it costs less per frame, but
//! every ping reply would arrive a millisecond late.

use super::batch::Message;
use super::packet::{PacketSocket, tag_of_status};
use std::io;
use std::mem::size_of;
use std::os::fd::AsRawFd as _;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU32, Ordering};

/// Size of the ring, in bytes.
const RING: usize = 8 * 1024 * 1024;
/// Size of a block, in bytes: contiguous pages; a slot never crosses blocks.
const BLOCK: usize = 64 * 1024;
/// Slot sizes are powers of two in this range, in bytes: longer frames are read from the socket.
const SLOTS: (usize, usize) = (2048, 16 * 1024);
/// Maximum bytes in a slot before the frame: its header, an address, the virtio header, and padding.
const BEFORE: usize = 128;
/// Bytes of a frame beyond its device's mtu: the Ethernet header and tags.
const BEYOND: usize = 14 + 12;

/// A packet socket's ring.
#[derive(Debug)]
pub(crate) struct Ring {
    memory: NonNull<u8>,
    /// Size of a slot, in bytes.
    slot: usize,
    /// The slot that the kernel fills next.
    next: usize,
    /// Length of the virtio header before each frame, in bytes.
    before_frame: usize,
}

// SAFETY: the mapping belongs to the process, and this is its only owner here; it is used through `&mut self`.
unsafe impl Send for Ring {}

/// A filled slot. It returns to the kernel when this is dropped.
pub(crate) struct Slot<'a> {
    status: &'a AtomicU32,
    bytes: &'a mut [u8],
    cut: bool,
    tag: Option<(u16, u16)>,
    /// The frame did not fit, and is complete in the socket's queue.
    pub(crate) waits: bool,
}

impl Slot<'_> {
    /// The frame, truncated if it did not fit the slot.
    pub(crate) fn message(&mut self) -> Message<'_> {
        Message { bytes: self.bytes, cut: self.cut, tag: self.tag }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }
}

impl Ring {
    /// Makes the socket deliver into a ring, each frame after a virtio header of this many bytes. Slots are sized for
    /// this mtu; longer frames stay in the socket.
    ///
    /// # Errors
    /// There is not enough memory, or the kernel does not support such rings.
    pub(crate) fn of(socket: &PacketSocket, before_frame: usize, mtu: u32) -> io::Result<Ring> {
        let longest = BEFORE + BEYOND + usize::try_from(mtu).unwrap_or(SLOTS.1);
        let slot = longest.next_power_of_two().clamp(SLOTS.0, SLOTS.1);
        socket.set(libc::SOL_PACKET, libc::PACKET_VERSION, &(libc::tpacket_versions::TPACKET_V2 as i32))?;
        // Any number but 0: frames longer than a slot are then queued in the socket as well.
        socket.set(libc::SOL_PACKET, libc::PACKET_COPY_THRESH, &1_i32)?;
        let request = libc::tpacket_req {
            tp_block_size: BLOCK as u32,
            tp_block_nr: (RING / BLOCK) as u32,
            tp_frame_size: slot as u32,
            tp_frame_nr: (RING / slot) as u32,
        };
        socket.set(libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses, of the size of the ring just created.
        let at = unsafe { libc::mmap(null_mut(), RING, access, libc::MAP_SHARED, socket.fd.as_raw_fd(), 0) };
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = NonNull::new(at.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Ring { memory, slot, next: 0, before_frame })
    }

    /// The next frame, if there is one.
    pub(crate) fn take(&mut self) -> Option<Slot<'_>> {
        // SAFETY: `next` is below the number of slots, so the slot is inside the mapping, and aligned to its size.
        let at = unsafe { self.memory.add(self.next * self.slot) };
        // SAFETY: a slot begins with its status, which both sides read and write atomically.
        let status = unsafe { AtomicU32::from_ptr(at.cast().as_ptr()) };
        let says = status.load(Ordering::Acquire);
        if says & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: the kernel has filled the header, and leaves the slot alone until its status is set back.
        let header = unsafe { at.cast::<libc::tpacket2_hdr>().read() };
        let frame = usize::from(header.tp_mac);
        let begins = frame.saturating_sub(self.before_frame).max(size_of::<libc::tpacket2_hdr>());
        let ends = frame.saturating_add(header.tp_snaplen as usize).clamp(begins, self.slot);
        // SAFETY: within the slot and after its header, so this thread has exclusive access until the status is set
        // back, which is when the `Slot` is dropped; until then this ring is borrowed.
        let bytes = unsafe { std::slice::from_raw_parts_mut(at.add(begins).as_ptr(), ends - begins) };
        self.next = (self.next + 1) % (RING / self.slot);
        let cut = header.tp_snaplen < header.tp_len;
        let tag = tag_of_status(header.tp_status, header.tp_vlan_tpid, header.tp_vlan_tci);
        let waits = says & libc::TP_STATUS_COPY != 0;
        Some(Slot { status, bytes, cut, tag, waits })
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping belongs to this ring, and nothing borrows from it any more.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), RING) };
    }
}
