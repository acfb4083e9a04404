//! Twilio's language as the service speaks it: what Twilio signs, and what it is asked over REST.

pub mod client;
pub mod errors;
mod form;
pub mod recording;
pub mod requests;
pub mod resources;
pub mod retry;
pub mod signature;
mod transport;

pub use client::TwilioClient;
pub use errors::TwilioError;
pub use recording::{Exchange, Recording};
pub use requests::{
    CallFilter, CallUpdate, ConferenceFilter, ConferenceUpdate, CreateCall, CreateParticipant,
    ParticipantUpdate,
};
pub use resources::{
    CallResource, CallStatus, ConferenceResource, ConferenceStatus, NumberResource, ParticipantResource,
    ParticipantStatus,
};
pub use retry::RetryPolicy;
pub use transport::{Carrier, Credentials, TwilioConfig, http_client, http_client_with};
