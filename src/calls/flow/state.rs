//! What is known of one call: its legs, its transfers, and the stage it is in. Values only.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::event::Explanation;
use super::words::{self, Words};
use crate::telephony::{Address, CallSid, ConferenceSid, PhoneNumber};

/// Declares a closed list of words that is written the same way in JSON, in the database and in documents.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[derive(strum::Display, strum::EnumString, strum::EnumIter, strum::EnumCount, strum::EnumMessage, strum::IntoStaticStr)]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant),* }
    };
}
pub(super) use vocabulary;

vocabulary! {
    /// Where a call is in its life: the columns of the table.
    Stage {
        /// Asked for; Twilio has not taken the first agent's leg yet.
        Queued,
        /// The first agent is being rung.
        DialingAgent,
        /// The first agent has answered and hears the customer being rung.
        DialingCustomer,
        /// Customer and agent talk, joined by `<Dial>`.
        Connected,
        /// A second agent is being rung; customer and agent are in the room or on their way.
        Transferring,
        /// Agent and second agent talk in the room; the customer waits outside it and hears music.
        Consulting,
        /// Agent and customer talk in the room; the second agent waits outside it and hears music.
        Swapped,
        /// Customer, agent and second agent are in the room, or on their way.
        Introducing,
        /// The agent has left and a second agent is being rung; the customer waits and hears music: on hold if they were in
        /// the room, which must not close on the one who is rung for it, else outside.
        Waiting,
        /// Customer and one agent are in the room; no transfer is under way.
        InRoom,
        /// It is over; the last legs are being told or ended.
        Ending,
        /// No leg is left.
        Ended,
    }
}

vocabulary! {
    /// A call's status as the API shows it.
    CallStatus {
        /// Asked for; Twilio has not taken the first agent's leg yet.
        Queued,
        /// The first agent is being rung.
        DialingAgent,
        /// The first agent has answered and hears the customer being rung.
        DialingCustomer,
        /// Customer and agent talk.
        Connected,
        /// A second agent is being rung, introduced, or waited for.
        Transferring,
        /// Customer and one agent are in the room; no transfer is under way.
        InRoom,
        /// No leg is left.
        Ended,
    }
}

vocabulary! {
    /// What a leg is for.
    Role { /** Rung first; starts the transfer. */ FirstAgent, /** The person the call is for. */ Customer,
        /** Brought in by a transfer. */ SecondAgent,
        /** Listens in, coaches or speaks; never holds the customer. */ Supervisor }
}

vocabulary! {
    /// What a supervisor does in the room.
    Monitor {
        /// Hears everybody, is heard by nobody.
        Listen,
        /// Is heard by the agent who holds the customer, and by nobody else.
        Coach,
        /// Is heard by everybody.
        Barge,
    }
}

vocabulary! {
    /// How first agent and customer are joined.
    Bridge {
        /// Twilio `<Dial>`: the customer's leg is a child of the agent's. A transfer moves both into the room.
        Dial,
        /// The conference, from the start: a transfer moves nobody.
        Room,
    }
}

vocabulary! {
    /// How a second agent is brought in.
    Style {
        /// Everybody hears everybody; nobody is on hold.
        WithCustomer,
        /// The agents talk first, while the customer hears music outside the room.
        PrivateFirst,
        /// The agent leaves at once; the customer hears music until the second agent is there.
        Blind,
    }
}

vocabulary! {
    /// In which order several second agents are rung.
    Ring { /** One after the other, until one takes the call. */ InTurn,
        /** All at once; the first to accept takes the call. */ Together }
}

vocabulary! {
    /// Where a leg was last sent.
    Place {
        /// Nowhere yet: it is where its create put it, the bridge or the room.
        Start,
        /// To the room.
        Room,
        /// To the music, outside the room.
        Music,
        /// To the accept gate, outside the room: briefing, and a key to press.
        Gate,
        /// Away: some words, and the end.
        Goodbye,
    }
}

