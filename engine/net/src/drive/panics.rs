//! A panic in the brain costs the leg that was worked on, and nobody else (ADR-0006).
//!
//! The shard remembers which leg it works on. Where handling one input unwinds, the loop stops it here, has the shard throw
//! that leg away (`Shard::abandon_current`) and goes on. What panicked, and where, goes to the log once, without the digits
//! that could be somebody's number. Where that does not help (the shard cannot even throw the leg away, or panics come in a
//! storm) the shard ends, as it does for a panic of the loop itself.

use super::Core;
use base::{Duration, Instant};
use call::Shard;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// Panics of one shard that are taken within `WINDOW`: sixteen calls lost in ten seconds can be sixteen odd calls; more is a
/// fault of the shard as a whole, and a restart of its process serves the others better.
const PANICS_MAX: usize = 16;
const WINDOW: Duration = Duration::from_secs(10);

/// Bytes of a panic's text that are logged.
const TEXT_BYTES_MAX: usize = 300;

thread_local! {
    /// This thread's panics are caught and told by the loop.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// File and line of this thread's last panic.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics of this thread are no longer printed where they happen: they are kept for the loop to log. Those of other threads
/// go to whatever hook there was before.
pub(super) fn watch_this_thread() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if WATCHED.try_with(Cell::get).unwrap_or(false) {
                let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
                let _ = PLACE.try_with(|cell| *cell.borrow_mut() = place);
            } else {
                before(info);
            }
        }));
    });
    WATCHED.set(true);
}

/// Where this thread last panicked.
fn take_place() -> String {
    PLACE.take().unwrap_or_else(|| "an unknown place".to_owned())
}

/// The text of a panic.
pub(crate) fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

/// The text without runs of four digits and more, which could be a telephone number, and not longer than a line.
pub(crate) fn redacted(text: &str) -> String {
    const NUMBER_DIGITS_MIN: usize = 4;
    let mut out = String::new();
    let mut digits = String::new();
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        out.push_str(if digits.len() >= NUMBER_DIGITS_MIN { "#" } else { &digits });
        digits.clear();
        if character == '\0' || out.len() >= TEXT_BYTES_MAX {
            break;
        }
        out.push(if character.is_control() { ' ' } else { character });
    }
    out
}

/// How many panics there were of late.
#[derive(Default)]
pub(super) struct Budget(VecDeque<Instant>);

impl Budget {
    /// Notes one more; false when it is one too many.
    fn note(&mut self, now: Instant) -> bool {
        while self.0.front().is_some_and(|at| *at + WINDOW <= now) {
            self.0.pop_front();
        }
        self.0.push_back(now);
        self.0.len() <= PANICS_MAX
    }
}

impl Core {
    /// Lets the shard handle one input. False when it panicked: the leg it worked on is then gone, the input is dropped.
    pub(super) fn guarded(&mut self, now: Instant, work: impl FnOnce(&mut Shard)) -> bool {
        let shard = &mut self.shard;
        // Asserted: whatever state the leg is in, `abandon_current` throws it away without looking.
        match catch_unwind(AssertUnwindSafe(|| work(shard))) {
            Ok(()) => true,
            Err(panic) => {
                self.after_panic(now, &*panic);
                false
            }
        }
    }

    /// # Panics
    /// When the shard as a whole can no longer be trusted; its thread then ends and says so.
    #[cold]
    fn after_panic(&mut self, now: Instant, panic: &(dyn Any + Send)) {
        self.meter.counters.panics_caught += 1;
        let (text, place) = (redacted(text_of(panic)), take_place());
        let shard = &mut self.shard;
        let Ok(leg) = catch_unwind(AssertUnwindSafe(|| shard.abandon_current(now))) else {
            panic!("{text} at {place}; throwing the leg away failed at {}", take_place());
        };
        let leg_text = leg.map_or_else(|| "none".to_owned(), |leg| leg.to_string());
        tracing::error!(shard = self.id.0, leg = leg_text, place, text, "a fault of our own; its leg was ended");
        if !self.panics.note(now) {
            panic!("{text} at {place}; more than {PANICS_MAX} panics in {WINDOW:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logged_text_holds_no_number() {
        assert_eq!(redacted("index 12 out of 160"), "index 12 out of 160");
        assert_eq!(redacted("bad uri sip:+15551230000@x\nline"), "bad uri sip:+#@x line");
        assert_eq!(redacted("ends in 5551234"), "ends in #");
        assert_eq!(redacted("é 1234é"), "é #é");
        let long = "x".repeat(10_000);
        assert_eq!(redacted(&long).len(), TEXT_BYTES_MAX);
        assert_eq!(redacted(""), "");
    }

    #[test]
    fn a_storm_is_more_than_the_budget_within_the_window() {
        let mut budget = Budget::default();
        let start = Instant::ZERO + Duration::from_secs(5);
        for number in 0..PANICS_MAX as u64 {
            assert!(budget.note(start + Duration::from_ms(number)));
        }
        assert!(!budget.note(start + Duration::from_secs(9)));
        let mut budget = Budget::default();
        for number in 0..100 {
            assert!(budget.note(start + Duration::from_secs(number)), "one a second is no storm");
        }
    }

    #[test]
    fn the_text_of_every_kind_of_panic_is_found() {
        watch_this_thread();
        let caught = catch_unwind(|| panic!("number {}", 7)).unwrap_err();
        assert_eq!(text_of(&*caught), "number 7");
        assert!(take_place().contains("panics.rs:"), "the hook kept the place");
        let caught = catch_unwind(|| panic!("plain")).unwrap_err();
        assert_eq!(text_of(&*caught), "plain");
        let caught = catch_unwind(|| std::panic::panic_any(5)).unwrap_err();
        assert_eq!(text_of(&*caught), "a panic without a message");
    }
}
