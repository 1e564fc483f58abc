//! What the law of a place asks, as the values that are in force. Engineering notes, not legal advice.
//!
//! ```text
//!  profiles/*.toml ──sheet──> fields with source and `verified` ──in force──> Profile ──> gate, ledger, calls
//! ```

use base::Duration;
use jiff::civil::Date;

use super::sheet::Profiles;

/// Over which calls the abandon rate is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Window {
    /// The whole run, however short.
    Run,
    /// A day in the campaign's zone, from midnight to midnight.
    LocalDay,
    /// A calendar month in the campaign's zone.
    Month,
    /// The hours up to now, whenever that is (Ofcom: 24).
    Rolling(u32),
    /// Successive periods of so many days from the campaign's start (47 CFR 64.1200(a)(7): 30).
    Days(u32),
}

/// Longest rolling window: a week of minutes is 10,080 buckets of 32 bytes.
const ROLLING_HOURS_MAX: u32 = 168;

impl Window {
    /// `run`, `local_day`, `month`, `rolling:24h`, `days:30`.
    pub fn named(text: &str) -> Option<Window> {
        match text.split_once(':') {
            None if text == "run" => Some(Window::Run),
            None if text == "local_day" => Some(Window::LocalDay),
            None if text == "month" => Some(Window::Month),
            Some(("rolling", hours)) => {
                let hours = hours.strip_suffix('h')?.parse().ok()?;
                (1..=ROLLING_HOURS_MAX).contains(&hours).then_some(Window::Rolling(hours))
            }
            Some(("days", days)) => {
                let days = days.parse().ok()?;
                (1..=366).contains(&days).then_some(Window::Days(days))
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Window::Run => f.write_str("run"),
            Window::LocalDay => f.write_str("local_day"),
            Window::Month => f.write_str("month"),
            Window::Rolling(hours) => write!(f, "rolling:{hours}h"),
            Window::Days(days) => write!(f, "days:{days}"),
        }
    }
}

/// From where the time runs within which an agent must be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeadlineFrom {
    /// From the answer.
    Answer,
    /// From the first word. Nobody tells the dialer when it began, so the answer stands for it: never too late.
    GreetingStart,
    /// From the end of the first utterance.
    GreetingEnd,
}

impl DeadlineFrom {
    /// `answer`, `greeting_start`, `greeting_end`.
    pub const fn name(self) -> &'static str {
        match self {
            DeadlineFrom::Answer => "answer",
            DeadlineFrom::GreetingStart => "greeting_start",
            DeadlineFrom::GreetingEnd => "greeting_end",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<DeadlineFrom> {
        [DeadlineFrom::Answer, DeadlineFrom::GreetingStart, DeadlineFrom::GreetingEnd]
            .into_iter()
            .find(|from| from.name() == name)
    }
}

/// Calling hours of one weekday: minutes from the first up to but not including the last of each band, in order;
/// empty: no calls.
pub type Bands = Vec<(u16, u16)>;
/// Calling hours, Monday first.
pub type Week = [Bands; 7];

/// A day without calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holiday {
    /// Month and day of every year.
    Yearly(i8, i8),
    /// Days after Easter Sunday (Gregorian).
    Easter(i16),
    /// This one day.
    Once(Date),
}

impl Holiday {
    /// `12-25`, `easter+1`, `easter-2`, `2026-06-19`.
    pub fn named(text: &str) -> Option<Holiday> {
        if let Some(days) = text.strip_prefix("easter") {
            let days: i16 = if days.is_empty() { 0 } else { days.parse().ok()? };
            return (-60..=60).contains(&days).then_some(Holiday::Easter(days));
        }
        if text.len() == 5 {
            let (month, day) = text.split_once('-')?;
            let (month, day) = (month.parse().ok()?, day.parse().ok()?);
            return Date::new(2024, month, day).ok().map(|_| Holiday::Yearly(month, day));
        }
        text.parse().ok().map(Holiday::Once)
    }

    /// Whether it falls on this day.
    pub fn is_on(self, date: Date) -> bool {
        match self {
            Holiday::Yearly(month, day) => (date.month(), date.day()) == (month, day),
            Holiday::Once(once) => once == date,
            Holiday::Easter(days) => {
                easter(date.year()).and_then(|easter| easter.checked_add(jiff::Span::new().days(days)).ok())
                    == Some(date)
            }
        }
    }
}

impl std::fmt::Display for Holiday {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Holiday::Yearly(month, day) => write!(f, "{month:02}-{day:02}"),
            Holiday::Easter(days) => write!(f, "easter{days:+}"),
            Holiday::Once(date) => write!(f, "{date}"),
        }
    }
}

/// Easter Sunday in the Gregorian calendar (the anonymous algorithm printed in Nature, 1876).
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e, f) = (b / 4, b % 4, (b + 8) / 25);
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let sum = h + l - 7 * m + 114;
    Date::new(year, (sum / 31) as i8, (sum % 31 + 1) as i8).ok()
}

/// At most so many attempts at a number in any span of so many hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptCap {
    /// Attempts.
    pub max: u32,
    /// Hours.
    pub hours: u32,
}

