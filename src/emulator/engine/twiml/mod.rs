//! Owns the emulator's own reading of TwiML: text in, typed verbs and warnings out.
//! It shares nothing with the service's writer, so that one catches the other's mistakes.
//! <https://www.twilio.com/docs/voice/twiml>

mod attributes;
mod nouns;
mod read;
mod reader;
mod schema;
mod verbs;

use std::sync::Arc;

pub(crate) use attributes::{DIGIT_MS, digits_ms};
pub(crate) use verbs::{
    Beep, ConferenceNoun, Detection, DialTarget, DialVerb, Endpoint, EnqueueVerb, GatherVerb, QueueNoun,
    RecordVerb, RecordingNoun, Repeat, Speech, Verb, WaitSource,
};

/// So many warnings are kept of one document.
const MAX_WARNINGS: usize = 20;

/// Why a document cannot be executed, with Twilio's code.
/// <https://www.twilio.com/docs/api/errors>
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TwimlError {
    pub(crate) code: u32,
    pub(crate) message: String,
}

/// A document ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) verbs: Arc<[Verb]>,
    /// What Twilio's debugger would show: code and text. The call goes on.
    pub(crate) warnings: Vec<(u32, String)>,
    /// The document as it came; empty for one that the emulator made up.
    pub(crate) text: Arc<str>,
}

impl Program {
    /// A document that the emulator makes up itself.
    pub(crate) fn of(verbs: impl Into<Arc<[Verb]>>) -> Self {
        Self { verbs: verbs.into(), warnings: Vec::new(), text: "".into() }
    }
}

