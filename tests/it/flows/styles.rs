//! Private and blind transfers: the customer hears music while the agents talk, and never one word of theirs.

use super::scene::{ALICE, DANA, KIM, Scene};
use warm_transfer::demo::CUSTOMER;
use warm_transfer::emulator::EventKind;

/// Who has not heard the second agent before the agents let them.
const IN_PRIVATE: &str = "Alice > - > Alice, Dana > Dana";

async fn private(bridge: &str, settings: &[(&str, &str)], dana: &str) -> Scene {
    let scene = Scene::talking(bridge, settings).await;
    scene.will(DANA, dana).await;
    scene.transfer("agent:dana", "private_first").await;
    scene
}

/// Dana's phone rings; Alice waits for her in the room, the customer outside it.
async fn private_ringing(dana: &str) -> Scene {
    let scene = private("dial", &[], dana).await;
    scene.until_transfer("ringing").await;
    scene.until_in_room(1).await;
    scene.until(&[(CUSTOMER, "music")]).await;
    scene
}

/// The agents talk alone.
async fn consulting(bridge: &str, settings: &[(&str, &str)]) -> Scene {
    let scene = private(bridge, settings, "answer").await;
    scene.until(&[(CUSTOMER, "music"), (ALICE, "Dana"), (DANA, "Alice")]).await;
    scene.until_transfer("joined").await;
    scene
}

async fn swapped() -> Scene {
    let scene = consulting("dial", &[]).await;
    scene.ask("transfer/swap").await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer"), (DANA, "music")]).await;
    scene
}

async fn handed_over_to_dana(scene: Scene) {
    scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer"), (ALICE, "off")]).await;
    scene.until_transfer("completed").await;
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["completed"]).await;
}

