//! A day that was, as a scenario: stored attempts become shares, delays and shifts.
//!
//! ```text
//!  attempts ──> Observed: shares by hour, samples of delays and talks, who had calls when
//!           ──> Replay: scenario text with its sample files ──> Scenario::parse_with ──> the simulator
//! ```
//!
//! **Invariants.** The same rows give the same text. A sample is a duration that a record shows; what records cannot show
//! is not invented: persons are those whom detection took for persons, and detection makes no mistakes in a replay.
//!
//! **Absent.** Wrap-ups are in no record, so their mean comes from outside. The list never runs dry. Agents are seen by
//! their calls: whoever had none in an hour was not there.

use crate::config;
use base::{AgentId, CampaignId, Duration, Seed, Stream, WallTime};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use store::{AttemptRow, Filter, Store, StoreError, TenantId};

/// Samples of one kind: 20,000 show a shape to a percent; 7 kinds of 8 bytes each are 1 MB.
const SAMPLES_MAX: usize = 20_000;
/// Longest replay in hours: a day with its night.
pub(crate) const HOURS_MAX: usize = 24;
/// Attempts below which a day says too little: its answer rate would be known to worse than three points.
pub(crate) const ATTEMPTS_MIN: u64 = 200;
/// An hour's answer rate is pulled to the day's by so many attempts.
const SHRINK_ATTEMPTS: f64 = 100.0;
/// Calls that were answered later than this are a fault of the records.
const DELAY_S_MAX: f64 = 3_600.0;

/// What a replay takes from elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Compliance profile.
    pub(crate) profile: String,
    /// Limit that overrides the profile's.
    pub(crate) limit: Option<f64>,
    /// Give up ringing after so long, in seconds.
    pub(crate) ring_timeout_s: f64,
    /// IANA zone of the campaign.
    pub(crate) timezone: String,
    /// Mean wrap-up in seconds.
    pub(crate) wrap_s: f64,
    /// Channels of the trunk.
    pub(crate) max_channels: u32,
    /// Calls a second of the trunk.
    pub(crate) max_cps: f64,
}

impl Known {
    /// From the campaign's settings, its trunk (an unknown one limits nothing) and the desk's wrap-up.
    pub(crate) fn of(settings: &config::Campaign, trunk: Option<&config::Trunk>, wrap_up: Duration) -> Known {
        Known {
            profile: settings.profile.clone(),
            limit: settings.limit,
            ring_timeout_s: settings.ring_timeout.as_secs_f64(),
            timezone: settings.timezone.clone(),
            wrap_s: wrap_up.as_secs_f64(),
            max_channels: trunk.map_or(u32::MAX, |trunk| trunk.max_channels),
            max_cps: trunk.map_or(1_000.0, |trunk| trunk.max_cps),
        }
    }
}

/// Why no scenario can be made of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TooLittle {
    /// Attempts that ended.
    pub(crate) attempts: u64,
    /// Calls that an agent had.
    pub(crate) connected: u64,
}

impl std::fmt::Display for TooLittle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let TooLittle { attempts, connected } = self;
        write!(
            f,
            "{attempts} attempts with {connected} connected say too little, at least {ATTEMPTS_MIN} and 1 are needed"
        )
    }
}

/// Durations in seconds, a fair choice of at most [`SAMPLES_MAX`] (reservoir sampling, Vitter's algorithm R).
struct Samples {
    kept: Vec<f64>,
    seen: u64,
    chance: Stream,
}

impl Samples {
    fn new(name: &str) -> Samples {
        Samples { kept: Vec::new(), seen: 0, chance: Seed::from_u64(1).stream(name, 0) }
    }

    fn add(&mut self, from: Option<WallTime>, to: Option<WallTime>) {
        let (Some(from), Some(to)) = (from, to) else { return };
        let seconds = (to.as_unix_us() - from.as_unix_us()) as f64 / 1e6;
        if !(0.0..=DELAY_S_MAX).contains(&seconds) {
            return;
        }
        self.seen += 1;
        if self.kept.len() < SAMPLES_MAX {
            return self.kept.push(seconds);
        }
        let place = self.chance.below(self.seen) as usize;
        if let Some(kept) = self.kept.get_mut(place) {
            *kept = seconds;
        }
    }

