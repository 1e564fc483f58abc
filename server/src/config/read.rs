//! From text to checked values: one pass that notes every fault and goes on.

use super::fault::Raw;
use super::keys::{Key, Kind, Presence, SECTIONS, Section};
use super::nearest::nearest;
use super::values::{
    Action, CalledPattern, Codec, Host, LIST_MAX, Value, Wrong, check_name, codec, expected, from_text, listed,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// A text with what was found in it.
pub(super) struct Document {
    pub(super) text: String,
    pub(super) sections: Vec<Found>,
    pub(super) faults: Vec<Raw>,
}

/// One section of the text, or one that is left out and has only defaults.
pub(super) struct Found {
    section: &'static Section,
    /// `trunk[2]`, counted from 1.
    path: String,
    /// Where its header stands.
    pub(super) span: Range<usize>,
    /// Given and right: the value and its place.
    given: BTreeMap<&'static str, (Value, Range<usize>)>,
}

impl Document {
    /// Reads a text as far as it can be read.
    pub(super) fn read(bytes: &[u8]) -> Document {
        let mut document = Document { text: String::new(), sections: Vec::new(), faults: Vec::new() };
        match std::str::from_utf8(bytes) {
            Ok(text) => text.clone_into(&mut document.text),
            Err(error) => {
                document.text = String::from_utf8_lossy(bytes).into_owned();
                let at = error.valid_up_to();
                document.fault(at..at, "", "the file is not UTF-8", "save it as UTF-8");
                return document;
            }
        }
        let text = document.text.clone();
        let (table, errors) = DeTable::parse_recoverable(&text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            document.fault(span, "", error.message(), "mend the TOML here");
        }
        document.tables(table.get_ref());
        document
    }

    /// Reads the keys of one section that stand in `text` without its header; faults name them by the key alone.
    pub(super) fn one(section: &'static Section, text: String) -> Document {
        let mut document = Document { text: String::new(), sections: Vec::new(), faults: Vec::new() };
        let (table, errors) = DeTable::parse_recoverable(&text);
        for error in errors {
            document.fault(error.span().unwrap_or(0..0), "", error.message(), "mend the value");
        }
        document.section(section, section.name.to_owned(), 0..0, table.get_ref());
        drop(table);
        document.text = text;
        document
    }

    pub(super) fn fault(
        &mut self,
        span: Range<usize>,
        key: impl Into<String>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.faults.push(Raw { span, key: key.into(), what: what.into(), mend: mend.into() });
    }

    fn tables(&mut self, table: &DeTable<'_>) {
        for section in &SECTIONS {
            let name = section.name;
            match table.get(name).map(|value| (value.span(), value.get_ref())) {
                None if section.many => {}
                // Left out: its defaults, and a fault if it has none.
                None => self.section(section, name.to_owned(), 0..0, &DeTable::new()),
                Some((span, DeValue::Table(table))) if !section.many => {
                    self.section(section, name.to_owned(), span, table);
                }
                Some((_, DeValue::Array(entries))) if section.many => self.entries(section, entries),
                Some((span, _)) => {
                    let header = if section.many { format!("[[{name}]]") } else { format!("[{name}]") };
                    self.fault(span, name, format!("{name:?} is not a section"), format!("write {header}"));
                }
            }
        }
        for (name, _) in table {
            let (span, name) = (name.span(), name.get_ref().as_ref());
            if SECTIONS.iter().any(|section| section.name == name) {
                continue;
            }
            let names = SECTIONS.each_ref().map(|section| section.name);
            let owner = SECTIONS.iter().find(|section| section.keys.iter().any(|key| key.name == name));
            let mend = match (nearest(name, names.iter().copied()), owner) {
                (Some(near), _) => format!("did you mean {near:?}?"),
                (None, Some(owner)) => format!("put it below [{}]", owner.name),
                (None, None) => format!("known sections: {}", listed(&names)),
            };
            self.fault(span, name, format!("{name:?} is not known here"), mend);
        }
    }

    fn entries(&mut self, section: &'static Section, entries: &DeArray<'_>) {
        if entries.len() > LIST_MAX {
            let span = entries.get(LIST_MAX).map_or(0..0, Spanned::span);
            self.fault(span, section.name, format!("more than {LIST_MAX} entries"), "leave some out");
            return;
        }
        for (index, entry) in entries.iter().enumerate() {
            let path = format!("{}[{}]", section.name, index + 1);
            match entry.get_ref() {
                DeValue::Table(table) => self.section(section, path, entry.span(), table),
                _ => self.fault(entry.span(), path, "this is not a section", format!("write [[{}]]", section.name)),
            }
        }
    }

    fn section(&mut self, section: &'static Section, path: String, span: Range<usize>, table: &DeTable<'_>) {
        let mut given = BTreeMap::new();
        for (name, value) in table {
            let (name_span, name) = (name.span(), name.get_ref().as_ref());
            let place = format!("{path}.{name}");
            let Some(key) = section.keys.iter().find(|key| key.name == name) else {
                let known: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
                let mend = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => format!("known keys of [{}]: {}", section.name, listed(&known)),
                };
                self.fault(name_span, place, format!("{name:?} is not known here"), mend);
                continue;
            };
            if let Some(mend) = key.not_built {
                self.fault(name_span, place, format!("{name:?} is not built yet"), mend);
                continue;
            }
            if let Some(checked) = self.value(key, &place, value.span(), value.get_ref()) {
                given.insert(key.name, (checked, value.span()));
            }
        }
        for key in section.keys {
            if let Presence::Required(example) = key.presence
                && !table.contains_key(key.name)
            {
                let what = format!("{:?} is missing", key.name);
                let mend = format!("add a line such as {} = {example}", key.name);
                self.fault(span.clone(), path.clone(), what, mend);
            }
        }
        self.sections.push(Found { section, path, span, given });
    }

    fn value(&mut self, key: &Key, place: &str, span: Range<usize>, value: &DeValue<'_>) -> Option<Value> {
        let mut faults = Vec::new();
        let checked = check(key.kind, span, value, &mut faults);
        for (span, (what, mend)) in faults {
            self.fault(span, place, what, mend);
        }
        checked
    }
}

