//! The pages that are drawn by scripts from the live stream: the agent's page and the board; and what every page has.

use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;

use super::sessions::{PageSession, Session};
use super::{assets, texts};
use crate::agents::models::AgentRole;
use crate::error::{AppError, ErrorCode};

/// What every page has: `templates/console/base.html` asks it.
pub struct Frame<'a> {
    session: Option<&'a Session>,
    /// Which page it is: `agent`, `board`, `history`, `team`, or another that stands in no menu.
    pub page: &'static str,
}

impl<'a> Frame<'a> {
    /// Of a page for somebody who is logged in.
    pub fn new(session: &'a Session, page: &'static str) -> Self {
        Self { session: Some(session), page }
    }

    /// Of a page for anybody.
    pub fn for_strangers() -> Self {
        Self { session: None, page: "" }
    }

    /// A text of the console.
    pub fn t(&self, key: &'static str) -> &'static str {
        texts::t(key)
    }

    /// What requests that change something carry.
    pub fn csrf(&self) -> &str {
        self.session.map_or("", Session::csrf)
    }

    /// The version of the page and its scripts.
    pub fn build(&self) -> &'static str {
        assets::build()
    }

    /// The account's name.
    pub fn name(&self) -> &str {
        self.session.map_or("", |session| &session.agent().name)
    }

    /// What people call them.
    pub fn display_name(&self) -> &str {
        self.session.map_or("", |session| &session.agent().display_name)
    }

    /// Scripts that are loaded beside the page's own.
    pub fn scripts(&self) -> &'static [&'static str] {
        self.session.map_or(&[], Session::scripts)
    }

    /// Whether they watch over others' calls.
    pub fn supervises(&self) -> bool {
        self.is_at_least(AgentRole::Supervisor)
    }

    /// Whether they manage accounts.
    pub fn administers(&self) -> bool {
        self.is_at_least(AgentRole::Admin)
    }

    fn is_at_least(&self, role: AgentRole) -> bool {
        self.session.is_some_and(|session| session.agent().role >= role)
    }
}

/// A page as an answer.
///
/// # Errors
/// 500; the templates are checked when the program is built.
pub fn render(mut response: HttpResponseBuilder, page: &impl Template) -> Result<HttpResponse, AppError> {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "a page was not rendered");
        AppError::new(ErrorCode::Internal)
    })?;
    Ok(response.content_type(header::ContentType::html()).body(html))
}

#[derive(Template)]
#[template(path = "console/agent.html")]
struct AgentPage<'a> {
    frame: Frame<'a>,
}

/// `GET /`
///
/// # Errors
/// 500.
pub async fn agent(session: PageSession) -> Result<HttpResponse, AppError> {
    render(HttpResponse::Ok(), &AgentPage { frame: Frame::new(&session, "agent") })
}

#[derive(Template)]
#[template(path = "console/board.html")]
struct BoardPage<'a> {
    frame: Frame<'a>,
}

/// `GET /board`
///
/// # Errors
/// 403 for agents.
pub async fn board(session: PageSession) -> Result<HttpResponse, AppError> {
    session.require(AgentRole::Supervisor)?;
    render(HttpResponse::Ok(), &BoardPage { frame: Frame::new(&session, "board") })
}
