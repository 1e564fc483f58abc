//! What was on the wire: tcpdump on loopback, and audio and dialogs read out of what it wrote.
//!
//! ```text
//!  tcpdump -i lo ──> file ──pcap-parser──> frames ──etherparse──> datagrams ─┬─ SIP: who was called, over which ports
//!                                                                            └─ RTP: by the two ports
//! ```

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use pcap_parser::traits::PcapReaderIterator as _;
use pcap_parser::{LegacyPcapReader, PcapBlockOwned, PcapError};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Largest datagram on loopback and its headers.
const PACKET_BYTES_MAX: usize = 65_535 + 64;
const RTP_HEADER_BYTES: usize = 12;

/// A capture under way.
pub(crate) struct Capture {
    tcpdump: Child,
    file: PathBuf,
}

/// One UDP datagram.
struct Datagram {
    at_us: i64,
    from: u16,
    to: u16,
    payload: Vec<u8>,
}

/// One packet of G.711 audio.
pub(crate) struct Audio {
    pub(crate) at_us: i64,
    pub(crate) payload: Vec<u8>,
}

/// A call as the wire shows it.
pub(crate) struct WireCall {
    /// Audio of the called party.
    pub(crate) said: Vec<Audio>,
    /// Audio that the called party got.
    pub(crate) heard: Vec<Audio>,
}

/// A dialog's ports for audio.
#[derive(Default)]
struct Ports {
    number: String,
    ours: Option<u16>,
    theirs: Option<u16>,
}

impl Capture {
    /// Captures UDP on loopback; `None` when this account may not.
    pub(crate) fn start(file: PathBuf) -> Option<Capture> {
        let mut command = Command::new("tcpdump");
        command.args(["-i", "lo", "-n", "--immediate-mode", "-U", "-B", "8192", "--time-stamp-precision=nano", "-w"]);
        let mut tcpdump =
            command.arg(&file).arg("udp").stderr(Stdio::piped()).spawn().expect("tcpdump: run scripts/setup");
        let said = BufReader::new(tcpdump.stderr.take().expect("piped")).lines();
        let mut all = String::new();
        for line in said.map_while(Result::ok) {
            if line.contains("listening on") {
                return Some(Capture { tcpdump, file });
            }
            all.push_str(&line);
        }
        tcpdump.wait().expect("own child");
        assert!(all.contains("permission") || all.contains("not permitted"), "tcpdump: {all}");
        None
    }

    /// Ends it and gives all calls by the number that was called.
    pub(crate) fn calls(mut self) -> BTreeMap<String, WireCall> {
        let done = Command::new("kill").arg("-INT").arg(self.tcpdump.id().to_string()).status();
        assert!(done.expect("kill runs").success());
        self.tcpdump.wait().expect("own child");
        let datagrams = datagrams(&self.file);
        let mut dialogs: BTreeMap<String, Ports> = BTreeMap::new();
        for datagram in &datagrams {
            let Ok(text) = std::str::from_utf8(&datagram.payload) else { continue };
            let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let Some(call_id) = line("Call-ID:") else { continue };
            let port = line("m=audio ").and_then(|media| media.split(' ').next()?.parse().ok());
            let ports = dialogs.entry(call_id.to_owned()).or_default();
            if let Some(uri) = text.strip_prefix("INVITE sip:") {
                ports.number = uri.split('@').next().unwrap_or_default().to_owned();
                ports.ours = ports.ours.or(port);
            } else if text.starts_with("SIP/2.0 200") {
                ports.theirs = ports.theirs.or(port);
            }
        }
        let answered = dialogs.into_values().filter_map(|ports| Some((ports.number, ports.ours?, ports.theirs?)));
        let between = |from: u16, to: u16| {
            let of_call = datagrams.iter().filter(|datagram| (datagram.from, datagram.to) == (from, to));
            let audio = of_call.filter(|datagram| datagram.payload.len() > RTP_HEADER_BYTES);
            // RFC 3550, section 5.1: the marker bit stands before the type; 0 and 8 are the two laws.
            let audio = audio.filter(|datagram| matches!(datagram.payload[1] & 0x7f, 0 | 8));
            audio
                .map(|datagram| Audio { at_us: datagram.at_us, payload: datagram.payload[RTP_HEADER_BYTES..].to_vec() })
                .collect()
        };
        answered
            .map(|(number, ours, theirs)| {
                (number, WireCall { said: between(theirs, ours), heard: between(ours, theirs) })
            })
            .collect()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // Ended before, or by a test that fails: then by its own id.
        drop(self.tcpdump.kill());
        drop(self.tcpdump.wait());
    }
}

fn datagrams(file: &PathBuf) -> Vec<Datagram> {
    let file = std::fs::File::open(file).expect("the capture");
    let mut reader = LegacyPcapReader::new(4 * PACKET_BYTES_MAX, file).expect("a capture file");
    let mut found = Vec::new();
    loop {
        match reader.next() {
            Ok((used, block)) => {
                if let PcapBlockOwned::Legacy(packet) = block {
                    // Nanoseconds by the file's magic number.
                    let at_us = i64::from(packet.ts_sec) * 1_000_000 + i64::from(packet.ts_usec) / 1_000;
                    found.extend(datagram(at_us, packet.data));
                }
                reader.consume(used);
            }
            Err(PcapError::Incomplete(_)) => reader.refill().expect("the capture"),
            Err(PcapError::Eof) => return found,
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn datagram(at_us: i64, frame: &[u8]) -> Option<Datagram> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let (Some(NetSlice::Ipv4(_)), Some(TransportSlice::Udp(udp))) = (packet.net, packet.transport) else { return None };
    Some(Datagram { at_us, from: udp.source_port(), to: udp.destination_port(), payload: udp.payload().to_vec() })
}
