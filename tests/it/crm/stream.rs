//! The stream of events: whole, in order, resumed, filtered, and ended when it should be.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use futures_util::future::{join, join_all};
use serde_json::json;
use warm_transfer::agents::models::Scope;
use warm_transfer::db::DbError;
use warm_transfer::db::schema::events;

use super::reader::{Message, Reader, feed};
use super::{hung_up, placed};
use crate::support::database::TestDatabase;
use crate::support::service::{TestService, answer};

/// A reader that has gone is noticed when it is written to.
const BEATS_OFTEN: (&str, &str) = ("WARM_TRANSFER__EVENTS__HEARTBEAT_SECS", "1");

/// Every event as it must have been told: in the order of positions, which is for each call that of ids.
async fn published(service: &TestService) -> Vec<(i64, String)> {
    let rows = service.app().db.read(|conn| {
        let rows = events::table.order(events::position.asc()).select((
            events::id,
            events::position,
            events::call_id,
            events::kind,
        ));
        Ok::<_, DbError>(rows.load::<(i64, Option<i64>, String, String)>(conn)?)
    });
    let rows = rows.await.unwrap();
    let mut last_of_call = BTreeMap::new();
    for (number, (id, position, call, _)) in (1..).zip(&rows) {
        assert_eq!(*position, Some(number), "positions are consecutive");
        assert!(last_of_call.insert(call, *id).is_none_or(|before| before < *id), "{call}: {id}");
    }
    rows.into_iter().map(|(_, position, _, kind)| (position.unwrap(), kind)).collect()
}

