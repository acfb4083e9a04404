//! Owns how a request reaches Twilio: authentication, time limits, repetition where it is harmless, and one log line for
//! each attempt.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, sleep};

use super::errors::{TwilioError, refusal};
use super::recording::Recording;
use super::retry::RetryPolicy;
use crate::telephony::AccountSid;

/// How Twilio knows who asks. <https://www.twilio.com/docs/iam/api>
#[derive(Clone)]
pub enum Credentials {
    /// The account's own token.
    AuthToken(SecretString),
    /// A key of the account.
    ApiKey {
        /// `SK…`
        sid: String,
        /// What was shown when the key was made.
        secret: SecretString,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AuthToken(_) => "AuthToken",
            Self::ApiKey { .. } => "ApiKey",
        })
    }
}

/// Which Twilio, and as whom.
#[derive(Debug, Clone)]
pub struct TwilioConfig {
    /// `https://api.twilio.com`, or wherever an emulator listens. A final slash does not matter.
    pub base_url: String,
    /// The account that calls.
    pub account_sid: AccountSid,
    /// The account's proof.
    pub credentials: Credentials,
    /// How long one attempt may take from its beginning to the end of the answer.
    pub timeout: Duration,
}

/// The HTTP client for the whole process: certificates checked against the machine's, no redirects followed, no proxy
/// taken from the environment. `timeout` holds for requests that set none of their own.
///
/// # Errors
///
/// When the machine's TLS cannot be set up.
pub fn http_client(connect_timeout: Duration, timeout: Duration) -> reqwest::Result<reqwest::Client> {
    http_client_with(connect_timeout, timeout, |builder| builder)
}

/// The same, with something of one's own.
///
/// # Errors
///
/// When the machine's TLS cannot be set up.
pub fn http_client_with(
    connect_timeout: Duration,
    timeout: Duration,
    more: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> reqwest::Result<reqwest::Client> {
    // The provider is the process's; whoever was first has installed the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        let builder = reqwest::Client::builder()
            .connect_timeout(connect_timeout)
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
        more(builder)
    };
    builder().build().or_else(|error| {
        // A bare machine has no certificates, and an emulator on plain http needs none.
        let client = builder().tls_certs_only([]).build()?;
        tracing::warn!(%error, "no CA certificates on this machine: only plain http will work");
        Ok(client)
    })
}

/// What carries requests to Twilio in place of HTTP: the exchange of a simulation.
pub trait Carrier: Send + Sync {
    /// Answers a request with a status and a body.
    ///
    /// # Errors
    /// When there is no answer.
    fn carry(
        &self,
        method: &str,
        path_and_query: &str,
        form: Option<&str>,
    ) -> Result<(u16, Vec<u8>), TwilioError>;
}

/// How requests travel.
#[derive(Clone)]
pub(super) enum Way {
    Http(reqwest::Client),
    Carried(Arc<dyn Carrier>),
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http(_) => "Http",
            Self::Carried(_) => "Carried",
        })
    }
}

/// One request, as often as it may have to be sent.
pub(super) struct Ask {
    pub(super) method: Method,
    /// What kind of path it is, for the log: the path itself may hold names.
    pub(super) kind: &'static str,
    pub(super) url: String,
    pub(super) form: Option<String>,
}

impl Ask {
    pub(super) fn form(self, form: String) -> Self {
        Self { form: Some(form), ..self }
    }
}

/// The HTTP client with everything a request needs besides itself.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    pub(super) way: Way,
    pub(super) config: TwilioConfig,
    pub(super) retry: RetryPolicy,
    /// Where what is asked and answered is written down, if somebody wants to know.
    pub(super) recording: Option<Recording>,
}

/// What came back: the status and the body as they were sent, and what they come to.
struct Back {
    status: Option<u16>,
    body: Option<Vec<u8>>,
    outcome: Result<Vec<u8>, TwilioError>,
}

impl Back {
    fn nothing(error: TwilioError) -> Self {
        Self { status: None, body: None, outcome: Err(error) }
    }
}

impl Transport {
    /// The body of a 2xx answer, after as many attempts as are harmless.
    pub(super) async fn send(&self, ask: &Ask) -> Result<Vec<u8>, TwilioError> {
        let mut attempts = 1;
        loop {
            let error = match self.attempt(ask).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            let Some(wait) = self.retry.wait(attempts, ask.method == Method::GET, &error) else {
                return Err(error);
            };
            if !wait.is_zero() {
                sleep(wait).await;
            }
            attempts += 1;
        }
    }

