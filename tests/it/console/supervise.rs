//! Supervisors: who hears them is what they asked for, by the emulator's record of who could hear whom.

use serde_json::json;
use warm_transfer::agents::models::AgentRole;
use warm_transfer::demo::{CUSTOMER, FIRST_AGENT, Part, Stage, console::SUPERVISOR};
use warm_transfer::emulator::Heard;

use super::screen::Screen;
use super::story::{log_in, stage, talking};
use crate::support::console::Console;
use crate::support::database::TestDatabase;

/// Whom and what somebody hears now.
fn hears(stage: &Stage, part: Part) -> Vec<String> {
    // Whoever has hung up hears nothing any more; the record of what they heard stays.
    let phones = stage.emulator.watcher().phones();
    let mut phones = phones.as_array().unwrap().iter();
    if phones.all(|phone| phone["address"] != part.address || phone["legs"] == json!([])) {
        return vec![];
    }
    let audibility = stage.emulator.audibility();
    let person = audibility.people.iter().find(|person| person.address == part.address);
    let last = person.and_then(|person| person.spans.last()).map(|span| span.hears.clone());
    let mut heard: Vec<String> = last
        .unwrap_or_default()
        .into_iter()
        .map(|heard| match heard {
            Heard::Person { who } => who,
            other => format!("{other:?}"),
        })
        .collect();
    heard.sort();
    heard
}

fn addresses(parts: &[Part]) -> Vec<String> {
    parts.iter().map(|part| part.address.to_owned()).collect()
}

async fn supervise(stage: &Stage, robin: &Console, call: &str, mode: &str) -> u16 {
    let path = format!("/console/calls/{call}/supervise");
    robin.post(stage, &path, &json!({ "mode": mode })).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_is_heard_by_nobody_by_the_agent_or_by_all_as_they_ask() {
    let database = TestDatabase::new();
    let stage = stage(&database).await;
    let (alice, robin) = (log_in(&stage, "alice").await, log_in(&stage, "robin").await);
    let call = talking(&stage, &alice).await;
    let mut board = Screen::open(&stage, &robin).await;
    let mut on_alices = Screen::open(&stage, &alice).await;
    assert_eq!(supervise(&stage, &alice, &call, "listen").await, 403);
    assert_eq!(supervise(&stage, &robin, &call, "listen").await, 202);
    board.until("robin listens", |it| it.hears(&call, "supervisor") == ["first_agent", "customer"]).await;
    assert_eq!(board.hears(&call, "customer"), ["first_agent"], "on the screen");
    settled(&stage, [&[FIRST_AGENT], &[CUSTOMER], &[FIRST_AGENT, CUSTOMER]]).await;

    assert_eq!(supervise(&stage, &robin, &call, "coach").await, 202);
    settled(&stage, [&[FIRST_AGENT], &[SUPERVISOR, CUSTOMER], &[FIRST_AGENT, CUSTOMER]]).await;
    board.until("alice hears robin", |it| it.hears(&call, "first_agent") == ["customer", "supervisor"]).await;
    assert_eq!(board.hears(&call, "customer"), ["first_agent"], "on the screen");

    assert_eq!(supervise(&stage, &robin, &call, "barge").await, 202);
    settled(&stage, [&[FIRST_AGENT, SUPERVISOR], &[SUPERVISOR, CUSTOMER], &[FIRST_AGENT, CUSTOMER]]).await;
    assert_eq!(supervise(&stage, &robin, &call, "listen").await, 202);
    settled(&stage, [&[FIRST_AGENT], &[CUSTOMER], &[FIRST_AGENT, CUSTOMER]]).await;
    on_alices.until("alice is told of the room", |it| it.card(&call)["status"] == "in_room").await;
    assert_eq!(on_alices.state(&call, "supervisor"), "", "supervisors are not shown to agents");

    let left = robin.post(&stage, &format!("/console/calls/{call}/supervise/end"), &json!(null)).await;
    assert_eq!(left.status, 202, "{left:?}");
    board.until("robin is out", |it| it.state(&call, "supervisor") == "left").await;
    settled(&stage, [&[FIRST_AGENT], &[CUSTOMER], &[]]).await;
    // Who comes again does not outlive the call.
    assert_eq!(supervise(&stage, &robin, &call, "listen").await, 202);
    settled(&stage, [&[FIRST_AGENT], &[CUSTOMER], &[FIRST_AGENT, CUSTOMER]]).await;
    stage.phones.hang_up(CUSTOMER).await.unwrap();
    let ended = stage.crm.wait_for_status(&call, "ended").await.unwrap();
    assert_eq!(ended["ended_by"], "customer");
    let promises = warm_transfer::demo::broken_promises(&stage, &call).await.unwrap();
    assert_eq!(promises, [""; 0]);
    stage.strike().await.unwrap();
}

/// Waits until customer, agent and supervisor hear just these.
async fn settled(stage: &Stage, expected: [&[Part]; 3]) {
    let mut events = stage.emulator.subscribe();
    let expected = expected.map(addresses).map(|mut it| {
        it.sort();
        it
    });
    let now = || [CUSTOMER, FIRST_AGENT, SUPERVISOR].map(|part| hears(stage, part));
    let wait = async {
        while now() != expected {
            drop(tokio::time::timeout(std::time::Duration::from_millis(50), events.recv()).await);
        }
    };
    let in_time = tokio::time::timeout(std::time::Duration::from_secs(20), wait).await;
    assert!(in_time.is_ok(), "expected {expected:?}, heard {:?}", now());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_supervises_what_is_not_there_and_no_phone_is_in_a_call_twice() {
    let database = TestDatabase::new();
    let stage = stage(&database).await;
    let (alice, robin) = (log_in(&stage, "alice").await, log_in(&stage, "robin").await);
    stage.phones.will(CUSTOMER, "manual", 0).await.unwrap();
    let placed = alice.post(&stage, "/console/calls", &json!({ "customer": CUSTOMER.address })).await;
    let call = placed.json["id"].as_str().unwrap().to_owned();
    let path = format!("/console/calls/{call}/supervise");
    let early = robin.post(&stage, &path, &json!({ "mode": "listen" })).await;
    assert_eq!((early.status, early.json["code"].as_str()), (409, Some("not_connected")));
    stage
        .crm
        .wait(&call, "the customer's phone rings", |call| call["legs"][1]["status"] == "ringing")
        .await
        .unwrap();
    stage.phones.answer(CUSTOMER).await.unwrap();
    stage.crm.wait_for_status(&call, "connected").await.unwrap();
    let nobody = robin.post(&stage, &format!("{path}/end"), &json!(null)).await;
    assert_eq!((nobody.status, nobody.json["code"].as_str()), (409, Some("not_on_line")));
    for mode in ["whisper", "", "LISTEN"] {
        assert_eq!(robin.post(&stage, &path, &json!({ "mode": mode })).await.status, 422, "{mode}");
    }
    let (_, twin) = Console::hired(&stage, "twin", AgentRole::Supervisor).await;
    let phone = json!({ "address": FIRST_AGENT.address });
    assert_eq!(twin.put(&stage, "/console/phone", &phone).await.status, 200);
    let twice = twin.post(&stage, &path, &json!({ "mode": "listen" })).await;
    assert_eq!((twice.status, twice.json["code"].as_str()), (409, Some("on_line_already")));
    stage.phones.hang_up(CUSTOMER).await.unwrap();
    stage.crm.wait_for_status(&call, "ended").await.unwrap();
    stage.strike().await.unwrap();
}