fn told(messages: &[Message]) -> Vec<(i64, String)> {
    messages.iter().map(|message| (message.id, message.event.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_the_position_the_type_and_the_event() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Call, Scope::Read]).await;
    let mut reader = Reader::open(&service, &key, "").await;
    assert_eq!(reader.last_id, 0);
    let call = placed(&service, &key).await;
    let message = reader.next().await.unwrap();
    assert_eq!((message.id, message.event.as_str()), (1, "call.queued"));
    let mut data = message.data.clone();
    let at = data.as_object_mut().unwrap().remove("at").unwrap();
    assert!(at.as_str().unwrap().ends_with('Z') && at.as_str().unwrap().len() == 27, "{at}");
    assert_eq!(
        data,
        json!({
            "id": 1, "type": "call.queued", "call_id": call, "external_id": "deal-42", "leg_id": null,
            "detail": { "stage": "queued" }
        })
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reader_has_every_event_once_and_in_one_order_however_many_write() {
    const CALLS: usize = 40;
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Call, Scope::Read]).await;
    let live = async |resumes_every: usize| {
        let mut reader = Reader::open(&service, &key, "").await;
        let mut messages = vec![];
        let mut ended = 0;
        while ended < CALLS {
            if messages.len() % resumes_every == resumes_every - 1 {
                reader = Reader::resume(&service, &key, reader.last_id).await;
            }
            let message = reader.next().await.unwrap();
            ended += usize::from(message.event == "call.ended");
            messages.push(message);
        }
        messages
    };
    let writing = join_all((0..CALLS).map(|_| async {
        let call = placed(&service, &key).await;
        hung_up(&service, &key, &call).await;
    }));
    let reading = join_all([live(usize::MAX), live(usize::MAX), live(3), live(7)]);
    let (read, _) = join(reading, writing).await;
    let published = published(&service).await;
    for messages in &read {
        // Who began later, or stopped at the last ending, has no less of what lies between.
        let told = told(messages);
        let first = usize::try_from(told[0].0 - 1).unwrap();
        assert_eq!(told, published[first..first + told.len()]);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_ends_the_stream_and_a_reader_that_comes_back_misses_nothing() {
    let database = Arc::new(TestDatabase::new());
    let service = TestService::start_on(database.clone(), &[]).await;
    let key = service.key("crm", &[Scope::Call, Scope::Read]).await;
    let mut reader = Reader::open(&service, &key, "").await;
    placed(&service, &key).await;
    let before = reader.take(1).await;
    let mut rest = vec![];
    // The stream ends in good order, and the stop does not wait for its reader.
    let ((), ()) = join(service.stop(), async {
        while let Some(message) = reader.next().await {
            rest.push(message);
        }
    })
    .await;
    let service = TestService::start_on(database, &[]).await;
    placed(&service, &key).await;
    let mut again = Reader::resume(&service, &key, reader.last_id).await;
    let is_second = |message: &Message| message.event == "call.queued";
    let mut after = again.take(1).await;
    while !after.last().is_some_and(is_second) {
        after.extend(again.take(1).await);
    }
    let all = [before, rest, after].concat();
    assert_eq!(told(&all), published(&service).await[..all.len()]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_leaves_out_what_is_not_wanted() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Call, Scope::Read]).await;
    let mut endings = Reader::open(&service, &key, "?types=transfer.*,call.ended").await;
    let (one, other) = (placed(&service, &key).await, placed(&service, &key).await);
    let mut of_other = Reader::send(feed(&service, &key, &format!("?call_id={other}&after=0"))).await;
    assert_eq!(of_other.next().await.unwrap().event, "ready");
    hung_up(&service, &key, &one).await;
    hung_up(&service, &key, &other).await;
    let ended: Vec<Message> = endings.take(2).await;
    assert!(ended.iter().all(|message| message.event == "call.ended"), "{ended:?}");
    let first = of_other.take(2).await;
    assert!(first.iter().all(|message| message.data["call_id"] == other.as_str()), "{first:?}");
    assert_eq!(first[0].event, "call.queued");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_is_streamed_from_its_beginning_to_its_end_and_then_there_is_no_more() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Call, Scope::Read]).await;
    placed(&service, &key).await;
    let call = placed(&service, &key).await;
    let path = format!("/api/v1/calls/{call}/events");
    let timeline = || service.request("GET", &path).bearer_auth(&key).header("Accept", "text/event-stream");
    let mut reader = Reader::send(timeline()).await;
    assert_eq!(reader.next().await.unwrap().event, "ready");
    assert_eq!(reader.next().await.unwrap().event, "call.queued");
    hung_up(&service, &key, &call).await;
    let mut kinds = vec![];
    while let Some(message) = reader.next().await {
        assert_eq!(message.data["call_id"], call.as_str());
        kinds.push(message.event);
    }
    assert_eq!(kinds.last().unwrap(), "call.ended");
    // A client that comes back after the end is told not to.
    let again = answer(timeline().header("Last-Event-ID", reader.last_id)).await;
    assert_eq!((again.status, again.text.as_str()), (204, ""));
    let mut whole = Reader::send(timeline()).await;
    let told = whole.take(2 + kinds.len()).await;
    assert_eq!(told.last().unwrap().event, "call.ended");
    assert_eq!(whole.next().await, None);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_is_none_is_said_before_anything_else() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Call, Scope::Read]).await;
    let call = placed(&service, &key).await;
    hung_up(&service, &key, &call).await;
    let mut reader = Reader::send(feed(&service, &key, "?last_event_id=0&types=call.ended")).await;
    assert_eq!(reader.take(2).await[1].event, "call.ended");
    let mut ahead = Reader::send(feed(&service, &key, "?last_event_id=1000000")).await;
    let reset = ahead.next().await.unwrap();
    assert_eq!((reset.event.as_str(), &reset.data["oldest"]), ("reset", &json!(1)));
    assert_eq!(reset.data["newest"], json!(reset.id));
    // As if the first events had been cleared away.
    let cleared = service.app().db.write(|conn| {
        diesel::delete(events::table.filter(events::position.le(1))).execute(conn)?;
        Ok::<_, DbError>(())
    });
    cleared.await.unwrap();
    for (named, expected) in [(1, "ready"), (0, "ready")] {
        let mut reader = Reader::send(feed(&service, &key, &format!("?last_event_id={named}"))).await;
        let first = reader.next().await.unwrap();
        assert_eq!((first.event.as_str(), first.id), (expected, 1), "{named}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_says_that_it_is_alive_and_ends_when_it_is_old() {
    let settings = [BEATS_OFTEN, ("WARM_TRANSFER__EVENTS__STREAM_SECS", "3")];
    let service = TestService::start_with(&settings).await;
    let key = service.key("crm", &[Scope::Read]).await;
    let mut reader = Reader::open(&service, &key, "").await;
    assert_eq!(reader.line().await.as_deref(), Some(": alive"));
    while reader.line().await.is_some() {}
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_so_many_places_and_who_leaves_makes_room() {
    let service = TestService::start_with(&[("WARM_TRANSFER__EVENTS__MAX_STREAMS", "1"), BEATS_OFTEN]).await;
    let key = service.key("crm", &[Scope::Read]).await;
    let reader = Reader::open(&service, &key, "").await;
    let refused = answer(feed(&service, &key, "")).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "2"), "{refused:?}");
    drop(reader);
    while service.app().crm.feed.readers() > 0 {
        tokio::task::yield_now().await;
    }
    Reader::open(&service, &key, "").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_takes_nothing_is_cut_off_and_holds_nobody_up() {
    let settings = [("WARM_TRANSFER__EVENTS__SLOW_READER_SECS", "1"), BEATS_OFTEN];
    let service = TestService::start_with(&settings).await;
    let key = service.key("crm", &[Scope::Call, Scope::Read]).await;
    let call = placed(&service, &key).await;
    // More than all the buffers between service and reader hold: 4,000 events of 10 kB.
    let flood = format!(
        "INSERT INTO events (call_id, at, kind, detail) WITH RECURSIVE n(i) AS \
         (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) \
         SELECT '{call}', '2026-11-21 00:00:00', 'leg.held', '{{\"x\": \"{}\"}}' FROM n",
        "x".repeat(10_000)
    );
    service.app().db.write(move |conn| Ok::<_, DbError>(conn.batch_execute(&flood)?)).await.unwrap();
    let stalled = Reader::send(feed(&service, &key, "?after=0")).await;
    assert_eq!(service.app().crm.feed.readers(), 1);
    let mut quick = Reader::send(feed(&service, &key, "?after=0&types=leg.held")).await;
    assert_eq!(quick.take(4001).await.last().unwrap().event, "leg.held");
    drop(quick);
    while service.app().crm.feed.readers() > 0 {
        tokio::task::yield_now().await;
    }
    drop(stalled);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_is_told_so_and_not_streamed_to() {
    let service = TestService::start().await;
    let key = service.key("caller", &[Scope::Call]).await;
    let refused = answer(feed(&service, &key, "")).await;
    assert_eq!((refused.status, refused.json["code"].as_str()), (403, Some("insufficient_scope")));
    let reader = service.key("reader", &[Scope::Read]).await;
    for (query, field) in [
        ("?types=calls", "types"),
        ("?types=", "types"),
        ("?after=1.5", "after"),
        ("?last_event_id=x", "last_event_id"),
        ("?call_id=1", "call_id"),
        ("?colour=red", "colour"),
        ("?limit=0", "limit"),
    ] {
        let refused = answer(feed(&service, &reader, query)).await;
        assert_eq!((refused.status, refused.json["field"].as_str()), (422, Some(field)), "{query}");
    }
    let refused = answer(feed(&service, &reader, "").header("Last-Event-ID", "yesterday")).await;
    assert_eq!((refused.status, refused.json["field"].as_str()), (422, Some("Last-Event-ID")));
    service.stop().await;
}
