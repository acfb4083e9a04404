//! Entries of the audit log as values, and their rows.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::db::schema::audit_log;
use crate::db::{DbConnection, DbError};

/// What sort of somebody made a change.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    clap::ValueEnum,
    strum::Display,
    strum::EnumIter,
    strum::EnumMessage,
    strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ActorKind {
    /// A program, by the name of its API key.
    ApiKey,
    /// Somebody of the directory, by name.
    Agent,
    /// Whoever ran a command on the server, by the name the operating system knows them under.
    CommandLine,
    /// The service by itself, by the name of the part.
    System,
}

/// Who made a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What sort of somebody.
    pub kind: ActorKind,
    /// Their name; it stays what it was when they are gone.
    pub name: String,
}

impl Actor {
    /// The holder of the API key of this name.
    pub fn api_key(name: impl Into<String>) -> Self {
        Self { kind: ActorKind::ApiKey, name: name.into() }
    }

    /// The agent of this name.
    pub fn agent(name: impl Into<String>) -> Self {
        Self { kind: ActorKind::Agent, name: name.into() }
    }

    /// Whoever ran a command, by the operating system's name for them.
    pub fn command_line(user: impl Into<String>) -> Self {
        Self { kind: ActorKind::CommandLine, name: user.into() }
    }

    /// A part of the service, such as `guard`.
    pub fn system(part: impl Into<String>) -> Self {
        Self { kind: ActorKind::System, name: part.into() }
    }
}

/// A change to record. Never a secret, and never more of a phone number than the change itself keeps.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Actor,
    /// What was done, such as `call.placed`: the kind of thing, and what became of it.
    pub action: &'static str,
    /// The id of the thing, or its name if it has no id that people know.
    pub subject: Option<String>,
    /// What else is worth knowing, as an object; `json!({})` for nothing.
    pub detail: Value,
}

/// One entry as it was written.
#[derive(Queryable, Selectable, Debug, Clone)]
#[diesel(table_name = audit_log)]
pub struct EntryRow {
    /// Ascending in the order of writing.
    pub id: i64,
    /// When.
    pub at: NaiveDateTime,
    /// The [`ActorKind`] in words.
    pub actor_kind: String,
    /// Their name.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: Option<String>,
    /// JSON object.
    pub detail: String,
}

#[derive(Insertable)]
#[diesel(table_name = audit_log)]
struct NewEntry<'a> {
    at: NaiveDateTime,
    actor_kind: String,
    actor: &'a str,
    action: &'a str,
    subject: Option<&'a str>,
    detail: String,
}

/// Records a change, inside the transaction that makes it: both are there, or neither.
///
/// # Errors
/// The database's.
pub fn record(conn: &mut DbConnection, entry: &Entry) -> Result<(), DbError> {
    let row = NewEntry {
        at: entry.at.naive_utc(),
        actor_kind: entry.actor.kind.to_string(),
        actor: &entry.actor.name,
        action: entry.action,
        subject: entry.subject.as_deref(),
        detail: entry.detail.to_string(),
    };
    diesel::insert_into(audit_log::table).values(&row).execute(conn)?;
    Ok(())
}

/// Which entries are wanted; what is absent does not narrow.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// By whom, by name.
    pub actor: Option<String>,
    /// By what sort of somebody.
    pub actor_kind: Option<ActorKind>,
    /// What was done: the whole action, or its first part with the dot (`call.`).
    pub action: Option<String>,
    /// To what.
    pub subject: Option<String>,
    /// From this moment on.
    pub since: Option<DateTime<Utc>>,
    /// Before this moment.
    pub until: Option<DateTime<Utc>>,
    /// Older than this entry.
    pub before: Option<i64>,
}

/// The entries that match, newest first.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut DbConnection, filter: &Filter, limit: i64) -> Result<Vec<EntryRow>, DbError> {
    let mut query =
        audit_log::table.select(EntryRow::as_select()).order(audit_log::id.desc()).limit(limit).into_boxed();
    if let Some(actor) = &filter.actor {
        query = query.filter(audit_log::actor.eq(actor.clone()));
    }
    if let Some(kind) = filter.actor_kind {
        query = query.filter(audit_log::actor_kind.eq(kind.to_string()));
    }
    match &filter.action {
        Some(prefix) if prefix.ends_with('.') => {
            let pattern = format!("{}%", prefix.replace('\\', r"\\").replace('_', r"\_").replace('%', r"\%"));
            query = query.filter(audit_log::action.like(pattern).escape('\\'));
        }
        Some(action) => query = query.filter(audit_log::action.eq(action.clone())),
        None => {}
    }
    if let Some(subject) = &filter.subject {
        query = query.filter(audit_log::subject.eq(subject.clone()));
    }
    if let Some(since) = filter.since {
        query = query.filter(audit_log::at.ge(since.naive_utc()));
    }
    if let Some(until) = filter.until {
        query = query.filter(audit_log::at.lt(until.naive_utc()));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit_log::id.lt(before));
    }
    Ok(query.load(conn)?)
}
