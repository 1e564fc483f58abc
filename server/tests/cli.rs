//! The binary's manners: one line of error, exit codes 0, 1 and 2, help with an example.

use std::path::Path;
use std::process::{Command, Output};

fn outpace(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_outpace")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn every_command_has_help_with_an_example() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["demo", "check", "import", "simulate"] {
        let output = outpace(folder.path(), &[command, "--help"]);
        assert_eq!(output.status.code(), Some(0), "{command}");
        assert!(text(&output.stdout).contains(&format!("  outpace {command} ")), "{command}");
    }
    assert!(text(&outpace(folder.path(), &["--version"]).stdout).starts_with("outpace "));
}

/// As `outpace simulate --help | head` does, only sooner.
#[test]
fn a_reader_who_goes_away_ends_a_report_quietly() {
    use std::os::unix::process::ExitStatusExt as _;
    const SIGPIPE: i32 = 13;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.toml"), "day_hours = 0.1\n").unwrap();
    for arguments in [&["simulate", "--help"][..], &["simulate", "empty.toml"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_outpace"));
        let output = command.args(arguments).current_dir(folder.path()).stdout(writer).output().unwrap();
        assert_eq!(output.status.signal(), Some(SIGPIPE), "{arguments:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn wrong_use_is_one_line_and_code_2() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.toml"), "[sip]\nupd = \"127.0.0.1:5060\"\n").unwrap();
    std::fs::write(folder.path().join("empty.toml"), "").unwrap();
    for (arguments, word) in [
        (&["frobnicate"][..], "frobnicate"),
        (&["check"], "--config"),
        (&["check", "--config", "bad.toml"], "bad.toml:2:1 sip.upd, did you mean \"udp\"?"),
        (&["check", "--config", "empty.toml", "--nonsense"], "--nonsense"),
        (&["check", "--config", "empty.toml", "--log", "store=loud"], "--log"),
        (&["import", "--config", "bad.toml", "--list", "l", "leads.csv"], "bad.toml:2:1"),
        (&["simulate", "empty.toml", "--policy", "psychic"], "psychic"),
        (&["simulate", "empty.toml", "--days", "many"], "many"),
        (&["simulate", "empty.toml", "--set", "limit"], "limit"),
        (&["demo", "--driver", "rings"], "rings"),
    ] {
        let output = outpace(folder.path(), arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{arguments:?}: {error}");
        assert!(error.starts_with("error: ") && error.contains(word), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    // Without a command: the help, as a fault.
    let output = outpace(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("Usage:"));
}

#[test]
fn failure_is_one_line_and_code_1_and_success_is_silent_on_stderr() {
    let folder = tempfile::tempdir().unwrap();
    let output = outpace(folder.path(), &["check", "--config", "nowhere.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.starts_with("error: ") && error.ends_with(", nowhere.toml, check the path\n"), "{error}");

    // A result that cannot be written is told before the run, and not after it.
    std::fs::write(folder.path().join("empty.toml"), "").unwrap();
    for target in [["--json", "no/where.json"], ["--plot", "no/where.svg"]] {
        let output = outpace(folder.path(), &["simulate", "empty.toml", target[0], target[1]]);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));
        assert!(text(&output.stderr).contains(target[1]), "{}", text(&output.stderr));
    }

    std::fs::write(folder.path().join("outpace.toml"), "").unwrap();
    std::fs::write(folder.path().join("leads.csv"), "phone\n212 555 0100\nrubbish\n").unwrap();
    let import = ["import", "--config", "outpace.toml", "--list", "spring", "leads.csv"];
    let output = outpace(folder.path(), &import);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    assert!(text(&output.stdout).contains("letters in the phone number"));
    let output = outpace(folder.path(), &["check", "--config", "outpace.toml"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    assert!(text(&output.stdout).starts_with("outpace.toml: ok"));
}

#[test]
fn every_fault_is_a_line_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.toml"), "[sip]\nudp = 1\n[media]\nip = 2\n[store]\nurl = 3\n").unwrap();
    let output = outpace(folder.path(), &["check", "--config", "bad.toml"]);
    let error = text(&output.stderr);
    assert_eq!((output.status.code(), error.lines().count()), (Some(2), 3), "{error}");
    assert!(error.lines().all(|line| line.starts_with("error: ")), "{error}");
}

#[test]
fn an_account_takes_its_password_from_stdin_and_never_shows_it() {
    use std::io::Write as _;
    use std::process::Stdio;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("outpace.toml"), "").unwrap();
    let create = |name: &str, role: &str, password: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_outpace"))
            .args(["account", "create", "--config", "outpace.toml", "--name", name, "--role", role])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses its arguments may be gone before it reads.
        let _ = child.stdin.take().unwrap().write_all(password.as_bytes());
        child.wait_with_output().unwrap()
    };
    let made = create("ann", "supervisor", "correct horse\n");
    assert_eq!((made.status.code(), text(&made.stdout), text(&made.stderr)), (Some(0), String::new(), String::new()));
    for (name, role, password, code, word) in [
        ("ann", "viewer", "correct horse\n", 1, "exists"),
        ("bob", "viewer", "short\n", 2, "8 to 256 characters"),
        ("bob", "viewer", "", 2, "8 to 256 characters"),
        ("b b", "viewer", "correct horse\n", 2, "is no name"),
        ("bob", "root", "correct horse\n", 2, "root"),
    ] {
        let output = create(name, role, password);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name} {role}: {error}");
        assert!(error.starts_with("error: ") && error.contains(word), "{name} {role}: {error}");
        assert!(!error.contains("horse"), "{error}");
    }
    let bytes = std::fs::read(folder.path().join("outpace.db")).unwrap();
    assert!(!bytes.windows(13).any(|part| part == b"correct horse"), "the password itself is kept nowhere");
    let help = text(&outpace(folder.path(), &["account", "create", "--help"]).stdout);
    assert!(help.contains("outpace account create") && !help.contains("--password"), "{help}");
}
