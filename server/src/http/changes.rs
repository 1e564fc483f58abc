//! What every changing request has in common: it is done to its end even when its sender goes away, once for an
//! `Idempotency-Key`, and written into the audit log.
//!
//! ```text
//!  request ──> own task ──> key in progress? 409 ── key known? same request: the kept answer; other: 422
//!                              └── handler ──> answer kept with its key ──> audit row ──> answer
//! ```

use super::auth::Holder;
use super::limits::{BODY_BYTES_MAX, KEPT_ANSWER_BYTES_MAX, KEY_CHARS_MAX};
use super::problem::Problem;
use super::{Service, upload};
use crate::token::hex;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use store::{AuditRow, IdempotentAnswer, Op, TokenId};

/// The header that names a change, chosen by its sender.
pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header that marks a kept answer.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The acknowledgements of audit rows are waited for by nobody: the control thread passes over this token.
pub const UNWATCHED: u64 = u64::MAX;
/// The operations whose bodies are files.
pub(super) const IMPORT: &str = "/api/v1/lists/{name}/import";
pub(super) const PREVIEW: &str = "/api/v1/imports/preview";
/// Its body may be of any length and is read once, as it comes.
pub(super) const NUMBERS: &str = "/api/v1/number-lists";
/// The one operation whose answer holds a secret.
const SECRET: &str = "/api/v1/tokens";

/// Keys whose requests are under way: (token, key). As many as there are tasks of changes: a token brings 200 a second,
/// and none takes longer than the store's turn and a few answers, so some thousands at the very worst.
#[derive(Default)]
pub(super) struct UnderWay(Mutex<BTreeSet<(TokenId, String)>>);

/// A key that is under way, until it is dropped.
struct Turn {
    service: Arc<Service>,
    key: (TokenId, String),
}

impl Turn {
    fn take(service: &Arc<Service>, key: (TokenId, String)) -> Result<Turn, Problem> {
        let mut keys = service.under_way.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !keys.insert(key.clone()) {
            return Err(Problem::conflict("a request with this Idempotency-Key is under way, wait for its answer"));
        }
        Ok(Turn { service: service.clone(), key })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.service.under_way.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    location: Option<String>,
    /// `None`: it was too long, or holds a secret.
    body: Option<String>,
}

/// Runs a change.
pub(super) async fn run(
    service: Arc<Service>,
    holder: Arc<Holder>,
    path: String,
    request: Request,
    next: Next,
) -> Response {
    // The task goes on when the client is gone: what was begun is finished and its answer kept for the next try.
    let task = tokio::spawn(async move {
        let (action, target) = (format!("{} {path}", request.method()), request.uri().path().to_owned());
        let key = match request.headers().get(&KEY) {
            None => None,
            Some(value) => match value.to_str() {
                Ok(key) if (1..=KEY_CHARS_MAX).contains(&key.len()) => Some(key.to_owned()),
                _ => {
                    let mend = format!("send 1 to {KEY_CHARS_MAX} visible ASCII characters, such as a UUID");
                    return Problem::field("Idempotency-Key", "is no key", mend).into_response();
                }
            },
        };
        let response = match key {
            None => next.run(request).await,
            Some(key) => match once(&service, &holder, key, &path, request, next).await {
                Ok(response) | Err(response) => response,
            },
        };
        // A preview changes nothing.
        let changed = response.status().is_success() && path != PREVIEW;
        if changed && !response.headers().contains_key(&REPLAYED) {
            write_down(&service, &holder, action, target);
        }
        response
    });
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a change ended by a panic");
        Problem::internal().into_response()
    })
}

/// A row of the audit log. Its loss is said, never hidden; it does not undo what was done.
pub(super) fn write_down(service: &Service, holder: &Holder, action: String, target: String) {
    let row = AuditRow {
        tenant: service.tenant,
        at: service.wall_now(),
        who: holder.name.clone(),
        action,
        target,
        detail: holder.detail(),
    };
    if service.store.submit(UNWATCHED, Op::Audit(row)).is_err() {
        tracing::error!(who = holder.name, "an audit row was lost: the store's queue is full");
    }
}

