//! The pages of calls that were: the list, and one call.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use strum::IntoEnumIterator;
use uuid::Uuid;

use super::forms::{LIVE, NONE, RECENT_DAYS, Search};
use super::models;
use super::page::{Page, Time};
use super::said::Places;
use super::words;
use crate::agents::models::{Agent, AgentRole};
use crate::agents::services::list_agents;
use crate::app::{App, SharedApp};
use crate::calls::flow::{Call, CallStatus, EndReason, LegStatus, Role};
use crate::calls::models::{Beside, beside};
use crate::console::access::{self, Action};
use crate::console::pages::{Frame, render};
use crate::console::sessions::PageSession;
use crate::db::DbError;
use crate::error::{AppError, ErrorCode, ValidQuery};
use crate::middleware::request_log::about;

/// What views answer.
type Answer = Result<HttpResponse, AppError>;

/// Calls on a page.
const PAGE: usize = 25;

/// One of a list to choose from.
struct Choice {
    value: String,
    words: String,
    is_chosen: bool,
}

impl Choice {
    fn new(value: impl Into<String>, words: impl Into<String>, chosen: &str) -> Self {
        let value = value.into();
        Self { is_chosen: value == chosen.trim(), words: words.into(), value }
    }
}

/// A call in the list.
struct Line {
    id: Uuid,
    when: Time,
    customer: String,
    address: String,
    agents: Vec<String>,
    result: String,
    detail: Option<String>,
    tone: &'static str,
    length: Option<String>,
    transfers: usize,
}

#[derive(Template)]
#[template(path = "console/history.html")]
struct HistoryPage<'a> {
    frame: Frame<'a>,
    search: Search,
    is_mine: bool,
    lines: Vec<Line>,
    older: Option<String>,
    newest: Option<String>,
    agents: Vec<Choice>,
    statuses: Vec<Choice>,
    reasons: Vec<Choice>,
    outcomes: Vec<Choice>,
    zone: String,
    recent_days: i64,
}

/// `GET /calls`
///
/// # Errors
/// 422 for a filter that is none.
pub async fn list(app: SharedApp, session: PageSession, ValidQuery(search): ValidQuery<Search>) -> Answer {
    let now = app.clock.now();
    let agent = session.agent();
    let is_mine = agent.role < AgentRole::Supervisor;
    let mut wanted = search.wanted(app.console.time_zone, now)?;
    wanted.seen_by = is_mine.then_some(agent.id);
    // One more than fits says whether there is another page.
    let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let found = app.db.read(move |conn| {
        let calls = models::search(conn, &wanted, limit)?;
        let beside = beside(conn, &calls)?;
        Ok::<_, DbError>(calls.into_iter().zip(beside).collect::<Vec<_>>())
    });
    let mut found = found.await?;
    let has_more = found.len() > PAGE;
    found.truncate(PAGE);
    let last = found.last().map(|(call, _)| call.id).filter(|_| has_more);
    let directory = if is_mine { vec![] } else { list_agents(&app.db).await? };
    let page = HistoryPage {
        frame: Frame::new(&session, "history"),
        is_mine,
        lines: found.iter().map(|(call, beside)| line(call, beside, now)).collect(),
        older: last.map(|last| search.page(Some(last))),
        newest: (!search.before.is_empty()).then(|| search.page(None)),
        agents: agents(&directory, &search.agent),
        statuses: statuses(&search.status),
        reasons: EndReason::iter().map(|it| choice("endreason", it.into(), &search.reason)).collect(),
        outcomes: outcomes(&app, &search.outcome),
        zone: app.console.time_zone.to_string(),
        recent_days: RECENT_DAYS,
        search,
    };
    render(HttpResponse::Ok(), &page)
}

fn choice(area: &str, value: &'static str, chosen: &str) -> Choice {
    Choice::new(value, words::of(area, value), chosen)
}

fn agents(directory: &[Agent], chosen: &str) -> Vec<Choice> {
    directory.iter().map(|agent| Choice::new(&agent.name, &agent.display_name, chosen)).collect()
}

fn statuses(chosen: &str) -> Vec<Choice> {
    let live = Choice::new(LIVE, crate::console::texts::t("history.live"), chosen);
    std::iter::once(live)
        .chain(CallStatus::iter().map(|it| choice("callstatus", it.into(), chosen)))
        .collect()
}

fn outcomes(app: &App, chosen: &str) -> Vec<Choice> {
    let none = Choice::new(NONE, crate::console::texts::t("history.search.none"), chosen);
    let words =
        app.outcomes.dispositions.0.iter().map(|it| Choice::new(it, words::of("disposition", it), chosen));
    std::iter::once(none).chain(words).collect()
}

fn line(call: &Call, beside: &Beside, now: DateTime<Utc>) -> Line {
    let until = call.ended_at.unwrap_or(now);
    let is_live = call.ended_at.is_none();
    let outcome = beside.outcome.as_ref().map(|it| words::of("disposition", &it.disposition));
    let reason = call.end_reason.map(|reason| words::of("endreason", reason.into()));
    let (result, detail) = match (is_live, outcome) {
        (true, _) => (words::of("callstatus", call.status.into()), None),
        (false, Some(outcome)) => (outcome, reason),
        (false, None) => (reason.unwrap_or_default(), None),
    };
    let was_there = |leg: &&crate::calls::flow::Leg| {
        !matches!(leg.role, Role::Customer | Role::Supervisor) && leg.status != LegStatus::Unplaced
    };
    Line {
        id: call.id,
        when: Time::of(call.created_at),
        customer: words::customer(call),
        address: call.customer().map(|leg| words::address(&leg.address)).unwrap_or_default(),
        agents: call.legs.iter().filter(was_there).map(words::called).collect(),
        result,
        detail,
        tone: match (is_live, call.connected_at.is_some()) {
            (true, _) => "live",
            (false, true) => "good",
            (false, false) => "none",
        },
        length: call.connected_at.map(|at| words::length((until - at).num_milliseconds())),
        transfers: call.transfers.len(),
    }
}

#[derive(Template)]
#[template(path = "console/call.html")]
struct CallPage<'a> {
    frame: Frame<'a>,
    page: Page,
    fixture: Option<String>,
}

/// `GET /calls/{id}`
///
/// # Errors
/// 404 for a call that there is not, or that is none of theirs.
pub async fn detail(app: SharedApp, session: PageSession, id: Path<Uuid>) -> Answer {
    let call_id = id.into_inner();
    about(call_id, None);
    let record = app.db.read(move |conn| models::record(conn, call_id)).await?;
    let mut record = record.ok_or_else(|| AppError::new(ErrorCode::NotFound))?;
    let (agent, is_shown) = (session.agent(), app.console.show_supervisors);
    access::may(agent.role, access::relation(&record.call, agent.id), Action::See)?;
    if !access::sees_supervisors(agent.role, is_shown) {
        record = record.without_supervisors();
    }
    let places = Places { public_url: app.documents.links.public_url(), twilio_url: app.twilio.base_url() };
    let page = Page::new(&record, &places, app.clock.now(), app.outcomes.required);
    let may_export = agent.role >= AgentRole::Supervisor && record.call.ended_at.is_some();
    let fixture = may_export.then(|| format!("/calls/{call_id}/fixture"));
    render(HttpResponse::Ok(), &CallPage { frame: Frame::new(&session, "history"), page, fixture })
}
