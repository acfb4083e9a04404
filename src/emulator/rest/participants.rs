//! Owns `Participants`: create, read, list, update, delete.
//! <https://www.twilio.com/docs/voice/api/conference-participant-resource>

use serde_json::{Value, json};

use super::super::engine::calls::{CallId, Status};
use super::super::engine::conferences::{Member, RoomId};
use super::super::engine::lifecycle::LONGEST_CALL_MS;
use super::super::engine::pace::Lane;
use super::super::engine::participants::{NewParticipant, ParticipantUpdate, is_conference_sid};
use super::super::engine::{Beep, Engine, Method, RestError, WaitSource};
use super::calls::{CALL_EVENTS, application};
use super::checks::Given;
use super::conferences::find;
use super::form::Form;
use super::{RestAnswer, Result, checks, lists, uri};

const CONFERENCE_EVENTS: [&str; 9] =
    ["start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"];

const CREATE_PARAMETERS: [&str; 53] = [
    "From",
    "To",
    "StatusCallback",
    "StatusCallbackMethod",
    "StatusCallbackEvent",
    "Label",
    "Timeout",
    "Record",
    "Muted",
    "Beep",
    "StartConferenceOnEnter",
    "EndConferenceOnExit",
    "WaitUrl",
    "WaitMethod",
    "EarlyMedia",
    "MaxParticipants",
    "ConferenceRecord",
    "ConferenceTrim",
    "ConferenceStatusCallback",
    "ConferenceStatusCallbackMethod",
    "ConferenceStatusCallbackEvent",
    "RecordingChannels",
    "RecordingStatusCallback",
    "RecordingStatusCallbackMethod",
    "RecordingStatusCallbackEvent",
    "ConferenceRecordingStatusCallback",
    "ConferenceRecordingStatusCallbackMethod",
    "ConferenceRecordingStatusCallbackEvent",
    "SipAuthUsername",
    "SipAuthPassword",
    "Region",
    "Coaching",
    "CallSidToCoach",
    "JitterBufferSize",
    "Byoc",
    "CallerId",
    "CallReason",
    "RecordingTrack",
    "TimeLimit",
    "MachineDetection",
    "MachineDetectionTimeout",
    "MachineDetectionSpeechThreshold",
    "MachineDetectionSpeechEndThreshold",
    "MachineDetectionSilenceTimeout",
    "AmdStatusCallback",
    "AmdStatusCallbackMethod",
    "Trim",
    "CallToken",
    "AsyncAmd",
    "AsyncAmdStatusCallback",
    "AsyncAmdStatusCallbackMethod",
    "ClientNotificationUrl",
    "CallerDisplayName",
];
const UPDATE_PARAMETERS: [&str; 12] = [
    "Muted",
    "Hold",
    "HoldUrl",
    "HoldMethod",
    "AnnounceUrl",
    "AnnounceMethod",
    "WaitUrl",
    "WaitMethod",
    "BeepOnExit",
    "EndConferenceOnExit",
    "Coaching",
    "CallSidToCoach",
];

pub(super) fn create(engine: &mut Engine, key: &str, form: &Form<'_>) -> Result {
    let (to, from) = form.parties(engine)?;
    if let Some(sid) = to.strip_prefix("app:") {
        application(engine, sid)?;
    }
    let (callback, silenced) = form.callback("StatusCallback", &CALL_EVENTS, &["completed"])?;
    let (conference_callback, room_silenced) =
        form.callback("ConferenceStatusCallback", &CONFERENCE_EVENTS, &["start", "end"])?;
    let mut given = check(key, form)?;
    let recording = checks::call_recording(form, "OutboundAPI")?;
    let conference_recording = checks::conference_recording(form)?;
    engine.queue_wait(Lane::Participants)?;
    let new = NewParticipant {
        from: form.get("CallerId").map_or(from, str::to_owned),
        to,
        callback,
        conference_callback,
        label: form.get("Label").map(str::to_owned),
        timeout_s: form.seconds("Timeout", 600, 21208)?.unwrap_or(60).max(5),
        time_limit_ms: form.seconds("TimeLimit", 86_400, 21208)?.map_or(LONGEST_CALL_MS, |s| s * 1000),
        muted: form.flag_or("Muted", false),
        start_on_enter: form.flag_or("StartConferenceOnEnter", true),
        end_on_exit: form.flag_or("EndConferenceOnExit", false),
        wait: wait(form)?.unwrap_or(WaitSource::DefaultMusic),
        beep: Beep::parse(form.get("Beep")),
        early_media: form.flag_or("EarlyMedia", true),
        max_participants: form
            .number("MaxParticipants", 2, 250, 20422)?
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(250),
        coach: form
            .flag("Coaching")
            .unwrap_or(true)
            .then(|| form.get("CallSidToCoach"))
            .flatten()
            .map(str::to_owned),
    };
    let (room, call) = engine.add_participant(key, new)?;
    engine.calls[call].record = form.flag_or("Record", false).then_some(recording);
    if let Some(order) = conference_recording {
        engine.order_room_recording(room, order);
    }
    if silenced || room_silenced {
        given.warn(21626, "an invalid callback event silences the callback");
    }
    given.apply(engine, call);
    let Some(member) = engine.rooms[room].member(call) else {
        return Err(RestError::not_found("participant"));
    };
    let mut body = render(engine, room, member);
    body["queue_time"] = json!(engine.calls[call].queue_ms.to_string());
    Ok(RestAnswer::json(201, body).about(call))
}

