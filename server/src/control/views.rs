//! The control thread's state as others see it: one object a thing, the same in the API, in events and in the console.

use super::api::AgentWish;
use desk::AgentState;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Everything live at one moment.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Snapshot {
    /// When, in microseconds since the Unix epoch; 0 before the first picture.
    pub at_us: i64,
    /// Everything needed to take calls is there.
    pub ready: bool,
    /// The process takes nothing new and ends soon.
    pub draining: bool,
    /// Calls under way, by id; agents' nailed-up phones are not among them.
    pub calls: BTreeMap<u64, CallView>,
    /// Calls begun since the start of the process, whoever placed them.
    pub calls_begun: u64,
    /// Campaigns by id.
    pub campaigns: BTreeMap<u64, CampaignView>,
    /// Agents by id.
    pub agents: BTreeMap<u64, AgentView>,
    /// Trunks by name.
    pub trunks: BTreeMap<String, TrunkView>,
    /// The store.
    pub store: StoreView,
}

/// One call: a customer's leg and what it is joined to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallView {
    /// Id, also of its CDR.
    pub id: u64,
    /// `outbound` or `inbound`.
    pub direction: &'static str,
    /// `dialling`, `ringing`, `answered`, `connected`.
    pub state: &'static str,
    /// Number or name that called.
    pub from: String,
    /// Number or name that was called.
    pub to: String,
    /// Trunk, if it runs over one.
    pub trunk: Option<String>,
    /// Campaign, if one placed it.
    pub campaign: Option<String>,
    /// Attempt, if a campaign placed it.
    pub attempt: Option<u64>,
    /// Agent, if one has it.
    pub agent: Option<String>,
    /// When it began, in microseconds since the Unix epoch.
    pub began_us: i64,
    /// When it was answered.
    pub answered_us: Option<i64>,
    /// When an agent's audio first went to the far end.
    pub connected_us: Option<i64>,
    /// `PCMU` or `PCMA`, once it is answered.
    pub codec: Option<&'static str>,
    /// What is heard of the far end; `null` in the first second after the answer.
    pub quality: Option<QualityView>,
    /// What answer detection said: `human`, `machine`, `ivr`, `screening`, `silence`, `fax`, `sit`.
    pub verdict: Option<&'static str>,
}

/// What is heard of a call's far end since its answer, at most 5 s old.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct QualityView {
    /// Share of its packets that never came, 0 to 1.
    pub loss: f64,
    /// Interarrival jitter (RFC 3550), in milliseconds.
    pub jitter_ms: f64,
    /// Estimated mean opinion score (ITU-T G.107), 1 to 4.4; 1 when nothing was heard.
    pub mos: f64,
    /// Round trip, in milliseconds; `null` until the far end has answered a report.
    pub rtt_ms: Option<f64>,
    /// Packets that came.
    pub packets_received: u64,
    /// Packets that we sent.
    pub packets_sent: u64,
    /// Share of our packets that the far end lost, by its last report, 0 to 1.
    pub remote_loss: f64,
}

/// One moment of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// `began`, `ringing`, `early_media`, `answered`, `greeting_end`, `verdict`, `revision`, `agent_reserved`,
    /// `bridged`, `unbridged`, `digit`, `held`, `resumed`, `message`, `echo`, `hang_up`, `ended`. More may come.
    #[schema(value_type = String)]
    pub what: Cow<'static, str>,
    /// How or with whom: the verdict, the agent, the cause. Never a number or a pressed key.
    #[schema(value_type = Option<String>)]
    pub detail: Option<Cow<'static, str>>,
}

/// One call under way, with what happened in it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallDetail {
    /// The call.
    #[serde(flatten)]
    pub call: CallView,
    /// What happened, in order; 64 entries at most.
    pub timeline: Vec<TimelineEntry>,
}

/// One campaign.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct CampaignView {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// List that is dialled.
    pub list: String,
    /// `stopped`, `running`, `paused`, `finished`.
    pub state: String,
    /// When this state began (in this process), in microseconds since the Unix epoch.
    pub since_us: i64,
    /// Rules of the region: `us`, `gb`, … or `lab`.
    pub profile: String,
    /// Why it launches what it launches, in words.
    pub why: String,
    /// The same as a name for programs: `not_started`, `not_running`, `no_agents`, `no_leads`, `no_trunk_room`,
    /// `trunk_refuses`, `store_away`, `on_hold`, `shift_ends`, `one_to_one`, `ratio`, `price`, `ledger_reserve`,
    /// `ledger_guard`, `preview`, `callback`, `channels`, `rate`.
    pub why_code: String,
    /// Settings, with the keys of `[[campaign]]`.
    #[schema(value_type = Object)]
    pub settings: serde_json::Value,
    /// Leads in memory by state.
    pub leads: BTreeMap<String, u64>,
    /// Attempts since the start of the process.
    pub attempts: u64,
    /// Attempts under way.
    pub attempts_open: u64,
    /// Of these: nobody has answered yet.
    pub ringing: u64,
    /// Of these: answered, detection listens; also behind its verdict, where something is waited for.
    pub answered: u64,
    /// Of these: persons who wait for an agent or are being connected.
    pub waiting: u64,
    /// Of these: persons who talk with an agent.
    pub talking: u64,
    /// Of these: persons who hear the safe-harbour message, or the message of a campaign without agents; machines on
    /// which a message is left.
    pub in_message: u64,
    /// Persons connected within the deadline since the campaign's first start.
    pub connected: u64,
    /// Persons abandoned since the campaign's first start.
    pub abandoned: u64,
    /// Attempts by outcome since the start of the process.
    pub outcomes: BTreeMap<String, u64>,
    /// The compliance ledger's open windows.
    pub ledger: Vec<WindowView>,
    /// Agents who can serve it, by state.
    pub agents: AgentCounts,
    /// (talk + wrap-up) ÷ logged-in time not on break, of these agents together, of 1, since the start of the process.
    pub occupancy: f64,
    /// Persons lost to answer detection, as the abandon budget reckons with them.
    pub amd_lost: AmdLost,
    /// Figures of answer detection whose latest day is unlike the week before: a carrier, a codec or a list may have
    /// changed.
    pub amd_drift: Vec<AmdDrift>,
}

