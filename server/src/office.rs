//! What an asker of the control thread does first, because it waits: files read and decoded, host names resolved.
//!
//! **Invariants.** Nothing here runs on the control thread or a shard. A prompt that is named over the API stays inside
//! `data_dir`; one that the configuration names may stand anywhere, since who writes that file owns the machine.

use crate::conductor::{self, InboundAction, InboundRoute};
use crate::config::{self, Host};
use crate::control::{Refusal, Request};
use base::{AgentId, CampaignId, ListId, TrunkId};
use media::playout::Prompt;
use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Largest prompt file: an hour of 8 kHz samples is 58 MB.
const PROMPT_BYTES_MAX: u64 = 64 << 20;
/// Prompts kept decoded: each minute takes about 1 MB in both laws; 64 prompts of 30 s are 32 MB.
const PROMPTS_KEPT: usize = 64;

/// Who names a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The configuration: any path; a relative one stands in `data_dir`.
    Configuration,
    /// A request: only inside `data_dir`.
    Request,
}

/// A decoded file, and when it was last changed.
type Decoded = (SystemTime, Arc<Prompt>);

/// Prompt files of one folder, decoded once. Copies share what is loaded.
#[derive(Clone)]
pub struct Prompts {
    folder: PathBuf,
    kept: Arc<Mutex<BTreeMap<PathBuf, Decoded>>>,
}

impl Prompts {
    /// Prompts in `folder` (`data_dir`).
    pub fn new(folder: &Path) -> Prompts {
        Prompts { folder: folder.to_owned(), kept: Arc::default() }
    }

    /// Reads and decodes a WAV or FLAC file (8 kHz mono), or takes it from memory when it has not changed.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for `field`, with what is wrong and how to mend it.
    pub fn load(&self, name: &str, named_by: NamedBy, field: &str) -> Result<Arc<Prompt>, Refusal> {
        let invalid =
            |what: String, mend: &str| Refusal::Invalid { field: field.to_owned(), what, mend: mend.to_owned() };
        let path = self.path(name, named_by).ok_or_else(|| {
            invalid(format!("{name:?} leads out of the data folder"), "name a file inside of it, without ..")
        })?;
        let told = |e: std::io::Error| invalid(format!("{name:?} cannot be read ({e})"), "name a file that is there");
        let about = std::fs::metadata(&path).map_err(told)?;
        if !about.is_file() || about.len() > PROMPT_BYTES_MAX {
            return Err(invalid(format!("{name:?} is no prompt file"), "name a WAV or FLAC file of at most 64 MiB"));
        }
        let changed = about.modified().map_err(told)?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&path).cloned();
        if let Some((_, prompt)) = kept.filter(|(of, _)| *of == changed) {
            return Ok(prompt);
        }
        let bytes = std::fs::read(&path).map_err(told)?;
        let samples = if bytes.starts_with(b"fLaC") { codecs::flac::read(&bytes) } else { codecs::wav::read(&bytes) };
        let samples =
            samples.map_err(|reject| invalid(format!("{name:?}: {reject}"), "store it as WAV, 8 kHz, mono"))?;
        let prompt = Arc::new(Prompt::from_samples(&samples));
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= PROMPTS_KEPT {
            all.pop_first();
        }
        all.insert(path, (changed, Arc::clone(&prompt)));
        Ok(prompt)
    }

    fn path(&self, name: &str, named_by: NamedBy) -> Option<PathBuf> {
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        match named_by {
            NamedBy::Configuration => Some(self.folder.join(name)),
            NamedBy::Request => inside.then(|| self.folder.join(name)),
        }
    }
}

/// The first address of a host. Blocks for as long as the system's resolver does.
///
/// # Errors
/// [`Refusal::Invalid`] for `field`.
pub fn resolve(host: &Host, field: &str) -> Result<SocketAddr, Refusal> {
    let invalid = |what: String| Refusal::Invalid {
        field: field.to_owned(),
        what,
        mend: "name a host that the system can resolve, or its address".to_owned(),
    };
    let mut found = (host.name.as_str(), host.port).to_socket_addrs().map_err(|e| invalid(format!("{host}: {e}")))?;
    found.next().ok_or_else(|| invalid(format!("{host} has no address")))
}

