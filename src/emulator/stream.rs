//! Owns `GET /emulator/stream`: what a reader is told next, decided from where it is and what there is, as server-sent events.
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use std::convert::Infallible;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::Stream;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::engine::log::Log;
use super::engine::{Engine, TimelineEvent};
use super::exchange::{Exchange, RequestRecord};
use super::webhooks::WebhookRecord;

/// A reader that starts anew is given so many of the newest entries of each log.
const NEWEST: u64 = 1_000;
/// A reader is given about so many bytes at a time; the next ones when it has taken those.
const MOST_BYTES: usize = 256 * 1024;
/// So many may read at once.
const MOST_READERS: usize = 64;
/// A client that lost the connection comes back after a second.
const RETRY: &str = "retry: 1000\n";
/// A silent stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What happens so soon after what was sent is sent with what follows.
const GATHERING: Duration = Duration::from_millis(20);

/// What a reader is shown: one exchange at one moment.
pub(super) struct View<'a> {
    pub(super) era: Era,
    pub(super) engine: &'a Engine,
    pub(super) requests: &'a Log<RequestRecord>,
    pub(super) webhooks: &'a Log<WebhookRecord>,
    /// The present, in emulated milliseconds.
    pub(super) now_ms: u64,
    /// Emulated seconds for each real one; nothing when time is virtual.
    pub(super) speed: Option<f64>,
}

/// Which exchange it is: entries of another one are not to be continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Era {
    pub(super) process: u32,
    pub(super) resets: u64,
}

/// A record of which a reader is told entry after entry.
trait Entries {
    /// How many are forgotten, and how many there ever were.
    fn extent(&self) -> (u64, u64);
    /// The one after the first `before` ever.
    fn json(&self, before: u64) -> Option<String>;
}

impl<T: Serialize> Entries for Log<T> {
    fn extent(&self) -> (u64, u64) {
        (self.forgotten(), self.total())
    }

    fn json(&self, before: u64) -> Option<String> {
        serde_json::to_string(self.get(before)?).ok()
    }
}

impl Entries for &[TimelineEvent] {
    fn extent(&self) -> (u64, u64) {
        (0, u64::try_from(self.len()).unwrap_or(u64::MAX))
    }

    fn json(&self, before: u64) -> Option<String> {
        serde_json::to_string(self.get(usize::try_from(before).ok()?)?).ok()
    }
}

const LOGS: usize = 6;

/// The logs by the names of their messages. Their order is that of the numbers in an id.
fn with_logs<T>(view: &View, read: impl FnOnce([(&str, &dyn Entries); LOGS]) -> T) -> T {
    read([
        ("request", view.requests),
        ("timeline", &view.engine.timeline()),
        ("twiml", view.engine.documents()),
        ("audibility", view.engine.changes_heard()),
        ("webhook", view.webhooks),
        ("debugger", view.engine.debugger_log()),
    ])
}

/// What is told whole, whenever it has changed.
fn sections(view: &View) -> [(&'static str, Value); 6] {
    let engine = view.engine;
    let clock = match view.speed {
        Some(speed) => json!({"mode": "real", "speed": speed}),
        None => json!({"mode": "virtual", "now_ms": view.now_ms}),
    };
    [
        ("phones", json!(engine.phones_now())),
        ("numbers", json!(engine.numbers_now())),
        ("conferences", json!(engine.conferences_now())),
        ("faults", json!(engine.faults.rules())),
        ("switches", json!(engine.switches)),
        ("clock", clock),
    ]
}

/// Where a reader is: the id of the last message it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    era: Era,
    /// How many entries of each log it has had, counted from the first ever.
    read: [u64; LOGS],
}

impl Cursor {
    /// Before the newest entries.
    fn fresh(view: &View) -> Self {
        let begin = |(_, log): (&str, &dyn Entries)| {
            let (forgotten, total) = log.extent();
            total.saturating_sub(NEWEST).max(forgotten)
        };
        Self { era: view.era, read: with_logs(view, |logs| logs.map(begin)) }
    }

    /// Whether everything since is still kept.
    fn can_go_on(&self, view: &View) -> bool {
        let kept = |logs: [(&str, &dyn Entries); LOGS]| {
            logs.iter().zip(self.read).all(|((_, log), read)| {
                let (forgotten, total) = log.extent();
                (forgotten..=total).contains(&read)
            })
        };
        self.era == view.era && with_logs(view, kept)
    }

