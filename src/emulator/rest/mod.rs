//! Owns Twilio's REST API over the engine: a parsed request in, status and JSON out. Pure; HTTP and credentials are `server`'s.
//! <https://www.twilio.com/docs/usage/twilios-response>

mod account;
mod calls;
mod conferences;
mod extras;
mod form;
mod lists;
mod participants;

use serde_json::{Value, json};

use super::engine::{CallId, Engine, RestError};
use form::Form;

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
    /// The call the request concerned, for the record.
    pub(crate) call: Option<CallId>,
}

impl RestAnswer {
    fn json(status: u16, body: Value) -> Self {
        Self { status, body: Some(body), call: None }
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
    let worded = engine.switches.error_wording;
    let answer = route(engine, request).unwrap_or_else(|mut error| {
        // Without a switch 21220's words: they are Twilio's own.
        if !worded && error.code != 21220 {
            error.message = format!("Error {}", error.code);
        }
        RestAnswer::error(&error)
    });
    let root = uri(engine, "");
    let what = request.path.strip_prefix(&root).unwrap_or(&request.path).trim_end_matches(".json");
    engine.record_rest(format!("{} {what}", request.method), answer.call, answer.status);
    answer
}

impl Engine {
    /// A request to Twilio's REST API without HTTP: status and JSON body, if there is one. `path` is whole and
    /// percent-encoded, `/2010-04-01/Accounts/AC…/Calls.json`; `query` and `form` are decoded. Faults that answer with
    /// an error strike here too; a connection that breaks or hangs is status 0.
    pub fn rest(
        &mut self,
        method: &str,
        path: &str,
        query: Vec<(String, String)>,
        form: Vec<(String, String)>,
    ) -> (u16, Option<Value>) {
        let fault = self.faults.rest(method, path);
        let request = RestRequest { method: method.into(), path: path.into(), query, form };
        let answer = (!fault.is_broken() || fault.after_effect).then(|| handle(self, &request));
        match (fault.is_broken(), answer) {
            (false, Some(answer)) => (answer.status, answer.body),
            _ => (fault.status.filter(|_| !fault.reset && fault.hang_ms == 0).unwrap_or(0), None),
        }
    }
}

/// 401: <https://www.twilio.com/docs/api/errors/20003>
pub(super) fn unauthenticated() -> RestAnswer {
    RestAnswer::error(&RestError { status: 401, code: 20003, message: "Authenticate".into() })
}

fn route(engine: &mut Engine, request: &RestRequest) -> Result {
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
        ("GET", ["IncomingPhoneNumbers"]) => account::numbers(engine, &query),
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
        (_, ["Calls" | "Conferences", ..] | []) => {
            Err(RestError { status: 405, code: 20004, message: "Method not allowed".into() })
        }
        _ => Err(missing()),
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
