//! Every key of `outpace.toml`: its kind, its default, what it means. The only place where keys are declared.

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Any text that is not empty.
    Text,
    /// Up to 64 letters, digits, `_`, `-`, `.`.
    Name,
    /// A list of names without repetition.
    Names,
    /// true or false.
    Flag,
    /// A whole number in these bounds.
    Whole(u64, u64),
    /// A number in these bounds.
    Number(f64, f64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `IP:PORT`.
    Address,
    /// `HOST` or `HOST:PORT`.
    Host,
    /// An IP address.
    Ip,
    /// `FIRST-LAST`.
    Ports,
    /// A list of codec names without repetition.
    Codecs,
    /// `sqlite:PATH` or `postgres://…`.
    StoreUrl,
    /// A path that begins with `/`.
    UrlPath,
    /// `sip:…`.
    SipUri,
    /// A called name, number or regular expression.
    Called,
    /// What a route does.
    Action,
    /// E.164.
    Phone,
    /// IANA zone.
    Zone,
    /// Three letters (ISO 4217).
    Currency,
    /// `FIRST/STEP` in seconds.
    Billing,
    /// `LIST:WEIGHT, LIST:WEIGHT`.
    Mix,
    /// An expression over leads.
    Filter,
    /// `OUTCOME GAP TIMES, OUTCOME never`.
    Recycle,
}

/// Whether a key must stand there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Presence {
    /// It must; this is an example, as TOML.
    Required(&'static str),
    /// It may; this is an example, as TOML.
    Optional(&'static str),
    /// Otherwise it is this, as TOML.
    Default(&'static str),
}

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) presence: Presence,
    pub(super) doc: &'static str,
    /// The key is known, but its room is not built: what to do instead.
    pub(super) not_built: Option<&'static str>,
}

/// One section.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: &'static str,
    /// `[[name]]`, as often as wanted.
    pub(super) many: bool,
    pub(super) doc: &'static str,
    pub(super) keys: &'static [Key],
}

use Kind::*;
use Presence::*;

const fn key(name: &'static str, kind: Kind, presence: Presence, doc: &'static str) -> Key {
    Key { name, kind, presence, doc, not_built: None }
}

const fn later(name: &'static str, kind: Kind, example: &'static str, doc: &'static str, mend: &'static str) -> Key {
    Key { name, kind, presence: Optional(example), doc, not_built: Some(mend) }
}

/// Orders of leads that were never dialled.
const ORDERS: [&str; 4] = ["oldest", "newest", "random", "last_attempt"];

/// The words of `mode`.
pub(super) const MODES: [&str; 5] = ["preview", "progressive", "power", "predictive", "agentless"];

const PLAIN_HTTP: &str = "leave it out and put a TLS proxy before http";
const UDP_ONLY: &str = "leave it out: SIP runs over udp";

