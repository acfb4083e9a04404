//! Who gets in: every route that `urls` lists, knocked at by strangers, by the wrong key and by the right one.

use uuid::Uuid;
use warm_transfer::agents::models::Scope;
use warm_transfer::urls::{Route, routes};

use super::body_for;
use crate::support::service::{Answer, TestService, answer};

async fn knock(service: &TestService, method: &str, path: &str, token: Option<&str>) -> Answer {
    let request = service.request(method, path);
    answer(match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    })
    .await
}

/// Every method of every route, with an id that belongs to nothing.
fn doors() -> impl Iterator<Item = (&'static Route, &'static str, String)> {
    routes().flat_map(|route| {
        let path = route.path.replace("{id}", &Uuid::nil().to_string());
        let path = path.replace("{role}", "customer").replace("{control}", "hold");
        // One that is there; of an account, any will do.
        let path = path.replace("{name}", "style.css");
        let path = path.replace("{number}", "+15550100199");
        route.methods.split(' ').map(move |method| (route, method, path.clone()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_let_in_nowhere_but_where_it_says_open() {
    let service = TestService::start().await;
    for (route, method, path) in doors() {
        let stranger = knock(&service, method, &path, None).await;
        let found = (stranger.status, stranger.json["code"].as_str().unwrap_or_default());
        match route.access {
            "api key" => {
                assert_eq!(found, (401, "unauthenticated"), "{method} {path}");
                assert_eq!(stranger.header("www-authenticate"), "Bearer", "{method} {path}");
            }
            "twilio signature" => assert_eq!(found, (403, "invalid_signature"), "{method} {path}"),
            "page session" => {
                let to = stranger.header("location");
                assert_eq!((found, to.split('?').next()), ((303, ""), Some("/login")), "{method} {path}");
            }
            "session" => assert_eq!(found, (401, "log_in_required"), "{method} {path}"),
            "name and password" => assert_eq!(stranger.status, 422, "{method} {path}"),
            "open" => assert_eq!(found, (200, ""), "{method} {path}"),
            other => panic!("{method} {path} lets in {other}: say here what that means"),
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_without_a_body_too() {
    let service = TestService::start().await;
    for path in ["/healthz", "/readyz"] {
        let (get, head) =
            (knock(&service, "GET", path, None).await, knock(&service, "HEAD", path, None).await);
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
        let neither = knock(&service, "POST", path, None).await;
        assert_eq!((neither.status, neither.header("allow")), (405, "GET, HEAD"), "{path}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_what_its_scopes_say() {
    let service = TestService::start().await;
    let keys = [
        ("reader", service.key("reader", &[Scope::Read]).await),
        ("caller", service.key("caller", &[Scope::Call]).await),
        ("mover", service.key("mover", &[Scope::Transfer]).await),
        ("admin", service.key("admin", &[Scope::Admin]).await),
    ];
    for (route, method, path) in doors().filter(|(route, ..)| route.access == "api key") {
        let opens = match route.name {
            "calls:list"
            | "calls:detail"
            | "calls:events"
            | "crm:events"
            | "webhooks:list"
            | "webhooks:detail"
            | "webhooks:deliveries" => "reader",
            "calls:create" | "calls:hangup" | "calls:participant" | "calls:outcome" => "caller",
            "calls:transfer" | "calls:complete" | "calls:cancel" | "calls:merge" | "calls:swap" => "mover",
            "guard:list" | "guard:detail" | "guard:check" | "fixtures:of-call" => "reader",
            "audit:list"
            | "guard:add"
            | "guard:remove"
            | "guard:import"
            | "webhooks:create"
            | "webhooks:change"
            | "webhooks:remove"
            | "webhooks:rotate-secret"
            | "webhooks:replay"
            | "webhooks:test" => "admin",
            other => panic!("{other}: say here which scope opens it"),
        };
        for (name, token) in &keys {
            let request = service.request(method, &path).bearer_auth(token);
            // Not as a stream, which would not end.
            let request = if route.name == "crm:events" {
                request.header("Accept", "application/json")
            } else {
                request
            };
            let request = match body_for(route.name) {
                Some(body) => request.json(&body),
                None => request,
            };
            let answered = answer(request).await;
            let is_refused = answered.json["code"] == "insufficient_scope";
            assert_eq!(
                is_refused,
                *name != opens && *name != "admin",
                "{method} {path} by {name}: {answered:?}"
            );
            assert_eq!(is_refused, answered.status == 403, "{method} {path} by {name}: {answered:?}");
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_valid_key_is_as_good_as_none() {
    let service = TestService::start().await;
    let token = service.key("crm", &[Scope::Admin]).await;
    let headers = [
        format!("Basic {token}"),
        token.clone(),
        format!("Bearer {}", &token[..token.len() - 1]),
        format!("Bearer {token} x"),
        "Bearer".into(),
        "Bearer ".into(),
    ];
    for header in headers {
        let request = service.request("GET", "/api/v1/calls").header("Authorization", &header);
        let answered = answer(request).await;
        assert_eq!(
            (answered.status, answered.json["code"].as_str()),
            (401, Some("unauthenticated")),
            "{header}"
        );
    }
    let request = service.request("GET", "/api/v1/calls").header("Authorization", format!("bearer {token}"));
    assert_eq!(answer(request).await.status, 200);
    service.stop().await;
}
