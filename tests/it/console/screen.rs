//! An open page, as far as its script goes: everything it was told, put together.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::crm::reader::{Message, Reader};
use crate::support::console::{Console, Served};

/// What the page shows.
pub struct Screen {
    reader: Reader,
    calls: BTreeMap<String, Value>,
    team: BTreeMap<String, Value>,
    shown: usize,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#?} {:#?}", self.calls, self.team)
    }
}

impl Screen {
    /// Opens the page; its first message has been read.
    pub async fn open(service: &impl Served, console: &Console) -> Self {
        let reader = Reader::send(console.request(service, "GET", "/console/stream")).await;
        let mut screen = Self { reader, calls: BTreeMap::new(), team: BTreeMap::new(), shown: 0 };
        let first = screen.reader.next().await.expect("everything comes first");
        assert_eq!(first.event, "snapshot");
        assert_eq!(first.data["me"]["name"], console.name.as_str());
        screen.take(first);
        screen
    }

    fn take(&mut self, message: Message) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match message.event.as_str() {
            "snapshot" => {
                let list = |name: &str| message.data[name].as_array().unwrap().clone();
                self.calls = list("calls").into_iter().map(|call| (text(&call["id"]), call)).collect();
                self.team = list("team").into_iter().map(|it| (text(&it["name"]), it)).collect();
            }
            "call" => drop(self.calls.insert(text(&message.data["id"]), message.data)),
            "gone" => drop(self.calls.remove(&text(&message.data["id"])).expect("it was shown")),
            "team" => drop(self.team.insert(text(&message.data["name"]), message.data)),
            "me" | "stale" => {}
            other => panic!("a page knows nothing of {other}"),
        }
        self.shown += self.calls.len();
    }

    /// Reads on until this is so.
    pub async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            let message = self.reader.next().await;
            let message = message.unwrap_or_else(|| panic!("the stream ended before {what}: {self:?}"));
            self.take(message);
        }
    }

    /// Reads on until there is no more.
    pub async fn until_it_ends(&mut self) {
        while let Some(message) = self.reader.next().await {
            self.take(message);
        }
    }

    /// Whether the call is there.
    pub fn shows(&self, call: &str) -> bool {
        self.calls.contains_key(call)
    }

    /// Whether no call ever was.
    pub fn has_never_shown_a_call(&self) -> bool {
        self.shown == 0
    }

    /// The call's card; null if it is not there.
    pub fn card(&self, call: &str) -> &Value {
        self.calls.get(call).unwrap_or(&Value::Null)
    }

    /// The last person of this role.
    pub fn person(&self, call: &str, role: &str) -> &Value {
        let people = self.card(call)["people"].as_array().into_iter().flatten();
        people.rev().find(|person| person["role"] == role).unwrap_or(&Value::Null)
    }

    /// Their state in a word.
    pub fn state(&self, call: &str, role: &str) -> &str {
        self.person(call, role)["state"].as_str().unwrap_or_default()
    }

    /// What they hear: the roles of people, or `music`, `ringing`, `words`.
    pub fn hears(&self, call: &str, role: &str) -> Vec<&str> {
        let people = || self.card(call)["people"].as_array().into_iter().flatten();
        let of = |leg: &Value| people().find(|it| it["leg_id"] == *leg).and_then(|it| it["role"].as_str());
        let heard = self.person(call, role)["hears"].as_array().into_iter().flatten();
        heard
            .filter_map(|it| if it["kind"] == "person" { of(&it["leg_id"]) } else { it["kind"].as_str() })
            .collect()
    }

    /// Whether the button with this word is there.
    pub fn can(&self, call: &str, word: &str) -> bool {
        self.card(call)["can"].as_array().into_iter().flatten().any(|it| it == word)
    }

    /// Somebody of the team.
    pub fn member(&self, name: &str) -> &Value {
        self.team.get(name).unwrap_or(&Value::Null)
    }
}
