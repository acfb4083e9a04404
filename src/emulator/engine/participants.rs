//! Owns what REST does to conferences and their members: add, update, remove, announce, end.
//! <https://www.twilio.com/docs/voice/api/conference-participant-resource>

use super::calls::{Activity, CallId, Callback, Direction, EndedBy, Start, Status};
use super::conferences::{Departure, ENDED_BY_API, Member, Room, RoomId};
use super::dial::EXTRA_RING_MS;
use super::http::Link;
use super::lifecycle::NewCall;
use super::timeline::EventKind;
use super::timers::TrackOwner;
use super::twiml::{Beep, WaitSource};
use super::{DeletedParticipant, Engine, RestError};

/// A participant to be added.
#[derive(Debug)]
pub(crate) struct NewParticipant {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) callback: Option<Callback>,
    pub(crate) conference_callback: Option<Callback>,
    pub(crate) label: Option<String>,
    pub(crate) timeout_s: u64,
    pub(crate) time_limit_ms: u64,
    pub(crate) muted: bool,
    pub(crate) start_on_enter: bool,
    pub(crate) end_on_exit: bool,
    pub(crate) wait: WaitSource,
    pub(crate) early_media: bool,
    pub(crate) max_participants: usize,
    pub(crate) coach: Option<String>,
    pub(crate) beep: Beep,
}

/// Changes to a participant; what is `None` stays.
#[derive(Debug, Default)]
pub(crate) struct ParticipantUpdate {
    pub(crate) muted: Option<bool>,
    pub(crate) hold: Option<bool>,
    pub(crate) hold_document: Option<Link>,
    pub(crate) announce: Option<Link>,
    pub(crate) wait: Option<WaitSource>,
    pub(crate) end_on_exit: Option<bool>,
    pub(crate) beep_on_exit: Option<bool>,
    pub(crate) coaching: Option<bool>,
    pub(crate) coach: Option<String>,
}

impl Engine {
    /// REST: dials somebody into a conference, named by its SID (must be live) or by its name (opened if need be).
    pub(crate) fn add_participant(
        &mut self,
        key: &str,
        new: NewParticipant,
    ) -> Result<(RoomId, CallId), RestError> {
        let by_name = !is_conference_sid(key);
        let existing = if by_name { self.rooms.live(key) } else { self.rooms.find(key) };
        if !by_name && !existing.is_some_and(|r| self.rooms[r].is_live()) {
            return Err(RestError::bad(16022, "Conference does not exist or has completed"));
        }
        let coaches = new.coach.as_deref().and_then(|sid| self.calls.find(sid));
        if let Some(room) = existing {
            self.check_room(room, &new, coaches)?;
        }
        if new.coach.is_some() && (coaches.is_none() || existing.is_none()) {
            return Err(nobody_to_coach());
        }
        let room = existing.unwrap_or_else(|| self.open_room(key));
        let call = self.dial_out(NewCall {
            from: new.from.clone(),
            to: new.to.clone(),
            direction: Direction::OutboundApi,
            parent: None,
            callback: new.callback.clone(),
            ring_limit_ms: new.timeout_s * 1000 + EXTRA_RING_MS,
            time_limit_ms: new.time_limit_ms,
            fallback: None,
            start: Start::Conference,
            room: Some(room),
        });
        let member = self.pending_member(call, by_name, coaches, new);
        self.rooms[room].members.push(member);
        Ok(self.done((room, call)))
    }

    fn check_room(
        &self,
        room: RoomId,
        new: &NewParticipant,
        coaches: Option<CallId>,
    ) -> Result<(), RestError> {
        let room = &self.rooms[room];
        if room.members.iter().any(|m| m.label.is_some() && m.label == new.label) {
            return Err(RestError::bad(16026, "Participant label is already in use in this conference"));
        }
        if room.members.len() >= new.max_participants {
            return Err(RestError::bad(16020, "Conference is full"));
        }
        coaches.map_or(Ok(()), |coached| can_be_coached(room, coached))
    }

    fn pending_member(
        &self,
        call: CallId,
        by_name: bool,
        coaches: Option<CallId>,
        new: NewParticipant,
    ) -> Member {
        Member {
            call,
            label: new.label,
            muted: new.muted,
            hold: false,
            start_on_enter: new.start_on_enter,
            end_on_exit: new.end_on_exit,
            coaches,
            beep: new.beep,
            wait: new.wait,
            by_rest: true,
            by_name,
            joined: false,
            reported: false,
            early_media: new.early_media,
            callback: new.conference_callback,
            created_ms: self.now_ms,
            updated_ms: self.now_ms,
        }
    }

