//! The thread that reads leads from the store, so that the control thread never waits for a disk or a network.

use base::{CampaignId, Duration, LeadId, ListId, WallTime};
use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};
use std::sync::Arc;
use std::thread::JoinHandle;
use store::{Filter, LeadRow, Store, StoreError, TenantId};

/// Questions waiting: one a campaign at a time, and the dialer has 1,000 campaigns at most.
const QUESTIONS_MAX: usize = 1_024;
/// Attempts at one number that the caps look back on: a profile allows some 20 in 30 days.
const ATTEMPTS_PER_LEAD_MAX: u32 = 200;
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
}

/// A lead with those of its attempts that the caps count, when there is more than the last one.
#[derive(Clone, Debug)]
pub struct FedLead {
    /// As stored.
    pub row: LeadRow,
    /// Moments of its recent attempts.
    pub attempts: Vec<WallTime>,
}

/// A page of leads.
pub struct Page {
    /// What was asked.
    pub question: Question,
    /// The leads, or why there are none.
    pub leads: Result<Vec<FedLead>, StoreError>,
}

/// The thread. Dropping it ends the thread after the question in hand.
pub struct Feeder {
    questions: Option<Sender<Question>>,
    /// Answers, in the order of the questions.
    pub pages: Receiver<Page>,
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
        let thread = std::thread::Builder::new().name("feeder".to_owned()).spawn(move || {
            for question in asked {
                let leads = read(&store, tenant, &question);
                if answers.send(Page { question, leads }).is_err() {
                    return; // nobody reads any more
                }
            }
        })?;
        Ok(Feeder { questions: Some(questions), pages, thread: Some(thread) })
    }

    /// Asks for a page; false when too many questions wait.
    pub fn ask(&self, question: Question) -> bool {
        let Some(questions) = &self.questions else { return false };
        !matches!(questions.try_send(question), Err(TrySendError::Full(_) | TrySendError::Disconnected(_)))
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
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
    let rows = store.leads(tenant, question.list, question.after, question.limit)?;
    rows.into_iter()
        .map(|row| {
            let mut attempts = Vec::new();
            if row.attempt_number > 1 {
                let filter = Filter {
                    number: Some(row.number.clone()),
                    from: Some(since),
                    limit: ATTEMPTS_PER_LEAD_MAX,
                    ..Filter::default()
                };
                attempts = store.attempts(tenant, filter)?.into_iter().map(|attempt| attempt.intent.at).collect();
            }
            Ok(FedLead { row, attempts })
        })
        .collect()
}
