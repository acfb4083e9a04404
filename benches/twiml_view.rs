//! What our own layers cost: the shipped service against a handler that does only what cannot be left out, against one that
//! does nothing, and against SQLite committing row by row. docs/performance.md explains the table that this prints.

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::{Context, ensure};
use diesel::RunQueryDsl;
use diesel::connection::{Connection, SimpleConnection};
use diesel::sqlite::SqliteConnection;
use support::process::{AUTH_TOKEN, PUBLIC_URL, Process, database_url, free_address, median};
use support::{block_on, fields, load, post};
use warm_transfer::calls::flow::{Bridge, Call, CallStatus, Leg, Plan, Role, Stage};
use warm_transfer::calls::models;
use warm_transfer::clock::{Clock, IdSource, RandomIds, SystemClock};
use warm_transfer::db::{Db, DbError, DbOptions, Location};
use warm_transfer::twilio::signature::{SIGNATURE_HEADER, SignatureCheck, sign, signed_order};

/// Each variant is measured so often, in turn with the others; the median counts.
const ROUNDS: usize = 3;
/// Requests a round.
const REQUESTS: usize = 20_000;
/// Calls a round whose progress is reported.
const CALLS: usize = 2_000;
/// What is reported of each.
const PROGRESS: [&str; 3] = ["initiated", "ringing", "in-progress"];
/// Rows that SQLite commits one by one.
const COMMITS: usize = 2_000;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["baseline", addr] => actix_web::rt::System::new().block_on(baseline(addr.parse()?)),
        // Without `--bench` somebody only wants to know whether it starts, such as `cargo test --all-targets`.
        _ if arguments.iter().any(|argument| argument == "--bench") => block_on(bench()),
        _ => Ok(()),
    }
}

/// The two handlers that the service is compared with.
async fn baseline(addr: SocketAddr) -> anyhow::Result<()> {
    let check = Data::new(SignatureCheck::new(PUBLIC_URL, &[AUTH_TOKEN.into()]));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(check.clone())
            .route("/constant", web::to(constant))
            .route("/twiml/conference", web::to(least_work))
    });
    Ok(server.workers(1).bind(addr)?.run().await?)
}

/// Nothing, but the body is read: actix closes a connection whose body nobody has wanted.
async fn constant(_body: Bytes) -> HttpResponse {
    HttpResponse::Ok().body("constant")
}

/// Parses the form, checks the signature, fills in the document, and nothing else.
async fn least_work(request: HttpRequest, body: Bytes, check: Data<SignatureCheck>) -> HttpResponse {
    let form: Vec<_> = url::form_urlencoded::parse(&body).collect();
    let path_and_query = request.uri().path_and_query().map_or("", |it| it.as_str());
    let signature = request.headers().get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    if !signature.is_some_and(|given| check.verify(path_and_query, &signed_order(&form), given)) {
        return HttpResponse::new(StatusCode::FORBIDDEN);
    }
    let query = |name| {
        let mut pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value).unwrap_or_default()
    };
    let (call, leg, room) = (query("call"), query("leg"), query("room"));
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Dial><Conference startConferenceOnEnter=\"true\" \
         endConferenceOnExit=\"false\" beep=\"false\" waitUrl=\"{PUBLIC_URL}/twiml/wait?call={call}\" \
         waitMethod=\"POST\" participantLabel=\"{leg}\" statusCallbackEvent=\"start end join leave mute hold \
         announcement\" statusCallback=\"{PUBLIC_URL}/webhooks/conference-status?call={call}\" \
         statusCallbackMethod=\"POST\">{room}</Conference></Dial><Say language=\"en-US\">The call is over.</Say>\
         <Hangup/></Response>"
    ))
}

/// One line of the table.
struct Variant<'a> {
    name: &'static str,
    server: &'a Process,
    /// One list a round.
    requests: Vec<Arc<Vec<Vec<u8>>>>,
    count: usize,
    status: u16,
    per_second: Vec<f64>,
    answering_us: Vec<f64>,
    others_us: Vec<f64>,
}

impl<'a> Variant<'a> {
    fn new(name: &'static str, server: &'a Process, request: Vec<u8>, status: u16) -> Self {
        let same = Arc::new(vec![request]);
        Self::of_many(name, server, vec![same; ROUNDS], REQUESTS, status)
    }

    fn of_many(
        name: &'static str,
        server: &'a Process,
        requests: Vec<Arc<Vec<Vec<u8>>>>,
        count: usize,
        status: u16,
    ) -> Self {
        let (per_second, answering_us, others_us) = (vec![], vec![], vec![]);
        Self { name, server, requests, count, status, per_second, answering_us, others_us }
    }

