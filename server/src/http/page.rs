//! Lists of things: filters' common part, cursors, the link to the next page.

use super::limits::PAGE_ROWS;
use super::problem::{FieldError, Problem};
use crate::logging::Redacted;
use crate::token::Role;
use axum::http::Uri;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// The things, in the order of the list.
    pub(super) items: Vec<T>,
    /// Address of the next page, relative to the server; `null` when there is none. After a last page that was just full
    /// comes an empty one.
    pub(super) next: Option<String>,
}

impl<T> Page<T> {
    /// A list that is given whole.
    pub(super) fn whole(items: Vec<T>) -> Page<T> {
        Page { items, next: None }
    }

    /// One page of rows; there is a next one when it is full. `cursor` gives the place after a row.
    pub(super) fn of(items: Vec<T>, limit: u32, uri: &Uri, cursor: impl Fn(&T) -> String) -> Page<T> {
        let full = items.len() >= limit as usize;
        let next = items.last().filter(|_| full).map(|last| next_link(uri, &cursor(last)));
        Page { items, next }
    }
}

/// How many rows a page has.
pub(super) fn rows(limit: Option<u32>) -> Result<u32, Problem> {
    match limit {
        None => Ok(PAGE_ROWS),
        Some(rows) if (1..=store::PAGE_ROWS_MAX).contains(&rows) => Ok(rows),
        Some(rows) => {
            let mend = format!("ask for 1 to {} rows and follow next", store::PAGE_ROWS_MAX);
            Err(Problem::field("limit", format!("{rows} is no size of a page"), mend))
        }
    }
}

/// A cursor that is an id.
pub(super) fn id_cursor(cursor: Option<&str>) -> Result<Option<u64>, Problem> {
    let Some(text) = cursor else { return Ok(None) };
    match text.parse::<u64>() {
        Ok(id) if i64::try_from(id).is_ok() => Ok(Some(id)),
        _ => Err(Problem::invalid(vec![FieldError::new(
            "cursor",
            "is no cursor",
            "take it from next of the page before",
        )])),
    }
}

/// The same request with another cursor.
pub(super) fn next_link(uri: &Uri, cursor: &str) -> String {
    let others = uri.query().unwrap_or_default().split('&');
    let others = others.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let cursor = format!("cursor={}", percent(cursor));
    let query: Vec<&str> = others.chain([cursor.as_str()]).collect();
    format!("{}?{}", uri.path(), query.join("&"))
}

/// A text as one value of a query (RFC 3986, section 2.3: what is not unreserved is encoded).
pub(super) fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Members that hold telephone numbers or SIP names, in objects of the API and in events.
const NUMBERS: [&str; 7] = ["from", "to", "number", "caller", "callee", "caller_id", "sip"];

/// A thing as a holder of this role may see it: viewers see telephone numbers shortened.
pub(super) fn seen_by(role: Role, mut value: Value) -> Value {
    if role == Role::Viewer {
        shorten(&mut value);
    }
    value
}

fn shorten(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if NUMBERS.contains(&name.as_str()) => *text = Redacted(text).to_string(),
                    other => shorten(other),
                }
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(shorten),
        _ => {}
    }
}

/// A thing as JSON, as a holder of this role may see it.
pub(super) fn shown_to(role: Role, thing: &impl Serialize) -> Result<Value, Problem> {
    match serde_json::to_value(thing) {
        Ok(value) => Ok(seen_by(role, value)),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            Err(Problem::internal())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_link_keeps_the_filters_and_replaces_the_cursor() {
        let uri: Uri = "/api/v1/cdrs?campaign=spring&cursor=7&limit=2".parse().unwrap();
        assert_eq!(next_link(&uri, "+1"), "/api/v1/cdrs?campaign=spring&limit=2&cursor=%2B1");
        let bare: Uri = "/api/v1/cdrs".parse().unwrap();
        let page = Page::of(vec![1, 2], 2, &bare, |row| row.to_string());
        assert_eq!(page.next.as_deref(), Some("/api/v1/cdrs?cursor=2"));
        assert_eq!(Page::of(vec![1], 2, &bare, |row: &i32| row.to_string()).next, None);
        assert!(rows(Some(0)).is_err() && rows(Some(1_001)).is_err() && rows(None).is_ok());
        assert!(id_cursor(Some("x")).is_err() && id_cursor(Some("18446744073709551615")).is_err());
    }

    #[test]
    fn viewers_see_numbers_shortened_at_any_depth() {
        let thing = json!({ "id": 1, "to": "+12125550100", "call": [{ "from": "+442071838750" }], "state": "ringing" });
        let seen = seen_by(Role::Viewer, thing.clone());
        assert_eq!(seen, json!({ "id": 1, "to": "+1***00", "call": [{ "from": "+44***50" }], "state": "ringing" }));
        assert_eq!(seen_by(Role::Agent, thing.clone()), thing);
    }
}
