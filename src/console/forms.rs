//! What browsers send: JSON of the console's scripts, and forms of its pages.

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded;
use uuid::Uuid;

use super::typed::address;
use crate::agents::models::Presence;
use crate::calls::flow::{Monitor, Role};
use crate::calls::forms::{Destination, NewCall, NewTransfer, ParticipantControl};
use crate::error::{AppError, from_pairs, from_value, unread};
use crate::telephony::PhoneNumber;

/// The field of a form that proves where it comes from; the middleware has looked at it.
pub const CSRF_FIELD: &str = "csrf";

/// A form of a page, parsed; what is wrong with it is answered with the field's name.
pub struct ValidForm<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for ValidForm<T> {
    type Error = AppError;
    type Future = LocalBoxFuture<'static, Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body.await.map_err(|error| unread(&error))?;
            let pairs = form_urlencoded::parse(&body).filter(|(name, _)| name != CSRF_FIELD);
            let rest = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            from_pairs(rest.as_bytes()).map(Self)
        })
    }
}

/// `POST /login`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// Of the account.
    pub name: String,
    /// Of the account.
    pub password: String,
    /// What they wanted to see.
    pub next: Option<String>,
}

/// Query of `GET /login`; what else stands there is nobody's concern.
#[derive(Deserialize)]
pub struct LogInPage {
    /// What they wanted to see.
    pub next: Option<String>,
}

/// `POST /console/calls`: whoever asks is the agent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewConsoleCall {
    /// Whom to call, as people type numbers.
    pub customer: String,
    /// What both see as caller; the setting `twilio.caller_id` if absent.
    pub caller_id: Option<PhoneNumber>,
}

impl NewConsoleCall {
    /// The same as a program would ask for it.
    ///
    /// # Errors
    /// 422 for what is no number.
    pub fn new_call(self, agent: &str, home: Option<&PhoneNumber>) -> Result<NewCall, AppError> {
        let home = self.caller_id.as_ref().or(home);
        let customer = address(&self.customer, home)
            .map_err(|error| AppError::field("customer", format!("is not understood: {error}")))?;
        Ok(NewCall {
            agent: Destination::Agent(agent.to_owned()),
            customer,
            caller_id: self.caller_id,
            external_id: None,
            unique_external_id: false,
            allow_duplicate: false,
            metadata: None,
            bridge: None,
            ring_timeout_secs: None,
            time_limit_secs: None,
        })
    }
}

/// `POST /console/calls/{id}/transfer`: what the API takes, with numbers as people type them.
///
/// # Errors
/// As the API's.
pub fn new_transfer(mut body: Value, home: Option<&PhoneNumber>) -> Result<NewTransfer, AppError> {
    let understood = |to: &mut Value| {
        // What is not understood is refused below, by its field.
        let Some(text) = to.as_str().filter(|text| !text.starts_with("agent:")) else { return };
        if let Ok(meant) = address(text, home) {
            *to = Value::String(meant.to_string());
        }
    };
    match body.get_mut("to") {
        Some(Value::Array(several)) => several.iter_mut().for_each(understood),
        Some(one) => understood(one),
        None => {}
    }
    from_value(body)
}

/// Path of what is done to one person.
#[derive(Deserialize)]
pub struct OnPerson {
    /// The call.
    pub id: Uuid,
    /// Whoever has this role and is on the line.
    pub role: Role,
    /// What is to be done.
    pub control: ParticipantControl,
}

/// Query of `GET /console/check`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// As it has been typed so far.
    pub number: String,
    /// What would be shown as caller; the setting `twilio.caller_id` if absent.
    pub caller_id: Option<PhoneNumber>,
}

/// `PUT /console/presence`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPresence {
    /// What they choose.
    pub presence: Presence,
}

/// `POST /console/calls/{id}/supervise`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supervise {
    /// What they want to do.
    pub mode: Monitor,
}

/// `PUT /console/phone`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPhone {
    /// What is to be rung, as people type numbers.
    pub address: String,
}

/// Where to go after log-in: an address of this console's pages, or else the first one. Nobody is sent elsewhere by a link.
pub fn local(next: Option<&str>) -> &str {
    let is_local = |next: &&str| {
        let is_path = next.starts_with('/') && !next.starts_with("//");
        // Browsers take a backslash for a slash, and leave out tabs and line ends.
        is_path && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    let is_page = |next: &&str| {
        let path = next.split(['?', '#']).next().unwrap_or_default();
        ["/board", "/calls", "/account", "/team"]
            .iter()
            .any(|page| path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    next.filter(is_local).filter(is_page).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere_after_log_in() {
        let here =
            ["/board", "/calls/0193?tab=twiml", "/account", "/calls?from=2026-01-01&q=a%20b", "/team#x"];
        for next in here {
            assert_eq!(local(Some(next)), next);
        }
        let elsewhere = [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "/board\r\nX: y",
            "/board\t",
            "/callsx",
            "/login",
            "/logout",
            "/console/stream",
            "/api/docs",
            "board",
            "/%2f%2fevil.example",
            "///evil.example",
            "/calls/\u{e9}",
        ];
        for next in elsewhere {
            assert_eq!(local(Some(next)), "/", "{next:?}");
        }
        assert_eq!(local(None), "/");
    }
}
