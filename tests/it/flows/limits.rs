//! Everybody forgets: no news reaches the service any more, nobody hangs up, and Twilio itself ends each leg when its time is
//! up, wherever it was moved to.

use serde_json::json;
use warm_transfer::demo::{CUSTOMER, Part};
use warm_transfer::emulator::{EventKind, LimitFrom, Switches, TimelineEvent, as_text};

use super::scene::{ALICE, DANA, Scene};

/// How long each leg may last: long enough for a transfer to be under way by then.
const LIMIT_MS: u64 = 40_000;

async fn talking(bridge: &str, from: LimitFrom) -> Scene {
    let limit = (LIMIT_MS / 1000).to_string();
    let switches = Switches { updated_time_limit_counts_from: from, ..Switches::default() };
    Scene::talking_with(bridge, &[("calls.time_limit_secs", &limit)], switches).await
}

/// How long the person's leg lasted, and that Twilio ended it.
fn lasted_ms(timeline: &[TimelineEvent], part: Part) -> u64 {
    let found = |kind| {
        let is_it = |it: &&TimelineEvent| it.kind == kind && it.address.as_deref() == Some(part.address);
        timeline.iter().rfind(is_it).unwrap_or_else(|| panic!("{kind}\n{}", as_text(timeline)))
    };
    let (answered, ended) = (found(EventKind::Answered), found(EventKind::Ended));
    assert_eq!(ended.data["ended_by"], "twilio", "{}", as_text(timeline));
    ended.at_ms - answered.at_ms
}

/// From here on the service hears nothing; gives what happened until the last phone was silent.
async fn forgotten(scene: &Scene) -> Vec<TimelineEvent> {
    let deaf = json!({ "webhooks": [{ "match": "/webhooks/*", "drop": true }] });
    scene.stage().phones.faults(deaf).await.unwrap();
    scene.until(&[(CUSTOMER, "off"), (ALICE, "off"), (DANA, "off")]).await;
    scene.stage().emulator.timeline()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_was_moved_and_forgotten_is_let_go_at_the_limit() {
    for (bridge, style, customer_hears) in [
        ("dial", "with_customer", "Alice, Dana"),
        ("dial", "private_first", "music"),
        ("room", "private_first", "music"),
    ] {
        let scene = talking(bridge, LimitFrom::Answer).await;
        scene.transfer("agent:dana", style).await;
        scene.until_transfer("joined").await;
        scene.until(&[(CUSTOMER, customer_hears)]).await;
        let timeline = forgotten(&scene).await;
        for part in [CUSTOMER, ALICE, DANA] {
            assert_eq!(lasted_ms(&timeline, part), LIMIT_MS, "{bridge}, {style}: {}", part.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_counts_from_the_move_lets_them_go_no_later_than_after_twice_the_time() {
    let scene = talking("dial", LimitFrom::Update).await;
    scene.transfer("agent:dana", "with_customer").await;
    scene.until(&[(CUSTOMER, "Alice, Dana")]).await;
    let timeline = forgotten(&scene).await;
    let lasted_ms = lasted_ms(&timeline, CUSTOMER);
    assert!((LIMIT_MS..=2 * LIMIT_MS).contains(&lasted_ms), "{lasted_ms}");
}
