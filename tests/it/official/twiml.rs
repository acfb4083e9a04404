//! Owns the comparison of our TwiML with the official library's: for every document of `tests/official/voice_response.py`
//! the one built here, or by a view, must say the same.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};
use uuid::Uuid;
use warm_transfer::calls::flow::{AfterDial, Failure, Words};
use warm_transfer::telephony::CallSid;
use warm_transfer::twiml::{
    Beep, CallEvent, Callback, Client, Conference, ConferenceEvent, Dial, Gather, Method, Number, Pause,
    Play, Redirect, RejectReason, Response, Say, Sip, Verb,
};
use warm_transfer::voice::documents::Documents;
use warm_transfer::voice::links::{InRoom, Links, SecondLeg};

/// What a document says, whatever the order of its attributes and the way characters are escaped.
fn canonical(xml: &str) -> String {
    let document = Document::parse(xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
    let mut text = String::new();
    write(document.root_element(), 0, &mut text);
    text
}

fn write(node: Node, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    if node.is_text() {
        out.push_str(&format!("{indent}{:?}\n", node.text().unwrap_or_default()));
        return;
    }
    let attributes: BTreeMap<_, _> = node.attributes().map(|attr| (attr.name(), attr.value())).collect();
    out.push_str(&format!("{indent}{} {attributes:?}\n", node.tag_name().name()));
    for child in node.children() {
        write(child, depth + 1, out);
    }
}

#[test]
fn every_document_says_what_the_official_librarys_says() {
    let official: BTreeMap<String, String> =
        serde_json::from_str(&super::run("voice_response.py", String::new())).unwrap();
    let ours: BTreeMap<String, String> =
        documents().into_iter().map(|(name, document)| (name.to_owned(), document.to_xml())).collect();
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        official.keys().collect::<Vec<_>>(),
        "each has its counterpart"
    );
    for (name, xml) in &ours {
        assert_eq!(canonical(xml), canonical(&official[name]), "{name}: ours is on the left");
    }
}

/// The counterparts, by the names of the Python functions.
fn documents() -> Vec<(&'static str, Response)> {
    vec![
        ("empty", Response::default()),
        ("say", say()),
        ("play", play()),
        ("pause", Response::default().then(Pause::default()).then(Pause::seconds(3))),
        ("dial_number", dial_number()),
        ("dial_client", dial_client()),
        ("dial_sip", dial_sip()),
        ("dial_conference", dial_conference()),
        ("conference_beeps", conference_beeps()),
        ("gather", gather()),
        ("redirect", redirect()),
        ("hangup_and_reject", hangup_and_reject()),
    ]
    .into_iter()
    .chain(views())
    .collect()
}

/// What the views answer.
fn views() -> Vec<(&'static str, Response)> {
    let music = Some("https://cdn.example.com/hold.mp3".to_owned());
    let documents = |voice: Option<&str>, hold_music_url: Option<String>| Documents {
        links: Links::new("https://calls.example.com"),
        language: "en-US".into(),
        voice: voice.map(str::to_owned),
        hold_music_url,
    };
    let plain = documents(None, music.clone());
    let (call, leg) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let in_room = InRoom { call, leg, room: "room-1".into() };
    let second_leg = SecondLeg {
        call,
        leg,
        customer_leg: Uuid::from_u128(3),
        to: "+15550100199".parse().unwrap(),
        caller_id: "+15550100100".parse().unwrap(),
        room: "room-1".into(),
        timeout: 25,
        time_limit: 14_400,
    };
    let busy = AfterDial::HangUp(Some(Words::CustomerNotReached { failure: Failure::Busy }));
    vec![
        ("view_second_leg", plain.second_leg(&second_leg)),
        ("view_conference", plain.conference(&in_room)),
        ("view_first_leg_disconnected_transfer", plain.after_dial(&in_room, &AfterDial::Room)),
        ("view_first_leg_disconnected_hang_up", plain.after_dial(&in_room, &AfterDial::HangUp(None))),
        ("view_first_leg_disconnected_busy", plain.after_dial(&in_room, &busy)),
        ("view_wait", plain.wait()),
        ("view_wait_without_music", documents(None, None).wait()),
        ("view_announce", plain.announce("Zoë & \"Co\" <did> not answer.")),
        ("view_goodbye", documents(Some("Polly.Joanna"), music).goodbye(&Words::CustomerLeft.spoken())),
        ("view_apology", plain.apology()),
    ]
}

