//! Settings as JSON: campaigns and agents (see `live.rs` for trunks and routes) that come over the API, with the keys, checks and words of the file.
//!
//! ```text
//!  JSON object ──as TOML──> the file's own reader (keys.rs, cross.rs) ──> Campaign | Agent
//!  Campaign | Agent ──> JSON object that reads back as the same
//! ```

use super::keys::{Key, Kind, Presence, SECTIONS, Section};
use super::read::{Document, Found};
use super::{Agent, Campaign, Secret, agent, campaign, cross};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// What a secret is shown as.
const HIDDEN: &str = Secret::SHOWN;

/// Names that settings may refer to.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Trunks of the file.
    pub trunks: BTreeSet<String>,
    /// Agents of the file and of the store.
    pub agents: BTreeSet<String>,
    /// Skills that these agents have.
    pub skills: BTreeSet<String>,
    /// Compliance profiles.
    pub profiles: Arc<dialer::Profiles>,
}

/// A key that is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFault {
    /// The key.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

impl std::fmt::Display for KeyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}, {}", self.what, self.key, self.mend)
    }
}

impl Campaign {
    /// Checks the keys of `[[campaign]]`; `null` stands for a key that is left out.
    ///
    /// # Errors
    /// Every fault.
    pub fn from_json(settings: &Map<String, Value>, known: &Known) -> Result<Campaign, Vec<KeyFault>> {
        read("campaign", settings, known, |found| campaign(found, &known.profiles))
    }

    /// Its settings with the keys of `[[campaign]]`; keys without a value are left out.
    pub fn to_json(&self) -> Map<String, Value> {
        let (mode, ratio) = match self.mode {
            dialer::Mode::Progressive => ("progressive", None),
            dialer::Mode::Power(ratio) => ("power", Some(ratio)),
            dialer::Mode::Predictive => ("predictive", None),
            dialer::Mode::Preview(_) => ("preview", None),
            dialer::Mode::Agentless(_) => ("agentless", None),
        };
        let then = match self.preview.then {
            dialer::PreviewEnd::Dial => "dial",
            dialer::PreviewEnd::Skip => "skip",
        };
        let mut all = without_nulls(json!({
            "name": self.name,
            "list": self.list,
            "trunk": self.trunk,
            "mode": mode,
            "ratio": ratio,
            "channels": self.channels,
            "calls_per_second": self.calls_per_second,
            "message": self.message,
            "preview_s": self.preview.timer.as_ms() / 1_000,
            "preview_then": then,
            "skip_retry_min": self.skipped.gap.as_ms() / 60_000,
            "callback_wait_min": self.callback_wait.as_ms() / 60_000,
            "callback_then": if self.callback_again { "later" } else { "anybody" },
            "callback_later_min": self.callback_later.as_ms() / 60_000,
            "skips_max": self.skipped.times,
            "agents": self.agents,
            "skills": self.skills,
            "weight": self.weight,
            "amd": self.amd,
            "amd_mode": self.amd_mode.name(),
            "amd_audit_share": self.amd_audit_share,
            "amd_audio": self.amd_audio,
            "amd_audio_days": self.amd_audio_days,
            "profile": self.profile,
            "limit": self.limit,
            "caller_id": self.caller_id,
            "safe_harbour": self.safe_harbour,
            "ring_timeout_s": self.ring_timeout.as_ms() / 1_000,
            "attempts_max": self.attempts_max,
            "recycle": self.recycle,
            "mix": self.mix,
            "filter": self.filter,
            "order": self.order,
            "timezone": self.timezone,
        }));
        all.extend(self.answers.to_json());
        all
    }
}

impl Agent {
    /// Checks the keys of `[[agent]]`; `null` stands for a key that is left out.
    ///
    /// # Errors
    /// Every fault.
    pub fn from_json(settings: &Map<String, Value>, known: &Known) -> Result<Agent, Vec<KeyFault>> {
        read("agent", settings, known, agent)
    }

