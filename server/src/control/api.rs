//! Requests to the control thread and its answers.

use super::decisions::{CalibrationView, DecisionsView};
use super::history::{History, Series};
use super::journal::Journal;
use super::views::{AgentView, CallDetail, CallView, CampaignView, Snapshot, TrunkView};
use crate::conductor;
use crate::config;
use arc_swap::ArcSwap;
use base::{AgentId, AttemptId, CallId, CampaignId, Duration, LeadId, ListId, TrunkId, WallTime};
use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};
use media::playout::Prompt;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Requests waiting for the control thread: it takes hundreds a millisecond, so a thousand are a burst of some
/// milliseconds; more means that it stands still, and then waiting helps nobody.
pub const REQUESTS_MAX: usize = 1_024;

/// When a refused sender should come back.
pub const BUSY_RETRY_S: u32 = 1;

/// Something asked of the control thread. What needs the store first (a new campaign's row, an import) is done by the
/// asker; the control thread only takes the result.
#[derive(Debug)]
pub enum Request {
    /// Places a call.
    Originate(NewCall),
    /// Ends a call in whatever state it is.
    HangUp(CallId),
    /// A call with what happened in it: too much for a snapshot of all calls.
    ShowCall(CallId),
    /// Decisions of a campaign around a moment, so many: half at it or before, half after.
    ShowDecisions {
        /// Whose.
        campaign: CampaignId,
        /// The moment.
        at: WallTime,
        /// How many.
        limit: u32,
    },
    /// A campaign's forecasts against what happened.
    ShowCalibration(CampaignId),
    /// A campaign of the store, new or changed: takes effect at once; its run state stays.
    PutCampaign {
        /// Its id in the store.
        campaign: CampaignId,
        /// Its list in the store.
        list: ListId,
        /// Checked settings.
        settings: Box<config::Campaign>,
        /// The files that the settings name, by their keys; see [`crate::office`].
        messages: BTreeMap<&'static str, Arc<Prompt>>,
    },
    /// A campaign's row is gone. Refused while it runs or has calls.
    RemoveCampaign(CampaignId),
    /// Starts, or goes on after a pause.
    StartCampaign(CampaignId),
    /// Launches nothing new; calls under way go on.
    PauseCampaign(CampaignId),
    /// Launches nothing new and cancels what nobody has answered.
    StopCampaign(CampaignId),
    /// An agent of the store, new or changed.
    PutAgent {
        /// The id in the store.
        agent: AgentId,
        /// Checked settings.
        settings: Box<config::Agent>,
        /// Where the phone of the settings is reached; see [`crate::office`].
        phone: Option<SocketAddr>,
    },
    /// An agent's row is gone. Refused during a call.
    RemoveAgent(AgentId),
    /// What an agent wants to be.
    SetAgent {
        /// Who.
        agent: AgentId,
        /// The wish.
        wish: AgentWish,
    },
    /// What an agent decides of the lead that is shown.
    Preview {
        /// Who.
        agent: AgentId,
        /// The lead as shown.
        lead: LeadId,
        /// Take it, or why not.
        choice: PreviewChoice,
    },
    /// What an agent recorded about an attempt: a person, or a machine that detection let through.
    Disposition {
        /// The attempt, which may be over.
        attempt: AttemptId,
        /// Its campaign.
        campaign: CampaignId,
        /// Who recorded it, if an agent did.
        agent: Option<AgentId>,
        /// The code as the agent chose it.
        code: String,
        /// Free text.
        note: Option<String>,
        /// True for a person.
        person: bool,
        /// What answered, where that was said, and who says so.
        answered: Option<store::AmdLabelRow>,
    },
    /// What somebody who listened says answered an attempt; written down.
    AmdLabel(store::AmdLabelRow),
    /// What the labels of a campaign say of its answer detection.
    AmdFound {
        /// Which.
        campaign: CampaignId,
        /// Upper bound of people lost, where there are labels enough.
        measured: Option<dialer::AmdMeasured>,
        /// What is unlike the week before.
        drift: Vec<crate::control::views::AmdDrift>,
    },
    /// A number that must not be called any more; it is written down and holds at once.
    DoNotCall {
        /// International form.
        number: String,
        /// Only for this campaign; `None` for all.
        campaign: Option<CampaignId>,
        /// Why, for the record.
        reason: String,
        /// Who says so.
        source: String,
    },
    /// A number may be called again: the do-not-call rows of these campaigns (`None`: the one for all) are lifted.
    CallAgain {
        /// International form.
        number: String,
        /// Whose rows; these must be all that hold for the number.
        campaigns: Vec<Option<CampaignId>>,
        /// Who says so.
        source: String,
    },
    /// The mark that a call left on this number, in international form, does not hold any more.
    LiftMark(String),
    /// Answer detection forgets the fixed recording of this name.
    ForgetRecording(String),
    /// A promise to call back: written down, then the campaign's to keep.
    CallBack {
        /// The promise.
        row: Box<store::CallbackRow>,
        /// Of the lead, in international form.
        number: String,
    },
    /// A consent given or withdrawn: written down.
    Consent(Box<store::ConsentRow>),
    /// A list has new leads: campaigns over it look again.
    ListGrew(ListId),
    /// A trunk of the store, new or changed: takes effect at once; calls under way stay as they are.
    PutTrunk {
        /// Its id in the store.
        trunk: TrunkId,
        /// Checked settings, the host resolved.
        settings: Box<conductor::Trunk>,
    },
    /// A trunk's row is gone. Refused while campaigns or routes use it or it has calls.
    RemoveTrunk(TrunkId),
    /// What happens to inbound calls from now on.
    SetRoutes(Vec<conductor::InboundRoute>),
    /// What else can change while the process runs.
    SetLimits {
        /// Wrap-ups that begin from now on end by themselves after this time.
        wrap_up: Duration,
        /// How long a drain may take.
        drain: Duration,
    },
    /// No new calls; the process ends when those under way have ended, or at the limit.
    Drain,
}

