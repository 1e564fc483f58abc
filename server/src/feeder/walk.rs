//! How far the feeder has come in the lists of each campaign.

use super::{Left, Question, Source};
use base::{CampaignId, LeadId, ListId, WallTime};
use dialer::{Number, ZoneHours, zone_of, zone_of_region};
use std::collections::{BTreeMap, BTreeSet};
use store::{Due, DueBy, Fresh, LeadOrder, LeadRow, PAGE_ROWS_MAX, Place, Store, StoreError, TenantId, Walk};

/// Leads whose moment comes within this time are brought before it, so that they go out at it.
const DUE_AHEAD_US: i64 = 60_000_000;
/// Pages of leads that one question reads in vain: of leads that the campaign holds, and of closed zones that only each
/// number tells.
const PAGES_IN_VAIN: usize = 20;
/// What is being dialled now, or was when a process died.
const DIALLING: &str = "dialling";
/// States in which a process leaves leads that it had in memory; and what the gate has blocked, since it may think
/// otherwise now.
const LEFT_OVER: [&str; 3] = [DIALLING, "ready", "blocked"];

/// Of all campaigns.
#[derive(Default)]
pub(super) struct Walks {
    campaigns: BTreeMap<CampaignId, Campaign>,
    hours: ZoneHours,
    /// The moment of the first question: whoever was dialled since is this process's own.
    begun: Option<WallTime>,
    /// What campaigns hold: as they said with their last question, and what they were brought since.
    held: BTreeMap<CampaignId, BTreeSet<LeadId>>,
}

#[derive(Clone)]
pub(super) struct Campaign {
    generation: u64,
    lists: Vec<List>,
    /// Lists of the mix that were not there.
    missing: bool,
}

/// One list of a campaign.
#[derive(Clone)]
struct List {
    list: ListId,
    weight: u32,
    /// Which of [`LEFT_OVER`], and after which lead.
    left_over: (usize, Option<LeadId>),
    /// After which waiting lead the next question looks on; `None`: from the beginning.
    due: Option<Place>,
    zones: BTreeMap<Option<String>, Zone>,
    /// How much of the mix it has had, in units of leads by weight.
    had: f64,
}

#[derive(Clone, Default)]
struct Zone {
    walk: Walk,
    was_closed: bool,
    /// The walk has come by leads whose own place is closed: they are there when it is over.
    passed_by: bool,
}

/// What one list brought.
struct Brought {
    rows: Vec<LeadRow>,
    left: Left,
}

impl Walks {
    /// The lists of a campaign, found by their names when its source is new.
    pub(super) fn lists(
        &mut self,
        store: &Store,
        tenant: TenantId,
        question: &Question,
    ) -> Result<Vec<ListId>, StoreError> {
        let known = self.campaigns.get_mut(&question.campaign).filter(|here| here.generation == question.generation);
        match known {
            Some(here) if here.missing => {
                let (lists, missing) = found(store, tenant, &question.source, false)?;
                here.missing = missing;
                let new = lists.into_iter().filter(|new| here.lists.iter().all(|list| list.list != new.list));
                let new: Vec<List> = new.collect();
                here.lists.extend(new);
            }
            Some(_) => {}
            None => {
                let (lists, missing) = found(store, tenant, &question.source, true)?;
                self.campaigns.insert(question.campaign, Campaign { generation: question.generation, lists, missing });
            }
        }
        Ok(self.campaigns.get(&question.campaign).map_or(Vec::new(), |c| c.lists.iter().map(|l| l.list).collect()))
    }

    /// A campaign holds nothing, and begins anew with its next question.
    pub(super) fn forget(&mut self, campaign: CampaignId) {
        self.campaigns.remove(&campaign);
        self.held.remove(&campaign);
    }

    /// Another campaign that dials this list has the lead in hand.
    pub(super) fn others_hold(&self, campaign: CampaignId, row: &LeadRow) -> bool {
        let others = self.held.iter().filter(|(other, _)| **other != campaign);
        others.map(|(_, held)| held).any(|held| held.contains(&row.lead))
    }

    /// How far a campaign has come, for [`Walks::back_to`].
    pub(super) fn place(&self, campaign: CampaignId) -> Option<Campaign> {
        self.campaigns.get(&campaign).cloned()
    }

