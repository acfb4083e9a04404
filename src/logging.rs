//! Logs, on standard error. No line holds a query string, a body, a token or a whole phone number.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, LoggingSettings, SettingsError};

/// Begins to log. A second call changes nothing.
///
/// # Errors
/// When the filter cannot be understood.
pub fn start(settings: &LoggingSettings) -> Result<(), SettingsError> {
    let filter =
        EnvFilter::try_new(&settings.level).map_err(|error| SettingsError::new("logging.level", error))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let lines = lines.with_ansi(stderr().is_terminal());
    // An error means that a test or another part of the process has begun before.
    drop(match settings.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    });
    Ok(())
}
