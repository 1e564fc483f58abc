//! The scenario's values, their defaults (*base* of the study) and their checks.

use base::{Duration, Instant, TrunkId, WallTime};
use serde::Deserialize;

use super::{Dist, ScenarioError, keys};
use crate::campaign::{CampaignConfig, ConfigError, Mode, RetryRules};
use crate::compliance::{Profile, Window};

/// A whole scenario. Field names are the contract's keys.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Scenario {
    /// Name for reports.
    pub name: String,
    /// Agents, all of one shift; [`Scenario::shift`] replaces it.
    pub agents: u32,
    /// Agents log in evenly over so many minutes.
    pub login_min: f64,
    /// Shifts, if more than one.
    pub shift: Vec<Shift>,
    /// Length of the working day.
    pub day_hours: f64,
    /// First day, `YYYY-MM-DD`; work begins at 9:00 local time.
    pub first_day: String,
    /// IANA zone of everybody.
    pub timezone: String,
    /// Compliance profile.
    pub profile: String,
    /// Overrides the profile's abandon limit.
    pub limit: Option<f64>,
    /// Which window binds.
    pub ledger: LedgerKind,
    /// Leads of each day's list; each is dialled once.
    pub lead_supply: u64,
    /// Not built: refused when true.
    pub hopper_answer_known: bool,
    /// What happens to an attempt.
    pub dial: DialModel,
    /// Answer detection.
    pub amd: AmdModel,
    /// Agents' times.
    pub agent: AgentModel,
    /// Callees who wait.
    pub customer: CustomerModel,
    /// Lines.
    pub trunk: TrunkModel,
    /// Changes during the day.
    pub change: Vec<Change>,
    /// Agents who leave for a while.
    pub leave: Vec<Leave>,
    /// Failures of the carrier.
    pub carrier_failure: Vec<CarrierFailure>,
    /// Steps of the wall clock.
    pub clock_step: Vec<ClockStep>,
    /// Several campaigns. Not built: refused when any is there.
    pub campaign: Vec<toml::Table>,
    /// Blended inbound calls. Not built: refused when any is there.
    pub inbound: Vec<toml::Table>,
    /// The values after each change, worked out when the text was read.
    #[serde(skip)]
    stages: Vec<(f64, Scenario)>,
}

/// Which window the limit holds over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerKind {
    /// Each day.
    Day,
    /// The profile's windows.
    Profile,
    /// The whole run, which may end any moment.
    Run,
}

/// `[[shift]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Shift {
    /// Hours since the start of the day.
    #[serde(default)]
    pub from_h: f64,
    /// Hours since the start of the day.
    pub to_h: f64,
    /// Agents of the shift.
    pub agents: u32,
}

/// `[dial]`: shares of 1, times in seconds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // the contract's keys, described there and in docs
pub struct DialModel {
    pub human: f64,
    pub hour_shape: Vec<f64>,
    pub day_sd: f64,
    pub drift_sd: f64,
    pub drift_min: f64,
    pub machine: f64,
    pub busy: f64,
    pub fail: f64,
    pub ring_timeout_s: f64,
    pub post_dial_s: Dist,
    pub human_ring_s: Dist,
    pub machine_ring_s: Dist,
    pub early_progress: f64,
}

/// `[amd]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // the contract's keys
pub struct AmdModel {
    pub enabled: bool,
    pub greeting_s: Dist,
    pub human_decision_s: Dist,
    pub machine_decision_s: Dist,
    pub human_as_machine: f64,
    pub machine_as_human: f64,
}

/// `[agent]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // the contract's keys
pub struct AgentModel {
    pub talk_s: Dist,
    pub wrap_s: Dist,
    pub machine_talk_s: Dist,
    pub machine_wrap_s: Dist,
    pub pause_share: f64,
    pub pause_s: Dist,
}

/// `[customer]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct CustomerModel {
    /// A waiting person hangs up with this rate per second.
    pub hang_up_rate: f64,
    /// Deadline in seconds from the end of the greeting.
    pub deadline_s: f64,
}

/// `[trunk]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct TrunkModel {
    /// Most calls at once.
    pub max_channels: u32,
    /// Most call attempts a second.
    pub max_cps: f64,
}

/// `[[change]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Change {
    /// From this hour of each day on.
    pub at_h: f64,
    /// Key path and value.
    pub set: toml::Table,
}

/// `[[leave]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Leave {
    /// Hour of the day.
    pub at_h: f64,
    /// Share of the agents.
    pub share: f64,
    /// How long they stay away.
    pub minutes: f64,
    /// They leave spread over this time.
    #[serde(default)]
    pub within_s: f64,
    /// They say so beforehand ("after this call").
    #[serde(default)]
    pub announced: bool,
}