async fn together_again(scene: Scene, transfer: &str) {
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer"), (DANA, "off")]).await;
    scene.until_in_room(2).await;
    assert_eq!(scene.company(CUSTOMER), "Alice > - > Alice", "and never the second agent");
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &[transfer]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agents_talk_in_private_and_then_the_customer_is_handed_over() {
    for bridge in ["dial", "room"] {
        let scene = consulting(bridge, &[]).await;
        scene.ask("transfer/complete").await;
        scene.until(&[(CUSTOMER, "Dana"), (ALICE, "off")]).await;
        assert_eq!(scene.company(CUSTOMER), IN_PRIVATE, "{bridge}");
        assert_eq!(scene.company(DANA), "Alice > Alice, Customer > Customer", "{bridge}");
        handed_over_to_dana(scene).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_all_three_talk_until_the_agent_leaves() {
    let scene = consulting("dial", &[]).await;
    scene.ask("transfer/merge").await;
    scene.until(&[(CUSTOMER, "Alice, Dana"), (ALICE, "Dana, Customer"), (DANA, "Alice, Customer")]).await;
    scene.ask("transfer/complete").await;
    scene.until(&[(CUSTOMER, "Dana")]).await;
    assert_eq!(scene.company(CUSTOMER), IN_PRIVATE);
    handed_over_to_dana(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_there_and_back_nobody_hears_what_is_not_meant_for_them() {
    let scene = swapped().await;
    scene.ask("transfer/swap").await;
    scene.until(&[(CUSTOMER, "music"), (ALICE, "Dana"), (DANA, "Alice")]).await;
    assert_eq!(scene.company(CUSTOMER), "Alice > - > Alice");
    assert_eq!(scene.company(DANA), "Alice > - > Alice");
    scene.ask("transfer/complete").await;
    handed_over_to_dana(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_back_at_once_the_agents_go_on_talking() {
    let scene = consulting("dial", &[]).await;
    for _ in 0..2 {
        scene.ask("transfer/swap").await;
    }
    scene.until(&[(CUSTOMER, "music"), (ALICE, "Dana"), (DANA, "Alice")]).await;
    scene.ask("transfer/complete").await;
    handed_over_to_dana(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_swapped_the_call_is_handed_over_by_complete_or_by_hanging_up() {
    for by_request in [true, false] {
        let scene = swapped().await;
        match by_request {
            true => scene.ask("transfer/complete").await,
            false => scene.hangs_up(ALICE).await,
        }
        handed_over_to_dana(scene).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_words_instead_of_music_a_swap_is_as_private() {
    let scene = Scene::talking("dial", &[("voice.hold_music_url", "")]).await;
    scene.transfer("agent:dana", "private_first").await;
    scene.until(&[(ALICE, "Dana"), (DANA, "Alice")]).await;
    scene.until_transfer("joined").await;
    scene.told_times(CUSTOMER, "One moment please", 2).await;
    scene.ask("transfer/swap").await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer")]).await;
    assert_eq!(scene.company(CUSTOMER), "Alice > - > Alice");
    scene.ask("transfer/complete").await;
    handed_over_to_dana(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_back_in_the_middle_of_the_talk_customer_and_agent_are_together() {
    let scene = consulting("dial", &[]).await;
    scene.ask("transfer/cancel").await;
    scene.told(DANA, "You are not needed any more").await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer"), (DANA, "off")]).await;
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["cancelled"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_back_while_it_rings_customer_and_agent_are_together() {
    let scene = private_ringing("manual").await;
    scene.ask("transfer/cancel").await;
    together_again(scene, "cancelled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_who_is_not_reached_leaves_the_two_together_and_both_are_told() {
    for (dana, outcome, detail) in [
        ("busy", "failed busy", "Dana is busy"),
        ("no_answer", "failed no_answer", "Dana did not answer within 10 s"),
        ("decline", "failed declined", "Dana declined the call"),
        ("unreachable", "failed unreachable", "Dana could not be reached"),
    ] {
        let scene = private("dial", &[], dana).await;
        scene.until_transfer("failed").await;
        for who in [CUSTOMER, ALICE] {
            scene.told(who, detail.trim_end_matches(" within 10 s")).await;
        }
        together_again(scene, &format!("{outcome}: {detail}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_who_leaves_the_talk_leaves_the_two_together_and_both_are_told() {
    let scene = consulting("dial", &[]).await;
    scene.hangs_up(DANA).await;
    for who in [CUSTOMER, ALICE] {
        scene.told(who, "Dana hung up").await;
    }
    together_again(scene, "failed declined: Dana hung up").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_who_leaves_while_swapped_leaves_the_two_as_they_are() {
    let scene = swapped().await;
    scene.hangs_up(DANA).await;
    scene.told(CUSTOMER, "Dana hung up").await;
    together_again(scene, "failed declined: Dana hung up").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_who_leaves_while_it_rings_leaves_the_customer_with_music_to_the_second() {
    let scene = private_ringing("manual").await;
    scene.hangs_up(ALICE).await;
    scene.until(&[(ALICE, "off"), (CUSTOMER, "music")]).await;
    scene.until_phone(DANA, EventKind::Ringing).await;
    scene.stage().phones.answer(DANA).await.unwrap();
    scene.until(&[(CUSTOMER, "Dana")]).await;
    assert_eq!(scene.company(CUSTOMER), "Alice > - > Dana");
    handed_over_to_dana(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_who_leaves_the_talk_leaves_the_customer_to_the_second() {
    let scene = consulting("dial", &[]).await;
    scene.hangs_up(ALICE).await;
    scene.until(&[(CUSTOMER, "Dana")]).await;
    assert_eq!(scene.company(CUSTOMER), "Alice > - > Dana");
    handed_over_to_dana(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_leaves_stops_the_ringing_or_is_explained_to_both() {
    let abandoned = "abandoned customer_left: The customer has hung up";
    let scene = private_ringing("manual").await;
    scene.hangs_up(CUSTOMER).await;
    scene.told(ALICE, "The customer has hung up").await;
    scene.until_phone(DANA, EventKind::Canceled).await;
    scene.ends("customer hung_up", &[abandoned]).await;
    for is_swapped in [false, true] {
        let scene = if is_swapped { swapped().await } else { consulting("dial", &[]).await };
        scene.hangs_up(CUSTOMER).await;
        for who in [ALICE, DANA] {
            scene.told(who, "The customer has hung up").await;
        }
        scene.ends("customer hung_up", &[abandoned]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_talk_that_lasts_too_long_brings_the_customer_in() {
    let scene = consulting("dial", &[("flow.consult_limit_secs", "10")]).await;
    scene.until(&[(CUSTOMER, "Alice, Dana"), (ALICE, "Dana, Customer")]).await;
    scene.ask("transfer/complete").await;
    scene.until(&[(CUSTOMER, "Dana")]).await;
    assert_eq!(scene.company(CUSTOMER), IN_PRIVATE);
    handed_over_to_dana(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_transfer_in_private_takes_the_customer_out_of_the_room_first() {
    let scene = consulting("dial", &[]).await;
    scene.ask("transfer/complete").await;
    scene.until_transfer("completed").await;
    scene.until_in_room(2).await;
    scene.transfer("agent:kim", "private_first").await;
    scene.until(&[(CUSTOMER, "music"), (DANA, "Kim"), (KIM, "Dana")]).await;
    scene.until_transfer("joined").await;
    scene.ask("transfer/complete").await;
    scene.until(&[(CUSTOMER, "Kim"), (KIM, "Customer"), (DANA, "off")]).await;
    assert_eq!(scene.company(CUSTOMER), format!("{IN_PRIVATE} > - > Dana, Kim > Kim"));
    assert_eq!(scene.company(KIM), "Dana > Dana, Customer > Customer");
    scene.hangs_up(KIM).await;
    scene.ends("second_agent hung_up", &["completed", "completed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blind_the_agent_leaves_at_once_and_the_customer_hears_music_until_the_second_is_there() {
    for bridge in ["dial", "room"] {
        let scene = Scene::talking(bridge, &[]).await;
        scene.will(DANA, "manual").await;
        scene.transfer("agent:dana", "blind").await;
        scene.told(ALICE, "You have handed the call over").await;
        scene.until(&[(ALICE, "off"), (CUSTOMER, "music")]).await;
        scene.until_phone(DANA, EventKind::Ringing).await;
        scene.stage().phones.answer(DANA).await.unwrap();
        scene.until(&[(CUSTOMER, "Dana")]).await;
        assert_eq!(scene.company(CUSTOMER), "Alice > - > Dana", "{bridge}");
        handed_over_to_dana(scene).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_transfer_that_fails_rings_the_agent_back() {
    for (bridge, dana, failed) in [
        ("dial", "busy", "failed busy: Dana is busy"),
        ("dial", "no_answer", "failed no_answer: Dana did not answer within 10 s"),
        ("room", "decline", "failed declined: Dana declined the call"),
    ] {
        let scene = Scene::talking(bridge, &[]).await.may_ring_twice(ALICE);
        scene.will(DANA, dana).await;
        scene.transfer("agent:dana", "blind").await;
        scene.until_transfer("completed").await;
        scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer")]).await;
        assert_eq!(scene.company(CUSTOMER), "Alice > - > Alice");
        assert_eq!(scene.rang(ALICE), 2);
        scene.hangs_up(CUSTOMER).await;
        scene.ends("customer hung_up", &[failed, "completed"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_rung_back_only_when_they_have_put_the_phone_down() {
    let scene = Scene::talking("dial", &[]).await.may_ring_twice(ALICE);
    scene.will(DANA, "busy").await;
    scene.transfer("agent:dana", "blind").await;
    scene.until_transfer("completed").await;
    let timeline = scene.stage().emulator.timeline();
    let at = |kind| {
        let of_alice = |event: &&_| -> bool {
            let event: &warm_transfer::emulator::TimelineEvent = event;
            event.kind == kind && event.address.as_deref() == Some(ALICE.address)
        };
        timeline.iter().filter(of_alice).map(|event| event.index).collect::<Vec<_>>()
    };
    assert!(at(EventKind::Ended)[0] < at(EventKind::Dialled)[1], "a phone in use is busy");
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["failed busy: Dana is busy", "completed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_transfer_that_reaches_nobody_at_all_ends_with_a_spoken_goodbye() {
    let scene = Scene::talking("dial", &[]).await.may_ring_twice(ALICE);
    for who in [DANA, ALICE] {
        scene.will(who, "no_answer").await;
    }
    scene.transfer("agent:dana", "blind").await;
    scene.told(CUSTOMER, "nobody is available right now").await;
    let failed = ["Dana", "Alice"].map(|name| format!("failed no_answer: {name} did not answer within 10 s"));
    scene.ends("system transfer_failed", &failed.each_ref().map(String::as_str)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_leaves_while_waiting_stops_the_ringing() {
    for is_rung_back in [false, true] {
        let scene = Scene::talking("dial", &[]).await.may_ring_twice(ALICE);
        scene.will(DANA, if is_rung_back { "busy" } else { "manual" }).await;
        scene.will(ALICE, "manual").await;
        scene.transfer("agent:dana", "blind").await;
        let ringing = if is_rung_back { ALICE } else { DANA };
        scene.until_transfer("ringing").await;
        if is_rung_back {
            scene.until_leg("first_agent", "status", "ringing").await;
        }
        scene.until(&[(CUSTOMER, "music")]).await;
        scene.hangs_up(CUSTOMER).await;
        scene.until_phone(ringing, EventKind::Canceled).await;
        let abandoned = "abandoned customer_left: The customer has hung up";
        let transfers = ["failed busy: Dana is busy", abandoned];
        scene.ends("customer hung_up", if is_rung_back { &transfers } else { &transfers[1..] }).await;
    }
}
