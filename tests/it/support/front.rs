//! What stands before the copies of the service, as a load balancer does: it gives each request to a copy that is alive, and
//! to the next if that one breaks off. While none is, requests wait; but Twilio's callbacks are lost then, if it is to be so:
//! what Twilio repeats, it repeats at once.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use tokio::sync::watch;

/// How long a request waits for a copy: a little less than Twilio does.
const PATIENCE: Duration = Duration::from_secs(14);

/// Copies that are alive, by number, with where they listen.
type Copies = BTreeMap<usize, String>;

struct Shared {
    copies: watch::Sender<Copies>,
    http: reqwest::Client,
    loses_callbacks: bool,
    /// What was asked for once and refused, if every first try is to be.
    refused: Option<Mutex<HashSet<(String, Bytes)>>>,
}

impl Shared {
    /// Whether this is a first try that is to fail.
    fn stumbles(&self, request: &HttpRequest, body: &Bytes) -> bool {
        let asked = (request.uri().to_string(), body.clone());
        self.refused.as_ref().is_some_and(|refused| refused.lock().unwrap().insert(asked))
    }
}

/// It listens until it is dropped.
pub struct Front {
    /// Where the service stands for everybody.
    pub url: String,
    shared: Arc<Shared>,
    server: ServerHandle,
}

impl Front {
    /// With no copy behind it yet.
    pub fn open(loses_callbacks: bool) -> Self {
        Self::with(loses_callbacks, None)
    }

    /// Whatever Twilio asks for is refused once.
    pub fn stumbling() -> Self {
        Self::with(false, Some(Mutex::default()))
    }

    fn with(loses_callbacks: bool, refused: Option<Mutex<HashSet<(String, Bytes)>>>) -> Self {
        let http = warm_transfer::twilio::http_client(PATIENCE, PATIENCE).unwrap();
        let shared = Arc::new(Shared { copies: watch::Sender::default(), http, loses_callbacks, refused });
        let data = Data::from(shared.clone());
        let server =
            HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::route().to(pass)));
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, shared, server: handle }
    }

    /// Whether Twilio's callbacks are lost while no copy is alive.
    pub fn loses_callbacks(&self) -> bool {
        self.shared.loses_callbacks
    }

    /// This copy is there.
    pub fn add(&self, copy: usize, addr: String) {
        self.shared.copies.send_modify(|copies| drop(copies.insert(copy, addr)));
    }

    /// This copy is no more.
    pub fn remove(&self, copy: usize) {
        self.shared.copies.send_modify(|copies| drop(copies.remove(&copy)));
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // The order is given by the call; nobody waits for it to be carried out.
        drop(self.server.stop(false));
    }
}

async fn pass(request: HttpRequest, body: Bytes, shared: Data<Shared>) -> HttpResponse {
    let is_twilios = ["/webhooks/", "/twiml/"].iter().any(|start| request.path().starts_with(start));
    if is_twilios && shared.stumbles(&request, &body) {
        return HttpResponse::BadGateway().finish();
    }
    let may_be_lost = shared.loses_callbacks && request.path().starts_with("/webhooks/");
    let passing = async {
        let mut copies = shared.copies.subscribe();
        loop {
            let alive: Vec<String> = copies.borrow_and_update().values().cloned().collect();
            for addr in &alive {
                match forward(&shared.http, addr, &request, &body).await {
                    Ok(answer) => return answer,
                    Err(_) if may_be_lost => return HttpResponse::BadGateway().finish(),
                    Err(_) => {}
                }
            }
            if alive.is_empty() && may_be_lost {
                return HttpResponse::BadGateway().finish();
            }
            drop(copies.changed().await);
        }
    };
    let answer = tokio::time::timeout(PATIENCE, passing).await;
    answer.unwrap_or_else(|_| HttpResponse::GatewayTimeout().finish())
}

async fn forward(
    http: &reqwest::Client,
    addr: &str,
    request: &HttpRequest,
    body: &Bytes,
) -> reqwest::Result<HttpResponse> {
    let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes()).unwrap();
    let mut passed = http.request(method, format!("http://{addr}{}", request.uri())).body(body.clone());
    for (name, value) in request.headers().iter().filter(|(name, _)| *name != "host") {
        passed = passed.header(name.as_str(), value.as_bytes());
    }
    // Of a connection that was idle nobody knows whether it broke off before or after the request was taken.
    let answer = passed.header("connection", "close").send().await?;
    let status = actix_web::http::StatusCode::from_u16(answer.status().as_u16()).unwrap();
    let content_type = answer.headers().get("content-type").cloned();
    let mut given = HttpResponse::build(status);
    if let Some(content_type) = content_type {
        given.insert_header(("content-type", content_type.as_bytes()));
    }
    Ok(given.body(answer.bytes().await?))
}
