//! The stories: what each person does, and how it must end.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::stage::{CUSTOMER, FIRST_AGENT, Part, SECOND_AGENT, Stage, THIRD_AGENT};
use super::theatre::Theatre;

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
    /// The agents talk first, while the customer hears music; then the customer is handed over
    PrivateFirst,
    /// The same, and the first agent goes back to the customer in between, while the second hears music
    PrivateFirstSwapped,
    /// The agents would talk first, but the second agent's line is busy
    PrivateFirstSecondAgentBusy,
    /// The first agent leaves at once, the customer hears music until the second agent is there
    Blind,
    /// The first agent leaves at once, the second agent's line is busy, and the first is rung back
    BlindRungBack,
    /// The second agent hears a briefing and accepts
    GateAccepted,
    /// The second agent hears a briefing and declines
    GateDeclined,
    /// The second agent's voicemail answers, and accepts nothing
    GateVoicemail,
    /// Two second agents in turn: the first one's line is busy, the other takes the call
    TargetsInTurn,
    /// Two second agents at once: the first to accept takes the call, the other is told
    TargetsTogether,
    /// In one room from the start: a transfer that moves nobody
    RoomBridge,
}

/// How a story must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// `ended_by` of the call.
    pub ended_by: &'static str,
    /// `end_reason` of the call.
    pub end_reason: &'static str,
    /// `status` and `failure` of each transfer, first to last.
    pub transfers: &'static [Outcome],
}

type Outcome = (&'static str, Option<&'static str>);

const COMPLETED: Outcome = ("completed", None);
const CANCELLED: Outcome = ("cancelled", None);
const BUSY: Outcome = ("failed", Some("busy"));
const NO_ANSWER: Outcome = ("failed", Some("no_answer"));
const DECLINED: Outcome = ("failed", Some("declined"));
const ABANDONED: Outcome = ("abandoned", Some("customer_left"));

/// How long everybody's phone rings in the stories, in seconds; Twilio adds 5.
const RING_SECS: u32 = 10;

impl Scenario {
    /// How it must end.
    pub fn expected(self) -> Expected {
        let (ended_by, end_reason) = self.end();
        Expected { ended_by, end_reason, transfers: self.transfers() }
    }

    /// Who ends the call, and why.
    fn end(self) -> (&'static str, &'static str) {
        match self {
            Self::FirstAgentHangsUpNobodyAnswers => ("system", "transfer_failed"),
            Self::CustomerNoAnswer => ("system", "customer_no_answer"),
            Self::CustomerBusy => ("system", "customer_busy"),
            Self::AgentNoAnswer => ("system", "agent_no_answer"),
            Self::HungUpByCrm => ("crm", "hung_up"),
            _ => ("customer", "hung_up"),
        }
    }

