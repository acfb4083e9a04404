//! Owns the record of who could hear whom, or what, from when to when: what the invariants about dead air are checked by.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Engine;
use super::audio::Heard;
use super::calls::{Activity, Call, CallId, Status, Voice};
use super::conferences::RoomId;
use super::log::Log;
use super::timers::TrackOwner;
use crate::telephony::CallSid;

/// The whole record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audibility {
    /// Everybody who was ever connected, by address.
    pub people: Vec<Person>,
}

/// One person's ears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Where they were reached, or rang from.
    pub address: String,
    /// In order; they cover the time from answer to hang-up of each of the person's legs.
    pub spans: Vec<Span>,
}

/// A time in which somebody heard the same things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Emulated milliseconds since the exchange started.
    pub from_ms: u64,
    /// For the span that lasts, the present.
    pub to_ms: u64,
    /// What was heard; nothing at all is silence: dead air.
    pub hears: Vec<Heard>,
}

#[derive(Debug)]
struct Open {
    leg: CallId,
    from_ms: u64,
    to_ms: Option<u64>,
    hears: Vec<Heard>,
}

/// From now on the far end of a leg hears something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// Emulated milliseconds.
    at_ms: u64,
    call_sid: CallSid,
    address: String,
    /// Nothing when nobody is connected any more; an empty list is silence.
    hears: Option<Vec<Heard>>,
}

/// So many changes are kept for whoever follows them; the spans below are the whole record.
const CHANGES_KEPT: usize = 10_000;

/// Collects spans while they happen.
#[derive(Debug)]
pub(super) struct Record {
    people: BTreeMap<String, Vec<Open>>,
    pub(super) changes: Log<Change>,
}

impl Default for Record {
    fn default() -> Self {
        Self { people: BTreeMap::new(), changes: Log::new(CHANGES_KEPT) }
    }
}

impl Record {
    /// From now on the leg hears this; `None` is a leg that is not connected.
    pub(super) fn change(
        &mut self,
        leg: CallId,
        sid: CallSid,
        address: &str,
        now_ms: u64,
        hears: Option<Vec<Heard>>,
    ) {
        let change =
            Change { at_ms: now_ms, call_sid: sid, address: address.to_owned(), hears: hears.clone() };
        self.changes.push(change);
        let spans = self.people.entry(address.to_owned()).or_default();
        let open = spans.iter().rposition(|s| s.leg == leg && s.to_ms.is_none());
        if let Some(at) = open {
            if spans[at].from_ms == now_ms {
                // What lasted no time was not heard.
                spans.remove(at);
            } else {
                spans[at].to_ms = Some(now_ms);
            }
        }
        let Some(hears) = hears else { return };
        match spans.iter_mut().rev().find(|s| s.leg == leg) {
            Some(last) if last.to_ms == Some(now_ms) && last.hears == hears => last.to_ms = None,
            _ => spans.push(Open { leg, from_ms: now_ms, to_ms: None, hears }),
        }
    }

    pub(super) fn report(&self, now_ms: u64) -> Audibility {
        let person = |(address, spans): (&String, &Vec<Open>)| {
            let mut spans: Vec<Span> = spans
                .iter()
                .map(|s| Span {
                    from_ms: s.from_ms,
                    to_ms: s.to_ms.unwrap_or(now_ms),
                    hears: s.hears.clone(),
                })
                .collect();
            spans.sort_by_key(|s| (s.from_ms, s.to_ms));
            Person { address: address.clone(), spans }
        };
        Audibility { people: self.people.iter().map(person).collect() }
    }
}

impl Engine {
    /// What the far end of a leg hears now; `None` when nobody is connected there.
    pub(super) fn hears(&self, id: CallId) -> Option<Vec<Heard>> {
        let call = &self.calls[id];
        // Between two numbers of the account nobody listens.
        if !call.is_live() || call.twin.is_some() {
            return None;
        }
        let mut hears = self.ears(id, 0);
        hears.sort();
        hears.dedup();
        Some(hears)
    }

    /// What arrives at the far end of a leg. `depth` bounds calls that go round in a circle.
    fn ears(&self, id: CallId, depth: u32) -> Vec<Heard> {
        let call = &self.calls[id];
        if call.cut || depth > MAX_DEPTH {
            return Vec::new();
        }
        match &call.activity {
            Activity::Waiting | Activity::Ended => Vec::new(),
            Activity::Recording(recorder) => recorder.sound().into_iter().collect(),
            Activity::Sound(sound) => sound.iter().cloned().collect(),
            Activity::Gathering(gathering) => gathering.sound.iter().cloned().collect(),
            Activity::Dialing => self.hears_dialling(call),
            Activity::Bridged(peer) => self.voice(*peer, depth),
            Activity::Room(room) => self.hears_in_room(id, *room, depth),
        }
    }

    /// What the others hear from a leg.
    fn voice(&self, id: CallId, depth: u32) -> Vec<Heard> {
        let call = &self.calls[id];
        if call.cut {
            return Vec::new();
        }
        if let Some(twin) = call.twin {
            return self.ears(twin, depth + 1);
        }
        match &call.voice {
            Voice::Person => vec![Heard::Person { who: call.person().to_owned() }],
            Voice::Machine(sound) => sound.iter().cloned().collect(),
        }
    }

    /// While the child listens to its whisper, the parent hears ringing only with `answerOnBridge`.
    fn hears_dialling(&self, call: &Call) -> Vec<Heard> {
        match &call.dial {
            Some(dial) if dial.answered.is_some() && !dial.verb.answer_on_bridge => Vec::new(),
            _ => vec![Heard::Ringing],
        }
    }

    fn track_sound_of(&self, owner: TrackOwner) -> Option<Heard> {
        self.tracks.get(&owner).and_then(|t| t.sound.clone())
    }

    fn hears_in_room(&self, id: CallId, room: RoomId, depth: u32) -> Vec<Heard> {
        let mut hears: Vec<Heard> = self.track_sound_of(TrackOwner::Announce(id)).into_iter().collect();
        let room_id = room;
        let room = &self.rooms[room];
        let Some(me) = room.member(id) else { return hears };
        hears.extend(self.track_sound_of(TrackOwner::RoomAnnounce(room_id)));
        if !me.hold && room.is_started() {
            hears.extend(self.track_sound_of(TrackOwner::Beep(room_id)));
        }
        if me.hold {
            hears.extend(self.track_sound_of(TrackOwner::Hold(id)));
            return hears;
        }
        if !room.is_started() {
            hears.extend(self.track_sound_of(TrackOwner::Wait(id)));
        } else {
            let audible = room.members.iter().filter(|m| m.joined && !m.muted && !m.hold && m.call != id);
            // A coach is heard by the member who is coached, and by nobody else.
            let audible = audible.filter(|m| m.coaches.is_none_or(|coached| coached == id));
            hears.extend(audible.flat_map(|m| self.voice(m.call, depth)));
        }
        let ringing = room
            .members
            .iter()
            .any(|m| !m.joined && m.early_media && self.calls[m.call].status == Status::Ringing);
        if ringing {
            hears.push(Heard::Ringing);
        }
        hears
    }
}

/// Calls between own numbers are followed so far.
const MAX_DEPTH: u32 = 3;
