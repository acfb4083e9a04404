//! Private and blind transfers, the accept gate, several second agents, in-call control, and the room from the start.

use super::*;

fn style(style: Style) -> TransferRequest {
    TransferRequest { style, ..request_to(SECOND) }
}

fn asked_for(request: TransferRequest, policy: Policy) -> (Story, Vec<Command>) {
    let mut story = Story { policy, ..Story::connected() };
    let asked = story.tell(Event::TransferRequested(request)).unwrap();
    (story, asked)
}

/// The agents talk; the customer hears music.
fn consulting() -> Story {
    let (mut story, _) = asked_for(style(Style::PrivateFirst), Policy::default());
    story.tell(dial_ended(true)).unwrap();
    story.joins(FIRST, 1);
    story.leg(SECOND, LegStatus::InProgress);
    story.joins(SECOND, 2);
    story
}

fn told(leg_id: Uuid, words: Words) -> Command {
    Command::TellAndEnd { leg_id, words }
}

#[test]
fn in_private_the_customer_hears_music_until_the_agents_have_talked() {
    let (mut story, asked) = asked_for(style(Style::PrivateFirst), Policy::default());
    let expected = [Command::MoveToMusic { leg_id: CUSTOMER }, Command::CreateParticipant { leg_id: SECOND }];
    assert_eq!(asked, expected);
    story.tell(dial_ended(true)).unwrap();
    assert_eq!(after_dial(&story.call), AfterDial::Room);
    let mut story = consulting();
    assert_eq!(story.call.stage, Stage::Consulting);
    assert_eq!(
        story.tell(Event::CompleteRequested).unwrap(),
        [Command::MoveToRoom { leg_id: CUSTOMER }],
        "the agent stays until the customer has come"
    );
    assert_eq!(story.joins(CUSTOMER, 3), [Command::EndLeg { leg_id: FIRST }]);
    story.leaves(FIRST, 4);
    assert_eq!((story.call.stage, story.call.holder), (Stage::InRoom, SECOND));
    assert_eq!(story.transfer().status, TransferStatus::Completed);
}

#[test]
fn merged_all_three_talk_and_the_agent_leaves_when_they_like() {
    let mut story = consulting();
    assert_eq!(story.tell(Event::MergeRequested).unwrap(), [Command::MoveToRoom { leg_id: CUSTOMER }]);
    assert!(story.joins(CUSTOMER, 3).is_empty());
    assert_eq!(story.call.stage, Stage::Introducing);
    assert_eq!(story.tell(Event::CompleteRequested).unwrap(), [Command::EndLeg { leg_id: FIRST }]);
}

#[test]
fn swapped_nobody_comes_in_before_the_other_is_out() {
    let mut story = consulting();
    assert_eq!(story.tell(Event::SwapRequested).unwrap(), [Command::MoveToMusic { leg_id: SECOND }]);
    let asked = story.tell(Event::MusicStarted { leg_id: SECOND }).unwrap();
    assert_eq!(asked, [Command::MoveToRoom { leg_id: CUSTOMER }]);
    story.joins(CUSTOMER, 3);
    assert_eq!(story.tell(Event::SwapRequested).unwrap(), [Command::MoveToMusic { leg_id: CUSTOMER }]);
    let kind = RoomChangeKind::Left {
        participant: participant(CUSTOMER),
        status: Some(LegStatus::InProgress),
        hung_up: false,
    };
    assert_eq!(story.tell(room(4, kind)).unwrap(), [Command::MoveToRoom { leg_id: SECOND }]);
    assert_eq!(story.call.stage, Stage::Consulting);
}

#[test]
fn an_agent_who_leaves_a_consultation_leaves_the_customer_to_the_second() {
    let mut story = consulting();
    assert_eq!(story.leaves(FIRST, 3), [Command::MoveToRoom { leg_id: CUSTOMER }]);
    assert_eq!((story.call.stage, story.call.holder), (Stage::InRoom, SECOND));
}

