//! Owns rooms: who is in them, when they start and end, and what their callbacks say.
//! <https://www.twilio.com/docs/voice/twiml/conference>

use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};

use super::calls::{Activity, CallId, Callback, EndedBy, Status};
use super::dial::DialEnd;
use super::interpreter::Flow;
use super::recordings::RecordOrder;
use super::timeline::EventKind;
use super::timers::TrackOwner;
use super::twiml::{Beep, ConferenceNoun, WaitSource};
use super::{Engine, RingingLeg};
use crate::telephony::ConferenceSid;

/// A room's place in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RoomId(pub(crate) usize);

/// A conference's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum RoomStatus {
    Init,
    InProgress,
    Completed,
}

/// One leg in a conference, or ringing for it.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) call: CallId,
    pub(crate) label: Option<String>,
    pub(crate) muted: bool,
    pub(crate) hold: bool,
    pub(crate) start_on_enter: bool,
    pub(crate) end_on_exit: bool,
    pub(crate) coaches: Option<CallId>,
    pub(crate) beep: Beep,
    pub(crate) wait: WaitSource,
    /// Added by REST: the leg ends with the conference. Otherwise its document goes on.
    pub(crate) by_rest: bool,
    /// By name, not by SID: it would open a new conference of that name.
    pub(crate) by_name: bool,
    pub(crate) joined: bool,
    /// Its `participant-join` has been reported already, when it began to ring.
    pub(crate) reported: bool,
    pub(crate) early_media: bool,
    /// Used if this is the first member to join.
    pub(crate) callback: Option<Callback>,
    pub(crate) created_ms: u64,
    pub(crate) updated_ms: u64,
}

/// One conference.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) sid: ConferenceSid,
    pub(crate) name: String,
    pub(crate) status: RoomStatus,
    pub(crate) created_ms: u64,
    pub(crate) updated_ms: u64,
    pub(crate) members: Vec<Member>,
    /// The first joiner's, whatever later ones say.
    pub(super) callback: Option<Callback>,
    pub(super) anyone_joined: bool,
    pub(super) sequence: u64,
    pub(crate) end_reason: Option<&'static str>,
    pub(crate) ended_by: Option<CallId>,
    pub(super) announce_url: Option<String>,
    /// To be recorded from its start on.
    pub(super) record: Option<RecordOrder>,
}

impl Room {
    pub(crate) fn is_live(&self) -> bool {
        self.status != RoomStatus::Completed
    }

    pub(crate) fn is_started(&self) -> bool {
        self.status == RoomStatus::InProgress
    }

    pub(crate) fn member(&self, call: CallId) -> Option<&Member> {
        self.members.iter().find(|m| m.call == call)
    }

    pub(crate) fn member_mut(&mut self, call: CallId) -> Option<&mut Member> {
        self.members.iter_mut().find(|m| m.call == call)
    }

    pub(super) fn present(&self) -> usize {
        self.members.iter().filter(|m| m.joined).count()
    }
}

/// All conferences, in the order they were opened.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    list: Vec<Room>,
    by_sid: BTreeMap<String, RoomId>,
    live: BTreeMap<String, RoomId>,
}

impl Rooms {
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (RoomId, &Room)> {
        self.list.iter().enumerate().map(|(i, room)| (RoomId(i), room))
    }

    /// The live conference of that name.
    pub(crate) fn live(&self, name: &str) -> Option<RoomId> {
        self.live.get(name).copied()
    }

    /// All live conferences, in the order they were opened.
    pub(super) fn all_live(&self) -> impl Iterator<Item = RoomId> {
        let mut live: Vec<RoomId> = self.live.values().copied().collect();
        live.sort_unstable();
        live.into_iter()
    }

    pub(crate) fn find(&self, sid: &str) -> Option<RoomId> {
        self.by_sid.get(sid).copied()
    }

    fn open(&mut self, room: Room) -> RoomId {
        let id = RoomId(self.list.len());
        self.by_sid.insert(room.sid.to_string(), id);
        self.live.insert(room.name.clone(), id);
        self.list.push(room);
        id
    }

    /// The name is free again.
    pub(super) fn close(&mut self, id: RoomId) {
        let name = &self.list[id.0].name;
        if self.live.get(name) == Some(&id) {
            self.live.remove(name);
        }
    }
}

impl Index<RoomId> for Rooms {
    type Output = Room;
    fn index(&self, id: RoomId) -> &Room {
        &self.list[id.0]
    }
}

impl IndexMut<RoomId> for Rooms {
    fn index_mut(&mut self, id: RoomId) -> &mut Room {
        &mut self.list[id.0]
    }
}

/// Why a member leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Departure {
    CallEnded(EndedBy),
    Redirected,
    Kicked,
    Star,
    WaitFailed,
}

impl Engine {
    pub(super) fn touch_room(&mut self, room: RoomId) {
        self.dirty.extend(self.rooms[room].members.iter().map(|m| m.call));
    }

