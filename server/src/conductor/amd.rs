//! Answer detection around a call: what a verdict leaves behind, and what its labels say later.

use super::{Conductor, Output};
use crate::amd::listening::Judged;
use crate::control::views::AmdDrift;
use base::{AttemptId, CampaignId, Instant};
use codecs::g711::Law;
use detect::{Decision, Evidence};
use dialer::Input;
use media::session::Stats;

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
