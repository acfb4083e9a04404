//! The table: for every stage a call can be in and everything that can happen to it, the rule that applies.

use strum::EnumCount;

use super::state::{Stage, vocabulary};

vocabulary! {
    /// What an [`Event`](super::Event) amounts to, once duplicates and stale news are set aside: the rows of the table.
    /// *The agent* is whoever holds the customer; *the second agent* is whoever is being brought in.
    Trigger {
        /// The call's turn to be dialled has come.
        Placed,
        /// Its turn has come, and it may not be dialled any more.
        Withdrawn,
        /// Twilio has taken the first agent's leg.
        AgentDialled,
        /// The agent picked up.
        AgentAnswered,
        /// The agent's phone was never answered.
        AgentFailed,
        /// The agent, who was on the line, has hung up.
        AgentLeft,
        /// The customer's phone is being rung.
        CustomerRinging,
        /// The customer picked up.
        CustomerAnswered,
        /// The customer's phone was never answered.
        CustomerFailed,
        /// The customer, who was on the line, has hung up.
        CustomerLeft,
        /// The first agent's Dial ended while they stayed on the line.
        DialEnded,
        /// Customer or agent came into the room; for an agent who had not been heard of, that is the answer.
        Gathered,
        /// The second agent's phone rings.
        SecondAgentRinging,
        /// The second agent picked up.
        SecondAgentAnswered,
        /// The second agent takes the call.
        SecondAgentAccepted,
        /// The second agent does not take the call, or has said nothing for too long.
        SecondAgentDeclined,
        /// The second agent has picked up, taken the call, and is in the room.
        SecondAgentJoined,
        /// The second agent's phone was never answered.
        SecondAgentFailed,
        /// The second agent, who was on the line, has hung up.
        SecondAgentLeft,
        /// Whoever was sent to the music is there, and out of the room.
        Parked,
        /// Twilio would not send somebody where they should go.
        MoveRefused,
        /// Somebody asked for a second agent.
        TransferRequested,
        /// Somebody asked for the hand-over.
        CompleteRequested,
        /// Somebody wants everybody in the room.
        MergeRequested,
        /// Somebody wants the one outside and the one inside to change places.
        SwapRequested,
        /// Somebody took the transfer back.
        CancelRequested,
        /// Somebody wants a person held, resumed, muted or unmuted.
        ControlRequested,
        /// Somebody wants a person to leave.
        RemoveRequested,
        /// A supervisor wants to be in the room, or to do something else there.
        SuperviseRequested,
        /// A supervisor wants to leave.
        SuperviseEndRequested,
        /// Somebody wants the call ended.
        HangUpRequested,
        /// A leg that plays no part any more has ended.
        LegOver,
        /// Twilio should long have told what became of a ringing leg.
        RingOverdue,
        /// The agents have talked without the customer for long enough.
        ConsultOverdue,
        /// Somebody should long have come to the room.
        MoveOverdue,
        /// Twilio was asked where they are, and they have still not come.
        MoveLost,
        /// A leg that was to end should long have ended.
        EndOverdue,
        /// Time to ask Twilio whether all is as we believe.
        WatchDue,
    }
}

