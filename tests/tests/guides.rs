//! Runs every command of README.md and docs/*.md, as a reader would who types them from the first line to the last.
//!
//! ```text
//!  guide.md ──fences──> steps ──> blocks/LINE.sh ──┐
//!                                                  ├─> one bash (tests/guides/run), a fresh folder, loopback only
//!             wrappers of tests/guides/bin ────────┘        │ output of each step
//!                        text blocks <──── compared ────────┘
//! ```
//!
//! **Blocks.** Each fenced block says its kind; one that does not, or that says a kind not listed here, fails.
//! `sh` is run: all of a guide in one bash with `set -euo pipefail`, so that what one block sets the next one has.
//! `text` is what the `sh` block before it prints. A block with a file name after its kind (`toml outpace.toml`) is
//! written to that file, as the reader is told to. `toml`, `json`, `csv`, `xml` without a name are only shown, and so are
//! pictures of letters (`diagram`).
//!
//! **Comparing.** The lines of a `text` block stand in the output in this order and without a gap; what comes before and
//! after is free. A number may be another number, and a run of spaces as long as it likes. With `text exact` numbers
//! must be the same. A line `…` stands for any lines, `…` inside a line for any characters.
//!
//! **Where it runs.** Home and working folder are new and empty but for `~/outpace`, the clone. The commands see a
//! network of their own (only loopback, all ports free) and their processes end with them, where the system lets
//! namespaces be made; else they run on this machine's loopback, and ports in use fail them.
//!
//! **Wrappers** (`tests/guides/bin`) stand before what takes long or changes the system. None of them swallows an option:
//!
//! | command | what it does instead | why |
//! |---|---|---|
//! | `make demo` | the same target with `DEMO_ARGS` for 20 leads, if the guide gives none; `setup`, `console` are taken as done | six minutes; the tree is built before a test runs |
//! | `make` other targets | `make -n`: the target and all that it needs must be there | they would run this test again, or take half an hour |
//! | `cargo build …` inside `make` | nothing, if it is the very build that this test was built with; else fails | two builds would fight over one folder |
//! | `outpace bench`, `demo`, `simulate` | the program itself, with `--legs`, `--seconds`, `--calls`, `--rate`, `--leads`, `--days` lowered | a minute each |
//! | `outpace` else | the program itself | |
//! | `sudo` | the command, with paths of the system below a folder of the guide | the machine stays as it is |
//! | `systemctl` | `systemd-analyze verify` of the unit that the guide installed, whose program must be there, too | a test has no systemd of its own |
//! | `apt-get` | looks whether each package it names is one of scripts/setup and is installed | likewise |
//!
//! `OUTPACE_GUIDE=first-hour` runs the guides whose name contains that; `OUTPACE_BIN` names another binary.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Kinds of blocks that are shown or written to a file.
const SHOWN: &[&str] = &["toml", "json", "csv", "xml", "diagram"];
/// A guide that is not through after this is stuck; each takes a minute or two.
const PATIENCE: Duration = Duration::from_secs(900);
/// How often an end is looked for.
const POLL: Duration = Duration::from_millis(50);
/// Lines of a failed step that are shown.
const TAIL_LINES: usize = 60;

/// What a fenced block asks for.
#[derive(Debug, PartialEq)]
enum Step {
    /// Run it.
    Run,
    /// The step before printed this.
    Expect { exact: bool },
    /// Write it to a file.
    Write(String),
    /// Nothing.
    Show,
}

/// A fenced block.
#[derive(Debug)]
struct Block {
    /// Line of the first line inside, from 1.
    line: usize,
    step: Step,
    text: String,
}

/// The fenced blocks of a guide, or what is wrong with one.
fn blocks(guide: &str) -> Result<Vec<Block>, String> {
    let mut found: Vec<Block> = Vec::new();
    let mut lines = guide.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(info) = line.trim_start().strip_prefix("```") else { continue };
        let at = index + 1;
        let mut words = info.split_whitespace();
        let (kind, rest) = (words.next().unwrap_or(""), words.collect::<Vec<_>>().join(" "));
        let step = match (kind, rest.as_str()) {
            ("", _) => return Err(format!("line {at}: a block without a kind, say which: sh, text, toml, …")),
            ("sh", "") => Step::Run,
            ("text", "" | "exact") => Step::Expect { exact: rest == "exact" },
            (kind, "") if SHOWN.contains(&kind) => Step::Show,
            (kind, name) if SHOWN.contains(&kind) && !name.contains([' ', '\'']) => Step::Write(name.to_owned()),
            _ => {
                return Err(format!("line {at}: a block of unknown kind {info:?}, take sh, text, or one of {SHOWN:?}"));
            }
        };
        if matches!(step, Step::Expect { .. }) && found.last().is_none_or(|block| block.step != Step::Run) {
            return Err(format!("line {at}: a text block is what the sh block before it prints, but there is none"));
        }
        let mut text = String::new();
        loop {
            let Some((_, line)) = lines.next() else { return Err(format!("line {at}: the block does not end")) };
            if line.trim() == "```" {
                break;
            }
            text.push_str(line);
            text.push('\n');
        }
        found.push(Block { line: at + 1, step, text });
    }
    Ok(found)
}

