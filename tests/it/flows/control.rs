//! What can be done to one person while the call goes on: hold, resume, mute, unmute, remove. And what is refused.

use warm_transfer::demo::{CUSTOMER, Part};
use warm_transfer::emulator::EventKind;

use super::scene::{ALICE, DANA, Scene};

/// What customer and agent hear.
type Heard = [(Part, &'static str); 2];

const TALKING: Heard = [(CUSTOMER, "Alice"), (ALICE, "Customer")];

/// Everybody in the room, and Dana introduced.
async fn introduced(bridge: &str) -> Scene {
    let scene = Scene::talking(bridge, &[]).await;
    scene.transfer("agent:dana", "with_customer").await;
    scene.until(&[(CUSTOMER, "Alice, Dana"), (ALICE, "Dana, Customer"), (DANA, "Alice, Customer")]).await;
    scene.until_transfer("joined").await;
    scene.until_in_room(3).await;
    scene
}

async fn consulting() -> Scene {
    let scene = Scene::talking("dial", &[]).await;
    scene.transfer("agent:dana", "private_first").await;
    scene.until(&[(CUSTOMER, "music"), (ALICE, "Dana")]).await;
    scene.until_transfer("joined").await;
    scene
}

#[tokio::test(flavor = "multi_thread")]
async fn hold_and_mute_of_each_and_back_whichever_bridge_they_were_on() {
    let controls: [(&str, &str, &str, Heard); 4] = [
        // With their only agent on hold, the customer hears music as well: silence would be the alternative.
        ("first_agent", "hold", "resume", [(CUSTOMER, "music"), (ALICE, "music")]),
        ("customer", "hold", "resume", [(CUSTOMER, "music"), (ALICE, "silence")]),
        ("customer", "mute", "unmute", [(CUSTOMER, "Alice"), (ALICE, "silence")]),
        ("first_agent", "mute", "unmute", [(CUSTOMER, "silence"), (ALICE, "Customer")]),
    ];
    for bridge in ["dial", "room"] {
        for (role, on, off, meanwhile) in controls {
            let scene = Scene::talking(bridge, &[]).await;
            scene.ask(&format!("participants/{role}/{on}")).await;
            scene.until(&meanwhile).await;
            scene.ask(&format!("participants/{role}/{off}")).await;
            scene.until(&TALKING).await;
            scene.until_in_room(2).await;
            scene.hangs_up(CUSTOMER).await;
            scene.ends("customer hung_up", &[]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_agent_can_be_held_and_muted_too() {
    let scene = introduced("dial").await;
    scene.ask("participants/second_agent/mute").await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer"), (DANA, "Alice, Customer")]).await;
    scene.ask("participants/second_agent/unmute").await;
    scene.ask("participants/second_agent/hold").await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer"), (DANA, "music")]).await;
    scene.ask("participants/second_agent/resume").await;
    scene.until(&[(CUSTOMER, "Alice, Dana"), (DANA, "Alice, Customer")]).await;
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["abandoned customer_left: The customer has hung up"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_hold_while_it_rings_the_customer_hears_neither_agent_until_resumed() {
    for bridge in ["dial", "room"] {
        let scene = Scene::talking(bridge, &[]).await;
        scene.will(DANA, "manual").await;
        scene.transfer("agent:dana", "with_customer").await;
        scene.until_transfer("ringing").await;
        scene.until_in_room(2).await;
        scene.ask("participants/customer/hold").await;
        scene.until(&[(CUSTOMER, "music")]).await;
        scene.stage().phones.answer(DANA).await.unwrap();
        scene.until(&[(CUSTOMER, "music"), (ALICE, "Dana"), (DANA, "Alice")]).await;
        scene.ask("participants/customer/resume").await;
        scene.until(&[(CUSTOMER, "Alice, Dana"), (ALICE, "Dana, Customer")]).await;
        scene.hangs_up(ALICE).await;
        scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer")]).await;
        scene.until_transfer("completed").await;
        scene.hangs_up(DANA).await;
        scene.ends("second_agent hung_up", &["completed"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn held_or_muted_when_it_is_handed_over_the_customer_is_not_left_on_hold() {
    for by_request in [true, false] {
        let scene = introduced("dial").await;
        scene.ask("participants/customer/hold").await;
        scene.until(&[(CUSTOMER, "music"), (ALICE, "Dana"), (DANA, "Alice")]).await;
        match by_request {
            true => scene.ask("transfer/complete").await,
            false => scene.hangs_up(ALICE).await,
        }
        scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer"), (ALICE, "off")]).await;
        scene.until_transfer("completed").await;
        scene.until_leg("customer", "on_hold", false).await;
        scene.hangs_up(CUSTOMER).await;
        scene.until(&[(DANA, "off")]).await;
        scene.ends("customer hung_up", &["completed"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hangs_up_during_a_hold_the_other_is_told() {
    for (who, other, words, how) in [
        (ALICE, CUSTOMER, "The call has ended", "first_agent hung_up"),
        (CUSTOMER, ALICE, "The customer has hung up", "customer hung_up"),
    ] {
        let scene = Scene::talking("room", &[]).await;
        scene.ask("participants/customer/hold").await;
        scene.until(&[(CUSTOMER, "music")]).await;
        scene.until_leg("customer", "on_hold", true).await;
        scene.hangs_up(who).await;
        scene.told(other, words).await;
        scene.ends(how, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customer_or_the_only_agent_removed_is_the_end_of_the_call() {
    for bridge in ["dial", "room"] {
        for role in ["customer", "first_agent"] {
            let scene = Scene::talking(bridge, &[]).await;
            scene.ask(&format!("participants/{role}/remove")).await;
            scene.until(&[(CUSTOMER, "off"), (ALICE, "off")]).await;
            scene.ends("crm hung_up", &[]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_from_a_transfer_the_other_two_go_on() {
    let scene = introduced("dial").await;
    scene.ask("participants/second_agent/remove").await;
    scene.told(DANA, "You are not needed any more").await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer"), (DANA, "off")]).await;
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["cancelled"]).await;

    for scene in [introduced("dial").await, consulting().await] {
        scene.ask("participants/first_agent/remove").await;
        scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer"), (ALICE, "off")]).await;
        scene.until_transfer("completed").await;
        scene.hangs_up(CUSTOMER).await;
        scene.ends("customer hung_up", &["completed"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_while_the_second_is_rung_the_agent_leaves_the_customer_with_music() {
    let scene = Scene::talking("dial", &[]).await;
    scene.will(DANA, "manual").await;
    scene.transfer("agent:dana", "with_customer").await;
    scene.until_transfer("ringing").await;
    scene.until_in_room(2).await;
    scene.refused("participants/second_agent/remove", "not_on_line").await;
    scene.ask("participants/first_agent/remove").await;
    scene.until(&[(CUSTOMER, "music"), (ALICE, "off")]).await;
    scene.stage().phones.answer(DANA).await.unwrap();
    scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer")]).await;
    scene.until_transfer("completed").await;
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["completed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_removed_from_the_middle_of_a_transfer_ends_it() {
    for scene in [introduced("dial").await, consulting().await] {
        scene.ask("participants/customer/remove").await;
        scene.until(&[(CUSTOMER, "off"), (ALICE, "off"), (DANA, "off")]).await;
        scene.ends("crm hung_up", &["cancelled"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_at_the_wrong_time_is_refused_by_name() {
    let scene = Scene::placed("dial", &[], &[(CUSTOMER, "manual")]).await;
    for action in ["participants/customer/hold", "participants/first_agent/remove"] {
        scene.refused(action, "not_connected").await;
    }
    for action in ["transfer/merge", "transfer/swap"] {
        scene.refused(action, "no_transfer").await;
    }
    scene.until_phone(CUSTOMER, EventKind::Ringing).await;
    scene.stage().phones.answer(CUSTOMER).await.unwrap();
    scene.until(&TALKING).await;
    scene.until_leg("customer", "status", "in_progress").await;
    for control in ["hold", "mute", "remove"] {
        scene.refused(&format!("participants/second_agent/{control}"), "not_on_line").await;
    }
    scene.will(DANA, "manual").await;
    scene.transfer("agent:dana", "private_first").await;
    scene.until_transfer("ringing").await;
    scene.until(&[(CUSTOMER, "music")]).await;
    for action in ["transfer/merge", "transfer/swap", "transfer/complete"] {
        scene.refused(action, "not_joined").await;
    }
    for control in ["hold", "resume", "mute", "unmute"] {
        scene.refused(&format!("participants/customer/{control}"), "outside_room").await;
    }
    scene.stage().phones.answer(DANA).await.unwrap();
    scene.until_transfer("joined").await;
    scene.ask("transfer/merge").await;
    scene.until(&[(CUSTOMER, "Alice, Dana")]).await;
    scene.refused("transfer/swap", "not_consulting").await;
    scene.ask("transfer/merge").await; // they are all together already
    scene.refused("transfer", "transfer_in_progress").await;
    scene.hangs_up(CUSTOMER).await;
    scene.until_leg("customer", "status", "completed").await;
    for action in ["participants/customer/hold", "participants/first_agent/remove", "transfer/merge"] {
        scene.refused(action, "call_ended").await;
    }
    scene.ends("customer hung_up", &["abandoned customer_left: The customer has hung up"]).await;
}