/// Reads a document: 12100 unparsable, 12101 another version, 12102 wrong root.
pub(crate) fn parse(text: &str) -> Result<Program, TwimlError> {
    let root = reader::read(text)?;
    if root.name != "Response" {
        let message = format!("The root element is <{}>, not <Response>", root.name);
        return Err(TwimlError { code: 12102, message });
    }
    if let Some(version) = root.attribute("version").filter(|v| *v != "2010-04-01" && *v != "1.0") {
        return Err(TwimlError { code: 12101, message: format!("Invalid TwiML version {version}") });
    }
    let mut warnings = Vec::new();
    schema::check(&root, &mut warnings);
    let verbs: Vec<Verb> = root.children.iter().filter_map(|e| read::verb(e, &mut warnings)).collect();
    // A hostile document has thousands.
    warnings.truncate(MAX_WARNINGS);
    Ok(Program { verbs: verbs.into(), warnings, text: text.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verbs(body: &str) -> Vec<Verb> {
        parse(&format!("<?xml version=\"1.0\"?><Response>{body}</Response>")).unwrap().verbs.to_vec()
    }

    #[test]
    fn a_dial_reads_its_attributes_and_nouns() {
        let read = verbs(
            r#"<Dial action="/done?a=1&amp;b=2" callerId="+15550100000" timeout="20" answerOnBridge="true">
               <Number statusCallback="/cb" statusCallbackEvent="initiated ringing answered completed">+15550100001</Number>
               <Client><Identity>dana</Identity></Client></Dial>"#,
        );
        let [Verb::Dial(dial)] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!(dial.action.as_deref(), Some("/done?a=1&b=2"));
        assert_eq!((dial.timeout_s, dial.answer_on_bridge), (20, true));
        let DialTarget::Endpoints(ends) = &dial.target else { panic!("{dial:?}") };
        assert_eq!(ends[0].address, "+15550100001");
        assert_eq!(ends[0].events, ["initiated", "ringing", "answered", "completed"]);
        assert_eq!(ends[1].address, "client:dana");
    }

    #[test]
    fn a_bare_number_and_a_conference_are_dialled() {
        let read = verbs(
            "<Dial> +15550100001 </Dial><Dial><Conference beep=\"false\" waitUrl=\"\"> room 1 </Conference></Dial>",
        );
        let [Verb::Dial(number), Verb::Dial(room)] = read.as_slice() else { panic!("{read:?}") };
        assert!(matches!(&number.target, DialTarget::Endpoints(e) if e[0].address == "+15550100001"));
        let DialTarget::Conference(room) = &room.target else { panic!("{room:?}") };
        assert_eq!((room.name.as_str(), &room.wait), ("room 1", &WaitSource::Silence));
    }

    #[test]
    fn unknown_verbs_warn_and_are_skipped() {
        let program = parse("<Response><say>no</say><Say>yes</Say></Response>").unwrap();
        assert_eq!(program.verbs.len(), 1);
        assert_eq!(program.warnings[0].0, 12200);
    }

    #[test]
    fn unknown_attributes_and_events_warn() {
        let text = r#"<Response><Dial actoin="/x"><Number statusCallbackEvent="answered,completed">+15550100001</Number></Dial></Response>"#;
        let warnings = parse(text).unwrap().warnings;
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings.iter().all(|(code, _)| *code == 12200));
    }

    #[test]
    fn every_wrong_value_has_the_warning_of_its_own() {
        let many = "<Number>+15550100001</Number>".repeat(11);
        for (body, code) in [
            ("<Dial method=\"PUT\">+15550100001</Dial>", 13210),
            ("<Dial timeout=\"soon\">+15550100001</Dial>", 13212),
            ("<Dial timeout=\"4\">+15550100001</Dial>", 13212),
            ("<Dial hangupOnStar=\"perhaps\">+15550100001</Dial>", 13213),
            ("<Dial timeLimit=\"14401\">+15550100001</Dial>", 13216),
            ("<Dial record=\"loudly\">+15550100001</Dial>", 13217),
            ("<Dial sequential=\"1\">+15550100001</Dial>", 13218),
            ("<Dial answerOnBridge=\"yes\">+15550100001</Dial>", 13219),
            ("<Dial><Number method=\"PUT\">+15550100001</Number></Dial>", 13221),
            ("<Dial><Number sendDigits=\"x\">+15550100001</Number></Dial>", 13222),
            ("<Dial><Conference muted=\"x\">r</Conference></Dial>", 13230),
            ("<Dial><Conference endConferenceOnExit=\"x\">r</Conference></Dial>", 13231),
            ("<Dial><Conference startConferenceOnEnter=\"x\">r</Conference></Dial>", 13232),
            ("<Dial><Conference waitUrl=\"/w\" waitMethod=\"PUT\">r</Conference></Dial>", 13234),
            ("<Dial><Conference beep=\"twice\">r</Conference></Dial>", 13235),
            (&format!("<Dial>{many}</Dial>"), 13250),
            ("<Gather finishOnKey=\"x\"/>", 13310),
            ("<Gather><Hangup/></Gather>", 13320),
            ("<Play loop=\"-1\">/tune</Play>", 13410),
            ("<Say loop=\"x\">yes</Say>", 13510),
            ("<Say/>", 13520),
            ("<Record method=\"PUT\"/>", 13610),
            ("<Redirect method=\"PUT\">/x</Redirect>", 13710),
            ("<Pause length=\"x\"/>", 13910),
            ("<Say tone=\"low\">yes</Say>", 12200),
            ("<Wait/>", 12200),
        ] {
            let warnings = parse(&format!("<Response>{body}</Response>")).unwrap().warnings;
            let codes: Vec<u32> = warnings.into_iter().map(|(code, _)| code).collect();
            assert_eq!(codes, [code], "{body}");
        }
    }

    #[test]
    fn hostile_documents_are_refused_not_executed() {
        let deep = format!("{}{}", "<a>".repeat(5000), "</a>".repeat(5000));
        let entities = "<!DOCTYPE r [<!ENTITY x \"xx\">]><Response><Say>&x;</Say></Response>";
        for (bad, code) in [
            ("", 12100),
            ("<Response>", 12100),
            ("hello", 12100),
            ("<Response></Response><Response/>", 12100),
            (deep.as_str(), 12100),
            (entities, 12100),
            ("<response/>", 12102),
        ] {
            assert_eq!(parse(bad).unwrap_err().code, code, "{bad:.40}");
        }
    }
}
