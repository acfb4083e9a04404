//! The page of a call after its story: it renders, and its bars say what people heard by the emulator's own record.

use std::collections::BTreeSet;

use uuid::Uuid;
use warm_transfer::agents::models::{Agent, AgentRole};
use warm_transfer::agents::services::{NewAgent, add_agent};
use warm_transfer::audit::Actor;
use warm_transfer::calls::flow::Call;
use warm_transfer::calls::{exchanges, models, standings};
use warm_transfer::console::Client;
use warm_transfer::console::audibility::{Ears, Sound, Span, ears};
use warm_transfer::console::sessions::services::open;
use warm_transfer::db::DbError;
use warm_transfer::demo::Stage;
use warm_transfer::emulator::{self, Heard};
use warm_transfer::voice::models::of_call;

use super::{Played, SPEED};

/// Milliseconds of the stage that the service may be behind the exchange, or before it, besides what its slowest request took:
/// a webhook under way on a loaded machine, twelve times as fast as life.
const BEHIND_MS: i64 = 3_000;
/// How close moments are looked at.
const STEP_MS: i64 = 100;

/// What somebody heard at one moment: nothing at all when they are not on the line.
type Company = Option<BTreeSet<String>>;

/// The page of the call, and its bars.
pub async fn page_agrees(played: &Played) {
    let stage = &played.theatre.stage;
    let id: Uuid = played.report.call["id"].as_str().unwrap().parse().unwrap();
    let page = page(stage, id).await;
    for drawing in ["<svg class=\"bars\"", "<svg class=\"ladder\""] {
        let start = page.find(drawing).unwrap_or_else(|| panic!("{drawing} in {page}"));
        let end = start + page[start..].find("</svg>").unwrap() + "</svg>".len();
        roxmltree::Document::parse(&page[start..end]).unwrap();
    }
    let has_documents = stage.emulator.webhooks().iter().any(|sent| sent.url.contains("/twiml/"));
    assert_eq!(page.contains("TwiML as sent"), has_documents);
    assert!(page.contains("X-Twilio-Signature"), "{page}");
    bars_agree(played, id).await;
}

/// As a supervisor sees it.
async fn page(stage: &Stage, call: Uuid) -> String {
    let app = stage.server.app();
    let supervisor = supervisor(stage).await;
    let client = Client { address: [127, 0, 0, 1].into(), user_agent: "test".into() };
    let token = open(app, &supervisor, &client, None).await.unwrap();
    let cookie = format!("{}={token}", app.console.cookie_name());
    let url = format!("http://{}/calls/{call}", stage.server.addr());
    let answer = reqwest_client().get(url).header("Cookie", cookie).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    answer.text().await.unwrap()
}

fn reqwest_client() -> reqwest::Client {
    let patience = std::time::Duration::from_secs(20);
    warm_transfer::twilio::http_client(patience, patience).unwrap()
}

async fn supervisor(stage: &Stage) -> Agent {
    let app = stage.server.app();
    let new = NewAgent {
        name: "simone".into(),
        display_name: None,
        address: "client:simone".parse().unwrap(),
        role: AgentRole::Supervisor,
    };
    add_agent(&app.db, &*app.clock, &*app.ids, &Actor::system("test"), new).await.unwrap()
}

async fn bars_agree(played: &Played, id: Uuid) {
    let read = played.theatre.stage.server.app().db.read(move |conn| {
        let call = models::load(conn, id)?.unwrap();
        let moments = standings::of_call(conn, id, 1000)?;
        Ok::<_, DbError>((call, moments, of_call(conn, id, 1000)?, exchanges::of_call(conn, id, 1000)?))
    });
    let (call, moments, webhooks, exchanges) = read.await.unwrap();
    let slowest_ms = exchanges.iter().map(|it| i64::from(it.duration_ms)).max().unwrap_or_default();
    // The exchange counts from its own beginning: it is at most as far back as the swiftest webhook says.
    let sent = played.theatre.stage.emulator.webhooks();
    let swiftest = webhooks.iter().filter_map(|kept| {
        let same = sent.iter().find(|it| serde_json::to_string(&it.params).unwrap() == kept.form)?;
        let received_ms = (kept.received_at.and_utc() - call.created_at).num_milliseconds();
        Some(received_ms - i64::try_from(same.at_ms).unwrap())
    });
    let offset_ms = swiftest.min().unwrap();
    let slowest_webhook_ms = sent.iter().map(|it| to_ms(it.duration_ms) * SPEED as i64).max();
    let behind_ms = BEHIND_MS + slowest_ms + slowest_webhook_ms.unwrap_or_default();
    let ears = ears(&moments, call.created_at, call.ended_at.unwrap());
    for person in &played.report.audibility.people {
        agrees(&call, person, &ears, offset_ms, behind_ms);
    }
}

fn agrees(call: &Call, person: &emulator::Person, ears: &[Ears], offset_ms: i64, behind_ms: i64) {
    let legs: Vec<Uuid> =
        call.legs.iter().filter(|leg| leg.address.to_string() == person.address).map(|leg| leg.id).collect();
    let spans: Vec<&Span> =
        ears.iter().filter(|it| legs.contains(&it.leg_id)).flat_map(|it| &it.spans).collect();
    let last_ms = person.spans.iter().map(|span| to_ms(span.to_ms) + offset_ms).max().unwrap_or_default();
    let mut since_ms = None;
    for at_ms in (0..=last_ms).step_by(usize::try_from(STEP_MS).unwrap()) {
        let (ours, theirs) = (shown(call, &spans, at_ms), heard(person, at_ms - offset_ms));
        if ours == theirs {
            since_ms = None;
            continue;
        }
        let since_ms = *since_ms.get_or_insert(at_ms);
        assert!(
            at_ms - since_ms < behind_ms,
            "{} from {since_ms} on: the page shows {ours:?}, they hear {theirs:?}\n{spans:#?}\n{:#?}",
            person.address,
            person.spans
        );
    }
}

fn to_ms(ms: u64) -> i64 {
    i64::try_from(ms).unwrap()
}

fn shown(call: &Call, spans: &[&Span], at_ms: i64) -> Company {
    let is_there =
        |span: &&&Span| span.sound != Sound::PhoneRings && (span.from_ms..span.to_ms).contains(&at_ms);
    let span = spans.iter().find(is_there)?;
    Some(span.people.iter().map(|id| call.leg(*id).unwrap().address.to_string()).collect())
}

fn heard(person: &emulator::Person, at_ms: i64) -> Company {
    let span = person.spans.iter().find(|span| (to_ms(span.from_ms)..to_ms(span.to_ms)).contains(&at_ms))?;
    let who = |heard: &Heard| match heard {
        Heard::Person { who } => Some(who.clone()),
        _ => None,
    };
    Some(span.hears.iter().filter_map(who).collect())
}
