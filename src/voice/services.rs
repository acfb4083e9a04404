//! Keeps what Twilio sends: in the database with what it means for the call, or in the spool while the database cannot take
//! it; and brings the spool into the database when it can again.
//!
//! The order in which one process was told of a call is kept: while anything of a call is spooled, what comes of it is
//! spooled behind. With several copies each has a spool of its own, and news spooled at one may be applied after later news
//! that another wrote. The flow tolerates that, as it must tolerate a Twilio that sends them out of order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::forms;
use super::models::{self, Answer, Answered, Spooled, Webhook};
use crate::app::App;
use crate::calls::flow::{Call, Event};
use crate::calls::services::{Advanced, ServiceError, advance};
use crate::db::spool::{Entry, Spool, SpoolError};
use crate::db::{DbConnection, WriteError};
use crate::middleware::signature::TwilioRequest;

/// Spooled news that are applied in one transaction at the most.
const BATCH: usize = 64;
/// How long, in real time, until the database is tried again.
const NAP: Duration = Duration::from_millis(250);
/// How often, in real time, to look for what a process that is no more has left.
const LOOK: Duration = Duration::from_secs(5);
/// How long, in real time, the database may take for what nobody waits for.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How many document requests may wait to be kept; each takes about four kilobytes.
const PLACES: usize = 4096;

/// What it takes to keep what Twilio sends.
pub struct Journal {
    /// What waits for the database.
    pub spool: Spool<Spooled>,
    /// Places for document requests that are yet to be kept; bounds the memory that they take.
    pub places: Arc<Semaphore>,
    /// The database did not take what it was given last: it is not tried by every request, but by [`drain`].
    is_away: AtomicBool,
}

impl Journal {
    /// With this spool.
    pub fn new(spool: Spool<Spooled>) -> Self {
        Self { spool, places: Arc::new(Semaphore::new(PLACES)), is_away: AtomicBool::new(false) }
    }

    fn must_spool(&self, entry: &Spooled) -> bool {
        self.is_away.load(Ordering::Acquire) || self.spool.holds(entry.about())
    }

    fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::Release);
    }
}

/// Something that Twilio sent, and what it means for its call.
#[derive(Clone)]
pub struct News {
    webhook: Webhook,
    event: Option<Event>,
}

impl News {
    /// A request that has arrived, about this call; about none if the id is nil.
    pub fn arrived(
        app: &App,
        request: &TwilioRequest,
        received_at: DateTime<Utc>,
        call_id: Uuid,
        answer: Answer,
    ) -> Self {
        let webhook = Webhook::arrived(app, request, received_at, call_id, answer);
        Self { webhook, event: forms::event(request) }
    }

    /// For the answer, which is found after they are kept.
    pub fn webhook(&self) -> &Webhook {
        &self.webhook
    }

    fn spooled(webhook: Webhook) -> Self {
        let event = webhook.request().and_then(|request| forms::event(&request));
        Self { webhook, event }
    }
}

/// What is written into the journal.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are news")]
enum Item {
    News(News),
    Answered(Answered),
}

impl Item {
    fn of(spooled: Spooled) -> Self {
        match spooled {
            Spooled::Sent(webhook) => Self::News(News::spooled(webhook)),
            Spooled::Answered(answered) => Self::Answered(answered),
        }
    }

    fn entry(&self) -> Spooled {
        match self {
            Self::News(news) => Spooled::Sent(news.webhook.clone()),
            Self::Answered(answered) => Spooled::Answered(answered.clone()),
        }
    }

    /// The same, without what it means for its call.
    fn meaningless(self) -> Self {
        match self {
            Self::News(news) => Self::News(News { event: None, ..news }),
            answered @ Self::Answered(_) => answered,
        }
    }
}

/// Where what Twilio sent is now.
pub enum Kept {
    /// In the database, and this is its call, if that is known.
    TakenIn(Option<Box<Call>>),
    /// On this machine's disk.
    Spooled,
}

/// Keeps what Twilio sent, durably when it returns, and takes in what it means; the database may take so long. News of a
/// call that is not known are kept all the same.
///
/// # Errors
/// When neither the database nor the spool can take it.
pub async fn keep(app: &Arc<App>, news: News, within: Duration) -> Result<Kept, SpoolError> {
    keep_item(app, Item::News(news), within).await
}

/// Keeps what Twilio was answered, beside the request that is kept already; nobody waits for it.
pub fn keep_answer(app: &Arc<App>, answered: Answered) {
    let shared = app.clone();
    app.work(async move {
        if let Err(error) = keep_item(&shared, Item::Answered(answered), PATIENCE).await {
            tracing::error!(%error, "an answer to Twilio could not be kept");
        }
    });
}

