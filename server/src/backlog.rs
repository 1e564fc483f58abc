//! Rows on their way to the store: in order, also when the store refuses some of them for a while.
//!
//! **Invariants.** A row that was refused in passing (busy, full, away) is offered again before anything that came after
//! it, and not more often than every [`AGAIN`]. A row that found nothing to change is offered again with those before it,
//! since what it changes may be among them. An intent is never kept: a call hangs on it. A lead's state that was written
//! meanwhile is not overwritten by an older one.

use base::{Duration, Instant, LeadId};
use std::collections::{BTreeMap, VecDeque};
use store::{ErrorKind, Op, StoreError};

/// Pause before kept rows are offered again: a disk that stays full is asked five times a second.
pub const AGAIN: Duration = Duration::from_ms(200);

/// Evidence of answer detection that is not written yet, at most: 12.2 KB a call, 76 KB with its sound, bridge 5,500 calls
/// or 880; a row that is being written is held twice. What comes beyond it is kept without its bytes, for the counts;
/// dialling pauses at half of it.
pub const EVIDENCE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What became of a row.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is kept and will be offered again.
    Kept,
    /// The store's word on it is final.
    Final,
}

/// See the module's head.
#[derive(Default)]
pub struct Backlog {
    waiting: VecDeque<(u64, Op)>,
    /// Taken and not acknowledged; at most as many as the store takes (`store::OPS_OUTSTANDING_MAX`).
    outstanding: BTreeMap<u64, Op>,
    kept: BTreeMap<u64, Op>,
    /// Leads whose state was written while something was kept, with the token of the newest.
    newer: BTreeMap<LeadId, u64>,
    again_at: Option<Instant>,
    /// Of evidence that is not written yet.
    evidence_bytes: usize,
}

impl Backlog {
    /// Appends a row; tokens rise. False where it is evidence whose bytes had no room.
    pub fn push(&mut self, token: u64, mut op: Op) -> bool {
        let bytes = evidence_bytes(&op);
        let fits = self.evidence_bytes + bytes <= EVIDENCE_BYTES_MAX;
        if fits {
            self.evidence_bytes += bytes;
        } else if let Op::AmdEvidence(row) = &mut op {
            (row.trace, row.features, row.audio) = Default::default();
            row.audio_until = None;
        }
        self.waiting.push_back((token, op));
        fits
    }

    /// Bytes of evidence that is not written yet.
    pub fn evidence_bytes(&self) -> usize {
        self.evidence_bytes
    }

    /// Rows that the store has not taken.
    pub fn waiting(&self) -> usize {
        self.waiting.len() + self.kept.len()
    }

    /// Rows that are not written yet.
    pub fn len(&self) -> usize {
        self.waiting() + self.outstanding.len()
    }

    /// Whether everything is written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When [`Backlog::offer`] should be called again; `None`: after the next acknowledgement or row.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.waiting.is_empty() || !self.kept.is_empty() {
            None
        } else {
            Some(self.again_at.unwrap_or(Instant::ZERO))
        }
    }

    /// Hands over what waits, in order, until `give` refuses.
    pub fn offer(&mut self, now: Instant, mut give: impl FnMut(u64, Op) -> bool) {
        if !self.kept.is_empty() || self.again_at.is_some_and(|at| at > now) {
            return;
        }
        self.again_at = None;
        while let Some((token, op)) = self.waiting.pop_front() {
            if !give(token, op.clone()) {
                self.waiting.push_front((token, op));
                return;
            }
            self.outstanding.insert(token, op);
        }
    }

    /// The store's word on a row.
    pub fn acknowledged(&mut self, now: Instant, token: u64, result: &Result<(), StoreError>) -> Fate {
        let Some(op) = self.outstanding.remove(&token) else { return Fate::Final };
        let again = match result {
            Ok(()) => false,
            Err(error) => error.kind.is_passing() || (error.kind == ErrorKind::NotFound && !self.kept.is_empty()),
        };
        let keep = again && !matches!(op, Op::Intent(_));
        let dropped = if keep { 0 } else { evidence_bytes(&op) };
        if keep {
            self.kept.insert(token, op);
        } else if let (Ok(()), false, Some(lead)) = (result, self.kept.is_empty(), lead_of(&op)) {
            self.newer.insert(lead, token);
        }
        self.evidence_bytes -= dropped;
        if self.outstanding.is_empty() && !self.kept.is_empty() {
            self.take_back(now);
        }
        if keep { Fate::Kept } else { Fate::Final }
    }

    fn take_back(&mut self, now: Instant) {
        for (token, op) in std::mem::take(&mut self.kept).into_iter().rev() {
            let old = lead_of(&op).and_then(|lead| self.newer.get(&lead)).is_some_and(|newer| *newer > token);
            match op {
                Op::LeadState(_) if old => {}
                Op::AttemptClose(close, Some(_)) if old => {
                    self.waiting.push_front((token, Op::AttemptClose(close, None)))
                }
                op => self.waiting.push_front((token, op)),
            }
        }
        self.newer.clear();
        self.again_at = Some(now + AGAIN);
    }
}

