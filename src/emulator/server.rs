//! Owns the HTTP side of Twilio's REST API: credentials, faults, wire format. What an answer says is `rest`'s business.

use std::io;
use std::sync::Arc;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType, HeaderName, HeaderValue};
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::EmulatorOptions;
use super::exchange::Exchange;
use super::rest::{self, Media, RestAnswer, RestRequest};

/// Bodies above this are refused; Twilio's own requests are far smaller.
pub(super) const MAX_REQUEST: usize = 1024 * 1024;

/// The routes of Twilio's API.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/2010-04-01/{tail:.*}", web::route().to(answer));
}

async fn answer(request: HttpRequest, body: Bytes, exchange: Data<Arc<Exchange>>) -> HttpResponse {
    let parsed = parse(&request, &body);
    if !rest::is_public(&parsed) && !authorised(&request, &exchange.options) {
        exchange.note_request(&parsed, Some(401), None);
        return respond(&rest::unauthenticated());
    }
    let fault = exchange.rest_fault(&parsed.method, &parsed.path);
    let broken = fault.is_broken();
    // A fault after the effect strikes the answer; otherwise Twilio never got to do anything.
    let done = (!broken || fault.after_effect).then(|| exchange.rest(&parsed));
    let (done, event) = done.map_or((None, None), |(answer, event)| (Some(answer), event));
    if fault.latency_ms > 0 {
        actix_web::rt::time::sleep(exchange.real(fault.latency_ms)).await;
    }
    if fault.hang_ms > 0 {
        actix_web::rt::time::sleep(exchange.real(fault.hang_ms)).await;
    }
    if fault.reset || fault.hang_ms > 0 {
        exchange.note_request(&parsed, None, event);
        return cut();
    }
    let answer = match (fault.status, done) {
        (None, Some(answer)) => answer,
        (status, _) => faulty(status.unwrap_or(500)),
    };
    let number = exchange.note_request(&parsed, Some(answer.status), event);
    let mut response = respond(&answer);
    if !exchange.with(|engine| engine.switches.unverified_headers) {
        return response;
    }
    if let Some(seconds) = fault.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Ok(id) = HeaderValue::from_str(&format!("RQ{number:032x}")) {
        response.headers_mut().insert(HeaderName::from_static("twilio-request-id"), id);
    }
    response
}

fn parse(request: &HttpRequest, body: &Bytes) -> RestRequest {
    let pairs = |text: &[u8]| url::form_urlencoded::parse(text).into_owned().collect();
    RestRequest {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: pairs(request.query_string().as_bytes()),
        form: pairs(body),
    }
}

/// Basic: account SID and auth token, or the API key and its secret.
fn authorised(request: &HttpRequest, options: &EmulatorOptions) -> bool {
    let header = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let encoded = header.and_then(|v| v.strip_prefix("Basic "));
    let decoded = encoded.and_then(|e| STANDARD.decode(e.trim()).ok());
    let Some(text) = decoded.and_then(|d| String::from_utf8(d).ok()) else { return false };
    let Some((user, password)) = text.split_once(':') else { return false };
    let account = user == options.account_sid.as_str() && password == options.auth_token;
    let key = options.api_key.as_ref().is_some_and(|(sid, secret)| user == sid && password == secret);
    account || key
}

fn faulty(status: u16) -> RestAnswer {
    let code = match status {
        429 => 20429,
        503 => 20503,
        _ => 20500,
    };
    let message = "A fault on purpose".to_owned();
    RestAnswer::error(&super::engine::RestError { status, code, message })
}

fn respond(answer: &RestAnswer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if answer.status == 401 {
        response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"Twilio API\""));
    }
    match (&answer.body, &answer.media) {
        (_, Some(media)) => silence(response, media),
        (Some(body), None) => response.content_type(ContentType::json()).body(body.to_string()),
        (None, None) => response.finish(),
    }
}

/// Samples a second, each of two bytes: what a telephone line carries.
const SAMPLES: u32 = 8_000;
/// A second of silence on one channel.
static SECOND: [u8; 16_000] = [0; 16_000];

/// A WAV file of nothing: its header, then zeros, as they are asked for.
fn silence(mut response: HttpResponseBuilder, media: &Media) -> HttpResponse {
    let frame = media.channels.saturating_mul(2);
    let frames = media.length_ms.saturating_mul(u64::from(SAMPLES)) / 1000;
    let length = u32::try_from(frames.saturating_mul(u64::from(frame))).unwrap_or(u32::MAX - 44);
    let mut header = Vec::with_capacity(44);
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&(length + 36).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    // 16 bytes of format follow; PCM is format 1.
    header.extend_from_slice(&16u32.to_le_bytes());
    header.extend_from_slice(&1u16.to_le_bytes());
    header.extend_from_slice(&media.channels.to_le_bytes());
    header.extend_from_slice(&SAMPLES.to_le_bytes());
    header.extend_from_slice(&(SAMPLES * u32::from(frame)).to_le_bytes());
    header.extend_from_slice(&frame.to_le_bytes());
    header.extend_from_slice(&16u16.to_le_bytes());
    header.extend_from_slice(b"data");
    header.extend_from_slice(&length.to_le_bytes());
    let whole = usize::try_from(length).unwrap_or_default();
    let chunks = std::iter::once(Bytes::from(header)).chain(
        std::iter::successors(Some(whole), |left| Some(left.saturating_sub(SECOND.len())))
            .take_while(|left| *left > 0)
            .map(|left| Bytes::from_static(&SECOND[..left.min(SECOND.len())])),
    );
    let stream = futures_util::stream::iter(chunks.map(Ok::<Bytes, io::Error>));
    response.content_type("audio/x-wav").body(SizedStream::new(u64::from(length) + 44, stream))
}

/// The connection breaks before a whole answer has come.
fn cut() -> HttpResponse {
    let error = io::Error::new(io::ErrorKind::ConnectionReset, "cut on purpose");
    let body = futures_util::stream::once(std::future::ready(Err::<Bytes, io::Error>(error)));
    HttpResponse::Ok().body(SizedStream::new(1024, body))
}
