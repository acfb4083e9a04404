//! Owns the checks of the client against a server that records what it is asked.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::NaiveDate;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use wiremock::matchers::{any, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;
use crate::telephony::AccountSid;
use crate::twilio::{CallStatus, ConferenceStatus, Credentials, http_client};
use crate::twiml::{Beep, CallEvent, Callback, ConferenceEvent, Method as HttpMethod};

const ACCOUNT: &str = "/2010-04-01/Accounts/AC00000000000000000000000000000001";
const EAGER: RetryPolicy =
    RetryPolicy { max_attempts: 3, base: Duration::ZERO, longest: Duration::from_secs(1), jitter: || 1.0 };

fn client(base_url: &str) -> TwilioClient {
    let config = TwilioConfig {
        base_url: format!("{base_url}/"),
        account_sid: AccountSid::from_u128(1),
        credentials: Credentials::AuthToken("token".into()),
        timeout: Duration::from_secs(20),
    };
    TwilioClient::new(config, http_client(Duration::from_secs(5), Duration::from_secs(20)).unwrap(), EAGER)
}

/// A server that answers everything in this way, and a client for it.
async fn answering(answer: ResponseTemplate) -> (MockServer, TwilioClient) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let client = client(&server.uri());
    (server, client)
}

fn call(number: u128) -> Value {
    json!({"sid": CallSid::from_u128(number), "status": "queued", "to": "+15550100123", "from": "+15550100199"})
}

fn participant() -> Value {
    json!({"call_sid": CallSid::from_u128(1), "conference_sid": ConferenceSid::from_u128(1), "status": "queued"})
}

fn conference() -> Value {
    json!({"sid": ConferenceSid::from_u128(1), "status": "in-progress", "friendly_name": "room-1"})
}

fn created(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(body)
}

fn refused(http_status: u16, code: u32) -> ResponseTemplate {
    ResponseTemplate::new(http_status)
        .set_body_json(json!({"code": code, "message": "No.", "status": http_status}))
}

