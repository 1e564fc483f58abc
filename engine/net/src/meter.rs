//! What a driver measures while it runs.

use crate::Clock;
use crate::stats::{Counters, Histogram};
use base::{Duration, Instant};
use std::io;

/// The measurements of one driver.
pub(crate) struct Meter {
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    pub(crate) send_lateness_us: Histogram,
    pub(crate) loop_lag_us: Histogram,
    pub(crate) receive_batch: Histogram,
    pub(crate) send_batch: Histogram,
}

impl Meter {
    pub(crate) fn new(clock: Clock) -> Meter {
        Meter {
            clock,
            counters: Counters::default(),
            send_lateness_us: Histogram::default(),
            loop_lag_us: Histogram::default(),
            receive_batch: Histogram::default(),
            send_batch: Histogram::default(),
        }
    }

    /// Notes a media packet that was handed to the kernel by `now`; `due` is `None` for RTCP.
    pub(crate) fn media_sent(&mut self, now: Instant, due: Option<Instant>) {
        self.counters.media_sent += 1;
        if let Some(due) = due {
            self.late(now.since(due));
        }
    }

    fn late(&mut self, late: Duration) {
        self.send_lateness_us.record(late.as_us());
        self.counters.late_over_1ms += u64::from(late > Duration::from_ms(1));
        self.counters.late_over_20ms += u64::from(late > Duration::from_ms(20));
    }

    /// Notes packets that the kernel would not send.
    pub(crate) fn send_failed(&mut self, error: &io::Error) {
        let counters = &mut self.counters;
        *match error.raw_os_error() {
            Some(libc::EAGAIN) => &mut counters.send_dropped_would_block,
            Some(libc::ENOBUFS | libc::ENOMEM) => &mut counters.send_dropped_no_buffers,
            Some(libc::ECONNREFUSED | libc::EHOSTUNREACH | libc::ENETUNREACH | libc::EHOSTDOWN | libc::ENETDOWN) => {
                &mut counters.send_dropped_unreachable
            }
            _ => &mut counters.send_dropped_other,
        } += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_is_counted_by_its_limits() {
        let mut meter = Meter::new(Clock::new());
        let due = Instant::ZERO;
        for late_us in [0, 999, 1_000, 1_001, 20_000, 20_001] {
            meter.media_sent(due + Duration::from_us(late_us), Some(due));
        }
        meter.media_sent(due + Duration::from_secs(1), None);
        assert_eq!((meter.counters.late_over_1ms, meter.counters.late_over_20ms), (3, 1));
        assert_eq!((meter.send_lateness_us.count(), meter.counters.media_sent), (6, 7));
    }

    #[test]
    fn send_faults_have_a_counter_each() {
        let mut meter = Meter::new(Clock::new());
        for code in [libc::ENOBUFS, libc::ECONNREFUSED, libc::EPERM, libc::EAGAIN, libc::EINVAL] {
            meter.send_failed(&io::Error::from_raw_os_error(code));
        }
        let counters = meter.counters;
        assert_eq!((counters.send_dropped_no_buffers, counters.send_dropped_unreachable), (1, 1));
        assert_eq!((counters.send_dropped_other, counters.send_dropped_would_block), (2, 1));
    }
}
