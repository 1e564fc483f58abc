//! What comes after the opening: assistants with and without a person who picks up, mailboxes to their beep; and copies of
//! fixed recordings over many lines.

use super::{Clip, about, beep, greeting, pick, system};
use crate::sources::{Item, Pools};
use base::Stream;

/// Length of a clip with what comes later: 24 s.
const LATER_SAMPLES: usize = 24 * 8_000;

/// A screening assistant or a mailbox, and what follows.
pub(crate) fn later(label: &str, pools: &Pools, random: &mut Stream) -> Clip {
    if label == "screening" { assistant(pools, random) } else { mailbox(pools, random) }
}

/// Asks who calls, waits for the answer, asks again at times; then somebody picks up, or nobody.
fn assistant(pools: &Pools, random: &mut Stream) -> Clip {
    let mut clip = Clip::of("assistant", LATER_SAMPLES);
    clip.wait(about(0.6, 0.6, 0.05, 2.0, random));
    let sentence = pick(&pools.synthetic["screening"], random);
    clip.read_out(sentence, 0.6);
    clip.greeting_end_s = Some(clip.now_s());
    clip.wait(random.range_f64(2.0, 7.0));
    if random.chance(0.4) {
        let same: Vec<&Item> =
            pools.synthetic["screening"].iter().filter(|item| item.voice == sentence.voice).collect();
        clip.read_out(pick::<&Item>(&same, random), 0.6);
        clip.wait(random.range_f64(1.5, 4.0));
    }
    if clip.now_s() < 19.0 && random.chance(0.6) {
        picks_up(&mut clip, pools, random);
    }
    clip
}

/// Speaks first, as after an answer, and then waits.
fn picks_up(clip: &mut Clip, pools: &Pools, random: &mut Stream) {
    clip.kind = "pickup";
    let begun_s = clip.now_s();
    let first = match random.unit() {
        c if c < 0.6 => pick(&pools.words, random),
        c if c < 0.8 => pick(&pools.phrases, random),
        _ => pick(&pools.synthetic["hello"], random),
    };
    clip.say(first, 0, usize::MAX);
    clip.person_s = Some((begun_s, clip.now_s()));
}

/// A greeting, with pauses between its sentences at times, the beep, and silence while it records.
fn mailbox(pools: &Pools, random: &mut Stream) -> Clip {
    let mut clip = Clip::of("mailbox", LATER_SAMPLES);
    clip.wait(about(0.45, 0.7, 0.02, 2.2, random));
    match random.unit() {
        c if c < 0.3 => system(&mut clip, pools, random),
        c if c < 0.6 => {
            let item = pick(&pools.synthetic["machine"], random);
            clip.read_out(item, random.range_f64(0.5, 1.5));
        }
        c if c < 0.8 => {
            clip.read_out(pick(&pools.synthetic["carrier"], random), 0.6);
            clip.wait(random.range_f64(0.6, 1.5));
            clip.read_out(pick(&pools.synthetic["carrier"], random), 0.6);
        }
        _ => {
            let mut short = Clip::of("mailbox", 12 * 8_000);
            greeting(&mut short, pools, random);
            let end = short.at.min(short.samples.len());
            clip.put(&short.samples[..end], 1.0);
            (clip.voice, clip.line_noise, clip.words) = (short.voice, short.line_noise, None);
        }
    }
    clip.greeting_end_s = Some(clip.now_s()).filter(|_| !clip.full());
    if clip.now_s() < 22.0 {
        beep(&mut clip, random);
    }
    clip
}

/// Everything of this split that is always the same: at least 3 s that networks, assistants, menus and mailboxes say.
pub(crate) fn recordings(pools: &Pools) -> Vec<(&'static str, &Item)> {
    let kinds = [
        ("machine", "machine"),
        ("carrier", "machine"),
        ("ivr", "ivr"),
        ("announce", "ivr"),
        ("screening", "screening"),
    ];
    let synthetic =
        kinds.into_iter().flat_map(|(kind, label)| pools.synthetic[kind].iter().map(move |item| (label, item)));
    let prompts = pools.prompts.values().flat_map(|prompts| prompts.voicemail.values().map(|item| ("machine", item)));
    synthetic.chain(prompts).filter(|(_, item)| item.samples.len() >= 24_000).collect()
}

/// One call that such a recording answers: it begins after another silence each time, and is cut in now and then.
pub(crate) fn copy_of(item: &Item, name: String, random: &mut Stream) -> Clip {
    let mut clip = Clip::new("recording");
    let cut = random.chance(0.1);
    if !cut {
        clip.wait(about(0.45, 0.6, 0.02, 2.0, random));
    }
    clip.greeting_start_s = Some(clip.now_s());
    let from = if cut { (random.range_f64(0.02, 0.25) * 8_000.0) as usize } else { 0 };
    clip.say(item, from, usize::MAX);
    clip.recording = Some(name);
    clip
}
