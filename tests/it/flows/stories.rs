//! Every story of the demo, on this suite's database: what people heard, what Twilio was asked, what is kept.

use futures_util::future::join_all;
use warm_transfer::demo::{CUSTOMER, FIRST_AGENT, Part, SECOND_AGENT, Scenario, StageOptions};

use Scenario::{
    Blind, BlindRungBack, GateAccepted, GateDeclined, GateVoicemail, PrivateFirst,
    PrivateFirstSecondAgentBusy, PrivateFirstSwapped, RoomBridge, TargetsInTurn, TargetsTogether,
};

use super::journal::journal_is_what_was_said;
use super::pages::page_agrees;
use super::records::{kept_in_full, twiml_is_sound};
use super::{Played, field, played};

async fn story(scenario: Scenario) -> Played {
    let played = played(scenario, StageOptions::default()).await;
    kept_in_full(&played.theatre.stage).await;
    twiml_is_sound(&played.theatre.stage);
    journal_is_what_was_said(&played.theatre.stage).await;
    page_agrees(&played).await;
    played
}

#[tokio::test(flavor = "multi_thread")]
async fn the_straight_story_introduces_and_hands_over() {
    let played = story(Scenario::Straight).await;
    for (who, others) in [
        (FIRST_AGENT, [CUSTOMER, SECOND_AGENT]),
        (CUSTOMER, [FIRST_AGENT, SECOND_AGENT]),
        (SECOND_AGENT, [FIRST_AGENT, CUSTOMER]),
    ] {
        assert!(played.ever_heard_exactly(who, &others), "{} hears the other two", who.name);
    }
    assert!(played.ever_heard_exactly(CUSTOMER, &[SECOND_AGENT]), "after the hand-over");
    assert!(played.ever_heard_exactly(SECOND_AGENT, &[CUSTOMER]), "after the hand-over");
    assert_eq!(played.leg("second_agent")["status"], "completed");
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_twilio_is_asked_is_what_the_design_says() {
    let played = story(Scenario::Straight).await;
    let [call] = &played.asked("POST", "/Calls.json")[..] else { panic!("one call is created") };
    let all_events = ["initiated", "ringing", "answered", "completed"];
    assert_eq!(field(call, "StatusCallbackEvent"), all_events, "repeated keys");
    assert_eq!((field(call, "To"), field(call, "Timeout")), (vec![FIRST_AGENT.address], vec!["10"]));
    let limit = field(call, "TimeLimit");
    assert!(!limit.is_empty());
    let [participant] = &played.asked("POST", "/Participants.json")[..] else { panic!("one participant") };
    assert_eq!(field(participant, "StatusCallbackEvent"), all_events);
    assert_eq!(field(participant, "EarlyMedia"), ["true"]);
    assert_eq!(field(participant, "EndConferenceOnExit"), ["false"]);
    assert_eq!(field(participant, "StartConferenceOnEnter"), ["true"]);
    assert_eq!(field(participant, "TimeLimit"), limit);
    let callback = field(participant, "ConferenceStatusCallback")[0].to_owned();
    let events = field(participant, "ConferenceStatusCallbackEvent");
    assert_eq!(events, ["start", "end", "join", "leave", "mute", "hold", "announcement"]);
    let documents: Vec<String> =
        played.theatre.stage.emulator.webhooks().into_iter().map(|it| it.body).collect();
    let rooms: Vec<&String> = documents.iter().filter(|body| body.contains("<Conference")).collect();
    assert_eq!(rooms.len(), 2, "customer and first agent");
    for room in rooms {
        assert!(room.contains(&callback.replace('&', "&amp;")), "the same callback on every leg: {room}");
        assert!(room.contains(r#"endConferenceOnExit="false""#) && room.contains(r#"beep="false""#));
        assert!(room.contains(r#"startConferenceOnEnter="true""#));
        let one_value = format!(r#"statusCallbackEvent="{}""#, events.join(" "));
        assert!(room.contains(&one_value), "the same events, in one value: {room}");
    }
    let dials = documents.iter().filter(|body| body.contains("<Number"));
    assert!(dials.into_iter().all(|body| body.contains(&format!(r#"timeLimit="{}""#, limit[0]))));
    let flags = played.theatre.stage.emulator.requests();
    let settled = flags.iter().filter(|request| field(request, "EndConferenceOnExit") == ["true"]).count();
    assert_eq!(settled, 2, "whoever of the two leaves closes the room");
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handed_over_by_the_api() {
    let played = story(Scenario::HandedOver).await;
    assert!(played.ever_heard_exactly(CUSTOMER, &[SECOND_AGENT]));
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_second_agent_leaves_the_two_together_and_both_are_told() {
    together_again(Scenario::SecondAgentBusy, "Dana is busy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_who_does_not_answer_leaves_the_two_together_and_both_are_told() {
    together_again(Scenario::SecondAgentNoAnswer, "Dana did not answer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_who_declines_leaves_the_two_together_and_both_are_told() {
    together_again(Scenario::SecondAgentDeclines, "Dana declined the call").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_who_hangs_up_leaves_the_two_together_and_both_are_told() {
    together_again(Scenario::SecondAgentHangsUp, "Dana hung up").await;
}

async fn together_again(scenario: Scenario, words: &str) {
    let played = story(scenario).await;
    for (who, other) in [(CUSTOMER, FIRST_AGENT), (FIRST_AGENT, CUSTOMER)] {
        assert!(played.ever_heard_words(who, words), "{} is told: {words}", who.name);
        assert!(played.ever_heard_exactly(who, &[other]));
    }
    let detail = played.report.call["transfers"][0]["failure_detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with(words), "{detail}");
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_try_after_a_busy_line_succeeds_and_moves_nobody() {
    let played = story(Scenario::SecondTry).await;
    assert!(played.ever_heard_exactly(CUSTOMER, &[SECOND_AGENT]));
    let rooms = played.theatre.stage.emulator.webhooks();
    assert_eq!(rooms.iter().filter(|it| it.body.contains("<Conference")).count(), 2, "both moved once");
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_hangs_up_while_it_rings_stops_the_ringing_and_the_agent_is_told() {
    let played = story(Scenario::CustomerHangsUpWhileRinging).await;
    assert!(played.ever_heard_words(FIRST_AGENT, "The customer has hung up"));
    assert_ne!(played.leg("second_agent")["status"], "completed", "was never answered");
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_who_leaves_while_it_rings_leaves_the_customer_to_the_second_agent() {
    let played = story(Scenario::FirstAgentHangsUpWhileRinging).await;
    assert!(played.ever_heard_words(CUSTOMER, "One moment please"));
    assert!(played.ever_heard_exactly(CUSTOMER, &[SECOND_AGENT]));
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_whom_nobody_takes_hears_a_goodbye() {
    let played = story(Scenario::FirstAgentHangsUpNobodyAnswers).await;
    assert!(played.ever_heard_words(CUSTOMER, "nobody is available"));
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_transfer_leaves_the_two_together() {
    let played = story(Scenario::Cancelled).await;
    assert!(played.ever_heard_exactly(CUSTOMER, &[FIRST_AGENT]));
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_does_not_answer_is_explained_to_the_agent() {
    let played = story(Scenario::CustomerNoAnswer).await;
    assert!(played.ever_heard_words(FIRST_AGENT, "The customer did not answer"));
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_customer_is_explained_to_the_agent() {
    let played = story(Scenario::CustomerBusy).await;
    assert!(played.ever_heard_words(FIRST_AGENT, "The customer's line is busy"));
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_agent_does_not_answer_the_customer_is_never_rung() {
    let played = story(Scenario::AgentNoAnswer).await;
    let rang = played.report.timeline.iter().any(|event| event.address.as_deref() == Some(CUSTOMER.address));
    assert!(!rang);
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn most_calls_are_never_transferred() {
    story(Scenario::NoTransfer).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_crm_ends_a_call_in_the_middle_of_its_transfer() {
    story(Scenario::HungUpByCrm).await.close().await;
}

/// A story, whom the customer hears in it, in order, and who is told what.
type Told = (Scenario, &'static str, &'static [(Part, &'static str)]);

/// Each on a stage of its own, all at once: they mostly wait.
async fn told(stories: &[Told]) {
    let tell = async |(scenario, company, words): &Told| {
        let played = story(*scenario).await;
        assert_eq!(played.company(CUSTOMER), *company, "{scenario}");
        for (who, words) in *words {
            assert!(played.ever_heard_words(*who, words), "{scenario}: {} is told {words:?}", who.name);
        }
        played.close().await;
    };
    join_all(stories.iter().map(tell)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_private_the_customer_hears_nobody_they_are_not_meant_to() {
    told(&[
        (PrivateFirst, "Alice > - > Alice, Dana > Dana", &[(CUSTOMER, "One moment please")]),
        (
            PrivateFirstSwapped,
            "Alice > - > Alice > - > Alice, Dana > Dana",
            &[(SECOND_AGENT, "One moment please")],
        ),
        (PrivateFirstSecondAgentBusy, "Alice > - > Alice", &[(CUSTOMER, "Dana is busy")]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blind_the_customer_hears_the_second_agent_or_else_the_first_again() {
    told(&[
        (Blind, "Alice > - > Dana", &[(FIRST_AGENT, "You have handed the call")]),
        (BlindRungBack, "Alice > - > Alice", &[(CUSTOMER, "One moment please")]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_gate_the_customer_hears_only_who_accepts() {
    told(&[
        (GateAccepted, "Alice > - > Alice > Alice, Dana > Dana", &[(SECOND_AGENT, "Wants the large plan")]),
        (GateDeclined, "Alice > - > Alice", &[(CUSTOMER, "Dana declined the call")]),
        (GateVoicemail, "Alice > - > Alice", &[(FIRST_AGENT, "Dana did not answer")]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_targets_and_one_room_end_with_whoever_takes_the_call() {
    let company = "Alice > - > Alice > Alice, Kim > Kim";
    told(&[
        (TargetsInTurn, company, &[]),
        (TargetsTogether, company, &[(SECOND_AGENT, "Kim has taken the call")]),
        (RoomBridge, "Alice > Alice, Dana > Dana", &[]),
    ])
    .await;
}
