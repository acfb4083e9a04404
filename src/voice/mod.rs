//! What Twilio asks for: TwiML documents, callbacks, and the URLs it is given to ask with.

pub mod asked;
pub mod documents;
pub mod forms;
pub mod links;
pub mod urls;
pub mod views;