/// Line with numbers and runs of spaces made alike.
fn loosened(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line.trim().chars().peekable();
    while let Some(c) = rest.next() {
        if c.is_ascii_digit() {
            while rest.next_if(|c| c.is_ascii_digit() || *c == '.').is_some() {}
            text.push('0');
        } else if c.is_whitespace() {
            while rest.next_if(|c| c.is_whitespace()).is_some() {}
            text.push(' ');
        } else {
            text.push(c);
        }
    }
    text
}

/// Does a line look as expected? `…` stands for any characters.
fn line_fits(expected: &str, line: &str, exact: bool) -> bool {
    let alike = |text: &str| if exact { text.trim().to_owned() } else { loosened(text) };
    let (expected, line) = (alike(expected), alike(line));
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Do the first lines of the output look as expected? A line `…` stands for any lines.
fn begins_as(expected: &[&str], output: &[&str], exact: bool) -> bool {
    match (expected.split_first(), output.split_first()) {
        (None, _) => true,
        (Some((&"…", wanted)), _) => (0..=output.len()).any(|skip| begins_as(wanted, &output[skip..], exact)),
        (Some(_), None) => false,
        (Some((first, wanted)), Some((line, rest))) => line_fits(first, line, exact) && begins_as(wanted, rest, exact),
    }
}

/// Is what a step printed what its guide says?
fn fits(expected: &str, output: &str, exact: bool) -> bool {
    let lines = |text: &'_ str| -> Vec<String> {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    let (expected, output) = (lines(expected), lines(output));
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    let output: Vec<&str> = output.iter().map(String::as_str).collect();
    (0..=output.len()).any(|skip| begins_as(&expected, &output[skip..], exact))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the repository").to_owned()
}

/// The binary that was built with this test.
fn binary() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().expect("this test is a file");
        test.parent().and_then(Path::parent).expect("target/debug/deps").join("outpace")
    };
    let path = std::env::var_os("OUTPACE_BIN").map_or_else(beside, PathBuf::from);
    assert!(path.is_file(), "{} is not built: cargo build --workspace --bins", path.display());
    path
}

/// Can a network and a family of processes of one's own be made here?
fn namespaces() -> bool {
    let mut unshare = Command::new("unshare");
    unshare.args(UNSHARE).args(["ip", "link", "set", "lo", "up"]).stdout(Stdio::null()).stderr(Stdio::null());
    unshare.status().is_ok_and(|status| status.success())
}

const UNSHARE: [&str; 6] = ["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"];

