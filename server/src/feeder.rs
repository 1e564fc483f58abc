//! The thread that reads leads from the store, so that the control thread never waits for a disk or a network.
//!
//! ```text
//!  Source (lists with weights, filter, order, hours) ──> each list: left over · due · never dialled, zone by open zone
//!                                                        ──mixed by weight──> histories, consents ──> Page
//! ```
//!
//! **Invariants.** No list is read as a whole: each question goes on where the one before stopped, by indexes. Leads of a
//! zone whose hours are over are not looked at. What a campaign holds already is not brought again, nor a number that was
//! dialled on another list of the campaign. Of campaigns that dial the same list one holds a lead at a time.

mod people;
mod walk;

pub use people::{FedLead, FedNumber, History};

use base::{CampaignId, Duration, LeadId, ListId, WallTime};
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use dialer::Profile;
use people::complete;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use store::{
    CallbackInfo, LeadExpression, LeadFilter, LeadOrder, PAGE_ROWS_MAX, ScreenKind, Store, StoreError, TenantId,
};
use walk::Walks;

/// Questions waiting: one a campaign at a time, and the dialer has 1,000 campaigns at most.
const QUESTIONS_MAX: usize = 1_024;
/// How often lists of numbers are looked for when nothing is asked.
const SCREENS_LOOK: std::time::Duration = std::time::Duration::from_secs(10);
/// How often promises are read where one question does not give them all: they are kept to the minute.
const PROMISES_AGAIN: Duration = Duration::from_secs(60);

/// Where a campaign's leads come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The list that it names.
    pub list: ListId,
    /// Weights of lists by their names; the list itself has weight 1 unless it stands here.
    pub mix: Vec<(String, u32)>,
    /// Only leads that it means.
    pub filter: Option<LeadExpression>,
    /// In which order, within one priority.
    pub order: LeadOrder,
    /// Leads may go on to further numbers of their contacts.
    pub next_numbers: bool,
    /// Its leads need a consent for this scope, or for all.
    pub scope: Option<String>,
    /// Zone of leads for which neither record nor number says one.
    pub zone: String,
    /// Whose calling hours hold.
    pub profile: Profile,
}

/// A page of leads that is wanted.
#[derive(Clone, Debug)]
pub struct Question {
    /// For whom.
    pub campaign: CampaignId,
    /// Rises when its source changes.
    pub generation: u64,
    /// From where.
    pub source: Arc<Source>,
    /// At most so many.
    pub limit: u32,
    /// The moment.
    pub at: WallTime,
    /// What the campaign holds, by id.
    pub held: Vec<LeadId>,
    /// Only leads of this number.
    pub number: Option<String>,
}

/// What the thread is told.
enum Asked {
    /// A page is wanted.
    Page(Question),
    /// A campaign holds nothing any more.
    Forget(CampaignId),
}

/// What is left after a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// More, now.
    More,
    /// More, but not now: leads wait, a zone is closed, or the filter may mean others later.
    Later,
    /// Nothing.
    Nothing,
}

/// Lists of numbers from outside, as the dialer has to know them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Screens {
    /// The day of the oldest do-not-call list; `None`: there is none.
    pub do_not_call: Option<WallTime>,
    /// The day of the oldest list of reassigned numbers.
    pub reassigned: Option<WallTime>,
    /// The last load that came into force, and how many lists there are: another pair with every load and removal.
    pub latest: (u64, usize),
}

/// What the feeder has read.
pub enum Told {
    /// Leads.
    Page(Box<Page>),
    /// Lists of numbers are there, or others than before; before the first page.
    Screens(Screens),
}

/// A page of leads.
pub struct Page {
    /// What was asked.
    pub question: Question,
    /// The leads with what is left, or why there are none.
    pub leads: Result<(Vec<FedLead>, Left), StoreError>,
}

/// The thread. Dropping it ends the thread after the question in hand; what else was asked is not answered.
pub struct Feeder {
    asked: Option<Sender<Asked>>,
    /// Answers, in the order of the questions, and news of lists of numbers.
    pub told: Receiver<Told>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Feeder {
    /// Starts it.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(store: Arc<Store>, tenant: TenantId) -> std::io::Result<Feeder> {
        let (asked, questions) = bounded::<Asked>(QUESTIONS_MAX);
        let (answers, told) = bounded(QUESTIONS_MAX);
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let thread = std::thread::Builder::new().name("feeder".to_owned()).spawn(move || {
            let mut walks = Walks::default();
            let mut told: BTreeMap<CampaignId, Promised> = BTreeMap::new();
            let mut said: Option<Screens> = None;
            loop {
                let question = questions.recv_timeout(SCREENS_LOOK);
                let is_over = matches!(question, Err(RecvTimeoutError::Disconnected));
                if is_over || ends.load(Ordering::Relaxed) {
                    return;
                }
                // A store that is away keeps what was said; it gives no leads either.
                if let Ok(screens) = screens(&store, tenant)
                    && said.replace(screens) != Some(screens)
                    && answers.send(Told::Screens(screens)).is_err()
                {
                    return;
                }
                let question = match question {
                    Ok(Asked::Page(question)) => question,
                    Ok(Asked::Forget(campaign)) => {
                        walks.forget(campaign);
                        told.remove(&campaign);
                        continue;
                    }
                    Err(_) => continue,
                };
                let place = walks.place(question.campaign);
                let leads = answer(&store, tenant, &mut walks, &mut told, &question);
                if leads.is_err() {
                    // What was passed over is asked for again.
                    walks.back_to(question.campaign, place);
                }
                if answers.send(Told::Page(Box::new(Page { question, leads }))).is_err() {
                    return; // nobody reads any more
                }
            }
        })?;
        Ok(Feeder { asked: Some(asked), told, over, thread: Some(thread) })
    }

