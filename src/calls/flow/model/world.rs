//! The flow composed with the model of Twilio: one state of the whole, everything that may happen next, and what it leads
//! to. The shell between them (queue, dispatcher, views) is kept to what it does with order, loss and repetition.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use chrono::DateTime;
use uuid::Uuid;

use super::scenario::{Ask, Scenario};
use super::twilio::{AGENT, At, CUSTOMER, Line, Mail, Person, Seat, Twilio};
use crate::calls::flow::{
    AfterDial, AfterGate, AgentLeavesEarly, Bridge, Call, Command, DialEnded, Event, Failure, GateAnswer,
    LegProgress, LegStatus, Participant, Refusal, RoomChange, RoomChangeKind, Stage, Timer, after_dial,
    after_gate, is_still_wanted, step_with,
};
use crate::telephony::{CallSid, ConferenceSid};

/// A command that was written down.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Task {
    pub command: Command,
    /// An earlier try may have had its effect.
    uncertain: bool,
    /// What Twilio has answered; it has not been taken in yet.
    pub answer: Option<Answer>,
}

/// An answer of Twilio's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Answer {
    Done(Option<LegStatus>),
    Present { room: u8, seats: Vec<Seat> },
}

/// What went before, as far as the laws ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Past {
    /// Somebody asked for the end of the call, or of a person's leg.
    pub end_was_asked: bool,
    /// Why the transfer failed was said, or Twilio refused to say it.
    pub was_said: bool,
    /// What must never happen has happened.
    pub broken: Option<&'static str>,
}

/// One state of everything.
#[derive(Clone)]
pub struct World {
    pub call: Rc<Call>,
    pub twilio: Twilio,
    /// Commands about one leg in their order.
    pub tasks: Vec<Task>,
    pub timers: Vec<Timer>,
    pub past: Past,
    /// How much may still go wrong.
    faults: u8,
    /// How often people at their screens may still ask for something.
    asks: u8,
}

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Deliver(Mail),
    Lose(Mail),
    Double(Mail),
    /// Twilio does what this task says.
    Carry(u8),
    /// Twilio's answer is taken in.
    Settle(u8),
    /// Twilio will not.
    Refuse(u8),
    /// Twilio does it, and the answer is lost: it is asked again, or the leg looked up.
    LoseAnswer(u8),
    /// Twilio does it, and all answers are lost: it counts as refused.
    GiveUp(u8),
    /// A timer, by its place.
    Fire(u8),
    Answer(u8),
    LetRing(u8),
    HangUp(u8),
    Press(u8, GateAnswer),
    /// The last words have been said.
    WordsEnd(u8),
    /// Twilio asks for the action of the first agent's Dial.
    DialOver,
    Ask(Ask),
}

impl World {
    pub fn new(scenario: &Scenario) -> Self {
        let call = scenario.call();
        let people = vec![Person::ABSENT; call.legs.len()];
        let mut world = Self {
            call: Rc::new(call),
            twilio: Twilio { people, ..Twilio::default() },
            tasks: vec![],
            timers: vec![],
            past: Past::default(),
            faults: 0,
            asks: 0,
        };
        world.tell(scenario, Event::Placed);
        world
    }

    /// From here on this much may go wrong, and be asked for.
    pub fn allow(&mut self, faults: u8, asks: u8) {
        (self.faults, self.asks) = (faults, asks);
    }

    /// Two states with the same key are the same.
    pub fn key(&self) -> u128 {
        let mut hasher = Lanes::default();
        self.call.hash(&mut hasher);
        self.twilio.hash(&mut hasher);
        self.tasks.hash(&mut hasher);
        self.timers.hash(&mut hasher);
        self.past.hash(&mut hasher);
        (self.faults, self.asks).hash(&mut hasher);
        hasher.both()
    }

    /// Nothing is on its way, and nobody moves by themselves: only people and timers can go on.
    pub fn is_quiet(&self) -> bool {
        let moves = |person: &Person| matches!(person.line, Line::On(At::Action { .. } | At::Words));
        self.tasks.is_empty() && self.twilio.mail.is_empty() && !self.twilio.people.iter().any(moves)
    }

