//! What a browser finds at `/`.

use super::Service;
use axum::extract::State;
use axum::response::Html;
use std::sync::Arc;

/// A page that says what is here. The web console takes its place.
#[utoipa::path(get, path = "/", tag = "health", responses((status = 200, body = String, content_type = "text/html")))]
pub(super) async fn home(State(service): State<Arc<Service>>) -> Html<String> {
    let base = &service.base_path;
    // base_path holds only letters, digits and / - _ . ~ (config), so it needs no escaping.
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Outpace</title></head>\n<body>\n\
         <h1>Outpace {version}</h1>\n\
         <p>The web console is not built yet. What is here:</p>\n<ul>\n\
         <li><a href=\"{base}/api/openapi.json\">{base}/api/openapi.json</a>: the API, described as OpenAPI 3.1</li>\n\
         <li>{base}/api/v1/&hellip;: the API; send <code>Authorization: Bearer TOKEN</code>, make a token with \
         <code>outpace token create</code></li>\n\
         <li><a href=\"{base}/healthz\">{base}/healthz</a>, <a href=\"{base}/readyz\">{base}/readyz</a>, \
         <a href=\"{base}/metrics\">{base}/metrics</a></li>\n</ul>\n\
         <p>See docs/guide-api.md for a guide with examples.</p>\n</body>\n</html>\n",
        version = env!("CARGO_PKG_VERSION")
    ))
}
