//! What must never be false, in the model's words: I1-I5 of the design.
//!
//! Some hold at every moment; the others *come true*: from any state in which nothing is on its way, once the timers have
//! fired in their order while nobody does anything. That is what "within a bound" means here.

use super::scenario::{Ask, Scenario};
use super::twilio::{At, CUSTOMER, Line, Seat};
use super::world::{Action, World};
use crate::calls::flow::{Stage, Style, TargetFails, Timer, TransferStatus};

/// More actions than any call takes to come to rest.
const RESTLESS: usize = 600;
/// In this many states one is asked what a hang-up leads to though things are on their way.
const ONE_IN: u128 = 32;

type Law = Result<(), String>;

/// The first law that does not hold in this state.
pub fn check(world: &World, scenario: &Scenario) -> Law {
    if let Some(broken) = world.past.broken {
        return Err(broken.into());
    }
    nobody_is_rung_too_often(world, scenario)?;
    nobody_hears_what_is_private(world)?;
    let is_quiet = world.is_quiet();
    if is_quiet {
        let mut later = world.clone();
        later.come_to_rest(scenario).map_err(|error| format!("I5: {error}"))?;
        at_rest(&later, scenario)?;
    }
    if is_quiet || world.key().is_multiple_of(ONE_IN) {
        a_hang_up_ends_it(world, scenario)?;
    }
    Ok(())
}

