//! Values that are more than text: parsed here, each with what is wrong and how to mend it.

use super::keys::Kind;
use super::nearest::nearest;
use regex::Regex;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

/// Entries of one list: 10,000 agents fit.
pub(super) const LIST_MAX: usize = 10_000;
/// Memory that one pattern may take compiled.
const PATTERN_BYTES_MAX: usize = 1 << 18;

/// What is wrong, and how to mend it.
pub(super) type Wrong = (String, String);

/// A checked value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Names(Vec<String>),
    Flag(bool),
    Whole(u64),
    Number(f64),
    Address(SocketAddr),
    Host(Host),
    Ip(IpAddr),
    Ports(RangeInclusive<u16>),
    Codecs(Vec<Codec>),
    Called(CalledPattern),
    Action(Action),
    Billing((u32, u32)),
}

/// A text that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// What is shown instead.
    pub const SHOWN: &str = "***";

    pub(super) fn new(text: String) -> Self {
        Secret(text)
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A host and its port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Host {
    /// Name or address; an IPv6 address without its brackets.
    pub name: String,
    /// 5060 if left out (RFC 3261 section 19.1.2).
    pub port: u16,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

/// A codec of a trunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    /// G.711 mu-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
}

impl Codec {
    /// As the configuration writes it.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        }
    }

    /// Its companding law.
    pub fn law(self) -> codecs::g711::Law {
        match self {
            Codec::Pcmu => codecs::g711::Law::Mu,
            Codec::Pcma => codecs::g711::Law::A,
        }
    }
}

/// Whom an inbound call is for.
#[derive(Clone, Debug)]
pub enum CalledPattern {
    /// Exactly this name or number.
    Exact(String),
    /// Whatever this fits as a whole.
    Pattern(Regex),
}

impl CalledPattern {
    /// Whether a called name or number fits.
    pub fn fits(&self, called: &str) -> bool {
        match self {
            CalledPattern::Exact(name) => name == called,
            CalledPattern::Pattern(pattern) => pattern.is_match(called),
        }
    }
}

/// What a route does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Sends back what it hears.
    Echo,
    /// Plays a file, then hangs up.
    Play(String),
    /// Refuses with this SIP code.
    Reject(u16),
}

/// Whether a text can be a name.
///
/// # Errors
/// How to mend it.
pub fn check_name(text: &str) -> Result<(), &'static str> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !text.is_empty() && text.chars().count() <= 64 && text.chars().all(fits) {
        Ok(())
    } else {
        Err("use 1 to 64 letters, digits, _, - or .")
    }
}

/// Checks a text against its kind; lists and numbers are no texts.
pub(super) fn from_text(kind: Kind, text: &str) -> Result<Value, Wrong> {
    match kind {
        Kind::Text => plain(text).map(Value::Text),
        Kind::Name => name(text).map(Value::Text),
        Kind::Choice(known) => choice(text, known).map(Value::Text),
        Kind::Address => address(text).map(Value::Address),
        Kind::Host => host(text).map(Value::Host),
        Kind::Ip => ip(text).map(Value::Ip),
        Kind::Ports => ports(text).map(Value::Ports),
        Kind::StoreUrl => store_url(text).map(Value::Text),
        Kind::UrlPath => url_path(text).map(Value::Text),
        Kind::SipUri => sip_uri(text).map(Value::Text),
        Kind::Called => called(text).map(Value::Called),
        Kind::Action => action(text).map(Value::Action),
        Kind::Phone => phone(text).map(Value::Text),
        Kind::Zone => zone(text).map(Value::Text),
        Kind::Currency => currency(text).map(Value::Text),
        Kind::Billing => billing(text).map(Value::Billing),
        Kind::Mix => mix(text).map(|_| Value::Text(text.to_owned())),
        Kind::Filter => filter(text).map(|_| Value::Text(text.to_owned())),
        Kind::Recycle => recycle(text).map(|_| Value::Text(text.to_owned())),
        Kind::Names | Kind::Flag | Kind::Whole(..) | Kind::Number(..) | Kind::Codecs => {
            wrong(format!("{text:?} is a text"), format!("write {}", expected(kind)))
        }
    }
}

