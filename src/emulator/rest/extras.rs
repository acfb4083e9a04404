//! Owns the parameters that calls and participants share beside the usual: tones, machine detection, recording.
//! <https://www.twilio.com/docs/voice/answering-machine-detection>

use super::super::engine::calls::CallExtras;
use super::super::engine::{Detection, Method, RecordingNoun, RestError};
use super::form::Form;

type Result<T> = std::result::Result<T, RestError>;

/// Of `POST /Calls`.
pub(super) fn call(form: &Form<'_>) -> Result<CallExtras> {
    let asynchronous = form.flag_or("AsyncAmd", false);
    let callback =
        form.link("AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod", Method::Post, 21502)?;
    let detection = detection(form)?.map(|mut detection| {
        detection.asynchronous = asynchronous;
        if let Some(link) = callback.filter(|_| asynchronous) {
            (detection.callback, detection.callback_method) = (Some(link.url), link.method);
        }
        detection
    });
    let record = form.flag_or("Record", false).then(|| recording(form, "Recording", ""));
    Ok(CallExtras {
        send_digits: form.get("SendDigits").map(str::to_owned),
        detection,
        record: record.transpose()?,
    })
}

/// Of `POST /Participants`: detection never makes the leg wait.
pub(super) fn participant(form: &Form<'_>) -> Result<CallExtras> {
    let callback = form.link("AmdStatusCallback", "AmdStatusCallbackMethod", Method::Post, 21502)?;
    let detection = detection(form)?.map(|mut detection| {
        if let Some(link) = callback {
            (detection.callback, detection.callback_method) = (Some(link.url), link.method);
        }
        detection
    });
    let record = form.flag_or("Record", false).then(|| recording(form, "Recording", ""));
    Ok(CallExtras { send_digits: None, detection, record: record.transpose()? })
}

/// `ConferenceRecord`.
pub(super) fn conference_record(form: &Form<'_>) -> Result<Option<RecordingNoun>> {
    match form.get("ConferenceRecord") {
        Some("true" | "record-from-start") => recording(form, "ConferenceRecording", "Conference").map(Some),
        _ => Ok(None),
    }
}

fn recording(form: &Form<'_>, prefix: &str, trim: &str) -> Result<RecordingNoun> {
    let name = |suffix: &str| format!("{prefix}{suffix}");
    let link = form.link(&name("StatusCallback"), &name("StatusCallbackMethod"), Method::Post, 21502)?;
    let method = link.as_ref().map_or(Method::Post, |l| l.method);
    let events = form.all(&name("StatusCallbackEvent"));
    let words = |event: &String| event.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    Ok(RecordingNoun {
        callback: link.map(|l| l.url),
        callback_method: method,
        events: events.iter().flat_map(words).collect(),
        channels: if form.get("RecordingChannels") == Some("dual") { 2 } else { 1 },
        track: form.get("RecordingTrack").unwrap_or("both").to_owned(),
        trim: form.get(&format!("{trim}Trim")) != Some("do-not-trim"),
    })
}

fn detection(form: &Form<'_>) -> Result<Option<Detection>> {
    let to_message_end = match form.get("MachineDetection") {
        None => return Ok(None),
        Some("Enable") => false,
        Some("DetectMessageEnd") => true,
        Some(other) => return Err(RestError::bad(21234, format!("MachineDetection {other} is not valid"))),
    };
    let timeout = form.seconds("MachineDetectionTimeout", 60, 21234)?.unwrap_or(30);
    Ok(Some(Detection {
        to_message_end,
        timeout_ms: timeout.max(3) * 1000,
        asynchronous: true,
        callback: None,
        callback_method: Method::Post,
    }))
}
