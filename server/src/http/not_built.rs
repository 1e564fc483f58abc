//! Names of the contract whose rooms are not built: they answer, and say so.

use super::problem::Problem;

/// Recordings of calls. Not built yet: always 501.
#[utoipa::path(get, path = "/api/v1/recordings", tag = "not built", responses((status = 501, body = Problem)))]
pub(super) async fn recordings() -> Problem {
    Problem::not_built("recordings", "record at the trunk's side until then")
}
