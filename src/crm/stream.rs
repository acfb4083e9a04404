//! Owns the stream of events (server-sent events, <https://html.spec.whatwg.org/multipage/server-sent-events.html>): from
//! where a reader goes on, and how it is fed, a page of rows at a time and no sooner than it has taken the one before.

use std::convert::Infallible;
use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Duration, Instant, sleep_until, timeout};

use super::forms::FeedQuery;
use super::models::{self, DbResult, EventRow, Extent};
use super::serializers::EventOut;
use crate::app::{App, SharedApp};
use crate::db::DbError;
use crate::error::{AppError, ErrorCode};

/// Rows that are read, and so given to a reader, at once.
const PAGE: i64 = 100;
/// A client that lost the connection comes back after so many milliseconds.
const RETRY: &str = "retry: 1000\n";
/// A comment, and no message: some clients take an empty line for the end of one.
const HEARTBEAT: &str = ": alive\n";
/// How long to wait before a database that did not answer is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Where a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// After this position.
    After(i64),
    /// The reader's position is none that can be gone on from; so after this one.
    Reset(i64),
}

impl Beginning {
    /// A reader of a call's timeline that names no position is told of it from the beginning, any other from now on.
    fn of(named: Option<i64>, is_timeline: bool, extent: Extent) -> Self {
        match named {
            Some(0) => Self::After(extent.oldest - 1),
            Some(position) if extent.can_continue(position) => Self::After(position),
            Some(position) if position > extent.newest => Self::Reset(extent.newest),
            Some(_) => Self::Reset(extent.oldest - 1),
            None if is_timeline => Self::After(extent.oldest - 1),
            None => Self::After(extent.newest),
        }
    }

    fn position(self) -> i64 {
        match self {
            Self::After(position) | Self::Reset(position) => position,
        }
    }

    /// Tells the reader its position before the first event comes, so that it can come back with it.
    fn message(self, extent: Extent) -> String {
        let position = self.position();
        let (name, data) = match self {
            Self::After(_) => ("ready", json!({ "id": position, "type": "ready" })),
            Self::Reset(_) => (
                "reset",
                json!({ "id": position, "type": "reset", "oldest": extent.oldest, "newest": extent.newest }),
            ),
        };
        format!("{RETRY}{}", message(position, name, &data.to_string()))
    }
}

/// JSON has no line breaks of its own.
fn message(position: i64, name: &str, json: &str) -> String {
    format!("id: {position}\nevent: {name}\ndata: {json}\n\n")
}

/// The header `Last-Event-ID`, if there is one.
pub fn last_event_id(request: &HttpRequest) -> Option<&str> {
    Some(request.headers().get("Last-Event-ID")?.to_str().unwrap_or("?"))
}

/// Answers with a stream; with 204, which tells a client not to come back, when it is of a call that has ended and whose last
/// event the reader has had.
///
/// # Errors
/// When there are too many readers, the position is none, or the database fails.
pub async fn open(
    app: &SharedApp,
    request: &HttpRequest,
    query: FeedQuery,
) -> Result<HttpResponse, AppError> {
    let named = query.position(last_event_id(request))?;
    let too_many = || AppError::new(ErrorCode::Unavailable).with_detail("too many streams are open");
    let place = app.crm.feed.place().ok_or_else(too_many)?;
    let extent = app.db.read(models::extent).await?;
    let beginning = Beginning::of(named, query.is_timeline, extent);
    let mut reader = Reader { position: beginning.position(), query };
    if named.is_some() && reader.is_over(app).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    let first = beginning.message(extent);
    let (chunks, mut given) = mpsc::channel(1);
    let out = Out { app: app.clone().into_inner(), chunks, _place: place };
    tokio::spawn(async move { drop(out.feed(first, &mut reader).await) });
    let stream = futures_util::stream::poll_fn(move |context| given.poll_recv(context));
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Proxies that gather answers would hold events back.
        .insert_header(("X-Accel-Buffering", "no"))
        .force_close()
        .streaming(futures_util::StreamExt::map(stream, Ok::<_, Infallible>)))
}

/// What a reader wants, and how far it is. Nothing else is kept for it.
struct Reader {
    position: i64,
    query: FeedQuery,
}

impl Reader {
    /// The next page, as text; whether there may be more at once.
    async fn read(&mut self, app: &App) -> DbResult<(String, bool)> {
        let (position, call_id) = (self.position, self.query.call_id);
        let rows = app.db.read(move |conn| models::after(conn, position, call_id, PAGE)).await?;
        let is_full = rows.len() == PAGE as usize;
        let mut text = String::new();
        for row in rows {
            self.position = row.position;
            self.tell(row, &mut text);
        }
        Ok((text, is_full))
    }

    fn tell(&self, row: EventRow, text: &mut String) {
        if self.query.types.wants(&row.kind) {
            let (position, kind) = (row.position, row.kind.clone());
            let json = serde_json::to_string(&EventOut::from(row)).unwrap_or_default();
            text.push_str(&message(position, &kind, &json));
        }
    }

