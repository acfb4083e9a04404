//! `urls`: every route, and who gets in.

use std::process::ExitCode;

use super::{Format, print_json};
use crate::urls::routes;

pub fn run(format: Format) -> anyhow::Result<ExitCode> {
    match format {
        Format::Json => print_json(&routes().collect::<Vec<_>>())?,
        Format::Text => {
            for route in routes() {
                say!("{:9} {:42} {:30} {}", route.methods, route.path, route.name, route.access);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