vocabulary! {
    /// A leg's progress: Twilio's words, after the two that come before Twilio knows of it.
    LegStatus {
        /** Nobody has asked Twilio for it yet. */ Unplaced, /** Twilio has been asked, and has not answered. */ Creating,
        /** Twilio's. */ Queued, /** Twilio's. */ Initiated, /** Twilio's. */ Ringing, /** Twilio's. */ InProgress,
        /** Twilio's. */ Completed, /** Twilio's. */ Busy, /** Twilio's. */ NoAnswer, /** Twilio's. */ Failed,
        /** Twilio's. */ Canceled,
    }
}

vocabulary! {
    /// A transfer's status as the API shows it.
    TransferStatus {
        /** Written down; Twilio is being asked. */ Requested, /** The second agent's phone rings. */ Ringing,
        /** The second agent has picked up. */ Answered, /** The second agent is in the room. */ Joined,
        /** Customer and second agent go on without the first. */ Completed, /** Taken back. */ Cancelled,
        /** The second agent could not be brought in, or left. */ Failed, /** The customer left meanwhile. */ Abandoned,
    }
}

vocabulary! {
    /// Why a leg or a transfer came to nothing.
    Failure { /** Engaged. */ Busy, /** Rang out. */ NoAnswer, /** Refused, or put down before the hand-over. */ Declined,
        /** A mailbox picked up. */ Voicemail, /** No such number, or it could not be reached. */ Unreachable,
        /** The customer hung up. */ CustomerLeft, /** Twilio or we failed. */ Error }
}

vocabulary! {
    /// Who ended a call.
    Party { /** The customer hung up. */ Customer, /** The first agent hung up. */ FirstAgent,
        /** The second agent hung up. */ SecondAgent, /** The CRM asked for it. */ Crm,
        /** A supervisor asked for it. */ Supervisor, /** Nobody: a phone was not reached, or something failed. */ System }
}

vocabulary! {
    /// Why a call ended.
    EndReason { /** A conversation that somebody ended. */ HungUp, /** Taken back before anyone talked. */ Cancelled,
        /** First agent engaged. */ AgentBusy, /** First agent's phone rang out. */ AgentNoAnswer,
        /** First agent not reachable. */ AgentUnreachable, /** Customer engaged. */ CustomerBusy,
        /** Customer's phone rang out. */ CustomerNoAnswer, /** Customer not reachable. */ CustomerUnreachable,
        /** Nobody was left for the customer. */ TransferFailed,
        /** It might not be dialled any more when its turn came. */ Refused }
}

impl From<Role> for Party {
    fn from(role: Role) -> Self {
        match role {
            Role::FirstAgent => Self::FirstAgent,
            Role::Customer => Self::Customer,
            Role::SecondAgent => Self::SecondAgent,
            Role::Supervisor => Self::Supervisor,
        }
    }
}

impl LegStatus {
    /// Whether the leg can never change again.
    pub fn is_terminal(self) -> bool {
        self >= Self::Completed
    }
}

impl PartialOrd for LegStatus {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for LegStatus {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

/// One Twilio call of a [`Call`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Leg {
    /// Ours; travels in every URL and as the participant's label, so that a callback finds its leg.
    pub id: Uuid,
    /// What the leg is for.
    pub role: Role,
    /// Whom it rings.
    pub address: Address,
    /// What to call the person in words; never a number.
    pub name: String,
    /// The account of the directory whose phone it rings, if it is one's.
    pub agent: Option<Uuid>,
    /// Twilio's name for it, once known.
    pub call_sid: Option<CallSid>,
    /// The leg whose `<Dial>` made this one.
    pub parent_call_sid: Option<CallSid>,
    /// The furthest progress seen.
    pub status: LegStatus,
    /// The highest call-progress `SequenceNumber` seen.
    pub sequence: Option<i64>,
    /// Why it was never answered, when it was not.
    pub failure: Option<Failure>,
    /// More than that for people, where Twilio or we have said more.
    pub explanation: Option<String>,
    /// Twilio's code for why, if it gave one.
    pub twilio_code: Option<u32>,
    /// In the conference now.
    pub in_room: bool,
    /// The highest conference `SequenceNumber` seen for this participant.
    pub room_sequence: Option<i64>,
    /// Twilio has confirmed that the room closes when this participant leaves.
    pub ends_room: bool,
    /// Known to have ended, though its last callback may still be on its way.
    pub gone: bool,
    /// The transfer that it was rung for; absent on the first two legs.
    pub transfer_id: Option<Uuid>,
    /// Where it was last sent.
    pub sent_to: Place,
    /// To be on hold whenever it is in the room.
    pub on_hold: bool,
    /// To be muted whenever it is in the room.
    pub muted: bool,
    /// What a supervisor wants to do there; absent on everybody else.
    pub monitor: Option<Monitor>,
    /// To be ended as soon as it is seen alive: the tombstone of a leg that was taken back.
    pub end_wanted: bool,
    /// When it was answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Leg {
    /// A leg that nobody has asked Twilio for yet.
    pub fn planned(id: Uuid, role: Role, address: Address, name: String) -> Self {
        Self {
            id,
            role,
            address,
            name,
            agent: None,
            call_sid: None,
            parent_call_sid: None,
            status: LegStatus::Unplaced,
            sequence: None,
            failure: None,
            explanation: None,
            twilio_code: None,
            in_room: false,
            room_sequence: None,
            ends_room: false,
            gone: false,
            transfer_id: None,
            sent_to: Place::Start,
            on_hold: false,
            muted: false,
            monitor: None,
            end_wanted: false,
            answered_at: None,
            ended_at: None,
        }
    }

