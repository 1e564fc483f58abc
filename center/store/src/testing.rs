//! A PostgreSQL server of one's own for tests: made in a temporary folder, on loopback and a unix socket, gone with its
//! owner. Behind the feature `testing`; never part of a running system.
//!
//! The programs `initdb` and `postgres` come from PATH or Debian's folder (package `postgresql`). PostgreSQL refuses to
//! run as root; then it runs as the user `postgres`, or `nobody`.
//!
//! Whatever happens to the process that started it (panic, kill -9), a guardian that waits for the end of a pipe stops
//! the server by its own process id and removes its folder.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::db::{Address, Connection, Role};

/// Longest wait for a server to answer: 0.3 s on a free machine, more after a crash or on a busy one.
const START_LIMIT: Duration = Duration::from_secs(60);

/// What the guardian does when its owner is gone: wake the server and its backends, end it, remove its folder. `$1` is
/// the folder; the fields of /proc/ID/stat are id, name, state, parent.
const GUARD: &str = r#"
cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
    for stat in /proc/[0-9]*/stat; do
        read -r id name state parent rest <"$stat" && [ "$parent" = "$pid" ] && kill -CONT "$id"
    done 2>/dev/null
    kill -CONT "$pid" 2>/dev/null
    kill -QUIT "$pid" 2>/dev/null
    n=0
    while kill -0 "$pid" 2>/dev/null && [ $n -lt 100 ]; do sleep 0.05; n=$((n + 1)); done
fi
rm -rf "$1"
"#;

/// A running server with the database `outpace` and, without a password, the user of that name.
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    server: Option<Child>,
    /// Its stdin is the pipe whose end it waits for.
    guardian: Child,
}

impl Postgres {
    /// Makes and starts a server.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start, with the reason.
    pub fn start() -> Postgres {
        let folder = tempfile::Builder::new().prefix("outpace-pg-").tempdir().expect("a temporary folder").keep();
        let guardian = Command::new("sh").args(["-c", GUARD, "guardian"]).arg(&folder).stdin(Stdio::piped()).spawn();
        let guardian = guardian.expect("sh for the guardian");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|probe| probe.local_addr());
        let mut postgres =
            Postgres { folder, port: port.expect("a free port on loopback").port(), server: None, guardian };
        std::fs::set_permissions(&postgres.folder, std::fs::Permissions::from_mode(0o755)).expect("own folder");
        if let Some(user) = unprivileged() {
            std::os::unix::fs::chown(&postgres.folder, Some(user), None).expect("root may give its folder away");
        }
        let made = postgres
            .command("initdb")
            .args(["--username=outpace", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"])
            .arg(postgres.data())
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        postgres.restart();
        postgres.create_database("outpace");
        postgres
    }

    /// The address of its database `outpace`, over TCP.
    pub fn url(&self) -> String {
        self.url_of("outpace")
    }

    /// The address of the database `outpace` over the unix socket.
    pub fn socket_url(&self) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://outpace@{folder}:{}/outpace", self.port)
    }

    /// Makes another empty database and gives its address.
    ///
    /// # Panics
    /// When the server does not make it.
    pub fn create_database(&self, name: &str) -> String {
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{name:?}");
        self.execute_in("postgres", &format!("CREATE DATABASE {name}")).expect("a new database");
        self.url_of(name)
    }

    /// Runs a statement in a database, from outside of any store.
    ///
    /// # Errors
    /// What the server says.
    pub fn execute_in(&self, database: &str, sql: &str) -> Result<(), String> {
        execute(&self.url_of(database), sql)
    }

    /// Kills the server with all its processes as a loss of power does (SIGKILL).
    pub fn kill(&mut self) {
        self.signal("KILL");
        if let Some(mut server) = self.server.take() {
            server.wait().expect("own child");
        }
    }

