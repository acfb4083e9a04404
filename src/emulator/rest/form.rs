//! Owns the reading of form and query parameters: names case-sensitive, unknown ones ignored, arrays as repeated keys.

use super::super::engine::calls::Callback;
use super::super::engine::http::Link;
use super::super::engine::{Engine, Method, RestError, UnownedFrom, addresses, fetch_unusable};

type Result<T> = std::result::Result<T, RestError>;

/// Parameters as sent.
pub(super) struct Form<'a>(&'a [(String, String)]);

impl<'a> Form<'a> {
    pub(super) fn new(pairs: &'a [(String, String)]) -> Self {
        Self(pairs)
    }

    /// A parameter that is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.raw(name).filter(|v| !v.is_empty())
    }

    /// A parameter that may be empty.
    pub(super) fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a repeated key.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, v)| key == name && !v.is_empty()).map(|(_, v)| v.clone()).collect()
    }

    /// Twilio takes whatever is not `true` as false.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).map(|v| v.eq_ignore_ascii_case("true"))
    }

    pub(super) fn flag_or(&self, name: &str, default: bool) -> bool {
        self.flag(name).unwrap_or(default)
    }

    /// A positive whole number, at most `max`.
    pub(super) fn seconds(&self, name: &str, max: u64, code: u32) -> Result<Option<u64>> {
        match self.get(name).map(str::parse::<u64>) {
            None => Ok(None),
            Some(Ok(n)) if n > 0 => Ok(Some(n.min(max))),
            Some(_) => Err(RestError::bad(code, format!("{name} must be a positive integer"))),
        }
    }

    /// A whole number within limits; anything else is refused.
    pub(super) fn number(&self, name: &str, low: u64, high: u64, code: u32) -> Result<Option<u64>> {
        match self.get(name).map(str::parse::<u64>) {
            None => Ok(None),
            Some(Ok(n)) if (low..=high).contains(&n) => Ok(Some(n)),
            Some(_) => Err(RestError::bad(code, format!("{name} must be {low} to {high}"))),
        }
    }

    /// One of these words; another is refused with `code`.
    pub(super) fn one_of(&self, name: &str, words: &[&str], code: u32) -> Result<Option<&'a str>> {
        match self.get(name) {
            Some(word) if !words.contains(&word) => {
                Err(RestError::bad(code, format!("{name} must be one of: {}", words.join(", "))))
            }
            word => Ok(word),
        }
    }

    /// The names sent, each once.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        let first =
            |(at, (name, _)): &(usize, &(String, String))| !self.0[..*at].iter().any(|(n, _)| n == name);
        self.0.iter().enumerate().filter(first).map(|(_, (name, _))| name.as_str())
    }

    pub(super) fn method(&self, name: &str, default: Method) -> Result<Method> {
        match self.get(name) {
            None => Ok(default),
            Some(text) => Method::parse(text)
                .ok_or_else(|| RestError::bad(21209, format!("{name} must be GET or POST"))),
        }
    }

    /// A URL with its method; a malformed URL is refused with `code`.
    pub(super) fn link(&self, url: &str, method: &str, default: Method, code: u32) -> Result<Option<Link>> {
        let Some(text) = self.get(url) else { return Ok(None) };
        match fetch_unusable(text) {
            Some(_) => Err(RestError::bad(code, format!("{url} is not a valid URL"))),
            None => Ok(Some(Link { url: text.to_owned(), method: self.method(method, default)? })),
        }
    }

    /// A callback without an event list.
    pub(super) fn plain_callback(&self, name: &str) -> Result<Option<Link>> {
        let link = self.link(name, &format!("{name}Method"), Method::Post, 21502)?;
        let host = link.as_ref().and_then(|l| l.url.split('/').nth(2)).unwrap_or_default();
        if host.contains('_') {
            return Err(RestError::bad(21502, format!("{name}: a host name has no underscores")));
        }
        Ok(link)
    }

    /// A callback with its event list. An unknown event (21626) is accepted and silences the callback altogether, as
    /// measured on Twilio; the second value says so.
    pub(super) fn callback(
        &self,
        prefix: &str,
        known: &[&str],
        default: &[&str],
    ) -> Result<(Option<Callback>, bool)> {
        let Some(link) = self.plain_callback(prefix)? else { return Ok((None, false)) };
        let mut events = self.all(&format!("{prefix}Event"));
        // Conferences' and recordings' lists come space-separated too, calls' only as repeated keys.
        if !known.contains(&"initiated") {
            events = events.iter().flat_map(|e| e.split_whitespace()).map(str::to_owned).collect();
        }
        if events.is_empty() {
            events = default.iter().map(|e| (*e).to_owned()).collect();
        }
        if events.iter().any(|e| !known.contains(&e.as_str())) {
            return Ok((None, true));
        }
        Ok((Callback::new(Some(link.url), link.method, events), false))
    }

    /// `To` and `From`, checked as Twilio does: 21201, 21213, 21211, 21212, 21210.
    pub(super) fn parties(&self, engine: &Engine) -> Result<(String, String)> {
        let to = self.get("To").ok_or_else(|| RestError::bad(21201, "No 'To' number is specified"))?;
        let from = self.get("From").ok_or_else(|| RestError::bad(21213, "No 'From' number is specified"))?;
        let invalid_to = || RestError::bad(21211, format!("The phone number {to} is not valid as 'To'"));
        let to = addresses::normalise(to).ok_or_else(invalid_to)?;
        let phone = to.starts_with('+');
        let invalid_from =
            || RestError::bad(21212, format!("The phone number {from} is not valid as 'From'"));
        let from = match addresses::normalise(from) {
            Some(address) if !phone || address.starts_with('+') => address,
            None if !phone => from.to_owned(),
            _ => return Err(invalid_from()),
        };
        if phone
            && engine.switches.unowned_from == UnownedFrom::Refused
            && !engine.numbers.contains_key(&from)
        {
            let message =
                format!("The source phone number provided, {from}, is not yet verified for your account");
            return Err(RestError::bad(21210, message));
        }
        if to == from {
            return Err(RestError::bad(21211, "'To' and 'From' cannot be the same"));
        }
        Ok((to, from))
    }
}
