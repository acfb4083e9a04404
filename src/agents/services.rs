//! Writes and look-ups of accounts: agents by name, keys by what programs present.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::models::{
    Agent, AgentRole, AgentRow, ApiKeyRow, Presence, Principal, Scope, agent_by_name, agents_by_address,
    key_by_name, key_by_prefix,
};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::{Clock, IdSource};
use crate::console::sessions::models::{self as sessions, Horizon};
use crate::console::sessions::services::SessionInfo;
use crate::db::schema::{agents, api_keys};
use crate::db::{Db, DbConnection, DbError, WriteError};
use crate::telephony::Address;

/// How often a key's last use is written down.
const LAST_USED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The database's fault.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Names are unique.
    #[error("{0} exists already")]
    Exists(String),
    /// Nobody of that name.
    #[error("there is no {0}")]
    Unknown(String),
    /// A name that could not be written in `agent:name`.
    #[error("a name is 1 to 64 letters, digits, dots, hyphens or underscores")]
    InvalidName,
    /// One that is guessed too soon, or too long to be typed.
    #[error("a password has 10 to 256 characters")]
    InvalidPassword,
}

impl WriteError for AccountError {
    fn as_db(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}

/// A key as it is listed: everything but the secret.
#[derive(Debug, Clone, Serialize)]
pub struct KeyInfo {
    /// Its name.
    pub name: String,
    /// Its public part.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is refused.
    pub expires_at: Option<DateTime<Utc>>,
    /// Since when it is refused.
    pub revoked_at: Option<DateTime<Utc>>,
    /// About when it was last presented.
    pub last_used_at: Option<DateTime<Utc>>,
}

fn is_valid_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=64).contains(&name.len()) && name.bytes().all(is_plain)
}

/// Somebody to be added to the directory.
#[derive(Debug, Clone)]
pub struct NewAgent {
    /// The name in `agent:name`.
    pub name: String,
    /// What people are told; the name if absent.
    pub display_name: Option<String>,
    /// What is rung.
    pub address: Address,
    /// What they may do.
    pub role: AgentRole,
}

