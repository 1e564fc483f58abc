//! What the demo finds when it boots: a folder that goes with the process, and in it a configuration, a safe-harbour
//! message, a list, and a token for the console.

use super::DemoArgs;
use super::outside::Outside;
use crate::config::Config;
use crate::failure::Failure;
use crate::import;
use crate::token::{self, Role, Token};
use base::{Seed, WallTime};
use loadtest::SpeechBank;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use store::{Store, TenantId};

/// Channels and calls a second of the demo's trunk: 20 lines an agent are never needed, 50 calls a second never met.
const CHANNELS_PER_AGENT: usize = 20;
const CALLS_PER_SECOND: u32 = 50;
/// Media ports of the three engines; each takes what is free in the range.
pub(super) const PORTS: std::ops::RangeInclusive<u16> = 20_000..=29_999;
/// The campaign and its list.
pub(super) const CAMPAIGN_NAME: &str = "demo";
/// A number that is kept for fiction.
pub(super) const CALLER_ID: &str = "+12125550199";
const TRUNK_NAME: &str = "simulated-carrier";
const MESSAGE_FILE: &str = "safe-harbour.wav";
/// What `[[campaign]] ring_timeout_s` takes.
const RING_TIMEOUT_S: (f64, f64) = (5.0, 180.0);

/// See the module's head.
pub(super) struct Setting {
    folder: tempfile::TempDir,
    text: String,
    /// Opens the console; of this run alone, since the store is.
    pub(super) token: Token,
    /// Leads on the list.
    pub(super) leads: usize,
}

impl Setting {
    pub(super) fn make(
        arguments: &DemoArgs,
        outside: &Outside,
        bank: &Arc<SpeechBank>,
        seed: Seed,
    ) -> Result<Setting, Failure> {
        let folder = tempfile::tempdir().map_err(|e| Failure::io("a temporary folder", e))?;
        let text = text(arguments, outside, folder.path())?;
        let message = bank.announcement(&mut seed.stream("demo-message", 0));
        let wav = codecs::wav::write(&message.samples).map_err(|e| Failure::failed(e.to_string()))?;
        let file = folder.path().join(MESSAGE_FILE);
        std::fs::write(&file, wav).map_err(|e| Failure::io(&file.display().to_string(), e))?;
        let token = Token::generate()?;
        let mut setting = Setting { folder, text, token, leads: 0 };
        setting.leads = setting.fill_store(arguments, seed)?;
        Ok(setting)
    }

    /// The configuration; the text is written by us, so a fault in it is ours.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        Config::parse(self.text.as_bytes(), "the demo's configuration").map_err(|faults| faults.into_failure())
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The list comes the way a customer's list comes: a CSV file in mixed notation, with duplicates and rubbish.
    fn fill_store(&self, arguments: &DemoArgs, seed: Seed) -> Result<usize, Failure> {
        let (store, _acks) = Store::open(&self.config()?.store_url())?;
        let now = WallTime::from_unix_us(jiff::Timestamp::now().as_microsecond());
        let list = store.create_list(TenantId::DEFAULT, CAMPAIGN_NAME, now)?;
        let planted = loadtest::leads::leads(arguments.leads, seed);
        let imported = import::import_csv(
            planted.csv.as_bytes(),
            &import::ImportOptions::default(),
            &mut import::StoreSink::new(&store, list, now),
        )?;
        token::put(&store, TenantId::DEFAULT, "demo", Role::Admin, &self.token, now)?;
        store.close()?;
        Ok(imported.added as usize)
    }
}

/// `outpace.toml` of the demo. Every address is one of loopback.
fn text(arguments: &DemoArgs, outside: &Outside, folder: &Path) -> Result<String, Failure> {
    let callees = arguments.callees()?;
    let scenario = callees.scenario();
    let ring_timeout_s = scenario.dial.ring_timeout_s.ceil().clamp(RING_TIMEOUT_S.0, RING_TIMEOUT_S.1);
    let mut text = format!(
        "[server]\ndata_dir = {folder:?}\nshards = {shards}\ndriver = \"{driver}\"\n\
         [sip]\nudp = \"127.0.0.1:0\"\n\
         [media]\nports = \"{first}-{last}\"\n\
         [amd]\ndetector = \"{detector}\"\n\
         [desk]\nwrap_up_s = {wrap_up_s}\n\
         [[trunk]]\nname = \"{TRUNK_NAME}\"\nhost = \"{carrier}\"\nmax_channels = {channels}\nmax_cps = {CALLS_PER_SECOND}\n\
         [[campaign]]\nname = \"{CAMPAIGN_NAME}\"\nlist = \"{CAMPAIGN_NAME}\"\ntrunk = \"{TRUNK_NAME}\"\n\
         profile = \"lab\"\ncaller_id = \"{CALLER_ID}\"\nsafe_harbour = \"{MESSAGE_FILE}\"\n\
         ring_timeout_s = {ring_timeout_s}\nattempts_max = 1\n",
        folder = folder.display().to_string(),
        shards = arguments.shards,
        driver = arguments.driver,
        detector = arguments.detector,
        first = PORTS.start(),
        last = PORTS.end(),
        wrap_up_s = scenario.agent.wrap_s.mean().ceil(),
        carrier = outside.carrier(),
        channels = CHANNELS_PER_AGENT * arguments.agents,
    );
    for name in &outside.names {
        let phones = outside.phones();
        // Writing into a String cannot fail.
        let _ = write!(text, "[[agent]]\nname = \"{name}\"\nsip = \"sip:{name}@{phones}\"\nauto_ready = true\n");
    }
    Ok(text)
}
