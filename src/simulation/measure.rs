//! Owns what a transfer costs people while nothing goes wrong: how long the customer hears nothing, and how soon the second
//! agent's phone rings.

use super::dice::Dice;
use super::script::{CALLER_ID, CUSTOMER, FIRST_AGENT, Faults, SECOND_AGENTS, Script, number};
use super::{judge, world};
use crate::calls::flow::{Bridge, Event, Policy, Ring, Style, Target, TransferRequest, TransferStatus};
use crate::emulator::{Behaviour, EventKind, PhonePlan, PlannedPress, Switches};
use crate::telephony::Address;

/// The button is pressed within a second from here on, in milliseconds; the two have been talking by then.
const BUTTON_MS: u64 = 10_000;
/// The second agent has been introduced, and the first leaves.
const COMPLETE_MS: u64 = 30_000;
/// The customer hangs up after so long a talk.
const TALK_MS: u64 = 50_000;
/// The second agent takes the call at the gate so long after picking up.
const ACCEPTED_MS: u64 = 5_000;
/// The network's jitter: a way takes up to so many hundredths more.
const JITTER_PERCENT: u64 = 10;

/// One kind of transfer, and how far away Twilio is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// How the second agent is brought in.
    pub style: Style,
    /// How customer and first agent are joined before.
    pub bridge: Bridge,
    /// Whether the second agent is asked to accept.
    pub require_accept: bool,
    /// What the second agent's phone does.
    pub phone: Behaviour,
    /// From us to Twilio and back, in milliseconds, or from Twilio to us and back; up to a tenth more by chance.
    pub round_trip_ms: u64,
    /// How long Twilio itself takes for things, in percent of what the emulator assumes.
    pub twilio_percent: u16,
}

impl Case {
    /// A round trip with all its jitter.
    pub fn longest_round_trip_ms(&self) -> u64 {
        2 * self.one_way_ms().1
    }

    /// The least and the most.
    fn one_way_ms(&self) -> (u64, u64) {
        let least = self.round_trip_ms / 2;
        (least, least + least * JITTER_PERCENT / 100)
    }
}

/// One transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// How long the customer heard nothing, from the button until they hung up long after the hand-over.
    pub dead_air_ms: u64,
    /// The longest of those silences.
    pub longest_ms: u64,
    /// From the button until the second agent's phone rang.
    pub ringing_ms: u64,
}

/// Plays one transfer of this kind.
///
/// # Errors
/// When it did not go as it should: there is nothing to measure then.
pub fn measure(case: &Case, seed: u64) -> Result<Measured, String> {
    let script = script(case, seed);
    let after = world::play(&script);
    let mut wrong = judge::judge(&script, &after).violations;
    let is_reached = case.phone == Behaviour::Answer;
    let status = after.call.transfers.first().map(|transfer| transfer.status);
    let wanted = if is_reached { TransferStatus::Completed } else { TransferStatus::Failed };
    if status != Some(wanted) {
        wrong.push(format!("the transfer is {status:?}"));
    }
    let button_ms = script.requests.first().map_or(0, |(at_ms, _)| *at_ms);
    let rings = after.timeline.iter().find(|event| {
        event.kind == EventKind::Ringing && event.address.as_deref() == Some(SECOND_AGENTS[0].0)
    });
    let Some(rings) = rings.filter(|_| wrong.is_empty()) else {
        return Err(format!("{case:?}, seed {seed}: {}", wrong.join("; ")));
    };
    let customer = after.audibility.people.iter().filter(|person| person.address == CUSTOMER);
    let spans = customer.flat_map(|person| &person.spans);
    let silent = spans.filter(|span| span.hears.is_empty() && span.to_ms > button_ms);
    let lengths: Vec<u64> = silent.map(|span| span.to_ms - span.from_ms.max(button_ms)).collect();
    Ok(Measured {
        dead_air_ms: lengths.iter().sum(),
        longest_ms: lengths.into_iter().max().unwrap_or_default(),
        ringing_ms: rings.at_ms - button_ms,
    })
}

fn script(case: &Case, seed: u64) -> Script {
    let mut dice = Dice::new(seed, 3);
    Script {
        seed,
        bridge: case.bridge,
        policy: Policy::default(),
        ring_timeout_secs: 20,
        time_limit_secs: 3_600,
        has_music: true,
        phones: phones(case, &mut dice),
        requests: requests(case, &mut dice),
        faults: Faults::default(),
        latency_ms: case.one_way_ms(),
        commit_ms: 1,
        switches: Switches { delays_percent: case.twilio_percent, ..Switches::default() },
    }
}

