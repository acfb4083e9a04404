//! The guided story: from the newest call and who looks at it, what to press next. Pure; all its words are here.

use serde::Serialize;

use crate::calls::flow::{Call, LegStatus, Role, Stage, TransferStatus};
use crate::demo::stage::{CUSTOMER, FIRST_AGENT, SECOND_AGENT};

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guide {
    /// Which step, from 1.
    pub step: usize,
    /// Of how many.
    pub of: usize,
    /// Where the story is.
    pub title: &'static str,
    /// What to press, in a sentence or two.
    pub text: String,
    /// The phone whose turn it is.
    pub phone: Option<&'static str>,
    /// A number to be called.
    pub fill: Option<&'static str>,
    /// A page worth a look.
    pub link: Option<String>,
}

const STEPS: usize = 7;

/// Where the story is.
pub fn guide(newest: Option<&Call>, me: &str, is_manual: bool) -> Guide {
    let Some(call) = newest else { return place(me) };
    let by_itself = |text: &str| {
        if is_manual { text.to_owned() } else { "It is answered by itself in a moment.".into() }
    };
    match call.stage {
        Stage::Queued | Stage::DialingAgent => step(
            2,
            "Alice’s phone rings",
            by_itself("First the agent is called. Press Answer on Alice’s phone below."),
            Some(FIRST_AGENT.address),
        ),
        Stage::DialingCustomer => step(
            3,
            "Now the customer’s phone rings",
            by_itself("Alice hears it ring. Answer the customer’s phone."),
            Some(CUSTOMER.address),
        ),
        Stage::Connected => step(
            4,
            "They talk",
            "Press Warm transfer on the call (or the key T), choose Dana, write her a note, and press Bring in.".into(),
            None,
        ),
        Stage::Ended => over(call),
        Stage::Ending => step(7, "It is ending", "The last phones are being put down.".into(), None),
        _ => transferring(call, me, by_itself),
    }
}

fn transferring(call: &Call, me: &str, by_itself: impl Fn(&str) -> String) -> Guide {
    let second = call.legs.iter().rev().find(|leg| leg.role == Role::SecondAgent && !leg.is_over());
    match (second, call.transfers.last().map(|transfer| transfer.status)) {
        (Some(leg), Some(TransferStatus::Requested | TransferStatus::Ringing)) if leg.status < LegStatus::InProgress => {
            let look = if me == "dana" { "This is what Dana sees before she picks up. " } else { "Press See as Dana to see her screen with your note. " };
            step(5, "Dana’s phone rings", format!("{look}{}", by_itself("Then answer Dana’s phone.")), Some(SECOND_AGENT.address))
        }
        (Some(_), Some(TransferStatus::Answered)) => {
            step(5, "Dana is asked whether she takes the call", "Press 1 on Dana’s phone.".into(), Some(SECOND_AGENT.address))
        }
        (Some(_), Some(TransferStatus::Joined)) => step(
            6,
            "Dana is there",
            "Look at the phones: who hears whom. As Alice, press Hand over (or the key O); or just hang up Alice’s phone.".into(),
            None,
        ),
        (_, Some(TransferStatus::Completed)) => step(
            7,
            "The customer is with Dana",
            "Nobody was put down, nobody heard silence. Hang up either phone to end the call.".into(),
            Some(CUSTOMER.address),
        ),
        (_, Some(TransferStatus::Failed | TransferStatus::Cancelled)) => step(
            4,
            "Customer and Alice are together again",
            "The transfer came to nothing, and the customer was told. Try Warm transfer again, or hang up.".into(),
            None,
        ),
        _ => step(4, "They are in the room", "Press Warm transfer (or the key T), and choose Dana.".into(), None),
    }
}

fn place(me: &str) -> Guide {
    let who = if me == "alice" {
        "You are Alice, a sales agent."
    } else {
        "Alice is the agent who calls: press See as Alice first."
    };
    let text = format!("{who} Press New call (or the key N), and call the customer: {}.", CUSTOMER.address);
    Guide { fill: Some(CUSTOMER.address), ..step(1, "Call a customer", text, None) }
}

fn over(call: &Call) -> Guide {
    let was_handed_over = call.transfers.iter().any(|transfer| transfer.status == TransferStatus::Completed);
    let title = if was_handed_over { "That was a warm transfer" } else { "The call is over" };
    let text = "Say what came of it on the card, look at the whole call, or place another one (key N).";
    Guide { link: Some(format!("/calls/{}", call.id)), ..step(STEPS, title, text.into(), None) }
}

fn step(step: usize, title: &'static str, text: String, phone: Option<&'static str>) -> Guide {
    Guide { step, of: STEPS, title, text, phone, fill: None, link: None }
}
