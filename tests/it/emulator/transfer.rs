//! A warm transfer as a client sees it: over HTTP, with signed webhooks.

use warm_transfer::emulator::EventKind;

use super::support::{AGENT, Application, CUSTOMER, NUMBER, SECOND, Twilio};

const ROOM: &str = "<Dial><Conference statusCallback=\"/room\" statusCallbackEvent=\"start end join leave\">room-1</Conference></Dial>";

#[tokio::test]
async fn a_warm_transfer_is_driven_over_http() {
    let twilio = Twilio::start().await;
    let app = Application::start();
    app.twiml("/start", &format!("<Dial action=\"/action\"><Number statusCallback=\"/child\" statusCallbackEvent=\"answered\">{CUSTOMER}</Number></Dial>"));
    app.twiml("/action", ROOM);
    app.twiml("/room-twiml", ROOM);
    let start = format!("{}/start", app.url);
    let (status, call) = twilio.rest("Calls", &[("To", AGENT), ("From", NUMBER), ("Url", &start)]).await;
    assert_eq!((status, call["status"].as_str()), (201, Some("queued")));
    twilio.emulator.advance(10_000).await;
    let customer = app.seen("/child")[0].params["CallSid"].clone();
    assert_eq!(twilio.hears(CUSTOMER), [AGENT]);

    let moved = format!("{}/room-twiml", app.url);
    let (status, _) = twilio.rest(&format!("Calls/{customer}"), &[("Url", &moved)]).await;
    assert_eq!(status, 200);
    let added = [("From", NUMBER), ("To", SECOND), ("Label", "second")];
    let (status, participant) = twilio.rest("Conferences/room-1/Participants", &added).await;
    assert_eq!((status, participant["status"].as_str()), (201, Some("queued")));
    twilio.emulator.advance(10_000).await;

    assert_eq!(twilio.hears(CUSTOMER), [AGENT, SECOND]);
    let action = &app.seen("/action")[0].params;
    assert_eq!(action["DialCallSid"], customer);
    assert!(!action.contains_key("DialCallDuration"), "{action:?}");
    let conference = participant["conference_sid"].as_str().unwrap();
    let (_, list) = twilio.read(&format!("Conferences/{conference}/Participants"), "").await;
    assert_eq!(list["participants"].as_array().unwrap().len(), 3);
    let joined =
        app.seen("/room").iter().filter(|s| s.params["StatusCallbackEvent"] == "participant-join").count();
    assert_eq!(joined, 3);
}

#[tokio::test]
async fn every_webhook_is_signed_and_carries_an_idempotency_token() {
    let twilio = Twilio::start().await;
    let app = Application::start();
    app.twiml("/start", "<Hangup/>");
    let url = format!("{}/start?a=1&b=two%20words#rc=2", app.url);
    let form = [("To", AGENT), ("From", NUMBER), ("Url", url.as_str()), ("Method", "GET")];
    twilio.rest("Calls", &form).await;
    twilio.emulator.advance(5_000).await;
    let seen = &app.seen("/start")[0];
    assert_eq!((seen.method.as_str(), seen.params["a"].as_str()), ("GET", "1"));
    assert_eq!(seen.params["To"], AGENT);
    assert_eq!(seen.signature.len(), 28, "{seen:?}");
    assert_eq!(seen.token.len(), 36, "{seen:?}");
    let sent = &twilio.emulator.webhooks()[0];
    assert!(sent.url.contains("b=two%20words&CallSid=CA") && !sent.url.contains('#'), "{sent:?}");
}

/// What of a history does not name the application's port.
async fn history() -> Vec<(u64, u64, String, Option<String>)> {
    let twilio = Twilio::start().await;
    let app = Application::start();
    let callback = format!("{}/status", app.url);
    app.twiml("/start", &format!("<Dial action=\"/action\"><Number statusCallback=\"/child\" statusCallbackEvent=\"initiated ringing answered completed\">{CUSTOMER}</Number></Dial>"));
    app.twiml("/action", ROOM);
    let start = format!("{}/start", app.url);
    for _ in 0..5 {
        let mut form = vec![("To", AGENT), ("From", NUMBER), ("Url", &start), ("StatusCallback", &callback)];
        form.extend(["initiated", "ringing", "answered"].map(|e| ("StatusCallbackEvent", e)));
        twilio.rest("Calls", &form).await;
    }
    twilio.emulator.advance(60_000).await;
    let event = |e: warm_transfer::emulator::TimelineEvent| {
        (e.index, e.at_ms, e.kind.to_string(), e.call_sid.map(|s| s.to_string()))
    };
    twilio.emulator.timeline().into_iter().map(event).collect()
}

#[tokio::test]
async fn virtual_time_gives_the_same_history_over_http_too() {
    assert_eq!(history().await, history().await);
}

#[tokio::test]
async fn an_application_that_is_down_or_too_slow_is_apologised_for() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let slow = format!("http://{}/start#tt=300", silent.local_addr().unwrap());
    for (url, code) in [("http://127.0.0.1:1/start", "11205"), (slow.as_str(), "11200")] {
        let twilio = Twilio::start().await;
        twilio.rest("Calls", &[("To", AGENT), ("From", NUMBER), ("Url", url)]).await;
        twilio.emulator.advance(3_000).await;
        let timeline = twilio.emulator.timeline();
        let failed = timeline.iter().find(|e| e.kind == EventKind::WebhookFailed).unwrap();
        assert_eq!(failed.data["code"], code, "{failed:?}");
        let said = timeline.iter().find(|e| e.kind == EventKind::Said).unwrap();
        assert!(said.data["text"].contains("application error"), "{said:?}");
    }
}
