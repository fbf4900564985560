//! The courier for calls whose effect the end user sees: messages, their files, and the end of a handoff.

use std::{io, sync::Arc, time::Duration};

use futures_util::StreamExt;

use super::patiently;
use crate::{
    ada::{
        answer::Answer,
        api::{Says, Upload},
        limits::Permit,
    },
    engine::Engine,
    files::FileKey,
    relay::{
        delivery::{Attachment, Delivery, Failure, Receipt, UploadedFile},
        id::RowId,
        rules::{
            attempt::{Call, LEASE, Saying},
            settle::{self, Attempt},
        },
        time::Time,
    },
};

/// A call that has not left so long before its claim ends does not leave: if the process stood still meanwhile, another relay
/// may have the delivery before Ada has the call.
const TO_SPARE: Duration = Duration::from_secs(2);

/// Makes the call, and settles its outcome.
pub async fn carry(engine: &Engine, permit: Permit, delivery: Delivery, began: Time, call: Call) {
    let (ada, key) = (engine.ada(&delivery.key), &delivery.key);
    if engine.environment.now() >= began + (LEASE - TO_SPARE) {
        permit.give_back();
        let outcome = Err(Failure::Unreached("the relay stood still before it could send this".to_owned()));
        return settle(engine, delivery, began, Answer { outcome, answered_at: None }).await;
    }
    match call {
        Call::Send { says, by } => {
            let says = match &says {
                Saying::Text(text) => Says::Text(text),
                Saying::File(uploaded) => Says::File(uploaded),
            };
            let answer = ada.send_message(permit, key, &by, says).await;
            settle(engine, delivery, began, answer).await;
        }
        Call::End => {
            let answer = ada.end_handoff(permit, key).await;
            settle(engine, delivery, began, answer).await;
        }
        Call::Upload { row, file } => upload(engine, permit, delivery, began, &row, file).await,
    }
}

async fn settle(engine: &Engine, delivery: Delivery, began: Time, answer: Answer<Receipt>) {
    engine.record_outcome(&delivery, answer.outcome.as_ref().err());
    if answer.outcome.is_ok() {
        engine.metrics.delivered(engine.environment.now().since(delivery.queued_at));
    }
    let attempt = Arc::new(attempt(engine, delivery, began, answer));
    // If the outcome can't be stored, the message stays in doubt.
    drop(patiently(engine, &attempt.delivery, || settle::attempt(Arc::clone(&attempt))).await);
}

async fn upload(
    engine: &Engine,
    permit: Permit,
    delivery: Delivery,
    began: Time,
    row: &RowId,
    file: Attachment,
) {
    let answer = match read(engine, &FileKey::new(delivery.handoff.as_str(), row.as_str()), file).await {
        Ok(upload) => {
            let answer = engine.ada(&delivery.key).upload(permit, &delivery.key, upload).await;
            engine.record_outcome(&delivery, answer.outcome.as_ref().err());
            answer
        }
        Err(failure) => Answer { outcome: Err(failure), answered_at: None },
    };
    let attempt: Arc<Attempt<UploadedFile>> = Arc::new(attempt(engine, delivery, began, answer));
    // If the outcome can't be stored, the file is uploaded again.
    drop(patiently(engine, &attempt.delivery, || settle::upload(Arc::clone(&attempt))).await);
}

fn attempt<T>(engine: &Engine, delivery: Delivery, began: Time, answer: Answer<T>) -> Attempt<T> {
    let Answer { outcome, answered_at } = answer;
    Attempt { delivery, began, outcome, answered_at, jitter: engine.environment.jitter() }
}

async fn read(engine: &Engine, key: &FileKey, file: Attachment) -> Result<Upload, Failure> {
    let bytes = match engine.files.read(key, None).await {
        Ok(Some(bytes)) => bytes.map(|chunk| chunk.map_err(io::Error::other)).boxed(),
        Ok(None) => return Err(Failure::Refused("the relay no longer has the file".to_owned())),
        Err(error) => return Err(Failure::Unreached(error.to_string())),
    };
    let Attachment { filename, mime_type, size, .. } = file;
    Ok(Upload { filename, mime_type, size, bytes })
}
