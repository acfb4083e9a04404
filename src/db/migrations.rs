//! The schema's history, compiled in; applied under a lock, so that copies that start at once do not collide.

#[cfg(feature = "postgres")]
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{DbConnection, DbError};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
#[cfg(feature = "postgres")]
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Key of PostgreSQL's advisory lock that migrating processes take.
#[cfg(feature = "postgres")]
const LOCK: i64 = 0x7761_726d;

/// Applies what is missing, in order; gives the names of what it applied.
///
/// # Errors
/// When a migration fails; those before it stay applied.
pub fn apply(conn: &mut DbConnection) -> Result<Vec<String>, DbError> {
    match conn {
        DbConnection::Sqlite(conn) => {
            // Nothing to do is the usual case, and takes no lock.
            if !has_pending::<Sqlite, _>(conn, SQLITE)? {
                return Ok(vec![]);
            }
            conn.immediate_transaction(|conn| run(conn, SQLITE).map_err(MigrationError::Migration))
                .map_err(MigrationError::into_db)
        }
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(conn) => {
            diesel::sql_query(format!("SELECT pg_advisory_lock({LOCK})")).execute(conn)?;
            let applied = run(conn, POSTGRES);
            diesel::sql_query(format!("SELECT pg_advisory_unlock({LOCK})")).execute(conn)?;
            applied
        }
    }
}

/// How many are missing.
///
/// # Errors
/// When the database cannot be asked.
pub fn pending(conn: &mut DbConnection) -> Result<usize, DbError> {
    match conn {
        DbConnection::Sqlite(conn) => Ok(conn.pending_migrations(SQLITE).map_err(failed)?.len()),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(conn) => Ok(conn.pending_migrations(POSTGRES).map_err(failed)?.len()),
    }
}

fn has_pending<B: diesel::backend::Backend, C: MigrationHarness<B>>(
    conn: &mut C,
    migrations: EmbeddedMigrations,
) -> Result<bool, DbError>
where
    EmbeddedMigrations: diesel::migration::MigrationSource<B>,
{
    conn.has_pending_migration(migrations).map_err(failed)
}

fn run<B: diesel::backend::Backend, C: MigrationHarness<B>>(
    conn: &mut C,
    migrations: EmbeddedMigrations,
) -> Result<Vec<String>, DbError>
where
    EmbeddedMigrations: diesel::migration::MigrationSource<B>,
{
    let applied = conn.run_pending_migrations(migrations).map_err(failed)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> DbError {
    DbError::Unavailable(format!("migrations: {error}"))
}

enum MigrationError {
    Migration(DbError),
    Transaction(diesel::result::Error),
}

impl MigrationError {
    fn into_db(self) -> DbError {
        match self {
            Self::Migration(error) => error,
            Self::Transaction(error) => error.into(),
        }
    }
}

impl From<diesel::result::Error> for MigrationError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Transaction(error)
    }
}
