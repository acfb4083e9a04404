//! Where a story can be played: on the stage, over HTTP and in real time, or in a recording's virtual time. The story is the
//! same.

use serde_json::{Value, json};

use super::stage::{Part, Stage};

/// What a story needs.
pub(crate) trait Theatre {
    /// What a phone does, one call after the other: a list of plans, of which the last stays.
    async fn will_in_turn(&self, part: Part, plans: Value) -> anyhow::Result<()>;

    /// The person hangs up now.
    async fn hang_up(&self, part: Part) -> anyhow::Result<()>;

    /// Asks for a call of the first agent to the customer; gives its id.
    async fn place_on(&self, bridge: Option<&str>, ring_timeout_secs: u32) -> anyhow::Result<String>;

    /// Asks something of a call that must be accepted.
    async fn ask(&self, call: &str, action: &str, body: Option<Value>) -> anyhow::Result<()>;

    /// Waits until the call is as it should be.
    async fn wait(&self, call: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value>;

    /// Lets the people talk for so many seconds.
    async fn pass(&self, secs: f64);

    /// Decides what happens when the phone is rung.
    async fn will(&self, part: Part, behaviour: &str, after_ms: u64) -> anyhow::Result<()> {
        self.will_in_turn(part, json!([{ "behaviour": behaviour, "after_ms": after_ms }])).await
    }

    /// Waits for a status of the call.
    async fn wait_for_status(&self, call: &str, status: &str) -> anyhow::Result<Value> {
        self.wait(call, &format!("the call is {status}"), |call| call["status"] == status).await
    }

    /// Waits for a status of the call's last transfer.
    async fn wait_for_transfer(&self, call: &str, status: &str) -> anyhow::Result<Value> {
        let last = |call: &Value| call["transfers"].as_array().and_then(|list| list.last().cloned());
        let is_so = |call: &Value| last(call).is_some_and(|transfer| transfer["status"] == status);
        self.wait(call, &format!("the transfer is {status}"), is_so).await
    }
}

impl Theatre for Stage {
    async fn will_in_turn(&self, part: Part, plans: Value) -> anyhow::Result<()> {
        self.phones.will_in_turn(part, plans).await
    }

    async fn hang_up(&self, part: Part) -> anyhow::Result<()> {
        self.phones.hang_up(part).await
    }

    async fn place_on(&self, bridge: Option<&str>, ring_timeout_secs: u32) -> anyhow::Result<String> {
        self.crm.place_on(bridge, ring_timeout_secs).await
    }

    async fn ask(&self, call: &str, action: &str, body: Option<Value>) -> anyhow::Result<()> {
        self.crm.ask(call, action, body).await
    }

    async fn wait(&self, call: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        self.crm.wait(call, what, is_so).await
    }

    async fn pass(&self, secs: f64) {
        Stage::pass(self, secs).await;
    }
}
