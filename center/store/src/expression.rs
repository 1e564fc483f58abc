//! A small language that says which leads are meant: `attempts < 3 and segment in ("gold", "trial") and last_attempt
//! older 2d`.
//!
//! ```text
//!  text ──lex──> tokens with places ──parse──> Expr ──sql──> a condition with parameters ──> SQLite, PostgreSQL
//!                                                └───holds──> one lead in memory
//! ```
//!
//! **Invariants.** What a person wrote never becomes SQL text: fields are words of this program, values are parameters.
//! Every expression is true or false of every lead, never unknown: a text that is not there is the empty text, and what
//! never happened is older than everything. So SQL and memory say the same (a test compares them on both databases).
//! Length, depth and number of tests are bounded. Texts are compared as they stand, case included. Absent: arithmetic,
//! comparison of two fields, order of texts.

mod holds;
mod lex;
mod parse;
mod sql;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt::{self, Display, Formatter};

/// Longest expression, in bytes: a hundred values of twenty characters.
pub const EXPRESSION_BYTES_MAX: usize = 4_096;

/// Parentheses and `not` inside each other; each is a step of recursion.
const DEPTH_MAX: usize = 16;

/// Tests of one expression: each is one to three comparisons for every lead that is looked at.
const TESTS_MAX: usize = 64;

/// Values of one `in`.
const VALUES_MAX: usize = 200;

/// What is wrong with an expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExpressionFault {
    /// The character at which it is, from 1; one after the last where the end is.
    pub at: usize,
    /// What is wrong.
    pub what: String,
    /// What to write.
    pub mend: String,
}

impl Display for ExpressionFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "character {}: {}, {}", self.at, self.what, self.mend)
    }
}

impl std::error::Error for ExpressionFault {}

/// Which leads are meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeadExpression {
    expr: Expr,
}

impl LeadExpression {
    /// Reads an expression.
    ///
    /// # Errors
    /// The first fault, with its place.
    pub fn parse(text: &str) -> Result<LeadExpression, ExpressionFault> {
        parse::parse(text).map(|expr| LeadExpression { expr })
    }
}

impl Display for LeadExpression {
    /// As it would be written; reading it gives the same expression.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.expr)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Expr {
    /// All of them: at least two.
    All(Vec<Expr>),
    /// One of them: at least two.
    Any(Vec<Expr>),
    Not(Box<Expr>),
    /// A whole number against another.
    Number(NumberField, Cmp, i64),
    /// One of these texts; at least one.
    Text(TextField, Vec<String>),
    /// A text that begins so; never empty.
    Starts(TextField, String),
    /// Happened so many microseconds ago, or longer, or never.
    Older(MomentField, Span),
    /// Never happened.
    Never(MomentField),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cmp {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Cmp {
    const ALL: [(&'static str, Cmp); 6] = [
        ("!=", Cmp::Unequal),
        ("<=", Cmp::AtMost),
        (">=", Cmp::AtLeast),
        ("=", Cmp::Equal),
        ("<", Cmp::Less),
        (">", Cmp::More),
    ];

    fn sign(self) -> &'static str {
        Cmp::ALL.iter().find(|(_, cmp)| *cmp == self).map_or("=", |(sign, _)| sign)
    }
}

/// A length of time as it was written: how many, and of what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Span {
    count: u32,
    unit: char,
}

impl Span {
    /// Units with their seconds.
    const UNITS: [(char, i64); 5] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 7 * 86_400)];

    fn us(self) -> i64 {
        let seconds = Span::UNITS.iter().find(|(unit, _)| *unit == self.unit).map_or(1, |(_, seconds)| *seconds);
        i64::from(self.count) * seconds * 1_000_000
    }
}

/// Fields that hold a whole number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum NumberField {
    Attempts,
    Priority,
}

/// Fields that hold a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum TextField {
    Number,
    FirstName,
    LastName,
    Timezone,
    ExternalId,
    Segment,
    Region,
    State,
    Outcome,
}

/// Fields that hold a moment, or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum MomentField {
    LastAttempt,
    Next,
    Imported,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Field {
    Number(NumberField),
    Text(TextField),
    Moment(MomentField),
}

impl Field {
    /// All fields by the names that people write, which are those of the API.
    const ALL: [(&'static str, Field); 14] = [
        ("attempts", Field::Number(NumberField::Attempts)),
        ("priority", Field::Number(NumberField::Priority)),
        ("number", Field::Text(TextField::Number)),
        ("first_name", Field::Text(TextField::FirstName)),
        ("last_name", Field::Text(TextField::LastName)),
        ("timezone", Field::Text(TextField::Timezone)),
        ("external_id", Field::Text(TextField::ExternalId)),
        ("segment", Field::Text(TextField::Segment)),
        ("region", Field::Text(TextField::Region)),
        ("state", Field::Text(TextField::State)),
        ("last_outcome", Field::Text(TextField::Outcome)),
        ("last_attempt", Field::Moment(MomentField::LastAttempt)),
        ("next", Field::Moment(MomentField::Next)),
        ("imported", Field::Moment(MomentField::Imported)),
    ];

    fn name(self) -> &'static str {
        Field::ALL.iter().find(|(_, field)| *field == self).map_or("", |(name, _)| name)
    }
}

/// Dial states that a lead can have: `state = "CA"` is a mistake that would select nobody.
const STATES: [&str; 6] = ["new", "ready", "waiting", "dialling", "done", "blocked"];

impl Expr {
    /// How it stands inside another: a chain needs parentheses.
    fn inner(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::All(_) | Expr::Any(_) => write!(f, "({self})"),
            _ => write!(f, "{self}"),
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let chain = |f: &mut Formatter<'_>, parts: &[Expr], word: &str| {
            for (n, part) in parts.iter().enumerate() {
                if n > 0 {
                    write!(f, " {word} ")?;
                }
                part.inner(f)?;
            }
            Ok(())
        };
        match self {
            Expr::All(parts) => chain(f, parts, "and"),
            Expr::Any(parts) => chain(f, parts, "or"),
            Expr::Not(part) => {
                f.write_str("not ")?;
                part.inner(f)
            }
            Expr::Number(field, cmp, value) => {
                write!(f, "{} {} {value}", Field::Number(*field).name(), cmp.sign())
            }
            Expr::Text(field, values) => {
                let name = Field::Text(*field).name();
                match values.as_slice() {
                    [value] if value.is_empty() => write!(f, "{name} is empty"),
                    [value] => write!(f, "{name} = {}", Quoted(value)),
                    values => {
                        write!(f, "{name} in (")?;
                        for (n, value) in values.iter().enumerate() {
                            write!(f, "{}{}", if n == 0 { "" } else { ", " }, Quoted(value))?;
                        }
                        f.write_str(")")
                    }
                }
            }
            Expr::Starts(field, front) => write!(f, "{} starts {}", Field::Text(*field).name(), Quoted(front)),
            Expr::Older(field, span) => {
                write!(f, "{} older {}{}", Field::Moment(*field).name(), span.count, span.unit)
            }
            Expr::Never(field) => write!(f, "{} is empty", Field::Moment(*field).name()),
        }
    }
}

/// A text in quotes; a quote inside stands twice.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}
