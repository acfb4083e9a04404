//! What each person hears from one moment to another, to the millisecond: not only that they heard somebody once, but that
//! they heard these and nothing else all the time.

use warm_transfer::demo::{CUSTOMER, FIRST_AGENT, Part, SECOND_AGENT, Scenario, StageOptions};
use warm_transfer::emulator::{EventKind, Heard};

use super::{Played, ladder, played};

/// When this first happened to somebody.
fn at_ms(played: &Played, who: Part, kind: EventKind) -> u64 {
    let is_it = |event: &&warm_transfer::emulator::TimelineEvent| {
        event.kind == kind && event.address.as_deref() == Some(who.address)
    };
    let found = played.report.timeline.iter().find(is_it);
    found.unwrap_or_else(|| panic!("{} {kind}\n{}", who.name, ladder(&played.report))).at_ms
}

/// What somebody heard between two moments, in order, each for how many milliseconds.
fn heard(played: &Played, who: Part, from_ms: u64, to_ms: u64) -> Vec<(u64, Vec<Heard>)> {
    let person = played.report.audibility.people.iter().find(|person| person.address == who.address).unwrap();
    let within = person.spans.iter().filter_map(|span| {
        let (from, to) = (span.from_ms.max(from_ms), span.to_ms.min(to_ms));
        (from < to).then(|| (to - from, span.hears.clone()))
    });
    within.collect()
}

fn people(parts: &[Part]) -> Vec<Heard> {
    let mut people: Vec<Heard> =
        parts.iter().map(|part| Heard::Person { who: part.address.to_owned() }).collect();
    people.sort();
    people
}

/// What was said, each sentence with how long it took: other sounds may begin or end meanwhile.
fn sentences_in(heard: &[(u64, Vec<Heard>)]) -> Vec<(u64, Heard)> {
    let mut sentences: Vec<(u64, Heard)> = vec![];
    let mut goes_on = false;
    for (ms, hears) in heard {
        let said = hears.iter().find(|it| matches!(it, Heard::Speech { .. }));
        match (said, sentences.last_mut()) {
            (Some(said), Some((length, last))) if goes_on && last == said => *length += ms,
            (Some(said), _) => sentences.push((*ms, said.clone())),
            (None, _) => {}
        }
        goes_on = said.is_some();
    }
    sentences
}

/// That somebody heard exactly these people, nobody and nothing else, all the time between two moments.
fn hears_only(played: &Played, who: Part, parts: &[Part], from_ms: u64, to_ms: u64) {
    assert!(from_ms < to_ms, "{from_ms} to {to_ms}");
    let heard = heard(played, who, from_ms, to_ms);
    let total: u64 = heard.iter().map(|(ms, _)| ms).sum();
    let is_right = heard.iter().all(|(_, hears)| *hears == people(parts)) && total == to_ms - from_ms;
    assert!(is_right, "{} from {from_ms} to {to_ms}: {heard:#?}\n{}", who.name, ladder(&played.report));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_straight_story_everybody_hears_exactly_whom_they_should() {
    let played = played(Scenario::Straight, StageOptions::default()).await;
    let bridged = at_ms(&played, FIRST_AGENT, EventKind::Bridged);
    let moved = at_ms(&played, FIRST_AGENT, EventKind::Unbridged);
    hears_only(&played, CUSTOMER, &[FIRST_AGENT], bridged, moved);
    hears_only(&played, FIRST_AGENT, &[CUSTOMER], bridged, moved);

    let in_room =
        [FIRST_AGENT, CUSTOMER, SECOND_AGENT].map(|part| at_ms(&played, part, EventKind::ConferenceJoined));
    let together = in_room.into_iter().max().unwrap();
    let left = at_ms(&played, FIRST_AGENT, EventKind::Ended);
    hears_only(&played, FIRST_AGENT, &[CUSTOMER, SECOND_AGENT], together, left);
    hears_only(&played, CUSTOMER, &[FIRST_AGENT, SECOND_AGENT], together, left);
    hears_only(&played, SECOND_AGENT, &[FIRST_AGENT, CUSTOMER], together, left);

    let over = at_ms(&played, CUSTOMER, EventKind::Ended);
    hears_only(&played, CUSTOMER, &[SECOND_AGENT], left, over);
    hears_only(&played, SECOND_AGENT, &[CUSTOMER], left, over);
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_second_phone_rings_customer_and_agent_hear_each_other_and_the_ringing() {
    let played = played(Scenario::Straight, StageOptions::default()).await;
    let joined = [FIRST_AGENT, CUSTOMER].map(|part| at_ms(&played, part, EventKind::ConferenceJoined));
    let ringing = at_ms(&played, SECOND_AGENT, EventKind::Ringing);
    let from = joined.into_iter().max().unwrap().max(ringing);
    let answered = at_ms(&played, SECOND_AGENT, EventKind::Answered);
    for (who, other) in [(CUSTOMER, FIRST_AGENT), (FIRST_AGENT, CUSTOMER)] {
        let heard = heard(&played, who, from, answered);
        let expected = [people(&[other]), vec![Heard::Ringing]].concat();
        assert!(heard.iter().all(|(_, hears)| *hears == expected), "{}: {heard:#?}", who.name);
    }
    played.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_transfer_is_said_to_both_at_once_and_nobody_leaves_anybody() {
    for scenario in [Scenario::SecondAgentBusy, Scenario::SecondAgentHangsUp] {
        let played = played(scenario, StageOptions::default()).await;
        let joined = [FIRST_AGENT, CUSTOMER].map(|part| at_ms(&played, part, EventKind::ConferenceJoined));
        let (together, over) =
            (joined.into_iter().max().unwrap(), at_ms(&played, CUSTOMER, EventKind::Ended));
        let mut sentences = vec![];
        for (who, other) in [(CUSTOMER, FIRST_AGENT), (FIRST_AGENT, CUSTOMER)] {
            let heard = heard(&played, who, together, over);
            let beside = |(_, hears): &(u64, Vec<Heard>)| hears.contains(&people(&[other])[0]);
            assert!(heard.iter().all(beside), "{scenario}: {} lost {}: {heard:#?}", who.name, other.name);
            assert_eq!(heard.last().unwrap().1, people(&[other]), "{scenario}: alone together in the end");
            sentences.push(sentences_in(&heard));
        }
        assert_eq!(sentences[0].len(), 1, "{scenario}: one sentence, once: {sentences:#?}");
        assert_eq!(sentences[0], sentences[1], "{scenario}: both hear all of it");
        played.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_whose_agent_left_is_never_without_words_music_or_ringing() {
    let played = played(Scenario::FirstAgentHangsUpWhileRinging, StageOptions::default()).await;
    let left = at_ms(&played, FIRST_AGENT, EventKind::Ended);
    let helped = at_ms(&played, SECOND_AGENT, EventKind::ConferenceJoined);
    let waited = heard(&played, CUSTOMER, left, helped);
    let said = |(_, hears): &(u64, Vec<Heard>)| hears.iter().any(|it| matches!(it, Heard::Speech { .. }));
    assert!(waited.iter().any(said), "the customer is told to wait: {waited:#?}");
    for (ms, hears) in &waited {
        assert!(!hears.is_empty() || *ms <= 2_000, "{ms} ms of silence: {waited:#?}");
        assert!(!hears.iter().any(|it| matches!(it, Heard::Person { .. })), "nobody is there: {waited:#?}");
    }
    hears_only(&played, CUSTOMER, &[SECOND_AGENT], helped, at_ms(&played, CUSTOMER, EventKind::Ended));
    played.close().await;
}
