//! Errors as the API tells them: one table of stable codes, one form (RFC 9457), and extractors that name the bad field.

use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Bytes};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, dev::Payload};
use chrono::{DateTime, Utc};
use futures_util::future::{LocalBoxFuture, Ready, ready};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use strum::IntoEnumIterator;
use uuid::Uuid;

use crate::agents::models::AgentRole;
use crate::calls::flow::Refusal;
use crate::calls::services::ServiceError;
use crate::db::DbError;
use crate::guard;
use crate::middleware::request_log::request_id;

/// The largest JSON body that is read, in bytes.
const BODY_LIMIT: usize = 64 * 1024;
/// How long somebody should wait who was told that we are unavailable.
const RETRY_AFTER_SECS: u32 = 2;

macro_rules! error_codes {
    ($($variant:ident $code:literal $status:literal $title:literal $help:literal;)*) => {
        /// What went wrong, for programs: these codes never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumIter)]
        pub enum ErrorCode { $(#[doc = $title] $variant),* }

        impl ErrorCode {
            /// The stable code, the HTTP status, and a title for people.
            pub fn entry(self) -> (&'static str, u16, &'static str) {
                match self { $(Self::$variant => ($code, $status, $title)),* }
            }

            /// What has happened, and what to do about it, in sentences.
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help),* }
            }
        }
    };
}

