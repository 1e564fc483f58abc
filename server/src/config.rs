//! The configuration `outpace.toml`: one struct tree, every key with a default or required, every fault with its place.
//!
//! ```text
//!  text ──toml──> table with places ──keys.rs──> checked values ──cross.rs──> Config
//!                      └── syntax, unknown key, wrong type, bad value, name of nothing ──> Faults (all of them)
//! ```
//!
//! **Invariants.** A [`Config`] exists only without a fault. Keys are declared once, in `keys.rs`: what is read, what is
//! refused and what `docs/config.toml` says come from the same lines. What is not built yet is refused, never ignored.

mod answers;
mod cross;
mod docs;
mod fault;
mod json;
mod keys;
mod live;
mod nearest;
mod profiles;
mod read;
mod values;

pub use answers::Answers;
pub use docs::documentation;
pub use fault::{Fault, Faults};
pub use json::{AgentSchema, CampaignSchema, KeyFault, Known, RouteSchema, TrunkSchema};
pub use live::{Editable, SettingInfo};
pub use nearest::nearest;
pub use values::{Action, CalledPattern, Codec, Host, Secret, check_name};

use crate::failure::Failure;
use base::{Duration, TrunkId};
use read::{Document, Found};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest configuration: 10,000 agents of 100 bytes each.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// Everything that `outpace.toml` says.
#[derive(Clone, Debug)]
pub struct Config {
    /// The process.
    pub server: Server,
    /// `[store] url` as written; see [`Config::store_url`].
    pub store: StoreSection,
    /// SIP addresses.
    pub sip: Sip,
    /// RTP addresses.
    pub media: Media,
    /// What holds for all agents.
    pub desk: DeskSection,
    /// Answer detection.
    pub amd: AmdSection,
    /// Ways out and in.
    pub trunks: Vec<Trunk>,
    /// What happens to inbound calls, first match first.
    pub routes: Vec<Route>,
    /// People who take calls.
    pub agents: Vec<Agent>,
    /// What is dialled.
    pub campaigns: Vec<Campaign>,
    /// Compliance profiles, the operator's own among them, with what the file confirms.
    pub profiles: Arc<dialer::Profiles>,
    /// The routes were made over the API: the files that they name stand in `data_dir`.
    pub routes_over_api: bool,
    /// All of it as JSON, with defaults and without secrets: for showing only.
    pub shown: serde_json::Value,
    /// The same as the file says it, whatever was changed over the API.
    file: serde_json::Value,
}

/// `[server]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Folder of the store and of files named without a folder.
    pub data_dir: PathBuf,
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// Path that the console and API stand under, begins with `/`.
    pub base_path: String,
    /// Shard threads; 0: as many as the processor has cores to give.
    pub shards: usize,
    /// How sockets are driven.
    pub driver: String,
    /// How long calls may go on after SIGTERM.
    pub drain: Duration,
    /// The login's cookie is for https alone.
    pub secure_cookie: bool,
    /// The proxy whose X-Forwarded-For is believed.
    pub trusted_proxy: Option<IpAddr>,
    /// What prices are in.
    pub currency: String,
}

/// `[store]`.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreSection {
    /// As written.
    pub url: String,
}

/// `[sip]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sip {
    /// UDP address.
    pub udp: SocketAddr,
    /// Host part of our own addresses; `None`: that of `udp`.
    pub domain: Option<String>,
}

/// `[media]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// Address that RTP is bound to.
    pub ip: IpAddr,
    /// Address that is told to others; `None`: `ip`.
    pub advertise: Option<IpAddr>,
    /// Ports for RTP and RTCP.
    pub ports: RangeInclusive<u16>,
    /// An answered leg that hears nothing for so long is hung up; zero: never.
    pub timeout: Duration,
}

/// `[desk]`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeskSection {
    /// Wrap-up ends by itself after this time.
    pub wrap_up: Duration,
}

