//! Every open question about Twilio, answered every way: people notice no difference.

use serde_json::{Value, json};
use warm_transfer::demo::CALLER_ID;
use warm_transfer::emulator::{
    DeclinedStatus, DeletedParticipant, EndedUpdate, LimitFrom, RedirectOrder, RedirectedStatus,
    RefusedStatus, RingingLeg, Switches, UnownedFrom,
};
use warm_transfer::twilio::http_client;

use super::tale::{PRIVATE, Plan, STRAIGHT, Tale};
use super::{Theatre, theatre, with};

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
        updated_time_limit_counts_from: _,
        conference_sequence_start: _,
        reason_after_kick: _,
        refused_whisper_status: _,
        ringing_when_conference_ends: _,
        declined_status: _,
        duplicated_callbacks_percent: _,
        late_callbacks_percent: _,
        unowned_from: _,
        join_at_early_media: _,
        fallback_tells_the_error: _,
        idempotency_token_on_first_attempt: _,
        unverified_headers: _,
        redirect_keeps_parameters: _,
        error_wording: _,
        date_created_on_create: _,
        delays_percent: _,
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
        Switches { updated_time_limit_counts_from: LimitFrom::Update, ..usual() },
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
        Switches { join_at_early_media: true, ..usual() },
        Switches { idempotency_token_on_first_attempt: false, unverified_headers: false, ..usual() },
        // The service names no fallbacks and redirects no webhooks; these are here so that nobody need wonder.
        Switches { fallback_tells_the_error: false, redirect_keeps_parameters: true, ..usual() },
        Switches { error_wording: false, ..usual() },
        Switches { delays_percent: 0, ..usual() },
        Switches { delays_percent: 400, ..usual() },
    ]
}

/// The caller id becomes a number of the account.
async fn own_the_caller_id(theatre: &Theatre) {
    let patience = std::time::Duration::from_secs(10);
    let url = format!("{}/emulator/numbers/{CALLER_ID}", theatre.stage.emulator.base_url());
    let http = http_client(patience, patience).unwrap();
    assert!(http.put(url).json(&json!({})).send().await.unwrap().status().is_success());
}

async fn with_every_answer(plan: Plan) {
    for switches in answers() {
        println!("{plan:?}: {switches:?}");
        let theatre = theatre(with(switches)).await;
        own_the_caller_id(&theatre).await;
        Tale::on(&theatre.stage, plan).play().await;
        theatre.stage.strike().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_the_same_whatever_twilio_does() {
    with_every_answer(STRAIGHT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_transfer_is_the_same_whatever_twilio_does() {
    with_every_answer(PRIVATE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_id_that_is_not_ours_ends_the_call_with_a_reason() {
    let theatre = theatre(with(Switches { unowned_from: UnownedFrom::Refused, ..Switches::default() })).await;
    let call = theatre.stage.crm.place(10).await.unwrap();
    let ended = theatre.stage.crm.wait_for_status(&call, "ended").await.unwrap();
    assert_eq!((&ended["ended_by"], &ended["end_reason"]), (&json!("system"), &json!("agent_unreachable")));
    let leg = &ended["legs"][0];
    assert_eq!(leg["failure"], "error", "{CALLER_ID} is at fault, not the agent: {ended}");
    let said = |of: &Value| {
        assert_eq!(of["twilio_code"], 21210, "{of}");
        let words = of["failure_detail"].as_str().unwrap();
        assert!(words.contains("The caller id is not a number of this Twilio account."), "{of}");
    };
    said(leg);
    let events = theatre.stage.crm.events(&call).await.unwrap();
    said(&events.iter().find(|event| event["kind"] == "leg.failed").unwrap()["detail"]);
    theatre.stage.strike().await.unwrap();
}
