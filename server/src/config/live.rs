//! What of the configuration can change while the process runs: trunks, routes, two limits. With the keys, checks and words
//! of the file, as JSON; and the table of all settings that people read.

use super::json::{default_value, hide, read, without_nulls};
use super::keys::{Presence, SECTIONS};
use super::values::CalledPattern;
use super::{Config, KeyFault, Known, Route, Secret, Trunk, nearest, route, trunk};
use base::Duration;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Routes of one installation: matched one after the other for each inbound call, some 50 ns each.
pub(super) const ROUTES_MAX: usize = 1_000;

impl Trunk {
    /// Checks the keys of `[[trunk]]`; `null` stands for a key that is left out.
    ///
    /// # Errors
    /// Every fault.
    pub fn from_json(settings: &Map<String, Value>, known: &Known) -> Result<Trunk, Vec<KeyFault>> {
        read("trunk", settings, known, trunk)
    }

    /// Its settings with the keys of `[[trunk]]`, without the password; keys without a value are left out.
    pub fn to_json(&self) -> Map<String, Value> {
        let (first_s, step_s) = self.billing_s;
        without_nulls(json!({
            "name": self.name,
            "host": self.host.to_string(),
            "transport": "udp",
            "username": self.username,
            "max_channels": self.max_channels,
            "max_cps": self.max_cps,
            "codecs": self.codecs.iter().map(|codec| codec.name()).collect::<Vec<_>>(),
            "register": self.register,
            "ping_s": self.ping.as_ms() / 1_000,
            "nat": self.nat,
            "price_per_min": self.price_per_min,
            "billing_s": format!("{first_s}/{step_s}"),
        }))
    }
}

impl Route {
    /// Checks a whole list of routes, each with the keys of `[[route]]`. Keys of faults begin with the place: `items[2].to`.
    ///
    /// # Errors
    /// Every fault.
    pub fn list_from_json(items: &[Map<String, Value>], known: &Known) -> Result<Vec<Route>, Vec<KeyFault>> {
        let (mut routes, mut faults) = (Vec::new(), Vec::new());
        if items.len() > ROUTES_MAX {
            let what = format!("{} routes are more than {ROUTES_MAX}", items.len());
            let mend = "put several numbers into one pattern".to_owned();
            return Err(vec![KeyFault { key: "items".to_owned(), what, mend }]);
        }
        for (index, item) in items.iter().enumerate() {
            match read("route", item, known, route) {
                Ok(route) => routes.push((index, route)),
                Err(of_item) => faults.extend(of_item.into_iter().map(|fault| {
                    let key = format!("items[{index}].{}", fault.key);
                    KeyFault { key, ..fault }
                })),
            }
        }
        for (at, (index, route)) in routes.iter().enumerate() {
            let first = routes[..at].iter().find(|(_, before)| before.takes_all_of(route));
            if let Some((first, _)) = first {
                faults.push(KeyFault {
                    key: format!("items[{index}].to"),
                    what: format!("items[{first}] takes these calls already"),
                    mend: "leave one of them out".to_owned(),
                });
            }
        }
        if faults.is_empty() { Ok(routes.into_iter().map(|(_, route)| route).collect()) } else { Err(faults) }
    }

    /// Whether no call is left for a route behind this one: the same name, from the same trunk or from any.
    fn takes_all_of(&self, later: &Route) -> bool {
        let (CalledPattern::Exact(one), CalledPattern::Exact(two)) = (&self.to, &later.to) else { return false };
        one == two && (self.from_trunk.is_none() || self.from_trunk == later.from_trunk)
    }
}

/// A setting of the process that can be changed while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Editable {
    /// `[desk] wrap_up_s`.
    WrapUp,
    /// `[server] drain_s`.
    Drain,
}

impl Editable {
    /// All of them.
    pub const ALL: [Editable; 2] = [Editable::WrapUp, Editable::Drain];

