//! Errors as RFC 9457 problem objects: what is wrong, where, how to mend it. The only shape in which the API refuses.

use crate::control::Refusal;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::{ErrorKind, StoreError};
use utoipa::ToSchema;

/// When a client comes back that found the store or a queue busy.
const BUSY_RETRY_S: u32 = 1;

/// An error (RFC 9457, `application/problem+json`).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:outpace:problem:invalid", "title": "A value is wrong", "status": 422,
    "detail": "trunk \"carier\" is no trunk, did you mean \"carrier\"?",
    "errors": [{ "field": "trunk", "what": "\"carier\" is no trunk", "mend": "did you mean \"carrier\"?" }]
}))]
pub struct Problem {
    /// `urn:outpace:problem:WORD`; the word is for programs to decide by.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What is wrong here, and how to mend it.
    pub detail: String,
    /// Fields that are at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

/// One field that is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Its name or path.
    pub field: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

impl FieldError {
    /// One field's fault.
    pub fn new(field: impl Into<String>, what: impl Into<String>, mend: impl Into<String>) -> FieldError {
        FieldError { field: field.into(), what: what.into(), mend: mend.into() }
    }
}

impl Problem {
    fn new(status: StatusCode, word: &str, title: &'static str, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("urn:outpace:problem:{word}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: None,
        }
    }

    fn retry_after(self, seconds: u32) -> Problem {
        Problem { retry_after_s: Some(seconds), ..self }
    }

