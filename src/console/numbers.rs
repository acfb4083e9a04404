//! Today's numbers for the board: calls and transfers of one day, as the console's time zone has it. What is read is found by the
//! time at which calls were asked for, so it takes as long as there are calls that day, however many there are in all.

use actix_web::HttpResponse;
use actix_web::web::Json;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::Serialize;

use super::days;
use super::sessions::Session;
use crate::agents::models::AgentRole;
use crate::app::SharedApp;
use crate::calls::flow::TransferStatus;
use crate::db::schema::{calls, legs, transfers};
use crate::db::{DbConnection, DbError};
use crate::error::AppError;

/// A call, as far as it counts.
#[derive(Debug, Clone, Copy, Queryable)]
pub struct CallFact {
    /// When it was asked for.
    pub created_at: NaiveDateTime,
    /// When customer and agent first talked.
    pub connected_at: Option<NaiveDateTime>,
}

/// A transfer, as far as it counts.
#[derive(Debug, Clone, Queryable)]
pub struct TransferFact {
    /// When it was asked for.
    pub requested_at: NaiveDateTime,
    /// Where it stands.
    pub status: String,
    /// A second agent has taken the call.
    pub taken: bool,
    /// Why it came to nothing.
    pub failure: Option<String>,
    /// When the second agent picked up.
    pub answered_at: Option<NaiveDateTime>,
}

/// What the board shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Numbers {
    /// Which day it is.
    day: NaiveDate,
    /// Where it is that day.
    time_zone: String,
    /// Calls that were asked for.
    calls: usize,
    /// Those of them in which customer and agent talked.
    connected: usize,
    /// Transfers in these calls.
    transfers: usize,
    /// Those that a second agent has taken.
    accepted: usize,
    /// The same as a share of those that are decided; null if none is.
    accept_rate: Option<f64>,
    /// From asking for a transfer until the second agent picked up.
    time_to_answer_ms: TimeToAnswer,
    /// Why transfers came to nothing, the most frequent reason first.
    failures: Vec<Failures>,
    /// The hours of the day, each once.
    by_hour: Vec<Hour>,
}

/// Null if nobody has picked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct TimeToAnswer {
    median: Option<i64>,
    p90: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Failures {
    reason: String,
    count: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Hour {
    hour: u32,
    calls: usize,
    transfers: usize,
}

/// Hours that clocks show.
const HOURS: u32 = 24;

/// The numbers of a day from what happened in it.
pub fn aggregate(zone: Tz, day: NaiveDate, calls: &[CallFact], transfers: &[TransferFact]) -> Numbers {
    let accepted = transfers.iter().filter(|it| is_accepted(it)).count();
    let decided = transfers.iter().filter(|it| is_accepted(it) || !is_under_way(it)).count();
    let waits = |it: &TransferFact| it.answered_at.map(|at| (at - it.requested_at).num_milliseconds().max(0));
    let mut waited: Vec<i64> = transfers.iter().filter_map(waits).collect();
    waited.sort_unstable();
    Numbers {
        day,
        time_zone: zone.to_string(),
        calls: calls.len(),
        connected: calls.iter().filter(|call| call.connected_at.is_some()).count(),
        transfers: transfers.len(),
        accepted,
        accept_rate: (decided > 0).then(|| accepted as f64 / decided as f64),
        time_to_answer_ms: TimeToAnswer { median: percentile(&waited, 50), p90: percentile(&waited, 90) },
        failures: failures(transfers),
        by_hour: by_hour(zone, calls, transfers),
    }
}

fn status(transfer: &TransferFact) -> Option<TransferStatus> {
    transfer.status.parse().ok()
}

fn is_accepted(transfer: &TransferFact) -> bool {
    transfer.taken || matches!(status(transfer), Some(TransferStatus::Joined | TransferStatus::Completed))
}

fn is_under_way(transfer: &TransferFact) -> bool {
    use TransferStatus::{Answered, Requested, Ringing};
    matches!(status(transfer), Some(Requested | Ringing | Answered))
}

/// The least value that so many in a hundred do not exceed; of sorted values.
fn percentile(sorted: &[i64], hundredths: usize) -> Option<i64> {
    let rank = (sorted.len() * hundredths).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

fn failures(transfers: &[TransferFact]) -> Vec<Failures> {
    let mut all: Vec<Failures> = Vec::new();
    for reason in transfers.iter().filter_map(|it| it.failure.as_ref()) {
        match all.iter_mut().find(|it| it.reason == *reason) {
            Some(known) => known.count += 1,
            None => all.push(Failures { reason: reason.clone(), count: 1 }),
        }
    }
    all.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.reason.cmp(&other.reason)));
    all
}

fn by_hour(zone: Tz, calls: &[CallFact], transfers: &[TransferFact]) -> Vec<Hour> {
    let mut hours: Vec<Hour> = (0..HOURS).map(|hour| Hour { hour, calls: 0, transfers: 0 }).collect();
    let index = |at: NaiveDateTime| usize::try_from(days::hour_of(zone, at.and_utc())).unwrap_or_default();
    for call in calls {
        if let Some(hour) = hours.get_mut(index(call.created_at)) {
            hour.calls += 1;
        }
    }
    for transfer in transfers {
        if let Some(hour) = hours.get_mut(index(transfer.requested_at)) {
            hour.transfers += 1;
        }
    }
    hours
}