/// A call to place for somebody.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// Whom: a number in international form, or a name that the trunk knows.
    pub to: String,
    /// Name of the trunk.
    pub trunk: String,
    /// Number to show; `None`: none.
    pub caller_id: Option<String>,
    /// What the called party hears.
    pub connect: Connect,
    /// Called although the number is on the do-not-call set.
    pub despite_do_not_call: bool,
}

/// What a call is joined to when it is answered.
#[derive(Clone, Debug)]
pub enum Connect {
    /// A free agent, reserved before the call is placed.
    Agent(AgentId),
    /// A prompt, loaded by [`crate::office`]; the call ends with it.
    Prompt(Arc<Prompt>),
    /// The caller's own voice.
    Echo,
}

/// What an agent can wish to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentWish {
    /// Logged in and free; calls the phone if it is down.
    Ready,
    /// On a break, after the call in hand.
    OnBreak,
    /// Away, after the call in hand; the phone is hung up.
    LoggedOut,
}

/// What an agent decides of a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreviewChoice {
    /// It is dialled.
    Accept,
    /// It is skipped, for this reason.
    Skip(String),
}

/// An answer that is not a refusal.
#[derive(Debug)]
pub enum Reply {
    /// It is done.
    Done,
    /// The call as it stands now.
    Call(Box<CallView>),
    /// The call with what happened in it.
    CallDetail(Box<CallDetail>),
    /// Decisions around a moment.
    Decisions(Box<DecisionsView>),
    /// Forecasts against what happened.
    Calibration(Box<CalibrationView>),
    /// The campaign as it stands now.
    Campaign(Box<CampaignView>),
    /// The agent as it stands now.
    Agent(Box<AgentView>),
    /// The trunk as it stands now.
    Trunk(Box<TrunkView>),
    /// What became of the lead, and the agent as it stands now.
    Preview(dialer::OfferEnd, Box<AgentView>),
}

