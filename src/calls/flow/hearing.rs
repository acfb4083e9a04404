//! Who hears whom: what each person of a call experiences now, as far as is known of it. Pure, for the screen; the emulator's
//! record of audibility is the other reading that the tests hold it against.

use uuid::Uuid;

use super::state::{Bridge, Call, Leg, LegStatus, Monitor, Place, Role, Stage, vocabulary};

vocabulary! {
    /// How a person is, in one word for the screen.
    Presence {
        /// Not rung yet, or not rung at all.
        Planned,
        /// Twilio is asked to ring them, or looks for their phone.
        Calling,
        /// Their phone rings.
        Ringing,
        /// On the line.
        Talking,
        /// In the room, on hold.
        OnHold,
        /// Outside the room, with music.
        Waiting,
        /// Asked whether they take the call.
        Asked,
        /// Told some last words.
        Leaving,
        /// Was on the line, and is not any more.
        Left,
        /// Was never reached.
        Failed,
    }
}

/// Something a person hears.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Hears {
    /// Another person.
    Person {
        /// Whose leg.
        leg_id: Uuid,
    },
    /// Music, or the words that stand in for it.
    Music,
    /// A ringing tone.
    Ringing,
    /// What our documents say.
    Words,
}

/// How a person of a call is, and what they hear.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Standing {
    /// Whose leg.
    pub leg_id: Uuid,
    /// In one word.
    pub presence: Presence,
    /// All that they hear; nothing is silence.
    pub hears: Vec<Hears>,
}

/// How everybody is, in the order of the legs.
pub fn standings(call: &Call) -> Vec<Standing> {
    let standing = |leg: &Leg| {
        let presence = presence(call, leg);
        Standing { leg_id: leg.id, presence, hears: hears(call, leg, presence) }
    };
    call.legs.iter().map(standing).collect()
}

fn presence(call: &Call, leg: &Leg) -> Presence {
    if leg.gone || leg.status.is_terminal() {
        return if leg.answered_at.is_some() { Presence::Left } else { Presence::Failed };
    }
    match leg.status {
        LegStatus::Unplaced if leg.role == Role::Customer && is_dialling(call) => Presence::Calling,
        LegStatus::Unplaced => Presence::Planned,
        LegStatus::Creating | LegStatus::Queued | LegStatus::Initiated => Presence::Calling,
        LegStatus::Ringing => Presence::Ringing,
        _ => match leg.sent_to {
            Place::Music => Presence::Waiting,
            Place::Gate => Presence::Asked,
            Place::Goodbye => Presence::Leaving,
            Place::Start | Place::Room if call.is_held(leg) && leg.in_room => Presence::OnHold,
            Place::Start | Place::Room => Presence::Talking,
        },
    }
}

/// The agent's document has rung the customer, though Twilio has not told of it yet.
fn is_dialling(call: &Call) -> bool {
    call.stage == Stage::DialingCustomer && call.agent().is_some_and(Leg::is_talking)
}

fn hears(call: &Call, leg: &Leg, presence: Presence) -> Vec<Hears> {
    match presence {
        Presence::Waiting | Presence::OnHold => vec![Hears::Music],
        Presence::Asked | Presence::Leaving => vec![Hears::Words],
        Presence::Talking if leg.in_room => in_room(call, leg),
        Presence::Talking if is_on_bridge(call, leg) => on_bridge(call, leg),
        _ => vec![],
    }
}

fn is_on_bridge(call: &Call, leg: &Leg) -> bool {
    let is_first = leg.transfer_id.is_none() && matches!(leg.role, Role::FirstAgent | Role::Customer);
    call.bridge == Bridge::Dial && !call.dial_ended && !call.has_left_bridge() && is_first
}

/// The agent hears the customer's phone ring until it is answered; then each hears the other.
fn on_bridge(call: &Call, leg: &Leg) -> Vec<Hears> {
    let others = call.legs.iter().filter(|other| other.id != leg.id && is_on_bridge(call, other));
    others.filter_map(|other| heard(call, leg, other)).collect()
}

fn heard(call: &Call, leg: &Leg, other: &Leg) -> Option<Hears> {
    match presence(call, other) {
        Presence::Talking => Some(Hears::Person { leg_id: other.id }),
        Presence::Ringing if leg.role != Role::Customer => Some(Hears::Ringing),
        _ => None,
    }
}

/// Whoever is in the room hears all who speak there, and the phones that ring into it. The first who comes hears music until
/// there is a second; who is left alone later hears nothing.
/// <https://www.twilio.com/docs/voice/twiml/conference#attributes-waiturl>
fn in_room(call: &Call, leg: &Leg) -> Vec<Hears> {
    let others = || call.legs.iter().filter(|other| other.id != leg.id);
    let is_here = |other: &&Leg| other.in_room && other.is_talking();
    let speaks = |other: &&Leg| presence(call, other) == Presence::Talking && !other.muted;
    let mut hears: Vec<Hears> = others()
        .filter(is_here)
        .filter(speaks)
        .filter(|other| is_heard_by(call, other, leg))
        .map(|other| Hears::Person { leg_id: other.id })
        .collect();
    if others().any(|other| rings_into_room(call, other)) {
        hears.push(Hears::Ringing);
    }
    // Early media may be reported as coming in; only somebody who has answered is a second.
    let has_been_here =
        |other: &Leg| (other.in_room || other.room_sequence.is_some()) && other.answered_at.is_some();
    if !others().any(has_been_here) {
        hears.push(Hears::Music);
    }
    hears
}

/// A supervisor who coaches is heard by the agent who holds the customer, one who listens by nobody.
fn is_heard_by(call: &Call, speaker: &Leg, listener: &Leg) -> bool {
    match (speaker.monitor, call.monitoring(speaker)) {
        (None, _) | (_, (Monitor::Barge, _)) => true,
        (_, (Monitor::Coach, coached)) => coached == Some(listener.id),
        (_, (Monitor::Listen, _)) => false,
    }
}

/// Early media: unless several ring at once, or it is a supervisor's.
fn rings_into_room(call: &Call, other: &Leg) -> bool {
    let rings = other.status == LegStatus::Ringing && !other.gone && other.monitor.is_none();
    let transfer = call.transfers.iter().find(|transfer| Some(transfer.id) == other.transfer_id);
    let is_one_of_many =
        transfer.is_some_and(|it| it.ring == super::Ring::Together && call.targets(it.id).count() > 1);
    let is_customer = other.role == Role::Customer && call.bridge == Bridge::Room;
    rings && (other.transfer_id.is_some() || is_customer) && !is_one_of_many
}