    /// Its settings with the keys of `[[agent]]`, the password hidden; keys without a value are left out.
    pub fn to_json(&self) -> Map<String, Value> {
        without_nulls(json!({
            "name": self.name,
            "password": self.password.as_ref().map(|_: &Secret| HIDDEN),
            "sip": self.sip,
            "auto_ready": self.auto_ready,
            "skills": self.skills,
        }))
    }
}

pub(super) fn without_nulls(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}

pub(super) fn section(name: &str) -> &'static Section {
    SECTIONS.iter().find(|section| section.name == name).expect("the section is declared")
}

pub(super) fn read<T>(
    name: &str,
    settings: &Map<String, Value>,
    known: &Known,
    build: impl Fn(&Found) -> T,
) -> Result<T, Vec<KeyFault>> {
    let table: toml::Table = settings.iter().filter_map(|(key, value)| Some((key.clone(), as_toml(value)?))).collect();
    let mut document = Document::one(section(name), table.to_string());
    cross::check_one(&mut document, known);
    if document.faults.is_empty() {
        return Ok(build(&document.sections[0]));
    }
    let prefix = format!("{name}.");
    let fault = |raw: super::fault::Raw| {
        // A key that is missing is named by its section alone; its words begin with the key.
        let key = match raw.key.strip_prefix(&prefix) {
            Some(key) => key.to_owned(),
            None => {
                raw.what.strip_prefix('"').and_then(|rest| rest.split_once('"')).map_or("", |(key, _)| key).to_owned()
            }
        };
        KeyFault { key, what: raw.what, mend: raw.mend }
    };
    Err(document.faults.into_iter().map(fault).collect())
}

/// A JSON value as the same TOML value; `None` for `null`.
fn as_toml(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => toml::Value::Boolean(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => toml::Value::Integer(whole),
            None => toml::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => toml::Value::String(text.clone()),
        // An entry that is null is kept as a text that no list takes.
        Value::Array(entries) => toml::Value::Array(
            entries.iter().map(|entry| as_toml(entry).unwrap_or(toml::Value::Boolean(false))).collect(),
        ),
        Value::Object(map) => {
            toml::Value::Table(map.iter().filter_map(|(key, value)| Some((key.clone(), as_toml(value)?))).collect())
        }
    })
}

/// A configuration as JSON, with all defaults, secrets hidden. `text` was accepted by [`super::Config::parse`].
pub(super) fn shown(text: &str) -> Value {
    let given: toml::Table = text.parse().unwrap_or_default();
    let mut all = Map::new();
    for section in &SECTIONS {
        let value = match given.get(section.name) {
            Some(toml::Value::Array(entries)) => {
                entries.iter().map(|entry| Value::Object(section_shown(section, entry.as_table()))).collect()
            }
            Some(entry) => Value::Object(section_shown(section, entry.as_table())),
            None if section.many => Value::Array(Vec::new()),
            None => Value::Object(section_shown(section, None)),
        };
        all.insert(section.name.to_owned(), value);
    }
    Value::Object(all)
}

fn section_shown(section: &Section, given: Option<&toml::Table>) -> Map<String, Value> {
    let mut shown = Map::new();
    for key in section.keys {
        let value = match (given.and_then(|table| table.get(key.name)), key.presence) {
            (Some(value), _) => serde_json::to_value(value).unwrap_or(Value::Null),
            (None, Presence::Default(literal)) => default_value(literal),
            (None, _) => continue,
        };
        shown.insert(key.name.to_owned(), hide(key, value));
    }
    shown
}

pub(super) fn hide(key: &Key, value: Value) -> Value {
    match (key.kind, &value) {
        (_, Value::String(_)) if key.name == "password" => Value::from(HIDDEN),
        // postgres://NAME:PASSWORD@HOST
        (Kind::StoreUrl, Value::String(url)) => match (url.find("://"), url.rfind('@')) {
            (Some(scheme), Some(at)) => match url[scheme + 3..at].split_once(':') {
                Some((name, _)) => Value::from(format!("{}{name}:{HIDDEN}{}", &url[..scheme + 3], &url[at..])),
                None => value,
            },
            _ => value,
        },
        _ => value,
    }
}