    /// Everything that may happen next.
    pub fn actions(&self, scenario: &Scenario) -> Vec<Action> {
        let mut actions = self.deliveries();
        actions.extend(self.work());
        if self.is_quiet() || self.faults > 0 {
            actions.extend((0..self.timers.len() as u8).map(Action::Fire));
        }
        for seat in 0..self.twilio.people.len() {
            actions.extend(self.moves_of(seat));
        }
        if self.asks > 0 {
            actions.extend(scenario.asks.iter().map(|ask| Action::Ask(*ask)));
        }
        actions
    }

    fn deliveries(&self) -> Vec<Action> {
        let mut actions = vec![];
        for (index, mail) in self.twilio.mail.iter().enumerate() {
            if index > 0 && self.twilio.mail[index - 1] == *mail {
                continue;
            }
            actions.push(Action::Deliver(*mail));
            if self.faults > 0 {
                actions.extend([Action::Lose(*mail), Action::Double(*mail)]);
            }
        }
        actions
    }

    fn work(&self) -> Vec<Action> {
        let mut actions = vec![];
        for (index, task) in self.tasks.iter().enumerate() {
            let at = index as u8;
            let leg_id = task.command.leg_id();
            let must_wait =
                leg_id.is_some() && self.tasks[..index].iter().any(|it| it.command.leg_id() == leg_id);
            if must_wait {
                continue;
            }
            if task.answer.is_some() {
                actions.push(Action::Settle(at));
                continue;
            }
            actions.push(Action::Carry(at));
            if self.faults > 0 {
                actions.extend([Action::Refuse(at), Action::LoseAnswer(at), Action::GiveUp(at)]);
            }
        }
        actions
    }

    fn moves_of(&self, seat: Seat) -> Vec<Action> {
        let at = seat as u8;
        match self.twilio.line(seat) {
            Line::Absent | Line::Over => vec![],
            Line::Ringing => vec![Action::Answer(at), Action::LetRing(at)],
            Line::On(At::Words) => vec![Action::WordsEnd(at)],
            Line::On(At::Action { .. }) => vec![Action::DialOver, Action::HangUp(at)],
            Line::On(At::Gate) => {
                let answers = [GateAnswer::Accepted, GateAnswer::Declined, GateAnswer::Silent];
                let presses = answers.into_iter().map(|answer| Action::Press(at, answer));
                std::iter::once(Action::HangUp(at)).chain(presses).collect()
            }
            Line::On(_) => vec![Action::HangUp(at)],
        }
    }

    /// The state that an action leads to; `None` if it leads nowhere, as a request that is refused.
    pub fn after(&self, scenario: &Scenario, action: Action) -> Option<Self> {
        let mut next = self.clone();
        next.act(scenario, action).then_some(next)
    }

    fn act(&mut self, scenario: &Scenario, action: Action) -> bool {
        match action {
            Action::Deliver(mail) => {
                self.take(mail);
                self.deliver(scenario, mail);
            }
            Action::Lose(mail) => {
                self.faults -= 1;
                self.take(mail);
            }
            Action::Double(mail) => {
                self.faults -= 1;
                self.deliver(scenario, mail);
            }
            Action::Carry(at) => self.carry(scenario, at.into()),
            Action::Settle(at) => self.settle(scenario, at.into()),
            Action::Refuse(at) => {
                self.faults -= 1;
                self.refuse(scenario, at.into(), false);
            }
            Action::LoseAnswer(at) => {
                self.faults -= 1;
                let _ = self.try_once(at.into());
                self.tasks[usize::from(at)].uncertain = true;
            }
            Action::GiveUp(at) => {
                self.faults -= 1;
                let _ = self.try_once(at.into());
                self.refuse(scenario, at.into(), false);
            }
            Action::Fire(at) => {
                self.faults -= u8::from(!self.is_quiet());
                let timer = self.timers.remove(at.into());
                self.tell(scenario, Event::TimerFired(timer));
            }
            Action::Answer(seat) => self.answer(seat.into()),
            Action::LetRing(seat) => self.twilio.ring_in_vain(seat.into(), LegStatus::Busy),
            Action::HangUp(seat) => {
                // While flags are being changed this cannot be helped; when nothing is on its way it must not be.
                if self.is_quiet() && self.twilio.would_close_on_two(seat.into()) {
                    self.past.broken = Some("I4: the room closes on two who talk");
                }
                self.twilio.end(seat.into(), true);
            }
            Action::WordsEnd(seat) => self.twilio.end(seat.into(), false),
            Action::Press(seat, answer) => self.press(scenario, seat.into(), answer),
            Action::DialOver => self.dial_action(scenario),
            Action::Ask(ask) => {
                self.asks -= 1;
                return self.ask(scenario, ask);
            }
        }
        true
    }

