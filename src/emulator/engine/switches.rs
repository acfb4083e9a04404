//! Owns the answers to what Twilio's documentation leaves open: one switch a question, with the likeliest default.

use serde::{Deserialize, Serialize};

/// How the emulator behaves where nobody knows how Twilio does. `PUT /emulator/switches` takes any of these fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// `DialCallStatus` in the parent's action after the child was redirected.
    pub dial_call_status_after_redirect: RedirectedStatus,
    /// Which comes first when a child is redirected: its new document or its parent's action.
    pub redirect_order: RedirectOrder,
    /// The longest time between those two requests, in milliseconds.
    pub redirect_gap_ms: u64,
    /// Whether a parent that hangs up still has its `<Dial>`'s action requested (answer ignored).
    pub action_when_parent_hangs_up: bool,
    /// What a deleted participant that joined by TwiML does next.
    pub deleted_participant: DeletedParticipant,
    /// Whether an update to `completed` of an ended call is refused (400, 21220) or answered 200.
    pub completing_an_ended_call: EndedUpdate,
    /// Whether redirecting a queued or ringing call is refused (400, 21220) or answered 200 and ignored.
    pub redirecting_an_unanswered_call: EndedUpdate,
    /// From when on the `TimeLimit` of an update counts.
    pub updated_time_limit_counts_from: LimitFrom,
    /// The first `SequenceNumber` of a conference.
    pub conference_sequence_start: u64,
    /// `ReasonParticipantLeft` after a DELETE.
    pub reason_after_kick: String,
    /// The parent's `DialCallStatus` when the child refused the call during its whisper.
    pub refused_whisper_status: RefusedStatus,
    /// What becomes of a leg that rings for a conference when that conference ends.
    pub ringing_when_conference_ends: RingingLeg,
    /// The call status of a declined call.
    pub declined_status: DeclinedStatus,
    /// How many callbacks of a hundred come twice. Twilio's are at-least-once.
    pub duplicated_callbacks_percent: u8,
    /// How many callbacks of a hundred come up to five seconds late, so perhaps after the call's last one.
    pub late_callbacks_percent: u8,
    /// Whether a `From` that is no number of the account is refused (400, 21210). The account's numbers are those of
    /// `PUT /emulator/numbers/…`.
    pub unowned_from: UnownedFrom,
    /// Whether `participant-join` is reported when a leg with early media starts to ring, instead of at its answer.
    pub join_at_early_media: bool,
    /// Whether a fallback is told `ErrorCode` and `ErrorUrl`.
    pub fallback_tells_the_error: bool,
    /// Whether `I-Twilio-Idempotency-Token` is sent with the first attempt too, not only with those after it.
    pub idempotency_token_on_first_attempt: bool,
    /// Whether REST answers carry `Twilio-Request-Id`, and 429 `Retry-After`.
    pub unverified_headers: bool,
    /// Whether a webhook that is redirected from POST to GET carries its parameters along, in the query.
    pub redirect_keeps_parameters: bool,
    /// Whether refusals are worded as here, or only say their code: clients must not depend on the words.
    pub error_wording: bool,
    /// Whether a create answers with `date_created` or null.
    pub date_created_on_create: bool,
    /// How long Twilio itself takes to carry out a redirect and to place a call, in percent of what is assumed; 0 is a Twilio
    /// that takes no time.
    pub delays_percent: u16,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            dial_call_status_after_redirect: RedirectedStatus::Completed,
            redirect_order: RedirectOrder::Random,
            redirect_gap_ms: 500,
            action_when_parent_hangs_up: true,
            deleted_participant: DeletedParticipant::Continues,
            completing_an_ended_call: EndedUpdate::Refused,
            redirecting_an_unanswered_call: EndedUpdate::Refused,
            updated_time_limit_counts_from: LimitFrom::Answer,
            conference_sequence_start: 1,
            reason_after_kick: "participant_updated_via_api".into(),
            refused_whisper_status: RefusedStatus::Completed,
            ringing_when_conference_ends: RingingLeg::RingsOn,
            declined_status: DeclinedStatus::NoAnswer,
            duplicated_callbacks_percent: 0,
            late_callbacks_percent: 0,
            unowned_from: UnownedFrom::Accepted,
            join_at_early_media: false,
            fallback_tells_the_error: true,
            idempotency_token_on_first_attempt: true,
            unverified_headers: true,
            redirect_keeps_parameters: false,
            error_wording: true,
            date_created_on_create: true,
            delays_percent: 100,
        }
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant),* }
    )*};
}

choices! {
    /// See [`Switches::dial_call_status_after_redirect`].
    RedirectedStatus {
        /// `completed`
        Completed,
        /// `answered`
        Answered,
        /// The parameter is left out.
        Absent,
    }
    /// See [`Switches::redirect_order`].
    RedirectOrder {
        /// Either, by the seed.
        Random,
        /// The child's new document first.
        UrlFirst,
        /// The parent's action first.
        ActionFirst,
    }
    /// See [`Switches::updated_time_limit_counts_from`].
    LimitFrom {
        /// The leg's answer: it is how long the call may last in all.
        Answer,
        /// The update: it is how long the call may last from now on.
        Update,
    }
    /// See [`Switches::deleted_participant`].
    DeletedParticipant {
        /// With its `<Dial>`'s action or the next verb.
        Continues,
        /// Its call ends.
        Ends,
    }
    /// See [`Switches::completing_an_ended_call`].
    EndedUpdate {
        /// 400 with 21220.
        Refused,
        /// 200, nothing changes.
        Ignored,
    }
    /// See [`Switches::unowned_from`].
    UnownedFrom {
        /// Any number will do.
        Accepted,
        /// 400 with 21210.
        Refused,
    }
    /// See [`Switches::refused_whisper_status`].
    RefusedStatus {
        /// `completed`
        Completed,
        /// `no-answer`
        NoAnswer,
    }
    /// See [`Switches::ringing_when_conference_ends`].
    RingingLeg {
        /// It rings on; answered, it opens a new conference of that name.
        RingsOn,
        /// It is cancelled.
        Ends,
    }
    /// See [`Switches::declined_status`].
    DeclinedStatus {
        /// `no-answer`
        NoAnswer,
        /// `busy`
        Busy,
    }
}
