//! One call from the first dial to the last hang-up, played step by step: the CRM over HTTP, the people on their phones. It
//! waits for facts only, so that it can be played on a slow machine and while things go wrong.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use warm_transfer::demo::{CUSTOMER, FIRST_AGENT, Part, SECOND_AGENT, Stage};
use warm_transfer::emulator::{
    Behaviour, Emulator, EventKind, Heard, PersonAction, PhonePlan, TimelineEvent,
};

/// Whose line is busy.
const BUSY: Part = Part { role: "second_agent", name: "Eve", address: "+15550100103" };
/// Who is not needed after all.
const UNNEEDED: Part = Part { role: "second_agent", name: "Frank", address: "+15550100104" };
/// How long, in real time, any one thing may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// What changes no call and no phone is looked for so often.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Longest silence of the customer, in milliseconds of the stage: the wait document begins with a second's pause.
const SILENCE_MS: u64 = 2_000;
/// By when every other leg has ended, once the customer has gone, likewise.
const TOLD_MS: u64 = 10_000;
/// How long the claims of a process that died last, and how long it takes to start another, in real milliseconds.
const LEASE_MS: u64 = 13_000;
/// How long the machine may hold things up, in real milliseconds.
const MACHINE_MS: u64 = 500;

/// What has been reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Placed,
    AgentRings,
    CustomerRings,
    Connected,
    BusyLine,
    Cancelled,
    Held,
    Resumed,
    Muted,
    Unmuted,
    Asked,
    SecondRings,
    SecondAnswered,
    AtGate,
    Together,
    Completing,
    HandedOver,
    Over,
}

/// Which tale it is.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    style: &'static str,
    has_gate: bool,
    has_detours: bool,
}

/// Everybody hears everybody.
pub const STRAIGHT: Plan = Plan { style: "with_customer", has_gate: false, has_detours: false };
/// The customer hears music while the agents talk; the second agent must accept first.
pub const PRIVATE: Plan = Plan { style: "private_first", has_gate: true, has_detours: false };
/// With a busy line, a transfer that is taken back, a hold and a mute before: every request to Twilio that there is.
pub const TOUR: Plan = Plan { has_detours: true, ..PRIVATE };

impl Plan {
    /// In order.
    pub fn steps(self) -> Vec<Step> {
        use Step::*;
        let detours = [BusyLine, Cancelled, Held, Resumed, Muted, Unmuted];
        let begin = [Placed, AgentRings, CustomerRings, Connected];
        let detours = detours.into_iter().filter(|_| self.has_detours);
        let gate = Some(AtGate).filter(|_| self.has_gate);
        let transfer = [Asked, SecondRings, SecondAnswered].into_iter().chain(gate);
        let end = [Together, Completing, HandedOver, Over];
        begin.into_iter().chain(detours).chain(transfer).chain(end).collect()
    }
}

/// A call being played.
pub struct Tale<'a> {
    pub emulator: &'a Emulator,
    events: Receiver<TimelineEvent>,
    http: reqwest::Client,
    url: String,
    key: String,
    plan: Plan,
    speed: f64,
    /// What the dead may have left undone for so long, in real milliseconds.
    lease_ms: u64,
    /// That the customer hung up can be known for certain.
    has_proof: bool,
    call: String,
    /// How often the CRM has asked for something: each wish has a key of its own.
    wishes: u32,
}

impl<'a> Tale<'a> {
    /// Of a service that stands at this URL.
    pub fn new(emulator: &'a Emulator, speed: f64, url: &str, key: &str, plan: Plan) -> Self {
        for part in [FIRST_AGENT, CUSTOMER, SECOND_AGENT, UNNEEDED] {
            will(emulator, part, Behaviour::Manual);
        }
        will(emulator, BUSY, Behaviour::Busy);
        let (events, http) =
            (emulator.subscribe(), warm_transfer::twilio::http_client(PATIENCE, PATIENCE).unwrap());
        let (url, key) = (url.to_owned(), key.to_owned());
        Self {
            emulator,
            events,
            http,
            url,
            key,
            plan,
            speed,
            lease_ms: 0,
            has_proof: true,
            call: String::new(),
            wishes: 0,
        }
    }

    /// Of the service on this stage.
    pub fn on(stage: &'a Stage, plan: Plan) -> Self {
        Self::new(&stage.emulator, stage.speed, stage.crm.base_url(), stage.crm.key(), plan)
    }

