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

mod walk;

use base::{CampaignId, Duration, LeadId, ListId, WallTime};
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use dialer::{CountedAs, Profile};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use store::{
    Action, CallbackInfo, LeadExpression, LeadFilter, LeadOrder, LeadRow, PAGE_ROWS_MAX, ScreenKind, Store, StoreError,
    TenantId,
};
use walk::Walks;

/// Questions waiting: one a campaign at a time, and the dialer has 1,000 campaigns at most.
const QUESTIONS_MAX: usize = 1_024;
/// The scope of a consent that holds for every campaign.
const CONSENT_FOR_ALL: &str = "marketing";
/// How often lists of numbers are looked for when nothing is asked.
const SCREENS_LOOK: std::time::Duration = std::time::Duration::from_secs(10);
/// How often promises are read where one question does not give them all: they are kept to the minute.
const PROMISES_AGAIN: Duration = Duration::from_secs(60);
/// How far the caps look back.
const HISTORY: Duration = Duration::from_secs(31 * 86_400);

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
    /// Its leads need a consent for this scope, or for all.
    pub scope: Option<String>,
    /// Zone of leads that bring none and whose country has several.
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

/// What a store remembers of a number, over all lists and campaigns.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Moments of its recent attempts.
    pub attempts: Vec<WallTime>,
    /// When a person was last abandoned there.
    pub abandoned: Option<WallTime>,
    /// When detection last heard no person there.
    pub machine: Option<WallTime>,
}

/// A lead with what is needed to judge it.
#[derive(Clone, Debug)]
pub struct FedLead {
    /// As stored.
    pub row: LeadRow,
    /// How often each outcome came of it.
    pub outcomes: Vec<(String, u32)>,
    /// Of its number.
    pub history: History,
    /// A list of numbers from outside has its number.
    pub screened: Option<ScreenKind>,
    /// Proof of consent, if one is wanted and there.
    pub consent: Option<String>,
    /// What was promised to this person and is not kept yet.
    pub callback: Option<dialer::Callback>,
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
    /// Rises with every load that comes into force.
    pub latest: u64,
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
        for list in walks.lists(store, tenant, question)? {
            let (list, number, limit) = (Some(list), Some(number.clone()), question.limit);
            rows.extend(store.leads_page(tenant, LeadFilter { list, number, limit, ..LeadFilter::default() })?);
        }
        rows.retain(|row| !walks.others_hold(question.campaign, row));
        let leads: Vec<LeadId> = rows.iter().map(|row| row.lead).collect();
        let promises = if leads.is_empty() { Vec::new() } else { store.promises(tenant, question.campaign, &leads)? };
        return Ok((complete(store, tenant, question, rows, &by_lead(promises))?, Left::More));
    }
    let (rows, mut left) = walks.next(store, tenant, question)?;
    let mut fed = complete(store, tenant, question, rows, &BTreeMap::new())?;
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
        fed.extend(complete(store, tenant, question, rows, &promises)?);
        let again_at =
            (!whole).then(|| WallTime::from_unix_us(question.at.as_unix_us() + PROMISES_AGAIN.as_us() as i64));
        told.insert(question.campaign, Promised { generation: question.generation, again_at });
    }
    if left == Left::Nothing && told.get(&question.campaign).is_some_and(|here| here.again_at.is_some()) {
        left = Left::Later;
    }
    Ok((fed, left))
}

/// Leads with what is needed to judge them.
fn complete(
    store: &Store,
    tenant: TenantId,
    question: &Question,
    rows: Vec<LeadRow>,
    promises: &BTreeMap<LeadId, dialer::Callback>,
) -> Result<Vec<FedLead>, StoreError> {
    let since = WallTime::from_unix_us(question.at.as_unix_us() - HISTORY.as_us() as i64);
    let mut numbers: Vec<String> = rows.iter().map(|row| row.number.clone()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut histories: BTreeMap<String, History> = BTreeMap::new();
    for row in store.history(tenant, &numbers, since)? {
        let history = histories.entry(row.number).or_default();
        history.attempts.push(row.at);
        if row.counted_as.as_deref() == Some(CountedAs::Abandoned.name()) {
            history.abandoned = history.abandoned.max(row.counted_at);
        }
        // By the moment of the intent; the answer came within the ring time after it.
        if row.verdict.is_some_and(|verdict| !matches!(verdict.as_str(), "human" | "silence")) {
            history.machine = history.machine.max(Some(row.at));
        }
    }
    let dialled: Vec<LeadId> = rows.iter().filter(|row| row.attempt_number > 0).map(|row| row.lead).collect();
    let mut outcomes: BTreeMap<LeadId, Vec<(String, u32)>> = BTreeMap::new();
    for (lead, outcome, times) in store.outcomes_of(tenant, &dialled)? {
        outcomes.entry(lead).or_default().push((outcome, times));
    }
    // A do-not-call list counts more: it comes first.
    let mut screened: BTreeMap<String, ScreenKind> = BTreeMap::new();
    for (number, kind) in store.screened(tenant, &numbers)? {
        screened.entry(number).or_insert(kind);
    }
    let fed = rows.into_iter().map(|row| {
        let consent = match &question.source.scope {
            None => None,
            Some(scope) => consent_of(store, tenant, &row.number, scope)?,
        };
        let history = histories.get(&row.number).cloned().unwrap_or_default();
        let outcomes = outcomes.remove(&row.lead).unwrap_or_default();
        let callback = promises.get(&row.lead).copied();
        let screened = screened.get(&row.number).copied();
        Ok(FedLead { row, outcomes, history, screened, consent, callback })
    });
    fed.collect()
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
        screens.latest = screens.latest.max(row.order);
    }
    Ok(screens)
}

