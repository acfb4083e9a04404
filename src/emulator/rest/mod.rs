//! Owns Twilio's REST API over the engine: a parsed request in, status and JSON out. Pure; HTTP and credentials are `server`'s.
//! <https://www.twilio.com/docs/usage/twilios-response>

mod account;
mod calls;
mod checks;
mod conferences;
mod form;
mod lists;
mod numbers;
mod participants;
mod recordings;

use serde_json::{Value, json};

use super::engine::{CallId, Engine, RestError};
use form::Form;
use recordings::Scope;

/// A request to Twilio's API, as far as Twilio reads it.
#[derive(Debug, Clone)]
pub(crate) struct RestRequest {
    pub(crate) method: String,
    /// Still percent-encoded.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) form: Vec<(String, String)>,
}

/// What Twilio answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RestAnswer {
    pub(crate) status: u16,
    /// `None` has no body at all.
    pub(crate) body: Option<Value>,
    /// Sound instead of a body.
    pub(crate) media: Option<Media>,
    /// The call the request concerned, for the record.
    pub(crate) call: Option<CallId>,
}

/// A silent sound file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Media {
    pub(crate) length_ms: u64,
    pub(crate) channels: u16,
}

impl RestAnswer {
    fn json(status: u16, body: Value) -> Self {
        Self { body: Some(body), ..Self::empty(status) }
    }

    fn empty(status: u16) -> Self {
        Self { status, body: None, media: None, call: None }
    }

    fn about(mut self, call: CallId) -> Self {
        self.call = Some(call);
        self
    }

    /// The error body every Twilio library reads.
    pub(super) fn error(error: &RestError) -> Self {
        let RestError { status, code, message } = error;
        let more_info = format!("https://www.twilio.com/docs/errors/{code}");
        Self::json(
            *status,
            json!({"code": code, "message": message, "more_info": more_info, "status": status}),
        )
    }
}

type Result<T = RestAnswer> = std::result::Result<T, RestError>;

/// Answers a request whose credentials are good, and puts it on the record.
pub(super) fn handle(engine: &mut Engine, request: &RestRequest) -> RestAnswer {
    let answer = route(engine, request).unwrap_or_else(|error| RestAnswer::error(&error));
    let root = uri(engine, "");
    let what = request.path.strip_prefix(&root).unwrap_or(&request.path).trim_end_matches(".json");
    engine.record_rest(format!("{} {what}", request.method), answer.call, answer.status);
    answer
}

impl Engine {
    /// A request to Twilio's REST API without HTTP: status and JSON body, if there is one. `path` is whole and
    /// percent-encoded, `/2010-04-01/Accounts/AC…/Calls.json`; `query` and `form` are decoded.
    pub fn rest(
        &mut self,
        method: &str,
        path: &str,
        query: Vec<(String, String)>,
        form: Vec<(String, String)>,
    ) -> (u16, Option<Value>) {
        let answer = handle(self, &RestRequest { method: method.into(), path: path.into(), query, form });
        (answer.status, answer.body)
    }
}

/// 401: <https://www.twilio.com/docs/api/errors/20003>
pub(super) fn unauthenticated() -> RestAnswer {
    RestAnswer::error(&RestError { status: 401, code: 20003, message: "Authenticate".into() })
}

/// The SID of a recording whose media this path is: `…/Recordings/RE….wav`, or without any suffix.
fn media_sid(path: &str) -> Option<&str> {
    let (folder, name) = path.rsplit_once('/')?;
    let sid = name.strip_suffix(".wav").unwrap_or(name);
    (folder.ends_with("/Recordings") && sid.starts_with("RE") && !sid.contains('.')).then_some(sid)
}

/// Twilio serves media to whoever knows the address, unless the account is set to ask for credentials.
/// <https://www.twilio.com/docs/voice/api/recording#fetch-a-recordings-media-file>
pub(super) fn is_public(request: &RestRequest) -> bool {
    request.method == "GET" && media_sid(&request.path).is_some()
}

