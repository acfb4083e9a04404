//! Whole calls: the running service and the emulator over HTTP, judged by what people heard, what was asked of Twilio, what
//! is in the database, and what the API says.

mod faults;
mod heard;
mod killed;
mod lost;
mod many;
mod requests;
mod restarts;
mod stories;
mod switches;
mod wire;

use std::time::Duration;

use diesel::prelude::*;
use serde_json::{Value, json};
use warm_transfer::db::DbError;
use warm_transfer::db::schema::commands;
use warm_transfer::demo::{CALLER_ID, Part, Report, Scenario, Stage, StageOptions, play, report};
use warm_transfer::emulator::{Heard, RequestRecord, Switches};
use warm_transfer::twilio::http_client;

use crate::support::database::TestDatabase;

/// Stage seconds that pass in a real one.
const SPEED: f64 = 12.0;

/// A stage on a database of its own.
struct Theatre {
    stage: Stage,
    _database: TestDatabase,
}

/// What a played story has left behind.
struct Played {
    theatre: Theatre,
    report: Report,
}

async fn theatre(options: StageOptions) -> Theatre {
    let database = TestDatabase::new();
    let options = StageOptions { database_url: Some(database.url.clone()), speed: SPEED, ..options };
    Theatre { stage: Stage::set(options).await.unwrap(), _database: database }
}

impl Theatre {
    /// The caller id becomes a number of the account.
    async fn owns_its_number(&self) {
        let patience = Duration::from_secs(10);
        let url = format!("{}/emulator/numbers/{CALLER_ID}", self.stage.emulator.base_url());
        let http = http_client(patience, patience).unwrap();
        assert!(http.put(url).json(&json!({})).send().await.unwrap().status().is_success());
    }
}

async fn played(scenario: Scenario, options: StageOptions) -> Played {
    let theatre = theatre(options).await;
    finished(theatre, scenario).await
}

async fn finished(theatre: Theatre, scenario: Scenario) -> Played {
    let call = play(&theatre.stage, scenario).await.unwrap();
    let report = report(&theatre.stage, scenario, &call).await.unwrap();
    assert!(report.ok, "{scenario}: {:#?}\n{}", report.violations, ladder(&report));
    Played { theatre, report }
}

fn with(switches: Switches) -> StageOptions {
    StageOptions { switches, ..StageOptions::default() }
}

fn ladder(report: &Report) -> String {
    warm_transfer::emulator::as_text(&report.timeline)
}

impl Played {
    /// Waits until what was on its way to Twilio when the call ended has come to its end too.
    async fn nothing_is_open(&self) {
        let app = self.theatre.stage.server.app();
        let mut changed = app.changed.subscribe();
        let settled = async {
            loop {
                let open = app.db.read(|conn| {
                    let open = commands::table.filter(commands::finished_at.is_null()).count();
                    Ok::<_, DbError>(open.get_result::<i64>(conn)?)
                });
                if open.await.unwrap() == 0 {
                    return;
                }
                // What changes no call says nothing: look again all the same.
                drop(tokio::time::timeout(Duration::from_millis(100), changed.recv()).await);
            }
        };
        tokio::time::timeout(Duration::from_secs(20), settled).await.expect("commands stay open");
    }

    async fn close(self) {
        self.theatre.stage.strike().await.unwrap();
    }

    /// Whether `who` ever heard exactly these people, whatever else there was.
    fn ever_heard_exactly(&self, who: Part, people: &[Part]) -> bool {
        let mut wanted: Vec<&str> = people.iter().map(|part| part.address).collect();
        wanted.sort_unstable();
        self.spans(who).any(|hears| {
            let mut found: Vec<&str> = hears.iter().filter_map(person).collect();
            found.sort_unstable();
            found == wanted
        })
    }

    fn ever_heard_words(&self, who: Part, words: &str) -> bool {
        let speaks = |heard: &Heard| matches!(heard, Heard::Speech { text } if text.contains(words));
        self.spans(who).any(|hears| hears.iter().any(speaks))
    }

    fn spans(&self, who: Part) -> impl Iterator<Item = &Vec<Heard>> {
        let person = self.report.audibility.people.iter().find(move |person| person.address == who.address);
        person.into_iter().flat_map(|person| person.spans.iter().map(|span| &span.hears))
    }

    /// REST requests of this method whose path ends like this.
    fn asked(&self, method: &str, ending: &str) -> Vec<RequestRecord> {
        let requests = self.theatre.stage.emulator.requests();
        requests.into_iter().filter(|it| it.method == method && it.path.ends_with(ending)).collect()
    }

    fn leg(&self, role: &str) -> Value {
        let legs = self.report.call["legs"].as_array().unwrap();
        legs.iter().rfind(|leg| leg["role"] == role).unwrap().clone()
    }
}

fn person(heard: &Heard) -> Option<&str> {
    match heard {
        Heard::Person { who } => Some(who),
        _ => None,
    }
}

fn field<'a>(request: &'a RequestRecord, name: &str) -> Vec<&'a str> {
    request.form.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
}
