//! Owns the gate of the API: looks the presented key up, once for the request, and takes no more requests than its limit
//! allows. Whether a route needs a key is the view's to say.

use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};

use super::api_key::{ApiKey, Presented, bearer};
use super::limiter::{Allowance, whole_secs};
use crate::agents::services::authenticate;
use crate::app::{App, SharedApp};
use crate::error::{AppError, ErrorCode};

/// What programs ask lies below this path.
const API: &str = "/api/v1/";

/// Lets a request through to its view, with the key it presents; and tells on the answer what that key may still ask.
/// <https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-06>
///
/// # Errors
/// 503 when keys cannot be looked up, and the service's own.
pub async fn gate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let app = request.app_data::<SharedApp>().filter(|_| request.path().starts_with(API)).cloned();
    let Some(app) = app else { return Ok(next.call(request).await?.map_into_left_body()) };
    let Some(allowance) = admit(&request, &app).await? else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    if let Some(wait) = allowance.wait {
        return Ok(request.into_response(refused(&allowance, wait)).map_into_right_body());
    }
    match next.call(request).await {
        Ok(mut response) => {
            tell(response.headers_mut(), &allowance);
            Ok(response.map_into_left_body())
        }
        Err(error) => {
            let mut response = error.error_response();
            tell(response.headers_mut(), &allowance);
            Err(InternalError::from_response(error, response).into())
        }
    }
}

/// Looks the key up, for the view to find, and counts the request. `None` where nothing is counted: no key was presented,
/// or there are no limits.
async fn admit(request: &ServiceRequest, app: &App) -> Result<Option<Allowance>, AppError> {
    let Some(token) = bearer(request.request()) else { return Ok(None) };
    let peer = app.proxies.client(request.peer_addr(), request.headers());
    let limiter = app.limiter.as_ref();
    if let Some(refusal) = limiter.and_then(|limiter| limiter.refuses(peer, token)) {
        return Ok(Some(refusal));
    }
    let principal = authenticate(&app.db, app.clock.now(), token).await?;
    let allowance = limiter.map(|limiter| match &principal {
        Some(principal) => limiter.right(principal.id, token),
        None => limiter.wrong(peer),
    });
    request.extensions_mut().insert(Presented(principal.map(ApiKey::new)));
    Ok(allowance)
}

fn refused(allowance: &Allowance, wait: Duration) -> HttpResponse {
    let secs = whole_secs(wait).max(1);
    let error = AppError::new(ErrorCode::RateLimited).with_detail(format!("try again in {secs} s"));
    let mut response = HttpResponse::from_error(error);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(secs));
    tell(response.headers_mut(), allowance);
    response
}

fn tell(headers: &mut HeaderMap, allowance: &Allowance) {
    let figures = [
        ("ratelimit-limit", allowance.limit.into()),
        ("ratelimit-remaining", allowance.remaining.into()),
        ("ratelimit-reset", whole_secs(allowance.reset)),
    ];
    for (name, figure) in figures {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(figure));
    }
}
