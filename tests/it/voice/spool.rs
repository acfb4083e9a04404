//! What Twilio sends while the database is away: kept on the disk, and in the journal once and in order when it is back,
//! whatever becomes of the process meanwhile.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{ChildStderr, Stdio};
use std::time::Duration;

use diesel::prelude::*;
use serde_json::{Value, json};
use warm_transfer::agents::models::Scope;
use warm_transfer::db::schema::webhooks;
use warm_transfer::db::{Db, DbError, DbOptions, Location};
use warm_transfer::twilio::http_client;
use warm_transfer::twilio::signature::sign;

use super::{AGENT_SID, addresses};
use crate::support::database::TestDatabase;
use crate::support::outage::Away;
use crate::support::process::{Killed, command};
use crate::support::service::{AUTH_TOKEN, PUBLIC_URL, TestService, answer};

const CALLBACKS: [usize; 2] = [6, 7];

fn news(sequence: usize) -> [(&'static str, String); 3] {
    [
        ("CallSid", AGENT_SID.into()),
        ("CallStatus", "ringing".into()),
        ("SequenceNumber", sequence.to_string()),
    ]
}

async fn tell(service: &TestService, address: &str, sequence: usize) -> crate::support::service::Answer {
    let news = news(sequence);
    let form: Vec<(&str, &str)> = news.iter().map(|(name, value)| (*name, value.as_str())).collect();
    answer(service.signed(address, Some(&form))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_are_answered_and_are_in_the_journal_once_and_in_order_when_it_is_back() {
    let service = TestService::start_with(&Away::SETTINGS).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let all = addresses();
    let mut expected = Vec::new();
    let away = Away::begin(service.database_url());
    for sequence in 0..40 {
        let (_, address) = &all[CALLBACKS[sequence % 2]];
        let answered = tell(&service, address, sequence).await;
        assert_eq!((answered.status, answered.text.as_str()), (204, ""));
        expected.push((address.clone(), serde_json::to_string(&news(sequence)).unwrap()));
    }
    assert_eq!(service.app().journal.spool.len(), 40);
    let placed = service.request("POST", "/api/v1/calls").bearer_auth(&key);
    let placed =
        placed.json(&json!({ "agent": "client:a", "customer": "+15550100199", "caller_id": "+15550100100" }));
    let refused = answer(placed).await;
    assert_eq!((refused.status, refused.json["code"].as_str()), (503, Some("unavailable")));
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|secs| secs > 0));
    drop(away);
    // Some of these find the spool still in use, others empty: all of them come behind.
    for sequence in 40..60 {
        let (_, address) = &all[CALLBACKS[sequence % 2]];
        assert_eq!(tell(&service, address, sequence).await.status, 204);
        expected.push((address.clone(), serde_json::to_string(&news(sequence)).unwrap()));
    }
    assert_eq!(service.kept(60).await, expected);
    let ready = answer(service.request("GET", "/readyz")).await;
    assert_eq!((ready.status, ready.json["spooled"].as_u64()), (200, Some(0)));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_kept_beside_their_answer() {
    let service = TestService::start_with(&Away::SETTINGS).await;
    let away = Away::begin(service.database_url());
    let documents = addresses().into_iter().filter(|(_, address)| address.starts_with("/twiml/"));
    let mut expected: Vec<String> = documents.map(|(_, address)| address).collect();
    for address in &expected {
        assert_eq!(tell(&service, address, 0).await.status, 200, "{address}");
    }
    drop(away);
    let mut kept: Vec<String> =
        service.kept(expected.len()).await.into_iter().map(|(path, _)| path).collect();
    kept.sort_unstable();
    expected.sort_unstable();
    assert_eq!(kept, expected);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_spool_is_full_too_twilio_is_told() {
    let settings = [&Away::SETTINGS[..], &[("WARM_TRANSFER__DATABASE__SPOOL_ENTRIES", "2")]].concat();
    let service = TestService::start_with(&settings).await;
    let (_, address) = &addresses()[6];
    let away = Away::begin(service.database_url());
    for sequence in 0..2 {
        assert_eq!(tell(&service, address, sequence).await.status, 204);
    }
    let refused = tell(&service, address, 2).await;
    assert_eq!((refused.status, refused.json["code"].as_str()), (503, Some("unavailable")));
    let ready = answer(service.request("GET", "/readyz")).await;
    assert!(ready.status == 503 && ready.text.contains("spool is full"), "{ready:?}");
    drop(away);
    service.kept(2).await;
    assert_eq!(answer(service.request("GET", "/readyz")).await.status, 200);
    assert_eq!(tell(&service, address, 3).await.status, 204);
    service.kept(3).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn news_that_cannot_be_taken_in_are_in_the_journal_and_hold_up_no_other() {
    let service = TestService::start_with(&Away::SETTINGS).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let wish = json!({ "agent": "client:a", "customer": "+15550100199", "caller_id": "+15550100100" });
    let placed = answer(service.request("POST", "/api/v1/calls").bearer_auth(&key).json(&wish)).await;
    let call = placed.json["id"].as_str().unwrap();
    let broken = service.app().db.write(|conn| {
        Ok::<_, DbError>(diesel::sql_query("UPDATE calls SET bridge = 'nonsense'").execute(conn)?)
    });
    assert_eq!(broken.await.unwrap(), 1);
    let leg = placed.json["legs"][0]["id"].as_str().unwrap();
    let of_broken = format!("/webhooks/call-status?call={call}&leg={leg}");
    let (_, other) = &addresses()[6];
    for (sequence, address) in [other, &of_broken, other].into_iter().enumerate() {
        assert_eq!(tell(&service, address, sequence).await.status, 204, "{address}");
    }
    let mut kept: Vec<String> = service.kept(3).await.into_iter().map(|(path, _)| path).collect();
    kept.sort_unstable();
    let mut expected = vec![other.clone(), of_broken, other.clone()];
    expected.sort_unstable();
    assert_eq!(kept, expected);
    service.stop().await;
}

/// The program, serving.
struct Process {
    child: Killed,
    addr: String,
    /// Read no further, and not closed either: the program writes to it.
    _log: BufReader<ChildStderr>,
}

impl Process {
    fn start(database: &TestDatabase) -> Self {
        let mut serve = command(database);
        serve
            .args(["serve", "--bind", "127.0.0.1:0"])
            .env("PUBLIC_URL", PUBLIC_URL)
            .env("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001")
            .env("TWILIO_AUTH_TOKEN", AUTH_TOKEN)
            .env("TWILIO_API_BASE_URL", "http://127.0.0.1:1")
            .env("WARM_TRANSFER__DATABASE__SPOOL", "spool")
            .env("WARM_TRANSFER__LOGGING__FORMAT", "json")
            .envs(Away::SETTINGS)
            .stderr(Stdio::piped());
        let mut child = Killed(serve.spawn().unwrap());
        let mut log = BufReader::new(child.0.stderr.take().unwrap());
        let addr = log.by_ref().lines().find_map(|line| {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let is_it = line["message"] == "listening";
            is_it.then(|| line["addr"].as_str().unwrap().to_owned())
        });
        Self { child, addr: addr.unwrap(), _log: log }
    }

    /// Tells of a leg; gives the status of the answer.
    async fn tell(&self, address: &str, sequence: usize) -> u16 {
        let news = news(sequence);
        let form: Vec<(&str, &str)> = news.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let signature = sign(AUTH_TOKEN, &format!("{PUBLIC_URL}{address}"), &form);
        let patience = Duration::from_secs(10);
        let http = http_client(patience, patience).unwrap();
        let request = http.post(format!("http://{}{address}", self.addr)).form(&form);
        request.header("X-Twilio-Signature", signature).send().await.unwrap().status().as_u16()
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.0.kill().unwrap();
        self.child.0.wait().unwrap();
    }
}

async fn journal(database: &TestDatabase) -> Vec<String> {
    let patience = Duration::from_secs(10);
    let options = DbOptions {
        location: Location::parse(&database.url).unwrap(),
        pool_size: 1,
        pool_timeout: patience,
        busy_timeout: patience,
    };
    let forms = |conn: &mut warm_transfer::db::DbConnection| {
        Ok::<_, DbError>(webhooks::table.order(webhooks::id).select(webhooks::form).load(conn)?)
    };
    Db::open(&options).unwrap().read(forms).await.unwrap()
}

/// Waits until nothing is left of a spool.
fn emptied(spool: &Path) {
    while fs::read_dir(spool).unwrap().next().is_some() {
        std::thread::yield_now();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_with_a_spool_applies_it_when_it_starts_again_and_only_once() {
    let database = TestDatabase::new();
    let (spool, aside) = (database.folder.path().join("spool"), database.folder.path().join("aside"));
    let (_, address) = &addresses()[6];
    let process = Process::start(&database);
    let away = Away::begin(&database.url);
    for sequence in 0..5 {
        assert_eq!(process.tell(address, sequence).await, 204);
    }
    process.kill();
    copy(&spool, &aside);
    assert_eq!(fs::read_dir(&aside).unwrap().count(), 1);
    drop(away);

    let process = Process::start(&database);
    emptied(&spool);
    let expected: Vec<String> =
        (0..5).map(|sequence| serde_json::to_string(&news(sequence)).unwrap()).collect();
    assert_eq!(journal(&database).await, expected);
    process.kill();

    // As if it had been killed between the commit and the removal of the file.
    copy(&aside, &spool);
    let process = Process::start(&database);
    emptied(&spool);
    assert_eq!(process.tell(address, 5).await, 204);
    assert_eq!(journal(&database).await.len(), 6);
    process.kill();
}
