//! What a site may choose about the flow: what happens where more than one answer is reasonable, and how long things may
//! take, in seconds.

use super::state::vocabulary;

vocabulary! {
    /// The agent leaves while the second agent is being rung.
    AgentLeavesEarly {
        /// The customer hears music until the second agent is there.
        CustomerWaits,
        /// The customer is told that nobody is available, and the call ends.
        EndCall,
    }
}

vocabulary! {
    /// Nobody is left for the customer.
    NobodyLeft {
        /// The customer is told so, and the call ends.
        Goodbye,
        /// The agent who left is rung back; if that is in vain, the customer is told.
        RingBack,
    }
}

vocabulary! {
    /// The customer leaves while the agents talk without them.
    CustomerLeavesConsult {
        /// Both agents are told, and the call ends.
        End,
        /// Both agents are told, and may finish their talk.
        AgentsFinish,
    }
}

vocabulary! {
    /// A second agent is busy or does not answer, and there is no other.
    TargetFails {
        /// The transfer has failed: the customer is with the first agent again.
        GiveUp,
        /// They are rung once more before that.
        TryAgain,
    }
}

/// The choices, as values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The agent leaves while the second agent is being rung.
    pub agent_leaves_early: AgentLeavesEarly,
    /// The agent left early, and the second agent is not reached.
    pub nobody_reached: NobodyLeft,
    /// The second agent of a blind transfer is not reached.
    pub blind_fails: NobodyLeft,
    /// The second agent leaves after the hand-over.
    pub second_agent_leaves: NobodyLeft,
    /// The customer leaves while the agents talk without them.
    pub customer_leaves_consult: CustomerLeavesConsult,
    /// A second agent is busy or does not answer, and there is no other.
    pub target_fails: TargetFails,
    /// How long after a ring should have ended Twilio is asked what became of it.
    pub ring_grace_secs: u32,
    /// How long a second agent who has answered may take to accept.
    pub accept_limit_secs: u32,
    /// How long the agents may talk while the customer waits; then the customer is brought in.
    pub consult_limit_secs: u32,
    /// How long agents who finish their talk without the customer may take.
    pub finish_limit_secs: u32,
    /// By when whoever was sent to the room must be there.
    pub move_limit_secs: u32,
    /// How long legs of an ending call may take to end by themselves; I3 allows 10.
    pub end_limit_secs: u32,
    /// How often Twilio is asked whether a call is as we believe.
    pub watch_secs: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            agent_leaves_early: AgentLeavesEarly::CustomerWaits,
            nobody_reached: NobodyLeft::Goodbye,
            blind_fails: NobodyLeft::RingBack,
            second_agent_leaves: NobodyLeft::Goodbye,
            customer_leaves_consult: CustomerLeavesConsult::End,
            target_fails: TargetFails::GiveUp,
            ring_grace_secs: 10,
            accept_limit_secs: 45,
            consult_limit_secs: 600,
            finish_limit_secs: 120,
            move_limit_secs: 10,
            end_limit_secs: 8,
            watch_secs: 120,
        }
    }
}
