//! A scripted application for the emulator to call, and clients of both its APIs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::Value;
use warm_transfer::emulator::{self, ClockMode, Emulator, EmulatorOptions, Heard};

pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub const TOKEN: &str = "test_auth_token_0123456789abcdef";
pub const AGENT: &str = "+15550100001";
pub const CUSTOMER: &str = "+15550100002";
pub const SECOND: &str = "+15550100003";
pub const NUMBER: &str = "+15550100000";

/// One request as the application saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub params: BTreeMap<String, String>,
    pub signature: String,
    pub token: String,
}

#[derive(Default)]
struct Script {
    answers: Mutex<BTreeMap<String, String>>,
    seen: Mutex<Vec<Seen>>,
}

/// An application on a port of its own, that answers each path with fixed verbs.
pub struct Application {
    pub url: String,
    script: Arc<Script>,
    handle: ServerHandle,
}

impl Application {
    pub fn start() -> Self {
        let script = Arc::new(Script::default());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let data = Data::new(script.clone());
        let server = HttpServer::new(move || {
            App::new().app_data(data.clone()).default_service(web::route().to(answer))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, script, handle }
    }

    pub fn twiml(&self, path: &str, verbs: &str) {
        let document = format!("<Response>{verbs}</Response>");
        self.script.answers.lock().unwrap().insert(path.to_owned(), document);
    }

    pub fn seen(&self, path: &str) -> Vec<Seen> {
        self.script.seen.lock().unwrap().iter().filter(|s| s.path == path).cloned().collect()
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn answer(request: HttpRequest, body: Bytes, script: Data<Arc<Script>>) -> HttpResponse {
    let header =
        |name: &str| request.headers().get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    let raw = if request.method() == "GET" { request.query_string().as_bytes() } else { &body };
    script.seen.lock().unwrap().push(Seen {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        params: url::form_urlencoded::parse(raw).into_owned().collect(),
        signature: header("X-Twilio-Signature"),
        token: header("I-Twilio-Idempotency-Token"),
    });
    match script.answers.lock().unwrap().get(request.path()) {
        Some(document) => HttpResponse::Ok().content_type("text/xml").body(document.clone()),
        None => HttpResponse::NoContent().finish(),
    }
}

/// An emulator on virtual time, with clients of its two APIs.
pub struct Twilio {
    pub emulator: Emulator,
    pub client: reqwest::Client,
}

impl Twilio {
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub async fn with(change: impl FnOnce(&mut EmulatorOptions)) -> Self {
        let mut options = EmulatorOptions::new(ACCOUNT.parse().unwrap(), TOKEN);
        options.clock = ClockMode::Virtual;
        change(&mut options);
        let emulator = emulator::start(options).await.unwrap();
        Self { emulator, client: reqwest::Client::builder().build().unwrap() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.emulator.base_url())
    }

    pub fn rest_url(&self, path: &str) -> String {
        self.url(&format!("/2010-04-01/Accounts/{ACCOUNT}/{path}.json"))
    }

    pub async fn rest(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let request = self.client.post(self.rest_url(path)).basic_auth(ACCOUNT, Some(TOKEN)).form(form);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
    }

    pub async fn read(&self, path: &str, query: &str) -> (u16, Value) {
        let url = format!("{}{query}", self.rest_url(path));
        let response = self.client.get(url).basic_auth(ACCOUNT, Some(TOKEN)).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub async fn control(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request =
            self.client.request(method, self.url(&format!("/emulator/{path}"))).body(body.to_owned());
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    /// Whom, or what, somebody hears now.
    pub fn hears(&self, address: &str) -> Vec<String> {
        let people = self.emulator.audibility().people;
        let person = people.into_iter().find(|p| p.address == address).unwrap();
        let who = |heard: &Heard| match heard {
            Heard::Person { who } => who.clone(),
            other => format!("{other:?}"),
        };
        person.spans.last().unwrap().hears.iter().map(who).collect()
    }
}
