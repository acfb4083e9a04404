//! SQLite's one writer: a thread that takes all the writes that wait, runs each in a savepoint of one transaction, commits
//! once, and only then answers. So writers share the cost of a durable commit, and none is answered before it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use tokio::sync::oneshot;

use super::connection::Manager;
use super::{DbConnection, DbError, TransactionError};

/// Writes that share one commit at the most; bounds how long the first of them waits.
const BATCH: usize = 256;

/// Runs one write inside the open transaction; gives what to do once it is known whether the commit succeeded.
type Job = Box<dyn FnOnce(Option<&mut DbConnection>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;

/// The handle to the thread; the thread ends when the last handle is dropped.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    pub fn start(manager: Manager) -> Result<Self, DbError> {
        let (jobs, waiting) = mpsc::channel();
        std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || run(&manager, &waiting))
            .map_err(|error| DbError::Unavailable(error.to_string()))?;
        Ok(Self { jobs })
    }

    pub async fn write<T, E, F>(&self, queries: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: Fn(&mut DbConnection) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel::<Result<T, E>>();
        let span = tracing::Span::current();
        let job: Job = Box::new(move |conn| {
            let result = match conn {
                Some(conn) => span.in_scope(|| savepoint(conn, queries)),
                None => Err(DbError::Unavailable("SQLite cannot be opened".into()).into()),
            };
            Box::new(move |committed| {
                let result = match (result, committed) {
                    (Ok(_), Err(reason)) => Err(DbError::Unavailable(reason).into()),
                    (result, _) => result,
                };
                drop(answer.send(result)); // whoever asked may have gone
            })
        });
        let lost = || E::from(DbError::Unavailable("the SQLite writer has stopped".into()));
        self.jobs.send(job).map_err(|_| lost())?;
        answered.await.unwrap_or_else(|_| Err(lost()))
    }
}

/// Runs one write so that its failure, or its panic, undoes only itself.
fn savepoint<T, E, F>(conn: &mut DbConnection, queries: F) -> Result<T, E>
where
    E: From<DbError>,
    F: Fn(&mut DbConnection) -> Result<T, E>,
{
    let broken_off = || DbError::Unavailable("the write was broken off".into());
    let guarded = |conn: &mut DbConnection| {
        let inside = depth(conn).map_err(DbError::from)?;
        catch_unwind(AssertUnwindSafe(|| queries(conn))).unwrap_or_else(|_| {
            close_down_to(inside, conn).map_err(DbError::from)?;
            Err(broken_off().into())
        })
    };
    conn.transaction(|conn| guarded(conn).map_err(TransactionError::Closure)).map_err(|error| match error {
        TransactionError::Db(error) => error.into(),
        TransactionError::Closure(error) => error,
    })
}

/// A panic leaves open the transactions that the write had begun inside its own. The batch's commit would then only
/// close one of them, and everybody be told of a commit that never was.
fn close_down_to(inside: u32, conn: &mut DbConnection) -> QueryResult<()> {
    while depth(conn)? > inside {
        <DbConnection as Connection>::TransactionManager::rollback_transaction(conn)?;
    }
    Ok(())
}

/// How many transactions are open inside each other.
fn depth(conn: &mut DbConnection) -> QueryResult<u32> {
    let status = <DbConnection as Connection>::TransactionManager::transaction_manager_status_mut(conn);
    Ok(status.transaction_depth()?.map_or(0, u32::from))
}

fn run(manager: &Manager, waiting: &mpsc::Receiver<Job>) {
    let mut conn = None;
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        batch.extend(waiting.try_iter().take(BATCH - 1));
        conn = conn.or_else(|| {
            manager.open().inspect_err(|error| tracing::error!(%error, "cannot open SQLite")).ok()
        });
        let committed = write_batch(conn.as_mut(), batch);
        if committed.is_err() {
            conn = None; // whatever state it is in, a new connection has none
        }
    }
}

fn write_batch(mut conn: Option<&mut DbConnection>, batch: Vec<Job>) -> Result<(), String> {
    let begun = conn.as_deref_mut().is_some_and(|conn| match begin(conn) {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, "cannot begin a transaction");
            false
        }
    });
    let mut usable = conn.filter(|_| begun);
    let answers: Vec<Answer> = batch.into_iter().map(|job| job(usable.as_deref_mut())).collect();
    let committed = match usable {
        Some(conn) => commit(conn).map_err(|error| error.to_string()),
        None => Err("SQLite cannot be written".into()),
    };
    for answer in answers {
        answer(committed.clone());
    }
    committed
}

/// `BEGIN IMMEDIATE` takes the write lock at once, so that no write in the batch can find the database locked half-way.
fn begin(conn: &mut DbConnection) -> QueryResult<()> {
    match conn {
        DbConnection::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn),
    }
}

fn commit(conn: &mut DbConnection) -> QueryResult<()> {
    match conn {
        DbConnection::Sqlite(conn) => AnsiTransactionManager::commit_transaction(conn),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(conn) => AnsiTransactionManager::commit_transaction(conn),
    }
}
