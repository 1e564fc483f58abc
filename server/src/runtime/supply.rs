//! Leads for campaigns: what they want is asked of the feeder, what it brings is made ready for the dialer.

use super::Runtime;
use crate::feeder::{FedLead, History, Left, Page, Question, Screens, Source};
use base::{CampaignId, Duration, Instant, WallTime};
use dialer::{Input, Lead, LeadState, NextNumber, Number, Outcome, zone_of_record};
use std::sync::Arc;

/// A supply whose page could not be read is asked again after this time.
const FEED_AGAIN: Duration = Duration::from_secs(1);
/// A supply that has nothing for now is asked again after this time: a promised moment is kept to the minute.
const FEED_LATER: Duration = Duration::from_secs(20);
/// Leads brought after which a campaign lets go of what waits for long and of what is over: of some 250 bytes each.
const HOPPER_LEADS: usize = 20_000;
/// What waits for longer than this is let go.
const HOPPER_AHEAD: Duration = Duration::from_secs(15 * 60);

/// Where a campaign's leads come from.
pub(super) struct Supply {
    source: Arc<Source>,
    /// Of its source; answers to questions of another are old.
    generation: u64,
    /// Its lists have nothing more.
    exhausted: bool,
    /// A question is out.
    asked: bool,
    /// A list has grown while a question was out.
    grew: bool,
    pub(super) room: usize,
    /// Leads brought since the campaign let some go.
    brought: usize,
    /// Not asked before this moment: the last page could not be read, or had nothing for now.
    again_at: Option<Instant>,
}

impl Supply {
    fn of(source: Source, generation: u64) -> Supply {
        Supply {
            source: Arc::new(source),
            generation,
            exhausted: false,
            asked: false,
            grew: false,
            room: 0,
            brought: 0,
            again_at: None,
        }
    }
}

impl Runtime {
    /// Feeds a campaign from lists of the store, page by page as it asks for more. A campaign that was fed from another
    /// source forgets what it holds of it.
    pub fn supply(&mut self, campaign: CampaignId, source: Source) {
        self.generation += 1;
        if self.supplies.insert(campaign, Supply::of(source, self.generation)).is_some() {
            let now = self.clock.now();
            self.conductor.handle_input(now, Input::LetGo { campaign, until: None });
            self.forget(campaign);
        }
    }

    /// New leads stand behind those that were read, so reading goes on where it stopped.
    pub(super) fn look_again(&mut self, campaign: CampaignId) {
        if let Some(supply) = self.supplies.get_mut(&campaign) {
            supply.exhausted = false;
            supply.grew = supply.asked;
            supply.again_at = None;
            supply.room = supply.room.max(store::PAGE_ROWS_MAX as usize);
        }
        self.feed(campaign);
    }

    /// The feeder may be full and waits for nobody here, nor this thread for it: it hears of it then or a little later.
    pub(super) fn forget(&mut self, campaign: CampaignId) {
        if !self.feeder.forget(campaign) {
            self.let_go.insert(campaign);
        }
    }

    pub(super) fn feed_again(&mut self, now: Instant) {
        for campaign in std::mem::take(&mut self.let_go) {
            self.forget(campaign);
        }
        let due = |supply: &Supply| supply.again_at.is_some_and(|at| at <= now) && !supply.asked;
        let campaigns: Vec<CampaignId> =
            self.supplies.iter().filter(|(_, supply)| due(supply)).map(|(campaign, _)| *campaign).collect();
        for campaign in campaigns {
            self.feed(campaign);
        }
    }

    pub(super) fn feed(&mut self, campaign: CampaignId) {
        let now = self.clock.now();
        let at = self.conductor.anchor().wall_at(now);
        let Some(supply) = self.supplies.get_mut(&campaign).filter(|supply| !supply.exhausted && !supply.asked) else {
            return;
        };
        let limit = u32::try_from(supply.room).unwrap_or(u32::MAX).min(store::PAGE_ROWS_MAX);
        if limit == 0 {
            return;
        }
        if self.let_go.contains(&campaign) {
            // What it was brought now would be forgotten with the rest.
            supply.again_at = Some(now + FEED_AGAIN);
            return;
        }
        if supply.again_at.is_some_and(|again| again > now) {
            return;
        }
        // What waits for long, and what is over, is the store's: it comes again when it is time.
        if supply.brought >= HOPPER_LEADS {
            supply.brought = 0;
            let until = WallTime::from_unix_us(at.as_unix_us() + HOPPER_AHEAD.as_us() as i64);
            self.conductor.handle_input(now, Input::LetGo { campaign, until: Some(until) });
        }
        let held = self.conductor.leads_held(campaign);
        let Some(supply) = self.supplies.get_mut(&campaign) else { return };
        let (source, generation) = (Arc::clone(&supply.source), supply.generation);
        supply.asked = self.feeder.ask(Question { campaign, generation, source, limit, at, held, number: None });
        if !supply.asked {
            supply.again_at = Some(now + FEED_AGAIN);
        }
        // Until the page is here nobody may take the list for dialled out.
        self.conductor.handle_input(now, Input::SupplyAway { campaign });
    }

    /// A number has a consent now, or was taken off the do-not-call set: its leads are looked at again.
    pub(super) fn feed_number(&mut self, campaign: CampaignId, number: Number) {
        let at = self.conductor.anchor().wall_at(self.clock.now());
        let Some(supply) = self.supplies.get(&campaign) else { return };
        let (source, generation, number) = (Arc::clone(&supply.source), supply.generation, Some(number.to_string()));
        let limit = store::PAGE_ROWS_MAX;
        if !self.feeder.ask(Question { campaign, generation, source, limit, at, held: Vec::new(), number }) {
            tracing::warn!("too many questions wait: campaign {campaign} is brought all its leads again");
            self.supply_again(campaign);
        }
    }

