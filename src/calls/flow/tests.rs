//! The flow, driven by values: the stories people tell of it, and properties that hold for any sequence of events.

mod styles;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::telephony::{CallSid, ConferenceSid};

const FIRST: Uuid = Uuid::from_u128(1);
const CUSTOMER: Uuid = Uuid::from_u128(2);
const SECOND: Uuid = Uuid::from_u128(3);
const THIRD: Uuid = Uuid::from_u128(4);
const SUPERVISOR: Uuid = Uuid::from_u128(5);

/// A call and everything that was asked of Twilio for it.
struct Story {
    call: Call,
    asked: Vec<Command>,
    now: DateTime<Utc>,
    policy: Policy,
}

impl Story {
    fn begin() -> Self {
        Self::begin_with(Bridge::Dial, Policy::default())
    }

    fn begin_with(bridge: Bridge, policy: Policy) -> Self {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let call = Call { bridge, ..placed_call(now) };
        let mut story = Self { call, asked: vec![], now, policy };
        story.tell(Event::Placed).unwrap();
        story
    }

    fn connected() -> Self {
        let mut story = Self::begin();
        story.leg(FIRST, LegStatus::InProgress);
        story.leg(CUSTOMER, LegStatus::Ringing);
        story.leg(CUSTOMER, LegStatus::InProgress);
        story
    }

    /// Second agent asked for; customer and first agent have reached the room.
    fn ringing() -> Self {
        let mut story = Self::connected();
        story.tell(transfer()).unwrap();
        story.tell(dial_ended(true)).unwrap();
        story.joins(CUSTOMER, 1);
        story.joins(FIRST, 2);
        story.leg(SECOND, LegStatus::Ringing);
        story
    }

    fn introduced() -> Self {
        let mut story = Self::ringing();
        story.leg(SECOND, LegStatus::InProgress);
        story.joins(SECOND, 3);
        story
    }

    fn tell(&mut self, event: Event) -> Result<Vec<Command>, Refusal> {
        self.now += TimeDelta::seconds(1);
        let step = step(&self.call, &event, &self.policy, self.now)?;
        self.call = step.call;
        self.asked.extend(step.commands.clone());
        Ok(step.commands)
    }

    fn leg(&mut self, leg_id: Uuid, status: LegStatus) -> Vec<Command> {
        self.tell(Event::LegProgressed(progress(leg_id, status))).unwrap()
    }

    fn joins(&mut self, leg_id: Uuid, sequence: i64) -> Vec<Command> {
        self.tell(room(sequence, RoomChangeKind::Joined(participant(leg_id)))).unwrap()
    }

    fn leaves(&mut self, leg_id: Uuid, sequence: i64) -> Vec<Command> {
        self.tell(room(sequence, left(leg_id))).unwrap()
    }

    /// Outside the room, because of the transfer under way.
    fn hears_music(&mut self, leg_id: Uuid) -> Result<Vec<Command>, Refusal> {
        let transfer_id = self.call.transfers.last().map(|transfer| transfer.id);
        self.tell(Event::MusicStarted { leg_id, transfer_id })
    }

    fn transfer(&self) -> &Transfer {
        self.call.transfers.last().unwrap()
    }
}

fn placed_call(now: DateTime<Utc>) -> Call {
    let leg =
        |id, role, address: &str, name: &str| Leg::planned(id, role, address.parse().unwrap(), name.into());
    Call::planned(Plan {
        id: Uuid::from_u128(9),
        room: "room".into(),
        bridge: Bridge::Dial,
        caller_id: "+15550100100".parse().unwrap(),
        agent_caller_id: "+15550100100".parse().unwrap(),
        agent: leg(FIRST, Role::FirstAgent, "+15550100101", "Alice"),
        customer: leg(CUSTOMER, Role::Customer, "+15550100102", "the customer"),
        ring_timeout_secs: 20,
        time_limit_secs: 3600,
        created_at: now,
    })
}

fn sid(leg_id: Uuid) -> CallSid {
    CallSid::from_u128(leg_id.as_u128())
}

fn participant(leg_id: Uuid) -> Participant {
    Participant { label: Some(leg_id), call_sid: sid(leg_id) }
}

