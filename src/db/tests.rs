//! The SQLite writer's promises: answered after the commit, failures and panics undo only themselves.

use std::time::Duration;

use diesel::prelude::*;

use super::schema::agents::dsl as agents;
use super::*;

fn open(folder: &tempfile::TempDir) -> Db {
    let path = folder.path().join("test.db");
    Db::open(&DbOptions {
        location: Location::parse(&format!("sqlite://{}", path.display())).unwrap(),
        pool_size: 4,
        pool_timeout: Duration::from_secs(2),
        busy_timeout: Duration::from_secs(2),
    })
    .unwrap()
}

fn insert(conn: &mut DbConnection, name: &str) -> Result<(), DbError> {
    let at = chrono::DateTime::UNIX_EPOCH.naive_utc();
    diesel::insert_into(agents::agents)
        .values((
            agents::id.eq(name),
            agents::name.eq(name),
            agents::display_name.eq(name),
            agents::address.eq("client:a"),
            agents::role.eq("agent"),
            agents::created_at.eq(at),
        ))
        .execute(conn)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_seen_by_others_once_it_is_answered_and_a_failed_one_never() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder);
    let pending = db.pending_migrations().await.unwrap();
    assert!(pending > 0);
    assert_eq!(db.migrate().await.unwrap().len(), pending);
    assert!(db.migrate().await.unwrap().is_empty());
    let writes = (0..100).map(|n| {
        let db = db.clone();
        async move {
            let outcome = db
                .write(move |conn| {
                    insert(conn, &format!("agent-{n}"))?;
                    match n % 10 {
                        3 => Err(DbError::corrupt("on purpose")),
                        7 => panic!("on purpose"),
                        _ => Ok(()),
                    }
                })
                .await;
            let count = db
                .read(move |conn| {
                    let mine = agents::agents.filter(agents::name.eq(format!("agent-{n}")));
                    Ok::<i64, DbError>(mine.count().get_result(conn)?)
                })
                .await
                .unwrap();
            assert_eq!(outcome.is_ok(), count == 1, "write {n}: {outcome:?}");
            assert_eq!(outcome.is_ok(), n % 10 != 3 && n % 10 != 7);
        }
    });
    futures_util::future::join_all(writes).await;
}

#[tokio::test]
async fn a_panic_inside_a_nested_transaction_loses_no_write_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder);
    db.migrate().await.unwrap();
    let broken: Result<(), DbError> = db
        .write(|conn| {
            insert(conn, "outer")?;
            conn.transaction(|conn| {
                insert(conn, "inner")?;
                panic!("on purpose")
            })
        })
        .await;
    assert!(broken.is_err());
    for name in ["first", "second"] {
        db.write(move |conn| insert(conn, name)).await.unwrap();
    }
    // A connection of its own sees only what is committed.
    let mut other = SqliteConnection::establish(folder.path().join("test.db").to_str().unwrap()).unwrap();
    let names: Vec<String> =
        agents::agents.select(agents::name).order(agents::name).load(&mut other).unwrap();
    assert_eq!(names, ["first", "second"]);
}

#[test]
fn a_location_is_understood_or_explained_without_repeating_it() {
    assert_eq!(Location::parse("sqlite://x.db"), Ok(Location::Sqlite("x.db".into())));
    for bad in ["", "sqlite://", "mysql://secret@host/x", "x.db"] {
        let reason = Location::parse(bad).unwrap_err();
        assert!(!reason.contains("secret"), "{reason}");
    }
    assert!(Location::parse("sqlite://no/such/folder/x.db").unwrap_err().contains("does not exist"));
}
