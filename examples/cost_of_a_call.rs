//! What a call costs: plays one story of the demo several times and prints, for each call, the rows and bytes in the
//! database, the writing transactions, the requests to Twilio and the webhooks received. `docs/scaling.md` quotes it.
//!
//! ```sh
//! cargo run --features postgres --example cost_of_a_call -- postgres://user@host/empty_database straight 50
//! ```

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use clap::ValueEnum;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use warm_transfer::db::{Db, DbError};
use warm_transfer::demo::{Scenario, Stage, StageOptions, play};

/// Stage seconds that pass in a real one.
const SPEED: f64 = 20.0;
const TABLES: [&str; 7] = ["calls", "call_requests", "legs", "transfers", "events", "webhooks", "commands"];

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

/// What has been used up so far.
#[derive(Default)]
struct Used {
    rows: Vec<i64>,
    bytes: Vec<i64>,
    /// Transactions that wrote, and notifications to other copies.
    writes: i64,
    wal_bytes: i64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let usage = "expected a postgres:// URL of an empty database, a story of the demo, and a number of calls";
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, story, calls] = &args[..] else { bail!(usage) };
    let scenario = Scenario::from_str(story, false).map_err(anyhow::Error::msg).context(usage)?;
    let calls: u32 = calls.parse().context(usage)?;
    anyhow::ensure!(calls > 0 && url.starts_with("postgres"), usage);
    let options = StageOptions { database_url: Some(url.clone()), speed: SPEED, ..StageOptions::default() };
    let stage = Stage::set(options).await?;
    let db = &stage.server.app().db;
    let before = used(db).await?;
    for _ in 0..calls {
        play(&stage, scenario).await?;
    }
    let after = used(db).await?;
    let each = |before: i64, after: i64| (after - before) as f64 / f64::from(calls);
    println!("{calls} calls, {scenario}; for each call:");
    for (n, table) in TABLES.iter().enumerate() {
        let (rows, bytes) = (each(before.rows[n], after.rows[n]), each(before.bytes[n], after.bytes[n]));
        println!("{table:14} {rows:6.1} rows {bytes:8.0} bytes with indexes");
    }
    println!("{:14} {:6.1}", "writes", each(before.writes, after.writes));
    println!("{:14} {:6.0} bytes", "WAL", each(before.wal_bytes, after.wal_bytes));
    let requests = stage.emulator.requests();
    print_counts("to Twilio", calls, requests.iter().map(|it| format!("{} {}", it.method, kind(&it.path))));
    let webhooks = stage.emulator.webhooks();
    let path = |url: &str| url.splitn(4, '/').last().unwrap_or_default().split('?').next().map(str::to_owned);
    print_counts("from Twilio", calls, webhooks.iter().filter_map(|it| path(&it.url)));
    stage.strike().await
}

/// A path without SIDs and names of rooms.
fn kind(path: &str) -> String {
    let is_name = |part: &str| matches!(part.trim_end_matches(".json").len(), 32 | 34);
    let parts = path.split('/').skip(4).map(|part| if is_name(part) { "{sid}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn print_counts(title: &str, calls: u32, names: impl Iterator<Item = String>) {
    let mut counts = BTreeMap::<String, u32>::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let each = |count: u32| f64::from(count) / f64::from(calls);
    println!("{title:14} {:6.1}", each(counts.values().sum()));
    for (name, count) in counts {
        println!("{:14} {:6.1} {name}", "", each(count));
    }
}

async fn used(db: &Db) -> Result<Used, DbError> {
    db.read(|conn| {
        let mut number = |sql: &str, table: &str| {
            diesel::sql_query(sql.replace("{}", table)).get_result::<Number>(conn).map(|it| it.value)
        };
        let mut used = Used::default();
        for table in TABLES {
            used.rows.push(number("SELECT count(*) AS value FROM {}", table)?);
            used.bytes.push(number("SELECT pg_total_relation_size('{}') AS value", table)?);
        }
        let ids = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS value";
        used.writes = number(ids, "")?;
        used.wal_bytes = number("SELECT (pg_current_wal_lsn() - '0/0')::bigint AS value", "")?;
        Ok(used)
    })
    .await
}
