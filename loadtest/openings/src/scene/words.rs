//! Openings to learn words from: greetings, menus and assistants put together from sentences of which each holds a phrase,
//! and people who say the same words otherwise.

use super::{Clip, about, beep, pick};
use crate::sources::{Item, Pools};
use base::Stream;

/// Labels of the set, with their clips at scale 1.
pub(crate) const SHARES: [(&str, usize); 4] = [("human", 16), ("machine", 16), ("ivr", 5), ("screening", 5)];

/// One opening.
pub(crate) fn words(label: &str, pools: &Pools, random: &mut Stream) -> Clip {
    match label {
        "human" => person(pools, random),
        "machine" => machine(pools, random),
        "ivr" => listed("menu_words", "menu", pools, random),
        _ => listed("name_words", "assistant", pools, random),
    }
}

/// Sentences of a kind in one voice.
fn of_voice<'a>(pools: &'a Pools, kind: &str, voice: &str) -> Vec<&'a Item> {
    pools.synthetic[kind].iter().filter(|item| item.voice == voice).collect()
}

/// Real voices speak one sentence or several; synthetic ones one that has the machines' words in other roles, or that is
/// made of machines' words as people use them.
fn person(pools: &Pools, random: &mut Stream) -> Clip {
    let mut clip = Clip::new("sentence");
    clip.wait(about(0.5, 0.6, 0.05, 2.0, random));
    let first = if random.chance(0.5) {
        let speakers: Vec<&Vec<Item>> = pools.sentences.values().collect();
        pick(pick::<&Vec<Item>>(&speakers, random), random)
    } else {
        let kind = if random.chance(0.75) { "person_words" } else { "sentence" };
        pick(&pools.synthetic[kind], random)
    };
    clip.say(first, 0, usize::MAX);
    clip.first_utterance_end_s = Some(clip.now_s());
    for _ in 0..3 {
        clip.wait(about(1.5, 0.35, 0.85, 3.5, random));
        if clip.full() || !random.chance(0.6) {
            break;
        }
        clip.say(pick(&pools.synthetic["hello"], random), 0, 12_800);
    }
    clip
}

fn machine(pools: &Pools, random: &mut Stream) -> Clip {
    let mut clip = Clip::new("greeting");
    clip.wait(about(0.45, 0.7, 0.02, 2.2, random));
    let voice = pick(&pools.synthetic["leave"], random).voice.clone();
    for (kind, share) in [("greet", 0.75), ("away", 0.7), ("leave", 0.9), ("leave", 0.2)] {
        let own = of_voice(pools, kind, &voice);
        if !own.is_empty() && random.chance(share) {
            clip.read_out(pick::<&Item>(&own, random), 0.5);
            clip.wait(random.range_f64(0.1, 0.5));
        }
    }
    if clip.voice == "none" {
        clip.read_out(pick(&pools.synthetic["leave"], random), 0.5);
    }
    clip.greeting_end_s = Some(clip.now_s()).filter(|end| *end < 8.0);
    if clip.now_s() < 7.6 {
        beep(&mut clip, random);
    }
    clip
}

/// Sentences of one kind in one voice, to the end or until nothing more is said.
fn listed(of: &str, kind: &'static str, pools: &Pools, random: &mut Stream) -> Clip {
    let mut clip = Clip::new(kind);
    clip.wait(about(0.5, 0.6, 0.02, 2.0, random));
    let voice = pick(&pools.synthetic[of], random).voice.clone();
    let own = of_voice(pools, of, &voice);
    while !clip.full() {
        clip.read_out(pick::<&Item>(&own, random), 0.6);
        clip.wait(random.range_f64(0.2, 0.8));
        if random.chance(0.25) {
            break;
        }
    }
    clip
}
