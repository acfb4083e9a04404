//! Owns what can come of a REST request that did not succeed: whether it may have had its effect, and what Twilio's
//! codes mean to people.

use std::time::Duration;

use serde::Deserialize;

use crate::telephony::without_numbers;

/// Why a request to Twilio did not succeed. The variants answer the one question that decides what to do next: can it
/// have had its effect all the same?
///
/// No text in here holds a phone number, a URL or a secret, so an error may be logged as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TwilioError {
    /// Twilio answered that it will not. It has surely not happened.
    #[error("Twilio refused ({}): {message}", code.map_or_else(|| format!("HTTP {http_status}"), |code| code.to_string()))]
    Refused {
        /// The status of the answer, 4xx.
        http_status: u16,
        /// Twilio's own code, see [`known`].
        code: Option<u32>,
        /// Twilio's own words, phone numbers masked.
        message: String,
    },
    /// There was no connection to send the request on. It has surely not happened.
    #[error("Twilio was not reached: {0}")]
    NotSent(String),
    /// The request was, or may have been, sent, and there is no answer to go by. It may have happened.
    #[error("Twilio may or may not have done it: {0}")]
    Uncertain(String),
    /// Too many requests at once, also after the retries. It has surely not happened.
    #[error("Twilio accepts no more requests for now")]
    RateLimited {
        /// How long Twilio asks to wait, if it does.
        retry_after: Option<Duration>,
    },
}

impl TwilioError {
    /// Twilio's code, if it gave one.
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Refused { code, .. } => *code,
            Self::RateLimited { .. } => Some(20429),
            Self::NotSent(_) | Self::Uncertain(_) => None,
        }
    }

    /// Whether the leg or conference that was meant has ended: good news for whoever wanted to end it.
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Refused { code: Some(code), .. } => matches!(code, 20404 | 21220),
            Self::Refused { http_status, code: None, .. } => *http_status == 404,
            _ => false,
        }
    }

    /// Whether the request can have had its effect. Then look before asking again: Twilio knows no idempotency key.
    pub fn may_have_happened(&self) -> bool {
        matches!(self, Self::Uncertain(_))
    }

    /// What people should know about it, if it is one of the codes we meet.
    pub fn known(&self) -> Option<&'static KnownError> {
        self.code().and_then(known)
    }
}

/// Twilio's description of a refusal, in its older form and in that of RFC 9457.
#[derive(Debug, Default, Deserialize)]
struct ErrorBody {
    code: Option<u32>,
    message: Option<String>,
    detail: Option<String>,
    title: Option<String>,
}

/// The refusal that this answer describes. An answer of another shape, from a proxy perhaps, has no code.
pub(super) fn refusal(http_status: u16, body: &[u8]) -> TwilioError {
    let ErrorBody { code, message, detail, title } = serde_json::from_slice(body).unwrap_or_default();
    let message = message.or(detail).or(title).unwrap_or_else(|| format!("HTTP {http_status}"));
    TwilioError::Refused { http_status, code, message: without_numbers(&message) }
}

/// A code of Twilio's that the service meets, in words for people.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownError {
    /// Twilio's code; its page is `https://www.twilio.com/docs/api/errors/{code}`.
    pub code: u32,
    /// What is the matter.
    pub sentence: &'static str,
    /// What to do about it.
    pub hint: &'static str,
}

impl KnownError {
    /// Twilio's page about it.
    pub fn page(&self) -> String {
        format!("https://www.twilio.com/docs/api/errors/{}", self.code)
    }
}

/// The entry of this code.
pub fn known(code: u32) -> Option<&'static KnownError> {
    KNOWN_ERRORS.iter().find(|known| known.code == code)
}

macro_rules! known_errors {
    ($($code:literal $sentence:literal $hint:literal;)*) => {
        /// The codes the service meets, in ascending order.
        pub const KNOWN_ERRORS: &[KnownError] =
            &[$(KnownError { code: $code, sentence: $sentence, hint: $hint }),*];
    };
}

