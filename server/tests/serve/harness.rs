//! One installation of the product and its process.

use base::{ListId, WallTime};
use serde_json::Value;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use store::testing::Postgres;
use store::{IMPORT_BATCH_MAX, NewLead, ScreenKind, Store, TenantId};

/// Whatever takes longer is stuck; a crowded machine needs some seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// Two questions each time stay below the 200 a second of one token, also where an answer takes no time.
const POLL: Duration = Duration::from_millis(20);
/// The one tenant.
pub(crate) const TENANT: TenantId = TenantId::DEFAULT;
/// The list that campaigns dial.
pub(crate) const LIST: &str = "people";
/// The campaign.
pub(crate) const CAMPAIGN: &str = "spring";
/// The trunk.
pub(crate) const TRUNK: &str = "carrier";

/// Where an installation keeps its rows.
pub(crate) enum Database {
    Sqlite,
    Postgres(Postgres),
}

impl Database {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Database::Sqlite => "sqlite",
            Database::Postgres(_) => "postgres",
        }
    }

    pub(crate) fn postgres(&mut self) -> &mut Postgres {
        match self {
            Database::Postgres(server) => server,
            Database::Sqlite => panic!("this installation has no server"),
        }
    }
}

/// One installation: what outlives its process.
pub(crate) struct Site {
    folder: PathBuf,
    /// Removes `folder` at the end, unless it is somebody else's.
    _owned: Option<tempfile::TempDir>,
    pub(crate) database: Database,
    pub(crate) http: SocketAddr,
    pub(crate) sip: SocketAddr,
    starts: AtomicU32,
}

impl Site {
    /// A new folder and free ports; the configuration is still to be written.
    pub(crate) fn new(database: Database) -> Site {
        let owned = tempfile::tempdir().expect("a temporary folder");
        let folder = owned.path().to_owned();
        Site { _owned: Some(owned), ..Site::at(folder, database) }
    }

    /// In a folder that is there and stays.
    pub(crate) fn at(folder: PathBuf, database: Database) -> Site {
        let (http, sip) = (free_port(), free_port());
        Site { folder, _owned: None, database, http, sip, starts: AtomicU32::new(0) }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("outpace.toml")
    }

    /// Address of the store for this process.
    pub(crate) fn store_url(&self) -> String {
        match &self.database {
            Database::Sqlite => format!("sqlite:{}", self.folder.join("outpace.db").display()),
            Database::Postgres(server) => server.url(),
        }
    }

    /// Writes the configuration: what every installation has, then `rest`.
    pub(crate) fn configure(&self, server: &str, rest: &str) {
        let url = match &self.database {
            Database::Sqlite => "sqlite:outpace.db".to_owned(),
            Database::Postgres(server) => server.url(),
        };
        let text = format!(
            "[server]\ndata_dir = {:?}\nhttp = \"{}\"\n{server}\n[store]\nurl = {url:?}\n[sip]\nudp = \"{}\"\n{rest}",
            self.folder.display().to_string(),
            self.http,
            self.sip,
        );
        // Whole or not at all: a process may read it at this moment.
        let new = self.folder.join("outpace.toml.new");
        std::fs::write(&new, text).expect("own folder");
        std::fs::rename(new, self.config()).expect("own folder");
    }

    /// Opens the store from this process, hands it to `work` and closes it.
    pub(crate) fn with_store<T>(&self, work: impl FnOnce(&Store) -> T) -> T {
        let (store, _acks) = Store::open(&self.store_url()).unwrap_or_else(|error| panic!("{error}"));
        let result = work(&store);
        store.close().unwrap_or_else(|error| panic!("{error}"));
        result
    }

    /// Puts so many leads on the list, where it is about midday now: the area of their numbers may be asleep.
    pub(crate) fn fill_list(&self, leads: usize) -> ListId {
        self.with_store(|store| {
            let list = store.create_list(TENANT, LIST, wall_now()).expect("a new list");
            let all: Vec<usize> = (0..leads).collect();
            for part in all.chunks(IMPORT_BATCH_MAX) {
                let lead = |n| NewLead { number: number(n), timezone: Some(daytime_zone()), ..NewLead::default() };
                let part = part.iter().map(|n| lead(*n)).collect();
                store.import_leads(TENANT, list, part, wall_now()).expect("new leads");
            }
            store.end_import(TENANT).expect("statistics");
            // What profiles for real people ask for.
            for kind in ScreenKind::ALL {
                let screen =
                    store.begin_screen(TENANT, kind, "test", wall_now(), wall_now()).expect("a list of numbers");
                store.end_screen(TENANT, screen).expect("a whole list of numbers");
            }
            list
        })
    }

    /// Starts the process.
    pub(crate) fn start(&self) -> Product {
        self.start_with(Command::new(env!("CARGO_BIN_EXE_outpace")))
    }

    /// Starts the process by a command that takes its arguments: a shell that sets a limit, for example.
    pub(crate) fn start_with(&self, mut command: Command) -> Product {
        let start = self.starts.fetch_add(1, Ordering::Relaxed);
        let log = self.folder.join(format!("log-{start}.txt"));
        let file = std::fs::File::create(&log).expect("own folder");
        command.args(["--log", "info", "serve", "--config"]).arg(self.config());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let began = Instant::now();
        let child = command.spawn().expect("the binary starts");
        Product { child: Some(child), log, http: self.http, began }
    }

    /// A token of an administrator.
    pub(crate) fn api(&self) -> Api {
        let output = self.run(&["token", "create", "--role", "admin", "--config"]);
        Api::new(self.http, output.trim())
    }

