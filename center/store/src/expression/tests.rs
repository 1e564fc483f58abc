use super::*;
use crate::rows::LeadRow;
use base::{LeadId, ListId, WallTime};

fn lead() -> LeadRow {
    LeadRow {
        lead: LeadId(1),
        list: ListId(1),
        number: "+12125550100".to_owned(),
        dial_number: None,
        first_name: Some("Ann".to_owned()),
        last_name: None,
        timezone: None,
        external_id: None,
        state: "waiting".to_owned(),
        attempt_number: 2,
        last_attempt_at: Some(WallTime::from_unix_us(1_000_000_000)),
        next_at: None,
        last_outcome: Some("busy".to_owned()),
        segment: Some("gold".to_owned()),
        region: Some("CA".to_owned()),
        priority: -3,
        imported_at: WallTime::from_unix_us(0),
    }
}

const NOW: WallTime = WallTime::from_unix_us(1_000_000_000 + 2 * 86_400_000_000);

fn holds(text: &str) -> bool {
    LeadExpression::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}")).holds(&lead(), NOW)
}

#[test]
fn an_expression_says_which_leads_are_meant() {
    for text in [
        "attempts < 3",
        "attempts = 2 and priority >= -3",
        "segment in (\"gold\", 'trial') and region = \"CA\"",
        "not segment = \"silver\" and not (attempts > 5 or priority > 0)",
        "last_attempt older 47h",
        "last_attempt newer 3d",
        "last_name is empty and first_name is not empty",
        "last_name != \"x\"",
        "next is empty and next older 1w",
        "number starts \"+1212\"",
        "segment not in (\"trial\")",
        "STATE = \"waiting\" AND last_outcome = \"busy\"",
        "attempts > 9 or attempts < 1 or attempts = 2",
        "imported older 1s",
    ] {
        assert!(holds(text), "{text}");
        assert!(!holds(&format!("not ({text})")), "{text}");
    }
    for text in
        ["last_attempt older 2d", "last_attempt newer 1d", "segment = \"Gold\"", "attempts > 1 and priority > 0"]
    {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn a_fault_names_its_place_and_what_to_write() {
    for (text, at, what, mend) in [
        ("", 1, "ends here", "write a field"),
        ("   ", 4, "ends here", "write a field"),
        ("attempts", 9, "ends here", "and a number"),
        ("attempts <", 11, "ends here", "whole number"),
        ("attempts < \"3\"", 12, "text in quotes", "whole number"),
        ("atempts < 3", 1, "\"atempts\" is no field", "attempts"),
        ("attempts < 3 segment = \"x\"", 14, "one too many", "and or or"),
        ("attempts < 3 and", 17, "ends here", "write a field"),
        ("(attempts < 3", 14, "ends here", "write a )"),
        ("segment = gold", 11, "\"gold\" does not belong", "text in quotes"),
        ("segment = \"gold", 11, "has no end", "behind it"),
        ("segment < \"gold\"", 9, "no order", "in"),
        ("segment in (\"a\" \"b\")", 17, "does not belong", ","),
        ("segment in ()", 13, "does not belong", "text in quotes"),
        ("segment starts \"\"", 16, "begins with nothing", "begins with"),
        ("state = \"CA\"", 9, "no dial state", "region"),
        ("last_attempt < 3", 14, "does not belong", "older"),
        ("last_attempt older 3", 20, "does not belong", "2d"),
        ("last_attempt older 3y", 20, "no unit", "w"),
        ("last_attempt older 3days", 21, "no unit", "w"),
        ("last_attempt older -3d", 20, "too large or negative", "smaller"),
        ("attempts < 99999999999999999999", 12, "too large", "smaller"),
        ("ättempts < 3", 1, "no meaning", "field"),
        ("segment = \"ä\" ; drop", 15, "no meaning", "field"),
        ("segment = \"a\0\"", 13, "NUL", "leave"),
    ] {
        let fault = LeadExpression::parse(text).expect_err(text);
        assert_eq!(fault.at, at, "{text:?}: {fault}");
        assert!(fault.what.contains(what) && fault.mend.contains(mend), "{text:?}: {fault}");
    }
}

#[test]
fn length_depth_tests_and_values_are_bounded() {
    let deep = |n: usize| format!("{}attempts = 1{}", "(".repeat(n), ")".repeat(n));
    assert!(LeadExpression::parse(&deep(DEPTH_MAX)).is_ok());
    let fault = LeadExpression::parse(&deep(DEPTH_MAX + 1)).unwrap_err();
    assert!(fault.what.contains("deep"), "{fault}");
    assert!(LeadExpression::parse(&format!("{}attempts = 1", "not ".repeat(500))).is_err());
    let tests = |n: usize| vec!["attempts = 1"; n].join(" or ");
    assert!(LeadExpression::parse(&tests(TESTS_MAX)).is_ok());
    assert!(LeadExpression::parse(&tests(TESTS_MAX + 1)).unwrap_err().what.contains("too many"));
    let values = |n: usize| format!("segment in ({})", vec!["\"x\""; n].join(","));
    assert!(LeadExpression::parse(&values(VALUES_MAX)).is_ok());
    assert!(LeadExpression::parse(&values(VALUES_MAX + 1)).is_err());
    let long = format!("segment = \"{}\"", "x".repeat(300));
    assert!(LeadExpression::parse(&long).unwrap_err().what.contains("too long"));
    let endless = "x".repeat(EXPRESSION_BYTES_MAX + 1);
    assert!(LeadExpression::parse(&endless).unwrap_err().mend.contains("4096"));
}

/// A small generator of its own, so that a failing case is a number.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }

    pub(crate) fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }
}

