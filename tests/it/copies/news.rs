//! Watchers at one copy hear of what another has changed, and that they may have missed something.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use uuid::Uuid;
use warm_transfer::agents::models::Scope;
use warm_transfer::copies::{Changed, connection_name};
use warm_transfer::db::DbError;

use super::shared_database;
use crate::support::service::{TestService, answer};

/// Waits for these news; gives what came before them.
async fn heard(news: &mut Receiver<Changed>, wanted: Changed) -> Vec<Changed> {
    let mut before = vec![];
    let listening = async {
        loop {
            match news.recv().await.unwrap() {
                found if found == wanted => return,
                other => before.push(other),
            }
        }
    };
    let listened = tokio::time::timeout(Duration::from_secs(10), listening).await;
    listened.unwrap_or_else(|_| panic!("waited for {wanted:?}, heard {before:?}"));
    before
}

/// Two copies that listen to each other.
async fn two_copies() -> [TestService; 2] {
    let database = shared_database();
    let mut copies =
        [TestService::start_on(database.clone(), &[]).await, TestService::start_on(database, &[]).await];
    for copy in &mut copies {
        // Each begins by not knowing what it has missed.
        heard(&mut copy.news, Changed::Unknown).await;
    }
    copies
}

async fn placed(copy: &TestService, key: &str) -> Uuid {
    let body = json!({ "agent": "client:a", "customer": "+15550100199", "caller_id": "+15550100100",
        "allow_duplicate": true });
    let placed = answer(copy.request("POST", "/api/v1/calls").bearer_auth(key).json(&body)).await;
    placed.json["id"].as_str().unwrap_or_else(|| panic!("{placed:?}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_copy_changes_is_heard_at_the_other_and_not_again_at_the_first() {
    let [mut one, mut other] = two_copies().await;
    let key = one.key("crm", &[Scope::Call]).await;
    let here = placed(&one, &key).await;
    heard(&mut other.news, Changed::Elsewhere(here)).await;
    // One connection's news keep their order, so an echo would come before this.
    let there = placed(&other, &key).await;
    let before = heard(&mut one.news, Changed::Elsewhere(there)).await;
    assert!(
        before.contains(&Changed::Here(here)) && !before.contains(&Changed::Elsewhere(here)),
        "{before:?}"
    );
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_comes_back_and_watchers_are_told_of_the_gap() {
    let [one, mut other] = two_copies().await;
    let key = one.key("crm", &[Scope::Call]).await;
    let before = placed(&one, &key).await;
    heard(&mut other.news, Changed::Elsewhere(before)).await;
    let name = connection_name(&other.app().process);
    let killed = one.app().db.read(|conn| {
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
        Ok::<_, DbError>(diesel::sql_query(kill).bind::<Text, _>(name).execute(conn)?)
    });
    assert_eq!(killed.await.unwrap(), 1);
    heard(&mut other.news, Changed::Unknown).await;
    let after = placed(&one, &key).await;
    heard(&mut other.news, Changed::Elsewhere(after)).await;
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_change_before_a_stop_is_told() {
    let [one, mut other] = two_copies().await;
    let key = one.key("crm", &[Scope::Call]).await;
    let last = placed(&one, &key).await;
    one.stop().await;
    heard(&mut other.news, Changed::Elsewhere(last)).await;
    other.stop().await;
}
