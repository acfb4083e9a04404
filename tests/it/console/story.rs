//! Whole calls steered from the console, between the service and the emulator: who may press which button, and when.

use serde_json::{Value, json};
use warm_transfer::agents::models::AgentRole;
use warm_transfer::demo::{CUSTOMER, SECOND_AGENT, Stage, StageOptions};

use crate::support::console::{Console, PASSWORD, admit};
use crate::support::database::TestDatabase;
use crate::support::service::Answer;

const SPEED: f64 = 12.0;

pub async fn stage(database: &TestDatabase) -> Stage {
    let url = Some(database.url.clone());
    let options = StageOptions { database_url: url, speed: SPEED, ..StageOptions::default() };
    Stage::set(options).await.unwrap()
}

pub async fn log_in(stage: &Stage, name: &str) -> Console {
    admit(stage, name).await;
    Console::log_in(stage, name, PASSWORD).await
}

fn code(answered: &Answer) -> (u16, &str) {
    (answered.status, answered.json["code"].as_str().unwrap_or_default())
}

/// A call of Alice's to the customer; both talk.
pub async fn talking(stage: &Stage, alice: &Console) -> String {
    let placed = alice.post(stage, "/console/calls", &json!({ "customer": "(555) 010-0199" })).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let call = placed.json["id"].as_str().unwrap().to_owned();
    stage.crm.wait_for_status(&call, "connected").await.unwrap();
    call
}

