//! Owns what Twilio's REST API can be asked: one method a request, and the paths.
//!
//! The parameters stand in [`super::requests`], what may go wrong in [`super::errors`], how requests are sent in
//! `transport`.
//!
//! <https://www.twilio.com/docs/voice/api>

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::de::DeserializeOwned;

use super::errors::TwilioError;
use super::recording::Recording;
use super::requests::{
    CallFilter, CallUpdate, ConferenceFilter, ConferenceUpdate, CreateCall, CreateParticipant,
    ParticipantUpdate,
};
use super::resources::{CallResource, ConferenceResource, NumberResource, Page, ParticipantResource};
use super::retry::RetryPolicy;
use super::transport::{Ask, Carrier, Transport, TwilioConfig, Way};
use crate::clock::SharedClock;
use crate::telephony::{AccountSid, CallSid, ConferenceSid};

/// What may stand unencoded in a segment of a path (RFC 3986, unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Numbers of an account that are read at the most.
const NUMBERS_MOST: usize = 100_000;

/// Twilio's REST API for one account. Cheap to clone.
///
/// Nothing that could place a call is ever repeated unless Twilio answered that it did not take it (429).
#[derive(Debug, Clone)]
pub struct TwilioClient {
    transport: Transport,
    /// The beginning of every URL.
    account_url: String,
}

impl TwilioClient {
    /// A client that asks through `http`, usually that of [`http_client`](super::http_client).
    pub fn new(config: TwilioConfig, http: reqwest::Client, retry: RetryPolicy) -> Self {
        Self::on(config, Way::Http(http), retry)
    }

    /// A client whose requests somebody carries in place of HTTP; it never waits and never repeats.
    pub fn carried(config: TwilioConfig, carrier: Arc<dyn Carrier>) -> Self {
        Self::on(config, Way::Carried(carrier), RetryPolicy::never())
    }

    fn on(mut config: TwilioConfig, way: Way, retry: RetryPolicy) -> Self {
        config.base_url.truncate(config.base_url.trim_end_matches('/').len());
        let account_url = format!("{}/2010-04-01/Accounts/{}", config.base_url, config.account_sid);
        Self { transport: Transport { way, config, retry, recording: None }, account_url }
    }

    /// The same client, which writes down what it asks from now on, and what it is answered, in the recording beside it.
    pub fn recording(&self, clock: SharedClock) -> (Self, Recording) {
        let recording = Recording::new(clock, self.account_url.clone());
        let mut client = self.clone();
        client.transport.recording = Some(recording.clone());
        (client, recording)
    }

    /// The account that calls.
    pub fn account_sid(&self) -> &AccountSid {
        &self.transport.config.account_sid
    }

