//! TwiML documents: typed verbs and the writer that turns them into XML. Pure; which document answers which request
//! is the business of the views.
//!
//! ```
//! use warm_transfer::twiml::{Response, Say, Verb};
//!
//! let document = Response::new(vec![Say::new("Goodbye.").into(), Verb::Hangup]);
//! assert!(document.to_xml().ends_with("<Response><Say>Goodbye.</Say><Hangup/></Response>"));
//! ```
//!
//! <https://www.twilio.com/docs/voice/twiml>

mod dial;
#[cfg(test)]
mod tests;
mod values;
mod verbs;
mod xml;

pub use dial::{Client, Conference, Dial, Noun, Number, Sip};
pub use values::{Beep, CallEvent, Callback, ConferenceEvent, Method, RejectReason};
pub use verbs::{Gather, Pause, Play, Prompt, Redirect, Say, Verb};

use xml::{Element, Xml};

/// A whole TwiML document. Twilio executes the verbs from top to bottom and hangs up at the end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    verbs: Vec<Verb>,
}

impl Response {
    /// A document with these verbs; with none, Twilio hangs up at once.
    pub fn new(verbs: Vec<Verb>) -> Self {
        Self { verbs }
    }

    /// The document with one verb more at its end.
    #[must_use]
    pub fn then(mut self, verb: impl Into<Verb>) -> Self {
        self.verbs.push(verb.into());
        self
    }

    /// The verbs, in the order in which Twilio executes them.
    pub fn verbs(&self) -> &[Verb] {
        &self.verbs
    }

    /// The document as Twilio reads it: UTF-8 with the XML declaration, no white space between elements.
    ///
    /// Characters that XML 1.0 cannot express are left out; any other text arrives as it was given.
    pub fn to_xml(&self) -> String {
        let mut xml = Xml::new();
        // The writer's buffer is in memory and takes everything, so there is no error to report.
        let written = xml.children(Element::new("Response"), &self.verbs);
        debug_assert!(written.is_ok(), "writing into memory does not fail");
        xml.into_string()
    }
}

impl<V: Into<Verb>> From<V> for Response {
    fn from(verb: V) -> Self {
        Self::new(vec![verb.into()])
    }
}