/// Adds somebody to the directory.
///
/// # Errors
/// As [`AccountError`] says.
pub async fn add_agent(
    db: &Db,
    clock: &dyn Clock,
    ids: &dyn IdSource,
    by: &Actor,
    new: NewAgent,
) -> Result<Agent, AccountError> {
    if !is_valid_name(&new.name) {
        return Err(AccountError::InvalidName);
    }
    let now = clock.now();
    let row = AgentRow {
        id: ids.id().to_string(),
        display_name: new.display_name.unwrap_or_else(|| capitalised(&new.name)),
        name: new.name,
        address: new.address.to_string(),
        role: new.role.to_string(),
        created_at: now.naive_utc(),
        disabled_at: None,
        password_hash: None,
        presence: Presence::Away.to_string(),
        presence_since: None,
    };
    let entry = Entry {
        at: now,
        actor: by.clone(),
        action: "agent.added",
        subject: Some(row.name.clone()),
        detail: json!({ "role": row.role }),
    };
    db.write(move |conn| {
        if agent_by_name(conn, &row.name)?.is_some() {
            return Err(AccountError::Exists(format!("agent {}", row.name)));
        }
        diesel::insert_into(agents::table).values(&row).execute(conn).map_err(DbError::from)?;
        audit::record(conn, &entry)?;
        Ok(row.clone().agent()?)
    })
    .await
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The directory, by name.
///
/// # Errors
/// The database's.
pub async fn list_agents(db: &Db) -> Result<Vec<Agent>, DbError> {
    db.read(directory).await
}

/// The same, on this connection.
///
/// # Errors
/// The database's.
pub fn directory(conn: &mut DbConnection) -> Result<Vec<Agent>, DbError> {
    let rows: Vec<AgentRow> =
        agents::table.order(agents::name.asc()).select(AgentRow::as_select()).load(conn)?;
    rows.into_iter().map(AgentRow::agent).collect()
}

/// Takes somebody out of the directory; their past stays.
///
/// # Errors
/// As [`AccountError`] says.
pub async fn disable_agent(db: &Db, clock: &dyn Clock, by: &Actor, name: &str) -> Result<(), AccountError> {
    let (name, entry) = (name.to_owned(), without_detail(clock, by, "agent.disabled", name));
    db.write(move |conn| {
        let unknown = || AccountError::Unknown(format!("agent {name}"));
        let id = agent_by_name(conn, &name)?.ok_or_else(unknown)?.id;
        // Said again, it keeps the time of the first.
        let found = agents::table.find(&id).filter(agents::disabled_at.is_null());
        let is_disabled = agents::disabled_at.eq(entry.at.naive_utc());
        if diesel::update(found).set(is_disabled).execute(conn).map_err(DbError::from)? > 0 {
            sessions::close_all(conn, &id, None, entry.at)?;
            audit::record(conn, &entry)?;
        }
        Ok(())
    })
    .await
}

/// Lets somebody back in who was taken out of the directory.
///
/// # Errors
/// As [`AccountError`] says.
pub async fn enable_agent(db: &Db, clock: &dyn Clock, by: &Actor, name: &str) -> Result<(), AccountError> {
    let (name, entry) = (name.to_owned(), without_detail(clock, by, "agent.enabled", name));
    db.write(move |conn| {
        let unknown = || AccountError::Unknown(format!("agent {name}"));
        let id = agent_by_name(conn, &name)?.ok_or_else(unknown)?.id;
        let found = agents::table.find(&id).filter(agents::disabled_at.is_not_null());
        let is_enabled = agents::disabled_at.eq(None::<chrono::NaiveDateTime>);
        if diesel::update(found).set(is_enabled).execute(conn).map_err(DbError::from)? > 0 {
            audit::record(conn, &entry)?;
        }
        Ok(())
    })
    .await
}

fn without_detail(clock: &dyn Clock, by: &Actor, action: &'static str, subject: &str) -> Entry {
    let subject = Some(subject.to_owned());
    Entry { at: clock.now(), actor: by.clone(), action, subject, detail: json!({}) }
}

/// Who can be rung as `agent:name`.
///
/// # Errors
/// The database's.
pub async fn find_by_name(db: &Db, name: &str) -> Result<Option<Agent>, DbError> {
    let name = name.to_owned();
    let row = db.read(move |conn| agent_by_name(conn, &name)).await?;
    row.filter(|row| row.disabled_at.is_none()).map(AgentRow::agent).transpose()
}

/// Whose phone this is; nobody's if several share it.
///
/// # Errors
/// The database's.
pub async fn find_by_address(db: &Db, address: &Address) -> Result<Option<Agent>, DbError> {
    let address = address.to_string();
    let mut rows = db.read(move |conn| agents_by_address(conn, &address)).await?;
    if rows.len() > 1 {
        return Ok(None);
    }
    rows.pop().map(AgentRow::agent).transpose()
}

/// Whose name and password these are; nobody's if they are disabled or have none. That takes as long for a name that nobody has.
///
/// # Errors
/// The database's.
pub async fn log_in(app: &App, name: &str, password: String) -> Result<Option<Agent>, DbError> {
    let wanted = name.to_owned();
    // PostgreSQL's texts cannot hold a NUL, and nobody has such a name.
    let row =
        if is_valid_name(name) { app.db.read(move |conn| agent_by_name(conn, &wanted)).await? } else { None };
    let row = row.filter(|row| row.disabled_at.is_none());
    let kept = row.as_ref().and_then(|row| row.password_hash.clone());
    let is_right = app.console.passwords.is_right(password, kept).await;
    row.filter(|_| is_right).map(AgentRow::agent).transpose()
}

/// Records that somebody tried to log in. A name that nobody has is not kept: it may be a password, typed in the wrong place.
///
/// # Errors
/// The database's.
pub async fn note_failed_log_in(app: &App, name: &str, address: IpAddr) -> Result<(), DbError> {
    let (name, at) = (name.to_owned(), app.clock.now());
    app.db
        .write(move |conn| {
            let known = if is_valid_name(&name) { agent_by_name(conn, &name)? } else { None };
            audit::record(
                conn,
                &Entry {
                    at,
                    actor: Actor::system("console"),
                    action: "agent.log_in_failed",
                    subject: known.map(|row| row.name),
                    detail: json!({ "address": address }),
                },
            )
        })
        .await
}

/// Writes down whether somebody takes calls, and tells whoever watches.
///
/// # Errors
/// The database's.
pub async fn set_presence(app: &App, agent_id: Uuid, presence: Presence) -> Result<(), DbError> {
    let now = app.clock.now().naive_utc();
    app.db
        .write(move |conn| {
            // Said again, it keeps the time of the first.
            let other = agents::table
                .find(agent_id.to_string())
                .filter(agents::presence.ne(presence.to_string()).or(agents::presence_since.is_null()));
            let chosen = (agents::presence.eq(presence.to_string()), agents::presence_since.eq(now));
            diesel::update(other).set(chosen).execute(conn)?;
            Ok::<_, DbError>(())
        })
        .await?;
    app.tell(agent_id);
    Ok(())
}

/// Writes down what is to be rung for somebody. The audit log is not told which number.
///
/// # Errors
/// As [`AccountError`] says.
pub async fn set_address(
    db: &Db,
    clock: &dyn Clock,
    by: &Actor,
    name: &str,
    address: Address,
) -> Result<Agent, AccountError> {
    let entry = without_detail(clock, by, "agent.phone_set", name);
    change(db, name, entry, move |row| row.address = address.to_string()).await
}

/// Writes down what somebody may do, and logs them out everywhere if that is something else: what is open shows what they might see.
///
/// # Errors
/// As [`AccountError`] says.
pub async fn set_role(
    db: &Db,
    clock: &dyn Clock,
    by: &Actor,
    name: &str,
    role: AgentRole,
) -> Result<Agent, AccountError> {
    let entry =
        Entry { detail: json!({ "role": role }), ..without_detail(clock, by, "agent.role_set", name) };
    change(db, name, entry, move |row| row.role = role.to_string()).await
}

/// Changes phone or role of an account.
async fn change(
    db: &Db,
    name: &str,
    entry: Entry,
    change: impl Fn(&mut AgentRow) + Send + 'static,
) -> Result<Agent, AccountError> {
    let name = name.to_owned();
    db.write(move |conn| {
        let unknown = || AccountError::Unknown(format!("agent {name}"));
        let mut row = agent_by_name(conn, &name)?.ok_or_else(unknown)?;
        let before = row.role.clone();
        change(&mut row);
        if row.role != before {
            sessions::close_all(conn, &row.id, None, entry.at)?;
        }
        let changed = (agents::address.eq(&row.address), agents::role.eq(&row.role));
        diesel::update(agents::table.find(&row.id)).set(changed).execute(conn).map_err(DbError::from)?;
        audit::record(conn, &entry)?;
        Ok(row.agent()?)
    })
    .await
}

/// Gives somebody a password, and closes all their sessions but this one, if it is given.
///
/// # Errors
/// As [`AccountError`] says.
pub async fn set_password(
    db: &Db,
    clock: &dyn Clock,
    by: &Actor,
    name: &str,
    hash: String,
    but: Option<Uuid>,
) -> Result<(), AccountError> {
    let (name, entry) = (name.to_owned(), without_detail(clock, by, "agent.password_set", name));
    db.write(move |conn| {
        let unknown = || AccountError::Unknown(format!("agent {name}"));
        let row = agent_by_name(conn, &name)?.ok_or_else(unknown)?;
        let known = agents::table.find(&row.id);
        diesel::update(known).set(agents::password_hash.eq(&hash)).execute(conn).map_err(DbError::from)?;
        sessions::close_all(conn, &row.id, but, entry.at)?;
        audit::record(conn, &entry)?;
        Ok(())
    })
    .await
}

/// Where somebody is logged in.
///
/// # Errors
/// As [`AccountError`] says.
pub async fn list_sessions(db: &Db, name: &str, horizon: Horizon) -> Result<Vec<SessionInfo>, AccountError> {
    let name = name.to_owned();
    let found = db.read(move |conn| match agent_by_name(conn, &name)? {
        Some(row) => Ok(sessions::of_agent(conn, &row.id, horizon)?),
        None => Err(AccountError::Unknown(format!("agent {name}"))),
    });
    found.await?.into_iter().map(|row| Ok(SessionInfo::try_from(row)?)).collect()
}

/// Logs somebody out everywhere; gives of how many sessions.
///
/// # Errors
/// As [`AccountError`] says.
pub async fn revoke_sessions(
    db: &Db,
    clock: &dyn Clock,
    by: &Actor,
    name: &str,
) -> Result<usize, AccountError> {
    let (name, entry) = (name.to_owned(), without_detail(clock, by, "agent.sessions_revoked", name));
    db.write(move |conn| {
        let unknown = || AccountError::Unknown(format!("agent {name}"));
        let id = agent_by_name(conn, &name)?.ok_or_else(unknown)?.id;
        let closed = sessions::close_all(conn, &id, None, entry.at)?;
        if closed > 0 {
            audit::record(conn, &entry)?;
        }
        Ok(closed)
    })
    .await
}

/// Makes a key and gives it, this once: `wt_<public part>_<secret>`.
///
/// # Errors
/// As [`AccountError`] says.
pub async fn create_key(
    db: &Db,
    clock: &dyn Clock,
    ids: &dyn IdSource,
    by: &Actor,
    name: &str,
    scopes: &[Scope],
    expires_at: Option<DateTime<Utc>>,
) -> Result<String, AccountError> {
    if !is_valid_name(name) {
        return Err(AccountError::InvalidName);
    }
    let prefix: String = ids.unguessable().chars().take(8).collect();
    let secret = ids.unguessable() + &ids.unguessable();
    let row = ApiKeyRow {
        id: ids.id().to_string(),
        name: name.to_owned(),
        prefix: prefix.clone(),
        secret_hash: hash(&secret),
        scopes: serde_json::to_string(scopes).map_err(DbError::corrupt)?,
        created_at: clock.now().naive_utc(),
        expires_at: expires_at.map(|at| at.naive_utc()),
        revoked_at: None,
        last_used_at: None,
    };
    let entry = Entry {
        detail: json!({ "scopes": scopes, "expires_at": expires_at }),
        ..without_detail(clock, by, "key.created", name)
    };
    db.write(move |conn| {
        if key_by_name(conn, &row.name)?.is_some() {
            return Err(AccountError::Exists(format!("key {}", row.name)));
        }
        diesel::insert_into(api_keys::table).values(&row).execute(conn).map_err(DbError::from)?;
        audit::record(conn, &entry)?;
        Ok(())
    })
    .await?;
    Ok(format!("wt_{prefix}_{secret}"))
}

fn hash(secret: &str) -> String {
    Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All keys, by name.
///
/// # Errors
/// The database's.
pub async fn list_keys(db: &Db) -> Result<Vec<KeyInfo>, DbError> {
    db.read(|conn| {
        let rows: Vec<ApiKeyRow> =
            api_keys::table.order(api_keys::name.asc()).select(ApiKeyRow::as_select()).load(conn)?;
        let info = |row: ApiKeyRow| {
            Ok(KeyInfo {
                scopes: row.principal()?.scopes,
                name: row.name,
                prefix: row.prefix,
                created_at: row.created_at.and_utc(),
                expires_at: row.expires_at.map(|at| at.and_utc()),
                revoked_at: row.revoked_at.map(|at| at.and_utc()),
                last_used_at: row.last_used_at.map(|at| at.and_utc()),
            })
        };
        rows.into_iter().map(info).collect()
    })
    .await
}

/// Refuses a key from now on.
///
/// # Errors
/// As [`AccountError`] says.
pub async fn revoke_key(db: &Db, clock: &dyn Clock, by: &Actor, name: &str) -> Result<(), AccountError> {
    let (name, entry) = (name.to_owned(), without_detail(clock, by, "key.revoked", name));
    db.write(move |conn| {
        let unknown = || AccountError::Unknown(format!("key {name}"));
        let row = key_by_name(conn, &name)?.ok_or_else(unknown)?;
        // Said again, it keeps the time of the first.
        let found = api_keys::table.find(row.id).filter(api_keys::revoked_at.is_null());
        let is_revoked = api_keys::revoked_at.eq(entry.at.naive_utc());
        if diesel::update(found).set(is_revoked).execute(conn).map_err(DbError::from)? > 0 {
            audit::record(conn, &entry)?;
        }
        Ok(())
    })
    .await
}

/// Whose key this is; nobody's if it is unknown, expired or revoked. A wrong secret is compared in constant time.
///
/// # Errors
/// The database's.
pub async fn authenticate(db: &Db, now: DateTime<Utc>, token: &str) -> Result<Option<Principal>, DbError> {
    let Some((prefix, secret)) = token.strip_prefix("wt_").and_then(|rest| rest.split_once('_')) else {
        return Ok(None);
    };
    let (prefix, presented) = (prefix.to_owned(), hash(secret));
    let Some(row) = db.read(move |conn| key_by_prefix(conn, &prefix)).await? else { return Ok(None) };
    let is_right = bool::from(row.secret_hash.as_bytes().ct_eq(presented.as_bytes()));
    let now = now.naive_utc();
    let is_live = row.revoked_at.is_none() && row.expires_at.is_none_or(|at| at > now);
    if !(is_right && is_live) {
        return Ok(None);
    }
    if row.last_used_at.is_none_or(|at| now - at >= LAST_USED_EVERY) {
        let (db, id) = (db.clone(), row.id.clone());
        // Beside the request: nobody waits for it, and its loss loses nothing.
        tokio::spawn(async move {
            let note = db.write(move |conn| {
                diesel::update(api_keys::table.find(&id))
                    .set(api_keys::last_used_at.eq(now))
                    .execute(conn)?;
                Ok::<_, DbError>(())
            });
            if let Err(error) = note.await {
                tracing::debug!(%error, "a key's last use was not noted");
            }
        });
    }
    Ok(Some(row.principal()?))
}