#[test]
fn a_second_agent_who_leaves_a_consultation_leaves_the_two_together_and_told() {
    let mut story = consulting();
    assert_eq!(story.leaves(SECOND, 3), [Command::MoveToRoom { leg_id: CUSTOMER }]);
    let asked = story.joins(CUSTOMER, 4);
    let is_said = |it: &Command| matches!(it, Command::Announce { words: Words::TransferFailed { outcome }, .. } if outcome == "Dana hung up");
    assert!(asked.iter().any(is_said), "{asked:?}");
}

#[test]
fn a_customer_who_leaves_a_consultation_ends_it_or_lets_the_agents_finish() {
    let mut story = consulting();
    let asked = story.leg(CUSTOMER, LegStatus::Completed);
    assert_eq!(asked, [told(SECOND, Words::CustomerLeft), told(FIRST, Words::CustomerLeft)]);
    let policy = Policy { customer_leaves_consult: CustomerLeavesConsult::AgentsFinish, ..Policy::default() };
    let mut story = Story { policy, ..consulting() };
    let asked = story.leg(CUSTOMER, LegStatus::Completed);
    assert!(matches!(asked.last(), Some(Command::Announce { words: Words::CustomerGone, .. })), "{asked:?}");
    assert!(!asked.iter().any(|it| matches!(it, Command::TellAndEnd { .. } | Command::EndLeg { .. })));
}

#[test]
fn where_both_are_in_the_room_the_customer_is_out_of_it_before_the_second_agent_is_rung() {
    let mut story = Story::introduced();
    story.leaves(FIRST, 4);
    let request = TransferRequest { style: Style::PrivateFirst, ..request_to(THIRD) };
    let asked = story.tell(Event::TransferRequested(request)).unwrap();
    assert_eq!(asked.last(), Some(&Command::MoveToMusic { leg_id: CUSTOMER }));
    assert!(!asked.iter().any(Command::dials));
    let asked = story.tell(Event::MusicStarted { leg_id: CUSTOMER }).unwrap();
    assert_eq!(asked, [Command::CreateParticipant { leg_id: THIRD }]);
}

#[test]
fn blind_the_agent_leaves_at_once_and_the_customer_meets_the_second_agent() {
    let (mut story, asked) = asked_for(style(Style::Blind), Policy::default());
    assert_eq!(asked[0], Command::MoveToMusic { leg_id: CUSTOMER });
    story.tell(dial_ended(true)).unwrap();
    assert_eq!(after_dial(&story.call), AfterDial::HangUp(Some(Words::HandedOver)));
    story.leg(FIRST, LegStatus::Completed);
    story.leg(SECOND, LegStatus::InProgress);
    assert_eq!(story.joins(SECOND, 1), [Command::MoveToRoom { leg_id: CUSTOMER }]);
    assert_eq!((story.call.stage, story.call.holder), (Stage::InRoom, SECOND));
}

#[test]
fn a_blind_transfer_that_fails_rings_the_agent_back_once() {
    let (mut story, _) = asked_for(style(Style::Blind), Policy::default());
    story.tell(dial_ended(true)).unwrap();
    story.leg(FIRST, LegStatus::Completed);
    let asked = story.leg(SECOND, LegStatus::NoAnswer);
    let [Command::CreateParticipant { leg_id: back }] = asked[..] else { panic!("{asked:?}") };
    assert_eq!(story.call.leg(back).unwrap().address, story.call.legs[0].address);
    assert_eq!(story.leg(back, LegStatus::Busy), [told(CUSTOMER, Words::NobodyAvailable)]);
    assert_eq!(story.call.end_reason, Some(EndReason::TransferFailed));
    assert_eq!(story.call.transfers.len(), 2);
}