    /// The live conference of that name, or a new one.
    pub(super) fn open_room(&mut self, name: &str) -> RoomId {
        if let Some(room) = self.rooms.live(name) {
            return room;
        }
        let sid = ConferenceSid::from_u128(self.bits());
        self.record(
            EventKind::ConferenceCreated,
            None,
            format!("conference {name}"),
            &[("conference_sid", sid.as_str()), ("friendly_name", name)],
        );
        self.rooms.open(Room {
            sid,
            name: name.to_owned(),
            status: RoomStatus::Init,
            created_ms: self.now_ms,
            updated_ms: self.now_ms,
            members: Vec::new(),
            callback: None,
            anyone_joined: false,
            sequence: self.switches.conference_sequence_start,
            end_reason: None,
            ended_by: None,
            announce_url: None,
            record: None,
        })
    }

    /// A `<Dial><Conference>`.
    pub(super) fn join_by_twiml(&mut self, call: CallId, noun: &ConferenceNoun) -> Flow {
        let coaches = noun.coach.as_deref().and_then(|sid| self.calls.find(sid));
        let problem = self.cannot_join(noun, coaches);
        if let Some((code, why)) = problem {
            self.error_of(Some(call), code, None, &why);
            // A label in use leaves the leg with its next verb; the others are told to the action.
            if code == 16025 {
                self.calls[call].dial = None;
                return Flow::Continue;
            }
            self.finish_dial(call, DialEnd { status: Some("failed"), ..DialEnd::default() }, 0);
            return Flow::Wait;
        }
        let wait = self.wait_source(call, &noun.wait);
        let callback = noun.callback.as_ref().and_then(|url| self.resolve(call, url).ok());
        let callback = callback.map(|url| Callback {
            url,
            method: noun.callback_method,
            events: noun.events.iter().cloned().collect(),
        });
        let room = self.open_room(&noun.name);
        if let Some(record) = &noun.record {
            let order = RecordOrder { track: None, ..self.record_order(call, record, "Conference") };
            self.order_room_recording(room, order);
        }
        self.rooms[room].members.push(Member {
            call,
            label: noun.label.clone(),
            muted: noun.muted,
            hold: false,
            start_on_enter: noun.start_on_enter,
            end_on_exit: noun.end_on_exit,
            coaches,
            beep: noun.beep,
            wait,
            by_rest: false,
            by_name: true,
            joined: false,
            reported: false,
            early_media: false,
            callback,
            created_ms: self.now_ms,
            updated_ms: self.now_ms,
        });
        self.wait(call);
        self.join_room(call, room);
        Flow::Wait
    }

    fn cannot_join(&self, noun: &ConferenceNoun, coaches: Option<CallId>) -> Option<(u32, String)> {
        let live = self.rooms.live(&noun.name).map(|room| &self.rooms[room]);
        if noun.name.is_empty() || noun.name.chars().count() > 128 {
            return Some((13237, "a conference needs a name of 1 to 128 characters".into()));
        }
        if let Some(label) = &noun.label
            && live.is_some_and(|r| r.members.iter().any(|m| m.label.as_ref() == Some(label)))
        {
            return Some((16025, format!("the label {label} is in use")));
        }
        if live.is_some_and(|r| r.members.len() >= noun.max_participants) {
            return Some((16020, "the conference is full".into()));
        }
        let coached = coaches.is_some_and(|c| live.is_some_and(|r| r.member(c).is_some_and(|m| m.joined)));
        (noun.coach.is_some() && !coached).then(|| (13240, "the member to coach is not there".into()))
    }

    /// The member is in. It may start the conference; otherwise it waits.
    pub(super) fn join_room(&mut self, call: CallId, room: RoomId) {
        let now = self.now_ms;
        let first = !std::mem::replace(&mut self.rooms[room].anyone_joined, true);
        let Some(member) = self.rooms[room].member_mut(call) else { return };
        member.joined = true;
        member.updated_ms = now;
        let (wait, callback, reported) = (member.wait.clone(), member.callback.clone(), member.reported);
        if first {
            self.rooms[room].callback = callback;
        }
        self.calls[call].room = Some(room);
        self.calls[call].activity = Activity::Room(room);
        self.touch(call);
        let (name, sid) = (self.rooms[room].name.clone(), self.rooms[room].sid.to_string());
        self.record(
            EventKind::ConferenceJoined,
            Some(call),
            format!("joins {name}"),
            &[("conference_sid", &sid)],
        );
        if !reported {
            self.room_event(room, Some(call), "participant-join", Vec::new());
        }
        let beeps = self.rooms[room].member(call).is_some_and(|m| m.beep.on_enter);
        let starter = self.rooms[room].members.iter().any(|m| m.joined && m.start_on_enter);
        if !self.rooms[room].is_started() && self.rooms[room].present() >= 2 && starter {
            self.start_room(room);
        }
        if !self.rooms[room].is_started() {
            self.start_track(TrackOwner::Wait(call), &wait);
        }
        if beeps && self.rooms[room].present() > 1 {
            self.beep(room, 1);
        }
    }