fn left(leg_id: Uuid) -> RoomChangeKind {
    RoomChangeKind::Left {
        participant: participant(leg_id),
        status: Some(LegStatus::Completed),
        hung_up: true,
    }
}

fn progress(leg_id: Uuid, status: LegStatus) -> LegProgress {
    LegProgress {
        leg_id,
        call_sid: sid(leg_id),
        parent_call_sid: None,
        status,
        sequence: None,
        sip_code: None,
    }
}

fn room(sequence: i64, kind: RoomChangeKind) -> Event {
    Event::RoomChanged(RoomChange {
        conference_sid: ConferenceSid::from_u128(7),
        sequence: Some(sequence),
        kind,
    })
}

fn dial_ended(agent_on_line: bool) -> Event {
    Event::DialEnded(DialEnded { agent_on_line, dial_status: Some(LegStatus::Completed), why: None })
}

fn transfer() -> Event {
    transfer_to(SECOND)
}

fn transfer_to(leg_id: Uuid) -> Event {
    Event::TransferRequested(request_to(leg_id))
}

fn request_to(leg_id: Uuid) -> TransferRequest {
    TransferRequest {
        transfer_id: Uuid::from_u128(leg_id.as_u128() + 100),
        targets: vec![target(leg_id)],
        ring: Ring::InTurn,
        require_accept: false,
        style: Style::WithCustomer,
        briefing: None,
        caller_id: "+15550100100".parse().unwrap(),
        ring_timeout_secs: 20,
    }
}

fn target(leg_id: Uuid) -> Target {
    let name = if leg_id == THIRD { "Kim" } else { "Dana" };
    Target {
        leg_id,
        to: format!("client:{}", name.to_lowercase()).parse().unwrap(),
        name: name.into(),
        agent: None,
    }
}

fn sets_exit(commands: &[Command], on: Uuid, wanted: bool) -> bool {
    commands.iter().any(|command| {
        matches!(command, Command::SetEndConferenceOnExit { leg_id, value, .. } if *leg_id == on && *value == wanted)
    })
}

#[test]
fn the_straight_path_rings_moves_introduces_and_hands_over() {
    let mut story = Story::connected();
    assert_eq!(story.asked, [Command::CreateCall { leg_id: FIRST }]);
    let asked = story.tell(transfer()).unwrap();
    assert_eq!(
        asked,
        [Command::MoveToRoom { leg_id: CUSTOMER }, Command::CreateParticipant { leg_id: SECOND }],
        "the move and the ring are asked for at the same time"
    );
    story.tell(dial_ended(true)).unwrap();
    assert_eq!(after_dial(&story.call), AfterDial::Room);
    let mut story = Story::introduced();
    assert_eq!(
        (story.call.status, story.transfer().status),
        (CallStatus::Transferring, TransferStatus::Joined)
    );
    let asked = story.leaves(FIRST, 4);
    assert_eq!((story.call.status, story.transfer().status), (CallStatus::InRoom, TransferStatus::Completed));
    assert!(sets_exit(&asked, CUSTOMER, true) && sets_exit(&asked, SECOND, true), "{asked:?}");
    story.leg(FIRST, LegStatus::Completed);
    story.leaves(CUSTOMER, 5);
    story.leg(CUSTOMER, LegStatus::Completed);
    story.leg(SECOND, LegStatus::Completed);
    story.tell(room(6, RoomChangeKind::Ended { by: Some(sid(CUSTOMER)) })).unwrap();
    assert_eq!(story.call.status, CallStatus::Ended);
    assert_eq!(
        (story.call.ended_by, story.call.end_reason),
        (Some(Party::Customer), Some(EndReason::HungUp))
    );
}

#[test]
fn a_second_agent_who_is_busy_leaves_the_two_together_and_told_why() {
    let mut story = Story::ringing();
    let asked = story.leg(SECOND, LegStatus::Busy);
    assert_eq!(story.transfer().failure, Some(Failure::Busy));
    assert_eq!(story.transfer().failure_detail.as_deref(), Some("Dana is busy"));
    assert!(asked.iter().any(|it| matches!(it, Command::Announce { .. })), "{asked:?}");
    assert!(sets_exit(&asked, CUSTOMER, true) && sets_exit(&asked, FIRST, true));
    assert_eq!(story.call.status, CallStatus::InRoom);
}