/// The proof of a consent in force: the campaign's own word decides, else the one for all.
fn consent_of(store: &Store, tenant: TenantId, number: &str, scope: &str) -> Result<Option<String>, StoreError> {
    let own = store.consent(tenant, number, scope)?;
    let found = match own {
        Some(own) => Some(own),
        None => store.consent(tenant, number, CONSENT_FOR_ALL)?,
    };
    let given = found.filter(|(_, row)| row.action == Action::Add);
    Ok(given.map(|(id, row)| row.proof.unwrap_or_else(|| format!("consent {id}"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::{ConsentRow, NewLead, Op};

    fn source(list: ListId) -> Source {
        Source {
            list,
            mix: Vec::new(),
            filter: None,
            order: LeadOrder::Oldest,
            scope: None,
            zone: "America/New_York".to_owned(),
            profile: Profile::lab(),
        }
    }

    fn with_store<T>(work: impl FnOnce(&Store, TenantId) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let (store, _acks) = Store::open(&format!("sqlite:{}", folder.path().join("a.db").display())).unwrap();
        work(&store, TenantId::DEFAULT)
    }

    fn number(n: usize) -> String {
        format!("+1212{:07}", 5_550_000 + n)
    }

    fn fill(store: &Store, tenant: TenantId, name: &str, leads: impl Iterator<Item = NewLead>) -> ListId {
        let list = store.create_list(tenant, name, AT).unwrap();
        store.import_leads(tenant, list, leads.collect(), AT).unwrap();
        list
    }

    /// Noon in New York in March.
    const AT: WallTime = WallTime::from_unix_us(1_772_643_600_000_000);

    /// Asks until `count` leads are there or nothing comes; what was brought is held.
    fn ask(
        walks: &mut Walks,
        store: &Store,
        source: &Source,
        held: &mut Vec<LeadId>,
        limit: u32,
    ) -> (Vec<LeadRow>, Left) {
        let question = Question {
            campaign: CampaignId(1),
            generation: 1,
            source: Arc::new(source.clone()),
            limit,
            at: AT,
            held: held.clone(),
            number: None,
        };
        let (rows, left) = walks.next(store, TenantId::DEFAULT, &question).unwrap();
        held.extend(rows.iter().map(|row| row.lead));
        held.sort_unstable();
        (rows, left)
    }

    #[test]
    fn lists_are_mixed_by_their_weights_and_one_that_ends_leaves_its_share() {
        with_store(|store, tenant| {
            let lead = |n| NewLead { number: number(n), ..NewLead::default() };
            let one = fill(store, tenant, "one", (0..3_000).map(lead));
            let gold = fill(store, tenant, "gold", (3_000..3_600).map(lead));
            // Also on the other list, where it was dialled.
            store.import_leads(tenant, gold, vec![lead(7)], AT).unwrap();
            let mix = vec![("gold".to_owned(), 3), ("nobody".to_owned(), 5)];
            let (mut walks, mut held) = (Walks::default(), Vec::new());
            let source = Source { mix, ..source(one) };
            let (rows, left) = ask(&mut walks, store, &source, &mut held, 400);
            assert_eq!((rows.len(), left), (400, Left::More));
            for part in rows.chunks(4) {
                assert_eq!(part.iter().filter(|row| row.list == gold).count(), 3);
            }
            // The rest: each lead once, to the end.
            let mut all: Vec<LeadId> = rows.iter().map(|row| row.lead).collect();
            let mut last = left;
            for _ in 0..20 {
                let (rows, left) = ask(&mut walks, store, &source, &mut held, 1_000);
                all.extend(rows.iter().map(|row| row.lead));
                last = left;
                if rows.is_empty() {
                    break;
                }
            }
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!((count, all.len(), last), (3_601, 3_601, Left::Nothing));
        });
    }

    /// A question of a campaign that holds these.
    fn question(campaign: u64, source: &Source, held: &[LeadId], limit: u32) -> Question {
        let (source, held) = (Arc::new(source.clone()), held.to_vec());
        Question { campaign: CampaignId(campaign), generation: 1, source, limit, at: AT, held, number: None }
    }

    fn ids(rows: &[LeadRow]) -> Vec<LeadId> {
        rows.iter().map(|row| row.lead).collect()
    }

    #[test]
    fn of_campaigns_on_one_list_each_lead_is_in_one_hand() {
        with_store(|store, tenant| {
            let lead = |n| NewLead { number: number(n), ..NewLead::default() };
            let source = source(fill(store, tenant, "one", (0..150).map(lead)));
            let mut walks = Walks::default();
            let mut next = |campaign, held: &[LeadId]| {
                let (rows, left) = walks.next(store, tenant, &question(campaign, &source, held, 100)).unwrap();
                (ids(&rows), left)
            };
            let (first, _) = next(1, &[]);
            let (second, left) = next(2, &[]);
            assert_eq!((first.len(), second.len(), left), (100, 50, Left::Later), "the first may let go of some");
            assert!(second.iter().all(|lead| !first.contains(lead)));
            walks.forget(CampaignId(1));
            let (rows, _) = walks.next(store, tenant, &question(2, &source, &second, 200)).unwrap();
            assert_eq!(ids(&rows), first, "whoever is stopped holds nothing");
        });
    }

    #[test]
    fn what_did_not_arrive_is_brought_again() {
        with_store(|store, tenant| {
            let lead = |n| NewLead { number: number(n), ..NewLead::default() };
            let source = source(fill(store, tenant, "one", (0..300).map(lead)));
            let mut walks = Walks::default();
            let next = |walks: &mut Walks| ids(&walks.next(store, tenant, &question(1, &source, &[], 100)).unwrap().0);
            let (begin, first) = (walks.place(CampaignId(1)), next(&mut walks));
            walks.back_to(CampaignId(1), begin);
            assert_eq!(next(&mut walks), first);
            let (place, second) = (walks.place(CampaignId(1)), next(&mut walks));
            walks.back_to(CampaignId(1), place);
            assert_eq!(next(&mut walks), second);
            assert_ne!(first, second);
        });
    }

    #[test]
    fn a_filter_that_means_few_finds_them_behind_any_number_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("outpace.db").display());
        let store = Store::open(&url).unwrap().0;
        let lead = |n| NewLead { number: number(n), ..NewLead::default() };
        let list = fill(&store, TenantId::DEFAULT, "one", (0..3).map(lead));
        // A random walk looks into blocks of neighbours: far apart they are more than one question looks into.
        store::testing::execute(&url, "UPDATE lead SET lead_id = lead_id * 2000000").unwrap();
        let filter = LeadExpression::parse(&format!("number = \"{}\"", number(1))).unwrap();
        let source = Source { filter: Some(filter), order: LeadOrder::Random(1), ..source(list) };
        let (mut walks, mut held, mut found, mut questions) = (Walks::default(), Vec::new(), 0, 0);
        loop {
            let (rows, left) = ask(&mut walks, &store, &source, &mut held, 100);
            (found, questions) = (found + rows.len(), questions + 1);
            if left != Left::More {
                break;
            }
        }
        assert!(found == 1 && questions > 2, "{found} in {questions}");
    }

    #[test]
    fn what_this_process_dials_is_nobodys_left_over() {
        with_store(|store, tenant| {
            let lead = |n| NewLead { number: number(n), ..NewLead::default() };
            let list = fill(store, tenant, "one", (0..2).map(lead));
            let campaign = store.ensure_campaign(tenant, "spring", AT).unwrap();
            for (n, apart_us) in [(1, -1), (2, 1)] {
                let intent = store::AttemptIntentRow {
                    tenant,
                    attempt: base::AttemptId(n),
                    campaign,
                    lead: LeadId(n),
                    attempt_number: 1,
                    number: number(n as usize - 1),
                    trunk: "carrier".to_owned(),
                    caller_id: None,
                    at: WallTime::from_unix_us(AT.as_unix_us() + apart_us),
                    consent_allowed: true,
                    consent_rule: "none".to_owned(),
                    consent_proof: None,
                    why: "{}".to_owned(),
                };
                store.submit(n, Op::Intent(intent)).unwrap();
            }
            store.flush().unwrap();
            let (rows, _) = ask(&mut Walks::default(), store, &source(list), &mut Vec::new(), 10);
            assert_eq!(ids(&rows), [LeadId(1)], "a process before left it");
        });
    }

    #[test]
    fn a_list_of_the_mix_that_is_made_later_is_dialled_too() {
        with_store(|store, tenant| {
            let lead = |n| NewLead { number: number(n), ..NewLead::default() };
            let list = fill(store, tenant, "one", (0..2).map(lead));
            let source = Source { mix: vec![("gold".to_owned(), 2)], ..source(list) };
            let (mut walks, mut held) = (Walks::default(), Vec::new());
            assert_eq!(ask(&mut walks, store, &source, &mut held, 10).0.len(), 2);
            fill(store, tenant, "gold", (2..5).map(lead));
            assert_eq!(ask(&mut walks, store, &source, &mut held, 10).0.len(), 3);
        });
    }

    #[test]
    fn promises_of_a_campaign_come_with_its_first_page_whoever_promised_how_many_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let (store, acks) = Store::open(&format!("sqlite:{}", folder.path().join("outpace.db").display())).unwrap();
        let tenant = TenantId::DEFAULT;
        let [mine, other] = ["mine", "other"].map(|name| store.ensure_campaign(tenant, name, AT).unwrap());
        let lead = |n| NewLead { number: number(n), ..NewLead::default() };
        let list = fill(&store, tenant, "one", (0..1_002).map(lead));
        let promise = |campaign, lead, due_us| {
            let due_at = WallTime::from_unix_us(AT.as_unix_us() + due_us);
            let lead = LeadId(lead);
            Op::Callback(store::CallbackRow { tenant, lead, campaign, agent: None, due_at, note: None, at: AT })
        };
        for n in 1..=1_001 {
            store.submit(n, promise(other, n, n as i64)).unwrap();
        }
        store.submit(2_000, promise(mine, 1_002, 1_000_000)).unwrap();
        store.flush().unwrap();
        assert!(acks.try_iter().all(|ack| ack.result.is_ok()));
        let (mut walks, mut told) = (Walks::default(), BTreeMap::new());
        let mut promised = |campaign: CampaignId, at: WallTime| {
            let question = Question { at, ..question(campaign.0, &source(list), &[], 1) };
            let (fed, left) = answer(&store, tenant, &mut walks, &mut told, &question).unwrap();
            (fed.iter().filter(|fed| fed.callback.is_some()).map(|fed| fed.row.lead.0).collect::<Vec<_>>(), left)
        };
        assert_eq!(promised(mine, AT).0, [1_002]);
        assert!(promised(mine, AT).0.is_empty(), "once for a source");
        assert_eq!(promised(other, AT).0.len(), 1_000);
        assert_eq!(promised(other, AT).0.len(), 0);
        // The others follow within a minute; those that were kept make room.
        let kept = store::CallbackDoneRow { tenant, lead: LeadId(1), at: AT };
        store.submit(3_000, Op::CallbackDone(kept)).unwrap();
        store.flush().unwrap();
        let later = WallTime::from_unix_us(AT.as_unix_us() + PROMISES_AGAIN.as_us() as i64);
        assert!(promised(other, later).0.contains(&1_001));
    }

    #[test]
    fn leads_of_a_closed_zone_are_not_looked_at_and_those_that_wait_are_said() {
        with_store(|store, tenant| {
            let zone = |n: usize| ["Asia/Tokyo", "America/New_York"][n % 2].to_owned();
            let lead = |n: usize| NewLead { number: number(n), timezone: Some(zone(n)), ..NewLead::default() };
            let list = fill(store, tenant, "one", (0..100).map(lead));
            // Berlin's evening is past its hours only by the number, Tokyo's night by the zone.
            let berlin = NewLead { number: "+4930901821".to_owned(), ..NewLead::default() };
            store.import_leads(tenant, list, vec![berlin], AT).unwrap();
            let profile = Profile { hours: std::array::from_fn(|_| vec![(9 * 60, 17 * 60)]), ..Profile::lab() };
            let closed = Source { profile, ..source(list) };
            let (mut walks, mut held) = (Walks::default(), Vec::new());
            let (rows, left) = ask(&mut walks, store, &closed, &mut held, 1_000);
            assert_eq!((rows.len(), left), (50, Left::Later));
            assert!(rows.iter().all(|row| row.timezone.as_deref() == Some("America/New_York")));
            assert_eq!(ask(&mut walks, store, &closed, &mut held, 1_000).0, []);
            // With every hour open the others come.
            let (rows, left) = ask(&mut Walks::default(), store, &source(list), &mut held, 1_000);
            assert_eq!((rows.len(), left), (51, Left::Nothing));
        });
    }

    #[test]
    fn a_filter_and_an_order_are_kept_and_waiting_leads_come_at_their_moment() {
        with_store(|store, tenant| {
            let segment = |n: usize| Some(["gold", "trial"][n % 2].to_owned());
            let lead = |n: usize| NewLead { number: number(n), segment: segment(n), ..NewLead::default() };
            let list = fill(store, tenant, "one", (0..40).map(lead));
            let filter = Some(LeadExpression::parse("segment = \"gold\"").unwrap());
            let (mut walks, mut held) = (Walks::default(), Vec::new());
            let gold = Source { filter, order: LeadOrder::Newest, ..source(list) };
            let (rows, left) = ask(&mut walks, store, &gold, &mut held, 100);
            assert_eq!((rows.len(), left), (20, Left::Later), "the filter may mean others later");
            assert!(rows.iter().map(|row| std::cmp::Reverse(row.lead)).is_sorted());
            // One is due, one is due soon, one later.
            for (n, in_us) in [(1, -5), (2, 30_000_000), (3, 3_600_000_000)] {
                let row = store::LeadStateRow {
                    tenant,
                    lead: LeadId(n),
                    state: "waiting".to_owned(),
                    next_at: Some(WallTime::from_unix_us(AT.as_unix_us() + in_us)),
                    last_outcome: Some("busy".to_owned()),
                };
                store.submit(n, Op::LeadState(row)).unwrap();
            }
            store.flush().unwrap();
            let mut held = Vec::new();
            let (rows, left) = ask(&mut Walks::default(), store, &source(list), &mut held, 100);
            assert_eq!((rows[0].lead, rows[1].lead, rows.len(), left), (LeadId(1), LeadId(2), 39, Left::Later));
        });
    }

    #[test]
    fn a_consent_comes_with_its_lead_and_the_campaigns_own_word_decides() {
        let folder = tempfile::tempdir().unwrap();
        let (store, acks) = Store::open(&format!("sqlite:{}", folder.path().join("a.db").display())).unwrap();
        let (tenant, at) = (TenantId::DEFAULT, WallTime::from_unix_us(1));
        let list = store.create_list(tenant, "l", at).unwrap();
        let numbers = ["+12125550100", "+12125550101", "+12125550102"];
        let lead = |number: &&str| NewLead { number: (*number).to_owned(), ..NewLead::default() };
        store.import_leads(tenant, list, numbers.iter().map(lead).collect(), at).unwrap();
        let row = |number: &str, action, scope: &str, proof: Option<&str>| {
            let (number, scope, source) = (number.to_owned(), scope.to_owned(), "form".to_owned());
            Op::Consent(ConsentRow { tenant, number, action, scope, source, proof: proof.map(str::to_owned), at })
        };
        let rows = [
            row(numbers[0], Action::Add, CONSENT_FOR_ALL, Some("form 7")),
            row(numbers[1], Action::Add, CONSENT_FOR_ALL, Some("form 8")),
            row(numbers[1], Action::Lift, "spring", None),
            row(numbers[2], Action::Add, "spring", None),
        ];
        for (token, op) in rows.into_iter().enumerate() {
            store.submit(token as u64, op).unwrap();
        }
        store.flush().unwrap();
        assert!(acks.try_iter().all(|ack| ack.result.is_ok()));
        let campaign = CampaignId(1);
        let question = |scope: Option<&str>, number: Option<&str>| {
            let (scope, number) = (scope.map(str::to_owned), number.map(str::to_owned));
            let source = Arc::new(Source { scope, ..source(list) });
            let question = Question { campaign, generation: 1, source, limit: 10, at, held: Vec::new(), number };
            let (mut walks, mut told) = (Walks::default(), BTreeMap::new());
            let (found, _) = answer(&store, tenant, &mut walks, &mut told, &question).unwrap();
            found.into_iter().map(|fed| fed.consent).collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(question(Some("spring"), None), [some("form 7"), None, some("consent 4")]);
        assert_eq!(question(None, None), [None, None, None]);
        assert_eq!(question(Some("autumn"), Some(numbers[1])), [some("form 8")]);
    }
}
