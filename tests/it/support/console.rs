//! The console as a browser uses it: somebody logs in, and every request carries their cookie and their token.

use std::sync::Arc;
use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::Value;
use uuid::Uuid;
use warm_transfer::agents::models::{Agent, AgentRole};
use warm_transfer::agents::passwords::Password;
use warm_transfer::agents::services::{NewAgent, add_agent, set_password};
use warm_transfer::app::App;
use warm_transfer::audit::Actor;
use warm_transfer::console::sessions::csrf_of;
use warm_transfer::demo::Stage;
use warm_transfer::twilio::http_client;

use super::service::{Answer, TestService, answer};

/// A service that can be asked, on its own or on a stage.
pub trait Served {
    /// A request to it.
    fn to(&self, method: &str, path: &str) -> RequestBuilder;
    /// What it shares.
    fn shared(&self) -> &Arc<App>;
}

impl Served for TestService {
    fn to(&self, method: &str, path: &str) -> RequestBuilder {
        self.request(method, path)
    }

    fn shared(&self) -> &Arc<App> {
        self.app()
    }
}

impl Served for Stage {
    fn to(&self, method: &str, path: &str) -> RequestBuilder {
        let patience = Duration::from_secs(10);
        let url = format!("http://{}{path}", self.server.addr());
        http_client(patience, patience).unwrap().request(method.parse().unwrap(), url)
    }

    fn shared(&self) -> &Arc<App> {
        self.server.app()
    }
}

/// What everybody's password is whom [`hire`] hires.
pub const PASSWORD: &str = "correct horse battery";

/// Adds somebody to the directory who can log in; their phone is `client:NAME`.
pub async fn hire(service: &impl Served, name: &str, role: AgentRole) -> Agent {
    hire_at(service, name, role, &format!("client:{name}")).await
}

/// Adds somebody to the directory who can log in, with this phone.
pub async fn hire_at(service: &impl Served, name: &str, role: AgentRole, address: &str) -> Agent {
    let (app, by) = (service.shared(), Actor::system("test"));
    let address = address.parse().unwrap();
    let new = NewAgent { name: name.into(), display_name: None, address, role };
    let agent = add_agent(&app.db, &*app.clock, &*app.ids, &by, new).await.unwrap();
    admit(service, name).await;
    agent
}

/// Lets somebody of the directory log in.
pub async fn admit(service: &impl Served, name: &str) {
    let (app, by) = (service.shared(), Actor::system("test"));
    let hash = Password::parse(PASSWORD).unwrap().hash(&*app.ids).unwrap();
    set_password(&app.db, &*app.clock, &by, name, hash, None).await.unwrap();
}

/// Sends the log-in form as a browser would.
pub fn log_in_form(service: &impl Served, name: &str, password: &str) -> RequestBuilder {
    let form = [("name", name), ("password", password)];
    service.to("POST", "/login").header("Origin", &service.shared().console.origin).form(&form)
}

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub struct Console {
    /// Of the account.
    pub name: String,
    /// Of the session; it stands in the cookie alone.
    pub token: String,
    /// What every request that changes something carries.
    pub csrf: String,
    cookie: String,
}

impl Console {
    /// Logs somebody in.
    pub async fn log_in(service: &impl Served, name: &str, password: &str) -> Self {
        Self { name: name.to_owned(), ..Self::opened_by(&answer(log_in_form(service, name, password)).await) }
    }

    /// Hires somebody and logs them in.
    pub async fn hired(service: &impl Served, name: &str, role: AgentRole) -> (Agent, Self) {
        let agent = hire(service, name, role).await;
        (agent, Self::log_in(service, name, PASSWORD).await)
    }

    /// Whoever a log-in let in.
    pub fn opened_by(answered: &Answer) -> Self {
        assert_eq!(answered.status, 303, "{answered:?}");
        let cookie = answered.header("set-cookie").split(';').next().unwrap();
        let (name, token) = cookie.split_once('=').unwrap();
        assert!(!token.is_empty(), "{answered:?}");
        Self {
            name: String::new(),
            token: token.into(),
            csrf: csrf_of(token),
            cookie: format!("{name}={token}"),
        }
    }

    /// As a page's script asks; with the token if it may change something.
    pub fn request(&self, service: &impl Served, method: &str, path: &str) -> RequestBuilder {
        let request = service.to(method, path).header("Cookie", &self.cookie);
        match method {
            "GET" | "HEAD" => request.header("Sec-Fetch-Site", "same-origin"),
            _ => {
                request.header("Origin", &service.shared().console.origin).header("X-CSRF-Token", &self.csrf)
            }
        }
    }

    /// As another site's page would make the browser ask: the cookie goes along, the token does not.
    pub fn bare(&self, service: &impl Served, method: &str, path: &str) -> RequestBuilder {
        service.to(method, path).header("Cookie", &self.cookie)
    }

    /// What a GET answers.
    pub async fn get(&self, service: &impl Served, path: &str) -> Answer {
        answer(self.request(service, "GET", path)).await
    }

    /// What a press of a button answers; each has an `Idempotency-Key` of its own.
    pub async fn post(&self, service: &impl Served, path: &str, body: &Value) -> Answer {
        let press: Uuid = service.shared().ids.id();
        let request = self.request(service, "POST", path).header("Idempotency-Key", press.to_string());
        answer(request.json(body)).await
    }

    /// What a PUT answers.
    pub async fn put(&self, service: &impl Served, path: &str, body: &Value) -> Answer {
        answer(self.request(service, "PUT", path).json(body)).await
    }
}
