//! What one value alone cannot show: names of nothing, names twice, values that do not go together.

use super::fault::Raw;
use super::json::Known;
use super::profiles::profiles;
use super::read::{Document, Found};
use super::values::{CalledPattern, listed};
use super::{Answers, Campaign, campaign, nearest::nearest};
use base::TrunkId;
use dialer::Profiles;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::sync::Arc;

/// A fault in the making: place, key path, what, how to mend it.
pub(super) type Noted = Vec<(Range<usize>, String, String, String)>;

/// Notes every such fault, and gives the profiles as the file and those that it names in `folder` have them. Values that
/// are at fault themselves are left out.
pub(super) fn check(document: &mut Document, folder: &Path) -> Arc<Profiles> {
    let mut noted = Noted::new();
    let sections = &document.sections;
    let trunks = names(sections, "trunk", &mut noted);
    let agents = names(sections, "agent", &mut noted);
    names(sections, "campaign", &mut noted);
    let skills: BTreeSet<String> =
        of(sections, "agent").flat_map(|agent| agent.maybe::<Vec<String>>("skills").unwrap_or_default()).collect();
    for trunk in of(sections, "trunk") {
        trunk_fits(trunk, &mut noted);
    }
    for agent in of(sections, "agent") {
        agent_fits(agent, &mut noted);
    }
    for route in of(sections, "route") {
        is_known(route, "from_trunk", "trunk", &trunks, &mut noted);
    }
    unreachable_routes(sections, &mut noted);
    let (profiles, unread) = profiles(&of(sections, "profile").collect::<Vec<_>>(), folder, &mut noted);
    let profiles = Arc::new(profiles);
    let known = Known { trunks, agents, skills, profiles: profiles.clone() };
    for found in of(sections, "campaign") {
        campaign_fits(found, &known, &unread, &document.faults, &mut noted);
    }
    ports_apart(sections, &mut noted);
    for (span, key, what, mend) in noted {
        document.fault(span, key, what, mend);
    }
    profiles
}

/// Checks what stands alone, outside of a file.
pub(super) fn check_one(document: &mut Document, known: &Known) {
    let mut noted = Noted::new();
    for found in &document.sections {
        if found.is("campaign") {
            campaign_fits(found, known, &BTreeSet::new(), &document.faults, &mut noted);
        } else if found.is("agent") {
            agent_fits(found, &mut noted);
        } else if found.is("trunk") {
            trunk_fits(found, &mut noted);
        } else if found.is("route") {
            is_known(found, "from_trunk", "trunk", &known.trunks, &mut noted);
        }
    }
    for (span, key, what, mend) in noted {
        document.fault(span, key, what, mend);
    }
}

fn trunk_fits(trunk: &Found, noted: &mut Noted) {
    goes_with(trunk, "username", "password", noted);
    goes_with(trunk, "password", "username", noted);
    if trunk.maybe("register") == Some(true) {
        goes_with(trunk, "register", "username", noted);
    }
}

fn agent_fits(found: &Found, noted: &mut Noted) {
    if found.maybe("auto_ready") == Some(true) {
        goes_with(found, "auto_ready", "sip", noted);
    }
}

/// `unread`: names of profiles whose fault is noted where it is.
fn campaign_fits(found: &Found, known: &Known, unread: &BTreeSet<String>, faults: &[Raw], noted: &mut Noted) {
    is_known(found, "trunk", "trunk", &known.trunks, noted);
    all_known(found, "agents", "agent", &known.agents, noted);
    all_known(found, "skills", "skill of an agent", &known.skills, noted);
    if let Some(place) = found.place("ratio")
        && found.get::<String>("mode") != "power"
    {
        let what = "\"ratio\" does nothing in this mode".to_owned();
        noted.push((place, found.path("ratio"), what, "set mode = \"power\" or leave it out".to_owned()));
    }
    let before = noted.len();
    Answers::check(found, noted);
    let profile: String = found.maybe("profile").unwrap_or_default();
    let profiles: BTreeSet<String> = known.profiles.iter().map(|(name, _)| name.to_owned()).collect();
    if !unread.contains(&profile) {
        is_known(found, "profile", "profile", &profiles, noted);
    }
    let alone = noted.len() == before
        && profiles.contains(&profile)
        && faults.iter().all(|fault| !fault.key.starts_with(found.path("").trim_end_matches('.')));
    if alone {
        dialer_agrees(found, &campaign(found, &known.profiles), noted);
    }
}

fn of<'d>(sections: &'d [Found], name: &'static str) -> impl Iterator<Item = &'d Found> {
    sections.iter().filter(move |found| found.is(name))
}

