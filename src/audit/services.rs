//! Pages of the log, for views and the command line.

use super::models::{Filter, list};
use super::serializers::AuditPage;
use crate::db::{Db, DbError};

/// The newest entries that match, at most `limit`.
///
/// # Errors
/// The database's.
pub async fn page(db: &Db, filter: Filter, limit: u32) -> Result<AuditPage, DbError> {
    db.read(move |conn| {
        let rows = list(conn, &filter, i64::from(limit) + 1)?;
        Ok(AuditPage::new(rows, limit as usize))
    })
    .await
}