    fn text(&self) -> String {
        self.kept.iter().fold(String::new(), |mut text, seconds| {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{seconds:.3}");
            text
        })
    }
}

#[derive(Clone, Default)]
struct Hour {
    attempts: u64,
    persons: u64,
    agents: BTreeSet<AgentId>,
}

/// What a day's attempts show; feed it row by row, in any order that the store gives.
pub(crate) struct Observed {
    from: WallTime,
    hours: Vec<Hour>,
    last_hour: f64,
    counts: BTreeMap<&'static str, u64>,
    detected: bool,
    samples: BTreeMap<&'static str, Samples>,
}

/// The scenario's keys that take samples.
const DELAYS: [&str; 7] =
    ["post_dial_s", "human_ring_s", "machine_ring_s", "greeting_s", "human_decision_s", "machine_decision_s", "talk_s"];

impl Observed {
    /// Of the day that begins at `from`.
    pub(crate) fn new(from: WallTime) -> Observed {
        let samples = DELAYS.into_iter().map(|name| (name, Samples::new(name))).collect();
        Observed { from, hours: Vec::new(), last_hour: 0.0, counts: BTreeMap::new(), detected: false, samples }
    }

    /// Of a campaign's stored attempts, page by page; `None`: `go_on` has answered false.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn read(
        store: &Store,
        tenant: TenantId,
        campaign: CampaignId,
        (from, to): (WallTime, WallTime),
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<Observed>, StoreError> {
        let mut observed = Observed::new(from);
        let mut page = Filter { campaign: Some(campaign), from: Some(from), to: Some(to), ..Filter::default() };
        while go_on() {
            let rows = store.attempts(tenant, page.clone())?;
            let Some(last) = rows.last() else { return Ok(Some(observed)) };
            page.after = Some(last.intent.attempt.0);
            rows.iter().for_each(|row| observed.add(row));
        }
        Ok(None)
    }

    /// One attempt; those that are not over, were never dialled or belong to another day are passed over.
    pub(crate) fn add(&mut self, row: &AttemptRow) {
        let Some(close) = &row.close else { return };
        let kind = match close.outcome.as_str() {
            "connected" | "abandoned" | "hung_up_waiting" => "human",
            "machine" | "message_left" | "ivr" | "screening" | "silent" | "fax" | "sit" | "hung_up_early" => "machine",
            "busy" | "declined" => "busy",
            "failed" | "bad_number" => "fail",
            "no_answer" => "no_answer",
            _ => return,
        };
        let hour = |at: WallTime| (at.as_unix_us() - self.from.as_unix_us()) as f64 / 3.6e9;
        let began = hour(row.intent.at);
        if !(0.0..HOURS_MAX as f64).contains(&began) {
            return;
        }
        let ended = hour(close.ended_at).clamp(began, HOURS_MAX as f64 - 1e-6);
        let connected = close.connected_at.filter(|_| close.outcome == "connected");
        self.last_hour = self.last_hour.max(ended);
        self.hours.resize(self.hours.len().max(ended as usize + 1), Hour::default());
        *self.counts.entry(kind).or_default() += 1;
        self.hours[began as usize].attempts += 1;
        self.hours[began as usize].persons += u64::from(kind == "human");
        if let (Some(at), Some(agent)) = (connected, close.agent) {
            *self.counts.entry("connected").or_default() += 1;
            for present in &mut self.hours[hour(at).clamp(0.0, ended) as usize..=ended as usize] {
                present.agents.insert(agent);
            }
        }
        self.detected |= close.verdict.is_some();
        let rang = close.ringing_at.or(close.answered_at);
        let mut sample = |name, from, to| {
            if let Some(samples) = self.samples.get_mut(name) {
                samples.add(from, to);
            }
        };
        sample("post_dial_s", Some(row.intent.at), rang);
        match kind {
            "human" => {
                sample("human_ring_s", rang, close.answered_at);
                sample("greeting_s", close.answered_at, close.greeting_end_at);
                sample("human_decision_s", close.greeting_end_at, close.verdict_at);
                sample("talk_s", connected, Some(close.ended_at));
            }
            "machine" => {
                sample("machine_ring_s", rang, close.answered_at);
                sample("machine_decision_s", close.answered_at, close.verdict_at);
            }
            _ => {}
        }
    }