pub(super) static SECTIONS: [Section; 11] = [
    Section {
        name: "server",
        many: false,
        doc: "The process.",
        keys: &[
            key(
                "data_dir",
                Text,
                Default("\".\""),
                "Folder of the store and of prompt files that are named without a folder.",
            ),
            key("http", Address, Default("\"127.0.0.1:8080\""), "Where the API and the console are served."),
            later("https", Address, "\"0.0.0.0:8443\"", "The same with TLS.", PLAIN_HTTP),
            later("cert", Text, "\"cert.pem\"", "Certificate chain for https.", PLAIN_HTTP),
            later("key", Text, "\"key.pem\"", "Private key for https.", PLAIN_HTTP),
            key("base_path", UrlPath, Default("\"/\""), "Path that API and console stand under, behind a proxy."),
            key("shards", Whole(0, 64), Default("0"), "Real-time threads; 0 takes one per core but one, at least one."),
            key(
                "driver",
                Choice(&["auto", "ring", "poll"]),
                Default("\"auto\""),
                "How sockets are driven: ring (io_uring), poll (epoll), or auto: ring where the system allows it.",
            ),
            key(
                "drain_s",
                Whole(0, 86_400),
                Default("300"),
                "After SIGTERM calls under way may last so many seconds; then they are hung up.",
            ),
            key(
                "secure_cookie",
                Flag,
                Default("false"),
                "Browsers send the login's cookie over https alone; switch it on where a TLS proxy stands in front.",
            ),
            key(
                "trusted_proxy",
                Ip,
                Optional("\"127.0.0.1\""),
                "Address of the proxy in front, whose X-Forwarded-For says who asks; else all its clients share limits.",
            ),
            key("currency", Currency, Default("\"USD\""), "What prices are in, for reports (ISO 4217)."),
        ],
    },
    Section {
        name: "store",
        many: false,
        doc: "Where leads, attempts and call records are kept.",
        keys: &[key(
            "url",
            StoreUrl,
            Default("\"sqlite:outpace.db\""),
            "sqlite:PATH, relative to data_dir, or postgres://NAME:PASSWORD@HOST:PORT/DATABASE.",
        )],
    },
    Section {
        name: "sip",
        many: false,
        doc: "Our SIP addresses.",
        keys: &[
            key("udp", Address, Default("\"127.0.0.1:5060\""), "Address and port for UDP."),
            later("tcp", Address, "\"127.0.0.1:5060\"", "Address and port for TCP.", UDP_ONLY),
            later("tls", Address, "\"127.0.0.1:5061\"", "Address and port for TLS.", UDP_ONLY),
            key("domain", Text, Optional("\"sip.example.com\""), "Host in our own SIP addresses; else the one of udp."),
        ],
    },
    Section {
        name: "media",
        many: false,
        doc: "RTP.",
        keys: &[
            key("ip", Ip, Default("\"127.0.0.1\""), "Address that RTP is sent from and received on."),
            key(
                "advertise",
                Ip,
                Optional("\"203.0.113.7\""),
                "Address that others are told, behind a 1:1 NAT; else ip.",
            ),
            key("ports", Ports, Default("\"20000-29999\""), "UDP ports; each leg takes an even one and the next."),
            key(
                "timeout_s",
                Whole(0, 3_600),
                Default("30"),
                "Hang up an answered call that has sent no audio for so many seconds; 0 never does.",
            ),
        ],
    },
    Section {
        name: "desk",
        many: false,
        doc: "What holds for all agents.",
        keys: &[key(
            "wrap_up_s",
            Whole(0, 3_600),
            Default("15"),
            "Wrap-up ends by itself after so many seconds; 0 leaves none.",
        )],
    },
    Section {
        name: "amd",
        many: false,
        doc: "Answer detection, for the campaigns that use it (docs/answer-detection.md).",
        keys: &[
            key(
                "detector",
                Choice(&["default", "classic"]),
                Default("\"classic\""),
                "default: spectra, tones and a net; classic: the rules of Asterisk's app_amd with its own settings.",
            ),
            key(
                "max_human_as_machine",
                Number(0.0025, 0.5),
                Default("0.01"),
                "With default: at most this share of people may be taken for machines, as calibrated on made calls.",
            ),
            key(
                "evidence_days",
                Whole(0, 3_650),
                Default("90"),
                "Probabilities and features of each verdict are kept so long, without sound; 0 keeps none.",
            ),
            key(
                "shadow_model",
                Text,
                Optional("\"mine.net\""),
                "A net of outpace amd train, in data_dir, that listens beside the detector; what it would have said is kept.",
            ),
        ],
    },
    Section {
        name: "trunk",
        many: true,
        doc: "A way to the telephone network.",
        keys: &[
            key("name", Name, Required("\"carrier\""), "Unique name."),
            key("host", Host, Required("\"127.0.0.1:5070\""), "Where its requests go; port 5060 if left out."),
            key("transport", Choice(&["udp"]), Default("\"udp\""), "How they go there."),
            key("username", Text, Optional("\"alice\""), "For digest authentication; needs password."),
            key("password", Text, Optional("\"secret\""), "Its password."),
            key("max_channels", Whole(1, 100_000), Default("100"), "Most calls at once."),
            key("max_cps", Number(0.01, 10_000.0), Default("10"), "Most new calls a second."),
            key("codecs", Codecs, Default("[\"PCMU\", \"PCMA\"]"), "In order of preference: PCMU, PCMA."),
            key(
                "register",
                Flag,
                Default("false"),
                "Register with it as username, so that it sends us calls; needs username.",
            ),
            key(
                "ping_s",
                Whole(0, 3_600),
                Default("30"),
                "Ask by OPTIONS every so many seconds whether it is there; 0 never does.",
            ),
            key(
                "nat",
                Flag,
                Default("false"),
                "It stands behind a NAT: send audio to where its own first packets come from.",
            ),
            key("price_per_min", Number(0.0, 1_000.0), Optional("0.012"), "What a minute costs, for reports."),
            key(
                "billing_s",
                Billing,
                Default("\"1/1\""),
                "How it counts calls, in seconds: the least of a call and the steps after it; \"60/60\" is whole minutes.",
            ),
        ],
    },
    Section {
        name: "route",
        many: true,
        doc: "What happens to an inbound call. The first route that fits is taken; without one the call gets 404.",
        keys: &[
            key(
                "to",
                Called,
                Required("\"echo\""),
                "Called name (\"echo\"), number (\"+15551234567\") or regular expression for the whole of it (\"\\\\+1555.*\").",
            ),
            key("action", Action, Required("\"echo\""), "echo, play:FILE (WAV, 8 kHz mono), reject:CODE (400 to 699)."),
            key("from_trunk", Name, Optional("\"carrier\""), "Only for calls of this trunk."),
        ],
    },
    Section {
        name: "agent",
        many: true,
        doc: "A person who takes calls.",
        keys: &[
            key("name", Name, Required("\"ann\""), "Unique name."),
            key(
                "password",
                Text,
                Optional("\"correct horse\""),
                "For the console, with the agent's name; at least 8 characters, else the agent cannot log in.",
            ),
            key(
                "sip",
                SipUri,
                Optional("\"sip:ann@127.0.0.1:5080\""),
                "Phone that is called once and kept on the line.",
            ),
            key("auto_ready", Flag, Default("false"), "Call the phone at boot and make the agent ready; needs sip."),
            key("skills", Names, Default("[]"), "What the agent can do."),
        ],
    },
    Section {
        name: "profile",
        many: true,
        doc: "What an operator answers for in a compliance profile, or a profile of the operator's own. These are engineering notes, not legal advice; see outpace compliance show.",
        keys: &[
            key(
                "name",
                Name,
                Required("\"ca-crtc\""),
                "Which profile: a shipped one, or with file the name of your own.",
            ),
            key(
                "file",
                Text,
                Optional("\"acme.toml\""),
                "A profile of your own, in this file's folder. outpace compliance show NAME --toml prints one to begin with.",
            ),
            key(
                "confirm",
                Names,
                Default("[]"),
                "Fields that nobody has verified and whose own value shall hold instead of the strict one; needs by and on.",
            ),
            key("by", Text, Optional("\"Ann Smith\""), "Who has read their sources."),
            key("on", Text, Optional("\"2026-11-23\""), "On which day."),
            key(
                "amd_false_positive_rate",
                Number(0.0, 0.5),
                Optional("0.01"),
                "Persons taken for machines, of all persons who answer, as measured; needs amd_evidence.",
            ),
            key("amd_evidence", Text, Optional("\"test of 2026-11-20\""), "Where that was measured."),
        ],
    },
    Section {
        name: "campaign",
        many: true,
        doc: "A list that is dialled.",
        keys: &[
            key("name", Name, Required("\"spring\""), "Unique name."),
            key("list", Name, Required("\"spring-leads\""), "List of leads; see outpace import."),
            key("trunk", Name, Required("\"carrier\""), "Trunk that it is dialled over."),
            key(
                "mode",
                Choice(&MODES),
                Default("\"predictive\""),
                "preview: an agent looks at each lead first; progressive: one call per free agent; power: ratio calls per agent; predictive: as many as the forecast allows; agentless: a recorded message and no agents, see channels, calls_per_second, message.",
            ),
            key("ratio", Number(1.0, dialer::RATIO_MAX), Default("1.5"), "Calls per agent in mode power."),
            key("channels", Whole(1, 100_000), Optional("30"), "Mode agentless: calls at once."),
            key(
                "calls_per_second",
                Number(0.01, 10_000.0),
                Optional("2.5"),
                "Mode agentless: new calls in any second; 0.1 is one in ten seconds. With channels both hold.",
            ),
            key(
                "message",
                Text,
                Optional("\"notice.wav\""),
                "Mode agentless: file played to a person who answers, at most 5 minutes. A key pressed meanwhile puts the number on the do-not-call list where the profile says so.",
            ),
            key(
                "preview_s",
                Whole(3, 3_600),
                Default("30"),
                "Mode preview: an agent may look at a lead for so many seconds.",
            ),
            key("preview_then", Choice(&["dial", "skip"]), Default("\"dial\""), "Mode preview: what happens then."),
            key(
                "skip_retry_min",
                Whole(1, 43_200),
                Default("60"),
                "Mode preview: a lead that an agent skips is shown again after so many minutes.",
            ),
            key(
                "callback_wait_min",
                Whole(1, 1_440),
                Default("10"),
                "A call that an agent has promised waits for that agent for so many minutes from the promised moment on.",
            ),
            key(
                "callback_then",
                Choice(&["anybody", "later"]),
                Default("\"anybody\""),
                "What then: whoever is free calls, or the same agent is tried again later.",
            ),
            key("callback_later_min", Whole(1, 43_200), Default("60"), "Later is after so many minutes."),
            key("skips_max", Whole(0, 100), Default("3"), "Mode preview: and so often; then the lead is done."),
            key("agents", Names, Default("[]"), "Agents who take its calls; none named means all."),
            later("queue", Name, "\"sales\"", "Queue whose agents take its calls.", "name the agents instead"),
            key("skills", Names, Default("[]"), "Skills that an agent must have."),
            key(
                "weight",
                Number(0.01, 100.0),
                Default("1.0"),
                "Its part of agents and lines that it shares with other campaigns, next to theirs: 2 has twice as much as 1.",
            ),
            key("amd", Flag, Default("true"), "Tell people from answering machines, as amd_mode says."),
            key(
                "amd_mode",
                Choice(&["off", "shadow", "sample", "on"]),
                Default("\"on\""),
                "shadow: decide and keep, everybody gets an agent; on: act; sample: on, to be measured by the audit.",
            ),
            key(
                "amd_audit_share",
                Number(0.0, 1.0),
                Default("0.01"),
                "Of those taken for machines so many go to an agent, who says what answered: how people lost are counted.",
            ),
            key(
                "amd_audio",
                Flag,
                Default("false"),
                "Keep what detection heard of each call until its verdict, 8 s at most, sealed. Ask whether the law allows it.",
            ),
            key("amd_audio_days", Whole(1, 3_650), Default("30"), "With amd_audio: so long; then it is deleted."),
            key(
                "on_machine",
                Choice(&["hang_up", "message"]),
                Default("\"hang_up\""),
                "An answering machine is hung up, or machine_message is left on it.",
            ),
            key(
                "machine_message",
                Text,
                Optional("\"voicemail.wav\""),
                "File that is left on machines, at most 5 minutes; only where the profile allows recorded messages, and to whom it does.",
            ),
            key(
                "message_after",
                Choice(&["beep", "greeting_end"]),
                Default("\"beep\""),
                "When it begins: after the beep and never without one, or when the greeting is over.",
            ),
            key(
                "message_wait_s",
                Whole(5, 120),
                Default("40"),
                "When that has not come so many seconds after the verdict, the call ends.",
            ),
            key(
                "on_ivr",
                Choice(&["hang_up", "agent"]),
                Default("\"hang_up\""),
                "An automatic menu is hung up, or given to an agent.",
            ),
            key(
                "on_screening",
                Choice(&["hang_up", "identify"]),
                Default("\"hang_up\""),
                "A screening assistant is hung up, or told screening_message; whoever picks up then gets an agent.",
            ),
            key(
                "screening_message",
                Text,
                Optional("\"who-calls.wav\""),
                "File that names the caller and the reason truthfully, at most 30 seconds.",
            ),
            key(
                "screening_wait_s",
                Whole(5, 120),
                Default("40"),
                "When nobody has picked up so many seconds after the verdict, the call ends.",
            ),
            key(
                "on_silence",
                Choice(&["agent", "hello"]),
                Default("\"agent\""),
                "A silent line is given to an agent, or asked hello_message first.",
            ),
            key("hello_message", Text, Optional("\"hello.wav\""), "File that a silent line hears, at most 30 seconds."),
            key(
                "hello_wait_s",
                Whole(1, 10),
                Default("3"),
                "So many seconds after it somebody may speak, who gets an agent.",
            ),
            key(
                "hello_then",
                Choice(&["agent", "hang_up"]),
                Default("\"agent\""),
                "What then: an agent all the same, or the call ends.",
            ),
            key(
                "on_fax",
                Choice(&["mark", "hang_up"]),
                Default("\"mark\""),
                "A fax machine is hung up, and its number marked: not called again.",
            ),
            key(
                "on_sit",
                Choice(&["by_meaning", "hang_up"]),
                Default("\"by_meaning\""),
                "The network's tones are hung up; by_meaning: a dead number is marked, a busy network is a failed call.",
            ),
            key(
                "profile",
                Name,
                Default("\"us-ftc\""),
                "What the law asks: us-ftc, uk-ofcom, ca-crtc, de-uwg, fr, in-trai, au-dncr, strict, or one of [[profile]] with a file; see outpace compliance show. lab asks nothing: for closed test networks only.",
            ),
            key("limit", Number(0.0, 1.0), Optional("0.02"), "Abandon limit instead of the profile's; 0.03 is 3 %."),
            key("caller_id", Phone, Required("\"+12125550100\""), "Number that is shown."),
            key(
                "safe_harbour",
                Text,
                Optional("\"safe-harbour.wav\""),
                "File played to a person for whom no agent is free in time; without one the call is ended at once.",
            ),
            key("ring_timeout_s", Whole(5, 180), Default("25"), "Give up after so many seconds of ringing."),
            key("attempts_max", Whole(1, 100), Default("6"), "Most attempts at one lead."),
            key(
                "recycle",
                Recycle,
                Optional("\"busy 10m 3, no_answer 2h 3 next, machine never next 1h\""),
                "After which outcome a lead is dialled again, how long after, and how often; next: then the person's next number. \
                 Outcomes left out keep the usual rule.",
            ),
            key(
                "mix",
                Mix,
                Optional("\"spring-leads:2, gold:5\""),
                "Lists dialled beside it, with their weights from 1 to 100; list itself has weight 1 unless it stands here.",
            ),
            key(
                "filter",
                Filter,
                Optional("'segment in (\"gold\", \"trial\") and last_attempt older 2d'"),
                "Only leads that this means; try it with GET /api/v1/lists/NAME/leads?filter=.",
            ),
            key(
                "order",
                Choice(&ORDERS),
                Default("\"oldest\""),
                "Order of leads of the same priority that were never dialled; larger priorities come first, retries before all. last_attempt: \
                 retries after them, by the age of the last attempt.",
            ),
            key(
                "timezone",
                Zone,
                Default("\"America/New_York\""),
                "Zone of leads for which neither record nor number says one, and of the ledger's days.",
            ),
        ],
    },
];
