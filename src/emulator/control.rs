//! Owns `/emulator/…`: what people do, what goes wrong, and what was seen and heard. JSON, no credentials.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::ClockMode;
use super::engine::http::Link;
use super::engine::people::{NotNow, VoiceSettings};
use super::engine::{FaultRules, Method, PhonePlan, addresses, as_mermaid, as_text, fetch_unusable};
use super::exchange::Exchange;
use super::stream::stream;

type Shared = Data<Arc<Exchange>>;

/// Longest time a timeline poll stays open, in real milliseconds.
const LONGEST_POLL_MS: u64 = 60_000;
/// Longest step of virtual time, in emulated milliseconds.
const LONGEST_ADVANCE_MS: u64 = 30 * 24 * 3600 * 1000;

/// The routes of the control API.
pub(super) fn routes(config: &mut ServiceConfig) {
    let put = |path: &str| web::resource(format!("/emulator/{path}"));
    config
        .service(put("stream").get(stream))
        .service(put("phones").get(phones))
        .service(put("conferences").get(conferences))
        .service(put("numbers").get(numbers))
        .service(put("phones/{address}").put(set_phone))
        .service(person("answer").post(answer))
        .service(person("decline").post(decline))
        .service(person("hang-up").post(hang_up))
        .service(person("press").post(press))
        .service(person("say").post(say))
        .service(put("numbers/{number}").put(set_number))
        .service(put("applications/{sid}").put(set_application))
        .service(put("calls").post(ring))
        .service(put("faults").put(set_faults).get(faults))
        .service(put("switches").put(set_switches).get(switches))
        .service(put("debugger").get(debugger))
        .service(put("calls/{call_sid}/twiml").get(executed))
        .service(put("timeline").get(timeline))
        .service(put("audibility").get(audibility))
        .service(put("requests").get(requests))
        .service(put("webhooks").get(webhooks))
        .service(put("reset").post(reset))
        .service(put("clock").post(clock).get(now))
        .default_service(web::route().to(unknown));
}

fn person(action: &str) -> Resource {
    web::resource(format!("/emulator/phones/{{address}}/{action}"))
}

/// Why a control request is refused.
enum Refusal {
    /// 422, naming the field.
    Invalid { field: String, message: String },
    /// 409.
    NotNow(String),
}

type Answer = Result<HttpResponse, Refusal>;

impl Refusal {
    fn invalid(field: &str, message: impl ToString) -> Self {
        Self::Invalid { field: field.to_owned(), message: message.to_string() }
    }
}

impl From<NotNow> for Refusal {
    fn from(NotNow(message): NotNow) -> Self {
        Self::NotNow(message)
    }
}

fn finish(answer: Answer) -> HttpResponse {
    match answer {
        Ok(response) => response,
        Err(Refusal::Invalid { field, message }) => error(422, "invalid", Some(&field), &message),
        Err(Refusal::NotNow(message)) => error(409, "not_now", None, &message),
    }
}

pub(super) fn error(status: u16, code: &str, field: Option<&str>, message: &str) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    HttpResponse::build(status).json(json!({"code": code, "field": field, "message": message}))
}

fn ok(body: Value) -> Answer {
    Ok(HttpResponse::Ok().json(body))
}

pub(super) async fn unknown() -> HttpResponse {
    error(404, "not_found", None, "no such address; see docs/emulator.md")
}

/// The body as JSON; an empty one counts as `{}`.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    let mut reader = serde_json::Deserializer::from_slice(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|e| named(&e.path().to_string(), e.inner()))
}

fn read_value<T: DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(value).map_err(|e| named(&e.path().to_string(), e.inner()))
}

/// The field an error is about: its path, or the name that serde quotes.
fn named(path: &str, error: &serde_json::Error) -> Refusal {
    let message = error.to_string();
    let quoted = message.split('`').nth(1).filter(|_| message.contains("field `"));
    let field = if matches!(path, "." | "?") { quoted.unwrap_or("body") } else { path };
    Refusal::invalid(field, &message)
}

