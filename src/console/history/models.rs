//! What there is of calls: searching them, and all that was kept of one.

use std::collections::BTreeSet;

use chrono::NaiveDateTime;
use diesel::define_sql_function;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_types::Text;
use uuid::Uuid;

use super::forms::{OutcomeFilter, StatusFilter, Wanted};
use crate::audit::models::EntryRow;
use crate::calls::exchanges::{self, ExchangeRow};
use crate::calls::flow::{Call, Hears, Leg, LegStatus, Role};
use crate::calls::models::{self as calls_models, Beside, DbResult};
use crate::calls::standings::{self, Moment};
use crate::db::schema::{
    agents, audit_log, call_requests, calls, events, legs, outcomes, webhook_deliveries,
};
use crate::db::{DbConnection, DbError};
use crate::telephony::Address;
use crate::voice::models::{self as journal, KeptWebhook};

/// Rows of each sort that a page shows at the most.
pub const MOST: i64 = 1000;

/// An entry of a call's timeline.
#[derive(Queryable, Debug, Clone)]
pub struct Happened {
    /// When.
    pub at: NaiveDateTime,
    /// What, such as `transfer.failed`.
    pub kind: String,
    /// Whose leg.
    pub leg_id: Option<String>,
    /// JSON object.
    pub detail: String,
}

/// A message to a CRM.
#[derive(Queryable, Debug, Clone)]
pub struct Told {
    /// When it was written down.
    pub at: NaiveDateTime,
    /// Of which event.
    pub kind: String,
    /// `pending`, `delivered` …
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// The status of the last answer.
    pub status: Option<i32>,
    /// What went wrong with the last.
    pub error: Option<String>,
}

/// All that was kept of one call.
pub struct Record {
    /// The call as it is now.
    pub call: Call,
    /// What the CRM said of it, and what came of it.
    pub beside: Beside,
    /// Its timeline.
    pub happened: Vec<Happened>,
    /// What Twilio sent, and was answered.
    pub webhooks: Vec<KeptWebhook>,
    /// What Twilio was asked.
    pub exchanges: Vec<ExchangeRow>,
    /// How everybody stood, and when.
    pub moments: Vec<Moment>,
    /// What programs and people asked for.
    pub asked: Vec<EntryRow>,
    /// What CRMs were told.
    pub told: Vec<Told>,
}

impl Record {
    /// The same, for those who are not to know that a supervisor was there. What went over the wire would tell them, so none of it
    /// is left then.
    #[must_use]
    pub fn without_supervisors(mut self) -> Self {
        let is_hidden = |leg: &&Leg| leg.role == Role::Supervisor;
        let hidden: BTreeSet<Uuid> = self.call.legs.iter().filter(is_hidden).map(|leg| leg.id).collect();
        if hidden.is_empty() {
            return self;
        }
        self.call = self.call.without_supervisors();
        let hidden_as_text: BTreeSet<String> = hidden.iter().map(Uuid::to_string).collect();
        self.happened.retain(|it| it.leg_id.as_ref().is_none_or(|id| !hidden_as_text.contains(id)));
        for moment in &mut self.moments {
            moment.people.retain(|person| !hidden.contains(&person.leg_id));
            let is_of_hidden = |it: &Hears| matches!(it, Hears::Person { leg_id } if hidden.contains(leg_id));
            moment.people.iter_mut().for_each(|person| person.hears.retain(|it| !is_of_hidden(it)));
        }
        self.asked.retain(|entry| !entry.action.contains("supervis"));
        self.webhooks.clear();
        self.exchanges.clear();
        self.told.clear();
        self
    }
}

/// All of this call; nothing if there is no such call.
pub fn record(conn: &mut DbConnection, call_id: Uuid) -> DbResult<Option<Record>> {
    let Some(call) = calls_models::load(conn, call_id)? else { return Ok(None) };
    let beside = calls_models::beside(conn, std::slice::from_ref(&call))?.pop();
    Ok(Some(Record {
        beside: beside.unwrap_or_default(),
        happened: happened(conn, call_id)?,
        webhooks: journal::of_call(conn, call_id, MOST)?,
        exchanges: exchanges::of_call(conn, call_id, MOST)?,
        moments: standings::of_call(conn, call_id, MOST)?,
        asked: asked(conn, call_id)?,
        told: told(conn, call_id)?,
        call,
    }))
}

fn happened(conn: &mut DbConnection, call_id: Uuid) -> DbResult<Vec<Happened>> {
    let of_call = events::table.filter(events::call_id.eq(call_id.to_string()));
    let columns = (events::at, events::kind, events::leg_id, events::detail);
    Ok(of_call.order(events::id).limit(MOST).select(columns).load(conn)?)
}

fn asked(conn: &mut DbConnection, call_id: Uuid) -> DbResult<Vec<EntryRow>> {
    let of_call = audit_log::table.filter(audit_log::subject.eq(call_id.to_string()));
    Ok(of_call.order(audit_log::id).limit(MOST).select(EntryRow::as_select()).load(conn)?)
}

fn told(conn: &mut DbConnection, call_id: Uuid) -> DbResult<Vec<Told>> {
    use webhook_deliveries as deliveries;
    let of_call = deliveries::table.filter(deliveries::call_id.eq(call_id.to_string()));
    let columns = (
        deliveries::created_at,
        deliveries::kind,
        deliveries::state,
        deliveries::attempts,
        deliveries::last_status,
        deliveries::last_error,
    );
    Ok(of_call.order(deliveries::id).limit(MOST).select(columns).load(conn)?)
}

