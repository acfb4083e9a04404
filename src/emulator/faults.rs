//! Owns what goes wrong on purpose: which REST requests and webhooks are slow, lost, doubled or broken, by one seed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;

/// A probability: `true`, `false`, or a number from 0 to 1.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Chance {
    Certain(bool),
    Sometimes(f64),
}

/// Milliseconds: a number, or the two ends of a range.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Delay {
    Fixed(u64),
    Between(u64, u64),
}

/// What may happen to REST requests that match.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestRule {
    /// A glob on `METHOD path`.
    #[serde(rename = "match")]
    pattern: String,
    latency_ms: Option<Delay>,
    status: Option<u16>,
    reset: Option<Chance>,
    /// The request does its work first, and only its answer goes wrong.
    #[serde(default)]
    after_effect: bool,
    /// How many matching requests; by default all.
    times: Option<u32>,
}

/// What may happen to webhooks that match.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookRule {
    /// A glob on the path.
    #[serde(rename = "match")]
    pattern: String,
    drop: Option<Chance>,
    duplicate: Option<Chance>,
    delay_ms: Option<Delay>,
    times: Option<u32>,
}

/// The body of `PUT /emulator/faults`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FaultRules {
    seed: u64,
    rest: Vec<RestRule>,
    webhooks: Vec<WebhookRule>,
}

/// What happens to one REST request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct RestFault {
    pub(super) latency_ms: u64,
    pub(super) status: Option<u16>,
    pub(super) reset: bool,
    pub(super) after_effect: bool,
}

/// What happens to one webhook.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct WebhookFault {
    pub(super) drop: bool,
    pub(super) duplicate: bool,
    pub(super) delay_ms: u64,
}

/// The rules in force, and their dice.
pub(super) struct Faults {
    rules: FaultRules,
    rng: StdRng,
}

impl Faults {
    pub(super) fn new(rules: FaultRules) -> Self {
        Self { rng: StdRng::seed_from_u64(rules.seed), rules }
    }

    /// The first rule that matches and is not used up decides.
    pub(super) fn rest(&mut self, method: &str, path: &str) -> RestFault {
        let subject = format!("{method} {path}");
        let rule = self.rules.rest.iter_mut().find(|r| glob(&r.pattern, &subject) && r.times != Some(0));
        let Some(rule) = rule else { return RestFault::default() };
        rule.times = rule.times.map(|n| n - 1);
        RestFault {
            latency_ms: drawn(&mut self.rng, rule.latency_ms),
            status: rule.status,
            reset: happens(&mut self.rng, rule.reset),
            after_effect: rule.after_effect,
        }
    }

    /// The first rule that matches and is not used up decides.
    pub(super) fn webhook(&mut self, path: &str) -> WebhookFault {
        let rule = self.rules.webhooks.iter_mut().find(|r| glob(&r.pattern, path) && r.times != Some(0));
        let Some(rule) = rule else { return WebhookFault::default() };
        rule.times = rule.times.map(|n| n - 1);
        WebhookFault {
            drop: happens(&mut self.rng, rule.drop),
            duplicate: happens(&mut self.rng, rule.duplicate),
            delay_ms: drawn(&mut self.rng, rule.delay_ms),
        }
    }
}

fn happens(rng: &mut StdRng, chance: Option<Chance>) -> bool {
    match chance {
        None => false,
        Some(Chance::Certain(certain)) => certain,
        Some(Chance::Sometimes(p)) => rng.random_bool(if p.is_finite() { p.clamp(0.0, 1.0) } else { 0.0 }),
    }
}

fn drawn(rng: &mut StdRng, delay: Option<Delay>) -> u64 {
    match delay {
        None => 0,
        Some(Delay::Fixed(ms)) => ms,
        Some(Delay::Between(low, high)) => rng.random_range(low..=high.max(low)),
    }
}

/// `*` stands for any characters, slashes too. Linear in practice: it never goes back past the last `*`.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_matches_any_characters_with_its_star() {
        for (pattern, text, expected) in [
            ("POST */Calls.json", "POST /2010-04-01/Accounts/AC1/Calls.json", true),
            ("POST */Calls.json", "GET /2010-04-01/Accounts/AC1/Calls.json", false),
            ("POST */Calls.json", "POST /2010-04-01/Accounts/AC1/Calls/CA1.json", false),
            ("/webhooks/*", "/webhooks/call-status", true),
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_rule_is_used_as_often_as_it_says_and_the_seed_decides() {
        let rules = r#"{"seed": 7, "rest": [{"match": "POST *", "status": 503, "times": 2}],
            "webhooks": [{"match": "/w/*", "drop": 0.5, "delay_ms": [1, 9]}]}"#;
        let rules: FaultRules = serde_json::from_str(rules).unwrap();
        let mut faults = Faults::new(rules.clone());
        let statuses: Vec<_> = (0..3).map(|_| faults.rest("POST", "/x").status).collect();
        assert_eq!(statuses, [Some(503), Some(503), None]);
        let draw = |rules| {
            let mut faults = Faults::new(rules);
            (0..50).map(|_| faults.webhook("/w/1")).collect::<Vec<_>>()
        };
        assert_eq!(draw(rules.clone()), draw(rules));
    }
}
