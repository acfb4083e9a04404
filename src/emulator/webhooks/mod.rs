//! Owns the sending of webhooks: parameters in form or query, signature, redirects, cookies, retries, 15 s altogether.
//! <https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>

mod limits;
mod memory;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, Response};
use serde::Serialize;
use url::Url;

use super::engine::http::MAX_BODY;
use super::engine::{HttpOutcome, HttpRequest, Method, RequestId, RequestKind};
use super::signature;
use crate::telephony::CallSid;
pub(crate) use limits::Limits;
use limits::Trouble;
use memory::{Answers, Cookies, Kept};

/// One webhook as it went over the wire.
#[derive(Debug, Clone, Serialize)]
pub struct WebhookRecord {
    /// What the timeline's entries about it call `webhook`; a copy has the same.
    pub id: RequestId,
    /// Emulated milliseconds when it was sent.
    pub at_ms: u64,
    /// What it was for.
    pub kind: RequestKind,
    /// The leg it was about.
    pub call_sid: Option<CallSid>,
    /// As sent, without fragment; for GET with the parameters.
    pub url: String,
    /// GET or POST.
    pub method: Method,
    /// Names and values in the order sent.
    pub params: Vec<(String, String)>,
    /// The HTTP status, or nothing when there was no answer.
    pub status: Option<u16>,
    /// Of the answer.
    pub content_type: Option<String>,
    /// Of the answer, up to 64 kB; or why there is none.
    pub body: String,
    /// How often it was tried.
    pub attempts: u64,
    /// Real milliseconds until the answer was complete.
    pub duration_ms: u64,
}

/// Twilio follows so many redirects; one more is 11215.
const MAX_REDIRECTS: u32 = 10;
/// So many clients are kept, one for each connect timeout in use.
const MAX_CLIENTS: usize = 8;

/// What one attempt came to.
struct Attempt {
    outcome: HttpOutcome,
    trouble: Option<Trouble>,
}

/// What is sent where, after so many redirects.
struct Leg {
    url: Url,
    method: Method,
    params: Vec<(String, String)>,
}

/// Sends webhooks as Twilio does.
pub(super) struct Sender {
    clients: Mutex<BTreeMap<Duration, Client>>,
    cookies: Mutex<Cookies>,
    answers: Mutex<Answers>,
    auth_token: String,
}