    /// A request; false if it was refused.
    pub fn ask(&mut self, scenario: &Scenario, ask: Ask) -> bool {
        self.past.end_was_asked |= ask.ends_somebody();
        self.past.was_said &= !matches!(ask, Ask::Transfer);
        let event = scenario.request(&self.call, ask);
        self.try_tell(scenario, &event).is_ok()
    }

    fn answer(&mut self, seat: Seat) {
        match seat {
            AGENT => self.twilio.answer_agent(self.call.bridge == Bridge::Dial),
            CUSTOMER if self.twilio.line(AGENT) == Line::On(At::Dialling) => self.twilio.answer_on_bridge(),
            _ => self.twilio.answer_into_room(seat),
        }
    }

    /// A key at the gate; the answer decides at once where they go.
    fn press(&mut self, scenario: &Scenario, seat: Seat, answer: GateAnswer) {
        let leg_id = self.call.legs[seat].id;
        self.tell(scenario, Event::GateAnswered { leg_id, answer });
        let is_let_in = answer == GateAnswer::Accepted && after_gate(&self.call, leg_id) == AfterGate::Room;
        self.twilio.redirect(seat, if is_let_in { At::Room } else { At::Words });
    }

    fn dial_action(&mut self, scenario: &Scenario) {
        let Line::On(At::Action { reached }) = self.twilio.line(AGENT) else { return };
        let dial_status = Some(if reached { LegStatus::Completed } else { LegStatus::Busy });
        self.tell(scenario, Event::DialEnded(DialEnded { agent_on_line: true, dial_status, why: None }));
        // Redirecting out of this place would post the end of the Dial, which has just been told.
        self.twilio.people[AGENT].line = Line::On(At::Music { transfer: 0 });
        let next = after_dial(&self.call);
        self.twilio.redirect(AGENT, if next == AfterDial::Room { At::Room } else { At::Words });
    }

    fn take(&mut self, mail: Mail) {
        if let Some(at) = self.twilio.mail.iter().position(|it| *it == mail) {
            self.twilio.mail.remove(at);
        }
    }

    fn last_transfer(&self) -> u8 {
        u8::try_from(self.call.transfers.len().saturating_sub(1)).unwrap_or(u8::MAX)
    }

    fn deliver(&mut self, scenario: &Scenario, mail: Mail) {
        let event = match mail {
            Mail::Leg(seat, status) => Event::LegProgressed(self.progress(seat, status)),
            Mail::Music { seat, transfer } => Event::MusicStarted {
                leg_id: self.call.legs[seat].id,
                transfer_id: self.call.transfers.get(usize::from(transfer)).map(|transfer| transfer.id),
            },
            Mail::DialOver { agent_on_line } => Event::DialEnded(DialEnded {
                agent_on_line,
                dial_status: Some(LegStatus::Completed),
                why: None,
            }),
            Mail::Joined { seat, room, sequence } => {
                self.room_change(room, Some(sequence), RoomChangeKind::Joined(self.participant(seat)))
            }
            Mail::Left { seat, room, sequence, status, hung_up } => {
                let participant = self.participant(seat);
                let kind = RoomChangeKind::Left { participant, status: Some(status), hung_up };
                self.room_change(room, Some(sequence), kind)
            }
            Mail::Closed { room, by } => {
                let by = by.map(|seat| self.sid(seat));
                self.room_change(room, Some(u8::MAX), RoomChangeKind::Ended { by })
            }
        };
        self.tell(scenario, event);
    }

