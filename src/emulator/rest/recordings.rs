//! Owns `Recordings`, of calls, of conferences and of the account, and their media: silence of the right length.
//! <https://www.twilio.com/docs/voice/api/recording>, <https://www.twilio.com/docs/voice/api/recording-call>

use serde_json::{Map, Value, json};

use super::super::engine::recordings::{Recorded, Recording, RecordingId, RecordingStatus};
use super::super::engine::{Engine, RestError};
use super::form::Form;
use super::{Media, RestAnswer, Result, calls, checks, conferences, lists, uri};

/// Names the recording of a call that runs.
const CURRENT: &str = "Twilio.CURRENT";

/// Whose recordings are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope<'a> {
    Account,
    Call(&'a str),
    Conference(&'a str),
}

impl Scope<'_> {
    fn path(self) -> String {
        match self {
            Self::Account => "Recordings".into(),
            Self::Call(sid) => format!("Calls/{sid}/Recordings"),
            Self::Conference(sid) => format!("Conferences/{sid}/Recordings"),
        }
    }

    /// The call or conference, which must exist; none for the whole account.
    fn of(self, engine: &Engine) -> Result<Option<Recorded>> {
        Ok(match self {
            Self::Account => None,
            Self::Call(sid) => Some(Recorded::Call(calls::find(engine, sid)?)),
            Self::Conference(sid) => Some(Recorded::Room(conferences::find(engine, sid)?)),
        })
    }

    fn find(self, engine: &Engine, sid: &str) -> Result<RecordingId> {
        let of = self.of(engine)?;
        let found = match of {
            Some(of) if sid == CURRENT => {
                engine.recordings.latest(of).filter(|id| engine.recordings[*id].is_running())
            }
            _ => engine.recordings.find(sid),
        };
        found
            .filter(|id| of.is_none_or(|of| engine.recordings[*id].of == of))
            .ok_or_else(|| RestError::not_found(&uri(engine, &format!("{}/{sid}.json", self.path()))))
    }
}

/// Starts to record a live call.
pub(super) fn create(engine: &mut Engine, call_sid: &str, form: &Form<'_>) -> Result {
    let call = calls::find(engine, call_sid)?;
    let order = checks::call_recording(form, "StartCallRecordingAPI")?;
    let id = engine.record_call(call, order)?;
    Ok(RestAnswer::json(201, render(engine, Scope::Call(call_sid), id)).about(call))
}

pub(super) fn read(engine: &Engine, scope: Scope<'_>, sid: &str) -> Result {
    let id = scope.find(engine, sid)?;
    Ok(RestAnswer::json(200, render(engine, scope, id)))
}

/// Pauses, resumes or stops what runs.
pub(super) fn update(engine: &mut Engine, scope: Scope<'_>, sid: &str, form: &Form<'_>) -> Result {
    let id = scope.find(engine, sid)?;
    let status = match form.get("Status") {
        Some("paused") => RecordingStatus::Paused,
        Some("in-progress") => RecordingStatus::InProgress,
        Some("stopped") => RecordingStatus::Stopped,
        _ => return Err(RestError::bad(20422, "Status: in-progress, paused or stopped")),
    };
    let pause = form.one_of("PauseBehavior", &["skip", "silence"], 20422)?;
    engine.update_recording(id, status, pause == Some("skip"))?;
    Ok(RestAnswer::json(200, render(engine, scope, id)))
}

pub(super) fn delete(engine: &mut Engine, scope: Scope<'_>, sid: &str) -> Result {
    let id = scope.find(engine, sid)?;
    if engine.recordings[id].is_running() {
        return Err(RestError::bad(20009, "Cannot delete this resource before it is complete"));
    }
    engine.recordings[id].deleted = true;
    Ok(RestAnswer::empty(204))
}

pub(super) fn list(engine: &Engine, scope: Scope<'_>, query: &Form<'_>) -> Result {
    let of = scope.of(engine)?;
    let is = |name: &str, value: &str| query.get(name).is_none_or(|wanted| wanted == value);
    let wanted = |(_, recording): &(RecordingId, &Recording)| {
        let (call, room) = names(engine, recording);
        of.is_none_or(|of| recording.of == of)
            && is("CallSid", call.unwrap_or_default())
            && is("ConferenceSid", room.unwrap_or_default())
            && lists::on_day(query, "DateCreated", Some(engine.date(recording.created_ms)))
    };
    let found: Vec<(String, RecordingId)> =
        engine.recordings.iter().rev().filter(wanted).map(|(id, r)| (r.sid.clone(), id)).collect();
    let filters = ["CallSid", "ConferenceSid", "DateCreated", "DateCreated<", "DateCreated>"];
    let path = uri(engine, &format!("{}.json", scope.path()));
    let list = lists::List { plural: "recordings", path, filters: &filters };
    lists::page(&list, query, &found, |id| render(engine, scope, *id))
}

/// The sound, once there is any.
pub(super) fn media(engine: &Engine, sid: &str) -> Result {
    let id = Scope::Account.find(engine, sid)?;
    let recording = &engine.recordings[id];
    if !recording.is_ready() {
        return Err(RestError::not_found(&uri(engine, &format!("Recordings/{sid}.wav"))));
    }
    let media = Media {
        length_ms: recording.length_ms(engine.now_ms()),
        channels: u16::from(recording.order.channels),
    };
    Ok(RestAnswer { media: Some(media), ..RestAnswer::empty(200) })
}

fn names<'a>(engine: &'a Engine, recording: &Recording) -> (Option<&'a str>, Option<&'a str>) {
    match recording.of {
        Recorded::Call(call) => (Some(engine.calls[call].sid.as_str()), None),
        Recorded::Room(room) => (None, Some(engine.rooms[room].sid.as_str())),
    }
}

/// The resource: each of the three endpoints has fields of its own.
fn render(engine: &Engine, scope: Scope<'_>, id: RecordingId) -> Value {
    let recording = &engine.recordings[id];
    let sid = &recording.sid;
    let (call, room) = names(engine, recording);
    let over = matches!(recording.status, RecordingStatus::Completed | RecordingStatus::Absent);
    let path = format!("{}/{sid}", scope.path());
    let mut body = json!({
        "sid": sid, "account_sid": engine.options.account_sid.as_str(), "api_version": "2010-04-01",
        "call_sid": call, "conference_sid": room, "status": recording.status.to_string(),
        "channels": recording.order.channels, "source": recording.order.source,
        "date_created": engine.rfc2822(recording.created_ms), "date_updated": engine.rfc2822(recording.updated_ms),
        "start_time": engine.rfc2822(recording.created_ms),
        "duration": over.then(|| recording.seconds(engine.now_ms()).to_string()),
        "price": null, "price_unit": "USD", "encryption_details": null,
        "error_code": null, "uri": uri(engine, &format!("{path}.json")),
    });
    match scope {
        Scope::Call(_) => body["track"] = json!(recording.order.track),
        Scope::Conference(_) => {}
        Scope::Account => {
            let names = [("add_on_results", "AddOnResults"), ("transcriptions", "Transcriptions")];
            let uris: Map<String, Value> = names
                .iter()
                .map(|(name, part)| ((*name).to_owned(), json!(uri(engine, &format!("{path}/{part}.json")))))
                .collect();
            body["subresource_uris"] = Value::Object(uris);
            body["media_url"] = json!(engine.recording_url(sid));
        }
    }
    body
}
