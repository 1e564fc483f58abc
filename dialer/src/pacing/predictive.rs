//! The predictive dual controller: launch while the chance that a new call meets no free agent stays under a price;
//! the price follows predicted abandonments, which real ones calibrate; the set point comes from the ledger.
//!
//! For moments τ ahead: supply = idle agents + those free by τ (hazards of talk and wrap-up by age), demand = waiting
//! persons + answers by τ (hazards of ringing by age, at the level of answers that [`super::level`] finds). The k-th new
//! call is offered at τ with a known density; its chance of no agent is the density's mean of the highest
//! P(supply ≤ demand without it) from τ on: a call that is answered early takes the agent of one that rings already.
//! Counting only its own fate forecasts half of what really is abandoned (measured at 20 agents).

use base::{Instant, Stream};
use desk::AgentState;

use super::exact::{Count, EXACT_AGENTS, normal_below};
use super::guard::{Guard, Leeway};
use super::hazard::SpellHazard;
use super::level::Level;
use super::marks::Groups;
use super::rings::{Rings, Row, TAUS};
use super::simple::one_to_one;
use super::storm::Storm;
use super::{
    CallView, Decision, Forecast, Foretold, MOMENTS_S as TAUS_S, Observation, Outlook, Pacer, Reason, RingEnd, Snapshot,
};
use crate::campaign::Mode;

/// Ages of talks and wrap-ups are tabled in steps of 5 s up to 900 s.
const AGE_STEP_S: f64 = 5.0;
const AGE_ROWS: usize = 181;

/// The price at the start.
const PRICE_START: f64 = 0.04;
const PRICE_MIN: f64 = 0.001;
const PRICE_MAX: f64 = 0.6;
/// Abandonments come in clumps: callers who find no agent wait for the same ones. Variance over mean of those that the
/// calls under way bring; 6 in three seconds were seen in a run where one was forecast.
const CLUMPING: f64 = 4.0;
/// The chance at which calls under way may leave more persons without an agent than the ledger bears, at one look. At
/// 1e-3 four of 300 days of 66 minutes with eight agents were over their limit, at 1e-4 none.
const CLUMP_CHANCE: f64 = 1e-4;
/// A ledger that bears no more than so many abandonments has its calls kept clear of other campaigns'.
const PROMISES_BELOW: u32 = 2;
/// The price while only the ledger's reserve is left: with it 250 answers bring one abandonment, so it hardly touches
/// the reserve, and several idle agents still get more calls than 1:1 (few of many ringing calls are answered at once).
const PRICE_RESERVE: f64 = 0.004;
/// The same where one more abandonment would break the limit: 1,250 answers bring one.
const PRICE_TIGHT: f64 = 0.0008;
/// The price is at most so many times the target: it settles near three times, and a fallen target binds at once.
const PRICE_OVER_TARGET: f64 = 6.0;
/// Each launch moves the price by at most this share upward (three times it downward).
const PRICE_STEP: f64 = 0.02;
/// Events over which predicted and real abandonments are compared, of up to so many agents; of more agents as many more,
/// in a like time. With 60 of them a thousand agents compared the last half minute.
const CALIBRATION_EVENTS: f64 = 60.0;
const CALIBRATION_AGENTS: usize = 50;
/// Real over predicted. What a whole group leaves without an agent for a moment is gone before it has waited, so the
/// forecast of a thousand agents is ten times too high; with a floor of 0.4 they abandoned 0.7 % of 3 and were 0.4 points
/// less busy.
const CALIBRATION: std::ops::RangeInclusive<f64> = 0.05..=4.0;
/// Before so many real abandonments the calibration stays near 1.
const CALIBRATION_PRIOR: f64 = 6.0;
/// The level of answers is looked at so often, in seconds: nothing changes faster.
const LEARN_S: f64 = 1.0;
/// A longer gap is a night or a pause: nothing rang in it, and the level is another afterwards.
const GAP_S: f64 = 60.0;

/// The τ of [`Forecast::AHEAD_S`].
const AHEAD: usize = 3;
const _: () = assert!(TAUS_S[AHEAD] == Forecast::AHEAD_S);