    /// The same, to the phone of this account of the directory.
    #[must_use]
    pub fn of_agent(self, agent: Option<Uuid>) -> Self {
        Self { agent, ..self }
    }

    /// Notes why it came to nothing, if that is known.
    pub(super) fn explain(&mut self, why: Option<&Explanation>) {
        if let Some(why) = why {
            self.explanation = Some(why.words.clone());
            self.twilio_code = why.twilio_code;
        }
    }

    /// Why it was never answered, in words for the screen.
    pub fn failure_detail(&self) -> Option<String> {
        let has_hung_up = self.answered_at.is_some();
        let outcome = || words::outcome(self.failure?, &self.name, has_hung_up).into();
        self.explanation.clone().or_else(outcome)
    }

    /// Whether nobody is, or will be, on this leg.
    pub fn is_over(&self) -> bool {
        self.gone || self.status.is_terminal() || self.status == LegStatus::Unplaced
    }

    /// Whether a person is on it now.
    pub fn is_talking(&self) -> bool {
        self.status == LegStatus::InProgress && !self.gone
    }

    /// Whether it was ever seen in the conference that is open now.
    pub fn has_been_in_room(&self) -> bool {
        self.in_room || self.ends_room || self.room_sequence.is_some()
    }

    /// Whether it was sent out of the room and not back.
    pub fn is_outside(&self) -> bool {
        matches!(self.sent_to, Place::Music | Place::Gate)
    }
}

/// Bringing in a second agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// Ours.
    pub id: Uuid,
    /// The second agent's leg; of several, the one who took the call, or was rung last.
    pub leg_id: Uuid,
    /// How it is done.
    pub style: Style,
    /// The order in which several are rung.
    pub ring: Ring,
    /// A second agent counts as present only after pressing a key.
    pub require_accept: bool,
    /// A second agent has taken the call: the others are out.
    pub taken: bool,
    /// The agent is to leave as soon as the other two are together.
    pub completing: bool,
    /// The agent who left is rung back, as nobody else was reached.
    pub recall: bool,
    /// What the second agent is to know.
    pub briefing: Option<String>,
    /// Where it stands.
    pub status: TransferStatus,
    /// Why it came to nothing.
    pub failure: Option<Failure>,
    /// The same in a sentence for the screen.
    pub failure_detail: Option<String>,
    /// Twilio's code for why, if it gave one.
    pub twilio_code: Option<u32>,
    /// What the second agent sees as caller.
    pub caller_id: PhoneNumber,
    /// How long the second agent is rung, in seconds; Twilio adds 5.
    pub ring_timeout_secs: u32,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it reached a status that does not change any more.
    pub ended_at: Option<DateTime<Utc>>,
}

