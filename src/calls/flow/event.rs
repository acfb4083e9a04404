//! What can happen to a call, as it reaches us; and what we ask Twilio to do about it.

use serde::{Deserialize, Serialize};
use strum::{EnumCount, IntoStaticStr};
use uuid::Uuid;

use super::state::{Failure, LegStatus, Monitor, Party, Ring, Role, Style, vocabulary};
use super::words::Words;
use crate::telephony::{Address, CallSid, ConferenceSid, PhoneNumber};

/// Something that reached us: from the CRM or console, from Twilio, from a command's answer, from a timer.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The call's turn to be dialled has come.
    Placed,
    /// Its turn has come, and it may not be dialled any more.
    Withdrawn {
        /// The stable code of the refusal.
        code: String,
        /// Why, in a sentence.
        reason: String,
    },
    /// Somebody wants a second agent.
    TransferRequested(TransferRequest),
    /// Hand over now: the agent who holds the customer leaves.
    CompleteRequested,
    /// Take the transfer back.
    CancelRequested,
    /// Everybody into the room.
    MergeRequested,
    /// The one who waits outside and the one the agent talks to change places.
    SwapRequested,
    /// Something is to be done to one person.
    ControlRequested {
        /// To whom: whoever has this role and is on the line.
        role: Role,
        /// What.
        control: Control,
    },
    /// Somebody is to leave.
    RemoveRequested {
        /// Whoever has this role and is on the line.
        role: Role,
        /// Who wants it.
        by: Party,
    },
    /// A supervisor wants to be in the room, or to do something else there.
    SuperviseRequested(SuperviseRequest),
    /// A supervisor wants to leave the call.
    SuperviseEndRequested {
        /// Their account.
        agent: Uuid,
    },
    /// End the whole call.
    HangUpRequested {
        /// Who wants it.
        by: Party,
    },
    /// A leg moved on: a status callback, a document it asked for, or an answer of Twilio's REST API.
    LegProgressed(LegProgress),
    /// A leg asked for the music: it is outside the room now, if that is where the transfer under way has sent it.
    MusicStarted {
        /// Whose leg.
        leg_id: Uuid,
        /// The transfer that sent it there; absent if it is on hold in the room.
        transfer_id: Option<Uuid>,
    },
    /// A second agent has answered, or has not answered, the question whether they take the call.
    GateAnswered {
        /// Whose leg.
        leg_id: Uuid,
        /// What they said.
        answer: GateAnswer,
    },
    /// Twilio asked for the first agent's Dial action: the customer's leg left the bridge, or never came.
    DialEnded(DialEnded),
    /// Something happened in the room.
    RoomChanged(RoomChange),
    /// Twilio did as asked.
    CommandDone {
        /// What it was asked.
        command: Command,
        /// The leg it made, or the state of the one it was asked about.
        progress: Option<LegProgress>,
    },
    /// Twilio will not do it, or cannot be reached for it any more.
    CommandRefused {
        /// What it was asked.
        command: Command,
        /// The leg it was about has ended already.
        gone: bool,
        /// What to call the refusal if it makes a leg fail.
        failure: Failure,
        /// The same for people, if there is more to say than that.
        why: Option<Explanation>,
    },
    /// A time that was set has come.
    TimerFired(Timer),
}

vocabulary! {
    /// What can be done to one person in the room.
    Control { /** Hears music, is not heard. */ Hold, /** Ends that. */ Resume, /** Hears, is not heard. */ Mute,
        /** Ends that. */ Unmute }
}

vocabulary! {
    /// How a second agent answered at the accept gate.
    GateAnswer { /** Takes the call. */ Accepted, /** Does not. */ Declined, /** Pressed nothing, twice. */ Silent }
}

/// Somebody to be rung for a transfer.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The new leg's id.
    pub leg_id: Uuid,
    /// Whom to ring.
    pub to: Address,
    /// What to call them in words.
    pub name: String,
    /// Their account in the directory, if they have one.
    pub agent: Option<Uuid>,
}

/// A wish for a second agent, with the ids its legs and transfer will have.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferRequest {
    /// The transfer's id.
    pub transfer_id: Uuid,
    /// Whom to ring: at least one.
    pub targets: Vec<Target>,
    /// In which order.
    pub ring: Ring,
    /// They count as present only after pressing a key.
    pub require_accept: bool,
    /// How.
    pub style: Style,
    /// What the second agent is to know.
    pub briefing: Option<String>,
    /// What they see as caller.
    pub caller_id: PhoneNumber,
    /// How long they are rung, in seconds.
    pub ring_timeout_secs: u32,
}

