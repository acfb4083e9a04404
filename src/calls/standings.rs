//! How everybody of a call was, and what they heard, from its beginning on: a row whenever that changes, written with the step
//! that changes it.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::flow::{Call, Standing, standings};
use super::models::DbResult;
use crate::db::schema::standings as table;
use crate::db::{DbConnection, DbError};

/// How everybody was from one moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// From when.
    pub at: DateTime<Utc>,
    /// In the order of the legs.
    pub people: Vec<Standing>,
}

#[derive(Insertable)]
#[diesel(table_name = table)]
struct NewMoment {
    call_id: String,
    at: NaiveDateTime,
    people: String,
}

/// Writes down how everybody is now, if that is news.
///
/// # Errors
/// The database's.
pub fn append(
    conn: &mut DbConnection,
    before: Option<&Call>,
    after: &Call,
    now: DateTime<Utc>,
) -> DbResult<()> {
    let people = standings(after);
    if before.is_some_and(|before| standings(before) == people) {
        return Ok(());
    }
    let row = NewMoment {
        call_id: after.id.to_string(),
        at: now.naive_utc(),
        people: serde_json::to_string(&people).map_err(DbError::corrupt)?,
    };
    diesel::insert_into(table::table).values(&row).execute(conn)?;
    Ok(())
}

/// How everybody was, from the beginning on, at most so often.
///
/// # Errors
/// The database's.
pub fn of_call(conn: &mut DbConnection, call_id: Uuid, most: i64) -> DbResult<Vec<Moment>> {
    let of_call = table::table.filter(table::call_id.eq(call_id.to_string()));
    let rows: Vec<(NaiveDateTime, String)> =
        of_call.order(table::id).limit(most).select((table::at, table::people)).load(conn)?;
    let moment = |(at, people): (NaiveDateTime, String)| {
        let people = serde_json::from_str(&people).map_err(DbError::corrupt)?;
        Ok(Moment { at: at.and_utc(), people })
    };
    rows.into_iter().map(moment).collect()
}