    fn room_change(&self, room: u8, sequence: Option<u8>, kind: RoomChangeKind) -> Event {
        let sequence = sequence.map(i64::from);
        Event::RoomChanged(RoomChange { conference_sid: conference(room), sequence, kind })
    }

    fn participant(&self, seat: Seat) -> Participant {
        Participant { label: Some(self.call.legs[seat].id), call_sid: self.sid(seat) }
    }

    fn sid(&self, seat: Seat) -> CallSid {
        CallSid::from_u128(seat as u128 + 1)
    }

    fn progress(&self, seat: Seat, status: LegStatus) -> LegProgress {
        LegProgress {
            leg_id: self.call.legs[seat].id,
            call_sid: self.sid(seat),
            parent_call_sid: None,
            status,
            sequence: None,
            sip_code: None,
        }
    }

    pub fn seat_of(&self, leg_id: Uuid) -> Option<Seat> {
        self.call.legs.iter().position(|leg| leg.id == leg_id)
    }

    fn seat(&self, command: &Command) -> Option<Seat> {
        command.leg_id().and_then(|leg_id| self.seat_of(leg_id))
    }

    /// Carries a task out, as the dispatcher does; an answer that means nothing to the flow is taken in at once.
    fn carry(&mut self, scenario: &Scenario, at: usize) {
        if !is_still_wanted(&self.call, &self.tasks[at].command) {
            if self.tasks[at].command.dials() {
                self.refuse(scenario, at, false);
            } else {
                self.tasks.remove(at);
            }
            return;
        }
        match self.try_once(at) {
            Err(gone) => self.refuse(scenario, at, gone),
            Ok(answer) if is_news(&self.tasks[at].command) => self.tasks[at].answer = Some(answer),
            Ok(_) => {
                self.tasks.remove(at);
            }
        }
    }

    fn settle(&mut self, scenario: &Scenario, at: usize) {
        let Task { command, answer, .. } = self.tasks.remove(at);
        let seat = self.seat(&command);
        match answer {
            Some(Answer::Done(status)) => {
                let progress = seat.zip(status).map(|(seat, status)| self.progress(seat, status));
                self.tell(scenario, Event::CommandDone { command, progress });
            }
            Some(Answer::Present { room, seats }) => {
                for seat in seats {
                    let kind = RoomChangeKind::Joined(self.participant(seat));
                    self.tell(scenario, self.room_change(room, None, kind));
                }
                self.tell(scenario, Event::CommandDone { command, progress: None });
            }
            None => {}
        }
    }

    fn refuse(&mut self, scenario: &Scenario, at: usize, gone: bool) {
        let Task { command, .. } = self.tasks.remove(at);
        self.past.was_said |= matches!(command, Command::Announce { .. });
        self.tell(scenario, Event::CommandRefused { command, gone, failure: Failure::Error, why: None });
    }

    /// The effect at Twilio; an error is a refusal, and says whether the leg is gone.
    fn try_once(&mut self, at: usize) -> Result<Answer, bool> {
        let task = self.tasks[at].clone();
        let seat = self.seat(&task.command);
        let leg = seat.map(|seat| &self.call.legs[seat]);
        let is_known = task.command.dials() || leg.is_none_or(|leg| leg.call_sid.is_some());
        match (&task.command, seat) {
            (Command::FindCustomer { .. }, _) => {
                let is_placed = self.twilio.line(CUSTOMER) != Line::Absent;
                Ok(Answer::Done(is_placed.then(|| self.twilio.status(CUSTOMER))))
            }
            (Command::LookIntoRoom, _) => Ok(self.look()),
            (Command::Announce { conference_sid, .. }, _) => self.announce(conference_sid),
            (_, Some(seat)) if is_known => self.try_with(&task, seat),
            _ => Err(false),
        }
    }

