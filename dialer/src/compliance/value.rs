//! The kinds of values that fields of a profile have: read from TOML, printed as people read them.

use jiff::civil::Date;
use toml::de::{DeArray, DeTable, DeValue};

use super::profile::{AttemptCap, DeadlineFrom, Holiday, Week, Window};

/// Bands of one weekday: a morning, an afternoon, an evening and one to spare.
const BANDS_MAX: usize = 4;
/// Holidays of one profile: no country has more than 30, and the strict one gathers several.
const HOLIDAYS_MAX: usize = 60;
/// Caps and windows of one profile: a day, a week, a month, a run, and twice that.
const LIST_MAX: usize = 8;
/// Longest text: two lines of a screen.
const TEXT_BYTES_MAX: usize = 200;
/// Longest span of days: ten years, longer than anything must be kept.
const DAYS_MAX: u64 = 3_653;

/// What a field may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Share,
    Seconds,
    Whole,
    Flag,
    Text,
    OptOut,
    Date,
    From,
    Windows,
    Hours,
    Holidays,
    Caps,
}

/// A field's value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// The law names none.
    None,
    /// Of 1.
    Share(f64),
    Seconds(f64),
    Whole(u32),
    Flag(bool),
    Text(String),
    Date(Date),
    From(DeadlineFrom),
    Windows(Vec<Window>),
    Hours(Box<Week>),
    Holidays(Vec<Holiday>),
    Caps(Vec<AttemptCap>),
}

impl Value {
    /// Reads a value; the error says what is wrong and how to write it.
    pub(super) fn read(kind: Kind, optional: bool, value: &DeValue<'_>) -> Result<Value, String> {
        if matches!(value, DeValue::String(text) if text == "none") {
            return if optional { Ok(Value::None) } else { Err("this field needs a value".into()) };
        }
        let wrong = || Err(format!("write {}", expected(kind)));
        match (kind, value) {
            (Kind::Share, _) => match number(value) {
                Some(share) if (0.0..=1.0).contains(&share) => Ok(Value::Share(share)),
                _ => wrong(),
            },
            (Kind::Seconds, _) => match number(value) {
                Some(seconds) if (0.0..=3_600.0).contains(&seconds) => Ok(Value::Seconds(seconds)),
                _ => wrong(),
            },
            (Kind::Whole, DeValue::Integer(_)) => match number(value) {
                Some(whole) if (0.0..=DAYS_MAX as f64).contains(&whole) => Ok(Value::Whole(whole as u32)),
                _ => wrong(),
            },
            (Kind::Flag, DeValue::Boolean(flag)) => Ok(Value::Flag(*flag)),
            (Kind::Text, DeValue::String(text)) if !text.is_empty() && text.len() <= TEXT_BYTES_MAX => {
                Ok(Value::Text(text.to_string()))
            }
            (Kind::OptOut, DeValue::String(text)) if text == "key" => Ok(Value::Text(text.to_string())),
            (Kind::Date, DeValue::String(text)) => text.parse().map(Value::Date).or_else(|_| wrong()),
            (Kind::From, DeValue::String(text)) => DeadlineFrom::named(text).map(Value::From).map_or_else(wrong, Ok),
            (Kind::Windows, DeValue::Array(items)) if !items.is_empty() => {
                list(items, LIST_MAX, Window::named).map(Value::Windows)
            }
            (Kind::Holidays, DeValue::Array(items)) => list(items, HOLIDAYS_MAX, Holiday::named).map(Value::Holidays),
            (Kind::Caps, DeValue::Array(items)) => list(items, LIST_MAX, AttemptCap::named).map(Value::Caps),
            (Kind::Hours, DeValue::Table(table)) => week(table).map(|week| Value::Hours(Box::new(week))),
            _ => wrong(),
        }
    }
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Share => "a share from 0 to 1 (0.03 is 3 %)",
        Kind::Seconds => "seconds from 0 to 3600",
        Kind::Whole => "a whole number from 0 to 3653",
        Kind::Flag => "true or false",
        Kind::Text => "a text of at most 200 bytes",
        Kind::OptOut => "\"key\" or \"none\"",
        Kind::Date => "a day such as \"2026-08-11\"",
        Kind::From => "\"answer\", \"greeting_start\" or \"greeting_end\"",
        Kind::Windows => "a list of \"run\", \"local_day\", \"month\", \"rolling:24h\", \"days:30\"",
        Kind::Hours => "a table of days and bands such as { mon-fri = [\"10:00-13:00\", \"14:00-20:00\"] }",
        Kind::Holidays => "a list of days such as \"12-25\", \"easter+1\", \"2026-06-19\"",
        Kind::Caps => "a list of numbers and spans such as \"3/24h\", \"20/30d\"",
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().replace('_', "").parse().ok(),
        DeValue::Float(number) => number.as_str().replace('_', "").parse().ok(),
        _ => None,
    }
}

