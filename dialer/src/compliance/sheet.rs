//! Profiles as they are written down: every field with its value, source and whether somebody has verified it; and how
//! the values in force follow from that.
//!
//! **Invariants.** Every field stands in every file. A field that nobody has verified has the strict profile's value in
//! force until an operator confirms it, by name and day; that value is never the laxer one ([`stricter`](super::stricter)).
//! The strict and the lab profile have no unverified field. What is shipped is read once; a test reads each file. An
//! operator's own files stand beside them and are read by the same code. Absent: law. These are engineering notes, not
//! legal advice.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base::Duration;
use jiff::civil::Date;
use toml::de::{DeTable, DeValue};

use super::profile::{DeadlineFrom, Denominator, Profile};
use super::stricter::is_laxer;
use super::value::{Kind, Value};
use crate::scenario::{line_of, nearest};

/// One field that every profile has.
struct Spec {
    key: &'static str,
    kind: Kind,
    /// `"none"` is a value of it.
    optional: bool,
    doc: &'static str,
}

const fn field(key: &'static str, kind: Kind, optional: bool, doc: &'static str) -> Spec {
    Spec { key, kind, optional, doc }
}

static FIELDS: [Spec; 27] = [
    field("abandon_limit", Kind::Share, true, "Highest share abandoned of the persons reached"),
    field("internal_target", Kind::Share, false, "The house's own limit; the lower of both holds"),
    field("windows", Kind::Windows, false, "Over which calls the share is taken; all bind at once"),
    field("deadline_s", Kind::Seconds, false, "Seconds within which an agent must be heard"),
    field("deadline_from", Kind::From, false, "From where they run"),
    field("add_amd_false_positives", Kind::Flag, false, "Persons taken for machines are added to the abandoned"),
    field("amd_false_positive_rate", Kind::Share, true, "Persons taken for machines, of all persons who answer"),
    field("amd_evidence", Kind::Text, true, "Where that was measured"),
    field("subtract_machines", Kind::Flag, false, "Machines among the abandoned are taken off by an estimate"),
    field("min_ring_s", Kind::Seconds, false, "A call rings at least so long"),
    field("max_ring_s", Kind::Seconds, true, "And at most so long"),
    field("hours", Kind::Hours, false, "Calling hours at the called person"),
    field("holidays", Kind::Holidays, false, "Days without calls"),
    field("attempts", Kind::Caps, false, "Attempts at one number in any such span"),
    field("recall_after_abandon_h", Kind::Whole, false, "Hours of peace for an abandoned person"),
    field("recall_after_machine_h", Kind::Whole, false, "Hours until a number taken for a machine's is called again"),
    field("recall_with_agent", Kind::Flag, false, "Not where an agent is reserved before the call"),
    field("message", Kind::Text, true, "What an abandoned person must hear"),
    field("optout", Kind::OptOut, true, "How that message lets a person opt out"),
    field(
        "dnc_max_age_d",
        Kind::Whole,
        true,
        "A do-not-call list may be so many days old; with an older one nothing is dialled; where none was loaded calls go on and health warns",
    ),
    field(
        "reassigned_max_age_d",
        Kind::Whole,
        true,
        "A list of reassigned numbers may be so many days old; as do-not-call lists",
    ),
    field("consent_required", Kind::Flag, false, "Only leads with a proof of consent are called"),
    field("record_retention_d", Kind::Whole, true, "Records are kept for so many days; the engine deletes none"),
    field("caller_id", Kind::Text, true, "What number must be shown"),
    field("agentless_allowed", Kind::Flag, false, "Calls without agents are allowed"),
    field("agentless_consent", Kind::Flag, false, "And only to leads with a proof of consent"),
    field("effective_from", Kind::Date, true, "In force since"),
];

const KEYS: [&str; FIELDS.len()] = {
    let mut keys = [""; FIELDS.len()];
    let mut at = 0;
    while at < keys.len() {
        keys[at] = FIELDS[at].key;
        at += 1;
    }
    keys
};

/// A profile's file is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// Line, from 1; `None`: the whole text.
    pub line: Option<usize>,
    /// The field, or empty.
    pub key: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl std::fmt::Display for ProfileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ProfileError {}

