//! Tables of the rules, on virtual time: a scripted application answers the engine's webhooks at once.

mod applications;
mod conferences;
mod determinism;
mod dial;
mod documents;
mod hostile;
mod participants;
mod phones;
mod progress;
mod queues;
mod rules;
mod transfer;
mod voice;

use std::collections::BTreeMap;

use super::super::rest::{RestAnswer, RestRequest, handle};
use super::*;

pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub(crate) const AGENT: &str = "+15550100001";
pub(crate) const CUSTOMER: &str = "+15550100002";
pub(crate) const SECOND: &str = "+15550100003";
pub(crate) const NUMBER: &str = "+15550100000";

/// The engine with an application that answers each path with one document.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) answers: BTreeMap<String, HttpOutcome>,
    pub(crate) sent: Vec<(u64, HttpRequest)>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::seeded(1)
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        let options = EngineOptions {
            account_sid: ACCOUNT.parse().unwrap(),
            seed,
            epoch: DateTime::from_timestamp(1_750_000_000, 0).unwrap(),
            switches: Switches::default(),
        };
        Self { engine: Engine::new(options), answers: BTreeMap::new(), sent: Vec::new() }
    }

    /// The application answers this path with these verbs.
    pub(crate) fn twiml(&mut self, path: &str, verbs: &str) -> &mut Self {
        self.reply(path, 200, "text/xml", &format!("<Response>{verbs}</Response>"))
    }

    pub(crate) fn reply(&mut self, path: &str, status: u16, content_type: &str, body: &str) -> &mut Self {
        let outcome = HttpOutcome::Answer {
            status,
            content_type: Some(content_type.to_owned()),
            body: body.as_bytes().to_vec(),
        };
        self.answers.insert(path.to_owned(), outcome);
        self
    }

    pub(crate) fn phone(&mut self, address: &str, behaviour: Behaviour) -> &mut Self {
        let plan = PhonePlan { behaviour, ..PhonePlan::answer() };
        self.engine.phones.set(address, vec![plan]);
        self
    }

    /// Lets time pass, answering webhooks as they come.
    pub(crate) fn pass(&mut self, ms: u64) {
        let target = self.engine.now_ms() + ms;
        loop {
            for request in self.engine.take_requests() {
                let path = url::Url::parse(&request.url).unwrap().path().to_owned();
                let nothing = HttpOutcome::Answer {
                    status: if request.kind.is_callback() { 204 } else { 404 },
                    content_type: None,
                    body: Vec::new(),
                };
                let outcome = self.answers.get(&path).cloned().unwrap_or(nothing);
                self.sent.push((self.engine.now_ms(), request.clone()));
                self.engine.http_answer(request.id, &outcome);
            }
            match self.engine.next_due_ms() {
                _ if self.engine.has_requests() => {}
                Some(due) if due <= target => self.engine.advance(due),
                _ => break,
            }
        }
        self.engine.advance(target);
    }

    pub(crate) fn rest(&mut self, method: &str, path: &str, form: &[(&str, &str)]) -> RestAnswer {
        let pairs: Vec<(String, String)> =
            form.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let (query, form) = if method == "GET" { (pairs, Vec::new()) } else { (Vec::new(), pairs) };
        let path = format!("/2010-04-01/Accounts/{ACCOUNT}/{path}.json");
        let answer = handle(&mut self.engine, &RestRequest { method: method.into(), path, query, form });
        self.pass(0);
        answer
    }

    /// Calls somebody from our number, with `/start`.
    pub(crate) fn call(&mut self, to: &str) -> String {
        let events = ["initiated", "ringing", "answered", "completed"].map(|e| ("StatusCallbackEvent", e));
        let mut form = vec![
            ("To", to),
            ("From", NUMBER),
            ("Url", "http://app/start"),
            ("StatusCallback", "http://app/status"),
        ];
        form.extend(events);
        let answer = self.rest("POST", "Calls", &form);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body.unwrap()["sid"].as_str().unwrap().to_owned()
    }

    /// The latest leg of an address.
    pub(crate) fn leg(&self, address: &str) -> &calls::Call {
        self.engine.calls.iter().rev().find(|(_, c)| c.person() == address).unwrap().1
    }

    pub(crate) fn sid(&self, address: &str) -> String {
        self.leg(address).sid.to_string()
    }

    pub(crate) fn status(&self, address: &str) -> String {
        self.leg(address).status.to_string()
    }

    /// The paths requested so far, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.sent.iter().map(|(_, r)| url::Url::parse(&r.url).unwrap().path().to_owned()).collect()
    }

    /// The parameters of the latest request to a path.
    pub(crate) fn params(&self, path: &str) -> BTreeMap<String, String> {
        let request = self.requests(path).last().copied().unwrap_or_else(|| panic!("{path} not requested"));
        request.params.iter().cloned().collect()
    }

    pub(crate) fn requests(&self, path: &str) -> Vec<&HttpRequest> {
        let is = |r: &HttpRequest| url::Url::parse(&r.url).unwrap().path() == path;
        self.sent.iter().map(|(_, r)| r).filter(|r| is(r)).collect()
    }

    pub(crate) fn asked(&self, path: &str) -> bool {
        !self.requests(path).is_empty()
    }

    /// What somebody hears now.
    pub(crate) fn hears(&self, address: &str) -> Vec<Heard> {
        let audibility = self.engine.audibility();
        let person = audibility.people.into_iter().find(|p| p.address == address).unwrap();
        person.spans.last().unwrap().hears.clone()
    }

    pub(crate) fn hears_whom(&self, address: &str) -> Vec<String> {
        let who = |heard| match heard {
            Heard::Person { who } => who,
            Heard::Speech { text } => format!("\"{text}\""),
            other => format!("{other:?}").to_lowercase(),
        };
        self.hears(address).into_iter().map(who).collect()
    }

    /// Agent and customer talk over a `<Dial>` with an action; the customer's leg is the child.
    pub(crate) fn bridged() -> Self {
        Self::bridged_with("action=\"/action\"")
    }

    pub(crate) fn bridged_with(dial: &str) -> Self {
        let mut world = Self::new();
        world.dialled(dial);
        world
    }

    pub(crate) fn dialled(&mut self, dial: &str) {
        self.twiml("/start", &format!("<Dial {dial}><Number statusCallback=\"/child\" statusCallbackEvent=\"initiated ringing answered completed\">{CUSTOMER}</Number></Dial>"));
        self.twiml("/action", "<Say loop=\"0\">over</Say>");
        self.call(AGENT);
        self.pass(10_000);
    }
}