/// Why a request was not done; nothing changed. Each says what and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing.
    NotFound {
        /// What was not found, with its name.
        what: String,
    },
    /// The state of things forbids it now.
    Conflict {
        /// What stands against it.
        what: String,
        /// How to mend it.
        mend: String,
    },
    /// A value is wrong.
    Invalid {
        /// The field.
        field: String,
        /// What is wrong.
        what: String,
        /// How to mend it.
        mend: String,
    },
    /// No room now; come back.
    Busy {
        /// What is full.
        what: String,
        /// When to come back.
        retry_after_s: u32,
    },
    /// The process ends and takes nothing new.
    Draining,
    /// The control thread is gone.
    Gone,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::NotFound { what } => write!(f, "{what} does not exist"),
            Refusal::Conflict { what, mend } => write!(f, "{what}, {mend}"),
            Refusal::Invalid { field, what, mend } => write!(f, "{field} {what}, {mend}"),
            Refusal::Busy { what, retry_after_s } => write!(f, "{what}, try again in {retry_after_s} s"),
            Refusal::Draining => f.write_str("the server is shutting down and takes nothing new"),
            Refusal::Gone => f.write_str("the control thread has ended; see the log"),
        }
    }
}

/// A request with the way back for its answer.
#[derive(Debug)]
pub struct Job {
    /// What is asked.
    pub request: Request,
    /// Where the answer goes; the asker may have gone away.
    pub answer: oneshot::Sender<Result<Reply, Refusal>>,
}

/// The askers' side; copies share everything.
#[derive(Clone)]
pub struct Control {
    jobs: Sender<Job>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    history: Arc<Mutex<History>>,
    journal: Journal,
}

impl Control {
    /// The two sides: for those who ask, and for the control thread.
    pub fn new(journal: Journal) -> (Control, ControlEnd) {
        let (jobs, taken) = bounded(REQUESTS_MAX);
        let snapshot = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let history = Arc::new(Mutex::new(History::default()));
        let end =
            ControlEnd { jobs: taken, snapshot: snapshot.clone(), history: history.clone(), journal: journal.clone() };
        (Control { jobs, snapshot, history, journal }, end)
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The control thread's refusal; [`Refusal::Busy`] when its queue is full.
    pub async fn ask(&self, request: Request) -> Result<Reply, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.jobs.try_send(Job { request, answer }).map_err(|error| match error {
            TrySendError::Full(_) => {
                Refusal::Busy { what: "the control thread's queue is full".to_owned(), retry_after_s: BUSY_RETRY_S }
            }
            TrySendError::Disconnected(_) => Refusal::Gone,
        })?;
        answered.await.unwrap_or(Err(Refusal::Gone))
    }

    /// How things stand; at most 100 ms old, and never older than an answered request.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The last `minutes` of a campaign, a point a second.
    pub fn series(&self, campaign: CampaignId, minutes: u32) -> Series {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).series(campaign.0, minutes)
    }

    /// Calls begun a second, over the last ten seconds.
    pub fn calls_per_s(&self) -> f64 {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).calls_per_s()
    }

    /// What has happened.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
}

/// The control thread's side.
pub struct ControlEnd {
    /// What is asked.
    pub jobs: Receiver<Job>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    history: Arc<Mutex<History>>,
    journal: Journal,
}

impl ControlEnd {
    /// Whether anybody can ask or look.
    pub fn is_open(&self) -> bool {
        Arc::strong_count(&self.snapshot) > 1
    }

    /// Shows a new picture, and keeps of it what charts need.
    pub fn show(&self, snapshot: Snapshot) {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).take(&snapshot);
        self.snapshot.store(Arc::new(snapshot));
    }

    /// Writes down that something happened.
    pub fn tell(&self, at_us: i64, kind: &'static str, data: serde_json::Value) {
        self.journal.tell(at_us, kind, data);
    }
}
