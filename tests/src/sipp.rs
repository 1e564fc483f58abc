//! SIPp with the scenarios of `tests/sipp`.

use crate::peer::Peer;
use codecs::g711::Law;
use std::net::SocketAddr;
use std::path::Path;

/// What SIPp is to do.
pub struct Sipp<'a> {
    /// File name in `tests/sipp` without `.xml`.
    pub scenario: &'static str,
    /// Calls until it ends.
    pub calls: u32,
    /// Calls a second, for a caller.
    pub rate: u32,
    /// Length of a bare `<pause/>` in the scenario.
    pub pause_ms: u32,
    /// Called when it is a caller.
    pub remote: Option<SocketAddr>,
    /// What a scenario that speaks says; empty for one that echoes.
    pub speech: &'a [i16],
}

impl Sipp<'_> {
    /// One call of a called party.
    pub fn called(scenario: &'static str) -> Self {
        Sipp { scenario, calls: 1, rate: 10, pause_ms: 0, remote: None, speech: &[] }
    }

    /// One call of a caller.
    pub fn caller(scenario: &'static str, remote: SocketAddr) -> Self {
        Sipp { remote: Some(remote), ..Sipp::called(scenario) }
    }

    /// Starts it. With `speech` it says that where the scenario tells it to, and what it hears is lost; without, it sends
    /// back what it hears. SIPp 3.6.1 cannot do both: its echo would answer on the port that it speaks from.
    ///
    /// # Panics
    /// When SIPp is missing or does not come up.
    pub fn start(&self) -> Peer {
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("sipp").join(self.scenario).with_extension("xml");
        Peer::start("sipp", |ports, folder, command| {
            if self.speech.is_empty() {
                command.arg("-rtp_echo");
            } else {
                let mut codes = vec![0; self.speech.len()];
                Law::Mu.encode_slice(self.speech, &mut codes);
                std::fs::write(folder.join("speech.raw"), codes).expect("the peer's folder can be written");
            }
            command.arg("-sf").arg(&scenario).args(["-nostdin", "-bind_local"]);
            command.args(["-i", "127.0.0.1", "-mi", "127.0.0.1", "-ci", "127.0.0.1"]);
            // A failed test shows the errors; the timeout ends it should the test be killed.
            command.args(["-trace_err", "-error_file", "errors.log", "-timeout", "60s", "-timeout_error"]);
            for (option, value) in [
                ("-p", u32::from(ports.sip)),
                ("-mp", u32::from(ports.media)),
                ("-m", self.calls),
                ("-l", self.calls),
                ("-r", self.rate),
                ("-d", self.pause_ms),
            ] {
                command.arg(option).arg(value.to_string());
            }
            command.args(self.remote.map(|remote| remote.to_string()));
        })
    }
}
