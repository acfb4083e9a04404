//! What nobody can do to the console who may not: log-in, sessions, forgery, others' calls, and the headers of every answer.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;
use warm_transfer::agents::models::{AgentRole, Scope};
use warm_transfer::agents::services::{disable_agent, revoke_sessions, set_password, set_role};
use warm_transfer::audit::Actor;
use warm_transfer::console::sessions;
use warm_transfer::urls::{Route, routes};

use crate::support::clock::HandClock;
use crate::support::console::{Console, PASSWORD, hire, log_in_form};
use crate::support::database::TestDatabase;
use crate::support::service::{Answer, PUBLIC_URL, TestService, answer};

const CALLER_ID: (&str, &str) = ("WARM_TRANSFER__TWILIO__CALLER_ID", "+15550100100");

fn code(answered: &Answer) -> (u16, &str) {
    (answered.status, answered.json["code"].as_str().unwrap_or_default())
}

/// Whether somebody is logged in: the log-in sends them on.
async fn is_in(service: &TestService, console: &Console) -> bool {
    let status = console.get(service, "/login").await.status;
    assert!([200, 303].contains(&status), "{status}");
    status == 303
}

async fn on_a_clock(more: &[(&str, &str)]) -> (TestService, Arc<HandClock>) {
    let clock = Arc::new(HandClock::new());
    (TestService::start_at(Arc::new(TestDatabase::new()), more, clock.clone()).await, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_opens_a_session_and_log_out_closes_it() {
    let service = TestService::start().await;
    hire(&service, "dana", AgentRole::Agent).await;
    let opened = answer(log_in_form(&service, "dana", PASSWORD)).await;
    assert_eq!((opened.status, opened.header("location")), (303, "/"));
    let console = Console::opened_by(&opened);
    assert_eq!(console.token.len(), 64, "256 bits");
    // Whoever is logged in need not log in.
    assert!(is_in(&service, &console).await);
    let out = answer(console.bare(&service, "POST", "/logout").form(&[("csrf", &console.csrf)])).await;
    assert_eq!((out.status, out.header("location")), (303, "/login"));
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{out:?}");
    assert!(!is_in(&service, &console).await, "the session is over, not only its cookie");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_out_of_scripts_and_other_sites_reach() {
    for (public_url, name, is_secure) in
        [(PUBLIC_URL, "__Host-wt_session=", true), ("http://localhost:8080", "wt_session=", false)]
    {
        let service = TestService::start_with(&[("PUBLIC_URL", public_url)]).await;
        hire(&service, "dana", AgentRole::Agent).await;
        let opened = answer(log_in_form(&service, "dana", PASSWORD)).await;
        let cookie = opened.header("set-cookie");
        let attributes: Vec<&str> = cookie.split("; ").collect();
        assert!(attributes[0].starts_with(name), "{cookie}");
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"] {
            assert!(attributes.contains(&attribute), "{cookie} lacks {attribute}");
        }
        assert_eq!(attributes.contains(&"Secure"), is_secure, "{cookie}");
        assert!(!cookie.contains("Domain"), "{cookie}");
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_planted_is_not_the_one_that_log_in_opens() {
    let service = TestService::start().await;
    let (_, attacker) = Console::hired(&service, "mallory", AgentRole::Agent).await;
    hire(&service, "dana", AgentRole::Agent).await;
    for planted in [&attacker.token, "0".repeat(64).as_str()] {
        let cookie = format!("__Host-wt_session={planted}");
        let opened = answer(log_in_form(&service, "dana", PASSWORD).header("Cookie", cookie)).await;
        let dana = Console::opened_by(&opened);
        assert_ne!(dana.token, planted);
        assert!(is_in(&service, &dana).await);
    }
    assert!(!is_in(&service, &attacker).await, "what the browser had before is over");
    // A log-in on the same browser leaves no older session behind.
    let first = Console::log_in(&service, "dana", PASSWORD).await;
    let again = log_in_form(&service, "dana", PASSWORD)
        .header("Cookie", format!("__Host-wt_session={}", first.token));
    let second = Console::opened_by(&answer(again).await);
    assert!(!is_in(&service, &first).await && is_in(&service, &second).await);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_kept_as_its_hash_alone() {
    use diesel::prelude::*;
    use warm_transfer::db::{DbError, schema};
    let service = TestService::start().await;
    let (_, dana) = Console::hired(&service, "dana", AgentRole::Agent).await;
    let kept = service.app().db.read(|conn| {
        let sessions: Vec<String> =
            schema::console_sessions::table.select(schema::console_sessions::token_hash).load(conn)?;
        let passwords: Vec<Option<String>> =
            schema::agents::table.select(schema::agents::password_hash).load(conn)?;
        Ok::<_, DbError>((sessions, passwords))
    });
    let (sessions, passwords) = kept.await.unwrap();
    assert_eq!((sessions.len(), sessions[0].len()), (1, 64));
    assert!(sessions[0] != dana.token && sessions[0] != dana.csrf);
    assert!(passwords[0].as_ref().unwrap().starts_with("$argon2id$"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_over_when_it_is_idle_or_old() {
    let (service, clock) = on_a_clock(&[("WARM_TRANSFER__CONSOLE__SESSION_HOURS", "48")]).await;
    let (_, dana) = Console::hired(&service, "dana", AgentRole::Agent).await;
    clock.advance(TimeDelta::hours(12) - TimeDelta::seconds(1));
    assert!(is_in(&service, &dana).await);
    // Its use is written down beside the request.
    let used = clock.now_is();
    while sessions_of(&service, "dana").await.iter().all(|session| session["seen_at"] != used) {
        tokio::task::yield_now().await;
    }
    clock.advance(TimeDelta::hours(11));
    assert!(is_in(&service, &dana).await, "it was used in between");
    clock.advance(TimeDelta::hours(13));
    assert!(!is_in(&service, &dana).await, "idle");

    let dana = Console::log_in(&service, "dana", PASSWORD).await;
    for _ in 0..5 {
        clock.advance(TimeDelta::hours(9));
        assert!(is_in(&service, &dana).await);
        let used = clock.now_is();
        while sessions_of(&service, "dana").await.iter().all(|session| session["seen_at"] != used) {
            tokio::task::yield_now().await;
        }
    }
    clock.advance(TimeDelta::hours(3));
    assert!(!is_in(&service, &dana).await, "old");
    service.stop().await;
}

/// Where somebody is logged in, as the page of their account shows it.
async fn sessions_of(service: &TestService, name: &str) -> Vec<Value> {
    let app = service.app();
    let agent = warm_transfer::agents::services::find_by_name(&app.db, name).await.unwrap().unwrap();
    let listed = sessions::services::list(app, agent.id).await.unwrap();
    listed.iter().map(|session| serde_json::to_value(session).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_revoked_from_elsewhere() {
    let service = TestService::start().await;
    let (app, by) = (service.app().clone(), Actor::system("test"));
    let (agent, one) = Console::hired(&service, "dana", AgentRole::Agent).await;
    let two = Console::log_in(&service, "dana", PASSWORD).await;
    let (_, ben) = Console::hired(&service, "ben", AgentRole::Agent).await;
    assert_eq!(revoke_sessions(&app.db, &*app.clock, &by, "dana").await.unwrap(), 2);
    assert!(!is_in(&service, &one).await && !is_in(&service, &two).await && is_in(&service, &ben).await);

    let three = Console::log_in(&service, "dana", PASSWORD).await;
    let hash = warm_transfer::agents::passwords::Password::parse("another password").unwrap();
    let hash = hash.hash(&*app.ids).unwrap();
    set_password(&app.db, &*app.clock, &by, "dana", hash, None).await.unwrap();
    assert!(!is_in(&service, &three).await, "a new password closes them all");
    assert_eq!(answer(log_in_form(&service, "dana", PASSWORD)).await.status, 401);

    let four = Console::log_in(&service, "dana", "another password").await;
    set_role(&app.db, &*app.clock, &by, "dana", AgentRole::Agent).await.unwrap();
    assert!(is_in(&service, &four).await, "nothing has changed");
    set_role(&app.db, &*app.clock, &by, "dana", AgentRole::Supervisor).await.unwrap();
    assert!(!is_in(&service, &four).await, "streams show what the old role might see");
    let four = Console::log_in(&service, "dana", "another password").await;
    let [session] = sessions::services::list(&app, agent.id).await.unwrap().try_into().unwrap();
    assert!(sessions::is_live(&app, session.id).await.unwrap());
    disable_agent(&app.db, &*app.clock, &by, "dana").await.unwrap();
    assert!(!is_in(&service, &four).await);
    assert!(!sessions::is_live(&app, session.id).await.unwrap(), "streams are told");
    assert!(!sessions::is_live(&app, Uuid::nil()).await.unwrap());
    assert_eq!(answer(log_in_form(&service, "dana", "another password")).await.status, 401);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_costs_as_much_as_a_wrong_password_and_says_the_same() {
    let service = TestService::start().await;
    hire(&service, "dana", AgentRole::Agent).await;
    hire(&service, "gone", AgentRole::Agent).await;
    let (app, by) = (service.app().clone(), Actor::system("test"));
    disable_agent(&app.db, &*app.clock, &by, "gone").await.unwrap();
    warm_transfer::agents::services::add_agent(
        &app.db,
        &*app.clock,
        &*app.ids,
        &by,
        warm_transfer::agents::services::NewAgent {
            name: "phone".into(),
            display_name: None,
            address: "client:phone".parse().unwrap(),
            role: AgentRole::Agent,
        },
    )
    .await
    .unwrap();
    let mut said = vec![];
    for (name, password) in [
        ("dana", "wrong password"),
        ("nobody", PASSWORD),
        ("gone", PASSWORD),
        ("phone", PASSWORD),
        ("\0' OR 1=1", ""),
    ] {
        let before = app.console.passwords.computed();
        let answered = answer(log_in_form(&service, name, password)).await;
        assert_eq!((answered.status, answered.header("set-cookie")), (401, ""), "{name}");
        assert_eq!(app.console.passwords.computed(), before + 1, "{name}: as much work");
        said.push(answered.text.replace(&format!("value=\"{name}\""), "value=\"\""));
    }
    assert!(said[..4].iter().all(|text| *text == said[0]), "{said:#?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_is_told_when_to_try_again_and_others_are_not_kept_out() {
    let (service, clock) = on_a_clock(&[]).await;
    hire(&service, "dana", AgentRole::Agent).await;
    hire(&service, "ben", AgentRole::Agent).await;
    for _ in 0..10 {
        assert_eq!(answer(log_in_form(&service, "dana", "wrong password")).await.status, 401);
    }
    let before = service.app().console.passwords.computed();
    let refused = answer(log_in_form(&service, "dana", PASSWORD)).await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, "10"),
        "a right guess is not told from a wrong one"
    );
    assert!(refused.text.contains("10 seconds"), "{}", refused.text);
    assert!(refused.header("content-type").starts_with("text/html"));
    assert_eq!(service.app().console.passwords.computed(), before, "nothing is computed for it");
    Console::log_in(&service, "ben", PASSWORD).await;
    clock.advance(TimeDelta::seconds(10));
    Console::log_in(&service, "dana", PASSWORD).await;

    // Names are changed after each try; many at once are no way around.
    let names: Vec<String> = (0..80).map(|n| format!("name{n}")).collect();
    let tries = names.iter().map(|name| answer(log_in_form(&service, name, "wrong password")));
    let refused = join_all(tries).await.iter().filter(|answered| answered.status == 429).count();
    // An address has 60 at once; how many it has used before and won back since depends on the clock above.
    assert!((20..=32).contains(&refused), "{refused}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ins_are_in_the_audit_log_and_what_was_typed_is_not() {
    let service = TestService::start().await;
    let (_, dana) = Console::hired(&service, "dana", AgentRole::Agent).await;
    answer(log_in_form(&service, "dana", "wrong password")).await;
    answer(log_in_form(&service, "my-secret-in-the-wrong-field", "")).await;
    assert_eq!(dana.post(&service, "/logout", &json!({})).await.status, 303);
    let key = service.key("auditor", &[Scope::Admin]).await;
    let listed = answer(service.request("GET", "/api/v1/audit").bearer_auth(key)).await;
    let entries = listed.json["entries"].as_array().unwrap();
    let found: Vec<_> = entries.iter().filter(|entry| entry["actor"] != "test").collect();
    let found: Vec<_> = found
        .iter()
        .map(|entry| (&entry["action"], &entry["actor_kind"], &entry["actor"], &entry["subject"]))
        .collect();
    let expected = [
        ("agent.logged_out", "agent", "dana", json!("dana")),
        ("agent.log_in_failed", "system", "console", Value::Null),
        ("agent.log_in_failed", "system", "console", json!("dana")),
        ("agent.logged_in", "agent", "dana", json!("dana")),
    ];
    let expected =
        expected.map(|(action, kind, actor, subject)| (json!(action), json!(kind), json!(actor), subject));
    assert_eq!(found, expected.iter().map(|it| (&it.0, &it.1, &it.2, &it.3)).collect::<Vec<_>>());
    assert!(listed.text.contains("127.0.0.1"), "from where");
    for secret in ["my-secret", "wrong password", PASSWORD, &dana.token] {
        assert!(!listed.text.contains(secret), "{secret}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_logged_in_by_another_site() {
    let service = TestService::start().await;
    hire(&service, "mallory", AgentRole::Agent).await;
    let form = [("name", "mallory"), ("password", PASSWORD)];
    for origin in ["https://evil.example", "null", "https://calls.example.com.evil.example"] {
        let answered = answer(service.request("POST", "/login").header("Origin", origin).form(&form)).await;
        assert_eq!((code(&answered), answered.header("set-cookie")), ((403, "forged"), ""), "{origin}");
    }
    let answered =
        answer(service.request("POST", "/login").header("Sec-Fetch-Site", "cross-site").form(&form)).await;
    assert_eq!(code(&answered), (403, "forged"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_without_the_sessions_token() {
    let service = TestService::start().await;
    let (_, dana) = Console::hired(&service, "dana", AgentRole::Agent).await;
    let (_, ben) = Console::hired(&service, "ben", AgentRole::Agent).await;
    assert_eq!(dana.put(&service, "/nowhere", &json!({})).await.status, 404);
    for token in ["", &ben.csrf, &dana.token, &dana.csrf[1..]] {
        let request = dana.bare(&service, "POST", "/logout").header("X-CSRF-Token", token);
        assert_eq!(code(&answer(request).await), (403, "forged"), "{token}");
        let request = dana.bare(&service, "POST", "/logout").form(&[("csrf", token)]);
        assert_eq!(code(&answer(request).await), (403, "forged"), "{token}");
    }
    for origin in ["https://evil.example", "null", "http://calls.example.com"] {
        let request = dana.bare(&service, "POST", "/logout").header("Origin", origin);
        let request = request.header("X-CSRF-Token", &dana.csrf);
        assert_eq!(code(&answer(request).await), (403, "forged"), "{origin}");
    }
    let request = dana.bare(&service, "POST", "/logout").header("Sec-Fetch-Site", "cross-site");
    assert_eq!(code(&answer(request.header("X-CSRF-Token", &dana.csrf)).await), (403, "forged"));
    assert!(is_in(&service, &dana).await);
    assert_eq!(dana.post(&service, "/logout", &json!({})).await.status, 303);
    service.stop().await;
}

/// Every method of every route that a session opens.
fn doors() -> impl Iterator<Item = (&'static Route, &'static str)> {
    let is_for_people = |route: &&Route| route.access.ends_with("session");
    routes()
        .filter(is_for_people)
        .flat_map(|route| route.methods.split(' ').map(move |method| (route, method)))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_button_works_without_the_token() {
    let service = TestService::start().await;
    let (_, admin) = Console::hired(&service, "admin", AgentRole::Admin).await;
    let rows = service.rows().await;
    let mut count = 0;
    for (route, method) in doors().filter(|(_, method)| *method != "GET") {
        let path = route.path.replace("{id}", &Uuid::nil().to_string()).replace("{role}", "customer");
        let path = path.replace("{control}", "hold").replace("{name}", "dana");
        let without = answer(admin.bare(&service, method, &path).json(&json!({}))).await;
        assert_eq!(code(&without), (403, "forged"), "{method} {path}");
        let elsewhere = admin.bare(&service, method, &path).header("X-CSRF-Token", &admin.csrf);
        let elsewhere = elsewhere.header("Origin", "https://evil.example");
        assert_eq!(answer(elsewhere.json(&json!({}))).await.status, 403, "{method} {path}");
        count += 1;
    }
    assert!(count >= 12, "{count}");
    assert_eq!(service.rows().await, rows, "nothing was changed");
    service.stop().await;
}

/// What a route takes.
enum Body {
    Nothing,
    Json(Value),
    Form(&'static [(&'static str, &'static str)]),
}

/// What each of four may do with a call of Alice's: herself, Ben who has nothing to do with it, Simon who supervises, and an
/// admin. 409 stands for the call's word, whatever it is, and not the door's. A route without a line here fails the test.
fn case(route: &str) -> Option<(Body, [u16; 4])> {
    use Body::{Form, Json, Nothing};
    const ADMIN_ALONE: [u16; 4] = [403, 403, 403, 303];
    Some(match route.strip_prefix("console:").unwrap_or(route) {
        "fixtures:of-page" => (Nothing, [403, 403, 409, 409]),
        "agent" | "recent" | "check" | "stream" | "account" | "history" => (Nothing, [200; 4]),
        "board" | "numbers" => (Nothing, [403, 403, 200, 200]),
        "team" => (Nothing, [403, 403, 403, 200]),
        "call" => (Nothing, [200, 404, 200, 200]),
        "presence" => (Json(json!({ "presence": "available" })), [200; 4]),
        "phone" => (Json(json!({ "address": "client:somebody" })), [200; 4]),
        "create" => (Json(json!({ "customer": "+15550100155", "caller_id": "12" })), [422; 4]),
        "transfer" => (Json(json!({ "to": "client:nobody" })), [409, 404, 409, 409]),
        "complete" | "cancel" | "merge" | "swap" | "participant" | "hangup" => {
            (Nothing, [409, 404, 409, 409])
        }
        "outcome" => (Json(json!({ "disposition": "sale" })), [200, 404, 200, 200]),
        "supervise" => (Json(json!({ "mode": "listen" })), [403, 404, 409, 409]),
        "supervise-end" => (Nothing, [403, 404, 409, 409]),
        // There, the id is a session's: one that is not one's own is nobody's.
        "revoke" | "revoke-others" => (Nothing, [303; 4]),
        "password" => (Form(&[("current", "wrong"), ("new", PASSWORD), ("again", PASSWORD)]), [422; 4]),
        "team-add" => {
            (Form(&[("name", "new"), ("address", "client:new"), ("role", "agent")]), [403, 403, 403, 200])
        }
        "team-role" => (Form(&[("role", "supervisor")]), ADMIN_ALONE),
        "team-disable" | "team-enable" => (Nothing, ADMIN_ALONE),
        "team-password" => (Nothing, [403, 403, 403, 200]),
        "log-out" => (Nothing, [303; 4]),
        _ => return None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reaches_anothers_call_by_any_route() {
    let service = TestService::start_with(&[CALLER_ID]).await;
    let (_, alice) = Console::hired(&service, "alice", AgentRole::Agent).await;
    let (_, ben) = Console::hired(&service, "ben", AgentRole::Agent).await;
    let (_, simon) = Console::hired(&service, "simon", AgentRole::Supervisor).await;
    let (_, root) = Console::hired(&service, "root", AgentRole::Admin).await;
    hire(&service, "kim", AgentRole::Agent).await;
    let placed = alice.post(&service, "/console/calls", &json!({ "customer": "+15550100199" })).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let call = placed.json["id"].as_str().unwrap();
    // What ends something comes last.
    let is_last =
        |route: &Route| ["console:hangup", "console:log-out"].iter().position(|name| *name == route.name);
    let mut all: Vec<_> = doors().collect();
    all.sort_by_key(|(route, _)| is_last(route));
    let mut missing = vec![];
    for (route, method) in all {
        let Some((body, expected)) = case(route.name) else {
            missing.push(route.name);
            continue;
        };
        let path =
            route.path.replace("{id}", call).replace("{role}", "customer").replace("{control}", "hold");
        let path = path.replace("{name}", "kim");
        let path = if route.name == "console:check" { format!("{path}?number=1") } else { path };
        for (who, status) in [&ben, &alice, &simon, &root].iter().zip([1, 0, 2, 3].map(|at| expected[at])) {
            let request = who.request(&service, method, &path);
            let request = match &body {
                Body::Nothing => request,
                Body::Json(body) => request.json(body),
                Body::Form(fields) => request.form(fields),
            };
            let response = request.send().await.unwrap();
            let found = response.status().as_u16();
            let found = if found == 202 { 409 } else { found };
            assert_eq!(found, status, "{method} {path} by {}: {response:?}", who.name);
        }
    }
    assert_eq!(missing, Vec::<&str>::new(), "say in `case` who gets in there");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_closes_anothers_session() {
    let service = TestService::start().await;
    let (agent, dana) = Console::hired(&service, "dana", AgentRole::Agent).await;
    let (_, root) = Console::hired(&service, "root", AgentRole::Admin).await;
    let [session] = sessions::services::list(service.app(), agent.id).await.unwrap().try_into().unwrap();
    let path = format!("/account/sessions/{}/revoke", session.id);
    assert_eq!(root.post(&service, &path, &json!({})).await.status, 303);
    assert_eq!(root.post(&service, "/account/sessions/revoke", &json!({})).await.status, 303);
    assert!(is_in(&service, &dana).await && is_in(&service, &root).await);
    assert_eq!(dana.post(&service, &path, &json!({})).await.status, 303);
    assert!(!is_in(&service, &dana).await);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_a_browser_is_protected() {
    let service = TestService::start().await;
    let (_, admin) = Console::hired(&service, "admin", AgentRole::Admin).await;
    let mut paths: Vec<(&str, String)> = doors()
        .map(|(route, method)| {
            let path = route.path.replace("{id}", "x").replace("{role}", "y").replace("{control}", "z");
            (method, path.replace("{name}", "nobody"))
        })
        .collect();
    paths.extend(
        [
            "/login",
            "/nowhere",
            "/static/nothing",
            "/console/nothing",
            "/calls/1",
            "/%00",
            "/login?next=a&next=b",
        ]
        .map(|path| ("GET", path.to_owned())),
    );
    paths.extend([("POST", "/login".to_owned()), ("DELETE", "/".to_owned()), ("PUT", "/login".to_owned())]);
    // Said with the token, it is meant.
    paths.sort_by_key(|(_, path)| path == "/logout");
    for (method, path) in paths {
        for request in [
            admin.request(&service, method, &path),
            service.request(method, &path),
            admin.bare(&service, method, &path),
        ] {
            let response = request.send().await.unwrap();
            let header =
                |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap());
            let policy = header("content-security-policy");
            let here = format!("{method} {path} ({})", response.status());
            for directive in [
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
                "form-action 'self'",
            ] {
                assert!(policy.contains(directive), "{here}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{here}: {policy}");
            assert_eq!(header("x-content-type-options"), "nosniff", "{here}");
            assert_eq!(header("x-frame-options"), "DENY", "{here}");
            assert_eq!(header("referrer-policy"), "same-origin", "{here}");
            assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{here}");
            assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{here}");
            assert!(!header("cache-control").is_empty(), "{here}");
            assert!(!response.status().is_server_error(), "{here}");
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_sends_nobody_elsewhere() {
    let service = TestService::start().await;
    hire(&service, "dana", AgentRole::Agent).await;
    for (next, expected) in [
        ("/calls/1", "/calls/1"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/board\r\nSet-Cookie: a=b", "/"),
    ] {
        let form = [("name", "dana"), ("password", PASSWORD), ("next", next)];
        let opened = answer(service.request("POST", "/login").form(&form)).await;
        assert_eq!((opened.status, opened.header("location")), (303, expected), "{next}");
    }
    // Whoever is sent to the log-in comes back to where they were.
    let stranger = answer(service.request("GET", "/board?x=1&y=%22")).await;
    let location = stranger.header("location");
    assert_eq!(stranger.status, 303);
    let next = location.strip_prefix("/login?").unwrap();
    let next = url::form_urlencoded::parse(next.as_bytes()).next().unwrap();
    assert_eq!((&*next.0, &*next.1), ("next", "/board?x=1&y=%22"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_comes_back_as_text() {
    let service = TestService::start().await;
    let markup = "\"><script>alert(1)</script>&'";
    let answered = answer(log_in_form(&service, markup, "x")).await;
    assert_eq!(answered.status, 401);
    assert!(!answered.text.contains("<script>alert"), "{}", answered.text);
    assert!(!answered.text.contains("value=\"\"><"), "{}", answered.text);
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("next", &format!("/calls/{markup}"))
        .finish();
    let page = answer(service.request("GET", &format!("/login?{query}"))).await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
    let error = answer(service.request("GET", "/%3Cscript%3Ealert(1)%3C/script%3E")).await;
    assert!(!error.text.contains("<script>"), "{}", error.text);
    assert_eq!(error.header("x-content-type-options"), "nosniff");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_its_session_does() {
    let service = TestService::start().await;
    let (_, dana) = Console::hired(&service, "dana", AgentRole::Agent).await;
    let mut stream = dana.request(&service, "GET", "/console/stream").send().await.unwrap();
    assert_eq!(stream.status().as_u16(), 200);
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("event: snapshot"));
    let app = service.app();
    revoke_sessions(&app.db, &*app.clock, &Actor::system("test"), "dana").await.unwrap();
    // It ends within its next look at the session.
    let rest = async { while let Ok(Some(_)) = stream.chunk().await {} };
    tokio::time::timeout(std::time::Duration::from_secs(45), rest).await.expect("the stream goes on");
    service.stop().await;
}