vocabulary! {
    /// What to do: a cell of the table. Each is one short function in `rules`.
    Rule {
        /// Nothing beyond what is already noted about the leg.
        Note,
        /// Ring the first agent.
        Place,
        /// Nobody is rung: the call is over.
        Withdraw,
        /// The first agent is being rung.
        RingAgent,
        /// The customer is being rung.
        RingCustomer,
        /// Customer and agent talk.
        Connect,
        /// The first agent was not reached: the call is over.
        NoAgent,
        /// The customer was not reached: the agent is told, the call is over.
        NoCustomer,
        /// The agent hung up on the bridge: Twilio ends the customer's leg.
        HungUp,
        /// The customer's leg on the bridge ended: theirs was the hang-up unless the agent's proves to be.
        CustOver,
        /// The bridge ended under the agent: the customer hung up, or was moved after all.
        DialOver,
        /// Second agent rung, customer moved to the room or to the music: at the same time.
        Bring,
        /// Second agent's phone rings.
        Ring,
        /// Second agent picked up: theirs is the call, or they are asked whether they take it.
        PickUp,
        /// Second agent takes the call: the others are told.
        Accept,
        /// Three in the room, or two who talk without the customer: by the transfer's style.
        Arrive,
        /// Who was to come in when the other had left may come now.
        BringNext,
        /// Everybody into the room.
        Merge,
        /// The one outside and the one inside change places.
        Swap,
        /// Everybody into the room; the agent leaves when the others are together.
        Complete,
        /// If the others are together, the agent may leave.
        Release,
        /// Somebody could not be moved: as it was before.
        Return,
        /// The next second agent is rung; after the last, customer and agent are together and are told why.
        Fail,
        /// Transfer taken back: customer and agent stay together.
        Cancel,
        /// The agent left early: the customer is told to wait for the second agent.
        Wait,
        /// The agent is to leave now.
        Leave,
        /// The agent has left: customer and second agent go on.
        HandOver,
        /// The next second agent is rung; after the last, nobody is left for the customer: the agent is rung back, or the
        /// customer is told and the call is over.
        Goodbye,
        /// The customer left: ringing stops, agents are told, the call is over.
        CustGone,
        /// The agent left the customer in the room: the room closes.
        AgentGone,
        /// Two in the room: Twilio is to close it when either leaves; what is still to be said is said.
        Settle,
        /// Holds, resumes, mutes or unmutes.
        Control,
        /// Somebody has to leave.
        Remove,
        /// A supervisor listens, coaches or speaks; from the bridge, both go to the room first.
        Supervise,
        /// A supervisor leaves.
        Dismiss,
        /// Somebody ends the whole call.
        EndAll,
        /// Look whether any leg is left.
        Close,
        /// Work out who hung up first, then look whether any leg is left.
        Blame,
        /// Ask Twilio what became of the leg.
        Ask,
        /// Ask Twilio where the missing are.
        Seek,
        /// Send the missing to the room again.
        Resend,
        /// Ask Twilio how everybody is.
        Watch,
        /// Order the end of every leg that should be over, again.
        Chase,
        /// 409: nobody to transfer yet.
        NotYet,
        /// 409: one transfer at a time.
        Busy,
        /// 409: there is no transfer.
        NoTrans,
        /// 409: the second agent is not there yet.
        Alone,
        /// 409: the agents are not talking alone.
        NotApart,
        /// 409: the call has ended.
        Late,
    }
}

/// A row: what happens, and the rule for each [`Stage`] in order.
pub type Row = (Trigger, [Rule; Stage::COUNT]);

use Rule::*;
use Trigger::*;

