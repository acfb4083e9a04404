//! A story told line by line: what people do, and what everybody must then be hearing. It ends with every promise checked.
//!
//! What a person hears is written as the names of who is heard, `music`, `ringing` or a “sentence”, with commas; `silence`;
//! or `off` for whoever is not on the phone.

use std::time::Duration;

use serde_json::{Value, json};
use warm_transfer::demo::{
    CUSTOMER, FIRST_AGENT, Part, SECOND_AGENT, Stage, StageOptions, THIRD_AGENT, broken_promises,
};
use warm_transfer::emulator::{EventKind, Heard, Span, Switches, as_text};

use super::records::{kept_in_full, twiml_is_sound};
use super::{Theatre, theatre, with};

pub const ALICE: Part = FIRST_AGENT;
pub const DANA: Part = SECOND_AGENT;
pub const KIM: Part = THIRD_AGENT;

const EVERYBODY: [Part; 4] = [ALICE, CUSTOMER, DANA, KIM];
/// How long every phone rings, in seconds; Twilio adds 5.
pub const RING_SECS: u32 = 10;
/// How long, in real time, any one thing may take to happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// What people hear changes between events too: a sentence ends.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A call under way.
pub struct Scene {
    theatre: Theatre,
    call: String,
    may_ring_twice: Vec<Part>,
}

impl Scene {
    /// A call has been asked for; everybody's phone would be answered.
    pub async fn placed(bridge: &str, settings: &[(&str, &str)], phones: &[(Part, &str)]) -> Self {
        Self::placed_with(bridge, settings, phones, Switches::default()).await
    }

    async fn placed_with(
        bridge: &str,
        settings: &[(&str, &str)],
        phones: &[(Part, &str)],
        switches: Switches,
    ) -> Self {
        let settings = settings.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let theatre = theatre(StageOptions { settings, ..with(switches) }).await;
        for part in EVERYBODY {
            theatre.stage.phones.will(part, "answer", 1000).await.unwrap();
        }
        for (part, behaviour) in phones {
            theatre.stage.phones.will(*part, behaviour, 1000).await.unwrap();
        }
        let call = theatre.stage.crm.place_on(Some(bridge), RING_SECS).await.unwrap();
        Self { theatre, call, may_ring_twice: vec![] }
    }

    /// First agent and customer talk.
    pub async fn talking(bridge: &str, settings: &[(&str, &str)]) -> Self {
        Self::talking_with(bridge, settings, Switches::default()).await
    }

    /// The same, with Twilio as the switches say.
    pub async fn talking_with(bridge: &str, settings: &[(&str, &str)], switches: Switches) -> Self {
        let scene = Self::placed_with(bridge, settings, &[], switches).await;
        let status = if bridge == "room" { "in_room" } else { "connected" };
        scene.stage().crm.wait_for_status(&scene.call, status).await.unwrap();
        scene.until(&[(ALICE, "Customer"), (CUSTOMER, "Alice")]).await;
        if bridge == "room" {
            scene.until_in_room(2).await;
        }
        scene
    }

    pub fn stage(&self) -> &Stage {
        &self.theatre.stage
    }

    /// This person is rung again in this story, by another request or the site's choice.
    pub fn may_ring_twice(mut self, part: Part) -> Self {
        self.may_ring_twice.push(part);
        self
    }

    pub async fn will(&self, part: Part, behaviour: &str) {
        self.stage().phones.will(part, behaviour, 1000).await.unwrap();
    }

    /// Asks for a second agent in this way.
    pub async fn transfer(&self, to: &str, style: &str) {
        self.transfer_with(json!({ "to": to, "style": style })).await;
    }

    pub async fn transfer_with(&self, mut how: Value) {
        how["ring_timeout_secs"] = RING_SECS.into();
        self.stage().crm.ask(&self.call, "transfer", Some(how)).await.unwrap();
    }

    /// Asks something that must be accepted.
    pub async fn ask(&self, action: &str) {
        self.stage().crm.ask(&self.call, action, None).await.unwrap();
    }

    /// Asks something that must be refused with this code.
    pub async fn refused(&self, action: &str, code: &str) {
        let path = format!("/api/v1/calls/{}/{action}", self.call);
        let body = (action == "transfer").then(|| json!({ "to": "agent:dana" }));
        let (status, problem) = self.stage().crm.send("POST", &path, body).await.unwrap();
        assert_eq!((status, problem["code"].as_str()), (409, Some(code)), "{action}");
    }

