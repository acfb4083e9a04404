//! News between the copies of the service that share one PostgreSQL, by its LISTEN and NOTIFY: whoever watches a call at
//! one copy hears of what another has changed. With SQLite there is one copy, and nothing to do.
//!
//! News is told after the commit, by one connection a copy, many calls in one notification. Inside the transactions that
//! change calls it would hold PostgreSQL's one lock for notifications while each of them reaches the disk, so that they
//! no longer share commits (`docs/scaling.md` has the figures). What is lost when a process dies in between is a wake-up:
//! what happened is in the database, and whoever takes over its commands tells of what comes next.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::db::{DbConnection, DbError, blocking};

/// How often to look whether other copies have said something: a read of the socket that finds nothing.
const LISTEN_EVERY: Duration = Duration::from_millis(100);
/// After how much silence of our own the connection is tried: a server that vanished says nothing either.
const TRY_AFTER: Duration = Duration::from_secs(15);
/// How long to wait after a lost connection, at first, and at the most after many.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(5)];
/// How long a stop waits for the last news to be told.
const PATIENCE: Duration = Duration::from_secs(2);
/// Calls named in one notification at the most: PostgreSQL takes less than 8,000 bytes.
const CALLS_TOLD: usize = 200;
const CHANNEL: &str = "warm_transfer_changed";
/// In a notification, instead of calls.
const EVERYTHING: &str = "*";

/// What watchers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// This copy of the service has changed this call.
    Here(Uuid),
    /// Another copy has.
    Elsewhere(Uuid),
    /// Any call may have changed: news of other copies may have been missed.
    Unknown,
}

impl Changed {
    /// Whether this call may have changed.
    pub fn concerns(self, call_id: Uuid) -> bool {
        match self {
            Self::Here(id) | Self::Elsewhere(id) => id == call_id,
            Self::Unknown => true,
        }
    }
}

/// Tells other copies what changes here, and watchers here what changes elsewhere, until it is stopped.
pub struct Copies {
    ending: CancellationToken,
    talking: JoinHandle<()>,
}

impl Copies {
    /// Begins, where there can be other copies.
    pub fn start(app: &Arc<App>) -> Option<Self> {
        let ending = CancellationToken::new();
        app.db.is_shared().then(|| Self {
            talking: tokio::spawn(talk(app.clone(), app.changed.subscribe(), ending.clone())),
            ending,
        })
    }

    /// Tells the last news and ends.
    pub async fn stop(self) {
        self.ending.cancel();
        if timeout(PATIENCE, self.talking).await.is_err() {
            tracing::warn!("the last changes could not be told to other copies");
        }
    }
}

/// Keeps a connection, and opens another whenever it is lost.
async fn talk(app: Arc<App>, mut here: Receiver<Changed>, ending: CancellationToken) {
    let [first, most] = BACK_OFF;
    let mut back_off = first;
    while !ending.is_cancelled() {
        let since = Instant::now();
        let Err(error) = talk_once(&app, &mut here, &ending).await else { return };
        tracing::warn!(%error, "cannot exchange news with other copies; trying again");
        back_off = if since.elapsed() > most { first } else { (back_off * 2).min(most) };
        tokio::select! {
            () = ending.cancelled() => {}
            () = tokio::time::sleep(back_off) => {}
        }
    }
}

/// Uses one connection for as long as it lasts.
async fn talk_once(
    app: &App,
    here: &mut Receiver<Changed>,
    ending: &CancellationToken,
) -> Result<(), DbError> {
    let process = app.process.clone();
    let mut conn = app.db.connect(move |conn| listen(conn, &process)).await?;
    // Nobody knows what was missed until now, on either side.
    pass_on(app, &[Changed::Unknown]);
    let mut news = Some(News { is_everything: true, ..News::default() });
    let mut told_at = Instant::now();
    while let Some(told) = news {
        let lines = told.lines(&app.process);
        let is_try = lines.is_empty() && told_at.elapsed() >= TRY_AFTER;
        if is_try || !lines.is_empty() {
            told_at = Instant::now();
        }
        let exchanged = blocking(move || {
            tell(&mut conn, &lines, is_try)?;
            let heard = hear(&mut conn)?;
            Ok::<_, DbError>((conn, heard))
        });
        let heard;
        (conn, heard) = exchanged.await?;
        let heard: Vec<Changed> = heard.iter().flat_map(|line| understood(line, &app.process)).collect();
        pass_on(app, &heard);
        news = News::gather(here, ending).await;
    }
    Ok(())
}

/// Tells watchers here, and the worker: the change may have left it something to do.
fn pass_on(app: &App, heard: &[Changed]) {
    for changed in heard {
        drop(app.changed.send(*changed)); // nobody may be watching
    }
    if !heard.is_empty() {
        app.knock.notify_one();
    }
}

/// What other copies are to be told.
#[derive(Debug, Default)]
struct News {
    calls: BTreeSet<Uuid>,
    /// There was more than could be remembered.
    is_everything: bool,
}

