//! A day of calls by a CRM in Python (`tests/crm/day.py`) against service and emulator, with a restart at noon. It compares its
//! books with what the API tells; here they are compared with the tables, to the row, and with what Twilio was asked for.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use diesel::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use warm_transfer::agents::models::Scope;
use warm_transfer::agents::services::create_key;
use warm_transfer::audit::Actor;
use warm_transfer::db::schema::{
    call_requests, calls, events, idempotency_keys, outcomes, transfers, webhook_deliveries,
};
use warm_transfer::db::{Db, DbError};
use warm_transfer::demo::{FIRST_AGENT, Part, SECOND_AGENT, Stage, StageOptions, THIRD_AGENT};

use crate::support::database::TestDatabase;
use crate::support::process::Killed;

const SPEED: f64 = 12.0;
const CALLS: u32 = 40;
/// Far more than the day takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the CRM prints in the evening.
#[derive(Deserialize)]
struct Books {
    calls: Vec<Booked>,
    /// By `webhook-id`: the event's position.
    webhooks: BTreeMap<String, i64>,
    /// By `Idempotency-Key`: the status of the answer.
    keys: BTreeMap<String, i32>,
    /// What happened how often on the way.
    counts: BTreeMap<String, u32>,
}

/// A call in them.
#[derive(Deserialize, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Booked {
    id: String,
    customer: String,
    external_id: Option<String>,
    status: String,
    ended_by: Option<String>,
    end_reason: Option<String>,
    transfers: BTreeMap<String, String>,
    disposition: Option<String>,
}

/// What the customer of this call does: see `story` in day.py.
fn plan(number: u32) -> Value {
    let (behaviour, hang_up_after_ms) = match number % 10 {
        0 => ("busy", None),
        1 => ("no_answer", None),
        2 => ("decline", None),
        3 | 4 => ("answer", Some(15_000 + 1_000 * number)),
        8 => ("answer", Some(10_000 + 2_000 * number)),
        _ => ("answer", None),
    };
    json!([{ "behaviour": behaviour, "hang_up_after_ms": hang_up_after_ms }])
}

async fn set_stage(database: &TestDatabase) -> Stage {
    let settings = [("webhooks.timeout_ms", "1000"), ("server.shutdown_timeout_secs", "2")];
    let stage = Stage::set(StageOptions {
        speed: SPEED,
        database_url: Some(database.url.clone()),
        settings: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
        ..StageOptions::default()
    })
    .await
    .unwrap();
    for agent in [FIRST_AGENT, SECOND_AGENT, THIRD_AGENT] {
        stage.phones.will(agent, "answer", 500).await.unwrap();
    }
    for number in 0..CALLS {
        // The address of a part lives as long as the program; so these may, too.
        let address = format!("+1555010{}", 6000 + number).leak();
        let customer = Part { role: "customer", name: "Customer", address };
        stage.phones.will_in_turn(customer, plan(number)).await.unwrap();
    }
    stage
}

/// The CRM's process, which does not outlive the test.
struct Crm {
    process: Killed,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Crm {
    fn start() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crm");
        let python = folder.join(".venv/bin/python");
        assert!(
            python.exists(),
            "there is no {}: run tests/crm/setup.sh, as scripts/test does",
            python.display()
        );
        let mut command = Command::new(python);
        command.env("PYTHONDONTWRITEBYTECODE", "1").arg(folder.join("day.py"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { process: Killed(child), stdin, stdout: BufReader::new(stdout) }
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    /// The next line that it writes; without an end if it has written its last.
    async fn line(mut self) -> (Self, String) {
        let reading = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            self.stdout.read_line(&mut line).unwrap();
            (self, line)
        });
        reading.await.unwrap()
    }
}

/// The day itself; gives the stage after the restart, and the books.
async fn day(stage: Stage) -> (Stage, Books) {
    let app = stage.server.app();
    let by = Actor::system("demo");
    let key = create_key(&app.db, app.clock.as_ref(), app.ids.as_ref(), &by, "crm", &[Scope::Admin], None);
    let told = json!({
        "url": stage.crm.base_url(), "key": key.await.unwrap(), "speed": SPEED, "calls": CALLS, "seed": 5,
    });
    let mut crm = Crm::start();
    crm.tell(&told.to_string());
    let (mut crm, noon) = crm.line().await;
    assert_eq!(noon, "noon\n", "what it has against us it says on standard error");
    let stage = stage.restart().await.unwrap();
    crm.tell("back");
    let (mut crm, books) = crm.line().await;
    let status = crm.process.0.wait().unwrap();
    assert!(status.success(), "{status}: what it has against us it says on standard error");
    (stage, serde_json::from_str(&books).unwrap())
}

async fn read<T: Send + 'static>(
    db: &Db,
    query: impl FnOnce(&mut warm_transfer::db::DbConnection) -> Result<T, DbError> + Send + 'static,
) -> T {
    db.read(query).await.unwrap()
}