    /// Runs a command that ends with `--config` and must succeed; gives what it prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_outpace")).args(arguments).arg(self.config()).output();
        let output = output.expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {}\n{said}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// The process.
pub(crate) struct Product {
    child: Option<Child>,
    log: PathBuf,
    http: SocketAddr,
    /// When it was started.
    pub(crate) began: Instant,
}

impl Product {
    /// Waits until it answers at `/healthz`; gives the time since its start.
    #[track_caller]
    pub(crate) fn ready(&mut self) -> Duration {
        let stranger = Api::new(self.http, "");
        loop {
            if stranger.try_get("/healthz").is_some_and(|(status, _)| status == 200) {
                return self.began.elapsed();
            }
            let ended = self.child.as_mut().and_then(|child| child.try_wait().expect("own child"));
            assert!(ended.is_none(), "it ended at its start: {ended:?}\n{}", self.log());
            assert!(self.began.elapsed() < PATIENCE, "it is not ready\n{}", self.log());
            std::thread::sleep(POLL);
        }
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until its log holds a text.
    #[track_caller]
    pub(crate) fn logs(&self, text: &str) {
        wait_for(&format!("{text:?} in the log"), || self.log().contains(text).then_some(()));
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let Some(child) = &self.child else { panic!("it has ended") };
        let done = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status();
        assert!(done.expect("kill runs").success());
    }

    /// Ends it as a loss of power ends it.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It is our child and not waited for, so its id is its own.
            child.kill().expect("own child");
            child.wait().expect("own child");
        }
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().expect("own child").is_none())
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let Some(mut child) = self.child.take() else { panic!("it has ended before") };
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("own child") {
                return status;
            }
            if begun.elapsed() > PATIENCE {
                child.kill().expect("own child");
                child.wait().expect("own child");
                panic!("it does not end\n{}", self.log());
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            let mut told = std::io::stderr().lock();
            for line in tail.into_iter().rev() {
                let _ = writeln!(told, "  product | {line}");
            }
        }
    }
}

/// The HTTP API of one installation with one token.
#[derive(Clone)]
pub(crate) struct Api {
    agent: ureq::Agent,
    base: String,
    token: String,
}

impl Api {
    pub(crate) fn new(http: SocketAddr, token: &str) -> Api {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            // A connection of a process that was killed is of no use to the next one.
            .max_idle_connections(0)
            .build();
        Api { agent: config.into(), base: format!("http://{http}"), token: token.to_owned() }
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Status and JSON (or text); `None` when nobody answers.
    pub(crate) fn try_get(&self, path: &str) -> Option<(u16, Value)> {
        let request = self.agent.get(format!("{}{path}", self.base));
        let response = request.header("Authorization", format!("Bearer {}", self.token)).call().ok()?;
        Some(read(response))
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.try_get(path).unwrap_or_else(|| panic!("GET {path}: no answer"))
    }

    /// What a GET that must succeed gives.
    #[track_caller]
    pub(crate) fn see(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    #[track_caller]
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.token));
        let sent = if body.is_null() {
            self.agent.run(request.body(()).expect("a request"))
        } else {
            let request = request.header("Content-Type", "application/json");
            self.agent.run(request.body(body.to_string()).expect("a request"))
        };
        read(sent.unwrap_or_else(|error| panic!("{method} {path}: {error}")))
    }

    /// What a change that must succeed gives.
    #[track_caller]
    pub(crate) fn change(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.send(method, path, &body);
        assert!((200..300).contains(&status), "{method} {path} {body}: {status} {answer}");
        answer
    }

    /// A file as text or form data.
    #[track_caller]
    pub(crate) fn upload(&self, path: &str, kind: &str, body: &str) -> (u16, Value) {
        let request = self.agent.post(format!("{}{path}", self.base)).header("Content-Type", kind);
        let response = request.header("Authorization", format!("Bearer {}", self.token)).send(body);
        read(response.unwrap_or_else(|error| panic!("POST {path}: {error}")))
    }

    /// The text of an answer.
    #[track_caller]
    pub(crate) fn text(&self, path: &str) -> String {
        let request = self.agent.get(format!("{}{path}", self.base));
        let response = request.header("Authorization", format!("Bearer {}", self.token)).call();
        let mut response = response.unwrap_or_else(|error| panic!("GET {path}: {error}"));
        response.body_mut().read_to_string().expect("a text")
    }

    /// The campaign as it stands.
    #[track_caller]
    pub(crate) fn campaign(&self) -> Value {
        self.see(&format!("/api/v1/campaigns/{CAMPAIGN}"))
    }

    /// Starts, pauses or stops the campaign.
    #[track_caller]
    pub(crate) fn drive(&self, verb: &str) -> Value {
        self.change("POST", &format!("/api/v1/campaigns/{CAMPAIGN}/{verb}"), Value::Null)
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string().unwrap_or_default();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Looks until there is something, with much patience.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(POLL);
    }
}

/// The number of the n-th lead.
pub(crate) fn number(n: usize) -> String {
    format!("+1212{:07}", 2_000_000 + n)
}

pub(crate) fn wall_now() -> WallTime {
    let clock = net::Clock::new();
    clock.anchor().wall_at(clock.now())
}

/// A zone in which it is the middle of the day now, so that calling hours of every weekday but the strictest allow
/// calls: POSIX names count hours to the west.
pub(crate) fn daytime_zone() -> String {
    let hour_utc = wall_now().as_unix_us() / 3_600_000_000 % 24;
    match 13 - hour_utc {
        0 => "Etc/GMT".to_owned(),
        east @ 1.. => format!("Etc/GMT-{east}"),
        west => format!("Etc/GMT+{}", -west),
    }
}

/// A port that is free on UDP and TCP, below those that the system gives to others on demand.
fn free_port() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Test processes that run side by side begin at different places.
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (std::process::id().wrapping_mul(37).wrapping_add(step) % 9_000) as u16;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
