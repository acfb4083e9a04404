//! The guard at work: fetches what it must know, judges, and records what it refuses. And writes of the do-not-call list.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Guard;
use super::caller_ids;
use super::import::{Line, Problem, Reader};
use super::models::{self, EntryRow, Others};
use super::rules::{self, Asked, Case, Known, Listed, Refusal, Rules, Subject};
use crate::agents;
use crate::app::App;
use crate::audit::{self, Actor};
use crate::calls::flow::{Call, Role, Target};
use crate::calls::models::{CallRequest, DbResult};
use crate::clock::Clock;
use crate::db::{self, Db, DbConnection, DbError};
use crate::telephony::{Address, PhoneNumber};

/// Lines of an import that are written in one transaction.
const BATCH: usize = 5_000;
/// Problems of an import that are told; more are counted.
const PROBLEMS_TOLD: usize = 1_000;

/// Whether another transaction may place a call for the same agent, customer or key meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// None, until this one ends: it is about to place one.
    Alone,
    /// Whoever likes: nothing will be placed.
    Shared,
}

/// What the database says of a call that is to be placed.
///
/// # Errors
/// The database's.
pub fn known(
    conn: &mut DbConnection,
    rules: &Rules,
    case: &Case,
    others: Others,
    hold: Hold,
    now: DateTime<Utc>,
) -> DbResult<Known> {
    let Case { asked, at, .. } = case;
    let key = asked.api_key_id.as_ref().filter(|_| rules.calls_per_key > 0);
    let agent = asked.agent.as_ref().filter(|_| rules.calls_per_agent > 0);
    let customer = Some(&asked.customer).filter(|_| rules.attempts_per_day > 0);
    if hold == Hold::Alone {
        // In this order everywhere, the customer first, so that no two transactions wait for each other.
        let whom = [
            customer.map(|address| format!("customer {address}")),
            key.map(|id| format!("key {id}")),
            agent.map(|address| format!("agent {address}")),
        ];
        whom.iter().flatten().try_for_each(|subject| db::lock(conn, subject))?;
    }
    let mut known = Known { do_not_call: listed(conn, &asked.customer, now)?, ..Known::default() };
    if let Some(customer) = customer {
        known.attempts = count(models::attempts(conn, customer, at.day(now).0, others)?);
    }
    if let Some(agent) = agent {
        known.calls_of_agent = count(models::calls_of_agent(conn, agent, others)?);
    }
    if let Some(key) = key {
        known.calls_of_key = count(models::calls_of_key(conn, key, rules.calls_per_key.into(), others)?);
    }
    Ok(known)
}

fn listed(conn: &mut DbConnection, customer: &Address, now: DateTime<Utc>) -> DbResult<Option<Listed>> {
    let Address::Phone(number) = customer else { return Ok(None) };
    let entry = models::entry(conn, number, now)?;
    Ok(entry.map(|row| Listed { until: row.expires_at.map(|at| at.and_utc()) }))
}

fn count(number: impl TryInto<u32>) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

/// What can be said of a new call before the transaction that is to place it. `None` for one that calls nobody.
pub async fn case_of(app: &Arc<App>, call: &Call, request: &CallRequest) -> Option<Case> {
    let foreign = caller_ids::first_foreign(app, &[&call.caller_id, &call.agent_caller_id]).await;
    Some(Case::new(&app.guard.rules, asked_of(call, Some(request.api_key_id.clone()), foreign)?))
}

/// Judges a call inside the transaction that is about to write it down, and records a refusal there.
///
/// # Errors
/// The database's.
pub fn check_placing(
    conn: &mut DbConnection,
    rules: &Rules,
    case: &Case,
    now: DateTime<Utc>,
) -> DbResult<Option<Refusal>> {
    let known = known(conn, rules, case, Others::All, Hold::Alone, now)?;
    let Err(refusal) = rules::check(rules, case, &known, now) else { return Ok(None) };
    let actor = match &case.asked.api_key_id {
        Some(id) => key_actor(conn, id)?,
        None => Actor::system("guard"),
    };
    let refused = Refused { at: "placing", call_id: None, customer: Some(&case.asked.customer) };
    record(conn, actor, &refusal, &refused, now)?;
    Ok(Some(refusal))
}

