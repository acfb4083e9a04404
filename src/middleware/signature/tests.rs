//! Owns the checks of the gate: through a whole actix application, as Twilio and others would knock.

use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpResponse, web};
use secrecy::SecretString;

use super::*;
use crate::twilio::signature::sign;

const TOKEN: &str = "test_auth_token_0123456789abcdef";
const PUBLIC: &str = "https://calls.example.com";

type BoxedPayloadStream = std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Bytes, PayloadError>>>>;

/// What came of one request.
struct Outcome {
    status: u16,
    content_type: String,
    body: String,
    view_ran: bool,
}

/// Sends the request to an application whose one view answers with what it was given.
async fn knock(public_url: &str, request: TestRequest) -> Outcome {
    let ran = Data::new(AtomicUsize::new(0));
    let tokens = [SecretString::from("the-next-token"), SecretString::from(TOKEN)];
    let check = Data::new(SignatureCheck::new(public_url, &tokens));
    let app = App::new().app_data(check).app_data(ran.clone()).default_service(web::to(echo));
    let app = init_service(app).await;
    let response = call_service(&app, request.to_request()).await;
    let status = response.status().as_u16();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let body = String::from_utf8(read_body(response).await.to_vec()).unwrap();
    Outcome { status, content_type, body, view_ran: ran.load(Ordering::SeqCst) > 0 }
}

async fn echo(request: TwilioRequest, ran: Data<AtomicUsize>) -> HttpResponse {
    ran.fetch_add(1, Ordering::SeqCst);
    HttpResponse::Ok().json((
        request.method().as_str(),
        request.path_and_query(),
        request.query(),
        request.form(),
        request.idempotency_token(),
    ))
}

fn form(target: &str, params: &[(&str, &str)]) -> TestRequest {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    TestRequest::post()
        .uri(target)
        .insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8"))
        .set_payload(body)
}

fn signed_form(target: &str, params: &[(&str, &str)]) -> TestRequest {
    let signature = sign(TOKEN, &format!("{PUBLIC}{target}"), params);
    form(target, params).insert_header((SIGNATURE_HEADER, signature))
}

fn signed_get(target: &str) -> TestRequest {
    let signature = sign::<&str, &str>(TOKEN, &format!("{PUBLIC}{target}"), &[]);
    TestRequest::get().uri(target).insert_header((SIGNATURE_HEADER, signature))
}

async fn assert_refused(request: TestRequest) {
    let outcome = knock(PUBLIC, request).await;
    assert_eq!(outcome.status, 403, "{}", outcome.body);
    assert_eq!(outcome.content_type, "application/problem+json");
    let problem: serde_json::Value = serde_json::from_str(&outcome.body).unwrap();
    assert_eq!(problem["code"], "invalid_signature");
    assert_eq!(problem["status"], 403);
    assert_eq!(problem["type"], "/api/docs/errors#invalid_signature");
    assert!(!outcome.view_ran);
}

#[actix_web::test]
async fn a_signed_form_reaches_the_view_with_everything_in_it() {
    let params = [
        ("CallSid", "CA1"),
        ("Event", "b"),
        ("Event", "a"),
        ("Event", "b"),
        ("Name", ""),
        ("City", " ZÜ & =+ "),
    ];
    let request = signed_form("/webhooks/call-status?call=1&call=2&x=%2B1+2", &params)
        .insert_header((IDEMPOTENCY_HEADER, "token-1"));
    let outcome = knock(PUBLIC, request).await;
    assert_eq!(outcome.status, 200, "{}", outcome.body);
    let expected = serde_json::json!([
        "POST",
        "/webhooks/call-status?call=1&call=2&x=%2B1+2",
        [["call", "1"], ["call", "2"], ["x", "+1 2"]],
        [
            ["CallSid", "CA1"],
            ["Event", "b"],
            ["Event", "a"],
            ["Event", "b"],
            ["Name", ""],
            ["City", " ZÜ & =+ "]
        ],
        "token-1",
    ]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&outcome.body).unwrap(), expected);
}

