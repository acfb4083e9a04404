//! Owns the one line that every request gets in the log, and the span that its other lines stand in.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use tracing::{Instrument, Span, field};

use crate::app::SharedApp;

/// Logs the request once it is answered: method, route, status, how long it took, and the call and leg that views name.
///
/// # Errors
/// The service's own; it is logged and passed on.
pub async fn request_log<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let begun = Instant::now();
    let span = tracing::info_span!(
        "request",
        request.id = request.app_data::<SharedApp>().map(|app| field::display(app.ids.id())),
        method = %request.method(),
        route = request.match_pattern().unwrap_or_else(|| "unknown".into()),
        call.id = field::Empty,
        leg.id = field::Empty,
    );
    let outcome = next.call(request).instrument(span.clone()).await;
    let status = match &outcome {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let error = match &outcome {
        Ok(response) => response.response().error().map(ToString::to_string),
        Err(error) => Some(error.to_string()),
    };
    let duration_ms = begun.elapsed().as_secs_f64() * 1000.0;
    span.in_scope(|| tracing::info!(status = status.as_u16(), duration_ms, error, "request answered"));
    outcome
}

/// Names the call, and the leg if it is known, that the request is about.
pub fn about(call_id: uuid::Uuid, leg_id: Option<uuid::Uuid>) {
    let span = Span::current();
    span.record("call.id", field::display(call_id));
    if let Some(leg_id) = leg_id {
        span.record("leg.id", field::display(leg_id));
    }
}