    pub async fn hangs_up(&self, part: Part) {
        self.stage().phones.hang_up(part).await.unwrap();
    }

    pub async fn presses(&self, part: Part, digits: &str) {
        self.stage().phones.press(part, digits).await.unwrap();
    }

    /// The last transfer gets so far.
    pub async fn until_transfer(&self, status: &str) {
        self.stage().crm.wait_for_transfer(&self.call, status).await.unwrap();
    }

    /// The service knows of so many people in the room.
    pub async fn until_in_room(&self, count: usize) {
        let present = |call: &Value| {
            let legs = call["legs"].as_array().map(Vec::as_slice).unwrap_or_default();
            legs.iter().filter(|leg| leg["in_room"] == true).count()
        };
        let what = format!("{count} are in the room");
        self.stage().crm.wait(&self.call, &what, |call| present(call) == count).await.unwrap();
    }

    /// The service says this of whoever has the role.
    pub async fn until_leg(&self, role: &str, field: &str, value: impl Into<Value>) {
        let value = value.into();
        let of_role = |call: &Value| {
            let legs = call["legs"].as_array().map(Vec::as_slice).unwrap_or_default();
            legs.iter().rfind(|leg| leg["role"] == role).cloned().unwrap_or_default()
        };
        let what = format!("{role}'s {field} is {value}");
        self.stage().crm.wait(&self.call, &what, |call| of_role(call)[field] == value).await.unwrap();
    }

    /// Everybody named hears exactly this, at the same time.
    pub async fn until(&self, hearing: &[(Part, &str)]) {
        self.look(&format!("{:?}", hearing.iter().map(|it| (it.0.name, it.1)).collect::<Vec<_>>()), || {
            let (now_ms, spans) = (self.stage().emulator.now_ms(), self.all_spans());
            hearing.iter().all(|(part, sounds)| hears_now(&spans(*part), now_ms) == *sounds)
        })
        .await;
    }

    /// This person has heard words with this in it.
    pub async fn told(&self, part: Part, words: &str) {
        self.told_times(part, words, 1).await;
    }

    /// This person has heard them so many times.
    pub async fn told_times(&self, part: Part, words: &str, times: usize) {
        let what = format!("{} is told {words:?} {times} times", part.name);
        self.look(&what, || self.times_told(part, words) >= times).await;
    }

    /// The phone rings, has been answered, is busy …
    pub async fn until_phone(&self, part: Part, kind: EventKind) {
        let what = format!("{}: {kind}", part.name);
        self.look(&what, || self.count(part, kind) > 0).await;
    }

    async fn look(&self, what: &str, is_so: impl Fn() -> bool) {
        let mut events = self.stage().emulator.subscribe();
        let looking = async {
            while !is_so() {
                drop(tokio::time::timeout(LOOK_AGAIN, events.recv()).await);
            }
        };
        if tokio::time::timeout(PATIENCE, looking).await.is_err() {
            panic!("waited too long until {what}\n{}", self.account());
        }
    }

    /// Everything there is to know, for whoever has to find out what went wrong.
    fn account(&self) -> String {
        let now_ms = self.stage().emulator.now_ms();
        let spans = self.all_spans();
        let hearing = EVERYBODY.map(|part| format!("{}: {}\n", part.name, hears_now(&spans(part), now_ms)));
        format!("{}{}", hearing.concat(), as_text(&self.stage().emulator.timeline()))
    }

    fn all_spans(&self) -> impl Fn(Part) -> Vec<Span> + use<> {
        let people = self.stage().emulator.audibility().people;
        move |part| {
            let person = people.iter().find(|person| person.address == part.address);
            person.map(|person| person.spans.clone()).unwrap_or_default()
        }
    }

    fn count(&self, part: Part, kind: EventKind) -> usize {
        let is_it = |address: &Option<String>| address.as_deref() == Some(part.address);
        let timeline = self.stage().emulator.timeline();
        timeline.iter().filter(|event| event.kind == kind && is_it(&event.address)).count()
    }

