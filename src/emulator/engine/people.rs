//! Owns the people: what happens when their phones act, and what they do of their own accord.

use std::collections::BTreeMap;

use super::addresses;
use super::audio::Heard;
use super::calls::{Activity, CallId, Callback, Direction, EndedBy, Start, Status, Voice};
use super::http::{Link, Method};
use super::lifecycle::{LONGEST_CALL_MS, NewCall};
use super::phones::{Behaviour, GREETING, PhonePlan};
use super::timeline::EventKind;
use super::timers::Timer;
use super::{DeclinedStatus, Engine, RequestKind};

/// A mailbox stops recording after this long.
const MAILBOX_RECORDS_MS: u64 = 120_000;
pub(super) const BEEP_MS: u64 = 500;

/// What a number of the account, or an application, does with calls that reach it.
#[derive(Debug, Clone, Default)]
pub(crate) struct VoiceSettings {
    /// The document that answers; without one nothing does.
    pub(crate) voice: Option<Link>,
    pub(crate) fallback: Option<Link>,
    pub(crate) callback: Option<Link>,
}

/// The account's numbers, by E.164.
pub(crate) type Numbers = BTreeMap<String, VoiceSettings>;
/// The account's applications, by SID.
pub(crate) type Applications = BTreeMap<String, VoiceSettings>;

/// Why a person cannot do that now. The text is a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotNow(pub(crate) String);

/// What the holder of a phone can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonAction {
    /// Answers the ringing phone.
    Answer,
    /// Rejects the ringing phone.
    Decline,
    /// Hangs up.
    HangUp,
    /// Presses these keys, one after the other.
    Press(String),
    /// Says something, to a `<Gather>` that listens for speech.
    Say(String),
}

fn normal(address: &str) -> Result<String, NotNow> {
    addresses::normalise(address).ok_or_else(|| NotNow(format!("{address} is no address")))
}

impl Engine {
    /// Sets how a phone behaves: one plan a call, the last one stays.
    ///
    /// # Errors
    /// When the address is none.
    pub fn set_phone(&mut self, address: &str, plans: Vec<PhonePlan>) -> Result<(), NotNow> {
        let address = normal(address)?;
        self.phones.set(&address, plans);
        Ok(())
    }

    /// A number of the account, or an application (`app:AP…`), answers its calls with the document at this URL.
    ///
    /// # Errors
    /// When the address is no phone number and no application.
    pub fn set_voice_url(&mut self, address: &str, url: &str) -> Result<(), NotNow> {
        let address = normal(address)?;
        let voice = Some(Link { url: url.to_owned(), method: Method::Post });
        let settings = VoiceSettings { voice, ..VoiceSettings::default() };
        match address.strip_prefix("app:") {
            Some(sid) => self.applications.insert(sid.to_owned(), settings),
            None if address.starts_with('+') => self.numbers.insert(address, settings),
            None => return Err(NotNow(format!("{address} is no number"))),
        };
        Ok(())
    }

    /// The holder of a phone does something now.
    ///
    /// # Errors
    /// When the address is none, or its phone is not in a state for that.
    pub fn act(&mut self, address: &str, action: &PersonAction) -> Result<(), NotNow> {
        let address = normal(address)?;
        match action {
            PersonAction::Answer => self.person_answers(&address, None),
            PersonAction::Decline => self.person_declines(&address, None),
            PersonAction::HangUp => self.person_hangs_up(&address, None),
            PersonAction::Press(digits) => self.person_presses(&address, None, digits),
            PersonAction::Say(text) => self.person_says(&address, None, text),
        }
    }

    pub(super) fn schedule_phone(&mut self, id: CallId, plan: &PhonePlan) {
        if let Some(after) = plan.acts_after_ms() {
            self.timers.at(self.now_ms.saturating_add(after), Timer::PhoneActs(id));
        }
    }

    pub(super) fn phone_acts(&mut self, id: CallId) {
        if self.calls[id].status != Status::Ringing {
            return;
        }
        let behaviour = self.calls[id].plan.as_ref().map(|p| p.behaviour);
        match behaviour {
            Some(Behaviour::Busy) => self.fail(id, Status::Busy, 486),
            Some(Behaviour::Decline) => self.decline(id),
            Some(Behaviour::Voicemail) => {
                self.calls[id].voice = Voice::Machine(Some(Heard::Speech { text: GREETING.into() }));
                let greeting = self.calls[id].plan.as_ref().map_or(0, PhonePlan::greeting_length_ms);
                self.timers.at(self.now_ms.saturating_add(greeting), Timer::Mailbox(id, 0));
                self.answer(id);
            }
            Some(Behaviour::Fax) => {
                self.calls[id].voice = Voice::Machine(Some(Heard::Tone));
                self.answer(id);
            }
            _ => self.answer(id),
        }
    }

