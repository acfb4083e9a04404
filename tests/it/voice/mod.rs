//! What Twilio asks: every view signed and unsigned, with the database there and away, and ten thousand requests that mean
//! no good.

mod away;
mod hostile;
mod spool;
mod views;

const CALL: &str = "00000000-0000-0000-0000-000000000001";
const LEG: &str = "00000000-0000-0000-0000-000000000002";
const AGENT_SID: &str = "CA00000000000000000000000000000001";
const CUSTOMER_SID: &str = "CA00000000000000000000000000000002";

/// Every Twilio-facing address, with the query it is given out with.
fn addresses() -> Vec<(&'static str, String)> {
    let room = format!("call={CALL}&leg={LEG}&room=room-1");
    vec![
        (
            "second-leg",
            format!(
                "/twiml/second-leg?call={CALL}&leg={LEG}&customer_leg=00000000-0000-0000-0000-000000000003\
                 &to=%2B15550100199&caller_id=%2B15550100100&room=room-1&timeout=25&time_limit=14400"
            ),
        ),
        ("conference", format!("/twiml/conference?{room}")),
        ("first-leg-disconnected", format!("/twiml/first-leg-disconnected?{room}")),
        ("wait", format!("/twiml/wait?call={CALL}")),
        ("announce", format!("/twiml/announce?call={CALL}&text=Dana+is+busy.")),
        ("goodbye", format!("/twiml/goodbye?call={CALL}&text=Goodbye.")),
        ("call-status", format!("/webhooks/call-status?call={CALL}&leg={LEG}")),
        ("conference-status", format!("/webhooks/conference-status?call={CALL}")),
    ]
}

/// What Twilio sends with it.
fn form() -> Vec<(&'static str, &'static str)> {
    vec![
        ("AccountSid", "AC00000000000000000000000000000001"),
        ("ApiVersion", "2010-04-01"),
        ("CallSid", AGENT_SID),
        ("CallStatus", "in-progress"),
        ("DialBridged", "true"),
        ("DialCallSid", CUSTOMER_SID),
        ("DialCallStatus", "completed"),
        ("Direction", "outbound-api"),
        ("From", "+15550100100"),
        ("To", "+15550100101"),
    ]
}