    /// Ends the server as its operator does: connections are cut, what is committed is written (SIGINT).
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            send("INT", &[server.id()]);
            server.wait().expect("own child");
        }
    }

    /// Freezes all processes of the server: it takes connections and answers nothing.
    pub fn sigstop(&self) {
        self.signal("STOP");
    }

    /// Lets them go on.
    pub fn sigcont(&self) {
        self.signal("CONT");
    }

    /// Starts the server over the same data after [`Postgres::kill`] or [`Postgres::stop`], and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.stop();
        let log = std::fs::File::create(self.folder.join("log")).expect("own folder");
        let server = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .args(["-c", "listen_addresses=127.0.0.1", "-c", &format!("port={}", self.port)])
            .args(["-c", &format!("unix_socket_directories={}", self.folder.display())])
            .args(["-c", "fsync=on", "-c", "shared_buffers=16MB", "-c", "max_connections=200"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.server = Some(server.expect("postgres runs"));
        let begun = Instant::now();
        while let Err(error) = self.execute_in("postgres", "SELECT 1") {
            let ended = self.server.as_mut().is_some_and(|server| !matches!(server.try_wait(), Ok(None)));
            if ended || begun.elapsed() > START_LIMIT {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("PostgreSQL does not start: {error}; its log: {log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://outpace@127.0.0.1:{}/{database}", self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A program of PostgreSQL, as a user that it agrees to run as.
    fn command(&self, program: &str) -> Command {
        let program = find(program);
        let mut command = match unprivileged() {
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={user}")).args(["--clear-groups", "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.current_dir(&self.folder).env("LC_ALL", "C");
        command
    }

    /// To the server and its backends, which are its children.
    fn signal(&self, name: &str) {
        let Some(server) = &self.server else { return };
        let mut all = vec![server.id()];
        all.extend(children(server.id()));
        send(name, &all);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.sigcont();
        if let Some(mut server) = self.server.take() {
            send("QUIT", &[server.id()]);
            let _ = server.wait();
        }
        drop(self.guardian.stdin.take().map(|mut pipe| pipe.flush()));
        let _ = self.guardian.wait();
    }
}

/// Runs a statement at `url`, from outside of any store.
///
/// # Errors
/// What the database says.
pub fn execute(url: &str, sql: &str) -> Result<(), String> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    // A thread of its own, so that it may also be called from inside an async program.
    let work = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        runtime.block_on(async {
            let address = Address::parse(&url).map_err(|e| e.to_string())?;
            let mut connection = Connection::open(&address, Role::Edits).await.map_err(|e| e.to_string())?;
            let done = connection.script(sql).await.map_err(|e| e.to_string());
            connection.close(&url).await.map_err(|e| e.to_string())?;
            done
        })
    });
    work.join().unwrap_or_else(|_| Err("the statement's thread panicked".to_owned()))
}

/// The processes whose parent is `parent` (proc(5): what follows the name in parentheses is state and parent).
fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after_name.split_whitespace().nth(1) == Some(parent.to_string().as_str())
    })
    .collect()
}

fn send(signal: &str, processes: &[u32]) {
    // A process that has just ended makes kill complain, and that is all.
    let _ = Command::new("kill")
        .arg(format!("-{signal}"))
        .args(processes.iter().map(u32::to_string))
        .stderr(Stdio::null())
        .status();
}

/// The user to run as when we are root.
fn unprivileged() -> Option<u32> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let said = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
        std::str::from_utf8(&said.stdout).ok()?.trim().parse().ok()
    };
    match id(&["-u"]) {
        Some(0) => id(&["-u", "postgres"]).or_else(|| id(&["-u", "nobody"])),
        _ => None,
    }
}

/// The newest installed program of this name.
fn find(program: &str) -> PathBuf {
    let on_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).map(|folder| folder.join(program)).collect::<Vec<_>>());
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin").join(program)))
        .collect();
    debian.sort();
    on_path
        .chain(debian.into_iter().rev())
        .find(|path| is_file(path))
        .unwrap_or_else(|| panic!("{program} is not installed: install the package postgresql (scripts/setup does)"))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|about| about.is_file())
}
