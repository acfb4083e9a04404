//! Owns the debugger log: what Twilio's console would show of errors and warnings, and which documents each leg ran.
//! <https://www.twilio.com/docs/usage/troubleshooting/debugging-event-webhooks>

use std::sync::Arc;

use serde::Serialize;

use super::Engine;
use super::calls::{CallId, Role};
use super::log::Log;
use super::timeline::EventKind;
use super::twiml::Program;
use crate::telephony::CallSid;

/// So many entries are kept; a long load test must not fill the memory.
const KEPT: usize = 10_000;
/// So many documents of each leg are kept, the newest ones.
pub(super) const DOCUMENTS_KEPT: usize = 100;
/// So many documents of all legs together are kept for whoever follows them.
const ALL_DOCUMENTS_KEPT: usize = 2_000;

/// How bad it is: after an error something was not done, after a warning the call goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DebuggerLevel {
    /// Something was not done.
    Error,
    /// The call goes on as if nothing were wrong.
    Warning,
}

/// One line of the debugger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DebuggerEntry {
    /// Emulated milliseconds since the exchange started.
    pub at_ms: u64,
    /// <https://www.twilio.com/docs/api/errors>
    pub code: u32,
    /// Error or warning.
    pub level: DebuggerLevel,
    /// The leg it is about.
    pub call_sid: Option<CallSid>,
    /// The document or webhook it is about.
    pub url: Option<String>,
    /// For people.
    pub message: String,
}

/// A document that a leg executed, or that a track of its executed for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExecutedDocument {
    /// Emulated milliseconds since the exchange started.
    pub at_ms: u64,
    /// Where it came from; nothing for one that came inside a REST request.
    pub url: Option<String>,
    /// `main`, `whisper`, `queue` or `track` (wait, hold, announcement).
    pub role: Role,
    /// As it came.
    pub twiml: Arc<str>,
}

/// A document, and the leg that it ran on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Executed {
    call_sid: CallSid,
    #[serde(flatten)]
    document: ExecutedDocument,
}

/// The log of one exchange.
#[derive(Debug)]
pub(super) struct Debugger {
    entries: Log<DebuggerEntry>,
    documents: Log<Executed>,
}

impl Default for Debugger {
    fn default() -> Self {
        Self { entries: Log::new(KEPT), documents: Log::new(ALL_DOCUMENTS_KEPT) }
    }
}

impl Engine {
    /// What Twilio's debugger would show, oldest first; the newest ten thousand.
    pub fn debugger(&self) -> Vec<DebuggerEntry> {
        self.debugger.entries.iter().cloned().collect()
    }

    pub(crate) fn debugger_log(&self) -> &Log<DebuggerEntry> {
        &self.debugger.entries
    }

    /// The documents of all legs, in the order in which they were run.
    pub(crate) fn documents(&self) -> &Log<Executed> {
        &self.debugger.documents
    }

    /// The documents a leg executed, in order; `None` when there is no such leg.
    pub fn executed_documents(&self, call_sid: &str) -> Option<Vec<ExecutedDocument>> {
        let call = self.calls.find(call_sid)?;
        Some(self.calls[call].executed.iter().cloned().collect())
    }

    /// Puts what Twilio's debugger would warn of on the record.
    pub(crate) fn warn(&mut self, call: CallId, code: u32, message: &str) {
        self.warn_of(Some(call), code, None, message);
    }

    pub(super) fn warn_of(&mut self, call: Option<CallId>, code: u32, url: Option<&str>, message: &str) {
        self.tell(EventKind::TwimlWarning, DebuggerLevel::Warning, call, code, url, message);
    }

    /// An error: something was not done.
    pub(super) fn error_of(&mut self, call: Option<CallId>, code: u32, url: Option<&str>, message: &str) {
        self.tell(EventKind::TwimlError, DebuggerLevel::Error, call, code, url, message);
    }

    fn tell(
        &mut self,
        kind: EventKind,
        level: DebuggerLevel,
        call: Option<CallId>,
        code: u32,
        url: Option<&str>,
        message: &str,
    ) {
        let text = code.to_string();
        let mut data = vec![("code", text.as_str())];
        data.extend(url.filter(|u| !u.is_empty()).map(|url| ("url", url)));
        self.record(kind, call, format!("{code} {message}"), &data);
        self.log(level, call, code, url, message);
    }

    /// An entry of the log alone; the timeline has its own words for it.
    pub(super) fn log(
        &mut self,
        level: DebuggerLevel,
        call: Option<CallId>,
        code: u32,
        url: Option<&str>,
        message: &str,
    ) {
        self.debugger.entries.push(DebuggerEntry {
            at_ms: self.now_ms,
            code,
            level,
            call_sid: call.map(|call| self.calls[call].sid.clone()),
            url: url.filter(|u| !u.is_empty()).map(str::to_owned),
            message: message.to_owned(),
        });
    }

    /// Keeps a document that is about to run, and warns of what is wrong in it.
    pub(super) fn keep_document(
        &mut self,
        call: Option<CallId>,
        program: &Program,
        url: Option<&str>,
        role: Role,
    ) {
        for (code, message) in &program.warnings {
            self.warn_of(call, *code, url, message);
        }
        let Some(call) = call.filter(|_| !program.text.is_empty()) else { return };
        let (at_ms, url) = (self.now_ms, url.map(str::to_owned));
        let document = ExecutedDocument { at_ms, url, role, twiml: program.text.clone() };
        let call_sid = self.calls[call].sid.clone();
        self.debugger.documents.push(Executed { call_sid, document: document.clone() });
        self.calls[call].executed.push(document);
    }
}
