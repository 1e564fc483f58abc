//! `outpace compliance verify`: the rate and every abandoned call's clock, reckoned again from stored records alone.
//!
//! ```text
//!  store ─┬─ chain of seals ──────────> is each record what was written?
//!         ├─ attempts + timelines ────> does each call's count follow from its own moments?
//!         └─ counted calls + settings ─> windows: legal and strict rate
//! ```
//!
//! A rate over its limit is no fault of the records: it is shown. What does not add up is: the command then fails.

use crate::config::Config;
use crate::failure::Failure;
use base::{AttemptId, WallTime};
use clap::Args;
use dialer::{Clock, CountedAs, DeadlineFrom, LedgerEntry, Outcome, Recount, recount};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::SystemTime;
use store::{AttemptRow, CampaignRow, Filter, Store, TenantId};

/// Faults that are told one by one; a hundred show the pattern.
const FAULTS_MAX: usize = 100;
/// Two moments that were one are so far apart at most, by rounding to microseconds.
const ROUNDING_US: i64 = 1;

/// Reckon the abandon rate and every abandoned call's clock from stored records alone
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace compliance verify --config outpace.toml --from 2026-11-01T00:00:00Z\n\n\
    Each record is compared with its seal, each count with the moments of its call. Prints every campaign with its\n\
    windows and its abandoned calls. Exits 1 when something does not add up. Note the head that it prints: with --head\n\
    a later run shows that nothing before it was changed. Works beside a running outpace serve.")]
pub(super) struct VerifyArgs {
    /// Configuration with the store
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Calls that were decided, windows that were open, at or after this moment (2026-11-01T00:00:00Z)
    #[arg(long, value_name = "TIME")]
    from: Option<jiff::Timestamp>,
    /// Before this moment; left out: now
    #[arg(long, value_name = "TIME")]
    to: Option<jiff::Timestamp>,
    /// The head that an earlier run has printed
    #[arg(long, value_name = "HASH")]
    head: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Everything that was found.
#[derive(Serialize, Debug)]
struct Report {
    /// Records that were compared with their seals.
    sealed: u64,
    /// The end of the chain.
    head: String,
    /// Attempts up to this one are older than the seals.
    unsealed_to: u64,
    campaigns: Vec<CampaignReport>,
    /// What does not add up; the first hundred.
    faults: Vec<FaultLine>,
    /// And how much.
    faults_total: u64,
}

#[derive(Serialize, Debug)]
struct CampaignReport {
    campaign: String,
    profile: String,
    began_us: i64,
    windows: Vec<WindowLine>,
    /// Attempts that were looked at.
    attempts: u64,
    /// Of them: calls whose deadline was reckoned again.
    clocks: u64,
    /// Counted calls that a process which died has left without their moments.
    without_clock: u64,
    abandoned_calls: Vec<AbandonedLine>,
}

#[derive(Serialize, Debug)]
struct WindowLine {
    window: String,
    from_us: i64,
    /// `null`: it is not over.
    until_us: Option<i64>,
    connected: u64,
    abandoned: u64,
    machines: u64,
    lost: u64,
    legal_rate: f64,
    strict_rate: f64,
    limit: f64,
    over_limit: bool,
}

/// One abandoned call's clock, in microseconds.
#[derive(Serialize, Debug)]
struct AbandonedLine {
    attempt: u64,
    answered_us: Option<i64>,
    greeting_end_us: Option<i64>,
    verdict_us: Option<i64>,
    deadline_us: Option<i64>,
    message_us: Option<i64>,
    /// An agent was heard, too late.
    connected_us: Option<i64>,
    ended_us: i64,
}

#[derive(Serialize, Debug)]
struct FaultLine {
    campaign: Option<String>,
    /// 0: no single one.
    attempt: u64,
    what: String,
}

impl Report {
    fn fault(&mut self, campaign: Option<&str>, attempt: AttemptId, what: String) {
        self.faults_total += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(FaultLine { campaign: campaign.map(str::to_owned), attempt: attempt.0, what });
        }
    }
}

