//! Owns what is to be seen at this moment: phones with their legs, conferences with who is in them and hears what.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Engine;
use super::audio::Heard;
use super::calls::{Call, CallId};
use super::conferences::{Member, Room};
use super::phones::PhonePlan;
use crate::telephony::{CallSid, ConferenceSid};

/// So many of the newest legs are looked at: a load test must not make looking expensive.
const NEWEST_LEGS: usize = 1_000;
/// So many phones are shown at most, and as many conferences.
const MOST_SHOWN: usize = 200;

/// One phone: what it will do, and what it is on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PhoneView {
    pub(crate) address: String,
    /// One a call, the last one stays; empty for a phone that nobody has described.
    plans: Vec<PhonePlan>,
    /// Those that have not ended, oldest first.
    legs: Vec<LegView>,
}

/// One leg that has not ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct LegView {
    call_sid: CallSid,
    /// `inbound`: its holder is the caller.
    direction: String,
    /// `queued`, `initiated`, `ringing` or `in-progress`.
    status: String,
    /// The number at the other side.
    other: String,
    /// Emulated milliseconds.
    created_ms: u64,
    answered_ms: Option<u64>,
    /// Name of the conference it is in, or rings for.
    conference: Option<String>,
    /// Nothing until the answer; an empty list is silence.
    hears: Option<Vec<Heard>>,
}

/// One conference that has not ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ConferenceView {
    conference_sid: ConferenceSid,
    name: String,
    /// `init` until it starts.
    status: String,
    /// Emulated milliseconds.
    created_ms: u64,
    members: Vec<MemberView>,
}

/// One member, there or ringing.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct MemberView {
    call_sid: CallSid,
    address: String,
    label: Option<String>,
    /// False while it rings.
    joined: bool,
    muted: bool,
    hold: bool,
    /// The address of the member that it speaks to alone.
    coaching: Option<String>,
    end_on_exit: bool,
    hears: Option<Vec<Heard>>,
}

/// A number of the account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct NumberView {
    number: String,
    voice_url: Option<String>,
    method: Option<super::Method>,
    status_callback: Option<String>,
}

impl Engine {
    /// Every phone that somebody described or that was on a call lately, by address.
    pub(crate) fn phones_now(&self) -> Vec<PhoneView> {
        let mut shown: BTreeMap<&str, PhoneView> = BTreeMap::new();
        for (address, plans) in self.phones.described().take(MOST_SHOWN) {
            shown.insert(address, PhoneView::new(address, plans.cloned().collect()));
        }
        // Between two numbers of the account there is no phone.
        let newest = self.calls.iter().rev().take(NEWEST_LEGS).filter(|(_, call)| call.twin.is_none());
        for (_, call) in newest {
            let address = call.person();
            if !shown.contains_key(address) && shown.len() < MOST_SHOWN {
                shown.insert(address, PhoneView::new(address, Vec::new()));
            }
            if let Some(phone) = shown.get_mut(address).filter(|_| !call.is_ended()) {
                phone.legs.insert(0, self.leg_view(call));
            }
        }
        shown.into_values().collect()
    }

    fn leg_view(&self, call: &Call) -> LegView {
        let other = if call.person() == call.from { &call.to } else { &call.from };
        LegView {
            call_sid: call.sid.clone(),
            direction: call.direction.to_string(),
            status: call.status.to_string(),
            other: other.clone(),
            created_ms: call.created_ms,
            answered_ms: call.answered_ms,
            conference: call.room.map(|room| self.rooms[room].name.clone()),
            hears: call.hears.clone(),
        }
    }

    /// Every conference that has not ended, in the order of opening.
    pub(crate) fn conferences_now(&self) -> Vec<ConferenceView> {
        self.rooms.all_live().take(MOST_SHOWN).map(|room| self.conference_view(&self.rooms[room])).collect()
    }

    fn conference_view(&self, room: &Room) -> ConferenceView {
        ConferenceView {
            conference_sid: room.sid.clone(),
            name: room.name.clone(),
            status: room.status.to_string(),
            created_ms: room.created_ms,
            members: room.members.iter().map(|member| self.member_view(member)).collect(),
        }
    }

    fn member_view(&self, member: &Member) -> MemberView {
        let address = |id: CallId| self.calls[id].person().to_owned();
        MemberView {
            call_sid: self.calls[member.call].sid.clone(),
            address: address(member.call),
            label: member.label.clone(),
            joined: member.joined,
            muted: member.muted,
            hold: member.hold,
            coaching: member.coaches.map(address),
            end_on_exit: member.end_on_exit,
            hears: self.calls[member.call].hears.clone(),
        }
    }

    /// The numbers of the account, in order.
    pub(crate) fn numbers_now(&self) -> Vec<NumberView> {
        let view = |(number, known): (&String, &super::people::VoiceSettings)| NumberView {
            number: number.clone(),
            voice_url: known.voice.as_ref().map(|link| link.url.clone()),
            method: known.voice.as_ref().map(|link| link.method),
            status_callback: known.callback.as_ref().map(|link| link.url.clone()),
        };
        self.numbers.iter().map(view).collect()
    }
}

impl PhoneView {
    fn new(address: &str, plans: Vec<PhonePlan>) -> Self {
        Self { address: address.to_owned(), plans, legs: Vec::new() }
    }
}
