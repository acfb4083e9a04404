//! Every REST request of a story as it goes over the wire, byte for byte but for ids: Twilio's contract in one snapshot.

use std::collections::BTreeMap;

use warm_transfer::demo::{Scenario, StageOptions};
use warm_transfer::emulator::EventKind;

use super::{Played, played};

/// Names for whatever is another thing each time.
fn names(played: &Played) -> BTreeMap<String, String> {
    let call = &played.report.call;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut names = BTreeMap::from([
        (text(&call["id"]), "{call}".to_owned()),
        (text(&call["room"]), "{room}".to_owned()),
        (text(&call["conference_sid"]), "{conference}".to_owned()),
        (played.theatre.stage.crm.base_url().to_owned(), "{service}".to_owned()),
        (
            played.theatre.stage.settings.twilio().unwrap().config.account_sid.to_string(),
            "{account}".to_owned(),
        ),
    ]);
    for leg in call["legs"].as_array().unwrap() {
        let role = text(&leg["role"]);
        names.insert(text(&leg["id"]), format!("{{{role}}}"));
        names.insert(text(&leg["call_sid"]), format!("{{{role}'s call}}"));
    }
    names
}

fn redacted(text: &str, names: &BTreeMap<String, String>) -> String {
    names.iter().fold(text.to_owned(), |text, (value, name)| text.replace(value, name))
}

/// The requests, each a paragraph. Those that are sent at the same time arrive in any order, so they are sorted.
fn paragraphs(played: &Played) -> String {
    let names = names(played);
    let paragraph = |request: warm_transfer::emulator::RequestRecord| {
        let status = request.status.unwrap_or_default();
        let mut lines = vec![format!("{} {} -> {status}", request.method, redacted(&request.path, &names))];
        let field = |(name, value): &(String, String)| format!("  {name} = {}", redacted(value, &names));
        lines.extend(request.form.iter().map(field));
        lines.join("\n")
    };
    let mut paragraphs: Vec<String> =
        played.theatre.stage.emulator.requests().into_iter().map(paragraph).collect();
    paragraphs.sort();
    paragraphs.join("\n\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_twilio_is_asked_in_the_straight_story() {
    let played = played(Scenario::Straight, StageOptions::default()).await;
    played.nothing_is_open().await;
    insta::assert_snapshot!(paragraphs(&played));
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_twilio_is_asked_after_a_failed_transfer() {
    let played = played(Scenario::SecondAgentBusy, StageOptions::default()).await;
    played.nothing_is_open().await;
    insta::assert_snapshot!(paragraphs(&played));
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_may_close_the_room_until_two_are_left() {
    let played = played(Scenario::SecondTry, StageOptions::default()).await;
    played.nothing_is_open().await;
    let flags: Vec<(u64, String, bool)> = played
        .theatre
        .stage
        .emulator
        .requests()
        .into_iter()
        .filter_map(|request| {
            let (_, value) = request.form.iter().find(|(name, _)| name == "EndConferenceOnExit")?;
            let sid = request.path.rsplit('/').next()?.trim_end_matches(".json").to_owned();
            (sid != "Participants").then_some((request.at_ms, sid, value == "true"))
        })
        .collect();
    // Who may close the room, followed through the story; whenever three are in it, nobody may.
    let joined =
        played.report.timeline.iter().rfind(|event| event.kind == EventKind::ConferenceJoined).unwrap();
    let mut closers = std::collections::BTreeSet::new();
    for (at_ms, sid, value) in &flags {
        assert!(*at_ms <= joined.at_ms || *value || closers.is_empty(), "{flags:?}");
        if *value {
            closers.insert(sid.clone())
        } else {
            closers.remove(sid)
        };
    }
    let before: Vec<bool> =
        flags.iter().filter(|(at, ..)| *at < joined.at_ms).map(|(.., value)| *value).collect();
    assert_eq!(
        before,
        [true, true, false, false],
        "settled after the busy line, open again for the second try"
    );
    let after: Vec<bool> =
        flags.iter().filter(|(at, ..)| *at > joined.at_ms).map(|(.., value)| *value).collect();
    assert_eq!(after, [true, true], "settled after the hand-over");
    played.close().await;
}
