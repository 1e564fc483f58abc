//! A lead: a contact on a list with its dial state; and its telephone number.

use crate::policies::Mark;
use base::{AgentId, AttemptId, LeadId, WallTime};

use crate::attempt::Outcome;

/// A telephone number in international form: up to 15 digits (E.164), stored as a number, so it is `Copy` and orders.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(u64);

/// The text is no telephone number in international form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadNumber;

impl std::fmt::Display for BadNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a number in international form: `+`, then 3 to 15 digits, the first not 0")
    }
}

impl Number {
    /// Reads `+15551234567` (the `+` may be missing). Nothing else is understood: national notation, spaces and
    /// brackets are the importer's business.
    pub fn parse(text: &str) -> Result<Number, BadNumber> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let fits = (3..=15).contains(&digits.len()) && !digits.starts_with('0');
        if !fits || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadNumber);
        }
        digits.parse().map(Number).map_err(|_| BadNumber)
    }

    /// The digits as a number, country code first.
    pub const fn digits(self) -> u64 {
        self.0
    }

    /// The range it is from, as its first four digits: country and area code in the North American plan, country and the
    /// first digits of the area elsewhere.
    pub const fn range(self) -> u32 {
        let mut digits = self.0;
        while digits >= 10_000 {
            digits /= 10;
        }
        digits as u32
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl std::fmt::Debug for Number {
    /// Shown short: a number is personal data, and debug output ends in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "+..{:02}", self.0 % 100)
    }
}

/// A promise to call back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Callback {
    /// When, to the second.
    pub at: WallTime,
    /// By whom, if it must be this agent.
    pub agent: Option<AgentId>,
}

/// Why a number is forbidden, by what is known of it from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Screened {
    /// It stands on a do-not-call list from outside.
    DoNotCall,
    /// A list from outside says that it belongs to somebody else since.
    Reassigned,
    /// An earlier call, of any campaign, showed that nobody is to be reached there.
    Marked(Mark),
}

/// Further numbers of one lead: home, mobile and work beside the one on the list, and one more. Some 60 bytes each.
pub const NEXT_NUMBERS_MAX: usize = 4;

/// A further number of a lead's person. Its calling hours are those of its country, where that has one zone; else those
/// of the lead.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NextNumber {
    /// Whom to call.
    pub number: Number,
    /// Proof of consent for this number, if there is one.
    pub consent: Option<String>,
    /// Something that is known of it forbids it.
    pub screened: Option<Screened>,
}

/// A lead as it is added to a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lead {
    /// Name of the lead, unique for ever in a store.
    pub lead: LeadId,
    /// Whom to call.
    pub number: Number,
    /// The number that the list has, where that is another one.
    pub listed: Option<Number>,
    /// Numbers of the same person that were not dialled yet, in order; at most [`NEXT_NUMBERS_MAX`] are kept. They are
    /// dialled where the retry rules say so.
    pub next: Vec<NextNumber>,
    /// What its list's file called it (line type, quality), as a number that stands for the name.
    pub segment: Option<u32>,
    /// IANA zone of the person ("America/Chicago"), or the span of zones they live in ([`crate::zone_of_record`]), where the
    /// record says it; `None`: what the number says ([`crate::zone_of`]), else the campaign's zone.
    pub timezone: Option<String>,
    /// Proof of consent, if there is one.
    pub consent: Option<String>,
    /// Something that is known of this number forbids it.
    pub screened: Option<Screened>,
    /// Attempts made before (from the store); the next one has this number plus one.
    pub attempts_made: u32,
    /// When the last of them was made at this number.
    pub last_attempt: Option<WallTime>,
    /// What came of it. Like `outcomes` and `last_attempt`, of this number. `None` with attempts made: the process ended during the attempt, [`Outcome::Unknown`].
    pub last_outcome: Option<Outcome>,
    /// How often each outcome came of them, for the retry rule; empty: only `last_outcome` is known, once.
    pub outcomes: Vec<(Outcome, u32)>,
    /// When a call to this person was last abandoned by us.
    pub abandoned_at: Option<WallTime>,
    /// Not before this moment (a retry gap from before a restart). `None`: the retry rule of `last_outcome` says, from
    /// `last_attempt` on; a lead whose rule says "never again" is done.
    pub next_at: Option<WallTime>,
    /// A promise to call back: whatever the rules of retries say, and also when the lead was done or is in the campaign
    /// already. The gate is asked as for any call.
    pub callback: Option<Callback>,
}

impl Lead {
    /// A lead that was never dialled, in the campaign's zone, without a consent.
    pub fn new(lead: LeadId, number: Number) -> Lead {
        Lead {
            lead,
            number,
            listed: None,
            next: Vec::new(),
            segment: None,
            timezone: None,
            consent: None,
            screened: None,
            attempts_made: 0,
            last_attempt: None,
            last_outcome: None,
            outcomes: Vec::new(),
            abandoned_at: None,
            next_at: None,
            callback: None,
        }
    }

    /// The number by which whoever supplies leads knows it.
    pub(crate) fn listed(&self) -> Number {
        self.listed.unwrap_or(self.number)
    }

    /// The number it stands at, the listed one, and those to come: all that are known of this person.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = Number> + '_ {
        [self.number, self.listed()].into_iter().chain(self.next.iter().map(|next| next.number))
    }

    /// Goes on to this number, at which nothing was tried yet.
    pub(crate) fn go_on_to(&mut self, next: NextNumber) {
        let NextNumber { number, consent, screened } = next;
        self.listed = Some(self.listed());
        (self.number, self.consent, self.screened) = (number, consent, screened);
        (self.last_attempt, self.last_outcome) = (None, None);
        self.outcomes.clear();
    }
}

/// Where a lead stands. Each lead is in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeadState {
    /// May be dialled as soon as the pacer wants.
    Ready,
    /// Waits for a moment: a retry gap, or calling hours.
    Waiting,
    /// Shown to an agent, who decides. A store keeps it as ready: after a crash nobody looks at it any more.
    Offered,
    /// One attempt is under way.
    Dialling(AttemptId),
    /// Will not be dialled again: reached, or no attempt left.
    Done,
    /// May not be dialled: do-not-call, no consent, or a number that does not exist.
    Blocked,
}

impl LeadState {
    /// `ready`, `waiting`, `offered`, `dialling`, `done`, `blocked`.
    pub const fn name(self) -> &'static str {
        match self {
            LeadState::Ready => "ready",
            LeadState::Waiting => "waiting",
            LeadState::Offered => "offered",
            LeadState::Dialling(_) => "dialling",
            LeadState::Done => "done",
            LeadState::Blocked => "blocked",
        }
    }
}