/// `[amd]`.
#[derive(Clone, Debug, PartialEq)]
pub struct AmdSection {
    /// `default` or `classic`.
    pub detector: String,
    /// The knob of `default`: a share of people.
    pub max_human_as_machine: f64,
    /// What is kept of verdicts stays so long; 0: nothing is kept.
    pub evidence_days: u64,
    /// A net that listens and never acts.
    pub shadow_model: Option<String>,
}

impl AmdSection {
    /// The detector that is asked for.
    ///
    /// # Errors
    /// A share that its net was not calibrated to.
    pub fn config(&self) -> Result<detect::DetectorConfig, Failure> {
        if self.detector == "classic" {
            return Ok(detect::DetectorConfig::Classic(detect::ClassicConfig::default()));
        }
        let share = self.max_human_as_machine;
        detect::DetectorConfig::for_share(share).ok_or_else(|| {
            Failure::usage("amd.max_human_as_machine", &format!("{share} is less than the net can keep"), "give more")
        })
    }
}

/// `[[trunk]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Trunk {
    /// Unique name.
    pub name: String,
    /// Where requests go.
    pub host: Host,
    /// For digest authentication and registration.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Calls at once.
    pub max_channels: u32,
    /// New calls a second.
    pub max_cps: f64,
    /// In order of preference.
    pub codecs: Vec<Codec>,
    /// We register with it.
    pub register: bool,
    /// How often we ask whether it is there; zero: never.
    pub ping: Duration,
    /// Audio goes to where its own comes from.
    pub nat: bool,
    /// What a minute costs.
    pub price_per_min: Option<f64>,
    /// What it counts of a call at least, and the steps after it, in seconds.
    pub billing_s: (u32, u32),
}

/// `[[route]]`.
#[derive(Clone, Debug)]
pub struct Route {
    /// Called name, number or pattern.
    pub to: CalledPattern,
    /// What is done.
    pub action: Action,
    /// Only for calls of this trunk.
    pub from_trunk: Option<String>,
}

/// `[[agent]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// Unique name.
    pub name: String,
    /// Console password.
    pub password: Option<Secret>,
    /// Phone that is called and kept up.
    pub sip: Option<String>,
    /// Called and made ready at boot.
    pub auto_ready: bool,
    /// What the agent can do.
    pub skills: Vec<String>,
}

