//! A database that is there and cannot be used: every connection that reads is taken, and nobody can write. The service
//! must have been started with [`Outage::SETTINGS`].

use std::sync::mpsc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use warm_transfer::db::DbError;

use super::service::TestService;

/// Over when it is ended.
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
