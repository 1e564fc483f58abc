//! The dialer's state as a screen wants it: for progress bars, the wallboard, the API.

use std::collections::BTreeMap;

use base::{Duration, Instant};
use desk::AgentState;
use serde::Serialize;

use crate::attempt::Phase;
use crate::dialer::Dialer;
use crate::list::LeadCounts;

/// The whole dialer at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DialerSnapshot {
    /// Wall time in microseconds since the Unix epoch.
    pub at_unix_us: i64,
    /// Agents by state, by the state's name; every state is there.
    pub agents: BTreeMap<String, usize>,
    /// (talk + wrap-up) ÷ logged-in time not on break, of all agents so far, of 1.
    pub occupancy: f64,
    /// Persons who wait for an agent.
    pub waiting: usize,
    /// Each campaign.
    pub campaigns: Vec<CampaignSnapshot>,
    /// Each trunk.
    pub trunks: Vec<TrunkSnapshot>,
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
}

/// One campaign at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CampaignSnapshot {
    /// Id.
    pub campaign: u64,
    /// Name.
    pub name: String,
    /// `stopped`, `running`, `paused`, `finished`.
    pub state: String,
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
    /// Attempts closed, per outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// The abandon ledger's open windows.
    pub ledger: Vec<LedgerSnapshot>,
    /// The abandon limit in force, of 1.
    pub limit: f64,
    /// Why the pacer launches what it launches, or does not.
    pub why: String,
}

/// One ledger window.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LedgerSnapshot {
    /// `run`, `day`, `days:N`.
    pub window: String,
    /// Persons connected in time.
    pub connected: u64,
    /// Persons abandoned.
    pub abandoned: u64,
    /// abandoned ÷ (abandoned + connected).
    pub rate: f64,
}

impl Dialer {
    /// The state at `now`.
    pub fn snapshot(&self, now: Instant) -> DialerSnapshot {
        let mut agents: BTreeMap<String, usize> =
            AgentState::ALL.iter().map(|state| (state.name().to_string(), 0)).collect();
        for (_, agent) in self.desk.agents() {
            *agents.entry(agent.state().name().to_string()).or_insert(0) += 1;
        }
        let mut campaigns: Vec<CampaignSnapshot> = Vec::with_capacity(self.campaigns.len());
        for (id, campaign) in &self.campaigns {
            let phases = |wanted: &[Phase]| {
                let mine = self.attempts.values().filter(|attempt| attempt.campaign == *id);
                mine.filter(|attempt| wanted.contains(&attempt.phase)).count()
            };
            let window = |window| match window {
                crate::compliance::Window::Run => "run".to_string(),
                crate::compliance::Window::LocalDay => "day".to_string(),
                crate::compliance::Window::Days(days) => format!("days:{days}"),
            };
            campaigns.push(CampaignSnapshot {
                campaign: id.0,
                name: campaign.config.name.clone(),
                state: campaign.state.name().into(),
                ringing: phases(&[Phase::Recording, Phase::Held, Phase::Dialling]),
                answered: phases(&[Phase::Answered]),
                waiting: phases(&[Phase::Waiting, Phase::Connecting]),
                talking: phases(&[Phase::Talking]),
                in_message: phases(&[Phase::Message]),
                leads: campaign.list.counts(),
                attempts: campaign.attempts,
                outcomes: campaign.outcomes.iter().map(|(key, count)| (key.name().to_string(), *count)).collect(),
                ledger: campaign
                    .ledger
                    .windows()
                    .map(|(kind, counts)| LedgerSnapshot {
                        window: window(kind),
                        connected: counts.connected,
                        abandoned: counts.abandoned,
                        rate: counts.rate(),
                    })
                    .collect(),
                limit: campaign.config.abandon_limit(),
                why: campaign.why.text().into(),
            });
        }
        DialerSnapshot {
            at_unix_us: self.wall_at(now).as_unix_us(),
            agents,
            occupancy: self.desk.times(now).occupancy(),
            waiting: self.desk.waiting(),
            campaigns,
            trunks: self
                .trunks
                .iter()
                .map(|(id, trunk)| TrunkSnapshot {
                    trunk: id.0,
                    in_use: trunk.in_use(),
                    max_channels: trunk.max_channels(),
                })
                .collect(),
        }
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