    fn start_room(&mut self, room: RoomId) {
        self.rooms[room].status = RoomStatus::InProgress;
        self.rooms[room].updated_ms = self.now_ms;
        let (name, sid) = (self.rooms[room].name.clone(), self.rooms[room].sid.to_string());
        self.record(
            EventKind::ConferenceStarted,
            None,
            format!("{name} starts"),
            &[("conference_sid", &sid)],
        );
        self.room_event(room, None, "conference-start", Vec::new());
        self.room_recording_due(room);
        let members: Vec<CallId> = self.rooms[room].members.iter().map(|m| m.call).collect();
        for call in members {
            self.stop_track(TrackOwner::Wait(call));
        }
        self.touch_room(room);
    }

    /// A member leaves, or a leg that rang for the conference will not come. What its call does next is up to the caller.
    pub(super) fn leave_room(&mut self, call: CallId, why: Departure) {
        let Some(room) = self.calls[call].room.take() else { return };
        let Some(at) = self.rooms[room].members.iter().position(|m| m.call == call) else { return };
        self.touch_room(room);
        let member = self.rooms[room].members.remove(at);
        self.forget_tracks(call);
        if !matches!(self.calls[call].activity, Activity::Ended) {
            self.calls[call].activity = Activity::Waiting;
        }
        if !self.rooms[room].is_live() {
            return;
        }
        let reason = match why {
            _ if !member.joined => "participant_add_failed",
            Departure::CallEnded(EndedBy::Rest) | Departure::Redirected => "participant_updated_via_api",
            Departure::Kicked => &self.switches.reason_after_kick.clone(),
            Departure::CallEnded(_) | Departure::Star | Departure::WaitFailed => "participant_hung_up",
        };
        self.member_left(room, &member, reason);
        if member.joined && member.beep.on_exit {
            self.beep(room, 1);
        } else if !member.joined && member.early_media && why != Departure::Redirected {
            // https://www.twilio.com/docs/voice/api/conference-participant-resource: the others hear busy tones and the like.
            self.beep(room, BUSY_TONES);
        }
        if member.joined && member.end_on_exit {
            let kicked = why == Departure::Kicked;
            let reason = if kicked { ENDING_MEMBER_KICKED } else { ENDING_MEMBER_LEFT };
            self.end_room(room, reason, Some(&member));
        } else if self.rooms[room].members.is_empty() || (member.joined && self.rooms[room].present() == 0) {
            let reason =
                if why == Departure::Kicked { "last-participant-kicked" } else { "last-participant-left" };
            self.end_room(room, reason, Some(&member));
        }
    }

    fn forget_tracks(&mut self, call: CallId) {
        for owner in [TrackOwner::Wait(call), TrackOwner::Hold(call), TrackOwner::Announce(call)] {
            self.stop_track(owner);
        }
    }

    /// The conference is over for all: legs with a document go on with it, the others end.
    pub(super) fn end_room(&mut self, room: RoomId, reason: &'static str, ending: Option<&Member>) {
        if !self.rooms[room].is_live() {
            return;
        }
        self.touch_room(room);
        self.stop_track(TrackOwner::RoomAnnounce(room));
        self.stop_track(TrackOwner::Beep(room));
        let members = std::mem::take(&mut self.rooms[room].members);
        let (present, ringing): (Vec<_>, Vec<_>) = members.into_iter().partition(|m| m.joined);
        let why =
            if reason == ENDED_BY_API { "conference_ended_via_api" } else { "moderator_ended_conference" };
        for member in &present {
            self.calls[member.call].room = None;
            self.forget_tracks(member.call);
            self.member_left(room, member, why);
        }
        self.close_room(room, reason, ending);
        self.rooms[room].members = ringing.clone();
        for member in present {
            self.after_room_as(member.call, member.by_rest);
        }
        if self.switches.ringing_when_conference_ends == RingingLeg::Ends {
            for member in ringing {
                self.end_call(member.call, Status::Canceled, EndedBy::Twilio);
            }
        }
    }

    /// A leg is out of its conference: its document goes on, or it ends.
    pub(super) fn after_room(&mut self, call: CallId) {
        let by_rest = self.calls[call].dial.is_none();
        self.after_room_as(call, by_rest);
    }

    fn after_room_as(&mut self, call: CallId, by_rest: bool) {
        if by_rest {
            self.end_call(call, Status::Completed, EndedBy::Twilio);
        } else {
            self.finish_dial(call, DialEnd::conference(), 0);
        }
    }
}

/// A busy tone, in beeps.
const BUSY_TONES: u32 = 5;
pub(super) const ENDED_BY_API: &str = "conference-ended-via-api";
const ENDING_MEMBER_LEFT: &str = "participant-with-end-conference-on-exit-left";
const ENDING_MEMBER_KICKED: &str = "participant-with-end-conference-on-exit-kicked";
