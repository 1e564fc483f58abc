//! Words that give a machine away: where they end in what is said.
//!
//! **Invariants.** A text's marks are found by its words alone, whoever says them: a person at a front desk says "you have
//! reached" too. Where in the sound they end is reckoned by the share of letters, which is right to about a fifth of a
//! second; who learns from it must allow for that.

/// Families of phrases, with the wordings that belong to each; `*` stands for none to two words.
const FAMILIES: [(&str, &[&str]); 6] = [
    (
        "reached",
        &[
            "you've reached",
            "you have reached",
            "voicemail",
            "voice mail",
            "voice mailbox",
            "mailbox of",
            "answering machine",
            "answering service",
            "voice message system",
        ],
    ),
    (
        "away",
        &[
            "not available",
            "unavailable",
            "take your call",
            "take calls",
            "come to the phone",
            "get to the phone",
            "answer the phone",
            "answer your call",
            "pick up right now",
            "pick up the phone",
            "missed your call",
            "missed you",
            "away from my",
        ],
    ),
    (
        "leave",
        &[
            "leave * message",
            "leave * name",
            "leave * number",
            "record * message",
            "leave your",
            "leave me",
            "leave us",
        ],
    ),
    ("tone", &["the tone", "the beep", "the signal"]),
    (
        "name",
        &[
            "say your name",
            "state your name",
            "record your name",
            "give your name",
            "have your name",
            "tell me your name",
            "reason for your call",
            "reason for calling",
            "reason you are calling",
            "why you are calling",
            "why you're calling",
            "why you called",
        ],
    ),
    (
        "menu",
        &[
            "press one",
            "press two",
            "press three",
            "press four",
            "press five",
            "press six",
            "press nine",
            "press zero",
            "press star",
            "press pound",
            "press the pound",
            "pound key",
            "pound sign",
            "stay on the line",
            "may be recorded",
            "may be monitored",
            "please hold",
            "continue to hold",
            "this menu",
            "main menu",
            "our menu",
            "following options",
            "party's extension",
        ],
    ),
];

/// A phrase that was said.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Mark<T> {
    pub(crate) family: &'static str,
    /// Where it ends.
    pub(crate) end: T,
}

/// The phrases of a text, each with the share of its letters that has been said when it ends.
pub(crate) fn marks(text: &str) -> Vec<Mark<f64>> {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    let all = letters(text).max(1) as f64;
    let mut said = 0;
    let words: Vec<(String, f64)> = text
        .split_whitespace()
        .map(|word| {
            said += letters(word);
            let plain = word.chars().filter(|c| c.is_alphanumeric() || *c == '\'').collect::<String>();
            (plain.to_lowercase(), said as f64 / all)
        })
        .collect();
    let mut found = Vec::new();
    for (family, wordings) in FAMILIES {
        for from in 0..words.len() {
            let end = wordings.iter().filter_map(|wording| ends(&words[from..], wording)).max();
            found.extend(end.map(|end| Mark { family, end: words[from + end - 1].1 }));
        }
    }
    found
}

/// After how many of `words` the wording ends that begins with the first of them.
fn ends(words: &[(String, f64)], wording: &str) -> Option<usize> {
    let Some((first, rest)) = wording.split_once(' ') else {
        return (words.first()?.0 == wording).then_some(1);
    };
    if first == "*" {
        return (0..=2.min(words.len())).find_map(|skipped| ends(&words[skipped..], rest).map(|end| skipped + end));
    }
    (words.first()?.0 == first).then(|| ends(&words[1..], rest)).flatten().map(|end| end + 1)
}

/// Marks of a text as places in samples, of which `parts` hold speech.
pub(crate) fn placed(text: &str, parts: &[(usize, usize)]) -> Vec<Mark<usize>> {
    let speech: usize = parts.iter().map(|(start, end)| end - start).sum();
    let place = |share: f64| {
        let mut left = (share * speech as f64).round() as usize;
        for (start, end) in parts {
            if left <= end - start {
                return start + left;
            }
            left -= end - start;
        }
        parts.last().map_or(0, |(_, end)| *end)
    };
    marks(text).into_iter().map(|mark| Mark { family: mark.family, end: place(mark.end) }).collect()
}

/// As the column of LABELS.csv: `FAMILY@SECONDS`, apart by spaces; a question mark where nobody wrote down what was said.
pub(crate) fn column(words: Option<&[Mark<f64>]>) -> String {
    let Some(words) = words else { return "?".to_owned() };
    words.iter().map(|mark| format!("{}@{:.2}", mark.family, mark.end)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families(text: &str) -> Vec<&'static str> {
        marks(text).into_iter().map(|mark| mark.family).collect()
    }

    #[test]
    fn phrases_are_found_by_their_words() {
        assert_eq!(
            families("You've reached Tom. Please leave us a short message after the tone."),
            ["reached", "leave", "tone"]
        );
        assert_eq!(families("Leave your name and the reason for your call."), ["leave", "name"]);
        assert_eq!(families("I left a message; just leave it at the door. Which number?"), [""; 0]);
        assert_eq!(families("I can't take your call. For sales, press one."), ["away", "menu"]);
    }

    #[test]
    fn they_end_by_the_share_of_letters_in_what_is_speech() {
        let all = marks("One two three, wait for the beep.");
        assert_eq!(all.len(), 1);
        assert!((all[0].end - 1.0).abs() < 1e-9);
        // Of 12 letters 8 have been said: half a part of 800 and a rest of 400 before it.
        let placed = placed("the tone abcd efg", &[(0, 500), (900, 1_400)]);
        assert_eq!(placed, [Mark { family: "tone", end: 500 }]);
        assert_eq!(
            column(Some(&[Mark { family: "tone", end: 1.25 }, Mark { family: "away", end: 2.0 }])),
            "tone@1.25 away@2.00"
        );
        assert_eq!(column(None), "?");
    }
}