#[test]
fn at_the_gate_only_who_accepts_counts_as_present() {
    let request = TransferRequest { require_accept: true, ..request_to(SECOND) };
    let (mut story, _) = asked_for(request, Policy::default());
    story.tell(dial_ended(true)).unwrap();
    story.joins(CUSTOMER, 1);
    story.joins(FIRST, 2);
    story.joins(SECOND, 3);
    assert_eq!(story.leg(SECOND, LegStatus::InProgress), [Command::AskToAccept { leg_id: SECOND }]);
    assert_eq!(story.call.stage, Stage::Transferring);
    story.tell(Event::GateAnswered { leg_id: SECOND, answer: GateAnswer::Accepted }).unwrap();
    assert_eq!(after_gate(&story.call, SECOND), AfterGate::Room);
    story.joins(SECOND, 5);
    assert_eq!(story.call.stage, Stage::Introducing);
}

#[test]
fn who_says_nothing_at_the_gate_counts_as_not_answering() {
    let request = TransferRequest { require_accept: true, ..request_to(SECOND) };
    let (mut story, _) = asked_for(request, Policy::default());
    story.leg(SECOND, LegStatus::InProgress);
    story.tell(Event::GateAnswered { leg_id: SECOND, answer: GateAnswer::Silent }).unwrap();
    assert_eq!(story.transfer().failure, Some(Failure::NoAnswer));
    assert_eq!(story.transfer().failure_detail.as_deref(), Some("Dana did not answer within 20 s"));
    assert_eq!(story.call.stage, Stage::InRoom);
}

#[test]
fn several_in_turn_are_rung_until_one_takes_the_call() {
    let targets = vec![target(SECOND), target(THIRD)];
    let (mut story, asked) = asked_for(TransferRequest { targets, ..request_to(SECOND) }, Policy::default());
    assert_eq!(asked.iter().filter(|it| it.dials()).count(), 1);
    assert_eq!(story.leg(SECOND, LegStatus::Busy), [Command::CreateParticipant { leg_id: THIRD }]);
    assert_eq!(story.transfer().leg_id, THIRD);
    story.leg(THIRD, LegStatus::NoAnswer);
    let detail = story.transfer().failure_detail.clone();
    assert_eq!(detail.as_deref(), Some("Dana is busy, Kim did not answer within 20 s"));
}

#[test]
fn of_several_together_the_first_to_accept_wins_and_the_others_are_told() {
    let targets = vec![target(SECOND), target(THIRD)];
    let request = TransferRequest { targets, ring: Ring::Together, ..request_to(SECOND) };
    let (mut story, asked) = asked_for(request, Policy::default());
    assert_eq!(asked.iter().filter(|it| it.dials()).count(), 2);
    assert_eq!(story.leg(SECOND, LegStatus::InProgress), [Command::AskToAccept { leg_id: SECOND }]);
    assert_eq!(story.leg(THIRD, LegStatus::InProgress), [Command::AskToAccept { leg_id: THIRD }]);
    let asked = story.tell(Event::GateAnswered { leg_id: THIRD, answer: GateAnswer::Accepted }).unwrap();
    assert_eq!(asked, [told(SECOND, Words::TakenBy { name: "Kim".into() })]);
    story.tell(Event::GateAnswered { leg_id: SECOND, answer: GateAnswer::Accepted }).unwrap();
    assert_eq!(after_gate(&story.call, THIRD), AfterGate::Room);
    let taken = AfterGate::HangUp(Words::TakenBy { name: "Kim".into() });
    assert_eq!(after_gate(&story.call, SECOND), taken);
}

#[test]
fn a_site_may_ring_somebody_twice() {
    let policy = Policy { target_fails: TargetFails::TryAgain, ..Policy::default() };
    let (mut story, _) = asked_for(request_to(SECOND), policy);
    let asked = story.leg(SECOND, LegStatus::Busy);
    let [Command::CreateParticipant { leg_id: again }] = asked[..] else { panic!("{asked:?}") };
    assert_ne!(again, SECOND);
    story.leg(again, LegStatus::Busy);
    assert_eq!(story.transfer().status, TransferStatus::Failed);
}

