//! The dialer's state as a screen wants it: for progress bars, the wallboard, the API.
//!
//! It is taken ten times a second, with 1,000 agents and hundreds of calls: one walk over agents and one over attempts,
//! names as static text, and an allocation for each campaign's parts, none for each agent. [`Dialer::changes`] says when
//! there is nothing new to see. With 1,000 agents and as many calls it takes 0.1 ms.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base::{CampaignId, Duration, Instant};
use desk::{AgentState, Skills, StateTimes};
use serde::Serialize;

use crate::attempt::Phase;
use crate::compliance::Window;
use crate::dialer::{Campaign, Dialer};
use crate::list::LeadCounts;

/// The whole dialer at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DialerSnapshot {
    /// Wall time in microseconds since the Unix epoch.
    pub at_unix_us: i64,
    /// Agents by state, by the state's name; every state is there.
    pub agents: BTreeMap<&'static str, usize>,
    /// Each agent, in order of id.
    pub each_agent: Vec<AgentSnapshot>,
    /// (talk + wrap-up) ÷ logged-in time not on break, of all agents so far, of 1.
    pub occupancy: f64,
    /// Persons who wait for an agent.
    pub waiting: usize,
    /// No new attempt is decided: [`crate::Input::Hold`].
    pub on_hold: bool,
    /// Pacing decisions made so far.
    pub decisions: u64,
    /// Each campaign.
    pub campaigns: Vec<CampaignSnapshot>,
    /// Each trunk.
    pub trunks: Vec<TrunkSnapshot>,
}

/// One agent at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct AgentSnapshot {
    /// Id.
    pub agent: u64,
    /// State by name, as [`AgentState::name`] has it.
    pub state: &'static str,
    /// Wall time at which the state began, in microseconds since the Unix epoch.
    pub since_unix_us: i64,
    /// Number of the attempt, or of the call placed by hand, that the agent has in hand.
    pub item: Option<u64>,
    /// The item is a call placed by hand.
    pub by_hand: bool,
    /// (talk + wrap-up) ÷ logged-in time not on break, of 1.
    pub occupancy: f64,
}

/// One trunk at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TrunkSnapshot {
    /// Id.
    pub trunk: u64,
    /// Channels held by attempts, from decision to end.
    pub in_use: u32,
    /// Channels allowed.
    pub max_channels: u32,
    /// Call attempts a second allowed now: the trunk's own rate, or less after it has refused calls.
    pub cps: f64,
    /// It has asked for patience until then (503 with Retry-After), in microseconds since the Unix epoch.
    pub closed_until_unix_us: Option<i64>,
}

/// One campaign at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CampaignSnapshot {
    /// Id.
    pub campaign: u64,
    /// Name.
    pub name: String,
    /// `stopped`, `running`, `paused`, `finished`.
    pub state: &'static str,
    /// When the state began in this process, in microseconds since the Unix epoch.
    pub since_unix_us: i64,
    /// Calls nobody has answered yet.
    pub ringing: usize,
    /// Answered, detection listens.
    pub answered: usize,
    /// Persons who wait for an agent or are being connected.
    pub waiting: usize,
    /// Talking with an agent.
    pub talking: usize,
    /// Hearing the safe-harbour message.
    pub in_message: usize,
    /// Leads by state.
    pub leads: LeadCounts,
    /// Attempts decided so far.
    pub attempts: u64,
    /// Of them: not closed.
    pub open_attempts: u32,
    /// Attempts closed, per outcome.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// When the campaign was first started, in microseconds since the Unix epoch: its ledger counts from there.
    pub began_unix_us: Option<i64>,
    /// The abandon ledger's open windows.
    pub ledger: Vec<LedgerSnapshot>,
    /// The abandon limit in force, of 1.
    pub limit: f64,
    /// Persons connected in time since the first start.
    pub connected: u64,
    /// Persons abandoned since the first start.
    pub abandoned: u64,
    /// Why the pacer launches what it launches, or does not.
    pub why: &'static str,
    /// The same as a stable name, see [`crate::pacing::Reason::code`].
    pub why_code: &'static str,
    /// Agents who have the skills for it, by the state's name; every state is there.
    pub agents: BTreeMap<&'static str, usize>,
    /// (talk + wrap-up) ÷ logged-in time not on break, of these agents together, of 1.
    pub occupancy: f64,
}

