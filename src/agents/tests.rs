//! The directory's and the keys' promises, on a database of their own.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::models::{Agent, AgentRole, Principal, Scope};
use super::services::{self, AccountError, KeyInfo, NewAgent};
use crate::audit::Actor;
use crate::clock::{Clock, RandomIds, StoppedClock};
use crate::db::{Db, DbOptions, Location};

fn by() -> Actor {
    Actor::command_line("root")
}

struct Accounts {
    db: Db,
    clock: StoppedClock,
    _folder: tempfile::TempDir,
}

impl Accounts {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.db");
        let db = Db::open(&DbOptions {
            location: Location::parse(&format!("sqlite://{}", path.display())).unwrap(),
            pool_size: 2,
            pool_timeout: Duration::from_secs(5),
            busy_timeout: Duration::from_secs(5),
        })
        .unwrap();
        db.migrate().await.unwrap();
        Self { db, clock: StoppedClock::default(), _folder: folder }
    }

    async fn add(&self, name: &str, display_name: Option<&str>) -> Result<Agent, AccountError> {
        let new = NewAgent {
            name: name.to_owned(),
            display_name: display_name.map(str::to_owned),
            address: "client:dana".parse().unwrap(),
            role: AgentRole::Supervisor,
        };
        services::add_agent(&self.db, &self.clock, &RandomIds, &by(), new).await
    }

    async fn key(
        &self,
        name: &str,
        scopes: &[Scope],
        lifetime: Option<TimeDelta>,
    ) -> Result<String, AccountError> {
        let expires_at = lifetime.map(|lifetime| self.clock.now() + lifetime);
        services::create_key(&self.db, &self.clock, &RandomIds, &by(), name, scopes, expires_at).await
    }

    async fn who(&self, token: &str) -> Option<Principal> {
        services::authenticate(&self.db, self.clock.now(), token).await.unwrap()
    }

    async fn only_key(&self) -> KeyInfo {
        services::list_keys(&self.db).await.unwrap().remove(0)
    }

    /// The last use is noted beside the request, so it is there a moment later.
    async fn last_used_at(&self, expected: DateTime<Utc>) {
        for _ in 0..500 {
            if self.only_key().await.last_used_at == Some(expected) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("last used {:?}, not {expected}", self.only_key().await.last_used_at);
    }
}

#[tokio::test]
async fn an_agent_is_found_by_name_until_disabled() {
    let accounts = Accounts::open().await;
    let added = accounts.add("dana", None).await.unwrap();
    assert_eq!((added.display_name.as_str(), added.role), ("Dana", AgentRole::Supervisor));
    accounts.add("ben", Some("Ben from Sales")).await.unwrap();
    let found = services::find_by_name(&accounts.db, "dana").await.unwrap().unwrap();
    assert_eq!((found.id, found.address.to_string()), (added.id, "client:dana".into()));
    assert!(services::find_by_name(&accounts.db, "nobody").await.unwrap().is_none());

    services::disable_agent(&accounts.db, &accounts.clock, &by(), "dana").await.unwrap();
    assert!(services::find_by_name(&accounts.db, "dana").await.unwrap().is_none());
    let listed = services::list_agents(&accounts.db).await.unwrap();
    let listed: Vec<_> =
        listed.iter().map(|agent| (agent.name.as_str(), &*agent.display_name, agent.disabled)).collect();
    assert_eq!(listed, [("ben", "Ben from Sales", false), ("dana", "Dana", true)]);
}