impl AttemptCap {
    /// `3/24h`, `20/30d`.
    pub fn named(text: &str) -> Option<AttemptCap> {
        let (max, span) = text.split_once('/')?;
        let hours = match (span.strip_suffix('h'), span.strip_suffix('d')) {
            (Some(hours), _) => hours.parse().ok()?,
            (_, Some(days)) => days.parse::<u32>().ok()?.checked_mul(24)?,
            _ => return None,
        };
        (hours > 0).then_some(AttemptCap { max: max.parse().ok()?, hours })
    }
}

impl std::fmt::Display for AttemptCap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.hours % 24 {
            0 if self.hours > 24 => write!(f, "{}/{}d", self.max, self.hours / 24),
            _ => write!(f, "{}/{}h", self.max, self.hours),
        }
    }
}

/// Which calls the abandon rate is taken of, where that is not plain.
#[derive(Clone, Debug, PartialEq)]
pub struct Denominator {
    /// Persons whom detection takes for machines are added to the abandoned, by the estimate below.
    pub add_amd_false_positives: bool,
    /// Persons taken for machines ÷ all persons who answered, of 1; as measured, see `amd_evidence`.
    pub amd_false_positive_rate: Option<f64>,
    /// Where that rate was measured.
    pub amd_evidence: Option<String>,
    /// Machines among the abandoned are taken off, by an upper estimate of the rest from what agents recorded.
    pub subtract_machines: bool,
}

impl Denominator {
    /// Persons lost to detection for each person that was not: rate ÷ (1 − rate); 0 without detection or estimate.
    pub(crate) fn lost_for_each(&self, amd: bool) -> f64 {
        let rate = self.amd_false_positive_rate.filter(|_| amd).unwrap_or(0.0).clamp(0.0, 0.95);
        rate / (1.0 - rate)
    }
}

/// The values of a compliance profile that are in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its name in configuration files.
    pub name: String,
    /// Its version, which rises with every change of a value.
    pub version: u32,
    /// Highest share abandoned of the persons reached, of 1: the law's, or the house's own target where that is lower
    /// or the law names none.
    pub abandon_limit: f64,
    /// Windows over which the limit holds; all bind at once.
    pub windows: Vec<Window>,
    /// An agent must be heard so long after `deadline_from`.
    pub deadline: Duration,
    /// From where the deadline runs.
    pub deadline_from: DeadlineFrom,
    /// What enters the rate.
    pub denominator: Denominator,
    /// A call must ring at least this long before it is given up.
    pub min_ring: Duration,
    /// And at most this long.
    pub max_ring: Option<Duration>,
    /// Calling hours in the callee's zone.
    pub hours: Week,
    /// Days without calls, in the callee's zone.
    pub holidays: Vec<Holiday>,
    /// Attempts at one number; all hold at once.
    pub attempts: Vec<AttemptCap>,
    /// No recall of an abandoned number before so many hours.
    pub recall_after_abandon_h: u32,
    /// No recall of a number that was taken for a machine's before so many hours.
    pub recall_after_machine_h: u32,
    /// Those two do not bind where an agent is reserved before the call is made.
    pub recall_with_agent: bool,
    /// An abandoned person must hear a message.
    pub message_required: bool,
    /// The message must be one in which a key puts the number on the do-not-call list.
    pub opt_out_key: bool,
    /// How old a do-not-call list may be, in days, by the day that its source says; an older one, or none, stops the
    /// campaign where lists are kept ([`Input::Screens`](crate::Input::Screens)).
    pub dnc_max_age_d: Option<u32>,
    /// How old a list of reassigned numbers may be, in days; as before.
    pub reassigned_max_age_d: Option<u32>,
    /// Dial only leads with a proof of consent.
    pub consent_required: bool,
    /// Calls without agents are allowed.
    pub agentless_allowed: bool,
    /// And only to leads with a proof of consent, whatever `consent_required` says.
    pub agentless_consent: bool,
}

impl Profile {
    /// Names of the profiles that are shipped.
    pub const NAMES: [&'static str; 9] =
        ["us-ftc", "uk-ofcom", "ca-crtc", "de-uwg", "fr", "in-trai", "au-dncr", "strict", "lab"];

    /// A shipped profile by name, with nothing confirmed by an operator.
    pub fn named(name: &str) -> Option<Profile> {
        Profiles::shipped().get(name).map(|sheet| sheet.in_force().clone())
    }

    fn shipped(name: &'static str) -> Profile {
        Profile::named(name).expect("the profiles of the house are there; a test reads each")
    }

    /// United States.
    pub fn us_ftc() -> Profile {
        Profile::shipped("us-ftc")
    }

    /// The strictest figures of the countries that were read, together.
    pub fn strict() -> Profile {
        Profile::shipped("strict")
    }

    /// A profile for closed test networks, where nobody real is called: the limit of the run, no hours, no caps.
    /// Whoever shows a campaign says that it has this profile: `outpace check` notes it.
    pub fn lab() -> Profile {
        Profile::shipped("lab")
    }

    /// Whether no call may be made on this day, whatever the hour.
    pub(crate) fn is_holiday(&self, date: Date) -> bool {
        self.holidays.iter().any(|holiday| holiday.is_on(date))
    }
}
