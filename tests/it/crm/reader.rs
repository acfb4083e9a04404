//! A client of the stream, as far as the standard goes: messages, ids, comments.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use crate::support::service::TestService;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// One open stream.
pub struct Reader {
    response: Response,
    text: String,
    /// Of the last message.
    pub last_id: i64,
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// `id:`
    pub id: i64,
    /// `event:`
    pub event: String,
    /// `data:`
    pub data: Value,
}

impl Reader {
    /// Opens the feed from now on; its first message has been read.
    pub async fn open(service: &TestService, key: &str, query: &str) -> Self {
        let mut reader = Self::send(feed(service, key, query)).await;
        assert_eq!(reader.next().await.unwrap().event, "ready");
        reader
    }

    /// Opens the feed where another reader of it was.
    pub async fn resume(service: &TestService, key: &str, last_id: i64) -> Self {
        let mut reader = Self::send(feed(service, key, "").header("Last-Event-ID", last_id)).await;
        let first = reader.next().await.unwrap();
        assert_eq!((first.event.as_str(), first.id), ("ready", last_id));
        reader
    }

    /// Sends what must be answered by a stream.
    pub async fn send(request: RequestBuilder) -> Self {
        let response = request.timeout(Duration::from_secs(30)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{response:?}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new(), last_id: 0 }
    }

    /// The next line; nothing when the stream has ended as it should.
    pub async fn line(&mut self) -> Option<String> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let line = line.to_owned();
                self.text = rest.to_owned();
                return Some(line);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("something comes");
            self.text.push_str(std::str::from_utf8(&chunk.expect("it ends in good order")?).unwrap());
        }
    }

    /// The next message.
    pub async fn next(&mut self) -> Option<Message> {
        let mut message = Message { id: 0, event: String::new(), data: Value::Null };
        loop {
            let line = self.line().await?;
            match line.split_once(": ").unwrap_or_default() {
                ("id", id) => message.id = id.parse().unwrap(),
                ("event", event) => message.event = event.to_owned(),
                ("data", data) => message.data = serde_json::from_str(data).unwrap(),
                _ if line.is_empty() => break,
                _ => assert!(line.starts_with(':') || line.starts_with("retry: "), "{line}"),
            }
        }
        self.last_id = message.id;
        Some(message)
    }

    /// So many more.
    pub async fn take(&mut self, count: usize) -> Vec<Message> {
        let mut messages = vec![];
        while messages.len() < count {
            messages.push(self.next().await.expect("the stream goes on"));
        }
        messages
    }
}

/// A request for the feed.
pub fn feed(service: &TestService, key: &str, query: &str) -> RequestBuilder {
    service.request("GET", &format!("/api/v1/events{query}")).bearer_auth(key)
}
