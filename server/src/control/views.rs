//! The control thread's state as others see it: one object a thing, the same in the API, in events and in the console.

use serde::Serialize;
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
}

/// One campaign.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CampaignView {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// List that is dialled.
    pub list: String,
    /// `stopped`, `running`, `paused`, `finished`.
    pub state: String,
    /// Why it launches what it launches, in words.
    pub why: String,
    /// Settings, with the keys of `[[campaign]]`.
    #[schema(value_type = Object)]
    pub settings: serde_json::Value,
    /// Leads in memory by state.
    pub leads: BTreeMap<String, u64>,
    /// Attempts since the start of the process.
    pub attempts: u64,
    /// Attempts under way.
    pub attempts_open: u64,
    /// Attempts by outcome since the start of the process.
    pub outcomes: BTreeMap<String, u64>,
    /// The compliance ledger's open windows.
    pub ledger: Vec<WindowView>,
}

/// One window of a campaign's compliance ledger.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct WindowView {
    /// `run`, `local_day` or `days:N`.
    pub window: String,
    /// Persons connected within the deadline.
    pub connected: u64,
    /// Persons classified live who were not.
    pub abandoned: u64,
    /// abandoned ÷ (abandoned + connected), of 1.
    pub abandon_rate: f64,
    /// The limit, of 1.
    pub limit: f64,
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
    /// The phone is up.
    pub phone_up: bool,
    /// Skills.
    pub skills: Vec<String>,
    /// Call in hand.
    pub call: Option<u64>,
    /// (talk + wrap-up) ÷ logged-in time not on break, of 1, since the start of the process.
    pub occupancy: f64,
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
