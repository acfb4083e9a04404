//! Who is at work: each account with the presence that the console shows, which their calls decide before they do. Pure.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::agents::models::{Agent, AgentRole, Presence};
use crate::telephony::Address;

/// Somebody as everybody sees them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Member {
    /// The name in `agent:name`.
    pub name: String,
    /// What people call them.
    pub display_name: String,
    /// What they may do.
    pub role: AgentRole,
    /// On the phone they are busy, and after it writing down what came of the call; otherwise what they chose.
    pub presence: Presence,
    /// Whether they are on the phone.
    pub on_call: bool,
    /// Since when.
    pub since: DateTime<Utc>,
    /// They cannot log in, nor be rung by name.
    pub disabled: bool,
}

/// Somebody as they see themselves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Me {
    /// Their account.
    pub id: Uuid,
    /// The name in `agent:name`.
    pub name: String,
    /// What people call them.
    pub display_name: String,
    /// What they may do.
    pub role: AgentRole,
    /// Their phone.
    pub address: Address,
    /// As everybody sees it.
    pub presence: Presence,
    /// What they chose.
    pub chosen: Presence,
}

/// What somebody's calls make of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AtWork {
    /// They are in a call.
    pub on_call: bool,
    /// A call of theirs has ended, and nobody has said what came of it.
    pub owes_outcome: bool,
}

impl Member {
    /// As they are now; what has not changed since `before` keeps its time.
    pub fn of(agent: &Agent, at_work: AtWork, before: Option<&Self>, now: DateTime<Utc>) -> Self {
        let presence = shown(agent.presence, at_work);
        let is_chosen = !at_work.on_call && presence == agent.presence;
        let same = before.filter(|it| it.presence == presence && it.on_call == at_work.on_call);
        let chosen_at = agent.presence_since.filter(|_| is_chosen);
        Self {
            name: agent.name.clone(),
            display_name: agent.display_name.clone(),
            role: agent.role,
            presence,
            on_call: at_work.on_call,
            since: same.map(|it| it.since).or(chosen_at).unwrap_or(now),
            disabled: agent.disabled,
        }
    }
}

impl Me {
    /// As they are now.
    pub fn of(agent: &Agent, at_work: AtWork) -> Self {
        Self {
            id: agent.id,
            name: agent.name.clone(),
            display_name: agent.display_name.clone(),
            role: agent.role,
            address: agent.address.clone(),
            presence: shown(agent.presence, at_work),
            chosen: agent.presence,
        }
    }
}

/// Who is away stays away: they have gone home with a call not written down.
fn shown(chosen: Presence, at_work: AtWork) -> Presence {
    match chosen {
        _ if at_work.on_call => Presence::Busy,
        Presence::Available | Presence::Busy if at_work.owes_outcome => Presence::WrapUp,
        chosen => chosen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_decide_before_the_agent_does() {
        let (calm, talking) = (AtWork::default(), AtWork { on_call: true, owes_outcome: true });
        let owing = AtWork { on_call: false, owes_outcome: true };
        for (chosen, at_work, expected) in [
            (Presence::Available, calm, Presence::Available),
            (Presence::Available, talking, Presence::Busy),
            (Presence::Away, talking, Presence::Busy),
            (Presence::Available, owing, Presence::WrapUp),
            (Presence::Away, owing, Presence::Away),
            (Presence::WrapUp, calm, Presence::WrapUp),
        ] {
            assert_eq!(shown(chosen, at_work), expected, "{chosen} {at_work:?}");
        }
    }
}
