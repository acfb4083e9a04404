//! `do-not-call`: the numbers that are not to be called.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Format, FormatArgs, database, operator, print_json};
use crate::clock::{Clock, SystemClock};
use crate::db::Db;
use crate::guard::models::{self, EntryRow};
use crate::guard::serializers::EntryOut;
use crate::guard::services::{self, Imported};
use crate::telephony::PhoneNumber;

/// Entries that are read at once.
const PAGE: i64 = 1000;

#[derive(Debug, Subcommand)]
pub enum DoNotCallCommand {
    /// Put a number on the list, or write its entry anew
    Add {
        /// In E.164, such as +15550100123
        number: PhoneNumber,
        /// Why, for people
        #[arg(long, default_value = "")]
        reason: String,
        /// For how many days; for good if absent
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
        days: Option<u16>,
    },
    /// Take a number off the list
    Remove {
        /// In E.164
        number: PhoneNumber,
    },
    /// Print the list, by number
    List(FormatArgs),
    /// Add a list in CSV: number, reason, expires_at, as a first line may name them; or one column of numbers
    Import {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        format: FormatArgs,
    },
}

pub async fn run(command: DoNotCallCommand) -> anyhow::Result<ExitCode> {
    let db = database().await?;
    let clock = SystemClock::new();
    match command {
        DoNotCallCommand::Add { number, reason, days } => add(&db, &clock, number, reason, days).await,
        DoNotCallCommand::Remove { number } => {
            if !services::remove(&db, operator(), number.clone(), clock.now()).await? {
                anyhow::bail!("{number} is not on the list");
            }
            say!("removed {number}");
            Ok(ExitCode::SUCCESS)
        }
        DoNotCallCommand::List(args) => list(&db, clock.now(), args.format).await,
        DoNotCallCommand::Import { file, format } => import(&db, &clock, &file, format.format).await,
    }
}

async fn add(
    db: &Db,
    clock: &dyn Clock,
    number: PhoneNumber,
    reason: String,
    days: Option<u16>,
) -> anyhow::Result<ExitCode> {
    let now = clock.now();
    let row = EntryRow {
        number: number.to_string(),
        reason,
        added_at: now.naive_utc(),
        expires_at: days.map(|days| (now + TimeDelta::days(days.into())).naive_utc()),
    };
    let is_new = services::add(db, operator(), row, now).await?;
    say!("{} {number}", if is_new { "added" } else { "changed" });
    Ok(ExitCode::SUCCESS)
}

async fn list(db: &Db, now: DateTime<Utc>, format: Format) -> anyhow::Result<ExitCode> {
    let mut all = Vec::new();
    let mut after: Option<PhoneNumber> = None;
    loop {
        let rows = db.read(move |conn| models::list(conn, after.as_ref(), PAGE, now)).await?;
        after = rows.last().map(|row| row.number.parse()).transpose()?;
        if format == Format::Text {
            rows.iter().for_each(print);
        } else {
            all.extend(rows.into_iter().map(EntryOut::from));
        }
        if after.is_none() {
            break;
        }
    }
    if format == Format::Json {
        print_json(&all)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(row: &EntryRow) {
    let until = row.expires_at.map(|at| format!("until {}", at.date())).unwrap_or_default();
    say!("{}", format!("{:16} {until:16} {}", row.number, row.reason).trim_end());
}

/// Exit code 1 if any line could not be read; all others are on the list then.
async fn import(db: &Db, clock: &dyn Clock, path: &Path, format: Format) -> anyhow::Result<ExitCode> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let bar = progress_bar(file.metadata().map_or(0, |known| known.len()));
    let source = BufReader::with_capacity(1 << 20, file);
    let imported = services::import(db, clock, operator(), source, |bytes| bar.set_position(bytes)).await;
    bar.finish_and_clear();
    let imported = imported?;
    match format {
        Format::Json => print_json(&imported)?,
        Format::Text => summarise(&imported),
    }
    Ok(if imported.unreadable == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// On standard error, and none where that is not a terminal.
fn progress_bar(bytes: u64) -> ProgressBar {
    const LOOK: &str = "{bar:40} {bytes} of {total_bytes}, {eta} left";
    let bar = ProgressBar::new(bytes);
    match ProgressStyle::with_template(LOOK) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn summarise(imported: &Imported) {
    for problem in &imported.problems {
        say!("line {}: {}", problem.line, problem.reason);
    }
    let untold = imported.unreadable - u64::try_from(imported.problems.len()).unwrap_or_default();
    if untold > 0 {
        say!("and {untold} lines more");
    }
    say!(
        "{} lines read, {} entries added or prolonged, {} lines not read",
        imported.read,
        imported.changed,
        imported.unreadable
    );
}
