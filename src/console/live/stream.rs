//! Owns the stream to one console (server-sent events, <https://html.spec.whatwg.org/multipage/server-sent-events.html>): all
//! that its viewer may see, then each change. There is nothing to resume: whoever comes back is told everything again.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream;
use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::state::{Beginning, News, Viewer, message};
use crate::agents::models::AgentRole;
use crate::app::{App, SharedApp};
use crate::calls::flow::{NobodyLeft, Style, TargetFails};
use crate::console::assets;
use crate::console::sessions::{Session, is_live};
use crate::error::{AppError, ErrorCode};

/// How often a stream that has nothing to say says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often to look whether the session still holds.
const SESSION_EVERY: Duration = Duration::from_secs(30);
/// Consoles that may be open at once at each copy of the service.
const MOST: usize = 10_000;

/// What the page needs to know beside calls and people.
#[derive(Serialize)]
struct PageSettings<'a> {
    dispositions: &'a [String],
    outcome_required: bool,
    style: Style,
    require_accept: bool,
    ring_timeout_secs: u32,
    blind_fails: NobodyLeft,
    target_fails: TargetFails,
    long_hold_secs: i64,
    dead_air_secs: i64,
}

/// `GET /console/stream`
pub async fn view(app: SharedApp, session: Session) -> Result<HttpResponse, AppError> {
    let unavailable = |why: &str| AppError::new(ErrorCode::Unavailable).with_detail(why);
    if app.live.consoles() >= MOST {
        return Err(unavailable("too many consoles are open"));
    }
    let viewer = viewer(&app, &session);
    let beginning = app.live.subscribe(|state| state.beginning(viewer)).await;
    let (beginning, news) = beginning.ok_or_else(|| unavailable("the database does not answer"))?;
    let now = Instant::now();
    let (first, shown) = snapshot(&app, beginning).ok_or_else(|| AppError::new(ErrorCode::LogInRequired))?;
    let console = Open {
        app: app.into_inner(),
        session_id: session.id(),
        viewer,
        news,
        shown,
        ask_at: now + SESSION_EVERY,
    };
    let chunks = stream::unfold((console, Some(first)), |(mut console, first)| async move {
        let chunk = match first {
            Some(first) => first,
            None => console.next().await?,
        };
        Some((Ok::<_, Infallible>(chunk), (console, None)))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Proxies that gather answers would hold news back.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Box::pin(chunks)))
}

fn viewer(app: &App, session: &Session) -> Viewer {
    let sees_all = session.agent().role >= AgentRole::Supervisor;
    let sees_supervisors = sees_all || app.console.show_supervisors;
    Viewer { id: session.agent().id, sees_all, sees_supervisors }
}

/// Everything as one message, and which calls are in it; `None` for somebody who is not in the directory any more.
fn snapshot(app: &App, beginning: Beginning) -> Option<(Bytes, BTreeSet<Uuid>)> {
    let me = serde_json::to_string(&beginning.me?).ok()?;
    let settings = PageSettings {
        dispositions: &app.outcomes.dispositions.0,
        outcome_required: app.outcomes.required,
        style: app.defaults.style,
        require_accept: app.defaults.require_accept,
        ring_timeout_secs: app.defaults.ring_timeout_secs,
        blind_fails: app.policy.blind_fails,
        target_fails: app.policy.target_fails,
        long_hold_secs: app.console.alarms.long_hold.num_seconds(),
        dead_air_secs: app.console.alarms.dead_air.num_seconds(),
    };
    let head = json!({
        "build": assets::build(),
        "now": app.clock.now(),
        "speed": app.clock.speed(),
        "is_stale": beginning.stale_since.is_some(),
        "stale_since": beginning.stale_since,
        "settings": settings,
    });
    // Its last brace makes room for what is JSON already.
    let mut text = Vec::from(b"retry: 1000\nevent: snapshot\ndata: ".as_slice());
    text.extend(head.to_string().strip_suffix('}')?.as_bytes());
    text.extend(b",\"me\":");
    text.extend(me.as_bytes());
    text.extend(b",\"team\":");
    text.extend_from_slice(&beginning.team);
    text.extend(b",\"calls\":[");
    for (at, (_, call)) in beginning.calls.iter().enumerate() {
        text.extend(if at > 0 { b",".as_slice() } else { b"" });
        text.extend_from_slice(call);
    }
    text.extend(b"]}\n\n");
    Some((text.into(), beginning.calls.into_iter().map(|(id, _)| id).collect()))
}

