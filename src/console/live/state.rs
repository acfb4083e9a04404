//! What is known of calls and people at this moment, and what is told when it changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::WRAP_UP;
use super::card::{Card, Facts, held_by, on_call, people_of};
use super::models::Read;
use super::team::{AtWork, Me, Member};
use crate::agents::models::Agent;
use crate::app::App;
use crate::calls::flow::{Call, Stage};

/// What consoles are told of.
pub enum News {
    /// A call is new, or has changed.
    Call(Uuid, Arc<Shown>),
    /// A call is not shown any more.
    Gone(Uuid),
    /// Somebody is new, or has changed.
    Team(Uuid, Bytes),
    /// The database does not answer, since then; or it does again.
    Stale(Option<DateTime<Utc>>),
    /// More may have changed than was told.
    Everything,
}

/// A call as consoles show it.
pub struct Shown {
    card: Card,
    /// For those who see supervisors, as a message.
    full: Bytes,
    /// For those who do not.
    reduced: Bytes,
    people: BTreeSet<Uuid>,
    on_call: BTreeSet<Uuid>,
    held_by: Option<Uuid>,
    is_queued: bool,
}

/// Who looks.
#[derive(Debug, Clone, Copy)]
pub struct Viewer {
    /// Their account.
    pub id: Uuid,
    /// Whether they see every call.
    pub sees_all: bool,
    /// Whether they see that a supervisor is on a call.
    pub sees_supervisors: bool,
}

impl Shown {
    fn of(card: Card, call: &Call) -> Self {
        let full = message("call", &card);
        let reduced =
            if card.has_supervisors() { message("call", &card.without_supervisors()) } else { full.clone() };
        Self {
            people: people_of(call),
            on_call: on_call(call),
            held_by: held_by(call),
            is_queued: call.stage == Stage::Queued,
            card,
            full,
            reduced,
        }
    }

    /// The call as a message to this viewer; `None` if it is none of theirs. What has ended is for whoever is to say what came
    /// of it.
    pub fn message_to(&self, viewer: Viewer) -> Option<&Bytes> {
        let is_theirs = match self.card.is_over() {
            true => self.held_by == Some(viewer.id),
            false => viewer.sees_all || self.people.contains(&viewer.id),
        };
        is_theirs.then_some(if viewer.sees_supervisors { &self.full } else { &self.reduced })
    }

    /// Whether it is shown to anybody.
    fn is_shown(&self, now: DateTime<Utc>) -> bool {
        self.card.ended_at().is_none_or(|at| self.card.awaits_outcome() && at + WRAP_UP > now)
    }
}

/// A server-sent event; JSON has no line breaks of its own.
pub fn message(name: &str, data: &impl Serialize) -> Bytes {
    let json = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\ndata: {json}\n\n").into()
}

/// The JSON of such an event.
fn data(message: &Bytes) -> Bytes {
    let start = message.windows(6).position(|it| it == b"data: ").map_or(0, |at| at + 6);
    message.slice(start..message.len().saturating_sub(2).max(start))
}

/// All that is known.
#[derive(Default)]
pub struct State {
    calls: BTreeMap<Uuid, Arc<Shown>>,
    people: BTreeMap<Uuid, (Agent, Member)>,
    /// Everybody, as JSON, until somebody changes.
    team: Option<Bytes>,
    stale_since: Option<DateTime<Utc>>,
}

/// What a console begins with.
pub struct Beginning {
    /// Who looks; absent if they are not in the directory any more.
    pub me: Option<Me>,
    /// Their calls, as JSON.
    pub calls: Vec<(Uuid, Bytes)>,
    /// Everybody, as JSON.
    pub team: Bytes,
    /// Since when the database has not answered.
    pub stale_since: Option<DateTime<Utc>>,
}

impl State {
    /// As this viewer sees it.
    pub fn beginning(&mut self, viewer: Viewer) -> Beginning {
        let team = self.team.get_or_insert_with(|| {
            let team: Vec<&Member> = self.people.values().map(|(_, member)| member).collect();
            serde_json::to_string(&team).unwrap_or_default().into()
        });
        let seen = self.calls.iter().filter_map(|(id, shown)| Some((*id, data(shown.message_to(viewer)?))));
        Beginning {
            calls: seen.collect(),
            team: team.clone(),
            me: self.me(viewer.id),
            stale_since: self.stale_since,
        }
    }

    /// Somebody as they see themselves.
    pub fn me(&self, id: Uuid) -> Option<Me> {
        let at_work = self.at_work().get(&id).copied().unwrap_or_default();
        self.people.get(&id).map(|(agent, _)| Me::of(agent, at_work))
    }

    /// Calls that wait for their turn.
    pub fn queued(&self) -> Vec<Uuid> {
        self.calls.iter().filter(|(_, shown)| shown.is_queued).map(|(id, _)| *id).collect()
    }

    /// The database does not answer.
    pub fn is_stale_since(&mut self, now: DateTime<Utc>) -> Vec<News> {
        if self.stale_since.is_some() {
            return vec![];
        }
        self.stale_since = Some(now);
        vec![News::Stale(self.stale_since)]
    }

