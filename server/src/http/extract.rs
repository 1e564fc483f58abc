//! Parts of a request as types; what does not fit is a problem that names the field.

use super::limits::BODY_BYTES_MAX;
use super::problem::{FieldError, Problem};
use crate::config::nearest;
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use base::WallTime;
use serde::de::DeserializeOwned;

/// A JSON body.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Problem::media_type("application/json"));
        }
        let bytes = to_bytes(request.into_body(), BODY_BYTES_MAX).await;
        let bytes = bytes.map_err(|error| unread(&error))?;
        let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.into_inner();
            if inner.is_data() { wrong_data(&path, &inner.to_string()) } else { no_json(&inner) }
        })?;
        deserializer.end().map_err(|error| no_json(&error))?;
        Ok(Json(value))
    }
}

/// A body that was too long, or ended in the middle.
fn unread(error: &axum::Error) -> Problem {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit") {
            return Problem::too_large(BODY_BYTES_MAX);
        }
        cause = error.source();
    }
    Problem::malformed("the body ended before its end, send it again")
}

fn no_json(error: &serde_json::Error) -> Problem {
    Problem::malformed(format!("the body is no JSON ({error}), send one JSON object"))
}

/// serde's words as a field's fault; an unknown field is told the nearest known one.
fn wrong_data(path: &str, words: &str) -> Problem {
    // serde_json ends with the place in the text.
    let words = words.rsplit_once(" at line ").map_or(words, |(words, _)| words);
    let inside = |name: &str| if path == "." { name.to_owned() } else { path.to_owned() };
    let unknown = words.strip_prefix("unknown field `").or_else(|| words.strip_prefix("unknown variant `"));
    if let Some(rest) = unknown {
        // From the right: what is unknown may hold anything, backticks too; what is known holds none.
        let (unknown, known) = rest.rsplit_once("`, expected ").unwrap_or((rest, ""));
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let mend = match nearest(unknown, known.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("known: {}", known.join(", ")),
        };
        return Problem::field(inside(unknown), format!("{unknown:?} is not known here"), mend);
    }
    if words.starts_with("missing field") {
        let missing = words.split('`').nth(1).unwrap_or_default();
        let field = if path == "." { missing.to_owned() } else { format!("{path}.{missing}") };
        return Problem::field(field, "is missing", "add it");
    }
    let field = if path == "." { String::new() } else { path.to_owned() };
    Problem::field(field, words, "see /api/openapi.json for its type")
}

/// The query of the address.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Query(value)),
            Err(rejection) => {
                let words = rejection.body_text();
                let words = words.strip_prefix("Failed to deserialize query string: ").unwrap_or(&words);
                // With a field's name in front, if it is known.
                match words.split_once(": ") {
                    Some((field, rest)) if !field.contains(' ') => Err(wrong_data(field, rest)),
                    _ => Err(wrong_data(".", words)),
                }
            }
        }
    }
}

/// A number in the path; what is none names nothing.
pub(super) struct Id(pub(super) u64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Name::from_request_parts(parts, state).await?.0;
        // Ids are kept in signed columns.
        match text.parse::<u64>() {
            Ok(id) if i64::try_from(id).is_ok() => Ok(Id(id)),
            _ => Err(Problem::not_found(format!("{text:?}"))),
        }
    }
}

/// A name in the path.
pub(super) struct Name(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Name(text)),
            Err(_) => Err(Problem::malformed("the path is no UTF-8, percent-encode it")),
        }
    }
}

/// A moment: microseconds since the Unix epoch, or RFC 3339.
pub(super) fn moment(field: &str, text: &str) -> Result<WallTime, FieldError> {
    if let Ok(us) = text.parse::<i64>() {
        return Ok(WallTime::from_unix_us(us));
    }
    match text.parse::<jiff::Timestamp>() {
        Ok(moment) => Ok(WallTime::from_unix_us(moment.as_microsecond())),
        Err(_) => {
            let mend = "write 2026-03-02T09:00:00Z or microseconds since 1970";
            Err(FieldError::new(field, format!("{text:?} is no moment"), mend))
        }
    }
}

/// A number in international form.
pub(super) fn phone(field: &str, text: &str) -> Result<String, Problem> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    if (3..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(Problem::field(field, format!("{text:?} is no international number"), "write it like +12125550100"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        trunk: String,
        #[serde(default)]
        limit: Option<u32>,
    }

    async fn json(kind: &str, body: &str) -> Result<Wanted, Problem> {
        let request = Request::builder().header(CONTENT_TYPE, kind).body(Body::from(body.to_owned())).unwrap();
        Json::from_request(request, &()).await.map(|Json(value)| value)
    }

    #[tokio::test]
    async fn a_body_that_does_not_fit_names_its_field() {
        const KIND: &str = "application/json; charset=utf-8";
        let wanted = json(KIND, r#"{"trunk":"a","limit":1}"#).await.unwrap();
        assert_eq!((wanted.trunk.as_str(), wanted.limit), ("a", Some(1)));
        for (body, status, field, words) in [
            ("{", 400, "", "no JSON"),
            ("{\"trunk\":\"a\"} x", 400, "", "no JSON"),
            ("", 400, "", "no JSON"),
            ("[]", 422, "", ""),
            (r#"{"trnk":"a"}"#, 422, "trnk", "did you mean \"trunk\"?"),
            (r#"{}"#, 422, "trunk", "missing"),
            (r#"{"trunk":7}"#, 422, "trunk", "invalid type"),
            (r#"{"trunk":"a","limit":-1}"#, 422, "limit", "invalid value"),
        ] {
            let problem = json(KIND, body).await.unwrap_err();
            assert_eq!(problem.status, status, "{body}: {problem:?}");
            let field_said = problem.errors.first().map_or("", |error| error.field.as_str());
            if body != "[]" {
                assert_eq!(field_said, field, "{body}: {problem:?}");
                assert!(problem.detail.contains(words), "{body}: {problem:?}");
            }
        }
        assert_eq!(json("text/plain", "{}").await.unwrap_err().status, 415);
        let long = format!("{{\"trunk\":\"{}\"}}", "a".repeat(BODY_BYTES_MAX));
        assert_eq!(json(KIND, &long).await.unwrap_err().status, 413);
    }

    #[tokio::test]
    async fn a_query_that_does_not_fit_names_its_field() {
        for (uri, field) in
            [("/?trunk=a&%60=1", "`"), ("/?trunk=a&limt=1", "limt"), ("/?trunk=a&limit=x", "limit"), ("/", "trunk")]
        {
            let (mut parts, ()) = axum::http::Request::builder().uri(uri).body(()).unwrap().into_parts();
            let problem = Query::<Wanted>::from_request_parts(&mut parts, &()).await.err().unwrap();
            assert_eq!((problem.status, problem.errors[0].field.as_str()), (422, field), "{problem:?}");
        }
    }

    #[test]
    fn moments_are_read_in_both_ways() {
        assert_eq!(moment("from", "1000000").unwrap().as_unix_us(), 1_000_000);
        assert_eq!(moment("from", "1970-01-01T00:00:01Z").unwrap().as_unix_us(), 1_000_000);
        assert!(moment("from", "yesterday").is_err());
    }
}
