//! Owns the checks of the writer: one snapshot a verb, and that any text comes back.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::telephony::CallSid;

/// The document without its declaration, one element a line.
fn lines(document: &Response) -> String {
    let xml = document.to_xml();
    let body = xml.strip_prefix(r#"<?xml version="1.0" encoding="UTF-8"?>"#).expect("the declaration");
    body.replace("><", ">\n<")
}

fn whisper() -> Number {
    Number {
        url: Some("https://calls.example.com/twiml/whisper?call=1&role=customer".into()),
        method: Some(Method::Get),
        status_callback: Some(Callback::post("https://calls.example.com/status", CallEvent::ALL)),
        ..Number::new("+15550100123".parse().unwrap())
    }
}

#[test]
fn a_document_without_verbs_is_a_whole_document() {
    assert_eq!(
        Response::default().to_xml(),
        r#"<?xml version="1.0" encoding="UTF-8"?><Response></Response>"#
    );
}

#[test]
fn words_music_and_silence() {
    let document = Response::default()
        .then(Pause::default())
        .then(Pause::seconds(1))
        .then(Say::new("One moment."))
        .then(Say {
            voice: Some("Polly.Joanna".into()),
            language: Some("en-GB".into()),
            repeat: Some(2),
            ..Say::new("Tom & Jerry's <\"shop\">")
        })
        .then(Play::forever("https://cdn.example.com/hold.mp3?a=1&b=2"))
        .then(Play { digits: Some("ww12#".into()), ..Play::default() });
    assert_snapshot!(lines(&document), @r#"
    <Response>
    <Pause/>
    <Pause length="1"/>
    <Say>One moment.</Say>
    <Say voice="Polly.Joanna" language="en-GB" loop="2">Tom &amp; Jerry's &lt;"shop"&gt;</Say>
    <Play loop="0">https://cdn.example.com/hold.mp3?a=1&amp;b=2</Play>
    <Play digits="ww12#"/>
    </Response>
    "#);
}

#[test]
fn a_dial_of_a_number() {
    let document = Response::from(Dial {
        action: Some("https://calls.example.com/twiml/first-leg-disconnected?call=1&attempt=2".into()),
        method: Some(Method::Post),
        timeout: Some(25),
        time_limit: Some(3600),
        caller_id: Some("+15550100199".into()),
        answer_on_bridge: Some(true),
        hangup_on_star: Some(false),
        ..Dial::new(whisper())
    });
    assert_snapshot!(lines(&document), @r#"
    <Response>
    <Dial action="https://calls.example.com/twiml/first-leg-disconnected?call=1&amp;attempt=2" method="POST" timeout="25" timeLimit="3600" callerId="+15550100199" answerOnBridge="true" hangupOnStar="false">
    <Number url="https://calls.example.com/twiml/whisper?call=1&amp;role=customer" method="GET" statusCallback="https://calls.example.com/status" statusCallbackMethod="POST" statusCallbackEvent="initiated ringing answered completed">+15550100123</Number>
    </Dial>
    </Response>
    "#);
}

#[test]
fn a_dial_of_clients_and_sip() {
    let document = Response::from(Dial {
        nouns: vec![
            Client::new("dana").into(),
            Client {
                parameters: vec![("customer".into(), "Zoë \"Z\" 🙂".into()), ("tries".into(), String::new())],
                ..Client::new("erin")
            }
            .into(),
            Sip {
                username: Some("u".into()),
                password: Some("p&p".into()),
                ..Sip::new("sip:dana@example.com")
            }
            .into(),
        ],
        ..Dial::default()
    });
    assert_snapshot!(lines(&document), @r#"
    <Response>
    <Dial>
    <Client>dana</Client>
    <Client>
    <Identity>erin</Identity>
    <Parameter name="customer" value="Zoë &quot;Z&quot; 🙂"/>
    <Parameter name="tries" value=""/>
    </Client>
    <Sip username="u" password="p&amp;p">sip:dana@example.com</Sip>
    </Dial>
    </Response>
    "#);
}

#[test]
fn a_dial_of_a_conference() {
    let events =
        [ConferenceEvent::Start, ConferenceEvent::End, ConferenceEvent::Join, ConferenceEvent::Leave];
    let document = Response::from(Dial::new(Conference {
        start_conference_on_enter: Some(true),
        end_conference_on_exit: Some(false),
        beep: Some(Beep::Never),
        muted: Some(false),
        wait_url: Some(String::new()),
        wait_method: Some(Method::Get),
        participant_label: Some("customer".into()),
        max_participants: Some(4),
        coach: Some(CallSid::from_u128(7)),
        status_callback: Some(Callback::post("https://calls.example.com/conference", events)),
        ..Conference::new("room-3f")
    }));
    assert_snapshot!(lines(&document), @r#"
    <Response>
    <Dial>
    <Conference startConferenceOnEnter="true" endConferenceOnExit="false" beep="false" muted="false" waitUrl="" waitMethod="GET" participantLabel="customer" maxParticipants="4" coach="CA00000000000000000000000000000007" statusCallback="https://calls.example.com/conference" statusCallbackMethod="POST" statusCallbackEvent="start end join leave">room-3f</Conference>
    </Dial>
    </Response>
    "#);
}

#[test]
fn gathering_going_on_and_ending() {
    let document = Response::default()
        .then(Gather {
            action: Some("https://calls.example.com/twiml/accepted".into()),
            method: Some(Method::Post),
            num_digits: Some(1),
            timeout: Some(8),
            finish_on_key: Some(String::new()),
            action_on_empty_result: Some(true),
            prompts: vec![
                Say::new("Press 1.").into(),
                Pause::seconds(2).into(),
                Play::new("https://cdn.example.com/tone.wav").into(),
            ],
        })
        .then(Gather::default())
        .then(Redirect { method: Some(Method::Post), ..Redirect::to("https://calls.example.com/twiml/wait") })
        .then(Redirect::default())
        .then(Verb::Hangup)
        .then(Verb::Reject(None))
        .then(Verb::Reject(Some(RejectReason::Busy)));
    assert_snapshot!(lines(&document), @r#"
    <Response>
    <Gather action="https://calls.example.com/twiml/accepted" method="POST" numDigits="1" timeout="8" finishOnKey="" actionOnEmptyResult="true">
    <Say>Press 1.</Say>
    <Pause length="2"/>
    <Play>https://cdn.example.com/tone.wav</Play>
    </Gather>
    <Gather/>
    <Redirect method="POST">https://calls.example.com/twiml/wait</Redirect>
    <Redirect/>
    <Hangup/>
    <Reject/>
    <Reject reason="busy"/>
    </Response>
    "#);
}

#[test]
fn every_kind_of_address_has_its_noun() {
    let events = || Some(Callback::post("https://calls.example.com/s", [CallEvent::Completed]));
    for (address, element, text) in [
        ("+15550100123", "Number", "+15550100123"),
        ("client:dana", "Client", "dana"),
        ("sip:dana@example.com", "Sip", "sip:dana@example.com"),
    ] {
        let noun = Noun::reaching(&address.parse().unwrap(), events());
        let xml = Response::from(Dial::new(noun)).to_xml();
        let document = roxmltree::Document::parse(&xml).unwrap();
        let node = document.descendants().find(|node| node.has_tag_name(element)).expect(element);
        assert_eq!(node.text(), Some(text));
        assert_eq!(node.attribute("statusCallbackEvent"), Some("completed"));
    }
}

#[test]
fn a_password_is_not_shown() {
    let sip = Sip { password: Some("hunter2".into()), ..Sip::new("sip:dana@example.com") };
    assert!(!format!("{sip:?}").contains("hunter2"));
}

#[test]
fn characters_that_xml_cannot_express_are_left_out() {
    let xml = Response::from(Say::new("a\0b\u{1b}c\u{fffe}d\u{ffff}e\r\nf\tg")).to_xml();
    assert!(xml.contains("<Say>abcde&#13;\nf\tg</Say>"), "{xml}");
}

/// What a parser must give back for a text: all of it but the characters XML 1.0 forbids.
fn expressible(text: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(allowed).collect()
}

fn any_text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        proptest::sample::select("\r\n\t <>&'\"]\0\u{1f}".chars().collect::<Vec<_>>())
    ];
    proptest::collection::vec(character, 0..40).prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #[test]
    fn whatever_a_text_contains_it_comes_back(text in any_text(), name in any_text()) {
        let document = Response::default()
            .then(Say { voice: Some(name.clone()), ..Say::new(text.clone()) })
            .then(Dial { action: Some(text.clone()), ..Dial::new(Conference::new(name.clone())) });
        let xml = document.to_xml();
        let parsed = roxmltree::Document::parse(&xml).expect("well-formed");
        let find = |tag: &str| parsed.descendants().find(|node| node.has_tag_name(tag)).expect("present");
        let (text, name) = (expressible(&text), expressible(&name));
        prop_assert_eq!(find("Say").text().unwrap_or_default(), &text);
        prop_assert_eq!(find("Say").attribute("voice"), Some(name.as_str()));
        prop_assert_eq!(find("Dial").attribute("action"), Some(text.as_str()));
        prop_assert_eq!(find("Conference").text().unwrap_or_default(), &name);
    }
}
