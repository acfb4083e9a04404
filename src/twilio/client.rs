//! Owns the requests to Twilio's REST API: authentication, time limits, repetition where it is harmless, and one log line
//! a request. What may be asked stands in [`super::requests`], what may go wrong in [`super::errors`].
//!
//! <https://www.twilio.com/docs/voice/api>

use std::fmt;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::errors::{TwilioError, refusal};
use super::requests::{
    CallFilter, CallUpdate, ConferenceFilter, ConferenceUpdate, CreateCall, CreateParticipant,
    ParticipantUpdate,
};
use super::resources::{CallResource, ConferenceResource, Page, ParticipantResource};
use super::retry::RetryPolicy;
use crate::telephony::{AccountSid, CallSid, ConferenceSid};

/// What may stand unencoded in a segment of a path (RFC 3986, unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

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
    // The provider is the process's; whoever was first has installed the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        reqwest::Client::builder()
            .connect_timeout(connect_timeout)
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
    };
    builder().build().or_else(|error| {
        // A bare machine has no certificates, and an emulator on plain http needs none.
        let client = builder().tls_certs_only([]).build()?;
        tracing::warn!(%error, "no CA certificates on this machine: only plain http will work");
        Ok(client)
    })
}

/// Twilio's REST API for one account. Cheap to clone.
///
/// Nothing that could place a call is ever repeated unless Twilio answered that it did not take it (429).
#[derive(Debug, Clone)]
pub struct TwilioClient {
    http: reqwest::Client,
    config: TwilioConfig,
    retry: RetryPolicy,
    account_path: String,
}

impl TwilioClient {
    /// A client that asks through `http`, usually [`http_client`]'s.
    pub fn new(mut config: TwilioConfig, http: reqwest::Client, retry: RetryPolicy) -> Self {
        config.base_url.truncate(config.base_url.trim_end_matches('/').len());
        let account_path = format!("/2010-04-01/Accounts/{}", config.account_sid);
        Self { http, config, retry, account_path }
    }

    /// Places a call.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]; when it [may have happened](TwilioError::may_have_happened), look with [`Self::list_calls`]
    /// before placing it again.
    pub async fn create_call(&self, call: &CreateCall) -> Result<CallResource, TwilioError> {
        self.json(self.ask(Method::POST, "Calls", "/Calls.json").form(call.form())).await
    }

    /// Changes what a live call does.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]; it [is gone](TwilioError::is_gone) when the call has ended.
    pub async fn update_call(&self, sid: &CallSid, update: &CallUpdate) -> Result<CallResource, TwilioError> {
        let path = format!("/Calls/{sid}.json");
        self.json(self.ask(Method::POST, "Calls/{Sid}", &path).form(update.form())).await
    }

