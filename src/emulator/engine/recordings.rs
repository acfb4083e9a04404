//! Owns recordings of calls and conferences: how long they run, and what their callbacks say. There is no sound in them.
//! <https://www.twilio.com/docs/voice/api/recording>

use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};

use super::calls::{CallId, Callback};
use super::conferences::RoomId;
use super::http::RequestKind;
use super::timeline::EventKind;
use super::timers::Timer;
use super::{Engine, RestError};

/// A recording's place in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordingId(usize);

/// A recording's status, as REST and callbacks name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum RecordingStatus {
    InProgress,
    Paused,
    Stopped,
    Processing,
    Completed,
    Absent,
}

/// What is to be recorded, and how; who asked for it.
#[derive(Debug, Clone)]
pub(crate) struct RecordOrder {
    /// `OutboundAPI`, `StartCallRecordingAPI`, `Conference` …
    pub(crate) source: &'static str,
    /// 1, or 2 for dual.
    pub(crate) channels: u8,
    /// `inbound`, `outbound` or `both`; conferences have none.
    pub(crate) track: Option<String>,
    /// Its events are `in-progress`, `completed` and `absent`.
    pub(crate) callback: Option<Callback>,
}

/// Whose recording it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recorded {
    Call(CallId),
    Room(RoomId),
}

/// One recording.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) sid: String,
    pub(crate) of: Recorded,
    pub(crate) order: RecordOrder,
    pub(crate) status: RecordingStatus,
    pub(crate) created_ms: u64,
    pub(crate) updated_ms: u64,
    /// Deleted by REST: no longer shown.
    pub(crate) deleted: bool,
    /// Recorded until `since_ms`.
    recorded_ms: u64,
    /// Since when it runs, unless it pauses or is over.
    since_ms: Option<u64>,
}

impl Recording {
    /// Whether it can still be paused, resumed or stopped.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.status, RecordingStatus::InProgress | RecordingStatus::Paused)
    }

    /// Whether there is something to listen to.
    pub(crate) fn is_ready(&self) -> bool {
        self.status == RecordingStatus::Completed
    }

    /// How long it is by now, in milliseconds.
    pub(crate) fn length_ms(&self, now_ms: u64) -> u64 {
        self.recorded_ms + self.since_ms.map_or(0, |since| now_ms.saturating_sub(since))
    }

    /// The same in whole seconds, as Twilio shows it.
    pub(crate) fn seconds(&self, now_ms: u64) -> u64 {
        (self.length_ms(now_ms) + 500) / 1000
    }
}

/// All recordings, in the order they were started.
#[derive(Debug, Default)]
pub(crate) struct Recordings {
    list: Vec<Recording>,
    by_sid: BTreeMap<String, RecordingId>,
}

impl Recordings {
    fn add(&mut self, recording: Recording) -> RecordingId {
        let id = RecordingId(self.list.len());
        self.by_sid.insert(recording.sid.clone(), id);
        self.list.push(recording);
        id
    }

    /// The recording with this SID, unless REST has deleted it.
    pub(crate) fn find(&self, sid: &str) -> Option<RecordingId> {
        self.by_sid.get(sid).copied().filter(|id| !self[*id].deleted)
    }

    /// What is not deleted, in the order it was started.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (RecordingId, &Recording)> {
        self.list.iter().enumerate().map(|(i, r)| (RecordingId(i), r)).filter(|(_, r)| !r.deleted)
    }

    /// The latest of a call or conference.
    pub(crate) fn latest(&self, of: Recorded) -> Option<RecordingId> {
        self.iter().rev().find(|(_, r)| r.of == of).map(|(id, _)| id)
    }

    fn running(&self, of: Recorded) -> Vec<RecordingId> {
        self.iter().filter(|(_, r)| r.of == of && r.is_running()).map(|(id, _)| id).collect()
    }
}

impl Index<RecordingId> for Recordings {
    type Output = Recording;
    fn index(&self, id: RecordingId) -> &Recording {
        &self.list[id.0]
    }
}

impl IndexMut<RecordingId> for Recordings {
    fn index_mut(&mut self, id: RecordingId) -> &mut Recording {
        &mut self.list[id.0]
    }
}

impl Engine {
    /// Starts to record a call or a conference now.
    pub(crate) fn start_recording(&mut self, of: Recorded, order: RecordOrder) -> RecordingId {
        let sid = format!("RE{:032x}", self.bits());
        let id = self.recordings.add(Recording {
            sid,
            of,
            order,
            status: RecordingStatus::InProgress,
            created_ms: self.now_ms,
            updated_ms: self.now_ms,
            deleted: false,
            recorded_ms: 0,
            since_ms: Some(self.now_ms),
        });
        self.recording_event(id);
        id
    }

    /// REST: records a live call.
    pub(crate) fn record_call(&mut self, call: CallId, order: RecordOrder) -> Result<RecordingId, RestError> {
        if !self.calls[call].is_live() {
            return Err(not_eligible());
        }
        Ok(self.start_recording(Recorded::Call(call), order))
    }

    /// Records a conference as soon as it has started.
    pub(crate) fn order_room_recording(&mut self, room: RoomId, order: RecordOrder) {
        if !self.recordings.running(Recorded::Room(room)).is_empty() {
            return;
        }
        if self.rooms[room].is_started() {
            self.start_recording(Recorded::Room(room), order);
        } else if self.rooms[room].record.is_none() {
            self.rooms[room].record = Some(order);
        }
    }

