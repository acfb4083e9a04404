//! Owns what Twilio's answers are read into. Only what a caller cannot do without is demanded of an answer: one that is
//! odd in any other field must not turn a call that was placed into an error.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use strum::{AsRefStr, EnumIter};

use crate::telephony::{CallSid, ConferenceSid, masked};

/// Where a call stands. <https://www.twilio.com/docs/voice/api/call-resource#call-status-values>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, AsRefStr, EnumIter)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum CallStatus {
    /// Waits to be dialled.
    Queued,
    /// Is being dialled; only callbacks say so.
    Initiated,
    /// Rings.
    Ringing,
    /// Was answered and goes on.
    InProgress,
    /// Was answered and has ended.
    Completed,
    /// The far end was busy.
    Busy,
    /// Could not be connected.
    Failed,
    /// Was not answered in time, or was declined.
    NoAnswer,
    /// Was ended by us before it was answered.
    Canceled,
    /// A word this version does not know.
    #[serde(other)]
    Unknown,
}

impl CallStatus {
    /// Whether the call is over.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled)
    }
}

/// Where a participant's leg stands. <https://www.twilio.com/docs/voice/api/conference-participant-resource>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, AsRefStr, EnumIter)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ParticipantStatus {
    /// Waits to be dialled.
    Queued,
    /// Is on the way into the conference.
    Connecting,
    /// Rings.
    Ringing,
    /// Is in the conference.
    Connected,
    /// Was in the conference.
    Complete,
    /// Could not be connected.
    Failed,
    /// A word this version does not know.
    #[serde(other)]
    Unknown,
}

/// Where a conference stands. <https://www.twilio.com/docs/voice/api/conference-resource>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, AsRefStr, EnumIter)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ConferenceStatus {
    /// Has a member but has not started.
    Init,
    /// Has started.
    InProgress,
    /// Is over.
    Completed,
    /// A word this version does not know.
    #[serde(other)]
    Unknown,
}

/// A call. <https://www.twilio.com/docs/voice/api/call-resource#call-properties>
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct CallResource {
    /// The leg.
    pub sid: CallSid,
    /// The leg whose `Dial` made this one.
    #[serde(default, deserialize_with = "lenient")]
    pub parent_call_sid: Option<CallSid>,
    /// Who is called, as Twilio writes it.
    #[serde(default, deserialize_with = "lenient")]
    pub to: Option<String>,
    /// The caller id, as Twilio writes it.
    #[serde(default, deserialize_with = "lenient")]
    pub from: Option<String>,
    /// Where it stands. A read lags behind the callbacks.
    pub status: CallStatus,
    /// `inbound`, `outbound-api` or `outbound-dial`.
    #[serde(default, deserialize_with = "lenient")]
    pub direction: Option<String>,
    /// `human`, `machine_start` and the like, if Twilio was asked to find out.
    #[serde(default, deserialize_with = "lenient")]
    pub answered_by: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "rfc_2822")]
    pub date_created: Option<DateTime<Utc>>,
    /// When it was dialled.
    #[serde(default, deserialize_with = "rfc_2822")]
    pub start_time: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default, deserialize_with = "rfc_2822")]
    pub end_time: Option<DateTime<Utc>>,
    /// How long it lasted, in seconds; only of a completed call.
    #[serde(default, deserialize_with = "lenient")]
    pub duration: Option<u32>,
    /// How long Twilio expects it to wait for its turn to be dialled, in milliseconds.
    #[serde(default, deserialize_with = "lenient")]
    pub queue_time: Option<u64>,
}

impl fmt::Debug for CallResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallResource")
            .field("sid", &self.sid.as_str())
            .field("status", &self.status)
            .field("to", &self.to.as_deref().map(masked))
            .field("from", &self.from.as_deref().map(masked))
            .finish_non_exhaustive()
    }
}

/// A leg in a conference, or on its way there. It disappears when the leg ends or is redirected.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ParticipantResource {
    /// The leg.
    pub call_sid: CallSid,
    /// The conference, also when it was addressed by its name.
    pub conference_sid: ConferenceSid,
    /// The label it was given.
    #[serde(default, deserialize_with = "lenient")]
    pub label: Option<String>,
    /// Whether it is not heard.
    #[serde(default, deserialize_with = "flag")]
    pub muted: bool,
    /// Whether it hears the hold document instead of the conference.
    #[serde(default, deserialize_with = "flag")]
    pub hold: bool,
    /// Whether only `call_sid_to_coach` hears it.
    #[serde(default, deserialize_with = "flag")]
    pub coaching: bool,
    /// The leg that hears it.
    #[serde(default, deserialize_with = "lenient")]
    pub call_sid_to_coach: Option<CallSid>,
    /// Whether it may start the conference.
    #[serde(default, deserialize_with = "flag")]
    pub start_conference_on_enter: bool,
    /// Whether the conference ends when it leaves.
    #[serde(default, deserialize_with = "flag")]
    pub end_conference_on_exit: bool,
    /// Where it stands.
    #[serde(default = "unknown_participant_status")]
    pub status: ParticipantStatus,
    /// How long Twilio expects it to wait for its turn to be dialled, in milliseconds; only when it was just made.
    #[serde(default, deserialize_with = "lenient")]
    pub queue_time: Option<u64>,
}