/// How a value of this kind is written.
pub(super) fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text | Kind::Called => "a text in quotes".to_owned(),
        Kind::Name => "a name in quotes".to_owned(),
        Kind::Names => "a list of names, [\"a\", \"b\"]".to_owned(),
        Kind::Flag => "true or false, without quotes".to_owned(),
        Kind::Whole(min, max) => format!("a whole number from {min} to {max}, without quotes"),
        Kind::Number(min, max) => format!("a number from {min} to {max}, without quotes"),
        Kind::Choice(known) => format!("one of {}", listed(known)),
        Kind::Address => "an address such as \"127.0.0.1:5060\"".to_owned(),
        Kind::Host => "a host such as \"sip.example.com:5060\"".to_owned(),
        Kind::Ip => "an IP address such as \"192.0.2.7\"".to_owned(),
        Kind::Ports => "a range such as \"20000-29999\"".to_owned(),
        Kind::Codecs => "a list of codecs, [\"PCMU\", \"PCMA\"]".to_owned(),
        Kind::StoreUrl => "\"sqlite:PATH\" or \"postgres://NAME:PASSWORD@HOST/DATABASE\"".to_owned(),
        Kind::UrlPath => "a path such as \"/outpace\"".to_owned(),
        Kind::SipUri => "an address such as \"sip:ann@192.0.2.7:5080\"".to_owned(),
        Kind::Action => "\"echo\", \"play:FILE\" or \"reject:CODE\"".to_owned(),
        Kind::Phone => "a number such as \"+12125550100\"".to_owned(),
        Kind::Zone => "a zone such as \"America/New_York\"".to_owned(),
        Kind::Currency => "three letters such as \"EUR\"".to_owned(),
        Kind::Mix => "lists with weights such as \"gold:3, trial:1\"".to_owned(),
        Kind::Filter => "an expression over leads such as \"attempts < 3\"".to_owned(),
        Kind::Recycle => "rules such as \"busy 10m 3, machine never\"".to_owned(),
        Kind::Billing => format!("seconds such as \"1/1\" or \"60/60\", each from 1 to {BILLING_S_MAX}"),
    }
}

/// `"a", "b"`.
pub(super) fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}

fn wrong<T>(what: impl Into<String>, mend: impl Into<String>) -> Result<T, Wrong> {
    Err((what.into(), mend.into()))
}

/// The fault of a text that is not of its kind.
fn not<T>(kind: Kind, text: &str, noun: &str) -> Result<T, Wrong> {
    wrong(format!("{text:?} is {noun}"), format!("write {}", expected(kind)))
}

fn plain(text: &str) -> Result<String, Wrong> {
    match text {
        "" => wrong("the text is empty", "write a text or leave the key out"),
        text if text.chars().any(char::is_control) => wrong("control characters", "write the text on one line"),
        text => Ok(text.to_owned()),
    }
}

fn name(text: &str) -> Result<String, Wrong> {
    match check_name(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(mend) => wrong(format!("{text:?} is no name"), mend),
    }
}

/// Words that are known, but whose room is not built.
const NOT_BUILT: [&str; 5] = ["tcp", "tls", "G722", "opus", "uk-ofcom"];

fn choice(text: &str, known: &[&str]) -> Result<String, Wrong> {
    if known.contains(&text) {
        return Ok(text.to_owned());
    }
    let mend = match nearest(text, known.iter().copied()) {
        Some(near) if !NOT_BUILT.contains(&text) => format!("did you mean {near:?}? one of {}", listed(known)),
        _ => format!("use one of {}", listed(known)),
    };
    let what = if NOT_BUILT.contains(&text) { "is not built yet" } else { "is not known" };
    wrong(format!("{text:?} {what}"), mend)
}

