//! What the console asks of the database beside what its parts ask for themselves.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use crate::calls::flow::{LegStatus, Role};
use crate::calls::models::DbResult;
use crate::db::DbConnection;
use crate::db::schema::{agents, calls, legs};

/// Legs that are looked through: enough for [`RECENT`] different ones, and few to read.
const LOOKED_AT: i64 = 100;
/// How many are shown.
const RECENT: usize = 10;

/// Somebody who was called, or brought in, lately.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Recent {
    /// As a transfer takes it: `agent:name`, or an address.
    pub to: String,
    /// What people are told; absent for somebody who is not of the directory.
    pub name: Option<String>,
    /// When they were last called.
    pub at: DateTime<Utc>,
}

/// Whom this account has called or brought in lately, the last first, each once.
///
/// # Errors
/// The database's.
pub fn recent(conn: &mut DbConnection, agent_id: Uuid) -> DbResult<Vec<Recent>> {
    let (theirs, others) = diesel::alias!(legs as theirs, legs as others);
    let me = agent_id.to_string();
    type Row = (String, NaiveDateTime, Option<String>, Option<String>);
    let rows: Vec<Row> = theirs
        .inner_join(others.on(others.field(legs::call_id).eq(theirs.field(legs::call_id))))
        .inner_join(calls::table.on(calls::id.eq(theirs.field(legs::call_id))))
        .left_join(agents::table.on(others.field(legs::agent_id).eq(agents::id.nullable())))
        .filter(theirs.field(legs::agent_id).eq(&me))
        .filter(theirs.field(legs::role).eq(Role::FirstAgent.to_string()))
        .filter(others.field(legs::role).eq_any([Role::Customer.to_string(), Role::SecondAgent.to_string()]))
        .filter(others.field(legs::status).ne(LegStatus::Unplaced.to_string()))
        .filter(others.field(legs::agent_id).is_null().or(others.field(legs::agent_id).ne(&me)))
        .order((calls::created_at.desc(), others.field(legs::position).desc()))
        .limit(LOOKED_AT)
        .select((
            others.field(legs::address),
            calls::created_at,
            agents::name.nullable(),
            agents::display_name.nullable(),
        ))
        .load(conn)?;
    let mut recent: Vec<Recent> = vec![];
    for (address, at, agent, name) in rows {
        let to = agent.map_or(address, |agent| format!("agent:{agent}"));
        if recent.len() < RECENT && recent.iter().all(|other| other.to != to) {
            recent.push(Recent { to, name, at: at.and_utc() });
        }
    }
    Ok(recent)
}