    /// What was brought since did not arrive.
    pub(super) fn back_to(&mut self, campaign: CampaignId, place: Option<Campaign>) {
        match place {
            Some(place) => self.campaigns.insert(campaign, place),
            None => self.campaigns.remove(&campaign),
        };
    }

    /// The next leads of all its lists, mixed by weight.
    pub(super) fn next(
        &mut self,
        store: &Store,
        tenant: TenantId,
        question: &Question,
    ) -> Result<(Vec<LeadRow>, Left), StoreError> {
        let all = self.lists(store, tenant, question)?;
        let begun = *self.begun.get_or_insert(question.at);
        self.held.insert(question.campaign, question.held.iter().copied().collect());
        let others: Vec<&BTreeSet<LeadId>> =
            self.held.iter().filter(|(other, _)| **other != question.campaign).map(|(_, held)| held).collect();
        let Some(campaign) = self.campaigns.get_mut(&question.campaign) else { return Ok((Vec::new(), Left::Nothing)) };
        let taker_of = |list| Taker {
            store,
            tenant,
            question,
            others: &others,
            list,
            all: &all,
            begun,
            withheld: false,
            rows: Vec::new(),
        };
        let limit = question.limit.min(PAGE_ROWS_MAX) as usize;
        let weights: f64 = campaign.lists.iter().map(|list| f64::from(list.weight)).sum();
        let mut brought: Vec<Brought> = Vec::new();
        let mut count = 0;
        for list in &mut campaign.lists {
            let share = (limit as f64 * f64::from(list.weight) / weights.max(1.0)).ceil() as usize;
            let mut taker = taker_of(list.list);
            let part = list.next(&mut taker, &mut self.hours, share.min(limit), true)?;
            count += part.rows.len();
            brought.push(part);
        }
        // What a list lacks, the others bring.
        for (list, part) in campaign.lists.iter_mut().zip(&mut brought) {
            if count < limit && part.left == Left::More && !part.rows.is_empty() {
                let mut taker = taker_of(list.list);
                // Those that are due have all been looked at, unless there were more.
                let due = list.due.is_some();
                let more = list.next(&mut taker, &mut self.hours, limit - count, due)?;
                count += more.rows.len();
                part.rows.extend(more.rows);
                part.left = more.left;
            }
        }
        let left = if brought.iter().any(|part| part.left == Left::More) {
            Left::More
        } else if brought.iter().any(|part| part.left == Left::Later) {
            Left::Later
        } else {
            Left::Nothing
        };
        if left != Left::More {
            // The next question, which comes later or when a list has grown, looks at the beginning again.
            campaign.lists.iter_mut().for_each(|list| list.zones.clear());
        }
        let rows = mixed(&mut campaign.lists, brought);
        self.held.entry(question.campaign).or_default().extend(rows.iter().map(|row| row.lead));
        Ok((rows, left))
    }
}

/// The lists of a source with their weights, and whether some are missing; `first` says so in the log.
fn found(store: &Store, tenant: TenantId, source: &Source, first: bool) -> Result<(Vec<List>, bool), StoreError> {
    let mut weights = vec![(source.list, 1)];
    let mut missing = false;
    for (name, weight) in &source.mix {
        match store.find_list(tenant, name)? {
            Some(list) if list == source.list => weights[0].1 = *weight,
            Some(list) if weights.iter().all(|(there, _)| *there != list) => weights.push((list, *weight)),
            Some(_) => {}
            None => {
                missing = true;
                if first {
                    tracing::warn!(
                        "list {name:?} of a campaign's mix is not there; the others are dialled until it is"
                    );
                }
            }
        }
    }
    let lists = weights.into_iter().map(|(list, weight)| List {
        list,
        weight,
        left_over: (0, None),
        due: None,
        zones: BTreeMap::new(),
        had: 0.0,
    });
    Ok((lists.collect(), missing))
}

/// Rows of several lists in turn, so that each has had its share at every moment.
fn mixed(lists: &mut [List], brought: Vec<Brought>) -> Vec<LeadRow> {
    let mut queues: Vec<_> = brought.into_iter().map(|part| part.rows.into_iter().peekable()).collect();
    let mut rows = Vec::new();
    loop {
        let waiting = (0..queues.len()).filter(|n| queues[*n].len() > 0);
        let Some(n) = waiting.min_by(|a, b| lists[*a].had.total_cmp(&lists[*b].had)) else { break };
        lists[n].had += 1.0 / f64::from(lists[n].weight.max(1));
        rows.extend(queues[n].next());
    }
    // A list that was empty for long does not catch up.
    let least = lists.iter().map(|list| list.had).fold(f64::MAX, f64::min);
    lists.iter_mut().for_each(|list| list.had = (list.had - least).min(1.0));
    rows
}

