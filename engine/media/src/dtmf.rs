//! Digits as telephone-events (RFC 4733): sending a queue of them, and hearing each press once.

use crate::FRAME_SAMPLES;
use crate::session::RtpSession;
use wire::dtmf::{TelephoneEvent, event_of_digit};

/// Digits that wait to be sent: a card number (19) with its date, code and separators stays under 40.
pub const DIGITS_MAX: usize = 64;

/// Length of a digit: 5 frames = 100 ms, 800 ticks; ITU-T Q.24 asks receivers to accept 40 ms, some need 70.
const DIGIT_FRAMES: u16 = 5;
/// The end is sent this often (RFC 4733 §2.5.1.4).
const END_PACKETS: u16 = 3;
/// Frames of audio before the next digit. With the two repeated ends the far end hears 60 ms of pause; Q.24 asks 40.
const PAUSE_FRAMES: u16 = 1;
/// Level of the digits in -dBm0 (RFC 4733 §2.3.3): -10 dBm0 is what telephones send.
const VOLUME: u8 = 10;

/// An older report than this (5 s, in ticks) is a new timeline of the sender and not an overtaken packet.
const OLD_TICKS: i32 = 5 * crate::CLOCK_HZ as i32;
/// Reports of one press whose timestamp wrongly moves lie at most this far apart (400 ms, in ticks).
const SAME_PRESS_TICKS: i32 = 3_200;

/// Digits on their way out.
#[derive(Clone, Debug)]
pub struct DtmfSender {
    /// Event codes, a ring.
    queue: [u8; DIGITS_MAX],
    head: usize,
    waiting: usize,
    /// Packets of the current digit sent so far; counts on through the pause.
    step: u16,
}

impl Default for DtmfSender {
    fn default() -> Self {
        Self::new()
    }
}

impl DtmfSender {
    /// Nothing to send.
    pub const fn new() -> DtmfSender {
        DtmfSender { queue: [0; DIGITS_MAX], head: 0, waiting: 0, step: 0 }
    }

    /// Queues `0`–`9`, `*`, `#`, `A`–`D`. False when it is none of these or `DIGITS_MAX` are waiting.
    pub fn push(&mut self, digit: char) -> bool {
        let Some(event) = event_of_digit(digit) else { return false };
        if self.waiting == DIGITS_MAX {
            return false;
        }
        self.queue[(self.head + self.waiting) % DIGITS_MAX] = event;
        self.waiting += 1;
        true
    }

    /// True when nothing is waiting or under way.
    pub fn is_idle(&self) -> bool {
        self.waiting == 0
    }

    /// Forgets what waits. A digit under way is ended properly.
    pub fn clear(&mut self) {
        self.waiting = self.waiting.min(usize::from(self.step > 0));
    }

    /// To be asked once every ptime before audio is sent: the length of the packet written to `out`, or `None` when
    /// it is audio's turn (no digit, or the pause between two).
    pub fn next_packet(&mut self, session: &mut RtpSession, payload_type: u8, out: &mut [u8]) -> Option<usize> {
        if self.waiting == 0 {
            return None;
        }
        let step = self.step;
        self.step += 1;
        if step >= DIGIT_FRAMES - 1 + END_PACKETS {
            if self.step == DIGIT_FRAMES - 1 + END_PACKETS + PAUSE_FRAMES {
                self.step = 0;
                self.head = (self.head + 1) % DIGITS_MAX;
                self.waiting -= 1;
            }
            return None;
        }
        let frames = (step + 1).min(DIGIT_FRAMES);
        let event = TelephoneEvent {
            event: self.queue[self.head],
            end: frames == DIGIT_FRAMES,
            volume: VOLUME,
            duration: frames * FRAME_SAMPLES as u16,
        };
        Some(session.write_event(payload_type, &event, step == 0, out))
    }
}

/// One press as heard so far.
#[derive(Clone, Copy, Debug)]
struct Press {
    event: u8,
    timestamp: u32,
    duration: u16,
    ended: bool,
}

/// Hears each press once: at the first report of it that arrives, whichever that is, so that lost first packets and
/// repeated ends do not matter.
#[derive(Clone, Debug, Default)]
pub struct DtmfReceiver {
    last: Option<Press>,
}

impl DtmfReceiver {
    /// Nothing heard yet.
    pub const fn new() -> DtmfReceiver {
        DtmfReceiver { last: None }
    }

    /// Takes the payload of one telephone-event packet and its RTP timestamp. A digit when the press is new; `None`
    /// for further reports of a known press, for events that are no digits, and for broken payloads.
    pub fn push(&mut self, timestamp: u32, payload: &[u8]) -> Option<char> {
        let event = TelephoneEvent::parse(payload).ok()?;
        let press = Press { event: event.event, timestamp, duration: event.duration, ended: event.end };
        let Some(last) = &mut self.last else {
            self.last = Some(press);
            return event.digit();
        };
        let ahead = timestamp.wrapping_sub(last.timestamp) as i32;
        if ahead == 0 {
            last.duration = last.duration.max(press.duration);
            last.ended |= press.ended;
            return None;
        }
        if (-OLD_TICKS..0).contains(&ahead) {
            return None;
        }
        // A press longer than 65,535 ticks goes on in a further segment whose timestamp is where the last one ended
        // (§2.5.1.3); and some senders wrongly move the timestamp with each report, which then only grows.
        let goes_on = ahead == i32::from(last.duration)
            || ((0..=SAME_PRESS_TICKS).contains(&ahead) && press.duration > last.duration);
        let same = press.event == last.event && !last.ended && goes_on;
        *last = press;
        if same { None } else { event.digit() }
    }

    /// Forgets the last press: the sender has started a new timeline.
    pub fn reset(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests;
