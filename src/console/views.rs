//! What the console's scripts ask: the same as programs do, of those calls that are theirs, and what concerns themselves.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde_json::{Value, json};
use uuid::Uuid;

use super::access::{Action, asker, party};
use super::forms::{Check, NewConsoleCall, NewPhone, NewPresence, OnPerson, Supervise, new_transfer};
use super::models;
use super::sessions::Session;
use super::typed::address;
use crate::agents::services::{self as agents, AccountError};
use crate::app::SharedApp;
use crate::calls::flow::{Event, Party, Role};
use crate::calls::forms::{NewOutcome, ParticipantControl};
use crate::calls::{requesting, services};
use crate::error::{AppError, ErrorCode, ValidJson, ValidQuery};
use crate::guard;
use crate::guard::rules::{Asked, Subject, number};
use crate::idempotency::Idempotency;

type Answer = Result<HttpResponse, AppError>;

/// `POST /console/calls`: rings whoever asks, then the customer.
pub async fn create(
    app: SharedApp,
    session: Session,
    idempotency: Idempotency,
    ValidJson(form): ValidJson<NewConsoleCall>,
) -> Answer {
    let form = form.new_call(&session.agent().name, app.defaults.caller_id.as_ref())?;
    // There is no call yet that could be somebody else's.
    let by = asker(&app, &session, Action::See);
    Ok(requesting::place(&app, &by, idempotency, form, |id| format!("/calls/{id}")).await?.into())
}

/// `POST /console/calls/{id}/transfer`
pub async fn transfer(
    app: SharedApp,
    session: Session,
    idempotency: Idempotency,
    id: Path<Uuid>,
    ValidJson(body): ValidJson<Value>,
) -> Answer {
    let form = new_transfer(body, app.defaults.caller_id.as_ref())?;
    Ok(requesting::transfer(&app, &asker(&app, &session, Action::Steer), idempotency, *id, form)
        .await?
        .into())
}

/// `POST /console/calls/{id}/complete`
pub async fn complete(app: SharedApp, session: Session, idempotency: Idempotency, id: Path<Uuid>) -> Answer {
    tell(&app, &session, idempotency, *id, Action::End, Event::CompleteRequested).await
}

/// `POST /console/calls/{id}/cancel`
pub async fn cancel(app: SharedApp, session: Session, idempotency: Idempotency, id: Path<Uuid>) -> Answer {
    tell(&app, &session, idempotency, *id, Action::Steer, Event::CancelRequested).await
}

/// `POST /console/calls/{id}/merge`
pub async fn merge(app: SharedApp, session: Session, idempotency: Idempotency, id: Path<Uuid>) -> Answer {
    tell(&app, &session, idempotency, *id, Action::Steer, Event::MergeRequested).await
}

/// `POST /console/calls/{id}/swap`
pub async fn swap(app: SharedApp, session: Session, idempotency: Idempotency, id: Path<Uuid>) -> Answer {
    tell(&app, &session, idempotency, *id, Action::Steer, Event::SwapRequested).await
}

/// `POST /console/calls/{id}/hangup`
pub async fn hangup(app: SharedApp, session: Session, idempotency: Idempotency, id: Path<Uuid>) -> Answer {
    let by = as_whom(&app, &session, *id).await?;
    tell(&app, &session, idempotency, *id, Action::End, Event::HangUpRequested { by }).await
}

/// `POST /console/calls/{id}/participants/{role}/{control}`
pub async fn participant(
    app: SharedApp,
    session: Session,
    idempotency: Idempotency,
    path: Path<OnPerson>,
) -> Answer {
    let OnPerson { id, role, control } = path.into_inner();
    let event = match control {
        ParticipantControl::Control(control) => Event::ControlRequested { role, control },
        ParticipantControl::Remove => Event::RemoveRequested { role, by: as_whom(&app, &session, id).await? },
    };
    let action = match role {
        Role::Supervisor => Action::Supervise,
        // Without one of these two the call is over, or another's.
        Role::FirstAgent | Role::Customer if control == ParticipantControl::Remove => Action::End,
        Role::FirstAgent | Role::Customer | Role::SecondAgent => Action::Steer,
    };
    tell(&app, &session, idempotency, id, action, event).await
}

/// `POST /console/calls/{id}/supervise`: rings whoever asks into the room, or changes what they do there.
pub async fn supervise(
    app: SharedApp,
    session: Session,
    idempotency: Idempotency,
    id: Path<Uuid>,
    ValidJson(form): ValidJson<Supervise>,
) -> Answer {
    let by = asker(&app, &session, Action::Supervise);
    Ok(requesting::supervise(&app, &by, idempotency, *id, session.agent(), form.mode).await?.into())
}

