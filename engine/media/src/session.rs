//! One leg's RTP session (RFC 3550): the outgoing timeline that never breaks, the lock on the far end's address,
//! receive statistics, and the RTCP reports about both.
//!
//! ```text
//!  silence | prompt | bridge | digits ──> write_audio / write_event / skip ──> one SSRC, sequence, timestamp
//!  datagram ──> source lock ──> RtpView ──> Reception (RFC 3550 A.1, A.3, A.8) ──> Received
//! ```
//!
//! Exactly one of `write_audio`, `write_event` and `skip` is called each ptime, so the timestamp keeps wall time.

mod quality;
mod reception;

pub use quality::mean_opinion_score;

use crate::{CLOCK_HZ, FRAME_SAMPLES};
use base::{Duration, Instant, Stream, WallTime};
use reception::{Arrival, Reception, Sequence};
use std::net::SocketAddr;
use wire::dtmf::{EVENT_BYTES, TelephoneEvent};
use wire::rtcp::{self, Item, ReportBlock, SenderInfo};
use wire::rtp::{HEADER_BYTES, RtpHeader, RtpView, looks_like_rtcp};

/// Packets from one foreign address that move the lock to it while learning: five, 100 ms. One alone could be a
/// straggler of the port's last call.
pub const LEARN_PACKETS: u32 = 5;

/// Mean time between reports (RFC 3550 §6.2); each interval is drawn from 0.5 to 1.5 times this (§6.3.1).
pub const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// Own reports whose answers are still recognised: 4 × 5 s is more than any round trip.
const REPORTS_KEPT: usize = 4;

/// Letters of the CNAME: 20 × 5 bits = 100 random bits; RFC 7022 §4.2 asks at least 96.
const CNAME_LETTERS: usize = 20;

/// Why a packet was not taken. Each is counted in [`Stats`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drop {
    /// It came from another address than signalling named.
    Source,
    /// It is not RTP (or, given to `receive_rtcp`, not RTCP).
    Malformed,
    /// It is RTCP on the RTP port (RFC 5761): give it to `receive_rtcp`.
    Rtcp,
    /// First packet of a new SSRC, or far from the expected sequence: taken when the next one confirms it.
    Unconfirmed,
}

/// A packet that was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received<'a> {
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP timestamp, in samples.
    pub timestamp: u32,
    /// Marker bit: a talkspurt begins.
    pub marker: bool,
    /// RTP payload type.
    pub payload_type: u8,
    /// Synchronisation source.
    pub ssrc: u32,
    /// The sender has started over (new SSRC or sequence): jitter buffer and digit receiver must forget their timeline.
    pub restarted: bool,
    /// The payload without padding.
    pub payload: &'a [u8],
}

/// What a session has seen and done. Losses and times of the far end are what its last report said.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Stats {
    /// RTP packets written.
    pub packets_sent: u64,
    /// Payload bytes written.
    pub octets_sent: u64,
    /// RTP packets taken, duplicates included.
    pub packets_received: u64,
    /// Payload bytes taken.
    pub octets_received: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Share of the expected packets that never came, 0 to 1.
    pub loss: f64,
    /// Packets that came after a later one.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Dropped: foreign source.
    pub foreign: u64,
    /// Dropped: not RTP, not RTCP.
    pub malformed: u64,
    /// Dropped: unconfirmed jumps.
    pub unconfirmed: u64,
    /// Times the sender started over.
    pub restarts: u32,
    /// Interarrival jitter (RFC 3550 A.8) in milliseconds.
    pub jitter_ms: f64,
    /// Round trip of the last report that was answered, in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Packets of ours that the far end has lost, by its last report.
    pub remote_lost: i32,
    /// Share of our packets lost at the far end over its last interval, 0 to 1.
    pub remote_loss: f64,
    /// Jitter that the far end measured, in milliseconds.
    pub remote_jitter_ms: f64,
    /// Estimated mean opinion score of what we heard, 1 to 4.4 (see [`mean_opinion_score`]).
    pub mos: f64,
}

/// Whose packets are heard.
#[derive(Clone, Copy, Debug, Default)]
struct Lock {
    remote: Option<SocketAddr>,
    learn: bool,
    /// While learning is still open: the first foreign address and its packets so far.
    candidate: Option<(SocketAddr, u32)>,
    open: bool,
}

