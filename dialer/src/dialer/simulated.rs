//! What the simulator alone may do to a dialer: pace by a law that is no mode, tell an oracle how calls will end, and tell
//! a pacer the share of answers that it would have to learn. A live dialer is never told (`tests/tests/layers.rs` looks for other callers).

use base::{AttemptId, CampaignId, Instant};

use super::Dialer;
use crate::pacing::{Foretold, Observation, Pacer};

impl Dialer {
    /// Puts a pacer in place of the mode's own.
    pub(crate) fn pace_with(&mut self, campaign: CampaignId, pacer: Box<dyn Pacer>) {
        if let Some(campaign) = self.campaigns.get_mut(&campaign) {
            campaign.pacer = pacer;
        }
    }

    /// Tells what share of the calls that are launched from now on will be offered to agents.
    pub(crate) fn tell_share(&mut self, now: Instant, campaign: CampaignId, share: f64) {
        if let Some(campaign) = self.campaigns.get_mut(&campaign) {
            campaign.pacer.observe(now, Observation::ShareKnown(share));
        }
    }

    /// Tells how a call that has just been dialled will end.
    pub(crate) fn foretell(&mut self, attempt: AttemptId, foretold: Foretold) {
        if let Some(attempt) = self.attempts.get_mut(&attempt) {
            attempt.foretold = Some(foretold);
        }
    }
}