/// Runs the command.
pub(super) fn verify(arguments: &VerifyArgs) -> Result<(), Failure> {
    let config = Config::load(&arguments.config)?;
    let (store, _acks) = Store::open(&config.store_url())?;
    let moment = |at: jiff::Timestamp| WallTime::from_unix_us(at.as_microsecond());
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = WallTime::from_unix_us(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
    let to = arguments.to.map_or(now, moment).min(now);
    let report = reckon(&store, &config, arguments.from.map(moment), to, arguments.head.as_deref())?;
    store.close()?;
    if arguments.json {
        println!("{}", serde_json::json!(report));
    } else {
        print!("{}", text(&report));
    }
    match report.faults_total {
        0 => Ok(()),
        faults => Err(Failure::failed(format!(
            "{faults} things do not add up, {}, compare with a backup and find out who wrote there",
            store::redact(&config.store_url())
        ))),
    }
}

fn reckon(
    store: &Store,
    config: &Config,
    from: Option<WallTime>,
    to: WallTime,
    noted: Option<&str>,
) -> Result<Report, Failure> {
    let tenant = TenantId::DEFAULT;
    let seals = store.verify_seals(noted)?;
    let mut report = Report {
        sealed: seals.sealed,
        head: seals.head,
        unsealed_to: seals.unsealed_to.0,
        campaigns: Vec::new(),
        faults: Vec::new(),
        faults_total: 0,
    };
    for fault in seals.faults {
        report.fault(None, fault.attempt, fault.what);
    }
    report.faults_total = seals.faults_total;
    if let Some(noted) = noted.filter(|_| !seals.noted_found) {
        report.fault(None, AttemptId(0), format!("the head {noted} is not in the chain"));
    }
    for row in store.campaigns(tenant)? {
        if let Some(began) = row.first_started_at.filter(|began| *began < to) {
            // One whose settings nobody can read any more keeps none of the others from being verified.
            match terms(config, &row) {
                Ok(terms) => {
                    let one = campaign(store, &terms, &row, (began, from, to), &mut report)?;
                    report.campaigns.extend(one);
                }
                Err(what) => report.fault(Some(&row.name), AttemptId(0), what),
            }
        }
    }
    Ok(report)
}

/// What a campaign's ledger is kept by, from its stored settings; or why nobody can say.
fn terms(config: &Config, row: &CampaignRow) -> Result<dialer::CampaignConfig, String> {
    let settings: Map<String, Value> = serde_json::from_str(&row.config).unwrap_or_default();
    let text = |key: &str| settings.get(key).and_then(Value::as_str);
    let profile = text("profile").unwrap_or("us-ftc");
    let Some(sheet) = config.profiles.get(profile) else {
        return Err(format!("nothing was verified: no profile {profile:?}, put it back or correct the settings"));
    };
    let mut terms = dialer::CampaignConfig::new(&row.name, base::TrunkId(1), "+15550000000");
    terms.profile = sheet.in_force().clone();
    terms.limit = settings.get("limit").and_then(Value::as_f64);
    let on = settings.get("amd").and_then(Value::as_bool).unwrap_or(true);
    let mode = text("amd_mode").and_then(dialer::AmdMode::named).unwrap_or(dialer::AmdMode::On);
    terms.amd.mode = if on { mode } else { dialer::AmdMode::Off };
    if let Some(zone) = text("timezone") {
        zone.clone_into(&mut terms.timezone);
    }
    Ok(terms)
}

/// Reckons one campaign; `None` where its settings do not give a ledger, which is a fault.
fn campaign(
    store: &Store,
    terms: &dialer::CampaignConfig,
    row: &CampaignRow,
    (began, from, to): (WallTime, Option<WallTime>, WallTime),
    report: &mut Report,
) -> Result<Option<CampaignReport>, Failure> {
    let tenant = TenantId::DEFAULT;
    let measured = crate::amd::measured::load(store, tenant, row.campaign)?;
    let mut entries = Vec::new();
    for counted in store.ledger(tenant, row.campaign, began)? {
        match CountedAs::named(&counted.counted_as) {
            Some(counted_as) if counted.counted_at < to => entries.push(LedgerEntry {
                attempt: counted.attempt,
                at: counted.counted_at,
                counted_as,
                person: counted.disposition_person,
                rang: counted.rang,
            }),
            Some(_) => {}
            None => report.fault(
                Some(&row.name),
                counted.attempt,
                format!("it is counted as {:?}, which means nothing", counted.counted_as),
            ),
        }
    }
    let windows = match recount(terms, measured.as_ref(), began, entries, to) {
        Ok(windows) => windows,
        Err(error) => {
            report.fault(Some(&row.name), AttemptId(0), format!("nothing was verified: {error}, correct the settings"));
            return Ok(None);
        }
    };
    let windows =
        windows.into_iter().filter(|window| from.is_none_or(|from| window.until.is_none_or(|until| until > from)));
    let mut found = CampaignReport {
        campaign: row.name.clone(),
        profile: format!("{}/{}", terms.profile.name, terms.profile.version),
        began_us: began.as_unix_us(),
        windows: windows.map(|window| line(&window)).collect(),
        attempts: 0,
        clocks: 0,
        without_clock: 0,
        abandoned_calls: Vec::new(),
    };
    let mut filter = Filter { campaign: Some(row.campaign), from, to: Some(to), ..Filter::default() };
    loop {
        let page = store.attempts(tenant, filter.clone())?;
        let Some(last) = page.last() else { return Ok(Some(found)) };
        filter.after = Some(last.intent.attempt.0);
        for attempt in page {
            found.attempts += 1;
            let id = attempt.intent.attempt;
            let answered = attempt.close.as_ref().is_some_and(|close| close.answered_at.is_some());
            let timeline = if answered { store.events(tenant, id)?.pop() } else { None };
            let timeline: Option<Map<String, Value>> =
                timeline.and_then(|event| serde_json::from_str(&event.body).ok());
            let sealed = id.0 > report.unsealed_to;
            let judged = judge(&attempt, timeline.as_ref(), sealed);
            found.clocks += u64::from(judged.clock);
            found.without_clock += u64::from(judged.without_clock);
            found.abandoned_calls.extend(judged.abandoned);
            for what in judged.faults {
                report.fault(Some(&row.name), id, what);
            }
        }
    }
}

fn line(window: &Recount) -> WindowLine {
    let legal_rate = window.legal.rate();
    WindowLine {
        window: window.window.to_string(),
        from_us: window.from.as_unix_us(),
        until_us: window.until.map(WallTime::as_unix_us),
        connected: window.counts.connected,
        abandoned: window.counts.abandoned,
        machines: window.counts.machines,
        lost: window.counts.lost,
        legal_rate,
        strict_rate: window.strict.rate(),
        limit: window.limit,
        // 3 of 100 at 3 % are not over it, whatever floating point makes of them.
        over_limit: legal_rate > window.limit + 1e-9,
    }
}

/// What one attempt's records say.
#[derive(Default, Debug)]
struct Judged {
    faults: Vec<String>,
    clock: bool,
    without_clock: bool,
    abandoned: Option<AbandonedLine>,
}

/// Compares an attempt's count with its outcome and its moments. `sealed`: it is younger than the seals, so it has what
/// records have had since then.
fn judge(attempt: &AttemptRow, timeline: Option<&Map<String, Value>>, sealed: bool) -> Judged {
    let mut judged = Judged::default();
    let mut wrong = |what: String| judged.faults.push(what);
    if !attempt.intent.consent_allowed {
        wrong("it was dialled although its consent decision forbids it".to_owned());
    }
    let Some(close) = &attempt.close else { return judged };
    let us = |at: Option<WallTime>| at.map(WallTime::as_unix_us);
    let Some(outcome) = Outcome::named(&close.outcome) else {
        wrong(format!("{:?} is no outcome", close.outcome));
        return judged;
    };
    let Some(counted_as) = CountedAs::named(&close.counted_as) else {
        wrong(format!("it is counted as {:?}, which means nothing", close.counted_as));
        return judged;
    };
    let entered = attempt.counted.as_ref().map(|counted| counted.counted_as.as_str());
    if entered != Some(close.counted_as.as_str()).filter(|_| counted_as != CountedAs::Nothing) {
        wrong(format!(
            "it is counted as {}, and entered the ledger as {}",
            close.counted_as,
            entered.unwrap_or("nothing")
        ));
    }
    let (answered, greeting_end, verdict_at) = (us(close.answered_at), us(close.greeting_end_at), us(close.verdict_at));
    let (connected, ended) = (us(close.connected_at), close.ended_at.as_unix_us());
    let moment = |key: &str| timeline.and_then(|timeline| timeline.get(key)).and_then(Value::as_i64);
    if timeline.is_some() {
        for (key, column) in [
            ("ringing_us", us(close.ringing_at)),
            ("answered_us", answered),
            ("greeting_end_us", greeting_end),
            ("verdict_us", verdict_at),
            ("connected_us", connected),
        ] {
            if moment(key) != column {
                wrong(format!("its timeline and its record differ in {key}"));
            }
        }
    }
    let deadline = moment("deadline_us");
    let in_time = match (connected, deadline) {
        (Some(connected), Some(deadline)) => connected <= deadline,
        (connected, None) => connected.is_some(),
        (None, _) => false,
    };
    let may_be: &[CountedAs] = match outcome {
        Outcome::Connected if timeline.is_none() => &[CountedAs::Connected, CountedAs::Abandoned],
        Outcome::Connected if in_time => &[CountedAs::Connected],
        Outcome::Connected | Outcome::Abandoned => &[CountedAs::Abandoned],
        Outcome::HungUpWaiting if sealed => &[CountedAs::Lost],
        Outcome::HungUpWaiting => &[CountedAs::Lost, CountedAs::Nothing],
        Outcome::Unknown => &[CountedAs::Lost, CountedAs::Nothing],
        Outcome::Silent => &[CountedAs::Lost],
        // It hung up while it was asked whether somebody is there.
        Outcome::HungUpEarly if close.verdict.as_deref() == Some("silence") => &[CountedAs::Lost],
        _ => &[CountedAs::Nothing],
    };
    if !may_be.contains(&counted_as) {
        let words: Vec<&str> = may_be.iter().map(|counted| counted.name()).collect();
        wrong(format!("its moments make it {}, and it is counted as {}", words.join(" or "), close.counted_as));
    }
    let live = moment("live_us");
    let in_order = [answered, verdict_at, live, connected.or(moment("message_us")), Some(ended)];
    if !in_order.into_iter().flatten().is_sorted() {
        wrong("its moments are out of order".to_owned());
    }
    if let (Some(answered), Some(deadline)) = (answered, deadline) {
        match clock_of(timeline) {
            Some(clock) => {
                let verdict = verdict_at.map(|at| (at, close.verdict.as_deref() != Some("silence")));
                let begins = clock.begins(answered, greeting_end, verdict, live);
                let due = begins + clock.within.as_us() as i64;
                if (due - deadline).abs() > ROUNDING_US {
                    wrong(format!("its deadline is {} us off the rule of {}", deadline - due, clock.profile));
                }
                judged.clock = true;
            }
            None if sealed => wrong("its timeline names no rule for its deadline".to_owned()),
            None => {}
        }
    }
    judged.without_clock = counted_as != CountedAs::Nothing && deadline.is_none();
    if counted_as == CountedAs::Abandoned {
        judged.abandoned = Some(AbandonedLine {
            attempt: attempt.intent.attempt.0,
            answered_us: answered,
            greeting_end_us: greeting_end,
            verdict_us: verdict_at,
            deadline_us: deadline,
            message_us: moment("message_us"),
            connected_us: connected,
            ended_us: ended,
        });
    }
    judged
}

/// The rule that the timeline says the deadline was reckoned by.
fn clock_of(timeline: Option<&Map<String, Value>>) -> Option<Clock> {
    let clock = timeline?.get("clock")?;
    Some(Clock {
        profile: clock.get("profile")?.as_str()?.to_owned(),
        from: DeadlineFrom::named(clock.get("from")?.as_str()?)?,
        within: base::Duration::from_us(clock.get("within_us")?.as_u64()?),
    })
}

/// The report as people read it. Moments of calls are milliseconds after the answer.
fn text(report: &Report) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let head = if report.head.is_empty() { "none" } else { report.head.as_str() };
    let _ = writeln!(text, "seals: {} records, head {head}", report.sealed);
    if report.unsealed_to > 0 {
        let _ = writeln!(text, "  attempts up to {} are older than the seals", report.unsealed_to);
    }
    for campaign in &report.campaigns {
        let CampaignReport { attempts, clocks, without_clock, .. } = campaign;
        let _ =
            writeln!(text, "\ncampaign {} ({}), since {}", campaign.campaign, campaign.profile, day(campaign.began_us));
        let _ = writeln!(text, "  {attempts} attempts, {clocks} clocks, {without_clock} without their moments");
        for w in &campaign.windows {
            let until = w.until_us.map_or_else(|| "now".to_owned(), day);
            let _ = writeln!(
                text,
                "  {:<12}{} to {until}: {} connected, {} abandoned, {} machines, {} lost; {:.2} % of {:.2} %{}, strict {:.2} %",
                w.window,
                day(w.from_us),
                w.connected,
                w.abandoned,
                w.machines,
                w.lost,
                w.legal_rate * 100.0,
                w.limit * 100.0,
                if w.over_limit { " OVER THE LIMIT" } else { "" },
                w.strict_rate * 100.0,
            );
        }
        for call in &campaign.abandoned_calls {
            let after = |at: Option<i64>| match (call.answered_us, at) {
                (Some(answered), Some(at)) => format!("{:.1}", (at - answered) as f64 / 1_000.0),
                _ => "-".to_owned(),
            };
            let _ = writeln!(
                text,
                "  abandoned {}: answered {}, ms after it: greeting end {}, verdict {}, deadline {}, message {}, agent {}, end {}",
                call.attempt,
                call.answered_us.map_or_else(|| "-".to_owned(), day),
                after(call.greeting_end_us),
                after(call.verdict_us),
                after(call.deadline_us),
                after(call.message_us),
                after(call.connected_us),
                after(Some(call.ended_us)),
            );
        }
    }
    for fault in &report.faults {
        let of = match (fault.attempt, &fault.campaign) {
            (0, None) => "the chain".to_owned(),
            (0, Some(campaign)) => format!("campaign {campaign}"),
            (attempt, None) => format!("attempt {attempt}"),
            (attempt, Some(campaign)) => format!("attempt {attempt} of campaign {campaign}"),
        };
        let _ = writeln!(text, "wrong: {of}: {}", fault.what);
    }
    text
}

/// A moment in UTC.
fn day(us: i64) -> String {
    jiff::Timestamp::from_microsecond(us).map_or_else(|_| us.to_string(), |at| format!("{at:.3}"))
}

#[cfg(test)]
mod tests;