/// The same books, as our tables have them.
async fn our_calls(db: &Db) -> Vec<Booked> {
    type Row = (String, String, Option<String>, String, Option<String>, Option<String>);
    let (rows, words, moves) = read(db, |conn| {
        let rows = calls::table
            .inner_join(call_requests::table.on(call_requests::call_id.eq(calls::id)))
            .select((
                calls::id,
                calls::customer,
                call_requests::external_id,
                calls::status,
                calls::ended_by,
                calls::end_reason,
            ))
            .load::<Row>(conn)?;
        let words = outcomes::table.select((outcomes::call_id, outcomes::disposition));
        let moves = transfers::table.select((transfers::call_id, transfers::id, transfers::status));
        let moves = moves.load::<(String, String, String)>(conn)?;
        Ok((rows, words.load::<(String, String)>(conn)?, moves))
    })
    .await;
    let of_call = |id: &str| {
        let own = moves.iter().filter(|(call, ..)| call == id);
        own.map(|(_, transfer, status)| (transfer.clone(), status.clone())).collect()
    };
    let word = |id: &str| words.iter().find(|(call, _)| call == id).map(|(_, word)| word.clone());
    let booked = rows.into_iter().map(|(id, customer, external_id, status, ended_by, end_reason)| Booked {
        transfers: of_call(&id),
        disposition: word(&id),
        id,
        customer,
        external_id,
        status,
        ended_by,
        end_reason,
    });
    booked.collect()
}

/// Webhooks by message: position and state. The last answers may still be on their way into the table.
async fn our_webhooks(db: &Db) -> BTreeMap<String, i64> {
    loop {
        let rows = read(db, |conn| {
            use webhook_deliveries::dsl;
            let rows = dsl::webhook_deliveries.select((dsl::message_id, dsl::position, dsl::state));
            Ok(rows.load::<(String, Option<i64>, String)>(conn)?)
        })
        .await;
        if rows.iter().all(|(.., state)| state == "delivered") {
            let webhooks: BTreeMap<_, _> =
                rows.iter().map(|(id, position, _)| (id.clone(), position.unwrap())).collect();
            assert_eq!(webhooks.len(), rows.len(), "no message has two rows");
            return webhooks;
        }
        tokio::task::yield_now().await;
    }
}

async fn our_keys(db: &Db) -> BTreeMap<String, i32> {
    let rows = read(db, |conn| {
        use idempotency_keys::dsl;
        Ok(dsl::idempotency_keys.select((dsl::key, dsl::status)).load::<(String, Option<i32>)>(conn)?)
    });
    rows.await.into_iter().map(|(key, status)| (key, status.unwrap_or_default())).collect()
}

/// Each leg was asked for once at the most, whatever was repeated; each customer, too.
fn nobody_is_dialled_twice(stage: &Stage) {
    let requests = stage.emulator.requests();
    let fields = |ending: &str, name: &str| -> Vec<String> {
        let asked = requests.iter().filter(|it| it.method == "POST" && it.path.ends_with(ending));
        let fields = asked.flat_map(|it| it.form.iter().filter(|(key, _)| key == name));
        fields.map(|(_, value)| value.clone()).collect()
    };
    let mut dialled = fields("/Calls.json", "Url");
    dialled.extend(fields("/Participants.json", "To").into_iter().filter(|to| to.starts_with("+15550106")));
    let different: HashSet<&String> = dialled.iter().collect();
    assert_eq!(dialled.len(), different.len(), "{dialled:#?}");
    assert!(dialled.len() >= 30, "of forty calls a few are hung up before they are dialled: {dialled:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_of_calls_the_books_of_a_crm_agree_with_ours_to_the_row() {
    let database = TestDatabase::new();
    let stage = set_stage(&database).await;
    let (stage, mut books) = tokio::time::timeout(PATIENCE, day(stage)).await.expect("the day ends");
    let db = &stage.server.app().db;
    let mut ours = our_calls(db).await;
    ours.sort();
    books.calls.sort();
    assert_eq!(ours, books.calls);
    let webhooks = tokio::time::timeout(PATIENCE, our_webhooks(db)).await.expect("all are delivered");
    assert_eq!(webhooks, books.webhooks);
    let positions =
        read(db, |conn| Ok(events::table.select(events::position).load::<Option<i64>>(conn)?)).await;
    let told: BTreeSet<Option<i64>> = webhooks.values().copied().map(Some).collect();
    assert_eq!(told, positions.into_iter().collect(), "one webhook an event");
    assert_eq!(our_keys(db).await, books.keys);
    nobody_is_dialled_twice(&stage);
    // The day was not a quiet one.
    for trouble in ["refuse", "forget", "late", "drop", "cut", "not_waited_for", "broken_off"] {
        assert!(books.counts.contains_key(trouble), "no {trouble}: {:?}", books.counts);
    }
    stage.strike().await.unwrap();
}
