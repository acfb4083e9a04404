//! Webhooks to the CRM, after the Standard Webhooks specification (<https://www.standardwebhooks.com>): endpoints, and one
//! durable row for each message to each of them, sent by whichever process is alive until it is taken or given up.

pub mod addresses;
pub mod forms;
pub mod models;
mod outbox;
mod schedule;
mod sender;
pub mod serializers;
pub mod services;
pub mod signing;
pub mod views;
pub mod worker;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Notify;

pub use outbox::fan_out;
pub use schedule::Schedule;
use sender::Sender;

/// How webhooks are sent.
#[derive(Debug, Clone)]
pub struct WebhookOptions {
    /// How long one attempt may take, in real time.
    pub timeout: Duration,
    /// Whether messages may go to addresses that are not public, and over plain http.
    pub allow_private_addresses: bool,
    /// Messages on their way to one endpoint at once.
    pub parallel: usize,
    /// An endpoint that has taken nothing for so long is disabled.
    pub disable_after: TimeDelta,
    /// How long settled deliveries are kept.
    pub keep: TimeDelta,
}

/// What the worker shares with the rest.
pub struct Webhooks {
    /// How they are sent.
    pub options: WebhookOptions,
    /// When they are sent again.
    pub schedule: Schedule,
    sender: Sender,
    knock: Notify,
    on_their_way: Mutex<BTreeMap<String, usize>>,
}

impl Webhooks {
    /// With nothing on its way.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub fn new(options: WebhookOptions) -> reqwest::Result<Self> {
        Ok(Self {
            sender: Sender::new(&options)?,
            schedule: Schedule { jitter: rand::random::<f64> },
            knock: Notify::new(),
            on_their_way: Mutex::default(),
            options,
        })
    }

    /// There may be something to send.
    pub fn knock(&self) {
        self.knock.notify_one();
    }

    /// How many messages are on their way to each endpoint.
    fn on_their_way(&self) -> BTreeMap<String, usize> {
        self.on_their_way.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, endpoint_id: &str, change: impl FnOnce(usize) -> usize) {
        let mut counts = self.on_their_way.lock().unwrap_or_else(PoisonError::into_inner);
        let count = change(counts.get(endpoint_id).copied().unwrap_or_default());
        if count == 0 {
            counts.remove(endpoint_id);
        } else {
            counts.insert(endpoint_id.to_owned(), count);
        }
    }
}

/// A message on its way, counted until this is dropped.
struct OnItsWay {
    app: Arc<crate::app::App>,
    endpoint_id: String,
}

impl OnItsWay {
    fn new(app: &Arc<crate::app::App>, endpoint_id: &str) -> Self {
        app.crm.webhooks.count(endpoint_id, |count| count + 1);
        Self { app: app.clone(), endpoint_id: endpoint_id.to_owned() }
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.app.crm.webhooks.count(&self.endpoint_id, |count| count.saturating_sub(1));
        self.app.crm.webhooks.knock();
    }
}
