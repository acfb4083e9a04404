//! The TwiML documents, each a pure function of its URL's query and the voice settings.

use crate::calls::flow::{AfterDial, Words};
use crate::twiml::{
    Beep, CallEvent, Callback, Conference, ConferenceEvent, Dial, Method, Noun, Pause, Play, Redirect,
    Response, Say, Verb,
};
use crate::voice::links::{InRoom, Links, SecondLeg};

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

    /// What somebody hears who waits in the room: a second's pause, so that a normal move is inaudible, then music.
    pub fn wait(&self) -> Response {
        let pause = Pause::seconds(1).into();
        match &self.hold_music_url {
            Some(url) => Response::new(vec![pause, Play::forever(url).into()]),
            None => Response::new(vec![pause, self.say("One moment please."), Redirect::default().into()]),
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
        let mut say = Say::new(text);
        say.language = Some(self.language.clone());
        say.voice = self.voice.clone();
        say.into()
    }
}
