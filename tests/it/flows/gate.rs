//! The accept gate: a second agent hears the briefing and must press a key before they count as present.

use serde_json::json;
use warm_transfer::demo::CUSTOMER;
use warm_transfer::emulator::EventKind;

use super::scene::{ALICE, DANA, Scene};

const BRIEFING: &str = "Wants the large plan";
const ASKED: &str = "Press 1 to take the call";
/// How a voicemail box begins.
const GREETING: &str = "You have reached";

async fn asked(style: &str, dana: &str, settings: &[(&str, &str)]) -> Scene {
    let scene = Scene::talking("dial", settings).await;
    scene.will(DANA, dana).await;
    let how = json!({ "to": "agent:dana", "style": style, "require_accept": true, "briefing": BRIEFING });
    scene.transfer_with(how).await;
    scene
}

/// Dana hears the question; she has heard the briefing, and nobody hears her.
async fn at_the_gate(style: &str, settings: &[(&str, &str)]) -> Scene {
    let scene = asked(style, "answer", settings).await;
    scene.told(DANA, BRIEFING).await;
    scene.told(DANA, ASKED).await;
    match style {
        "with_customer" => scene.until_in_room(2).await,
        "private_first" => scene.until_in_room(1).await,
        _ => scene.until(&[(CUSTOMER, "music"), (ALICE, "off")]).await,
    }
    for who in [CUSTOMER, ALICE] {
        assert!(!scene.company(who).contains("Dana"), "{style}: {} hears {}", who.name, scene.company(who));
    }
    scene
}

async fn together_again(scene: Scene, transfer: &str) {
    scene.until_transfer("failed").await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer"), (DANA, "off")]).await;
    let (_, detail) = transfer.split_once(": ").unwrap();
    for who in [CUSTOMER, ALICE] {
        scene.told(who, detail.trim_end_matches(" within 10 s")).await;
    }
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &[transfer]).await;
}

async fn handed_over(scene: Scene) {
    scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer"), (ALICE, "off")]).await;
    scene.until_transfer("completed").await;
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["completed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_presses_1_is_let_in() {
    let scene = at_the_gate("with_customer", &[]).await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer")]).await;
    scene.presses(DANA, "1").await;
    scene.until(&[(CUSTOMER, "Alice, Dana"), (ALICE, "Dana, Customer"), (DANA, "Alice, Customer")]).await;
    scene.until_transfer("joined").await;
    scene.ask("transfer/complete").await;
    handed_over(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_private_the_agents_talk_once_the_second_has_accepted() {
    let scene = at_the_gate("private_first", &[]).await;
    scene.until(&[(CUSTOMER, "music")]).await;
    scene.presses(DANA, "1").await;
    scene.until(&[(CUSTOMER, "music"), (ALICE, "Dana"), (DANA, "Alice")]).await;
    scene.until_transfer("joined").await;
    scene.ask("transfer/complete").await;
    scene.until(&[(CUSTOMER, "Dana")]).await;
    assert_eq!(scene.company(CUSTOMER), "Alice > - > Alice, Dana > Dana");
    handed_over(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blind_the_customer_hears_music_until_the_second_has_accepted() {
    let scene = at_the_gate("blind", &[]).await;
    scene.presses(DANA, "1").await;
    scene.until(&[(CUSTOMER, "Dana")]).await;
    assert_eq!(scene.company(CUSTOMER), "Alice > - > Dana");
    handed_over(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_presses_2_is_thanked_and_the_two_are_together_again() {
    for style in ["with_customer", "private_first"] {
        let scene = at_the_gate(style, &[]).await;
        scene.presses(DANA, "2").await;
        scene.told(DANA, "Thank you. Goodbye").await;
        together_again(scene, "failed declined: Dana declined the call").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_means_nothing_is_asked_again() {
    let scene = at_the_gate("with_customer", &[]).await;
    scene.presses(DANA, "5").await;
    scene.told_times(DANA, ASKED, 2).await;
    scene.presses(DANA, "1").await;
    scene.until_transfer("joined").await;
    scene.ask("transfer/complete").await;
    handed_over(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_asked_twice_and_then_counts_as_no_answer() {
    for style in ["with_customer", "private_first"] {
        let scene = at_the_gate(style, &[]).await;
        scene.told_times(DANA, ASKED, 2).await;
        scene.until_phone(DANA, EventKind::Ended).await;
        assert_eq!(scene.times_told(DANA, ASKED), 2);
        together_again(scene, "failed no_answer: Dana did not answer within 10 s").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_at_the_gate_leaves_the_two_together() {
    for style in ["with_customer", "private_first"] {
        let scene = at_the_gate(style, &[]).await;
        scene.hangs_up(DANA).await;
        together_again(scene, "failed declined: Dana hung up").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voicemail_box_does_not_take_a_call_and_nobody_hears_its_greeting() {
    for style in ["with_customer", "private_first"] {
        let scene = asked(style, "voicemail", &[]).await;
        scene.told(DANA, ASKED).await;
        for who in [CUSTOMER, ALICE] {
            assert_eq!(scene.times_told(who, GREETING), 0, "{style}: {}", who.name);
        }
        together_again(scene, "failed no_answer: Dana did not answer within 10 s").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_waits_less_ends_the_question_itself() {
    let scene = at_the_gate("with_customer", &[("flow.accept_limit_secs", "12")]).await;
    together_again(scene, "failed no_answer: Dana did not answer within 10 s").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_who_leaves_while_the_second_is_at_the_gate_leaves_the_customer_to_them() {
    for style in ["with_customer", "private_first"] {
        let scene = at_the_gate(style, &[]).await;
        scene.hangs_up(ALICE).await;
        scene.until(&[(CUSTOMER, "music"), (ALICE, "off")]).await;
        scene.presses(DANA, "1").await;
        scene.until(&[(CUSTOMER, "Dana")]).await;
        handed_over(scene).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_left_when_the_second_declines_is_said_to_the_customer() {
    let scene = at_the_gate("with_customer", &[]).await;
    scene.hangs_up(ALICE).await;
    scene.until(&[(CUSTOMER, "music"), (ALICE, "off")]).await;
    scene.presses(DANA, "2").await;
    scene.told(CUSTOMER, "nobody is available").await;
    scene.ends("system transfer_failed", &["failed declined: Dana declined the call"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_leaves_while_the_second_is_at_the_gate_is_explained_to_both() {
    for style in ["with_customer", "private_first"] {
        let scene = at_the_gate(style, &[]).await;
        scene.hangs_up(CUSTOMER).await;
        for who in [ALICE, DANA] {
            scene.told(who, "The customer has hung up").await;
        }
        scene.ends("customer hung_up", &["abandoned customer_left: The customer has hung up"]).await;
    }
}
