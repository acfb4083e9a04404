//! Whole calls: the running service and the emulator over HTTP, judged by what people heard, what was asked of Twilio, what
//! is in the database, and what the API says.

mod absent;
mod away;
mod bridge;
mod choices;
mod control;
mod faults;
mod gate;
mod journal;
mod killed;
mod limits;
mod lost;
mod pacing;
mod pages;
pub mod records;
mod requests;
mod restarts;
mod scene;
mod stories;
mod styles;
mod switches;
mod tale;
mod targets;
mod traps;
mod wire;

use serde_json::Value;
use warm_transfer::demo::{Part, Report, Scenario, Stage, StageOptions, play, report};
use warm_transfer::emulator::{Heard, RequestRecord, Switches};

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

/// Whether every case is wanted, not a selection that is short enough for every change.
fn is_thorough() -> bool {
    std::env::var_os("WARM_TRANSFER_TEST_THOROUGH").is_some()
}

fn with(switches: Switches) -> StageOptions {
    StageOptions { switches, ..StageOptions::default() }
}

fn ladder(report: &Report) -> String {
    warm_transfer::emulator::as_text(&report.timeline)
}

impl Played {
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

    /// Whom `who` heard, in order: `Alice > - > Dana`, where `-` is nobody.
    fn company(&self, who: Part) -> String {
        scene::company(self.spans(who))
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
