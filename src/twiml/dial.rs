//! Owns the `<Dial>` verb and what can stand inside it.

use std::io;

use super::values::{Beep, CallEvent, Callback, ConferenceEvent, Method};
use super::xml::{Element, WriteXml, Xml};
use crate::telephony::{Address, CallSid, PhoneNumber};

/// `<Dial>`: <https://www.twilio.com/docs/voice/twiml/dial>
///
/// Without an `action` the leg goes on with the next verb when the dialled party is gone, and is hung up if there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dial {
    /// Absolute URL that is requested when the `Dial` has ended, with `DialCallStatus` as a hint.
    pub action: Option<String>,
    /// How `action` is requested; Twilio's default is POST.
    pub method: Option<Method>,
    /// Seconds to ring, 5 to 600; Twilio adds 5 of its own. Its default is 30.
    pub timeout: Option<u32>,
    /// Seconds the joined legs may last; Twilio's default, and its maximum, is 14400.
    pub time_limit: Option<u32>,
    /// The number or `client:` identity the dialled party sees.
    pub caller_id: Option<String>,
    /// Whether the calling leg keeps ringing until the dialled party answers.
    pub answer_on_bridge: Option<bool>,
    /// Whether the calling leg can end the `Dial` with the star key.
    pub hangup_on_star: Option<bool>,
    /// Who is dialled; the first to answer wins.
    pub nouns: Vec<Noun>,
}

impl Dial {
    /// Dials this one noun, everything else as Twilio does by itself.
    pub fn new(noun: impl Into<Noun>) -> Self {
        Self { nouns: vec![noun.into()], ..Self::default() }
    }
}

/// Somebody or something a `Dial` connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noun {
    /// A telephone.
    Number(Number),
    /// A Voice SDK device.
    Client(Client),
    /// A SIP endpoint.
    Sip(Sip),
    /// A room.
    Conference(Conference),
}

impl Noun {
    /// The noun that reaches this address, with these callbacks for its leg.
    pub fn reaching(address: &Address, status_callback: Option<Callback<CallEvent>>) -> Self {
        match address {
            Address::Phone(number) => Number { status_callback, ..Number::new(number.clone()) }.into(),
            Address::Client(identity) => Client { status_callback, ..Client::new(identity.clone()) }.into(),
            Address::Sip(uri) => Sip { status_callback, ..Sip::new(uri.clone()) }.into(),
        }
    }
}

/// `<Number>`: <https://www.twilio.com/docs/voice/twiml/number>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Whom to dial.
    pub number: PhoneNumber,
    /// Absolute URL of a document the dialled party hears before the legs are joined; it may not dial (13201).
    pub url: Option<String>,
    /// How `url` is requested.
    pub method: Option<Method>,
    /// Where the new leg's progress is reported.
    pub status_callback: Option<Callback<CallEvent>>,
}

impl Number {
    /// This number and nothing else.
    pub fn new(number: PhoneNumber) -> Self {
        Self { number, url: None, method: None, status_callback: None }
    }
}

/// `<Client>`: <https://www.twilio.com/docs/voice/twiml/client>
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Client {
    /// The identity whose devices ring, without `client:`.
    pub identity: String,
    /// Names and values the device is given with the call.
    pub parameters: Vec<(String, String)>,
    /// Absolute URL of a document the dialled party hears before the legs are joined.
    pub url: Option<String>,
    /// How `url` is requested.
    pub method: Option<Method>,
    /// Where the new leg's progress is reported.
    pub status_callback: Option<Callback<CallEvent>>,
}

impl Client {
    /// This identity and nothing else.
    pub fn new(identity: impl Into<String>) -> Self {
        Self { identity: identity.into(), ..Self::default() }
    }
}

/// `<Sip>`: <https://www.twilio.com/docs/voice/twiml/sip>
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sip {
    /// The whole URI with its scheme.
    pub uri: String,
    /// Name for the far end's digest authentication.
    pub username: Option<String>,
    /// Password for the far end's digest authentication.
    pub password: Option<String>,
    /// Absolute URL of a document the dialled party hears before the legs are joined.
    pub url: Option<String>,
    /// How `url` is requested.
    pub method: Option<Method>,
    /// Where the new leg's progress is reported.
    pub status_callback: Option<Callback<CallEvent>>,
}

impl Sip {
    /// This URI and nothing else.
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into(), ..Self::default() }
    }
}

// By hand because of the password.
impl std::fmt::Debug for Sip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sip")
            .field("uri", &self.uri)
            .field("url", &self.url)
            .field("status_callback", &self.status_callback)
            .finish_non_exhaustive()
    }
}

