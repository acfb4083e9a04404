//! Calls as they were: the list of all that somebody may see, and the page of each: who was there, who heard whom, and
//! everything that was said between CRM, service, Twilio and phones.

pub mod forms;
mod models;
mod page;
mod said;
pub mod views;
mod words;
