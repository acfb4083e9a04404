//! The traps of `docs/traps.md` that need a story of their own: each is laid on purpose, and nobody on the phone falls in.

use serde_json::{Value, json};
use warm_transfer::demo::{CUSTOMER, Part};
use warm_transfer::emulator::{EventKind, RequestRecord, TimelineEvent};

use super::field;
use super::scene::{ALICE, DANA, KIM, Scene};

const ABANDONED: &str = "abandoned customer_left: The customer has hung up";

/// A REST request that sends a leg elsewhere, or ends it.
const CALL_UPDATE: &str = "POST */Calls/CA*";
/// One that rings somebody into the room.
const PARTICIPANT: &str = "POST */Participants.json";

/// Twilio does not take such a request so often: it takes effect some seconds late.
fn late(pattern: &str, times: u32) -> Value {
    json!({ "match": pattern, "status": 503, "times": times })
}

async fn talking() -> Scene {
    Scene::talking("dial", &[]).await
}

async fn introduced() -> Scene {
    let scene = talking().await;
    scene.transfer("agent:dana", "with_customer").await;
    scene.until(&[(CUSTOMER, "Alice, Dana"), (ALICE, "Dana, Customer"), (DANA, "Alice, Customer")]).await;
    scene.until_transfer("joined").await;
    scene.until_in_room(3).await;
    scene
}

impl Scene {
    async fn goes_wrong(&self, rules: Value) {
        self.stage().phones.faults(rules).await.unwrap();
    }

    /// What happened to this person's leg, by kind.
    fn happened(&self, who: Part, kind: EventKind) -> Vec<TimelineEvent> {
        let is_it =
            |event: &TimelineEvent| event.kind == kind && event.address.as_deref() == Some(who.address);
        self.stage().emulator.timeline().into_iter().filter(is_it).collect()
    }

    /// REST requests about this person's leg.
    fn asked_about(&self, who: Part) -> Vec<RequestRecord> {
        let dialled = self.happened(who, EventKind::Dialled);
        let sid = dialled[0].call_sid.clone().unwrap().to_string();
        let requests = self.stage().emulator.requests();
        requests.into_iter().filter(|it| it.method == "POST" && it.path.contains(&sid)).collect()
    }

    fn documents(&self) -> Vec<String> {
        let webhooks = self.stage().emulator.webhooks();
        webhooks.into_iter().filter(|it| it.url.contains("/twiml/")).map(|it| it.body).collect()
    }