    async fn measure(&mut self, round: usize) -> anyhow::Result<()> {
        let before = self.server.cpu_us_at_rest().await?;
        let took = load(self.server, &self.requests[round], self.count, self.status).await;
        let took = took.with_context(|| self.name)?;
        let after = self.server.cpu_us_at_rest().await?;
        let count = self.count as f64;
        self.per_second.push(count / took.as_secs_f64());
        self.answering_us.push((after.0 - before.0) / count);
        self.others_us.push((after.1 - before.1) / count);
        Ok(())
    }

    fn rate(&self) -> f64 {
        median(self.per_second.clone())
    }

    fn answering(&self) -> f64 {
        median(self.answering_us.clone())
    }

    fn all(&self) -> f64 {
        median(self.answering_us.iter().zip(&self.others_us).map(|(one, other)| one + other).collect())
    }
}

async fn bench() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let calls = insert_calls(folder.path()).await?;
    let addr = free_address()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["baseline", &addr.to_string()]).stderr(Stdio::null());
    let (baseline, _) = Process::start(command, addr, "/constant").await?;
    let log = folder.path().join("service.log");
    let (service, _) = Process::service(folder.path(), &log, "info").await?;
    let (quiet, _) = Process::service(folder.path(), &folder.path().join("quiet.log"), "warn").await?;

    let call = &calls[0];
    let form = fields("CA00000000000000000000000000000000", "in-progress", 3);
    let in_room = format!("call={}&leg={}&room={}", call.id, call.holder, call.room);
    let conference = format!("/twiml/conference?{in_room}");
    let wait = format!("/twiml/wait?call={}", call.id);
    let signed_post = post(&conference, &form);
    let signed_get = get(&conference, &form);
    let constant = |request: &[u8]| replaced(request, "/twiml/conference", "/constant");
    let mut wrong = fields("CA00000000000000000000000000000000", "in-progress", 3);
    wrong.swap_remove(0);
    let forged = replaced(&signed_post, &signature(&conference, &form), &signature(&conference, &wrong));
    let progress = progress(&calls);
    let mut variants = [
        Variant::new("constant, POST", &baseline, constant(&signed_post), 200),
        Variant::new("constant, GET", &baseline, constant(&signed_get), 200),
        Variant::new("least work, POST", &baseline, signed_post.clone(), 200),
        Variant::new("least work, GET", &baseline, signed_get.clone(), 200),
        Variant::new("conference, POST", &service, signed_post.clone(), 200),
        Variant::new("  without request log", &quiet, signed_post.clone(), 200),
        Variant::new("conference, GET", &service, signed_get, 200),
        Variant::new("wait, POST", &service, post(&wait, &form), 200),
        Variant::new("wrong signature, POST", &service, forged, 403),
        Variant::of_many("callback, durable", &service, progress, CALLS * PROGRESS.len(), 204),
    ];
    let mut commits = vec![];
    for round in 0..ROUNDS {
        for variant in &mut variants {
            variant.measure(round).await?;
        }
        commits.push(COMMITS as f64 / one_by_one(folder.path(), round)?.as_secs_f64());
    }
    ensure_kept(folder.path())?;
    print(&variants, median(commits));
    println!("memory (PSS) of the service after all this: {:.1} MiB", service.pss_kib()? as f64 / 1024.0);
    Ok(())
}