/// Judges a call once more when its turn to be dialled has come, in the transaction that would dial it, and records a refusal
/// there. The call itself does not count, nor do those that wait behind it; so nobody needs to be kept from placing more, and
/// whoever holds the dial queue waits for none of them.
///
/// # Errors
/// The database's.
pub fn check_again(
    conn: &mut DbConnection,
    guard: &Guard,
    call: &Call,
    now: DateTime<Utc>,
) -> DbResult<Option<Refusal>> {
    let rules = &guard.rules;
    let shown = [&call.caller_id, &call.agent_caller_id];
    let foreign = if rules.check_caller_id { guard.caller_ids.first_foreign(&shown) } else { None };
    let api_key_id = models::api_key_of(conn, call.id)?;
    let Some(asked) = asked_of(call, api_key_id, foreign) else {
        return Ok(None);
    };
    let case = Case::new(rules, asked);
    let known = known(conn, rules, &case, Others::Before(call.id), Hold::Shared, now)?;
    let Err(refusal) = rules::check(rules, &case, &known, now) else { return Ok(None) };
    let id = call.id.to_string();
    let refused = Refused { at: "dialling", call_id: Some(&id), customer: Some(&case.asked.customer) };
    record(conn, Actor::system("guard"), &refusal, &refused, now)?;
    Ok(Some(refusal))
}

/// Every reason why a call would not be placed now; changes nothing.
///
/// # Errors
/// The database's.
pub async fn refusals(app: &Arc<App>, asked: Asked) -> DbResult<(Case, Vec<Refusal>)> {
    let (now, guard) = (app.clock.now(), app.guard.clone());
    let case = Case::new(&guard.rules, asked);
    app.db
        .read(move |conn| {
            let known = known(conn, &guard.rules, &case, Others::All, Hold::Shared, now)?;
            let refusals = rules::refusals(&guard.rules, &case, &known, now);
            Ok((case, refusals))
        })
        .await
}

/// Judges the second agents of a transfer, and what they would see as caller; a refusal is recorded.
///
/// # Errors
/// The database's, when a refusal cannot be recorded.
pub async fn check_transfer(
    app: &Arc<App>,
    by: &Actor,
    call: &Call,
    targets: &[Target],
    caller_id: &PhoneNumber,
) -> DbResult<Option<Refusal>> {
    let rules = &app.guard.rules;
    let refused = |target: &Target| rules::number(rules, Subject::SecondAgent, &target.to);
    let refusal = match targets.iter().find_map(refused) {
        Some(refusal) => Some(refusal),
        None => {
            let foreign = caller_ids::first_foreign(app, &[caller_id]).await;
            foreign.as_ref().map(rules::foreign_caller_id)
        }
    };
    if let Some(refusal) = refusal.clone() {
        let (id, now, actor) = (call.id.to_string(), app.clock.now(), by.clone());
        app.db
            .write(move |conn| {
                let refused = Refused { at: "transferring", call_id: Some(&id), customer: None };
                record(conn, actor.clone(), &refusal, &refused, now)
            })
            .await?;
    }
    Ok(refusal)
}

fn asked_of(
    call: &Call,
    api_key_id: Option<String>,
    foreign_caller_id: Option<PhoneNumber>,
) -> Option<Asked> {
    let address = |role: Role| call.legs.iter().find(|leg| leg.role == role).map(|leg| leg.address.clone());
    let customer = address(Role::Customer)?;
    Some(Asked { customer, agent: address(Role::FirstAgent), api_key_id, foreign_caller_id })
}

/// What a refusal was about.
struct Refused<'a> {
    at: &'static str,
    call_id: Option<&'a str>,
    customer: Option<&'a Address>,
}

fn record(
    conn: &mut DbConnection,
    actor: Actor,
    refusal: &Refusal,
    refused: &Refused<'_>,
    now: DateTime<Utc>,
) -> DbResult<()> {
    let customer = refused.customer.map(ToString::to_string);
    let (code, sentence, at) = (refusal.code(), &refusal.sentence, refused.at);
    tracing::info!(call.id = refused.call_id, code, at, "the guard refused");
    audit::record(
        conn,
        &audit::Entry {
            at: now,
            actor,
            action: "guard.refused",
            subject: refused.call_id.map(str::to_owned),
            detail: json!({ "at": at, "code": code, "sentence": sentence, "customer": customer }),
        },
    )
}

