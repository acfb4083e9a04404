//! Outbound sales calls over Twilio Voice, transferred warm: the map of the crate.
//!
//! | module | owns |
//! | --- | --- |
//! | [`agents`] | accounts: the directory of agents, API keys |
//! | [`app`] | the state that views and workers share |
//! | [`audit`] | who changed what, and when |
//! | [`calls`] | the domain: calls, legs, transfers; `calls::flow` is the pure heart |
//! | [`clock`] | where time, ids and randomness come from |
//! | [`console`] | the pages for agents and supervisors, who is logged in, and what they may do |
//! | [`copies`] | news between the copies of the service that share one PostgreSQL |
//! | [`crm`] | what CRMs are told: the feed of events as pages and as a stream |
//! | [`db`] | connections, migrations, group commit, the spool; SQLite and PostgreSQL in one path of code |
//! | [`demo`] | service, emulator and people on one stage, and the stories they play |
//! | [`emulator`] | a Twilio of one's own |
//! | [`error`] | the API's error codes and problem documents |
//! | [`fixtures`] | calls as test cases: recorded, replayed, compared by what people experience |
//! | [`guard`] | whom the service may call, when, how often and as whom; the do-not-call list |
//! | [`idempotency`] | repeating a request is harmless: kept answers |
//! | [`logging`] | how logs look |
//! | [`management`] | the command line, one file a command |
//! | [`middleware`] | what every request passes on its way to a view: Twilio's signature, the API's keys and limits, repetitions, the log |
//! | [`openapi`] | the OpenAPI document, the table of errors, and the pages that show them |
//! | [`operations`] | health and readiness |
//! | [`server`] | the running service: built from settings, run until stopped |
//! | [`settings`] | layered, typed, checked settings |
//! | [`simulation`] | whole calls on a virtual clock, with random people and faults, judged by what people experience |
//! | [`telephony`] | plain values both sides of the wire know: phone numbers, addresses, SIDs |
//! | [`twilio`] | Twilio's language as the service speaks it: signatures, REST |
//! | [`twiml`] | TwiML documents: typed verbs and their writer; pure |
//! | [`urls`] | the root of all routes |
//! | [`voice`] | what Twilio asks for: documents, callbacks, and the URLs it is given |
pub mod agents;
pub mod app;
pub mod audit;
pub mod calls;
pub mod clock;
pub mod console;
pub mod copies;
pub mod crm;
pub mod db;
pub mod demo;
pub mod emulator;
pub mod error;
pub mod fixtures;
pub mod guard;
pub mod idempotency;
pub mod logging;
pub mod management;
pub mod middleware;
pub mod openapi;
pub mod operations;
pub mod server;
pub mod settings;
pub mod simulation;
pub mod telephony;
pub mod twilio;
pub mod twiml;
pub mod urls;
pub mod voice;