/// Who answers for an unverified field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// Who.
    pub by: String,
    /// When, as a day (`2026-11-23`).
    pub on: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Field {
    own: Value,
    source: String,
    verified: bool,
    confirmed: Option<Confirmation>,
}

/// One field as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldView {
    /// Name.
    pub key: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// The value in force.
    pub value: String,
    /// The profile's own value; differs from `value` where nobody has verified it.
    pub own: String,
    /// Where it stands.
    pub source: String,
    /// Somebody has read it there.
    pub verified: bool,
    /// Which operator answers for it.
    pub confirmed: Option<Confirmation>,
}

/// A profile as it is written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// What it is about.
    pub title: String,
    /// That it is no legal advice.
    pub notice: String,
    /// The operator's own file, as it was named; `None`: it is shipped.
    pub file: Option<String>,
    fields: Vec<Field>,
    /// The strict profile's values, in the order of the fields.
    strict: Vec<Value>,
    in_force: Profile,
}

impl Sheet {
    /// Reads a profile; `strict` gives the values of its unverified fields (`None`: it is the strict one).
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the fields.
    fn parse(text: &str, strict: Option<&Sheet>) -> Result<Sheet, Vec<ProfileError>> {
        let whole = |key: &str, message: String| ProfileError { line: None, key: key.into(), message };
        let parsed = DeTable::parse(text).map_err(|error| {
            let line = error.span().map(|span| line_of(text, span.start));
            vec![ProfileError { line, ..whole("", format!("not TOML: {}", error.message())) }]
        })?;
        let table = parsed.get_ref();
        let mut wrong = Vec::new();
        for (key, _) in table.iter() {
            let (name, start): (&str, usize) = (key.get_ref(), key.span().start);
            if !HEAD.contains(&name) && !KEYS.contains(&name) {
                let near = nearest(name, &[&KEYS[..], &HEAD[..]].concat());
                let line = Some(line_of(text, start));
                wrong.push(ProfileError { line, ..whole(name, format!("unknown field; did you mean {near:?}?")) });
            }
        }
        let mut head = |key: &str| match table.get(key).map(|value| value.get_ref()) {
            Some(DeValue::String(words)) if !words.is_empty() => words.to_string(),
            _ => {
                wrong.push(whole(key, "write a text".into()));
                String::new()
            }
        };
        let (name, title, notice) = (head("name"), head("title"), head("notice"));
        let version = match table.get("version").map(|value| value.get_ref()) {
            Some(DeValue::Integer(number)) => number.as_str().parse::<u32>().ok().filter(|version| *version > 0),
            _ => None,
        };
        if version.is_none() {
            wrong.push(whole("version", "write a whole number from 1 on; raise it with every change".into()));
        }
        let mut fields = Vec::with_capacity(FIELDS.len());
        for spec in &FIELDS {
            let Some(value) = table.get(spec.key) else {
                let message = format!("the field is missing; add [{}] with value, source and verified", spec.key);
                wrong.push(whole(spec.key, message));
                continue;
            };
            match Field::read(spec, value.get_ref()) {
                Ok(field) => fields.push(field),
                Err(message) => {
                    let line = Some(line_of(text, value.span().start));
                    wrong.push(ProfileError { line, ..whole(spec.key, message) });
                }
            }
        }
        let (Some(version), true) = (version, wrong.is_empty()) else { return Err(wrong) };
        let strict = match strict {
            Some(strict) => strict.strict.clone(),
            None => fields.iter().map(|field| field.own.clone()).collect(),
        };
        let in_force = closed(name, version);
        let mut sheet = Sheet { title, notice, file: None, fields, strict, in_force };
        sheet.settle();
        let lines = |key: &str| table.get(key).map(|value| line_of(text, value.span().start));
        let laxer = sheet.laxer_fallbacks();
        let wrong: Vec<ProfileError> = laxer
            .map(|key| {
                let message = "nobody has verified it, and the value of the profile strict that would hold in its \
                               place is laxer in some way; read the source and say verified = true, or take the \
                               strict value";
                ProfileError { line: lines(key), ..whole(key, message.into()) }
            })
            .collect();
        if wrong.is_empty() { Ok(sheet) } else { Err(wrong) }
    }

