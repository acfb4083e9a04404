//! A CRM's own end of webhooks: it keeps what it gets, and answers as it is told.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::{Value, json};
use tokio::sync::watch;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// `webhook-id`
    pub id: String,
    /// `webhook-timestamp`
    pub timestamp: String,
    /// `webhook-signature`
    pub signature: String,
    /// Exactly as it came.
    pub body: String,
    /// The body, parsed.
    pub json: Value,
}

impl Received {
    /// Whose call it is about.
    pub fn call(&self) -> &str {
        self.json["data"]["call_id"].as_str().unwrap_or_default()
    }

    /// The event's position.
    pub fn position(&self) -> i64 {
        self.json["data"]["id"].as_i64().unwrap_or_default()
    }

    /// As the verifier takes it.
    pub fn for_verifier(&self, secret: &str) -> Value {
        json!({ "secret": secret, "body": self.body, "headers": {
            "webhook-id": self.id, "webhook-timestamp": self.timestamp, "webhook-signature": self.signature,
        }})
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// This status.
    Status(u16),
    /// This status, and a header.
    With(u16, &'static str, String),
    /// Nothing, ever.
    Silence,
}

type Answers = Box<dyn Fn(&Received) -> Reply + Send>;

struct Shared {
    received: watch::Sender<Vec<Received>>,
    answers: Mutex<Answers>,
}

/// It listens until it is dropped.
pub struct Receiver {
    /// Where.
    pub url: String,
    shared: Arc<Shared>,
    server: ServerHandle,
}

impl Receiver {
    /// Takes everything.
    pub fn open() -> Self {
        let shared = Arc::new(Shared {
            received: watch::Sender::default(),
            answers: Mutex::new(Box::new(|_| Reply::Status(204))),
        });
        let data = Data::from(shared.clone());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hooks?token=hush", listener.local_addr().unwrap());
        let factory = move || App::new().app_data(data.clone()).default_service(web::to(receive));
        let server = HttpServer::new(factory).workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, shared, server: handle }
    }

    /// From now on it answers like this.
    pub fn answers(&self, answers: impl Fn(&Received) -> Reply + Send + 'static) {
        *self.shared.answers.lock().unwrap() = Box::new(answers);
    }

    /// Everything so far.
    pub fn all(&self) -> Vec<Received> {
        self.shared.received.borrow().clone()
    }

    /// Waits until what it has is enough.
    pub async fn until(&self, is_enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let mut received = self.shared.received.subscribe();
        let waiting = received.wait_for(|all| is_enough(all));
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(all) => all.unwrap().clone(),
            Err(_) => panic!("waited for more than {:#?}", self.all()),
        }
    }

    /// Waits for so many requests in all.
    pub async fn count(&self, count: usize) -> Vec<Received> {
        self.until(|all| all.len() >= count).await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // The order is given by the call; nobody waits for it to be carried out.
        drop(self.server.stop(false));
    }
}

async fn receive(request: HttpRequest, body: Bytes, shared: Data<Shared>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/json");
    let body = String::from_utf8(body.to_vec()).unwrap();
    let received = Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        json: serde_json::from_str(&body).unwrap(),
        body,
    };
    let reply = (shared.answers.lock().unwrap())(&received);
    shared.received.send_modify(|all| all.push(received));
    let status = |status: u16| HttpResponse::build(status.try_into().unwrap());
    match reply {
        Reply::Status(code) => status(code).finish(),
        Reply::With(code, name, value) => status(code).insert_header((name, value)).finish(),
        Reply::Silence => std::future::pending().await,
    }
}
