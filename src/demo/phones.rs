//! What people do with their phones, through the emulator's control API.

use anyhow::bail;
use serde_json::{Value, json};

use super::stage::Part;

/// The phones of the stage.
pub struct Phones {
    http: reqwest::Client,
    base_url: String,
}

impl Phones {
    pub(super) fn new(http: reqwest::Client, base_url: String) -> Self {
        Self { http, base_url }
    }

    /// Decides what happens when the phone is rung: `answer`, `busy`, `no_answer` …, after so many milliseconds.
    ///
    /// # Errors
    /// When the emulator refuses it.
    pub async fn will(&self, part: Part, behaviour: &str, after_ms: u64) -> anyhow::Result<()> {
        self.will_in_turn(part, json!([{ "behaviour": behaviour, "after_ms": after_ms }])).await
    }

    /// The same for one call after the other: a list of plans, of which the last stays.
    ///
    /// # Errors
    /// When the emulator refuses it.
    pub async fn will_in_turn(&self, part: Part, plans: Value) -> anyhow::Result<()> {
        self.send("PUT", &format!("phones/{}", part.address), plans).await
    }

    /// The person answers now.
    ///
    /// # Errors
    /// When their phone does not ring.
    pub async fn answer(&self, part: Part) -> anyhow::Result<()> {
        self.send("POST", &format!("phones/{}/answer", part.address), json!({})).await
    }

    /// The person presses these keys now.
    ///
    /// # Errors
    /// When they are not on the phone.
    pub async fn press(&self, part: Part, digits: &str) -> anyhow::Result<()> {
        let body = json!({ "digits": digits });
        self.send("POST", &format!("phones/{}/press", part.address), body).await
    }

    /// The person hangs up now.
    ///
    /// # Errors
    /// When they are not on the phone.
    pub async fn hang_up(&self, part: Part) -> anyhow::Result<()> {
        self.send("POST", &format!("phones/{}/hang-up", part.address), json!({})).await
    }

    /// Decides what goes wrong between Twilio and the service; see `docs/emulator.md`.
    ///
    /// # Errors
    /// When the emulator refuses it.
    pub async fn faults(&self, rules: Value) -> anyhow::Result<()> {
        self.send("PUT", "faults", rules).await
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> anyhow::Result<()> {
        let url = format!("{}/emulator/{path}", self.base_url);
        let response = self.http.request(method.parse()?, &url).json(&body).send().await?;
        if !response.status().is_success() {
            bail!("{path}: {} {}", response.status(), response.text().await?);
        }
        Ok(())
    }
}