    /// A copy of the service is killed: what it had claimed is another's only after its lease, and what was not heard
    /// meanwhile may have been the only proof of who hung up.
    pub fn with_deaths(mut self, loses_callbacks: bool) -> Self {
        self.lease_ms = LEASE_MS;
        self.has_proof = !loses_callbacks;
        self
    }

    /// From beginning to end.
    pub async fn play(&mut self) {
        for step in self.plan.steps() {
            self.take(step).await;
        }
        self.judge().await;
    }

    /// Does what leads to this step, and waits until it is reached.
    pub async fn take(&mut self, step: Step) {
        match step {
            Step::Placed => self.place().await,
            Step::AgentRings => self.rings(FIRST_AGENT).await,
            Step::CustomerRings => {
                self.answers(FIRST_AGENT);
                self.rings(CUSTOMER).await;
            }
            Step::Connected => {
                self.answers(CUSTOMER);
                self.until("they are connected", |call| call["status"] == "connected").await;
            }
            Step::BusyLine => {
                self.transfer(BUSY, "with_customer", false).await;
                self.until("the line is busy", transfer_is("failed")).await;
                self.happens("the customer is told", |tale| tale.is_told(BUSY)).await;
            }
            Step::Cancelled => self.takes_back().await,
            Step::Held => {
                self.ask("participants/customer/hold", None).await;
                self.happens("music", |tale| tale.hears(CUSTOMER).contains(&Heard::Music)).await;
            }
            Step::Resumed => {
                self.ask("participants/customer/resume", None).await;
                self.happens("the agent is heard", |tale| tale.hears_person(CUSTOMER, FIRST_AGENT)).await;
            }
            Step::Muted => {
                self.ask("participants/first_agent/mute", None).await;
                self.happens("the agent is muted", |tale| !tale.hears_person(CUSTOMER, FIRST_AGENT)).await;
            }
            Step::Unmuted => {
                self.ask("participants/first_agent/unmute", None).await;
                self.happens("the agent is heard", |tale| tale.hears_person(CUSTOMER, FIRST_AGENT)).await;
            }
            Step::Asked => self.transfer(SECOND_AGENT, self.plan.style, self.plan.has_gate).await,
            Step::SecondRings => self.rings(SECOND_AGENT).await,
            Step::SecondAnswered => self.answers(SECOND_AGENT),
            Step::AtGate => {
                let asked = |tale: &Self| tale.count(SECOND_AGENT, EventKind::TwimlVerb, "<Gather>") > 0;
                self.happens("the second agent is asked", asked).await;
            }
            Step::Together => self.come_together().await,
            Step::Completing => self.ask("transfer/complete", None).await,
            Step::HandedOver => {
                self.until("it is handed over", transfer_is("completed")).await;
                self.happens("they talk", |tale| tale.hears_person(CUSTOMER, SECOND_AGENT)).await;
            }
            Step::Over => self.ends().await,
        }
    }

    async fn place(&mut self) {
        let body = json!({
            "agent": FIRST_AGENT.address, "customer": CUSTOMER.address, "ring_timeout_secs": 600
        });
        let placed = self.send("/api/v1/calls", Some(&body)).await;
        self.call = placed["id"].as_str().unwrap_or_else(|| panic!("{placed}")).to_owned();
    }

    async fn transfer(&mut self, to: Part, style: &str, must_accept: bool) {
        let body = json!({ "to": to.address, "style": style, "require_accept": must_accept, "ring_timeout_secs": 600 });
        self.ask("transfer", Some(&body)).await;
    }

    /// A second agent who is already there is told that they are not needed.
    async fn takes_back(&mut self) {
        self.transfer(UNNEEDED, "with_customer", false).await;
        self.rings(UNNEEDED).await;
        self.answers(UNNEEDED);
        self.until("they are three", transfer_is("joined")).await;
        self.ask("transfer/cancel", None).await;
        self.happens("they are two again", |tale| tale.is_gone(UNNEEDED)).await;
        self.until("they are two again", |call| transfer_is("cancelled")(call) && in_room(call) == 2).await;
    }

    async fn come_together(&mut self) {
        if self.plan.has_gate {
            self.act(SECOND_AGENT, PersonAction::Press("1".to_owned()));
        }
        self.until("the second agent has joined", transfer_is("joined")).await;
        let is_private = self.plan.style == "private_first";
        let listeners = if is_private { vec![FIRST_AGENT] } else { vec![FIRST_AGENT, CUSTOMER] };
        for who in listeners {
            self.happens("the second agent is heard", |tale| tale.hears_person(who, SECOND_AGENT)).await;
        }
        assert!(!is_private || !self.hears_person(CUSTOMER, SECOND_AGENT), "{}", self.so_far());
    }

