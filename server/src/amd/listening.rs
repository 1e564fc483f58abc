//! Who listens to calls, what is kept of them, and the row that a verdict becomes.

use crate::config::AmdSection;
use crate::failure::Failure;
use crate::secrets::Key;
use base::{AttemptId, CampaignId, Duration, WallTime};
use detect::decide::Tuning;
use detect::model::Net;
use detect::print::Recordings;
use detect::{Decision, DetectorConfig, Evidence, Keep, Listen};
use dialer::AmdHandled;
use media::session::Stats;
use std::path::Path;
use std::sync::Arc;
use store::{AmdEvidenceRow, AmdShadow, TenantId};

/// What the sound of a call is sealed for.
pub(crate) const SOUND: &str = "amd sound";

/// A net with its thresholds, as all calls share it.
type Tuned = Arc<(Arc<Net>, Tuning)>;

/// What all calls have in common.
#[derive(Clone)]
pub struct Listening {
    detector: DetectorConfig,
    name: &'static str,
    model: Option<String>,
    rules: String,
    kept: Duration,
    /// With its hash.
    witness: Option<(Tuned, String)>,
    key: Option<Key>,
}

impl std::fmt::Debug for Listening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listening({}, {:?})", self.name, self.model)
    }
}

impl From<DetectorConfig> for Listening {
    /// Nothing is kept but the verdicts.
    fn from(detector: DetectorConfig) -> Listening {
        let (name, model, rules) = match &detector {
            DetectorConfig::Default(tuning, _) => ("default", Some(detect::shipped().hash()), rules_of(None, tuning)),
            _ => ("classic", None, "{}".to_owned()),
        };
        Listening { detector, name, model, rules, kept: Duration::ZERO, witness: None, key: None }
    }
}

fn rules_of(share: Option<f64>, tuning: &Tuning) -> String {
    serde_json::json!({
        "max_human_as_machine": share,
        "human": tuning.human,
        "machine": tuning.machine,
        "machine_hold_ms": tuning.machine_hold_ms,
        "person_hold_ms": tuning.person_hold_ms,
        "rest_ms": tuning.rest_ms,
        "talk_ms": tuning.talk_ms,
        "silence_ms": tuning.silence_ms,
    })
    .to_string()
}

/// What becomes the row of a verdict.
pub(crate) struct Judged<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) attempt: AttemptId,
    pub(crate) campaign: CampaignId,
    pub(crate) number: &'a str,
    pub(crate) at: WallTime,
    pub(crate) codec: &'static str,
    pub(crate) decision: Decision,
    pub(crate) handled: AmdHandled,
    pub(crate) evidence: Option<Evidence>,
    pub(crate) line: Stats,
    /// How long its sound may be kept; none where the campaign does not allow it.
    pub(crate) sound_kept: Option<Duration>,
}

impl Listening {
    /// As `[amd]` asks; files stand in `data_dir`, `key` seals sound.
    ///
    /// # Errors
    /// A share that the net was not calibrated to; a net for the shadow that cannot be read.
    pub(crate) fn of(section: &AmdSection, data_dir: &Path, key: Option<Key>) -> Result<Listening, Failure> {
        let share = section.max_human_as_machine;
        let mut listening = Listening::from(section.config()?);
        if let DetectorConfig::Default(tuning, _) = &listening.detector {
            listening.rules = rules_of(Some(share), tuning);
        }
        listening.kept = Duration::from_secs(section.evidence_days * 86_400);
        listening.key = key;
        if let Some(net) = shadow(section, data_dir)? {
            let tuning = net.tuning(share).ok_or_else(|| {
                let path = section.shadow_model.as_deref().unwrap_or("the net that ships");
                Failure::usage(path, &format!("was not calibrated to {share}"), "give more as amd.max_human_as_machine")
            })?;
            let hash = net.hash();
            listening.witness = Some((Arc::new((net, tuning)), hash));
        }
        Ok(listening)
    }