    /// Where Twilio's API is, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.transport.config.base_url
    }

    /// Places a call.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]; when it [may have happened](TwilioError::may_have_happened), look with [`Self::list_calls`]
    /// before placing it again.
    pub async fn create_call(&self, call: &CreateCall) -> Result<CallResource, TwilioError> {
        self.json(self.ask(Method::POST, "Calls", "/Calls.json").form(call.form())).await
    }

    /// Changes what a live call does.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]; it [is gone](TwilioError::is_gone) when the call has ended.
    pub async fn update_call(&self, sid: &CallSid, update: &CallUpdate) -> Result<CallResource, TwilioError> {
        let path = format!("/Calls/{sid}.json");
        self.json(self.ask(Method::POST, "Calls/{Sid}", &path).form(update.form())).await
    }

    /// Reads a call. Its status lags behind the callbacks.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn fetch_call(&self, sid: &CallSid) -> Result<CallResource, TwilioError> {
        self.json(self.ask(Method::GET, "Calls/{Sid}", &format!("/Calls/{sid}.json"))).await
    }

    /// Lists calls, the newest first, over as many pages as it takes.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn list_calls(&self, filter: &CallFilter) -> Result<Vec<CallResource>, TwilioError> {
        let most = filter.limit.unwrap_or(CallFilter::MOST);
        self.list("Calls", "/Calls.json", &filter.query(), most).await
    }

    /// Calls somebody into a room. `room` is the room's name, which opens it if it is not live, or the SID of a live
    /// conference, which fails with 16022 if it is over.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]; when it [may have happened](TwilioError::may_have_happened), look before asking again.
    pub async fn create_participant(
        &self,
        room: &str,
        participant: &CreateParticipant,
    ) -> Result<ParticipantResource, TwilioError> {
        let path = format!("/Conferences/{}/Participants.json", utf8_percent_encode(room, SEGMENT));
        self.json(self.ask(Method::POST, "Participants", &path).form(participant.form())).await
    }

    /// Reads a member of a conference. One that left, or was redirected out of it, is gone.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn fetch_participant(
        &self,
        conference: &ConferenceSid,
        call: &CallSid,
    ) -> Result<ParticipantResource, TwilioError> {
        self.json(self.ask(Method::GET, "Participants/{Sid}", &participant_path(conference, call))).await
    }

    /// Changes something about a member of a conference.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn update_participant(
        &self,
        conference: &ConferenceSid,
        call: &CallSid,
        update: &ParticipantUpdate,
    ) -> Result<ParticipantResource, TwilioError> {
        let path = participant_path(conference, call);
        self.json(self.ask(Method::POST, "Participants/{Sid}", &path).form(update.form())).await
    }

    /// Takes a member out of a conference. What its call does then is not documented: to end it, complete the call.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn remove_participant(
        &self,
        conference: &ConferenceSid,
        call: &CallSid,
    ) -> Result<(), TwilioError> {
        let path = participant_path(conference, call);
        self.transport.send(&self.ask(Method::DELETE, "Participants/{Sid}", &path)).await.map(drop)
    }

    /// Lists the members of a live conference.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn list_participants(
        &self,
        conference: &ConferenceSid,
    ) -> Result<Vec<ParticipantResource>, TwilioError> {
        let path = format!("/Conferences/{conference}/Participants.json");
        self.list("Participants", &path, "PageSize=1000", CallFilter::MOST).await
    }

    /// Lists conferences, the newest first.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn list_conferences(
        &self,
        filter: &ConferenceFilter,
    ) -> Result<Vec<ConferenceResource>, TwilioError> {
        self.list("Conferences", "/Conferences.json", &filter.query(), CallFilter::MOST).await
    }

    /// Makes an announcement in a conference, or ends it.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn update_conference(
        &self,
        conference: &ConferenceSid,
        update: &ConferenceUpdate,
    ) -> Result<ConferenceResource, TwilioError> {
        let path = format!("/Conferences/{conference}.json");
        self.json(self.ask(Method::POST, "Conferences/{Sid}", &path).form(update.form())).await
    }

    /// Lists the account's phone numbers.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn list_numbers(&self) -> Result<Vec<NumberResource>, TwilioError> {
        let path = "/IncomingPhoneNumbers.json";
        self.list("IncomingPhoneNumbers", path, "PageSize=1000", NUMBERS_MOST).await
    }

    /// Lists the numbers of others that the account may show as caller, because their owners said so.
    ///
    /// # Errors
    ///
    /// [`TwilioError`]
    pub async fn list_verified_caller_ids(&self) -> Result<Vec<NumberResource>, TwilioError> {
        self.list("OutgoingCallerIds", "/OutgoingCallerIds.json", "PageSize=1000", NUMBERS_MOST).await
    }

    fn ask(&self, method: Method, kind: &'static str, path: &str) -> Ask {
        Ask { method, kind, url: format!("{}{path}", self.account_url), form: None }
    }

    /// Follows `next_page_uri`; Twilio does not tell how many pages there are.
    async fn list<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        path: &str,
        query: &str,
        most: usize,
    ) -> Result<Vec<T>, TwilioError> {
        let mut ask = self.ask(Method::GET, kind, &format!("{path}?{query}"));
        let mut items: Vec<T> = Vec::new();
        loop {
            let page: Page<T> = self.json_of(&ask).await?;
            // A page without items that names a next one would never end.
            let last = page.items.is_empty();
            items.extend(page.items);
            match page.next_page_uri {
                Some(uri) if items.len() < most && !last => ask.url = self.next_page(&uri)?,
                _ => break,
            }
        }
        items.truncate(most);
        Ok(items)
    }

    /// The URI is relative to the host; the credentials go nowhere else.
    fn next_page(&self, uri: &str) -> Result<String, TwilioError> {
        if uri.starts_with('/') {
            Ok(format!("{}{uri}", self.transport.config.base_url))
        } else {
            Err(TwilioError::Uncertain("the next page's URI is not a path".into()))
        }
    }

    async fn json<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, TwilioError> {
        self.json_of(&ask).await
    }

    async fn json_of<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, TwilioError> {
        let body = self.transport.send(ask).await?;
        // The parser's own words would quote the answer, which holds phone numbers.
        serde_json::from_slice(&body).map_err(|error| {
            let (kind, column) = (error.classify(), error.column());
            TwilioError::Uncertain(format!("the answer is not what was expected ({kind:?}, column {column})"))
        })
    }
}

fn participant_path(conference: &ConferenceSid, call: &CallSid) -> String {
    format!("/Conferences/{conference}/Participants/{call}.json")
}

#[cfg(test)]
mod tests;