/// A default, which keys.rs writes as TOML, as JSON.
pub(super) fn default_value(literal: &str) -> Value {
    let table: toml::Table = format!("value = {literal}").parse().unwrap_or_default();
    table.get("value").and_then(|value| serde_json::to_value(value).ok()).unwrap_or(Value::Null)
}

/// The keys of `[[campaign]]` as a schema of the API.
pub struct CampaignSchema;
/// The keys of `[[agent]]` as a schema of the API.
pub struct AgentSchema;
/// The keys of `[[trunk]]` as a schema of the API.
pub struct TrunkSchema;
/// The keys of `[[route]]` as a schema of the API.
pub struct RouteSchema;

impl ToSchema for CampaignSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("CampaignSettings")
    }
}

impl PartialSchema for CampaignSchema {
    fn schema() -> RefOr<Schema> {
        schema(section("campaign"))
    }
}

impl ToSchema for AgentSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("AgentSettings")
    }
}

impl PartialSchema for AgentSchema {
    fn schema() -> RefOr<Schema> {
        schema(section("agent"))
    }
}

impl ToSchema for TrunkSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("TrunkSettings")
    }
}

impl PartialSchema for TrunkSchema {
    fn schema() -> RefOr<Schema> {
        schema(section("trunk"))
    }
}

impl ToSchema for RouteSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Route")
    }
}

impl PartialSchema for RouteSchema {
    fn schema() -> RefOr<Schema> {
        schema(section("route"))
    }
}

fn schema(section: &Section) -> RefOr<Schema> {
    let mut object = ObjectBuilder::new()
        .description(Some(format!("{} The keys are those of [[{}]] in outpace.toml.", section.doc, section.name)))
        .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(false)));
    let mut example = Map::new();
    for key in section.keys.iter().filter(|key| key.not_built.is_none()) {
        object = object.property(key.name, key_schema(key));
        if let Presence::Required(literal) = key.presence {
            object = object.required(key.name);
            example.insert(key.name.to_owned(), default_value(literal));
        }
    }
    object.examples([Value::Object(example)]).build().into()
}

