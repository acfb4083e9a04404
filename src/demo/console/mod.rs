//! The console in the demo: one person plays two agents and a customer in one window. A side panel has everybody's phones, and
//! says what to press next. Only the demo has these routes.

mod story;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::cookie::Cookie;
use actix_web::http::header;
use actix_web::web::{Bytes, Data, Path, ServiceConfig, get, post};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Interval, interval};

use self::story::{Guide, guide};
use super::stage::{CUSTOMER, FIRST_AGENT, Part, SECOND_AGENT, THIRD_AGENT};
use crate::agents::models::Presence;
use crate::agents::services::{find_by_name, list_agents, set_presence};
use crate::app::{App, SharedApp};
use crate::calls::models::{self, CallFilter};
use crate::console::log_in::{client, cookie};
use crate::console::sessions::services as sessions;
use crate::console::sessions::{PageSession, Session};
use crate::emulator::{Behaviour, PersonAction, PhonePlan, Watcher};
use crate::error::{AppError, ErrorCode};

/// What every page of the console loads beside its own scripts.
pub const SCRIPTS: &[&str] = &["/demo/panel.js"];
/// Who watches over the others, and may listen in.
pub const SUPERVISOR: Part = Part { role: "supervisor", name: "Robin", address: "+15550100104" };
/// Whose phones stand in the panel.
const PHONES: [Part; 5] = [FIRST_AGENT, CUSTOMER, SECOND_AGENT, THIRD_AGENT, SUPERVISOR];
/// How often to look what people hear: a sentence that ends is no event.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// After so many looks without a change a stream says that it is alive.
const LOOKS_A_BEAT: u32 = 50;

type Answer = Result<HttpResponse, AppError>;

/// Adds the routes, with the people on this exchange.
pub fn configure(config: &mut ServiceConfig, watcher: Watcher) {
    config
        .app_data(Data::new(watcher))
        .route("/demo", get().to(enter))
        .route("/demo/panel.js", get().to(script))
        .route("/demo/panel.css", get().to(style))
        .route("/demo/stream", get().to(follow))
        .route("/demo/as/{name}", post().to(become_somebody))
        .route("/demo/phones/{address}/{action}", post().to(act))
        .route("/demo/hands/{hands}", post().to(set_hands));
}

async fn script() -> HttpResponse {
    file("text/javascript; charset=utf-8", include_str!("panel.js"))
}

async fn style() -> HttpResponse {
    file("text/css; charset=utf-8", include_str!("panel.css"))
}

fn file(kind: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header((header::CACHE_CONTROL, "no-cache")).body(content)
}

/// Whoever comes is Alice, with everybody's phone in their hands, and all are at work.
async fn enter(app: SharedApp, watcher: Data<Watcher>, request: HttpRequest) -> Answer {
    hands(&watcher, true)?;
    for agent in list_agents(&app.db).await? {
        set_presence(&app, agent.id, Presence::Available).await?;
    }
    let cookie = session_of(&app, &request, "alice").await?;
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, "/")).cookie(cookie).finish())
}

/// The same window is somebody else's from now on.
async fn become_somebody(app: SharedApp, request: HttpRequest, name: Path<String>) -> Answer {
    Ok(HttpResponse::Ok().cookie(session_of(&app, &request, &name).await?).json(json!({ "name": *name })))
}

async fn session_of(app: &App, request: &HttpRequest, name: &str) -> Result<Cookie<'static>, AppError> {
    let agent = find_by_name(&app.db, name).await?.ok_or_else(|| AppError::new(ErrorCode::NotFound))?;
    let before = request.cookie(app.console.cookie_name());
    let token = sessions::open(app, &agent, &client(request), before.as_ref().map(Cookie::value)).await?;
    Ok(cookie(&app.console, token, app.console.session_longest.num_seconds()))
}

/// Somebody does something with their phone.
async fn act(_: Session, watcher: Data<Watcher>, path: Path<(String, String)>) -> Answer {
    let (address, action) = path.into_inner();
    let action = match action.as_str() {
        "answer" => PersonAction::Answer,
        "decline" => PersonAction::Decline,
        "hang-up" => PersonAction::HangUp,
        digit if digit.len() == 1 => PersonAction::Press(digit.to_owned()),
        _ => return Err(AppError::new(ErrorCode::NotFound)),
    };
    let not_now = |error: anyhow::Error| AppError::new(ErrorCode::NotOnLine).with_detail(error.to_string());
    watcher.act(&address, &action).map_err(not_now)?;
    Ok(HttpResponse::NoContent().finish())
}