fn address(text: &str) -> Result<SocketAddr, Wrong> {
    match text.parse() {
        Ok(address) => Ok(address),
        Err(_) => not(Kind::Address, text, "no IP address with a port"),
    }
}

fn ip(text: &str) -> Result<IpAddr, Wrong> {
    match text.parse() {
        Ok(ip) => Ok(ip),
        Err(_) => not(Kind::Ip, text, "no IP address"),
    }
}

fn host(text: &str) -> Result<Host, Wrong> {
    if let Ok(address) = text.parse::<SocketAddr>()
        && address.port() > 0
    {
        return Ok(Host { name: address.ip().to_string(), port: address.port() });
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(Host { name: ip.to_string(), port: 5060 });
    }
    let (name, port) = text.split_once(':').map_or((text, "5060"), |(name, port)| (name, port));
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let port = port.parse().ok().filter(|port| *port > 0);
    // A last label of digits would be an IP address, and those were tried above.
    let named = name.len() <= 253
        && name.split('.').all(label)
        && !name.rsplit('.').next().unwrap_or_default().bytes().all(|byte| byte.is_ascii_digit());
    match port {
        Some(port) if named => Ok(Host { name: name.to_owned(), port }),
        _ => not(Kind::Host, text, "no host"),
    }
}

/// The host that a checked text names.
pub(super) fn host_of(text: &str) -> Option<Host> {
    host(text).ok()
}

fn ports(text: &str) -> Result<RangeInclusive<u16>, Wrong> {
    let range = text
        .split_once('-')
        .and_then(|(first, last)| Some(first.trim().parse::<u16>().ok()?..=last.trim().parse::<u16>().ok()?));
    match range {
        None => not(Kind::Ports, text, "no range of ports"),
        Some(range) if *range.start() < 1_024 => {
            wrong("ports below 1024 belong to the system", "begin at 1024 or higher")
        }
        Some(range) if range.start().checked_add(1).is_none_or(|second| second > *range.end()) => {
            wrong(format!("{text:?} holds no pair of ports"), "write the smaller one first and leave room")
        }
        Some(range) => Ok(range),
    }
}

fn store_url(text: &str) -> Result<String, Wrong> {
    if let Some(rest) = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://")) {
        let named = rest.split_once('/').is_some_and(|(_, database)| !database.is_empty());
        return match named && !text.chars().any(char::is_whitespace) {
            true => Ok(text.to_owned()),
            false => wrong("the address names no database", "write \"postgres://NAME:PASSWORD@HOST:PORT/DATABASE\""),
        };
    }
    match text.strip_prefix("sqlite:") {
        Some(path)
            if !path.trim_start_matches('/').is_empty() && !path.contains('?') && !path.starts_with(":memory:") =>
        {
            Ok(text.to_owned())
        }
        _ => not(Kind::StoreUrl, text, "no store"),
    }
}

fn url_path(text: &str) -> Result<String, Wrong> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
    if text.starts_with('/') && text.chars().all(fits) && !text.contains("//") && !text.contains("..") {
        Ok(text.to_owned())
    } else {
        not(Kind::UrlPath, text, "no path")
    }
}

fn sip_uri(text: &str) -> Result<String, Wrong> {
    if text.starts_with("sips:") {
        return wrong("sips is not built yet", format!("write {}", expected(Kind::SipUri)));
    }
    let parts = text.strip_prefix("sip:").and_then(|rest| rest.split_once('@'));
    match parts {
        Some((user, at)) if !user.is_empty() && !user.contains(char::is_whitespace) && host(at).is_ok() => {
            Ok(text.to_owned())
        }
        _ => not(Kind::SipUri, text, "no SIP address with a name and a host"),
    }
}

