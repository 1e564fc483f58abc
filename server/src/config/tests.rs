//! Configurations as people write them, right and wrong.

use super::*;

const FULL: &str = r#"
[server]
data_dir = "/var/lib/outpace"
http = "0.0.0.0:80"
base_path = "/dial"
shards = 2
driver = "poll"
drain_s = 60
trusted_proxy = "127.0.0.1"
currency = "EUR"
[store]
url = "sqlite:calls.db"
[sip]
udp = "192.0.2.1:5060"
domain = "sip.example.com"
[media]
ip = "192.0.2.1"
advertise = "203.0.113.7"
ports = "30000-30099"
timeout_s = 0
[desk]
wrap_up_s = 20
[[trunk]]
name = "carrier"
host = "sip.carrier.example:5070"
transport = "udp"
username = "alice"
password = "hush-hush"
max_channels = 30
max_cps = 2
codecs = ["pcma"]
register = true
ping_s = 0
nat = true
price_per_min = 0.012
billing_s = "60/30"
[[trunk]]
name = "backup"
host = "[2001:db8::1]:5062"
[[route]]
to = "echo"
action = "echo"
[[route]]
to = "\\+1555\\d{7}"
action = "play:welcome.wav"
from_trunk = "carrier"
[[route]]
to = ".*"
action = "reject:603"
[[agent]]
name = "ann"
sip = "sip:ann@192.0.2.9:5080"
auto_ready = true
skills = ["german", "sales"]
[[agent]]
name = "bob"
password = "hush-hush"
[[campaign]]
name = "spring"
list = "spring-leads"
trunk = "carrier"
mode = "power"
ratio = 2
agents = ["ann"]
skills = ["sales"]
amd = false
profile = "strict"
limit = 0.01
caller_id = "+12125550100"
safe_harbour = "sorry.wav"
ring_timeout_s = 30
attempts_max = 2
timezone = "Europe/Berlin"
"#;

fn faults(text: &str) -> Vec<Fault> {
    Config::parse(text.as_bytes(), "outpace.toml").err().map_or_else(Vec::new, |faults| faults.all().to_vec())
}

/// A text that is right but for a trunk's or a campaign's lines.
fn with(section: &str, lines: &str) -> String {
    match section {
        "trunk" => format!("[[trunk]]\nname = \"t\"\nhost = \"h\"\n{lines}\n"),
        "campaign" => format!(
            "[[trunk]]\nname = \"t\"\nhost = \"h\"\n[[agent]]\nname = \"ann\"\n[[campaign]]\nname = \"c\"\nlist = \"l\"\n\
             trunk = \"t\"\ncaller_id = \"+12125550100\"\n{lines}\n"
        ),
        single => format!("[{single}]\n{lines}\n"),
    }
}