/// `[[campaign]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Campaign {
    /// Unique name.
    pub name: String,
    /// List that is dialled.
    pub list: String,
    /// Trunk that is dialled over.
    pub trunk: String,
    /// How it is paced.
    pub mode: dialer::Mode,
    /// Calls at once without agents.
    pub channels: Option<u32>,
    /// New calls a second without agents.
    pub calls_per_second: Option<f64>,
    /// File that a person hears without agents.
    pub message: Option<String>,
    /// How agents look at leads.
    pub preview: dialer::Preview,
    /// When a lead that was skipped is shown again.
    pub skipped: dialer::RetryRule,
    /// How long a promised call waits for its agent.
    pub callback_wait: Duration,
    /// Then it is tried again with the same agent; otherwise anybody calls.
    pub callback_again: bool,
    /// After this time.
    pub callback_later: Duration,
    /// Agents who take its calls; empty: all.
    pub agents: Vec<String>,
    /// Skills that an agent must have.
    pub skills: Vec<String>,
    /// Tell people from machines.
    pub amd: bool,
    /// What is done with what answered.
    pub answers: Answers,
    /// What detection may do then.
    pub amd_mode: dialer::AmdMode,
    /// Share of those taken for machines that go to agents.
    pub amd_audit_share: f64,
    /// Keep what detection heard.
    pub amd_audio: bool,
    /// So long.
    pub amd_audio_days: u64,
    /// Name of the compliance profile.
    pub profile: String,
    /// Its values in force when these settings were read.
    pub rules: dialer::Profile,
    /// Abandon limit that overrides the profile's, a share of 1.
    pub limit: Option<f64>,
    /// Its part of agents and lines that it shares with other campaigns, next to theirs.
    pub weight: f64,
    /// Number that is shown, E.164.
    pub caller_id: String,
    /// File that an abandoned person hears.
    pub safe_harbour: Option<String>,
    /// Give up after so long.
    pub ring_timeout: Duration,
    /// Attempts at one lead.
    pub attempts_max: u32,
    /// Retry rules that differ from the usual ones, as written.
    pub recycle: Option<String>,
    /// Lists beside it with their weights, as written.
    pub mix: Option<String>,
    /// Which leads, as written.
    pub filter: Option<String>,
    /// Order of leads of one priority.
    pub order: String,
    /// Zone of leads for which neither record nor number says one.
    pub timezone: String,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`Failure`] with code 1 for an unreadable file; code 2 with the first fault for a faulty one (`outpace check`
    /// shows all).
    pub fn load(path: &Path) -> Result<Config, Failure> {
        Self::load_all(path)?.map_err(|faults| faults.into_failure())
    }

    /// Reads and checks a file; gives all faults.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn load_all(path: &Path) -> Result<Result<Config, Faults>, Failure> {
        let said = path.display().to_string();
        let size = std::fs::metadata(path).map_err(|e| Failure::io(&said, e))?.len();
        if size > TEXT_BYTES_MAX as u64 {
            let what = format!("has {size} bytes and is no configuration");
            return Err(Failure::usage(&said, &what, "name the right file"));
        }
        let bytes = std::fs::read(path).map_err(|e| Failure::io(&said, e))?;
        Ok(Self::parse(&bytes, &said))
    }

    /// Checks a text; `file` is its name in faults, and the operator's own profiles are read in its folder.
    ///
    /// # Errors
    /// Every fault of it and of those profiles.
    pub fn parse(text: &[u8], file: &str) -> Result<Config, Faults> {
        let mut document = Document::read(text);
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        let profiles = cross::check(&mut document, folder);
        let Document { faults, sections, text } = document;
        if !faults.is_empty() {
            return Err(Faults::place(faults, &text, file));
        }
        let one =
            |name: &str| sections.iter().find(|found| found.is(name)).expect("single sections always stand there");
        let many = |name: &'static str| sections.iter().filter(move |found| found.is(name));
        Ok(Config {
            server: server(one("server")),
            store: StoreSection { url: one("store").get("url") },
            sip: sip(one("sip")),
            media: media(one("media")),
            desk: DeskSection { wrap_up: Duration::from_secs(one("desk").get("wrap_up_s")) },
            amd: amd(one("amd")),
            trunks: many("trunk").map(trunk).collect(),
            routes: many("route").map(route).collect(),
            agents: many("agent").map(agent).collect(),
            campaigns: many("campaign").map(|found| campaign(found, &profiles)).collect(),
            profiles,
            routes_over_api: false,
            file: json::shown(&text),
            shown: json::shown(&text),
        })
    }

    /// The store's address; a file without a leading `/` stands in `data_dir`.
    pub fn store_url(&self) -> String {
        match self.store.url.strip_prefix("sqlite:") {
            Some(path) => {
                format!("sqlite:{}", self.server.data_dir.join(path.strip_prefix("//").unwrap_or(path)).display())
            }
            None => self.store.url.clone(),
        }
    }
}

impl Agent {
    /// The host part of the phone's address.
    pub fn phone_host(&self) -> Option<Host> {
        let (_, at) = self.sip.as_deref()?.split_once('@')?;
        values::host_of(at)
    }
}

impl Campaign {
    /// Whether leads are loaded with their consents: in some mode of the campaign they are asked for.
    pub fn asks_consent(&self) -> bool {
        let rules = &self.rules;
        rules.consent_required || (rules.agentless_allowed && rules.agentless_consent)
    }

    /// Under which name the file of a key is kept among all campaigns' messages. No campaign's name has a colon.
    pub fn message_name(&self, key: &str) -> String {
        format!("{}:{key}", self.name)
    }