/// The names of a kind of section; a name that stands twice is a fault.
fn names(sections: &[Found], kind: &'static str, noted: &mut Noted) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for found in of(sections, kind) {
        let (Some(name), Some(place)) = (found.maybe::<String>("name"), found.place("name")) else { continue };
        if !seen.insert(name.clone()) {
            let what = format!("a second {kind} is named {name:?}");
            noted.push((place, found.path("name"), what, "give it another name".to_owned()));
        }
    }
    seen
}

/// `key` is of no use without `other`.
pub(super) fn goes_with(found: &Found, key: &str, other: &str, noted: &mut Noted) {
    if let Some(place) = found.place(key)
        && found.place(other).is_none()
    {
        let what = format!("{key:?} needs {other:?}");
        noted.push((place, found.path(key), what, format!("add {other} or leave {key} out")));
    }
}

fn is_known(found: &Found, key: &'static str, kind: &str, known: &BTreeSet<String>, noted: &mut Noted) {
    if let (Some(name), Some(place)) = (found.maybe::<String>(key), found.place(key)) {
        unknown_name(found, key, kind, &name, place, known, noted);
    }
}

fn all_known(found: &Found, key: &'static str, kind: &str, known: &BTreeSet<String>, noted: &mut Noted) {
    if let (Some(names), Some(place)) = (found.maybe::<Vec<String>>(key), found.place(key)) {
        for name in names {
            unknown_name(found, key, kind, &name, place.clone(), known, noted);
        }
    }
}

fn unknown_name(
    found: &Found,
    key: &str,
    kind: &str,
    name: &str,
    place: Range<usize>,
    known: &BTreeSet<String>,
    noted: &mut Noted,
) {
    if known.contains(name) {
        return;
    }
    let mend = match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None if known.is_empty() => format!("there is none: add one named {name:?}"),
        None => format!("known: {}", listed(&known.iter().take(20).map(String::as_str).collect::<Vec<_>>())),
    };
    noted.push((place, found.path(key), format!("{name:?} is no {kind}"), mend));
}

/// A second route for exactly the same calls is never taken.
fn unreachable_routes(sections: &[Found], noted: &mut Noted) {
    let mut seen: BTreeMap<(String, Option<String>), String> = BTreeMap::new();
    for route in of(sections, "route") {
        let (Some(CalledPattern::Exact(to)), Some(place)) = (route.maybe::<CalledPattern>("to"), route.place("to"))
        else {
            continue;
        };
        let trunk = route.maybe::<String>("from_trunk");
        match seen.get(&(to.clone(), trunk.clone())) {
            Some(first) => {
                let what = format!("{first} takes these calls already");
                noted.push((place, route.path("to"), what, "leave one of them out".to_owned()));
            }
            None => {
                seen.insert((to, trunk), route.path("to"));
            }
        }
    }
}

/// The dialer's own rules, so that they stand in one place.
fn dialer_agrees(found: &Found, campaign: &Campaign, noted: &mut Noted) {
    let Err(error) = campaign.dialer_config(TrunkId(1)) else { return };
    let key = match &error {
        dialer::ConfigError::RingTooShort(_) | dialer::ConfigError::RingTooLong(_) => "ring_timeout_s",
        dialer::ConfigError::NoAmdEstimate(_) => "profile",
        dialer::ConfigError::Limit => "limit",
        dialer::ConfigError::Ratio => "ratio",
        dialer::ConfigError::UnknownZone(_) => "timezone",
        dialer::ConfigError::NoAgentless(_) => "profile",
        dialer::ConfigError::NoMachineMessage(_) => "on_machine",
        dialer::ConfigError::Flow => "channels",
        dialer::ConfigError::NoRecording => "message",
        _ => "name",
    };
    let place = found.place(key).unwrap_or_else(|| found.span.clone());
    noted.push((place, found.path(key), error.to_string(), "change it, or the profile".to_owned()));
}

/// The SIP port must not be one that a leg may be given.
fn ports_apart(sections: &[Found], noted: &mut Noted) {
    let (Some(sip), Some(media)) = (of(sections, "sip").next(), of(sections, "media").next()) else { return };
    let (udp, ip, ports) =
        (sip.get::<SocketAddr>("udp"), media.get::<IpAddr>("ip"), media.get::<RangeInclusive<u16>>("ports"));
    let same_host = udp.ip() == ip || udp.ip().is_unspecified() || ip.is_unspecified();
    if same_host && ports.contains(&udp.port()) {
        let place = sip.place("udp").or_else(|| media.place("ports")).unwrap_or(0..0);
        let what = format!("the SIP port {} is one of media.ports", udp.port());
        noted.push((place, sip.path("udp"), what, "take a port outside of them".to_owned()));
    }
}
