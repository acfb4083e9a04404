//! The call card: one call as the console shows it, with what can be done about it now. Pure.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::calls::flow::{
    self, Bridge, Call, CallStatus, Control, EndReason, Event, Failure, Hears, Leg, LegStatus, Monitor,
    Party, Policy, Presence, Ring, Role, Stage, Style, SuperviseRequest, Target, Transfer, TransferRequest,
    TransferStatus,
};
use crate::calls::models::{Beside, OutcomeRow};
use crate::telephony::{Address, ConferenceSid};

/// When something last happened to a leg, or to anything of a call.
#[derive(Debug, Clone, Default)]
pub struct LastNews {
    /// By leg.
    pub of_legs: HashMap<Uuid, DateTime<Utc>>,
    /// The last of all.
    pub of_call: Option<DateTime<Utc>>,
}

/// From when on something that goes on too long is worth an alarm.
#[derive(Debug, Clone, Copy)]
pub struct Alarms {
    /// Somebody on the line hears nobody and nothing.
    pub dead_air: TimeDelta,
    /// The customer hears music.
    pub long_hold: TimeDelta,
}

/// One call, whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    id: Uuid,
    status: CallStatus,
    stage: Stage,
    bridge: Bridge,
    created_at: DateTime<Utc>,
    connected_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    ended_by: Option<Party>,
    end_reason: Option<EndReason>,
    end_detail: Option<String>,
    external_id: Option<String>,
    queue_position: Option<i64>,
    room_sid: Option<ConferenceSid>,
    customer: Customer,
    people: Vec<Person>,
    transfer: Option<TransferCard>,
    transfers: Vec<TransferCard>,
    can: Vec<String>,
    outcome: Option<Outcome>,
    outcome_missing: bool,
    alarms: Vec<Alarm>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Customer {
    address: Address,
    name: String,
}

/// Somebody who is, was, or is to be on the call.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Person {
    leg_id: Uuid,
    role: Role,
    /// The name of their account.
    agent: Option<String>,
    name: String,
    address: Address,
    state: Presence,
    /// Since when they are in this state.
    since: DateTime<Utc>,
    muted: bool,
    hears: Vec<Hears>,
    /// Since when they have been on the line and heard nothing, if they do.
    silent_since: Option<DateTime<Utc>>,
    answered_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    failure: Option<Failure>,
    failure_detail: Option<String>,
    mode: Option<Monitor>,
    transfer_id: Option<Uuid>,
    is_holder: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct TransferCard {
    id: Uuid,
    style: Style,
    ring: Ring,
    status: TransferStatus,
    briefing: Option<String>,
    to: Vec<Uuid>,
    leg_id: Uuid,
    require_accept: bool,
    requested_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    failure: Option<Failure>,
    failure_detail: Option<String>,
    recall: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Outcome {
    disposition: String,
    notes: Option<String>,
    set_by: String,
}

/// Something that has gone on for too long, or will have at `since` and the limit together.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Alarm {
    kind: AlarmKind,
    leg_id: Uuid,
    since: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum AlarmKind {
    DeadAir,
    LongHold,
}

/// What a card is made of.
pub struct Facts<'a> {
    /// The call.
    pub call: &'a Call,
    /// What is known of it beside.
    pub beside: &'a Beside,
    /// When things last happened.
    pub news: &'a LastNews,
    /// Names of accounts, by id.
    pub accounts: &'a HashMap<Uuid, (String, String)>,
    /// What the flow would do.
    pub policy: &'a Policy,
    /// Whether each call that connected is to have an outcome.
    pub must_have_outcome: bool,
    /// Now.
    pub now: DateTime<Utc>,
}

impl Card {
    /// The call as it is, given how it was shown last, if it was: what has not changed keeps its time.
    pub fn of(facts: &Facts<'_>, before: Option<&Self>) -> Self {
        let Facts { call, beside, now, .. } = *facts;
        let people: Vec<Person> = person_of_each(facts, before);
        let is_over = call.stage == Stage::Ended;
        let outcome = beside.outcome.as_ref().map(Outcome::of);
        let customer = call.customer();
        let transfers: Vec<TransferCard> =
            call.transfers.iter().map(|transfer| TransferCard::of(call, transfer)).collect();
        Self {
            id: call.id,
            status: call.status,
            stage: call.stage,
            bridge: call.bridge,
            created_at: call.created_at,
            connected_at: call.connected_at,
            ended_at: call.ended_at,
            ended_by: call.ended_by.filter(|_| is_over),
            end_reason: call.end_reason.filter(|_| is_over),
            end_detail: call.end_detail.clone(),
            external_id: beside.request.as_ref().and_then(|request| request.external_id.clone()),
            queue_position: beside.queue_position,
            room_sid: call.conference_sid.clone(),
            customer: Customer {
                address: customer
                    .map_or_else(|| Address::Phone(call.caller_id.clone()), |leg| leg.address.clone()),
                name: customer.map(|leg| leg.name.clone()).unwrap_or_default(),
            },
            alarms: alarms(&people),
            people,
            transfer: transfers.last().filter(|transfer| transfer.ended_at.is_none()).cloned(),
            transfers,
            can: possible(call, facts.policy, now),
            outcome_missing: facts.must_have_outcome
                && is_over
                && call.connected_at.is_some()
                && outcome.is_none(),
            outcome,
        }
    }

