//! The view that Twilio asks. Documents are answered from the signed URL alone, so they are right while the database is
//! away; what a request says of its leg is taken in beside. Only the end of a Dial and of the gate must know more.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, ResponseError};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::asked::{Answer, Asked, asked};
use super::links::{Gate, InRoom};
use super::models::{self, Answered, Webhook};
use super::services::{self, Kept, News, PATIENCE};
use crate::app::{App, SharedApp};
use crate::calls::exchanges::{self, ExchangeRow};
use crate::calls::flow::{AfterDial, Words, after_dial, after_gate};
use crate::error::{AppError, ErrorCode};
use crate::middleware::request_log::about;
use crate::middleware::signature::TwilioRequest;
use crate::telephony::CallSid;
use crate::twilio::{CallStatus, TwilioClient};

/// When an answer must be there at the latest: a try of Twilio's is over after 5 s (`voice::links`).
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
/// How long Twilio may take to say how a leg is, whatever time the database has taken.
const LEAST_FOR_TWILIO: Duration = Duration::from_millis(500);

/// A request and when it reached us.
struct Arrival {
    request: TwilioRequest,
    at: DateTime<Utc>,
}

impl Arrival {
    /// What it says, before it is answered.
    fn news(&self, app: &App, call_id: Uuid) -> News {
        self.news_answered(app, call_id, models::Answer::default())
    }

    /// What it says, and this is the answer.
    fn news_answered(&self, app: &App, call_id: Uuid, answer: models::Answer) -> News {
        News::arrived(app, &self.request, self.at, call_id, answer)
    }

    /// This document as an answer that is sent now.
    fn answer(&self, app: &App, document: &str) -> models::Answer {
        models::Answer::document(document, self.at, app.clock.now())
    }
}

/// Whatever Twilio asks for, or tells.
pub async fn answer(app: SharedApp, request: TwilioRequest) -> HttpResponse {
    let arrival = Arrival { at: app.clock.now(), request };
    let Some(Asked { call, leg, answer }) = asked(&app.documents, &arrival.request) else {
        return AppError::new(ErrorCode::NotFound).error_response();
    };
    let call_id = call.unwrap_or_default();
    about(call_id, leg);
    match answer {
        Answer::Document(document) => {
            let document = document.to_xml();
            if call.is_some() {
                keep_beside(&app, &arrival, call_id, &document).await;
            }
            twiml(document)
        }
        Answer::AfterDial(query) => after_the_dial(&app, &arrival, &query).await,
        Answer::AfterGate(query) => after_the_gate(&app, &arrival, &query).await,
        Answer::Kept => keep(&app, &arrival, call_id).await,
    }
}

async fn after_the_dial(app: &Arc<App>, arrival: &Arrival, query: &InRoom) -> HttpResponse {
    let news = arrival.news(app, query.call);
    let webhook = news.webhook().clone();
    let (twilio, recording) = app.twilio.recording(app.clock.clone());
    let next = match services::keep(app, news, app.database_budget).await {
        Ok(Kept::TakenIn(Some(call))) => after_dial(&call),
        Ok(Kept::TakenIn(None)) => AfterDial::HangUp(Some(Words::Apology)),
        Ok(Kept::Spooled) => without_database(app, &twilio, arrival, "its news are spooled").await,
        Err(error) => without_database(app, &twilio, arrival, &error.to_string()).await,
    };
    let document = app.documents.after_dial(query, &next).to_xml();
    let exchanges = exchanges::rows(&query.call.to_string(), None, recording.take());
    fill_in(app, &webhook, arrival.answer(app, &document), exchanges);
    twiml(document)
}

/// What was answered is kept beside, once it is known.
fn fill_in(app: &Arc<App>, webhook: &Webhook, answer: models::Answer, exchanges: Vec<ExchangeRow>) {
    services::keep_answer(app, Answered::of(webhook, answer, exchanges));
}

/// The database cannot say whether a transfer is under way; Twilio can: a customer who is still on the line has been moved.
async fn without_database(app: &App, twilio: &TwilioClient, arrival: &Arrival, reason: &str) -> AfterDial {
    tracing::error!(reason, "the end of a Dial is decided without the database");
    let Some(customer) = arrival.request.get("DialCallSid").and_then(|sid| sid.parse::<CallSid>().ok())
    else {
        return AfterDial::HangUp(None);
    };
    let within = ANSWER_WITHIN.saturating_sub(app.database_budget).max(LEAST_FOR_TWILIO);
    let reason = match tokio::time::timeout(within, twilio.fetch_call(&customer)).await {
        Ok(Ok(call)) if call.status == CallStatus::InProgress => return AfterDial::Room,
        Ok(Ok(_)) => return AfterDial::HangUp(None),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} ms", within.as_millis()),
    };
    tracing::error!(reason, "Twilio cannot say either");
    AfterDial::HangUp(Some(Words::Apology))
}

/// Only the database knows whether a colleague was faster; while it is away, they are asked to wait.
async fn after_the_gate(app: &Arc<App>, arrival: &Arrival, query: &Gate) -> HttpResponse {
    let news = arrival.news(app, query.call);
    let webhook = news.webhook().clone();
    let document = match services::keep(app, news, app.database_budget).await {
        Ok(Kept::TakenIn(Some(call))) => app.documents.after_gate(query, &after_gate(&call, query.leg)),
        Ok(Kept::TakenIn(None)) => app.documents.apology(),
        Ok(Kept::Spooled) | Err(_) => app.documents.gate_later(query),
    };
    let document = document.to_xml();
    fill_in(app, &webhook, arrival.answer(app, &document), vec![]);
    twiml(document)
}

/// A callback is durable before it is answered.
async fn keep(app: &Arc<App>, arrival: &Arrival, call_id: Uuid) -> HttpResponse {
    let news = arrival.news_answered(app, call_id, models::Answer::accepted());
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
async fn keep_beside(app: &Arc<App>, arrival: &Arrival, call_id: Uuid, document: &str) {
    let place = app.journal.places.clone().acquire_owned();
    let Ok(Ok(place)) = tokio::time::timeout(app.database_budget, place).await else {
        tracing::error!(call.id = %call_id, "a document request could not be kept: too many wait");
        return;
    };
    let news = arrival.news_answered(app, call_id, arrival.answer(app, document));
    let shared = app.clone();
    app.work(async move {
        if let Err(error) = services::keep(&shared, news, PATIENCE).await {
            tracing::error!(%error, call.id = %call_id, "a document request could not be kept");
        }
        drop(place);
    });
}

fn twiml(document: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(document)
}
