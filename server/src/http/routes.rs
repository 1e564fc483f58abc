//! Who may do what: every operation with the least role that may do it. What is not in this table is refused.

use crate::token::Role;
use axum::http::Method;

/// Who may use an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Holders of a token or account of this role or a greater one.
    From(Role),
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path below `base_path`, with its parameters in braces.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
}

const fn route(method: &'static str, path: &'static str, access: Access) -> Route {
    Route { method, path, access }
}

use Access::{From, Public};
use Role::{Admin, Agent, Supervisor, Viewer};

/// Every operation of the server.
pub const ROUTES: &[Route] = &[
    route("GET", "/", Public),
    route("GET", "/healthz", Public),
    route("GET", "/readyz", Public),
    route("GET", "/metrics", Public),
    route("GET", "/api/openapi.json", Public),
    route("GET", "/api/v1/whoami", From(Viewer)),
    route("POST", "/api/v1/login", Public),
    route("POST", "/api/v1/logout", From(Viewer)),
    route("GET", "/api/v1/logins", From(Viewer)),
    route("DELETE", "/api/v1/logins", From(Viewer)),
    route("DELETE", "/api/v1/logins/{id}", From(Viewer)),
    route("GET", "/api/v1/accounts", From(Admin)),
    route("POST", "/api/v1/accounts", From(Admin)),
    route("PATCH", "/api/v1/accounts/{name}", From(Admin)),
    route("DELETE", "/api/v1/accounts/{name}", From(Admin)),
    route("POST", "/api/v1/account/password", From(Viewer)),
    route("GET", "/api/v1/events", From(Viewer)),
    route("GET", "/api/v1/board", From(Viewer)),
    route("GET", "/api/v1/engine", From(Viewer)),
    route("GET", "/api/v1/calls", From(Viewer)),
    route("POST", "/api/v1/calls", From(Agent)),
    route("GET", "/api/v1/calls/{id}", From(Viewer)),
    route("DELETE", "/api/v1/calls/{id}", From(Agent)),
    route("GET", "/api/v1/trunks", From(Viewer)),
    route("POST", "/api/v1/trunks", From(Admin)),
    route("GET", "/api/v1/trunks/{name}", From(Admin)),
    route("PATCH", "/api/v1/trunks/{name}", From(Admin)),
    route("DELETE", "/api/v1/trunks/{name}", From(Admin)),
    route("GET", "/api/v1/routes", From(Admin)),
    route("PUT", "/api/v1/routes", From(Admin)),
    route("GET", "/api/v1/settings", From(Admin)),
    route("PATCH", "/api/v1/settings", From(Admin)),
    route("GET", "/api/v1/health", From(Viewer)),
    route("GET", "/api/v1/profiles", From(Viewer)),
    route("GET", "/api/v1/campaigns", From(Viewer)),
    route("POST", "/api/v1/campaigns", From(Supervisor)),
    route("GET", "/api/v1/campaigns/{name}", From(Viewer)),
    route("PATCH", "/api/v1/campaigns/{name}", From(Supervisor)),
    route("DELETE", "/api/v1/campaigns/{name}", From(Admin)),
    route("POST", "/api/v1/campaigns/{name}/start", From(Supervisor)),
    route("POST", "/api/v1/campaigns/{name}/pause", From(Supervisor)),
    route("POST", "/api/v1/campaigns/{name}/stop", From(Supervisor)),
    route("GET", "/api/v1/campaigns/{name}/report", From(Viewer)),
    route("GET", "/api/v1/campaigns/{name}/amd", From(Viewer)),
    route("GET", "/api/v1/campaigns/{name}/series", From(Viewer)),
    route("GET", "/api/v1/campaigns/{name}/decisions", From(Viewer)),
    route("GET", "/api/v1/campaigns/{name}/calibration", From(Viewer)),
    route("GET", "/api/v1/callbacks", From(Supervisor)),
    route("POST", "/api/v1/callbacks", From(Agent)),
    route("GET", "/api/v1/simulations", From(Supervisor)),
    route("POST", "/api/v1/simulations", From(Supervisor)),
    route("GET", "/api/v1/simulations/{id}", From(Supervisor)),
    route("DELETE", "/api/v1/simulations/{id}", From(Supervisor)),
    route("GET", "/api/v1/agents", From(Viewer)),
    route("POST", "/api/v1/agents", From(Supervisor)),
    route("GET", "/api/v1/agents/{name}", From(Viewer)),
    route("PATCH", "/api/v1/agents/{name}", From(Supervisor)),
    route("DELETE", "/api/v1/agents/{name}", From(Admin)),
    route("POST", "/api/v1/agents/{name}/state", From(Agent)),
    route("GET", "/api/v1/agents/{name}/preview", From(Agent)),
    route("POST", "/api/v1/agents/{name}/preview", From(Agent)),
    route("GET", "/api/v1/lists", From(Viewer)),
    route("POST", "/api/v1/lists", From(Supervisor)),
    route("GET", "/api/v1/lists/{name}", From(Viewer)),
    route("DELETE", "/api/v1/lists/{name}", From(Supervisor)),
    route("POST", "/api/v1/lists/{name}/import", From(Supervisor)),
    route("GET", "/api/v1/imports", From(Viewer)),
    route("POST", "/api/v1/imports/preview", From(Supervisor)),
    route("GET", "/api/v1/imports/{id}", From(Viewer)),
    route("DELETE", "/api/v1/imports/{id}", From(Supervisor)),
    route("POST", "/api/v1/imports/{id}/pause", From(Supervisor)),
    route("POST", "/api/v1/imports/{id}/resume", From(Supervisor)),
    route("GET", "/api/v1/lists/{name}/leads", From(Supervisor)),
    route("GET", "/api/v1/imports/{id}/rejected", From(Supervisor)),
    route("GET", "/api/v1/imports/{id}/rejected.csv", From(Supervisor)),
    route("GET", "/api/v1/number-lists", From(Viewer)),
    route("POST", "/api/v1/number-lists", From(Supervisor)),
    route("GET", "/api/v1/number-lists/loads", From(Viewer)),
    route("DELETE", "/api/v1/number-lists/{kind}/{source}", From(Supervisor)),
    route("GET", "/api/v1/leads", From(Supervisor)),
    route("GET", "/api/v1/leads/{id}", From(Supervisor)),
    route("GET", "/api/v1/attempts", From(Supervisor)),
    route("GET", "/api/v1/attempts/{id}", From(Supervisor)),
    route("POST", "/api/v1/attempts/{id}/disposition", From(Agent)),
    route("GET", "/api/v1/attempts/{id}/evidence", From(Supervisor)),
    route("GET", "/api/v1/attempts/{id}/evidence/audio", From(Supervisor)),
    route("POST", "/api/v1/attempts/{id}/label", From(Supervisor)),
    route("GET", "/api/v1/amd/queue", From(Supervisor)),
    route("GET", "/api/v1/amd/models", From(Viewer)),
    route("GET", "/api/v1/amd/recordings", From(Viewer)),
    route("DELETE", "/api/v1/amd/recordings/{id}", From(Supervisor)),
    route("GET", "/api/v1/cdrs", From(Supervisor)),
    route("GET", "/api/v1/cdrs/{id}", From(Supervisor)),
    route("GET", "/api/v1/do-not-call", From(Supervisor)),
    route("POST", "/api/v1/do-not-call", From(Agent)),
    route("DELETE", "/api/v1/do-not-call/{number}", From(Supervisor)),
    route("GET", "/api/v1/number-marks", From(Supervisor)),
    route("DELETE", "/api/v1/number-marks/{number}", From(Supervisor)),
    route("GET", "/api/v1/consents", From(Supervisor)),
    route("POST", "/api/v1/consents", From(Agent)),
    route("GET", "/api/v1/contacts", From(Supervisor)),
    route("GET", "/api/v1/contacts/{id}", From(Supervisor)),
    route("PATCH", "/api/v1/contacts/{id}", From(Supervisor)),
    route("POST", "/api/v1/contacts/{id}/numbers", From(Supervisor)),
    route("DELETE", "/api/v1/contacts/{id}/numbers/{number}", From(Supervisor)),
    route("GET", "/api/v1/recordings", From(Supervisor)),
    route("GET", "/api/v1/tokens", From(Admin)),
    route("POST", "/api/v1/tokens", From(Admin)),
    route("DELETE", "/api/v1/tokens/{id}", From(Admin)),
    route("GET", "/api/v1/audit", From(Admin)),
    route("GET", "/api/v1/config", From(Admin)),
];

/// Who may use an operation; `None` when the table does not know it.
pub(super) fn access(method: &Method, path: &str) -> Option<Access> {
    // What answers GET answers HEAD.
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    ROUTES.iter().find(|route| route.method == method && route.path == path).map(|route| route.access)
}