#[test]
fn exit_flags_come_off_before_a_hold_and_back_on_after_it() {
    let mut story = Story::introduced();
    story.leaves(FIRST, 4);
    let conference_sid = ConferenceSid::from_u128(7);
    let hold = |value| Command::SetHold { conference_sid: conference_sid.clone(), leg_id: CUSTOMER, value };
    let control = |control| Event::ControlRequested { role: Role::Customer, control };
    let asked = story.tell(control(Control::Hold)).unwrap();
    let is_off = |it: &Command| matches!(it, Command::SetEndConferenceOnExit { value: false, .. });
    assert!(asked[..2].iter().all(is_off) && asked[2] == hold(true), "{asked:?}");
    let asked = story.tell(control(Control::Resume)).unwrap();
    let is_on = |it: &Command| matches!(it, Command::SetEndConferenceOnExit { value: true, .. });
    assert!(asked[0] == hold(false) && asked[1..].iter().all(is_on) && asked.len() == 3, "{asked:?}");
}

#[test]
fn on_the_bridge_a_hold_takes_both_to_the_room_first() {
    let mut story = Story::connected();
    let hold = Event::ControlRequested { role: Role::Customer, control: Control::Hold };
    assert_eq!(story.tell(hold).unwrap(), [Command::MoveToRoom { leg_id: CUSTOMER }]);
    story.tell(dial_ended(true)).unwrap();
    assert_eq!(after_dial(&story.call), AfterDial::Room);
    // Moving forgot nothing: on entering the room they are held.
    let asked = story.joins(CUSTOMER, 1);
    assert!(matches!(asked[..], [Command::SetHold { value: true, .. }]), "{asked:?}");
}

#[test]
fn with_the_room_as_bridge_a_transfer_moves_nobody() {
    let mut story = Story::begin_with(Bridge::Room, Policy::default());
    let asked = story.leg(FIRST, LegStatus::InProgress);
    assert_eq!(asked, [Command::CreateParticipant { leg_id: CUSTOMER }]);
    story.joins(FIRST, 1);
    story.leg(CUSTOMER, LegStatus::Ringing);
    story.joins(CUSTOMER, 2);
    let asked = story.leg(CUSTOMER, LegStatus::InProgress);
    assert_eq!(asked.len(), 2, "both exits close the room: {asked:?}");
    assert_eq!(story.call.stage, Stage::InRoom);
    let asked = story.tell(transfer()).unwrap();
    assert!(!asked.iter().any(|it| matches!(it, Command::MoveToRoom { .. })), "{asked:?}");
    story.leg(SECOND, LegStatus::InProgress);
    story.joins(SECOND, 3);
    story.leaves(FIRST, 4);
    assert_eq!((story.call.stage, story.call.holder), (Stage::InRoom, SECOND));
}

#[test]
fn with_the_room_as_bridge_an_unreached_customer_is_told_to_the_agent() {
    let mut story = Story::begin_with(Bridge::Room, Policy::default());
    story.leg(FIRST, LegStatus::InProgress);
    let asked = story.leg(CUSTOMER, LegStatus::Busy);
    assert_eq!(asked, [told(FIRST, Words::CustomerNotReached { failure: Failure::Busy })]);
    let mut story = Story::begin_with(Bridge::Room, Policy::default());
    story.leg(FIRST, LegStatus::InProgress);
    story.leg(CUSTOMER, LegStatus::Ringing);
    assert_eq!(story.leg(FIRST, LegStatus::Completed), [Command::EndLeg { leg_id: CUSTOMER }]);
}

#[test]
fn a_silent_call_is_asked_for_at_twilio() {
    let mut story = Story::connected();
    let asked = story.tell(Event::TimerFired(Timer::Watch)).unwrap();
    let fetch = |leg_id| Command::FetchLeg { leg_id, overdue: false };
    assert_eq!(asked, [fetch(FIRST), fetch(CUSTOMER)]);
    let gone = Event::CommandDone {
        command: fetch(CUSTOMER),
        progress: Some(progress(CUSTOMER, LegStatus::Completed)),
    };
    story.tell(gone).unwrap();
    assert_eq!(story.call.stage, Stage::Ending);
}

