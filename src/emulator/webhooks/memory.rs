//! Owns what Twilio's HTTP client remembers: cookies for the length of a call, and answers to GET with their validators.
//! <https://www.twilio.com/docs/voice/twiml#cookies>

use std::collections::{BTreeMap, VecDeque};

use url::Url;

/// So many calls' cookies, and cookies of one call, are kept.
const CALLS: usize = 10_000;
const COOKIES: usize = 50;
/// So many answers are kept.
const ANSWERS: usize = 500;

#[derive(Debug, Clone)]
struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
}

/// Cookies by call.
#[derive(Debug, Default)]
pub(super) struct Cookies {
    jars: BTreeMap<String, Vec<Cookie>>,
    order: VecDeque<String>,
}

impl Cookies {
    /// The `Cookie` header for a request of this call.
    pub(super) fn header(&self, call: &str, url: &Url) -> Option<String> {
        let host = url.host_str()?;
        let fits = |c: &&Cookie| c.host == host && url.path().starts_with(&c.path);
        let pairs: Vec<String> =
            self.jars.get(call)?.iter().filter(fits).map(|c| format!("{}={}", c.name, c.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Takes one `Set-Cookie` header.
    pub(super) fn take(&mut self, call: &str, url: &Url, header: &str) {
        let Some(host) = url.host_str() else { return };
        let mut parts = header.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let (mut path, mut gone) = ("/", false);
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            match key.to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => path = value,
                "max-age" => gone = value.trim().parse::<i64>().is_ok_and(|seconds| seconds <= 0),
                _ => {}
            }
        }
        if !self.jars.contains_key(call) {
            self.order.push_back(call.to_owned());
            if self.order.len() > CALLS
                && let Some(oldest) = self.order.pop_front()
            {
                self.jars.remove(&oldest);
            }
        }
        let jar = self.jars.entry(call.to_owned()).or_default();
        jar.retain(|c| c.host != host || c.name != name.trim() || c.path != path);
        if !gone && jar.len() < COOKIES {
            jar.push(Cookie {
                host: host.to_owned(),
                path: path.to_owned(),
                name: name.trim().to_owned(),
                value: value.trim().to_owned(),
            });
        }
    }
}

/// An answer to a GET that may be used again if the server says that nothing has changed.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) etag: Option<String>,
    pub(super) modified: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Answers by URL.
#[derive(Debug, Default)]
pub(super) struct Answers {
    kept: BTreeMap<String, Kept>,
    order: VecDeque<String>,
}

impl Answers {
    pub(super) fn get(&self, url: &Url) -> Option<Kept> {
        self.kept.get(url.as_str()).cloned()
    }

    pub(super) fn keep(&mut self, url: &Url, answer: Kept) {
        if self.kept.insert(url.to_string(), answer).is_none() {
            self.order.push_back(url.to_string());
        }
        if self.order.len() > ANSWERS
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn cookies_belong_to_one_call_one_host_and_one_path() {
        let mut cookies = Cookies::default();
        let app = url("http://app.example.com/voice/start");
        cookies.take("CA1", &app, "session=a; Path=/voice; HttpOnly");
        cookies.take("CA1", &app, "step=1");
        cookies.take("CA1", &app, "step=2");
        assert_eq!(cookies.header("CA1", &app).as_deref(), Some("session=a; step=2"));
        assert_eq!(cookies.header("CA1", &url("http://app.example.com/x")).as_deref(), Some("step=2"));
        assert_eq!(cookies.header("CA1", &url("http://other.example.com/voice/")), None);
        assert_eq!(cookies.header("CA2", &app), None);
        cookies.take("CA1", &app, "step=; Max-Age=0");
        assert_eq!(cookies.header("CA1", &app).as_deref(), Some("session=a"));
    }
}