    /// Other lists of numbers are in force: what campaigns hold is brought again, judged by them.
    pub(super) fn screened(&mut self, screens: Screens) {
        let Screens { do_not_call, reassigned, latest } = screens;
        let now = self.clock.now();
        self.conductor.handle_input(now, Input::Screens { do_not_call, reassigned });
        if self.screens_latest.replace(latest).is_some_and(|before| before != latest) {
            let campaigns: Vec<CampaignId> = self.supplies.keys().copied().collect();
            for campaign in campaigns {
                self.supply_again(campaign);
            }
        }
    }

    /// What a campaign holds is brought again.
    fn supply_again(&mut self, campaign: CampaignId) {
        if let Some(source) = self.supplies.get(&campaign).map(|supply| (*supply.source).clone()) {
            self.supply(campaign, source);
        }
    }

    pub(super) fn fed(&mut self, page: Page) {
        let Question { campaign, generation, number, .. } = page.question;
        let now = self.clock.now();
        let Some(supply) = self.supplies.get_mut(&campaign) else { return };
        if supply.generation != generation {
            return; // the campaign was given another source meanwhile
        }
        if number.is_some() {
            match page.leads {
                Ok((rows, _)) => self.add_leads(campaign, rows),
                Err(error) => {
                    tracing::warn!("{error}; campaign {campaign} is brought all its leads again");
                    self.supply_again(campaign);
                }
            }
            return;
        }
        supply.asked = false;
        let (rows, left) = match page.leads {
            Ok(page) => page,
            Err(error) => {
                if supply.again_at.replace(now + FEED_AGAIN).is_none() {
                    tracing::warn!("{error}; campaign {campaign} goes on with the leads it has");
                }
                self.conductor.handle_input(now, Input::SupplyAway { campaign });
                return;
            }
        };
        let grew = std::mem::take(&mut supply.grew);
        supply.exhausted = left == Left::Nothing && !grew;
        supply.again_at = match left {
            Left::Later if !grew => Some(now + FEED_LATER),
            Left::More if rows.is_empty() => Some(now + FEED_AGAIN),
            _ => None,
        };
        supply.room = supply.room.saturating_sub(rows.len());
        supply.brought += rows.len();
        let waits = supply.again_at.is_some();
        self.add_leads(campaign, rows);
        if waits {
            // It goes on with those that it has, and is not finished without the others.
            self.conductor.handle_input(now, Input::SupplyAway { campaign });
        } else if grew {
            self.feed(campaign);
        }
    }

    /// What is settled is not offered; a lead that was being dialled when a process died is (its attempt counts), and one
    /// that was blocked is, since the gate may think otherwise now, but for numbers that do not exist.
    fn add_leads(&mut self, campaign: CampaignId, rows: Vec<FedLead>) {
        let now = self.clock.now();
        let mut leads = Vec::with_capacity(rows.len());
        for FedLead { row, now: here, was_tried, outcomes, next, callback } in rows {
            let Some(number) = self.known(here.number.as_str(), here.history, row.lead) else { continue };
            let next = next.into_iter().filter_map(|next| {
                let number = self.known(next.number.as_str(), next.history, row.lead)?;
                Some(NextNumber { number, consent: next.consent, screened: next.screened })
            });
            let next: Vec<NextNumber> = next.collect();
            let is = |state: LeadState| row.state == state.name();
            let last_outcome = row.last_outcome.as_deref().and_then(Outcome::named);
            let bad = was_tried && last_outcome == Some(Outcome::BadNumber);
            let settled = is(LeadState::Done) || (is(LeadState::Blocked) && bad);
            if settled && callback.is_none() {
                continue;
            }
            let listed = Number::parse(&row.number).ok();
            leads.push(Lead {
                listed,
                next,
                segment: row.segment.as_deref().map(group_of),
                timezone: zone_of_record(row.timezone.as_deref(), row.region.as_deref(), listed.unwrap_or(number)),
                consent: here.consent,
                screened: here.screened,
                attempts_made: row.attempt_number,
                last_attempt: row.last_attempt_at.filter(|_| was_tried),
                abandoned_at: row.last_attempt_at.filter(|_| last_outcome == Some(Outcome::Abandoned)),
                last_outcome: last_outcome.filter(|_| was_tried),
                outcomes: outcomes.iter().filter_map(|(name, times)| Some((Outcome::named(name)?, *times))).collect(),
                next_at: row.next_at,
                callback,
                ..Lead::new(row.lead, number)
            });
        }
        self.conductor.handle_input(now, Input::AddLeads { campaign, leads });
    }

    /// A number of a lead whose history the dialer is told, also of a settled lead: it may stand on another list. `None` for
    /// what is no number.
    fn known(&mut self, number: &str, history: History, lead: base::LeadId) -> Option<Number> {
        let Ok(number) = Number::parse(number) else {
            // The import admits only numbers in international form; a row changed by hand may hold anything.
            tracing::warn!("lead {lead} is not dialled: its number is no number; correct the row");
            return None;
        };
        let History { attempts, abandoned, machine } = history;
        if !attempts.is_empty() || abandoned.is_some() {
            let now = self.clock.now();
            self.conductor.handle_input(now, Input::History { number, attempts, abandoned, machine });
        }
        Some(number)
    }
}

/// A number that stands for a segment's name (FNV-1a, 32 bits): two names in a million share one.
fn group_of(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