    /// The same for those who are not to know that a supervisor is there.
    #[must_use]
    pub fn without_supervisors(&self) -> Self {
        let hidden: BTreeSet<Uuid> =
            self.people.iter().filter(|it| it.role == Role::Supervisor).map(|it| it.leg_id).collect();
        let mut card = self.clone();
        card.people.retain(|it| !hidden.contains(&it.leg_id));
        let is_of_hidden =
            |hears: &Hears| matches!(hears, Hears::Person { leg_id } if hidden.contains(leg_id));
        card.people.iter_mut().for_each(|it| it.hears.retain(|hears| !is_of_hidden(hears)));
        card.alarms.retain(|alarm| !hidden.contains(&alarm.leg_id));
        card
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.ended_at.is_some()
    }

    /// When it ended.
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.ended_at
    }

    /// Whether somebody is still to say what came of it.
    pub fn awaits_outcome(&self) -> bool {
        self.is_over() && self.connected_at.is_some() && self.outcome.is_none()
    }

    /// Whether a supervisor's leg is among its people.
    pub fn has_supervisors(&self) -> bool {
        self.people.iter().any(|it| it.role == Role::Supervisor)
    }
}

/// Accounts with a leg in the call that is more than planned: those who see it.
pub fn people_of(call: &Call) -> BTreeSet<Uuid> {
    let is_known = |leg: &&Leg| leg.status != LegStatus::Unplaced || leg.role == Role::FirstAgent;
    call.legs.iter().filter(is_known).filter_map(|leg| leg.agent).collect()
}

/// Accounts that are on the phone in it now, or about to be.
pub fn on_call(call: &Call) -> BTreeSet<Uuid> {
    if call.stage == Stage::Ended {
        return BTreeSet::new();
    }
    let is_live =
        |leg: &&Leg| !leg.is_over() || (leg.role == Role::FirstAgent && leg.status == LegStatus::Unplaced);
    call.legs.iter().filter(is_live).filter_map(|leg| leg.agent).collect()
}

/// Who had the customer last, and is to say what came of the call.
pub fn held_by(call: &Call) -> Option<Uuid> {
    call.agent().and_then(|leg| leg.agent)
}

fn person_of_each(facts: &Facts<'_>, before: Option<&Card>) -> Vec<Person> {
    let known = |leg_id: Uuid| before.and_then(|card| card.people.iter().find(|it| it.leg_id == leg_id));
    let people = flow::standings(facts.call).into_iter().filter_map(|standing| {
        let leg = facts.call.leg(standing.leg_id)?;
        Some(person(facts, leg, standing, known(leg.id)))
    });
    people.collect()
}

fn person(facts: &Facts<'_>, leg: &Leg, standing: flow::Standing, before: Option<&Person>) -> Person {
    let Facts { call, news, accounts, .. } = *facts;
    let account = leg.agent.and_then(|id| accounts.get(&id));
    let is_stranger = leg.role != Role::Customer && leg.name.starts_with("the ");
    let name = account.filter(|_| is_stranger).map_or(&leg.name, |(_, display_name)| display_name);
    let last = news.of_legs.get(&leg.id).copied().unwrap_or(call.created_at);
    let is_silent = standing.presence == Presence::Talking && standing.hears.is_empty();
    let last_of_call = news.of_call.unwrap_or(last);
    Person {
        leg_id: leg.id,
        role: leg.role,
        agent: account.map(|(name, _)| name.clone()),
        name: name.clone(),
        address: leg.address.clone(),
        since: before.filter(|it| it.state == standing.presence).map_or(last, |it| it.since),
        state: standing.presence,
        muted: leg.muted,
        hears: standing.hears,
        silent_since: is_silent.then(|| before.and_then(|it| it.silent_since).unwrap_or(last_of_call)),
        answered_at: leg.answered_at,
        ended_at: leg.ended_at,
        failure: leg.failure,
        failure_detail: leg.failure_detail(),
        mode: leg.monitor,
        transfer_id: leg.transfer_id,
        is_holder: call.holder == leg.id,
    }
}

