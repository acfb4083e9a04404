//! What the CRM may ask and when: refusals by state, repetition, lists, and what a finished call looks like.

use serde_json::{Value, json};
use warm_transfer::demo::{CUSTOMER, FIRST_AGENT, SECOND_AGENT, Scenario, Stage, StageOptions};

use super::{played, theatre};

async fn refused(stage: &Stage, call: &str, action: &str, body: Option<Value>) -> (u16, String) {
    let (status, problem) =
        stage.crm.send("POST", &format!("/api/v1/calls/{call}/{action}"), body).await.unwrap();
    (status, problem["code"].as_str().unwrap_or_default().to_owned())
}

fn to_dana() -> Option<Value> {
    Some(json!({ "to": "agent:dana" }))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_at_the_wrong_time_is_refused_by_name() {
    let theatre = theatre(StageOptions::default()).await;
    let stage = &theatre.stage;
    for part in [FIRST_AGENT, CUSTOMER] {
        stage.phones.will(part, "answer", 1000).await.unwrap();
    }
    stage.phones.will(SECOND_AGENT, "manual", 0).await.unwrap();
    let call = stage.crm.place(30).await.unwrap();
    assert_eq!(refused(stage, &call, "transfer", to_dana()).await, (409, "not_connected".into()));
    stage.crm.wait_for_status(&call, "connected").await.unwrap();
    for action in ["transfer/complete", "transfer/cancel"] {
        assert_eq!(refused(stage, &call, action, None).await, (409, "no_transfer".into()));
    }
    let unknown = Some(json!({ "to": "agent:nobody" }));
    assert_eq!(refused(stage, &call, "transfer", unknown).await, (422, "unknown_agent".into()));
    let herself = Some(json!({ "to": "agent:alice" }));
    assert_eq!(refused(stage, &call, "transfer", herself).await, (422, "invalid_field".into()));
    stage.crm.ask(&call, "transfer", to_dana()).await.unwrap();
    assert_eq!(refused(stage, &call, "transfer", to_dana()).await, (409, "transfer_in_progress".into()));
    assert_eq!(refused(stage, &call, "transfer/complete", None).await, (409, "not_joined".into()));
    stage.crm.ask(&call, "hangup", None).await.unwrap();
    stage.crm.wait_for_status(&call, "ended").await.unwrap();
    for (action, body) in [("transfer", to_dana()), ("transfer/cancel", None), ("hangup", None)] {
        assert_eq!(refused(stage, &call, action, body).await, (409, "call_ended".into()), "{action}");
    }
    theatre.stage.strike().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_repeated_under_its_key_is_one_call_and_one_ring() {
    let theatre = theatre(StageOptions::default()).await;
    let stage = &theatre.stage;
    stage.phones.will(FIRST_AGENT, "busy", 500).await.unwrap();
    let http = reqwest_client();
    let ask = |customer: &str| {
        http.post(format!("{}/api/v1/calls", stage.crm.base_url()))
            .bearer_auth(stage.crm.key())
            .header("Idempotency-Key", "deal-42")
            .json(&json!({ "agent": "agent:alice", "customer": customer }))
            .send()
    };
    let at_once = futures_util::future::join_all((0..8).map(|_| ask(CUSTOMER.address))).await;
    let mut ids = vec![];
    for response in at_once {
        let response = response.unwrap();
        let status = response.status();
        let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        match status.as_u16() {
            201 => ids.push(answer["id"].as_str().unwrap().to_owned()),
            409 => assert_eq!(answer["code"], "request_in_progress"),
            _ => panic!("{status}: {answer}"),
        }
    }
    let replayed = ask(CUSTOMER.address).await.unwrap();
    assert_eq!(replayed.headers()["idempotency-replayed"], "true");
    let replayed: Value = serde_json::from_str(&replayed.text().await.unwrap()).unwrap();
    ids.push(replayed["id"].as_str().unwrap().to_owned());
    ids.dedup();
    assert_eq!(ids.len(), 1, "one call: {ids:?}");
    let other = ask("+15550100198").await.unwrap();
    let problem: Value = serde_json::from_str(&other.text().await.unwrap()).unwrap();
    assert_eq!(problem["code"], "idempotency_key_reused");
    stage.crm.wait_for_status(&ids[0], "ended").await.unwrap();
    let creates = stage.emulator.requests().into_iter().filter(|it| it.path.ends_with("/Calls.json")).count();
    assert_eq!(creates, 1);
    theatre.stage.strike().await.unwrap();
}

fn reqwest_client() -> reqwest::Client {
    let patience = std::time::Duration::from_secs(10);
    warm_transfer::twilio::http_client(patience, patience).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_listed_newest_first_page_by_page_and_by_status() {
    let theatre = theatre(StageOptions::default()).await;
    let stage = &theatre.stage;
    stage.phones.will(FIRST_AGENT, "busy", 200).await.unwrap();
    let mut placed = vec![];
    for _ in 0..5 {
        let call = stage.crm.place(5).await.unwrap();
        stage.crm.wait_for_status(&call, "ended").await.unwrap();
        placed.insert(0, call);
    }
    let mut listed: Vec<String> = vec![];
    let mut path = "/api/v1/calls?limit=2&status=ended".to_owned();
    loop {
        let (status, page) = stage.crm.send("GET", &path, None).await.unwrap();
        assert_eq!(status, 200);
        listed.extend(
            page["calls"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/calls?limit=2&status=ended&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(listed, placed);
    let (_, none) = stage.crm.send("GET", "/api/v1/calls?status=connected", None).await.unwrap();
    assert_eq!(none["calls"], json!([]));
    theatre.stage.strike().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_call_and_its_timeline_look_like_this() {
    let played = played(Scenario::Straight, StageOptions::default()).await;
    let mut call = played.report.call.clone();
    redact(&mut call);
    insta::assert_json_snapshot!(call);
    let id = played.report.call["id"].as_str().unwrap();
    let events = played.theatre.stage.crm.events(id).await.unwrap();
    let mut last = 0;
    for event in &events {
        assert!(event["id"].as_i64().unwrap() > last, "ascending");
        last = event["id"].as_i64().unwrap();
    }
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    let story = [
        "call.queued",
        "call.dialing_agent",
        "leg.in_progress",
        "call.dialing_customer",
        "call.connected",
        "transfer.requested",
        "call.transferring",
        "transfer.joined",
        "transfer.completed",
        "call.in_room",
        "call.ended",
    ];
    let mut told = kinds.iter();
    for kind in story {
        assert!(told.any(|it| *it == kind), "{kind} in its place: {kinds:?}");
    }
    let (_, rest) = played
        .theatre
        .stage
        .crm
        .send("GET", &format!("/api/v1/calls/{id}/events?after={last}"), None)
        .await
        .unwrap();
    assert_eq!(rest["events"], json!([]));
    played.close().await;
}

/// Whatever is another thing each time: ids, SIDs, times.
fn redact(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(redact),
        Value::Object(fields) => {
            for (name, field) in fields {
                let varies = name == "id"
                    || name == "room"
                    || name.ends_with("_id")
                    || name.ends_with("_sid")
                    || name.ends_with("_at");
                if varies && field.is_string() && name != "caller_id" && name != "external_id" {
                    *field = format!("[{name}]").into();
                } else {
                    redact(field);
                }
            }
        }
        _ => {}
    }
}
