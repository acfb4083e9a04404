//! Owns `<Record>`: the beep, what ends it, and what its action is told.
//! <https://www.twilio.com/docs/voice/twiml/record>

use std::sync::Arc;

use super::Engine;
use super::audio::Heard;
use super::calls::{Activity, CallId};
use super::http::{Link, RequestKind};
use super::interpreter::Flow;
use super::recordings::{Recorded, RecordingId};
use super::timers::Timer;
use super::twiml::RecordVerb;

const BEEP_MS: u64 = 500;
/// Whoever leaves a message speaks for so long, unless their phone's plan says otherwise.
const SPEAKS_MS: u64 = 3_000;

/// A `<Record>` under way.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    verb: Arc<RecordVerb>,
    /// Nothing during the beep.
    recording: Option<RecordingId>,
}

impl Recorder {
    pub(super) fn sound(&self) -> Option<Heard> {
        self.recording.is_none().then_some(Heard::Tone)
    }
}

impl Engine {
    pub(super) fn start_recorder(&mut self, call: CallId, verb: Arc<RecordVerb>) -> Flow {
        self.answer_inbound(call);
        self.did_something(call, None);
        let turn = self.wait(call);
        let beep = if verb.beep { BEEP_MS } else { 0 };
        self.calls[call].activity = Activity::Recording(Recorder { verb, recording: None });
        self.timers.at(self.now_ms + beep, Timer::Next(call, turn));
        Flow::Wait
    }

    fn speaks_ms(&self, call: CallId) -> u64 {
        self.calls[call].plan.as_ref().and_then(|p| p.speaks_ms).unwrap_or(SPEAKS_MS)
    }

    /// The beep is over, or the message.
    pub(super) fn recorder_timer(&mut self, call: CallId, mut recorder: Recorder) {
        if recorder.recording.is_some() {
            return self.finish_recorder(call, &recorder, None);
        }
        let turn = self.wait(call);
        let verb = recorder.verb.clone();
        let order = self.record_order(call, &verb.noun, "RecordVerb");
        let id = self.start_recording(Recorded::Call(call), order);
        recorder.recording = Some(id);
        self.calls[call].activity = Activity::Recording(recorder);
        let length = (self.speaks_ms(call) + verb.timeout_ms).min(verb.max_length_ms);
        self.timers.at(self.now_ms.saturating_add(length), Timer::Next(call, turn));
    }

    pub(super) fn recorder_key(&mut self, call: CallId, key: char) {
        if let Activity::Recording(recorder) = &self.calls[call].activity
            && recorder.recording.is_some()
            && recorder.verb.finish_on_key.contains(key)
        {
            self.finish_recorder(call, &recorder.clone(), Some(key.to_string()));
        }
    }

    fn recorder_params(&self, id: RecordingId, digits: Option<String>) -> Vec<(String, String)> {
        let mut params = vec![
            ("RecordingUrl".to_owned(), self.recording_url(&self.recordings[id].sid)),
            ("RecordingSid".to_owned(), self.recordings[id].sid.clone()),
            ("RecordingDuration".to_owned(), self.recordings[id].seconds(self.now_ms).to_string()),
        ];
        params.extend(digits.map(|digits| ("Digits".to_owned(), digits)));
        params
    }

    /// Nobody said anything: on with the next verb. Otherwise the action, or the same document once more.
    fn finish_recorder(&mut self, call: CallId, recorder: &Recorder, key: Option<String>) {
        let Some(id) = recorder.recording else { return };
        self.end_recording(id);
        if key.is_none() && self.speaks_ms(call) == 0 {
            let turn = self.wait(call);
            self.timers.at(self.now_ms, Timer::Next(call, turn));
            return;
        }
        let extra = self.recorder_params(id, key);
        match self.resolve(call, recorder.verb.action.as_deref().unwrap_or_default()) {
            Ok(url) => {
                let link = Link { url, method: recorder.verb.method };
                self.fetch_document(call, link, RequestKind::RecordAction, extra, 0);
            }
            Err(error) => self.document_failed(call, "", error, super::calls::Role::Main, true),
        }
    }

    /// A caller who hangs up ends the message: the action is asked with `Digits=hangup`, its answer thrown away.
    pub(super) fn recorder_hung_up(&mut self, call: CallId, recorder: &Recorder) {
        let (Some(id), Some(action)) = (recorder.recording, recorder.verb.action.as_deref()) else { return };
        self.end_recording(id);
        let extra = self.recorder_params(id, Some("hangup".into()));
        if let Ok(url) = self.resolve(call, action) {
            let link = Link { url, method: recorder.verb.method };
            self.fetch_and_discard(call, link, RequestKind::RecordAction, extra, 0);
        }
    }
}