fn key_schema(key: &Key) -> Schema {
    let default = match key.presence {
        Presence::Default(literal) => Some(default_value(literal)),
        _ => None,
    };
    let simple = |kind: Type| ObjectBuilder::new().schema_type(SchemaType::new(kind));
    let object = match key.kind {
        Kind::Flag => simple(Type::Boolean),
        Kind::Whole(min, max) => simple(Type::Integer).minimum(Some(min as f64)).maximum(Some(max as f64)),
        Kind::Number(min, max) => simple(Type::Number).minimum(Some(min)).maximum(Some(max)),
        Kind::Choice(known) => simple(Type::String).enum_values(Some(known.iter().copied())),
        Kind::Names | Kind::Codecs => {
            let items = simple(Type::String).max_length(Some(64)).build();
            return ArrayBuilder::new().items(items).description(Some(key.doc)).default(default).build().into();
        }
        Kind::Name => simple(Type::String).min_length(Some(1)).max_length(Some(64)),
        Kind::Phone => simple(Type::String).pattern(Some("^\\+[1-9][0-9]{6,14}$")),
        _ if key.name == "password" => simple(Type::String).min_length(Some(1)).write_only(true),
        _ => simple(Type::String).min_length(Some(1)),
    };
    object.description(Some(key.doc)).default(default).build().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Known { trunks: set(&["carrier"]), agents: set(&["ann"]), skills: set(&["sales"]), ..Known::default() }
    }

    fn object(value: Value) -> Map<String, Value> {
        without_nulls(value)
    }

    #[test]
    fn every_key_of_a_campaign_and_of_an_agent_goes_out_and_comes_back() {
        let mut all = object(json!({
            "name": "spring", "list": "leads", "trunk": "carrier", "mode": "power", "ratio": 1.25,
            "agents": ["ann"], "skills": ["sales"], "weight": 2.5, "amd": false, "profile": "strict", "limit": 0.01,
            "amd_mode": "shadow", "amd_audit_share": 0.05, "amd_audio": true, "amd_audio_days": 7,
            "caller_id": "+12125550100", "safe_harbour": "sorry.wav", "ring_timeout_s": 20, "attempts_max": 2,
            "recycle": "busy 10m 3, machine never", "mix": "leads:2, gold:5", "filter": "attempts < 3", "order": "random",
            "timezone": "Europe/Berlin", "channels": 30, "calls_per_second": 2.5, "message": "notice.wav",
            "preview_s": 45, "preview_then": "skip", "skip_retry_min": 90, "skips_max": 2,
            "callback_wait_min": 20, "callback_then": "later", "callback_later_min": 120,
        }));
        all.extend(object(json!({
            "on_machine": "hang_up", "machine_message": "left.wav", "message_after": "greeting_end", "message_wait_s": 50,
            "on_ivr": "agent", "on_screening": "identify", "screening_message": "who.wav", "screening_wait_s": 30,
            "on_silence": "hello", "hello_message": "hello.wav", "hello_wait_s": 5, "hello_then": "hang_up",
            "on_fax": "hang_up", "on_sit": "hang_up",
        })));
        let campaign = Campaign::from_json(&all, &known()).unwrap();
        assert_eq!(campaign.to_json(), all);
        let keys: Vec<&str> =
            section("campaign").keys.iter().filter(|key| key.not_built.is_none()).map(|key| key.name).collect();
        assert!(keys.iter().all(|key| all.contains_key(*key)), "a key is missing in to_json: {keys:?}");

        let all = object(json!({ "name": "ann", "sip": "sip:ann@h", "auto_ready": true, "skills": ["sales"] }));
        let agent = Agent::from_json(&all, &known()).unwrap();
        assert_eq!(agent.to_json(), all);
        assert_eq!(section("agent").keys.len(), all.len() + 1); // the password
    }

    #[test]
    fn faults_are_the_files_own_words_by_key() {
        let settings = object(json!({
            "name": "s", "list": "l", "trunk": "carier", "ring_timout_s": 7, "limit": 2, "agents": [null], "amd": {},
        }));
        let faults = Campaign::from_json(&settings, &known()).unwrap_err();
        let find =
            |key: &str| faults.iter().find(|fault| fault.key == key).unwrap_or_else(|| panic!("{key}: {faults:?}"));
        assert_eq!(find("trunk").mend, "did you mean \"carrier\"?");
        assert_eq!(find("ring_timout_s").mend, "did you mean \"ring_timeout_s\"?");
        assert!(find("limit").what.contains("out of range"));
        assert!(find("caller_id").what.contains("missing"));
        find("agents");
        find("amd");
        // The dialer's own rule speaks too, once the values are right.
        let settings =
            object(json!({ "name": "s", "list": "l", "trunk": "carrier", "ratio": 2.0, "caller_id": "+12125550100" }));
        let faults = Campaign::from_json(&settings, &known()).unwrap_err();
        assert_eq!(faults[0].key, "ratio");
    }

    #[test]
    fn what_is_shown_has_all_defaults_and_no_secret() {
        let shown = shown(
            "[store]\nurl = \"postgres://me:s3cret@db:5432/outpace\"\n[[agent]]\nname = \"ann\"\npassword = \"s3cret\"\n",
        );
        assert_eq!(shown["store"]["url"], "postgres://me:***@db:5432/outpace");
        assert_eq!(shown["agent"][0]["password"], "***");
        assert_eq!(shown["server"]["http"], "127.0.0.1:8080");
        assert!(!shown.to_string().contains("s3cret"));
    }
}
