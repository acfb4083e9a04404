//! Bad input never kills the exchange: random markup, random forms, random control.

use proptest::prelude::*;

use super::*;

/// Pieces of TwiML in any order: closer to real mistakes than random characters.
fn markup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<Response>"),
        Just("</Response>"),
        Just("<Dial"),
        Just(" action=\"/a\""),
        Just(" timeout=\"-1\""),
        Just(" timeLimit=\"99999999999999999999\""),
        Just(">"),
        Just("/>"),
        Just("</Dial>"),
        Just("<Number>"),
        Just("</Number>"),
        Just("+15550100002"),
        Just("<Conference waitUrl=\"::\">"),
        Just("</Conference>"),
        Just("<Say loop=\"0\">"),
        Just("</Say>"),
        Just("<Pause length=\"4294967296\"/>"),
        Just("<Gather numDigits=\"0\" timeout=\"0\">"),
        Just("</Gather>"),
        Just("<Redirect>"),
        Just("http://["),
        Just("</Redirect>"),
        Just("&lt;"),
        Just("&nope;"),
        Just("<![CDATA["),
        Just("]]>"),
        Just("\u{0}"),
        Just("é"),
        Just("<Play digits=\"1w*\"/>"),
        Just("<Hangup/>"),
        Just("<Record maxLength=\"0\" timeout=\"0\" finishOnKey=\"\">"),
        Just("<Record playBeep=\"false\"/>"),
        Just("<Enqueue maxQueueSize=\"0\">q"),
        Just("</Enqueue>"),
        Just("<Enqueue waitUrl=\"/start\">q</Enqueue>"),
        Just("<Dial><Queue url=\"/start\">q</Queue></Dial>"),
        Just("<Leave/>"),
        Just("<Start><Recording/></Start>"),
        Just("<Stop><Recording/></Stop>"),
        Just(
            "<Dial record=\"true\" sequential=\"true\" action=\"/start\"><Number sendDigits=\"wwwwWWWW\" machineDetection=\"Enable\" url=\"/start\">+15550100003</Number><Number>+15550100002</Number></Dial>"
        ),
        Just("<Dial><Conference record=\"true\" waitUrl=\"/start\">r</Conference></Dial>"),
        Just("<Gather input=\"speech\" actionOnEmptyResult=\"true\"/>"),
        Just("<Reject/>"),
        Just("<!--"),
        Just("-->"),
        Just(" "),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_document_is_run_or_refused(document in markup()) {
        let mut world = World::new();
        world.reply("/start", 200, "text/xml", &format!("<Response>{document}</Response>"));
        world.call(AGENT);
        world.pass(20_000);
        world.reply("/start", 200, "text/plain", &document);
        world.call(AGENT);
        world.pass(30_000_000);
        prop_assert!(world.engine.calls.iter().all(|(_, c)| c.is_ended()));
    }

    #[test]
    fn any_form_is_answered(
        pairs in prop::collection::vec(
            (prop::sample::select(vec!["To", "From", "Url", "Twiml", "Status", "Timeout", "Label", "HoldUrl", "Hold", "PageSize", "Page",
                "StatusCallback", "StatusCallbackEvent", "TimeLimit", "SendDigits", "MachineDetection", "Record", "AsyncAmd", "EarlyMedia",
                "MachineDetectionTimeout", "RecordingStatusCallback", "ConferenceRecord", "MaxParticipants", "From", "CallerId", "CallSidToCoach", "StartTime", "PageToken"]), ".{0,20}"),
            0..6,
        ),
        path in "(Calls|Conferences|Conferences/.{1,5}/Participants|Calls/.{0,34})",
        method in "(GET|POST|DELETE|PATCH)",
    ) {
        let mut world = World::bridged();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let answer = world.rest(&method, &path, &pairs);
        prop_assert!((200..500).contains(&answer.status));
        world.pass(1_000);
    }
}

/// Found by fuzzing: whoever left the queue because of the loop began it anew, and no time ever passed.
#[test]
fn a_queue_whose_documents_all_leave_it_at_once_comes_to_an_end() {
    let mut world = World::new();
    world.twiml("/start", "<Enqueue action=\"/start\" waitUrl=\"/start\">q</Enqueue><Leave/>");
    world.call(AGENT);
    world.pass(60_000);
    assert_eq!(world.status(AGENT), "completed");
    assert!(world.engine.debugger().iter().any(|entry| entry.code == 12400));
}
