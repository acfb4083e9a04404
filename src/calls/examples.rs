//! What the OpenAPI document shows of requests and answers.

use serde_json::{Value, json};

const CALL: &str = "01a1f3a2-6f00-7c55-9d0b-1f2a3b4c5d6e";
const AGENT: &str = "01a1f3a2-6f00-7c55-9d0b-1f2a3b4c5d6f";
const CUSTOMER: &str = "01a1f3a2-6f00-7c55-9d0b-1f2a3b4c5d70";
const SECOND: &str = "01a1f3a2-9b20-7d10-8a11-0a1b2c3d4e5f";
const TRANSFER: &str = "01a1f3a2-9b20-7d10-8a11-0a1b2c3d4e60";

/// A request for a call.
pub fn new_call() -> Value {
    json!({
        "agent": "agent:alice",
        "customer": "+15550100199",
        "external_id": "deal-42",
        "metadata": { "campaign": "autumn" },
    })
}

/// A request for a transfer.
pub fn new_transfer() -> Value {
    json!({
        "to": ["agent:dana", "+15550100103"],
        "ring": "in_turn",
        "style": "private_first",
        "briefing": "Wants to extend the contract by a year.",
    })
}

fn leg(id: &str, role: &str, name: &str, address: &str, status: &str) -> Value {
    let is_known = status != "creating" && status != "unplaced";
    json!({
        "id": id,
        "role": role,
        "address": address,
        "name": name,
        "call_sid": is_known.then_some("CA00000000000000000000000000000001"),
        "status": status,
        "failure": null,
        "failure_detail": null,
        "twilio_code": null,
        "in_room": false,
        "on_hold": false,
        "muted": false,
        "is_outside": false,
        "monitor": null,
        "transfer_id": null,
        "answered_at": (status == "in_progress").then_some("2026-11-21T09:30:04.500000Z"),
        "ended_at": null,
    })
}

/// A call that has just been asked for.
pub fn call() -> Value {
    json!({
        "id": CALL,
        "status": "queued",
        "ended_by": null,
        "end_reason": null,
        "end_code": null, "end_detail": null,
        "queue_position": 3,
        "bridge": "dial",
        "caller_id": "+15550100100",
        "agent_caller_id": "+15550100100",
        "legs": [
            leg(AGENT, "first_agent", "Alice", "+15550100101", "creating"),
            leg(CUSTOMER, "customer", "the customer", "+15550100199", "unplaced"),
        ],
        "transfers": [],
        "room": "room-6f1c2b9a4e8d4b6c9a7f",
        "conference_sid": null,
        "external_id": "deal-42",
        "outcome": null,
        "outcome_missing": false,
        "metadata": { "campaign": "autumn" },
        "ring_timeout_secs": 25,
        "time_limit_secs": 14_400,
        "created_at": "2026-11-21T09:30:00.000000Z",
        "connected_at": null,
        "ended_at": null,
    })
}

/// A call whose customer and agent talk.
pub fn connected() -> Value {
    let mut call = call();
    call["status"] = json!("connected");
    call["queue_position"] = Value::Null;
    call["connected_at"] = json!("2026-11-21T09:30:04.500000Z");
    call["legs"] = json!([
        leg(AGENT, "first_agent", "Alice", "+15550100101", "in_progress"),
        leg(CUSTOMER, "customer", "the customer", "+15550100199", "in_progress"),
    ]);
    call
}

/// A call with a transfer under way.
pub fn transferring() -> Value {
    let mut call = connected();
    call["status"] = json!("transferring");
    let mut second = leg(SECOND, "second_agent", "Dana", "+15550100102", "creating");
    second["transfer_id"] = json!(TRANSFER);
    if let Some(legs) = call["legs"].as_array_mut() {
        legs.push(second);
    }
    call["transfers"] = json!([{
        "id": TRANSFER,
        "leg_id": SECOND,
        "style": "private_first",
        "ring": "in_turn",
        "require_accept": false,
        "recall": false,
        "status": "requested",
        "failure": null,
        "failure_detail": null,
        "twilio_code": null,
        "briefing": "Wants to extend the contract by a year.",
        "ring_timeout_secs": 25,
        "requested_at": "2026-11-21T09:31:10.000000Z",
        "ended_at": null,
    }]);
    call
}

/// What came of a call.
pub fn new_outcome() -> Value {
    json!({ "disposition": "appointment", "notes": "Tuesday at ten, by video." })
}

/// A call of which it is known what came of it.
pub fn with_outcome() -> Value {
    let mut call = connected();
    call["outcome"] = json!({
        "disposition": "appointment",
        "notes": "Tuesday at ten, by video.",
        "set_by": "crm",
        "set_at": "2026-11-21T09:35:00.000000Z",
    });
    call
}

/// A page of calls.
pub fn page() -> Value {
    json!({ "calls": [connected()], "next_cursor": CALL })
}