#[tokio::test]
async fn a_name_is_plain_and_taken_once() {
    let accounts = Accounts::open().await;
    accounts.add("dana", None).await.unwrap();
    accounts.key("crm", &[Scope::Read], None).await.unwrap();
    assert!(matches!(accounts.add("dana", None).await, Err(AccountError::Exists(_))));
    assert!(matches!(accounts.key("crm", &[Scope::Read], None).await, Err(AccountError::Exists(_))));
    for name in ["", "da na", "däna", "agent:dana", &"x".repeat(65)] {
        assert!(matches!(accounts.add(name, None).await, Err(AccountError::InvalidName)), "{name}");
        assert!(
            matches!(accounts.key(name, &[Scope::Read], None).await, Err(AccountError::InvalidName)),
            "{name}"
        );
    }
    let gone = services::disable_agent(&accounts.db, &accounts.clock, &by(), "nobody").await;
    assert_eq!(gone.unwrap_err().to_string(), "there is no agent nobody");
    let gone = services::revoke_key(&accounts.db, &accounts.clock, &by(), "nothing").await;
    assert_eq!(gone.unwrap_err().to_string(), "there is no key nothing");
}

#[tokio::test]
async fn a_key_opens_for_its_holder_and_nobody_else() {
    let accounts = Accounts::open().await;
    let token = accounts.key("crm", &[Scope::Read, Scope::Call], None).await.unwrap();
    let parts: Vec<&str> = token.split('_').collect();
    assert_eq!((parts[0], parts[1].len(), parts[2].len(), parts.len()), ("wt", 8, 64, 3), "{token}");

    let holder = accounts.who(&token).await.unwrap();
    assert_eq!((holder.name.as_str(), &*holder.scopes), ("crm", &[Scope::Read, Scope::Call][..]));
    let other_secret = format!("wt_{}_{}", parts[1], "0".repeat(64));
    let other_prefix = format!("wt_00000000_{}", parts[2]);
    let cut = &token[..token.len() - 1];
    let stored = services::list_keys(&accounts.db).await.unwrap().remove(0);
    let prefix_alone = format!("wt_{}_", stored.prefix);
    for wrong in ["", "wt_", "wt__", parts[2], cut, &other_secret, &other_prefix, &prefix_alone] {
        assert!(accounts.who(wrong).await.is_none(), "{wrong}");
    }
}

#[tokio::test]
async fn an_expired_or_revoked_key_opens_nothing() {
    let accounts = Accounts::open().await;
    let for_a_day = accounts.key("a-day", &[Scope::Read], Some(TimeDelta::days(1))).await.unwrap();
    let for_good = accounts.key("for-good", &[Scope::Admin], None).await.unwrap();
    accounts.clock.advance(TimeDelta::days(1) - TimeDelta::microseconds(1));
    assert!(accounts.who(&for_a_day).await.is_some());
    accounts.clock.advance(TimeDelta::microseconds(1));
    assert!(accounts.who(&for_a_day).await.is_none());
    assert!(accounts.who(&for_good).await.is_some());

    let revoked_at = accounts.clock.now();
    services::revoke_key(&accounts.db, &accounts.clock, &by(), "for-good").await.unwrap();
    assert!(accounts.who(&for_good).await.is_none());
    accounts.clock.advance(TimeDelta::hours(1));
    services::revoke_key(&accounts.db, &accounts.clock, &by(), "for-good").await.unwrap();
    let listed = services::list_keys(&accounts.db).await.unwrap();
    assert_eq!(listed[1].revoked_at, Some(revoked_at), "the first revocation is the one that counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keys_last_use_is_noted_at_most_once_a_minute() {
    let accounts = Accounts::open().await;
    let token = accounts.key("crm", &[Scope::Read], None).await.unwrap();
    assert_eq!(accounts.only_key().await.last_used_at, None);
    let first = accounts.clock.now();
    accounts.who(&token).await.unwrap();
    accounts.last_used_at(first).await;

    accounts.clock.advance(TimeDelta::seconds(59));
    accounts.who(&token).await.unwrap();
    // Nothing was begun, so there is nothing to wait for but a little time.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(accounts.only_key().await.last_used_at, Some(first));

    accounts.clock.advance(TimeDelta::seconds(1));
    let second = accounts.clock.now();
    accounts.who(&token).await.unwrap();
    accounts.last_used_at(second).await;
}
