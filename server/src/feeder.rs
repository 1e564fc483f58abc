//! The thread that reads leads from the store, so that the control thread never waits for a disk or a network.

use base::{CampaignId, Duration, LeadId, ListId, WallTime};
use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};
use dialer::CountedAs;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use store::{Action, LeadFilter, LeadRow, Store, StoreError, TenantId};

/// Questions waiting: one a campaign at a time, and the dialer has 1,000 campaigns at most.
const QUESTIONS_MAX: usize = 1_024;
/// The scope of a consent that holds for every campaign.
const CONSENT_FOR_ALL: &str = "marketing";
/// How far the caps look back.
const HISTORY: Duration = Duration::from_secs(31 * 86_400);

/// A page of leads that is wanted.
#[derive(Clone, Debug)]
pub struct Question {
    /// For whom.
    pub campaign: CampaignId,
    /// Of which list.
    pub list: ListId,
    /// After this lead.
    pub after: Option<LeadId>,
    /// At most so many.
    pub limit: u32,
    /// The moment, to know which attempts are recent.
    pub at: WallTime,
    /// Its leads need a consent for this scope, or for all.
    pub scope: Option<String>,
    /// Only leads of this number.
    pub number: Option<String>,
}

/// What the store remembers of a number, over all lists and campaigns.
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
    /// Of its number.
    pub history: History,
    /// Proof of consent, if one is wanted and there.
    pub consent: Option<String>,
}

/// A page of leads.
pub struct Page {
    /// What was asked.
    pub question: Question,
    /// The leads, or why there are none.
    pub leads: Result<Vec<FedLead>, StoreError>,
}

/// The thread. Dropping it ends the thread after the question in hand; what else was asked is not answered.
pub struct Feeder {
    questions: Option<Sender<Question>>,
    /// Answers, in the order of the questions.
    pub pages: Receiver<Page>,
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
        let (answers, pages) = bounded(QUESTIONS_MAX);
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let thread = std::thread::Builder::new().name("feeder".to_owned()).spawn(move || {
            for question in asked {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let leads = read(&store, tenant, &question);
                if answers.send(Page { question, leads }).is_err() {
                    return; // nobody reads any more
                }
            }
        })?;
        Ok(Feeder { questions: Some(questions), pages, over, thread: Some(thread) })
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
        while self.pages.try_recv().is_ok() {}
        if let Some(thread) = self.thread.take() {
            // A panic of it was shown when it happened; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

fn read(store: &Store, tenant: TenantId, question: &Question) -> Result<Vec<FedLead>, StoreError> {
    let since = WallTime::from_unix_us(question.at.as_unix_us() - HISTORY.as_us() as i64);
    let rows = match &question.number {
        None => store.leads(tenant, question.list, question.after, question.limit)?,
        number => {
            let (list, number, limit) = (Some(question.list), number.clone(), question.limit);
            store.leads_page(tenant, LeadFilter { list, number, limit, ..LeadFilter::default() })?
        }
    };
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
    let before = first.lead.0.checked_sub(1).map(LeadId);
    let mut histories: BTreeMap<String, History> = BTreeMap::new();
    for row in store.history(tenant, question.list, before, last.lead, since)? {
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
    rows.into_iter()
        .map(|row| {
            let consent = match &question.scope {
                None => None,
                Some(scope) => consent_of(store, tenant, &row.number, scope)?,
            };
            let history = histories.get(&row.number).cloned().unwrap_or_default();
            Ok(FedLead { row, history, consent })
        })
        .collect()
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
            let question = Question { campaign, list, after: None, limit: 10, at, scope, number };
            let found = read(&store, tenant, &question).unwrap();
            found.into_iter().map(|fed| fed.consent).collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(question(Some("spring"), None), [some("form 7"), None, some("consent 4")]);
        assert_eq!(question(None, None), [None, None, None]);
        assert_eq!(question(Some("autumn"), Some(numbers[1])), [some("form 8")]);
    }
}
