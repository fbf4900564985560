//! Reports, for those who see all handoffs.

mod csv;
mod view;

use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use jiff::tz::TimeZone;
use serde::Deserialize;
use utoipa::IntoParams;

use self::view::{DayView, NowView};
use crate::{
    doors::{App, extract::Caller},
    engine::ReportError,
    relay::{
        report::{Day, DayReport},
        sight::Sight,
    },
    web::{
        extract::Params,
        problem::{Problem, ProblemBody},
    },
};

const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// Which day.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DayQuery {
    /// Such as `2026-11-30`; today in the time zone if not given.
    #[param(pattern = "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]
    date: Option<String>,
    /// By whose clocks the day begins and ends, such as `Europe/Berlin`; UTC if not given.
    time_zone: Option<String>,
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::TooMany => Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
            ReportError::Store(error) => error.into(),
        }
    }
}

/// See how it stands now: who is there, who waits, and who has what.
#[utoipa::path(get, path = "/api/reports/now", tag = "reports",
    responses((status = 200, body = NowView), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody, description = "The agent does not see all handoffs"),
        (status = 422, body = ProblemBody, description = "More than 20,000 handoffs are open")))]
pub async fn now(State(app): State<App>, caller: Caller) -> Result<impl IntoResponse, Problem> {
    require_full_sight(&caller)?;
    let report = app.engine.report_of_now().await?;
    Ok(([NO_STORE], Json(NowView::new(app.engine.environment().now(), report))))
}

/// See how a day went: figures of the handoffs that began on it.
#[utoipa::path(get, path = "/api/reports/day", tag = "reports", params(DayQuery),
    responses((status = 200, body = DayView),
        (status = 400, body = ProblemBody, description = "The date or the time zone is not known"),
        (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody, description = "The agent does not see all handoffs"),
        (status = 422, body = ProblemBody, description = "More than 20,000 handoffs began on this day")))]
pub async fn day(
    State(app): State<App>,
    caller: Caller,
    Params(asked): Params<DayQuery>,
) -> Result<impl IntoResponse, Problem> {
    require_full_sight(&caller)?;
    let day = asked_day(&app, &asked)?;
    let report = DayReport::new(&day, &app.engine.begun_on(&day).await?);
    Ok(([NO_STORE], Json(DayView::new(&day, report))))
}

/// Get the handoffs that began on a day as CSV (RFC 4180, UTF-8): a line with names, then one for each handoff. Dates and
/// times are those of the time zone. A text that a spreadsheet would take for a formula has an apostrophe before it.
#[utoipa::path(get, path = "/api/reports/day.csv", tag = "reports", params(DayQuery),
    responses((status = 200, body = String, content_type = "text/csv"),
        (status = 400, body = ProblemBody, description = "The date or the time zone is not known"),
        (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody, description = "The agent does not see all handoffs"),
        (status = 422, body = ProblemBody, description = "More than 20,000 handoffs began on this day")))]
pub async fn day_as_csv(
    State(app): State<App>,
    caller: Caller,
    Params(asked): Params<DayQuery>,
) -> Result<impl IntoResponse, Problem> {
    require_full_sight(&caller)?;
    let day = asked_day(&app, &asked)?;
    let table = csv::table(&day, &app.engine.begun_on(&day).await?);
    let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned());
    let name = format!("attachment; filename=\"handoffs-{}.csv\"", day.date);
    Ok(([NO_STORE], [kind, (header::CONTENT_DISPOSITION, name)], table))
}

/// # Errors
/// 403: an agent of some teams only.
fn require_full_sight(caller: &Caller) -> Result<(), Problem> {
    match caller.sight {
        Sight::All => Ok(()),
        Sight::Of { .. } => {
            let detail = "reports are about all handoffs: they are for those who see all of them";
            Err(Problem::new(StatusCode::FORBIDDEN, detail))
        }
    }
}

fn asked_day(app: &App, asked: &DayQuery) -> Result<Day, Problem> {
    let given = |text: &'_ Option<String>| text.clone().filter(|text| !text.is_empty());
    let zone = match given(&asked.time_zone) {
        None => TimeZone::UTC,
        Some(name) => Day::zone(&name).ok_or_else(|| {
            Problem::bad_request("time_zone must be the name of a time zone such as Europe/Berlin")
        })?,
    };
    let day = match given(&asked.date) {
        None => Day::of(app.engine.environment().now(), zone),
        Some(text) => Day::date(&text).and_then(|date| Day::new(date, zone)),
    };
    day.ok_or_else(|| Problem::bad_request("date must be a day such as 2026-11-30"))
}
