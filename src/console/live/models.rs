//! What the console reads of calls, their last news, and the directory.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;
use uuid::Uuid;

use super::card::LastNews;
use crate::agents::models::Agent;
use crate::agents::services::directory;
use crate::app::App;
use crate::calls::flow::Call;
use crate::calls::models::{self, Beside, DbResult};
use crate::db::schema::events;
use crate::db::{DbConnection, DbError};

/// Ids in one query at the most: SQLite has a limit of variables.
const AT_ONCE: usize = 500;

/// What was read at one moment.
pub struct Read {
    /// Each with what is known of it beside.
    pub calls: Vec<(Call, Beside, LastNews)>,
    /// Everybody, if the directory was read.
    pub team: Option<Vec<Agent>>,
    /// What was asked for and is no call.
    pub strangers: Vec<Uuid>,
}

/// Calls that have not ended before this moment, and the directory.
///
/// # Errors
/// The database's.
pub async fn everything(app: &App, ended_since: DateTime<Utc>) -> DbResult<Read> {
    app.db
        .read(move |conn| {
            let calls = models::live_since(conn, ended_since)?;
            Ok(Read { calls: with_news(conn, calls)?, team: Some(directory(conn)?), strangers: vec![] })
        })
        .await
}

/// These calls. What is no call may be somebody of the directory, which is read then.
///
/// # Errors
/// The database's.
pub async fn some(app: &App, ids: Vec<Uuid>) -> DbResult<Read> {
    app.db
        .read(move |conn| {
            let mut calls = vec![];
            for ids in ids.chunks(AT_ONCE) {
                calls.extend(models::load_many(conn, ids)?);
            }
            let found: BTreeSet<Uuid> = calls.iter().map(|call| call.id).collect();
            let strangers: Vec<Uuid> = ids.into_iter().filter(|id| !found.contains(id)).collect();
            let team = if strangers.is_empty() { None } else { Some(directory(conn)?) };
            Ok(Read { calls: with_news(conn, calls)?, team, strangers })
        })
        .await
}

fn with_news(conn: &mut DbConnection, calls: Vec<Call>) -> DbResult<Vec<(Call, Beside, LastNews)>> {
    let mut known = Vec::with_capacity(calls.len());
    for calls in calls.chunks(AT_ONCE) {
        let beside = models::beside(conn, calls)?;
        let mut news = last_news(conn, calls)?;
        for (call, beside) in calls.iter().zip(beside) {
            let news = news.remove(&call.id.to_string()).unwrap_or_default();
            known.push((call.clone(), beside, news));
        }
    }
    Ok(known)
}

/// When something last happened to each leg, and to each call, by their timelines.
fn last_news(conn: &mut DbConnection, calls: &[Call]) -> DbResult<HashMap<String, LastNews>> {
    type Row = (String, Option<String>, Option<NaiveDateTime>);
    let ids: Vec<String> = calls.iter().map(|call| call.id.to_string()).collect();
    let rows: Vec<Row> = events::table
        .filter(events::call_id.eq_any(ids))
        .group_by((events::call_id, events::leg_id))
        .select((events::call_id, events::leg_id, max(events::at)))
        .load(conn)?;
    let mut news: HashMap<String, LastNews> = HashMap::new();
    for (call_id, leg_id, at) in rows {
        let of_call = news.entry(call_id).or_default();
        let at = at.map(|at| at.and_utc());
        of_call.of_call = of_call.of_call.max(at);
        if let (Some(leg_id), Some(at)) = (leg_id, at) {
            of_call.of_legs.insert(leg_id.parse().map_err(DbError::corrupt)?, at);
        }
    }
    Ok(news)
}
