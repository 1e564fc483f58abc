//! What came of a campaign: counted by the store over all its records, with what the calls cost.

use super::campaigns::{no_campaign, row, span_of};
use super::extract::{Name, Query};
use super::limits::{REPORT_LIFE, REPORTS_MAX};
use super::problem::Problem;
use super::{Service, csv};
use crate::config::Trunk;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use base::{CampaignId, WallTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use store::{BilledCalls, Billing, ReportRows, ReportSpan, Tallies};
use tokio::sync::watch;
use utoipa::{IntoParams, ToSchema};

/// Which span of time, and how.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReportQuery {
    /// From this moment on: RFC 3339 or microseconds since the Unix epoch.
    from: Option<String>,
    /// Before this moment.
    to: Option<String>,
    /// `json` (default) or `csv`; `Accept: text/csv` means the latter.
    #[param(inline)]
    format: Option<csv::Format>,
}

/// What stored records say about a campaign.
#[derive(Serialize, ToSchema)]
pub(super) struct Report {
    /// Name of the campaign.
    campaign: String,
    /// Attempts decided in the span.
    attempts: u64,
    /// Attempts that have not ended.
    open: u64,
    /// Ended attempts by outcome.
    outcomes: BTreeMap<String, u64>,
    /// Answered attempts.
    answered: u64,
    /// Persons connected, as the compliance figure counts.
    connected: u64,
    /// Persons abandoned, as the compliance figure counts.
    abandoned: u64,
    /// Machines that answered.
    machines: u64,
    /// abandoned ÷ (abandoned + connected), of 1; 0 without any.
    abandon_rate: f64,
    /// Seconds that persons talked with agents.
    talk_s: u64,
    /// By the hour (UTC) in which attempts were decided; hours without any are left out.
    hours: Vec<Hour>,
    /// By what attempts have in common.
    segments: Segments,
    /// Agents who had calls.
    agents: Vec<AgentPart>,
    /// Dispositions by code.
    dispositions: BTreeMap<String, u64>,
    /// What the calls cost.
    cost: Cost,
}

/// One hour.
#[derive(Serialize, ToSchema)]
pub(super) struct Hour {
    /// Its beginning, in microseconds since the Unix epoch.
    at_us: i64,
    /// Attempts.
    attempts: u64,
    /// Answered attempts.
    answered: u64,
    /// Persons connected.
    connected: u64,
    /// Persons abandoned.
    abandoned: u64,
    /// Machines that answered.
    machines: u64,
    /// Seconds of talk.
    talk_s: u64,
}

/// Attempts by what they have in common.
#[derive(Serialize, ToSchema)]
pub(super) struct Segments {
    /// By the number of the attempt at its lead: `1`, `2`, …
    attempt_number: Vec<Segment>,
    /// By the zone that the lead brought; empty for leads without one.
    timezone: Vec<Segment>,
    /// By the segment that the lead's file gave it; empty for leads without one.
    segment: Vec<Segment>,
    /// By the region that the lead's file gave it; empty for leads without one.
    region: Vec<Segment>,
    /// By trunk.
    trunk: Vec<Segment>,
    /// By list.
    list: Vec<Segment>,
}

/// One part of the attempts.
#[derive(Serialize, ToSchema)]
pub(super) struct Segment {
    /// What they have in common.
    key: String,
    /// Attempts.
    attempts: u64,
    /// Answered attempts.
    answered: u64,
    /// Persons connected.
    connected: u64,
    /// Persons abandoned.
    abandoned: u64,
    /// Machines that answered.
    machines: u64,
    /// Seconds of talk.
    talk_s: u64,
}

impl Segment {
    fn of(key: String, tallies: &Tallies) -> Segment {
        let Tallies { attempts, answered, connected, abandoned, machines, talk_s, .. } = *tallies;
        Segment { key, attempts, answered, connected, abandoned, machines, talk_s }
    }
}

/// The part of an agent.
#[derive(Serialize, ToSchema)]
pub(super) struct AgentPart {
    /// Name of the agent.
    agent: String,
    /// Persons connected.
    connected: u64,
    /// Seconds of talk.
    talk_s: u64,
}

/// What the answered calls cost by the trunks' prices as they are now.
#[derive(Serialize, ToSchema)]
pub(super) struct Cost {
    /// Of all calls with a price.
    amount: f64,
    /// `[server] currency`.
    currency: String,
    /// Minutes as the trunks count them.
    minutes: f64,
    /// Calls without a price: their trunk has none, or a crash has lost how long they were.
    unpriced_calls: u64,
    /// Amount ÷ persons connected; `null` without any.
    per_connected: Option<f64>,
}