async fn press(stage: &Stage, who: &Console, call: &str, button: &str) -> (u16, String) {
    let body = if button == "transfer" { json!({ "to": "agent:dana" }) } else { Value::Null };
    let answered = who.post(stage, &format!("/console/calls/{call}/{button}"), &body).await;
    (answered.status, answered.json["code"].as_str().unwrap_or_default().to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn has_supervisor(answered: &Answer) -> bool {
    answered.json["legs"].as_array().unwrap().iter().any(|leg| leg["role"] == "supervisor")
}

/// What a page says of its own, without what all pages have.
fn main_of(page: &str) -> String {
    let main = page.split("<main").nth(1).and_then(|rest| rest.split("</main>").next());
    main.expect("a page has a main part").to_lowercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_handed_over_by_the_buttons_of_those_whose_it_is() {
    let database = TestDatabase::new();
    let stage = stage(&database).await;
    let (alice, dana, kim) =
        (log_in(&stage, "alice").await, log_in(&stage, "dana").await, log_in(&stage, "kim").await);
    let (_, simon) = Console::hired(&stage, "simon", AgentRole::Supervisor).await;
    stage.phones.will(SECOND_AGENT, "manual", 1000).await.unwrap();
    let call = talking(&stage, &alice).await;
    for who in [&dana, &kim] {
        for button in ["transfer", "hangup", "complete", "participants/customer/hold"] {
            assert_eq!(press(&stage, who, &call, button).await, refused(404, "not_found"), "{button}");
        }
    }
    assert_eq!(press(&stage, &alice, &call, "complete").await, refused(409, "no_transfer"));
    let asked =
        json!({ "to": ["(555) 010-0102"], "style": "with_customer", "briefing": "Wants a year more." });
    let transfer = alice.post(&stage, &format!("/console/calls/{call}/transfer"), &asked).await;
    assert_eq!(transfer.status, 202, "{transfer:?}");
    stage.crm.wait_for_transfer(&call, "ringing").await.unwrap();
    // Dana sees it, and has no part in it yet.
    for button in ["cancel", "complete", "hangup", "participants/customer/hold"] {
        assert_eq!(press(&stage, &dana, &call, button).await, refused(403, "not_your_call"), "{button}");
        assert_eq!(press(&stage, &kim, &call, button).await, refused(404, "not_found"), "{button}");
    }
    stage.phones.answer(SECOND_AGENT).await.unwrap();
    stage.crm.wait_for_transfer(&call, "joined").await.unwrap();
    assert_eq!(press(&stage, &dana, &call, "participants/customer/mute").await.0, 202);
    assert_eq!(press(&stage, &dana, &call, "participants/customer/unmute").await.0, 202);
    for button in ["complete", "hangup", "participants/first_agent/remove"] {
        assert_eq!(press(&stage, &dana, &call, button).await, refused(403, "not_your_call"), "{button}");
    }
    for who in [&alice, &dana] {
        let muted = press(&stage, who, &call, "participants/supervisor/mute").await;
        assert_eq!(muted, refused(403, "role_required"));
    }
    // Agents are not told that somebody listens, unless the site wants it (`console.show_supervisors`).
    let listen =
        simon.post(&stage, &format!("/console/calls/{call}/supervise"), &json!({ "mode": "listen" })).await;
    assert_eq!((listen.status, has_supervisor(&listen)), (202, true), "{listen:?}");
    let muted =
        alice.post(&stage, &format!("/console/calls/{call}/participants/customer/hold"), &Value::Null).await;
    assert_eq!((muted.status, has_supervisor(&muted)), (202, false), "{muted:?}");
    let page = format!("/calls/{call}");
    assert!(simon.get(&stage, &page).await.text.contains("client:simon"));
    let theirs = alice.get(&stage, &page).await;
    assert_eq!(theirs.status, 200);
    for trace in ["client:simon", "supervis"] {
        assert!(!main_of(&theirs.text).contains(trace), "{}", theirs.text);
    }
    assert_eq!(press(&stage, &alice, &call, "participants/customer/resume").await.0, 202);
    assert_eq!(press(&stage, &alice, &call, "complete").await.0, 202);
    stage.crm.wait_for_transfer(&call, "completed").await.unwrap();
    // Alice has left the call, and Dana holds the customer.
    stage.crm.wait(&call, "Alice is off", |call| call["legs"][0]["status"] == "completed").await.unwrap();
    assert_eq!(press(&stage, &alice, &call, "hangup").await, refused(403, "not_your_call"));
    let outcome = json!({ "disposition": "sale", "notes": "<b>" });
    let path = format!("/console/calls/{call}/outcome");
    let set = alice.put(&stage, &path, &outcome).await;
    assert_eq!((set.status, &set.json["outcome"]["set_by"]), (200, &json!("alice")), "{set:?}");
    assert_eq!(code(&kim.put(&stage, &path, &outcome).await), (404, "not_found"));
    assert_eq!(press(&stage, &dana, &call, "hangup").await.0, 202);
    let ended = stage.crm.wait_for_status(&call, "ended").await.unwrap();
    assert_eq!(ended["ended_by"], "second_agent");

    let recent = alice.get(&stage, "/console/recent").await.json;
    let whom: Vec<_> =
        recent["recent"].as_array().unwrap().iter().map(|it| (&it["to"], &it["name"])).collect();
    assert_eq!(whom, [(&json!("agent:dana"), &json!("Dana")), (&json!(CUSTOMER.address), &Value::Null)]);
    assert_eq!(dana.get(&stage, "/console/recent").await.json, json!({ "recent": [] }));
    assert_eq!(simon.get(&stage, "/console/recent").await.json, json!({ "recent": [] }));
    stage.strike().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_ends_a_call_is_told_in_their_part() {
    let database = TestDatabase::new();
    let stage = stage(&database).await;
    let alice = log_in(&stage, "alice").await;
    let (_, simon) = Console::hired(&stage, "simon", AgentRole::Supervisor).await;
    for (who, expected) in [(&alice, "first_agent"), (&simon, "supervisor")] {
        let call = talking(&stage, &alice).await;
        assert_eq!(press(&stage, who, &call, "hangup").await.0, 202);
        let ended = stage.crm.wait_for_status(&call, "ended").await.unwrap();
        assert_eq!(ended["ended_by"], expected);
    }
    stage.strike().await.unwrap();
}