#[test]
fn every_key_arrives_in_the_tree() {
    let config = Config::parse(FULL.as_bytes(), "full").unwrap();
    assert_eq!(
        config.server,
        Server {
            data_dir: "/var/lib/outpace".into(),
            http: "0.0.0.0:80".parse().unwrap(),
            base_path: "/dial".to_owned(),
            shards: 2,
            driver: "poll".to_owned(),
            drain: Duration::from_secs(60),
            secure_cookie: false,
            trusted_proxy: Some("127.0.0.1".parse().unwrap()),
            currency: "EUR".to_owned(),
        }
    );
    assert_eq!(config.desk.wrap_up, Duration::from_secs(20));
    let trunk = &config.trunks[0];
    assert_eq!((trunk.register, trunk.ping, trunk.nat), (true, Duration::ZERO, true));
    assert_eq!((trunk.price_per_min, trunk.billing_s), (Some(0.012), (60, 30)));
    assert_eq!((config.trunks[1].price_per_min, config.trunks[1].billing_s), (None, (1, 1)));
    assert_eq!(config.trunks[1].ping, Duration::from_secs(30));
    assert_eq!(config.campaigns[0].safe_harbour.as_deref(), Some("sorry.wav"));
    assert_eq!(config.store_url(), "sqlite:/var/lib/outpace/calls.db");
    assert_eq!(config.sip.udp, "192.0.2.1:5060".parse().unwrap());
    assert_eq!(config.sip.domain.as_deref(), Some("sip.example.com"));
    assert_eq!(config.media.advertise, Some("203.0.113.7".parse().unwrap()));
    assert_eq!((config.media.ports.clone(), config.media.timeout), (30_000..=30_099, Duration::ZERO));
    let trunk = &config.trunks[0];
    assert_eq!(trunk.host, Host { name: "sip.carrier.example".to_owned(), port: 5070 });
    assert_eq!((trunk.max_channels, trunk.max_cps), (30, 2.0));
    assert_eq!(trunk.codecs, [Codec::Pcma]);
    assert_eq!(trunk.password.as_ref().unwrap().reveal(), "hush-hush");
    assert_eq!(config.trunks[1].host.to_string(), "[2001:db8::1]:5062");
    assert_eq!(config.trunks[1].codecs, [Codec::Pcmu, Codec::Pcma]);
    assert!(config.routes[1].to.fits("+15551234567") && !config.routes[1].to.fits("x+15551234567"));
    assert_eq!(config.routes[1].action, Action::Play("welcome.wav".to_owned()));
    assert_eq!(config.routes[1].from_trunk.as_deref(), Some("carrier"));
    assert_eq!(config.routes[2].action, Action::Reject(603));
    assert!(config.routes[0].to.fits("echo") && !config.routes[0].to.fits("echoes"));
    assert!(config.agents[0].auto_ready && !config.agents[1].auto_ready);
    assert_eq!(config.agents[0].skills, ["german", "sales"]);
    let campaign = &config.campaigns[0];
    let dialer = campaign.dialer_config(TrunkId(4)).unwrap();
    assert_eq!((campaign.list.as_str(), campaign.agents.as_slice()), ("spring-leads", &["ann".to_owned()][..]));
    assert_eq!(
        (dialer.mode, dialer.trunk, dialer.amd.mode),
        (dialer::Mode::Power(2.0), TrunkId(4), dialer::AmdMode::Off)
    );
    assert_eq!((dialer.profile.name.as_str(), dialer.abandon_limit()), ("strict", 0.01));
    assert_eq!((dialer.ring_timeout, dialer.retry.attempts_max), (Duration::from_secs(30), 2));
    assert_eq!((dialer.caller_id.as_str(), dialer.timezone.as_str()), ("+12125550100", "Europe/Berlin"));
    // Whoever logs a configuration does not log its passwords.
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn an_empty_text_is_a_configuration_of_defaults() {
    let config = Config::parse(b"", "empty").unwrap();
    assert_eq!(config.store_url(), "sqlite:./outpace.db");
    assert_eq!(config.sip.udp, "127.0.0.1:5060".parse().unwrap());
    assert_eq!((config.media.ports, config.media.timeout), (20_000..=29_999, Duration::from_secs(30)));
    assert!(config.trunks.is_empty() && config.campaigns.is_empty());
    let config = Config::parse(with("campaign", "").as_bytes(), "defaults").unwrap();
    assert_eq!(config.campaigns[0].mode, dialer::Mode::Predictive);
    assert!(config.campaigns[0].amd);
}

#[test]
fn every_fault_of_a_text_is_said_at_its_place() {
    let text = "[server]\nhtp = \"127.0.0.1:1\"\nshards = \"two\"\n\n[[trunk]]\nname = \"a b\"\n  max_cps = -1\n\
                [campain]\nx = 1\n[[route]]\nto = \"(\"\naction = \"queue:sales\"\n";
    let said: Vec<_> = faults(text).iter().map(Fault::to_string).collect();
    let wanted = [
        "\"htp\" is not known here, outpace.toml:2:1 server.htp, did you mean \"http\"?",
        "\"two\" is a text, outpace.toml:3:10 server.shards, write a whole number from 0 to 64, without quotes",
        "\"host\" is missing, outpace.toml:5:1 trunk[1], add a line such as host = \"127.0.0.1:5070\"",
        "\"a b\" is no name, outpace.toml:6:8 trunk[1].name, use 1 to 64 letters, digits, _, - or .",
        "-1 is out of range, outpace.toml:7:13 trunk[1].max_cps, write a number from 0.01 to 10000, without quotes",
        "\"campain\" is not known here, outpace.toml:8:2 campain, did you mean \"campaign\"?",
        "\"(\" is no regular expression, outpace.toml:11:6 route[1].to, mend the pattern; a plus sign that is meant as \
         such is written \\\\+",
        "\"queue\" is not built yet, outpace.toml:12:10 route[1].action, use \"echo\", \"play:FILE\" or \"reject:CODE\"",
    ];
    assert_eq!(said, wanted);
}

#[test]
fn what_is_not_built_is_refused_with_what_to_use() {
    for (section, lines, word) in [
        ("server", "https = \"127.0.0.1:443\"", "TLS proxy"),
        ("server", "cert = \"a\"", "TLS proxy"),
        ("sip", "tcp = \"127.0.0.1:5060\"", "udp"),
        ("sip", "tls = \"127.0.0.1:5061\"", "udp"),
        ("trunk", "transport = \"tls\"", "\"udp\""),
        ("trunk", "codecs = [\"opus\"]", "\"PCMU\""),
        ("trunk", "codecs = [\"PCMU\", \"G722\"]", "\"PCMU\""),
        ("campaign", "queue = \"sales\"", "name the agents"),
    ] {
        let faults = faults(&with(section, lines));
        assert_eq!(faults.len(), 1, "{lines}: {faults:?}");
        assert!(faults[0].what.contains("not built yet"), "{}", faults[0]);
        assert!(faults[0].mend.contains(word), "{}", faults[0]);
    }
}

#[test]
fn bad_values_are_refused() {
    for (section, line, what) in [
        ("server", "http = \"localhost:80\"", "no IP address"),
        ("server", "shards = 65", "out of range"),
        ("server", "shards = -1", "out of range"),
        ("server", "shards = 1.5", "type float"),
        ("server", "base_path = \"dial\"", "no path"),
        ("server", "base_path = \"/../etc\"", "no path"),
        ("server", "data_dir = \"\"", "empty"),
        ("server", "currency = \"euro\"", "no currency"),
        ("trunk", "price_per_min = -1", "out of range"),
        ("trunk", "billing_s = \"60\"", "no billing rule"),
        ("trunk", "billing_s = \"0/1\"", "no billing rule"),
        ("trunk", "billing_s = \"60/3601\"", "no billing rule"),
        ("store", "url = \"outpace.db\"", "no store"),
        ("store", "url = \"sqlite:\"", "no store"),
        ("store", "url = \"sqlite::memory:\"", "no store"),
        ("media", "ip = \"127.0.0\"", "no IP address"),
        ("media", "ports = \"20000\"", "no range"),
        ("media", "ports = \"29999-20000\"", "no pair"),
        ("media", "ports = \"20000-20000\"", "no pair"),
        ("media", "ports = \"65535-65535\"", "no pair"),
        ("media", "ports = \"100-20000\"", "below 1024"),
        ("media", "ports = \"20000-70000\"", "no range"),
        ("media", "ports = \"5000-6000\"", "SIP port 5060"),
        ("trunk", "max_channels = 0", "out of range"),
        ("trunk", "max_cps = nan", "out of range"),
        ("trunk", "max_cps = 0x10", "out of range"),
        ("trunk", "codecs = []", "empty"),
        ("trunk", "codecs = [\"PCMU\", \"pcmu\"]", "twice"),
        ("trunk", "codecs = [\"GSM\"]", "no codec"),
        ("trunk", "codecs = [7]", "no text"),
        ("trunk", "codecs = \"PCMU\"", "is a text"),
        ("trunk", "username = \"alice\"", "needs \"password\""),
        ("trunk", "password = \"hush\"", "needs \"username\""),
        ("trunk", "[[trunk]]\nname = \"t\"\nhost = \"h\"", "second trunk"),
        ("trunk", "[[trunk]]\nname = \"u\"\nhost = \"h:0\"", "no host"),
        ("trunk", "[[trunk]]\nname = \"u\"\nhost = \"1.2.3.4.5\"", "no host"),
        ("trunk", "[[trunk]]\nname = \"u\"\nhost = \"-a.example\"", "no host"),
        ("trunk", "[[agent]]\nname = \"a\"\nauto_ready = true", "needs \"sip\""),
        ("trunk", "[[agent]]\nname = \"a\"\nsip = \"sips:a@h\"", "not built yet"),
        ("trunk", "[[agent]]\nname = \"a\"\nsip = \"a@h\"", "no SIP address"),
        ("trunk", "[[route]]\nto = \"a\"\naction = \"reject:200\"", "no SIP code"),
        ("trunk", "[[route]]\nto = \"a\"\naction = \"dance\"", "no action"),
        ("trunk", "[[route]]\nto = \"a\"\naction = \"flow:x\"", "not built yet"),
        ("trunk", "[[route]]\nto = \"a\"\naction = \"play:\"", "no action"),
        ("trunk", "[[route]]\nto = \"a\"\naction = \"echo\"\nfrom_trunk = \"T\"", "is no trunk"),
        ("trunk", "[[route]]\nto = \"a\"\naction = \"echo\"\n[[route]]\nto = \"a\"\naction = \"echo\"", "already"),
        ("campaign", "mode = \"predictiv\"", "not known"),
        ("campaign", "ratio = 2.0", "does nothing"),
        ("campaign", "mode = \"power\"\nratio = 0.5", "out of range"),
        ("campaign", "profile = \"uk\"", "is no profile"),
        ("campaign", "limit = 3", "out of range"),
        ("campaign", "agents = [\"anne\"]", "is no agent"),
        ("campaign", "skills = [\"sales\"]", "no skill"),
        ("campaign", "recycle = \"late 10m 3\"", "begins with no outcome"),
        ("campaign", "recycle = \"busy 10m\"", "is no rule"),
        ("campaign", "recycle = \"busy 10m 3 then\"", "does not end as a rule does"),
        ("campaign", "recycle = \"busy never next 9x\"", "does not end as a rule does"),
        ("campaign", "recycle = \"connected never next\"", "who was reached"),
        ("campaign", "recycle = \"busy never, busy never next\"", "twice"),
        ("campaign", "timezone = \"Berlin\"", "no time zone"),
        ("campaign", "ring_timeout_s = 10", "ring timeout"),
        ("campaign", "amd = \"yes\"", "is a text"),
        ("campaign", "trunk = \"x\"", "duplicate key"),
    ] {
        let faults = faults(&with(section, line));
        assert_eq!(faults.len(), 1, "{line}: {faults:?}");
        assert!(faults[0].to_string().contains(what), "{line}: {}", faults[0]);
        assert!(faults[0].line > 1, "{line}: {}", faults[0]);
    }
}

#[test]
fn rules_of_retries_say_when_the_next_number_is_dialled() {
    let line = "recycle = \"busy 10m 3 next, bad_number never next 1h, machine never\"";
    let config = Config::parse(with("campaign", line).as_bytes(), "retries").unwrap();
    let campaign = &config.campaigns[0];
    let retry = campaign.dialer_config(base::TrunkId(1)).unwrap().retry;
    let (zero, hour) = (base::Duration::ZERO, base::Duration::from_secs(3_600));
    let next: Vec<_> = retry.next.into_iter().collect();
    assert_eq!(next, [(dialer::Outcome::Busy, zero), (dialer::Outcome::BadNumber, hour)]);
    assert_eq!(retry.rules[&dialer::Outcome::Busy].times, 3);
    assert!(!retry.rules.contains_key(&dialer::Outcome::Machine));
    assert!(campaign.source(base::ListId(1), 0).next_numbers);
}

#[test]
fn a_caller_id_is_an_international_number() {
    for caller in ["5551234567", "+0123456789", "+1 212 555 0100", "+123"] {
        let text = with("campaign", "").replace("+12125550100", caller);
        assert!(faults(&text)[0].what.contains("no international number"), "{caller}");
    }
}

#[test]
fn broken_toml_and_wrong_shapes_are_said_with_their_place() {
    for (text, line, what) in [
        ("[server\nhttp = 1\n", 1, "unclosed"),
        ("[trunk]\nname = \"t\"\n", 1, "is not a section"),
        ("[[server]]\n", 1, "is not a section"),
        ("server = 1\n", 1, "is not a section"),
        ("trunk = [1]\n", 1, "is not a section"),
        ("max_cps = 1\n", 1, "not known here"),
        ("\n\n[sip]\nudp = 127.0.0.1:5060\n", 4, ""),
    ] {
        let faults = faults(text);
        assert!(!faults.is_empty(), "{text:?}");
        assert_eq!(faults[0].line, line, "{text:?}: {}", faults[0]);
        assert!(faults[0].what.contains(what), "{text:?}: {}", faults[0]);
        assert!(faults.iter().all(|fault| fault.to_string().lines().count() == 1));
    }
    assert!(faults("max_cps = 1\n")[0].mend.contains("[trunk]"));
    let faults = Config::parse(b"[sip]\n# \xff\n", "f").err().unwrap();
    assert_eq!((faults.all()[0].line, faults.all()[0].column), (2, 3));
    let failure = faults.into_failure();
    assert_eq!(failure.code(), 2);
    assert_eq!(failure.to_string(), "error: the file is not UTF-8, f:2:3, save it as UTF-8");
}

#[test]
fn columns_count_characters() {
    let fault = &faults("[[agent]]\nname = \"änne\"\nskills = [\"ä\", \"ö ö\"]\n")[0];
    assert_eq!((fault.line, fault.column), (3, 16));
}

#[test]
fn the_documentation_is_complete_valid_and_as_committed() {
    let text = documentation();
    let defaults = Config::parse(text.as_bytes(), "docs/config.toml").unwrap();
    let empty = Config::parse(b"", "empty").unwrap();
    assert_eq!((&defaults.server, &defaults.sip), (&empty.server, &empty.sip));
    assert_eq!((&defaults.media, &defaults.store), (&empty.media, &empty.store));

    let switched_on: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        // The example of ratio belongs to mode power, that of file to a profile that nobody has written.
        .filter(|line| !line.starts_with("ratio") && !line.starts_with("file = "))
        .collect();
    let config = Config::parse(switched_on.join("\n").as_bytes(), "switched on").unwrap_or_else(|faults| {
        panic!("{:#?}", faults.all());
    });
    assert_eq!((config.trunks.len(), config.routes.len()), (1, 1));
    assert_eq!((config.agents.len(), config.campaigns.len()), (1, 1));
    for section in &keys::SECTIONS {
        for key in section.keys {
            assert!(
                text.contains(&format!("{} = ", key.name)) || text.contains(&format!("# {}: ", key.name)),
                "{}",
                key.name
            );
        }
    }

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/config.toml");
    if std::env::var_os("OUTPACE_UPDATE_DOCS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == text, "docs/config.toml is stale: run this test with OUTPACE_UPDATE_DOCS=1");
}

#[test]
fn a_file_that_is_not_there_or_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outpace.toml");
    assert_eq!(Config::load(&path).err().unwrap().code(), 1);
    std::fs::write(&path, vec![b'#'; TEXT_BYTES_MAX + 1]).unwrap();
    assert_eq!(Config::load(&path).err().unwrap().code(), 2);
    std::fs::write(&path, "a = 1\nb = 2\n").unwrap();
    let failure = Config::load(&path).err().unwrap();
    assert!(failure.to_string().ends_with("(1 more: see outpace check)"), "{failure}");
}
