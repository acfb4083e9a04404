//! Two copies of the service on one PostgreSQL. SQLite belongs to one machine, so `.config/nextest.toml` selects these
//! tests for the profile `postgres` only, with which `scripts/test` runs the suite a second time.

mod calls;
#[cfg(feature = "postgres")]
mod events;
mod news;
mod webhooks;

use std::sync::Arc;

use crate::support::database::TestDatabase;

/// A database that two copies can share.
fn shared_database() -> Arc<TestDatabase> {
    let database = TestDatabase::new();
    let hint = "two copies share a PostgreSQL: `cargo nextest run --profile postgres`, as scripts/test does";
    assert!(database.url.starts_with("postgres"), "{hint}");
    Arc::new(database)
}