// In the order of the statuses. Each has its code, status, title, and what to do: `docs/errors.md` is printed from it.
error_codes! {
    UnreadableBody "unreadable_body" 400 "The body did not arrive whole"
        "The connection broke off while the body was being sent. Send the request again.";
    InvalidJson "invalid_json" 400 "The body is not JSON"
        "`detail` says where it stops being JSON. Send one JSON object, in UTF-8.";
    Unauthenticated "unauthenticated" 401 "A valid API key is required"
        "The header `Authorization: Bearer KEY` is missing, or its key is unknown, revoked or expired. Send a valid key; `warm-transfer key create` makes one.";
    LogInRequired "log_in_required" 401 "Nobody is logged in"
        "The session's cookie is missing, or its session is over or was revoked. Log in again.";
    InsufficientScope "insufficient_scope" 403 "The API key may not do this"
        "`detail` names the scope that this takes. Use a key that has it.";
    RoleRequired "role_required" 403 "The account may not do this"
        "`detail` names the role that this takes. An admin gives roles on the page of the team, or with `warm-transfer agent role`.";
    NotYourCall "not_your_call" 403 "The call is not yours to steer"
        "Its first agent, whoever holds the customer, and a second agent who has joined may steer it; supervisors and admins any call.";
    Forged "forged" 403 "The request does not come from a page of this console"
        "The header `X-CSRF-Token` (or the form's field `csrf`) is not the session's, or the browser says that another site has sent it. Load the page again; if that does not help, the public URL in the settings is not the one that browsers use.";
    InvalidSignature "invalid_signature" 403 "The request is not signed by Twilio"
        "Only Twilio may ask for this address. If it was Twilio, the public URL or the Auth Token in the settings is not the one that it uses.";
    NoDestinationAllowed "no_destination_allowed" 403 "No number may be called yet"
        "The settings allow no destination. Whoever runs the service names countries in `guard.allowed_regions`, or prefixes in `guard.allowed_prefixes`.";
    DestinationNotAllowed "destination_not_allowed" 403 "Numbers like this may not be called"
        "`detail` says which setting rules the number in `field` out: `guard.allowed_regions`, `guard.allowed_prefixes` or `guard.denied_prefixes`.";
    NumberInvalid "number_invalid" 403 "There can be no such phone number"
        "Numbers of this country do not look like the one in `field`. Compare it with where it came from.";
    NumberTypeNotAllowed "number_type_not_allowed" 403 "Numbers of this kind may not be called"
        "A call to the number in `field` would cost far more than others, as calls to premium-rate numbers and satellites do. `guard.allow_premium` allows it.";
    DoNotCall "do_not_call" 403 "The number is on the do-not-call list"
        "Do not call the customer. `next_allowed_at` says when the entry ends, if it does.";
    CallerIdNotOwned "caller_id_not_owned" 403 "The caller id is not the account's"
        "Give a phone number of the Twilio account, or one that it has verified, as `caller_id`.";
    NotFound "not_found" 404 "There is no such thing"
        "The address leads nowhere, or the id in it belongs to nothing. Compare it with what was answered when the thing was made.";
    MethodNotAllowed "method_not_allowed" 405 "This address does not take this method"
        "The header `Allow` lists the methods that it takes.";
    NotConnected "not_connected" 409 "Customer and agent are not connected"
        "There is no conversation yet, or none any more. Wait until the call's `status` is `connected` or `in_room`.";
    TransferInProgress "transfer_in_progress" 409 "A transfer is under way already"
        "A call has one transfer at a time. Wait until it is over, or cancel it first.";
    NoTransfer "no_transfer" 409 "No transfer is under way"
        "It was never asked for, or is over: the call's `transfers` say how it ended.";
    NotJoined "not_joined" 409 "The second agent has not joined yet"
        "Wait until the transfer's `status` is `joined`.";
    NotConsulting "not_consulting" 409 "The agents are not talking without the customer"
        "Merging and swapping need a transfer of the style `private_first` whose second agent has joined.";
    HandingOver "handing_over" 409 "The call is being handed over: the first agent is leaving"
        "The hand-over cannot be taken back. Wait until the transfer is `completed`.";
    NotOnLine "not_on_line" 409 "Nobody in this role is on the line"
        "The person has not answered yet, or has left: the call's `legs` say which.";
    OnLineAlready "on_line_already" 409 "This phone is in the call already"
        "Nobody can be in a call twice. Leave it first, or use another phone.";
    OutsideRoom "outside_room" 409 "They are waiting outside the room"
        "They hear music, or are asked whether they take the call. Hold and mute apply only to those who are in the room.";
    NotExportable "not_exportable" 409 "No fixture can be made of the call"
        "`detail` says why: what Twilio sent about it is not kept, or a name in it cannot be hidden.";
    DuplicateCall "duplicate_call" 409 "The customer is being called already"
        "`call_id` is the call that is under way. Wait until it has ended, or ask with `allow_duplicate`.";
    ExternalIdTaken "external_id_taken" 409 "Another call has the same external_id"
        "`call_id` is that call. One of the two was asked for with `unique_external_id`, so it is probably the same wish.";
    RequestInProgress "request_in_progress" 409 "The same request is being worked on"
        "A request with this `Idempotency-Key` has not been answered yet. Repeat it after `Retry-After` to have its answer.";
    EndpointDisabled "endpoint_disabled" 409 "The webhook endpoint is disabled"
        "`disabled_reason` of the endpoint says why. Mend that, and set `enabled` to true.";
    TooManyEndpoints "too_many_endpoints" 409 "There are too many webhook endpoints already"
        "There can be 100. Remove one that is not used any more.";
    CallEnded "call_ended" 409 "The call has ended"
        "Nothing can be done to it any more. `ended_by` and `end_reason` say how it ended.";
    OutsideCallingHours "outside_calling_hours" 409 "The customer may not be called at this hour"
        "`detail` tells the customer's time and when calls are allowed; `next_allowed_at` is the next moment at which they are. Place the call then.";
    AgentBusy "agent_busy" 409 "The agent has as many calls as they may have"
        "Wait until the agent's call has ended, or give another agent. `guard.calls_per_agent` is the cap.";
    CursorGone "cursor_gone" 410 "What follows this position is not kept, or it is none"
        "The position in `last_event_id` or `after` is older than what is kept, or was never given. Read the calls anew, then follow the events from now on.";
    PreconditionFailed "precondition_failed" 412 "The call is not any more what the request takes it for"
        "Its `ETag` is not the one in `If-Match`: somebody else was faster. Read the call again, then decide.";
    PayloadTooLarge "payload_too_large" 413 "The body is too large"
        "A body has at most 64 KiB. Send less, in `metadata` perhaps.";
    UnsupportedMediaType "unsupported_media_type" 415 "The body must be application/json"
        "Send the header `Content-Type: application/json`.";
    InvalidField "invalid_field" 422 "A field has a value that cannot be"
        "`field` names it, and `detail` says what is expected. It is a field of the body, a parameter of the address, or a header.";
    UnknownField "unknown_field" 422 "There is no such field"
        "`field` names it, and `detail` lists those that there are. Fields are never ignored, so that a misspelt one is noticed.";
    UnknownAgent "unknown_agent" 422 "The directory has no agent of this name"
        "`field` says where the name was given. `warm-transfer agent list` shows the directory, `agent add` extends it; a disabled agent cannot be rung by name.";
    IdempotencyKeyReused "idempotency_key_reused" 422 "Another request was made under the same Idempotency-Key"
        "An `Idempotency-Key` belongs to one request. Use a new one for each, and the same one only to repeat it unchanged.";
    RateLimited "rate_limited" 429 "Too many requests"
        "The API key, or without a valid one the address it comes from, has asked too often. Wait the seconds that `Retry-After` gives; `RateLimit-Remaining` tells before it comes to this.";
    TooManyAttempts "too_many_attempts" 429 "The customer has been called often enough today"
        "`guard.attempts_per_day` is the cap. Call again at `next_allowed_at`, on another day of the customer's.";
    TooManyCalls "too_many_calls" 429 "The API key has as many calls as it may have at once"
        "Wait until some of them have ended. `guard.calls_per_key` is the cap; queued calls count.";
    Internal "internal" 500 "The service failed"
        "This is a mistake in the service, or in its installation. The log has more under the `request_id`.";
    Unavailable "unavailable" 503 "The service cannot do this right now"
        "Its database is away or overloaded. Repeat the request after the seconds that `Retry-After` gives, a `POST` with the same `Idempotency-Key`.";
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.entry().0)
    }
}

