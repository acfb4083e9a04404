//! What open consoles show while calls go on: to whom, of whom, and after a refresh, a restart, and a session that is over.

use serde_json::{Value, json};
use warm_transfer::agents::models::AgentRole;
use warm_transfer::console::sessions::services::close;
use warm_transfer::demo::{CUSTOMER, FIRST_AGENT, SECOND_AGENT, Stage};

use super::screen::Screen;
use super::story::{log_in, stage, talking};
use crate::support::console::Console;
use crate::support::database::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_what_is_theirs_from_the_first_ring_to_the_outcome() {
    let database = TestDatabase::new();
    let stage = stage(&database).await;
    let (alice, dana) = (log_in(&stage, "alice").await, log_in(&stage, "dana").await);
    let kim = log_in(&stage, "kim").await;
    let (_, simon) = Console::hired(&stage, "simon", AgentRole::Supervisor).await;
    for who in [&alice, &dana] {
        assert_eq!(
            who.put(&stage, "/console/presence", &json!({ "presence": "available" })).await.status,
            200
        );
    }
    let mut on_alices = Screen::open(&stage, &alice).await;
    let mut on_danas = Screen::open(&stage, &dana).await;
    let mut on_kims = Screen::open(&stage, &kim).await;
    let mut on_simons = Screen::open(&stage, &simon).await;
    assert_eq!(on_danas.member("alice")["presence"], "available");
    stage.phones.will(SECOND_AGENT, "manual", 1000).await.unwrap();
    let call = talking(&stage, &alice).await;
    on_alices.until("they talk", |it| it.hears(&call, "first_agent") == ["customer"]).await;
    assert_eq!(on_alices.hears(&call, "customer"), ["first_agent"]);
    assert!(on_alices.can(&call, "transfer") && on_alices.can(&call, "hold:customer"));
    assert!(!on_alices.can(&call, "complete") && !on_alices.can(&call, "resume:customer"));
    on_simons.until("simon sees it", |it| it.state(&call, "customer") == "talking").await;
    on_danas.until("alice is busy", |it| it.member("alice")["on_call"] == true).await;

    let wish = json!({ "to": "agent:dana", "briefing": "Wants <b>two</b>." });
    alice.post(&stage, &format!("/console/calls/{call}/transfer"), &wish).await;
    on_danas.until("dana's phone rings", |it| it.state(&call, "second_agent") == "ringing").await;
    assert_eq!(on_danas.card(&call)["transfer"]["briefing"], "Wants <b>two</b>.");
    assert_eq!(on_danas.person(&call, "second_agent")["agent"], "dana");
    stage.phones.answer(SECOND_AGENT).await.unwrap();
    let all_hear_all = |it: &Screen| {
        it.hears(&call, "customer") == ["first_agent", "second_agent"] && it.can(&call, "complete")
    };
    on_alices.until("all three hear each other", all_hear_all).await;
    // A page that is opened now shows what this one has been told bit by bit.
    let again = Screen::open(&stage, &alice).await;
    assert_eq!(again.card(&call), on_alices.card(&call));

    alice.post(&stage, &format!("/console/calls/{call}/complete"), &Value::Null).await;
    on_danas
        .until("dana holds the customer", |it| it.person(&call, "second_agent")["is_holder"] == true)
        .await;
    on_alices.until("alice is out", |it| it.state(&call, "first_agent") == "left").await;
    stage.phones.hang_up(CUSTOMER).await.unwrap();
    on_alices.until("it is over, and none of hers", |it| !it.shows(&call)).await;
    on_simons.until("it is over for simon", |it| !it.shows(&call)).await;
    on_danas.until("dana is to say what came of it", |it| it.card(&call)["status"] == "ended").await;
    on_danas.until("dana is known to be at it", |it| it.member("dana")["presence"] == "wrap_up").await;
    dana.put(&stage, &format!("/console/calls/{call}/outcome"), &json!({ "disposition": "sale" })).await;
    on_danas.until("it is written down", |it| !it.shows(&call)).await;
    on_danas.until("dana is free", |it| it.member("dana")["presence"] == "available").await;
    on_kims.until("kim has seen dana come and go", |it| it.member("dana")["presence"] == "available").await;
    assert!(on_kims.has_never_shown_a_call(), "{on_kims:?}");
    stage.strike().await.unwrap();
}

/// The people of a call, without since when: a page that comes back may know that less exactly.
fn standing(screen: &Screen, call: &str) -> Vec<Value> {
    let people = screen.card(call)["people"].as_array().unwrap().iter();
    people.map(|it| json!([it["role"], it["state"], it["hears"], it["answered_at"]])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_service_loses_and_invents_nothing() {
    let database = TestDatabase::new();
    let stage = stage(&database).await;
    let alice = log_in(&stage, "alice").await;
    let mut screen = Screen::open(&stage, &alice).await;
    let call = talking(&stage, &alice).await;
    screen.until("they talk", |it| it.hears(&call, "customer") == ["first_agent"]).await;
    let before = standing(&screen, &call);
    let stage = stage.restart().await.unwrap();
    screen.until_it_ends().await;
    let screen = Screen::open(&stage, &alice).await;
    assert_eq!(standing(&screen, &call), before);
    stage.phones.hang_up(FIRST_AGENT).await.unwrap();
    stage.crm.wait_for_status(&call, "ended").await.unwrap();
    stage.strike().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_a_session_that_is_closed_ends_and_the_others_go_on() {
    let database = TestDatabase::new();
    let stage: Stage = stage(&database).await;
    let (alice, dana) = (log_in(&stage, "alice").await, log_in(&stage, "dana").await);
    let mut on_alices = Screen::open(&stage, &alice).await;
    let mut on_danas = Screen::open(&stage, &dana).await;
    let app = stage.server.app();
    let agent = warm_transfer::agents::services::find_by_name(&app.db, "alice").await.unwrap().unwrap();
    let sessions = warm_transfer::console::sessions::services::list(app, agent.id).await.unwrap();
    assert!(close(app, &agent, sessions[0].id, "agent.session_revoked").await.unwrap());
    on_alices.until_it_ends().await;
    dana.put(&stage, "/console/presence", &json!({ "presence": "busy" })).await;
    on_danas.until("dana's goes on", |it| it.member("dana")["presence"] == "busy").await;
    let refused = alice.get(&stage, "/console/stream").await;
    assert_eq!((refused.status, refused.json["code"].as_str()), (401, Some("log_in_required")));
    stage.strike().await.unwrap();
}
