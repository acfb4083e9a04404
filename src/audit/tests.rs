//! The log's promises, on a database of its own.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::models::{ActorKind, EntryRow, Filter, list};
use super::*;
use crate::db::{Db, DbError, DbOptions, Location};

const HOUR: TimeDelta = TimeDelta::hours(1);

async fn open(folder: &tempfile::TempDir) -> Db {
    let path = folder.path().join("audit.db");
    let db = Db::open(&DbOptions {
        location: Location::parse(&format!("sqlite://{}", path.display())).unwrap(),
        pool_size: 2,
        pool_timeout: Duration::from_secs(5),
        busy_timeout: Duration::from_secs(5),
    })
    .unwrap();
    db.migrate().await.unwrap();
    db
}

fn entry(hour: i32, actor: Actor, action: &'static str, subject: &str) -> Entry {
    let at: DateTime<Utc> = DateTime::UNIX_EPOCH + HOUR * hour;
    Entry { at, actor, action, subject: Some(subject.to_owned()), detail: json!({ "hour": hour }) }
}

async fn found(db: &Db, filter: Filter, limit: i64) -> Vec<EntryRow> {
    db.read(move |conn| list(conn, &filter, limit)).await.unwrap()
}

async fn actions(db: &Db, filter: Filter) -> Vec<String> {
    found(db, filter, 100).await.into_iter().map(|row| row.action).collect()
}

#[tokio::test]
async fn a_change_that_is_undone_leaves_no_entry_and_one_that_stays_does() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    let placed = entry(1, Actor::api_key("crm"), "call.placed", "a");
    let undone = placed.clone();
    let outcome: Result<(), DbError> = db
        .write(move |conn| {
            record(conn, &undone)?;
            Err(DbError::corrupt("on purpose"))
        })
        .await;
    assert!(outcome.is_err());
    assert!(found(&db, Filter::default(), 100).await.is_empty());

    db.write(move |conn| record(conn, &placed)).await.unwrap();
    let row = found(&db, Filter::default(), 100).await.remove(0);
    assert_eq!((row.actor_kind.as_str(), row.actor.as_str()), ("api_key", "crm"));
    assert_eq!((row.at.and_utc(), row.subject.as_deref()), (DateTime::UNIX_EPOCH + HOUR, Some("a")));
    assert_eq!(row.detail, r#"{"hour":1}"#);
}

#[tokio::test]
async fn entries_are_listed_newest_first_and_narrowed() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    let entries = [
        entry(1, Actor::command_line("root"), "key.created", "crm"),
        entry(2, Actor::api_key("crm"), "call.placed", "a"),
        entry(3, Actor::system("guard"), "guard.refused", "b"),
        entry(4, Actor::agent("crm"), "call.hung_up", "a"),
        entry(5, Actor::api_key("crm"), "callback.asked", "a"),
    ];
    db.write(move |conn| entries.iter().try_for_each(|entry| record(conn, entry))).await.unwrap();

    let all = found(&db, Filter::default(), 3).await;
    let at = |hour| Some(DateTime::UNIX_EPOCH + HOUR * hour);
    assert_eq!(all.iter().map(|row| row.at.and_utc()).collect::<Vec<_>>(), [5, 4, 3].map(|h| at(h).unwrap()));
    let next = Filter { before: Some(all[2].id), ..Filter::default() };
    assert_eq!(actions(&db, next).await, ["call.placed", "key.created"]);
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (
            Filter { actor: text("crm"), ..Filter::default() },
            vec!["callback.asked", "call.hung_up", "call.placed"],
        ),
        (
            Filter { actor: text("crm"), actor_kind: Some(ActorKind::Agent), ..Filter::default() },
            vec!["call.hung_up"],
        ),
        (Filter { action: text("call."), ..Filter::default() }, vec!["call.hung_up", "call.placed"]),
        (Filter { action: text("call_."), ..Filter::default() }, vec![]),
        (Filter { action: text("%."), ..Filter::default() }, vec![]),
        (Filter { action: text("call"), ..Filter::default() }, vec![]),
        (Filter { action: text("key.created"), ..Filter::default() }, vec!["key.created"]),
        (Filter { subject: text("b"), ..Filter::default() }, vec!["guard.refused"]),
        (Filter { since: at(2), until: at(4), ..Filter::default() }, vec!["guard.refused", "call.placed"]),
    ];
    for (filter, expected) in cases {
        assert_eq!(actions(&db, filter.clone()).await, expected, "{filter:?}");
    }
}
