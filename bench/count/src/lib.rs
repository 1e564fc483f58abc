//! Floor 1: an allocator that counts. Wrapped around the binary's allocator it lets `outpace bench` say how many
//! allocations a packet costs; in tests it proves that a path makes none.
//!
//! ```text
//!  #[global_allocator]
//!  static ALLOCATOR: count::Counting<System> = count::Counting(System);
//!
//!  during(|| …)  calls of this thread        allocations()  of all threads since the start
//! ```
//!
//! **Invariants.** Counting takes no lock and allocates nothing: each thread adds to a cell of its own and publishes the
//! sum in a slot of its own, which costs about a nanosecond beside the 20 of an allocation. All `unsafe` of the crate is
//! the hand-over to the wrapped allocator. Absent: bytes, sizes, call sites.
//!
//! **Units.** Calls: `alloc` and `realloc` count as allocations, frees only in [`during`].
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Threads that have a slot of their own: 64 shards is the most an engine runs, and three threads stand beside them in a
/// measured process. Later threads share the last slot, with an atomic addition each.
const SLOTS: usize = 128;

/// A cache line to itself, so that threads do not slow each other (two lines: processors fetch neighbours in pairs).
#[repr(align(128))]
struct Slot(AtomicU64);

static COUNTS: [Slot; SLOTS] = [const { Slot(AtomicU64::new(0)) }; SLOTS];
static NEXT_SLOT: AtomicUsize = AtomicUsize::new(0);

struct Own {
    /// This thread's slot; `SLOTS` before the first allocation.
    slot: Cell<usize>,
    allocations: Cell<u64>,
    frees: Cell<u64>,
}

thread_local! {
    // Constant and without a destructor: reading it never allocates and works until the thread's last moment.
    static OWN: Own = const { Own { slot: Cell::new(SLOTS), allocations: Cell::new(0), frees: Cell::new(0) } };
}

fn note_allocation() {
    OWN.with(|own| {
        own.allocations.set(own.allocations.get() + 1);
        if own.slot.get() == SLOTS {
            own.slot.set(NEXT_SLOT.fetch_add(1, Ordering::Relaxed).min(SLOTS - 1));
        }
        let slot = own.slot.get();
        if slot == SLOTS - 1 {
            COUNTS[slot].0.fetch_add(1, Ordering::Relaxed);
        } else {
            // Only this thread writes here.
            COUNTS[slot].0.store(own.allocations.get(), Ordering::Relaxed);
        }
    });
}

/// Allocations and reallocations of all threads since the start of the process; 0 when [`Counting`] is not installed.
/// Other threads' latest may be missing.
pub fn allocations() -> u64 {
    COUNTS.iter().map(|slot| slot.0.load(Ordering::Relaxed)).sum()
}

/// Allocations, reallocations and frees that `work` makes on this thread.
pub fn during(work: impl FnOnce()) -> u64 {
    let calls = || OWN.with(|own| own.allocations.get() + own.frees.get());
    let before = calls();
    work();
    calls() - before
}

/// Wraps an allocator and counts what is asked of it.
pub struct Counting<A>(pub A);

// SAFETY: every call is handed on to the wrapped allocator with the same arguments, whose contract it is; counting
// touches no memory of the caller.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note_allocation();
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { self.0.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note_allocation();
        // SAFETY: as above.
        unsafe { self.0.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        OWN.with(|own| own.frees.set(own.frees.get() + 1));
        // SAFETY: `pointer` came from the wrapped allocator through one of the other three calls.
        unsafe { self.0.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note_allocation();
        // SAFETY: as above.
        unsafe { self.0.realloc(pointer, layout, size) }
    }
}

#[cfg(test)]
// Threads are what is tested.
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;
    use std::alloc::System;
    use std::hint::black_box;

    #[global_allocator]
    static ALLOCATOR: Counting<System> = Counting(System);

    #[test]
    fn calls_of_this_thread_and_allocations_of_all_are_counted() {
        assert_eq!(
            during(|| {
                black_box(1);
            }),
            0
        );
        assert_eq!(during(|| drop(black_box(Box::new(1)))), 2, "one allocation, one free");
        let mut growing = vec![1_u8];
        assert_eq!(during(|| growing.reserve_exact(1_000)), 1, "a reallocation");
        assert_eq!(during(|| drop(black_box(vec![0_u64; 100]))), 2, "zeroed memory counts too");

        let before = allocations();
        std::thread::spawn(|| (0..500).for_each(|_| drop(black_box(Box::new(1))))).join().unwrap();
        assert!(allocations() >= before + 500);
    }

    #[test]
    fn threads_beyond_the_slots_are_counted_together() {
        let before = allocations();
        for _ in 0..SLOTS + 10 {
            std::thread::spawn(|| drop(black_box(Box::new(1)))).join().unwrap();
        }
        assert!(allocations() >= before + SLOTS as u64 + 10);
        assert_eq!(NEXT_SLOT.load(Ordering::Relaxed).min(SLOTS), SLOTS);
    }
}