    pub(super) fn mailbox(&mut self, id: CallId, step: u32) {
        if !self.calls[id].is_live() {
            return;
        }
        let (sound, after) = match step {
            0 if self.calls[id].plan.as_ref().is_some_and(|p| p.no_beep) => (None, BEEP_MS),
            0 => (Some(Heard::Tone), BEEP_MS),
            1 => (None, MAILBOX_RECORDS_MS),
            _ => return self.end_call(id, Status::Completed, EndedBy::Person),
        };
        self.calls[id].voice = Voice::Machine(sound);
        self.timers.at(self.now_ms + after, Timer::Mailbox(id, step + 1));
        self.touch(id);
    }

    pub(super) fn schedule_hang_up(&mut self, id: CallId) {
        if let Some(after) = self.calls[id].plan.as_ref().and_then(|p| p.hang_up_after_ms) {
            self.timers.at(self.now_ms.saturating_add(after), Timer::PhoneHangsUp(id));
        }
        let presses = self.calls[id].plan.as_ref().map(|p| p.presses.clone()).unwrap_or_default();
        for press in presses {
            let due = self.now_ms.saturating_add(press.after_ms);
            self.timers.at(due, Timer::Press(id, press.digits));
        }
    }

    pub(super) fn planned_press(&mut self, id: CallId, digits: &str) {
        if self.calls[id].is_live() {
            self.press(id, digits);
        }
    }

    /// Silence begins or ends for somebody; whoever does not bear it hangs up after a while.
    pub(super) fn notice_silence(&mut self, id: CallId, hears: Option<&[Heard]>) {
        let silent = hears.is_some_and(<[Heard]>::is_empty);
        self.calls[id].silent_since = silent.then_some(self.now_ms);
        let limit = self.calls[id].plan.as_ref().and_then(|p| p.hang_up_on_silence_ms);
        if let Some(limit) = limit.filter(|_| silent) {
            self.timers.at(self.now_ms.saturating_add(limit), Timer::Silence(id, self.now_ms));
        }
    }

    pub(super) fn silent_too_long(&mut self, id: CallId, since: u64) {
        if self.calls[id].silent_since == Some(since) && self.calls[id].is_live() {
            self.end_call(id, Status::Completed, EndedBy::Person);
        }
    }

    pub(super) fn phone_hangs_up(&mut self, id: CallId) {
        if self.calls[id].is_live() {
            self.end_call(id, Status::Completed, EndedBy::Person);
        }
    }

    fn decline(&mut self, id: CallId) {
        let status = match self.switches.declined_status {
            DeclinedStatus::NoAnswer => Status::NoAnswer,
            DeclinedStatus::Busy => Status::Busy,
        };
        self.fail(id, status, 603);
    }

    /// The latest leg of an address that `wanted` holds for; `sid` picks one.
    fn leg(&self, address: &str, sid: Option<&str>, wanted: fn(Status) -> bool) -> Option<CallId> {
        let fits = |id: &&CallId| {
            let call = &self.calls[**id];
            wanted(call.status) && sid.is_none_or(|s| s == call.sid.as_str())
        };
        self.calls.of(address).iter().rev().find(fits).copied()
    }

    /// The holder answers the ringing phone.
    pub(crate) fn person_answers(&mut self, address: &str, sid: Option<&str>) -> Result<(), NotNow> {
        let rings = |s| s == Status::Ringing;
        let id = self.leg(address, sid, rings).ok_or_else(|| NotNow(format!("{address} does not ring")))?;
        if self.calls[id].direction == Direction::Inbound {
            return Err(NotNow(format!("{address} is the caller")));
        }
        self.answer(id);
        self.done(Ok(()))
    }

    /// The holder rejects the ringing phone.
    pub(crate) fn person_declines(&mut self, address: &str, sid: Option<&str>) -> Result<(), NotNow> {
        let rings = |s| s == Status::Ringing;
        let id = self.leg(address, sid, rings).ok_or_else(|| NotNow(format!("{address} does not ring")))?;
        self.decline(id);
        self.done(Ok(()))
    }

    /// The holder hangs up.
    pub(crate) fn person_hangs_up(&mut self, address: &str, sid: Option<&str>) -> Result<(), NotNow> {
        let talks = |s| s == Status::InProgress;
        let rings = |s| s == Status::Ringing;
        if let Some(id) = self.leg(address, sid, talks) {
            self.end_call(id, Status::Completed, EndedBy::Person);
        } else if let Some(id) = self.leg(address, sid, rings) {
            match self.calls[id].direction {
                Direction::Inbound => self.end_call(id, Status::Canceled, EndedBy::Person),
                _ => self.decline(id),
            }
        } else {
            return Err(NotNow(format!("{address} is not on a call")));
        }
        self.done(Ok(()))
    }