/// See the module's page.
pub struct Predictive {
    guard: Guard,
    storm: Storm,
    rings: Rings,
    talk: SpellHazard,
    wrap: SpellHazard,
    free_after_talk: Vec<Row>,
    free_after_wrap: Vec<Row>,
    verdict_delay_s: Mean,
    patience_s: Mean,
    stays: Mean,
    level: Level,
    groups: Groups,
    /// Share of new calls that will be offered, where it is told.
    share_known: Option<f64>,
    /// Answers of persons since the level was last looked at.
    seen: f64,
    multiplier: f64,
    price: f64,
    /// The set point of the last decision, divided by the calibration; `None` in 1:1.
    target: Option<f64>,
    predicted: f64,
    real: f64,
    /// [`CALIBRATION_EVENTS`] for the agents of the last decision.
    compared: f64,
    learnt_at: Instant,
    rings_tabled: f64,
    spells_tabled: f64,
    tabled_at: Option<Instant>,
}

/// A mean over about so many events.
struct Mean {
    value: f64,
    weight: f64,
    most: f64,
}

impl Mean {
    fn new(value: f64, weight: f64, most: f64) -> Mean {
        Mean { value, weight, most }
    }
    fn add(&mut self, sample: f64) {
        self.weight = (self.weight + 1.0).min(self.most);
        self.value += (sample - self.value) / self.weight;
    }
}

impl Default for Predictive {
    fn default() -> Self {
        Predictive::new()
    }
}

impl Predictive {
    /// With weak priors: the first minutes are 1:1 until the ledger has slack.
    pub fn new() -> Predictive {
        let mut pacer = Predictive {
            guard: Guard::new(),
            storm: Storm::default(),
            rings: Rings::new(),
            talk: SpellHazard::new(120.0),
            wrap: SpellHazard::new(25.0),
            free_after_talk: vec![[0.0; TAUS]; AGE_ROWS],
            free_after_wrap: vec![[0.0; TAUS]; AGE_ROWS],
            verdict_delay_s: Mean::new(1.4, 5.0, 500.0),
            patience_s: Mean::new(1.5, 5.0, 500.0),
            stays: Mean::new(0.98, 20.0, 1_000.0),
            level: Level::new(),
            groups: Groups::default(),
            share_known: None,
            seen: 0.0,
            multiplier: 1.0,
            price: PRICE_START,
            target: None,
            predicted: 0.0,
            real: 0.0,
            compared: CALIBRATION_EVENTS,
            learnt_at: Instant::ZERO,
            rings_tabled: 0.0,
            spells_tabled: 0.0,
            tabled_at: None,
        };
        pacer.table_spells(&[]);
        pacer.rings.refresh(&[]);
        pacer.rings.table(pacer.verdict_delay_s.value);
        pacer
    }

    /// Real over predicted abandonments.
    fn calibration(&self) -> f64 {
        ((self.real + CALIBRATION_PRIOR) / (self.predicted + CALIBRATION_PRIOR))
            .clamp(*CALIBRATION.start(), *CALIBRATION.end())
    }

    /// Lets estimates fade and expected answers accrue.
    fn learn(&mut self, snapshot: &Snapshot<'_>) {
        let gap = snapshot.now.since(self.learnt_at).as_secs_f64();
        if gap < LEARN_S {
            return;
        }
        self.learnt_at = snapshot.now;
        let passed = gap.min(GAP_S);
        let step = passed.min(2.0 * LEARN_S);
        let mut expected = 0.0;
        for call in snapshot.calls.iter().filter(|call| call.answered_at_s.is_none()) {
            // By the table of all calls, whatever was heard: what the classes say in sum is the level's own business.
            let factor = self.groups.factor(&call.marks);
            expected += factor * self.rings.fresh().person(call.age_s, factor * self.multiplier) * step;
        }
        self.rings.decay(passed);
        self.groups.decay(passed);
        self.talk.decay(passed);
        self.wrap.decay(passed);
        if gap > GAP_S {
            self.level.forget();
        }
        self.level.pass(passed, expected, self.seen);
        self.seen = 0.0;

        // Calls whose verdict is pending are answered but not yet observed; without them a burst would look like a
        // fall of the rate.
        let deciding: f64 = snapshot.calls.iter().filter_map(|call| self.person_share(call)).sum();
        // Of n answers seen, the rate is known to one in the root of n: the forecast is on the safe side by one
        // deviation, and the calibration takes back what was too much.
        let doubt = 1.0 + 1.0 / (self.rings.persons() + 1.0).sqrt();
        let level = match self.share_known {
            Some(share) => self.rings.fresh().level_of(share),
            None => self.level.estimate(deciding) * doubt,
        };
        self.multiplier = level.clamp(0.2, 5.0);
        let old = self.tabled_at.is_none_or(|at| snapshot.now.since(at).as_secs_f64() > 60.0);
        let grown = |now: f64, then: f64| now > then * 1.04 + 3.0;
        if old || grown(self.rings.count(), self.rings_tabled) {
            self.rings.refresh(snapshot.calls);
            self.rings_tabled = self.rings.count();
            self.rings.table(self.verdict_delay_s.value);
            self.groups.refresh();
        }
        if old || grown(self.talk.count + self.wrap.count, self.spells_tabled) {
            self.spells_tabled = self.talk.count + self.wrap.count;
            self.table_spells(snapshot.agents);
        }
        if old {
            self.tabled_at = Some(snapshot.now);
        }
    }