#[test]
fn words_wait_until_the_two_are_together() {
    let mut story = Story::connected();
    story.tell(transfer()).unwrap();
    assert!(story.leg(SECOND, LegStatus::Busy).is_empty());
    assert!(story.joins(CUSTOMER, 1).is_empty());
    story.tell(dial_ended(true)).unwrap();
    assert_eq!(
        after_dial(&story.call),
        AfterDial::Room,
        "the agent follows the customer though the transfer failed"
    );
    let asked = story.joins(FIRST, 2);
    assert!(asked.iter().any(|it| matches!(it, Command::Announce { .. })), "{asked:?}");
}

#[test]
fn a_cancelled_leg_that_was_not_named_yet_is_ended_when_it_is() {
    let mut story = Story::connected();
    story.tell(transfer()).unwrap();
    assert!(story.tell(Event::CancelRequested).unwrap().is_empty());
    let command = Command::CreateParticipant { leg_id: SECOND };
    let asked = story
        .tell(Event::CommandDone { command, progress: Some(progress(SECOND, LegStatus::Queued)) })
        .unwrap();
    assert_eq!(asked, [Command::EndLeg { leg_id: SECOND }]);
    assert_eq!(
        story.leg(SECOND, LegStatus::InProgress),
        [Command::EndLeg { leg_id: SECOND }],
        "answered all the same"
    );
}

#[test]
fn a_customer_who_leaves_while_it_rings_stops_the_ringing_and_the_agent_is_told() {
    let mut story = Story::ringing();
    let asked = story.leaves(CUSTOMER, 3);
    assert!(asked.contains(&Command::EndLeg { leg_id: SECOND }), "{asked:?}");
    assert!(asked.contains(&Command::TellAndEnd { leg_id: FIRST, words: Words::CustomerLeft }), "{asked:?}");
    assert_eq!(story.transfer().status, TransferStatus::Abandoned);
    story.leg(SECOND, LegStatus::Canceled);
    story.leg(FIRST, LegStatus::Completed);
    assert_eq!(story.call.ended_by, Some(Party::Customer));
    assert_eq!(story.call.status, CallStatus::Ended);
}

#[test]
fn an_agent_who_leaves_while_it_rings_leaves_the_customer_to_the_second_agent() {
    let mut story = Story::ringing();
    let asked = story.leaves(FIRST, 3);
    let hold =
        |value| Command::SetHold { conference_sid: ConferenceSid::from_u128(7), leg_id: CUSTOMER, value };
    assert_eq!(asked, [hold(true)], "in the room, which would otherwise close on the second agent");
    story.leg(SECOND, LegStatus::InProgress);
    let asked = story.joins(SECOND, 4);
    assert_eq!(asked[0], hold(false), "before the exit flags: {asked:?}");
    assert_eq!(story.transfer().status, TransferStatus::Completed);
    assert_eq!(story.call.holder, SECOND);
}

#[test]
fn in_a_settled_room_twilio_closes_it_and_nobody_is_told_twice() {
    let mut story = Story::introduced();
    story.leaves(FIRST, 4);
    for leg_id in [CUSTOMER, SECOND] {
        let conference_sid = ConferenceSid::from_u128(7);
        let command = Command::SetEndConferenceOnExit { conference_sid, leg_id, value: true };
        story.tell(Event::CommandDone { command, progress: None }).unwrap();
    }
    assert!(story.leaves(CUSTOMER, 5).is_empty());
    let mut unconfirmed = Story::introduced();
    unconfirmed.leaves(FIRST, 4);
    let told = Command::TellAndEnd { leg_id: SECOND, words: Words::CustomerLeft };
    assert_eq!(unconfirmed.leaves(CUSTOMER, 5), [told]);
}

#[test]
fn in_a_settled_room_evidence_tells_who_left_first_whatever_comes_first() {
    let settled = || {
        let mut story = Story::introduced();
        story.leaves(FIRST, 4);
        for leg_id in [CUSTOMER, SECOND] {
            story.call.leg_mut(leg_id).unwrap().ends_room = true;
        }
        story.leg(FIRST, LegStatus::Completed);
        story.leg(SECOND, LegStatus::Completed);
        story.leg(CUSTOMER, LegStatus::Completed);
        assert_eq!(story.call.stage, Stage::Ending, "nobody knows yet who was first");
        story
    };
    let mut told = settled();
    told.tell(room(9, RoomChangeKind::Ended { by: Some(sid(CUSTOMER)) })).unwrap();
    assert_eq!((told.call.stage, told.call.ended_by), (Stage::Ended, Some(Party::Customer)));
    let mut never_told = settled();
    never_told.tell(Event::TimerFired(Timer::EndLimit)).unwrap();
    assert_eq!((never_told.call.stage, never_told.call.ended_by), (Stage::Ended, Some(Party::SecondAgent)));
}