fn route(engine: &mut Engine, request: &RestRequest) -> Result {
    if request.method == "GET"
        && let Some(sid) = media_sid(&request.path)
        && request.path.starts_with(&uri(engine, ""))
    {
        return recordings::media(engine, sid);
    }
    let path = request.path.strip_suffix(".json").unwrap_or(&request.path);
    let parts: Vec<String> = path.trim_matches('/').split('/').map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let form = Form::new(&request.form);
    let query = Form::new(&request.query);
    let missing = || RestError::not_found(&request.path);
    let ["2010-04-01", "Accounts", account, rest @ ..] = parts.as_slice() else { return Err(missing()) };
    if *account != engine.options.account_sid.as_str() {
        return Err(missing());
    }
    match (request.method.as_str(), rest) {
        ("GET", []) => Ok(account::read(engine)),
        ("POST", ["Calls"]) => calls::create(engine, &form),
        ("GET", ["Calls"]) => calls::list(engine, &query),
        ("GET", ["Calls", sid]) => calls::read(engine, sid),
        ("POST", ["Calls", sid]) => calls::update(engine, sid, &form),
        ("DELETE", ["Calls", sid]) => calls::delete(engine, sid),
        ("GET", ["Conferences"]) => conferences::list(engine, &query),
        ("GET", ["Conferences", sid]) => conferences::read(engine, sid),
        ("POST", ["Conferences", sid]) => conferences::update(engine, sid, &form),
        ("POST", ["Conferences", key, "Participants"]) => participants::create(engine, key, &form),
        ("GET", ["Conferences", sid, "Participants"]) => participants::list(engine, sid, &query),
        ("GET", ["Conferences", sid, "Participants", who]) => participants::read(engine, sid, who),
        ("POST", ["Conferences", sid, "Participants", who]) => participants::update(engine, sid, who, &form),
        ("DELETE", ["Conferences", sid, "Participants", who]) => participants::delete(engine, sid, who),
        (_, ["Calls" | "Conferences", _, "Recordings", more @ ..]) if more.len() < 2 => {
            let scope = if rest[0] == "Calls" { Scope::Call(rest[1]) } else { Scope::Conference(rest[1]) };
            recording(engine, request, scope, more)
        }
        (_, ["Recordings", more @ ..]) if more.len() < 2 => recording(engine, request, Scope::Account, more),
        (_, [kind, more @ ..]) if more.len() < 2 && kind.parse::<numbers::Kind>().is_ok() => {
            number(engine, request, kind, more)
        }
        (_, ["Calls" | "Conferences", ..] | []) => Err(not_allowed()),
        _ => Err(missing()),
    }
}

/// 405: <https://www.twilio.com/docs/api/errors/20004>
fn not_allowed() -> RestError {
    RestError { status: 405, code: 20004, message: "Method not allowed".into() }
}

fn recording(engine: &mut Engine, request: &RestRequest, scope: Scope<'_>, rest: &[&str]) -> Result {
    let (form, query) = (Form::new(&request.form), Form::new(&request.query));
    match (request.method.as_str(), rest, scope) {
        ("GET", [], _) => recordings::list(engine, scope, &query),
        ("POST", [], Scope::Call(call)) => recordings::create(engine, call, &form),
        ("GET", [sid], _) => recordings::read(engine, scope, sid),
        ("POST", [sid], Scope::Call(_) | Scope::Conference(_)) => {
            recordings::update(engine, scope, sid, &form)
        }
        ("DELETE", [sid], _) => recordings::delete(engine, scope, sid),
        _ => Err(not_allowed()),
    }
}

fn number(engine: &mut Engine, request: &RestRequest, kind: &str, rest: &[&str]) -> Result {
    let Ok(kind) = kind.parse::<numbers::Kind>() else { return Err(RestError::not_found(&request.path)) };
    match (request.method.as_str(), rest) {
        ("GET", []) => numbers::list(engine, kind, &Form::new(&request.query)),
        ("GET", [sid]) => numbers::read(engine, kind, sid),
        ("POST", [sid]) if kind == numbers::Kind::IncomingPhoneNumbers => {
            numbers::update(engine, sid, &Form::new(&request.form))
        }
        _ => Err(not_allowed()),
    }
}

fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// The address of a resource, relative to the host.
fn uri(engine: &Engine, rest: &str) -> String {
    format!("/2010-04-01/Accounts/{}/{rest}", engine.options.account_sid)
}

#[cfg(test)]
mod tests;
