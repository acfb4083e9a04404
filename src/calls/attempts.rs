//! What is decided about one try of a command: before Twilio is asked, and after it has answered, or has not. Pure; the
//! dispatcher carries it out, and so does the simulation.

use chrono::{DateTime, TimeDelta, Utc};

use super::flow::{self, Call, Command, Event, Explanation, Failure, LegProgress, RoomChange};
use super::queue::Settled;
use super::requests::{failure_of, leg_status};
use crate::twilio::{CallResource, TwilioError, errors};

/// How often a command is tried in all before it is given up.
const ATTEMPTS: i32 = 6;
/// How long after an uncertain create Twilio is asked whether it happened: its list lags behind.
const LOOK_AFTER_SECS: i64 = 2;
/// After how many tries a create that Twilio does not show is believed not to have happened. Its callbacks, which would
/// prove the contrary, have had the same time to arrive.
const LOOKS: i32 = 2;
/// How far Twilio's clock may be behind ours, when a lost create is looked for by its time.
const CLOCK_SKEW_SECS: i64 = 5;

/// A command that is being tried.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What is to be asked.
    pub command: Command,
    /// How often it was tried before.
    pub attempts: i32,
    /// One of those tries may have had its effect.
    pub uncertain: bool,
    /// When it was written down.
    pub created_at: DateTime<Utc>,
}

/// What Twilio answered: news of the leg, and of who is in the room.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Of the leg that was made or asked about.
    pub progress: Option<LegProgress>,
    /// Whoever is in the room now, as if they had just come in.
    pub present: Vec<RoomChange>,
}

impl From<Option<LegProgress>> for Answer {
    fn from(progress: Option<LegProgress>) -> Self {
        Self { progress, present: vec![] }
    }
}

/// What came of one try.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Twilio did it, or it need not be done.
    Done(Answer),
    /// It will not be done.
    Refused {
        /// The leg it was about has ended.
        gone: bool,
        /// What to call it if it makes a leg fail.
        failure: Failure,
        /// The same for people, where Twilio said something.
        why: Option<Explanation>,
        /// For the log.
        reason: String,
    },
    /// It is to be tried again.
    Again {
        /// This try may have had its effect.
        uncertain: bool,
        /// For the log.
        reason: String,
    },
}

impl Outcome {
    /// To be tried again.
    pub fn again(uncertain: bool, reason: impl ToString) -> Self {
        Self::Again { uncertain, reason: reason.to_string() }
    }

    /// Will not be done.
    pub fn refused(gone: bool, failure: Failure, reason: impl ToString) -> Self {
        Self::Refused { gone, failure, why: None, reason: reason.to_string() }
    }

    fn refused_by_twilio(gone: bool, failure: Failure, error: &TwilioError) -> Self {
        let reason = match error.known() {
            Some(known) => format!("{error} {} {}", known.sentence, known.hint),
            None => error.to_string(),
        };
        Self::Refused { gone, failure, why: Some(explained(error)), reason }
    }

    /// What Twilio's answer, or the lack of one, comes to.
    pub fn of(answered: Result<Answer, TwilioError>) -> Self {
        match answered {
            Ok(answer) => Self::Done(answer),
            Err(error) if error.is_gone() => Self::refused_by_twilio(true, Failure::Error, &error),
            Err(error @ TwilioError::Refused { .. }) => {
                Self::refused_by_twilio(false, failure_of(&error), &error)
            }
            Err(error) => Self::again(error.may_have_happened(), error),
        }
    }
}

/// What is the matter and what to do about it, for the codes that we know; or else what Twilio says.
fn explained(error: &TwilioError) -> Explanation {
    let known = error.code().and_then(explained_code);
    known.unwrap_or_else(|| Explanation { twilio_code: error.code(), words: error.to_string() })
}

/// What is the matter when Twilio gives this code, if we know it.
pub fn explained_code(code: u32) -> Option<Explanation> {
    let known = errors::known(code)?;
    Some(Explanation { twilio_code: Some(code), words: format!("{} {}", known.sentence, known.hint) })
}

/// What people are told of a command that was tried in vain; what the last try met is for the log.
fn given_up() -> Explanation {
    let words = "Twilio did not answer, or could not be reached, however often it was asked.".to_owned();
    Explanation { twilio_code: None, words }
}

/// What a command is to be done about before it is sent.
#[derive(Debug, Clone)]
pub enum First {
    /// It may be sent.
    Send,
    /// It may have happened: Twilio is to be asked.
    LookUp,
    /// It need not be sent any more.
    Settle(Outcome),
}

