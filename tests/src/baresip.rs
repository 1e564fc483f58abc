//! baresip as an agent's telephone: it answers by itself, speaks from a file and records what it hears.

use crate::peer::{Peer, Ports};
use base::Duration;
use codecs::RATE_HZ;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Where Debian puts its modules, for any architecture.
const MODULES: &str = "/usr/lib/baresip/modules";

/// Between two rounds of what it says.
pub const PAUSE: Duration = Duration::from_ms(500);

/// It says so much in all, then would hang up (baresip 1.0.0 ends a call when its file has ended): longer than it may run.
const SPEECH: Duration = Duration::from_secs(90);

/// A running telephone.
pub struct Telephone {
    peer: Peer,
}

impl Telephone {
    /// Starts a telephone that says `speech` over and over from its answer on.
    ///
    /// # Panics
    /// When baresip is missing or does not come up.
    pub fn start(speech: &[i16]) -> Telephone {
        let samples = |time: Duration| (time.as_ms() * u64::from(RATE_HZ) / 1_000) as usize;
        let round = speech.iter().copied().chain(std::iter::repeat_n(0, samples(PAUSE)));
        let said: Vec<i16> = round.cycle().take(samples(SPEECH)).collect();
        let wav = codecs::wav::write(&said).expect("it fits a WAV file");
        let peer = Peer::start("baresip", |ports, folder, command| configure(ports, folder, &wav, command));
        Telephone { peer }
    }

    /// The program behind it.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// URI that it answers to.
    pub fn uri(&self) -> String {
        format!("sip:agent@{}", self.peer.sip_addr())
    }

    /// Everything that it heard in its one call, once the call is over.
    ///
    /// # Panics
    /// When there is no finished recording.
    pub fn heard(&self) -> Vec<i16> {
        // It writes the length into the file's head when it closes the file, after its answer to the BYE.
        let deadline = Instant::now() + crate::peer::PATIENCE;
        loop {
            let finished = self.peer.log().contains("terminated (duration");
            let recording = recording(self.peer.folder()).and_then(|path| std::fs::read(path).ok());
            let samples = recording.and_then(|bytes| codecs::wav::read(&bytes).ok());
            match samples {
                Some(samples) if finished && !samples.is_empty() => return samples,
                _ if Instant::now() >= deadline => panic!("no recording; baresip said:\n{}", self.peer.log()),
                _ => std::thread::sleep(std::time::Duration::from_millis(20)),
            }
        }
    }
}

fn recording(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(|file| file.ok().map(|file| file.path()));
    let decoded = |path: &PathBuf| path.to_str().is_some_and(|name| name.ends_with("-dec.wav"));
    files.into_iter().find(decoded)
}

/// Writes what baresip 1.0.0 wants to know. There is no sound card: the source is a file, and for want of a player the
/// filter `sndfile` is the end of the line and writes what was decoded.
fn configure(ports: Ports, folder: &Path, wav: &[u8], command: &mut Command) {
    let Ports { sip, media } = ports;
    let place = folder.display();
    let config = format!(
        "sip_listen 127.0.0.1:{sip}\n\
         net_interface 127.0.0.1\n\
         rtp_ports {media}-{last}\n\
         rtcp_mux no\n\
         audio_source aufile,{place}/speech.wav\n\
         audio_player none,none\n\
         audio_alert none,none\n\
         ausrc_srate 8000\n\
         auplay_srate 8000\n\
         ausrc_channels 1\n\
         auplay_channels 1\n\
         snd_path {place}\n\
         module_path {MODULES}\n\
         module g711.so\n\
         module sndfile.so\n\
         module aufile.so\n\
         module_tmp account.so\n",
        last = media + 3,
    );
    let account = format!("<sip:agent@127.0.0.1:{sip}>;regint=0;answermode=auto\n");
    for (name, content) in [("config", config.as_bytes()), ("accounts", account.as_bytes()), ("speech.wav", wav)] {
        std::fs::write(folder.join(name), content).expect("the peer's folder can be written");
    }
    // It quits after a minute, should the test be killed.
    command.arg("-4").arg("-f").arg(folder).args(["-t", "60"]);
}