/// A console that is open.
struct Open {
    app: Arc<App>,
    session_id: Uuid,
    viewer: Viewer,
    news: Receiver<Arc<News>>,
    /// Calls that it shows.
    shown: BTreeSet<Uuid>,
    /// When to look whether the session still holds.
    ask_at: Instant,
}

impl Open {
    /// What to send next; `None` when the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        let beat_at = Instant::now() + HEARTBEAT;
        loop {
            tokio::select! {
                () = self.app.live.closing.cancelled() => return None,
                news = self.news.recv() => match news {
                    Ok(news) => match self.told(&news) {
                        Told::Message(message) => return Some(message),
                        Told::Everything => return self.again(),
                        Told::Nothing => {}
                    },
                    Err(RecvError::Lagged(_)) => return self.again(),
                    Err(RecvError::Closed) => return None,
                },
                () = sleep_until(self.ask_at) => {
                    self.ask_at = Instant::now() + SESSION_EVERY;
                    // While the database is away nobody can log in either; whoever is there stays.
                    if matches!(is_live(&self.app, self.session_id).await, Ok(false)) {
                        return None;
                    }
                }
                () = sleep_until(beat_at) => return Some(Bytes::from_static(b": alive\n\n")),
            }
        }
    }

    /// What a change is to this viewer.
    fn told(&mut self, news: &News) -> Told {
        match news {
            News::Call(id, shown) => match shown.message_to(self.viewer) {
                Some(message) => {
                    self.shown.insert(*id);
                    Told::Message(message.clone())
                }
                None => self.gone(*id),
            },
            News::Gone(id) => self.gone(*id),
            News::Team(id, message) if *id == self.viewer.id => {
                // It may be the session that has changed.
                self.ask_at = Instant::now();
                self.me(message)
            }
            News::Team(_, message) => Told::Message(message.clone()),
            News::Stale(since) => Told::Message(stale(*since)),
            News::Everything => Told::Everything,
        }
    }

    fn gone(&mut self, id: Uuid) -> Told {
        if self.shown.remove(&id) {
            Told::Message(message("gone", &json!({ "id": id })))
        } else {
            Told::Nothing
        }
    }

    /// Somebody whose role has changed sees other calls from now on.
    fn me(&mut self, team: &Bytes) -> Told {
        let Some(me) = self.app.live.state().me(self.viewer.id) else { return Told::Everything };
        if (me.role >= AgentRole::Supervisor) != self.viewer.sees_all {
            return Told::Everything;
        }
        Told::Message([team.as_ref(), message("me", &me).as_ref()].concat().into())
    }

    /// Everything anew, as of now; the role may be another.
    fn again(&mut self) -> Option<Bytes> {
        let live = &self.app.live;
        let mut state = live.state();
        let role = state.me(self.viewer.id)?.role;
        self.viewer.sees_all = role >= AgentRole::Supervisor;
        self.viewer.sees_supervisors = self.viewer.sees_all || self.app.console.show_supervisors;
        let beginning = state.beginning(self.viewer);
        // What was told until now is in it.
        self.news = live.news.subscribe();
        drop(state);
        let (message, shown) = snapshot(&self.app, beginning)?;
        self.shown = shown;
        Some(message)
    }
}

/// What a change is to a console.
enum Told {
    Message(Bytes),
    Everything,
    Nothing,
}

fn stale(since: Option<DateTime<Utc>>) -> Bytes {
    message("stale", &json!({ "is_stale": since.is_some(), "since": since }))
}
