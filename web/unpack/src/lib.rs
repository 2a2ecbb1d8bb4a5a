//! Unpacks a stream of the Lempel-Ziv-Markov chain algorithm (LZMA SDK, `lzma-specification.txt`) without header and end
//! marker, as the page has its engine and its scripts: browsers have no decoder that packs as densely.
//!
//! A caller asks for [`room`] for the packed and the unpacked bytes, writes the packed ones there, and calls [`unpack`].

#![no_std]

use core::cell::UnsafeCell;

/// The properties with which the page is packed (web/src/bin/pack.rs): literals depend on so many bits of the byte before,
/// and nothing depends on the position.
const LITERAL_CONTEXT_BITS: usize = 4;

// Where the probabilities of each kind of decision begin.
const MATCH: usize = 0;
const REPEATED: usize = 12;
const REPEATED_0: usize = 24;
const REPEATED_1: usize = 36;
const REPEATED_2: usize = 48;
const LONG: usize = 60;
const SLOT: usize = 72;
const SPECIAL: usize = 328;
const ALIGN: usize = 444;
const LENGTH: usize = 460;
const REPEATED_LENGTH: usize = 734;
const LITERAL: usize = 1008;
const PROBABILITIES: usize = LITERAL + (0x300 << LITERAL_CONTEXT_BITS);

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

struct Probabilities(UnsafeCell<[u16; PROBABILITIES]>);

// SAFETY: a module of this kind has one thread.
unsafe impl Sync for Probabilities {}

static PROBABILITY: Probabilities = Probabilities(UnsafeCell::new([0; PROBABILITIES]));

/// Where `packed` bytes are to be written; the `unpacked` ones will be behind them. Memory may have moved. 0: there is
/// not enough.
#[unsafe(no_mangle)]
pub extern "C" fn room(packed: usize, unpacked: usize) -> usize {
    const PAGE: usize = 65_536;
    let pages = (packed + unpacked).div_ceil(PAGE);
    match core::arch::wasm32::memory_grow(0, pages) {
        usize::MAX => 0,
        before => before * PAGE,
    }
}

/// Unpacks what is at `from`. Whatever is there, all `unpacked` bytes behind it are written, and no others.
///
/// # Safety
/// [`room`] returned `from` for these lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unpack(from: *mut u8, packed: usize, unpacked: usize) {
    // SAFETY: the caller's; nobody else has the memory or the probabilities.
    let (input, output, probability) = unsafe {
        let input = core::slice::from_raw_parts(from, packed);
        let output = core::slice::from_raw_parts_mut(from.add(packed), unpacked);
        (input, output, &mut *PROBABILITY.0.get())
    };
    probability.fill(1024);
    let code = input.iter().take(5).fold(0, |code: u32, byte| code << 8 | u32::from(*byte));
    Decoder { input: &input[5.min(packed)..], probability, range: u32::MAX, code }.run(output);
}

struct Decoder<'a> {
    input: &'a [u8],
    probability: &'a mut [u16; PROBABILITIES],
    range: u32,
    code: u32,
}

