//! Several second agents: in turn until one takes the call, or together, and the first to accept has it.

use serde_json::{Value, json};
use warm_transfer::demo::{CUSTOMER, Part};
use warm_transfer::emulator::EventKind;

use super::scene::{ALICE, DANA, KIM, Scene};

const ASKED: &str = "Press 1 to take the call";

async fn both(style: &str, ring: &str, dana: &str, kim: &str) -> Scene {
    let scene = Scene::talking("dial", &[]).await;
    scene.will(DANA, dana).await;
    scene.will(KIM, kim).await;
    scene.transfer_with(to_both(style, ring)).await;
    scene
}

fn to_both(style: &str, ring: &str) -> Value {
    json!({ "to": ["agent:dana", "agent:kim"], "style": style, "ring": ring })
}

async fn handed_over_to(scene: Scene, who: Part) {
    scene.until_transfer("joined").await;
    scene.ask("transfer/complete").await;
    scene.until(&[(CUSTOMER, who.name), (who, "Customer"), (ALICE, "off")]).await;
    scene.until_transfer("completed").await;
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["completed"]).await;
}

async fn failed(scene: Scene, transfer: &str) {
    scene.until_transfer("failed").await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer")]).await;
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &[transfer]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_turn_the_second_is_rung_when_the_first_is_busy() {
    for style in ["with_customer", "private_first"] {
        let scene = both(style, "in_turn", "busy", "answer").await;
        scene.until_phone(KIM, EventKind::Answered).await;
        scene.until(&[(KIM, if style == "private_first" { "Alice" } else { "Alice, Customer" })]).await;
        handed_over_to(scene, KIM).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_turn_the_second_is_never_rung_when_the_first_takes_the_call() {
    let scene = both("with_customer", "in_turn", "answer", "answer").await;
    scene.until(&[(DANA, "Alice, Customer")]).await;
    assert_eq!(scene.rang(KIM), 0);
    handed_over_to(scene, DANA).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_fail_each_is_named() {
    for (ring, dana, kim, transfer) in [
        ("in_turn", "busy", "no_answer", "failed no_answer: Dana is busy, Kim did not answer within 10 s"),
        ("in_turn", "decline", "busy", "failed busy: Dana declined the call, Kim is busy"),
        ("together", "busy", "no_answer", "failed no_answer: Dana is busy, Kim did not answer within 10 s"),
    ] {
        let scene = both("with_customer", ring, dana, kim).await;
        let (_, words) = transfer.split_once(": ").unwrap();
        for who in [CUSTOMER, ALICE] {
            scene.told(who, words.trim_end_matches(" within 10 s")).await;
        }
        failed(scene, transfer).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn together_the_first_to_accept_has_the_call_and_the_other_is_told() {
    for style in ["with_customer", "private_first"] {
        let scene = both(style, "together", "answer", "answer").await;
        for who in [DANA, KIM] {
            scene.told(who, ASKED).await;
        }
        scene.presses(KIM, "1").await;
        scene.told(DANA, "Kim has taken the call").await;
        scene.until(&[(DANA, "off")]).await;
        handed_over_to(scene, KIM).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn together_whoever_still_rings_stops_ringing() {
    let scene = both("with_customer", "together", "manual", "answer").await;
    scene.told(KIM, ASKED).await;
    scene.presses(KIM, "1").await;
    scene.until_phone(DANA, EventKind::Canceled).await;
    handed_over_to(scene, KIM).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn together_who_presses_too_late_is_told_who_was_first() {
    let scene = both("with_customer", "together", "answer", "answer").await;
    for who in [DANA, KIM] {
        scene.told(who, ASKED).await;
    }
    for who in [KIM, DANA] {
        scene.presses(who, "1").await;
    }
    scene.until_transfer("joined").await;
    let losers = [(DANA, "Kim has taken the call"), (KIM, "Dana has taken the call")];
    let lost = |(who, words): &(Part, &str)| scene.times_told(*who, words) > 0;
    scene.until_phone(CUSTOMER, EventKind::Answered).await;
    let winner = if scene.company(CUSTOMER).contains("Kim") { KIM } else { DANA };
    let loser = losers.iter().find(|(who, _)| *who != winner).unwrap();
    scene.told(loser.0, loser.1).await;
    assert!(!losers.iter().any(|it| it.0 == winner && lost(it)));
    handed_over_to(scene, winner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn together_one_declines_and_the_other_takes_the_call() {
    let scene = both("with_customer", "together", "answer", "answer").await;
    for who in [DANA, KIM] {
        scene.told(who, ASKED).await;
    }
    scene.presses(DANA, "2").await;
    scene.told(DANA, "Thank you").await;
    scene.presses(KIM, "1").await;
    handed_over_to(scene, KIM).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn together_and_blind_the_customer_hears_music_until_one_has_accepted() {
    let scene = both("blind", "together", "answer", "answer").await;
    for who in [DANA, KIM] {
        scene.told(who, ASKED).await;
    }
    scene.until(&[(CUSTOMER, "music")]).await;
    scene.presses(DANA, "1").await;
    scene.told(KIM, "Dana has taken the call").await;
    scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer"), (ALICE, "off"), (KIM, "off")]).await;
    assert_eq!(scene.company(CUSTOMER), "Alice > - > Dana");
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["completed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_back_or_left_by_the_customer_everybody_stops_ringing() {
    for is_cancelled in [true, false] {
        let scene = both("with_customer", "together", "manual", "manual").await;
        scene.until_transfer("ringing").await;
        scene.until_in_room(2).await;
        for who in [DANA, KIM] {
            scene.until_phone(who, EventKind::Ringing).await;
        }
        match is_cancelled {
            true => scene.ask("transfer/cancel").await,
            false => scene.hangs_up(CUSTOMER).await,
        }
        for who in [DANA, KIM] {
            scene.until_phone(who, EventKind::Canceled).await;
        }
        if is_cancelled {
            scene.until(&[(CUSTOMER, "Alice")]).await;
            scene.hangs_up(CUSTOMER).await;
            scene.ends("customer hung_up", &["cancelled"]).await;
        } else {
            let abandoned = "abandoned customer_left: The customer has hung up";
            scene.ends("customer hung_up", &[abandoned]).await;
        }
    }
}