impl ErrorCode {
    /// The code of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::iter().find(|code| code.entry().0 == name)
    }

    /// Where it is explained: what a problem document gives as its `type`.
    pub fn reference(self) -> String {
        format!("/api/docs/errors#{}", self.entry().0)
    }
}

/// An error on its way to whoever asked.
#[derive(Debug)]
pub struct AppError {
    code: ErrorCode,
    detail: Option<String>,
    field: Option<String>,
    next_allowed_at: Option<DateTime<Utc>>,
    retry_after_secs: Option<i64>,
    call_id: Option<Uuid>,
    request_id: Option<Uuid>,
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_allowed_at: Option<DateTime<Utc>>,
}

impl AppError {
    /// Nothing but its code.
    pub fn new(code: ErrorCode) -> Self {
        let (request_id, next_allowed_at, retry_after_secs) = (request_id(), None, None);
        // The id is asked for here and not when it is written: what wraps the views writes it when their request is forgotten.
        Self { code, detail: None, field: None, call_id: None, next_allowed_at, retry_after_secs, request_id }
    }

    /// A field has a value that cannot be; `detail` completes the sentence that the field's name begins.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let field = field.into();
        let detail = format!("{field} {}", detail.into());
        Self::new(ErrorCode::InvalidField).with_field(field).with_detail(detail)
    }

    /// It takes this role, or one above it.
    pub fn role_required(role: AgentRole) -> Self {
        Self::new(ErrorCode::RoleRequired).with_detail(format!("this takes the role {role}"))
    }

    /// Names the call that is in the way.
    #[must_use]
    pub fn with_call(mut self, call_id: Uuid) -> Self {
        self.call_id = Some(call_id);
        self
    }

    /// Names the field it is about.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says more to people; never anything that was not theirs to know.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// For the log: the detail may quote the request's body, and an unknown field's name is part of it.
impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, ..) = self.code.entry();
        match &self.field {
            Some(field) if self.code != ErrorCode::UnknownField => write!(f, "{code}: {field}"),
            _ => f.write_str(code),
        }
    }
}

impl std::error::Error for AppError {}

impl ResponseError for AppError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.entry().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let (code, status, title) = self.code.entry();
        let (detail, field) = (self.detail.as_deref(), self.field.as_deref());
        let (r#type, call_id, request_id) = (self.code.reference(), self.call_id, self.request_id);
        let next_allowed_at = self.next_allowed_at;
        let problem =
            Problem { r#type, title, status, code, detail, field, call_id, request_id, next_allowed_at };
        let mut response = HttpResponse::build(self.status_code());
        match self.code {
            ErrorCode::Unauthenticated => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            ErrorCode::Unavailable | ErrorCode::RequestInProgress => {
                response.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECS.to_string()));
            }
            _ => {}
        }
        if let Some(secs) = self.retry_after_secs {
            response.insert_header((header::RETRY_AFTER, secs.to_string()));
        }
        let body = serde_json::to_string(&problem).unwrap_or_default();
        response.content_type("application/problem+json").body(body)
    }
}