    /// Whether it is of a call's timeline, the call has ended, and it has had all of it.
    async fn is_over(&self, app: &App) -> DbResult<bool> {
        let Some(call_id) = self.query.call_id.filter(|_| self.query.is_timeline) else { return Ok(false) };
        let position = self.position;
        app.db
            .read(move |conn| {
                // In this order: what is written until the call ends is seen.
                let has_ended = models::has_ended(conn, call_id)? == Some(true);
                Ok::<_, DbError>(
                    has_ended
                        && !models::has_unpublished(conn, Some(call_id))?
                        && models::after(conn, position, Some(call_id), 1)?.is_empty(),
                )
            })
            .await
    }
}

/// Where a stream goes.
struct Out {
    app: Arc<App>,
    chunks: mpsc::Sender<Bytes>,
    /// Held for as long as there is a reader.
    _place: OwnedSemaphorePermit,
}

/// The stream is over: the reader has gone or was too slow, the service stops, or it has lasted long enough.
struct Over;

impl Out {
    async fn feed(&self, first: String, reader: &mut Reader) -> Result<(), Over> {
        let feed = &self.app.crm.feed;
        let end = Instant::now() + feed.options.longest;
        let mut newest = feed.watch();
        let mut quiet_since = Instant::now();
        self.give(first).await?;
        while Instant::now() < end {
            // Before reading, so that what is published meanwhile is not missed.
            newest.mark_unchanged();
            let Some((text, is_full)) = self.read(reader).await else {
                self.rest(&mut newest, Instant::now() + AGAIN, true).await?;
                continue;
            };
            if !text.is_empty() {
                quiet_since = Instant::now();
                self.give(text).await?;
            }
            if is_full {
                continue;
            }
            if matches!(reader.is_over(&self.app).await, Ok(true)) {
                return Ok(());
            }
            let beat_at = quiet_since + feed.options.heartbeat;
            self.rest(&mut newest, beat_at.min(end), false).await?;
            if Instant::now() >= beat_at {
                quiet_since = Instant::now();
                self.give(HEARTBEAT.to_owned()).await?;
            }
        }
        Ok(())
    }

    async fn read(&self, reader: &mut Reader) -> Option<(String, bool)> {
        let read = reader.read(&self.app).await;
        read.inspect_err(|error| tracing::warn!(%error, "a stream of events waits for the database")).ok()
    }

    /// Until there is something new, or this moment.
    async fn rest(
        &self,
        newest: &mut watch::Receiver<i64>,
        until: Instant,
        is_deaf: bool,
    ) -> Result<(), Over> {
        tokio::select! {
            () = self.chunks.closed() => Err(Over),
            () = self.app.crm.feed.closed() => Err(Over),
            changed = newest.changed(), if !is_deaf => changed.map_err(|_| Over),
            () = sleep_until(until) => Ok(()),
        }
    }

    async fn give(&self, text: String) -> Result<(), Over> {
        let feed = &self.app.crm.feed;
        let given = timeout(feed.options.patience, self.chunks.send(Bytes::from(text)));
        tokio::select! {
            () = feed.closed() => Err(Over),
            given = given => match given {
                Ok(sent) => sent.map_err(|_| Over),
                Err(_) => {
                    tracing::warn!("a reader of events was too slow, and is cut off");
                    Err(Over)
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_goes_on_where_it_was_or_is_told_that_it_cannot() {
        let extent = Extent { oldest: 5, newest: 9 };
        let cases = [
            (None, false, Beginning::After(9)),
            (None, true, Beginning::After(4)),
            (Some(0), false, Beginning::After(4)),
            (Some(3), false, Beginning::Reset(4)),
            (Some(4), false, Beginning::After(4)),
            (Some(9), true, Beginning::After(9)),
            (Some(10), false, Beginning::Reset(9)),
        ];
        for (named, is_timeline, expected) in cases {
            assert_eq!(Beginning::of(named, is_timeline, extent), expected, "{named:?}");
        }
        let empty = Extent { oldest: 1, newest: 0 };
        assert_eq!(Beginning::of(None, false, empty), Beginning::After(0));
        assert_eq!(Beginning::of(Some(1), false, empty), Beginning::Reset(0));
    }

    #[test]
    fn messages_look_like_this() {
        let extent = Extent { oldest: 5, newest: 9 };
        assert_eq!(
            Beginning::After(7).message(extent),
            "retry: 1000\nid: 7\nevent: ready\ndata: {\"id\":7,\"type\":\"ready\"}\n\n"
        );
        assert_eq!(
            Beginning::Reset(4).message(extent),
            "retry: 1000\nid: 4\nevent: reset\ndata: {\"id\":4,\"newest\":9,\"oldest\":5,\"type\":\"reset\"}\n\n"
        );
    }
}