    /// Section and key, with a dot between.
    pub fn key(self) -> &'static str {
        match self {
            Editable::WrapUp => "desk.wrap_up_s",
            Editable::Drain => "server.drain_s",
        }
    }

    fn parts(self) -> (&'static str, &'static str) {
        self.key().split_once('.').unwrap_or_default()
    }

    /// Its value in force, in seconds.
    pub fn of(self, config: &Config) -> u64 {
        let span = match self {
            Editable::WrapUp => config.desk.wrap_up,
            Editable::Drain => config.server.drain,
        };
        span.as_ms() / 1_000
    }

    /// Puts a value in force, in seconds.
    pub fn set(self, config: &mut Config, value_s: u64) {
        let span = Duration::from_secs(value_s);
        match self {
            Editable::WrapUp => config.desk.wrap_up = span,
            Editable::Drain => config.server.drain = span,
        }
        let (section, key) = self.parts();
        config.shown[section][key] = value_s.into();
    }

    /// Checks an object of such settings by their keys alone (`{"wrap_up_s": 20}`).
    ///
    /// # Errors
    /// Every fault.
    pub fn from_json(changes: &Map<String, Value>) -> Result<Vec<(Editable, u64)>, Vec<KeyFault>> {
        let (mut wanted, mut faults) = (Vec::new(), Vec::new());
        for (name, value) in changes {
            let Some(editable) = Editable::ALL.into_iter().find(|editable| editable.parts().1 == name) else {
                let known = Editable::ALL.map(|editable| editable.parts().1);
                let mend = match nearest(name, known) {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => format!("these can change while it runs: {}", known.join(", ")),
                };
                faults.push(KeyFault { key: name.clone(), what: format!("{name:?} cannot be changed here"), mend });
                continue;
            };
            let one = Map::from_iter([(name.clone(), value.clone())]);
            match read(editable.parts().0, &one, &Known::default(), |found| found.get::<u64>(editable.parts().1)) {
                Ok(value) => wanted.push((editable, value)),
                Err(of_it) => faults.extend(of_it),
            }
        }
        if faults.is_empty() { Ok(wanted) } else { Err(faults) }
    }
}

/// One setting as people read it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SettingInfo {
    /// Section and key, with a dot between: `desk.wrap_up_s`.
    pub key: String,
    /// The value in force; `null`: none. Secrets are hidden.
    pub value: Value,
    /// What it is if nobody says otherwise; `null`: nothing.
    pub default: Value,
    /// What it means.
    pub doc: String,
    /// It can be changed with `PATCH /api/v1/settings`.
    pub editable: bool,
    /// A change in the file holds from the next start on.
    pub restart: bool,
}

impl Config {
    /// Every setting of the sections that stand once, in the order of the file.
    pub fn settings(&self) -> Vec<SettingInfo> {
        let once = SECTIONS.iter().filter(|section| !section.many);
        let keys = once.flat_map(|section| section.keys.iter().map(move |key| (section, key)));
        keys.filter(|(_, key)| key.not_built.is_none())
            .map(|(section, key)| {
                let name = format!("{}.{}", section.name, key.name);
                let editable = Editable::ALL.iter().any(|editable| editable.key() == name);
                let value = self.shown[section.name].get(key.name).cloned().unwrap_or(Value::Null);
                let default = match key.presence {
                    Presence::Default(literal) => default_value(literal),
                    _ => Value::Null,
                };
                let doc = key.doc.to_owned();
                SettingInfo { key: name, value: hide(key, value), default, doc, editable, restart: !editable }
            })
            .collect()
    }

    /// What the file says of a setting (`desk.wrap_up_s`), or of a section that stands more than once, as JSON.
    pub fn file_says(&self, name: &str) -> String {
        let (section, key) = name.split_once('.').unwrap_or((name, ""));
        let of = &self.file[section];
        if key.is_empty() { of.to_string() } else { of[key].to_string() }
    }

    /// The routes as they were written, with the keys of `[[route]]`.
    pub fn shown_routes(&self) -> Value {
        self.shown["route"].clone()
    }

    /// Puts routes in force that were made over the API.
    pub fn show_routes(&mut self, routes: Vec<Route>, items: Vec<Map<String, Value>>) {
        self.routes = routes;
        self.routes_over_api = true;
        self.shown["route"] = items.into_iter().map(|item| Value::Object(without_nulls(Value::Object(item)))).collect();
    }

    /// Puts trunks in force.
    pub fn show_trunks(&mut self, trunks: Vec<Trunk>) {
        let shown = |trunk: &Trunk| {
            let mut settings = trunk.to_json();
            if trunk.password.is_some() {
                settings.insert("password".to_owned(), Secret::SHOWN.into());
            }
            Value::Object(settings)
        };
        self.shown["trunk"] = trunks.iter().map(shown).collect();
        self.trunks = trunks;
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::section;
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        without_nulls(value)
    }

