//! Tokens into an expression: `or` of `and` of tests, `not` and parentheses.

use super::lex::{Token, fault, tokens};
use super::{
    Cmp, DEPTH_MAX, Expr, ExpressionFault, Field, MomentField, STATES, Span, TESTS_MAX, TextField, VALUES_MAX,
};

pub(super) fn parse(text: &str) -> Result<Expr, ExpressionFault> {
    let (tokens, end) = tokens(text)?;
    let mut parser = Parser { tokens, end, next: 0, tests: 0 };
    let expr = parser.any(0)?;
    match parser.tokens.get(parser.next) {
        None => Ok(expr),
        Some((at, token)) => {
            Err(fault(*at, format!("{} is one too many", token.said()), "write and or or between two tests"))
        }
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    /// Where the text ends.
    end: usize,
    next: usize,
    tests: usize,
}

impl Parser {
    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |(at, _)| *at)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.next += usize::from(token.is_some());
        token
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token::Word(here)) if here == word);
        self.next += usize::from(is_it);
        is_it
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token::Sign(here)) if *here == sign);
        self.next += usize::from(is_it);
        is_it
    }

    /// What stands here is not what must.
    fn unexpected<T>(&self, wanted: &str) -> Result<T, ExpressionFault> {
        let what = self
            .peek()
            .map_or("the expression ends here".to_owned(), |token| format!("{} does not belong here", token.said()));
        Err(fault(self.at(), what, wanted))
    }

    fn any(&mut self, depth: usize) -> Result<Expr, ExpressionFault> {
        let mut parts = vec![self.all(depth)?];
        while self.take_word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Expr::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Expr, ExpressionFault> {
        let mut parts = vec![self.unary(depth)?];
        while self.take_word("and") {
            parts.push(self.unary(depth)?);
        }
        Ok(one_or(parts, Expr::All))
    }

    fn unary(&mut self, depth: usize) -> Result<Expr, ExpressionFault> {
        let at = self.at();
        let deeper = || {
            let mend = format!("write at most {DEPTH_MAX} inside each other");
            if depth >= DEPTH_MAX { Err(fault(at, "too deep", mend)) } else { Ok(depth + 1) }
        };
        if self.take_word("not") {
            return Ok(not(self.unary(deeper()?)?));
        }
        if self.take_sign("(") {
            let expr = self.any(deeper()?)?;
            return if self.take_sign(")") { Ok(expr) } else { self.unexpected("write a )") };
        }
        self.tests += 1;
        if self.tests > TESTS_MAX {
            return Err(fault(at, "too many tests", format!("write at most {TESTS_MAX}; use in (…)")));
        }
        self.test()
    }

    fn test(&mut self) -> Result<Expr, ExpressionFault> {
        let at = self.at();
        let names = || Field::ALL.map(|(name, _)| name).join(", ");
        let Some(Token::Word(word)) = self.peek().cloned() else {
            return self.unexpected(&format!("write a field: {}", names()));
        };
        let Some((_, field)) = Field::ALL.into_iter().find(|(name, _)| *name == word) else {
            return Err(fault(at, format!("{word:?} is no field"), format!("write one of {}", names())));
        };
        self.next += 1;
        match field {
            Field::Number(field) => {
                let Some(cmp) = self.cmp() else { return self.unexpected("write = != < <= > or >= and a number") };
                match self.peek() {
                    Some(Token::Whole(value)) => {
                        let value = *value;
                        self.next += 1;
                        Ok(Expr::Number(field, cmp, value))
                    }
                    _ => self.unexpected("write a whole number"),
                }
            }
            Field::Text(field) => self.text_test(field),
            Field::Moment(field) => self.moment_test(field),
        }
    }

    fn cmp(&mut self) -> Option<Cmp> {
        let found =
            Cmp::ALL.into_iter().find(|(sign, _)| matches!(self.peek(), Some(Token::Sign(here)) if here == sign));
        self.next += usize::from(found.is_some());
        found.map(|(_, cmp)| cmp)
    }

    /// `is empty`, `is not empty`; the word `is` is taken.
    fn empty(&mut self, empty: Expr) -> Result<Expr, ExpressionFault> {
        let negated = self.take_word("not");
        if !self.take_word("empty") {
            return self.unexpected("write empty or not empty");
        }
        Ok(if negated { not(empty) } else { empty })
    }

    fn text_test(&mut self, field: TextField) -> Result<Expr, ExpressionFault> {
        if self.take_word("is") {
            return self.empty(Expr::Text(field, vec![String::new()]));
        }
        if self.take_word("starts") {
            let front = self.text(field, true)?;
            return Ok(Expr::Starts(field, front));
        }
        if self.take_word("in") {
            return self.values(field);
        }
        if self.take_word("not") {
            return if self.take_word("in") { self.values(field).map(not) } else { self.unexpected("write in (…)") };
        }
        let at = self.at();
        match self.cmp() {
            Some(Cmp::Equal) => Ok(Expr::Text(field, vec![self.text(field, false)?])),
            Some(Cmp::Unequal) => Ok(not(Expr::Text(field, vec![self.text(field, false)?]))),
            Some(cmp) => {
                let mend = "write =, !=, in, starts or is empty";
                Err(fault(at, format!("texts have no order for {:?}", cmp.sign()), mend))
            }
            None => self.unexpected("write =, !=, in (…), starts or is empty"),
        }
    }

    /// `("a", "b")`; the word `in` is taken.
    fn values(&mut self, field: TextField) -> Result<Expr, ExpressionFault> {
        if !self.take_sign("(") {
            return self.unexpected("write a ( and texts with commas between");
        }
        let mut values = Vec::new();
        loop {
            let at = self.at();
            values.push(self.text(field, false)?);
            if values.len() > VALUES_MAX {
                return Err(fault(at, "too many values", format!("write at most {VALUES_MAX}")));
            }
            if self.take_sign(")") {
                return Ok(Expr::Text(field, values));
            }
            if !self.take_sign(",") {
                return self.unexpected("write a , or a )");
            }
        }
    }

    fn text(&mut self, field: TextField, is_front: bool) -> Result<String, ExpressionFault> {
        let at = self.at();
        let Some(Token::Text(value)) = self.peek().cloned() else {
            return self.unexpected("write a text in quotes");
        };
        self.next += 1;
        if is_front && value.is_empty() {
            return Err(fault(at, "every text begins with nothing", "write what it begins with"));
        }
        if field == TextField::State && !is_front && !STATES.contains(&value.as_str()) {
            let mend = format!("write one of {}; for the place where people live use region", STATES.join(", "));
            return Err(fault(at, format!("{value:?} is no dial state"), mend));
        }
        Ok(value)
    }

    fn moment_test(&mut self, field: MomentField) -> Result<Expr, ExpressionFault> {
        if self.take_word("is") {
            return self.empty(Expr::Never(field));
        }
        let older = self.take_word("older");
        if !older && !self.take_word("newer") {
            return self.unexpected("write older or newer and a time such as 2d, or is empty");
        }
        let at = self.at();
        let Some(Token::Span(count, unit)) = self.take() else {
            self.next = self.next.saturating_sub(usize::from(at < self.end));
            return self.unexpected("write a time such as 90m, 12h, 2d or 1w");
        };
        if !Span::UNITS.iter().any(|(known, _)| *known == unit) {
            return Err(fault(at, format!("{unit:?} is no unit of time"), "write s, m, h, d or w"));
        }
        let test = Expr::Older(field, Span { count, unit });
        Ok(if older { test } else { not(test) })
    }
}

fn one_or(mut parts: Vec<Expr>, chain: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            chain(parts)
        }
    }
}

/// Twice not is nothing.
fn not(expr: Expr) -> Expr {
    match expr {
        Expr::Not(inner) => *inner,
        expr => Expr::Not(Box::new(expr)),
    }
}