    fn count(&self, kind: &str) -> u64 {
        self.counts.get(kind).copied().unwrap_or_default()
    }

    /// The scenario of that day.
    pub(crate) fn replay(self, known: &Known) -> Result<Replay, TooLittle> {
        let of_kind = |kind| self.count(kind);
        let attempts: u64 = ["human", "machine", "busy", "fail", "no_answer"].into_iter().map(of_kind).sum();
        let connected = self.count("connected");
        if attempts < ATTEMPTS_MIN || connected == 0 {
            return Err(TooLittle { attempts, connected });
        }
        let share = |kind| self.count(kind) as f64 / attempts as f64;
        let human = share("human").max(1e-4);
        // From the first hour in which somebody had a call to the end of the last call.
        let first = self.hours.iter().position(|hour| !hour.agents.is_empty()).unwrap_or(0);
        let day_hours = (self.last_hour - first as f64).max(0.1);
        let hours = &self.hours[first..];
        let shape: Vec<String> = hours
            .iter()
            .map(|hour| {
                let rate = (hour.persons as f64 + SHRINK_ATTEMPTS * human) / (hour.attempts as f64 + SHRINK_ATTEMPTS);
                format!("{:.4}", rate / human)
            })
            .collect();
        let present: Vec<usize> = hours.iter().map(|hour| hour.agents.len()).collect();
        let agents = present.iter().copied().max().unwrap_or(0) as u32;
        let mut text = format!(
            "name = \"replay\"\nagents = {agents}\nday_hours = {day_hours:.3}\nlogin_min = 0\nprofile = {:?}\n\
             timezone = {:?}\n",
            known.profile, known.timezone
        );
        let mut say = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        if let Some(limit) = known.limit {
            say(format!("limit = {limit}"));
        }
        say(format!(
            "[dial]\nhuman = {human:.5}\nmachine = {:.5}\nbusy = {:.5}\nfail = {:.5}\nhour_shape = [{}]\n\
             day_sd = 0\nring_timeout_s = {}",
            share("machine"),
            share("busy"),
            share("fail"),
            shape.join(", "),
            known.ring_timeout_s
        ));
        let sampled = |name: &str| self.samples.get(name).is_some_and(|samples| !samples.kept.is_empty());
        let file = |name: &str| format!("{name} = {{ dist = \"empirical\", file = \"{name}\" }}");
        let dial = ["post_dial_s", "human_ring_s", "machine_ring_s"];
        dial.into_iter().filter(|name| sampled(name)).for_each(|name| say(file(name)));
        say(format!("[amd]\nenabled = {}\nhuman_as_machine = 0\nmachine_as_human = 0", self.detected));
        let amd = ["greeting_s", "human_decision_s", "machine_decision_s"];
        amd.into_iter().filter(|name| sampled(name)).for_each(|name| say(file(name)));
        say(format!("[agent]\n{}", file("talk_s")));
        say(format!("wrap_s = {{ {} }}", wrap_up(known.wrap_s).to_string().trim().replace('\n', ", ")));
        say(format!("[trunk]\nmax_channels = {}\nmax_cps = {}", known.max_channels, known.max_cps));
        for (from, to, count) in shifts(&present) {
            let to_h = (to as f64).min(day_hours);
            say(format!("[[shift]]\nfrom_h = {from}\nto_h = {to_h:.3}\nagents = {count}"));
        }
        let samples = self.samples.into_iter().map(|(name, samples)| (name.to_owned(), samples.text())).collect();
        let begins = WallTime::from_unix_us(self.from.as_unix_us() + first as i64 * 3_600_000_000);
        Ok(Replay { text, samples, attempts, agents, begins: Some(begins) })
    }
}

/// Wrap-ups of this mean in seconds, as a scenario writes a distribution. How they spread is the study's.
pub(crate) fn wrap_up(mean_s: f64) -> toml::Table {
    let keys = [("dist", "lognormal".into()), ("mean", mean_s.max(0.1).into()), ("cv", 0.8.into())];
    keys.into_iter().map(|(key, value): (&str, toml::Value)| (key.to_owned(), value)).collect()
}