    fn table_spells(&mut self, agents: &[super::AgentView]) {
        let running = |state| agents.iter().filter(move |agent| agent.state == state).map(|agent| agent.age_s);
        self.talk.refresh(running(AgentState::Talking));
        self.wrap.refresh(running(AgentState::WrapUp));
        let patience = self.patience_s.value.max(0.0);
        let moments = TAUS_S.map(|tau| tau + patience);
        // Chance that a wrap-up which begins in the middle of step i is over at moment j.
        let mut wrapped = [[0.0; TAUS]; TAUS];
        let mut before = 0.0;
        for (i, moment) in moments.iter().enumerate() {
            let middle = (before + moment) / 2.0;
            for j in i..TAUS {
                wrapped[i][j] = 1.0 - self.wrap.lasts(0.0, moments[j] - middle);
            }
            before = *moment;
        }
        for row in 0..AGE_ROWS {
            let age = row as f64 * AGE_STEP_S;
            let mut lasting = 1.0;
            let mut free = [0.0; TAUS];
            for (i, moment) in moments.iter().enumerate() {
                let lasts = self.talk.lasts(age, *moment);
                for j in i..TAUS {
                    free[j] += (lasting - lasts) * wrapped[i][j];
                }
                lasting = lasts;
            }
            self.free_after_talk[row] = free;
            self.free_after_wrap[row] = moments.map(|moment| 1.0 - self.wrap.lasts(age, moment));
        }
    }

    /// Supply and demand from what is under way.
    fn balance(&self, snapshot: &Snapshot<'_>) -> Balance {
        let idle = snapshot.idle() as usize;
        let mut balance =
            Balance::new(snapshot.agents.len() <= EXACT_AGENTS, idle, (snapshot.waiting + snapshot.withheld) as usize);
        for agent in snapshot.agents.iter().filter(|agent| !agent.leaving) {
            let table = match agent.state {
                AgentState::Talking | AgentState::Reserved => &self.free_after_talk,
                AgentState::WrapUp => &self.free_after_wrap,
                _ => continue,
            };
            let place = (agent.age_s / AGE_STEP_S).clamp(0.0, (AGE_ROWS - 2) as f64);
            let (low, part) = (place as usize, place.fract());
            let mut chances = [0.0; TAUS];
            for (tau, chance) in chances.iter_mut().enumerate() {
                let mixed = table[low][tau] * (1.0 - part) + table[low + 1][tau] * part;
                *chance = mixed * self.stays.value;
            }
            balance.supply(&chances);
        }
        for call in snapshot.calls {
            let (offered, ever) = self.prospect(snapshot.now, call);
            balance.demand(&offered);
            balance.pending(ever * call.forecast_no_agent);
        }
        snapshot.others.iter().for_each(|offered| balance.demand(offered));
        balance
    }

    /// Chance that a call is offered to agents by each τ, and that it is at all.
    fn prospect(&self, now: Instant, call: &CallView) -> (Row, f64) {
        match call.answered_at_s {
            // An agent is kept for it from now on: somebody may speak at any moment.
            _ if call.certain => ([1.0; TAUS], 1.0),
            _ if call.foretold.is_some() => {
                let offered = foreseen(call.foretold, now);
                (offered, offered[TAUS - 1])
            }
            None => {
                let (table, level) = (self.rings.of(call), self.level_of(call));
                (table.offered(call.age_s, level), table.ever(call.age_s, level))
            }
            Some(_) => {
                let share = self.person_share(call).unwrap_or(0.0);
                ([share; TAUS], share)
            }
        }
    }

    /// Chance that whoever has answered this call is a person; `None`: nobody has, or it is observed already.
    fn person_share(&self, call: &CallView) -> Option<f64> {
        call.answered_at_s
            .filter(|_| !call.certain)
            .map(|at_s| self.rings.of(call).person_share(at_s, self.level_of(call)))
    }

