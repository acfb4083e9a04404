//! Owns `Conferences`: read, list, update. They are opened by joining, never created here.
//! <https://www.twilio.com/docs/voice/api/conference-resource>

use serde_json::{Value, json};

use super::super::engine::conferences::{Room, RoomId};
use super::super::engine::{Engine, Method, RestError};
use super::form::Form;
use super::{RestAnswer, Result, lists, uri};

pub(super) fn find(engine: &Engine, sid: &str) -> Result<RoomId> {
    engine
        .rooms
        .find(sid)
        .ok_or_else(|| RestError::not_found(&uri(engine, &format!("Conferences/{sid}.json"))))
}

pub(super) fn read(engine: &Engine, sid: &str) -> Result {
    let room = find(engine, sid)?;
    Ok(RestAnswer::json(200, render(engine, room)))
}

pub(super) fn update(engine: &mut Engine, sid: &str, form: &Form<'_>) -> Result {
    let room = find(engine, sid)?;
    if form.one_of("Status", &["completed"], 20422)?.is_some() {
        engine.complete_conference(room);
    } else if let Some(link) = form.link("AnnounceUrl", "AnnounceMethod", Method::Post, 21205)? {
        if !engine.rooms[room].is_live() {
            return Err(RestError::bad(16022, "Conference does not exist or has completed"));
        }
        engine.announce(room, link);
    }
    Ok(RestAnswer::json(200, render(engine, room)))
}

pub(super) fn list(engine: &Engine, query: &Form<'_>) -> Result {
    let is = |name: &str, value: &str| query.get(name).is_none_or(|wanted| wanted == value);
    let wanted = |(_, room): &(RoomId, &Room)| {
        is("FriendlyName", &room.name)
            && is("Status", &room.status.to_string())
            && lists::on_day(query, "DateCreated", Some(engine.date(room.created_ms)))
            && lists::on_day(query, "DateUpdated", Some(engine.date(room.updated_ms)))
    };
    let found: Vec<(String, RoomId)> =
        engine.rooms.iter().rev().filter(wanted).map(|(id, room)| (room.sid.to_string(), id)).collect();
    let filters = [
        "FriendlyName",
        "Status",
        "DateCreated",
        "DateCreated<",
        "DateCreated>",
        "DateUpdated",
        "DateUpdated<",
        "DateUpdated>",
    ];
    let list =
        lists::List { plural: "conferences", path: uri(engine, "Conferences.json"), filters: &filters };
    lists::page(&list, query, &found, |id| render(engine, *id))
}

fn render(engine: &Engine, id: RoomId) -> Value {
    let room = &engine.rooms[id];
    let sid = room.sid.as_str();
    json!({
        "sid": sid, "account_sid": engine.options.account_sid.as_str(), "api_version": "2010-04-01",
        "friendly_name": room.name, "region": "us1", "status": room.status.to_string(),
        "reason_conference_ended": room.end_reason,
        "call_sid_ending_conference": room.ended_by.map(|c| engine.calls[c].sid.as_str()),
        "date_created": engine.rfc2822(room.created_ms), "date_updated": engine.rfc2822(room.updated_ms),
        "uri": uri(engine, &format!("Conferences/{sid}.json")),
        "subresource_uris": {
            "participants": uri(engine, &format!("Conferences/{sid}/Participants.json")),
            "recordings": uri(engine, &format!("Conferences/{sid}/Recordings.json")),
        },
    })
}
