//! What has happened, for those who watch: numbered, kept for a while, readable from any number on.

use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Notices kept for readers who come back: at 50 a second (10 calls a second with 5 changes each) 4,096 are 80 s,
/// longer than a browser or proxy takes to connect again. About 300 bytes each: 1.2 MB.
pub const NOTICES_KEPT: usize = 4_096;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notice {
    /// From 1, without gaps, within one run of the process.
    pub number: u64,
    /// When, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// What, such as `call.answered` or `agent.state`.
    pub kind: &'static str,
    /// The thing, as the API shows it.
    pub data: serde_json::Value,
}

/// What a reader gets who has read up to a number.
#[derive(Clone, Debug, PartialEq)]
pub enum Resume {
    /// Everything since.
    Since(Vec<Arc<Notice>>),
    /// Some of it is no longer kept, or it is of another run: read the state anew, then go on after this number.
    Lost {
        /// Number of the newest notice.
        newest: u64,
    },
}

/// See the module's head; copies share the notices.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Mutex<Kept>>,
    newest: watch::Sender<u64>,
    run: u64,
}

struct Kept {
    notices: VecDeque<Arc<Notice>>,
    newest: u64,
}

impl Journal {
    /// An empty journal of the run `run` (any number that differs from run to run).
    pub fn new(run: u64) -> Journal {
        let kept = Kept { notices: VecDeque::with_capacity(NOTICES_KEPT), newest: 0 };
        Journal { inner: Arc::new(Mutex::new(kept)), newest: watch::Sender::new(0), run }
    }

    /// The run, so that a number of another run can be told apart.
    pub fn run(&self) -> u64 {
        self.run
    }

    /// Writes a notice.
    pub fn tell(&self, at_us: i64, kind: &'static str, data: serde_json::Value) {
        let mut kept = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        kept.newest += 1;
        if kept.notices.len() >= NOTICES_KEPT {
            kept.notices.pop_front();
        }
        let number = kept.newest;
        kept.notices.push_back(Arc::new(Notice { number, at_us, kind, data }));
        drop(kept);
        self.newest.send_replace(number);
    }

    /// Number of the newest notice; 0 before the first.
    pub fn newest(&self) -> u64 {
        *self.newest.borrow()
    }

    /// Notices after `number`, at most `limit`.
    pub fn since(&self, number: u64, limit: usize) -> Resume {
        let kept = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = kept.notices.front().map_or(kept.newest + 1, |notice| notice.number);
        if number > kept.newest || number + 1 < oldest {
            return Resume::Lost { newest: kept.newest };
        }
        let skip = usize::try_from(number + 1 - oldest).unwrap_or(usize::MAX);
        Resume::Since(kept.notices.iter().skip(skip).take(limit).cloned().collect())
    }

    /// Waits until there is a notice after `number`.
    pub async fn grown(&self, number: u64) {
        let mut newest = self.newest.subscribe();
        // The sender lives as long as this journal, so the wait cannot fail.
        let _ = newest.wait_for(|newest| *newest > number).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_goes_on_where_it_stopped_and_is_told_when_something_is_lost() {
        let journal = Journal::new(7);
        assert_eq!(journal.since(0, 10), Resume::Since(Vec::new()));
        assert_eq!(journal.since(3, 10), Resume::Lost { newest: 0 }); // of an earlier run
        for number in 1..=NOTICES_KEPT as u64 + 5 {
            journal.tell(number as i64, "call.answered", serde_json::json!({ "call": number }));
        }
        assert_eq!(journal.newest(), NOTICES_KEPT as u64 + 5);
        assert_eq!(journal.since(4, 10), Resume::Lost { newest: NOTICES_KEPT as u64 + 5 });
        let Resume::Since(notices) = journal.since(5, 3) else { panic!("number 6 is kept") };
        let numbers: Vec<u64> = notices.iter().map(|notice| notice.number).collect();
        assert_eq!(numbers, [6, 7, 8]);
        assert_eq!(journal.since(journal.newest(), 3), Resume::Since(Vec::new()));
    }
}