    /// The level of answers among calls like this one.
    fn level_of(&self, call: &CallView) -> f64 {
        self.multiplier * self.groups.factor(&call.marks)
    }
}

/// A foretold call as a row of chances: 1 from its moment on.
fn foreseen(foretold: Option<Foretold>, now: Instant) -> Row {
    match foretold {
        Some(Foretold::Offered(at)) => {
            let ahead_s = at.since(now).as_secs_f64();
            TAUS_S.map(|tau| if ahead_s <= tau { 1.0 } else { 0.0 })
        }
        Some(Foretold::Nobody) | None => [0.0; TAUS],
    }
}

impl Pacer for Predictive {
    fn decide(&mut self, snapshot: &Snapshot<'_>, _chance: &mut Stream) -> Decision {
        self.learn(snapshot);
        self.compared = CALIBRATION_EVENTS * (snapshot.agents.len() as f64 / CALIBRATION_AGENTS as f64).max(1.0);
        let mut balance = self.balance(snapshot);
        let pending = balance.pending * self.calibration();
        let level_ahead = self.multiplier * self.groups.ahead(snapshot.next);
        let forecast_person = self.rings.fresh().ever(0.0, level_ahead);
        let mut forecast = Forecast {
            answers: balance.answers,
            free: balance.free,
            pending,
            calibration: self.calibration(),
            ..Forecast::default()
        };
        let (price, spare, bears, reason) = match self.guard.leeway(snapshot, pending, CLUMPING * pending) {
            Leeway::Open { point, spare, bears } => {
                let target = point / self.calibration();
                self.target = Some(target);
                (self.price.min(PRICE_OVER_TARGET * target), spare, bears, Reason::Price)
            }
            Leeway::Reserve { tight, bears } => {
                self.target = None;
                (if tight { PRICE_TIGHT } else { PRICE_RESERVE }, f64::INFINITY, bears, Reason::LedgerReserve)
            }
            Leeway::None => {
                self.target = None;
                let mut decision = one_to_one(snapshot, Reason::LedgerGuard);
                // Others on the same agents may be about to take the one who is free.
                if !snapshot.others.is_empty() && balance.no_agent(&self.rings.fresh().density) > PRICE_TIGHT {
                    decision.launch = 0;
                    decision.forecast_no_agent.clear();
                }
                (decision.forecast_person, decision.forecast) = (forecast_person, forecast);
                return decision;
            }
        };
        let price = price.min(snapshot.ceiling);
        (forecast.price, forecast.target) = (price, self.target.unwrap_or(0.0));
        let always = snapshot.one_to_one().min(snapshot.room);
        let new = self.rings.fresh().offered(0.0, level_ahead);
        let mut forecast_no_agent = Vec::new();
        let mut pending = pending;
        let allowed = self.storm.allows(snapshot.now).unwrap_or(u32::MAX);
        while (forecast_no_agent.len() as u32) < snapshot.room.min(allowed) {
            let chance = balance.no_agent(&self.rings.fresh().density);
            // What this call may add to the ledger counts at once, so that a burst cannot spend the same slack twice.
            let added = pending + chance * forecast_person * self.calibration();
            let dear = chance > price
                || added + (CLUMPING * added).sqrt() > spare
                || balance.beyond(bears.min(snapshot.others_bear) as usize) > CLUMP_CHANCE;
            if dear && forecast_no_agent.len() as u32 >= always {
                break;
            }
            pending = added;
            forecast_no_agent.push(chance);
            balance.demand(&new);
        }
        let launch = forecast_no_agent.len() as u32;
        let promised = reason == Reason::LedgerReserve || bears <= PROMISES_BELOW;
        let reason = if launch == 0 && snapshot.withheld > 0 { Reason::Yields } else { reason };
        let reason = if launch == allowed { Reason::CarrierFails } else { reason };
        let bears = Some(bears);
        Decision { launch, reason, forecast_person, forecast_no_agent, promised, bears, forecast }
    }

    fn wants_next(&self) -> bool {
        self.groups.differ()
    }

