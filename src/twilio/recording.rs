//! What was asked of Twilio and what it answered, written down while it happens, for whoever wants to keep it. The
//! credentials are in none of it: they travel in a header, and headers are not written down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::errors::TwilioError;
use super::transport::Ask;
use crate::clock::SharedClock;

/// One attempt of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
    /// How long until the end of the answer, or until it was given up.
    pub took: TimeDelta,
    /// `GET`, `POST` or `DELETE`.
    pub method: String,
    /// Path and query, below the account: `/Calls.json`.
    pub path: String,
    /// The form in the order in which it was sent; absent if none was.
    pub form: Option<Vec<(String, String)>>,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The body of the answer, bytes that are no text replaced.
    pub body: Option<String>,
    /// What went wrong, without numbers and secrets.
    pub error: Option<String>,
}

/// Attempts as they come to their end. Cheap to clone; all clones are the same recording.
#[derive(Clone)]
pub struct Recording {
    clock: SharedClock,
    /// What stands before every path.
    account_url: Arc<str>,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither paths nor forms: they hold phone numbers.
        f.debug_struct("Recording").field("exchanges", &self.exchanges().len()).finish_non_exhaustive()
    }
}

impl Recording {
    pub(super) fn new(clock: SharedClock, account_url: String) -> Self {
        Self { clock, account_url: account_url.into(), exchanges: Arc::default() }
    }

    /// What has been written down since this was asked last.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.exchanges())
    }

    /// An attempt that begins now.
    pub(super) fn begin(&self, ask: &Ask) -> Attempt<'_> {
        let path = ask.url.strip_prefix(&*self.account_url).unwrap_or(&ask.url);
        let form = ask.form.as_deref();
        Attempt {
            recording: self,
            exchange: Exchange {
                sent_at: self.clock.now(),
                took: TimeDelta::zero(),
                method: ask.method.as_str().to_owned(),
                path: path.to_owned(),
                form: form.map(|form| url::form_urlencoded::parse(form.as_bytes()).into_owned().collect()),
                status: None,
                body: None,
                error: None,
            },
        }
    }

    fn exchanges(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt that is under way. One that is dropped, because nobody waits for it any more, is written down as that.
pub(super) struct Attempt<'a> {
    recording: &'a Recording,
    exchange: Exchange,
}

impl Attempt<'_> {
    /// What came of it.
    pub(super) fn end(mut self, status: Option<u16>, body: Option<&[u8]>, error: Option<&TwilioError>) {
        self.exchange.status = status;
        self.exchange.body = body.map(|body| String::from_utf8_lossy(body).into_owned());
        self.exchange.error = error.map(ToString::to_string);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let exchange = &mut self.exchange;
        if exchange.status.is_none() && exchange.error.is_none() {
            exchange.error = Some("nobody waited for the answer any longer".to_owned());
        }
        exchange.took = (self.recording.clock.now() - exchange.sent_at).max(TimeDelta::zero());
        self.recording.exchanges().push(exchange.clone());
    }
}
