//! The thread that reads leads from the store, so that the control thread never waits for a disk or a network.
//!
//! ```text
//!  Source (lists with weights, filter, order, hours) ──> each list: left over · due · never dialled, zone by open zone
//!                                                        ──mixed by weight──> histories, consents ──> Page
//! ```
//!
//! **Invariants.** No list is read as a whole: each question goes on where the one before stopped, by indexes. Leads of a
//! zone whose hours are over are not looked at. What a campaign holds already is not brought again, nor a number that was
//! dialled on another list of the campaign.

mod walk;

use base::{CampaignId, Duration, LeadId, ListId, WallTime};
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use dialer::{CountedAs, Profile};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use store::{Action, LeadExpression, LeadFilter, LeadOrder, LeadRow, ScreenKind, Store, StoreError, TenantId};
use walk::Walks;

/// Questions waiting: one a campaign at a time, and the dialer has 1,000 campaigns at most.
const QUESTIONS_MAX: usize = 1_024;
/// The scope of a consent that holds for every campaign.
const CONSENT_FOR_ALL: &str = "marketing";
/// How often lists of numbers are looked for when nothing is asked.
const SCREENS_LOOK: std::time::Duration = std::time::Duration::from_secs(10);
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
    /// Changes with every load.
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
    questions: Option<Sender<Question>>,
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
        let (questions, asked) = bounded::<Question>(QUESTIONS_MAX);
        let (answers, told) = bounded(QUESTIONS_MAX);
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let thread = std::thread::Builder::new().name("feeder".to_owned()).spawn(move || {
            let mut walks = Walks::default();
            let mut told: BTreeSet<(CampaignId, u64)> = BTreeSet::new();
            let mut said: Option<Screens> = None;
            loop {
                let question = asked.recv_timeout(SCREENS_LOOK);
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
                let Ok(question) = question else { continue };
                let mut leads = read(&store, tenant, &mut walks, &question);
                // Once for each source: leads to whom a call back is promised, wherever they stand.
                if question.number.is_none() && told.insert((question.campaign, question.generation)) {
                    leads = leads.and_then(|(mut rows, left)| {
                        rows.extend(read_promised(&store, tenant, &mut walks, &question)?);
                        Ok((rows, left))
                    });
                    if leads.is_err() {
                        told.remove(&(question.campaign, question.generation));
                    }
                }
                if answers.send(Told::Page(Box::new(Page { question, leads }))).is_err() {
                    return; // nobody reads any more
                }
            }
        })?;
        Ok(Feeder { questions: Some(questions), told, over, thread: Some(thread) })
    }

    /// Asks for a page; false when too many questions wait.
    pub fn ask(&self, question: Question) -> bool {
        let Some(questions) = &self.questions else { return false };
        !matches!(questions.try_send(question), Err(TrySendError::Full(_) | TrySendError::Disconnected(_)))
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.questions = None;
        while self.told.try_recv().is_ok() {}
        if let Some(thread) = self.thread.take() {
            // A panic of it was shown when it happened; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

fn read(
    store: &Store,
    tenant: TenantId,
    walks: &mut Walks,
    question: &Question,
) -> Result<(Vec<FedLead>, Left), StoreError> {
    let since = WallTime::from_unix_us(question.at.as_unix_us() - HISTORY.as_us() as i64);
    let (rows, left) = match &question.number {
        None => walks.next(store, tenant, question)?,
        number => {
            let mut rows = Vec::new();
            for list in walks.lists(store, tenant, question)? {
                let (list, number, limit) = (Some(list), number.clone(), question.limit);
                rows.extend(store.leads_page(tenant, LeadFilter { list, number, limit, ..LeadFilter::default() })?);
            }
            (rows, Left::More)
        }
    };
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
    let promises = match &question.number {
        Some(_) => promises(store, tenant, question.campaign)?,
        None => BTreeMap::new(),
    };
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
    Ok((fed.collect::<Result<_, StoreError>>()?, left))
}

/// What a campaign has promised and not kept, of the store's first thousand promises.
fn promises(
    store: &Store,
    tenant: TenantId,
    campaign: CampaignId,
) -> Result<BTreeMap<LeadId, dialer::Callback>, StoreError> {
    let open = store.callbacks_due(tenant, WallTime::from_unix_us(i64::MAX), 0)?;
    let mine = open.into_iter().filter(|promise| promise.campaign == campaign);
    // Of several at one lead the latest counts.
    Ok(mine.map(|promise| (promise.lead, dialer::Callback { at: promise.due_at, agent: promise.agent })).collect())
}

/// Leads to whom a call back is promised, wherever they stand in the lists.
fn read_promised(
    store: &Store,
    tenant: TenantId,
    walks: &mut Walks,
    question: &Question,
) -> Result<Vec<FedLead>, StoreError> {
    let mut found = Vec::new();
    for lead in promises(store, tenant, question.campaign)?.into_keys() {
        let after = lead.0.checked_sub(1).map(LeadId);
        let rows = store.leads_page(tenant, LeadFilter { after, limit: 1, ..LeadFilter::default() })?;
        for row in rows.into_iter().filter(|row| row.lead == lead) {
            let (number, held) = (Some(row.number), Vec::new());
            let of_number = Question { number, held, limit: store::PAGE_ROWS_MAX, ..question.clone() };
            let (rows, _) = read(store, tenant, walks, &of_number)?;
            found.extend(rows.into_iter().filter(|fed| fed.row.lead == lead));
        }
    }
    Ok(found)
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
        screens.latest = screens.latest.max(row.screen);
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
            let (found, _) = read(&store, tenant, &mut Walks::default(), &question).unwrap();
            found.into_iter().map(|fed| fed.consent).collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(question(Some("spring"), None), [some("form 7"), None, some("consent 4")]);
        assert_eq!(question(None, None), [None, None, None]);
        assert_eq!(question(Some("autumn"), Some(numbers[1])), [some("form 8")]);
    }
}
