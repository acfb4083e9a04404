//! What consoles show at this moment: kept in memory, by one task a process, and told to every open console as it changes.
//!
//! The database is read once for a change, however many consoles are open; a console that opens is given what is in memory.
//! While none is open, nothing is read.

pub mod card;
mod models;
mod state;
pub mod stream;
pub mod team;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::broadcast::{self, Receiver};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::state::{News, State};
use crate::app::App;
use crate::copies::Changed;

/// How long an ended call stays with whoever is to say what came of it.
pub const WRAP_UP: TimeDelta = TimeDelta::minutes(10);

/// How many news a slow console may fall behind before it is given everything anew.
const NEWS_KEPT: usize = 1024;
/// How often, in real time, to look after what comes without a change: the queue, calls that ended long ago, a database that
/// is back.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a console that opens waits for the first look at the database.
const PATIENCE: Duration = Duration::from_secs(5);
/// What changes so soon after a change is read together with it.
const GATHERING: Duration = Duration::from_millis(5);

/// What consoles share.
pub struct Live {
    state: Mutex<State>,
    news: broadcast::Sender<Arc<News>>,
    wanted: Notify,
    is_loaded: watch::Sender<bool>,
    closing: CancellationToken,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            news: broadcast::channel(NEWS_KEPT).0,
            wanted: Notify::new(),
            is_loaded: watch::Sender::new(false),
            closing: CancellationToken::new(),
        }
    }
}

impl Live {
    /// Ends all streams.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// How many consoles are open here.
    pub fn consoles(&self) -> usize {
        self.news.receiver_count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything as of now, as `look` takes it, and all that comes after; `None` if the database does not answer.
    async fn subscribe<T>(&self, look: impl FnOnce(&mut State) -> T) -> Option<(T, Receiver<Arc<News>>)> {
        // Before it is awaited, so that somebody is seen to be waiting.
        let waiting = self.news.subscribe();
        self.wanted.notify_one();
        let mut is_loaded = self.is_loaded.subscribe();
        let loaded = tokio::time::timeout(PATIENCE, is_loaded.wait_for(|is_loaded| *is_loaded)).await;
        loaded.ok()?.ok()?;
        let mut state = self.state();
        let news = self.news.subscribe();
        drop(waiting);
        Some((look(&mut state), news))
    }

    /// Changes what is known and tells of it, so that nobody who looks sees one without the other.
    fn tell(&self, change: impl FnOnce(&mut State) -> Vec<News>) {
        let mut state = self.state();
        for news in change(&mut state) {
            drop(self.news.send(Arc::new(news))); // the last console may just have been closed
        }
    }
}

/// Keeps up with what changes for as long as any console is open, until the application stops.
pub async fn run(app: Arc<App>) {
    let mut changed = app.changed.subscribe();
    let mut behind = Behind::Everything;
    loop {
        if app.live.consoles() == 0 {
            app.live.is_loaded.send_replace(false);
            behind = Behind::Everything;
            tokio::select! {
                () = app.stopping.cancelled() => return,
                () = app.live.wanted.notified() => {}
                _ = changed.recv() => {}
            }
            continue;
        }
        behind = behind.catch_up(&app).await;
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = gather(&mut changed, &mut behind) => {}
            () = tokio::time::sleep(LOOK_EVERY) => behind.add_what_passes(&app),
        }
    }
}

/// What is to be read anew.
enum Behind {
    These(BTreeSet<Uuid>),
    Everything,
}

impl Behind {
    fn add(&mut self, changed: Changed) {
        match (&mut *self, changed) {
            (Self::These(ids), Changed::Here(id) | Changed::Elsewhere(id)) => drop(ids.insert(id)),
            (_, Changed::Unknown) => *self = Self::Everything,
            (Self::Everything, _) => {}
        }
    }

    /// Calls that move up the queue are told by nobody.
    fn add_what_passes(&mut self, app: &App) {
        let now = app.clock.now();
        app.live.tell(|state| state.forget_ended(now));
        if let Self::These(ids) = self {
            ids.extend(app.live.state().queued());
        }
    }

    /// Reads it; what is left if the database does not answer.
    async fn catch_up(self, app: &App) -> Self {
        if matches!(&self, Self::These(ids) if ids.is_empty()) {
            return self;
        }
        let now = app.clock.now();
        let read = match &self {
            Self::These(ids) => models::some(app, ids.iter().copied().collect()).await,
            Self::Everything => models::everything(app, now - WRAP_UP).await,
        };
        match read {
            Ok(read) => {
                let is_everything = matches!(self, Self::Everything);
                app.live.tell(|state| state.take_in(app, read, is_everything));
                app.live.is_loaded.send_replace(true);
                Self::These(BTreeSet::new())
            }
            Err(error) => {
                tracing::warn!(%error, "consoles cannot be told what changes");
                app.live.tell(|state| state.is_stale_since(now));
                tokio::time::sleep(LOOK_EVERY).await;
                self
            }
        }
    }
}

/// Waits for a change, and takes what comes with it.
async fn gather(changed: &mut Receiver<Changed>, behind: &mut Behind) {
    match changed.recv().await {
        Ok(news) => behind.add(news),
        Err(RecvError::Lagged(_)) => *behind = Behind::Everything,
        Err(RecvError::Closed) => std::future::pending().await,
    }
    tokio::time::sleep(GATHERING).await;
    loop {
        match changed.try_recv() {
            Ok(news) => behind.add(news),
            Err(TryRecvError::Lagged(_)) => *behind = Behind::Everything,
            Err(TryRecvError::Empty | TryRecvError::Closed) => return,
        }
    }
}