/// `<Conference>`: <https://www.twilio.com/docs/voice/twiml/conference>
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conference {
    /// The friendly name, at most 128 characters, no personal data. It names the one live conference of that name, or opens one.
    pub name: String,
    /// Whether this member may start the conference; Twilio's default is true.
    pub start_conference_on_enter: Option<bool>,
    /// Whether the conference ends for everybody when this member leaves; Twilio's default is false.
    pub end_conference_on_exit: Option<bool>,
    /// Twilio's default is to beep at each entry and exit.
    pub beep: Option<Beep>,
    /// Whether this member is not heard.
    pub muted: Option<bool>,
    /// Absolute URL of what is heard until the conference starts; empty for silence, none for Twilio's own music.
    pub wait_url: Option<String>,
    /// How `wait_url` is requested; Twilio's default is POST.
    pub wait_method: Option<Method>,
    /// A name unique among the present members, at most 128 characters.
    pub participant_label: Option<String>,
    /// How many members it holds; Twilio's default, and its maximum, is 250.
    pub max_participants: Option<u32>,
    /// The member that alone hears this one.
    pub coach: Option<CallSid>,
    /// Where the conference reports; Twilio keeps the first member's settings and ignores all later ones.
    pub status_callback: Option<Callback<ConferenceEvent>>,
}

impl Conference {
    /// The room of this name, with Twilio's defaults.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

impl WriteXml for Dial {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        let element = Element::new("Dial")
            .attr("action", self.action.as_deref())
            .word("method", self.method)
            .number("timeout", self.timeout)
            .number("timeLimit", self.time_limit)
            .attr("callerId", self.caller_id.as_deref())
            .flag("answerOnBridge", self.answer_on_bridge)
            .flag("hangupOnStar", self.hangup_on_star);
        if self.nouns.is_empty() { xml.empty(element) } else { xml.children(element, &self.nouns) }
    }
}

impl WriteXml for Noun {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        match self {
            Self::Number(number) => number.write(xml),
            Self::Client(client) => client.write(xml),
            Self::Sip(sip) => sip.write(xml),
            Self::Conference(conference) => conference.write(xml),
        }
    }
}

impl WriteXml for Number {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        let element =
            leg(Element::new("Number"), self.url.as_deref(), self.method, self.status_callback.as_ref());
        xml.text(element, self.number.as_str())
    }
}

impl WriteXml for Client {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        let element =
            leg(Element::new("Client"), self.url.as_deref(), self.method, self.status_callback.as_ref());
        if self.parameters.is_empty() {
            return xml.text(element, &self.identity);
        }
        // With parameters the identity must be an element of its own.
        let mut inside = vec![ClientPart::Identity(&self.identity)];
        inside.extend(self.parameters.iter().map(|(name, value)| ClientPart::Parameter(name, value)));
        xml.children(element, &inside)
    }
}

enum ClientPart<'a> {
    Identity(&'a str),
    Parameter(&'a str, &'a str),
}

impl WriteXml for ClientPart<'_> {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        match self {
            Self::Identity(identity) => xml.text(Element::new("Identity"), identity),
            Self::Parameter(name, value) => {
                xml.empty(Element::new("Parameter").attr("name", Some(name)).attr("value", Some(value)))
            }
        }
    }
}

impl WriteXml for Sip {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        let element = Element::new("Sip")
            .attr("username", self.username.as_deref())
            .attr("password", self.password.as_deref());
        xml.text(leg(element, self.url.as_deref(), self.method, self.status_callback.as_ref()), &self.uri)
    }
}

impl WriteXml for Conference {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        let element = Element::new("Conference")
            .flag("startConferenceOnEnter", self.start_conference_on_enter)
            .flag("endConferenceOnExit", self.end_conference_on_exit)
            .word("beep", self.beep)
            .flag("muted", self.muted)
            .attr("waitUrl", self.wait_url.as_deref())
            .word("waitMethod", self.wait_method)
            .attr("participantLabel", self.participant_label.as_deref())
            .number("maxParticipants", self.max_participants)
            .attr("coach", self.coach.as_ref().map(CallSid::as_str));
        xml.text(callback(element, self.status_callback.as_ref()), &self.name)
    }
}

/// The attributes that every noun which creates a leg has.
fn leg(
    element: Element,
    url: Option<&str>,
    method: Option<Method>,
    status_callback: Option<&Callback<CallEvent>>,
) -> Element {
    callback(element.attr("url", url).word("method", method), status_callback)
}

fn callback<E: AsRef<str>>(element: Element, callback: Option<&Callback<E>>) -> Element {
    match callback {
        None => element,
        Some(callback) => element
            .attr("statusCallback", Some(&callback.url))
            .word("statusCallbackMethod", callback.method)
            .attr("statusCallbackEvent", callback.joined_events().as_deref()),
    }
}

/// Lets a noun's own type stand where any noun may.
macro_rules! into_noun {
    ($($noun:ident),*) => {$(
        impl From<$noun> for Noun {
            fn from(noun: $noun) -> Self {
                Self::$noun(noun)
            }
        }
    )*};
}
into_noun!(Number, Client, Sip, Conference);
