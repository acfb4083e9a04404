//! Owns what Twilio is asked: typed requests and the form bodies and queries they become.
//!
//! None of these shows a phone number or a URL (which holds phone numbers in its query) when it is printed with `{:?}`.

use std::fmt;

use chrono::NaiveDate;
use url::form_urlencoded::Serializer;

use super::form::Form;
use super::resources::{CallStatus, ConferenceStatus};
use crate::telephony::{Address, CallSid, masked};
use crate::twiml::{Beep, CallEvent, Callback, ConferenceEvent, Method};

/// A call to place. <https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource>
#[derive(Clone, PartialEq, Eq)]
pub struct CreateCall {
    /// Who is called.
    pub to: Address,
    /// The caller id. A phone number if `to` is one, and a number of the account.
    pub from: Address,
    /// Absolute URL of the document for when the call is answered.
    pub url: String,
    /// How `url` is requested; Twilio's default is POST.
    pub method: Option<Method>,
    /// Absolute URL of the document for when `url` fails.
    pub fallback_url: Option<String>,
    /// Where the leg's progress is reported.
    pub status_callback: Option<Callback<CallEvent>>,
    /// Seconds to ring, at most 600; Twilio's default is 60.
    pub timeout: Option<u32>,
    /// Seconds the leg may last.
    pub time_limit: Option<u32>,
}

impl CreateCall {
    /// A call with this document, everything else as Twilio does by itself.
    pub fn new(to: Address, from: Address, url: impl Into<String>) -> Self {
        Self {
            to,
            from,
            url: url.into(),
            method: None,
            fallback_url: None,
            status_callback: None,
            timeout: None,
            time_limit: None,
        }
    }

    pub(super) fn form(&self) -> String {
        Form::new()
            .text("To", &self.to.to_string())
            .text("From", &self.from.to_string())
            .text("Url", &self.url)
            .word("Method", self.method)
            .opt("FallbackUrl", self.fallback_url.as_deref())
            .callback("StatusCallback", self.status_callback.as_ref())
            .number("Timeout", self.timeout)
            .number("TimeLimit", self.time_limit)
            .finish()
    }
}

/// What a live call should do now. <https://www.twilio.com/docs/voice/api/call-resource#update-a-call-resource>
#[derive(Clone, PartialEq, Eq)]
pub enum CallUpdate {
    /// Go on with another document.
    Redirect {
        /// Its absolute URL.
        url: String,
        /// How it is requested; Twilio's default is POST.
        method: Option<Method>,
        /// Where to ask when that document is not to be had, absolute.
        fallback_url: Option<String>,
    },
    /// End, in whatever state it is; also right for a leg that rings inside a `Dial`.
    Complete,
    /// End if it is queued or rings; an answered call goes on.
    Cancel,
}

impl CallUpdate {
    /// On to the document that this absolute URL answers to a POST; if Twilio cannot have it, it is to ask there once more
    /// rather than hang up.
    pub fn redirect(url: impl Into<String>) -> Self {
        let url = url.into();
        Self::Redirect { fallback_url: Some(url.clone()), url, method: Some(Method::Post) }
    }

    pub(super) fn form(&self) -> String {
        match self {
            Self::Redirect { url, method, fallback_url } => Form::new()
                .text("Url", url)
                .word("Method", *method)
                .opt("FallbackUrl", fallback_url.as_deref()),
            Self::Complete => Form::new().text("Status", "completed"),
            Self::Cancel => Form::new().text("Status", "canceled"),
        }
        .finish()
    }
}

/// Which calls to list. All conditions must hold.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Called.
    pub to: Option<Address>,
    /// Caller id.
    pub from: Option<Address>,
    /// Made by the `Dial` of this leg.
    pub parent_call_sid: Option<CallSid>,
    /// In this state.
    pub status: Option<CallStatus>,
    /// Dialled on this day (UTC) or later. A call that still waits to be dialled has no such day and is left out.
    pub start_time_after: Option<NaiveDate>,
    /// Dialled before this day (UTC).
    pub start_time_before: Option<NaiveDate>,
    /// At most so many, the newest first; [`CallFilter::MOST`] if not set.
    pub limit: Option<usize>,
}

impl CallFilter {
    /// How many calls are listed when no limit is set.
    pub const MOST: usize = 1000;

