//! Webhook delivery like Twilio's: connection settings, retries, redirects, cookies, caching, content types.

use warm_transfer::emulator::Switches;
use wiremock::matchers::{header, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::support::{AGENT, NUMBER, Twilio};

const XML: &str = "text/xml";

fn twiml(verbs: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(format!("<Response>{verbs}</Response>"), XML)
}

async fn call(twilio: &Twilio, url: &str, http_method: &str) {
    let form = [("To", AGENT), ("From", NUMBER), ("Url", url), ("Method", http_method)];
    assert_eq!(twilio.rest("Calls", &form).await.0, 201);
    twilio.emulator.advance(3_000).await;
}

#[tokio::test]
async fn a_5xx_is_tried_again_with_the_same_token_only_when_the_url_says_so() {
    let (twilio, app) = (Twilio::start().await, MockServer::start().await);
    Mock::given(path("/start")).respond_with(ResponseTemplate::new(503)).mount(&app).await;
    call(&twilio, &format!("{}/start#rc=2&rp=5xx", app.uri()), "POST").await;
    let requests = app.received_requests().await.unwrap();
    assert_eq!(requests.len(), 3);
    let token = |i: usize| requests[i].headers["I-Twilio-Idempotency-Token"].clone();
    assert!(token(0) == token(1) && token(1) == token(2));
    assert_eq!(twilio.emulator.webhooks()[0].attempts, 3);
    call(&twilio, &format!("{}/start", app.uri()), "POST").await;
    assert_eq!(app.received_requests().await.unwrap().len(), 4, "by default only a failed connect is");
}

#[tokio::test]
async fn redirects_are_followed_as_get_and_signed_for_their_own_address() {
    let (twilio, app) = (Twilio::start().await, MockServer::start().await);
    let moved = ResponseTemplate::new(302).insert_header("Location", "/there");
    Mock::given(path("/start")).respond_with(moved).mount(&app).await;
    Mock::given(path("/there")).respond_with(twiml("<Say loop=\"0\">there</Say>")).mount(&app).await;
    call(&twilio, &format!("{}/start", app.uri()), "POST").await;
    let requests = app.received_requests().await.unwrap();
    assert_eq!((requests[1].method.as_str(), requests[1].url.query()), ("GET", None));
    assert_ne!(requests[0].headers["X-Twilio-Signature"], requests[1].headers["X-Twilio-Signature"]);
    assert_eq!(requests[1].headers["X-Twilio-Signature"].len(), 28);
}

#[tokio::test]
async fn a_redirect_may_keep_its_parameters_and_after_ten_there_is_an_end() {
    let (twilio, app) = (Twilio::start().await, MockServer::start().await);
    twilio.emulator.set_switches(Switches { redirect_keeps_parameters: true, ..Switches::default() });
    let round = ResponseTemplate::new(303).insert_header("Location", "/start");
    Mock::given(path("/start")).respond_with(round).mount(&app).await;
    call(&twilio, &format!("{}/start", app.uri()), "POST").await;
    let requests = app.received_requests().await.unwrap();
    assert_eq!(requests.len(), 11);
    assert!(requests[1].url.query().unwrap().contains("CallSid=CA"));
    assert!(twilio.emulator.debugger().iter().any(|e| e.code == 11215));
}

#[tokio::test]
async fn cookies_are_returned_within_a_call_and_forgotten_after_it() {
    let (twilio, app) = (Twilio::start().await, MockServer::start().await);
    let first = twiml("<Redirect>/next</Redirect>").insert_header("Set-Cookie", "session=abc; Path=/");
    Mock::given(path("/start")).respond_with(first).mount(&app).await;
    let kept = Mock::given(path("/next")).and(header("Cookie", "session=abc"));
    kept.respond_with(twiml("<Hangup/>")).expect(2).mount(&app).await;
    call(&twilio, &format!("{}/start", app.uri()), "POST").await;
    call(&twilio, &format!("{}/start", app.uri()), "POST").await;
    let started = |r: &&wiremock::Request| r.url.path() == "/start";
    let requests = app.received_requests().await.unwrap();
    assert!(requests.iter().filter(started).all(|r| !r.headers.contains_key("Cookie")));
}

#[tokio::test]
async fn a_get_is_asked_again_only_for_what_has_changed() {
    let (twilio, app) = (Twilio::start().await, MockServer::start().await);
    let unchanged = Mock::given(method("GET")).and(path("/music")).and(header_exists("If-None-Match"));
    unchanged.respond_with(ResponseTemplate::new(304)).with_priority(1).mount(&app).await;
    let first = twiml("<Pause length=\"1\"/><Redirect method=\"GET\"/>").insert_header("ETag", "\"v1\"");
    Mock::given(path("/music")).respond_with(first).mount(&app).await;
    call(&twilio, &format!("{}/music", app.uri()), "GET").await;
    twilio.emulator.advance(4_000).await;
    let requests = app.received_requests().await.unwrap();
    assert!(requests.len() >= 3);
    assert_eq!(requests[2].headers["If-None-Match"], "\"v1\"");
    let record = &twilio.emulator.webhooks()[2];
    assert_eq!((record.status, record.body.contains("<Pause")), (Some(200), true));
}

#[tokio::test]
async fn plain_text_is_spoken_and_sound_is_played() {
    for (content_type, body, verb) in [("text/plain", "good evening", "<Say>"), ("audio/mpeg", "x", "<Play>")]
    {
        let (twilio, app) = (Twilio::start().await, MockServer::start().await);
        let answer = ResponseTemplate::new(200).set_body_raw(body, content_type);
        Mock::given(path("/start")).respond_with(answer).mount(&app).await;
        call(&twilio, &format!("{}/start", app.uri()), "POST").await;
        assert!(twilio.emulator.timeline().iter().any(|e| e.detail == verb), "{content_type}");
    }
}
