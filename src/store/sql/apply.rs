//! Writing what a decision changed.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::{count, outbox, signed};
use crate::{
    relay::{
        buffer::Buffer,
        changes::{DeadLetter, WriteSet},
        delivery::Destination,
        event::{Event, SortKey},
        handoff::Handoff,
        id::ConversationKey,
        thread::Row,
        time::Time,
    },
    store::{StatusFilter, StoreError, document, search_text},
};

type Done = Result<(), StoreError>;

/// By how much inbox and outbox have grown.
#[derive(Default)]
pub struct Growth {
    pub inbox: i64,
    pub queued: BTreeMap<Destination, i64>,
}

/// Writes everything.
pub async fn changes(connection: &mut SqliteConnection, changes: WriteSet) -> Result<Growth, StoreError> {
    for handoff in &changes.handoffs {
        put_handoff(connection, handoff).await?;
        record_change(connection, handoff.id.as_str(), None).await?;
    }
    for handoff in &changes.handoffs_unseen {
        put_handoff(connection, handoff).await?;
    }
    for row in &changes.rows {
        put_row(connection, row).await?;
        record_change(connection, row.handoff.as_str(), Some(row.id.as_str())).await?;
    }
    for row in &changes.rows_unseen {
        put_row(connection, row).await?;
    }
    let mut growth = Growth::default();
    for delivery in &changes.deliveries {
        if outbox::put(connection, delivery).await? {
            *growth.queued.entry(delivery.destination()).or_default() += 1;
        }
    }
    for id in &changes.deliveries_done {
        if let Some(destination) = outbox::remove(connection, id, changes.at).await? {
            *growth.queued.entry(destination).or_default() -= 1;
        }
    }
    for svix_id in &changes.remember {
        let remember = sqlx::query("INSERT INTO seen (svix_id, at) VALUES ($1, $2)");
        remember.bind(svix_id).bind(changes.at.as_micros()).execute(&mut *connection).await?;
    }
    if let Some((key, buffer)) = &changes.buffer {
        put_buffer(connection, key, buffer.as_ref()).await?;
    }
    for letter in &changes.dead_letters {
        put_dead_letter(connection, letter).await?;
    }
    for id in &changes.dead_letters_done {
        sqlx::query("DELETE FROM dead_letters WHERE id = $1").bind(id).execute(&mut *connection).await?;
    }
    if let Some((asked, known)) = &changes.idempotent {
        let sql = "INSERT INTO idempotency (agent, handoff, key, at, doc) VALUES ($1, $2, $3, $4, $5)";
        let put = sqlx::query(sql).bind(&asked.agent).bind(asked.handoff.as_str()).bind(&asked.key);
        let put = put.bind(changes.at.as_micros()).bind(document::write(known)?);
        put.execute(&mut *connection).await?;
    }
    growth.inbox = inbox(connection, &changes).await?;
    Ok(growth)
}

fn removed(done: sqlx::sqlite::SqliteQueryResult) -> i64 {
    i64::try_from(done.rows_affected()).unwrap_or(0)
}

async fn inbox(connection: &mut SqliteConnection, changes: &WriteSet) -> Result<i64, StoreError> {
    for event in &changes.inbox {
        put_event(connection, event).await?;
    }
    let mut growth = count(changes.inbox.len());
    for svix_id in &changes.inbox_done {
        let done = sqlx::query("DELETE FROM inbox WHERE svix_id = $1").bind(svix_id);
        growth -= removed(done.execute(&mut *connection).await?);
    }
    Ok(growth)
}

