//! Owns the one line that every request gets in the log, and the span that its other lines stand in.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use tracing::{Instrument, Span, field};
use uuid::Uuid;

use crate::app::SharedApp;
use crate::telephony::without_numbers;

tokio::task_local! {
    static REQUEST_ID: Uuid;
}

/// The id that the request being answered has in the log.
pub fn request_id() -> Option<Uuid> {
    REQUEST_ID.try_with(|id| *id).ok()
}

/// Logs the request once it is answered: method, route, status, how long it took, and the call and leg that views name.
///
/// # Errors
/// The service's own; it is logged and passed on.
pub async fn request_log<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let begun = Instant::now();
    let id = request.app_data::<SharedApp>().map(|app| app.ids.id());
    let span = tracing::info_span!(
        "request",
        request.id = id.map(field::display),
        method = %request.method(),
        route = request.match_pattern().unwrap_or_else(|| "unknown".into()),
        call.id = field::Empty,
        leg.id = field::Empty,
    );
    let answer = next.call(request).instrument(span.clone());
    let outcome = match id {
        Some(id) => REQUEST_ID.scope(id, answer).await,
        None => answer.await,
    };
    let status = match &outcome {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let error = match &outcome {
        Ok(response) => response.response().error().map(ToString::to_string),
        Err(error) => Some(error.to_string()),
    };
    let error = error.map(|error| without_numbers(&error));
    let duration_ms = begun.elapsed().as_secs_f64() * 1000.0;
    span.in_scope(|| tracing::info!(status = status.as_u16(), duration_ms, error, "request answered"));
    outcome
}

/// Names the call, and the leg if it is known, that the request is about.
pub fn about(call_id: Uuid, leg_id: Option<Uuid>) {
    let span = Span::current();
    span.record("call.id", field::display(call_id));
    if let Some(leg_id) = leg_id {
        span.record("leg.id", field::display(leg_id));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};
    use serde::Deserialize;

    use super::*;
    use crate::error::{AppError, ValidJson};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        customer: String,
    }

    async fn view(ValidJson(form): ValidJson<Form>) -> Result<HttpResponse, AppError> {
        about(Uuid::nil(), Some(Uuid::max()));
        if form.customer.is_empty() {
            Err(AppError::field("customer", "is empty"))
        } else {
            Ok(HttpResponse::Ok().finish())
        }
    }

    /// What is logged about a request with this body.
    async fn logged(body: &'static str) -> serde_json::Value {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let app = App::new().wrap(from_fn(request_log)).route("/calls/{id}", web::post().to(view));
        let app = init_service(app).await;
        let request = TestRequest::post().uri("/calls/7?to=%2B15550100101").set_payload(body);
        call_service(&app, request.insert_header(("content-type", "application/json")).to_request()).await;
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        for private in ["155501001", "colour", "hush"] {
            assert!(!text.contains(private), "{text}");
        }
        serde_json::from_str(&text).unwrap()
    }

    #[actix_web::test]
    async fn a_request_is_one_line_that_says_nothing_private() {
        let line = logged(r#"{"customer":"+15550100102"}"#).await;
        assert_eq!((&line["status"], &line["error"]), (&200.into(), &serde_json::Value::Null), "{line}");
        assert!(line["duration_ms"].is_number(), "{line}");
        assert_eq!(line["span"]["method"], "POST");
        assert_eq!(line["span"]["route"], "/calls/{id}");
        assert_eq!(line["span"]["call.id"], Uuid::nil().to_string());
        assert_eq!(line["span"]["leg.id"], Uuid::max().to_string());
        for (body, error) in [
            (r#"{"customer":""}"#, "invalid_field: customer"),
            (r#"{"customer":15550100102}"#, "invalid_field: customer"),
            (r#"{"customer":["hush"]}"#, "invalid_field: customer"),
            (r#"{"customer":"x","colour":1}"#, "unknown_field"),
            (r#"{"customer":"x","+15550100103":1}"#, "unknown_field"),
            ("+15550100104", "invalid_json"),
        ] {
            assert_eq!(logged(body).await["error"], error, "{body}");
        }
    }
}