impl Cost {
    fn of(calls: &[BilledCalls], trunks: &[Trunk], currency: &str, connected: u64) -> Cost {
        let mut cost =
            Cost { amount: 0.0, currency: currency.to_owned(), minutes: 0.0, unpriced_calls: 0, per_connected: None };
        for of_trunk in calls {
            let minutes = of_trunk.billed_s as f64 / 60.0;
            let trunk = trunks.iter().find(|trunk| Some(&trunk.name) == of_trunk.trunk.as_ref());
            cost.minutes += minutes;
            cost.unpriced_calls += of_trunk.unknown;
            match trunk.and_then(|trunk| trunk.price_per_min) {
                Some(price) => cost.amount += minutes * price,
                None => cost.unpriced_calls += of_trunk.calls,
            }
        }
        // Prices have four decimals at most; what lies beyond is the binary fraction's.
        let rounded = |value: f64| (value * 10_000.0).round() / 10_000.0;
        (cost.amount, cost.minutes) = (rounded(cost.amount), rounded(cost.minutes));
        cost.per_connected = (connected > 0).then(|| rounded(cost.amount / connected as f64));
        cost
    }
}

/// How a campaign went, counted anew from stored records alone: outcomes, abandon rate, hours, segments, agents, cost.
/// As CSV: one file with a section for each table.
#[utoipa::path(get, path = "/api/v1/campaigns/{name}/report", tag = "campaigns",
    params(("name" = String, Path, description = "Name of the campaign"), ReportQuery),
    responses((status = 200, content((Report = "application/json"), (String = "text/csv")))))]
pub(super) async fn report(
    State(service): State<Arc<Service>>,
    Name(name): Name,
    headers: HeaderMap,
    Query(wanted): Query<ReportQuery>,
) -> Result<Response, Problem> {
    let campaign = row(&service, &name).await?.ok_or_else(|| no_campaign(&name))?.campaign;
    let (from, to) = span_of(wanted.from.as_deref(), wanted.to.as_deref())?;
    let span = ReportSpan { campaign, from, to };
    let config = service.config.load_full();
    let billing: Vec<(String, Billing)> = config
        .trunks
        .iter()
        .map(|trunk| {
            let (first_s, step_s) = trunk.billing_s;
            (trunk.name.clone(), Billing { first_s, step_s })
        })
        .collect();
    let tenant = service.tenant;
    let rows = counted(&service, span, billing).await?;
    let (lists, agents) =
        service.store(move |store| Ok((store.list_names(tenant)?, store.agent_names(tenant)?))).await?;
    let lists: BTreeMap<u64, String> = lists.into_iter().map(|(list, name)| (list.0, name)).collect();
    let agents: BTreeMap<u64, String> = agents.into_iter().map(|(agent, name)| (agent.0, name)).collect();
    let cost = Cost::of(&rows.calls, &config.trunks, &config.server.currency, rows.total.connected);
    let file = format!("report-{name}");
    let report = Report::of(name, &rows, &lists, &agents, cost);
    if csv::wanted(wanted.format, &headers) {
        return Ok(csv::whole(&file, &report.sections()));
    }
    Ok(axum::Json(report).into_response())
}

/// A campaign and a span of time.
type Asked = (CampaignId, Option<WallTime>, Option<WallTime>);

/// An answer with the moment it came.
type Answer = (Instant, Result<Arc<ReportRows>, Problem>);

/// Hears the answer when it is there; and tells it.
type Hearer = watch::Receiver<Option<Answer>>;
type Teller = watch::Sender<Option<Answer>>;

/// Reports that are being counted, and those that were a moment ago. At most [`REPORTS_MAX`].
#[derive(Default)]
pub(super) struct Reports(Mutex<BTreeMap<Asked, Hearer>>);

impl Reports {
    /// The answer to come, or that of just now; of a new question also where to tell it.
    fn of(&self, asked: Asked, now: Instant) -> Result<(Hearer, Option<Teller>), Problem> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, answer| match &*answer.borrow() {
            None => answer.has_changed().is_ok(),
            Some((at, answer)) => answer.is_ok() && now.saturating_duration_since(*at) < REPORT_LIFE,
        });
        if let Some(answer) = kept.get(&asked) {
            return Ok((answer.clone(), None));
        }
        if kept.len() >= REPORTS_MAX {
            let answered = kept.iter().filter_map(|(asked, answer)| Some((answer.borrow().as_ref()?.0, *asked)));
            let Some((_, oldest)) = answered.min() else {
                return Err(Problem::too_many("as many reports as may wait are being counted, try again", 5));
            };
            kept.remove(&oldest);
        }
        let (tell, answer) = watch::channel(None);
        kept.insert(asked, answer.clone());
        Ok((answer, Some(tell)))
    }
}

