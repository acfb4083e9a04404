//! Owns the sounds beside a call's own document: wait, hold and announcement documents, which may only say, play,
//! pause and redirect.
//! <https://www.twilio.com/docs/voice/twiml/conference#attributes-waiturl>

use std::sync::Arc;

use url::Url;

use super::Engine;
use super::audio::{self, Heard};
use super::calls::{CallId, Role};
use super::conferences::{Departure, RoomId};
use super::fetch::{self, Fetch, IDLE_FETCH, MAX_IDLE};
use super::http::{Link, Purpose, RequestKind};
use super::timers::{Timer, TrackOwner};
use super::twiml::{DIGIT_MS, Program, Repeat, Speech, TwimlError, Verb, WaitSource};

const REDIRECT_MS: u64 = 20;

/// One sound track.
#[derive(Debug)]
pub(crate) struct Track {
    pub(super) turn: u64,
    link: Option<Link>,
    verbs: Arc<[Verb]>,
    next: usize,
    pub(super) sound: Option<Heard>,
    idle: u32,
}

impl Engine {
    /// Starts, or restarts, a track.
    pub(super) fn start_track(&mut self, owner: TrackOwner, source: &WaitSource) {
        self.turns += 1;
        let link = match source {
            WaitSource::Document { url, method } => Some(Link { url: url.clone(), method: *method }),
            WaitSource::DefaultMusic | WaitSource::Silence => None,
        };
        let music = Speech::Play { url: "default".into(), repeat: Repeat::Forever };
        let verbs: Arc<[Verb]> = match source {
            WaitSource::DefaultMusic => vec![Verb::Speech(music)].into(),
            _ => Vec::new().into(),
        };
        let turn = self.turns;
        let track = Track { turn, link: link.clone(), verbs, next: 0, sound: None, idle: 0 };
        self.tracks.insert(owner, track);
        match link {
            Some(link) => self.fetch_track(owner, link, 0),
            None => self.track_next(owner, turn),
        }
        self.touch_track(owner);
    }

    /// Everybody in a conference hears some tones.
    pub(super) fn beep(&mut self, room: RoomId, count: u32) {
        self.turns += 1;
        let (turn, owner) = (self.turns, TrackOwner::Beep(room));
        let verbs = vec![Verb::Speech(Speech::Digits { length_ms: u64::from(count) * DIGIT_MS })].into();
        self.tracks.insert(owner, Track { turn, link: None, verbs, next: 0, sound: None, idle: 0 });
        self.track_next(owner, turn);
    }

    /// Ends a track, if it runs.
    pub(super) fn stop_track(&mut self, owner: TrackOwner) {
        if self.tracks.remove(&owner).is_some() {
            self.touch_track(owner);
        }
    }

    fn touch_track(&mut self, owner: TrackOwner) {
        match owner {
            TrackOwner::Wait(call) | TrackOwner::Hold(call) | TrackOwner::Announce(call) => {
                self.dirty.insert(call);
            }
            TrackOwner::RoomAnnounce(room) | TrackOwner::Beep(room) => self.touch_room(room),
        }
    }

    fn fetch_track(&mut self, owner: TrackOwner, link: Link, delay_ms: u64) {
        let Some(turn) = self.tracks.get(&owner).map(|t| t.turn) else { return };
        let (call, kind, extra) = match owner {
            TrackOwner::Wait(call) => (Some(call), RequestKind::Wait, self.room_names(call)),
            TrackOwner::Hold(call) => (Some(call), RequestKind::Hold, self.room_names(call)),
            TrackOwner::Announce(call) => (Some(call), RequestKind::Announce, self.room_names(call)),
            TrackOwner::RoomAnnounce(room) | TrackOwner::Beep(room) => {
                (None, RequestKind::Announce, self.room_announce_params(room))
            }
        };
        self.fetch_after(
            Fetch { call, link, kind, extra, purpose: Purpose::Track { owner, turn } },
            delay_ms,
        );
    }

    /// A document for a track has come, or not.
    pub(super) fn track_document(
        &mut self,
        owner: TrackOwner,
        url: &str,
        result: Result<Program, TwimlError>,
    ) {
        let call = track_call(owner);
        match result {
            Ok(program) => {
                self.keep_document(call, &program, Some(url), Role::Track);
                let Some(track) = self.tracks.get_mut(&owner) else { return };
                let method = track.link.as_ref().map_or(super::Method::Post, |l| l.method);
                track.link = Some(Link { url: url.to_owned(), method });
                track.verbs = program.verbs;
                track.next = 0;
                let turn = track.turn;
                self.track_next(owner, turn);
            }
            Err(error) => {
                self.error_of(call, error.code, Some(url), &error.message);
                self.track_failed(owner);
            }
        }
    }

