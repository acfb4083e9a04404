//! A load balancer of the simplest kind: each request goes to the next copy, whoever asks and whatever about.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use warm_transfer::twilio::http_client;

/// What belongs to one connection and not to the request or its answer.
const OF_THE_CONNECTION: [&str; 4] = ["host", "connection", "content-length", "transfer-encoding"];

/// Runs until it is stopped.
pub struct Balancer {
    /// `http://127.0.0.1:…`
    pub url: String,
    listener: TcpListener,
}

struct Targets {
    http: reqwest::Client,
    urls: Vec<String>,
    turn: AtomicUsize,
}

impl Balancer {
    /// Takes an address; what comes before [`Balancer::run`] waits.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { url: format!("http://{}", listener.local_addr().unwrap()), listener }
    }

    /// Begins, with these copies.
    pub fn run(self, urls: Vec<String>) -> ServerHandle {
        let patience = Duration::from_secs(30);
        let http = http_client(patience, patience).unwrap();
        let targets = Data::new(Targets { http, urls, turn: AtomicUsize::new(0) });
        let factory = move || App::new().app_data(targets.clone()).default_service(web::to(pass_on));
        let server = HttpServer::new(factory).workers(1).disable_signals().listen(self.listener).unwrap();
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        handle
    }
}

async fn pass_on(request: HttpRequest, body: Bytes, targets: Data<Targets>) -> HttpResponse {
    let turn = targets.turn.fetch_add(1, Ordering::Relaxed);
    let url = format!("{}{}", targets.urls[turn % targets.urls.len()], request.uri());
    let method = request.method().as_str().parse::<reqwest::Method>().unwrap();
    let mut passed = targets.http.request(method, url).body(body.to_vec());
    for (name, value) in request.headers() {
        if !OF_THE_CONNECTION.contains(&name.as_str()) {
            passed = passed.header(name.as_str(), value.as_bytes());
        }
    }
    let Ok(answer) = passed.send().await else { return HttpResponse::BadGateway().finish() };
    let mut passed = HttpResponse::build(answer.status().as_u16().try_into().unwrap());
    for (name, value) in answer.headers() {
        if !OF_THE_CONNECTION.contains(&name.as_str()) {
            passed.append_header((name.as_str(), value.as_bytes()));
        }
    }
    passed.body(answer.bytes().await.unwrap_or_default().to_vec())
}