/// A trunk's settings as they live, its host resolved.
///
/// # Errors
/// The host cannot be resolved.
pub fn trunk(settings: &config::Trunk, field: &str) -> Result<conductor::Trunk, Refusal> {
    let credentials = settings.username.clone().zip(settings.password.as_ref());
    Ok(conductor::Trunk {
        name: settings.name.clone(),
        remote: resolve(&settings.host, field)?,
        domain: settings.host.to_string(),
        credentials: credentials.map(|(username, password)| sip::Credentials {
            username,
            password: password.reveal().to_owned(),
            realm: None,
        }),
        laws: settings.codecs.iter().map(|codec| codec.law()).collect(),
        max_channels: settings.max_channels,
        max_cps: settings.max_cps,
        nat: settings.nat,
        register: settings.register,
        ping: settings.ping,
    })
}

/// For what a trunk's password is sealed.
pub(crate) fn trunk_purpose(name: &str) -> String {
    format!("trunk {name}")
}

/// Routes as they live, their prompts loaded and their trunks by id. A fault's field is `items[2].action`, or the key of
/// the file.
///
/// # Errors
/// A prompt cannot be used; a trunk is not there.
pub fn routes(
    prompts: &Prompts,
    routes: &[config::Route],
    named_by: NamedBy,
    trunk: impl Fn(&str) -> Option<TrunkId>,
) -> Result<Vec<InboundRoute>, Refusal> {
    let place = |index: usize, key: &str| match named_by {
        NamedBy::Configuration => format!("route[{}].{key}", index + 1),
        NamedBy::Request => format!("items[{index}].{key}"),
    };
    let one = |(index, route): (usize, &config::Route)| {
        let action = match &route.action {
            config::Action::Echo => InboundAction::Echo,
            config::Action::Reject(code) => InboundAction::Reject(*code),
            config::Action::Play(file) => InboundAction::Play(prompts.load(file, named_by, &place(index, "action"))?),
        };
        let from_trunk = match route.from_trunk.as_deref() {
            None => None,
            Some(name) => Some(trunk(name).ok_or_else(|| Refusal::Invalid {
                field: place(index, "from_trunk"),
                what: format!("{name:?} is no trunk"),
                mend: "name one that is there".to_owned(),
            })?),
        };
        Ok(InboundRoute { to: route.to.clone(), from_trunk, action })
    };
    routes.iter().enumerate().map(one).collect()
}

/// The request that makes a stored campaign live.
///
/// # Errors
/// A file that is to be played cannot be used.
pub fn put_campaign(
    prompts: &Prompts,
    campaign: CampaignId,
    list: ListId,
    settings: config::Campaign,
    named_by: NamedBy,
) -> Result<Request, Refusal> {
    let mut messages = BTreeMap::new();
    for (key, file) in settings.messages() {
        if let Some(file) = file {
            messages.insert(key, prompts.load(file, named_by, key)?);
        }
    }
    Ok(Request::PutCampaign { campaign, list, settings: Box::new(settings), messages })
}

/// The request that makes a stored agent live.
///
/// # Errors
/// The host of the phone cannot be resolved.
pub fn put_agent(agent: AgentId, settings: config::Agent) -> Result<Request, Refusal> {
    let phone = match settings.phone_host() {
        None => None,
        Some(host) => Some(resolve(&host, "sip")?),
    };
    Ok(Request::PutAgent { agent, settings: Box::new(settings), phone })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_only_files_of_the_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.wav"), codecs::wav::write(&[100; 1_600]).unwrap()).unwrap();
        std::fs::write(folder.path().join("bad.wav"), b"RIFF").unwrap();
        let prompts = Prompts::new(folder.path());
        let first = prompts.load("a.wav", NamedBy::Request, "prompt").unwrap();
        assert_eq!(first.duration_ms(), 200);
        let again = prompts.load("a.wav", NamedBy::Request, "prompt").unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let whole = folder.path().join("a.wav").display().to_string();
        assert!(prompts.load(&whole, NamedBy::Configuration, "prompt").is_ok());
        for name in [whole.as_str(), "../a.wav", "/etc/passwd", "bad.wav", "none.wav", "."] {
            let refused = prompts.load(name, NamedBy::Request, "prompt");
            assert!(
                matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "prompt"),
                "{name}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_changed_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wav");
        let prompts = Prompts::new(folder.path());
        std::fs::write(&file, codecs::wav::write(&[100; 1_600]).unwrap()).unwrap();
        let old = prompts.load("a.wav", NamedBy::Request, "prompt").unwrap();
        std::fs::write(&file, codecs::wav::write(&[100; 3_200]).unwrap()).unwrap();
        std::fs::File::open(&file).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let new = prompts.load("a.wav", NamedBy::Request, "prompt").unwrap();
        assert_eq!((old.duration_ms(), new.duration_ms()), (200, 400));
    }
}
