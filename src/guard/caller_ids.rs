//! The numbers that the Twilio account may show as caller: asked for, kept in memory, asked for again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::App;
use crate::telephony::PhoneNumber;
use crate::twilio::{TwilioClient, TwilioError};

/// How long an answer is good; the account's numbers change seldom.
const FRESH: TimeDelta = TimeDelta::minutes(10);
/// How far apart two questions are, whatever numbers are asked after.
const APART: TimeDelta = TimeDelta::seconds(5);
/// How long a call waits for an answer, in real time; after that it is let through.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is known of the account's numbers.
#[derive(Debug, Default)]
pub struct CallerIds {
    known: Mutex<Known>,
    /// One question at a time; the others wait for its answer.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    numbers: Option<HashSet<PhoneNumber>>,
    learnt_at: Option<DateTime<Utc>>,
    asked_at: Option<DateTime<Utc>>,
}

impl CallerIds {
    /// The first of these that is not among the account's numbers, as far as is known without asking.
    pub fn first_foreign(&self, numbers: &[&PhoneNumber]) -> Option<PhoneNumber> {
        let known = self.known();
        let owned = known.numbers.as_ref()?;
        numbers.iter().find(|number| !owned.contains(**number)).map(|number| (*number).clone())
    }

    /// Whether all of these are the account's, and since when that is known.
    fn owned_since(&self, numbers: &[&PhoneNumber]) -> Option<DateTime<Utc>> {
        let known = self.known();
        let owned = known.numbers.as_ref()?;
        numbers.iter().all(|number| owned.contains(*number)).then_some(known.learnt_at?)
    }

    /// Asks, unless that was done a moment ago.
    async fn refresh(&self, twilio: &TwilioClient, now: DateTime<Utc>) {
        let _one_at_a_time = self.asking.lock().await;
        if self.known().asked_at.is_some_and(|asked_at| now - asked_at < APART) {
            return;
        }
        self.known().asked_at = Some(now);
        match ask(twilio).await {
            Ok(numbers) => {
                let mut known = self.known();
                (known.numbers, known.learnt_at) = (Some(numbers), Some(now));
            }
            Err(error) => tracing::warn!(%error, "Twilio does not tell the account's caller ids"),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The account's phone numbers and its verified caller ids.
///
/// # Errors
/// Twilio's, or the way to it.
pub async fn ask(twilio: &TwilioClient) -> Result<HashSet<PhoneNumber>, TwilioError> {
    let (numbers, verified) = tokio::try_join!(twilio.list_numbers(), twilio.list_verified_caller_ids())?;
    Ok(numbers.into_iter().chain(verified).filter_map(|number| number.phone_number.parse().ok()).collect())
}

/// The first of these that the account may not show as caller. When Twilio cannot be asked there is none: Twilio itself
/// refuses a foreign number (21210), and a customer who could have been called is worth more than that answer.
pub async fn first_foreign(app: &Arc<App>, numbers: &[&PhoneNumber]) -> Option<PhoneNumber> {
    if !app.guard.rules.check_caller_id {
        return None;
    }
    let (caller_ids, now) = (&app.guard.caller_ids, app.clock.now());
    if let Some(since) = caller_ids.owned_since(numbers) {
        if now - since >= FRESH {
            let app = app.clone();
            app.clone().work(async move { app.guard.caller_ids.refresh(&app.twilio, now).await });
        }
        return None;
    }
    let answered = tokio::time::timeout(PATIENCE, caller_ids.refresh(&app.twilio, now)).await;
    if answered.is_err() || caller_ids.known().numbers.is_none() {
        tracing::warn!("a caller id was not checked, as Twilio does not tell whose it is");
    }
    caller_ids.first_foreign(numbers)
}
