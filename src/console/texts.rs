//! What pages and their scripts say, in one file that can be translated: `texts/en.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// As it is written.
pub const ENGLISH: &str = include_str!("texts/en.json");

static TEXTS: LazyLock<BTreeMap<&'static str, String>> =
    LazyLock::new(|| serde_json::from_str(ENGLISH).unwrap_or_default());

/// The text of this key. One that is missing shows as its key; a test sees to it that none is.
pub fn t(key: &'static str) -> &'static str {
    TEXTS.get(key).map_or(key, String::as_str)
}

/// The text of a key that was put together from an area and a word; nothing if there is none.
pub fn word(area: &str, word: &str) -> Option<&'static str> {
    TEXTS.get(format!("{area}.{word}").as_str()).map(String::as_str)
}

/// The same with `{name}` in it replaced.
pub fn fill(key: &'static str, name: &str, value: &str) -> String {
    t(key).replace(&format!("{{{name}}}"), value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn files(folder: &str) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect()
    }

    /// What templates, scripts and handlers name as `"area.…"`, and the beginnings of what they put together.
    fn named() -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut whole, mut beginnings) = (BTreeSet::new(), BTreeSet::new());
        let sources = ["templates/console", "src/console/static", "src/console", "src/console/history"];
        for path in sources.into_iter().flat_map(files) {
            let text = fs::read_to_string(&path).unwrap();
            for quoted in text.split(['"', '`']) {
                // An area, given to a function that puts the key together.
                if text.contains(&format!("(\"{quoted}\", ")) {
                    beginnings.insert(format!("{quoted}."));
                }
                match quoted.split_once("${") {
                    Some((start, _)) => drop(beginnings.insert(start.to_owned())),
                    None => drop(whole.insert(quoted.to_owned())),
                }
            }
        }
        (whole, beginnings)
    }

    #[test]
    fn every_text_is_used_somewhere() {
        let (whole, beginnings) = named();
        let is_used = |key: &str| {
            whole.contains(key)
                || beginnings.iter().any(|start| start.contains('.') && key.starts_with(start))
        };
        let idle: Vec<_> = TEXTS.keys().filter(|key| !is_used(key)).collect();
        assert!(idle.is_empty(), "no page says {idle:?}");
    }

    #[test]
    fn every_text_that_is_used_is_there() {
        let areas: BTreeSet<_> = TEXTS.keys().filter_map(|key| Some(key.split_once('.')?.0)).collect();
        let is_key = |text: &&String| {
            let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '_';
            let is_file = [".js", ".rs", ".html", ".svg", ".css"].iter().any(|end| text.ends_with(end));
            // The audit log's words look the same.
            !is_file
                && !["agent.logged_", "agent.session_"].iter().any(|start| text.starts_with(start))
                && text.chars().all(letters)
                && text.split_once('.').is_some_and(|(area, rest)| areas.contains(area) && !rest.is_empty())
        };
        let (whole, _) = named();
        // The beginning of keys is given to a function that puts them together.
        let is_there = |text: &str| {
            TEXTS.contains_key(text) || TEXTS.keys().any(|key| key.starts_with(&format!("{text}.")))
        };
        let missing: Vec<_> = whole.iter().filter(is_key).filter(|key| !is_there(key)).collect();
        assert!(missing.is_empty(), "there is no text for {missing:?}");
    }
}