const TEXTS: [&str; 9] = ["", "gold", "trial", "CA", "busy", "Ann", "ä€", "a\"b", "%_"];

/// Any expression that can be written.
pub(crate) fn any(dice: &mut Dice, depth: usize) -> String {
    let kinds = if depth == 0 { 5 } else { 9 };
    match dice.below(kinds) {
        0 => {
            let cmp = dice.of(&["=", "!=", "<", "<=", ">", ">="]);
            format!("{} {cmp} {}", dice.of(&["attempts", "priority"]), dice.below(6) as i64 - 2)
        }
        1 => {
            let field =
                dice.of(&["segment", "region", "last_outcome", "first_name", "timezone", "external_id", "number"]);
            let text = Quoted(dice.of(&TEXTS)).to_string();
            match dice.below(5) {
                0 => format!("{field} = {text}"),
                1 => format!("{field} != {text}"),
                2 => format!("{field} in ({text}, {}, \"+15550000003\")", Quoted(dice.of(&TEXTS))),
                3 => format!("{field} is{} empty", dice.of(&["", " not"])),
                _ => format!("{field} starts {}", dice.of(&["\"g\"", "\"ä\"", "\"+1\"", "\"a\"\"\"", "\"gol\""])),
            }
        }
        2 => {
            let field = dice.of(&["last_attempt", "next", "imported"]);
            let age = dice.of(&["older", "newer"]);
            format!("{field} {age} {}{}", dice.below(4), dice.of(&['s', 'm', 'h', 'd', 'w']))
        }
        3 => format!("state {} \"{}\"", dice.of(&["=", "!="]), dice.of(&STATES)),
        4 => format!("{} is{} empty", dice.of(&["last_attempt", "next"]), dice.of(&["", " not"])),
        5 => format!("not {}", any(dice, depth - 1)),
        6 => format!("({})", any(dice, depth - 1)),
        7 => format!("{} and {}", any(dice, depth - 1), any(dice, depth - 1)),
        _ => format!("{} or {}", any(dice, depth - 1), any(dice, depth - 1)),
    }
}

#[test]
fn what_is_shown_is_read_as_the_same() {
    for seed in 0..3_000 {
        let text = any(&mut Dice::new(seed), 4);
        let read = LeadExpression::parse(&text).unwrap_or_else(|fault| panic!("{seed}: {text}: {fault}"));
        let shown = read.to_string();
        assert_eq!(LeadExpression::parse(&shown).as_ref(), Ok(&read), "{seed}: {text} became {shown}");
    }
}

/// Rubbish and torn expressions: a fault or an expression, never a panic, and every place lies in the text.
#[test]
fn no_text_breaks_the_parser() {
    let alphabet: Vec<char> = "atemps<>=!()\"', notandorisemptyinolder0123456789dhw-ä\u{0}€\n;*".chars().collect();
    for seed in 0..20_000 {
        let dice = &mut Dice::new(seed);
        let text: String = if seed % 2 == 0 {
            (0..dice.below(60)).map(|_| dice.of(&alphabet)).collect()
        } else {
            let mut chars: Vec<char> = any(dice, 3).chars().collect();
            for _ in 0..=dice.below(3) {
                let at = dice.below(chars.len().max(1)).min(chars.len());
                match dice.below(3) {
                    0 => chars.insert(at, dice.of(&alphabet)),
                    1 if !chars.is_empty() => drop(chars.remove(at.min(chars.len() - 1))),
                    _ => chars.truncate(at),
                }
            }
            chars.into_iter().collect()
        };
        if let Err(fault) = LeadExpression::parse(&text) {
            assert!((1..=text.chars().count() + 1).contains(&fault.at), "{seed}: {text:?}: {fault}");
            assert!(!fault.what.is_empty() && !fault.mend.is_empty());
        }
    }
}