fn address(text: &str, field: &str) -> Result<String, Refusal> {
    addresses::normalise(text)
        .ok_or_else(|| Refusal::invalid(field, "expected an E.164 number, client:name or sip:user@host"))
}

/// One plan, a list of plans, or one whose `behaviour` is a list: one item a call, the last one stays.
fn plans(body: Value) -> Result<Vec<PhonePlan>, Refusal> {
    let items = match body {
        Value::Array(items) => items,
        Value::Object(mut fields) if fields.get("behaviour").is_some_and(Value::is_array) => {
            let list = fields.remove("behaviour").and_then(|v| v.as_array().cloned()).unwrap_or_default();
            let with = |behaviour: Value| {
                let mut fields = fields.clone();
                fields.insert("behaviour".into(), behaviour);
                Value::Object(fields)
            };
            list.into_iter().map(with).collect()
        }
        one => vec![one],
    };
    if items.is_empty() {
        return Err(Refusal::invalid("behaviour", "a list needs at least one item"));
    }
    items.into_iter().map(read_value).collect()
}

async fn phones(exchange: Shared) -> HttpResponse {
    HttpResponse::Ok().json(json!({"phones": exchange.with(|engine| engine.phones_now())}))
}

async fn conferences(exchange: Shared) -> HttpResponse {
    HttpResponse::Ok().json(json!({"conferences": exchange.with(|engine| engine.conferences_now())}))
}

async fn numbers(exchange: Shared) -> HttpResponse {
    HttpResponse::Ok().json(json!({"numbers": exchange.with(|engine| engine.numbers_now())}))
}