    /// What becomes of each transfer.
    fn transfers(self) -> &'static [Outcome] {
        match self {
            Self::CustomerNoAnswer | Self::CustomerBusy | Self::AgentNoAnswer | Self::NoTransfer => &[],
            Self::SecondTry | Self::BlindRungBack => &[BUSY, COMPLETED],
            Self::SecondAgentBusy | Self::PrivateFirstSecondAgentBusy => &[BUSY],
            Self::SecondAgentNoAnswer | Self::FirstAgentHangsUpNobodyAnswers | Self::GateVoicemail => {
                &[NO_ANSWER]
            }
            Self::SecondAgentDeclines | Self::SecondAgentHangsUp | Self::GateDeclined => &[DECLINED],
            Self::CustomerHangsUpWhileRinging => &[ABANDONED],
            Self::Cancelled | Self::HungUpByCrm => &[CANCELLED],
            _ => &[COMPLETED],
        }
    }

    /// Who has a part in it.
    pub fn people(self) -> &'static [Part] {
        match self {
            Self::TargetsInTurn | Self::TargetsTogether => {
                &[FIRST_AGENT, CUSTOMER, SECOND_AGENT, THIRD_AGENT]
            }
            _ => &[FIRST_AGENT, CUSTOMER, SECOND_AGENT],
        }
    }

    /// How first agent and customer are joined, if not as the site wants it.
    fn bridge(self) -> Option<&'static str> {
        (self == Self::RoomBridge).then_some("room")
    }

    /// How the second agent is asked for.
    fn request(self) -> Value {
        let mut request = json!({
            "to": "agent:dana", "briefing": "Wants the large plan.", "ring_timeout_secs": RING_SECS,
        });
        match self {
            Self::PrivateFirst | Self::PrivateFirstSwapped | Self::PrivateFirstSecondAgentBusy => {
                request["style"] = "private_first".into();
            }
            Self::Blind | Self::BlindRungBack => request["style"] = "blind".into(),
            Self::GateAccepted | Self::GateDeclined | Self::GateVoicemail => {
                request["require_accept"] = true.into();
            }
            Self::TargetsInTurn => request["to"] = json!(["agent:dana", "agent:kim"]),
            Self::TargetsTogether => {
                request["to"] = json!(["agent:dana", "agent:kim"]);
                request["ring"] = "together".into();
            }
            _ => {}
        }
        request
    }

    /// Which key is pressed at the accept gate, and how long after the answer, in milliseconds. On a slow machine a key may
    /// come before the question, and is lost; the second is for that.
    fn presses(self, part: Part) -> Value {
        let key = match (self, part) {
            (Self::GateAccepted, SECOND_AGENT) | (Self::TargetsTogether, THIRD_AGENT) => "1",
            (Self::GateDeclined, SECOND_AGENT) => "2",
            _ => return json!([]),
        };
        json!([7_000, 12_000].map(|after_ms| json!({ "after_ms": after_ms, "digits": key })))
    }

    /// What each phone does when it is rung: first agent, customer, second agent, and the third.
    fn phones(self) -> [(&'static str, u64); 4] {
        let first = if self == Self::AgentNoAnswer { ("no_answer", 0) } else { ("answer", 1500) };
        let customer = match self {
            Self::CustomerNoAnswer => ("no_answer", 0),
            Self::CustomerBusy => ("busy", 800),
            _ => ("answer", 2000),
        };
        let second = match self {
            Self::SecondAgentBusy | Self::SecondTry => ("busy", 800),
            Self::PrivateFirstSecondAgentBusy | Self::BlindRungBack | Self::TargetsInTurn => ("busy", 800),
            Self::GateVoicemail => ("voicemail", 3000),
            Self::SecondAgentNoAnswer | Self::FirstAgentHangsUpNobodyAnswers => ("no_answer", 0),
            Self::SecondAgentDeclines => ("decline", 2000),
            Self::FirstAgentHangsUpWhileRinging => ("answer", 8000),
            Self::CustomerHangsUpWhileRinging | Self::Cancelled | Self::HungUpByCrm => ("answer", 60_000),
            _ => ("answer", 3000),
        };
        [first, customer, second, ("answer", 2500)]
    }
}

/// Plays the story to its end; gives the call's id.
///
/// # Errors
/// When something does not happen, or is refused.
pub async fn play(stage: &Stage, scenario: Scenario) -> anyhow::Result<String> {
    play_in(stage, scenario).await
}

/// The same in any theatre.
pub(crate) async fn play_in(stage: &impl Theatre, scenario: Scenario) -> anyhow::Result<String> {
    let people = [FIRST_AGENT, CUSTOMER, SECOND_AGENT, THIRD_AGENT];
    for (part, (behaviour, after_ms)) in people.into_iter().zip(scenario.phones()) {
        let plan = json!({ "behaviour": behaviour, "after_ms": after_ms, "presses": scenario.presses(part) });
        stage.will_in_turn(part, json!([plan])).await?;
    }
    let call = stage.place_on(scenario.bridge(), RING_SECS).await?;
    let is_talk =
        !matches!(scenario, Scenario::CustomerNoAnswer | Scenario::CustomerBusy | Scenario::AgentNoAnswer);
    if is_talk {
        let talking = if scenario == Scenario::RoomBridge { "in_room" } else { "connected" };
        stage.wait_for_status(&call, talking).await?;
        stage.pass(3.0).await;
        if scenario == Scenario::NoTransfer {
            stage.hang_up(CUSTOMER).await?;
        } else {
            transfer(stage, scenario, &call).await?;
        }
    }
    stage.wait_for_status(&call, "ended").await?;
    Ok(call)
}