/// `[[carrier_failure]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CarrierFailure {
    /// Hour of the day.
    pub from_h: f64,
    /// Hour of the day.
    pub to_h: f64,
    /// Share of attempts that get a 503.
    pub share: f64,
    /// Its Retry-After.
    #[serde(default)]
    pub retry_after_s: Option<u32>,
}

/// `[[clock_step]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ClockStep {
    /// Hour of the day.
    pub at_h: f64,
    /// By how much the wall clock jumps.
    pub seconds: f64,
}

impl Default for Scenario {
    fn default() -> Self {
        Scenario {
            name: "base".into(),
            agents: 20,
            login_min: 5.0,
            shift: Vec::new(),
            day_hours: 8.0,
            first_day: "2026-03-02".into(),
            timezone: "America/New_York".into(),
            profile: "us-ftc".into(),
            limit: None,
            ledger: LedgerKind::Day,
            lead_supply: 1_000_000,
            hopper_answer_known: false,
            dial: DialModel::default(),
            amd: AmdModel::default(),
            agent: AgentModel::default(),
            customer: CustomerModel { hang_up_rate: 0.04, deadline_s: 2.0 },
            trunk: TrunkModel { max_channels: 100_000, max_cps: 1_000.0 },
            change: Vec::new(),
            leave: Vec::new(),
            carrier_failure: Vec::new(),
            clock_step: Vec::new(),
            campaign: Vec::new(),
            inbound: Vec::new(),
            stages: Vec::new(),
        }
    }
}

impl Default for CustomerModel {
    fn default() -> Self {
        Scenario::default().customer
    }
}

impl Default for TrunkModel {
    fn default() -> Self {
        Scenario::default().trunk
    }
}

impl Default for DialModel {
    fn default() -> Self {
        DialModel {
            human: 0.25,
            hour_shape: vec![0.85, 0.9, 1.0, 1.05, 0.95, 0.9, 1.1, 1.25],
            day_sd: 0.15,
            drift_sd: 0.12,
            drift_min: 30.0,
            machine: 0.27,
            busy: 0.04,
            fail: 0.05,
            ring_timeout_s: 25.0,
            post_dial_s: Dist::lognormal(2.0, 0.4),
            human_ring_s: Dist::lognormal(9.0, 0.55),
            machine_ring_s: Dist::Mix(vec![(0.25, Dist::Uniform(0.2, 2.0)), (1.0, Dist::Uniform(14.0, 24.0))]),
            early_progress: 0.0,
        }
    }
}

impl Default for AmdModel {
    fn default() -> Self {
        AmdModel {
            enabled: true,
            greeting_s: Dist::lognormal(0.9, 0.4),
            human_decision_s: Dist::Uniform(0.2, 0.8),
            machine_decision_s: Dist::Uniform(1.5, 3.0),
            human_as_machine: 0.02,
            machine_as_human: 0.08,
        }
    }
}

impl Default for AgentModel {
    fn default() -> Self {
        AgentModel {
            talk_s: Dist::lognormal(120.0, 1.1),
            wrap_s: Dist::lognormal(25.0, 0.8),
            machine_talk_s: Dist::Constant(8.0),
            machine_wrap_s: Dist::Constant(3.0),
            pause_share: 0.02,
            pause_s: Dist::lognormal(240.0, 0.7),
        }
    }
}

/// Agents of a scenario: the study's largest group is 1,000; ten times that.
const AGENTS_MAX: u32 = 10_000;

