//! Owns the gate for programs: a view that takes an [`ApiKey`] runs only for a bearer of one.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::{LocalBoxFuture, Ready, ready};
use uuid::Uuid;

use crate::agents::models::{Principal, Scope};
use crate::agents::services::authenticate;
use crate::app::SharedApp;
use crate::audit::Actor;
use crate::calls::requesting::Asker;
use crate::error::{AppError, ErrorCode};

/// The header that makes repeating a request harmless.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Whoever presented a valid key.
#[derive(Debug, Clone)]
pub struct ApiKey(Principal);

/// The key that a request presented, once it is looked up; none if it was not valid.
#[derive(Debug, Clone)]
pub(super) struct Presented(pub(super) Option<ApiKey>);

impl ApiKey {
    pub(super) fn new(principal: Principal) -> Self {
        Self(principal)
    }

    /// The key's id.
    pub fn id(&self) -> Uuid {
        self.0.id
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The key's holder, for the audit log.
    pub fn actor(&self) -> Actor {
        Actor::api_key(&self.0.name)
    }

    /// The key's holder, who may ask anything of any call that their scopes allow.
    pub fn asker(&self) -> Asker {
        Asker { id: self.0.id, actor: self.actor(), may: Arc::new(|_| Ok(())), sees_supervisors: true }
    }

    /// Goes on only if the key may do this.
    ///
    /// # Errors
    /// 403 `insufficient_scope`.
    pub fn require(&self, scope: Scope) -> Result<(), AppError> {
        if self.0.scopes.contains(&scope) || self.0.scopes.contains(&Scope::Admin) {
            return Ok(());
        }
        Err(AppError::new(ErrorCode::InsufficientScope).with_detail(format!("this takes the scope {scope}")))
    }
}

impl FromRequest for ApiKey {
    type Error = AppError;
    type Future = LocalBoxFuture<'static, Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let presented = request.extensions().get::<Presented>().cloned();
            let presented = match presented {
                Some(presented) => presented,
                None => look_up(&request).await?,
            };
            presented.0.ok_or_else(|| AppError::new(ErrorCode::Unauthenticated))
        })
    }
}

/// For a request that has not come through the API's gate.
async fn look_up(request: &HttpRequest) -> Result<Presented, AppError> {
    let app = request.app_data::<SharedApp>().ok_or_else(|| AppError::new(ErrorCode::Internal))?;
    let token = bearer(request).ok_or_else(|| AppError::new(ErrorCode::Unauthenticated))?;
    let presented = Presented(authenticate(&app.db, app.clock.now(), token).await?.map(ApiKey));
    request.extensions_mut().insert(presented.clone());
    Ok(presented)
}

pub(super) fn bearer(request: &HttpRequest) -> Option<&str> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token.trim())
}

/// The request's `Idempotency-Key`, if it has one: 1 to 255 visible characters.
#[derive(Debug, Clone, Default)]
pub struct IdempotencyKey(pub Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(header) = request.headers().get(IDEMPOTENCY_KEY) else { return ready(Ok(Self(None))) };
        let key = header.to_str().unwrap_or_default();
        let is_valid = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        ready(if is_valid {
            Ok(Self(Some(key.to_owned())))
        } else {
            Err(AppError::field(IDEMPOTENCY_KEY, "must be 1 to 255 visible ASCII characters"))
        })
    }
}
