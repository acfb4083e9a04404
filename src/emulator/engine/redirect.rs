//! Owns what a REST update to a new document does to a live leg, and to the leg it was connected with.
//!
//! The heart of a warm transfer: redirecting a child ends its parent's `<Dial>`, which goes on with its action;
//! redirecting a parent hangs up its child.
//! <https://www.twilio.com/docs/voice/twiml/dial>,
//! <https://twilio.com/changelog/changes-to-dial-behavior-for-enhanced-programmable-sip-feature-accounts>

use super::calls::{CallId, Dial, EndedBy, Status};
use super::conferences::Departure;
use super::dial::DialEnd;
use super::http::{Link, RequestKind};
use super::timers::Timer;
use super::twiml::{DialTarget, Verb};
use super::{EndedUpdate, Engine, RedirectOrder, RedirectedStatus, RestError};

/// The document a call is sent to.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// By `Url`.
    Document(Link),
    /// By `Twiml`.
    Inline(String),
}

/// Measured on Twilio for a redirected parent: child closed, action asked, new URL asked, in milliseconds.
const CHILD_CLOSED_MS: u64 = 166;
const ACTION_ASKED_MS: u64 = 320;
const NEW_URL_ASKED_MS: u64 = 651;

impl Engine {
    /// REST: sends a live call to a new document.
    pub(crate) fn redirect(&mut self, call: CallId, target: Target) -> Result<(), RestError> {
        if !self.calls[call].is_live() {
            let unanswered = !self.calls[call].is_ended();
            if unanswered && self.switches.redirecting_an_unanswered_call == EndedUpdate::Ignored {
                return Ok(());
            }
            return Err(RestError::bad(21220, "Call is not in-progress. Cannot redirect."));
        }
        self.calls[call].idle = 0;
        let in_room = |d: &Dial| matches!(d.verb.target, DialTarget::Conference(_));
        if self.calls[call].dial.as_ref().is_some_and(|d| !in_room(d)) {
            self.redirect_parent(call, target);
        } else if let Some(parent) = self.dialling_parent(call) {
            self.redirect_child(parent, call, target);
            self.abandon_queue(call, "redirected-from-bridged");
        } else if self.calls[call].queued.is_some() {
            self.abandon_queue(call, "redirected");
            let delay = self.takes(20, 120);
            self.go_to(call, target, delay);
        } else if self.calls[call].room.is_some() {
            self.redirect_member(call, target);
        } else {
            let delay = self.takes(20, 120);
            self.go_to(call, target, delay);
        }
        self.done(Ok(()))
    }

    fn go_to(&mut self, call: CallId, target: Target, delay_ms: u64) {
        match target {
            Target::Document(link) => {
                self.fetch_document(call, link, RequestKind::Twiml, Vec::new(), delay_ms);
            }
            Target::Inline(text) => self.run_inline(call, &text, delay_ms),
        }
    }

    /// Case A: the child leaves the bridge; the parent stays up and its `<Dial>` ends.
    fn redirect_child(&mut self, parent: CallId, child: CallId, target: Target) {
        let (url_ms, action_ms) = self.redirect_delays();
        let bridged = self.calls[parent].dial.as_ref().is_some_and(|d| d.bridged_ms.is_some());
        let status = match self.switches.dial_call_status_after_redirect {
            RedirectedStatus::Completed => Some("completed"),
            RedirectedStatus::Answered => Some("answered"),
            RedirectedStatus::Absent => None,
        };
        // The documentation says so in as many words: no DialCallDuration when the child was redirected.
        let end = DialEnd { status, child: Some(child), duration_s: None, bridged: Some(bridged) };
        self.go_to(child, target, url_ms);
        self.finish_dial(parent, end, action_ms);
    }

    /// When the child's new document and the parent's action are asked for.
    fn redirect_delays(&mut self) -> (u64, u64) {
        let first = self.takes(20, 150);
        let gap = self.takes(1, self.switches.redirect_gap_ms.max(1));
        let url_first = match self.switches.redirect_order {
            RedirectOrder::UrlFirst => true,
            RedirectOrder::ActionFirst => false,
            RedirectOrder::Random => self.coin(),
        };
        if url_first { (first, first + gap) } else { (first + gap, first) }
    }

    /// Case B: the child is hung up, the old action asked in vain, then the parent runs the new document.
    fn redirect_parent(&mut self, parent: CallId, target: Target) {
        let Some(dial) = self.calls[parent].dial.take() else { return };
        let jitter = self.between(0, 60);
        let [closed, asked, new] = [CHILD_CLOSED_MS, ACTION_ASKED_MS, NEW_URL_ASKED_MS]
            .map(|ms| self.takes(ms + jitter, ms + jitter));
        let end = self.cut_short(parent, &dial);
        for child in &dial.children {
            if self.calls[*child].queued.is_some() {
                self.leave_queue(*child, "bridged");
                continue;
            }
            let status = if self.calls[*child].is_live() { Status::Completed } else { Status::Canceled };
            self.wait(*child);
            self.timers.at(self.now_ms + closed, Timer::End(*child, status, EndedBy::Twilio));
        }
        self.abandon(parent, &dial, &end, asked);
        self.go_to(parent, target, new);
    }

    /// Measured: `completed` with a normal duration, not to be told from a hang-up by the child.
    fn cut_short(&mut self, parent: CallId, dial: &Dial) -> DialEnd {
        let child = dial.answered.or_else(|| dial.children.last().copied());
        let duration = dial.bridged_ms.map(|at| (self.now_ms - at).div_ceil(1000));
        let status = if duration.is_some() { "completed" } else { "canceled" };
        self.close_dial(parent, dial);
        DialEnd { status: Some(status), child, duration_s: duration, bridged: Some(duration.is_some()) }
    }

    /// The old document's action is asked and its answer thrown away. Without one the next verb's turn comes,
    /// unexecuted, except that a `<Redirect>` there is requested.
    fn abandon(&mut self, call: CallId, dial: &Dial, end: &DialEnd, delay_ms: u64) {
        if dial.verb.action.is_some() {
            return self.ask_action_in_vain(call, dial, end, delay_ms);
        }
        let next = self.calls[call].document.as_ref().and_then(|d| d.verbs.get(d.next).cloned());
        if let Some(Verb::Redirect { url, method }) = next
            && let Ok(url) = self.resolve(call, &url)
        {
            self.fetch_and_discard(call, Link { url, method }, RequestKind::Twiml, Vec::new(), delay_ms);
        }
    }

    /// A conference member moves alone; nothing ties members to each other.
    fn redirect_member(&mut self, call: CallId, target: Target) {
        let dial = self.calls[call].dial.take();
        self.leave_room(call, Departure::Redirected);
        let first = self.takes(20, 120);
        let gap = self.takes(50, 350);
        if let Some(dial) = dial {
            self.abandon(call, &dial, &DialEnd::conference(), first);
        }
        if !self.calls[call].is_ended() {
            self.go_to(call, target, first + gap);
        }
    }
}