/// Checks a value against its kind; `None` when a fault was noted.
fn check(
    kind: Kind,
    span: Range<usize>,
    value: &DeValue<'_>,
    faults: &mut Vec<(Range<usize>, Wrong)>,
) -> Option<Value> {
    let result = match (kind, value) {
        (Kind::Flag, DeValue::Boolean(flag)) => Ok(Value::Flag(*flag)),
        (Kind::Whole(min, max), DeValue::Integer(number)) => {
            match u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
                Ok(whole) if (min..=max).contains(&whole) => Ok(Value::Whole(whole)),
                _ => Err(out_of_range(number.as_str(), kind)),
            }
        }
        (Kind::Number(min, max), DeValue::Integer(_) | DeValue::Float(_)) => {
            let text = match value {
                DeValue::Float(number) => number.as_str().to_owned(),
                DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
                _ => String::new(),
            };
            match text.replace('_', "").parse::<f64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(Value::Number(number)),
                _ => Err(out_of_range(&text, kind)),
            }
        }
        (Kind::Names | Kind::Codecs, DeValue::Array(entries)) => return list(kind, span, entries, faults),
        (kind, DeValue::String(text)) => from_text(kind, text),
        (kind, other) => {
            Err((format!("a value of type {} stands here", other.type_str()), format!("write {}", expected(kind))))
        }
    };
    result.map_err(|wrong| faults.push((span, wrong))).ok()
}

fn out_of_range(text: &str, kind: Kind) -> Wrong {
    (format!("{text} is out of range"), format!("write {}", expected(kind)))
}

