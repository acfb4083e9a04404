//! The team's accounts, for administrators: who can log in, and what they may do.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Path;
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder};
use askama::Template;
use futures_util::future::{Ready, ready};
use serde::Deserialize;

use super::account::set_password;
use super::forms::ValidForm;
use super::pages::{Frame, render};
use super::sessions::{PageSession, Session};
use super::texts::{fill, t};
use crate::agents::models::{Agent, AgentRole};
use crate::agents::passwords::Password;
use crate::agents::services::{self as agents, AccountError, NewAgent};
use crate::app::{App, SharedApp};
use crate::error::{AppError, ErrorCode};

type Answer = Result<HttpResponse, AppError>;

/// An administrator. Anybody else is refused before what they send is looked at.
pub struct Administrator(PageSession);

impl FromRequest for Administrator {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let session = PageSession::from_request(request, payload).into_inner();
        ready(session.map_err(Into::into).and_then(|session| {
            session.require(AgentRole::Admin)?;
            Ok(Self(session))
        }))
    }
}

#[derive(Template)]
#[template(path = "console/team.html")]
struct TeamPage<'a> {
    frame: Frame<'a>,
    accounts: Vec<AccountLine>,
    roles: [RoleWords; 3],
    told: Option<Told>,
    problem: Option<String>,
    typed: NewAccount,
}

/// An account as the page shows it.
struct AccountLine {
    name: String,
    display_name: String,
    address: String,
    role: String,
    role_words: &'static str,
    role_label: String,
    disabled: bool,
    is_me: bool,
}

/// A role and what to call it.
struct RoleWords {
    word: &'static str,
    name: &'static str,
    hint: &'static str,
}

/// A password that is shown once.
struct Told {
    name: String,
    password: String,
}

/// `POST /team`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    name: String,
    #[serde(default)]
    display_name: String,
    address: String,
    role: String,
}

impl Default for NewAccount {
    fn default() -> Self {
        let role = AgentRole::Agent.to_string();
        Self { name: String::new(), display_name: String::new(), address: String::new(), role }
    }
}

fn roles() -> [RoleWords; 3] {
    let words = |word, name, hint| RoleWords { word, name: t(name), hint: t(hint) };
    [
        words("agent", "accounts.role.agent", "accounts.role.agent.hint"),
        words("supervisor", "accounts.role.supervisor", "accounts.role.supervisor.hint"),
        words("admin", "accounts.role.admin", "accounts.role.admin.hint"),
    ]
}

fn line(agent: Agent, me: &Session) -> AccountLine {
    let role = agent.role.to_string();
    AccountLine {
        is_me: agent.id == me.agent().id,
        role_words: roles().into_iter().find(|known| known.word == role).map_or("", |known| known.name),
        role_label: fill("accounts.change_role", "name", &agent.display_name),
        name: agent.name,
        display_name: agent.display_name,
        address: agent.address.to_string(),
        role,
        disabled: agent.disabled,
    }
}

/// What the page says beside the list.
#[derive(Default)]
struct Said {
    told: Option<Told>,
    problem: Option<String>,
    typed: NewAccount,
}

async fn show(app: &App, session: &Session, response: HttpResponseBuilder, said: Said) -> Answer {
    let accounts = agents::list_agents(&app.db).await?;
    let Said { told, problem, typed } = said;
    let page = TeamPage {
        frame: Frame::new(session, "team"),
        accounts: accounts.into_iter().map(|agent| line(agent, session)).collect(),
        roles: roles(),
        told,
        problem,
        typed,
    };
    render(response, &page)
}

async fn refuse(app: &App, session: &Session, problem: String, typed: NewAccount) -> Answer {
    let said = Said { problem: Some(problem), typed, told: None };
    show(app, session, HttpResponse::UnprocessableEntity(), said).await
}

/// `GET /team`
///
/// # Errors
/// 403 for others than administrators.
pub async fn page(app: SharedApp, Administrator(session): Administrator) -> Answer {
    show(&app, &session, HttpResponse::Ok(), Said::default()).await
}

