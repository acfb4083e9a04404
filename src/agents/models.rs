//! Agents and API keys as values, and their rows.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::schema::{agents, api_keys};
use crate::db::{DbConnection, DbError};
use crate::telephony::Address;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Scope {
    /// Look at calls.
    Read,
    /// Start and end calls.
    Call,
    /// Steer transfers.
    Transfer,
    /// All of it.
    Admin,
}

/// What an account may do in the console; each may do what those before it may.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    clap::ValueEnum,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AgentRole {
    /// Takes calls.
    Agent,
    /// Watches and helps.
    Supervisor,
    /// Manages accounts.
    Admin,
}

/// Whether somebody takes calls, as they say themselves.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumIter,
    strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Presence {
    /// Takes calls.
    Available,
    /// At work on something else.
    Busy,
    /// Writing down what came of a call.
    WrapUp,
    /// Not there.
    #[default]
    Away,
}

/// Somebody who can be rung by name.
#[derive(Debug, Clone, Serialize)]
pub struct Agent {
    /// Ours.
    pub id: Uuid,
    /// The name in `agent:name`.
    pub name: String,
    /// What people are told: "Dana did not answer".
    pub display_name: String,
    /// What is rung.
    pub address: Address,
    /// What they may do.
    pub role: AgentRole,
    /// Cannot be rung by name any more, nor log in.
    pub disabled: bool,
    /// Without one they cannot log in.
    pub has_password: bool,
    /// What they chose; what is shown of it depends on their calls.
    #[serde(skip)]
    pub presence: Presence,
    /// Since when they chose it; absent if they never did.
    #[serde(skip)]
    pub presence_since: Option<DateTime<Utc>>,
}

/// Who holds a key.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The key's id.
    pub id: Uuid,
    /// The key's name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

/// An agent's row.
#[derive(Queryable, Selectable, Insertable, Clone)]
#[diesel(table_name = agents)]
pub(crate) struct AgentRow {
    pub id: String,
    pub name: String,
    pub display_name: String,
    pub address: String,
    pub role: String,
    pub created_at: NaiveDateTime,
    pub disabled_at: Option<NaiveDateTime>,
    pub password_hash: Option<String>,
    pub presence: String,
    pub presence_since: Option<NaiveDateTime>,
}

/// A key's row. The secret is kept as its SHA-256: it is long and random, so a slow hash would add nothing.
#[derive(Queryable, Selectable, Insertable, Clone)]
#[diesel(table_name = api_keys)]
pub(super) struct ApiKeyRow {
    pub id: String,
    pub name: String,
    pub prefix: String,
    pub secret_hash: String,
    pub scopes: String,
    pub created_at: NaiveDateTime,
    pub expires_at: Option<NaiveDateTime>,
    pub revoked_at: Option<NaiveDateTime>,
    pub last_used_at: Option<NaiveDateTime>,
}

impl AgentRow {
    pub fn agent(self) -> Result<Agent, DbError> {
        Ok(Agent {
            id: self.id.parse().map_err(DbError::corrupt)?,
            name: self.name,
            display_name: self.display_name,
            address: self.address.parse().map_err(DbError::corrupt)?,
            role: self.role.parse().map_err(DbError::corrupt)?,
            disabled: self.disabled_at.is_some(),
            has_password: self.password_hash.is_some(),
            presence: self.presence.parse().map_err(DbError::corrupt)?,
            presence_since: self.presence_since.map(|at| at.and_utc()),
        })
    }
}

impl ApiKeyRow {
    pub fn principal(&self) -> Result<Principal, DbError> {
        Ok(Principal {
            id: self.id.parse().map_err(DbError::corrupt)?,
            name: self.name.clone(),
            scopes: serde_json::from_str(&self.scopes).map_err(DbError::corrupt)?,
        })
    }
}

/// The agent of this name, disabled or not.
pub(crate) fn agent_by_name(conn: &mut DbConnection, name: &str) -> Result<Option<AgentRow>, DbError> {
    Ok(agents::table.filter(agents::name.eq(name)).select(AgentRow::as_select()).first(conn).optional()?)
}

/// Those who can be rung at this address; two are enough to know that it is shared.
pub(super) fn agents_by_address(conn: &mut DbConnection, address: &str) -> Result<Vec<AgentRow>, DbError> {
    let here = agents::table.filter(agents::address.eq(address)).filter(agents::disabled_at.is_null());
    Ok(here.select(AgentRow::as_select()).limit(2).load(conn)?)
}

/// The key of this name.
pub(super) fn key_by_name(conn: &mut DbConnection, name: &str) -> Result<Option<ApiKeyRow>, DbError> {
    Ok(api_keys::table
        .filter(api_keys::name.eq(name))
        .select(ApiKeyRow::as_select())
        .first(conn)
        .optional()?)
}

/// The key with this public part.
pub(super) fn key_by_prefix(conn: &mut DbConnection, prefix: &str) -> Result<Option<ApiKeyRow>, DbError> {
    Ok(api_keys::table
        .filter(api_keys::prefix.eq(prefix))
        .select(ApiKeyRow::as_select())
        .first(conn)
        .optional()?)
}

/// The name of the account with this id, disabled or not.
///
/// # Errors
/// The database's.
pub fn agent_name(conn: &mut DbConnection, id: &str) -> Result<Option<String>, DbError> {
    Ok(agents::table.find(id).select(agents::name).first(conn).optional()?)
}

/// The name of the key with this id, revoked or not.
///
/// # Errors
/// The database's.
pub fn key_name(conn: &mut DbConnection, id: &str) -> Result<Option<String>, DbError> {
    Ok(api_keys::table.find(id).select(api_keys::name).first(conn).optional()?)
}