fn phones(case: &Case, dice: &mut Dice) -> Vec<(String, Vec<PhonePlan>)> {
    let mut plan = |behaviour, hang_up_after_ms| PhonePlan {
        behaviour,
        after_ms: Some(dice.between(800, 3_000)),
        hang_up_after_ms,
        ..PhonePlan::answer()
    };
    let mut second = plan(case.phone, None);
    if case.require_accept {
        second.presses = vec![PlannedPress { after_ms: ACCEPTED_MS, digits: "1".to_owned() }];
    }
    vec![
        (FIRST_AGENT.to_owned(), vec![plan(Behaviour::Answer, None)]),
        (CUSTOMER.to_owned(), vec![plan(Behaviour::Answer, Some(TALK_MS))]),
        (SECOND_AGENTS[0].0.to_owned(), vec![second]),
    ]
}

/// The button; and where the first agent stays for the introduction, the hand-over.
fn requests(case: &Case, dice: &mut Dice) -> Vec<(u64, Event)> {
    let button = (BUTTON_MS + dice.between(0, 1_000), transfer(case, dice));
    let stays = case.style != Style::Blind && case.phone == Behaviour::Answer;
    let complete = stays.then_some((COMPLETE_MS, Event::CompleteRequested));
    std::iter::once(button).chain(complete).collect()
}

fn transfer(case: &Case, dice: &mut Dice) -> Event {
    let (address, name) = SECOND_AGENTS[0];
    Event::TransferRequested(TransferRequest {
        transfer_id: dice.id(),
        targets: vec![Target {
            leg_id: dice.id(),
            to: Address::Phone(number(address)),
            name: name.to_owned(),
            agent: None,
        }],
        ring: Ring::InTurn,
        require_accept: case.require_accept,
        style: case.style,
        briefing: None,
        caller_id: number(CALLER_ID),
        ring_timeout_secs: 20,
    })
}

/// Of many measurements: the one in the middle, the one that 99 in 100 do not exceed, and the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentiles {
    /// Half of them are no higher.
    pub median: u64,
    /// Of a hundred, 99 are no higher.
    pub p99: u64,
    /// None is higher.
    pub most: u64,
}

impl Percentiles {
    /// Of these; zeros of none.
    pub fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let rank = |percent: usize| {
            let at = (values.len() * percent).div_ceil(100).saturating_sub(1);
            values.get(at).copied().unwrap_or_default()
        };
        Self { median: rank(50), p99: rank(99), most: rank(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(style: Style, bridge: Bridge) -> Case {
        Case {
            style,
            bridge,
            require_accept: false,
            phone: Behaviour::Answer,
            round_trip_ms: 100,
            twilio_percent: 0,
        }
    }

    fn worst(case: &Case, of: impl Fn(Measured) -> u64) -> u64 {
        (0..50).map(|seed| of(measure(case, seed).unwrap())).max().unwrap()
    }

    #[test]
    fn a_move_from_the_bridge_costs_one_round_trip_and_in_the_room_there_is_none() {
        let moved = case(Style::WithCustomer, Bridge::Dial);
        // Twilio asks for the second of the two documents a millisecond or less after the first.
        assert!((100..=111).contains(&worst(&moved, |it| it.dead_air_ms)));
        assert_eq!(worst(&case(Style::WithCustomer, Bridge::Room), |it| it.dead_air_ms), 0);
    }

    #[test]
    fn the_second_agents_phone_rings_as_soon_as_twilio_has_been_asked() {
        for style in [Style::WithCustomer, Style::PrivateFirst, Style::Blind] {
            let worst = worst(&case(style, Bridge::Dial), |it| it.ringing_ms);
            assert!(worst <= 55, "{style}: {worst}");
        }
    }

    #[test]
    fn percentiles_are_measurements() {
        let all = Percentiles::of((1..=200).rev().collect());
        assert_eq!((all.median, all.p99, all.most), (100, 198, 200));
        let none = Percentiles::of(vec![]);
        assert_eq!((none.median, none.p99, none.most), (0, 0, 0));
    }
}
