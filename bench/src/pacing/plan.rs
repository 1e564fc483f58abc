//! What is run: sizes, laws, scenarios, and how many days of each.

use dialer::scenario::Scenario;
use dialer::sim::theory::QueueCase;

/// How much to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// Minutes: enough to see a change of half a point at 20 agents.
    Quick,
    /// Hours: the days that the figures of the page are promised for.
    Full,
}

/// Agents of the table, with the days of the predictive law and of each other one: quick and full.
const SIZES: [(u32, [u32; 2], [u32; 2]); 5] = [
    (3, [40, 1_000], [12, 120]),
    (20, [16, 1_000], [6, 40]),
    (50, [6, 1_000], [2, 20]),
    (200, [2, 200], [0, 6]),
    (1_000, [0, 30], [0, 2]),
];
/// The laws to compare with.
const LAWS: [&str; 8] =
    ["progressive", "ratio:1.5", "adapt-hard", "adapt-average", "adapt-tapered", "pid", "mean-value", "oracle-ring"];
/// Abandon limits of the frontier, of 1.
const LIMITS: [f64; 6] = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1];
/// Agents of the frontier and of the stress scenarios.
const MIDDLE: u32 = 20;
const LARGE: u32 = 200;
/// Groups of the small worlds.
const SMALL_WORLDS: [usize; 4] = [3, 5, 10, 20];
/// Days of the gate: a change of a point at 20 agents is four standard errors of so many.
const GATE_DAYS: u32 = 12;

/// One row: a law in a scenario.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) scenario: Scenario,
    pub(super) policy: String,
    pub(super) days: u32,
    /// Decides so often, in milliseconds; `None`: at events.
    pub(super) every_ms: Option<u64>,
}

impl Row {
    pub(super) fn new(scenario: Scenario, policy: &str, days: u32) -> Row {
        Row { scenario, policy: policy.to_owned(), days, every_ms: None }
    }

    /// The abandon limit in force, of 1.
    pub(super) fn limit(&self) -> f64 {
        self.scenario.campaign_config(dialer::Mode::Progressive).map_or(0.0, |config| config.abandon_limit())
    }
}

impl Size {
    fn of(self, days: [u32; 2]) -> u32 {
        days[usize::from(self == Size::Full)]
    }

    /// Hours of a day and days of the queues.
    pub(super) fn queue_hours_and_days(self) -> (f64, u32) {
        match self {
            Size::Quick => (3.0, 8),
            Size::Full => (11.5, 20),
        }
    }

    pub(super) fn small_world_days(self) -> u32 {
        self.of([20, 120])
    }
}

/// Leads of a day: a thousand agents dial up to 1.1 million of a poor one, and a list that ends is another scenario.
const LEADS: u32 = 3_000_000;

/// The scenario of so many agents, with more lines of its file; a test reads every one of them.
fn scenario(agents: u32, more: &str) -> Scenario {
    Scenario::parse(&format!("agents = {agents}\nlead_supply = {LEADS}\n{more}")).unwrap_or_default()
}

/// Sizes × laws.
pub(super) fn laws(size: Size) -> Vec<Row> {
    let mut rows = Vec::new();
    for (agents, predictive, other) in SIZES {
        rows.push(Row::new(scenario(agents, ""), "predictive", size.of(predictive)));
        rows.extend(LAWS.map(|law| Row::new(scenario(agents, ""), law, size.of(other))));
    }
    rows.retain(|row| row.days > 0);
    rows
}

/// The frontier: occupancy against the limit.
pub(super) fn limits(size: Size) -> Vec<Row> {
    let limited = |limit: f64| scenario(MIDDLE, &format!("limit = {limit}"));
    LIMITS.map(|limit| Row::new(limited(limit), "predictive", size.of([4, 60]))).into()
}

/// The stress scenarios, for the middle and the large group.
pub(super) fn stress(size: Size) -> Vec<Row> {
    let mut rows = Vec::new();
    for (agents, days) in [(MIDDLE, size.of([3, 30])), (LARGE, size.of([0, 5]))] {
        for (name, text) in STRESS {
            // 1.6 lines for each agent, as in the study.
            let text = text.replace("LINES", &(agents * 8 / 5).to_string());
            rows.push(Row::new(scenario(agents, &format!("name = \"{name}\"\n{text}")), "predictive", days));
        }
    }
    rows.retain(|row| row.days > 0);
    rows
}

/// The rows to hold beside the study, with its cadence.
pub(super) fn study(size: Size) -> Vec<Row> {
    let row = |entry: &Studied| {
        let row = Row::new(scenario(entry.agents, ""), entry.policy, size.of(entry.days));
        Row { every_ms: Some(STUDY_EVERY_MS), ..row }
    };
    STUDY.iter().map(row).filter(|row| row.days > 0).collect()
}

/// What `make bench-ci` runs.
pub(super) fn gate() -> Vec<Row> {
    [MIDDLE, 3].map(|agents| Row::new(scenario(agents, ""), "predictive", GATE_DAYS)).into()
}

