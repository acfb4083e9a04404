//! Owns `Idempotency-Key` on every POST of the API and of the console's scripts: claims the key, replays what was answered before, and sees to it that an
//! answer is kept.

use actix_web::body::{EitherBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse};
use futures_util::future::{Ready, ready};
use futures_util::stream;

use super::api_key::{ApiKey, IdempotencyKey};
use crate::app::SharedApp;
use crate::console::sessions::Session;
use crate::db::DbError;
use crate::error::{AppError, ErrorCode, unread};
use crate::idempotency::models::{self, Begun};
use crate::idempotency::{Answered, Claim, Idempotency, REPLAYED, request_hash};

/// Answers of the API are small; a larger one is not kept.
const KEPT_BYTES: usize = 1024 * 1024;

impl FromRequest for Idempotency {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(request.extensions().get::<Self>().cloned().unwrap_or_default()))
    }
}

/// Works once for each key, whatever is repeated.
///
/// # Errors
/// 401 for a request without a valid API key or session, 409 `request_in_progress`, 422 `idempotency_key_reused`, and the service's own.
pub async fn idempotency<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let is_covered = request.method() == Method::POST
        && (is_for_people(&request) || request.path().starts_with("/api/v1/"));
    let key = if is_covered { request.extract::<IdempotencyKey>().await?.0 } else { None };
    let app = request.app_data::<SharedApp>().cloned();
    let (Some(key), Some(app)) = (key, app) else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let claim = claim(&mut request, &app, key).await?;
    let (now, mine) = (app.clock.now(), claim.clone());
    match app.db.write(move |conn| models::begin(conn, &mine, now)).await.map_err(AppError::from)? {
        Begun::Claimed => {}
        Begun::InProgress => return Err(AppError::new(ErrorCode::RequestInProgress).into()),
        Begun::Reused => return Err(AppError::new(ErrorCode::IdempotencyKeyReused).into()),
        Begun::Replay(answered) => return Ok(request.into_response(replay(answered)).map_into_right_body()),
    }
    request.extensions_mut().insert(Idempotency(Some(claim.clone())));
    match next.call(request).await {
        Ok(response) if response.status().is_success() => kept(&app, claim, response).await,
        refused => {
            // Nothing was done, so the key is free for another try.
            if let Err(error) = app.db.write(move |conn| models::release(conn, &claim)).await {
                tracing::warn!(%error, "an Idempotency-Key stays claimed until its lease is over");
            }
            Ok(refused?.map_into_left_body())
        }
    }
}

/// What the console's scripts ask; what belongs together there is what one account asks.
fn is_for_people(request: &ServiceRequest) -> bool {
    request.path().starts_with("/console/")
}

async fn claim(request: &mut ServiceRequest, app: &SharedApp, key: String) -> Result<Claim, Error> {
    let holder = if is_for_people(request) {
        request.extract::<Session>().await?.agent().id
    } else {
        request.extract::<ApiKey>().await?.id()
    };
    let body = request.extract::<Bytes>().await.map_err(|error| unread(&error))?;
    let address = request.uri().path_and_query().map_or("", |it| it.as_str());
    let hash = request_hash(request.method().as_str(), address, &body);
    // The view reads the body once more.
    let again = stream::once(ready(Ok::<_, PayloadError>(body)));
    request.set_payload(Payload::Stream { payload: Box::pin(again) });
    Ok(Claim::new(holder, key, hash, app.ids.id()))
}

fn replay(answered: Answered) -> HttpResponse {
    let mut response = HttpResponse::from(answered);
    response
        .headers_mut()
        .insert(header::HeaderName::from_static(REPLAYED), header::HeaderValue::from_static("true"));
    response
}

/// What the view has not kept itself, in the transaction of its effect, is kept now.
async fn kept<B: MessageBody + 'static>(
    app: &SharedApp,
    claim: Claim,
    response: ServiceResponse<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if claim.is_kept() {
        return Ok(response.map_into_left_body());
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let body = to_bytes(body).await.map_err(|_| AppError::new(ErrorCode::Internal))?;
    let named = [header::LOCATION, header::ETAG].into_iter();
    let value = |name: &header::HeaderName| Some(head.headers().get(name)?.to_str().ok()?.to_owned());
    let answered = Answered {
        status: head.status().as_u16(),
        headers: named.filter_map(|name| Some((name.to_string(), value(&name)?))).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    if body.len() <= KEPT_BYTES {
        let keep = app.db.write(move |conn| Idempotency(Some(claim.clone())).keep(conn, &answered));
        keep.await.unwrap_or_else(|error: DbError| tracing::error!(%error, "an answer was not kept"));
    }
    let response = head.set_body(body).map_into_boxed_body();
    Ok(ServiceResponse::new(request, response).map_into_right_body())
}