    async fn ends(&mut self) {
        self.act(CUSTOMER, PersonAction::HangUp);
        self.until("it is over", |call| call["status"] == "ended").await;
        let gone = |tale: &Self| [FIRST_AGENT, CUSTOMER, SECOND_AGENT].iter().all(|part| tale.is_gone(*part));
        self.happens("everybody has gone", gone).await;
    }

    // What people do and meet.

    fn act(&self, who: Part, action: PersonAction) {
        self.emulator.act(who.address, &action).unwrap_or_else(|error| panic!("{error}\n{}", self.so_far()));
    }

    fn answers(&self, who: Part) {
        self.act(who, PersonAction::Answer);
    }

    async fn rings(&mut self, who: Part) {
        self.happens("it rings", |tale| tale.count(who, EventKind::Ringing, "") > 0).await;
    }

    fn count(&self, who: Part, kind: EventKind, detail: &str) -> usize {
        let is_it = |event: &&TimelineEvent| {
            event.address.as_deref() == Some(who.address)
                && event.kind == kind
                && event.detail.contains(detail)
        };
        self.emulator.timeline().iter().filter(is_it).count()
    }

    fn is_gone(&self, who: Part) -> bool {
        self.count(who, EventKind::Ended, "") == self.count(who, EventKind::Answered, "")
    }

    /// What they hear now, or heard last.
    fn hears(&self, who: Part) -> Vec<Heard> {
        let people = self.emulator.audibility().people;
        let person = people.into_iter().find(|person| person.address == who.address);
        person.and_then(|mut person| person.spans.pop()).map(|span| span.hears).unwrap_or_default()
    }

    fn hears_person(&self, who: Part, whom: Part) -> bool {
        self.hears(who).contains(&Heard::Person { who: whom.address.to_owned() })
    }

    fn is_told(&self, of: Part) -> bool {
        // Whoever is no name in the directory is called by their address.
        let is_it = |heard: &Heard| matches!(heard, Heard::Speech { text } if text.contains("busy"));
        let people = self.emulator.audibility().people;
        let customer = people.iter().find(|person| person.address == CUSTOMER.address);
        let spans = customer.into_iter().flat_map(|person| &person.spans);
        of == BUSY && spans.flat_map(|span| &span.hears).any(is_it)
    }

    // What the CRM does and sees.

    async fn ask(&mut self, action: &str, body: Option<&Value>) {
        self.send(&format!("/api/v1/calls/{}/{action}", self.call), body).await;
    }

