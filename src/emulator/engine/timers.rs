//! Owns what is due when. Equal times keep the order in which they were set, so a history repeats byte for byte.

use std::collections::BTreeMap;

use super::calls::{CallId, EndedBy, Status};
use super::conferences::RoomId;
use super::fetch::Fetch;

/// Whose extra sound a track is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TrackOwner {
    /// Heard by a member until the conference starts.
    Wait(CallId),
    /// Heard by a held member.
    Hold(CallId),
    /// Heard by one member.
    Announce(CallId),
    /// Heard by the whole conference.
    RoomAnnounce(RoomId),
    /// A tone for the whole conference.
    Beep(RoomId),
}

/// Something that happens by itself. `turn` guards against a call that has moved on.
#[derive(Debug)]
pub(crate) enum Timer {
    /// A queued call is placed.
    Place(CallId),
    /// The far end starts to ring, or is found unreachable.
    Ring(CallId),
    /// What the phone's behaviour does by itself.
    PhoneActs(CallId),
    /// Nobody answered in time.
    RingTimeout(CallId),
    /// The person hangs up by themselves.
    PhoneHangsUp(CallId),
    /// A mailbox goes on to its beep, then to silence.
    Mailbox(CallId, u32),
    /// The call's own maximum duration.
    TimeLimit(CallId, u64),
    /// The bridge's maximum duration.
    DialTimeLimit(CallId, u64),
    /// The current sound, pause or gather is over: on with the document.
    Next(CallId, u64),
    /// A track's current sound is over.
    TrackNext(TrackOwner, u64),
    /// A request is due.
    Fetch(Box<Fetch>),
    /// A document that needs no request starts.
    Start(Box<super::interpreter::Inline>),
    /// A recording has been processed.
    RecordingReady(super::recordings::RecordingId),
    /// A callback that comes late.
    Callback(Box<super::http::HttpRequest>),
    /// A leg ends a little after what caused it.
    End(CallId, Status, EndedBy),
}

/// The queue of timers.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BTreeMap<(u64, u64), Timer>,
    set: u64,
}

impl Timers {
    /// Sets a timer for an absolute time in milliseconds.
    pub(crate) fn at(&mut self, due_ms: u64, timer: Timer) {
        self.set += 1;
        self.queue.insert((due_ms, self.set), timer);
    }

    /// When the next one is due.
    pub(crate) fn next_due_ms(&self) -> Option<u64> {
        self.queue.first_key_value().map(|((due, _), _)| *due)
    }

    /// The next timer due by `now_ms`, and when it was due.
    pub(crate) fn pop_due(&mut self, now_ms: u64) -> Option<(u64, Timer)> {
        if self.next_due_ms()? > now_ms {
            return None;
        }
        self.queue.pop_first().map(|((due, _), timer)| (due, timer))
    }
}