    /// Unverified fields whose own value is stricter, in some way, than the strict profile's.
    fn laxer_fallbacks(&self) -> impl Iterator<Item = &'static str> {
        let with = |at: usize, value: &Value| {
            let mut profile = closed(String::new(), 1);
            fill(&mut profile, FIELDS[at].key, value);
            profile
        };
        let unverified = FIELDS.iter().enumerate().filter(|(at, _)| !self.fields[*at].verified);
        unverified
            .filter(move |(at, spec)| {
                is_laxer(spec.key, &with(*at, &self.strict[*at]), &with(*at, &self.fields[*at].own))
            })
            .map(|(_, spec)| spec.key)
    }

    /// Whether both have the same version and yet not the same values: a change that the records cannot show.
    pub fn differs_unversioned(&self, other: &Sheet) -> bool {
        let own = |sheet: &Sheet| sheet.fields.iter().map(|field| field.own.clone()).collect::<Vec<_>>();
        self.in_force.version == other.in_force.version && own(self) != own(other)
    }

    fn value_in_force(&self, at: usize) -> &Value {
        let field = &self.fields[at];
        if field.verified || field.confirmed.is_some() { &field.own } else { &self.strict[at] }
    }

    fn settle(&mut self) {
        let mut profile = closed(self.in_force.name.clone(), self.in_force.version);
        for (at, spec) in FIELDS.iter().enumerate() {
            fill(&mut profile, spec.key, self.value_in_force(at));
        }
        self.in_force = profile;
    }

    /// The values in force.
    pub fn in_force(&self) -> &Profile {
        &self.in_force
    }

    /// Every field, in order.
    pub fn fields(&self) -> impl Iterator<Item = FieldView> {
        FIELDS.iter().enumerate().map(|(at, spec)| {
            let field = &self.fields[at];
            FieldView {
                key: spec.key,
                doc: spec.doc,
                value: self.value_in_force(at).to_string(),
                own: field.own.to_string(),
                source: field.source.clone(),
                verified: field.verified,
                confirmed: field.confirmed.clone(),
            }
        })
    }
}

const HEAD: [&str; 4] = ["name", "version", "title", "notice"];

impl Field {
    fn read(spec: &Spec, value: &DeValue<'_>) -> Result<Field, String> {
        let DeValue::Table(table) = value else {
            return Err(format!("write [{}] with value, source, verified", spec.key));
        };
        let known = ["value", "source", "verified"];
        if let Some((key, _)) = table.iter().find(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            let key = key.get_ref();
            return Err(format!("unknown key {key:?}; did you mean {:?}?", nearest(key, &known)));
        }
        let own = table.get("value").ok_or("the value is missing")?;
        let own = Value::read(spec.kind, spec.optional, own.get_ref())?;
        let source = match table.get("source").map(|source| source.get_ref()) {
            Some(DeValue::String(source)) if !source.trim().is_empty() => source.to_string(),
            _ => return Err("name the source".into()),
        };
        let verified = match table.get("verified").map(|verified| verified.get_ref()) {
            Some(DeValue::Boolean(verified)) => *verified,
            _ => return Err("say verified = true or false".into()),
        };
        Ok(Field { own, source, verified, confirmed: None })
    }
}

/// A profile that allows nothing, to be filled.
fn closed(name: String, version: u32) -> Profile {
    Profile {
        name,
        version,
        abandon_limit: 1.0,
        windows: Vec::new(),
        deadline: Duration::ZERO,
        deadline_from: DeadlineFrom::Answer,
        denominator: Denominator {
            add_amd_false_positives: true,
            amd_false_positive_rate: None,
            amd_evidence: None,
            subtract_machines: false,
        },
        min_ring: Duration::ZERO,
        max_ring: None,
        hours: Default::default(),
        holidays: Vec::new(),
        attempts: Vec::new(),
        recall_after_abandon_h: 0,
        recall_after_machine_h: 0,
        recall_with_agent: false,
        message_required: true,
        opt_out_key: false,
        dnc_max_age_d: None,
        reassigned_max_age_d: None,
        consent_required: true,
        agentless_allowed: false,
        agentless_consent: true,
    }
}