    pub fn rang(&self, part: Part) -> usize {
        self.count(part, EventKind::Dialled)
    }

    pub fn times_told(&self, part: Part, words: &str) -> usize {
        let is_said = |heard: &Heard| matches!(heard, Heard::Speech { text } if text.contains(words));
        let said: Vec<bool> =
            self.all_spans()(part).iter().map(|span| span.hears.iter().any(is_said)).collect();
        // One sentence may last for several spans.
        (0..said.len()).filter(|at| said[*at] && (*at == 0 || !said[at - 1])).count()
    }

    /// Whom this person has heard so far, in order: `Alice > - > Dana`, where `-` is nobody.
    pub fn company(&self, part: Part) -> String {
        company(self.all_spans()(part).iter().map(|span| &span.hears))
    }

    /// What else this person has heard so far: music, ringing, sentences; each once, in order.
    pub fn heard_besides_people(&self, part: Part) -> Vec<String> {
        let spans = self.all_spans()(part);
        let others = spans.iter().flat_map(|span| &span.hears);
        let mut heard = Vec::new();
        for other in others.filter(|heard| !matches!(heard, Heard::Person { .. })).map(sound) {
            if !heard.contains(&other) {
                heard.push(other);
            }
        }
        heard
    }

    /// The call ends, so: who and why, and what became of each transfer, with its detail. Nobody was rung twice, and every
    /// promise was kept.
    pub async fn ends(self, how: &str, transfers: &[&str]) {
        let call = self.stage().crm.wait_for_status(&self.call, "ended").await;
        let call = call.unwrap_or_else(|error| panic!("{error:#}\n{}", self.account()));
        let found = format!("{} {}", word(&call["ended_by"]), word(&call["end_reason"]));
        assert_eq!(found, how, "{}", self.account());
        let found: Vec<String> = call["transfers"].as_array().unwrap().iter().map(outcome).collect();
        assert_eq!(found, transfers, "{}", self.account());
        for part in EVERYBODY {
            let is_once = self.rang(part) <= 1 || self.may_ring_twice.contains(&part);
            assert!(is_once, "{} was rung twice\n{}", part.name, self.account());
        }
        kept_in_full(self.stage()).await;
        twiml_is_sound(self.stage());
        let broken = broken_promises(self.stage(), &self.call).await.unwrap();
        assert!(broken.is_empty(), "{broken:#?}\n{}", self.account());
        self.strike().await;
    }

    /// Stops everything.
    pub async fn strike(self) {
        self.theatre.stage.strike().await.unwrap();
    }
}

/// Who is heard in these spans, in order.
pub fn company<'a>(hears: impl Iterator<Item = &'a Vec<Heard>>) -> String {
    let mut heard: Vec<String> = hears.map(|hears| people(hears)).collect();
    heard.dedup();
    let heard = heard.join(" > ");
    heard.trim_start_matches("- > ").trim_end_matches(" > -").to_owned()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// `failed busy: Dana is busy`, or `completed`.
fn outcome(transfer: &Value) -> String {
    let status = word(&transfer["status"]);
    match (transfer["failure"].as_str(), transfer["failure_detail"].as_str()) {
        (Some(failure), Some(detail)) => format!("{status} {failure}: {detail}"),
        _ => status.to_owned(),
    }
}

fn hears_now(spans: &[Span], now_ms: u64) -> String {
    let Some(last) = spans.last().filter(|span| span.to_ms >= now_ms) else { return "off".into() };
    let sounds: Vec<String> = last.hears.iter().map(sound).collect();
    if sounds.is_empty() { "silence".into() } else { sounds.join(", ") }
}

fn people(hears: &[Heard]) -> String {
    let people: Vec<String> =
        hears.iter().filter(|heard| matches!(heard, Heard::Person { .. })).map(sound).collect();
    if people.is_empty() { "-".into() } else { people.join(", ") }
}

fn sound(heard: &Heard) -> String {
    match heard {
        Heard::Person { who } => {
            let part = EVERYBODY.iter().find(|part| part.address == who);
            part.map_or(who.clone(), |part| part.name.to_owned())
        }
        Heard::Music => "music".into(),
        Heard::Speech { text } => format!("“{text}”"),
        Heard::Ringing => "ringing".into(),
        Heard::Tone => "a tone".into(),
    }
}
