//! The database cannot be used: everybody is told so, and when to try again; afterwards all is well.

use warm_transfer::agents::models::Scope;
use warm_transfer::urls::routes;

use super::body_for;
use crate::support::outage::Outage;
use crate::support::service::{TestService, answer};

const ID: &str = "00000000-0000-0000-0000-000000000001";

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_programs_are_told_to_come_back_and_then_are_served() {
    let service = TestService::start_with(&Outage::SETTINGS).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let before = service.rows().await;
    let outage = Outage::begin(&service).await;
    for route in routes().filter(|route| route.access == "api key" || route.path == "/readyz") {
        let method = route.methods.split(' ').next().unwrap();
        let path = route.path.replace("{id}", ID).replace("{role}", "customer").replace("{control}", "hold");
        let request = service.request(method, &path).bearer_auth(&key);
        let request = match body_for(route.name) {
            Some(body) => request.json(&body),
            None => request,
        };
        let answered = answer(request).await;
        let found = (answered.status, answered.json["code"].as_str(), answered.header("retry-after"));
        assert_eq!(found, (503, Some("unavailable"), "2"), "{}: {answered:?}", route.name);
    }
    assert_eq!(answer(service.request("GET", "/healthz")).await.status, 200, "the process is alive");
    outage.end().await;
    assert_eq!(answer(service.request("GET", "/readyz")).await.status, 200);
    assert_eq!(service.rows().await, before, "what was refused has not been done");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_news_are_kept_and_documents_are_answered() {
    let service = TestService::start_with(&Outage::SETTINGS).await;
    let outage = Outage::begin(&service).await;
    let form = [("CallSid", "CA00000000000000000000000000000001"), ("CallStatus", "ringing")];
    let news = [
        format!("/webhooks/call-status?call={ID}&leg={ID}"),
        format!("/webhooks/conference-status?call={ID}"),
    ];
    for address in &news {
        let answered = answer(service.signed(address, Some(&form))).await;
        assert_eq!(answered.status, 204, "{address}: {answered:?}");
    }
    let answered =
        answer(service.signed(&format!("/twiml/conference?call={ID}&leg={ID}&room=r"), Some(&form))).await;
    assert!(answered.status == 200 && answered.text.contains("<Conference"), "{answered:?}");
    outage.end().await;
    service.kept(3).await;
    service.stop().await;
}