async fn once(
    service: &Arc<Service>,
    holder: &Holder,
    key: String,
    path: &str,
    request: Request,
    next: Next,
) -> Result<Response, Response> {
    let _turn = Turn::take(service, (holder.key(), key.clone())).map_err(Problem::into_response)?;
    let (request, hash) = hashed(service, path, request).await.map_err(Problem::into_response)?;
    let (tenant, token, wanted) = (service.tenant, holder.key(), key.clone());
    let kept = service
        .store(move |store| store.idempotency_get(tenant, token, &wanted))
        .await
        .map_err(Problem::into_response)?;
    if let Some(row) = kept {
        return if row.request_hash == hash { Ok(replay(row)) } else { Err(Problem::key_reused().into_response()) };
    }
    let response = next.run(request).await;
    // What may go well the next time is tried again then.
    let passing = [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT];
    if response.status().is_server_error() || passing.contains(&response.status()) {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, BODY_BYTES_MAX * 4).await.map_err(|_| Problem::internal().into_response())?;
    let text = std::str::from_utf8(&bytes).ok().filter(|text| text.len() <= KEPT_ANSWER_BYTES_MAX && path != SECRET);
    let kept = Kept {
        location: parts.headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned),
        body: text.map(str::to_owned),
    };
    let answer = IdempotentAnswer {
        request_hash: hash,
        status: parts.status.as_u16(),
        body: serde_json::to_string(&kept).unwrap_or_default(),
        created_at: service.wall_now(),
    };
    if let Err(problem) = service.store(move |store| store.idempotency_put(tenant, token, &key, &answer)).await {
        tracing::warn!(problem = problem.detail, "an answer could not be kept with its Idempotency-Key");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn replay(row: IdempotentAnswer) -> Response {
    let kept = serde_json::from_str::<Kept>(&row.body).ok();
    let Some(Kept { location, body: Some(body) }) = kept else {
        let detail = "this request was done before, but its answer could not be kept, read the thing itself";
        return Problem::conflict(detail).into_response();
    };
    let status = StatusCode::from_u16(row.status).unwrap_or(StatusCode::OK);
    let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
    let empty = body.is_empty();
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    headers.remove(CONTENT_TYPE);
    if !empty {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        headers.insert(LOCATION, location);
    }
    response
}

/// Members of bodies that hold a password, wherever they stand at the top.
const PASSWORDS: [&str; 3] = ["password", "old", "new"];

/// What of a body is compared with that of a repetition. A quick hash of a password must be kept nowhere, so in its place
/// stands what only the holder of the installation's key could compare.
fn without_passwords<'b>(body: &'b [u8], mark: impl Fn(&str) -> String) -> Cow<'b, [u8]> {
    match serde_json::from_slice(body) {
        Ok(serde_json::Value::Object(mut members)) => {
            let mut marked = false;
            for (_, value) in members.iter_mut().filter(|(name, _)| PASSWORDS.contains(&name.as_str())) {
                *value = serde_json::Value::String(mark(&value.to_string()));
                marked = true;
            }
            match marked {
                false => Cow::Borrowed(body),
                true => Cow::Owned(serde_json::Value::Object(members).to_string().into_bytes()),
            }
        }
        Ok(_) => Cow::Borrowed(body),
        // No body that any operation takes: it will be refused, and is compared by its length alone.
        Err(_) => Cow::Owned(body.len().to_string().into_bytes()),
    }
}

/// Reads the body, into memory or, of an upload, into a file; gives the same request again and the hash of all that
/// makes it this one. A list of numbers is what its address says, and is not read here.
async fn hashed(service: &Service, path: &str, request: Request) -> Result<(Request, String), Problem> {
    let mut sha = Sha256::new();
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
    sha.update(request.method().as_str());
    sha.update([b' ']);
    sha.update(target);
    sha.update([b'\n']);
    let (parts, body) = request.into_parts();
    let body = if [IMPORT, PREVIEW].contains(&path) {
        let file = upload::keep(service, body, |bytes| sha.update(bytes)).await?;
        upload::stream(file)
    } else if path == NUMBERS {
        body
    } else {
        let bytes: Bytes = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| Problem::too_large(BODY_BYTES_MAX))?;
        let key = service.key().await?;
        sha.update(without_passwords(&bytes, |password| key.mark(password)));
        Body::from(bytes)
    };
    Ok((Request::from_parts(parts, body), hex(&sha.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_enters_what_is_kept_of_a_request() {
        let is = |body: &str| {
            let mark = |text: &str| format!("#{}", text.len());
            String::from_utf8(without_passwords(body.as_bytes(), mark).into_owned()).unwrap()
        };
        assert_eq!(is(r#"{"to":"+1","n":1}"#), r#"{"to":"+1","n":1}"#);
        assert_eq!(is(r#"{"name":"ann","password":"correct horse"}"#), r##"{"name":"ann","password":"#15"}"##);
        assert_eq!(is(r#"{"old":"correct horse","new":"x"}"#), r##"{"new":"#3","old":"#15"}"##);
        assert_eq!(is(r#"{"p\u0061ssword":"correct horse"}"#), r##"{"password":"#15"}"##);
        assert!(!is(r#"{"password":"correct horse""#).contains("horse"));
        assert_eq!(is(""), "0");
    }
}
