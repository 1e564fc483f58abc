//! The routes, put together; and what they say of themselves as OpenAPI 3.1. The wrapped library is `utoipa`.
//!
//! What all operations have in common (errors, security, the idempotency header) is added here from the table of roles,
//! so that no handler can forget it.

use super::auth::LOGIN_COOKIE;
use super::changes::{IMPORT, KEY, NUMBERS, PREVIEW};
use super::limits::{REQUEST_WAIT, UPLOAD_BYTES_MAX, UPLOAD_WAIT};
use super::problem::Problem;
use super::routes::{Access, access};
use super::{
    Service, accounts, agents, amd, amd_recordings, amd_report, attempts, audit, auth, board, callbacks, calls,
    campaigns, cdrs, consents, console, contacts, decisions, engine, events, health, imports, inbound, leads, lists,
    login, marks, metrics, not_built, number_lists, offers, preview, profiles, report, settings, simulations,
    suppression, tokens, trunks,
};
use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Method};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::any::Any;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, Required, ResponseBuilder};
use utoipa::openapi::{RefOr, tag::TagBuilder};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Tags with what they hold, in the order of the document.
const TAGS: [(&str, &str); 15] = [
    ("calls", "Calls under way: placed, listed, ended."),
    ("campaigns", "What is dialled, and how it goes."),
    ("trunks", "Ways to the telephone network; what happens to inbound calls."),
    ("agents", "People who take calls."),
    ("lists", "Lists, leads, imports."),
    ("contacts", "Persons with their numbers, and what is known of them."),
    ("records", "Attempts and answered calls; dispositions."),
    ("answer detection", "What it heard and said, what answered after all, and how many people it loses."),
    ("compliance", "Do-not-call set and consents."),
    ("events", "What happens, as it happens."),
    ("login", "Logging in and out; accounts of people."),
    ("tokens", "Who may do what."),
    ("audit", "Who did what; the configuration in force, and what of it can change."),
    ("health", "For machines that watch."),
    ("not built", "Names that are kept free."),
];

/// The document as it is served.
#[derive(Clone)]
struct Document(Arc<str>);

fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(console::home))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
        .routes(routes!(document))
        .routes(routes!(login::whoami))
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(login::list, login::end_all))
        .routes(routes!(login::end_one))
        .routes(routes!(accounts::list, accounts::create))
        .routes(routes!(accounts::change, accounts::delete))
        .routes(routes!(accounts::own_password))
        .routes(routes!(events::stream))
        .routes(routes!(board::show))
        .routes(routes!(engine::show))
        .routes(routes!(calls::list, calls::place))
        .routes(routes!(calls::show, calls::end))
        .routes(routes!(trunks::list, trunks::create))
        .routes(routes!(trunks::show, trunks::change, trunks::delete))
        .routes(routes!(inbound::list, inbound::replace))
        .routes(routes!(settings::list, settings::change))
        .routes(routes!(health::checks))
        .routes(routes!(profiles::list))
        .routes(routes!(campaigns::list, campaigns::create))
        .routes(routes!(campaigns::show, campaigns::change, campaigns::delete))
        .routes(routes!(campaigns::start))
        .routes(routes!(campaigns::pause))
        .routes(routes!(campaigns::stop))
        .routes(routes!(report::report))
        .routes(routes!(simulations::list, simulations::begin))
        .routes(routes!(simulations::show, simulations::cancel))
        .routes(routes!(campaigns::series))
        .routes(routes!(callbacks::list, callbacks::create))
        .routes(routes!(decisions::decisions))
        .routes(routes!(decisions::calibration))
        .routes(routes!(agents::list, agents::create))
        .routes(routes!(agents::show, agents::change, agents::delete))
        .routes(routes!(agents::set_state))
        .routes(routes!(offers::show, offers::decide))
        .routes(routes!(lists::list, lists::create))
        .routes(routes!(lists::show, lists::delete))
        .routes(routes!(imports::begin))
        .routes(routes!(imports::list))
        .routes(routes!(preview::preview))
        .routes(routes!(imports::show, imports::cancel))
        .routes(routes!(imports::pause))
        .routes(routes!(imports::resume))
        .routes(routes!(imports::rejected))
        .routes(routes!(imports::rejected_file))
        .routes(routes!(number_lists::list, number_lists::load))
        .routes(routes!(number_lists::loads))
        .routes(routes!(number_lists::remove))
        .routes(routes!(leads::list))
        .routes(routes!(leads::matching))
        .routes(routes!(leads::show))
        .routes(routes!(attempts::list))
        .routes(routes!(attempts::show))
        .routes(routes!(attempts::dispose))
        .routes(routes!(amd::queue))
        .routes(routes!(amd::models))
        .routes(routes!(amd_recordings::list))
        .routes(routes!(amd_recordings::forget))
        .routes(routes!(amd::evidence))
        .routes(routes!(amd::audio))
        .routes(routes!(amd::label))
        .routes(routes!(amd_report::report))
        .routes(routes!(cdrs::list))
        .routes(routes!(cdrs::show))
        .routes(routes!(suppression::list, suppression::add))
        .routes(routes!(suppression::lift))
        .routes(routes!(marks::list))
        .routes(routes!(marks::lift))
        .routes(routes!(consents::list, consents::add))
        .routes(routes!(contacts::list))
        .routes(routes!(contacts::show, contacts::change))
        .routes(routes!(contacts::add_number))
        .routes(routes!(contacts::remove_number))
        .routes(routes!(not_built::recordings))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(audit::list))
        .routes(routes!(audit::config))
}