fn called(text: &str) -> Result<CalledPattern, Wrong> {
    let text = plain(text)?;
    // Names and numbers as they are dialled; anything else is a pattern.
    let exact = |c: char| c.is_alphanumeric() || matches!(c, '+' | '*' | '#' | '_' | '-');
    if text.chars().all(exact) {
        return Ok(CalledPattern::Exact(text));
    }
    let whole = format!("^(?:{text})$");
    match regex::RegexBuilder::new(&whole).size_limit(PATTERN_BYTES_MAX).build() {
        Ok(pattern) => Ok(CalledPattern::Pattern(pattern)),
        Err(regex::Error::CompiledTooBig(_)) => {
            wrong(format!("{text:?} is too large a pattern"), "write it as several routes, or repeat less in it")
        }
        Err(_) => wrong(
            format!("{text:?} is no regular expression"),
            "mend the pattern; a plus sign that is meant as such is written \\\\+",
        ),
    }
}

fn action(text: &str) -> Result<Action, Wrong> {
    let (verb, rest) = text.split_once(':').unwrap_or((text, ""));
    match (verb, rest) {
        ("echo", "") => Ok(Action::Echo),
        ("play", file) if !file.is_empty() => Ok(Action::Play(file.to_owned())),
        ("reject", code) => match code.parse() {
            Ok(code @ 400..=699) => Ok(Action::Reject(code)),
            _ => wrong(format!("{code:?} is no SIP code of refusal"), "write reject:CODE, CODE from 400 to 699"),
        },
        ("queue" | "flow", _) => {
            wrong(format!("{verb:?} is not built yet"), "use \"echo\", \"play:FILE\" or \"reject:CODE\"")
        }
        _ => not(Kind::Action, text, "no action"),
    }
}

fn phone(text: &str) -> Result<String, Wrong> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    if (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        Ok(text.to_owned())
    } else {
        not(Kind::Phone, text, "no international number")
    }
}

fn zone(text: &str) -> Result<String, Wrong> {
    match jiff::tz::TimeZoneDatabase::bundled().get(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => not(Kind::Zone, text, "no time zone"),
    }
}

fn currency(text: &str) -> Result<String, Wrong> {
    match text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        true => Ok(text.to_owned()),
        false => not(Kind::Currency, text, "no currency"),
    }
}

/// Longest part of a billing rule: an hour.
const BILLING_S_MAX: u32 = 3_600;

fn billing(text: &str) -> Result<(u32, u32), Wrong> {
    let part = |text: &str| text.trim().parse::<u32>().ok().filter(|part| (1..=BILLING_S_MAX).contains(part));
    match text.split_once('/').and_then(|(first, step)| Some((part(first)?, part(step)?))) {
        Some(rule) => Ok(rule),
        None => not(Kind::Billing, text, "no billing rule"),
    }
}

/// Lists that one campaign dials at most: each is asked for leads at each refill.
const MIX_MAX: usize = 20;
/// Largest weight: finer shares than 1 in 2,000 nobody sees.
const WEIGHT_MAX: u32 = 100;

/// Lists with their weights.
pub(super) fn mix(text: &str) -> Result<Vec<(String, u32)>, Wrong> {
    let mut lists: Vec<(String, u32)> = Vec::new();
    for entry in text.split(',').map(str::trim) {
        let (name, weight) = entry.split_once(':').unwrap_or((entry, "1"));
        let weight = weight.trim().parse().ok().filter(|weight| (1..=WEIGHT_MAX).contains(weight));
        let Some(weight) = weight else {
            return wrong(
                format!("{entry:?} has no weight"),
                format!("write NAME:WEIGHT, WEIGHT from 1 to {WEIGHT_MAX}"),
            );
        };
        let name = self::name(name.trim())?;
        if lists.iter().any(|(there, _)| *there == name) {
            return wrong(format!("list {name:?} stands twice"), "leave one out");
        }
        lists.push((name, weight));
    }
    if lists.len() > MIX_MAX {
        return wrong(format!("{} lists", lists.len()), format!("name at most {MIX_MAX}"));
    }
    Ok(lists)
}