/// One ledger window.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LedgerSnapshot {
    /// `run`, `local_day`, `month`, `rolling:24h`, `days:30`.
    pub window: Cow<'static, str>,
    /// Persons connected in time.
    pub connected: u64,
    /// Persons abandoned.
    pub abandoned: u64,
    /// Of the connected: machines, as agents recorded them.
    pub machines: u64,
    /// Answered, connected with nobody, and not in the law's figure: hung up while waiting, or lost with a process.
    pub lost: u64,
    /// The legal rate: abandoned ÷ persons reached, as the profile defines them.
    pub rate: f64,
    /// The strict rate: nothing is taken off, persons lost in any way are added.
    pub strict_rate: f64,
    /// The limit, of 1.
    pub limit: f64,
    /// Persons who may still be abandoned with the rate not above the limit; below zero when it is above.
    pub budget_left: i64,
}

/// Agents who can do the same.
#[derive(Clone, Default)]
struct Crew {
    counts: [usize; AgentState::ALL.len()],
    times: StateTimes,
}

impl Crew {
    fn plus(&mut self, other: &Crew) {
        self.counts.iter_mut().zip(other.counts).for_each(|(mine, theirs)| *mine += theirs);
        self.times = self.times.plus(&other.times);
    }

    fn by_name(&self) -> BTreeMap<&'static str, usize> {
        AgentState::ALL.iter().map(|state| (state.name(), self.counts[*state as usize])).collect()
    }
}

/// Agents by what they can do: there are few kinds of agents, and a campaign asks each kind once.
#[derive(Default)]
struct Crews<'a>(BTreeMap<&'a Skills, Crew>);

impl Crews<'_> {
    fn serving(&self, needed: &Skills) -> Crew {
        let mut sum = Crew::default();
        self.0.iter().filter(|(skills, _)| needed.is_subset(skills)).for_each(|(_, crew)| sum.plus(crew));
        sum
    }
}

/// Attempts of one campaign by what a screen tells apart.
#[derive(Clone, Copy, Default)]
struct Phases {
    ringing: usize,
    answered: usize,
    waiting: usize,
    talking: usize,
    in_message: usize,
}

impl Phases {
    fn add(&mut self, phase: Phase) {
        match phase {
            Phase::Recording | Phase::Held | Phase::Dialling => self.ringing += 1,
            Phase::Answered | Phase::Machine | Phase::Screening | Phase::Asked => self.answered += 1,
            Phase::Waiting | Phase::Connecting => self.waiting += 1,
            Phase::Talking => self.talking += 1,
            Phase::Message => self.in_message += 1,
            Phase::Ending => {}
        }
    }
}

impl Dialer {
    /// The state at `now`.
    pub fn snapshot(&self, now: Instant) -> DialerSnapshot {
        let mut all = Crew::default();
        let crews = self.crews(now);
        crews.0.values().for_each(|crew| all.plus(crew));
        let mut each_agent = Vec::with_capacity(self.desk.agents().len());
        for (id, agent) in self.desk.agents() {
            each_agent.push(AgentSnapshot {
                agent: id.0,
                state: agent.state().name(),
                since_unix_us: self.wall_at(agent.since()).as_unix_us(),
                item: agent.item().map(|item| item.0),
                by_hand: self.by_hand.contains_key(&id),
                occupancy: agent.times(now).occupancy(),
            });
        }
        let mut phases: BTreeMap<CampaignId, Phases> = BTreeMap::new();
        for attempt in self.attempts.values() {
            phases.entry(attempt.campaign).or_default().add(attempt.phase);
        }
        let campaigns = self.campaigns.iter();
        let campaigns = campaigns.map(|(id, campaign)| {
            let since_us = self.wall_at(campaign.since).as_unix_us();
            campaign.snapshot(*id, phases.get(id).copied().unwrap_or_default(), &crews, since_us)
        });
        let trunks = self.trunks.iter().map(|(id, trunk)| TrunkSnapshot {
            trunk: id.0,
            in_use: trunk.in_use(),
            max_channels: trunk.max_channels(),
            cps: trunk.cps(),
            closed_until_unix_us: trunk.closed_until(now).map(|until| self.wall_at(until).as_unix_us()),
        });
        DialerSnapshot {
            at_unix_us: self.wall_at(now).as_unix_us(),
            agents: all.by_name(),
            each_agent,
            occupancy: self.desk.times(now).occupancy(),
            waiting: self.desk.waiting(),
            on_hold: self.on_hold,
            decisions: self.decisions,
            campaigns: campaigns.collect(),
            trunks: trunks.collect(),
        }
    }

