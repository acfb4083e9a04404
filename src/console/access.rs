//! Who may do what to which call: pure functions of the account's role and of what they have to do with the call.

use std::sync::Arc;

use uuid::Uuid;

use super::sessions::Session;
use crate::agents::models::AgentRole;
use crate::app::App;
use crate::calls::flow::{Call, Leg, LegStatus, Party, Role, TransferStatus};
use crate::calls::requesting::Asker;
use crate::calls::services::ServiceError;

/// What somebody has to do with a call; each more than those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::EnumIter)]
pub enum Relation {
    /// Nothing, or they may be rung later, if somebody else is not reached.
    None,
    /// They had a leg in it, and have left.
    Past,
    /// They are being rung, or asked, or listen.
    Asked,
    /// They began it, and have left: somebody else holds the customer.
    Began,
    /// They are the second agent, and have joined.
    Joined,
    /// They began it, and are still there.
    First,
    /// They hold the customer, or held them last.
    Holder,
}

/// What somebody may want to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumIter)]
pub enum Action {
    /// Look at it.
    See,
    /// Transfer it, take that back, put somebody on hold or on mute.
    Steer,
    /// Hand it over, end it, or put customer or first agent out of it.
    End,
    /// Say what came of it.
    Outcome,
    /// Listen, coach and barge, or do something to somebody who does.
    Supervise,
}

/// What this account has to do with the call.
pub fn relation(call: &Call, agent: Uuid) -> Relation {
    let theirs = call.legs.iter().filter(|leg| leg.agent == Some(agent));
    theirs.map(|leg| relation_of(call, leg)).max().unwrap_or(Relation::None)
}

fn relation_of(call: &Call, leg: &Leg) -> Relation {
    let is_waiting = leg.status == LegStatus::Unplaced;
    match leg.role {
        _ if call.holder == leg.id => Relation::Holder,
        Role::FirstAgent if !leg.is_over() || (is_waiting && call.ended_at.is_none()) => Relation::First,
        Role::FirstAgent => Relation::Began,
        _ if is_waiting => Relation::None,
        _ if leg.is_over() => Relation::Past,
        Role::SecondAgent if has_joined(call, leg) => Relation::Joined,
        _ => Relation::Asked,
    }
}

fn has_joined(call: &Call, leg: &Leg) -> bool {
    let transfer = call.transfers.iter().find(|transfer| transfer.leg_id == leg.id);
    let is_joined = transfer.is_some_and(|transfer| transfer.status == TransferStatus::Joined);
    is_joined && leg.is_talking()
}

/// Whether somebody with this role, who has that to do with a call, may do this to it.
///
/// # Errors
/// [`ServiceError::NotFound`] for a call that they may not even see, [`ServiceError::NotYours`], and
/// [`ServiceError::RoleRequired`] for what only supervisors do.
pub fn may(role: AgentRole, relation: Relation, action: Action) -> Result<(), ServiceError> {
    if role >= AgentRole::Supervisor {
        return Ok(());
    }
    let least = match action {
        _ if relation == Relation::None => return Err(ServiceError::NotFound),
        Action::Supervise => return Err(ServiceError::RoleRequired(AgentRole::Supervisor)),
        Action::See => Relation::Past,
        Action::Steer => Relation::Joined,
        Action::End => Relation::First,
        Action::Outcome => Relation::Began,
    };
    if relation >= least { Ok(()) } else { Err(ServiceError::NotYours) }
}

/// Whether somebody with this role is told that a supervisor is on a call, where `is_shown` is the site's choice.
pub fn sees_supervisors(role: AgentRole, is_shown: bool) -> bool {
    is_shown || role >= AgentRole::Supervisor
}

/// Somebody who is logged in, asking this of a call.
pub fn asker(app: &App, session: &Session, action: Action) -> Asker {
    let (id, role) = (session.agent().id, session.agent().role);
    let may = move |call: &Call| may(role, relation(call, id), action);
    let sees_supervisors = sees_supervisors(role, app.console.show_supervisors);
    Asker { id, actor: session.actor(), may: Arc::new(may), sees_supervisors }
}

