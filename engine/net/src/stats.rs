//! What an engine measured about itself. Each shard keeps its own and answers a request with a copy; nothing is shared.

use crate::driver::DriverKind;
use crate::sched::Sched;
use base::{Instant, ShardId};
use call::Counts;
use std::fmt;

/// Longest span told apart by a histogram: 60 s. A thread that stood still for longer has other worries.
const SPAN_MAX: u64 = 60_000_000;

/// A distribution of whole numbers (microseconds or packets) from 0 to 60,000,000 with two significant digits (1 %);
/// about 20 KB. Recording allocates nothing.
#[derive(Clone)]
pub struct Histogram(hdrhistogram::Histogram<u64>);

impl Default for Histogram {
    fn default() -> Self {
        // The bounds are constants that the library accepts (1 ≤ low, high ≥ 2·low, digits ≤ 5); `new` with two digits
        // cannot fail either and would only lack the fixed bound.
        let inner = hdrhistogram::Histogram::new_with_bounds(1, SPAN_MAX, 2);
        Histogram(inner.expect("constant bounds are valid"))
    }
}

impl Histogram {
    /// Adds one value; what is beyond the range counts as its end.
    pub fn record(&mut self, value: u64) {
        self.0.saturating_record(value);
    }
    /// Number of values.
    pub fn count(&self) -> u64 {
        self.0.len()
    }
    /// The value that a share `quantile` (0 to 1) of all does not pass; 0 when empty.
    pub fn at(&self, quantile: f64) -> u64 {
        if self.0.is_empty() { 0 } else { self.0.value_at_quantile(quantile) }
    }
    /// The greatest value to 1 %; 0 when empty.
    pub fn max(&self) -> u64 {
        self.0.max()
    }
    /// How many values lie in each span between two of these bounds, from above the one before up to and with the bound
    /// itself, and last those beyond all of them; to the histogram's own precision. The bounds must rise.
    pub fn buckets(&self, bounds: &[u64]) -> Vec<u64> {
        let mut below = 0;
        let mut counts: Vec<u64> = Vec::with_capacity(bounds.len() + 1);
        for bound in bounds {
            let up_to = self.0.count_between(0, *bound);
            counts.push(up_to - below);
            below = up_to;
        }
        counts.push(self.0.len() - below);
        counts
    }
    /// The mean; 0 when empty.
    pub fn mean(&self) -> f64 {
        self.0.mean()
    }
    /// Takes in all values of another.
    pub fn merge(&mut self, other: &Histogram) {
        // Both have the same bounds, so every value of one fits into the other.
        self.0.add(&other.0).expect("histograms of the same bounds add up");
    }
    /// What was recorded after `earlier`, an older copy of the same histogram.
    #[must_use]
    pub fn since(&self, earlier: &Histogram) -> Histogram {
        let mut recent = self.clone();
        // Refused only when `earlier` holds what this does not, and then it is no older copy: nothing is taken off.
        let _ = recent.0.subtract(&earlier.0);
        recent
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99, p999) = (self.at(0.5), self.at(0.99), self.at(0.999));
        write!(f, "{{count {}, p50 {p50}, p99 {p99}, p999 {p999}, max {}}}", self.count(), self.max())
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])+ $name:ident,)+) => {
        /// Events since the start, by kind. Only ever grow.
        #[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])+ pub $name: u64,)+
        }
        impl Counters {
            fn merge(&mut self, other: &Counters) {
                $(self.$name += other.$name;)+
            }
            /// All counters with their names, for reports.
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)+]
            }
        }
    };
}

