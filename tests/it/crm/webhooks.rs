//! Webhooks as a CRM gets them: signed, in order for each call, again until they are taken, and to public addresses only.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};
use warm_transfer::agents::models::Scope;

use super::receiver::{Received, Receiver, Reply};
use super::{hung_up, placed};
use crate::support::clock::SetForward;
use crate::support::database::TestDatabase;
use crate::support::process::{Killed, command};
use crate::support::service::{Answer, TestService, answer};

const ENDPOINTS: &str = "/api/v1/webhook-endpoints";

/// A service, a clock that can be set forward, and a key that may do everything.
pub struct House {
    pub service: TestService,
    pub clock: Arc<SetForward>,
    pub key: String,
}

impl House {
    async fn open() -> Self {
        Self::on(Arc::new(TestDatabase::new()), &[]).await
    }

    pub async fn on(database: Arc<TestDatabase>, more: &[(&str, &str)]) -> Self {
        let clock = Arc::new(SetForward::default());
        let service = TestService::start_at(database, more, clock.clone()).await;
        let key = service.key(&clock_name(&service), &[Scope::Admin]).await;
        Self { service, clock, key }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = self.service.request(method, path).bearer_auth(&self.key);
        answer(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// Makes an endpoint; gives it with its secret.
    pub async fn endpoint(&self, url: &str, events: &[&str]) -> Value {
        let made = self.ask("POST", ENDPOINTS, Some(json!({ "url": url, "events": events }))).await;
        assert_eq!(made.status, 201, "{made:?}");
        assert_eq!(made.header("location"), path(&made.json, ""));
        made.json
    }

    /// The endpoint as it is, when it is so.
    async fn when(&self, endpoint: &Value, is_so: impl Fn(&Value) -> bool) -> Value {
        loop {
            let shown = self.ask("GET", &path(endpoint, ""), None).await.json;
            if is_so(&shown) {
                return shown;
            }
            tokio::task::yield_now().await;
        }
    }

    /// The endpoint's deliveries, newest first, when they are so.
    async fn deliveries(&self, endpoint: &Value, are_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        loop {
            let page = self.ask("GET", &path(endpoint, "/deliveries?limit=200"), None).await.json;
            let deliveries = page["deliveries"].as_array().unwrap();
            if are_so(deliveries) {
                return deliveries.clone();
            }
            tokio::task::yield_now().await;
        }
    }

    async fn do_to(&self, endpoint: &Value, action: &str, body: Value) -> Answer {
        self.ask("POST", &path(endpoint, action), Some(body)).await
    }

    async fn change(&self, endpoint: &Value, body: Value) -> Answer {
        self.ask("PATCH", &path(endpoint, ""), Some(body)).await
    }

    async fn none_is_claimed(&self) -> bool {
        use diesel::prelude::*;
        use warm_transfer::db::schema::webhook_deliveries::dsl;
        let claimed = self.service.app().db.read(|conn| {
            let claimed = dsl::webhook_deliveries.filter(dsl::claimed_by.is_not_null());
            Ok::<_, warm_transfer::db::DbError>(claimed.count().get_result::<i64>(conn)?)
        });
        claimed.await.unwrap() == 0
    }

    fn pass(&self, time: TimeDelta) {
        self.clock.pass(time);
        self.service.app().crm.webhooks.knock();
    }

    /// A call from its beginning to its end.
    async fn call(&self) -> String {
        let call = placed(&self.service, &self.key).await;
        hung_up(&self.service, &self.key, &call).await;
        call
    }
}

/// Keys have names of their own at each copy.
fn clock_name(service: &TestService) -> String {
    format!("admin-{}", service.addr().port())
}

fn path(endpoint: &Value, rest: &str) -> String {
    format!("{ENDPOINTS}/{}{rest}", endpoint["id"].as_str().unwrap())
}

fn secret(endpoint: &Value) -> &str {
    endpoint["secret"].as_str().unwrap()
}

fn is_ended(message: &Received) -> bool {
    message.json["type"] == "call.ended"
}

fn ended(messages: &[Received], calls: usize) -> bool {
    messages.iter().filter(|message| is_ended(message)).map(|it| &it.id).collect::<HashSet<_>>().len()
        >= calls
}

/// What the official library for Python says of each: the data it verified, or null.
fn verified(messages: &[Value]) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crm");
    let python = folder.join(".venv/bin/python");
    assert!(
        python.exists(),
        "there is no {}: run tests/crm/setup.sh, as scripts/test does",
        python.display()
    );
    let mut child = Command::new(python)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(folder.join("verify.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(Value::from(messages).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_library_verifies_what_is_sent_and_nothing_else() {
    let (house, receiver) = (House::open().await, Receiver::open());
    let endpoint = house.endpoint(&receiver.url, &[]).await;
    let call = house.call().await;
    let messages = receiver.until(|all| ended(all, 1)).await;
    let mine: Vec<Value> = messages.iter().map(|it| it.for_verifier(secret(&endpoint))).collect();
    let data = verified(&mine);
    for (message, verified) in messages.iter().zip(&data) {
        assert_eq!(&message.json, verified);
        assert_eq!(message.json["data"]["type"], message.json["type"]);
        assert_eq!(message.json["data"]["at"], message.json["timestamp"]);
        assert_eq!(
            (message.call(), &message.json["data"]["external_id"]),
            (call.as_str(), &json!("deal-42"))
        );
    }
    let mut tampered = mine[0].clone();
    tampered["body"] = messages[0].body.replace("deal-42", "deal-43").into();
    let mut late = mine[0].clone();
    late["headers"]["webhook-timestamp"] = "1614265330".into();
    let other = house.endpoint(&receiver.url, &["call.queued"]).await;
    let wrong = messages[0].for_verifier(secret(&other));
    assert_eq!(verified(&[tampered, late, wrong]), [Value::Null, Value::Null, Value::Null]);
    house.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_secrets_overlap_both_verify_and_later_only_the_new_one() {
    let (house, receiver) = (House::open().await, Receiver::open());
    let endpoint = house.endpoint(&receiver.url, &[]).await;
    let rotated = house.do_to(&endpoint, "/rotate-secret", json!({ "overlap_hours": 1 })).await.json;
    assert_ne!(secret(&rotated), secret(&endpoint));
    assert!(rotated["old_secret_until"].is_string());
    assert_eq!(house.do_to(&endpoint, "/test", json!({})).await.status, 202);
    let message = receiver.count(1).await.remove(0);
    assert_eq!(message.json["type"], "webhook.test");
    let both = [&endpoint, &rotated].map(|it| message.for_verifier(secret(it)));
    assert!(verified(&both).iter().all(Value::is_object));
    house.pass(TimeDelta::hours(1));
    house.do_to(&endpoint, "/test", json!({})).await;
    let message = receiver.count(2).await.remove(1);
    assert_eq!(message.signature.split(' ').count(), 1);
    // A rotation without overlap, as after a leak.
    let again = house.do_to(&endpoint, "/rotate-secret", json!({ "overlap_hours": 0 })).await.json;
    assert_eq!(again["old_secret_until"], Value::Null);
    house.do_to(&endpoint, "/test", json!({})).await;
    let message = receiver.count(3).await.remove(2);
    assert_eq!(message.signature.split(' ').count(), 1);
    let shown = house.ask("GET", &path(&endpoint, ""), None).await;
    assert!(!shown.text.contains("whsec_") && shown.json.get("secret").is_none(), "{shown:?}");
    house.service.stop().await;
}

/// Whether no message of a call came before an earlier one of it was taken; gives how often each message came.
pub fn in_order(messages: &[Received], is_taken: impl Fn(usize) -> bool) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::<String, usize>::new();
    let mut last_taken = BTreeMap::<&str, i64>::new();
    let mut open = BTreeMap::<&str, i64>::new();
    for (number, message) in messages.iter().enumerate() {
        *times.entry(message.id.clone()).or_default() += 1;
        if let Some(open) = open.get(message.call()) {
            assert_eq!(*open, message.position(), "another message before this one was taken");
        }
        assert!(last_taken.get(message.call()).is_none_or(|last| *last < message.position()), "{message:?}");
        if is_taken(number) {
            open.remove(message.call());
            last_taken.insert(message.call(), message.position());
        } else {
            open.insert(message.call(), message.position());
        }
    }
    times
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_call_wait_for_each_other_and_those_of_others_do_not() {
    const CALLS: usize = 10;
    let (house, receiver) = (House::open().await, Receiver::open());
    // The first message about half of the calls is refused at first.
    let refused = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = refused.clone();
    let is_unlucky = |call: &str| call.ends_with(['0', '2', '4', '6', '8', 'a', 'c', 'e']);
    receiver.answers(move |message| {
        let is_first = message.json["type"] == "call.queued"
            && is_unlucky(message.call())
            && seen.lock().unwrap().insert(message.id.clone());
        Reply::Status(if is_first { 500 } else { 200 })
    });
    house.endpoint(&receiver.url, &["call.*"]).await;
    let mut calls = vec![];
    for _ in 0..CALLS {
        calls.push(house.call().await);
    }
    let unlucky = calls.iter().filter(|call| is_unlucky(call)).count();
    // The lucky ones are told to their end meanwhile.
    receiver.until(|all| ended(all, CALLS - unlucky)).await;
    while refused.lock().unwrap().len() < unlucky || !house.none_is_claimed().await {
        tokio::task::yield_now().await;
    }
    assert!(!receiver.all().iter().any(|it| is_ended(it) && is_unlucky(it.call())));
    house.pass(TimeDelta::seconds(7));
    receiver.until(|all| ended(all, CALLS)).await;
    let messages = receiver.all();
    let refused = refused.lock().unwrap().clone();
    let mut seen = HashSet::new();
    let taken: Vec<bool> =
        messages.iter().map(|it| !seen.insert(it.id.clone()) || !refused.contains(&it.id)).collect();
    let times = in_order(&messages, |number| taken[number]);
    assert!(times.values().all(|times| *times <= 2), "{times:?}");
    house.service.stop().await;
}

fn time(value: &Value) -> DateTime<chrono::Utc> {
    DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap().to_utc()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_comes_again_for_a_day_and_then_the_endpoint_is_disabled() {
    const PAUSES: [i64; 10] = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 32_400];
    let (house, receiver) = (House::open().await, Receiver::open());
    receiver.answers(|_| Reply::Status(503));
    let endpoint = house.endpoint(&receiver.url, &[]).await;
    let before = warm_transfer::clock::Clock::now(&*house.clock);
    house.do_to(&endpoint, "/test", json!({})).await;
    for (attempts, pause) in (1..).zip(PAUSES) {
        receiver.count(attempts).await;
        let delivery = house.deliveries(&endpoint, |all| all[0]["attempts"] == attempts).await.remove(0);
        let now = warm_transfer::clock::Clock::now(&*house.clock);
        let wait = (time(&delivery["next_attempt_at"]) - now).as_seconds_f64();
        let pause = pause as f64;
        assert!(wait <= pause * 1.2 && wait > pause - 3.0, "attempt {attempts}: {wait} s of {pause}");
        assert_eq!((&delivery["state"], &delivery["last_status"]), (&json!("pending"), &json!(503)));
        house.pass(TimeDelta::milliseconds((wait * 1000.0) as i64 + 1));
    }
    let messages = receiver.count(11).await;
    assert!(messages.iter().all(|it| it.id == messages[0].id && it.body == messages[0].body));
    assert!(messages.is_sorted_by_key(|it| it.timestamp.parse::<i64>().unwrap()));
    let disabled = house.when(&endpoint, |it| it["enabled"] == false).await;
    assert!(warm_transfer::clock::Clock::now(&*house.clock) - before >= TimeDelta::hours(24));
    let reason = disabled["disabled_reason"].as_str().unwrap();
    assert!(reason.starts_with("it has taken nothing since "), "{reason}");
    let delivery = house.deliveries(&endpoint, |all| all[0]["state"] == "failed").await.remove(0);
    assert_eq!(
        (&delivery["next_attempt_at"], &delivery["last_error"]),
        (&Value::Null, &json!("HTTP 503 Service Unavailable"))
    );
    let audit = house.ask("GET", "/api/v1/audit?action=webhook.disabled", None).await.json;
    assert_eq!(
        (&audit["entries"][0]["actor"], &audit["entries"][0]["subject"]),
        (&json!("webhooks"), &endpoint["id"])
    );

    for action in ["/test", "/replay"] {
        let refused = house.do_to(&endpoint, action, json!({ "since": "2026-01-01T00:00:00Z" })).await;
        assert!([409, 202].contains(&refused.status), "{refused:?}");
        assert_eq!(refused.json["code"], "endpoint_disabled");
    }
    receiver.answers(|_| Reply::Status(200));
    let enabled = house.change(&endpoint, json!({ "enabled": true })).await.json;
    assert_eq!((&enabled["disabled_at"], &enabled["failing_since"]), (&Value::Null, &Value::Null));
    house.do_to(&endpoint, "/test", json!({})).await;
    receiver.count(12).await;
    house.deliveries(&endpoint, |all| all[0]["state"] == "delivered").await;
    house.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_may_ask_for_patience_redirects_are_not_followed_and_silence_is_a_failure() {
    let house =
        House::on(Arc::new(TestDatabase::new()), &[("WARM_TRANSFER__WEBHOOKS__TIMEOUT_MS", "200")]).await;
    let (receiver, elsewhere) = (Receiver::open(), Receiver::open());
    let endpoint = house.endpoint(&receiver.url, &[]).await;
    let replies = [
        (Reply::With(429, "retry-after", "100".into()), "HTTP 429 Too Many Requests", 100.0),
        (Reply::With(302, "location", elsewhere.url.clone()), "HTTP 302 Found", 5.0),
        (Reply::Silence, "it did not answer in time", 5.0),
    ];
    for (reply, error, least) in replies {
        receiver.answers(move |_| reply.clone());
        house.do_to(&endpoint, "/test", json!({})).await;
        let delivery = house.deliveries(&endpoint, |all| all[0]["attempts"] == 1).await.remove(0);
        let wait = (time(&delivery["next_attempt_at"]) - warm_transfer::clock::Clock::now(&*house.clock))
            .as_seconds_f64();
        assert_eq!(delivery["last_error"], error);
        assert!(wait > least - 3.0 && wait <= least * 1.2, "{error}: {wait}");
    }
    assert!(elsewhere.all().is_empty());
    assert!(house.when(&endpoint, |_| true).await["failing_since"].is_string());
    receiver.answers(|_| Reply::Status(200));
    house.pass(TimeDelta::minutes(5));
    house.deliveries(&endpoint, |all| all.iter().all(|it| it["state"] == "delivered")).await;
    assert_eq!(house.when(&endpoint, |_| true).await["failing_since"], Value::Null);
    house.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_disabled_at_once_and_goes_on_elsewhere_with_what_it_missed() {
    let (house, receiver, moved) = (House::open().await, Receiver::open(), Receiver::open());
    receiver.answers(|_| Reply::Status(410));
    let endpoint = house.endpoint(&receiver.url, &["call.*"]).await;
    let witness = Receiver::open();
    house.endpoint(&witness.url, &["call.*"]).await;
    house.call().await;
    let disabled = house.when(&endpoint, |it| it["enabled"] == false).await;
    assert_eq!(disabled["disabled_reason"], "it answered 410 Gone");
    let all = witness.until(|all| ended(all, 1)).await;
    // What happens while it is disabled is not kept for it, but can be replayed.
    let later = house.call().await;
    witness.until(|all| ended(all, 2)).await;
    let waiting = house.deliveries(&endpoint, |_| true).await;
    assert!(
        waiting.iter().all(|it| it["state"] == "pending" && it["call_id"] != later.as_str()),
        "{waiting:?}"
    );
    house.change(&endpoint, json!({ "url": moved.url, "enabled": true })).await;
    moved.count(waiting.len()).await;
    let replayed = house.do_to(&endpoint, "/replay", json!({ "since": disabled["disabled_at"] })).await;
    assert_eq!(replayed.status, 202, "{replayed:?}");
    moved.until(|all| ended(all, 2)).await;
    // Whatever is replayed has the id it always had, so a receiver that had it knows it.
    let ids = |messages: &[Received]| messages.iter().map(|it| it.id.clone()).collect::<BTreeSet<_>>();
    let (witnessed, had) = (ids(&witness.all()), ids(&moved.all()));
    assert!(had.is_subset(&witnessed) && ids(&all).len() >= 2, "{had:?} of {witnessed:?}");
    let everything = house.do_to(
        &endpoint,
        "/replay",
        json!({
            "since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "types": ["call.ended"]
        }),
    );
    assert_eq!(everything.await.json, json!({ "deliveries": 2 }));
    let nothing = house.do_to(
        &endpoint,
        "/replay",
        json!({
            "since": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z"
        }),
    );
    assert_eq!(nothing.await.json, json!({ "deliveries": 0 }));
    house.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_gets_what_it_wants_and_can_be_changed_listed_and_removed() {
    let (house, all, endings) = (House::open().await, Receiver::open(), Receiver::open());
    let one = house.endpoint(&all.url, &[]).await;
    let other = house.endpoint(&endings.url, &["call.ended"]).await;
    house.call().await;
    all.until(|messages| ended(messages, 1)).await;
    let messages = endings.count(1).await;
    assert!(messages.iter().all(is_ended), "{messages:?}");
    let listed = house.ask("GET", ENDPOINTS, None).await;
    let ids: Vec<&Value> = listed.json["endpoints"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, [&one["id"], &other["id"]]);
    assert!(!listed.text.contains("whsec_"));
    let changed = house.change(&other, json!({ "events": ["leg.*"], "description": "legs" })).await.json;
    assert_eq!((&changed["events"], &changed["url"]), (&json!(["leg.*"]), &json!(endings.url)));
    let first = house.ask("GET", &path(&one, "/deliveries?limit=1"), None).await.json;
    let second = format!("/deliveries?limit=1&cursor={}", first["next_cursor"]);
    let second = house.ask("GET", &path(&one, &second), None).await.json;
    assert!(second["deliveries"][0]["id"].as_i64() < first["deliveries"][0]["id"].as_i64());
    assert_eq!(house.ask("DELETE", &path(&other, ""), None).await.status, 204);
    for (method, rest) in [("GET", ""), ("DELETE", ""), ("GET", "/deliveries"), ("POST", "/test")] {
        assert_eq!(house.ask(method, &path(&other, rest), None).await.status, 404, "{method} {rest}");
    }
    let audit = house.ask("GET", "/api/v1/audit?action=webhook.", None).await;
    let actions: Vec<&str> =
        audit.json["entries"].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["webhook.removed", "webhook.changed", "webhook.created", "webhook.created"]);
    assert!(!audit.text.contains("hush") && !audit.text.contains("whsec_"), "{audit:?}");
    house.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_name() {
    let house = House::on(Arc::new(TestDatabase::new()), &[PUBLIC_ONLY]).await;
    let made = house.endpoint("https://hooks.invalid/x", &[]).await;
    let url = "https://hooks.invalid/";
    let cases = [
        (json!({}), "url"),
        (json!({ "url": "hooks.invalid" }), "url"),
        (json!({ "url": "http://hooks.invalid/" }), "url"),
        (json!({ "url": "https://me:pw@hooks.invalid/" }), "url"),
        (json!({ "url": "https://127.0.0.1/" }), "url"),
        (json!({ "url": "https://10.1.2.3/" }), "url"),
        (json!({ "url": "https://0x7f000001/" }), "url"),
        (json!({ "url": "https://[::ffff:169.254.169.254]/" }), "url"),
        (json!({ "url": "https://localhost/" }), "url"),
        (json!({ "url": url, "events": ["calls.*"] }), "events"),
        (json!({ "url": url, "events": "call.*" }), "events"),
        (json!({ "url": url, "description": "x".repeat(201) }), "description"),
        (json!({ "url": url, "secret": "mine" }), "secret"),
    ];
    for (body, field) in cases {
        let refused = house.ask("POST", ENDPOINTS, Some(body.clone())).await;
        assert_eq!(
            (refused.status, refused.json["field"].as_str()),
            (422, Some(field)),
            "{body}: {refused:?}"
        );
    }
    for (action, body, field) in [
        ("/rotate-secret", json!({ "overlap_hours": 169 }), "overlap_hours"),
        ("/rotate-secret", json!({ "overlap": 1 }), "overlap"),
        ("/replay", json!({}), "since"),
        ("/replay", json!({ "since": "yesterday" }), "since"),
        ("/replay", json!({ "since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z" }), "until"),
        ("/replay", json!({ "since": "2026-01-02T00:00:00Z", "types": ["x"] }), "types"),
    ] {
        let refused = house.do_to(&made, action, body.clone()).await;
        assert_eq!(
            (refused.status, refused.json["field"].as_str()),
            (422, Some(field)),
            "{body}: {refused:?}"
        );
    }
    let refused = house.change(&made, json!({ "url": "https://192.168.0.1/" })).await;
    assert_eq!((refused.status, refused.json["field"].as_str()), (422, Some("url")));
    assert_eq!(house.ask("GET", ENDPOINTS, None).await.json["endpoints"].as_array().unwrap().len(), 1);
    house.service.stop().await;
}

const PUBLIC_ONLY: (&str, &str) = ("WARM_TRANSFER__WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "false");

#[tokio::test(flavor = "multi_thread")]
async fn nothing_reaches_an_address_that_is_not_public_whatever_was_set_before() {
    let (database, receiver) = (Arc::new(TestDatabase::new()), Receiver::open());
    let house = House::on(database.clone(), &[]).await;
    let port = receiver.url.rsplit_once(':').unwrap().1;
    let cases = [
        (receiver.url.clone(), "the URL must begin with https://"),
        (format!("https://127.0.0.1:{port}"), "the URL is not a public address"),
        // A name, which is judged when it is resolved: this machine's own.
        (format!("https://{}:{port}", own_name()), "the name leads to an address that is not public"),
    ];
    let mut endpoints = vec![];
    for (url, error) in &cases {
        endpoints.push((house.endpoint(url, &[]).await, *error));
    }
    house.service.stop().await;
    let house = House::on(database, &[PUBLIC_ONLY]).await;
    for (endpoint, error) in endpoints {
        house.do_to(&endpoint, "/test", json!({})).await;
        let delivery = house.deliveries(&endpoint, |all| all[0]["attempts"] == 1).await.remove(0);
        assert!(delivery["last_error"].as_str().unwrap().starts_with(error), "{delivery}");
        assert_eq!(delivery["last_status"], Value::Null);
    }
    assert!(receiver.all().is_empty());
    house.service.stop().await;
}

/// A name of this machine that is not `localhost`, which is refused by its name alone.
fn own_name() -> String {
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_owned();
    use std::net::ToSocketAddrs;
    let resolves = !name.is_empty() && (name.as_str(), 0).to_socket_addrs().is_ok();
    if resolves { name } else { "ip6-localhost".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_on_its_way_when_the_process_was_killed_is_sent_by_the_next_under_the_same_id() {
    let (database, receiver) = (TestDatabase::new(), Receiver::open());
    let told = |args: &[&str]| {
        let mut command = command(&database);
        let output = command
            .env("WARM_TRANSFER__WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "true")
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let added: Value =
        serde_json::from_str(&told(&["webhook", "add", &receiver.url, "--format", "json"])).unwrap();
    let id = added["id"].as_str().unwrap();
    told(&["webhook", "test", id]);
    receiver.answers(|_| Reply::Silence);
    let serve = || {
        let mut serve = command(&database);
        serve
            .args(["serve", "--bind", "127.0.0.1:0"])
            .env("PUBLIC_URL", "https://calls.example.com")
            .env("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001")
            .env("TWILIO_AUTH_TOKEN", "test_auth_token_0123456789abcdef")
            .env("TWILIO_API_BASE_URL", "http://127.0.0.1:1")
            .env("WARM_TRANSFER__WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "true")
            // So long is the claim of the dead one, too.
            .env("WARM_TRANSFER__WEBHOOKS__TIMEOUT_MS", "1000")
            .stderr(Stdio::null());
        Killed(serve.spawn().unwrap())
    };
    let first = serve();
    receiver.count(1).await;
    drop(first);
    receiver.answers(|_| Reply::Status(200));
    let _second = serve();
    let messages = receiver.count(2).await;
    assert_eq!(messages[0].id, messages[1].id);
    assert_eq!(verified(&[messages[1].for_verifier(secret(&added))]), [messages[1].json.clone()]);
}
