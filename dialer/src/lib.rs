//! Floor 4: the dialer. Campaigns, leads, attempts, pacing, the compliance gate, and the simulator that runs all of it
//! under virtual time.
//!
//! ```text
//!   Input ──> Dialer ─┬─ desk: agents, who takes the next person
//!                     ├─ list: leads ──> gate (do-not-call, consent, hours, caps) ──┐
//!                     ├─ pacing: Snapshot ──> Decision ─────────────────────────────┴─> RecordIntent
//!                     ├─ trunk: channels and calls a second ──> Originate
//!                     └─ ledger: what the law counts ──> pacing
//!   Output <── RecordIntent, Originate, Connect, PlayMessage, Hangup, AttemptClosed, …
//! ```
//!
//! An attempt's way: decided → intent durable → dialled → answered → verdict → agent → ended; each step is told from
//! outside, each attempt closes with exactly one outcome.
//!
//! **Invariants.** Nothing is dialled before its intent is durable. A lead has at most one live attempt, a number too,
//! across campaigns; (lead, attempt number) and attempt ids never repeat. Every trunk's channels and calls a second
//! hold exactly. Ringing calls are cancelled only by `Stop`. The same seed and inputs give the same outputs in the
//! same order. Absent: sockets, SIP, audio, files, clocks; number normalisation (the importer's); a lead without a
//! zone is judged in its campaign's.
//!
//! **Counting.** Abandoned: classified live, and no agent heard within the deadline from the end of the greeting.
//! Somebody who hangs up before that deadline while waiting is `hung_up_waiting`, which only the strict figure counts. A
//! person lost to detection is an outcome of its own. abandon rate = abandoned ÷ (abandoned + connected), made exact by
//! the profile: see `ledger`.
//!
//! **Coming back.** A process that takes over from one that has ended is told: `DoNotCall` and `History` per number,
//! `AddCampaign`, `RestoreLedger`, then leads (those it died with have no `next_at` and wait out their retry gap from the
//! attempt's intent) and `Start`. What it then decides is what the dead one would have decided, but for the pacers'
//! estimates, which begin anew with 1:1.
//!
//! **Units.** Moments are `base::Instant`; wall times and steady times are microseconds since the Unix epoch; rates are
//! shares of 1; pacing reckons in seconds (`_s`).

mod amd;
mod attempt;
mod campaign;
mod compliance;
mod dialer;
mod inbound;
mod io;
mod lead;
mod ledger;
mod list;
pub mod pacing;
mod policies;
mod recording;
mod reject;
pub mod report;
pub mod scenario;
pub mod sim;
mod snapshot;
mod trunk;

pub use amd::{AUDIT_SHARE_DEFAULT, AmdHandled, AmdHandling, AmdMeasured, AmdMode, AmdRules};
pub use attempt::{AttemptRecord, Clock, Outcome, Times};
pub use campaign::{
    CONNECT_MARGIN_MAX, CallbackRule, CallbackThen, CampaignConfig, ConfigError, Flow, Mode, PREVIEW_MAX, PREVIEW_MIN,
    Preview, PreviewEnd, RATIO_MAX, RetryRule, RetryRules,
};
pub use compliance::{
    AttemptCap, Bands, Confirmation, ConsentDecision, DeadlineFrom, Denominator, FieldView, Holiday, Profile,
    ProfileError, Profiles, Sheet, Week, Window, ZoneHours, zone_of, zone_of_record, zone_of_region,
};
pub use dialer::{CAMPAIGNS_MAX, DecisionClock, Dialer, DialerConfig, TRUNKS_MAX, TrunkConfig};
pub use inbound::{GIVE_UP_MIN, InboundConfig};
pub use io::{
    AmdVerdict, AttemptIntent, CountedAs, EarlyClass, EndCause, HangupReason, Input, LedgerEntry, OfferEnd,
    OutcomeCounts, Output, Party, PauseReason, Speech,
};
pub use lead::{BadNumber, Callback, Lead, LeadState, NEXT_NUMBERS_MAX, NextNumber, Number, Screened};
pub use ledger::{ClosedWindow, Counts, ENTRIES_MAX, Recount, Share, recount};
pub use list::{LEADS_MAX, LeadCounts};
pub use policies::{
    ANSWER_WAIT_MAX, ANSWER_WAIT_MIN, HELLO_WAIT_MAX, HelloThen, Mark, MessageAfter, OnIvr, OnMachine, OnScreening,
    OnSilence, Policies, Revision, SitMeaning,
};
pub use recording::{MESSAGE_MAX, MESSAGE_MIN, RECORDING_MAX, Recording, SafeHarbour};
pub use reject::Reject;
pub use snapshot::{AgentSnapshot, CampaignSnapshot, DialerSnapshot, LedgerSnapshot, TrunkSnapshot};