impl News {
    /// Waits a while for something to tell, then takes all there is. `None` once it is over and everything is told.
    async fn gather(here: &mut Receiver<Changed>, ending: &CancellationToken) -> Option<Self> {
        let mut news = Self::default();
        tokio::select! {
            () = ending.cancelled() => {}
            _ = timeout(LISTEN_EVERY, news.wait(here)) => {}
        }
        loop {
            match here.try_recv() {
                Ok(changed) => news.add(changed),
                Err(TryRecvError::Lagged(_)) => news.is_everything = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        (!ending.is_cancelled() || !news.is_nothing()).then_some(news)
    }

    async fn wait(&mut self, here: &mut Receiver<Changed>) {
        while self.is_nothing() {
            match here.recv().await {
                Ok(changed) => self.add(changed),
                Err(RecvError::Lagged(_)) => self.is_everything = true,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    fn add(&mut self, changed: Changed) {
        if let Changed::Here(call_id) = changed {
            self.calls.insert(call_id);
        }
    }

    fn is_nothing(&self) -> bool {
        self.calls.is_empty() && !self.is_everything
    }

    /// As notifications, each of which begins with who speaks.
    fn lines(&self, process: &str) -> Vec<String> {
        if self.is_everything {
            return vec![format!("{process} {EVERYTHING}")];
        }
        let calls: Vec<String> = self.calls.iter().map(Uuid::to_string).collect();
        let line = |calls: &[String]| format!("{process} {}", calls.join(" "));
        calls.chunks(CALLS_TOLD).map(line).collect()
    }
}

/// What a notification says, if another copy sent it. What is not understood may mean anything.
fn understood(line: &str, process: &str) -> Vec<Changed> {
    let mut words = line.split(' ');
    if words.next() == Some(process) {
        return vec![];
    }
    words.map(|word| word.parse().map_or(Changed::Unknown, Changed::Elsewhere)).collect()
}

/// Makes the connection one that is told of notifications, and that operators can tell from others.
fn listen(conn: &mut DbConnection, process: &str) -> QueryResult<()> {
    sql_query("SELECT set_config('application_name', $1, false)")
        .bind::<Text, _>(connection_name(process))
        .execute(conn)?;
    conn.batch_execute(&format!("LISTEN {CHANNEL}"))
}

/// What PostgreSQL's `pg_stat_activity` calls the connection by which this process exchanges news.
pub fn connection_name(process: &str) -> String {
    format!("warm-transfer news {process}")
}

/// Sends the notifications, or only tries whether the server is still there.
fn tell(conn: &mut DbConnection, lines: &[String], is_try: bool) -> QueryResult<()> {
    if is_try {
        conn.batch_execute("SELECT 1")?;
    }
    for line in lines {
        sql_query("SELECT pg_notify($1, $2)").bind::<Text, _>(CHANNEL).bind::<Text, _>(line).execute(conn)?;
    }
    Ok(())
}

/// The notifications that have arrived.
fn hear(conn: &mut DbConnection) -> QueryResult<Vec<String>> {
    match conn {
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(conn) => conn.notifications_iter().map(|it| Ok(it?.payload)).collect(),
        DbConnection::Sqlite(_) => Ok(vec![]),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast;

    use super::*;

    #[tokio::test]
    async fn many_changes_of_one_call_are_told_once_and_only_our_own() {
        let (changed, mut here) = broadcast::channel(8);
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for news in [Changed::Elsewhere(other), Changed::Here(one), Changed::Here(one), Changed::Unknown] {
            changed.send(news).unwrap();
        }
        let ending = CancellationToken::new();
        let news = News::gather(&mut here, &ending).await.unwrap();
        assert_eq!(news.lines("me"), [format!("me {one}")]);
        assert_eq!(understood(&news.lines("me")[0], "me"), []);
        assert_eq!(understood(&news.lines("me")[0], "you"), [Changed::Elsewhere(one)]);
        ending.cancel();
        assert!(News::gather(&mut here, &ending).await.is_none());
    }

    #[tokio::test]
    async fn what_was_not_kept_up_with_is_everything_and_the_last_news_is_told_at_the_end() {
        let (changed, mut here) = broadcast::channel(2);
        for n in 0..5 {
            changed.send(Changed::Here(Uuid::from_u128(n))).unwrap();
        }
        let ending = CancellationToken::new();
        ending.cancel();
        let news = News::gather(&mut here, &ending).await.unwrap();
        assert_eq!(news.lines("me"), ["me *"]);
        assert_eq!(understood("me *", "you"), [Changed::Unknown]);
    }

    #[test]
    fn a_notification_is_as_long_as_postgresql_takes_at_the_most() {
        let news = News { calls: (0..1000).map(Uuid::from_u128).collect(), is_everything: false };
        let lines = news.lines(&Uuid::max().to_string());
        assert!(lines.len() == 5 && lines.iter().all(|line| line.len() < 8000));
    }
}
