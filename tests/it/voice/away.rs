//! The database is away: somebody holds it locked. Whoever is on the phone notices nothing.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;
use warm_transfer::db::DbError;
use warm_transfer::db::schema::{twilio_requests, webhooks};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{CUSTOMER_SID, addresses, form};
use crate::support::service::{TestService, answer};

/// Keeps everybody else from writing until it is dropped.
enum Lock {
    Sqlite(#[expect(dead_code, reason = "held")] SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(#[expect(dead_code, reason = "held")] PgConnection),
}

fn lock(url: &str) -> Lock {
    if let Some(path) = url.strip_prefix("sqlite://") {
        let mut conn = SqliteConnection::establish(path).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 2000; BEGIN EXCLUSIVE").unwrap();
        return Lock::Sqlite(conn);
    }
    #[cfg(feature = "postgres")]
    {
        let mut conn = PgConnection::establish(url).unwrap();
        conn.batch_execute("BEGIN; LOCK TABLE webhooks, calls IN ACCESS EXCLUSIVE MODE").unwrap();
        Lock::Postgres(conn)
    }
    #[cfg(not(feature = "postgres"))]
    panic!("{url} needs the feature postgres")
}

/// Twilio is slower than anybody who is on the phone can wait.
const NEVER: Duration = Duration::from_secs(60);

async fn without_database(customer_is: &str) -> (TestService, MockServer, Lock) {
    without_database_for(customer_is, Duration::ZERO).await
}

async fn without_database_for(customer_is: &str, twilio_takes: Duration) -> (TestService, MockServer, Lock) {
    let twilio = MockServer::start().await;
    let call = json!({ "sid": CUSTOMER_SID, "status": customer_is });
    Mock::given(method("GET"))
        .and(path(format!(
            "/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls/{CUSTOMER_SID}.json"
        )))
        .respond_with(ResponseTemplate::new(200).set_body_json(call).set_delay(twilio_takes))
        .mount(&twilio)
        .await;
    let service = TestService::start_with(&[
        ("TWILIO_API_BASE_URL", &twilio.uri()),
        ("WARM_TRANSFER__SERVER__DATABASE_BUDGET_MS", "150"),
        ("WARM_TRANSFER__DATABASE__BUSY_TIMEOUT_MS", "300"),
    ])
    .await;
    let lock = lock(service.database_url());
    (service, twilio, lock)
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_the_same_without_it() {
    let there = TestService::start().await;
    let (away, _twilio, lock) = without_database("in-progress").await;
    for (name, address) in addresses() {
        if address.starts_with("/twiml/") && name != "first-leg-disconnected" {
            let [with, without] =
                [&there, &away].map(|service| answer(service.signed(&address, Some(&form()))));
            let (with, without) = (with.await, without.await);
            assert_eq!((with.status, &with.text), (200, &without.text), "{name}");
        }
    }
    drop(lock);
    there.stop().await;
    away.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_dial_is_decided_by_asking_twilio() {
    for (customer_is, expected) in
        [("in-progress", "<Conference"), ("completed", "<Response><Hangup/></Response>")]
    {
        let (service, _twilio, lock) = without_database(customer_is).await;
        let (_, address) = &addresses()[2];
        let answered = answer(service.signed(address, Some(&form()))).await;
        assert_eq!(answered.status, 200);
        assert!(answered.text.contains(expected), "{customer_is}: {}", answered.text);
        drop(lock);
        // Taken in once, whether the write that was given up has come through or the spool's; and with it what was said.
        service.kept(1).await;
        let (status, answer, asked) = said(&service).await;
        assert_eq!((status, answer.as_deref()), (Some(200), Some(answered.text.as_str())));
        let path = format!("/Calls/{CUSTOMER_SID}.json");
        assert_eq!(asked, [("GET".to_owned(), path, Some(200))]);
        service.stop().await;
    }
}

/// What the journal says was answered, and what Twilio was asked; waits for it.
async fn said(service: &TestService) -> (Option<i32>, Option<String>, Vec<(String, String, Option<i32>)>) {
    loop {
        let read = service.app().db.read(|conn| {
            let (status, answer) =
                webhooks::table.select((webhooks::answer_status, webhooks::answer)).first(conn)?;
            let asked = (twilio_requests::method, twilio_requests::path, twilio_requests::status);
            Ok::<_, DbError>((status, answer, twilio_requests::table.select(asked).load(conn)?))
        });
        let (status, answer, asked): (Option<i32>, Option<String>, Vec<_>) = read.await.unwrap();
        if status.is_some() {
            return (status, answer, asked);
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_twilio_keeps_nobody_waiting_for_the_end_of_a_dial() {
    let (service, _twilio, lock) = without_database_for("in-progress", NEVER).await;
    let (_, address) = &addresses()[2];
    // A try of Twilio's is over after 5 s.
    let asked = answer(service.signed(address, Some(&form())));
    let answered = tokio::time::timeout(Duration::from_secs(5), asked).await.expect("in time");
    assert_eq!(answered.status, 200);
    assert!(answered.text.contains("something went wrong"), "{}", answered.text);
    drop(lock);
    service.kept(1).await;
    service.stop().await;
}
