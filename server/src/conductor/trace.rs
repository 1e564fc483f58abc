//! What is told of one call besides its state: what happened in it, moment by moment, the codec, and what is heard of
//! the far end.
//!
//! ```text
//!   Event ──hear──> Trace ──view──> CallView, CallDetail (while it lives)
//!   deeds ──note──>   │ └──json───> CDR (once, at its end)
//! ```
//!
//! **Invariants.** A timeline has [`ENTRIES_MAX`] entries at most, and its last place is kept for the end. Moments never
//! fall. No entry holds a number or a pressed key: a key may be a digit of a card or a PIN.

use crate::control::views::{QualityView, TimelineEntry};
use base::{Instant, WallAnchor};
use call::Event;
use codecs::g711::Law;
use dialer::EndCause;
use media::session::Stats;
use std::borrow::Cow;

/// Entries of a timeline: a campaign's call has about ten, one whose agents were lost or that was held again and again
/// some more. At 48 bytes and a short text each 64 are some 5 KB; 5,000 calls hold 25 MB at worst, 5 MB as a rule.
const ENTRIES_MAX: usize = 64;
/// What the far end can repeat at will leaves so many places to what we do.
const REPEATS_MAX: usize = 48;
/// Longest detail, in bytes: a name of an agent or a cause. 64 entries of it, each byte escaped as two, and 70 bytes
/// around it are 13 KB of JSON, less than the store takes for one text (16 KiB).
const DETAIL_BYTES_MAX: usize = 64;

/// Something that happened in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Began,
    Ringing,
    EarlyMedia,
    Answered,
    GreetingEnd,
    Verdict,
    Revision,
    AgentReserved,
    Bridged,
    Unbridged,
    Digit,
    Held,
    Resumed,
    Message,
    Echo,
    HangUp,
    Ended,
}

impl What {
    const fn code(self) -> &'static str {
        match self {
            What::Began => "began",
            What::Ringing => "ringing",
            What::EarlyMedia => "early_media",
            What::Answered => "answered",
            What::GreetingEnd => "greeting_end",
            What::Verdict => "verdict",
            What::Revision => "revision",
            What::AgentReserved => "agent_reserved",
            What::Bridged => "bridged",
            What::Unbridged => "unbridged",
            What::Digit => "digit",
            What::Held => "held",
            What::Resumed => "resumed",
            What::Message => "message",
            What::Echo => "echo",
            What::HangUp => "hang_up",
            What::Ended => "ended",
        }
    }

    const fn is_repeatable(self) -> bool {
        matches!(self, What::Digit | What::Held | What::Resumed)
    }
}

struct Entry {
    at: Instant,
    what: What,
    detail: Option<Cow<'static, str>>,
}

/// See the module's head.
pub(super) struct Trace {
    entries: Vec<Entry>,
    law: Option<Law>,
    quality: Option<QualityView>,
}

impl Trace {
    /// Of a call that begins now; `detail` says which way.
    pub(super) fn begun(now: Instant, detail: &'static str) -> Trace {
        let mut trace = Trace { entries: Vec::new(), law: None, quality: None };
        trace.note_why(now, What::Began, detail);
        trace
    }

    /// Notes what happened.
    pub(super) fn note(&mut self, at: Instant, what: What) {
        self.push(Entry { at, what, detail: None });
    }

    /// Notes what happened, and how or with whom.
    pub(super) fn note_why(&mut self, at: Instant, what: What, detail: impl Into<Cow<'static, str>>) {
        self.push(Entry { at, what, detail: Some(bounded(detail.into())) });
    }

    fn push(&mut self, entry: Entry) {
        let room = if entry.what.is_repeatable() { REPEATS_MAX } else { ENTRIES_MAX - 1 };
        if self.entries.len() >= room && entry.what != What::Ended {
            return;
        }
        if entry.what == What::GreetingEnd {
            // Known only by its verdict.
            let place = self.entries.partition_point(|earlier| earlier.at <= entry.at);
            self.entries.insert(place, entry);
            return;
        }
        // What a shard told without its moment has the moment at which we heard of it, which may be a little late.
        let late = self.entries.iter_mut().rev().take_while(|earlier| earlier.at > entry.at);
        late.for_each(|earlier| earlier.at = entry.at);
        self.entries.push(entry);
    }

    /// What a shard tells of the customer's leg, as far as it needs no judgement.
    pub(super) fn hear(&mut self, now: Instant, event: &Event) {
        match event {
            Event::Progress { early_media, .. } => {
                self.note_once(now, What::Ringing);
                if *early_media {
                    self.note_once(now, What::EarlyMedia);
                }
            }
            Event::Answered { at, law, .. } => {
                self.law = Some(*law);
                self.note(*at, What::Answered);
            }
            Event::Verdict { decision, utterance_end, at, .. } => {
                if let Some(end) = utterance_end {
                    self.note(*end, What::GreetingEnd);
                }
                self.note_why(*at, What::Verdict, format!("{} ({})", decision.verdict.name(), decision.cause));
            }
            Event::Revision { revision, at, .. } => self.note_why(*at, What::Revision, revision.sign.name()),
            Event::Digit { .. } => self.note(now, What::Digit),
            Event::Held { on, .. } => self.note(now, if *on { What::Held } else { What::Resumed }),
            Event::Quality { law, media, .. } => {
                self.law = Some(*law);
                self.quality = Some(heard(media));
            }
            _ => {}
        }
    }

