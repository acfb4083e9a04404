//! The TwiML documents, each a pure function of its URL's query and the voice settings.

use crate::calls::flow::{AfterDial, AfterGate, Words};
use crate::twiml::{
    Beep, CallEvent, Callback, Conference, ConferenceEvent, Dial, Gather, Method, Noun, Pause, Play, Prompt,
    Redirect, Response, Say, Verb,
};
use crate::voice::links::{Gate, InRoom, Links, SecondLeg};

/// Conference events that are asked for by every leg, as Twilio listens to the first joiner only.
/// <https://www.twilio.com/docs/voice/twiml/conference#attributes-statusCallbackEvent>
pub const CONFERENCE_EVENTS: [ConferenceEvent; 7] = [
    ConferenceEvent::Start,
    ConferenceEvent::End,
    ConferenceEvent::Join,
    ConferenceEvent::Leave,
    ConferenceEvent::Mute,
    ConferenceEvent::Hold,
    ConferenceEvent::Announcement,
];

/// What whoever waits hears first.
const ONE_MOMENT: &str = "One moment please.";
/// How long a second agent may think before they are asked once more.
const GATE_TIMEOUT_SECS: u32 = 8;

/// Renders documents: the links they name and the voice they speak with.
#[derive(Debug, Clone)]
pub struct Documents {
    /// Where Twilio is sent next.
    pub links: Links,
    /// Language of everything said, such as `en-US`.
    pub language: String,
    /// Twilio's name of a voice; Twilio's default if absent.
    pub voice: Option<String>,
    /// Music for whoever waits; words if absent.
    pub hold_music_url: Option<String>,
}

impl Documents {
    /// Dials the customer. `answerOnBridge` leaves the agent hearing the customer's ringing.
    pub fn second_leg(&self, query: &SecondLeg) -> Response {
        let back = InRoom { call: query.call, leg: query.leg, room: query.room.clone() };
        let status = Callback::post(self.links.call_status(query.call, query.customer_leg), CallEvent::ALL);
        let mut dial = Dial::new(Noun::reaching(&query.to, Some(status)));
        dial.action = Some(self.links.first_leg_disconnected(&back));
        dial.method = Some(Method::Post);
        dial.timeout = Some(query.timeout);
        dial.time_limit = Some(query.time_limit);
        dial.caller_id = Some(query.caller_id.to_string());
        dial.answer_on_bridge = Some(true);
        Response::new(vec![dial.into()])
    }

    /// Puts a leg into the room. Nobody's leaving closes it: that is the server's decision. Should the room close, a
    /// sentence ends the leg, so that nobody is cut off in silence.
    pub fn conference(&self, query: &InRoom) -> Response {
        let mut conference = Conference::new(query.room.clone());
        conference.start_conference_on_enter = Some(true);
        conference.end_conference_on_exit = Some(false);
        conference.beep = Some(Beep::Never);
        conference.wait_url = Some(self.links.wait(query.call));
        conference.wait_method = Some(Method::Post);
        conference.participant_label = Some(query.leg.to_string());
        conference.status_callback =
            Some(Callback::post(self.links.conference_status(query.call), CONFERENCE_EVENTS));
        Response::new(vec![Dial::new(conference).into(), self.say(&Words::CallOver.spoken()), Verb::Hangup])
    }

    /// What the first agent gets when their Dial has ended.
    pub fn after_dial(&self, query: &InRoom, next: &AfterDial) -> Response {
        match next {
            AfterDial::Room => self.conference(query),
            AfterDial::HangUp(Some(words)) => self.goodbye(&words.spoken()),
            AfterDial::HangUp(None) => Response::new(vec![Verb::Hangup]),
        }
    }

    /// Tells a second agent what they are to know, and asks whether they take the call. A key that means nothing counts like
    /// silence: they are asked once more.
    pub fn gate(&self, query: &Gate) -> Response {
        let briefing = query.briefing.as_deref().unwrap_or("You are asked to take over a call.");
        let again = self.links.accept(&Gate { attempt: query.attempt + 1, ..query.clone() });
        let gather = Gather {
            action: Some(again.clone()),
            method: Some(Method::Post),
            num_digits: Some(1),
            finish_on_key: Some(String::new()),
            timeout: Some(GATE_TIMEOUT_SECS),
            prompts: vec![
                Prompt::Say(self.sentence(briefing)),
                Prompt::Say(self.sentence("Press 1 to take the call, or 2 to decline.")),
            ],
            ..Gather::default()
        };
        Response::new(vec![gather.into(), Redirect::to(again).into()])
    }

    /// What a second agent gets who has answered at the gate.
    pub fn after_gate(&self, query: &Gate, next: &AfterGate) -> Response {
        match next {
            AfterGate::Room => {
                self.conference(&InRoom { call: query.call, leg: query.leg, room: query.room.clone() })
            }
            AfterGate::HangUp(words) => self.goodbye(&words.spoken()),
        }
    }

    /// The second agent takes the call, but who was first cannot be known now: asks again in a moment.
    pub fn gate_later(&self, query: &Gate) -> Response {
        let again = self.links.accept(&Gate { accepted: true, ..query.clone() });
        Response::new(vec![self.say(ONE_MOMENT), Pause::seconds(1).into(), Redirect::to(again).into()])
    }

    /// What somebody hears who waits outside the room: a word at once, then music.
    pub fn music(&self) -> Response {
        let rest = match &self.hold_music_url {
            Some(url) => vec![Play::forever(url).into()],
            None => vec![Pause::seconds(2).into(), Redirect::default().into()],
        };
        Response::new(std::iter::once(self.say(ONE_MOMENT)).chain(rest).collect())
    }

    /// What somebody hears who waits in the room: a second's pause, so that a normal move is inaudible, then music.
    pub fn wait(&self) -> Response {
        let pause = Pause::seconds(1).into();
        match &self.hold_music_url {
            Some(url) => Response::new(vec![pause, Play::forever(url).into()]),
            None => Response::new(vec![pause, self.say(ONE_MOMENT), Redirect::default().into()]),
        }
    }

    /// A sentence for everybody in the room.
    pub fn announce(&self, text: &str) -> Response {
        Response::new(vec![self.say(text)])
    }

    /// A sentence, then the end of the leg.
    pub fn goodbye(&self, text: &str) -> Response {
        Response::new(vec![self.say(text), Verb::Hangup])
    }

    /// What anybody hears when we do not know what to do with their leg.
    pub fn apology(&self) -> Response {
        self.goodbye(&Words::Apology.spoken())
    }

    fn say(&self, text: &str) -> Verb {
        self.sentence(text).into()
    }

    fn sentence(&self, text: &str) -> Say {
        let mut say = Say::new(text);
        say.language = Some(self.language.clone());
        say.voice = self.voice.clone();
        say
    }
}
