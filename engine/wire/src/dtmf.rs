//! Telephone events (RFC 4733 §2.3): digits as four-byte RTP payloads.

use crate::Reject;

/// Bytes of one event's payload.
pub const EVENT_BYTES: usize = 4;

/// One report of an event. A press is sent as many reports with a growing duration, the last one three times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// 0..=15 are the DTMF digits, see [`digit_of_event`].
    pub event: u8,
    /// The press is over.
    pub end: bool,
    /// Level in −dBm0, 0..=63; written clamped.
    pub volume: u8,
    /// Since the start of the press, in RTP ticks.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads the first event of a payload; RFC 4733 §2.5.1.5 allows more behind it, which are older.
    ///
    /// # Errors
    /// `Dtmf` below four bytes.
    pub fn parse(payload: &[u8]) -> Result<TelephoneEvent, Reject> {
        let [event, flags, high, low] = *payload.first_chunk::<EVENT_BYTES>().ok_or(Reject::Dtmf)?;
        Ok(TelephoneEvent {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    /// Writes the payload; the reserved bit is 0.
    pub fn write(&self, out: &mut [u8; EVENT_BYTES]) {
        let [high, low] = self.duration.to_be_bytes();
        *out = [self.event, (u8::from(self.end) << 7) | self.volume.min(63), high, low];
    }

    /// The digit this event stands for; `None` for other events (flash, tones).
    pub fn digit(&self) -> Option<char> {
        digit_of_event(self.event)
    }
}

/// Digits in the order of their event codes 0..=15 (RFC 4733 §3.2).
const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

/// `0`–`9`, `*`, `#`, `A`–`D` of an event code.
pub fn digit_of_event(event: u8) -> Option<char> {
    DIGITS.get(usize::from(event)).copied()
}

/// The event code of a digit; letters in either case.
pub fn event_of_digit(digit: char) -> Option<u8> {
    let upper = digit.to_ascii_uppercase();
    (0..).zip(DIGITS).find(|(_, d)| *d == upper).map(|(event, _)| event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_stand_where_the_rfc_puts_them() {
        let event = TelephoneEvent { event: 11, end: true, volume: 10, duration: 1_280 };
        let mut payload = [0; EVENT_BYTES];
        event.write(&mut payload);
        assert_eq!(payload, [11, 0x8a, 0x05, 0x00]);
        assert_eq!(TelephoneEvent::parse(&payload), Ok(event));
        assert_eq!(event.digit(), Some('#'));
        // The reserved bit is ignored, further events are left alone.
        assert_eq!(TelephoneEvent::parse(&[11, 0xca, 5, 0, 1, 2, 3, 4]), Ok(event));
        assert_eq!(TelephoneEvent::parse(&payload[..3]), Err(Reject::Dtmf));
    }

    #[test]
    fn a_volume_out_of_range_cannot_set_the_end_bit() {
        let mut payload = [0; EVENT_BYTES];
        TelephoneEvent { event: 1, end: false, volume: 255, duration: 160 }.write(&mut payload);
        assert_eq!(payload[1], 63);
    }

    #[test]
    fn digits_and_codes_are_one_to_one() {
        for code in 0..=255u8 {
            match digit_of_event(code) {
                Some(digit) => assert_eq!(event_of_digit(digit), Some(code)),
                None => assert!(code > 15),
            }
        }
        assert_eq!(event_of_digit('d'), Some(15));
        assert_eq!(event_of_digit('x'), None);
        assert_eq!(event_of_digit('é'), None);
    }
}
