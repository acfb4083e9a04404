//! Connections: SQLite or PostgreSQL behind one type, and the pool that lends them.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
#[cfg(feature = "postgres")]
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::r2d2::{self, ManageConnection, Pool, R2D2Connection};
use diesel::sqlite::SqliteConnection;

use super::DbError;

/// A connection to whichever database the settings name; queries written for it run on both.
#[derive(diesel::MultiConnection)]
pub enum DbConnection {
    /// Embedded.
    Sqlite(SqliteConnection),
    /// For many machines.
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
}

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file.
    Sqlite(String),
    /// A PostgreSQL URL; may hold a password, so it does not print.
    Postgres(String),
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

impl Location {
    /// Reads `sqlite://path` or `postgres://…`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the URL, without repeating it.
    pub fn parse(url: &str) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
            return match folder {
                Some(folder) if !folder.is_dir() => {
                    Err(format!("the folder {} does not exist", folder.display()))
                }
                _ => Ok(Self::Sqlite(path.to_owned())),
            };
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return if cfg!(feature = "postgres") {
                Ok(Self::Postgres(url.to_owned()))
            } else {
                Err("this program was built without PostgreSQL; build it with --features postgres".into())
            };
        }
        Err("expected sqlite://path or postgres://user@host/name".into())
    }
}

/// Opens connections for the pool.
#[derive(Debug)]
pub struct Manager {
    location: Location,
    busy_timeout: Duration,
}

impl Manager {
    pub(super) fn new(location: Location, busy_timeout: Duration) -> Self {
        Self { location, busy_timeout }
    }

    /// Opens one connection.
    pub(super) fn open(&self) -> Result<DbConnection, r2d2::Error> {
        match &self.location {
            Location::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path).map_err(r2d2::Error::ConnectionError)?;
                // FULL: a commit is on the disk before it is answered, through a power cut too.
                let pragmas = format!(
                    "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                     PRAGMA foreign_keys = ON;",
                    self.busy_timeout.as_millis()
                );
                conn.batch_execute(&pragmas).map_err(r2d2::Error::QueryError)?;
                Ok(DbConnection::Sqlite(conn))
            }
            #[cfg(feature = "postgres")]
            Location::Postgres(url) => {
                let mut conn =
                    PgConnection::establish(&with_timeouts(url)).map_err(r2d2::Error::ConnectionError)?;
                conn.batch_execute("SET TIME ZONE 'UTC'").map_err(r2d2::Error::QueryError)?;
                Ok(DbConnection::Postgres(conn))
            }
            #[cfg(not(feature = "postgres"))]
            Location::Postgres(_) => Err(r2d2::Error::ConnectionError(ConnectionError::BadConnection(
                "this program was built without PostgreSQL".into(),
            ))),
        }
    }
}

/// A server that vanished without a word (a failed machine, a cut line) must not hold each thread that asks it until TCP
/// gives up, a quarter of an hour later. So the URL gets libpq's time-outs, unless it has its own.
#[cfg(feature = "postgres")]
fn with_timeouts(url: &str) -> String {
    let mut url = url.to_owned();
    // Seconds, and milliseconds.
    for (name, value) in [("connect_timeout", "5"), ("tcp_user_timeout", "10000")] {
        if !url.contains(&format!("{name}=")) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&format!("{name}={value}"));
        }
    }
    url
}

impl ManageConnection for Manager {
    type Connection = DbConnection;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<DbConnection, r2d2::Error> {
        self.open()
    }

    fn is_valid(&self, conn: &mut DbConnection) -> Result<(), r2d2::Error> {
        conn.ping().map_err(r2d2::Error::QueryError)
    }

    fn has_broken(&self, conn: &mut DbConnection) -> bool {
        std::thread::panicking() || conn.is_broken()
    }
}

/// Connections for lending.
pub(super) type DbPool = Pool<Manager>;

/// A pool that opens its first connection when it is first needed.
pub(super) fn pool(manager: Manager, size: u32, wait: Duration) -> Result<DbPool, DbError> {
    Ok(Pool::builder()
        .max_size(size)
        .min_idle(Some(0))
        .connection_timeout(wait)
        .test_on_check_out(true)
        // Whoever waits for a connection is told; the log need not hear of each try.
        .error_handler(Box::new(r2d2::NopErrorHandler))
        .build_unchecked(manager))
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_vanishes_is_given_up_soon_unless_the_url_says_when() {
        let added = "connect_timeout=5&tcp_user_timeout=10000";
        assert_eq!(with_timeouts("postgres://h/d"), format!("postgres://h/d?{added}"));
        assert_eq!(with_timeouts("postgres:///d?host=/run"), format!("postgres:///d?host=/run&{added}"));
        let own = "postgres://h/d?tcp_user_timeout=1&connect_timeout=2";
        assert_eq!(with_timeouts(own), own);
    }

    #[test]
    fn a_password_does_not_print() {
        let location = Location::parse("postgres://me:hush@db.example.com/warm").unwrap();
        assert_eq!(format!("{location:?}"), "Postgres(…)");
    }
}