#[actix_web::test]
async fn a_signed_get_reaches_the_view_with_its_query_exactly_as_sent() {
    let target = "/twiml/second-leg?to=%2b15550100123&note=a%20b+c&empty=&flag";
    let outcome = knock(PUBLIC, signed_get(target)).await;
    assert_eq!(outcome.status, 200, "{}", outcome.body);
    let answer: serde_json::Value = serde_json::from_str(&outcome.body).unwrap();
    assert_eq!(answer[1], target);
    assert_eq!(
        answer[2],
        serde_json::json!([["to", "+15550100123"], ["note", "a b c"], ["empty", ""], ["flag", ""]])
    );
    // The same characters encoded another way are another URL.
    let signature = sign::<&str, &str>(TOKEN, &format!("{PUBLIC}/x?a=%2B"), &[]);
    assert_refused(TestRequest::get().uri("/x?a=%2b").insert_header((SIGNATURE_HEADER, signature))).await;
}

#[actix_web::test]
async fn a_post_without_a_body_is_signed_by_its_url() {
    let outcome = knock(PUBLIC, signed_form("/x?a=1", &[])).await;
    assert_eq!(outcome.status, 200, "{}", outcome.body);
}

#[actix_web::test]
async fn without_the_right_signature_the_view_does_not_run() {
    let params = [("CallSid", "CA1")];
    let right = sign(TOKEN, &format!("{PUBLIC}/x"), &params);
    assert_refused(form("/x", &params)).await;
    assert_refused(TestRequest::get().uri("/x?CallSid=CA1")).await;
    for wrong in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", &sign("other", &format!("{PUBLIC}/x"), &params)] {
        assert_refused(form("/x", &params).insert_header((SIGNATURE_HEADER, wrong))).await;
    }
    assert_refused(form("/y", &params).insert_header((SIGNATURE_HEADER, right.as_str()))).await;
    assert_refused(form("/x?a", &params).insert_header((SIGNATURE_HEADER, right.as_str()))).await;
    assert_refused(form("/x", &[("CallSid", "CA2")]).insert_header((SIGNATURE_HEADER, right.as_str()))).await;
    let bytes = header::HeaderValue::from_bytes(b"\xff").unwrap();
    assert_refused(
        form("/x", &params).insert_header((header::HeaderName::from_static("x-twilio-signature"), bytes)),
    )
    .await;
}

#[actix_web::test]
async fn a_body_in_a_get_request_is_not_taken_for_signed_parameters() {
    let request = signed_get("/x?a=1")
        .insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded"))
        .set_payload("Digits=1");
    let outcome = knock(PUBLIC, request).await;
    assert_eq!(outcome.status, 200);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&outcome.body).unwrap()[3], serde_json::json!([]));
}

#[actix_web::test]
async fn the_public_url_counts_and_what_the_request_says_of_its_host_does_not() {
    let forged = |request: TestRequest| {
        request
            .insert_header((header::HOST, "evil.example"))
            .insert_header(("X-Forwarded-Host", "evil.example"))
            .insert_header(("X-Forwarded-Proto", "http"))
    };
    assert_eq!(knock(PUBLIC, forged(signed_form("/x", &[("a", "1")]))).await.status, 200);
    let signature = sign(TOKEN, "https://evil.example/x", &[("a", "1")]);
    assert_refused(forged(form("/x", &[("a", "1")])).insert_header((SIGNATURE_HEADER, signature))).await;
}

#[actix_web::test]
async fn the_port_may_be_written_or_not() {
    for (public, signed, status) in [
        ("https://calls.example.com:8443/", "https://calls.example.com:8443/x", 200),
        ("https://calls.example.com:8443", "https://calls.example.com/x", 200),
        ("https://calls.example.com", "https://calls.example.com:443/x", 200),
        ("https://calls.example.com", "https://calls.example.com:8443/x", 403),
        ("http://calls.example.com", "http://calls.example.com:80/x", 200),
        ("http://calls.example.com", "https://calls.example.com/x", 403),
        ("https://calls.example.com/voice", "https://calls.example.com/voice/x", 200),
    ] {
        let signature = sign(TOKEN, signed, &[("a", "1")]);
        let request = form("/x", &[("a", "1")]).insert_header((SIGNATURE_HEADER, signature));
        assert_eq!(knock(public, request).await.status, status, "{public} {signed}");
    }
}