    /// One campaign at this moment; `None`: there is none.
    pub fn campaign_snapshot(&self, now: Instant, id: CampaignId) -> Option<CampaignSnapshot> {
        let mut phases = Phases::default();
        let mine = self.attempts.values().filter(|attempt| attempt.campaign == id);
        mine.for_each(|attempt| phases.add(attempt.phase));
        let campaign = self.campaigns.get(&id)?;
        let since_us = self.wall_at(campaign.since).as_unix_us();
        Some(campaign.snapshot(id, phases, &self.crews(now), since_us))
    }

    fn crews(&self, now: Instant) -> Crews<'_> {
        let mut crews = Crews::default();
        for (_, agent) in self.desk.agents() {
            let crew = crews.0.entry(&agent.skills).or_default();
            crew.counts[agent.state() as usize] += 1;
            crew.times = crew.times.plus(&agent.times(now));
        }
        crews
    }

    /// Channels of a trunk that attempts hold, from decision to end.
    pub fn trunk_in_use(&self, trunk: base::TrunkId) -> u32 {
        self.trunks.get(&trunk).map_or(0, |trunk| trunk.in_use())
    }

    /// Time that all agents together have worked and been busy, up to `now`.
    pub fn agent_times(&self, now: Instant) -> (Duration, Duration) {
        let times = self.desk.times(now);
        (times.worked(), times.busy())
    }
}

impl Campaign {
    fn snapshot(&self, id: CampaignId, phases: Phases, crews: &Crews<'_>, since_unix_us: i64) -> CampaignSnapshot {
        let crew = crews.serving(&self.config.skills);
        let total = self.ledger.total();
        let Phases { ringing, answered, waiting, talking, in_message } = phases;
        let limit = self.config.abandon_limit();
        let (terms, machines) = (self.ledger.terms(), self.ledger.machine_shares());
        let windows = self.ledger.windows().map(|(window, counts)| LedgerSnapshot {
            window: match window {
                Window::Run => "run".into(),
                Window::LocalDay => "local_day".into(),
                Window::Month => "month".into(),
                Window::Rolling(_) | Window::Days(_) => window.to_string().into(),
            },
            connected: counts.connected,
            abandoned: counts.abandoned,
            machines: counts.machines,
            lost: counts.lost,
            rate: terms.legal(&counts, machines).rate(),
            strict_rate: terms.strict(&counts).rate(),
            limit,
            budget_left: terms.budget_left(&counts, machines),
        });
        CampaignSnapshot {
            campaign: id.0,
            name: self.config.name.clone(),
            state: self.state.name(),
            since_unix_us,
            ringing,
            answered,
            waiting,
            talking,
            in_message,
            leads: self.list.counts(),
            attempts: self.attempts,
            open_attempts: self.open_attempts,
            outcomes: self.outcomes.iter().map(|(outcome, count)| (outcome.name(), *count)).collect(),
            began_unix_us: self.ledger.began().map(|at| at.as_unix_us()),
            ledger: windows.collect(),
            limit,
            connected: total.connected,
            abandoned: total.abandoned,
            why: self.why.text(),
            why_code: self.why.code(),
            agents: crew.by_name(),
            occupancy: crew.times.occupancy(),
        }
    }
}
