//! Owns the requests under way: when they are sent, and whose turn an answer still belongs to.

use url::Url;

use super::Engine;
use super::calls::{CallId, Role};
use super::debugger::DebuggerLevel;
use super::http::{self, Delivery, HttpOutcome, HttpRequest, Link, Purpose, RequestId, RequestKind};
use super::timeline::EventKind;
use super::timers::Timer;
use super::twiml::TwimlError;

/// Verbs in a row that take no time before the emulator calls it a loop and ends it as an application error …
pub(super) const MAX_IDLE: u32 = 1_000;
/// … a document counts as this many.
pub(super) const IDLE_FETCH: u32 = 10;

/// A request that may have to wait a little; its parameters are those of the moment it is sent.
#[derive(Debug)]
pub(crate) struct Fetch {
    pub(crate) call: Option<CallId>,
    pub(crate) link: Link,
    pub(crate) kind: RequestKind,
    pub(crate) extra: Vec<(String, String)>,
    pub(crate) purpose: Purpose,
}

impl Engine {
    /// Asks for a document that the call will run; whatever the call was doing is over.
    pub(super) fn fetch_document(
        &mut self,
        call: CallId,
        link: Link,
        kind: RequestKind,
        extra: Vec<(String, String)>,
        delay_ms: u64,
    ) {
        let role = if kind == RequestKind::Whisper { Role::Whisper } else { Role::Main };
        self.fetch_to_run(call, link, kind, extra, delay_ms, role, true);
    }

    #[expect(clippy::too_many_arguments, reason = "one request, described once, by two callers")]
    pub(super) fn fetch_to_run(
        &mut self,
        call: CallId,
        link: Link,
        kind: RequestKind,
        extra: Vec<(String, String)>,
        delay_ms: u64,
        role: Role,
        fallback_left: bool,
    ) {
        let turn = self.wait(call);
        if self.idles(call, IDLE_FETCH) {
            return self.give_up(call, &link.url);
        }
        let purpose = Purpose::Run { call, turn, role, fallback_left };
        self.fetch_after(Fetch { call: Some(call), link, kind, extra, purpose }, delay_ms);
    }

    /// Counts what takes no time; whether it has been too much in a row.
    pub(super) fn idles(&mut self, call: CallId, weight: u32) -> bool {
        let idle = self.calls[call].idle + weight;
        let too_much = idle > MAX_IDLE;
        self.calls[call].idle = if too_much { 0 } else { idle };
        too_much
    }

    /// Asks for a document whose answer nobody will run.
    pub(super) fn fetch_and_discard(
        &mut self,
        call: CallId,
        link: Link,
        kind: RequestKind,
        extra: Vec<(String, String)>,
        delay_ms: u64,
    ) {
        let fetch = Fetch { call: Some(call), link, kind, extra, purpose: Purpose::Discard };
        self.fetch_after(fetch, delay_ms);
    }

    pub(super) fn fetch_after(&mut self, fetch: Fetch, delay_ms: u64) {
        if delay_ms == 0 {
            self.fetch_now(fetch);
        } else {
            self.timers.at(self.now_ms + delay_ms, Timer::Fetch(Box::new(fetch)));
        }
    }

    pub(super) fn fetch_now(&mut self, fetch: Fetch) {
        let Fetch { call, link, kind, mut extra, mut purpose } = fetch;
        if !self.is_current(&purpose) {
            // An action that was due when its leg hung up is asked all the same.
            let hung_up = call.is_some_and(|call| self.calls[call].is_ended());
            if kind != RequestKind::DialAction || !hung_up || !self.switches.action_when_parent_hangs_up {
                return;
            }
            purpose = Purpose::Discard;
        }
        let mut params = call.map(|call| self.voice_params(call)).unwrap_or_default();
        params.append(&mut extra);
        if let Some(reason) = unusable(&link.url) {
            let outcome = HttpOutcome::Failed { code: 11100, reason };
            self.answered_request(purpose, kind, &link.url, &outcome);
            return;
        }
        let detail = format!("{} {}", link.method, link.url);
        self.record(
            EventKind::TwimlRequested,
            call,
            detail,
            &[("url", &link.url), ("for", &kind.to_string()), ("webhook", &self.next_request())],
        );
        self.send(call, link, kind, params, Some(purpose));
    }

    /// The id of the request that is sent next, for the timeline's entry before it.
    pub(super) fn next_request(&self) -> String {
        (self.requests + 1).to_string()
    }

