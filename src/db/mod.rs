//! The database: SQLite or PostgreSQL, one path of code. Reads borrow a connection on a blocking thread; writes are one
//! transaction each, and on SQLite share their commits.

mod connection;
pub mod migrations;
pub mod schema;
pub mod spool;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

pub use connection::{DbConnection, Location};
use connection::{DbPool, Manager};
use writer::Writer;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// It cannot be reached, or is busy beyond the time-out: try again later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// It refused the query.
    #[error("the database refused a query: {0}")]
    Query(#[source] DieselError),
    /// A row does not hold what our code wrote.
    #[error("a stored value cannot be read: {0}")]
    Corrupt(String),
}

impl DbError {
    /// For a stored text that does not parse.
    pub fn corrupt(reason: impl Display) -> Self {
        Self::Corrupt(reason.to_string())
    }

    /// Whether trying again later may help.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether the same write may simply be taken again: another transaction was in the way.
    pub fn is_conflict(&self) -> bool {
        let Self::Query(DieselError::DatabaseError(kind, info)) = self else { return false };
        // A unique value that somebody else wrote meanwhile is there to be seen the next time.
        matches!(kind, DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::UniqueViolation)
            || info.message().contains("deadlock detected")
    }
}

impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _,
            )
            | DieselError::BrokenTransactionManager => Self::Unavailable(error.to_string()),
            DieselError::DatabaseError(_, info) if is_passing(info.message()) => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Query(error),
        }
    }
}

/// Messages of conditions that pass: a lock held too long, a server that goes down or comes up.
fn is_passing(message: &str) -> bool {
    const PASSING: [&str; 8] = [
        "database is locked",
        "database or disk is full",
        "disk I/O error",
        "unable to open database file",
        "server closed the connection",
        "terminating connection",
        "the database system is",
        "no connection to the server",
    ];
    PASSING.iter().any(|passing| message.contains(passing))
}

/// What a write may fail with: something that may hold a [`DbError`], so that a conflict is seen and the write taken again.
pub trait WriteError: From<DbError> + Send + 'static {
    /// The database's part in it.
    fn as_db(&self) -> Option<&DbError>;
}

impl WriteError for DbError {
    fn as_db(&self) -> Option<&DbError> {
        Some(self)
    }
}

/// How to reach the database, and how patiently.
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// Where it is.
    pub location: Location,
    /// Connections at the most.
    pub pool_size: u32,
    /// How long to wait for a connection of the pool.
    pub pool_timeout: Duration,
    /// How long SQLite waits for another process's lock.
    pub busy_timeout: Duration,
}

/// The database of the application. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: DbPool,
    /// Opens connections beside the pool.
    manager: Arc<Manager>,
    /// SQLite's one writer; PostgreSQL has none.
    writer: Option<Arc<Writer>>,
}

impl Db {
    /// Opens the database lazily: the first query connects.
    ///
    /// # Errors
    /// When the pool cannot be set up.
    pub fn open(options: &DbOptions) -> Result<Self, DbError> {
        let manager = || Manager::new(options.location.clone(), options.busy_timeout);
        let pool = connection::pool(manager(), options.pool_size, options.pool_timeout)?;
        let writer = match options.location {
            Location::Sqlite(_) => Some(Arc::new(Writer::start(manager())?)),
            Location::Postgres(_) => None,
        };
        Ok(Self { pool, manager: Arc::new(manager()), writer })
    }

    /// Whether other processes on other machines may be using it.
    pub fn is_shared(&self) -> bool {
        self.writer.is_none()
    }

    /// Opens a connection beside the pool, prepared by these queries; it is not opened again when it is lost.
    ///
    /// # Errors
    /// When it cannot be opened, or the queries'.
    pub async fn connect<F>(&self, prepare: F) -> Result<DbConnection, DbError>
    where
        F: FnOnce(&mut DbConnection) -> QueryResult<()> + Send + 'static,
    {
        let manager = self.manager.clone();
        blocking(move || {
            let mut conn = manager.open().map_err(|error| DbError::Unavailable(error.to_string()))?;
            prepare(&mut conn)?;
            Ok(conn)
        })
        .await
    }