async fn keep_item(app: &Arc<App>, item: Item, within: Duration) -> Result<Kept, SpoolError> {
    let entry = item.entry();
    if !app.journal.must_spool(&entry) {
        match take_in_directly(app, item, within).await {
            Ok(call) => return Ok(Kept::TakenIn(call.map(Box::new))),
            Err(reason) => {
                tracing::error!(reason, "the database cannot take what Twilio sent; it is spooled")
            }
        }
        app.journal.set_away(true);
    }
    app.journal.spool.keep(&entry).await?;
    Ok(Kept::Spooled)
}

/// A write that is given up here may yet succeed, and what follows from it must be done then. So it goes on by itself, and
/// its arrival keeps the spool's copy from being taken in again.
async fn take_in_directly(app: &Arc<App>, item: Item, within: Duration) -> Result<Option<Call>, String> {
    let shared = app.clone();
    let taken_in = app.work(async move {
        let advanced = write(&shared, vec![item]).await?;
        let call = advanced.last().map(|advanced| advanced.call.clone());
        carry_on(&shared, advanced);
        Ok::<_, ServiceError>(call)
    });
    match tokio::time::timeout(within, taken_in).await {
        Ok(Ok(result)) => result.map_err(|error| error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} ms", within.as_millis())),
    }
}

/// Writes these down in one transaction, and takes in what the news mean.
async fn write(app: &App, items: Vec<Item>) -> Result<Vec<Advanced>, ServiceError> {
    let claims = app.claims();
    let policy = app.policy.clone();
    let taken_in = app.db.write(move |conn: &mut DbConnection| {
        let mut advanced = Vec::new();
        for item in &items {
            let News { webhook, event } = match item {
                Item::News(news) => news,
                Item::Answered(answered) => {
                    models::fill_in(conn, answered)?;
                    continue;
                }
            };
            if !models::keep(conn, webhook)? {
                continue; // it has been taken in before
            }
            if let (Some(call_id), Some(event)) = (webhook.call(), event) {
                advanced.extend(advance(conn, &claims.claimant(), &policy, call_id, event)?);
            }
        }
        Ok::<_, ServiceError>(advanced)
    });
    taken_in.await
}

/// Brings the spool into the database whenever that can be had, until the application stops.
pub async fn drain(app: Arc<App>) {
    while !app.stopping.is_cancelled() {
        let nap = match drain_front(&app).await {
            Ok(true) => continue,
            Ok(false) => LOOK,
            Err(reason) => {
                tracing::warn!(reason, waiting = app.journal.spool.len(), "the spool must wait");
                NAP
            }
        };
        let is_idle = nap == LOOK;
        tokio::select! {
            () = app.stopping.cancelled() => {}
            () = app.journal.spool.filled(), if is_idle => {}
            () = tokio::time::sleep(nap) => {}
        }
    }
}

/// Applies the first entries; false if there was none.
async fn drain_front(app: &Arc<App>) -> Result<bool, String> {
    let front = app.journal.spool.front(BATCH).await.map_err(|error| error.to_string())?;
    if front.is_empty() {
        app.journal.set_away(false);
        return Ok(false);
    }
    apply(app, &front).await.map_err(|error| error.to_string())?;
    app.journal.spool.done(&front);
    app.journal.set_away(false);
    tracing::info!(count = front.len(), "spooled news have been taken in");
    app.knock.notify_one();
    Ok(true)
}

/// All at once; if the database refuses that, one by one, so that one which cannot be taken in holds up no other. Such a
/// one is in the journal all the same.
async fn apply(app: &Arc<App>, front: &[Spooled]) -> Result<(), ServiceError> {
    let items: Vec<Item> = front.iter().cloned().map(Item::of).collect();
    match write(app, items.clone()).await {
        Err(error) if !passes(&error) => {}
        written => return written.map(|advanced| carry_on(app, advanced)),
    }
    for one in items {
        let written = match write(app, vec![one.clone()]).await {
            Err(error) if !passes(&error) => {
                let entry = one.entry();
                tracing::error!(%error, call.id = entry.about(), "spooled news cannot be taken in");
                write(app, vec![one.meaningless()]).await
            }
            written => written,
        };
        carry_on(app, written?);
    }
    Ok(())
}

fn carry_on(app: &Arc<App>, advanced: Vec<Advanced>) {
    advanced.into_iter().for_each(|advanced| app.carry_on(Some(advanced)));
}

/// Whether the same write may succeed another time.
fn passes(error: &ServiceError) -> bool {
    error.as_db().is_some_and(|error| error.is_unavailable() || error.is_conflict())
}