/// Runs one guide in a folder of its own.
fn run(guide: &Path, own_world: bool) -> Result<(), String> {
    let text = std::fs::read_to_string(guide).map_err(|error| error.to_string())?;
    let blocks = blocks(&text)?;
    if !blocks.iter().any(|block| block.step == Step::Run) {
        return Ok(());
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (home, steps) = (folder.path().join("home"), folder.path().join("steps"));
    for folder in [&home, &steps] {
        std::fs::create_dir(folder).map_err(|error| error.to_string())?;
    }
    // Blocks are padded so that bash names the guide's own lines.
    for block in &blocks {
        let (name, text) = match &block.step {
            Step::Run => (format!("{:05}.sh", block.line), "\n".repeat(block.line - 1) + &block.text),
            Step::Write(name) => {
                std::fs::write(steps.join(format!("{:05}.file", block.line)), &block.text)
                    .map_err(|e| e.to_string())?;
                let copy = format!("mkdir -p \"$(dirname {name})\"\ncp \"$STEPS/{:05}.file\" {name}\n", block.line);
                (format!("{:05}.sh", block.line), copy)
            }
            Step::Expect { .. } | Step::Show => continue,
        };
        std::fs::write(steps.join(name), text).map_err(|error| error.to_string())?;
    }

    let repository = repository();
    let script = repository.join("tests/guides/run");
    let mut command = if own_world {
        let mut unshare = Command::new("unshare");
        unshare.args(UNSHARE).arg("bash").arg(&script);
        unshare
    } else {
        let mut bash = Command::new("bash");
        bash.arg(&script);
        bash
    };
    let log = folder.path().join("log");
    let file = std::fs::File::create(&log).map_err(|error| error.to_string())?;
    let errors = file.try_clone().map_err(|error| error.to_string())?;
    command
        .env("HOME", &home)
        .env("STEPS", &steps)
        .env("GUIDE_REPOSITORY", &repository)
        .env("GUIDE_OUTPACE", binary())
        .env("GUIDE_ROOT", folder.path().join("root"))
        .env("GUIDE_OWN_WORLD", if own_world { "yes" } else { "" })
        .env_remove("CARGO_TARGET_DIR")
        // The demo opens a browser where there is a display.
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .current_dir(&home)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(errors);
    let mut child = command.spawn().map_err(|error| format!("bash does not start: {error}"))?;
    let group = child.id();
    let deadline = Instant::now() + PATIENCE;
    let ended = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break Some(status),
            None if Instant::now() > deadline => break None,
            None => std::thread::sleep(POLL),
        }
    };
    // Whatever the guide has left running is in the group that it began.
    let _ = Command::new("kill").args(["-KILL", "--", &format!("-{group}")]).stderr(Stdio::null()).status();
    let _ = child.wait();

    let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
    let output = |block: &Block| read(&steps.join(format!("{:05}.out", block.line)));
    if !ended.is_some_and(|status| status.success()) {
        let last = blocks.iter().rfind(|block| steps.join(format!("{:05}.out", block.line)).exists());
        let what = ended.map_or("is stuck".to_owned(), |status| status.to_string());
        let mut said = read(&log);
        if let Some(last) = last {
            let _ = write!(said, "\nlast output, of the block at line {}:\n{}", last.line, tail(&output(last)));
        }
        return Err(format!("{what}\n{said}"));
    }
    let mut faults = String::new();
    for pair in blocks.windows(2) {
        if let Step::Expect { exact } = pair[1].step {
            let printed = output(&pair[0]);
            if !fits(&pair[1].text, &printed, exact) {
                let _ = writeln!(
                    faults,
                    "line {}: the guide expects\n{}\nbut this was printed:\n{}",
                    pair[1].line,
                    pair[1].text,
                    tail(&printed)
                );
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[test]
fn every_command_of_the_guides_works() {
    let repository = repository();
    let mut guides = vec![repository.join("README.md")];
    let docs = std::fs::read_dir(repository.join("docs")).expect("docs");
    guides.extend(
        docs.map(|entry| entry.expect("docs").path()).filter(|path| path.extension().is_some_and(|e| e == "md")),
    );
    guides.sort();
    assert!(guides.len() > 5, "{guides:?}");
    let wanted = std::env::var("OUTPACE_GUIDE").unwrap_or_default();
    let own_world = namespaces();
    let mut faults = BTreeMap::new();
    // One after the other: they use the same ports, as their readers would.
    for guide in guides {
        let name = guide.file_name().expect("a file").to_string_lossy().into_owned();
        if !name.contains(&wanted) {
            continue;
        }
        let began = Instant::now();
        let result = run(&guide, own_world);
        println!("{name}: {} in {} s", if result.is_ok() { "ok" } else { "FAILED" }, began.elapsed().as_secs());
        if let Err(fault) = result {
            faults.insert(name, fault);
        }
    }
    let told: String = faults.iter().map(|(name, fault)| format!("\n== {name} ==\n{fault}\n")).collect();
    assert!(faults.is_empty(), "{told}");
}

#[test]
fn a_block_that_could_be_skipped_is_a_fault() {
    for (guide, word) in [
        ("```\nls\n```\n", "line 1: a block without a kind"),
        ("x\n```bash\nls\n```\n", "line 2: a block of unknown kind"),
        ("```text\nls\n```\n", "there is none"),
        ("```sh\nls\n```\n```toml\na = 1\n```\n```text\nx\n```\n", "there is none"),
        ("```sh\nls\n", "does not end"),
        ("```sh quick\nls\n```\n", "unknown kind"),
    ] {
        let fault = blocks(guide).expect_err(guide);
        assert!(fault.contains(word), "{guide}: {fault}");
    }
    let found = blocks("```sh\nls\n```\n\n```text exact\na\n```\n```toml a/b.toml\nx = 1\n```\n").unwrap();
    let steps: Vec<&Step> = found.iter().map(|block| &block.step).collect();
    assert_eq!(steps, [&Step::Run, &Step::Expect { exact: true }, &Step::Write("a/b.toml".to_owned())]);
    assert_eq!((found[0].line, found[2].text.as_str()), (2, "x = 1\n"));
}

#[test]
fn outputs_are_compared_loosely_where_figures_vary_and_strictly_where_asked() {
    let output = "begin\n  rows   12\n  rate 2.5 %\nmore\nend\n";
    for (expected, exact, same) in [
        ("rows 7\nrate 31 %\n", false, true),
        ("rows 7\n", true, false),
        ("rows   12\n", true, true),
        ("rows 12\nend\n", false, false),
        ("rows 12\n…\nend\n", true, false),
        ("rows   12\n…\nend\n", true, true),
        ("r… %\n", false, true),
        ("rows 12 and more\n", false, false),
        ("end\nbegin\n", false, false),
        ("absent\n", false, false),
    ] {
        assert_eq!(fits(expected, output, exact), same, "{expected:?} {exact}");
    }
}