    /// The keys that name files to be played, with the files.
    pub fn messages(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("safe_harbour", self.safe_harbour.as_deref()),
            ("message", self.message.as_deref()),
            ("machine_message", self.answers.machine_message.as_deref()),
            ("screening_message", self.answers.screening_message.as_deref()),
            ("hello_message", self.answers.hello_message.as_deref()),
        ]
    }

    /// What detection may do.
    pub fn amd_rules(&self) -> dialer::AmdRules {
        let mode = if self.amd { self.amd_mode } else { dialer::AmdMode::Off };
        dialer::AmdRules { mode, audit_share: self.amd_audit_share }
    }

    /// The dialer's settings of this campaign over `trunk`.
    ///
    /// # Errors
    /// What the dialer finds wrong with them.
    pub fn dialer_config(&self, trunk: TrunkId) -> Result<dialer::CampaignConfig, dialer::ConfigError> {
        let mut config = dialer::CampaignConfig::new(&self.name, trunk, &self.caller_id);
        config.mode = self.mode;
        config.amd = self.amd_rules();
        config.policies = self.answers.policies(self);
        config.safe_harbour.message = self.message_name("safe_harbour");
        config.ring_timeout = self.ring_timeout;
        config.limit = self.limit;
        config.weight = self.weight;
        config.timezone = self.timezone.clone();
        config.skills = self.skills.iter().cloned().collect();
        config.retry.attempts_max = self.attempts_max;
        // What is written was checked when it was read.
        for (outcome, rule) in self.recycled() {
            match rule.again {
                Some(again) => config.retry.rules.insert(outcome, again),
                None => config.retry.rules.remove(&outcome),
            };
            config.retry.next.extend(rule.next.map(|gap| (outcome, gap)));
        }
        config.paged = true;
        config.profile = self.rules.clone();
        config.skipped = self.skipped;
        config.callback = dialer::CallbackRule {
            wait: self.callback_wait,
            then: match self.callback_again {
                true => dialer::CallbackThen::Later(self.callback_later),
                false => dialer::CallbackThen::Anybody,
            },
        };
        let recording =
            |_: &String| dialer::Recording { message: self.message_name("message"), max: dialer::RECORDING_MAX };
        config.recording = self.message.as_ref().map(recording);
        config.validate()?;
        Ok(config)
    }
}

/// Lists with their weights, as the key `mix` of a campaign that was checked says.
pub(crate) fn mix(text: &str) -> Vec<(String, u32)> {
    values::mix(text).unwrap_or_default()
}

impl Campaign {
    /// Its own retry rules.
    fn recycled(&self) -> Vec<(dialer::Outcome, values::Recycle)> {
        self.recycle.as_deref().and_then(|text| values::recycle(text).ok()).unwrap_or_default()
    }

    /// Where its leads come from; `list` is the one it names, `seed` that of a random order.
    pub fn source(&self, list: base::ListId, seed: u64) -> crate::feeder::Source {
        crate::feeder::Source {
            list,
            mix: self.mix.as_deref().map_or(Vec::new(), mix),
            filter: self.filter.as_deref().and_then(|text| values::filter(text).ok()),
            next_numbers: self.recycled().iter().any(|(_, rule)| rule.next.is_some()),
            order: match self.order.as_str() {
                "newest" => store::LeadOrder::Newest,
                "last_attempt" => store::LeadOrder::LastAttempt,
                "random" => store::LeadOrder::Random(seed),
                _ => store::LeadOrder::Oldest,
            },
            scope: self.asks_consent().then(|| self.name.clone()),
            zone: self.timezone.clone(),
            profile: self.rules.clone(),
        }
    }
}

fn server(found: &Found) -> Server {
    Server {
        data_dir: PathBuf::from(found.get::<String>("data_dir")),
        http: found.get("http"),
        base_path: found.get("base_path"),
        shards: found.get::<u64>("shards") as usize,
        driver: found.get("driver"),
        drain: Duration::from_secs(found.get("drain_s")),
        secure_cookie: found.get("secure_cookie"),
        trusted_proxy: found.maybe("trusted_proxy"),
        currency: found.get("currency"),
    }
}

fn sip(found: &Found) -> Sip {
    Sip { udp: found.get("udp"), domain: found.maybe("domain") }
}

fn media(found: &Found) -> Media {
    Media {
        ip: found.get("ip"),
        advertise: found.maybe("advertise"),
        ports: found.get("ports"),
        timeout: Duration::from_secs(found.get("timeout_s")),
    }
}