/// Logged here, once; answered opaquely.
impl From<DbError> for AppError {
    fn from(error: DbError) -> Self {
        tracing::error!(%error, "the database failed a request");
        Self::new(if error.is_unavailable() { ErrorCode::Unavailable } else { ErrorCode::Internal })
    }
}

impl From<ServiceError> for AppError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Db(error) => error.into(),
            ServiceError::NotFound => Self::new(ErrorCode::NotFound),
            ServiceError::NotYours => Self::new(ErrorCode::NotYourCall),
            ServiceError::RoleRequired(role) => Self::role_required(role),
            ServiceError::Guarded(refusal) => (*refusal).into(),
            ServiceError::Changed => Self::new(ErrorCode::PreconditionFailed),
            ServiceError::Duplicate(live) => Self::new(ErrorCode::DuplicateCall).with_call(live),
            ServiceError::ExternalIdTaken(taken) => Self::new(ErrorCode::ExternalIdTaken).with_call(taken),
            ServiceError::Refused(refusal) => Self::new(match refusal {
                Refusal::NotConnected => ErrorCode::NotConnected,
                Refusal::TransferInProgress => ErrorCode::TransferInProgress,
                Refusal::NoTransfer => ErrorCode::NoTransfer,
                Refusal::NotJoined => ErrorCode::NotJoined,
                Refusal::NotConsulting => ErrorCode::NotConsulting,
                Refusal::HandingOver => ErrorCode::HandingOver,
                Refusal::OnLine => ErrorCode::OnLineAlready,
                Refusal::NotOnLine => ErrorCode::NotOnLine,
                Refusal::Outside => ErrorCode::OutsideRoom,
                Refusal::CallEnded => ErrorCode::CallEnded,
            }),
        }
    }
}

/// With all that the guard has to say.
impl From<guard::Refusal> for AppError {
    fn from(refusal: guard::Refusal) -> Self {
        let guard::Refusal { code, sentence, field, next_allowed_at, retry_after_secs } = refusal;
        let field = field.map(str::to_owned);
        Self { detail: Some(sentence), field, next_allowed_at, retry_after_secs, ..Self::new(code) }
    }
}

/// A JSON body, parsed; what is wrong with it is answered with the field's name.
pub struct ValidJson<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for ValidJson<T> {
    type Error = AppError;
    type Future = LocalBoxFuture<'static, Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = request.headers().get(header::CONTENT_TYPE).is_some_and(is_json);
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body.await.map_err(|error| unread(&error))?;
            if !is_json {
                return Err(AppError::new(ErrorCode::UnsupportedMediaType));
            }
            from_json(&body).map(Self)
        })
    }
}

/// The extractor hides why it failed; the status it would have answered tells.
pub(crate) fn unread(error: &actix_web::Error) -> AppError {
    let is_too_large = error.as_response_error().status_code() == StatusCode::PAYLOAD_TOO_LARGE;
    AppError::new(if is_too_large { ErrorCode::PayloadTooLarge } else { ErrorCode::UnreadableBody })
}

fn is_json(value: &header::HeaderValue) -> bool {
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, AppError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        // Serde calls a number in the place of a word a fault of syntax, too.
        let is_json = inner.is_data() || serde_json::from_slice::<IgnoredAny>(body).is_ok();
        if is_json { bad_field(&path, &inner.to_string()) } else { not_json(&inner) }
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

/// Parses what is JSON already.
pub(crate) fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, AppError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        bad_field(&path, &error.into_inner().to_string())
    })
}

fn not_json(error: &serde_json::Error) -> AppError {
    AppError::new(ErrorCode::InvalidJson).with_detail(error.to_string())
}

/// Serde's own words name a field that is missing or unknown; any other trouble is with the one at the path.
fn bad_field(path: &str, words: &str) -> AppError {
    let words = words.split(" at line ").next().unwrap_or(words);
    let quoted = words.split('`').nth(1).unwrap_or_default();
    if words.starts_with("unknown field") {
        return AppError::new(ErrorCode::UnknownField).with_field(quoted).with_detail(words);
    }
    let field = if words.starts_with("missing field") { quoted } else { path };
    AppError::new(ErrorCode::InvalidField).with_field(field).with_detail(format!("{field}: {words}"))
}