fn evidence_bytes(op: &Op) -> usize {
    match op {
        Op::AmdEvidence(row) => row.trace.len() + row.features.len() + row.audio.len(),
        _ => 0,
    }
}

/// The lead whose state a row sets.
fn lead_of(op: &Op) -> Option<LeadId> {
    match op {
        Op::Intent(row) => Some(row.lead),
        Op::LeadState(row) | Op::AttemptClose(_, Some(row)) => Some(row.lead),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{AttemptId, CallId, WallTime};
    use store::TenantId;

    const TENANT: TenantId = TenantId::DEFAULT;

    fn state(lead: u64, state: &str) -> Op {
        let (lead, state) = (LeadId(lead), state.to_owned());
        Op::LeadState(store::LeadStateRow {
            tenant: TENANT,
            lead,
            state,
            next_at: None,
            last_outcome: None,
            dial_number: None,
        })
    }

    fn count(attempt: u64) -> Op {
        let (attempt, counted_as, at) = (AttemptId(attempt), "connected".to_owned(), WallTime::from_unix_us(1));
        Op::Counted(store::CountedRow { tenant: TENANT, attempt, counted_as, at, rang: None })
    }

    fn close(call: u64) -> Op {
        Op::CdrClose(store::CdrCloseRow {
            tenant: TENANT,
            call: CallId(call),
            agent: None,
            connected_at: None,
            ended_at: WallTime::from_unix_us(1),
            cause_whose: "us".to_owned(),
            cause_code: None,
            media: None,
            timeline: None,
        })
    }

    fn error(kind: ErrorKind) -> Result<(), StoreError> {
        Err(StoreError { kind, what: "no".into(), place: "store".into(), mend: "wait".into() })
    }

    fn offered(backlog: &mut Backlog, now: Instant) -> Vec<(u64, Op)> {
        let mut given = Vec::new();
        backlog.offer(now, |token, op| {
            given.push((token, op));
            true
        });
        given
    }

    #[test]
    fn refused_rows_come_again_in_order_with_those_that_depend_on_them() {
        let mut backlog = Backlog::default();
        let now = Instant::ZERO + Duration::from_secs(1);
        for (token, op) in [(1, count(1)), (2, close(1)), (3, count(2)), (4, close(9))] {
            backlog.push(token, op);
        }
        assert_eq!(offered(&mut backlog, now).len(), 4);
        backlog.push(5, count(3));
        assert_eq!(backlog.acknowledged(now, 1, &error(ErrorKind::DiskFull)), Fate::Kept);
        assert_eq!(backlog.acknowledged(now, 2, &error(ErrorKind::NotFound)), Fate::Kept);
        assert_eq!(backlog.acknowledged(now, 3, &Ok(())), Fate::Final);
        assert_eq!((offered(&mut backlog, now).len(), backlog.poll_timeout()), (0, None), "row 4 may still be refused");
        assert_eq!(backlog.acknowledged(now, 4, &error(ErrorKind::Busy)), Fate::Kept);
        assert_eq!(backlog.poll_timeout(), Some(now + AGAIN));
        assert!(offered(&mut backlog, now).is_empty());
        let again: Vec<u64> = offered(&mut backlog, now + AGAIN).into_iter().map(|(token, _)| token).collect();
        assert_eq!(again, [1, 2, 4, 5]);
        assert_eq!(backlog.acknowledged(now, 1, &Ok(())), Fate::Final);
        // Nothing is kept now, so what is not there is not there.
        assert_eq!(backlog.acknowledged(now, 2, &error(ErrorKind::NotFound)), Fate::Final);
        assert_eq!(backlog.len(), 2);
    }

    #[test]
    fn an_older_state_of_a_lead_does_not_come_after_a_newer_one() {
        let mut backlog = Backlog::default();
        let now = Instant::ZERO + Duration::from_secs(1);
        for (token, op) in [(1, state(7, "waiting")), (2, state(8, "waiting")), (3, state(7, "done"))] {
            backlog.push(token, op);
        }
        offered(&mut backlog, now);
        backlog.acknowledged(now, 1, &error(ErrorKind::Busy));
        backlog.acknowledged(now, 2, &error(ErrorKind::Busy));
        backlog.acknowledged(now, 3, &Ok(()));
        assert_eq!(offered(&mut backlog, now + AGAIN), [(2, state(8, "waiting"))]);
    }

    fn evidence(attempt: u64) -> Op {
        Op::AmdEvidence(Box::new(store::AmdEvidenceRow {
            tenant: TENANT,
            attempt: AttemptId(attempt),
            campaign: base::CampaignId(1),
            number: "+12125550100".into(),
            at: WallTime::from_unix_us(1),
            mode: "on".into(),
            handling: "acted".into(),
            share_ppm: 10_000,
            verdict: "machine".into(),
            cause: "NET".into(),
            verdict_ms: 2_000,
            utterance_end_ms: None,
            detector: "default".into(),
            model: None,
            rules: "{}".into(),
            codec: "PCMU".into(),
            packets: 100,
            lost: 0,
            person_ppm: None,
            shadow: None,
            trace: vec![1; 1_400],
            features: vec![1; 10_800],
            kept_until: Some(WallTime::from_unix_us(9)),
            audio: vec![1; 64_000],
            audio_until: Some(WallTime::from_unix_us(9)),
        }))
    }

    #[test]
    fn evidence_has_its_room_and_beyond_it_only_the_verdict_is_kept() {
        let mut backlog = Backlog::default();
        let now = Instant::ZERO + Duration::from_secs(1);
        let fit = (EVIDENCE_BYTES_MAX / 76_200) as u64;
        assert!((1..=fit).all(|n| backlog.push(n, evidence(n))));
        assert!(!backlog.push(fit + 1, evidence(fit + 1)));
        assert!(backlog.push(fit + 2, count(1)), "what weighs nothing has room");
        assert_eq!((backlog.len() as u64, backlog.evidence_bytes()), (fit + 2, fit as usize * 76_200));
        let given = offered(&mut backlog, now);
        let Op::AmdEvidence(bare) = &given[fit as usize].1 else { panic!("{:?}", given.last()) };
        assert!(bare.trace.is_empty() && bare.audio.is_empty() && bare.audio_until.is_none());
        assert_eq!((bare.verdict.as_str(), bare.kept_until.is_some()), ("machine", true));
        // Room comes back with each row that is written, and not with one that is kept for later.
        assert_eq!(backlog.acknowledged(now, 1, &Ok(())), Fate::Final);
        assert_eq!(backlog.acknowledged(now, 2, &error(ErrorKind::DiskFull)), Fate::Kept);
        assert_eq!(backlog.evidence_bytes(), (fit as usize - 1) * 76_200);
        for token in 3..=fit + 2 {
            backlog.acknowledged(now, token, &Ok(()));
        }
        assert_eq!(backlog.evidence_bytes(), 76_200);
    }

    #[test]
    fn an_intent_is_never_kept() {
        let mut backlog = Backlog::default();
        let now = Instant::ZERO + Duration::from_secs(1);
        backlog.push(
            1,
            Op::Intent(store::AttemptIntentRow {
                tenant: TENANT,
                attempt: AttemptId(1),
                campaign: base::CampaignId(1),
                lead: LeadId(1),
                attempt_number: 1,
                number: "+12125550100".into(),
                trunk: "t".into(),
                caller_id: None,
                at: WallTime::from_unix_us(1),
                consent_allowed: true,
                consent_rule: "r".into(),
                consent_proof: None,
                why: "{}".into(),
            }),
        );
        offered(&mut backlog, now);
        assert_eq!(backlog.acknowledged(now, 1, &error(ErrorKind::DiskFull)), Fate::Final);
        assert!(backlog.is_empty());
    }
}