async fn put_handoff(connection: &mut SqliteConnection, handoff: &Handoff) -> Done {
    let sql = "INSERT INTO handoffs \
                   (id, ai_agent, conversation, status, agent, search, doc, ended_at, idle_since, took_until) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
               ON CONFLICT (id) DO UPDATE SET status = excluded.status, agent = excluded.agent, \
                   search = excluded.search, doc = excluded.doc, ended_at = excluded.ended_at, \
                   idle_since = excluded.idle_since, took_until = excluded.took_until";
    sqlx::query(sql)
        .bind(handoff.id.as_str())
        .bind(handoff.key.ai_agent.as_str())
        .bind(handoff.key.conversation.as_str())
        .bind(StatusFilter::of(handoff).as_str())
        .bind(handoff.agent())
        .bind(search_text(handoff))
        .bind(document::write(handoff)?)
        .bind(handoff.end().map(|end| end.at.as_micros()))
        .bind(handoff.idle_since().map(Time::as_micros))
        .bind(handoff.took_until().map(Time::as_micros))
        .execute(&mut *connection)
        .await?;
    Ok(())
}

async fn put_row(connection: &mut SqliteConnection, row: &Row) -> Done {
    let sql = "INSERT INTO thread_rows (id, handoff, seq, fingerprint, unread, doc) \
               VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, \
                   unread = excluded.unread, doc = excluded.doc";
    sqlx::query(sql)
        .bind(row.id.as_str())
        .bind(row.handoff.as_str())
        .bind(signed(row.seq))
        .bind(row.fingerprint())
        .bind(i64::from(row.counts_as_unread()))
        .bind(document::write(row)?)
        .execute(&mut *connection)
        .await?;
    for id in row.ids.all() {
        let sql = "INSERT INTO row_ids (handoff, ada_id, row_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let put = sqlx::query(sql).bind(row.handoff.as_str()).bind(id.as_str()).bind(row.id.as_str());
        put.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn put_event(connection: &mut SqliteConnection, event: &Event) -> Done {
    let sql = "INSERT INTO inbox \
                   (svix_id, ai_agent, conversation, sort_time, sort_created, sort_id, doc) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let SortKey(time, created, id) = event.sort_key();
    sqlx::query(sql)
        .bind(&event.svix_id)
        .bind(event.key.ai_agent.as_str())
        .bind(event.key.conversation.as_str())
        .bind(time.as_micros())
        .bind(created.as_micros())
        .bind(id)
        .bind(document::write(event)?)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

async fn put_buffer(
    connection: &mut SqliteConnection,
    key: &ConversationKey,
    buffer: Option<&(Buffer, Time)>,
) -> Done {
    let Some((buffer, due)) = buffer else {
        let sql = "DELETE FROM buffers WHERE ai_agent = $1 AND conversation = $2";
        let done = sqlx::query(sql).bind(key.ai_agent.as_str()).bind(key.conversation.as_str());
        done.execute(&mut *connection).await?;
        return Ok(());
    };
    let sql = "INSERT INTO buffers (ai_agent, conversation, due_at, doc) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (ai_agent, conversation) \
               DO UPDATE SET due_at = excluded.due_at, doc = excluded.doc, is_apart = 0";
    sqlx::query(sql)
        .bind(key.ai_agent.as_str())
        .bind(key.conversation.as_str())
        .bind(due.as_micros())
        .bind(document::write(buffer)?)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

async fn put_dead_letter(connection: &mut SqliteConnection, letter: &DeadLetter) -> Done {
    let sql = "INSERT INTO dead_letters (id, doc, at) VALUES ($1, $2, $3) \
               ON CONFLICT (id) DO UPDATE SET doc = excluded.doc";
    let put = sqlx::query(sql);
    let put = put.bind(&letter.id).bind(document::write(letter)?).bind(letter.at.as_micros());
    put.execute(&mut *connection).await?;
    Ok(())
}

/// Numbers a change of a handoff or of one of its rows; without a handoff, of the canned replies.
pub async fn record_change(connection: &mut SqliteConnection, handoff: &str, row: Option<&str>) -> Done {
    let note = sqlx::query("INSERT INTO changes (handoff, row_id) VALUES ($1, $2)");
    note.bind(handoff).bind(row).execute(&mut *connection).await?;
    Ok(())
}
