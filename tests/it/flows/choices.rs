//! What a site may choose, each both ways: what happens where more than one answer is reasonable.

use serde_json::json;
use warm_transfer::demo::CUSTOMER;
use warm_transfer::emulator::EventKind;

use super::scene::{ALICE, DANA, Scene};

const ABANDONED: &str = "abandoned customer_left: The customer has hung up";

/// Dana's phone rings, the other two are in the room.
async fn ringing(choice: (&str, &str), dana: &str) -> Scene {
    let scene = Scene::talking("room", &[choice]).await;
    scene.will(DANA, dana).await;
    scene.transfer("agent:dana", "with_customer").await;
    scene.until_transfer("ringing").await;
    scene
}

/// Dana has taken the call over.
async fn handed_over(choice: (&str, &str)) -> Scene {
    let scene = Scene::talking("dial", &[choice]).await;
    scene.transfer("agent:dana", "with_customer").await;
    scene.until_transfer("joined").await;
    scene.until_in_room(3).await;
    scene.hangs_up(ALICE).await;
    scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer")]).await;
    scene.until_transfer("completed").await;
    scene.until_in_room(2).await;
    scene
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_leaves_early_and_the_customer_waits() {
    let scene = ringing(("transfers.agent_leaves_early", "customer_waits"), "manual").await;
    scene.hangs_up(ALICE).await;
    scene.until(&[(CUSTOMER, "music")]).await;
    scene.stage().phones.answer(DANA).await.unwrap();
    scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer")]).await;
    scene.until_transfer("completed").await;
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["completed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_leaves_early_and_the_call_ends_with_a_goodbye() {
    let scene = ringing(("transfers.agent_leaves_early", "end_call"), "manual").await;
    scene.hangs_up(ALICE).await;
    scene.told(CUSTOMER, "nobody is available").await;
    scene.until_phone(DANA, EventKind::Canceled).await;
    scene.ends("first_agent transfer_failed", &["cancelled"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_reached_and_the_customer_is_told() {
    let scene = ringing(("transfers.nobody_reached", "goodbye"), "no_answer").await;
    scene.hangs_up(ALICE).await;
    scene.told(CUSTOMER, "nobody is available").await;
    scene.ends("system transfer_failed", &["failed no_answer: Dana did not answer within 10 s"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_reached_and_the_agent_who_left_is_rung_back() {
    let scene = ringing(("transfers.nobody_reached", "ring_back"), "no_answer").await.may_ring_twice(ALICE);
    scene.hangs_up(ALICE).await;
    scene.until(&[(CUSTOMER, "music")]).await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer")]).await;
    scene.until_transfer("completed").await;
    scene.hangs_up(CUSTOMER).await;
    let failed = "failed no_answer: Dana did not answer within 10 s";
    scene.ends("customer hung_up", &[failed, "completed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_transfer_fails_and_the_customer_is_told() {
    let scene = Scene::talking("dial", &[("transfers.blind_fails", "goodbye")]).await;
    scene.will(DANA, "busy").await;
    scene.transfer("agent:dana", "blind").await;
    scene.told(CUSTOMER, "nobody is available").await;
    assert_eq!(scene.rang(ALICE), 1);
    scene.ends("system transfer_failed", &["failed busy: Dana is busy"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_transfer_fails_and_the_agent_is_rung_back() {
    let scene = Scene::talking("room", &[("transfers.blind_fails", "ring_back")]).await.may_ring_twice(ALICE);
    scene.will(DANA, "busy").await;
    scene.transfer("agent:dana", "blind").await;
    scene.until_transfer("completed").await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer")]).await;
    scene.hangs_up(ALICE).await;
    scene.ends("first_agent hung_up", &["failed busy: Dana is busy", "completed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_agent_leaves_after_the_hand_over_and_the_call_ends() {
    let scene = handed_over(("transfers.second_agent_leaves", "goodbye")).await;
    scene.hangs_up(DANA).await;
    scene.until(&[(CUSTOMER, "off")]).await;
    scene.ends("second_agent hung_up", &["completed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_agent_leaves_after_the_hand_over_and_the_first_is_rung_back() {
    for is_reached in [true, false] {
        let scene = handed_over(("transfers.second_agent_leaves", "ring_back")).await.may_ring_twice(ALICE);
        scene.will(ALICE, if is_reached { "answer" } else { "busy" }).await;
        scene.hangs_up(DANA).await;
        if is_reached {
            scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer"), (DANA, "off")]).await;
            scene.hangs_up(CUSTOMER).await;
            scene.ends("customer hung_up", &["completed", "completed"]).await;
        } else {
            scene.told(CUSTOMER, "nobody is available").await;
            scene.ends("system transfer_failed", &["completed", "failed busy: Alice is busy"]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customer_leaves_the_agents_talk_and_they_may_finish_it() {
    let settings = [("transfers.customer_leaves_consult", "agents_finish"), ("flow.finish_limit_secs", "30")];
    for is_cut_short in [false, true] {
        let scene = Scene::talking("dial", &settings).await;
        scene.transfer("agent:dana", "private_first").await;
        scene.until(&[(ALICE, "Dana"), (DANA, "Alice")]).await;
        scene.until_transfer("joined").await;
        scene.hangs_up(CUSTOMER).await;
        for who in [ALICE, DANA] {
            scene.told(who, "The customer has hung up").await;
        }
        scene.until(&[(ALICE, "Dana"), (DANA, "Alice"), (CUSTOMER, "off")]).await;
        if is_cut_short {
            scene.hangs_up(ALICE).await;
        }
        scene.until(&[(ALICE, "off"), (DANA, "off")]).await;
        scene.ends("customer hung_up", &[ABANDONED]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customer_leaves_the_agents_talk_and_the_call_ends() {
    let settings = [("transfers.customer_leaves_consult", "end")];
    let scene = Scene::talking("dial", &settings).await;
    scene.transfer("agent:dana", "private_first").await;
    scene.until_transfer("joined").await;
    scene.until(&[(ALICE, "Dana"), (DANA, "Alice")]).await;
    scene.hangs_up(CUSTOMER).await;
    for who in [ALICE, DANA] {
        scene.told(who, "The customer has hung up. Goodbye").await;
    }
    scene.ends("customer hung_up", &[ABANDONED]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_second_agent_is_rung_once_more_or_not() {
    for (choice, times) in [("give_up", 1), ("try_again", 2)] {
        let scene = Scene::talking("dial", &[("transfers.target_fails", choice)]).await.may_ring_twice(DANA);
        scene.will(DANA, "busy").await;
        scene.transfer("agent:dana", "with_customer").await;
        scene.until_transfer("failed").await;
        scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer")]).await;
        assert_eq!(scene.rang(DANA), times, "{choice}");
        scene.told(CUSTOMER, "Dana is busy.").await;
        scene.hangs_up(CUSTOMER).await;
        scene.ends("customer hung_up", &["failed busy: Dana is busy"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rung_once_more_a_second_agent_may_answer() {
    let scene = Scene::talking("dial", &[("transfers.target_fails", "try_again")]).await.may_ring_twice(DANA);
    let plans = json!([{ "behaviour": "busy" }, { "behaviour": "answer" }]);
    scene.stage().phones.will_in_turn(DANA, plans).await.unwrap();
    scene.transfer("agent:dana", "with_customer").await;
    scene.until_transfer("joined").await;
    scene.until(&[(CUSTOMER, "Alice, Dana")]).await;
    scene.ask("transfer/complete").await;
    scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer")]).await;
    scene.until_transfer("completed").await;
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["completed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn style_and_gate_can_be_the_sites_own() {
    let settings = [("transfers.style", "private_first"), ("transfers.require_accept", "true")];
    let scene = Scene::talking("dial", &settings).await;
    scene.transfer_with(json!({ "to": "agent:dana" })).await;
    scene.told(DANA, "Press 1").await;
    scene.until(&[(CUSTOMER, "music")]).await;
    scene.presses(DANA, "1").await;
    scene.until(&[(CUSTOMER, "music"), (ALICE, "Dana"), (DANA, "Alice")]).await;
    scene.until_transfer("joined").await;
    scene.ask("transfer/complete").await;
    scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer"), (ALICE, "off")]).await;
    scene.until_transfer("completed").await;
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["completed"]).await;
}
