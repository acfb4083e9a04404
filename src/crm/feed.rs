//! Owns the order in which the world hears of events: gives each committed event its position, and wakes readers.
//!
//! Ids cannot be that order. PostgreSQL gives them before the commit, so a reader that goes on after the newest id it has had
//! would miss a smaller one that is committed later. Positions are given after the commit, by one publisher at a time, and
//! have no gaps: whoever has read to a position has read all there will ever be up to it. Events of one call keep their
//! order, as a call's transactions follow each other.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::models::{self, DbResult};
use super::webhooks;
use crate::app::App;
use crate::copies::Changed;
use crate::db::schema::event_feed;
use crate::db::{DbConnection, DbError};

/// Events published in one transaction at the most.
const BATCH: i64 = 500;
/// After how much silence to look anyway, in real time: for what a copy that died has left.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What happens so soon after what was published is published together: bounds the transactions of a busy service.
const GATHERING: Duration = Duration::from_millis(10);
/// The only row of `event_feed`.
const ROW: i32 = 1;

/// How streams are kept.
#[derive(Debug, Clone)]
pub struct FeedOptions {
    /// How often a silent stream says that it is alive.
    pub heartbeat: Duration,
    /// How long a stream lasts.
    pub longest: Duration,
    /// How long a reader may take nothing.
    pub patience: Duration,
    /// Open streams at the most.
    pub most_readers: usize,
}

/// What readers share.
pub struct Feed {
    /// How streams are kept.
    pub options: FeedOptions,
    newest: watch::Sender<i64>,
    places: Arc<Semaphore>,
    closing: CancellationToken,
}

impl Feed {
    /// Nothing is known to be published yet.
    pub fn new(options: FeedOptions) -> Self {
        Self {
            newest: watch::Sender::new(0),
            places: Arc::new(Semaphore::new(options.most_readers)),
            closing: CancellationToken::new(),
            options,
        }
    }

    /// Is told whenever there is more to read.
    pub fn watch(&self) -> watch::Receiver<i64> {
        self.newest.subscribe()
    }

    /// A place for one more reader, until it is dropped; none when all are taken.
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    /// How many are reading.
    pub fn readers(&self) -> usize {
        self.options.most_readers - self.places.available_permits()
    }

    /// Ends all streams.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Until the streams are to end.
    pub async fn closed(&self) {
        self.closing.cancelled().await;
    }

    fn announce(&self, newest: i64) {
        self.newest.send_if_modified(|known| {
            let is_news = newest > *known;
            *known = newest.max(*known);
            is_news
        });
    }
}

/// What one transaction published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The newest position of all.
    pub newest: i64,
    /// Whether there may be more to publish.
    pub is_full: bool,
    /// Whether there are webhooks to be sent.
    pub has_webhooks: bool,
}

/// Publishes whatever is committed, here or at other copies, until the application stops.
pub async fn run(app: Arc<App>) {
    let mut changed = app.changed.subscribe();
    let mut is_failing = false;
    loop {
        catch_up(&mut changed);
        match publish_all(&app).await {
            Ok(()) => is_failing = false,
            Err(error) => {
                if !is_failing {
                    tracing::warn!(%error, "events cannot be published; trying again");
                }
                is_failing = true;
            }
        }
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = gathered(&mut changed) => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Waits for a change, after a breath in which more may come.
async fn gathered(changed: &mut Receiver<Changed>) {
    tokio::time::sleep(GATHERING).await;
    if let Err(RecvError::Closed) = changed.recv().await {
        std::future::pending().await
    }
}

/// Forgets what was said so far: it is all in the database.
fn catch_up(changed: &mut Receiver<Changed>) {
    while !matches!(changed.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
}

/// Publishes all there is, and wakes readers.
///
/// # Errors
/// The database's.
pub async fn publish_all(app: &App) -> DbResult<()> {
    let (mut newest, mut is_open) = app
        .db
        .read(|conn| {
            // In this order: what another copy publishes in between is read as published.
            let is_open = models::has_unpublished(conn, None)?;
            Ok::<_, DbError>((models::extent(conn)?.newest, is_open))
        })
        .await?;
    while is_open {
        let now = app.clock.now();
        let published = app.db.write(move |conn| publish(conn, now)).await?;
        if published.has_webhooks {
            app.crm.webhooks.knock();
        }
        newest = published.newest;
        is_open = published.is_full;
    }
    app.crm.feed.announce(newest);
    Ok(())
}

/// Publishes what there is of this call, so that whoever changed it can read what came of it.
///
/// # Errors
/// The database's.
pub async fn publish_call(app: &App, call_id: Uuid) -> DbResult<()> {
    if app.db.read(move |conn| models::has_unpublished(conn, Some(call_id))).await? {
        publish_all(app).await?;
    }
    Ok(())
}

/// Gives positions to a number of events, in the order of their ids, and writes down who is to be told of them. One transaction at a time does it: the others wait for
/// the row.
///
/// # Errors
/// The database's.
pub fn publish(conn: &mut DbConnection, now: DateTime<Utc>) -> DbResult<Published> {
    let last = lock(conn)?;
    let count = models::number(conn, last, BATCH)?;
    let newest = last + count;
    if count > 0 {
        let feed = event_feed::table.find(ROW);
        diesel::update(feed).set(event_feed::last_position.eq(newest)).execute(conn)?;
    }
    let has_webhooks = webhooks::fan_out(conn, last, count, now)?;
    Ok(Published { newest, is_full: count == BATCH, has_webhooks })
}

/// The last position that was given, which nobody else changes until the transaction ends.
///
/// # Errors
/// The database's.
pub fn lock(conn: &mut DbConnection) -> DbResult<i64> {
    let row = event_feed::table.find(ROW).select(event_feed::last_position);
    Ok(match conn {
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(conn) => row.for_update().first(conn)?,
        DbConnection::Sqlite(conn) => row.first(conn)?,
    })
}