/// A conference.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ConferenceResource {
    /// This opening of the room.
    pub sid: ConferenceSid,
    /// The room's name.
    #[serde(default, deserialize_with = "lenient")]
    pub friendly_name: Option<String>,
    /// Where it stands.
    pub status: ConferenceStatus,
    /// Why it ended.
    #[serde(default, deserialize_with = "lenient")]
    pub reason_conference_ended: Option<String>,
    /// The leg whose departure ended it.
    #[serde(default, deserialize_with = "lenient")]
    pub call_sid_ending_conference: Option<CallSid>,
}

/// A number of the account, or one that it has shown to be its own.
/// <https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource>,
/// <https://www.twilio.com/docs/voice/api/outgoing-caller-ids>
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct NumberResource {
    /// E.164; Twilio's lists may hold other things, too.
    #[serde(default)]
    pub phone_number: String,
}

impl fmt::Debug for NumberResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NumberResource").field(&masked(&self.phone_number)).finish()
    }
}

/// One page of a list. <https://www.twilio.com/docs/usage/twilios-response#paging-information>
#[derive(Deserialize)]
pub(super) struct Page<T> {
    #[serde(
        alias = "calls",
        alias = "participants",
        alias = "conferences",
        alias = "incoming_phone_numbers",
        alias = "outgoing_caller_ids"
    )]
    pub(super) items: Vec<T>,
    #[serde(default)]
    pub(super) next_page_uri: Option<String>,
}

fn unknown_participant_status() -> ParticipantStatus {
    ParticipantStatus::Unknown
}

/// What the text says, or nothing if it is absent, empty or says something else. Twilio writes numbers as text.
fn lenient<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(text(deserializer)?.and_then(|text| text.parse().ok()))
}

fn rfc_2822<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let parse = |text: String| DateTime::parse_from_rfc2822(&text).ok();
    Ok(text(deserializer)?.and_then(parse).map(|date| date.to_utc()))
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(text(deserializer)?.as_deref() == Some("true"))
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => (!text.is_empty()).then_some(text),
        serde_json::Value::Null => None,
        other => Some(other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn a_call_is_read_as_twilio_writes_it() {
        let call: CallResource = serde_json::from_value(json!({
            "sid": "CA00000000000000000000000000000001", "parent_call_sid": "", "to": "+15550100123",
            "from": "+15550100199", "status": "in-progress", "direction": "outbound-api", "answered_by": null,
            "date_created": "Tue, 31 Aug 2010 20:36:28 +0000", "start_time": null, "end_time": "", "duration": "15",
            "queue_time": "1000", "price": "-0.03000", "subresource_uris": {}
        }))
        .unwrap();
        assert_eq!(call.sid, CallSid::from_u128(1));
        assert_eq!((call.parent_call_sid.clone(), call.status), (None, CallStatus::InProgress));
        assert_eq!(
            (call.duration, call.queue_time, call.start_time, call.end_time),
            (Some(15), Some(1000), None, None)
        );
        assert_eq!(call.date_created.unwrap().to_rfc3339(), "2010-08-31T20:36:28+00:00");
        let shown = format!("{call:?}");
        assert!(shown.contains("+…23") && !shown.contains("+15550100123"), "{shown}");
    }

    #[test]
    fn an_answer_that_is_odd_where_it_does_not_matter_is_still_read() {
        let call: CallResource = serde_json::from_value(json!({
            "sid": "CA00000000000000000000000000000001", "status": "teleported", "date_created": "yesterday",
            "duration": {}, "parent_call_sid": 7
        }))
        .unwrap();
        assert_eq!((call.status, call.date_created, call.duration), (CallStatus::Unknown, None, None));
    }

    #[test]
    fn a_participant_and_a_conference_are_read_as_twilio_writes_them() {
        let participant: ParticipantResource = serde_json::from_value(json!({
            "call_sid": "CA00000000000000000000000000000001", "conference_sid": "CF00000000000000000000000000000001",
            "label": null, "muted": false, "hold": true, "coaching": null, "call_sid_to_coach": null,
            "start_conference_on_enter": true, "end_conference_on_exit": false, "status": "connected"
        }))
        .unwrap();
        assert!(participant.hold && !participant.muted && !participant.coaching);
        assert_eq!(participant.status, ParticipantStatus::Connected);
        let conference: ConferenceResource = serde_json::from_value(json!({
            "sid": "CF00000000000000000000000000000001", "friendly_name": "room-1", "status": "in-progress",
            "reason_conference_ended": null
        }))
        .unwrap();
        assert_eq!(conference.status, ConferenceStatus::InProgress);
    }

    #[test]
    fn every_word_for_a_status_is_known() {
        for status in CallStatus::iter() {
            assert_eq!(serde_json::from_value::<CallStatus>(json!(status.as_ref())).unwrap(), status);
        }
        for status in ParticipantStatus::iter() {
            assert_eq!(serde_json::from_value::<ParticipantStatus>(json!(status.as_ref())).unwrap(), status);
        }
        for status in ConferenceStatus::iter() {
            assert_eq!(serde_json::from_value::<ConferenceStatus>(json!(status.as_ref())).unwrap(), status);
        }
        assert!(CallStatus::NoAnswer.is_terminal() && !CallStatus::Ringing.is_terminal());
    }
}