/// A campaign's mode as the simulator's policy.
pub(crate) fn policy_of(mode: dialer::Mode) -> String {
    match mode {
        dialer::Mode::Power(ratio) => format!("power:{ratio}"),
        // One agent for each call, as in preview but for the time to look at the lead.
        dialer::Mode::Progressive | dialer::Mode::Preview(_) => "progressive".to_owned(),
        _ => "predictive".to_owned(),
    }
}

/// Agents by hour as shifts: everybody who is there in hours that follow each other is there once.
fn shifts(present: &[usize]) -> Vec<(usize, usize, u32)> {
    let mut found: BTreeMap<(usize, usize), u32> = BTreeMap::new();
    for level in 1..=present.iter().copied().max().unwrap_or(0) {
        let mut from = None;
        for hour in 0..=present.len() {
            let there = present.get(hour).is_some_and(|count| *count >= level);
            match (from, there) {
                (None, true) => from = Some(hour),
                (Some(begun), false) => {
                    *found.entry((begun, hour)).or_default() += 1;
                    from = None;
                }
                _ => {}
            }
        }
    }
    found.into_iter().map(|((from, to), count)| (from, to, count)).collect()
}

/// A day as a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    /// The scenario's text.
    pub(crate) text: String,
    /// Its sample files by name.
    pub(crate) samples: BTreeMap<String, String>,
    /// Attempts that it is made of.
    pub(crate) attempts: u64,
    /// Most agents at once.
    pub(crate) agents: u32,
    /// The moment of its hour 0; `None`: it is no day that was.
    pub(crate) begins: Option<WallTime>,
}

impl Replay {
    /// The base scenario under a campaign's rules: callees, agents and lines are the study's.
    pub(crate) fn base(known: &Known) -> Replay {
        let mut text = format!("name = \"base\"\nprofile = {:?}\ntimezone = {:?}\n", known.profile, known.timezone);
        if let Some(limit) = known.limit {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "limit = {limit}");
        }
        let agents = dialer::scenario::Scenario::default().agents;
        Replay { text, samples: BTreeMap::new(), attempts: 0, agents, begins: None }
    }

    /// The text of a sample file, for [`dialer::scenario::Scenario::parse_with`].
    pub(crate) fn load(&self, name: &str) -> Result<String, String> {
        self.samples.get(name).cloned().ok_or_else(|| format!("{name}: a replayed day reads no files beside its own"))
    }

    /// The same day with another scenario's keys laid over it.
    ///
    /// # Errors
    /// The other text is no TOML.
    pub(crate) fn under(self, over: &str) -> Result<Replay, toml::de::Error> {
        let mut table: toml::Table = toml::from_str(&self.text)?;
        let over: toml::Table = toml::from_str(over)?;
        // Who says how many agents there are means all day.
        if over.contains_key("agents") || over.contains_key("shift") {
            table.remove("shift");
        }
        lay(&mut table, over);
        Ok(Replay { text: table.to_string(), ..self })
    }

    /// The same day with so many agents at its peak: every shift grows or shrinks alike.
    ///
    /// # Errors
    /// Never, as long as the text is the one that was made.
    pub(crate) fn with_agents(self, peak: u32) -> Result<Replay, toml::de::Error> {
        let mut table: toml::Table = toml::from_str(&self.text)?;
        let before = f64::from(self.agents.max(1));
        if let Some(shifts) = table.get_mut("shift").and_then(toml::Value::as_array_mut) {
            let (mut exact, mut given) = (0.0, 0_i64);
            for shift in shifts.iter_mut().filter_map(toml::Value::as_table_mut) {
                let agents = shift.get("agents").and_then(toml::Value::as_integer).unwrap_or_default();
                // Rounded as a running sum, so that all shifts together come out right.
                exact += agents as f64 * f64::from(peak) / before;
                let now = exact.round() as i64 - given;
                given += now;
                shift.insert("agents".to_owned(), toml::Value::Integer(now));
            }
            shifts.retain(|shift| shift.get("agents").and_then(toml::Value::as_integer) != Some(0));
        }
        table.insert("agents".to_owned(), toml::Value::Integer(i64::from(peak)));
        Ok(Replay { text: table.to_string(), agents: peak, ..self })
    }
}

fn lay(under: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            // A distribution is replaced whole: its keys belong together.
            (Some(toml::Value::Table(under)), toml::Value::Table(over)) if !over.contains_key("dist") => {
                lay(under, over)
            }
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