/// `POST /console/calls/{id}/supervise/end`
pub async fn supervise_end(
    app: SharedApp,
    session: Session,
    idempotency: Idempotency,
    id: Path<Uuid>,
) -> Answer {
    let event = Event::SuperviseEndRequested { agent: session.agent().id };
    tell(&app, &session, idempotency, *id, Action::Supervise, event).await
}

/// In which part somebody asks; whether they may is judged later, in the transaction.
async fn as_whom(app: &SharedApp, session: &Session, call_id: Uuid) -> Result<Party, AppError> {
    Ok(party(&services::find(app, call_id).await?, session.agent().id))
}

async fn tell(
    app: &SharedApp,
    session: &Session,
    idempotency: Idempotency,
    call_id: Uuid,
    action: Action,
    event: Event,
) -> Answer {
    Ok(requesting::tell(app, &asker(app, session, action), idempotency, call_id, event).await?.into())
}

/// `PUT /console/calls/{id}/outcome`
pub async fn outcome(
    app: SharedApp,
    session: Session,
    id: Path<Uuid>,
    ValidJson(form): ValidJson<NewOutcome>,
) -> Answer {
    Ok(requesting::outcome(&app, &asker(&app, &session, Action::Outcome), *id, form, |_| true).await?.into())
}

/// `GET /console/check`: whether a number would be called, while it is being typed.
pub async fn check(app: SharedApp, session: Session, ValidQuery(query): ValidQuery<Check>) -> Answer {
    let shown = query.caller_id.as_ref().or(app.defaults.caller_id.as_ref());
    // A plus that was not encoded arrives as a space.
    let typed = query.number.strip_prefix(' ').map_or(query.number.clone(), |rest| format!("+{rest}"));
    let customer = match address(&typed, shown) {
        Ok(customer) => customer,
        Err(error) => {
            let reasons: Vec<String> =
                (!typed.is_empty()).then(|| as_sentence(&error.0)).into_iter().collect();
            return Ok(HttpResponse::Ok().json(json!({ "valid": false, "number": null, "reasons": reasons })));
        }
    };
    let asked = Asked {
        customer: customer.clone(),
        agent: Some(session.agent().address.clone()),
        api_key_id: None,
        foreign_caller_id: guard::caller_ids::first_foreign(&app, &Vec::from_iter(shown)).await,
    };
    let (_, refusals) = guard::services::refusals(&app, asked).await?;
    let reasons: Vec<String> = refusals.into_iter().map(|refusal| refusal.sentence).collect();
    Ok(HttpResponse::Ok().json(json!({ "valid": true, "number": customer, "reasons": reasons })))
}

fn as_sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `GET /console/recent`: whom they have called or brought in lately.
pub async fn recent(app: SharedApp, session: Session) -> Answer {
    let agent_id = session.agent().id;
    let recent = app.db.read(move |conn| models::recent(conn, agent_id)).await?;
    Ok(HttpResponse::Ok().json(json!({ "recent": recent })))
}

/// `PUT /console/presence`: whether they take calls.
pub async fn presence(app: SharedApp, session: Session, ValidJson(form): ValidJson<NewPresence>) -> Answer {
    agents::set_presence(&app, session.agent().id, form.presence).await?;
    Ok(HttpResponse::Ok().json(json!({ "presence": form.presence })))
}

/// `PUT /console/phone`: what is rung for them from now on.
pub async fn phone(app: SharedApp, session: Session, ValidJson(form): ValidJson<NewPhone>) -> Answer {
    let wrong = |error| AppError::field("address", format!("is not understood: {error}"));
    let address = address(&form.address, app.defaults.caller_id.as_ref()).map_err(wrong)?;
    if let Some(refusal) = number(&app.guard.rules, Subject::Agent, &address) {
        return Err(AppError::from(refusal).with_field("address"));
    }
    let (db, clock, by) = (&app.db, &*app.clock, session.actor());
    let changed =
        agents::set_address(db, clock, &by, &session.agent().name, address).await.map_err(refused)?;
    app.tell(changed.id);
    Ok(HttpResponse::Ok().json(json!({ "address": changed.address })))
}

/// An account that is not changed.
pub(super) fn refused(error: AccountError) -> AppError {
    match error {
        AccountError::Db(error) => error.into(),
        AccountError::Unknown(_) => AppError::new(ErrorCode::NotFound),
        AccountError::Exists(_) => AppError::field("name", "is taken"),
        AccountError::InvalidName => {
            AppError::field("name", "must be 1 to 64 letters, digits, dots, hyphens or underscores")
        }
        AccountError::InvalidPassword => AppError::field("password", "must have 10 to 256 characters"),
    }
}