/// The API as OpenAPI 3.1, for a server that stands under `base_path`.
pub fn openapi(base_path: &str) -> OpenApi {
    finish(routes().into_openapi(), base_path)
}

/// This document: the API as OpenAPI 3.1.
#[utoipa::path(get, path = "/api/openapi.json", tag = "health", responses((status = 200, body = Object)))]
async fn document(axum::Extension(document): axum::Extension<Document>) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(axum::http::header::CONTENT_TYPE, json)], document.0.to_string()).into_response()
}

/// Everything that is served.
pub(super) fn app(service: Arc<Service>) -> Router {
    let (router, api) = routes().split_for_parts();
    let document = finish(api, &service.base_path).to_json().unwrap_or_default();
    let guarded = router
        .route_layer(middleware::from_fn_with_state(service.clone(), auth::guard))
        .layer(axum::Extension(Document(document.into())));
    let placed = if service.base_path.is_empty() { guarded } else { Router::new().nest(&service.base_path, guarded) };
    placed
        .fallback(console::anything)
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(middleware::from_fn_with_state(service.clone(), metrics::count))
        .layer(middleware::from_fn_with_state(service.clone(), in_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(tower_http::compression::CompressionLayer::new())
        .layer(middleware::from_fn(headers))
        // Bodies are read by our own extractors, each with its own limit.
        .layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX))
        .with_state(service)
}

/// Gives a request up that takes too long. A change that was begun goes on all the same, see `changes`.
async fn in_time(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let wait = match service.below_base(&matched) {
        // Each part of it has its own time.
        NUMBERS if request.method() == Method::POST => return next.run(request).await,
        IMPORT | PREVIEW => UPLOAD_WAIT,
        _ => REQUEST_WAIT,
    };
    match tokio::time::timeout(wait, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::timed_out(wait.as_secs()).into_response(),
    }
}

pub(super) fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let words = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    tracing::error!(panic = words.unwrap_or("no words"), "a handler ended by a panic");
    Problem::internal().into_response()
}