    /// With early media a leg may count as joined as soon as it rings: nobody knows, so a switch decides.
    pub(super) fn participant_rings(&mut self, call: CallId) {
        let Some(room) = self.calls[call].room.filter(|_| self.switches.join_at_early_media) else { return };
        let first = !self.rooms[room].anyone_joined;
        let Some(member) = self.rooms[room].member_mut(call).filter(|m| m.early_media) else { return };
        member.reported = true;
        let callback = member.callback.clone();
        if first {
            self.rooms[room].anyone_joined = true;
            self.rooms[room].callback = callback;
        }
        self.room_event(room, Some(call), "participant-join", Vec::new());
    }

    /// The added leg has answered: it joins, or opens a new conference of that name if the old one is over.
    pub(super) fn participant_answered(&mut self, call: CallId) {
        let Some(mut room) = self.calls[call].room else {
            return self.end_call(call, Status::Completed, EndedBy::Twilio);
        };
        if !self.rooms[room].is_live() {
            let at = self.rooms[room].members.iter().position(|m| m.call == call);
            let member = at.map(|at| self.rooms[room].members.remove(at));
            let Some(mut member) = member.filter(|m| m.by_name) else {
                self.calls[call].room = None;
                return self.end_call(call, Status::Completed, EndedBy::Twilio);
            };
            let name = self.rooms[room].name.clone();
            room = self.open_room(&name);
            member.reported = false; // the old conference was told of the ringing leg, the new one was not
            self.rooms[room].members.push(member);
        }
        self.join_room(call, room);
    }

    /// REST: changes a participant.
    pub(crate) fn update_participant(
        &mut self,
        room: RoomId,
        call: CallId,
        update: ParticipantUpdate,
    ) -> Result<(), RestError> {
        let coach = match &update.coach {
            Some(sid) => Some(self.calls.find(sid).ok_or_else(nobody_to_coach)?),
            None => None,
        };
        if let Some(coached) = coach {
            can_be_coached(&self.rooms[room], coached)?;
        }
        let now = self.now_ms;
        let Some(member) = self.rooms[room].member_mut(call) else {
            return Err(RestError::not_found("participant"));
        };
        member.updated_ms = now;
        let (was_muted, was_held) = (member.muted, member.hold);
        member.muted = update.muted.unwrap_or(was_muted);
        member.hold = update.hold.unwrap_or(was_held);
        let mut modified = false;
        // https://github.com/twilio-professional-services/flex-dialpad-addon-plugin/issues/60: on hold, 200 and no effect.
        if let Some(end) = update.end_on_exit.filter(|_| !was_held) {
            modified |= member.end_on_exit != end;
            member.end_on_exit = end;
        }
        if let Some(beep) = update.beep_on_exit {
            modified |= member.beep.on_exit != beep;
            member.beep.on_exit = beep;
        }
        if let Some(coaching) = update.coaching {
            member.coaches = if coaching { coach.or(member.coaches) } else { None };
            modified = true;
        } else if coach.is_some() {
            member.coaches = coach;
            modified = true;
        }
        if let Some(wait) = &update.wait {
            member.wait.clone_from(wait);
            modified = true;
        }
        let (muted, held, waits) = (member.muted, member.hold, member.joined);
        if muted != was_muted {
            self.member_event(room, call, if muted { "participant-mute" } else { "participant-unmute" });
        }
        self.apply_hold(room, call, was_held, held, update.hold_document);
        if modified {
            self.member_event(room, call, "participant-modify");
        }
        if let Some(wait) = update.wait.filter(|_| waits && !self.rooms[room].is_started()) {
            self.start_track(TrackOwner::Wait(call), &wait);
        }
        if let Some(link) = update.announce {
            self.rooms[room].announce_url = Some(link.url.clone());
            let source = WaitSource::Document { url: link.url, method: link.method };
            self.start_track(TrackOwner::Announce(call), &source);
        }
        self.touch(call);
        self.done(Ok(()))
    }