fn list<T: PartialEq>(items: &DeArray<'_>, max: usize, read: fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    if items.len() > max {
        return Err(format!("at most {max} entries stand here"));
    }
    let mut found: Vec<T> = Vec::new();
    for item in items.iter() {
        let DeValue::String(text) = item.get_ref() else { return Err("every entry is a text".into()) };
        let entry = read(text).ok_or_else(|| format!("{text:?} is not understood"))?;
        if found.contains(&entry) {
            return Err(format!("{text:?} stands here twice"));
        }
        found.push(entry);
    }
    Ok(found)
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn week(table: &DeTable<'_>) -> Result<Week, String> {
    let mut week: Week = Default::default();
    let day = |name: &str| DAYS.iter().position(|known| *known == name);
    for (key, value) in table.iter() {
        let name: &str = key.get_ref();
        let (first, last) = name.split_once('-').unwrap_or((name, name));
        let (Some(first), Some(last)) = (day(first), day(last)) else {
            return Err(format!("{name:?} is no day; write mon, tue, … sun, or mon-fri"));
        };
        let DeValue::Array(items) = value.get_ref() else { return Err(format!("write a list of bands for {name:?}")) };
        let mut bands = list(items, BANDS_MAX, band)?;
        bands.sort_unstable();
        if bands.windows(2).any(|pair| pair[0].1 > pair[1].0) {
            return Err(format!("the bands of {name:?} overlap"));
        }
        if first > last {
            return Err(format!("{name:?} runs backwards"));
        }
        for bands_of_day in &mut week[first..=last] {
            if !bands_of_day.is_empty() {
                return Err(format!("a day of {name:?} stands here twice"));
            }
            bands_of_day.clone_from(&bands);
        }
    }
    Ok(week)
}

/// `10:00-13:00`.
fn band(text: &str) -> Option<(u16, u16)> {
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (minute < 60 && (hour < 24 || (hour, minute) == (24, 0))).then_some(hour * 60 + minute)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute(from)?, minute(to)?);
    (from < to).then_some((from, to))
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::None => f.write_str("none"),
            Value::Share(value) | Value::Seconds(value) => write!(f, "{value}"),
            Value::Whole(value) => write!(f, "{value}"),
            Value::Flag(value) => f.write_str(if *value { "yes" } else { "no" }),
            Value::Text(text) => f.write_str(text),
            Value::Date(date) => write!(f, "{date}"),
            Value::From(from) => f.write_str(from.name()),
            Value::Windows(windows) => write_list(f, windows),
            Value::Holidays(days) => write_list(f, days),
            Value::Caps(caps) => write_list(f, caps),
            Value::Hours(week) => write_week(f, week),
        }
    }
}

fn write_list<T: std::fmt::Display>(f: &mut std::fmt::Formatter<'_>, items: &[T]) -> std::fmt::Result {
    if items.is_empty() {
        return f.write_str("none");
    }
    for (index, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
    }
    Ok(())
}

/// Days with the same bands together: `mon-fri 10:00-13:00 14:00-20:00`.
fn write_week(f: &mut std::fmt::Formatter<'_>, week: &Week) -> std::fmt::Result {
    let (mut first, mut any) = (0, false);
    while first < DAYS.len() {
        let mut last = first;
        while last + 1 < DAYS.len() && week[last + 1] == week[first] {
            last += 1;
        }
        if !week[first].is_empty() {
            f.write_str(if any { ", " } else { "" })?;
            any = true;
            f.write_str(DAYS[first])?;
            if last > first {
                write!(f, "-{}", DAYS[last])?;
            }
            for (from, to) in &week[first] {
                write!(f, " {:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)?;
            }
        }
        first = last + 1;
    }
    if any { Ok(()) } else { f.write_str("none") }
}