/// The small worlds; the optimum of the largest takes minutes, and stands in the full set.
pub(super) fn small_worlds(size: Size) -> impl Iterator<Item = usize> {
    SMALL_WORLDS.into_iter().filter(move |agents| size == Size::Full || *agents <= 10)
}

/// The cases of queueing theory; the largest one only in the full set.
pub(super) fn queues(size: Size) -> Vec<QueueCase> {
    QueueCase::ALL.into_iter().filter(|case| size == Size::Full || case.agents <= 50).collect()
}

/// The study decides once a second.
const STUDY_EVERY_MS: u64 = 1_000;

/// One figure of the study, in the scenario `base`, each of 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Studied {
    pub(super) agents: u32,
    pub(super) policy: &'static str,
    days: [u32; 2],
    /// Occupancy: talk and wrap-up with persons only.
    pub(super) occupancy: f64,
    pub(super) abandoned: f64,
}

/// What the study published. Its days differ much from one to the next, so that 60 of them say half a point.
pub(super) const STUDY: [Studied; 6] = [
    studied(20, "progressive", [20, 300], 0.625, 0.0),
    studied(20, "ratio:1.5", [20, 300], 0.847, 0.1149),
    studied(20, "oracle-ring", [6, 60], 0.918, 0.0249),
    studied(20, "predictive", [6, 120], 0.864, 0.0253),
    studied(3, "predictive", [20, 240], 0.722, 0.0211),
    studied(200, "predictive", [0, 12], 0.971, 0.0288),
];

const fn studied(agents: u32, policy: &'static str, days: [u32; 2], occupancy: f64, abandoned: f64) -> Studied {
    Studied { agents, policy, days, occupancy, abandoned }
}

/// The scenario whose occupancy under 1:1 pacing renewal theory knows, with its days of so many hours.
pub(super) fn one_to_one(day_hours: f64) -> Scenario {
    scenario(
        MIDDLE,
        &format!(
            "name = \"1:1 with 20 agents\"\nlogin_min = 0\nday_hours = {day_hours}\n\
             [dial]\nhour_shape = [1.0]\nday_sd = 0\ndrift_sd = 0\n[agent]\npause_share = 0\n"
        ),
    )
}

/// The study's scenarios.
const STRESS: [(&str, &str); 16] = [
    ("step-up", "[dial]\nhuman = 0.15\n[[change]]\nat_h = 4\nset = { \"dial.human\" = 0.3 }\n"),
    ("step-down", "[dial]\nhuman = 0.3\n[[change]]\nat_h = 4\nset = { \"dial.human\" = 0.15 }\n"),
    (
        "bimodal",
        "[agent]\ntalk_s = { dist = \"mix\", parts = [\n\
         { weight = 0.65, dist = \"lognormal\", mean = 22, cv = 0.7 },\n\
         { weight = 0.35, dist = \"lognormal\", mean = 330, cv = 0.6 },\n] }\n",
    ),
    (
        "short",
        "[agent]\ntalk_s = { dist = \"lognormal\", mean = 45, cv = 0.9 }\n\
         wrap_s = { dist = \"lognormal\", mean = 10, cv = 0.8 }\n",
    ),
    (
        "near-constant",
        "[agent]\ntalk_s = { dist = \"lognormal\", mean = 90, cv = 0.06 }\n\
         wrap_s = { dist = \"lognormal\", mean = 15, cv = 0.2 }\n",
    ),
    ("lunch", "[[leave]]\nat_h = 4\nshare = 0.6\nminutes = 45\nwithin_s = 60\n"),
    ("lunch-announced", "[[leave]]\nat_h = 4\nshare = 0.6\nminutes = 45\nwithin_s = 60\nannounced = true\n"),
    ("storm", "[[carrier_failure]]\nfrom_h = 4\nto_h = 4.3333\nshare = 0.7\n"),
    ("low-answer", "[dial]\nhuman = 0.08\nmachine = 0.45\n"),
    ("high-answer", "[dial]\nhuman = 0.5\nmachine = 0.15\n"),
    ("no-detection", "[dial]\nmachine = 0.15\n[amd]\nenabled = false\n"),
    ("bad-detection", "[amd]\nmachine_as_human = 0.3\nhuman_as_machine = 0.06\n"),
    ("wild", "[dial]\nday_sd = 0.3\ndrift_sd = 0.35\ndrift_min = 10\n"),
    ("few-lines", "[trunk]\nmax_channels = LINES\n"),
    ("flat", "[dial]\nhour_shape = [1.0]\nday_sd = 0\ndrift_sd = 0\n"),
    // Back to the true time in the evening: hours that are off by a day's worth of steps would be a month of nights.
    (
        "clock-step",
        "[[clock_step]]\nat_h = 2\nseconds = 3600\n[[clock_step]]\nat_h = 4\nseconds = -7200\n\
         [[clock_step]]\nat_h = 6\nseconds = 3600\n",
    ),
];