    /// Writes what is new and moves on; false when there is more than fits.
    fn go_on(&mut self, view: &View, out: &mut String) -> bool {
        with_logs(view, |logs| {
            for (at, (name, log)) in logs.into_iter().enumerate() {
                while let Some(json) = log.json(self.read[at]) {
                    self.read[at] += 1;
                    message(out, name, Some(self), &json);
                    if out.len() > MOST_BYTES {
                        return false;
                    }
                }
            }
            true
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.era.process, self.era.resets)?;
        self.read.iter().try_for_each(|read| write!(f, "-{read}"))
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let process = u32::from_str_radix(parts.next().ok_or(())?, 16).map_err(|_| ())?;
        let numbers: Vec<u64> =
            parts.map(str::parse).collect::<Result<_, std::num::ParseIntError>>().map_err(|_| ())?;
        let (resets, read) = numbers.split_first().ok_or(())?;
        let era = Era { process, resets: *resets };
        Ok(Self { era, read: read.try_into().map_err(|_| ())? })
    }
}

/// One server-sent event. JSON has no line breaks of its own.
fn message(out: &mut String, name: &str, id: Option<&Cursor>, json: &str) {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    out.push_str(&format!("event: {name}\n{id}data: {json}\n\n"));
}

fn fingerprint(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    hasher.finish()
}

/// One reader: where it is, and what it knows of what is told whole. Nothing is kept for it but this.
pub(super) struct Reader {
    cursor: Option<Cursor>,
    known: [u64; 6],
}

impl Reader {
    /// Goes on after a message that the reader had, if that is possible; otherwise begins anew.
    fn after(last_event_id: Option<&str>) -> Self {
        Self { cursor: last_event_id.and_then(|id| id.parse().ok()), known: [0; 6] }
    }

    /// The messages that are new to the reader; nothing when there are none.
    fn read(&mut self, view: &View) -> String {
        let mut out = String::new();
        let sections = sections(view);
        let mut cursor = match self.cursor.filter(|cursor| cursor.can_go_on(view)) {
            Some(cursor) => cursor,
            None => self.begin(view, &sections, &mut out),
        };
        if cursor.go_on(view, &mut out) {
            self.tell_changes(&sections, &mut out);
        }
        self.cursor = Some(cursor);
        out
    }