    /// One request, one answer, one line in the log.
    async fn attempt(&self, ask: &Ask) -> Result<Vec<u8>, TwilioError> {
        let started = Instant::now();
        let recorder = self.recording.as_ref().map(|recording| recording.begin(ask));
        let Back { status, body, outcome } = self.exchange(ask).await;
        if let Some(recorder) = recorder {
            recorder.end(status, body.as_deref(), outcome.as_ref().err());
        }
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (method, kind) = (ask.method.as_str(), ask.kind);
        match &outcome {
            Ok(_) if ask.method == Method::GET => {
                tracing::debug!(
                    twilio.method = method,
                    twilio.resource = kind,
                    status,
                    duration_ms,
                    "Twilio answered"
                );
            }
            Ok(_) => {
                tracing::info!(
                    twilio.method = method,
                    twilio.resource = kind,
                    status,
                    duration_ms,
                    "Twilio answered"
                );
            }
            Err(error) => {
                let code = error.code();
                tracing::info!(
                    twilio.method = method, twilio.resource = kind, status, duration_ms, twilio.code = code, %error,
                    "Twilio request failed"
                );
            }
        }
        outcome
    }

    async fn exchange(&self, ask: &Ask) -> Back {
        let http = match &self.way {
            Way::Http(http) => http,
            Way::Carried(carrier) => return self.carried(&**carrier, ask),
        };
        let response = match self.prepared(http, ask).send().await {
            Ok(response) => response,
            Err(error) => return Back::nothing(unanswered(error)),
        };
        let status = response.status();
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = response.bytes().await.map(Vec::from).map_err(unanswered);
        self.back(status, retry_after.map(Duration::from_secs), body)
    }

    fn carried(&self, carrier: &dyn Carrier, ask: &Ask) -> Back {
        let path = ask.url.strip_prefix(&self.config.base_url).unwrap_or(&ask.url);
        match carrier.carry(ask.method.as_str(), path, ask.form.as_deref()) {
            Err(error) => Back::nothing(error),
            Ok((status, body)) => {
                let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                self.back(code, None, Ok(body))
            }
        }
    }

    /// The body is copied only for somebody who wants to know it as it was.
    fn back(
        &self,
        status: StatusCode,
        retry_after: Option<Duration>,
        body: Result<Vec<u8>, TwilioError>,
    ) -> Back {
        let copy = self.recording.as_ref().and_then(|_| body.as_ref().ok().cloned());
        Back { status: Some(status.as_u16()), body: copy, outcome: sorted(status, retry_after, body) }
    }

    fn prepared(&self, http: &reqwest::Client, ask: &Ask) -> reqwest::RequestBuilder {
        let (user, password) = match &self.config.credentials {
            Credentials::AuthToken(token) => (self.config.account_sid.as_str(), token),
            Credentials::ApiKey { sid, secret } => (sid.as_str(), secret),
        };
        let request = http
            .request(ask.method.clone(), &ask.url)
            .timeout(self.config.timeout)
            .basic_auth(user, Some(password.expose_secret()));
        match &ask.form {
            Some(form) => {
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.clone())
            }
            None => request,
        }
    }
}

/// Sorts an answer by what it says of the request.
fn sorted(
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Result<Vec<u8>, TwilioError>,
) -> Result<Vec<u8>, TwilioError> {
    match (status, body) {
        (StatusCode::TOO_MANY_REQUESTS, _) => Err(TwilioError::RateLimited { retry_after }),
        (status, body) if status.is_success() => body,
        // A proxy that gave up waiting does not know what became of the request.
        (StatusCode::REQUEST_TIMEOUT, _) => Err(TwilioError::Uncertain("HTTP 408".into())),
        (status, body) if status.is_client_error() || status.is_redirection() => {
            Err(refusal(status.as_u16(), &body.unwrap_or_default()))
        }
        (status, _) => Err(TwilioError::Uncertain(format!("HTTP {}", status.as_u16()))),
    }
}

/// Sorts a failure without an answer by whether the request can have been sent.
fn unanswered(error: reqwest::Error) -> TwilioError {
    let surely_not = error.is_connect() || error.is_builder();
    let reason = reason(error);
    if surely_not { TwilioError::NotSent(reason) } else { TwilioError::Uncertain(reason) }
}

/// The whole chain in words, without the URL, whose query holds phone numbers.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        source = cause.source();
    }
    words
}
