//! Owns the two wires between service and exchange: REST requests carried straight to the engine, with what goes wrong on
//! the way; and webhooks as the service reads them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use url::Url;

use super::dice::Dice;
use crate::emulator::engine::{Engine, HttpRequest};
use crate::twilio::{Carrier, TwilioError};
use crate::voice::forms::Sent;

/// What goes wrong with a REST request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mishap {
    /// No connection.
    NotSent,
    /// 429.
    TooMany,
    /// 500, and nothing done.
    Failed,
    /// 500 or a broken connection, and all done.
    FailedAfter,
    /// No answer, and nothing done.
    TimedOut,
    /// No answer, and all done.
    TimedOutAfter,
}

impl Mishap {
    pub(super) fn thrown(dice: &mut Dice) -> Self {
        let all = [
            Self::NotSent,
            Self::TooMany,
            Self::Failed,
            Self::FailedAfter,
            Self::TimedOut,
            Self::TimedOutAfter,
        ];
        dice.one_of(&all).unwrap_or(Self::Failed)
    }

    pub(super) fn has_effect(self) -> bool {
        matches!(self, Self::FailedAfter | Self::TimedOutAfter)
    }

    pub(super) fn is_time_out(self) -> bool {
        matches!(self, Self::TimedOut | Self::TimedOutAfter)
    }

    fn answer(self) -> Result<(u16, Vec<u8>), TwilioError> {
        match self {
            Self::NotSent => Err(TwilioError::NotSent("connection refused".into())),
            Self::TooMany => Ok((429, Vec::new())),
            Self::Failed | Self::FailedAfter => Ok((500, Vec::new())),
            Self::TimedOut | Self::TimedOutAfter => Err(TwilioError::Uncertain("time-out".into())),
        }
    }
}

/// The exchange, and what happens to the next request to it.
pub(super) struct Line {
    engine: Mutex<Engine>,
    mishap: Mutex<Option<Mishap>>,
}

impl Line {
    pub(super) fn new(engine: Engine) -> Arc<Self> {
        Arc::new(Self { engine: Mutex::new(engine), mishap: Mutex::new(None) })
    }

    pub(super) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this happens to requests.
    pub(super) fn suffers(&self, mishap: Option<Mishap>) {
        *self.mishap.lock().unwrap_or_else(PoisonError::into_inner) = mishap;
    }
}

impl Carrier for Line {
    fn carry(
        &self,
        method: &str,
        path_and_query: &str,
        form: Option<&str>,
    ) -> Result<(u16, Vec<u8>), TwilioError> {
        let mishap = *self.mishap.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mishap) = mishap.filter(|mishap| !mishap.has_effect()) {
            return mishap.answer();
        }
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let pairs = |text: &str| url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let (status, body) = self.engine().rest(method, path, pairs(query), pairs(form.unwrap_or_default()));
        match mishap {
            Some(mishap) => mishap.answer(),
            None => Ok((status, body.map(|body| body.to_string().into_bytes()).unwrap_or_default())),
        }
    }
}

/// A webhook as it reaches the service.
#[derive(Debug)]
pub(super) struct Webhook {
    path: String,
    path_and_query: String,
    query: Vec<(String, String)>,
    params: Vec<(String, String)>,
}

impl Webhook {
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        let url = Url::parse(&request.url).ok()?;
        let query = url.query().unwrap_or_default();
        Some(Self {
            path: url.path().to_owned(),
            path_and_query: format!("{}?{query}", url.path()),
            query: url.query_pairs().into_owned().collect(),
            params: request.params.clone(),
        })
    }
}

impl Sent for Webhook {
    fn path(&self) -> &str {
        &self.path
    }

    fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    fn get(&self, name: &str) -> Option<&str> {
        let all = self.params.iter().chain(&self.query);
        all.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
