//! Owns what a conference reports: its callbacks and their parameters.
//! <https://www.twilio.com/docs/voice/twiml/conference#attributes-statusCallback>

use super::Engine;
use super::calls::CallId;
use super::conferences::{Member, RoomId, RoomStatus};
use super::http::RequestKind;
use super::recordings::Recorded;
use super::timeline::EventKind;

impl Engine {
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

    /// Reports that a member has left; it is no longer in the room's list.
    pub(super) fn member_left(&mut self, room: RoomId, member: &Member, reason: &str) {
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

    /// Marks a conference as over and reports it.
    pub(super) fn close_room(&mut self, room: RoomId, reason: &'static str, ending: Option<&Member>) {
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
        self.rooms.close(room);
        self.recorded_is_over(Recorded::Room(room));
        let data = [("conference_sid", sid.as_str()), ("reason", reason)];
        self.record(EventKind::ConferenceEnded, None, format!("{name} ends: {reason}"), &data);
        self.room_event(room, None, "conference-end", extra);
    }
}

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