impl Scenario {
    /// Reads a scenario; `dist = "empirical"` is refused because there is nobody to read its file.
    pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        Scenario::parse_with(text, &[], &mut |name| Err(format!("{name}: sample files cannot be read here")))
    }

    /// Reads a scenario. `overrides` are key paths with TOML values ("dial.human", "0.3"), set over the text's;
    /// `load` gives the text of a sample file.
    pub fn parse_with(
        text: &str,
        overrides: &[(&str, &str)],
        load: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Scenario, ScenarioError> {
        keys::check(text)?;
        let mut table: toml::Table = toml::from_str(text).map_err(|error| from_toml(text, &error))?;
        for (key, value) in overrides {
            set_text(&mut table, key, value)?;
        }
        // The text itself is read first, so that a fault in it is reported with its line.
        if overrides.is_empty() {
            toml::from_str::<Scenario>(text).map_err(|error| from_toml(text, &error))?;
        }
        let mut scenario = Scenario::from_table(table)?;
        scenario.each_dist(&mut |dist| dist.load(load)).map_err(|message| fault("", message))?;
        scenario.validate()?;
        scenario.stages = scenario.work_out_stages(load)?;
        Ok(scenario)
    }

    fn from_table(table: toml::Table) -> Result<Scenario, ScenarioError> {
        let text = toml::to_string(&table).map_err(|error| fault("", error.to_string()))?;
        keys::check(&text).map_err(|error| ScenarioError { line: None, ..error })?;
        toml::from_str(&text).map_err(|error| ScenarioError { line: None, ..from_toml(&text, &error) })
    }

    /// The scenario with each change applied, in order of time: (hour of the day, values from then on); the first is
    /// the scenario itself. Sample files in changes are read only by [`Scenario::parse_with`].
    pub fn stages(&self) -> Result<Vec<(f64, Scenario)>, ScenarioError> {
        if self.stages.is_empty() {
            return self.work_out_stages(&mut |name| Err(format!("{name}: sample files cannot be read here")));
        }
        Ok(self.stages.clone())
    }

    fn work_out_stages(
        &self,
        load: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Vec<(f64, Scenario)>, ScenarioError> {
        let mut changes: Vec<&Change> = self.change.iter().collect();
        changes.sort_by(|a, b| a.at_h.total_cmp(&b.at_h));
        let mut stages = vec![(0.0, Scenario { change: Vec::new(), ..self.clone() })];
        for change in changes {
            let (_, mut next) = stages[stages.len() - 1].clone();
            for (key, value) in &change.set {
                next.set_model(key, value, load)?;
            }
            next.validate()?;
            stages.push((change.at_h, next));
        }
        Ok(stages)
    }

    /// Sets one number of the model rooms by its key path.
    fn set_model(
        &mut self,
        key: &str,
        value: &toml::Value,
        load: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<(), ScenarioError> {
        let place = format!("change.set.\"{key}\"");
        let wrong = |message: String| fault(&place, message);
        let Some((room, leaf)) = key.split_once('.') else {
            return Err(wrong(
                "only keys of [dial], [amd], [agent], [customer] and [trunk] can change, like \"dial.human\"".into(),
            ));
        };
        let mut inner = toml::Table::new();
        inner.insert(leaf.to_string(), value.clone());
        let mut outer = toml::Table::new();
        outer.insert(room.to_string(), toml::Value::Table(inner));
        let changed = Scenario::from_table(outer).map_err(|error| wrong(error.to_string()))?;
        macro_rules! take {
            ($($room_name:literal . $leaf_name:literal => $room_field:ident . $leaf_field:ident),+ $(,)?) => {
                match (room, leaf) {
                    $(($room_name, $leaf_name) => self.$room_field.$leaf_field = changed.$room_field.$leaf_field,)+
                    _ => return Err(wrong("this key cannot change during a day".into())),
                }
            };
        }
        take! {
            "dial"."human" => dial.human, "dial"."hour_shape" => dial.hour_shape, "dial"."day_sd" => dial.day_sd,
            "dial"."drift_sd" => dial.drift_sd, "dial"."drift_min" => dial.drift_min,
            "dial"."machine" => dial.machine, "dial"."busy" => dial.busy, "dial"."fail" => dial.fail,
            "dial"."post_dial_s" => dial.post_dial_s, "dial"."human_ring_s" => dial.human_ring_s,
            "dial"."machine_ring_s" => dial.machine_ring_s,
            "amd"."greeting_s" => amd.greeting_s, "amd"."human_decision_s" => amd.human_decision_s,
            "amd"."machine_decision_s" => amd.machine_decision_s, "amd"."human_as_machine" => amd.human_as_machine,
            "amd"."machine_as_human" => amd.machine_as_human,
            "agent"."talk_s" => agent.talk_s, "agent"."wrap_s" => agent.wrap_s,
            "agent"."machine_talk_s" => agent.machine_talk_s, "agent"."machine_wrap_s" => agent.machine_wrap_s,
            "agent"."pause_share" => agent.pause_share, "agent"."pause_s" => agent.pause_s,
            "customer"."hang_up_rate" => customer.hang_up_rate,
            "trunk"."max_channels" => trunk.max_channels, "trunk"."max_cps" => trunk.max_cps,
        }
        self.each_dist(&mut |dist| dist.load(load)).map_err(wrong)
    }

    fn each_dist(&mut self, visit: &mut dyn FnMut(&mut Dist) -> Result<(), String>) -> Result<(), String> {
        let (dial, amd, agent) = (&mut self.dial, &mut self.amd, &mut self.agent);
        for dist in [
            &mut dial.post_dial_s,
            &mut dial.human_ring_s,
            &mut dial.machine_ring_s,
            &mut amd.greeting_s,
            &mut amd.human_decision_s,
            &mut amd.machine_decision_s,
            &mut agent.talk_s,
            &mut agent.wrap_s,
            &mut agent.machine_talk_s,
            &mut agent.machine_wrap_s,
            &mut agent.pause_s,
        ] {
            visit(dist)?;
        }
        Ok(())
    }

    /// Shifts in force: those of the file, or one of all agents over the whole day.
    pub fn shifts(&self) -> Vec<Shift> {
        if self.shift.is_empty() {
            vec![Shift { from_h: 0.0, to_h: self.day_hours, agents: self.agents }]
        } else {
            self.shift.clone()
        }
    }

    /// The campaign that the scenario describes.
    pub fn campaign_config(&self, mode: Mode) -> Result<CampaignConfig, ConfigError> {
        let mut profile = Profile::named(&self.profile).unwrap_or_else(Profile::us_ftc);
        profile.deadline = Duration::from_secs_f64(self.customer.deadline_s);
        // A scenario may ring shorter than the law allows, to ask what that would change.
        profile.min_ring = profile.min_ring.min(Duration::from_secs_f64(self.dial.ring_timeout_s));
        let mut config = CampaignConfig::new(&self.name, TrunkId(1), "+15550100000");
        config.mode = mode;
        config.amd = self.amd.enabled;
        config.ring_timeout = Duration::from_secs_f64(self.dial.ring_timeout_s);
        config.profile = profile;
        config.limit = self.limit;
        config.windows = match self.ledger {
            LedgerKind::Day => Some(vec![Window::LocalDay]),
            LedgerKind::Profile => None,
            LedgerKind::Run => Some(vec![Window::Run]),
        };
        config.timezone = self.timezone.clone();
        config.retry = RetryRules::none();
        // Bridging takes no time in the paper day.
        config.connect_margin = Duration::ZERO;
        config.validate()?;
        Ok(config)
    }

    /// Wall time at which a day's work begins (0 is the first): 9:00 in the scenario's zone.
    pub fn opening(&self, day: u32) -> Result<WallTime, ScenarioError> {
        let date: jiff::civil::Date =
            self.first_day.parse().map_err(|_| fault("first_day", "expected a date like \"2026-03-02\"".into()))?;
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(&self.timezone).map_err(|_| {
            fault("timezone", format!("no zone {:?}; use a name like \"America/New_York\"", self.timezone))
        })?;
        let date = date
            .checked_add(jiff::Span::new().days(i64::from(day)))
            .map_err(|error| fault("first_day", error.to_string()))?;
        let opening = date.at(9, 0, 0, 0).to_zoned(zone).map_err(|error| fault("first_day", error.to_string()))?;
        Ok(WallTime::from_unix_us(opening.timestamp().as_microsecond()))
    }

    /// A moment of a day that begins at `start`.
    pub(crate) fn moment(start: Instant, hours: f64) -> Instant {
        start + Duration::from_secs_f64(hours * 3_600.0)
    }

    fn validate(&self) -> Result<(), ScenarioError> {
        let share = |key: &str, value: f64| {
            if (0.0..=1.0).contains(&value) {
                Ok(())
            } else {
                Err(fault(key, format!("{value} is no share from 0 to 1")))
            }
        };
        let positive = |key: &str, value: f64, max: f64| {
            if value > 0.0 && value <= max {
                Ok(())
            } else {
                Err(fault(key, format!("{value} must be above 0, at most {max}")))
            }
        };
        for (key, value) in [
            ("dial.human", self.dial.human),
            ("dial.machine", self.dial.machine),
            ("dial.busy", self.dial.busy),
            ("dial.fail", self.dial.fail),
            ("dial.early_progress", self.dial.early_progress),
            ("amd.human_as_machine", self.amd.human_as_machine),
            ("amd.machine_as_human", self.amd.machine_as_human),
            ("agent.pause_share", self.agent.pause_share),
            ("limit", self.limit.unwrap_or(0.0)),
        ] {
            share(key, value)?;
        }
        if self.dial.human + self.dial.machine + self.dial.busy + self.dial.fail > 1.0 + 1e-9 {
            return Err(fault("dial", "human, machine, busy and fail add up to more than 1".into()));
        }
        positive("day_hours", self.day_hours, 24.0)?;
        positive("dial.ring_timeout_s", self.dial.ring_timeout_s, 120.0)?;
        positive("dial.drift_min", self.dial.drift_min, 1e6)?;
        positive("customer.deadline_s", self.customer.deadline_s, 60.0)?;
        positive("trunk.max_cps", self.trunk.max_cps, 1e6)?;
        for (key, value) in [
            ("dial.day_sd", self.dial.day_sd),
            ("dial.drift_sd", self.dial.drift_sd),
            ("customer.hang_up_rate", self.customer.hang_up_rate),
            ("login_min", self.login_min),
        ] {
            if !(0.0..=1e6).contains(&value) {
                return Err(fault(key, format!("{value} must be 0 or more")));
            }
        }
        if self.dial.hour_shape.is_empty() || self.dial.hour_shape.iter().any(|factor| !(0.0..=100.0).contains(factor))
        {
            return Err(fault("dial.hour_shape", "needs at least one factor from 0 to 100".into()));
        }
        if self.shifts().iter().map(|shift| u64::from(shift.agents)).sum::<u64>() > u64::from(AGENTS_MAX) {
            return Err(fault("agents", format!("at most {AGENTS_MAX}")));
        }
        for shift in &self.shift {
            if !(0.0 <= shift.from_h && shift.from_h < shift.to_h && shift.to_h <= self.day_hours) {
                return Err(fault("shift", "needs 0 <= from_h < to_h <= day_hours".into()));
            }
        }
        for leave in &self.leave {
            share("leave.share", leave.share)?;
            if [leave.at_h, leave.minutes, leave.within_s].iter().any(|value| !(0.0..=1e5).contains(value)) {
                return Err(fault("leave", "times must be 0 or more".into()));
            }
        }
        for failure in &self.carrier_failure {
            share("carrier_failure.share", failure.share)?;
            if !(0.0 <= failure.from_h && failure.from_h < failure.to_h) {
                return Err(fault("carrier_failure", "needs 0 <= from_h < to_h".into()));
            }
        }
        for (key, at_h) in self
            .change
            .iter()
            .map(|change| ("change.at_h", change.at_h))
            .chain(self.clock_step.iter().map(|step| ("clock_step.at_h", step.at_h)))
        {
            if !(0.0..=24.0).contains(&at_h) {
                return Err(fault(key, format!("{at_h} must be an hour from 0 to 24")));
            }
        }
        if self.clock_step.iter().any(|step| !step.seconds.is_finite() || step.seconds.abs() > 1e9) {
            return Err(fault("clock_step.seconds", "must be a number under 30 years".into()));
        }
        if Profile::named(&self.profile).is_none() {
            let nearest = keys::nearest(&self.profile, &Profile::NAMES);
            return Err(fault("profile", format!("no profile {:?}; did you mean {nearest:?}?", self.profile)));
        }
        self.opening(0)?;
        self.refuse_unbuilt()
    }

    /// Keys whose room is not built: refused, never accepted and ignored.
    fn refuse_unbuilt(&self) -> Result<(), ScenarioError> {
        let unbuilt = |key: &str, instead: &str| Err(fault(key, format!("not built yet; {instead}")));
        if !self.campaign.is_empty() {
            return unbuilt("campaign", "simulate one campaign at a time, with [dial]");
        }
        if !self.inbound.is_empty() {
            return unbuilt("inbound", "leave it out to simulate outbound calls alone");
        }
        if self.hopper_answer_known {
            return unbuilt("hopper_answer_known", "set it to false: the pacer learns the answer rate");
        }
        if self.dial.early_progress > 0.0 {
            return unbuilt("dial.early_progress", "set it to 0");
        }
        Ok(())
    }
}

fn fault(key: &str, message: String) -> ScenarioError {
    ScenarioError { line: None, key: key.into(), message }
}

fn from_toml(text: &str, error: &toml::de::Error) -> ScenarioError {
    ScenarioError {
        line: error.span().map(|span| keys::line_of(text, span.start)),
        key: String::new(),
        message: error.message().trim().replace('\n', "; "),
    }
}

/// Sets a dotted key path in a table to a TOML value, which may lack the quotes of a string.
fn set_text(table: &mut toml::Table, key: &str, value: &str) -> Result<(), ScenarioError> {
    let parsed: toml::Table = toml::from_str(&format!("value = {value}"))
        .or_else(|_| toml::from_str(&format!("value = {:?}", value)))
        .map_err(|error| fault(key, error.message().to_string()))?;
    let Some(parsed) = parsed.get("value") else { return Err(fault(key, "has no value".into())) };
    let mut place = table;
    let mut parts = key.split('.').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            place.insert(part.to_string(), parsed.clone());
            return Ok(());
        }
        let inner = place.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        place = inner.as_table_mut().ok_or_else(|| fault(key, format!("{part:?} is not a table")))?;
    }
    Err(fault(key, "the key is empty".into()))
}
