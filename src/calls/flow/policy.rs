//! What a site may choose about the flow; times in seconds.

/// The choices, as values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How long after a ring should have ended Twilio is asked what became of it.
    pub ring_grace_secs: u32,
    /// By when customer and agent must have reached the room.
    pub move_limit_secs: u32,
    /// How long legs of an ending call may take to end by themselves; I3 allows 10.
    pub end_limit_secs: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { ring_grace_secs: 10, move_limit_secs: 10, end_limit_secs: 8 }
    }
}
