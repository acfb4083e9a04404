//! Owns rooms: who is in them, when they start and end, and what their callbacks say.
//! <https://www.twilio.com/docs/voice/twiml/conference>

use std::ops::{Index, IndexMut};

use super::calls::{Activity, CallId, Callback, EndedBy, Status};
use super::dial::DialEnd;
use super::http::RequestKind;
use super::interpreter::Flow;
use super::timeline::EventKind;
use super::timers::TrackOwner;
use super::twiml::{ConferenceNoun, WaitSource};
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
    pub(crate) wait: WaitSource,
    /// Added by REST: the leg ends with the conference. Otherwise its document goes on.
    pub(crate) by_rest: bool,
    /// By name, not by SID: it would open a new conference of that name.
    pub(crate) by_name: bool,
    pub(crate) joined: bool,
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
}

impl Rooms {
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (RoomId, &Room)> {
        self.list.iter().enumerate().map(|(i, room)| (RoomId(i), room))
    }

    /// The live conference of that name.
    pub(crate) fn live(&self, name: &str) -> Option<RoomId> {
        self.iter().rev().find(|(_, r)| r.is_live() && r.name == name).map(|(id, _)| id)
    }

    pub(crate) fn find(&self, sid: &str) -> Option<RoomId> {
        self.iter().find(|(_, r)| r.sid.as_str() == sid).map(|(id, _)| id)
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
        let id = RoomId(self.rooms.list.len());
        self.record(
            EventKind::ConferenceCreated,
            None,
            format!("conference {name}"),
            &[("conference_sid", sid.as_str()), ("friendly_name", name)],
        );
        self.rooms.list.push(Room {
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
        });
        id
    }

