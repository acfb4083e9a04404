//! The stream of what happens, as a client on the network reads it.

use std::time::Duration;

use reqwest::Response;

use super::support::{AGENT, Application, NUMBER, Twilio};

/// One open stream, message after message.
struct Reader {
    response: Response,
    text: String,
}

#[derive(Debug)]
struct Message {
    event: String,
    id: String,
    data: serde_json::Value,
}

impl Reader {
    async fn open(twilio: &Twilio, last_event_id: &str) -> Self {
        let request =
            twilio.client.get(twilio.url("/emulator/stream")).header("Last-Event-ID", last_event_id);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    async fn next(&mut self) -> Message {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    message.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default().to_owned()
                };
                let data = serde_json::from_str(&field("data: ")).unwrap();
                let message = Message { event: field("event: "), id: field("id: "), data };
                self.text = rest.to_owned();
                return message;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk()).await;
            self.text.push_str(std::str::from_utf8(&chunk.unwrap().unwrap().unwrap()).unwrap());
        }
    }

    /// The next message of that name, the others skipped.
    async fn next_of(&mut self, event: &str) -> Message {
        loop {
            let message = self.next().await;
            if message.event == event {
                return message;
            }
        }
    }
}

#[tokio::test]
async fn a_reader_is_told_what_happens_and_goes_on_where_it_was() {
    let twilio = Twilio::start().await;
    let app = Application::start();
    app.twiml("/start", "<Say>hello</Say><Pause length=\"60\"/>");
    let mut reader = Reader::open(&twilio, "").await;
    assert_eq!(reader.next().await.event, "snapshot");
    let start = format!("{}/start", app.url);
    twilio.rest("Calls", &[("To", AGENT), ("From", NUMBER), ("Url", &start)]).await;
    let request = reader.next_of("request").await;
    assert_eq!((request.data["status"].as_u64(), request.data["event"].as_u64()), (Some(201), Some(2)));

    // Whoever comes back is told the rest: the document, who hears it, the webhook with its answer.
    twilio.emulator.advance(5_000).await;
    let mut reader = Reader::open(&twilio, &request.id).await;
    let asked = reader.next_of("timeline").await;
    assert!(asked.data["index"].as_u64() <= Some(3), "{asked:?}");
    let ran = reader.next_of("twiml").await;
    assert!(ran.data["twiml"].as_str().unwrap().contains("hello"), "{ran:?}");
    let heard = reader.next_of("audibility").await;
    assert_eq!(heard.data["address"], AGENT);
    let webhook = reader.next_of("webhook").await;
    let events = twilio.emulator.timeline();
    let event = events.iter().find(|e| e.data.contains_key("webhook")).unwrap();
    assert_eq!(event.data["webhook"], webhook.data["id"].to_string());
    let phones = reader.next_of("phones").await;
    assert_eq!(phones.data[0]["legs"][0]["status"], "in-progress");

    twilio.control("POST", "reset", "").await;
    assert_eq!(reader.next_of("reset").await.data, serde_json::json!({}));
    let snapshot = reader.next().await;
    assert_eq!((snapshot.event.as_str(), &snapshot.data["phones"]), ("snapshot", &serde_json::json!([])));
}

#[tokio::test]
async fn the_present_can_be_asked_for_too() {
    let twilio = Twilio::start().await;
    twilio.control("PUT", "phones/+15550100001", r#"{"behaviour":"manual"}"#).await;
    twilio.control("PUT", "numbers/+15550100000", r#"{"voice_url":"http://127.0.0.1:1/"}"#).await;
    twilio.control("PUT", "faults", r#"{"stale_get_ms":5}"#).await;
    for (path, pointer, expected) in [
        ("phones", "/phones/0/plans/0/behaviour", serde_json::json!("manual")),
        ("numbers", "/numbers/0/number", serde_json::json!(NUMBER)),
        ("faults", "/stale_get_ms", serde_json::json!(5)),
        ("conferences", "/conferences", serde_json::json!([])),
    ] {
        let (status, answer) = twilio.control("GET", path, "").await;
        assert_eq!((status, answer.pointer(pointer)), (200, Some(&expected)), "{path} {answer}");
    }
}