/// An expression over leads.
pub(super) fn filter(text: &str) -> Result<store::LeadExpression, Wrong> {
    store::LeadExpression::parse(text).map_err(|fault| (format!("character {}: {}", fault.at, fault.what), fault.mend))
}

/// Longest gap of a retry: a year.
const GAP_S_MAX: u64 = 366 * 86_400;

/// What follows an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recycle {
    /// The same number again; `None`: never.
    pub(super) again: Option<dialer::RetryRule>,
    /// When that is used up, the person's next number after this time.
    pub(super) next: Option<base::Duration>,
}

/// Outcomes with which somebody was reached: they are not looked for at another number.
const REACHED: [dialer::Outcome; 5] = [
    dialer::Outcome::Connected,
    dialer::Outcome::Abandoned,
    dialer::Outcome::Message,
    dialer::Outcome::HungUpWaiting,
    dialer::Outcome::HungUpEarly,
];

/// Retry rules by outcome.
pub(super) fn recycle(text: &str) -> Result<Vec<(dialer::Outcome, Recycle)>, Wrong> {
    let mut rules: Vec<(dialer::Outcome, Recycle)> = Vec::new();
    for entry in text.split(',').map(str::trim) {
        let words: Vec<&str> = entry.split_whitespace().collect();
        let Some(outcome) = words.first().and_then(|name| dialer::Outcome::named(name)) else {
            let known: Vec<&str> = dialer::Outcome::ALL.iter().map(|outcome| outcome.name()).collect();
            return wrong(format!("{entry:?} begins with no outcome"), format!("write one of {}", known.join(", ")));
        };
        let (again, rest) = match words[1..] {
            ["never", ref rest @ ..] => (None, rest),
            [gap, times, ref rest @ ..] => {
                match (gap_of(gap), times.parse().ok().filter(|times| (1..=100).contains(times))) {
                    (Some(gap), Some(times)) => (Some(dialer::RetryRule { gap, times }), rest),
                    _ => {
                        return wrong(
                            format!("{entry:?} has no gap and times"),
                            "write them like 10m 3, times from 1 to 100",
                        );
                    }
                }
            }
            _ => return wrong(format!("{entry:?} is no rule"), "write OUTCOME GAP TIMES or OUTCOME never"),
        };
        let next = match rest {
            [] => None,
            ["next"] => Some(base::Duration::ZERO),
            ["next", gap] if gap_of(gap).is_some() => gap_of(gap),
            _ => {
                let what = format!("{entry:?} does not end as a rule does");
                return wrong(what, "write nothing more, or next, or next with a gap such as next 1h");
            }
        };
        if next.is_some() && REACHED.contains(&outcome) {
            let what = format!("{entry:?} looks elsewhere for somebody who was reached");
            return wrong(what, "leave out next: it is for numbers at which nobody was reached");
        }
        if rules.iter().any(|(there, _)| *there == outcome) {
            return wrong(format!("outcome {:?} stands twice", outcome.name()), "leave one out");
        }
        rules.push((outcome, Recycle { again, next }));
    }
    Ok(rules)
}

/// `90s`, `10m`, `2h`, `3d`.
fn gap_of(text: &str) -> Option<base::Duration> {
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_s = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let gap_s = count.parse::<u64>().ok()?.checked_mul(unit_s)?;
    (gap_s <= GAP_S_MAX).then(|| base::Duration::from_secs(gap_s))
}

/// A codec by its name in SDP.
pub(super) fn codec(text: &str) -> Result<Codec, Wrong> {
    match text.to_ascii_uppercase().as_str() {
        "PCMU" => Ok(Codec::Pcmu),
        "PCMA" => Ok(Codec::Pcma),
        _ => {
            let known = if text.eq_ignore_ascii_case("opus") || text.eq_ignore_ascii_case("G722") {
                "is not built yet"
            } else {
                "is no codec"
            };
            wrong(format!("{text:?} {known}"), "use \"PCMU\", \"PCMA\"")
        }
    }
}
