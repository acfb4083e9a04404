//! Owns recordings: when they start, pause and end, and what their callbacks say. No sound is kept.
//! <https://www.twilio.com/docs/voice/api/recording>

use std::ops::{Index, IndexMut};

use super::Engine;
use super::calls::{CallId, Callback};
use super::conferences::RoomId;
use super::http::RequestKind;
use super::timers::Timer;
use super::twiml::RecordingNoun;

/// A recording is ready so long after it has ended: its file comes later than the action that names it.
const READY_AFTER_MS: u64 = 1_500;

/// A recording's place in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RecordingId(pub(crate) usize);

/// What is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recorded {
    Call(CallId),
    Room(RoomId),
}

/// What a recording was started by; Twilio's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
pub(crate) enum RecordingSource {
    DialVerb,
    Conference,
    OutboundAPI,
    RecordVerb,
    StartCallRecordingTwiML,
    StartCallRecordingAPI,
}

/// Where a recording is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum RecordingStatus {
    InProgress,
    Paused,
    /// Ended, its file not yet ready.
    Processing,
    Completed,
    /// Nothing was recorded.
    Absent,
}

/// One recording.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    pub(crate) sid: String,
    pub(crate) of: Recorded,
    pub(crate) source: RecordingSource,
    pub(crate) status: RecordingStatus,
    pub(crate) channels: u8,
    pub(crate) track: String,
    pub(crate) started_ms: u64,
    pub(crate) ended_ms: Option<u64>,
    /// Time that was recorded before the last pause.
    recorded_ms: u64,
    /// Since when it records without a pause.
    running_since: Option<u64>,
    callback: Option<Callback>,
    /// Deleted by REST: no longer shown.
    pub(crate) deleted: bool,
}

impl Recording {
    /// Whether it records or is paused.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.status, RecordingStatus::InProgress | RecordingStatus::Paused)
    }

    /// Seconds recorded so far, pauses left out.
    pub(crate) fn duration_s(&self, now_ms: u64) -> u64 {
        let running = self.running_since.map_or(0, |since| now_ms.saturating_sub(since));
        (self.recorded_ms + running).div_ceil(1000)
    }
}

/// All recordings, in the order they were started.
#[derive(Debug, Default)]
pub(crate) struct Recordings {
    list: Vec<Recording>,
}

impl Recordings {
    /// In the order they were started.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (RecordingId, &Recording)> {
        self.list.iter().enumerate().map(|(i, recording)| (RecordingId(i), recording))
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
    /// Starts a recording. A relative callback is resolved against the call's document; without one it is left out.
    pub(crate) fn start_recording(
        &mut self,
        of: Recorded,
        source: RecordingSource,
        noun: &RecordingNoun,
    ) -> RecordingId {
        let url = noun.callback.clone().and_then(|url| match of {
            Recorded::Call(call) => self.resolve(call, &url).ok(),
            Recorded::Room(_) => super::fetch::unusable(&url).is_none().then_some(url),
        });
        let id = RecordingId(self.recordings.list.len());
        let recording = Recording {
            sid: format!("RE{:032x}", self.bits()),
            of,
            source,
            status: RecordingStatus::InProgress,
            channels: noun.channels,
            track: noun.track.clone(),
            started_ms: self.now_ms,
            ended_ms: None,
            recorded_ms: 0,
            running_since: Some(self.now_ms),
            callback: Callback::new(url, noun.callback_method, noun.events.clone()),
            deleted: false,
        };
        self.recordings.list.push(recording);
        if let Recorded::Call(call) = of {
            self.calls[call].recordings.push(id);
        }
        self.recording_event(id);
        id
    }

    /// Pauses or resumes a live recording.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the REST API's recordings"))]
    pub(crate) fn pause_recording(&mut self, id: RecordingId, pause: bool) {
        let now = self.now_ms;
        let recording = &mut self.recordings[id];
        if !recording.is_live() {
            return;
        }
        if let Some(since) = recording.running_since.take() {
            recording.recorded_ms += now.saturating_sub(since);
        }
        recording.running_since = (!pause).then_some(now);
        recording.status = if pause { RecordingStatus::Paused } else { RecordingStatus::InProgress };
    }

    /// Ends a recording, once; its file is ready a little later.
    pub(crate) fn stop_recording(&mut self, id: RecordingId) {
        let now = self.now_ms;
        let recording = &mut self.recordings[id];
        if !recording.is_live() {
            return;
        }
        if let Some(since) = recording.running_since.take() {
            recording.recorded_ms += now.saturating_sub(since);
        }
        recording.status = RecordingStatus::Processing;
        recording.ended_ms = Some(now);
        self.timers.at(now + READY_AFTER_MS, Timer::RecordingReady(id));
    }

    /// Every recording of a leg ends with it.
    pub(super) fn stop_recordings(&mut self, call: CallId) {
        for id in std::mem::take(&mut self.calls[call].recordings) {
            self.stop_recording(id);
        }
    }

    /// `<Stop><Recording>`: what `<Start>` began.
    pub(super) fn stop_background_recordings(&mut self, call: CallId) {
        for id in self.calls[call].recordings.clone() {
            if self.recordings[id].source == RecordingSource::StartCallRecordingTwiML {
                self.stop_recording(id);
            }
        }
    }

    pub(super) fn recording_ready(&mut self, id: RecordingId) {
        let recording = &mut self.recordings[id];
        let empty = recording.recorded_ms == 0;
        recording.status = if empty { RecordingStatus::Absent } else { RecordingStatus::Completed };
        self.recording_event(id);
    }

    /// Where the file would be.
    pub(crate) fn recording_url(&self, id: RecordingId) -> String {
        let account = &self.options.account_sid;
        format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{}", self.recordings[id].sid)
    }

    fn recording_event(&mut self, id: RecordingId) {
        let recording = self.recordings[id].clone();
        let status = recording.status.to_string();
        let Some(callback) = recording.callback.filter(|c| c.events.contains(&status)) else { return };
        let mut params: Vec<(String, String)> = Vec::with_capacity(10);
        let mut add = |name: &str, value: String| params.push((name.to_owned(), value));
        add("AccountSid", self.options.account_sid.to_string());
        let call = match recording.of {
            Recorded::Call(call) => {
                add("CallSid", self.calls[call].sid.to_string());
                Some(call)
            }
            Recorded::Room(room) => {
                add("ConferenceSid", self.rooms[room].sid.to_string());
                None
            }
        };
        add("RecordingSid", recording.sid);
        add("RecordingUrl", self.recording_url(id));
        add("RecordingStatus", status.clone());
        if recording.status == RecordingStatus::Completed {
            add("RecordingDuration", recording.recorded_ms.div_ceil(1000).to_string());
        }
        add("RecordingChannels", recording.channels.to_string());
        add("RecordingStartTime", self.rfc2822(recording.started_ms));
        add("RecordingSource", recording.source.to_string());
        add("RecordingTrack", recording.track);
        self.send_callback(
            call,
            callback.url,
            callback.method,
            RequestKind::RecordingCallback,
            params,
            &status,
        );
    }
}