    fn observe(&mut self, now: Instant, observation: Observation) {
        self.guard.observe(now, observation);
        match observation {
            Observation::Launched { forecast_no_agent } => {
                self.storm.launched();
                if let Some(target) = self.target {
                    let miss = ((target - forecast_no_agent) / target).clamp(-3.0, 1.0);
                    self.price = (self.price * (PRICE_STEP * miss).exp()).clamp(PRICE_MIN, PRICE_MAX);
                }
            }
            Observation::RingOver { age_s, how, marks } => {
                let expected = self.rings.fresh().expected(age_s, self.multiplier);
                self.groups.ring_over(&marks, expected, how == RingEnd::Person);
                self.rings.ended(age_s, how);
                self.storm.ended(age_s, how);
                if how == RingEnd::Person {
                    self.seen += 1.0;
                }
            }
            Observation::Heard { class, from_s, to_s, how } => self.rings.heard(class, from_s, to_s, how),
            Observation::Decided { delay_s, patience_s } => {
                if let Some(patience_s) = patience_s {
                    self.verdict_delay_s.add(delay_s);
                    self.patience_s.add(patience_s);
                }
            }
            Observation::Resolved { forecast_no_agent, abandoned } => {
                self.predicted += forecast_no_agent;
                if abandoned {
                    self.real += 1.0;
                }
                if self.predicted.max(self.real) > self.compared {
                    let keep = self.compared / self.predicted.max(self.real);
                    self.predicted *= keep;
                    self.real *= keep;
                }
            }
            Observation::ShareKnown(share) => self.share_known = Some(share),
            Observation::Talk(length_s) => self.talk.ended(length_s),
            Observation::Wrap(length_s) => self.wrap.ended(length_s),
            Observation::AfterWrap { stayed } => self.stays.add(f64::from(u8::from(stayed))),
        }
    }

    fn outlook(&self, now: Instant, call: &CallView) -> Outlook {
        self.prospect(now, call).0
    }

    fn retune(&mut self, mode: Mode) -> bool {
        mode == Mode::Predictive
    }
}

/// Supply less demand at each τ, exact or by its first two moments.
struct Balance {
    exact: Option<Box<[(Count, Count); TAUS]>>,
    mean: Row,
    variance: Row,
    /// Persons offered and agents free by [`AHEAD`].
    answers: f64,
    free: f64,
    /// Abandonments expected from calls under way, before calibration.
    pending: f64,
}

impl Balance {
    fn new(exact: bool, idle: usize, waiting: usize) -> Balance {
        Balance {
            exact: exact.then(|| Box::new([(Count::at(idle), Count::at(waiting)); TAUS])),
            mean: [idle as f64 - waiting as f64; TAUS],
            variance: [0.0; TAUS],
            answers: 0.0,
            free: 0.0,
            pending: 0.0,
        }
    }

    fn supply(&mut self, chances: &Row) {
        self.free += chances[AHEAD];
        self.moments(chances, 1.0);
        if let Some(exact) = &mut self.exact {
            exact.iter_mut().zip(chances).for_each(|((supply, _), chance)| supply.add(*chance));
        }
    }

    fn demand(&mut self, chances: &Row) {
        self.answers += chances[AHEAD];
        self.moments(chances, -1.0);
        if let Some(exact) = &mut self.exact {
            exact.iter_mut().zip(chances).for_each(|((_, demand), chance)| demand.add(*chance));
        }
    }

    fn moments(&mut self, chances: &Row, sign: f64) {
        for (tau, chance) in chances.iter().enumerate() {
            self.mean[tau] += sign * chance;
            self.variance[tau] += chance * (1.0 - chance);
        }
    }

    fn pending(&mut self, expected: f64) {
        self.pending += expected;
    }

    /// Chance that one more call would leave more than `bears` persons without an agent, at the worst moment.
    fn beyond(&self, bears: usize) -> f64 {
        let worst = |tau: usize| match &self.exact {
            Some(exact) => exact[tau].0.not_above(bears, &exact[tau].1),
            None => normal_below((0.5 - bears as f64 - self.mean[tau]) / self.variance[tau].sqrt().max(0.05)),
        };
        (0..TAUS).map(worst).fold(0.0, f64::max)
    }

    /// Persons whom one more call would leave without an agent, if a person answers it at a moment of this density:
    /// itself when supply is not above demand at that moment, or whoever comes later and finds the agent taken. So a
    /// moment counts with the worst of those after it.
    fn no_agent(&self, density: &Row) -> f64 {
        let (mut chance, mut worst) = (0.0, 0.0_f64);
        for (tau, weight) in density.iter().enumerate().rev() {
            let none = match &self.exact {
                Some(exact) => exact[tau].0.not_above(0, &exact[tau].1),
                None => normal_below((0.5 - self.mean[tau]) / self.variance[tau].sqrt().max(0.05)),
            };
            worst = worst.max(none);
            chance += weight * worst;
        }
        chance
    }
}

#[cfg(test)]
mod tests;
