//! Why a detector decided: one recording as a timeline of what was heard, thought and concluded.

use crate::exam::FRAME_SAMPLES;
use codecs::energy::rms;
use detect::decide::{Look, Tuning};
use detect::model::Net;
use detect::words::Family;
use detect::{Decision, Listener, Verdict};
use std::fmt::Write as _;
use std::sync::Arc;

/// One line of the text for so many looks: 200 ms.
const LOOKS_A_LINE: usize = 10;
/// Phrases are named from this probability on.
const HEARD_LEAST: f32 = 0.5;
/// Colours of the classes, in their order.
const COLOURS: [&str; 7] = ["#2b8a3e", "#c92a2a", "#e8590c", "#862e9c", "#868e96", "#1971c2", "#e67700"];

/// A recording as the detector `default` hears it, to its end.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// What the decision saw, every 20 ms.
    pub looks: Vec<Look>,
    /// Level of each 20 ms in dB of full scale.
    pub levels_db: Vec<f32>,
    /// What was decided; by default at the end.
    pub decision: Decision,
    /// With which thresholds.
    pub tuning: Tuning,
}

/// Hears a recording.
pub fn timeline(samples: &[i16], net: &Arc<Net>, tuning: Tuning) -> Timeline {
    let mut listener = Listener::new(Arc::clone(net));
    let (mut looks, mut levels_db) = (Vec::new(), Vec::new());
    for frame in samples.chunks_exact(FRAME_SAMPLES) {
        listener.push(frame, |look| looks.push(*look));
        levels_db.push((20.0 * (rms(frame) / 32_768.0).max(1e-5).log10()) as f32);
    }
    let decision = crate::exam::decide(&looks, tuning);
    Timeline { looks, levels_db, decision, tuning }
}

/// What a rule means, in a sentence.
fn because(decision: &Decision, tuning: &Tuning) -> String {
    match decision.cause {
        cause if detect::decide::sit_reason(cause).is_some() => {
            "special information tones are the network's".to_owned()
        }
        "FAXTONE" => "a fax or modem sounded".to_owned(),
        "BEEP" => format!("a beep followed at least {} ms of speech", tuning.speech_before_beep_ms),
        "NET" if decision.verdict == Verdict::Human => {
            format!("the probability of a person reached {}", tuning.human)
        }
        "NET" => format!(
            "the probabilities of machine, menu and screening together were at least {} for {} ms",
            tuning.machine, tuning.machine_hold_ms
        ),
        cause if Family::ALL.into_iter().any(|family| family.cause() == cause) => format!(
            "with phrases of a machine, such as \"{}\", the probabilities of machine, menu and screening together were at \
             least {} for {} ms",
            Family::ALL.into_iter().find(|family| family.cause() == cause).map_or("", Family::wording),
            tuning.machine,
            tuning.machine_hold_ms
        ),
        "REST" => format!("speech was followed by {} ms of rest: in doubt a person", tuning.rest_ms),
        "ACROSS" => "it had begun before the answer and spoke on: no person does".to_owned(),
        "LIKELY" => format!(
            "for {} ms a person was likely (at least {:.2}) and no machine",
            tuning.person_hold_ms,
            tuning.human - detect::decide::LIKELY_LESS
        ),
        "LULL" => format!(
            "for {} ms nobody spoke as loud as before, and no machine was likely: in doubt a person",
            tuning.rest_ms
        ),
        "CUT-IN" => {
            format!(
                "the call began in the midst of words, which {} ms of rest followed: in doubt a person",
                tuning.rest_ms
            )
        }
        "DEADLINE" => format!("still talk after {} ms: in doubt a person", tuning.talk_ms),
        "SILENCE" => format!("no speech in {} ms, or clicks and far voices only", tuning.silence_ms),
        _ => "the recording ended first: in doubt a person".to_owned(),
    }
}

impl Timeline {
    /// For a terminal: a line for every 200 ms and wherever a tone is told, then the decision and why.
    pub fn text(&self) -> String {
        let mut out = format!("{:>6} {:>6}  {:<6}", "ms", "dB", "");
        Verdict::ALL.iter().for_each(|class| _ = write!(out, "{:>10}", class.name()));
        out += "\n";
        let decided = |look: &Look| look.at_ms == self.decision.at_ms;
        for (index, (look, level_db)) in self.looks.iter().zip(&self.levels_db).enumerate() {
            if !(index + 1).is_multiple_of(LOOKS_A_LINE) && look.tone.is_none() && !decided(look) {
                continue;
            }
            let speaks = if look.speech_ms > 0 && look.rest_ms == 0 { "speech" } else { "" };
            _ = write!(out, "{:>6} {level_db:>6.1}  {speaks:<6}", look.at_ms);
            look.posterior.iter().for_each(|p| _ = write!(out, "{:>8.0} %", p * 100.0));
            look.tone.iter().for_each(|tone| _ = write!(out, "  {tone:?}"));
            for (family, heard) in Family::ALL.into_iter().zip(look.heard).filter(|(_, heard)| *heard >= HEARD_LEAST) {
                _ = write!(out, "  \"{}\" {:.0} %", family.wording(), heard * 100.0);
            }
            if decided(look) {
                _ = write!(out, "  <- {}", self.decision.verdict.name());
            }
            out += "\n";
        }
        let Decision { verdict, cause, at_ms, utterance_end_ms } = self.decision;
        let why = because(&self.decision, &self.tuning);
        _ = writeln!(out, "\n{} after {at_ms} ms ({cause}): {why}", verdict.name());
        if let Some(end_ms) = utterance_end_ms {
            _ = writeln!(out, "the speech before it ended at {end_ms} ms");
        }
        out
    }

