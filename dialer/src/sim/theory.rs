//! What queueing and renewal theory say of cases that the simulator can be held against.

use base::Seed;

use crate::scenario::Scenario;
use crate::sim::callee::{CalleeFate, CalleeModel, FateKind};

/// One case: calls that want an agent come in a Poisson stream, talk without wrap-up, and wait at most so long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueueCase {
    /// Short name.
    pub name: &'static str,
    /// Agents.
    pub agents: u32,
    /// Offered load in erlangs: arrivals per second × mean talk.
    pub load: f64,
    /// Coefficient of variation of the talk; `None`: exponential.
    pub talk_cv: Option<f64>,
    /// A caller waits exactly so long, in seconds; 0: not at all.
    pub patience_s: f64,
}

/// Mean talk of the study's cases, in seconds.
const TALK_S: f64 = 100.0;
/// A queue knows no unit of time: run so many times faster, the hours hold more calls, and a day's empty morning and the
/// idle minute at its end weigh less.
const FASTER: f64 = 10.0;
/// Share of launches that become arrivals: 1 would be no test of the thinning.
const ANSWERED: f64 = 0.5;
/// Calls are spread over a whole number of looks, so that batches of a Poisson stream stay one.
const LOOK_MS: u64 = 1_000;
/// More than any case calls in a day: 190 agents' load is 38 calls a second, 1.6 million in 11.5 hours.
const LEADS: u64 = 10_000_000;

impl QueueCase {
    /// The cases of the study.
    pub const ALL: [QueueCase; 7] = [
        case("M/M/10/10, a = 8", 10, 8.0, None, 0.0),
        case("M/LN(cv 1.5)/10/10, a = 8", 10, 8.0, Some(1.5), 0.0),
        case("M/LN(cv 1.5)/50/50, a = 45", 50, 45.0, Some(1.5), 0.0),
        case("M/LN(cv 1.5)/200/200, a = 190", 200, 190.0, Some(1.5), 0.0),
        case("M/M/5+D(2 s), a = 4", 5, 4.0, None, 2.0),
        case("M/M/20+D(2 s), a = 18", 20, 18.0, None, 2.0),
        case("M/M/50+D(2 s), a = 47", 50, 47.0, None, 2.0),
    ];

    /// Share of arrivals that get no agent. Without patience Erlang's loss formula, which holds for any talk; with it
    /// the virtual wait of Baccelli and Hebuterne (1981) for exponential talk and constant patience.
    pub fn lost(&self) -> f64 {
        if self.patience_s == 0.0 {
            return erlang_b(self.agents, self.load);
        }
        let agents = f64::from(self.agents);
        let (arrivals, services) = (self.load / TALK_S, agents / TALK_S);
        // With π(c−1) = 1: the states below c, the wait up to the patience, the wait beyond it.
        let mut below = 1.0;
        let mut term = 1.0;
        for state in (1..self.agents).rev() {
            term *= f64::from(state) / self.load;
            below += term;
        }
        let fall = services - arrivals;
        let within = if fall == 0.0 {
            arrivals * self.patience_s
        } else {
            arrivals * (1.0 - (-fall * self.patience_s).exp()) / fall
        };
        let beyond = arrivals * (-fall * self.patience_s).exp() / services;
        beyond / (below + within + beyond)
    }

    /// Share of the agents' time that is talk.
    pub fn occupancy(&self) -> f64 {
        self.load * (1.0 - self.lost()) / f64::from(self.agents)
    }

    /// The scenario of the case with days of so many hours, its policy, and how often to decide in milliseconds.
    pub fn setting(&self, day_hours: f64) -> (Scenario, String, u64) {
        let talk_s = TALK_S / FASTER;
        let talk = match self.talk_cv {
            None => format!("{{ dist = \"exponential\", mean = {talk_s} }}"),
            Some(cv) => format!("{{ dist = \"lognormal\", mean = {talk_s}, cv = {cv} }}"),
        };
        // A caller who does not wait has a microsecond: longer than no time, shorter than anything else takes.
        let deadline_s = if self.patience_s == 0.0 { 1e-6 } else { self.patience_s / FASTER };
        let text = format!(
            "name = \"{}\"\nagents = {}\nlogin_min = 0\nday_hours = {day_hours}\nledger = \"run\"\nlead_supply = {LEADS}\n\
             [dial]\nhuman = {ANSWERED}\nmachine = 0\nbusy = {}\nfail = 0\nhour_shape = [1.0]\nday_sd = 0\ndrift_sd = 0\n\
             post_dial_s = {{ dist = \"uniform\", min = 0, max = 1 }}\nhuman_ring_s = 0\nring_timeout_s = 1\n\
             [amd]\nenabled = false\ngreeting_s = 0\n[customer]\nhang_up_rate = 0\ndeadline_s = {deadline_s}\n\
             [agent]\ntalk_s = {talk}\nwrap_s = 0\npause_share = 0\n",
            self.name,
            self.agents,
            1.0 - ANSWERED,
        );
        let scenario = Scenario::parse(&text).unwrap_or_default();
        (scenario, format!("open-loop:{}", self.load / talk_s / ANSWERED), LOOK_MS)
    }
}

const fn case(name: &'static str, agents: u32, load: f64, talk_cv: Option<f64>, patience_s: f64) -> QueueCase {
    QueueCase { name, agents, load, talk_cv, patience_s }
}

/// Erlang's loss formula by its recursion.
fn erlang_b(agents: u32, load: f64) -> f64 {
    (1..=agents).fold(1.0, |lost, agent| load * lost / (f64::from(agent) + load * lost))
}

/// Calls whose times on a line are averaged: 0.1 % of the mean is one standard error of so many.
const DRAWS: u64 = 400_000;