/// Headers of every answer: nothing is guessed, framed, kept by caches or run as a script, but for the console's files.
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    // The console's page brings its own.
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn finish(api: OpenApi, base_path: &str) -> OpenApi {
    let info = InfoBuilder::new()
        .title("Outpace")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Calls, campaigns, agents, lists, records. Errors are RFC 9457 problem objects. Moments are microseconds \
             since the Unix epoch (`_us`). Changing operations take an `Idempotency-Key`.",
        ))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").build()))
        .build();
    let url = if base_path.is_empty() { "/" } else { base_path };
    let mut api: OpenApi = OpenApiBuilder::from(api)
        .info(info)
        .servers(Some([ServerBuilder::new().url(url).build()]))
        .tags(Some(TAGS.map(|(name, words)| TagBuilder::new().name(name).description(Some(words)).build())))
        .build();
    let components = api.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of `outpace token create` or of POST /api/v1/tokens"))
        .build();
    components.security_schemes.insert("token".to_owned(), SecurityScheme::Http(bearer).into());
    let words = "A login of POST /api/v1/login. Changes need the header `X-Outpace-Console: 1` as well.";
    let cookie = ApiKey::Cookie(ApiKeyValue::with_description(LOGIN_COOKIE, words));
    components.security_schemes.insert("login".to_owned(), SecurityScheme::ApiKey(cookie).into());
    components.schemas.insert("Problem".to_owned(), Problem::schema());
    components.schemas.insert("FieldError".to_owned(), super::FieldError::schema());
    for (path, item) in &mut api.paths.paths {
        let slots = [
            (Method::GET, &mut item.get),
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::PATCH, &mut item.patch),
            (Method::DELETE, &mut item.delete),
        ];
        for (method, slot) in slots {
            if let Some(operation) = slot {
                common(operation, &method, path);
            }
        }
    }
    api
}

/// What every operation has by its method, its path and its role.
fn common(operation: &mut Operation, method: &Method, path: &str) {
    let Some(Access::From(role)) = access(method, path) else {
        operation.security = Some(Vec::new());
        return;
    };
    let by = |scheme: &str| SecurityRequirement::new::<_, _, &str>(scheme, []);
    operation.security = Some(vec![by("token"), by("login")]);
    let words = operation.description.take().or_else(|| operation.summary.clone()).unwrap_or_default();
    operation.description =
        Some(format!("{words}\n\nNeeds the role `{}` or a greater one.", role.name()).trim().to_owned());
    let changes = !method.is_safe();
    let mut errors = vec![
        (400, "The request cannot be read"),
        (401, "No token or login, or none that counts"),
        (403, "The role may not do this"),
        (422, "A value is wrong"),
        (429, "Too many requests; `Retry-After` says when to come back"),
        (500, "The server has a fault"),
        (503, "No room now; `Retry-After` says when to come back"),
    ];
    if path.contains('{') {
        errors.push((404, "There is no such thing"));
    }
    if changes {
        errors.push((409, "The state of things forbids it now"));
        errors.push((413, "The body is too long"));
        errors.push((415, "The body is of another media type"));
        let text =
            ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).min_length(Some(1)).max_length(Some(128));
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "Chosen by the sender, a UUID say. The same request with the same key within 24 hours is not done again \
                 but gets the first answer again, with `Idempotency-Replayed: true`.",
            ))
            .schema(Some(text.pattern(Some("^[!-~]+$"))))
            .build();
        debug_assert_eq!(KEY.as_str(), "idempotency-key");
        operation.parameters.get_or_insert_default().push(key.into());
    }
    for (status, words) in errors {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
        let mut response = ResponseBuilder::new().description(words).content("application/problem+json", content);
        if matches!(status, 429 | 503) {
            let seconds = ObjectBuilder::new().schema_type(SchemaType::new(Type::Integer));
            response = response.header("Retry-After", HeaderBuilder::new().schema(Some(seconds)).build());
        }
        let answers = &mut operation.responses.responses;
        answers.entry(status.to_string()).or_insert_with(|| RefOr::T(response.build()));
    }
}
