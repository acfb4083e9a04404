//! The absolute URLs that Twilio is given. Each carries in its query all that its view needs to answer, and Twilio's
//! signature covers it: a view decides from its URL and form alone.
//!
//! They are built on the public URL from the settings, never on a Host header, and are always absolute:
//! a relative action in a live-call update is error 15004.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::calls::flow::{Call, Leg, Words};
use crate::telephony::{Address, PhoneNumber};

/// Paths of the Twilio-facing views and callbacks, relative to the public URL.
pub mod paths {
    /// The first agent has answered: dial the customer.
    pub const SECOND_LEG: &str = "/twiml/second-leg";
    /// Into the room.
    pub const CONFERENCE: &str = "/twiml/conference";
    /// The first agent's Dial has ended.
    pub const FIRST_LEG_DISCONNECTED: &str = "/twiml/first-leg-disconnected";
    /// A second agent has answered: do they take the call?
    pub const ACCEPT: &str = "/twiml/accept";
    /// What somebody hears who waits outside the room.
    pub const MUSIC: &str = "/twiml/music";
    /// What somebody hears who waits in the room.
    pub const WAIT: &str = "/twiml/wait";
    /// A sentence for everybody in the room.
    pub const ANNOUNCE: &str = "/twiml/announce";
    /// A sentence, then the end.
    pub const GOODBYE: &str = "/twiml/goodbye";
    /// Progress of a leg.
    pub const CALL_STATUS: &str = "/webhooks/call-status";
    /// Changes in the room.
    pub const CONFERENCE_STATUS: &str = "/webhooks/conference-status";
}

/// Query of [`paths::SECOND_LEG`]: all it takes to dial the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondLeg {
    /// The call.
    pub call: Uuid,
    /// The first agent's leg.
    pub leg: Uuid,
    /// The leg the customer's will be.
    pub customer_leg: Uuid,
    /// Whom to dial.
    pub to: Address,
    /// What the customer sees.
    pub caller_id: PhoneNumber,
    /// The room, should there be a transfer.
    pub room: String,
    /// How long to ring, in seconds; Twilio adds 5.
    pub timeout: u32,
    /// How long the conversation may last, in seconds.
    pub time_limit: u32,
}

/// Query of [`paths::CONFERENCE`] and [`paths::FIRST_LEG_DISCONNECTED`]: whose leg, which room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InRoom {
    /// The call.
    pub call: Uuid,
    /// The leg that asks.
    pub leg: Uuid,
    /// The room's unguessable name.
    pub room: String,
}

/// Query of [`paths::ACCEPT`]: whom to ask, what to tell them, and where to let them in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The call.
    pub call: Uuid,
    /// The second agent's leg.
    pub leg: Uuid,
    /// The room's unguessable name.
    pub room: String,
    /// How often they have been asked, this time included; after 2 they have not answered.
    pub attempt: u32,
    /// They have pressed 1 already, and only the answer to that is awaited.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
    /// What they are to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub briefing: Option<String>,
}

/// Query of [`paths::CALL_STATUS`]: whose leg it tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfLeg {
    /// The call.
    pub call: Uuid,
    /// The leg.
    pub leg: Uuid,
}

/// Query of [`paths::MUSIC`]: who waits, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Music {
    /// The call.
    pub call: Uuid,
    /// The leg that asks.
    pub leg: Uuid,
    /// The transfer that sent the leg out of the room; absent on hold, which is inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Uuid>,
}

/// Query of [`paths::WAIT`], and of [`paths::CONFERENCE_STATUS`], whose form names the leg as participant label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfCall {
    /// The call.
    pub call: Uuid,
}

/// Query of [`paths::ANNOUNCE`] and [`paths::GOODBYE`]: what to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speech {
    /// The call.
    pub call: Uuid,
    /// The sentence.
    pub text: String,
}

/// How Twilio is to ask: unless told, it gives up a connection that is refused after the second try, and an answer that is
/// late or an error at once, and whoever is on the phone is hung up. Every view may be asked again, so it has up to four tries
/// in the 15 s that Twilio spends at the most.
/// <https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>
const TRIES: &str = "ct=2000&rt=5000&rc=3&rp=all";

/// Builds the URLs on the public URL of the settings.
#[derive(Debug, Clone)]
pub struct Links {
    public_url: String,
}

impl Links {
    /// `public_url` is absolute and has no trailing slash.
    pub fn new(public_url: impl Into<String>) -> Self {
        Self { public_url: public_url.into() }
    }

    /// How Twilio reaches us.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Where the first agent's leg is told to dial the customer.
    pub fn second_leg(&self, call: &Call, agent: &Leg, customer: &Leg) -> String {
        let query = SecondLeg {
            call: call.id,
            leg: agent.id,
            customer_leg: customer.id,
            to: customer.address.clone(),
            caller_id: call.caller_id.clone(),
            room: call.room.clone(),
            timeout: call.ring_timeout_secs,
            time_limit: call.time_limit_secs,
        };
        self.with_query(paths::SECOND_LEG, &query)
    }

    /// Where a leg is told to enter the room.
    pub fn conference(&self, query: &InRoom) -> String {
        self.with_query(paths::CONFERENCE, query)
    }

    /// The action of the first agent's Dial.
    pub fn first_leg_disconnected(&self, query: &InRoom) -> String {
        self.with_query(paths::FIRST_LEG_DISCONNECTED, query)
    }

    /// Where a second agent is asked whether they take the call.
    pub fn accept(&self, query: &Gate) -> String {
        self.with_query(paths::ACCEPT, query)
    }

    /// Where a leg is told to wait outside the room, or inside on hold.
    pub fn music(&self, query: &Music) -> String {
        self.with_query(paths::MUSIC, query)
    }

    /// What is heard while waiting in the room.
    pub fn wait(&self, call: Uuid) -> String {
        self.with_query(paths::WAIT, &OfCall { call })
    }

    /// A sentence for everybody in the room.
    pub fn announce(&self, call: Uuid, words: &Words) -> String {
        self.with_query(paths::ANNOUNCE, &Speech { call, text: words.spoken() })
    }

    /// A sentence for one person, then the end of their leg.
    pub fn goodbye(&self, call: Uuid, words: &Words) -> String {
        self.with_query(paths::GOODBYE, &Speech { call, text: words.spoken() })
    }

    /// Where Twilio reports a leg's progress.
    pub fn call_status(&self, call: Uuid, leg: Uuid) -> String {
        self.with_query(paths::CALL_STATUS, &OfLeg { call, leg })
    }

    /// Where Twilio reports the room's changes. The same for every leg, as Twilio listens to the first joiner's only.
    pub fn conference_status(&self, call: Uuid) -> String {
        self.with_query(paths::CONFERENCE_STATUS, &OfCall { call })
    }

    fn with_query(&self, path: &str, query: &impl Serialize) -> String {
        // These structs are flat lists of texts and numbers, which always have a query form.
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        format!("{}{path}?{query}#{TRIES}", self.public_url)
    }
}