/// Whether phones ring until somebody takes them, or are answered by themselves.
async fn set_hands(_: Session, watcher: Data<Watcher>, manual: Path<String>) -> Answer {
    hands(&watcher, manual.as_str() == "manual")?;
    Ok(HttpResponse::NoContent().finish())
}

fn hands(watcher: &Watcher, is_manual: bool) -> Result<(), AppError> {
    for part in PHONES {
        let behaviour = if is_manual { Behaviour::Manual } else { Behaviour::Answer };
        let plan = PhonePlan { behaviour, ..PhonePlan::answer() };
        let set = watcher.set_phone(part.address, vec![plan]);
        set.map_err(|error| AppError::new(ErrorCode::Internal).with_detail(error.to_string()))?;
    }
    Ok(())
}

/// What the panel shows.
#[derive(Debug, Serialize)]
struct Panel {
    me: String,
    is_manual: bool,
    phones: Vec<Phone>,
    guide: Guide,
}

/// One phone in the panel.
#[derive(Debug, Serialize)]
struct Phone {
    name: &'static str,
    role: &'static str,
    address: &'static str,
    /// `idle`, `ringing` or `talking`.
    state: &'static str,
    /// What its holder hears, in words.
    hears: Vec<String>,
    /// The account's name, of those who can log in.
    account: Option<String>,
}

fn phones(exchange: &Value) -> Vec<Phone> {
    let phone = |part: Part| {
        let phones = exchange.as_array().into_iter().flatten();
        let legs = phones
            .filter(|phone| phone["address"] == part.address)
            .flat_map(|phone| phone["legs"].as_array());
        let leg = legs.flatten().last();
        let state = match leg.and_then(|leg| leg["status"].as_str()) {
            Some("in-progress") => "talking",
            Some("ringing") => "ringing",
            _ => "idle",
        };
        let heard = leg.and_then(|leg| leg["hears"].as_array()).into_iter().flatten();
        Phone {
            name: part.name,
            role: part.role,
            address: part.address,
            state,
            hears: heard.map(in_words).collect(),
            account: (part != CUSTOMER).then(|| part.name.to_lowercase()),
        }
    };
    PHONES.map(phone).into()
}

fn in_words(heard: &Value) -> String {
    match heard["kind"].as_str() {
        Some("person") => name_of(heard["who"].as_str().unwrap_or_default()),
        Some("speech") => format!("“{}”", heard["text"].as_str().unwrap_or_default()),
        Some(kind) => kind.to_owned(),
        None => String::new(),
    }
}

fn name_of(address: &str) -> String {
    let part = PHONES.iter().find(|part| part.address == address);
    part.map_or(address, |part| part.name).to_owned()
}

async fn panel(app: &App, watcher: &Watcher, me: &str) -> Result<Panel, AppError> {
    let exchange = watcher.phones();
    let newest = app.db.read(|conn| models::list(conn, &CallFilter::default(), 1)).await?;
    let mut known = exchange.as_array().into_iter().flatten();
    let alice = known.find(|phone| phone["address"] == FIRST_AGENT.address);
    let is_manual = alice.is_some_and(|phone| phone["plans"][0]["behaviour"] == "manual");
    Ok(Panel {
        me: me.to_owned(),
        is_manual,
        guide: guide(newest.first(), me, is_manual),
        phones: phones(&exchange),
    })
}

/// `GET /demo/stream`: the panel, whenever it changes.
async fn follow(app: SharedApp, watcher: Data<Watcher>, session: PageSession) -> HttpResponse {
    let me = session.agent().name.clone();
    let follower = Follower {
        app: app.into_inner(),
        watcher: watcher.as_ref().clone(),
        me,
        last: String::new(),
        looks: interval(LOOK_EVERY),
    };
    let messages = stream::unfold(follower, |mut follower| async move {
        let message = follower.next().await?;
        Some((Ok::<_, Infallible>(message), follower))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(Box::pin(messages))
}

struct Follower {
    app: Arc<App>,
    watcher: Watcher,
    me: String,
    last: String,
    looks: Interval,
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        for _ in 0..LOOKS_A_BEAT {
            tokio::select! {
                () = self.app.stopping.cancelled() => return None,
                _ = self.looks.tick() => {}
            }
            let panel = panel(&self.app, &self.watcher, &self.me).await.ok()?;
            let json = serde_json::to_string(&panel).unwrap_or_default();
            if json != self.last {
                self.last = json;
                return Some(format!("data: {}\n\n", self.last).into());
            }
        }
        Some(Bytes::from_static(b": alive\n\n"))
    }
}
