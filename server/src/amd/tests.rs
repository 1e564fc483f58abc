//! The field loop: calls are heard in the shadow, agents say what answered, a net is trained on that, it listens in the
//! shadow, and a campaign that acts sends its share to agents.

use super::figures::Figures;
use super::listening::{Judged, Listening};
use crate::config::AmdSection;
use base::{AttemptId, CampaignId, Duration, Seed, Stream, WallTime};
use detect::{Decision, Evidence, Keeper, Told, Verdict};
use dialer::{AmdHandled, AmdHandling, AmdMode};
use store::{AmdLabelRow, Op, Store, TenantId};

const TENANT: TenantId = TenantId::DEFAULT;
const FIRST_US: i64 = 1_772_000_000_000_000;

/// Somebody speaks from `from_s` on for `for_s`, in syllables of `syllable_s`; noise stands for the voice.
fn voice(random: &mut Stream, from_s: f64, for_s: f64, syllable_s: f64, all_s: f64) -> Vec<i16> {
    let pitch = random.range_f64(0.3, 0.9);
    let mut low = 0.0;
    (0..(all_s * 8_000.0) as usize)
        .map(|n| {
            let t = n as f64 / 8_000.0;
            let speaks = (from_s..from_s + for_s).contains(&t) && (t - from_s) % (syllable_s * 1.4) < syllable_s;
            low += pitch * (random.range_f64(-1.0, 1.0) - low);
            (low * if speaks { 6_000.0 } else { 12.0 }) as i16
        })
        .collect()
}

fn section(shadow_model: Option<String>) -> AmdSection {
    AmdSection { detector: "default".to_owned(), max_human_as_machine: 0.01, evidence_days: 30, shadow_model }
}

/// Hears one call as a shard does.
fn hear(listening: &Listening, samples: &[i16]) -> (Decision, Evidence) {
    let listen = listening.listen(false);
    let mut detector = listen.detector.build();
    let mut keeper = Keeper::new(&listen.keep, detector.as_mut()).unwrap();
    let mut decision = None;
    for frame in samples.chunks(160).chain(std::iter::repeat_n(&[0_i16; 160][..], 400)) {
        keeper.push_frame(frame);
        detector.push_frame(frame, &mut |told| {
            if let Told::Verdict(verdict) = told {
                decision = Some(verdict);
            }
        });
        if let Some(decision) = decision {
            return (decision, keeper.finish(detector.as_mut()));
        }
    }
    panic!("eight seconds of silence end every doubt");
}

fn handled(mode: AmdMode, verdict: Verdict) -> AmdHandled {
    let handling = if verdict == Verdict::Human { AmdHandling::Person } else { AmdHandling::Shadow };
    AmdHandled { mode, handling, share: 1.0 }
}