impl Decoder<'_> {
    fn run(&mut self, out: &mut [u8]) {
        let mut at = 0;
        let mut state = 0;
        // The last distances, less one.
        let mut last = [0usize; 4];
        while at < out.len() {
            if !self.bit(MATCH + state) {
                let matched = if state >= 7 { Some(copied(out, at, last[0])) } else { None };
                out[at] = self.literal(if at > 0 { out[at - 1] } else { 0 }, matched);
                at += 1;
                state = [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 4, 5][state];
                continue;
            }
            let mut length = 1;
            if self.bit(REPEATED + state) {
                if !self.bit(REPEATED_0 + state) {
                    if !self.bit(LONG + state) {
                        out[at] = copied(out, at, last[0]);
                        at += 1;
                        state = if state < 7 { 9 } else { 11 };
                        continue;
                    }
                } else {
                    let which = match self.bit(REPEATED_1 + state) {
                        false => 1,
                        true => 2 + usize::from(self.bit(REPEATED_2 + state)),
                    };
                    last[..=which].rotate_right(1);
                }
                length += 1 + self.length(REPEATED_LENGTH);
                state = if state < 7 { 8 } else { 11 };
            } else {
                last.rotate_right(1);
                let short = self.length(LENGTH);
                last[0] = self.distance(short);
                length += 1 + short;
                state = if state < 7 { 7 } else { 10 };
            }
            let end = out.len().min(at + length);
            while at < end {
                out[at] = copied(out, at, last[0]);
                at += 1;
            }
        }
    }

    fn shift(&mut self) {
        if self.range < 1 << 24 {
            self.range <<= 8;
            // What is missing at the end is zero.
            let (next, rest) = self.input.split_first().unwrap_or((&0, &[]));
            self.input = rest;
            self.code = self.code << 8 | u32::from(*next);
        }
    }

    #[inline]
    fn bit(&mut self, index: usize) -> bool {
        let Some(probability) = self.probability.get_mut(index) else { return false };
        let bound = (self.range >> 11) * u32::from(*probability);
        let found = self.code >= bound;
        if found {
            self.range -= bound;
            self.code -= bound;
            *probability -= *probability >> 5;
        } else {
            self.range = bound;
            *probability += (2048 - *probability) >> 5;
        }
        self.shift();
        found
    }

    /// A number of so many bits, the highest first.
    fn tree(&mut self, base: usize, bits: u32) -> usize {
        let mut node = 1;
        for _ in 0..bits {
            node = node << 1 | usize::from(self.bit(base + node));
        }
        node - (1 << bits)
    }

    /// The same with the lowest first.
    fn reversed(&mut self, base: usize, bits: u32) -> usize {
        let (mut node, mut value) = (1, 0);
        for place in 0..bits {
            let found = usize::from(self.bit(base + node));
            node = node << 1 | found;
            value |= found << place;
        }
        value
    }

    fn length(&mut self, base: usize) -> usize {
        if !self.bit(base) {
            self.tree(base + 2, 3)
        } else if !self.bit(base + 1) {
            8 + self.tree(base + 10, 3)
        } else {
            16 + self.tree(base + 18, 8)
        }
    }

    fn distance(&mut self, length: usize) -> usize {
        let slot = self.tree(SLOT + 64 * length.min(3), 6);
        if slot < 4 {
            return slot;
        }
        let bits = (slot >> 1) as u32 - 1;
        let high = (2 | (slot & 1)) << bits;
        if slot < 14 {
            return high + self.reversed(SPECIAL + high - slot, bits);
        }
        let mut middle = 0;
        for _ in 4..bits {
            self.range >>= 1;
            let found = self.code >= self.range;
            if found {
                self.code -= self.range;
            }
            middle = middle << 1 | usize::from(found);
            self.shift();
        }
        high.wrapping_add(middle << 4).wrapping_add(self.reversed(ALIGN, 4))
    }

    fn literal(&mut self, before: u8, matched: Option<u8>) -> u8 {
        let base = LITERAL + 0x300 * usize::from(before >> (8 - LITERAL_CONTEXT_BITS));
        let mut symbol = 1;
        if let Some(matched) = matched {
            for place in (0..8).rev() {
                let expected = usize::from(matched >> place & 1);
                let found = usize::from(self.bit(base + ((1 + expected) << 8) + symbol));
                symbol = symbol << 1 | found;
                if found != expected {
                    break;
                }
            }
        }
        while symbol < 0x100 {
            symbol = symbol << 1 | usize::from(self.bit(base + symbol));
        }
        symbol as u8
    }
}

/// The byte so far back; 0 before the beginning.
fn copied(out: &[u8], at: usize, distance: usize) -> u8 {
    at.checked_sub(distance.wrapping_add(1)).and_then(|from| out.get(from)).copied().unwrap_or(0)
}