    /// A snapshot: the reader forgets what it knew.
    fn begin(&mut self, view: &View, sections: &[(&'static str, Value); 6], out: &mut String) -> Cursor {
        let cursor = Cursor::fresh(view);
        if self.cursor.is_some_and(|old| old.era.process == view.era.process && old.era != view.era) {
            message(out, "reset", None, "{}");
        }
        let mut snapshot = json!({
            "account_sid": view.engine.options.account_sid,
            "now_ms": view.now_ms,
        });
        for ((name, value), known) in sections.iter().zip(&mut self.known) {
            snapshot[*name] = value.clone();
            *known = fingerprint(value);
        }
        message(out, "snapshot", Some(&cursor), &snapshot.to_string());
        cursor
    }

    fn tell_changes(&mut self, sections: &[(&'static str, Value); 6], out: &mut String) {
        for ((name, value), known) in sections.iter().zip(&mut self.known) {
            let fingerprint = fingerprint(value);
            if *known != fingerprint {
                *known = fingerprint;
                message(out, name, None, &value.to_string());
            }
        }
    }
}

/// The route. A slow reader is waited for, not written for: it is asked again when it has taken what it was given.
pub(super) async fn stream(request: HttpRequest, exchange: Data<Arc<Exchange>>) -> HttpResponse {
    if exchange.readers() >= MOST_READERS {
        return super::control::error(503, "too_many_readers", None, "64 streams are open already");
    }
    let last = request.headers().get("Last-Event-ID").and_then(|id| id.to_str().ok());
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(messages(exchange.get_ref().clone(), Reader::after(last)))
}

fn messages(exchange: Arc<Exchange>, reader: Reader) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let changed = exchange.changes();
    futures_util::stream::unfold(
        (exchange, reader, changed, false),
        |(exchange, mut reader, mut changed, wrote)| async move {
            if wrote {
                tokio::time::sleep(GATHERING).await;
            }
            let mut text = next(&exchange, &mut reader, &mut changed).await?;
            if !wrote {
                text.insert_str(0, RETRY);
            }
            Some((Ok(Bytes::from(text)), (exchange, reader, changed, true)))
        },
    )
}

/// Waits for something to say. Nothing when the exchange has gone.
async fn next(exchange: &Exchange, reader: &mut Reader, changed: &mut watch::Receiver<()>) -> Option<String> {
    loop {
        // Before reading, so that what happens meanwhile is not missed.
        changed.mark_unchanged();
        let text = exchange.view(|view| reader.read(view));
        if !text.is_empty() {
            return Some(text);
        }
        match tokio::time::timeout(HEARTBEAT, changed.changed()).await {
            Ok(result) => result.ok()?,
            Err(_) => return Some(": alive\n\n".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::Switches;
    use crate::emulator::engine::{EngineOptions, PhonePlan};

    struct World {
        era: Era,
        engine: Engine,
        requests: Log<RequestRecord>,
        webhooks: Log<WebhookRecord>,
    }

    impl World {
        fn new() -> Self {
            let options = EngineOptions {
                account_sid: "AC00000000000000000000000000000001".parse().unwrap(),
                seed: 1,
                epoch: chrono::DateTime::UNIX_EPOCH,
                switches: Switches::default(),
            };
            Self {
                era: Era { process: 7, resets: 0 },
                engine: Engine::new(options),
                requests: Log::new(3),
                webhooks: Log::new(3),
            }
        }

        fn request(&mut self, path: &str) {
            let (method, path, form) = ("POST".to_owned(), path.to_owned(), Vec::new());
            self.requests.push(RequestRecord { at_ms: 0, method, path, form, status: None, event: None });
        }

        /// Names of the messages, with the path of a request.
        fn read(&self, reader: &mut Reader) -> Vec<String> {
            let view = View {
                era: self.era,
                engine: &self.engine,
                requests: &self.requests,
                webhooks: &self.webhooks,
                now_ms: self.engine.now_ms(),
                speed: None,
            };
            let text = reader.read(&view);
            let name = |event: &str| {
                let (first, data) = event.split_once('\n').unwrap();
                let json: Value = serde_json::from_str(data.split("data: ").last().unwrap()).unwrap();
                let path = json["path"].as_str().map(|p| format!(" {p}")).unwrap_or_default();
                format!("{}{path}", first.strip_prefix("event: ").unwrap())
            };
            text.split_terminator("\n\n").map(name).collect()
        }
    }

    fn again(reader: &Reader) -> Reader {
        Reader::after(reader.cursor.map(|c| c.to_string()).as_deref())
    }

    const SECTIONS: [&str; 6] = ["phones", "numbers", "conferences", "faults", "switches", "clock"];

    #[test]
    fn a_reader_is_told_everything_once_and_can_come_back() {
        let mut world = World::new();
        let mut reader = Reader::after(None);
        world.request("/1");
        assert_eq!(world.read(&mut reader), ["snapshot", "request /1"]);
        assert!(world.read(&mut reader).is_empty());
        world.request("/2");
        world.request("/3");
        let mut resumed = again(&reader);
        assert_eq!(world.read(&mut reader), ["request /2", "request /3"]);
        assert_eq!(world.read(&mut resumed)[..2], ["request /2", "request /3"]);
        // What is told whole has no number: whoever comes back is told it anew.
        assert_eq!(world.read(&mut again(&reader)), SECTIONS);
    }

    #[test]
    fn what_is_told_whole_is_told_when_it_changes() {
        let mut world = World::new();
        let mut reader = Reader::after(None);
        world.read(&mut reader);
        world.engine.set_phone("+15550100001", vec![PhonePlan::answer()]).unwrap();
        assert_eq!(world.read(&mut reader), ["phones"]);
        world.engine.advance(5);
        assert_eq!(world.read(&mut reader), ["clock"]);
    }

    #[test]
    fn whoever_missed_something_begins_anew() {
        let mut world = World::new();
        let mut reader = Reader::after(None);
        world.read(&mut reader);
        for path in ["/1", "/2", "/3", "/4"] {
            world.request(path);
        }
        assert_eq!(world.read(&mut reader), ["snapshot", "request /2", "request /3", "request /4"]);
        world.era.resets += 1;
        assert_eq!(world.read(&mut again(&reader))[..2], ["reset", "snapshot"]);
        assert_eq!(world.read(&mut reader)[..2], ["reset", "snapshot"]);
        world.era.process += 1;
        assert_eq!(world.read(&mut reader)[..2], ["snapshot", "request /2"]);
        for nonsense in ["", "x", "7-0-1", "00000007-0-1-1-1-1-1-1-1", "00000008-1-9-0-0-0-0-0"] {
            let first = world.read(&mut Reader::after(Some(nonsense))).swap_remove(0);
            assert_eq!(first, "snapshot", "{nonsense}");
        }
    }

    #[test]
    fn a_reader_takes_a_mouthful_at_a_time() {
        let mut world = World::new();
        let mut reader = Reader::after(None);
        for _ in 0..3 {
            world.request(&"x".repeat(MOST_BYTES));
        }
        let lengths: Vec<usize> = (0..4).map(|_| world.read(&mut reader).len()).collect();
        assert_eq!(lengths, [2, 1, 1, 0]);
    }
}
