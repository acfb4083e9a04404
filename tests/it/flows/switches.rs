//! Every open question about Twilio, answered every way: people notice no difference.

use futures_util::{StreamExt, stream};
use serde_json::json;
use warm_transfer::demo::{CALLER_ID, Scenario, StageOptions};
use warm_transfer::emulator::{
    DeclinedStatus, DeletedParticipant, EndedUpdate, RedirectOrder, RedirectedStatus, RefusedStatus,
    RingingLeg, Switches, UnownedFrom,
};

use super::{finished, theatre, with};

/// Stories that are on stage at the same time.
const AT_ONCE: usize = 8;

/// Each switch with each answer that is not the default. A switch that is not named here does not compile.
fn answers() -> Vec<Switches> {
    let Switches {
        dial_call_status_after_redirect: _,
        redirect_order: _,
        redirect_gap_ms: _,
        action_when_parent_hangs_up: _,
        deleted_participant: _,
        completing_an_ended_call: _,
        redirecting_an_unanswered_call: _,
        conference_sequence_start: _,
        reason_after_kick: _,
        refused_whisper_status: _,
        ringing_when_conference_ends: _,
        declined_status: _,
        duplicated_callbacks_percent: _,
        late_callbacks_percent: _,
        unowned_from: _,
        date_created_on_create: _,
    } = Switches::default();
    let usual = Switches::default;
    vec![
        Switches { dial_call_status_after_redirect: RedirectedStatus::Answered, ..usual() },
        Switches { dial_call_status_after_redirect: RedirectedStatus::Absent, ..usual() },
        Switches { redirect_order: RedirectOrder::UrlFirst, redirect_gap_ms: 1500, ..usual() },
        Switches { redirect_order: RedirectOrder::ActionFirst, redirect_gap_ms: 1500, ..usual() },
        Switches { redirect_gap_ms: 0, ..usual() },
        Switches { action_when_parent_hangs_up: false, ..usual() },
        Switches { deleted_participant: DeletedParticipant::Ends, ..usual() },
        Switches { completing_an_ended_call: EndedUpdate::Ignored, ..usual() },
        Switches { redirecting_an_unanswered_call: EndedUpdate::Ignored, ..usual() },
        Switches { conference_sequence_start: 0, ..usual() },
        Switches { reason_after_kick: "participant_kicked".into(), ..usual() },
        Switches { refused_whisper_status: RefusedStatus::NoAnswer, ..usual() },
        Switches { ringing_when_conference_ends: RingingLeg::Ends, ..usual() },
        Switches { declined_status: DeclinedStatus::Busy, ..usual() },
        Switches { duplicated_callbacks_percent: 100, ..usual() },
        Switches { late_callbacks_percent: 30, ..usual() },
        Switches { duplicated_callbacks_percent: 30, late_callbacks_percent: 30, ..usual() },
        Switches { unowned_from: UnownedFrom::Refused, ..usual() },
        Switches { date_created_on_create: false, ..usual() },
    ]
}

async fn with_every_answer(scenario: Scenario) {
    let stories = stream::iter(answers()).map(|switches| async move {
        println!("{switches:?}");
        let theatre = theatre(with(switches)).await;
        theatre.owns_its_number().await;
        finished(theatre, scenario).await.close().await;
    });
    stories.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_straight_story_is_the_same_whatever_twilio_does() {
    with_every_answer(Scenario::Straight).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_hangs_up_leaves_nobody_behind_whatever_twilio_does() {
    with_every_answer(Scenario::CustomerHangsUpWhileRinging).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_from_an_absence_whatever_twilio_does() {
    with_every_answer(Scenario::SecondAgentDeclines).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_id_that_is_not_ours_ends_the_call_with_a_reason() {
    let theatre = theatre(with(Switches { unowned_from: UnownedFrom::Refused, ..Switches::default() })).await;
    let call = theatre.stage.crm.place(10).await.unwrap();
    let ended = theatre.stage.crm.wait_for_status(&call, "ended").await.unwrap();
    assert_eq!((&ended["ended_by"], &ended["end_reason"]), (&json!("system"), &json!("agent_unreachable")));
    assert_eq!(ended["legs"][0]["failure"], "error", "{CALLER_ID} is at fault, not the agent: {ended}");
    theatre.stage.strike().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn chance_decides_nothing_that_matters() {
    let stories = stream::iter(2..10).map(|seed| async move {
        let scenario = [Scenario::Straight, Scenario::SecondAgentHangsUp][seed as usize % 2];
        let options = StageOptions { seed, ..StageOptions::default() };
        finished(theatre(options).await, scenario).await.close().await;
    });
    stories.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}