    /// The holder presses keys, one after the other.
    pub(crate) fn person_presses(
        &mut self,
        address: &str,
        sid: Option<&str>,
        digits: &str,
    ) -> Result<(), NotNow> {
        let talks = |s| s == Status::InProgress;
        let id =
            self.leg(address, sid, talks).ok_or_else(|| NotNow(format!("{address} is not on a call")))?;
        self.press(id, digits);
        self.done(Ok(()))
    }

    /// The holder says something to a `<Gather>` that listens for speech.
    pub(crate) fn person_says(&mut self, address: &str, sid: Option<&str>, text: &str) -> Result<(), NotNow> {
        let talks = |s| s == Status::InProgress;
        let id =
            self.leg(address, sid, talks).ok_or_else(|| NotNow(format!("{address} is not on a call")))?;
        let heard = self.gather_speech(id, text);
        self.done(heard.then_some(()).ok_or_else(|| NotNow("nothing listens for speech".into())))
    }

    fn press(&mut self, id: CallId, digits: &str) {
        self.record(EventKind::Pressed, Some(id), format!("presses {digits}"), &[("digits", digits)]);
        for digit in digits.chars() {
            self.key(id, digit);
        }
    }

    fn key(&mut self, id: CallId, digit: char) {
        match &self.calls[id].activity {
            Activity::Gathering(_) => self.gather_key(id, digit),
            Activity::Recording(_) => self.recorder_key(id, digit),
            // The tones pass through to the other number's document.
            Activity::Bridged(peer) if self.calls[*peer].twin.is_some() => {
                if let Some(twin) = self.calls[*peer].twin {
                    self.far_key(twin, digit);
                }
            }
            Activity::Dialing | Activity::Bridged(_) | Activity::Room(_) if digit == '*' => self.star(id),
            _ => {}
        }
    }

    /// A key that came over a call between two numbers of the account; it goes no further.
    fn far_key(&mut self, id: CallId, digit: char) {
        match &self.calls[id].activity {
            Activity::Gathering(_) => self.gather_key(id, digit),
            Activity::Recording(_) => self.recorder_key(id, digit),
            _ => {}
        }
    }

    /// Somebody rings one of our numbers.
    pub(crate) fn person_rings(&mut self, from: &str, to: &str) -> Result<CallId, NotNow> {
        let number = self.numbers.get(to).cloned();
        let voice = number.as_ref().and_then(|n| n.voice.clone());
        let (Some(number), Some(voice)) = (number, voice) else {
            return Err(NotNow(format!("{to} has no voice_url")));
        };
        let id = self.inbound(from, to, number, voice.clone());
        self.fetch_document(id, voice, RequestKind::Twiml, Vec::new(), 0);
        Ok(self.done(id))
    }

    /// A browser calls its application. Its parameters are told like any others, and one named `To` is whom it calls.
    /// <https://www.twilio.com/docs/voice/sdks/javascript/twiliodevice>
    pub(crate) fn device_connects(
        &mut self,
        from: &str,
        application: &str,
        params: BTreeMap<String, String>,
    ) -> Result<CallId, NotNow> {
        let settings = self.applications.get(application).cloned();
        let voice = settings.as_ref().and_then(|s| s.voice.clone());
        let (Some(settings), Some(voice)) = (settings, voice) else {
            return Err(NotNow(format!("{application} is no application")));
        };
        let to = params.get("To").cloned().unwrap_or_default();
        let id = self.inbound(from, &to, settings, voice.clone());
        let extra = params.into_iter().filter(|(name, _)| name != "To").collect();
        self.fetch_document(id, voice, RequestKind::Twiml, extra, 0);
        Ok(self.done(id))
    }

    /// What answers at an address by its document: a number of the account, or an application as `app:AP…`.
    pub(super) fn settings_of(&self, address: &str) -> Option<&VoiceSettings> {
        match address.strip_prefix("app:") {
            Some(sid) => self.applications.get(sid),
            None => self.numbers.get(address),
        }
    }

    /// A ringing leg to what answers by its document, which is not yet asked for.
    pub(super) fn inbound(&mut self, from: &str, to: &str, settings: VoiceSettings, voice: Link) -> CallId {
        let id = self.add_call(
            NewCall {
                from: from.to_owned(),
                to: to.to_owned(),
                direction: Direction::Inbound,
                parent: None,
                callback: settings.callback.and_then(Callback::of_the_end),
                ring_limit_ms: LONGEST_CALL_MS,
                time_limit_ms: LONGEST_CALL_MS,
                fallback: settings.fallback,
                start: Start::Document(voice),
                room: None,
            },
            Status::Ringing,
        );
        self.calls[id].dialled_ms = Some(self.now_ms);
        self.record(EventKind::Ringing, Some(id), format!("{from} rings {to}"), &[]);
        id
    }
}
