//! What answer detection heard: the queue of verdicts to label, the evidence of one attempt, labels, the sound, the nets.

use super::auth::Holder;
use super::campaigns::{names, row as campaign_row};
use super::extract::{Id, Json, Query};
use super::page::{Page, id_cursor, next_link, rows};
use super::problem::Problem;
use super::{Service, changes};
use crate::amd::listening::SOUND;
use crate::control::Request;
use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base::AttemptId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::{AmdEvidence, AmdFilter, AmdLabelRow};
use utoipa::{IntoParams, ToSchema};

/// What answered a call, as whoever heard it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answered {
    /// A live person.
    Person,
    /// Voicemail or an answering machine.
    Machine,
    /// An automatic menu.
    Ivr,
    /// A screening assistant.
    Screening,
    /// A fax or modem.
    Fax,
    /// Nobody spoke.
    Silence,
}

impl Answered {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Answered::Person => "person",
            Answered::Machine => "machine",
            Answered::Ivr => "ivr",
            Answered::Screening => "screening",
            Answered::Fax => "fax",
            Answered::Silence => "silence",
        }
    }
}

/// A verdict, as the queue lists it.
#[derive(Serialize, ToSchema)]
pub(super) struct Judgement {
    /// Id of the attempt.
    attempt: u64,
    /// Name of the campaign.
    campaign: Option<String>,
    /// Number that was dialled; empty once the evidence has had its time.
    number: String,
    /// When the verdict fell, in microseconds since the Unix epoch.
    at_us: i64,
    /// The campaign's mode then: `shadow`, `sample` or `on`.
    mode: String,
    /// What became of the call: `person` (an agent, as for anybody), `acted` (treated as what the verdict says), `audited`
    /// (drawn for an agent), `shadow` (an agent, because of the mode).
    handling: String,
    /// `human`, `machine`, `ivr`, `screening`, `silence`, `fax` or `sit`.
    verdict: String,
    /// Which rule said so, such as `NET`, `BEEP`, `REST`.
    cause: String,
    /// When it fell, in milliseconds of audio since the answer.
    verdict_ms: u32,
    /// Where the speech heard by then ended, in milliseconds since the answer; `null`: there was none.
    utterance_end_ms: Option<u32>,
    /// `default` or `classic`.
    detector: String,
    /// Hash of the net that spoke; `null` for `classic`.
    model: Option<String>,
    /// Probability of a person at the verdict, where a net listened.
    person: Option<f64>,
    /// What the net that listened beside the detector would have said, if one did.
    shadow: Option<ShadowVerdict>,
    /// Sound is kept.
    audio: bool,
    /// The last word on what answered; `null`: nobody has said.
    label: Option<Label>,
}

/// What another net would have said.
#[derive(Serialize, ToSchema)]
pub(super) struct ShadowVerdict {
    /// Its hash.
    model: String,
    /// Its verdict; `null`: it had not decided when the detector did.
    verdict: Option<String>,
    /// When, in milliseconds since the answer.
    at_ms: Option<u32>,
}

/// What somebody said answered.
#[derive(Serialize, ToSchema)]
pub(super) struct Label {
    /// What; `null`: the last word was taken back.
    answered: Option<String>,
    /// `agent`: had the call; `listener`: from what was kept.
    source: String,
    /// Name of who said it; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<String>,
    /// When, in microseconds since the Unix epoch.
    at_us: i64,
}

/// All that was kept of one verdict.
#[derive(Serialize, ToSchema)]
pub(super) struct EvidenceView {
    /// As in the queue.
    #[serde(flatten)]
    judgement: Judgement,
    /// Share of such verdicts that went to agents then, of 1: one in so many is what this one stands for.
    audit_share: f64,
    /// Thresholds and times in force, by their names in docs/answer-detection.md.
    #[schema(value_type = Object)]
    rules: serde_json::Value,
    /// What the sound came in.
    codec: String,
    /// RTP packets until the verdict.
    packets: u64,
    /// Of them lost.
    lost: u64,
    /// Probabilities over time; empty when they were not kept or have had their time.
    trace: Trace,
    /// Where speech was heard: beginning and end, in milliseconds since the answer.
    speech: Vec<[u32; 2]>,
    /// Beeps: when each was told.
    beeps_ms: Vec<u32>,
    /// When trace and features are deleted.
    kept_until_us: Option<i64>,
    /// When the sound is deleted.
    audio_until_us: Option<i64>,
    /// All that was said of it, oldest first.
    labels: Vec<Label>,
}