    /// The call is over.
    pub(super) fn end(&mut self, now: Instant, cause: EndCause) {
        let whose = super::rows::party_name(cause.whose);
        let detail = cause.code.map_or(Cow::Borrowed(whose), |code| Cow::Owned(format!("{whose} {code}")));
        self.note_why(now, What::Ended, detail);
    }

    fn note_once(&mut self, at: Instant, what: What) {
        if !self.entries.iter().any(|entry| entry.what == what) {
            self.note(at, what);
        }
    }

    /// The codec's name, once the call is answered.
    pub(super) fn codec(&self) -> Option<&'static str> {
        self.law.map(|law| match law {
            Law::Mu => "PCMU",
            Law::A => "PCMA",
        })
    }

    /// What was heard last.
    pub(super) fn quality(&self) -> Option<QualityView> {
        self.quality
    }

    /// The entries so far, as the API shows them.
    pub(super) fn entries(&self, anchor: &WallAnchor) -> Vec<TimelineEntry> {
        let entries = self.entries.iter().map(|entry| TimelineEntry {
            at_us: anchor.wall_at(entry.at).as_unix_us(),
            what: Cow::Borrowed(entry.what.code()),
            detail: entry.detail.clone(),
        });
        entries.collect()
    }

    /// The same for a CDR.
    pub(super) fn json(&self, anchor: &WallAnchor) -> Option<String> {
        serde_json::to_string(&self.entries(anchor)).ok()
    }
}

fn heard(media: &Stats) -> QualityView {
    QualityView {
        loss: media.loss,
        jitter_ms: media.jitter_ms,
        // The model knows no call without a packet.
        mos: if media.packets_received == 0 { 1.0 } else { media.mos },
        rtt_ms: media.rtt_ms,
        packets_received: media.packets_received,
        packets_sent: media.packets_sent,
        remote_loss: media.remote_loss,
    }
}

/// A detail without control characters, cut at a letter's border.
fn bounded(detail: Cow<'static, str>) -> Cow<'static, str> {
    if detail.len() <= DETAIL_BYTES_MAX && !detail.contains(char::is_control) {
        return detail;
    }
    let mut kept = String::with_capacity(DETAIL_BYTES_MAX);
    for letter in detail.chars().filter(|letter| !letter.is_control()) {
        if kept.len() + letter.len_utf8() > DETAIL_BYTES_MAX {
            break;
        }
        kept.push(letter);
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{LegId, WallTime};

    fn codes(trace: &Trace) -> Vec<&'static str> {
        trace.entries.iter().map(|entry| entry.what.code()).collect()
    }

    #[test]
    fn a_flood_of_keys_leaves_room_for_what_we_do_and_for_the_end() {
        let now = Instant::ZERO;
        let mut trace = Trace::begun(now, "outbound");
        for _ in 0..1_000 {
            trace.hear(now, &Event::Digit { leg: LegId(1), digit: '5' });
            trace.hear(now, &Event::Held { leg: LegId(1), on: true });
        }
        assert_eq!(trace.entries.len(), REPEATS_MAX);
        for _ in 0..100 {
            trace.note_why(now, What::AgentReserved, "\"".repeat(1_000));
        }
        trace.end(now, EndCause { whose: dialer::Party::Carrier, code: Some(503), retry_after_s: None });
        assert_eq!(trace.entries.len(), ENTRIES_MAX);
        let anchor = WallAnchor { instant: now, wall: WallTime::from_unix_us(1_772_460_000_000_000) };
        let last = trace.entries(&anchor).pop().expect("the end");
        assert_eq!((last.what.as_ref(), last.detail.as_deref()), ("ended", Some("carrier 503")));
        let json = trace.json(&anchor).expect("JSON");
        assert!(json.len() <= store::TEXT_BYTES_MAX, "{} bytes", json.len());
        let keys = trace.entries.iter().filter(|entry| entry.what == What::Digit);
        assert!(keys.into_iter().all(|entry| entry.detail.is_none()), "which key it was is nobody's business");
    }

    #[test]
    fn ringing_is_told_once_moments_rise_and_details_are_one_line() {
        let now = Instant::ZERO;
        let mut trace = Trace::begun(now, "outbound");
        for early_media in [false, true, true] {
            trace.hear(now, &Event::Progress { leg: LegId(1), code: 183, early_media });
        }
        assert_eq!(codes(&trace), ["began", "ringing", "early_media"]);
        // Ringing was heard of late; the greeting's end is known only by the verdict.
        let at = |ms| now + base::Duration::from_ms(ms);
        trace.note(at(30), What::Digit);
        trace.note(at(20), What::Answered);
        trace.note(at(40), What::Held);
        trace.note(at(35), What::GreetingEnd);
        trace.note(at(50), What::Verdict);
        let rest: Vec<(u64, What)> =
            trace.entries[3..].iter().map(|entry| (entry.at.since(now).as_ms(), entry.what)).collect();
        let wanted =
            [(20, What::Digit), (20, What::Answered), (35, What::GreetingEnd), (40, What::Held), (50, What::Verdict)];
        assert_eq!(rest, wanted);
        assert_eq!(bounded("a\r\nb".into()), "ab");
        assert_eq!(bounded("ä".repeat(40).into()).len(), DETAIL_BYTES_MAX);
    }
}
