//! What nobody can do to the console who may not: log-in, sessions, forgery, and the headers of every answer.

use serde_json::json;
use warm_transfer::agents::models::AgentRole;

use crate::support::console::{Console, PASSWORD, hire, log_in_form};
use crate::support::service::{Answer, TestService, answer};

#[tokio::test(flavor = "multi_thread")]
async fn a_password_opens_a_session_and_log_out_closes_it() {
    let service = TestService::start().await;
    hire(&service, "dana", AgentRole::Agent).await;
    let opened = answer(log_in_form(&service, "dana", PASSWORD)).await;
    assert_eq!((opened.status, opened.header("location")), (303, "/"));
    let console = Console::opened_by(&opened);
    assert_eq!(console.token.len(), 64, "256 bits");
    // Whoever is logged in need not log in.
    assert_eq!(console.get(&service, "/login").await.status, 303);
    let out = answer(console.bare(&service, "POST", "/logout").form(&[("csrf", &console.csrf)])).await;
    assert_eq!((out.status, out.header("location")), (303, "/login"));
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{out:?}");
    assert_eq!(console.get(&service, "/login").await.status, 200, "the session is over");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_without_the_sessions_token() {
    let service = TestService::start().await;
    let (_, dana) = Console::hired(&service, "dana", AgentRole::Agent).await;
    let (_, ben) = Console::hired(&service, "ben", AgentRole::Agent).await;
    let code = |answered: &Answer| (answered.status, answered.json["code"].as_str().map(str::to_owned));
    let forged = (403, Some("forged".to_owned()));
    assert_eq!(dana.put(&service, "/nowhere", &json!({})).await.status, 404, "the token is looked at first");
    for token in ["", &ben.csrf, &dana.token, &dana.csrf[1..]] {
        let request = dana.bare(&service, "POST", "/logout").header("X-CSRF-Token", token);
        assert_eq!(code(&answer(request).await), forged, "{token}");
        let request = dana.bare(&service, "POST", "/logout").form(&[("csrf", token)]);
        assert_eq!(code(&answer(request).await), forged, "{token}");
    }
    for origin in ["https://evil.example", "null", "http://calls.example.com"] {
        let request = dana.bare(&service, "POST", "/logout").header("Origin", origin);
        let request = request.header("X-CSRF-Token", &dana.csrf);
        assert_eq!(code(&answer(request).await), forged, "{origin}");
    }
    let request = dana.bare(&service, "POST", "/logout").header("Sec-Fetch-Site", "cross-site");
    assert_eq!(code(&answer(request.header("X-CSRF-Token", &dana.csrf)).await), forged);
    assert_eq!(dana.get(&service, "/login").await.status, 303, "dana is still logged in");
    assert_eq!(dana.post(&service, "/logout", &json!({})).await.status, 303);
    service.stop().await;
}
