//! Owns the verbs of a TwiML document other than `<Dial>`.

use std::io;

use super::dial::Dial;
use super::values::{Method, RejectReason};
use super::xml::{Element, WriteXml, Xml};

/// One instruction of a document. Verbs after one that passes control on (`Redirect`, a `Dial` or `Gather` with an
/// action that was taken) are never reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// Speaks a text.
    Say(Say),
    /// Plays a recording or keypad tones.
    Play(Play),
    /// Waits in silence.
    Pause(Pause),
    /// Connects the leg to somebody else, or to a conference.
    Dial(Dial),
    /// Waits for keys.
    Gather(Gather),
    /// Goes on with another document.
    Redirect(Redirect),
    /// Ends the leg.
    Hangup,
    /// Declines an inbound call without answering it; only as the first verb. The reason is Twilio's to choose if none is given.
    Reject(Option<RejectReason>),
}

/// `<Say>`: <https://www.twilio.com/docs/voice/twiml/say>
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Say {
    /// What is spoken. Twilio refuses an empty text (13520).
    pub text: String,
    /// The voice's name, such as `alice` or `Polly.Joanna`.
    pub voice: Option<String>,
    /// BCP 47 tag; Twilio's default is `en-US`.
    pub language: Option<String>,
    /// How many times; 0 is until the leg ends. Twilio's default is 1.
    pub repeat: Option<u32>,
}

impl Say {
    /// The text once, in Twilio's default voice.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// `<Play>`: <https://www.twilio.com/docs/voice/twiml/play>
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Play {
    /// Absolute URL of an audio file; none when only `digits` are played.
    pub url: Option<String>,
    /// How many times; 0 is until the leg ends. Twilio's default is 1.
    pub repeat: Option<u32>,
    /// Keys to sound, with `w` for half a second of silence.
    pub digits: Option<String>,
}

impl Play {
    /// The audio file once.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::default() }
    }

    /// The audio file until the leg ends.
    pub fn forever(url: impl Into<String>) -> Self {
        Self { repeat: Some(0), ..Self::new(url) }
    }
}

/// `<Pause>`: <https://www.twilio.com/docs/voice/twiml/pause>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pause {
    /// Seconds; Twilio's default is 1.
    pub length: Option<u32>,
}

impl Pause {
    /// So many seconds of silence.
    pub fn seconds(length: u32) -> Self {
        Self { length: Some(length) }
    }
}

/// `<Gather>` of keys: <https://www.twilio.com/docs/voice/twiml/gather>
///
/// With no input Twilio goes on with the next verb, unless `action_on_empty_result` is true.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gather {
    /// Absolute URL that gets `Digits`; Twilio's default is the document's own URL.
    pub action: Option<String>,
    /// How `action` is requested; Twilio's default is POST.
    pub method: Option<Method>,
    /// How many keys end the gathering; Twilio's default is any number.
    pub num_digits: Option<u32>,
    /// Seconds of silence that end the gathering; Twilio's default is 5.
    pub timeout: Option<u32>,
    /// The key that ends the gathering; empty for none. Twilio's default is `#`.
    pub finish_on_key: Option<String>,
    /// Whether `action` is requested even when no key was pressed.
    pub action_on_empty_result: Option<bool>,
    /// What is heard meanwhile.
    pub prompts: Vec<Prompt>,
}

/// What may be heard while keys are gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// A text.
    Say(Say),
    /// A recording.
    Play(Play),
    /// Silence.
    Pause(Pause),
}

/// `<Redirect>`: <https://www.twilio.com/docs/voice/twiml/redirect>
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Redirect {
    /// Absolute URL; none requests the present document again, which is how a wait document loops.
    pub url: Option<String>,
    /// Twilio's default is POST.
    pub method: Option<Method>,
}

impl Redirect {
    /// On to the document at this absolute URL.
    pub fn to(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), method: None }
    }
}

impl WriteXml for Verb {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        match self {
            Self::Say(say) => say.write(xml),
            Self::Play(play) => play.write(xml),
            Self::Pause(pause) => pause.write(xml),
            Self::Dial(dial) => dial.write(xml),
            Self::Gather(gather) => gather.write(xml),
            Self::Redirect(redirect) => redirect.write(xml),
            Self::Hangup => xml.empty(Element::new("Hangup")),
            Self::Reject(reason) => xml.empty(Element::new("Reject").word("reason", *reason)),
        }
    }
}

impl WriteXml for Prompt {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        match self {
            Self::Say(say) => say.write(xml),
            Self::Play(play) => play.write(xml),
            Self::Pause(pause) => pause.write(xml),
        }
    }
}

impl WriteXml for Say {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        let element = Element::new("Say")
            .attr("voice", self.voice.as_deref())
            .attr("language", self.language.as_deref())
            .number("loop", self.repeat);
        xml.text(element, &self.text)
    }
}

impl WriteXml for Play {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        let element = Element::new("Play").number("loop", self.repeat).attr("digits", self.digits.as_deref());
        match &self.url {
            Some(url) => xml.text(element, url),
            None => xml.empty(element),
        }
    }
}

impl WriteXml for Pause {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        xml.empty(Element::new("Pause").number("length", self.length))
    }
}

impl WriteXml for Gather {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        let element = Element::new("Gather")
            .attr("action", self.action.as_deref())
            .word("method", self.method)
            .number("numDigits", self.num_digits)
            .number("timeout", self.timeout)
            .attr("finishOnKey", self.finish_on_key.as_deref())
            .flag("actionOnEmptyResult", self.action_on_empty_result);
        if self.prompts.is_empty() { xml.empty(element) } else { xml.children(element, &self.prompts) }
    }
}

impl WriteXml for Redirect {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        let element = Element::new("Redirect").word("method", self.method);
        match &self.url {
            Some(url) => xml.text(element, url),
            None => xml.empty(element),
        }
    }
}

/// Lets a verb's own type stand where any verb may.
macro_rules! into_variant {
    ($($variant:ident($type:ty) => $target:ty),* $(,)?) => {$(
        impl From<$type> for $target {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}
into_variant! {
    Say(Say) => Verb, Play(Play) => Verb, Pause(Pause) => Verb, Dial(Dial) => Verb,
    Gather(Gather) => Verb, Redirect(Redirect) => Verb,
    Say(Say) => Prompt, Play(Play) => Prompt, Pause(Pause) => Prompt,
}
