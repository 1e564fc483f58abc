//! Answer detection around a call: what a verdict leaves behind, and what its labels say later.

use super::{Answer, Conductor, Output, rows};
use crate::amd::listening::Judged;
use crate::control::Reply;
use crate::control::views::AmdDrift;
use base::{AttemptId, CampaignId, Instant};
use codecs::g711::Law;
use detect::print::{FORMAT, Opening};
use detect::{Decision, Evidence, Verdict};
use dialer::Input;
use media::session::Stats;
use std::sync::Arc;

impl Conductor {
    /// What was heard of a call and what came of its verdict, for the store.
    pub(super) fn keep_evidence(
        &mut self,
        attempt: AttemptId,
        at: Instant,
        decision: Decision,
        evidence: Option<Box<Evidence>>,
        line: Stats,
    ) {
        let (Some(live), Some(handled)) = (self.calls.get(&attempt), self.dialer.amd_handled(attempt)) else { return };
        let settings = self.campaigns.get(&live.campaign).map(|campaign| &campaign.settings);
        let sound_kept = settings.filter(|settings| settings.amd_audio);
        let row = self.config.detection.row(Judged {
            tenant: self.config.tenant,
            attempt,
            campaign: live.campaign,
            number: &live.number,
            at: self.anchor.wall_at(at),
            codec: match live.law {
                Some(Law::Mu) => "PCMU",
                Some(Law::A) => "PCMA",
                None => "",
            },
            decision,
            handled,
            evidence: evidence.map(|evidence| *evidence),
            line,
            sound_kept: sound_kept.map(|settings| base::Duration::from_secs(settings.amd_audio_days * 86_400)),
        });
        self.store(store::Op::AmdEvidence(Box::new(row)));
    }

    /// A known recording speaks in a call: it was met, once a call.
    pub(super) fn recording_met(&mut self, now: Instant, attempt: AttemptId, id: String) {
        let Some(live) = self.calls.get_mut(&attempt).filter(|live| !live.recording_met) else { return };
        live.recording_met = true;
        self.store(store::Op::AmdRecordingMet(self.config.tenant, id, self.anchor.wall_at(now)));
    }

    /// What a call's first words were: the same on three numbers is a recording from then on, which is kept. Calls from now on
    /// are held against what has just been learnt; calls under way go on with what they know.
    pub(super) fn opening_heard(&mut self, now: Instant, attempt: AttemptId, opening: &Opening) {
        let Some(live) = self.calls.get(&attempt) else { return };
        let (tenant, at) = (self.config.tenant, self.anchor.wall_at(now));
        if let Some(known) = self.openings.known().find(opening) {
            return self.recording_met(now, attempt, known.id());
        }
        let said = live.verdict.and_then(|said| Verdict::named(rows::verdict_name(said)));
        if !self.openings.heard(&live.number, opening, said) {
            return;
        }
        let known = Arc::new(self.openings.known().clone());
        if let Some(learnt) = known.last() {
            let (format, line) = (FORMAT.to_owned(), learnt.to_line());
            let row = store::AmdRecordingRow { tenant, recording: learnt.id(), format, line, at };
            self.store(store::Op::AmdRecording(row));
        }
        let text = format!("the same opening on three numbers: {} recordings are known", known.len());
        self.outputs.push_back(Output::Notice(text));
        self.config.detection.know(known);
    }

    /// Forgets a recording. One that this process does not hold, because its row is set aside, goes from the store all the
    /// same.
    pub(super) fn forget_recording(&mut self, id: &str) -> Answer {
        if self.openings.forget(id) {
            self.config.detection.know(Arc::new(self.openings.known().clone()));
        }
        Answer::OnDisk(self.store(store::Op::AmdRecordingGone(self.config.tenant, id.to_owned())), Reply::Done)
    }

    /// What labels say of a campaign's answer detection; whoever watches is told when that has changed.
    pub(super) fn amd_found(
        &mut self,
        now: Instant,
        id: CampaignId,
        measured: Option<dialer::AmdMeasured>,
        drift: Vec<AmdDrift>,
    ) {
        let Some(campaign) = self.campaigns.get_mut(&id) else { return };
        let names = |drift: &[AmdDrift]| drift.iter().map(|one| one.what.clone()).collect::<Vec<_>>();
        let moved = names(&campaign.amd_drift) != names(&drift);
        if moved && !drift.is_empty() {
            let words = names(&drift).join(", ");
            let name = &campaign.name;
            self.outputs.push_back(Output::Notice(format!(
                "answer detection of campaign {name:?} is unlike its last week: {words}"
            )));
        }
        campaign.amd_drift = drift;
        let other = self.dialer.amd_measured_of(id) != measured.as_ref();
        self.dialer.handle_input(now, Input::AmdMeasured { campaign: id, measured });
        if moved || other {
            self.tell_campaign(now, "campaign.amd", id);
        }
    }
}
