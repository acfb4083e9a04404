//! What CRMs are told of what happens: the feed of events, as pages and as a stream, and webhooks.

pub mod feed;
pub mod forms;
pub mod kinds;
pub mod models;
pub mod serializers;
pub mod stream;
pub mod urls;
pub mod views;
pub mod webhooks;

use feed::{Feed, FeedOptions};
use webhooks::{WebhookOptions, Webhooks};

/// What this app shares with the rest.
pub struct Crm {
    /// Gives events their positions, and says what the newest is.
    pub feed: Feed,
    /// Sends webhooks.
    pub webhooks: Webhooks,
}

impl Crm {
    /// With nobody listening yet.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub fn new(feed: FeedOptions, webhooks: WebhookOptions) -> reqwest::Result<Self> {
        Ok(Self { feed: Feed::new(feed), webhooks: Webhooks::new(webhooks)? })
    }
}
