//! What a request of Twilio's means for the call, and what it is answered with, from its URL and form alone. Pure; the
//! views carry it out, and so does the simulation.

use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::documents::Documents;
use super::forms::{self, Sent};
use super::links::{Gate, InRoom, OfCall, OfLeg, SecondLeg, Speech, paths};
use crate::calls::flow::{Event, GateAnswer, Words};
use crate::twiml::Response;

/// A request that has been understood.
#[derive(Debug)]
pub struct Asked {
    /// The call it is about; absent if its query is not one of ours.
    pub call: Option<Uuid>,
    /// The leg it is about, if it is about one.
    pub leg: Option<Uuid>,
    /// What it says of the call.
    pub event: Option<Event>,
    /// What is answered.
    pub answer: Answer,
}

/// What a request is answered with.
#[derive(Debug)]
pub enum Answer {
    /// This document; what the request says is taken in beside.
    Document(Response),
    /// What the call's state says once the end of the Dial was taken in.
    AfterDial(InRoom),
    /// What the call's state says once the acceptance was taken in.
    AfterGate(Gate),
    /// Nothing, once it is durable.
    Kept,
}

impl Asked {
    fn unknown(document: Response) -> Self {
        Self { call: None, leg: None, event: None, answer: Answer::Document(document) }
    }

    fn of_leg(call: Uuid, leg: Uuid, event: Option<Event>, answer: Answer) -> Self {
        Self { call: Some(call), leg: Some(leg), event, answer }
    }

    fn of_call(call: Uuid, document: Response) -> Self {
        Self { call: Some(call), leg: None, event: None, answer: Answer::Document(document) }
    }
}

/// What the request for this path means; `None` if the path is none of ours.
pub fn at(documents: &Documents, path: &str, request: &impl Sent) -> Option<Asked> {
    Some(match path {
        paths::SECOND_LEG => second_leg(documents, request),
        paths::CONFERENCE => conference(documents, request),
        paths::FIRST_LEG_DISCONNECTED => first_leg_disconnected(documents, request),
        paths::ACCEPT => accept(documents, request),
        paths::MUSIC => music(documents, request),
        paths::WAIT => wait(documents, request),
        paths::ANNOUNCE => announce(documents, request),
        paths::GOODBYE => goodbye(documents, request),
        paths::CALL_STATUS => call_status(request),
        paths::CONFERENCE_STATUS => conference_status(request),
        _ => return None,
    })
}

/// The first agent has answered: dial the customer.
pub fn second_leg(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<SecondLeg>(request) else { return Asked::unknown(documents.apology()) };
    let answer = Answer::Document(documents.second_leg(&query));
    Asked::of_leg(query.call, query.leg, forms::leg_on_line(request, query.leg), answer)
}

/// Into the room.
pub fn conference(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<InRoom>(request) else { return Asked::unknown(documents.apology()) };
    let answer = Answer::Document(documents.conference(&query));
    Asked::of_leg(query.call, query.leg, forms::leg_on_line(request, query.leg), answer)
}

/// The first agent's Dial has ended: to the room with them, or was it a hang-up?
pub fn first_leg_disconnected(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<InRoom>(request) else { return Asked::unknown(documents.apology()) };
    let event = Event::DialEnded(forms::dial_ended(request));
    Asked::of_leg(query.call, query.leg, Some(event), Answer::AfterDial(query))
}

/// Does the second agent take the call?
pub fn accept(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<Gate>(request) else { return Asked::unknown(documents.apology()) };
    let (call, leg_id) = (query.call, query.leg);
    let Some(answer) = forms::gate_answer(request.get("Digits"), &query) else {
        let question = Answer::Document(documents.gate(&query));
        return Asked::of_leg(call, leg_id, forms::leg_on_line(request, leg_id), question);
    };
    let next = match answer {
        GateAnswer::Accepted => Answer::AfterGate(query),
        GateAnswer::Declined | GateAnswer::Silent => {
            Answer::Document(documents.goodbye(&Words::Declined.spoken()))
        }
    };
    Asked::of_leg(call, leg_id, Some(Event::GateAnswered { leg_id, answer }), next)
}

/// What is heard while waiting outside the room.
pub fn music(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<OfLeg>(request) else { return Asked::unknown(documents.music()) };
    let event = Event::MusicStarted { leg_id: query.leg };
    Asked::of_leg(query.call, query.leg, Some(event), Answer::Document(documents.music()))
}

/// What is heard while waiting in the room.
pub fn wait(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<OfCall>(request) else { return Asked::unknown(documents.wait()) };
    Asked::of_call(query.call, documents.wait())
}

/// A sentence for everybody in the room.
pub fn announce(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<Speech>(request) else { return Asked::unknown(documents.apology()) };
    Asked::of_call(query.call, documents.announce(&query.text))
}

/// A sentence, then the end of the leg.
pub fn goodbye(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<Speech>(request) else { return Asked::unknown(documents.apology()) };
    Asked::of_call(query.call, documents.goodbye(&query.text))
}

/// Progress of a leg.
pub fn call_status(request: &impl Sent) -> Asked {
    let query = our_query::<OfLeg>(request);
    let event = query.as_ref().and_then(|query| forms::leg_progress(request, query.leg));
    Asked { call: query.map(|query| query.call), leg: None, event, answer: Answer::Kept }
}

/// A change in the room.
pub fn conference_status(request: &impl Sent) -> Asked {
    let call = our_query::<OfCall>(request).map(|query| query.call);
    Asked { call, leg: None, event: forms::room_change(request), answer: Answer::Kept }
}

fn our_query<T: DeserializeOwned>(request: &impl Sent) -> Option<T> {
    let query = forms::query(request);
    if query.is_none() {
        tracing::warn!("a signed request whose query is not one of ours");
    }
    query
}