impl List {
    /// The next leads, at most `want`; those that are due only with `due`.
    fn next(
        &mut self,
        taker: &mut Taker<'_>,
        hours: &mut ZoneHours,
        want: usize,
        due: bool,
    ) -> Result<Brought, StoreError> {
        self.left_over(taker, want)?;
        // By the last attempt: who was never dialled comes before all others.
        let fresh_first = taker.question.source.order == LeadOrder::LastAttempt;
        let mut left = Left::Nothing;
        for is_fresh in [fresh_first, !fresh_first] {
            if taker.rows.len() >= want {
                left = Left::More;
            } else if is_fresh {
                left = left.max_of(self.fresh(taker, hours, want)?);
            } else if due {
                left = left.max_of(taker.due(want, &mut self.due)?);
            } else {
                left = left.max_of(Left::Later);
            }
        }
        if taker.withheld {
            left = left.max_of(Left::Later);
        }
        Ok(Brought { rows: std::mem::take(&mut taker.rows), left })
    }

    /// What a process before left; once.
    fn left_over(&mut self, taker: &mut Taker<'_>, want: usize) -> Result<(), StoreError> {
        while let Some(state) = LEFT_OVER.get(self.left_over.0)
            && taker.rows.len() < want
        {
            let limit = (want - taker.rows.len()) as u32;
            let rows = taker.store.leads_in(taker.tenant, self.list, state, self.left_over.1, limit)?;
            let whole = rows.len() == limit as usize;
            self.left_over.1 = rows.last().map(|row| row.lead);
            // The gate looks at blocked leads again, and the filter is for those that were not begun.
            // What is being dialled since this process began is in somebody's hands.
            let begun = taker.begun;
            let is_left = |row: &LeadRow| *state != DIALLING || row.last_attempt_at.is_none_or(|at| at < begun);
            taker.take(rows.into_iter().filter(is_left));
            if !whole {
                self.left_over = (self.left_over.0 + 1, None);
            }
        }
        Ok(())
    }

    /// Leads that were never dialled, of zones that are open.
    fn fresh(&mut self, taker: &mut Taker<'_>, hours: &mut ZoneHours, want: usize) -> Result<Left, StoreError> {
        let source = &taker.question.source;
        let at = taker.question.at;
        let mut later = source.filter.is_some();
        let mut open: Vec<Option<String>> = Vec::new();
        let zones = taker.store.fresh_zones(taker.tenant, self.list)?;
        later &= !zones.is_empty();
        self.zones.retain(|zone, _| zones.contains(zone));
        for zone in zones {
            let name = zone.as_deref().unwrap_or(&source.zone);
            let is_open = hours.are_open(&source.profile, name, at);
            let here = self.zones.entry(zone.clone()).or_default();
            if is_open && std::mem::take(&mut here.was_closed) {
                *here = Zone::default();
            }
            here.was_closed = !is_open;
            // Without a zone each number may have its own.
            if is_open || zone.is_none() {
                open.push(zone);
            } else {
                later = true;
            }
        }
        let mut more = false;
        for (n, zone) in open.iter().enumerate() {
            let Some(here) = self.zones.get_mut(zone) else { continue };
            let share = (want.saturating_sub(taker.rows.len())).div_ceil(open.len() - n);
            let mut in_vain = 0;
            let enough = taker.rows.len() + share;
            while !here.walk.has_ended() && taker.rows.len() < enough && in_vain < PAGES_IN_VAIN {
                let limit = (enough - taker.rows.len()).max(100) as u32;
                let (order, filter) = (source.order, source.filter.as_ref());
                let wanted = Fresh { list: self.list, zone: zone.as_deref(), order, filter, at };
                let (rows, walk) = taker.store.fresh(taker.tenant, &wanted, here.walk, limit)?;
                here.walk = walk;
                let before = taker.rows.len();
                for row in taker.new_numbers(rows)? {
                    if zone.is_none() && !number_is_open(&row, source, hours, at) {
                        here.passed_by = true;
                    } else {
                        taker.take([row]);
                    }
                }
                in_vain += usize::from(taker.rows.len() == before);
            }
            // A walk that the filter, or what is held, has kept from coming to an end goes on from there.
            more |= !here.walk.has_ended();
            later |= here.passed_by;
        }
        Ok(match (more, later) {
            (true, _) => Left::More,
            (false, true) => Left::Later,
            (false, false) => Left::Nothing,
        })
    }
}