#[test]
fn from_the_shadow_to_a_retrained_net() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("outpace.db").display());
    let (store, acks) = Store::open(&url).unwrap();
    let campaign = store.ensure_campaign(TENANT, "spring", WallTime::from_unix_us(FIRST_US)).unwrap();
    let write = |op| {
        store.submit(1, op).unwrap();
        acks.recv().unwrap().result.unwrap();
    };

    // A campaign in the shadow: everybody goes to an agent, who says what answered.
    let listening = Listening::of(&section(None), folder.path(), None).unwrap();
    let mut random = Seed::from_u64(5).stream("callees", 0);
    const CALLS: u64 = 660;
    for n in 1..=CALLS {
        let person = n.is_multiple_of(2);
        let samples = match person {
            true => voice(&mut random, 0.4, 0.5, 0.2, 1.6),
            false => voice(&mut random, 0.3, 2.2, 0.5, 2.6),
        };
        let (decision, evidence) = hear(&listening, &samples);
        let row = listening.row(Judged {
            tenant: TENANT,
            attempt: AttemptId(n),
            campaign,
            number: &format!("+1212555{:04}", n % 500),
            at: WallTime::from_unix_us(FIRST_US + n as i64 * 60_000_000),
            codec: "PCMU",
            decision,
            handled: handled(AmdMode::Shadow, decision.verdict),
            evidence: Some(evidence),
            line: media::session::Stats::default(),
            sound_kept: None,
        });
        assert!(row.features.len() <= 10_800 && row.audio.is_empty());
        write(Op::AmdEvidence(Box::new(row)));
        write(Op::AmdLabel(AmdLabelRow {
            tenant: TENANT,
            attempt: AttemptId(n),
            answered: Some(if person { "person" } else { "machine" }.to_owned()),
            source: "agent".to_owned(),
            who: "ann".to_owned(),
            at: WallTime::from_unix_us(FIRST_US + n as i64 * 60_000_000),
        }));
    }
    let figures = Figures::of(&store.amd_counts(TENANT, campaign, None, None).unwrap());
    assert_eq!((figures.calls, figures.labelled, figures.answered["person"]), (CALLS, CALLS, CALLS / 2));
    store.close().unwrap();

    // Learnt from it: split by number, compared with the net that was there, installed nowhere.
    let out = folder.path().join("mine.net");
    let amd = |line: &[&str]| {
        use clap::Parser;
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            amd: super::AmdArgs,
        }
        super::run(&Line::parse_from(["amd"].iter().chain(line)).amd)
    };
    let path = out.display().to_string();
    let knob = ["--max-human-as-machine", "0.5"];
    let train = ["train", "--from", &url, "--campaign", "spring", "--epochs", "2", "--out", &path];
    amd(&[&train[..], &knob].concat()).unwrap();
    let net = detect::model::Net::from_bytes(&std::fs::read(&out).unwrap()).unwrap();
    assert_ne!(net.hash(), detect::shipped().hash());
    assert!(net.card().contains("of 660 labelled calls of campaign spring, split by called number"), "{}", net.card());
    let eval = ["eval", "--from", &url, "--campaign", "spring", "--model", &path];
    amd(&[&eval[..], &knob].concat()).unwrap();
    let again = folder.path().join("again.net").display().to_string();
    let calibrate = ["calibrate", "--from", &url, "--campaign", "spring", "--out", &again];
    amd(&[&calibrate[..], &knob].concat()).unwrap();
    let nobody = amd(&["train", "--from", &url, "--campaign", "autumn", "--out", &path]).unwrap_err().to_string();
    assert!(nobody.contains("\"autumn\" is not in this store"), "{nobody}");

    // And into the shadow, where it is written down and never acts.
    let section = AmdSection { max_human_as_machine: 0.5, ..section(Some(path)) };
    let listening = Listening::of(&section, folder.path(), None).unwrap();
    let (decision, evidence) = hear(&listening, &voice(&mut random, 0.3, 2.2, 0.5, 2.6));
    let row = listening.row(Judged {
        tenant: TENANT,
        attempt: AttemptId(CALLS + 1),
        campaign: CampaignId(1),
        number: "+12125550100",
        at: WallTime::from_unix_us(FIRST_US),
        codec: "PCMU",
        decision,
        handled: handled(AmdMode::Shadow, decision.verdict),
        evidence: Some(evidence),
        line: media::session::Stats::default(),
        sound_kept: Some(Duration::from_secs(86_400)),
    });
    assert_eq!(row.shadow.unwrap().model, net.hash());
    assert_eq!(row.model, Some(detect::shipped().hash()));
    assert!(row.audio.is_empty() && row.audio_until.is_none(), "without a key no sound is kept");
}

#[test]
fn too_few_labels_teach_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("outpace.db").display());
    let (store, _acks) = Store::open(&url).unwrap();
    store.ensure_campaign(TENANT, "spring", WallTime::from_unix_us(FIRST_US)).unwrap();
    store.close().unwrap();
    let from = super::learn::FromArgs::naming(&url, "spring");
    let few = from.field().err().unwrap().to_string();
    assert!(few.contains("has 0 labelled calls with people, at least 300 are needed"), "{few}");
}