/// Counts a report, one after the other and to its end: who asks again after too long a wait gets what was counted
/// meanwhile. It takes no place among the other questions to the store.
async fn counted(
    service: &Service,
    span: ReportSpan,
    billing: Vec<(String, Billing)>,
) -> Result<Arc<ReportRows>, Problem> {
    let (mut answer, tell) = service.reports.of((span.campaign, span.from, span.to), Instant::now())?;
    if let Some(tell) = tell {
        let (store, tenant) = (service.store.clone(), service.tenant);
        tokio::task::spawn_blocking(move || {
            let rows = store.report(tenant, span, &billing).map(Arc::new).map_err(Problem::from);
            tell.send_replace(Some((Instant::now(), rows)));
        });
    }
    match answer.wait_for(Option::is_some).await {
        Ok(answer) => answer.as_ref().map_or_else(|| Err(Problem::internal()), |(_, rows)| rows.clone()),
        // Who counted it has ended by a panic.
        Err(_) => Err(Problem::internal()),
    }
}

impl Report {
    fn of(
        campaign: String,
        rows: &ReportRows,
        lists: &BTreeMap<u64, String>,
        agents: &BTreeMap<u64, String>,
        cost: Cost,
    ) -> Report {
        let Tallies { attempts, open, answered, connected, abandoned, machines, talk_s } = rows.total;
        let hour = |(at, sums): &(WallTime, Tallies)| {
            let Tallies { attempts, answered, connected, abandoned, machines, talk_s, .. } = *sums;
            Hour { at_us: at.as_unix_us(), attempts, answered, connected, abandoned, machines, talk_s }
        };
        let named = |names: &BTreeMap<u64, String>, id: u64| names.get(&id).cloned().unwrap_or_else(|| id.to_string());
        let agent = |(agent, sums): &(base::AgentId, Tallies)| AgentPart {
            agent: named(agents, agent.0),
            connected: sums.connected,
            talk_s: sums.talk_s,
        };
        // What a lead's file said of it, if it did.
        let brought = |table: &[(Option<String>, Tallies)]| {
            table.iter().map(|(key, sums)| Segment::of(key.clone().unwrap_or_default(), sums)).collect()
        };
        let persons = abandoned + connected;
        Report {
            campaign,
            attempts,
            open,
            outcomes: rows.outcomes.iter().cloned().collect(),
            answered,
            connected,
            abandoned,
            machines,
            abandon_rate: if persons == 0 { 0.0 } else { abandoned as f64 / persons as f64 },
            talk_s,
            hours: rows.hours.iter().map(hour).collect(),
            segments: Segments {
                attempt_number: rows
                    .by_attempt_number
                    .iter()
                    .map(|(n, sums)| Segment::of(n.to_string(), sums))
                    .collect(),
                timezone: brought(&rows.by_timezone),
                segment: brought(&rows.by_segment),
                region: brought(&rows.by_region),
                trunk: rows.by_trunk.iter().map(|(trunk, sums)| Segment::of(trunk.clone(), sums)).collect(),
                list: rows.by_list.iter().map(|(list, sums)| Segment::of(named(lists, list.0), sums)).collect(),
            },
            agents: rows.by_agent.iter().map(agent).collect(),
            dispositions: rows.dispositions.iter().cloned().collect(),
            cost,
        }
    }