fn list(
    kind: Kind,
    span: Range<usize>,
    entries: &DeArray<'_>,
    faults: &mut Vec<(Range<usize>, Wrong)>,
) -> Option<Value> {
    let before = faults.len();
    let (mut names, mut codecs): (Vec<String>, Vec<Codec>) = (Vec::new(), Vec::new());
    for entry in entries.iter().take(LIST_MAX) {
        let DeValue::String(text) = entry.get_ref() else {
            faults.push((entry.span(), ("this entry is no text".to_owned(), format!("write {}", expected(kind)))));
            continue;
        };
        if names.iter().any(|name| name.eq_ignore_ascii_case(text)) {
            faults.push((entry.span(), (format!("{text:?} stands here twice"), "leave one out".to_owned())));
            continue;
        }
        names.push(text.to_string());
        let checked = match kind {
            Kind::Codecs => codec(text).map(|codec| codecs.push(codec)),
            _ => check_name(text).map_err(|mend| (format!("{text:?} is no name"), mend.to_owned())),
        };
        if let Err(wrong) = checked {
            faults.push((entry.span(), wrong));
        }
    }
    if let Some(extra) = entries.get(LIST_MAX) {
        faults.push((extra.span(), (format!("more than {LIST_MAX} entries"), "leave some out".to_owned())));
    }
    if matches!(kind, Kind::Codecs) && entries.is_empty() {
        faults.push((span, ("the list is empty".to_owned(), "name a codec or leave the key out".to_owned())));
    }
    let value = if matches!(kind, Kind::Codecs) { Value::Codecs(codecs) } else { Value::Names(names) };
    (faults.len() == before).then_some(value)
}

/// The value of a default, which keys.rs writes as TOML.
fn from_default(key: &Key, literal: &str) -> Value {
    let text = format!("value = {literal}");
    let (table, errors) = DeTable::parse_recoverable(&text);
    assert!(errors.is_empty(), "default of {} is no TOML", key.name);
    let value = &table.get_ref()["value"];
    let mut faults = Vec::new();
    let checked = check(key.kind, 0..0, value.get_ref(), &mut faults);
    checked.unwrap_or_else(|| panic!("default of {} breaks its own rule: {faults:?}", key.name))
}

/// A value as the type that the struct tree wants.
pub(super) trait FromValue: Sized {
    /// `None`: the key is declared with another kind.
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($kind:ident => $type:ty),+ $(,)?) => {$(
        impl FromValue for $type {
            fn from_value(value: Value) -> Option<Self> {
                if let Value::$kind(value) = value { Some(value) } else { None }
            }
        }
    )+};
}

from_value! {
    Text => String,
    Names => Vec<String>,
    Flag => bool,
    Whole => u64,
    Number => f64,
    Address => SocketAddr,
    Host => Host,
    Ip => IpAddr,
    Ports => RangeInclusive<u16>,
    Codecs => Vec<Codec>,
    Called => CalledPattern,
    Action => Action,
    Billing => (u32, u32),
}

impl Found {
    pub(super) fn is(&self, section: &str) -> bool {
        self.section.name == section
    }

    /// The path of one of its keys.
    pub(super) fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    /// Where a key that was given and is right has its value.
    pub(super) fn place(&self, key: &str) -> Option<Range<usize>> {
        self.given.get(key).map(|(_, span)| span.clone())
    }

    /// A value that may be absent: as given, or the default, or nothing.
    pub(super) fn maybe<T: FromValue>(&self, name: &str) -> Option<T> {
        let value = match self.given.get(name) {
            Some((value, _)) => value.clone(),
            None => self.default(name)?,
        };
        let value = T::from_value(value);
        assert!(value.is_some(), "{}.{name} is declared with another kind", self.section.name);
        value
    }

    /// A value that has a default or is required. A section that lacks a required key has a fault, and is not asked.
    pub(super) fn get<T: FromValue>(&self, name: &str) -> T {
        self.maybe(name).unwrap_or_else(|| panic!("{}.{name} has neither value nor default", self.section.name))
    }

    fn default(&self, name: &str) -> Option<Value> {
        let key = self.section.keys.iter().find(|key| key.name == name);
        let key = key.unwrap_or_else(|| panic!("{}.{name} is not declared", self.section.name));
        match key.presence {
            Presence::Default(literal) => Some(from_default(key, literal)),
            Presence::Required(_) | Presence::Optional(_) => None,
        }
    }
}