async fn set_phone(path: Path<String>, body: Bytes, exchange: Shared) -> HttpResponse {
    finish((|| {
        let address = address(&path, "address")?;
        let plans = plans(read(&body)?)?;
        exchange.with(|engine| engine.phones.set(&address, plans.clone()));
        ok(json!({"address": address, "plans": plans}))
    })())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    call_sid: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Press {
    digits: String,
    call_sid: Option<String>,
}

fn act(
    path: &str,
    body: &Bytes,
    exchange: &Shared,
    what: fn(&mut super::engine::Engine, &str, Option<&str>) -> Result<(), NotNow>,
) -> Answer {
    let address = address(path, "address")?;
    let which: Which = read(body)?;
    exchange.with(|engine| what(engine, &address, which.call_sid.as_deref()))?;
    ok(json!({"address": address}))
}

async fn answer(path: Path<String>, body: Bytes, exchange: Shared) -> HttpResponse {
    finish(act(&path, &body, &exchange, |e, a, s| e.person_answers(a, s)))
}

async fn decline(path: Path<String>, body: Bytes, exchange: Shared) -> HttpResponse {
    finish(act(&path, &body, &exchange, |e, a, s| e.person_declines(a, s)))
}

async fn hang_up(path: Path<String>, body: Bytes, exchange: Shared) -> HttpResponse {
    finish(act(&path, &body, &exchange, |e, a, s| e.person_hangs_up(a, s)))
}

async fn press(path: Path<String>, body: Bytes, exchange: Shared) -> HttpResponse {
    finish((|| {
        let address = address(&path, "address")?;
        let press: Press = read(&body)?;
        let keys =
            !press.digits.is_empty() && press.digits.chars().all(|c| c.is_ascii_digit() || "*#".contains(c));
        if !keys || press.digits.len() > 64 {
            return Err(Refusal::invalid("digits", "1 to 64 of 0-9, * and #"));
        }
        exchange.with(|engine| engine.person_presses(&address, press.call_sid.as_deref(), &press.digits))?;
        ok(json!({"address": address}))
    })())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Say {
    text: String,
    #[serde(default)]
    call_sid: Option<String>,
}

async fn say(path: Path<String>, body: Bytes, exchange: Shared) -> HttpResponse {
    finish((|| {
        let address = address(&path, "address")?;
        let say: Say = read(&body)?;
        exchange.with(|engine| engine.person_says(&address, say.call_sid.as_deref(), &say.text))?;
        ok(json!({"address": address}))
    })())
}

/// What a number or an application does with its calls.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VoiceBody {
    voice_url: Option<String>,
    method: Option<String>,
    fallback_url: Option<String>,
    fallback_method: Option<String>,
    status_callback: Option<String>,
    status_callback_method: Option<String>,
}

impl VoiceBody {
    fn settings(self) -> Result<VoiceSettings, Refusal> {
        Ok(VoiceSettings {
            voice: link("voice_url", self.voice_url, "method", self.method)?,
            fallback: link("fallback_url", self.fallback_url, "fallback_method", self.fallback_method)?,
            callback: link(
                "status_callback",
                self.status_callback,
                "status_callback_method",
                self.status_callback_method,
            )?,
        })
    }
}

/// A URL with its method, POST unless said otherwise.
fn link(
    field: &str,
    url: Option<String>,
    method_field: &str,
    method: Option<String>,
) -> Result<Option<Link>, Refusal> {
    let method = match method.as_deref().map(Method::parse) {
        None => Method::Post,
        Some(Some(method)) => method,
        Some(None) => return Err(Refusal::invalid(method_field, "GET or POST")),
    };
    match url.as_deref().and_then(fetch_unusable) {
        Some(reason) => Err(Refusal::invalid(field, reason)),
        None => Ok(url.map(|url| Link { url, method })),
    }
}

async fn set_number(path: Path<String>, body: Bytes, exchange: Shared) -> HttpResponse {
    finish((|| {
        let number = address(&path, "number")?;
        let settings = read::<VoiceBody>(&body)?.settings()?;
        exchange.with(|engine| engine.numbers.insert(number.clone(), settings));
        ok(json!({"number": number}))
    })())
}

async fn set_application(path: Path<String>, body: Bytes, exchange: Shared) -> HttpResponse {
    finish((|| {
        let sid = path.into_inner();
        if !addresses::is_application_sid(&sid) {
            return Err(Refusal::invalid("sid", "expected AP and 32 hexadecimal digits"));
        }
        let settings = read::<VoiceBody>(&body)?.settings()?;
        if settings.voice.is_none() {
            return Err(Refusal::invalid("voice_url", "an application needs one"));
        }
        exchange.with(|engine| engine.applications.insert(sid.clone(), settings));
        ok(json!({"sid": sid}))
    })())
}

/// Somebody rings a number, or a browser its application.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ring {
    from: String,
    to: String,
    #[serde(default)]
    params: BTreeMap<String, String>,
}

async fn ring(body: Bytes, exchange: Shared) -> HttpResponse {
    finish((|| {
        let ring: Ring = read(&body)?;
        let (from, to) = (address(&ring.from, "from")?, address(&ring.to, "to")?);
        let sid = exchange.with(|engine| {
            let call = match to.strip_prefix("app:") {
                Some(application) => engine.device_connects(&from, application, ring.params),
                None => engine.person_rings(&from, &to),
            };
            call.map(|call| engine.calls[call].sid.to_string())
        })?;
        Ok(HttpResponse::Created().json(json!({"call_sid": sid, "from": from, "to": to})))
    })())
}

async fn set_faults(body: Bytes, exchange: Shared) -> HttpResponse {
    finish((|| {
        let rules: FaultRules = read(&body)?;
        exchange.with(|engine| engine.set_faults(rules));
        ok(json!({}))
    })())
}

async fn faults(exchange: Shared) -> HttpResponse {
    HttpResponse::Ok().json(exchange.with(|engine| engine.faults.rules().clone()))
}

async fn switches(exchange: Shared) -> HttpResponse {
    HttpResponse::Ok().json(exchange.with(|engine| engine.switches.clone()))
}

