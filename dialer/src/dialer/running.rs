//! A campaign under way.

use base::{Instant, LeadId, Stream};

use super::{SUPPLY_ANSWERS, pool};
use crate::amd::{AmdMeasured, AuditDraw};
use crate::campaign::CampaignConfig;
use crate::compliance::{Gate, Zones, zone_of};
use crate::io::OutcomeCounts;
use crate::lead::{Lead, Number};
use crate::ledger::Ledger;
use crate::list::List;
use crate::pacing::{Calibration, Pacer, Reason};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunState {
    Stopped,
    Running,
    Paused,
    Finished,
}

impl RunState {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            RunState::Stopped => "stopped",
            RunState::Running => "running",
            RunState::Paused => "paused",
            RunState::Finished => "finished",
        }
    }
}

pub(crate) struct Campaign {
    pub(crate) config: CampaignConfig,
    pub(crate) zone: u32,
    pub(crate) state: RunState,
    /// When the state began.
    pub(crate) since: Instant,
    pub(crate) list: List,
    pub(crate) ledger: Ledger,
    pub(crate) pacer: Box<dyn Pacer>,
    pub(crate) stream: Stream,
    pub(crate) audit: AuditDraw,
    /// Takes the place of the profile's estimate of persons lost to detection.
    pub(crate) amd_measured: Option<AmdMeasured>,
    pub(crate) why: Reason,
    pub(crate) planned_end: Option<Instant>,
    /// Since when `LeadsWanted` is out and not answered.
    pub(crate) wanted: Option<Instant>,
    /// The supplier cannot answer now.
    pub(crate) supply_away: bool,
    pub(crate) attempts: u64,
    pub(crate) open_attempts: u32,
    pub(crate) outcomes: OutcomeCounts,
    pub(crate) calibration: Calibration,
    pub(super) share: pool::Share,
    /// Without agents, by rate: no new call before.
    pub(crate) next_call: Instant,
    /// And one is wanted then.
    pub(crate) call_due: Option<Instant>,
}

impl Campaign {
    /// Changes the state; the same again is no change.
    pub(crate) fn enter(&mut self, now: Instant, state: RunState) {
        if self.state != state {
            (self.state, self.since) = (state, now);
        }
    }

    /// The zone of a lead where something says one: what the record says of the person, else what the number says. People
    /// take numbers along, so a further number's area does not go before the record either.
    pub(super) fn zone_name<'a>(&self, lead: &'a Lead) -> Option<&'a str> {
        lead.timezone.as_deref().or(zone_of(lead.number))
    }

    /// A lead has gone on to another number: in its zone, and spared as its person is.
    pub(super) fn went_on(&mut self, zones: &mut Zones, gate: &mut Gate, lead: LeadId, to: Option<Number>) {
        if let Some(number) = to
            && let Some(entry) = self.list.entry(lead)
        {
            if let Some(at) = entry.lead.abandoned_at {
                gate.abandoned(number, at.as_unix_us());
            }
            // Its record's name was known when it was added, and a number's is always.
            let zone = self.zone_name(&entry.lead).and_then(|name| zones.callee(name)).unwrap_or(self.zone);
            self.list.set_zone_of(lead, zone);
        }
    }

    /// Leads were asked for, and a supplier that had any would have answered: what the list holds is all there is.
    pub(crate) fn supply_over(&self, now: Instant) -> bool {
        !self.supply_away && self.wanted.is_some_and(|since| now.since(since) >= SUPPLY_ANSWERS)
    }
}
