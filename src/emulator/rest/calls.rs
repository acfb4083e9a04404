//! Owns `Calls`: create, read, list, update, delete.
//! <https://www.twilio.com/docs/voice/api/call-resource>

use serde_json::{Value, json};

use super::super::engine::calls::{Call, CallId, Callback, Direction, Start, Status};
use super::super::engine::http::Link;
use super::super::engine::lifecycle::{LONGEST_CALL_MS, NewCall};
use super::super::engine::pace::Lane;
use super::super::engine::people::VoiceSettings;
use super::super::engine::{Engine, Method, RestError, Target};
use super::checks::Given;
use super::form::Form;
use super::{RestAnswer, Result, checks, lists, uri};

pub(super) const CALL_EVENTS: [&str; 4] = ["initiated", "ringing", "answered", "completed"];

/// Every parameter of a create; others are warned of.
const CREATE_PARAMETERS: [&str; 36] = [
    "To",
    "From",
    "Url",
    "Method",
    "Twiml",
    "ApplicationSid",
    "FallbackUrl",
    "FallbackMethod",
    "StatusCallback",
    "StatusCallbackEvent",
    "StatusCallbackMethod",
    "Timeout",
    "TimeLimit",
    "SendDigits",
    "Record",
    "RecordingChannels",
    "RecordingTrack",
    "RecordingStatusCallback",
    "RecordingStatusCallbackMethod",
    "RecordingStatusCallbackEvent",
    "Trim",
    "CallerId",
    "MachineDetection",
    "MachineDetectionTimeout",
    "MachineDetectionSpeechThreshold",
    "MachineDetectionSpeechEndThreshold",
    "MachineDetectionSilenceTimeout",
    "AsyncAmd",
    "AsyncAmdStatusCallback",
    "AsyncAmdStatusCallbackMethod",
    "Byoc",
    "CallReason",
    "CallToken",
    "SipAuthUsername",
    "SipAuthPassword",
    "ClientNotificationUrl",
];
const UPDATE_PARAMETERS: [&str; 9] = [
    "Url",
    "Method",
    "Twiml",
    "FallbackUrl",
    "FallbackMethod",
    "StatusCallback",
    "StatusCallbackMethod",
    "Status",
    "TimeLimit",
];

pub(super) fn create(engine: &mut Engine, form: &Form<'_>) -> Result {
    let (to, from) = form.parties(engine)?;
    // https://www.twilio.com/docs/voice/api/call-resource: an application goes only into a conference or a `<Dial>`.
    if to.starts_with("app:") {
        return Err(RestError::bad(21211, format!("The phone number {to} is not valid as 'To'")));
    }
    let documents = documents(engine, form)?;
    let mut given = Given::read(form)?;
    given.warn_of_unknown(form, &CREATE_PARAMETERS);
    // Its settings are checked whether or not it is wanted.
    let recording = checks::call_recording(form, "OutboundAPI")?;
    engine.queue_wait(Lane::Calls)?;
    let timeout = form.seconds("Timeout", 600, 21208)?.unwrap_or(60);
    let limit = form.seconds("TimeLimit", 86_400, 21208)?.map_or(LONGEST_CALL_MS, |s| s * 1000);
    let Documents { start, fallback, callback, silenced } = documents;
    let call = engine.create_call(NewCall {
        from,
        to,
        direction: Direction::OutboundApi,
        parent: None,
        callback,
        ring_limit_ms: timeout * 1000,
        time_limit_ms: limit,
        fallback,
        start,
        room: None,
    });
    engine.calls[call].record = form.flag_or("Record", false).then_some(recording);
    if silenced {
        given.warn(21626, "StatusCallbackEvent: an invalid event silences the callback");
    }
    given.apply(engine, call);
    let mut body = render(engine, call);
    if !engine.switches.date_created_on_create {
        body["date_created"] = Value::Null;
        body["date_updated"] = Value::Null;
    }
    Ok(RestAnswer::json(201, body).about(call))
}

