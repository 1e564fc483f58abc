//! One campaign's side of the world: its leads, what becomes of them, and how its answer rate moves.

use base::{CampaignId, LeadId, Seed, Stream};

use super::callee::CalleeModel;
use crate::io::Input;
use crate::lead::{Lead, Number};
use crate::scenario::{Scenario, ScenarioError, SegmentModel, normal};

/// Leads are given in batches of this size: about twenty minutes of a 20-agent day.
const BATCH: u64 = 5_000;
/// The drift of the answer rate moves in steps of this length, so that it does not depend on who dials when.
const DRIFT_STEP_S: f64 = 10.0;
/// Leads of one campaign; the next campaign's ids begin after them.
const LEADS_MAX: u64 = 10_000_000_000;

/// See the module's page.
pub(super) struct Market {
    index: u64,
    /// From an hour of the day on; the first is the scenario itself.
    stages: Vec<(f64, CalleeModel)>,
    seed: Seed,
    day_factor: f64,
    drift: f64,
    drift_steps: u64,
    drift_stream: Stream,
    next_lead: u64,
    supply: u64,
    leads_wanted: bool,
}

impl Market {
    /// Of the `index`-th campaign, from 0.
    pub(super) fn new(index: usize, scenario: &Scenario, seed: Seed) -> Result<Market, ScenarioError> {
        let stages = scenario.stages()?.into_iter().map(|(at_h, stage)| (at_h, CalleeModel::new(&stage))).collect();
        Ok(Market {
            index: index as u64,
            stages,
            seed,
            day_factor: 1.0,
            drift: 0.0,
            drift_steps: 0,
            drift_stream: seed.stream("drift", 0),
            next_lead: 1,
            supply: 0,
            leads_wanted: true,
        })
    }

    pub(super) fn campaign(&self) -> CampaignId {
        CampaignId(self.index + 1)
    }

    /// Hours at which the values change, without the first.
    pub(super) fn changes(&self) -> Vec<f64> {
        self.stages[1..].iter().map(|(at_h, _)| *at_h).collect()
    }

    /// What happens to calls in a stage.
    pub(super) fn model(&self, stage: usize) -> &CalleeModel {
        &self.stages[stage].1
    }

    /// A new day: its factor, its drift, its leads.
    pub(super) fn day_starts(&mut self, day: u32, inbox: &mut impl Extend<Input>) {
        let dial = &self.stages[0].1.scenario().dial;
        // The first campaign's days are those of a run with one campaign.
        let stream = u64::from(day) | (self.index << 32);
        let normal_draw = normal(&mut self.seed.stream("day", stream));
        self.day_factor = (dial.day_sd * normal_draw - dial.day_sd * dial.day_sd / 2.0).exp();
        self.drift_stream = self.seed.stream("drift", stream);
        self.drift = dial.drift_sd * normal(&mut self.drift_stream);
        self.drift_steps = 0;
        self.supply = self.stages[0].1.scenario().lead_supply;
        if self.leads_wanted {
            self.add_leads(inbox);
        }
    }

    /// The next leads, if there are any.
    pub(super) fn add_leads(&mut self, inbox: &mut impl Extend<Input>) {
        let count = BATCH.min(self.supply).min(LEADS_MAX - self.next_lead);
        self.leads_wanted = count == 0;
        if count == 0 {
            return;
        }
        self.supply -= count;
        // Fictional numbers: digits 1 555 (1 556 in the second campaign …) and a count of ten digits, never dialled.
        let first = self.index * LEADS_MAX + self.next_lead;
        let number = |lead: u64| Number::parse(&format!("155{}{:010}", 5 + self.index, lead % LEADS_MAX));
        let leads = (first..first + count)
            .filter_map(|lead| {
                let segment = self.segment(lead).map(|segment| segment as u32);
                number(lead).ok().map(|number| Lead { segment, ..Lead::new(LeadId(lead), number) })
            })
            .collect();
        self.next_lead += count;
        inbox.extend([Input::AddLeads { campaign: self.campaign(), leads }]);
    }

    /// The segment of a lead; `None`: it is in none.
    fn segment(&self, lead: u64) -> Option<usize> {
        let segments = &self.stages[0].1.scenario().segment;
        if segments.is_empty() {
            return None;
        }
        let place = self.seed.stream("segment", lead).unit();
        let mut upto = 0.0;
        segments.iter().position(|segment| {
            upto += segment.share;
            place < upto
        })
    }

    /// Factor on the share of persons among calls to this lead.
    pub(super) fn segment_factor(&self, stage: usize, lead: LeadId) -> f64 {
        let scenario = self.stages[stage].1.scenario();
        self.segment(lead.0).map_or(1.0, |segment| scenario.segment[segment].human / scenario.dial.human)
    }

    /// The same over all leads.
    fn mean_segment_factor(&self, stage: usize) -> f64 {
        let scenario = self.stages[stage].1.scenario();
        let more = |segment: &SegmentModel| segment.share * (segment.human / scenario.dial.human - 1.0);
        1.0 + scenario.segment.iter().map(more).sum::<f64>()
    }

    /// Of calls dialled so many seconds after the start of the day, the share that will be offered to agents.
    pub(super) fn share(&mut self, stage: usize, passed_s: f64) -> f64 {
        let factor = self.human_factor(stage, passed_s) * self.mean_segment_factor(stage);
        self.stages[stage].1.offered_share(factor)
    }

    /// Factor on the share of persons, so many seconds after the start of the day.
    pub(super) fn human_factor(&mut self, stage: usize, passed_s: f64) -> f64 {
        let dial = &self.stages[stage].1.scenario().dial;
        let steps = (passed_s / DRIFT_STEP_S) as u64;
        let keep = (-DRIFT_STEP_S / (dial.drift_min * 60.0)).exp();
        let kick = dial.drift_sd * (1.0 - keep * keep).sqrt();
        while self.drift_steps < steps {
            self.drift_steps += 1;
            self.drift = self.drift * keep + kick * normal(&mut self.drift_stream);
        }
        let hour = (passed_s / 3_600.0) as usize;
        let shape = dial.hour_shape[hour.min(dial.hour_shape.len() - 1)];
        shape * self.day_factor * (self.drift - dial.drift_sd * dial.drift_sd / 2.0).exp()
    }
}