    pub(super) fn query(&self) -> String {
        let day = |date: Option<NaiveDate>| date.map(|date| date.to_string());
        Form::new()
            .opt("To", self.to.as_ref().map(Address::to_string).as_deref())
            .opt("From", self.from.as_ref().map(Address::to_string).as_deref())
            .opt("ParentCallSid", self.parent_call_sid.as_ref().map(CallSid::as_str))
            .word("Status", self.status)
            .opt("StartTime>", day(self.start_time_after).as_deref())
            .opt("StartTime<", day(self.start_time_before).as_deref())
            .page_size(self.limit.unwrap_or(Self::MOST))
            .finish()
    }
}

/// A leg to call into a conference. <https://www.twilio.com/docs/voice/api/conference-participant-resource>
#[derive(Clone, PartialEq, Eq)]
pub struct CreateParticipant {
    /// Who is called.
    pub to: Address,
    /// Names and values a Voice SDK device is given with the call; only for a client.
    pub client_parameters: Vec<(String, String)>,
    /// The caller id.
    pub from: Address,
    /// A name unique in the conference. A second request with the same one is refused (16026) while the first is there.
    pub label: Option<String>,
    /// Seconds to ring, 5 to 600; Twilio adds 5 of its own. Its default is 60.
    pub timeout: Option<u32>,
    /// Seconds the leg may last.
    pub time_limit: Option<u32>,
    /// Whether the conference hears the ringing and the network's words before the answer; Twilio's default is true.
    pub early_media: Option<bool>,
    /// Twilio's default is to beep.
    pub beep: Option<Beep>,
    /// Whether it enters unheard.
    pub muted: Option<bool>,
    /// Twilio's default is true.
    pub start_conference_on_enter: Option<bool>,
    /// Twilio's default is false.
    pub end_conference_on_exit: Option<bool>,
    /// Absolute URL of what is heard until the conference starts; empty for silence.
    pub wait_url: Option<String>,
    /// How `wait_url` is requested; Twilio's default is POST.
    pub wait_method: Option<Method>,
    /// How many members the conference may have.
    pub max_participants: Option<u32>,
    /// The member that alone hears this one.
    pub call_sid_to_coach: Option<CallSid>,
    /// Where this leg's progress is reported.
    pub status_callback: Option<Callback<CallEvent>>,
    /// Where the conference reports. Counts only if this leg is its first member; Twilio's default list is `start end`.
    pub conference_status_callback: Option<Callback<ConferenceEvent>>,
}

impl CreateParticipant {
    /// A leg with everything else as Twilio does by itself.
    pub fn new(to: Address, from: Address) -> Self {
        Self {
            to,
            client_parameters: Vec::new(),
            from,
            label: None,
            timeout: None,
            time_limit: None,
            early_media: None,
            beep: None,
            muted: None,
            start_conference_on_enter: None,
            end_conference_on_exit: None,
            wait_url: None,
            wait_method: None,
            max_participants: None,
            call_sid_to_coach: None,
            status_callback: None,
            conference_status_callback: None,
        }
    }

    pub(super) fn form(&self) -> String {
        Form::new()
            .text("To", &self.destination())
            .text("From", &self.from.to_string())
            .opt("Label", self.label.as_deref())
            .number("Timeout", self.timeout)
            .number("TimeLimit", self.time_limit)
            .flag("EarlyMedia", self.early_media)
            .word("Beep", self.beep)
            .flag("Muted", self.muted)
            .flag("StartConferenceOnEnter", self.start_conference_on_enter)
            .flag("EndConferenceOnExit", self.end_conference_on_exit)
            .opt("WaitUrl", self.wait_url.as_deref())
            .word("WaitMethod", self.wait_method)
            .number("MaxParticipants", self.max_participants)
            .flag("Coaching", self.call_sid_to_coach.as_ref().map(|_| true))
            .opt("CallSidToCoach", self.call_sid_to_coach.as_ref().map(CallSid::as_str))
            .callback("StatusCallback", self.status_callback.as_ref())
            .callback("ConferenceStatusCallback", self.conference_status_callback.as_ref())
            .finish()
    }

    fn destination(&self) -> String {
        match &self.to {
            Address::Client(_) if !self.client_parameters.is_empty() => {
                let parameters =
                    Serializer::new(String::new()).extend_pairs(&self.client_parameters).finish();
                format!("{}?{parameters}", self.to)
            }
            to => to.to_string(),
        }
    }
}

