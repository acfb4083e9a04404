//! Each view as Twilio asks it, and as anybody else does.

use super::{addresses, form};
use crate::support::service::{TestService, answer};

#[tokio::test(flavor = "multi_thread")]
async fn every_view_answers_get_and_post_alike() {
    let service = TestService::start().await;
    let form = form();
    for (name, address) in addresses() {
        let query: Vec<String> =
            form.iter().map(|(key, value)| format!("{key}={}", value.replace('+', "%2B"))).collect();
        let with_form = format!("{address}&{}", query.join("&"));
        let posted = answer(service.signed(&address, Some(&form))).await;
        let got = answer(service.signed(&with_form, None)).await;
        assert_eq!((posted.status, &posted.text), (got.status, &got.text), "{name}");
        if address.starts_with("/twiml/") {
            assert_eq!(posted.status, 200, "{name}");
            assert!(posted.header("content-type").starts_with("text/xml"), "{name}");
            insta::assert_snapshot!(name, posted.text.replace("><", ">\n<"));
        } else {
            assert_eq!((posted.status, posted.text.as_str()), (204, ""), "{name}");
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_twilio_is_refused_and_changes_nothing() {
    let service = TestService::start().await;
    let before = service.rows().await;
    for (name, address) in addresses() {
        let unsigned = answer(service.request("POST", &address).form(&form())).await;
        let wrong =
            service.request("POST", &address).form(&form()).header("X-Twilio-Signature", "bm90IHR3aWxpbw==");
        let tampered = service.signed(&address, Some(&[])).form(&form());
        for refused in [unsigned, answer(wrong).await, answer(tampered).await] {
            assert_eq!(
                (refused.status, refused.json["code"].as_str()),
                (403, Some("invalid_signature")),
                "{name}"
            );
        }
    }
    assert_eq!(service.rows().await, before);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_url_is_the_one_in_the_settings_whatever_the_host_header_says() {
    let service = TestService::start().await;
    let (_, address) = &addresses()[3];
    let request = service.signed(address, Some(&form())).header("Host", "calls.example.org");
    assert_eq!(answer(request).await.status, 200);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_request_that_makes_no_sense_gets_a_spoken_apology_or_is_kept() {
    let service = TestService::start().await;
    for (name, address) in addresses() {
        let (path, _) = address.split_once('?').unwrap();
        for query in ["", "?call=nonsense", "?%ff=%fe", "?call=&leg=&room=&to=&text"] {
            let answered =
                answer(service.signed(&format!("{path}{query}"), Some(&[("CallSid", "nonsense")]))).await;
            if path == "/twiml/wait" || path.starts_with("/webhooks") {
                assert!((200..300).contains(&answered.status), "{name} {query}");
            } else {
                assert_eq!(answered.status, 200, "{name} {query}");
                assert!(answered.text.contains("<Say"), "{name} {query}: {}", answered.text);
            }
        }
    }
    service.stop().await;
}