    /// A `<Dial><Conference>`.
    pub(super) fn join_by_twiml(&mut self, call: CallId, noun: &ConferenceNoun) -> Flow {
        let coaches = noun.coach.as_deref().and_then(|sid| self.calls.find(sid));
        let problem = self.cannot_join(noun, coaches);
        if let Some((code, why)) = problem {
            let text = code.to_string();
            self.record(EventKind::TwimlError, Some(call), format!("{code} {why}"), &[("code", &text)]);
            // A label in use leaves the leg with its next verb; the others are told to the action.
            if code == 16025 {
                self.calls[call].dial = None;
                return Flow::Continue;
            }
            self.finish_dial(call, DialEnd { status: Some("failed"), ..DialEnd::default() }, 0);
            return Flow::Wait;
        }
        let wait = match &noun.wait {
            WaitSource::Document { url, method } => match self.resolve(call, url) {
                Ok(url) => WaitSource::Document { url, method: *method },
                Err(_) => WaitSource::Document { url: url.clone(), method: *method },
            },
            other => other.clone(),
        };
        let callback = noun.callback.as_ref().and_then(|url| self.resolve(call, url).ok());
        let callback = callback.map(|url| Callback {
            url,
            method: noun.callback_method,
            events: noun.events.iter().cloned().collect(),
        });
        let room = self.open_room(&noun.name);
        self.rooms[room].members.push(Member {
            call,
            label: noun.label.clone(),
            muted: noun.muted,
            hold: false,
            start_on_enter: noun.start_on_enter,
            end_on_exit: noun.end_on_exit,
            coaches,
            wait,
            by_rest: false,
            by_name: true,
            joined: false,
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
        let (wait, callback) = (member.wait.clone(), member.callback.clone());
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
        self.room_event(room, Some(call), "participant-join", Vec::new());
        let starter = self.rooms[room].members.iter().any(|m| m.joined && m.start_on_enter);
        if !self.rooms[room].is_started() && self.rooms[room].present() >= 2 && starter {
            self.start_room(room);
        }
        if !self.rooms[room].is_started() {
            self.start_track(TrackOwner::Wait(call), &wait);
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

    fn member_left(&mut self, room: RoomId, member: &Member, reason: &str) {
        let call = member.call;
        // Nobody has joined yet: the leg that fails brings its own callback.
        let borrowed = !self.rooms[room].anyone_joined;
        if borrowed {
            self.rooms[room].callback.clone_from(&member.callback);
        }
        let (name, sid) = (self.rooms[room].name.clone(), self.rooms[room].sid.to_string());
        let data = [("conference_sid", sid.as_str()), ("reason", reason)];
        self.record(EventKind::ConferenceLeft, Some(call), format!("leaves {name}: {reason}"), &data);
        let status = self.calls[call].status.to_string();
        let mut extra = member_params(self.calls[call].sid.as_str(), member);
        extra.push(("ParticipantCallStatus".into(), status));
        extra.push(("ReasonParticipantLeft".into(), reason.to_owned()));
        self.room_event(room, Some(call), "participant-leave", extra);
    }

    /// The conference is over for all: legs with a document go on with it, the others end.
    pub(super) fn end_room(&mut self, room: RoomId, reason: &'static str, ending: Option<&Member>) {
        if !self.rooms[room].is_live() {
            return;
        }
        self.touch_room(room);
        self.stop_track(TrackOwner::RoomAnnounce(room));
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

    fn close_room(&mut self, room: RoomId, reason: &'static str, ending: Option<&Member>) {
        let sid = self.rooms[room].sid.to_string();
        let name = self.rooms[room].name.clone();
        let mut extra = vec![("ReasonConferenceEnded".to_owned(), reason.to_owned())];
        extra.push(("Reason".into(), format!("Conference ended: {}", reason.replace('-', " "))));
        if let Some(member) = ending {
            extra.push(("CallSidEndingConference".into(), self.calls[member.call].sid.to_string()));
            let label = member.label.clone().map(|l| ("ParticipantLabelEndingConference".to_owned(), l));
            extra.extend(label);
        }
        let room_state = &mut self.rooms[room];
        room_state.status = RoomStatus::Completed;
        room_state.updated_ms = self.now_ms;
        room_state.end_reason = Some(reason);
        room_state.ended_by = ending.map(|m| m.call);
        let data = [("conference_sid", sid.as_str()), ("reason", reason)];
        self.record(EventKind::ConferenceEnded, None, format!("{name} ends: {reason}"), &data);
        self.room_event(room, None, "conference-end", extra);
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

    /// Sends a conference callback if the first joiner asked for this kind of event.
    pub(super) fn room_event(
        &mut self,
        room: RoomId,
        call: Option<CallId>,
        event: &str,
        extra: Vec<(String, String)>,
    ) {
        let Some(callback) = self.rooms[room].callback.clone() else { return };
        if !callback.events.contains(group(event)) {
            return;
        }
        let sequence = self.rooms[room].sequence;
        self.rooms[room].sequence += 1;
        let mut params: Vec<(String, String)> = Vec::with_capacity(16);
        let mut add = |name: &str, value: String| params.push((name.to_owned(), value));
        add("ConferenceSid", self.rooms[room].sid.to_string());
        add("FriendlyName", self.rooms[room].name.clone());
        add("AccountSid", self.options.account_sid.to_string());
        add("SequenceNumber", sequence.to_string());
        add("Timestamp", self.rfc2822(self.now_ms));
        add("StatusCallbackEvent", event.to_owned());
        if let Some(call) = call
            && let Some(member) = self.rooms[room].member(call)
        {
            params.extend(member_params(self.calls[call].sid.as_str(), member));
        }
        params.extend(extra);
        self.send_callback(
            call,
            callback.url,
            callback.method,
            RequestKind::ConferenceCallback,
            params,
            event,
        );
    }
}

pub(super) const ENDED_BY_API: &str = "conference-ended-via-api";
const ENDING_MEMBER_LEFT: &str = "participant-with-end-conference-on-exit-left";
const ENDING_MEMBER_KICKED: &str = "participant-with-end-conference-on-exit-kicked";

/// The word of `statusCallbackEvent` that an event belongs to.
fn group(event: &str) -> &str {
    match event {
        "conference-start" => "start",
        "conference-end" => "end",
        "participant-join" => "join",
        "participant-leave" => "leave",
        "participant-mute" | "participant-unmute" => "mute",
        "participant-hold" | "participant-unhold" => "hold",
        "participant-modify" => "modify",
        "announcement-end" | "announcement-fail" => "announcement",
        _ => "speaker",
    }
}

fn member_params(sid: &str, member: &Member) -> Vec<(String, String)> {
    let mut params = vec![("CallSid".to_owned(), sid.to_owned())];
    params.extend(member.label.clone().map(|label| ("ParticipantLabel".to_owned(), label)));
    for (name, value) in [
        ("Muted", member.muted),
        ("Hold", member.hold),
        ("Coaching", member.coaches.is_some()),
        ("EndConferenceOnExit", member.end_on_exit),
        ("StartConferenceOnEnter", member.start_on_enter),
    ] {
        params.push((name.to_owned(), value.to_string()));
    }
    params
}