    /// As a picture: level, speech, tones, probabilities stacked, and the moment of the verdict.
    pub fn svg(&self, title: &str) -> String {
        const LEFT: f64 = 70.0;
        const WIDTH: f64 = 900.0;
        let count = self.looks.len().max(1) as f64;
        let x = |n: usize| LEFT + n as f64 / count * (WIDTH - LEFT - 110.0);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} 400\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{}</text>\n\
             <text x=\"8\" y=\"75\">level</text><text x=\"8\" y=\"139\">speech</text><text x=\"8\" y=\"165\">tones</text>\
             <text x=\"8\" y=\"270\">what is it</text>\n",
            escaped(title)
        );
        let mut level = format!("{:.1},120", x(0));
        for (n, db) in self.levels_db.iter().enumerate() {
            _ = write!(level, " {:.1},{:.1}", x(n), 120.0 - f64::from((db + 70.0).clamp(0.0, 70.0)) * 1.2);
        }
        _ = writeln!(out, "<polygon points=\"{level} {:.1},120\" fill=\"#adb5bd\"/>", x(self.levels_db.len()));
        for (n, look) in self.looks.iter().enumerate() {
            if look.speech_ms > 0 && look.rest_ms == 0 {
                let (from, wide) = (x(n), x(n + 1) - x(n));
                _ = writeln!(
                    out,
                    "<rect x=\"{from:.1}\" y=\"130\" width=\"{wide:.2}\" height=\"10\" fill=\"#495057\"/>"
                );
            }
            if let Some(tone) = look.tone {
                _ = writeln!(out, "<text x=\"{:.1}\" y=\"165\" text-anchor=\"end\">{tone:?}</text>", x(n));
            }
        }
        let mut floor = vec![0.0_f32; self.looks.len()];
        for (class, (verdict, colour)) in Verdict::ALL.iter().zip(COLOURS).enumerate() {
            let y = |share: f32| 370.0 - f64::from(share.clamp(0.0, 1.0)) * 190.0;
            let back: String = (0..floor.len()).rev().map(|n| format!(" {:.1},{:.1}", x(n), y(floor[n]))).collect();
            floor.iter_mut().zip(&self.looks).for_each(|(floor, look)| *floor += look.posterior[class]);
            let forth: String = (0..floor.len()).map(|n| format!("{:.1},{:.1} ", x(n), y(floor[n]))).collect();
            _ = writeln!(out, "<polygon points=\"{forth}{}\" fill=\"{colour}\"/>", back.trim_start());
            let row = 190 + class * 18;
            _ = writeln!(
                out,
                "<rect x=\"{0}\" y=\"{1}\" width=\"10\" height=\"10\" fill=\"{colour}\"/><text x=\"{2}\" y=\"{row}\">{3}</text>",
                WIDTH - 100.0,
                row - 10,
                WIDTH - 85.0,
                verdict.name()
            );
        }
        for second in 0..=self.looks.len() / 50 {
            _ = writeln!(out, "<text x=\"{:.1}\" y=\"390\" text-anchor=\"middle\">{second} s</text>", x(second * 50));
        }
        let at = x(self.decision.at_ms as usize / 20);
        let said = self.decision.verdict.name();
        out + &format!(
            "<line x1=\"{at:.1}\" y1=\"30\" x2=\"{at:.1}\" y2=\"372\" stroke=\"black\" stroke-width=\"2\"/>\
             <text x=\"{:.1}\" y=\"42\">{said}, {}</text>\n</svg>\n",
            at + 5.0,
            self.decision.cause
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_explained_in_words_and_as_a_picture() {
        let net = detect::shipped();
        let tuning = net.tuning(detect::model::SHARE_DEFAULT).unwrap();
        let timeline = timeline(&[3; 56_000], &net, tuning);
        assert_eq!(timeline.looks.len(), 350);
        let text = timeline.text();
        assert!(text.contains("silence after 6000 ms (SILENCE): no speech in 6000 ms"), "{text}");
        assert_eq!(text.lines().filter(|line| line.contains(" %")).count(), 35);
        assert!(
            text.lines().any(|line| line.trim_start().starts_with("6000 ") && line.ends_with("<- silence")),
            "{text}"
        );
        let picture = timeline.svg("<a> & b");
        assert!(picture.contains("&lt;a&gt; &amp; b") && picture.matches("<polygon").count() == 8);
    }

    #[test]
    fn a_recording_of_nothing_is_in_doubt_a_person() {
        let net = detect::shipped();
        let timeline = timeline(&[], &net, Tuning::with(0.9, 0.9));
        assert!(timeline.text().contains("human after 0 ms (TOOLONG)"));
        assert!(timeline.svg("empty").ends_with("</svg>\n"));
    }
}
