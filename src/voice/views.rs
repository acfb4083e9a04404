//! The views that Twilio asks. Documents are answered from the signed URL alone, so they are right while the database is
//! away; what a request says of its leg is taken in beside. Only the end of a Dial must know more than its URL.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::forms;
use super::links::{Gate, InRoom, OfCall, OfLeg, SecondLeg, Speech};
use crate::app::{App, SharedApp};
use crate::calls::flow::{AfterDial, Event, GateAnswer, Words, after_dial, after_gate};
use crate::calls::models::NewWebhook;
use crate::calls::services;
use crate::middleware::request_log::about;
use crate::middleware::signature::TwilioRequest;
use crate::telephony::CallSid;
use crate::twilio::CallStatus;
use crate::twiml::Response;

/// The first agent has answered: dial the customer.
pub async fn second_leg(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let Some(query) = our_query::<SecondLeg>(&request) else { return apology(&app) };
    about(query.call, Some(query.leg));
    take_in_beside(&app, &request, query.call, forms::leg_on_line(&request, query.leg)).await;
    twiml(&app.documents.second_leg(&query))
}

/// Into the room.
pub async fn conference(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let Some(query) = our_query::<InRoom>(&request) else { return apology(&app) };
    about(query.call, Some(query.leg));
    take_in_beside(&app, &request, query.call, forms::leg_on_line(&request, query.leg)).await;
    twiml(&app.documents.conference(&query))
}

/// The first agent's Dial has ended: to the room with them, or was it a hang-up?
pub async fn first_leg_disconnected(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let Some(query) = our_query::<InRoom>(&request) else { return apology(&app) };
    about(query.call, Some(query.leg));
    let event = Event::DialEnded(forms::dial_ended(&request));
    let taken_in =
        services::take_in_webhook(&app, query.call, webhook(&app, &request, query.call), Some(event));
    let next = match tokio::time::timeout(app.database_budget, taken_in).await {
        Ok(Ok(Some(call))) => after_dial(&call),
        Ok(Ok(None)) => AfterDial::HangUp(Some(Words::Apology)),
        Ok(Err(error)) => without_database(&app, &request, &error.to_string()).await,
        Err(_) => without_database(&app, &request, "no answer within its budget").await,
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
    let Some(answer) = forms::gate_answer(request.get("Digits"), &query) else {
        take_in_beside(&app, &request, query.call, forms::leg_on_line(&request, query.leg)).await;
        return twiml(&app.documents.gate(&query));
    };
    let event = Event::GateAnswered { leg_id: query.leg, answer };
    if answer != GateAnswer::Accepted {
        take_in_beside(&app, &request, query.call, Some(event)).await;
        return twiml(&app.documents.goodbye(&Words::Declined.spoken()));
    }
    let taken_in =
        services::take_in_webhook(&app, query.call, webhook(&app, &request, query.call), Some(event));
    match tokio::time::timeout(app.database_budget, taken_in).await {
        Ok(Ok(Some(call))) => twiml(&app.documents.after_gate(&query, &after_gate(&call, query.leg))),
        Ok(Ok(None)) => apology(&app),
        Ok(Err(_)) | Err(_) => twiml(&app.documents.gate_later(&query)),
    }
}

/// What is heard while waiting outside the room.
pub async fn music(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    if let Some(query) = our_query::<OfLeg>(&request) {
        about(query.call, Some(query.leg));
        let event = Event::MusicStarted { leg_id: query.leg };
        take_in_beside(&app, &request, query.call, Some(event)).await;
    }
    twiml(&app.documents.music())
}

/// What is heard while waiting in the room.
pub async fn wait(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    if let Some(query) = our_query::<OfCall>(&request) {
        take_in_beside(&app, &request, query.call, None).await;
    }
    twiml(&app.documents.wait())
}

/// A sentence for everybody in the room.
pub async fn announce(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let Some(query) = our_query::<Speech>(&request) else { return apology(&app) };
    take_in_beside(&app, &request, query.call, None).await;
    twiml(&app.documents.announce(&query.text))
}

/// A sentence, then the end of the leg.
pub async fn goodbye(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let Some(query) = our_query::<Speech>(&request) else { return apology(&app) };
    take_in_beside(&app, &request, query.call, None).await;
    twiml(&app.documents.goodbye(&query.text))
}

/// Progress of a leg: durable before it is answered.
pub async fn call_status(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let query = our_query::<OfLeg>(&request);
    let event = query.as_ref().and_then(|query| forms::leg_progress(&request, query.leg));
    keep(&app, &request, query.map(|query| query.call), event).await
}

/// A change in the room: durable before it is answered.
pub async fn conference_status(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let query = our_query::<OfCall>(&request);
    let event = forms::room_change(&request);
    keep(&app, &request, query.map(|query| query.call), event).await
}

async fn keep(
    app: &Arc<App>,
    request: &TwilioRequest,
    call: Option<Uuid>,
    event: Option<Event>,
) -> HttpResponse {
    let call_id = call.unwrap_or_default();
    about(call_id, None);
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