/// `POST /team`: the new account gets a password, which the page shows once.
///
/// # Errors
/// As above; what is wrong with the form is said on the page.
pub async fn add(
    app: SharedApp,
    Administrator(session): Administrator,
    ValidForm(form): ValidForm<NewAccount>,
) -> Answer {
    let new = match new_agent(&form) {
        Ok(new) => new,
        Err(problem) => return refuse(&app, &session, problem, form).await,
    };
    match agents::add_agent(&app.db, &*app.clock, &*app.ids, &session.actor(), new).await {
        Ok(agent) => {
            app.tell(agent.id);
            tell_password(&app, &session, &agent).await
        }
        Err(AccountError::Db(error)) => Err(error.into()),
        Err(error) => refuse(&app, &session, sentence(&error), form).await,
    }
}

fn new_agent(form: &NewAccount) -> Result<NewAgent, String> {
    let compact: String = form.address.chars().filter(|letter| !" ()-".contains(*letter)).collect();
    let address = if compact.starts_with('+') { compact.as_str() } else { form.address.trim() };
    let display_name = form.display_name.trim();
    Ok(NewAgent {
        name: form.name.trim().to_owned(),
        display_name: (!display_name.is_empty()).then(|| display_name.to_owned()),
        address: address.parse().map_err(|error: crate::telephony::InvalidValue| error.to_string())?,
        role: form.role.parse().map_err(|_| t("accounts.role.unknown").to_owned())?,
    })
}

/// An error as a sentence of the page.
fn sentence(error: &AccountError) -> String {
    let words = error.to_string();
    let mut letters = words.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

async fn tell_password(app: &App, session: &Session, agent: &Agent) -> Answer {
    let password = Password::generated(&*app.ids);
    let told = Told { name: agent.display_name.clone(), password: password.reveal().to_owned() };
    set_password(app, session, &agent.name, password, None).await?;
    // Their open consoles end.
    app.tell(agent.id);
    show(app, session, HttpResponse::Ok(), Said { told: Some(told), ..Said::default() }).await
}

/// Somebody else's account. Nobody shuts themselves out.
async fn other(app: &App, session: &Session, name: &str) -> Result<Agent, AppError> {
    let all = agents::list_agents(&app.db).await?;
    let found = all.into_iter().find(|agent| agent.name == name && agent.id != session.agent().id);
    found.ok_or_else(|| AppError::new(ErrorCode::NotFound))
}

fn done(app: &App, agent: &Agent, result: Result<(), AccountError>) -> Answer {
    match result {
        Ok(()) => {
            app.tell(agent.id);
            Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, "/team")).finish())
        }
        Err(AccountError::Db(error)) => Err(error.into()),
        Err(_) => Err(AppError::new(ErrorCode::NotFound)),
    }
}

/// `POST /team/{name}/role`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    role: AgentRole,
}

/// `POST /team/{name}/role`
///
/// # Errors
/// 403 for others than administrators, 404 for oneself.
pub async fn role(
    app: SharedApp,
    Administrator(session): Administrator,
    name: Path<String>,
    ValidForm(form): ValidForm<NewRole>,
) -> Answer {
    let agent = other(&app, &session, &name).await?;
    let set = agents::set_role(&app.db, &*app.clock, &session.actor(), &agent.name, form.role).await;
    done(&app, &agent, set.map(drop))
}

/// `POST /team/{name}/disable`
///
/// # Errors
/// As above.
pub async fn disable(app: SharedApp, Administrator(session): Administrator, name: Path<String>) -> Answer {
    let agent = other(&app, &session, &name).await?;
    let disabled = agents::disable_agent(&app.db, &*app.clock, &session.actor(), &agent.name).await;
    done(&app, &agent, disabled)
}

/// `POST /team/{name}/enable`
///
/// # Errors
/// As above.
pub async fn enable(app: SharedApp, Administrator(session): Administrator, name: Path<String>) -> Answer {
    let agent = other(&app, &session, &name).await?;
    let enabled = agents::enable_agent(&app.db, &*app.clock, &session.actor(), &agent.name).await;
    done(&app, &agent, enabled)
}

/// `POST /team/{name}/password`: a new one, which the page shows once.
///
/// # Errors
/// As above.
pub async fn password(app: SharedApp, Administrator(session): Administrator, name: Path<String>) -> Answer {
    let agent = other(&app, &session, &name).await?;
    tell_password(&app, &session, &agent).await
}
