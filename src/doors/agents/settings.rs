//! The settings file: read again while the relay runs.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    doors::{App, extract::Staff},
    reload::{FileState, ReloadError},
    web::problem::{Problem, ProblemBody},
};

/// The settings file that is in force.
#[derive(Serialize, ToSchema)]
#[schema(as = SettingsFile)]
pub struct SettingsFileView {
    /// The SHA-256 of the file.
    sha256: String,
    /// Since when it is in force.
    since: String,
}

impl From<FileState> for SettingsFileView {
    fn from(state: FileState) -> Self {
        Self { sha256: state.digest.as_str().to_owned(), since: state.since.to_string() }
    }
}

/// Read the settings file again, as on SIGHUP. All of it counts from then on, or nothing. Needs an operator's token.
#[utoipa::path(post, path = "/api/settings/reload", tag = "settings",
    responses((status = 200, body = SettingsFileView),
        (status = 403, body = ProblemBody, description = "This needs an operator's token"),
        (status = 409, body = ProblemBody, description = "The relay has no settings file"),
        (status = 422, body = ProblemBody, description = "The file can't be used: `detail` has all mistakes with line and column. What was in force stays")))]
pub async fn reload(State(app): State<App>, staff: Staff) -> Result<Json<SettingsFileView>, Problem> {
    staff.require_operator()?;
    let reloaded = app.reloader.reload().await.map_err(|error| {
        let status = match error {
            ReloadError::NoFile => StatusCode::CONFLICT,
            ReloadError::Wrong(_) | ReloadError::Unusable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ReloadError::Store(error) => return Problem::from(error),
            ReloadError::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Problem::new(status, error.to_string())
    })?;
    Ok(Json(SettingsFileView::from(reloaded)))
}