/// The RTP session of one leg.
pub struct RtpSession {
    ssrc: u32,
    sequence: u16,
    /// Timestamp of the next frame.
    timestamp: u32,
    /// Timestamp of the digit under way.
    event_timestamp: u32,
    /// The last thing sent was audio: the next audio packet carries no marker.
    talking: bool,
    packets_sent: u64,
    octets_sent: u64,
    sent_at_last_report: u64,
    lock: Lock,
    reception: Reception,
    /// Middle 32 bits of the far end's last SR, and when it came.
    last_sr: Option<(u32, Instant)>,
    /// Middle 32 bits of our last SRs, and when they went.
    own_reports: [(u32, Instant); REPORTS_KEPT],
    reports: usize,
    cname: String,
    /// State of the interval's randomness.
    chance: u64,
    far: Far,
    foreign: u64,
    malformed: u64,
    unconfirmed: u64,
}

/// What the far end says of our packets.
#[derive(Clone, Copy, Debug, Default)]
struct Far {
    rtt: Option<Duration>,
    lost: i32,
    loss: f64,
    jitter_ms: f64,
}

impl RtpSession {
    /// A session with random SSRC, sequence, timestamp (RFC 3550 §5.1) and CNAME. Hears nobody until `set_remote`.
    pub fn new(random: &mut Stream) -> RtpSession {
        RtpSession {
            ssrc: random.next_u32(),
            sequence: random.next_u32() as u16,
            timestamp: random.next_u32(),
            event_timestamp: 0,
            talking: false,
            packets_sent: 0,
            octets_sent: 0,
            sent_at_last_report: 0,
            lock: Lock::default(),
            reception: Reception::default(),
            last_sr: None,
            own_reports: [(0, Instant::ZERO); REPORTS_KEPT],
            reports: 0,
            cname: random.token(CNAME_LETTERS),
            chance: random.next_u64(),
            far: Far::default(),
            foreign: 0,
            malformed: 0,
            unconfirmed: 0,
        }
    }

    /// Our synchronisation source.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Sets the address that signalling named. Only this call opens the learn window again.
    pub fn set_remote(&mut self, remote: SocketAddr) {
        if self.lock.remote == Some(remote) {
            return;
        }
        self.lock.remote = Some(remote);
        self.lock.candidate = None;
        self.lock.open = self.lock.learn;
    }

    /// Whether the far end may sit behind a NAT: then `LEARN_PACKETS` packets from one other address, before the
    /// first from the named one, move the lock there, once. Off at first. Switched on when somebody was heard already, it
    /// counts from the next `set_remote`.
    pub fn set_learn(&mut self, learn: bool) {
        let unheard = self.lock.remote.is_some() && self.reception.ssrc().is_none() && !self.lock.learn;
        self.lock.learn = learn;
        self.lock.open = learn && (self.lock.open || unheard);
    }