#[test]
fn whom_we_sent_away_was_not_first_even_if_that_closed_the_room() {
    let mut story = Story::introduced();
    story.leaves(FIRST, 4);
    // Twilio has the exit flags already, and has not told; that the customer left the room is lost.
    assert!(matches!(
        story.leg(CUSTOMER, LegStatus::Completed)[..],
        [Command::TellAndEnd { leg_id: SECOND, .. }]
    ));
    story.tell(room(9, RoomChangeKind::Ended { by: Some(sid(SECOND)) })).unwrap();
    story.leg(FIRST, LegStatus::Completed);
    story.leg(SECOND, LegStatus::Completed);
    story.tell(Event::TimerFired(Timer::EndLimit)).unwrap();
    assert_eq!((story.call.stage, story.call.ended_by), (Stage::Ended, Some(Party::Customer)));
}

#[test]
fn a_lost_join_is_seen_when_the_room_is_looked_into() {
    let mut story = Story::ringing();
    story.leg(SECOND, LegStatus::InProgress);
    let asked = story.tell(Event::TimerFired(Timer::MoveLimit)).unwrap();
    assert_eq!(asked, [Command::FetchLeg { leg_id: SECOND, overdue: false }, Command::LookIntoRoom]);
    let kind = RoomChangeKind::Joined(participant(SECOND));
    let seen = RoomChange { conference_sid: ConferenceSid::from_u128(7), sequence: None, kind };
    story.tell(Event::RoomChanged(seen)).unwrap();
    assert_eq!(story.transfer().status, TransferStatus::Joined);
}

#[test]
fn a_second_agent_who_hangs_up_before_the_hand_over_is_said_to_have_hung_up() {
    let mut story = Story::introduced();
    story.leaves(SECOND, 4);
    assert_eq!(story.transfer().failure_detail.as_deref(), Some("Dana hung up"));
    assert_eq!((story.call.status, story.transfer().failure), (CallStatus::InRoom, Some(Failure::Declined)));
}

#[test]
fn a_customer_left_by_the_agent_is_told_goodbye_when_nobody_comes() {
    let mut story = Story::ringing();
    story.leaves(FIRST, 3);
    let asked = story.leg(SECOND, LegStatus::NoAnswer);
    assert!(
        asked.contains(&Command::TellAndEnd { leg_id: CUSTOMER, words: Words::NobodyAvailable }),
        "{asked:?}"
    );
    story.leg(CUSTOMER, LegStatus::Completed);
    assert_eq!(story.call.end_reason, Some(EndReason::TransferFailed));
}

#[test]
fn on_the_bridge_the_dial_action_tells_who_hung_up_first() {
    let mut customer_first = Story::connected();
    customer_first.leg(CUSTOMER, LegStatus::Completed);
    customer_first.tell(dial_ended(true)).unwrap();
    assert_eq!(after_dial(&customer_first.call), AfterDial::HangUp(None));
    customer_first.leg(FIRST, LegStatus::Completed);
    assert_eq!(customer_first.call.ended_by, Some(Party::Customer));

    let mut agent_first = Story::connected();
    agent_first.leg(CUSTOMER, LegStatus::Completed);
    agent_first.tell(dial_ended(false)).unwrap();
    agent_first.leg(FIRST, LegStatus::Completed);
    assert_eq!(agent_first.call.ended_by, Some(Party::FirstAgent));
    assert_eq!(agent_first.call.status, CallStatus::Ended);
}

#[test]
fn an_agent_who_hangs_up_before_the_move_has_ended_the_bridge_even_if_the_customers_news_comes_first() {
    let mut story = Story::connected();
    story.tell(transfer()).unwrap();
    story.leg(CUSTOMER, LegStatus::Completed);
    story.tell(room(2, RoomChangeKind::Ended { by: Some(sid(SECOND)) })).unwrap();
    story.leg(FIRST, LegStatus::Completed);
    story.leg(SECOND, LegStatus::Canceled);
    assert_eq!((story.call.stage, story.call.ended_by), (Stage::Ended, Some(Party::FirstAgent)));
}

