//! Owns list answers: the paging envelope and date filters.
//! <https://www.twilio.com/docs/usage/twilios-response#response-formats-list-paging-information>

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::super::engine::RestError;
use super::form::Form;
use super::{RestAnswer, Result};

/// What a list is of: where it is, and which query parameters its page links repeat.
pub(super) struct List<'a> {
    pub(super) plural: &'a str,
    pub(super) path: String,
    pub(super) filters: &'a [&'a str],
}

/// One page of what was found, newest first. `found` are SIDs with what `render` needs.
pub(super) fn page<T>(
    list: &List<'_>,
    query: &Form<'_>,
    found: &[(String, T)],
    render: impl Fn(&T) -> Value,
) -> Result {
    let size = query.get("PageSize").and_then(|v| v.parse::<usize>().ok()).unwrap_or(50).max(1);
    if size > 1000 {
        return Err(RestError::bad(20007, "Page size too large"));
    }
    let number = query.get("Page").and_then(|v| v.parse::<usize>().ok()).unwrap_or(0);
    let token = query.get("PageToken").and_then(|t| t.strip_prefix("PA"));
    let after = token.and_then(|sid| found.iter().position(|(s, _)| s == sid)).map(|at| at + 1);
    let start = after.unwrap_or_else(|| number.saturating_mul(size)).min(found.len());
    let end = start.saturating_add(size).min(found.len());
    let shown = &found[start..end];
    let link = |page: usize, token: Option<&str>| page_uri(list, query, size, page, token);
    let next =
        (end < found.len()).then(|| link(number.saturating_add(1), shown.last().map(|(s, _)| s.as_str())));
    let previous = number.checked_sub(1).map(|before| link(before, None));
    let mut body = Map::new();
    body.insert(list.plural.to_owned(), shown.iter().map(|(_, item)| render(item)).collect());
    for (name, value) in [
        ("page", json!(number)),
        ("page_size", json!(size)),
        ("start", json!(start)),
        ("end", json!(end.saturating_sub(1).max(start))),
        ("uri", json!(link(number, None))),
        ("first_page_uri", json!(link(0, None))),
        ("next_page_uri", json!(next)),
        ("previous_page_uri", json!(previous)),
    ] {
        body.insert(name.to_owned(), value);
    }
    Ok(RestAnswer::json(200, Value::Object(body)))
}

fn page_uri(list: &List<'_>, query: &Form<'_>, size: usize, page: usize, token: Option<&str>) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for name in list.filters {
        if let Some(value) = query.get(name) {
            pairs.append_pair(name, value);
        }
    }
    pairs.append_pair("PageSize", &size.to_string());
    pairs.append_pair("Page", &page.to_string());
    if let Some(sid) = token {
        pairs.append_pair("PageToken", &format!("PA{sid}"));
    }
    format!("{}?{}", list.path, pairs.finish())
}

/// Whether a time passes `Name=`, `Name<=` and `Name>=` filters, which name days in UTC.
pub(super) fn on_day(query: &Form<'_>, name: &str, when: Option<DateTime<Utc>>) -> bool {
    let day = when.map(|w| w.format("%Y-%m-%d").to_string());
    let check = |suffix: &str, holds: fn(&str, &str) -> bool| match query.get(&format!("{name}{suffix}")) {
        None => true,
        Some(wanted) => day.as_deref().is_some_and(|day| holds(day, wanted.get(..10).unwrap_or(wanted))),
    };
    // `Name<=DAY` arrives as the key `Name<` with the value DAY.
    check("", |a, b| a == b) && check("<", |a, b| a < b) && check(">", |a, b| a >= b)
}
