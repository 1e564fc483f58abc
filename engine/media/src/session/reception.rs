//! What a receiver keeps of a stream: the sequence check, loss and jitter of RFC 3550 (A.1, A.3, A.8), and which
//! packets came twice or out of order.

use crate::CLOCK_HZ;
use base::Instant;

/// A gap forward of this many packets (1 minute) or more is a restart and no loss (A.1).
const MAX_DROPOUT: u16 = 3_000;
/// A step back of up to this many packets (2 s) is disorder and no restart (A.1).
const MAX_MISORDER: u16 = 100;

/// One packet as it arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) now: Instant,
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) octets: usize,
}

/// How a packet fits the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sequence {
    GoesOn,
    StartsOver,
    Unconfirmed,
}

/// The current source.
#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    /// Extended sequence numbers: wraps × 65,536 + sequence. The first and the highest.
    base: u64,
    highest: u64,
    received: u64,
    /// Bit n: the packet `highest - n` has come.
    seen: u64,
    expected_prior: u64,
    received_prior: u64,
    /// Last arrival minus timestamp, in ticks, and the timestamp it belongs to.
    transit: i64,
    timestamp: u32,
    /// Sixteen times the jitter, in ticks (A.8 keeps it so to round well).
    jitter_16: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) packets: u64,
    pub(super) octets: u64,
    pub(super) lost: u64,
    pub(super) late: u64,
    pub(super) duplicates: u64,
    pub(super) restarts: u32,
    pub(super) jitter_ms: f64,
}

/// Contents of a report block about the current source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Report {
    pub(super) ssrc: u32,
    pub(super) fraction_lost: u8,
    pub(super) cumulative_lost: i32,
    pub(super) extended_highest_sequence: u32,
    pub(super) jitter: u32,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reception {
    source: Option<Source>,
    /// SSRC and sequence that would confirm a change.
    confirms: Option<(u32, u16)>,
    /// Counts over all sources; `lost` only of those that are over.
    packets: u64,
    octets: u64,
    late: u64,
    duplicates: u64,
    lost_before: u64,
    duplicates_here: u64,
    restarts: u32,
}

impl Source {
    fn new(arrival: Arrival) -> Source {
        // One wrap ahead, so that packets that overtook the first one do not go below zero.
        let first = 0x1_0000 + u64::from(arrival.sequence);
        Source {
            ssrc: arrival.ssrc,
            base: first,
            highest: first,
            received: 1,
            seen: 1,
            expected_prior: 0,
            received_prior: 0,
            transit: transit_of(arrival),
            timestamp: arrival.timestamp,
            jitter_16: 0,
        }
    }

    fn expected(&self) -> u64 {
        self.highest - self.base + 1
    }
}

impl Reception {
    pub(super) fn ssrc(&self) -> Option<u32> {
        self.source.map(|source| source.ssrc)
    }

    pub(super) fn take(&mut self, arrival: Arrival) -> Sequence {
        let Some(source) = &mut self.source else {
            // Signalling named this address, so its first packet is believed at once.
            self.begin(arrival);
            return Sequence::GoesOn;
        };
        let ahead = arrival.sequence.wrapping_sub(source.highest as u16);
        let behind = ahead.wrapping_neg();
        if arrival.ssrc != source.ssrc || (ahead >= MAX_DROPOUT && behind > MAX_MISORDER) {
            if self.confirms != Some((arrival.ssrc, arrival.sequence)) {
                self.confirms = Some((arrival.ssrc, arrival.sequence.wrapping_add(1)));
                return Sequence::Unconfirmed;
            }
            self.lost_before = self.lost();
            self.duplicates_here = 0;
            self.restarts += 1;
            self.begin(arrival);
            return Sequence::StartsOver;
        }
        self.confirms = None;
        self.packets += 1;
        self.octets += arrival.octets as u64;
        source.received += 1;
        if ahead == 0 || ahead >= MAX_DROPOUT {
            let bit = 1_u64.checked_shl(u32::from(behind)).unwrap_or(0);
            if source.seen & bit != 0 {
                self.duplicates += 1;
                self.duplicates_here += 1;
            } else {
                self.late += 1;
                source.seen |= bit;
                // A packet from before the first one widens what was expected.
                source.base = source.base.min(source.highest - u64::from(behind));
            }
        } else {
            source.highest += u64::from(ahead);
            source.seen = source.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
        }
        // Reports of one digit share their timestamp; they say nothing about the network's jitter.
        if arrival.timestamp != source.timestamp {
            let transit = transit_of(arrival);
            let difference = i64::from(transit.wrapping_sub(source.transit) as i32).unsigned_abs();
            source.transit = transit;
            source.timestamp = arrival.timestamp;
            source.jitter_16 = source.jitter_16 + difference - ((source.jitter_16 + 8) >> 4);
        }
        Sequence::GoesOn
    }

    fn begin(&mut self, arrival: Arrival) {
        self.confirms = None;
        self.packets += 1;
        self.octets += arrival.octets as u64;
        self.source = Some(Source::new(arrival));
    }

    /// Packets that never came, over all sources. Duplicates do not make up for losses.
    fn lost(&self) -> u64 {
        let here = self
            .source
            .map_or(0, |source| source.expected().saturating_sub(source.received.saturating_sub(self.duplicates_here)));
        self.lost_before + here
    }

    pub(super) fn totals(&self) -> Totals {
        let jitter = self.source.map_or(0, |source| source.jitter_16 >> 4);
        Totals {
            packets: self.packets,
            octets: self.octets,
            lost: self.lost(),
            late: self.late,
            duplicates: self.duplicates,
            restarts: self.restarts,
            jitter_ms: jitter as f64 * 1_000.0 / f64::from(CLOCK_HZ),
        }
    }

    /// The block for the next report, and the start of a new interval (A.3). `None` when nothing was heard.
    pub(super) fn report(&mut self) -> Option<Report> {
        let source = self.source.as_mut()?;
        let expected = source.expected();
        let expected_interval = expected.saturating_sub(source.expected_prior);
        let received_interval = source.received - source.received_prior;
        source.expected_prior = expected;
        source.received_prior = source.received;
        let lost_interval = expected_interval.saturating_sub(received_interval);
        // Nothing expected in the interval: nothing lost.
        let fraction_lost = (lost_interval << 8).checked_div(expected_interval).unwrap_or(0).min(255);
        let cumulative = expected as i64 - source.received as i64;
        Some(Report {
            ssrc: source.ssrc,
            fraction_lost: fraction_lost as u8,
            // 24 bits on the wire (RFC 3550 §6.4.1).
            cumulative_lost: cumulative.clamp(-0x80_0000, 0x7f_ffff) as i32,
            extended_highest_sequence: (source.highest - 0x1_0000) as u32,
            jitter: (source.jitter_16 >> 4) as u32,
        })
    }
}

/// Arrival time minus timestamp in ticks of 8 kHz; only differences mean anything.
fn transit_of(arrival: Arrival) -> i64 {
    let arrived = u128::from(arrival.now.as_ns()) * u128::from(CLOCK_HZ) / 1_000_000_000;
    arrived as i64 - i64::from(arrival.timestamp)
}

#[cfg(test)]
mod tests;