/// What a call runs, and whom it reports to.
struct Documents {
    start: Start,
    fallback: Option<Link>,
    callback: Option<Callback>,
    /// An unknown event has switched the callback off.
    silenced: bool,
}

/// An application's own documents and callback, if one is named: then the request's are ignored.
fn documents(engine: &Engine, form: &Form<'_>) -> Result<Documents> {
    if let Some(sid) = form.get("ApplicationSid") {
        let VoiceSettings { voice, fallback, callback } = application(engine, sid)?.clone();
        let start = Start::Document(voice.ok_or_else(|| unknown_application(sid))?);
        let callback = callback.and_then(Callback::of_the_end);
        return Ok(Documents { start, fallback, callback, silenced: false });
    }
    let (callback, silenced) = form.callback("StatusCallback", &CALL_EVENTS, &["completed"])?;
    let fallback = form.link("FallbackUrl", "FallbackMethod", Method::Post, 21205)?;
    Ok(Documents { start: start(form)?, fallback, callback, silenced })
}

/// <https://www.twilio.com/docs/api/errors/21218>
pub(super) fn application<'a>(engine: &'a Engine, sid: &str) -> Result<&'a VoiceSettings> {
    engine.applications.get(sid).ok_or_else(|| unknown_application(sid))
}

fn unknown_application(sid: &str) -> RestError {
    RestError::bad(21218, format!("The application {sid} does not exist"))
}

/// `Url`, or else `Twiml`, which is ignored when both are given.
fn start(form: &Form<'_>) -> Result<Start> {
    if let Some(link) = form.link("Url", "Method", Method::Post, 21205)? {
        return Ok(Start::Document(link));
    }
    match form.get("Twiml") {
        Some(text) => Ok(Start::Inline(short(text)?.to_owned())),
        None => Err(RestError::bad(21205, "Url parameter is required")),
    }
}

fn short(twiml: &str) -> Result<&str> {
    if twiml.chars().count() > 4000 {
        return Err(RestError::bad(20422, "Twiml has at most 4000 characters"));
    }
    Ok(twiml)
}

pub(super) fn read(engine: &Engine, sid: &str) -> Result {
    let call = find(engine, sid)?;
    let mut body = render(engine, call);
    body["status"] = json!(engine.shown_status(call).rest().to_string());
    Ok(RestAnswer::json(200, body).about(call))
}

pub(super) fn find(engine: &Engine, sid: &str) -> Result<CallId> {
    engine.calls.find(sid).ok_or_else(|| RestError::not_found(&uri(engine, &format!("Calls/{sid}.json"))))
}

pub(super) fn update(engine: &mut Engine, sid: &str, form: &Form<'_>) -> Result {
    let call = find(engine, sid)?;
    let target = target(form)?;
    let status = match form.get("Status") {
        None => None,
        Some("completed") => Some(Status::Completed),
        Some("canceled") => Some(Status::Canceled),
        Some(other) => return Err(RestError::bad(20422, format!("Status {other} is not valid here"))),
    };
    let limit = form.seconds("TimeLimit", 86_400, 21208)?;
    let fallback = form.link("FallbackUrl", "FallbackMethod", Method::Post, 21205)?;
    let (callback, _) = form.callback("StatusCallback", &CALL_EVENTS, &["completed"])?;
    let mut given = Given::default();
    given.warn_of_unknown(form, &UPDATE_PARAMETERS);
    given.warnings_of(engine, call);
    if let Some(status) = status {
        engine.set_call_status(call, status)?;
    } else if let Some(target) = target {
        engine.redirect(call, target)?;
    }
    engine.amend(call, fallback, callback, limit.map(|s| s * 1000));
    Ok(RestAnswer::json(200, render(engine, call)).about(call))
}

fn target(form: &Form<'_>) -> Result<Option<Target>> {
    let link = form.link("Url", "Method", Method::Post, 21205)?;
    match (link, form.get("Twiml")) {
        (Some(_), Some(_)) => Err(RestError::bad(20422, "Url and Twiml exclude each other")),
        (Some(link), None) => Ok(Some(Target::Document(link))),
        (None, Some(text)) => Ok(Some(Target::Inline(short(text)?.to_owned()))),
        (None, None) => Ok(None),
    }
}