async fn requests(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

/// The only request's line and its decoded parameters.
async fn only_request(server: &MockServer) -> (String, Vec<(String, String)>) {
    let mut requests = requests(server).await;
    assert_eq!(requests.len(), 1);
    let request = requests.remove(0);
    let encoded = if request.method == Method::POST {
        assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
        request.body
    } else {
        request.url.query().unwrap_or_default().as_bytes().to_vec()
    };
    let line = format!("{} {}", request.method, request.url.path().replace(ACCOUNT, "…"));
    (line, url::form_urlencoded::parse(&encoded).into_owned().collect())
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn to_customer() -> CreateCall {
    CreateCall::new(
        "+15550100123".parse().unwrap(),
        "+15550100199".parse().unwrap(),
        "https://calls.example.com/twiml/second-leg?call=1",
    )
}

fn second_agent() -> CreateParticipant {
    CreateParticipant::new("client:dana".parse().unwrap(), "+15550100199".parse().unwrap())
}

#[tokio::test]
async fn a_call_is_asked_for_with_every_event_as_a_key_of_its_own() {
    let (server, client) = answering(created(call(7))).await;
    let call = CreateCall {
        method: Some(HttpMethod::Post),
        fallback_url: Some("https://calls.example.com/twiml/sorry".into()),
        status_callback: Some(Callback::post("https://calls.example.com/status?call=1", CallEvent::ALL)),
        timeout: Some(25),
        time_limit: Some(14400),
        ..to_customer()
    };
    let answer = client.create_call(&call).await.unwrap();
    assert_eq!((answer.sid, answer.status), (CallSid::from_u128(7), CallStatus::Queued));
    let (line, form) = only_request(&server).await;
    assert_eq!(line, "POST …/Calls.json");
    let expected = pairs(&[
        ("To", "+15550100123"),
        ("From", "+15550100199"),
        ("Url", "https://calls.example.com/twiml/second-leg?call=1"),
        ("Method", "POST"),
        ("FallbackUrl", "https://calls.example.com/twiml/sorry"),
        ("StatusCallback", "https://calls.example.com/status?call=1"),
        ("StatusCallbackMethod", "POST"),
        ("StatusCallbackEvent", "initiated"),
        ("StatusCallbackEvent", "ringing"),
        ("StatusCallbackEvent", "answered"),
        ("StatusCallbackEvent", "completed"),
        ("Timeout", "25"),
        ("TimeLimit", "14400"),
    ]);
    assert_eq!(form, expected);
}

#[tokio::test]
async fn the_account_or_one_of_its_keys_authenticates() {
    let (server, client) = answering(created(call(1))).await;
    client.fetch_call(&CallSid::from_u128(1)).await.unwrap();
    let config = TwilioConfig {
        credentials: Credentials::ApiKey { sid: "SK1".into(), secret: "s3cret".into() },
        ..client.transport.config.clone()
    };
    let shown = format!("{config:?} {client:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("token"), "{shown}");
    TwilioClient {
        account_url: client.account_url.clone(),
        transport: Transport { config, retry: EAGER, ..client.transport.clone() },
    }
    .fetch_call(&CallSid::from_u128(1))
    .await
    .unwrap();
    let sent: Vec<_> =
        requests(&server).await.iter().map(|request| request.headers["authorization"].clone()).collect();
    // Of "AC00000000000000000000000000000001:token" and "SK1:s3cret".
    assert_eq!(
        sent,
        ["Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTp0b2tlbg==", "Basic U0sxOnMzY3JldA=="]
    );
}

#[tokio::test]
async fn a_call_is_redirected_ended_or_cancelled() {
    for (update, expected) in [
        (
            CallUpdate::redirect("https://calls.example.com/twiml/conference?a=1&b=2", None),
            vec![
                ("Url", "https://calls.example.com/twiml/conference?a=1&b=2"),
                ("Method", "POST"),
                ("FallbackUrl", "https://calls.example.com/twiml/conference?a=1&b=2"),
            ],
        ),
        (
            CallUpdate::redirect("https://calls.example.com/", Some(3600)),
            vec![
                ("Url", "https://calls.example.com/"),
                ("Method", "POST"),
                ("FallbackUrl", "https://calls.example.com/"),
                ("TimeLimit", "3600"),
            ],
        ),
        (CallUpdate::Complete, vec![("Status", "completed")]),
        (CallUpdate::Cancel, vec![("Status", "canceled")]),
    ] {
        let (server, client) = answering(ResponseTemplate::new(200).set_body_json(call(1))).await;
        client.update_call(&CallSid::from_u128(1), &update).await.unwrap();
        let (line, form) = only_request(&server).await;
        assert_eq!(line, "POST …/Calls/CA00000000000000000000000000000001.json");
        assert_eq!(form, pairs(&expected));
    }
}

#[tokio::test]
async fn calls_are_found_by_every_condition() {
    let (server, client) = answering(created(json!({"calls": [call(1)], "next_page_uri": null}))).await;
    let filter = CallFilter {
        to: Some("+15550100123".parse().unwrap()),
        from: Some("client:dana".parse().unwrap()),
        parent_call_sid: Some(CallSid::from_u128(2)),
        status: Some(CallStatus::InProgress),
        start_time_after: NaiveDate::from_ymd_opt(2026, 10, 1),
        start_time_before: NaiveDate::from_ymd_opt(2026, 10, 3),
        limit: Some(20),
    };
    assert_eq!(client.list_calls(&filter).await.unwrap().len(), 1);
    let (line, query) = only_request(&server).await;
    assert_eq!(line, "GET …/Calls.json");
    let expected = pairs(&[
        ("To", "+15550100123"),
        ("From", "client:dana"),
        ("ParentCallSid", "CA00000000000000000000000000000002"),
        ("Status", "in-progress"),
        ("StartTime>", "2026-10-01"),
        ("StartTime<", "2026-10-03"),
        ("PageSize", "20"),
    ]);
    assert_eq!(query, expected);
}

#[tokio::test]
async fn a_participant_is_asked_for_with_callbacks_for_the_leg_and_for_the_room() {
    let (server, client) = answering(created(participant())).await;
    let participant = CreateParticipant {
        client_parameters: pairs(&[("customer", "Zoë & Co"), ("tries", "2")]),
        label: Some("second_agent".into()),
        timeout: Some(20),
        time_limit: Some(3600),
        early_media: Some(true),
        beep: Some(Beep::Never),
        muted: Some(false),
        start_conference_on_enter: Some(true),
        end_conference_on_exit: Some(false),
        wait_url: Some("https://calls.example.com/twiml/wait".into()),
        wait_method: Some(HttpMethod::Get),
        max_participants: Some(4),
        call_sid_to_coach: Some(CallSid::from_u128(3)),
        status_callback: Some(Callback::post(
            "https://calls.example.com/s",
            [CallEvent::Answered, CallEvent::Completed],
        )),
        conference_status_callback: Some(Callback::post(
            "https://calls.example.com/c",
            [ConferenceEvent::Start, ConferenceEvent::End, ConferenceEvent::Join, ConferenceEvent::Leave],
        )),
        ..second_agent()
    };
    let answer = client.create_participant("room 1/ü?#&", &participant).await.unwrap();
    assert_eq!(answer.conference_sid, ConferenceSid::from_u128(1));
    let (line, form) = only_request(&server).await;
    assert_eq!(line, "POST …/Conferences/room%201%2F%C3%BC%3F%23%26/Participants.json");
    let expected = pairs(&[
        ("To", "client:dana?customer=Zo%C3%AB+%26+Co&tries=2"),
        ("From", "+15550100199"),
        ("Label", "second_agent"),
        ("Timeout", "20"),
        ("TimeLimit", "3600"),
        ("EarlyMedia", "true"),
        ("Beep", "false"),
        ("Muted", "false"),
        ("StartConferenceOnEnter", "true"),
        ("EndConferenceOnExit", "false"),
        ("WaitUrl", "https://calls.example.com/twiml/wait"),
        ("WaitMethod", "GET"),
        ("MaxParticipants", "4"),
        ("Coaching", "true"),
        ("CallSidToCoach", "CA00000000000000000000000000000003"),
        ("StatusCallback", "https://calls.example.com/s"),
        ("StatusCallbackMethod", "POST"),
        ("StatusCallbackEvent", "answered"),
        ("StatusCallbackEvent", "completed"),
        ("ConferenceStatusCallback", "https://calls.example.com/c"),
        ("ConferenceStatusCallbackMethod", "POST"),
        ("ConferenceStatusCallbackEvent", "start"),
        ("ConferenceStatusCallbackEvent", "end"),
        ("ConferenceStatusCallbackEvent", "join"),
        ("ConferenceStatusCallbackEvent", "leave"),
    ]);
    assert_eq!(form, expected);
}

#[tokio::test]
async fn a_participant_is_read_changed_and_removed() {
    let (conference, leg) = (ConferenceSid::from_u128(1), CallSid::from_u128(1));
    let line = "…/Conferences/CF00000000000000000000000000000001/Participants/CA00000000000000000000000000000001.json";
    let (server, client) = answering(created(participant())).await;
    client.fetch_participant(&conference, &leg).await.unwrap();
    assert_eq!(only_request(&server).await.0, format!("GET {line}"));

    let (server, client) = answering(created(participant())).await;
    let update = ParticipantUpdate {
        muted: Some(true),
        hold: Some(true),
        hold_url: Some("https://calls.example.com/twiml/hold".into()),
        hold_method: Some(HttpMethod::Post),
        announce_url: Some("https://calls.example.com/twiml/say".into()),
        announce_method: Some(HttpMethod::Get),
        end_conference_on_exit: Some(false),
        beep_on_exit: Some(false),
        coaching: Some(false),
        call_sid_to_coach: Some(CallSid::from_u128(3)),
    };
    client.update_participant(&conference, &leg, &update).await.unwrap();
    let expected = pairs(&[
        ("Muted", "true"),
        ("Hold", "true"),
        ("HoldUrl", "https://calls.example.com/twiml/hold"),
        ("HoldMethod", "POST"),
        ("AnnounceUrl", "https://calls.example.com/twiml/say"),
        ("AnnounceMethod", "GET"),
        ("EndConferenceOnExit", "false"),
        ("BeepOnExit", "false"),
        ("Coaching", "false"),
        ("CallSidToCoach", "CA00000000000000000000000000000003"),
    ]);
    assert_eq!(only_request(&server).await, (format!("POST {line}"), expected));

    let (server, client) = answering(ResponseTemplate::new(204)).await;
    client.remove_participant(&conference, &leg).await.unwrap();
    assert_eq!(only_request(&server).await.0, format!("DELETE {line}"));
}

#[tokio::test]
async fn conferences_are_found_announced_to_and_ended() {
    let (server, client) = answering(created(json!({"conferences": [conference()]}))).await;
    let filter =
        ConferenceFilter { friendly_name: Some("room-1".into()), status: Some(ConferenceStatus::InProgress) };
    let found = client.list_conferences(&filter).await.unwrap();
    assert_eq!(found[0].friendly_name.as_deref(), Some("room-1"));
    let expected = pairs(&[("FriendlyName", "room-1"), ("Status", "in-progress"), ("PageSize", "1000")]);
    assert_eq!(only_request(&server).await, ("GET …/Conferences.json".into(), expected));

    for (update, expected) in [
        (
            ConferenceUpdate::Announce { url: "https://calls.example.com/a".into(), method: None },
            [("AnnounceUrl", "https://calls.example.com/a")],
        ),
        (ConferenceUpdate::Complete, [("Status", "completed")]),
    ] {
        let (server, client) = answering(created(conference())).await;
        client.update_conference(&ConferenceSid::from_u128(1), &update).await.unwrap();
        let line = "POST …/Conferences/CF00000000000000000000000000000001.json".to_owned();
        assert_eq!(only_request(&server).await, (line, pairs(&expected)));
    }
}

#[tokio::test]
async fn a_list_goes_on_over_its_pages_up_to_the_limit() {
    let server = MockServer::start().await;
    let page = |numbers: &[u128], next: Option<&str>| {
        let calls: Vec<_> = numbers.iter().map(|number| call(*number)).collect();
        let next =
            next.map(|page| format!("{ACCOUNT}/Calls.json?PageSize=2&Page={page}&PageToken=PACA{page}"));
        ResponseTemplate::new(200).set_body_json(json!({"calls": calls, "next_page_uri": next}))
    };
    for (number, answer) in [
        (None, page(&[1, 2], Some("1"))),
        (Some("1"), page(&[3, 4], Some("2"))),
        (Some("2"), page(&[5], None)),
    ] {
        let mock = Mock::given(method("GET")).and(path(format!("{ACCOUNT}/Calls.json")));
        match number {
            Some(number) => mock.and(query_param("Page", number)),
            None => mock.and(query_param_is_missing("Page")),
        }
        .respond_with(answer)
        .mount(&server)
        .await;
    }
    let client = client(&server.uri());
    let sids = |calls: Vec<CallResource>| calls.into_iter().map(|call| call.sid).collect::<Vec<_>>();
    let all = sids(client.list_calls(&CallFilter::default()).await.unwrap());
    assert_eq!(all, (1..=5).map(CallSid::from_u128).collect::<Vec<_>>());
    let three = CallFilter { limit: Some(3), ..CallFilter::default() };
    assert_eq!(sids(client.list_calls(&three).await.unwrap()), all[..3]);
    assert_eq!(requests(&server).await.len(), 3 + 2);
}

#[tokio::test]
async fn the_credentials_do_not_follow_a_page_to_another_host() {
    let body = json!({"participants": [participant()], "next_page_uri": "http://evil.example/steal"});
    let (_server, client) = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let error = client.list_participants(&ConferenceSid::from_u128(1)).await.unwrap_err();
    assert!(matches!(error, TwilioError::Uncertain(_)), "{error}");
}

#[tokio::test]
async fn a_refusal_tells_twilios_code_and_is_not_repeated() {
    let (server, client) = answering(refused(400, 21219)).await;
    let error = client.create_call(&to_customer()).await.unwrap_err();
    let expected = TwilioError::Refused { http_status: 400, code: Some(21219), message: "No.".into() };
    assert_eq!(error, expected);
    assert!(!error.may_have_happened() && !error.is_gone());
    assert!(error.known().unwrap().sentence.contains("trial"));
    assert_eq!(requests(&server).await.len(), 1);

    let (server, client) = answering(refused(404, 20404)).await;
    assert!(client.fetch_call(&CallSid::from_u128(1)).await.unwrap_err().is_gone());
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (server, client) =
        answering(ResponseTemplate::new(302).insert_header("Location", "/elsewhere")).await;
    let error = client.create_call(&to_customer()).await.unwrap_err();
    assert!(matches!(error, TwilioError::Refused { http_status: 302, code: None, .. }), "{error}");
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn what_twilio_did_not_take_is_asked_again_until_it_does() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(refused(429, 20429)).up_to_n_times(2).mount(&server).await;
    Mock::given(method("POST")).respond_with(created(participant())).mount(&server).await;
    client(&server.uri()).create_participant("room-1", &second_agent()).await.unwrap();
    let bodies: Vec<_> = requests(&server).await.into_iter().map(|request| request.body).collect();
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
}

#[tokio::test]
async fn there_is_an_end_to_asking_again() {
    let (server, client) = answering(refused(429, 20429)).await;
    let error = client.create_call(&to_customer()).await.unwrap_err();
    assert_eq!(error, TwilioError::RateLimited { retry_after: None });
    assert_eq!((requests(&server).await.len(), error.may_have_happened()), (3, false));

    let (server, client) = answering(refused(429, 20429).insert_header("Retry-After", "30")).await;
    let error = client.create_call(&to_customer()).await.unwrap_err();
    assert_eq!(error, TwilioError::RateLimited { retry_after: Some(Duration::from_secs(30)) });
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn a_failure_of_twilios_leaves_a_create_uncertain_and_a_read_is_repeated() {
    for answer in [ResponseTemplate::new(500), ResponseTemplate::new(503), ResponseTemplate::new(408)] {
        let (server, client) = answering(answer.clone()).await;
        let error = client.create_call(&to_customer()).await.unwrap_err();
        assert!(error.may_have_happened(), "{error}");
        assert!(client.create_participant("room-1", &second_agent()).await.is_err());
        assert!(client.update_call(&CallSid::from_u128(1), &CallUpdate::Complete).await.is_err());
        assert_eq!(requests(&server).await.len(), 3);
        assert!(client.fetch_call(&CallSid::from_u128(1)).await.is_err());
        assert_eq!(requests(&server).await.len(), 3 + 3);
    }
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(502)).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(created(call(1))).mount(&server).await;
    client(&server.uri()).fetch_call(&CallSid::from_u128(1)).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_uncertain_and_does_not_leak() {
    for body in ["", "<html>", r#"{"sid":"+15550100123","status":"queued"}"#] {
        let (server, client) = answering(ResponseTemplate::new(201).set_body_string(body)).await;
        let error = client.create_call(&to_customer()).await.unwrap_err();
        assert!(error.may_have_happened() && !error.to_string().contains("15550100123"), "{error}");
        assert_eq!(requests(&server).await.len(), 1);
    }
}

/// A server that takes a request and then closes the connection, or says nothing at all.
async fn silent(closes: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 16]).await;
            if !closes {
                kept.push(stream);
            }
        }
    });
    address
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_it_uncertain() {
    let client = client(&format!("http://{}", silent(true).await));
    let error = client.create_call(&to_customer()).await.unwrap_err();
    assert!(error.may_have_happened(), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_leaves_it_uncertain() {
    let mut client = client(&format!("http://{}", silent(false).await));
    client.transport.config.timeout = Duration::from_millis(100);
    let error = client.create_call(&to_customer()).await.unwrap_err();
    assert!(error.may_have_happened(), "{error}");
    let filter = CallFilter { to: Some("+15550100123".parse().unwrap()), ..CallFilter::default() };
    let error = client.list_calls(&filter).await.unwrap_err();
    assert!(!error.to_string().contains("15550100123"), "{error}");
}

#[tokio::test]
async fn what_could_not_be_sent_has_surely_not_happened() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for base_url in [format!("http://{address}"), "http://twilio.invalid".into(), "no url".into()] {
        let error = client(&base_url).create_call(&to_customer()).await.unwrap_err();
        assert!(matches!(error, TwilioError::NotSent(_)), "{error:?}");
        assert!(!error.may_have_happened());
    }
}

#[test]
fn what_is_asked_shows_no_numbers_and_no_urls() {
    let filter = CallFilter { to: Some("+15550100123".parse().unwrap()), ..CallFilter::default() };
    let url = "https://calls.example.com/?customer=%2B15550100123";
    let update = CallUpdate::redirect(url, None);
    let announce = ConferenceUpdate::Announce { url: url.into(), method: None };
    let hold = ParticipantUpdate { hold_url: Some(url.into()), ..ParticipantUpdate::default() };
    let shown =
        format!("{:?} {:?} {filter:?} {update:?} {announce:?} {hold:?}", to_customer(), second_agent());
    assert!(!shown.contains("15550100") && !shown.contains("example.com"), "{shown}");
}

#[tokio::test]
async fn a_recording_has_every_attempt_and_no_credentials() {
    let server = MockServer::start().await;
    let limited = refused(429, 20429);
    Mock::given(any()).respond_with(limited).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(created(call(1))).mount(&server).await;
    let clock = std::sync::Arc::new(crate::clock::SystemClock::new());
    let (client, recording) = client(&server.uri()).recording(clock);
    client.create_call(&to_customer()).await.unwrap();
    client.fetch_call(&CallSid::from_u128(1)).await.unwrap();
    let all = recording.take();
    let lines: Vec<_> = all.iter().map(|it| (it.method.as_str(), it.path.as_str(), it.status)).collect();
    let one = format!("/Calls/{}.json", CallSid::from_u128(1));
    let create = |status| ("POST", "/Calls.json", Some(status));
    assert_eq!(lines, [create(429), create(201), ("GET", &one, Some(201))]);
    assert!(all[0].error.is_some() && all[1].error.is_none());
    assert_eq!(all[1].body.as_deref(), Some(call(1).to_string().as_str()));
    let form = all[1].form.as_deref().unwrap();
    assert_eq!(
        form,
        url::form_urlencoded::parse(to_customer().form().as_bytes()).into_owned().collect::<Vec<_>>()
    );
    assert_eq!(all[2].form, None);
    assert!(!format!("{all:?}").contains("token"), "{all:?}");
    assert_eq!(recording.take(), []);
}

#[tokio::test]
async fn a_recording_tells_of_answers_that_never_came() {
    let clock = std::sync::Arc::new(crate::clock::SystemClock::new());
    let (client, recording) = client("http://127.0.0.1:1").recording(clock);
    client.fetch_call(&CallSid::from_u128(1)).await.unwrap_err();
    let all = recording.take();
    assert_eq!(all.len(), EAGER.max_attempts as usize);
    assert!(all.iter().all(|it| it.status.is_none() && it.error.as_deref().unwrap().contains("not reached")));

    let (server, slow) = answering(created(call(1)).set_delay(Duration::from_secs(60))).await;
    let clock = std::sync::Arc::new(crate::clock::SystemClock::new());
    let (slow, recording) = slow.recording(clock);
    let sid = CallSid::from_u128(1);
    let mut asking = Box::pin(slow.fetch_call(&sid));
    while server.received_requests().await.unwrap().is_empty() {
        drop(tokio::time::timeout(Duration::from_millis(1), &mut asking).await);
    }
    drop(asking);
    let given_up = recording.take().remove(0);
    assert!(given_up.status.is_none() && given_up.error.as_deref().unwrap().contains("nobody waited"));
}
