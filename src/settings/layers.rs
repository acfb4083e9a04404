//! The layers: defaults, the environment's file, variables, conventional names; each later one wins. What is wrong is
//! said with the name of the layer it came from, and never with a line of a file, which may hold a secret.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;

use config::{Config, File, FileFormat};

use super::{Settings, SettingsError};

/// The lowest layer.
pub(super) const DEFAULTS: &str = include_str!("../../config/default.toml");
const PREFIX: &str = "WARM_TRANSFER__";
const ENVIRONMENT: &str = "WARM_TRANSFER_ENVIRONMENT";
/// The names people already use, and the settings they mean.
const CONVENTIONAL: [(&str, &str); 7] = [
    ("DATABASE_URL", "database.url"),
    ("TWILIO_ACCOUNT_SID", "twilio.account_sid"),
    ("TWILIO_AUTH_TOKEN", "twilio.auth_token"),
    ("TWILIO_API_KEY", "twilio.api_key"),
    ("TWILIO_API_SECRET", "twilio.api_secret"),
    ("TWILIO_API_BASE_URL", "twilio.base_url"),
    ("PUBLIC_URL", "server.public_url"),
];

/// What one variable says.
struct Override {
    variable: String,
    key: String,
    value: String,
}

/// The variables that are text. Others are nobody's business unless they are meant for us.
pub(super) fn environment(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<String, String>, SettingsError> {
    let mut texts = BTreeMap::new();
    for (name, value) in variables {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => drop(texts.insert(name, value)),
            Err(_) if is_ours(&name) => return Err(SettingsError::new(&name, "is not UTF-8")),
            Err(_) => {}
        }
    }
    Ok(texts)
}

fn is_ours(name: &str) -> bool {
    let plain = name.strip_suffix("_FILE").unwrap_or(name);
    name.starts_with(PREFIX)
        || matches!(name, ENVIRONMENT | "PORT")
        || CONVENTIONAL.iter().any(|(conventional, _)| *conventional == plain)
}

/// The settings that the layers make, not yet checked.
pub(super) fn merge(folder: &Path, variables: &BTreeMap<String, String>) -> Result<Settings, SettingsError> {
    let environment = variables.get(ENVIRONMENT).filter(|name| !name.is_empty());
    let environment = environment.map_or("development", String::as_str);
    let path = folder.join(format!("{environment}.toml"));
    let overrides = overrides(variables)?;
    let mut layers = Config::builder()
        .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
        .add_source(File::from_str(&read_layer(&path)?, FileFormat::Toml));
    for Override { variable, key, value } in &overrides {
        layers = layers
            .set_override(key, value.as_str())
            .map_err(|_| SettingsError::new(variable, "is not the name of a setting"))?;
    }
    // Variables are single values, so only the file can be malformed.
    let merged = layers.build().map_err(|error| file_error(&path, &without_excerpt(&error.to_string())))?;
    serde_path_to_error::deserialize(merged).map_err(|error| {
        let key = error.path().to_string();
        explain(&key, &error.into_inner().to_string(), &overrides, &path)
    })
}

/// The environment's file, which need not exist; but one that cannot be read is not passed over.
fn read_layer(path: &Path) -> Result<String, SettingsError> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(file_error(path, &error.to_string())),
        Ok(text) => Ok(text),
    }
}

fn file_error(path: &Path, reason: &str) -> SettingsError {
    SettingsError::new(&format!("file {}", path.display()), reason)
}

/// A parser's message without the line of the file that it quotes under `|`.
fn without_excerpt(message: &str) -> String {
    let is_excerpt = |line: &str| {
        line.trim_start()
            .trim_start_matches(|digit: char| digit.is_ascii_digit())
            .trim_start()
            .starts_with('|')
    };
    let told: Vec<&str> = message.lines().filter(|line| !is_excerpt(line)).collect();
    told.join(": ")
}

/// Names the key and where it was set: by the last variable that did, or else in the file, as the defaults are right.
fn explain(key: &str, reason: &str, overrides: &[Override], path: &Path) -> SettingsError {
    let is_about = |other: &Override| {
        other.key == key || other.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'))
    };
    let source = overrides.iter().rev().find(|other| is_about(other));
    let source = source.map_or_else(|| format!("file {}", path.display()), |found| found.variable.clone());
    let name = format!("{key} ({source})");
    // Where a section should be, the value may be what one of its secrets was meant to be.
    if reason.starts_with("invalid type") && !key.contains('.') {
        return SettingsError::new(
            &name,
            format!("is a section; expected {key}.… with the name of a setting"),
        );
    }
    SettingsError::new(&name, reason.split(" for key `").next().unwrap_or(reason))
}

/// What variables say: ours first, then the conventional names, which win; secrets from files as they are read.
fn overrides(variables: &BTreeMap<String, String>) -> Result<Vec<Override>, SettingsError> {
    let ours = variables.iter().filter_map(|(name, value)| {
        Some((name.clone(), name.strip_prefix(PREFIX)?.to_lowercase().replace("__", "."), value))
    });
    // Compose files pass on what is not set as empty, so an empty one is as good as none.
    let set = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let conventional = CONVENTIONAL.iter().flat_map(|(name, key)| {
        let file = format!("{name}_FILE");
        let plain = set(name).map(|value| ((*name).to_owned(), (*key).to_owned(), value));
        let from_file = set(&file).map(|value| (file, format!("{key}_file"), value));
        [plain, from_file].into_iter().flatten()
    });
    let mut found = Vec::new();
    for (variable, key, value) in ours.chain(conventional) {
        let (key, value) = match key.strip_suffix("_file") {
            Some(key) => (key.to_owned(), read_secret(&variable, value)?),
            None => (key, value.clone()),
        };
        found.push(Override { variable, key, value });
    }
    if let Some(port) = set("PORT") {
        let port: u16 = port.parse().map_err(|_| SettingsError::new("PORT", "is not a port number"))?;
        let (variable, key) = ("PORT".to_owned(), "server.bind".to_owned());
        found.push(Override { variable, key, value: format!("0.0.0.0:{port}") });
    }
    Ok(found)
}

fn read_secret(variable: &str, path: &str) -> Result<String, SettingsError> {
    let content = std::fs::read_to_string(path)
        .map_err(|error| SettingsError::new(variable, format!("{path}: {error}")))?;
    Ok(content.trim_end_matches(['\r', '\n']).to_owned())
}