/// Probabilities over time.
#[derive(Serialize, ToSchema)]
pub(super) struct Trace {
    /// Milliseconds from one to the next; the first is for the end of the first step.
    step_ms: u32,
    /// What each number of a step is the probability of.
    classes: Vec<&'static str>,
    /// Step by step, to two hundredths.
    steps: Vec<Vec<f64>>,
}

/// Which verdicts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct QueueQuery {
    /// Name of the campaign.
    campaign: Option<String>,
    /// `human`, `machine`, `ivr`, `screening`, `silence`, `fax` or `sit`.
    verdict: Option<String>,
    /// `true`: only verdicts that were drawn for an agent, or went to one in mode `shadow`.
    audited: Option<bool>,
    /// `false` (default): only those that nobody has labelled; `true`: only those that somebody has.
    labelled: Option<bool>,
    /// `true`: only those with sound.
    audio: Option<bool>,
    /// Rows of a page, 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on; from `next`.
    cursor: Option<String>,
}

/// What somebody says answered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "answered": "machine" }))]
pub(super) struct NewLabel {
    /// What answered; `null` takes the last word back.
    #[serde(deserialize_with = "said")]
    #[schema(required)]
    answered: Option<Answered>,
}

/// A field that must be there, and may be `null`.
fn said<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Answered>, D::Error> {
    Option::deserialize(deserializer)
}

/// The nets and rules in use.
#[derive(Serialize, ToSchema)]
pub(super) struct Models {
    /// Whose word counts.
    acting: Model,
    /// The net that listens beside it and is only written down; `null`: none does.
    shadow: Option<Model>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
pub(super) struct Model {
    /// `default` or `classic`.
    detector: &'static str,
    /// Hash of the net; `null` for `classic`.
    model: Option<String>,
    /// File it was read from; `null`: the net inside this program, or `classic`.
    file: Option<String>,
    /// What it was calibrated to: at most this share of people is taken for machines.
    max_human_as_machine: Option<f64>,
    /// What is known of the net: data, recipe, what calibration gave. Lines of `NAME: VALUE`.
    card: Option<String>,
}

fn judgement(found: &AmdEvidence, campaign: Option<String>) -> Judgement {
    let AmdEvidence { row, has_audio, label } = found;
    Judgement {
        attempt: row.attempt.0,
        campaign,
        number: row.number.clone(),
        at_us: row.at.as_unix_us(),
        mode: row.mode.clone(),
        handling: row.handling.clone(),
        verdict: row.verdict.clone(),
        cause: row.cause.clone(),
        verdict_ms: row.verdict_ms,
        utterance_end_ms: row.utterance_end_ms,
        detector: row.detector.clone(),
        model: row.model.clone(),
        person: row.person_ppm.map(|ppm| f64::from(ppm) / 1e6),
        shadow: row.shadow.as_ref().map(|shadow| ShadowVerdict {
            model: shadow.model.clone(),
            verdict: shadow.verdict.clone(),
            at_ms: shadow.at_ms,
        }),
        audio: *has_audio,
        label: label.as_ref().map(|label| Label {
            answered: Some(label.answered.clone()),
            source: label.source.clone(),
            who: None,
            at_us: label.at.as_unix_us(),
        }),
    }
}

/// Verdicts with what is known of them, newest first: the queue of what is to be labelled. A page looks at 10,000 verdicts
/// at most; one that asks for what is rare may be short or empty and have a next one all the same.
#[utoipa::path(get, path = "/api/v1/amd/queue", tag = "answer detection", params(QueueQuery), responses(
    (status = 200, body = Page<Judgement>)
))]
pub(super) async fn queue(
    State(service): State<Arc<Service>>,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<QueueQuery>,
) -> Result<axum::Json<Page<Judgement>>, Problem> {
    let campaign = match &wanted.campaign {
        None => None,
        Some(name) => {
            let nothing =
                || Problem::field("campaign", format!("{name:?} does not exist"), "see GET /api/v1/campaigns");
            Some(campaign_row(&service, name).await?.ok_or_else(nothing)?.campaign)
        }
    };
    if let Some(verdict) = wanted.verdict.as_deref().filter(|verdict| detect::Verdict::named(verdict).is_none()) {
        let known = detect::Verdict::ALL.map(detect::Verdict::name).join(", ");
        return Err(Problem::field("verdict", format!("{verdict:?} is no verdict"), format!("one of {known}")));
    }
    let (limit, tenant) = (rows(wanted.limit)?, service.tenant);
    let filter = AmdFilter {
        campaign,
        verdict: wanted.verdict,
        to_agents: wanted.audited,
        labelled: Some(wanted.labelled.unwrap_or(false)),
        audio_only: wanted.audio == Some(true),
        before: id_cursor(wanted.cursor.as_deref())?,
        limit,
    };
    let (found, campaigns) =
        service.store(move |store| Ok((store.amd_queue(tenant, &filter)?, names(store, tenant)?))).await?;
    let shown = found.rows.iter().map(|found| judgement(found, campaigns.get(&found.row.campaign.0).cloned()));
    let next = found.next.map(|attempt| next_link(&uri, &attempt.0.to_string()));
    Ok(axum::Json(Page { items: shown.collect(), next }))
}

