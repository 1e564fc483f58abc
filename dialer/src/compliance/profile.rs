//! What the law of a place asks, as data. Engineering notes, not legal advice.

use base::Duration;

/// Over which calls the abandon rate is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Window {
    /// The whole run, however short.
    Run,
    /// A day in the campaign's zone, from midnight to midnight.
    LocalDay,
    /// Successive periods of so many days from the campaign's start (47 CFR 64.1200(a)(7): 30).
    Days(u32),
}

/// Allowed minutes of one weekday, from the first up to but not including the last; `None`: no calls.
pub type Hours = Option<(u16, u16)>;

/// A compliance profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its name in configuration files.
    pub name: String,
    /// Highest allowed share abandoned ÷ (abandoned + connected), of 1.
    pub abandon_limit: f64,
    /// Windows over which the limit holds; all bind at once.
    pub windows: Vec<Window>,
    /// An agent must be heard this long after the end of the callee's greeting.
    pub deadline: Duration,
    /// Calling hours in the callee's zone, Monday first.
    pub hours: [Hours; 7],
    /// Attempts per number in any 24 hours.
    pub attempts_24h: u32,
    /// Attempts per number in any `period_days` days.
    pub attempts_period: u32,
    /// Length of that period in days.
    pub period_days: u32,
    /// No recall of an abandoned number before so many hours.
    pub recall_after_abandon_h: u32,
    /// A call must ring at least this long before it is given up.
    pub min_ring: Duration,
    /// Dial only leads with a proof of consent.
    pub consent_required: bool,
}

const fn hours(from_h: u16, to_h: u16) -> Hours {
    Some((from_h * 60, to_h * 60))
}

impl Profile {
    /// Names that [`Profile::named`] knows.
    pub const NAMES: [&'static str; 3] = ["us-ftc", "strict", "lab"];

    /// A profile of the house by name.
    pub fn named(name: &str) -> Option<Profile> {
        match name {
            "us-ftc" => Some(Profile::us_ftc()),
            "strict" => Some(Profile::strict()),
            "lab" => Some(Profile::lab()),
            _ => None,
        }
    }

    /// United States, 16 CFR 310.4 and 47 CFR 64.1200: 3 % per campaign in successive 30 days, 2 s from the end of the
    /// greeting, 8 to 21 h at the called person, 15 s of ringing. The federal rules name no number of attempts; 3 a
    /// day and 20 in 30 days are the house's. The 72 h come from the British statement and are kept everywhere.
    pub fn us_ftc() -> Profile {
        Profile {
            name: "us-ftc".into(),
            abandon_limit: 0.03,
            windows: vec![Window::Days(30)],
            deadline: Duration::from_secs(2),
            hours: [hours(8, 21); 7],
            attempts_24h: 3,
            attempts_period: 20,
            period_days: 30,
            recall_after_abandon_h: 72,
            min_ring: Duration::from_secs(15),
            consent_required: false,
        }
    }

    /// The strictest figures of the countries that were read, together: consent, 10 to 13 and no weekends would
    /// forbid nearly everything, so hours are 10 to 20 from Monday to Friday; 4 attempts in 30 days; the limit holds
    /// for each day and for each 30 days.
    pub fn strict() -> Profile {
        let mut week = [hours(10, 20); 7];
        (week[5], week[6]) = (None, None);
        Profile {
            name: "strict".into(),
            windows: vec![Window::LocalDay, Window::Days(30)],
            hours: week,
            attempts_24h: 1,
            attempts_period: 4,
            consent_required: true,
            ..Profile::us_ftc()
        }
    }

    /// A profile for closed test networks, where nobody real is called: the limit of the run, no hours, no caps.
    /// Whoever shows a campaign says that it has this profile: `outpace check` notes it.
    pub fn lab() -> Profile {
        Profile {
            name: "lab".into(),
            windows: vec![Window::Run],
            hours: [Some((0, 24 * 60)); 7],
            attempts_24h: u32::MAX,
            attempts_period: u32::MAX,
            min_ring: Duration::ZERO,
            ..Profile::us_ftc()
        }
    }
}
