//! Owns the parameters of every webhook about calls, and when call progress is reported.
//! <https://www.twilio.com/docs/voice/twiml#request-parameters>,
//! <https://www.twilio.com/docs/voice/api/call-resource#statuscallback>

use super::Engine;
use super::calls::{CallId, Status};
use super::debugger::DebuggerLevel;
use super::http::{Link, RequestKind};
use super::timeline::EventKind;

type Params = Vec<(String, String)>;

impl Engine {
    /// What every request about a call carries, with the old names that Twilio still sends beside the new ones.
    pub(super) fn voice_params(&self, id: CallId) -> Params {
        let call = &self.calls[id];
        let mut params: Params = Vec::with_capacity(28);
        let mut add = |name: &str, value: &str| params.push((name.to_owned(), value.to_owned()));
        add("CallSid", call.sid.as_str());
        add("AccountSid", self.options.account_sid.as_str());
        add("From", &call.from);
        add("To", &call.to);
        add("Caller", &call.from);
        add("Called", &call.to);
        add("CallStatus", &call.status.to_string());
        add("ApiVersion", "2010-04-01");
        add("Direction", &call.direction.to_string());
        if let Some(found) = &call.answered_by {
            add("AnsweredBy", found);
        }
        if let Some(token) = call.given.get("CallToken") {
            add("CallToken", token);
        }
        if let Some(parent) = call.parent {
            add("ParentCallSid", self.calls[parent].sid.as_str());
        }
        for (number, names) in [(&call.from, ["From", "Caller"]), (&call.to, ["To", "Called"])] {
            if number.starts_with("+1") {
                for name in names {
                    add(&format!("{name}City"), "");
                    add(&format!("{name}State"), "CA");
                    add(&format!("{name}Zip"), "");
                    add(&format!("{name}Country"), "US");
                }
            }
        }
        params
    }

    /// Reports `initiated`, `ringing`, `answered` or `completed` to whoever asked for it.
    pub(super) fn progress(&mut self, id: CallId, event: &str) {
        let Some(callback) = self.calls[id].callback.clone() else { return };
        if !callback.events.contains(event) || self.calls[id].mute_callbacks {
            return;
        }
        let sequence = self.calls[id].sequence;
        self.calls[id].sequence += 1;
        let mut params = self.voice_params(id);
        let mut add = |name: &str, value: String| params.push((name.to_owned(), value));
        add("Timestamp", self.rfc2822(self.now_ms));
        add("CallbackSource", "call-progress-events".into());
        add("SequenceNumber", sequence.to_string());
        let call = &self.calls[id];
        let mut recording = Vec::new();
        if call.is_ended() {
            let seconds = call.duration_s(self.now_ms);
            add("CallDuration", seconds.to_string());
            if call.status == Status::Completed {
                // Minutes, as billed.
                add("Duration", seconds.div_ceil(60).to_string());
                recording = self.recording_params(id);
            }
            if let Some(code) = call.sip_code.or((call.status == Status::Completed).then_some(200)) {
                add("SipResponseCode", code.to_string());
            }
        }
        let status = call.status.to_string();
        params.extend(recording);
        self.send_callback(
            Some(id),
            callback.url,
            callback.method,
            RequestKind::StatusCallback,
            params,
            &status,
        );
    }

    /// Sends a callback whose answer is not read.
    pub(super) fn send_callback(
        &mut self,
        call: Option<CallId>,
        url: String,
        method: super::Method,
        kind: RequestKind,
        params: Params,
        what: &str,
    ) {
        if super::fetch::unusable(&url).is_some() {
            let detail = format!("21502 {url} is not usable");
            self.record(EventKind::WebhookFailed, call, detail, &[("code", "21502")]);
            self.log(DebuggerLevel::Error, call, 21502, Some(&url), "the callback's URL is not usable");
            return;
        }
        let detail = format!("{what} to {url}");
        let data = [("url", url.as_str()), ("status", what), ("webhook", &self.next_request())];
        self.record(EventKind::CallbackSent, call, detail, &data);
        self.send(call, Link { url, method }, kind, params, None);
    }
}