fn no_evidence(id: u64) -> Problem {
    Problem::not_found(format!("evidence of attempt {id}"))
}

async fn kept(service: &Service, id: u64) -> Result<AmdEvidence, Problem> {
    let tenant = service.tenant;
    let found = service.store(move |store| store.amd_evidence(tenant, AttemptId(id))).await?;
    found.ok_or_else(|| no_evidence(id))
}

/// All that was kept of an attempt's verdict: probabilities over time, thresholds, labels.
#[utoipa::path(get, path = "/api/v1/attempts/{id}/evidence", tag = "answer detection", params(("id" = u64, Path, description = "Id of the attempt")),
    responses((status = 200, body = EvidenceView)))]
pub(super) async fn evidence(
    State(service): State<Arc<Service>>,
    Id(id): Id,
) -> Result<axum::Json<EvidenceView>, Problem> {
    let tenant = service.tenant;
    let found = kept(&service, id).await?;
    let (labels, campaigns) =
        service.store(move |store| Ok((store.amd_labels(tenant, AttemptId(id))?, names(store, tenant)?))).await?;
    let steps = detect::evidence::steps(&found.row.trace);
    let (mut speech, mut beeps_ms): (Vec<[u32; 2]>, Vec<u32>) = Default::default();
    for kept in detect::evidence::replay(&found.row.features) {
        let (from, to) = (kept.frame.at_ms - detect::front::FRAME_MS, kept.frame.at_ms);
        match speech.last_mut() {
            Some(last) if kept.frame.speech() && last[1] == from => last[1] = to,
            _ if kept.frame.speech() => speech.push([from, to]),
            _ => {}
        }
        if kept.beep {
            beeps_ms.push(to);
        }
    }
    Ok(axum::Json(EvidenceView {
        judgement: judgement(&found, campaigns.get(&found.row.campaign.0).cloned()),
        audit_share: f64::from(found.row.share_ppm) / 1e6,
        rules: serde_json::from_str(&found.row.rules).unwrap_or_default(),
        codec: found.row.codec,
        packets: found.row.packets,
        lost: found.row.lost,
        trace: Trace {
            step_ms: detect::front::FRAME_MS * detect::model::FRAMES_A_STEP as u32,
            classes: detect::Verdict::ALL.map(detect::Verdict::name).to_vec(),
            steps: steps.map(|step| step.map(|p| (f64::from(p) * 1_000.0).round() / 1_000.0).to_vec()).collect(),
        },
        speech,
        beeps_ms,
        kept_until_us: found.row.kept_until.map(|at| at.as_unix_us()),
        audio_until_us: found.row.audio_until.map(|at| at.as_unix_us()),
        labels: labels
            .into_iter()
            .map(|label| Label {
                answered: label.answered,
                source: label.source,
                who: Some(label.who),
                at_us: label.at.as_unix_us(),
            })
            .collect(),
    }))
}

