//! What Twilio asks for: TwiML documents, callbacks, and the URLs it is given to ask with.

pub mod asked;
pub mod documents;
pub mod forms;
pub mod links;
pub mod models;
pub mod services;
pub mod urls;
pub mod views;
