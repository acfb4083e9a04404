//! The CRM's API on events: as a page of JSON, or as a stream that goes on.

use actix_web::http::header::ACCEPT;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use uuid::Uuid;

use super::forms::{CallEventsQuery, FeedQuery};
use super::models::{self, DbResult, Extent};
use super::serializers::{EventOut, EventPage, TimelinePage};
use super::{feed, stream};
use crate::agents::models::Scope;
use crate::app::{App, SharedApp};
use crate::db::{DbConnection, DbError};
use crate::error::{AppError, ErrorCode, ValidQuery};
use crate::middleware::api_key::ApiKey;
use crate::middleware::request_log::about;

/// Events looked at for one page at the most, however few of them are wanted.
const LOOKED_AT: i64 = 5_000;
/// Events read at once.
const READ: i64 = 500;

type Answer = Result<HttpResponse, AppError>;

fn example() -> Value {
    json!({
        "id": 17, "type": "leg.failed", "at": "2026-11-21T09:30:01.200000Z",
        "call_id": "01a1f3a2-6f00-7c55-9d0b-1f2a3b4c5d6e", "external_id": "deal-42",
        "leg_id": "01a1f3a2-6f01-7c55-9d0b-1f2a3b4c5d6f",
        "detail": { "role": "first_agent", "failure": "busy" },
    })
}

fn timeline_example() -> Value {
    let mut entry = example();
    entry["kind"] = entry["type"].clone();
    json!({ "events": [entry], "next_cursor": 17 })
}

fn stream_example() -> String {
    format!("id: 17\nevent: leg.failed\ndata: {}\n\n", example())
}

/// `GET /api/v1/events`: what happens, as a stream; as a page for whoever accepts JSON only.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "events",
    summary = "Follow what happens",
    description = "Server-sent events, or a page of JSON for whoever sends `Accept: application/json`. The header \
        `Last-Event-ID`, or one of the parameters, continues behind an event with nothing missed.",
    params(FeedQuery, ("Last-Event-ID" = Option<String>, Header, description = "The last event that was received; empty if none was.", pattern = "^([+-]?[0-9]{1,19})?$")),
    responses((status = 200, description = "A page, or a stream that goes on.", content(
        (EventPage = "application/json", example = json!({ "events": [example()], "next_cursor": 17 })),
        (String = "text/event-stream", example = json!(stream_example())),
    ))),
    extensions(("x-scope" = json!(Scope::Read)), ("x-errors" = json!([ErrorCode::CursorGone]))),
)]
pub async fn events(
    request: HttpRequest,
    app: SharedApp,
    key: ApiKey,
    ValidQuery(query): ValidQuery<FeedQuery>,
) -> Answer {
    key.require(Scope::Read)?;
    if is_accepted(&request, "text/event-stream") || !is_accepted(&request, "application/json") {
        return stream::open(&app, &request, query).await;
    }
    Ok(HttpResponse::Ok().json(page(&app, &request, query).await?))
}

/// `GET /api/v1/calls/{id}/events`: the call's timeline, as a page; as a stream for whoever accepts one.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/events", tag = "events",
    summary = "Read a call's timeline",
    description = "What happened to the call, oldest first; as server-sent events for whoever sends \
        `Accept: text/event-stream`: those end with the call.",
    params(
        ("id" = Uuid, Path, description = "The call."), CallEventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that was received; empty if none was.", pattern = "^([+-]?[0-9]{1,19})?$"),
    ),
    responses((status = 200, description = "A page of the timeline, or a stream.", content(
        (TimelinePage = "application/json", example = json!(timeline_example())),
        (String = "text/event-stream", example = json!(stream_example())),
    )), (status = 204, description = "To a stream that comes back: the call has ended, and this was its last event.")),
    extensions(("x-scope" = json!(Scope::Read)), ("x-errors" = json!([ErrorCode::CursorGone]))),
)]
pub async fn of_call(
    request: HttpRequest,
    app: SharedApp,
    key: ApiKey,
    id: Path<Uuid>,
    ValidQuery(query): ValidQuery<CallEventsQuery>,
) -> Answer {
    key.require(Scope::Read)?;
    about(*id, None);
    let query = query.of(*id);
    let call_id = *id;
    let call = app.db.read(move |conn| models::has_ended(conn, call_id)).await?;
    call.ok_or_else(|| AppError::new(ErrorCode::NotFound))?;
    // Who asks may have caused the newest of them a moment ago.
    feed::publish_call(&app, call_id).await?;
    if is_accepted(&request, "text/event-stream") {
        return stream::open(&app, &request, query).await;
    }
    Ok(HttpResponse::Ok().json(TimelinePage::from(page(&app, &request, query).await?)))
}

fn is_accepted(request: &HttpRequest, media_type: &str) -> bool {
    let accepted = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    let mut names = accepted.flat_map(|value| value.split(','));
    names.any(|name| name.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type))
}

/// From the oldest on, unless a position is named.
async fn page(app: &App, request: &HttpRequest, query: FeedQuery) -> Result<EventPage, AppError> {
    let named = query.position(stream::last_event_id(request))?;
    let (extent, page) = app
        .db
        .read(move |conn| {
            let extent = models::extent(conn)?;
            let from = named.unwrap_or(extent.oldest - 1);
            Ok::<_, DbError>((extent, read_page(conn, &query, from, extent.newest)?))
        })
        .await?;
    match named {
        Some(position) if position != 0 && !extent.can_continue(position) => Err(gone(extent)),
        _ => Ok(page),
    }
}

fn gone(Extent { oldest, newest }: Extent) -> AppError {
    let detail = format!("events from {oldest} to {newest} are kept");
    AppError::new(ErrorCode::CursorGone).with_field("after").with_detail(detail)
}

/// What is wanted after this position, until the page is full or enough was looked at.
fn read_page(conn: &mut DbConnection, query: &FeedQuery, from: i64, newest: i64) -> DbResult<EventPage> {
    let mut page = EventPage { events: vec![], next_cursor: from };
    let limit = query.limit.get() as usize;
    for _ in 0..LOOKED_AT / READ {
        let rows = models::after(conn, page.next_cursor, query.call_id, READ)?;
        let is_last = rows.len() < READ as usize;
        for row in rows {
            page.next_cursor = row.position;
            if query.types.wants(&row.kind) {
                page.events.push(EventOut::from(row));
            }
            if page.events.len() == limit {
                return Ok(page);
            }
        }
        if is_last {
            // All that was there when `newest` was read has been seen.
            page.next_cursor = page.next_cursor.max(newest);
            break;
        }
    }
    Ok(page)
}