/// What detection heard of an attempt until its verdict, as WAV (8 kHz, 16 bits). Each listening stands in the audit log.
#[utoipa::path(get, path = "/api/v1/attempts/{id}/evidence/audio", tag = "answer detection", params(("id" = u64, Path, description = "Id of the attempt")),
    responses((status = 200, body = Vec<u8>, content_type = "audio/wav")))]
pub(super) async fn audio(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Id(id): Id,
) -> Result<Response, Problem> {
    let found = kept(&service, id).await?;
    let over = found.row.audio_until.is_none_or(|until| until <= service.wall_now());
    if over || found.row.audio.is_empty() {
        return Err(Problem::not_found(format!("sound of attempt {id}")));
    }
    let (key, tenant) = (service.key().await?, service.tenant);
    let sound = key.open_bytes(tenant, SOUND, &found.row.audio)?;
    let mut samples = vec![0; sound.len()];
    codecs::g711::Law::Mu.decode_slice(&sound, &mut samples);
    let wav = codecs::wav::write(&samples).map_err(|error| {
        tracing::error!("the sound of attempt {id} could not be written: {error}");
        Problem::internal()
    })?;
    changes::write_down(
        &service,
        &holder,
        "GET /api/v1/attempts/{id}/evidence/audio".to_owned(),
        format!("/api/v1/attempts/{id}/evidence/audio"),
    );
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("audio/wav"))], wav).into_response())
}

/// Says what answered an attempt, from what was kept of it. The last word counts; all are kept.
#[utoipa::path(post, path = "/api/v1/attempts/{id}/label", tag = "answer detection", params(("id" = u64, Path, description = "Id of the attempt")),
    request_body = NewLabel, responses((status = 204, description = "It is written down")))]
pub(super) async fn label(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Id(id): Id,
    Json(wanted): Json<NewLabel>,
) -> Result<StatusCode, Problem> {
    kept(&service, id).await?;
    let row = AmdLabelRow {
        tenant: service.tenant,
        attempt: AttemptId(id),
        answered: wanted.answered.map(|answered| answered.name().to_owned()),
        source: "listener".to_owned(),
        who: holder.name.clone(),
        at: service.wall_now(),
    };
    service.ask(Request::AmdLabel(row)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who listens to calls: the detector whose word counts, and the net beside it.
#[utoipa::path(get, path = "/api/v1/amd/models", tag = "answer detection", responses((status = 200, body = Models)))]
pub(super) async fn models(State(service): State<Arc<Service>>) -> Result<axum::Json<Models>, Problem> {
    let (section, data_dir) = {
        let config = service.config.load();
        (config.amd.clone(), config.server.data_dir.clone())
    };
    let models = service
        .wait(move || {
            let share = section.max_human_as_machine;
            let of = |net: &detect::model::Net, file: Option<String>| {
                let setting = net.settings().iter().rev().find(|setting| setting.share <= share);
                Model {
                    detector: "default",
                    model: Some(net.hash()),
                    file,
                    max_human_as_machine: setting.map(|setting| setting.share),
                    card: Some(net.card().to_owned()),
                }
            };
            let acting = match section.detector.as_str() {
                "classic" => {
                    Model { detector: "classic", model: None, file: None, max_human_as_machine: None, card: None }
                }
                _ => of(&detect::shipped(), None),
            };
            let shadow = crate::amd::listening::shadow(&section, &data_dir).map_err(|failure| {
                tracing::warn!("the net in the shadow cannot be shown: {failure}");
                Problem::internal()
            })?;
            Ok(Models { acting, shadow: shadow.map(|net| of(&net, section.shadow_model.clone())) })
        })
        .await?;
    Ok(axum::Json(models))
}