    fn known() -> Known {
        Known { trunks: ["carrier".to_owned()].into(), ..Known::default() }
    }

    #[test]
    fn every_key_of_a_trunk_goes_out_and_comes_back() {
        let all = object(json!({
            "name": "carrier", "host": "192.0.2.1:5062", "transport": "udp", "username": "u", "max_channels": 7,
            "max_cps": 2.5, "codecs": ["PCMA"], "register": true, "ping_s": 0, "nat": true, "price_per_min": 0.012,
            "billing_s": "60/30",
        }));
        let mut given = all.clone();
        given.insert("password".to_owned(), "s3cret".into());
        let trunk = Trunk::from_json(&given, &known()).unwrap();
        assert_eq!(trunk.to_json(), all);
        let keys = section("trunk").keys.iter().filter(|key| key.not_built.is_none()).count();
        assert_eq!(keys, all.len() + 1); // the password
        let faults = Trunk::from_json(&object(json!({ "name": "x", "host": "h", "register": true })), &known());
        assert_eq!(faults.unwrap_err()[0].key, "register");
    }

    #[test]
    fn faults_of_a_list_of_routes_name_their_place() {
        let list = |value: Value| {
            let items: Vec<Map<String, Value>> = serde_json::from_value(value).unwrap();
            Route::list_from_json(&items, &known())
        };
        let routes = list(json!([
            { "to": "echo", "action": "echo", "from_trunk": "carrier" },
            { "to": "echo", "action": "reject:486", "from_trunk": null },
            { "to": "\\+1555.*", "action": "play:a.wav" },
        ]));
        assert_eq!(routes.unwrap().len(), 3);
        for (value, key) in [
            (json!([{ "to": "a", "action": "echo" }, { "to": "b", "action": "dance" }]), "items[1].action"),
            (json!([{ "to": "a" }]), "items[0].action"),
            (json!([{ "to": "a", "action": "echo", "from_trunk": "carier" }]), "items[0].from_trunk"),
            (json!([{ "to": "(", "action": "echo" }]), "items[0].to"),
            (json!([{ "too": "a", "to": "a", "action": "echo" }]), "items[0].too"),
            (json!([{ "to": "a", "action": "echo" }, { "to": "a", "action": "reject:486" }]), "items[1].to"),
        ] {
            assert_eq!(list(value.clone()).unwrap_err()[0].key, key, "{value}");
        }
        let many = vec![object(json!({ "to": "a", "action": "echo" })); ROUTES_MAX + 1];
        assert_eq!(Route::list_from_json(&many, &known()).unwrap_err()[0].key, "items");
    }

    #[test]
    fn settings_are_checked_by_the_files_own_keys() {
        let read = |value: Value| Editable::from_json(&object(value));
        let both = read(json!({ "wrap_up_s": 7, "drain_s": 60 })).unwrap();
        assert_eq!(both, [(Editable::Drain, 60), (Editable::WrapUp, 7)]);
        for (value, words) in [
            (json!({ "wrap_up_s": 3_601 }), "out of range"),
            (json!({ "wrap_up_s": "7" }), "text"),
            (json!({ "wrapup_s": 7 }), "cannot be changed"),
            (json!({ "shards": 7 }), "cannot be changed"),
        ] {
            let faults = read(value.clone()).unwrap_err();
            assert!(faults[0].what.contains(words), "{value}: {faults:?}");
        }
        let mut config = Config::parse(b"[store]\nurl = \"postgres://me:s3cret@db/x\"\n", "outpace.toml").unwrap();
        Editable::WrapUp.set(&mut config, 7);
        let table = config.settings();
        let find = |key: &str| table.iter().find(|setting| setting.key == key).unwrap();
        let wrap_up = find("desk.wrap_up_s");
        assert_eq!((&wrap_up.value, &wrap_up.default, wrap_up.editable), (&json!(7), &json!(15), true));
        assert!(find("server.shards").restart && !wrap_up.restart && find("sip.domain").value.is_null());
        assert_eq!(find("store.url").value, "postgres://me:***@db/x");
        assert!(table.iter().all(|setting| !setting.key.starts_with("trunk") && !setting.key.ends_with(".tls")));
    }
}
