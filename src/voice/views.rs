//! The view that Twilio asks. Documents are answered from the signed URL alone, so they are right while the database is
//! away; what a request says of its leg is taken in beside. Only the end of a Dial and of the gate must know more.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, ResponseError};
use uuid::Uuid;

use super::asked::{Answer, Asked, asked};
use super::links::{Gate, InRoom};
use super::services::{self, Kept, News};
use crate::app::{App, SharedApp};
use crate::calls::flow::{AfterDial, Words, after_dial, after_gate};
use crate::error::{AppError, ErrorCode};
use crate::middleware::request_log::about;
use crate::middleware::signature::TwilioRequest;
use crate::telephony::CallSid;
use crate::twilio::CallStatus;
use crate::twiml::Response;

/// How long the database may take for what nobody waits for.
const PATIENCE: Duration = Duration::from_secs(10);

/// When an answer must be there at the latest: a try of Twilio's is over after 5 s (`voice::links`).
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
/// How long Twilio may take to say how a leg is, whatever time the database has taken.
const LEAST_FOR_TWILIO: Duration = Duration::from_millis(500);

/// Whatever Twilio asks for, or tells.
pub async fn answer(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let Some(Asked { call, leg, answer }) = asked(&app.documents, &request) else {
        return AppError::new(ErrorCode::NotFound).error_response();
    };
    let call_id = call.unwrap_or_default();
    about(call_id, leg);
    match answer {
        Answer::Document(document) => {
            if call.is_some() {
                keep_beside(&app, &request, call_id).await;
            }
            twiml(&document)
        }
        Answer::AfterDial(query) => after_the_dial(&app, &request, &query).await,
        Answer::AfterGate(query) => after_the_gate(&app, &request, &query).await,
        Answer::Kept => keep(&app, &request, call_id).await,
    }
}

async fn after_the_dial(app: &Arc<App>, request: &TwilioRequest, query: &InRoom) -> HttpResponse {
    let news = News::arriving(app, request, query.call);
    let next = match services::keep(app, news, app.database_budget).await {
        Ok(Kept::TakenIn(Some(call))) => after_dial(&call),
        Ok(Kept::TakenIn(None)) => AfterDial::HangUp(Some(Words::Apology)),
        Ok(Kept::Spooled) => without_database(app, request, "its news are spooled").await,
        Err(error) => without_database(app, request, &error.to_string()).await,
    };
    twiml(&app.documents.after_dial(query, &next))
}

/// The database cannot say whether a transfer is under way; Twilio can: a customer who is still on the line has been moved.
async fn without_database(app: &App, request: &TwilioRequest, reason: &str) -> AfterDial {
    tracing::error!(reason, "the end of a Dial is decided without the database");
    let Some(customer) = request.get("DialCallSid").and_then(|sid| sid.parse::<CallSid>().ok()) else {
        return AfterDial::HangUp(None);
    };
    let within = ANSWER_WITHIN.saturating_sub(app.database_budget).max(LEAST_FOR_TWILIO);
    let reason = match tokio::time::timeout(within, app.twilio.fetch_call(&customer)).await {
        Ok(Ok(call)) if call.status == CallStatus::InProgress => return AfterDial::Room,
        Ok(Ok(_)) => return AfterDial::HangUp(None),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} ms", within.as_millis()),
    };
    tracing::error!(reason, "Twilio cannot say either");
    AfterDial::HangUp(Some(Words::Apology))
}

/// Only the database knows whether a colleague was faster; while it is away, they are asked to wait.
async fn after_the_gate(app: &Arc<App>, request: &TwilioRequest, query: &Gate) -> HttpResponse {
    let news = News::arriving(app, request, query.call);
    twiml(&match services::keep(app, news, app.database_budget).await {
        Ok(Kept::TakenIn(Some(call))) => app.documents.after_gate(query, &after_gate(&call, query.leg)),
        Ok(Kept::TakenIn(None)) => app.documents.apology(),
        Ok(Kept::Spooled) | Err(_) => app.documents.gate_later(query),
    })
}

/// A callback is durable before it is answered.
async fn keep(app: &Arc<App>, request: &TwilioRequest, call_id: Uuid) -> HttpResponse {
    let news = News::arriving(app, request, call_id);
    match services::keep(app, news, app.database_budget).await {
        Ok(_) => HttpResponse::NoContent().finish(),
        Err(error) => {
            tracing::error!(%error, "a callback could not be kept");
            AppError::new(ErrorCode::Unavailable).error_response()
        }
    }
}

/// Keeps a document request without letting the person on the phone wait for it; only while more of them come than the
/// database can keep does one wait for a place, and no longer than for the database itself.
async fn keep_beside(app: &Arc<App>, request: &TwilioRequest, call_id: Uuid) {
    let place = app.journal.places.clone().acquire_owned();
    let Ok(Ok(place)) = tokio::time::timeout(app.database_budget, place).await else {
        tracing::error!(call.id = %call_id, "a document request could not be kept: too many wait");
        return;
    };
    let news = News::arriving(app, request, call_id);
    let shared = app.clone();
    app.work(async move {
        if let Err(error) = services::keep(&shared, news, PATIENCE).await {
            tracing::error!(%error, call.id = %call_id, "a document request could not be kept");
        }
        drop(place);
    });
}

fn twiml(document: &Response) -> HttpResponse {
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(document.to_xml())
}