    /// The call is over when the customer hangs up, after a hand-over to Dana.
    async fn ends_handed_over(self) {
        self.until(&[(CUSTOMER, "Dana"), (DANA, "Customer"), (ALICE, "off")]).await;
        self.until_transfer("completed").await;
        self.hangs_up(CUSTOMER).await;
        self.ends("customer hung_up", &["completed"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_comes_twice_transfers_once() {
    let scene = talking().await;
    scene.goes_wrong(json!({ "webhooks": [{ "match": "/twiml/*", "duplicate": true }] })).await;
    scene.transfer("agent:dana", "with_customer").await;
    scene.until(&[(CUSTOMER, "Alice, Dana")]).await;
    scene.until_transfer("joined").await;
    let webhooks = scene.stage().emulator.webhooks();
    let asked = webhooks.iter().filter(|it| it.url.contains("/twiml/first-leg-disconnected")).count();
    assert_eq!((asked, scene.rang(DANA), scene.rang(CUSTOMER)), (2, 1, 1));
    scene.hangs_up(ALICE).await;
    scene.ends_handed_over().await;
}

/// Twilio then asks the fallback of the leg: that must not be the document that dials the customer.
#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_cannot_be_had_rings_nobody_again() {
    let scene = talking().await;
    let action = json!({ "match": "/twiml/first-leg-disconnected", "drop": true, "times": 1 });
    let lost = json!({ "webhooks": [action] });
    scene.goes_wrong(lost.clone()).await;
    scene.hangs_up(CUSTOMER).await;
    scene.until(&[(ALICE, "off")]).await;
    scene.ends("customer hung_up", &[]).await;

    let scene = talking().await;
    scene.goes_wrong(lost).await;
    scene.transfer("agent:dana", "with_customer").await;
    scene.until(&[(CUSTOMER, "Alice, Dana")]).await;
    scene.until_transfer("joined").await;
    scene.hangs_up(ALICE).await;
    scene.ends_handed_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dial_that_cannot_be_had_is_explained_to_the_agent() {
    let scene = Scene::placed("dial", &[], &[(ALICE, "manual")]).await;
    scene.until_phone(ALICE, EventKind::Ringing).await;
    let document = json!({ "match": "/twiml/second-leg", "drop": true, "times": 1 });
    scene.goes_wrong(json!({ "webhooks": [document] })).await;
    scene.stage().phones.answer(ALICE).await.unwrap();
    scene.told(ALICE, "The customer could not be reached").await;
    assert_eq!(scene.rang(CUSTOMER), 0);
    scene.ends("system customer_unreachable", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_just_before_they_are_moved_ends_the_transfer() {
    let scene = talking().await;
    scene.will(DANA, "manual").await;
    let unheard = json!({ "match": "/webhooks/call-status", "drop": true });
    scene.goes_wrong(json!({ "rest": [late(CALL_UPDATE, 1)], "webhooks": [unheard] })).await;
    scene.transfer("agent:dana", "with_customer").await;
    scene.hangs_up(CUSTOMER).await;
    scene.until(&[(ALICE, "off")]).await;
    scene.until_phone(DANA, EventKind::Canceled).await;
    let moves: Vec<Option<u16>> = scene.asked_about(CUSTOMER).iter().map(|it| it.status).collect();
    assert_eq!(moves, [Some(503), Some(400)], "21220: the leg had ended");
    scene.ends("customer hung_up", &[ABANDONED]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leg_that_has_ended_is_as_good_as_hung_up() {
    let scene = talking().await;
    let lost = json!({ "match": CALL_UPDATE, "status": 503, "after_effect": true, "times": 2 });
    scene.goes_wrong(json!({ "rest": [lost] })).await;
    scene.ask("hangup").await;
    scene.until(&[(ALICE, "off"), (CUSTOMER, "off")]).await;
    scene.ends("crm hung_up", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_rung_when_the_others_have_gone_is_not_left_waiting_for_them() {
    let scene = introduced().await;
    scene.hangs_up(ALICE).await;
    scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer")]).await;
    scene.until_transfer("completed").await;
    // Twilio is late to say which leg is Kim's, so that nobody can end it yet.
    let unnamed = json!({ "match": PARTICIPANT, "latency_ms": 6000 });
    let unheard = json!({ "match": "/webhooks/call-status", "drop": true });
    scene.goes_wrong(json!({ "rest": [unnamed], "webhooks": [unheard] })).await;
    scene.transfer("agent:kim", "with_customer").await;
    scene.until_phone(KIM, EventKind::Ringing).await;
    scene.hangs_up(CUSTOMER).await;
    scene.until_phone(KIM, EventKind::ConferenceJoined).await;
    scene.until(&[(CUSTOMER, "off"), (DANA, "off"), (KIM, "off")]).await;
    scene.ends("customer hung_up", &["completed", ABANDONED]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_at_once_meet_in_rooms_of_their_own() {
    let stranger = Part { role: "customer", name: "Stranger", address: "+15550100198" };
    let scene = Scene::talking("room", &[]).await;
    scene.will(stranger, "answer").await;
    let body = json!({ "agent": "agent:kim", "customer": stranger.address, "bridge": "room" });
    let (_, other) = scene.stage().crm.send("POST", "/api/v1/calls", Some(body)).await.unwrap();
    let other = other["id"].as_str().unwrap();
    scene.until(&[(KIM, stranger.address), (stranger, "Kim"), (CUSTOMER, "Alice")]).await;
    scene.stage().phones.hang_up(KIM).await.unwrap();
    scene.stage().crm.wait_for_status(other, "ended").await.unwrap();
    assert_eq!((scene.company(CUSTOMER), scene.company(stranger)), ("Alice".into(), "Kim".into()));
    let rooms = scene.stage().emulator.timeline().into_iter();
    let rooms = rooms.filter(|it| it.kind == EventKind::ConferenceCreated).count();
    assert_eq!(rooms, 2);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_opens_the_room_its_news_come() {
    for (rule, first) in [(late(CALL_UPDATE, 2), [DANA, DANA]), (late(PARTICIPANT, 1), [CUSTOMER, ALICE])] {
        let scene = talking().await;
        scene.goes_wrong(json!({ "rest": [rule] })).await;
        scene.transfer("agent:dana", "with_customer").await;
        scene.until(&[(CUSTOMER, "Alice, Dana"), (ALICE, "Dana, Customer")]).await;
        let timeline = scene.stage().emulator.timeline();
        let joined = timeline.iter().find(|event| event.kind == EventKind::ConferenceJoined).unwrap();
        let is_first = |part: &Part| joined.address.as_deref() == Some(part.address);
        assert!(first.iter().any(is_first), "{joined:?}");
        scene.until_transfer("joined").await;
        scene.until_in_room(3).await;
        scene.hangs_up(ALICE).await;
        scene.ends_handed_over().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_private_a_customer_hears_neither_ringing_nor_a_mailbox() {
    let scene = talking().await;
    scene.will(DANA, "voicemail").await;
    scene.transfer("agent:dana", "private_first").await;
    scene.until_transfer("joined").await;
    scene.told(ALICE, "leave a message").await;
    scene.ask("transfer/cancel").await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer"), (DANA, "off")]).await;
    assert_eq!(scene.company(CUSTOMER), "Alice > - > Alice");
    // However quick the cancellation was, no ringing and no greeting.
    let besides = scene.heard_besides_people(CUSTOMER);
    assert!(
        besides.iter().all(|heard| ["“One moment please.”", "music"].contains(&heard.as_str())),
        "{besides:?}"
    );
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["cancelled"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_after_the_transfer_was_taken_back_is_ended() {
    let scene = talking().await;
    scene.will(DANA, "manual").await;
    scene.transfer("agent:dana", "with_customer").await;
    scene.until_transfer("ringing").await;
    scene.until_in_room(2).await;
    scene.goes_wrong(json!({ "rest": [late(CALL_UPDATE, 1)] })).await;
    scene.ask("transfer/cancel").await;
    scene.stage().phones.answer(DANA).await.unwrap();
    scene.until_phone(DANA, EventKind::Ended).await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer"), (DANA, "off")]).await;
    let asked = scene.asked_about(DANA);
    assert!(asked.iter().any(|it| field(it, "Status") == ["completed"]), "{asked:?}");
    assert!(!asked.iter().any(|it| field(it, "Status") == ["canceled"]), "{asked:?}");
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["cancelled"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_removed_by_ending_their_call() {
    let scene = introduced().await;
    scene.ask("participants/second_agent/remove").await;
    scene.until(&[(CUSTOMER, "Alice"), (ALICE, "Customer"), (DANA, "off")]).await;
    let is_of_member = |it: &&RequestRecord| it.path.contains("/Participants/");
    let requests = scene.stage().emulator.requests();
    assert!(requests.iter().filter(is_of_member).all(|it| field(it, "Status").is_empty()));
    let farewells = scene.asked_about(DANA).into_iter().filter(|it| it.path.contains("/Calls/"));
    assert_eq!(farewells.map(|it| it.status).collect::<Vec<_>>(), [Some(200)]);
    scene.hangs_up(CUSTOMER).await;
    scene.ends("customer hung_up", &["cancelled"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_url_that_twilio_is_given_is_absolute() {
    let scene = talking().await;
    let how = json!({ "to": "agent:dana", "style": "private_first", "require_accept": true });
    scene.transfer_with(how).await;
    scene.told(DANA, "Press 1").await;
    scene.presses(DANA, "1").await;
    scene.until_transfer("joined").await;
    scene.ask("participants/second_agent/hold").await;
    scene.until(&[(DANA, "music")]).await;
    scene.ask("transfer/complete").await;
    scene.until(&[(CUSTOMER, "Dana"), (DANA, "Customer"), (ALICE, "off")]).await;
    let ours = scene.stage().crm.base_url().to_owned();
    let requests = scene.stage().emulator.requests();
    let given: Vec<(String, String)> = requests.into_iter().flat_map(|it| it.form).collect();
    assert!(given.iter().all(|(name, _)| name != "Twiml"), "no document is sent inline");
    let is_url = |name: &str| name.ends_with("Url") || name.ends_with("StatusCallback");
    let urls = given.into_iter().filter(|(name, _)| is_url(name)).map(|(_, value)| value);
    let urls: Vec<String> = urls.chain(scene.documents().iter().flat_map(|text| urls_in(text))).collect();
    assert!(urls.len() > 20, "{urls:?}");
    for url in urls {
        assert!(url.starts_with(&ours), "{url}");
    }
    scene.ends_handed_over().await;
}

/// A `<Redirect>` without a URL is the same document once more.
fn urls_in(document: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(document).unwrap();
    let mut urls = Vec::new();
    for element in document.descendants().filter(roxmltree::Node::is_element) {
        let named = ["action", "waitUrl", "statusCallback", "url"].into_iter();
        urls.extend(named.filter_map(|name| element.attribute(name)).map(str::to_owned));
        let is_link = element.tag_name().name() == "Redirect";
        urls.extend(element.text().filter(|_| is_link).map(str::to_owned));
    }
    urls
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_enter_the_room_is_told_and_holds_up_nobody() {
    let scene = talking().await;
    scene.will(DANA, "manual").await;
    scene.goes_wrong(json!({ "webhooks": [{ "match": "/twiml/wait", "drop": true }] })).await;
    scene.transfer("agent:dana", "with_customer").await;
    scene.until(&[(CUSTOMER, "off"), (ALICE, "off"), (DANA, "off")]).await;
    scene.told(CUSTOMER, "The call has ended").await;
    scene.ends("customer hung_up", &[ABANDONED]).await;
}