pub(super) fn delete(engine: &mut Engine, sid: &str) -> Result {
    let call = find(engine, sid)?;
    if !engine.calls[call].is_ended() {
        return Err(RestError::bad(20009, "Cannot delete this resource before it is complete"));
    }
    engine.calls[call].deleted = true;
    Ok(RestAnswer::empty(204).about(call))
}

pub(super) fn list(engine: &Engine, query: &Form<'_>) -> Result {
    let wanted = |(_, call): &(CallId, &Call)| !call.deleted && matches(engine, call, query);
    let found: Vec<(String, CallId)> =
        engine.calls.iter().rev().filter(wanted).map(|(id, call)| (call.sid.to_string(), id)).collect();
    let filters = [
        "To",
        "From",
        "ParentCallSid",
        "Status",
        "StartTime",
        "StartTime<",
        "StartTime>",
        "EndTime",
        "EndTime<",
        "EndTime>",
    ];
    let list = lists::List { plural: "calls", path: uri(engine, "Calls.json"), filters: &filters };
    lists::page(&list, query, &found, |id| render(engine, *id))
}

fn matches(engine: &Engine, call: &Call, query: &Form<'_>) -> bool {
    let is = |name: &str, value: &str| query.get(name).is_none_or(|wanted| wanted == value);
    let parent = call.parent.map(|p| engine.calls[p].sid.as_str()).unwrap_or_default();
    is("To", &call.to)
        && is("From", &call.from)
        && is("ParentCallSid", parent)
        && is("Status", &call.status.rest().to_string())
        && lists::on_day(query, "StartTime", call.dialled_ms.map(|ms| engine.date(ms)))
        && lists::on_day(query, "EndTime", call.ended_ms.map(|ms| engine.date(ms)))
}

/// The resource, with every field of the specification.
fn render(engine: &Engine, id: CallId) -> Value {
    let call = &engine.calls[id];
    let sid = call.sid.as_str();
    let date = |ms: Option<u64>| ms.map(|ms| engine.rfc2822(ms));
    let completed = call.status == Status::Completed;
    let duration = completed.then(|| call.duration_s(engine.now_ms()).to_string());
    let subresources = [
        "notifications",
        "recordings",
        "payments",
        "events",
        "siprec",
        "streams",
        "transcriptions",
        "user_defined_message_subscriptions",
        "user_defined_messages",
    ];
    let subresource_uris: serde_json::Map<String, Value> = subresources
        .iter()
        .map(|name| ((*name).to_owned(), json!(uri(engine, &format!("Calls/{sid}/{}.json", camel(name))))))
        .collect();
    json!({
        "sid": sid, "account_sid": engine.options.account_sid.as_str(), "api_version": "2010-04-01",
        "parent_call_sid": call.parent.map(|p| engine.calls[p].sid.as_str()),
        "to": call.to, "to_formatted": formatted(&call.to), "from": call.from, "from_formatted": formatted(&call.from),
        "phone_number_sid": null, "group_sid": null, "trunk_sid": null, "caller_name": null, "forwarded_from": null,
        "answered_by": call.answered_by, "direction": call.direction.to_string(), "status": call.status.rest().to_string(),
        "date_created": engine.rfc2822(call.created_ms), "date_updated": engine.rfc2822(call.updated_ms),
        "start_time": date(call.dialled_ms), "end_time": date(call.ended_ms), "duration": duration,
        "price": null, "price_unit": "USD", "queue_time": call.queue_ms.to_string(),
        "uri": uri(engine, &format!("Calls/{sid}.json")), "subresource_uris": subresource_uris,
    })
}

fn camel(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').map(capital).collect()
}

/// `(415) 867-5309` for North America, anything else as it is.
pub(super) fn formatted(address: &str) -> String {
    match address.strip_prefix("+1") {
        Some(n) if n.len() == 10 && n.is_ascii() => format!("({}) {}-{}", &n[..3], &n[3..6], &n[6..]),
        _ => address.to_owned(),
    }
}
