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
    let asked = story.hears_music(SECOND).unwrap();
    assert_eq!(asked, [Command::MoveToRoom { leg_id: CUSTOMER }]);
    story.joins(CUSTOMER, 3);
    assert_eq!(story.tell(Event::SwapRequested).unwrap(), [Command::MoveToMusic { leg_id: CUSTOMER }]);
    let kind = RoomChangeKind::Left {
        participant: participant(CUSTOMER),
        status: Some(LegStatus::InProgress),
        hung_up: false,
    };
    assert!(story.tell(room(4, kind)).unwrap().is_empty(), "whoever is moved into the room leaves it, too");
    assert_eq!(story.hears_music(CUSTOMER).unwrap(), [Command::MoveToRoom { leg_id: SECOND }]);
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
    let asked = story.hears_music(CUSTOMER).unwrap();
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
fn of_several_together_nobody_is_left_when_the_one_who_took_the_call_hangs_up_at_once() {
    for agent_stays in [true, false] {
        let targets = vec![target(SECOND), target(THIRD)];
        let request = TransferRequest { targets, ring: Ring::Together, ..request_to(SECOND) };
        let (mut story, _) = asked_for(request, Policy::default());
        story.tell(dial_ended(true)).unwrap();
        story.joins(CUSTOMER, 1);
        story.joins(FIRST, 2);
        story.leg(SECOND, LegStatus::InProgress);
        story.leg(THIRD, LegStatus::InProgress);
        if !agent_stays {
            story.leg(FIRST, LegStatus::Completed);
        }
        story.tell(Event::GateAnswered { leg_id: THIRD, answer: GateAnswer::Accepted }).unwrap();
        let asked = story.leg(THIRD, LegStatus::Completed);
        assert_eq!(story.transfer().status, TransferStatus::Failed);
        assert!(agent_stays || asked.contains(&told(CUSTOMER, Words::NobodyAvailable)), "{asked:?}");
    }
}

