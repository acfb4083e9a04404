//! A small model of Twilio: who is on which leg and where, one room, and the news that is on its way to us.
//!
//! It knows what `<Dial>`, redirects, conferences and their exit flags do to people, and nothing of our side.

use crate::calls::flow::LegStatus;

/// A leg by its place in [`Call::legs`](crate::calls::flow::Call::legs), which only ever grows.
pub type Seat = usize;
/// The seats that a bridge joins.
pub const AGENT: Seat = 0;
/// See [`AGENT`].
pub const CUSTOMER: Seat = 1;

/// How far a leg is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Line {
    Absent,
    Ringing,
    On(At),
    Over,
}

/// Where somebody is who is on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    /// The first agent hears the customer being rung.
    Dialling,
    /// First agent and customer, joined by `<Dial>`.
    Bridge,
    /// The first agent's `<Dial>` is over; its action has not been asked for yet.
    Action { reached: bool },
    /// In the room, as their document says; when the room closes, the document's words follow.
    Room,
    /// In the room, as REST put them there; when the room closes, the leg ends.
    Added,
    /// Outside, with music, as this transfer wanted it.
    Music { transfer: u8 },
    /// Outside, asked whether they take the call.
    Gate,
    /// Hears some last words; the leg ends with them.
    Words,
}

/// A person and their leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Person {
    pub line: Line,
    /// The conference that the leg is rung into by its SID, and the only one it can join.
    pub into: Option<u8>,
    /// It was answered at some time.
    pub answered: bool,
    /// The person themselves hung up.
    pub hung_up: bool,
}

impl Person {
    pub const ABSENT: Self = Self { line: Line::Absent, into: None, answered: false, hung_up: false };
}

/// Somebody in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    pub seat: Seat,
    pub on_hold: bool,
    pub ends_room: bool,
}

/// The conference that bears the room's name: which one, counted from the first, and who is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Room {
    pub number: u8,
    pub has_started: bool,
    /// Empty: closed, or not open yet.
    pub members: Vec<Member>,
    /// How much news of each seat there has been in this conference. The flow compares sequence numbers only of one leg with
    /// each other, so counting by leg instead of by conference loses nothing and lets more states coincide.
    sequence: Vec<u8>,
}

/// News on its way to us: it may arrive in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mail {
    Leg(Seat, LegStatus),
    Music { seat: Seat, transfer: u8 },
    DialOver { agent_on_line: bool },
    Joined { seat: Seat, room: u8, sequence: u8 },
    Left { seat: Seat, room: u8, sequence: u8, status: LegStatus, hung_up: bool },
    Closed { room: u8, by: Option<Seat> },
}

/// All that Twilio knows of one call of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Twilio {
    pub people: Vec<Person>,
    pub room: Room,
    /// In no order: kept sorted, so that equal states are equal.
    pub mail: Vec<Mail>,
}

impl Twilio {
    pub fn line(&self, seat: Seat) -> Line {
        self.people[seat].line
    }

    pub fn member(&self, seat: Seat) -> Option<&Member> {
        self.room.members.iter().find(|member| member.seat == seat)
    }

    pub fn member_mut(&mut self, seat: Seat) -> Option<&mut Member> {
        self.room.members.iter_mut().find(|member| member.seat == seat)
    }

    pub fn is_open(&self, room: u8) -> bool {
        self.room.number == room && !self.room.members.is_empty()
    }

    /// What REST answers when it is asked about a leg.
    pub fn status(&self, seat: Seat) -> LegStatus {
        match self.people[seat] {
            Person { line: Line::Absent, .. } => LegStatus::Queued,
            Person { line: Line::Ringing, .. } => LegStatus::Ringing,
            Person { line: Line::On(_), .. } => LegStatus::InProgress,
            Person { answered: true, .. } => LegStatus::Completed,
            Person { .. } => LegStatus::NoAnswer,
        }
    }

    pub fn post(&mut self, mail: Mail) {
        let at = self.mail.partition_point(|it| *it < mail);
        self.mail.insert(at, mail);
    }

    pub fn ring(&mut self, seat: Seat, into: Option<u8>) {
        self.people[seat] = Person { line: Line::Ringing, into, ..Person::ABSENT };
    }

    /// The first agent's document: it dials the customer, or leads to the room.
    pub fn answer_agent(&mut self, on_bridge: bool) {
        self.pick_up(AGENT, if on_bridge { At::Dialling } else { At::Room });
        if on_bridge {
            self.ring(CUSTOMER, None);
        } else {
            self.join(AGENT);
        }
    }

    /// Whoever was dialled from the agent's document is on the bridge now.
    pub fn answer_on_bridge(&mut self) {
        self.pick_up(CUSTOMER, At::Bridge);
        self.people[AGENT].line = Line::On(At::Bridge);
    }

    /// Whoever was rung into a room is in it now, unless it has closed meanwhile.
    pub fn answer_into_room(&mut self, seat: Seat) {
        if self.people[seat].into.is_some_and(|room| !self.is_open(room)) {
            self.people[seat].line = Line::Over;
            return self.post(Mail::Leg(seat, LegStatus::Failed));
        }
        self.pick_up(seat, At::Added);
        self.join(seat);
    }

