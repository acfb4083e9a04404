//! What a request of Twilio's is answered with, from its URL and form alone. Pure; the views carry it out, and so does the
//! simulation. What it tells the flow is [`forms::event`].

use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::documents::Documents;
use super::forms::{self, Sent};
use super::links::{Gate, InRoom, Music, OfCall, SecondLeg, Speech, paths};
use crate::calls::flow::{GateAnswer, Words};
use crate::twiml::Response;

/// A request that has been understood.
#[derive(Debug)]
pub struct Asked {
    /// The call it is about; absent if its query is not one of ours.
    pub call: Option<Uuid>,
    /// The leg it is about, if it is about one.
    pub leg: Option<Uuid>,
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
        Self { call: None, leg: None, answer: Answer::Document(document) }
    }

    fn of_leg(call: Uuid, leg: Uuid, answer: Answer) -> Self {
        Self { call: Some(call), leg: Some(leg), answer }
    }

    fn of_call(call: Uuid, document: Response) -> Self {
        Self { call: Some(call), leg: None, answer: Answer::Document(document) }
    }
}

/// What this request asks for; `None` if its path is none of ours.
pub fn asked(documents: &Documents, request: &impl Sent) -> Option<Asked> {
    Some(match request.path() {
        paths::SECOND_LEG => second_leg(documents, request),
        paths::CONFERENCE => conference(documents, request),
        paths::FIRST_LEG_DISCONNECTED => first_leg_disconnected(documents, request),
        paths::ACCEPT => accept(documents, request),
        paths::MUSIC => music(documents, request),
        paths::WAIT => wait(documents, request),
        paths::ANNOUNCE => speech(documents, request, Documents::announce),
        paths::GOODBYE => speech(documents, request, Documents::goodbye),
        paths::CALL_STATUS | paths::CONFERENCE_STATUS => callback(request),
        _ => return None,
    })
}

/// The first agent has answered: dial the customer.
fn second_leg(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<SecondLeg>(request) else { return Asked::unknown(documents.apology()) };
    Asked::of_leg(query.call, query.leg, Answer::Document(documents.second_leg(&query)))
}

/// Into the room.
fn conference(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<InRoom>(request) else { return Asked::unknown(documents.apology()) };
    Asked::of_leg(query.call, query.leg, Answer::Document(documents.conference(&query)))
}

/// The first agent's Dial has ended: to the room with them, or was it a hang-up?
fn first_leg_disconnected(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<InRoom>(request) else { return Asked::unknown(documents.apology()) };
    Asked::of_leg(query.call, query.leg, Answer::AfterDial(query))
}

/// Does the second agent take the call?
fn accept(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<Gate>(request) else { return Asked::unknown(documents.apology()) };
    let (call, leg) = (query.call, query.leg);
    Asked::of_leg(
        call,
        leg,
        match forms::gate_answer(request, &query) {
            None => Answer::Document(documents.gate(&query)),
            Some(GateAnswer::Accepted) => Answer::AfterGate(query),
            Some(GateAnswer::Declined | GateAnswer::Silent) => {
                Answer::Document(documents.goodbye(&Words::Declined.spoken()))
            }
        },
    )
}

/// What is heard while waiting outside the room.
fn music(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<Music>(request) else { return Asked::unknown(documents.music()) };
    Asked::of_leg(query.call, query.leg, Answer::Document(documents.music()))
}

/// What is heard while waiting in the room.
fn wait(documents: &Documents, request: &impl Sent) -> Asked {
    let Some(query) = our_query::<OfCall>(request) else { return Asked::unknown(documents.wait()) };
    Asked::of_call(query.call, documents.wait())
}

/// A sentence: for everybody in the room, or the last on a leg.
fn speech(
    documents: &Documents,
    request: &impl Sent,
    document: impl Fn(&Documents, &str) -> Response,
) -> Asked {
    let Some(query) = our_query::<Speech>(request) else { return Asked::unknown(documents.apology()) };
    Asked::of_call(query.call, document(documents, &query.text))
}

/// Progress of a leg, or a change in the room.
fn callback(request: &impl Sent) -> Asked {
    let call = our_query::<OfCall>(request).map(|query| query.call);
    Asked { call, leg: None, answer: Answer::Kept }
}

fn our_query<T: DeserializeOwned>(request: &impl Sent) -> Option<T> {
    let query = forms::query(request);
    if query.is_none() {
        tracing::warn!("a signed request whose query is not one of ours");
    }
    query
}