fn amd(found: &Found) -> AmdSection {
    AmdSection {
        detector: found.get("detector"),
        max_human_as_machine: found.get("max_human_as_machine"),
        evidence_days: found.get("evidence_days"),
        shadow_model: found.maybe("shadow_model"),
    }
}

fn trunk(found: &Found) -> Trunk {
    Trunk {
        name: found.get("name"),
        host: found.get("host"),
        username: found.maybe("username"),
        password: found.maybe("password").map(Secret::new),
        max_channels: found.get::<u64>("max_channels") as u32,
        max_cps: found.get("max_cps"),
        codecs: found.get("codecs"),
        register: found.get("register"),
        ping: Duration::from_secs(found.get("ping_s")),
        nat: found.get("nat"),
        price_per_min: found.maybe("price_per_min"),
        billing_s: found.get("billing_s"),
    }
}

fn route(found: &Found) -> Route {
    Route { to: found.get("to"), action: found.get("action"), from_trunk: found.maybe("from_trunk") }
}

fn agent(found: &Found) -> Agent {
    Agent {
        name: found.get("name"),
        password: found.maybe("password").map(Secret::new),
        sip: found.maybe("sip"),
        auto_ready: found.get("auto_ready"),
        skills: found.get("skills"),
    }
}

fn campaign(found: &Found, profiles: &dialer::Profiles) -> Campaign {
    let profile: String = found.get("profile");
    // The checks across sections let no other name through.
    let rules = profiles.get(&profile).map_or_else(dialer::Profile::strict, |sheet| sheet.in_force().clone());
    let channels = found.maybe::<u64>("channels").map(|channels| channels as u32);
    let calls_per_second = found.maybe("calls_per_second");
    let preview = dialer::Preview {
        timer: Duration::from_secs(found.get("preview_s")),
        then: match found.get::<String>("preview_then").as_str() {
            "skip" => dialer::PreviewEnd::Skip,
            _ => dialer::PreviewEnd::Dial,
        },
    };
    let gap = Duration::from_secs(60 * found.get::<u64>("skip_retry_min"));
    let mode = match found.get::<String>("mode").as_str() {
        "preview" => dialer::Mode::Preview(preview),
        "agentless" => dialer::Mode::Agentless(dialer::Flow { channels, calls_per_s: calls_per_second }),
        "progressive" => dialer::Mode::Progressive,
        "power" => dialer::Mode::Power(found.get("ratio")),
        _ => dialer::Mode::Predictive,
    };
    Campaign {
        name: found.get("name"),
        list: found.get("list"),
        trunk: found.get("trunk"),
        mode,
        channels,
        calls_per_second,
        message: found.maybe("message"),
        preview,
        callback_wait: Duration::from_secs(60 * found.get::<u64>("callback_wait_min")),
        callback_again: found.get::<String>("callback_then") == "later",
        callback_later: Duration::from_secs(60 * found.get::<u64>("callback_later_min")),
        skipped: dialer::RetryRule { gap, times: found.get::<u64>("skips_max") as u32 },
        agents: found.get("agents"),
        skills: found.get("skills"),
        amd: found.get("amd"),
        answers: Answers::of(found),
        // The key's own kind lets no other word through.
        amd_mode: dialer::AmdMode::named(&found.get::<String>("amd_mode")).unwrap_or(dialer::AmdMode::On),
        amd_audit_share: found.get("amd_audit_share"),
        amd_audio: found.get("amd_audio"),
        amd_audio_days: found.get("amd_audio_days"),
        profile,
        rules,
        limit: found.maybe("limit"),
        weight: found.get("weight"),
        caller_id: found.get("caller_id"),
        safe_harbour: found.maybe("safe_harbour"),
        ring_timeout: Duration::from_secs(found.get("ring_timeout_s")),
        attempts_max: found.get::<u64>("attempts_max") as u32,
        recycle: found.maybe("recycle"),
        mix: found.maybe("mix"),
        filter: found.maybe("filter"),
        order: found.get("order"),
        timezone: found.get("timezone"),
    }
}

#[cfg(test)]
mod tests;
