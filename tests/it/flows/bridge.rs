//! Calls that are in the room from the start: a transfer then moves nobody, and leaves no gap.

use warm_transfer::demo::CUSTOMER;
use warm_transfer::emulator::EventKind;

use super::scene::{ALICE, DANA, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_call_in_the_room_is_ended_by_either() {
    for (who, how) in [(CUSTOMER, "customer hung_up"), (ALICE, "first_agent hung_up")] {
        let scene = Scene::talking("room", &[]).await;
        assert_eq!(scene.company(CUSTOMER), "Alice");
        scene.hangs_up(who).await;
        scene.ends(how, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_is_not_reached_is_explained_to_the_agent() {
    for (customer, words, reason) in [
        ("busy", "The customer's line is busy", "system customer_busy"),
        ("no_answer", "The customer did not answer", "system customer_no_answer"),
        ("decline", "The customer could not be reached", "system customer_busy"),
        ("unreachable", "The customer could not be reached", "system customer_unreachable"),
    ] {
        let scene = Scene::placed("room", &[], &[(CUSTOMER, customer)]).await;
        scene.told(ALICE, words).await;
        scene.ends(reason, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_who_leaves_while_the_customer_rings_stops_the_ringing() {
    let scene = Scene::placed("room", &[], &[(CUSTOMER, "manual")]).await;
    scene.until_phone(CUSTOMER, EventKind::Ringing).await;
    scene.until_leg("customer", "status", "ringing").await;
    scene.hangs_up(ALICE).await;
    scene.until_phone(CUSTOMER, EventKind::Canceled).await;
    scene.ends("first_agent hung_up", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_who_is_not_reached_leaves_the_customer_in_peace() {
    let scene = Scene::placed("room", &[], &[(ALICE, "busy")]).await;
    scene.until_phone(ALICE, EventKind::Busy).await;
    assert_eq!(scene.rang(CUSTOMER), 0);
    scene.ends("system agent_busy", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_moves_nobody_and_the_customer_always_hears_somebody() {
    for by_request in [true, false] {
        let scene = Scene::talking("room", &[]).await;
        scene.transfer("agent:dana", "with_customer").await;
        scene.until(&[(CUSTOMER, "Alice, Dana"), (ALICE, "Dana, Customer"), (DANA, "Alice, Customer")]).await;
        scene.until_transfer("joined").await;
        match by_request {
            true => scene.ask("transfer/complete").await,
            false => scene.hangs_up(ALICE).await,
        }
        scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer"), (ALICE, "off")]).await;
        scene.until_transfer("completed").await;
        assert_eq!(scene.company(CUSTOMER), "Alice > Alice, Dana > Dana", "without a gap");
        let documents = scene.stage().emulator.webhooks();
        let moves = documents.iter().filter(|it| it.url.contains("/twiml/conference")).count();
        assert_eq!(moves, 1, "the agent's own, at the beginning");
        scene.hangs_up(DANA).await;
        scene.ends("second_agent hung_up", &["completed"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_fails_leaves_the_two_as_they_were_and_both_are_told() {
    for (dana, outcome, words) in
        [("busy", "failed busy", "Dana is busy"), ("decline", "failed declined", "Dana declined the call")]
    {
        let scene = Scene::talking("room", &[]).await;
        scene.will(DANA, dana).await;
        scene.transfer("agent:dana", "with_customer").await;
        for who in [CUSTOMER, ALICE] {
            scene.told(who, words).await;
        }
        scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer")]).await;
        assert_eq!(scene.company(CUSTOMER), "Alice", "without a gap");
        scene.hangs_up(CUSTOMER).await;
        scene.ends("customer hung_up", &[&format!("{outcome}: {words}")]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_who_leaves_while_it_rings_leaves_the_customer_on_hold_to_the_second() {
    let scene = Scene::talking("room", &[]).await;
    scene.will(DANA, "manual").await;
    scene.transfer("agent:dana", "with_customer").await;
    scene.until_transfer("ringing").await;
    scene.hangs_up(ALICE).await;
    scene.until(&[(CUSTOMER, "music"), (ALICE, "off")]).await;
    scene.stage().phones.answer(DANA).await.unwrap();
    scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer")]).await;
    scene.until_transfer("completed").await;
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["completed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_leg_of_it_ends_when_the_crm_says_so() {
    let scene = Scene::talking("room", &[]).await;
    scene.ask("hangup").await;
    scene.until(&[(CUSTOMER, "off"), (ALICE, "off")]).await;
    scene.ends("crm hung_up", &[]).await;
}