#[test]
fn in_the_room_whose_last_news_comes_last_says_nothing_of_who_was_first() {
    let mut story = Story::introduced();
    for command in story.leaves(FIRST, 4) {
        story.tell(Event::CommandDone { command, progress: None }).unwrap();
    }
    story.leg(CUSTOMER, LegStatus::Completed);
    story.leg(SECOND, LegStatus::Completed);
    assert_eq!(story.call.stage, Stage::Ending, "the guess waits for evidence");
    story.tell(room(5, RoomChangeKind::Ended { by: Some(sid(SECOND)) })).unwrap();
    assert_eq!((story.call.stage, story.call.ended_by), (Stage::Ended, Some(Party::SecondAgent)));
}

#[test]
fn a_room_that_closes_behind_a_customer_sent_to_a_goodbye_was_not_closed_by_them() {
    let mut story = Story::introduced();
    story.tell(Event::CompleteRequested).unwrap();
    story.leaves(SECOND, 4); // before the agent has left
    let asked = story.leg(FIRST, LegStatus::Completed);
    assert_eq!(asked, [Command::TellAndEnd { leg_id: CUSTOMER, words: Words::CallOver }]);
    story.tell(room(6, RoomChangeKind::Ended { by: Some(sid(CUSTOMER)) })).unwrap();
    story.leg(SECOND, LegStatus::Completed);
    story.leg(CUSTOMER, LegStatus::Completed);
    story.tell(Event::TimerFired(Timer::EndLimit)).unwrap();
    assert_eq!((story.call.stage, story.call.ended_by), (Stage::Ended, Some(Party::FirstAgent)));
}

#[test]
fn somebody_whom_twilio_does_not_find_in_the_room_is_asked_for() {
    let mut story = Story::introduced();
    let asked = story.leaves(FIRST, 4); // the second agent has left, too, unheard
    let command = asked.into_iter().find(|command| command.leg_id() == Some(SECOND)).unwrap();
    let refused = Event::CommandRefused { command, gone: true, failure: Failure::Error, why: None };
    let asked = story.tell(refused).unwrap();
    assert_eq!(asked, [Command::FetchLeg { leg_id: SECOND, overdue: false }, Command::LookIntoRoom]);
    let asked = story.leg(SECOND, LegStatus::Completed);
    assert_eq!(asked, [Command::TellAndEnd { leg_id: CUSTOMER, words: Words::CallOver }]);
}

#[test]
fn a_customer_who_is_not_reached_is_explained_to_the_agent() {
    let mut story = Story::begin();
    story.leg(FIRST, LegStatus::InProgress);
    story.leg(CUSTOMER, LegStatus::Ringing);
    story
        .tell(Event::DialEnded(DialEnded {
            agent_on_line: true,
            dial_status: Some(LegStatus::NoAnswer),
            why: None,
        }))
        .unwrap();
    let words = Words::CustomerNotReached { failure: Failure::NoAnswer };
    assert_eq!(after_dial(&story.call), AfterDial::HangUp(Some(words)));
    story.leg(FIRST, LegStatus::Completed);
    assert_eq!(story.call.end_reason, Some(EndReason::CustomerNoAnswer));
}

#[test]
fn requests_that_come_at_the_wrong_time_are_refused_and_change_nothing() {
    let mut early = Story::begin();
    assert_eq!(early.tell(transfer()), Err(Refusal::NotConnected));
    let mut twice = Story::ringing();
    let before = twice.call.clone();
    assert_eq!(twice.tell(transfer()), Err(Refusal::TransferInProgress));
    assert_eq!(twice.tell(Event::CompleteRequested), Err(Refusal::NotJoined));
    assert_eq!(twice.call, before);
    let mut none = Story::connected();
    assert_eq!(none.tell(Event::CompleteRequested), Err(Refusal::NoTransfer));
    assert_eq!(none.tell(Event::CancelRequested), Err(Refusal::NoTransfer));
}