fn print(variants: &[Variant<'_>; 10], commits: f64) {
    let [constant_post, constant_get, least_post, least_get, post, quiet, get, _, wrong, callback] = variants;
    println!("{:<24}{:>10}{:>16}{:>16}", "", "requests/s", "answering, µs", "all CPU, µs");
    for variant in variants {
        let (rate, answering, all) = (variant.rate(), variant.answering(), variant.all());
        println!("{:<24}{rate:>10.0}{answering:>16.1}{all:>16.1}", variant.name);
    }
    println!("{:<24}{commits:>10.0}\n", "SQLite, row by row");
    let ratio = |what: &str, found: f64, budget: &str| println!("{what:<64}{found:>6.2}   budget {budget}");
    ratio("POST, CPU of answering / least work", post.answering() / least_post.answering(), "≤ 1.5");
    ratio("POST, all CPU with log and journal / least work", post.all() / least_post.all(), "≤ 1.5");
    ratio("POST without request log, all CPU / least work", quiet.all() / least_post.all(), "≤ 1.5");
    ratio("GET, CPU of answering / least work", get.answering() / least_get.answering(), "≤ 1.5");
    ratio("POST, requests per second / constant", post.rate() / constant_post.rate(), "≥ 0.6");
    ratio("GET, requests per second / constant", get.rate() / constant_get.rate(), "≥ 0.85");
    ratio("wrong signature, CPU of answering / right", wrong.answering() / post.answering(), "≤ 1");
    ratio("durable callbacks per second / SQLite row by row", callback.rate() / commits, "≥ 0.5");
}

fn get(path_and_query: &str, fields: &[(String, String)]) -> Vec<u8> {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let path_and_query = format!("{path_and_query}&{query}");
    let signature = signature(&path_and_query, &[]);
    format!(
        "GET {path_and_query} HTTP/1.1\r\nHost: calls.example.com\r\nUser-Agent: TwilioProxy/1.1\r\n\
         Accept: */*\r\n{SIGNATURE_HEADER}: {signature}\r\n\r\n"
    )
    .into_bytes()
}

fn signature(path_and_query: &str, fields: &[(String, String)]) -> String {
    sign(AUTH_TOKEN, &format!("{PUBLIC_URL}{path_and_query}"), fields)
}

fn replaced(request: &[u8], old: &str, new: &str) -> Vec<u8> {
    String::from_utf8_lossy(request).replacen(old, new, 1).into_bytes()
}

/// For each round the progress of calls that no round before has touched.
fn progress(calls: &[Call]) -> Vec<Arc<Vec<Vec<u8>>>> {
    let request = |call: &Call, (sequence, status): (usize, &&str)| {
        let path = format!("/webhooks/call-status?call={}&leg={}", call.id, call.holder);
        post(&path, &fields(&format!("CA{:032x}", call.holder.as_u128()), status, sequence))
    };
    let of_round = |calls: &[Call]| {
        let steps = PROGRESS.iter().enumerate();
        Arc::new(steps.flat_map(|step| calls.iter().map(move |call| request(call, step))).collect())
    };
    calls[1..].chunks(CALLS).map(of_round).collect()
}

/// Calls whose first agent is being rung.
async fn insert_calls(folder: &Path) -> anyhow::Result<Vec<Call>> {
    let db = Db::open(&DbOptions {
        location: Location::parse(&database_url(folder)).map_err(anyhow::Error::msg)?,
        pool_size: 1,
        pool_timeout: Duration::from_secs(5),
        busy_timeout: Duration::from_secs(5),
    })?;
    db.migrate().await?;
    let calls = (0..=ROUNDS * CALLS).map(|_| ringing()).collect::<anyhow::Result<Vec<_>>>()?;
    let inserted = calls.clone();
    db.write(move |conn| {
        inserted.iter().try_for_each(|call| models::save(conn, None, call)).map_err(|error: DbError| error)
    })
    .await?;
    Ok(calls)
}

fn ringing() -> anyhow::Result<Call> {
    let leg = |role, address: &str| -> anyhow::Result<Leg> {
        Ok(Leg::planned(RandomIds.id(), role, address.parse()?, "somebody".into()))
    };
    let mut call = Call::planned(Plan {
        id: RandomIds.id(),
        room: RandomIds.unguessable(),
        bridge: Bridge::Dial,
        caller_id: "+15550100100".parse()?,
        agent_caller_id: "+15550100100".parse()?,
        agent: leg(Role::FirstAgent, "+15550100101")?,
        customer: leg(Role::Customer, "+15550100199")?,
        ring_timeout_secs: 25,
        time_limit_secs: 14_400,
        created_at: SystemClock::new().now(),
    });
    (call.stage, call.status) = (Stage::DialingAgent, CallStatus::DialingAgent);
    Ok(call)
}

/// What was answered must be there: a fast server that loses reports has measured nothing.
fn ensure_kept(folder: &Path) -> anyhow::Result<()> {
    let path = folder.join("bench.db");
    let mut conn = SqliteConnection::establish(path.to_str().context("a path that is not UTF-8")?)?;
    let count = |conn: &mut SqliteConnection, from: &str| {
        diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!("SELECT count(*) FROM {from}"))
            .get_result::<i64>(conn)
    };
    let answered = count(&mut conn, "legs WHERE status = 'in_progress'")?;
    ensure!(answered as usize > ROUNDS * CALLS, "only {answered} legs were answered");
    let kept = count(&mut conn, "webhooks")?;
    let sent = ROUNDS * (4 * REQUESTS + CALLS * PROGRESS.len());
    ensure!(kept as usize == sent, "{kept} requests were kept of {sent}");
    Ok(())
}

/// SQLite's own speed at what a callback needs at the least: one row, one commit, on the disk before the next.
fn one_by_one(folder: &Path, round: usize) -> anyhow::Result<Duration> {
    let path = folder.join(format!("commits-{round}.db"));
    let mut conn = SqliteConnection::establish(path.to_str().context("a path that is not UTF-8")?)?;
    conn.batch_execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         CREATE TABLE webhooks (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, path_and_query TEXT, form TEXT);",
    )?;
    let form = format!("{:?}", fields("CA00000000000000000000000000000000", "in-progress", 3));
    let begun = Instant::now();
    for _ in 0..COMMITS {
        let insert = diesel::sql_query("INSERT INTO webhooks (path_and_query, form) VALUES ('/', ?)");
        let inserted = insert.bind::<diesel::sql_types::Text, _>(&form).execute(&mut conn)?;
        ensure!(inserted == 1, "not inserted");
    }
    Ok(begun.elapsed())
}
