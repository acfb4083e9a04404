//! My account: where calls ring for me, my password, and where I am logged in.

use actix_web::http::{StatusCode, header};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use super::forms::ValidForm;
use super::log_in::client;
use super::pages::{Frame, render};
use super::sessions::services::{self as sessions, SessionInfo};
use super::sessions::{PageSession, Session};
use super::texts::{fill, t};
use crate::agents::passwords::Password;
use crate::agents::services::{self as agents, AccountError};
use crate::app::{App, SharedApp};
use crate::calls::serializers::rfc3339_text;
use crate::error::AppError;
use crate::middleware::limiter::whole_secs;

type Answer = Result<HttpResponse, AppError>;

#[derive(Template)]
#[template(path = "console/account.html")]
struct AccountPage<'a> {
    frame: Frame<'a>,
    address: String,
    sessions: Vec<SessionLine>,
    done: Option<&'static str>,
    problem: Option<String>,
}

/// A session as the page shows it.
struct SessionLine {
    id: Uuid,
    browser: String,
    address: String,
    created_at: String,
    seen_at: String,
    is_current: bool,
}

impl SessionLine {
    fn new(info: SessionInfo, current: Uuid) -> Self {
        Self {
            is_current: info.id == current,
            id: info.id,
            browser: browser(&info.user_agent),
            address: info.address,
            created_at: rfc3339_text(info.created_at),
            seen_at: rfc3339_text(info.seen_at),
        }
    }
}

/// What a browser calls itself, in two words. Browsers name each other, so the order matters.
fn browser(user_agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| {
        known.iter().find(|(sign, _)| user_agent.contains(sign)).map(|(_, name)| *name)
    };
    let name = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Windows", "Windows"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (name, system) {
        (Some(name), Some(system)) => format!("{name}, {system}"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => t("account.sessions.unknown").to_owned(),
    }
}

async fn show(
    app: &App,
    session: &Session,
    response: HttpResponseBuilder,
    done: Option<&'static str>,
    problem: Option<String>,
) -> Answer {
    let open = sessions::list(app, session.agent().id).await?;
    let page = AccountPage {
        frame: Frame::new(session, "account"),
        address: session.agent().address.to_string(),
        sessions: open.into_iter().map(|info| SessionLine::new(info, session.id())).collect(),
        done,
        problem,
    };
    render(response, &page)
}

/// `GET /account`
///
/// # Errors
/// The database's.
pub async fn page(app: SharedApp, session: PageSession) -> Answer {
    show(&app, &session, HttpResponse::Ok(), None, None).await
}

/// `POST /account/password`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// For browsers that keep passwords; not looked at.
    #[serde(rename = "username")]
    _username: Option<String>,
    current: String,
    new: String,
    again: String,
}

/// `POST /account/password`
///
/// # Errors
/// The database's; what is wrong with the passwords is said on the page.
pub async fn password(
    app: SharedApp,
    request: HttpRequest,
    session: PageSession,
    ValidForm(form): ValidForm<NewPassword>,
) -> Answer {
    match change_password(&app, &request, &session, form).await? {
        Ok(()) => {
            let done = Some(t("account.password.done"));
            show(&app, &session, HttpResponse::Ok(), done, None).await
        }
        Err((status, problem)) => {
            show(&app, &session, HttpResponseBuilder::new(status), None, Some(problem)).await
        }
    }
}

/// Or why not, in a sentence.
async fn change_password(
    app: &App,
    request: &HttpRequest,
    session: &Session,
    form: NewPassword,
) -> Result<Result<(), (StatusCode, String)>, AppError> {
    let name = &session.agent().name;
    let refused = |status, words: &str| Ok(Err((status, words.to_owned())));
    // Whoever finds an open browser may not try passwords faster than at the door.
    if let Some(wait) = app.console.log_ins.refuses(name, client(request).address) {
        let words = fill("login.limited", "wait", &format!("{} s", whole_secs(wait).max(1)));
        return refused(StatusCode::TOO_MANY_REQUESTS, &words);
    }
    if form.new != form.again {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, t("account.password.differ"));
    }
    let Ok(new) = Password::parse(form.new) else {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, t("account.password.short"));
    };
    if agents::log_in(app, name, form.current).await?.is_none() {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, t("account.password.wrong"));
    }
    set_password(app, session, name, new, Some(session.id())).await?;
    app.tell(session.agent().id);
    Ok(Ok(()))
}

/// Keeps a new password of this account; computed where it holds up nobody.
pub(super) async fn set_password(
    app: &App,
    by: &Session,
    name: &str,
    password: Password,
    but: Option<Uuid>,
) -> Result<(), AppError> {
    let ids = app.ids.clone();
    let hashed = actix_web::web::block(move || password.hash(&*ids)).await;
    let hash = hashed.map_err(|error| crate::db::DbError::Unavailable(error.to_string()))??;
    match agents::set_password(&app.db, &*app.clock, &by.actor(), name, hash, but).await {
        Err(AccountError::Db(error)) => Err(error.into()),
        // Whoever has just been looked at is there.
        Ok(()) | Err(_) => Ok(()),
    }
}

fn back() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, "/account")).finish()
}

/// `POST /account/sessions/{id}/revoke`; one that is not mine, or closed already, stays as it is.
///
/// # Errors
/// The database's.
pub async fn revoke(app: SharedApp, session: PageSession, id: Path<Uuid>) -> Answer {
    sessions::close(&app, session.agent(), *id, "agent.session_revoked").await?;
    Ok(back())
}

/// `POST /account/sessions/revoke`: all but the one that asks.
///
/// # Errors
/// The database's.
pub async fn revoke_others(app: SharedApp, session: PageSession) -> Answer {
    for other in sessions::list(&app, session.agent().id).await? {
        if other.id != session.id() {
            sessions::close(&app, session.agent(), other.id, "agent.session_revoked").await?;
        }
    }
    Ok(back())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_by_what_it_calls_itself() {
        for (user_agent, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
                "Safari, iPhone",
            ),
            ("curl/8.0", "Unknown browser"),
            ("", "Unknown browser"),
        ] {
            assert_eq!(browser(user_agent), expected);
        }
    }
}
