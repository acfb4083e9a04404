//! `migrate`: applies what is missing of the schema, and nothing else.

use std::process::ExitCode;

use serde_json::json;

use super::{Format, load_settings, print_json};
use crate::db::Db;

pub async fn run(format: Format) -> anyhow::Result<ExitCode> {
    let settings = load_settings()?;
    let applied = Db::open(&settings.database()?)?.migrate().await?;
    match format {
        Format::Json => print_json(&json!({ "applied": applied }))?,
        Format::Text if applied.is_empty() => say!("Nothing to apply: the schema is complete."),
        Format::Text => applied.iter().for_each(|name| say!("applied {name}")),
    }
    Ok(ExitCode::SUCCESS)
}