    /// The conference has started: if it was to be recorded, it is now.
    pub(super) fn room_recording_due(&mut self, room: RoomId) {
        if let Some(order) = self.rooms[room].record.take() {
            self.start_recording(Recorded::Room(room), order);
        }
    }

    /// The leg is answered: if it was to be recorded, it is now.
    pub(super) fn call_recording_due(&mut self, call: CallId) {
        if let Some(order) = self.calls[call].record.take() {
            self.start_recording(Recorded::Call(call), order);
        }
    }

    /// REST: pauses, resumes or stops. With `skip` a pause leaves no silence in the recording.
    pub(crate) fn update_recording(
        &mut self,
        id: RecordingId,
        status: RecordingStatus,
        skip: bool,
    ) -> Result<(), RestError> {
        if !self.recordings[id].is_running() {
            return Err(not_eligible());
        }
        let now = self.now_ms;
        let recording = &mut self.recordings[id];
        match status {
            RecordingStatus::Paused if skip => {
                recording.recorded_ms = recording.length_ms(now);
                recording.since_ms = None;
            }
            RecordingStatus::InProgress => recording.since_ms = recording.since_ms.or(Some(now)),
            RecordingStatus::Stopped => return self.stop_recording(id, RecordingStatus::Stopped),
            _ => {}
        }
        recording.status = status;
        recording.updated_ms = now;
        self.note_recording(id);
        Ok(())
    }

    fn stop_recording(&mut self, id: RecordingId, status: RecordingStatus) -> Result<(), RestError> {
        let now = self.now_ms;
        let recording = &mut self.recordings[id];
        recording.recorded_ms = recording.length_ms(now);
        recording.since_ms = None;
        recording.status = status;
        recording.updated_ms = now;
        self.note_recording(id);
        let delay = self.between(300, 1_200);
        self.timers.at(now + delay, Timer::RecordingReady(id));
        Ok(())
    }

    /// What was recorded has ended, and so have its recordings.
    pub(super) fn recorded_is_over(&mut self, of: Recorded) {
        for id in self.recordings.running(of) {
            // Stopping what runs is never refused.
            let _ = self.stop_recording(id, RecordingStatus::Processing);
        }
    }

    /// The file is there; or nothing was recorded.
    pub(super) fn recording_ready(&mut self, id: RecordingId) {
        let recording = &mut self.recordings[id];
        let empty = recording.recorded_ms == 0;
        recording.status = if empty { RecordingStatus::Absent } else { RecordingStatus::Completed };
        recording.updated_ms = self.now_ms;
        self.recording_event(id);
    }

    fn note_recording(&mut self, id: RecordingId) {
        let recording = &self.recordings[id];
        let (sid, status) = (recording.sid.clone(), recording.status.to_string());
        let call = match recording.of {
            Recorded::Call(call) => Some(call),
            Recorded::Room(_) => None,
        };
        let data = [("recording_sid", sid.as_str()), ("status", status.as_str())];
        self.record(EventKind::Recording, call, format!("recording {status}"), &data);
    }

    /// Notes a change and reports it to whoever asked for it.
    /// <https://www.twilio.com/docs/voice/api/recording#recordingstatuscallback>
    fn recording_event(&mut self, id: RecordingId) {
        self.note_recording(id);
        let recording = &self.recordings[id];
        let status = recording.status.to_string();
        let Some(callback) = recording.order.callback.clone() else { return };
        if !callback.events.contains(&status) {
            return;
        }
        let mut params = vec![("AccountSid".to_owned(), self.options.account_sid.to_string())];
        let call = match recording.of {
            Recorded::Call(call) => {
                params.push(("CallSid".into(), self.calls[call].sid.to_string()));
                Some(call)
            }
            Recorded::Room(room) => {
                params.push(("ConferenceSid".into(), self.rooms[room].sid.to_string()));
                None
            }
        };
        let order = &recording.order;
        for (name, value) in [
            ("RecordingSid", recording.sid.clone()),
            ("RecordingUrl", self.recording_url(&recording.sid)),
            ("RecordingStatus", status.clone()),
            ("RecordingChannels", order.channels.to_string()),
            ("RecordingSource", order.source.to_owned()),
            ("RecordingStartTime", self.rfc2822(recording.created_ms)),
        ] {
            params.push((name.to_owned(), value));
        }
        if let Some(track) = &order.track {
            params.push(("RecordingTrack".into(), track.clone()));
        }
        if !recording.is_running() {
            params.push(("RecordingDuration".into(), recording.seconds(self.now_ms).to_string()));
        }
        let kind = RequestKind::RecordingCallback;
        self.send_callback(call, callback.url, callback.method, kind, params, &status);
    }

    /// Where the sound is.
    pub(crate) fn recording_url(&self, sid: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}/Recordings/{sid}", self.base_url, self.options.account_sid)
    }

    /// What a recorded call's last callback says about the recording.
    pub(super) fn recording_params(&self, call: CallId) -> Vec<(String, String)> {
        let Some(id) = self.recordings.latest(Recorded::Call(call)) else { return Vec::new() };
        let recording = &self.recordings[id];
        vec![
            ("RecordingSid".into(), recording.sid.clone()),
            ("RecordingUrl".into(), self.recording_url(&recording.sid)),
            ("RecordingDuration".into(), recording.seconds(self.now_ms).to_string()),
        ]
    }
}

/// <https://www.twilio.com/docs/api/errors/21220>
fn not_eligible() -> RestError {
    RestError::bad(21220, "Requested resource is not eligible for recording")
}