fn law(holds: bool, otherwise: impl Into<String>) -> Law {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

/// I2: one transfer rings an address once, or twice where the site wants it so.
fn nobody_is_rung_too_often(world: &World, scenario: &Scenario) -> Law {
    let may_be = if scenario.policy.target_fails == TargetFails::TryAgain { 2 } else { 1 };
    let was_rung = |seat: Seat| world.twilio.line(seat) != Line::Absent;
    let legs = &world.call.legs;
    let is_rung_too_often = (0..legs.len()).filter(|seat| was_rung(*seat)).any(|seat| {
        let same = |it: &Seat| {
            legs[*it].address == legs[seat].address && legs[*it].transfer_id == legs[seat].transfer_id
        };
        (0..legs.len()).filter(|it| was_rung(*it)).filter(same).count() > may_be
    });
    law(!is_rung_too_often, "I2: an address is rung too often by one transfer")
}

/// I1: while the agents are to talk alone, or the second agent waits, those two do not meet the customer.
fn nobody_hears_what_is_private(world: &World) -> Law {
    let is_apart = matches!(world.call.stage, Stage::Transferring | Stage::Consulting | Stage::Swapped);
    let transfer = world.call.transfer().filter(|it| is_apart && it.style == Style::PrivateFirst);
    let second = transfer.and_then(|transfer| world.seat_of(transfer.leg_id));
    let meet = second.is_some_and(|second| world.hear_each_other(CUSTOMER, second));
    law(!meet, "I1: customer and second agent meet before the merge")
}

/// Every reachable call can be ended.
fn a_hang_up_ends_it(world: &World, scenario: &Scenario) -> Law {
    let mut later = world.clone();
    if later.ask(scenario, Ask::HangUp) {
        later.come_to_rest(scenario).map_err(|error| format!("I5, after a hang-up: {error}"))?;
        law(later.call.stage == Stage::Ended, "I5: a hang-up does not end the call")?;
    }
    Ok(())
}

fn at_rest(world: &World, scenario: &Scenario) -> Law {
    let anybody = world.twilio.people.iter().any(|person| !matches!(person.line, Line::Absent | Line::Over));
    let call = &world.call;
    if call.stage == Stage::Ended || !anybody {
        law(call.stage == Stage::Ended, "I5: all have hung up, and the call has not ended")?;
        law(!anybody, "I3: a leg outlives its call")?;
        law(call.ended_by.is_some() && call.end_reason.is_some(), "I5: nobody knows why it ended")?;
        law(call.transfers.iter().all(|it| it.ended_at.is_some()), "I5: a transfer outlives its call")?;
    }
    law(call.stage != Stage::Ending, "I5: a call that ends never has ended")?;
    if call.connected_at.is_some() {
        nobody_is_cut_off(world, scenario)?;
    }
    if anybody && call.connected_at.is_some() {
        the_customer_is_served(world)?;
        nobody_sits_alone(world)?;
        a_failure_is_told(world)?;
    }
    Ok(())
}

/// I1: the customer has a person, or is held as somebody wished, or waits for agents who talk alone.
fn the_customer_is_served(world: &World) -> Law {
    law(world.twilio.line(CUSTOMER) != Line::Over, "I3: the customer has gone, and others stay on the line")?;
    let agents = 0..world.twilio.people.len();
    let mut others = agents.filter(|seat| *seat != CUSTOMER);
    let has_somebody = others.clone().any(|seat| world.hear_each_other(CUSTOMER, seat));
    let is_held = others.any(|seat| world.are_held_apart(CUSTOMER, seat));
    let waits = world.call.stage == Stage::Consulting
        && matches!(world.twilio.line(CUSTOMER), Line::On(At::Music { .. }))
        && agents_talk(world)
        && world.timers.iter().any(|timer| matches!(timer, Timer::ConsultLimit { .. }));
    law(has_somebody || is_held || waits, "I1: the customer is left alone")
}

fn agents_talk(world: &World) -> bool {
    let seats =
        [world.call.agent(), world.call.second_agent()].map(|leg| leg.and_then(|leg| world.seat_of(leg.id)));
    matches!(seats, [Some(agent), Some(second)] if world.hear_each_other(agent, second))
}

/// I3: nobody is left ringing or alone, but for the second agent who waits while the others talk.
fn nobody_sits_alone(world: &World) -> Law {
    for seat in 0..world.twilio.people.len() {
        let others = 0..world.twilio.people.len();
        let has_company = others
            .filter(|it| *it != seat)
            .any(|it| world.hear_each_other(seat, it) || world.are_held_apart(seat, it));
        let waits = matches!(world.call.stage, Stage::Consulting | Stage::Swapped)
            && matches!(world.twilio.line(seat), Line::On(At::Music { .. }));
        let is_fine = has_company || waits || matches!(world.twilio.line(seat), Line::Absent | Line::Over);
        law(is_fine, format!("I3: {} is left alone on the line", world.name(seat)))?;
    }
    Ok(())
}

/// I4: only a hang-up, of a person or asked for, ends a customer's call; after a blind transfer the agent has left.
fn nobody_is_cut_off(world: &World, scenario: &Scenario) -> Law {
    let customer = world.twilio.people[CUSTOMER];
    let is_ours = customer.line == Line::Over && customer.answered && !customer.hung_up;
    let agents = world.twilio.people.iter().enumerate().filter(|(seat, _)| *seat != CUSTOMER);
    let somebody_left = agents.into_iter().any(|(_, person)| person.hung_up);
    let is_fair = somebody_left || world.past.end_was_asked || scenario.style == Style::Blind;
    law(!is_ours || is_fair, "I4: the customer is cut off, and nobody has hung up")
}

/// I4: whoever is together again after a failed transfer has been told.
fn a_failure_is_told(world: &World) -> Law {
    let has_failed = world.call.transfers.last().is_some_and(|it| it.status == TransferStatus::Failed);
    let is_told = world.past.was_said
        || world.call.pending_words.is_some()
        || world.twilio.line(CUSTOMER) == Line::On(At::Bridge);
    law(!has_failed || is_told, "I4: a transfer has failed, and nobody is told")
}

impl World {
    pub fn act_in(&mut self, scenario: &Scenario, action: Action) {
        if let Some(next) = self.after(scenario, action) {
            *self = next;
        }
    }

    /// Lets all that is on its way arrive, and nothing else.
    pub fn rest(&mut self, scenario: &Scenario) {
        while let Some(action) = self.on_its_way() {
            self.act_in(scenario, action);
        }
    }

    /// What goes on by itself.
    fn on_its_way(&self) -> Option<Action> {
        let of_people = (0..self.twilio.people.len()).find_map(|seat| match self.twilio.line(seat) {
            Line::On(At::Action { .. }) => Some(Action::DialOver),
            Line::On(At::Words) => Some(Action::WordsEnd(seat as u8)),
            _ => None,
        });
        let task = self.tasks.first().map(|task| match task.answer {
            Some(_) => Action::Settle(0),
            None => Action::Carry(0),
        });
        self.twilio.mail.first().map(|mail| Action::Deliver(*mail)).or(task).or(of_people)
    }

    /// Time passes and nobody does anything, until nothing is left that would change anything.
    pub fn come_to_rest(&mut self, scenario: &Scenario) -> Law {
        let mut watches = 2;
        for _ in 0..RESTLESS {
            let Some(action) = self.next_by_itself(&mut watches) else { return Ok(()) };
            self.act_in(scenario, action);
        }
        Err("it never comes to rest".into())
    }

    /// What happens next if nobody does anything.
    pub fn next_by_itself(&self, watches: &mut u32) -> Option<Action> {
        self.on_its_way().or_else(|| self.next_in_time(watches))
    }

    /// Twilio stops ringing before our own limit for it comes; the consultation may take as long as it likes.
    fn next_in_time(&self, watches: &mut u32) -> Option<Action> {
        let timer = self.timers.first();
        let is_soon = |timer: &Timer| matches!(timer, Timer::EndLimit | Timer::MoveLimit | Timer::MoveAgain);
        let ringing = self.twilio.people.iter().position(|person| person.line == Line::Ringing);
        match (timer, ringing) {
            (Some(timer), _) if is_soon(timer) => Some(Action::Fire(0)),
            (_, Some(seat)) => Some(Action::LetRing(seat as u8)),
            (Some(Timer::ConsultLimit { .. }) | None, _) => None,
            (Some(Timer::Watch), _) if *watches == 0 => None,
            (Some(timer), _) => {
                *watches -= u32::from(*timer == Timer::Watch);
                Some(Action::Fire(0))
            }
        }
    }

    /// Whether these two hear each other now.
    pub fn hear_each_other(&self, one: Seat, other: Seat) -> bool {
        let on_bridge = |seat| self.twilio.line(seat) == Line::On(At::Bridge);
        let in_room = |seat| self.twilio.member(seat).is_some_and(|member| !member.on_hold);
        (on_bridge(one) && on_bridge(other)) || (in_room(one) && in_room(other))
    }

    /// Whether these two are in the room, and one of them is held there because it was asked for.
    fn are_held_apart(&self, one: Seat, other: Seat) -> bool {
        let in_room = |seat| self.twilio.member(seat).is_some();
        let is_wished = |seat: Seat| self.call.legs[seat].on_hold;
        in_room(one) && in_room(other) && (is_wished(one) || is_wished(other))
    }

    pub fn name(&self, seat: Seat) -> String {
        match seat {
            0 => "the first agent".into(),
            1 => "the customer".into(),
            _ => format!("agent {seat} ({})", self.call.legs[seat].address),
        }
    }
}
