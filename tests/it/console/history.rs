//! The list of calls and the page of one: who sees what, what is found, and that nothing that anybody wrote becomes markup.

use serde_json::{Value, json};
use warm_transfer::agents::models::{AgentRole, Scope};

use crate::support::console::{Console, hire};
use crate::support::service::{Answer, TestService, answer};

const CALLER_ID: [(&str, &str); 1] = [("WARM_TRANSFER__TWILIO__CALLER_ID", "+15550100100")];
/// Whoever sees one of these as it stands here has been fooled.
const MARKUP: &str = "<img src=x onerror=alert(1)>\"'&</svg><script>alert(1)</script>";

async fn placed(service: &TestService, key: &str, more: Value) -> Value {
    let mut body = json!({ "agent": "agent:alice", "customer": "+15550100199", "allow_duplicate": true });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let placed = answer(service.request("POST", "/api/v1/calls").bearer_auth(key).json(&body)).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    placed.json
}

fn id(call: &Value) -> &str {
    call["id"].as_str().unwrap()
}

/// The ids of the calls that a list shows, in their order.
fn listed(page: &Answer) -> Vec<String> {
    assert_eq!(page.status, 200, "{page:?}");
    let links = page.text.split("<a href=\"/calls/").skip(1);
    links.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_see_the_calls_that_their_phone_was_part_of_and_supervisors_all() {
    let service = TestService::start_with(&CALLER_ID).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let (_, alice) = Console::hired(&service, "alice", AgentRole::Agent).await;
    let (_, ben) = Console::hired(&service, "ben", AgentRole::Agent).await;
    let (_, simone) = Console::hired(&service, "simone", AgentRole::Supervisor).await;
    let call = placed(&service, &key, json!({})).await;
    let path = format!("/calls/{}", id(&call));
    for (who, sees) in [(&alice, true), (&ben, false), (&simone, true)] {
        assert_eq!(listed(&who.get(&service, "/calls").await).contains(&id(&call).to_owned()), sees);
        assert_eq!(who.get(&service, &path).await.status, if sees { 200 } else { 404 });
    }
    let stranger = answer(service.request("GET", &path)).await;
    assert_eq!(stranger.status, 303);
    assert!(stranger.header("location").starts_with("/login?next=%2Fcalls%2F"), "{stranger:?}");
    assert_eq!(simone.get(&service, "/calls/0193").await.status, 404);
    assert_eq!(alice.get(&service, "/console/numbers").await.status, 403);
    let numbers = simone.get(&service, "/console/numbers").await;
    assert_eq!(
        (numbers.status, &numbers.json["calls"], &numbers.json["time_zone"]),
        (200, &json!(1), &json!("UTC"))
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_found_by_what_people_know_of_them() {
    let service = TestService::start_with(&CALLER_ID).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    hire(&service, "alice", AgentRole::Agent).await;
    hire(&service, "zoe_100%", AgentRole::Agent).await;
    let (_, simone) = Console::hired(&service, "simone", AgentRole::Supervisor).await;
    let first = placed(&service, &key, json!({ "external_id": "deal-7" })).await;
    let second =
        placed(&service, &key, json!({ "agent": "agent:zoe_100%", "customer": "+15550100123" })).await;
    let said = json!({ "disposition": "sale" });
    let path = format!("/api/v1/calls/{}/outcome", id(&first));
    let outcome = answer(service.request("PUT", &path).bearer_auth(&key).json(&said)).await;
    let (first, second) = (id(&first).to_owned(), id(&second).to_owned());
    let both = vec![second.clone(), first.clone()];
    let (today, tomorrow) = ("2020-01-01", "2100-01-01");
    for (query, found) in [
        ("", both.clone()),
        ("q=%2B1+555+010+0123", vec![second.clone()]),
        ("q=%28555%29+010-0199", vec![first.clone()]),
        ("q=0123", vec![second.clone()]),
        ("q=ALICE", vec![first.clone()]),
        ("q=zoe_100%25", vec![second.clone()]),
        ("q=zoex100", vec![]),
        ("q=%25", vec![second.clone()]),
        ("q=deal-7", vec![first.clone()]),
        (&format!("q={second}"), vec![second.clone()]),
        ("q=nobody", vec![]),
        ("agent=alice", vec![first.clone()]),
        ("agent=", both.clone()),
        ("status=live&agent=alice&q=0199", vec![first.clone()]),
        ("status=ended", vec![]),
        ("reason=hung_up", vec![]),
        (&format!("from={today}&until={tomorrow}"), both.clone()),
        (&format!("from={tomorrow}"), vec![]),
        (&format!("until={today}"), vec![]),
        (&format!("outcome={}", "sale"), if outcome.status == 200 { vec![first.clone()] } else { vec![] }),
    ] {
        let page = simone.get(&service, &format!("/calls?{query}")).await;
        assert_eq!(listed(&page), found, "{query}");
    }
    for (query, field) in
        [("status=x", "status"), ("from=today", "from"), ("reason=y", "reason"), ("before=1", "before")]
    {
        let refused = simone.get(&service, &format!("/calls?{query}")).await;
        assert_eq!((refused.status, refused.json["field"].as_str()), (422, Some(field)), "{query}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_turned_without_a_call_twice_or_left_out() {
    let service = TestService::start_with(&CALLER_ID).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    hire(&service, "alice", AgentRole::Agent).await;
    let (_, simone) = Console::hired(&service, "simone", AgentRole::Supervisor).await;
    let empty = simone.get(&service, "/calls").await;
    assert!(empty.text.contains("There are no calls yet"), "{}", empty.text);
    let mut expected = vec![];
    for _ in 0..51 {
        expected.insert(0, id(&placed(&service, &key, json!({})).await).to_owned());
    }
    let (mut seen, mut path) = (vec![], "/calls?q=0199".to_owned());
    for pages in 1.. {
        let page = simone.get(&service, &path).await;
        seen.extend(listed(&page));
        let Some((before, _)) = page.text.split_once("\" rel=\"next\"") else {
            assert_eq!(pages, 3);
            break;
        };
        path = before.rsplit_once("href=\"").unwrap().1.replace("&#38;", "&").replace("&amp;", "&");
        assert!(path.starts_with("/calls?q=0199&before="), "{path}");
    }
    assert_eq!(seen, expected);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_anybody_wrote_becomes_markup() {
    let service = TestService::start_with(&CALLER_ID).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let (_, simone) = Console::hired(&service, "simone", AgentRole::Supervisor).await;
    hire(&service, "alice", AgentRole::Agent).await;
    let rename = service.app().db.write(|conn| {
        use diesel::prelude::*;
        use warm_transfer::db::schema::agents::dsl;
        let renamed = diesel::update(dsl::agents.filter(dsl::name.eq("alice")));
        Ok::<_, warm_transfer::db::DbError>(renamed.set(dsl::display_name.eq(MARKUP)).execute(conn)?)
    });
    assert_eq!(rename.await.unwrap(), 1);
    let call = placed(&service, &key, json!({ "external_id": MARKUP, "metadata": { "x": MARKUP } })).await;
    let leg = call["legs"][0]["id"].as_str().unwrap();
    for path in ["/webhooks/call-status", "/twiml/goodbye"] {
        let address = format!("{path}?call={}&leg={leg}&text=%3Cscript%3Ealert(1)%3C/script%3E", id(&call));
        let form = [
            ("CallStatus", "ringing"),
            ("CallerName", MARKUP),
            ("CallSid", "CA00000000000000000000000000000001"),
            (MARKUP, "x"),
        ];
        let told = answer(service.signed(&address, Some(&form))).await;
        assert!(told.status < 300, "{told:?}");
    }
    service.kept(2).await;
    let said = json!({ "disposition": "sale", "notes": MARKUP });
    let path = format!("/api/v1/calls/{}/outcome", id(&call));
    answer(service.request("PUT", &path).bearer_auth(&key).json(&said)).await;
    let query: String = url::form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect();
    for path in [format!("/calls/{}", id(&call)), "/calls".into(), format!("/calls?q={query}")] {
        let page = simone.get(&service, &path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(
            page.text.contains("&lt;img") || page.text.contains("&#60;img"),
            "{path}: it is shown\n{}",
            page.text
        );
        for forbidden in ["<img src=x", "<script>", "onerror=alert(1)>\"", " style=\"", "javascript:"] {
            assert!(!page.text.contains(forbidden), "{path}: {forbidden}\n{}", page.text);
        }
        let policy = page.header("content-security-policy");
        assert!(policy.contains("script-src 'self'") && policy.contains("default-src 'none'"), "{policy}");
    }
    service.stop().await;
}
