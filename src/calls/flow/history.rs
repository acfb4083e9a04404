//! The history people read: what changed between two states of a call, as named entries.

use serde_json::{Value, json};
use uuid::Uuid;

use super::state::{Call, Leg, LegStatus, Stage, Transfer};

/// One entry of a call's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// `call.connected`, `leg.ringing`, `transfer.failed` …: stable, for programs.
    pub kind: String,
    /// The leg it is about.
    pub leg_id: Option<Uuid>,
    /// Particulars; no phone numbers.
    pub detail: Value,
}

/// What is different in `after`, in the order people would tell it: legs, transfers, then the call.
pub fn changes(before: Option<&Call>, after: &Call) -> Vec<Change> {
    let mut entries = Vec::new();
    for leg in &after.legs {
        leg_changes(before.and_then(|call| call.leg(leg.id)), leg, &mut entries);
    }
    for transfer in &after.transfers {
        let earlier = before.and_then(|call| call.transfers.iter().find(|it| it.id == transfer.id));
        if earlier.map(|it| it.status) != Some(transfer.status) {
            entries.push(transfer_change(transfer));
        }
    }
    if before.map(|call| call.stage) != Some(after.stage) {
        entries.extend(call_change(after));
    }
    entries
}

fn leg_changes(before: Option<&Leg>, leg: &Leg, entries: &mut Vec<Change>) {
    let mut add = |kind: String, detail: Value| entries.push(Change { kind, leg_id: Some(leg.id), detail });
    let role = json!({ "role": leg.role });
    let is_named = leg.status > LegStatus::Creating;
    if is_named && before.map(|it| it.status) != Some(leg.status) {
        let mut detail = json!({ "role": leg.role, "failure": leg.failure });
        if leg.failure.is_some() {
            detail["failure_detail"] = leg.failure_detail().into();
            detail["twilio_code"] = leg.twilio_code.into();
        }
        add(format!("leg.{}", leg.status), detail);
    }
    let was_in_room = before.is_some_and(|it| it.in_room);
    if leg.in_room && !was_in_room {
        add("room.joined".into(), role.clone());
    }
    if was_in_room && !leg.in_room {
        add("room.left".into(), role.clone());
    }
    if leg.monitor.is_some() && leg.monitor != before.and_then(|it| it.monitor) {
        add("leg.monitor".into(), json!({ "role": leg.role, "monitor": leg.monitor }));
    }
    let told = [
        (before.is_some_and(|it| it.on_hold), leg.on_hold, "leg.held", "leg.resumed"),
        (before.is_some_and(|it| it.muted), leg.muted, "leg.muted", "leg.unmuted"),
        (before.is_some_and(Leg::is_outside), leg.is_outside(), "leg.sent_outside", "leg.sent_inside"),
    ];
    for (was, is, begun, over) in told {
        if was != is {
            add(if is { begun } else { over }.into(), role.clone());
        }
    }
}

fn transfer_change(transfer: &Transfer) -> Change {
    Change {
        kind: format!("transfer.{}", transfer.status),
        leg_id: Some(transfer.leg_id),
        detail: json!({
            "transfer": transfer.id,
            "failure": transfer.failure,
            "failure_detail": transfer.failure_detail,
            "twilio_code": transfer.twilio_code,
        }),
    }
}

fn ended(call: &Call) -> Value {
    let mut detail = json!({ "ended_by": call.ended_by, "end_reason": call.end_reason });
    if let Some(sentence) = &call.end_detail {
        detail["end_code"] = json!(call.end_code);
        detail["end_detail"] = json!(sentence);
    }
    detail
}

fn call_change(call: &Call) -> Option<Change> {
    let detail = match call.stage {
        Stage::Ending => return None,
        Stage::Ended => ended(call),
        stage => json!({ "stage": stage }),
    };
    Some(Change { kind: format!("call.{}", call.status), leg_id: None, detail })
}
