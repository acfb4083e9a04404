//! Owns the sending of webhooks: parameters in form or query, signature, 15 s budget, one retry of a failed connect.
//! <https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>

use std::time::{Duration, Instant};

use reqwest::Client;
use serde::Serialize;
use url::Url;

use super::engine::http::MAX_BODY;
use super::engine::{HttpOutcome, HttpRequest, Method, RequestKind};
use super::signature;
use crate::telephony::CallSid;

/// One webhook as it went over the wire.
#[derive(Debug, Clone, Serialize)]
pub struct WebhookRecord {
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
    /// Real milliseconds until the answer was complete.
    pub duration_ms: u64,
}

/// Connection settings that a URL's fragment may carry.
struct Limits {
    connect: Duration,
    total: Duration,
    retries: u64,
}

impl Limits {
    fn of(url: &Url) -> Self {
        let pairs = url::form_urlencoded::parse(url.fragment().unwrap_or_default().as_bytes());
        let pairs: Vec<(String, String)> = pairs.into_owned().collect();
        let number = |name: &str, low: u64, high: u64, default: u64| {
            let value = pairs.iter().find(|(key, _)| key == name).and_then(|(_, v)| v.parse::<u64>().ok());
            value.map_or(default, |v| v.clamp(low, high))
        };
        let read = number("rt", 100, 15_000, 15_000);
        let total = number("tt", 100, 15_000, 15_000);
        Self {
            connect: Duration::from_millis(number("ct", 100, 10_000, 5_000)),
            total: Duration::from_millis(read.min(total)),
            retries: number("rc", 0, 5, 1),
        }
    }
}

/// Sends webhooks as Twilio does.
pub(super) struct Sender {
    client: Client,
    auth_token: String,
}

impl Sender {
    /// Builds the one HTTP client that webhooks go through.
    pub(super) fn new(auth_token: String) -> anyhow::Result<Self> {
        // A second installation is refused and harmless: one provider per process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent("TwilioProxy/1.1")
            .redirect(reqwest::redirect::Policy::limited(10))
            .connect_timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self { client, auth_token })
    }

    /// Sends one and waits for its answer.
    pub(super) async fn send(&self, request: &HttpRequest, at_ms: u64) -> (HttpOutcome, WebhookRecord) {
        let started = Instant::now();
        let mut url = request.url.clone();
        let outcome = match Url::parse(&request.url) {
            Ok(mut parsed) => {
                let limits = Limits::of(&parsed);
                parsed.set_fragment(None);
                if request.method == Method::Get {
                    parsed.query_pairs_mut().extend_pairs(&request.params);
                }
                url = parsed.to_string();
                match tokio::time::timeout(limits.total, self.attempts(request, parsed, &limits)).await {
                    Ok(outcome) => outcome,
                    Err(_) => failed(11200, "no complete answer within the time allowed"),
                }
            }
            Err(error) => failed(11100, error.to_string()),
        };
        let record = record(request, at_ms, url, &outcome, started.elapsed());
        (outcome, record)
    }

    async fn attempts(&self, request: &HttpRequest, url: Url, limits: &Limits) -> HttpOutcome {
        let mut left = limits.retries;
        loop {
            let attempt =
                tokio::time::timeout(limits.connect.max(limits.total), self.attempt(request, url.clone()));
            match attempt.await {
                Ok(Ok(outcome)) => return outcome,
                Ok(Err(error)) if error.is_connect() && left > 0 => left -= 1,
                Ok(Err(error)) => return failed(code_of(&error), chain(&error)),
                Err(_) => return failed(11200, "no complete answer within the time allowed"),
            }
        }
    }

    async fn attempt(&self, request: &HttpRequest, url: Url) -> reqwest::Result<HttpOutcome> {
        let form = (request.method == Method::Post).then_some(request.params.as_slice());
        let signature = signature::sign(&self.auth_token, url.as_str(), form);
        let builder = match form {
            Some(params) => self.client.post(url).form(params),
            None => self.client.get(url),
        };
        let mut response = builder
            .header("X-Twilio-Signature", signature)
            .header("I-Twilio-Idempotency-Token", &request.idempotency_token)
            .header("Accept", "*/*")
            .send()
            .await?;
        let content_type = response.headers().get("content-type");
        let content_type = content_type.and_then(|v| v.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        while body.len() <= MAX_BODY
            && let Some(chunk) = response.chunk().await?
        {
            body.extend_from_slice(&chunk);
        }
        body.truncate(MAX_BODY + 1);
        Ok(HttpOutcome::Answer { status: response.status().as_u16(), content_type, body })
    }
}

fn failed(code: u32, reason: impl Into<String>) -> HttpOutcome {
    HttpOutcome::Failed { code, reason: reason.into() }
}

/// <https://www.twilio.com/docs/api/errors>
fn code_of(error: &reqwest::Error) -> u32 {
    if error.is_redirect() {
        11215
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
) -> WebhookRecord {
    let (status, content_type, body) = match outcome {
        HttpOutcome::Answer { status, content_type, body } => {
            (Some(*status), content_type.clone(), String::from_utf8_lossy(body).into_owned())
        }
        HttpOutcome::Failed { code, reason } => (None, None, format!("{code} {reason}")),
    };
    WebhookRecord {
        at_ms,
        kind: request.kind,
        call_sid: request.call_sid.clone(),
        url,
        method: request.method,
        params: request.params.clone(),
        status,
        content_type,
        body,
        duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    }
}