/// What should change about a member of a conference; what is not set stays.
///
/// `end_conference_on_exit` is silently ignored while the member is on hold.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ParticipantUpdate {
    /// Whether it is not heard.
    pub muted: Option<bool>,
    /// Whether it hears the hold document instead of the conference.
    pub hold: Option<bool>,
    /// Absolute URL of the hold document.
    pub hold_url: Option<String>,
    /// How `hold_url` is requested; Twilio's default is GET.
    pub hold_method: Option<Method>,
    /// Absolute URL of a document that only this member hears now.
    pub announce_url: Option<String>,
    /// How `announce_url` is requested; Twilio's default is POST.
    pub announce_method: Option<Method>,
    /// Whether the conference ends when it leaves.
    pub end_conference_on_exit: Option<bool>,
    /// Whether a beep is heard when it leaves.
    pub beep_on_exit: Option<bool>,
    /// Whether only `call_sid_to_coach` hears it.
    pub coaching: Option<bool>,
    /// The member that hears it.
    pub call_sid_to_coach: Option<CallSid>,
}

impl ParticipantUpdate {
    pub(super) fn form(&self) -> String {
        Form::new()
            .flag("Muted", self.muted)
            .flag("Hold", self.hold)
            .opt("HoldUrl", self.hold_url.as_deref())
            .word("HoldMethod", self.hold_method)
            .opt("AnnounceUrl", self.announce_url.as_deref())
            .word("AnnounceMethod", self.announce_method)
            .flag("EndConferenceOnExit", self.end_conference_on_exit)
            .flag("BeepOnExit", self.beep_on_exit)
            .flag("Coaching", self.coaching)
            .opt("CallSidToCoach", self.call_sid_to_coach.as_ref().map(CallSid::as_str))
            .finish()
    }
}

/// Which conferences to list. All conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConferenceFilter {
    /// Of this name.
    pub friendly_name: Option<String>,
    /// In this state.
    pub status: Option<ConferenceStatus>,
}

impl ConferenceFilter {
    pub(super) fn query(&self) -> String {
        Form::new()
            .opt("FriendlyName", self.friendly_name.as_deref())
            .word("Status", self.status)
            .page_size(CallFilter::MOST)
            .finish()
    }
}

/// What a conference should do now. <https://www.twilio.com/docs/voice/api/conference-resource>
#[derive(Clone, PartialEq, Eq)]
pub enum ConferenceUpdate {
    /// Let everybody hear a document.
    Announce {
        /// Its absolute URL.
        url: String,
        /// How it is requested; Twilio's default is POST.
        method: Option<Method>,
    },
    /// End, for everybody.
    Complete,
}

impl ConferenceUpdate {
    pub(super) fn form(&self) -> String {
        match self {
            Self::Announce { url, method } => {
                Form::new().text("AnnounceUrl", url).word("AnnounceMethod", *method)
            }
            Self::Complete => Form::new().text("Status", "completed"),
        }
        .finish()
    }
}

impl fmt::Debug for CreateCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (to, from) = (hidden(&self.to), hidden(&self.from));
        f.debug_struct("CreateCall").field("to", &to).field("from", &from).finish_non_exhaustive()
    }
}

impl fmt::Debug for CreateParticipant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (to, from) = (hidden(&self.to), hidden(&self.from));
        f.debug_struct("CreateParticipant").field("to", &to).field("from", &from).finish_non_exhaustive()
    }
}

impl fmt::Debug for CallFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallFilter")
            .field("to", &self.to.as_ref().map(hidden))
            .field("from", &self.from.as_ref().map(hidden))
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CallUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redirect { .. } => "Redirect",
            Self::Complete => "Complete",
            Self::Cancel => "Cancel",
        })
    }
}

impl fmt::Debug for ConferenceUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Announce { .. } => "Announce",
            Self::Complete => "Complete",
        })
    }
}

impl fmt::Debug for ParticipantUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParticipantUpdate")
            .field("muted", &self.muted)
            .field("hold", &self.hold)
            .field("announces", &self.announce_url.is_some())
            .field("end_conference_on_exit", &self.end_conference_on_exit)
            .finish_non_exhaustive()
    }
}

fn hidden(address: &Address) -> String {
    masked(&address.to_string())
}