/// A supervisor's wish to be in the room.
#[derive(Debug, Clone, PartialEq)]
pub struct SuperviseRequest {
    /// The id of the leg, if there is to be a new one.
    pub leg_id: Uuid,
    /// Their account.
    pub agent: Uuid,
    /// Their phone.
    pub to: Address,
    /// What to call them in words.
    pub name: String,
    /// What they want to do.
    pub monitor: Monitor,
}

/// Why something came to nothing, for people; holds no phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Twilio's code, if it gave one: <https://www.twilio.com/docs/api/errors>
    pub twilio_code: Option<u32>,
    /// What is the matter, and what to do about it: one sentence or more.
    pub words: String,
}

/// News of one leg.
#[derive(Debug, Clone, PartialEq)]
pub struct LegProgress {
    /// Our id, from the URL that Twilio called or the command that was answered.
    pub leg_id: Uuid,
    /// Twilio's id.
    pub call_sid: CallSid,
    /// For a `<Dial>` child.
    pub parent_call_sid: Option<CallSid>,
    /// How far it is.
    pub status: LegStatus,
    /// Twilio's count of this leg's callbacks; absent on other news.
    pub sequence: Option<i64>,
    /// The SIP answer, where Twilio gave one; tells a refusal from an engaged line.
    pub sip_code: Option<u16>,
}

/// The first agent's `<Dial>` came to an end.
#[derive(Debug, Clone, PartialEq)]
pub struct DialEnded {
    /// Whether the first agent is still on the line.
    pub agent_on_line: bool,
    /// `DialCallStatus`: a hint, never an outcome.
    pub dial_status: Option<LegStatus>,
    /// What Twilio says went wrong, if it asks for the fallback.
    pub why: Option<Explanation>,
}

/// A change in the conference.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomChange {
    /// Which conference bears the name now.
    pub conference_sid: ConferenceSid,
    /// Twilio's count of this conference's callbacks.
    pub sequence: Option<i64>,
    /// What changed.
    pub kind: RoomChangeKind,
}

/// What changed in the conference.
#[derive(Debug, Clone, PartialEq)]
pub enum RoomChangeKind {
    /// Somebody came in.
    Joined(Participant),
    /// Somebody went out.
    Left {
        /// Who.
        participant: Participant,
        /// What the leg did then: `in-progress` means it lives on elsewhere; absent if Twilio did not say.
        status: Option<LegStatus>,
        /// They hung up themselves; nobody else's leaving closed the room on them.
        hung_up: bool,
    },
    /// It is closed.
    Ended {
        /// Whose leaving closed it, if Twilio says so.
        by: Option<CallSid>,
    },
    /// Something that changes nothing for us: a start, a mute, an announcement.
    Other,
}

/// Somebody in the room, as Twilio names them.
#[derive(Debug, Clone, PartialEq)]
pub struct Participant {
    /// The label we gave: our leg's id.
    pub label: Option<Uuid>,
    /// Their leg.
    pub call_sid: CallSid,
}

/// What we ask Twilio to do; becomes a row before it becomes a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case", tag = "command")]
#[strum(serialize_all = "snake_case")]
pub enum Command {
    /// Ring the first agent (Calls create).
    CreateCall {
        /// Whose leg.
        leg_id: Uuid,
    },
    /// Ring the second agent into the room (Participants create).
    CreateParticipant {
        /// Whose leg.
        leg_id: Uuid,
    },
    /// Send a leg to the room (Calls update, Url).
    MoveToRoom {
        /// Whose leg.
        leg_id: Uuid,
    },
    /// Send a leg out of the room, or off the bridge, to the music (Calls update, Url).
    MoveToMusic {
        /// Whose leg.
        leg_id: Uuid,
    },
    /// Send a second agent who has answered to the accept gate (Calls update, Url).
    AskToAccept {
        /// Whose leg.
        leg_id: Uuid,
    },
    /// Put a participant on hold, or end that (Participants update).
    SetHold {
        /// Where.
        conference_sid: ConferenceSid,
        /// Whose leg.
        leg_id: Uuid,
        /// On hold, or not.
        value: bool,
    },
    /// Mute a participant, or end that (Participants update).
    SetMuted {
        /// Where.
        conference_sid: ConferenceSid,
        /// Whose leg.
        leg_id: Uuid,
        /// Muted, or not.
        value: bool,
    },
    /// Decide by whom a supervisor is heard (Participants update).
    SetMonitor {
        /// Where.
        conference_sid: ConferenceSid,
        /// The supervisor's leg.
        leg_id: Uuid,
        /// What they do.
        monitor: Monitor,
        /// The leg of whoever is coached.
        coached: Option<Uuid>,
    },
    /// Say something to one person and end their leg (Calls update, Url).
    TellAndEnd {
        /// Whose leg.
        leg_id: Uuid,
        /// What they hear.
        words: Words,
    },
    /// End a leg in whatever state it is (Calls update, Status=completed).
    EndLeg {
        /// Whose leg.
        leg_id: Uuid,
    },
    /// Say something to everybody in the room (Conferences update, AnnounceUrl).
    Announce {
        /// Where.
        conference_sid: ConferenceSid,
        /// What they hear.
        words: Words,
    },
    /// Decide whether the room closes when this participant leaves (Participants update).
    SetEndConferenceOnExit {
        /// Where.
        conference_sid: ConferenceSid,
        /// Whose leg.
        leg_id: Uuid,
        /// Closes, or stays open.
        value: bool,
    },
    /// Ask Twilio who is in the room (Participants list).
    LookIntoRoom,
    /// Ask Twilio how a leg is (Calls fetch).
    FetchLeg {
        /// Whose leg.
        leg_id: Uuid,
        /// It has rung for long enough: if it still rings, that was in vain.
        #[serde(default)]
        overdue: bool,
    },
    /// Ask Twilio for the customer's leg, of which nothing was heard: the child of the agent's (Calls list).
    FindCustomer {
        /// The customer's leg.
        leg_id: Uuid,
    },
}

