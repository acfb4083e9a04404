//! What a CRM does: asks over REST with its key, and waits until a call is as it should be.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::stage::CUSTOMER;
use crate::copies::Changed;

/// How long, in real time, any one thing may take to happen.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to trust that no change was missed.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A client of the service's API.
pub struct Crm {
    http: reqwest::Client,
    base_url: String,
    key: String,
    /// Says when looking is worth while.
    changed: broadcast::Sender<Changed>,
}

impl Crm {
    pub(super) fn new(
        http: reqwest::Client,
        base_url: String,
        key: String,
        changed: broadcast::Sender<Changed>,
    ) -> Self {
        Self { http, base_url, key, changed }
    }

    pub(super) fn watch(&mut self, changed: broadcast::Sender<Changed>) {
        self.changed = changed;
    }

    /// The same CRM, which reaches the service by another address.
    pub fn at(&self, base_url: String) -> Self {
        Self { http: self.http.clone(), base_url, key: self.key.clone(), changed: self.changed.clone() }
    }

    /// Where the service is.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The key it presents.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Sends one request; gives status and body.
    ///
    /// # Errors
    /// When there is no answer, or one that is not JSON.
    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<(u16, Value)> {
        let request =
            self.http.request(method.parse()?, format!("{}{path}", self.base_url)).bearer_auth(&self.key);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).with_context(|| format!("{status}: {text}"))?))
    }

    /// Asks for a call of the first agent to the customer; gives its id.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn place(&self, ring_timeout_secs: u32) -> anyhow::Result<String> {
        self.place_on(None, ring_timeout_secs).await
    }

    /// The same, with customer and agent joined in this way.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn place_on(&self, bridge: Option<&str>, ring_timeout_secs: u32) -> anyhow::Result<String> {
        let body = json!({
            "agent": "agent:alice", "customer": CUSTOMER.address, "external_id": "demo", "bridge": bridge,
            "ring_timeout_secs": ring_timeout_secs,
        });
        match self.send("POST", "/api/v1/calls", Some(body)).await? {
            (201, call) => Ok(call["id"].as_str().context("a call without an id")?.to_owned()),
            (status, problem) => bail!("the call was refused: {status} {problem}"),
        }
    }

    /// Asks something of a call that must be accepted: `transfer`, `transfer/cancel`, `hangup` …
    ///
    /// # Errors
    /// When it is refused.
    pub async fn ask(&self, call: &str, action: &str, body: Option<Value>) -> anyhow::Result<()> {
        match self.send("POST", &format!("/api/v1/calls/{call}/{action}"), body).await? {
            (202, _) => Ok(()),
            (status, problem) => bail!("{action} was refused: {status} {problem}"),
        }
    }

    /// The call as it is.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn call(&self, call: &str) -> anyhow::Result<Value> {
        Ok(self.send("GET", &format!("/api/v1/calls/{call}"), None).await?.1)
    }

    /// The call's timeline.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn events(&self, call: &str) -> anyhow::Result<Vec<Value>> {
        let (_, page) = self.send("GET", &format!("/api/v1/calls/{call}/events?limit=200"), None).await?;
        Ok(page["events"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until the call is as it should be.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn wait(
        &self,
        call: &str,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let mut changed = self.changed.subscribe();
        let looking = async {
            loop {
                let now = self.call(call).await?;
                if is_so(&now) {
                    return Ok(now);
                }
                drop(tokio::time::timeout(LOOK_AGAIN, changed.recv()).await);
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(found) => found,
            Err(_) => bail!("waited too long until {what}; the call is {}", self.call(call).await?),
        }
    }

    /// Waits for a status of the call.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn wait_for_status(&self, call: &str, status: &str) -> anyhow::Result<Value> {
        self.wait(call, &format!("the call is {status}"), |call| call["status"] == status).await
    }

    /// Waits for a status of the call's last transfer.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn wait_for_transfer(&self, call: &str, status: &str) -> anyhow::Result<Value> {
        let last = |call: &Value| call["transfers"].as_array().and_then(|list| list.last().cloned());
        let is_so = |call: &Value| last(call).is_some_and(|transfer| transfer["status"] == status);
        self.wait(call, &format!("the transfer is {status}"), is_so).await
    }
}
