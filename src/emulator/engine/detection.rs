//! Owns answering machine detection: what it finds, after how long, and who is told.
//! <https://www.twilio.com/docs/voice/answering-machine-detection>

use super::Engine;
use super::calls::CallId;
use super::http::RequestKind;
use super::phones::{Behaviour, PhonePlan};
use super::timers::Timer;
use super::twiml::Detection;

/// A person or the start of a greeting is recognised after so long; callers report about four seconds of silence.
const RECOGNISED_MS: u64 = 4_000;
/// The end of a greeting without a beep is recognised after so much silence.
const SILENCE_MS: u64 = 2_000;

/// What detection finds, and when.
fn verdict(plan: &PhonePlan, detection: &Detection) -> (String, u64) {
    let (found, after) = match (&plan.answered_by, plan.behaviour) {
        (Some(word), _) => (word.as_str(), RECOGNISED_MS),
        (None, Behaviour::Fax) => ("fax", RECOGNISED_MS),
        (None, Behaviour::Voicemail) if !detection.to_message_end => ("machine_start", RECOGNISED_MS),
        (None, Behaviour::Voicemail) => {
            let greeting = plan.greeting_length_ms();
            match plan.no_beep {
                false => ("machine_end_beep", greeting + super::people::BEEP_MS),
                true => ("machine_end_silence", greeting + SILENCE_MS),
            }
        }
        _ => ("human", RECOGNISED_MS),
    };
    if after > detection.timeout_ms {
        ("unknown".into(), detection.timeout_ms)
    } else {
        (found.into(), after)
    }
}

impl Engine {
    /// What a REST create said about tones and detection becomes the leg's own.
    /// <https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource>
    pub(super) fn read_given(&mut self, call: CallId) {
        let leg = &self.calls[call];
        let given = |name: &str| leg.given.get(name).cloned();
        let digits = given("SendDigits").or_else(|| leg.extras.send_digits.clone());
        let mode = given("MachineDetection");
        // A participant never waits for the result.
        let asynchronous = leg.room.is_some() || given("AsyncAmd").as_deref() == Some("true");
        let timeout = given("MachineDetectionTimeout").and_then(|s| s.parse::<u64>().ok()).unwrap_or(30);
        let found = mode.map(|mode| Detection {
            to_message_end: mode == "DetectMessageEnd",
            timeout_ms: timeout * 1000,
            asynchronous,
            callback: given("AsyncAmdStatusCallback").or_else(|| given("AmdStatusCallback")),
            callback_method: super::Method::Post,
        });
        let extras = &mut self.calls[call].extras;
        extras.send_digits = digits;
        extras.detection = found.or(extras.detection.take());
    }

    /// Starts listening for who has answered. Whether the document has to wait for it.
    pub(super) fn start_detection(&mut self, call: CallId) -> bool {
        let Some(detection) = self.calls[call].extras.detection.clone() else { return false };
        let plan = self.calls[call].plan.clone().unwrap_or_else(PhonePlan::answer);
        let (found, after) = verdict(&plan, &detection);
        let turn = self.wait(call);
        self.timers.at(self.now_ms + after, Timer::Detected(call, turn, found));
        !detection.asynchronous
    }

    /// It is known who has answered.
    pub(super) fn detected(&mut self, call: CallId, turn: u64, found: String) {
        let Some(detection) = self.calls[call].extras.detection.take() else { return };
        if !self.calls[call].is_live() {
            return;
        }
        self.calls[call].answered_by = Some(found.clone());
        if let Some(url) = detection.callback {
            let since = self.calls[call].answered_ms.unwrap_or(self.now_ms);
            let params = vec![
                ("CallSid".to_owned(), self.calls[call].sid.to_string()),
                ("AccountSid".to_owned(), self.options.account_sid.to_string()),
                ("AnsweredBy".to_owned(), found.clone()),
                ("MachineDetectionDuration".to_owned(), (self.now_ms - since).to_string()),
            ];
            let method = detection.callback_method;
            self.send_callback(Some(call), url, method, RequestKind::DetectionCallback, params, &found);
        }
        if !detection.asynchronous && self.calls[call].turn == turn {
            self.connected(call);
        }
    }
}