known_errors! {
    10001 "The Twilio account is not active." "Look at the account's state in the Twilio console.";
    10002 "A trial account cannot do this." "Upgrade the Twilio account.";
    10004 "The account has reached its limit of concurrent calls." "Wait for calls to end, or ask Twilio for a higher limit.";
    11200 "Twilio could not fetch a document of ours." "Check that the public URL in the settings is reachable from the internet.";
    11205 "Twilio could not connect to the service." "Check that the public URL in the settings is reachable from the internet.";
    13214 "The caller id is not valid for this call." "Choose another caller id.";
    13223 "The number to call is malformed." "Give it in E.164, such as +15550100123.";
    13224 "Twilio does not call this number, or it is not valid." "Check the number.";
    13225 "Twilio does not call this number." "It is on Twilio's block list; call another number.";
    13226 "The number to call has a country code that does not exist." "Check the number.";
    13227 "The account may not call this country or region." "Allow it under Voice geographic permissions in the Twilio console.";
    15004 "A document given in a call update has a relative URL." "Set the public URL in the settings; every URL in a document must be absolute.";
    16020 "The room is full." "Somebody must leave before another person can join.";
    16021 "The account has reached its limit of concurrent conferences." "Wait for conferences to end, or ask Twilio for a higher limit.";
    16022 "The room does not exist any more." "The people who were in it have left; start a new transfer or call.";
    16025 "Somebody of this label is in the room already." "The person was probably added by an earlier request; look at who is in the room.";
    16026 "Somebody of this label is in the room already." "The person was probably added by an earlier request; look at who is in the room.";
    20001 "Twilio ignored a parameter it does not know." "Compare the service's version with Twilio's documentation.";
    20003 "Twilio does not accept the credentials." "Check account SID and Auth Token or API key, that they are of the same account and region, and that the account is not suspended.";
    20005 "The Twilio account is not active." "Look at the account's state in the Twilio console.";
    20008 "Test credentials cannot do this." "Use the account's live credentials.";
    20404 "There is no such call, participant or conference any more." "It has probably ended.";
    20429 "Too many requests to Twilio at the same time." "The service retries by itself; if it goes on, fewer calls must be started at once.";
    20500 "Twilio failed." "See https://status.twilio.com; the request may or may not have been carried out.";
    20503 "Twilio is not available." "See https://status.twilio.com; the request may or may not have been carried out.";
    21201 "No number was given to call." "Give a number, client or SIP address.";
    21205 "Twilio does not accept a URL of ours." "Check the public URL in the settings: it must be absolute and reachable from the internet.";
    21206 "The keys to press after answering are malformed." "Use digits, #, * and w only.";
    21208 "The ring time is not a positive number of seconds." "Give a whole number from 5 to 600.";
    21210 "The caller id is not a number of this Twilio account." "Buy or verify the number in the Twilio console, or choose another caller id.";
    21211 "The number to call is malformed, or is the caller id itself." "Give it in E.164, such as +15550100123.";
    21212 "The caller id is malformed or may not be used for outgoing calls." "Choose another caller id.";
    21213 "No caller id was given." "Set one in the settings or in the request.";
    21214 "The number cannot be reached." "Check the number.";
    21215 "The account may not call this country or region." "Allow it under Voice geographic permissions in the Twilio console.";
    21216 "Twilio does not call this number." "It is on Twilio's block list; call another number.";
    21217 "The number does not appear to be valid." "Check the number.";
    21218 "The TwiML application does not exist." "Check the application's SID in the settings.";
    21219 "A trial account can call verified numbers only." "Verify the number in the Twilio console, or upgrade the account.";
    21220 "The call is not in a state that allows this." "It has probably ended.";
    21502 "Twilio does not accept a callback URL of ours." "Check the public URL in the settings; its host name must not contain an underscore.";
    21626 "A status callback asks for an event that Twilio does not know." "This is a mistake in the service; no callbacks will arrive for this leg.";
    22001 "The call timed out before it was carried out." "Try again.";
    22005 "Too many calls are waiting to be placed." "Wait, or ask Twilio for more calls per second.";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(code: u32) -> TwilioError {
        TwilioError::Refused { http_status: 400, code: Some(code), message: String::new() }
    }

    #[test]
    fn the_table_is_in_order_and_says_something() {
        assert!(KNOWN_ERRORS.windows(2).all(|pair| pair[0].code < pair[1].code));
        for entry in KNOWN_ERRORS {
            assert!(entry.sentence.ends_with('.') && entry.hint.ends_with('.'), "{}", entry.code);
        }
        assert_eq!(known(20003).unwrap().page(), "https://www.twilio.com/docs/api/errors/20003");
        assert_eq!(known(1), None);
    }

    #[test]
    fn an_ended_leg_is_gone_and_nothing_else_is() {
        assert!(code(21220).is_gone() && code(20404).is_gone());
        let proxy = |http_status| TwilioError::Refused { http_status, code: None, message: String::new() };
        assert!(proxy(404).is_gone() && !proxy(400).is_gone());
        assert!(!code(21211).is_gone() && !TwilioError::Uncertain(String::new()).is_gone());
    }

    #[test]
    fn only_an_uncertain_request_may_have_happened() {
        assert!(TwilioError::Uncertain(String::new()).may_have_happened());
        for surely_not in
            [code(21211), TwilioError::NotSent(String::new()), TwilioError::RateLimited { retry_after: None }]
        {
            assert!(!surely_not.may_have_happened());
        }
    }

    #[test]
    fn both_forms_of_refusals_are_read() {
        let old = br#"{"code":21220,"message":"Call is not in-progress. Cannot redirect.","more_info":"https://www.twilio.com/docs/errors/21220","status":400}"#;
        let refused = refusal(400, old);
        assert_eq!(refused.to_string(), "Twilio refused (21220): Call is not in-progress. Cannot redirect.");
        assert_eq!(refused.known().unwrap().code, 21220);
        let new = br#"{"type":"about:blank","title":"Not Found","status":404,"code":20404,"detail":"No such call"}"#;
        assert_eq!(refusal(404, new).to_string(), "Twilio refused (20404): No such call");
        assert_eq!(refusal(403, b"<html>").to_string(), "Twilio refused (HTTP 403): HTTP 403");
    }

    #[test]
    fn numbers_in_twilios_words_are_masked_and_sids_are_not() {
        let text = "The number +15550100123 (or 15550100124), call CA00000000000000000000000000000001, 30 s";
        let safe = without_numbers(text);
        assert_eq!(safe, "The number +…23 (or +…24), call CA00000000000000000000000000000001, 30 s");
        assert_eq!(without_numbers("é +1"), "é +1");
    }
}