/// Puts a value in its place. False: the profile has no place for it (what only people read).
fn fill(profile: &mut Profile, key: &str, value: &Value) -> bool {
    let whole = |value: &Value| if let Value::Whole(number) = value { Some(*number) } else { None };
    let seconds = |value: &Value| if let Value::Seconds(s) = value { Some(Duration::from_secs_f64(*s)) } else { None };
    let share = |value: &Value| if let Value::Share(share) = value { Some(*share) } else { None };
    let yes = matches!(value, Value::Flag(true));
    match (key, value) {
        ("abandon_limit" | "internal_target", _) => {
            profile.abandon_limit = profile.abandon_limit.min(share(value).unwrap_or(1.0));
        }
        ("windows", Value::Windows(windows)) => profile.windows.clone_from(windows),
        ("deadline_s", _) => profile.deadline = seconds(value).unwrap_or(Duration::ZERO),
        ("deadline_from", Value::From(from)) => profile.deadline_from = *from,
        ("add_amd_false_positives", _) => profile.denominator.add_amd_false_positives = yes,
        ("amd_false_positive_rate", _) => profile.denominator.amd_false_positive_rate = share(value),
        ("amd_evidence", _) => {
            profile.denominator.amd_evidence = if let Value::Text(text) = value { Some(text.clone()) } else { None };
        }
        ("subtract_machines", _) => profile.denominator.subtract_machines = yes,
        ("min_ring_s", _) => profile.min_ring = seconds(value).unwrap_or(Duration::ZERO),
        ("max_ring_s", _) => profile.max_ring = seconds(value),
        ("hours", Value::Hours(week)) => profile.hours.clone_from(week),
        ("holidays", Value::Holidays(days)) => profile.holidays.clone_from(days),
        ("attempts", Value::Caps(caps)) => profile.attempts.clone_from(caps),
        ("recall_after_abandon_h", _) => profile.recall_after_abandon_h = whole(value).unwrap_or(0),
        ("recall_after_machine_h", _) => profile.recall_after_machine_h = whole(value).unwrap_or(0),
        ("recall_with_agent", _) => profile.recall_with_agent = yes,
        ("message", _) => profile.message_required = *value != Value::None,
        ("optout", _) => profile.opt_out_key = *value != Value::None,
        ("dnc_max_age_d", _) => profile.dnc_max_age_d = whole(value),
        ("reassigned_max_age_d", _) => profile.reassigned_max_age_d = whole(value),
        ("consent_required", _) => profile.consent_required = yes,
        ("agentless_allowed", _) => profile.agentless_allowed = yes,
        ("agentless_consent", _) => profile.agentless_consent = yes,
        _ => return false,
    }
    true
}

/// All profiles of an installation: those that are shipped, and the operator's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Profiles {
    sheets: BTreeMap<String, Sheet>,
}

/// The files, the strict one first: the others take from it.
const FILES: [(&str, &str); Profile::NAMES.len()] = [
    ("strict", include_str!("../../profiles/strict.toml")),
    ("us-ftc", include_str!("../../profiles/us-ftc.toml")),
    ("uk-ofcom", include_str!("../../profiles/uk-ofcom.toml")),
    ("ca-crtc", include_str!("../../profiles/ca-crtc.toml")),
    ("de-uwg", include_str!("../../profiles/de-uwg.toml")),
    ("fr", include_str!("../../profiles/fr.toml")),
    ("in-trai", include_str!("../../profiles/in-trai.toml")),
    ("au-dncr", include_str!("../../profiles/au-dncr.toml")),
    ("lab", include_str!("../../profiles/lab.toml")),
];

static SHIPPED: LazyLock<Profiles> = LazyLock::new(|| {
    let mut sheets: BTreeMap<String, Sheet> = BTreeMap::new();
    for (name, text) in FILES {
        let sheet = Sheet::parse(text, sheets.get("strict"));
        sheets.insert(name.to_owned(), sheet.unwrap_or_else(|wrong| panic!("profile {name}: {wrong:?}")));
    }
    Profiles { sheets }
});

