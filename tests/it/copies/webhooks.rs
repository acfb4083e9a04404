//! Webhooks of two copies: each message is sent by one of them, and those of a call stay in order.

use futures_util::future::join_all;

use super::shared_database;
use crate::crm::receiver::Receiver;
use crate::crm::webhooks::{House, in_order};
use crate::crm::{hung_up, placed};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_sent_by_one_copy_and_in_its_turn() {
    const CALLS: usize = 24;
    let (database, receiver) = (shared_database(), Receiver::open());
    let one = House::on(database.clone(), &[]).await;
    let other = House::on(database, &[]).await;
    one.endpoint(&receiver.url, &[]).await;
    join_all((0..CALLS).map(|number| {
        let house = if number % 2 == 0 { &one } else { &other };
        async move {
            let call = placed(&house.service, &house.key).await;
            hung_up(&house.service, &house.key, &call).await;
        }
    }))
    .await;
    let messages = receiver
        .until(|all| all.iter().filter(|message| message.json["type"] == "call.ended").count() >= CALLS)
        .await;
    let times = in_order(&messages, |_| true);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    let positions: Vec<i64> = times_of(&messages);
    assert_eq!(positions, (1..=positions.len() as i64).collect::<Vec<_>>(), "nothing is left out");
    one.service.stop().await;
    other.service.stop().await;
}

fn times_of(messages: &[crate::crm::receiver::Received]) -> Vec<i64> {
    let mut positions: Vec<i64> = messages.iter().map(|message| message.position()).collect();
    positions.sort_unstable();
    positions
}
