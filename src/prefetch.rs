//! Asks the processor for memory that will be read soon.
//!
//! The only module with `unsafe`: the instruction takes a raw pointer. It reads nothing
//! and faults on no address, so every pointer is allowed; these come from references
//! all the same. Where there is no such instruction, and under Miri, nothing is done.

#![allow(unsafe_code)]

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// Asks for a cache line of a value, counted from its beginning.
#[inline]
pub(crate) fn line<T>(value: &T, n: usize) {
    let line = std::ptr::from_ref(value).cast::<i8>().wrapping_add(n * LINE);
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch is a hint that has no effect on what the program can see.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(line);
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = line;
}
