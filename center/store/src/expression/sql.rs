//! An expression as a condition over rows of `lead`.

use super::{Cmp, Expr, LeadExpression, MomentField, NumberField, TextField};
use crate::db::Sql;
use base::WallTime;

impl LeadExpression {
    /// Appends the condition, in parentheses; `at` is the moment from which ages count.
    pub(crate) fn push(&self, query: &mut Sql, at: WallTime) {
        push(&self.expr, query, at.as_unix_us());
    }
}

fn push(expr: &Expr, query: &mut Sql, now_us: i64) {
    let chain = |query: &mut Sql, parts: &[Expr], word: &'static str| {
        for (n, part) in parts.iter().enumerate() {
            query.push(if n == 0 { "(" } else { word });
            push(part, query, now_us);
        }
        query.push(")");
    };
    match expr {
        Expr::All(parts) => chain(query, parts, " AND "),
        Expr::Any(parts) => chain(query, parts, " OR "),
        Expr::Not(part) => {
            query.push("(NOT ");
            push(part, query, now_us);
            query.push(")");
        }
        Expr::Number(field, cmp, value) => {
            query.push(match field {
                NumberField::Attempts => "(attempt_number",
                NumberField::Priority => "(priority",
            });
            query.push(match cmp {
                Cmp::Equal => " = ",
                Cmp::Unequal => " <> ",
                Cmp::Less => " < ",
                Cmp::AtMost => " <= ",
                Cmp::More => " > ",
                Cmp::AtLeast => " >= ",
            });
            query.bind(*value).push(")");
        }
        Expr::Text(field, values) => {
            query.push("(").push(text_column(*field)).push(" IN (").list(values.iter().map(String::as_str)).push("))");
        }
        Expr::Starts(field, front) => {
            // Both databases count characters here.
            let length = i64::try_from(front.chars().count()).unwrap_or(i64::MAX);
            query.push("(SUBSTR(").push(text_column(*field)).push(", 1, CAST(").bind(length).push(" AS INTEGER)) = ");
            query.bind(front.as_str()).push(")");
        }
        Expr::Older(field, span) => {
            let column = moment_column(*field);
            query.push("(").push(column).push(" IS NULL OR ").push(column).push(" < ");
            query.bind(now_us.saturating_sub(span.us())).push(")");
        }
        Expr::Never(field) => {
            query.push("(").push(moment_column(*field)).push(" IS NULL)");
        }
    }
}

fn text_column(field: TextField) -> &'static str {
    match field {
        TextField::Number => "number",
        TextField::FirstName => "COALESCE(first_name, '')",
        TextField::LastName => "COALESCE(last_name, '')",
        TextField::Timezone => "COALESCE(timezone, '')",
        TextField::ExternalId => "COALESCE(external_id, '')",
        TextField::Segment => "COALESCE(segment, '')",
        TextField::Region => "COALESCE(region, '')",
        TextField::State => "state",
        TextField::Outcome => "COALESCE(last_outcome, '')",
    }
}

fn moment_column(field: MomentField) -> &'static str {
    match field {
        MomentField::LastAttempt => "last_attempt_us",
        MomentField::Next => "next_at_us",
        MomentField::Imported => "imported_us",
    }
}