    /// 400: the request cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
    }

    /// 401: no token, or none that counts.
    pub fn unauthenticated(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "A valid token is needed", detail)
    }

    /// 403: the token's role may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "The token's role may not do this", detail)
    }

    /// 404: `what` does not exist.
    pub fn not_found(what: impl std::fmt::Display) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", format!("{what} does not exist"))
    }

    /// 405.
    pub fn method_not_allowed() -> Problem {
        let detail = "this path does not take this method; see /api/openapi.json";
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The path does not take this method", detail)
    }

    /// 409: the state of things forbids it now.
    pub fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, "conflict", "The state of things forbids it now", detail)
    }

    /// 413.
    pub fn too_large(limit_bytes: usize) -> Problem {
        let detail = format!("the body is longer than {limit_bytes} bytes, send less");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too long", detail)
    }

    /// 415.
    pub fn media_type(wanted: &str) -> Problem {
        let detail = format!("the body is of another media type, send it with Content-Type: {wanted}");
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "The body's media type is not taken", detail)
    }

    /// 422: values are wrong. `errors` has at least one entry.
    pub fn invalid(errors: Vec<FieldError>) -> Problem {
        let first = errors.first();
        let detail = first.map_or_else(String::new, |error| format!("{} {}, {}", error.field, error.what, error.mend));
        let more = match errors.len() {
            0 | 1 => String::new(),
            count => format!(" ({} more)", count - 1),
        };
        let detail = format!("{}{more}", detail.trim_start());
        Problem { errors, ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A value is wrong", detail) }
    }

    /// 422 for one field.
    pub fn field(field: impl Into<String>, what: impl Into<String>, mend: impl Into<String>) -> Problem {
        Problem::invalid(vec![FieldError::new(field, what, mend)])
    }

    /// 422: an idempotency key that was used for something else.
    pub fn key_reused() -> Problem {
        let detail = "this Idempotency-Key was used for another request, take a new key";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", "The key was used for another request", detail)
    }

    /// 429.
    pub fn too_many(detail: impl Into<String>, retry_after_s: u32) -> Problem {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many requests", detail).retry_after(retry_after_s)
    }

    /// 500: a fault of ours. The log knows more.
    pub fn internal() -> Problem {
        let detail = "the server met a fault of its own; the log of the same moment says more";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server has a fault", detail)
    }

    /// 501.
    pub fn not_built(what: &str, mend: &str) -> Problem {
        let detail = format!("{what} are not built yet, {mend}");
        Problem::new(StatusCode::NOT_IMPLEMENTED, "not-built", "This is not built yet", detail)
    }

    /// 503: come back.
    pub fn busy(detail: impl Into<String>, retry_after_s: u32) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "No room now", detail).retry_after(retry_after_s)
    }

    /// 503: the request took too long and was given up.
    pub fn timed_out(seconds: u64) -> Problem {
        let detail = format!("the answer took longer than {seconds} s and was given up, ask for less or try again");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "The answer took too long", detail)
            .retry_after(BUSY_RETRY_S)
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let words = refusal.to_string();
        match refusal {
            Refusal::NotFound { what } => Problem::not_found(what),
            Refusal::Conflict { .. } => Problem::conflict(words),
            Refusal::Invalid { field, what, mend } => Problem::field(field, what, mend),
            Refusal::Busy { retry_after_s, .. } => Problem::busy(words, retry_after_s),
            Refusal::Draining => Problem::busy(words, BUSY_RETRY_S),
            Refusal::Gone => {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "gone", "The control thread has ended", words)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error.kind {
            ErrorKind::NotFound => Problem::not_found(&error.place),
            ErrorKind::Rule => Problem::conflict(error.to_string()),
            ErrorKind::Value => Problem::field("", error.what, error.mend),
            ErrorKind::Io | ErrorKind::Schema | ErrorKind::Address | ErrorKind::Sealed => {
                tracing::error!(%error, "the store failed a request");
                Problem::internal()
            }
            // Not for ever. In words of our own: the database's name hosts, accounts and databases.
            ErrorKind::DiskFull => Problem::busy("the disk of the store is full, free space on it", BUSY_RETRY_S),
            ErrorKind::Busy => {
                Problem::busy("the database is busy or this takes too long, ask for less or try again", BUSY_RETRY_S)
            }
            ErrorKind::Away => Problem::busy("the database does not answer now, try again", BUSY_RETRY_S),
            ErrorKind::Closed => Problem::busy("the server is stopping, try again", BUSY_RETRY_S),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"outpace\""));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_their_status_and_say_when_to_come_back() {
        let text = |what: &str| what.to_owned();
        for (refusal, status, retry) in [
            (Refusal::NotFound { what: text("call 7") }, 404, None),
            (Refusal::Conflict { what: text("a"), mend: text("b") }, 409, None),
            (Refusal::Invalid { field: text("to"), what: text("a"), mend: text("b") }, 422, None),
            (Refusal::Busy { what: text("a"), retry_after_s: 7 }, 503, Some("7")),
            (Refusal::Draining, 503, Some("1")),
            (Refusal::Gone, 500, None),
        ] {
            let words = refusal.to_string();
            let problem = Problem::from(refusal);
            assert!(problem.detail.starts_with(&words), "{words}: {problem:?}");
            let response = problem.into_response();
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap()), retry);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        }
    }

    #[test]
    fn nobody_hears_where_the_database_is() {
        for kind in [ErrorKind::Away, ErrorKind::Busy, ErrorKind::DiskFull, ErrorKind::Closed, ErrorKind::Io] {
            let error = StoreError {
                kind,
                what: "too many connections for role \"dialler\"".to_owned(),
                place: "postgres://dialler:***@db.internal:5432/calls".to_owned(),
                mend: "is the database running? see its log".to_owned(),
            };
            let problem = Problem::from(error);
            assert!(problem.status >= 500, "{problem:?}");
            for secret in ["dialler", "db.internal", "5432"] {
                assert!(!format!("{problem:?}").contains(secret), "{problem:?}");
            }
        }
    }

    #[test]
    fn several_wrong_fields_are_all_named() {
        let problem = Problem::invalid(vec![FieldError::new("a", "x", "y"), FieldError::new("b", "x", "y")]);
        assert_eq!((problem.detail.as_str(), problem.errors.len()), ("a x, y (1 more)", 2));
    }
}
