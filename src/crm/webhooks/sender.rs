//! Owns one attempt: the request, to an address that was judged, and what its answer means.

use std::error::Error;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};

use super::WebhookOptions;
use super::addresses::{PublicOnly, parse_url};
use super::outbox::{Attempt, Claimed};
use crate::twilio::http_client_with;

/// The HTTP client of webhooks: it follows no redirects, takes no proxy from the environment, and connects to what its
/// resolver has judged.
pub(super) struct Sender {
    http: reqwest::Client,
    allow_private_addresses: bool,
}

impl Sender {
    pub(super) fn new(options: &WebhookOptions) -> reqwest::Result<Self> {
        let is_open = options.allow_private_addresses;
        let http = http_client_with(options.timeout, options.timeout, |builder| {
            if is_open { builder } else { builder.dns_resolver(Arc::new(PublicOnly)) }
        })?;
        Ok(Self { http, allow_private_addresses: is_open })
    }

    /// Sends the message once.
    pub(super) async fn send(&self, claimed: &Claimed, now: DateTime<Utc>) -> Attempt {
        let Claimed { delivery, endpoint } = claimed;
        // Addresses that need no resolving pass the resolver by, and the setting may have changed.
        let url = match parse_url(&endpoint.url, self.allow_private_addresses) {
            Ok(url) => url,
            Err(reason) => return refused(None, format!("the URL {reason}")),
        };
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &delivery.message_id)
            .header("webhook-timestamp", now.timestamp())
            .header("webhook-signature", endpoint.secrets.sign(now, &delivery.message_id, &delivery.body))
            .body(delivery.body.clone());
        match request.send().await {
            Ok(answer) => understood(&answer, now),
            Err(error) => refused(None, reason(&error)),
        }
    }
}

fn refused(status: Option<u16>, error: String) -> Attempt {
    Attempt::Refused { status, error, retry_after: None }
}

/// What the receiver says; its body is not read.
fn understood(answer: &reqwest::Response, now: DateTime<Utc>) -> Attempt {
    let status = answer.status();
    if status.is_success() {
        return Attempt::Taken(status.as_u16());
    }
    if status == StatusCode::GONE {
        return Attempt::Gone;
    }
    let is_asking = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE;
    let asked = answer.headers().get(RETRY_AFTER).filter(|_| is_asking).and_then(|value| value.to_str().ok());
    let retry_after = asked.and_then(|text| wait_asked(text, now));
    Attempt::Refused { status: Some(status.as_u16()), error: format!("HTTP {status}"), retry_after }
}

/// `Retry-After`: seconds, or a date.
fn wait_asked(text: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    if let Ok(secs) = text.trim().parse::<u32>() {
        return Some(TimeDelta::seconds(secs.into()));
    }
    DateTime::parse_from_rfc2822(text.trim()).ok().map(|at| at.to_utc() - now)
}

/// The last cause in words, which says most, without the URL, whose query may hold a secret.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".into();
    }
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let words = if error.source().is_some() { cause.to_string() } else { "it could not be sent".into() };
    words.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").unwrap().to_utc();
        let asked = |text| wait_asked(text, now).map(|wait| wait.num_seconds());
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked("Sat, 21 Nov 2026 12:05:00 GMT"), Some(300));
        assert_eq!(asked("Sat, 21 Nov 2026 11:55:00 GMT"), Some(-300));
        assert_eq!(asked("soon"), None);
        assert_eq!(asked("-5"), None);
    }
}