impl Default for Profiles {
    fn default() -> Profiles {
        SHIPPED.clone()
    }
}

impl Profiles {
    /// What is shipped, with nothing confirmed.
    pub fn shipped() -> &'static Profiles {
        &SHIPPED
    }

    /// The text of a shipped profile: what an operator's own is made of.
    pub fn text(name: &str) -> Option<&'static str> {
        FILES.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text)
    }

    /// One by name.
    pub fn get(&self, name: &str) -> Option<&Sheet> {
        self.sheets.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Sheet)> {
        self.sheets.iter().map(|(name, sheet)| (name.as_str(), sheet))
    }

    /// Adds an operator's own profile, read out of `file`, and gives its name. Unverified fields have the strict
    /// profile's value until they are confirmed, as in those that are shipped.
    ///
    /// # Errors
    /// Everything that is wrong with the text; a name that another profile has.
    pub fn add(&mut self, file: &str, text: &str) -> Result<String, Vec<ProfileError>> {
        let sheet = Sheet::parse(text, SHIPPED.get("strict"))?;
        let name = sheet.in_force.name.clone();
        if let Some(other) = self.get(&name) {
            let message = match &other.file {
                None => format!("{name:?} is a shipped profile; give yours another name"),
                Some(other) => format!("{name:?} is the profile of {other} already; give this one another name"),
            };
            return Err(vec![ProfileError { line: None, key: "name".into(), message }]);
        }
        self.sheets.insert(name.clone(), Sheet { file: Some(file.to_owned()), ..sheet });
        Ok(name)
    }

    /// An operator answers for an unverified field: its own value comes in force.
    ///
    /// # Errors
    /// What is wrong with the words, and how to mend it.
    pub fn confirm(&mut self, name: &str, field: &str, confirmation: &Confirmation) -> Result<(), String> {
        let sheet = self.known(name)?;
        let Some(at) = KEYS.iter().position(|key| *key == field) else {
            return Err(format!("no field {field:?}; did you mean {:?}?", nearest(field, &KEYS)));
        };
        if sheet.fields[at].verified {
            return Err(format!("{field} is verified and needs no confirmation"));
        }
        if confirmation.on.parse::<Date>().is_err() {
            return Err(format!("{:?} is no day; write one such as \"2026-11-23\"", confirmation.on));
        }
        if confirmation.by.trim().is_empty() {
            return Err("say who confirms".into());
        }
        sheet.fields[at].confirmed = Some(confirmation.clone());
        sheet.settle();
        Ok(())
    }

    /// The operator's own measurement of the persons whom detection takes for machines (share of 1), and where it is.
    ///
    /// # Errors
    /// As [`Profiles::confirm`].
    pub fn estimate(&mut self, name: &str, rate: f64, evidence: &str) -> Result<(), String> {
        let sheet = self.known(name)?;
        if !(0.0..0.5).contains(&rate) {
            return Err("the rate is a share from 0 to under 0.5".into());
        }
        for (key, value) in
            [("amd_false_positive_rate", Value::Share(rate)), ("amd_evidence", Value::Text(evidence.to_string()))]
        {
            let field = KEYS.iter().position(|known| *known == key).and_then(|at| sheet.fields.get_mut(at));
            if let Some(field) = field {
                // Who has measured it knows it, whatever the profile's author had to guess.
                (field.own, field.verified) = (value, true);
                field.source = "the operator's own measurement".to_string();
            }
        }
        sheet.settle();
        Ok(())
    }

    fn known(&mut self, name: &str) -> Result<&mut Sheet, String> {
        let unknown = self.unknown(name);
        self.sheets.get_mut(name).ok_or(unknown)
    }

    /// What is said to a name that no profile has.
    pub fn unknown(&self, name: &str) -> String {
        let names: Vec<&str> = self.sheets.keys().map(String::as_str).collect();
        format!("no profile {name:?}; did you mean {:?}?", nearest(name, &names))
    }
}

#[cfg(test)]
mod tests;