/// What is checked, and mostly only kept.
fn check(key: &str, form: &Form<'_>) -> Result<Given> {
    let boolean = ["true", "false"];
    for (name, words) in [
        ("Record", boolean.as_slice()),
        ("Beep", &["true", "false", "onEnter", "onExit"]),
        ("JitterBufferSize", &["off", "small", "medium", "large"]),
        ("Region", &["us1", "us2", "ie1", "de1", "sg1", "br1", "au1", "jp1"]),
    ] {
        form.one_of(name, words, 20422)?;
    }
    for (what, text) in [("Label", form.get("Label")), ("the conference's name", Some(key))] {
        if text.is_some_and(|t| t.is_empty() || t.chars().count() > 128) {
            return Err(RestError::bad(16002, format!("{what} has 1 to 128 characters")));
        }
    }
    let mut given = Given::read(form)?;
    // https://www.twilio.com/docs/api/errors/21263: the Calls API's asynchronous detection is not for participants.
    for name in ["AsyncAmd", "AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod"] {
        if form.get(name).is_some() {
            given.warn(21263, &format!("{name} is for Calls, not for participants"));
        }
    }
    given.warn_of_unknown(form, &CREATE_PARAMETERS);
    Ok(given)
}

fn wait(form: &Form<'_>) -> Result<Option<WaitSource>> {
    if form.raw("WaitUrl") == Some("") {
        return Ok(Some(WaitSource::Silence));
    }
    let link = form.link("WaitUrl", "WaitMethod", Method::Post, 21205)?;
    Ok(link.map(|l| WaitSource::Document { url: l.url, method: l.method }))
}

/// A participant of a live conference, by call SID or label. Whoever has left is no longer there: 404.
fn member(engine: &Engine, sid: &str, who: &str) -> Result<(RoomId, CallId)> {
    let missing =
        || RestError::not_found(&uri(engine, &format!("Conferences/{sid}/Participants/{who}.json")));
    if !is_conference_sid(sid) {
        return Err(missing());
    }
    let room = find(engine, sid)?;
    let found = engine.rooms[room]
        .members
        .iter()
        .find(|m| engine.calls[m.call].sid.as_str() == who || m.label.as_deref() == Some(who));
    match found {
        Some(found) if engine.rooms[room].is_live() => Ok((room, found.call)),
        _ => Err(missing()),
    }
}

pub(super) fn read(engine: &Engine, sid: &str, who: &str) -> Result {
    let (room, call) = member(engine, sid, who)?;
    answer(engine, room, call)
}

fn answer(engine: &Engine, room: RoomId, call: CallId) -> Result {
    match engine.rooms[room].member(call) {
        Some(member) => Ok(RestAnswer::json(200, render(engine, room, member)).about(call)),
        None => Err(RestError::not_found("participant")),
    }
}

pub(super) fn update(engine: &mut Engine, sid: &str, who: &str, form: &Form<'_>) -> Result {
    let (room, call) = member(engine, sid, who)?;
    let mut given = Given::default();
    given.warn_of_unknown(form, &UPDATE_PARAMETERS);
    given.warnings_of(engine, call);
    let update = ParticipantUpdate {
        muted: form.flag("Muted"),
        hold: form.flag("Hold"),
        hold_document: form.link("HoldUrl", "HoldMethod", Method::Get, 21205)?,
        announce: form.link("AnnounceUrl", "AnnounceMethod", Method::Post, 21205)?,
        wait: wait(form)?,
        end_on_exit: form.flag("EndConferenceOnExit"),
        beep_on_exit: form.flag("BeepOnExit"),
        coaching: form.flag("Coaching"),
        coach: form.get("CallSidToCoach").map(str::to_owned),
    };
    engine.update_participant(room, call, update)?;
    answer(engine, room, call)
}

pub(super) fn delete(engine: &mut Engine, sid: &str, who: &str) -> Result {
    let (room, call) = member(engine, sid, who)?;
    engine.remove_participant(room, call);
    Ok(RestAnswer::empty(204).about(call))
}

pub(super) fn list(engine: &Engine, sid: &str, query: &Form<'_>) -> Result {
    let room = find(engine, sid)?;
    let live = engine.rooms[room].is_live();
    let is = |name: &str, value: bool| query.flag(name).is_none_or(|wanted| wanted == value);
    let wanted = |m: &&Member| {
        live && is("Muted", m.muted) && is("Hold", m.hold) && is("Coaching", m.coaches.is_some())
    };
    let found: Vec<(String, &Member)> = engine.rooms[room]
        .members
        .iter()
        .filter(wanted)
        .map(|m| (engine.calls[m.call].sid.to_string(), m))
        .collect();
    let path = uri(engine, &format!("Conferences/{sid}/Participants.json"));
    let list = lists::List { plural: "participants", path, filters: &["Muted", "Hold", "Coaching"] };
    lists::page(&list, query, &found, |member| render(engine, room, member))
}

fn render(engine: &Engine, room: RoomId, member: &Member) -> Value {
    let call = &engine.calls[member.call];
    let conference = engine.rooms[room].sid.as_str();
    let status = match call.status {
        Status::Queued => "queued",
        Status::Initiated => "connecting",
        Status::Ringing => "ringing",
        Status::InProgress => "connected",
        Status::Completed => "complete",
        _ => "failed",
    };
    json!({
        "account_sid": engine.options.account_sid.as_str(), "conference_sid": conference, "call_sid": call.sid.as_str(),
        "label": member.label, "muted": member.muted, "hold": member.hold, "coaching": member.coaches.is_some(),
        "call_sid_to_coach": member.coaches.map(|c| engine.calls[c].sid.as_str()),
        "start_conference_on_enter": member.start_on_enter, "end_conference_on_exit": member.end_on_exit,
        // Only a create says how long it waited.
        "queue_time": null,
        "status": status, "date_created": engine.rfc2822(member.created_ms),
        "date_updated": engine.rfc2822(member.updated_ms),
        "uri": uri(engine, &format!("Conferences/{conference}/Participants/{}.json", call.sid)),
    })
}
