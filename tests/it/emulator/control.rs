//! The control API and the outside of the REST API: credentials, faults, bad input.

use warm_transfer::emulator::{ClockMode, EventKind};

use super::support::{ACCOUNT, AGENT, Application, CUSTOMER, NUMBER, Twilio};

#[tokio::test]
async fn credentials_are_checked_and_errors_have_twilios_shape() {
    let twilio = Twilio::with(|o| o.api_key = Some(("SK1".into(), "secret".into()))).await;
    let url = twilio.rest_url("Calls");
    let answer = twilio.client.get(&url).basic_auth(ACCOUNT, Some("wrong")).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!((body["code"].as_u64(), body["status"].as_u64()), (Some(20003), Some(401)));
    let answer = twilio.client.get(&url).basic_auth("SK1", Some("secret")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn bad_control_input_is_422_and_names_the_field() {
    let twilio = Twilio::start().await;
    for (method, path, body, field) in [
        ("PUT", "phones/nobody", r#"{"behaviour":"answer"}"#, "address"),
        ("PUT", "phones/+15550100001", r#"{"behaviour":"sing"}"#, "behaviour"),
        ("PUT", "phones/+15550100001", r#"{"behaviour":"answer","volume":11}"#, "volume"),
        ("PUT", "phones/+15550100001", "[]", "behaviour"),
        ("PUT", "phones/+15550100001", "{", "body"),
        ("PUT", "faults", r#"{"rest":[{"match":"*","latency_ms":"slow"}]}"#, "rest[0].latency_ms"),
        ("PUT", "switches", r#"{"redirect_order":"sideways"}"#, "redirect_order"),
        ("PUT", "switches", r#"{"gravity":"off"}"#, "gravity"),
        ("PUT", "numbers/+15550100000", r#"{"voice_url":"nowhere"}"#, "voice_url"),
        ("PUT", "applications/AP1", r#"{"voice_url":"http://app/voice"}"#, "sid"),
        ("PUT", "applications/AP00000000000000000000000000000001", "{}", "voice_url"),
        ("POST", "clock", r#"{"advance_ms":-1}"#, "advance_ms"),
        ("PUT", "phones/+15550100001", r#"{"after_ms":5}"#, "behaviour"),
        ("GET", "timeline?after=soon", "", "after"),
        ("GET", "timeline?format=svg", "", "format"),
        ("GET", "timeline?since=1", "", "since"),
        ("POST", "phones/+15550100001/press", r#"{"digits":"hash"}"#, "digits"),
        ("POST", "calls", r#"{"from":"+15550100001","to":"us"}"#, "to"),
    ] {
        let (status, answer) = twilio.control(method, path, body).await;
        assert_eq!((status, answer["field"].as_str()), (422, Some(field)), "{path} {body} {answer}");
    }
}

#[tokio::test]
async fn a_person_does_what_the_control_api_says() {
    let twilio = Twilio::start().await;
    let app = Application::start();
    app.twiml("/start", "<Gather action=\"/pressed\" numDigits=\"1\"><Say>press a key</Say></Gather>");
    app.twiml("/pressed", "<Pause length=\"60\"/>");
    twilio.control("PUT", "phones/+15550100001", r#"{"behaviour":"manual"}"#).await;
    let start = format!("{}/start", app.url);
    twilio.rest("Calls", &[("To", AGENT), ("From", NUMBER), ("Url", &start)]).await;
    twilio.emulator.advance(5_000).await;
    assert_eq!(twilio.control("POST", "phones/+15550100001/press", r#"{"digits":"1"}"#).await.0, 409);
    assert_eq!(twilio.control("POST", "phones/+15550100001/answer", "").await.0, 200);
    twilio.emulator.advance(1_000).await;
    assert_eq!(twilio.control("POST", "phones/+15550100001/press", r#"{"digits":"1"}"#).await.0, 200);
    twilio.emulator.advance(1_000).await;
    assert_eq!(app.seen("/pressed")[0].params["Digits"], "1");
    assert_eq!(twilio.control("POST", "phones/+15550100001/hang-up", "{}").await.0, 200);
    let (_, timeline) = twilio.control("GET", "timeline", "").await;
    let last = timeline["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["kind"].as_str(), last["ended_by"].as_str()), (Some("ended"), Some("person")));
}

#[tokio::test]
async fn faults_break_requests_before_or_after_their_effect() {
    let twilio = Twilio::start().await;
    let faults = r#"{"rest":[{"match":"POST */Calls.json","status":503,"times":1},
        {"match":"POST */Calls.json","reset":true,"after_effect":true,"times":1}]}"#;
    assert_eq!(twilio.control("PUT", "faults", faults).await.0, 200);
    let form = [("To", AGENT), ("From", NUMBER), ("Twiml", "<Response/>")];
    let (status, body) = twilio.rest("Calls", &form).await;
    assert_eq!((status, body["code"].as_u64()), (503, Some(20503)));
    let request = twilio.client.post(twilio.rest_url("Calls")).form(&form);
    let request = request.basic_auth(ACCOUNT, Some(super::support::TOKEN));
    let lost = match request.send().await {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(lost, "the connection was cut");
    let (_, list) = twilio.read("Calls", "?To=%2B15550100001").await;
    assert_eq!(list["calls"].as_array().unwrap().len(), 1, "only the second create took effect");
}

#[tokio::test]
async fn a_timeline_poll_answers_when_something_happens() {
    let twilio = Twilio::start().await;
    let poll = twilio.client.get(twilio.url("/emulator/timeline?after=0&wait_ms=20000")).send();
    let create = twilio.rest("Calls", &[("To", AGENT), ("From", NUMBER), ("Twiml", "<Response/>")]);
    let (poll, _) = tokio::join!(poll, create);
    let body: serde_json::Value = poll.unwrap().json().await.unwrap();
    assert_eq!(body["events"][0]["index"].as_u64(), Some(1));
}

#[tokio::test]
async fn webhooks_are_lost_and_doubled_on_purpose() {
    let twilio = Twilio::start().await;
    let app = Application::start();
    let faults = r#"{"seed":3,"webhooks":[{"match":"/lost","drop":true},{"match":"/twice","duplicate":true,"times":1}]}"#;
    assert_eq!(twilio.control("PUT", "faults", faults).await.0, 200);
    for path in ["/lost", "/twice"] {
        let callback = format!("{}{path}", app.url);
        let form = [("To", AGENT), ("From", NUMBER), ("Twiml", "<Response/>"), ("StatusCallback", &callback)];
        twilio.rest("Calls", &form).await;
        twilio.emulator.advance(5_000).await;
    }
    assert_eq!((app.seen("/lost").len(), app.seen("/twice").len()), (0, 2));
    assert_eq!(app.seen("/twice")[0].token, app.seen("/twice")[1].token);
}

#[tokio::test]
async fn real_time_runs_faster_when_told_to_and_a_reset_starts_afresh() {
    let twilio = Twilio::with(|options| {
        options.clock = ClockMode::Real;
        options.speed = 200.0;
    })
    .await;
    let mut events = twilio.emulator.subscribe();
    let form = [("To", AGENT), ("From", NUMBER), ("Twiml", "<Response><Pause length=\"20\"/></Response>")];
    twilio.rest("Calls", &form).await;
    let ended = async {
        while let Ok(event) = events.recv().await {
            if event.kind == EventKind::Ended {
                return event.at_ms;
            }
        }
        0
    };
    let at_ms = tokio::time::timeout(std::time::Duration::from_secs(20), ended).await.unwrap();
    assert!(at_ms > 20_000, "{at_ms}");
    twilio.control("POST", "reset", "").await;
    assert!(twilio.emulator.timeline().is_empty());
    assert_eq!(twilio.control("POST", "clock", r#"{"advance_ms":1}"#).await.0, 409);
}

#[tokio::test]
async fn somebody_rings_a_number_of_ours() {
    let twilio = Twilio::start().await;
    let app = Application::start();
    app.twiml("/voice", "<Say loop=\"0\">welcome</Say>");
    let ring = r#"{"from":"+15550100001","to":"+15550100000"}"#;
    assert_eq!(twilio.control("POST", "calls", ring).await.0, 409, "no such number yet");
    let number = format!(r#"{{"voice_url":"{}/voice"}}"#, app.url);
    assert_eq!(twilio.control("PUT", "numbers/+15550100000", &number).await.0, 200);
    let (status, call) = twilio.control("POST", "calls", ring).await;
    assert_eq!(status, 201);
    twilio.emulator.advance(1_000).await;
    assert_eq!(app.seen("/voice")[0].params["CallSid"], call["call_sid"].as_str().unwrap());
    assert_eq!(twilio.hears(AGENT), [r#"Speech { text: "welcome" }"#]);
}

#[tokio::test]
async fn a_browser_connects_to_its_application() {
    let twilio = Twilio::start().await;
    let app = Application::start();
    app.twiml("/voice", "<Say loop=\"0\">welcome</Say>");
    let sid = "AP00000000000000000000000000000001";
    let connect = format!(
        r#"{{"from":"client:dana","to":"app:{sid}","params":{{"To":"{CUSTOMER}","campaign":"q3"}}}}"#
    );
    assert_eq!(twilio.control("POST", "calls", &connect).await.0, 409, "no such application yet");
    let settings = format!(r#"{{"voice_url":"{}/voice"}}"#, app.url);
    assert_eq!(twilio.control("PUT", &format!("applications/{sid}"), &settings).await.0, 200);
    assert_eq!(twilio.control("POST", "calls", &connect).await.0, 201);
    twilio.emulator.advance(1_000).await;
    let asked = &app.seen("/voice")[0].params;
    let said = ["From", "To", "campaign", "Direction"].map(|name| asked[name].as_str());
    assert_eq!(said, ["client:dana", CUSTOMER, "q3", "inbound"]);
    assert_eq!(twilio.hears("client:dana"), [r#"Speech { text: "welcome" }"#]);
}