/// Whether the hours are open where a person belongs whose record has no zone: by its state or province, else its number.
fn number_is_open(row: &LeadRow, source: &Source, hours: &mut ZoneHours, at: WallTime) -> bool {
    let number = Number::parse(&row.number).ok();
    let region = row.region.as_deref().zip(number).and_then(|(region, number)| zone_of_region(region, number));
    let zone = region.or_else(|| zone_of(number?)).unwrap_or(&source.zone);
    hours.are_open(&source.profile, zone, at)
}

impl Left {
    fn max_of(self, other: Left) -> Left {
        match (self, other) {
            (Left::More, _) | (_, Left::More) => Left::More,
            (Left::Later, _) | (_, Left::Later) => Left::Later,
            (Left::Nothing, Left::Nothing) => Left::Nothing,
        }
    }
}

/// What is taken of one list for one question.
struct Taker<'a> {
    store: &'a Store,
    tenant: TenantId,
    question: &'a Question,
    /// What other campaigns hold.
    others: &'a [&'a BTreeSet<LeadId>],
    list: ListId,
    /// All lists of the campaign.
    all: &'a [ListId],
    /// When this process asked first.
    begun: WallTime,
    /// Another campaign holds some that would have been taken: it may let go of them.
    withheld: bool,
    rows: Vec<LeadRow>,
}

impl Taker<'_> {
    fn take(&mut self, rows: impl IntoIterator<Item = LeadRow>) {
        for row in rows {
            if self.question.held.binary_search(&row.lead).is_ok() {
                continue;
            }
            if self.others.iter().any(|held| held.contains(&row.lead)) {
                self.withheld = true;
            } else {
                self.rows.push(row);
            }
        }
    }

    /// Leads that wait and whose moment has come, or comes soon, from `after` on.
    fn due(&mut self, want: usize, after: &mut Option<Place>) -> Result<Left, StoreError> {
        let (question, at) = (self.question, self.question.at);
        let soon = WallTime::from_unix_us(at.as_unix_us() + DUE_AHEAD_US);
        let by = match question.source.order {
            LeadOrder::LastAttempt => DueBy::LastAttempt,
            LeadOrder::Oldest | LeadOrder::Newest | LeadOrder::Random(_) => DueBy::Moment,
        };
        let wanted = Due { list: self.list, filter: question.source.filter.as_ref(), at, before: soon, by };
        for page in 0.. {
            if self.rows.len() >= want || page == PAGES_IN_VAIN {
                return Ok(Left::More);
            }
            let (rows, more) = self.store.due(self.tenant, &wanted, *after, 0)?;
            *after = more;
            self.take(rows);
            if more.is_none() {
                break;
            }
        }
        // Others wait for longer than that.
        let ever = WallTime::from_unix_us(i64::MAX);
        let wanted = Due { filter: None, before: ever, by: DueBy::Moment, ..wanted };
        let mut beyond = Some((soon, LeadId(0)));
        for _ in 0..PAGES_IN_VAIN {
            let (rows, more) = self.store.due(self.tenant, &wanted, beyond, 0)?;
            if rows.iter().any(|row| self.question.held.binary_search(&row.lead).is_err()) {
                return Ok(Left::Later);
            }
            if more.is_none() {
                return Ok(Left::Nothing);
            }
            beyond = more;
        }
        Ok(Left::Later)
    }

    /// Without those whose number was dialled on another list of the campaign.
    fn new_numbers(&self, rows: Vec<LeadRow>) -> Result<Vec<LeadRow>, StoreError> {
        let others: Vec<ListId> = self.all.iter().copied().filter(|list| *list != self.list).collect();
        if others.is_empty() || rows.is_empty() {
            return Ok(rows);
        }
        let numbers: Vec<String> = rows.iter().map(|row| row.number.clone()).collect();
        let begun = self.store.begun_on(self.tenant, &others, &numbers)?;
        Ok(rows.into_iter().filter(|row| !begun.contains(&row.number)).collect())
    }
}