/// Whether a command is to be sent, as the call is now.
pub fn first(call: &Call, attempt: &Attempt) -> First {
    let dials = attempt.command.dials();
    if !flow::is_still_wanted(call, &attempt.command) {
        return First::Settle(match dials {
            false => Outcome::Done(Answer::default()),
            true => Outcome::refused(false, Failure::Error, "not wanted any more"),
        });
    }
    if dials && attempt.uncertain { First::LookUp } else { First::Send }
}

/// What the look-up of a create that may have happened comes to; `None` if it is to be sent.
pub fn looked_up(found: Result<Option<LegProgress>, TwilioError>, attempt: &Attempt) -> Option<Outcome> {
    match found {
        Ok(Some(found)) => Some(Outcome::Done(Some(found).into())),
        Ok(None) if attempt.attempts < LOOKS => Some(Outcome::again(true, "Twilio does not show it yet")),
        Ok(None) => None,
        Err(error) => Some(Outcome::again(true, error)),
    }
}

/// Whether a call that Twilio lists may be the one that an attempt has made: placed since, and nobody's child.
pub fn may_be(found: &CallResource, attempt: &Attempt) -> bool {
    let since = attempt.created_at - TimeDelta::seconds(CLOCK_SKEW_SECS);
    found.parent_call_sid.is_none() && found.date_created.is_none_or(|at| at >= since)
}

/// What is written down about a try.
#[derive(Debug)]
pub enum Settlement {
    /// It is put back for so long.
    Postponed(TimeDelta),
    /// It is over, and this is what the call is told.
    Over(Settled, String, Vec<Event>),
}

/// What a try's outcome leads to.
pub fn settlement(attempt: &Attempt, outcome: &Outcome) -> Settlement {
    let command = attempt.command.clone();
    match outcome {
        Outcome::Again { uncertain, .. } if attempt.attempts + 1 < ATTEMPTS => {
            Settlement::Postponed(pause(attempt.attempts, *uncertain))
        }
        Outcome::Done(answer) => {
            let done = Event::CommandDone { command, progress: answer.progress.clone() };
            let seen = answer.present.iter().cloned().map(Event::RoomChanged);
            // Whoever was not seen is missing: that can be said when all who were seen are known.
            Settlement::Over(Settled::Done, "done".to_owned(), seen.chain(std::iter::once(done)).collect())
        }
        Outcome::Refused { gone, failure, why, reason } => {
            let event = Event::CommandRefused { command, gone: *gone, failure: *failure, why: why.clone() };
            Settlement::Over(Settled::Refused, reason.clone(), vec![event])
        }
        Outcome::Again { reason, .. } => {
            let why = Some(given_up());
            let event = Event::CommandRefused { command, gone: false, failure: Failure::Error, why };
            Settlement::Over(Settled::Refused, format!("given up: {reason}"), vec![event])
        }
    }
}

/// 0.5, 1, 2, 4 … seconds; a create that may have happened is not looked for at once.
fn pause(attempts: i32, uncertain: bool) -> TimeDelta {
    let pause = TimeDelta::milliseconds(500 << attempts.clamp(0, 6));
    if uncertain { pause.max(TimeDelta::seconds(LOOK_AFTER_SECS)) } else { pause }
}

/// Twilio's view of a leg as news of the one that the command is about.
pub fn progress(command: &Command, call: &CallResource) -> Option<LegProgress> {
    Some(LegProgress {
        leg_id: command.leg_id()?,
        call_sid: call.sid.clone(),
        parent_call_sid: call.parent_call_sid.clone(),
        status: leg_status(call.status)?,
        sequence: None,
        sip_code: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_explained_to_people_and_to_whoever_reads_the_log() {
        for (code, words, failure) in [
            (21219, "A trial account can call verified numbers only.", Failure::Unreachable),
            (21210, "The caller id is not a number of this Twilio account.", Failure::Error),
        ] {
            let error =
                TwilioError::Refused { http_status: 400, code: Some(code), message: "No.".to_owned() };
            let Outcome::Refused { gone: false, failure: found, why: Some(why), reason } =
                Outcome::of(Err(error))
            else {
                panic!("{code} is refused for good");
            };
            assert_eq!(found, failure);
            assert!(reason.contains(&code.to_string()) && reason.contains(words), "{reason}");
            assert_eq!(why.twilio_code, Some(code));
            assert!(why.words.starts_with(words) && !why.words.contains("No."), "{}", why.words);
        }
    }
}
