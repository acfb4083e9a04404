//! Owns `<Gather>`: prompts, keys, silence, and which of them ends it.
//! <https://www.twilio.com/docs/voice/twiml/gather>

use std::sync::Arc;

use super::Engine;
use super::audio;
use super::calls::{Activity, CallId, Gathering, Role};
use super::http::{Link, RequestKind};
use super::interpreter::Flow;
use super::timers::Timer;
use super::twiml::GatherVerb;

impl Engine {
    pub(super) fn start_gather(&mut self, call: CallId, verb: Arc<GatherVerb>) -> Flow {
        self.answer_inbound(call);
        let gathering = Gathering { verb, prompt: 0, digits: String::new(), sound: None };
        self.gather_step(call, gathering);
        Flow::Wait
    }

    /// Plays the prompt it has come to, or waits for keys when there is none left.
    fn gather_step(&mut self, call: CallId, mut gathering: Gathering) {
        let turn = self.wait(call);
        let prompt = gathering.verb.prompts.get(gathering.prompt).cloned();
        let length = match &prompt {
            Some(speech) => audio::length_ms(speech),
            None => Some(gathering.verb.timeout_ms),
        };
        gathering.sound = prompt.as_ref().and_then(audio::heard);
        if let Some(speech) = &prompt {
            self.note_said(call, speech);
        }
        self.did_something(call, length);
        self.calls[call].activity = Activity::Gathering(gathering);
        if let Some(length) = length {
            self.timers.at(self.now_ms.saturating_add(length), Timer::Next(call, turn));
        }
    }

    fn gathering(&self, call: CallId) -> Option<Gathering> {
        match &self.calls[call].activity {
            Activity::Gathering(gathering) => Some(gathering.clone()),
            _ => None,
        }
    }

    /// A prompt is over, or nobody pressed a key for too long.
    pub(super) fn gather_timer(&mut self, call: CallId) {
        let Some(mut gathering) = self.gathering(call) else { return };
        if gathering.prompt < gathering.verb.prompts.len() {
            gathering.prompt += 1;
            self.gather_step(call, gathering);
        } else {
            self.finish_gather(call, &gathering, None);
        }
    }

    pub(super) fn gather_key(&mut self, call: CallId, key: char) {
        let Some(mut gathering) = self.gathering(call).filter(|g| g.verb.takes_keys) else { return };
        if gathering.verb.finish_on_key.contains(key) {
            return self.finish_gather(call, &gathering, Some(key));
        }
        gathering.digits.push(key);
        // A key silences the prompts that are left and starts the wait for the next key.
        gathering.prompt = gathering.verb.prompts.len();
        if gathering.verb.num_digits.is_some_and(|n| gathering.digits.len() >= n) {
            self.finish_gather(call, &gathering, None);
        } else {
            self.gather_step(call, gathering);
        }
    }

    fn finish_gather(&mut self, call: CallId, gathering: &Gathering, key: Option<char>) {
        let verb = &gathering.verb;
        if gathering.digits.is_empty() && !verb.action_on_empty {
            let turn = self.wait(call);
            self.timers.at(self.now_ms, Timer::Next(call, turn));
            return;
        }
        let mut extra = vec![("msg".to_owned(), "Gather End".to_owned())];
        extra.push(("Digits".to_owned(), gathering.digits.clone()));
        extra.push(("FinishedOnKey".to_owned(), key.map(String::from).unwrap_or_default()));
        self.gather_action(call, gathering, extra);
    }

    /// Somebody says something to a `<Gather>` that listens for speech; whether one does.
    pub(super) fn gather_speech(&mut self, call: CallId, text: &str) -> bool {
        let Some(gathering) = self.gathering(call).filter(|g| g.verb.takes_speech) else { return false };
        let extra =
            vec![("SpeechResult".to_owned(), text.to_owned()), ("Confidence".to_owned(), "0.9".to_owned())];
        self.gather_action(call, &gathering, extra);
        true
    }

    fn gather_action(&mut self, call: CallId, gathering: &Gathering, extra: Vec<(String, String)>) {
        let verb = &gathering.verb;
        match self.resolve(call, verb.action.as_deref().unwrap_or_default()) {
            Ok(url) => {
                let role = self.role(call);
                let link = Link { url, method: verb.method };
                self.fetch_to_run(call, link, RequestKind::GatherAction, extra, 0, role, true);
            }
            Err(error) => self.document_failed(call, "", error, Role::Main, true),
        }
    }
}
