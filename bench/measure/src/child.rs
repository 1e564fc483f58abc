//! Parts: the same binary in another process, ordered about by JSON lines on its stdin, answering on its stdout.

use crate::Fault;
use crossbeam::channel::{Receiver, RecvTimeoutError, bounded};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

/// Lines that wait between the reader of a pipe and its taker: one order is under way at a time.
const LINES_MAX: usize = 16;

/// Which part a process plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The engine under test.
    Engine,
    /// The far end of its calls.
    Load,
    /// The minimal loop.
    Floor,
    /// The calling side of the signalling bench.
    Caller,
    /// Its called side.
    Callee,
}

impl Part {
    const ALL: [Part; 5] = [Part::Engine, Part::Load, Part::Floor, Part::Caller, Part::Callee];

    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Engine => "engine",
            Part::Load => "load",
            Part::Floor => "floor",
            Part::Caller => "caller",
            Part::Callee => "callee",
        }
    }

    /// The part of a word.
    pub fn parse(name: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.name() == name)
    }
}

/// How a part is started: a program and the arguments before the part's name.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The program; usually this one.
    pub program: PathBuf,
    /// What makes it run a part.
    pub arguments: Vec<String>,
}

/// What a part is told after its settings; each order is answered by one line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Load: send to these ports and count what comes from them, without calls.
    Expect {
        /// One a stream.
        ports: Vec<u16>,
    },
    /// Load: forget the streams of `Expect`.
    Clear,
    /// The window begins.
    Begin,
    /// The window ends; the answer is its figures.
    End,
    /// Engine: both at once, so that no order is read inside the window.
    Measure {
        /// Length of the window.
        window_ms: u64,
    },
    /// Load: send nothing more.
    Hush,
    /// Give everything back and say what is left.
    Finish,
}

/// The near end of a part's process. Dropping it ends the part.
pub(crate) struct Child {
    part: Part,
    process: std::process::Child,
    orders: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Child {
    /// Starts a part with its settings.
    pub(crate) fn start(parts: &Parts, part: Part, settings: &impl Serialize) -> Result<Child, Fault> {
        let mut process = Command::new(&parts.program)
            .args(&parts.arguments)
            .arg(part.name())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Fault::during(&format!("starting {} again", parts.program.display())))?;
        let orders = process.stdin.take();
        let (lines, answers) = bounded(LINES_MAX);
        if let Some(output) = process.stdout.take() {
            let reader = move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if lines.send(line).is_err() {
                        return;
                    }
                }
            };
            std::thread::Builder::new()
                .name(format!("{}-answers", part.name()))
                .spawn(reader)
                .map_err(Fault::during("starting a thread"))?;
        }
        let mut child = Child { part, process, orders, answers };
        child.tell(settings)?;
        Ok(child)
    }

    fn tell(&mut self, words: &impl Serialize) -> Result<(), Fault> {
        let mut line = serde_json::to_vec(words).map_err(Fault::during("writing an order"))?;
        line.push(b'\n');
        let Some(orders) = &mut self.orders else { return Err(self.gone()) };
        if orders.write_all(&line).and_then(|()| orders.flush()).is_err() {
            return Err(self.gone());
        }
        Ok(())
    }

    /// The next answer.
    pub(crate) fn answer<T: DeserializeOwned>(&mut self, within: Duration) -> Result<T, Fault> {
        match self.answers.recv_timeout(within) {
            Ok(line) => serde_json::from_str::<Result<T, String>>(&line)
                .map_err(Fault::during(&format!("the {} part said {line:?}", self.part.name())))?
                .map_err(Fault),
            Err(RecvTimeoutError::Timeout) => Err(Fault(format!(
                "the {} part did not answer within {} s; is the machine overloaded? try fewer legs",
                self.part.name(),
                within.as_secs()
            ))),
            Err(RecvTimeoutError::Disconnected) => Err(self.gone()),
        }
    }

    /// Gives an order and waits for its answer.
    pub(crate) fn order<T: DeserializeOwned>(&mut self, order: &Order, within: Duration) -> Result<T, Fault> {
        self.tell(order)?;
        self.answer(within)
    }

    fn gone(&mut self) -> Fault {
        let end = self.process.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        Fault(format!("the {} part has ended ({end}); what it said stands above", self.part.name()))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // No more orders is an order: the part ends by itself.
        self.orders = None;
        let _ = self.process.wait();
    }
}

/// The far end: a part's own side of the pipes.
pub(crate) struct Boss {
    /// Ends when the command ends.
    pub(crate) orders: Receiver<Order>,
}

impl Boss {
    /// Reads the settings and starts to listen to orders.
    pub(crate) fn meet<S: DeserializeOwned>() -> Result<(S, Boss), Fault> {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map_err(Fault::during("reading the settings"))?;
        let settings =
            serde_json::from_str(&line).map_err(Fault::during("a part is started by `outpace bench`, not by hand"))?;
        let (lines, orders) = bounded(LINES_MAX);
        let reader = move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                // What is no order cannot come from the command that started us.
                let Ok(order) = serde_json::from_str(&line) else { return };
                if lines.send(order).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("orders".to_owned())
            .spawn(reader)
            .map_err(Fault::during("starting a thread"))?;
        Ok((settings, Boss { orders }))
    }

    /// Answers an order.
    pub(crate) fn answer<T: Serialize>(&self, answer: &T) {
        let line = serde_json::to_string(&Ok::<&T, String>(answer));
        self.say(line);
    }

    /// Answers an order that could not be carried out.
    pub(crate) fn refuse(&self, fault: &Fault) {
        self.say(serde_json::to_string(&Err::<(), &str>(&fault.0)));
    }

    fn say(&self, line: serde_json::Result<String>) {
        let Ok(line) = line else { return };
        let mut out = std::io::stdout().lock();
        // Who has gone away needs no answer; the orders end too, then.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}