#[test]
fn an_agent_whom_we_ended_did_not_end_the_call() {
    let mut story = Story::connected();
    story.tell(transfer()).unwrap();
    story.leg(CUSTOMER, LegStatus::Completed);
    story.tell(Event::HangUpRequested { by: Party::Crm }).unwrap();
    story.leg(SECOND, LegStatus::Canceled);
    story.leg(FIRST, LegStatus::Completed);
    assert_eq!((story.call.stage, story.call.ended_by), (Stage::Ended, Some(Party::Customer)));
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
    assert_eq!(story.transfer().failure_detail.as_deref(), Some("Dana is busy"), "said once");
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
fn a_hold_that_ends_while_they_are_out_of_the_room_is_over_when_they_come_back() {
    let mut story = Story::introduced();
    let conference_sid = ConferenceSid::from_u128(7);
    let hold = |value| Command::SetHold { conference_sid: conference_sid.clone(), leg_id: CUSTOMER, value };
    let control = |control| Event::ControlRequested { role: Role::Customer, control };
    story.tell(control(Control::Hold)).unwrap();
    // Sent to the room a second time, as the answer to the first was lost.
    let participant = participant(CUSTOMER);
    let away = RoomChangeKind::Left { participant, status: Some(LegStatus::InProgress), hung_up: false };
    story.tell(room(8, away)).unwrap();
    assert_eq!(story.tell(control(Control::Resume)).unwrap(), [hold(false)], "the hold may be on its way");
    for value in [true, false] {
        let command = hold(value);
        story
            .tell(Event::CommandRefused { command, gone: true, failure: Failure::Error, why: None })
            .unwrap();
    }
    assert!(!story.joins(CUSTOMER, 9).contains(&hold(true)));
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
fn in_the_room_only_its_own_words_prove_who_left_first() {
    for bridge in [Bridge::Room, Bridge::Dial] {
        for (first, party) in [(CUSTOMER, Party::Customer), (FIRST, Party::FirstAgent)] {
            let mut story = in_room_together(bridge);
            story.leg(CUSTOMER, LegStatus::Completed);
            story.leg(FIRST, LegStatus::Completed);
            let by = Some(sid(first));
            story.tell(room(9, RoomChangeKind::Ended { by })).unwrap();
            assert_eq!((story.call.ended_by, story.call.stage), (Some(party), Stage::Ended), "{bridge}");
        }
    }
}

/// Customer and first agent in the room, no transfer under way; Twilio has taken the exit flags.
fn in_room_together(bridge: Bridge) -> Story {
    let mut story = if bridge == Bridge::Dial {
        let mut story = Story::ringing();
        story.leg(SECOND, LegStatus::Busy);
        story
    } else {
        let mut story = Story::begin_with(bridge, Policy::default());
        story.leg(FIRST, LegStatus::InProgress);
        story.joins(FIRST, 1);
        story.joins(CUSTOMER, 2);
        story.leg(CUSTOMER, LegStatus::InProgress);
        story
    };
    for leg_id in [CUSTOMER, FIRST] {
        story.call.leg_mut(leg_id).unwrap().ends_room = true;
    }
    story
}

#[test]
fn with_the_room_as_bridge_an_agent_who_is_seen_there_first_is_on_the_line() {
    let mut story = Story::begin_with(Bridge::Room, Policy::default());
    assert_eq!(story.joins(FIRST, 1), [Command::CreateParticipant { leg_id: CUSTOMER }]);
    assert!(story.leg(FIRST, LegStatus::InProgress).is_empty(), "late news");
    assert_eq!(story.call.stage, Stage::DialingCustomer);
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
fn late_news_of_an_earlier_transfers_music_lets_nobody_in() {
    let mut story = in_private_from_the_room(Style::PrivateFirst);
    let earlier = story.call.transfers[0].id;
    for transfer_id in [Some(earlier), None] {
        assert!(story.tell(Event::MusicStarted { leg_id: CUSTOMER, transfer_id }).unwrap().is_empty());
    }
    assert_eq!(story.hears_music(CUSTOMER).unwrap(), [Command::CreateParticipant { leg_id: THIRD }]);
}

#[test]
fn a_hand_over_under_way_is_not_taken_back() {
    let mut story = Story::introduced();
    story.tell(Event::CompleteRequested).unwrap();
    let remove = Event::RemoveRequested { role: Role::SecondAgent, by: Party::Crm };
    for request in [Event::CancelRequested, remove] {
        assert_eq!(story.tell(request).unwrap_err(), Refusal::HandingOver);
    }
    story.leg(FIRST, LegStatus::Completed);
    assert_eq!((story.call.stage, story.call.holder), (Stage::InRoom, SECOND));
}

#[test]
fn what_was_true_in_an_earlier_room_is_not_in_the_next() {
    let mut story = in_room_together(Bridge::Room);
    let other = RoomChange {
        conference_sid: ConferenceSid::from_u128(8),
        sequence: Some(1),
        kind: RoomChangeKind::Joined(participant(FIRST)),
    };
    story.tell(Event::RoomChanged(other)).unwrap();
    let asked = story.leg(CUSTOMER, LegStatus::Completed);
    assert_eq!(
        asked,
        [told(FIRST, Words::CustomerLeft)],
        "the room that the customer would have closed is gone"
    );
}

#[test]
fn music_that_begins_again_lets_nobody_in() {
    let mut story = consulting();
    story.tell(Event::SwapRequested).unwrap();
    assert!(story.hears_music(CUSTOMER).unwrap().is_empty(), "the second is still inside");
    let asked = story.hears_music(SECOND).unwrap();
    assert_eq!(asked, [Command::MoveToRoom { leg_id: CUSTOMER }]);
}

#[test]
fn swapped_back_before_they_had_come_the_second_agent_comes_back() {
    let mut story = consulting();
    story.tell(Event::SwapRequested).unwrap();
    assert_eq!(story.tell(Event::SwapRequested).unwrap(), [Command::MoveToRoom { leg_id: SECOND }]);
    assert!(story.hears_music(SECOND).unwrap().is_empty());
    assert!(story.call.customer().unwrap().is_outside());
}

#[test]
fn a_second_agent_who_hung_up_did_not_end_the_call_that_went_on_without_them() {
    let policy = Policy { second_agent_leaves: NobodyLeft::RingBack, ..Policy::default() };
    let mut story = Story::introduced();
    story.policy = policy;
    story.leaves(FIRST, 4);
    story.leg(FIRST, LegStatus::Completed);
    story.leaves(SECOND, 5);
    let again = story.call.legs.last().unwrap().id;
    story.leg(again, LegStatus::Busy);
    assert_eq!((story.call.stage, story.call.ended_by), (Stage::Ending, Some(Party::System)));
}

#[test]
fn an_agent_is_rung_back_when_they_have_put_the_phone_down() {
    let (mut story, _) = asked_for(style(Style::Blind), Policy::default());
    story.tell(dial_ended(true)).unwrap();
    assert!(story.leg(SECOND, LegStatus::Busy).is_empty(), "the agent still hears the goodbye");
    let asked = story.leg(FIRST, LegStatus::Completed);
    assert!(matches!(asked[..], [Command::CreateParticipant { .. }]), "{asked:?}");
}

#[test]
fn blind_the_agent_is_never_led_to_the_room_however_fast_the_second_is_there() {
    let (mut story, _) = asked_for(style(Style::Blind), Policy::default());
    story.leg(SECOND, LegStatus::InProgress);
    story.joins(SECOND, 1);
    story.tell(dial_ended(true)).unwrap();
    assert_eq!(after_dial(&story.call), AfterDial::HangUp(Some(Words::HandedOver)));
}

#[test]
fn blind_from_the_room_the_customer_waits_in_it_on_hold() {
    let mut story = Story::introduced();
    story.leaves(FIRST, 4);
    let request = TransferRequest { style: Style::Blind, ..request_to(THIRD) };
    let asked = story.tell(Event::TransferRequested(request)).unwrap();
    assert!(!asked.iter().any(|it| matches!(it, Command::MoveToMusic { .. })), "{asked:?}");
    assert_eq!(asked.last(), Some(&hold(CUSTOMER, true)));
    story.leg(THIRD, LegStatus::InProgress);
    assert_eq!(story.joins(THIRD, 5)[0], hold(CUSTOMER, false));
}

fn hold(leg_id: Uuid, value: bool) -> Command {
    Command::SetHold { conference_sid: ConferenceSid::from_u128(7), leg_id, value }
}

#[test]
fn with_their_only_agent_on_hold_the_customer_hears_music_too() {
    let mut story = Story::introduced();
    story.leaves(FIRST, 4);
    let control = |control| Event::ControlRequested { role: Role::SecondAgent, control };
    let asked = story.tell(control(Control::Hold)).unwrap();
    assert_eq!(asked[2..], [hold(CUSTOMER, true), hold(SECOND, true)], "{asked:?}");
    assert!(!story.call.customer().unwrap().on_hold, "nobody asked for it");
    let asked = story.tell(control(Control::Resume)).unwrap();
    assert!(
        asked[..2].contains(&hold(CUSTOMER, false)) && asked[..2].contains(&hold(SECOND, false)),
        "{asked:?}"
    );
}

#[test]
fn who_says_no_at_the_gate_has_declined_and_who_puts_the_phone_down_has_hung_up() {
    let request = || TransferRequest { require_accept: true, ..request_to(SECOND) };
    let (mut story, _) = asked_for(request(), Policy::default());
    story.leg(SECOND, LegStatus::InProgress);
    story.tell(Event::GateAnswered { leg_id: SECOND, answer: GateAnswer::Declined }).unwrap();
    assert_eq!(story.transfer().failure_detail.as_deref(), Some("Dana declined the call"));
    let (mut story, _) = asked_for(request(), Policy::default());
    story.leg(SECOND, LegStatus::InProgress);
    story.leg(SECOND, LegStatus::Completed);
    assert_eq!(story.transfer().failure_detail.as_deref(), Some("Dana hung up"));
}

/// With the second agent there already, Twilio will not take the customer off the bridge.
fn refused_on_the_bridge(style: Style, command: Command) -> (Story, Vec<Command>) {
    let request = TransferRequest { style, ..request_to(SECOND) };
    let (mut story, _) = asked_for(request, Policy::default());
    story.leg(SECOND, LegStatus::InProgress);
    story.joins(SECOND, 1);
    let asked = story
        .tell(Event::CommandRefused { command, gone: false, failure: Failure::Error, why: None })
        .unwrap();
    (story, asked)
}

#[test]
fn a_move_refused_after_the_second_agent_came_keeps_the_two_on_their_bridge() {
    let moves = [
        (Style::WithCustomer, Command::MoveToRoom { leg_id: CUSTOMER }),
        (Style::PrivateFirst, Command::MoveToMusic { leg_id: CUSTOMER }),
    ];
    for (style, command) in moves {
        let (story, asked) = refused_on_the_bridge(style, command);
        assert_eq!(asked, [told(SECOND, Words::NotNeeded)]);
        assert_eq!((story.call.stage, story.transfer().failure), (Stage::Connected, Some(Failure::Error)));
    }
}

#[test]
fn an_agent_who_may_be_on_the_bridge_is_never_redirected_as_that_hangs_up_on_the_customer() {
    let (mut story, _) = asked_for(request_to(SECOND), Policy::default());
    story.leg(SECOND, LegStatus::InProgress);
    story.joins(SECOND, 1);
    let asked = story.tell(Event::TimerFired(Timer::MoveAgain)).unwrap();
    assert_eq!(asked, [Command::MoveToRoom { leg_id: CUSTOMER }]);
}

#[test]
fn after_two_swaps_a_refused_move_leaves_inside_whoever_is_inside() {
    let mut story = consulting();
    story.tell(Event::SwapRequested).unwrap();
    story.tell(Event::SwapRequested).unwrap();
    let command = Command::MoveToMusic { leg_id: SECOND };
    story.tell(Event::CommandRefused { command, gone: false, failure: Failure::Error, why: None }).unwrap();
    assert_eq!(story.call.stage, Stage::Consulting, "the second agent is inside, the customer is not");
}

#[test]
fn a_customer_on_the_way_back_to_the_room_must_leave_it_first_all_the_same() {
    let fourth = Uuid::from_u128(5);
    let mut story = Story::introduced();
    story.leaves(FIRST, 4);
    let request = |leg_id| {
        Event::TransferRequested(TransferRequest { style: Style::PrivateFirst, ..request_to(leg_id) })
    };
    story.tell(request(THIRD)).unwrap();
    story.tell(Event::CancelRequested).unwrap();
    let asked = story.tell(request(fourth)).unwrap();
    assert!(!asked.iter().any(Command::dials), "{asked:?}");
}

#[test]
fn a_hold_that_was_refused_is_undone_as_it_may_have_happened() {
    let mut story = Story::introduced();
    let hold =
        |value| Command::SetHold { conference_sid: ConferenceSid::from_u128(7), leg_id: CUSTOMER, value };
    story.tell(Event::ControlRequested { role: Role::Customer, control: Control::Hold }).unwrap();
    let refused =
        Event::CommandRefused { command: hold(true), gone: false, failure: Failure::Error, why: None };
    assert_eq!(story.tell(refused).unwrap(), [hold(false)]);
    assert!(!story.call.leg(CUSTOMER).unwrap().on_hold);
}

#[test]
fn late_news_of_who_is_to_come_in_does_not_let_them_in_before_the_other_is_out() {
    let mut story = consulting();
    story.tell(Event::SwapRequested).unwrap();
    story.hears_music(SECOND).unwrap();
    story.tell(Event::SwapRequested).unwrap();
    let kind = RoomChangeKind::Left {
        participant: participant(SECOND),
        status: Some(LegStatus::InProgress),
        hung_up: false,
    };
    assert!(story.tell(room(3, kind)).unwrap().is_empty(), "the customer may still be inside");
    assert_eq!(story.hears_music(CUSTOMER).unwrap(), [Command::MoveToRoom { leg_id: SECOND }]);
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
    let asked = story.hears_music(CUSTOMER).unwrap();
    assert_eq!(asked, [Command::CreateParticipant { leg_id: SECOND }]);
}

/// A first transfer was taken back; of the second, in private, the customer is on the way out of the room.
fn in_private_from_the_room(first: Style) -> Story {
    let (mut story, _) = asked_for(style(first), Policy::default());
    story.tell(Event::CancelRequested).unwrap();
    story.joins(FIRST, 1);
    story.joins(CUSTOMER, 2);
    let again = TransferRequest { style: Style::PrivateFirst, ..request_to(THIRD) };
    story.tell(Event::TransferRequested(again)).unwrap();
    story
}

#[test]
fn nobody_comes_in_for_a_customer_of_whom_it_is_not_known_that_they_are_out() {
    let mut story = in_private_from_the_room(Style::WithCustomer);
    story.tell(Event::TimerFired(Timer::MoveLimit)).unwrap();
    for _ in 0..2 {
        let asked = story.tell(Event::TimerFired(Timer::MoveAgain)).unwrap();
        assert_eq!(asked, [Command::MoveToMusic { leg_id: CUSTOMER }]);
    }
    let looked = Event::CommandDone { command: Command::LookIntoRoom, progress: None };
    assert_eq!(story.tell(looked).unwrap(), [Command::CreateParticipant { leg_id: THIRD }]);
}

#[test]
fn who_is_seen_again_in_a_settled_room_keeps_the_exit_flag() {
    let mut story = in_room_together(Bridge::Room);
    let kind = RoomChangeKind::Joined(participant(CUSTOMER));
    let seen = RoomChange { conference_sid: ConferenceSid::from_u128(7), sequence: None, kind };
    assert!(story.tell(Event::RoomChanged(seen)).unwrap().is_empty());
}

#[test]
fn nobody_comes_in_for_a_customer_who_is_seen_to_be_still_inside() {
    let mut story = in_private_from_the_room(Style::WithCustomer);
    let seen = RoomChange {
        conference_sid: ConferenceSid::from_u128(7),
        sequence: None,
        kind: RoomChangeKind::Joined(participant(CUSTOMER)),
    };
    story.tell(Event::TimerFired(Timer::MoveLimit)).unwrap();
    story.tell(Event::RoomChanged(seen)).unwrap();
    let asked = story.tell(Event::TimerFired(Timer::MoveAgain)).unwrap();
    assert_eq!(asked, [Command::MoveToMusic { leg_id: CUSTOMER }]);
    let asked = story.hears_music(CUSTOMER).unwrap();
    assert_eq!(asked, [Command::CreateParticipant { leg_id: THIRD }]);
}
