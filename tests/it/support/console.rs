//! The console as a browser uses it: somebody logs in, and every request carries their cookie and their token.

use reqwest::RequestBuilder;
use serde_json::Value;
use uuid::Uuid;
use warm_transfer::agents::models::{Agent, AgentRole};
use warm_transfer::agents::passwords::Password;
use warm_transfer::agents::services::{NewAgent, add_agent, set_password};
use warm_transfer::audit::Actor;
use warm_transfer::console::sessions::csrf_of;

use super::service::{Answer, PUBLIC_URL, TestService, answer};

/// What everybody's password is whom [`hire`] hires.
pub const PASSWORD: &str = "correct horse battery";

/// Adds somebody to the directory who can log in; their phone is `client:NAME`.
pub async fn hire(service: &TestService, name: &str, role: AgentRole) -> Agent {
    hire_at(service, name, role, &format!("client:{name}")).await
}

/// Adds somebody to the directory who can log in, with this phone.
pub async fn hire_at(service: &TestService, name: &str, role: AgentRole, address: &str) -> Agent {
    let (app, by) = (service.app(), Actor::system("test"));
    let address = address.parse().unwrap();
    let new = NewAgent { name: name.into(), display_name: None, address, role };
    let agent = add_agent(&app.db, &*app.clock, &*app.ids, &by, new).await.unwrap();
    let hash = Password::parse(PASSWORD).unwrap().hash(&*app.ids).unwrap();
    set_password(&app.db, &*app.clock, &by, name, hash, None).await.unwrap();
    agent
}

/// Sends the log-in form as a browser would.
pub fn log_in_form(service: &TestService, name: &str, password: &str) -> RequestBuilder {
    let form = [("name", name), ("password", password)];
    service.request("POST", "/login").header("Origin", PUBLIC_URL).form(&form)
}

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub struct Console {
    /// Of the session; it stands in the cookie alone.
    pub token: String,
    /// What every request that changes something carries.
    pub csrf: String,
    cookie: String,
}

impl Console {
    /// Logs somebody in.
    pub async fn log_in(service: &TestService, name: &str, password: &str) -> Self {
        Self::opened_by(&answer(log_in_form(service, name, password)).await)
    }

    /// Hires somebody and logs them in.
    pub async fn hired(service: &TestService, name: &str, role: AgentRole) -> (Agent, Self) {
        let agent = hire(service, name, role).await;
        (agent, Self::log_in(service, name, PASSWORD).await)
    }

    /// Whoever a log-in let in.
    pub fn opened_by(answered: &Answer) -> Self {
        assert_eq!(answered.status, 303, "{answered:?}");
        let cookie = answered.header("set-cookie").split(';').next().unwrap();
        let (name, token) = cookie.split_once('=').unwrap();
        assert!(!token.is_empty(), "{answered:?}");
        Self { token: token.into(), csrf: csrf_of(token), cookie: format!("{name}={token}") }
    }

    /// As a page's script asks; with the token if it may change something.
    pub fn request(&self, service: &TestService, method: &str, path: &str) -> RequestBuilder {
        let request = service.request(method, path).header("Cookie", &self.cookie);
        match method {
            "GET" | "HEAD" => request.header("Sec-Fetch-Site", "same-origin"),
            _ => request.header("Origin", PUBLIC_URL).header("X-CSRF-Token", &self.csrf),
        }
    }

    /// As another site's page would make the browser ask: the cookie goes along, the token does not.
    pub fn bare(&self, service: &TestService, method: &str, path: &str) -> RequestBuilder {
        service.request(method, path).header("Cookie", &self.cookie)
    }

    /// What a GET answers.
    pub async fn get(&self, service: &TestService, path: &str) -> Answer {
        answer(self.request(service, "GET", path)).await
    }

    /// What a press of a button answers; each has an `Idempotency-Key` of its own.
    pub async fn post(&self, service: &TestService, path: &str, body: &Value) -> Answer {
        let press: Uuid = service.app().ids.id();
        let request = self.request(service, "POST", path).header("Idempotency-Key", press.to_string());
        answer(request.json(body)).await
    }

    /// What a PUT answers.
    pub async fn put(&self, service: &TestService, path: &str, body: &Value) -> Answer {
        answer(self.request(service, "PUT", path).json(body)).await
    }
}
