//! Operations that a processor does in one step and the language cannot express: comparing eight lanes at once,
//! prefetching, and an index that is in range by construction. The only unsafe code of the table; other architectures
//! than x86-64 use plain Rust.
//!
//! Measured (`cargo bench --bench table`): compilers turn the plain comparison into branches, which costs 6 ns per
//! lookup where hits and misses alternate at random; without prefetching a million entries take half as long again.
#![allow(unsafe_code)]

/// Eight numbers, aligned for vector loads.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
pub(super) struct Lanes<N>(pub(super) [N; 8]);

/// The element of a non-empty slice at this fraction of 2^32 of its length.
#[inline(always)]
pub(super) fn at_fraction<T>(items: &[T], fraction: u32) -> Option<&T> {
    if items.is_empty() {
        return None;
    }
    // SAFETY: a slice of a sized type is shorter than 2^63 elements, so the upper half of the product loses nothing,
    // and as the fraction is below 2^32 it is less than the length.
    unsafe { Some(items.get_unchecked(index_at(items.len(), fraction))) }
}

/// The index at this fraction of 2^32 of a length.
#[inline(always)]
pub(super) fn index_at(len: usize, fraction: u32) -> usize {
    (u64::from(fraction).wrapping_mul(len as u64) >> 32) as usize
}

/// One bit for each lane in which both parts are equal: bit 0 is lane 0.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn equal_lanes(lows: &Lanes<u32>, highs: &Lanes<u16>, low: u32, high: u16) -> u32 {
    use core::arch::x86_64::{
        __m128i, _mm_and_si128, _mm_cmpeq_epi16, _mm_cmpeq_epi32, _mm_load_si128, _mm_movemask_epi8,
        _mm_packs_epi16, _mm_packs_epi32, _mm_set1_epi16, _mm_set1_epi32, _mm_setzero_si128,
    };
    let at = lows.0.as_ptr().cast::<__m128i>();
    // SAFETY: SSE2 is part of x86-64. `lows` is 32 bytes and `highs` 16, all initialised and aligned like `Lanes`, and
    // the loads read exactly these.
    unsafe {
        let (first, second, highs) =
            (_mm_load_si128(at), _mm_load_si128(at.add(1)), _mm_load_si128(highs.0.as_ptr().cast()));
        let low = _mm_set1_epi32(low.cast_signed());
        // Four 32-bit answers and four more become eight of 16 bits, in the order of the lanes.
        let lows = _mm_packs_epi32(_mm_cmpeq_epi32(first, low), _mm_cmpeq_epi32(second, low));
        let both = _mm_and_si128(lows, _mm_cmpeq_epi16(highs, _mm_set1_epi16(high.cast_signed())));
        _mm_movemask_epi8(_mm_packs_epi16(both, _mm_setzero_si128())).cast_unsigned()
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) use equal_lanes_plainly as equal_lanes;

/// The same in plain Rust, for other processors.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline(always)]
pub(super) fn equal_lanes_plainly(lows: &Lanes<u32>, highs: &Lanes<u16>, low: u32, high: u16) -> u32 {
    let equal = |(n, (l, h)): (usize, (&u32, &u16))| u32::from((*l == low) & (*h == high)) << n;
    lows.0.iter().zip(&highs.0).enumerate().map(equal).sum()
}

/// Prefetches the memory of a value that will be read soon.
#[inline(always)]
pub(super) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64; a prefetch has no visible effect, and the address is valid.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fractions_of_a_slice() {
        assert_eq!(at_fraction::<u8>(&[], 7), None);
        for len in [1, 2, 3, 1000] {
            let items: Vec<usize> = (0..len).collect();
            assert_eq!(at_fraction(&items, 0), Some(&0));
            assert_eq!(at_fraction(&items, u32::MAX), Some(&(len - 1)));
        }
    }

    proptest! {
        #[test]
        fn wide_and_plain_agree(lows: [u32; 8], highs: [u16; 8], slot in 0..8usize, other in 0..8usize) {
            let (low, high) = (lows[slot], highs[other]);
            let (l, h) = (Lanes(lows), Lanes(highs));
            let wide = equal_lanes(&l, &h, low, high);
            prop_assert_eq!(wide, equal_lanes_plainly(&l, &h, low, high));
            let own = equal_lanes(&l, &h, low, highs[slot]);
            prop_assert_eq!(own >> slot & 1, 1);
            prop_assert_eq!(own >> 8, 0);
        }
    }
}
