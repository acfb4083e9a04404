//! The service as customers meet it: built from settings, listening on a port of its own, asked over HTTP.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::sync::broadcast;
use warm_transfer::agents::models::Scope;
use warm_transfer::agents::services::create_key;
use warm_transfer::app::App;
use warm_transfer::audit::Actor;
use warm_transfer::clock::{RandomIds, SharedClock, SystemClock};
use warm_transfer::copies::Changed;
use warm_transfer::db::DbError;
use warm_transfer::server::{self, Server};
use warm_transfer::settings::{PERMISSIVE_GUARD, Settings};
use warm_transfer::twilio::http_client;
use warm_transfer::twilio::signature::sign;

use super::database::TestDatabase;

/// How Twilio reaches it, it is told.
pub const PUBLIC_URL: &str = "https://calls.example.com";
/// What Twilio's webhooks are signed with.
pub const AUTH_TOKEN: &str = "test_auth_token_0123456789abcdef";

/// A running service; [`TestService::stop`] it at the end.
pub struct TestService {
    server: Server,
    http: reqwest::Client,
    database: Arc<TestDatabase>,
    /// What its watchers are told, from its start on.
    pub news: broadcast::Receiver<Changed>,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    headers: reqwest::header::HeaderMap,
    /// As text.
    pub text: String,
    /// Parsed; null if it is not JSON.
    pub json: Value,
}

impl Answer {
    /// A header's text; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

impl TestService {
    /// Starts it, with Twilio out of reach.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts it with some settings of one's own.
    pub async fn start_with(more: &[(&str, &str)]) -> Self {
        Self::start_on(Arc::new(TestDatabase::new()), more).await
    }

    /// Starts it on a database that it may share.
    pub async fn start_on(database: Arc<TestDatabase>, more: &[(&str, &str)]) -> Self {
        Self::start_at(database, more, Arc::new(SystemClock::new())).await
    }

    /// Starts it on a clock of the test's own.
    pub async fn start_at(database: Arc<TestDatabase>, more: &[(&str, &str)], clock: SharedClock) -> Self {
        let spool = database.folder.path().join("spool").display().to_string();
        let variables = [
            ("DATABASE_URL", database.url.as_str()),
            ("WARM_TRANSFER__DATABASE__SPOOL", spool.as_str()),
            ("PUBLIC_URL", PUBLIC_URL),
            ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
            ("TWILIO_AUTH_TOKEN", AUTH_TOKEN),
            ("TWILIO_API_BASE_URL", "http://127.0.0.1:1"),
            ("WARM_TRANSFER__TWILIO__CALLS_PER_SECOND", "0"),
            ("WARM_TRANSFER__SERVER__WORKERS", "1"),
            ("WARM_TRANSFER__WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "true"),
            ("WARM_TRANSFER__API__REQUESTS_PER_SECOND", "0"),
            ("WARM_TRANSFER__SERVER__SHUTDOWN_TIMEOUT_SECS", "1"),
        ];
        let variables: BTreeMap<String, String> = PERMISSIVE_GUARD
            .iter()
            .chain(&variables)
            .chain(more)
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        let settings = Settings::from_layers(Path::new("no-such-folder"), &variables).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let app = server::build(&settings, clock, Arc::new(RandomIds)).unwrap();
        let news = app.changed.subscribe();
        let server = Server::start(&settings, app, listener).await.unwrap();
        let patience = Duration::from_secs(10);
        Self { server, http: http_client(patience, patience).unwrap(), database, news }
    }

    /// What it shares.
    pub fn app(&self) -> &Arc<App> {
        self.server.app()
    }

    /// Where its database is.
    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// A request as Twilio would send and sign it: the form by POST, or without one by GET.
    pub fn signed(&self, path_and_query: &str, form: Option<&[(&str, &str)]>) -> RequestBuilder {
        let url = format!("{PUBLIC_URL}{path_and_query}");
        let signature = sign(AUTH_TOKEN, &url, form.unwrap_or_default());
        let method = if form.is_some() { "POST" } else { "GET" };
        let request = self.request(method, path_and_query).header("X-Twilio-Signature", signature);
        match form {
            Some(form) => request.form(form),
            None => request,
        }
    }

    /// How many rows each table has.
    pub async fn rows(&self) -> Vec<(&'static str, i64)> {
        use warm_transfer::db::schema::*;
        macro_rules! counts {
            ($conn:ident, $($table:ident),*) => {
                vec![$((stringify!($table), $table::table.count().get_result::<i64>($conn)?)),*]
            };
        }
        let counted = self.app().db.read(|conn| {
            Ok::<_, DbError>(counts!(
                conn,
                agents,
                api_keys,
                audit_log,
                call_requests,
                calls,
                commands,
                events,
                legs,
                timers,
                transfers,
                webhooks
            ))
        });
        counted.await.unwrap()
    }

    /// Waits until the journal has so many rows and nothing is spooled; gives their addresses and forms in order.
    pub async fn kept(&self, count: usize) -> Vec<(String, String)> {
        use warm_transfer::db::schema::webhooks::dsl;
        loop {
            let rows = self.app().db.read(|conn| {
                let rows = dsl::webhooks.order(dsl::id).select((dsl::path_and_query, dsl::form));
                Ok::<_, DbError>(rows.load::<(String, String)>(conn)?)
            });
            match rows.await {
                Ok(rows) if rows.len() >= count && self.app().journal.spool.is_empty() => {
                    assert_eq!(rows.len(), count, "{rows:?}");
                    return rows;
                }
                _ => tokio::task::yield_now().await,
            }
        }
    }

    /// A new key with these scopes.
    pub async fn key(&self, name: &str, scopes: &[Scope]) -> String {
        let app = self.server.app();
        create_key(&app.db, &*app.clock, &*app.ids, &Actor::system("test"), name, scopes, None).await.unwrap()
    }

    /// A request to it, to be completed and given to [`answer`].
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().unwrap();
        self.http.request(method, format!("http://{}{path}", self.server.addr()))
    }

    /// Stops it in good order.
    pub async fn stop(self) {
        self.server.stop().await.unwrap();
    }
}

/// Sends the request.
pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer { status, headers, json: serde_json::from_str(&text).unwrap_or_default(), text }
}