async fn transfer(stage: &impl Theatre, scenario: Scenario, call: &str) -> anyhow::Result<()> {
    stage.ask(call, "transfer", Some(scenario.request())).await?;
    match scenario {
        Scenario::Straight
        | Scenario::HandedOver
        | Scenario::GateAccepted
        | Scenario::TargetsInTurn
        | Scenario::TargetsTogether
        | Scenario::RoomBridge => hand_over(stage, scenario, call).await?,
        Scenario::PrivateFirst | Scenario::PrivateFirstSwapped => {
            hand_over_from_talk(stage, scenario, call).await?;
        }
        Scenario::Blind | Scenario::BlindRungBack => {
            stage.wait_for_transfer(call, "completed").await?;
        }
        Scenario::SecondTry => {
            stage.wait_for_transfer(call, "failed").await?;
            stage.wait(call, "two are in the room", |call| in_room(call) == 2).await?;
            stage.will(SECOND_AGENT, "answer", 3000).await?;
            stage.pass(3.0).await;
            stage.ask(call, "transfer", Some(json!({ "to": "agent:dana" }))).await?;
            hand_over(stage, scenario, call).await?;
        }
        Scenario::SecondAgentHangsUp => {
            stage.wait_for_transfer(call, "joined").await?;
            stage.pass(2.0).await;
            stage.hang_up(SECOND_AGENT).await?;
            stage.wait_for_transfer(call, "failed").await?;
        }
        Scenario::CustomerHangsUpWhileRinging => {
            ringing_together(stage, call).await?;
            return stage.hang_up(CUSTOMER).await;
        }
        Scenario::FirstAgentHangsUpWhileRinging => {
            ringing_together(stage, call).await?;
            stage.hang_up(FIRST_AGENT).await?;
            stage.wait_for_transfer(call, "completed").await?;
        }
        Scenario::FirstAgentHangsUpNobodyAnswers => {
            ringing_together(stage, call).await?;
            return stage.hang_up(FIRST_AGENT).await;
        }
        Scenario::Cancelled => {
            ringing_together(stage, call).await?;
            stage.ask(call, "transfer/cancel", None).await?;
        }
        Scenario::HungUpByCrm => {
            ringing_together(stage, call).await?;
            return stage.ask(call, "hangup", None).await;
        }
        _ => drop(stage.wait_for_transfer(call, "failed").await?),
    }
    stage.wait(call, "two are in the room", |call| in_room(call) == 2).await?;
    stage.pass(6.0).await;
    stage.hang_up(CUSTOMER).await
}

async fn hand_over(stage: &impl Theatre, scenario: Scenario, call: &str) -> anyhow::Result<()> {
    stage.wait_for_transfer(call, "joined").await?;
    stage.wait(call, "three are in the room", |call| in_room(call) == 3).await?;
    stage.pass(4.0).await;
    if scenario == Scenario::HandedOver {
        stage.ask(call, "transfer/complete", None).await?;
    } else {
        stage.hang_up(FIRST_AGENT).await?;
    }
    drop(stage.wait_for_transfer(call, "completed").await?);
    Ok(())
}

/// The agents talk without the customer; then the first agent leaves when the customer has come.
async fn hand_over_from_talk(stage: &impl Theatre, scenario: Scenario, call: &str) -> anyhow::Result<()> {
    stage.wait_for_transfer(call, "joined").await?;
    stage.pass(4.0).await;
    if scenario == Scenario::PrivateFirstSwapped {
        for who in ["customer", "second_agent"] {
            stage.ask(call, "transfer/swap", None).await?;
            stage.wait(call, &format!("the {who} is in the room"), |call| is_in_room(call, who)).await?;
            stage.pass(3.0).await;
        }
    }
    stage.ask(call, "transfer/complete", None).await?;
    drop(stage.wait_for_transfer(call, "completed").await?);
    Ok(())
}

/// The second agent's phone rings, customer and first agent are in the room.
async fn ringing_together(stage: &impl Theatre, call: &str) -> anyhow::Result<()> {
    stage.wait_for_transfer(call, "ringing").await?;
    stage.wait(call, "two are in the room", |call| in_room(call) == 2).await?;
    stage.pass(1.5).await;
    Ok(())
}

fn in_room(call: &Value) -> usize {
    let legs = call["legs"].as_array().map(Vec::as_slice).unwrap_or_default();
    legs.iter().filter(|leg| leg["in_room"] == true).count()
}

fn is_in_room(call: &Value, role: &str) -> bool {
    let legs = call["legs"].as_array().map(Vec::as_slice).unwrap_or_default();
    legs.iter().any(|leg| leg["role"] == role && leg["in_room"] == true)
}