fn say() -> Response {
    Response::default().then(Say::new("One moment.")).then(Say {
        voice: Some("Polly.Joanna".into()),
        language: Some("en-GB".into()),
        repeat: Some(2),
        ..Say::new("Zoë says \"1 < 2\" & 'more' 🙂")
    })
}

fn play() -> Response {
    Response::default()
        .then(Play::forever("https://cdn.example.com/hold.mp3?a=1&b=2"))
        .then(Play { digits: Some("ww12#".into()), ..Play::default() })
}

fn whisper() -> Option<String> {
    Some("https://calls.example.com/twiml/whisper".into())
}

fn call_status(method: Option<Method>, events: &[CallEvent]) -> Option<Callback<CallEvent>> {
    let url = "https://calls.example.com/webhooks/call-status".into();
    Some(Callback { url, method, events: events.to_vec() })
}

fn dial_number() -> Response {
    let number = Number {
        url: whisper(),
        method: Some(Method::Get),
        status_callback: Some(Callback::post(
            "https://calls.example.com/webhooks/call-status?call=1&role=customer",
            CallEvent::ALL,
        )),
        ..Number::new("+15550100123".parse().unwrap())
    };
    Response::from(Dial {
        action: Some("https://calls.example.com/twiml/first-leg-disconnected?call=1&room=r".into()),
        method: Some(Method::Post),
        timeout: Some(25),
        time_limit: Some(3600),
        caller_id: Some("+15550100199".into()),
        answer_on_bridge: Some(true),
        hangup_on_star: Some(false),
        ..Dial::new(number)
    })
}

fn dial_client() -> Response {
    let dana = Client {
        url: whisper(),
        method: Some(Method::Post),
        status_callback: call_status(None, &[CallEvent::Completed]),
        ..Client::new("dana")
    };
    let erin = Client {
        parameters: vec![("customer".into(), "Zoë \"Z\" & Co".into()), ("tries".into(), "2".into())],
        ..Client::new("erin")
    };
    Response::from(Dial { nouns: vec![dana.into(), erin.into()], ..Dial::default() })
}

fn dial_sip() -> Response {
    Response::from(Dial::new(Sip {
        username: Some("dana".into()),
        password: Some("p&p".into()),
        url: whisper(),
        method: Some(Method::Get),
        status_callback: call_status(Some(Method::Get), &[CallEvent::Answered, CallEvent::Completed]),
        ..Sip::new("sip:dana@example.com;transport=tls")
    }))
}

fn dial_conference() -> Response {
    let events = [
        ConferenceEvent::Start,
        ConferenceEvent::End,
        ConferenceEvent::Join,
        ConferenceEvent::Leave,
        ConferenceEvent::Mute,
        ConferenceEvent::Hold,
        ConferenceEvent::Modify,
        ConferenceEvent::Speaker,
        ConferenceEvent::Announcement,
    ];
    let room = Conference {
        start_conference_on_enter: Some(true),
        end_conference_on_exit: Some(false),
        beep: Some(Beep::Never),
        muted: Some(false),
        wait_url: Some("https://calls.example.com/twiml/wait".into()),
        wait_method: Some(Method::Get),
        participant_label: Some("customer".into()),
        max_participants: Some(4),
        coach: Some(CallSid::from_u128(7)),
        status_callback: Some(Callback::post(
            "https://calls.example.com/webhooks/conference-status?call=1",
            events,
        )),
        ..Conference::new("room <1> & \"2\"")
    };
    Response::from(Dial {
        action: Some("https://calls.example.com/twiml/left-the-room".into()),
        ..Dial::new(room)
    })
}

fn conference_beeps() -> Response {
    let beeps = [Beep::Always, Beep::Never, Beep::OnEnter, Beep::OnExit];
    beeps.into_iter().fold(Response::default(), |document, beep| {
        let room = Conference { beep: Some(beep), wait_url: Some(String::new()), ..Conference::new("room") };
        document.then(Dial::new(room))
    })
}

fn gather() -> Response {
    Response::default()
        .then(Gather {
            action: Some("https://calls.example.com/twiml/accept?call=1&step=2".into()),
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
}

fn redirect() -> Response {
    Response::default()
        .then(Redirect {
            method: Some(Method::Post),
            ..Redirect::to("https://calls.example.com/twiml/wait?n=1&m=2")
        })
        .then(Redirect::default())
}

fn hangup_and_reject() -> Response {
    Response::from(Verb::Hangup)
        .then(Verb::Reject(None))
        .then(Verb::Reject(Some(RejectReason::Busy)))
        .then(Verb::Reject(Some(RejectReason::Rejected)))
}
