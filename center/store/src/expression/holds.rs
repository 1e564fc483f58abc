//! An expression over one lead in memory.

use super::{Cmp, Expr, LeadExpression, MomentField, NumberField, TextField};
use crate::rows::LeadRow;
use base::WallTime;

impl LeadExpression {
    /// Whether a lead is meant at this moment.
    pub fn holds(&self, lead: &LeadRow, at: WallTime) -> bool {
        holds(&self.expr, lead, at.as_unix_us())
    }
}

fn holds(expr: &Expr, lead: &LeadRow, now_us: i64) -> bool {
    match expr {
        Expr::All(parts) => parts.iter().all(|part| holds(part, lead, now_us)),
        Expr::Any(parts) => parts.iter().any(|part| holds(part, lead, now_us)),
        Expr::Not(part) => !holds(part, lead, now_us),
        Expr::Number(field, cmp, value) => {
            let here = match field {
                NumberField::Attempts => i64::from(lead.attempt_number),
                NumberField::Priority => lead.priority,
            };
            match cmp {
                Cmp::Equal => here == *value,
                Cmp::Unequal => here != *value,
                Cmp::Less => here < *value,
                Cmp::AtMost => here <= *value,
                Cmp::More => here > *value,
                Cmp::AtLeast => here >= *value,
            }
        }
        Expr::Text(field, values) => values.iter().any(|value| value == text(lead, *field)),
        Expr::Starts(field, front) => text(lead, *field).starts_with(front.as_str()),
        Expr::Older(field, span) => moment(lead, *field).is_none_or(|at_us| at_us < now_us.saturating_sub(span.us())),
        Expr::Never(field) => moment(lead, *field).is_none(),
    }
}

fn text(lead: &LeadRow, field: TextField) -> &str {
    match field {
        TextField::Number => &lead.number,
        TextField::FirstName => lead.first_name.as_deref().unwrap_or_default(),
        TextField::LastName => lead.last_name.as_deref().unwrap_or_default(),
        TextField::Timezone => lead.timezone.as_deref().unwrap_or_default(),
        TextField::ExternalId => lead.external_id.as_deref().unwrap_or_default(),
        TextField::Segment => lead.segment.as_deref().unwrap_or_default(),
        TextField::Region => lead.region.as_deref().unwrap_or_default(),
        TextField::State => &lead.state,
        TextField::Outcome => lead.last_outcome.as_deref().unwrap_or_default(),
    }
}

fn moment(lead: &LeadRow, field: MomentField) -> Option<i64> {
    let at = match field {
        MomentField::LastAttempt => lead.last_attempt_at,
        MomentField::Next => lead.next_at,
        MomentField::Imported => Some(lead.imported_at),
    };
    at.map(WallTime::as_unix_us)
}