/// What happened in calls that were asked for from then until then.
///
/// # Errors
/// The database's.
pub fn facts(
    conn: &mut DbConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<(Vec<CallFact>, Vec<TransferFact>), DbError> {
    let (from, until) = (from.naive_utc(), until.naive_utc());
    let of_day = || calls::table.filter(calls::created_at.ge(from)).filter(calls::created_at.lt(until));
    let calls = of_day().select((calls::created_at, calls::connected_at)).load(conn)?;
    let transfers = of_day()
        .inner_join(transfers::table.on(transfers::call_id.eq(calls::id)))
        .inner_join(legs::table.on(legs::id.eq(transfers::leg_id)))
        .select((
            transfers::requested_at,
            transfers::status,
            transfers::taken,
            transfers::failure,
            legs::answered_at,
        ))
        .load(conn)?;
    Ok((calls, transfers))
}

/// `GET /console/numbers`
///
/// # Errors
/// 403 for agents.
pub async fn view(app: SharedApp, session: Session) -> Result<HttpResponse, AppError> {
    session.require(AgentRole::Supervisor)?;
    let zone = app.console.time_zone;
    let day = days::day_of(zone, app.clock.now());
    let (from, until) = days::bounds(zone, day);
    let (calls, transfers) = app.db.read(move |conn| facts(conn, from, until)).await?;
    let numbers = Json(aggregate(zone, day, &calls, &transfers));
    Ok(HttpResponse::Ok().json(numbers))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    fn transfer(status: &str, answered_after_ms: Option<i64>, failure: Option<&str>) -> TransferFact {
        let requested_at = at("2026-11-21T09:30:00");
        TransferFact {
            requested_at,
            status: status.into(),
            taken: false,
            failure: failure.map(str::to_owned),
            answered_at: answered_after_ms.map(|ms| requested_at + TimeDelta::milliseconds(ms)),
        }
    }

    #[test]
    fn a_day_in_numbers() {
        let zone: Tz = "Europe/Berlin".parse().unwrap();
        let calls = [
            CallFact { created_at: at("2026-11-20T23:05:00"), connected_at: None },
            CallFact { created_at: at("2026-11-21T09:05:00"), connected_at: Some(at("2026-11-21T09:05:09")) },
        ];
        let transfers = [
            transfer("completed", Some(4_000), None),
            transfer("joined", Some(6_000), None),
            transfer("failed", None, Some("busy")),
            transfer("failed", Some(9_000), Some("declined")),
            transfer("failed", None, Some("busy")),
            transfer("ringing", None, None),
        ];
        let numbers = aggregate(zone, "2026-11-21".parse().unwrap(), &calls, &transfers);
        let numbers = serde_json::to_value(&numbers).unwrap();
        assert_eq!(numbers["day"], "2026-11-21");
        assert_eq!(numbers["time_zone"], "Europe/Berlin");
        assert_eq!((&numbers["calls"], &numbers["connected"]), (&json!(2), &json!(1)));
        assert_eq!((&numbers["transfers"], &numbers["accepted"]), (&json!(6), &json!(2)));
        assert_eq!(numbers["accept_rate"], 0.4, "the one that rings is not decided");
        assert_eq!(numbers["time_to_answer_ms"], json!({ "median": 6_000, "p90": 9_000 }));
        let failures = json!([{ "reason": "busy", "count": 2 }, { "reason": "declined", "count": 1 }]);
        assert_eq!(numbers["failures"], failures);
        assert_eq!(numbers["by_hour"].as_array().unwrap().len(), 24);
        assert_eq!(numbers["by_hour"][0], json!({ "hour": 0, "calls": 1, "transfers": 0 }));
        assert_eq!(numbers["by_hour"][10], json!({ "hour": 10, "calls": 1, "transfers": 6 }));
        assert!(numbers["by_hour"][9]["calls"] == 0);
    }

    #[test]
    fn a_day_on_which_nothing_happened_has_no_rates() {
        let numbers = aggregate(Tz::UTC, "2026-11-21".parse().unwrap(), &[], &[]);
        assert_eq!((numbers.accept_rate, numbers.time_to_answer_ms.median), (None, None));
        assert!(numbers.failures.is_empty());
    }

    proptest! {
        #[test]
        fn percentiles_are_values_that_there_are_and_grow(mut values in prop::collection::vec(0_i64..100_000, 1..60)) {
            values.sort_unstable();
            let [median, p90] = [50, 90].map(|it| percentile(&values, it).unwrap());
            prop_assert!(values.contains(&median) && values.contains(&p90) && median <= p90);
            let within = values.iter().filter(|value| **value <= p90).count();
            prop_assert!(within * 100 >= values.len() * 90);
        }
    }
}
