//! A whole scenario: its values, how it is read from text, and what a run asks of it.

use base::{Duration, Instant, TrunkId, WallTime};
use serde::Deserialize;

use super::parts::{
    AgentModel, AmdModel, CampaignPart, CarrierFailure, Change, ClockStep, CustomerModel, DialModel, InboundModel,
    Leave, LedgerKind, SegmentModel, Shift, TrunkModel,
};
use super::{Dist, ScenarioError, keys};
use crate::amd::AmdRules;
use crate::campaign::{CampaignConfig, ConfigError, Mode, RetryRules};
use crate::compliance::{Profile, Profiles, Window};
use crate::recording::{RECORDING_MAX, Recording};

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
    /// Compliance profile: a name, or an own one's file beside the scenario (`mine.toml`).
    pub profile: String,
    /// Its values in force, worked out when the text was read.
    #[serde(skip)]
    rules: Profile,
    /// Overrides the profile's abandon limit.
    pub limit: Option<f64>,
    /// Which window binds.
    pub ledger: LedgerKind,
    /// Leads of each day's list; each is dialled once.
    pub lead_supply: u64,
    /// The pacer is told the true share of answers instead of learning it.
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
    /// Several campaigns on the same agents; without any the scenario is one.
    pub campaign: Vec<CampaignPart>,
    /// Inbound calls for the same agents.
    pub inbound: Vec<InboundModel>,
    /// Parts of the lists that differ.
    pub segment: Vec<SegmentModel>,
    /// The values after each change, worked out when the text was read.
    #[serde(skip)]
    stages: Vec<(f64, Scenario)>,
    /// Each campaign as a scenario of its own, worked out when the text was read.
    #[serde(skip)]
    parts: Vec<Scenario>,
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
            rules: Profile::us_ftc(),
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
            segment: Vec::new(),
            stages: Vec::new(),
            parts: Vec::new(),
        }
    }
}

/// The values in force of a profile by name, or of the own one in the file of that name. Nobody confirms fields in a
/// file that stands alone.
fn rules(
    name: &str,
    profiles: &Profiles,
    load: &mut dyn FnMut(&str) -> Result<String, String>,
) -> Result<Profile, String> {
    if let Some(sheet) = profiles.get(name) {
        return Ok(sheet.in_force().clone());
    }
    if !name.ends_with(".toml") {
        return Err(profiles.unknown(name));
    }
    let mut own = Profiles::default();
    let added = own.add(name, &load(name)?);
    let added = added.map_err(|wrong| wrong.first().map_or(String::new(), |fault| format!("{name}: {fault}")))?;
    own.get(&added).map(|sheet| sheet.in_force().clone()).ok_or_else(|| own.unknown(&added))
}

impl Scenario {
    /// Reads a scenario under a shipped profile; files that it names are refused because there is nobody to read them.
    pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        let none = &mut |name: &str| Err(format!("{name}: files cannot be read here"));
        Scenario::parse_with(text, &[], Profiles::shipped(), none)
    }

    /// Reads a scenario. `overrides` are key paths with TOML values ("dial.human", "0.3"), set over the text's;
    /// `profiles` are those that it may name, `load` gives the text of a sample file or of an own profile.
    ///
    /// # Errors
    /// The first fault, with its key and, where it stands in the text, its line.
    pub fn parse_with(
        text: &str,
        overrides: &[(&str, &str)],
        profiles: &Profiles,
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
        let mut scenario = Scenario::complete(table.clone(), profiles, load)?;
        for campaign in scenario.campaign.clone() {
            let part = Scenario::complete(of_campaign(table.clone(), &campaign), profiles, load)?;
            scenario.parts.push(part);
        }
        Ok(scenario)
    }

    fn complete(
        table: toml::Table,
        profiles: &Profiles,
        load: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Scenario, ScenarioError> {
        let mut scenario = Scenario::from_table(table)?;
        scenario.rules = rules(&scenario.profile, profiles, load).map_err(|message| fault("profile", message))?;
        scenario.each_dist(&mut |dist| dist.load(load)).map_err(|message| fault("", message))?;
        scenario.validate()?;
        scenario.stages = scenario.work_out_stages(load)?;
        Ok(scenario)
    }

    /// Each campaign as a scenario of its own: the scenario itself, or its `[[campaign]]`s in their order.
    pub fn parts(&self) -> Vec<Scenario> {
        if self.parts.is_empty() { vec![self.clone()] } else { self.parts.clone() }
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
        for inbound in &mut self.inbound {
            for dist in [&mut inbound.patience_s, &mut inbound.talk_s, &mut inbound.wrap_s] {
                visit(dist)?;
            }
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
        let mut profile = self.rules.clone();
        profile.deadline = Duration::from_secs_f64(self.customer.deadline_s);
        // A scenario may ring shorter than the law allows, to ask what that would change.
        profile.min_ring = profile.min_ring.min(Duration::from_secs_f64(self.dial.ring_timeout_s));
        // The world knows how many persons its detection loses.
        profile.denominator.amd_false_positive_rate = Some(self.amd.human_as_machine.min(0.95));
        profile.denominator.amd_evidence = Some("the scenario".into());
        let mut config = CampaignConfig::new(&self.name, TrunkId(1), "+15550100000");
        config.mode = mode;
        config.amd = if self.amd.enabled { AmdRules::ALWAYS } else { AmdRules::OFF };
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
        config.recording = Some(Recording { message: "message".into(), max: RECORDING_MAX });
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
}

/// A scenario's table with one campaign's values in place of the scenario's own.
fn of_campaign(mut table: toml::Table, campaign: &CampaignPart) -> toml::Table {
    table.remove("campaign");
    table.insert("name".into(), toml::Value::String(campaign.name.clone()));
    if let Some(limit) = campaign.limit {
        table.insert("limit".into(), toml::Value::Float(limit));
    }
    let dial = table.entry("dial").or_insert_with(|| toml::Value::Table(toml::Table::new()));
    if let Some(dial) = dial.as_table_mut() {
        dial.extend(campaign.dial.clone());
    }
    table
}

pub(super) fn fault(key: &str, message: String) -> ScenarioError {
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
