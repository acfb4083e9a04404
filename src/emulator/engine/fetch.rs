//! Owns the requests under way: when they are sent, and whose turn an answer still belongs to.

use url::Url;

use super::Engine;
use super::calls::CallId;
use super::http::{self, HttpOutcome, HttpRequest, Link, Purpose, RequestId, RequestKind};
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
        self.fetch_to_run(call, link, kind, extra, delay_ms, kind == RequestKind::Whisper, true);
    }

    #[expect(clippy::too_many_arguments, reason = "one request, described once, by two callers")]
    pub(super) fn fetch_to_run(
        &mut self,
        call: CallId,
        link: Link,
        kind: RequestKind,
        extra: Vec<(String, String)>,
        delay_ms: u64,
        whisper: bool,
        fallback_left: bool,
    ) {
        let turn = self.wait(call);
        if self.idles(call, IDLE_FETCH) {
            return self.document_failed(call, &link.url, endless(), whisper, false);
        }
        let purpose = Purpose::Run { call, turn, whisper, fallback_left };
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
            &[("url", &link.url), ("for", &kind.to_string())],
        );
        self.send(call, link, kind, params, Some(purpose));
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
        };
        self.post(request);
    }

    /// Hands a request out, or not quite: a callback may come late or twice, if the switches say so.
    fn post(&mut self, request: HttpRequest) {
        let callback = request.kind.is_callback();
        if callback && self.chance(self.switches.duplicated_callbacks_percent) {
            self.outbox.push(request.clone());
        }
        if callback && self.chance(self.switches.late_callbacks_percent) {
            let delay = self.between(200, 5_000);
            self.timers.at(self.now_ms + delay, Timer::Callback(Box::new(request)));
        } else {
            self.outbox.push(request);
        }
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
            (Purpose::Run { call, whisper, .. }, Ok(program)) => {
                self.begin(call, program, Url::parse(url).ok(), whisper);
            }
            (Purpose::Run { call, whisper, fallback_left, .. }, Err(error)) => {
                self.document_failed(call, url, error, whisper, fallback_left);
            }
            (Purpose::Track { owner, .. }, result) => self.track_document(owner, url, result),
            (Purpose::Discard, _) => {}
        }
    }

    /// What Twilio's debugger would show about a webhook that went wrong.
    pub(super) fn note_failure(
        &mut self,
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
            let code = code.to_string();
            let detail = format!("{kind} {url}: {code} {reason}");
            self.record(EventKind::WebhookFailed, call, detail, &[("url", url), ("code", &code)]);
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