    /// The address packets are sent to and taken from: the named one, or the one learned.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.lock.remote
    }

    /// Writes one audio packet to `out` and moves the timeline on by `samples`. Returns its length; 0, and the
    /// timeline moves on all the same, when `out` is too small. The first packet after anything else has the marker.
    pub fn write_audio(&mut self, payload_type: u8, payload: &[u8], samples: u32, out: &mut [u8]) -> usize {
        let marker = !self.talking;
        let length = self.write(payload_type, marker, self.timestamp, payload, out);
        self.talking = length > 0;
        self.timestamp = self.timestamp.wrapping_add(samples);
        length
    }

    /// Lets time pass in silence: the timeline moves on, nothing is sent (RFC 3550 §5.1: the timestamp keeps running).
    pub fn skip(&mut self, samples: u32) {
        self.talking = false;
        self.timestamp = self.timestamp.wrapping_add(samples);
    }

    /// Writes one report of a telephone-event in place of a frame of audio: `start` sets the marker and the timestamp
    /// that all reports of the press keep (RFC 4733 §2.5.1.2), while the timeline moves on by one frame.
    pub fn write_event(&mut self, payload_type: u8, event: &TelephoneEvent, start: bool, out: &mut [u8]) -> usize {
        if start {
            self.event_timestamp = self.timestamp;
        }
        let mut payload = [0; EVENT_BYTES];
        event.write(&mut payload);
        let length = self.write(payload_type, start, self.event_timestamp, &payload, out);
        self.skip(FRAME_SAMPLES as u32);
        length
    }

    fn write(&mut self, payload_type: u8, marker: bool, timestamp: u32, payload: &[u8], out: &mut [u8]) -> usize {
        let length = HEADER_BYTES + payload.len();
        if out.len() < length {
            return 0;
        }
        RtpHeader { payload_type, marker, sequence: self.sequence, timestamp, ssrc: self.ssrc }.write(out);
        out[HEADER_BYTES..length].copy_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.packets_sent += 1;
        self.octets_sent += payload.len() as u64;
        length
    }

    /// Takes one datagram of the RTP port.
    ///
    /// # Errors
    /// See [`Drop`]; what is dropped changes only its count.
    pub fn receive<'a>(&mut self, now: Instant, source: SocketAddr, bytes: &'a [u8]) -> Result<Received<'a>, Drop> {
        if self.lock.remote != Some(source) && !self.learns(source, bytes) {
            self.foreign += 1;
            return Err(Drop::Source);
        }
        if looks_like_rtcp(bytes) {
            return Err(Drop::Rtcp);
        }
        let Ok(view) = RtpView::parse(bytes) else {
            self.malformed += 1;
            return Err(Drop::Malformed);
        };
        // The named address has spoken: nobody else needs to be learned.
        self.lock.open = false;
        let arrival = Arrival {
            now,
            ssrc: view.ssrc(),
            sequence: view.sequence(),
            timestamp: view.timestamp(),
            octets: view.payload().len(),
        };
        let restarted = match self.reception.take(arrival) {
            Sequence::Unconfirmed => {
                self.unconfirmed += 1;
                return Err(Drop::Unconfirmed);
            }
            Sequence::GoesOn => false,
            Sequence::StartsOver => true,
        };
        Ok(Received {
            sequence: view.sequence(),
            timestamp: view.timestamp(),
            marker: view.marker(),
            payload_type: view.payload_type(),
            ssrc: view.ssrc(),
            restarted,
            payload: view.payload(),
        })
    }

    /// True when this packet of a foreign address has just moved the lock to it. A second foreign address closes the
    /// window: when two strangers speak, neither is believed.
    fn learns(&mut self, source: SocketAddr, bytes: &[u8]) -> bool {
        if !self.lock.open || self.lock.remote.is_none() || looks_like_rtcp(bytes) || RtpView::parse(bytes).is_err() {
            return false;
        }
        let (candidate, packets) = self.lock.candidate.get_or_insert((source, 0));
        *packets += 1;
        if *candidate != source {
            self.lock.open = false;
        } else if *packets == LEARN_PACKETS {
            self.lock.remote = Some(source);
            return true;
        }
        false
    }

    /// When to write the next report, from `now` (RFC 3550 §6.3.1); the first interval is half as long (§6.2).
    pub fn next_report_at(&mut self, now: Instant) -> Instant {
        // SplitMix64 (Steele, Lea, Flood 2014): the interval needs spread, not secrecy.
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let interval = if self.reports == 0 { REPORT_INTERVAL / 2 } else { REPORT_INTERVAL };
        now + interval / 2 + Duration::from_ns(mixed % interval.as_ns())
    }

    /// Writes a report: SR when we have sent since the last one, else RR (RFC 3550 §6.4), with SDES. `wall` is the
    /// wall time at `now`. Returns its length in bytes, 0 when `out` is too small.
    pub fn write_report(&mut self, now: Instant, wall: WallTime, out: &mut [u8]) -> usize {
        let ntp = ntp_of(wall);
        let middle = (ntp >> 16) as u32;
        let sender = (self.packets_sent > self.sent_at_last_report).then_some(SenderInfo {
            ntp,
            rtp_timestamp: self.timestamp,
            packets: self.packets_sent as u32,
            octets: self.octets_sent as u32,
        });
        let (last_sr, delay_since_last_sr) = match self.last_sr {
            // In 1/65,536 s; a delay beyond 18 hours saturates.
            Some((middle, at)) => (middle, units_of(now.since(at))),
            None => (0, 0),
        };
        let block = self.reception.report().map(|report| ReportBlock {
            ssrc: report.ssrc,
            fraction_lost: report.fraction_lost,
            cumulative_lost: report.cumulative_lost,
            extended_highest_seq: report.extended_highest_sequence,
            jitter: report.jitter,
            last_sr,
            delay_since_last_sr,
        });
        let length = rtcp::write_report(out, sender, self.ssrc, block.as_slice(), &self.cname).unwrap_or(0);
        if length > 0 {
            if sender.is_some() {
                self.own_reports[self.reports % REPORTS_KEPT] = (middle, now);
            }
            self.reports += 1;
            self.sent_at_last_report = self.packets_sent;
        }
        length
    }

    /// Writes the BYE of a session that ends. Returns its length in bytes, 0 when `out` is too small.
    pub fn write_bye(&self, out: &mut [u8]) -> usize {
        rtcp::write_bye(out, self.ssrc, &self.cname).unwrap_or(0)
    }

    /// Takes one datagram of the RTCP port (or `Drop::Rtcp` of the RTP port). Its address must be the far end's; the
    /// port may differ, since NATs map the two ports on their own.
    ///
    /// # Errors
    /// `Source` or `Malformed`.
    pub fn receive_rtcp(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) -> Result<(), Drop> {
        if self.lock.remote.is_none_or(|remote| remote.ip() != source.ip()) {
            self.foreign += 1;
            return Err(Drop::Source);
        }
        let Ok(items) = rtcp::parse(bytes) else {
            self.malformed += 1;
            return Err(Drop::Malformed);
        };
        for item in items {
            match item {
                Item::SenderReport { ssrc, info, blocks } => {
                    if self.reception.ssrc().is_none_or(|known| known == ssrc) {
                        self.last_sr = Some(((info.ntp >> 16) as u32, now));
                    }
                    blocks.iter().for_each(|block| self.hear_of_us(now, block));
                }
                Item::ReceiverReport { blocks, .. } => blocks.iter().for_each(|block| self.hear_of_us(now, block)),
                // A BYE ends a source and not a call; signalling does that.
                Item::Cname { .. } | Item::Bye { .. } => {}
            }
        }
        Ok(())
    }

    fn hear_of_us(&mut self, now: Instant, block: &ReportBlock) {
        if block.ssrc != self.ssrc {
            return;
        }
        self.far.lost = block.cumulative_lost;
        self.far.loss = f64::from(block.fraction_lost) / 256.0;
        self.far.jitter_ms = f64::from(block.jitter) * 1_000.0 / f64::from(CLOCK_HZ);
        // Only an answer to a report that we know: then the round trip needs no wall clock at all (RFC 3550 §6.4.1).
        let known = self.own_reports.iter().find(|(middle, at)| *middle == block.last_sr && *at > Instant::ZERO);
        if let Some((_, sent_at)) = known.filter(|_| block.last_sr != 0) {
            let held = Duration::from_ns(u64::from(block.delay_since_last_sr) * 1_000_000_000 / 65_536);
            self.far.rtt = Some(now.since(*sent_at).saturating_sub(held));
        }
    }

    /// The figures so far.
    pub fn stats(&self) -> Stats {
        let heard = self.reception.totals();
        let rtt_ms = self.far.rtt.map(|rtt| rtt.as_secs_f64() * 1_000.0);
        let expected = heard.packets + heard.lost - heard.duplicates.min(heard.packets);
        let loss = if expected == 0 { 0.0 } else { heard.lost as f64 / expected as f64 };
        Stats {
            packets_sent: self.packets_sent,
            octets_sent: self.octets_sent,
            packets_received: heard.packets,
            octets_received: heard.octets,
            lost: heard.lost,
            loss,
            late: heard.late,
            duplicates: heard.duplicates,
            foreign: self.foreign,
            malformed: self.malformed,
            unconfirmed: self.unconfirmed,
            restarts: heard.restarts,
            jitter_ms: heard.jitter_ms,
            rtt_ms,
            remote_lost: self.far.lost,
            remote_loss: self.far.loss,
            remote_jitter_ms: self.far.jitter_ms,
            mos: mean_opinion_score(loss, heard.jitter_ms, rtt_ms.unwrap_or(0.0)),
        }
    }
}

/// NTP time, 32.32 fixed-point seconds since 1900 (RFC 3550 §4); 2,208,988,800 s lie between 1900 and 1970.
fn ntp_of(wall: WallTime) -> u64 {
    let us = wall.as_unix_us();
    let seconds = (us.div_euclid(1_000_000) + 2_208_988_800) as u64;
    let fraction = ((us.rem_euclid(1_000_000) as u64) << 32) / 1_000_000;
    (seconds << 32) | fraction
}

/// A span in 1/65,536 s, saturating at 18 hours.
fn units_of(span: Duration) -> u32 {
    u32::try_from(u128::from(span.as_ns()) * 65_536 / 1_000_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
