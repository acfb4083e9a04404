//! Owns the parameters that creates have in common: recording, answering machine detection, and what is only kept.
//! <https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource>,
//! <https://www.twilio.com/docs/voice/answering-machine-detection>

use std::collections::BTreeMap;

use super::super::engine::calls::{CallId, Callback};
use super::super::engine::recordings::RecordOrder;
use super::super::engine::{Engine, RestError};
use super::Result;
use super::form::Form;

pub(super) const RECORDING_EVENTS: [&str; 3] = ["in-progress", "completed", "absent"];

/// Whole numbers with their limits; whatever is wrong with them is 21234.
const TUNING: [(&str, u64, u64); 4] = [
    ("MachineDetectionTimeout", 3, 60),
    ("MachineDetectionSpeechThreshold", 1_000, 6_000),
    ("MachineDetectionSpeechEndThreshold", 500, 5_000),
    ("MachineDetectionSilenceTimeout", 2_000, 10_000),
];

/// Kept as they are.
const KEPT: [&str; 8] = [
    "CallReason",
    "CallToken",
    "Byoc",
    "SipAuthUsername",
    "SipAuthPassword",
    "ClientNotificationUrl",
    "CallerDisplayName",
    "SendDigits",
];

/// What a create says beside who and what, and what Twilio's debugger would warn of.
#[derive(Debug, Default)]
pub(super) struct Given {
    values: BTreeMap<&'static str, String>,
    warnings: Vec<(u32, String)>,
}

impl Given {
    /// Reads and checks what `Calls` and `Participants` both take.
    pub(super) fn read(form: &Form<'_>) -> Result<Self> {
        let mut given = Self::default();
        if let Some(digits) = form.get("SendDigits")
            && (digits.len() > 32
                || !digits.chars().all(|c| c.is_ascii_digit() || "ABCDabcd#*wW".contains(c)))
        {
            return Err(RestError::bad(21206, "SendDigits: 1 to 32 of 0-9, A-D, #, *, w, W"));
        }
        for name in KEPT {
            given.keep(name, form.get(name));
        }
        // https://www.twilio.com/docs/voice/api/call-resource: keys to be sent switch the detection off.
        if form.get("SendDigits").is_none() {
            given.machine_detection(form)?;
        }
        Ok(given)
    }

    fn keep(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.values.insert(name, value.to_owned());
        }
    }

    fn machine_detection(&mut self, form: &Form<'_>) -> Result<()> {
        let wrong = |name: &str, expected: String| RestError::bad(21234, format!("{name}: {expected}"));
        let mode = form.get("MachineDetection");
        if mode.is_some_and(|m| !["Enable", "DetectMessageEnd"].contains(&m)) {
            return Err(wrong("MachineDetection", "Enable or DetectMessageEnd".into()));
        }
        self.keep("MachineDetection", mode);
        for (name, low, high) in TUNING {
            let Some(text) = form.get(name) else { continue };
            if !text.parse::<u64>().is_ok_and(|n| (low..=high).contains(&n)) {
                return Err(wrong(name, format!("{low} to {high}")));
            }
            self.keep(name, Some(text));
        }
        let asynchronous = form.one_of("AsyncAmd", &["true", "false"], 21234)?;
        self.keep("AsyncAmd", asynchronous);
        for name in ["AsyncAmdStatusCallback", "AmdStatusCallback"] {
            let callback = form.plain_callback(name)?;
            self.keep(name, callback.as_ref().map(|c| c.url.as_str()));
        }
        if asynchronous == Some("true") && form.get("AsyncAmdStatusCallback").is_none() {
            self.warn(21262, "AsyncAmd without AsyncAmdStatusCallback: nobody will hear of the result");
        }
        Ok(())
    }

    pub(super) fn warn(&mut self, code: u32, message: &str) {
        self.warnings.push((code, message.to_owned()));
    }

    /// Names that this endpoint does not know are ignored, with a warning.
    /// <https://www.twilio.com/docs/api/errors/20001>
    pub(super) fn warn_of_unknown(&mut self, form: &Form<'_>, known: &[&str]) {
        for name in form.names().filter(|name| !known.contains(name)) {
            self.warn(20001, &format!("the parameter {name} is unknown and ignored"));
        }
    }

    /// Puts it on the call.
    pub(super) fn apply(mut self, engine: &mut Engine, call: CallId) {
        engine.calls[call].given = std::mem::take(&mut self.values);
        self.warnings_of(engine, call);
    }

    /// Puts only the warnings on the record.
    pub(super) fn warnings_of(self, engine: &mut Engine, call: CallId) {
        for (code, message) in self.warnings {
            engine.warn(call, code, &message);
        }
    }
}

/// How a call is to be recorded: `RecordingChannels`, `RecordingTrack`, `Trim` and the callback, whether or not it is.
pub(super) fn call_recording(form: &Form<'_>, source: &'static str) -> Result<RecordOrder> {
    let channels = form.one_of("RecordingChannels", &["mono", "dual"], 20422)?;
    let track = form.one_of("RecordingTrack", &["inbound", "outbound", "both"], 20422)?;
    form.one_of("Trim", &["trim-silence", "do-not-trim"], 20422)?;
    let callback = recording_callback(form, "RecordingStatusCallback")?;
    Ok(RecordOrder {
        source,
        channels: if channels == Some("dual") { 2 } else { 1 },
        track: Some(track.unwrap_or("both").to_owned()),
        callback,
    })
}

/// How a conference is to be recorded, if it is.
pub(super) fn conference_recording(form: &Form<'_>) -> Result<Option<RecordOrder>> {
    let values = ["true", "false", "record-from-start", "do-not-record"];
    let wanted = form.one_of("ConferenceRecord", &values, 20422)?;
    form.one_of("ConferenceTrim", &["trim-silence", "do-not-trim"], 20422)?;
    let callback = recording_callback(form, "ConferenceRecordingStatusCallback")?;
    let wanted = matches!(wanted, Some("true" | "record-from-start"));
    Ok(wanted.then_some(RecordOrder { source: "Conference", channels: 1, track: None, callback }))
}

fn recording_callback(form: &Form<'_>, name: &str) -> Result<Option<Callback>> {
    let (callback, silenced) = form.callback(name, &RECORDING_EVENTS, &["completed"])?;
    if silenced {
        return Err(RestError::bad(20422, format!("{name}Event: in-progress, completed or absent")));
    }
    Ok(callback)
}