/// One conversation, from the request to the last hang-up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Call {
    /// UUIDv7.
    pub id: Uuid,
    /// Where it is in its life.
    pub stage: Stage,
    /// What the API shows; while it is ending, what it was before.
    pub status: CallStatus,
    /// How customer and first agent are joined.
    pub bridge: Bridge,
    /// What the customer sees as caller.
    pub caller_id: PhoneNumber,
    /// What the first agent sees as caller.
    pub agent_caller_id: PhoneNumber,
    /// The conference's unguessable unique name.
    pub room: String,
    /// The conference that now bears this name.
    pub conference_sid: Option<ConferenceSid>,
    /// How long first agent and customer are rung, in seconds; Twilio adds 5.
    pub ring_timeout_secs: u32,
    /// How long any leg may last, in seconds.
    pub time_limit_secs: u32,
    /// The agent's leg that now holds the customer; a hand-over passes it on.
    pub holder: Uuid,
    /// To be brought into the room as soon as the one who is leaving it has left.
    pub next_in: Option<Uuid>,
    /// The first agent's `<Dial>` is over, as its action or the customer's appearance elsewhere says: they are in the room,
    /// or on their way.
    pub dial_ended: bool,
    /// What to say once the two who stay are together in the room.
    pub pending_words: Option<Words>,
    /// Who ended it; final only in [`Stage::Ended`].
    pub ended_by: Option<Party>,
    /// False while `ended_by` is the best guess so far.
    pub ended_by_certain: bool,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// The stable code of the refusal, if that is why.
    pub end_code: Option<String>,
    /// The same in a sentence, where a word does not say enough.
    pub end_detail: Option<String>,
    /// Its legs, in the order they were planned.
    pub legs: Vec<Leg>,
    /// Its transfers, oldest first; at most the last is under way.
    pub transfers: Vec<Transfer>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When customer and agent first talked.
    pub connected_at: Option<DateTime<Utc>>,
    /// When its last leg ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// What a call is made of when it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// UUIDv7.
    pub id: Uuid,
    /// The conference's unguessable unique name.
    pub room: String,
    /// How customer and first agent are joined.
    pub bridge: Bridge,
    /// What the customer sees as caller.
    pub caller_id: PhoneNumber,
    /// What the first agent sees as caller.
    pub agent_caller_id: PhoneNumber,
    /// Rung first.
    pub agent: Leg,
    /// Rung next.
    pub customer: Leg,
    /// How long each rings, in seconds; Twilio adds 5.
    pub ring_timeout_secs: u32,
    /// How long any leg may last, in seconds.
    pub time_limit_secs: u32,
    /// When it is asked for.
    pub created_at: DateTime<Utc>,
}

impl Call {
    /// A call that nobody has been rung for yet.
    pub fn planned(plan: Plan) -> Self {
        Self {
            id: plan.id,
            stage: Stage::Queued,
            status: CallStatus::Queued,
            bridge: plan.bridge,
            caller_id: plan.caller_id,
            agent_caller_id: plan.agent_caller_id,
            room: plan.room,
            conference_sid: None,
            ring_timeout_secs: plan.ring_timeout_secs,
            time_limit_secs: plan.time_limit_secs,
            holder: plan.agent.id,
            next_in: None,
            dial_ended: false,
            pending_words: None,
            ended_by: None,
            ended_by_certain: false,
            end_reason: None,
            end_code: None,
            end_detail: None,
            legs: vec![plan.agent, plan.customer],
            transfers: vec![],
            created_at: plan.created_at,
            connected_at: None,
            ended_at: None,
        }
    }

