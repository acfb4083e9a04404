//! What is explored: a call of a certain kind, from a certain point on, with what people may ask for and what may go wrong.

use chrono::DateTime;
use uuid::Uuid;

use super::twilio::{AGENT, CUSTOMER, Line};
use super::world::{Action, World};
use crate::calls::flow::{
    Bridge, Call, Control, Event, GateAnswer, Leg, Party, Plan, Policy, Ring, Role, Rule, Stage, Style,
    Target, TransferRequest, Trigger, rule,
};

/// What somebody may ask for through the API or the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Transfer,
    Complete,
    Cancel,
    Merge,
    Swap,
    Hold(Role),
    Resume(Role),
    Remove(Role),
    HangUp,
}

impl Ask {
    /// Whether somebody's leg is ended because it was asked for.
    pub fn ends_somebody(self) -> bool {
        matches!(self, Self::HangUp | Self::Remove(_))
    }
}

/// The point from which all is explored; before it nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The call has been written down.
    Placed,
    /// Customer and first agent talk.
    Connected,
    /// A transfer has just been asked for.
    Asked,
    /// Everybody is where the transfer wants them, and the first target is being rung.
    Ringing,
    /// The second agent has picked up, accepted, and is there.
    Arrived,
    /// The first agent has left the customer to the second.
    HandedOver,
}

/// One configuration.
#[derive(Clone)]
pub struct Scenario {
    pub name: &'static str,
    pub bridge: Bridge,
    pub style: Style,
    pub require_accept: bool,
    pub targets: usize,
    pub ring: Ring,
    pub policy: Policy,
    pub start: Start,
    /// Actions on the longest path.
    pub depth: u32,
    /// Losses, repetitions, refusals and early timers on one path.
    pub faults: u8,
    /// What may be asked for, and how often in all on one path.
    pub asks: Vec<Ask>,
    pub how_many_asks: u8,
    pub rules: fn(Stage, Trigger) -> Rule,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            name: "",
            bridge: Bridge::Dial,
            style: Style::WithCustomer,
            require_accept: false,
            targets: 1,
            ring: Ring::InTurn,
            policy: Policy::default(),
            start: Start::Asked,
            depth: 10,
            faults: 1,
            asks: vec![Ask::Cancel, Ask::Complete, Ask::HangUp],
            how_many_asks: 1,
            rules: rule,
        }
    }
}

impl Scenario {
    /// The state to begin with.
    pub fn begin(&self) -> World {
        let mut world = World::new(self);
        if self.start != Start::Placed {
            self.connect(&mut world);
        }
        if !matches!(self.start, Start::Placed | Start::Connected) {
            assert!(world.ask(self, Ask::Transfer));
        }
        if matches!(self.start, Start::Ringing | Start::Arrived | Start::HandedOver) {
            world.rest(self);
        }
        if matches!(self.start, Start::Arrived | Start::HandedOver) {
            self.arrive(&mut world);
        }
        if self.start == Start::HandedOver && self.style != Style::Blind {
            assert!(world.ask(self, Ask::Complete));
            world.rest(self);
        }
        world.past = Default::default();
        world.allow(self.faults, self.how_many_asks);
        world
    }

    fn connect(&self, world: &mut World) {
        for seat in [AGENT, CUSTOMER] {
            world.rest(self);
            world.act_in(self, Action::Answer(seat as u8));
        }
        world.rest(self);
    }

    fn arrive(&self, world: &mut World) {
        let second = world.twilio.people.iter().position(|person| person.line == Line::Ringing).unwrap();
        world.act_in(self, Action::Answer(second as u8));
        world.rest(self);
        if world.call.transfers[0].require_accept {
            world.act_in(self, Action::Press(second as u8, GateAnswer::Accepted));
            world.rest(self);
        }
    }

    pub fn call(&self) -> Call {
        let leg = |id: u128, role, address: &str| {
            Leg::planned(Uuid::from_u128(id), role, address.parse().unwrap(), String::new())
        };
        Call::planned(Plan {
            id: Uuid::from_u128(9),
            room: "room".into(),
            bridge: self.bridge,
            caller_id: "+15550100100".parse().unwrap(),
            agent_caller_id: "+15550100100".parse().unwrap(),
            agent: leg(1, Role::FirstAgent, "client:alice"),
            customer: leg(2, Role::Customer, "+15550100102"),
            ring_timeout_secs: 20,
            time_limit_secs: 3600,
            created_at: DateTime::UNIX_EPOCH,
        })
    }

    pub fn request(&self, call: &Call, ask: Ask) -> Event {
        match ask {
            Ask::Transfer => Event::TransferRequested(self.transfer(call)),
            Ask::Complete => Event::CompleteRequested,
            Ask::Cancel => Event::CancelRequested,
            Ask::Merge => Event::MergeRequested,
            Ask::Swap => Event::SwapRequested,
            Ask::Hold(role) => Event::ControlRequested { role, control: Control::Hold },
            Ask::Resume(role) => Event::ControlRequested { role, control: Control::Resume },
            Ask::Remove(role) => Event::RemoveRequested { role, by: Party::Crm },
            Ask::HangUp => Event::HangUpRequested { by: Party::Crm },
        }
    }

    fn transfer(&self, call: &Call) -> TransferRequest {
        let first = call.legs.len();
        let target = |index: usize| Target {
            leg_id: Uuid::from_u128(first as u128 + index as u128 + 1),
            to: format!("client:agent{}", first + index).parse().unwrap(),
            name: format!("Agent {}", first + index),
            agent: None,
        };
        TransferRequest {
            transfer_id: Uuid::from_u128(100 + call.transfers.len() as u128),
            targets: (0..self.targets).map(target).collect(),
            ring: self.ring,
            require_accept: self.require_accept,
            style: self.style,
            briefing: None,
            caller_id: "+15550100100".parse().unwrap(),
            ring_timeout_secs: 20,
        }
    }
}