    fn apply_hold(&mut self, room: RoomId, call: CallId, was: bool, is: bool, document: Option<Link>) {
        if is && (!was || document.is_some()) {
            let source = match document {
                Some(link) => WaitSource::Document { url: link.url, method: link.method },
                None => WaitSource::DefaultMusic,
            };
            self.start_track(TrackOwner::Hold(call), &source);
        } else if !is {
            self.stop_track(TrackOwner::Hold(call));
        }
        if is != was {
            self.member_event(room, call, if is { "participant-hold" } else { "participant-unhold" });
        }
    }

    fn member_event(&mut self, room: RoomId, call: CallId, event: &str) {
        self.record(EventKind::ParticipantUpdated, Some(call), event, &[("event", event)]);
        self.room_event(room, Some(call), event, Vec::new());
    }

    /// REST: removes a participant. A leg that joined by TwiML goes on with its document, an added one ends.
    pub(crate) fn remove_participant(&mut self, room: RoomId, call: CallId) {
        let joined = self.rooms[room].member(call).is_some_and(|m| m.joined);
        let by_rest = self.rooms[room].member(call).is_some_and(|m| m.by_rest);
        if !joined {
            self.end_call(call, Status::Canceled, EndedBy::Rest);
            return self.done(());
        }
        self.leave_room(call, Departure::Kicked);
        if by_rest || self.switches.deleted_participant == DeletedParticipant::Ends {
            self.end_call(call, Status::Completed, EndedBy::Rest);
        } else if matches!(self.calls[call].activity, Activity::Waiting) {
            self.after_room(call);
        }
        self.done(());
    }

    /// REST: `Status=completed` of a conference.
    pub(crate) fn complete_conference(&mut self, room: RoomId) {
        self.end_room(room, ENDED_BY_API, None);
        self.done(());
    }

    /// REST: everybody hears a document.
    pub(crate) fn announce(&mut self, room: RoomId, link: Link) {
        self.rooms[room].announce_url = Some(link.url.clone());
        let source = WaitSource::Document { url: link.url, method: link.method };
        self.start_track(TrackOwner::RoomAnnounce(room), &source);
        self.done(());
    }

    /// An announcement has run out, or could not be had.
    pub(super) fn announcement_over(&mut self, owner: TrackOwner, failed: bool) {
        self.stop_track(owner);
        let (room, call) = match owner {
            TrackOwner::RoomAnnounce(room) => (Some(room), None),
            TrackOwner::Announce(call) => (self.calls[call].room, Some(call)),
            TrackOwner::Wait(_) | TrackOwner::Hold(_) | TrackOwner::Beep(_) => return,
        };
        let Some(room) = room else { return };
        let mut extra = Vec::new();
        if let Some(url) = self.rooms[room].announce_url.clone() {
            extra.push(("AnnounceUrl".to_owned(), url));
        }
        if failed {
            extra.push(("ReasonAnnouncementFailed".to_owned(), "the document could not be had".to_owned()));
        }
        self.room_event(room, call, if failed { "announcement-fail" } else { "announcement-end" }, extra);
    }

    /// What a wait, hold or announce request says beside the call's own parameters.
    pub(super) fn room_names(&self, call: CallId) -> Vec<(String, String)> {
        let Some(room) = self.calls[call].room else { return Vec::new() };
        vec![
            ("ConferenceSid".into(), self.rooms[room].sid.to_string()),
            ("FriendlyName".into(), self.rooms[room].name.clone()),
        ]
    }

    pub(super) fn room_announce_params(&self, room: RoomId) -> Vec<(String, String)> {
        vec![
            ("AccountSid".into(), self.options.account_sid.to_string()),
            ("ConferenceSid".into(), self.rooms[room].sid.to_string()),
            ("FriendlyName".into(), self.rooms[room].name.clone()),
        ]
    }
}

/// <https://www.twilio.com/docs/api/errors/16027>, <https://www.twilio.com/docs/api/errors/16028>
fn can_be_coached(room: &Room, coached: CallId) -> Result<(), RestError> {
    match room.member(coached).filter(|m| m.joined) {
        None => Err(nobody_to_coach()),
        Some(member) if member.hold => Err(RestError::bad(16027, "The participant to coach is on hold")),
        Some(_) => Ok(()),
    }
}

fn nobody_to_coach() -> RestError {
    RestError::bad(16028, "The participant to coach is not present")
}

/// A path segment of this form names one conference; any other text is a friendly name.
pub(crate) fn is_conference_sid(key: &str) -> bool {
    key.parse::<crate::telephony::ConferenceSid>().is_ok()
}