counters! {
    /// RTP and RTCP packets handed to the kernel.
    media_sent,
    /// RTP and RTCP packets read.
    media_received,
    /// SIP datagrams handed to the kernel.
    sip_sent,
    /// SIP datagrams read from the front door.
    sip_received,
    /// SIP datagrams that the front door passed to another shard.
    sip_forwarded,
    /// SIP datagrams of only line ends.
    sip_keep_alives,
    /// SIP datagrams dropped because the queue of their shard was full; their sender resends.
    sip_dropped_queue_full,
    /// SIP datagrams from the front door dropped because the control plane had not taken this shard's events; their
    /// sender resends.
    sip_dropped_stalled,
    /// Packets dropped because the socket's send buffer was full (EAGAIN).
    send_dropped_would_block,
    /// Packets dropped because a device or the kernel had no room (ENOBUFS, ENOMEM).
    send_dropped_no_buffers,
    /// Sends that reported an earlier packet's ICMP refusal (ECONNREFUSED and its like); the packet was dropped.
    send_dropped_unreachable,
    /// Packets the kernel would not send for another reason (EPERM, EINVAL, EMSGSIZE …).
    send_dropped_other,
    /// Packets of a port that this shard never bound: a fault of our own.
    send_dropped_no_socket,
    /// Batches that the kernel did not take at once (`ring`); they leave with the next.
    submit_errors,
    /// Media packets longer than `MEDIA_PACKET_BYTES_MAX`, dropped unread.
    receive_dropped_oversize,
    /// Reads that reported an ICMP answer or another fault instead of a packet.
    receive_errors,
    /// Receives that ended because all buffers were full (`ring`); the packets wait in their sockets meanwhile.
    receive_buffers_exhausted,
    /// Receives that could not be armed at once (`ring`) and were put off by a tick.
    receive_arms_delayed,
    /// Packets that left later than 1 ms after their due moment.
    late_over_1ms,
    /// Packets that left later than 20 ms after their due moment.
    late_over_20ms,
    /// Frames sent to other shards.
    peer_frames_sent,
    /// Frames dropped because the other shard's queue was full; old audio is worthless.
    peer_frames_dropped,
    /// Key presses to another shard dropped because its queue and our backlog were full.
    peer_digits_dropped,
    /// Commands taken.
    commands,
    /// Events handed to the control plane.
    events,
    /// `Event::Audio` dropped because the control plane does not read fast enough; other events (but `Event::Quality`)
    /// wait and are never dropped.
    audio_events_dropped,
    /// `Event::Quality` dropped for the same reason.
    quality_events_dropped,
    /// Ticks in which commands and SIP were left waiting because the control plane had not taken our events.
    stalled_ticks,
    /// Wake-ups.
    ticks,
    /// System calls that wait, receive or send: under `ring` entries into the kernel.
    system_calls,
    /// Faults of our own that cost one leg each.
    panics_caught,
    /// Answers and ends that could not be noted in the flight record.
    flight_errors,
}

/// One shard's measurements since its start.
#[derive(Clone, Debug)]
pub struct ShardStats {
    /// Which.
    pub shard: ShardId,
    /// When this was written.
    pub at: Instant,
    /// Scheduling class in force for its thread.
    pub sched: Sched,
    /// What the shard holds.
    pub counts: Counts,
    /// RTP/RTCP pairs bound.
    pub pairs_bound: usize,
    /// Events that wait for room in the control plane's queue.
    pub events_waiting: usize,
    /// Processor time of the thread, user and system, in nanoseconds.
    pub cpu_ns: u64,
    /// Return of the send call less the packet's due moment, µs.
    pub send_lateness_us: Histogram,
    /// Wake-up less the moment slept for, µs.
    pub loop_lag_us: Histogram,
    /// Media packets read in one tick (ticks without any are left out).
    pub receive_batch: Histogram,
    /// Media packets sent in one go (empty ones are left out).
    pub send_batch: Histogram,
    /// The rest.
    pub counters: Counters,
}

/// The measurements of all shards.
#[derive(Clone, Debug, Default)]
pub struct EngineStats {
    /// By shard, those that answered.
    pub shards: Vec<ShardStats>,
    /// Shards that did not answer in time (a stall) or have ended (see `failed`).
    pub silent: Vec<ShardId>,
    /// Shards whose thread ended by a panic, with its message.
    pub failed: Vec<(ShardId, String)>,
    /// The driver that runs.
    pub driver: DriverKind,
    /// Why it is not `ring`, where `auto` was asked for and `ring` was not to be had.
    pub fallback: Option<String>,
}