/// Whoever asked, by the id of their API key or of their account.
fn key_actor(conn: &mut DbConnection, id: &str) -> DbResult<Actor> {
    if let Some(name) = agents::models::agent_name(conn, id)? {
        return Ok(Actor::agent(name));
    }
    let name = agents::models::key_name(conn, id)?;
    Ok(Actor::api_key(name.unwrap_or_else(|| id.to_owned())))
}

/// Puts a number on the list, or writes its entry anew; true if it was not on it.
///
/// # Errors
/// The database's.
pub async fn add(db: &Db, actor: Actor, row: EntryRow, now: DateTime<Utc>) -> DbResult<bool> {
    db.write(move |conn| {
        let number: PhoneNumber = row.number.parse().map_err(DbError::corrupt)?;
        let is_new = models::entry(conn, &number, now)?.is_none();
        models::put(conn, &row)?;
        let detail = json!({ "reason": row.reason, "expires_at": row.expires_at.map(|at| at.and_utc()) });
        let (actor, subject) = (actor.clone(), Some(row.number.clone()));
        audit::record(conn, &audit::Entry { at: now, actor, action: "do_not_call.added", subject, detail })?;
        Ok(is_new)
    })
    .await
}

/// Takes a number off the list; false if it was not on it.
///
/// # Errors
/// The database's.
pub async fn remove(db: &Db, actor: Actor, number: PhoneNumber, now: DateTime<Utc>) -> DbResult<bool> {
    db.write(move |conn| {
        let Some(row) = models::entry(conn, &number, now)? else { return Ok(false) };
        models::remove(conn, &number)?;
        let (actor, subject, detail) = (actor.clone(), Some(row.number), json!({ "reason": row.reason }));
        audit::record(
            conn,
            &audit::Entry { at: now, actor, action: "do_not_call.removed", subject, detail },
        )?;
        Ok(true)
    })
    .await
}

/// What came of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DoNotCallImport)]
pub struct Imported {
    /// Lines that were read.
    pub read: u64,
    /// Entries that are new, or hold longer than before.
    pub changed: u64,
    /// Lines that could not be read.
    pub unreadable: u64,
    /// What is wrong with them; the first thousand.
    pub problems: Vec<Problem>,
}

/// Why an import broke off; what it had written by then stays, and importing again changes nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file's fault.
    #[error("the list cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// The database's.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Adds a list, so many lines in a transaction; tells after each how many bytes have been read.
///
/// # Errors
/// As [`ImportError`] says.
pub async fn import(
    db: &Db,
    clock: &dyn Clock,
    actor: Actor,
    source: impl BufRead,
    mut progress: impl FnMut(u64),
) -> Result<Imported, ImportError> {
    let mut reader = Reader::new(source);
    let mut imported = Imported::default();
    loop {
        let lines = batch(&mut reader, &mut imported)?;
        if lines.is_empty() {
            break;
        }
        let now = clock.now();
        let changed = db.write(move |conn| models::add_many(conn, &lines, now)).await?;
        imported.changed += u64::try_from(changed).unwrap_or_default();
        progress(reader.bytes());
    }
    let Imported { read, changed, unreadable, .. } = imported;
    let detail = json!({ "read": read, "changed": changed, "unreadable": unreadable });
    let entry =
        audit::Entry { at: clock.now(), actor, action: "do_not_call.imported", subject: None, detail };
    db.write(move |conn| audit::record(conn, &entry)).await?;
    Ok(imported)
}

/// The next lines, each number once; empty at the end.
fn batch(reader: &mut Reader<impl BufRead>, imported: &mut Imported) -> std::io::Result<Vec<Line>> {
    let mut lines: HashMap<PhoneNumber, Line> = HashMap::new();
    while lines.len() < BATCH {
        match reader.next_line()? {
            None => break,
            Some(Err(problem)) => {
                imported.unreadable += 1;
                if imported.problems.len() < PROBLEMS_TOLD {
                    imported.problems.push(problem);
                }
            }
            Some(Ok(line)) => {
                imported.read += 1;
                let longest = |line: &Line| line.expires_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
                let is_shorter =
                    lines.get(&line.number).is_some_and(|other| longest(other) >= longest(&line));
                if !is_shorter {
                    lines.insert(line.number.clone(), line);
                }
            }
        }
    }
    Ok(lines.into_values().collect())
}