    /// Runs queries that change nothing, on a blocking thread.
    ///
    /// # Errors
    /// The closure's, or [`DbError::Unavailable`] when no connection can be had.
    pub async fn read<T, E, F>(&self, queries: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut DbConnection) -> Result<T, E> + Send + 'static,
    {
        let pool = self.pool.clone();
        blocking(move || {
            let mut conn = pool.get().map_err(|error| DbError::Unavailable(error.to_string()))?;
            queries(&mut conn)
        })
        .await
    }

    /// Runs queries in one transaction and answers after its commit. What the closure does is undone when it errs; it may
    /// be run again when another transaction was in the way, so it must have no effect but on the database.
    ///
    /// # Errors
    /// The closure's, or [`DbError`] when the transaction could not be had or committed.
    pub async fn write<T, E, F>(&self, queries: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: WriteError,
        F: Fn(&mut DbConnection) -> Result<T, E> + Send + 'static,
    {
        match &self.writer {
            Some(writer) => writer.write(queries).await,
            None => self.write_pooled(queries).await,
        }
    }

    async fn write_pooled<T, E, F>(&self, queries: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: WriteError,
        F: Fn(&mut DbConnection) -> Result<T, E> + Send + 'static,
    {
        let pool = self.pool.clone();
        blocking(move || {
            let mut conn = pool.get().map_err(|error| DbError::Unavailable(error.to_string()))?;
            let mut tries_left = 3;
            loop {
                match conn.transaction(|conn| queries(conn).map_err(TransactionError::Closure)) {
                    Ok(value) => return Ok(value),
                    Err(error) if error.is_conflict() && tries_left > 0 => tries_left -= 1,
                    Err(TransactionError::Db(error)) => return Err(error.into()),
                    Err(TransactionError::Closure(error)) => return Err(error),
                }
            }
        })
        .await
    }

    /// Applies what is missing of the schema.
    ///
    /// # Errors
    /// When a migration fails or the database cannot be reached.
    pub async fn migrate(&self) -> Result<Vec<String>, DbError> {
        let pool = self.pool.clone();
        blocking(move || {
            let mut conn = pool.get().map_err(|error| DbError::Unavailable(error.to_string()))?;
            migrations::apply(&mut conn)
        })
        .await
    }

    /// How many migrations are missing.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn pending_migrations(&self) -> Result<usize, DbError> {
        self.read(migrations::pending).await
    }
}

/// A transaction fails by its own doing or by its closure's.
enum TransactionError<E> {
    Db(DbError),
    Closure(E),
}

impl<E: WriteError> TransactionError<E> {
    fn is_conflict(&self) -> bool {
        let error = match self {
            Self::Db(error) => Some(error),
            Self::Closure(error) => error.as_db(),
        };
        error.is_some_and(DbError::is_conflict)
    }
}

impl<E> From<DieselError> for TransactionError<E> {
    fn from(error: DieselError) -> Self {
        Self::Db(error.into())
    }
}

/// Keeps every other transaction that asks for the same name waiting until this one ends. SQLite has one writer anyway.
///
/// # Errors
/// The database's.
#[cfg_attr(
    not(feature = "postgres"),
    expect(unused_variables, reason = "only PostgreSQL has several writers")
)]
pub fn lock(conn: &mut DbConnection, name: &str) -> Result<(), DbError> {
    match conn {
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(conn) => {
            diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
                .bind::<diesel::sql_types::Text, _>(name)
                .execute(conn)?;
        }
        DbConnection::Sqlite(_) => {}
    }
    Ok(())
}

/// Runs blocking work off the async threads, with the present span.
pub(crate) async fn blocking<T, E, F>(work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    let span = tracing::Span::current();
    match tokio::task::spawn_blocking(move || span.in_scope(work)).await {
        Ok(result) => result,
        Err(error) => Err(DbError::Unavailable(format!("the query was broken off: {error}")).into()),
    }
}
