//! The feed of two copies is one: the same positions at both, and what commits late is not passed over.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use futures_util::future::{join, join_all};
use warm_transfer::agents::models::Scope;

use super::shared_database;
use crate::crm::reader::{Message, Reader};
use crate::crm::{hung_up, placed};
use crate::support::service::TestService;

async fn until_ended(reader: &mut Reader, calls: usize) -> Vec<Message> {
    let mut messages = vec![];
    let mut ended = 0;
    while ended < calls {
        let message = reader.next().await.unwrap();
        ended += usize::from(message.event == "call.ended");
        messages.push(message);
    }
    messages
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_at_both_copies_have_the_same_and_may_change_over() {
    const CALLS: usize = 20;
    let database = shared_database();
    let one = TestService::start_on(database.clone(), &[]).await;
    let other = TestService::start_on(database, &[]).await;
    let key = one.key("crm", &[Scope::Call, Scope::Read]).await;
    let mut here = Reader::open(&one, &key, "").await;
    let mut there = Reader::open(&other, &key, "").await;
    let writing = join_all((0..CALLS).map(|number| {
        let (service, key) = (if number % 2 == 0 { &one } else { &other }, &key);
        async move {
            let call = placed(service, key).await;
            hung_up(service, key, &call).await;
        }
    }));
    let reading = join(until_ended(&mut here, CALLS), until_ended(&mut there, CALLS));
    let ((here, there), _) = join(reading, writing).await;
    assert_eq!(here, there);
    let positions: Vec<i64> = here.iter().map(|message| message.id).collect();
    assert_eq!(positions, (1..=here.len() as i64).collect::<Vec<_>>());
    let mut changed_over = Reader::resume(&other, &key, here[4].id).await;
    assert_eq!(changed_over.take(10).await, here[5..15]);
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_late_comes_after_what_was_committed_before() {
    let database = shared_database();
    let service = TestService::start_on(database, &[]).await;
    let key = service.key("crm", &[Scope::Call, Scope::Read]).await;
    let late = placed(&service, &key).await;
    let mut reader = Reader::open(&service, &key, "?after=0").await;
    assert_eq!(reader.next().await.unwrap().data["call_id"], late.as_str());
    // Another process has been given its id, and has not committed.
    let mut conn = PgConnection::establish(service.database_url()).unwrap();
    let insert = format!(
        "BEGIN; INSERT INTO events (call_id, at, kind, detail) VALUES ('{late}', now(), 'leg.held', '{{}}')"
    );
    conn.batch_execute(&insert).unwrap();
    let early = placed(&service, &key).await;
    while reader.next().await.unwrap().data["call_id"] != early.as_str() {}
    // It dies right after its commit, so nobody is told.
    conn.batch_execute("COMMIT").unwrap();
    drop(conn);
    let before = reader.last_id;
    loop {
        let message = reader.next().await.unwrap();
        if message.event == "leg.held" {
            assert!(message.id > before);
            break;
        }
    }
    service.stop().await;
}
