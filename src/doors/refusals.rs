//! Turns refusals and failures into responses.

use axum::http::StatusCode;

use crate::{
    accounts::NotSignedIn,
    engine::{EngineError, KeepFileError},
    files::FilesError,
    relay::rules::act::Refusal,
    store::StoreError,
    web::problem::Problem,
};

impl From<FilesError> for Problem {
    fn from(error: FilesError) -> Self {
        tracing::error!(error = %error, "a file could not be stored or read");
        Self::unavailable("files can't be stored or read at present")
    }
}

impl From<KeepFileError> for Problem {
    fn from(error: KeepFileError) -> Self {
        match error {
            KeepFileError::Store(error) => error.into(),
            KeepFileError::Files(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // The caller learns that, the operator learns why.
        tracing::error!(error = %error, "a request failed because of the store");
        match error {
            StoreError::Unreadable(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the stored data can't be read")
            }
            StoreError::Panicked => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "an internal error occurred; the log has the details",
            ),
            StoreError::Unavailable(_) | StoreError::Stopped => {
                Self::unavailable("the store is not available; try again")
            }
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let refusal = match error {
            EngineError::Store(error) => return error.into(),
            EngineError::Refused(refusal) => refusal,
        };
        let status = match refusal {
            Refusal::Unknown => StatusCode::NOT_FOUND,
            Refusal::Ended
            | Refusal::HasAnother(_)
            | Refusal::Offered(_)
            | Refusal::NotOffered
            | Refusal::NotAccepted
            | Refusal::NotFailed => StatusCode::CONFLICT,
            Refusal::QueueFull => StatusCode::TOO_MANY_REQUESTS,
            Refusal::OtherRequest => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, refusal.to_string())
    }
}

impl From<NotSignedIn> for Problem {
    fn from(refusal: NotSignedIn) -> Self {
        let detail = refusal.to_string();
        match refusal {
            NotSignedIn::UnknownToken | NotSignedIn::UnknownCode | NotSignedIn::UnknownBearer => {
                Self::new(StatusCode::UNAUTHORIZED, detail)
            }
            NotSignedIn::OtherRole(_) => Self::new(StatusCode::FORBIDDEN, detail),
            NotSignedIn::TooManyFailures(wait) => Self::too_many(detail, wait),
            NotSignedIn::NoRandomness(_) => Self::unavailable(detail),
            NotSignedIn::Store(error) => error.into(),
        }
    }
}
