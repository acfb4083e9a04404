//! The views that Twilio asks. Documents are answered from the signed URL alone, so they are right while the database is
//! away; what a request says of its leg is taken in beside. Only the end of a Dial must know more than its URL.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, ResponseError};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::forms;
use super::links::{Gate, InRoom, OfCall, OfLeg, SecondLeg, Speech};
use super::services::{self, Kept, News};
use crate::app::{App, SharedApp};
use crate::calls::flow::{AfterDial, GateAnswer, Words, after_dial, after_gate};
use crate::error::{AppError, ErrorCode};
use crate::middleware::request_log::about;
use crate::middleware::signature::TwilioRequest;
use crate::telephony::CallSid;
use crate::twilio::CallStatus;
use crate::twiml::Response;

/// How long the database may take for what nobody waits for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first agent has answered: dial the customer.
pub async fn second_leg(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let Some(query) = our_query::<SecondLeg>(&request) else { return apology(&app) };
    about(query.call, Some(query.leg));
    keep_beside(&app, &request, query.call).await;
    twiml(&app.documents.second_leg(&query))
}

/// Into the room.
pub async fn conference(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let Some(query) = our_query::<InRoom>(&request) else { return apology(&app) };
    about(query.call, Some(query.leg));
    keep_beside(&app, &request, query.call).await;
    twiml(&app.documents.conference(&query))
}

/// The first agent's Dial has ended: to the room with them, or was it a hang-up?
pub async fn first_leg_disconnected(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let Some(query) = our_query::<InRoom>(&request) else { return apology(&app) };
    about(query.call, Some(query.leg));
    let news = News::arriving(&app, &request, query.call);
    let next = match services::keep(&app, news, app.database_budget).await {
        Ok(Kept::TakenIn(Some(call))) => after_dial(&call),
        Ok(Kept::TakenIn(None)) => AfterDial::HangUp(Some(Words::Apology)),
        Ok(Kept::Spooled) => without_database(&app, &request, "its news are spooled").await,
        Err(error) => without_database(&app, &request, &error.to_string()).await,
    };
    twiml(&app.documents.after_dial(&query, &next))
}

/// The database cannot say whether a transfer is under way; Twilio can: a customer who is still on the line has been moved.
async fn without_database(app: &App, request: &TwilioRequest, reason: &str) -> AfterDial {
    tracing::error!(reason, "the end of a Dial is decided without the database");
    let Some(customer) = request.get("DialCallSid").and_then(|sid| sid.parse::<CallSid>().ok()) else {
        return AfterDial::HangUp(None);
    };
    match app.twilio.fetch_call(&customer).await {
        Ok(call) if call.status == CallStatus::InProgress => AfterDial::Room,
        Ok(_) => AfterDial::HangUp(None),
        Err(error) => {
            tracing::error!(%error, "Twilio cannot say either");
            AfterDial::HangUp(Some(Words::Apology))
        }
    }
}

/// Does the second agent take the call?
pub async fn accept(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let Some(query) = our_query::<Gate>(&request) else { return apology(&app) };
    about(query.call, Some(query.leg));
    match forms::gate_answer(&request, &query) {
        None => {
            keep_beside(&app, &request, query.call).await;
            twiml(&app.documents.gate(&query))
        }
        Some(GateAnswer::Declined | GateAnswer::Silent) => {
            keep_beside(&app, &request, query.call).await;
            twiml(&app.documents.goodbye(&Words::Declined.spoken()))
        }
        Some(GateAnswer::Accepted) => accepted(&app, &request, &query).await,
    }
}

/// Only the database knows whether a colleague was faster; while it is away, they are asked to wait.
async fn accepted(app: &Arc<App>, request: &TwilioRequest, query: &Gate) -> HttpResponse {
    let news = News::arriving(app, request, query.call);
    match services::keep(app, news, app.database_budget).await {
        Ok(Kept::TakenIn(Some(call))) => {
            twiml(&app.documents.after_gate(query, &after_gate(&call, query.leg)))
        }
        Ok(Kept::TakenIn(None)) => apology(app),
        Ok(Kept::Spooled) | Err(_) => twiml(&app.documents.gate_later(query)),
    }
}

/// What is heard while waiting outside the room.
pub async fn music(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    if let Some(query) = our_query::<OfLeg>(&request) {
        about(query.call, Some(query.leg));
        keep_beside(&app, &request, query.call).await;
    }
    twiml(&app.documents.music())
}

/// What is heard while waiting in the room.
pub async fn wait(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    if let Some(query) = our_query::<OfCall>(&request) {
        keep_beside(&app, &request, query.call).await;
    }
    twiml(&app.documents.wait())
}

/// A sentence for everybody in the room.
pub async fn announce(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let Some(query) = our_query::<Speech>(&request) else { return apology(&app) };
    keep_beside(&app, &request, query.call).await;
    twiml(&app.documents.announce(&query.text))
}

/// A sentence, then the end of the leg.
pub async fn goodbye(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let Some(query) = our_query::<Speech>(&request) else { return apology(&app) };
    keep_beside(&app, &request, query.call).await;
    twiml(&app.documents.goodbye(&query.text))
}

/// Progress of a leg: durable before it is answered.
pub async fn call_status(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let query = our_query::<OfLeg>(&request);
    keep(&app, &request, query.map(|query| query.call)).await
}

/// A change in the room: durable before it is answered.
pub async fn conference_status(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let query = our_query::<OfCall>(&request);
    keep(&app, &request, query.map(|query| query.call)).await
}

async fn keep(app: &Arc<App>, request: &TwilioRequest, call: Option<Uuid>) -> HttpResponse {
    let call_id = call.unwrap_or_default();
    about(call_id, None);
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

fn our_query<T: DeserializeOwned>(request: &TwilioRequest) -> Option<T> {
    let query = forms::query(request);
    if query.is_none() {
        tracing::warn!("a signed request whose query is not one of ours");
    }
    query
}

fn apology(app: &App) -> HttpResponse {
    twiml(&app.documents.apology())
}

fn twiml(document: &Response) -> HttpResponse {
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(document.to_xml())
}
