//! Owns which attributes each element has: any other is Twilio's warning 12200, and most often a typing error.
//! <https://www.twilio.com/docs/voice/twiml>

use super::reader::Element;

const CALLBACK: [&str; 3] = ["statusCallback", "statusCallbackMethod", "statusCallbackEvent"];
const RECORDING: [&str; 3] =
    ["recordingStatusCallback", "recordingStatusCallbackMethod", "recordingStatusCallbackEvent"];
const DETECTION: [&str; 7] = [
    "machineDetection",
    "machineDetectionTimeout",
    "machineDetectionSpeechThreshold",
    "machineDetectionSpeechEndThreshold",
    "machineDetectionSilenceTimeout",
    "amdStatusCallback",
    "amdStatusCallbackMethod",
];

/// The attributes of an element; `None` for an element that is not known here.
fn attributes(element: &str) -> Option<(&'static [&'static str], &'static [&'static [&'static str]])> {
    Some(match element {
        "Say" => (&["voice", "language", "loop"], &[]),
        "Play" => (&["loop", "digits"], &[]),
        "Pause" => (&["length"], &[]),
        "Gather" => (
            &[
                "action",
                "method",
                "input",
                "timeout",
                "finishOnKey",
                "numDigits",
                "language",
                "actionOnEmptyResult",
                "speechTimeout",
                "maxSpeechTime",
                "hints",
                "bargeIn",
                "profanityFilter",
                "partialResultCallback",
                "partialResultCallbackMethod",
                "speechModel",
                "enhanced",
                "debug",
            ],
            &[],
        ),
        "Dial" => (
            &[
                "action",
                "method",
                "answerOnBridge",
                "callerId",
                "callReason",
                "hangupOnStar",
                "record",
                "recordingTrack",
                "referUrl",
                "referMethod",
                "ringTone",
                "sequential",
                "timeLimit",
                "timeout",
                "trim",
                "recordingConfigurationId",
            ],
            &[&RECORDING],
        ),
        "Number" => (&["sendDigits", "url", "method", "byoc"], &[&CALLBACK, &DETECTION]),
        "Client" => (&["url", "method", "clientNotificationUrl"], &[&CALLBACK]),
        "Application" => (&["url", "method", "customerId", "copyParentTo"], &[&CALLBACK]),
        "Sip" => (&["username", "password", "url", "method"], &[&CALLBACK, &DETECTION]),
        "Conference" => (
            &[
                "muted",
                "beep",
                "startConferenceOnEnter",
                "endConferenceOnExit",
                "participantLabel",
                "jitterBufferSize",
                "waitUrl",
                "waitMethod",
                "maxParticipants",
                "record",
                "region",
                "trim",
                "coach",
                "recordingConfigurationId",
            ],
            &[&CALLBACK, &RECORDING],
        ),
        "Queue" => (&["url", "method", "reservationSid", "postWorkActivitySid"], &[]),
        "Record" => (
            &[
                "action",
                "method",
                "timeout",
                "finishOnKey",
                "maxLength",
                "playBeep",
                "trim",
                "transcribe",
                "transcribeCallback",
                "recordingConfigurationId",
            ],
            &[&RECORDING],
        ),
        "Enqueue" => (&["action", "method", "waitUrl", "waitUrlMethod", "workflowSid", "maxQueueSize"], &[]),
        "Recording" => (&["trim", "track", "channels", "recordingConfigurationId"], &[&RECORDING]),
        "Leave" | "Start" | "Stop" => (&["action", "method", "name"], &[]),
        "Redirect" => (&["method"], &[]),
        "Reject" => (&["reason"], &[]),
        "Hangup" => (&[], &[]),
        _ => return None,
    })
}

/// Warns of every attribute that its element does not have, in the whole document.
pub(super) fn check(element: &Element, warnings: &mut Vec<(u32, String)>) {
    if let Some((own, shared)) = attributes(&element.name) {
        for (name, _) in &element.attributes {
            let known = own.contains(&name.as_str()) || shared.iter().any(|s| s.contains(&name.as_str()));
            if !known {
                warnings.push((12200, format!("<{}> has no attribute {name}", element.name)));
            }
        }
    }
    for child in &element.children {
        check(child, warnings);
    }
}