#[test]
fn whoever_was_handed_the_customer_can_transfer_on() {
    let third = Uuid::from_u128(5);
    let mut story = Story::introduced();
    story.leaves(FIRST, 4);
    let asked = story.tell(transfer_to(third)).unwrap();
    assert!(sets_exit(&asked, CUSTOMER, false) && sets_exit(&asked, SECOND, false), "{asked:?}");
    assert!(asked.contains(&Command::CreateParticipant { leg_id: third }), "nobody is moved: {asked:?}");
    assert_eq!(asked.len(), 3);
    story.leg(third, LegStatus::InProgress);
    story.joins(third, 5);
    story.leaves(SECOND, 6);
    assert_eq!((story.call.holder, story.transfer().status), (third, TransferStatus::Completed));
}

#[test]
fn a_refused_move_keeps_the_two_on_their_bridge() {
    let mut story = Story::connected();
    story.tell(transfer()).unwrap();
    story.leg(SECOND, LegStatus::Ringing);
    let command = Command::MoveToRoom { leg_id: CUSTOMER };
    let asked = story
        .tell(Event::CommandRefused { command, gone: false, failure: Failure::Error, why: None })
        .unwrap();
    assert_eq!(asked, [Command::EndLeg { leg_id: SECOND }]);
    assert_eq!((story.call.status, story.transfer().failure), (CallStatus::Connected, Some(Failure::Error)));
}

#[test]
fn stale_and_doubled_news_changes_nothing() {
    let mut story = Story::introduced();
    let before = story.call.clone();
    story.leg(SECOND, LegStatus::Ringing);
    story.leg(CUSTOMER, LegStatus::InProgress);
    story.joins(CUSTOMER, 1);
    story.tell(room(2, left(FIRST))).unwrap();
    assert_eq!(story.call, before);
}

#[test]
fn a_lost_answer_is_asked_for_before_a_ringing_leg_is_ended() {
    let mut story = Story::ringing();
    let limit = Event::TimerFired(Timer::RingLimit { leg_id: SECOND });
    assert_eq!(story.tell(limit.clone()).unwrap(), [Command::FetchLeg { leg_id: SECOND, overdue: true }]);
    let answered = progress(SECOND, LegStatus::InProgress);
    let fetch = Command::FetchLeg { leg_id: SECOND, overdue: true };
    story.tell(Event::CommandDone { command: fetch, progress: Some(answered) }).unwrap();
    assert_eq!(story.transfer().status, TransferStatus::Answered);
    assert!(story.tell(limit).unwrap().is_empty());
}

#[test]
fn who_still_waits_to_be_dialled_when_the_ring_should_be_over_is_not_rung_any_more() {
    let mut story = Story::begin();
    story.leg(FIRST, LegStatus::Queued);
    let limit = Event::TimerFired(Timer::RingLimit { leg_id: FIRST });
    let [command] = &story.tell(limit).unwrap()[..] else { panic!("Twilio is asked") };
    assert_eq!(*command, Command::FetchLeg { leg_id: FIRST, overdue: true });
    let progress = Some(progress(FIRST, LegStatus::Queued));
    let asked = story.tell(Event::CommandDone { command: command.clone(), progress }).unwrap();
    assert_eq!(asked, [Command::EndLeg { leg_id: FIRST }]);
    assert_eq!(story.call.end_reason, Some(EndReason::AgentNoAnswer));
}

#[test]
fn an_end_of_a_dial_that_never_was_means_that_the_customer_was_not_reached() {
    let mut story = Story::begin();
    story.leg(FIRST, LegStatus::InProgress);
    story.tell(Event::DialEnded(DialEnded { agent_on_line: true, dial_status: None, why: None })).unwrap();
    let words = Words::CustomerNotReached { failure: Failure::Error };
    assert_eq!(after_dial(&story.call), AfterDial::HangUp(Some(words)));
    assert_eq!(story.call.end_reason, Some(EndReason::CustomerUnreachable));
}

#[test]
fn a_create_that_was_given_up_and_happened_all_the_same_is_ended() {
    let mut story = Story::connected();
    story.tell(transfer()).unwrap();
    let command = Command::CreateParticipant { leg_id: SECOND };
    story.tell(Event::CommandRefused { command, gone: false, failure: Failure::Error, why: None }).unwrap();
    assert_eq!(story.transfer().failure, Some(Failure::Error));
    assert_eq!(story.leg(SECOND, LegStatus::Ringing), [Command::EndLeg { leg_id: SECOND }]);
    assert_eq!(story.transfer().failure, Some(Failure::Error));
}