    fn pick_up(&mut self, seat: Seat, at: At) {
        self.people[seat].line = Line::On(at);
        self.people[seat].answered = true;
        self.post(Mail::Leg(seat, LegStatus::InProgress));
    }

    /// A phone that rang stops ringing: engaged, refused, rung out, or cancelled by REST.
    pub fn ring_in_vain(&mut self, seat: Seat, status: LegStatus) {
        self.people[seat].line = Line::Over;
        self.post(Mail::Leg(seat, status));
        if self.line(AGENT) == Line::On(At::Dialling) && seat == CUSTOMER {
            self.people[AGENT].line = Line::On(At::Action { reached: false });
        }
    }

    /// Whether this person's leaving closes the room on the customer and somebody they can talk to.
    pub fn would_close_on_two(&self, seat: Seat) -> bool {
        let closes = self.member(seat).is_some_and(|member| member.ends_room);
        closes && seat != CUSTOMER && self.member(CUSTOMER).is_some() && self.room.members.len() > 2
    }

    /// A leg ends, by its person's hand or by ours.
    pub fn end(&mut self, seat: Seat, by_hand: bool) {
        let was = self.line(seat);
        self.people[seat].line = Line::Over;
        self.people[seat].hung_up |= by_hand;
        match was {
            Line::On(At::Room | At::Added) => self.leave(seat, LegStatus::Completed, by_hand),
            Line::On(At::Bridge) if seat == CUSTOMER => {
                self.people[AGENT].line = Line::On(At::Action { reached: true });
            }
            Line::On(At::Bridge | At::Dialling) => {
                self.end_child();
                self.post(Mail::DialOver { agent_on_line: false });
            }
            Line::On(At::Action { .. }) => self.post(Mail::DialOver { agent_on_line: false }),
            _ => {}
        }
        self.post(Mail::Leg(seat, LegStatus::Completed));
    }

    /// Twilio ends the child's leg with the parent's.
    fn end_child(&mut self) {
        let status = match self.line(CUSTOMER) {
            Line::Ringing => LegStatus::Canceled,
            Line::On(_) => LegStatus::Completed,
            Line::Absent | Line::Over => return,
        };
        self.people[CUSTOMER].line = Line::Over;
        self.post(Mail::Leg(CUSTOMER, status));
    }

    /// A leg that is on the line goes somewhere else. False: Twilio will not, as it is not.
    pub fn redirect(&mut self, seat: Seat, to: At) -> bool {
        let Line::On(was) = self.line(seat) else { return false };
        self.people[seat].line = Line::On(to);
        match was {
            At::Room | At::Added => self.leave(seat, LegStatus::InProgress, false),
            At::Bridge if seat == CUSTOMER => {
                self.people[AGENT].line = Line::On(At::Action { reached: true });
            }
            At::Bridge | At::Dialling => {
                self.end_child();
                self.post(Mail::DialOver { agent_on_line: true }); // its answer is discarded
            }
            At::Action { .. } => self.post(Mail::DialOver { agent_on_line: true }),
            At::Music { .. } | At::Gate | At::Words => {}
        }
        match to {
            At::Room => self.join(seat),
            At::Music { transfer } => self.post(Mail::Music { seat, transfer }),
            _ => {}
        }
        true
    }

    fn join(&mut self, seat: Seat) {
        if self.room.members.is_empty() {
            self.room = Room { number: self.room.number + 1, ..Room::default() };
        }
        let member = Member { seat, on_hold: false, ends_room: false };
        let at = self.room.members.partition_point(|it| *it < member);
        self.room.members.insert(at, member);
        self.room.has_started |= self.room.members.len() > 1;
        let sequence = self.next_sequence(seat);
        self.post(Mail::Joined { seat, room: self.room.number, sequence });
    }

    fn leave(&mut self, seat: Seat, status: LegStatus, hung_up: bool) {
        let Some(at) = self.room.members.iter().position(|member| member.seat == seat) else { return };
        let member = self.room.members.remove(at);
        let sequence = self.next_sequence(seat);
        self.post(Mail::Left { seat, room: self.room.number, sequence, status, hung_up });
        if member.ends_room || self.room.members.is_empty() {
            self.close(seat);
        }
    }

    /// The room closes on whoever is left in it.
    fn close(&mut self, by: Seat) {
        for member in std::mem::take(&mut self.room.members) {
            let seat = member.seat;
            let goes_on = self.line(seat) == Line::On(At::Room);
            let status = if goes_on { LegStatus::InProgress } else { LegStatus::Completed };
            let sequence = self.next_sequence(seat);
            self.post(Mail::Left { seat, room: self.room.number, sequence, status, hung_up: false });
            if goes_on {
                self.people[seat].line = Line::On(At::Words);
            } else {
                self.people[seat].line = Line::Over;
                self.post(Mail::Leg(seat, LegStatus::Completed));
            }
        }
        self.post(Mail::Closed { room: self.room.number, by: Some(by) });
    }

    fn next_sequence(&mut self, seat: Seat) -> u8 {
        if self.room.sequence.len() <= seat {
            self.room.sequence.resize(seat + 1, 0);
        }
        self.room.sequence[seat] += 1;
        self.room.sequence[seat]
    }
}