    /// How one call is listened to.
    pub(crate) fn listen(&self, sound: bool) -> Listen {
        let tape = self.kept > Duration::ZERO;
        let witness = self.witness.as_ref().map(|(witness, _)| Arc::clone(witness));
        let detector = self.detector.clone();
        Listen { detector, keep: Keep { tape, sound: sound && self.key.is_some(), witness } }
    }

    /// Calls from now on are held against these recordings; calls under way go on with what they know.
    pub(crate) fn know(&mut self, known: Arc<Recordings>) {
        self.detector = self.detector.clone().knowing(known);
    }

    /// The row of a verdict.
    pub(crate) fn row(&self, judged: Judged<'_>) -> AmdEvidenceRow {
        let Judged { tenant, attempt, campaign, number, at, codec, decision, handled, evidence, line, sound_kept } =
            judged;
        let Evidence { trace, features, sound, witness } = evidence.unwrap_or_default();
        let ppm = |share: f64| (share.clamp(0.0, 1.0) * 1e6).round() as u32;
        let last = detect::evidence::steps(&trace).last();
        let person = last.and_then(|step| step.first().copied());
        let shadow = match (&self.witness, witness) {
            (Some((_, model)), Some(decided)) => Some(AmdShadow {
                model: model.clone(),
                verdict: decided.map(|decided| decided.verdict.name().to_owned()),
                at_ms: decided.map(|decided| decided.at_ms),
            }),
            _ => None,
        };
        let days = |kept: Duration| WallTime::from_unix_us(at.as_unix_us() + kept.as_us() as i64);
        let sealed = match (&self.key, sound_kept) {
            (Some(key), Some(_)) if !sound.is_empty() => key.seal_bytes(tenant, SOUND, &sound),
            _ => Ok(Vec::new()),
        };
        let audio = sealed.unwrap_or_else(|error| {
            tracing::warn!("the sound of attempt {attempt} is not kept: {error}");
            Vec::new()
        });
        AmdEvidenceRow {
            tenant,
            attempt,
            campaign,
            // As long as what else is kept of it.
            number: if self.kept.is_zero() { String::new() } else { number.to_owned() },
            at,
            mode: handled.mode.name().to_owned(),
            handling: handled.handling.name().to_owned(),
            share_ppm: ppm(handled.share),
            verdict: decision.verdict.name().to_owned(),
            cause: decision.cause.to_owned(),
            verdict_ms: decision.at_ms,
            utterance_end_ms: decision.utterance_end_ms,
            detector: self.name.to_owned(),
            model: self.model.clone(),
            rules: self.rules.clone(),
            codec: codec.to_owned(),
            packets: line.packets_received,
            lost: line.lost,
            person_ppm: person.map(|person| ppm(f64::from(person))),
            shadow,
            kept_until: (!self.kept.is_zero()).then(|| days(self.kept)),
            trace,
            features,
            audio_until: sound_kept.filter(|_| !audio.is_empty()).map(days),
            audio,
        }
    }
}

/// The net that listens beside the detector: the one that is named; beside rules, which know no probabilities, the one that
/// ships, so that it is known what it would have said.
///
/// # Errors
/// It cannot be read.
pub(crate) fn shadow(section: &AmdSection, data_dir: &Path) -> Result<Option<Arc<Net>>, Failure> {
    match &section.shadow_model {
        Some(path) => read(&data_dir.join(path)).map(Some),
        None => Ok((section.detector == "classic" && section.evidence_days > 0).then(detect::shipped)),
    }
}

fn read(path: &Path) -> Result<Arc<Net>, Failure> {
    let said = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|e| Failure::io(&said, e))?;
    let net = Net::from_bytes(&bytes)
        .map_err(|reject| Failure::usage(&said, &reject.to_string(), "train or calibrate it again (outpace amd)"))?;
    Ok(Arc::new(net))
}