fn any_leg() -> impl Strategy<Value = Uuid> {
    prop_oneof![4 => Just(FIRST), 4 => Just(CUSTOMER), 4 => Just(SECOND), 4 => Just(THIRD), 1 => Just(SUPERVISOR)]
}

fn any_transfer() -> impl Strategy<Value = Event> {
    let styles = prop::sample::select(vec![Style::WithCustomer, Style::PrivateFirst, Style::Blind]);
    let rings = prop::sample::select(vec![Ring::InTurn, Ring::Together]);
    (styles, rings, any::<bool>(), any::<bool>()).prop_map(|(style, ring, require_accept, are_two)| {
        let mut request = request_to(SECOND);
        request.targets.extend(are_two.then(|| target(THIRD)));
        Event::TransferRequested(TransferRequest { style, ring, require_accept, ..request })
    })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let rings_back = |it: bool| if it { NobodyLeft::RingBack } else { NobodyLeft::Goodbye };
    any::<[bool; 6]>().prop_map(move |[early, nobody, blind, second, consult, fails]| Policy {
        agent_leaves_early: if early { AgentLeavesEarly::EndCall } else { AgentLeavesEarly::CustomerWaits },
        nobody_reached: rings_back(nobody),
        blind_fails: rings_back(blind),
        second_agent_leaves: rings_back(second),
        customer_leaves_consult: if consult {
            CustomerLeavesConsult::AgentsFinish
        } else {
            CustomerLeavesConsult::End
        },
        target_fails: if fails { TargetFails::TryAgain } else { TargetFails::GiveUp },
        ..Policy::default()
    })
}

fn any_request() -> impl Strategy<Value = Event> {
    let controls = prop::sample::select(vec![Control::Hold, Control::Resume, Control::Mute, Control::Unmute]);
    let roles =
        prop::sample::select(vec![Role::FirstAgent, Role::Customer, Role::SecondAgent, Role::Supervisor]);
    let simple = prop::sample::select(vec![
        Event::CompleteRequested,
        Event::CancelRequested,
        Event::MergeRequested,
        Event::SwapRequested,
    ]);
    let monitors = prop::sample::select(vec![Monitor::Listen, Monitor::Coach, Monitor::Barge]);
    let agent = Uuid::from_u128(77);
    prop_oneof![
        2 => monitors.prop_map(move |monitor| supervise(agent, monitor)),
        1 => Just(Event::SuperviseEndRequested { agent }),
        4 => simple,
        3 => (roles.clone(), controls).prop_map(|(role, control)| Event::ControlRequested { role, control }),
        1 => roles.prop_map(|role| Event::RemoveRequested { role, by: Party::Crm }),
    ]
}

fn supervise(agent: Uuid, monitor: Monitor) -> Event {
    let to = "client:robin".parse().unwrap();
    Event::SuperviseRequested(SuperviseRequest {
        leg_id: SUPERVISOR,
        agent,
        to,
        name: "Robin".into(),
        monitor,
    })
}

fn any_timer() -> impl Strategy<Value = Event> {
    let transfer_id = request_to(SECOND).transfer_id;
    let others = prop::sample::select(vec![
        Timer::MoveLimit,
        Timer::MoveAgain,
        Timer::EndLimit,
        Timer::Watch,
        Timer::ConsultLimit { transfer_id },
    ]);
    let timer = prop_oneof![
        any_leg().prop_map(|leg_id| Timer::RingLimit { leg_id }),
        any_leg().prop_map(|leg_id| Timer::AcceptLimit { leg_id }),
        others,
    ];
    timer.prop_map(Event::TimerFired)
}

fn any_status() -> impl Strategy<Value = LegStatus> {
    use LegStatus::*;
    prop::sample::select(vec![
        Queued, Initiated, Ringing, InProgress, InProgress, Completed, Busy, NoAnswer, Failed, Canceled,
    ])
}