#[actix_web::test]
async fn a_body_that_is_no_form_needs_its_hash_in_the_url() {
    let target = "/json?x=1&bodySHA256=ecf9e98ec0641e23113ff3ce8bdc78d0ddd249886517fd4a7f68cc83d4e65667";
    let json = |target: &str, body: &'static str| {
        let signature = sign::<&str, &str>(TOKEN, &format!("{PUBLIC}{target}"), &[]);
        TestRequest::post()
            .uri(target)
            .insert_header((header::CONTENT_TYPE, "application/json"))
            .insert_header((SIGNATURE_HEADER, signature))
            .set_payload(body)
    };
    assert_eq!(knock(PUBLIC, json(target, r#"{"a":1,"b":"x"}"#)).await.status, 200);
    assert_refused(json(target, r#"{"a":1,"b":"y"}"#)).await;
    assert_refused(json("/json?x=1", r#"{"a":1,"b":"x"}"#)).await;
}

#[actix_web::test]
async fn garbage_is_refused() {
    let signature = sign::<&str, &str>(TOKEN, &format!("{PUBLIC}/x"), &[]);
    for body in [&b"\xff\xfe%zz&&==%"[..], b"\0", b"a"] {
        let request = TestRequest::post()
            .uri("/x")
            .insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded"))
            .insert_header((SIGNATURE_HEADER, signature.as_str()))
            .set_payload(body);
        assert_refused(request).await;
    }
    let untyped = TestRequest::post()
        .uri("/x")
        .insert_header((SIGNATURE_HEADER, signature.as_str()))
        .set_payload("a=1");
    assert_refused(untyped).await;
}

#[actix_web::test]
async fn a_body_over_the_limit_is_not_read() {
    let large = "a".repeat(BODY_LIMIT);
    let outcome = knock(PUBLIC, signed_form("/x", &[("a", &large)])).await;
    assert_eq!((outcome.status, outcome.view_ran), (413, false));
    assert!(outcome.body.contains(r#""code":"payload_too_large""#), "{}", outcome.body);
    let fits = "a".repeat(BODY_LIMIT - 2);
    assert_eq!(knock(PUBLIC, signed_form("/x", &[("a", &fits)])).await.status, 200);
}

#[actix_web::test]
async fn a_body_in_pieces_is_put_together_and_its_limit_holds_without_a_declared_length() {
    for (pieces, expected) in
        [(0, Ok(0)), (1, Ok(30_000)), (2, Ok(60_000)), (3, Err(SignatureError::TooLarge))]
    {
        let chunks = (0..pieces).map(|_| Ok(Bytes::from(vec![b'a'; 30_000])));
        let stream: BoxedPayloadStream = Box::pin(futures_util::stream::iter(chunks));
        let body = read(None, Payload::Stream { payload: stream }).await;
        assert_eq!(body.map(|body| body.len()), expected, "{pieces}");
    }
}

#[actix_web::test]
async fn a_shared_keys_signature_is_refused_even_when_the_auth_token_fits() {
    let settings = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256";
    assert_refused(signed_form("/x", &[("a", "1")]).insert_header((SETTINGS_HEADER, settings))).await;
    let harmless = signed_form("/x", &[("a", "1")]).insert_header((SETTINGS_HEADER, "algorithm=HMAC_SHA1"));
    assert_eq!(knock(PUBLIC, harmless).await.status, 200);
}

#[actix_web::test]
async fn an_application_without_the_check_lets_nobody_in() {
    let app =
        init_service(App::new().app_data(Data::new(AtomicUsize::new(0))).default_service(web::to(echo)))
            .await;
    let response = call_service(&app, signed_get("/x").to_request()).await;
    assert_eq!(response.status().as_u16(), 500);
}

#[test]
fn parameters_are_looked_up_by_name_and_never_shown() {
    let params = Params::decode(b"a=1&b=&a=%2B2&c+d=%E2%82%AC");
    assert_eq!(params.get("a"), Some("1"));
    assert_eq!(params.all("a").collect::<Vec<_>>(), ["1", "+2"]);
    assert_eq!(params.get("c d"), Some("€"));
    assert_eq!((params.get("b"), params.get("d"), params.len()), (Some(""), None, 4));
    assert_eq!(format!("{params:?}"), r#"["a", "b", "a", "c d"]"#);
    assert!(Params::decode(b"").is_empty());
}
