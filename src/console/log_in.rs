//! Log-in and log-out.

use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use askama::Template;

use super::forms::{LogIn, LogInPage, ValidForm, local};
use super::pages::{Frame, render};
use super::sessions::services::{self as sessions};
use super::sessions::{PageSession, Session};
use super::texts::{fill, t};
use super::{Client, Console};
use crate::agents::models::{Agent, Presence};
use crate::agents::services::{self as agents};
use crate::app::{App, SharedApp};
use crate::error::{AppError, ValidQuery};
use crate::middleware::limiter::whole_secs;
use crate::middleware::peer::Proxies;

type Answer = Result<HttpResponse, AppError>;

/// The page that asks who somebody is.
#[derive(Template)]
#[template(path = "console/login.html")]
struct LogInTemplate<'a> {
    /// What every page has.
    frame: Frame<'a>,
    /// Why the last try failed, in a sentence.
    problem: Option<String>,
    /// What was typed.
    name: &'a str,
    /// Where to go then.
    next: &'a str,
}

/// `GET /login`
pub async fn page(session: Option<Session>, ValidQuery(query): ValidQuery<LogInPage>) -> Answer {
    let next = local(query.next.as_deref());
    if session.is_some() {
        return Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, next)).finish());
    }
    render(
        HttpResponse::Ok(),
        &LogInTemplate { frame: Frame::for_strangers(), problem: None, name: "", next },
    )
}

/// `POST /login`
pub async fn log_in(app: SharedApp, request: HttpRequest, ValidForm(form): ValidForm<LogIn>) -> Answer {
    let (client, next) = (client(&request), local(form.next.as_deref()));
    let (frame, name) = (Frame::for_strangers(), form.name.trim());
    if let Some(wait) = app.console.log_ins.refuses(name, client.address) {
        let (secs, page) =
            (whole_secs(wait).max(1), |problem| LogInTemplate { frame, problem: Some(problem), name, next });
        let mut response = HttpResponse::TooManyRequests();
        response.insert_header((header::RETRY_AFTER, secs.to_string()));
        return render(response, &page(fill("login.limited", "wait", &in_words(secs))));
    }
    let Some(agent) = agents::log_in(&app, name, form.password).await? else {
        agents::note_failed_log_in(&app, name, client.address).await?;
        let problem = Some(t("login.wrong").to_owned());
        let response = HttpResponseBuilder::new(StatusCode::UNAUTHORIZED);
        return render(response, &LogInTemplate { frame, problem, name, next });
    };
    let before = request.cookie(app.console.cookie_name());
    let token = sessions::open(&app, &agent, &client, before.as_ref().map(Cookie::value)).await?;
    let cookie = cookie(&app.console, token, app.console.session_longest.num_seconds());
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, next)).cookie(cookie).finish())
}

fn in_words(secs: u64) -> String {
    match secs {
        1 => "1 second".into(),
        2..60 => format!("{secs} seconds"),
        60 => "1 minute".into(),
        _ => format!("{} minutes", secs.div_ceil(60)),
    }
}

/// `POST /logout`
pub async fn log_out(app: SharedApp, session: PageSession) -> Answer {
    sessions::close(&app, session.agent(), session.id(), "agent.logged_out").await?;
    leave(&app, session.agent()).await?;
    let cookie = cookie(&app.console, String::new(), 0);
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, "/login")).cookie(cookie).finish())
}

/// Who has logged out everywhere is away.
async fn leave(app: &App, agent: &Agent) -> Result<(), AppError> {
    if sessions::list(app, agent.id).await?.is_empty() {
        agents::set_presence(app, agent.id, Presence::Away).await?;
    }
    Ok(())
}

/// Of the session; with an age of 0 it is forgotten.
pub(crate) fn cookie(console: &Console, token: String, secs: i64) -> Cookie<'static> {
    Cookie::build(console.cookie_name(), token)
        .path("/")
        .http_only(true)
        .secure(console.is_https())
        .same_site(SameSite::Lax)
        .max_age(time::Duration::seconds(secs))
        .finish()
}

/// Who is at the other end, as far as the connection, or a proxy that is trusted, says.
pub(crate) fn client(request: &HttpRequest) -> Client {
    let (peer, headers) = (request.peer_addr(), request.headers());
    let address = match request.app_data::<SharedApp>() {
        Some(app) => app.proxies.client(peer, headers),
        None => Proxies::default().client(peer, headers),
    };
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Client { address, user_agent: user_agent.unwrap_or_default().to_owned() }
}
