//! Databases that cannot be used: one that is there while every connection is taken ([`Outage`]), and one that is away for
//! everybody ([`Away`]).

use std::sync::mpsc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use warm_transfer::db::DbError;

use super::service::TestService;

/// Every connection that reads is taken, and nobody can write. The service must have been started with
/// [`Outage::SETTINGS`]. Over when it is ended.
pub struct Outage {
    over: mpsc::Sender<()>,
    reader: JoinHandle<Result<(), DbError>>,
    _writer: Option<SqliteConnection>,
}

impl Outage {
    /// One connection, and little patience.
    pub const SETTINGS: [(&'static str, &'static str); 3] = [
        ("WARM_TRANSFER__DATABASE__POOL_SIZE", "1"),
        ("WARM_TRANSFER__DATABASE__POOL_TIMEOUT_MS", "100"),
        ("WARM_TRANSFER__DATABASE__BUSY_TIMEOUT_MS", "100"),
    ];

    /// Begins it, and waits until it has begun.
    pub async fn begin(service: &TestService) -> Self {
        let (over, wait) = mpsc::channel();
        let (begun, has_begun) = oneshot::channel();
        let db = service.app().db.clone();
        let read = move |_: &mut _| {
            begun.send(()).unwrap();
            // Ended, or given up by a test that has failed.
            wait.recv().unwrap_or_default();
            Ok::<_, DbError>(())
        };
        let reader = tokio::spawn(async move { db.read(read).await });
        // The one connection may just be lent to somebody else.
        has_begun.await.expect("the connection can be had");
        let writer = service.database_url().strip_prefix("sqlite://").map(|path| {
            let mut conn = SqliteConnection::establish(path).unwrap();
            conn.batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE").unwrap();
            conn
        });
        Self { over, reader, _writer: writer }
    }

    /// Everything can be used again.
    pub async fn end(self) {
        self.over.send(()).unwrap();
        self.reader.await.unwrap().unwrap();
    }
}

/// Away for every process: PostgreSQL ends all connections and takes no new ones; SQLite is locked by somebody who does not
/// let go. Over when it is dropped.
pub enum Away {
    /// Holds the lock.
    Sqlite(#[expect(dead_code, reason = "held")] SqliteConnection),
    /// The database's URL.
    #[cfg(feature = "postgres")]
    Postgres(String),
}

impl Away {
    /// With these a service notices soon.
    pub const SETTINGS: [(&'static str, &'static str); 3] = [
        ("WARM_TRANSFER__DATABASE__POOL_TIMEOUT_MS", "200"),
        ("WARM_TRANSFER__DATABASE__BUSY_TIMEOUT_MS", "100"),
        ("WARM_TRANSFER__SERVER__DATABASE_BUDGET_MS", "300"),
    ];

    /// The database of this URL goes away.
    pub fn begin(url: &str) -> Self {
        if let Some(path) = url.strip_prefix("sqlite://") {
            let mut conn = SqliteConnection::establish(path).unwrap();
            conn.batch_execute("PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE").unwrap();
            return Self::Sqlite(conn);
        }
        #[cfg(feature = "postgres")]
        {
            postgres::allow_connections(url, false);
            Self::Postgres(url.to_owned())
        }
        #[cfg(not(feature = "postgres"))]
        panic!("{url} needs the feature postgres")
    }
}

#[cfg(feature = "postgres")]
impl Drop for Away {
    fn drop(&mut self) {
        if let Self::Postgres(url) = self {
            postgres::allow_connections(url, true);
        }
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::super::database::postgres::run;

    /// Without allowance those that there are end, too.
    pub fn allow_connections(url: &str, allowed: bool) {
        let url: url::Url = url.parse().unwrap();
        let name = url.path().trim_start_matches('/');
        run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}"));
        if !allowed {
            run(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"));
        }
    }
}