    /// The leg with this id of ours.
    pub fn leg(&self, id: Uuid) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.id == id)
    }

    /// The leg with this id of ours, to be changed.
    pub fn leg_mut(&mut self, id: Uuid) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.id == id)
    }

    /// The leg that Twilio knows by this SID.
    pub fn leg_by_sid(&self, sid: &CallSid) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.call_sid.as_ref() == Some(sid))
    }

    /// The customer's leg.
    pub fn customer(&self) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.role == Role::Customer)
    }

    /// The leg of the agent who holds the customer.
    pub fn agent(&self) -> Option<&Leg> {
        self.leg(self.holder)
    }

    /// The transfer under way, if one is.
    pub fn transfer(&self) -> Option<&Transfer> {
        self.transfers.last().filter(|transfer| transfer.ended_at.is_none())
    }

    /// The transfer under way, to be changed.
    pub fn transfer_mut(&mut self) -> Option<&mut Transfer> {
        self.transfers.last_mut().filter(|transfer| transfer.ended_at.is_none())
    }

    /// The leg of the second agent who is being brought in.
    pub fn second_agent(&self) -> Option<&Leg> {
        self.transfer().and_then(|transfer| self.leg(transfer.leg_id))
    }

    /// The legs that the transfer rings, has rung, or will ring.
    pub fn targets(&self, transfer_id: Uuid) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(move |leg| leg.transfer_id == Some(transfer_id))
    }

    /// Whether the customer's leg was sent anywhere, or may have been: the bridge is over, or about to be.
    pub fn has_left_bridge(&self) -> bool {
        self.bridge == Bridge::Room || self.customer().is_some_and(|leg| leg.sent_to != Place::Start)
    }

    /// Whether the customer and the agent who holds them are both in the room.
    pub fn are_together(&self) -> bool {
        let in_room = |leg: Option<&Leg>| leg.is_some_and(|leg| leg.in_room && !leg.is_over());
        in_room(self.customer()) && in_room(self.agent())
    }

    /// What a supervisor can do in the room now: who is to be coached must be there, and not on hold; until then the
    /// supervisor listens. With it, whom they coach.
    pub fn monitoring(&self, leg: &Leg) -> (Monitor, Option<Uuid>) {
        match leg.monitor {
            Some(Monitor::Barge) => (Monitor::Barge, None),
            Some(Monitor::Coach) => {
                let agent = self.agent().filter(|it| it.in_room && it.is_talking() && !self.is_held(it));
                agent.map_or((Monitor::Listen, None), |agent| (Monitor::Coach, Some(agent.id)))
            }
            Some(Monitor::Listen) | None => (Monitor::Listen, None),
        }
    }

    /// The leg by which this account supervises the call, if it does.
    pub fn supervisor(&self, agent: Uuid) -> Option<&Leg> {
        let is_theirs = |leg: &&Leg| leg.role == Role::Supervisor && leg.agent == Some(agent);
        let is_open = |leg: &Leg| !leg.end_wanted && (leg.status == LegStatus::Unplaced || !leg.is_over());
        self.legs.iter().rev().filter(is_theirs).find(|leg| is_open(leg))
    }

    /// Whether this leg is on hold when it is in the room: because somebody wants it so, or because it is the customer's and
    /// there would be nobody to hear.
    pub fn is_held(&self, leg: &Leg) -> bool {
        leg.on_hold || (leg.role == Role::Customer && self.is_customer_alone())
    }

    /// Nobody in the room speaks to the customer, or is on their way there to do so.
    fn is_customer_alone(&self) -> bool {
        let holder = self.agent().filter(|_| self.stage != Stage::Waiting);
        let second = self.second_agent().filter(|leg| leg.in_room);
        let speaks = |leg: &Leg| leg.is_talking() && !leg.on_hold && !leg.is_outside();
        let is_over = matches!(self.stage, Stage::Ending | Stage::Ended);
        !is_over && ![holder, second].into_iter().flatten().any(speaks)
    }

    /// The same, as those see it who are not to know that a supervisor is there.
    #[must_use]
    pub fn without_supervisors(&self) -> Self {
        let mut call = self.clone();
        call.legs.retain(|leg| leg.role != Role::Supervisor);
        call
    }

    /// Goes to another stage; the status people see follows, except while the call is ending.
    pub(super) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.status = match stage {
            Stage::Queued => CallStatus::Queued,
            Stage::DialingAgent => CallStatus::DialingAgent,
            Stage::DialingCustomer => CallStatus::DialingCustomer,
            Stage::Connected => CallStatus::Connected,
            Stage::Transferring
            | Stage::Consulting
            | Stage::Swapped
            | Stage::Introducing
            | Stage::Waiting => CallStatus::Transferring,
            Stage::InRoom => CallStatus::InRoom,
            Stage::Ending => self.status,
            Stage::Ended => CallStatus::Ended,
        };
    }
}