/// All that may become an alarm: when it does is for the clock of whoever shows it.
fn alarms(people: &[Person]) -> Vec<Alarm> {
    let silent = people.iter().filter_map(|it| {
        Some(Alarm { kind: AlarmKind::DeadAir, leg_id: it.leg_id, since: it.silent_since? })
    });
    let is_held =
        |it: &&Person| it.role == Role::Customer && matches!(it.state, Presence::OnHold | Presence::Waiting);
    let held = people.iter().filter(is_held);
    silent
        .chain(held.map(|it| Alarm { kind: AlarmKind::LongHold, leg_id: it.leg_id, since: it.since }))
        .collect()
}

impl TransferCard {
    fn of(call: &Call, transfer: &Transfer) -> Self {
        Self {
            id: transfer.id,
            style: transfer.style,
            ring: transfer.ring,
            status: transfer.status,
            briefing: transfer.briefing.clone(),
            to: call.targets(transfer.id).map(|leg| leg.id).collect(),
            leg_id: transfer.leg_id,
            require_accept: transfer.require_accept,
            requested_at: transfer.requested_at,
            ended_at: transfer.ended_at,
            failure: transfer.failure,
            failure_detail: transfer.failure_detail.clone(),
            recall: transfer.recall,
        }
    }
}

impl Outcome {
    fn of(row: &OutcomeRow) -> Self {
        Self { disposition: row.disposition.clone(), notes: row.notes.clone(), set_by: row.set_by.clone() }
    }
}

/// Which requests would change something now, by the words of their buttons. The flow itself is asked, so a button is shown
/// exactly if it works.
pub fn possible(call: &Call, policy: &Policy, now: DateTime<Utc>) -> Vec<String> {
    let is_ending = matches!(call.stage, Stage::Ending | Stage::Ended);
    let would_work = |event: &Event| {
        let step = flow::step(call, event, policy, now);
        !is_ending && step.is_ok_and(|step| step.call != *call || !step.commands.is_empty())
    };
    wishes(call).into_iter().filter(|(_, event)| would_work(event)).map(|(word, _)| word).collect()
}

fn wishes(call: &Call) -> Vec<(String, Event)> {
    let mut wishes = vec![
        ("transfer".to_owned(), Event::TransferRequested(some_transfer(call))),
        ("complete".to_owned(), Event::CompleteRequested),
        ("cancel".to_owned(), Event::CancelRequested),
        ("merge".to_owned(), Event::MergeRequested),
        ("swap".to_owned(), Event::SwapRequested),
        ("hangup".to_owned(), Event::HangUpRequested { by: Party::Crm }),
        ("supervise".to_owned(), Event::SuperviseRequested(somebody())),
    ];
    for role in [Role::FirstAgent, Role::Customer, Role::SecondAgent] {
        // From the bridge either of a pair would move all to the room, so only the one that means something is asked for.
        let is = |wanted: fn(&Leg) -> bool| {
            call.legs.iter().any(|leg| leg.role == role && !leg.is_over() && wanted(leg))
        };
        let hold = if is(|leg| leg.on_hold) { Control::Resume } else { Control::Hold };
        let mute = if is(|leg| leg.muted) { Control::Unmute } else { Control::Mute };
        for control in [hold, mute] {
            wishes.push((format!("{control}:{role}"), Event::ControlRequested { role, control }));
        }
        wishes.push((format!("remove:{role}"), Event::RemoveRequested { role, by: Party::Crm }));
    }
    wishes
}

/// Ids that no leg and no transfer has.
fn some_transfer(call: &Call) -> TransferRequest {
    let to = Address::Phone(call.caller_id.clone());
    TransferRequest {
        transfer_id: Uuid::max(),
        targets: vec![Target { leg_id: Uuid::max(), to, name: String::new(), agent: None }],
        ring: Ring::InTurn,
        require_accept: false,
        style: Style::WithCustomer,
        briefing: None,
        caller_id: call.caller_id.clone(),
        ring_timeout_secs: 5,
    }
}

fn somebody() -> SuperviseRequest {
    SuperviseRequest {
        leg_id: Uuid::max(),
        agent: Uuid::nil(),
        to: Address::Client(String::new()),
        name: String::new(),
        monitor: Monitor::Listen,
    }
}