fn client(connect: Duration) -> reqwest::Result<Client> {
    Client::builder()
        .user_agent("TwilioProxy/1.1")
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(connect)
        .build()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sender {
    /// Builds the HTTP client that most webhooks go through.
    pub(super) fn new(auth_token: String) -> anyhow::Result<Self> {
        // A second installation is refused and harmless: one provider per process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let usual = Duration::from_secs(5);
        Ok(Self {
            clients: Mutex::new(BTreeMap::from([(usual, client(usual)?)])),
            cookies: Mutex::default(),
            answers: Mutex::default(),
            auth_token,
        })
    }

    /// Forgets cookies and answers: a fresh exchange knows nothing.
    pub(super) fn forget(&self) {
        *lock(&self.cookies) = Cookies::default();
        *lock(&self.answers) = Answers::default();
    }

    fn client(&self, connect: Duration) -> reqwest::Result<Client> {
        let mut clients = lock(&self.clients);
        if let Some(client) = clients.get(&connect) {
            return Ok(client.clone());
        }
        let made = client(connect)?;
        if clients.len() < MAX_CLIENTS {
            clients.insert(connect, made.clone());
        }
        Ok(made)
    }

    /// Sends one and waits for its answer.
    pub(super) async fn send(&self, request: &HttpRequest, at_ms: u64) -> (HttpOutcome, WebhookRecord) {
        let started = Instant::now();
        let mut url = request.url.clone();
        let mut attempts = 0;
        let outcome = match Url::parse(&request.url) {
            Ok(mut parsed) => {
                let limits = Limits::of(&parsed);
                parsed.set_fragment(None);
                if request.method == Method::Get {
                    parsed.query_pairs_mut().extend_pairs(&request.params);
                }
                url = parsed.to_string();
                let work = self.attempts(request, &parsed, &limits, &mut attempts);
                match tokio::time::timeout(limits.total, work).await {
                    Ok(outcome) => outcome,
                    Err(_) => failed(11200, "no complete answer within the time allowed"),
                }
            }
            Err(error) => failed(11100, error.to_string()),
        };
        let record = record(request, at_ms, url, &outcome, started.elapsed(), attempts);
        (outcome, record)
    }

    async fn attempts(
        &self,
        request: &HttpRequest,
        url: &Url,
        limits: &Limits,
        attempts: &mut u64,
    ) -> HttpOutcome {
        loop {
            *attempts += 1;
            let attempt = self.follow(request, url, limits, *attempts).await;
            match attempt.trouble {
                Some(trouble) if *attempts <= limits.retries && limits.retries_after(trouble) => {}
                _ => return attempt.outcome,
            }
        }
    }

    /// One attempt, redirects followed: each is signed for its own address.
    async fn follow(&self, request: &HttpRequest, url: &Url, limits: &Limits, attempt: u64) -> Attempt {
        let params = if request.method == Method::Post { request.params.clone() } else { Vec::new() };
        let mut leg = Leg { url: url.clone(), method: request.method, params };
        for _ in 0..=MAX_REDIRECTS {
            let response = match self.ask(request, &leg, limits, attempt).await {
                Ok(response) => response,
                Err(attempt) => return attempt,
            };
            self.take_cookies(request, &leg.url, &response);
            match redirected(&response, &leg, request) {
                Some(next) => leg = next,
                None => return self.read(&leg, response, limits).await,
            }
        }
        Attempt { outcome: failed(11215, "too many redirects"), trouble: Some(Trouble::Other) }
    }

    async fn ask(
        &self,
        request: &HttpRequest,
        leg: &Leg,
        limits: &Limits,
        attempt: u64,
    ) -> Result<Response, Attempt> {
        let form = (leg.method == Method::Post).then_some(leg.params.as_slice());
        let key = if request.delivery.bad_signature { "not the token" } else { &self.auth_token };
        let signature = signature::sign(key, leg.url.as_str(), form);
        let client = self.client(limits.connect).map_err(|e| given_up(&e))?;
        let mut builder = match form {
            Some(params) => client.post(leg.url.clone()).form(params),
            None => client.get(leg.url.clone()),
        };
        builder = builder.header("X-Twilio-Signature", signature).header("Accept", "*/*");
        if attempt > 1 || request.delivery.token_on_first_attempt {
            builder = builder.header("I-Twilio-Idempotency-Token", &request.idempotency_token);
        }
        if let Some(cookie) = self.cookie(request, &leg.url) {
            builder = builder.header("Cookie", cookie);
        }
        if let Some(kept) = (leg.method == Method::Get).then(|| lock(&self.answers).get(&leg.url)).flatten() {
            for (name, value) in [("If-None-Match", kept.etag), ("If-Modified-Since", kept.modified)] {
                builder = match value {
                    Some(value) => builder.header(name, value),
                    None => builder,
                };
            }
        }
        match tokio::time::timeout(limits.connect + limits.read, builder.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(given_up(&error)),
            Err(_) => Err(too_slow()),
        }
    }

    fn cookie(&self, request: &HttpRequest, url: &Url) -> Option<String> {
        lock(&self.cookies).header(request.call_sid.as_ref()?.as_str(), url)
    }

    fn take_cookies(&self, request: &HttpRequest, url: &Url, response: &Response) {
        let Some(call) = &request.call_sid else { return };
        for value in response.headers().get_all("set-cookie") {
            if let Ok(text) = value.to_str() {
                lock(&self.cookies).take(call.as_str(), url, text);
            }
        }
    }

    async fn read(&self, leg: &Leg, mut response: Response, limits: &Limits) -> Attempt {
        let status = response.status().as_u16();
        if status == 304
            && let Some(kept) = lock(&self.answers).get(&leg.url)
        {
            let Kept { content_type, body, .. } = kept;
            return Attempt {
                outcome: HttpOutcome::Answer { status: 200, content_type, body },
                trouble: None,
            };
        }
        let header =
            |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let (content_type, etag, modified) =
            (header("content-type"), header("etag"), header("last-modified"));
        let mut body = Vec::new();
        while body.len() <= MAX_BODY {
            match tokio::time::timeout(limits.read, response.chunk()).await {
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return given_up(&error),
                Err(_) => return too_slow(),
            }
        }
        body.truncate(MAX_BODY + 1);
        if leg.method == Method::Get && status == 200 && (etag.is_some() || modified.is_some()) {
            let kept = Kept { etag, modified, content_type: content_type.clone(), body: body.clone() };
            lock(&self.answers).keep(&leg.url, kept);
        }
        let trouble = match status {
            400..=499 => Some(Trouble::Client),
            500..=599 => Some(Trouble::Server),
            _ => None,
        };
        Attempt { outcome: HttpOutcome::Answer { status, content_type, body }, trouble }
    }
}

/// Where an answer sends on to. 307 and 308 keep method and form; after the others it is a GET, like a browser's.
fn redirected(response: &Response, leg: &Leg, request: &HttpRequest) -> Option<Leg> {
    let status = response.status().as_u16();
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get("location")?.to_str().ok()?;
    let mut url = leg.url.join(location).ok()?;
    url.set_fragment(None);
    if matches!(status, 307 | 308) || leg.method == Method::Get {
        return Some(Leg { url, method: leg.method, params: leg.params.clone() });
    }
    if request.delivery.redirect_keeps_parameters {
        url.query_pairs_mut().extend_pairs(&leg.params);
    }
    Some(Leg { url, method: Method::Get, params: Vec::new() })
}

fn given_up(error: &reqwest::Error) -> Attempt {
    let trouble = if error.is_connect() {
        Trouble::Connect
    } else if error.is_timeout() {
        Trouble::Read
    } else {
        Trouble::Other
    };
    Attempt { outcome: failed(code_of(error), chain(error)), trouble: Some(trouble) }
}

fn too_slow() -> Attempt {
    Attempt {
        outcome: failed(11200, "no complete answer within the time allowed"),
        trouble: Some(Trouble::Read),
    }
}

fn failed(code: u32, reason: impl Into<String>) -> HttpOutcome {
    HttpOutcome::Failed { code, reason: reason.into() }
}

/// <https://www.twilio.com/docs/api/errors>
fn code_of(error: &reqwest::Error) -> u32 {
    let text = chain(error);
    if error.is_connect() && text.contains("dns") {
        11210
    } else if error.is_connect() && (text.contains("certificate") || text.contains("tls")) {
        11220
    } else if error.is_connect() {
        11205
    } else {
        11200
    }
}

fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn record(
    request: &HttpRequest,
    at_ms: u64,
    url: String,
    outcome: &HttpOutcome,
    took: Duration,
    attempts: u64,
) -> WebhookRecord {
    let (status, content_type, body) = match outcome {
        HttpOutcome::Answer { status, content_type, body } => {
            (Some(*status), content_type.clone(), String::from_utf8_lossy(body).into_owned())
        }
        HttpOutcome::Failed { code, reason } => (None, None, format!("{code} {reason}")),
    };
    WebhookRecord {
        id: request.id,
        at_ms,
        kind: request.kind,
        call_sid: request.call_sid.clone(),
        url,
        method: request.method,
        params: request.params.clone(),
        status,
        content_type,
        body,
        attempts,
        duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    }
}