/// Occupancy under 1:1 pacing by renewal theory, for any number of agents who take no time to log in: each idle agent has
/// one line under way, and a line that ends without a call for an agent is dialled again at once. So a cycle of an agent is
/// the time on lines until one of them brings a call, and that call. Exact where the share of persons does not move (the
/// scenario `flat`); it knows nothing of the dialer, the desk and the events of the simulator.
pub fn one_to_one(scenario: &Scenario) -> f64 {
    let (dial, amd, agent) = (&scenario.dial, &scenario.amd, &scenario.agent);
    let none = 1.0 - dial.human - dial.machine - dial.busy - dial.fail;
    let kinds = [
        (FateKind::Person, dial.human, 1.0 - amd.human_as_machine, agent.talk_s.mean() + agent.wrap_s.mean()),
        (
            FateKind::Machine,
            dial.machine,
            amd.machine_as_human,
            agent.machine_talk_s.mean() + agent.machine_wrap_s.mean(),
        ),
        (FateKind::Busy, dial.busy, 0.0, 0.0),
        (FateKind::Fail, dial.fail, 0.0, 0.0),
        (FateKind::NoAnswer, none, 0.0, 0.0),
    ];
    let (model, seed) = (CalleeModel::new(scenario), Seed::from_u64(1));
    let fates: Vec<CalleeFate> = (0..DRAWS).map(|key| model.fate(&seed, key, 1, 1.0)).collect();
    let (mut line_s, mut work_s) = (0.0, 0.0);
    for (kind, share, passed, work) in kinds {
        let of_kind = fates.iter().filter(|fate| fate.kind == kind);
        let (mut count, mut answered, mut time_s) = (0.0_f64, 0.0, 0.0);
        for (held_s, answers) in of_kind.map(|fate| on_line(fate, scenario)) {
            count += 1.0;
            answered += f64::from(u8::from(answers));
            time_s += held_s;
        }
        let count = count.max(1.0);
        line_s += share * time_s / count;
        work_s += share * passed * work * answered / count;
    }
    work_s / (work_s + line_s)
}

/// How long a call is on its line until it ends or an agent gets it, in seconds, and whether anybody answered.
fn on_line(fate: &CalleeFate, scenario: &Scenario) -> (f64, bool) {
    let post_dial_s = fate.post_dial.as_secs_f64();
    match fate.kind {
        FateKind::Fail => (fate.fail_after.as_secs_f64(), false),
        FateKind::Busy => (post_dial_s, false),
        FateKind::Person | FateKind::Machine if fate.ring.as_secs_f64() < scenario.dial.ring_timeout_s => {
            (post_dial_s + (fate.ring + fate.verdict_after()).as_secs_f64(), true)
        }
        _ => (post_dial_s + scenario.dial.ring_timeout_s, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Options, simulate};

    #[test]
    fn the_formulas_give_the_studys_figures() {
        let lost = [0.12166, 0.12166, 0.05410, 0.02797, 0.19210, 0.10104, 0.06455];
        for (case, wanted) in QueueCase::ALL.iter().zip(lost) {
            assert!((case.lost() - wanted).abs() < 6e-6, "{}: {}", case.name, case.lost());
        }
        for (case, wanted) in QueueCase::ALL.iter().zip([0.70267, 0.70267, 0.85131, 0.92343]) {
            assert!((case.occupancy() - wanted).abs() < 6e-6, "{}: {}", case.name, case.occupancy());
        }
    }

    #[test]
    fn one_to_one_pacing_is_the_renewal_process_it_should_be() {
        let scenario = Scenario::parse(
            "agents = 10\nlogin_min = 0\n[dial]\nhour_shape = [1.0]\nday_sd = 0\ndrift_sd = 0\n[agent]\npause_share = 0",
        )
        .unwrap();
        let options = Options { days: 40, seed: 7, policy: "progressive".to_owned(), ..Options::default() };
        let days = simulate(&scenario, &options).unwrap().per_day;
        let count = days.len() as f64;
        let mean = days.iter().map(|day| day.occupancy).sum::<f64>() / count;
        let squares: f64 = days.iter().map(|day| (day.occupancy - mean).powi(2)).sum();
        let error = (squares / (count * (count - 1.0))).sqrt();
        let theory = one_to_one(&scenario);
        println!("1:1 {mean:.5} ± {error:.5}, theory {theory:.5}");
        assert!((mean - theory).abs() < 3.0 * error, "{mean} ± {error}, theory {theory}");
    }

    #[test]
    fn the_simulated_desk_is_the_textbooks_queue() {
        // A short run of the small cases; all of them, longer, stand in docs/pacing.md.
        for case in QueueCase::ALL.iter().filter(|case| case.agents <= 10) {
            let (scenario, policy, decide_every_ms) = case.setting(3.0);
            assert_eq!(scenario.agents, case.agents, "the scenario was read");
            let days = 10;
            let options =
                Options { days, seed: 31, policy, decide_every_ms: Some(decide_every_ms), ..Options::default() };
            let report = simulate(&scenario, &options).unwrap();
            let check = |what: &str, values: Vec<f64>, theory: f64| {
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
                let error = (squares / (values.len() as f64 * (values.len() as f64 - 1.0))).sqrt();
                println!("{} {what}: {mean:.5} ± {error:.5}, theory {theory:.5}", case.name);
                assert!((mean - theory).abs() < 3.0 * error, "{} {what}", case.name);
            };
            let days = &report.per_day;
            check("lost", days.iter().map(|day| day.abandon_rate).collect(), case.lost());
            check("occupancy", days.iter().map(|day| day.occupancy).collect(), case.occupancy());
        }
    }
}
