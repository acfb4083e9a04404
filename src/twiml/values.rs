//! Owns the closed lists of words that TwiML attributes and REST parameters share: methods, events, beeps.

use strum::{AsRefStr, EnumIter, EnumString};

/// How Twilio requests a URL. Twilio's own default is POST almost everywhere; a participant's `HoldUrl` is the exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumIter)]
#[strum(serialize_all = "UPPERCASE")]
pub enum Method {
    /// Parameters in the query string; Twilio may cache the answer.
    Get,
    /// Parameters in a form body.
    Post,
}

/// A moment of a leg's life that Twilio reports to its status callback. Without a list only `completed` is reported.
///
/// <https://www.twilio.com/docs/voice/api/call-resource#statuscallbackevent>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumIter)]
#[strum(serialize_all = "lowercase")]
pub enum CallEvent {
    /// Twilio has begun to dial.
    Initiated,
    /// The far end rings.
    Ringing,
    /// Somebody, or a machine, picked up.
    Answered,
    /// The leg is over, however it ended.
    Completed,
}

impl CallEvent {
    /// Every event a leg can report.
    pub const ALL: [Self; 4] = [Self::Initiated, Self::Ringing, Self::Answered, Self::Completed];
}

/// A kind of event that a conference reports to its status callback.
///
/// <https://www.twilio.com/docs/voice/twiml/conference#attributes-statusCallbackEvent>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumIter)]
#[strum(serialize_all = "lowercase")]
pub enum ConferenceEvent {
    /// Two members are present and one of them may start it.
    Start,
    /// It is over.
    End,
    /// A member came in.
    Join,
    /// A member went out, or could not be added.
    Leave,
    /// A member was muted or unmuted.
    Mute,
    /// A member was put on hold or taken off it.
    Hold,
    /// A member's settings changed.
    Modify,
    /// A member began or stopped speaking.
    Speaker,
    /// An announcement ended or failed.
    Announcement,
}

/// Where Twilio reports events, how, and which. Without a list Twilio reports its own default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback<Event> {
    /// Absolute URL. A host name with an underscore makes Twilio drop the callbacks silently.
    pub url: String,
    /// Twilio's default is POST.
    pub method: Option<Method>,
    /// Written space-separated in TwiML and as repeated keys over REST.
    pub events: Vec<Event>,
}

impl<Event> Callback<Event> {
    /// These events, posted to this absolute URL.
    pub fn post(url: impl Into<String>, events: impl Into<Vec<Event>>) -> Self {
        Self { url: url.into(), method: Some(Method::Post), events: events.into() }
    }
}

impl<Event: AsRef<str>> Callback<Event> {
    /// The events as one attribute value, or nothing when Twilio's default is meant.
    pub(super) fn joined_events(&self) -> Option<String> {
        let words: Vec<&str> = self.events.iter().map(AsRef::as_ref).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

/// When a conference plays its beep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumIter)]
pub enum Beep {
    /// When a member enters and when one leaves; Twilio's default.
    #[strum(serialize = "true")]
    Always,
    /// Never.
    #[strum(serialize = "false")]
    Never,
    /// When a member enters.
    #[strum(serialize = "onEnter")]
    OnEnter,
    /// When a member leaves.
    #[strum(serialize = "onExit")]
    OnExit,
}

/// What the caller of a rejected call hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumIter)]
#[strum(serialize_all = "lowercase")]
pub enum RejectReason {
    /// That the number is not in service.
    Rejected,
    /// A busy tone.
    Busy,
}