impl EngineStats {
    /// Holdings of all shards added up.
    pub fn counts(&self) -> Counts {
        self.shards.iter().fold(Counts::default(), |mut sum, shard| {
            let counts = shard.counts;
            sum.calls += counts.calls;
            sum.legs += counts.legs;
            sum.ports_in_use += counts.ports_in_use;
            sum.timers += counts.timers;
            sum.dialogs += counts.dialogs;
            sum.transactions += counts.transactions;
            sum
        })
    }
    /// Counters of all shards added up.
    pub fn counters(&self) -> Counters {
        self.shards.iter().fold(Counters::default(), |mut sum, shard| {
            sum.merge(&shard.counters);
            sum
        })
    }
    /// Send lateness over all shards, µs.
    pub fn send_lateness_us(&self) -> Histogram {
        self.merged(|shard| &shard.send_lateness_us)
    }
    /// Loop lag over all shards, µs.
    pub fn loop_lag_us(&self) -> Histogram {
        self.merged(|shard| &shard.loop_lag_us)
    }
    /// Processor time of all shard threads, nanoseconds.
    pub fn cpu_ns(&self) -> u64 {
        self.shards.iter().map(|shard| shard.cpu_ns).sum()
    }
    /// The class in force, as one text: that of shard 0, and of others where they differ.
    pub fn sched(&self) -> String {
        let mut names: Vec<String> = self.shards.iter().map(|shard| shard.sched.to_string()).collect();
        names.dedup();
        names.join(" / ")
    }
    fn merged(&self, pick: impl Fn(&ShardStats) -> &Histogram) -> Histogram {
        self.shards.iter().fold(Histogram::default(), |mut sum, shard| {
            sum.merge(pick(shard));
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_keep_two_digits_and_add_up() {
        let mut low = Histogram::default();
        let mut high = Histogram::default();
        assert_eq!((low.at(0.99), low.max(), low.count()), (0, 0, 0));
        (0..1_000).for_each(|value| low.record(value));
        high.record(u64::MAX);
        low.merge(&high);
        assert_eq!(low.count(), 1_001);
        assert!((490..=510).contains(&low.at(0.5)), "{low:?}");
        assert!(low.max() >= SPAN_MAX && low.max() <= SPAN_MAX + SPAN_MAX / 50, "{low:?}");
    }

    #[test]
    fn buckets_hold_each_value_once() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.buckets(&[10, 100]), [0, 0, 0]);
        for value in [0, 3, 10, 11, 60, 5_000, 5_000] {
            histogram.record(value);
        }
        assert_eq!(histogram.buckets(&[10, 100]), [3, 2, 2]);
        assert_eq!(histogram.buckets(&[]), [7]);
    }

    #[test]
    fn what_came_since_an_older_copy() {
        let mut histogram = Histogram::default();
        histogram.record(50_000);
        let older = histogram.clone();
        (0..100).for_each(|_| histogram.record(7));
        let recent = histogram.since(&older);
        assert_eq!((recent.count(), recent.at(0.99), recent.max()), (100, 7, 7));
        assert_eq!(older.since(&histogram).count(), 1, "the other way round nothing is taken off");
    }

    #[test]
    fn counters_add_up_by_name() {
        let mut sum = Counters { media_sent: 1, late_over_20ms: 2, ..Counters::default() };
        sum.merge(&Counters { media_sent: 10, ticks: 5, ..Counters::default() });
        let named: Vec<_> = sum.named().into_iter().filter(|(_, value)| *value > 0).collect();
        assert_eq!(named, [("media_sent", 11), ("late_over_20ms", 2), ("ticks", 5)]);
    }
}
