//! Sessions: who is logged in on which browser. A view that takes a [`Session`] runs only for somebody who is; a page that takes
//! a [`PageSession`] sends anybody else to the log-in first.

pub mod models;
pub mod services;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use futures_util::future::{Ready, ready};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::agents::models::{Agent, AgentRole};
use crate::audit::Actor;
use crate::error::{AppError, ErrorCode};
use crate::idempotency::hex;

pub use services::is_live;

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: Uuid,
    agent: Agent,
    csrf: String,
    scripts: &'static [&'static str],
}

impl Session {
    /// Of this token, which is theirs.
    pub(crate) fn new(id: Uuid, agent: Agent, token: &str, scripts: &'static [&'static str]) -> Self {
        Self(Arc::new(Inner { id, agent, csrf: csrf_of(token), scripts }))
    }

    /// The session's id; never its token.
    pub fn id(&self) -> Uuid {
        self.0.id
    }

    /// The account, as it was when the request came.
    pub fn agent(&self) -> &Agent {
        &self.0.agent
    }

    /// For the audit log.
    pub fn actor(&self) -> Actor {
        Actor::agent(&self.0.agent.name)
    }

    /// What every request that changes something must carry, as the header `X-CSRF-Token` or the form's field `csrf`.
    pub fn csrf(&self) -> &str {
        &self.0.csrf
    }

    /// What its pages load beside their own scripts.
    pub fn scripts(&self) -> &'static [&'static str] {
        self.0.scripts
    }

    /// Whether this is it; compared in constant time.
    pub fn is_csrf(&self, presented: &str) -> bool {
        self.0.csrf.as_bytes().ct_eq(presented.as_bytes()).into()
    }

    /// Goes on only for this role and those above it.
    ///
    /// # Errors
    /// 403 `role_required`.
    pub fn require(&self, role: AgentRole) -> Result<(), AppError> {
        if self.0.agent.role >= role { Ok(()) } else { Err(AppError::role_required(role)) }
    }
}

/// What requests of the session with this token must carry. Only whoever has the token can compute it, so it need not be kept.
pub fn csrf_of(token: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(token.as_bytes()) else { return String::new() };
    mac.update(b"csrf");
    hex(mac.finalize().into_bytes())
}

impl FromRequest for Session {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // The middleware has looked it up.
        let session = request.extensions().get::<Self>().cloned();
        ready(session.ok_or_else(|| AppError::new(ErrorCode::LogInRequired)))
    }
}

/// Somebody who is logged in and opens a page.
#[derive(Debug, Clone)]
pub struct PageSession(pub Session);

impl Deref for PageSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl FromRequest for PageSession {
    type Error = LogInFirst;
    type Future = Ready<Result<Self, LogInFirst>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let session = request.extensions().get::<Session>().cloned();
        ready(session.map(Self).ok_or_else(|| LogInFirst::to_see(request)))
    }
}

/// Where somebody goes who is not logged in, and what they wanted to see.
#[derive(Debug)]
pub struct LogInFirst {
    next: Option<String>,
}

impl LogInFirst {
    fn to_see(request: &HttpRequest) -> Self {
        let next = request.uri().path_and_query().map(ToString::to_string);
        Self { next: next.filter(|next| request.method() == Method::GET && next != "/") }
    }
}

impl fmt::Display for LogInFirst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody is logged in")
    }
}

impl ResponseError for LogInFirst {
    fn status_code(&self) -> StatusCode {
        StatusCode::SEE_OTHER
    }

    fn error_response(&self) -> HttpResponse {
        let to = match &self.next {
            Some(next) => format!("/login?next={}", utf8_percent_encode(next, NON_ALPHANUMERIC)),
            None => "/login".into(),
        };
        HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
    }
}
