//! Opening, finding and closing sessions.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Session;
use super::models::{self, Horizon, SessionRow};
use crate::agents::models::Agent;
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::calls::models::DbResult;
use crate::console::{Client, Console};
use crate::db::DbError;
use crate::idempotency::hex;

/// How often a session's use is written down.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);
/// What a browser calls itself is kept up to here.
const USER_AGENT_BYTES: usize = 200;

/// A session as its owner sees it.
#[derive(Debug, Clone, Serialize)]
pub struct SessionInfo {
    /// Its id.
    pub id: Uuid,
    /// From where it was opened.
    pub address: String,
    /// What the browser called itself.
    pub user_agent: String,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// About when it was last used.
    pub seen_at: DateTime<Utc>,
}

impl TryFrom<SessionRow> for SessionInfo {
    type Error = DbError;

    fn try_from(row: SessionRow) -> DbResult<Self> {
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            address: row.address,
            user_agent: row.user_agent,
            created_at: row.created_at.and_utc(),
            seen_at: row.seen_at.and_utc(),
        })
    }
}

fn horizon(console: &Console, now: DateTime<Utc>) -> Horizon {
    Horizon { opened: now - console.session_longest, used: now - console.session_idle }
}

fn hash(token: &str) -> String {
    hex(Sha256::digest(token))
}

fn entry(
    now: DateTime<Utc>,
    actor: Actor,
    action: &'static str,
    agent: &str,
    client: Option<&Client>,
) -> Entry {
    let detail = client.map_or(json!({}), |client| json!({ "address": client.address }));
    Entry { at: now, actor, action, subject: Some(agent.to_owned()), detail }
}

/// Opens a session for somebody who has proven who they are, and closes the one that the same browser had; gives the token, this
/// once: 256 random bits.
///
/// # Errors
/// The database's.
pub async fn open(app: &App, agent: &Agent, client: &Client, before: Option<&str>) -> DbResult<String> {
    let (now, token) = (app.clock.now(), app.ids.secret());
    let row = SessionRow {
        id: app.ids.id().to_string(),
        agent_id: agent.id.to_string(),
        token_hash: hash(&token),
        address: client.address.to_string(),
        user_agent: cut(&client.user_agent),
        created_at: now.naive_utc(),
        seen_at: now.naive_utc(),
        revoked_at: None,
    };
    let entry = entry(now, Actor::agent(&agent.name), "agent.logged_in", &agent.name, Some(client));
    let (before, forget) = (before.map(hash), now - app.console.session_longest);
    app.db
        .write(move |conn| {
            if let Some(before) = &before {
                models::close_by_token(conn, before, now)?;
            }
            models::open(conn, &row, forget)?;
            audit::record(conn, &entry)
        })
        .await?;
    Ok(token)
}

/// PostgreSQL's texts cannot hold a NUL, and a header can be long.
fn cut(text: &str) -> String {
    let clean: String = text.chars().filter(|letter| !letter.is_control()).collect();
    clean
        .chars()
        .scan(0, |bytes, letter| {
            *bytes += letter.len_utf8();
            (*bytes <= USER_AGENT_BYTES).then_some(letter)
        })
        .collect()
}

/// Whose session this token is, while it holds.
///
/// # Errors
/// The database's.
pub async fn find(app: &App, token: &str) -> DbResult<Option<Session>> {
    let (now, token_hash) = (app.clock.now(), hash(token));
    let horizon = horizon(&app.console, now);
    let Some((row, agent)) = app.db.read(move |conn| models::live(conn, &token_hash, horizon)).await? else {
        return Ok(None);
    };
    if now.naive_utc() - row.seen_at >= SEEN_EVERY {
        let (db, id) = (app.db.clone(), row.id.clone());
        // Beside the request: nobody waits for it, and its loss loses nothing.
        app.work(async move {
            if let Err(error) = db.write(move |conn| models::touch(conn, &id, now)).await {
                tracing::debug!(%error, "a session's use was not noted");
            }
        });
    }
    let id = row.id.parse().map_err(DbError::corrupt)?;
    Ok(Some(Session::new(id, agent.agent()?, token, app.console.scripts)))
}

/// Whether the session with this id still holds: for streams, which outlive the request that began them. Does not count as use.
///
/// # Errors
/// The database's.
pub async fn is_live(app: &App, session_id: Uuid) -> DbResult<bool> {
    let horizon = horizon(&app.console, app.clock.now());
    app.db.read(move |conn| models::is_live(conn, session_id, horizon)).await
}

/// Somebody's sessions that hold, the one used last first.
///
/// # Errors
/// The database's.
pub async fn list(app: &App, agent_id: Uuid) -> DbResult<Vec<SessionInfo>> {
    let horizon = horizon(&app.console, app.clock.now());
    let id = agent_id.to_string();
    let rows = app.db.read(move |conn| models::of_agent(conn, &id, horizon)).await?;
    rows.into_iter().map(SessionInfo::try_from).collect()
}

/// Closes one of somebody's sessions; whether it was open and theirs.
///
/// # Errors
/// The database's.
pub async fn close(app: &App, of: &Agent, session_id: Uuid, action: &'static str) -> DbResult<bool> {
    let (now, agent_id) = (app.clock.now(), of.id);
    let entry = entry(now, Actor::agent(&of.name), action, &of.name, None);
    let closed = app.db.write(move |conn| {
        let is_closed = models::close(conn, agent_id, session_id, now)?;
        if is_closed {
            audit::record(conn, &entry)?;
        }
        Ok::<_, DbError>(is_closed)
    });
    let is_closed = closed.await?;
    // Its streams end at once.
    app.tell(agent_id);
    Ok(is_closed)
}
