//! What CRMs are told of what happens: the feed of events, as pages and as a stream.

pub mod feed;
pub mod forms;
pub mod kinds;
pub mod models;
pub mod serializers;
pub mod stream;
pub mod urls;
pub mod views;

use feed::{Feed, FeedOptions};

/// What this app shares with the rest.
pub struct Crm {
    /// Gives events their positions, and says what the newest is.
    pub feed: Feed,
}

impl Crm {
    /// With nobody listening yet.
    pub fn new(options: FeedOptions) -> Self {
        Self { feed: Feed::new(options) }
    }
}