    /// Hands a request out.
    pub(super) fn send(
        &mut self,
        call: Option<CallId>,
        link: Link,
        kind: RequestKind,
        params: Vec<(String, String)>,
        purpose: Option<Purpose>,
    ) {
        self.requests += 1;
        let id = RequestId(self.requests);
        let bits = self.bits();
        self.asked.insert(id, (purpose.unwrap_or(Purpose::Discard), kind, link.url.clone(), call));
        let request = HttpRequest {
            id,
            kind,
            url: link.url,
            method: link.method,
            params,
            call_sid: call.map(|call| self.calls[call].sid.clone()),
            idempotency_token: uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string(),
            delivery: Delivery {
                token_on_first_attempt: self.switches.idempotency_token_on_first_attempt,
                redirect_keeps_parameters: self.switches.redirect_keeps_parameters,
                ..Delivery::default()
            },
        };
        self.post(request);
    }

    /// Hands a request out, or not quite: it may be lost, doubled, late or badly signed, if faults or switches say so.
    fn post(&mut self, mut request: HttpRequest) {
        let path = Url::parse(&request.url).map(|u| u.path().to_owned()).unwrap_or_default();
        let fault = self.faults.webhook(&path);
        let callback = request.kind.is_callback();
        let mut delay = fault.delay_ms;
        if fault.drop {
            return self.timers.at(self.now_ms.saturating_add(delay), Timer::Lost(request.id));
        }
        request.delivery.bad_signature = fault.bad_signature;
        let twice = callback && self.chance(self.switches.duplicated_callbacks_percent);
        if callback && self.chance(self.switches.late_callbacks_percent) {
            delay += self.between(200, 5_000);
        }
        let copy = (twice || fault.duplicate).then(|| {
            let mut copy = request.clone();
            copy.delivery.is_copy = true;
            copy
        });
        self.post_after(request, delay);
        if let Some(copy) = copy {
            self.post_after(copy, delay);
        }
    }

    fn post_after(&mut self, request: HttpRequest, delay_ms: u64) {
        if delay_ms == 0 {
            self.outbox.push(request);
        } else {
            self.timers.at(self.now_ms.saturating_add(delay_ms), Timer::Callback(Box::new(request)));
        }
    }

    /// A webhook lost on purpose: as if nobody had answered.
    pub(super) fn lost(&mut self, id: RequestId) {
        let outcome = HttpOutcome::Failed { code: 11200, reason: "lost on purpose".into() };
        self.http_answer(id, &outcome);
    }

    fn is_current(&self, purpose: &Purpose) -> bool {
        match purpose {
            Purpose::Run { call, turn, .. } => {
                self.calls[*call].turn == *turn && !self.calls[*call].is_ended()
            }
            Purpose::Track { owner, turn } => self.tracks.get(owner).is_some_and(|t| t.turn == *turn),
            Purpose::Discard => true,
        }
    }

    pub(super) fn answered_request(
        &mut self,
        purpose: Purpose,
        kind: RequestKind,
        url: &str,
        outcome: &HttpOutcome,
    ) {
        if kind.is_callback() || !self.is_current(&purpose) {
            return;
        }
        match (purpose, http::document(outcome)) {
            (Purpose::Run { call, role, .. }, Ok(program)) => {
                self.begin(call, program, Url::parse(url).ok(), role);
            }
            (Purpose::Run { call, role, fallback_left, .. }, Err(error)) => {
                self.document_failed(call, url, error, role, fallback_left);
            }
            (Purpose::Track { owner, .. }, result) => self.track_document(owner, url, result),
            (Purpose::Discard, _) => {}
        }
    }

    /// What Twilio's debugger would show about a webhook that went wrong.
    pub(super) fn note_failure(
        &mut self,
        id: RequestId,
        kind: RequestKind,
        url: &str,
        call: Option<CallId>,
        outcome: &HttpOutcome,
    ) {
        let problem = match outcome {
            HttpOutcome::Failed { code, reason } => Some((*code, reason.clone())),
            HttpOutcome::Answer { status, .. } if !(200..300).contains(status) => {
                Some((if kind.is_callback() { 15003 } else { 11200 }, format!("status {status}")))
            }
            HttpOutcome::Answer { .. } => None,
        };
        if let Some((code, reason)) = problem {
            // Whoever runs a document reports its failure; nobody else does for these.
            if kind.is_callback() {
                let level = if code == 15003 { DebuggerLevel::Warning } else { DebuggerLevel::Error };
                self.log(level, call, code, Some(url), &format!("{kind}: {reason}"));
            }
            let (code, id) = (code.to_string(), id.0.to_string());
            let detail = format!("{kind} {url}: {code} {reason}");
            let data = [("url", url), ("code", &code), ("webhook", &id)];
            self.record(EventKind::WebhookFailed, call, detail, &data);
        }
    }
}

/// The emulator's own limit, shown as an internal error of Twilio's.
pub(super) fn endless() -> TwimlError {
    TwimlError { code: 12400, message: "Too many verbs in a row that take no time".into() }
}

/// Why Twilio would not even try this URL (11100).
pub(crate) fn unusable(url: &str) -> Option<String> {
    match Url::parse(url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => None,
        Ok(_) => Some("the URL is not http or https".into()),
        Err(error) => Some(error.to_string()),
    }
}