    /// Asks for a page; false when too many questions wait.
    pub fn ask(&self, question: Question) -> bool {
        let Some(asked) = &self.asked else { return false };
        !matches!(asked.try_send(Asked::Page(question)), Err(TrySendError::Full(_) | TrySendError::Disconnected(_)))
    }

    /// What a campaign held may go to others that dial its lists; false when too many questions wait.
    pub fn forget(&self, campaign: CampaignId) -> bool {
        // A thread that has ended holds nothing either.
        let Some(asked) = &self.asked else { return true };
        !matches!(asked.try_send(Asked::Forget(campaign)), Err(TrySendError::Full(_)))
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.asked = None;
        while self.told.try_recv().is_ok() {}
        if let Some(thread) = self.thread.take() {
            // A panic of it was shown when it happened; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

/// Promises of a campaign that were read.
struct Promised {
    /// For this source.
    generation: u64,
    /// There were more than one question gives: the next ones are read at this moment.
    again_at: Option<WallTime>,
}

/// What a question asks for, and with it leads to whom a call back is promised, wherever they stand: once for each source,
/// and every minute where one question does not give them all.
fn answer(
    store: &Store,
    tenant: TenantId,
    walks: &mut Walks,
    told: &mut BTreeMap<CampaignId, Promised>,
    question: &Question,
) -> Result<(Vec<FedLead>, Left), StoreError> {
    if let Some(number) = &question.number {
        let mut rows = Vec::new();
        let lists = walks.lists(store, tenant, question)?;
        // A lead may have gone on to it from another number of its contact.
        let beside = store.numbers_beside(tenant, std::slice::from_ref(number))?;
        for number in std::iter::once(number).chain(beside.values().flatten()) {
            for list in &lists {
                let (list, number, limit) = (Some(*list), Some(number.clone()), question.limit);
                rows.extend(store.leads_page(tenant, LeadFilter { list, number, limit, ..LeadFilter::default() })?);
            }
        }
        rows.retain(|row| !walks.others_hold(question.campaign, row));
        let leads: Vec<LeadId> = rows.iter().map(|row| row.lead).collect();
        let promises = if leads.is_empty() { Vec::new() } else { store.promises(tenant, question.campaign, &leads)? };
        return Ok((complete(store, tenant, question, &lists, rows, &by_lead(promises))?, Left::More));
    }
    let (rows, mut left) = walks.next(store, tenant, question)?;
    let lists = walks.lists(store, tenant, question)?;
    let mut fed = complete(store, tenant, question, &lists, rows, &BTreeMap::new())?;
    let wanted = match told.get(&question.campaign) {
        Some(before) if before.generation == question.generation => before.again_at.is_some_and(|at| at <= question.at),
        _ => true,
    };
    if wanted {
        let promises = store.promises(tenant, question.campaign, &[])?;
        let whole = promises.len() < PAGE_ROWS_MAX as usize;
        let promises = by_lead(promises);
        let leads: Vec<LeadId> = promises.keys().copied().collect();
        let rows = store.leads_of(tenant, &leads)?;
        fed.extend(complete(store, tenant, question, &lists, rows, &promises)?);
        let again_at =
            (!whole).then(|| WallTime::from_unix_us(question.at.as_unix_us() + PROMISES_AGAIN.as_us() as i64));
        told.insert(question.campaign, Promised { generation: question.generation, again_at });
    }
    if left == Left::Nothing && told.get(&question.campaign).is_some_and(|here| here.again_at.is_some()) {
        left = Left::Later;
    }
    Ok((fed, left))
}

/// Promises by their leads; of several at one lead the latest counts.
fn by_lead(promises: Vec<CallbackInfo>) -> BTreeMap<LeadId, dialer::Callback> {
    let call = |promise: CallbackInfo| (promise.lead, dialer::Callback { at: promise.due_at, agent: promise.agent });
    promises.into_iter().map(call).collect()
}

/// The lists of numbers that are in force.
fn screens(store: &Store, tenant: TenantId) -> Result<Screens, StoreError> {
    let mut screens = Screens::default();
    for row in store.screens(tenant)? {
        let oldest = match row.kind {
            ScreenKind::DoNotCall => &mut screens.do_not_call,
            ScreenKind::Reassigned => &mut screens.reassigned,
        };
        *oldest = Some(oldest.map_or(row.as_of, |before| before.min(row.as_of)));
        screens.latest = (screens.latest.0.max(row.order), screens.latest.1 + 1);
    }
    Ok(screens)
}

#[cfg(test)]
mod tests;
