//! Owns what goes wrong on purpose, by one seed: REST requests and webhooks that are slow, lost, doubled or broken, legs
//! that lose their sound or die, reads that lag behind.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::Engine;
use super::calls::{CallId, EndedBy, Status};
use super::timers::Timer;

/// A probability: `true`, `false`, or a number from 0 to 1.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum Chance {
    Certain(bool),
    Sometimes(f64),
}

/// Milliseconds: a number, or the two ends of a range.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum Delay {
    Fixed(u64),
    Between(u64, u64),
}

/// What may happen to REST requests that match.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestRule {
    /// A glob on `METHOD path`.
    #[serde(rename = "match")]
    pattern: String,
    latency_ms: Option<Delay>,
    status: Option<u16>,
    reset: Option<Chance>,
    /// No answer at all for so long, in milliseconds; then the connection is closed.
    hang_ms: Option<Delay>,
    /// Seconds of the `Retry-After` header of an error.
    retry_after_s: Option<u64>,
    /// How often it happens; by default always.
    chance: Option<Chance>,
    /// The request does its work first, and only its answer goes wrong.
    #[serde(default)]
    after_effect: bool,
    /// How many matching requests; by default all.
    times: Option<u32>,
}

/// What may happen to webhooks that match.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookRule {
    /// A glob on the path.
    #[serde(rename = "match")]
    pattern: String,
    drop: Option<Chance>,
    duplicate: Option<Chance>,
    delay_ms: Option<Delay>,
    /// Comes a little later, so that the next one may overtake it.
    reorder: Option<Chance>,
    bad_signature: Option<Chance>,
    times: Option<u32>,
}

/// What may happen to legs that match, counted from their answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LegRule {
    /// A glob on the person's address.
    #[serde(rename = "match")]
    pattern: String,
    /// The sound is gone, both ways …
    cut_after_ms: Option<Delay>,
    /// … for so long; by default for good.
    cut_for_ms: Option<Delay>,
    /// The leg is gone, and no status callback says so.
    die_after_ms: Option<Delay>,
    /// How often it happens; by default always.
    chance: Option<Chance>,
    times: Option<u32>,
}

/// The body of `PUT /emulator/faults`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultRules {
    seed: u64,
    rest: Vec<RestRule>,
    webhooks: Vec<WebhookRule>,
    legs: Vec<LegRule>,
    /// `GET` of a call shows what was so long ago. Twilio's is eventually consistent.
    stale_get_ms: u64,
}

/// What happens to one REST request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RestFault {
    pub(crate) latency_ms: u64,
    pub(crate) status: Option<u16>,
    pub(crate) reset: bool,
    pub(crate) hang_ms: u64,
    pub(crate) retry_after_s: Option<u64>,
    pub(crate) after_effect: bool,
}

impl RestFault {
    /// Whether the client does not get the answer it should.
    pub(crate) fn is_broken(&self) -> bool {
        self.reset || self.hang_ms > 0 || self.status.is_some()
    }
}

/// What happens to one webhook.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct WebhookFault {
    pub(super) drop: bool,
    pub(super) duplicate: bool,
    pub(super) bad_signature: bool,
    pub(super) delay_ms: u64,
}

/// The rules in force, and their dice.
pub(crate) struct Faults {
    rules: FaultRules,
    rng: StdRng,
}

impl Default for Faults {
    fn default() -> Self {
        Self::new(FaultRules::default())
    }
}

/// So much later comes a webhook that the next one may overtake.
const OVERTAKEN_MS: u64 = 1_500;

impl Faults {
    pub(super) fn new(rules: FaultRules) -> Self {
        Self { rng: StdRng::seed_from_u64(rules.seed), rules }
    }

    /// As they were given; `times` is what is left.
    pub(crate) fn rules(&self) -> &FaultRules {
        &self.rules
    }

    /// The first rule that matches and is not used up decides.
    pub(crate) fn rest(&mut self, method: &str, path: &str) -> RestFault {
        let subject = format!("{method} {path}");
        let rule = self.rules.rest.iter_mut().find(|r| glob(&r.pattern, &subject) && r.times != Some(0));
        let Some(rule) = rule else { return RestFault::default() };
        if !happens(&mut self.rng, rule.chance.or(Some(Chance::Certain(true)))) {
            return RestFault::default();
        }
        rule.times = rule.times.map(|n| n - 1);
        RestFault {
            latency_ms: drawn(&mut self.rng, rule.latency_ms),
            status: rule.status,
            reset: happens(&mut self.rng, rule.reset),
            hang_ms: drawn(&mut self.rng, rule.hang_ms),
            retry_after_s: rule.retry_after_s,
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
            bad_signature: happens(&mut self.rng, rule.bad_signature),
            delay_ms: match happens(&mut self.rng, rule.reorder) {
                true => self.rng.random_range(1..=OVERTAKEN_MS) + drawn(&mut self.rng, rule.delay_ms),
                false => drawn(&mut self.rng, rule.delay_ms),
            },
        }
    }

    /// When the leg loses its sound and for how long, and when it dies.
    fn leg(&mut self, address: &str) -> (Option<(u64, Option<u64>)>, Option<u64>) {
        let rule = self.rules.legs.iter_mut().find(|r| glob(&r.pattern, address) && r.times != Some(0));
        let Some(rule) = rule else { return (None, None) };
        if !happens(&mut self.rng, rule.chance.or(Some(Chance::Certain(true)))) {
            return (None, None);
        }
        rule.times = rule.times.map(|n| n - 1);
        let mut draw = |delay: Option<Delay>| delay.map(|d| drawn(&mut self.rng, Some(d)));
        let length = draw(rule.cut_for_ms);
        (draw(rule.cut_after_ms).map(|after| (after, length)), draw(rule.die_after_ms))
    }
}

impl Engine {
    /// Replaces what goes wrong on purpose, and its dice.
    pub fn set_faults(&mut self, rules: FaultRules) {
        self.faults = Faults::new(rules);
    }

    /// A leg was answered: what will become of it.
    pub(super) fn schedule_leg_faults(&mut self, id: CallId) {
        let address = self.calls[id].person().to_owned();
        let (cut, dies) = self.faults.leg(&address);
        if let Some((after, length)) = cut {
            let from = self.now_ms.saturating_add(after);
            self.timers.at(from, Timer::Cut(id, true));
            if let Some(length) = length {
                self.timers.at(from.saturating_add(length), Timer::Cut(id, false));
            }
        }
        if let Some(after) = dies {
            self.timers.at(self.now_ms.saturating_add(after), Timer::Die(id));
        }
    }

    pub(super) fn cut_media(&mut self, id: CallId, cut: bool) {
        if self.calls[id].is_live() {
            self.calls[id].cut = cut;
            self.touch(id);
        }
    }

    /// The leg is gone, and its status callback never says so.
    pub(super) fn die(&mut self, id: CallId) {
        self.calls[id].mute_callbacks = true;
        self.end_call(id, Status::Completed, EndedBy::Twilio);
    }

    /// The status that a `GET` shows: what it was a while ago, if reads lag behind.
    pub(crate) fn shown_status(&self, id: CallId) -> Status {
        let call = &self.calls[id];
        let at = self.now_ms.saturating_sub(self.faults.rules.stale_get_ms);
        let then = call.statuses.iter().rev().find(|(since, _)| *since <= at).or(call.statuses.first());
        then.map_or(call.status, |(_, status)| *status)
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