define_sql_function! {
    /// In small letters.
    fn lower(text: Text) -> Text;
}

/// The calls that are looked for, newest first.
pub fn search(conn: &mut DbConnection, wanted: &Wanted, limit: i64) -> DbResult<Vec<Call>> {
    let newest_first = (calls::created_at.desc(), calls::id.desc());
    let mut query = calls::table.select(calls::id).order(newest_first).limit(limit).into_boxed();
    let legs_of = || legs::table.filter(legs::call_id.eq(calls::id));
    if let Some(agent_id) = wanted.seen_by {
        // Whoever begins a call sees it from the first; others, once they are rung.
        let is_placed = legs::status.ne(LegStatus::Unplaced.to_string());
        let theirs = legs::table
            .filter(legs::agent_id.eq(agent_id.to_string()))
            .filter(is_placed.or(legs::role.eq(Role::FirstAgent.to_string())));
        query = query.filter(calls::id.eq_any(theirs.select(legs::call_id)));
    }
    if let Some(name) = &wanted.agent {
        let ids = agents::table.filter(agents::name.eq(name.clone())).select(agents::id.nullable());
        let theirs = legs::table
            .filter(legs::agent_id.eq_any(ids))
            .filter(legs::status.ne(LegStatus::Unplaced.to_string()));
        query = query.filter(calls::id.eq_any(theirs.select(legs::call_id)));
    }
    match wanted.status {
        Some(StatusFilter::Live) => query = query.filter(calls::ended_at.is_null()),
        Some(StatusFilter::Exactly(status)) => query = query.filter(calls::status.eq(status.to_string())),
        None => {}
    }
    if let Some(reason) = wanted.reason {
        query = query.filter(calls::ended_at.is_not_null()).filter(calls::end_reason.eq(reason.to_string()));
    }
    let outcome_of = || outcomes::table.filter(outcomes::call_id.eq(calls::id));
    match &wanted.outcome {
        Some(OutcomeFilter::Missing) => {
            query = query
                .filter(calls::ended_at.is_not_null())
                .filter(calls::connected_at.is_not_null())
                .filter(not(exists(outcome_of())));
        }
        Some(OutcomeFilter::Exactly(word)) => {
            query = query.filter(exists(outcome_of().filter(outcomes::disposition.eq(word.clone()))));
        }
        None => {}
    }
    if let Some(from) = wanted.from {
        query = query.filter(calls::created_at.ge(from.naive_utc()));
    }
    if let Some(until) = wanted.until {
        query = query.filter(calls::created_at.lt(until.naive_utc()));
    }
    if let Some(text) = &wanted.text {
        let with_id = || call_requests::table.filter(call_requests::external_id.eq(text.clone()));
        if let Some(address) = whole_address(text) {
            let at = legs::table.filter(legs::address.eq(address)).select(legs::call_id);
            query = query
                .filter(calls::id.eq_any(at).or(calls::id.eq_any(with_id().select(call_requests::call_id))));
        } else {
            let named = legs_of().filter(lower(legs::name).like(pattern(text)).escape('\\'));
            let at = legs_of().filter(legs::address.like(pattern(&number_part(text))).escape('\\'));
            // The id is found however old the call is.
            let recent = calls::created_at.ge(wanted.recent_from.unwrap_or_default().naive_utc());
            let by_id =
                calls::id.eq_any(with_id().select(call_requests::call_id)).or(calls::id.eq(text.clone()));
            query = query.filter(by_id.or(recent.and(exists(named).or(exists(at)))));
        }
    }
    if let Some(before) = wanted.before {
        let last = calls::table.find(before.to_string()).select((calls::created_at, calls::id));
        let Some((at, id)) = last.first::<(NaiveDateTime, String)>(conn).optional()? else {
            return Ok(vec![]);
        };
        let as_old = calls::created_at.eq(at).and(calls::id.lt(id));
        query = query.filter(calls::created_at.le(at)).filter(calls::created_at.lt(at).or(as_old));
    }
    let ids: Vec<String> = query.load(conn)?;
    let ids = ids.iter().map(|id| id.parse().map_err(DbError::corrupt)).collect::<DbResult<Vec<Uuid>>>()?;
    let mut found = calls_models::load_many(conn, &ids)?;
    found.sort_by_key(|call| std::cmp::Reverse((call.created_at, call.id)));
    Ok(found)
}

/// A number or address that is written in full, as it is kept.
fn whole_address(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !" -().".contains(*c)).collect();
    let is_number = digits.starts_with('+') && digits.len() >= 9;
    let written = if is_number { digits } else { text.to_owned() };
    let is_address = is_number || written.contains(':');
    written.parse::<Address>().ok().filter(|_| is_address).map(|address| address.to_string())
}

/// Of a number the digits alone, as nobody types them as they are kept.
fn number_part(text: &str) -> String {
    let is_number = text.chars().all(|c| c.is_ascii_digit() || " -().+".contains(c));
    if is_number { text.chars().filter(char::is_ascii_digit).collect() } else { text.to_owned() }
}

/// For `LIKE`: whatever contains this.
fn pattern(text: &str) -> String {
    let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}