    /// Until it is taken: while the database is away, the answer is to come back later. What was taken and not answered,
    /// because who took it was killed, is answered the second time; what such a one had only begun, once its claim is over.
    async fn send(&mut self, path: &str, body: Option<&Value>) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        self.wishes += 1;
        let key = format!("wish-{}", self.wishes);
        loop {
            let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.key);
            let request = request.header("Idempotency-Key", &key);
            let request = match body {
                Some(body) => request.json(body),
                None => request,
            };
            let (status, text) = match request.send().await {
                Ok(response) => (response.status().as_u16(), response.text().await.unwrap_or_default()),
                Err(error) => (503, error.to_string()),
            };
            match status {
                409 if text.contains("request_in_progress") => self.something_happens().await,
                200..300 | 409 => return serde_json::from_str(&text).unwrap_or_default(),
                503 => self.something_happens().await,
                _ => panic!("{path}: {status} {text}"),
            }
            assert!(tokio::time::Instant::now() < deadline, "{path}: {status} {text}");
        }
    }

    /// The call as the API shows it; null while it cannot.
    async fn call(&self) -> Value {
        let url = format!("{}/api/v1/calls/{}", self.url, self.call);
        match self.http.get(url).bearer_auth(&self.key).send().await {
            Ok(response) if response.status().is_success() => response.json().await.unwrap_or_default(),
            _ => Value::Null,
        }
    }

    async fn something_happens(&mut self) {
        drop(tokio::time::timeout(LOOK_AGAIN, self.events.recv()).await);
    }

    async fn until(&mut self, what: &str, is_so: impl Fn(&Value) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let call = self.call().await;
            if is_so(&call) {
                return;
            }
            let is_late = tokio::time::Instant::now() > deadline;
            assert!(!is_late, "waited too long until {what}: {call:#}\n{}", self.so_far());
            self.something_happens().await;
        }
    }

    async fn happens(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !is_so(self) {
            let is_late = tokio::time::Instant::now() > deadline;
            assert!(!is_late, "waited too long until {what}\n{}", self.so_far());
            self.something_happens().await;
        }
    }

    fn so_far(&self) -> String {
        warm_transfer::emulator::as_text(&self.emulator.timeline())
    }

    // What must be true of it in the end.

    pub async fn judge(&self) {
        let call = self.call().await;
        let found = [
            self.unexpected(&call),
            self.dialled_twice(),
            self.silences(),
            self.outlived(),
            self.endings(&call).await,
        ];
        let violations: Vec<String> = found.concat();
        assert_eq!(violations, [""; 0], "{call:#}\n{}", self.so_far());
    }

    fn unexpected(&self, call: &Value) -> Vec<String> {
        let transfer = call["transfers"].as_array().and_then(|list| list.last()).cloned().unwrap_or_default();
        let found = [&call["status"], &call["end_reason"], &transfer["status"]];
        let by = call["ended_by"].as_str().unwrap_or_default();
        let is_right_by = by == "customer" || (!self.has_proof && by == "second_agent");
        let is_right = found == ["ended", "hung_up", "completed"] && is_right_by;
        if is_right { vec![] } else { vec![format!("it ended as {found:?} by {by}")] }
    }

    /// I1. What the machine is late with, it is late with for everybody: the slowest of its answers is the measure.
    fn silences(&self) -> Vec<String> {
        let slowest = self.emulator.webhooks().iter().map(|it| it.duration_ms).max().unwrap_or_default();
        let bound_ms = SILENCE_MS + self.on_stage(MACHINE_MS + slowest);
        let people = self.emulator.audibility().people;
        let customer = people.iter().find(|person| person.address == CUSTOMER.address);
        let spans = customer.into_iter().flat_map(|person| &person.spans);
        let silent = spans.filter(|span| span.hears.is_empty() && span.to_ms - span.from_ms > bound_ms);
        silent.map(|span| format!("I1: silence from {} to {} ms", span.from_ms, span.to_ms)).collect()
    }

    fn on_stage(&self, real_ms: u64) -> u64 {
        (real_ms as f64 * self.speed) as u64
    }

    /// I2.
    fn dialled_twice(&self) -> Vec<String> {
        let everybody = [FIRST_AGENT, CUSTOMER, SECOND_AGENT, BUSY, UNNEEDED];
        let twice = everybody.into_iter().filter(|part| self.count(*part, EventKind::Dialled, "") > 1);
        twice.map(|part| format!("I2: {} was dialled twice", part.name)).collect()
    }

    /// I3.
    fn outlived(&self) -> Vec<String> {
        let end_of = |part: Part| {
            let is_end = |event: &&TimelineEvent| {
                event.address.as_deref() == Some(part.address) && event.kind == EventKind::Ended
            };
            self.emulator.timeline().iter().rfind(is_end).map_or(0, |event| event.at_ms)
        };
        let bound_ms = end_of(CUSTOMER) + TOLD_MS + self.on_stage(MACHINE_MS + self.lease_ms);
        let late = [FIRST_AGENT, SECOND_AGENT].into_iter().filter(|part| end_of(*part) > bound_ms);
        late.map(|part| format!("I3: {} outlived the customer", part.name)).collect()
    }

    /// I5, and every event of the timeline once.
    async fn endings(&self, call: &Value) -> Vec<String> {
        let url = format!("{}/api/v1/calls/{}/events?limit=200", self.url, self.call);
        let page = self.http.get(url).bearer_auth(&self.key).send().await.unwrap();
        let page: Value = page.json().await.unwrap();
        let events = page["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ended = events.iter().filter(|event| event["kind"] == "call.ended").count();
        if ended == 1 { vec![] } else { vec![format!("I5: it ended {ended} times: {call}")] }
    }
}

fn will(emulator: &Emulator, who: Part, behaviour: Behaviour) {
    emulator.set_phone(who.address, vec![PhonePlan { behaviour, ..PhonePlan::answer() }]).unwrap();
}

fn transfer_is(status: &str) -> impl Fn(&Value) -> bool {
    move |call| {
        let last = call["transfers"].as_array().and_then(|list| list.last());
        last.is_some_and(|transfer| transfer["status"] == status)
    }
}

fn in_room(call: &Value) -> usize {
    let legs = call["legs"].as_array().map(Vec::as_slice).unwrap_or_default();
    legs.iter().filter(|leg| leg["in_room"] == true).count()
}