/// As whom somebody ends a call: in their own part, if they have one in it.
pub fn party(call: &Call, agent: Uuid) -> Party {
    let is_there = |leg: &&Leg| {
        leg.agent == Some(agent)
            && matches!(relation_of(call, leg), Relation::Joined | Relation::First | Relation::Holder)
    };
    call.legs.iter().find(is_there).map_or(Party::Supervisor, |leg| leg.role.into())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use strum::IntoEnumIterator;

    use super::*;
    use crate::calls::flow::{Bridge, Plan, Ring, Style, Transfer};

    /// `+` allowed, `-` 403, `?` 404, `r` 403 for the role; in the order of the actions.
    fn row(role: AgentRole, relation: Relation) -> String {
        let letter = |action| match may(role, relation, action) {
            Ok(()) => '+',
            Err(ServiceError::NotYours) => '-',
            Err(ServiceError::NotFound) => '?',
            Err(ServiceError::RoleRequired(AgentRole::Supervisor)) => 'r',
            Err(other) => panic!("{other}"),
        };
        Action::iter().map(letter).collect()
    }

    #[test]
    fn agents_steer_what_they_are_in_and_supervisors_everything() {
        let expected = [
            //                See, Steer, End, Outcome, Supervise
            (Relation::None, "?????"),
            (Relation::Past, "+---r"),
            (Relation::Asked, "+---r"),
            (Relation::Began, "+--+r"),
            (Relation::Joined, "++-+r"),
            (Relation::First, "++++r"),
            (Relation::Holder, "++++r"),
        ];
        assert_eq!(expected.map(|(relation, _)| relation).to_vec(), Relation::iter().collect::<Vec<_>>());
        for (relation, letters) in expected {
            assert_eq!(row(AgentRole::Agent, relation), letters, "{relation:?}");
            for role in [AgentRole::Supervisor, AgentRole::Admin] {
                assert_eq!(row(role, relation), "+++++", "{role:?} {relation:?}");
            }
        }
    }

    const ALICE: Uuid = Uuid::from_u128(1);
    const DANA: Uuid = Uuid::from_u128(2);
    const KIM: Uuid = Uuid::from_u128(3);
    const SIMON: Uuid = Uuid::from_u128(4);

    fn leg(id: u128, role: Role, agent: Option<Uuid>) -> Leg {
        Leg::planned(Uuid::from_u128(id), role, "client:a".parse().unwrap(), "A".into()).of_agent(agent)
    }

    /// Alice has called somebody; Dana is asked to take the call, then Kim; Simon supervises.
    fn call() -> Call {
        let caller_id = || "+15550100100".parse().unwrap();
        let mut call = Call::planned(Plan {
            id: Uuid::from_u128(9),
            room: "room".into(),
            bridge: Bridge::Dial,
            caller_id: caller_id(),
            agent_caller_id: caller_id(),
            agent: leg(11, Role::FirstAgent, Some(ALICE)),
            customer: leg(12, Role::Customer, None),
            ring_timeout_secs: 20,
            time_limit_secs: 3600,
            created_at: DateTime::UNIX_EPOCH,
        });
        call.legs.push(leg(13, Role::SecondAgent, Some(DANA)));
        call.legs.push(leg(14, Role::SecondAgent, Some(KIM)));
        call.legs.push(leg(15, Role::Supervisor, Some(SIMON)));
        call.transfers.push(Transfer {
            id: Uuid::from_u128(20),
            leg_id: call.legs[2].id,
            style: Style::WithCustomer,
            ring: Ring::InTurn,
            require_accept: false,
            taken: false,
            completing: false,
            recall: false,
            briefing: None,
            status: TransferStatus::Requested,
            failure: None,
            failure_detail: None,
            twilio_code: None,
            caller_id: caller_id(),
            ring_timeout_secs: 20,
            requested_at: DateTime::UNIX_EPOCH,
            ended_at: None,
        });
        call
    }

    fn relations(call: &Call) -> [Relation; 4] {
        [ALICE, DANA, KIM, SIMON].map(|agent| relation(call, agent))
    }

    #[test]
    fn what_somebody_has_to_do_with_a_call_follows_its_course() {
        use Relation::*;
        let mut call = call();
        assert_eq!(relations(&call), [Holder, None, None, None], "queued: nobody else is rung yet");
        assert_eq!(relation(&call, Uuid::from_u128(99)), None);
        for leg in &mut call.legs[..2] {
            leg.status = LegStatus::InProgress;
        }
        call.legs[2].status = LegStatus::Ringing;
        call.legs[4].status = LegStatus::InProgress;
        assert_eq!(relations(&call), [Holder, Asked, None, Asked]);
        call.legs[2].status = LegStatus::InProgress;
        assert_eq!(relations(&call), [Holder, Asked, None, Asked], "at the gate, perhaps");
        assert_eq!(party(&call, DANA), Party::Supervisor, "only a supervisor could, so far");
        call.transfers[0].status = TransferStatus::Joined;
        assert_eq!(relations(&call), [Holder, Joined, None, Asked]);
        assert_eq!(
            [ALICE, DANA, SIMON].map(|agent| party(&call, agent)),
            [Party::FirstAgent, Party::SecondAgent, Party::Supervisor]
        );
        // Handed over: Alice is on her way out, then gone.
        call.holder = call.legs[2].id;
        call.transfers[0].status = TransferStatus::Completed;
        assert_eq!(relations(&call), [First, Holder, None, Asked]);
        call.legs[0].status = LegStatus::Completed;
        call.legs[4].status = LegStatus::Completed;
        assert_eq!(relations(&call), [Began, Holder, None, Past]);
        for leg in &mut call.legs[..3] {
            leg.status = LegStatus::Completed;
        }
        call.ended_at = Some(DateTime::UNIX_EPOCH);
        assert_eq!(relations(&call), [Began, Holder, None, Past]);
    }
}