    /// Reads a call. Its status lags behind the callbacks.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn fetch_call(&self, sid: &CallSid) -> Result<CallResource, TwilioError> {
        self.json(self.ask(Method::GET, "Calls/{Sid}", &format!("/Calls/{sid}.json"))).await
    }

    /// Lists calls, the newest first, over as many pages as it takes.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn list_calls(&self, filter: &CallFilter) -> Result<Vec<CallResource>, TwilioError> {
        let most = filter.limit.unwrap_or(CallFilter::MOST);
        self.list("Calls", "/Calls.json", &filter.query(), most).await
    }

    /// Calls somebody into a room. `room` is the room's name, which opens it if it is not live, or the SID of a live
    /// conference, which fails with 16022 if it is over.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]; when it [may have happened](TwilioError::may_have_happened), look before asking again.
    pub async fn create_participant(
        &self,
        room: &str,
        participant: &CreateParticipant,
    ) -> Result<ParticipantResource, TwilioError> {
        let path = format!("/Conferences/{}/Participants.json", utf8_percent_encode(room, SEGMENT));
        self.json(self.ask(Method::POST, "Participants", &path).form(participant.form())).await
    }

    /// Reads a member of a conference. One that left, or was redirected out of it, is gone.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn fetch_participant(
        &self,
        conference: &ConferenceSid,
        call: &CallSid,
    ) -> Result<ParticipantResource, TwilioError> {
        self.json(self.ask(Method::GET, "Participants/{Sid}", &participant_path(conference, call))).await
    }

    /// Changes something about a member of a conference.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn update_participant(
        &self,
        conference: &ConferenceSid,
        call: &CallSid,
        update: &ParticipantUpdate,
    ) -> Result<ParticipantResource, TwilioError> {
        let path = participant_path(conference, call);
        self.json(self.ask(Method::POST, "Participants/{Sid}", &path).form(update.form())).await
    }

    /// Takes a member out of a conference. What its call does then is not documented: to end it, complete the call.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn remove_participant(
        &self,
        conference: &ConferenceSid,
        call: &CallSid,
    ) -> Result<(), TwilioError> {
        let path = participant_path(conference, call);
        self.send(&self.ask(Method::DELETE, "Participants/{Sid}", &path)).await.map(drop)
    }

    /// Lists the members of a live conference.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn list_participants(
        &self,
        conference: &ConferenceSid,
    ) -> Result<Vec<ParticipantResource>, TwilioError> {
        let path = format!("/Conferences/{conference}/Participants.json");
        self.list("Participants", &path, "PageSize=1000", CallFilter::MOST).await
    }

    /// Lists conferences, the newest first.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn list_conferences(
        &self,
        filter: &ConferenceFilter,
    ) -> Result<Vec<ConferenceResource>, TwilioError> {
        self.list("Conferences", "/Conferences.json", &filter.query(), CallFilter::MOST).await
    }

    /// Makes an announcement in a conference, or ends it.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn update_conference(
        &self,
        conference: &ConferenceSid,
        update: &ConferenceUpdate,
    ) -> Result<ConferenceResource, TwilioError> {
        let path = format!("/Conferences/{conference}.json");
        self.json(self.ask(Method::POST, "Conferences/{Sid}", &path).form(update.form())).await
    }

    fn ask(&self, method: Method, kind: &'static str, path: &str) -> Ask {
        let url = format!("{}{}{path}", self.config.base_url, self.account_path);
        Ask { method, kind, url, form: None }
    }

    /// Follows `next_page_uri`; Twilio does not tell how many pages there are.
    async fn list<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        path: &str,
        query: &str,
        most: usize,
    ) -> Result<Vec<T>, TwilioError> {
        let mut ask = self.ask(Method::GET, kind, &format!("{path}?{query}"));
        let mut items: Vec<T> = Vec::new();
        loop {
            let page: Page<T> = self.json_of(&ask).await?;
            // A page without items that names a next one would never end.
            let last = page.items.is_empty();
            items.extend(page.items);
            match page.next_page_uri {
                Some(uri) if items.len() < most && !last => ask.url = self.next_page(&uri)?,
                _ => break,
            }
        }
        items.truncate(most);
        Ok(items)
    }

    /// The URI is relative to the host; the credentials go nowhere else.
    fn next_page(&self, uri: &str) -> Result<String, TwilioError> {
        if uri.starts_with('/') {
            Ok(format!("{}{uri}", self.config.base_url))
        } else {
            Err(TwilioError::Uncertain("the next page's URI is not a path".into()))
        }
    }

    async fn json<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, TwilioError> {
        self.json_of(&ask).await
    }

    async fn json_of<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, TwilioError> {
        let body = self.send(ask).await?;
        // The parser's own words would quote the answer, which holds phone numbers.
        serde_json::from_slice(&body).map_err(|error| {
            let (kind, column) = (error.classify(), error.column());
            TwilioError::Uncertain(format!("the answer is not what was expected ({kind:?}, column {column})"))
        })
    }

    /// The body of a 2xx answer, after as many attempts as are harmless.
    async fn send(&self, ask: &Ask) -> Result<Vec<u8>, TwilioError> {
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
        let (status, outcome) = self.exchange(ask).await;
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

    async fn exchange(&self, ask: &Ask) -> (Option<u16>, Result<Vec<u8>, TwilioError>) {
        let response = match self.prepared(ask).send().await {
            Ok(response) => response,
            Err(error) => return (None, Err(unanswered(error))),
        };
        let status = response.status();
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = response.bytes().await;
        let outcome = match (status, body) {
            (StatusCode::TOO_MANY_REQUESTS, _) => {
                Err(TwilioError::RateLimited { retry_after: retry_after.map(Duration::from_secs) })
            }
            (status, Ok(body)) if status.is_success() => Ok(body.into()),
            (status, Err(error)) if status.is_success() => Err(unanswered(error)),
            // A proxy that gave up waiting does not know what became of the request.
            (StatusCode::REQUEST_TIMEOUT, _) => Err(TwilioError::Uncertain("HTTP 408".into())),
            (status, body) if status.is_client_error() || status.is_redirection() => {
                Err(refusal(status.as_u16(), &body.unwrap_or_default()))
            }
            (status, _) => Err(TwilioError::Uncertain(format!("HTTP {}", status.as_u16()))),
        };
        (Some(status.as_u16()), outcome)
    }

    fn prepared(&self, ask: &Ask) -> reqwest::RequestBuilder {
        let (user, password) = match &self.config.credentials {
            Credentials::AuthToken(token) => (self.config.account_sid.as_str(), token),
            Credentials::ApiKey { sid, secret } => (sid.as_str(), secret),
        };
        let request = self
            .http
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

/// One request, as often as it may have to be sent.
struct Ask {
    method: Method,
    /// What kind of path it is, for the log: the path itself may hold names.
    kind: &'static str,
    url: String,
    form: Option<String>,
}

impl Ask {
    fn form(self, form: String) -> Self {
        Self { form: Some(form), ..self }
    }
}

fn participant_path(conference: &ConferenceSid, call: &CallSid) -> String {
    format!("/Conferences/{conference}/Participants/{call}.json")
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

#[cfg(test)]
mod tests;