    /// What was read is known from now on.
    pub fn take_in(&mut self, app: &App, read: Read, is_everything: bool) -> Vec<News> {
        let now = app.clock.now();
        let was_stale = self.stale_since.take().is_some();
        let before = self.at_work();
        // Of whom something has changed that others do not see, they themselves are told.
        let mut told: BTreeSet<Uuid> = read.strangers.into_iter().collect();
        let mut looked_at = told.clone();
        if let Some(team) = read.team {
            told.extend(self.team_is(team, now));
            looked_at.extend(self.people.keys());
        }
        if is_everything {
            let known: BTreeSet<Uuid> = read.calls.iter().map(|(call, ..)| call.id).collect();
            self.calls.retain(|id, _| known.contains(id));
        }
        let (accounts, mut news) = (self.accounts(), vec![]);
        for (call, beside, last) in read.calls {
            let facts = Facts {
                call: &call,
                beside: &beside,
                news: &last,
                accounts: &accounts,
                policy: &app.policy,
                must_have_outcome: app.outcomes.required,
                now,
            };
            news.extend(self.call_is(&facts));
        }
        let after = self.at_work();
        looked_at.extend(differing(&before, &after));
        news.extend(self.members_are(looked_at, &told, &after, now));
        match (is_everything, was_stale) {
            (true, _) => vec![News::Everything],
            (false, true) => std::iter::once(News::Stale(None)).chain(news).collect(),
            (false, false) => news,
        }
    }

    /// Calls that ended so long ago that nobody waits for what came of them.
    pub fn forget_ended(&mut self, now: DateTime<Utc>) -> Vec<News> {
        let is_old = |(id, shown): (&Uuid, &Arc<Shown>)| (!shown.is_shown(now)).then_some(*id);
        let old: Vec<Uuid> = self.calls.iter().filter_map(is_old).collect();
        if old.is_empty() {
            return vec![];
        }
        let forgotten = old.iter().filter_map(|id| self.calls.remove(id));
        let owing: BTreeSet<Uuid> = forgotten.filter_map(|shown| shown.held_by).collect();
        let at_work = self.at_work();
        let gone = old.into_iter().map(News::Gone);
        gone.collect::<Vec<_>>()
            .into_iter()
            .chain(self.members_are(owing, &BTreeSet::new(), &at_work, now))
            .collect()
    }

    /// Gives the accounts that are new.
    fn team_is(&mut self, team: Vec<Agent>, now: DateTime<Utc>) -> Vec<Uuid> {
        let (mut before, mut new) = (std::mem::take(&mut self.people), vec![]);
        self.team = None;
        for agent in team {
            let member = match before.remove(&agent.id) {
                Some((_, member)) => member,
                None => {
                    new.push(agent.id);
                    Member::of(&agent, AtWork::default(), None, now)
                }
            };
            self.people.insert(agent.id, (agent, member));
        }
        new
    }

    fn call_is(&mut self, facts: &Facts<'_>) -> Option<News> {
        let (call, id) = (facts.call, facts.call.id);
        let before = self.calls.get(&id);
        let card = Card::of(facts, before.map(|shown| &shown.card));
        if before.is_some_and(|shown| shown.card == card) {
            return None;
        }
        let shown = Arc::new(Shown::of(card, call));
        if shown.is_shown(facts.now) {
            self.calls.insert(id, shown.clone());
            Some(News::Call(id, shown))
        } else {
            self.calls.remove(&id).map(|_| News::Gone(id))
        }
    }

    fn accounts(&self) -> HashMap<Uuid, (String, String)> {
        let name = |agent: &Agent| (agent.name.clone(), agent.display_name.clone());
        self.people.iter().map(|(id, (agent, _))| (*id, name(agent))).collect()
    }

    /// Works out anew how these are; tells of those who are shown otherwise now, and of `told` in any case.
    fn members_are(
        &mut self,
        ids: BTreeSet<Uuid>,
        told: &BTreeSet<Uuid>,
        at_work: &AtWorkOf,
        now: DateTime<Utc>,
    ) -> Vec<News> {
        let mut news = vec![];
        for id in ids {
            let Some((agent, member)) = self.people.get_mut(&id) else { continue };
            let is_now = at_work.get(&id).copied().unwrap_or_default();
            let before = member.clone();
            *member = Member::of(agent, is_now, Some(&before), now);
            if *member == before && !told.contains(&id) {
                continue;
            }
            self.team = None;
            news.push(News::Team(id, message("team", member)));
        }
        news
    }

    fn at_work(&self) -> AtWorkOf {
        let mut all = AtWorkOf::new();
        for shown in self.calls.values() {
            for id in &shown.on_call {
                all.entry(*id).or_default().on_call = true;
            }
            if let Some(id) = shown.held_by.filter(|_| shown.card.awaits_outcome()) {
                all.entry(id).or_default().owes_outcome = true;
            }
        }
        all
    }
}

/// What calls make of those who have any.
type AtWorkOf = BTreeMap<Uuid, AtWork>;

/// Those of whom the two say something different.
fn differing(before: &AtWorkOf, after: &AtWorkOf) -> Vec<Uuid> {
    let ids: BTreeSet<Uuid> = before.keys().chain(after.keys()).copied().collect();
    ids.into_iter()
        .filter(|id| {
            before.get(id).copied().unwrap_or_default() != after.get(id).copied().unwrap_or_default()
        })
        .collect()
}