/// Every cell is filled. Read it across: what this event means in each stage.
#[rustfmt::skip]
pub const TABLE: [Row; Trigger::COUNT] = [
//                        Queued        DialingAgent  DialingCust.  Connected     Transferring  Consulting    Swapped       Introducing   Waiting       InRoom        Ending        Ended
    (Placed,              [Place,        Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note]),
    (Withdrawn,           [Withdraw,     Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note]),
    (AgentDialled,        [RingAgent,    Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note]),
    (AgentAnswered,       [RingCustomer, RingCustomer, Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note]),
    (AgentFailed,         [NoAgent,      NoAgent,      NoAgent,      HungUp,       Wait,         HandOver,     HandOver,     HandOver,     BringNext,    AgentGone,    Close,        Note]),
    (AgentLeft,           [HungUp,       HungUp,       HungUp,       HungUp,       Wait,         HandOver,     HandOver,     HandOver,     BringNext,    AgentGone,    Blame,        Note]),
    (CustomerRinging,     [RingCustomer, RingCustomer, Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note]),
    (CustomerAnswered,    [Connect,      Connect,      Connect,      Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note]),
    (CustomerFailed,      [NoCustomer,   NoCustomer,   NoCustomer,   CustOver,     CustGone,     CustGone,     CustGone,     CustGone,     CustGone,     CustGone,     Close,        Note]),
    (CustomerLeft,        [CustOver,     CustOver,     CustOver,     CustOver,     CustGone,     CustGone,     CustGone,     CustGone,     CustGone,     CustGone,     Close,        Note]),
    (DialEnded,           [DialOver,     DialOver,     DialOver,     DialOver,     Note,         Note,         Note,         Note,         Note,         Note,         Blame,        Note]),
    (Gathered,            [RingCustomer, RingCustomer, Note,         Note,         Settle,       Note,         Note,         Release,      Note,         Settle,       Note,         Note]),
    (SecondAgentRinging,  [Note,         Note,         Note,         Note,         Ring,         Note,         Note,         Note,         Ring,         Note,         Note,         Note]),
    (SecondAgentAnswered, [Note,         Note,         Note,         Note,         PickUp,       Note,         Note,         Note,         PickUp,       Note,         Note,         Note]),
    (SecondAgentAccepted, [Note,         Note,         Note,         Note,         Accept,       Note,         Note,         Note,         Accept,       Note,         Note,         Note]),
    (SecondAgentDeclined, [Note,         Note,         Note,         Note,         Fail,         Note,         Note,         Note,         Goodbye,      Note,         Close,        Note]),
    (SecondAgentJoined,   [Note,         Note,         Note,         Note,         Arrive,       Note,         Note,         Release,      HandOver,     Note,         Note,         Note]),
    (SecondAgentFailed,   [Note,         Note,         Note,         Note,         Fail,         Fail,         Fail,         Fail,         Goodbye,      Note,         Close,        Note]),
    (SecondAgentLeft,     [Note,         Note,         Note,         Note,         Fail,         Fail,         Fail,         Fail,         Goodbye,      Note,         Close,        Note]),
    (Parked,              [Note,         Note,         Note,         Note,         BringNext,    BringNext,    BringNext,    Note,         Note,         Note,         Note,         Note]),
    (MoveRefused,         [Note,         Note,         Note,         Note,         Return,       Return,       Return,       Return,       Return,       Seek,         Note,         Note]),
    (TransferRequested,   [NotYet,       NotYet,       NotYet,       Bring,        Busy,         Busy,         Busy,         Busy,         Busy,         Bring,        Late,         Late]),
    (CompleteRequested,   [NoTrans,      NoTrans,      NoTrans,      NoTrans,      Alone,        Complete,     Complete,     Leave,        Alone,        NoTrans,      Late,         Late]),
    (MergeRequested,      [NoTrans,      NoTrans,      NoTrans,      NoTrans,      Alone,        Merge,        Merge,        Note,         Alone,        NoTrans,      Late,         Late]),
    (SwapRequested,       [NoTrans,      NoTrans,      NoTrans,      NoTrans,      Alone,        Swap,         Swap,         NotApart,     Alone,        NoTrans,      Late,         Late]),
    (CancelRequested,     [NoTrans,      NoTrans,      NoTrans,      NoTrans,      Cancel,       Cancel,       Cancel,       Cancel,       Goodbye,      NoTrans,      Late,         Late]),
    (ControlRequested,    [NotYet,       NotYet,       NotYet,       Control,      Control,      Control,      Control,      Control,      Control,      Control,      Late,         Late]),
    (RemoveRequested,     [NotYet,       NotYet,       NotYet,       Remove,       Remove,       Remove,       Remove,       Remove,       Remove,       Remove,       Late,         Late]),
    (SuperviseRequested,  [NotYet,       NotYet,       NotYet,       Supervise,    Supervise,    Supervise,    Supervise,    Supervise,    Supervise,    Supervise,    Late,         Late]),
    (SuperviseEndRequested, [NotYet,     NotYet,       NotYet,       Dismiss,      Dismiss,      Dismiss,      Dismiss,      Dismiss,      Dismiss,      Dismiss,      Late,         Late]),
    (HangUpRequested,     [EndAll,       EndAll,       EndAll,       EndAll,       EndAll,       EndAll,       EndAll,       EndAll,       EndAll,       EndAll,       Chase,        Late]),
    (LegOver,             [Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Note,         Close,        Note]),
    (RingOverdue,         [Ask,          Ask,          Ask,          Note,         Ask,          Note,         Note,         Note,         Ask,          Note,         Note,         Note]),
    (ConsultOverdue,      [Note,         Note,         Note,         Note,         Note,         Merge,        Note,         Note,         Note,         Note,         Note,         Note]),
    (MoveOverdue,         [Note,         Note,         Note,         Note,         Seek,         Seek,         Seek,         Seek,         Seek,         Seek,         Note,         Note]),
    (MoveLost,            [Note,         Note,         Note,         Note,         Resend,       Resend,       Resend,       Resend,       Resend,       Resend,       Note,         Note]),
    (EndOverdue,          [Note,         Note,         Note,         Note,         Chase,        Chase,        Chase,        Chase,        Chase,        Chase,        Chase,        Note]),
    (WatchDue,            [Watch,        Watch,        Watch,        Watch,        Watch,        Watch,        Watch,        Watch,        Watch,        Watch,        Watch,        Note]),
];

/// The rule for what happened in this stage.
pub fn rule(stage: Stage, trigger: Trigger) -> Rule {
    TABLE[trigger as usize].1[stage as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_stand_in_the_order_of_the_triggers() {
        for (index, (trigger, _)) in TABLE.iter().enumerate() {
            assert_eq!(*trigger as usize, index, "{trigger}");
        }
    }
}
