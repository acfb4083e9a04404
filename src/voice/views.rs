//! The views that Twilio asks. Documents are answered from the signed URL alone, so they are right while the database is
//! away; what a request says of its leg is taken in beside. Only the end of a Dial must know more than its URL.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use uuid::Uuid;

use super::asked::{self, Answer, Asked};
use super::links::{Gate, InRoom};
use crate::app::{App, SharedApp};
use crate::calls::flow::{AfterDial, Event, Words, after_dial, after_gate};
use crate::calls::models::NewWebhook;
use crate::calls::services;
use crate::middleware::request_log::about;
use crate::middleware::signature::TwilioRequest;
use crate::telephony::CallSid;
use crate::twilio::CallStatus;
use crate::twiml::Response;

/// The first agent has answered: dial the customer.
pub async fn second_leg(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    answer(&app, &request, asked::second_leg(&app.documents, &request)).await
}

/// Into the room.
pub async fn conference(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    answer(&app, &request, asked::conference(&app.documents, &request)).await
}

/// The first agent's Dial has ended: to the room with them, or was it a hang-up?
pub async fn first_leg_disconnected(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    answer(&app, &request, asked::first_leg_disconnected(&app.documents, &request)).await
}

/// Does the second agent take the call?
pub async fn accept(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    answer(&app, &request, asked::accept(&app.documents, &request)).await
}

/// What is heard while waiting outside the room.
pub async fn music(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    answer(&app, &request, asked::music(&app.documents, &request)).await
}

/// What is heard while waiting in the room.
pub async fn wait(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    answer(&app, &request, asked::wait(&app.documents, &request)).await
}

/// A sentence for everybody in the room.
pub async fn announce(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    answer(&app, &request, asked::announce(&app.documents, &request)).await
}

/// A sentence, then the end of the leg.
pub async fn goodbye(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    answer(&app, &request, asked::goodbye(&app.documents, &request)).await
}

/// Progress of a leg: durable before it is answered.
pub async fn call_status(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    answer(&app, &request, asked::call_status(&request)).await
}

/// A change in the room: durable before it is answered.
pub async fn conference_status(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    answer(&app, &request, asked::conference_status(&request)).await
}

async fn answer(app: &Arc<App>, request: &TwilioRequest, asked: Asked) -> HttpResponse {
    let Asked { call, leg, event, answer } = asked;
    let call_id = call.unwrap_or_default();
    about(call_id, leg);
    match answer {
        Answer::Document(document) => {
            if call.is_some() {
                take_in_beside(app, request, call_id, event).await;
            }
            twiml(&document)
        }
        Answer::AfterDial(query) => after_the_dial(app, request, &query, event).await,
        Answer::AfterGate(query) => after_the_gate(app, request, &query, event).await,
        Answer::Kept => keep(app, request, call_id, event).await,
    }
}

async fn after_the_dial(
    app: &Arc<App>,
    request: &TwilioRequest,
    query: &InRoom,
    event: Option<Event>,
) -> HttpResponse {
    let taken_in = services::take_in_webhook(app, query.call, webhook(app, request, query.call), event);
    let next = match tokio::time::timeout(app.database_budget, taken_in).await {
        Ok(Ok(Some(call))) => after_dial(&call),
        Ok(Ok(None)) => AfterDial::HangUp(Some(Words::Apology)),
        Ok(Err(error)) => without_database(app, request, &error.to_string()).await,
        Err(_) => without_database(app, request, "no answer within its budget").await,
    };
    twiml(&app.documents.after_dial(query, &next))
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

async fn after_the_gate(
    app: &Arc<App>,
    request: &TwilioRequest,
    query: &Gate,
    event: Option<Event>,
) -> HttpResponse {
    let taken_in = services::take_in_webhook(app, query.call, webhook(app, request, query.call), event);
    match tokio::time::timeout(app.database_budget, taken_in).await {
        Ok(Ok(Some(call))) => twiml(&app.documents.after_gate(query, &after_gate(&call, query.leg))),
        Ok(Ok(None)) => twiml(&app.documents.apology()),
        Ok(Err(_)) | Err(_) => twiml(&app.documents.gate_later(query)),
    }
}

async fn keep(app: &Arc<App>, request: &TwilioRequest, call_id: Uuid, event: Option<Event>) -> HttpResponse {
    let status = match services::take_in_webhook(app, call_id, webhook(app, request, call_id), event).await {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(error) => {
            tracing::error!(%error, "a callback could not be kept");
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    HttpResponse::new(status)
}

/// Takes in what a document request says of its leg without letting the person on the phone wait for it; only while more of
/// them come than the database can keep does one wait for a place, and no longer than for the database itself.
async fn take_in_beside(app: &Arc<App>, request: &TwilioRequest, call_id: Uuid, event: Option<Event>) {
    let place = app.journal.clone().acquire_owned();
    let Ok(Ok(place)) = tokio::time::timeout(app.database_budget, place).await else {
        tracing::error!(call.id = %call_id, "a document request could not be kept: too many wait");
        return;
    };
    let webhook = webhook(app, request, call_id);
    let shared = app.clone();
    app.work(async move {
        if let Err(error) = services::take_in_webhook(&shared, call_id, webhook, event).await {
            tracing::error!(%error, call.id = %call_id, "a document request could not be kept");
        }
        drop(place);
    });
}

fn webhook(app: &App, request: &TwilioRequest, call_id: Uuid) -> NewWebhook {
    NewWebhook {
        received_at: app.clock.now().naive_utc(),
        call_id: (!call_id.is_nil()).then(|| call_id.to_string()),
        method: request.method().to_string(),
        path_and_query: request.path_and_query().to_owned(),
        form: serde_json::to_string(request.form()).unwrap_or_default(),
        idempotency_token: request.idempotency_token().map(str::to_owned),
    }
}

fn twiml(document: &Response) -> HttpResponse {
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(document.to_xml())
}
