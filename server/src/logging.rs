//! Logs: text for people, JSON lines for machines, both on stderr; telephone numbers shortened above DEBUG.
//!
//! ```text
//!  info!(number = %Redacted("+4479460000"), "dialling")  ──>  INFO dialling number=+44***00
//!  debug!(number = %Redacted("+4479460000"), "dialling") ──>  DEBUG dialling number=+4479460000
//! ```

use crate::failure::Failure;
use clap::ValueEnum;
use std::cell::Cell;
use std::fmt;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line of text.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Begins logging on stderr. `filter` is a level or a list such as `info,store=debug`.
///
/// # Errors
/// A filter that cannot be read, or logging that has begun already.
pub fn init(format: LogFormat, filter: &str) -> Result<(), Failure> {
    let wrong = |e: &dyn fmt::Display| {
        Failure::usage(&format!("--log {filter:?}"), &format!("cannot be used ({e})"), "write a level, such as info")
    };
    let filter = EnvFilter::try_new(filter).map_err(|e| wrong(&e))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A line that cannot be written (a full disk, a closed pipe) is lost. Said on stderr, as the library would, that
    // fails again and is a panic.
    let builder = builder.log_internal_errors(false);
    let done = match format {
        LogFormat::Text => builder.event_format(text_lines()).try_init(),
        LogFormat::Json => builder.fmt_fields(JsonFields::new()).event_format(json_lines()).try_init(),
    };
    done.map_err(|e| wrong(&e))
}

fn text_lines() -> LevelKnown<Format> {
    LevelKnown(Format::default().with_ansi(false))
}

fn json_lines() -> LevelKnown<Format<Json>> {
    LevelKnown(Format::default().json().flatten_event(true))
}

/// A telephone number for a log line or a message: the country code and the last two digits. In full only inside an
/// event of level DEBUG or TRACE.
#[derive(Clone, Copy)]
pub struct Redacted<'a>(pub &'a str);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if FULL.get() {
            return f.write_str(self.0);
        }
        // Shorter ones are internal or rubbish: any two digits of them would say too much.
        let digits = self.0.strip_prefix('+').unwrap_or_default();
        if digits.len() < 7 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return f.write_str("***");
        }
        // The count of stars is fixed, so that it does not tell the length.
        write!(f, "+{}***{}", &digits[..country_code_len(digits)], &digits[digits.len() - 2..])
    }
}

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Digits of the country code at the front of an E.164 number: ITU-T E.164's list of assigned codes. Zones 1 and 7 have
/// one digit; the pairs below have two; all others three.
fn country_code_len(digits: &str) -> usize {
    const PAIRS: [&str; 44] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
        "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84",
        "86", "90", "91", "92", "93", "94", "95", "98",
    ];
    match &digits[..2] {
        pair if pair.starts_with(['1', '7']) => 1,
        pair if PAIRS.contains(&pair) => 2,
        _ => 3,
    }
}

thread_local! {
    /// True while an event of level DEBUG or TRACE is being written.
    static FULL: Cell<bool> = const { Cell::new(false) };
}

/// Lets [`Redacted`] know the level of the event that it is written into.
struct LevelKnown<F>(F);

impl<S, N, F> FormatEvent<S, N> for LevelKnown<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let _restore = Full::set(*event.metadata().level() >= Level::DEBUG);
        self.0.format_event(context, writer, event)
    }
}

/// Puts the switch back however the event's formatting ends.
struct Full(bool);

impl Full {
    fn set(full: bool) -> Full {
        Full(FULL.replace(full))
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        FULL.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::fmt::MakeWriter;

    /// Keeps what is logged.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Kept {
        type Writer = Kept;
        fn make_writer(&'a self) -> Kept {
            self.clone()
        }
    }

    fn say_at_each_level() {
        let number = "+12125550123";
        tracing::error!(number = %Redacted(number), "one");
        tracing::warn!("two {}", Redacted(number));
        tracing::info!(number = ?Redacted(number), "three");
        tracing::debug!(number = %Redacted(number), "four");
        tracing::trace!(number = %Redacted(number), "five");
        tracing::info_span!("call", number = %Redacted(number)).in_scope(|| tracing::info!("six"));
    }

    fn lines(kept: &Kept) -> Vec<String> {
        let bytes = kept.0.lock().unwrap();
        String::from_utf8(bytes.clone()).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn text_shows_numbers_in_full_from_debug_on_only() {
        let kept = Kept::default();
        let builder = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(kept.clone());
        tracing::subscriber::with_default(builder.event_format(text_lines()).finish(), say_at_each_level);
        let lines = lines(&kept);
        assert_eq!(lines.len(), 6);
        for (index, line) in lines.iter().enumerate() {
            let full = index == 3 || index == 4;
            assert_eq!(line.contains("+12125550123"), full, "{line}");
            assert_eq!(line.contains("+1***23"), !full, "{line}");
            assert!(full || !line.contains("2125550"), "{line}");
        }
    }

    #[test]
    fn json_is_one_object_a_line_and_redacts_alike() {
        let kept = Kept::default();
        let builder = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(kept.clone());
        let subscriber = builder.fmt_fields(JsonFields::new()).event_format(json_lines()).finish();
        tracing::subscriber::with_default(subscriber, say_at_each_level);
        let objects: Vec<serde_json::Value> =
            lines(&kept).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let numbers: Vec<_> = objects.iter().filter_map(|object| object["number"].as_str()).collect();
        assert_eq!(numbers, ["+1***23", "+1***23", "+12125550123", "+12125550123"]);
        assert_eq!(objects[5]["span"]["number"], "+1***23");
    }

    #[test]
    fn what_is_left_of_a_number_is_its_country_and_two_digits() {
        for (number, shown) in [
            ("+12125550123", "+1***23"),
            ("+79161234567", "+7***67"),
            ("+442079460000", "+44***00"),
            ("+4915123456789", "+49***89"),
            ("+3531234567", "+353***67"),
            ("+85212345678", "+852***78"),
            ("+12345", "***"),
            ("5551234567", "***"),
            ("agent-7", "***"),
            ("+1212555é123", "***"),
            ("", "***"),
        ] {
            assert_eq!(Redacted(number).to_string(), shown, "{number}");
            assert_eq!(format!("{:?}", Redacted(number)), shown);
        }
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_refused() {
        let failure = init(LogFormat::Text, "store=loud").unwrap_err();
        assert_eq!(failure.code(), 2);
        assert!(failure.to_string().contains("store=loud"), "{failure}");
    }
}