    fn try_with(&mut self, task: &Task, seat: Seat) -> Result<Answer, bool> {
        let done = Ok(Answer::Done(None));
        let sent = |went: bool| if went { Ok(Answer::Done(None)) } else { Err(true) };
        match &task.command {
            Command::CreateCall { .. } | Command::CreateParticipant { .. } => self.dial(task, seat),
            Command::MoveToRoom { .. } => sent(self.twilio.redirect(seat, At::Room)),
            Command::MoveToMusic { .. } => {
                sent(self.twilio.redirect(seat, At::Music { transfer: self.last_transfer() }))
            }
            Command::AskToAccept { .. } => sent(self.twilio.redirect(seat, At::Gate)),
            Command::TellAndEnd { .. } => sent(self.twilio.redirect(seat, At::Words)),
            Command::FetchLeg { .. } => Ok(Answer::Done(Some(self.twilio.status(seat)))),
            Command::EndLeg { .. } => match self.twilio.line(seat) {
                Line::Absent | Line::Over => Err(true),
                Line::Ringing => {
                    self.twilio.ring_in_vain(seat, LegStatus::Canceled);
                    done
                }
                Line::On(_) => {
                    self.twilio.end(seat, false);
                    done
                }
            },
            Command::SetHold { conference_sid, value, .. } => {
                self.member(conference_sid, seat).map(|member| member.on_hold = *value).ok_or(true)?;
                done
            }
            Command::SetEndConferenceOnExit { conference_sid, value, .. } => {
                let member = self.member(conference_sid, seat).ok_or(true)?;
                if !member.on_hold {
                    member.ends_room = *value; // Twilio ignores it silently for whoever is on hold
                }
                done
            }
            _ => done,
        }
    }

    fn member(&mut self, sid: &ConferenceSid, seat: Seat) -> Option<&mut super::twilio::Member> {
        let is_this = *sid == conference(self.twilio.room.number);
        self.twilio.member_mut(seat).filter(|_| is_this)
    }

    fn dial(&mut self, task: &Task, seat: Seat) -> Result<Answer, bool> {
        if self.twilio.line(seat) != Line::Absent {
            if task.uncertain {
                return Ok(Answer::Done(Some(self.twilio.status(seat)))); // looked up
            }
            self.past.broken = Some("I2: a leg is dialled twice");
        }
        let is_open = self.call.legs.iter().any(|leg| leg.in_room);
        let known = self.call.conference_sid.as_ref().filter(|_| is_open && seat != AGENT);
        let into = match known {
            None => None,
            Some(sid) => {
                let number = self.twilio.room.number;
                if *sid != conference(number) || !self.twilio.is_open(number) {
                    return Err(true);
                }
                Some(number)
            }
        };
        self.twilio.ring(seat, into);
        Ok(Answer::Done(Some(LegStatus::Queued)))
    }

    fn look(&self) -> Answer {
        let room = &self.twilio.room;
        let is_meant = match &self.call.conference_sid {
            Some(sid) => *sid == conference(room.number),
            None => room.has_started,
        };
        let members = room.members.iter().filter(|_| is_meant);
        Answer::Present { room: room.number, seats: members.map(|member| member.seat).collect() }
    }

    fn announce(&mut self, sid: &ConferenceSid) -> Result<Answer, bool> {
        let number = self.twilio.room.number;
        if *sid != conference(number) || !self.twilio.is_open(number) {
            return Err(true);
        }
        self.past.was_said = true;
        Ok(Answer::Done(None))
    }

    fn tell(&mut self, scenario: &Scenario, event: Event) {
        let refusal = self.try_tell(scenario, &event).err();
        debug_assert!(refusal.is_none(), "only requests are refused");
    }

