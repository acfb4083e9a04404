//! The stories: what each person does, and how it must end.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::stage::{CUSTOMER, FIRST_AGENT, SECOND_AGENT, Stage};

/// A story that can be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "kebab-case")]
pub enum Scenario {
    /// Called, talked, transferred, introduced, handed over, ended by the customer
    Straight,
    /// The first agent hands over by the API instead of hanging up
    HandedOver,
    /// The second agent's line is busy
    SecondAgentBusy,
    /// The second agent's phone rings out
    SecondAgentNoAnswer,
    /// The second agent's line is busy, the first agent tries again, and they answer
    SecondTry,
    /// The second agent declines
    SecondAgentDeclines,
    /// The second agent joins, and hangs up before the hand-over
    SecondAgentHangsUp,
    /// The customer hangs up while the second agent's phone rings
    CustomerHangsUpWhileRinging,
    /// The first agent hangs up while the second agent's phone rings, and the second agent answers
    FirstAgentHangsUpWhileRinging,
    /// The first agent hangs up while it rings, and the second agent does not answer
    FirstAgentHangsUpNobodyAnswers,
    /// The transfer is taken back while it rings
    Cancelled,
    /// The customer does not answer
    CustomerNoAnswer,
    /// The customer's line is busy
    CustomerBusy,
    /// The first agent does not answer
    AgentNoAnswer,
    /// Called and talked; the customer hangs up, nobody is transferred
    NoTransfer,
    /// The CRM ends the call in the middle of the transfer
    HungUpByCrm,
}

/// How a story must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// `ended_by` of the call.
    pub ended_by: &'static str,
    /// `end_reason` of the call.
    pub end_reason: &'static str,
    /// `status` and `failure` of the transfer, if there is one.
    pub transfer: Option<(&'static str, Option<&'static str>)>,
}

/// How long everybody's phone rings in the stories, in seconds; Twilio adds 5.
const RING_SECS: u32 = 10;

impl Scenario {
    /// How it must end.
    pub fn expected(self) -> Expected {
        let by = |ended_by, end_reason, transfer| Expected { ended_by, end_reason, transfer };
        let customer = |status, failure| by("customer", "hung_up", Some((status, failure)));
        match self {
            Self::Straight | Self::HandedOver | Self::SecondTry => customer("completed", None),
            Self::FirstAgentHangsUpWhileRinging => customer("completed", None),
            Self::SecondAgentBusy => customer("failed", Some("busy")),
            Self::SecondAgentNoAnswer => customer("failed", Some("no_answer")),
            Self::SecondAgentDeclines | Self::SecondAgentHangsUp => customer("failed", Some("declined")),
            Self::CustomerHangsUpWhileRinging => customer("abandoned", Some("customer_left")),
            Self::FirstAgentHangsUpNobodyAnswers => {
                by("system", "transfer_failed", Some(("failed", Some("no_answer"))))
            }
            Self::Cancelled => customer("cancelled", None),
            Self::CustomerNoAnswer => by("system", "customer_no_answer", None),
            Self::CustomerBusy => by("system", "customer_busy", None),
            Self::AgentNoAnswer => by("system", "agent_no_answer", None),
            Self::NoTransfer => by("customer", "hung_up", None),
            Self::HungUpByCrm => by("crm", "hung_up", Some(("cancelled", None))),
        }
    }