impl Command {
    /// Whose leg it is about, if it is about one.
    pub fn leg_id(&self) -> Option<Uuid> {
        match self {
            Self::Announce { .. } | Self::LookIntoRoom => None,
            Self::CreateCall { leg_id }
            | Self::CreateParticipant { leg_id }
            | Self::MoveToRoom { leg_id }
            | Self::MoveToMusic { leg_id }
            | Self::AskToAccept { leg_id }
            | Self::SetHold { leg_id, .. }
            | Self::SetMuted { leg_id, .. }
            | Self::SetMonitor { leg_id, .. }
            | Self::TellAndEnd { leg_id, .. }
            | Self::EndLeg { leg_id }
            | Self::SetEndConferenceOnExit { leg_id, .. }
            | Self::FetchLeg { leg_id, .. }
            | Self::FindCustomer { leg_id } => Some(*leg_id),
        }
    }

    /// Whether carrying it out rings a phone, so that it must never happen twice.
    pub fn dials(&self) -> bool {
        matches!(self, Self::CreateCall { .. } | Self::CreateParticipant { .. })
    }
}

/// A time that the flow asked to be woken at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "timer")]
pub enum Timer {
    /// By now Twilio must have said what became of this ringing leg.
    RingLimit {
        /// Whose leg.
        leg_id: Uuid,
    },
    /// By now a second agent must have answered at the accept gate.
    AcceptLimit {
        /// Whose leg.
        leg_id: Uuid,
    },
    /// By now whoever was sent somewhere must be there.
    MoveLimit,
    /// Twilio was asked about those who are missing, and must have answered.
    MoveAgain,
    /// The agents have talked alone for long enough.
    ConsultLimit {
        /// Which transfer.
        transfer_id: Uuid,
    },
    /// Time to ask Twilio whether the call is as we believe.
    Watch,
    /// By now every leg of an ending call must have ended.
    EndLimit,
}

/// A timer to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetTimer {
    /// Which.
    pub timer: Timer,
    /// From now, in seconds.
    pub after_secs: u32,
}

/// Why an API request cannot be carried out in the state the call is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumCount, thiserror::Error)]
pub enum Refusal {
    /// There is no conversation to transfer.
    #[error("customer and agent are not connected")]
    NotConnected,
    /// One at a time.
    #[error("a transfer is under way already")]
    TransferInProgress,
    /// Nothing to complete or cancel.
    #[error("no transfer is under way")]
    NoTransfer,
    /// The second agent is not there yet.
    #[error("the second agent has not joined yet")]
    NotJoined,
    /// Only while the agents talk without the customer.
    #[error("the agents are not consulting")]
    NotConsulting,
    /// The first agent has been asked to leave: without the second nobody would be with the customer.
    #[error("the call is being handed over")]
    HandingOver,
    /// Nobody can be in a call twice.
    #[error("this phone is on the line already")]
    OnLine,
    /// Nobody to do it to.
    #[error("nobody in this role is on the line")]
    NotOnLine,
    /// They are outside the room, where nothing can be done to them.
    #[error("they are waiting outside the room")]
    Outside,
    /// Too late.
    #[error("the call has ended")]
    CallEnded,
}