#[test]
fn a_customer_of_whom_nothing_was_heard_is_looked_for() {
    let mut story = Story::begin();
    story.leg(FIRST, LegStatus::InProgress);
    let asked = story.tell(Event::TimerFired(Timer::RingLimit { leg_id: CUSTOMER })).unwrap();
    let find = Command::FindCustomer { leg_id: CUSTOMER };
    assert_eq!(asked, std::slice::from_ref(&find));
    let found = progress(CUSTOMER, LegStatus::InProgress);
    story.tell(Event::CommandDone { command: find, progress: Some(found) }).unwrap();
    assert_eq!(story.call.stage, Stage::Connected);
}

#[test]
fn nobody_is_sent_where_they_should_not_be_any_more() {
    let mut story = consulting();
    let stale = Command::MoveToRoom { leg_id: CUSTOMER };
    assert!(!is_still_wanted(&story.call, &stale), "the customer would hear the agents");
    story.tell(Event::MergeRequested).unwrap();
    assert!(is_still_wanted(&story.call, &stale));
}

#[test]
fn a_customer_found_in_the_room_by_looking_may_have_been_the_first_to_leave_it() {
    let (mut story, _) = asked_for(style(Style::Blind), Policy::default());
    story.leg(FIRST, LegStatus::Completed);
    story.leg(SECOND, LegStatus::InProgress);
    story.joins(CUSTOMER, 1);
    let seen = RoomChange {
        conference_sid: ConferenceSid::from_u128(7),
        sequence: None,
        kind: RoomChangeKind::Joined(participant(SECOND)),
    };
    story.tell(Event::RoomChanged(seen)).unwrap();
    let conference_sid = ConferenceSid::from_u128(7);
    let command = Command::SetEndConferenceOnExit { conference_sid, leg_id: SECOND, value: true };
    story.tell(Event::CommandDone { command, progress: None }).unwrap();
    story.leg(SECOND, LegStatus::Completed);
    story.tell(room(5, RoomChangeKind::Ended { by: Some(sid(CUSTOMER)) })).unwrap();
    story.leg(CUSTOMER, LegStatus::Completed);
    assert_eq!((story.call.stage, story.call.ended_by), (Stage::Ended, Some(Party::Customer)));
}

#[test]
fn a_customer_whose_coming_was_not_heard_of_is_out_before_a_private_second_agent_is_rung() {
    let mut story = Story::connected();
    story.tell(Event::ControlRequested { role: Role::Customer, control: Control::Hold }).unwrap();
    assert_eq!(story.call.stage, Stage::InRoom);
    let asked = story.tell(Event::TransferRequested(style(Style::PrivateFirst))).unwrap();
    assert_eq!(asked, [Command::MoveToMusic { leg_id: CUSTOMER }]);
    let asked = story.tell(Event::MusicStarted { leg_id: CUSTOMER }).unwrap();
    assert_eq!(asked, [Command::CreateParticipant { leg_id: SECOND }]);
}

#[test]
fn nobody_comes_in_for_a_customer_who_is_seen_to_be_still_inside() {
    let (mut story, _) = asked_for(style(Style::WithCustomer), Policy::default());
    story.tell(Event::CancelRequested).unwrap();
    story.joins(FIRST, 1);
    story.joins(CUSTOMER, 2);
    let again = TransferRequest { style: Style::PrivateFirst, ..request_to(THIRD) };
    story.tell(Event::TransferRequested(again)).unwrap();
    let seen = RoomChange {
        conference_sid: ConferenceSid::from_u128(7),
        sequence: None,
        kind: RoomChangeKind::Joined(participant(CUSTOMER)),
    };
    story.tell(Event::TimerFired(Timer::MoveLimit)).unwrap();
    story.tell(Event::RoomChanged(seen)).unwrap();
    let asked = story.tell(Event::TimerFired(Timer::MoveAgain)).unwrap();
    assert_eq!(asked, [Command::MoveToMusic { leg_id: CUSTOMER }]);
    let asked = story.tell(Event::MusicStarted { leg_id: CUSTOMER }).unwrap();
    assert_eq!(asked, [Command::CreateParticipant { leg_id: THIRD }]);
}