    /// One step of the flow, and what the shell does with it.
    fn try_tell(&mut self, scenario: &Scenario, event: &Event) -> Result<(), Refusal> {
        let now = DateTime::UNIX_EPOCH;
        let step = step_with(scenario.rules, &self.call, event, &scenario.policy, now)?;
        let outcome = |call: &Call| (call.stage, call.ended_by, call.end_reason, call.ended_at);
        if self.call.stage == Stage::Ended && outcome(&self.call) != outcome(&step.call) {
            self.past.broken = Some("I5: the call ends twice");
        }
        let is_taken_back = matches!(event, Event::CancelRequested | Event::RemoveRequested { .. });
        if !is_taken_back && self.dismisses_a_customer_in_company(scenario, &step.commands) {
            self.past.broken = Some("I4: the customer is dismissed though an agent is there");
        }
        let tasks = step.commands.into_iter();
        self.tasks.extend(tasks.map(|command| Task { command, uncertain: false, answer: None }));
        self.tasks.sort_by_key(|task| task.command.leg_id()); // stable: about one leg in their order
        for set in step.timers {
            if !self.timers.contains(&set.timer) {
                self.timers.push(set.timer);
            }
        }
        self.timers.sort_by_key(|timer| due(*timer));
        if step.call.stage == Stage::Ended {
            self.timers.clear();
        }
        self.twilio.people.resize(step.call.legs.len(), Person::ABSENT);
        if *self.call != step.call {
            self.call = Rc::new(step.call);
        }
        Ok(())
    }
}

impl World {
    /// Whether these commands end a customer's leg who is in the room with an agent that has, or has taken, the call.
    fn dismisses_a_customer_in_company(&self, scenario: &Scenario, commands: &[Command]) -> bool {
        let customer = self.call.legs[CUSTOMER].id;
        let is_dismissal = |command: &Command| matches!(command, Command::TellAndEnd { leg_id, .. } | Command::EndLeg { leg_id } if *leg_id == customer);
        let is_chosen = scenario.policy.agent_leaves_early == AgentLeavesEarly::EndCall
            || self.past.end_was_asked
            || self.call.stage == Stage::Ending;
        let taker = self.call.transfer().filter(|it| it.taken).map(|it| it.leg_id);
        let is_there = |leg_id: Uuid| {
            let seat = self.seat_of(leg_id).filter(|seat| self.twilio.member(*seat).is_some());
            seat.is_some_and(|seat| !self.call.legs[seat].end_wanted)
        };
        let holder = Some(self.call.holder).filter(|_| self.call.stage != Stage::Waiting);
        let has_company = [holder, taker].into_iter().flatten().any(is_there);
        let customer_talks = self.call.legs[CUSTOMER].is_talking();
        !is_chosen && customer_talks && has_company && commands.iter().any(is_dismissal)
    }
}

/// Whether the flow learns from this command's success.
fn is_news(command: &Command) -> bool {
    matches!(
        command,
        Command::CreateCall { .. }
            | Command::CreateParticipant { .. }
            | Command::EndLeg { .. }
            | Command::FetchLeg { .. }
            | Command::FindCustomer { .. }
            | Command::LookIntoRoom
            | Command::SetEndConferenceOnExit { .. }
    )
}

fn conference(number: u8) -> ConferenceSid {
    ConferenceSid::from_u128(number.into())
}

/// The order in which timers fall due, and whose they are.
pub fn due(timer: Timer) -> (u8, Uuid) {
    match timer {
        Timer::EndLimit => (0, Uuid::nil()),
        Timer::MoveLimit => (1, Uuid::nil()),
        Timer::MoveAgain => (2, Uuid::nil()),
        Timer::RingLimit { leg_id } => (3, leg_id),
        Timer::AcceptLimit { leg_id } => (4, leg_id),
        Timer::Watch => (5, Uuid::nil()),
        Timer::ConsultLimit { transfer_id } => (6, transfer_id),
    }
}

/// Two independent hashes at once: with 128 bits no two of some millions of states are taken for one.
struct Lanes(u64, u64);

impl Default for Lanes {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f)
    }
}

impl Lanes {
    fn both(&self) -> u128 {
        (u128::from(self.0) << 64) | u128::from(self.1)
    }

    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
        self.1 = (self.1 ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29);
    }
}

impl Hasher for Lanes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
        self.mix(bytes.len() as u64);
    }

    fn write_u8(&mut self, value: u8) {
        self.mix(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.mix(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.mix(value as u64);
    }
}
