//! What a campaign does with what answered, as the keys of `[[campaign]]` say it.

use super::read::Found;
use super::{Campaign, cross::Noted};
use base::Duration;
use dialer::{HelloThen, MessageAfter, OnIvr, OnMachine, OnScreening, OnSilence, Policies, Recording};
use serde_json::{Map, Value, json};

/// The keys, checked one by one.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    on_machine: String,
    /// File that is left on machines.
    pub machine_message: Option<String>,
    message_after: String,
    message_wait_s: u64,
    on_ivr: String,
    on_screening: String,
    /// File that a screening assistant is told.
    pub screening_message: Option<String>,
    screening_wait_s: u64,
    on_silence: String,
    /// File that a silent line hears.
    pub hello_message: Option<String>,
    hello_wait_s: u64,
    hello_then: String,
    on_fax: String,
    on_sit: String,
}

/// A choice, its value that plays something, and what it then plays.
const PLAYED: [(&str, &str, &str); 3] = [
    ("on_machine", "message", "machine_message"),
    ("on_screening", "identify", "screening_message"),
    ("on_silence", "hello", "hello_message"),
];

impl Answers {
    pub(super) fn of(found: &Found) -> Answers {
        Answers {
            on_machine: found.get("on_machine"),
            machine_message: found.maybe("machine_message"),
            message_after: found.get("message_after"),
            message_wait_s: found.get("message_wait_s"),
            on_ivr: found.get("on_ivr"),
            on_screening: found.get("on_screening"),
            screening_message: found.maybe("screening_message"),
            screening_wait_s: found.get("screening_wait_s"),
            on_silence: found.get("on_silence"),
            hello_message: found.maybe("hello_message"),
            hello_wait_s: found.get("hello_wait_s"),
            hello_then: found.get("hello_then"),
            on_fax: found.get("on_fax"),
            on_sit: found.get("on_sit"),
        }
    }

    /// Notes what is to be played and is not named.
    pub(super) fn check(found: &Found, noted: &mut Noted) {
        for (key, value, file) in PLAYED {
            if let Some(place) = found.place(key)
                && found.maybe::<String>(key).as_deref() == Some(value)
                && found.place(file).is_none()
            {
                let what = format!("{key} = {value:?} needs {file:?}");
                noted.push((place, found.path(key), what, format!("name a WAV file with {file}")));
            }
        }
    }

    /// The keys with their values; those without one are `null`.
    pub(super) fn to_json(&self) -> Map<String, Value> {
        let all = json!({
            "on_machine": self.on_machine,
            "machine_message": self.machine_message,
            "message_after": self.message_after,
            "message_wait_s": self.message_wait_s,
            "on_ivr": self.on_ivr,
            "on_screening": self.on_screening,
            "screening_message": self.screening_message,
            "screening_wait_s": self.screening_wait_s,
            "on_silence": self.on_silence,
            "hello_message": self.hello_message,
            "hello_wait_s": self.hello_wait_s,
            "hello_then": self.hello_then,
            "on_fax": self.on_fax,
            "on_sit": self.on_sit,
        });
        super::json::without_nulls(all)
    }

    /// The dialer's words. How long a file is, is known when it is read: until then it is as long as any may be.
    pub(super) fn policies(&self, campaign: &Campaign) -> Policies {
        let of = |key: &str, file: &Option<String>, max| {
            file.as_ref().map(|_| Recording { message: campaign.message_name(key), max })
        };
        let machine = of("machine_message", &self.machine_message, dialer::RECORDING_MAX);
        let screening = of("screening_message", &self.screening_message, dialer::MESSAGE_MAX);
        let hello = of("hello_message", &self.hello_message, dialer::MESSAGE_MAX);
        let after = if self.message_after == "beep" { MessageAfter::Beep } else { MessageAfter::GreetingEnd };
        Policies {
            machine: match machine.filter(|_| self.on_machine == "message") {
                None => OnMachine::HangUp,
                Some(recording) => {
                    OnMachine::Message { recording, after, wait: Duration::from_secs(self.message_wait_s) }
                }
            },
            ivr: if self.on_ivr == "agent" { OnIvr::Agent } else { OnIvr::HangUp },
            screening: match screening.filter(|_| self.on_screening == "identify") {
                None => OnScreening::HangUp,
                Some(recording) => {
                    OnScreening::Identify { recording, wait: Duration::from_secs(self.screening_wait_s) }
                }
            },
            silence: match hello.filter(|_| self.on_silence == "hello") {
                None => OnSilence::Agent,
                Some(recording) => OnSilence::Hello {
                    recording,
                    wait: Duration::from_secs(self.hello_wait_s),
                    then: if self.hello_then == "agent" { HelloThen::Agent } else { HelloThen::HangUp },
                },
            },
            fax_marks: self.on_fax == "mark",
            sit_by_meaning: self.on_sit == "by_meaning",
        }
    }
}
