//! Programs that a test starts: free ports, readiness, logs, the end.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A program that has not opened its ports or not ended after this is stuck; a crowded machine needs a second or two.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Starts of one program on other ports: that somebody takes a port between our look and its start is rare, five times
/// in a row it is something else.
const STARTS_MAX: usize = 5;

/// How often a condition is looked at again.
const POLL: Duration = Duration::from_millis(10);

/// Ports of one peer on loopback, free when they were looked for.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// For SIP.
    pub sip: u16,
    /// Even; it and the three that follow are for RTP and RTCP.
    pub media: u16,
}

impl Ports {
    /// Asks the system for free ports and lets them go again.
    ///
    /// # Panics
    /// When loopback has no free ports.
    pub fn free() -> Ports {
        let any = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free UDP port on loopback");
        let number = |socket: &UdpSocket| socket.local_addr().expect("a bound socket has an address").port();
        // Held until the end, so that the media ports differ from it and each turn gets another number.
        let mut held = vec![any()];
        let sip = number(&held[0]);
        for _ in 0..1_000 {
            let first = any();
            let media = number(&first);
            let rest = (1..4).map(|offset| UdpSocket::bind((Ipv4Addr::LOCALHOST, media.saturating_add(offset))));
            if media % 2 == 0 && rest.collect::<Result<Vec<_>, _>>().is_ok() {
                return Ports { sip, media };
            }
            held.push(first);
        }
        panic!("no four free UDP ports in a row on loopback");
    }
}

/// A running program. It is killed when this is dropped.
pub struct Peer {
    name: &'static str,
    child: Child,
    ports: Ports,
    folder: TempDir,
}

impl Peer {
    /// Runs `program` in a folder of its own, which `prepare` fills, and waits until it has opened its SIP port. Its output
    /// goes to a file there. `command` gets the ports, the folder and the command to complete.
    ///
    /// # Panics
    /// When the program is not installed, or does not come up.
    pub fn start(program: &'static str, command: impl Fn(Ports, &Path, &mut Command)) -> Peer {
        let mut said = String::new();
        for _ in 0..STARTS_MAX {
            let ports = Ports::free();
            let folder = tempfile::tempdir().expect("a temporary folder");
            let mut run = Command::new(program);
            run.current_dir(folder.path());
            command(ports, folder.path(), &mut run);
            let log = std::fs::File::create(log_path(folder.path())).expect("a file for the output");
            let errors = log.try_clone().expect("a second grip on the file");
            let spawned = run.stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
            let child = spawned.unwrap_or_else(|error| {
                panic!(
                    "{program} does not start ({error}): scripts/setup installs what the interoperability tests need"
                )
            });
            let mut peer = Peer { name: program, child, ports, folder };
            if peer.comes_up() {
                return peer;
            }
            said = peer.log();
        }
        panic!("{program} ended at once, {STARTS_MAX} times; it said:\n{said}");
    }

    /// True once the SIP port is open, or the program has done its work; false when it ended with an error.
    fn comes_up(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                return status.success();
            }
            if owns_udp_port(self.child.id(), self.ports.sip) {
                return true;
            }
            std::thread::sleep(POLL);
        }
        panic!("{} has not opened port {}; it said:\n{}", self.name, self.ports.sip, self.log());
    }

    /// Where it takes SIP.
    pub fn sip_addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.sip))
    }

    /// The folder it runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has printed so far, and what it has written to `errors.log`.
    pub fn log(&self) -> String {
        let read = |path: PathBuf| std::fs::read(path).unwrap_or_default();
        let bytes = [read(log_path(self.folder.path())), read(self.folder.path().join("errors.log"))].concat();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits for its own end.
    ///
    /// # Panics
    /// When it goes on and on.
    pub fn wait(&mut self) -> ExitStatus {
        let (name, deadline) = (self.name, Instant::now() + PATIENCE);
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                return status;
            }
            assert!(Instant::now() < deadline, "{name} does not end; it said:\n{}", self.log());
            std::thread::sleep(POLL);
        }
    }

    /// Waits until it has ended with success.
    ///
    /// # Panics
    /// When it ends with another exit code.
    pub fn succeeds(mut self) {
        let status = self.wait();
        let said = self.log();
        assert!(status.success(), "{} failed ({status}); it said:\n{said}", self.name);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join("output.log")
}

/// Whether the process holds a UDP socket on this port: seen in /proc, because trying the port would get in its way.
fn owns_udp_port(process: u32, port: u16) -> bool {
    let Ok(files) = std::fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    let links = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    let inode = |link: PathBuf| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned());
    let sockets: BTreeSet<String> = links.filter_map(inode).collect();
    let table = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let wanted = format!(":{port:04X}");
    // Columns: 1 is the local address, 9 the inode.
    table.lines().any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        matches!((columns.get(1), columns.get(9)), (Some(local), Some(inode)) if local.ends_with(&wanted) && sockets.contains(*inode))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_free_and_even_and_ours_when_taken() {
        let ports = Ports::free();
        assert_eq!(ports.media % 2, 0);
        assert!(!owns_udp_port(std::process::id(), ports.sip));
        let _held = UdpSocket::bind((Ipv4Addr::LOCALHOST, ports.sip)).expect("it was free");
        assert!(owns_udp_port(std::process::id(), ports.sip));
    }

    #[test]
    #[should_panic(expected = "scripts/setup")]
    fn a_missing_program_names_the_script_that_installs_it() {
        Peer::start("no-such-telephone", |_, _, _| {});
    }

    #[test]
    #[should_panic(expected = "ended at once")]
    fn a_program_that_fails_at_once_is_told_from_one_that_works() {
        Peer::start("false", |_, _, _| {});
    }
}
