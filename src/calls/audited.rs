//! What the audit log says of a program's requests on calls: who asked for what, never whom it rings.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::flow::{Control, Event};
use crate::audit::{Actor, Entry};

/// The entry for a request that was taken into a call.
pub fn entry(by: Actor, at: DateTime<Utc>, call_id: Uuid, event: &Event) -> Entry {
    let (action, detail) = words(event);
    Entry { at, actor: by, action, subject: Some(call_id.to_string()), detail }
}

fn words(event: &Event) -> (&'static str, Value) {
    match event {
        Event::Placed => ("call.placed", json!({})),
        Event::TransferRequested(request) => {
            let (style, rung) = (request.style, request.targets.len());
            ("transfer.requested", json!({ "transfer": request.transfer_id, "style": style, "rung": rung }))
        }
        Event::CompleteRequested => ("transfer.completed", json!({})),
        Event::CancelRequested => ("transfer.cancelled", json!({})),
        Event::MergeRequested => ("transfer.merged", json!({})),
        Event::SwapRequested => ("transfer.swapped", json!({})),
        Event::ControlRequested { role, control } => {
            let action = match control {
                Control::Hold => "participant.held",
                Control::Resume => "participant.resumed",
                Control::Mute => "participant.muted",
                Control::Unmute => "participant.unmuted",
            };
            (action, json!({ "role": role }))
        }
        Event::RemoveRequested { role, .. } => ("participant.removed", json!({ "role": role })),
        Event::SuperviseRequested(request) => ("call.supervised", json!({ "monitor": request.monitor })),
        Event::SuperviseEndRequested { .. } => ("call.left_by_supervisor", json!({})),
        Event::HangUpRequested { .. } => ("call.hung_up", json!({})),
        // Nobody asks for what Twilio or a timer says; it stands in the call's timeline.
        _ => ("call.changed", json!({})),
    }
}