    /// The report as rows of a file: each table with its name, its header, its rows, and a blank line after it.
    fn sections(&self) -> Vec<Vec<String>> {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut table = |name: &str, header: &[&str], lines: Vec<Vec<String>>| {
            rows.push(vec![name.to_owned()]);
            rows.push(header.iter().map(|cell| (*cell).to_owned()).collect());
            rows.extend(lines);
            rows.push(vec![String::new()]);
        };
        let pairs = |pairs: &BTreeMap<String, u64>| {
            pairs.iter().map(|(name, count)| vec![name.clone(), count.to_string()]).collect::<Vec<_>>()
        };
        let line = |name: &str, value: String| vec![name.to_owned(), value];
        table(
            "summary",
            &["what", "value"],
            vec![
                line("campaign", self.campaign.clone()),
                line("attempts", self.attempts.to_string()),
                line("open", self.open.to_string()),
                line("answered", self.answered.to_string()),
                line("connected", self.connected.to_string()),
                line("abandoned", self.abandoned.to_string()),
                line("abandon_rate", self.abandon_rate.to_string()),
                line("machines", self.machines.to_string()),
                line("talk_s", self.talk_s.to_string()),
                line("cost", self.cost.amount.to_string()),
                line("currency", self.cost.currency.clone()),
                line("billed_minutes", self.cost.minutes.to_string()),
                line("unpriced_calls", self.cost.unpriced_calls.to_string()),
                line("cost_per_connected", csv::maybe(self.cost.per_connected)),
            ],
        );
        table("outcomes", &["outcome", "attempts"], pairs(&self.outcomes));
        let hour = |hour: &Hour| {
            let mut cells = vec![csv::at(Some(WallTime::from_unix_us(hour.at_us)))];
            let Hour { attempts, answered, connected, abandoned, machines, talk_s, .. } = *hour;
            cells.extend([attempts, answered, connected, abandoned, machines, talk_s].map(|count| count.to_string()));
            cells
        };
        let columns = ["attempts", "answered", "connected", "abandoned", "machines", "talk_s"];
        let headed = |first: &'static str| -> Vec<&str> { std::iter::once(first).chain(columns).collect() };
        table("hours", &headed("hour"), self.hours.iter().map(hour).collect());
        let segment = |segment: &Segment| {
            let mut cells = vec![segment.key.clone()];
            let Segment { attempts, answered, connected, abandoned, machines, talk_s, .. } = *segment;
            cells.extend([attempts, answered, connected, abandoned, machines, talk_s].map(|count| count.to_string()));
            cells
        };
        for (name, segments) in [
            ("attempt_number", &self.segments.attempt_number),
            ("timezone", &self.segments.timezone),
            ("segment", &self.segments.segment),
            ("region", &self.segments.region),
            ("trunk", &self.segments.trunk),
            ("list", &self.segments.list),
        ] {
            table(name, &headed(name), segments.iter().map(segment).collect());
        }
        let agent = |part: &AgentPart| vec![part.agent.clone(), part.connected.to_string(), part.talk_s.to_string()];
        table("agents", &["agent", "connected", "talk_s"], self.agents.iter().map(agent).collect());
        table("dispositions", &["code", "attempts"], pairs(&self.dispositions));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(campaign: u64) -> Asked {
        (CampaignId(campaign), None, None)
    }

    #[test]
    fn a_report_is_counted_once_for_all_who_ask_at_a_time() {
        let (reports, now) = (Reports::default(), Instant::now());
        let (first, tell) = reports.of(asked(1), now).unwrap();
        let tell = tell.unwrap();
        let (second, none) = reports.of(asked(1), now).unwrap();
        assert!(none.is_none() && second.borrow().is_none());
        tell.send_replace(Some((now, Ok(Arc::default()))));
        assert!(first.borrow().is_some() && second.borrow().is_some());
        assert!(reports.of(asked(1), now + REPORT_LIFE / 2).unwrap().1.is_none());
        assert!(reports.of(asked(1), now + REPORT_LIFE).unwrap().1.is_some());
    }

    #[test]
    fn what_failed_is_counted_anew() {
        let (reports, now) = (Reports::default(), Instant::now());
        let tell = reports.of(asked(1), now).unwrap().1.unwrap();
        tell.send_replace(Some((now, Err(Problem::internal()))));
        // Whoever counts this one panics.
        drop(reports.of(asked(1), now).unwrap().1.unwrap());
        assert!(reports.of(asked(1), now).unwrap().1.is_some());
    }

    #[test]
    fn no_more_are_counted_and_kept_than_may_be() {
        let (reports, now) = (Reports::default(), Instant::now());
        let mut tellers: Vec<_> =
            (0..REPORTS_MAX as u64).map(|campaign| reports.of(asked(campaign), now).unwrap().1.unwrap()).collect();
        assert_eq!(reports.of(asked(99), now).unwrap_err().status, 429);
        tellers.remove(3).send_replace(Some((now, Ok(Arc::default()))));
        // The one that is there makes room.
        tellers.push(reports.of(asked(99), now).unwrap().1.unwrap());
        assert_eq!(reports.0.lock().unwrap().len(), REPORTS_MAX);
        assert_eq!(reports.of(asked(3), now).unwrap_err().status, 429);
    }
}