/// A query string, parsed; what is wrong with it is answered with the field's name.
pub struct ValidQuery<T>(pub T);

impl<T: DeserializeOwned> FromRequest for ValidQuery<T> {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(from_pairs(request.query_string().as_bytes()).map(Self))
    }
}

/// Parses what a query or a form says.
pub(crate) fn from_pairs<T: DeserializeOwned>(urlencoded: &[u8]) -> Result<T, AppError> {
    let pairs = url::form_urlencoded::parse(urlencoded);
    let parsed = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs));
    parsed.map_err(|error| {
        let path = error.path().to_string();
        bad_field(&path, &error.into_inner().to_string())
    })
}

/// The limit for [`ValidJson`], as actix wants it.
pub fn payload_config() -> web::PayloadConfig {
    web::PayloadConfig::new(BODY_LIMIT)
}

/// Whatever is in an address where an id belongs: there is no such thing.
pub fn path_config() -> web::PathConfig {
    web::PathConfig::default().error_handler(|_, _| AppError::new(ErrorCode::NotFound).into())
}

/// What every address answers that no view answers.
pub async fn not_found() -> Result<HttpResponse, AppError> {
    Err(AppError::new(ErrorCode::NotFound))
}

/// What an address answers to a method that it does not take, with those it does.
pub async fn method_not_allowed(request: HttpRequest) -> HttpResponse {
    let mut response = AppError::new(ErrorCode::MethodNotAllowed).error_response();
    let path = request.match_pattern().unwrap_or_default();
    let here = crate::urls::routes().filter(|route| route.path == path);
    let methods: Vec<&str> = here.flat_map(|route| route.methods.split(' ')).collect();
    if let Ok(methods) = header::HeaderValue::try_from(methods.join(", ")) {
        response.headers_mut().insert(header::ALLOW, methods);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::forms::{NewCall, NewTransfer};

    fn refused<T: DeserializeOwned>(body: &str) -> (&'static str, Option<String>) {
        let error = from_json::<T>(body.as_bytes()).err().unwrap();
        (error.code.entry().0, error.field)
    }

    #[test]
    fn a_bad_field_is_named() {
        let cases = [
            (r#"{"agent":"client:a","customer":"123"}"#, ("invalid_field", Some("customer"))),
            (r#"{"agent":"client:a"}"#, ("invalid_field", Some("customer"))),
            (
                r#"{"agent":"client:a","customer":"+15550100102","colour":1}"#,
                ("unknown_field", Some("colour")),
            ),
            (
                r#"{"agent":"client:a","customer":"+15550100102","ring_timeout_secs":4}"#,
                ("invalid_field", Some("ring_timeout_secs")),
            ),
            (
                r#"{"agent":"client:a","customer":"+15550100102","bridge":"moon"}"#,
                ("invalid_field", Some("bridge")),
            ),
            (
                r#"{"agent":"client:a","customer":"+15550100102","bridge":1}"#,
                ("invalid_field", Some("bridge")),
            ),
            ("{", ("invalid_json", None)),
            (r#"{"agent":"client:a","customer":"+15550100102"} x"#, ("invalid_json", None)),
        ];
        for (body, (code, field)) in cases {
            assert_eq!(refused::<NewCall>(body), (code, field.map(str::to_owned)), "{body}");
        }
        let asks_too_much = r#"{"to":"client:d","style":"teleport"}"#;
        assert_eq!(refused::<NewTransfer>(asks_too_much), ("invalid_field", Some("style".into())));
    }

    #[test]
    fn codes_are_unique_and_have_a_status() {
        let mut codes: Vec<_> = ErrorCode::iter().map(|code| code.entry().0).collect();
        assert!(ErrorCode::iter().all(|code| (400..600).contains(&code.entry().1)));
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }

    #[test]
    fn every_code_is_explained_in_sentences() {
        for code in ErrorCode::iter() {
            let (name, _, title) = code.entry();
            assert!(!title.ends_with('.') && code.help().ends_with('.'), "{name}");
            assert_eq!(ErrorCode::named(name), Some(code));
        }
    }
}