/// Fields that are not named keep their value.
async fn set_switches(body: Bytes, exchange: Shared) -> HttpResponse {
    finish((|| {
        let changes: serde_json::Map<String, Value> = read(&body)?;
        let current = exchange.with(|engine| engine.switches.clone());
        let mut merged = serde_json::to_value(current).unwrap_or_default();
        if let Value::Object(fields) = &mut merged {
            fields.extend(changes);
        }
        let switches: super::Switches = read_value(merged)?;
        exchange.with(|engine| engine.switches = switches.clone());
        ok(json!(switches))
    })())
}

#[derive(Default)]
struct TimelineQuery {
    after: u64,
    wait_ms: u64,
    format: Option<String>,
}

fn timeline_query(text: &str) -> Result<TimelineQuery, Refusal> {
    let mut query = TimelineQuery::default();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        let number = || value.parse().map_err(|_| Refusal::invalid(&name, "expected a whole number"));
        match name.as_ref() {
            "after" => query.after = number()?,
            "wait_ms" => query.wait_ms = number()?,
            "format" if matches!(value.as_ref(), "json" | "text" | "mermaid") => {
                query.format = Some(value.into_owned());
            }
            "format" => return Err(Refusal::invalid("format", "json, text or mermaid")),
            other => return Err(Refusal::invalid(other, "after, wait_ms or format")),
        }
    }
    Ok(query)
}

async fn timeline(request: HttpRequest, exchange: Shared) -> HttpResponse {
    let query = match timeline_query(request.query_string()) {
        Ok(query) => query,
        Err(refusal) => return finish(Err(refusal)),
    };
    if query.wait_ms > 0 {
        let wait = Duration::from_millis(query.wait_ms.min(LONGEST_POLL_MS));
        exchange.wait_for_event(query.after, wait).await;
    }
    let events = exchange.timeline(query.after);
    let text = |text: String| HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text);
    match query.format.as_deref() {
        Some("text") => text(as_text(&events)),
        Some("mermaid") => text(as_mermaid(&events)),
        _ => HttpResponse::Ok().json(json!({"events": events})),
    }
}

async fn debugger(exchange: Shared) -> HttpResponse {
    HttpResponse::Ok().json(json!({"entries": exchange.with(|engine| engine.debugger())}))
}

async fn executed(path: Path<String>, exchange: Shared) -> HttpResponse {
    match exchange.with(|engine| engine.executed_documents(&path)) {
        Some(documents) => {
            HttpResponse::Ok().json(json!({"call_sid": path.as_str(), "documents": documents}))
        }
        None => unknown().await,
    }
}

async fn audibility(exchange: Shared) -> HttpResponse {
    HttpResponse::Ok().json(exchange.audibility())
}

async fn requests(exchange: Shared) -> HttpResponse {
    HttpResponse::Ok().json(json!({"requests": exchange.requests()}))
}

async fn webhooks(exchange: Shared) -> HttpResponse {
    HttpResponse::Ok().json(json!({"webhooks": exchange.webhooks()}))
}

async fn reset(exchange: Shared) -> HttpResponse {
    exchange.reset();
    HttpResponse::Ok().json(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: u64,
}

async fn clock(body: Bytes, exchange: Shared) -> HttpResponse {
    let advance: Advance = match read(&body) {
        Ok(advance) => advance,
        Err(refusal) => return finish(Err(refusal)),
    };
    if advance.advance_ms > LONGEST_ADVANCE_MS {
        return finish(Err(Refusal::invalid("advance_ms", "at most 30 days at once")));
    }
    if exchange.options.clock != ClockMode::Virtual {
        return finish(Err(Refusal::NotNow(
            "the clock is real; start the emulator with a virtual one".into(),
        )));
    }
    exchange.advance(advance.advance_ms).await;
    now(exchange).await
}

async fn now(exchange: Shared) -> HttpResponse {
    HttpResponse::Ok().json(json!({"now_ms": exchange.with(|engine| engine.now_ms())}))
}