fn any_command() -> impl Strategy<Value = Command> {
    any_leg().prop_flat_map(|leg_id| {
        prop::sample::select(vec![
            Command::CreateCall { leg_id: FIRST },
            Command::CreateParticipant { leg_id: SECOND },
            Command::MoveToRoom { leg_id: CUSTOMER },
            Command::EndLeg { leg_id },
            Command::FetchLeg { leg_id, overdue: true },
            Command::FetchLeg { leg_id, overdue: false },
            Command::MoveToMusic { leg_id },
            Command::AskToAccept { leg_id },
            Command::FindCustomer { leg_id: CUSTOMER },
            Command::TellAndEnd { leg_id, words: Words::CallOver },
            Command::SetEndConferenceOnExit {
                conference_sid: ConferenceSid::from_u128(7),
                leg_id,
                value: true,
            },
        ])
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    let leg = (any_leg(), any_status()).prop_map(|(id, status)| Event::LegProgressed(progress(id, status)));
    let change = (any_leg(), 0..40_i64, 0..4_u8).prop_map(|(leg_id, sequence, kind)| {
        room(
            sequence,
            match kind {
                0 | 1 => RoomChangeKind::Joined(participant(leg_id)),
                2 => left(leg_id),
                _ => RoomChangeKind::Ended { by: None },
            },
        )
    });
    let done = (any_command(), any_status()).prop_map(|(command, status)| {
        let progress = command.leg_id().map(|leg_id| progress(leg_id, status));
        Event::CommandDone { command, progress }
    });
    let refused = (any_command(), any::<bool>()).prop_map(|(command, gone)| Event::CommandRefused {
        command,
        gone,
        failure: Failure::Error,
        why: None,
    });
    prop_oneof![
        8 => leg,
        5 => change,
        3 => done,
        1 => refused,
        2 => any::<bool>().prop_map(dial_ended),
        2 => any_transfer(),
        3 => any_request(),
        2 => any_timer(),
        1 => any_leg().prop_map(|leg_id| Event::MusicStarted { leg_id, transfer_id: Some(request_to(SECOND).transfer_id) }),
        1 => (any_leg(), prop::sample::select(vec![GateAnswer::Accepted, GateAnswer::Declined]))
            .prop_map(|(leg_id, answer)| Event::GateAnswered { leg_id, answer }),
    ]
}

/// The same leg ids may be asked for only once, as ids are unique.
fn once(events: Vec<Event>) -> impl Iterator<Item = Event> {
    let mut asked = false;
    events.into_iter().filter(move |event| {
        let is_transfer = matches!(event, Event::TransferRequested(_));
        let again = is_transfer && asked;
        asked |= is_transfer;
        !again
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn whatever_happens_nobody_is_dialled_twice_and_every_call_can_end(
        events in prop::collection::vec(any_event(), 0..80),
        policy in any_policy(),
        in_room in any::<bool>(),
    ) {
        let bridge = if in_room { Bridge::Room } else { Bridge::Dial };
        let mut story = Story::begin_with(bridge, policy);
        for event in once(events) {
            let ended = (story.call.stage == Stage::Ended).then(|| story.call.clone());
            let _ = story.tell(event);
            if let Some(before) = ended {
                prop_assert_eq!(story.call.stage, Stage::Ended);
                prop_assert_eq!((before.ended_by, before.ended_at), (story.call.ended_by, story.call.ended_at));
            }
        }
        for leg in &story.call.legs {
            let dials = story.asked.iter().filter(|it| it.dials() && it.leg_id() == Some(leg.id)).count();
            prop_assert!(dials <= 1, "{:?}", leg);
        }
        let _ = story.tell(Event::HangUpRequested { by: Party::Crm });
        for leg in story.call.legs.clone().iter().filter(|leg| !leg.is_over()) {
            let named = story.leg(leg.id, LegStatus::Queued);
            let is_ended_when_named = named.contains(&Command::EndLeg { leg_id: leg.id });
            prop_assert!(leg.call_sid.is_some() || is_ended_when_named);
            story.leg(leg.id, LegStatus::Completed);
        }
        let _ = story.tell(Event::TimerFired(Timer::EndLimit)); // should nobody know who was first
        prop_assert_eq!(story.call.stage, Stage::Ended);
        prop_assert!(story.call.ended_by.is_some() && story.call.end_reason.is_some());
        prop_assert!(story.call.transfers.iter().all(|transfer| transfer.ended_at.is_some()));
    }
}
