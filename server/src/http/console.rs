//! The web console's files and its page. The page is the answer to every path that names no file and no operation, since
//! the console keeps its places (`/campaigns/spring`) in the address bar.
//!
//! **Invariants.** Everything here is public and the same for everybody: what somebody may see comes over the API alone.
//! Scripts and styles come from here, never from elsewhere or from inside a page: the policy lets nothing else run. The
//! one exception are style sheets that the console's component library writes at run time; they carry a nonce which each
//! answer draws anew. Style attributes need no exception: the console sets styles through the DOM, which no policy stops.

use super::Service;
use super::problem::Problem;
use crate::token;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use console::File;
use std::borrow::Cow;
use std::sync::Arc;

/// For files with a hash in their name: a year, the longest that caches are asked to believe.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// For the others: kept, but asked about each time.
const ASKED_ABOUT: HeaderValue = HeaderValue::from_static("no-cache");

/// The web console.
#[utoipa::path(get, path = "/", tag = "health", responses((status = 200, body = String, content_type = "text/html")))]
pub(super) async fn home(State(service): State<Arc<Service>>) -> Response {
    page(&service)
}

/// What no operation answers: a file of the console, or its page.
pub(super) async fn anything(State(service): State<Arc<Service>>, request: Request) -> Response {
    let below = request.uri().path().strip_prefix(service.base_path.as_str());
    let path =
        below.filter(|below| below.is_empty() || below.starts_with('/')).map(|below| below.trim_start_matches('/'));
    let looks = [Method::GET, Method::HEAD].contains(request.method());
    let api = |path: &str| path == "api" || path.starts_with("api/");
    let Some(path) = path.filter(|path| looks && !api(path)) else {
        return Problem::not_found("this path").into_response();
    };
    if let Some(found) = service.console.file(path) {
        return file(found, request.headers());
    }
    // A name may hold a dot, so a place of the console is told from a file by who asks: browsers want a page there.
    let last = path.rsplit('/').next().unwrap_or_default();
    let wants_page = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let wants_page = wants_page.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html"));
    match path.starts_with("assets/") || (last.contains('.') && !wants_page) {
        true => Problem::not_found("this file").into_response(),
        false => page(&service),
    }
}

fn page(service: &Service) -> Response {
    let base = &service.base_path;
    let nonce = match token::nonce() {
        Ok(nonce) => nonce,
        Err(error) => {
            tracing::error!(%error, "no randomness for a page");
            return Problem::internal().into_response();
        }
    };
    // base_path holds only letters, digits and / - _ . ~ (config), and a nonce is base64url: neither needs escaping.
    let Some(text) = service.console.page(base, &nonce) else { return not_built(base).into_response() };
    let mut response = Html(text).into_response();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'self'; \
         form-action 'self'"
    );
    match HeaderValue::try_from(policy) {
        Ok(policy) => response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy),
        Err(_) => return Problem::internal().into_response(),
    };
    response
}

fn not_built(base: &str) -> Html<String> {
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Outpace</title></head>\n<body>\n\
         <h1>Outpace {version}</h1>\n\
         <p>This binary was built without the web console. In the source tree <code>make console</code> builds it; build \
         the binary anew afterwards. What is here all the same:</p>\n<ul>\n\
         <li><a href=\"{base}/api/openapi.json\">{base}/api/openapi.json</a>: the API, described as OpenAPI 3.1</li>\n\
         <li>{base}/api/v1/&hellip;: the API; send <code>Authorization: Bearer TOKEN</code>, make a token with \
         <code>outpace token create</code></li>\n\
         <li><a href=\"{base}/healthz\">{base}/healthz</a>, <a href=\"{base}/readyz\">{base}/readyz</a>, \
         <a href=\"{base}/metrics\">{base}/metrics</a></li>\n</ul>\n\
         <p>See docs/guide-api.md for a guide with examples.</p>\n</body>\n</html>\n",
        version = env!("CARGO_PKG_VERSION")
    ))
}

fn file(file: &File, asked: &HeaderMap) -> Response {
    let accept = asked.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (encoding, bytes) = file.bytes(accept);
    // Each encoding is a thing of its own (RFC 9110 section 8.8.3.3).
    let tag = match encoding.name() {
        Some(name) => format!("\"{}-{name}\"", file.tag),
        None => format!("\"{}\"", file.tag),
    };
    let known = asked.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(|known| {
        known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    });
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let bytes = match bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::copy_from_slice(bytes),
        };
        Response::new(Body::from(bytes))
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, if file.immutable { FOR_EVER } else { ASKED_ABOUT });
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    if !known {
        if let Some(name) = encoding.name() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        if let Ok(media_type) = HeaderValue::try_from(&file.media_type) {
            headers.insert(CONTENT_TYPE, media_type);
        }
    }
    response
}