    /// What each phone does when it is rung: first agent, customer, second agent.
    fn phones(self) -> [(&'static str, u64); 3] {
        let first = if self == Self::AgentNoAnswer { ("no_answer", 0) } else { ("answer", 1500) };
        let customer = match self {
            Self::CustomerNoAnswer => ("no_answer", 0),
            Self::CustomerBusy => ("busy", 800),
            _ => ("answer", 2000),
        };
        let second = match self {
            Self::SecondAgentBusy | Self::SecondTry => ("busy", 800),
            Self::SecondAgentNoAnswer | Self::FirstAgentHangsUpNobodyAnswers => ("no_answer", 0),
            Self::SecondAgentDeclines => ("decline", 2000),
            Self::FirstAgentHangsUpWhileRinging => ("answer", 8000),
            Self::CustomerHangsUpWhileRinging | Self::Cancelled | Self::HungUpByCrm => ("answer", 60_000),
            _ => ("answer", 3000),
        };
        [first, customer, second]
    }
}

/// Plays the story to its end; gives the call's id.
///
/// # Errors
/// When something does not happen, or is refused.
pub async fn play(stage: &Stage, scenario: Scenario) -> anyhow::Result<String> {
    let people = [FIRST_AGENT, CUSTOMER, SECOND_AGENT];
    for (part, (behaviour, after_ms)) in people.into_iter().zip(scenario.phones()) {
        stage.phones.will(part, behaviour, after_ms).await?;
    }
    let call = stage.crm.place(RING_SECS).await?;
    let is_talk =
        !matches!(scenario, Scenario::CustomerNoAnswer | Scenario::CustomerBusy | Scenario::AgentNoAnswer);
    if is_talk {
        stage.crm.wait_for_status(&call, "connected").await?;
        stage.pass(3.0).await;
        if scenario == Scenario::NoTransfer {
            stage.phones.hang_up(CUSTOMER).await?;
        } else {
            transfer(stage, scenario, &call).await?;
        }
    }
    stage.crm.wait_for_status(&call, "ended").await?;
    Ok(call)
}

async fn transfer(stage: &Stage, scenario: Scenario, call: &str) -> anyhow::Result<()> {
    let body =
        json!({ "to": "agent:dana", "briefing": "Wants the large plan.", "ring_timeout_secs": RING_SECS });
    stage.crm.ask(call, "transfer", Some(body)).await?;
    match scenario {
        Scenario::Straight | Scenario::HandedOver => hand_over(stage, scenario, call).await?,
        Scenario::SecondTry => {
            stage.crm.wait_for_transfer(call, "failed").await?;
            stage.crm.wait(call, "two are in the room", |call| in_room(call) == 2).await?;
            stage.phones.will(SECOND_AGENT, "answer", 3000).await?;
            stage.pass(3.0).await;
            stage.crm.ask(call, "transfer", Some(json!({ "to": "agent:dana" }))).await?;
            hand_over(stage, scenario, call).await?;
        }
        Scenario::SecondAgentHangsUp => {
            stage.crm.wait_for_transfer(call, "joined").await?;
            stage.pass(2.0).await;
            stage.phones.hang_up(SECOND_AGENT).await?;
            stage.crm.wait_for_transfer(call, "failed").await?;
        }
        Scenario::CustomerHangsUpWhileRinging => {
            ringing_together(stage, call).await?;
            return stage.phones.hang_up(CUSTOMER).await;
        }
        Scenario::FirstAgentHangsUpWhileRinging => {
            ringing_together(stage, call).await?;
            stage.phones.hang_up(FIRST_AGENT).await?;
            stage.crm.wait_for_transfer(call, "completed").await?;
        }
        Scenario::FirstAgentHangsUpNobodyAnswers => {
            ringing_together(stage, call).await?;
            return stage.phones.hang_up(FIRST_AGENT).await;
        }
        Scenario::Cancelled => {
            ringing_together(stage, call).await?;
            stage.crm.ask(call, "transfer/cancel", None).await?;
        }
        Scenario::HungUpByCrm => {
            ringing_together(stage, call).await?;
            return stage.crm.ask(call, "hangup", None).await;
        }
        _ => drop(stage.crm.wait_for_transfer(call, "failed").await?),
    }
    stage.crm.wait(call, "two are in the room", |call| in_room(call) == 2).await?;
    stage.pass(6.0).await;
    stage.phones.hang_up(CUSTOMER).await
}

async fn hand_over(stage: &Stage, scenario: Scenario, call: &str) -> anyhow::Result<()> {
    stage.crm.wait_for_transfer(call, "joined").await?;
    stage.crm.wait(call, "three are in the room", |call| in_room(call) == 3).await?;
    stage.pass(4.0).await;
    if scenario == Scenario::HandedOver {
        stage.crm.ask(call, "transfer/complete", None).await?;
    } else {
        stage.phones.hang_up(FIRST_AGENT).await?;
    }
    drop(stage.crm.wait_for_transfer(call, "completed").await?);
    Ok(())
}

/// The second agent's phone rings, customer and first agent are in the room.
async fn ringing_together(stage: &Stage, call: &str) -> anyhow::Result<()> {
    stage.crm.wait_for_transfer(call, "ringing").await?;
    stage.crm.wait(call, "two are in the room", |call| in_room(call) == 2).await?;
    stage.pass(1.5).await;
    Ok(())
}

fn in_room(call: &Value) -> usize {
    let legs = call["legs"].as_array().map(Vec::as_slice).unwrap_or_default();
    legs.iter().filter(|leg| leg["in_room"] == true).count()
}