    fn track_failed(&mut self, owner: TrackOwner) {
        match owner {
            TrackOwner::Wait(call) => self.wait_failed(call),
            // A hold document that cannot be had leaves silence.
            TrackOwner::Hold(_) | TrackOwner::Beep(_) => self.silence(owner),
            TrackOwner::Announce(_) | TrackOwner::RoomAnnounce(_) => self.announcement_over(owner, true),
        }
    }

    /// The conference is not established for a leg whose wait document fails: its `<Dial>` is over.
    fn wait_failed(&mut self, call: CallId) {
        self.leave_room(call, Departure::WaitFailed);
        self.after_room(call);
    }

    fn silence(&mut self, owner: TrackOwner) {
        if let Some(track) = self.tracks.get_mut(&owner) {
            track.sound = None;
        }
        self.touch_track(owner);
    }

    /// On with the track's document: bounded by its length, and by how many documents may take no time.
    pub(super) fn track_next(&mut self, owner: TrackOwner, turn: u64) {
        loop {
            let Some(track) = self.tracks.get_mut(&owner).filter(|t| t.turn == turn) else { return };
            let verb = track.verbs.get(track.next).cloned();
            track.next += 1;
            track.idle += 1;
            if track.idle > MAX_IDLE {
                return self.track_failed(owner);
            }
            match verb {
                None => return self.track_over(owner),
                Some(Verb::Speech(speech)) => {
                    if self.track_sound(owner, turn, &speech) {
                        return;
                    }
                }
                Some(Verb::Redirect { url, method }) => return self.track_redirect(owner, &url, method),
                Some(other) => {
                    let message = format!("<{}> is not allowed here", other.name());
                    self.warn_of(track_call(owner), 13238, None, &message);
                }
            }
        }
    }

    /// Whether the sound takes time.
    fn track_sound(&mut self, owner: TrackOwner, turn: u64, speech: &Speech) -> bool {
        let length = audio::length_ms(speech);
        if length == Some(0) {
            return false;
        }
        if let Some(track) = self.tracks.get_mut(&owner) {
            track.sound = audio::heard(speech);
            track.idle = 0;
        }
        self.touch_track(owner);
        if let Some(call) = track_call(owner) {
            self.note_said(call, speech);
        }
        if let Some(length) = length {
            self.timers.at(self.now_ms.saturating_add(length), Timer::TrackNext(owner, turn));
        }
        true
    }

    fn track_redirect(&mut self, owner: TrackOwner, url: &str, method: super::Method) {
        let Some(track) = self.tracks.get_mut(&owner) else { return };
        track.sound = None;
        track.idle += IDLE_FETCH;
        let base = track.link.as_ref().and_then(|l| Url::parse(&l.url).ok());
        let absolute = match (fetch::unusable(url), base) {
            (None, _) => Some(url.to_owned()),
            (Some(_), Some(base)) if url.is_empty() => Some(base.into()),
            (Some(_), Some(base)) => base.join(url).ok().map(String::from),
            (Some(_), None) => None,
        };
        let too_often = track.idle > MAX_IDLE;
        match absolute {
            Some(url) if !too_often => {
                let link = Link { url, method };
                track.link = Some(link.clone());
                self.fetch_track(owner, link, REDIRECT_MS);
                self.touch_track(owner);
            }
            _ => self.track_failed(owner),
        }
    }

    /// A wait or hold document that has run out leaves silence; an announcement is over.
    fn track_over(&mut self, owner: TrackOwner) {
        match owner {
            TrackOwner::Wait(_) | TrackOwner::Hold(_) => self.silence(owner),
            TrackOwner::Beep(_) => self.stop_track(owner),
            TrackOwner::Announce(_) | TrackOwner::RoomAnnounce(_) => self.announcement_over(owner, false),
        }
    }
}

fn track_call(owner: TrackOwner) -> Option<CallId> {
    match owner {
        TrackOwner::Wait(call) | TrackOwner::Hold(call) | TrackOwner::Announce(call) => Some(call),
        TrackOwner::RoomAnnounce(_) | TrackOwner::Beep(_) => None,
    }
}