/// One figure of answer detection that has moved.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AmdDrift {
    /// `human_share`, `verdict_ms` or `person_probability`.
    pub what: String,
    /// Of the latest day.
    pub now: f64,
    /// Mean of the days before.
    pub before: f64,
    /// How many deviations it is off: those of the days before and of the sample together.
    pub sigma: f64,
}

/// Persons lost to answer detection, as the abandon budget reckons with them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct AmdLost {
    /// Share of all people who answer; `null`: none is known, or detection does not act.
    pub rate: Option<f64>,
    /// Where that was measured.
    pub source: Option<String>,
    /// It is the upper bound from this campaign's own audits, not the compliance profile's estimate.
    pub measured: bool,
    /// The law of the campaign's profile adds them to the abandoned.
    pub counted: bool,
}

/// Agents by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgentCounts {
    /// Not at work.
    pub logged_out: u64,
    /// At work, on a break.
    pub on_break: u64,
    /// Waiting for a call.
    pub ready: u64,
    /// Chosen for a call that is not connected yet.
    pub reserved: u64,
    /// With a customer.
    pub talking: u64,
    /// Finishing the last call's paperwork.
    pub wrap_up: u64,
}

impl AgentCounts {
    /// How many agents are in each state.
    pub fn of(count: impl Fn(AgentState) -> u64) -> AgentCounts {
        AgentCounts {
            logged_out: count(AgentState::LoggedOut),
            on_break: count(AgentState::OnBreak),
            ready: count(AgentState::Ready),
            reserved: count(AgentState::Reserved),
            talking: count(AgentState::Talking),
            wrap_up: count(AgentState::WrapUp),
        }
    }
}

/// One window of a campaign's compliance ledger.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct WindowView {
    /// `run`, `local_day`, `month`, `rolling:24h` or `days:30`.
    pub window: String,
    /// Persons connected within the deadline.
    pub connected: u64,
    /// Persons classified live who were not.
    pub abandoned: u64,
    /// Of the connected: machines, as agents recorded them.
    pub machines: u64,
    /// Answered, connected with nobody, and not in the law's figure: hung up while waiting, or lost with a process.
    pub lost: u64,
    /// abandoned ÷ persons reached as the profile defines both, of 1.
    pub abandon_rate: f64,
    /// The same with nothing taken off and everybody added who was lost in any way, of 1.
    pub strict_rate: f64,
    /// The limit, of 1.
    pub limit: f64,
    /// How many more persons may be abandoned now with the rate not above the limit; below zero when it is above.
    pub budget_left: i64,
}

/// One agent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AgentView {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// `logged_out`, `on_break`, `ready`, `reserved`, `talking`, `wrap_up`.
    pub state: String,
    /// Since when, in microseconds since the Unix epoch.
    pub since_us: i64,
    /// What the agent wants to be. It is granted when the phone answers, and after the call in hand.
    pub wish: AgentWish,
    /// The phone is up.
    pub phone_up: bool,
    /// Skills.
    pub skills: Vec<String>,
    /// Call in hand.
    pub call: Option<u64>,
    /// The lead that the agent looks at, in a campaign of mode preview.
    pub offer: Option<OfferView>,
    /// (talk + wrap-up) ÷ logged-in time not on break, of 1, since the start of the process.
    pub occupancy: f64,
}

/// A lead that an agent looks at before it is dialled.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct OfferView {
    /// Campaign.
    pub campaign: String,
    /// Id of the lead.
    pub lead: u64,
    /// Until when, in microseconds since the Unix epoch.
    pub until_us: i64,
    /// What happens then: `dial` or `skip`.
    pub then: &'static str,
}

/// One trunk.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TrunkView {
    /// Name.
    pub name: String,
    /// Where requests go.
    pub host: String,
    /// It answers our OPTIONS; `null` while nobody knows.
    pub up: Option<bool>,
    /// It has accepted our registration; `null` when it needs none.
    pub registered: Option<bool>,
    /// Channels in use.
    pub channels: u32,
    /// Channels allowed.
    pub channels_max: u32,
    /// New calls a second allowed.
    pub cps_max: f64,
}

/// The store.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct StoreView {
    /// `sqlite` or `postgres`.
    pub kind: &'static str,
    /// `ok`, `away` (rows go to the spool) or `full` (dialling pauses).
    pub state: &'static str,
    /// Rows that wait for it.
    pub waiting_rows: u64,
    /// Since when it is not `ok`, in microseconds since the Unix epoch.
    pub since_us: Option<i64>,
    /// What is wrong, in words.
    pub fault: Option<String>,
}
